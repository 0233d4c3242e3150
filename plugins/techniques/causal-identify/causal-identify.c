/* SPDX-License-Identifier: Apache-2.0 */
/* causal-identify: which effects can be computed from what is seen, and how, when a graph says what causes what. */
#include "identify.h"

static const adze_param params[] = {
  { .name = "treatment", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "nodes that would be set: the effect of them is asked for" },
  { .name = "outcome", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "nodes that the effect is on" },
  { .name = "given", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "nodes that are seen: the effect is asked for among those with each of their values" },
  { .name = "form", .type = ADZE_PARAM_CHOICE, .preset = "plainest", .choices = "plainest|general",
    .help = "the formula: of a backdoor or front-door set where there is one; or always that of the complete algorithm" },
  { .name = "separated", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "questions whether nodes are separated: \"X ; Y | Z, W\"" },
  { .name = NULL }
};

static size_t
length_of (const adze_host *host, const adze_params *values, const char *name)
{
  const adze_params_service *service = adze_params_of (host);
  return service->count (service->get_nested (values, name));
}

/* An instance is its parameters, which are the host's. */
static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  const bool treatment = length_of (host, values, "treatment") > 0, outcome = length_of (host, values, "outcome") > 0;
  *instance = (void *)(uintptr_t)values;
  if (treatment != outcome)
    return adze_fail (host, ADZE_E_PARAM, "parameter '%s' is empty, and '%s' is not; an effect is of the one on the other",
                      treatment ? "outcome" : "treatment", treatment ? "treatment" : "outcome");
  if (!treatment && length_of (host, values, "separated") == 0)
    return adze_fail (host, ADZE_E_PARAM,
                      "nothing is asked; give 'treatment' and 'outcome', or questions in 'separated'");
  const char *idle = length_of (host, values, "given") > 0 ? "given"
                     : adze_param_is_given (host, values, "form") ? "form" : NULL;
  if (!treatment && idle)
    return adze_fail (host, ADZE_E_PARAM, "parameter '%s' says nothing without 'treatment' and 'outcome'", idle);
  return ADZE_OK;
}

static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

/* ---- A run. */

static adze_status
read_effect (ident_run *r)
{
  adze_status status = ident_read_list (r, "treatment", &r->x);
  if (status == ADZE_OK)
    status = ident_read_list (r, "outcome", &r->y);
  if (status == ADZE_OK)
    status = ident_read_list (r, "given", &r->given);
  const ident_set both = ident_or (ident_and (r->x, r->y), ident_and (ident_or (r->x, r->y), r->given));
  if (status == ADZE_OK && !ident_empty (both))
    return adze_fail (r->host, ADZE_E_PARAM, "the node '%s' is in two of 'treatment', 'outcome' and 'given'",
                      r->graph.names[ident_next (&both, 0)]);
  return status;
}

static adze_status
separate_all (const ident_run *r, ident_separation *separations)
{
  const adze_params_service *service = adze_params_of (r->host);
  const adze_params *list = service->get_nested (r->params, "separated");
  const ident_view whole = ident_whole (&r->graph);
  for (size_t i = 0; i < service->count (list); i++) {
    ident_separation *s = &separations[i];
    adze_status status = ident_read_separation (r, service->get_string (list, service->name_at (list, i)), s);
    if (status != ADZE_OK)
      return status;
    s->yes = ident_separated (&whole, s->x, s->y, s->z);
  }
  return ADZE_OK;
}

static adze_status
answer_all (ident_run *r)
{
  const size_t count = length_of (r->host, r->params, "separated");
  ident_separation *separations = (ident_separation *)r->host->allocate (r->host, (count + 1) * sizeof *separations);
  if (!separations)
    return adze_fail (r->host, ADZE_E_MEMORY, "no room for %zu questions", count);
  adze_status status = separate_all (r, separations);
  if (status == ADZE_OK)
    status = read_effect (r);
  if (status == ADZE_OK && !ident_empty (r->x))
    status = ident_answer (r);
  if (status == ADZE_OK)
    status = ident_tell (r, separations);
  r->host->release (r->host, separations);
  return status;
}

static adze_status
read_graph (ident_run *r, adze_dag **dag)
{
  const void *bytes = NULL;
  size_t size = 0;
  adze_artifact *given = r->run->input (r->host, r->context, "graph");
  adze_status status = r->run->bytes (r->host, given, &bytes, &size);
  if (status == ADZE_OK)
    status = adze_dag_of (r->host)->read (r->host, "its port 'graph'", bytes, size, dag);
  return status == ADZE_OK ? ident_graph_read (r->host, *dag, &r->graph) : status;
}

static void
end (ident_run *r)
{
  ident_room_close (&r->room);
  ident_sets_close (r->host, &r->backdoors);
  ident_sets_close (r->host, &r->front_doors);
  adze_bytes_release (r->host, &r->question);
  adze_bytes_release (r->host, &r->text);
  adze_bytes_release (r->host, &r->sentence);
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  const adze_run_service *service = adze_run_of (host);
  adze_dag *dag = NULL;
  if (!service || !adze_dag_of (host))
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s", !service ? ADZE_RUN : ADZE_DAG);
  ident_run *r = (ident_run *)host->allocate (host, sizeof *r);
  if (!r)
    return adze_fail (host, ADZE_E_MEMORY, "no room for a graph of %d nodes", (int)IDENT_NODES);
  r->host = r->room.host = host;
  r->params = (const adze_params *)instance;
  r->run = service;
  r->context = context;
  r->room.graph = &r->graph;
  adze_status status = read_graph (r, &dag);
  if (status == ADZE_OK)
    status = answer_all (r);
  end (r);
  host->release (host, r);
  adze_dag_of (host)->close (host, dag);
  return status;
}

static const adze_port ports[] = {
  { .name = "graph", .type = "dag", .direction = ADZE_PORT_IN, .required = 1,
    .help = "what causes what; A <-> B where both have a hidden cause" },
  { .name = "estimand", .type = "text", .direction = ADZE_PORT_OUT, .help = "the effect as a formula of what is seen" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT,
    .help = "the verdict, sets that are enough, and why there is no formula where there is none" },
  { .name = NULL }
};

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_INSPECTS,
  .ports = ports,
  .port_size = sizeof (adze_port),
  .create = create,
  .destroy = destroy,
  .run = run,
  .rehearses = 1,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "causal-identify",
  .summary = "Finds out whether an effect can be computed from what is seen, and how",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

/* Presets alone ask nothing. */
static const char *const given[] = { "causal-identify.treatment = [\"a\"]", "causal-identify.outcome = [\"b\"]", NULL };
static const adze_check_extension check = { .struct_size = sizeof check, .given = given };

static const void *
extension (const char *id)
{
  return strcmp (id, ADZE_CHECK) == 0 ? &check : NULL;
}

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "causal-identify",
  .version = "0.1.0",
  .summary = "Effects that can be computed from what is seen",
  .license = "Apache-2.0",
  .components = components,
  .extension = extension,
};

ADZE_PLUGIN_REGISTER (causal_identify, plugin);
