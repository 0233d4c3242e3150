/* SPDX-License-Identifier: Apache-2.0 */
/* train: a network learns from data. What comes out is the network that came in, with other weights. It is a
 * lesson (adze/draft/lesson.h) without anything else. */
#include <adze/sdk.h>
#include <adze/draft/lesson.h>

/* ---- An instance is its parameters. */

static adze_status
create (const adze_host *host, const adze_params *params, void **instance)
{
  *instance = (void *)(uintptr_t)params;
  return adze_lesson_check_params (host, params);
}

/* They are the host's. */
static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

/* ---- At work. */

static adze_status
give_model (adze_lesson *lesson)
{
  adze_graph *given = NULL;
  /* Now, and not before: all of its weights would have been in memory for nothing. */
  adze_status status = lesson->run->graph (lesson->host, lesson->context, lesson->model, &given);
  if (status == ADZE_OK)
    status = lesson->train->give (lesson->host, lesson->training, given, 0);
  if (status == ADZE_OK)
    status = lesson->run->give_graph (lesson->host, lesson->context, "model", given);
  return status == ADZE_OK ? adze_run_give_others (lesson->host, lesson->context, lesson->model, given, "model")
                           : status;
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  adze_lesson lesson = { .host = host, .context = context, .params = (const adze_params *)instance };
  adze_status status = adze_lesson_teach (&lesson);
  if (status == ADZE_OK)
    status = give_model (&lesson);
  if (status == ADZE_OK)
    status = adze_lesson_give_report (&lesson);
  adze_lesson_close (&lesson);
  return status;
}

static const adze_port ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_IN, .required = 1,
    .help = "the network that is to learn, with the weights that it begins with" },
  { .name = "data", .type = "dataset", .direction = ADZE_PORT_IN, .required = 1,
    .help = "what it learns from" },
  { .name = "validation", .type = "dataset", .direction = ADZE_PORT_IN,
    .help = "tells how good each epoch is; with it, the best one's weights are given" },
  { .name = "model", .type = "model", .direction = ADZE_PORT_OUT,
    .help = "the network with the weights that it has learnt" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT,
    .help = "its epochs, and how they were come by" },
  { .name = NULL }
};

/* Zeros stay where 'keep-zeros' says so, and the host looks whether they did. */
static const char *const breaks[]
    = { ADZE_TRAIT_CODEBOOK, ADZE_TRAIT_FROZEN, NULL };

static const char *const keeps[] = { ADZE_TRAIT_SPARSITY, "keep-zeros", ADZE_TRAIT_NM, "keep-zeros", NULL };

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_CHANGES,
  .ports = ports,
  .port_size = sizeof (adze_port),
  .breaks = breaks,
  .create = create,
  .destroy = destroy,
  .run = run,
  .rehearses = 1,
  .keeps_network = 1,
  .keeps = keeps,
};

static const adze_param params[] = { ADZE_LESSON_PARAMS, { .name = NULL } };

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "train",
  .summary = "Trains a network on data",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "train",
  .version = "0.1.0",
  .summary = "Networks that learn from data",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (train, plugin);
