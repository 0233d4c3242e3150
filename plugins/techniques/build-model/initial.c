/* SPDX-License-Identifier: Apache-2.0 */
/* build-model: the numbers that weights begin with. Each is a function of the stage's seed, the
 * weight's name and its place alone. */
#include <math.h>

#include "layers.h"

enum { BLOCK = 512 };

/* Two numbers of the stream make one that is normal: number I is of 2 I and 2 I + 1. */
static double
normal_of (const uint64_t bits[2])
{
  const double turn = 6.283185307179586;
  double u = 1 - adze_random_unit (bits[0]); /* never 0 */
  return sqrt (-2 * log (u)) * cos (turn * adze_random_unit (bits[1]));
}

static double
draw (bool normal, double size, const uint64_t bits[2])
{
  return size * (normal ? normal_of (bits) : 2 * adze_random_unit (bits[0]) - 1);
}

/* COUNT numbers, to INTO or, as doubles, to DOUBLES. */
static adze_status
draw_all (const adze_host *host, const char *name, bool normal, double size, size_t count,
          float *into, double *doubles)
{
  uint64_t bits[2 * BLOCK];
  for (size_t at = 0; at < count; at += BLOCK) {
    size_t some = count - at < BLOCK ? count - at : BLOCK;
    if (!adze_random_fill (host, name, 2 * at, bits, 2 * some))
      return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s, which weights begin with",
                        ADZE_RANDOM);
    for (size_t i = 0; i < some; i++) {
      double number = draw (normal, size, bits + 2 * i);
      if (into)
        into[at + i] = (float)number;
      else
        doubles[at + i] = number;
    }
  }
  return ADZE_OK;
}

/* ---- Rows at right angles to each other, or columns where there are more rows. */

static double
product (const double *a, const double *b, size_t count, size_t step)
{
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += a[i * step] * b[i * step];
  return sum;
}

/* Takes out of vector number NUMBER what it shares with those before, and makes its length 1. */
static void
straighten (double *numbers, size_t number, size_t length, size_t step, size_t apart)
{
  double *own = numbers + number * apart;
  for (size_t i = 0; i < number; i++) {
    const double *other = numbers + i * apart;
    double shared = product (own, other, length, step);
    for (size_t k = 0; k < length; k++)
      own[k * step] -= shared * other[k * step];
  }
  double size = sqrt (product (own, own, length, step));
  for (size_t k = 0; size > 0 && k < length; k++)
    own[k * step] /= size;
}

static adze_status
fill_orthogonal (const adze_host *host, const char *name, size_t rows, size_t count, float *into)
{
  size_t columns = rows ? count / rows : 0;
  double *numbers = (double *)host->allocate (host, (count + 1) * sizeof *numbers);
  if (!numbers)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the numbers of '%s'", name);
  adze_status status = draw_all (host, name, true, 1, count, NULL, numbers);
  bool wide = rows <= columns;
  for (size_t i = 0; status == ADZE_OK && i < (wide ? rows : columns); i++)
    straighten (numbers, i, wide ? columns : rows, wide ? 1 : columns, wide ? columns : 1);
  for (size_t i = 0; i < count; i++)
    into[i] = (float)numbers[i];
  host->release (host, numbers);
  return status;
}

/* ---- By name. */

adze_status
build_fill (const adze_host *host, const char *name, build_initial initial, double spread,
            size_t rows, size_t fan_in, size_t fan_out, size_t count, float *into)
{
  double in = fan_in > 0 ? (double)fan_in : 1, both = (double)(fan_in + fan_out);
  both = both > 0 ? both : 1;
  switch (initial) {
  case BUILD_HE_NORMAL:
    return draw_all (host, name, true, sqrt (2 / in), count, into, NULL);
  case BUILD_HE_UNIFORM:
    return draw_all (host, name, false, sqrt (6 / in), count, into, NULL);
  case BUILD_XAVIER_NORMAL:
    return draw_all (host, name, true, sqrt (2 / both), count, into, NULL);
  case BUILD_XAVIER_UNIFORM:
    return draw_all (host, name, false, sqrt (6 / both), count, into, NULL);
  case BUILD_LECUN_NORMAL:
    return draw_all (host, name, true, sqrt (1 / in), count, into, NULL);
  case BUILD_LECUN_UNIFORM:
    return draw_all (host, name, false, sqrt (3 / in), count, into, NULL);
  case BUILD_FAN_IN_UNIFORM:
    return draw_all (host, name, false, sqrt (1 / in), count, into, NULL);
  case BUILD_NORMAL:
    return draw_all (host, name, true, spread, count, into, NULL);
  case BUILD_UNIFORM:
    return draw_all (host, name, false, spread, count, into, NULL);
  case BUILD_ORTHOGONAL:
    return fill_orthogonal (host, name, rows, count, into);
  default:
    for (size_t i = 0; i < count; i++)
      into[i] = initial == BUILD_ONES ? 1 : 0;
    return ADZE_OK;
  }
}
