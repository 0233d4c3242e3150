/* SPDX-License-Identifier: Apache-2.0 */
/* The technique merge: averages rounded once, and what has none. */
#include "fake-work.h"

#include <math.h>

#include "../../plugins/techniques/merge/merge.c"

static const adze_dtype f16 = { ADZE_FLOAT, 16, 1 }, bf16 = { ADZE_BFLOAT, 16, 1 },
                        f32 = { ADZE_FLOAT, 32, 1 }, f64 = { ADZE_FLOAT, 64, 1 },
                        i32 = { ADZE_INT, 32, 1 };

static fake_run run;
static fake_value given[3];
static adze_params params_given = { given };

static void
ask_for (double weight, const char *unmatched)
{
  given[0] = (fake_value){ .name = "weight", .real = weight };
  given[1] = (fake_value){ .name = "unmatched", .text = unmatched };
  run.params = &params_given;
}

static int
set_up (void **state)
{
  (void)state;
  memset (&run, 0, sizeof run);
  run.technique = &callbacks;
  ask_for (0.5, "error");
  return 0;
}

static int
tear_down (void **state)
{
  (void)state;
  fake_run_clear (&run);
  return 0;
}

static void
floats_are_averaged_and_others_are_the_firsts (void **state)
{
  (void)state;
  const float one[3] = { 1, -4, 0 }, two[3] = { 2, 4, 1 };
  const int32_t here[2] = { 1, 2 }, there[2] = { 3, 4 };
  fake_give (&run, 0, "w", f32, 1, 3, one);
  fake_give (&run, 0, "ids", i32, 1, 2, here);
  fake_give (&run, 1, "ids", i32, 1, 2, there);
  fake_give (&run, 1, "w", f32, 1, 3, two);
  ask_for (0.25, "error");
  assert_int_equal (fake_work (&run), ADZE_OK);
  const float wanted[3] = { 1.25f, -2, 0.25f };
  assert_memory_equal (fake_result (&run, "w")->data, wanted, sizeof wanted);
  assert_memory_equal (fake_result (&run, "ids")->data, here, sizeof here);
  assert_string_equal (run.groups[0].note, "0.75 + 0.25 of the other");
  assert_string_equal (run.groups[1].note, "no floats: the first model's");
}

/* The result has the first one's type. The average of the largest numbers is one of them: in
 * float32, their sum would be none. */
static void
each_type_is_averaged_in_doubles (void **state)
{
  (void)state;
  const adze_dtype dtypes[] = { f16, bf16, f32, f64 };
  for (size_t i = 0; i < 4; i++) {
    const double big[2] = { 0x1.fffffffffffffp1023, 3 };
    const float most[2] = { 0x1.fffffep127f, 3 };
    const uint16_t half[2] = { 0x7bff, 0x4200 }, brain[2] = { 0x7f7f, 0x4040 };
    const void *data[] = { half, brain, most, big };
    fake_give (&run, 0, "w", dtypes[i], 1, 2, data[i]);
    fake_give (&run, 1, "w", dtypes[i], 1, 2, data[i]);
    assert_int_equal (fake_work (&run), ADZE_OK);
    assert_true (adze_dtype_same (fake_result (&run, "w")->meta.dtype, dtypes[i]));
    assert_memory_equal (fake_result (&run, "w")->data, data[i], 2u * dtypes[i].bits / 8);
    fake_run_clear (&run);
  }
}

/* By way of float32, 1 + 2^-11 + 2^-30 would first become 1 + 2^-11 and then, halfway, 1. */
static void
an_average_is_rounded_once (void **state)
{
  (void)state;
  const uint16_t one[1] = { 0x3c00 };
  const double other[1] = { 1 + 0x1p-10 + 0x1p-29 };
  fake_give (&run, 0, "w", f16, 1, 1, one);
  fake_give (&run, 1, "w", f64, 1, 1, other);
  assert_int_equal (fake_work (&run), ADZE_OK);
  const uint16_t wanted[1] = { 0x3c01 };
  assert_memory_equal (fake_result (&run, "w")->data, wanted, sizeof wanted);
}

static void
all_the_weight_takes_one_side_as_it_is (void **state)
{
  (void)state;
  const float one[3] = { INFINITY, 1, -0.0f }, two[3] = { 2, INFINITY, 7 };
  fake_give (&run, 0, "w", f32, 1, 3, one);
  fake_give (&run, 1, "w", f32, 1, 3, two);
  ask_for (0, "error");
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_memory_equal (fake_result (&run, "w")->data, one, sizeof one);
  ask_for (1, "error");
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_memory_equal (fake_result (&run, "w")->data, two, sizeof two);
}

/* Machines differ in the NaN that comes of two. */
static void
what_is_no_number_is_the_one_nan (void **state)
{
  (void)state;
  const float one[3] = { INFINITY, -NAN, 1 }, two[3] = { -INFINITY, 3, NAN };
  fake_give (&run, 0, "w", f32, 1, 3, one);
  fake_give (&run, 1, "w", f32, 1, 3, two);
  assert_int_equal (fake_work (&run), ADZE_OK);
  const uint32_t wanted[3] = { 0x7fc00000, 0x7fc00000, 0x7fc00000 };
  assert_memory_equal (fake_result (&run, "w")->data, wanted, sizeof wanted);
}

static void
too_large_an_average_is_refused (void **state)
{
  (void)state;
  const uint16_t one[2] = { 0, 0 };
  const float two[2] = { 1, 2e5f };
  fake_give (&run, 0, "fc.w", f16, 1, 2, one);
  fake_give (&run, 1, "fc.w", f32, 1, 2, two);
  assert_int_equal (fake_work (&run), ADZE_E_LIMIT);
  assert_non_null (strstr (fake_reason, "'fc.w'"));
  assert_non_null (strstr (fake_reason, "element 1 is 100000"));
}

static void
shapes_must_agree (void **state)
{
  (void)state;
  const float numbers[6] = { 0 };
  fake_give (&run, 0, "w", f32, 2, 3, numbers);
  fake_give (&run, 1, "w", f32, 3, 2, numbers);
  assert_int_equal (fake_work (&run), ADZE_E_UNSUPPORTED);
  assert_non_null (strstr (fake_reason, "'w' is 2x3 in 'model' and 3x2 in 'other'"));
}

static void
floats_do_not_mix_with_others (void **state)
{
  (void)state;
  const float numbers[2] = { 0 };
  fake_give (&run, 0, "w", f32, 1, 2, numbers);
  fake_give (&run, 1, "w", i32, 1, 2, numbers);
  assert_int_equal (fake_work (&run), ADZE_E_UNSUPPORTED);
  assert_non_null (strstr (fake_reason, "'w'"));
}

static void
a_tensor_alone_is_refused_or_kept (void **state)
{
  (void)state;
  const float both[1] = { 1 }, first[1] = { 2 }, other[1] = { 3 };
  fake_give (&run, 0, "both", f32, 1, 1, both);
  fake_give (&run, 0, "first", f32, 1, 1, first);
  fake_give (&run, 1, "both", f32, 1, 1, both);
  fake_give (&run, 1, "other", f32, 1, 1, other);
  assert_int_equal (fake_work (&run), ADZE_E_NOT_FOUND);
  assert_non_null (strstr (fake_reason, "'first' is in the first model alone"));
  ask_for (0.5, "keep");
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_int_equal (run.out.count, 3);
  assert_memory_equal (fake_result (&run, "first")->data, first, sizeof first);
  assert_memory_equal (fake_result (&run, "other")->data, other, sizeof other);
  fake_run_clear (&run);
  fake_give (&run, 0, "both", f32, 1, 1, both);
  fake_give (&run, 1, "both", f32, 1, 1, both);
  fake_give (&run, 1, "other", f32, 1, 1, other);
  ask_for (0.5, "error");
  assert_int_equal (fake_work (&run), ADZE_E_NOT_FOUND);
  assert_non_null (strstr (fake_reason, "'other' is in the other model alone"));
}

static void
one_model_is_not_enough (void **state)
{
  (void)state;
  const float numbers[1] = { 0 };
  fake_give (&run, 0, "w", f32, 1, 1, numbers);
  assert_int_equal (fake_work (&run), ADZE_E_PARAM);
  assert_non_null (strstr (fake_reason, "other = "));
}

static void
cutting_and_threads_change_no_byte (void **state)
{
  (void)state;
  enum { MANY = 4000 };
  static float one[MANY];
  static uint16_t two[MANY], first[MANY];
  for (uint32_t i = 0; i < MANY; i++) {
    one[i] = sinf ((float)i) * 100;
    two[i] = (uint16_t)(i * 40503u & 0xbfff);
  }
  fake_give (&run, 0, "w", f16, 40, 100, two);
  fake_give (&run, 1, "w", f32, 40, 100, one);
  ask_for (0.3, "error");
  assert_int_equal (fake_work (&run), ADZE_OK);
  memcpy (first, fake_result (&run, "w")->data, sizeof first);
  for (uint64_t cut = 1; cut < 20; cut++) {
    run.cut = cut;
    run.threads = 1 + cut % 4;
    assert_int_equal (fake_work (&run), ADZE_OK);
    assert_memory_equal (fake_result (&run, "w")->data, first, sizeof first);
  }
}

int
main (void)
{
#define CASE(test) cmocka_unit_test_setup_teardown (test, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    CASE (floats_are_averaged_and_others_are_the_firsts),
    CASE (each_type_is_averaged_in_doubles),
    CASE (an_average_is_rounded_once),
    CASE (all_the_weight_takes_one_side_as_it_is),
    CASE (what_is_no_number_is_the_one_nan),
    CASE (too_large_an_average_is_refused),
    CASE (shapes_must_agree),
    CASE (floats_do_not_mix_with_others),
    CASE (a_tensor_alone_is_refused_or_kept),
    CASE (one_model_is_not_enough),
    CASE (cutting_and_threads_change_no_byte),
  };
  return cmocka_run_group_tests_name ("merge", tests, NULL, NULL);
}
