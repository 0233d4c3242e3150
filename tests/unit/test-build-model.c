/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers that weights of build-model begin with: as large as their names say, at right angles
 * where that is asked for, and a function of their place alone. Whole networks are tested as
 * pipelines. */
#include "fake-host.h"

#include <math.h>

#include "base/random.h"

#include "../../plugins/techniques/build-model/initial.c"

static void
fill (const adze_host *host, const char *stream, uint64_t first, uint64_t *out, size_t count)
{
  (void)host;
  adze_random_values (adze_random_key (3, "build-model", stream), first, out, count);
}

static const void *
random_service (const char *id)
{
  static const adze_random_service service = { .struct_size = sizeof service, .fill = fill };
  return strcmp (id, ADZE_RANDOM) == 0 ? &service : NULL;
}

static int
set_up (void **state)
{
  (void)state;
  fake_more_services = random_service;
  return 0;
}

enum { MANY = 40000, FAN_IN = 50, FAN_OUT = 30 };

static float numbers[MANY];

/* 40,000 of them: the variance is right within 3 percent unless one is very unlucky, and the
 * numbers are always the same. */
static void
they_are_as_large_as_their_names_say (void **state)
{
  static const struct {
    build_initial initial;
    double variance;
    bool bounded; /* uniform: none is beyond sqrt (3 variance) */
  } cases[] = {
    { BUILD_HE_NORMAL, 2.0 / FAN_IN, false },
    { BUILD_HE_UNIFORM, 2.0 / FAN_IN, true },
    { BUILD_XAVIER_NORMAL, 2.0 / (FAN_IN + FAN_OUT), false },
    { BUILD_XAVIER_UNIFORM, 2.0 / (FAN_IN + FAN_OUT), true },
    { BUILD_LECUN_NORMAL, 1.0 / FAN_IN, false },
    { BUILD_LECUN_UNIFORM, 1.0 / FAN_IN, true },
    { BUILD_FAN_IN_UNIFORM, 1.0 / FAN_IN / 3, true },
    { BUILD_NORMAL, 0.09, false },
    { BUILD_UNIFORM, 0.09 / 3, true },
    { BUILD_ZEROS, 0, true },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    double sum = 0, squares = 0, most = 0;
    assert_int_equal (build_fill (&fake_host, "w", cases[i].initial, 0.3, 1, FAN_IN, FAN_OUT, MANY,
                                  numbers),
                      ADZE_OK);
    for (size_t k = 0; k < MANY; k++) {
      double x = (double)numbers[k];
      sum += x;
      squares += x * x;
      most = fabs (x) > most ? fabs (x) : most;
    }
    double variance = cases[i].variance, bound = sqrt (3 * variance);
    assert_true (fabs (sum / MANY) <= 0.03 * sqrt (variance));
    if (fabs (squares / MANY - variance) > 0.03 * variance)
      fail_msg ("case %zu: the variance is %g, and should be %g", i, squares / MANY, variance);
    assert_true (cases[i].bounded ? most <= bound * 1.000001 : most > bound);
  }
  assert_int_equal (build_fill (&fake_host, "w", BUILD_ONES, 0, 1, 1, 1, 3, numbers), ADZE_OK);
  assert_true (numbers[0] == 1 && numbers[2] == 1);
}

static void
rows_or_columns_are_at_right_angles (void **state)
{
  static const size_t sizes[][2] = { { 8, 20 }, { 20, 8 }, { 5, 5 } };
  (void)state;
  for (size_t s = 0; s < 3; s++) {
    size_t rows = sizes[s][0], columns = sizes[s][1], few = rows < columns ? rows : columns;
    assert_int_equal (build_fill (&fake_host, "w", BUILD_ORTHOGONAL, 0, rows, 1, 1, rows * columns,
                                  numbers),
                      ADZE_OK);
    for (size_t i = 0; i < few; i++)
      for (size_t j = 0; j <= i; j++) {
        double sum = 0;
        for (size_t k = 0; k < (rows < columns ? columns : rows); k++)
          sum += rows < columns
                     ? (double)numbers[i * columns + k] * (double)numbers[j * columns + k]
                     : (double)numbers[k * columns + i] * (double)numbers[k * columns + j];
        assert_true (fabs (sum - (i == j)) < 1e-6);
      }
  }
}

static void
a_number_depends_on_its_place_alone (void **state)
{
  static float fewer[700];
  (void)state;
  assert_int_equal (build_fill (&fake_host, "w", BUILD_HE_NORMAL, 0, 1, 9, 9, 3000, numbers),
                    ADZE_OK);
  assert_int_equal (build_fill (&fake_host, "w", BUILD_HE_NORMAL, 0, 1, 9, 9, 700, fewer), ADZE_OK);
  assert_memory_equal (numbers, fewer, sizeof fewer);
  assert_int_equal (build_fill (&fake_host, "v", BUILD_HE_NORMAL, 0, 1, 9, 9, 700, fewer), ADZE_OK);
  assert_memory_not_equal (numbers, fewer, sizeof fewer);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (they_are_as_large_as_their_names_say),
    cmocka_unit_test (rows_or_columns_are_at_right_angles),
    cmocka_unit_test (a_number_depends_on_its_place_alone),
  };
  return cmocka_run_group_tests_name ("build-model", tests, set_up, NULL);
}
