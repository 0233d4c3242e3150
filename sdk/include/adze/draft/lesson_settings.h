/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/lesson_settings.h: the parameters of a lesson: their table, those that say nothing to others, and what
 * becomes of them. All times are in epochs: what is right for a data set stays so when the batch changes. Tier:
 * draft. All inline: what is compiled in here belongs to the plugin.
 */
#ifndef ADZE_DRAFT_LESSON_SETTINGS_H
#define ADZE_DRAFT_LESSON_SETTINGS_H

#include <adze/draft/lesson_checkpoint.h>
#include <adze/draft/lesson_network.h>
#include <adze/draft/lesson_watch.h>

ADZE_BEGIN_DECLS

/* Rows of a table of parameters, those of ADZE_FEED_PARAMS among them: all of them, or in two parts for a technique
 * that has a temperature of its own in between. */
#define ADZE_LESSON_PARAMS \
  ADZE_LESSON_FIRST_PARAMS, \
  { .name = "temperature", .type = ADZE_PARAM_FLOAT, .preset = "1", .range = "(0, inf)", \
    .help = "divides scores in front of the softmax of kl" }, \
  ADZE_LESSON_OTHER_PARAMS

#define ADZE_LESSON_FIRST_PARAMS \
  { .name = "epochs", .type = ADZE_PARAM_INT, .preset = "3", .range = "[1, 1000000]", \
    .help = "how often all of the data is gone through" }, \
  { .name = "batch", .type = ADZE_PARAM_INT, .preset = "64", .range = "[1, 1048576]", \
    .unit = "examples", .help = "how many make a step; what is left of an epoch is a shorter one" }, \
  { .name = "loss", .type = ADZE_PARAM_CHOICE, .preset = "cross-entropy", \
    .choices = "cross-entropy|mse|bce|kl", \
    .help = "what is lowered: for one of several classes, numbers, yes or no, probabilities" }, \
  { .name = "label-smoothing", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 1)", \
    .help = "share of each example that is dealt out among all classes, of cross-entropy" }

#define ADZE_LESSON_OTHER_PARAMS \
  { .name = "optimiser", .type = ADZE_PARAM_CHOICE, .preset = "adam", \
    .choices = "sgd|momentum|nesterov|adam|adamw", .help = "how a gradient changes a weight" }, \
  { .name = "rate", .type = ADZE_PARAM_FLOAT, .preset = "0.001", .range = "(0, inf)", \
    .help = "the highest learning rate; 0.001 suits adam, sgd takes about 0.1" }, \
  { .name = "momentum", .type = ADZE_PARAM_FLOAT, .preset = "0.9", .range = "[0, 1)", \
    .help = "what is left of earlier steps, of momentum and nesterov" }, \
  { .name = "beta1", .type = ADZE_PARAM_FLOAT, .preset = "0.9", .range = "[0, 1)", \
    .help = "what is left of earlier gradients, of adam and adamw" }, \
  { .name = "beta2", .type = ADZE_PARAM_FLOAT, .preset = "0.999", .range = "[0, 1)", \
    .help = "what is left of their squares, of adam and adamw" }, \
  { .name = "epsilon", .type = ADZE_PARAM_FLOAT, .preset = "1e-8", .range = "(0, inf)", \
    .help = "is added to what adam and adamw divide by" }, \
  { .name = "decay", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, inf)", \
    .help = "weight decay: part of the gradient; with adamw apart from it, where 0.01 is usual" }, \
  { .name = "schedule", .type = ADZE_PARAM_CHOICE, .preset = "constant", \
    .choices = "constant|step|cosine|polynomial", .help = "how the rate falls" }, \
  { .name = "warm-up", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, inf)", \
    .unit = "epochs", .help = "in which the rate rises first; 0.5 is half an epoch" }, \
  { .name = "step-every", .type = ADZE_PARAM_FLOAT, .preset = "1", .range = "(0, inf)", \
    .unit = "epochs", .help = "between two falls of the schedule step" }, \
  { .name = "step-factor", .type = ADZE_PARAM_FLOAT, .preset = "0.1", .range = "[0, inf)", \
    .help = "by which the rate is multiplied then" }, \
  { .name = "least-rate", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, inf)", \
    .help = "where the schedules cosine and polynomial end" }, \
  { .name = "power", .type = ADZE_PARAM_FLOAT, .preset = "1", .range = "(0, inf)", \
    .help = "of the schedule polynomial; 1 is a straight line" }, \
  { .name = "clip", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, inf)", \
    .help = "gradients are shortened together to this length at most; 0: as they are" }, \
  { .name = "average", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, inf)", \
    .unit = "epochs", .help = "over which weights are averaged, and the average is given; 0: the last ones are" }, \
  { .name = "frozen", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]", \
    .help = "patterns of weights that do not change" }, \
  { .name = "no-decay", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]", \
    .help = "patterns of weights without weight decay" }, \
  { .name = "keep-zeros", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]", \
    .help = "patterns of weights whose zeros stay zeros: what was pruned stays so" }, \
  { .name = "watch", .type = ADZE_PARAM_CHOICE, .preset = "loss", .choices = "loss|accuracy", \
    .help = "what of the data for validation says which epoch is the best" }, \
  { .name = "patience", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, 1000000]", \
    .unit = "epochs", .help = "it stops after so many without a better one; 0: never" }, \
  { .name = "least-gain", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, inf)", \
    .help = "how much better an epoch must be for patience to begin anew" }, \
  { .name = "checkpoint", .type = ADZE_PARAM_INT, .preset = "1", .range = "[0, 1000000]", \
    .unit = "epochs", .help = "after so many there is one that a killed run goes on from; 0: none" }, \
  { .name = "checkpoint-steps", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, inf)", \
    .unit = "steps", .help = "and after so many of these; 0: none" }, \
  ADZE_FEED_PARAMS

static inline bool
adze_lesson_is_among (const char *word, const char *words)
{
  size_t size = strlen (word);
  for (const char *at = words; *at; at += strcspn (at, "|"), at += *at == '|')
    if (strncmp (at, word, size) == 0 && (at[size] == '|' || !at[size]))
      return true;
  return false;
}

/* What somebody set, and what then plays no part, was meant otherwise. OWN: a parameter that the technique has
 * another use for; NULL: there is none. */
static inline adze_status
adze_lesson_check_used_but (const adze_host *host, const adze_params *params, const char *own)
{
  static const struct {
    const char *name, *chooser, *choices;
    double preset;
  } uses[] = {
    { "label-smoothing", "loss", "cross-entropy", 0 },
    { "temperature", "loss", "kl", 1 },
    { "momentum", "optimiser", "momentum|nesterov", 0.9 },
    { "beta1", "optimiser", "adam|adamw", 0.9 },
    { "beta2", "optimiser", "adam|adamw", 0.999 },
    { "epsilon", "optimiser", "adam|adamw", 1e-8 },
    { "step-every", "schedule", "step", 1 },
    { "step-factor", "schedule", "step", 0.1 },
    { "least-rate", "schedule", "cosine|polynomial", 0 },
    { "power", "schedule", "polynomial", 1 },
  };
  for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
    if (own && strcmp (uses[i].name, own) == 0)
      continue;
    double value = adze_param_float (host, params, uses[i].name);
    const char *chosen = adze_param_string (host, params, uses[i].chooser);
    if (value != uses[i].preset && !adze_lesson_is_among (chosen, uses[i].choices))
      return adze_fail (host, ADZE_E_PARAM,
                        "parameter '%s' is %g, and says nothing to %s = \"%s\": it is of \"%s\"; "
                        "leave it out, or choose that",
                        uses[i].name, value, uses[i].chooser, chosen, uses[i].choices);
  }
  return ADZE_OK;
}

/* As above, where the other one is a number, and is 0; and what asks for more than all of it is idle beyond that. */
static inline adze_status
adze_lesson_check_idle (const adze_host *host, const adze_params *params)
{
  const adze_params_service *service = adze_params_of (host);
  double gain = adze_param_float (host, params, "least-gain"), average = adze_param_float (host, params, "average");
  long long epochs = (long long)adze_param_int (host, params, "epochs");
  if (gain > 0 && adze_param_int (host, params, "patience") == 0)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'least-gain' is %g, and plays no part: 'patience' is 0, and it never stops early; "
                      "leave it out, or say after how many epochs without such a gain it is to stop",
                      gain);
  if (service->count (service->get_nested (params, "no-decay")) > 0 && adze_param_float (host, params, "decay") == 0)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'no-decay' plays no part: 'decay' is 0, and no weight has any; leave it out, or give "
                      "'decay' a number");
  if (average > (double)epochs)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'average' is %g epochs, and there are %lld in all, of which it would be the mean; "
                      "needed are as many at most",
                      average, epochs);
  return ADZE_OK;
}

static inline adze_status
adze_lesson_check_params_but (const adze_host *host, const adze_params *params, const char *own)
{
  adze_status status = adze_lesson_check_used_but (host, params, own);
  if (status == ADZE_OK)
    status = adze_lesson_check_idle (host, params);
  bool classes = strcmp (adze_param_string (host, params, "loss"), "cross-entropy") == 0;
  if (status != ADZE_OK)
    return status;
  if (!classes && strcmp (adze_param_string (host, params, "watch"), "accuracy") == 0)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'watch': there is an accuracy with loss = \"cross-entropy\" alone");
  if (adze_param_float (host, params, "warm-up") >= (double)adze_param_int (host, params, "epochs"))
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'warm-up' is %g epochs, and there are %lld in all; needed are fewer",
                      adze_param_float (host, params, "warm-up"),
                      (long long)adze_param_int (host, params, "epochs"));
  if (adze_param_float (host, params, "least-rate") > adze_param_float (host, params, "rate"))
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'least-rate' is %g, above the rate of %g that it falls from",
                      adze_param_float (host, params, "least-rate"),
                      adze_param_float (host, params, "rate"));
  return ADZE_OK;
}

static inline adze_status
adze_lesson_check_params (const adze_host *host, const adze_params *params)
{
  return adze_lesson_check_params_but (host, params, NULL);
}

/* ---- What adze.train/1 is told. */

static inline uint32_t
adze_lesson_number_of (const adze_lesson *t, const char *param, const char *words)
{
  const char *chosen = adze_param_string (t->host, t->params, param);
  size_t size = strlen (chosen);
  uint32_t number = 1;
  for (const char *at = words; strncmp (at, chosen, size) != 0 || (at[size] && at[size] != '|');
       at += strcspn (at, "|") + 1)
    number++;
  return number;
}

static inline double
adze_lesson_real (const adze_lesson *t, const char *param)
{
  return adze_param_float (t->host, t->params, param);
}

/* Epochs as steps: at least one, unless there are to be none. */
static inline uint64_t
adze_lesson_steps_of (const adze_lesson *t, double epochs)
{
  double steps = floor (epochs * (double)t->feed.batches + 0.5);
  return epochs == 0 ? 0 : steps < 1 ? 1 : steps > 9e15 ? UINT64_C (9000000000000000)
                                                        : (uint64_t)steps;
}

static inline adze_status
adze_lesson_after_step (void *argument, const adze_train_progress_info *p)
{
  const double often = 0.1; /* seconds: each is an event, and steps may be short */
  adze_lesson *t = (adze_lesson *)argument;
  double now = adze_lesson_now ();
  t->examples += t->feed.count; /* of the batch that was read last */
  if (!t->facts.backend[0]) {
    adze_status status = adze_lesson_take_facts (t);
    if (status != ADZE_OK)
      return status;
  }
  if (t->save_steps && p->step % t->save_steps == 0) {
    adze_status status = adze_lesson_save (t);
    if (status != ADZE_OK)
      return status;
  }
  if (t->hooks.after_step) {
    adze_status status = t->hooks.after_step (t->hooks.argument, t, p);
    if (status != ADZE_OK)
      return status;
  }
  if (now - t->told < often && p->step < t->total)
    return ADZE_OK;
  t->told = now;
  if (t->run->progress (t->host, t->context, p->step, t->total))
    return ADZE_OK;
  adze_lesson_save (t); /* so that nothing is done twice; that somebody asked to stop counts more */
  return ADZE_E_CANCELLED;
}

static inline adze_status
adze_lesson_after_epoch (void *argument, const adze_train_progress_info *p)
{
  adze_lesson *t = (adze_lesson *)argument;
  bool watched = t->validation != NULL;
  adze_lesson_epoch epoch;
  epoch.steps = p->step;
  epoch.loss = p->mean;
  epoch.rate = p->rate;
  epoch.score = watched ? t->watched_loss : NAN;
  epoch.accuracy = watched ? t->accuracy : NAN;
  adze_status status = adze_lesson_remember (t, &epoch);
  if (status == ADZE_OK)
    status = adze_lesson_tell_epoch (t, t->history_count - 1);
  bool due = t->save_epochs && (p->epoch % t->save_epochs == 0 || p->epoch == t->epochs);
  return status == ADZE_OK && due ? adze_lesson_save (t) : status;
}

static inline void
adze_lesson_set_schedule (const adze_lesson *t, adze_train_settings *s)
{
  s->schedule = adze_lesson_number_of (t, "schedule", "constant|step|cosine|polynomial");
  s->rate = adze_lesson_real (t, "rate");
  s->warm_up = adze_lesson_steps_of (t, adze_lesson_real (t, "warm-up"));
  s->every = adze_lesson_steps_of (t, adze_lesson_real (t, "step-every"));
  s->factor = adze_lesson_real (t, "step-factor");
  s->total = t->total;
  s->least = adze_lesson_real (t, "least-rate");
  s->power = adze_lesson_real (t, "power");
}

/* Every epoch has the same examples, in another order perhaps. */
static inline adze_status
adze_lesson_open_with_looks (adze_lesson *t, adze_train_settings *s)
{
  /* What a hook gives is looked at always, which is 0. */
  uint8_t *looks = (uint8_t *)t->host->allocate (t->host, t->input_count + 1);
  s->looks = looks;
  if (!looks)
    return adze_fail (t->host, ADZE_E_MEMORY, "no room for what is said of %zu inputs", t->input_count);
  for (size_t i = 0; i < t->feed.input_count; i++) {
    bool target = t->feed.inputs[i] == &t->feed.target->view;
    const adze_feed_slot *slot = target ? t->feed.target : &t->feed.slots[i];
    looks[i] = slot->sound ? ADZE_LOOKS_NEVER : ADZE_LOOKS_FIRST_EPOCH;
  }
  adze_status status = t->train->open (t->host, t->context, t->learner, t->loss, s, &t->training);
  t->host->release (t->host, looks);
  return status;
}

/* What is of the data for validation, where there is none. */
static inline adze_status
adze_lesson_check_watch (const adze_lesson *t)
{
  long long patience = (long long)adze_param_int (t->host, t->params, "patience");
  if (t->validation)
    return ADZE_OK;
  if (patience > 0)
    return adze_fail (t->host, ADZE_E_PARAM,
                      "parameter 'patience' is %lld, and nothing says how good an epoch is; needed "
                      "is validation = \"NAME\", with data that is not trained with",
                      patience);
  if (adze_param_is_given (t->host, t->params, "watch"))
    return adze_fail (t->host, ADZE_E_PARAM,
                      "parameter 'watch' is \"%s\", and plays no part: there is no data that it could be watched with; "
                      "leave it out, or say validation = \"NAME\", with data that is not trained with",
                      adze_param_string (t->host, t->params, "watch"));
  return ADZE_OK;
}

static inline adze_status
adze_lesson_open (adze_lesson *t)
{
  adze_train_settings s;
  memset (&s, 0, sizeof s);
  s.struct_size = sizeof s;
  s.rule_size = sizeof (adze_train_weight_rule);
  if (t->epochs == 0)
    t->epochs = (uint64_t)adze_param_int (t->host, t->params, "epochs");
  t->total = t->epochs * t->feed.batches;
  t->save_steps = (uint64_t)adze_param_int (t->host, t->params, "checkpoint-steps");
  t->save_epochs = (uint64_t)adze_param_int (t->host, t->params, "checkpoint");
  s.optimiser = adze_lesson_number_of (t, "optimiser", "sgd|momentum|nesterov|adam|adamw");
  s.momentum = adze_lesson_real (t, "momentum");
  s.beta1 = adze_lesson_real (t, "beta1");
  s.beta2 = adze_lesson_real (t, "beta2");
  s.epsilon = adze_lesson_real (t, "epsilon");
  s.decay = adze_lesson_real (t, "decay");
  adze_lesson_set_schedule (t, &s);
  s.clip = adze_lesson_real (t, "clip");
  s.average = adze_lesson_steps_of (t, adze_lesson_real (t, "average"));
  s.rules = t->rules;
  s.rule_count = t->rule_count;
  s.epochs = t->epochs;
  s.patience = (uint64_t)adze_param_int (t->host, t->params, "patience");
  s.least_gain = adze_lesson_real (t, "least-gain");
  s.batch = adze_lesson_batch;
  s.validate = t->validation ? adze_lesson_validate : NULL;
  s.after_step = adze_lesson_after_step;
  s.after_epoch = adze_lesson_after_epoch;
  s.argument = t;
  adze_status status = adze_lesson_check_watch (t);
  if (status != ADZE_OK)
    return status;
  if (s.average == 1)
    return adze_fail (t->host, ADZE_E_PARAM,
                      "parameter 'average' is %g epochs, which is one step, and that of one is what it is; needed is "
                      "more, or 0",
                      adze_lesson_real (t, "average"));
  return adze_lesson_open_with_looks (t, &s);
}

ADZE_END_DECLS

#endif
