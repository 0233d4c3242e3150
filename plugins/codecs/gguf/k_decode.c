/* SPDX-License-Identifier: Apache-2.0 */
/* k_decode.c: numbers out of the blocks that k.c makes. Each number is made by itself, so compilers may
 * take vectors of any length. */
#include "k.h"
#include "kernels.h"

GGUF_LOOPS_BEGIN

enum { K_NUMBERS = 256 };

/* Sixteen codes of two bits at SHIFT; LEAST is what a code of 0 is. HIGH: a third bit, if not NULL. */
static inline void
put_twos (const uint8_t *low, unsigned shift, const uint8_t *high, unsigned bit, int least, float scale,
          float offset, float *restrict to)
{
  for (int i = 0; i < 16; i++) {
    int code = (low[i] >> shift & 3) + (high ? (high[i] >> bit & 1) * 4 : 0);
    to[i] = scale * (float)(code + least) - offset;
  }
}

ANY_WIDTH void
gguf_decode_q2_k (const void *blocks, uint64_t count, float *values)
{
  for (const uint8_t *b = blocks; count > 0; count--, b += 84, values += K_NUMBERS) {
    float d = gguf_get_half (b + 80), d_offset = gguf_get_half (b + 82);
    for (unsigned part = 0; part < 16; part++)
      put_twos (b + 16 + part / 8 * 32 + part % 2 * 16, part % 8 / 2 * 2, NULL, 0, 0, d * (float)(b[part] & 15),
                d_offset * (float)(b[part] >> 4), values + 16 * part);
  }
}

/* Of sixteen scales of six bits in twelve bytes. */
static inline int
scale_of_sixteen (const uint8_t *bytes, unsigned j)
{
  int low = bytes[j % 8] >> (j < 8 ? 0 : 4) & 15, high = bytes[8 + j % 4] >> (j / 4 * 2) & 3;
  return (low | high << 4) - 32;
}

ANY_WIDTH void
gguf_decode_q3_k (const void *blocks, uint64_t count, float *values)
{
  for (const uint8_t *b = blocks; count > 0; count--, b += 110, values += K_NUMBERS) {
    float d = gguf_get_half (b + 108);
    for (unsigned part = 0; part < 16; part++)
      put_twos (b + 32 + part / 8 * 32 + part % 2 * 16, part % 8 / 2 * 2, b + part % 2 * 16, part / 2, -4,
                d * (float)scale_of_sixteen (b + 96, part), 0, values + 16 * part);
  }
}

/* Of eight scales and eight offsets of six bits in twelve bytes: scale J; the offset lies beside it. */
static inline unsigned
six_bits (const uint8_t *bytes, unsigned j, unsigned offset)
{
  if (j < 4)
    return bytes[j + 4 * offset] & 63;
  return (bytes[j + 4] >> 4 * offset & 15) | bytes[j - 4 + 4 * offset] >> 6 << 4;
}

/* 32 codes of four bits at SHIFT. HIGH: a fifth bit, if not NULL. */
static inline void
put_fours (const uint8_t *low, unsigned shift, const uint8_t *high, unsigned bit, float scale, float offset,
           float *restrict to)
{
  for (int i = 0; i < 32; i++) {
    int code = (low[i] >> shift & 15) + (high ? (high[i] >> bit & 1) * 16 : 0);
    to[i] = scale * (float)code - offset;
  }
}

static inline void
decode_parts_of_32 (const uint8_t *b, const uint8_t *high, const uint8_t *low, float *values)
{
  float d = gguf_get_half (b), d_offset = gguf_get_half (b + 2);
  for (unsigned part = 0; part < 8; part++)
    put_fours (low + part / 2 * 32, part % 2 * 4, high, part, d * (float)six_bits (b + 4, part, 0),
               d_offset * (float)six_bits (b + 4, part, 1), values + 32 * part);
}

ANY_WIDTH void
gguf_decode_q4_k (const void *blocks, uint64_t count, float *values)
{
  for (const uint8_t *b = blocks; count > 0; count--, b += 144, values += K_NUMBERS)
    decode_parts_of_32 (b, NULL, b + 16, values);
}

ANY_WIDTH void
gguf_decode_q5_k (const void *blocks, uint64_t count, float *values)
{
  for (const uint8_t *b = blocks; count > 0; count--, b += 176, values += K_NUMBERS)
    decode_parts_of_32 (b, b + 16, b + 48, values);
}

/* Sixteen codes of four bits and two. */
static inline void
put_sixes (const uint8_t *low, unsigned shift, const uint8_t *high, unsigned bits, float scale, float *restrict to)
{
  for (int i = 0; i < 16; i++) {
    int code = (low[i] >> shift & 15) | (high[i] >> bits & 3) << 4;
    to[i] = scale * (float)(code - 32);
  }
}

ANY_WIDTH void
gguf_decode_q6_k (const void *blocks, uint64_t count, float *values)
{
  for (const uint8_t *b = blocks; count > 0; count--, b += 210, values += K_NUMBERS) {
    float d = gguf_get_half (b + 208);
    for (unsigned part = 0; part < 16; part++) {
      unsigned half = part / 8, quarter = part % 8 / 2, side = part % 2;
      put_sixes (b + 64 * half + quarter % 2 * 32 + 16 * side, quarter / 2 * 4, b + 128 + 32 * half + 16 * side,
                 2 * quarter, d * (float)(int8_t)b[192 + part], values + 16 * part);
    }
  }
}

GGUF_LOOPS_END
