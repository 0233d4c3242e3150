/* SPDX-License-Identifier: Apache-2.0 */
/* The technique cast. What the types' numbers are is test-half's; here is what becomes of tensors. */
#include "fake-work.h"

#include <math.h>

#include "../../plugins/techniques/cast/cast.c"

#define CAST(to, overflow) \
  &(const adze_params) \
  { \
    (const fake_value[]) { { .name = "to", .text = to }, { .name = "overflow", .text = overflow }, \
                           { .name = NULL } } \
  }

static const adze_dtype f16 = { ADZE_FLOAT, 16, 1 }, bf16 = { ADZE_BFLOAT, 16, 1 },
                        f32 = { ADZE_FLOAT, 32, 1 }, f64 = { ADZE_FLOAT, 64, 1 },
                        i32 = { ADZE_INT, 32, 1 };

static fake_run run;

static int
set_up (void **state)
{
  (void)state;
  memset (&run, 0, sizeof run);
  run.technique = &callbacks;
  return 0;
}

static int
tear_down (void **state)
{
  (void)state;
  fake_run_clear (&run);
  return 0;
}

enum { MANY = 5000 };

static void
floats_are_cast_and_others_pass (void **state)
{
  (void)state;
  const float numbers[4] = { 1, -2.5f, 1e-8f, 65504 };
  const int32_t whole[2] = { 7, -7 };
  const uint16_t halves[2] = { 0x3c00, 0xfc00 };
  fake_give (&run, 0, "a", f32, 2, 2, numbers);
  fake_give (&run, 0, "ids", i32, 1, 2, whole);
  fake_give (&run, 0, "half", f16, 1, 2, halves);
  run.params = CAST ("f16", "error");
  assert_int_equal (fake_work (&run), ADZE_OK);
  const fake_tensor *a = fake_result (&run, "a");
  assert_true (adze_dtype_same (a->meta.dtype, f16));
  assert_int_equal (a->meta.rank, 2);
  const uint16_t wanted[4] = { 0x3c00, 0xc100, 0x0000, 0x7bff };
  assert_memory_equal (a->data, wanted, sizeof wanted);
  assert_memory_equal (fake_result (&run, "ids")->data, whole, sizeof whole);
  assert_memory_equal (fake_result (&run, "half")->data, halves, sizeof halves);
  assert_int_equal (run.group_count, 1);
  assert_string_equal (run.groups[0].note, "f32 -> f16");
}

/* From each type to each other one: what a double would become, and back again where it fits. */
static void
all_pairs_agree_with_the_numbers (void **state)
{
  (void)state;
  static const char *const names[] = { "f16", "bf16", "f32", "f64" };
  const adze_dtype dtypes[] = { f16, bf16, f32, f64 };
  const double numbers[5] = { 0, -1.5, 0.0078125, 248, -0.0 };
  for (size_t from = 0; from < 4; from++)
    for (size_t to = 0; to < 4; to++) {
      if (from == to)
        continue;
      double bytes[5];
      run.params = CAST (names[from], "error");
      fake_give (&run, 0, "w", f64, 1, 5, numbers);
      assert_int_equal (fake_work (&run), ADZE_OK);
      fake_tensor *first = fake_result (&run, "w");
      memcpy (bytes, first->data, fake_size (&first->meta));
      fake_run_clear (&run);
      fake_give (&run, 0, "w", dtypes[from], 1, 5, bytes);
      run.params = CAST (names[to], "error");
      assert_int_equal (fake_work (&run), ADZE_OK);
      double back[5];
      assert_true (adze_numbers_read (dtypes[to], fake_result (&run, "w")->data, 5, back));
      assert_memory_equal (back, numbers, sizeof numbers);
      fake_run_clear (&run);
    }
}

static void
too_large_a_number_fails_with_its_place (void **state)
{
  (void)state;
  float numbers[3000] = { 0 };
  numbers[2500] = 70000;
  numbers[2800] = -80000;
  fake_give (&run, 0, "fc1.weight", f32, 30, 100, numbers);
  run.params = CAST ("f16", "error");
  run.cut = 3;
  assert_int_equal (fake_work (&run), ADZE_E_LIMIT);
  assert_non_null (strstr (fake_reason, "'fc1.weight': element 2500 is 70000"));
  assert_non_null (strstr (fake_reason, "f16 is 65504"));
  run.params = CAST ("bf16", "error");
  assert_int_equal (fake_work (&run), ADZE_OK);
}

static void
too_large_numbers_become_what_was_asked_for (void **state)
{
  (void)state;
  const float numbers[6] = { 1e5f, -1e5f, 65519, INFINITY, NAN, 1 };
  fake_give (&run, 0, "w", f32, 1, 6, numbers);
  run.params = CAST ("f16", "clamp");
  assert_int_equal (fake_work (&run), ADZE_OK);
  const uint16_t clamped[6] = { 0x7bff, 0xfbff, 0x7bff, 0x7c00, 0x7e00, 0x3c00 };
  assert_memory_equal (fake_result (&run, "w")->data, clamped, sizeof clamped);
  assert_int_equal (run.events, 1);
  run.params = CAST ("f16", "inf");
  assert_int_equal (fake_work (&run), ADZE_OK);
  const uint16_t infinite[6] = { 0x7c00, 0xfc00, 0x7bff, 0x7c00, 0x7e00, 0x3c00 };
  assert_memory_equal (fake_result (&run, "w")->data, infinite, sizeof infinite);
}

static void
doubles_overflow_as_well (void **state)
{
  (void)state;
  const double numbers[4] = { 1e39, -1e300, (double)INFINITY, 0x1.ffffffp127 };
  fake_give (&run, 0, "w", f64, 1, 4, numbers);
  run.params = CAST ("f32", "error");
  assert_int_equal (fake_work (&run), ADZE_E_LIMIT);
  assert_non_null (strstr (fake_reason, "1.00000000e+39") ? fake_reason
                                                          : strstr (fake_reason, "1e+39"));
  run.params = CAST ("f16", "error");
  assert_int_equal (fake_work (&run), ADZE_E_LIMIT);
  assert_non_null (strstr (fake_reason, "1e+39")); /* and not what a float32 makes of it */
  run.params = CAST ("f32", "clamp");
  assert_int_equal (fake_work (&run), ADZE_OK);
  const float wanted[4] = { 0x1.fffffep127f, -0x1.fffffep127f, INFINITY, 0x1.fffffep127f };
  assert_memory_equal (fake_result (&run, "w")->data, wanted, sizeof wanted);
  run.params = CAST ("f16", "clamp");
  assert_int_equal (fake_work (&run), ADZE_OK);
  const uint16_t halves[4] = { 0x7bff, 0xfbff, 0x7c00, 0x7bff };
  assert_memory_equal (fake_result (&run, "w")->data, halves, sizeof halves);
}

static void
a_rule_gives_one_tensor_another_type (void **state)
{
  (void)state;
  const float numbers[2] = { 1, 2 };
  fake_give (&run, 0, "a", f32, 1, 2, numbers);
  fake_give (&run, 0, "b", f32, 1, 2, numbers);
  run.params = CAST ("f16", "error");
  run.rule_tensor = "b";
  run.rule_params = CAST ("bf16", "error");
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_true (adze_dtype_same (fake_result (&run, "a")->meta.dtype, f16));
  assert_true (adze_dtype_same (fake_result (&run, "b")->meta.dtype, bf16));
}

static void
cutting_and_threads_change_no_byte (void **state)
{
  (void)state;
  static float numbers[MANY];
  for (uint32_t i = 0; i < MANY; i++)
    numbers[i] = adze_float_of_bits (i * UINT32_C (2654435761));
  fake_give (&run, 0, "w", f32, MANY / 10, 10, numbers);
  run.params = CAST ("f16", "clamp");
  assert_int_equal (fake_work (&run), ADZE_OK);
  uint16_t first[MANY];
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
    CASE (floats_are_cast_and_others_pass),
    CASE (all_pairs_agree_with_the_numbers),
    CASE (too_large_a_number_fails_with_its_place),
    CASE (too_large_numbers_become_what_was_asked_for),
    CASE (doubles_overflow_as_well),
    CASE (a_rule_gives_one_tensor_another_type),
    CASE (cutting_and_threads_change_no_byte),
  };
  return cmocka_run_group_tests_name ("cast", tests, NULL, NULL);
}
