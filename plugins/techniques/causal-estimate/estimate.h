/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of this plugin share.
 *
 *   causal-estimate.c  the plugin: parameters, and which of them go with which method
 *   exact.c            questions to a network
 *   network.h: bif.c, eliminate.c  networks out of files, and inference in them
 *   table.c            effects out of a table
 *   adjust.c           what is adjusted for: given, in a formula, or chosen by a graph
 *   formula.c          reads the formula of an effect
 *   plug.c             computes it with how often values occur
 *   data.c             columns of a table
 *   design.c, effects.c, regress.c  regression and weighting
 *   resample.c         the same estimate of samples that were drawn
 *   report.c           what is told of it
 */
#ifndef CAUSAL_ESTIMATE_ESTIMATE_H
#define CAUSAL_ESTIMATE_ESTIMATE_H

#include "effects.h"
#include "network.h"
#include "plug.h"

typedef struct est_run {
  const adze_host *host;
  const adze_params *params;
  const adze_run_service *run;
  adze_context *context;
} est_run;

/* All bytes of what is bound to a port; NULL where nothing is. */
adze_status est_read_port (const est_run *r, const char *port, const void **bytes, size_t *size);

/* A list of texts: how many, and one of them. */
size_t est_list_size (const est_run *r, const char *name);
const char *est_list_at (const est_run *r, const char *name, size_t index);

/* exact.c and table.c: the whole of a run. */
adze_status est_run_exact (const est_run *r);
adze_status est_run_table (const est_run *r);

/* adjust.c */
typedef struct est_adjust {
  const char *treatment, *outcome;
  const char *names[EST_WIDTH];
  uint32_t count;
  const char *why; /* who says that it is enough */
  adze_dag *dag;   /* whose names they may be */
} est_adjust;

/* FORMULA: NULL where no estimand is bound. Closed also after a failure. */
adze_status est_adjust_find (const est_run *r, const est_formula *formula, est_adjust *adjust);
void est_adjust_close (const est_run *r, est_adjust *adjust);

/* ---- report.c */

typedef struct est_refuted {
  const char *name;
  const char *why; /* it was not done; NULL: it was */
  est_spread spread;
  uint32_t asked, told;
  bool holds;
  const char *words; /* what should be, and whether it is */
} est_refuted;

typedef struct est_result {
  const char *method, *question; /* QUESTION: what the effect is of, where that is no formula */
  const est_adjust *adjust;                /* NULL: nothing is adjusted for */
  const est_plug *plug;                    /* NULL: the effect is all there is */
  const est_job *job;
  const double *values;                    /* quantities of the job */
  const est_rounds *rounds;                /* of the bootstrap */
  double level;
  const est_refuted *refuted;
  uint32_t refuted_count;
  uint64_t rows;
} est_result;

adze_status est_tell_table (const est_run *r, const est_result *result);

/* A distribution: cells of LABELS columns, each with a name and, at a cell, a text. */
typedef struct est_labels {
  uint32_t count;
  const char *(*name) (const void *argument, uint32_t column);
  const char *(*text) (const void *argument, size_t cell, uint32_t column);
  const void *argument;
} est_labels;

/* LOWS and HIGHS may be NULL. */
adze_status est_give_distribution (const est_run *r, const est_labels *labels, const double *cells, size_t count,
                                   const double *lows, const double *highs);

static inline adze_field
est_text_field (const char *key, const char *text)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_STRING, .value = { .string = text } };
}

static inline adze_field
est_real_field (const char *key, double number)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_FLOAT, .value = { .real = number } };
}

#endif
