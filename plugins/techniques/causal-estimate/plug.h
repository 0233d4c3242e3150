/* SPDX-License-Identifier: Apache-2.0 */
/* plug.h: a formula computed with how often values occur together in a table. */
#ifndef CAUSAL_ESTIMATE_PLUG_H
#define CAUSAL_ESTIMATE_PLUG_H

#include "formula.h"
#include "sample.h"

/* How often values of COLUMNS occur: first those in front of a bar, then those behind it. */
typedef struct est_counts {
  uint32_t columns[EST_VARIABLES];
  uint32_t head, count;
  uint32_t head_cells, given_cells;
  size_t offset; /* in the numbers of all: cells, and behind them their sums over the head */
} est_counts;

typedef struct est_plug {
  const adze_host *host;
  const est_formula *formula;
  est_data *data;
  uint32_t columns[EST_VARIABLES]; /* of variables */
  bool treatment[EST_VARIABLES + 1]; /* columns of the data that are set */
  est_counts *counts;
  uint32_t counts_count;
  uint32_t *counts_of;     /* parts */
  size_t numbers;          /* of all counts */
  uint32_t fixed[EST_VARIABLES]; /* values of variables that may have any: the one that is seen most */
  uint32_t from, to;       /* values of the treatment that the effect is between */
  size_t cells;            /* of the answer: treatment by given by outcome, the last of which changes first */
} est_plug;

/* FROM, TO: texts of values; NULL: the first and the last. Closed also after a failure. */
adze_status est_plug_open (const adze_host *host, const est_formula *formula, est_data *data, const char *from,
                           const char *to, est_plug *plug);
void est_plug_close (est_plug *plug);

/* The estimate of a job whose own is an est_plug: the effect, and all cells. */
adze_status est_plug_estimate (const est_job *job, const est_sample *sample, double *out, bool *known);

/* The values that stand for a cell: one for each variable of the question, treatment, given, outcome in turn. */
void est_plug_cell (const est_plug *plug, size_t cell, uint32_t *values);
/* That variable, by its place in the question, and how many there are. */
uint32_t est_plug_variable (const est_plug *plug, uint32_t place);
uint32_t est_plug_places (const est_plug *plug);

/* Are CELLS chances, those of all outcomes with the sum one? *WORST: the sum that is farthest from one. */
bool est_plug_is_distribution (const est_plug *plug, const double *cells, double *worst);

#endif
