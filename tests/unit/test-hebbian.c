/* SPDX-License-Identifier: Apache-2.0 */
/* What local learning is said to come to, by rules alone: numbers that can be worked out by hand. Pipelines are in
 * the test of that name elsewhere. */
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugins/techniques/hebbian/rules.c"

#include <adze/random.h>

/* ---- Numbers. */

static uint64_t drawn;

static double
uniform (void)
{
  uint64_t bits;
  adze_random_values (adze_random_key (3, "test", "numbers"), drawn++, &bits, 1);
  return adze_random_unit (bits);
}

/* Nearly normal, of variance 1. */
static double
normal (void)
{
  double sum = -6;
  for (int i = 0; i < 12; i++)
    sum += uniform ();
  return sum;
}

static void
is_near (const char *what, double found, double wanted, double by)
{
  if (!(fabs (found - wanted) <= by))
    fail_msg ("%s is %.17g, wanted is %.17g", what, found, wanted);
}

/* ---- Sums. */

/* Sizes on all sides of what loops take at once. */
static void
sums_are_right (void **state)
{
  enum { MOST = 70, ROWS = 9 };
  static double w[MOST], x[ROWS * MOST], gain[ROWS], u[ROWS], delta[MOST];
  (void)state;
  for (size_t n = 1; n <= MOST; n += n < 20 ? 1 : 7)
    for (size_t rows = 1; rows <= ROWS; rows++) {
      for (size_t i = 0; i < n; i++)
        w[i] = normal ();
      for (size_t i = 0; i < n * rows; i++)
        x[i] = normal ();
      for (size_t r = 0; r < rows; r++)
        gain[r] = normal ();
      rules_respond (w, 0.5, x, rows, n, u);
      rules_gather (gain, x, rows, n, delta);
      for (size_t r = 0; r < rows; r++) {
        double sum = 0.5;
        for (size_t i = 0; i < n; i++)
          sum += w[i] * x[r * n + i];
        is_near ("a response", u[r], sum, 1e-12);
      }
      for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t r = 0; r < rows; r++)
          sum += gain[r] * x[r * n + i];
        is_near ("a change", delta[i], sum / (double)rows, 1e-12);
      }
    }
}

/* ---- Rules. */

/* One step of the rule that FIND is, of a single unit. */
static void
step (double (*find) (const double *, size_t, double *), const double *x, size_t rows, size_t n, double rate, double *w)
{
  double u[64], gain[64], delta[64];
  assert_true (rows <= 64 && n <= 64);
  rules_respond (w, 0, x, rows, n, u);
  double decay = find (u, rows, gain);
  rules_gather (gain, x, rows, n, delta);
  rules_take (decay, w, n, delta);
  rules_apply (delta, rate, NULL, 0, NULL, n, w);
}

/* Examples whose mean square is LAMBDA along the first direction, and 1 along the second. */
static void
cross (double lambda, double x[8])
{
  const double a = sqrt (2 * lambda), b = sqrt (2);
  const double all[] = { a, 0, -a, 0, 0, b, 0, -b };
  memcpy (x, all, sizeof all);
}

static void
plain_hebb_grows_as_it_must (void **state)
{
  const double rate = 0.03, lambda = 2.5;
  double x[8], w[] = { 0.25, 0 };
  (void)state;
  cross (lambda, x);
  for (int t = 1; t <= 100; t++) {
    step (rules_hebb, x, 4, 2, rate, w);
    double wanted = 0.25 * pow (1 + rate * lambda, t);
    is_near ("a weight that grows", w[0] / wanted, 1, 1e-12);
    assert_true (w[1] == 0);
  }
}

static void
oja_finds_the_first_direction (void **state)
{
  double x[8], w[] = { 0.1, 0.9 };
  (void)state;
  cross (2.5, x);
  for (int t = 0; t < 2000; t++)
    step (rules_oja, x, 4, 2, 0.02, w);
  is_near ("the first direction", fabs (w[0]), 1, 1e-9);
  is_near ("what is not of it", w[1], 0, 1e-9);
}

/* Unit by unit, all changes being found before one is made. */
static void
sanger_finds_all_in_order (void **state)
{
  enum { N = 3, ROWS = 6 };
  const double x[ROWS * N] = { 3, 0, 0, -3, 0, 0, 0, 2, 0, 0, -2, 0, 0, 0, 1, 0, 0, -1 };
  double w[N * N] = { 0.3, 0.5, 0.2, -0.4, 0.2, 0.5, 0.3, -0.2, 0.6 };
  (void)state;
  for (int t = 0; t < 20000; t++) {
    double u[N * ROWS], gain[ROWS], against[N], delta[N * N];
    for (size_t k = 0; k < N; k++)
      rules_respond (w + k * N, 0, x, ROWS, N, u + k * ROWS);
    for (size_t k = 0; k < N; k++) {
      rules_sanger (u, k, ROWS, gain, against);
      rules_gather (gain, x, ROWS, N, delta + k * N);
      for (size_t j = 0; j <= k; j++)
        rules_take (against[j], w + j * N, N, delta + k * N);
    }
    rules_apply (delta, 0.02, NULL, 0, NULL, N * N, w);
  }
  for (size_t k = 0; k < N; k++)
    for (size_t i = 0; i < N; i++)
      is_near ("a direction", fabs (w[k * N + i]), k == i, 1e-6);
}

/* Two inputs at right angles, as likely each: a unit answers to one of them alone, with 2. */
static void
bcm_becomes_selective (void **state)
{
  const double inputs[] = { 0.6, 0.8, -0.8, 0.6 };
  (void)state;
  for (int start = 0; start < 8; start++) {
    double w[] = { uniform () * 0.4, uniform () * 0.4 }, threshold = -1, u[2];
    for (int t = 0; t < 20000; t++) {
      const double *x = inputs + 2 * (uniform () < 0.5);
      double gain, delta[2], response, rate = 0.02 * (1 - t / 20000.0);
      rules_respond (w, 0, x, 1, 2, &response);
      /* What is likely, and not what was drawn, slides: the mean of both squares. */
      rules_respond (w, 0, inputs, 2, 2, u);
      threshold = rules_slide (threshold, rules_mean_square (u, 2), 0.1);
      rules_bcm (&response, 1, threshold, &gain);
      rules_gather (&gain, x, 1, 2, delta);
      rules_apply (delta, rate, NULL, 0, NULL, 2, w);
    }
    rules_respond (w, 0, inputs, 2, 2, u);
    double most = u[0] > u[1] ? u[0] : u[1], least = u[0] > u[1] ? u[1] : u[0];
    is_near ("the response to the one", most, 2, 1e-3);
    is_near ("the response to the other", least, 0, 1e-3);
  }
}

/* Two heaps of examples, two units: each becomes the mean direction of one. */
static void
units_that_compete_share_out_the_examples (void **state)
{
  enum { ROWS = 64, N = 4, UNITS = 2 };
  static double x[ROWS * N];
  double w[UNITS * N] = { 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.1 };
  (void)state;
  for (size_t r = 0; r < ROWS; r++) {
    for (size_t i = 0; i < N; i++)
      x[r * N + i] = normal () * 0.05 + (i == (r % 2 ? 0 : 2));
    rules_place (NULL, true, N, x + r * N);
  }
  for (int t = 0; t < 3000; t++) {
    double u[UNITS * ROWS], chances[UNITS * ROWS], gain[ROWS], delta[UNITS * N];
    uint32_t winners[ROWS];
    for (size_t k = 0; k < UNITS; k++)
      rules_respond (w + k * N, 0, x, ROWS, N, u + k * ROWS);
    for (size_t r = 0; r < ROWS; r++) {
      winners[r] = rules_winner (u + r, ROWS, UNITS);
      rules_chances (u + r, ROWS, UNITS, 0.1, chances + r);
    }
    for (size_t k = 0; k < UNITS; k++) {
      double decay = rules_soft_wta (u + k * ROWS, chances + k * ROWS, winners, (uint32_t)k, false, ROWS, gain);
      rules_gather (gain, x, ROWS, N, delta + k * N);
      rules_take (decay, w + k * N, N, delta + k * N);
    }
    rules_apply (delta, 0.05, NULL, 0, NULL, UNITS * N, w);
  }
  assert_true (w[0] > 0.99 && w[N + 2] > 0.99);
  is_near ("the length of weights", rules_length (w, N), 1, 0.01);
}

/* ---- Rewards. */

/* Two arms that pay with these chances; a unit whose response is W chooses. */
static void
rewards_pull_along_the_gradient (void **state)
{
  enum { TRIALS = 1000000 };
  const double pays[] = { 0.8, 0.3 }, rate = 0.01, w = 0.4, x = 1, temperature = 1;
  (void)state;
  for (int k = 0; k < 2; k++) {
    const double baseline = k ? 0.55 : 0;
    double sum = 0, trace = 0, chance;
    rules_chances (&w, 1, 1, temperature, &chance);
    for (size_t t = 0; t < TRIALS; t++) {
      uint32_t arm = rules_draw (&chance, 1, 1, uniform ());
      double reward = uniform () < pays[arm] ? 1 : 0, delta = 0, changed = w;
      rules_reward (0, rules_eligible (chance, arm == 0, temperature), reward - baseline, &x, 1, &trace, &delta);
      rules_apply (&delta, rate, NULL, 0, NULL, 1, &changed);
      sum += changed - w;
    }
    double likely = 1 / (1 + exp (-w)), gradient = likely * (1 - likely) * (pays[0] - pays[1]);
    is_near ("the mean change, as a share of the gradient", sum / TRIALS / (rate * gradient), 1, 0.02);
  }
}

/* The same of units that compete, which is another way to say it. */
static void
units_that_compete_are_rewarded_alike (void **state)
{
  enum { TRIALS = 400000, ARMS = 3 };
  const double pays[ARMS] = { 0.9, 0.2, 0.5 }, u[ARMS] = { 0.3, -0.2, 0.1 };
  double chances[ARMS], sums[ARMS] = { 0 }, mean = 0;
  (void)state;
  rules_chances (u, 1, ARMS, 1, chances);
  for (size_t t = 0; t < TRIALS; t++) {
    uint32_t arm = rules_draw (chances, 1, ARMS, uniform ());
    double reward = uniform () < pays[arm] ? 1 : 0;
    for (size_t k = 0; k < ARMS; k++)
      sums[k] += (reward - 0.5) * rules_eligible (chances[k], arm == k, 1);
  }
  for (size_t k = 0; k < ARMS; k++)
    mean += chances[k] * pays[k];
  for (size_t k = 0; k < ARMS; k++)
    is_near ("the mean change of an arm", sums[k] / TRIALS, chances[k] * (pays[k] - mean), 0.003);
}

static void
nothing_changes_where_the_reward_is_what_was_expected (void **state)
{
  const double x[] = { 0.3, -1.7, 2.5 };
  double w[] = { 0.1, 0.2, 0.3 }, trace[3] = { 0 }, delta[3];
  (void)state;
  for (int t = 0; t < 1000; t++) {
    double u, chance, reward = 0.7, baseline = 0.7;
    rules_respond (w, 0, x, 1, 3, &u);
    rules_chances (&u, 1, 1, 1, &chance);
    memset (delta, 0, sizeof delta);
    rules_reward (0.9, rules_eligible (chance, uniform () < chance, 1), reward - baseline, x, 3, trace, delta);
    rules_apply (delta, 0.5, NULL, 0, NULL, 3, w);
  }
  assert_true (w[0] == 0.1 && w[1] == 0.2 && w[2] == 0.3);
  assert_true (trace[0] != 0);
}

/* A reward that comes some examples late still reaches what was eligible. */
static void
traces_fade (void **state)
{
  const double x = 2;
  double trace = 0, delta = 0;
  (void)state;
  rules_reward (0.5, 0.25, 0, &x, 1, &trace, &delta);
  assert_true (delta == 0 && trace == 0.5);
  rules_reward (0.5, 0, 0, &x, 1, &trace, &delta);
  rules_reward (0.5, 0, 3, &x, 1, &trace, &delta);
  assert_true (trace == 0.125 && delta == 0.375);
}

/* ---- Homeostasis. */

static void
scaling_brings_activity_back (void **state)
{
  enum { ROWS = 32, N = 5 };
  static double x[ROWS * N];
  const double target = 0.4, began[N] = { 0.3, -0.2, 0.7, 0.05, -1.1 };
  double w[N], u[ROWS], activity = -1;
  (void)state;
  memcpy (w, began, sizeof w);
  for (size_t i = 0; i < ROWS * N; i++)
    x[i] = normal ();
  for (int half = 0; half < 2; half++) {
    for (int t = 0; t < 600; t++) {
      rules_respond (w, 0, x, ROWS, N, u);
      activity = rules_slide (activity, rules_activity (u, ROWS), 0.1);
      rules_scale (rules_scaling (activity, target, 0.1), N, w);
    }
    rules_respond (w, 0, x, ROWS, N, u);
    is_near ("the activity, as a share of what it should be", rules_activity (u, ROWS) / target, 1, 0.01);
    for (size_t i = 1; i < N; i++)
      is_near ("the ratio of two weights", w[i] / w[0] / (began[i] / began[0]), 1, 1e-6);
    rules_scale (2, ROWS * N, x); /* and what comes doubles */
    rules_respond (w, 0, x, ROWS, N, u);
    is_near ("the activity before it is brought back", rules_activity (u, ROWS) / target, 2, 0.02);
  }
}

static void
a_bias_brings_the_share_back (void **state)
{
  enum { ROWS = 500 };
  static double x[ROWS], u[ROWS];
  const double w = 1;
  double bias = 0, activity = -1, spread = -1;
  (void)state;
  for (size_t i = 0; i < ROWS; i++)
    x[i] = normal ();
  for (int t = 0; t < 4000; t++) {
    rules_respond (&w, bias, x, ROWS, 1, u);
    activity = rules_slide (activity, rules_share (u, ROWS), 0.05);
    spread = rules_slide (spread, rules_mean_square (u, ROWS), 0.05);
    bias += rules_shift (activity, 0.1, 0.05) * sqrt (spread);
  }
  is_near ("the share of examples", rules_share (u, ROWS), 0.1, 0.005);
}

/* ---- Rates of single weights. */

static void
important_weights_change_less (void **state)
{
  const double delta[] = { 1, 1, 1 }, important[] = { 0, 1, 9 };
  double w[] = { 0, 0, 0 };
  (void)state;
  rules_apply (delta, 0.1, NULL, 1, important, 3, w);
  assert_true (w[0] == 0.1 && w[1] == 0.05);
  is_near ("the change of what matters most", w[2], 0.01, 1e-15);
}

static void
rates_grow_where_a_weight_goes_on_and_shrink_where_it_turns (void **state)
{
  double drift[2] = { 0 }, speed[2] = { 1, 1 };
  (void)state;
  for (int t = 0; t < 12; t++) {
    const double delta[] = { 1, t % 2 ? 1 : -1 };
    rules_adapt (delta, 0.25, 2, drift, speed);
    if (t == 2)
      is_near ("the rate of one that went on twice", speed[0], 1.25 * 1.25, 1e-15);
  }
  assert_true (speed[0] == 8); /* and no further */
  assert_true (speed[1] < 1 && speed[1] >= 0.125);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (sums_are_right),
    cmocka_unit_test (plain_hebb_grows_as_it_must),
    cmocka_unit_test (oja_finds_the_first_direction),
    cmocka_unit_test (sanger_finds_all_in_order),
    cmocka_unit_test (bcm_becomes_selective),
    cmocka_unit_test (units_that_compete_share_out_the_examples),
    cmocka_unit_test (rewards_pull_along_the_gradient),
    cmocka_unit_test (units_that_compete_are_rewarded_alike),
    cmocka_unit_test (nothing_changes_where_the_reward_is_what_was_expected),
    cmocka_unit_test (traces_fade),
    cmocka_unit_test (scaling_brings_activity_back),
    cmocka_unit_test (a_bias_brings_the_share_back),
    cmocka_unit_test (important_weights_change_less),
    cmocka_unit_test (rates_grow_where_a_weight_goes_on_and_shrink_where_it_turns),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
