/* SPDX-License-Identifier: Apache-2.0 */
/* What clip knows of its tensors: their names, and for each pool of numbers what was found of the
 * threshold so far. */
#ifndef CLIP_POOLS_H
#define CLIP_POOLS_H

#include <adze/sdk.h>

/* Bits of an infinite magnitude; those of a NaN are above it. */
#define CLIP_INFINITE UINT32_C (0x7f800000)

typedef struct clip_pool {
  uint32_t prefix; /* the upper bits of the threshold; after the last round all of them */
  uint64_t total;  /* numbers, NaN not among them */
  uint64_t rank;   /* of the threshold among those that begin with the prefix, from 1 */
  uint64_t above;  /* numbers that are known to be larger */
} clip_pool;

typedef struct clip_entry {
  char *name;
  clip_pool pool;
} clip_entry;

typedef struct clip_pools {
  bool each; /* each tensor has its own pool; else all share the one */
  clip_pool all;
  adze_entries entries; /* of clip_entry */
} clip_pools;

static inline void
clip_pools_clear (const adze_host *host, clip_pools *pools)
{
  adze_entries_clear (host, &pools->entries);
  pools->all = (clip_pool){ 0 };
}

/* The pool that a tensor belongs to; NULL: none was made for it. */
static inline clip_pool *
clip_pool_of (const clip_pools *pools, const char *name)
{
  clip_entry *found = (clip_entry *)adze_entries_find (&pools->entries, name);
  return !found ? NULL : pools->each ? &found->pool : (clip_pool *)(uintptr_t)&pools->all;
}

/* Nearest rank: the least number of magnitudes that make up the share. A product that is a whole
 * number but for the last digits of the percentile in binary (99.9 % of 1000) is that number. */
static inline uint64_t
clip_rank (double percentile, uint64_t total)
{
  double product = percentile * (double)total / 100;
  uint64_t rank = (uint64_t)product;
  if (product - (double)rank > product * 1e-15)
    rank++;
  return rank < 1 ? 1 : rank > total ? total : rank;
}

/* One round: COUNTS says how often each of the PLACES values of the next BITS occurs; the ZEROS
 * counts behind them belong to the first value. FIRST: the percentile becomes a rank now. */
static inline void
clip_pool_find (clip_pool *pool, const uint64_t *counts, uint32_t bits, size_t zeros, bool first,
                double percentile)
{
  size_t places = (size_t)1 << bits, at = 0;
  uint64_t all = 0, least = counts[0], before = 0;
  for (size_t i = 0; i < zeros; i++)
    least += counts[places + i];
  all = least;
  for (size_t i = 1; i < places; i++)
    all += counts[i];
  if (first) {
    pool->total = all;
    pool->rank = all > 0 ? clip_rank (percentile, all) : 0;
  }
  for (uint64_t here = least; before + here < pool->rank && at + 1 < places; here = counts[at]) {
    before += here;
    at++;
  }
  pool->above += all - before - (at == 0 ? least : counts[at]);
  pool->rank -= before;
  pool->prefix = pool->prefix << bits | (uint32_t)at;
}

#endif
