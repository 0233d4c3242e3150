/* SPDX-License-Identifier: Apache-2.0 */
/* graph/gradient_reduce.c: gradients of products, reductions, and what is divided by a sum. */
#include "graph/gradient_words.h"

/* ---- Products. */

static uint32_t
swapped (adze_gradient *g, uint32_t matrix)
{
  int64_t order[ADZE_GRAPH_RANK];
  if (g->error)
    return ADZE_NONE;
  int32_t rank = g->graph->values[matrix]->rank;
  for (int32_t i = 0; i < rank; i++)
    order[i] = i;
  order[rank - 1] = rank - 2;
  order[rank - 2] = rank - 1;
  adze_graph_attribute perm = adze_attribute_ints ("perm", order, (size_t)rank);
  return adze_op_with (g, "", "Transpose", &matrix, 1, &perm, 1);
}

static uint32_t
with_axis (adze_gradient *g, const char *op, uint32_t value, int64_t axis)
{
  return adze_op (g, op, value, adze_op_ints (g, &axis, 1), ADZE_END);
}

/* Vectors are matrices of one row or one column for as long as it takes. */
static void
matmul_rule (adze_gradient *g)
{
  uint32_t a = in (g, 0), b = in (g, 1), gradient = g->given[0];
  int32_t rank_a = g->graph->values[a]->rank, rank_b = g->graph->values[b]->rank;
  if (rank_a < 1 || rank_b < 1) {
    adze_error_free (adze_gradient_refuse (g, "the ranks of its inputs are not known"));
    return;
  }
  if (rank_a == 1)
    gradient = with_axis (g, "Unsqueeze", gradient, rank_b == 1 ? 0 : -2);
  if (rank_b == 1)
    gradient = with_axis (g, "Unsqueeze", gradient, -1);
  uint32_t left = rank_a == 1 ? with_axis (g, "Unsqueeze", a, 0) : a;
  uint32_t right = rank_b == 1 ? with_axis (g, "Unsqueeze", b, -1) : b;
  if (g->wanted[0]) {
    uint32_t made = adze_op (g, "MatMul", gradient, swapped (g, right), ADZE_END);
    adze_give_gradient (g, 0, rank_a == 1 ? with_axis (g, "Squeeze", made, -2) : made);
  }
  if (g->wanted[1]) {
    uint32_t made = adze_op (g, "MatMul", swapped (g, left), gradient, ADZE_END);
    adze_give_gradient (g, 1, rank_b == 1 ? with_axis (g, "Squeeze", made, -1) : made);
  }
}

/* alpha op(A) op(B): which operands a Gemm needs for the gradient of one of them. */
static uint32_t
gemm (adze_gradient *g, uint32_t a, uint32_t b, bool turn_a, bool turn_b)
{
  float alpha = adze_node_float (g->node, "alpha", 1);
  int64_t first = turn_a, second = turn_b;
  const adze_graph_attribute attributes[]
      = { adze_attribute_float ("alpha", &alpha), adze_attribute_int ("transA", &first),
          adze_attribute_int ("transB", &second) };
  const uint32_t inputs[] = { a, b };
  return adze_op_with (g, "", "Gemm", inputs, 2, attributes, ADZE_COUNT_OF (attributes));
}

static void
gemm_rule (adze_gradient *g)
{
  bool turn_a = adze_node_int (g->node, "transA", 0), turn_b = adze_node_int (g->node, "transB", 0);
  uint32_t a = in (g, 0), b = in (g, 1), y = g->given[0];
  if (g->wanted[0])
    adze_give_gradient (g, 0, turn_a ? gemm (g, b, y, turn_b, true) : gemm (g, y, b, false, !turn_b));
  if (g->wanted[1])
    adze_give_gradient (g, 1, turn_b ? gemm (g, y, a, true, turn_a) : gemm (g, a, y, !turn_a, false));
  if (in (g, 2) != ADZE_NONE && g->wanted[2]) {
    float beta = adze_node_float (g->node, "beta", 1);
    adze_give_gradient (g, 2, beta == 1.0f ? y : mul (g, y, number (g, beta)));
  }
}

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
  return adze_op (g, "Expand", value, unary (g, "Shape", in (g, 0)), ADZE_END);
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

static void
reduce_l2_rule (adze_gradient *g)
{
  give_stretched (g, divided (g, g->given[0], out (g)), in (g, 0));
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
  { "", "MatMul", matmul_rule },
  { "", "Gemm", gemm_rule },
  { "", "ReduceSum", reduce_sum_rule },
  { "", "ReduceMean", reduce_mean_rule },
  { "", "ReduceMax", reduce_extreme_rule },
  { "", "ReduceMin", reduce_extreme_rule },
  { "", "ReduceSumSquare", reduce_sum_square_rule },
  { "", "ReduceL1", reduce_l1_rule },
  { "", "ReduceL2", reduce_l2_rule },
  { "", "ReduceLogSum", reduce_log_sum_rule },
  { "", "ReduceLogSumExp", reduce_log_sum_exp_rule },
  { "", "Softmax", softmax_rule },
  { "", "LogSoftmax", log_softmax_rule },
  { "adze", "SumTo", sum_to_rule },
  { NULL, NULL, NULL },
};
