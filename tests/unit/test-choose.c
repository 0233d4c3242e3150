/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of recommend: what trying every mix finds, and no more than the limit for any number of items. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../plugins/techniques/recommend/choose.c"

enum { MOST_ITEMS = 400, OPTIONS = 6 };

static choose_item items[MOST_ITEMS];
static choose_option options[MOST_ITEMS][OPTIONS], given[MOST_ITEMS][OPTIONS];

static uint64_t state_of_random = 1;

static uint32_t
below (uint32_t limit)
{
  state_of_random = state_of_random * UINT64_C (6364136223846793005) + UINT64_C (1442695040888963407);
  return (uint32_t)((state_of_random >> 33) % limit);
}

/* Heavier options mostly cost less, and some cost more all the same; many are equal to others. */
static void
draw (size_t count, uint32_t granularity)
{
  for (size_t i = 0; i < count; i++) {
    uint32_t size = 1 + below (1000);
    items[i] = (choose_item){ .options = options[i], .count = 1 + below (OPTIONS) };
    for (uint32_t k = 0; k < items[i].count; k++) {
      double weight = size * (1 + below (granularity));
      options[i][k] = given[i][k] = (choose_option){ weight, size * below (granularity * 10) / weight, k };
    }
  }
}

/* Of all mixes within LIMIT, from item AT on; INFINITY: there is none. */
static double
best_of_all (size_t at, size_t count, const uint32_t *counts, double limit)
{
  double best = 1e300;
  if (limit < 0)
    return best;
  if (at == count)
    return 0;
  for (uint32_t k = 0; k < counts[at]; k++) {
    double cost = given[at][k].cost + best_of_all (at + 1, count, counts, limit - given[at][k].weight);
    best = cost < best ? cost : best;
  }
  return best;
}

static double
lightest (size_t count, const uint32_t *counts)
{
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    double least = given[i][0].weight;
    for (uint32_t k = 1; k < counts[i]; k++)
      least = given[i][k].weight < least ? given[i][k].weight : least;
    sum += least;
  }
  return sum;
}

static void
few_items_are_chosen_as_by_trying_all (void **state)
{
  (void)state;
  for (int turn = 0; turn < 4000; turn++) {
    size_t count = 1 + below (turn % 100 == 0 ? CHOOSE_SURE : 5);
    uint32_t counts[CHOOSE_SURE];
    draw (count, turn % 2 ? 4 : 1000);
    for (size_t i = 0; i < count; i++)
      counts[i] = items[i].count;
    double limit = lightest (count, counts) * (0.95 + below (1000) / 400.0);
    double best = best_of_all (0, count, counts, limit);
    choose_result result = choose (items, count, limit);
    assert_int_equal (result, best >= 1e300 ? CHOOSE_BEYOND : CHOOSE_DONE);
    if (result != CHOOSE_DONE)
      continue;
    assert_true (choose_weight (items, count) <= limit);
    if (choose_cost (items, count) > best + best * 1e-12)
      fail_msg ("turn %d: %zu items cost %.17g, and %.17g is possible", turn, count, choose_cost (items, count), best);
  }
}

/* What it says of an option is what was given under that tag. */
static void
what_is_chosen_was_given (void **state)
{
  (void)state;
  draw (MOST_ITEMS, 1000);
  assert_int_equal (choose (items, MOST_ITEMS, 1e6 * MOST_ITEMS), CHOOSE_DONE);
  for (size_t i = 0; i < MOST_ITEMS; i++) {
    const choose_option *chosen = &items[i].options[items[i].chosen];
    assert_true (chosen->weight == given[i][chosen->tag].weight && chosen->cost == given[i][chosen->tag].cost);
  }
}

/* A limit that is between the lightest and the best mix is used but for less than a thousandth of many items. */
static void
many_items_use_what_there_is (void **state)
{
  (void)state;
  for (int turn = 0; turn < 5; turn++) {
    double light = 0, heavy = 0;
    draw (MOST_ITEMS, 1000);
    for (size_t i = 0; i < MOST_ITEMS; i++)
      items[i].count = OPTIONS;
    for (size_t i = 0; i < MOST_ITEMS; i++)
      for (uint32_t k = 0; k < OPTIONS; k++) {
        double weight = 100.0 * (k + 1) * (1 + i % 7);
        options[i][k] = given[i][k] = (choose_option){ weight, 1e6 * (1 + below (9)) / weight / weight, k };
        light += k == 0 ? weight : 0;
        heavy += k == OPTIONS - 1 ? weight : 0;
      }
    double limit = light + (heavy - light) * (turn + 1) / 10;
    assert_int_equal (choose (items, MOST_ITEMS, limit), CHOOSE_DONE);
    assert_true (choose_weight (items, MOST_ITEMS) <= limit);
    assert_true (choose_weight (items, MOST_ITEMS) >= limit * 0.999);
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (few_items_are_chosen_as_by_trying_all),
    cmocka_unit_test (what_is_chosen_was_given),
    cmocka_unit_test (many_items_use_what_there_is),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
