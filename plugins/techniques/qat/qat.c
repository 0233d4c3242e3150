/* SPDX-License-Identifier: Apache-2.0 */
/* qat: a network learns what to do about its weights, and what flows between them, being of few values. It is a
 * lesson (adze/draft/lesson.h) whose network has nodes that send numbers to levels. */
#include "qat.h"

#include <adze/sdk.h>

/* ---- An instance is its parameters. */

/* While nothing is rounded yet steps follow what is seen anyway. */
static adze_status
check_observe (const adze_host *host, const adze_params *params)
{
  double observe = adze_param_float (host, params, "observe"), delay = adze_param_float (host, params, "delay");
  if (!adze_param_is_given (host, params, "observe") || delay == 0 || observe > delay)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_PARAM,
                    "parameter 'observe' is %g epochs, and plays no part: 'delay' is %g, and steps follow what is seen for "
                    "as long; leave it out, or say more than that",
                    observe, delay);
}

/* What plays no part was meant otherwise. */
static adze_status
check_used (const adze_host *host, const adze_params *params)
{
  bool flows = strcmp (adze_param_string (host, params, "activations"), "none") != 0;
  adze_status status = check_observe (host, params);
  if (status == ADZE_OK)
    status = adze_param_only_with (host, params, "ranges", "activations", "int8");
  if (status == ADZE_OK)
    status = adze_param_only_with (host, params, "calibration", "activations", "int8");
  if (status == ADZE_OK)
    status = adze_param_only_with (host, params, "percentile", "ranges", "percentile");
  if (status != ADZE_OK || flows || strcmp (adze_param_string (host, params, "form"), "integer") != 0)
    return status;
  return adze_fail (host, ADZE_E_PARAM,
                    "parameter 'form' is \"integer\", and 'activations' is \"none\": products of whole numbers need both; "
                    "leave it out, or set activations = \"int8\"");
}

/* What is to be over, or to begin, when all is over. */
static adze_status
check_times (const adze_host *host, const adze_params *params)
{
  static const char *const times[] = { "delay", "observe", "freeze-norm" };
  double epochs = (double)adze_param_int (host, params, "epochs");
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    double time = adze_param_float (host, params, times[i]);
    if (adze_param_is_given (host, params, times[i]) && (i == 1 ? time > epochs : time >= epochs))
      return adze_fail (host, ADZE_E_PARAM, "parameter '%s' is %g epochs, and there are %g in all; needed are fewer", times[i],
                        time, epochs);
  }
  return ADZE_OK;
}

static adze_status
create (const adze_host *host, const adze_params *params, void **instance)
{
  *instance = (void *)(uintptr_t)params;
  adze_status status = adze_lesson_check_params_but (host, params, "temperature");
  if (status == ADZE_OK)
    status = check_times (host, params);
  return status == ADZE_OK ? check_used (host, params) : status;
}

/* They are the host's. */
static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

/* ---- What is otherwise than in a plain lesson. */

static adze_status
network (void *argument, adze_lesson *lesson, uint32_t learns, adze_graph **graph)
{
  qat *q = (qat *)argument;
  q->graphs = lesson->graphs;
  adze_status status = lesson->run->graph (lesson->host, lesson->context, lesson->model, graph);
  if (status == ADZE_OK && !q->found) {
    q->found = true;
    status = qat_find_teacher (q);
    if (status == ADZE_OK)
      status = qat_find (q, *graph);
    if (status == ADZE_OK)
      status = qat_calibrate (q);
  }
  return status == ADZE_OK ? qat_fake (q, *graph, learns) : status;
}

/* Behind the data's inputs: those of the switches, and what a teacher says. */
static adze_status
add_loss (void *argument, adze_lesson *lesson, uint32_t scores, uint32_t *loss)
{
  qat *q = (qat *)argument;
  adze_status status = qat_end_switches (q, lesson->learner);
  return status == ADZE_OK ? qat_add_teacher (q, lesson->learner, scores, loss) : status;
}

static adze_status
more_inputs (void *argument, adze_lesson *lesson, uint64_t epoch, uint64_t number, const adze_view **views)
{
  qat *q = (qat *)argument;
  size_t count = qat_tell_switches (q, epoch, number, views);
  (void)lesson;
  return q->teacher.model ? qat_ask_teacher (q, epoch, number, &views[count]) : ADZE_OK;
}

static const qat_item *
item_named (const qat *q, const char *name)
{
  for (size_t i = 0; i < q->count; i++)
    if (q->items[i].weight && strcmp (q->items[i].name, name) == 0)
      return &q->items[i];
  return NULL;
}

static uint32_t
owner (void *argument, const adze_lesson *lesson, const char *weight)
{
  const qat *q = (const qat *)argument;
  (void)lesson;
  for (size_t i = 0; i < q->count; i++) {
    const qat_item *item = &q->items[i];
    if (strcmp (item->step_name, weight) == 0 || strcmp (item->seen_name, weight) == 0)
      return ADZE_LESSON_BESIDE;
    if (item->values && strcmp (item->book_name, weight) == 0)
      return ADZE_LESSON_INSTEAD;
  }
  return ADZE_LESSON_MODEL;
}

/* In the place of a weight that keeps its values these learn, and it is nothing to be told of. */
static void
drop_rules (const qat *q, adze_lesson *lesson)
{
  for (size_t i = 0; i < lesson->rule_count; i++) {
    adze_train_weight_rule *rule = &lesson->rules[i];
    const qat_item *item = item_named (q, rule->name);
    if (!item || !item->values)
      continue;
    q->host->release (q->host, (void *)(uintptr_t)rule->mask);
    rule->mask = NULL;
    rule->frozen = rule->no_decay = 0;
  }
}

static bool
is_frozen (const adze_lesson *lesson, const char *weight)
{
  for (size_t i = 0; i < lesson->rule_count; i++)
    if (strcmp (lesson->rules[i].name, weight) == 0)
      return lesson->rules[i].frozen;
  return false;
}

/* Weight decay would drive them to where they began; what is not to change is not rounded otherwise, either. */
static void
step_rule (const adze_lesson *lesson, const qat_item *item, adze_train_weight_rule *rule)
{
  rule->no_decay = 1;
  rule->frozen = item->weight && is_frozen (lesson, item->name);
}

/* Zeros need a level that is one. */
static adze_status
rules (void *argument, adze_lesson *lesson)
{
  const qat *q = (const qat *)argument;
  for (size_t i = 0; i < lesson->rule_count; i++) {
    adze_train_weight_rule *rule = &lesson->rules[i];
    const qat_item *item = item_named (q, rule->name);
    qat_follow_rule (q, rule);
    for (size_t k = 0; k < q->count; k++) {
      if (q->items[k].seen_next && strcmp (q->items[k].seen_name, rule->name) == 0)
        rule->next = q->items[k].seen_next;
      if (strcmp (q->items[k].step_name, rule->name) == 0)
        step_rule (lesson, &q->items[k], rule);
      bool book = q->items[k].values && strcmp (q->items[k].book_name, rule->name) == 0;
      adze_status status = book ? qat_book_rule (q, lesson, &q->items[k], rule) : ADZE_OK;
      if (status != ADZE_OK)
        return status;
    }
    if (item && rule->mask && item->grid.shift != 0)
      return adze_fail (q->host, ADZE_E_PARAM,
                        "parameter 'keep-zeros' has the weight '%s', and none of its levels is 0; zero = \"yes\" gives "
                        "all but \"binary\" such a level",
                        rule->name);
  }
  drop_rules (q, lesson);
  return ADZE_OK;
}

/* ---- At work. */

static adze_status
tell_items (const qat *q)
{
  adze_status status = ADZE_OK;
  size_t weights = 0;
  for (size_t i = 0; status == ADZE_OK && i < q->count; i++) {
    const qat_item *item = &q->items[i];
    weights += item->weight;
    const adze_field fields[] = {
      adze_lesson_text_field ("value", item->name),
      adze_lesson_text_field ("is", item->weight ? "weight" : "activation"),
      adze_lesson_count_field ("levels", (uint64_t)(item->grid.high - item->grid.low + 1)),
      adze_lesson_count_field ("steps", item->channels),
      adze_lesson_real_field ("first-step", (double)item->steps[0]),
    };
    status = adze_row (q->host, "levels", fields, sizeof fields / sizeof fields[0]);
  }
  if (status == ADZE_OK)
    status = adze_metric (q->host, "quantised-weights", (double)weights, NULL);
  return status == ADZE_OK ? adze_metric (q->host, "quantised-activations", (double)(q->count - weights), NULL) : status;
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  const adze_params *params = (const adze_params *)instance;
  qat q = { .host = host, .params = params, .learns_steps = adze_param_bool (host, params, "learn-steps") };
  adze_lesson lesson = { .host = host, .context = context, .params = params, .name = "qat",
                         .hooks = { .network = network, .add_loss = add_loss, .more_inputs = more_inputs, .rules = rules,
                                    .argument = &q },
                         .owner = owner };
  q.lesson = &lesson;
  qat_set_switches (&q);
  adze_status status = adze_lesson_teach (&lesson);
  if (status == ADZE_OK)
    status = qat_give (&q);
  if (status == ADZE_OK)
    status = tell_items (&q);
  if (status == ADZE_OK)
    status = adze_lesson_give_report (&lesson);
  qat_close_teacher (&q);
  adze_lesson_close (&lesson);
  qat_drop (&q);
  return status;
}

/* ---- The plugin. */

static const adze_port ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_IN, .required = 1,
    .help = "the network that is to learn, with the weights that it begins with" },
  { .name = "data", .type = "dataset", .direction = ADZE_PORT_IN, .required = 1,
    .help = "what it learns from" },
  { .name = "teacher", .type = "model", .direction = ADZE_PORT_IN,
    .help = "a network whose answers are learnt as well; inputs = { teacher = \"input.NAME\" }" },
  { .name = "validation", .type = "dataset", .direction = ADZE_PORT_IN,
    .help = "tells how good each epoch is; with it, the best one's weights are given" },
  { .name = "model", .type = "model", .direction = ADZE_PORT_OUT,
    .help = "the network with codes in the place of weights" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT,
    .help = "its epochs, and how they were come by" },
  { .name = NULL }
};

/* Zeros stay where 'keep-zeros' says so, and the host looks whether they did; claims.c says of which tensors few values
 * are none any more. */
static const char *const breaks[] = { ADZE_TRAIT_FROZEN, NULL };
static const char *const keeps[]
    = { ADZE_TRAIT_SPARSITY, "keep-zeros", ADZE_TRAIT_NM, "keep-zeros", ADZE_TRAIT_CODEBOOK, "keep-values", NULL };

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
  .keeps = keeps,
};

#define LEVELS "int8|int4|int3|int2|ternary|binary|none"

static const adze_param params[] = {
  { .name = "weights", .type = ADZE_PARAM_CHOICE, .preset = "int8", .choices = LEVELS,
    .help = "levels of the weights of MatMul, Gemm and Conv; none: they stay as they are" },
  { .name = "layers", .type = ADZE_PARAM_MAP, .item = ADZE_PARAM_CHOICE, .preset = "{}", .choices = LEVELS,
    .help = "other levels for weights whose names a pattern means: { \"fc3.*\" = \"int8\" }" },
  { .name = "per", .type = ADZE_PARAM_CHOICE, .preset = "channel", .choices = "channel|tensor",
    .help = "what has a step of its own: all that makes one channel of the result, or a whole weight" },
  { .name = "zero", .type = ADZE_PARAM_CHOICE, .preset = "auto", .choices = "auto|yes|no",
    .help = "is 0 a level of int4, int3 and int2; auto: of int2 it is not, of the others it is" },
  { .name = "learn-steps", .type = ADZE_PARAM_BOOL, .preset = "true",
    .help = "the distances between levels are learnt, too; false: they stay those that suit the first weights" },
  { .name = "keep-values", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "patterns of weights that have few values, and keep as few: what was clustered stays so" },
  { .name = "activations", .type = ADZE_PARAM_CHOICE, .preset = "none", .choices = "none|int8",
    .help = "levels of what flows into products with such weights" },
  { .name = "ranges", .type = ADZE_PARAM_CHOICE, .preset = "nearest", .choices = "nearest|percentile|most",
    .help = "how far the levels of what flows reach at first: by least squares, by share, or to the last number" },
  { .name = "percentile", .type = ADZE_PARAM_FLOAT, .preset = "99.99", .range = "(0, 100]", .unit = "%",
    .help = "share of the sizes that ranges = \"percentile\" reaches" },
  { .name = "calibration", .type = ADZE_PARAM_INT, .preset = "8", .range = "[1, 1000000]", .unit = "batches",
    .help = "of the data, from which ranges are told" },
  { .name = "delay", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, inf)", .unit = "epochs",
    .help = "in which nothing is rounded yet; 0.5 is half an epoch" },
  { .name = "observe", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, inf)", .unit = "epochs",
    .help = "in which steps follow what is seen of weights and of what flows; then they do so no more" },
  { .name = "freeze-norm", .type = ADZE_PARAM_FLOAT, .preset = "1e6", .range = "[0, 1e6]", .unit = "epochs",
    .help = "in which batch normalisations learn statistics; then these stay, and are what is computed with" },
  { .name = "teacher-share", .type = ADZE_PARAM_FLOAT, .preset = "0.5", .range = "(0, 1]",
    .help = "of the loss that is what the teacher says; the rest is what labels say" },
  { .name = "form", .type = ADZE_PARAM_CHOICE, .preset = "qdq", .choices = "qdq|integer",
    .help = "what is given: numbers made of codes in front of products, or products of the codes" },
  ADZE_LESSON_FIRST_PARAMS,
  { .name = "temperature", .type = ADZE_PARAM_FLOAT, .preset = "1", .range = "(0, inf)",
    .help = "divides scores in front of the softmax of a teacher, and of loss = \"kl\"" },
  ADZE_LESSON_OTHER_PARAMS,
  { .name = NULL }
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "qat",
  .summary = "Trains a network whose weights are of few values",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "qat",
  .version = "0.1.0",
  .summary = "Networks that learn with few values",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (qat, plugin);
