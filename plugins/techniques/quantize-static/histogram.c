/* SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

#include <math.h>
#include <string.h>

/* ---- Counting. */

/* Bins of twice the width are pairs of those that were. */
static void
widen_side (uint64_t *bins)
{
  for (size_t i = 0; i < HISTOGRAM_BINS / 2; i++)
    bins[i] = bins[2 * i] + bins[2 * i + 1];
  memset (bins + HISTOGRAM_BINS / 2, 0, HISTOGRAM_BINS / 2 * sizeof *bins);
}

static void
fit (histogram *h, double size)
{
  int exponent;
  if (h->range == 0) {
    frexp (size, &exponent);
    h->range = ldexp (1, exponent);
  }
  while (size >= h->range) {
    widen_side (h->above);
    widen_side (h->below);
    h->range *= 2;
  }
}

static void
count_number (histogram *h, double number)
{
  double size = fabs (number);
  if (size == 0) {
    h->zeros++;
    return;
  }
  if (size >= h->range)
    fit (h, size);
  size_t bin = (size_t)(size / h->range * HISTOGRAM_BINS);
  (number > 0 ? h->above : h->below)[bin]++;
}

void
histogram_add (histogram *h, const float *numbers, size_t count, double share)
{
  double low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < count; i++) {
    double number = (double)numbers[i];
    if (!isfinite (number)) {
      h->not_finite++;
      continue;
    }
    low = number < low ? number : low;
    high = number > high ? number : high;
    h->count++;
    count_number (h, number);
  }
  if (low > high)
    return;
  bool first = h->batches++ == 0;
  h->least = first || low < h->least ? low : h->least;
  h->most = first || high > h->most ? high : h->most;
  h->low = first ? low : h->low + share * (low - h->low);
  h->high = first ? high : h->high + share * (high - h->high);
}

/* ---- Ranges. */

/* No wider than what was seen, and with 0 in it, since zeros must have a code. */
static histogram_range
within (const histogram *h, double low, double high)
{
  low = low > h->least ? low : h->least;
  high = high < h->most ? high : h->most;
  return (histogram_range){ .low = low < 0 ? low : 0, .high = high > 0 ? high : 0 };
}

histogram_range
histogram_min_max (const histogram *h)
{
  return within (h, h->least, h->most);
}

histogram_range
histogram_moving (const histogram *h)
{
  return within (h, h->low, h->high);
}

/* The outer edge of the bin beyond which at most BEYOND numbers of this side lie; 0: all of them do. */
static double
edge_of (const uint64_t *bins, double range, double beyond)
{
  double passed = 0;
  for (size_t i = HISTOGRAM_BINS; i-- > 0;) {
    passed += (double)bins[i];
    if (passed > beyond)
      return range * (double)(i + 1) / HISTOGRAM_BINS;
  }
  return 0;
}

histogram_range
histogram_percentile (const histogram *h, double percentile)
{
  double beyond = (double)h->count * (100 - percentile) / 100;
  return within (h, -edge_of (h->below, h->range, beyond), edge_of (h->above, h->range, beyond));
}

/* ---- Entropy: the size beyond which numbers are cut off, so that their codes tell the most of how they are spread. */

/* What KEPT bins of SIZES tell less of all of them once they are LEVELS codes: numbers beyond become the outermost, and
 * those of one code are spread evenly over its bins that have any. */
static double
divergence (const double *sizes, size_t kept, size_t levels, double total)
{
  double inside = 0, sum = 0, expected = 0;
  for (size_t i = 0; i < kept; i++)
    inside += sizes[i];
  double outside = total - inside;
  for (size_t level = 0; level < levels; level++) {
    size_t first = level * kept / levels, last = (level + 1) * kept / levels;
    double mass = 0, filled = 0;
    for (size_t i = first; i < last; i++) {
      mass += sizes[i];
      filled += sizes[i] > 0;
    }
    for (size_t i = first; i < last; i++) {
      double p = sizes[i] + (i + 1 == kept ? outside : 0), q = filled > 0 && sizes[i] > 0 ? mass / filled : 0;
      if (p > 0 && q == 0)
        q = 1e-4; /* of what nothing is told, a little: no number is to be infinite */
      expected += q;
      sum += p > 0 ? p * log (p / q) : 0;
    }
  }
  /* Of sums that differ, since what is beyond is in one of them alone: so what nothing is told of costs, too. */
  return sum + expected - total;
}

histogram_range
histogram_entropy (const histogram *h, unsigned codes)
{
  double sizes[HISTOGRAM_BINS], total = 0, least = INFINITY;
  size_t best = HISTOGRAM_BINS, used = 0;
  size_t levels = h->least < 0 && h->most > 0 ? codes / 2 : codes;
  for (size_t i = 0; i < HISTOGRAM_BINS; i++) {
    sizes[i] = (double)(h->above[i] + h->below[i]);
    total += sizes[i];
    used = sizes[i] > 0 ? i + 1 : used;
  }
  for (size_t kept = levels; total > 0 && kept <= used; kept++) {
    double lost = divergence (sizes, kept, levels, total);
    if (lost < least) {
      least = lost;
      best = kept;
    }
  }
  double edge = h->range * (double)best / HISTOGRAM_BINS;
  return within (h, -edge, edge);
}

/* ---- Least squares. */

typedef struct grid {
  double low, high, step;
} grid;

static grid
grid_of (double low, double high, unsigned codes, bool symmetric)
{
  double most = -low > high ? -low : high;
  if (symmetric)
    return (grid){ .low = -most, .high = most, .step = most / (double)(codes / 2 - 1) };
  return (grid){ .low = low, .high = high, .step = (high - low) / (double)(codes - 1) };
}

static double
squares_of_side (const uint64_t *bins, double width, double sign, const grid *g)
{
  double sum = 0;
  for (size_t i = 0; i < HISTOGRAM_BINS; i++) {
    if (bins[i] == 0)
      continue;
    double x = sign * ((double)i + 0.5) * width;
    double y = nearbyint (x / g->step) * g->step;
    y = y < g->low ? g->low : y > g->high ? g->high : y;
    sum += (double)bins[i] * (x - y) * (x - y);
  }
  return sum;
}

static double
squares (const histogram *h, double low, double high, unsigned codes, bool symmetric)
{
  grid g = grid_of (low, high, codes, symmetric);
  double width = h->range / HISTOGRAM_BINS;
  return g.step > 0 ? squares_of_side (h->above, width, 1, &g) + squares_of_side (h->below, width, -1, &g)
                    : INFINITY;
}

/* One end after the other, and once more, from all of what was seen inwards. */
histogram_range
histogram_mse (const histogram *h, unsigned codes, bool symmetric)
{
  enum { PARTS = 100, ROUNDS = 2 };
  histogram_range all = histogram_min_max (h), best = all;
  double least = squares (h, all.low, all.high, codes, symmetric);
  for (int turn = 0; turn < 2 * ROUNDS; turn++) {
    bool upper = turn % 2 == 0;
    histogram_range from = best;
    for (int part = 1; part < PARTS; part++) {
      histogram_range tried = from;
      if (upper)
        tried.high = all.high * part / PARTS;
      else
        tried.low = all.low * part / PARTS;
      double sum = squares (h, tried.low, tried.high, codes, symmetric);
      if (sum < least) {
        least = sum;
        best = tried;
      }
    }
  }
  return within (h, best.low, best.high);
}
