/* SPDX-License-Identifier: Apache-2.0 */
/* graph/gradient_nn.c: gradients of normalisation, losses, dropout. */
#include "graph/gradient_words.h"

static uint32_t
two (adze_gradient *g, const char *op, uint32_t a, uint32_t b)
{
  return adze_op (g, op, a, b, ADZE_END);
}

/* The sum over all dimensions but the second, channels. */
uint32_t
adze_gradient_by_channel (adze_gradient *g, uint32_t value, int64_t keep)
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

/* Statistics that a node gives beside its values are not differentiated. */
static bool
only_values (adze_gradient *g)
{
  for (size_t i = 1; i < g->node->output_count; i++)
    if (g->given[i] != ADZE_NONE) {
      adze_gradient_refuse (g, "of its outputs only the first has a gradient");
      return false;
    }
  return true;
}

static void
layer_normalisation_rule (adze_gradient *g)
{
  if (!only_values (g))
    return;
  int64_t axes[ADZE_GRAPH_RANK], axis = adze_node_int (g->node, "axis", -1);
  int32_t rank = g->graph->values[in (g, 0)]->rank;
  normal n = { .axes = axes };
  if (rank < 1) {
    adze_gradient_refuse (g, "the rank of its input is not known");
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
    adze_give_gradient (g, 1, adze_gradient_by_channel (g, two (g, "Mul", g->given[0], values), 0));
  if (g->wanted[2])
    adze_give_gradient (g, 2, adze_gradient_by_channel (g, g->given[0], 0));
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
    adze_gradient_refuse (g, "the rank of its input is not known");
  else
    normalised_by_channel (g, false);
}

/* With statistics that are given; they can be values like any other. */
static void
normalised_by_given (adze_gradient *g, int32_t rank)
{
  const uint32_t first = adze_graph_node_count (g->graph);
  double epsilon = adze_node_float (g->node, "epsilon", 1e-5f);
  uint32_t sum = two (g, "Add", in (g, 4), adze_op_number (g, epsilon, in (g, 4)));
  uint32_t deviation = by_channel (g, unary (g, "Sqrt", sum), rank);
  uint32_t centred = sub (g, in (g, 0), by_channel (g, in (g, 3), rank));
  uint32_t scaled = mul (g, divided (g, centred, deviation), by_channel (g, in (g, 1), rank));
  uint32_t made = add (g, scaled, by_channel (g, in (g, 2), rank));
  adze_give_through (g, first, &made, g->given, 1);
}

static void
batch_normalisation_rule (adze_gradient *g)
{
  int32_t rank = g->graph->values[in (g, 0)]->rank;
  if (!only_values (g))
    return;
  if (rank < 2)
    adze_gradient_refuse (g, "the rank of its input is not known");
  else if (adze_node_int (g->node, "training_mode", 0))
    normalised_by_channel (g, true);
  else
    normalised_by_given (g, rank);
}

static void
mean_variance_rule (adze_gradient *g)
{
  static const int64_t preset[] = { 0, 2, 3 };
  const uint32_t first = adze_graph_node_count (g->graph);
  size_t count = 3;
  const int64_t *axes = preset;
  if (adze_node_attribute (g->node, "axes"))
    axes = adze_node_ints (g->node, "axes", &count);
  uint32_t centred = sub (g, in (g, 0), mean_over (g, in (g, 0), axes, count));
  uint32_t variance = mean_over (g, mul (g, centred, centred), axes, count);
  uint32_t deviation = add (g, unary (g, "Sqrt", variance), number (g, 1e-9));
  uint32_t made = divided (g, centred, deviation);
  adze_give_through (g, first, &made, g->given, 1);
}

/* Each value divided by a power of the mean of squares over the channels around it. */
static void
local_response_rule (adze_gradient *g)
{
  const uint32_t first = adze_graph_node_count (g->graph);
  const int64_t size = adze_node_int (g->node, "size", 1), include = 1, channel = 1;
  const int64_t kernel[] = { size, 1 }, pads[] = { (size - 1) / 2, 0, size / 2, 0 };
  const int64_t plane[] = { 0, 0, 0, -1 };
  const adze_graph_attribute window[] = { adze_attribute_ints ("kernel_shape", kernel, 2),
                                          adze_attribute_ints ("pads", pads, 4),
                                          adze_attribute_int ("count_include_pad", &include) };
  uint32_t x = in (g, 0), alpha = number (g, adze_node_float (g->node, "alpha", 1e-4f));
  uint32_t bias = number (g, adze_node_float (g->node, "bias", 1));
  uint32_t power = number (g, -(double)adze_node_float (g->node, "beta", 0.75f));
  uint32_t apart = adze_op (g, "Unsqueeze", mul (g, x, x), adze_op_ints (g, &channel, 1), ADZE_END);
  uint32_t flat = adze_op (g, "Reshape", apart, adze_op_ints (g, plane, 4), ADZE_END);
  uint32_t mean = adze_op_with (g, "", "AveragePool", &flat, 1, window, 3);
  uint32_t squares = adze_op_reshaped (g, mean, x);
  uint32_t base = add (g, bias, mul (g, alpha, squares));
  uint32_t made = mul (g, x, adze_op (g, "Pow", base, power, ADZE_END));
  adze_give_through (g, first, &made, g->given, 1);
}

/* ---- Losses: the weight of each example, and which class it has. */

typedef struct labels {
  uint32_t weights; /* of each example, 0 where it is ignored */
  uint32_t classes; /* 1 at the class of each example */
  uint32_t share;   /* gradient of the loss of each example, by classes */
} labels;

/* Labels that are to be ignored may be of no class: they are taken for 0, with the weight 0. */
static bool
look_at_labels (adze_gradient *g, labels *l)
{
  const adze_graph_value *scores = g->graph->values[in (g, 0)];
  const adze_graph_attribute *ignored = adze_node_attribute (g->node, "ignore_index");
  const int64_t axis = 1;
  if (scores->rank < 2 || scores->shape[1] < 0) {
    adze_gradient_refuse (g, "the number of classes is not known");
    return false;
  }
  uint32_t numbers = in (g, 1);
  uint32_t one = adze_op_number (g, 1, in (g, 0)), zero = adze_op_number (g, 0, in (g, 0));
  uint32_t kept = ADZE_NONE;
  if (ignored) {
    uint32_t is = two (g, "Equal", numbers,
                       two (g, "CastLike", adze_op_int (g, ignored->ints[0]), numbers));
    kept = adze_op (g, "Not", is, ADZE_END);
    numbers = adze_op (g, "Where", kept, numbers, two (g, "CastLike", adze_op_int (g, 0), numbers),
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
  const uint32_t coded[] = { numbers, adze_op_int (g, scores->shape[1]),
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

static bool
may_weigh (adze_gradient *g)
{
  bool asked = g->node->input_count > 2 && g->wanted[2];
  if (asked)
    adze_gradient_refuse (g, "the weights of its classes have no gradient");
  return !asked;
}

static void
softmax_cross_entropy_rule (adze_gradient *g)
{
  labels l = { 0 };
  const int64_t axis = 1;
  if (g->node->output_count > 1 && g->given[1] != ADZE_NONE) {
    adze_gradient_refuse (g, "of its outputs only the loss has a gradient");
    return;
  }
  if (!may_weigh (g) || !g->wanted[0] || !look_at_labels (g, &l))
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
  if (!may_weigh (g) || !g->wanted[0] || !look_at_labels (g, &l))
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
    adze_gradient_refuse (g, "it drops, and has no second output to say what");
    return;
  }
  uint32_t ratio = in (g, 1) == ADZE_NONE ? adze_op_number (g, 0.5, in (g, 0))
                                          : two (g, "CastLike", in (g, 1), in (g, 0));
  uint32_t kept = two (g, "CastLike", g->node->outputs[1], in (g, 0));
  uint32_t scale = two (g, "Sub", adze_op_number (g, 1, in (g, 0)), ratio);
  uint32_t grown = two (g, "Div", two (g, "Mul", g->given[0], kept), scale);
  adze_give_gradient (g, 0, adze_op (g, "Where", in (g, 2), grown, g->given[0], ADZE_END));
}

/* The same numbers are drawn again, and nobody has to remember them. */
static void
drop_rule (adze_gradient *g)
{
  const uint32_t inputs[] = { g->given[0], in (g, 1) };
  if (g->wanted[0])
    adze_give_gradient (g, 0, adze_op_with (g, "adze", "Drop", inputs, 2, g->node->attributes,
                                            g->node->attribute_count));
}

const adze_gradient_rule adze_gradients_nn[] = {
  { "", "LayerNormalization", layer_normalisation_rule },
  { "", "InstanceNormalization", instance_normalisation_rule },
  { "", "BatchNormalization", batch_normalisation_rule },
  { "", "MeanVarianceNormalization", mean_variance_rule },
  { "", "LRN", local_response_rule },
  { "", "SoftmaxCrossEntropyLoss", softmax_cross_entropy_rule },
  { "", "NegativeLogLikelihoodLoss", negative_log_likelihood_rule },
  { "", "Dropout", dropout_rule },
  { "adze", "Drop", drop_rule },
  { NULL, NULL, NULL },
};
