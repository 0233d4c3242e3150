/* SPDX-License-Identifier: Apache-2.0 */
/* graph/infer_conv.c: types and shapes of what slides a window over its input: convolutions,
 * pooling, and the gradients of both. */
#include <string.h>

#include "graph/infer.h"

/* Attributes are at most this, so that a few of them multiplied still fit. */
#define LIMIT INT32_MAX

/* What a window does, a number for each spatial dimension. */
typedef struct sliding {
  int32_t rank;
  int pad; /* NOTSET, SAME_UPPER, SAME_LOWER, VALID */
  int64_t kernel[ADZE_GRAPH_RANK];
  int64_t strides[ADZE_GRAPH_RANK], dilations[ADZE_GRAPH_RANK];
  int64_t pads[2 * ADZE_GRAPH_RANK];
  bool ceil;
} sliding;

enum { NOTSET, SAME_UPPER, SAME_LOWER, VALID };

/* All but the kernel, for RANK spatial dimensions. */
static adze_error *
read_window (const adze_infer *infer, int32_t rank, sliding *into)
{
  size_t count = (size_t)rank;
  into->rank = rank;
  into->ceil = adze_node_int (infer->node, "ceil_mode", 0) != 0;
  ADZE_TRY (adze_infer_choice (infer, "auto_pad", "NOTSET|SAME_UPPER|SAME_LOWER|VALID", NOTSET,
                               &into->pad));
  ADZE_TRY (adze_infer_list (infer, "strides", count, 1, 1, LIMIT, into->strides));
  ADZE_TRY (adze_infer_list (infer, "dilations", count, 1, 1, LIMIT, into->dilations));
  ADZE_TRY (adze_infer_list (infer, "pads", 2 * count, 0, 0, LIMIT, into->pads));
  for (size_t i = 0; i < 2 * count; i++)
    if (into->pad != NOTSET && into->pads[i] != 0)
      return adze_infer_refuse (infer, "has both 'auto_pad' and 'pads', which rule each other out");
  return NULL;
}

/* The kernel of a convolution: what its weights (input INDEX) say, and the attribute as well. */
static adze_error *
read_kernel (const adze_infer *infer, size_t index, sliding *into)
{
  const adze_infer_value *weights = &infer->inputs[index];
  ADZE_TRY (adze_infer_list (infer, "kernel_shape", (size_t)into->rank, -1, 1, LIMIT,
                             into->kernel));
  for (int32_t d = 0; weights->rank >= 0 && d < into->rank; d++) {
    ADZE_TRY (adze_infer_same (infer, into->kernel[d], weights->shape[2 + d],
                               "a size of the kernel", &into->kernel[d]));
    if (into->kernel[d] == 0 || into->kernel[d] > LIMIT)
      return adze_infer_refuse (infer, "the kernel is of size %lld in dimension %d",
                                (long long)into->kernel[d], d);
  }
  return NULL;
}

/* How many places the window has in SIZE. */
static adze_error *
places (const adze_infer *infer, const sliding *window, int32_t d, int64_t size, int64_t *into)
{
  int64_t kernel = window->kernel[d], stride = window->strides[d];
  bool same = window->pad == SAME_UPPER || window->pad == SAME_LOWER;
  if (size < 0 || (kernel < 0 && !same)) {
    *into = same && stride == 1 ? size : adze_infer_fresh (infer);
    return NULL;
  }
  if (same) {
    *into = size / stride + (size % stride != 0);
    return NULL;
  }
  int64_t reach = (kernel - 1) * window->dilations[d] + 1, room;
  int64_t pads = window->pads[d] + window->pads[window->rank + d];
  if (__builtin_add_overflow (size, pads, &room) || room < reach)
    return adze_infer_refuse (infer, "dimension %d is %lld, with pads %lld; the window needs "
                              "%lld", d,
                              (long long)size, (long long)pads, (long long)reach);
  *into = (room - reach) / stride + 1 + (window->ceil && (room - reach) % stride != 0);
  return NULL;
}

/* Spatial dimensions of an input, 1 at least. */
static adze_error *
spatial (const adze_infer *infer, size_t index, int32_t *rank)
{
  ADZE_TRY (adze_infer_need_rank (infer, index, 3, ADZE_GRAPH_RANK));
  *rank = adze_infer_has_rank (infer, index) ? infer->inputs[index].rank - 2 : -1;
  return NULL;
}

/* ---- Convolutions. */

static adze_error *
read_group (const adze_infer *infer, int64_t *group)
{
  *group = adze_node_int (infer->node, "group", 1);
  if (*group < 1 || *group > LIMIT)
    return adze_infer_refuse (infer, "attribute 'group' is %lld; 1 and more are possible",
                              (long long)*group);
  return NULL;
}

/* Refuses channels that do not fit: those of X, weights [M, C / group, ...], a bias [M]. */
static adze_error *
check_channels (const adze_infer *infer, const int64_t *x, size_t weights, size_t bias)
{
  const int64_t *w = infer->inputs[weights].shape;
  int64_t group, channels;
  ADZE_TRY (read_group (infer, &group));
  if (w[1] >= 0 && x[1] >= 0
      && (__builtin_mul_overflow (w[1], group, &channels) || channels != x[1]))
    return adze_infer_refuse (infer, "input has %lld channels; weights for %lld in each of %lld "
                              "groups are given", (long long)x[1], (long long)w[1],
                              (long long)group);
  if (w[0] >= 0 && w[0] % group != 0)
    return adze_infer_refuse (infer, "%lld channels of the output cannot be shared out over %lld "
                              "groups", (long long)w[0], (long long)group);
  return adze_infer_need_shape (infer, bias, 1, w);
}

/* Convolution of input 0 with the weights at W; without a bias, BIAS is beyond the inputs. */
static adze_error *
convolve (adze_infer *infer, size_t w, size_t bias)
{
  int32_t rank, rank_w;
  sliding window;
  int64_t shape[ADZE_GRAPH_RANK];
  ADZE_TRY (spatial (infer, 0, &rank));
  ADZE_TRY (spatial (infer, w, &rank_w));
  rank = rank < 0 ? rank_w : rank;
  if (rank < 0)
    return NULL;
  ADZE_TRY (adze_infer_need_rank (infer, w, rank + 2, rank + 2));
  ADZE_TRY (read_window (infer, rank, &window));
  ADZE_TRY (read_kernel (infer, w, &window));
  const adze_infer_value *x = &infer->inputs[0], *weights = &infer->inputs[w];
  if (x->rank >= 0 && weights->rank >= 0)
    ADZE_TRY (check_channels (infer, x->shape, w, bias));
  shape[0] = x->rank >= 0 ? x->shape[0] : adze_infer_fresh (infer);
  shape[1] = weights->rank >= 0 ? weights->shape[0] : adze_infer_fresh (infer);
  for (int32_t d = 0; d < rank; d++)
    ADZE_TRY (places (infer, &window, d,
                      x->rank >= 0 ? x->shape[2 + d] : adze_infer_fresh (infer), &shape[2 + d]));
  adze_infer_shape (infer, 0, rank + 2, shape);
  return NULL;
}

static adze_error *
conv (adze_infer *infer)
{
  return convolve (infer, 1, 2);
}

static adze_error *
conv_integer (adze_infer *infer)
{
  return convolve (infer, 1, infer->input_count);
}

static adze_error *
q_linear_conv (adze_infer *infer)
{
  const adze_infer_value *weights = &infer->inputs[3];
  for (size_t i = 4; i <= 5; i++) {
    int64_t length;
    ADZE_TRY (adze_infer_length (infer, i, &length));
    if (length >= 0 && length != 1 && weights->rank > 0 && weights->shape[0] >= 0
        && length != weights->shape[0])
      return adze_infer_refuse (infer, "input %zu has %lld numbers; 1 or %lld are needed", i,
                                (long long)length, (long long)weights->shape[0]);
  }
  return convolve (infer, 3, 8);
}

/* The size that a window comes from when SIZE is how many places it has. */
static adze_error *
spread (const adze_infer *infer, const sliding *window, int32_t d, int64_t size, int64_t more,
        int64_t *into)
{
  int64_t kernel = window->kernel[d], stride = window->strides[d], whole;
  bool same = window->pad == SAME_UPPER || window->pad == SAME_LOWER;
  if (same)
    return adze_infer_times (infer, size, stride, into);
  if (size < 0 || kernel < 0) {
    *into = adze_infer_fresh (infer);
    return NULL;
  }
  int64_t pads = window->pads[d] + window->pads[window->rank + d];
  int64_t reach = (kernel - 1) * window->dilations[d] + 1;
  if (__builtin_mul_overflow (stride, size - 1, &whole)
      || __builtin_add_overflow (whole, reach + more - pads, &whole) || whole < 0)
    return adze_infer_refuse (infer, "dimension %d is %lld, which a kernel of %lld, a stride of "
                              "%lld and pads of %lld make no size of", d, (long long)size,
                              (long long)kernel, (long long)stride, (long long)pads);
  *into = whole;
  return NULL;
}

static adze_error *
conv_transpose_sizes (adze_infer *infer, int32_t rank, int64_t *shape)
{
  sliding window;
  int64_t more[ADZE_GRAPH_RANK], wanted[ADZE_GRAPH_RANK];
  const adze_infer_value *x = &infer->inputs[0];
  ADZE_TRY (read_window (infer, rank, &window));
  ADZE_TRY (read_kernel (infer, 1, &window));
  ADZE_TRY (adze_infer_list (infer, "output_padding", (size_t)rank, 0, 0, LIMIT, more));
  ADZE_TRY (adze_infer_list (infer, "output_shape", (size_t)rank, -1, 0, LIMIT, wanted));
  for (int32_t d = 0; d < rank; d++) {
    int64_t most = window.strides[d] > window.dilations[d] ? window.strides[d]
                                                           : window.dilations[d];
    if (more[d] >= most && more[d] > 0)
      return adze_infer_refuse (infer, "number %d of attribute 'output_padding' is %lld; it must "
                                "be less than stride or dilation, %lld", d, (long long)more[d],
                                (long long)most);
    shape[d] = wanted[d];
    if (wanted[d] < 0)
      ADZE_TRY (spread (infer, &window, d,
                        x->rank >= 0 ? x->shape[2 + d] : adze_infer_fresh (infer), more[d],
                        &shape[d]));
  }
  return NULL;
}

/* Weights are [C, M / group, ...]. */
static adze_error *
conv_transpose (adze_infer *infer)
{
  int32_t rank, rank_w;
  int64_t group, shape[ADZE_GRAPH_RANK], same;
  ADZE_TRY (spatial (infer, 0, &rank));
  ADZE_TRY (spatial (infer, 1, &rank_w));
  ADZE_TRY (read_group (infer, &group));
  rank = rank < 0 ? rank_w : rank;
  if (rank < 0)
    return NULL;
  ADZE_TRY (adze_infer_need_rank (infer, 1, rank + 2, rank + 2));
  const adze_infer_value *x = &infer->inputs[0], *w = &infer->inputs[1];
  ADZE_TRY (conv_transpose_sizes (infer, rank, shape + 2));
  shape[0] = x->rank >= 0 ? x->shape[0] : adze_infer_fresh (infer);
  shape[1] = -1;
  if (x->rank >= 0 && w->rank >= 0) {
    ADZE_TRY (adze_infer_same (infer, x->shape[1], w->shape[0], "the number of channels", &same));
    if (same >= 0 && same % group != 0)
      return adze_infer_refuse (infer, "%lld channels cannot be shared out over %lld groups",
                                (long long)same, (long long)group);
  }
  if (w->rank >= 0)
    ADZE_TRY (adze_infer_times (infer, w->shape[1], group, &shape[1]));
  else
    shape[1] = adze_infer_fresh (infer);
  ADZE_TRY (adze_infer_need_shape (infer, 2, 1, &shape[1]));
  adze_infer_shape (infer, 0, rank + 2, shape);
  return NULL;
}

/* ---- Gradients of convolutions: they have the shape of input 2; the rest must be what the
 * convolution would make. */
static adze_error *
conv_gradient (adze_infer *infer, size_t x, size_t w)
{
  int32_t rank, rank_w;
  sliding window;
  ADZE_TRY (spatial (infer, x, &rank));
  ADZE_TRY (spatial (infer, w, &rank_w));
  adze_infer_shape_like (infer, 0, 2);
  if (rank < 0 || rank_w < 0)
    return NULL;
  int64_t shape[ADZE_GRAPH_RANK];
  const int64_t *in = infer->inputs[x].shape;
  ADZE_TRY (adze_infer_need_rank (infer, w, rank + 2, rank + 2));
  ADZE_TRY (read_window (infer, rank, &window));
  ADZE_TRY (read_kernel (infer, w, &window));
  ADZE_TRY (check_channels (infer, in, w, infer->input_count));
  shape[0] = in[0];
  shape[1] = infer->inputs[w].shape[0];
  for (int32_t d = 0; d < rank; d++)
    ADZE_TRY (places (infer, &window, d, in[2 + d], &shape[2 + d]));
  return adze_infer_need_shape (infer, 0, rank + 2, shape);
}

static adze_error *
conv_grad_input (adze_infer *infer)
{
  return conv_gradient (infer, 2, 1);
}

static adze_error *
conv_grad_weight (adze_infer *infer)
{
  return conv_gradient (infer, 1, 2);
}

/* ---- Pooling. */

/* The window of a pool, whose kernel is an attribute; the shape that comes of input INDEX. */
static adze_error *
pool_shape (const adze_infer *infer, size_t index, int32_t rank, int64_t *shape)
{
  sliding window;
  const int64_t *in = infer->inputs[index].shape;
  ADZE_TRY (read_window (infer, rank, &window));
  ADZE_TRY (adze_infer_list (infer, "kernel_shape", (size_t)rank, 1, 1, LIMIT, window.kernel));
  shape[0] = in[0];
  shape[1] = in[1];
  for (int32_t d = 0; d < rank; d++) {
    int64_t reach = (window.kernel[d] - 1) * window.dilations[d] + 1;
    if (window.pads[d] >= reach || window.pads[rank + d] >= reach)
      return adze_infer_refuse (infer, "dimension %d has pads of %lld and %lld, where a window of "
                                "%lld would see nothing else", d, (long long)window.pads[d],
                                (long long)window.pads[rank + d], (long long)reach);
    ADZE_TRY (places (infer, &window, d, in[2 + d], &shape[2 + d]));
  }
  return NULL;
}

static adze_error *
pool (adze_infer *infer)
{
  int32_t rank;
  int64_t shape[ADZE_GRAPH_RANK];
  int64_t p = adze_node_int (infer->node, "p", 2);
  if (p < 1)
    return adze_infer_refuse (infer, "attribute 'p' is %lld; 1 and more are possible",
                              (long long)p);
  ADZE_TRY (spatial (infer, 0, &rank));
  if (rank < 0)
    return NULL;
  ADZE_TRY (pool_shape (infer, 0, rank, shape));
  adze_infer_shape (infer, 0, rank + 2, shape);
  adze_infer_shape (infer, 1, rank + 2, shape);
  return NULL;
}

/* Gradient of a pool, with the pool's own input at 1. */
static adze_error *
pool_gradient (adze_infer *infer)
{
  int32_t rank;
  int64_t shape[ADZE_GRAPH_RANK];
  ADZE_TRY (spatial (infer, 1, &rank));
  adze_infer_shape_like (infer, 0, 1);
  if (rank < 0)
    return NULL;
  ADZE_TRY (pool_shape (infer, 1, rank, shape));
  ADZE_TRY (adze_infer_need_shape (infer, 2, rank + 2, shape));
  return adze_infer_need_shape (infer, 0, rank + 2, shape);
}

static adze_error *
global_pool (adze_infer *infer)
{
  int32_t rank;
  int64_t shape[ADZE_GRAPH_RANK];
  int64_t p = adze_node_int (infer->node, "p", 2);
  if (p < 1)
    return adze_infer_refuse (infer, "attribute 'p' is %lld; 1 and more are possible",
                              (long long)p);
  ADZE_TRY (spatial (infer, 0, &rank));
  if (rank < 0)
    return NULL;
  for (int32_t d = 0; d < rank + 2; d++)
    shape[d] = d < 2 ? infer->inputs[0].shape[d] : 1;
  adze_infer_shape (infer, 0, rank + 2, shape);
  return NULL;
}

/* Puts what MaxPool took back to where its indices say. */
static adze_error *
max_unpool (adze_infer *infer)
{
  int32_t rank, rank_out;
  bool known;
  sliding window;
  int64_t shape[ADZE_GRAPH_RANK];
  ADZE_TRY (spatial (infer, 0, &rank));
  if (rank < 0)
    return NULL;
  const adze_infer_value *in = &infer->inputs[0];
  ADZE_TRY (adze_infer_need_shape (infer, 1, in->rank, in->shape));
  ADZE_TRY (read_window (infer, rank, &window));
  ADZE_TRY (adze_infer_list (infer, "kernel_shape", (size_t)rank, 1, 1, LIMIT, window.kernel));
  memcpy (shape, in->shape, sizeof shape);
  for (int32_t d = 0; d < rank; d++)
    ADZE_TRY (spread (infer, &window, d, in->shape[2 + d], 0, &shape[2 + d]));
  if (adze_infer_in (infer, 2)) {
    ADZE_TRY (adze_infer_shape_numbers (infer, 2, &rank_out, shape, &known));
    if (rank_out >= 0 && rank_out != in->rank)
      return adze_infer_refuse (infer, "input 2 has %d numbers for %d dimensions", rank_out,
                                in->rank);
    if (!known) {
      adze_infer_rank (infer, 0, in->rank);
      return NULL;
    }
  }
  adze_infer_shape (infer, 0, in->rank, shape);
  return NULL;
}

/* ---- */

#define WINDOW "auto_pad:s dilations:I kernel_shape:I pads:I strides:I"
#define CONVOLUTION WINDOW " group:i"
#define POOL "auto_pad:s ceil_mode:i kernel_shape:I! pads:I strides:I"
#define TRANSPOSED CONVOLUTION " output_padding:I output_shape:I"
#define MAX_POOL POOL " dilations:I storage_order:i"
#define AVERAGE_POOL POOL " count_include_pad:i"

const adze_operator adze_operators_conv[] = {
  { "", "Conv", 2, 3, 1, 1, "a", "a", { ADZE_T_REAL }, CONVOLUTION, conv },
  { "", "ConvInteger", 2, 4, 1, 1, "abab", "c", { ADZE_T_BYTE, ADZE_T_BYTE, ADZE_T_INT32 },
    CONVOLUTION, conv_integer },
  { "", "QLinearConv", 8, 9, 1, 1, "abacbcbde", "d",
    { ADZE_T_BYTE, ADZE_T_FLOAT, ADZE_T_BYTE, ADZE_T_BYTE, ADZE_T_INT32 }, CONVOLUTION,
    q_linear_conv },
  { "", "ConvTranspose", 2, 3, 1, 1, "a", "a", { ADZE_T_REAL }, TRANSPOSED, conv_transpose },
  { "", "MaxPool", 1, 1, 1, 2, "a", "ab", { ADZE_T_REAL | ADZE_T_BYTE, ADZE_T_INT64 }, MAX_POOL,
    pool },
  { "", "AveragePool", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, AVERAGE_POOL, pool },
  { "", "LpPool", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL },
    "p:i auto_pad:s kernel_shape:I! pads:I strides:I", pool },
  { "", "GlobalAveragePool", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", global_pool },
  { "", "GlobalMaxPool", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", global_pool },
  { "", "GlobalLpPool", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "p:i", global_pool },
  { "", "MaxUnpool", 2, 3, 1, 1, "abb", "a", { ADZE_T_REAL, ADZE_T_INT64 },
    "kernel_shape:I! pads:I strides:I", max_unpool },

  /* ConvGradInput (gradient, weights, input) -> gradient of the input, of its shape; ConvGradWeight
   * (gradient, input, weights) -> gradient of the weights, of their shape. GRADIENT is that of the
   * output of Conv with the same attributes. Of the last input nothing but the shape is looked at.
   * The bias needs no operator: its gradient is a ReduceSum. */
  { "adze", "ConvGradInput", 3, 3, 1, 1, "a", "a", { ADZE_T_REAL }, CONVOLUTION, conv_grad_input },
  { "adze", "ConvGradWeight", 3, 3, 1, 1, "a", "a", { ADZE_T_REAL }, CONVOLUTION,
    conv_grad_weight },

  /* MaxPoolGrad (gradient, input, indices) -> gradient of the input, of its shape: zeros, to which
   * each element of GRADIENT is added where MaxPool with the same attributes took the output from.
   * INDICES is its second output, and may be left out: then INPUT is searched again, and of several
   * that are greatest the first is meant. With INDICES, nothing but the shape of INPUT is looked
   * at. */
  { "adze", "MaxPoolGrad", 2, 3, 1, 1, "aab", "a", { ADZE_T_REAL, ADZE_T_INT64 }, MAX_POOL,
    pool_gradient },

  /* AveragePoolGrad (gradient, input) -> gradient of the input, of its shape: each element of
   * GRADIENT is shared out evenly over the elements that AveragePool with the same attributes took
   * the mean of, pads among them where 'count_include_pad' is 1. Nothing but the shape of INPUT is
   * looked at. */
  { "adze", "AveragePoolGrad", 2, 2, 1, 1, "aa", "a", { ADZE_T_REAL }, AVERAGE_POOL,
    pool_gradient },
  { .name = NULL },
};
