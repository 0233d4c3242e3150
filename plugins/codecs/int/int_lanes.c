/* SPDX-License-Identifier: Apache-2.0 */
/* int_lanes.c: the loops over all numbers. Each number is by itself, so that any width of vectors gives the same
 * codes; the widest that the processor has is taken. */
#include "int.h"

#if defined __GNUC__ && !defined __clang__
#pragma GCC optimize("O3")
#endif
#if defined __x86_64__ && defined __linux__ && !defined __clang__ /* whose other files would not find them */
#define ANY_WIDTH __attribute__ ((target_clones ("avx512f", "avx2", "default")))
#else
#define ANY_WIDTH
#endif

/* Numbers as bits, of which the greatest are found in any order: those below zero are the greater, the further they
 * are from it. */
ANY_WIDTH int_range
int_extremes (const float *values, uint64_t count)
{
  uint32_t below = 0;
  int32_t above = 0;
  for (uint64_t i = 0; i < count; i++) {
    uint32_t bits = adze_float_bits (values[i]);
    uint32_t negative = bits & (0 - (bits >> 31));
    int32_t as_signed = (int32_t)bits;
    below = negative > below ? negative : below;
    above = as_signed > above ? as_signed : above;
  }
  return (int_range){ below > UINT32_C (0x80000000) ? adze_float_of_bits (below) : 0,
                      adze_float_of_bits ((uint32_t)above) };
}

static const float whole = 12582912; /* 1.5 * 2^23 */

/* Bounds are whole numbers, so that what is cut off first is rounded to the same; and so small that adding a number whose last
 * bit is one rounds as rintf does. */
ANY_WIDTH void
int_encode (const int_way *way, int_cell cell, const float *values, uint64_t count, uint8_t *codes)
{
  const uint32_t middle = UINT32_C (1) << (way->bits - 1);
  const float zero = (float)cell.zero, least = (way->symmetric ? 1 : 0) - zero;
  const float most = (float)(2 * middle - 1) - zero, scale = cell.scale;
  for (uint64_t i = 0; i < count; i++) {
    float code = values[i] / scale;
    code = code < least ? least : code;
    code = code > most ? most : code;
    code = (code + whole) - whole;
    codes[i] = (uint8_t)(int32_t)(code + zero);
  }
}

ANY_WIDTH void
int_flip (const uint8_t *codes, uint64_t count, uint8_t *__restrict out)
{
  for (uint64_t i = 0; i < count; i++)
    out[i] = codes[i] ^ 0x80;
}

ANY_WIDTH void
int_decode (int_cell cell, const uint8_t *codes, uint64_t count, float *values)
{
  const float scale = cell.scale;
  const int32_t zero = (int32_t)cell.zero;
  for (uint64_t i = 0; i < count; i++)
    values[i] = (float)((int32_t)codes[i] - zero) * scale;
}

/* In so many sums side by side, in the same order whatever the width. */
ANY_WIDTH double
int_squares (const int_way *way, int_cell cell, const float *values, uint64_t count)
{
  enum { SIDE_BY_SIDE = 16 };
  const float scale = cell.scale, least = -(float)int_steps (way, cell, true),
              most = (float)int_steps (way, cell, false);
  double sums[SIDE_BY_SIDE] = { 0 }, sum = 0;
  for (uint64_t i = 0; i < count; i += SIDE_BY_SIDE) {
    uint64_t some = count - i < SIDE_BY_SIDE ? count - i : SIDE_BY_SIDE;
    float off[SIDE_BY_SIDE] = { 0 };
    for (uint64_t k = 0; k < some; k++)
      off[k] = values[i + k];
    for (uint32_t k = 0; k < SIDE_BY_SIDE; k++) {
      float code = off[k] / scale;
      code = code < least ? least : code;
      code = code > most ? most : code;
      double apart = (double)off[k] - (double)(((code + whole) - whole) * scale);
      sums[k] += apart * apart;
    }
  }
  for (uint32_t k = 0; k < SIDE_BY_SIDE; k++)
    sum += sums[k];
  return sum;
}
