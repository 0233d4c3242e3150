/* SPDX-License-Identifier: Apache-2.0 */
/* The technique profile: its figures, and sums that no order changes. */
#include "fake-work.h"

#include "../../plugins/techniques/profile/profile.c"

static const adze_dtype f16 = { ADZE_FLOAT, 16, 1 }, f32 = { ADZE_FLOAT, 32, 1 },
                        f64 = { ADZE_FLOAT, 64, 1 }, i64 = { ADZE_INT, 64, 1 }, i8 = { ADZE_INT, 8, 1 },
                        f8 = { ADZE_FLOAT8_E4M3FN, 8, 1 };

static fake_run run;
static const fake_value no_values[] = { { .name = NULL } };
static const adze_params no_params = { no_values };

static int
set_up (void **state)
{
  (void)state;
  memset (&run, 0, sizeof run);
  run.technique = &callbacks;
  run.params = &no_params;
  return 0;
}

static int
tear_down (void **state)
{
  (void)state;
  fake_run_clear (&run);
  return 0;
}

#define WHY \
  "1 of 3 tensors cannot be looked into: 'c' (f8_e4m3fn); a rule with skip = true leaves such " \
  "tensors out\n"

static void
each_tensor_has_a_row_and_the_model_its_sums (void **state)
{
  (void)state;
  const float a[4] = { 3, -0.0f, 0, -4 };
  const int8_t b[3] = { 0, 5, -2 };
  fake_give (&run, 0, "a", f32, 2, 2, a);
  fake_give (&run, 0, "b", i8, 1, 3, b);
  fake_give (&run, 0, "c", f8, 3, 1, b);
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_string_equal (
      run.told,
      "row tensors tensor=a dtype=f32 shape=2x2 parameters=4 bytes=16 zeros=2 distinct=3 nan=0 "
      "inf=0 min=-4 max=3 mean=-0.25 rms=2.5\n"
      "row tensors tensor=b dtype=i8 shape=1x3 parameters=3 bytes=3 zeros=1 distinct=3 nan=0 inf=0 "
      "min=-2 max=5 mean=1 rms=3.1091263510296048\n"
      "row tensors tensor=c dtype=f8_e4m3fn shape=3x1 parameters=3 bytes=3\n"
      "metric tensors value=3\n"
      "metric parameters value=10\n"
      "metric bytes value=22\n"
      "metric unread value=1\n"
      "row not-measured metric=zeros others=3 why=" WHY
      "row not-measured metric=nan others=0 why=" WHY
      "row not-measured metric=inf others=0 why=" WHY
      "row not-measured metric=sparsity others=0.42857142857142855 why=" WHY);
}

/* They come last, since nothing of them is seen. */
static void
blocks_of_a_codec_have_sizes_alone (void **state)
{
  (void)state;
  const float a[2] = { 1, 0 };
  const unsigned char bytes[4] = { 0 };
  fake_tensor *blocks = fake_give (&run, 0, "q", (adze_dtype){ ADZE_OPAQUE, 8, 1 }, 2, 2, bytes);
  blocks->meta.codec = "q4_k";
  fake_give (&run, 0, "a", f32, 1, 2, a);
  for (run.cut = 0; run.cut < 2; run.cut++) {
    assert_int_equal (fake_work (&run), ADZE_OK);
    assert_int_equal (run.group_count, 1);
    assert_non_null (strstr (run.told, "rms=0.70710678118654757\n"
                                       "row tensors tensor=q dtype=q4_k shape=2x2 parameters=4 "
                                       "bytes=4\n"
                                       "metric tensors value=2\n"
                                       "metric parameters value=6\n"
                                       "metric bytes value=12\n"
                                       "metric unread value=1\n"));
  }
}

static void
what_is_not_finite_is_counted_apart (void **state)
{
  (void)state;
  const uint16_t bad[5] = { 0x7e00, 0x7c00, 0x4000, 0xc200, 0xfe01 };
  const float nan[2] = { NAN, INFINITY };
  fake_give (&run, 0, "bad", f16, 1, 5, bad);
  fake_give (&run, 0, "nan", f32, 1, 2, nan);
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_non_null (strstr (run.told, "zeros=0 distinct=4 nan=2 inf=1 min=-3 max=2 mean=-0.5"));
  assert_non_null (strstr (run.told, "zeros=0 distinct=2 nan=1 inf=1\n"));
}

static void
values_are_told_apart_up_to_a_bound (void **state)
{
  (void)state;
  static float some[3000], more[3000], late[3000];
  for (size_t i = 0; i < 3000; i++) {
    some[i] = (float)(i * 7 % 256) - 100;
    more[i] = (float)(i * 7 % 257) - 100;
    late[i] = i < 2000 ? 1 : (float)i;
  }
  fake_give (&run, 0, "some", f32, 30, 100, some);
  fake_give (&run, 0, "more", f32, 30, 100, more);
  fake_give (&run, 0, "late", f32, 30, 100, late);
  for (run.cut = 0; run.cut < 20; run.cut++) {
    assert_int_equal (fake_work (&run), ADZE_OK);
    assert_non_null (strstr (run.told, "tensor=some dtype=f32 shape=30x100 parameters=3000 "
                                       "bytes=12000 zeros=12 distinct=256 "));
    const char *first = strstr (run.told, "distinct=>256 ");
    assert_true (first && strstr (first + 1, "distinct=>256 "));
  }
}

static void
integers_that_no_double_tells_apart_are_different (void **state)
{
  (void)state;
  const int64_t a[5] = { INT64_C (1) << 53, (INT64_C (1) << 53) + 1, 0, -1, -1 };
  fake_give (&run, 0, "a", i64, 1, 5, a);
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_non_null (strstr (run.told, "zeros=1 distinct=4 "));
}

/* 1e30 and its like cancel out, and what is left would be lost in any sum that rounds. */
static void
sums_are_exact (void **state)
{
  (void)state;
  const float a[5] = { 1e30f, 3, 0x1p-100f, -1e30f, 2 - 0x1p-100f };
  const double b[4] = { 0x1.fffffffffffffp1023, 0x1p-1073, -0x1.fffffffffffffp1023, 0x1p-1073 };
  const double c[2] = { 0x1.fffffffffffffp1023, 0x1.fffffffffffffp1023 };
  fake_give (&run, 0, "a", f32, 1, 5, a);
  fake_give (&run, 0, "b", f64, 2, 2, b);
  fake_give (&run, 0, "c", f64, 2, 1, c);
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_non_null (strstr (run.told, " mean=1 rms="));
  assert_non_null (strstr (run.told, " mean=4.9406564584124654e-324 rms="));
  assert_non_null (strstr (run.told, " mean=1.7976931348623157e+308 rms=1.7976931348623157e+308"));
}

/* All digits of a float64, and of its square. */
static void
one_number_is_its_own_sum (void **state)
{
  (void)state;
  uint64_t draw = 3;
  for (int i = 0; i < 10000; i++) {
    static exact_sum sum, squares;
    memset (&sum, 0, sizeof sum);
    memset (&squares, 0, sizeof squares);
    double number = adze_double_of_bits (fake_draw (&draw));
    if (!isfinite (number))
      continue;
    int power, power_of_squares;
    exact_add_double (&sum, &squares, number);
    exact_carry (&sum);
    exact_carry (&squares);
    double value = exact_value (&sum, &power), square = exact_value (&squares, &power_of_squares);
    assert_true (ldexp (value, power) == number);
    double root = ldexp (sqrt (square), power_of_squares / 2);
    assert_true (fabs (root / fabs (number) - 1) < 1e-15);
  }
}

/* Enough of them that sums by exponent are moved on in between. */
static void
large_pieces_are_exact_as_well (void **state)
{
  (void)state;
  enum { LARGE = 200000 };
  float *numbers = malloc (LARGE * sizeof *numbers);
  assert_non_null (numbers);
  for (size_t i = 0; i < LARGE; i++)
    numbers[i] = 0x1.fffffep0f;
  fake_give (&run, 0, "w", f32, LARGE / 100, 100, numbers);
  free (numbers);
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_non_null (strstr (run.told, "mean=1.9999998807907104 rms=1.99999988079071"));
}

static void
cutting_and_threads_change_no_figure (void **state)
{
  (void)state;
  static float numbers[4000];
  static double wide[4000];
  uint64_t draw = 11;
  for (size_t i = 0; i < 4000; i++) {
    numbers[i] = adze_float_of_bits ((uint32_t)fake_draw (&draw));
    wide[i] = adze_double_of_bits (fake_draw (&draw));
  }
  fake_give (&run, 0, "f", f32, 40, 100, numbers);
  fake_give (&run, 0, "d", f64, 40, 100, wide);
  assert_int_equal (fake_work (&run), ADZE_OK);
  static char told[sizeof run.told];
  memcpy (told, run.told, sizeof told);
  for (run.cut = 1; run.cut < 20; run.cut++) {
    run.threads = 1 + run.cut % 4;
    run.twice = run.cut % 2;
    assert_int_equal (fake_work (&run), ADZE_OK);
    assert_string_equal (run.told, told);
  }
}

int
main (void)
{
#define CASE(test) cmocka_unit_test_setup_teardown (test, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    CASE (each_tensor_has_a_row_and_the_model_its_sums),
    CASE (blocks_of_a_codec_have_sizes_alone),
    CASE (what_is_not_finite_is_counted_apart),
    CASE (values_are_told_apart_up_to_a_bound),
    CASE (integers_that_no_double_tells_apart_are_different),
    CASE (sums_are_exact),
    CASE (one_number_is_its_own_sum),
    CASE (large_pieces_are_exact_as_well),
    CASE (cutting_and_threads_change_no_figure),
  };
  return cmocka_run_group_tests_name ("profile", tests, NULL, NULL);
}
