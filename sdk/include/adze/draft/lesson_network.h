/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/lesson_network.h: the network twice over: as it learns, and as it is watched while it does; and which of
 * its weights are not to be trained like the others. Tier: draft. All inline: what is compiled in here belongs to the
 * plugin.
 */
#ifndef ADZE_DRAFT_LESSON_NETWORK_H
#define ADZE_DRAFT_LESSON_NETWORK_H

#include <adze/draft/lesson_base.h>
#include <adze/draft/match.h>

ADZE_BEGIN_DECLS

/* No model calls a value so. */
#define ADZE_LESSON_TARGET "%target"

/* ---- Loss. */

static inline uint32_t
adze_lesson_loss_kind (const adze_lesson *t)
{
  const char *name = adze_param_string (t->host, t->params, "loss");
  return strcmp (name, "mse") == 0   ? ADZE_TRAIN_SQUARES
         : strcmp (name, "bce") == 0 ? ADZE_TRAIN_BINARY
         : strcmp (name, "kl") == 0  ? ADZE_TRAIN_DIVERGENCE
                                     : ADZE_TRAIN_CROSS_ENTROPY;
}

/* What is in front of a softmax or a sigmoid, where the loss has one of its own. */
static inline adze_status
adze_lesson_find_scores (const adze_lesson *t, adze_graph *graph, uint32_t *scores)
{
  uint32_t kind = adze_lesson_loss_kind (t), output = ADZE_NONE;
  adze_status status = adze_feed_output (t->host, t->params, graph, &output);
  *scores = output;
  if (status == ADZE_OK && kind != ADZE_TRAIN_SQUARES)
    *scores = adze_feed_scores (t->host, graph, output, kind == ADZE_TRAIN_BINARY);
  return status;
}

/* Smoothing is how labels are shown while it learns: where it is watched, they are what they are. */
static inline adze_status
adze_lesson_add_loss (const adze_lesson *t, adze_graph *graph, bool learns, uint32_t *scores, uint32_t *target,
          uint32_t *loss)
{
  uint32_t kind = adze_lesson_loss_kind (t);
  double amount = kind == ADZE_TRAIN_DIVERGENCE
                      ? adze_param_float (t->host, t->params, "temperature")
                  : kind == ADZE_TRAIN_CROSS_ENTROPY && learns
                      ? adze_param_float (t->host, t->params, "label-smoothing")
                      : 0;
  adze_status status = adze_lesson_find_scores (t, graph, scores);
  if (status == ADZE_OK)
    status = t->train->add_target (t->host, graph, *scores, t->classes, ADZE_LESSON_TARGET, target);
  if (status == ADZE_OK)
    status = t->train->add_loss (t->host, graph, kind, *scores, *target, amount, loss);
  return status;
}

/* ---- Rules for weights. */

static inline bool
adze_lesson_is_weight (const adze_lesson *t, uint32_t number)
{
  return t->graphs->value (t->learner, number)->role == ADZE_ROLE_WEIGHT;
}

static inline size_t
adze_lesson_count_weights (const adze_lesson *t)
{
  size_t count = 0;
  for (uint32_t i = 0; i < t->graphs->value_count (t->learner); i++)
    count += adze_lesson_is_weight (t, i);
  return count;
}

static inline adze_status
adze_lesson_set_mask (const adze_lesson *t, uint32_t number, adze_train_weight_rule *rule)
{
  const adze_graph_value *value = t->graphs->value (t->learner, number);
  size_t count = 1, each = value->dtype.bits / 8u;
  for (int32_t i = 0; i < value->rank; i++)
    count *= (size_t)value->shape[i];
  if (!adze_dtype_is_float (value->dtype) || !value->data)
    return adze_fail (t->host, ADZE_E_UNSUPPORTED,
                      "parameter 'keep-zeros': the weight '%s' is no float, and does not train",
                      value->name);
  uint8_t *mask = (uint8_t *)t->host->allocate (t->host, count + 1);
  rule->mask = mask;
  if (!mask)
    return adze_fail (t->host, ADZE_E_MEMORY, "no room for the zeros of '%s'", value->name);
  for (size_t first = 0, size; first < count; first += size) {
    double block[256];
    size = count - first < 256 ? count - first : 256;
    adze_doubles_read (value->dtype, (const char *)value->data + first * each, size, block);
    for (size_t i = 0; i < size; i++)
      mask[first + i] = block[i] != 0;
  }
  return ADZE_OK;
}

static inline adze_status
adze_lesson_no_weight (const adze_lesson *t, const char *param, const char *pattern)
{
  char names[300] = "";
  size_t used = 0;
  for (uint32_t i = 0; i < t->graphs->value_count (t->learner) && used + 1 < sizeof names; i++)
    if (adze_lesson_is_weight (t, i)
        && adze_lesson_owner_of (t, t->graphs->value (t->learner, i)->name) == ADZE_LESSON_MODEL)
      used += (size_t)snprintf (names + used, sizeof names - used, "%s%s", used ? ", " : "",
                                t->graphs->value (t->learner, i)->name);
  return adze_fail (t->host, ADZE_E_NOT_FOUND,
                    "parameter '%s': \"%s\" is none of the network's weights; these are %s%s", param,
                    pattern, names, used + 1 < sizeof names ? "" : " ...");
}

/* Of batch normalisation, which does not train: it is told. */
static inline bool
adze_lesson_is_statistic (const adze_lesson *t, uint32_t number)
{
  for (uint32_t n = 0; n < t->graphs->node_count (t->learner); n++) {
    const adze_graph_node *node = t->graphs->node (t->learner, n);
    if (node && strcmp (node->op, "BatchNormalization") == 0 && node->input_count > 4
        && (node->inputs[3] == number || node->inputs[4] == number))
      return true;
  }
  return false;
}

/* All weights that a pattern of PARAM means; a pattern that means none is mostly misspelt. "*" means statistics as
 * well, which have no zeros that could go. */
static inline adze_status
adze_lesson_apply_patterns (adze_lesson *t, const char *param)
{
  const adze_params_service *service = adze_params_of (t->host);
  const adze_params *list = service->get_nested (t->params, param);
  const bool zeros = strcmp (param, "keep-zeros") == 0;
  for (size_t p = 0; p < service->count (list); p++) {
    const char *pattern = service->get_string (list, service->name_at (list, p));
    size_t met = 0, rule = 0;
    for (uint32_t i = 0; i < t->graphs->value_count (t->learner); i++) {
      if (!adze_lesson_is_weight (t, i))
        continue;
      adze_train_weight_rule *own = &t->rules[rule++];
      bool matches = false;
      if (adze_lesson_owner_of (t, own->name) != ADZE_LESSON_MODEL)
        continue;
      adze_status status = adze_match (t->host, pattern, own->name, &matches);
      if (status != ADZE_OK)
        return adze_fail (t->host, status, "parameter '%s' has the pattern '%s'", param, pattern);
      if (!matches)
        continue;
      met++;
      if (zeros && adze_lesson_is_statistic (t, i))
        continue;
      own->frozen |= strcmp (param, "frozen") == 0;
      own->no_decay |= strcmp (param, "no-decay") == 0;
      if (zeros && !own->mask)
        status = adze_lesson_set_mask (t, i, own);
      if (status != ADZE_OK)
        return status;
    }
    if (met == 0)
      return adze_lesson_no_weight (t, param, pattern);
  }
  return ADZE_OK;
}

/* One rule a weight, so that each is said once. */
static inline adze_status
adze_lesson_make_rules (adze_lesson *t)
{
  static const char *const params[] = { "frozen", "no-decay", "keep-zeros" };
  adze_status status = ADZE_OK;
  size_t count = adze_lesson_count_weights (t), at = 0;
  t->rules = (adze_train_weight_rule *)t->host->allocate (t->host, (count + 1) * sizeof *t->rules);
  if (!t->rules)
    return adze_fail (t->host, ADZE_E_MEMORY, "no room for what is said of %zu weights", count);
  for (uint32_t i = 0; i < t->graphs->value_count (t->learner); i++)
    if (adze_lesson_is_weight (t, i))
      t->rules[at++].name = t->graphs->value (t->learner, i)->name;
  t->rule_count = count;
  for (size_t i = 0; status == ADZE_OK && i < sizeof params / sizeof params[0]; i++)
    status = adze_lesson_apply_patterns (t, params[i]);
  return status == ADZE_OK && t->hooks.rules ? t->hooks.rules (t->hooks.argument, t) : status;
}

static inline void
adze_lesson_drop_rules (adze_lesson *t)
{
  for (size_t i = 0; i < t->rule_count; i++)
    t->host->release (t->host, (void *)(uintptr_t)t->rules[i].mask);
  t->host->release (t->host, t->rules);
  t->rules = NULL;
  t->rule_count = 0;
}

/* ---- The graphs. */

static inline adze_status
adze_lesson_network (adze_lesson *t, uint32_t learns, adze_graph **graph)
{
  return t->hooks.network ? t->hooks.network (t->hooks.argument, t, learns, graph)
                          : t->run->graph (t->host, t->context, t->model, graph);
}

static inline adze_status
adze_lesson_add_output (const adze_lesson *t, uint32_t value, size_t *place)
{
  size_t count = 0;
  const uint32_t *outputs = t->graphs->outputs (t->watched, &count);
  for (*place = 0; *place < count && outputs[*place] != value; ++*place)
    continue;
  return *place < count ? ADZE_OK : t->graphs->add_output (t->host, t->watched, value);
}

static inline adze_status
adze_lesson_make_watched (adze_lesson *t)
{
  uint32_t loss = ADZE_NONE;
  adze_status status = adze_lesson_network (t, 0, &t->watched);
  if (status == ADZE_OK)
    status = adze_lesson_add_loss (t, t->watched, false, &t->scores, &t->target, &loss);
  if (status == ADZE_OK)
    status = adze_lesson_add_output (t, t->scores, &t->scores_output);
  if (status == ADZE_OK)
    status = adze_lesson_add_output (t, loss, &t->loss_output);
  return status == ADZE_OK ? t->graphs->verify (t->host, t->watched) : status;
}

static inline adze_status
adze_lesson_feed_with (adze_lesson *t, adze_artifact *data, adze_graph *graph, uint32_t scores, uint32_t target,
           adze_feed *feed)
{
  adze_feed_wish wish;
  memset (&wish, 0, sizeof wish);
  wish.params = t->params;
  wish.graph = graph;
  wish.output = scores;
  wish.classes = t->classes;
  wish.target_input = target;
  wish.batch = (uint32_t)adze_param_int (t->host, t->params, "batch");
  return adze_feed_open (t->host, data, &wish, feed);
}

/* Views of all inputs of what learns: those of the data, and behind them those that a hook has added. */
static inline adze_status
adze_lesson_make_inputs (adze_lesson *t)
{
  t->graphs->inputs (t->learner, &t->input_count);
  t->inputs = (const adze_view **)t->host->allocate (t->host, (t->input_count + 1) * sizeof *t->inputs);
  if (!t->inputs)
    return adze_fail (t->host, ADZE_E_MEMORY, "no room for %zu inputs", t->input_count);
  for (size_t i = 0; i < t->feed.input_count; i++)
    t->inputs[i] = t->feed.inputs[i];
  return ADZE_OK;
}

/* Room in the feed for inputs of what is watched that no data is for. */
static inline adze_status
adze_lesson_widen_watched (adze_lesson *t)
{
  size_t count = 0, own = t->watch_feed.input_count;
  t->graphs->inputs (t->watched, &count);
  const adze_view **inputs = (const adze_view **)t->host->allocate (t->host, (count + 1) * sizeof *inputs);
  const int64_t **shapes = (const int64_t **)t->host->allocate (t->host, (count + 1) * sizeof *shapes);
  adze_status status = inputs && shapes ? ADZE_OK
                                        : adze_fail (t->host, ADZE_E_MEMORY, "no room for %zu inputs", count);
  for (size_t i = 0; status == ADZE_OK && i < own; i++) {
    inputs[i] = t->watch_feed.inputs[i];
    shapes[i] = t->watch_feed.shapes[i];
  }
  if (status == ADZE_OK)
    status = t->hooks.watched_inputs (t->hooks.argument, t, inputs + own);
  for (size_t i = own; status == ADZE_OK && i < count; i++)
    shapes[i] = inputs[i]->shape;
  t->host->release (t->host, (void *)(status == ADZE_OK ? t->watch_feed.inputs : inputs));
  t->host->release (t->host, (void *)(status == ADZE_OK ? t->watch_feed.shapes : shapes));
  if (status != ADZE_OK)
    return status;
  t->watch_feed.inputs = inputs;
  t->watch_feed.shapes = shapes;
  return ADZE_OK;
}

/* In front of inputs that are not the data's, it is known which column goes where. */
static inline adze_status
adze_lesson_open_watch (adze_lesson *t)
{
  adze_status status = adze_lesson_make_watched (t);
  if (status == ADZE_OK)
    status = adze_lesson_feed_with (t, t->validation, t->watched, t->scores, t->target, &t->watch_feed);
  if (status != ADZE_OK || !t->hooks.add_watched)
    return status;
  status = t->hooks.add_watched (t->hooks.argument, t);
  if (status == ADZE_OK)
    status = t->graphs->verify (t->host, t->watched);
  return status == ADZE_OK ? adze_lesson_widen_watched (t) : status;
}

static inline adze_status
adze_lesson_make_graphs (adze_lesson *t)
{
  uint32_t scores = ADZE_NONE, target = ADZE_NONE;
  t->classes = adze_lesson_loss_kind (t) == ADZE_TRAIN_CROSS_ENTROPY;
  adze_status status = adze_lesson_network (t, 1, &t->learner);
  if (status == ADZE_OK)
    status = t->train->set_training (t->host, t->learner);
  if (status == ADZE_OK)
    status = adze_lesson_add_loss (t, t->learner, true, &scores, &target, &t->loss);
  /* In front of inputs that are not the data's. */
  if (status == ADZE_OK)
    status = adze_lesson_feed_with (t, t->data, t->learner, scores, target, &t->feed);
  if (status == ADZE_OK && t->hooks.add_loss)
    status = t->hooks.add_loss (t->hooks.argument, t, scores, &t->loss);
  if (status == ADZE_OK)
    status = t->graphs->verify (t->host, t->learner);
  if (status == ADZE_OK)
    status = adze_lesson_make_rules (t);
  if (status == ADZE_OK)
    status = adze_lesson_make_inputs (t);
  return status == ADZE_OK && t->validation ? adze_lesson_open_watch (t) : status;
}

ADZE_END_DECLS

#endif
