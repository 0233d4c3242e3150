/* SPDX-License-Identifier: Apache-2.0 */
/* The technique validate: what it counts, and which number it names. */
#include "fake-work.h"

#include <math.h>

#include "../../plugins/techniques/validate/validate.c"

static const adze_dtype f16 = { ADZE_FLOAT, 16, 1 }, f32 = { ADZE_FLOAT, 32, 1 },
                        f64 = { ADZE_FLOAT, 64, 1 }, i8 = { ADZE_INT, 8, 1 },
                        f8 = { ADZE_FLOAT8_E4M3FN, 8, 1 };

static fake_run run;

static const fake_value finite_values[] = { { .name = "finite", .integer = 1 },
                                           { .name = "unread", .text = "warn" },
                                           { .name = NULL } };
static const fake_value any_values[] = { { .name = "finite", .integer = 0 },
                                        { .name = "unread", .text = "warn" },
                                        { .name = NULL } };
static const adze_params all_finite = { finite_values }, any = { any_values };

static int
set_up (void **state)
{
  (void)state;
  memset (&run, 0, sizeof run);
  run.technique = &callbacks;
  run.params = &all_finite;
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
all_numbers_of_a_model_are_counted (void **state)
{
  (void)state;
  const float a[4] = { 1, -0.0f, 0, -7.5f };
  const int8_t b[3] = { 0, 5, -2 };
  const double c[1] = { 6 };
  fake_give (&run, 0, "a", f32, 2, 2, a);
  fake_give (&run, 0, "b", i8, 1, 3, b);
  fake_give (&run, 0, "c", f64, 1, 1, c);
  run.twice = true;
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_string_equal (run.told, "metric tensors value=3\n"
                                 "metric unread value=0\n"
                                 "metric nan value=0\n"
                                 "metric inf value=0\n"
                                 "metric zeros value=3\n"
                                 "metric min value=-7.5\n"
                                 "metric max value=6\n"
                                 "metric max-abs value=7.5\n");
}

static void
what_is_not_known_of_all_is_no_metric (void **state)
{
  (void)state;
  const float a[2] = { 0, -7.5f };
  fake_give (&run, 0, "a", f32, 1, 2, a);
  fake_give (&run, 0, "d", f8, 1, 3, a);
  assert_int_equal (fake_work (&run), ADZE_OK);
  static const char *const names[] = { "nan", "inf", "zeros", "min", "max", "max-abs" };
  const char *others[] = { "0", "0", "1", "-7.5", "0", "7.5" };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    char line[160];
    snprintf (line, sizeof line,
              "row not-measured metric=%s others=%s why=1 of 2 tensors cannot be looked into: 'd' "
              "(f8_e4m3fn); ",
              names[i], others[i]);
    assert_non_null (strstr (run.told, line));
  }
  assert_int_equal (strncmp (run.told, "metric tensors value=1\nmetric unread value=1\nrow ", 49),
                    0);
  assert_null (strstr (run.told + 46, "\nmetric"));
}

/* Not the one that some thread met first. */
static void
the_first_tensor_and_element_are_named (void **state)
{
  (void)state;
  static float good[5000], bad[5000];
  bad[4321] = -INFINITY;
  bad[4700] = NAN;
  fake_give (&run, 0, "good", f32, 50, 100, good);
  fake_give (&run, 0, "bad", f32, 50, 100, bad);
  fake_give (&run, 0, "worse", f32, 50, 100, bad);
  for (uint64_t cut = 0; cut < 12; cut++) {
    run.cut = cut;
    run.threads = 1 + cut % 4;
    assert_int_equal (fake_work (&run), ADZE_E_FORMAT);
    assert_non_null (strstr (fake_reason, "tensor 'bad': element 4321 is -inf; 1 of its 5000 "
                                          "numbers are NaN and 1 are infinite"));
  }
  run.rule_tensor = "bad";
  run.rule_params = &any;
  assert_int_equal (fake_work (&run), ADZE_E_FORMAT);
  assert_non_null (strstr (fake_reason, "tensor 'worse': element 4321"));
}

/* Numbers are looked at in blocks where nothing is odd about them, and one by one elsewhere. */
static void
cutting_and_threads_change_no_figure (void **state)
{
  (void)state;
  static float numbers[5000];
  for (size_t i = 0; i < 5000; i++)
    numbers[i] = i % 3 == 0 ? (i % 2 ? 0.0f : -0.0f) : (float)i - 2000;
  numbers[4444] = NAN;
  fake_give (&run, 0, "a", f32, 50, 100, numbers);
  run.params = &any;
  for (run.cut = 0; run.cut < 12; run.cut++) {
    run.threads = 1 + run.cut % 4;
    assert_int_equal (fake_work (&run), ADZE_OK);
    assert_string_equal (run.told, "metric tensors value=1\n"
                                   "metric unread value=0\n"
                                   "metric nan value=1\n"
                                   "metric inf value=0\n"
                                   "metric zeros value=1668\n"
                                   "metric min value=-1999\n"
                                   "metric max value=2999\n"
                                   "metric max-abs value=2999\n");
  }
}

static void
what_is_not_finite_is_counted_when_it_may_be_there (void **state)
{
  (void)state;
  const uint16_t bad[4] = { 0x7e00, 0x7c00, 0x4000, 0xc200 };
  const float nan[2] = { NAN, INFINITY };
  fake_give (&run, 0, "nan", f32, 1, 2, nan);
  fake_give (&run, 0, "bad", f16, 1, 4, bad);
  run.params = &any;
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_string_equal (run.told, "metric tensors value=2\n"
                                 "metric unread value=0\n"
                                 "metric nan value=2\n"
                                 "metric inf value=2\n"
                                 "metric zeros value=0\n"
                                 "metric min value=-3\n"
                                 "metric max value=2\n"
                                 "metric max-abs value=3\n");
}

static void
where_nothing_is_finite_there_is_no_range (void **state)
{
  (void)state;
  const float nan[2] = { NAN, INFINITY };
  fake_give (&run, 0, "nan", f32, 1, 2, nan);
  run.params = &any;
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_null (strstr (run.told, "max"));
}

int
main (void)
{
#define CASE(test) cmocka_unit_test_setup_teardown (test, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    CASE (all_numbers_of_a_model_are_counted),
    CASE (what_is_not_known_of_all_is_no_metric),
    CASE (the_first_tensor_and_element_are_named),
    CASE (cutting_and_threads_change_no_figure),
    CASE (what_is_not_finite_is_counted_when_it_may_be_there),
    CASE (where_nothing_is_finite_there_is_no_range),
  };
  return cmocka_run_group_tests_name ("validate", tests, NULL, NULL);
}
