/* SPDX-License-Identifier: Apache-2.0 */
/* run/verify_loops.c: loops over numbers as bits, one for each size. */
#include "run/verify_loops.h"

#include <stdlib.h>

#if defined __GNUC__ && !defined __clang__
#pragma GCC optimize("O3")
#endif

/* Looked at without a branch; where one is found, the place is looked for. */
#define BLOCK 512u

/* ---- Zeros that stay zeros. */

#define DEFINE_REVIVED(before, after) \
  static uint64_t revived_##before##_##after (const void *in, uint64_t in_mask, const void *out, \
                                              uint64_t out_mask, uint64_t count) \
  { \
    const before *a = in, a_mask = (before)in_mask; \
    const after *b = out, b_mask = (after)out_mask; \
    for (uint64_t first = 0; first < count; first += BLOCK) { \
      uint64_t last = count - first < BLOCK ? count : first + BLOCK; \
      uint32_t found = 0; \
      for (uint64_t i = first; i < last; i++) \
        found |= (uint32_t)((a[i] & a_mask) == 0) & (uint32_t)((b[i] & b_mask) != 0); \
      for (uint64_t i = first; found && i < last; i++) \
        if ((a[i] & a_mask) == 0 && (b[i] & b_mask) != 0) \
          return i; \
    } \
    return UINT64_MAX; \
  }

#define DEFINE_REVIVED_FROM(before) \
  DEFINE_REVIVED (before, uint8_t) \
  DEFINE_REVIVED (before, uint16_t) \
  DEFINE_REVIVED (before, uint32_t) \
  DEFINE_REVIVED (before, uint64_t)

DEFINE_REVIVED_FROM (uint8_t)
DEFINE_REVIVED_FROM (uint16_t)
DEFINE_REVIVED_FROM (uint32_t)
DEFINE_REVIVED_FROM (uint64_t)

typedef uint64_t revived_loop (const void *in, uint64_t in_mask, const void *out, uint64_t out_mask,
                               uint64_t count);

#define ROW(before) \
  { revived_##before##_uint8_t, revived_##before##_uint16_t, revived_##before##_uint32_t, \
    revived_##before##_uint64_t }

static unsigned
number_of (uint32_t size)
{
  return size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
}

uint64_t
adze_first_revived (const adze_bits *in, const adze_bits *out)
{
  static revived_loop *const loops[4][4] = { ROW (uint8_t), ROW (uint16_t), ROW (uint32_t), ROW (uint64_t) };
  uint64_t count = in->count < out->count ? in->count : out->count;
  return loops[number_of (in->size)][number_of (out->size)](in->data, in->mask, out->data, out->mask, count);
}

/* ---- Neighbours: groups of m begin anew in every row; the rest of a row that is no whole group counts as one. */

typedef struct crowd {
  uint64_t column, row;
  uint32_t n, m;
} crowd;

#define DEFINE_CROWDED(type) \
  static uint64_t crowded_##type (const void *data, uint64_t all_mask, uint64_t count, crowd c) \
  { \
    const type *numbers = data, mask = (type)all_mask; \
    for (uint64_t i = 0; i < count;) { \
      uint64_t size = c.m - c.column % c.m, start = i; \
      size = size < c.row - c.column ? size : c.row - c.column; \
      size = size < count - i ? size : count - i; \
      uint32_t filled = 0; \
      for (; i < start + size; i++) \
        filled += (numbers[i] & mask) != 0; \
      for (filled = filled > c.n ? c.n + 1 : 0; filled > 0; start++) \
        if ((numbers[start] & mask) != 0 && --filled == 0) \
          return start; \
      c.column = c.column + size == c.row ? 0 : c.column + size; \
    } \
    return UINT64_MAX; \
  }

DEFINE_CROWDED (uint8_t)
DEFINE_CROWDED (uint16_t)
DEFINE_CROWDED (uint32_t)
DEFINE_CROWDED (uint64_t)

uint64_t
adze_first_crowded (const adze_bits *numbers, uint64_t column, uint64_t row, uint32_t n, uint32_t m)
{
  static uint64_t (*const loops[4]) (const void *, uint64_t, uint64_t, crowd)
      = { crowded_uint8_t, crowded_uint16_t, crowded_uint32_t, crowded_uint64_t };
  const crowd c = { column, row, n, m };
  return loops[number_of (numbers->size)](numbers->data, numbers->mask, numbers->count, c);
}

/* ---- Different values. */

adze_error *
adze_book_open (uint64_t most, adze_book *book)
{
  *book = (adze_book){ .most = most, .bits = 4 };
  pthread_mutex_init (&book->lock, NULL);
  while (UINT64_C (1) << book->bits < 4 * most)
    book->bits++;
  book->places = calloc ((size_t)1 << book->bits, sizeof *book->places);
  return book->places ? NULL : adze_error_memory ();
}

void
adze_book_close (adze_book *book)
{
  free (book->places);
  pthread_mutex_destroy (&book->lock);
}

/* The place that has VALUE, or is free for it. */
static inline atomic_uint_fast64_t *
place_of (const adze_book *book, uint64_t value)
{
  uint64_t last = (UINT64_C (1) << book->bits) - 1;
  uint64_t at = value * UINT64_C (0x9e3779b97f4a7c15) >> (64 - book->bits);
  for (;; at = (at + 1) & last) {
    uint64_t found = atomic_load_explicit (&book->places[at], memory_order_relaxed);
    if (found == value || found == 0)
      return &book->places[at];
  }
}

static inline bool
is_known (adze_book *book, uint64_t value)
{
  if (value == 0)
    return atomic_load_explicit (&book->has_zero, memory_order_relaxed);
  return atomic_load_explicit (place_of (book, value), memory_order_relaxed) != 0;
}

/* False: it is one too many. */
static bool
add_value (adze_book *book, uint64_t value)
{
  pthread_mutex_lock (&book->lock);
  bool room = is_known (book, value) || book->count < book->most;
  if (room && !is_known (book, value)) {
    book->count++;
    if (value == 0)
      atomic_store_explicit (&book->has_zero, true, memory_order_relaxed);
    else
      atomic_store_explicit (place_of (book, value), value, memory_order_relaxed);
  }
  pthread_mutex_unlock (&book->lock);
  return room;
}

/* The two zeros are one value. */
#define DEFINE_SURPLUS(type) \
  static uint64_t surplus_##type (const void *data, uint64_t all_mask, uint64_t count, adze_book *book) \
  { \
    const type *numbers = data, mask = (type)all_mask; \
    for (uint64_t i = 0; i < count; i++) { \
      uint64_t value = (numbers[i] & mask) == 0 ? 0 : numbers[i]; \
      if (!is_known (book, value) && !add_value (book, value)) \
        return i; \
    } \
    return UINT64_MAX; \
  }

DEFINE_SURPLUS (uint8_t)
DEFINE_SURPLUS (uint16_t)
DEFINE_SURPLUS (uint32_t)
DEFINE_SURPLUS (uint64_t)

uint64_t
adze_first_surplus (const adze_bits *numbers, adze_book *book)
{
  static uint64_t (*const loops[4]) (const void *, uint64_t, uint64_t, adze_book *)
      = { surplus_uint8_t, surplus_uint16_t, surplus_uint32_t, surplus_uint64_t };
  return loops[number_of (numbers->size)](numbers->data, numbers->mask, numbers->count, book);
}
