/* SPDX-License-Identifier: Apache-2.0 */
/* kit/backend_speed.h: how fast a backend is at a few things that networks are made of. What
 * adze_backend_bench of adze/host.h prints, as numbers. */
#ifndef ADZE_KIT_BACKEND_SPEED_H
#define ADZE_KIT_BACKEND_SPEED_H

#include "graph/executable.h"

typedef struct adze_speed {
  const char *what;
  const char *unit; /* of the rates */
  double median, lowest, highest;
  unsigned timings;    /* how many the median is of */
  unsigned executions; /* in each */
  uint32_t delegated;  /* nodes that ref did */
  uint32_t steps;      /* programs in one execution, delegated ones among them */
} adze_speed;

enum {
  ADZE_SPEEDS = 7,
  ADZE_SPEED_WARM_UP = 3,
  ADZE_SPEED_WARM_UP_MS = 1000,
  ADZE_SPEED_LEAST_MS = 20,
  ADZE_SPEED_MOST_MS = 4000
};

/* Number INDEX of ADZE_SPEEDS: ADZE_SPEED_WARM_UP executions that count for nothing (after
 * ADZE_SPEED_WARM_UP_MS no further one), then at most TIMINGS of as many executions as take
 * ADZE_SPEED_LEAST_MS; after ADZE_SPEED_MOST_MS no further one is begun, once there are three. */
ADZE_MUST_CHECK adze_error *adze_speed_measure (adze_backend_at_work *backend,
                                                adze_backend_at_work *ref, size_t index,
                                                unsigned timings, adze_speed *speed);

#endif
