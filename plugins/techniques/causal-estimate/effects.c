/* SPDX-License-Identifier: Apache-2.0 */
/* effects.c: linear regression, weighting by the inverse chance of being treated, and both together. */
#include "effects.h"

#include <math.h>

/* A sample's own matrix, without and with the treatment (the last column of .with). */
typedef struct local {
  double *x, *with, *t, *y, *weights, *chance, *others[2];
  uint8_t *skip;
  uint32_t count, width;
} local;

static double *
room (const adze_host *host, size_t count)
{
  return (double *)host->allocate (host, (count + 1) * sizeof (double));
}

static void
release (const adze_host *host, local *l)
{
  void *blocks[] = { l->x, l->with, l->t, l->y, l->weights, l->chance, l->others[0], l->others[1], l->skip };
  for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
    if (blocks[i])
      host->release (host, blocks[i]);
}

static adze_status
gather (const est_effect *e, const est_sample *sample, local *l)
{
  const adze_host *host = e->host;
  const size_t n = sample->count;
  l->count = sample->count;
  l->width = e->width + (sample->extra != NULL);
  l->x = room (host, n * l->width);
  l->with = room (host, e->way == EST_OLS ? n * (l->width + 1) : 0);
  double **columns[] = { &l->t, &l->y, &l->weights, &l->chance, &l->others[0], &l->others[1] };
  bool all = l->x && l->with;
  for (int i = 0; i < 6; i++)
    all = (*columns[i] = room (host, n)) && all;
  l->skip = (uint8_t *)host->allocate (host, n + 1);
  if (!all || !l->skip)
    return adze_fail (host, ADZE_E_MEMORY, "no room for a sample of %zu rows", n);
  for (size_t i = 0; i < n; i++) {
    const uint32_t row = sample->rows[i];
    double *x = l->x + i * l->width;
    memcpy (x, e->x + (size_t)row * e->width, e->width * sizeof *x);
    if (sample->extra)
      x[e->width] = sample->extra[i];
    l->t[i] = e->t[sample->treated ? sample->treated[i] : row];
    l->y[i] = e->y[row];
    l->weights[i] = e->data->weights ? e->data->weights[row] : 1;
    if (e->way == EST_OLS) {
      memcpy (l->with + i * (l->width + 1), x, l->width * sizeof *x);
      l->with[i * (l->width + 1) + l->width] = l->t[i];
    }
  }
  return ADZE_OK;
}

/* ---- What a sample lacks. */

static adze_status
say_singular (const est_effect *e, uint32_t column, bool *known)
{
  if (known) {
    *known = false;
    return ADZE_OK;
  }
  if (column < e->width && column > 0)
    return adze_fail (e->host, ADZE_E_UNSUPPORTED,
                      "'%s' is, among the rows that it must tell apart, a mix of what stands in front of it in the set "
                      "that is adjusted for, or always the same; leave it out, or give more rows",
                      e->names[column]);
  return adze_fail (e->host, ADZE_E_UNSUPPORTED,
                    column == 0 ? "no row is left to compare: both values of the treatment must occur"
                                : "the treatment is a mix of what is adjusted for: nothing of it is left to compare");
}

static adze_status
say_overlap (const est_effect *e, bool *known)
{
  if (known) {
    *known = false;
    return ADZE_OK;
  }
  return adze_fail (e->host, ADZE_E_UNSUPPORTED,
                    "what is adjusted for tells without fail who is treated: nobody is like them and is not, or a value "
                    "is so far out that the chances cannot be fitted. Without such overlap no weighting can tell an "
                    "effect; adjust for less, or keep the rows that overlap");
}

static adze_status
say_few (const est_effect *e, uint32_t rows, uint32_t width, bool *known)
{
  if (known) {
    *known = false;
    return ADZE_OK;
  }
  return adze_fail (e->host, ADZE_E_UNSUPPORTED,
                    "there are %u rows to tell %u numbers from; more rows, or less to adjust for, are needed",
                    (unsigned)rows, (unsigned)width);
}

/* ---- Linear regression. */

static adze_status
by_regression (const est_effect *e, const local *l, double *out, bool *known)
{
  const est_matrix m = { .x = l->with, .y = l->y, .weights = l->weights, .count = l->count, .width = l->width + 1 };
  double beta[EST_WIDTH];
  uint32_t singular = UINT32_MAX;
  if (l->count < m.width + 1)
    return say_few (e, l->count, m.width, known);
  adze_status status = est_fit_linear (e->host, &m, beta, &singular);
  if (status != ADZE_OK)
    return status;
  if (singular != UINT32_MAX)
    return say_singular (e, singular == l->width ? EST_WIDTH : singular, known);
  *out = beta[l->width] / e->scale;
  return ADZE_OK;
}

/* ---- Weighting. */

/* Of each row: how likely it is to be treated. *BAD: it was said what lacks. */
static adze_status
find_chances (const est_effect *e, local *l, bool *known, bool *bad)
{
  const est_matrix m = { .x = l->x, .y = l->t, .weights = l->weights, .count = l->count, .width = l->width };
  double beta[EST_WIDTH];
  uint32_t singular = UINT32_MAX;
  bool separable = false;
  *bad = true;
  if (l->count < l->width + 1)
    return say_few (e, l->count, l->width, known);
  adze_status status = est_fit_logistic (e->host, &m, beta, &singular, &separable);
  if (status != ADZE_OK)
    return status;
  if (singular != UINT32_MAX)
    return say_singular (e, singular, known);
  if (separable)
    return say_overlap (e, known);
  for (uint32_t i = 0; i < l->count; i++) {
    const double p = 1 / (1 + exp (-est_dot (l->x + (size_t)i * l->width, beta, l->width)));
    l->chance[i] = fmin (fmax (p, e->clip), 1 - e->clip);
  }
  *bad = false;
  return ADZE_OK;
}

/* Each side's mean, with weights that have the sum one. */
static void
by_weighting (const local *l, double *out)
{
  double sums[2] = { 0 }, weights[2] = { 0 };
  for (uint32_t i = 0; i < l->count; i++) {
    const int side = l->t[i] > 0.5;
    const double weight = l->weights[i] / (side ? l->chance[i] : 1 - l->chance[i]);
    sums[side] += weight * l->y[i];
    weights[side] += weight;
  }
  *out = sums[1] / weights[1] - sums[0] / weights[0];
}

/* What rows of SIDE would have, for all. */
static adze_status
foretell (const est_effect *e, local *l, int side, bool *known, bool *bad)
{
  const est_matrix m = { .x = l->x, .y = l->y, .weights = l->weights, .skip = l->skip, .count = l->count,
                         .width = l->width };
  double beta[EST_WIDTH];
  uint32_t singular = UINT32_MAX, rows = 0;
  for (uint32_t i = 0; i < l->count; i++) {
    l->skip[i] = (l->t[i] > 0.5) != side;
    rows += !l->skip[i];
  }
  *bad = true;
  if (rows < l->width + 1)
    return say_few (e, rows, l->width, known);
  adze_status status = est_fit_linear (e->host, &m, beta, &singular);
  if (status != ADZE_OK)
    return status;
  if (singular != UINT32_MAX)
    return say_singular (e, singular, known);
  for (uint32_t i = 0; i < l->count; i++)
    l->others[side][i] = est_dot (l->x + (size_t)i * l->width, beta, l->width);
  *bad = false;
  return ADZE_OK;
}

/* What was foretold, and what was wrong with it among those that were seen, weighted. */
static adze_status
by_both (const est_effect *e, local *l, double *out, bool *known)
{
  double sum = 0, weights = 0;
  for (int side = 0; side < 2; side++) {
    bool bad = false;
    adze_status status = foretell (e, l, side, known, &bad);
    if (status != ADZE_OK || bad)
      return status;
  }
  for (uint32_t i = 0; i < l->count; i++) {
    const int side = l->t[i] > 0.5;
    const double wrong = l->y[i] - l->others[side][i];
    sum += l->weights[i]
           * (l->others[1][i] - l->others[0][i] + (side ? wrong / l->chance[i] : -wrong / (1 - l->chance[i])));
    weights += l->weights[i];
  }
  *out = sum / weights;
  return ADZE_OK;
}

adze_status
est_effect_estimate (const est_job *job, const est_sample *sample, double *out, bool *known)
{
  const est_effect *e = (const est_effect *)job->own;
  local l = { .count = 0 };
  bool bad = false;
  adze_status status = gather (e, sample, &l);
  if (status == ADZE_OK && e->way == EST_OLS)
    status = by_regression (e, &l, out, known);
  if (status == ADZE_OK && e->way != EST_OLS)
    status = find_chances (e, &l, known, &bad);
  if (status == ADZE_OK && e->way == EST_IPW && !bad)
    by_weighting (&l, out);
  if (status == ADZE_OK && e->way == EST_AIPW && !bad)
    status = by_both (e, &l, out, known);
  release (e->host, &l);
  return status;
}
