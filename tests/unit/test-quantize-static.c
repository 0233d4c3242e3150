/* SPDX-License-Identifier: Apache-2.0 */
/* The histograms of quantize-static: what they count, and the ranges that are made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../plugins/techniques/quantize-static/histogram.c"

enum { MANY = 20000 };

static histogram h;
static float drawn[MANY];

/* Sums of twelve uniform numbers: nearly normal, of deviation 1. */
static void
draw (void)
{
  uint64_t state = 1;
  for (size_t i = 0; i < MANY; i++) {
    double sum = -6;
    for (int k = 0; k < 12; k++) {
      state = state * UINT64_C (6364136223846793005) + UINT64_C (1442695040888963407);
      sum += (double)(state >> 40) / (1 << 24);
    }
    drawn[i] = (float)sum;
  }
}

static int
begin (void **state)
{
  (void)state;
  memset (&h, 0, sizeof h);
  draw ();
  return 0;
}

static uint64_t
all_bins (void)
{
  uint64_t sum = 0;
  for (size_t i = 0; i < HISTOGRAM_BINS; i++)
    sum += h.above[i] + h.below[i];
  return sum;
}

static void
numbers_are_counted_as_bins_widen (void **state)
{
  (void)state;
  const float first[] = { 0.5f, -0.25f, 0, NAN, INFINITY }, second[] = { 100, -3 };
  histogram_add (&h, first, 5, 0.5);
  assert_int_equal (h.count, 3);
  assert_int_equal (h.not_finite, 2);
  assert_int_equal (h.zeros, 1);
  assert_true (h.range == 1);
  histogram_add (&h, second, 2, 0.5);
  assert_true (h.range == 128 && h.least == -3 && h.most == 100);
  assert_int_equal (all_bins (), 4);
  assert_int_equal (h.above[100 * HISTOGRAM_BINS / 128], 1);
  /* The ends of the first batch count half, and those of the second. */
  assert_true (h.low == -1.625 && h.high == 50.25);
}

static void
a_batch_without_numbers_changes_no_end (void **state)
{
  (void)state;
  const float some[] = { 1, -2 }, none[] = { NAN };
  histogram_add (&h, some, 2, 0.1);
  histogram_add (&h, none, 1, 0.1);
  assert_true (h.least == -2 && h.most == 1 && h.low == -2 && h.high == 1);
}

static void
zero_is_in_each_range (void **state)
{
  (void)state;
  const float numbers[] = { 3, 5 };
  histogram_add (&h, numbers, 2, 1);
  histogram_range ranges[] = { histogram_min_max (&h), histogram_moving (&h), histogram_percentile (&h, 99),
                               histogram_entropy (&h, 256), histogram_mse (&h, 256, false) };
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
    assert_true (ranges[i].low == 0 && ranges[i].high > 0 && ranges[i].high <= 5);
}

static void
nothing_but_zeros_has_no_range (void **state)
{
  (void)state;
  const float numbers[] = { 0, 0 };
  histogram_add (&h, numbers, 2, 1);
  histogram_range ranges[] = { histogram_min_max (&h), histogram_percentile (&h, 99), histogram_entropy (&h, 256),
                               histogram_mse (&h, 256, true) };
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
    assert_true (ranges[i].low == 0 && ranges[i].high == 0);
}

static void
a_percentile_leaves_so_many_beyond (void **state)
{
  (void)state;
  histogram_add (&h, drawn, MANY, 1);
  histogram_range range = histogram_percentile (&h, 99);
  size_t beyond = 0, below = 0;
  for (size_t i = 0; i < MANY; i++) {
    beyond += (double)drawn[i] > range.high;
    below += (double)drawn[i] < range.low;
  }
  assert_true (beyond <= MANY / 100 && beyond > MANY / 125);
  assert_true (below <= MANY / 100 && below > MANY / 125);
  range = histogram_percentile (&h, 100);
  assert_true (range.low == h.least && range.high == h.most);
}

/* What the codes of a range lose of the numbers themselves, and not of bins. */
static double
lost (histogram_range range, unsigned codes)
{
  double step = (range.high - range.low) / (codes - 1), sum = 0;
  for (size_t i = 0; i < MANY; i++) {
    double x = (double)drawn[i], y = nearbyint ((x - range.low) / step) * step + range.low;
    y = fmin (fmax (y, range.low), range.high);
    sum += (x - y) * (x - y);
  }
  return sum;
}

/* Of normal numbers, 16 codes lose the least at 2.7 deviations or so, far from the outermost number. */
static void
least_squares_cut_off_what_lies_far_out (void **state)
{
  (void)state;
  histogram_add (&h, drawn, MANY, 1);
  histogram_range range = histogram_mse (&h, 16, false);
  assert_true (range.high > 2.2 && range.high < 3.1 && range.low < -2.2 && range.low > -3.1);
  assert_true (lost (range, 16) < 0.85 * lost (histogram_min_max (&h), 16));
}

static void
entropy_keeps_the_bulk_and_drops_an_outlier (void **state)
{
  (void)state;
  const float far = 60;
  histogram_add (&h, drawn, MANY, 1);
  histogram_add (&h, &far, 1, 1);
  histogram_range range = histogram_entropy (&h, 256);
  assert_true (range.high > 2 && range.high < 20);
  assert_true (histogram_min_max (&h).high == 60);
}

/* Where nothing lies near 0, a range that ends in front of all numbers tells of none. */
static void
entropy_reaches_numbers_that_are_far_from_zero (void **state)
{
  (void)state;
  for (size_t i = 0; i < MANY; i++)
    drawn[i] = 0.5f + (float)(i % 500) / 1000;
  histogram_add (&h, drawn, MANY, 1);
  assert_true (histogram_entropy (&h, 256).high > 0.95);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup (numbers_are_counted_as_bins_widen, begin),
    cmocka_unit_test_setup (a_batch_without_numbers_changes_no_end, begin),
    cmocka_unit_test_setup (zero_is_in_each_range, begin),
    cmocka_unit_test_setup (nothing_but_zeros_has_no_range, begin),
    cmocka_unit_test_setup (a_percentile_leaves_so_many_beyond, begin),
    cmocka_unit_test_setup (least_squares_cut_off_what_lies_far_out, begin),
    cmocka_unit_test_setup (entropy_keeps_the_bulk_and_drops_an_outlier, begin),
    cmocka_unit_test_setup (entropy_reaches_numbers_that_are_far_from_zero, begin),
  };
  return cmocka_run_group_tests_name ("quantize-static", tests, NULL, NULL);
}
