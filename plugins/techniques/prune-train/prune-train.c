/* SPDX-License-Identifier: Apache-2.0 */
/* prune-train: a network learns while its weights become fewer. */
#include "trim.h"

#include <adze/draft/claim.h>

/* ---- Parameters. */

/* Of both. */
#define TRIM_PARAMS \
  { .name = "growth", .type = ADZE_PARAM_CHOICE, .preset = "cubic", .choices = "cubic|linear|once", \
    .help = "how the share grows from cut to cut; once: all in one" }, \
  { .name = "cuts", .type = ADZE_PARAM_INT, .preset = "10", .range = "[2, 10000]", \
    .help = "how many there are, unless growth is once" }, \
  { .name = "begin", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 1)", \
    .help = "where in the training the first cut is: 0.25 is after a quarter of its steps" }, \
  { .name = "end", .type = ADZE_PARAM_FLOAT, .preset = "0.5", .range = "(0, 1)", \
    .help = "where the last one is, unless growth is once; the rest of the training has the final share" }, \
  { .name = "score-batches", .type = ADZE_PARAM_INT, .preset = "16", .range = "[1, 1000000]", \
    .help = "how many batches of the data are looked at for a cut, by criteria that look at data" }, \
  { .name = "whole", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]", \
    .help = "patterns of weights that stay whole, and train" }, \
  ADZE_LESSON_PARAMS, \
  { .name = NULL }

/* Criteria that do. */
#define TRIM_LOOKS_AT_DATA "snip|taylor|wanda|apoz|mean"

static const adze_param params[] = {
  { .name = "sparsity", .type = ADZE_PARAM_FLOAT, .preset = "0.9", .range = "(0, 1)",
    .help = "share of the weights that are zero in the end" },
  { .name = "pattern", .type = ADZE_PARAM_STRING, .preset = "unstructured",
    .help = "\"unstructured\", or N:M: so many stay of M neighbours in a row, as of \"2:4\"" },
  { .name = "criterion", .type = ADZE_PARAM_CHOICE, .preset = "magnitude",
    .choices = "magnitude|movement|snip|taylor|wanda",
    .help = "what goes first: the small, what moves to zero, what the loss misses least, what sees little" },
  { .name = "scope", .type = ADZE_PARAM_CHOICE, .preset = "global", .choices = "global|tensor",
    .help = "whether the share is one of all weights together, or one of each tensor" },
  { .name = "min-kept", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 1)",
    .help = "share of each tensor that stays at least" },
  { .name = "keep-ends", .type = ADZE_PARAM_BOOL, .preset = "false",
    .help = "whether the weights that are used first and last stay whole" },
  TRIM_PARAMS
};

static const adze_param channel_params[] = {
  { .name = "sparsity", .type = ADZE_PARAM_FLOAT, .preset = "0.5", .range = "(0, 1)",
    .help = "share of the channels that are taken out" },
  { .name = "criterion", .type = ADZE_PARAM_CHOICE, .preset = "magnitude",
    .choices = "magnitude|movement|snip|taylor|apoz|mean",
    .help = "what goes first: channels of small weights, of such as move to zero, those that the loss misses least, "
            "that are mostly zero, whose numbers are small" },
  { .name = "scope", .type = ADZE_PARAM_CHOICE, .preset = "group", .choices = "global|group",
    .help = "whether the share is one of all channels together, or one of each group that hangs together" },
  { .name = "min-kept", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 1)",
    .help = "share of each group that stays at least; one channel always does" },
  { .name = "multiple", .type = ADZE_PARAM_INT, .preset = "1", .range = "[1, 65536]", .unit = "channels",
    .help = "what stays of a group is a multiple of this; rather more stays than less" },
  TRIM_PARAMS
};

enum { M_MOST = 64 };

/* "2:4". False: it is none. */
static bool
read_pair (const char *text, uint32_t *n, uint32_t *m)
{
  uint32_t numbers[2] = { 0, 0 };
  for (size_t i = 0; i < 2; i++) {
    if (*text < '1' || *text > '9')
      return false;
    while (*text >= '0' && *text <= '9' && numbers[i] <= M_MOST)
      numbers[i] = numbers[i] * 10 + (uint32_t)(*text++ - '0');
    if (*text++ != (i ? '\0' : ':'))
      return false;
  }
  *n = numbers[0];
  *m = numbers[1];
  return *n < *m && *m <= M_MOST;
}

/* A pattern says itself how many go, row by row. */
static adze_status
check_unused (const adze_host *host, const adze_params *values, const char *pattern)
{
  static const char *const unused[] = { "sparsity", "min-kept", "scope" };
  for (size_t i = 0; i < sizeof unused / sizeof unused[0]; i++)
    if (adze_param_is_given (host, values, unused[i]))
      return adze_fail (host, ADZE_E_PARAM,
                        "parameter '%s' says nothing to pattern = \"%s\", which says how many go of each row; leave it "
                        "out",
                        unused[i], pattern);
  return ADZE_OK;
}

static adze_status
check_pattern (const adze_host *host, const adze_params *values)
{
  const char *text = adze_param_string (host, values, "pattern");
  uint32_t n, m;
  if (strcmp (text, "unstructured") == 0)
    return ADZE_OK;
  if (!read_pair (text, &n, &m))
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'pattern' is \"%s\"; needed is \"unstructured\", or N:M with N below M and M up to "
                      "%d, such as \"2:4\"",
                      text, M_MOST);
  return check_unused (host, values, text);
}

static adze_status
check_cuts (const adze_host *host, const adze_params *values)
{
  bool once = strcmp (adze_param_string (host, values, "growth"), "once") == 0;
  double begin = adze_param_float (host, values, "begin"), end = adze_param_float (host, values, "end");
  adze_status status = adze_param_only_with (host, values, "cuts", "growth", "cubic|linear");
  if (status == ADZE_OK)
    status = adze_param_only_with (host, values, "end", "growth", "cubic|linear");
  if (status != ADZE_OK || once || begin <= end)
    return status;
  return adze_fail (host, ADZE_E_PARAM, "parameter 'end' is %g, and 'begin' is %g; needed is one that is not before it",
                    end, begin);
}

/* An instance is its parameters. */
static adze_status
create_channels (const adze_host *host, const adze_params *values, void **instance)
{
  *instance = (void *)(uintptr_t)values;
  adze_status status = adze_lesson_check_params (host, values);
  if (status == ADZE_OK)
    status = check_cuts (host, values);
  return status == ADZE_OK ? adze_param_only_with (host, values, "score-batches", "criterion", TRIM_LOOKS_AT_DATA) : status;
}

static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  adze_status status = create_channels (host, values, instance);
  return status == ADZE_OK ? check_pattern (host, values) : status;
}

/* They are the host's. */
static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

/* Number of a choice among those of its row. */
static unsigned
choice_of (const trim *t, const char *param, const char *choices)
{
  return adze_lesson_number_of (&t->lesson, param, choices) - 1;
}

static void
read_params (trim *t)
{
  const adze_host *host = t->lesson.host;
  const adze_params *values = t->lesson.params;
  t->criterion = (trim_criterion)choice_of (t, "criterion", "magnitude|movement|snip|taylor|wanda|apoz|mean");
  t->growth = (trim_growth)choice_of (t, "growth", "cubic|linear|once");
  t->global = strcmp (adze_param_string (host, values, "scope"), "global") == 0;
  t->sparsity = adze_param_float (host, values, "sparsity");
  t->begin = adze_param_float (host, values, "begin");
  t->end = adze_param_float (host, values, "end");
  t->min_kept = adze_param_float (host, values, "min-kept");
  t->batches = (uint64_t)adze_param_int (host, values, "score-batches");
  t->multiple = t->by_channels ? (uint64_t)adze_param_int (host, values, "multiple") : 1;
  t->cuts = t->growth == TRIM_ONCE ? 1 : (uint64_t)adze_param_int (host, values, "cuts");
  if (t->by_channels || !read_pair (adze_param_string (host, values, "pattern"), &t->n, &t->m))
    t->m = 0;
}

/* ---- Hooks of the lesson. */

/* With weights to go back to it is these that learn, from the first step on. */
static adze_status
open_network (void *argument, adze_lesson *lesson, uint32_t learns, adze_graph **graph)
{
  const trim *t = (const trim *)argument;
  (void)learns;
  return lesson->run->graph (lesson->host, lesson->context, t->earlier ? t->earlier : lesson->model, graph);
}

/* Masks are no loss; but this is where inputs come in that are not the data's. */
static adze_status
add_masks (void *argument, adze_lesson *lesson, uint32_t scores, uint32_t *loss)
{
  trim *t = (trim *)argument;
  (void)scores;
  (void)loss;
  adze_status status = trim_find_tensors (t);
  return status == ADZE_OK ? trim_add_masks (t, lesson->learner) : status;
}

static adze_status
add_watched_masks (void *argument, adze_lesson *lesson)
{
  return trim_add_masks ((trim *)argument, lesson->watched);
}

static adze_status
give_masks (void *argument, adze_lesson *lesson, const adze_view **views)
{
  const trim *t = (const trim *)argument;
  (void)lesson;
  for (size_t i = 0; i < t->count; i++)
    views[i] = &t->tensors[i].view;
  return ADZE_OK;
}

static adze_status
give_batch_masks (void *argument, adze_lesson *lesson, uint64_t epoch, uint64_t number, const adze_view **views)
{
  (void)epoch;
  (void)number;
  return give_masks (argument, lesson, views);
}

static adze_status
after_step (void *argument, adze_lesson *lesson, const adze_train_progress_info *progress)
{
  (void)lesson;
  return trim_cut_at ((trim *)argument, progress->step);
}

/* An epoch in front of the last cut is no result, however good it is: it is worse than any behind it, and better than
 * those before, so that patience waits. */
static void
score_epoch (void *argument, const adze_lesson *lesson, double *score)
{
  const trim *t = (const trim *)argument;
  adze_train_progress_info progress;
  memset (&progress, 0, sizeof progress);
  progress.struct_size = sizeof progress;
  lesson->train->progress (lesson->host, lesson->training, &progress);
  if (t->done < t->cuts)
    *score = 1e30 * (double)(lesson->total + 1 - progress.step);
}

/* ---- At work. */

/* What is gone back to has its cut in front of the first step. */
static adze_status
check_ports (const trim *t)
{
  const adze_host *host = t->lesson.host;
  if (t->earlier && (t->growth != TRIM_ONCE || t->begin > 0))
    return adze_fail (host, ADZE_E_PARAM,
                      "with a model bound to 'earlier' there is one cut, by the weights of 'model', and then training "
                      "begins with the earlier ones: needed are growth = \"once\" and begin = 0");
  if (!t->earlier && t->criterion == TRIM_MOVEMENT && trim_cut_step (t, 1) == 0)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'criterion' is \"movement\", and the first cut is in front of the first step, when "
                      "nothing has moved; needed is a larger 'begin'");
  return ADZE_OK;
}

/* A host that knows of no claims is told none. */
static adze_status
give_traits (const trim *t)
{
  const adze_host *host = t->lesson.host;
  const adze_claim_service *claim = adze_claim_of (host);
  char pattern[40];
  snprintf (pattern, sizeof pattern, "{\"n\": %u, \"m\": %u}", t->n, t->m);
  adze_status status = ADZE_OK;
  for (size_t i = 0; claim && status == ADZE_OK && i < t->count; i++) {
    const char *name = t->tensors[i].name;
    if (t->tensors[i].gone > 0)
      status = claim->trait (host, t->lesson.context, "model", name, ADZE_TRAIT_SPARSITY, "{}");
    /* The host knows of no groups that its pieces would cut in two. */
    if (status == ADZE_OK && t->m > 0 && (t->m & (t->m - 1)) == 0)
      status = claim->trait (host, t->lesson.context, "model", name, ADZE_TRAIT_NM, pattern);
  }
  return status;
}

static adze_status
give_model (trim *t)
{
  adze_lesson *lesson = &t->lesson;
  adze_graph *given = NULL;
  adze_status status = lesson->run->graph (lesson->host, lesson->context, lesson->model, &given);
  if (status == ADZE_OK)
    status = lesson->train->give (lesson->host, lesson->training, given, 0);
  if (status == ADZE_OK)
    status = trim_apply_masks (t, given);
  if (status == ADZE_OK && t->by_channels)
    status = trim_remove_channels (t, given);
  if (status == ADZE_OK)
    status = lesson->run->give_graph (lesson->host, lesson->context, "model", given);
  if (status == ADZE_OK && !t->by_channels)
    status = give_traits (t);
  return status == ADZE_OK ? adze_run_give_others (lesson->host, lesson->context, lesson->model, given, "model")
                           : status;
}

/* Asked for more than the data has. */
static adze_status
check_amounts (const trim *t)
{
  const adze_host *host = t->lesson.host;
  const adze_params *values = t->lesson.params;
  uint64_t batches = t->lesson.feed.batches, steps = trim_cut_step (t, t->cuts) - trim_cut_step (t, 1);
  if (adze_param_is_given (host, values, "score-batches") && t->batches > batches)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'score-batches' is %llu, and the data bound to 'data' has %llu; needed are as many at most",
                      (unsigned long long)t->batches, (unsigned long long)batches);
  if (adze_param_is_given (host, values, "cuts") && t->cuts > steps + 1)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'cuts' is %llu, and 'begin' and 'end' are %llu steps apart, so that some would fall into "
                      "the same step; needed are at most %llu, or more steps between these two",
                      (unsigned long long)t->cuts, (unsigned long long)steps, (unsigned long long)steps + 1);
  return ADZE_OK;
}

static adze_status
teach (trim *t)
{
  adze_lesson *lesson = &t->lesson;
  adze_status status = adze_lesson_begin (lesson);
  if (status == ADZE_OK)
    status = check_ports (t);
  if (status == ADZE_OK)
    status = check_amounts (t);
  if (status == ADZE_OK)
    status = trim_resume (t);
  return status == ADZE_OK ? adze_lesson_learn (lesson) : status;
}

static adze_status
run_one (const adze_host *host, void *instance, adze_context *context, bool by_channels)
{
  const adze_run_service *service = adze_run_of (host);
  trim t;
  memset (&t, 0, sizeof t);
  t.by_channels = by_channels;
  t.lesson.host = host;
  t.lesson.context = context;
  t.lesson.params = (const adze_params *)instance;
  t.lesson.hooks.network = open_network;
  t.lesson.hooks.add_loss = add_masks;
  t.lesson.hooks.more_inputs = give_batch_masks;
  t.lesson.hooks.add_watched = add_watched_masks;
  t.lesson.hooks.watched_inputs = give_masks;
  t.lesson.hooks.after_step = after_step;
  t.lesson.hooks.score = score_epoch;
  t.lesson.report = trim_report;
  t.lesson.hooks.argument = &t;
  t.earlier = service ? service->input (host, context, "earlier") : NULL;
  read_params (&t);
  adze_status status = teach (&t);
  if (status == ADZE_OK)
    status = give_model (&t);
  if (status == ADZE_OK)
    status = adze_lesson_give_report (&t.lesson);
  if (status == ADZE_OK)
    status = trim_tell_end (&t);
  adze_lesson_close (&t.lesson);
  trim_drop_tensors (&t);
  return status;
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  return run_one (host, instance, context, false);
}

static adze_status
run_channels (const adze_host *host, void *instance, adze_context *context)
{
  return run_one (host, instance, context, true);
}

static const adze_port ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_IN, .required = 1,
    .help = "the network that is to learn and to lose weights" },
  { .name = "data", .type = "dataset", .direction = ADZE_PORT_IN, .required = 1,
    .help = "what it learns from" },
  { .name = "validation", .type = "dataset", .direction = ADZE_PORT_IN,
    .help = "tells how good each epoch is; of those with the final share the best one's weights are given" },
  { .name = "earlier", .type = "model", .direction = ADZE_PORT_IN,
    .help = "the same network with weights to go back to: 'model' says which weights go, and these learn" },
  { .name = "model", .type = "model", .direction = ADZE_PORT_OUT,
    .help = "the network with what is left of its weights" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT,
    .help = "its epochs, its cuts, and what each tensor has lost" },
  { .name = NULL }
};

/* Zeros that were there stay where 'keep-zeros' says so, and the host looks whether they did. */
static const char *const breaks[] = { ADZE_TRAIT_CODEBOOK, ADZE_TRAIT_FROZEN, NULL };

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
  .id = "prune-train",
  .summary = "Makes weights zero step by step while the others learn",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};

/* A channel that is gone is no zero: there are no places to speak of any more. */
static const char *const channel_breaks[]
    = { ADZE_TRAIT_CODEBOOK, ADZE_TRAIT_FROZEN, ADZE_TRAIT_SPARSITY, ADZE_TRAIT_NM, NULL };

static const adze_technique channel_callbacks = {
  .struct_size = sizeof channel_callbacks,
  .effect = ADZE_CHANGES,
  .ports = ports,
  .port_size = sizeof (adze_port),
  .breaks = channel_breaks,
  .create = create_channels,
  .destroy = destroy,
  .run = run_channels,
  .rehearses = 1,
};

static const adze_component channel_component = {
  .struct_size = sizeof channel_component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "prune-train-channels",
  .summary = "Takes channels out step by step while the others learn",
  .params = channel_params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &channel_callbacks,
};

static const adze_component *const components[] = { &component, &channel_component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "prune-train",
  .version = "0.1.0",
  .summary = "Pruning that is guided by training",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (prune_train, plugin);
