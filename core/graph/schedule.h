/* SPDX-License-Identifier: Apache-2.0 */
/* graph/schedule.h: how fast a network learns at which step. */
#ifndef ADZE_GRAPH_SCHEDULE_H
#define ADZE_GRAPH_SCHEDULE_H

#include "base/error.h"

typedef enum adze_schedule_kind {
  ADZE_SCHEDULE_CONSTANT = 1,
  ADZE_SCHEDULE_STEP = 2,      /* times FACTOR after each EVERY steps */
  ADZE_SCHEDULE_COSINE = 3,    /* half a wave from RATE down to LEAST at step TOTAL */
  ADZE_SCHEDULE_POLYNOMIAL = 4 /* from RATE down to LEAST at step TOTAL, as (1 - t)^POWER */
} adze_schedule_kind;

typedef struct adze_schedule {
  adze_schedule_kind kind;
  double rate; /* the highest */
  /* So many steps of any kind rise to RATE first, each by as much. They count for TOTAL, and do not
   * for EVERY. */
  uint64_t warm_up;
  uint64_t every;
  double factor;
  uint64_t total;
  double least;
  double power;
} adze_schedule;

/* Refuses what makes no sense for the kind; members of other kinds are not looked at. */
ADZE_MUST_CHECK adze_error *adze_schedule_check (const adze_schedule *schedule);
/* Of the step in front of which there were STEP. Beyond TOTAL it stays at LEAST. */
double adze_schedule_rate (const adze_schedule *schedule, uint64_t step);

#endif
