/* SPDX-License-Identifier: Apache-2.0 */
/* qat: levels and steps. All of it in one order and in double precision, so that the same numbers give the same step
 * everywhere. */
#include "grid.h"

#include <math.h>
#include <string.h>

/* How many steps are tried between none and the widest; and the part of it that is the least tried. */
enum { TRIES = 100, FIRST_TRY = 5 };

bool
qat_grid_named (const char *name, bool half, qat_grid *grid)
{
  static const struct {
    const char *name;
    int low, high;
    bool both; /* may be without 0 */
    float shift;
  } known[] = {
    /* -128 is left out: the other side has no 128, and products of two such are what processors saturate at. */
    { "int8", -127, 127, false, 0 }, { "int4", -8, 7, true, 0 },  { "int3", -4, 3, true, 0 },
    { "int2", -2, 1, true, 0 },      { "ternary", -1, 1, false, 0 }, { "binary", -1, 0, false, .5f },
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp (known[i].name, name) == 0) {
      *grid = (qat_grid){ known[i].low, known[i].high, known[i].both && half ? .5f : known[i].shift };
      return true;
    }
  return false;
}

/* As the nodes of a network do it, operation by operation. */
float
qat_grid_level (const qat_grid *grid, float number, float step)
{
  float place = number / step - grid->shift;
  float low = (float)grid->low, high = (float)grid->high;
  place = place < low ? low : place > high ? high : place;
  return rintf (place) + grid->shift;
}

int
qat_grid_code (const qat_grid *grid, float number, float step)
{
  float level = qat_grid_level (grid, number, step);
  return (int)(grid->shift != 0 ? 2 * level : level);
}

double
qat_grid_widest (const qat_grid *grid, double most)
{
  return most / ((double)grid->high + (double)grid->shift);
}

static double
error_of (const qat_grid *grid, const float *numbers, size_t count, size_t stride, float step)
{
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    double off = (double)numbers[i * stride] - (double)(qat_grid_level (grid, numbers[i * stride], step) * step);
    sum += off * off;
  }
  return sum;
}

double
qat_grid_nearest (const qat_grid *grid, const float *numbers, size_t count, size_t stride)
{
  double most = 0, best = 0, least = INFINITY;
  for (size_t i = 0; i < count; i++)
    most = fmax (most, fabs ((double)numbers[i * stride]));
  double widest = qat_grid_widest (grid, most);
  for (int i = FIRST_TRY; widest > 0 && i <= TRIES; i++) {
    double step = widest * i / TRIES;
    double error = (float)step > 0 ? error_of (grid, numbers, count, stride, (float)step) : INFINITY;
    if (error < least) {
      least = error;
      best = step;
    }
  }
  return best;
}

/* ---- Of what flows through. */

/* All of a bin stands in its middle. */
static double
histogram_error (const uint64_t *counts, size_t bins, double range, int levels, double cut)
{
  double sum = 0, step = cut / levels;
  for (size_t i = 0; i < bins; i++) {
    if (counts[i] == 0)
      continue;
    double at = ((double)i + .5) * range / (double)bins;
    double level = rint (at / step);
    double off = at - (level > levels ? levels : level) * step;
    sum += (double)counts[i] * off * off;
  }
  return sum;
}

double
qat_range_nearest (const uint64_t *counts, size_t bins, double range, int levels)
{
  double best = range, least = INFINITY;
  for (int i = FIRST_TRY; i <= TRIES; i++) {
    double cut = range * i / TRIES, error = histogram_error (counts, bins, range, levels, cut);
    if (error < least) {
      least = error;
      best = cut;
    }
  }
  return best;
}

double
qat_range_share (const uint64_t *counts, size_t bins, double range, double share)
{
  double all = 0, so_far = 0;
  for (size_t i = 0; i < bins; i++)
    all += (double)counts[i];
  for (size_t i = 0; i < bins; i++) {
    so_far += (double)counts[i];
    if (so_far >= share * all)
      return ((double)i + 1) * range / (double)bins;
  }
  return range;
}
