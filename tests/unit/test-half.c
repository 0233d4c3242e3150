/* SPDX-License-Identifier: Apache-2.0 */
/* Floats of 16 bits, against their definition: every one of them, and every border between two
 * neighbours with the numbers next to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include <adze/half.h>
#include <adze/numbers.h>

typedef struct kind {
  int mantissa; /* bits */
  int bias;
  uint16_t infinite;
  uint16_t (*from_float) (float number);
  uint16_t (*from_double) (double number);
  float (*to_float) (uint16_t half);
  uint32_t limit;
} kind;

static const kind kinds[] = {
  { 10, 15, 0x7c00, adze_half_from_float, adze_half_from_double, adze_half_to_float,
    ADZE_HALF_LIMIT },
  { 7, 127, 0x7f80, adze_bfloat_from_float, adze_bfloat_from_double, adze_bfloat_to_float,
    ADZE_BFLOAT_LIMIT },
};

/* By the book. What would be infinite is the number that would come next. */
static double
meaning (const kind *k, uint32_t bits)
{
  uint32_t exponent = bits >> k->mantissa, digits = bits & ((UINT32_C (1) << k->mantissa) - 1);
  double fraction = ldexp (digits, -k->mantissa);
  return exponent == 0 ? ldexp (fraction, 1 - k->bias)
                       : ldexp (1 + fraction, (int)exponent - k->bias);
}

static void
each_half_is_the_number_that_it_means (void **state)
{
  (void)state;
  for (const kind *k = kinds; k < kinds + 2; k++)
    for (uint32_t bits = 0; bits < k->infinite; bits++) {
      float number = k->to_float ((uint16_t)bits);
      assert_true ((double)number == meaning (k, bits));
      assert_true (k->to_float ((uint16_t)(bits | 0x8000)) == -number);
      assert_int_equal (k->from_float (number), bits);
      assert_int_equal (k->from_float (-number), bits | 0x8000);
    }
}

static void
both_become (const kind *k, double number, uint32_t bits)
{
  assert_int_equal (k->from_double (number), bits);
  assert_int_equal (k->from_double (-number), bits | 0x8000);
  if ((double)(float)number != number)
    return;
  assert_int_equal (k->from_float ((float)number), bits);
  assert_int_equal (k->from_float ((float)-number), bits | 0x8000);
}

static void
numbers_become_the_nearest_and_halfway_the_even_one (void **state)
{
  (void)state;
  for (const kind *k = kinds; k < kinds + 2; k++)
    for (uint32_t bits = 0; bits < k->infinite; bits++) {
      double low = meaning (k, bits), high = meaning (k, bits + 1), middle = (low + high) / 2;
      both_become (k, middle, bits + (bits & 1));
      both_become (k, nextafter (middle, 0), bits);
      both_become (k, nextafter (middle, INFINITY), bits + 1);
      float near = (float)middle;
      if ((double)near != middle)
        continue;
      both_become (k, (double)nextafterf (near, 0), bits);
      both_become (k, (double)nextafterf (near, INFINITY), bits + 1);
    }
}

static void
what_is_too_large_becomes_infinite (void **state)
{
  (void)state;
  for (const kind *k = kinds; k < kinds + 2; k++) {
    float limit = adze_float_of_bits (k->limit);
    both_become (k, (double)limit, k->infinite);
    both_become (k, (double)nextafterf (limit, 0), k->infinite - 1u);
    both_become (k, (double)INFINITY, k->infinite);
    both_become (k, 0x1.fffffep127, k->infinite);
    both_become (k, 0x1.fffffffffffffp1023, k->infinite);
    assert_true (isinf (k->to_float (k->infinite)));
  }
}

static void
what_is_too_small_becomes_zero (void **state)
{
  (void)state;
  for (const kind *k = kinds; k < kinds + 2; k++) {
    both_become (k, 0x1p-149, 0);
    both_become (k, 0x1p-1074, 0);
    both_become (k, meaning (k, 1) / 2, 0);
  }
}

static void
a_nan_stays_one_with_sign_and_upper_payload (void **state)
{
  (void)state;
  assert_int_equal (adze_half_from_float (adze_float_of_bits (0x7f800001)), 0x7e00);
  assert_int_equal (adze_half_from_float (adze_float_of_bits (0xff802000)), 0xfe01);
  assert_int_equal (adze_bfloat_from_float (adze_float_of_bits (0x7f800001)), 0x7fc0);
  assert_int_equal (adze_bfloat_from_float (adze_float_of_bits (0xffbfffff)), 0xffff);
  assert_int_equal (adze_float_bits (adze_half_to_float (0x7c01)), 0x7fc02000);
  assert_int_equal (adze_float_bits (adze_half_to_float (0xffff)), 0xffffe000);
  assert_int_equal (adze_float_bits (adze_bfloat_to_float (0x7f81)), 0x7fc10000);
  double narrow = adze_double_of_bits (UINT64_C (0xfff0000000000001));
  assert_int_equal (adze_float_bits (adze_float_from_double (narrow)), 0xffc00000);
  assert_int_equal (adze_half_from_double (narrow), 0xfe00);
  assert_int_equal (adze_bfloat_from_double (narrow), 0xffc0);
  assert_true (adze_double_bits (adze_float_to_double (adze_float_of_bits (0xff800001)))
               == UINT64_C (0xfff8000020000000));
}

/* Loops over many have a part in blocks and a rest. */
static void
many_become_what_each_becomes (void **state)
{
  (void)state;
  float floats[101], back[101];
  double doubles[101];
  uint16_t halves[101], bfloats[101], from_doubles[101];
  for (uint32_t i = 0; i < 101; i++) {
    floats[i] = adze_float_of_bits (i * UINT32_C (0x9e3779b9));
    doubles[i] = adze_double_of_bits (i * UINT64_C (0x9e3779b97f4a7c15));
  }
  for (size_t count = 0; count <= 101; count++) {
    adze_half_from_floats (halves, floats, count);
    adze_bfloat_from_floats (bfloats, floats, count);
    adze_half_from_doubles (from_doubles, doubles, count);
    adze_half_to_floats (back, halves, count);
    for (size_t i = 0; i < count; i++) {
      assert_int_equal (halves[i], adze_half_from_float (floats[i]));
      assert_int_equal (bfloats[i], adze_bfloat_from_float (floats[i]));
      assert_int_equal (from_doubles[i], adze_half_from_double (doubles[i]));
      assert_int_equal (adze_float_bits (back[i]), adze_float_bits (adze_half_to_float (halves[i])));
    }
  }
}

static void
the_first_that_is_too_large_is_found (void **state)
{
  (void)state;
  float numbers[100] = { 0 };
  assert_int_equal (adze_floats_beyond (numbers, 100, ADZE_HALF_LIMIT), 100);
  numbers[3] = INFINITY;
  numbers[4] = NAN;
  numbers[5] = 65519.996f;
  assert_int_equal (adze_floats_beyond (numbers, 100, ADZE_HALF_LIMIT), 100);
  numbers[98] = -65520;
  assert_int_equal (adze_floats_beyond (numbers, 100, ADZE_HALF_LIMIT), 98);
  numbers[33] = 1e30f;
  assert_int_equal (adze_floats_beyond (numbers, 100, ADZE_HALF_LIMIT), 33);
  assert_int_equal (adze_floats_beyond (numbers, 20, ADZE_HALF_LIMIT), 20);
}

static void
numbers_of_every_type_are_read (void **state)
{
  (void)state;
  static const struct {
    adze_dtype dtype;
    uint64_t bits;
    double number;
  } samples[] = {
    { { ADZE_INT, 8, 1 }, 0x80, -128 },          { { ADZE_INT, 16, 1 }, 0x8000, -32768 },
    { { ADZE_INT, 32, 1 }, 0xffffffff, -1 },     { { ADZE_INT, 64, 1 }, UINT64_MAX, -1 },
    { { ADZE_UINT, 8, 1 }, 0x80, 128 },          { { ADZE_UINT, 16, 1 }, 0x8000, 32768 },
    { { ADZE_UINT, 32, 1 }, 0xffffffff, 4294967295.0 }, { { ADZE_UINT, 64, 1 }, UINT64_MAX, 0x1p64 },
    { { ADZE_BOOL, 8, 1 }, 7, 1 },               { { ADZE_FLOAT, 16, 1 }, 0x3c00, 1 },
    { { ADZE_BFLOAT, 16, 1 }, 0x3f80, 1 },       { { ADZE_FLOAT, 32, 1 }, 0x3f800000, 1 },
    { { ADZE_FLOAT, 64, 1 }, UINT64_C (0x3ff0000000000000), 1 },
  };
  for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
    double number = 0;
    assert_true (adze_numbers_read (samples[i].dtype, &samples[i].bits, 1, &number));
    assert_true (number == samples[i].number);
  }
  double number;
  assert_false (adze_numbers_read ((adze_dtype){ ADZE_FLOAT8_E4M3, 8, 1 }, "", 1, &number));
  assert_false (adze_numbers_read ((adze_dtype){ ADZE_INT, 4, 1 }, "", 1, &number));
  assert_false (adze_numbers_read ((adze_dtype){ ADZE_FLOAT, 32, 2 }, "", 1, &number));
  assert_false (adze_numbers_read ((adze_dtype){ ADZE_COMPLEX, 64, 1 }, "", 1, &number));
}

/* Wherever it is among others, and however near to it the greatest numbers are. */
static void
one_that_is_none_is_seen (void **state)
{
  enum { MOST = 70 };
  static const struct {
    adze_dtype dtype;
    uint64_t most, infinite, nan;
  } types[] = {
    { { ADZE_FLOAT, 16, 1 }, 0xfbff, 0x7c00, 0xfc01 },
    { { ADZE_BFLOAT, 16, 1 }, 0xff7f, 0x7f80, 0xff81 },
    { { ADZE_FLOAT, 32, 1 }, 0xff7fffff, 0x7f800000, 0xff800001 },
    { { ADZE_FLOAT, 64, 1 }, UINT64_C (0xffefffffffffffff), UINT64_C (0x7ff0000000000000),
      UINT64_C (0xfff0000000000001) },
  };
  (void)state;
  for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
    unsigned char bytes[MOST * 8];
    size_t each = types[t].dtype.bits / 8;
    for (size_t i = 0; i < MOST; i++)
      memcpy (bytes + i * each, &types[t].most, each);
    for (size_t count = 0; count <= MOST; count++) {
      assert_true (adze_numbers_are_finite (types[t].dtype, bytes, count));
      if (count == MOST)
        break;
      memcpy (bytes + count * each, count % 2 ? &types[t].nan : &types[t].infinite, each);
      assert_true (adze_numbers_are_finite (types[t].dtype, bytes, count));
      assert_false (adze_numbers_are_finite (types[t].dtype, bytes, count + 1));
      assert_false (adze_numbers_are_finite (types[t].dtype, bytes, MOST));
      memcpy (bytes + count * each, &types[t].most, each);
    }
  }
  assert_true (adze_numbers_are_finite ((adze_dtype){ ADZE_INT, 32, 1 }, "\0\0\x80\x7f", 1));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (each_half_is_the_number_that_it_means),
    cmocka_unit_test (numbers_become_the_nearest_and_halfway_the_even_one),
    cmocka_unit_test (what_is_too_large_becomes_infinite),
    cmocka_unit_test (what_is_too_small_becomes_zero),
    cmocka_unit_test (a_nan_stays_one_with_sign_and_upper_payload),
    cmocka_unit_test (many_become_what_each_becomes),
    cmocka_unit_test (the_first_that_is_too_large_is_found),
    cmocka_unit_test (numbers_of_every_type_are_read),
    cmocka_unit_test (one_that_is_none_is_seen),
  };
  return cmocka_run_group_tests_name ("half", tests, NULL, NULL);
}
