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

ADZE_END_DECLS

#endif
