/* SPDX-License-Identifier: Apache-2.0 */
/* stage/call.h: what is behind the services of a technique while one of its callbacks runs. */
#ifndef ADZE_STAGE_CALL_H
#define ADZE_STAGE_CALL_H

#include <adze/draft/codec.h>
#include <adze/draft/decision.h>
#include <adze/draft/drawing.h>
#include <adze/draft/scorer.h>
#include <adze/draft/technique.h>

#include "plugin/host_table.h"
#include "stage/instance.h"

/* Which callback a frame of the desk stands for (adze_desk_phase). */
enum {
  ADZE_PHASE_OTHER = 0, /* destroy, accumulator, merge */
  ADZE_PHASE_CREATE,
  ADZE_PHASE_DESCRIBE,
  ADZE_PHASE_OBSERVE,
  ADZE_PHASE_DECIDE,
  ADZE_PHASE_APPLY,
  ADZE_PHASE_RUN
};

/* adze_call of the SDK is this struct. */
struct adze_call {
  unsigned phase;
  bool inspects;
  const adze_work *work;
  adze_room *rooms; /* the work's; NULL: none are handed out */
  const adze_params *const *params; /* by variant */
  size_t variants;
};

/* Did apply give all that was announced, or leave what may be left? In its frame: what is wrong
 * becomes a broken rule. */
void adze_call_settle (const adze_call *call);

/* The services that a technique has beside those that every plugin has. As adze_desk_options.services
 * wants it. */
const void *adze_technique_service (const char *id, bool bare);

/* Passes ERROR (freed) on as the reason for which a callback will fail. */
adze_status adze_push_error (const adze_host *host, adze_error *error);
/* The same for what only a broken rule leads to, unless memory is what lacks. */
adze_status adze_push_broken (adze_error *error);

extern const adze_outline_service adze_outline_services;
extern const adze_call_service adze_call_services;
extern const adze_decision_service adze_decision_services;
extern const adze_codecs_service adze_codecs_services;
extern const adze_drawing_service adze_drawing_services;
extern const adze_scorers_service adze_scorers_services;

#endif
