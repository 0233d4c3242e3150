/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of causal-estimate by themselves: networks and formulas, sound ones and broken ones; inference against summing
 * everything up; regression against numbers that were computed elsewhere. */
#include "fake-host.h"

#include "../../plugins/techniques/causal-estimate/bif.c"
#include "../../plugins/techniques/causal-estimate/formula.c"
#include "../../plugins/techniques/causal-estimate/eliminate.c"
#include "../../plugins/techniques/causal-estimate/regress.c"

#include <math.h>

/* ---- Networks. */

static const char sprinkler[]
    = "network lawn { property \"a; b\" ; }\n"
      "variable rain { type discrete [ 2 ] { yes, no }; }\n"
      "variable sprinkler { type discrete [ 3 ] { off, <5, 5+ }; property x y; }\n"
      "variable wet { type discrete[2]{yes,no}; } // a comment\n"
      "variable \"slip pery\" { type discrete [ 2 ] { yes, no }; }\n"
      "probability ( rain ) { table 0.2, 0.8; }\n"
      "probability ( sprinkler | rain ) { (yes) 0.9, 0.05, 0.05; /* dry */ default .5, .25, .25; }\n"
      "probability ( wet | sprinkler, rain ) {\n"
      "  (off, yes) 0.8, 0.2; (off, no) 0, 1; (<5, yes) 0.9, 0.1;\n"
      "  (<5, no) 0.6, 0.4; (5+, yes) 0.99, 0.01; (5+, no) 0.9, 0.1; }\n"
      "probability ( \"slip pery\" | wet ) { (yes) 0.7, 0.3; (no) 0.1, 0.9; }\n";

/* The same with FROM replaced by TO. */
static adze_status
read_changed (const char *from, const char *to, net *network)
{
  char text[sizeof sprinkler + 200];
  const char *at = strstr (sprinkler, from);
  assert_non_null (at);
  snprintf (text, sizeof text, "%.*s%s%s", (int)(at - sprinkler), sprinkler, to, at + strlen (from));
  return net_read (&fake_host, text, strlen (text), network);
}

static bool
goes_on (const adze_host *host, adze_context *context, uint64_t done, uint64_t total)
{
  (void)host;
  (void)context;
  (void)done;
  (void)total;
  return true;
}

/* The joint distribution, row by row. */
static double
row_of (const net *n, const uint32_t *values, const uint32_t *set)
{
  double product = 1;
  for (uint32_t i = 0; i < n->count; i++) {
    const net_node *node = &n->nodes[i];
    size_t row = 0;
    for (uint32_t k = 0; k < node->parent_count; k++)
      row = row * n->nodes[node->parents[k]].state_count + values[node->parents[k]];
    if (set[i] == NET_FREE)
      product *= node->table[row * node->state_count + values[i]];
    else if (set[i] != values[i])
      return 0;
  }
  return product;
}

static double
by_summing (const net *n, const net_question *q, uint32_t asked, uint32_t value)
{
  double of = 0, all = 0;
  for (uint32_t number = 0; number < 24; number++) {
    const uint32_t values[4] = { number & 1, (number >> 1) % 3, number / 6 & 1, number / 12 };
    bool fits = true;
    for (uint32_t i = 0; i < 4; i++)
      fits = fits && (q->seen[i] == NET_FREE || q->seen[i] == values[i]);
    if (!fits)
      continue;
    all += row_of (n, values, q->set);
    of += values[asked] == value ? row_of (n, values, q->set) : 0;
  }
  return of / all;
}

static void
inference_is_what_summing_says (void **state)
{
  net n;
  const adze_run_service run = { .struct_size = sizeof run, .progress = goes_on };
  (void)state;
  /* Each combination of what is seen and set, of 36, with each node that is asked. */
  assert_int_equal (net_read (&fake_host, sprinkler, strlen (sprinkler), &n), ADZE_OK);
  assert_int_equal (n.nodes[3].rows, 2);
  for (uint32_t number = 0; number < 3 * 4 * 3 * 4; number++) {
    const uint32_t free_ = NET_FREE;
    const uint32_t rain = number % 3, sprinkle = number / 3 % 4, wet = number / 12 % 3, asked = number / 36;
    const uint32_t seen[] = { rain == 2 ? free_ : rain, free_, wet == 2 ? free_ : wet, free_ };
    const uint32_t set[] = { free_, sprinkle == 3 ? free_ : sprinkle, free_, free_ };
    const net_question q = { set, seen, &asked, 1 };
    double *cells = NULL, evidence = 0;
    size_t count = 0;
    if (seen[asked] != NET_FREE || set[asked] != NET_FREE)
      continue;
    const adze_status status = net_infer (&n, &q, &run, NULL, &cells, &count, &evidence);
    if (status != ADZE_OK) { /* off and no rain: never wet */
      assert_non_null (strstr (fake_reason, "never happens"));
      assert_true (rain == 1 && sprinkle == 0 && wet == 0);
      continue;
    }
    assert_int_equal (count, n.nodes[asked].state_count);
    for (uint32_t v = 0; v < count; v++)
      assert_float_equal (cells[v], by_summing (&n, &q, asked, v), 1e-12);
    free (cells);
  }
  net_close (&n);
}

static void
rounded_rows_have_the_sum_one (void **state)
{
  net n;
  (void)state;
  assert_int_equal (read_changed ("0.2, 0.8", "0.2, 0.799", &n), ADZE_OK);
  assert_float_equal (n.nodes[0].table[0] + n.nodes[0].table[1], 1, 1e-15);
  assert_float_equal (n.nodes[0].table[0], .2 / .999, 1e-15);
  net_close (&n);
}

/* The star that begins a comment does not end it. */
static void
a_comment_is_not_over_as_it_begins (void **state)
{
  net n;
  (void)state;
  assert_int_equal (read_changed ("/* dry */", "/*/ dry */", &n), ADZE_OK);
  net_close (&n);
}

static void
broken_networks_are_refused (void **state)
{
  static const struct {
    const char *from, *to, *reason;
  } cases[] = {
    { "0.2, 0.8", "0.2, 0.7", "line 6: a row of 'rain' has the sum 0.9" },
    { "0.2, 0.8", "nan, 0.8", "'nan' is no number" },
    { "0.2, 0.8", "0x1, 0", "'0x1' is no number" },
    { "0.2, 0.8", "1.2, -.2", "1.2 is no probability" },
    { "0.2, 0.8", "0.2", "needed is ','" },
    { "{ yes, no }; }\nvariable sprinkler", "{ yes, yes }; }\nvariable sprinkler", "has the value 'yes' twice" },
    { "[ 3 ]", "[ 2000000000 ]", "1 to 4096 values" },
    { "[ 3 ]", "[ 4 ]", "needed is ','" },
    { "( sprinkler | rain )", "( sprinkler | snow )", "there is no variable 'snow'" },
    { "( sprinkler | rain )", "( sprinkler | sprinkler )", "is its own parent" },
    { "( wet | sprinkler, rain )", "( wet | sprinkler, sprinkler )", "the same parent twice" },
    { "( rain )", "( wet )", "there twice" },
    { "(5+, no) 0.9, 0.1;", "", "not every row of 'wet' is told" },
    { "(5+, no)", "(5+, yes)", "was told before" },
    { "(5+, no)", "(6+, no)", "'sprinkler' has no value '6+'" },
    { "(yes) 0.7, 0.3; (no) 0.1, 0.9;", "table 0.7, 0.3, 0.1, 0.9;", "could be meant in two orders" },
    { "( rain ) { table 0.2, 0.8; }", "( rain | wet ) { (yes) .2, .8; (no) .2, .8; }", "arrows lead in a circle" },
    { "0.1, 0.9; }\n", "0.1, 0.9;", "the file ends inside of" },
    { "/* dry */", "/* dry", "the file ends inside of" },
    { "network", "net work", "needed is 'network'" },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    net n;
    assert_int_equal (read_changed (cases[i].from, cases[i].to, &n), ADZE_E_FORMAT);
    net_close (&n);
    if (!strstr (fake_reason, cases[i].reason))
      fail_msg ("case %zu: '%s' does not say '%s'", i, fake_reason, cases[i].reason);
  }
}

/* ---- Formulas. */

static adze_status
read_formula_text (const char *text, est_formula *f)
{
  adze_status status = est_formula_read (&fake_host, text, strlen (text), f);
  if (status != ADZE_OK)
    est_formula_close (&fake_host, f);
  return status;
}

static void
formulas_are_read (void **state)
{
  static est_formula f;
  (void)state;
  assert_int_equal (read_formula_text ("P(Y|do(X),W) = [sum_{Z,X'} P(Z) P(X'|W) P(\"a \"\"b\"\"\"|X,Z)] / P(X|W)\n", &f),
                    ADZE_OK);
  assert_int_equal (f.variable_count, 6);
  assert_string_equal (f.variables[f.given.items[0]].name, "W");
  assert_string_equal (f.variables[5].name, "a \"b\"");
  assert_int_equal (f.variables[4].primes, 1);
  const est_part *root = est_part_at (&f, f.root);
  assert_int_equal (root->item_count, 1);
  assert_int_equal (est_part_at (&f, *est_numbers_at (&f, root->items))->kind, EST_RATIO);
  est_formula_close (&fake_host, &f);
}

static void
broken_formulas_are_refused (void **state)
{
  static const struct {
    const char *text, *reason;
  } cases[] = {
    { "", "character 1: needed is 'P('" },
    { "P(Y|X) = P(Y|X)", "needed is 'do('" },
    { "P(Y|do(X)) = ", "needed is '['" },
    { "P(Y|do(X)) = P(Y|X", "needed is ')'" },
    { "P(Y|do(X)) = sum_{Z P(Z)", "needed is '}'" },
    { "P(Y|do(X)) = [P(Y)", "needed is ']'" },
    { "P(Y|do(X)) = P(Y) ]", "behind the formula" },
    { "P(Y|do(X)) = P(Y,Y)", "'Y' is named twice" },
    { "P(Y|do(Y)) = P(Y)", "has 'Y' twice" },
    { "P(Y|do(X')) = P(Y)", "with a prime" },
    { "P(Y|do(X)) = P(\"Y)", "a quote is not closed" },
    { "P(Y|do(X)) = P()", "needed is a name" },
    { "P(Y|do(X)) is not identifiable", "not identifiable" },
  };
  static est_formula f;
  static char deep[4000] = "P(Y|do(X)) = ";
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_not_equal (read_formula_text (cases[i].text, &f), ADZE_OK);
    if (!strstr (fake_reason, cases[i].reason))
      fail_msg ("case %zu: '%s' does not say '%s'", i, fake_reason, cases[i].reason);
  }
  memset (deep + strlen (deep), '[', 3000);
  assert_int_not_equal (read_formula_text (deep, &f), ADZE_OK);
  assert_non_null (strstr (fake_reason, "nested deeper"));
}

/* ---- Regression. */

enum { ROWS = 8 };

static void
regression_finds_what_others_find (void **state)
{
  /* numpy.linalg.lstsq; and for the logistic one the score is zero. */
  static const double x[ROWS * 3] = { 1, .5, -1, 1, 1.5, 2, 1, -2, .25, 1, 0, 1, 1, 3, -.5, 1, -1, -2, 1, 2, 2, 1, .75, 0 };
  static const double y[ROWS] = { 1, 4, -3, 2, 5, -5, 7, 1.5 };
  static const double t[ROWS] = { 0, 1, 0, 1, 1, 0, 0, 1 };
  est_matrix m = { .x = x, .y = y, .count = ROWS, .width = 3 };
  double beta[3], score[3] = { 0 };
  uint32_t singular = 0;
  bool separable = true;
  (void)state;
  assert_int_equal (est_fit_linear (&fake_host, &m, beta, &singular), ADZE_OK);
  assert_int_equal (singular, UINT32_MAX);
  for (int i = 0; i < ROWS; i++) /* what is left has nothing to do with any column */
    for (int k = 0; k < 3; k++)
      score[k] += x[3 * i + k] * (y[i] - est_dot (x + 3 * i, beta, 3));
  for (int k = 0; k < 3; k++)
    assert_float_equal (score[k], 0, 1e-12);
  memset (score, 0, sizeof score);
  m.y = t;
  assert_int_equal (est_fit_logistic (&fake_host, &m, beta, &singular, &separable), ADZE_OK);
  assert_false (separable);
  for (int i = 0; i < ROWS; i++)
    for (int k = 0; k < 3; k++)
      score[k] += x[3 * i + k] * (t[i] - 1 / (1 + exp (-est_dot (x + 3 * i, beta, 3))));
  for (int k = 0; k < 3; k++)
    assert_float_equal (score[k], 0, 1e-9);
}

static void
regression_says_what_it_cannot (void **state)
{
  static const double x[4 * 3] = { 1, 1, 2, 1, 2, 4, 1, 3, 6, 1, 4, 8 }, y[4] = { 0, 0, 1, 1 };
  est_matrix m = { .x = x, .y = y, .count = 4, .width = 3 };
  double two[4 * 2], beta[3];
  uint32_t singular = 0;
  bool separable = false;
  (void)state;
  assert_int_equal (est_fit_linear (&fake_host, &m, beta, &singular), ADZE_OK);
  assert_int_equal (singular, 2);
  for (int i = 0; i < 4; i++)
    memcpy (two + 2 * i, x + 3 * i, 2 * sizeof *two);
  m.x = two;
  m.width = 2;
  assert_int_equal (est_fit_logistic (&fake_host, &m, beta, &singular, &separable), ADZE_OK);
  assert_true (separable);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (inference_is_what_summing_says),
    cmocka_unit_test (rounded_rows_have_the_sum_one),
    cmocka_unit_test (a_comment_is_not_over_as_it_begins),
    cmocka_unit_test (broken_networks_are_refused),
    cmocka_unit_test (formulas_are_read),
    cmocka_unit_test (broken_formulas_are_refused),
    cmocka_unit_test (regression_finds_what_others_find),
    cmocka_unit_test (regression_says_what_it_cannot),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
