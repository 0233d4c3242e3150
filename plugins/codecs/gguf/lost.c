/* SPDX-License-Identifier: Apache-2.0 */
/* lost.c: blocks that are no good, since their numbers were too large for their scales. */
#include "kernels.h"

/* Beyond what any block has that is made with float16s: 65504 times 32 times 128 is the most. */
#define REACH 0x1p29f

/* The exponent of what is infinite, or no number, has all of its bits; with one more the highest bit of its byte is
 * another. Many at a time, since mostly there is none. */
static bool
any_wild (const gguf_codec *codec, const uint8_t *blocks, uint64_t count)
{
  uint32_t wild = 0;
  for (uint32_t i = 0; i < codec->half_count; i++) {
    const uint8_t *high = blocks + codec->halves[i] + 1;
    for (uint64_t b = 0; b < count; b++, high += codec->bytes)
      wild |= (*high & 0x7cu) + 4;
  }
  return wild & 0x80;
}

GGUF_LOOPS_BEGIN

/* Bits are in the order of magnitudes. Not static, as functions that have clones are. */
ANY_WIDTH bool gguf_any_beyond_reach (const float *values, uint64_t count);
ANY_WIDTH bool
gguf_any_beyond_reach (const float *values, uint64_t count)
{
  int32_t greatest = 0;
  for (uint64_t i = 0; i < count; i++) {
    int32_t bits = (int32_t)(adze_float_bits (values[i]) & 0x7fffffff);
    greatest = bits > greatest ? bits : greatest;
  }
  return greatest > (int32_t)adze_float_bits (REACH);
}

GGUF_LOOPS_END

static bool
any_lost (const gguf_codec *codec, const float *values, const uint8_t *blocks, uint64_t count)
{
  return any_wild (codec, blocks, count)
         || (codec->of_parts && gguf_any_beyond_reach (values, count * codec->elements));
}

uint64_t
gguf_first_lost (const gguf_codec *codec, const float *values, const void *blocks, uint64_t count)
{
  const uint8_t *at = (const uint8_t *)blocks;
  if (!any_lost (codec, values, at, count))
    return count;
  uint64_t lost = 0;
  for (; !any_lost (codec, values, at, 1); values += codec->elements, at += codec->bytes)
    lost++;
  return lost;
}

#undef REACH
