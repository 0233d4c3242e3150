/* SPDX-License-Identifier: Apache-2.0 */
/* graph/groups_rules.c: which places of its inputs and outputs each operator ties together. */
#include <stdio.h>

#include "graph/groups_private.h"

/* ---- Words. */

static uint32_t
in (const adze_graph_node *node, size_t index)
{
  return index < node->input_count ? node->inputs[index] : ADZE_NONE;
}

static int32_t
rank_of (const adze_groups *g, uint32_t value)
{
  const adze_graph_value *known = adze_graph_value_at (g->graph, value);
  return known ? known->rank : -1;
}

static void
fix (adze_groups *g, const adze_graph_node *node, uint32_t value, int32_t axis)
{
  for (int64_t i = 0; i < adze_places_of (g, value, axis); i++)
    adze_place_fix (g, adze_place (g, value, axis, i), ADZE_CHANNELS_NODE, node->number);
}

static void
fix_from (adze_groups *g, const adze_graph_node *node, uint32_t value, int32_t axis)
{
  for (; axis < rank_of (g, value); axis++)
    fix (g, node, value, axis);
}

/* Two dimensions of the same size, place by place; of different sizes they are fixed. */
static void
tie (adze_groups *g, const adze_graph_node *node, uint32_t a, int32_t axis_a, uint32_t b,
     int32_t axis_b)
{
  int64_t count = adze_places_of (g, a, axis_a);
  if (count != adze_places_of (g, b, axis_b)) {
    fix (g, node, a, axis_a);
    fix (g, node, b, axis_b);
    return;
  }
  for (int64_t i = 0; i < count; i++)
    adze_places_join (g, adze_place (g, a, axis_a, i), adze_place (g, b, axis_b, i));
}

/* ---- Families. */

static void
all_fixed (adze_groups *g, const adze_graph_node *node)
{
  for (size_t i = 0; i < node->input_count; i++)
    fix_from (g, node, node->inputs[i], 0);
  for (size_t i = 0; i < node->output_count; i++)
    fix_from (g, node, node->outputs[i], 0);
}

/* Input INDEX, stretched to the output as ONNX broadcasts. One that is stretched stays as it is. */
static void
stretched (adze_groups *g, const adze_graph_node *node, size_t index)
{
  uint32_t from = in (node, index), to = node->outputs[0];
  int32_t more = rank_of (g, to) - rank_of (g, from);
  for (int32_t d = 0; d < rank_of (g, from); d++)
    if (adze_places_of (g, from, d) == 1 && adze_places_of (g, to, d + more) != 1)
      fix (g, node, from, d);
    else
      tie (g, node, from, d, to, d + more);
}

static void
elementwise (adze_groups *g, const adze_graph_node *node)
{
  for (size_t i = 0; i < node->input_count; i++)
    if (node->inputs[i] != ADZE_NONE)
      stretched (g, node, i);
  for (size_t o = 1; o < node->output_count; o++)
    for (int32_t d = 0; d < rank_of (g, node->outputs[o]); d++)
      tie (g, node, node->outputs[o], d, node->outputs[0], d);
}

/* The output has the dimensions of the input; those that were cut or padded are fixed. */
static void
where_same (adze_groups *g, const adze_graph_node *node)
{
  uint32_t from = in (node, 0);
  for (size_t o = 0; o < node->output_count; o++)
    for (int32_t d = 0; d < rank_of (g, from); d++)
      tie (g, node, from, d, node->outputs[o], d);
}

/* Batch and channels go through, places of windows are fixed. */
static void
pool (adze_groups *g, const adze_graph_node *node)
{
  for (size_t o = 0; o < node->output_count; o++) {
    tie (g, node, in (node, 0), 0, node->outputs[o], 0);
    tie (g, node, in (node, 0), 1, node->outputs[o], 1);
    fix_from (g, node, node->outputs[o], 2);
  }
  fix_from (g, node, in (node, 0), 2);
}

/* Scale, bias, mean and variance are vectors of channels. */
static void
channel_norm (adze_groups *g, const adze_graph_node *node)
{
  for (int32_t d = 0; d < rank_of (g, in (node, 0)); d++)
    tie (g, node, in (node, 0), d, node->outputs[0], d);
  for (size_t o = 1; o < node->output_count; o++)
    tie (g, node, node->outputs[o], 0, in (node, 0), 1);
  for (size_t i = 1; i < node->input_count; i++)
    tie (g, node, in (node, i), 0, in (node, 0), 1);
}

static void
layer_norm (adze_groups *g, const adze_graph_node *node)
{
  int32_t rank = rank_of (g, in (node, 0));
  int64_t axis = adze_node_int (node, "axis", -1);
  axis = axis < 0 ? axis + rank : axis;
  for (int32_t d = 0; d < rank; d++) {
    tie (g, node, in (node, 0), d, node->outputs[0], d);
    for (int64_t i = 0; d >= axis && i < adze_places_of (g, in (node, 0), d); i++)
      g->mixed[adze_place_root (g, adze_place (g, in (node, 0), d, i))] = true;
  }
  for (size_t i = 1; i < 3; i++)
    if (in (node, i) != ADZE_NONE)
      stretched (g, node, i);
  for (size_t o = 1; o < node->output_count; o++)
    fix_from (g, node, node->outputs[o], 0);
}

/* All but the one dimension that it looks along. */
static void
along_axis (adze_groups *g, const adze_graph_node *node)
{
  int32_t rank = rank_of (g, in (node, 0));
  int64_t axis = adze_node_int (node, "axis", -1);
  where_same (g, node);
  fix (g, node, in (node, 0), (int32_t)(axis < 0 ? axis + rank : axis));
}

static bool
are_all_positive (const adze_graph_value *list)
{
  bool wide = list->dtype.bits == 64;
  for (int64_t i = 0; list->data && i < list->shape[0]; i++)
    if ((wide ? ((const int64_t *)list->data)[i] : ((const int32_t *)list->data)[i]) <= 0)
      return false;
  return list->data != NULL;
}

/* One of the same size was not cut, unless it was turned round. */
static void
slice (adze_groups *g, const adze_graph_node *node)
{
  const adze_graph_value *steps = adze_graph_value_at (g->graph, in (node, 4));
  if (steps && !are_all_positive (steps))
    all_fixed (g, node);
  else
    where_same (g, node);
}

static void
pad (adze_groups *g, const adze_graph_node *node)
{
  const adze_graph_value *pads = adze_graph_value_at (g->graph, in (node, 1));
  int32_t rank = rank_of (g, in (node, 0));
  if (!pads || !pads->data || rank < 0 || pads->shape[0] != 2 * rank) {
    all_fixed (g, node);
    return;
  }
  const int64_t *sizes = pads->data;
  where_same (g, node);
  for (int32_t d = 0; d < rank; d++)
    if (sizes[d] != 0 || sizes[rank + d] != 0) {
      fix (g, node, in (node, 0), d);
      fix (g, node, node->outputs[0], d);
    }
}

/* ---- Convolutions. */

/* Channels of X and Y, and where they are in W: [M, C / group, ...], or [C, M / group, ...] where
 * it is transposed. */
static void
convolution (adze_groups *g, const adze_graph_node *node)
{
  bool transposed = strcmp (node->op, "ConvTranspose") == 0;
  uint32_t x = in (node, 0), w = in (node, 1), y = node->outputs[0], bias = in (node, 2);
  int64_t group = adze_node_int (node, "group", 1);
  int64_t taken = adze_places_of (g, x, 1), given = adze_places_of (g, y, 1);
  if (taken == 0 || given == 0 || rank_of (g, w) < 2 || group < 1
      || (group > 1 && transposed && taken == group && given != group)) {
    all_fixed (g, node);
    return;
  }
  /* One that all groups share: the dimension of M / group or C / group. */
  uint32_t whole = transposed ? x : y, shared = transposed ? y : x;
  int64_t whole_count = transposed ? taken : given, shared_count = transposed ? given : taken;
  int64_t per_whole = whole_count / group, per_shared = shared_count / group;
  tie (g, node, w, 0, whole, 1);
  if (group > 1 && taken == group) {
    /* Depthwise: a channel in is a group, with all that comes of it. */
    for (int64_t i = 0; i < given; i++)
      adze_places_join (g, adze_place (g, y, 1, i), adze_place (g, x, 1, i / (given / group)));
    fix (g, node, w, 1);
  } else {
    /* Groups stay equally large: a channel goes from each. */
    for (int64_t i = 0; i < shared_count; i++)
      adze_places_join (g, adze_place (g, shared, 1, i), adze_place (g, w, 1, i % per_shared));
    for (int64_t i = per_whole; i < whole_count; i++)
      adze_places_join (g, adze_place (g, w, 0, i), adze_place (g, w, 0, i % per_whole));
  }
  if (bias != ADZE_NONE)
    tie (g, node, bias, 0, y, 1);
  tie (g, node, x, 0, y, 0);
  fix_from (g, node, x, 2);
  fix_from (g, node, y, 2);
  fix_from (g, node, w, 2);
}

/* ---- Products. */

static void
gemm (adze_groups *g, const adze_graph_node *node)
{
  int32_t a = adze_node_int (node, "transA", 0) != 0, b = adze_node_int (node, "transB", 0) != 0;
  uint32_t y = node->outputs[0];
  tie (g, node, in (node, 0), a, y, 0);
  tie (g, node, in (node, 1), 1 - b, y, 1);
  tie (g, node, in (node, 0), 1 - a, in (node, 1), b);
  if (in (node, 2) != ADZE_NONE)
    stretched (g, node, 2);
}

static void
mat_mul (adze_groups *g, const adze_graph_node *node)
{
  uint32_t a = in (node, 0), b = in (node, 1), y = node->outputs[0];
  int32_t rank_a = rank_of (g, a), rank_b = rank_of (g, b), rank = rank_of (g, y);
  if (rank_a < 2 || rank_b < 2) {
    all_fixed (g, node);
    return;
  }
  tie (g, node, a, rank_a - 1, b, rank_b - 2);
  tie (g, node, a, rank_a - 2, y, rank - 2);
  tie (g, node, b, rank_b - 1, y, rank - 1);
  for (int32_t i = 3; i <= rank; i++) {
    int64_t size = adze_places_of (g, y, rank - i);
    for (int side = 0; side < 2; side++) {
      uint32_t value = side ? b : a;
      int32_t axis = (side ? rank_b : rank_a) - i;
      if (axis >= 0 && adze_places_of (g, value, axis) == 1 && size != 1)
        fix (g, node, value, axis);
      else if (axis >= 0)
        tie (g, node, value, axis, y, rank - i);
    }
  }
}

/* ---- Changes of shape. */

/* Dimensions FIRST to LAST - 1 of a value, whose product is that of the other side's. */
typedef struct span {
  uint32_t value;
  int32_t first, last;
} span;

static int32_t
outermost (const adze_groups *g, const span *s)
{
  int32_t axis = s->first;
  while (axis + 1 < s->last && adze_places_of (g, s->value, axis) == 1)
    axis++;
  return axis;
}

/* The outermost dimensions of both hang together, in blocks; all others are fixed. */
static void
tie_spans (adze_groups *g, const adze_graph_node *node, const span *a, const span *b)
{
  int32_t axis_a = outermost (g, a), axis_b = outermost (g, b);
  int64_t many = adze_places_of (g, a->value, axis_a), few = adze_places_of (g, b->value, axis_b);
  if (many < few) {
    tie_spans (g, node, b, a);
    return;
  }
  for (int32_t d = a->first; d < a->last; d++)
    if (d != axis_a)
      fix (g, node, a->value, d);
  for (int32_t d = b->first; d < b->last; d++)
    if (d != axis_b)
      fix (g, node, b->value, d);
  if (few == 0 || many % few != 0) {
    fix (g, node, a->value, axis_a);
    fix (g, node, b->value, axis_b);
    return;
  }
  for (int64_t i = 0; i < many; i++)
    adze_places_join (g, adze_place (g, a->value, axis_a, i),
                      adze_place (g, b->value, axis_b, i / (many / few)));
}

/* Is its new shape known, so that removal can write another one? */
static bool
shape_is_known (const adze_groups *g, const adze_graph_node *node)
{
  const adze_graph_value *shape = adze_graph_value_at (g->graph, in (node, 1));
  return strcmp (node->op, "Reshape") != 0 || (shape && shape->data && shape->rank == 1);
}

/* Goes through both shapes from behind, and cuts them wherever the products so far are the same:
 * what is not known are batches, which stand in front. */
static void
reshape (adze_groups *g, const adze_graph_node *node)
{
  uint32_t from = in (node, 0), to = node->outputs[0];
  const adze_graph_value *x = g->graph->values[from], *y = g->graph->values[to];
  int32_t i = x->rank, j = y->rank;
  if (!shape_is_known (g, node)) {
    all_fixed (g, node);
    return;
  }
  while (i > 0 && j > 0 && x->shape[i - 1] > 0 && y->shape[j - 1] > 0) {
    span a = { from, i - 1, i }, b = { to, j - 1, j };
    int64_t left = x->shape[--i], right = y->shape[--j];
    while (left != right && (left < right ? i > 0 && x->shape[i - 1] > 0
                                          : j > 0 && y->shape[j - 1] > 0)) {
      if (left < right)
        left *= x->shape[--i];
      else
        right *= y->shape[--j];
    }
    a.first = i;
    b.first = j;
    if (left == right) {
      tie_spans (g, node, &a, &b);
      continue;
    }
    i = a.last;
    j = b.last;
    break;
  }
  while (i-- > 0)
    fix (g, node, from, i);
  while (j-- > 0)
    fix (g, node, to, j);
}

static void
transpose (adze_groups *g, const adze_graph_node *node)
{
  size_t count;
  const int64_t *perm = adze_node_ints (node, "perm", &count);
  int32_t rank = rank_of (g, in (node, 0));
  for (int32_t d = 0; d < rank; d++)
    tie (g, node, in (node, 0), perm ? (int32_t)perm[d] : rank - 1 - d, node->outputs[0], d);
}

static void
concat (adze_groups *g, const adze_graph_node *node)
{
  uint32_t y = node->outputs[0];
  int64_t axis = adze_node_int (node, "axis", 0), at = 0;
  axis = axis < 0 ? axis + rank_of (g, y) : axis;
  bool known = adze_places_of (g, y, (int32_t)axis) > 0;
  for (size_t i = 0; i < node->input_count; i++)
    known = known && adze_places_of (g, node->inputs[i], (int32_t)axis) > 0;
  for (size_t i = 0; i < node->input_count; i++) {
    uint32_t x = node->inputs[i];
    for (int32_t d = 0; d < rank_of (g, x); d++)
      if (d != axis)
        tie (g, node, x, d, y, d);
      else if (!known)
        fix (g, node, x, d);
    for (int64_t c = 0; known && c < adze_places_of (g, x, (int32_t)axis); c++)
      adze_places_join (g, adze_place (g, x, (int32_t)axis, c),
                        adze_place (g, y, (int32_t)axis, at++));
  }
  if (!known)
    fix (g, node, y, (int32_t)axis);
}

/* Rows of a table: which row is a number, so all rows stay. */
static void
gather (adze_groups *g, const adze_graph_node *node)
{
  uint32_t table = in (node, 0), indices = in (node, 1), y = node->outputs[0];
  int32_t rank = rank_of (g, table), more = rank_of (g, indices) - 1;
  int64_t axis = adze_node_int (node, "axis", 0);
  axis = axis < 0 ? axis + rank : axis;
  for (int32_t d = 0; d < rank; d++)
    if (d == axis)
      fix (g, node, table, d);
    else
      tie (g, node, table, d, y, d < axis ? d : d + more);
  for (int32_t d = 0; d <= more; d++)
    tie (g, node, indices, d, y, (int32_t)axis + d);
}

/* What is summed up changes with each place that goes. */
static void
reduce (adze_groups *g, const adze_graph_node *node)
{
  uint32_t x = in (node, 0), y = node->outputs[0];
  int32_t rank = rank_of (g, x), at = 0;
  bool keeps = adze_node_int (node, "keepdims", 1) != 0, reduced[ADZE_GRAPH_RANK] = { false };
  size_t count;
  const int64_t *axes = adze_node_ints (node, "axes", &count);
  const adze_graph_value *list = adze_graph_value_at (g->graph, in (node, 1));
  if (rank < 1 || (list && (list->rank != 1 || !list->data))) {
    all_fixed (g, node);
    return;
  }
  if (list) {
    axes = list->data;
    count = (size_t)list->shape[0];
  }
  for (size_t i = 0; i < count; i++)
    reduced[(axes[i] + rank) % rank] = true;
  for (int32_t d = 0; d < rank; d++) {
    if (count == 0 || reduced[d])
      fix (g, node, x, d);
    else
      tie (g, node, x, d, y, at);
    at += keeps || (count > 0 && !reduced[d]);
  }
}

/* ---- The table. */

static const struct {
  const char *ops; /* between spaces */
  void (*rule) (adze_groups *g, const adze_graph_node *node);
} rules[] = {
  { " Abs Acos Acosh Asin Asinh Atan Atanh Ceil Celu Clip Cos Cosh Dropout Elu Erf Exp Floor "
    "HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Log Neg Not Reciprocal Relu Round Selu "
    "Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Tan Tanh ThresholdedRelu Cast "
    "Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or PRelu Pow "
    "Sub Sum Where Xor ",
    elementwise },
  { " Conv ConvTranspose ", convolution },
  { " MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool ", pool },
  { " BatchNormalization InstanceNormalization ", channel_norm },
  { " LayerNormalization ", layer_norm },
  { " Softmax LogSoftmax Hardmax ", along_axis },
  { " Gemm ", gemm },
  { " MatMul ", mat_mul },
  { " Reshape Flatten Squeeze Unsqueeze ", reshape },
  { " Transpose ", transpose },
  { " Concat ", concat },
  { " Gather ", gather },
  { " ReduceMean ReduceSum ReduceMax ReduceMin ReduceL1 ReduceL2 ReduceProd ReduceSumSquare "
    "ReduceLogSum ReduceLogSumExp ",
    reduce },
  { " Pad ", pad },
  { " Slice ", slice },
};

/* Whole numbers that are given are axes, sizes, codes: none of their places is a channel. */
static void
fix_settings (adze_groups *g, const adze_graph_node *node)
{
  for (size_t i = 0; i < node->input_count; i++) {
    const adze_graph_value *value = adze_graph_value_at (g->graph, node->inputs[i]);
    if (value && value->dtype.code != ADZE_FLOAT && value->dtype.code != ADZE_BFLOAT
        && (value->role == ADZE_ROLE_WEIGHT || value->role == ADZE_ROLE_CONSTANT))
      fix_from (g, node, node->inputs[i], 0);
  }
}

void
adze_groups_follow (adze_groups *g, const adze_graph_node *node)
{
  char word[64];
  snprintf (word, sizeof word, " %s ", node->op);
  fix_settings (g, node);
  for (size_t i = 0; !node->domain[0] && i < ADZE_COUNT_OF (rules); i++)
    if (strstr (rules[i].ops, word)) {
      rules[i].rule (g, node);
      return;
    }
  all_fixed (g, node);
}
