/* SPDX-License-Identifier: Apache-2.0 */
/* graph/claim.c: who computes which node. */
#include "graph/executable_private.h"

adze_error *
adze_graph_nobody_can (const adze_executable *x, const adze_graph_node *node, bool delegation)
{
  ADZE_AUTO (adze_buffer) who = { 0 };
  adze_graph_node_text (node, &who);
  const char *name = who.data ? who.data : "a node";
  if (delegation)
    return adze_error_new (ADZE_E_UNSUPPORTED,
                           "%s is not done by the backend '%s', and delegation to 'ref' is refused",
                           name, adze_backend_id (x->options.backend));
  return adze_error_new (ADZE_E_UNSUPPORTED, "%s is done by no backend%s%s%s", name,
                         x->options.backend ? ", neither '" : ", not by '",
                         x->options.backend ? adze_backend_id (x->options.backend) : "ref",
                         x->options.backend ? "' nor 'ref'" : "'");
}

adze_error *
adze_graph_ask_ref (adze_executable *x, uint32_t **parts)
{
  *parts = calloc (x->graph->node_count + 1, sizeof **parts);
  return *parts ? adze_backend_claim (x->options.ref, x->graph, *parts) : adze_error_memory ();
}

/* Memory of a device is shared out before anything runs: a node of which not all sizes are known by
 * then is left to ref, whatever the backend claimed. */
static bool
has_sizes (const adze_graph *graph, const uint32_t *values, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    const adze_graph_value *value = adze_graph_value_at (graph, values[i]);
    if (value && (value->rank < 0 || !value->dtype.bits))
      return false;
    for (int32_t d = 0; value && d < value->rank; d++)
      if (value->shape[d] < 0)
        return false;
  }
  return true;
}

bool
adze_node_has_sizes (const adze_graph *graph, const adze_graph_node *node)
{
  return has_sizes (graph, node->inputs, node->input_count)
         && has_sizes (graph, node->outputs, node->output_count);
}

static adze_error *
no_sizes (const adze_executable *x, const adze_graph_node *node)
{
  ADZE_AUTO (adze_buffer) who = { 0 };
  adze_graph_node_text (node, &who);
  return adze_error_new (ADZE_E_UNSUPPORTED,
                         "%s has sizes that are not known before it runs; the backend '%s', which "
                         "has memory of its own, gets none such, and delegation to 'ref' is refused",
                         who.data ? who.data : "a node", adze_backend_id (x->options.backend));
}

adze_error *
adze_graph_claim (adze_executable *x, adze_backend_at_work **owner, uint32_t *part)
{
  size_t count = x->graph->node_count;
  ADZE_AUTO_FREE uint32_t *own = calloc (count + 1, sizeof *own);
  ADZE_AUTO_FREE uint32_t *rest = NULL;
  if (!own)
    return adze_error_memory ();
  if (x->options.backend)
    ADZE_TRY (adze_backend_claim (x->options.backend, x->graph, own));
  ADZE_TRY (adze_graph_ask_ref (x, &rest));
  for (uint32_t n = 0; n < count; n++) {
    const adze_graph_node *node = x->graph->nodes[n];
    if (!node || adze_node_has_bodies (node))
      continue;
    if (own[n] && adze_backend_is_far (x->options.backend)
        && !adze_node_has_sizes (x->graph, node)) {
      if (x->options.refuse_delegation)
        return no_sizes (x, node);
      own[n] = 0;
    }
    if (!own[n] && !rest[n])
      return adze_graph_nobody_can (x, node, false);
    if (!own[n] && x->options.backend && x->options.refuse_delegation)
      return adze_graph_nobody_can (x, node, true);
    owner[n] = own[n] ? x->options.backend : x->options.ref;
    part[n] = own[n];
    x->facts.delegated += x->options.backend && !own[n];
  }
  return NULL;
}
