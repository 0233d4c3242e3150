/* SPDX-License-Identifier: Apache-2.0 */
/* k_decode.c: numbers out of the blocks that k.c makes. */
#include <adze/half.h>

#include "blocks.h"
#include "k.h"

enum { K_NUMBERS = 256 };

static float
half_at (const uint8_t *bytes)
{
  return adze_half_to_float ((uint16_t)(bytes[0] | bytes[1] << 8));
}

/* 32 numbers: scale * code - offset, where a code has LOW bits at SHIFT of its byte and, if there are
 * HIGH, one more. */
typedef struct span {
  const uint8_t *low, *high;
  unsigned shift, mask, bit;
} span;

static void
write_span (const span *s, unsigned first, unsigned count, float scale, float offset, float *to)
{
  for (unsigned i = first; i < first + count; i++) {
    unsigned code = s->low[i] >> s->shift & s->mask;
    if (s->high)
      code += (s->high[i] >> s->bit & 1) * 16;
    to[i] = scale * (float)code - offset;
  }
}

void
gguf_decode_q2_k (const void *blocks, uint64_t count, float *values)
{
  for (const uint8_t *b = blocks; count > 0; count--, b += 84, values += K_NUMBERS) {
    float d = half_at (b + 80), d_offset = half_at (b + 82);
    for (unsigned part = 0; part < 8; part++) {
      span s = { .low = b + 16 + part / 4 * 32, .shift = part % 4 * 2, .mask = 3 };
      for (unsigned side = 0; side < 2; side++) {
        uint8_t scale = b[2 * part + side];
        write_span (&s, 16 * side, 16, d * (float)(scale & 15), d_offset * (float)(scale >> 4), values + 32 * part);
      }
    }
  }
}

/* Of sixteen scales of six bits in twelve bytes. */
static int
scale_of_sixteen (const uint8_t *bytes, unsigned j)
{
  int low = bytes[j % 8] >> (j < 8 ? 0 : 4) & 15, high = bytes[8 + j % 4] >> (j / 4 * 2) & 3;
  return (low | high << 4) - 32;
}

void
gguf_decode_q3_k (const void *blocks, uint64_t count, float *values)
{
  for (const uint8_t *b = blocks; count > 0; count--, b += 110, values += K_NUMBERS) {
    const uint8_t *high = b, *low = b + 32;
    float d = half_at (b + 108);
    for (unsigned i = 0; i < K_NUMBERS; i++) {
      unsigned part = i / 32, in = i % 32;
      int code = (low[part / 4 * 32 + in] >> part % 4 * 2 & 3) - (high[in] >> part & 1 ? 0 : 4);
      values[i] = d * (float)scale_of_sixteen (b + 96, i / 16) * (float)code;
    }
  }
}

/* Of eight scales and eight offsets of six bits in twelve bytes: scale J; the offset lies beside it. */
static unsigned
six_bits (const uint8_t *bytes, unsigned j, unsigned offset)
{
  if (j < 4)
    return bytes[j + 4 * offset] & 63;
  return (bytes[j + 4] >> 4 * offset & 15) | bytes[j - 4 + 4 * offset] >> 6 << 4;
}

static void
decode_parts_of_32 (const uint8_t *b, const uint8_t *high, const uint8_t *low, float *values)
{
  float d = half_at (b), d_offset = half_at (b + 2);
  for (unsigned part = 0; part < 8; part++) {
    span s = { .low = low + part / 2 * 32, .high = high, .shift = part % 2 * 4, .mask = 15, .bit = part };
    write_span (&s, 0, 32, d * (float)six_bits (b + 4, part, 0), d_offset * (float)six_bits (b + 4, part, 1),
                values + 32 * part);
  }
}

void
gguf_decode_q4_k (const void *blocks, uint64_t count, float *values)
{
  for (const uint8_t *b = blocks; count > 0; count--, b += 144, values += K_NUMBERS)
    decode_parts_of_32 (b, NULL, b + 16, values);
}

void
gguf_decode_q5_k (const void *blocks, uint64_t count, float *values)
{
  for (const uint8_t *b = blocks; count > 0; count--, b += 176, values += K_NUMBERS)
    decode_parts_of_32 (b, b + 16, b + 48, values);
}

void
gguf_decode_q6_k (const void *blocks, uint64_t count, float *values)
{
  for (const uint8_t *b = blocks; count > 0; count--, b += 210, values += K_NUMBERS) {
    const uint8_t *low = b, *high = b + 128;
    const int8_t *scales = (const int8_t *)b + 192;
    float d = half_at (b + 208);
    for (unsigned i = 0; i < K_NUMBERS; i++) {
      unsigned half = i / 128, quarter = i / 32 % 4, in = i % 32;
      unsigned four = low[64 * half + quarter % 2 * 32 + in] >> quarter / 2 * 4 & 15;
      unsigned two = high[32 * half + in] >> 2 * quarter & 3;
      values[i] = d * (float)scales[i / 16] * (float)((int)(four | two << 4) - 32);
    }
  }
}
