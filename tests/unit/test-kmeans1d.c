/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels of cluster: the exact clusters against dynamic programming over all pairs, the starts and
 * Lloyd's steps against what they should be by definition. */
#include "fake-host.h"

#include <math.h>
#include <stdlib.h>

#include "../../plugins/techniques/cluster/kmeans1d.c"
#include "../../plugins/techniques/cluster/points.c"
#include "../../plugins/techniques/cluster/starts.c"

enum { MOST = 4000 };

static uint64_t state;
static void *room;
static kmeans1d k;
static uint32_t ends[MOST + 1];
static double centres[MOST];

static double
unit (void)
{
  state += UINT64_C (0x9e3779b97f4a7c15);
  uint64_t bits = state;
  bits = (bits ^ bits >> 30) * UINT64_C (0xbf58476d1ce4e5b9);
  bits = (bits ^ bits >> 27) * UINT64_C (0x94d049bb133111eb);
  return (double)((bits ^ bits >> 31) >> 11) * 0x1p-53;
}

static double
normal (void)
{
  double sum = -6;
  for (int i = 0; i < 12; i++)
    sum += unit ();
  return sum;
}

static int
set_up (void **unused)
{
  (void)unused;
  state = 11;
  room = NULL;
  return 0;
}

static int
tear_down (void **unused)
{
  (void)unused;
  free (room);
  return 0;
}

static void
give (const double *numbers, size_t count, bool wide)
{
  free (room);
  size_t size = kmeans1d_room (count, count, wide);
  room = malloc (size);
  assert_non_null (room);
  memset (room, 0x5a, size);
  kmeans1d_lay (&k, room, count, count, wide);
  for (size_t i = 0; i < count; i++)
    if (wide)
      ((double *)k.numbers)[i] = numbers[i];
    else
      ((float *)k.numbers)[i] = (float)numbers[i];
  kmeans1d_sort (&k, count);
}

static double
cost_of (const uint32_t *of, uint32_t count)
{
  double sum = 0;
  for (uint32_t i = 0; i < count; i++)
    sum += cost (&k.sums[of[i]], &k.sums[of[i + 1]]);
  return sum;
}

/* All pairs of begin and end, one number of clusters after the other: of equal costs the begin that is
 * furthest left. */
static void
all_pairs (uint32_t wanted, uint32_t *found)
{
  enum { POINTS = 80 };
  static double best[POINTS][POINTS + 1];
  static uint32_t begins[POINTS][POINTS + 1];
  assert_in_range (k.count, wanted, POINTS - 1);
  for (uint32_t end = 0; end <= k.count; end++)
    best[0][end] = end == 0 ? 0 : INFINITY;
  for (uint32_t q = 1; q <= wanted; q++)
    for (uint32_t end = 0; end <= k.count; end++) {
      best[q][end] = INFINITY;
      for (uint32_t begin = q - 1; begin < end; begin++) {
        double sum = best[q - 1][begin] + cost (&k.sums[begin], &k.sums[end]);
        if (sum < best[q][end]) {
          best[q][end] = sum;
          begins[q][end] = begin;
        }
      }
    }
  found[wanted] = k.count;
  for (uint32_t q = wanted; q > 0; q--)
    found[q - 1] = begins[q][found[q]];
}

typedef double drawn (void);

static double
of_few (void)
{
  return floor (unit () * 25);
}

static double
of_steps (void)
{
  return floor (normal ()) * 7 + floor (unit () * 2);
}

static double
of_tails (void)
{
  double size = pow (unit () + 1e-4, -1.5);
  return unit () < 0.5 ? size : -size;
}

static double
of_giants (void)
{
  return normal () * 1e300;
}

static double
of_dwarfs (void)
{
  return normal () * 1e-300;
}

static void
check_one (drawn *number, bool unique, bool wide)
{
  double numbers[70];
  uint32_t wanted_ends[80];
  size_t count = 1 + (size_t)(unit () * 69);
  for (size_t i = 0; i < count; i++)
    numbers[i] = number ();
  give (numbers, count, wide);
  uint32_t asked = 1 + (uint32_t)(unit () * 20);
  uint32_t wanted = asked < k.count ? asked : k.count;
  assert_int_equal (kmeans1d_exact (&k, asked, ends, centres), wanted);
  all_pairs (wanted, wanted_ends);
  double got = cost_of (ends, wanted), least = cost_of (wanted_ends, wanted);
  if (!(got <= least + 1e-13 * least))
    fail_msg ("%zu numbers, k %u: %.17g, and %.17g is the least", count, asked, got, least);
  if (unique)
    assert_memory_equal (ends, wanted_ends, (wanted + 1) * sizeof *ends);
}

static void
exact_is_what_all_pairs_give (void **unused)
{
  (void)unused;
  for (int i = 0; i < 4000; i++) {
    check_one (normal, true, false);
    check_one (of_tails, true, false);
    /* Whole numbers: many codebooks cost the same. */
    check_one (of_few, false, false);
    check_one (of_steps, false, true);
  }
  for (int i = 0; i < 1000; i++) {
    check_one (of_giants, true, true);
    check_one (of_dwarfs, true, true);
  }
}

/* At one price a cluster more and one less are worth the same, all over: pairs of neighbours. */
static void
exact_finds_what_no_price_gives (void **unused)
{
  (void)unused;
  double numbers[1000];
  for (int i = 0; i < 1000; i++)
    numbers[i] = i;
  give (numbers, 1000, false);
  for (uint32_t wanted = 500; wanted <= 1000; wanted += 50) {
    assert_int_equal (kmeans1d_exact (&k, wanted, ends, centres), wanted);
    assert_true (cost_of (ends, wanted) == 0.5 * (1000 - wanted));
  }
}

/* The search begins with few points for many: its price must hold for all. */
static void
exact_of_many_is_no_worse_than_its_neighbours (void **unused)
{
  (void)unused;
  enum { MANY = 100000 };
  double *numbers = malloc (MANY * sizeof *numbers);
  assert_non_null (numbers);
  for (int tails = 0; tails < 2; tails++) {
    for (int i = 0; i < MANY; i++)
      numbers[i] = tails ? of_tails () : normal ();
    give (numbers, MANY, false);
    for (uint32_t wanted = 2; wanted < 40; wanted += 7) {
      assert_int_equal (kmeans1d_exact (&k, wanted, ends, centres), wanted);
      double least = cost_of (ends, wanted);
      for (uint32_t i = 1; i < wanted; i++)
        for (int way = -1; way <= 1; way += 2) {
          ends[i] += (uint32_t)way;
          double moved = cost_of (ends, wanted); /* NaN: there is nothing left of a cluster */
          if (!isnan (moved) && !(moved >= least * (1 - 1e-13)))
            fail_msg ("tails %d k %u end %u: %.17g is less than %.17g", tails, wanted, i, moved, least);
          ends[i] -= (uint32_t)way;
        }
      kmeans1d_lloyd (&k, kmeans1d_density (&k, wanted, centres), 10000, ends, centres);
      assert_true (cost_of (ends, wanted) >= least * (1 - 1e-13));
    }
  }
  free (numbers);
}

/* What stands for "nothing" in a mask is no reason to lose what all others differ in. */
static void
a_giant_spoils_nothing_but_itself (void **unused)
{
  (void)unused;
  double numbers[1500], alone[8];
  uint32_t alone_ends[9];
  for (int i = 0; i < 499; i++)
    numbers[i] = normal ();
  give (numbers, 499, false);
  assert_int_equal (kmeans1d_exact (&k, 8, alone_ends, alone), 8);
  for (int i = 0; i < 8; i++)
    alone[i] = (float)alone[i];
  for (size_t giants = 1; giants <= 1000; giants++) {
    numbers[498 + giants] = -3.1e38;
    give (numbers, 499 + giants, false);
    assert_int_equal (kmeans1d_exact (&k, 9, ends, centres), 9);
    assert_true ((float)centres[0] == (float)-3.1e38);
    for (int i = 0; i < 8; i++) {
      assert_int_equal (ends[i + 1], alone_ends[i] + 1);
      assert_true ((float)centres[i + 1] == (float)alone[i]);
    }
  }
}

static void
of_equal_costs_the_last_cluster_is_the_longest (void **unused)
{
  (void)unused;
  const double three[] = { 0, 1, 2 }, more[] = { 0, 1, 2, 40 };
  give (three, 3, false);
  assert_int_equal (kmeans1d_exact (&k, 2, ends, centres), 2);
  assert_true (centres[0] == 0 && centres[1] == 1.5);
  give (more, 4, false);
  assert_int_equal (kmeans1d_exact (&k, 3, ends, centres), 3);
  assert_true (centres[0] == 0 && centres[1] == 1.5 && centres[2] == 40);
}

static void
equal_numbers_are_one_point (void **unused)
{
  (void)unused;
  const double numbers[] = { 3, -0.0, 3, 1, 0.0, 3, 1e-40 };
  give (numbers, 7, false);
  assert_int_equal (k.count, 4);
  const double points[] = { 0, (double)(float)1e-40, 1, 3 };
  for (uint32_t i = 0; i < 4; i++)
    assert_true (kmeans1d_value (&k, i) == points[i]);
  assert_true (k.sums[1].weight == 2 && k.sums[2].weight == 3 && k.sums[4].weight == 7);
  /* As many values as points: each stays to the bit. */
  assert_int_equal (kmeans1d_exact (&k, 9, ends, centres), 4);
  for (uint32_t i = 0; i < 4; i++)
    assert_true (centres[i] == points[i]);
  /* And weights count: three threes draw the mean. */
  assert_int_equal (kmeans1d_exact (&k, 1, ends, centres), 1);
  assert_true (fabs (centres[0] - 10.0 / 7) < 1e-15);
}

/* ---- Starts. */

static void
are (uint32_t got, uint32_t count, const double *wanted)
{
  assert_int_equal (got, count);
  for (uint32_t i = 0; i < count; i++)
    if (!(fabs (centres[i] - wanted[i]) < 1e-12))
      fail_msg ("value %u is %.17g, wanted is %.17g", i, centres[i], wanted[i]);
}

static void
starts_are_what_they_are_called (void **unused)
{
  (void)unused;
  const double numbers[] = { -2, -1, -1, -1, -1, 0, 5, 6 }, same[] = { 4, 4, 4 };
  give (numbers, 8, false);
  are (kmeans1d_linear (&k, 5, centres), 5, (const double[]){ -2, 0, 2, 4, 6 });
  are (kmeans1d_linear (&k, 1, centres), 1, (const double[]){ 2 });
  /* Ranks 1, 3, 5 and 7 of eight. */
  are (kmeans1d_density (&k, 4, centres), 3, (const double[]){ -1, 0, 6 });
  /* Ranks 7, 0, 1 and 2. */
  are (kmeans1d_random (&k, 4, (const double[]){ 0.99, 0, 0.125, 0.374 }, centres), 3,
       (const double[]){ -2, -1, 6 });
  give (same, 3, false);
  are (kmeans1d_linear (&k, 5, centres), 1, (const double[]){ 4 });
  are (kmeans1d_plus_plus (&k, 5, (const double[]){ 0, 0, 0, 0, 0 }, centres), 1, (const double[]){ 4 });
}

/* Each point as likely as the square of its distance from the nearest centre, times its weight. */
static void
plus_plus_draws_by_squares (void **unused)
{
  (void)unused;
  const double numbers[] = { 0, 0, 1, 3, 3, 10 };
  give (numbers, 6, false);
  /* The first is 0. The others then have 1, 2 x 9 and 100 of 119. */
  are (kmeans1d_plus_plus (&k, 2, (const double[]){ 0.1, 0.5 / 119 }, centres), 2, (const double[]){ 0, 1 });
  are (kmeans1d_plus_plus (&k, 2, (const double[]){ 0.1, 18.5 / 119 }, centres), 2,
       (const double[]){ 0, 3 });
  are (kmeans1d_plus_plus (&k, 2, (const double[]){ 0.1, 19.5 / 119 }, centres), 2,
       (const double[]){ 0, 10 });
  /* With 0 and 10 there are 1 and 2 x 9 of 19 left, and with 3 as well 1 of 1. */
  are (kmeans1d_plus_plus (&k, 4, (const double[]){ 0.1, 0.9, 0.5, 0.9 }, centres), 4,
       (const double[]){ 0, 1, 3, 10 });
  are (kmeans1d_plus_plus (&k, 6, (const double[]){ 0.99, 0, 0.9, 0.9, 0, 0 }, centres), 4,
       (const double[]){ 0, 1, 3, 10 });
}

/* By definition, over the numbers and not over sums. */
static void
lloyd_steps_as_by_hand (void **unused)
{
  (void)unused;
  enum { COUNT = 300, K = 7 };
  double numbers[COUNT], by_hand[K];
  for (int i = 0; i < COUNT; i++)
    numbers[i] = (float)normal ();
  give (numbers, COUNT, false);
  for (uint32_t steps = 0; steps < 12; steps++) {
    assert_int_equal (kmeans1d_linear (&k, K, by_hand), K);
    for (uint32_t s = 0; s < steps; s++) {
      double sums[K] = { 0 };
      int counts[K] = { 0 };
      for (int i = 0; i < COUNT; i++) {
        int nearest = 0;
        for (int c = 1; c < K; c++)
          if (fabs (numbers[i] - by_hand[c]) < fabs (numbers[i] - by_hand[nearest]))
            nearest = c;
        sums[nearest] += numbers[i];
        counts[nearest]++;
      }
      for (int c = 0; c < K; c++)
        if (counts[c] > 0)
          by_hand[c] = sums[c] / counts[c];
    }
    assert_int_equal (kmeans1d_linear (&k, K, centres), K);
    assert_in_range (kmeans1d_lloyd (&k, K, steps, ends, centres), 0, steps);
    are (K, K, by_hand);
  }
}

static void
lloyd_ends_and_leaves_a_centre_without_numbers (void **unused)
{
  (void)unused;
  const double numbers[] = { 0, 1, 100, 101 };
  give (numbers, 4, false);
  const double start[] = { 0, 50, 51, 101 };
  memcpy (centres, start, sizeof start);
  assert_in_range (kmeans1d_lloyd (&k, 4, 100, ends, centres), 1, 3);
  are (4, 4, (const double[]){ 0.5, 50, 51, 100.5 });
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (exact_is_what_all_pairs_give, set_up, tear_down),
    cmocka_unit_test_setup_teardown (exact_finds_what_no_price_gives, set_up, tear_down),
    cmocka_unit_test_setup_teardown (exact_of_many_is_no_worse_than_its_neighbours, set_up, tear_down),
    cmocka_unit_test_setup_teardown (a_giant_spoils_nothing_but_itself, set_up, tear_down),
    cmocka_unit_test_setup_teardown (of_equal_costs_the_last_cluster_is_the_longest, set_up, tear_down),
    cmocka_unit_test_setup_teardown (equal_numbers_are_one_point, set_up, tear_down),
    cmocka_unit_test_setup_teardown (starts_are_what_they_are_called, set_up, tear_down),
    cmocka_unit_test_setup_teardown (plus_plus_draws_by_squares, set_up, tear_down),
    cmocka_unit_test_setup_teardown (lloyd_steps_as_by_hand, set_up, tear_down),
    cmocka_unit_test_setup_teardown (lloyd_ends_and_leaves_a_centre_without_numbers, set_up, tear_down),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
