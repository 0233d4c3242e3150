/* SPDX-License-Identifier: Apache-2.0 */
/* codebook_seen.c: the values of a book, in order. */
#include "codebook.h"

/* Bits of floats, so that they are in order as whole numbers. */
static uint32_t
rank_of (uint32_t bits)
{
  return bits >> 31 ? ~bits : bits | UINT32_C (1) << 31;
}

/* How many of them come before BITS. */
static uint32_t
place_of (const codebook_seen *seen, uint32_t bits)
{
  uint32_t low = 0, high = seen->count;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (rank_of (seen->values[middle]) < rank_of (bits))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void
note (const codebook_way *way, codebook_seen *seen, uint32_t bits)
{
  uint32_t place = place_of (seen, bits);
  if (place < seen->count && seen->values[place] == bits)
    return;
  if (seen->count == way->room) {
    seen->count++;
    return;
  }
  memmove (seen->values + place + 1, seen->values + place,
           (seen->count - place) * sizeof *seen->values);
  seen->values[place] = bits;
  seen->count++;
}

/* Most numbers are one of a few that were seen a moment ago: those are remembered where their bits lead. */
void
codebook_see (const codebook_way *way, codebook_seen *seen, const float *values, uint64_t count)
{
  uint32_t recent[256];
  if (count == 0)
    return;
  for (uint32_t i = 0; i < 256; i++)
    recent[i] = ~adze_float_bits (values[0]);
  for (uint64_t i = 0; i < count && seen->count <= way->room; i++) {
    uint32_t bits = adze_float_bits (values[i]), at = bits * UINT32_C (0x9e3779b1) >> 24;
    if (recent[at] == bits)
      continue;
    recent[at] = bits;
    note (way, seen, bits);
  }
}

void
codebook_see_both (const codebook_way *way, codebook_seen *into, const codebook_seen *from)
{
  uint32_t count = from->count < way->room ? from->count : way->room;
  for (uint32_t i = 0; i < count && into->count <= way->room; i++)
    note (way, into, from->values[i]);
  if (from->count > way->room)
    into->count = from->count;
}

void
codebook_book (const codebook_seen *seen, uint32_t width, float *book)
{
  uint32_t filled = 0, zero = place_of (seen, 0);
  if (zero < seen->count && seen->values[zero] == 0)
    book[filled++] = 0;
  for (uint32_t i = 0; i < seen->count && filled < width; i++)
    if (seen->values[i] != 0)
      book[filled++] = adze_float_of_bits (seen->values[i]);
  for (; filled < width; filled++)
    book[filled] = filled > 0 ? book[filled - 1] : 0;
}
