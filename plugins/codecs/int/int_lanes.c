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
ANY_WIDTH void
int_range (const float *values, uint64_t count, float *low, float *high)
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
  *low = below > UINT32_C (0x80000000) ? adze_float_of_bits (below) : 0;
  *high = adze_float_of_bits ((uint32_t)above);
}

/* Bounds are whole numbers, so that what is cut off first is rounded to the same; and so small that adding a number whose last
 * bit is one rounds as rintf does. */
ANY_WIDTH void
int_encode (const int_way *way, int_cell cell, const float *values, uint64_t count, uint8_t *codes)
{
  const float whole = 12582912; /* 1.5 * 2^23 */
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
