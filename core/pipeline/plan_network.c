/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan_network.c: the network of a plan's model, held against the backends. */
#include "pipeline/plan_network.h"

#include <string.h>

#include "graph/from_model.h"

#define REFERENCE "ref"

typedef struct backends {
  adze_backend_at_work *asked, *ref;
} backends;

static void
backends_cleanup (backends *b)
{
  adze_backend_close (b->asked);
  adze_backend_close (b->ref);
}

static adze_error *
share_out (const adze_plan *plan, adze_graph *graph, adze_plan_network *network)
{
  ADZE_AUTO (backends) b = { 0 };
  ADZE_TRY (adze_backend_open (plan->runtime, REFERENCE, NULL, NULL, &b.ref));
  if (strcmp (network->backend, REFERENCE) != 0)
    ADZE_TRY (adze_backend_open (plan->runtime, network->backend, NULL, NULL, &b.asked));
  const adze_compile_options options = { .backend = b.asked, .ref = b.ref };
  return adze_graph_share_out (graph, &options, &network->shares);
}

/* An error becomes words, unless memory was what was missing. */
static adze_error *
refuse (adze_error *error, adze_plan_network *network)
{
  if (!error || adze_error_status (error) == ADZE_E_MEMORY)
    return error;
  ADZE_AUTO (adze_buffer) words = { 0 };
  for (const adze_error *e = error; e; e = adze_error_cause (e))
    adze_buffer_format (&words, "%s%s", e == error ? "" : ": ", adze_error_message (e));
  adze_error_free (error);
  return adze_buffer_finish (&words, &network->refused);
}

adze_error *
adze_plan_network_of (const adze_plan *plan, const adze_plan_stage *planned,
                      adze_plan_network *network)
{
  const adze_plan_model *model = planned->port_count > 0 ? planned->ports[0].model : NULL;
  ADZE_AUTO_GRAPH graph = NULL;
  *network = (adze_plan_network){ 0 };
  if (!planned->facts->runs || !model || !model->known || model->view.part_count == 0)
    return NULL;
  network->is_one = true;
  network->backend = planned->stage->backend ? planned->stage->backend : plan->pipeline->backend;
  adze_error *error = adze_graph_from_model (plan->runtime, &model->view, &graph);
  if (!error)
    error = share_out (plan, graph, network);
  return refuse (error, network);
}

void
adze_plan_network_cleanup (adze_plan_network *network)
{
  adze_graph_shares_cleanup (&network->shares);
  free (network->refused);
}
