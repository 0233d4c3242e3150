/* SPDX-License-Identifier: Apache-2.0 */
/* graph/optimise_integers.c: products of what codes stand for are computed in the codes. Where
 * QuantizeLinear follows, one node of integers takes the place of product, bias, bounds and
 * QuantizeLinear; elsewhere the sums are integers, and are made floats behind them. */
#include "graph/optimise_private.h"

#include <math.h>

#include <adze/numbers.h>

#include "graph/gradient.h"

/* ---- A product. */

typedef struct product {
  adze_gradient g;             /* builds */
  const adze_graph_node *node; /* Conv, Gemm or MatMul */
  adze_pass_codes x, w;        /* one scale of X; of W one, or one for each of CHANNELS */
  size_t channels;
  double *bias; /* NULL: none; of CHANNELS numbers */
  bool can_be;
} product;

static void
product_cleanup (product *p)
{
  adze_pass_codes_cleanup (&p->x);
  adze_pass_codes_cleanup (&p->w);
  free (p->bias);
}

static double
step_of (const product *p, size_t channel)
{
  return p->x.scales[0] * p->w.scales[p->w.count > 1 ? channel : 0];
}

/* Numbers of a weight or constant, or what constant codes stand for. *INTO stays NULL: not known. */
static adze_error *
read_bias_numbers (const adze_graph *graph, uint32_t bias, double **into, size_t *count)
{
  const adze_graph_node *maker = adze_pass_maker (graph, bias);
  ADZE_AUTO_FREE double *scales = NULL;
  size_t scale_count = 0;
  uint64_t elements, bytes;
  if (!adze_pass_is (maker, "DequantizeLinear"))
    return adze_pass_doubles (graph, bias, into, count);
  const adze_graph_value *codes = adze_pass_numbers (graph, maker->inputs[0]);
  const adze_graph_value *zero = adze_pass_numbers (graph, adze_pass_in (maker, 2));
  ADZE_TRY (adze_pass_doubles (graph, maker->inputs[1], &scales, &scale_count));
  if (!codes || !scales || !adze_pass_size (codes, &elements, &bytes) || codes->rank > 1
      || (scale_count != 1 && scale_count != elements)
      || (adze_pass_in (maker, 2) != ADZE_NONE && !zero))
    return NULL;
  double *numbers = malloc (((size_t)elements + 1) * sizeof *numbers);
  ADZE_AUTO_FREE double *zeros = calloc (scale_count + 1, sizeof *zeros);
  if (!numbers || !zeros) {
    free (numbers);
    return adze_error_memory ();
  }
  adze_numbers_read (codes->dtype, codes->data, (size_t)elements, numbers);
  if (zero)
    adze_numbers_read (zero->dtype, zero->data, scale_count, zeros);
  for (size_t i = 0; i < elements; i++)
    numbers[i] = (numbers[i] - zeros[scale_count > 1 ? i : 0]) * scales[scale_count > 1 ? i : 0];
  *into = numbers;
  *count = (size_t)elements;
  return NULL;
}

/* One number for each channel, the last dimension of what is added; or one for all. */
static adze_error *
read_bias (const adze_graph *graph, product *p)
{
  ADZE_AUTO_FREE double *numbers = NULL;
  size_t count = 0;
  uint32_t bias = adze_pass_in (p->node, 2);
  if (bias == ADZE_NONE)
    return NULL;
  const adze_graph_value *value = graph->values[bias];
  ADZE_TRY (read_bias_numbers (graph, bias, &numbers, &count));
  p->can_be = numbers && (count == 1 || count == p->channels)
              && (count == 1 || (size_t)value->shape[value->rank - 1] == count);
  if (!p->can_be)
    return NULL;
  p->bias = malloc ((p->channels + 1) * sizeof *p->bias);
  if (!p->bias)
    return adze_error_memory ();
  for (size_t i = 0; i < p->channels; i++)
    p->bias[i] = numbers[count == 1 ? 0 : i];
  return NULL;
}

/* Which dimension of the weights is that of the channels; -1: there is none. */
static int32_t
channel_axis (const adze_graph_node *node, const adze_graph_value *weights)
{
  if (adze_pass_is (node, "Conv"))
    return 0;
  if (adze_pass_is (node, "Gemm"))
    return adze_node_int (node, "transB", 0) ? 0 : 1;
  return weights->rank == 2 ? 1 : -1;
}

static bool
is_plain (const adze_graph_node *node)
{
  return adze_pass_is_one_of (node, "Conv MatMul")
         || (adze_pass_is (node, "Gemm") && !adze_node_int (node, "transA", 0)
             && adze_node_float (node, "alpha", 1) == 1.0f
             && (adze_pass_in (node, 2) == ADZE_NONE
                 || adze_node_float (node, "beta", 1) == 1.0f));
}

static adze_error *
read_product (adze_graph *graph, const adze_graph_node *node, product *p)
{
  *p = (product){ .g = { .graph = graph }, .node = node };
  if (!node || !is_plain (node)
      || !adze_pass_is (adze_pass_maker (graph, node->inputs[0]), "DequantizeLinear")
      || !adze_pass_is (adze_pass_maker (graph, node->inputs[1]), "DequantizeLinear"))
    return NULL;
  ADZE_TRY (adze_pass_read_codes (graph, adze_pass_maker (graph, node->inputs[0]), &p->x));
  ADZE_TRY (adze_pass_read_codes (graph, adze_pass_maker (graph, node->inputs[1]), &p->w));
  const adze_graph_value *weights = graph->values[node->inputs[1]];
  int32_t axis = channel_axis (node, weights);
  int64_t channels = axis < 0 ? 1 : weights->shape[axis];
  if (!p->x.scales || p->x.count != 1 || !p->w.scales || channels < 1
      || (p->w.count > 1 && (p->w.axis != axis || p->w.count != (size_t)channels)))
    return NULL;
  p->channels = (size_t)channels;
  p->can_be = true;
  return read_bias (graph, p);
}

/* VALUE, and all that was there for it alone, goes. */
static void
drop (adze_graph *graph, uint32_t value)
{
  const adze_graph_node *maker = adze_pass_maker (graph, value);
  if (value == ADZE_NONE || adze_graph_uses (graph, value) || adze_graph_gives (graph, value))
    return;
  adze_pass_forget (graph, value);
  for (size_t i = 0; maker && i < maker->input_count; i++)
    drop (graph, maker->inputs[i]);
}

/* ---- Values of its own. */

static uint32_t
constant (product *p, adze_dtype dtype, int32_t rank, const int64_t *shape, const void *numbers)
{
  uint32_t value = ADZE_NONE;
  union {
    const void *from;
    void *to;
  } data = { .from = numbers };
  union {
    const int64_t *from;
    int64_t *to;
  } sizes = { .from = shape };
  const adze_view view = { .data = data.to, .device = { ADZE_DEVICE_CPU, 0 }, .rank = rank,
                           .dtype = dtype, .shape = sizes.to };
  if (!p->g.error)
    p->g.error = adze_graph_add_constant (p->g.graph, NULL, &view, &value);
  return value;
}

/* The zero point of CODES, which the operators of integers want even where it is 0. */
static uint32_t
zero_of (product *p, const adze_pass_codes *codes)
{
  static const adze_dtype u8 = { ADZE_UINT, 8, 1 };
  if (codes->zero != ADZE_NONE)
    return codes->zero;
  bool gives = codes->node->outputs[0] == codes->codes;
  int64_t length = (int64_t)codes->count;
  void *zeros = calloc (codes->count, 1);
  if (!zeros && !p->g.error)
    p->g.error = adze_error_memory ();
  uint32_t value = zeros ? constant (p, gives ? u8 : p->g.graph->values[codes->codes]->dtype,
                                     codes->count > 1, &length, zeros)
                         : ADZE_NONE;
  free (zeros);
  return value;
}

/* The codes of the weights in SHAPE; of matrices, with rows and columns changed where TURN. *INTO
 * stays ADZE_NONE where their numbers are not there. */
static adze_error *
reshape_weights (product *p, bool turn, int32_t rank, const int64_t *shape, uint32_t *into)
{
  const adze_graph_value *value = adze_pass_numbers (p->g.graph, p->w.codes);
  *into = ADZE_NONE;
  if (!value || value->rank != 2)
    return NULL;
  size_t rows = (size_t)value->shape[0], columns = (size_t)value->shape[1];
  ADZE_AUTO_FREE char *bytes = malloc (rows * columns + 1);
  const char *from = value->data;
  if (!bytes)
    return adze_error_memory ();
  for (size_t r = 0; r < rows; r++)
    for (size_t c = 0; c < columns; c++)
      bytes[turn ? c * rows + r : r * columns + c] = from[r * columns + c];
  return adze_pass_rewrite (p->g.graph, p->w.codes, rank, shape, bytes, rows * columns, into);
}

/* ---- In front of QuantizeLinear: products, bias and rescaling are one node. */

typedef struct bounds {
  double low, high;
} bounds;

static bool
bound_of (const adze_graph *graph, const adze_graph_node *node, size_t index, double preset,
          double *into)
{
  uint32_t value = adze_pass_in (node, index);
  const adze_graph_value *known = adze_pass_numbers (graph, value);
  *into = preset;
  if (value == ADZE_NONE)
    return true;
  return known && adze_numbers_read (known->dtype, known->data, 1, into) && !isnan (*into);
}

/* What comes out of NODE, Relu or Clip, goes through B afterwards: B becomes both. */
static bool
add_bounds (const adze_graph *graph, const adze_graph_node *node, bounds *b)
{
  bounds inner = { .low = 0, .high = (double)INFINITY };
  if (adze_pass_is (node, "Clip")
      && (!bound_of (graph, node, 1, -(double)INFINITY, &inner.low)
          || !bound_of (graph, node, 2, (double)INFINITY, &inner.high) || inner.low > inner.high))
    return false;
  *b = (bounds){ .low = fmin (fmax (inner.low, b->low), b->high),
                 .high = fmin (fmax (inner.high, b->low), b->high) };
  return true;
}

/* The code of NUMBER, as QuantizeLinear has it. */
static int
code_of (const product *p, const adze_pass_codes *q, double number, int least)
{
  const adze_graph_value *zero = adze_pass_numbers (p->g.graph, q->zero);
  double point = 0, most = least + 255;
  if (zero)
    adze_numbers_read (zero->dtype, zero->data, 1, &point);
  double code = nearbyint ((double)((float)number / (float)q->scales[0])) + point;
  return (int)fmin (fmax (code, least), most);
}

/* Codes that stand for what is within B; nothing is done where all codes do. */
static uint32_t
bounded (product *p, const adze_pass_codes *q, const bounds *b, uint32_t codes)
{
  adze_dtype dtype = p->g.graph->values[q->codes]->dtype;
  int least = dtype.code == ADZE_UINT ? 0 : -128;
  int low = code_of (p, q, b->low, least), high = code_of (p, q, b->high, least);
  if (low == least && high == least + 255)
    return codes;
  const unsigned char bytes[] = { (unsigned char)low, (unsigned char)high };
  uint32_t from = constant (p, dtype, 0, NULL, &bytes[0]);
  uint32_t to = constant (p, dtype, 0, NULL, &bytes[1]);
  return adze_op (&p->g, "Clip", codes, from, to, ADZE_END);
}

/* The bias in steps of the products, which are those of the sums. ADZE_NONE: there is none. */
static uint32_t
bias_in_steps (product *p)
{
  static const adze_dtype i32 = { ADZE_INT, 32, 1 };
  int64_t length = (int64_t)p->channels;
  if (!p->bias)
    return ADZE_NONE;
  ADZE_AUTO_FREE int32_t *steps = malloc ((p->channels + 1) * sizeof *steps);
  if (!steps && !p->g.error)
    p->g.error = adze_error_memory ();
  for (size_t i = 0; steps && i < p->channels; i++)
    steps[i] = (int32_t)nearbyint (p->bias[i] / step_of (p, i));
  return steps ? constant (p, i32, 1, &length, steps) : ADZE_NONE;
}

/* Has every number of the bias so many steps as 32 bits can count? */
static bool
bias_fits (const product *p)
{
  for (size_t i = 0; p->bias && i < p->channels; i++)
    if (!(fabs (p->bias[i] / step_of (p, i)) < 2147483647.0))
      return false;
  return true;
}

/* QLinearConv or QLinearMatMul of DATA and WEIGHTS. */
static uint32_t
rescaled (product *p, const char *op, const adze_pass_codes *q, uint32_t data, uint32_t weights)
{
  bool conv = adze_pass_is (p->node, "Conv");
  uint32_t inputs[] = { data,       p->x.scale, zero_of (p, &p->x), weights,      p->w.scale,
                        ADZE_NONE,  q->scale,   ADZE_NONE,          ADZE_NONE };
  uint32_t output = ADZE_NONE;
  inputs[5] = zero_of (p, &p->w);
  inputs[7] = zero_of (p, q);
  inputs[8] = bias_in_steps (p);
  const adze_node_recipe recipe = { .struct_size = sizeof recipe,
                                    .op = op,
                                    .name = p->node->name,
                                    .inputs = inputs,
                                    .input_count = inputs[8] == ADZE_NONE ? 8 : 9,
                                    .output_count = 1,
                                    .attributes = conv ? p->node->attributes : NULL,
                                    .attribute_count = conv ? p->node->attribute_count : 0 };
  adze_op_made (&p->g, &recipe, &output);
  return output;
}

/* Images whose elements are the rows of a Gemm: what was flattened, or the rows themselves with
 * dimensions of 1 behind them. SHAPE becomes that of one image. */
static uint32_t
images_of (product *p, int32_t *rank, int64_t *shape)
{
  const adze_graph *graph = p->g.graph;
  const adze_graph_value *rows = graph->values[p->x.codes];
  const adze_graph_node *maker = adze_pass_maker (graph, p->x.codes);
  const adze_graph_value *from
      = adze_pass_is_one_of (maker, "Flatten Reshape") ? graph->values[maker->inputs[0]] : NULL;
  int64_t elements = 1;
  bool same = from && from->rank >= 3 && from->rank <= 5 && from->shape[0] == rows->shape[0];
  for (int32_t i = 1; same && i < from->rank; i++)
    same = from->shape[i] > 0 && !__builtin_mul_overflow (elements, from->shape[i], &elements);
  if (same && elements == rows->shape[1]) {
    *rank = from->rank;
    memcpy (shape, from->shape, (size_t)from->rank * sizeof *shape);
    return maker->inputs[0];
  }
  static const int64_t behind[] = { 2, 3 };
  *rank = 4;
  memcpy (shape, (const int64_t[]){ 0, rows->shape[1], 1, 1 }, 4 * sizeof *shape);
  return adze_op (&p->g, "Unsqueeze", p->x.codes, adze_op_ints (&p->g, behind, 2), ADZE_END);
}

/* A Gemm is a convolution of one position: that has a bias and scales of channels. */
static adze_error *
dense (product *p, const adze_pass_codes *q, const bounds *b, uint32_t *made)
{
  int64_t shape[ADZE_GRAPH_RANK];
  int32_t rank;
  uint32_t weights;
  *made = ADZE_NONE;
  if (!adze_pass_numbers (p->g.graph, p->w.codes))
    return NULL;
  uint32_t images = images_of (p, &rank, shape);
  shape[0] = (int64_t)p->channels;
  ADZE_TRY (reshape_weights (p, !adze_node_int (p->node, "transB", 0), rank, shape, &weights));
  uint32_t codes = rescaled (p, "QLinearConv", q, images, weights);
  codes = bounded (p, q, b, codes);
  *made = adze_op (&p->g, "Flatten", codes, ADZE_END);
  return NULL;
}

static adze_error *
into_codes (product *p, const adze_pass_codes *q, const bounds *b, uint32_t *made)
{
  if (adze_pass_is (p->node, "Gemm")) {
    ADZE_TRY (dense (p, q, b, made));
  } else {
    const char *op = adze_pass_is (p->node, "Conv") ? "QLinearConv" : "QLinearMatMul";
    *made = bounded (p, q, b, rescaled (p, op, q, p->x.codes, p->w.codes));
  }
  return p->g.error;
}

/* From QuantizeLinear up to a product, through bounds. */
static adze_error *
requantise (adze_graph *graph, const adze_graph_node *node, uint64_t *changed)
{
  __attribute__ ((cleanup (product_cleanup))) product p = { .node = NULL };
  ADZE_AUTO_CODES q = { 0 };
  bounds b = { .low = -(double)INFINITY, .high = (double)INFINITY };
  uint32_t made = ADZE_NONE;
  bool done = false;
  ADZE_TRY (adze_pass_read_codes (graph, node, &q));
  if (!q.scales || q.count != 1 || (q.zero != ADZE_NONE && !adze_pass_numbers (graph, q.zero)))
    return NULL;
  const adze_graph_node *maker = adze_pass_only_maker (graph, node->inputs[0]);
  while (adze_pass_is_one_of (maker, "Relu Clip") && add_bounds (graph, maker, &b))
    maker = adze_pass_only_maker (graph, maker->inputs[0]);
  ADZE_TRY (read_product (graph, maker, &p));
  if (!p.can_be || !bias_fits (&p))
    return NULL;
  ADZE_TRY (into_codes (&p, &q, &b, &made));
  if (made == ADZE_NONE)
    return NULL;
  ADZE_TRY (adze_pass_merge (graph, node->number, q.codes, made, &done));
  drop (graph, node->inputs[0]);
  ++*changed;
  return NULL;
}

/* ---- Elsewhere: sums of integers, made floats. */

/* NUMBERS, or the steps of the sums: channels, and behind them POSITIONS dimensions of 1. */
static uint32_t
by_channel (product *p, const double *numbers, int32_t positions)
{
  static const adze_dtype f32 = { ADZE_FLOAT, 32, 1 };
  int64_t shape[ADZE_GRAPH_RANK] = { (int64_t)p->channels };
  ADZE_AUTO_FREE float *singles = malloc ((p->channels + 1) * sizeof *singles);
  if (!singles && !p->g.error)
    p->g.error = adze_error_memory ();
  for (size_t i = 0; singles && i < p->channels; i++)
    singles[i] = (float)(numbers ? numbers[i] : step_of (p, i));
  for (int32_t i = 0; i < positions; i++)
    shape[1 + i] = 1;
  bool single = !numbers && p->w.count == 1;
  return singles ? constant (p, f32, single ? 0 : 1 + positions, shape, singles) : ADZE_NONE;
}

static adze_error *
sums_of (product *p, uint32_t *sums)
{
  bool conv = adze_pass_is (p->node, "Conv");
  uint32_t weights = p->w.codes;
  *sums = ADZE_NONE;
  if (adze_pass_is (p->node, "Gemm") && adze_node_int (p->node, "transB", 0)) {
    const adze_graph_value *value = p->g.graph->values[p->w.codes];
    const int64_t turned[] = { value->shape[1], value->shape[0] };
    ADZE_TRY (reshape_weights (p, true, 2, turned, &weights));
    if (weights == ADZE_NONE)
      return NULL;
  }
  const uint32_t inputs[] = { p->x.codes, weights, p->x.zero, p->w.zero };
  const adze_node_recipe recipe = { .struct_size = sizeof recipe,
                                    .op = conv ? "ConvInteger" : "MatMulInteger",
                                    .name = p->node->name,
                                    .inputs = inputs,
                                    .input_count = 4,
                                    .output_count = 1,
                                    .attributes = conv ? p->node->attributes : NULL,
                                    .attribute_count = conv ? p->node->attribute_count : 0 };
  adze_op_made (&p->g, &recipe, sums);
  return NULL;
}

static adze_error *
into_floats (adze_graph *graph, const adze_graph_node *node, uint64_t *changed)
{
  static const int64_t single = 1; /* ONNX's number of float32 */
  const adze_graph_attribute to = adze_attribute_int ("to", &single);
  __attribute__ ((cleanup (product_cleanup))) product p = { .node = NULL };
  uint32_t sums;
  bool done = false;
  ADZE_TRY (read_product (graph, node, &p));
  if (!p.can_be)
    return NULL;
  int32_t positions = adze_pass_is (node, "Conv") ? graph->values[node->outputs[0]]->rank - 2 : 0;
  ADZE_TRY (sums_of (&p, &sums));
  if (sums == ADZE_NONE && !p.g.error)
    return NULL;
  uint32_t made = adze_op_with (&p.g, "", "Cast", &sums, 1, &to, 1);
  made = adze_op (&p.g, "Mul", made, by_channel (&p, NULL, positions), ADZE_END);
  if (p.bias)
    made = adze_op (&p.g, "Add", made, by_channel (&p, p.bias, positions), ADZE_END);
  if (p.g.error)
    return p.g.error;
  ADZE_TRY (adze_pass_merge (graph, node->number, node->outputs[0], made, &done));
  for (size_t i = 0; i < node->input_count; i++)
    drop (graph, node->inputs[i]);
  ++*changed;
  return NULL;
}

static adze_error *
for_each (adze_graph *graph, const char *ops,
          adze_error *(*change) (adze_graph *graph, const adze_graph_node *node,
                                 uint64_t *changed),
          uint64_t *changed)
{
  size_t count = graph->node_count; /* those that are added are none of OPS */
  for (uint32_t n = 0; n < count; n++)
    if (adze_pass_is_one_of (graph->nodes[n], ops))
      ADZE_TRY (change (graph, graph->nodes[n], changed));
  return NULL;
}

/* Sums become floats only when nothing else is to be had: a QuantizeLinear may still come nearer. */
adze_error *
adze_pass_integers (adze_graph *graph, uint64_t *changed)
{
  uint64_t before = *changed;
  ADZE_TRY (adze_pass_move_codes (graph, changed));
  ADZE_TRY (for_each (graph, "QuantizeLinear", requantise, changed));
  return *changed == before ? for_each (graph, "Conv Gemm MatMul", into_floats, changed) : NULL;
}
