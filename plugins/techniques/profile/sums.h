/* SPDX-License-Identifier: Apache-2.0 */
/* What profile sums up of one tensor. Plain bytes, zeros are the empty one. */
#ifndef PROFILE_SUMS_H
#define PROFILE_SUMS_H

#include "exact.h"

/* How many different values are told apart; a codebook has no more. */
enum { DISTINCT_MOST = 256, DISTINCT_PLACES = 512 };

typedef struct profile_sums {
  uint64_t count;
  uint64_t zeros;
  uint64_t nan;
  uint64_t infinite;
  double least; /* of the finite ones, where there are any */
  double most;
  exact_sum sum;
  exact_sum squares;
  /* Values other than 0, as bits of a float64 (or of an integer of 64 bits), each once: where its
   * hash says, or behind. */
  uint64_t distinct;
  uint64_t too_many; /* 1: there are more than DISTINCT_MOST, and VALUES does not count */
  uint64_t values[DISTINCT_PLACES];
} profile_sums;

static inline uint64_t
profile_finite (const profile_sums *s)
{
  return s->count - s->nan - s->infinite;
}

/* BITS are not 0. */
static inline void
profile_distinct_add (profile_sums *s, uint64_t bits)
{
  uint64_t hash = bits * UINT64_C (0x9e3779b97f4a7c15);
  for (size_t at = (size_t)(hash >> 55);; at = (at + 1) % DISTINCT_PLACES) {
    if (s->values[at] == bits)
      return;
    if (s->values[at] != 0)
      continue;
    if (s->distinct == DISTINCT_MOST) {
      s->too_many = 1;
      return;
    }
    s->values[at] = bits;
    s->distinct++;
    return;
  }
}

/* Every value that there is, zero and NaN as one each. */
static inline uint64_t
profile_distinct (const profile_sums *s)
{
  return s->distinct + (s->zeros > 0);
}

static inline bool
profile_distinct_is_known (const profile_sums *s)
{
  return !s->too_many && profile_distinct (s) <= DISTINCT_MOST;
}

/* The order of VALUES depends on who came first, which must not be seen in a file. */
static inline void
profile_merge (profile_sums *left, const profile_sums *right)
{
  if (profile_finite (right) > 0) {
    bool first = profile_finite (left) == 0;
    left->least = first || right->least < left->least ? right->least : left->least;
    left->most = first || right->most > left->most ? right->most : left->most;
  }
  left->count += right->count;
  left->zeros += right->zeros;
  left->nan += right->nan;
  left->infinite += right->infinite;
  exact_merge (&left->sum, &right->sum);
  exact_merge (&left->squares, &right->squares);
  left->too_many |= right->too_many;
  for (size_t i = 0; i < DISTINCT_PLACES && !left->too_many; i++)
    if (right->values[i] != 0)
      profile_distinct_add (left, right->values[i]);
}

#endif
