/* SPDX-License-Identifier: Apache-2.0 */
/* optimise-graph: a network made smaller that computes what it did; and fold, which only takes
 * batch normalisations and constants together. The host has the passes; here is who asks for which.
 */
#include <string.h>

#include <adze/sdk.h>

#define PASSES "constants|identities|common|batch-norm|bias|dead|integers"

static const adze_param optimise_params[] = {
  { .name = "passes", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_CHOICE,
    .preset = "[\"constants\", \"identities\", \"common\", \"batch-norm\", \"bias\", \"dead\"]",
    .choices = PASSES, .help = "what is done, again and again until nothing is left to do" },
  { .name = NULL }
};

static const adze_param fold_params[] = {
  { .name = "batch-norm", .type = ADZE_PARAM_BOOL, .preset = "true",
    .help = "batch normalisations go into the weights in front of them" },
  { .name = "constants", .type = ADZE_PARAM_BOOL, .preset = "true",
    .help = "nodes whose inputs are all known are computed" },
  { .name = NULL }
};

/* In the order of adze_graph_pass, which is that of PASSES. */
static const struct {
  const char *name, *does;
} passes[ADZE_GRAPH_PASSES] = {
  { "constants", "computed" },      { "identities", "removed or joined" },
  { "common", "removed" },          { "batch-norm", "folded" },
  { "bias", "made a bias" },        { "dead", "removed" },
  { "integers", "put into integers, or moved there" },
};

typedef struct optimise {
  uint32_t passes;
} optimise;

/* ---- What is asked for. */

static uint32_t
pass_named (const char *name)
{
  for (uint32_t i = 0; i < ADZE_GRAPH_PASSES; i++)
    if (strcmp (passes[i].name, name) == 0)
      return UINT32_C (1) << i;
  return 0;
}

static adze_status
create_with (const adze_host *host, uint32_t wanted, const char *hint, void **instance)
{
  if (wanted == 0)
    return adze_fail (host, ADZE_E_PARAM, "there is nothing to do: %s", hint);
  optimise *self = (optimise *)host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  self->passes = wanted;
  *instance = self;
  return ADZE_OK;
}

static adze_status
create_optimise (const adze_host *host, const adze_params *values, void **instance)
{
  const adze_params_service *service = adze_params_of (host);
  const adze_params *list = service->get_nested (values, "passes");
  uint32_t wanted = 0;
  for (size_t i = 0; i < service->count (list); i++)
    wanted |= pass_named (service->get_string (list, service->name_at (list, i)));
  return create_with (host, wanted, "parameter 'passes' is empty", instance);
}

/* What was folded leaves weights that nobody needs. */
static adze_status
create_fold (const adze_host *host, const adze_params *values, void **instance)
{
  uint32_t wanted = 0;
  if (adze_param_bool (host, values, "batch-norm"))
    wanted |= ADZE_PASS_BATCH_NORM;
  if (adze_param_bool (host, values, "constants"))
    wanted |= ADZE_PASS_CONSTANTS;
  return create_with (host, wanted ? wanted | ADZE_PASS_DEAD : 0,
                      "both 'batch-norm' and 'constants' are false", instance);
}

static void
destroy (const adze_host *host, void *instance)
{
  host->release (host, instance);
}

/* ---- The network. */

static size_t
count_nodes (const adze_host *host, const adze_graph *graph)
{
  size_t count = 0;
  return adze_graph_of (host)->order (graph, &count) ? count : 0;
}

static adze_status
tell (const adze_host *host, uint32_t wanted, const uint64_t *changed, size_t before, size_t after)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < ADZE_GRAPH_PASSES; i++) {
    const adze_field fields[] = {
      { .key = "pass", .type = ADZE_FIELD_STRING, .value = { .string = passes[i].name } },
      { .key = "nodes", .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)changed[i] } },
      { .key = "were", .type = ADZE_FIELD_STRING, .value = { .string = passes[i].does } },
    };
    if (!(wanted & UINT32_C (1) << i))
      continue;
    status = adze_row (host, "passes", fields, 3);
    if (status == ADZE_OK)
      status = adze_metric (host, passes[i].name, (double)changed[i], NULL);
  }
  if (status == ADZE_OK)
    status = adze_metric (host, "nodes-before", (double)before, NULL);
  return status == ADZE_OK ? adze_metric (host, "nodes", (double)after, NULL) : status;
}

static adze_status
work (const adze_host *host, uint32_t wanted, adze_context *context, adze_artifact *model,
      adze_graph *graph)
{
  uint64_t changed[ADZE_GRAPH_PASSES] = { 0 };
  size_t before = count_nodes (host, graph);
  /* First, since a pass may let names go. */
  adze_status status = adze_run_give_others (host, context, model, graph, "model");
  if (status == ADZE_OK)
    status = adze_graph_of (host)->optimise (host, graph, wanted, changed);
  if (status == ADZE_OK)
    status = tell (host, wanted, changed, before, count_nodes (host, graph));
  return status == ADZE_OK ? adze_run_of (host)->give_graph (host, context, "model", graph)
                           : status;
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  const adze_run_service *service = adze_run_of (host);
  adze_graph *graph = NULL;
  if (!service || !adze_graph_of (host))
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s and %s, which networks are "
                      "read with", ADZE_RUN, ADZE_GRAPH);
  adze_artifact *model = service->input (host, context, "model");
  if (!model)
    return adze_fail (host, ADZE_E_NOT_FOUND, "there is no model");
  adze_status status = service->graph (host, context, model, &graph);
  return status == ADZE_OK
             ? work (host, ((const optimise *)instance)->passes, context, model, graph)
             : status;
}

/* ---- The plugin. */

static const adze_port ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_IN, .required = 1,
    .help = "a network" },
  { .name = "model", .type = "model", .direction = ADZE_PORT_OUT, .help = "the same, smaller" },
  { .name = NULL }
};

#define OPTIMISE_TECHNIQUE(name, says, identifier) \
  static const adze_technique identifier##_callbacks = { \
    .struct_size = sizeof identifier##_callbacks, \
    .effect = ADZE_CHANGES, \
    .ports = ports, \
    .port_size = sizeof (adze_port), \
    .create = create_##identifier, \
    .destroy = destroy, \
    .run = run, \
    .rehearses = 1, \
  }; \
  static const adze_component identifier##_component = { \
    .struct_size = sizeof identifier##_component, \
    .kind_revision = ADZE_TECHNIQUE_REVISION, \
    .kind = ADZE_TECHNIQUE, \
    .id = name, \
    .summary = says, \
    .params = identifier##_params, \
    .param_size = sizeof (adze_param), \
    .threading = ADZE_THREADS_PARALLEL, \
    .callbacks = &identifier##_callbacks, \
  }

OPTIMISE_TECHNIQUE ("optimise-graph", "Makes a network smaller that computes what it did", optimise);
OPTIMISE_TECHNIQUE ("fold", "Takes batch normalisations and constants into the weights", fold);

static const adze_component *const components[] = { &optimise_component, &fold_component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "optimise-graph",
  .version = "0.1.0",
  .summary = "Networks made smaller, node by node",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (optimise_graph, plugin);
