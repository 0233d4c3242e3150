/* SPDX-License-Identifier: Apache-2.0 */
/* What is seen of the values inside a network: the numbers themselves, and statistics of all. */
#include "train-networks.h"

#include "graph/tap.h"

enum { EXAMPLES = 3 };

/* relu (x) of [N, 2], and twice of that: the value in the middle is no output by itself. */
typedef struct bent {
  adze_graph *graph;
  uint32_t x, middle, end;
} bent;

static void
make_bent (bent *b)
{
  int64_t shape[] = { 0, 2 };
  must (adze_graph_new ("bent", &b->graph));
  must (adze_graph_add_symbol (b->graph, "N", &shape[0]));
  must (adze_graph_add_input (b->graph, "x", f32, 2, shape, &b->x));
  b->middle = op (b->graph, "Relu", b->x, ADZE_NONE);
  b->end = op (b->graph, "Add", b->middle, b->middle);
  must (adze_graph_add_output (b->graph, b->end));
}

static adze_error *
feed_numbers (adze_tapped *tapped, float *numbers, int64_t examples)
{
  int64_t shape[] = { examples, 2 };
  const adze_view view = view_of (numbers, f32, 2, shape), *inputs[] = { &view };
  return adze_tapped_feed (tapped, inputs);
}

static void
values_and_their_statistics_are_seen (void **state)
{
  const engine *e = *state;
  const adze_compile_options options = { .ref = e->ref };
  float first[] = { -1, 2, 3, -4, .5f, 0 }, second[] = { 1, 9 };
  adze_tap_statistics s = { .struct_size = sizeof s };
  bent b;
  adze_tapped *tapped = NULL;
  make_bent (&b);
  const uint32_t values[] = { b.middle, b.x, b.end };
  must (adze_tapped_open (b.graph, values, 3, &options, &tapped));
  assert_null (adze_tapped_last (tapped, 0));
  must (adze_tapped_statistics (tapped, 0, &s));
  assert_int_equal (s.count, 0);
  assert_true (isnan (s.mean) && isnan (s.least));
  must (feed_numbers (tapped, first, EXAMPLES));
  must (feed_numbers (tapped, second, 1));

  /* The last batch, of the value in the middle. */
  const adze_view *last = adze_tapped_last (tapped, 0);
  assert_int_equal (last->shape[0], 1);
  assert_true (((const float *)last->data)[1] == 9);

  /* 0 2 3 0 .5 0 1 9 */
  must (adze_tapped_statistics (tapped, 0, &s));
  assert_int_equal (s.count, 8);
  assert_int_equal (s.zeros, 3);
  assert_true (s.least == 0 && s.most == 9);
  assert_true (fabs (s.mean - 15.5 / 8) < 1e-12);
  assert_true (fabs (s.variance - (95.25 / 8 - s.mean * s.mean)) < 1e-12);
  assert_true (s.range == 16);
  assert_int_equal (s.bins[0], 3);
  assert_int_equal (s.bins[2 * ADZE_TAP_BINS / 16], 1);
  assert_int_equal (s.bins[9 * ADZE_TAP_BINS / 16], 1);
  uint64_t all = 0;
  for (size_t i = 0; i < ADZE_TAP_BINS; i++)
    all += s.bins[i];
  assert_int_equal (all, 8);

  /* An input, with its sign, and what was an output all along. */
  must (adze_tapped_statistics (tapped, 1, &s));
  assert_true (s.least == -4 && s.most == 9);
  must (adze_tapped_statistics (tapped, 2, &s));
  assert_true (s.most == 18);
  must_fail (adze_tapped_statistics (tapped, 3, &s), ADZE_E_CONTRACT, "no value number 3", NULL);
  adze_tapped_close (tapped);
  adze_graph_free (b.graph);
}

/* The graph that was given is as it was: one output. */
static void
the_graph_is_left_alone (void **state)
{
  const engine *e = *state;
  const adze_compile_options options = { .ref = e->ref };
  size_t outputs;
  bent b;
  adze_tapped *tapped = NULL;
  make_bent (&b);
  must (adze_tapped_open (b.graph, &b.middle, 1, &options, &tapped));
  adze_graph_outputs (b.graph, &outputs);
  assert_int_equal (outputs, 1);
  adze_tapped_close (tapped);
  adze_graph_free (b.graph);
}

static void
what_is_not_finite_is_counted_apart (void **state)
{
  const engine *e = *state;
  const adze_compile_options options = { .ref = e->ref };
  float numbers[] = { NAN, 1, INFINITY, 3 };
  adze_tap_statistics s = { .struct_size = sizeof s };
  bent b;
  adze_tapped *tapped = NULL;
  make_bent (&b);
  must (adze_tapped_open (b.graph, &b.x, 1, &options, &tapped));
  must (feed_numbers (tapped, numbers, 2));
  must (adze_tapped_statistics (tapped, 0, &s));
  assert_int_equal (s.not_finite, 2);
  assert_int_equal (s.count, 2);
  assert_true (s.mean == 2 && s.most == 3);
  adze_tapped_close (tapped);
  adze_graph_free (b.graph);
}

static void
only_floats_are_looked_at (void **state)
{
  const engine *e = *state;
  const adze_compile_options options = { .ref = e->ref };
  adze_tapped *tapped = NULL;
  bent b;
  make_bent (&b);
  uint32_t shape = op (b.graph, "Shape", b.x, ADZE_NONE);
  must_fail (adze_tapped_open (b.graph, &shape, 1, &options, &tapped), ADZE_E_UNSUPPORTED,
             "statistics are of floats", NULL);
  adze_graph_free (b.graph);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (values_and_their_statistics_are_seen),
    cmocka_unit_test (the_graph_is_left_alone),
    cmocka_unit_test (what_is_not_finite_is_counted_apart),
    cmocka_unit_test (only_floats_are_looked_at),
  };
  return cmocka_run_group_tests_name ("taps", tests, engine_open, engine_close);
}
