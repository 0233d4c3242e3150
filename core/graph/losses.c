/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/losses.h"

#include <math.h>

#include "artifact/meta.h"
#include "base/file.h"
#include "graph/gradient.h"
#include "graph/graph_private.h"

static uint32_t
two (adze_gradient *g, const char *op, uint32_t a, uint32_t b)
{
  return adze_op (g, op, a, b, ADZE_END);
}

static uint32_t
along_classes (adze_gradient *g, const char *op, uint32_t value)
{
  const int64_t axis = 1;
  const adze_graph_attribute attribute = adze_attribute_int ("axis", &axis);
  return adze_op_with (g, "", op, &value, 1, &attribute, 1);
}

static uint32_t
mean_of_all (adze_gradient *g, uint32_t value)
{
  const int64_t keep = 0;
  const adze_graph_attribute attribute = adze_attribute_int ("keepdims", &keep);
  return adze_op_with (g, "", "ReduceMean", &value, 1, &attribute, 1);
}

static uint32_t
sum_of_classes (adze_gradient *g, uint32_t value)
{
  const int64_t keep = 0, axis = 1;
  const uint32_t inputs[] = { value, adze_op_ints (g, &axis, 1) };
  const adze_graph_attribute attribute = adze_attribute_int ("keepdims", &keep);
  return adze_op_with (g, "", "ReduceSum", inputs, 2, &attribute, 1);
}

/* What was added since there were FIRST nodes goes by the name of the loss, for whoever speaks of it: people know
 * of no node of it. */
static adze_error *
name_nodes (const adze_gradient *g, size_t first, const char *loss, const char *kind, uint32_t value)
{
  if (g->error)
    return g->error;
  ADZE_AUTO_FREE char *name = adze_text_format ("%sthe loss (%s) of the %s '%s'", ADZE_LOSS_NODE, loss, kind,
                                                g->graph->values[value]->name);
  const char *kept = name ? adze_arena_text (&g->graph->arena, name) : NULL;
  if (!kept)
    return adze_error_memory ();
  for (size_t n = first; n < g->graph->node_count; n++)
    g->graph->nodes[n]->name = kept;
  return NULL;
}

/* ---- What must be there. */

static adze_error *
need_classes (const adze_graph *graph, uint32_t scores, const char *loss)
{
  const adze_graph_value *value = adze_graph_value_at (graph, scores);
  if (value && value->rank >= 2)
    return NULL;
  return adze_error_new (ADZE_E_FORMAT,
                         "the %s needs scores whose dimension 1 is that of classes; '%s' has %d "
                         "dimensions",
                         loss, value ? value->name : "nothing", value ? (int)value->rank : 0);
}

/* Nothing is stretched: a column against a row would be a mean over pairs that nobody meant. */
static adze_error *
need_alike (const adze_graph *graph, uint32_t output, uint32_t wanted, const char *loss)
{
  const adze_graph_value *a = adze_graph_value_at (graph, output);
  const adze_graph_value *b = adze_graph_value_at (graph, wanted);
  bool alike = a && b && a->rank >= 0 && a->rank == b->rank;
  for (int32_t i = 0; alike && i < a->rank; i++)
    alike = a->shape[i] == b->shape[i] || a->shape[i] < 0 || b->shape[i] < 0;
  if (alike)
    return NULL;
  ADZE_AUTO (adze_buffer) is = { 0 };
  ADZE_AUTO (adze_buffer) needed = { 0 };
  if (b)
    adze_shape_text (b->rank, b->shape, &is);
  if (a)
    adze_shape_text (a->rank, a->shape, &needed);
  return adze_error_new (ADZE_E_FORMAT, "the %s compares '%s', which is %s, with '%s', which is %s",
                         loss, a ? a->name : "nothing", needed.data ? needed.data : "?",
                         b ? b->name : "nothing", is.data ? is.data : "?");
}

/* ---- Losses. */

adze_error *
adze_loss_cross_entropy (adze_graph *graph, uint32_t scores, uint32_t labels, double smoothing,
                         uint32_t *loss)
{
  adze_gradient g = { .graph = graph };
  ADZE_TRY (need_classes (graph, scores, "cross-entropy"));
  if (!(smoothing >= 0 && smoothing < 1))
    return adze_error_new (ADZE_E_PARAM,
                           "labels are smoothed by %g; it must be from 0 to below 1", smoothing);
  size_t first = graph->node_count;
  if (smoothing == 0) {
    *loss = two (&g, "SoftmaxCrossEntropyLoss", scores, labels);
    return name_nodes (&g, first, "cross-entropy", "scores", scores);
  }
  uint32_t logs = along_classes (&g, "LogSoftmax", scores);
  uint32_t right = two (&g, "NegativeLogLikelihoodLoss", logs, labels);
  uint32_t even = adze_op (&g, "Neg", mean_of_all (&g, logs), ADZE_END);
  *loss = two (&g, "Add", two (&g, "Mul", adze_op_number (&g, 1 - smoothing, scores), right),
               two (&g, "Mul", adze_op_number (&g, smoothing, scores), even));
  return name_nodes (&g, first, "cross-entropy", "scores", scores);
}

adze_error *
adze_loss_squares (adze_graph *graph, uint32_t output, uint32_t wanted, uint32_t *loss)
{
  adze_gradient g = { .graph = graph };
  ADZE_TRY (need_alike (graph, output, wanted, "mean squared error"));
  size_t first = graph->node_count;
  uint32_t difference = two (&g, "Sub", output, wanted);
  *loss = mean_of_all (&g, two (&g, "Mul", difference, difference));
  return name_nodes (&g, first, "mean squared error", "output", output);
}

/* -y log s(z) - (1 - y) log (1 - s(z)) = log (1 + e^z) - y z, without a logarithm of something
 * small. */
adze_error *
adze_loss_binary (adze_graph *graph, uint32_t scores, uint32_t wanted, uint32_t *loss)
{
  adze_gradient g = { .graph = graph };
  ADZE_TRY (need_alike (graph, scores, wanted, "binary cross-entropy"));
  size_t first = graph->node_count;
  uint32_t soft = adze_op (&g, "Softplus", scores, ADZE_END);
  *loss = mean_of_all (&g, two (&g, "Sub", soft, two (&g, "Mul", wanted, scores)));
  return name_nodes (&g, first, "binary cross-entropy", "scores", scores);
}

adze_error *
adze_loss_divergence (adze_graph *graph, uint32_t scores, uint32_t wanted, double temperature,
                      uint32_t *loss)
{
  adze_gradient g = { .graph = graph };
  ADZE_TRY (need_classes (graph, scores, "divergence"));
  ADZE_TRY (need_alike (graph, scores, wanted, "divergence"));
  if (!(isfinite (temperature) && temperature > 0))
    return adze_error_new (ADZE_E_PARAM, "scores are divided by the temperature %g; it must be a "
                                         "finite number above 0",
                           temperature);
  size_t first = graph->node_count;
  uint32_t divided = two (&g, "Div", scores, adze_op_number (&g, temperature, scores));
  uint32_t logs = along_classes (&g, "LogSoftmax", divided);
  uint32_t some = two (&g, "Greater", wanted, adze_op_number (&g, 0, wanted));
  uint32_t safe = adze_op (&g, "Where", some, wanted, adze_op_number (&g, 1, wanted), ADZE_END);
  uint32_t far = two (&g, "Sub", adze_op (&g, "Log", safe, ADZE_END), logs);
  uint32_t each = sum_of_classes (&g, two (&g, "Mul", wanted, far));
  *loss = two (&g, "Mul", adze_op_number (&g, temperature * temperature, scores),
               mean_of_all (&g, each));
  return name_nodes (&g, first, "divergence", "scores", scores);
}

adze_error *
adze_loss_add_input (adze_graph *graph, uint32_t output, bool classes, const char *name,
                     uint32_t *value)
{
  const adze_graph_value *like = adze_graph_value_at (graph, output);
  int64_t shape[ADZE_GRAPH_RANK];
  int32_t rank = 0;
  if (classes)
    ADZE_TRY (need_classes (graph, output, "loss"));
  if (!like || like->rank < 0)
    return adze_error_new (ADZE_E_FORMAT, "the shape of '%s' is not known, so that nobody can say "
                                          "what it is compared with",
                           like ? like->name : "nothing");
  for (int32_t i = 0; i < like->rank; i++)
    if (!classes || i != 1)
      shape[rank++] = like->shape[i];
  adze_dtype dtype = classes ? (adze_dtype){ ADZE_INT, 64, 1 } : like->dtype;
  return adze_graph_add_input (graph, name, dtype, rank, shape, value);
}
