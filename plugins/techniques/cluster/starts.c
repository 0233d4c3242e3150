/* SPDX-License-Identifier: Apache-2.0 */
/* Codebooks that Lloyd's steps begin with, and the steps. All of them read the sums that were made for
 * the exact one: a step takes as many searches as there are values, and looks at no number. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kmeans1d.h"

/* Equal ones are one. */
static uint32_t
keep_different (double *centres, uint32_t count)
{
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++)
    if (kept == 0 || centres[kept - 1] < centres[i])
      centres[kept++] = centres[i];
  return kept;
}

uint32_t
kmeans1d_linear (const kmeans1d *k, uint32_t wanted, double *centres)
{
  double least = kmeans1d_value (k, 0), most = kmeans1d_value (k, k->count - 1);
  if (wanted == 1) {
    centres[0] = kmeans1d_middle (least, most);
    return 1;
  }
  for (uint32_t i = 0; i < wanted; i++) {
    double share = (double)i / (wanted - 1);
    centres[i] = least * (1 - share) + most * share;
  }
  return keep_different (centres, wanted);
}

/* The point that has the number of this rank, from 0. */
static uint32_t
ranked (const kmeans1d *k, double rank)
{
  uint32_t low = 0, high = k->count - 1;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (k->sums[middle + 1].weight > rank)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

uint32_t
kmeans1d_density (const kmeans1d *k, uint32_t wanted, double *centres)
{
  double all = k->sums[k->count].weight;
  for (uint32_t i = 0; i < wanted; i++)
    centres[i] = kmeans1d_value (k, ranked (k, floor ((i + 0.5) / wanted * all)));
  return keep_different (centres, wanted);
}

static int
by_number (const void *left, const void *right)
{
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

uint32_t
kmeans1d_random (const kmeans1d *k, uint32_t wanted, const double *draws, double *centres)
{
  for (uint32_t i = 0; i < wanted; i++)
    centres[i] = kmeans1d_value (k, ranked (k, floor (draws[i] * k->sums[k->count].weight)));
  qsort (centres, wanted, sizeof *centres, by_number);
  return keep_different (centres, wanted);
}

/* ---- k-means++. Each centre has a region: the points that are nearest to it. */

typedef struct region {
  uint32_t centre; /* a point */
  uint32_t end;
  double cost;
} region;

/* What the points FIRST to LAST - 1 cost with a centre. */
static double
cost_around (const kmeans1d *k, uint32_t first, uint32_t last, uint32_t centre)
{
  const kmeans1d_sum *from = &k->sums[first], *to = &k->sums[last];
  double x = kmeans1d_value (k, centre) * k->scale - k->centre;
  double squares = to->second - from->second
                   - x * (2 * (to->first - from->first) - x * (to->weight - from->weight));
  return squares > 0 ? squares : 0;
}

static uint32_t
begin_of (const region *regions, uint32_t at)
{
  return at > 0 ? regions[at - 1].end : 0;
}

static void
measure (const kmeans1d *k, region *regions, uint32_t count, uint32_t at)
{
  region *r = &regions[at];
  r->end = at + 1 == count
               ? k->count
               : kmeans1d_above (k, kmeans1d_middle (kmeans1d_value (k, r->centre),
                                                     kmeans1d_value (k, regions[at + 1].centre)));
  r->cost = cost_around (k, begin_of (regions, at), r->end, r->centre);
}

/* The point at which the cost of a region has come to a share. */
static uint32_t
point_at (const kmeans1d *k, uint32_t first, const region *r, double share)
{
  uint32_t low = first, high = r->end - 1;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (cost_around (k, first, middle + 1, r->centre) > share)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* Puts a new centre where it belongs; only its region and those beside it become others. */
static void
insert (const kmeans1d *k, region *regions, uint32_t count, uint32_t at, uint32_t point)
{
  at += count > 0 && point > regions[at].centre;
  memmove (&regions[at + 1], &regions[at], (count - at) * sizeof *regions);
  regions[at].centre = point;
  for (uint32_t i = at ? at - 1 : 0; i < at + 2 && i <= count; i++)
    measure (k, regions, count + 1, i);
}

static double
cost_of_all (const region *regions, uint32_t count)
{
  double all = 0;
  for (uint32_t i = 0; i < count; i++)
    all += regions[i].cost;
  return all;
}

uint32_t
kmeans1d_plus_plus (const kmeans1d *k, uint32_t wanted, const double *draws, double *centres)
{
  region regions[KMEANS1D_MOST];
  uint32_t count = 1;
  insert (k, regions, 0, 0, ranked (k, floor (draws[0] * k->sums[k->count].weight)));
  for (double all; count < wanted && (all = cost_of_all (regions, count)) > 0; count++) {
    double share = draws[count] * all;
    uint32_t at = 0;
    for (; at + 1 < count && share >= regions[at].cost; at++)
      share -= regions[at].cost;
    insert (k, regions, count, at, point_at (k, begin_of (regions, at), &regions[at], share));
  }
  for (uint32_t i = 0; i < count; i++)
    centres[i] = kmeans1d_value (k, regions[i].centre);
  return keep_different (centres, count);
}

/* ---- Lloyd's steps. */

static bool
find_ends (const kmeans1d *k, const double *centres, uint32_t count, uint32_t *ends)
{
  bool moved = false;
  for (uint32_t i = 1; i < count; i++) {
    uint32_t end = kmeans1d_above (k, kmeans1d_middle (centres[i - 1], centres[i]));
    moved |= end != ends[i];
    ends[i] = end;
  }
  return moved;
}

uint32_t
kmeans1d_lloyd (const kmeans1d *k, uint32_t count, uint32_t times, uint32_t *ends, double *centres)
{
  uint32_t time = 0;
  ends[0] = 0;
  ends[count] = k->count;
  for (uint32_t i = 1; i < count; i++)
    ends[i] = UINT32_MAX;
  for (; time < times && (find_ends (k, centres, count, ends) || time == 0); time++)
    for (uint32_t i = 0; i < count; i++)
      if (ends[i] < ends[i + 1])
        centres[i] = kmeans1d_mean (k, ends[i], ends[i + 1]);
  return time;
}
