/* SPDX-License-Identifier: Apache-2.0 */
/* fisher.c: independence of numbers: their partial correlation, by Fisher's z. */
#include <math.h>
#include <string.h>

#include "discover.h"

/* What is left of a column's variance below this is not told from nothing. */
static const double least_left = 1e-10;

/* ---- Correlations, once for all tests. */

typedef struct correlating {
  const discover_data *data;
  double *correlations;
} correlating;

/* Four sums, so that the processor need not wait for the last one. */
static double
product (const double *left, const double *right, size_t count)
{
  double sums[4] = { 0, 0, 0, 0 };
  size_t i = 0;
  for (; i + 4 <= count; i += 4)
    for (int k = 0; k < 4; k++)
      sums[k] += left[i + (size_t)k] * right[i + (size_t)k];
  for (; i < count; i++)
    sums[0] += left[i] * right[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

static adze_status
correlate_some (void *argument, size_t first, size_t last)
{
  const correlating *c = (const correlating *)argument;
  const size_t rows = c->data->rows, count = c->data->count;
  for (size_t i = first; i < last; i++)
    for (size_t j = i + 1; j < count; j++) {
      const double *left = c->data->numbers + i * rows, *right = c->data->numbers + j * rows;
      double r = product (left, right, rows) / (double)rows;
      r = r > 1 ? 1 : r < -1 ? -1 : r;
      c->correlations[i * count + j] = c->correlations[j * count + i] = r;
    }
  return ADZE_OK;
}

adze_status
discover_correlate (const discover_run *r, const discover_data *data, double **correlations)
{
  const size_t count = data->count;
  adze_status status
      = discover_room (r->host, count * count, sizeof (double), "the correlations of all columns", correlations);
  if (status != ADZE_OK)
    return status;
  for (size_t i = 0; i < count; i++)
    (*correlations)[i * count + i] = 1;
  correlating c = { data, *correlations };
  return adze_parallel_for (r->host, count, 4, correlate_some, &c);
}

/* ---- Columns that others make superfluous. */

/* Which of the columns before NODE say the most of it; ROW is its row of the factor. */
static uint32_t
most_alike (const double *correlations, uint32_t count, uint32_t node)
{
  uint32_t most = node == 0 ? 1 : 0;
  for (uint32_t i = 0; i < count; i++)
    if (i != node && fabs (correlations[(size_t)node * count + i]) > fabs (correlations[(size_t)node * count + most]))
      most = i;
  return most;
}

adze_status
discover_check_singular (const discover_run *r, const double *correlations)
{
  const uint32_t count = r->count;
  double *factor = NULL;
  if (r->data.rows <= count)
    return ADZE_OK; /* it cannot be otherwise; tests that need less may still be made */
  adze_status status
      = discover_room (r->host, (size_t)count * count, sizeof *factor, "a factor of the correlations", &factor);
  for (uint32_t i = 0; status == ADZE_OK && i < count; i++) {
    double *row = factor + (size_t)i * count, left = 1;
    for (uint32_t j = 0; j < i; j++) {
      const double *other = factor + (size_t)j * count;
      row[j] = (correlations[(size_t)i * count + j] - product (row, other, j)) / other[j];
      left -= row[j] * row[j];
    }
    if (left < least_left)
      status = adze_fail (r->host, ADZE_E_FORMAT,
                          "the covariance is singular: the column '%s' is a linear function of others in front of it in "
                          "the order of names (it is most like '%s', correlation %.6g), so that nothing tells what comes "
                          "of it alone; leave one of them out by the parameter 'columns'",
                          r->names[i], r->names[most_alike (correlations, count, i)],
                          correlations[(size_t)i * count + most_alike (correlations, count, i)]);
    row[i] = left > 0 ? sqrt (left) : 0;
  }
  r->host->release (r->host, factor);
  return status;
}

/* ---- A test. The given ones are factored; what they leave of x and y is correlated. */

size_t
discover_fisher_scratch (const discover_tester *tester, uint32_t given_count)
{
  (void)tester;
  return (size_t)(given_count + 2) * (given_count + 2) * sizeof (double);
}

static adze_status
refuse_singular (const discover_tester *tester, const discover_ask *ask, uint32_t node)
{
  return adze_fail (tester->r->host, ADZE_E_FORMAT,
                    "the covariance is singular: '%s' is a linear function of the %u columns that the test of '%s' and "
                    "'%s' holds fixed ('%s'%s); leave one of them out by the parameter 'columns'",
                    tester->r->names[node], ask->given_count, tester->r->names[ask->x], tester->r->names[ask->y],
                    ask->given_count ? tester->r->names[ask->given[0]] : "", ask->given_count > 1 ? ", ..." : "");
}

adze_status
discover_fisher_ask (const discover_tester *tester, const discover_ask *ask, void *scratch, double *p)
{
  const uint32_t given = ask->given_count, stride = given + 2, count = tester->data->count;
  double *factor = (double *)scratch, *last = factor + (size_t)(given + 1) * stride;
  *p = 0;
  for (uint32_t i = 0; i < stride; i++) {
    const uint32_t node = i < given ? ask->given[i] : i == given ? ask->x : ask->y;
    double *row = factor + (size_t)i * stride, left = 1;
    for (uint32_t j = 0; j < i; j++) {
      const uint32_t other = j < given ? ask->given[j] : ask->x;
      const double *before = factor + (size_t)j * stride;
      double sum = tester->correlations[(size_t)node * count + other];
      for (uint32_t k = 0; k < j; k++)
        sum -= row[k] * before[k];
      row[j] = sum / before[j];
      left -= i == given + 1 && j == given ? 0 : row[j] * row[j];
    }
    if (left < least_left)
      return tester->draws ? ADZE_OK : refuse_singular (tester, ask, node);
    row[i] = sqrt (left);
  }
  double r = last[given] / last[given + 1];
  r = r > 1 ? 1 : r < -1 ? -1 : r;
  *p = discover_normal_tail (sqrt ((double)tester->data->rows - given - 3) * atanh (r));
  return ADZE_OK;
}
