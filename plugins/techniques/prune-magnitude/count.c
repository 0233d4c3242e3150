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

static void
count_one (counter *c, uint32_t size, uint64_t place)
{
  const prune_search *search = c->search;
  uint64_t key = prune_key (size, place);
  c->sums->counted++;
  c->sums->zeros += size == 0;
  if (key < search->low) {
    c->sums->below++;
  } else if (key < search->high) {
    c->counts[(key - search->low) >> search->shift]++;
    list_key (c, key);
  }
}

static void
count_each (counter *c, const uint32_t *sizes, size_t count, uint64_t place)
{
  for (size_t i = 0; i < count; i++)
    if (sizes[i] < PRUNE_INFINITE)
      count_one (c, sizes[i], place + i);
}

/* Everything is in the interval, and nothing is listed. */
static void
count_all (counter *c, const uint32_t *sizes, size_t count)
{
  uint32_t shift = c->search->shift - PRUNE_PLACE_BITS;
  uint32_t zeros = UINT32_C (1) << c->grain.bits;
  for (size_t i = 0; i < count; i++) {
    uint32_t is_zero = adze_bits_below (sizes[i], 1);
    c->counts[sizes[i] >> shift | (is_zero & (zeros + (uint32_t)(i & (PRUNE_ZEROS - 1))))]++;
  }
  c->sums->counted += count;
}

/* Few are in the interval, so that most runs of numbers have none. */
static void
count_some (counter *c, const uint32_t *sizes, size_t count, uint64_t place)
{
  const uint32_t low = prune_key_size (c->search->low);
  const uint32_t high = prune_key_size (c->search->high - 1) + 1;
  size_t start = 0;
  for (; start + PRUNE_RUN <= count; start += PRUNE_RUN) {
    uint32_t hit = 0, below = 0;
    for (size_t i = 0; i < PRUNE_RUN; i++) {
      uint32_t is_below = adze_bits_below (sizes[start + i], low);
      hit |= adze_bits_below (sizes[start + i], high) & ~is_below;
      below -= is_below;
    }
    if (hit) {
      count_each (c, sizes + start, PRUNE_RUN, place + start);
      continue;
    }
    c->sums->counted += PRUNE_RUN;
    c->sums->below += below;
  }
  count_each (c, sizes + start, count - start, place + start);
}

static bool
counts_all (const prune_search *search)
{
  return search->low == 0 && search->high == PRUNE_ALL && search->window_low == search->window_high;
}

static void
count_sizes (counter *c, const uint32_t *sizes, size_t count, uint64_t place, bool has_bad)
{
  if (has_bad)
    count_each (c, sizes, count, place);
  else if (counts_all (c->search))
    count_all (c, sizes, count);
  else
    count_some (c, sizes, count, place);
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

/* Says whether all of them are finite. */
static bool
load (adze_dtype dtype, const void *in, size_t count, uint32_t *__restrict sizes)
{
  float numbers[PRUNE_BLOCK] = { 0 };
  adze_floats_read (dtype, in, count, numbers);
  uint32_t bad = 0;
  for (size_t i = 0; i < PRUNE_BLOCK; i++) {
    sizes[i] = adze_float_bits (numbers[i]) & 0x7fffffff;
    bad |= adze_bits_below (PRUNE_INFINITE - 1, sizes[i]);
  }
  return bad == 0;
}

adze_status
prune_not_finite (const adze_host *host, const char *tensor, uint64_t element)
{
  return adze_fail (host, ADZE_E_UNSUPPORTED,
                    "tensor '%s' is not finite at element %llu, and such a number has no place among "
                    "the magnitudes; say not-finite = \"keep\" to leave such numbers as they are",
                    tensor, (unsigned long long)element);
}

static adze_status
refuse_bad (const adze_host *host, const adze_tensor *input, const uint32_t *sizes, uint64_t first)
{
  size_t i = 0;
  while (sizes[i] < PRUNE_INFINITE)
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

/* FIRST: where the piece begins. A tensor of N:M needs no cut, and is only looked through. */
static adze_status
observe_weights (const adze_host *host, counter *c, const prune_tensor *tensor,
                 const adze_tensor *input, uint64_t first)
{
  const char *in = (const char *)adze_view_data (&input->view);
  size_t size = input->view.dtype.bits / 8, count = adze_view_count (&input->view);
  uint32_t sizes[PRUNE_BLOCK];
  for (size_t start = 0; start < count; start += PRUNE_BLOCK) {
    size_t length = count - start < PRUNE_BLOCK ? count - start : PRUNE_BLOCK;
    bool finite = load (input->view.dtype, in + start * size, length, sizes);
    if (!finite && !tensor->keeps_bad)
      return refuse_bad (host, input, sizes, first + start);
    if (c->search)
      count_sizes (c, sizes, length, first + start, !finite);
    else
      c->sums->counted += length;
  }
  return ADZE_OK;
}

/* The first number of the tensor that is not finite. */
static adze_status
refuse_bad_block (const adze_host *host, const adze_tensor *input)
{
  const char *in = (const char *)adze_view_data (&input->view);
  size_t size = input->view.dtype.bits / 8, count = adze_view_count (&input->view);
  uint32_t sizes[PRUNE_BLOCK];
  for (size_t start = 0; start < count; start += PRUNE_BLOCK)
    if (!load (input->view.dtype, in + start * size, count - start < PRUNE_BLOCK ? count - start : PRUNE_BLOCK,
               sizes))
      return refuse_bad (host, input, sizes, start);
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
      bool finite = true;
      prune_norms (&tensor->pattern, grid, &input->view, down, first, count, sizes);
      for (size_t i = 0; i < count; i++)
        finite = finite && sizes[i] < PRUNE_INFINITE;
      if (!finite && !tensor->keeps_bad)
        return refuse_bad_block (host, input);
      count_sizes (c, sizes, count, down * grid->across + first, !finite);
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
               : observe_weights (host, &c, tensor, input, place.first);
  gather_zeros (&c);
  return status;
}

adze_status
prune_merge (const adze_host *host, void *instance, void *left, const void *right)
{
  const prune *self = (const prune *)instance;
  prune_sums *into = (prune_sums *)left;
  const prune_sums *from = (const prune_sums *)right;
  const uint64_t *counts = prune_sums_counts (from);
  uint64_t *to = prune_sums_counts (into);
  size_t places = (size_t)1 << self->grain.bits;
  (void)host;
  for (size_t i = 0; i < places; i++)
    to[i] += counts[i];
  if (into->listed + from->listed <= self->grain.listed)
    memcpy (prune_sums_list (&self->grain, into) + into->listed,
            prune_sums_list (&self->grain, from), (size_t)from->listed * sizeof (uint64_t));
  into->listed += from->listed;
  into->counted += from->counted;
  into->zeros += from->zeros;
  into->below += from->below;
  return ADZE_OK;
}
