/* SPDX-License-Identifier: Apache-2.0 */
/* numbers.h: single numbers as the reference has them on x86-64, on any processor. */
#ifndef GGUF_NUMBERS_H
#define GGUF_NUMBERS_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <adze/half.h>

/* The whole part, of which the lowest byte is wanted. What no int32_t holds, and NaN, have zero there on
 * x86-64; elsewhere they have other bytes, and in C there is no telling. */
static inline int32_t
gguf_cut (float number)
{
  return number > -2147483904.0f && number < 2147483648.0f ? (int32_t)number : 0;
}

/* Nothing that is multiplied by it stays a number, or it is none itself. */
static inline bool
gguf_is_wild (float factor)
{
  return !(fabsf (factor) <= FLT_MAX);
}

static inline void
gguf_put_bits (uint8_t *to, int32_t half)
{
  to[0] = (uint8_t)half;
  to[1] = (uint8_t)(half >> 8);
}

static inline void
gguf_put_half (uint8_t *to, float number)
{
  gguf_put_bits (to, adze_half_from_float (number));
}

/* A scale that became NaN, since sums of huge numbers overflowed, has the sign that x86-64 gives it. */
static inline void
gguf_put_scale (uint8_t *to, float scale)
{
  gguf_put_bits (to, scale == scale ? adze_half_from_float (scale) : 0xfe00);
}

static inline float
gguf_get_half (const uint8_t *from)
{
  return adze_half_to_float ((uint16_t)(from[0] | from[1] << 8));
}

static inline void
gguf_put_word (uint8_t *to, uint32_t word)
{
  for (int i = 0; i < 4; i++)
    to[i] = (uint8_t)(word >> 8 * i);
}

static inline uint32_t
gguf_get_word (const uint8_t *from)
{
  return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

/* Half of the power of two that mxfp4 has as its scale: 2 ^ (EXPONENT - 128). */
static inline float
gguf_half_power (uint8_t exponent)
{
  return adze_float_of_bits (exponent < 2 ? UINT32_C (0x00200000) << exponent : (uint32_t)(exponent - 1) << 23);
}

#endif
