/* SPDX-License-Identifier: Apache-2.0 */
/* lanes_avx512.h: vectors of sixteen numbers, in the names that lanes_scalar.h explains. */
#define LANES 16
#define NAMED(x) GGUF_NAME (x, GGUF_PART, _avx512)
#define reals __m512
#define ints __m512i
#define mask __mmask16

#ifdef __clang__
#pragma clang attribute push(__attribute__ ((target ("avx512f,avx512dq,avx512bw,avx512vl"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl")
#endif

#define r_all(x) _mm512_set1_ps (x)
#define r_add(a, b) _mm512_add_ps (a, b)
#define r_sub(a, b) _mm512_sub_ps (a, b)
#define r_mul(a, b) _mm512_mul_ps (a, b)
#define r_div(a, b) _mm512_div_ps (a, b)
#define r_sqrt(a) _mm512_sqrt_ps (a)
#define r_abs(a) _mm512_andnot_ps (_mm512_set1_ps (-0.0f), a)
#define r_neg(a) _mm512_xor_ps (_mm512_set1_ps (-0.0f), a)
#define r_less(a, b) _mm512_min_ps (a, b)
#define r_more(a, b) _mm512_max_ps (a, b)
#define r_below(a, b) _mm512_cmp_ps_mask (a, b, _CMP_LT_OQ)
#define r_equal(a, b) _mm512_cmp_ps_mask (a, b, _CMP_EQ_OQ)
#define r_pick(m, a, b) _mm512_mask_blend_ps (m, b, a)
#define r_of(a) _mm512_cvtepi32_ps (a)
#define r_bits(a) _mm512_castps_si512 (a)

#define i_all(x) _mm512_set1_epi32 (x)
#define i_add(a, b) _mm512_add_epi32 (a, b)
#define i_sub(a, b) _mm512_sub_epi32 (a, b)
#define i_and(a, b) _mm512_and_si512 (a, b)
#define i_or(a, b) _mm512_or_si512 (a, b)
#define i_up(a, n) _mm512_slli_epi32 (a, n)
#define i_down(a, n) _mm512_srli_epi32 (a, n)
#define i_down_signed(a, n) _mm512_srai_epi32 (a, n)
#define i_less(a, b) _mm512_min_epi32 (a, b)
#define i_more(a, b) _mm512_max_epi32 (a, b)
#define i_below(a, b) _mm512_cmplt_epi32_mask (a, b)
#define i_equal(a, b) _mm512_cmpeq_epi32_mask (a, b)
#define i_pick(m, a, b) _mm512_mask_blend_epi32 (m, b, a)
#define i_reals(a) _mm512_castsi512_ps (a)

#define m_and(a, b) ((__mmask16)((a) & (b)))
#define m_or(a, b) ((__mmask16)((a) | (b)))
#define m_not(a) _mm512_knot (a)
#define m_never() ((__mmask16)0)
#define m_any(a) ((__mmask16)(a) != 0)
#define m_bits(a) ((unsigned)(__mmask16)(a))

/* Sixteen rows of sixteen numbers: as in lanes_avx2.h, and then quarters in two steps. */
INLINED void
NAMED (turn) (reals *r)
{
  reals pairs[16], fours[16], eights[16];
  UNROLLED
  for (int i = 0; i < 16; i += 2) {
    pairs[i] = _mm512_unpacklo_ps (r[i], r[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_ps (r[i], r[i + 1]);
  }
  UNROLLED
  for (int i = 0; i < 16; i += 4)
    UNROLLED
    for (int k = 0; k < 2; k++) {
      fours[i + 2 * k] = _mm512_shuffle_ps (pairs[i + k], pairs[i + k + 2], 0x44);
      fours[i + 2 * k + 1] = _mm512_shuffle_ps (pairs[i + k], pairs[i + k + 2], 0xee);
    }
  UNROLLED
  for (int i = 0; i < 16; i += 8)
    UNROLLED
    for (int k = 0; k < 4; k++) {
      eights[i + k] = _mm512_shuffle_f32x4 (fours[i + k], fours[i + k + 4], 0x88);
      eights[i + k + 4] = _mm512_shuffle_f32x4 (fours[i + k], fours[i + k + 4], 0xdd);
    }
  UNROLLED
  for (int i = 0; i < 8; i++) {
    r[i] = _mm512_shuffle_f32x4 (eights[i], eights[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_f32x4 (eights[i], eights[i + 8], 0xdd);
  }
}

INLINED void
NAMED (lanes_in) (const float *const *from, int count, reals *to)
{
  for (int i = 0; i < count; i += LANES) {
    UNROLLED
    for (int l = 0; l < LANES; l++)
      to[i + l] = _mm512_loadu_ps (from[l] + i);
    NAMED (turn) (to + i);
  }
}

INLINED void
NAMED (lanes_out) (const ints *words, uint32_t bytes, int lanes, uint8_t *to)
{
  for (uint32_t i = 0; i < bytes; i += 64) {
    reals turned[LANES];
    __mmask64 there = bytes - i < 64 ? ((__mmask64)1 << (bytes - i)) - 1 : ~(__mmask64)0;
    UNROLLED
    for (int l = 0; l < LANES; l++)
      turned[l] = _mm512_castsi512_ps (words[i / 4 + (uint32_t)l]);
    NAMED (turn) (turned);
    for (int l = 0; l < lanes; l++)
      _mm512_mask_storeu_epi8 (to + (uint32_t)l * bytes + i, there, _mm512_castps_si512 (turned[l]));
  }
}
