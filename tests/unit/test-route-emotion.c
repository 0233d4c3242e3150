/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of route-emotion by themselves: the wheel, weights under urgency, monotone terms, ties, negation. */
#include "fake-host.h"

#include "../../plugins/techniques/route-emotion/decide.c"
#include "../../plugins/techniques/route-emotion/feel.c"

#include <math.h>

/* ---- Compatibility. */

static void
the_wheel_is_what_it_should_be (void **state)
{
  static const double expected[] = { 1, .853553, .5, .146447, 0, .146447, .5, .853553 };
  (void)state;
  for (uint32_t one = 0; one < ADZE_EMOTIONS; one++)
    for (uint32_t steps = 0; steps < ADZE_EMOTIONS; steps++) {
      double felt[ADZE_EMOTIONS] = { 0 }, profile[ADZE_EMOTIONS] = { 0 };
      felt[one] = 0.3;
      profile[(one + steps) % ADZE_EMOTIONS] = 0.9;
      assert_float_equal (compatibility (felt, profile), expected[steps], 5e-7);
    }
}

static void
nothing_felt_is_half (void **state)
{
  const double none[ADZE_EMOTIONS] = { 0 }, all[ADZE_EMOTIONS] = { 1, 1, 1, 1, 1, 1, 1, 1 };
  (void)state;
  assert_float_equal (compatibility (none, all), 0.5, 0);
  assert_float_equal (compatibility (all, none), 0.5, 0);
  assert_float_equal (compatibility (all, all), 0.5, 1e-12);
}

/* ---- Weights and scores. */

static void
weights_have_the_sum_one (void **state)
{
  const route_run r = { .settings = { .weights = { .4, .3, .2, .1 }, .urgency = 0.7 } };
  double before = 0;
  (void)state;
  for (int step = 0; step <= 10; step++) {
    adze_scorer_query q = { .urgency = step / 10.0 };
    double sum = 0;
    weigh (&r, &q);
    for (int t = 0; t < ADZE_TERMS; t++)
      sum += q.weights[t];
    assert_float_equal (sum, 1, 1e-15);
    assert_true (q.weights[ADZE_TERM_SPEED] > before);
    before = q.weights[ADZE_TERM_SPEED];
  }
  assert_float_equal (before, .3 * .2 + .7, 1e-15);
}

static void
every_term_helps (void **state)
{
  const adze_scorer_query q = { .weights = { .4, .3, .2, .1 } };
  uint64_t draw = 7;
  (void)state;
  for (int round = 0; round < 1000; round++) {
    adze_scorer_domain domain = { .name = "a" };
    for (int t = 0; t < ADZE_TERMS; t++) {
      draw = draw * UINT64_C (6364136223846793005) + 1442695040888963407u;
      domain.terms[t] = (double)(draw >> 40) / (1 << 24);
    }
    const double score = score_of (&q, &domain);
    assert_true (score >= 0 && score <= 1);
    for (int t = 0; t < ADZE_TERMS; t++) {
      adze_scorer_domain better = domain;
      better.terms[t] += (1 - better.terms[t]) / 2;
      assert_true (score_of (&q, &better) > score);
    }
  }
}

/* ---- Ties. */

static void
ties_go_by_a_rule (void **state)
{
  adze_scorer_domain d[3] = { { .name = "c", .quality = .5, .latency = 2 },
                              { .name = "b", .quality = .5, .latency = 1 },
                              { .name = "a", .quality = .4, .latency = 1 } };
  double scores[3] = { .5, .5, .5 };
  route_run r = { .domain_count = 3, .fallback = SIZE_MAX };
  route_decision decision = { .scores = scores };
  (void)state;
  choose (&r, d, &decision);
  assert_int_equal (decision.best, 1);
  assert_int_equal (decision.second, 0);
  assert_string_equal (decision.tie, "latency");
  d[2].quality = .5;
  choose (&r, d, &decision);
  assert_int_equal (decision.best, 2);
  assert_string_equal (decision.tie, "the order of names");
  d[0].quality = .6;
  choose (&r, d, &decision);
  assert_int_equal (decision.best, 0);
  assert_string_equal (decision.tie, "quality");
  scores[1] = .51;
  choose (&r, d, &decision);
  assert_int_equal (decision.best, 1);
  assert_null (decision.tie);
  /* Below a threshold. */
  r.settings.threshold = .6;
  r.fallback = 2;
  choose (&r, d, &decision);
  assert_true (decision.fell_back);
  assert_int_equal (decision.winner, 2);
  r.settings.threshold = .51;
  choose (&r, d, &decision);
  assert_false (decision.fell_back);
  assert_int_equal (decision.winner, 1);
}

/* ---- Negation. */

static void
words_behind_a_negation_are_apart (void **state)
{
  static const struct {
    const char *text, *plain, *negated;
  } cases[] = {
    { "I am happy", "I am happy ", "" },
    { "I am not happy", "I am not ", "happy " },
    { "I don't like it at all", "I don't at all ", "like it " },
    { "Not good, bad", "Not , bad ", "good " },
    { "never this but that", "never but that ", "this " },
    { "NOTHING works", "NOTHING ", "works " },
    { "knot happy", "knot happy ", "" },
    { "n't", "n't ", "" },
    { "not", "not ", "" },
    { "not not happy", "not ", "not happy " },
  };
  const route_run r = { .host = &fake_host, .settings = { .window = 2 } };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    route_feeler f = { .plain = { .count = 0 } };
    bool found;
    uint32_t hurry;
    const adze_text text = { cases[i].text, strlen (cases[i].text) };
    assert_int_equal (part (&r, &f, text, &found, &hurry), ADZE_OK);
    for (int k = 0; k < 2; k++) {
      const char *expected = k == PLAIN ? cases[i].plain : cases[i].negated;
      assert_int_equal (f.words[k].size, strlen (expected));
      if (f.words[k].size > 0)
        assert_memory_equal (f.words[k].data, expected, f.words[k].size);
      adze_bytes_release (&fake_host, &f.words[k]);
    }
    assert_int_equal (found, cases[i].negated[0] != '\0');
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (the_wheel_is_what_it_should_be), cmocka_unit_test (nothing_felt_is_half),
    cmocka_unit_test (weights_have_the_sum_one),       cmocka_unit_test (every_term_helps),
    cmocka_unit_test (ties_go_by_a_rule),              cmocka_unit_test (words_behind_a_negation_are_apart),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
