/* SPDX-License-Identifier: Apache-2.0 */
/* graph/gradient_reduce.c: gradients of reductions, and of what is divided by a sum. */
#include "graph/gradient_words.h"

/* ---- Reductions. The gradient has lost the axes that are not kept; they come back with size 1. */

static uint32_t
with_axes_back (adze_gradient *g, uint32_t value)
{
  size_t count = 0;
  const int64_t *given = adze_node_ints (g->node, "axes", &count);
  int32_t rank = g->graph->values[in (g, 0)]->rank;
  if (adze_node_int (g->node, "keepdims", 1))
    return value;
  if (in (g, 1) != ADZE_NONE)
    return adze_op (g, "Unsqueeze", value, in (g, 1), ADZE_END);
  if (given)
    return adze_op (g, "Unsqueeze", value, adze_op_ints (g, given, count), ADZE_END);
  int64_t all[ADZE_GRAPH_RANK];
  for (int32_t i = 0; i < rank; i++)
    all[i] = i;
  return adze_op (g, "Unsqueeze", value, adze_op_ints (g, all, rank < 0 ? 0 : (size_t)rank),
                    ADZE_END);
}

static uint32_t
stretched (adze_gradient *g, uint32_t value)
{
  return adze_op_stretched (g, value, in (g, 0));
}

static void
reduce_sum_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, stretched (g, with_axes_back (g, g->given[0])));
}

/* How many elements become one. */
static uint32_t
elements_each (adze_gradient *g)
{
  uint32_t before = adze_op (g, "CastLike", unary (g, "Size", in (g, 0)), g->given[0], ADZE_END);
  uint32_t after = adze_op (g, "CastLike", unary (g, "Size", out (g)), g->given[0], ADZE_END);
  return divided (g, before, after);
}

static void
reduce_mean_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, stretched (g, with_axes_back (g, divided (g, g->given[0],
                                                                         elements_each (g)))));
}

static void
reduce_extreme_rule (adze_gradient *g)
{
  if (!g->wanted[0])
    return;
  uint32_t is = adze_op (g, "CastLike", adze_op (g, "Equal", in (g, 0),
                                                     with_axes_back (g, out (g)), ADZE_END),
                           g->given[0], ADZE_END);
  const int64_t keep = 1;
  const adze_graph_attribute attribute = adze_attribute_int ("keepdims", &keep);
  size_t axes_count = 0;
  const int64_t *axes = adze_node_ints (g->node, "axes", &axes_count);
  const uint32_t inputs[] = { is, axes ? adze_op_ints (g, axes, axes_count) : in (g, 1) };
  uint32_t ties = adze_op_with (g, "", "ReduceSum", inputs, inputs[1] == ADZE_NONE ? 1 : 2,
                                  &attribute, 1);
  adze_give_gradient (g, 0, mul (g, is, divided (g, with_axes_back (g, g->given[0]), ties)));
}

/* FACTOR has the shape of the input. */
static void
give_stretched (adze_gradient *g, uint32_t gradient, uint32_t factor)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, mul (g, stretched (g, with_axes_back (g, gradient)), factor));
}

static void
reduce_sum_square_rule (adze_gradient *g)
{
  give_stretched (g, g->given[0], mul (g, number (g, 2), in (g, 0)));
}

static void
reduce_l1_rule (adze_gradient *g)
{
  give_stretched (g, g->given[0], unary (g, "Sign", in (g, 0)));
}

/* At zeros it has no slope, and 0 is as good as any. */
static void
reduce_l2_rule (adze_gradient *g)
{
  uint32_t none = adze_op (g, "Equal", out (g), adze_op_number (g, 0, out (g)), ADZE_END);
  uint32_t norm = adze_op (g, "Where", none, adze_op_number (g, 1, out (g)), out (g), ADZE_END);
  give_stretched (g, divided (g, g->given[0], norm), in (g, 0));
}

static void
reduce_log_sum_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, stretched (g, with_axes_back (
                                             g, divided (g, g->given[0],
                                                         unary (g, "Exp", out (g))))));
}

static void
reduce_log_sum_exp_rule (adze_gradient *g)
{
  give_stretched (g, g->given[0],
                  unary (g, "Exp", sub (g, in (g, 0), with_axes_back (g, out (g)))));
}

/* ---- A product: halves are multiplied until one number is left. That has the right derivatives of
 * any order where numbers are zero, which dividing the product by each of them has not. */

/* The input with the reduced dimensions as one, the last, of *COUNT numbers. */
static uint32_t
reduced_last (adze_gradient *g, int64_t *count)
{
  const adze_graph_value *x = g->graph->values[in (g, 0)];
  int64_t perm[ADZE_GRAPH_RANK], shape[ADZE_GRAPH_RANK + 1];
  bool reduced[ADZE_GRAPH_RANK] = { false };
  size_t axis_count = 0, kept = 0, at;
  const int64_t *axes = adze_node_ints (g->node, "axes", &axis_count);
  for (size_t i = 0; i < axis_count; i++)
    reduced[axes[i] < 0 ? axes[i] + x->rank : axes[i]] = true;
  for (int32_t d = 0; d < x->rank; d++)
    if (axes && !reduced[d]) {
      shape[kept] = 0;
      perm[kept++] = d;
    }
  *count = 1;
  at = kept;
  for (int32_t d = 0; d < x->rank; d++)
    if (!axes || reduced[d]) {
      perm[at++] = d;
      *count = x->shape[d] < 0 || *count < 0 ? -1 : *count * x->shape[d];
    }
  shape[kept] = -1;
  const uint32_t input = in (g, 0);
  const adze_graph_attribute attribute = adze_attribute_ints ("perm", perm, at);
  uint32_t turned = adze_op_with (g, "", "Transpose", &input, 1, &attribute, 1);
  return adze_op (g, "Reshape", turned, adze_op_ints (g, shape, kept + 1), ADZE_END);
}

static uint32_t
halved (adze_gradient *g, uint32_t numbers, int64_t count)
{
  const int64_t sizes[] = { count / 2, count / 2, 1 }, last = -1;
  const size_t pieces = count % 2 ? 3 : 2;
  const adze_graph_attribute axis = adze_attribute_int ("axis", &last);
  uint32_t piece[3];
  const uint32_t inputs[] = { numbers, adze_op_ints (g, sizes, pieces) };
  adze_ops_with (g, "Split", inputs, 2, &axis, 1, piece, pieces);
  uint32_t pair[] = { mul (g, piece[0], piece[1]), piece[pieces - 1] };
  return pieces == 2 ? pair[0] : adze_op_with (g, "", "Concat", pair, 2, &axis, 1);
}

static void
reduce_prod_rule (adze_gradient *g)
{
  int64_t count;
  uint32_t first = adze_graph_node_count (g->graph);
  if (g->graph->values[in (g, 0)]->rank < 0) {
    adze_gradient_refuse (g, "the rank of its input is not known");
    return;
  }
  uint32_t numbers = reduced_last (g, &count);
  if (count < 0) {
    adze_gradient_refuse (g, "how many numbers it multiplies is not known");
    return;
  }
  if (count == 0)
    return; /* there is nothing that could have a gradient */
  for (; count > 1 && !g->error; count = (count + 1) / 2)
    numbers = halved (g, numbers, count);
  uint32_t product = adze_op_reshaped (g, numbers, out (g));
  adze_give_through (g, first, &product, g->given, 1);
}

/* ---- Divided by a sum. */

static void
lp_normalization_rule (adze_gradient *g)
{
  const int64_t axis = adze_node_int (g->node, "axis", -1);
  const adze_graph_attribute axes = adze_attribute_ints ("axes", &axis, 1);
  const uint32_t input = in (g, 0), first = adze_graph_node_count (g->graph);
  uint32_t norm = adze_op_with (g, "", adze_node_int (g->node, "p", 2) == 1 ? "ReduceL1" : "ReduceL2",
                                &input, 1, &axes, 1);
  uint32_t normal = divided (g, input, norm);
  adze_give_through (g, first, &normal, g->given, 1);
}

/* y times (gradient less the sum of gradient times y), along the axis. */
static uint32_t
along_axis (adze_gradient *g, uint32_t value)
{
  const int64_t axis = adze_node_int (g->node, "axis", -1);
  return adze_op (g, "ReduceSum", value, adze_op_ints (g, &axis, 1), ADZE_END);
}

static void
softmax_rule (adze_gradient *g)
{
  uint32_t weighted = along_axis (g, mul (g, g->given[0], out (g)));
  if (g->wanted[0])
    adze_give_gradient (g, 0, mul (g, out (g), sub (g, g->given[0], weighted)));
}

static void
log_softmax_rule (adze_gradient *g)
{
  uint32_t sum = along_axis (g, g->given[0]);
  if (g->wanted[0])
    adze_give_gradient (g, 0, sub (g, g->given[0], mul (g, unary (g, "Exp", out (g)), sum)));
}

/* Ours: values summed up to a smaller shape. Its gradient is stretched again. */
static void
sum_to_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, stretched (g, g->given[0]));
}

const adze_gradient_rule adze_gradients_reduce[] = {
  { "", "ReduceSum", reduce_sum_rule },
  { "", "ReduceMean", reduce_mean_rule },
  { "", "ReduceMax", reduce_extreme_rule },
  { "", "ReduceMin", reduce_extreme_rule },
  { "", "ReduceProd", reduce_prod_rule },
  { "", "ReduceSumSquare", reduce_sum_square_rule },
  { "", "ReduceL1", reduce_l1_rule },
  { "", "ReduceL2", reduce_l2_rule },
  { "", "ReduceLogSum", reduce_log_sum_rule },
  { "", "ReduceLogSumExp", reduce_log_sum_exp_rule },
  { "", "LpNormalization", lp_normalization_rule },
  { "", "Softmax", softmax_rule },
  { "", "LogSoftmax", log_softmax_rule },
  { "adze", "SumTo", sum_to_rule },
  { NULL, NULL, NULL },
};
