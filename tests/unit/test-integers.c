/* SPDX-License-Identifier: Apache-2.0 */
/* The pass that computes in the integers of a quantised network: which nodes it makes, and that the
 * results are those of the floats but for codes that lay between two. Computed by ref. */
#include "quantised-networks.h"

enum { INTEGERS = 6 };

#define WITH_GRAPH(name) \
  (void)state; \
  ADZE_AUTO_GRAPH name = small_graph ()

typedef struct distance {
  size_t differ, count;
  float most;
} distance;

static distance
between (const answer *a, const answer *b)
{
  distance d = { 0 };
  assert_int_equal (a->count, b->count);
  for (size_t i = 0; i < a->count; i++) {
    const float *x = a->views[i].data, *y = b->views[i].data;
    size_t count = 1;
    assert_int_equal (a->views[i].rank, b->views[i].rank);
    for (int32_t k = 0; k < a->views[i].rank; k++) {
      assert_int_equal (a->shapes[i][k], b->shapes[i][k]);
      count *= (size_t)a->shapes[i][k];
    }
    for (size_t k = 0; k < count; k++) {
      float apart = fabsf (x[k] - y[k]);
      d.differ += apart > 0;
      d.most = apart > d.most ? apart : d.most;
    }
    d.count += count;
  }
  return d;
}

/* Puts GRAPH into integers; nothing is left to do then. */
static distance
in_integers (adze_graph *graph, uint64_t changes)
{
  uint64_t changed[ADZE_GRAPH_PASSES] = { 0 }, again[ADZE_GRAPH_PASSES] = { 0 };
  answer before = answer_of (graph);
  must (adze_graph_optimise (graph, ADZE_PASS_INTEGERS, changed));
  assert_int_equal (changed[INTEGERS], changes);
  answer after = answer_of (graph);
  must (adze_graph_optimise (graph, ADZE_PASS_INTEGERS, again));
  assert_int_equal (again[INTEGERS], 0);
  distance d = between (&before, &after);
  answer_free (&before);
  answer_free (&after);
  return d;
}

/* One step of SCALE at most, and of few codes. */
static void
nearly_the_same (distance d, float scale)
{
  assert_true (d.count > 20);
  if (d.most > scale * 1.001f || d.differ * 50 > d.count)
    fail_msg ("%zu of %zu differ, by %g at most", d.differ, d.count, (double)d.most);
}

static void
a_convolution_becomes_one_node (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = coded (g, INPUT (g, "x", 2, 4, 8, 8), u8, 0.008f, 128);
  uint32_t y = NODE (g, "Conv", "pads=1,1,1,1 strides=2,1 group=2", x,
                     CODED_WEIGHTS (g, 0, 6, 2, 3, 3), WEIGHT (g, "b", 6));
  small_output (g, "y", coded (g, NODE (g, "Relu", "", y), u8, 0.05f, 0));
  nearly_the_same (in_integers (g, 1), 0.05f);
  assert_int_equal (count_of (g, "QLinearConv"), 1);
  /* QuantizeLinear in front, DequantizeLinear behind, and the Identity that names the output. */
  assert_int_equal (count_of (g, NULL), 4);
  assert_int_equal (g->outputs.items[0], adze_graph_find (g, "y"));
}

/* A bound of codes where the type has none: the zero point is not the least code. */
static void
bounds_become_bounds_of_codes (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = coded (g, INPUT (g, "x", 2, 4, 6, 6), i8, 0.008f, 0);
  uint32_t y = NODE (g, "Conv", "", x, CODED_WEIGHTS (g, -1, 5, 4, 2, 2));
  y = NODE (g, "Clip", "", NODE (g, "Relu", "", y), single (g, -1), single (g, 0.75f));
  small_output (g, "y", coded (g, y, i8, 0.01f, -20));
  nearly_the_same (in_integers (g, 1), 0.01f);
  assert_int_equal (count_of (g, "QLinearConv"), 1);
  assert_int_equal (count_of (g, "Clip"), 1);
  assert_int_equal (count_of (g, "Relu"), 0);
}

static void
a_dense_layer_is_a_convolution_of_one_position (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = coded (g, INPUT (g, "x", -1, 40), u8, 0.008f, 127);
  uint32_t y = NODE (g, "Gemm", "transB=1", x, CODED_WEIGHTS (g, 0, 24, 40),
                     WEIGHT (g, "b1", 24));
  y = coded (g, NODE (g, "Relu", "", y), u8, 0.02f, 0);
  y = NODE (g, "Gemm", "", y, CODED_WEIGHTS (g, 1, 24, 11), WEIGHT (g, "b2", 1, 11));
  small_output (g, "y", coded (g, y, i8, 0.05f, 3));
  nearly_the_same (in_integers (g, 2), 0.05f);
  assert_int_equal (count_of (g, "QLinearConv"), 2);
  assert_int_equal (count_of (g, "Gemm"), 0);
  assert_int_equal (count_of (g, "Unsqueeze"), 1); /* the second takes what the first gives */
}

static void
products_without_a_bias (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = coded (g, INPUT (g, "x", -1, 3, 20), u8, 0.008f, 127);
  uint32_t y = NODE (g, "MatMul", "", x, CODED_WEIGHTS (g, 1, 20, 9));
  small_output (g, "y", coded (g, y, u8, 0.03f, 100));
  nearly_the_same (in_integers (g, 1), 0.03f);
  assert_int_equal (count_of (g, "QLinearMatMul"), 1);
}

/* Scores are floats: their sums are integers all the same. */
static void
sums_become_floats_where_no_codes_are_wanted (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = coded (g, INPUT (g, "x", 2, 4, 6, 6), u8, 0.008f, 128);
  uint32_t y = NODE (g, "Conv", "", x, CODED_WEIGHTS (g, 0, 3, 4, 3, 3), WEIGHT (g, "b1", 3));
  uint32_t z = coded (g, NODE (g, "Flatten", "", y), u8, 0.05f, 128);
  z = NODE (g, "Gemm", "transB=1", z, CODED_WEIGHTS (g, 0, 5, 48), WEIGHT (g, "b2", 5));
  z = NODE (g, "MatMul", "", coded (g, z, u8, 0.1f, 128), CODED_WEIGHTS (g, -1, 5, 30));
  small_output (g, "y", y); /* so the convolution is wanted in floats as well */
  small_output (g, "z", z);
  distance d = in_integers (g, 3);
  assert_true (d.most < 2e-5f);
  assert_int_equal (count_of (g, "ConvInteger"), 1);
  assert_int_equal (count_of (g, "QLinearConv"), 1);
  assert_int_equal (count_of (g, "MatMulInteger"), 1);
  assert_int_equal (count_of (g, "Cast"), 2);
}

/* What is pooled and flattened on the way is so in codes, wherever the quantiser put its nodes. */
static void
what_lies_in_between_is_done_on_codes (void **state)
{
  (void)state;
  for (int placing = 0; placing < 3; placing++) {
    ADZE_AUTO_GRAPH g = small_graph ();
    uint32_t x = coded (g, INPUT (g, "x", -1, 1, 10, 10), u8, 0.008f, 128);
    uint32_t y = NODE (g, "Conv", "pads=1,1,1,1", x, CODED_WEIGHTS (g, 0, 6, 1, 3, 3),
                       WEIGHT (g, "b1", 6));
    y = NODE (g, "Relu", "", y);
    if (placing < 2)
      y = coded (g, y, u8, 0.02f, 0);
    y = NODE (g, "MaxPool", "kernel_shape=2,2 strides=2,2", y);
    y = placing == 1 ? coded (g, y, u8, 0.02f, 0) : y;
    y = NODE (g, "Flatten", "", y);
    y = placing == 2 ? coded (g, y, u8, 0.02f, 0) : y;
    y = NODE (g, "Gemm", "transB=1", y, CODED_WEIGHTS (g, 0, 7, 150), WEIGHT (g, "b2", 7));
    small_output (g, "y", coded (g, y, u8, 0.1f, 128));
    uint64_t changed[ADZE_GRAPH_PASSES] = { 0 };
    answer before = answer_of (g);
    must (adze_graph_optimise (g, ADZE_PASS_INTEGERS, changed));
    answer after = answer_of (g);
    nearly_the_same (between (&before, &after), 0.1f);
    answer_free (&before);
    answer_free (&after);
    /* Two convolutions, the pool between them, codes in front and floats behind. */
    assert_int_equal (count_of (g, "QLinearConv"), 2);
    assert_int_equal (count_of (g, "MaxPool"), 1);
    assert_int_equal (count_of (g, "QuantizeLinear"), 1);
    assert_int_equal (count_of (g, "DequantizeLinear"), 1);
  }
}

/* Weights that are still floats; scales and zero points that are not the same. */
static void
what_is_no_quantised_product_stays (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = coded (g, INPUT (g, "x", 2, 4, 6, 6), u8, 0.008f, 128);
  uint32_t y = NODE (g, "Conv", "", x, WEIGHT (g, "w", 3, 4, 3, 3));
  y = coded (g, coded (g, coded (g, y, u8, 0.05f, 128), u8, 0.04f, 128), u8, 0.04f, 120);
  y = NODE (g, "Gemm", "alpha=.5", NODE (g, "Flatten", "", y), CODED_WEIGHTS (g, -1, 48, 9));
  small_output (g, "y", y);
  distance d = in_integers (g, 1); /* Flatten changes places with what is in front of it */
  assert_int_equal (d.differ, 0);
  assert_int_equal (count_of (g, "Conv"), 1);
  assert_int_equal (count_of (g, "Gemm"), 1);
  assert_int_equal (count_of (g, "QuantizeLinear"), 4);
}

/* A bias beyond 32 bits of steps cannot be added to the sums. */
static void
a_bias_that_does_not_fit_stays_a_float (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = coded (g, INPUT (g, "x", 2, 4, 6, 6), u8, 0.008f, 128);
  uint32_t y = NODE (g, "Conv", "", x, CODED_WEIGHTS (g, 0, 3, 4, 3, 3),
                     small_weight_at (g, "b", SHAPE (3), 1e6f, 0.5f));
  small_output (g, "y", coded (g, y, u8, 5e4f, 0));
  nearly_the_same (in_integers (g, 1), 5e4f);
  assert_int_equal (count_of (g, "ConvInteger"), 1);
  assert_int_equal (count_of (g, "QLinearConv"), 0);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (a_convolution_becomes_one_node),
    cmocka_unit_test (bounds_become_bounds_of_codes),
    cmocka_unit_test (a_dense_layer_is_a_convolution_of_one_position),
    cmocka_unit_test (products_without_a_bias),
    cmocka_unit_test (sums_become_floats_where_no_codes_are_wanted),
    cmocka_unit_test (what_lies_in_between_is_done_on_codes),
    cmocka_unit_test (what_is_no_quantised_product_stays),
    cmocka_unit_test (a_bias_that_does_not_fit_stays_a_float),
  };
  return cmocka_run_group_tests_name ("integers", tests, small_open, engine_close);
}
