/* SPDX-License-Identifier: Apache-2.0 */
/* Equations of causal-model, sound ones and broken ones; what somebody would have had; and bounds of necessity and
 * sufficiency, which hold whatever the people are that numbers are counted of. */
#include "fake-host.h"

#include "../../plugins/techniques/causal-model/own-names.h"

#include "../../plugins/techniques/causal-model/equations.c"
#include "../../plugins/techniques/causal-model/necessity.c"
#include "../../plugins/techniques/causal-model/nodes.c"
#include "../../plugins/techniques/causal-model/units.c"

/* What the plugin's other files have, as far as equations need it. */
static const char *given[4];

size_t
scm_list_size (const scm *m, const char *name)
{
  size_t count = 0;
  (void)m;
  while (strcmp (name, "equations") == 0 && count < 4 && given[count])
    count++;
  return strcmp (name, "seen") == 0 ? 3 : count;
}

const char *
scm_list_at (const scm *m, const char *name, size_t index)
{
  (void)m;
  (void)name;
  return given[index];
}

adze_status
scm_read_port (const scm *m, const char *port, const void **bytes, size_t *size)
{
  (void)port;
  *bytes = NULL;
  *size = 0;
  return adze_fail (m->host, ADZE_E_NOT_FOUND, "no ports");
}

adze_status
scm_read_level (const scm *m, const char *what, const char *text, uint32_t *node, uint32_t *level)
{
  (void)what;
  (void)text;
  *node = *level = 0;
  return adze_fail (m->host, ADZE_E_NOT_FOUND, "no levels");
}

adze_status
scm_chance (scm *m, uint32_t cause, uint32_t set, uint32_t node, uint32_t level, double *chance)
{
  (void)m;
  *chance = cause + set + node + level;
  return ADZE_OK;
}

double
scm_law (const scm *m, uint32_t index, const double *values, double noise)
{
  double sum = m->nodes[index].base;
  for (uint32_t k = 0; k < m->nodes[index].parent_count; k++)
    sum += m->nodes[index].factors[k][0] * values[m->nodes[index].parents[k]];
  return sum + noise;
}

static scm_node nodes[SCM_NODES];

static scm
open_model (void)
{
  memset (nodes, 0, sizeof nodes);
  return (scm){ .host = &fake_host, .nodes = nodes };
}

static void
close_model (scm *m)
{
  for (uint32_t i = 0; i < m->count; i++)
    free (m->nodes[i].name);
  free (m->order);
}

/* ---- Equations. */

static void
somebody_would_have_had_exactly_this (void **state)
{
  uint8_t set[3] = { 1, 0, 0 }, seen[3] = { 1, 1, 1 }, asked[3] = { 0, 0, 1 };
  double set_to[3] = { 2, 0, 0 }, seen_as[3] = { 1, .5, 1.5 };
  scm m = open_model ();
  scm_answers answers = { .count = 0 };
  (void)state;
  given[0] = "H = 0.5 X";
  given[1] = "Y=0.7*X + .4 H";
  given[2] = NULL;
  assert_int_equal (scm_read_equations (&m), ADZE_OK);
  assert_int_equal (scm_sort (&m), ADZE_OK);
  assert_int_equal (m.count, 3); /* H, X, Y */
  m.set = set;
  m.seen = seen;
  m.asked = asked;
  m.set_to = set_to;
  m.seen_as = seen_as;
  assert_int_equal (scm_ask_units (&m, &answers), ADZE_OK);
  assert_int_equal (answers.count, 1);
  assert_true (answers.items[0].after == 1.9);
  assert_true (answers.items[0].before == 1.5);
  free (answers.items);
  seen[1] = 0; /* without X nobody knows what is noise of Y */
  answers = (scm_answers){ .count = 0 };
  assert_int_equal (scm_ask_units (&m, &answers), ADZE_E_PARAM);
  assert_non_null (strstr (fake_reason, "add \"X=VALUE\""));
  close_model (&m);
}

static void
equations_are_read (void **state)
{
  scm m = open_model ();
  (void)state;
  given[0] = "Y = -2.5e1 \"a b\" - 3 + X + 2X";
  given[1] = NULL;
  assert_int_equal (scm_read_equations (&m), ADZE_OK);
  assert_int_equal (m.nodes[0].parent_count, 2);
  assert_string_equal (m.nodes[1].name, "a b");
  assert_true (m.nodes[0].factors[0][0] == -25 && m.nodes[0].factors[1][0] == 3 && m.nodes[0].base == -3);
  close_model (&m);
}

static void
broken_equations_are_refused (void **state)
{
  static const struct {
    const char *first, *second, *reason;
  } cases[] = {
    { "", NULL, "character 1: needed is the name" },
    { "Y", NULL, "needed is '='" },
    { "Y = ", NULL, "character 5: needed is the name" },
    { "Y = 2 X Z", NULL, "character 9: needed is '+' or '-'" },
    { "Y = 2 * ", NULL, "needed is the name" },
    { "Y = 0x5", NULL, "needed is the name" },
    { "Y = 1e999 X", NULL, "needed is the name" },
    { "Y = \"X", NULL, "a name in quotes" },
    { "Y = X", "Y = Z", "two equations for 'Y'" },
    { "Y = X", "X = Y", "in a circle" },
    { "Y = Y", NULL, "in a circle" },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    scm m = open_model ();
    given[0] = cases[i].first;
    given[1] = cases[i].second;
    given[2] = NULL;
    adze_status status = scm_read_equations (&m);
    if (status == ADZE_OK)
      status = scm_sort (&m);
    assert_int_not_equal (status, ADZE_OK);
    if (!strstr (fake_reason, cases[i].reason))
      fail_msg ("case %zu: '%s' does not say '%s'", i, fake_reason, cases[i].reason);
    close_model (&m);
  }
}

/* ---- Necessity. */

static double
drawn (uint64_t *seed)
{
  *seed = *seed * UINT64_C (6364136223846793005) + UINT64_C (1442695040888963407);
  return (double)(*seed >> 33) / 2147483648.0;
}

/* People are of four kinds: who has the result whatever happens, never, with the cause alone, without it alone. A
 * kind's share has the cause. All that is asked for can be counted then, and must be between the bounds. */
static void
bounds_hold_for_all_people (void **state)
{
  uint64_t seed = 5;
  (void)state;
  for (int round = 0; round < 2000; round++) {
    double kind[4], with[4], all = 0;
    for (int k = 0; k < 4; k++) {
      kind[k] = k == 3 && round % 2 ? 0 : drawn (&seed);
      with[k] = drawn (&seed);
      all += kind[k];
    }
    for (int k = 0; k < 4; k++)
      kind[k] /= all;
    scm_necessity n = { .experiment = true };
    n.both = kind[0] * with[0] + kind[2] * with[2];
    n.cause_alone = kind[1] * with[1] + kind[3] * with[3];
    n.result_alone = kind[0] * (1 - with[0]) + kind[3] * (1 - with[3]);
    n.neither = kind[1] * (1 - with[1]) + kind[2] * (1 - with[2]);
    n.done = kind[0] + kind[2];
    n.left = kind[0] + kind[3];
    const double truth[] = { kind[2] * with[2] / n.both, kind[2] * (1 - with[2]) / n.neither, kind[2] };
    find_bounds (&n);
    tidy (&n);
    for (int i = 0; i < 3; i++) {
      assert_true (n.bounds[i].low <= truth[i] + 1e-9 && truth[i] <= n.bounds[i].high + 1e-9);
      if (round % 2) /* nobody has the result without the cause alone: the points are exact */
        assert_float_equal (n.bounds[i].point, truth[i], 1e-9);
    }
  }
}

/* Pearl's example of a drug and deaths ("Causality", 9.3): it was the drug, for certain. */
static void
a_published_example_comes_out (void **state)
{
  scm_necessity n = { .experiment = true, .both = .001, .cause_alone = .499, .result_alone = .014, .neither = .486,
                      .done = .016, .left = .014 };
  (void)state;
  find_bounds (&n);
  tidy (&n);
  assert_float_equal (n.bounds[0].low, 1, 1e-9);
  assert_float_equal (n.bounds[0].high, 1, 1e-9);
  assert_float_equal (n.bounds[1].low, .002, 5e-4);
  assert_float_equal (n.bounds[1].high, .031, 5e-4);
  /* Who has the result though the cause is missing, or the other way round, is no case of both. */
  n = (scm_necessity){ .experiment = true, .both = .1, .cause_alone = .3, .result_alone = .4, .neither = .2, .done = .6,
                       .left = .5 };
  find_bounds (&n);
  assert_float_equal (n.bounds[2].low, .1, 1e-12);
  assert_float_equal (n.bounds[2].high, .3, 1e-12);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (somebody_would_have_had_exactly_this),
    cmocka_unit_test (equations_are_read),
    cmocka_unit_test (broken_equations_are_refused),
    cmocka_unit_test (bounds_hold_for_all_people),
    cmocka_unit_test (a_published_example_comes_out),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
