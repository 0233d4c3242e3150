/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/decode.c: elements of any plain type as doubles. Files are little-endian, and so
 * must the machine be: it is read with memcpy. */
#include "artifact/decode.h"

#include <math.h>
#include <string.h>

/* ---- Floats of a byte or less, by table. */

typedef enum special {
  ALL_FINITE, /* every pattern is a number */
  IEEE,       /* the highest exponent: infinity, or NaN */
  ONE_NAN,    /* all ones but the sign: NaN */
  NEGATIVE_ZERO_NAN
} special;

typedef struct small_float {
  unsigned exponent_bits, mantissa_bits;
  int bias;
  special kind;
} small_float;

static const small_float small_floats[] = {
  [ADZE_FLOAT8_E3M4] = { 3, 4, 3, IEEE },
  [ADZE_FLOAT8_E4M3] = { 4, 3, 7, IEEE },
  [ADZE_FLOAT8_E4M3B11FNUZ] = { 4, 3, 11, NEGATIVE_ZERO_NAN },
  [ADZE_FLOAT8_E4M3FN] = { 4, 3, 7, ONE_NAN },
  [ADZE_FLOAT8_E4M3FNUZ] = { 4, 3, 8, NEGATIVE_ZERO_NAN },
  [ADZE_FLOAT8_E5M2] = { 5, 2, 15, IEEE },
  [ADZE_FLOAT8_E5M2FNUZ] = { 5, 2, 16, NEGATIVE_ZERO_NAN },
  [ADZE_FLOAT6_E2M3FN] = { 2, 3, 1, ALL_FINITE },
  [ADZE_FLOAT6_E3M2FN] = { 3, 2, 3, ALL_FINITE },
  [ADZE_FLOAT4_E2M1FN] = { 2, 1, 1, ALL_FINITE },
};

static double
small_value (const small_float *type, unsigned pattern)
{
  unsigned mantissa = pattern & ((1u << type->mantissa_bits) - 1);
  unsigned most = (1u << type->exponent_bits) - 1;
  unsigned exponent = pattern >> type->mantissa_bits & most;
  bool negative = pattern >> (type->mantissa_bits + type->exponent_bits) & 1;
  if (type->kind == IEEE && exponent == most)
    return mantissa ? NAN : negative ? -INFINITY : INFINITY;
  if (type->kind == ONE_NAN && exponent == most
      && mantissa == (1u << type->mantissa_bits) - 1)
    return NAN;
  if (type->kind == NEGATIVE_ZERO_NAN && negative && exponent == 0 && mantissa == 0)
    return NAN;
  if (exponent > 0)
    mantissa |= 1u << type->mantissa_bits;
  int scale = (exponent > 0 ? (int)exponent : 1) - type->bias - (int)type->mantissa_bits;
  double value = ldexp (mantissa, scale);
  return negative ? -value : value;
}

/* The value of each pattern of a type that has at most 256 of them; false for other types. */
static bool
fill_table (adze_dtype dtype, double table[256])
{
  if (dtype.code == ADZE_FLOAT8_E8M0FNU) {
    for (unsigned i = 0; i < 256; i++)
      table[i] = i == 255 ? NAN : ldexp (1, (int)i - 127);
    return true;
  }
  if (dtype.code < ADZE_FLOAT8_E3M4 || dtype.code >= ADZE_COUNT_OF (small_floats))
    return false;
  for (unsigned i = 0; i < 1u << dtype.bits; i++)
    table[i] = small_value (&small_floats[dtype.code], i);
  return true;
}

/* ---- Larger floats. */

static double
from_f32 (uint32_t bits)
{
  float value;
  memcpy (&value, &bits, sizeof value);
  return (double)value;
}

static double
from_f16 (uint16_t bits)
{
  uint32_t sign = (uint32_t)(bits >> 15) << 31, exponent = bits >> 10 & 31, mantissa = bits & 1023;
  if (exponent == 31)
    return from_f32 (sign | 0x7f800000u | mantissa << 13);
  if (exponent == 0)
    return (sign ? -0x1p-24 : 0x1p-24) * mantissa;
  return from_f32 (sign | (exponent + 112) << 23 | mantissa << 13);
}

/* ---- Packed elements: the first one in the lowest bits. */

static uint64_t
packed_bits (const unsigned char *bytes, size_t index, unsigned width)
{
  uint64_t bits = 0, first = (uint64_t)index * width;
  for (unsigned got = 0; got < width;) {
    unsigned shift = (unsigned)((first + got) % 8), take = 8 - shift;
    take = take < width - got ? take : width - got;
    uint64_t part = (uint64_t)(bytes[(first + got) / 8] >> shift) & ((1u << take) - 1);
    bits |= part << got;
    got += take;
  }
  return bits;
}

static int64_t
with_sign (uint64_t bits, unsigned width)
{
  return (int64_t)(bits << (64 - width)) >> (64 - width);
}

static void
decode_packed (adze_dtype dtype, const void *bytes, size_t count, double *values)
{
  double table[256];
  bool small = fill_table (dtype, table);
  for (size_t i = 0; i < count; i++) {
    uint64_t bits = packed_bits (bytes, i, dtype.bits);
    if (small)
      values[i] = table[bits];
    else
      values[i] = dtype.code == ADZE_INT ? (double)with_sign (bits, dtype.bits) : (double)bits;
  }
}

/* ---- All of them. */

bool
adze_decodes (const adze_tensor_meta *meta)
{
  adze_dtype dtype = meta->dtype;
  if (meta->codec || dtype.lanes != 1)
    return false;
  switch (dtype.code) {
  case ADZE_INT:
  case ADZE_UINT:
    return dtype.bits >= 1 && dtype.bits <= 64;
  case ADZE_FLOAT:
    return dtype.bits == 16 || dtype.bits == 32 || dtype.bits == 64;
  case ADZE_BFLOAT:
    return dtype.bits == 16;
  case ADZE_BOOL:
    return dtype.bits == 8;
  default:
    return adze_dtype_name (dtype) && dtype.code >= ADZE_FLOAT8_E3M4;
  }
}

#define DECODE(type, value_of) \
  do { \
    for (size_t i = 0; i < count; i++) { \
      type element; \
      memcpy (&element, (const char *)bytes + i * sizeof element, sizeof element); \
      values[i] = value_of (element); \
    } \
  } while (0)

#define AS_DOUBLE(element) ((double)(element))
#define FROM_BF16(element) from_f32 ((uint32_t)(element) << 16)
#define TRUTH(element) ((element) != 0)

static bool
decode_float (adze_dtype dtype, const void *bytes, size_t count, double *values)
{
  if (dtype.code == ADZE_BFLOAT)
    DECODE (uint16_t, FROM_BF16);
  else if (dtype.code == ADZE_BOOL)
    DECODE (uint8_t, TRUTH);
  else if (dtype.code != ADZE_FLOAT)
    return false;
  else if (dtype.bits == 16)
    DECODE (uint16_t, from_f16);
  else if (dtype.bits == 32)
    DECODE (float, AS_DOUBLE);
  else
    DECODE (double, AS_DOUBLE);
  return true;
}

static bool
decode_integer (adze_dtype dtype, const void *bytes, size_t count, double *values)
{
  if (dtype.code != ADZE_INT && dtype.code != ADZE_UINT)
    return false;
  switch (dtype.code == ADZE_INT ? -(int)dtype.bits : (int)dtype.bits) {
  case -8:
    DECODE (int8_t, AS_DOUBLE);
    return true;
  case -16:
    DECODE (int16_t, AS_DOUBLE);
    return true;
  case -32:
    DECODE (int32_t, AS_DOUBLE);
    return true;
  case -64:
    DECODE (int64_t, AS_DOUBLE);
    return true;
  case 8:
    DECODE (uint8_t, AS_DOUBLE);
    return true;
  case 16:
    DECODE (uint16_t, AS_DOUBLE);
    return true;
  case 32:
    DECODE (uint32_t, AS_DOUBLE);
    return true;
  case 64:
    DECODE (uint64_t, AS_DOUBLE);
    return true;
  default:
    return false;
  }
}

void
adze_decode (adze_dtype dtype, const void *bytes, size_t count, double *values)
{
  if (!decode_float (dtype, bytes, count, values) && !decode_integer (dtype, bytes, count, values))
    decode_packed (dtype, bytes, count, values);
}

/* In halves of 32 bits, which are doubles, as is all that comes up on the way. */
static double
rest_of (bool negative, uint64_t bits)
{
  double high = negative ? (double)((int64_t)bits >> 32) : (double)(bits >> 32);
  double rounded = negative ? (double)(int64_t)bits : (double)bits;
  return (high * 0x1p32 - rounded) + (double)(bits & UINT32_MAX);
}

bool
adze_decode_rests (adze_dtype dtype, const void *bytes, size_t count, double *rests)
{
  bool is_signed = dtype.code == ADZE_INT;
  memset (rests, 0, count * sizeof *rests);
  if ((!is_signed && dtype.code != ADZE_UINT) || dtype.bits <= 53)
    return false;
  for (size_t i = 0; i < count; i++) {
    uint64_t bits = packed_bits (bytes, i, dtype.bits);
    if (is_signed)
      bits = (uint64_t)with_sign (bits, dtype.bits);
    rests[i] = rest_of (is_signed && bits >> 63, bits);
  }
  return true;
}
