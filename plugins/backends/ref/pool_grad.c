/* SPDX-License-Identifier: Apache-2.0 */
/* pool_grad.c: adze.MaxPoolGrad and adze.AveragePoolGrad, which have the attributes of the operator
 * that they are the gradient of, and MaxUnpool. */
#include "pool.h"
#include "nn.h"

/* ---- Gradients. */

/* By the places that MaxPool gave, where they are there. */
static adze_status
max_grad_piece (void *argument, size_t first, size_t last)
{
  const ref_pool *pool = (const ref_pool *)argument;
  const ref_window *w = &pool->window;
  int64_t in = ref_volume (w->in), out = ref_volume (w->out);
  for (int64_t plane = (int64_t)first; plane < (int64_t)last; plane++)
    for (int64_t o = 0; o < out; o++) {
      int64_t at = pool->index ? pool->index[plane * out + o]
                               : ref_largest (w, pool->images + plane * in, o);
      if (at >= 0)
        pool->to[plane * in + at] += pool->from[plane * out + o];
    }
  return ADZE_OK;
}

/* Indices as row-major numbers of elements within the plane of each position; -1, of a position
 * that sees nothing, stays. */
static const int64_t *
checked_index (ref_work *work, const ref_pool *pool)
{
  const ref_window *w = &pool->window;
  const int64_t *given = ref_work_ints (work, 2);
  int64_t in = ref_volume (w->in), out = ref_volume (w->out), count = pool->planes * out;
  if (work->status == ADZE_OK)
    work->status = ref_need_count (work->call, 2, "Indices", (size_t)count);
  int64_t *index = ref_work_room (work, (size_t)count, sizeof *index);
  for (int64_t o = 0; index && o < count; o++) {
    int64_t first = o / out * in, at = given[o] < first ? -1 : given[o] - first;
    if (given[o] != -1 && (at < 0 || at >= in)) {
      work->status = ref_refuse (work->call, ADZE_E_FORMAT,
                                 "index %lld of position %lld is not in its image",
                                 (long long)given[o], (long long)o);
      return NULL;
    }
    index[o] = -1;
    if (given[o] == -1)
      continue;
    int64_t i0 = at % w->in[0], i1 = at / w->in[0] % w->in[1], i2 = at / (w->in[0] * w->in[1]);
    index[o] = pool->columns_first ? (i0 * w->in[1] + i1) * w->in[2] + i2 : at;
  }
  return index;
}

/* dY, X, Indices (may be left out): gives the gradient of X. */
adze_status
ref_max_pool_grad (ref_call *call)
{
  ref_pool pool = { .columns_first = adze_node_int (call->node, "storage_order", 0) != 0 };
  adze_status status = ref_pool_of (call, ref_out (call, 0), ref_in (call, 0), &pool);
  if (status == ADZE_OK)
    status = ref_need (call, 1, "X");
  if (status == ADZE_OK)
    status = ref_need_count (call, 1, "X", adze_view_count (call->outputs[0]));
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  pool.from = ref_work_in (&work, 0);
  pool.to = ref_work_out (&work, 0);
  if (ref_in (call, 2))
    pool.index = checked_index (&work, &pool);
  else
    pool.images = ref_work_in (&work, 1);
  return ref_pool_planes (&work, &pool, max_grad_piece);
}

static adze_status
average_grad_piece (void *argument, size_t first, size_t last)
{
  const ref_pool *pool = (const ref_pool *)argument;
  const ref_window *w = &pool->window;
  int64_t in = ref_volume (w->in), out = ref_volume (w->out), k[3];
  for (int64_t plane = (int64_t)first; plane < (int64_t)last; plane++)
    for (int64_t o = 0; o < out; o++) {
      ref_sight seen = ref_look (w, o);
      int64_t count = ref_counted (w, &seen, pool->count_padding);
      double part = count > 0 ? pool->from[plane * out + o] / (double)count : 0;
      for (bool more = ref_begin (&seen, k); more; more = ref_next (&seen, k))
        pool->to[plane * in + ref_element (w, &seen, k)] += part;
    }
  return ADZE_OK;
}

/* dY, something of the shape of X: gives the gradient of X. */
adze_status
ref_average_pool_grad (ref_call *call)
{
  ref_pool pool = { .count_padding = adze_node_int (call->node, "count_include_pad", 0) != 0 };
  adze_status status = ref_pool_of (call, ref_out (call, 0), ref_in (call, 0), &pool);
  return status == ADZE_OK ? ref_pool_run (call, &pool, average_grad_piece) : status;
}

/* ---- MaxUnpool. */

/* The image of which MaxPool gave the indices: what its window covers. */
static adze_status
image_of (ref_call *call, const adze_view *in, int64_t *image)
{
  size_t kernels, strides, pads;
  const int64_t *kernel = adze_node_ints (call->node, "kernel_shape", &kernels);
  const int64_t *stride = adze_node_ints (call->node, "strides", &strides);
  const int64_t *pad = adze_node_ints (call->node, "pads", &pads);
  size_t dims = (size_t)in->rank - 2;
  if (in->rank < 3 || kernels != dims || (stride && strides != dims) || (pad && pads != 2 * dims))
    return ref_refuse (call, ADZE_E_FORMAT,
                       "kernel_shape, strides and pads do not fit its input of %d dimensions",
                       in->rank);
  int64_t volume = 1;
  for (size_t d = 0; d < dims; d++) {
    int64_t size, step = stride ? stride[d] : 1;
    int64_t cut = 0;
    bool over = __builtin_mul_overflow (in->shape[d + 2] - 1, step, &size)
                || __builtin_add_overflow (size, kernel[d], &size)
                || (pad && __builtin_add_overflow (pad[d], pad[d + dims], &cut))
                || __builtin_sub_overflow (size, cut, &size) || size < 1
                || __builtin_mul_overflow (volume, size, &volume);
    if (over)
      return ref_refuse (call, ADZE_E_FORMAT, "kernel_shape, strides and pads give no size for "
                         "dimension %zu of an image", d);
    image[d] = size;
  }
  return ADZE_OK;
}

/* Where element AT of a batch of images of the sizes IMAGE lies in OUT; -1: it does not. */
static int64_t
place_in (const adze_view *out, const int64_t *image, int64_t at)
{
  int64_t place = 0, scale = 1;
  for (int32_t d = out->rank - 1; d >= 2; d--) {
    int64_t i = at % image[d - 2];
    if (i >= out->shape[d])
      return -1;
    place += i * scale;
    scale *= out->shape[d];
    at /= image[d - 2];
  }
  return at < out->shape[0] * out->shape[1] ? place + at * scale : -1;
}

adze_status
ref_max_unpool (ref_call *call)
{
  const adze_view *in = ref_in (call, 0), *out = ref_out (call, 0);
  int64_t image[ADZE_GRAPH_RANK];
  if (!in || !out || !ref_in (call, 1) || out->rank != in->rank || in->rank > ADZE_GRAPH_RANK)
    return ref_refuse (call, ADZE_E_FORMAT, "its inputs and its output do not fit each other");
  adze_status status = image_of (call, in, image);
  if (status == ADZE_OK)
    status = ref_need_count (call, 1, "the indices", adze_view_count (in));
  if (status != ADZE_OK || ref_is_empty (call))
    return status;
  ref_work work = ref_work_begin (call);
  const double *from = ref_work_in (&work, 0);
  const int64_t *index = ref_work_ints (&work, 1);
  double *to = ref_work_out (&work, 0);
  for (size_t i = 0; work.status == ADZE_OK && i < adze_view_count (in); i++) {
    int64_t at = index[i] < 0 ? -1 : place_in (out, image, index[i]);
    if (at < 0)
      work.status = ref_refuse (call, ADZE_E_FORMAT, "index %lld is not in its output",
                                (long long)index[i]);
    else
      to[at] = from[i];
  }
  return ref_work_end (&work, work.status);
}
