/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan_keepers.c: parameters that keep traits where they are given. Who has not given one where a tensor has the
 * trait learns of it before the work, and not from the trait being broken behind it. */
#include <string.h>

#include "base/match.h"
#include "pipeline/plan.h"

const char *
adze_plan_keeper (const adze_plan_stage *planned, const char *trait)
{
  for (const char *const *pair = planned->facts->keeps; pair[0]; pair += 2)
    if (strcmp (pair[0], trait) == 0)
      return pair[1];
  return NULL;
}

/* One that is no pattern is complained of by who reads the parameter. */
static bool
means (const adze_value *pattern, const char *tensor)
{
  adze_pattern *opened = NULL;
  if (pattern->type != ADZE_VALUE_STRING)
    return false;
  ADZE_AUTO_ERROR error = adze_pattern_open (pattern->string, &opened);
  bool matches = !error && adze_pattern_matches (opened, tensor);
  adze_pattern_close (opened);
  return matches;
}

/* Has the stage been given PARAM for TENSOR? */
static bool
is_given (const adze_plan_stage *planned, const char *param, const char *tensor)
{
  const adze_value *given = adze_value_get (planned->variants[0], param);
  if (given && given->type == ADZE_VALUE_BOOL)
    return given->boolean;
  for (size_t i = 0; given && given->type == ADZE_VALUE_LIST && i < given->count; i++)
    if (means (given->items[i], tensor))
      return true;
  return false;
}

/* The first trait of a tensor that PARAM would keep, and is not asked to; NULL: there is none. */
static const char *
left_alone (const adze_plan_stage *planned, const char *param, const adze_model_tensor *tensor)
{
  for (size_t i = 0; tensor->traits && i < tensor->traits->count; i++) {
    const char *keeper = adze_plan_keeper (planned, tensor->traits->items[i]->key);
    if (keeper && strcmp (keeper, param) == 0 && !is_given (planned, param, tensor->meta.name))
      return tensor->traits->items[i]->key;
  }
  return NULL;
}

static adze_error *
tell_of (const adze_plan *plan, const adze_plan_stage *planned, const char *param)
{
  const adze_plan_model *model = planned->ports[0].model;
  const adze_pipeline_stage *stage = planned->stage;
  const char *trait = NULL, *first = NULL, *found;
  size_t others = 0;
  for (size_t i = 0; i < model->view.count; i++) {
    found = left_alone (planned, param, &model->view.tensors[i]);
    others += found && first;
    first = found && !first ? model->view.tensors[i].meta.name : first;
    trait = found && !trait ? found : trait;
  }
  if (!first)
    return NULL;
  ADZE_AUTO (adze_buffer) more = { 0 };
  if (others > 0)
    adze_buffer_format (&more, ", and of %zu other%s,", others, others == 1 ? "" : "s");
  if (more.failed)
    return adze_error_memory ();
  ADZE_AUTO_ERROR error = adze_document_error (
      &plan->pipeline->document, stage->table,
      "stage '%s' (%s) keeps %s of '%s'%s where its parameter '%s' says so, which does not name %s: what the stage makes "
      "otherwise has the trait no more, or fails the run; name %s there, as \"%s\"",
      stage->id, stage->use, trait, first, others ? more.data : "", param, others ? "them" : "it",
      others ? "them" : "it", first);
  adze_event_bus_log (plan->runtime->bus, NULL, ADZE_LOG_WARNING, "%s", adze_error_message (error));
  return NULL;
}

/* One parameter may keep several traits, and is spoken of once. */
static bool
is_first (const char *const *keeps, size_t at)
{
  for (size_t i = 0; i < at; i += 2)
    if (strcmp (keeps[i + 1], keeps[at + 1]) == 0)
      return false;
  return true;
}

adze_error *
adze_plan_tell_keepers (const adze_plan *plan, adze_plan_stage *planned)
{
  const char *const *keeps = planned->facts->keeps;
  if (planned->told_keepers || planned->port_count == 0 || !planned->ports[0].model
      || !planned->ports[0].model->known)
    return NULL;
  planned->told_keepers = true;
  for (size_t i = 0; keeps[i]; i += 2)
    if (is_first (keeps, i))
      ADZE_TRY (tell_of (plan, planned, keeps[i + 1]));
  return NULL;
}
