/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/decision.h: what a technique found, decided and achieved, as data. Tier: draft.
 *
 * All of it ends in the run folder; the report, `adze why`, `require` and the observers read it
 * there. Told in decide or in run, never elsewhere, and always in the same order: the host takes what
 * one instance says and not what its copies in other processes repeat.
 */
#ifndef ADZE_DRAFT_DECISION_H
#define ADZE_DRAFT_DECISION_H

#include <string.h>

#include <adze/error.h>
#include <adze/event.h>

ADZE_BEGIN_DECLS

#define ADZE_DECISION "adze.decision/1"

typedef struct adze_decision_service {
  uint32_t struct_size;

  /* [callback] A number of this stage by name ("accuracy"): ID.NAME in `require`. UNIT may be
   * NULL. A second value of the same name replaces the first. */
  adze_status (*metric) (const adze_host *host, const char *name, double value, const char *unit);

  /* [callback] What was decided about a tensor, and on which grounds: "threshold", "rule" ... */
  adze_status (*tensor) (const adze_host *host, const char *tensor, const adze_field *fields,
                         uint32_t field_count);

  /* [callback] What was asked for against what came out of it: shown side by side. */
  adze_status (*achieved) (const adze_host *host, const char *name, double asked, double got);

  /* [any] Something else was done than was asked for. The run fails unless the stage has
   * on-fallback = "warn". The one word that may be said everywhere, in apply too. TENSOR may be
   * NULL. */
  adze_status (*fallback) (const adze_host *host, const char *tensor, const char *asked,
                           const char *did, const char *why);

  /* [callback] One row of a table that people will look at: keys are the columns, in the order of
   * the first row. */
  adze_status (*row) (const adze_host *host, const char *table, const adze_field *fields,
                      uint32_t field_count);
} adze_decision_service;

static inline const adze_decision_service *
adze_decisions_of (const adze_host *host)
{
  return (const adze_decision_service *)host->service (host, ADZE_DECISION);
}

/* In a host without the service the first four are told to nobody. A fallback must not be done in
 * silence: there it is refused. */
static inline adze_status
adze_metric (const adze_host *host, const char *name, double value, const char *unit)
{
  const adze_decision_service *service = adze_decisions_of (host);
  return service ? service->metric (host, name, value, unit) : ADZE_OK;
}

static inline adze_status
adze_decided (const adze_host *host, const char *tensor, const adze_field *fields,
              uint32_t field_count)
{
  const adze_decision_service *service = adze_decisions_of (host);
  return service ? service->tensor (host, tensor, fields, field_count) : ADZE_OK;
}

static inline adze_status
adze_achieved (const adze_host *host, const char *name, double asked, double got)
{
  const adze_decision_service *service = adze_decisions_of (host);
  return service ? service->achieved (host, name, asked, got) : ADZE_OK;
}

static inline adze_status
adze_row (const adze_host *host, const char *table, const adze_field *fields,
          uint32_t field_count)
{
  const adze_decision_service *service = adze_decisions_of (host);
  return service ? service->row (host, table, fields, field_count) : ADZE_OK;
}

/* In the place of a metric that is known of some tensors only: it does not become one, and a
 * `require` that asks for it fails and says WHY. OTHERS is what is known. The row of a table of this
 * name. */
#define ADZE_NOT_MEASURED "not-measured"

static inline adze_status
adze_not_measured (const adze_host *host, const char *metric, double others, const char *why)
{
  adze_field fields[3];
  memset (fields, 0, sizeof fields);
  fields[0].key = "metric";
  fields[0].type = ADZE_FIELD_STRING;
  fields[0].value.string = metric;
  fields[1].key = "others";
  fields[1].type = ADZE_FIELD_FLOAT;
  fields[1].value.real = others;
  fields[2].key = "why";
  fields[2].type = ADZE_FIELD_STRING;
  fields[2].value.string = why;
  return adze_row (host, ADZE_NOT_MEASURED, fields, 3);
}

static inline adze_status
adze_fallback (const adze_host *host, const char *tensor, const char *asked, const char *did,
               const char *why)
{
  const adze_decision_service *service = adze_decisions_of (host);
  if (!service)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s to tell of a fallback",
                      ADZE_DECISION);
  return service->fallback (host, tensor, asked, did, why);
}

ADZE_END_DECLS

#endif
