/* SPDX-License-Identifier: Apache-2.0 */
/* The levels of qat: which there are, where numbers go, and which step suits them. Networks that learn with them are in
 * the test of pipelines of that name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "../../plugins/techniques/qat/grid.c"

static qat_grid
grid (const char *name, bool half)
{
  qat_grid made = { 0, 0, 0 };
  assert_true (qat_grid_named (name, half, &made));
  return made;
}

/* ---- Levels. */

static void
each_name_has_its_levels (void **state)
{
  static const struct {
    const char *name;
    bool half;
    float least, most;
    int levels;
  } wanted[] = {
    { "int8", false, -127, 127, 255 },  { "int8", true, -127, 127, 255 },     { "int4", false, -8, 7, 16 },
    { "int4", true, -7.5f, 7.5f, 16 },  { "int3", false, -4, 3, 8 },          { "int2", false, -2, 1, 4 },
    { "int2", true, -1.5f, 1.5f, 4 },   { "ternary", true, -1, 1, 3 },        { "binary", false, -.5f, .5f, 2 },
  };
  (void)state;
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    qat_grid g = grid (wanted[i].name, wanted[i].half);
    assert_true (qat_grid_level (&g, -1e6f, .25f) == wanted[i].least);
    assert_true (qat_grid_level (&g, 1e6f, .25f) == wanted[i].most);
    assert_int_equal (g.high - g.low + 1, wanted[i].levels);
  }
  qat_grid none;
  assert_false (qat_grid_named ("int5", false, &none));
}

/* Every number goes to the level that is nearest, and its code times the step of the file is that level. */
static void
the_nearest_level_is_taken (void **state)
{
  static const char *const names[] = { "int8", "int4", "int3", "int2", "ternary", "binary" };
  (void)state;
  for (size_t n = 0; n < 2 * sizeof names / sizeof *names; n++) {
    qat_grid g = grid (names[n / 2], n % 2);
    for (int i = -400; i <= 400; i++) {
      float number = (float)i / 100, step = .3f, level = qat_grid_level (&g, number, step), nearest = INFINITY;
      for (int k = g.low; k <= g.high; k++)
        nearest = fminf (nearest, fabsf (number - ((float)k + g.shift) * step));
      assert_true (fabsf (number - level * step) <= nearest + 1e-6f);
      float in_file = g.shift != 0 ? step / 2 : step;
      assert_true (fabsf ((float)qat_grid_code (&g, number, step) * in_file - level * step) < 1e-6f);
    }
  }
}

/* ---- Steps. */

static void
a_step_is_found_again (void **state)
{
  float numbers[64];
  (void)state;
  /* Rows of 4, of which one is looked at. */
  for (int i = 0; i < 64; i++)
    numbers[i] = i % 4 == 1 ? (float)(i / 4 - 8) * .125f : 100;
  qat_grid g = grid ("int4", false);
  double step = qat_grid_nearest (&g, numbers + 1, 16, 4);
  assert_true (fabs (step - .125) < .002);
  float zeros[3] = { 0, 0, 0 };
  assert_true (qat_grid_nearest (&g, zeros, 3, 1) == 0);
}

/* Two levels are best at the mean of the sizes. */
static void
two_levels_are_at_the_mean (void **state)
{
  float numbers[200];
  double mean = 0;
  (void)state;
  for (int i = 0; i < 200; i++) {
    numbers[i] = (i % 2 ? 1 : -1) * (float)(i % 37 + 1) / 37;
    mean += fabs ((double)numbers[i]) / 200;
  }
  qat_grid g = grid ("binary", false);
  assert_true (fabs (qat_grid_nearest (&g, numbers, 200, 1) / 2 - mean) < .01);
}

/* Few numbers far away are not worth coarse steps for all others, unless they are all that there is. */
static void
ranges_leave_out_what_is_rare (void **state)
{
  uint64_t counts[100] = { 0 };
  (void)state;
  for (int i = 0; i < 20; i++)
    counts[i] = 100000;
  counts[99] = 1;
  assert_true (qat_range_share (counts, 100, 10, .999) == 2);
  assert_true (qat_range_share (counts, 100, 10, 1) == 10);
  double range = qat_range_nearest (counts, 100, 10, 15);
  assert_true (range >= 1.8 && range < 5);
  uint64_t far[100] = { 0 };
  far[99] = 7;
  assert_true (qat_range_nearest (far, 100, 10, 255) > 9.9);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (each_name_has_its_levels),
    cmocka_unit_test (the_nearest_level_is_taken),
    cmocka_unit_test (a_step_is_found_again),
    cmocka_unit_test (two_levels_are_at_the_mean),
    cmocka_unit_test (ranges_leave_out_what_is_rare),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
