/* SPDX-License-Identifier: Apache-2.0 */
/* run/require.c: what must hold before a segment counts: requirements, and nothing that fell back. */
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
    return adze_error_wrap (error, "what stage '%s' requires cannot be told", stage->id);
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

adze_error *
adze_fallbacks_check (adze_execution *x, const adze_plan_segment *segment)
{
  for (size_t i = 0; i < segment->count; i++) {
    const adze_pipeline_stage *stage = x->plan->stages[segment->first + i].stage;
    ADZE_AUTO_FREE char *first = NULL;
    uint64_t count = adze_told_fallbacks (x->told, stage->id, &first);
    if (count == 0)
      continue;
    adze_error *error = adze_document_error (
        &x->plan->pipeline->document, stage->table, "stage '%s' (%s) fell back %llu time%s: %s",
        stage->id, stage->use, (unsigned long long)count, count == 1 ? "" : "s",
        first ? first : "out of memory");
    adze_error_set (error, "stage", stage->id);
    adze_error_set (error, "hint", "on-fallback = \"warn\" in the stage allows it");
    if (stage->fallback_is_error)
      return error;
    adze_event_bus_log (x->plan->runtime->bus, stage->id, ADZE_LOG_WARNING, "%s",
                        adze_error_message (error));
    adze_error_free (error);
  }
  return NULL;
}
