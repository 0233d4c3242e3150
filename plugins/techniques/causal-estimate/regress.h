/* SPDX-License-Identifier: Apache-2.0 */
/* regress.h: linear and logistic regression, of a matrix with a row an example. */
#ifndef CAUSAL_ESTIMATE_REGRESS_H
#define CAUSAL_ESTIMATE_REGRESS_H

#include <adze/sdk.h>

/* Columns of a matrix, at most. */
enum { EST_WIDTH = 512 };

typedef struct est_matrix {
  const double *x; /* count rows of width numbers; the first of each is 1 */
  const double *y;
  const double *weights; /* NULL: all rows count alike */
  const uint8_t *skip;   /* rows that do not count; NULL: none */
  uint32_t count, width;
} est_matrix;

/* What a column is a mix of others is found by what the Cholesky factor leaves of it. UINT32_MAX: none is. */
adze_status est_fit_linear (const adze_host *host, const est_matrix *m, double *beta, uint32_t *singular);

/* The chance that y is 1. *SEPARABLE: no finite answer is the best one. */
adze_status est_fit_logistic (const adze_host *host, const est_matrix *m, double *beta, uint32_t *singular,
                              bool *separable);

static inline double
est_dot (const double *left, const double *right, uint32_t count)
{
  double sum = 0;
  for (uint32_t i = 0; i < count; i++)
    sum += left[i] * right[i];
  return sum;
}

#endif
