/* SPDX-License-Identifier: Apache-2.0 */
/* lanes_scalar.h: vectors of one number, for every processor, by the names that lanes_avx2.h and
 * lanes_avx512.h give theirs. What is written in these names is written once and gives the same bytes in
 * all widths; lanes_end.h takes the names away again.
 *
 *   reals, ints, mask          types: LANES float, int32_t, yes or no
 *   r_..., i_..., m_...        operations on them, one IEEE operation each
 *   r_less (a, b)              a < b ? a : b, as instructions have it: b where one is NaN
 *   r_more (a, b)              a > b ? a : b
 *   r_bits, i_reals            the same bits as the other type
 *   r_of, i_of                 converted: i_of is for whole numbers
 *   lanes_in, lanes_out        rows of lanes <-> lanes of rows
 */
#ifndef GGUF_NAME
#define GGUF_NAME(x, part, width) GGUF_JOINED_NAME (x, part, width)
#define GGUF_JOINED_NAME(x, part, width) x##part##width
#endif
/* What sets the names of a file apart from those of others with which it may be compiled at once. */
#ifndef GGUF_PART
#define GGUF_PART
#endif
#define LANES 1
#define NAMED(x) GGUF_NAME (x, GGUF_PART, _scalar)
#define reals float
#define ints int32_t
#define mask bool

#define r_all(x) ((float)(x))
#define r_add(a, b) ((a) + (b))
#define r_sub(a, b) ((a) - (b))
#define r_mul(a, b) ((a) * (b))
#define r_div(a, b) ((a) / (b))
#define r_sqrt(a) sqrtf (a)
#define r_abs(a) fabsf (a)
#define r_neg(a) (-(a))
#define r_less(a, b) ((a) < (b) ? (a) : (b))
#define r_more(a, b) ((a) > (b) ? (a) : (b))
#define r_below(a, b) ((a) < (b))
#define r_equal(a, b) ((a) == (b))
#define r_pick(m, a, b) ((m) ? (a) : (b))
#define r_of(a) ((float)(a))
#define r_bits(a) NAMED (bits_of) (a)

#define i_all(x) ((int32_t)(x))
#define i_add(a, b) ((int32_t)((uint32_t)(a) + (uint32_t)(b)))
#define i_sub(a, b) ((a) - (b))
#define i_and(a, b) ((a) & (b))
#define i_or(a, b) ((a) | (b))
#define i_up(a, n) ((int32_t)((uint32_t)(a) << (n)))
#define i_down(a, n) ((int32_t)((uint32_t)(a) >> (n)))
#define i_down_signed(a, n) ((a) >> (n))
#define i_less(a, b) ((a) < (b) ? (a) : (b))
#define i_more(a, b) ((a) > (b) ? (a) : (b))
#define i_below(a, b) ((a) < (b))
#define i_equal(a, b) ((a) == (b))
#define i_pick(m, a, b) ((m) ? (a) : (b))
#define i_reals(a) NAMED (reals_of) (a)

#define m_and(a, b) ((a) && (b))
#define m_or(a, b) ((a) || (b))
#define m_not(a) (!(a))
#define m_never() false
#define m_any(a) (a)
#define m_bits(a) ((unsigned)(a))

INLINED int32_t
NAMED (bits_of) (float x)
{
  int32_t bits;
  memcpy (&bits, &x, sizeof bits);
  return bits;
}

INLINED float
NAMED (reals_of) (int32_t bits)
{
  float x;
  memcpy (&x, &bits, sizeof x);
  return x;
}

/* COUNT numbers from each of LANES places. */
INLINED void
NAMED (lanes_in) (const float *const *from, int count, reals *to)
{
  memcpy (to, from[0], (size_t)count * sizeof *to);
}

/* The first BYTES of words of four bytes to each of LANES places, which lie BYTES apart; of the places
 * the first there are. Words are there up to the next multiple of 16. */
INLINED void
NAMED (lanes_out) (const ints *words, uint32_t bytes, int lanes, uint8_t *to)
{
  for (uint32_t i = 0; i < bytes && lanes > 0; i++)
    to[i] = (uint8_t)((uint32_t)words[i / 4] >> i % 4 * 8);
}
