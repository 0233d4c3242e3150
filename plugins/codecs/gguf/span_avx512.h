/* SPDX-License-Identifier: Apache-2.0 */
/* span_avx512.h: a span in two vectors of sixteen, in the names that span_scalar.h explains. */
typedef struct NAMED (span_of) {
  __m512 low, high;
} NAMED (span_of);
typedef struct NAMED (codes_of) {
  __m512i low, high;
} NAMED (codes_of);
#define span NAMED (span_of)
#define codes NAMED (codes_of)

#define s_in(from) ((span){ _mm512_loadu_ps (from), _mm512_loadu_ps ((from) + 16) })
#define s_times(s, f) NAMED (span_times) (s, _mm512_set1_ps (f))
#define s_minus(s, f) NAMED (span_minus) (s, _mm512_set1_ps (f))
#define s_sizes(s) _mm512_max_ps (_mm512_abs_ps ((s).low), _mm512_abs_ps ((s).high))
#define s_least(s) _mm512_min_ps ((s).low, (s).high)
#define s_most(s) _mm512_max_ps ((s).low, (s).high)
#define r_fold_least(parts) NAMED (fold) (parts, true)
#define r_fold_most(parts) NAMED (fold) (parts, false)
#define c_all(n) ((codes){ _mm512_set1_epi32 (n), _mm512_set1_epi32 (n) })
#define c_cut(s, f) NAMED (codes_cut) (s, _mm512_set1_ps (f))
#define c_near(s) NAMED (codes_near) (s)
#define c_even(s, low, high) NAMED (codes_even) (s, low, high)
#define c_at_most(c, n) NAMED (codes_at_most) (c, _mm512_set1_epi32 (n))
#define c_add(a, b) NAMED (codes_add) (a, b)
#define c_up(c, n) ((codes){ _mm512_slli_epi32 ((c).low, n), _mm512_slli_epi32 ((c).high, n) })
#define c_count(c, s, f) NAMED (codes_count) (c, s, _mm512_set1_ps (f))
#define c_signed(c, s) NAMED (codes_signed) (c, s)
#define c_bytes(c, to) NAMED (codes_bytes) (c, to)
#define c_nibbles(c, to) NAMED (codes_nibbles) (c, to)
#define c_fifths(c) NAMED (codes_fifths) (c)

INLINED span
NAMED (span_times) (span s, __m512 factor)
{
  return (span){ _mm512_mul_ps (s.low, factor), _mm512_mul_ps (s.high, factor) };
}

INLINED span
NAMED (span_minus) (span s, __m512 less)
{
  return (span){ _mm512_sub_ps (s.low, less), _mm512_sub_ps (s.high, less) };
}

INLINED reals
NAMED (lesser_or_greater) (reals a, reals b, bool lesser)
{
  return lesser ? _mm512_min_ps (a, b) : _mm512_max_ps (a, b);
}

/* As rows become columns, but each step leaves half of the vectors. */
INLINED reals
NAMED (fold) (const reals *parts, bool lesser)
{
  reals twos[8], fours[4], eights[2];
  UNROLLED
  for (int i = 0; i < 8; i++)
    twos[i] = NAMED (lesser_or_greater) (_mm512_unpacklo_ps (parts[2 * i], parts[2 * i + 1]),
                                         _mm512_unpackhi_ps (parts[2 * i], parts[2 * i + 1]), lesser);
  UNROLLED
  for (int i = 0; i < 4; i++)
    fours[i] = NAMED (lesser_or_greater) (_mm512_shuffle_ps (twos[2 * i], twos[2 * i + 1], 0x44),
                                          _mm512_shuffle_ps (twos[2 * i], twos[2 * i + 1], 0xee), lesser);
  UNROLLED
  for (int i = 0; i < 2; i++)
    eights[i] = NAMED (lesser_or_greater) (_mm512_shuffle_f32x4 (fours[2 * i], fours[2 * i + 1], 0x88),
                                           _mm512_shuffle_f32x4 (fours[2 * i], fours[2 * i + 1], 0xdd), lesser);
  return NAMED (lesser_or_greater) (_mm512_shuffle_f32x4 (eights[0], eights[1], 0x88),
                                    _mm512_shuffle_f32x4 (eights[0], eights[1], 0xdd), lesser);
}

INLINED codes
NAMED (codes_cut) (span s, __m512 offset)
{
  return (codes){ _mm512_cvttps_epi32 (_mm512_add_ps (s.low, offset)),
                  _mm512_cvttps_epi32 (_mm512_add_ps (s.high, offset)) };
}

/* What is added is the number below one half: so 0.49999997 stays below one, and all else that is no half
 * gets where it should as well. */
INLINED __m512i
NAMED (near) (__m512 x)
{
  __m512 half = _mm512_set1_ps (0x1.fffffep-2f), sign = _mm512_set1_ps (-0.0f);
  return _mm512_cvttps_epi32 (_mm512_add_ps (x, _mm512_or_ps (half, _mm512_and_ps (sign, x))));
}

INLINED codes
NAMED (codes_near) (span s)
{
  return (codes){ NAMED (near) (s.low), NAMED (near) (s.high) };
}

INLINED codes
NAMED (codes_even) (span s, int low, int high)
{
  return (codes){ NAMED (between) (NAMED (nearest) (s.low), low, high),
                  NAMED (between) (NAMED (nearest) (s.high), low, high) };
}

INLINED codes
NAMED (codes_at_most) (codes c, __m512i most)
{
  return (codes){ _mm512_min_epi32 (c.low, most), _mm512_min_epi32 (c.high, most) };
}

INLINED codes
NAMED (codes_add) (codes a, codes b)
{
  return (codes){ _mm512_add_epi32 (a.low, b.low), _mm512_add_epi32 (a.high, b.high) };
}

INLINED __m512i
NAMED (count) (__m512i c, __m512 x, __m512 limit)
{
  __mmask16 above = _mm512_cmp_ps_mask (_mm512_abs_ps (x), limit, _CMP_GT_OQ);
  return _mm512_mask_add_epi32 (c, above, c, _mm512_set1_epi32 (1));
}

INLINED codes
NAMED (codes_count) (codes c, span s, __m512 limit)
{
  return (codes){ NAMED (count) (c.low, s.low, limit), NAMED (count) (c.high, s.high, limit) };
}

INLINED __m512i
NAMED (with_sign) (__m512i c, __m512 x)
{
  __mmask16 below = _mm512_movepi32_mask (_mm512_castps_si512 (x)) & _mm512_test_epi32_mask (c, c);
  return _mm512_mask_add_epi32 (c, below, c, _mm512_set1_epi32 (8));
}

INLINED codes
NAMED (codes_signed) (codes c, span s)
{
  return (codes){ NAMED (with_sign) (c.low, s.low), NAMED (with_sign) (c.high, s.high) };
}

INLINED void
NAMED (codes_bytes) (codes c, uint8_t *to)
{
  _mm_storeu_si128 ((__m128i *)(void *)to, _mm512_cvtepi32_epi8 (c.low));
  _mm_storeu_si128 ((__m128i *)(void *)(to + 16), _mm512_cvtepi32_epi8 (c.high));
}

INLINED void
NAMED (codes_nibbles) (codes c, uint8_t *to)
{
  __m512i low = _mm512_and_si512 (c.low, _mm512_set1_epi32 (15));
  __m512i both = _mm512_or_si512 (low, _mm512_slli_epi32 (c.high, 4));
  _mm_storeu_si128 ((__m128i *)(void *)to, _mm512_cvtepi32_epi8 (both));
}

INLINED uint32_t
NAMED (codes_fifths) (codes c)
{
  __m512i bit = _mm512_set1_epi32 (16);
  return (uint32_t)_mm512_test_epi32_mask (c.high, bit) << 16 | _mm512_test_epi32_mask (c.low, bit);
}
