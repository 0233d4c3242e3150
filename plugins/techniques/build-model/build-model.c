/* SPDX-License-Identifier: Apache-2.0 */
/* build-model: a network from a short list of layers. */
#include <string.h>

#include "layers.h"

static const adze_param params[] = {
  { .name = "input", .type = ADZE_PARAM_STRING,
    .help = "shape of one example, without the batch: \"784\", \"1x28x28\"" },
  { .name = "layers", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING,
    .help = "what the network is made of, from input to output, as in \"conv 32 3x3 pad 1 relu\"" },
  { .name = "init", .type = ADZE_PARAM_CHOICE, .preset = "he-normal", .choices = BUILD_INITIALS,
    .help = "the numbers that weights begin with; biases are zeros" },
  { .name = "spread", .type = ADZE_PARAM_FLOAT, .preset = "0.02", .range = "[0, inf)",
    .help = "standard deviation of init normal, bound of init uniform" },
  { .name = "input-name", .type = ADZE_PARAM_STRING, .preset = "input",
    .help = "name of the network's input" },
  { .name = "output-name", .type = ADZE_PARAM_STRING, .preset = "output",
    .help = "name of the network's output" },
  { .name = NULL }
};

static const adze_port ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_OUT, .help = "the network" },
  { .name = NULL }
};

/* ---- What is asked for. */

static void
destroy (const adze_host *host, void *instance)
{
  build_plan *plan = (build_plan *)instance;
  if (plan->layers)
    host->release (host, plan->layers);
  host->release (host, plan);
}

static adze_status
read_layers (const adze_host *host, const adze_params *values, build_plan *plan)
{
  const adze_params *list = adze_params_of (host)->get_nested (values, "layers");
  int initial = build_choice (BUILD_INITIALS, adze_param_string (host, values, "init"));
  size_t count = adze_params_of (host)->count (list);
  adze_status status = ADZE_OK;
  if (count == 0)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'layers' is empty; a network has one layer at least");
  plan->layers = (build_layer *)host->allocate (host, count * sizeof *plan->layers);
  if (!plan->layers)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu layers", count);
  for (; status == ADZE_OK && plan->count < count; plan->count += status == ADZE_OK) {
    const char *name = adze_params_of (host)->name_at (list, plan->count);
    status = build_read_layer (host, plan->count, adze_param_string (host, list, name),
                               (build_initial)initial, &plan->layers[plan->count]);
  }
  return status;
}

static adze_status
read_names (const adze_host *host, const adze_params *values, build_plan *plan)
{
  plan->input = adze_param_string (host, values, "input-name");
  plan->output = adze_param_string (host, values, "output-name");
  plan->spread = adze_param_float (host, values, "spread");
  if (!plan->input[0] || !plan->output[0] || strcmp (plan->input, plan->output) == 0)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameters 'input-name' and 'output-name' are \"%s\" and \"%s\"; needed are "
                      "two names that are not empty and differ",
                      plan->input, plan->output);
  return ADZE_OK;
}

/* All that can be wrong is found here, before anything runs. */
static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  build_plan *plan = (build_plan *)host->allocate (host, sizeof *plan);
  if (!plan)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  *plan = (build_plan){ 0 };
  adze_status status = read_names (host, values, plan);
  if (status == ADZE_OK)
    status = build_read_input (host, adze_param_string (host, values, "input"), plan);
  if (status == ADZE_OK)
    status = read_layers (host, values, plan);
  if (status == ADZE_OK)
    status = build_find_shapes (host, plan);
  if (status == ADZE_OK)
    *instance = plan;
  else
    destroy (host, plan);
  return status;
}

/* ---- The network. */

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  const adze_run_service *service = adze_run_of (host);
  adze_graph *graph = NULL;
  if (!service || !adze_graph_of (host))
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s and %s, which networks are "
                      "built with", ADZE_RUN, ADZE_GRAPH);
  adze_status status = service->new_graph (host, context, "model", &graph);
  if (status == ADZE_OK)
    status = build_emit (host, (const build_plan *)instance, graph);
  return status == ADZE_OK ? service->give_graph (host, context, "model", graph) : status;
}

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_CHANGES,
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
  .id = "build-model",
  .summary = "Builds a network from a list of layers",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "build-model",
  .version = "0.1.0",
  .summary = "Networks from a list of layers",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (build_model, plugin);
