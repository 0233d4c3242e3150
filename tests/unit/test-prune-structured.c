/* SPDX-License-Identifier: Apache-2.0 */
/* The technique prune-structured in models without a network, against numbers that are plain to see. What it does
 * to networks is in tests/pipelines/test-prune-structured.sh. */
#include "fake-work.h"

#include <math.h>

#include "../../plugins/techniques/prune-structured/alone.c"
#include "../../plugins/techniques/prune-structured/describe.c"
#include "../../plugins/techniques/prune-structured/network.c"
#include "../../plugins/techniques/prune-structured/norms.c"
#include "../../plugins/techniques/prune-structured/prune-structured.c"
#include "../../plugins/techniques/prune-structured/report.c"
#include "../../plugins/techniques/prune-structured/roles.c"
#include "../../plugins/techniques/prune-structured/sets.c"
#include "../../plugins/techniques/prune-structured/settle.c"

static const adze_dtype f16 = { ADZE_FLOAT, 16, 1 }, f32 = { ADZE_FLOAT, 32, 1 },
                        f64 = { ADZE_FLOAT, 64, 1 }, i32 = { ADZE_INT, 32, 1 };

static fake_run run;

/* ---- Parameters. */

typedef struct asked {
  const char *of, *norm;
  double sparsity;
  int64_t count, min_kept, multiple, heads;
  fake_value values[10];
  adze_params params;
} asked;

static const adze_params *
params_of (asked *a)
{
  const fake_value values[] = {
    { .name = "of", .text = a->of ? a->of : "filters" },
    { .name = "norm", .text = a->norm ? a->norm : "l2" },
    { .name = "sparsity", .real = a->sparsity > 0 ? a->sparsity : 0.5 },
    { .name = "count", .integer = a->count },
    { .name = "min-kept", .integer = a->min_kept ? a->min_kept : 1 },
    { .name = "multiple", .integer = a->multiple ? a->multiple : 1 },
    { .name = "heads", .integer = a->heads },
    { .name = "shrink", .integer = 1 },
    { .name = NULL },
  };
  memcpy (a->values, values, sizeof values);
  a->params.values = a->values;
  return &a->params;
}

static adze_status
work (asked *a)
{
  run.params = params_of (a);
  return fake_work (&run);
}

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

/* Rows of NAME that are all zeros now, one letter each: "1" where it is. */
static const char *
zero_rows (const char *name)
{
  static char text[64];
  const fake_tensor *tensor = fake_result (&run, name);
  size_t rows = (size_t)tensor->meta.shape[0], size = fake_size (&tensor->meta) / rows;
  memset (text, 0, sizeof text);
  for (size_t r = 0; r < rows; r++) {
    bool all = true;
    for (size_t i = 0; i < size; i++)
      all = all && tensor->data[r * size + i] == 0;
    text[r] = all ? '1' : '0';
  }
  return text;
}

static void
was_told (const char *line)
{
  if (!strstr (run.told, line))
    fail_msg ("there is no '%s' in:\n%s", line, run.told);
}

/* ---- Norms. */

/* Rows of the norms l1 6, 5, 9, 4 and l2 4.5, 5, 5.2, 4. */
static const float four[4][3] = { { 1, -1, 4 }, { 0, 5, 0 }, { 3, -3, 3 }, { 4, 0, 0 } };

static void
the_least_rows_become_zero_by_each_norm (void **state)
{
  (void)state;
  const float column[4] = { 1, 2, 3, 4 };
  const int64_t four_numbers = 4;
  const adze_tensor_meta bias = { .struct_size = sizeof bias, .rank = 1, .name = "a.bias",
                                  .shape = &four_numbers, .dtype = f32 };
  fake_give (&run, 0, "a.weight", f32, 4, 3, four);
  fake_add (&run.models[0], &bias, column);
  asked l1 = { .norm = "l1" }, l2 = { .norm = "l2" };
  assert_int_equal (work (&l1), ADZE_OK);
  assert_string_equal (zero_rows ("a.weight"), "0101");
  assert_string_equal (zero_rows ("a.bias"), "0101");
  was_told ("metric removed value=2\n");
  was_told ("metric shrunk value=0\n");
  was_told ("tensor a.weight did=made zero dimension=0 of=4 kept=2 gone=1, 3\n");
  assert_int_equal (work (&l2), ADZE_OK);
  assert_string_equal (zero_rows ("a.weight"), "1001");
  assert_string_equal (zero_rows ("a.bias"), "1001");
}

static void
columns_are_what_channels_take (void **state)
{
  (void)state;
  fake_give (&run, 0, "a.weight", f64, 4, 3, ((const double[4][3]){ { 1, 9, 1 }, { 1, 9, 1 }, { 1, 9, 2 }, { 0 } }));
  asked a = { .of = "channels", .count = 1 };
  assert_int_equal (work (&a), ADZE_OK);
  double is[4][3];
  memcpy (is, fake_result (&run, "a.weight")->data, sizeof is);
  for (size_t r = 0; r < 3; r++) {
    assert_true (is[r][0] == 0);
    assert_true (is[r][1] == 9);
    assert_true (is[r][2] == (r == 2 ? 2 : 1));
  }
}

/* Rows on a line at 1, 2, 3, 9 and 10: that in the middle is the nearest to all. */
static void
what_others_can_stand_in_for_goes_first (void **state)
{
  (void)state;
  fake_give (&run, 0, "a", f32, 5, 2, ((const float[5][2]){ { 1, 5 }, { 9, 5 }, { 2, 5 }, { 3, 5 }, { 10, 5 } }));
  asked a = { .norm = "geometric-median", .count = 1 };
  assert_int_equal (work (&a), ADZE_OK);
  assert_string_equal (zero_rows ("a"), "00010");
}

static void
of_equal_ones_lower_indices_go_first (void **state)
{
  (void)state;
  static const char *const norms[] = { "l1", "l2", "geometric-median" };
  fake_give (&run, 0, "a", f32, 6, 2, ((const float[6][2]){ { 1, 0 }, { 0, -1 }, { 0, 1 }, { -1, 0 }, { 0, 1 }, { 1, 0 } }));
  for (size_t i = 0; i < 2; i++) {
    asked a = { .norm = norms[i] };
    assert_int_equal (work (&a), ADZE_OK);
    assert_string_equal (zero_rows ("a"), "111000");
  }
}

/* Numbers are read in blocks; what lies in the last one counts, too. */
static void
rows_may_be_longer_than_what_is_read_at_once (void **state)
{
  (void)state;
  static float rows[4][5000];
  for (size_t r = 0; r < 4; r++)
    rows[r][4999] = (float)(r + 1);
  fake_give (&run, 0, "a", f32, 4, 5000, rows);
  asked a = { .norm = "l1" };
  assert_int_equal (work (&a), ADZE_OK);
  assert_string_equal (zero_rows ("a"), "1100");
  a.of = "channels";
  assert_int_equal (work (&a), ADZE_OK);
  assert_string_equal (zero_rows ("a"), "0000");
}

/* ---- How many. */

static void
counts_are_met_and_what_must_stay_stays (void **state)
{
  (void)state;
  const struct {
    asked asked;
    size_t gone;
  } cases[] = {
    { { .sparsity = 0.24 }, 5 },
    { { .sparsity = 1 }, 19 },
    { { .sparsity = 1, .min_kept = 7 }, 13 },
    { { .count = 3 }, 3 },
    { { .count = 50, .min_kept = 2 }, 18 },
    { { .sparsity = 0.5, .multiple = 8 }, 4 },
    { { .count = 12, .multiple = 8 }, 12 },
  };
  float numbers[20][2];
  for (size_t i = 0; i < 20; i++)
    numbers[i][0] = numbers[i][1] = (float)(i * 7 % 20) + 1;
  fake_give (&run, 0, "a", f32, 20, 2, numbers);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    asked a = cases[i].asked;
    size_t gone = 0;
    assert_int_equal (work (&a), ADZE_OK);
    for (const char *at = zero_rows ("a"); *at; at++)
      gone += *at == '1';
    assert_int_equal (gone, cases[i].gone);
  }
}

static void
heads_go_as_a_whole (void **state)
{
  (void)state;
  fake_give (&run, 0, "q", f16, 6, 1, ((const uint16_t[6]){ 0x3c00, 0x4000, 0x3c00, 0x3c00, 0x4400, 0x3c00 }));
  asked none = { .of = "heads" }, odd = { .of = "heads", .heads = 4 }, a = { .of = "heads", .heads = 3, .count = 1 };
  assert_int_equal (work (&none), ADZE_E_PARAM);
  assert_non_null (strstr (fake_reason, "parameter 'heads' of tensor 'q' is 0"));
  assert_int_equal (work (&odd), ADZE_E_PARAM);
  assert_non_null (strstr (fake_reason, "tensor 'q' has 6 rows, which are no 4 heads"));
  assert_int_equal (work (&a), ADZE_OK);
  assert_string_equal (zero_rows ("q"), "001100");
}

/* ---- What cannot be. */

static void
what_is_no_number_is_refused (void **state)
{
  (void)state;
  float bad[4][3];
  memcpy (bad, four, sizeof bad);
  bad[2][1] = INFINITY;
  fake_give (&run, 0, "a", f32, 4, 3, bad);
  asked a = { 0 };
  assert_int_equal (work (&a), ADZE_E_UNSUPPORTED);
  assert_non_null (strstr (fake_reason, "tensor 'a' is infinite at element 7"));
}

static void
where_nothing_can_go_that_is_said (void **state)
{
  (void)state;
  fake_give (&run, 0, "a", i32, 4, 3, four);
  asked a = { 0 };
  assert_int_equal (work (&a), ADZE_E_UNSUPPORTED);
  assert_non_null (strstr (fake_reason, "no channel can go"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (the_least_rows_become_zero_by_each_norm, set_up, tear_down),
    cmocka_unit_test_setup_teardown (columns_are_what_channels_take, set_up, tear_down),
    cmocka_unit_test_setup_teardown (what_others_can_stand_in_for_goes_first, set_up, tear_down),
    cmocka_unit_test_setup_teardown (of_equal_ones_lower_indices_go_first, set_up, tear_down),
    cmocka_unit_test_setup_teardown (rows_may_be_longer_than_what_is_read_at_once, set_up, tear_down),
    cmocka_unit_test_setup_teardown (counts_are_met_and_what_must_stay_stays, set_up, tear_down),
    cmocka_unit_test_setup_teardown (heads_go_as_a_whole, set_up, tear_down),
    cmocka_unit_test_setup_teardown (what_is_no_number_is_refused, set_up, tear_down),
    cmocka_unit_test_setup_teardown (where_nothing_can_go_that_is_said, set_up, tear_down),
  };
  return cmocka_run_group_tests_name ("prune-structured", tests, NULL, NULL);
}
