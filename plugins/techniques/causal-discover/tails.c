/* SPDX-License-Identifier: Apache-2.0 */
/* tails.c: how likely it is that a statistic comes out as large by chance. */
#include <math.h>

#include "discover.h"

double
discover_normal_tail (double z)
{
  return erfc (fabs (z) / sqrt (2.0));
}

/* ---- The regularised incomplete gamma function, by its series below and by its continued fraction above. */

enum { TERMS = 100000 };

/* x^a e^-x / Gamma(a + 1) */
static double
leading (double a, double x)
{
  int sign;
  return exp (a * log (x) - x - lgamma_r (a + 1, &sign));
}

static double
lower_by_series (double a, double x)
{
  double term = 1, sum = 1;
  for (int i = 1; i < TERMS && term > sum * 1e-17; i++) {
    term *= x / (a + i);
    sum += term;
  }
  return leading (a, x) * sum;
}

/* From the front, by Lentz's way of doing it. */
static double
upper_by_fraction (double a, double x)
{
  const double tiny = 1e-300;
  double b = x + 1 - a, c = 1 / tiny, d = 1 / b, value = d;
  for (int i = 1; i < TERMS; i++) {
    const double numerator = -i * (i - a);
    b += 2;
    d = numerator * d + b;
    d = 1 / (fabs (d) < tiny ? tiny : d);
    c = b + numerator / c;
    c = fabs (c) < tiny ? tiny : c;
    value *= d * c;
    if (fabs (d * c - 1) < 1e-16)
      break;
  }
  return leading (a, x) * a * value;
}

double
discover_chi_square_tail (double x, double degrees)
{
  const double a = degrees / 2, half = x / 2;
  if (!(half > 0))
    return 1;
  return half < a + 1 ? 1 - lower_by_series (a, half) : upper_by_fraction (a, half);
}
