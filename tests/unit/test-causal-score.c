/* SPDX-License-Identifier: Apache-2.0 */
/* GES and NOTEARS of causal-discover by their parts: scores against closed forms, the search against the truth where data say
 * all of it, knowledge that nothing gets past; exponentials, the least of a function with a corner, weights without circles. */
#include "causal-run.h"

#include "../../plugins/techniques/causal-discover/exponential.c"
#include "../../plugins/techniques/causal-discover/fisher.c"
#include "../../plugins/techniques/causal-discover/found.c"
#include "../../plugins/techniques/causal-discover/ges.c"
#include "../../plugins/techniques/causal-discover/notears.c"
#include "../../plugins/techniques/causal-discover/operators.c"
#include "../../plugins/techniques/causal-discover/pdag.c"
#include "../../plugins/techniques/causal-discover/quasi-newton.c"
#include "../../plugins/techniques/causal-discover/score.c"
#include "../../plugins/techniques/causal-discover/strata.c"
#include "../../plugins/techniques/causal-discover/tails.c"

/* columns.c needs a table for all else. */
double
discover_standardise (double *column, size_t rows)
{
  double squares = 0;
  for (size_t i = 0; i < rows; i++)
    squares += column[i] * column[i] / (double)rows;
  for (size_t i = 0; i < rows; i++)
    column[i] /= sqrt (squares);
  return sqrt (squares);
}

static void
assert_near (double found, double wanted, double share)
{
  if (!(fabs (found - wanted) <= share * fabs (wanted)))
    fail_msg ("found %.17g, wanted %.17g", found, wanted);
}

/* As many rows as columns, whose squares and products are those of endless data: row K is what noise in variable K alone
 * would do to all. */
static void
fill_without_noise (discover_run *r, const pdag *g, double low, double high)
{
  const uint32_t n = r->count;
  double weights[16][16] = { { 0 } };
  free (r->data.numbers);
  free (r->data.spread);
  r->data = (discover_data){ .count = n, .rows = n, .numbers = calloc ((size_t)n * n, sizeof (double)),
                             .spread = calloc (n, sizeof (double)) };
  assert_true (r->data.numbers && r->data.spread);
  for (uint32_t a = 0; a < n; a++)
    for (uint32_t b = 0; b < n; b++)
      if (pdag_arrow (g, a, b))
        weights[a][b] = (low + (high - low) * causal_unit ()) * (causal_unit () < 0.5 ? -1 : 1);
  for (uint32_t k = 0; k < n; k++) {
    double *noise = r->data.numbers + k;
    noise[k * n] = sqrt (n);
    for (uint32_t pass = 0; pass < n; pass++)
      for (uint32_t b = 0; b < n; b++) {
        double sum = b == k ? sqrt (n) : 0;
        for (uint32_t a = 0; a < n; a++)
          sum += weights[a][b] * noise[a * n];
        noise[b * n] = sum;
      }
  }
  for (uint32_t i = 0; i < n; i++)
    r->data.spread[i] = discover_standardise (r->data.numbers + (size_t)i * n, n);
}

/* ---- Scores. */

static double
score_of (discover_run *r, uint32_t node, const uint32_t *parents, uint32_t count)
{
  discover_scorer scorer;
  assert_int_equal (discover_open_scorer (r, &r->data, &scorer), ADZE_OK);
  void *room = malloc (discover_score_scratch (&scorer, count));
  const double score = discover_score_of (&scorer, node, parents, count, room);
  free (room);
  discover_close_scorer (&scorer);
  return score;
}

static void
open_categories (discover_run *r)
{
  static const uint32_t kinds[3] = { 2, 3, 2 };
  causal_open (r, 3);
  r->data = (discover_data){ .count = 3, .rows = 40, .codes = calloc (3, 40), .kinds = calloc (3, sizeof (uint32_t)) };
  assert_true (r->data.codes && r->data.kinds);
  memcpy (r->data.kinds, kinds, sizeof kinds);
  for (uint32_t row = 0; row < 40; row++) {
    r->data.codes[row] = row % 4 == 0;
    r->data.codes[40 + row] = (uint8_t)(row % 7 % 3);
    r->data.codes[80 + row] = (uint8_t)((row % 4 == 0) ^ (row % 5 == 1));
  }
}

/* By numpy and scipy.special.gammaln, from the counts of the same rows. */
static void
scores_are_those_of_closed_forms (void **state)
{
  static const uint32_t both[2] = { 0, 1 };
  discover_run r;
  (void)state;
  open_categories (&r);
  r.settings.score = DISCOVER_DISCRETE_BIC;
  assert_near (score_of (&r, 2, both, 2), -29.36309717252988, 1e-12);
  r.settings.score = DISCOVER_BDEU;
  assert_near (score_of (&r, 2, both, 2), -24.844828681393043, 1e-12);
  assert_near (score_of (&r, 1, NULL, 0), -44.986036064271616, 1e-12);
  causal_close (&r);
}

static void
equivalent_graphs_score_the_same (void **state)
{
  static const uint32_t zero[1] = { 0 }, two[1] = { 2 };
  discover_run r;
  pdag g;
  (void)state;
  open_categories (&r);
  for (int score = DISCOVER_DISCRETE_BIC; score <= DISCOVER_BDEU; score++) {
    r.settings.score = (discover_score)score;
    assert_near (score_of (&r, 0, NULL, 0) + score_of (&r, 2, zero, 1), score_of (&r, 2, NULL, 0) + score_of (&r, 0, two, 1),
                 1e-12);
  }
  causal_close (&r);
  causal_open (&r, 3);
  assert_int_equal (discover_open_pdag (&causal_host, 3, &g), ADZE_OK);
  causal_draw (&g, 1);
  causal_fill (&r, &g, 100, 0.5, 1);
  assert_near (score_of (&r, 0, NULL, 0) + score_of (&r, 2, zero, 1), score_of (&r, 2, NULL, 0) + score_of (&r, 0, two, 1),
               1e-12);
  discover_close_pdag (&causal_host, &g);
  causal_close (&r);
}

/* Rows are counted in cells, or sorted where there might be too many. */
static void
sorted_rows_score_what_cells_score (void **state)
{
  static const uint32_t both[2] = { 0, 1 };
  discover_run r;
  (void)state;
  open_categories (&r);
  uint32_t *cells = calloc (40, sizeof *cells);
  uint64_t keys[40];
  assert_non_null (cells);
  r.settings.score = DISCOVER_BDEU;
  const discover_scorer scorer = { .r = &r, .data = &r.data };
  discover_sort_rows (&r.data, both, 2, keys);
  const double sorted = score_sorted (&scorer, 2, keys, cells, 10. / 12, 10. / 6);
  assert_near (score_cells (&scorer, 2, both, 2, cells, 10. / 12, 10. / 6), sorted, 1e-12);
  free (cells);
  causal_close (&r);
}

/* ---- GES. With data that say all, it must find the class (Chickering). */

static void
ges_finds_the_class (void **state)
{
  enum { NODES = 7 };
  discover_run r;
  pdag g;
  uint8_t was[NODES * NODES];
  (void)state;
  causal_state = 1;
  causal_open (&r, NODES);
  r.settings.method = DISCOVER_GES;
  r.settings.penalty = 1e-5;
  assert_int_equal (discover_open_pdag (&causal_host, NODES, &g), ADZE_OK);
  for (int i = 0; i < 150; i++) {
    causal_draw (&g, 0.2 + 0.4 * causal_unit ());
    fill_without_noise (&r, &g, 0.4, 1.2);
    causal_forget (&r);
    assert_int_equal (discover_by_score (&r, &r.data, false, &r.found), ADZE_OK);
    pdag_forget (&g, was);
    assert_int_equal (pdag_distance (&g, &r.found.graph), 0);
  }
  discover_close_pdag (&causal_host, &g);
  causal_close (&r);
}

/* ---- Knowledge, true or not. */

static void
say_something (discover_run *r, pdag *known)
{
  memset (known->leads, 0, (size_t)r->count * r->count);
  memset (r->knowledge.pairs, 0, (size_t)r->count * r->count);
  for (int k = 0; k < 18; k++) {
    const uint32_t a = causal_below (r->count), b = causal_below (r->count);
    uint8_t *to = &r->knowledge.pairs[a * r->count + b], *back = &r->knowledge.pairs[b * r->count + a];
    if (a == b)
      continue;
    if (k < 4 && !pdag_reaches (known, b, a)) {
      pdag_set_arrow (known, a, b, PDAG_BY_NOTHING);
      *to |= DISCOVER_REQUIRED;
      *back |= DISCOVER_FORBIDDEN;
    } else if (k >= 4 && !(*to & DISCOVER_REQUIRED)) {
      *to |= DISCOVER_FORBIDDEN;
    }
  }
}

static void
no_knowledge_is_ever_broken (void **state)
{
  enum { NODES = 7 };
  discover_run r;
  pdag g, known;
  (void)state;
  causal_state = 5;
  assert_int_equal (discover_open_pdag (&causal_host, NODES, &g), ADZE_OK);
  assert_int_equal (discover_open_pdag (&causal_host, NODES, &known), ADZE_OK);
  for (int i = 0; i < 120; i++) {
    causal_open (&r, NODES);
    r.settings.method = i % 4 == 0 ? DISCOVER_NOTEARS : DISCOVER_GES;
    causal_draw (&g, 0.5);
    causal_fill (&r, &g, 60, 0.2, 1);
    say_something (&r, &known);
    causal_forget (&r);
    assert_int_equal ((i % 4 == 0 ? discover_by_weights : discover_by_score) (&r, &r.data, false, &r.found), ADZE_OK);
    for (uint32_t a = 0; a < NODES; a++)
      for (uint32_t b = 0; b < NODES; b++) {
        assert_true (discover_may (&r.knowledge, a, b) || !pdag_leads (&r.found.graph, a, b));
        assert_true (!discover_must (&r.knowledge, a, b) || pdag_arrow (&r.found.graph, a, b));
      }
    assert_false (causal_has_circle (&r.found.graph));
    causal_close (&r);
  }
  discover_close_pdag (&causal_host, &g);
  discover_close_pdag (&causal_host, &known);
}

/* ---- Exponentials: of a turn by 2 radians without its sign, cosh and sinh; of what is nilpotent, a sum of three. */

static void
exponentials_are_those_of_closed_forms (void **state)
{
  static const double turn[4] = { 0, 2, 2, 0 }, steps[9] = { 0, 3, 5, 0, 0, 7, 0, 0, 0 };
  static const double large[4] = { 30, 0, 0, 1 };
  double e[9], room[36];
  (void)state;
  assert_int_equal (discover_exponential (&causal_host, 2, turn, e, room), ADZE_OK);
  assert_near (e[0], cosh (2), 1e-13);
  assert_near (e[1], sinh (2), 1e-13);
  assert_int_equal (discover_exponential (&causal_host, 2, large, e, room), ADZE_OK);
  assert_near (e[0], exp (30), 1e-12);
  assert_near (e[3], exp (1), 1e-12);
  assert_int_equal (discover_exponential (&causal_host, 3, steps, e, room), ADZE_OK);
  assert_near (e[1], 3, 1e-13);
  assert_near (e[2], 5 + 3 * 7 / 2., 1e-13);
  assert_true (e[0] == 1 && e[3] == 0 && e[6] == 0);
}

/* ---- The least of (x - c)^2 k / 2 + |x|: c drawn towards zero by 1 / k. One number must stay. */

enum { NUMBERS = 6 };
static const double centres[NUMBERS] = { 5, -3, 0.01, -0.2, 40, 7 }, slopes[NUMBERS] = { 1, 2, 10, 3, 0.5, 1 };

static adze_status
bowl (void *argument, const double *at, double *value, double *slope)
{
  (void)argument;
  *value = 0;
  for (int i = 0; i < NUMBERS; i++) {
    *value += slopes[i] * (at[i] - centres[i]) * (at[i] - centres[i]) / 2;
    slope[i] = slopes[i] * (at[i] - centres[i]);
  }
  return ADZE_OK;
}

static void
the_least_is_drawn_to_zero (void **state)
{
  static const uint8_t open[NUMBERS] = { 1, 1, 1, 1, 1, 0 };
  const discover_problem problem
      = { .host = &causal_host, .count = NUMBERS, .lambda = 1, .open = open, .value = bowl, .most = 1000 };
  double at[NUMBERS] = { -8, 9, 3, 5, -30, 0 };
  (void)state;
  assert_int_equal (discover_minimise (&problem, at), ADZE_OK);
  assert_near (at[0], 4, 1e-6);
  assert_near (at[1], -2.5, 1e-6);
  assert_true (at[2] == 0 && at[3] == 0 && at[5] == 0);
  assert_near (at[4], 38, 1e-6);
}

/* ---- NOTEARS: noise of one variance, so that the directions are told as well. */

/* The slope is what a small step makes of the value. */
static void
slopes_are_those_of_small_steps (void **state)
{
  enum { NODES = 5 };
  double numbers[8][NODES * NODES], room[4 * NODES * NODES], *weights = numbers[1];
  discover_run r = { .host = &causal_host };
  fitting f = { .r = &r, .n = NODES, .covariances = numbers[0], .squares = numbers[2], .exponential = numbers[3],
                .product = numbers[4], .room = room, .price = 0.7, .stiffness = 3 };
  (void)state;
  causal_state = 8;
  for (int i = 0; i < NODES; i++)
    for (int k = 0; k <= i; k++)
      f.covariances[i * NODES + k] = f.covariances[k * NODES + i] = i == k ? 3 : causal_unit ();
  for (int i = 0; i < NODES * NODES; i++)
    weights[i] = causal_normal () / 2;
  double value, above, below, *slope = numbers[5], *other = numbers[6];
  assert_int_equal (objective (&f, weights, &value, slope), ADZE_OK);
  for (int i = 0; i < NODES * NODES; i++) {
    const double was = weights[i], step = 1e-5;
    weights[i] = was + step;
    assert_int_equal (objective (&f, weights, &above, other), ADZE_OK);
    weights[i] = was - step;
    assert_int_equal (objective (&f, weights, &below, other), ADZE_OK);
    weights[i] = was;
    if (fabs ((above - below) / (2 * step) - slope[i]) > 1e-6 * (1 + fabs (slope[i])))
      fail_msg ("weight %d: slope %.10g, by steps %.10g", i, slope[i], (above - below) / (2 * step));
  }
}

static void
notears_finds_the_graph (void **state)
{
  enum { NODES = 7, GRAPHS = 30 };
  discover_run r;
  pdag g;
  int whole = 0;
  (void)state;
  causal_state = 3;
  causal_open (&r, NODES);
  r.settings.method = DISCOVER_NOTEARS;
  r.settings.lambda = 0.01;
  assert_int_equal (discover_open_pdag (&causal_host, NODES, &g), ADZE_OK);
  for (int i = 0; i < GRAPHS; i++) {
    causal_draw (&g, 0.3);
    fill_without_noise (&r, &g, 0.6, 1.5);
    causal_forget (&r);
    assert_int_equal (discover_by_weights (&r, &r.data, false, &r.found), ADZE_OK);
    assert_true (r.found.circle <= 1e-8);
    whole += pdag_distance (&g, &r.found.graph) == 0;
  }
  if (whole < GRAPHS * 8 / 10) /* it goes downhill from zero, and there is more than one valley */
    fail_msg ("%d of %d graphs were found", whole, GRAPHS);
  discover_close_pdag (&causal_host, &g);
  causal_close (&r);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (scores_are_those_of_closed_forms),
    cmocka_unit_test (equivalent_graphs_score_the_same),
    cmocka_unit_test (sorted_rows_score_what_cells_score),
    cmocka_unit_test (ges_finds_the_class),
    cmocka_unit_test (no_knowledge_is_ever_broken),
    cmocka_unit_test (exponentials_are_those_of_closed_forms),
    cmocka_unit_test (the_least_is_drawn_to_zero),
    cmocka_unit_test (slopes_are_those_of_small_steps),
    cmocka_unit_test (notears_finds_the_graph),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
