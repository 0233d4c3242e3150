/* SPDX-License-Identifier: Apache-2.0 */
/* adze.decision/1: what a technique found and decided, as events of its stage. */
#include <string.h>

#include "stage/call.h"
#include "stage/early.h"
#include "stage/run_ops.h"

/* A table of more columns than this is a mistake of whoever counted. */
enum { FIELDS_MOST = 1024 };

static bool
is_job (const adze_desk *desk)
{
  const adze_context *context = adze_desk_context (desk);
  return context && context->job;
}

/* Pieces are applied by several processes in any order, so that what is told there is told in no
 * order and more than once. Says so, and no. */
static bool
may_tell (const adze_host *host, const char *what)
{
  adze_desk *desk = adze_desk_of (host);
  if (!adze_desk_inside (desk, ADZE_DECISION))
    return false;
  unsigned phase = adze_desk_phase (desk);
  if (phase == ADZE_PHASE_RUN && is_job (desk)) {
    adze_desk_broken ("it told %s in a job, which ends whenever it ends; run tells it when it has the answer", what);
    return false;
  }
  if (phase == ADZE_PHASE_DECIDE || phase == ADZE_PHASE_RUN)
    return true;
  adze_desk_broken ("it told %s outside of decide and run, the only places for it", what);
  return false;
}

static adze_status
refuse (const char *what)
{
  adze_desk_broken ("it told %s without a name", what);
  return ADZE_E_CONTRACT;
}

static void
emit (const adze_host *host, const char *id, const adze_field *fields, uint32_t count)
{
  adze_desk *desk = adze_desk_of (host);
  if (adze_desk_bus (desk))
    adze_event_bus_emit (adze_desk_bus (desk), adze_desk_source (desk), id, fields, count);
}

static adze_status
decision_metric (const adze_host *host, const char *name, double value, const char *unit)
{
  if (!may_tell (host, "a metric"))
    return ADZE_E_CONTRACT;
  if (!name || !name[0])
    return refuse ("a metric");
  const adze_field fields[] = {
    ADZE_FIELD_TEXT ("name", name),
    { .key = "value", .type = ADZE_FIELD_FLOAT, .value = { .real = value } },
    ADZE_FIELD_TEXT ("unit", unit ? unit : ""),
  };
  emit (host, ADZE_EVENT_METRIC, fields, ADZE_COUNT_OF (fields));
  return ADZE_OK;
}

/* The given fields behind one of ours. */
static adze_status
emit_with (const adze_host *host, const char *id, const char *key, const char *name,
           const adze_field *fields, uint32_t count)
{
  if (count > FIELDS_MOST || (count > 0 && !fields)) {
    adze_desk_broken ("it told '%s' with %u fields", name, count);
    return ADZE_E_CONTRACT;
  }
  for (uint32_t i = 0; i < count; i++)
    if (!fields[i].key || strcmp (fields[i].key, key) == 0) {
      adze_desk_broken ("it told '%s' with a field that has no key, or the key '%s'", name, key);
      return ADZE_E_CONTRACT;
    }
  ADZE_AUTO_FREE adze_field *all = calloc ((size_t)count + 1, sizeof *all);
  if (!all)
    return adze_push_error (host, adze_error_memory ());
  all[0] = (adze_field)ADZE_FIELD_TEXT (key, name);
  if (count > 0)
    memcpy (all + 1, fields, count * sizeof *fields);
  emit (host, id, all, count + 1);
  return ADZE_OK;
}

static adze_status
decision_tensor (const adze_host *host, const char *tensor, const adze_field *fields,
                 uint32_t field_count)
{
  if (!may_tell (host, "a decision about a tensor"))
    return ADZE_E_CONTRACT;
  if (!tensor || !tensor[0])
    return refuse ("a decision about a tensor");
  return emit_with (host, ADZE_EVENT_TENSOR, "tensor", tensor, fields, field_count);
}

static adze_status
decision_achieved (const adze_host *host, const char *name, double asked, double got)
{
  if (!may_tell (host, "what was achieved"))
    return ADZE_E_CONTRACT;
  if (!name || !name[0])
    return refuse ("what was achieved");
  const adze_field fields[] = {
    ADZE_FIELD_TEXT ("name", name),
    { .key = "asked", .type = ADZE_FIELD_FLOAT, .value = { .real = asked } },
    { .key = "got", .type = ADZE_FIELD_FLOAT, .value = { .real = got } },
  };
  emit (host, ADZE_EVENT_ACHIEVED, fields, ADZE_COUNT_OF (fields));
  return ADZE_OK;
}

static adze_status
decision_fallback (const adze_host *host, const char *tensor, const char *asked, const char *did,
                   const char *why)
{
  if (!asked || !did) {
    adze_desk_broken ("it told a fallback without what was asked, or without what it did");
    return ADZE_E_CONTRACT;
  }
  unsigned phase = adze_desk_phase (adze_desk_of (host));
  bool early = phase == ADZE_PHASE_CREATE || phase == ADZE_PHASE_DESCRIBE;
  const adze_field fields[] = {
    ADZE_FIELD_TEXT ("tensor", tensor ? tensor : ""),
    ADZE_FIELD_TEXT ("asked", asked),
    ADZE_FIELD_TEXT ("did", did),
    ADZE_FIELD_TEXT ("why", why ? why : ""),
    ADZE_FIELD_TEXT (ADZE_EARLY_FIELD, phase == ADZE_PHASE_CREATE ? "create" : "describe"),
  };
  emit (host, ADZE_EVENT_FALLBACK, fields, ADZE_COUNT_OF (fields) - !early);
  return ADZE_OK;
}

static adze_status
decision_row (const adze_host *host, const char *table, const adze_field *fields,
              uint32_t field_count)
{
  if (!may_tell (host, "a row of a table"))
    return ADZE_E_CONTRACT;
  if (!table || !table[0])
    return refuse ("a row of a table");
  return emit_with (host, ADZE_EVENT_ROW, "table", table, fields, field_count);
}

const adze_decision_service adze_decision_services = {
  .struct_size = sizeof adze_decision_services,
  .metric = decision_metric,
  .tensor = decision_tensor,
  .achieved = decision_achieved,
  .fallback = decision_fallback,
  .row = decision_row,
};
