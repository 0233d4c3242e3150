/* SPDX-License-Identifier: Apache-2.0 */
/* graph/gradient_nn.c: gradients of convolution, pooling, normalisation, losses. Convolution and pooling
 * have operators of our own domain for them; all else is said in ONNX's. */
#include <string.h>

#include "graph/gradient.h"
#include "graph/graph_private.h"

static uint32_t
in (const adze_gradient *g, size_t index)
{
  return index < g->node->input_count ? g->node->inputs[index] : ADZE_NONE;
}

static void
refuse (adze_gradient *g, const char *reason)
{
  adze_error_free (adze_gradient_refuse (g, reason));
}

static uint32_t
two (adze_gradient *g, const char *op, uint32_t a, uint32_t b)
{
  return adze_op (g, op, a, b, ADZE_END);
}

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

/* The sum over all dimensions but the second, channels. */
static uint32_t
sum_to_channels (adze_gradient *g, uint32_t value, int64_t keep)
{
  int64_t axes[ADZE_GRAPH_RANK];
  size_t count = 0;
  if (g->error)
    return ADZE_NONE;
  for (int32_t i = 0; i < g->graph->values[value]->rank; i++)
    if (i != 1)
      axes[count++] = i;
  const uint32_t inputs[] = { value, adze_op_ints (g, axes, count) };
  const adze_graph_attribute attribute = adze_attribute_int ("keepdims", &keep);
  return adze_op_with (g, "", "ReduceSum", inputs, 2, &attribute, 1);
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
    adze_give_gradient (g, 2, sum_to_channels (g, g->given[0], 0));
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
  uint32_t all = adze_op (g, "CastLike", adze_op (g, "Size", in (g, 0), ADZE_END), g->given[0],
                          ADZE_END);
  uint32_t kept = adze_op (g, "CastLike", adze_op (g, "Size", g->node->outputs[0], ADZE_END),
                           g->given[0], ADZE_END);
  uint32_t share = two (g, "Div", g->given[0], two (g, "Div", all, kept));
  if (g->wanted[0])
    adze_give_gradient (g, 0, two (g, "Expand", share, adze_op (g, "Shape", in (g, 0), ADZE_END)));
}

/* ---- Normalisation. */

static uint32_t
mean_over (adze_gradient *g, uint32_t value, const int64_t *axes, size_t count)
{
  const adze_graph_attribute attribute = adze_attribute_ints ("axes", axes, count);
  return adze_op_with (g, "", "ReduceMean", &value, 1, &attribute, 1);
}

/* What lies about zero, and 1 / deviation, of the input over AXES. */
typedef struct normal {
  const int64_t *axes;
  size_t count;
  uint32_t values, inverse; /* normalised, and what it was divided by, as a factor */
} normal;

static void
normalise (adze_gradient *g, normal *n)
{
  double epsilon = adze_node_float (g->node, "epsilon", 1e-5f);
  uint32_t centred = two (g, "Sub", in (g, 0), mean_over (g, in (g, 0), n->axes, n->count));
  uint32_t variance = mean_over (g, two (g, "Mul", centred, centred), n->axes, n->count);
  uint32_t deviation = adze_op (g, "Sqrt", two (g, "Add", variance,
                                                adze_op_number (g, epsilon, in (g, 0))), ADZE_END);
  n->inverse = adze_op (g, "Reciprocal", deviation, ADZE_END);
  n->values = two (g, "Mul", centred, n->inverse);
}

/* GRADIENT is that of the normalised values: less its mean, and less what would change their length. */
static uint32_t
through_normal (adze_gradient *g, const normal *n, uint32_t gradient)
{
  uint32_t along = mean_over (g, two (g, "Mul", gradient, n->values), n->axes, n->count);
  uint32_t less = two (g, "Sub", gradient, mean_over (g, gradient, n->axes, n->count));
  return two (g, "Mul", n->inverse, two (g, "Sub", less, two (g, "Mul", n->values, along)));
}

static void
layer_normalisation_rule (adze_gradient *g)
{
  int64_t axes[ADZE_GRAPH_RANK], axis = adze_node_int (g->node, "axis", -1);
  int32_t rank = g->graph->values[in (g, 0)]->rank;
  normal n = { .axes = axes };
  if (rank < 1) {
    refuse (g, "the rank of its input is not known");
    return;
  }
  for (int64_t i = axis < 0 ? axis + rank : axis; i < rank; i++)
    axes[n.count++] = i;
  normalise (g, &n);
  if (g->wanted[0])
    adze_give_gradient (g, 0, through_normal (g, &n, two (g, "Mul", g->given[0], in (g, 1))));
  if (g->wanted[1])
    adze_give_gradient (g, 1, two (g, "Mul", g->given[0], n.values));
  if (in (g, 2) != ADZE_NONE && g->wanted[2])
    adze_give_gradient (g, 2, g->given[0]);
}

/* One number a channel, so that it is stretched over the others. */
static uint32_t
by_channel (adze_gradient *g, uint32_t value, int32_t rank)
{
  int64_t axes[ADZE_GRAPH_RANK];
  size_t count = 0;
  for (int32_t i = 2; i < rank; i++)
    axes[count++] = i - 1;
  return count ? two (g, "Unsqueeze", value, adze_op_ints (g, axes, count)) : value;
}

/* Scale and bias have a number a channel. */
static void
give_scale_and_bias (adze_gradient *g, uint32_t values)
{
  if (g->wanted[1])
    adze_give_gradient (g, 1, sum_to_channels (g, two (g, "Mul", g->given[0], values), 0));
  if (g->wanted[2])
    adze_give_gradient (g, 2, sum_to_channels (g, g->given[0], 0));
}

/* With statistics of the batch, or of each example by itself. */
static void
normalised_by_channel (adze_gradient *g, bool of_batch)
{
  int64_t axes[ADZE_GRAPH_RANK];
  int32_t rank = g->graph->values[in (g, 0)]->rank;
  normal n = { .axes = axes };
  for (int32_t i = 0; i < rank; i++)
    if (i > 1 || (i == 0 && of_batch))
      axes[n.count++] = i;
  normalise (g, &n);
  if (g->wanted[0])
    adze_give_gradient (g, 0, through_normal (g, &n, two (g, "Mul", g->given[0],
                                                          by_channel (g, in (g, 1), rank))));
  give_scale_and_bias (g, n.values);
}

static void
instance_normalisation_rule (adze_gradient *g)
{
  if (g->graph->values[in (g, 0)]->rank < 3)
    refuse (g, "the rank of its input is not known");
  else
    normalised_by_channel (g, false);
}

/* With statistics that are given, all is linear. */
static void
batch_normalisation_rule (adze_gradient *g)
{
  int32_t rank = g->graph->values[in (g, 0)]->rank;
  if (rank < 2) {
    refuse (g, "the rank of its input is not known");
    return;
  }
  if (adze_node_int (g->node, "training_mode", 0)) {
    normalised_by_channel (g, true);
    return;
  }
  double epsilon = adze_node_float (g->node, "epsilon", 1e-5f);
  uint32_t sum = two (g, "Add", in (g, 4), adze_op_number (g, epsilon, in (g, 4)));
  uint32_t inverse = adze_op (g, "Reciprocal", adze_op (g, "Sqrt", sum, ADZE_END), ADZE_END);
  uint32_t factor = by_channel (g, inverse, rank);
  uint32_t centred = two (g, "Sub", in (g, 0), by_channel (g, in (g, 3), rank));
  if (g->wanted[3] || g->wanted[4]) {
    refuse (g, "its statistics are no weights");
    return;
  }
  if (g->wanted[0])
    adze_give_gradient (g, 0, two (g, "Mul", g->given[0],
                                   by_channel (g, two (g, "Mul", inverse, in (g, 1)), rank)));
  give_scale_and_bias (g, two (g, "Mul", centred, factor));
}

/* ---- Losses: the weight of each example, and which class it has. */

typedef struct labels {
  uint32_t weights; /* of each example, 0 where it is ignored */
  uint32_t classes; /* 1 at the class of each example */
  uint32_t share;   /* gradient of the loss of each example, by classes */
} labels;

static uint32_t
long_number (adze_gradient *g, int64_t number)
{
  uint32_t value = ADZE_NONE;
  adze_view view = { .data = &number, .device = { ADZE_DEVICE_CPU, 0 },
                     .dtype = { ADZE_INT, 64, 1 } };
  if (!g->error)
    g->error = adze_graph_add_constant (g->graph, NULL, &view, &value);
  return value;
}

/* Labels that are to be ignored may be of no class: they are taken for 0, with the weight 0. */
static bool
look_at_labels (adze_gradient *g, labels *l)
{
  const adze_graph_value *scores = g->graph->values[in (g, 0)];
  const adze_graph_attribute *ignored = adze_node_attribute (g->node, "ignore_index");
  const int64_t axis = 1;
  if (scores->rank < 2 || scores->shape[1] < 0) {
    refuse (g, "the number of classes is not known");
    return false;
  }
  uint32_t numbers = in (g, 1);
  uint32_t one = adze_op_number (g, 1, in (g, 0)), zero = adze_op_number (g, 0, in (g, 0));
  uint32_t kept = ADZE_NONE;
  if (ignored) {
    uint32_t is = two (g, "Equal", numbers,
                       two (g, "CastLike", long_number (g, ignored->ints[0]), numbers));
    kept = adze_op (g, "Not", is, ADZE_END);
    numbers = adze_op (g, "Where", kept, numbers, two (g, "CastLike", long_number (g, 0), numbers),
                       ADZE_END);
  }
  uint32_t ones = two (g, "Expand", one, adze_op (g, "Shape", numbers, ADZE_END));
  l->weights = in (g, 2) == ADZE_NONE ? ones : two (g, "Gather", in (g, 2), numbers);
  if (kept != ADZE_NONE)
    l->weights = adze_op (g, "Where", kept, l->weights, zero, ADZE_END);
  const uint32_t pair[] = { adze_op (g, "Unsqueeze", zero, adze_op_ints (g, &(int64_t){ 0 }, 1),
                                     ADZE_END),
                            adze_op (g, "Unsqueeze", one, adze_op_ints (g, &(int64_t){ 0 }, 1),
                                     ADZE_END) };
  const int64_t first = 0;
  const adze_graph_attribute along = adze_attribute_int ("axis", &first);
  const uint32_t coded[] = { numbers, long_number (g, scores->shape[1]),
                             adze_op_with (g, "", "Concat", pair, 2, &along, 1) };
  const adze_graph_attribute attribute = adze_attribute_int ("axis", &axis);
  l->classes = adze_op_with (g, "", "OneHot", coded, 3, &attribute, 1);
  return true;
}

static void
share_out (adze_gradient *g, labels *l)
{
  const char *reduction = adze_node_text (g->node, "reduction", "mean");
  const int64_t axis = 1, keep = 0;
  uint32_t each = two (g, "Mul", l->weights, g->given[0]);
  if (strcmp (reduction, "mean") == 0) {
    const adze_graph_attribute attribute = adze_attribute_int ("keepdims", &keep);
    uint32_t all = adze_op_with (g, "", "ReduceSum", &l->weights, 1, &attribute, 1);
    each = two (g, "Div", each, all);
  }
  l->share = two (g, "Unsqueeze", each, adze_op_ints (g, &axis, 1));
}

static void
softmax_cross_entropy_rule (adze_gradient *g)
{
  labels l = { 0 };
  const int64_t axis = 1;
  if (g->node->output_count > 1 && g->given[1] != ADZE_NONE) {
    refuse (g, "of its outputs only the loss has a gradient");
    return;
  }
  if (!g->wanted[0] || !look_at_labels (g, &l))
    return;
  share_out (g, &l);
  const uint32_t scores = in (g, 0);
  const adze_graph_attribute attribute = adze_attribute_int ("axis", &axis);
  uint32_t likely = adze_op_with (g, "", "Softmax", &scores, 1, &attribute, 1);
  adze_give_gradient (g, 0, two (g, "Mul", two (g, "Sub", likely, l.classes), l.share));
}

static void
negative_log_likelihood_rule (adze_gradient *g)
{
  labels l = { 0 };
  if (!g->wanted[0] || !look_at_labels (g, &l))
    return;
  share_out (g, &l);
  adze_give_gradient (g, 0, adze_op (g, "Neg", two (g, "Mul", l.classes, l.share), ADZE_END));
}

/* ---- What is dropped while a network is trained gives nothing back: the mask says what was kept. */

static void
dropout_rule (adze_gradient *g)
{
  if (!g->wanted[0])
    return;
  if (in (g, 2) == ADZE_NONE) { /* it only passes on */
    adze_give_gradient (g, 0, g->given[0]);
    return;
  }
  if (g->node->output_count < 2 || g->node->outputs[1] == ADZE_NONE) {
    refuse (g, "it drops, and has no second output to say what");
    return;
  }
  uint32_t ratio = in (g, 1) == ADZE_NONE ? adze_op_number (g, 0.5, in (g, 0))
                                          : two (g, "CastLike", in (g, 1), in (g, 0));
  uint32_t kept = two (g, "CastLike", g->node->outputs[1], in (g, 0));
  uint32_t scale = two (g, "Sub", adze_op_number (g, 1, in (g, 0)), ratio);
  uint32_t grown = two (g, "Div", two (g, "Mul", g->given[0], kept), scale);
  adze_give_gradient (g, 0, adze_op (g, "Where", in (g, 2), grown, g->given[0], ADZE_END));
}

const adze_gradient_rule adze_gradients_nn[] = {
  { "", "Conv", conv_rule },
  { "adze", "ConvGradInput", conv_grad_input_rule },
  { "adze", "ConvGradWeight", conv_grad_weight_rule },
  { "", "MaxPool", max_pool_rule },
  { "", "AveragePool", average_pool_rule },
  { "adze", "AveragePoolGrad", average_pool_grad_rule },
  { "", "GlobalAveragePool", global_average_pool_rule },
  { "", "LayerNormalization", layer_normalisation_rule },
  { "", "InstanceNormalization", instance_normalisation_rule },
  { "", "BatchNormalization", batch_normalisation_rule },
  { "", "SoftmaxCrossEntropyLoss", softmax_cross_entropy_rule },
  { "", "NegativeLogLikelihoodLoss", negative_log_likelihood_rule },
  { "", "Dropout", dropout_rule },
  { NULL, NULL, NULL },
};
