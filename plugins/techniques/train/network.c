/* SPDX-License-Identifier: Apache-2.0 */
/* The network twice over: as it learns, and as it is watched while it does. And which of its weights
 * are not to be trained like the others. */
#include <fnmatch.h>
#include <string.h>

#include "train.h"

/* No model calls a value so. */
#define TARGET "%target"

/* ---- Loss. */

static uint32_t
loss_kind (const train_run *t)
{
  static const struct {
    const char *name;
    uint32_t kind;
  } kinds[] = {
    { "mse", ADZE_TRAIN_SQUARES },
    { "bce", ADZE_TRAIN_BINARY },
    { "kl", ADZE_TRAIN_DIVERGENCE },
  };
  const char *name = adze_param_string (t->host, t->params, "loss");
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (strcmp (name, kinds[i].name) == 0)
      return kinds[i].kind;
  return ADZE_TRAIN_CROSS_ENTROPY;
}

/* What is in front of a softmax or a sigmoid, where the loss has one of its own. */
static adze_status
find_scores (const train_run *t, adze_graph *graph, uint32_t *scores)
{
  uint32_t kind = loss_kind (t), output = ADZE_NONE;
  adze_status status = adze_feed_output (t->host, t->params, graph, &output);
  *scores = output;
  if (status == ADZE_OK && kind != ADZE_TRAIN_SQUARES)
    *scores = adze_feed_scores (t->host, graph, output, kind == ADZE_TRAIN_BINARY);
  return status;
}

/* Smoothing is how labels are shown while it learns: where it is watched, they are what they are. */
static adze_status
add_loss (const train_run *t, adze_graph *graph, bool learns, uint32_t *scores, uint32_t *target,
          uint32_t *loss)
{
  uint32_t kind = loss_kind (t);
  double amount = kind == ADZE_TRAIN_DIVERGENCE
                      ? adze_param_float (t->host, t->params, "temperature")
                  : kind == ADZE_TRAIN_CROSS_ENTROPY && learns
                      ? adze_param_float (t->host, t->params, "label-smoothing")
                      : 0;
  adze_status status = find_scores (t, graph, scores);
  if (status == ADZE_OK)
    status = t->train->add_target (t->host, graph, *scores, t->classes, TARGET, target);
  if (status == ADZE_OK)
    status = t->train->add_loss (t->host, graph, kind, *scores, *target, amount, loss);
  return status;
}

/* ---- Rules for weights. */

static bool
is_weight (const train_run *t, uint32_t number)
{
  return t->graphs->value (t->learner, number)->role == ADZE_ROLE_WEIGHT;
}

static size_t
count_weights (const train_run *t)
{
  size_t count = 0;
  for (uint32_t i = 0; i < t->graphs->value_count (t->learner); i++)
    count += is_weight (t, i);
  return count;
}

static adze_status
set_mask (const train_run *t, uint32_t number, adze_train_weight_rule *rule)
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

static adze_status
no_weight (const train_run *t, const char *param, const char *pattern)
{
  char names[300] = "";
  size_t used = 0;
  for (uint32_t i = 0; i < t->graphs->value_count (t->learner) && used + 1 < sizeof names; i++)
    if (is_weight (t, i))
      used += (size_t)snprintf (names + used, sizeof names - used, "%s%s", used ? ", " : "",
                                t->graphs->value (t->learner, i)->name);
  return adze_fail (t->host, ADZE_E_NOT_FOUND,
                    "parameter '%s': \"%s\" is none of the network's weights; these are %s%s", param,
                    pattern, names, used + 1 < sizeof names ? "" : " ...");
}

/* All weights that a pattern of PARAM means; a pattern that means none is mostly misspelt. */
static adze_status
apply_patterns (train_run *t, const char *param)
{
  const adze_params_service *service = adze_params_of (t->host);
  const adze_params *list = service->get_nested (t->params, param);
  for (size_t p = 0; p < service->count (list); p++) {
    const char *pattern = service->get_string (list, service->name_at (list, p));
    size_t met = 0, rule = 0;
    adze_status status = ADZE_OK;
    for (uint32_t i = 0; i < t->graphs->value_count (t->learner); i++) {
      if (!is_weight (t, i))
        continue;
      adze_train_weight_rule *own = &t->rules[rule++];
      if (fnmatch (pattern, own->name, 0) != 0)
        continue;
      met++;
      own->frozen |= strcmp (param, "frozen") == 0;
      own->no_decay |= strcmp (param, "no-decay") == 0;
      if (strcmp (param, "keep-zeros") == 0 && !own->mask)
        status = set_mask (t, i, own);
      if (status != ADZE_OK)
        return status;
    }
    if (met == 0)
      return no_weight (t, param, pattern);
  }
  return ADZE_OK;
}

/* One rule a weight, so that each is said once. */
static adze_status
make_rules (train_run *t)
{
  static const char *const params[] = { "frozen", "no-decay", "keep-zeros" };
  adze_status status = ADZE_OK;
  size_t count = count_weights (t), at = 0;
  t->rules = (adze_train_weight_rule *)t->host->allocate (t->host, (count + 1) * sizeof *t->rules);
  if (!t->rules)
    return adze_fail (t->host, ADZE_E_MEMORY, "no room for what is said of %zu weights", count);
  for (uint32_t i = 0; i < t->graphs->value_count (t->learner); i++)
    if (is_weight (t, i))
      t->rules[at++].name = t->graphs->value (t->learner, i)->name;
  t->rule_count = count;
  for (size_t i = 0; status == ADZE_OK && i < sizeof params / sizeof params[0]; i++)
    status = apply_patterns (t, params[i]);
  return status;
}

void
train_drop_rules (train_run *t)
{
  for (size_t i = 0; i < t->rule_count; i++)
    t->host->release (t->host, (void *)(uintptr_t)t->rules[i].mask);
  t->host->release (t->host, t->rules);
  t->rules = NULL;
  t->rule_count = 0;
}

/* ---- The graphs. */

static adze_status
add_output (const train_run *t, uint32_t value, size_t *place)
{
  size_t count = 0;
  const uint32_t *outputs = t->graphs->outputs (t->watched, &count);
  for (*place = 0; *place < count && outputs[*place] != value; ++*place)
    continue;
  return *place < count ? ADZE_OK : t->graphs->add_output (t->host, t->watched, value);
}

static adze_status
make_watched (train_run *t)
{
  uint32_t loss = ADZE_NONE;
  adze_status status = t->run->graph (t->host, t->context, t->model, &t->watched);
  if (status == ADZE_OK)
    status = add_loss (t, t->watched, false, &t->scores, &t->target, &loss);
  if (status == ADZE_OK)
    status = add_output (t, t->scores, &t->scores_output);
  if (status == ADZE_OK)
    status = add_output (t, loss, &t->loss_output);
  return status == ADZE_OK ? t->graphs->verify (t->host, t->watched) : status;
}

static adze_status
feed_with (train_run *t, adze_artifact *data, adze_graph *graph, uint32_t scores, uint32_t target,
           adze_feed *feed)
{
  const adze_feed_wish wish = { .params = t->params,
                                .graph = graph,
                                .output = scores,
                                .classes = t->classes,
                                .target_input = target,
                                .batch
                                = (uint32_t)adze_param_int (t->host, t->params, "batch") };
  return adze_feed_open (t->host, data, &wish, feed);
}

adze_status
train_make_graphs (train_run *t)
{
  uint32_t scores = ADZE_NONE, target = ADZE_NONE;
  t->classes = loss_kind (t) == ADZE_TRAIN_CROSS_ENTROPY;
  adze_status status = t->run->graph (t->host, t->context, t->model, &t->learner);
  if (status == ADZE_OK)
    status = t->train->set_training (t->host, t->learner);
  if (status == ADZE_OK)
    status = add_loss (t, t->learner, true, &scores, &target, &t->loss);
  if (status == ADZE_OK)
    status = t->graphs->verify (t->host, t->learner);
  if (status == ADZE_OK)
    status = make_rules (t);
  if (status == ADZE_OK)
    status = feed_with (t, t->data, t->learner, scores, target, &t->feed);
  if (status != ADZE_OK || !t->validation)
    return status;
  status = make_watched (t);
  return status == ADZE_OK ? feed_with (t, t->validation, t->watched, t->scores, t->target,
                                        &t->watch_feed)
                           : status;
}
