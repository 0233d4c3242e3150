/* SPDX-License-Identifier: Apache-2.0 */
/* run/require.c: what must hold before a segment counts: requirements, and nothing that fell back. */
#include <stdlib.h>
#include <string.h>

#include <adze/draft/decision.h>

#include "pipeline/place.h"
#include "run/execution.h"

typedef struct number_context {
  adze_told *told;
  const char *stage;
} number_context;

static bool
look_number_up (void *context, const char *stage, const char *name, adze_reading *reading)
{
  const number_context *c = context;
  return adze_told_number (c->told, stage ? stage : c->stage, name, reading);
}

/* ---- What cannot be told. */

static adze_error *
error_inside (const adze_execution *x, const adze_pipeline_stage *stage, size_t character,
              const char *what)
{
  const adze_document *document = &x->plan->pipeline->document;
  const adze_value *require = adze_value_get (stage->table, "require");
  adze_value place = adze_place_inside (document, require, character);
  adze_error *error = adze_document_error (
      document, &place, "what stage '%s' requires cannot be told: %s", stage->id, what);
  adze_error_set (error, "stage", stage->id);
  adze_error_set (error, "needed", adze_expression_text (stage->require));
  return error;
}

/* Why a stage that TOLD this could not measure NAME; NULL: it does not say. */
static const char *
why_not_measured (const adze_value *told, const char *name)
{
  const adze_value *rows = adze_value_get (adze_value_get (told, "tables"), ADZE_NOT_MEASURED);
  for (size_t i = 0; rows && i < rows->count; i++) {
    const adze_value *metric = adze_value_get (rows->items[i], "metric");
    const adze_value *why = adze_value_get (rows->items[i], "why");
    if (metric && metric->type == ADZE_VALUE_STRING && strcmp (metric->string, name) == 0)
      return why && why->type == ADZE_VALUE_STRING ? why->string : NULL;
  }
  return NULL;
}

static adze_error *
metric_not_measured (const adze_execution *x, const adze_pipeline_stage *stage, size_t character,
                     const char *of, const char *name, const char *why)
{
  ADZE_AUTO_FREE char *what
      = adze_text_format ("stage '%s' could not measure '%s': %s", of, name, why);
  if (!what)
    return adze_error_memory ();
  adze_error *error = error_inside (x, stage, character, what);
  adze_error_set (error, "found", name);
  return error;
}

/* METRICS are those that OF told; NULL: none. */
static adze_error *
no_such_metric (const adze_execution *x, const adze_pipeline_stage *stage, size_t character,
                const char *of, const char *name, const adze_value *metrics)
{
  size_t count = metrics ? metrics->count : 0;
  ADZE_AUTO_FREE const char **names = calloc (count + 1, sizeof *names);
  ADZE_AUTO (adze_buffer) what = { 0 };
  if (!names)
    return adze_error_memory ();
  adze_buffer_format (&what, "stage '%s' told no metric '%s'; ", of, name);
  for (size_t i = 0; i < count; i++) {
    names[i] = metrics->items[i]->key;
    adze_buffer_format (&what, "%s%s", i ? ", " : "it told ", names[i]);
  }
  if (count == 0)
    adze_buffer_text (&what, "it told none at all");
  if (what.failed)
    return adze_error_memory ();
  const char *meant = adze_nearest (name, names, count);
  adze_error *error = error_inside (x, stage, character, what.data);
  adze_error_set (error, "found", name);
  if (meant)
    adze_error_setf (error, "hint", "did you mean '%s'?", meant);
  return error;
}

/* What a requirement that could not be evaluated for CAUSE comes to. Takes CAUSE over. */
static adze_error *
explain_failure (adze_execution *x, const adze_pipeline_stage *stage, adze_error *cause)
{
  ADZE_AUTO_ERROR owned = cause;
  const adze_error *last = cause;
  const char *of, *name;
  size_t character;
  if (adze_error_status (cause) == ADZE_E_MEMORY)
    return adze_take (&owned);
  for (size_t i = 0; adze_expression_name (stage->require, i, &of, &name, &character); i++) {
    adze_reading reading;
    ADZE_AUTO_VALUE told = NULL;
    of = of ? of : stage->id;
    if (adze_told_number (x->told, of, name, &reading))
      continue;
    ADZE_TRY (adze_told_value (x->told, of, &told));
    const char *why = why_not_measured (told, name);
    if (why)
      return metric_not_measured (x, stage, character, of, name, why);
    return no_such_metric (x, stage, character, of, name, adze_value_get (told, "metrics"));
  }
  while (adze_error_cause (last))
    last = adze_error_cause (last);
  const char *at = adze_error_fact (last, "character");
  return error_inside (x, stage, at ? strtoul (at, NULL, 10) : 1, adze_error_message (last));
}

static adze_error *
check_requirement (adze_execution *x, const adze_plan_stage *planned)
{
  const adze_pipeline_stage *stage = planned->stage;
  number_context context = { x->told, stage->id };
  adze_reading reading;
  ADZE_AUTO (adze_buffer) text = { 0 };
  ADZE_AUTO_FREE char *explained = NULL;
  adze_error *error
      = adze_expression_evaluate (stage->require, look_number_up, &context, &reading);
  if (error)
    return explain_failure (x, stage, error);
  ADZE_TRY (adze_expression_explain (stage->require, look_number_up, &context, &text));
  ADZE_TRY (adze_buffer_finish (&text, &explained));
  const adze_field fields[] = {
    ADZE_FIELD_TEXT ("stage", stage->id),
    ADZE_FIELD_TEXT ("expression", adze_expression_text (stage->require)),
    ADZE_FIELD_TEXT ("explained", explained),
  };
  bool met = reading.number != 0;
  adze_tell (x, stage->id, met ? "require.met" : "require.failed", fields,
             ADZE_COUNT_OF (fields));
  if (met)
    return NULL;
  error = adze_document_error (&x->plan->pipeline->document,
                               adze_value_get (stage->table, "require"),
                               "stage '%s' requires %s, which does not hold: %s", stage->id,
                               adze_expression_text (stage->require), explained);
  adze_error_set (error, "stage", stage->id);
  adze_error_set (error, "needed", adze_expression_text (stage->require));
  adze_error_set (error, "found", explained);
  return error;
}

adze_error *
adze_requirements_check (adze_execution *x, const adze_plan_segment *segment)
{
  for (size_t i = 0; i < segment->count; i++) {
    const adze_plan_stage *planned = &x->plan->stages[segment->first + i];
    if (planned->stage->require)
      ADZE_TRY (check_requirement (x, planned));
  }
  return NULL;
}

static adze_error *
tell_early (adze_execution *x, const adze_plan_stage *planned)
{
  ADZE_AUTO_VALUE told = adze_value_new (ADZE_VALUE_TABLE);
  adze_value *lines = NULL;
  if (!told)
    return adze_error_memory ();
  ADZE_TRY (adze_instance_early_fallbacks (planned->instance, &lines));
  ADZE_TRY (adze_value_append (told, "fallbacks", lines));
  return adze_told_repeat (x->told, planned->stage->id, told);
}

adze_error *
adze_fallbacks_check (adze_execution *x, const adze_plan_segment *segment, bool made)
{
  for (size_t i = 0; i < segment->count; i++) {
    const adze_pipeline_stage *stage = x->plan->stages[segment->first + i].stage;
    ADZE_AUTO_FREE char *first = NULL;
    if (made)
      ADZE_TRY (tell_early (x, &x->plan->stages[segment->first + i]));
    uint64_t count = adze_told_fallbacks (x->told, stage->id, &first);
    if (count == 0)
      continue;
    adze_error *error = adze_plan_fell_back (x->plan, stage, count, first);
    if (stage->fallback_is_error)
      return error;
    adze_event_bus_log (x->plan->runtime->bus, stage->id, ADZE_LOG_WARNING, "%s",
                        adze_error_message (error));
    adze_error_free (error);
  }
  return NULL;
}
