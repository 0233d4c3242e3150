/* SPDX-License-Identifier: Apache-2.0 */
/* nas-evolve: networks are searched by evolution. Each candidate is built, trained for a while, and judged by data that
 * it does not learn from. */
#include <string.h>

#include "trained.h"

/* ---- An instance is its parameters. */

static adze_status
create (const adze_host *host, const adze_params *params, void **instance)
{
  *instance = (void *)(uintptr_t)params;
  return nas_check_params (host, params);
}

/* They are the host's. */
static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

/* ---- A candidate. */

adze_status
nas_name (const nas_run *n, const uint8_t genes[NAS_GENES], adze_bytes *text)
{
  const nas_trained *t = (const nas_trained *)n->own;
  return nas_declared_words (n->host, &t->declared, genes, "", "", "; ", text);
}

/* ---- All of it. */

static adze_status
find_services (nas_trained *t)
{
  const adze_host *host = t->n->host;
  t->graphs = adze_graph_of (host);
  t->eval = adze_eval_of (host);
  t->train = adze_train_of (host);
  if (t->n->run && t->graphs && t->eval && t->train && adze_jobs_of (host))
    return ADZE_OK;
  return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s",
                    !t->n->run  ? ADZE_RUN
                    : !t->graphs ? ADZE_GRAPH
                    : !t->eval   ? ADZE_EVAL
                    : !t->train  ? ADZE_TRAIN
                                 : ADZE_JOBS);
}

static adze_status
find_inputs (nas_trained *t)
{
  nas_run *n = t->n;
  t->data = n->run->input (n->host, n->context, "data");
  t->validation = n->run->input (n->host, n->context, "validation");
  if (t->data && t->validation)
    return ADZE_OK;
  return adze_fail (n->host, ADZE_E_NOT_FOUND, "nothing is bound to its port '%s'",
                    t->data ? "validation" : "data");
}

static adze_status
declare (nas_trained *t)
{
  nas_run *n = t->n;
  adze_status status = nas_declare_params (n->host, n->params, &t->declared);
  n->worth = "accuracy";
  n->settings.together = (uint32_t)adze_param_int (n->host, n->params, "together");
  n->settings.costs = nas_read_costs (n->host, n->params, t->costs, n->costs);
  n->space.genes = t->declared.genes;
  memcpy (n->space.choices, t->declared.choices, sizeof n->space.choices);
  n->space.settle = nas_declared_settle;
  n->space.argument = &t->declared;
  return status;
}

adze_status
nas_begin (nas_trained *t)
{
  adze_status status = find_services (t);
  if (status == ADZE_OK)
    status = find_inputs (t);
  return status == ADZE_OK ? declare (t) : status;
}

static adze_status
tell_trained (const nas_trained *t)
{
  adze_status status = adze_metric (t->n->host, "known", (double)t->result_count, NULL);
  return status == ADZE_OK ? nas_tell_finals (t) : status;
}

static adze_status
run_all (nas_trained *t)
{
  adze_status status = nas_begin (t);
  if (status == ADZE_OK)
    status = nas_run_search (t->n);
  if (status == ADZE_OK)
    status = nas_finish (t);
  if (status == ADZE_OK)
    status = nas_tell (t->n, nas_report_finals);
  if (status == ADZE_OK)
    status = tell_trained (t);
  return status == ADZE_OK ? nas_give_recipe (t) : status;
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  /* Too large for a stack. */
  nas_trained *t = (nas_trained *)host->allocate (host, sizeof *t);
  nas_run n = { .host = host,
                .params = (const adze_params *)instance,
                .run = adze_run_of (host),
                .context = context,
                .look = nas_look,
                .name = nas_name,
                .own = t };
  if (!t)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  t->n = &n;
  adze_status status = run_all (t);
  nas_finish_close (t);
  nas_run_close (&n);
  nas_declared_close (&t->declared);
  host->release (host, t->results);
  host->release (host, t);
  return status;
}

static const adze_port ports[] = {
  { .name = "data", .type = "dataset", .direction = ADZE_PORT_IN, .required = 1,
    .help = "what candidates learn from" },
  { .name = "validation", .type = "dataset", .direction = ADZE_PORT_IN, .required = 1,
    .help = "what they are judged by: other examples of the same kind" },
  { .name = "model", .type = "model", .direction = ADZE_PORT_OUT,
    .help = "the best of those that were trained further, with what it has learnt" },
  { .name = "front", .type = "table", .direction = ADZE_PORT_OUT,
    .help = "the candidates that none is better than in everything" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT,
    .help = "what was found when, and what random search found" },
  { .name = "recipe", .type = "text", .direction = ADZE_PORT_OUT,
    .help = "a pipeline that builds the networks of the front" },
  { .name = NULL }
};

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_CHANGES,
  .ports = ports,
  .port_size = sizeof (adze_port),
  .create = create,
  .destroy = destroy,
  .run = run,
  .rehearses = 1,
  .job = nas_job,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "nas-evolve",
  .summary = "Searches networks by evolution, and trains the best",
  .params = nas_params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, &nas_known_component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "nas-evolve",
  .version = "0.1.0",
  .summary = "Architectures by evolution, with random search beside it",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (nas_evolve, plugin);
