/* SPDX-License-Identifier: Apache-2.0 */
/* int_range.c: from where to where codes go: as far as numbers do, or less far where a rule finds that finer
 * steps are worth what is cut off. */
#include "int.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* What a range is judged by: the numbers themselves, or how many there are of which size. */
typedef struct crowd {
  const int_way *way;
  const float *values; /* NULL: bins alone */
  uint64_t count;
  struct {
    const int_bin *bins;
    uint64_t count;
  } sides[2]; /* above zero or all, and below it */
} crowd;

/* ---- MSE. */

/* What rounding costs up to T steps from zero, summed up, when there are LIMIT of them: squares. */
static double
cost_up_to (double t, double limit)
{
  double inside = t < limit ? t : limit, whole = rint (inside), rest = inside - whole;
  double beyond = t - inside;
  return whole / 12 + rest * rest * rest / 3 + beyond * beyond * beyond / 3;
}

/* Numbers of a bin are taken to lie evenly in it. */
static double
squares_of_side (const int_bin *bins, uint64_t count, double scale, double limit)
{
  double sum = 0;
  for (uint64_t i = 0; i < count; i++) {
    double low = (double)bins[i].low / scale, high = (double)bins[i].high / scale;
    double cost;
    if (high > low)
      cost = (cost_up_to (high, limit) - cost_up_to (low, limit)) / (high - low);
    else {
      double code = rint (high < limit ? high : limit);
      cost = (high - code) * (high - code);
    }
    sum += (double)bins[i].count * cost;
  }
  return sum * scale * scale;
}

static double
squares (const crowd *c, int_cell cell)
{
  double sum = 0;
  if (c->values)
    return int_squares (c->way, cell, c->values, c->count);
  for (uint32_t i = 0; i < int_side_count (c->way); i++)
    sum += squares_of_side (c->sides[i].bins, c->sides[i].count, (double)cell.scale,
                            (double)int_steps (c->way, cell, i == 1));
  return sum;
}

/* ---- Entropy: how far what codes say of the numbers' distribution is from what it was (Kullback and Leibler's
 * measure). Of the numbers of a code nothing is known but how many there are, so they are taken to be spread evenly
 * over its level, half a step to both sides; those beyond the last level are in truth in it, and in the codes' word
 * they are not. */

/* A level's numbers are taken apart into bins of so many, or more: by fewer, how they lie is not known. So the fewer
 * numbers there are the fewer bins, and of less than two nothing is known. FEWEST: numbers for each code that must be
 * there. */
enum { ENOUGH = 64, FEWEST = 4 };

typedef struct spread {
  double all, kept; /* numbers; those that are not cut off */
  double sum;       /* of count * log (count / what the code says) */
} spread;

typedef struct level {
  const int_bin *bins; /* buckets, or single numbers, which have no width */
  uint64_t count;
  double low, high;
} level;

/* Bins that chance alone makes uneven diverge, too: by half a number each, but for one, which is taken off. CUT are
 * the numbers beyond, where this is the last level. */
static void
add_level (spread *s, level l, double numbers, double cut)
{
  double begin = l.low, held = 0, left = numbers;
  for (uint64_t i = 0; i < l.count; i++) {
    bool last = i + 1 == l.count;
    held += (double)l.bins[i].count;
    if (!last && (held < ENOUGH || left - held < ENOUGH || l.bins[i + 1].high == l.bins[i].high
                  || (double)l.bins[i].high <= begin))
      continue;
    double end = last ? l.high : (double)l.bins[i].high, is = held + (last ? cut : 0);
    s->sum += is * log (is / ((end - begin) / (l.high - l.low) * numbers)) - (last ? 0 : 0.5);
    left -= held;
    begin = end;
    held = 0;
  }
  /* As if there were half a number that could stand for those that were cut off. */
  if (l.count == 0 && cut > 0)
    s->sum += cut * log (2 * cut);
  s->kept += numbers;
  s->all += numbers + cut;
}

/* Of a bucket, though the greatest number may lie at its beginning. */
static double
end_of (const int_bin *bin)
{
  return (double)(bin->low > 0 ? int_bucket_end (int_bucket_of (bin->low)) : bin->high);
}

/* From where to where numbers of a level lie: half a step to both sides; where there are buckets, they are it. */
static void
bound_level (const crowd *c, level *l)
{
  const int_bin *last = l->bins + l->count - 1;
  l->high = fmax (l->high, (double)last->high);
  if (c->values)
    return;
  l->low = (double)l->bins->low;
  l->high = end_of (last);
}

static void
spread_side (spread *s, const crowd *c, uint32_t side, int_cell cell)
{
  const int_bin *bins = c->sides[side].bins, *end = bins + c->sides[side].count;
  uint32_t steps = int_steps (c->way, cell, side == 1);
  double high = 0;
  for (uint32_t step = 0; step <= steps; step++) {
    level l = { .bins = bins, .low = high };
    double numbers = 0, cut = 0;
    l.high = high = (step + 0.5) * (double)cell.scale;
    /* Scales are rounded: what is at the end of the last one may be a little further. */
    double past = step < steps ? high : high * (1 + 0x1p-20);
    for (; bins < end && ((double)bins->low + (double)bins->high) / 2 < past; bins++)
      numbers += (double)bins->count;
    l.count = (uint64_t)(bins - l.bins);
    if (l.count > 0)
      bound_level (c, &l);
    for (const int_bin *b = bins; step == steps && b < end; b++)
      cut += (double)b->count;
    add_level (s, l, numbers, cut);
  }
}

static double
divergence (const crowd *c, int_cell cell)
{
  spread s = { 0 };
  for (uint32_t i = 0; i < int_side_count (c->way); i++)
    spread_side (&s, c, i, cell);
  return s.kept > 0 ? s.sum / s.all + log (s.kept / s.all) : s.all > 0 ? HUGE_VAL : 0;
}

/* ---- Looking for the range that costs least. */

static uint64_t
numbers_of (const crowd *c)
{
  uint64_t numbers = 0;
  for (uint32_t i = 0; i < 2; i++)
    for (uint64_t k = 0; k < c->sides[i].count; k++)
      numbers += c->sides[i].bins[k].count;
  return numbers;
}

/* How far a side goes when GOES of its numbers, or fewer, are beyond. */
static float
reach (const int_bin *bins, uint64_t count, uint64_t goes)
{
  while (count > 0 && bins[count - 1].count <= goes)
    goes -= bins[--count].count;
  return count > 0 ? bins[count - 1].high : 0;
}

/* Octaves that a range is looked for in, and ranges an octave at first: then as many between the best one's
 * neighbours. */
enum { LOOKED_AT = 12, EACH = 8 };

static float
eighths (uint32_t count)
{
  static const float roots[EACH] = { 1, 0x1.d5818ep-1f, 0x1.ae89fap-1f, 0x1.8ace54p-1f,
                                     0x1.6a09e6p-1f, 0x1.4bfdaep-1f, 0x1.306fe0p-1f, 0x1.172b84p-1f };
  return ldexpf (roots[count % EACH], -(int)(count / EACH));
}

typedef double price (const crowd *c, int_cell cell);

typedef struct search {
  const crowd *crowd;
  price *price;
  int_range all;
  int_range least; /* shares of it that are looked at, at least */
  float low, high; /* the best shares so far */
  double cost;
} search;

static void
try_shares (search *s, float low, float high)
{
  low = low > s->least.low ? low : s->least.low;
  high = high > s->least.high ? high : s->least.high;
  const int_range range = { s->all.low * low, s->all.high * high };
  double cost = s->price (s->crowd, int_cell_for (s->crowd->way, range));
  if (cost < s->cost) {
    s->cost = cost;
    s->low = low;
    s->high = high;
  }
}

/* The sides that move, from the whole range down; the other one stays as far out as it was found best. */
static void
move (search *s, bool low, bool high)
{
  float stays_low = s->low, stays_high = s->high;
  for (uint32_t i = 0; i <= LOOKED_AT * EACH; i++) {
    float share = eighths (i);
    try_shares (s, low ? share : stays_low, high ? share : stays_high);
    if ((!low || share <= s->least.low) && (!high || share <= s->least.high))
      break;
  }
  float best_low = s->low, best_high = s->high;
  for (int32_t i = -EACH + 1; i < EACH; i++) {
    float share = 1 + (float)i / 96;
    float next_low = best_low * (low ? share : 1), next_high = best_high * (high ? share : 1);
    if (i != 0 && next_low <= 1 && next_high <= 1)
      try_shares (s, next_low, next_high);
  }
}

/* ROUNDS: how often sides that are not symmetric are each looked for, given the other one. */
static int_range
cheapest (const crowd *c, int_range all, int_range least, uint32_t rounds, price *of)
{
  search s = { c, of, all, least, 1, 1, of (c, int_cell_for (c->way, all)) };
  move (&s, true, true);
  bool two = !c->way->symmetric && all.low < 0 && all.high > 0;
  for (uint32_t i = 0; two && i < rounds; i++) {
    move (&s, true, false);
    move (&s, false, true);
  }
  return (int_range){ all.low * s.low, all.high * s.high };
}

/* ---- Percentile. */

/* Numbers that may be cut off at a side, of COUNT; a little more, since shares are not written exactly. */
static uint64_t
may_go (const int_way *way, uint64_t count)
{
  double share = (100 - way->percentile) / 100 / (way->symmetric ? 1 : 2);
  return (uint64_t)(share * (double)count + 1e-9);
}

static int_range
percentile (const crowd *c)
{
  uint64_t goes = may_go (c->way, numbers_of (c));
  float high = reach (c->sides[0].bins, c->sides[0].count, goes);
  return (int_range){ c->way->symmetric ? -high : -reach (c->sides[1].bins, c->sides[1].count, goes), high };
}

/* No more is cut off than a code has of all if each has as many: whatever else the measure says, most of a tensor is
 * never lost. */
static int_range
by_entropy (const crowd *c, int_range all)
{
  bool symmetric = c->way->symmetric;
  uint64_t numbers = numbers_of (c), goes = numbers >> c->way->bits;
  if (goes < FEWEST || numbers < 2 * ENOUGH)
    return all;
  goes /= symmetric ? 1 : 2;
  float high = reach (c->sides[0].bins, c->sides[0].count, goes);
  float low = symmetric ? high : reach (c->sides[1].bins, c->sides[1].count, goes);
  if (symmetric)
    all = (int_range){ -fmaxf (all.high, -all.low), fmaxf (all.high, -all.low) };
  const int_range least = { all.low < 0 ? low / -all.low : 1, all.high > 0 ? high / all.high : 1 };
  /* Two, since what one side cuts off at first makes the other one's steps count for less. */
  return cheapest (c, all, least, 2, divergence);
}

static int_range
range_of (const crowd *c, int_range all)
{
  switch (c->way->rule) {
  case INT_PERCENTILE:
    return percentile (c);
  case INT_MSE:
    return cheapest (c, all, (int_range){ 0 }, 1, squares);
  case INT_ENTROPY:
    return by_entropy (c, all);
  default:
    return all;
  }
}

/* ---- Bins of numbers that are at hand. */

static int
by_size (const void *a, const void *b)
{
  float left = ((const int_bin *)a)->high, right = ((const int_bin *)b)->high;
  return left < right ? -1 : left > right;
}

/* Each number of a side is a bin of its own. */
static uint64_t
single (const int_way *way, const float *values, uint64_t count, bool below, int_bin *bins)
{
  uint64_t made = 0;
  for (uint64_t i = 0; i < count; i++) {
    float size = fabsf (values[i]);
    if (size > 0 && (way->symmetric || (values[i] < 0) == below))
      bins[made++] = (int_bin){ size, size, 1 };
  }
  if (made > 1)
    qsort (bins, made, sizeof *bins, by_size);
  return made;
}

int_range
int_range_of_values (const int_way *way, const float *values, uint64_t count, int_bin *room)
{
  int_range all = int_extremes (values, count);
  crowd c = { .way = way, .values = values, .count = count };
  if (way->rule == INT_MIN_MAX)
    return all;
  for (uint32_t i = 0; way->rule != INT_MSE && i < int_side_count (way); i++) {
    uint64_t made = single (way, values, count, i == 1, room);
    c.sides[i].bins = room;
    c.sides[i].count = made;
    room += made;
  }
  return range_of (&c, all);
}

/* To the end of the bucket that it lies in, so that it is known how many numbers are beyond. */
static float
to_bucket_end (float size, float most)
{
  float end = size > 0 ? int_bucket_end (int_bucket_of (nextafterf (size, 0))) : 0;
  return end < most ? end : most;
}

int_range
int_range_of_seen (const int_way *way, const int_seen *seen, int_bin *room)
{
  crowd c = { .way = way };
  for (uint32_t i = 0; i < int_side_count (way); i++) {
    c.sides[i].bins = room;
    c.sides[i].count = int_bins_of (&seen->sides[i], room);
    room += c.sides[i].count;
  }
  int_range all = int_seen_extremes (way, seen), range = range_of (&c, all);
  return (int_range){ -to_bucket_end (-range.low, -all.low), to_bucket_end (range.high, all.high) };
}
