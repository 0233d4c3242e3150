/* SPDX-License-Identifier: Apache-2.0 */
/* codebook_codes.c: values to places in their book, and codes to a stream of bits and back. */
#include "codebook.h"

static uint32_t
begin_of (const codebook_places *places, uint32_t bits)
{
  return bits * UINT32_C (0x9e3779b1) >> places->shift;
}

/* A quarter of the table is filled at most, so that ways are short. */
void
codebook_index (codebook_places *places, const float *book, uint32_t count)
{
  uint32_t wide = 2;
  while (UINT32_C (1) << wide < 4 * count)
    wide++;
  places->shift = 32 - wide;
  places->mask = (UINT32_C (1) << wide) - 1;
  memset (places->codes, 0, (places->mask + 1) * sizeof *places->codes);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t bits = adze_float_bits (book[i]), at = begin_of (places, bits);
    while (places->codes[at] != 0 && places->values[at] != bits)
      at = (at + 1) & places->mask;
    if (places->codes[at] != 0)
      continue; /* what fills up the end of a book is nobody's */
    places->values[at] = bits;
    places->codes[at] = (uint16_t)(i + 1);
  }
}

bool
codebook_find (const codebook_places *places, const float *values, uint64_t count, uint8_t *codes)
{
  for (uint64_t i = 0; i < count; i++) {
    uint32_t bits = adze_float_bits (values[i]), at = begin_of (places, bits);
    while (places->values[at] != bits || places->codes[at] == 0) {
      if (places->codes[at] == 0)
        return false;
      at = (at + 1) & places->mask;
    }
    codes[i] = (uint8_t)(places->codes[at] - 1);
  }
  return true;
}

void
codebook_pack (uint32_t bits, const uint8_t *codes, uint64_t count, uint8_t *bytes)
{
  uint32_t held = 0, filled = 0;
  for (uint64_t i = 0; i < count; i++) {
    held |= (uint32_t)codes[i] << filled;
    for (filled += bits; filled >= 8; filled -= 8) {
      *bytes++ = (uint8_t)held;
      held >>= 8;
    }
  }
  if (filled > 0)
    *bytes = (uint8_t)held;
}

void
codebook_unpack (uint32_t bits, const uint8_t *bytes, uint64_t count, uint8_t *codes)
{
  uint32_t held = 0, filled = 0, mask = (UINT32_C (1) << bits) - 1;
  for (uint64_t i = 0; i < count; i++) {
    for (; filled < bits; filled += 8)
      held |= (uint32_t)*bytes++ << filled;
    codes[i] = (uint8_t)(held & mask);
    held >>= bits;
    filled -= bits;
  }
}
