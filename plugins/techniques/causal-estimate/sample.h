/* SPDX-License-Identifier: Apache-2.0 */
/* sample.h: an estimate as a function of rows, so that it can be had of other rows as well. */
#ifndef CAUSAL_ESTIMATE_SAMPLE_H
#define CAUSAL_ESTIMATE_SAMPLE_H

#include "data.h"

typedef struct est_sample {
  const uint32_t *rows;    /* COUNT of them, any of them several times */
  const uint32_t *treated; /* rows whose treatment they have instead of their own; NULL: their own */
  const double *extra;     /* a cause of nothing, to be adjusted for as well; NULL: none */
  uint32_t count;
} est_sample;

typedef struct est_job est_job;

struct est_job {
  const adze_host *host;
  const est_data *data;
  uint32_t quantities; /* the first one is the effect */
  /* KNOWN: whether the sample can tell. NULL: it must, and what it lacks is said. On any thread. */
  adze_status (*estimate) (const est_job *job, const est_sample *sample, double *out, bool *known);
  const void *own;
};

typedef enum est_draw { EST_AGAIN, EST_PLACEBO, EST_COMMON_CAUSE, EST_SUBSET, EST_DRAWS } est_draw;

/* Of one quantity: what rounds gave. */
typedef struct est_spread {
  double mean, deviation, low, high; /* the interval of .level */
} est_spread;

typedef struct est_rounds {
  double *values; /* quantities of each round that could tell, one round after the other */
  uint32_t asked, told;
} est_rounds;

/* One in twenty that cannot tell is chance; what more of them leave out is no sample of what could have been. */
static inline bool
est_tell_too_few (uint32_t asked, uint32_t told)
{
  return (uint64_t)told * 20 < (uint64_t)asked * 19;
}

/* resample.c: draws so many samples and has the estimate of each. */
adze_status est_draw_rounds (const est_job *job, const adze_run_service *run, adze_context *context, est_draw how,
                             uint32_t count, est_rounds *rounds);
void est_rounds_close (const adze_host *host, est_rounds *rounds);
/* False: no two rounds could tell. */
bool est_spread_of (const est_job *job, const est_rounds *rounds, uint32_t quantity, double level, est_spread *spread);

/* All rows as they are. .rows is released by the caller. */
adze_status est_sample_all (const est_job *job, est_sample *sample);

/* Linear interpolation between the ordered values. */
double est_quantile (const double *sorted, uint32_t count, double share);

#endif
