/* SPDX-License-Identifier: Apache-2.0 */
/* prune-magnitude: intervals of keys, and the bucket that a cut lies in. */
#include "prune.h"

#include <math.h>

/* Of the least power of two that is at least VALUE, which is not 0. */
static uint32_t
log2_up (uint64_t value)
{
  uint32_t bits = 0;
  while (bits < 64 && (value - 1) >> bits != 0)
    bits++;
  return bits;
}

size_t
prune_buckets (const prune_search *search)
{
  uint64_t width = search->high - search->low;
  return width == 0 ? 0 : (size_t)((width - 1) >> search->shift) + 1;
}

/* Buckets of an interval with more than one magnitude end between two of them, so that ties are divided
 * by a round of their own. */
static uint32_t
shift_for (const prune_grain *grain, uint64_t width)
{
  uint32_t bits = log2_up (width);
  uint32_t shift = bits > grain->bits ? bits - grain->bits : 0;
  return width > PRUNE_PLACES && shift < PRUNE_PLACE_BITS ? PRUNE_PLACE_BITS : shift;
}

prune_search
prune_search_all (const prune_grain *grain, uint32_t end, uint64_t count)
{
  prune_search all = { .high = prune_key (end, 0) };
  all.shift = end == 0 ? 0 : shift_for (grain, all.high);
  all.window_high = count <= grain->listed ? all.high : 0;
  return all;
}

prune_bucket
prune_bucket_of (const uint64_t *counts, size_t buckets, uint64_t rank)
{
  prune_bucket found = { .rank = rank };
  while (found.number + 1 < buckets && counts[found.number] < found.rank)
    found.rank -= counts[found.number++];
  found.count = counts[found.number];
  found.before = found.number > 0 ? counts[found.number - 1] : found.count;
  found.after = found.number + 1 < buckets ? counts[found.number + 1] : found.count;
  return found;
}

/* Where in the bucket the cut is to be expected, from 0 to 1: as if keys became more or fewer across
 * it as evenly as from the bucket before to the one behind. */
static double
expected_place (const prune_bucket *bucket)
{
  double count = (double)bucket->count;
  double even = (double)bucket->rank / count;
  double slope = ((double)bucket->after - (double)bucket->before) / 2;
  if (slope > count || slope < -count)
    return even;
  double place = even - slope / 2 * (even * even - even) / count;
  return place < 0 ? 0 : place > 1 ? 1 : place;
}

/* So many keys on each side of that place. As far may the cut be from there if keys lie by chance, which
 * the root says, and not too unevenly; but a half of those that can be listed must be enough for both. */
static double
half_window (const prune_grain *grain, const prune_bucket *bucket)
{
  double count = (double)bucket->count, most = (double)grain->listed / 4;
  double wanted = 8 * sqrt (count) + count / 256;
  return wanted < most ? wanted : most;
}

static void
set_window (const prune_grain *grain, const prune_bucket *bucket, prune_search *next)
{
  next->window_low = next->low;
  next->window_high = next->high;
  if (bucket->count <= grain->listed)
    return;
  double buckets = (double)prune_buckets (next);
  double half = half_window (grain, bucket) / (double)bucket->count * buckets;
  double centre = expected_place (bucket) * buckets;
  uint64_t first = centre > half ? (uint64_t)(centre - half) : 0;
  uint64_t last = centre + half + 1 < buckets ? (uint64_t)(centre + half + 1) : (uint64_t)buckets;
  next->window_low = next->low + (first << next->shift);
  if (last < (uint64_t)buckets)
    next->window_high = next->low + (last << next->shift);
}

prune_search
prune_search_in (const prune_grain *grain, const prune_search *search, const prune_bucket *bucket,
                 uint64_t places)
{
  prune_search next = { .low = search->low + ((uint64_t)bucket->number << search->shift) };
  uint64_t left = search->high - next.low, width = UINT64_C (1) << search->shift;
  width = width < left ? width : left;
  /* All of one magnitude: no more places than the tensor has. */
  if (width == PRUNE_PLACES)
    width = places > 0 ? places : 1;
  next.high = next.low + width;
  next.shift = shift_for (grain, width);
  set_window (grain, bucket, &next);
  return next;
}
