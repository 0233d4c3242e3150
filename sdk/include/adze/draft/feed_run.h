/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/feed_run.h: data goes through a network. Tier: draft.
 *
 * For techniques whose run looks at what a network gives for a dataset: evaluate, calibrate. All
 * inline: what is compiled in here belongs to the plugin.
 */
#ifndef ADZE_DRAFT_FEED_RUN_H
#define ADZE_DRAFT_FEED_RUN_H

#include <adze/draft/eval.h>
#include <adze/draft/feed.h>

ADZE_BEGIN_DECLS

/* Compiled for a whole batch and for the last one, which is shorter. Begins as zeros: { 0 }. */
typedef struct adze_feed_runner {
  adze_graph *graph;
  uint32_t weights_change; /* as in adze_eval_options */
  adze_evaluation *compiled[2];
  uint64_t counts[2];
  const adze_view **outputs; /* in the graph's order, of the batch that was executed last */
} adze_feed_runner;

static inline void
adze_feed_runner_close (const adze_host *host, adze_context *context, adze_feed_runner *runner)
{
  for (size_t i = 0; i < 2; i++)
    if (runner->compiled[i])
      adze_eval_of (host)->release (host, context, runner->compiled[i]);
  host->release (host, (void *)runner->outputs);
  memset (runner, 0, sizeof *runner);
}

static inline adze_status
adze_feed_compile (const adze_host *host, adze_context *context, adze_feed_runner *runner,
                   const adze_feed *feed, adze_evaluation **evaluation)
{
  size_t at = runner->compiled[0] && runner->counts[0] != feed->count ? 1 : 0, count = 0;
  adze_eval_options options;
  memset (&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.weights_change = runner->weights_change;
  options.shapes = feed->shapes;
  if (runner->compiled[at] && runner->counts[at] != feed->count) {
    adze_eval_of (host)->release (host, context, runner->compiled[at]);
    runner->compiled[at] = NULL;
  }
  adze_graph_of (host)->outputs (runner->graph, &count);
  if (!runner->outputs)
    runner->outputs
        = (const adze_view **)host->allocate (host, (count + 1) * sizeof *runner->outputs);
  if (!runner->outputs)
    return adze_fail (host, ADZE_E_MEMORY, "no room for what the network gives");
  adze_status status = ADZE_OK;
  if (!runner->compiled[at])
    status = adze_eval_of (host)->compile (host, context, runner->graph, &options,
                                           &runner->compiled[at]);
  runner->counts[at] = feed->count;
  *evaluation = runner->compiled[at];
  return status;
}

/* The batch that FEED has read goes through the network. */
static inline adze_status
adze_feed_execute (const adze_host *host, adze_context *context, adze_feed_runner *runner,
                   const adze_feed *feed)
{
  adze_evaluation *evaluation = NULL;
  adze_status status = adze_feed_compile (host, context, runner, feed, &evaluation);
  return status == ADZE_OK ? adze_eval_of (host)->execute (host, evaluation, feed->inputs,
                                                           runner->outputs)
                           : status;
}

/* ---- Which output, and what stands in front of it. */

/* The output that the parameter names. */
static inline adze_status
adze_feed_output (const adze_host *host, const adze_params *params, const adze_graph *graph,
                  uint32_t *output)
{
  const adze_graph_service *graphs = adze_graph_of (host);
  const char *name = adze_param_string (host, params, "output");
  size_t count = 0;
  const uint32_t *outputs = graphs->outputs (graph, &count);
  for (size_t i = 0; i < count; i++)
    if (!name[0] || strcmp (graphs->value (graph, outputs[i])->name, name) == 0) {
      *output = outputs[i];
      return ADZE_OK;
    }
  return adze_fail (host, ADZE_E_NOT_FOUND, "parameter 'output': the network has no output '%s'; "
                    "its first one is '%s'",
                    name, count ? graphs->value (graph, outputs[0])->name : "");
}

/* Networks that end with a softmax, or a SIGMOID, over classes: what stands before it. */
static inline uint32_t
adze_feed_scores (const adze_host *host, const adze_graph *graph, uint32_t output, bool sigmoid)
{
  const adze_graph_service *graphs = adze_graph_of (host);
  const adze_graph_value *value = graphs->value (graph, output);
  const adze_graph_node *node
      = value->role == ADZE_ROLE_NODE ? graphs->node (graph, value->node) : NULL;
  if (!node || node->domain[0] || strcmp (node->op, sigmoid ? "Sigmoid" : "Softmax") != 0)
    return output;
  int64_t axis = sigmoid ? 1 : adze_node_int (node, "axis", -1);
  return axis == 1 || axis + value->rank == 1 ? node->inputs[0] : output;
}

ADZE_END_DECLS

#endif
