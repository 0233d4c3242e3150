/* SPDX-License-Identifier: Apache-2.0 */
/* prune-train: which weights go.
 *
 * Exactly as many as are to. Scores are looked for as numbers whose order is that of the scores: first by their upper
 * half, then, among those that share the one where the cut is, by the lower. Of equal ones those go first that come
 * first: tensors in the order of the network, elements in that of their places. */
#include "trim.h"

#include <math.h>
#include <stdlib.h>

/* ---- Where the cut is. */

enum { HALF = 1 << 16 };

typedef struct trim_line {
  uint32_t key;   /* what is below it goes */
  uint64_t equal; /* and so many that are as much */
} trim_line;

/* Those that are cut together. */
typedef struct trim_pool {
  const trim *t;
  size_t first, last; /* tensors from the first to in front of the last */
  const bool *settled; /* these not; NULL: all */
} trim_pool;

static bool
is_in (const trim_pool *pool, size_t index)
{
  return index >= pool->first && index < pool->last && (!pool->settled || !pool->settled[index]);
}

/* What is no number is worth more than any: it stays, and training says what is wrong with it. */
static uint32_t
key_of (float score)
{
  uint32_t bits = adze_float_bits (score == 0 ? 0 : score);
  if (isnan (score))
    return UINT32_MAX;
  return bits >> 31 ? ~bits : bits | UINT32_C (0x80000000);
}

/* How often each upper half of a key comes; or each lower half, of those with this UPPER one. */
static void
count_halves (const trim_pool *pool, bool lower, uint32_t upper, uint64_t *counts)
{
  memset (counts, 0, HALF * sizeof *counts);
  for (size_t i = pool->first; i < pool->last; i++) {
    const trim_tensor *tensor = &pool->t->tensors[i];
    for (uint64_t k = 0; is_in (pool, i) && k < tensor->count; k++) {
      uint32_t key = key_of (tensor->scores[k]);
      if (tensor->kept[k] && (!lower || key >> 16 == upper))
        counts[lower ? key & (HALF - 1) : key >> 16]++;
    }
  }
}

/* The bucket that number *RANK, from 1, is in; *RANK becomes its number there. */
static uint32_t
bucket_of (const uint64_t *counts, uint64_t *rank)
{
  uint32_t bucket = 0;
  while (bucket + 1 < HALF && counts[bucket] < *rank)
    *rank -= counts[bucket++];
  return bucket;
}

/* TAKE more are to go, at least one. COUNTS: room for HALF of them. */
static trim_line
find_line (const trim_pool *pool, uint64_t take, uint64_t *counts)
{
  uint64_t rank = take;
  count_halves (pool, false, 0, counts);
  uint32_t upper = bucket_of (counts, &rank);
  count_halves (pool, true, upper, counts);
  uint32_t lower = bucket_of (counts, &rank);
  return (trim_line){ upper << 16 | lower, rank };
}

/* How many of a tensor that would take. */
static uint64_t
count_below (const trim_tensor *tensor, trim_line *line)
{
  uint64_t count = 0;
  for (uint64_t k = 0; k < tensor->count; k++) {
    uint32_t key = key_of (tensor->scores[k]);
    if (!tensor->kept[k] || key > line->key || (key == line->key && line->equal == 0))
      continue;
    line->equal -= key == line->key;
    count++;
  }
  return count;
}

static void
take_below (trim_tensor *tensor, trim_line *line)
{
  for (uint64_t k = 0; k < tensor->count; k++) {
    uint32_t key = key_of (tensor->scores[k]);
    if (!tensor->kept[k] || key > line->key || (key == line->key && line->equal == 0))
      continue;
    line->equal -= key == line->key;
    tensor->kept[k] = 0;
    tensor->gone++;
  }
}

/* ---- A share of each tensor. */

static uint64_t
share_of (double share, uint64_t count)
{
  return (uint64_t)floor (share * (double)count + 0.5);
}

static void
cut_alone (trim *t, size_t index, uint64_t goal, uint64_t *counts)
{
  trim_tensor *tensor = &t->tensors[index];
  const trim_pool pool = { t, index, index + 1, NULL };
  uint64_t most = goal < tensor->most ? goal : tensor->most;
  if (most <= tensor->gone)
    return;
  trim_line line = find_line (&pool, most - tensor->gone, counts);
  take_below (tensor, &line);
}

static void
cut_each (trim *t, double share, uint64_t *counts)
{
  for (size_t i = 0; i < t->count; i++)
    cut_alone (t, i, share_of (share, t->tensors[i].count), counts);
}

/* ---- A share of all. */

static uint64_t
count_gone (const trim *t)
{
  uint64_t gone = 0;
  for (size_t i = 0; i < t->count; i++)
    gone += t->tensors[i].gone;
  return gone;
}

/* Of tensors that would lose more than they may: they lose that, and are settled. False: there are none. */
static bool
settle_capped (trim *t, const trim_pool *pool, trim_line line, bool *settled, uint64_t *counts)
{
  bool found = false;
  for (size_t i = 0; i < t->count; i++)
    if (is_in (pool, i) && t->tensors[i].gone + count_below (&t->tensors[i], &line) > t->tensors[i].most) {
      cut_alone (t, i, t->tensors[i].most, counts);
      settled[i] = found = true;
    }
  return found;
}

static uint64_t
count_left (const trim *t, const trim_pool *pool)
{
  uint64_t left = 0;
  for (size_t i = 0; i < t->count; i++)
    left += is_in (pool, i) ? t->tensors[i].count - t->tensors[i].gone : 0;
  return left;
}

/* What one may not lose the others lose, as long as there are any. */
static void
cut_together (trim *t, double share, bool *settled, uint64_t *counts)
{
  const trim_pool pool = { t, 0, t->count, settled };
  uint64_t goal = share_of (share, t->weights);
  for (;;) {
    uint64_t gone = count_gone (t), left = count_left (t, &pool);
    if (gone >= goal || left == 0)
      return;
    trim_line line = find_line (&pool, goal - gone < left ? goal - gone : left, counts);
    if (settle_capped (t, &pool, line, settled, counts))
      continue;
    for (size_t i = 0; i < t->count; i++)
      if (is_in (&pool, i))
        take_below (&t->tensors[i], &line);
    return;
  }
}

/* ---- N of M. */

/* The one of COUNT that goes next: of those that stay the one that is worth least, of equal ones the first. */
static uint64_t
least_of (const trim_tensor *tensor, uint64_t at, uint64_t count)
{
  uint64_t least = UINT64_MAX;
  for (uint64_t k = at; k < at + count; k++)
    if (tensor->kept[k] && (least == UINT64_MAX || key_of (tensor->scores[k]) < key_of (tensor->scores[least])))
      least = k;
  return least;
}

static void
cut_group (trim_tensor *tensor, uint64_t at, uint64_t count, uint64_t stay)
{
  uint64_t kept = 0;
  for (uint64_t k = at; k < at + count; k++)
    kept += tensor->kept[k];
  for (; kept > stay; kept--) {
    tensor->kept[least_of (tensor, at, count)] = 0;
    tensor->gone++;
  }
}

/* Groups begin anew in each row, and a shorter one at its end keeps as many as whole ones. */
static void
cut_groups (trim *t, double depth)
{
  uint64_t stay = t->m - share_of (depth, t->m - t->n);
  for (size_t i = 0; i < t->count; i++) {
    trim_tensor *tensor = &t->tensors[i];
    for (uint64_t row = 0; tensor->row > 0 && row < tensor->count; row += tensor->row)
      for (uint64_t at = 0; at < tensor->row; at += t->m)
        cut_group (tensor, row + at, tensor->row - at < t->m ? tensor->row - at : t->m, stay);
  }
}

/* ---- All. */

adze_status
trim_choose (trim *t, double depth)
{
  const adze_host *host = t->lesson.host;
  if (t->by_channels) {
    if (t->criterion != TRIM_APOZ && t->criterion != TRIM_MEAN)
      trim_score_channels (t);
    return trim_choose_channels (t, t->sparsity * depth);
  }
  if (t->m > 0) {
    cut_groups (t, depth);
    return ADZE_OK;
  }
  uint64_t *counts = (uint64_t *)host->allocate (host, HALF * sizeof *counts);
  bool *settled = (bool *)host->allocate (host, t->count * sizeof *settled);
  bool fine = counts && settled;
  if (fine && t->global)
    cut_together (t, t->sparsity * depth, settled, counts);
  else if (fine)
    cut_each (t, t->sparsity * depth, counts);
  host->release (host, counts);
  host->release (host, settled);
  return fine ? ADZE_OK : adze_fail (host, ADZE_E_MEMORY, "no room to look for a cut");
}
