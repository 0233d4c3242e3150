/* SPDX-License-Identifier: Apache-2.0 */
/* prune-magnitude: observe and merge. What is counted are whole numbers, so that neither how the data
 * is cut nor in which order it is summed up can change anything. */
#include "prune.h"

typedef struct counter {
  const prune_search *search;
  prune_grain grain;
  prune_sums *sums;
  uint64_t *counts;
  uint64_t *list;
} counter;

static counter
counter_of (const prune *self, const prune_search *search, void *accumulator)
{
  prune_sums *sums = (prune_sums *)accumulator;
  return (counter){ .search = search,
                    .grain = self->grain,
                    .sums = sums,
                    .counts = prune_sums_counts (sums),
                    .list = prune_sums_list (&self->grain, sums) };
}

/* ---- Keys. */

static void
list_key (counter *c, uint64_t key)
{
  if (key < c->search->window_low || key >= c->search->window_high)
    return;
  if (c->sums->listed < c->grain.listed)
    c->list[c->sums->listed] = key;
  c->sums->listed++;
}

/* One that lies neither below the magnitudes of the interval nor above them. */
static void
count_hit (counter *c, uint32_t size, uint64_t place)
{
  const prune_search *search = c->search;
  uint64_t key = prune_key (size, place);
  c->sums->zeros += size == 0;
  if (key < search->low) {
    c->sums->below++;
  } else if (key < search->high) {
    c->counts[(key - search->low) >> search->shift]++;
    list_key (c, key);
  }
}

/* What is not finite is not counted. */
static void
count_each (counter *c, const uint32_t *bits, size_t count, uint64_t place)
{
  for (size_t i = 0; i < count; i++) {
    uint32_t size = bits[i] & 0x7fffffff;
    if (size >= PRUNE_INFINITE)
      continue;
    c->sums->counted++;
    count_hit (c, size, place + i);
  }
}

/* Everything is in the interval, and nothing is listed. True: there is something that is not finite, and nothing was
 * counted. */
static bool
count_all (counter *c, const uint32_t *bits, size_t count)
{
  uint32_t buckets[PRUNE_BLOCK];
  uint64_t *counts = c->counts;
  size_t i = 0;
  if (prune_buckets_of (bits, count, c->search->shift - PRUNE_PLACE_BITS, UINT32_C (1) << c->grain.bits,
                        buckets))
    return true;
  for (; i + 4 <= count; i += 4) {
    counts[buckets[i]]++;
    counts[buckets[i + 1]]++;
    counts[buckets[i + 2]]++;
    counts[buckets[i + 3]]++;
  }
  for (; i < count; i++)
    counts[buckets[i]]++;
  c->sums->counted += count;
  return false;
}

/* Few are in the interval, so that most eights of numbers have none. */
static void
count_some (counter *c, const uint32_t *bits, size_t count, uint64_t place)
{
  const uint32_t low = prune_key_size (c->search->low);
  const uint32_t high = prune_key_size (c->search->high - 1) + 1;
  uint8_t hits[PRUNE_BLOCK];
  size_t whole = count / 8 * 8;
  c->sums->counted += whole;
  c->sums->below += prune_hits_of (bits, whole, low, high, hits);
  for (size_t i = 0; i < whole; i += 8) {
    uint64_t eight;
    memcpy (&eight, hits + i, sizeof eight);
    if (!eight)
      continue;
    for (size_t k = i; k < i + 8; k++)
      if (hits[k])
        count_hit (c, bits[k] & 0x7fffffff, place + k);
  }
  count_each (c, bits + whole, count - whole, place + whole);
}

static bool
counts_all (const prune_search *search)
{
  return search->low == 0 && search->high == PRUNE_ALL && search->window_low == search->window_high;
}

/* True: there is something that is not finite, KEEPS_BAD does not allow that, and nothing was counted. What an
 * earlier round has found finite (LOOKS 0) is not looked at for it. */
static bool
count_bits (counter *c, const uint32_t *bits, size_t count, uint64_t place, bool keeps_bad, bool looks)
{
  if (keeps_bad)
    count_each (c, bits, count, place);
  else if (counts_all (c->search))
    return count_all (c, bits, count);
  else if (looks && prune_has_bad (bits, count))
    return true;
  else
    count_some (c, bits, count, place);
  return false;
}

/* The zeros that were spread come together. */
static void
gather_zeros (counter *c)
{
  uint64_t *zeros = c->counts + ((size_t)1 << c->grain.bits);
  for (size_t i = 0; i < PRUNE_ZEROS; i++) {
    c->counts[0] += zeros[i];
    c->sums->zeros += zeros[i];
    zeros[i] = 0;
  }
}

/* ---- Numbers. */

/* COUNT numbers as bits of float32: as they lie there, or in ROOM. */
static const uint32_t *
load (adze_dtype dtype, const char *in, size_t count, uint32_t *room)
{
  float numbers[PRUNE_BLOCK];
  if (dtype.bits == 32)
    return (const uint32_t *)(const void *)in;
  adze_floats_read (dtype, in, count, numbers);
  memcpy (room, numbers, count * sizeof *room);
  return room;
}

adze_status
prune_not_finite (const adze_host *host, const char *tensor, uint64_t element)
{
  return adze_fail (host, ADZE_E_UNSUPPORTED,
                    "tensor '%s' is not finite at element %llu, and such a number has no place among "
                    "the magnitudes; say not-finite = \"keep\" to leave such numbers as they are",
                    tensor, (unsigned long long)element);
}

/* What is protected, and finite, as the largest magnitude. */
static const uint32_t *
hold (counter *c, const uint8_t *held, const uint32_t *bits, size_t count, uint32_t *room)
{
  for (size_t i = 0; i < count; i++) {
    bool holds = held[i] && (bits[i] & 0x7fffffff) < PRUNE_INFINITE;
    room[i] = holds ? PRUNE_HELD : bits[i];
    c->sums->held += holds;
  }
  return room;
}

static adze_status
refuse_bad (const adze_host *host, const adze_tensor *input, const uint32_t *bits, uint64_t first)
{
  size_t i = 0;
  while ((bits[i] & 0x7fffffff) < PRUNE_INFINITE)
    i++;
  return prune_not_finite (host, input->name, first + i);
}

adze_status
prune_check_plain (const adze_host *host, const adze_tensor *input)
{
  const adze_view *view = &input->view;
  if (!input->codec && adze_dtype_is_float (view->dtype) && view->dtype.bits <= 32
      && adze_view_is (view, (adze_dtype_code)view->dtype.code, view->dtype.bits))
    return ADZE_OK;
  return adze_fail (host, ADZE_E_UNSUPPORTED,
                    "tensor '%s' is not float16, bfloat16 or float32 without gaps", input->name);
}

/* MASK: NULL, or what is protected. FIRST: where the piece begins. What the first round has found finite is so in the others. A tensor of
 * N:M needs no cut, and is only looked through. */
static adze_status
observe_weights (const adze_host *host, counter *c, const prune_tensor *tensor,
                 const adze_tensor *input, const adze_tensor *mask, uint64_t first, bool is_first_round)
{
  const uint8_t *held = mask ? (const uint8_t *)adze_view_data (&mask->view) : NULL;
  const char *in = (const char *)adze_view_data (&input->view);
  size_t size = input->view.dtype.bits / 8, count = adze_view_count (&input->view);
  uint32_t room[PRUNE_BLOCK];
  for (size_t start = 0; start < count; start += PRUNE_BLOCK) {
    size_t length = count - start < PRUNE_BLOCK ? count - start : PRUNE_BLOCK;
    const uint32_t *bits = load (input->view.dtype, in + start * size, length, room);
    bool bad = false;
    if (held)
      bits = hold (c, held + start, bits, length, room);
    if (c->search)
      bad = count_bits (c, bits, length, first + start, tensor->keeps_bad, is_first_round);
    else if (is_first_round && !tensor->keeps_bad)
      bad = prune_has_bad (bits, length);
    if (bad)
      return refuse_bad (host, input, bits, first + start);
    c->sums->counted += c->search ? 0 : length;
  }
  return ADZE_OK;
}

/* The first number of the tensor that is not finite. */
static adze_status
refuse_bad_block (const adze_host *host, const adze_tensor *input)
{
  const char *in = (const char *)adze_view_data (&input->view);
  size_t size = input->view.dtype.bits / 8, count = adze_view_count (&input->view);
  uint32_t room[PRUNE_BLOCK];
  for (size_t start = 0; start < count; start += PRUNE_BLOCK) {
    size_t length = count - start < PRUNE_BLOCK ? count - start : PRUNE_BLOCK;
    const uint32_t *bits = load (input->view.dtype, in + start * size, length, room);
    if (prune_has_bad (bits, length))
      return refuse_bad (host, input, bits, start);
  }
  return ADZE_OK;
}

static adze_status
observe_blocks (const adze_host *host, counter *c, const prune_tensor *tensor,
                const adze_tensor *input)
{
  const prune_grid *grid = &tensor->grid;
  uint32_t sizes[PRUNE_BLOCK];
  for (uint64_t down = 0; down < grid->down; down++)
    for (uint64_t first = 0; first < grid->across; first += PRUNE_BLOCK) {
      uint64_t left = grid->across - first;
      size_t count = left < PRUNE_BLOCK ? (size_t)left : PRUNE_BLOCK;
      prune_norms (&tensor->pattern, grid, &input->view, down, first, count, sizes);
      if (count_bits (c, sizes, count, down * grid->across + first, tensor->keeps_bad, true))
        return refuse_bad_block (host, input);
    }
  return ADZE_OK;
}

adze_status
prune_observe (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input,
               void *accumulator)
{
  const prune *self = (const prune *)instance;
  const prune_tensor *tensor = prune_tensor_of (self, input->name);
  adze_status status = prune_check_plain (host, input);
  if (status != ADZE_OK || !tensor || (tensor->state == PRUNE_DONE && self->round > 0))
    return status;
  counter c = counter_of (self, prune_search_for (self, tensor), accumulator);
  adze_place place;
  adze_call_of (host)->place (host, call, &place);
  status = tensor->pattern.shape == PRUNE_BLOCKS
               ? observe_blocks (host, &c, tensor, input)
               : observe_weights (host, &c, tensor, input,
                                  tensor->masked ? adze_call_of (host)->input (host, call, 1) : NULL, place.first,
                                  self->round == 0);
  gather_zeros (&c);
  return status;
}

adze_status
prune_merge (const adze_host *host, void *instance, void *left, const void *right)
{
  const prune *self = (const prune *)instance;
  prune_sums *into = (prune_sums *)left;
  const prune_sums *from = (const prune_sums *)right;
  (void)host;
  prune_add (prune_sums_counts (into), prune_sums_counts (from), (size_t)1 << self->grain.bits);
  if (into->listed + from->listed <= self->grain.listed)
    memcpy (prune_sums_list (&self->grain, into) + into->listed,
            prune_sums_list (&self->grain, from), (size_t)from->listed * sizeof (uint64_t));
  into->listed += from->listed;
  into->counted += from->counted;
  into->zeros += from->zeros;
  into->below += from->below;
  into->held += from->held;
  return ADZE_OK;
}
