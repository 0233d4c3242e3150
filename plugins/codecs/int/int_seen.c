/* SPDX-License-Identifier: Apache-2.0 */
/* int_seen.c: how many numbers of which size there are. Sizes are told apart by the highest bits of the floats,
 * so buckets are as fine near zero as far from it, whatever the greatest number will turn out to be; what was
 * counted before that was known stays exact. */
#include "int.h"

#include <float.h>

enum { SHIFT = 23 - INT_BUCKET_BITS };

uint32_t
int_bucket_of (float magnitude)
{
  return (adze_float_bits (magnitude) & 0x7fffffff) >> SHIFT; /* -0 is a magnitude, too */
}

float
int_bucket_end (uint32_t key)
{
  const uint32_t last = adze_float_bits (FLT_MAX) >> SHIFT;
  return key < last ? adze_float_of_bits ((key + 1) << SHIFT) : FLT_MAX;
}

/* The lowest bucket that has a place of its own. */
static uint32_t
bottom_of (uint32_t top)
{
  return top >= INT_BUCKETS ? top - INT_BUCKETS + 1 : 0;
}

/* Places of buckets that are too far down now become those of larger ones. */
static void
raise_top (int_side *side, uint32_t top)
{
  if (top <= side->top)
    return;
  uint32_t before = bottom_of (side->top), after = bottom_of (top);
  uint32_t end = after - before > INT_BUCKETS ? before + INT_BUCKETS : after;
  for (uint32_t key = before; key < end; key++) {
    side->under += side->buckets[key % INT_BUCKETS];
    side->buckets[key % INT_BUCKETS] = 0;
  }
  side->top = top;
}

static void
add (int_side *side, uint32_t key, uint64_t count)
{
  *(key < bottom_of (side->top) ? &side->under : &side->buckets[key % INT_BUCKETS]) += count;
  side->count += count;
}

void
int_see (const int_way *way, const float *values, uint64_t count, int_seen *seen)
{
  int_range all = int_extremes (values, count);
  float most[2] = { all.high, -all.low };
  if (way->symmetric)
    most[0] = most[0] > most[1] ? most[0] : most[1];
  for (uint32_t i = 0; i < int_side_count (way); i++) {
    int_side *side = &seen->sides[i];
    side->greatest = most[i] > side->greatest ? most[i] : side->greatest;
    raise_top (side, int_bucket_of (most[i]));
  }
  for (uint64_t i = 0; i < count; i++) {
    uint32_t bits = adze_float_bits (values[i]), side = way->symmetric ? 0 : bits >> 31;
    if (bits << 1 == 0)
      seen->zeros++;
    else
      add (&seen->sides[side], (bits & 0x7fffffff) >> SHIFT, 1);
  }
}

static void
see_side (int_side *into, const int_side *from)
{
  into->greatest = from->greatest > into->greatest ? from->greatest : into->greatest;
  raise_top (into, from->top);
  into->under += from->under;
  into->count += from->under;
  for (uint32_t key = bottom_of (from->top); key <= from->top; key++)
    if (from->buckets[key % INT_BUCKETS] > 0)
      add (into, key, from->buckets[key % INT_BUCKETS]);
}

void
int_see_both (const int_way *way, int_seen *into, const int_seen *from)
{
  into->zeros += from->zeros;
  for (uint32_t i = 0; i < int_side_count (way); i++)
    see_side (&into->sides[i], &from->sides[i]);
}

int_range
int_seen_extremes (const int_way *way, const int_seen *seen)
{
  float high = seen->sides[0].greatest;
  return (int_range){ way->symmetric ? -high : -seen->sides[1].greatest, high };
}

/* The last one ends at the greatest number. */
uint64_t
int_bins_of (const int_side *side, int_bin *bins)
{
  uint64_t count = 0;
  uint32_t bottom = bottom_of (side->top);
  if (side->under > 0)
    bins[count++] = (int_bin){ 0, int_bucket_end (bottom - 1), side->under };
  for (uint32_t key = bottom; key <= side->top; key++) {
    uint64_t numbers = side->buckets[key % INT_BUCKETS];
    if (numbers > 0)
      bins[count++] = (int_bin){ key > 0 ? int_bucket_end (key - 1) : 0,
                                 key == side->top ? side->greatest : int_bucket_end (key), numbers };
  }
  return count;
}
