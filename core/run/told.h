/* SPDX-License-Identifier: Apache-2.0 */
/* run/told.h: what stages have told while they ran: metrics, decisions, rows, fallbacks, and what they
 * have warned of. Taken from the stream of events, so that it is the same whether a stage ran here or in a worker. */
#ifndef ADZE_RUN_TOLD_H
#define ADZE_RUN_TOLD_H

#include "base/event.h"
#include "base/json.h"
#include "pipeline/expression.h"

typedef struct adze_told adze_told;

ADZE_MUST_CHECK adze_error *adze_told_open (adze_event_bus *bus, adze_told **told);
void adze_told_close (adze_told *told);

/* Warnings count as told only while stages are at work: those of describing and deciding, and what the host
 * finds in a result, come again by themselves where it is taken over. */
void adze_told_at_work (adze_told *told, bool at_work);

/* Forgets what STAGE has told so far: it is about to say it again. */
void adze_told_forget (adze_told *told, const char *stage);
/* The same where only deciding is done again: fallbacks and warnings while it observed stay told. */
void adze_told_forget_decided (adze_told *told, const char *stage);

/* A metric that the host itself found. */
ADZE_MUST_CHECK adze_error *adze_told_metric (adze_told *told, const char *stage,
                                              const char *name, double value, const char *unit);

/* False: there is no such number. */
bool adze_told_number (adze_told *told, const char *stage, const char *name,
                       adze_reading *reading);

bool adze_told_fell_back (adze_told *told, const char *stage);
/* How often STAGE fell back. *FIRST, to be freed, is the first time in words; NULL: never, or no
 * memory. */
uint64_t adze_told_fallbacks (adze_told *told, const char *stage, char **first);

/* Everything STAGE told: {"metrics": {}, "decisions": [], "achieved": [], "fallbacks": [], "tables":
 * {}, "warnings": []}; a copy; NULL without memory. An error is returned when something was lost for want of it. */
ADZE_MUST_CHECK adze_error *adze_told_value (adze_told *told, const char *stage,
                                             adze_value **value);

/* ---- For a result that is taken over from an earlier run. KEPT is what adze_told_value gave there,
 * or a part of it, after a way through JSON. Warnings are repeated as those of the result. */

/* Takes the place of what STAGE has told of the same kinds; nobody else hears of it, but of warnings. */
ADZE_MUST_CHECK adze_error *adze_told_recall (adze_told *told, const char *stage,
                                              const adze_value *kept);
/* All of it is told once more, on the bus, in the place of a stage that does not run. */
ADZE_MUST_CHECK adze_error *adze_told_repeat (adze_told *told, const char *stage,
                                              const adze_value *kept);

#endif
