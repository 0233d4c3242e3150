/* SPDX-License-Identifier: Apache-2.0 */
/* effects.h: an effect as one number, by regression and by weighting. */
#ifndef CAUSAL_ESTIMATE_EFFECTS_H
#define CAUSAL_ESTIMATE_EFFECTS_H

#include "regress.h"
#include "sample.h"

typedef enum est_way { EST_OLS, EST_IPW, EST_AIPW } est_way;

typedef struct est_effect {
  const adze_host *host;
  const est_data *data;
  est_way way;
  double clip;         /* chances of being treated are kept so far from 0 and 1 */
  double *x;           /* of each row of the data: 1, and what is adjusted for, each of the scale one */
  const char *names[EST_WIDTH]; /* of columns of x */
  uint32_t width;
  double *t, *y;       /* of each row; with two values: 0 and 1 */
  double scale;        /* of t */
  char unit[200];      /* the effect in words: "of one more X" */
} est_effect;

/* ADJUST: names. FROM, TO: texts of the treatment's values; NULL: the first and the last. Closed also after a failure. */
adze_status est_effect_open (const adze_host *host, est_data *data, est_way way, const char *treatment,
                             const char *outcome, const char *const *adjust, uint32_t adjust_count, const char *from,
                             const char *to, est_effect *effect);
void est_effect_close (est_effect *effect);

/* The estimate of a job whose own is an est_effect: one quantity. */
adze_status est_effect_estimate (const est_job *job, const est_sample *sample, double *out, bool *known);

#endif
