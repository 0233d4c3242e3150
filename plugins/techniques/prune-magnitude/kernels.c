/* SPDX-License-Identifier: Apache-2.0 */
/* prune-magnitude: loops over numbers as bits. Each number is by itself and all sums are whole numbers,
 * so that any width of vectors gives the same; the widest that the processor has is taken. */
#include "prune.h"

#if defined __GNUC__ && !defined __clang__
#pragma GCC optimize("O3")
#endif
#if defined __x86_64__ && defined __linux__ && !defined __clang__ /* whose other files would not find them */
#define ANY_WIDTH __attribute__ ((target_clones ("avx512f", "avx2", "default")))
/* Of numbers shorter than 32 bits the widest vectors need more than avx512f. */
#define ANY_WIDTH_OF_SHORT __attribute__ ((target_clones ("avx2", "default")))
#else
#define ANY_WIDTH
#define ANY_WIDTH_OF_SHORT
#endif

#define SIZE_BITS UINT32_C (0x7fffffff)

ANY_WIDTH bool
prune_has_bad (const uint32_t *bits, size_t count)
{
  uint32_t bad = 0;
  for (size_t i = 0; i < count; i++)
    bad |= adze_bits_below (PRUNE_INFINITE - 1, bits[i] & SIZE_BITS);
  return bad != 0;
}

/* Without a branch: which number is a zero cannot be foreseen. */
ANY_WIDTH bool
prune_buckets_of (const uint32_t *bits, size_t count, uint32_t shift, uint32_t zeros,
                  uint32_t *__restrict buckets)
{
  uint32_t bad = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t size = bits[i] & SIZE_BITS, is_zero = adze_bits_below (size, 1);
    bad |= adze_bits_below (PRUNE_INFINITE - 1, size);
    buckets[i] = size >> shift | (is_zero & (zeros + (uint32_t)(i & (PRUNE_ZEROS - 1))));
  }
  return bad != 0;
}

ANY_WIDTH uint32_t
prune_hits_of (const uint32_t *bits, size_t count, uint32_t low, uint32_t high,
               uint8_t *__restrict hits)
{
  uint32_t below = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t size = bits[i] & SIZE_BITS, is_below = adze_bits_below (size, low);
    hits[i] = (uint8_t)(adze_bits_below (size, high) & ~is_below);
    below -= is_below;
  }
  return below;
}

ANY_WIDTH void
prune_add (uint64_t *into, const uint64_t *from, size_t count)
{
  for (size_t i = 0; i < count; i++)
    into[i] += from[i];
}

ANY_WIDTH void
prune_floats (uint32_t *__restrict out, const uint32_t *__restrict in, size_t count,
              uint32_t threshold)
{
  for (size_t i = 0; i < count; i++)
    out[i] = in[i] & ~adze_bits_below (in[i] & SIZE_BITS, threshold);
}

ANY_WIDTH_OF_SHORT void
prune_halves (uint16_t *__restrict out, const uint16_t *__restrict in, size_t count,
              uint16_t threshold)
{
  for (size_t i = 0; i < count; i++)
    out[i] = (int16_t)(in[i] & 0x7fff) < (int16_t)threshold ? 0 : in[i];
}
