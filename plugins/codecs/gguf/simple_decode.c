/* SPDX-License-Identifier: Apache-2.0 */
/* simple_decode.c: blocks into numbers, for the types of simple.c and iq4.c. The loops are over numbers that are
 * independent of each other, so that compilers may take vectors of any width. */
#include "simple.h"

#include "kernels.h"

GGUF_LOOPS_BEGIN

const int8_t gguf_iq4_values[16]
    = { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 };
const int8_t gguf_mxfp4_values[16] = { 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 };

ANY_WIDTH void
gguf_decode_q8_0 (const void *blocks, uint64_t count, float *values)
{
  const uint8_t *from = (const uint8_t *)blocks;
  for (uint64_t b = 0; b < count; b++, from += 34, values += 32) {
    float scale = gguf_get_half (from);
    for (int i = 0; i < 32; i++)
      values[i] = (float)(int8_t)from[2 + i] * scale;
  }
}

/* Two codes to a byte, each OFFSET more than what it stands for. */
static inline void
nibbles (const uint8_t *from, int offset, float scale, float *values)
{
  for (int i = 0; i < 16; i++) {
    values[i] = (float)((from[i] & 15) - offset) * scale;
    values[i + 16] = (float)((from[i] >> 4) - offset) * scale;
  }
}

/* And a bit more for each, in a word. */
static inline void
fives (const uint8_t *from, uint32_t fifths, int offset, float scale, float *values)
{
  for (int i = 0; i < 16; i++) {
    int low = (from[i] & 15) | (int)(fifths >> i & 1) << 4;
    int high = from[i] >> 4 | (int)(fifths >> (i + 16) & 1) << 4;
    values[i] = (float)(low - offset) * scale;
    values[i + 16] = (float)(high - offset) * scale;
  }
}

static inline void
shift (float least, float *values)
{
  for (int i = 0; i < 32; i++)
    values[i] += least;
}

ANY_WIDTH void
gguf_decode_q4_0 (const void *blocks, uint64_t count, float *values)
{
  const uint8_t *from = (const uint8_t *)blocks;
  for (uint64_t b = 0; b < count; b++, from += 18, values += 32)
    nibbles (from + 2, 8, gguf_get_half (from), values);
}

ANY_WIDTH void
gguf_decode_q4_1 (const void *blocks, uint64_t count, float *values)
{
  const uint8_t *from = (const uint8_t *)blocks;
  for (uint64_t b = 0; b < count; b++, from += 20, values += 32) {
    nibbles (from + 4, 0, gguf_get_half (from), values);
    shift (gguf_get_half (from + 2), values);
  }
}

ANY_WIDTH void
gguf_decode_q5_0 (const void *blocks, uint64_t count, float *values)
{
  const uint8_t *from = (const uint8_t *)blocks;
  for (uint64_t b = 0; b < count; b++, from += 22, values += 32)
    fives (from + 6, gguf_get_word (from + 2), 16, gguf_get_half (from), values);
}

ANY_WIDTH void
gguf_decode_q5_1 (const void *blocks, uint64_t count, float *values)
{
  const uint8_t *from = (const uint8_t *)blocks;
  for (uint64_t b = 0; b < count; b++, from += 24, values += 32) {
    fives (from + 8, gguf_get_word (from + 4), 0, gguf_get_half (from), values);
    shift (gguf_get_half (from + 2), values);
  }
}

/* Codes that are places in a table of sixteen. */
static inline void
looked_up (const uint8_t *from, const int8_t *table, float scale, float *values)
{
  for (int i = 0; i < 16; i++) {
    values[i] = (float)table[from[i] & 15] * scale;
    values[i + 16] = (float)table[from[i] >> 4] * scale;
  }
}

ANY_WIDTH void
gguf_decode_mxfp4 (const void *blocks, uint64_t count, float *values)
{
  const uint8_t *from = (const uint8_t *)blocks;
  for (uint64_t b = 0; b < count; b++, from += 17, values += 32)
    looked_up (from + 1, gguf_mxfp4_values, gguf_half_power (from[0]), values);
}

ANY_WIDTH void
gguf_decode_iq4_nl (const void *blocks, uint64_t count, float *values)
{
  const uint8_t *from = (const uint8_t *)blocks;
  for (uint64_t b = 0; b < count; b++, from += 18, values += 32)
    looked_up (from + 2, gguf_iq4_values, gguf_get_half (from), values);
}

/* Eight scales of six bits: the lower four in bytes 4 to 7, the upper two in bytes 2 and 3. */
ANY_WIDTH void
gguf_decode_iq4_xs (const void *blocks, uint64_t count, float *values)
{
  const uint8_t *from = (const uint8_t *)blocks;
  for (uint64_t b = 0; b < count; b++, from += 136)
    for (int part = 0; part < 8; part++, values += 32) {
      int low = from[4 + part / 2] >> 4 * (part % 2) & 15;
      int high = from[2 + part / 4] >> 2 * (part % 4) & 3;
      looked_up (from + 8 + 16 * part, gguf_iq4_values, gguf_get_half (from) * (float)((low | high << 4) - 32),
                 values);
    }
}

ANY_WIDTH void
gguf_decode_tq2_0 (const void *blocks, uint64_t count, float *values)
{
  const uint8_t *from = (const uint8_t *)blocks;
  for (uint64_t b = 0; b < count; b++, from += 66) {
    float scale = gguf_get_half (from + 64);
    for (int half = 0; half < 2; half++)
      for (int digit = 0; digit < 4; digit++, values += 32)
        for (int i = 0; i < 32; i++)
          values[i] = (float)((from[32 * half + i] >> 2 * digit & 3) - 1) * scale;
  }
}

/* The digit that POWER, of 3, brings in front of the point. */
static inline float *
digits (const uint8_t *from, int count, uint8_t power, float scale, float *values)
{
  for (int i = 0; i < count; i++) {
    uint8_t rest = (uint8_t)(from[i] * power);
    values[i] = (float)((rest * 3 >> 8) - 1) * scale;
  }
  return values + count;
}

ANY_WIDTH void
gguf_decode_tq1_0 (const void *blocks, uint64_t count, float *values)
{
  static const uint8_t powers[] = { 1, 3, 9, 27, 81 };
  const uint8_t *from = (const uint8_t *)blocks;
  for (uint64_t b = 0; b < count; b++, from += 54) {
    float scale = gguf_get_half (from + 52);
    for (int digit = 0; digit < 5; digit++)
      values = digits (from, 32, powers[digit], scale, values);
    for (int digit = 0; digit < 5; digit++)
      values = digits (from + 32, 16, powers[digit], scale, values);
    for (int digit = 0; digit < 4; digit++)
      values = digits (from + 48, 4, powers[digit], scale, values);
  }
}

GGUF_LOOPS_END
