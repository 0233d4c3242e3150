/* SPDX-License-Identifier: Apache-2.0 */
/* lanes_avx2.h: vectors of eight numbers, in the names that lanes_scalar.h explains. */
#define LANES 8
#define NAMED(x) GGUF_NAME (x, GGUF_PART, _avx2)
#define reals __m256
#define ints __m256i
#define mask __m256

#ifdef __clang__
#pragma clang attribute push(__attribute__ ((target ("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

#define r_all(x) _mm256_set1_ps (x)
#define r_add(a, b) _mm256_add_ps (a, b)
#define r_sub(a, b) _mm256_sub_ps (a, b)
#define r_mul(a, b) _mm256_mul_ps (a, b)
#define r_div(a, b) _mm256_div_ps (a, b)
#define r_sqrt(a) _mm256_sqrt_ps (a)
#define r_abs(a) _mm256_andnot_ps (_mm256_set1_ps (-0.0f), a)
#define r_neg(a) _mm256_xor_ps (_mm256_set1_ps (-0.0f), a)
#define r_less(a, b) _mm256_min_ps (a, b)
#define r_more(a, b) _mm256_max_ps (a, b)
#define r_below(a, b) _mm256_cmp_ps (a, b, _CMP_LT_OQ)
#define r_equal(a, b) _mm256_cmp_ps (a, b, _CMP_EQ_OQ)
#define r_pick(m, a, b) _mm256_blendv_ps (b, a, m)
#define r_of(a) _mm256_cvtepi32_ps (a)
#define r_bits(a) _mm256_castps_si256 (a)

#define i_all(x) _mm256_set1_epi32 (x)
#define i_add(a, b) _mm256_add_epi32 (a, b)
#define i_sub(a, b) _mm256_sub_epi32 (a, b)
#define i_and(a, b) _mm256_and_si256 (a, b)
#define i_or(a, b) _mm256_or_si256 (a, b)
#define i_up(a, n) _mm256_slli_epi32 (a, n)
#define i_down(a, n) _mm256_srli_epi32 (a, n)
#define i_down_signed(a, n) _mm256_srai_epi32 (a, n)
#define i_less(a, b) _mm256_min_epi32 (a, b)
#define i_more(a, b) _mm256_max_epi32 (a, b)
#define i_below(a, b) _mm256_castsi256_ps (_mm256_cmpgt_epi32 (b, a))
#define i_equal(a, b) _mm256_castsi256_ps (_mm256_cmpeq_epi32 (a, b))
#define i_pick(m, a, b) _mm256_blendv_epi8 (b, a, _mm256_castps_si256 (m))
#define i_reals(a) _mm256_castsi256_ps (a)

#define m_and(a, b) _mm256_and_ps (a, b)
#define m_or(a, b) _mm256_or_ps (a, b)
#define m_not(a) _mm256_xor_ps (a, _mm256_castsi256_ps (_mm256_set1_epi32 (-1)))
#define m_never() _mm256_setzero_ps ()
#define m_any(a) (_mm256_movemask_ps (a) != 0)
#define m_bits(a) ((unsigned)_mm256_movemask_ps (a))

/* Eight rows of eight numbers: pairs of numbers change places, then pairs of pairs, then halves. */
INLINED void
NAMED (turn) (reals *r)
{
  reals pairs[8], fours[8];
  UNROLLED
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_ps (r[i], r[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_ps (r[i], r[i + 1]);
  }
  UNROLLED
  for (int i = 0; i < 8; i += 4)
    UNROLLED
    for (int k = 0; k < 2; k++) {
      fours[i + 2 * k] = _mm256_shuffle_ps (pairs[i + k], pairs[i + k + 2], 0x44);
      fours[i + 2 * k + 1] = _mm256_shuffle_ps (pairs[i + k], pairs[i + k + 2], 0xee);
    }
  UNROLLED
  for (int i = 0; i < 4; i++) {
    r[i] = _mm256_permute2f128_ps (fours[i], fours[i + 4], 0x20);
    r[i + 4] = _mm256_permute2f128_ps (fours[i], fours[i + 4], 0x31);
  }
}

INLINED void
NAMED (lanes_in) (const float *const *from, int count, reals *to)
{
  for (int i = 0; i < count; i += LANES) {
    UNROLLED
    for (int l = 0; l < LANES; l++)
      to[i + l] = _mm256_loadu_ps (from[l] + i);
    NAMED (turn) (to + i);
  }
}

INLINED void
NAMED (lanes_out) (const ints *words, uint32_t bytes, int lanes, uint8_t *to)
{
  for (uint32_t i = 0; i < bytes; i += 32) {
    reals turned[LANES];
    UNROLLED
    for (int l = 0; l < LANES; l++)
      turned[l] = _mm256_castsi256_ps (words[i / 4 + (uint32_t)l]);
    NAMED (turn) (turned);
    for (int l = 0; l < lanes; l++)
      if (bytes - i >= 32)
        _mm256_storeu_ps ((float *)(void *)(to + (uint32_t)l * bytes + i), turned[l]);
      else
        memcpy (to + (uint32_t)l * bytes + i, &turned[l], bytes - i);
  }
}
