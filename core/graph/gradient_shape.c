/* SPDX-License-Identifier: Apache-2.0 */
/* graph/gradient_shape.c: gradients of moved values: reshape, transpose, concatenate, slice, pad.
 * What was moved there is moved back. */
#include "graph/gradient_words.h"

static const adze_graph_value *
known (const adze_gradient *g, uint32_t value)
{
  return g->graph->values[value];
}

/* The shape of the input again. */
static void
reshape_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, adze_op_reshaped (g, g->given[0], in (g, 0)));
}

static void
transpose_rule (adze_gradient *g)
{
  int64_t back[ADZE_GRAPH_RANK];
  size_t count = 0;
  const int64_t *perm = adze_node_ints (g->node, "perm", &count);
  int32_t rank = known (g, in (g, 0))->rank;
  if (!g->wanted[0])
    return;
  if (rank < 0 || (perm && count != (size_t)rank)) {
    adze_gradient_refuse (g, "the rank of its input is not known");
    return;
  }
  for (int32_t i = 0; i < rank; i++)
    back[perm ? perm[i] : rank - 1 - i] = i;
  const adze_graph_attribute attribute = adze_attribute_ints ("perm", back, (size_t)rank);
  adze_give_gradient (g, 0, adze_op_with (g, "", "Transpose", &g->given[0], 1, &attribute, 1));
}

/* ---- Pieces side by side. */

/* Sizes of what was put together; false: one is not known. */
static bool
sizes_along (const adze_gradient *g, const uint32_t *values, size_t count, int64_t axis,
             int64_t *sizes)
{
  for (size_t i = 0; i < count; i++) {
    const adze_graph_value *value = values[i] == ADZE_NONE ? NULL : known (g, values[i]);
    int64_t at = value && axis < 0 ? axis + value->rank : axis;
    if (!value || at < 0 || at >= value->rank || value->shape[at] < 0)
      return false;
    sizes[i] = value->shape[at];
  }
  return true;
}

/* FROM to TO along AXIS. */
static uint32_t
part (adze_gradient *g, uint32_t value, int64_t from, int64_t to, int64_t axis)
{
  return adze_op (g, "Slice", value, adze_op_ints (g, &from, 1), adze_op_ints (g, &to, 1),
                  adze_op_ints (g, &axis, 1), ADZE_END);
}

static void
concat_rule (adze_gradient *g)
{
  size_t count = g->node->input_count;
  int64_t axis = adze_node_int (g->node, "axis", 0), from = 0;
  ADZE_AUTO_FREE int64_t *sizes = calloc (count + 1, sizeof *sizes);
  if (!sizes) {
    g->error = adze_error_memory ();
    return;
  }
  if (!sizes_along (g, g->node->inputs, count, axis, sizes)) {
    adze_gradient_refuse (g, "the sizes of what it puts together are not known");
    return;
  }
  for (size_t i = 0; i < count; i++) {
    if (g->wanted[i])
      adze_give_gradient (g, i, part (g, g->given[0], from, from + sizes[i], axis));
    from += sizes[i];
  }
}

/* Outputs that nobody takes count as zeros of their size. */
static void
split_rule (adze_gradient *g)
{
  size_t count = g->node->output_count;
  if (!g->wanted[0])
    return;
  ADZE_AUTO_FREE uint32_t *pieces = calloc (count + 1, sizeof *pieces);
  if (!pieces) {
    g->error = adze_error_memory ();
    return;
  }
  for (size_t i = 0; i < count; i++) {
    pieces[i] = g->given[i];
    if (pieces[i] == ADZE_NONE && g->node->outputs[i] == ADZE_NONE) {
      adze_gradient_refuse (g, "one of its outputs is left out");
      return;
    }
    if (pieces[i] == ADZE_NONE)
      pieces[i] = adze_op (g, "Sub", g->node->outputs[i], g->node->outputs[i], ADZE_END);
  }
  const int64_t axis = adze_node_int (g->node, "axis", 0);
  const adze_graph_attribute attribute = adze_attribute_int ("axis", &axis);
  adze_give_gradient (g, 0, adze_op_with (g, "", "Concat", pieces, count, &attribute, 1));
}

/* ---- Some of the values. The rest gets nothing: zeros of the input's size, and what was taken put
 * back at its place. */

void
adze_gradient_by_positions (adze_gradient *g, size_t input_count)
{
  const int64_t all = -1;
  if (!g->wanted[0])
    return;
  uint32_t shape = unary (g, "Shape", in (g, 0));
  uint32_t row = adze_op (g, "Range", adze_op_int (g, 0), unary (g, "Size", in (g, 0)),
                          adze_op_int (g, 1), ADZE_END);
  uint32_t numbers = adze_op (g, "Reshape", row, shape, ADZE_END);
  ADZE_AUTO_FREE uint32_t *inputs = calloc (input_count + 1, sizeof *inputs);
  if (!inputs || g->error) {
    g->error = g->error ? g->error : adze_error_memory ();
    return;
  }
  memcpy (inputs, g->node->inputs, input_count * sizeof *inputs);
  inputs[0] = numbers;
  uint32_t taken = adze_op_with (g, g->node->domain, g->node->op, inputs, input_count,
                                 g->node->attributes, g->node->attribute_count);
  uint32_t flat = adze_op_ints (g, &all, 1);
  const uint32_t scattered[] = { adze_op (g, "Reshape", adze_op_zeros (g, in (g, 0)), flat, ADZE_END),
                                 adze_op (g, "Reshape", taken, flat, ADZE_END),
                                 adze_op (g, "Reshape", g->given[0], flat, ADZE_END) };
  const adze_text add = { "add", 3 };
  const adze_graph_attribute reduction = adze_attribute_text ("reduction", &add);
  uint32_t made = adze_op_with (g, "", "ScatterElements", scattered, 3, &reduction, 1);
  adze_give_gradient (g, 0, adze_op_reshaped (g, made, in (g, 0)));
}

/* What is stretched is summed up again. */
static void
expand_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, g->given[0]);
}

/* The sum along an axis so far, taken the other way round. */
static void
cumsum_rule (adze_gradient *g)
{
  const int64_t exclusive = adze_node_int (g->node, "exclusive", 0);
  const int64_t reverse = !adze_node_int (g->node, "reverse", 0);
  const adze_graph_attribute attributes[] = { adze_attribute_int ("exclusive", &exclusive),
                                              adze_attribute_int ("reverse", &reverse) };
  const uint32_t inputs[] = { g->given[0], in (g, 1) };
  if (g->wanted[0])
    adze_give_gradient (g, 0, adze_op_with (g, "", "CumSum", inputs, 2, attributes, 2));
}

/* The triangle that was kept. */
static void
trilu_rule (adze_gradient *g)
{
  const uint32_t inputs[] = { g->given[0], in (g, 1) };
  if (g->wanted[0])
    adze_give_gradient (g, 0, adze_op_with (g, "", "Trilu", inputs, in (g, 1) == ADZE_NONE ? 1 : 2,
                                            g->node->attributes, g->node->attribute_count));
}

/* Zeros that were put around are cut off again, and what was cut off comes back as zeros. The number
 * that was put there gets what stands there. */
static void
pad_rule (adze_gradient *g)
{
  if (strcmp (adze_node_text (g->node, "mode", "constant"), "constant") != 0) {
    adze_gradient_by_positions (g, 2); /* some elements come several times */
    return;
  }
  uint32_t less = adze_op (g, "Pad", g->given[0], unary (g, "Neg", in (g, 1)), ADZE_END);
  if (g->wanted[0])
    adze_give_gradient (g, 0, less);
  if (in (g, 2) == ADZE_NONE || !g->wanted[2])
    return;
  const int64_t keep = 0;
  const adze_graph_attribute attribute = adze_attribute_int ("keepdims", &keep);
  const uint32_t sums[] = { adze_op_with (g, "", "ReduceSum", &g->given[0], 1, &attribute, 1),
                            adze_op_with (g, "", "ReduceSum", &less, 1, &attribute, 1) };
  adze_give_gradient (g, 2, adze_op_reshaped (g, sub (g, sums[0], sums[1]), in (g, 2)));
}

static void
by_positions (adze_gradient *g)
{
  adze_gradient_by_positions (g, g->node->input_count);
}

const adze_gradient_rule adze_gradients_shape[] = {
  { "", "Reshape", reshape_rule },
  { "", "Flatten", reshape_rule },
  { "", "Squeeze", reshape_rule },
  { "", "Unsqueeze", reshape_rule },
  { "", "Transpose", transpose_rule },
  { "", "Concat", concat_rule },
  { "", "Split", split_rule },
  { "", "Slice", by_positions },
  { "", "Tile", by_positions },
  { "", "Pad", pad_rule },
  { "", "DepthToSpace", by_positions },
  { "", "SpaceToDepth", by_positions },
  { "", "ReverseSequence", by_positions },
  { "", "Expand", expand_rule },
  { "", "CumSum", cumsum_rule },
  { "", "Trilu", trilu_rule },
  { NULL, NULL, NULL },
};
