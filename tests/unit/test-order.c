/* SPDX-License-Identifier: Apache-2.0 */
/* The order of a dataset: a permutation for any count, parts that never overlap, and the very
 * numbers that files depend on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "artifact/order.h"

static adze_order
make (uint64_t examples, double first, double last, bool shuffle, uint64_t seed)
{
  adze_order order;
  const adze_dataset_options options
      = { .shuffle = shuffle, .first = first, .last = last, .seed = seed };
  assert_null (adze_order_make (examples, &options, &order));
  return order;
}

static void
a_permutation_has_each_number_once (void **state)
{
  (void)state;
  static const uint64_t counts[] = { 1, 2, 3, 7, 150, 255, 256, 257, 1000, 4096, 60000 };
  for (size_t i = 0; i < ADZE_COUNT_OF (counts); i++) {
    ADZE_AUTO_FREE bool *seen = calloc (counts[i], 1);
    assert_non_null (seen);
    for (uint64_t k = 0; k < counts[i]; k++) {
      uint64_t value = adze_permute (42, counts[i], k);
      assert_true (value < counts[i] && !seen[value]);
      seen[value] = true;
    }
  }
  /* Counts that no table could have. */
  for (uint64_t k = 0; k < 100; k++)
    assert_true (adze_permute (42, UINT64_MAX, k) < UINT64_MAX);
  assert_true (adze_permute (1, (uint64_t)1 << 63, 12345) < (uint64_t)1 << 63);
}

/* Computed by a program of its own, in another language, from the description in order.h. */
static void
permutations_are_those_that_they_should_be (void **state)
{
  (void)state;
  static const uint64_t small[] = { 19, 30, 62, 9, 145, 94, 20, 103 };
  static const uint64_t large[] = { 15923677442,  502733697074, 538918649196, 302837556696,
                                    406449976055, 504391751093, 698584824622, 507895105938 };
  for (uint64_t i = 0; i < 8; i++) {
    assert_int_equal (adze_permute (42, 150, i), small[i]);
    assert_int_equal (adze_permute (UINT64_C (0x0123456789abcdef), (uint64_t)1 << 40, i), large[i]);
  }
}

/* Many of them are drawn side by side, and those that have to be drawn again with others. */
static void
many_are_the_same_as_one_by_one (void **state)
{
  (void)state;
  enum { COUNT = 300 };
  const adze_order order = make (COUNT, .1, .9, true, 3);
  uint64_t many[COUNT], one;
  adze_order_fill (&order, 2, 0, order.count, many);
  assert_int_equal (order.count, 240);
  for (uint64_t i = 0; i < order.count; i++) {
    adze_order_fill (&order, 2, i, 1, &one);
    assert_int_equal (many[i], one);
  }
}

/* All 24 orders of four come out about as often as the others: of 24,000 keys 1000 each, of which
 * three in a thousand trials would be more than 6 standard deviations (31 each) away. */
static void
small_permutations_are_even (void **state)
{
  (void)state;
  unsigned counts[256] = { 0 };
  for (uint64_t key = 0; key < 24000; key++) {
    unsigned code = 0;
    for (uint64_t k = 0; k < 4; k++)
      code = code << 2 | (unsigned)adze_permute (key, 4, k);
    counts[code]++;
  }
  unsigned different = 0;
  for (size_t i = 0; i < 256; i++)
    if (counts[i] > 0) {
      different++;
      assert_in_range (counts[i], 1000 - 190, 1000 + 190);
    }
  assert_int_equal (different, 24);
}

static void
parts_are_all_and_never_overlap (void **state)
{
  (void)state;
  static const double bounds[] = { 0, 0.1, 1.0 / 3, 0.7, 0.9, 1 };
  for (uint64_t count = 20; count < 200; count += 13) {
    unsigned char seen[256] = { 0 };
    uint64_t all = 0;
    for (size_t i = 0; i + 1 < ADZE_COUNT_OF (bounds); i++) {
      uint64_t examples[256];
      adze_order order = make (count, bounds[i], bounds[i + 1], i % 2, 7);
      adze_order_fill (&order, i, 0, order.count, examples);
      for (size_t k = 0; k < order.count; k++)
        assert_int_equal (seen[examples[k]]++, 0);
      all += order.count;
    }
    assert_int_equal (all, count);
  }
}

/* 0.7 of 10 is 7, though the nearest double is a little less. */
static void
shares_are_rounded (void **state)
{
  (void)state;
  assert_int_equal (make (10, 0, 0.7, false, 1).count, 7);
  assert_int_equal (make (10, 0.7, 1, false, 1).count, 3);
  assert_int_equal (make (5, 0, 0.5, false, 1).count, 3);
  assert_int_equal (make (5, 0.5, 1, false, 1).count, 2);
  assert_int_equal (make (UINT64_MAX, 0, 0.5, false, 1).count, (uint64_t)1 << 63);
  assert_int_equal (make (3, 1e-300, 1, false, 1).count, 3);
}

static void
an_order_without_options_is_the_files (void **state)
{
  (void)state;
  uint64_t examples[4];
  adze_order order = make (10, 0, 1, false, 99);
  adze_order_fill (&order, 5, 6, 4, examples);
  assert_memory_equal (examples, ((uint64_t[]){ 6, 7, 8, 9 }), sizeof examples);
}

/* From now on, these are the orders: runs of today and of tomorrow have the same. */
static void
orders_are_those_that_they_were (void **state)
{
  (void)state;
  static const uint64_t known[4][8] = {
    { 116, 64, 7, 48, 103, 89, 99, 104 },
    { 19, 138, 122, 59, 106, 78, 145, 133 },
    { 22604, 42898, 30176, 41557, 32493, 30561, 40122, 59198 },
    { 153183648653, 435334164606, 882485439512, 581014144720, 472654685724, 341573855454, 852105007588, 490771837655 },
  };
  uint64_t examples[8];
  adze_order order = make (150, 0, 1, true, 1);
  adze_order_fill (&order, 0, 0, 8, examples);
  assert_memory_equal (examples, known[0], sizeof examples);
  adze_order_fill (&order, 1, 0, 8, examples);
  assert_memory_equal (examples, known[1], sizeof examples);
  order = make (60000, 0.9, 1, false, 7);
  adze_order_fill (&order, 0, 0, 8, examples);
  assert_memory_equal (examples, known[2], sizeof examples);
  order = make ((uint64_t)1 << 40, 0, 0.5, true, 7);
  adze_order_fill (&order, 3, 1000, 8, examples);
  assert_memory_equal (examples, known[3], sizeof examples);
}

/* Wherever one begins to ask, the values are the same. */
static void
an_order_can_be_asked_from_anywhere (void **state)
{
  (void)state;
  uint64_t whole[150], piece[50];
  adze_order order = make (200, 0.25, 1, true, 3);
  adze_order_fill (&order, 2, 0, 150, whole);
  adze_order_fill (&order, 2, 70, 50, piece);
  assert_memory_equal (piece, whole + 70, sizeof piece);
}

static void
options_without_sense_are_refused (void **state)
{
  (void)state;
  static const struct {
    double first, last;
    uint64_t examples;
    const char *words;
  } cases[]
      = { { 0.5, 0.5, 10, "no part" }, { 0.9, 0.1, 10, "no part" }, { -0.1, 1, 10, "no part" },
          { 0, 1.5, 10, "no part" },   { NAN, 1, 10, "no part" },   { 0, NAN, 10, "no part" },
          { 0, 0.01, 10, "has none" }, { 0.99, 1, 1, "has none" } };
  for (size_t i = 0; i < ADZE_COUNT_OF (cases); i++) {
    adze_order order;
    const adze_dataset_options options = { .first = cases[i].first, .last = cases[i].last };
    ADZE_AUTO_ERROR error = adze_order_make (cases[i].examples, &options, &order);
    assert_non_null (error);
    assert_int_equal (adze_error_status (error), ADZE_E_PARAM);
    assert_non_null (strstr (adze_error_message (error), cases[i].words));
  }
  adze_order order;
  const adze_dataset_options limited = { .last = 1, .limit = 3 };
  assert_null (adze_order_make (10, &limited, &order));
  assert_int_equal (order.count, 3);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (a_permutation_has_each_number_once),
    cmocka_unit_test (permutations_are_those_that_they_should_be),
    cmocka_unit_test (many_are_the_same_as_one_by_one),
    cmocka_unit_test (small_permutations_are_even),
    cmocka_unit_test (parts_are_all_and_never_overlap),
    cmocka_unit_test (shares_are_rounded),
    cmocka_unit_test (an_order_without_options_is_the_files),
    cmocka_unit_test (orders_are_those_that_they_were),
    cmocka_unit_test (an_order_can_be_asked_from_anywhere),
    cmocka_unit_test (options_without_sense_are_refused),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
