/* SPDX-License-Identifier: Apache-2.0 */
/* graph/gradient_window.c: gradients of what slides over an image: convolution, pooling. Most have
 * operators of our own domain for them. */
#include "graph/gradient_words.h"

/* The node's own attributes, for its operators of our domain take the same. */
static uint32_t
ours (adze_gradient *g, const char *op, uint32_t a, uint32_t b, uint32_t like)
{
  const uint32_t inputs[] = { a, b, like };
  return adze_op_with (g, "adze", op, inputs, like == ADZE_NONE ? 2 : 3, g->node->attributes,
                       g->node->attribute_count);
}

static uint32_t
forward (adze_gradient *g, const char *op, uint32_t a, uint32_t b)
{
  const uint32_t inputs[] = { a, b };
  return adze_op_with (g, "", op, inputs, b == ADZE_NONE ? 1 : 2, g->node->attributes,
                       g->node->attribute_count);
}

/* ---- Convolution: linear in both, so that all its gradients are convolutions. */

static void
conv_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, ours (g, "ConvGradInput", g->given[0], in (g, 1), in (g, 0)));
  if (g->wanted[1])
    adze_give_gradient (g, 1, ours (g, "ConvGradWeight", g->given[0], in (g, 0), in (g, 1)));
  if (in (g, 2) != ADZE_NONE && g->wanted[2])
    adze_give_gradient (g, 2, adze_gradient_by_channel (g, g->given[0], 0));
}

/* Inputs: gradient, weights, and the input for its shape. */
static void
conv_grad_input_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, forward (g, "Conv", g->given[0], in (g, 1)));
  if (g->wanted[1])
    adze_give_gradient (g, 1, ours (g, "ConvGradWeight", in (g, 0), g->given[0], in (g, 1)));
}

/* Inputs: gradient, input, and the weights for their shape. */
static void
conv_grad_weight_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, forward (g, "Conv", in (g, 1), g->given[0]));
  if (g->wanted[1])
    adze_give_gradient (g, 1, ours (g, "ConvGradInput", in (g, 0), g->given[0], in (g, 1)));
}

/* ---- Pooling. */

static void
max_pool_rule (adze_gradient *g)
{
  const uint32_t inputs[] = { g->given[0], in (g, 0) };
  if (g->wanted[0])
    adze_give_gradient (g, 0, adze_op_with (g, "adze", "MaxPoolGrad", inputs, 2,
                                            g->node->attributes, g->node->attribute_count));
}

static void
average_pool_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, ours (g, "AveragePoolGrad", g->given[0], in (g, 0), ADZE_NONE));
}

static void
average_pool_grad_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, forward (g, "AveragePool", g->given[0], ADZE_NONE));
}

static void
global_average_pool_rule (adze_gradient *g)
{
  uint32_t all = adze_op (g, "CastLike", unary (g, "Size", in (g, 0)), g->given[0],
                          ADZE_END);
  uint32_t kept = adze_op (g, "CastLike", unary (g, "Size", out (g)),
                           g->given[0], ADZE_END);
  uint32_t share = divided (g, g->given[0], divided (g, all, kept));
  if (g->wanted[0])
    adze_give_gradient (g, 0, adze_op_stretched (g, share, in (g, 0)));
}

/* Which elements of the input the greatest were: inputs are gradient, input, and perhaps indices. */
static uint32_t
places_of_greatest (adze_gradient *g)
{
  adze_graph_attribute attributes[8];
  size_t count = 0;
  uint32_t both[2] = { ADZE_NONE, ADZE_NONE };
  const uint32_t input = in (g, 1);
  const bool turned = adze_node_int (g->node, "storage_order", 0) != 0;
  if (in (g, 2) != ADZE_NONE && !turned)
    return in (g, 2);
  if (in (g, 2) != ADZE_NONE) {
    adze_gradient_refuse (g, "its indices are counted by columns");
    return ADZE_NONE;
  }
  for (size_t i = 0; i < g->node->attribute_count && count < 8; i++)
    if (strcmp (g->node->attributes[i].name, "storage_order") != 0)
      attributes[count++] = g->node->attributes[i];
  adze_ops_with (g, "MaxPool", &input, 1, attributes, count, both, 2);
  return both[1];
}

/* Elements of VALUE at PLACES, numbers in it as a row. */
static uint32_t
picked (adze_gradient *g, uint32_t value, uint32_t places)
{
  const int64_t all = -1;
  uint32_t row = adze_op_ints (g, &all, 1);
  return adze_op (g, "Gather", adze_op (g, "Reshape", value, row, ADZE_END), places, ADZE_END);
}

/* Where the greatest are does not change with a small step of the input, which so gets nothing. */
static void
max_pool_grad_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, picked (g, g->given[0], places_of_greatest (g)));
}

static void
max_unpool_rule (adze_gradient *g)
{
  if (in (g, 2) != ADZE_NONE)
    adze_gradient_refuse (g, "its indices are those of another size than that of its output");
  else if (g->wanted[0])
    adze_give_gradient (g, 0, picked (g, g->given[0], in (g, 1)));
}

/* All dimensions behind the second; false: how many is not known. */
static bool
spatial_axes (adze_gradient *g, int64_t *axes, size_t *count)
{
  int32_t rank = g->graph->values[in (g, 0)]->rank;
  *count = 0;
  for (int32_t i = 2; i < rank; i++)
    axes[(*count)++] = i;
  if (rank < 0)
    adze_gradient_refuse (g, "the rank of its input is not known");
  return rank >= 0;
}

static void
global_max_pool_rule (adze_gradient *g)
{
  int64_t axes[ADZE_GRAPH_RANK];
  size_t count;
  const uint32_t input = in (g, 0), first = adze_graph_node_count (g->graph);
  if (!spatial_axes (g, axes, &count))
    return;
  const adze_graph_attribute attribute = adze_attribute_ints ("axes", axes, count);
  uint32_t most = adze_op_with (g, "", "ReduceMax", &input, 1, &attribute, 1);
  adze_give_through (g, first, &most, g->given, 1);
}

/* |x|^p and its root: those that are nothing but a square have a derivative at zero. */
static uint32_t
powered (adze_gradient *g, uint32_t x, int64_t p)
{
  if (p == 2)
    return mul (g, x, x);
  uint32_t size = unary (g, "Abs", x);
  return p == 1 ? size : adze_op (g, "Pow", size, number (g, (double)p), ADZE_END);
}

static uint32_t
rooted (adze_gradient *g, uint32_t x, int64_t p)
{
  if (p == 1)
    return x;
  return p == 2 ? unary (g, "Sqrt", x) : adze_op (g, "Pow", x, number (g, 1 / (double)p), ADZE_END);
}

static void
global_lp_pool_rule (adze_gradient *g)
{
  int64_t axes[ADZE_GRAPH_RANK], p = adze_node_int (g->node, "p", 2);
  size_t count;
  const uint32_t first = adze_graph_node_count (g->graph);
  if (!spatial_axes (g, axes, &count))
    return;
  uint32_t sum = adze_op (g, "ReduceSum", powered (g, in (g, 0), p), adze_op_ints (g, axes, count),
                          ADZE_END);
  uint32_t made = rooted (g, sum, p);
  adze_give_through (g, first, &made, g->given, 1);
}

/* The mean over the window, pads counted, times its size is the sum. */
static void
lp_pool_rule (adze_gradient *g)
{
  const int64_t include = 1, p = adze_node_int (g->node, "p", 2);
  adze_graph_attribute attributes[8] = { adze_attribute_int ("count_include_pad", &include) };
  size_t count = 1, dimensions;
  double volume = 1;
  const uint32_t first = adze_graph_node_count (g->graph);
  const int64_t *kernel = adze_node_ints (g->node, "kernel_shape", &dimensions);
  for (size_t i = 0; i < dimensions; i++)
    volume *= (double)kernel[i];
  for (size_t i = 0; i < g->node->attribute_count && count < 8; i++)
    if (strcmp (g->node->attributes[i].name, "p") != 0)
      attributes[count++] = g->node->attributes[i];
  const uint32_t numbers = powered (g, in (g, 0), p);
  uint32_t mean = adze_op_with (g, "", "AveragePool", &numbers, 1, attributes, count);
  uint32_t made = rooted (g, mul (g, mean, number (g, volume)), p);
  adze_give_through (g, first, &made, g->given, 1);
}

/* ---- Convolution transposed: what a convolution does to gradients, so that its own gradients are
 * convolutions from its output to its input. */

/* Pads where they follow from sizes: what the whole is longer than the output is shared out. */
static bool
pads_by_sizes (adze_gradient *g, int32_t spatial, const int64_t *strides, const int64_t *dilations,
               const int64_t *more, int64_t *pads)
{
  const adze_graph_value *x = g->graph->values[in (g, 0)], *w = g->graph->values[in (g, 1)];
  const adze_graph_value *y = g->graph->values[out (g)];
  const bool upper = strcmp (adze_node_text (g->node, "auto_pad", ""), "SAME_UPPER") == 0;
  for (int32_t d = 0; d < spatial; d++) {
    if (x->shape[2 + d] < 0 || w->rank != x->rank || w->shape[2 + d] < 0 || y->shape[2 + d] < 0) {
      adze_gradient_refuse (g, "its pads follow from sizes that are not known");
      return false;
    }
    int64_t total = strides[d] * (x->shape[2 + d] - 1) + more[d]
                    + (w->shape[2 + d] - 1) * dilations[d] + 1 - y->shape[2 + d];
    if (total < 0) {
      adze_gradient_refuse (g, "its output is longer than what it makes");
      return false;
    }
    pads[d] = upper ? total / 2 : total - total / 2;
    pads[spatial + d] = total - pads[d];
  }
  return true;
}

/* The attributes of the convolution; each list has room for twice ADZE_GRAPH_RANK. */
static bool
window_of (adze_gradient *g, int32_t spatial, int64_t *strides, int64_t *dilations, int64_t *pads)
{
  size_t given_strides, given_dilations, given_more, given_pads, wanted;
  const int64_t *s = adze_node_ints (g->node, "strides", &given_strides);
  const int64_t *l = adze_node_ints (g->node, "dilations", &given_dilations);
  const int64_t *m = adze_node_ints (g->node, "output_padding", &given_more);
  const int64_t *p = adze_node_ints (g->node, "pads", &given_pads);
  int64_t more[ADZE_GRAPH_RANK];
  for (int32_t d = 0; d < spatial; d++) {
    strides[d] = s ? s[d] : 1;
    dilations[d] = l ? l[d] : 1;
    more[d] = m ? m[d] : 0;
    pads[d] = p ? p[d] : 0;
    pads[spatial + d] = p ? p[spatial + d] : 0;
    if (more[d] >= strides[d]) {
      adze_gradient_refuse (g, "its output_padding is not less than its strides");
      return false;
    }
  }
  bool same = strncmp (adze_node_text (g->node, "auto_pad", ""), "SAME_", 5) == 0;
  if (same || adze_node_ints (g->node, "output_shape", &wanted))
    return pads_by_sizes (g, spatial, strides, dilations, more, pads);
  return true;
}

static void
conv_transpose_rule (adze_gradient *g)
{
  int64_t strides[ADZE_GRAPH_RANK], dilations[ADZE_GRAPH_RANK], pads[2 * ADZE_GRAPH_RANK];
  const int64_t group = adze_node_int (g->node, "group", 1);
  const int32_t spatial = g->graph->values[in (g, 0)]->rank - 2;
  if (spatial < 1) {
    adze_gradient_refuse (g, "the rank of its input is not known");
    return;
  }
  if (!window_of (g, spatial, strides, dilations, pads))
    return;
  const size_t size = (size_t)spatial;
  const adze_graph_attribute attributes[]
      = { adze_attribute_ints ("strides", strides, size),
          adze_attribute_ints ("dilations", dilations, size),
          adze_attribute_ints ("pads", pads, 2 * size), adze_attribute_int ("group", &group) };
  const uint32_t back[] = { g->given[0], in (g, 1) };
  const uint32_t weights[] = { in (g, 0), g->given[0], in (g, 1) };
  if (g->wanted[0])
    adze_give_gradient (g, 0, adze_op_with (g, "", "Conv", back, 2, attributes, 4));
  if (g->wanted[1])
    adze_give_gradient (g, 1, adze_op_with (g, "adze", "ConvGradWeight", weights, 3, attributes, 4));
  if (in (g, 2) != ADZE_NONE && g->wanted[2])
    adze_give_gradient (g, 2, adze_gradient_by_channel (g, g->given[0], 0));
}

const adze_gradient_rule adze_gradients_window[] = {
  { "", "Conv", conv_rule },
  { "adze", "ConvGradInput", conv_grad_input_rule },
  { "adze", "ConvGradWeight", conv_grad_weight_rule },
  { "", "ConvTranspose", conv_transpose_rule },
  { "", "MaxPool", max_pool_rule },
  { "adze", "MaxPoolGrad", max_pool_grad_rule },
  { "", "AveragePool", average_pool_rule },
  { "adze", "AveragePoolGrad", average_pool_grad_rule },
  { "", "LpPool", lp_pool_rule },
  { "", "GlobalAveragePool", global_average_pool_rule },
  { "", "GlobalMaxPool", global_max_pool_rule },
  { "", "GlobalLpPool", global_lp_pool_rule },
  { "", "MaxUnpool", max_unpool_rule },
  { NULL, NULL, NULL },
};
