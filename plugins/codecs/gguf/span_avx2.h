/* SPDX-License-Identifier: Apache-2.0 */
/* span_avx2.h: a span in four vectors of eight, in the names that span_scalar.h explains. */
typedef struct NAMED (span_of) {
  __m256 a, b, c, d;
} NAMED (span_of);
typedef struct NAMED (codes_of) {
  __m256i a, b, c, d;
} NAMED (codes_of);
#define span NAMED (span_of)
#define codes NAMED (codes_of)

#define s_in(from) \
  ((span){ _mm256_loadu_ps (from), _mm256_loadu_ps ((from) + 8), _mm256_loadu_ps ((from) + 16), \
           _mm256_loadu_ps ((from) + 24) })
#define s_times(s, f) NAMED (span_times) (s, _mm256_set1_ps (f))
#define s_minus(s, f) NAMED (span_minus) (s, _mm256_set1_ps (f))
#define s_sizes(s) s_most (NAMED (span_sizes) (s))
#define s_least(s) _mm256_min_ps (_mm256_min_ps ((s).a, (s).b), _mm256_min_ps ((s).c, (s).d))
#define s_most(s) NAMED (span_most) (s)
#define r_fold_least(parts) NAMED (fold) (parts, true)
#define r_fold_most(parts) NAMED (fold) (parts, false)
#define c_all(n) \
  ((codes){ _mm256_set1_epi32 (n), _mm256_set1_epi32 (n), _mm256_set1_epi32 (n), _mm256_set1_epi32 (n) })
#define c_cut(s, f) NAMED (codes_cut) (s, _mm256_set1_ps (f))
#define c_near(s) \
  ((codes){ NAMED (near) ((s).a), NAMED (near) ((s).b), NAMED (near) ((s).c), NAMED (near) ((s).d) })
#define c_even(s, low, high) NAMED (codes_even) (s, low, high)
#define c_at_most(c, n) NAMED (codes_at_most) (c, _mm256_set1_epi32 (n))
#define c_add(a, b) NAMED (codes_add) (a, b)
#define c_up(x, n) \
  ((codes){ _mm256_slli_epi32 ((x).a, n), _mm256_slli_epi32 ((x).b, n), _mm256_slli_epi32 ((x).c, n), \
            _mm256_slli_epi32 ((x).d, n) })
#define c_count(x, s, f) NAMED (codes_count) (x, NAMED (span_sizes) (s), _mm256_set1_ps (f))
#define c_signed(c, s) NAMED (codes_signed) (c, s)
#define c_bytes(c, to) NAMED (codes_bytes) (c, to)
#define c_nibbles(c, to) NAMED (codes_nibbles) (c, to)
#define c_fifths(c) NAMED (codes_fifths) (c)

INLINED span
NAMED (span_times) (span s, __m256 factor)
{
  return (span){ _mm256_mul_ps (s.a, factor), _mm256_mul_ps (s.b, factor), _mm256_mul_ps (s.c, factor),
                 _mm256_mul_ps (s.d, factor) };
}

INLINED span
NAMED (span_minus) (span s, __m256 less)
{
  return (span){ _mm256_sub_ps (s.a, less), _mm256_sub_ps (s.b, less), _mm256_sub_ps (s.c, less),
                 _mm256_sub_ps (s.d, less) };
}

INLINED span
NAMED (span_sizes) (span s)
{
  __m256 sign = _mm256_set1_ps (-0.0f);
  return (span){ _mm256_andnot_ps (sign, s.a), _mm256_andnot_ps (sign, s.b), _mm256_andnot_ps (sign, s.c),
                 _mm256_andnot_ps (sign, s.d) };
}

INLINED reals
NAMED (span_most) (span s)
{
  return _mm256_max_ps (_mm256_max_ps (s.a, s.b), _mm256_max_ps (s.c, s.d));
}

INLINED reals
NAMED (lesser_or_greater) (reals a, reals b, bool lesser)
{
  return lesser ? _mm256_min_ps (a, b) : _mm256_max_ps (a, b);
}

/* As rows become columns, but each step leaves half of the vectors. */
INLINED reals
NAMED (fold) (const reals *parts, bool lesser)
{
  reals twos[4], fours[2];
  UNROLLED
  for (int i = 0; i < 4; i++)
    twos[i] = NAMED (lesser_or_greater) (_mm256_unpacklo_ps (parts[2 * i], parts[2 * i + 1]),
                                         _mm256_unpackhi_ps (parts[2 * i], parts[2 * i + 1]), lesser);
  UNROLLED
  for (int i = 0; i < 2; i++)
    fours[i] = NAMED (lesser_or_greater) (_mm256_shuffle_ps (twos[2 * i], twos[2 * i + 1], 0x44),
                                          _mm256_shuffle_ps (twos[2 * i], twos[2 * i + 1], 0xee), lesser);
  return NAMED (lesser_or_greater) (_mm256_permute2f128_ps (fours[0], fours[1], 0x20),
                                    _mm256_permute2f128_ps (fours[0], fours[1], 0x31), lesser);
}

INLINED codes
NAMED (codes_cut) (span s, __m256 offset)
{
  return (codes){ _mm256_cvttps_epi32 (_mm256_add_ps (s.a, offset)),
                  _mm256_cvttps_epi32 (_mm256_add_ps (s.b, offset)),
                  _mm256_cvttps_epi32 (_mm256_add_ps (s.c, offset)),
                  _mm256_cvttps_epi32 (_mm256_add_ps (s.d, offset)) };
}

/* What is added is the number below one half: so 0.49999997 stays below one, and all else that is no half
 * gets where it should as well. */
INLINED __m256i
NAMED (near) (__m256 x)
{
  __m256 half = _mm256_set1_ps (0x1.fffffep-2f), sign = _mm256_set1_ps (-0.0f);
  return _mm256_cvttps_epi32 (_mm256_add_ps (x, _mm256_or_ps (half, _mm256_and_ps (sign, x))));
}

INLINED codes
NAMED (codes_even) (span s, int low, int high)
{
  return (codes){ NAMED (between) (NAMED (nearest) (s.a), low, high),
                  NAMED (between) (NAMED (nearest) (s.b), low, high),
                  NAMED (between) (NAMED (nearest) (s.c), low, high),
                  NAMED (between) (NAMED (nearest) (s.d), low, high) };
}

INLINED codes
NAMED (codes_at_most) (codes c, __m256i most)
{
  return (codes){ _mm256_min_epi32 (c.a, most), _mm256_min_epi32 (c.b, most), _mm256_min_epi32 (c.c, most),
                  _mm256_min_epi32 (c.d, most) };
}

INLINED codes
NAMED (codes_add) (codes x, codes y)
{
  return (codes){ _mm256_add_epi32 (x.a, y.a), _mm256_add_epi32 (x.b, y.b), _mm256_add_epi32 (x.c, y.c),
                  _mm256_add_epi32 (x.d, y.d) };
}

/* A comparison that holds is -1. */
INLINED __m256i
NAMED (count) (__m256i c, __m256 size, __m256 limit)
{
  return _mm256_sub_epi32 (c, _mm256_castps_si256 (_mm256_cmp_ps (size, limit, _CMP_GT_OQ)));
}

INLINED codes
NAMED (codes_count) (codes c, span sizes, __m256 limit)
{
  return (codes){ NAMED (count) (c.a, sizes.a, limit), NAMED (count) (c.b, sizes.b, limit),
                  NAMED (count) (c.c, sizes.c, limit), NAMED (count) (c.d, sizes.d, limit) };
}

INLINED __m256i
NAMED (with_sign) (__m256i c, __m256 x)
{
  __m256i below = _mm256_srai_epi32 (_mm256_castps_si256 (x), 31);
  __m256i code = _mm256_cmpgt_epi32 (c, _mm256_setzero_si256 ());
  __m256i eight = _mm256_and_si256 (_mm256_and_si256 (below, code), _mm256_set1_epi32 (8));
  return _mm256_or_si256 (c, eight);
}

INLINED codes
NAMED (codes_signed) (codes c, span s)
{
  return (codes){ NAMED (with_sign) (c.a, s.a), NAMED (with_sign) (c.b, s.b), NAMED (with_sign) (c.c, s.c),
                  NAMED (with_sign) (c.d, s.d) };
}

/* Packing works within halves of vectors; of what comes out, groups of four numbers are put in order. */
INLINED void
NAMED (codes_bytes) (codes c, uint8_t *to)
{
  __m256i byte = _mm256_set1_epi32 (255);
  __m256i low = _mm256_packus_epi32 (_mm256_and_si256 (c.a, byte), _mm256_and_si256 (c.b, byte));
  __m256i high = _mm256_packus_epi32 (_mm256_and_si256 (c.c, byte), _mm256_and_si256 (c.d, byte));
  __m256i mixed = _mm256_packus_epi16 (low, high), order = _mm256_setr_epi32 (0, 4, 1, 5, 2, 6, 3, 7);
  _mm256_storeu_si256 ((__m256i *)(void *)to, _mm256_permutevar8x32_epi32 (mixed, order));
}

INLINED void
NAMED (codes_nibbles) (codes c, uint8_t *to)
{
  __m256i nibble = _mm256_set1_epi32 (15);
  __m256i low = _mm256_packus_epi32 (_mm256_and_si256 (c.a, nibble), _mm256_and_si256 (c.b, nibble));
  __m256i high = _mm256_packus_epi32 (_mm256_and_si256 (c.c, nibble), _mm256_and_si256 (c.d, nibble));
  __m256i both = _mm256_or_si256 (low, _mm256_slli_epi16 (high, 4));
  __m128i mixed = _mm_packus_epi16 (_mm256_castsi256_si128 (both), _mm256_extracti128_si256 (both, 1));
  _mm_storeu_si128 ((__m128i *)(void *)to, _mm_shuffle_epi32 (mixed, _MM_SHUFFLE (3, 1, 2, 0)));
}

INLINED uint32_t
NAMED (fifths) (__m256i c)
{
  return (uint32_t)_mm256_movemask_ps (_mm256_castsi256_ps (_mm256_slli_epi32 (c, 27)));
}

INLINED uint32_t
NAMED (codes_fifths) (codes c)
{
  return NAMED (fifths) (c.a) | NAMED (fifths) (c.b) << 8 | NAMED (fifths) (c.c) << 16
         | NAMED (fifths) (c.d) << 24;
}
