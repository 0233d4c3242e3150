/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of floating-point numbers without rounding, so that neither order nor cutting changes them:
 * one long integer that holds every digit that a float64, or its square, can have. */
#ifndef PROFILE_EXACT_H
#define PROFILE_EXACT_H

#include <math.h>

#include <adze/sdk.h>

/* The integer's parts have 32 bits each, in 64, so that many additions pass before what is too
 * much has to be carried. Squares of float64 end at bit 2 * 2045 + 106; room for 2^64 of them. */
enum { EXACT_PARTS = 136 };

typedef struct exact_sum {
  int64_t parts[EXACT_PARTS];
} exact_sum;

/* Bits of a sum count from 2^-2148, the square of the least float64. */
enum { EXACT_UNIT = -2148 };

/* Adds VALUE * 2^POWER, or takes it away. */
static inline void
exact_add (exact_sum *sum, uint64_t value, int power, bool negative)
{
  unsigned bit = (unsigned)(power - EXACT_UNIT), shift = bit % 32;
  int64_t *parts = sum->parts + bit / 32;
  uint64_t low = value << shift, high = shift > 0 ? value >> (64 - shift) : 0;
  int64_t sign = negative ? -1 : 1;
  parts[0] += sign * (int64_t)(low & UINT32_MAX);
  parts[1] += sign * (int64_t)(low >> 32);
  parts[2] += sign * (int64_t)high;
}

/* Due after at most 2^30 additions. Afterwards equal sums have equal bytes. */
static inline void
exact_carry (exact_sum *sum)
{
  int64_t carry = 0;
  for (int i = 0; i < EXACT_PARTS - 1; i++) {
    int64_t part = sum->parts[i] + carry;
    int64_t low = (int64_t)((uint64_t)part & UINT32_MAX);
    carry = (part - low) / INT64_C (0x100000000);
    sum->parts[i] = low;
  }
  sum->parts[EXACT_PARTS - 1] += carry;
}

static inline void
exact_merge (exact_sum *left, const exact_sum *right)
{
  for (int i = 0; i < EXACT_PARTS; i++)
    left->parts[i] += right->parts[i];
  exact_carry (left);
}

/* The sum as a number times 2^*POWER, since the power may be more than a double can hold. */
static inline double
exact_value (const exact_sum *sum, int *power)
{
  exact_sum size = *sum;
  bool negative = sum->parts[EXACT_PARTS - 1] < 0;
  for (int i = 0; negative && i < EXACT_PARTS; i++)
    size.parts[i] = -size.parts[i];
  exact_carry (&size);
  int top = EXACT_PARTS - 1;
  while (top > 2 && size.parts[top] == 0)
    top--;
  double value = ((double)size.parts[top] * 0x1p32 + (double)size.parts[top - 1]) * 0x1p32
                 + (double)size.parts[top - 2];
  *power = EXACT_UNIT + 32 * (top - 2);
  return negative ? -value : value;
}

/* ---- What is added. */

/* A float64 and its square. */
static inline void
exact_add_double (exact_sum *sum, exact_sum *squares, double number)
{
  uint64_t bits = adze_double_bits (number);
  int exponent = (int)(bits >> 52 & 0x7ff);
  uint64_t digits = bits & ((UINT64_C (1) << 52) - 1);
  if (exponent > 0)
    digits |= UINT64_C (1) << 52;
  else
    exponent = 1;
  int power = exponent - 1075;
  if (digits == 0)
    return;
  exact_add (sum, digits, power, bits >> 63);
  /* The square has up to 106 bits: 128 of them, as two halves. */
  uint64_t high = digits >> 27, low = digits & ((UINT64_C (1) << 27) - 1);
  uint64_t middle = high * low * 2, least = low * low, part = least + (middle << 27);
  uint64_t most = (high * high >> 10) + (middle >> 37) + (part < least);
  least = part + (high * high << 54);
  most += least < part;
  exact_add (squares, least, 2 * power, false);
  exact_add (squares, most, 2 * power + 64, false);
}

/* Float32 numbers are first summed up by exponent: quicker, and as exact for up to 2^16. Zeros have
 * a few places after the others, where nothing comes together: a processor adds to one place much
 * more slowly than to several, and models that were pruned are mostly zeros. */
enum { EXACT_FLOATS = 1 << 16, EXACT_ZEROS = 8 };

typedef struct exact_floats {
  int64_t sums[256 + EXACT_ZEROS];
  uint64_t squares[256 + EXACT_ZEROS];
} exact_floats;

/* NUMBER counts the calls. */
static inline void
exact_floats_add (exact_floats *by, uint32_t bits, size_t number)
{
  uint32_t exponent = bits >> 23 & 0xff;
  uint32_t is_zero = adze_bits_below (bits & 0x7fffffff, 1);
  uint32_t place = exponent | (is_zero & (256 + (uint32_t)(number % EXACT_ZEROS)));
  int64_t digits = (int64_t)((bits & 0x7fffff) | (uint32_t)(exponent > 0) << 23);
  int64_t sign = -(int64_t)(bits >> 31);
  by->sums[place] += (digits ^ sign) - sign;
  by->squares[place] += (uint64_t)(digits * digits);
}

static inline void
exact_floats_move (exact_floats *by, exact_sum *sum, exact_sum *squares)
{
  for (int exponent = 0; exponent < 256; exponent++) {
    int power = (exponent > 0 ? exponent : 1) - 150;
    int64_t digits = by->sums[exponent];
    if (digits != 0)
      exact_add (sum, digits < 0 ? 0 - (uint64_t)digits : (uint64_t)digits, power, digits < 0);
    if (by->squares[exponent] != 0)
      exact_add (squares, by->squares[exponent], 2 * power, false);
    by->sums[exponent] = 0;
    by->squares[exponent] = 0;
  }
  exact_carry (sum);
  exact_carry (squares);
}

#endif
