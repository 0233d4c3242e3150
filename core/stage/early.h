/* SPDX-License-Identifier: Apache-2.0 */
/* stage/early.h: fallbacks that a technique tells while it is created or described. A plan is made then,
 * and whoever keeps what stages tell listens only once it runs. */
#ifndef ADZE_STAGE_EARLY_H
#define ADZE_STAGE_EARLY_H

#include "base/event.h"
#include "base/json.h"

/* Marks such an event, "create" or "describe": it is told once more while the stage runs. */
#define ADZE_EARLY_FIELD "when"

/* Listens on BUS, between begin and end, to STAGE. What was heard takes the place of *LINES, a list. */
typedef struct adze_early {
  adze_event_bus *bus;
  const char *stage;
  adze_value *heard;
  bool lost;
} adze_early;

ADZE_MUST_CHECK adze_error *adze_early_begin (adze_early *early, adze_event_bus *bus,
                                              const char *stage);
ADZE_MUST_CHECK adze_error *adze_early_end (adze_early *early, adze_value **lines);

/* A fallback { tensor, asked, did, why } in words, to be freed; NULL without memory. */
char *adze_fallback_text (const adze_value *line);

#endif
