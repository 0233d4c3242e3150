/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers sorted, equal ones made one point, and summed up. */
#include <math.h>
#include <string.h>

#include "kmeans1d.h"

/* ---- Sorting, by eleven bits at a time: a table of what each of them occurs fits the nearest cache. */

enum { DIGIT = 11, DIGITS = 1 << DIGIT };

/* The bits of floats are in the order of the numbers once those of negative ones are turned round. */
#define SORT_WORDS(name, word, passes) \
  static word *name (word *from, word *to, size_t count) \
  { \
    const word sign = (word)1 << (8 * sizeof (word) - 1); \
    size_t places[passes][DIGITS]; \
    memset (places, 0, sizeof places); \
    for (size_t i = 0; i < count; i++) { \
      word bits = from[i]; \
      bits ^= (word) - (word)(bits >> (8 * sizeof (word) - 1)) | sign; \
      from[i] = bits; \
      for (int p = 0; p < (passes); p++) \
        places[p][bits >> (DIGIT * p) & (DIGITS - 1)]++; \
    } \
    for (int p = 0; p < (passes); p++) { \
      size_t *place = places[p], sum = 0; \
      if (place[from[0] >> (DIGIT * p) & (DIGITS - 1)] == count) \
        continue; \
      for (size_t d = 0; d < DIGITS; d++) { \
        size_t here = place[d]; \
        place[d] = sum; \
        sum += here; \
      } \
      for (size_t i = 0; i < count; i++) \
        to[place[from[i] >> (DIGIT * p) & (DIGITS - 1)]++] = from[i]; \
      word *other = from; \
      from = to; \
      to = other; \
    } \
    for (size_t i = 0; i < count; i++) \
      from[i] ^= (word)((from[i] >> (8 * sizeof (word) - 1)) - 1) | sign; \
    return from; \
  }
SORT_WORDS (sort_singles, uint32_t, 3)
SORT_WORDS (sort_doubles, uint64_t, 6)
#undef SORT_WORDS

static void
sort (kmeans1d *k, size_t count)
{
  void *sorted = k->wide ? (void *)sort_doubles ((uint64_t *)k->numbers, (uint64_t *)k->spare, count)
                         : (void *)sort_singles ((uint32_t *)k->numbers, (uint32_t *)k->spare, count);
  if (sorted == k->numbers)
    return;
  k->spare = k->numbers;
  k->numbers = sorted;
}

/* ---- Memory. */

/* The search begins with so few sums that it is soon done, and with enough for each cluster. */
enum { COARSE_MOST = 1 << 16 };

static size_t
rounded (size_t size)
{
  return (size + 63) & ~(size_t)63;
}

size_t
kmeans1d_room (size_t numbers, size_t points, bool wide)
{
  size_t word = wide ? sizeof (double) : sizeof (float);
  points = points < numbers ? points : numbers;
  size_t coarse = points < COARSE_MOST ? points : COARSE_MOST;
  return 2 * rounded ((numbers + 1) * word) + rounded ((points + 1) * sizeof (kmeans1d_sum))
         + rounded ((points + 1) * sizeof (kmeans1d_turn))
         + rounded ((coarse + 1) * sizeof (kmeans1d_sum));
}

void
kmeans1d_lay (kmeans1d *k, void *room, size_t numbers, size_t points, bool wide)
{
  char *at = (char *)room;
  size_t word = rounded ((numbers + 1) * (wide ? sizeof (double) : sizeof (float)));
  points = points < numbers ? points : numbers;
  *k = (kmeans1d){ .wide = wide, .scale = 1 };
  k->numbers = at;
  k->spare = at += word;
  k->sums = (kmeans1d_sum *)(void *)(at += word);
  k->turns = (kmeans1d_turn *)(void *)(at += rounded ((points + 1) * sizeof *k->sums));
  k->coarse = (kmeans1d_sum *)(void *)(at + rounded ((points + 1) * sizeof *k->turns));
}

/* ---- Points. */

/* Equal numbers are one; a zero is one zero, whatever its sign was. */
#define MERGE_EQUAL(name, type) \
  static uint32_t name (type *numbers, size_t count, kmeans1d_sum *sums) \
  { \
    uint32_t points = 0; \
    for (size_t i = 0; i < count; i++) { \
      if (points > 0 && numbers[points - 1] == numbers[i]) \
        continue; \
      sums[points].weight = (double)i; \
      numbers[points++] = numbers[i] == 0 ? 0 : numbers[i]; \
    } \
    sums[points].weight = (double)count; \
    return points; \
  }
MERGE_EQUAL (merge_singles, float)
MERGE_EQUAL (merge_doubles, double)
#undef MERGE_EQUAL

/* Squares of float64 can be too large or too small for it; those of shorter types cannot. */
static double
scale_of (const kmeans1d *k)
{
  double least = fabs (kmeans1d_value (k, 0)), most = fabs (kmeans1d_value (k, k->count - 1));
  int exponent;
  most = least > most ? least : most;
  if (most == 0 || (most < 0x1p400 && most > 0x1p-400))
    return 1;
  frexp (most, &exponent);
  return ldexp (1, exponent < -1000 ? 1000 : -exponent);
}

static inline void
add_point (const kmeans1d *k, uint32_t point, double sign, kmeans1d_sum *to, const kmeans1d_sum *from)
{
  double x = kmeans1d_value (k, point) * k->scale - k->centre;
  double weight = k->sums[point + 1].weight - k->sums[point].weight;
  to->first = from->first + sign * weight * x;
  to->second = from->second + sign * weight * x * x;
}

void
kmeans1d_sort (kmeans1d *k, size_t count)
{
  sort (k, count);
  k->count = k->wide ? merge_doubles ((double *)k->numbers, count, k->sums)
                     : merge_singles ((float *)k->numbers, count, k->sums);
  uint32_t origin = k->count / 2;
  k->scale = scale_of (k);
  k->centre = kmeans1d_value (k, origin) * k->scale;
  k->sums[origin].first = k->sums[origin].second = 0;
  for (uint32_t i = origin; i < k->count; i++)
    add_point (k, i, 1, &k->sums[i + 1], &k->sums[i]);
  for (uint32_t i = origin; i-- > 0;)
    add_point (k, i, -1, &k->sums[i], &k->sums[i + 1]);
}

uint32_t
kmeans1d_above (const kmeans1d *k, double number)
{
  uint32_t low = 0, high = k->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (kmeans1d_value (k, middle) > number)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

double
kmeans1d_mean (const kmeans1d *k, uint32_t first, uint32_t last)
{
  double least = kmeans1d_value (k, first), most = kmeans1d_value (k, last - 1);
  const kmeans1d_sum *from = &k->sums[first], *to = &k->sums[last];
  double mean = (k->centre + (to->first - from->first) / (to->weight - from->weight)) / k->scale;
  return mean < least ? least : mean > most ? most : mean;
}
