/* SPDX-License-Identifier: Apache-2.0 */
/* span_scalar.h: a span is 32 numbers that lie one after the other, the block of most types. Here for every
 * processor, by the names that span_avx2.h and span_avx512.h give theirs; each comes behind the lanes_*.h of
 * its width, and span_end.h takes the names away again.
 *
 *   span, codes                types: 32 float, 32 int32_t
 *   s_in (from)                read
 *   s_times, s_minus           one IEEE operation with the same number for all
 *   s_sizes, s_least, s_most   vectors of LANES, the greatest of which is the greatest magnitude, and so on
 *   r_fold_least, r_fold_most  of LANES such vectors, the least and the greatest of each: a vector of them
 *   c_all (n)                  the same for all
 *   c_cut (s, offset)          the whole part of number + offset
 *   c_near (s)                 the nearest whole number, halves away from zero
 *   c_even (s, low, high)      the nearest whole number, as k_lanes.h has it, from LOW to HIGH
 *   c_at_most, c_add, c_up     integers; c_count (c, s, x): one more where the magnitude is above X
 *   c_signed (c, s)            8 more where the number is below zero and the code is not
 *   c_bytes, c_nibbles         written as 32 bytes; as 16, the second half of the span in the upper nibbles
 *   c_fifths (c)               bit 4 of each as bits of a word
 *
 * What c_cut and c_near are given is within the range of int32_t but in span_scalar.h. */
#include "numbers.h"

typedef struct NAMED (span_of) {
  float x[32];
} NAMED (span_of);
typedef struct NAMED (codes_of) {
  int32_t x[32];
} NAMED (codes_of);
#define span NAMED (span_of)
#define codes NAMED (codes_of)

#define s_in(from) NAMED (span_in) (from)
#define s_times(s, f) NAMED (span_times) (s, f)
#define s_minus(s, f) NAMED (span_minus) (s, f)
#define s_sizes(s) NAMED (span_sizes) (s)
#define s_least(s) NAMED (span_least) (s)
#define s_most(s) NAMED (span_most) (s)
#define r_fold_least(parts) ((parts)[0])
#define r_fold_most(parts) ((parts)[0])
#define c_all(n) NAMED (codes_all) (n)
#define c_cut(s, f) NAMED (codes_cut) (s, f)
#define c_near(s) NAMED (codes_near) (s)
#define c_even(s, low, high) NAMED (codes_even) (s, low, high)
#define c_at_most(c, n) NAMED (codes_at_most) (c, n)
#define c_add(a, b) NAMED (codes_add) (a, b)
#define c_up(c, n) NAMED (codes_up) (c, n)
#define c_count(c, s, f) NAMED (codes_count) (c, s, f)
#define c_signed(c, s) NAMED (codes_signed) (c, s)
#define c_bytes(c, to) NAMED (codes_bytes) (c, to)
#define c_nibbles(c, to) NAMED (codes_nibbles) (c, to)
#define c_fifths(c) NAMED (codes_fifths) (c)

INLINED span
NAMED (span_in) (const float *from)
{
  span s;
  memcpy (s.x, from, sizeof s.x);
  return s;
}

INLINED span
NAMED (span_times) (span s, float factor)
{
  for (int i = 0; i < 32; i++)
    s.x[i] *= factor;
  return s;
}

INLINED span
NAMED (span_minus) (span s, float less)
{
  for (int i = 0; i < 32; i++)
    s.x[i] -= less;
  return s;
}

/* The bits of a float32 as an integer that is greater where the number is; its own inverse. Compilers look for the
 * greatest integer with the vectors that every processor of a kind has, which they may not do with numbers. */
INLINED int32_t
NAMED (order) (int32_t bits)
{
  return bits ^ (bits >> 31 & INT32_MAX);
}

INLINED float
NAMED (span_sizes) (span s)
{
  int32_t size = 0;
  for (int i = 0; i < 32; i++) {
    int32_t here = r_bits (s.x[i]) & INT32_MAX;
    size = here > size ? here : size;
  }
  return i_reals (size);
}

INLINED float
NAMED (span_least) (span s)
{
  int32_t least = INT32_MAX;
  for (int i = 0; i < 32; i++) {
    int32_t here = NAMED (order) (r_bits (s.x[i]));
    least = here < least ? here : least;
  }
  return i_reals (NAMED (order) (least));
}

INLINED float
NAMED (span_most) (span s)
{
  int32_t most = INT32_MIN;
  for (int i = 0; i < 32; i++) {
    int32_t here = NAMED (order) (r_bits (s.x[i]));
    most = here > most ? here : most;
  }
  return i_reals (NAMED (order) (most));
}

INLINED codes
NAMED (codes_all) (int32_t number)
{
  codes c;
  for (int i = 0; i < 32; i++)
    c.x[i] = number;
  return c;
}

INLINED codes
NAMED (codes_cut) (span s, float offset)
{
  codes c;
  for (int i = 0; i < 32; i++)
    c.x[i] = gguf_cut (s.x[i] + offset);
  return c;
}

/* What is added is the number below one half: so 0.49999997 stays below one, and all else that is no half
 * gets where it should as well. */
INLINED codes
NAMED (codes_near) (span s)
{
  codes c;
  for (int i = 0; i < 32; i++)
    c.x[i] = gguf_cut (s.x[i] + copysignf (0x1.fffffep-2f, s.x[i]));
  return c;
}

INLINED codes
NAMED (codes_even) (span s, int low, int high)
{
  codes c;
  for (int i = 0; i < 32; i++)
    c.x[i] = NAMED (between) (NAMED (nearest) (s.x[i]), low, high);
  return c;
}

INLINED codes
NAMED (codes_at_most) (codes c, int32_t most)
{
  for (int i = 0; i < 32; i++)
    c.x[i] = c.x[i] < most ? c.x[i] : most;
  return c;
}

INLINED codes
NAMED (codes_add) (codes a, codes b)
{
  for (int i = 0; i < 32; i++)
    a.x[i] += b.x[i];
  return a;
}

INLINED codes
NAMED (codes_up) (codes c, int bits)
{
  for (int i = 0; i < 32; i++)
    c.x[i] = (int32_t)((uint32_t)c.x[i] << bits);
  return c;
}

INLINED codes
NAMED (codes_count) (codes c, span s, float limit)
{
  for (int i = 0; i < 32; i++)
    c.x[i] += fabsf (s.x[i]) > limit;
  return c;
}

INLINED codes
NAMED (codes_signed) (codes c, span s)
{
  for (int i = 0; i < 32; i++)
    c.x[i] += s.x[i] < 0 && c.x[i] != 0 ? 8 : 0;
  return c;
}

INLINED void
NAMED (codes_bytes) (codes c, uint8_t *to)
{
  for (int i = 0; i < 32; i++)
    to[i] = (uint8_t)c.x[i];
}

INLINED void
NAMED (codes_nibbles) (codes c, uint8_t *to)
{
  for (int i = 0; i < 16; i++)
    to[i] = (uint8_t)((c.x[i] & 15) | (c.x[i + 16] & 15) << 4);
}

INLINED uint32_t
NAMED (codes_fifths) (codes c)
{
  uint32_t bits = 0;
  for (int i = 0; i < 32; i++)
    bits |= ((uint32_t)c.x[i] >> 4 & 1) << i;
  return bits;
}
