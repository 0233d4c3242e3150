/* SPDX-License-Identifier: Apache-2.0 */
/* distill: a network learns what larger ones know. It is a lesson (adze/draft/lesson.h) with more terms in its loss,
 * and what teachers say as further inputs. What comes out is the student, with other weights. */
#include "distill.h"

/* ---- An instance is its parameters. */

static adze_status
create (const adze_host *host, const adze_params *params, void **instance)
{
  *instance = (void *)(uintptr_t)params;
  return distill_check_params (host, params);
}

/* They are the host's. */
static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

/* ---- At work. */

static uint32_t
owner (void *argument, const adze_lesson *lesson, const char *weight)
{
  (void)argument;
  (void)lesson;
  return strncmp (weight, DISTILL_PROJECTION, strlen (DISTILL_PROJECTION)) == 0 ? ADZE_LESSON_BESIDE : ADZE_LESSON_MODEL;
}

/* Answers take long: they are asked for behind all that can be refused. */
static adze_status
teach (distill *d)
{
  adze_status status = adze_lesson_begin (d->lesson);
  if (status == ADZE_OK)
    status = distill_fill_answers (d);
  return status == ADZE_OK ? adze_lesson_learn (d->lesson) : status;
}

static adze_status
give_model (const adze_lesson *lesson)
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
find_services (const distill *d)
{
  if (d->run && d->graphs)
    return ADZE_OK;
  return adze_fail (d->host, ADZE_E_UNSUPPORTED, "this host has no %s", d->run ? ADZE_GRAPH : ADZE_RUN);
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  distill d = { .host = host,
                .context = context,
                .params = (const adze_params *)instance,
                .run = adze_run_of (host),
                .graphs = adze_graph_of (host) };
  adze_lesson lesson = { .host = host,
                         .context = context,
                         .params = d.params,
                         .name = "distill",
                         .hooks = { .add_loss = distill_add_loss,
                                    .more_inputs = distill_more_inputs,
                                    .argument = &d },
                         .report = distill_report,
                         .owner = owner };
  d.lesson = &lesson;
  adze_status status = find_services (&d);
  if (status == ADZE_OK)
    status = distill_read_settings (&d);
  if (status == ADZE_OK)
    status = distill_measure_baseline (&d);
  if (status == ADZE_OK)
    status = teach (&d);
  if (status == ADZE_OK)
    status = give_model (&lesson);
  if (status == ADZE_OK)
    status = adze_lesson_give_report (&lesson);
  if (status == ADZE_OK)
    status = distill_tell (&d);
  distill_close_teachers (&d);
  adze_lesson_close (&lesson);
  distill_close_answers (&d);
  return status;
}

static const adze_port ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_IN, .required = 1,
    .help = "the student, with the weights that it begins with" },
  { .name = "teacher", .type = "model", .direction = ADZE_PORT_IN,
    .help = "a network that knows more; inputs = { teacher = \"input.NAME\" }" },
  { .name = "teacher2", .type = "model", .direction = ADZE_PORT_IN, .help = "a second one" },
  { .name = "teacher3", .type = "model", .direction = ADZE_PORT_IN, .help = "a third one" },
  { .name = "teacher4", .type = "model", .direction = ADZE_PORT_IN, .help = "a fourth one" },
  { .name = "data", .type = "dataset", .direction = ADZE_PORT_IN, .required = 1,
    .help = "what teachers are asked about, and the student learns from" },
  { .name = "labelled", .type = "dataset", .direction = ADZE_PORT_IN,
    .help = "the part of the data whose labels count; nothing: all of them do" },
  { .name = "validation", .type = "dataset", .direction = ADZE_PORT_IN,
    .help = "tells how good each epoch is; with it, the best one's weights are given" },
  { .name = "model", .type = "model", .direction = ADZE_PORT_OUT,
    .help = "the student with the weights that it has learnt" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT,
    .help = "its epochs, how they were come by, and what teachers were good for" },
  { .name = NULL }
};

static const adze_param params[] = {
  { .name = "hard", .type = ADZE_PARAM_FLOAT, .preset = "0.5", .range = "[0, inf)",
    .help = "weight of the labels' loss, which is the one that 'loss' says" },
  { .name = "soft", .type = ADZE_PARAM_FLOAT, .preset = "0.5", .range = "[0, inf)",
    .help = "weight of the divergence from the teachers' probabilities, times the temperature's square" },
  { .name = "temperature", .type = ADZE_PARAM_FLOAT, .preset = "4", .range = "(0, inf)",
    .help = "divides scores in front of the softmax of soft, and of loss = \"kl\"" },
  { .name = "teacher-weights", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_FLOAT, .preset = "[]",
    .range = "[0, inf)", .help = "share of each of several teachers in the probabilities; empty: the same" },
  { .name = "teacher-output", .type = ADZE_PARAM_STRING, .preset = "",
    .help = "the teachers' output whose probabilities are meant; empty: the first one" },
  { .name = "feature", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, inf)",
    .help = "weight of the mean square of what values of feature-map differ by" },
  { .name = "feature-map", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "which value is to be like which, as in \"fc1 -> conv3\", or \"fc1 -> teacher2: conv3\"" },
  { .name = "projection", .type = ADZE_PARAM_CHOICE, .preset = "learned", .choices = "learned|none",
    .help = "between values of feature-map of different widths: a matrix that learns as well; none: refused" },
  { .name = "attention", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, inf)",
    .help = "weight of how much maps of attention, of attention-map, differ" },
  { .name = "attention-map", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "as feature-map, of values with channels and places behind them" },
  { .name = "distance", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, inf)",
    .help = "weight of how much distances between examples differ, of relation-map" },
  { .name = "angle", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, inf)",
    .help = "weight of how much angles between three examples differ, of relation-map" },
  { .name = "relation-map", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "as feature-map, of values of any shape" },
  { .name = "cache", .type = ADZE_PARAM_BOOL, .preset = "true",
    .help = "teachers are asked once for each example, and not once an epoch" },
  { .name = "baseline", .type = ADZE_PARAM_BOOL, .preset = "false",
    .help = "the same student is trained without teachers first, so that the report can tell the gain" },
  ADZE_LESSON_FIRST_PARAMS,
  ADZE_LESSON_OTHER_PARAMS,
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

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "distill",
  .summary = "Trains a network on data, and on what other networks say of it",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "distill",
  .version = "0.1.0",
  .summary = "Students that learn from teachers",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (distill, plugin);
