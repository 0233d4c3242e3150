/* SPDX-License-Identifier: Apache-2.0 */
/* PC of causal-discover by its parts: tails and tests against numbers from elsewhere, classes of equivalent graphs against
 * trying all, the search with an oracle against the truth, and knowledge that nothing gets past. */
#include "causal-run.h"

#include "../../plugins/techniques/causal-discover/contingency.c"
#include "../../plugins/techniques/causal-discover/fisher.c"
#include "../../plugins/techniques/causal-discover/found.c"
#include "../../plugins/techniques/causal-discover/knowledge.c"
#include "../../plugins/techniques/causal-discover/orient.c"
#include "../../plugins/techniques/causal-discover/pdag.c"
#include "../../plugins/techniques/causal-discover/settings.c"
#include "../../plugins/techniques/causal-discover/skeleton.c"
#include "../../plugins/techniques/causal-discover/strata.c"
#include "../../plugins/techniques/causal-discover/tails.c"

/* columns.c needs a table for all else. */
double
discover_standardise (double *column, size_t rows)
{
  double mean = 0, squares = 0;
  for (size_t i = 0; i < rows; i++)
    mean += column[i] / (double)rows;
  for (size_t i = 0; i < rows; i++)
    squares += (column[i] - mean) * (column[i] - mean) / (double)rows;
  for (size_t i = 0; i < rows; i++)
    column[i] = (column[i] - mean) / sqrt (squares);
  return sqrt (squares);
}

static void
assert_near (double found, double wanted, double share)
{
  if (!(fabs (found - wanted) <= share * fabs (wanted)))
    fail_msg ("found %.17g, wanted %.17g", found, wanted);
}

/* ---- Tails: scipy 1.10, stats.chi2.sf and 2 * stats.norm.sf. */

static void
tails_are_those_of_scipy (void **state)
{
  static const double chi[][3] = {
    { 3.841458820694124, 1, 0.05 },
    { 0.001, 1, 0.9747728793699604 },
    { 10, 3, 0.01856613546304325 },
    { 2.5, 7, 0.9270970650134738 },
    { 100, 60, 0.0009168288614560842 },
    { 900, 1000, 0.9892827619087102 },
    { 700, 4, 3.4852862290889247e-150 },
    { 1e5, 99000, 0.012503086996302763 },
  };
  (void)state;
  for (size_t i = 0; i < sizeof chi / sizeof chi[0]; i++)
    assert_near (discover_chi_square_tail (chi[i][0], chi[i][1]), chi[i][2], 1e-10);
  assert_true (discover_chi_square_tail (0, 3) == 1);
  assert_near (discover_normal_tail (1.959963984540054), 0.05, 1e-14);
  assert_near (discover_normal_tail (-10), 1.523970604832094e-23, 1e-13);
}

/* ---- Numbers. */

/* The partial correlation of x and y given all others is told by the inverse; here by residuals, one column after the
 * other taken out of all that come behind it. */
static double
p_by_residuals (const discover_data *data, const discover_ask *ask)
{
  const size_t rows = data->rows;
  uint32_t order[10], count = 0;
  double *left = calloc (10 * rows, sizeof *left);
  for (; count < ask->given_count; count++)
    order[count] = ask->given[count];
  order[count++] = ask->x;
  order[count++] = ask->y;
  for (uint32_t i = 0; i < count; i++)
    memcpy (left + i * rows, data->numbers + order[i] * rows, rows * sizeof *left);
  for (uint32_t i = 0; i + 2 < count; i++)
    for (uint32_t k = i + 1; k < count; k++) {
      const double factor = product (left + i * rows, left + k * rows, rows) / product (left + i * rows, left + i * rows, rows);
      for (size_t row = 0; row < rows; row++)
        left[k * rows + row] -= factor * left[i * rows + row];
    }
  const double *x = left + (count - 2) * rows, *y = left + (count - 1) * rows;
  const double r = product (x, y, rows) / sqrt (product (x, x, rows) * product (y, y, rows));
  free (left);
  return erfc (fabs (sqrt ((double)rows - ask->given_count - 3) * 0.5 * log ((1 + r) / (1 - r))) / sqrt (2.0));
}

static void
fishers_z_is_that_of_residuals (void **state)
{
  discover_run r;
  pdag g;
  discover_tester tester = { .r = &r, .data = &r.data };
  double room[100];
  (void)state;
  causal_state = 3;
  causal_open (&r, 6);
  assert_int_equal (discover_open_pdag (&causal_host, 6, &g), ADZE_OK);
  causal_draw (&g, 0.5);
  causal_fill (&r, &g, 60, 0.2, 0.6);
  assert_int_equal (discover_correlate (&r, &r.data, &tester.correlations), ADZE_OK);
  for (uint32_t given_count = 0; given_count <= 4; given_count++)
    for (int i = 0; i < 20; i++) {
      uint32_t nodes[6] = { 0, 1, 2, 3, 4, 5 };
      for (uint32_t k = 5; k > 0; k--) {
        const uint32_t other = causal_below (k + 1), was = nodes[k];
        nodes[k] = nodes[other];
        nodes[other] = was;
      }
      const discover_ask ask = { nodes[0], nodes[1], nodes + 2, given_count };
      double p = 0;
      assert_int_equal (discover_fisher_ask (&tester, &ask, room, &p), ADZE_OK);
      assert_near (p, p_by_residuals (&r.data, &ask), 1e-8);
    }
  free (tester.correlations);
  discover_close_pdag (&causal_host, &g);
  causal_close (&r);
}

static void
a_sum_of_columns_is_refused (void **state)
{
  discover_run r;
  double *correlations = NULL;
  (void)state;
  causal_open (&r, 3);
  const pdag none = { .count = 3, .leads = (uint8_t[9]){ 0 } };
  causal_fill (&r, &none, 50, 1, 1);
  for (size_t i = 0; i < 50; i++)
    r.data.numbers[100 + i] = r.data.numbers[i] - 2 * r.data.numbers[50 + i];
  discover_standardise (r.data.numbers + 100, 50);
  assert_int_equal (discover_correlate (&r, &r.data, &correlations), ADZE_OK);
  assert_int_equal (discover_check_singular (&r, correlations), ADZE_E_FORMAT);
  assert_non_null (strstr (fake_reason, "singular"));
  assert_non_null (strstr (fake_reason, "'V02'"));
  free (correlations);
  causal_close (&r);
}

/* ---- Categories. */

static void
open_categories (discover_run *r, size_t rows, const uint32_t *kinds)
{
  r->data = (discover_data){ .count = r->count, .rows = rows, .codes = calloc (r->count, rows),
                             .kinds = calloc (r->count, sizeof (uint32_t)) };
  assert_true (r->data.codes && r->data.kinds);
  memcpy (r->data.kinds, kinds, r->count * sizeof *kinds);
}

static double
ask_categories (discover_run *r, uint32_t x, uint32_t y, const uint32_t *given, uint32_t given_count)
{
  const discover_tester tester = { .r = r, .data = &r->data };
  const discover_ask ask = { x, y, given, given_count };
  void *room = malloc (discover_contingency_scratch (&tester, given_count));
  double p = 0;
  assert_int_equal (discover_contingency_ask (&tester, &ask, room, &p), ADZE_OK);
  free (room);
  return p;
}

/* 2 x 3 with a stratum that never has the third column: 2 + 1 degrees. By scipy, stats.chi2_contingency of each
 * stratum (correction=False), statistics and degrees added up. */
static void
strata_have_their_own_degrees (void **state)
{
  static const uint32_t kinds[3] = { 2, 3, 2 };
  static const uint32_t counts[2][2][3] = { { { 10, 20, 30 }, { 20, 20, 10 } }, { { 5, 15, 0 }, { 10, 10, 0 } } };
  static const uint32_t given[1] = { 2 };
  discover_run r;
  size_t row = 0;
  (void)state;
  causal_open (&r, 3);
  open_categories (&r, 150, kinds);
  for (uint32_t z = 0; z < 2; z++)
    for (uint32_t x = 0; x < 2; x++)
      for (uint32_t y = 0; y < 3; y++)
        for (uint32_t i = 0; i < counts[z][x][y]; i++, row++) {
          r.data.codes[row] = (uint8_t)x;
          r.data.codes[150 + row] = (uint8_t)y;
          r.data.codes[300 + row] = (uint8_t)z;
        }
  assert_int_equal (row, 150);
  r.settings.test = DISCOVER_CHI_SQUARE;
  assert_near (ask_categories (&r, 0, 1, given, 1), 0.0016578010219405154, 1e-10);
  r.settings.test = DISCOVER_G_SQUARE;
  assert_near (ask_categories (&r, 0, 1, given, 1), 0.0013323200472343244, 1e-10);
  assert_near (ask_categories (&r, 1, 0, given, 1), 0.0013323200472343244, 1e-10);
  causal_close (&r);
}

/* Rows are counted in cells, or sorted where there might be too many cells: both say the same. */
static void
sorted_rows_say_what_cells_say (void **state)
{
  static const uint32_t few[8] = { 3, 2, 3, 2, 3, 2, 2, 2 }, many[8] = { 3, 2, 128, 128, 128, 128, 128, 128 };
  static const uint32_t given[6] = { 2, 3, 4, 5, 6, 7 };
  discover_run r;
  (void)state;
  causal_state = 9;
  causal_open (&r, 8);
  open_categories (&r, 500, few);
  for (uint32_t i = 0; i < 8; i++)
    for (size_t row = 0; row < 500; row++)
      r.data.codes[i * 500 + row] = (uint8_t)causal_below (few[i]);
  for (int test = DISCOVER_CHI_SQUARE; test <= DISCOVER_G_SQUARE; test++)
    for (uint32_t count = 3; count <= 6; count++) {
      r.settings.test = (discover_test)test;
      const double cells = ask_categories (&r, 0, 1, given, count);
      memcpy (r.data.kinds, many, sizeof many);
      assert_near (ask_categories (&r, 0, 1, given, count), cells, 1e-10);
      memcpy (r.data.kinds, few, sizeof few);
    }
  causal_close (&r);
}

/* ---- Classes. */

/* All arrows that the graphs of G's class have in common, by trying all directions of its skeleton. */
static void
common_of_class (const pdag *g, pdag *common, pdag *other)
{
  uint32_t from[16], to[16], count = 0;
  for (uint32_t a = 0; a < g->count; a++)
    for (uint32_t b = a + 1; b < g->count; b++)
      if (pdag_adjacent (g, a, b)) {
        from[count] = a;
        to[count++] = b;
      }
  memset (common->leads, 0, (size_t)g->count * g->count);
  for (uint32_t choice = 0; choice < 1u << count; choice++) {
    bool same = true;
    memset (other->leads, 0, (size_t)g->count * g->count);
    for (uint32_t i = 0; i < count; i++)
      pdag_set_arrow (other, choice >> i & 1 ? to[i] : from[i], choice >> i & 1 ? from[i] : to[i], PDAG_BY_NOTHING);
    for (uint32_t z = 0; z < g->count; z++)
      for (uint32_t x = 0; x < g->count; x++)
        for (uint32_t y = 0; y < x; y++)
          if (x != z && y != z && pdag_adjacent (g, x, z) && pdag_adjacent (g, y, z) && !pdag_adjacent (g, x, y))
            same &= (pdag_arrow (g, x, z) && pdag_arrow (g, y, z)) == (pdag_arrow (other, x, z) && pdag_arrow (other, y, z));
    if (!same || causal_has_circle (other))
      continue;
    for (size_t i = 0; i < (size_t)g->count * g->count; i++)
      common->leads[i] |= other->leads[i];
  }
}

static void
a_class_is_what_all_have_in_common (void **state)
{
  enum { NODES = 5 };
  pdag g, common, other;
  uint8_t was[NODES * NODES];
  (void)state;
  causal_state = 1;
  assert_int_equal (discover_open_pdag (&causal_host, NODES, &g), ADZE_OK);
  assert_int_equal (discover_open_pdag (&causal_host, NODES, &common), ADZE_OK);
  assert_int_equal (discover_open_pdag (&causal_host, NODES, &other), ADZE_OK);
  for (int i = 0; i < 400; i++) {
    causal_draw (&g, 0.2 + 0.6 * causal_unit ());
    common_of_class (&g, &common, &other);
    pdag_forget (&g, was);
    assert_int_equal (pdag_distance (&g, &common), 0);
    pdag_copy (&other, &g);
    assert_true (pdag_extend (&other, was));
    assert_false (causal_has_circle (&other));
    pdag_forget (&other, was);
    assert_int_equal (pdag_distance (&g, &other), 0);
  }
  /* A square of lines has no extension without a new collider; it stays what it was. */
  memset (g.leads, 0, NODES * NODES);
  for (uint32_t a = 0; a < 4; a++)
    pdag_set_line (&g, a, (a + 1) % 4);
  pdag_copy (&other, &g);
  assert_false (pdag_extend (&g, was));
  assert_int_equal (pdag_distance (&g, &other), 0);
  discover_close_pdag (&causal_host, &g);
  discover_close_pdag (&causal_host, &common);
  discover_close_pdag (&causal_host, &other);
}

/* d --> c --> b, and a has lines to all three: a --> b, else b --> a would make d --- a another collider or a circle. */
static void
the_fourth_rule_needs_knowledge (void **state)
{
  enum { A, B, C, D };
  pdag g;
  (void)state;
  assert_int_equal (discover_open_pdag (&causal_host, 4, &g), ADZE_OK);
  pdag_set_line (&g, A, B);
  pdag_set_line (&g, A, C);
  pdag_set_line (&g, A, D);
  pdag_set_arrow (&g, D, C, PDAG_BY_KNOWLEDGE);
  pdag_set_arrow (&g, C, B, PDAG_BY_KNOWLEDGE);
  pdag_follow (&g, NULL);
  assert_true (pdag_arrow (&g, A, B));
  assert_true (pdag_line (&g, A, C) && pdag_line (&g, A, D));
  assert_int_equal (g.why[A * 4 + B], PDAG_BY_RULE_4);
  discover_close_pdag (&causal_host, &g);
}

/* ---- The search, with an oracle of its own: two are separated unless a path is open, by walking all ways. */

static const pdag *truth;

static bool
leads_to_given (uint32_t node, const discover_ask *ask)
{
  for (uint32_t i = 0; i < ask->given_count; i++)
    if (pdag_reaches (truth, node, ask->given[i]))
      return true;
  return false;
}

static bool
is_given (uint32_t node, const discover_ask *ask)
{
  for (uint32_t i = 0; i < ask->given_count; i++)
    if (ask->given[i] == node)
      return true;
  return false;
}

/* BEFORE and AT are the last two of a path that is open so far. */
static bool
walk (uint32_t before, uint32_t at, uint32_t visited, const discover_ask *ask)
{
  if (at == ask->y)
    return true;
  for (uint32_t next = 0; next < truth->count; next++) {
    if (visited >> next & 1 || !pdag_adjacent (truth, at, next))
      continue;
    const bool collides = pdag_arrow (truth, before, at) && pdag_arrow (truth, next, at);
    const bool open = at == ask->x || (collides ? leads_to_given (at, ask) : !is_given (at, ask));
    if (open && walk (at, next, visited | 1u << next, ask))
      return true;
  }
  return false;
}

static adze_status
ask_truth (const discover_tester *tester, const discover_ask *ask, void *scratch, double *p)
{
  (void)tester;
  (void)scratch;
  *p = walk (ask->x, ask->x, 1u << ask->x, ask) ? 0 : 1;
  return ADZE_OK;
}

static size_t
no_scratch (const discover_tester *tester, uint32_t given_count)
{
  (void)tester;
  return given_count;
}

static void
search_truth (discover_run *r)
{
  const discover_tester tester = { .r = r, .scratch = no_scratch, .ask = ask_truth, .most_given = UINT32_MAX };
  causal_forget (r);
  assert_int_equal (discover_skeleton (r, &tester, &r->found), ADZE_OK);
  assert_int_equal (discover_orient (r, &r->found), ADZE_OK);
}

static void
an_oracle_gives_the_class (void **state)
{
  enum { NODES = 7 };
  discover_run r;
  pdag g, class;
  uint8_t was[NODES * NODES];
  (void)state;
  causal_state = 2;
  causal_open (&r, NODES);
  assert_int_equal (discover_open_pdag (&causal_host, NODES, &g), ADZE_OK);
  assert_int_equal (discover_open_pdag (&causal_host, NODES, &class), ADZE_OK);
  truth = &g;
  for (int i = 0; i < 150; i++) {
    causal_draw (&g, 0.15 + 0.4 * causal_unit ());
    pdag_copy (&class, &g);
    pdag_forget (&class, was);
    for (int rule = DISCOVER_MAJORITY; rule <= DISCOVER_BEST; rule++) {
      r.settings.colliders = (discover_colliders)rule;
      search_truth (&r);
      assert_int_equal (pdag_distance (&r.found.graph, &class), 0);
      assert_int_equal (r.found.conflict_count + r.found.doubt_count, 0);
    }
  }
  discover_close_pdag (&causal_host, &g);
  discover_close_pdag (&causal_host, &class);
  causal_close (&r);
}

/* ---- Knowledge. What is true makes more arrows; what is not true stands all the same. */

static void
say (discover_run *r, uint32_t from, uint32_t to, uint8_t what)
{
  r->knowledge.pairs[from * r->count + to] |= what;
  if (what & DISCOVER_REQUIRED)
    r->knowledge.pairs[to * r->count + from] |= DISCOVER_FORBIDDEN;
}

static void
true_knowledge_agrees_with_the_truth (void **state)
{
  enum { NODES = 7 };
  discover_run r;
  pdag g;
  (void)state;
  causal_state = 4;
  causal_open (&r, NODES);
  assert_int_equal (discover_open_pdag (&causal_host, NODES, &g), ADZE_OK);
  truth = &g;
  for (int i = 0; i < 200; i++) {
    causal_draw (&g, 0.4);
    memset (r.knowledge.pairs, 0, NODES * NODES);
    for (int k = 0; k < 6; k++) {
      const uint32_t a = causal_below (NODES), b = causal_below (NODES);
      if (a != b && !pdag_arrow (&g, a, b))
        say (&r, a, b, DISCOVER_FORBIDDEN);
      else if (a != b)
        say (&r, a, b, DISCOVER_REQUIRED);
    }
    search_truth (&r);
    for (uint32_t a = 0; a < NODES; a++)
      for (uint32_t b = 0; b < NODES; b++) {
        assert_true (pdag_adjacent (&g, a, b) == pdag_adjacent (&r.found.graph, a, b));
        assert_true (!pdag_arrow (&r.found.graph, a, b) || pdag_arrow (&g, a, b));
        assert_true (discover_may (&r.knowledge, a, b) || !pdag_leads (&r.found.graph, a, b));
      }
    assert_int_equal (r.found.left_out_count, 0);
  }
  discover_close_pdag (&causal_host, &g);
  causal_close (&r);
}

static void
no_knowledge_is_ever_broken (void **state)
{
  enum { NODES = 8 };
  discover_run r;
  pdag g, known;
  (void)state;
  causal_state = 5;
  assert_int_equal (discover_open_pdag (&causal_host, NODES, &g), ADZE_OK);
  assert_int_equal (discover_open_pdag (&causal_host, NODES, &known), ADZE_OK);
  for (int i = 0; i < 100; i++) {
    causal_open (&r, NODES);
    causal_draw (&g, 0.5);
    causal_fill (&r, &g, 80, 0.1, 0.8);
    memset (known.leads, 0, NODES * NODES);
    for (int k = 0; k < 24; k++) {
      const uint32_t a = causal_below (NODES), b = causal_below (NODES);
      if (a == b)
        continue;
      if (k < 4 && !pdag_adjacent (&known, a, b) && !pdag_reaches (&known, b, a)) {
        pdag_set_arrow (&known, a, b, PDAG_BY_NOTHING);
        say (&r, a, b, DISCOVER_REQUIRED);
      } else if (k >= 4 && !discover_must (&r.knowledge, a, b)) {
        say (&r, a, b, DISCOVER_FORBIDDEN);
      }
    }
    discover_tester tester = { .r = &r, .data = &r.data, .scratch = discover_fisher_scratch, .ask = discover_fisher_ask,
                               .most_given = 70 };
    causal_forget (&r);
    assert_int_equal (discover_correlate (&r, &r.data, &tester.correlations), ADZE_OK);
    assert_int_equal (discover_skeleton (&r, &tester, &r.found), ADZE_OK);
    assert_int_equal (discover_orient (&r, &r.found), ADZE_OK);
    for (uint32_t a = 0; a < NODES; a++)
      for (uint32_t b = 0; b < NODES; b++) {
        assert_true (discover_may (&r.knowledge, a, b) || !pdag_leads (&r.found.graph, a, b));
        assert_true (!discover_must (&r.knowledge, a, b) || pdag_arrow (&r.found.graph, a, b));
      }
    assert_false (causal_has_circle (&r.found.graph));
    free (tester.correlations);
    causal_close (&r);
  }
  discover_close_pdag (&causal_host, &g);
  discover_close_pdag (&causal_host, &known);
}

static bool
stop_it (const adze_host *host, adze_context *context, uint64_t done, uint64_t total)
{
  (void)host;
  (void)context;
  (void)done;
  (void)total;
  return false;
}

/* There may be millions of triples: whoever waits can stop the orientation, too. */
static void
an_orientation_can_be_stopped (void **state)
{
  enum { NODES = 7 };
  static const adze_run_service stopped = { .struct_size = sizeof stopped, .progress = stop_it };
  discover_run r;
  pdag g;
  (void)state;
  causal_state = 6;
  causal_open (&r, NODES);
  assert_int_equal (discover_open_pdag (&causal_host, NODES, &g), ADZE_OK);
  causal_draw (&g, 0.4);
  truth = &g;
  const discover_tester tester = { .r = &r, .scratch = no_scratch, .ask = ask_truth, .most_given = UINT32_MAX };
  causal_forget (&r);
  assert_int_equal (discover_skeleton (&r, &tester, &r.found), ADZE_OK);
  r.run = &stopped;
  assert_int_equal (discover_orient (&r, &r.found), ADZE_E_CANCELLED);
  causal_close (&r);
  discover_close_pdag (&causal_host, &g);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (tails_are_those_of_scipy),
    cmocka_unit_test (fishers_z_is_that_of_residuals),
    cmocka_unit_test (a_sum_of_columns_is_refused),
    cmocka_unit_test (strata_have_their_own_degrees),
    cmocka_unit_test (sorted_rows_say_what_cells_say),
    cmocka_unit_test (a_class_is_what_all_have_in_common),
    cmocka_unit_test (the_fourth_rule_needs_knowledge),
    cmocka_unit_test (an_oracle_gives_the_class),
    cmocka_unit_test (true_knowledge_agrees_with_the_truth),
    cmocka_unit_test (no_knowledge_is_ever_broken),
    cmocka_unit_test (an_orientation_can_be_stopped),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
