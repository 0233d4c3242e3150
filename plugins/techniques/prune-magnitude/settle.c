/* SPDX-License-Identifier: Apache-2.0 */
/* prune-magnitude: decide. Each tensor's accumulator is looked at in the order of describe; what all
 * of them come to is known behind the last one.
 *
 * The cut of all tensors is that key below which as many are as are to go, where of no tensor go more
 * than its cap. A tensor whose cap is reached first gets a cut of its own. Of ties at the cut those of
 * earlier tensors go first, so that in the end every tensor is on its own. */
#include "prune.h"

/* The share of COUNT, to the nearest. */
static uint64_t
share_of (double share, uint64_t count)
{
  uint64_t part = (uint64_t)(share * (double)count + 0.5);
  return part < count ? part : count;
}

/* The least whole number that is no less than the share of COUNT. What is whole but for roundings is that number. */
static uint64_t
at_least (double share, uint64_t count)
{
  double exact = share * (double)count * (1 - 1e-12);
  uint64_t part = (uint64_t)exact;
  part += exact > (double)part;
  return part < count ? part : count;
}

static uint64_t
sum_of (const uint64_t *counts, size_t count)
{
  uint64_t sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += counts[i];
  return sum;
}

static int
by_number (const void *left, const void *right)
{
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return a < b ? -1 : a > b;
}

/* By magnitude, tensor and place. */
static int
by_entry (const void *left, const void *right)
{
  const prune_entry *a = (const prune_entry *)left, *b = (const prune_entry *)right;
  uint32_t size = prune_key_size (a->key), other = prune_key_size (b->key);
  if (size != other)
    return size < other ? -1 : 1;
  if (a->tensor != b->tensor)
    return a->tensor < b->tensor ? -1 : 1;
  return a->key < b->key ? -1 : a->key > b->key;
}

/* Number of the first bucket of the window, and of the first one behind it. */
static size_t
window_begin (const prune_search *search)
{
  return (size_t)((search->window_low - search->low) >> search->shift);
}

static size_t
window_end (const prune_search *search)
{
  return search->window_high == search->high
             ? prune_buckets (search)
             : (size_t)((search->window_high - search->low) >> search->shift);
}

/* Keys that were counted below the window. */
static uint64_t
below_window (const prune_search *search, const prune_sums *sums)
{
  return sums->below + sum_of (prune_sums_counts (sums), window_begin (search));
}

static void
finish (prune_tensor *tensor, uint64_t cut, uint64_t pruned)
{
  tensor->state = PRUNE_DONE;
  tensor->cut = cut;
  tensor->pruned = pruned;
}

/* ---- A tensor for itself. */

/* Is the last key that goes among the listed ones? */
static adze_status
look_in_list (const adze_host *host, const prune *self, prune_tensor *tensor, const prune_sums *sums)
{
  const prune_search *search = &tensor->search;
  uint64_t base = below_window (search, sums);
  if (sums->listed > self->grain.listed || tensor->target <= base
      || tensor->target - base > sums->listed)
    return ADZE_OK;
  size_t count = (size_t)sums->listed;
  uint64_t *keys = (uint64_t *)host->allocate (host, count * sizeof *keys);
  if (!keys)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu keys", count);
  memcpy (keys, prune_sums_list (&self->grain, sums), count * sizeof *keys);
  qsort (keys, count, sizeof *keys, by_number);
  finish (tensor, keys[tensor->target - base - 1] + 1, tensor->target);
  host->release (host, keys);
  return ADZE_OK;
}

/* TARGET is known, and the last key that goes is in the interval or below it by nothing. */
static adze_status
settle_own (const adze_host *host, const prune *self, prune_tensor *tensor, const prune_sums *sums)
{
  const prune_search *search = &tensor->search;
  const uint64_t *counts = prune_sums_counts (sums);
  tensor->state = PRUNE_OWN;
  if (tensor->target <= sums->below) {
    finish (tensor, search->low, sums->below);
    return ADZE_OK;
  }
  adze_status status = look_in_list (host, self, tensor, sums);
  if (status != ADZE_OK || tensor->state == PRUNE_DONE)
    return status;
  prune_bucket bucket
      = prune_bucket_of (counts, prune_buckets (search), tensor->target - sums->below);
  if (search->shift == 0)
    finish (tensor, search->low + bucket.number + 1, tensor->target);
  else
    tensor->search = prune_search_in (&self->grain, search, &bucket, tensor->places);
  return ADZE_OK;
}

/* All that are smaller than the threshold, up to the cap. */
static adze_status
settle_threshold (const adze_host *host, const prune *self, prune_tensor *tensor,
                  const prune_sums *sums)
{
  uint64_t below = sum_of (prune_sums_counts (sums), prune_buckets (&tensor->search));
  tensor->asked = (double)below;
  tensor->target = prune_least (below, tensor->cap);
  if (below > tensor->cap)
    return settle_own (host, self, tensor, sums);
  finish (tensor, tensor->search.high, below);
  return ADZE_OK;
}

/* What the first round has counted says how many may go. */
static adze_status
begin (const adze_host *host, const prune *self, prune_tensor *tensor, const prune_sums *sums)
{
  tensor->counted = sums->counted;
  tensor->zeros = sums->zeros;
  tensor->held = sums->held;
  uint64_t least = at_least (tensor->min_kept, sums->counted);
  uint64_t most = sums->counted - sums->held; /* zeros that are there are gone, whatever is to be kept */
  tensor->cap = sums->counted - (least > sums->held ? least : sums->held);
  tensor->cap = prune_least (tensor->cap > sums->zeros ? tensor->cap : sums->zeros, most);
  if (tensor->state == PRUNE_DONE) {
    tensor->asked = (double)tensor->pruned;
    return ADZE_OK;
  }
  if (tensor->threshold > 0)
    return settle_threshold (host, self, tensor, sums);
  tensor->asked = tensor->sparsity * (double)sums->counted;
  tensor->target = prune_least (share_of (tensor->sparsity, sums->counted), tensor->cap);
  if (tensor->state == PRUNE_OWN)
    return settle_own (host, self, tensor, sums);
  tensor->shares = true;
  if (tensor->cap == 0)
    finish (tensor, 0, 0);
  return ADZE_OK;
}

/* ---- One of those that share a cut. */

static adze_status
keep_entries (const adze_host *host, prune *self, uint32_t number, const prune_sums *sums)
{
  const uint64_t *list = prune_sums_list (&self->grain, sums);
  if (sums->listed > self->grain.listed)
    self->list_lost = true;
  if (self->list_lost)
    return ADZE_OK;
  size_t wanted = self->entry_count + (size_t)sums->listed;
  if (wanted > self->entry_room) {
    size_t room = wanted * 2;
    prune_entry *entries = (prune_entry *)host->allocate (host, room * sizeof *entries);
    if (!entries)
      return adze_fail (host, ADZE_E_MEMORY, "no room for %zu keys", room);
    if (self->entry_count > 0)
      memcpy (entries, self->entries, self->entry_count * sizeof *entries);
    if (self->entries)
      host->release (host, self->entries);
    self->entries = entries;
    self->entry_room = room;
  }
  for (uint64_t i = 0; i < sums->listed; i++)
    self->entries[self->entry_count++] = (prune_entry){ list[i], number };
  return ADZE_OK;
}

/* Adds to .reach how many of the tensor go with each bucket, and notes where its cap is reached. */
static void
add_reach (prune *self, prune_tensor *tensor, const prune_sums *sums)
{
  const uint64_t *counts = prune_sums_counts (sums);
  size_t buckets = prune_buckets (&self->search);
  uint64_t before = sums->below;
  tensor->cross = (prune_bucket){ .number = SIZE_MAX };
  for (size_t i = 0; i < buckets; i++) {
    self->reach[i] += prune_least (before, tensor->cap);
    if (before < tensor->cap && tensor->cap <= before + counts[i] && tensor->cross.number == SIZE_MAX)
      tensor->cross = (prune_bucket){ .number = i,
                                      .count = counts[i],
                                      .rank = tensor->cap - before,
                                      .before = counts[i],
                                      .after = counts[i] };
    before += counts[i];
  }
  self->reach[buckets] += prune_least (before, tensor->cap);
}

/* Ties of the magnitude of the cut are given out in the order of the tensors. */
static adze_status
take_ties (const adze_host *host, prune *self, prune_tensor *tensor, const prune_sums *sums)
{
  uint64_t ties = sum_of (prune_sums_counts (sums), prune_buckets (&self->search));
  uint64_t taken = prune_least (prune_least (ties, tensor->cap - sums->below), self->quota);
  self->quota -= taken;
  tensor->search = self->search;
  tensor->target = sums->below + taken;
  return settle_own (host, self, tensor, sums);
}

static adze_status
add_shared (const adze_host *host, prune *self, prune_tensor *tensor, const prune_sums *sums)
{
  if (prune_search_is_tie (&self->search))
    return take_ties (host, self, tensor, sums);
  add_reach (self, tensor, sums);
  tensor->base = below_window (&self->search, sums);
  return keep_entries (host, self, (uint32_t)(tensor - prune_tensor_at (self, 0)), sums);
}

/* ---- All of those that share a cut. */

/* A tensor whose cap is reached in a bucket below number LIMIT looks for it by itself. */
static void
part_with_capped (prune *self, size_t limit)
{
  for (size_t i = 0; i < self->tensors.count; i++) {
    prune_tensor *tensor = prune_tensor_at (self, i);
    if (tensor->state != PRUNE_SHARED || tensor->cross.number >= limit)
      continue;
    tensor->state = PRUNE_OWN;
    tensor->target = tensor->cap;
    tensor->search
        = prune_search_in (&self->grain, &self->search, &tensor->cross, tensor->places);
    self->target -= tensor->cap;
  }
}

/* Goes through the listed keys from the least one on until the LEFT ones that are to go have gone. The
 * last one is the cut of all tensors but those that have reached their caps before. */
static void
walk_entries (prune *self, uint64_t left)
{
  prune_entry last = { 0 };
  qsort (self->entries, self->entry_count, sizeof *self->entries, by_entry);
  for (size_t i = 0; i < self->tensors.count; i++)
    if (prune_tensor_at (self, i)->state == PRUNE_SHARED) {
      prune_tensor_at (self, i)->pruned = prune_tensor_at (self, i)->base;
      prune_tensor_at (self, i)->cut = 0;
    }
  for (size_t i = 0; left > 0 && i < self->entry_count; i++) {
    prune_tensor *tensor = prune_tensor_at (self, self->entries[i].tensor);
    if (tensor->state != PRUNE_SHARED || tensor->pruned == tensor->cap)
      continue;
    last = self->entries[i];
    left--;
    if (++tensor->pruned == tensor->cap)
      tensor->cut = last.key + 1;
  }
  for (uint32_t i = 0; i < self->tensors.count; i++) {
    prune_tensor *tensor = prune_tensor_at (self, i);
    if (tensor->state != PRUNE_SHARED)
      continue;
    uint32_t size = prune_key_size (last.key);
    uint64_t cut = i < last.tensor   ? prune_key (size, PRUNE_PLACES - 1)
                   : i > last.tensor ? prune_key (size, 0)
                                     : last.key + 1;
    finish (tensor, tensor->cut > 0 ? tensor->cut : cut, tensor->pruned);
  }
}

/* Does the cut lie in the window, and are all keys of that there? */
static bool
is_in_window (const prune *self)
{
  return !self->list_lost && self->reach[window_begin (&self->search)] < self->target
         && self->target <= self->reach[window_end (&self->search)];
}

static void
narrow_shared (prune *self)
{
  size_t buckets = prune_buckets (&self->search), at = 0;
  uint64_t places = 0;
  while (at + 1 < buckets && self->reach[at + 1] < self->target)
    at++;
  const uint64_t *reach = self->reach;
  prune_bucket bucket = { .number = at,
                          .rank = self->target - reach[at],
                          .count = reach[at + 1] - reach[at] };
  bucket.before = at > 0 ? reach[at] - reach[at - 1] : bucket.count;
  bucket.after = at + 1 < buckets ? reach[at + 2] - reach[at + 1] : bucket.count;
  self->quota = bucket.rank;
  part_with_capped (self, at);
  for (size_t i = 0; i < self->tensors.count; i++)
    if (prune_tensor_at (self, i)->state == PRUNE_SHARED && prune_tensor_at (self, i)->places > places)
      places = prune_tensor_at (self, i)->places;
  self->search = prune_search_in (&self->shared_grain, &self->search, &bucket, places);
}

static void
settle_shared (prune *self)
{
  size_t buckets = prune_buckets (&self->search);
  if (self->round == 0) {
    uint64_t counted = 0;
    for (size_t i = 0; i < self->tensors.count; i++)
      counted += prune_tensor_at (self, i)->shares ? prune_tensor_at (self, i)->counted : 0;
    self->target = share_of (self->sparsity, counted);
  }
  /* More than all caps together is not to be had. */
  self->target = prune_least (self->target, self->reach[buckets]);
  if (self->target == 0) {
    for (size_t i = 0; i < self->tensors.count; i++)
      if (prune_tensor_at (self, i)->state == PRUNE_SHARED)
        finish (prune_tensor_at (self, i), 0, 0);
    return;
  }
  if (!is_in_window (self)) {
    narrow_shared (self);
    return;
  }
  size_t first = window_begin (&self->search);
  uint64_t left = self->target - self->reach[first];
  part_with_capped (self, first);
  walk_entries (self, left);
}

/* ---- Rounds. */

static bool
any_in (const prune *self, prune_state state)
{
  for (size_t i = 0; i < self->tensors.count; i++)
    if (prune_tensor_at (self, i)->state == state)
      return true;
  return false;
}

static adze_status
end_round (const adze_host *host, prune *self, bool *again)
{
  if (any_in (self, PRUNE_SHARED))
    settle_shared (self);
  self->round++;
  self->entry_count = 0;
  self->list_lost = false;
  if (self->reach)
    memset (self->reach, 0, (((size_t)1 << self->grain.bits) + 1) * sizeof *self->reach);
  *again = any_in (self, PRUNE_SHARED) || any_in (self, PRUNE_OWN);
  return *again ? ADZE_OK : prune_report (host, self);
}

adze_status
prune_decide (const adze_host *host, void *instance, adze_call *call, const void *accumulator,
              bool *again)
{
  prune *self = (prune *)instance;
  const prune_sums *sums = (const prune_sums *)accumulator;
  adze_status status = ADZE_OK;
  if (!call)
    return end_round (host, self, again);
  adze_place place;
  adze_call_of (host)->place (host, call, &place);
  prune_tensor *tensor = prune_tensor_of (self, place.whole->name);
  if (!tensor)
    return adze_fail (host, ADZE_E_CONTRACT, "tensor '%s' was not described before",
                      place.whole->name);
  if (self->round == 0)
    status = begin (host, self, tensor, sums);
  else if (tensor->state == PRUNE_OWN)
    status = settle_own (host, self, tensor, sums);
  if (status == ADZE_OK && tensor->state == PRUNE_SHARED)
    status = add_shared (host, self, tensor, sums);
  return status;
}
