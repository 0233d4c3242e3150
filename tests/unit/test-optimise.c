/* SPDX-License-Identifier: Apache-2.0 */
/* Passes over graphs: what they find, what they leave, and that a network computes what it did.
 * Results that must be the same bytes are compared as such; with numbers that were reckoned anew
 * they differ by roundings, a few in the sixth digit. */
#include "small-graphs.h"

#define ROUNDED 2e-6f

enum { CONSTANTS, IDENTITIES, COMMON, NORMS, BIASES, DEAD };

typedef struct outcome {
  uint64_t changed[ADZE_GRAPH_PASSES];
} outcome;

/* Optimises GRAPH, and holds its answer against the one before. */
static outcome
keeps_its_answer (adze_graph *graph, uint32_t passes, float tolerance)
{
  outcome o = { { 0 } }, again = { { 0 } };
  answer before = answer_of (graph);
  must (adze_graph_optimise (graph, passes, o.changed));
  answer after = answer_of (graph);
  same_answer (&before, &after, tolerance);
  answer_free (&before);
  answer_free (&after);
  /* Nothing is left to do. */
  must (adze_graph_optimise (graph, passes, again.changed));
  for (size_t i = 0; i < ADZE_GRAPH_PASSES; i++)
    assert_int_equal (again.changed[i], 0);
  return o;
}

#define WITH_GRAPH(name) \
  (void)state; \
  ADZE_AUTO_GRAPH name = small_graph ()

/* ---- Nodes that give what they take. */

static void
what_gives_what_it_takes_goes (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 2, 3);
  uint32_t y = NODE (g, "Identity", "", x);
  y = NODE (g, "Dropout", "", y);
  y = NODE (g, "Cast", "to=1", y);
  y = NODE (g, "Reshape", "", y, LIST (g, 0, 2, -1));
  y = NODE (g, "Mul", "", CONSTANT (g, 1, 3), y);
  y = NODE (g, "Sub", "", y, CONSTANT (g, 0, 1));
  y = NODE (g, "Add", "", y, CONSTANT (g, -0.0f, 2, 1));
  y = NODE (g, "Relu", "", y);
  small_output (g, "y", y);
  outcome o = keeps_its_answer (g, ADZE_PASS_IDENTITIES, 0);
  assert_int_equal (o.changed[IDENTITIES], 8);
  assert_int_equal (count_of (g, NULL), 1);
  assert_int_equal (g->outputs.items[0], adze_graph_find (g, "y"));
}

/* -0 + 0 is 0, and a larger constant makes a larger value. */
static void
what_changes_a_bit_stays (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 1, 3);
  uint32_t y = NODE (g, "Add", "", x, CONSTANT (g, 0, 1));
  y = NODE (g, "Mul", "", y, CONSTANT (g, 1, 2, 1));
  y = NODE (g, "Sub", "", CONSTANT (g, 0, 1), y);
  y = NODE (g, "Transpose", "perm=0,2,1", y);
  y = NODE (g, "Mul", "", y, WEIGHT (g, "w", 1));
  small_output (g, "y", y);
  outcome o = keeps_its_answer (g, ADZE_PASS_IDENTITIES | ADZE_PASS_DEAD, 0);
  assert_int_equal (o.changed[IDENTITIES], 1); /* the Identity that names the output */
  assert_int_equal (count_of (g, NULL), 5);
}

static void
an_output_that_is_an_input_keeps_its_node (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 3);
  uint32_t y = NODE (g, "Relu", "", x);
  small_output (g, "same", x);
  small_output (g, "first", y);
  small_output (g, "second", y);
  outcome o = keeps_its_answer (g, ADZE_PASS_IDENTITIES | ADZE_PASS_COMMON | ADZE_PASS_DEAD, 0);
  assert_int_equal (o.changed[IDENTITIES], 1);
  assert_int_equal (count_of (g, "Identity"), 2);
  assert_int_equal (g->outputs.items[0], adze_graph_find (g, "same"));
  assert_int_equal (g->outputs.items[2], adze_graph_find (g, "second"));
}

static void
moves_behind_moves_become_one (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 2, 3, 4);
  uint32_t y = NODE (g, "Transpose", "perm=0,2,3,1", x);
  y = NODE (g, "Transpose", "perm=0,3,1,2", y); /* as it was */
  y = NODE (g, "Transpose", "perm=0,3,2,1", y);
  y = NODE (g, "Transpose", "perm=0,2,1,3", y);
  y = NODE (g, "Flatten", "axis=1", y);
  y = NODE (g, "Reshape", "", y, LIST (g, -1, 4, 6));
  y = NODE (g, "Reshape", "", y, LIST (g, -1, 6, 4));
  small_output (g, "y", y);
  keeps_its_answer (g, ADZE_PASS_IDENTITIES, 0);
  assert_int_equal (count_of (g, "Transpose"), 1);
  assert_int_equal (count_of (g, "Reshape"), 1);
  assert_int_equal (count_of (g, NULL), 2);
}

/* A zero of Reshape is a size of what goes in. */
static void
reshapes_that_look_back_stay (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 2, 6);
  uint32_t y = NODE (g, "Reshape", "", x, LIST (g, 0, 4, 3));
  y = NODE (g, "Reshape", "", y, LIST (g, 0, 0, 1, 3));
  small_output (g, "y", y);
  keeps_its_answer (g, ADZE_PASS_IDENTITIES, 0);
  assert_int_equal (count_of (g, "Reshape"), 2);
}

/* ---- Constants. */

static void
what_is_known_is_computed (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 2, 6);
  uint32_t w = NODE (g, "Transpose", "", WEIGHT (g, "w", 5, 12));
  /* The usual way to flatten: a size taken from the shape, put together with another. */
  uint32_t sizes = NODE (g, "Shape", "start=1", x);
  uint32_t size = NODE (g, "ReduceProd", "keepdims=1", sizes);
  uint32_t shape = NODE (g, "Concat", "axis=0", LIST (g, -1), size);
  uint32_t y = NODE (g, "MatMul", "", NODE (g, "Reshape", "", x, shape), w);
  small_output (g, "y", y);
  outcome o = keeps_its_answer (g, ADZE_PASS_CONSTANTS | ADZE_PASS_DEAD, 0);
  assert_int_equal (o.changed[CONSTANTS], 4);
  assert_int_equal (count_of (g, NULL), 3);
  const adze_graph_node *product = g->nodes[g->values[y]->node];
  assert_int_equal (g->values[product->inputs[1]]->role, ADZE_ROLE_WEIGHT);
  assert_string_equal (g->values[product->inputs[1]]->name, "w.folded");
  assert_int_equal (g->values[adze_graph_find (g, "w")]->role, ADZE_ROLE_NODE); /* gone */
}

static void
what_would_be_there_twice_or_grow_stays (void **state)
{
  WITH_GRAPH (g);
  int64_t one = 1;
  float zero = 0;
  const adze_view number = view_of (&zero, f32, 1, &one);
  const adze_graph_attribute value
      = { .struct_size = sizeof value, .type = ADZE_ATTRIBUTE_TENSOR, .name = "value", .count = 1,
          .tensor = &number };
  uint32_t x = INPUT (g, "x", -1, 30);
  uint32_t table = WEIGHT (g, "table", 30, 30);
  uint32_t y = NODE (g, "MatMul", "", x, table);
  y = NODE (g, "MatMul", "", y, NODE (g, "Transpose", "", table)); /* tied */
  uint32_t sizes = LIST (g, 30, 30);
  adze_gradient gradient = { .graph = g };
  uint32_t zeros = adze_op_with (&gradient, "", "ConstantOfShape", &sizes, 1, &value, 1);
  must (gradient.error);
  y = NODE (g, "Add", "", y, NODE (g, "MatMul", "", x, zeros));
  small_output (g, "y", y);
  outcome o = keeps_its_answer (g, ADZE_PASS_CONSTANTS | ADZE_PASS_DEAD, 0);
  assert_int_equal (o.changed[CONSTANTS], 0);
  assert_int_equal (count_of (g, "Transpose"), 1);
  assert_int_equal (count_of (g, "ConstantOfShape"), 1);
}

/* ---- The same twice. */

static void
the_same_is_done_once (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 4);
  uint32_t a = NODE (g, "Mul", "", x, CONSTANT (g, 2, 1));
  uint32_t b = NODE (g, "Mul", "", x, CONSTANT (g, 2, 1));
  uint32_t c = NODE (g, "Mul", "", x, CONSTANT (g, 3, 1));
  uint32_t p = NODE (g, "Softmax", "axis=1", NODE (g, "Tanh", "", a));
  uint32_t q = NODE (g, "Softmax", "axis=1", NODE (g, "Tanh", "", b));
  /* Along another dimension it is another one. */
  uint32_t r = NODE (g, "Softmax", "axis=0", NODE (g, "Tanh", "", b));
  small_output (g, "sum", NODE (g, "Add", "", NODE (g, "Add", "", p, q), NODE (g, "Add", "", r, c)));
  small_output (g, "other", q);
  outcome o = keeps_its_answer (g, ADZE_PASS_COMMON, 0);
  assert_int_equal (o.changed[COMMON], 4);
  assert_int_equal (count_of (g, "Mul"), 2);
  assert_int_equal (count_of (g, "Tanh"), 1);
  assert_int_equal (count_of (g, "Softmax"), 2);
}

static void
what_nobody_needs_goes (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 4);
  uint32_t w = WEIGHT (g, "unused", 4, 4);
  NODE (g, "Relu", "", NODE (g, "MatMul", "", x, w));
  small_output (g, "y", NODE (g, "Tanh", "", x));
  outcome o = keeps_its_answer (g, ADZE_PASS_DEAD, 0);
  assert_int_equal (o.changed[DEAD], 2);
  assert_int_equal (g->values[w]->role, ADZE_ROLE_NODE);
  assert_int_equal (g->inputs.count, 1);
}

/* ---- Batch normalisation. */

static void
norms_go_into_convolutions (void **state)
{
  static const struct {
    const char *op, *attributes;
    int64_t rows, columns; /* of the weights */
    bool bias;
  } cases[] = {
    { "Conv", "", 6, 4, false },
    { "Conv", "pads=1,1,1,1", 6, 4, true },
    { "Conv", "group=2", 6, 2, true },
    { "Conv", "group=4", 4, 1, false },
    { "ConvTranspose", "", 4, 6, false },
    { "ConvTranspose", "group=2", 4, 3, true },
  };
  (void)state;
  for (size_t i = 0; i < ADZE_COUNT_OF (cases); i++) {
    ADZE_AUTO_GRAPH g = small_graph ();
    uint32_t x = INPUT (g, "x", -1, 4, 5, 5);
    uint32_t w = WEIGHT (g, "w", cases[i].rows, cases[i].columns, 3, 3);
    int64_t channels = strcmp (cases[i].op, "Conv") == 0 ? cases[i].rows : 6;
    uint32_t y = cases[i].bias
                     ? NODE (g, cases[i].op, cases[i].attributes, x, w, WEIGHT (g, "b", channels))
                     : NODE (g, cases[i].op, cases[i].attributes, x, w);
    small_output (g, "y", NODE (g, "Relu", "", small_norm (g, "n", y, channels)));
    outcome o = keeps_its_answer (g, ADZE_PASS_BATCH_NORM | ADZE_PASS_DEAD, ROUNDED);
    assert_int_equal (o.changed[NORMS], 1);
    assert_int_equal (count_of (g, NULL), 3);
    assert_int_equal (adze_graph_find (g, "w"), w);
    assert_int_equal (g->values[w]->role, ADZE_ROLE_WEIGHT);
  }
}

static void
norms_go_into_products (void **state)
{
  (void)state;
  for (int kind = 0; kind < 5; kind++) {
    ADZE_AUTO_GRAPH g = small_graph ();
    uint32_t x = INPUT (g, "x", -1, 4), y = ADZE_NONE;
    uint32_t w = kind == 1 ? WEIGHT (g, "w", 5, 4) : WEIGHT (g, "w", 4, 5);
    if (kind == 0)
      y = NODE (g, "Gemm", "alpha=.5 beta=2.", x, w, WEIGHT (g, "b", 5));
    else if (kind == 1)
      y = NODE (g, "Gemm", "transB=1", x, w);
    else
      y = NODE (g, "MatMul", "", x, w);
    if (kind == 3)
      y = NODE (g, "Add", "", y, WEIGHT (g, "b", 5));
    if (kind == 4)
      y = NODE (g, "Add", "", WEIGHT (g, "b", 1, 5), y);
    small_output (g, "y", small_norm (g, "n", y, 5));
    outcome o = keeps_its_answer (g, ADZE_PASS_BATCH_NORM | ADZE_PASS_DEAD, ROUNDED);
    assert_int_equal (o.changed[NORMS], 1);
    assert_int_equal (count_of (g, "BatchNormalization"), 0);
    assert_int_equal (count_of (g, "Add"), kind >= 2);
  }
}

/* Two take the sums, two the weights, channels that are not columns, and one that trains. */
static void
norms_stay_where_others_need_what_they_take (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 4, 5, 5), w = WEIGHT (g, "w", 4, 4, 1, 1);
  uint32_t y = NODE (g, "Conv", "", x, w);
  y = NODE (g, "Add", "", y, small_norm (g, "n", y, 4)); /* residual */
  uint32_t z = NODE (g, "Conv", "", y, w);
  z = small_norm (g, "shared", z, 4);
  z = NODE (g, "MatMul", "", z, WEIGHT (g, "m", 5, 4));
  z = small_norm (g, "rows", z, 4);
  small_output (g, "y", z);
  outcome o = keeps_its_answer (g, ADZE_PASS_BATCH_NORM | ADZE_PASS_DEAD, ROUNDED);
  assert_int_equal (o.changed[NORMS], 1);
  assert_int_equal (count_of (g, "BatchNormalization"), 2);
  /* Who shares a weight with it keeps the old one. */
  assert_true (adze_graph_uses (g, w) == 1);
  assert_true (adze_graph_find (g, "w.folded") != ADZE_NONE);
}

/* ---- Biases. */

static void
sums_become_biases (void **state)
{
  (void)state;
  for (int kind = 0; kind < 6; kind++) {
    ADZE_AUTO_GRAPH g = small_graph ();
    bool image = kind < 3;
    uint32_t x = image ? INPUT (g, "x", -1, 4, 3, 3) : INPUT (g, "x", -1, 4), y = ADZE_NONE;
    uint32_t w = image ? WEIGHT (g, "w", 5, 4, 1, 1) : WEIGHT (g, "w", 4, 5);
    if (kind == 0)
      y = NODE (g, "Add", "", NODE (g, "Conv", "", x, w), WEIGHT (g, "b", 1, 5, 1, 1));
    else if (kind == 1)
      y = NODE (g, "Add", "", WEIGHT (g, "b", 5, 1, 1), NODE (g, "Conv", "", x, w));
    else if (kind == 2)
      y = NODE (g, "Add", "", NODE (g, "Conv", "", x, w, WEIGHT (g, "c", 5)),
                CONSTANT (g, 2, 1));
    else if (kind == 3)
      y = NODE (g, "Add", "", NODE (g, "MatMul", "", x, w), WEIGHT (g, "b", 5));
    else if (kind == 4)
      y = NODE (g, "Add", "", NODE (g, "Gemm", "", x, w), WEIGHT (g, "b", 1, 5));
    else
      y = NODE (g, "Add", "", NODE (g, "Gemm", "beta=2.", x, w), CONSTANT (g, 3, 1));
    small_output (g, "y", NODE (g, "Relu", "", y));
    outcome o = keeps_its_answer (g, ADZE_PASS_BIAS | ADZE_PASS_DEAD, ROUNDED);
    assert_int_equal (o.changed[BIASES], 1);
    assert_int_equal (count_of (g, NULL), 3);
    assert_int_equal (count_of (g, image ? "Conv" : "Gemm"), 1);
  }
}

static void
sums_that_are_no_bias_stay (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 4, 4, 4);
  uint32_t y = NODE (g, "Conv", "", x, WEIGHT (g, "w", 4, 4, 1, 1));
  y = NODE (g, "Add", "", y, x);                      /* a residual */
  y = NODE (g, "Conv", "", y, WEIGHT (g, "v", 4, 4, 1, 1));
  y = NODE (g, "Add", "", y, WEIGHT (g, "columns", 4)); /* along the last dimension */
  uint32_t z = NODE (g, "MatMul", "", y, WEIGHT (g, "m", 4, 3));
  z = NODE (g, "Add", "", z, WEIGHT (g, "b", 3)); /* of four dimensions */
  small_output (g, "y", z);
  outcome o = keeps_its_answer (g, ADZE_PASS_BIAS | ADZE_PASS_DEAD, 0);
  assert_int_equal (o.changed[BIASES], 0);
}

/* ---- All of it. */

static adze_graph *
residual_net (void)
{
  adze_graph *g = small_graph ();
  uint32_t x = INPUT (g, "x", -1, 3, 6, 6);
  uint32_t y = NODE (g, "Conv", "pads=1,1,1,1", x, WEIGHT (g, "w0", 4, 3, 3, 3));
  y = NODE (g, "Relu", "", small_norm (g, "n0", y, 4));
  uint32_t z = NODE (g, "Conv", "pads=1,1,1,1", y, WEIGHT (g, "w1", 4, 4, 3, 3));
  z = NODE (g, "Relu", "", small_norm (g, "n1", z, 4));
  z = NODE (g, "Conv", "group=4", z, WEIGHT (g, "w2", 4, 1, 1, 1));
  z = NODE (g, "Add", "", small_norm (g, "n2", z, 4), NODE (g, "Identity", "", y));
  z = NODE (g, "Dropout", "", NODE (g, "Relu", "", z));
  z = NODE (g, "GlobalAveragePool", "", z);
  z = NODE (g, "Reshape", "", NODE (g, "Squeeze", "", z, LIST (g, 2, 3)), LIST (g, -1, 4));
  z = NODE (g, "MatMul", "", z, NODE (g, "Transpose", "", WEIGHT (g, "w3", 5, 4)));
  z = NODE (g, "Add", "", z, WEIGHT (g, "b3", 5));
  small_output (g, "y", NODE (g, "Softmax", "axis=1", z));
  return g;
}

static void
a_residual_net_becomes_what_one_would_write (void **state)
{
  (void)state;
  ADZE_AUTO_GRAPH g = residual_net ();
  outcome o = keeps_its_answer (g, (1u << ADZE_GRAPH_PASSES) - 1, ROUNDED);
  assert_int_equal (o.changed[CONSTANTS], 1);
  assert_int_equal (o.changed[NORMS], 3);
  assert_int_equal (o.changed[BIASES], 1);
  static const char *const left[] = { "Conv", "Conv", "Conv", "Relu", "Relu", "Relu", "Add",
                                      "GlobalAveragePool", "Reshape", "Gemm", "Softmax" };
  assert_int_equal (count_of (g, NULL), ADZE_COUNT_OF (left));
  assert_int_equal (count_of (g, "Conv"), 3);
  assert_int_equal (count_of (g, "Gemm"), 1);
  assert_int_equal (count_of (g, "Relu"), 3);
  assert_int_equal (count_of (g, "Identity"), 0);
}

static void
what_was_not_asked_for_is_not_done (void **state)
{
  (void)state;
  ADZE_AUTO_GRAPH g = residual_net ();
  uint64_t changed[ADZE_GRAPH_PASSES] = { 7, 7, 7, 7, 7, 7 };
  must (adze_graph_optimise (g, ADZE_PASS_BIAS, changed));
  assert_int_equal (changed[BIASES], 1);
  assert_int_equal (changed[NORMS], 7);
  assert_int_equal (count_of (g, "BatchNormalization"), 3);
  assert_int_equal (count_of (g, "Dropout"), 1);
}

static void
what_cannot_be_is_refused (void **state)
{
  (void)state;
  ADZE_AUTO_GRAPH g = residual_net ();
  must_fail (adze_graph_optimise (g, 128, NULL), ADZE_E_CONTRACT, "0x80", "0x7f", NULL);
  adze_graph_set_ref (g, NULL);
  must_fail (adze_graph_optimise (g, ADZE_PASS_CONSTANTS, NULL), ADZE_E_UNSUPPORTED, "'ref'",
             "small", NULL);
  must (adze_graph_optimise (g, ADZE_PASS_IDENTITIES, NULL));
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (what_gives_what_it_takes_goes),
    cmocka_unit_test (what_changes_a_bit_stays),
    cmocka_unit_test (an_output_that_is_an_input_keeps_its_node),
    cmocka_unit_test (moves_behind_moves_become_one),
    cmocka_unit_test (reshapes_that_look_back_stay),
    cmocka_unit_test (what_is_known_is_computed),
    cmocka_unit_test (what_would_be_there_twice_or_grow_stays),
    cmocka_unit_test (the_same_is_done_once),
    cmocka_unit_test (what_nobody_needs_goes),
    cmocka_unit_test (norms_go_into_convolutions),
    cmocka_unit_test (norms_go_into_products),
    cmocka_unit_test (norms_stay_where_others_need_what_they_take),
    cmocka_unit_test (sums_become_biases),
    cmocka_unit_test (sums_that_are_no_bias_stay),
    cmocka_unit_test (a_residual_net_becomes_what_one_would_write),
    cmocka_unit_test (what_was_not_asked_for_is_not_done),
    cmocka_unit_test (what_cannot_be_is_refused),
  };
  return cmocka_run_group_tests_name ("optimise", tests, small_open, engine_close);
}
