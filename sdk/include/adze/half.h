/* SPDX-License-Identifier: Apache-2.0 */
/* adze/half.h: float16, bfloat16, float32 and float64, one from the other. Tier: stable.
 *
 * The bytes are the same on every machine and for every compiler, which instructions for it do not
 * promise. The rules:
 *   - to fewer digits: to the nearest, of two equally near ones the even one; never by way of a
 *     third type, so that nothing is rounded twice
 *   - what is too large for the type becomes an infinity; adze_floats_beyond tells beforehand
 *   - subnormal numbers are numbers like all others
 *   - a NaN stays one, with its sign and the upper bits of its payload, and becomes a quiet one
 * The functions for many numbers are loops that compilers turn into vector instructions.
 */
#ifndef ADZE_HALF_H
#define ADZE_HALF_H

#include <string.h>

#include <adze/tensor.h>

ADZE_BEGIN_DECLS

/* ---- Bits. */

static inline uint32_t
adze_float_bits (float number)
{
  uint32_t bits;
  memcpy (&bits, &number, sizeof bits);
  return bits;
}

static inline float
adze_float_of_bits (uint32_t bits)
{
  float number;
  memcpy (&number, &bits, sizeof number);
  return number;
}

static inline uint64_t
adze_double_bits (double number)
{
  uint64_t bits;
  memcpy (&bits, &number, sizeof bits);
  return bits;
}

static inline double
adze_double_of_bits (uint64_t bits)
{
  double number;
  memcpy (&number, &bits, sizeof number);
  return number;
}

/* A where MASK has ones, B where it has zeros: a choice without a branch. */
static inline uint32_t
adze_bits_choose (uint32_t mask, uint32_t a, uint32_t b)
{
  return (a & mask) | (b & ~mask);
}

/* All ones where A < B. Both are below 2^31, so that machines that compare signed numbers alone
 * can do it. */
static inline uint32_t
adze_bits_below (uint32_t a, uint32_t b)
{
  return 0u - (uint32_t)((int32_t)a < (int32_t)b);
}

/* ---- float16: 1 sign, 5 exponent, 10 mantissa. */

/* The least magnitude that rounds to infinity, 65520, as bits of a float32. */
#define ADZE_HALF_LIMIT UINT32_C (0x477ff000)
/* 65504. */
#define ADZE_HALF_MOST UINT16_C (0x7bff)

static inline uint16_t
adze_half_from_float (float number)
{
  uint32_t bits = adze_float_bits (number);
  uint32_t sign = bits >> 16 & 0x8000;
  uint32_t size = bits & 0x7fffffff;
  /* From 2^-14 on the exponent moves by 112, and half a unit of the last digit is added, a little
   * less where the digit is even. A carry into the exponent is right, up to infinity. */
  uint32_t normal = (size - (UINT32_C (112) << 23) + 0xfff + (size >> 13 & 1)) >> 13;
  /* Below, adding 0.5 moves the last digit that counts to the last place of the sum, which the
   * machine rounds. */
  uint32_t small = adze_float_bits (adze_float_of_bits (size) + 0.5f) - UINT32_C (0x3f000000);
  uint32_t special = 0x7e00 | (size >> 13 & 0x3ff);
  uint32_t large = adze_bits_choose (adze_bits_below (UINT32_C (0x7f800000), size), special, 0x7c00);
  uint32_t result = adze_bits_choose (adze_bits_below (size, UINT32_C (0x38800000)), small, normal);
  result = adze_bits_choose (adze_bits_below (size, ADZE_HALF_LIMIT), result, large);
  return (uint16_t)(result | sign);
}

static inline float
adze_half_to_float (uint16_t half)
{
  uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  uint32_t size = (uint32_t)(half & 0x7fff) << 13;
  uint32_t normal = size + (UINT32_C (112) << 23);
  /* A subnormal one is its digits behind the point of 2^-14, less that. */
  uint32_t small
      = adze_float_bits (adze_float_of_bits (size + (UINT32_C (113) << 23))
                         - adze_float_of_bits (UINT32_C (113) << 23));
  uint32_t special = size | UINT32_C (0x7f800000)
                     | (adze_bits_below (UINT32_C (0x0f800000), size) & UINT32_C (0x00400000));
  uint32_t result = adze_bits_choose (adze_bits_below (size, UINT32_C (0x00800000)), small, normal);
  result = adze_bits_choose (adze_bits_below (size, UINT32_C (0x0f800000)), result, special);
  return adze_float_of_bits (result | sign);
}

/* ---- bfloat16: the upper half of a float32. */

/* The least magnitude that rounds to infinity, as bits of a float32. */
#define ADZE_BFLOAT_LIMIT UINT32_C (0x7f7f8000)
#define ADZE_BFLOAT_MOST UINT16_C (0x7f7f)

static inline uint16_t
adze_bfloat_from_float (float number)
{
  uint32_t bits = adze_float_bits (number);
  uint32_t is_number = adze_bits_below (bits & 0x7fffffff, UINT32_C (0x7f800001));
  uint32_t rounded = bits + 0x7fff + (bits >> 16 & 1);
  return (uint16_t)(adze_bits_choose (is_number, rounded, bits | UINT32_C (0x00400000)) >> 16);
}

static inline float
adze_bfloat_to_float (uint16_t bfloat)
{
  uint32_t bits = (uint32_t)bfloat << 16;
  uint32_t is_number = adze_bits_below (bits & 0x7fffffff, UINT32_C (0x7f800001));
  return adze_float_of_bits (bits | (~is_number & UINT32_C (0x00400000)));
}

/* ---- float64. */

#define ADZE_FLOAT_MOST UINT32_C (0x7f7fffff)

static inline bool
adze_double_is_nan (double number)
{
  return (adze_double_bits (number) & (UINT64_MAX >> 1)) > UINT64_C (0x7ff0000000000000);
}

/* The bits of a NaN in a float32: what a machine makes of it differs between machines. */
static inline uint32_t
adze_nan_to_float (uint64_t bits)
{
  return (uint32_t)(bits >> 63) << 31 | UINT32_C (0x7fc00000)
         | (uint32_t)(bits >> 29 & UINT32_C (0x003fffff));
}

static inline float
adze_float_from_double (double number)
{
  return adze_double_is_nan (number)
             ? adze_float_of_bits (adze_nan_to_float (adze_double_bits (number)))
             : (float)number;
}

static inline double
adze_float_to_double (float number)
{
  uint32_t bits = adze_float_bits (number);
  if ((bits & 0x7fffffff) <= UINT32_C (0x7f800000))
    return number;
  return adze_double_of_bits ((uint64_t)(bits >> 31) << 63 | UINT64_C (0x7ff8000000000000)
                              | (uint64_t)(bits & UINT32_C (0x003fffff)) << 29);
}

/* The float32 next to NUMBER towards zero, its last bit set when it is not the same: enough to
 * round it once more, to a shorter type, as though it had been the double. */
static inline float
adze_float_from_double_sticky (double number)
{
  float near = adze_float_from_double (number);
  uint32_t bits = adze_float_bits (near);
  double back = near;
  if (adze_double_is_nan (number) || back == number)
    return near;
  bits -= (back < 0 ? -back : back) > (number < 0 ? -number : number);
  return adze_float_of_bits (bits | 1);
}

static inline uint16_t
adze_half_from_double (double number)
{
  return adze_half_from_float (adze_float_from_double_sticky (number));
}

static inline uint16_t
adze_bfloat_from_double (double number)
{
  return adze_bfloat_from_float (adze_float_from_double_sticky (number));
}

/* ---- Many at once. IN and OUT do not overlap. */

/* A loop over FROM and TO, most of it in pieces of a known length: that is what compilers need to
 * use vector instructions at their ordinary setting. */
#define ADZE_HALF_EACH(name, to_type, from_type, convert) \
  static inline void name (to_type *__restrict out, const from_type *__restrict in, size_t count) \
  { \
    for (size_t blocks = count / 32; blocks > 0; blocks--, out += 32, in += 32) \
      for (size_t i = 0; i < 32; i++) \
        out[i] = convert (in[i]); \
    for (size_t i = 0; i < count % 32; i++) \
      out[i] = convert (in[i]); \
  }

ADZE_HALF_EACH (adze_half_from_floats, uint16_t, float, adze_half_from_float)
ADZE_HALF_EACH (adze_half_to_floats, float, uint16_t, adze_half_to_float)
ADZE_HALF_EACH (adze_bfloat_from_floats, uint16_t, float, adze_bfloat_from_float)
ADZE_HALF_EACH (adze_bfloat_to_floats, float, uint16_t, adze_bfloat_to_float)
ADZE_HALF_EACH (adze_float_from_doubles, float, double, adze_float_from_double)
ADZE_HALF_EACH (adze_float_from_doubles_sticky, float, double, adze_float_from_double_sticky)
ADZE_HALF_EACH (adze_float_to_doubles, double, float, adze_float_to_double)
ADZE_HALF_EACH (adze_half_from_doubles, uint16_t, double, adze_half_from_double)
ADZE_HALF_EACH (adze_bfloat_from_doubles, uint16_t, double, adze_bfloat_from_double)

/* ---- By type. */

/* Is it one of the four: float16, bfloat16, float32, float64? */
static inline bool
adze_dtype_is_float (adze_dtype dtype)
{
  if (dtype.lanes != 1)
    return false;
  if (dtype.code == ADZE_BFLOAT)
    return dtype.bits == 16;
  return dtype.code == ADZE_FLOAT && (dtype.bits == 16 || dtype.bits == 32 || dtype.bits == 64);
}

static inline bool
adze_dtype_same (adze_dtype a, adze_dtype b)
{
  return a.code == b.code && a.bits == b.bits && a.lanes == b.lanes;
}

/* COUNT numbers, of float16, bfloat16 or float32, as float32. */
static inline void
adze_floats_read (adze_dtype dtype, const void *in, size_t count, float *out)
{
  if (dtype.code == ADZE_BFLOAT)
    adze_bfloat_to_floats (out, (const uint16_t *)in, count);
  else if (dtype.bits == 16)
    adze_half_to_floats (out, (const uint16_t *)in, count);
  else if (count > 0)
    memcpy (out, in, count * sizeof *out);
}

/* The same for each of the four types, as float64. */
static inline void
adze_doubles_read (adze_dtype dtype, const void *in, size_t count, double *out)
{
  float block[256];
  const char *from = (const char *)in;
  if (dtype.bits == 64) {
    if (count > 0)
      memcpy (out, in, count * sizeof *out);
    return;
  }
  for (size_t size; count > 0; count -= size, out += size, from += size * (dtype.bits / 8)) {
    size = count < 256 ? count : 256;
    adze_floats_read (dtype, from, size, block);
    adze_float_to_doubles (out, block, size);
  }
}

/* The first of the numbers that is finite and whose bits without the sign are at least LIMIT:
 * ADZE_HALF_LIMIT, ADZE_BFLOAT_LIMIT. COUNT when there is none. */
static inline size_t
adze_floats_beyond (const float *numbers, size_t count, uint32_t limit)
{
  for (size_t first = 0; first < count; first += 32) {
    const float *block = numbers + first;
    size_t size = count - first < 32 ? count - first : 32;
    uint32_t found = 0;
    if (size == 32)
      for (size_t i = 0; i < 32; i++) {
        uint32_t bits = adze_float_bits (block[i]) & 0x7fffffff;
        found |= ~adze_bits_below (bits, limit) & adze_bits_below (bits, UINT32_C (0x7f800000));
      }
    for (size_t i = 0; i < size && (found || size < 32); i++) {
      uint32_t bits = adze_float_bits (block[i]) & 0x7fffffff;
      if (bits >= limit && bits < UINT32_C (0x7f800000))
        return first + i;
    }
  }
  return count;
}

ADZE_END_DECLS

#endif
