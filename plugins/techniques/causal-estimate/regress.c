/* SPDX-License-Identifier: Apache-2.0 */
/* regress.c: regression by normal equations and Cholesky; columns are expected to be of one scale. */
#include "regress.h"

#include <math.h>

/* Steps of Newton's, at most; and what is taken for nothing, of a column that has the scale one. */
enum { STEPS = 60 };
#define NOTHING 1e-11

/* Factorises A in place (lower), and solves for B. */
static void
solve (double *a, double *b, uint32_t n, uint32_t *singular)
{
  *singular = UINT32_MAX;
  for (uint32_t j = 0; j < n; j++) {
    const double whole = a[(size_t)j * n + j];
    double left = whole - est_dot (a + (size_t)j * n, a + (size_t)j * n, j);
    if (!(left > NOTHING * whole)) {
      *singular = j;
      return;
    }
    left = sqrt (left);
    a[(size_t)j * n + j] = left;
    for (uint32_t i = j + 1; i < n; i++)
      a[(size_t)i * n + j]
          = (a[(size_t)i * n + j] - est_dot (a + (size_t)i * n, a + (size_t)j * n, j)) / left;
  }
  for (uint32_t i = 0; i < n; i++)
    b[i] = (b[i] - est_dot (a + (size_t)i * n, b, i)) / a[(size_t)i * n + i];
  for (uint32_t i = n; i-- > 0;) {
    for (uint32_t k = i + 1; k < n; k++)
      b[i] -= a[(size_t)k * n + i] * b[k];
    b[i] /= a[(size_t)i * n + i];
  }
}

/* Adds a row to the lower half of A. */
static void
add_row (double *a, const double *x, double weight, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++)
    for (uint32_t k = 0; k <= i; k++)
      a[(size_t)i * n + k] += weight * x[i] * x[k];
}

static bool
counts (const est_matrix *m, uint32_t row)
{
  return !m->skip || !m->skip[row];
}

static double *
square (const adze_host *host, uint32_t width)
{
  double *a = (double *)host->allocate (host, (size_t)width * width * sizeof *a);
  if (!a)
    adze_fail (host, ADZE_E_MEMORY, "no room for a regression on %u columns", (unsigned)width);
  return a;
}

adze_status
est_fit_linear (const adze_host *host, const est_matrix *m, double *beta, uint32_t *singular)
{
  const uint32_t n = m->width;
  double *a = square (host, n);
  if (!a)
    return ADZE_E_MEMORY;
  memset (beta, 0, n * sizeof *beta);
  for (uint32_t row = 0; row < m->count; row++) {
    const double *x = m->x + (size_t)row * n, weight = m->weights ? m->weights[row] : 1;
    if (!counts (m, row))
      continue;
    add_row (a, x, weight, n);
    for (uint32_t i = 0; i < n; i++)
      beta[i] += weight * x[i] * m->y[row];
  }
  solve (a, beta, n, singular);
  host->release (host, a);
  return ADZE_OK;
}

/* One step of Newton's; how far it went. */
static double
step (const est_matrix *m, double *a, double *move, double *beta, uint32_t *singular)
{
  const uint32_t n = m->width;
  double far = 0;
  memset (a, 0, (size_t)n * n * sizeof *a);
  memset (move, 0, n * sizeof *move);
  for (uint32_t row = 0; row < m->count; row++) {
    const double *x = m->x + (size_t)row * n, weight = m->weights ? m->weights[row] : 1;
    const double p = 1 / (1 + exp (-est_dot (x, beta, n)));
    if (!counts (m, row))
      continue;
    add_row (a, x, weight * p * (1 - p), n);
    for (uint32_t i = 0; i < n; i++)
      move[i] += weight * x[i] * (m->y[row] - p);
  }
  solve (a, move, n, singular);
  for (uint32_t i = 0; *singular == UINT32_MAX && i < n; i++) {
    beta[i] += move[i];
    far = fmax (far, fabs (move[i]));
  }
  return far;
}

adze_status
est_fit_logistic (const adze_host *host, const est_matrix *m, double *beta, uint32_t *singular, bool *separable)
{
  double *a = square (host, m->width), move[EST_WIDTH];
  bool found = false;
  if (!a)
    return ADZE_E_MEMORY;
  memset (beta, 0, m->width * sizeof *beta);
  *separable = false;
  *singular = UINT32_MAX;
  for (int i = 0; !found && i < STEPS && *singular == UINT32_MAX; i++) {
    const double far = step (m, a, move, beta, singular);
    found = *singular == UINT32_MAX && far < 1e-10;
    /* The first step tells columns that are mixes of others; later ones can only fail for weights that vanish. */
    if (i > 0 && *singular != UINT32_MAX) {
      *singular = UINT32_MAX;
      break;
    }
  }
  *separable = !found && *singular == UINT32_MAX;
  host->release (host, a);
  return ADZE_OK;
}
