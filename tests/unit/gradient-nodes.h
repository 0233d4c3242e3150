/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of gradients of nodes that a line of a table cannot say. */
#ifndef TESTS_UNIT_GRADIENT_NODES_H
#define TESTS_UNIT_GRADIENT_NODES_H

#include "gradient-tests.h"

/* What is dropped is said by the second output; here an input stands for it, so that it is known. */
static inline void
dropped_values (void **state)
{
  ADZE_AUTO_GRAPH graph = NULL;
  int64_t shape[] = { 4 };
  const int64_t keep = 0;
  uint32_t inputs[3], outputs[2], gradient, mask;
  float ratio = 0.75f;
  bool train = true, kept[] = { true, false, false, true };
  double numbers[] = { 1, 2, 3, 4 };
  adze_view views[] = { { .data = &ratio, .device = { ADZE_DEVICE_CPU, 0 },
                          .dtype = { ADZE_FLOAT, 32, 1 } },
                        { .data = &train, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = truths } };
  must (adze_graph_new ("dropout", &graph));
  must (adze_graph_add_input (graph, "x", f64, 1, shape, &inputs[0]));
  must (adze_graph_add_input (graph, "mask", truths, 1, shape, &mask));
  for (size_t i = 0; i < 2; i++)
    must (adze_graph_add_constant (graph, NULL, &views[i], &inputs[1 + i]));
  add_ops (graph, "Dropout", inputs, 3, NULL, 0, outputs, 2);
  const adze_graph_attribute attribute = adze_attribute_int ("keepdims", &keep);
  uint32_t sum = add_op (graph, "ReduceSum", outputs, 1, &attribute, 1);
  must (adze_graph_differentiate (graph, sum, inputs, 1, &gradient));
  must (adze_graph_replace (graph, outputs[1], mask));
  must (adze_graph_add_output (graph, gradient));
  ADZE_AUTO_EXECUTABLE executable = compile_on (*state, graph);
  adze_view x = { .data = numbers, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = f64, .rank = 1,
                  .shape = shape };
  adze_view m = { .data = kept, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = truths, .rank = 1,
                  .shape = shape };
  const adze_view *given[] = { &x, &m }, *made;
  must (adze_execute (executable, given, &made));
  for (size_t i = 0; i < 4; i++)
    assert_true (((const double *)adze_view_data (made))[i] == (kept[i] ? 4 : 0));
}

/* With the statistics of the batch, which are no inputs of it. */
static inline void
batch_statistics (void **state)
{
  static const problem p = { "BatchNormalization", "f4,3,2 f3 f3", "training_mode=1", -2, 2 };
  engine *e = *state;
  build_state b = { 0 };
  unsigned seed = 7;
  const double zeros[3] = { 0 };
  int64_t three[] = { 3 }, one = 1;
  union {
    const double *from;
    void *to;
  } data = { zeros };
  const adze_view view = { .data = data.to, .device = { ADZE_DEVICE_CPU, 0 }, .rank = 1,
                           .dtype = f64, .shape = three };
  must (adze_graph_new ("batch", &b.graph));
  for (const char *at = p.inputs; *at; at += *at == ' ')
    at = add_operand (&b, at, &p, &seed);
  for (size_t i = 0; i < 2; i++)
    must (adze_graph_add_constant (b.graph, NULL, &view, &b.operands[b.operand_count++]));
  const adze_graph_attribute attribute = adze_attribute_int ("training_mode", &one);
  uint32_t output = add_op (b.graph, "BatchNormalization", b.operands, 5, &attribute, 1);
  b.loss = weighted_sum (b.graph, output, &seed);
  check_built (e, &b, &p);
}

/* Numbers that are drawn do not depend on what says their shape. */
static inline void
what_looks_at_no_numbers_gives_zeros (void **state)
{
  static const char *const ops[] = { "RandomNormalLike", "RandomUniformLike" };
  engine *e = *state;
  for (size_t i = 0; i < 2; i++) {
    ADZE_AUTO_GRAPH graph = NULL;
    int64_t shape[] = { 2 };
    uint32_t x, gradient;
    double numbers[] = { 1, 2 };
    unsigned seed = 7;
    must (adze_graph_new ("random", &graph));
    must (adze_graph_add_input (graph, "x", f64, 1, shape, &x));
    uint32_t loss = weighted_sum (graph, add_op (graph, ops[i], &x, 1, NULL, 0), &seed);
    must (adze_graph_differentiate (graph, loss, &x, 1, &gradient));
    must (adze_graph_add_output (graph, gradient));
    ADZE_AUTO_EXECUTABLE executable = compile_on (e, graph);
    adze_view view = { .data = numbers, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = f64, .rank = 1,
                       .shape = shape };
    const adze_view *given[] = { &view }, *made;
    must (adze_execute (executable, given, &made));
    const double *found = adze_view_data (made);
    assert_true (found[0] == 0 && found[1] == 0);
    note_checked (ops[i]);
  }
}

/* Of those without a forward in docs/operators.md, the ones that one input is enough for. */
static inline void
what_the_table_says_nobody_computes (void **state)
{
  static const char *const ops[]
      = { "RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial" };
  const engine *e = *state;
  for (size_t i = 0; i < ADZE_COUNT_OF (ops); i++) {
    ADZE_AUTO_GRAPH graph = NULL;
    ADZE_AUTO_EXECUTABLE executable = NULL;
    const int64_t shape[] = { 2, 2 };
    const adze_compile_options options = { .ref = e->ref };
    uint32_t x;
    assert_false (adze_operator_computed (adze_operator_find ("", ops[i])));
    must (adze_graph_new ("drawn", &graph));
    must (adze_graph_add_input (graph, "x", f64, 2, shape, &x));
    must (adze_graph_add_output (graph, add_op (graph, ops[i], &x, 1, NULL, 0)));
    ADZE_AUTO_ERROR error = adze_graph_compile (graph, &options, &executable);
    if (!error || !strstr (adze_error_message (error), "is done by no backend"))
      fail_msg ("%s is computed by 'ref', and docs/operators.md says that it is not", ops[i]);
  }
}

/* The gradient of OP's sum by its four numbers. */
static inline void
slopes_of (void **state, const char *op, double numbers[4], double slopes[4])
{
  ADZE_AUTO_GRAPH graph = NULL;
  int64_t shape[] = { 1, 1, 4 }, keep = 0;
  uint32_t x, gradient;
  must (adze_graph_new ("slopes", &graph));
  must (adze_graph_add_input (graph, "x", f64, 3, shape, &x));
  uint32_t made = add_op (graph, op, &x, 1, NULL, 0);
  const adze_graph_attribute attribute = adze_attribute_int ("keepdims", &keep);
  uint32_t sum = add_op (graph, "ReduceSum", &made, 1, &attribute, 1);
  must (adze_graph_differentiate (graph, sum, &x, 1, &gradient));
  must (adze_graph_add_output (graph, gradient));
  ADZE_AUTO_EXECUTABLE executable = compile_on (*state, graph);
  adze_view view = { .data = numbers, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = f64, .rank = 3,
                     .shape = shape };
  const adze_view *given[] = { &view }, *found;
  must (adze_execute (executable, given, &found));
  memcpy (slopes, adze_view_data (found), 4 * sizeof *slopes);
}

/* Of several that are the greatest each gets its share, so that the sum is right. */
static inline void
ties_are_shared (void **state)
{
  static const char *const ops[] = { "ReduceMax", "ReduceMin", "GlobalMaxPool" };
  for (size_t i = 0; i < 3; i++) {
    double numbers[] = { 2, 1, i == 1 ? 1 : 2, i == 1 ? 5 : 0 }, found[4];
    slopes_of (state, ops[i], numbers, found);
    assert_true (found[0] == (i == 1 ? 0 : .5) && found[1] == (i == 1 ? .5 : 0));
    assert_true (found[2] == .5 && found[3] == 0);
  }
}

static inline void
a_length_of_zero_has_slope_zero (void **state)
{
  double numbers[4] = { 0 }, found[4];
  slopes_of (state, "ReduceL2", numbers, found);
  for (size_t i = 0; i < 4; i++)
    assert_true (found[i] == 0);
  numbers[1] = 3;
  numbers[2] = 4;
  slopes_of (state, "ReduceL2", numbers, found);
  assert_true (found[0] == 0 && fabs (found[1] - .6) < 1e-12 && fabs (found[2] - .8) < 1e-12);
}

/* A branch for each truth: x y and x + x^2, of what both take from around them. */
static inline void
branches (void **state)
{
  static const problem p = { "If", "f2,3 f3", "", -2, 2 };
  for (int yes = 0; yes < 2; yes++) {
    build_state b = { 0 };
    unsigned seed = 7;
    uint32_t operands[3], output;
    unsigned char truth = (unsigned char)yes;
    adze_view view = { .data = &truth, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = truths };
    adze_graph_attribute bodies[2];
    must (adze_graph_new ("if", &b.graph));
    must (adze_graph_add_constant (b.graph, NULL, &view, &operands[0]));
    for (const char *at = p.inputs; *at; at += *at == ' ')
      at = add_operand (&b, at, &p, &seed);
    operands[1] = b.operands[0];
    operands[2] = b.operands[1];
    for (size_t i = 0; i < 2; i++) {
      adze_graph *body;
      uint32_t in[2];
      must (adze_graph_add_body (b.graph, i ? "else" : "then", &body));
      must (adze_graph_add_input (body, "x", f64, 2, b.inputs[0].shape, &in[0]));
      must (adze_graph_add_input (body, "y", f64, 1, b.inputs[1].shape, &in[1]));
      uint32_t pair[] = { in[0], i ? in[0] : in[1] };
      pair[1] = add_op (body, "Mul", pair, 2, NULL, 0);
      must (adze_graph_add_output (body, i ? add_op (body, "Add", pair, 2, NULL, 0) : pair[1]));
      bodies[i] = (adze_graph_attribute){ .struct_size = sizeof *bodies,
                                          .type = ADZE_ATTRIBUTE_GRAPH,
                                          .name = i ? "else_branch" : "then_branch",
                                          .count = 1,
                                          .graph = body };
    }
    adze_node_recipe recipe = { .struct_size = sizeof recipe, .op = "If", .inputs = operands,
                                .input_count = 3, .captured_count = 2, .output_count = 1,
                                .attributes = bodies, .attribute_count = 2 };
    must (adze_graph_add_node (b.graph, &recipe, &output));
    must (adze_graph_verify (b.graph));
    b.loss = weighted_sum (b.graph, output, &seed);
    check_built (*state, &b, &p);
  }
}

#endif
