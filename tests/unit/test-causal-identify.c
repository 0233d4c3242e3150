/* SPDX-License-Identifier: Apache-2.0 */
/* Identification by itself: formulas read as people write them; what a formula says of a distribution is what setting
 * does to the model behind it, for models with hidden causes drawn at random, and hedges are hedges; what is separated is
 * independent in them; backdoor sets against trying all sets. */
#include "fake-host.h"

#include "../../plugins/techniques/causal-identify/adjust.c"
#include "../../plugins/techniques/causal-identify/formula.c"
#include "../../plugins/techniques/causal-identify/formula_text.c"
#include "../../plugins/techniques/causal-identify/graph.c"
#include "../../plugins/techniques/causal-identify/id.c"

static ident_graph graph;

static void
begin (const char *const *names, uint32_t count)
{
  memset (&graph, 0, sizeof graph);
  graph.count = count;
  for (uint32_t i = 0; i < count; i++)
    graph.names[i] = names[i];
}

static void
cause (uint32_t from, uint32_t to)
{
  ident_add (&graph.parents[to], from);
}

static void
hidden (uint32_t a, uint32_t b)
{
  ident_add (&graph.siblings[a], b);
  ident_add (&graph.siblings[b], a);
}

/* ---- Texts. */

static void
reads (uint32_t x, uint32_t y, ident_set given, const char *expected)
{
  ident_room room = { .host = &fake_host, .graph = &graph };
  static ident_hedge hedge;
  const ident_formula *formula = NULL;
  adze_bytes text = { 0 };
  assert_true (ident_graph_sort (&graph));
  assert_int_equal (ident_identify (&room, ident_one (y), ident_one (x), given, &formula, &hedge), ADZE_OK);
  assert_true ((formula != NULL) == (expected != NULL));
  if (formula) {
    assert_int_equal (ident_write (&room, formula, &text), ADZE_OK);
    assert_int_equal (adze_bytes_add (&fake_host, &text, "", 1), ADZE_OK);
    assert_string_equal (text.data, expected);
  }
  adze_bytes_release (&fake_host, &text);
  ident_room_close (&room);
}

static void
formulas_read_as_people_write_them (void **state)
{
  static const char *const names[] = { "M", "X", "Y", "Z" };
  static const char *const odd[] = { "a \"b\"", "x", "y" };
  (void)state;
  begin (names, 3); /* front door */
  cause (1, 0);
  cause (0, 2);
  hidden (1, 2);
  reads (1, 2, ident_none (), "sum_{M} P(M|X) sum_{X'} P(X') P(Y|M,X')");
  begin (odd, 3); /* backdoor */
  cause (0, 1);
  cause (0, 2);
  cause (1, 2);
  reads (1, 2, ident_none (), "sum_{\"a \"\"b\"\"\"} P(\"a \"\"b\"\"\") P(y|\"a \"\"b\"\"\",x)");
  reads (2, 1, ident_none (), "P(x)");
  begin (names, 3); /* bow */
  cause (1, 2);
  hidden (1, 2);
  reads (1, 2, ident_none (), NULL);
  begin (names, 3); /* what X does to M is not known, and with M given does not matter */
  cause (1, 0);
  hidden (1, 0);
  cause (0, 2);
  reads (1, 2, ident_one (0), "P(Y|M)");
  reads (1, 2, ident_none (), NULL);
}

/* ---- Separators, against trying all sets. */

static uint64_t seed;

static uint32_t
draw (uint32_t limit)
{
  seed = seed * UINT64_C (6364136223846793005) + UINT64_C (1442695040888963407);
  return (uint32_t)(seed >> 33) % limit;
}

static void
any_graph (uint32_t count)
{
  static const char *const names[] = { "A", "B", "C", "D", "E", "F", "G" };
  begin (names, count);
  for (uint32_t a = 0; a < count; a++)
    for (uint32_t b = a + 1; b < count; b++) {
      if (draw (10) < 4)
        cause (a, b);
      if (draw (10) < 2)
        hidden (a, b);
    }
  assert_true (ident_graph_sort (&graph));
}

static ident_set
subset (uint32_t bits)
{
  return (ident_set){ { bits } };
}

static bool
is_backdoor (uint32_t x, uint32_t y, uint32_t bits)
{
  const ident_view whole = ident_whole (&graph);
  ident_view cut = whole;
  cut.no_out = ident_one (x);
  return !ident_meet (subset (bits), ident_or (ident_descendants (&whole, ident_one (x)), ident_one (y)))
         && ident_separated (&cut, ident_one (x), ident_one (y), subset (bits));
}

static bool
is_minimal (uint32_t x, uint32_t y, uint32_t bits)
{
  if (!is_backdoor (x, y, bits))
    return false;
  for (uint32_t part = 0; part < bits; part++)
    if ((part & bits) == part && is_backdoor (x, y, part))
      return false;
  return true;
}

static void
minimal_backdoor_sets_are_all_there (void **state)
{
  const ident_watch watch = { .host = &fake_host };
  (void)state;
  seed = 3;
  for (int round = 0; round < 200; round++) {
    const uint32_t count = 4 + draw (4), x = draw (count), y = (x + 1 + draw (count - 1)) % count;
    uint32_t expected = 0;
    ident_sets found = { .count = 0 };
    any_graph (count);
    for (uint32_t bits = 0; bits < 1u << count; bits++)
      expected += is_minimal (x, y, bits);
    assert_int_equal (ident_backdoors (&watch, &graph, ident_one (x), ident_one (y), &found), ADZE_OK);
    assert_int_equal (found.count, expected);
    for (size_t i = 0; i < found.count; i++)
      assert_true (is_minimal (x, y, (uint32_t)found.items[i].words[0]));
    ident_sets_close (&fake_host, &found);
  }
}

/* ---- Formulas, against models that are set. */

enum { NODES = 5, HIDDEN = 10, VALUES = 1 << NODES };

/* All is yes or no. A hidden cause is HIDDEN bits; a node is yes with a chance that depends on all above it. */
typedef struct world {
  uint32_t hidden_from[HIDDEN], hidden_to[HIDDEN], hidden_count;
  uint64_t salt;
  double joint[VALUES];
} world;

static uint64_t
mix (uint64_t hash)
{
  hash = (hash ^ (hash >> 31)) * UINT64_C (0xbf58476d1ce4e5b9);
  hash = (hash ^ (hash >> 27)) * UINT64_C (0x94d049bb133111eb);
  return hash ^ (hash >> 33);
}

static double
chance (const world *w, uint32_t node, uint32_t values, uint32_t bits)
{
  uint64_t hash = w->salt + node * UINT64_C (0x9e3779b97f4a7c15);
  for (uint32_t v = 0; v < graph.count; v++)
    if (ident_has (&graph.parents[node], v))
      hash = mix (hash + (values >> v & 1) + 2 * v);
  for (uint32_t h = 0; h < w->hidden_count; h++)
    if (w->hidden_from[h] == node || w->hidden_to[h] == node)
      hash = mix (hash + (bits >> h & 1) + 256 * h);
  return 0.1 + 0.8 * (double)(mix (hash) >> 40) / (double)(1 << 24);
}

/* X: the node that is set to what it has in a row; NODES: none is. */
static void
fill_joint (world *w, uint32_t x)
{
  memset (w->joint, 0, sizeof w->joint);
  for (uint32_t bits = 0; bits < 1u << w->hidden_count; bits++)
    for (uint32_t values = 0; values < 1u << graph.count; values++) {
      double p = 1.0 / (1 << w->hidden_count);
      for (uint32_t v = 0; v < graph.count; v++) {
        const double yes = chance (w, v, values, bits);
        p *= v == x ? 1 : values >> v & 1 ? yes : 1 - yes;
      }
      w->joint[values] += p;
    }
}

static double
probability (const world *w, ident_set of, uint32_t values)
{
  double sum = 0;
  for (uint32_t row = 0; row < 1u << graph.count; row++)
    if (((row ^ values) & (uint32_t)of.words[0]) == 0)
      sum += w->joint[row];
  return sum;
}

static double
value_of (const world *w, const ident_formula *f, uint32_t values)
{
  double number = 1;
  switch (f->kind) {
  case IDENT_P:
    return ident_empty (f->head)
               ? 1 : probability (w, ident_or (f->head, f->given), values) / probability (w, f->given, values);
  case IDENT_PRODUCT:
    for (uint32_t i = 0; i < f->count; i++)
      number *= value_of (w, f->items[i], values);
    return number;
  case IDENT_SUM:
    number = 0;
    for (uint32_t row = 0; row < 1u << graph.count; row++)
      if ((row & (uint32_t)f->head.words[0]) == row)
        number += value_of (w, f->items[0], (values & ~(uint32_t)f->head.words[0]) | row);
    return number;
  default:
    return value_of (w, f->items[0], values) / value_of (w, f->items[1], values);
  }
}

static void
note_hidden (world *w)
{
  w->hidden_count = 0;
  w->salt = ((uint64_t)draw (1 << 30) << 20) + draw (1 << 20);
  for (uint32_t a = 0; a < graph.count; a++)
    for (uint32_t b = a + 1; b < graph.count; b++)
      if (ident_has (&graph.siblings[a], b)) {
        w->hidden_from[w->hidden_count] = a;
        w->hidden_to[w->hidden_count++] = b;
      }
}

/* Is A independent of B, given the others? */
static bool
is_independent (const world *w, uint32_t a, uint32_t b, ident_set others)
{
  const ident_set both = ident_or (ident_one (a), ident_one (b));
  for (uint32_t values = 0; values < 1u << graph.count; values++) {
    const double all = probability (w, others, values);
    const double joint = probability (w, ident_or (others, both), values) / all;
    const double left = probability (w, ident_or (others, ident_one (a)), values) / all;
    const double right = probability (w, ident_or (others, ident_one (b)), values) / all;
    if (joint - left * right > 1e-10 || left * right - joint > 1e-10)
      return false;
  }
  return true;
}

static void
separated_is_what_is_independent (void **state)
{
  uint32_t separated = 0;
  (void)state;
  seed = 17;
  for (int round = 0; round < 300; round++) {
    static world seen;
    const uint32_t a = draw (NODES), b = (a + 1 + draw (NODES - 1)) % NODES;
    any_graph (NODES);
    const ident_view whole = ident_whole (&graph);
    const ident_set others = ident_less (subset (draw (VALUES)), ident_or (ident_one (a), ident_one (b)));
    note_hidden (&seen);
    fill_joint (&seen, NODES);
    const bool yes = ident_separated (&whole, ident_one (a), ident_one (b), others);
    assert_int_equal (yes, is_independent (&seen, a, b, others));
    separated += yes;
  }
  assert_in_range (separated, 30, 270);
}

/* Two forests of the graph's own edges, with the same roots, which lead to Y without what is set. */
static void
is_hedge (const ident_hedge *hedge, ident_set x, ident_set y)
{
  ident_view cut = ident_whole (&graph);
  cut.no_in = x;
  assert_true (ident_within (hedge->roots, ident_ancestors (&cut, y)));
  assert_true (ident_within (hedge->roots, hedge->inner) && ident_within (hedge->inner, hedge->outer));
  assert_true (!ident_meet (hedge->inner, x) && ident_meet (hedge->outer, x));
  uint32_t first = 0;
  for IDENT_EACH (v, hedge->outer) {
    const uint32_t child = hedge->child[v], sibling = hedge->joined[v];
    const ident_set within = ident_has (&hedge->inner, v) ? hedge->inner : hedge->outer;
    assert_int_equal (child == IDENT_NODES, ident_has (&hedge->roots, v));
    assert_true (child == IDENT_NODES || (ident_has (&graph.parents[child], v) && ident_has (&within, child)));
    assert_true (sibling == IDENT_NODES || (ident_has (&graph.siblings[sibling], v) && ident_has (&within, sibling)));
    first += sibling == IDENT_NODES;
  }
  assert_int_equal (first, 1);
}

static void
formulas_say_what_setting_does (void **state)
{
  uint32_t identified = 0;
  (void)state;
  seed = 9;
  for (int round = 0; round < 600; round++) {
    static world seen, set;
    static ident_hedge hedge;
    const uint32_t x = draw (NODES), y = (x + 1 + draw (NODES - 1)) % NODES;
    const uint32_t third = (y + 1 + draw (NODES - 1)) % NODES;
    ident_room room = { .host = &fake_host, .graph = &graph };
    const ident_formula *formula = NULL;
    any_graph (NODES);
    const ident_set given = third == x || round % 3 ? ident_none () : ident_one (third);
    note_hidden (&seen);
    set = seen;
    fill_joint (&seen, NODES);
    fill_joint (&set, x);
    assert_int_equal (ident_identify (&room, ident_one (y), ident_one (x), given, &formula, &hedge), ADZE_OK);
    for (uint32_t values = 0; formula && values < 1u << NODES; values++) {
      const ident_set with = ident_or (given, ident_one (x));
      const double truth
          = probability (&set, ident_or (with, ident_one (y)), values) / probability (&set, with, values);
      assert_float_equal (value_of (&seen, formula, values), truth, 1e-9);
    }
    if (!formula)
      is_hedge (&hedge, ident_one (x), ident_or (ident_one (y), given));
    identified += formula != NULL;
    ident_room_close (&room);
  }
  assert_in_range (identified, 200, 599);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (formulas_read_as_people_write_them),
    cmocka_unit_test (minimal_backdoor_sets_are_all_there),
    cmocka_unit_test (separated_is_what_is_independent),
    cmocka_unit_test (formulas_say_what_setting_does),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
