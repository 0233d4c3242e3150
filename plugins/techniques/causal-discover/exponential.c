/* SPDX-License-Identifier: Apache-2.0 */
/* exponential.c: products and the exponential of matrices: the series of a matrix that is small enough, squared as often
 * as it was halved. */
#include <math.h>
#include <string.h>

#include "discover.h"

typedef struct multiplying {
  uint32_t n;
  const double *a, *b;
  double *c;
} multiplying;

/* Row by row, so that whichever thread has which, sums are in one order. */
static adze_status
multiply_some (void *argument, size_t first, size_t last)
{
  const multiplying *m = (const multiplying *)argument;
  const size_t n = m->n;
  for (size_t i = first; i < last; i++) {
    double *row = m->c + i * n;
    memset (row, 0, n * sizeof *row);
    for (size_t k = 0; k < n; k++) {
      const double factor = m->a[i * n + k], *other = m->b + k * n;
      for (size_t j = 0; factor != 0 && j < n; j++)
        row[j] += factor * other[j];
    }
  }
  return ADZE_OK;
}

adze_status
discover_multiply (const adze_host *host, uint32_t n, const double *a, const double *b, double *c)
{
  multiplying m = { n, a, b, c };
  return adze_parallel_for (host, n, 1 + 65536 / ((size_t)n * n), multiply_some, &m);
}

static double
norm (uint32_t n, const double *a)
{
  double largest = 0;
  for (size_t i = 0; i < n; i++) {
    double sum = 0;
    for (size_t j = 0; j < n; j++)
      sum += fabs (a[i * n + j]);
    largest = sum > largest || isnan (sum) ? sum : largest;
  }
  return largest;
}

/* What B's powers up to the third, and the unit, add to E: FACTORS / (first!, ...). */
static void
add_powers (uint32_t n, const double *const powers[3], const double factors[4], double *e)
{
  const size_t size = (size_t)n * n;
  for (size_t i = 0; i < n; i++)
    e[i * n + i] += factors[0];
  for (int k = 0; k < 3; k++)
    for (size_t i = 0; factors[k + 1] != 0 && i < size; i++)
      e[i] += factors[k + 1] * powers[k][i];
}

/* Twelve terms, by thirds: 1 + B + B^2/2 + B^3 (1/6 + ... ). */
static adze_status
series (const adze_host *host, uint32_t n, const double *const powers[3], double *e, double *room)
{
  const size_t size = (size_t)n * n;
  double factorials[13] = { 1 };
  adze_status status = ADZE_OK;
  for (int k = 1; k < 13; k++)
    factorials[k] = factorials[k - 1] / k;
  memset (e, 0, size * sizeof *e);
  for (int third = 3; status == ADZE_OK && third >= 0; third--) {
    const double factors[4] = { factorials[third * 3], factorials[third * 3 + 1], factorials[third * 3 + 2],
                                third == 3 ? factorials[12] : 0 };
    if (third < 3) {
      status = discover_multiply (host, n, e, powers[2], room);
      memcpy (e, room, size * sizeof *e);
    }
    add_powers (n, powers, factors, e);
  }
  return status;
}

adze_status
discover_exponential (const adze_host *host, uint32_t n, const double *a, double *e, double *room)
{
  const size_t size = (size_t)n * n;
  double *one = room, *two = room + size, *three = room + 2 * size, *rest = room + 3 * size;
  const double *const powers[3] = { one, two, three };
  const double whole = norm (n, a);
  int halvings = 0;
  while (whole < 1e6 && ldexp (whole, -halvings) > 0.5)
    halvings++;
  for (size_t i = 0; i < size; i++)
    one[i] = ldexp (a[i], -halvings);
  adze_status status = discover_multiply (host, n, one, one, two);
  if (status == ADZE_OK)
    status = discover_multiply (host, n, one, two, three);
  if (status == ADZE_OK)
    status = series (host, n, powers, e, rest);
  for (; status == ADZE_OK && halvings > 0; halvings--) {
    status = discover_multiply (host, n, e, e, rest);
    memcpy (e, rest, size * sizeof *e);
  }
  return status;
}
