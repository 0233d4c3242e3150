/* SPDX-License-Identifier: Apache-2.0 */
/* adze/numbers.h: plain numbers of any type as float64, for those who look at them. Tier: stable.
 *
 * All values of the types of up to 32 bits are float64 values too; integers of 64 bits are rounded
 * to the nearest.
 */
#ifndef ADZE_NUMBERS_H
#define ADZE_NUMBERS_H

#include <adze/half.h>

ADZE_BEGIN_DECLS

/* Is it a type that adze_numbers_read knows: the floats of adze/half.h, integers of 8 to 64 bits,
 * bool of a byte? */
static inline bool
adze_dtype_is_number (adze_dtype dtype)
{
  if (dtype.lanes != 1)
    return false;
  bool whole = dtype.bits == 8 || dtype.bits == 16 || dtype.bits == 32 || dtype.bits == 64;
  return adze_dtype_is_float (dtype) || (dtype.code == ADZE_BOOL && dtype.bits == 8)
         || ((dtype.code == ADZE_INT || dtype.code == ADZE_UINT) && whole);
}

#define ADZE_NUMBERS_EACH(type) \
  for (size_t i = 0; i < count; i++) \
    out[i] = (double)((const type *)in)[i]

/* COUNT numbers, at a place that is aligned as their type wants it. False: it is none of the
 * types. Of a bool, every byte but 0 is 1. */
static inline bool
adze_numbers_read (adze_dtype dtype, const void *in, size_t count, double *out)
{
  if (!adze_dtype_is_number (dtype))
    return false;
  if (adze_dtype_is_float (dtype))
    adze_doubles_read (dtype, in, count, out);
  else if (dtype.code == ADZE_BOOL)
    for (size_t i = 0; i < count; i++)
      out[i] = ((const unsigned char *)in)[i] != 0;
  else if (dtype.code == ADZE_INT && dtype.bits == 8)
    ADZE_NUMBERS_EACH (int8_t);
  else if (dtype.code == ADZE_INT && dtype.bits == 16)
    ADZE_NUMBERS_EACH (int16_t);
  else if (dtype.code == ADZE_INT && dtype.bits == 32)
    ADZE_NUMBERS_EACH (int32_t);
  else if (dtype.code == ADZE_INT)
    ADZE_NUMBERS_EACH (int64_t);
  else if (dtype.bits == 8)
    ADZE_NUMBERS_EACH (uint8_t);
  else if (dtype.bits == 16)
    ADZE_NUMBERS_EACH (uint16_t);
  else if (dtype.bits == 32)
    ADZE_NUMBERS_EACH (uint32_t);
  else
    ADZE_NUMBERS_EACH (uint64_t);
  return true;
}

#undef ADZE_NUMBERS_EACH

/* An exponent of ones is that of inf and nan: with one more in its lowest bit it runs over into that of
 * the sign. Many at a time, since a step of training looks at all of its weights; and not by comparing, which
 * compilers do one by one where the processor compares into masks. */
#define ADZE_NUMBERS_FINITE(name, word, exponent) \
  static inline bool name (const char *bytes, size_t count) \
  { \
    typedef word lanes __attribute__ ((vector_size (16 * sizeof (word)))); \
    const word ones = (word)(exponent), carry = (word)(ones & (~ones + 1)); \
    lanes odd = { 0 }, many; \
    word one, any = 0; \
    size_t i = 0; \
    for (; i + 16 <= count; i += 16) { \
      memcpy (&many, bytes + i * sizeof one, sizeof many); \
      odd |= (many & ones) + carry; \
    } \
    for (size_t k = 0; k < 16; k++) \
      any |= odd[k]; \
    for (; i < count; i++) { \
      memcpy (&one, bytes + i * sizeof one, sizeof one); \
      any = (word)(any | ((one & ones) + carry)); \
    } \
    return !(any >> (8 * sizeof (word) - 1)); \
  }
ADZE_NUMBERS_FINITE (adze_halves_are_finite, uint16_t, 0x1f << 10)
ADZE_NUMBERS_FINITE (adze_bfloats_are_finite, uint16_t, 0xff << 7)
ADZE_NUMBERS_FINITE (adze_singles_are_finite, uint32_t, UINT32_C (0xff) << 23)
ADZE_NUMBERS_FINITE (adze_doubles_are_finite, uint64_t, UINT64_C (0x7ff) << 52)
#undef ADZE_NUMBERS_FINITE

/* Is none of COUNT numbers NaN or without end? True for all types but the floats of adze/half.h. */
static inline bool
adze_numbers_are_finite (adze_dtype dtype, const void *in, size_t count)
{
  const char *bytes = (const char *)in;
  if (!adze_dtype_is_float (dtype))
    return true;
  if (dtype.code == ADZE_BFLOAT)
    return adze_bfloats_are_finite (bytes, count);
  return dtype.bits == 16   ? adze_halves_are_finite (bytes, count)
         : dtype.bits == 32 ? adze_singles_are_finite (bytes, count)
                            : adze_doubles_are_finite (bytes, count);
}

ADZE_END_DECLS

#endif
