/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes with bodies, from the graph to what comes out: what may be wrong in a branch that is not
 * taken, what is known inside, and what is refused before anything runs. */
#include "engine.h"
#include "static-build.h"

static const adze_dtype f32 = { ADZE_FLOAT, 32, 1 }, i64 = { ADZE_INT, 64, 1 },
                        boolean = { ADZE_BOOL, 8, 1 };

/* ---- Graphs. */

static uint32_t
add (adze_graph *graph, const char *op, const char *name, uint32_t *inputs, size_t count)
{
  uint32_t output;
  adze_node_recipe recipe = { .struct_size = sizeof recipe, .op = op, .name = name,
                              .inputs = inputs, .input_count = count, .output_count = 1 };
  must (adze_graph_add_node (graph, &recipe, &output));
  return output;
}

static uint32_t
add_axis (adze_graph *graph, int64_t axis)
{
  uint32_t value;
  int64_t shape[] = { 1 };
  adze_view view = { .data = &axis, .device = { ADZE_DEVICE_CPU, 0 }, .rank = 1, .dtype = i64,
                     .shape = shape };
  must (adze_graph_add_constant (graph, NULL, &view, &value));
  return value;
}

/* A branch that takes "x" and the axis, both from around it: OP on both, or on x alone. */
static adze_graph *
branch (adze_graph *graph, const char *op, size_t takes)
{
  adze_graph *body;
  uint32_t inputs[2];
  must (adze_graph_add_body (graph, op, &body));
  for (size_t i = 0; i < 2; i++)
    must (adze_graph_add_input (body, NULL, (adze_dtype){ 0 }, -1, NULL, &inputs[i]));
  must (adze_graph_add_output (body, add (body, op, "inner", inputs, takes)));
  return body;
}

static adze_graph_attribute
body_attribute (const char *name, const adze_graph *body)
{
  return (adze_graph_attribute){ .struct_size = sizeof (adze_graph_attribute), .name = name,
                                 .type = ADZE_ATTRIBUTE_GRAPH, .count = 1, .graph = body };
}

/* if (c) THEN (x, axis 1) else ELSE (x), x of shape [2, SIZE]. FIXED: c is not an input but this. */
static adze_graph *
choice_of (const char *then_op, const char *else_op, size_t else_takes, int64_t size, int fixed)
{
  adze_graph *graph;
  uint32_t values[3], output;
  unsigned char truth = fixed > 0;
  adze_view view = { .data = &truth, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = boolean };
  must (adze_graph_new ("choice", &graph));
  if (fixed < 0)
    must (adze_graph_add_input (graph, "c", boolean, 0, NULL, &values[0]));
  else
    must (adze_graph_add_constant (graph, "c", &view, &values[0]));
  must (adze_graph_add_input (graph, "x", f32, 2, (int64_t[]){ 2, size }, &values[1]));
  values[2] = add_axis (graph, 1);
  adze_graph_attribute bodies[] = {
    body_attribute ("then_branch", branch (graph, then_op, 2)),
    body_attribute ("else_branch", branch (graph, else_op, else_takes)),
  };
  adze_node_recipe recipe = { .struct_size = sizeof recipe, .op = "If", .name = "outer",
                              .inputs = values, .input_count = 3, .captured_count = 2,
                              .output_count = 1, .attributes = bodies, .attribute_count = 2 };
  must (adze_graph_add_node (graph, &recipe, &output));
  must (adze_graph_add_output (graph, output));
  return graph;
}

static adze_error *
compile (const engine *e, adze_graph *graph, adze_executable **executable)
{
  adze_compile_options options = { .ref = e->ref, .fixed_weights = true };
  return adze_graph_compile (graph, &options, executable);
}

/* Gives the rank of what comes out for [2, SIZE] zeros; C is given where it is an input. */
static int32_t
rank_for (adze_executable *executable, int64_t size, int truth)
{
  float zeros[8] = { 0 };
  unsigned char condition = truth > 0;
  int64_t shape[] = { 2, size };
  adze_view c = { .data = &condition, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = boolean };
  adze_view x = { .data = zeros, .device = { ADZE_DEVICE_CPU, 0 }, .rank = 2, .dtype = f32,
                  .shape = shape };
  const adze_view *both[] = { &c, &x }, *found[1];
  must (adze_execute (executable, truth < 0 ? both + 1 : both, found));
  return found[0]->rank;
}

/* ---- Tests. */

static int32_t
rank_of_output (const adze_graph *graph)
{
  size_t count;
  return adze_graph_value_at (graph, adze_graph_outputs (graph, &count)[0])->rank;
}

/* Sizes decide in networks that people export: Squeeze where there is one, Identity where there are
 * more. What cannot be is no mistake until somebody wants it. */
static void
a_branch_may_be_impossible (void **state)
{
  ADZE_AUTO_GRAPH graph = choice_of ("Squeeze", "Identity", 1, 3, -1);
  ADZE_AUTO_EXECUTABLE executable = NULL;
  must (adze_graph_verify (graph));
  assert_int_equal (rank_of_output (graph), 2);
  must (compile (*state, graph, &executable));
  assert_int_equal (rank_for (executable, 3, 0), 2);
  const adze_view *found[1];
  unsigned char truth = 1;
  float zeros[6] = { 0 };
  adze_view condition = { .data = &truth, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = boolean };
  adze_view x = { .data = zeros, .device = { ADZE_DEVICE_CPU, 0 }, .rank = 2, .dtype = f32,
                  .shape = (int64_t[]){ 2, 3 } };
  must_fail (adze_execute (executable, (const adze_view *[]){ &condition, &x }, found),
             ADZE_E_FORMAT, "'outer' (If) cannot be computed", "'inner' (Squeeze)", NULL);
}

/* Their ranks differ, and only what runs tells which one comes out. */
static void
both_branches_may_be_possible (void **state)
{
  ADZE_AUTO_GRAPH graph = choice_of ("Squeeze", "Identity", 1, 1, -1);
  ADZE_AUTO_EXECUTABLE executable = NULL;
  must (compile (*state, graph, &executable));
  assert_int_equal (rank_for (executable, 1, 1), 1);
  assert_int_equal (rank_for (executable, 1, 0), 2);
}

static void
one_branch_must_be_possible (void **state)
{
  ADZE_AUTO_GRAPH graph = choice_of ("Squeeze", "Squeeze", 2, 3, -1);
  ADZE_AUTO_GRAPH decided = choice_of ("Squeeze", "Identity", 1, 3, 1);
  (void)state;
  must_fail (adze_graph_verify (graph), ADZE_E_FORMAT, "'inner' (Squeeze)", NULL);
  must_fail (adze_graph_verify (decided), ADZE_E_FORMAT, "'inner' (Squeeze)", NULL);
}

/* A condition that is known decides before anything runs. */
static void
what_is_never_taken_does_not_count (void **state)
{
  for (int truth = 0; truth < 2; truth++) {
    ADZE_AUTO_GRAPH graph = choice_of ("Squeeze", "Identity", 1, 1, truth);
    ADZE_AUTO_EXECUTABLE executable = NULL;
    must (adze_graph_verify (graph));
    assert_int_equal (rank_of_output (graph), truth ? 1 : 2);
    must (compile (*state, graph, &executable));
    assert_int_equal (rank_for (executable, 1, -1), truth ? 1 : 2);
  }
}

static adze_graph *
branch_of (const adze_graph *graph, size_t index)
{
  return (adze_graph *)adze_graph_node_at (graph, 0)->attributes[index].graph;
}

static void
operators_inside_are_known_before_anything_runs (void **state)
{
  adze_executable *executable = NULL;
  ADZE_AUTO_GRAPH unknown = choice_of ("Squeeze", "Frobnicate", 1, 3, -1);
  must_fail (adze_graph_verify (unknown), ADZE_E_UNSUPPORTED, "'inner' (Frobnicate)", NULL);
  ADZE_AUTO_GRAPH misused = choice_of ("Squeeze", "Relu", 2, 1, -1);
  must_fail (adze_graph_verify (misused), ADZE_E_FORMAT, "'inner' (Relu) has 2 inputs", NULL);
  ADZE_AUTO_GRAPH lacking = choice_of ("Squeeze", "Relu", 1, 1, -1);
  uint32_t nowhere;
  adze_graph *body = branch_of (lacking, 1);
  must (adze_graph_add_value (body, "nosuch", &nowhere));
  must (adze_graph_set_input (body, 0, 0, nowhere));
  must_fail (adze_graph_verify (lacking), ADZE_E_FORMAT, "'outer' (If)",
             "takes the value 'nosuch', which no node makes", NULL);
  /* There is such an operator, and nobody does it. */
  ADZE_AUTO_GRAPH undone = choice_of ("Squeeze", "RandomNormalLike", 1, 1, -1);
  must (adze_graph_verify (undone));
  must_fail (compile (*state, undone, &executable), ADZE_E_UNSUPPORTED,
             "'inner' (RandomNormalLike) is done by no backend", NULL);
}

/* OP, and before it an Identity which is listed after it. */
static void
add_branch_backwards (adze_graph *graph, const char *op, uint32_t captured)
{
  uint32_t between, output;
  const char *name = "between";
  must (adze_graph_add_value (graph, name, &between));
  must (adze_graph_add_output (graph, add (graph, op, "second", &between, 1)));
  adze_node_recipe recipe = { .struct_size = sizeof recipe, .op = "Identity", .inputs = &captured,
                              .input_count = 1, .output_names = &name, .output_count = 1 };
  must (adze_graph_add_node (graph, &recipe, &output));
  assert_int_equal (output, between);
}

/* Each of three turns looks at its condition, which stays, and turns the sign of x. */
static void
branches_within_loops (void **state)
{
  ADZE_AUTO_GRAPH graph = NULL;
  ADZE_AUTO_EXECUTABLE executable = NULL;
  adze_graph *body, *inner[2];
  uint32_t given[3], values[3], captured, output;
  int64_t turns = 3;
  must (adze_graph_new ("turns", &graph));
  must (adze_graph_add_body (graph, "turn", &body));
  must (adze_graph_add_input (body, "i", i64, 0, NULL, &given[0]));
  must (adze_graph_add_input (body, "on", boolean, 0, NULL, &given[1]));
  must (adze_graph_add_input (body, "state", f32, -1, NULL, &given[2]));
  for (int i = 0; i < 2; i++) {
    must (adze_graph_add_body (body, i ? "else" : "then", &inner[i]));
    must (adze_graph_add_input (inner[i], NULL, (adze_dtype){ 0 }, -1, NULL, &captured));
    add_branch_backwards (inner[i], i ? "Identity" : "Neg", captured);
  }
  adze_graph_attribute bodies[] = {
    body_attribute ("then_branch", inner[0]),
    body_attribute ("else_branch", inner[1]),
    body_attribute ("body", body),
  };
  adze_node_recipe choice = { .struct_size = sizeof choice, .op = "If", .inputs = given + 1,
                              .input_count = 2, .captured_count = 1, .output_count = 1,
                              .attributes = bodies, .attribute_count = 2 };
  must (adze_graph_add_node (body, &choice, &output));
  must (adze_graph_add_output (body, given[1]));
  must (adze_graph_add_output (body, output));
  adze_view view = { .data = &turns, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = i64 };
  must (adze_graph_add_constant (graph, NULL, &view, &values[0]));
  values[1] = ADZE_NONE;
  must (adze_graph_add_input (graph, "x", f32, 1, (int64_t[]){ 2 }, &values[2]));
  adze_node_recipe loop = { .struct_size = sizeof loop, .op = "Loop", .inputs = values,
                            .input_count = 3, .output_count = 1, .attributes = bodies + 2,
                            .attribute_count = 1 };
  must (adze_graph_add_node (graph, &loop, &output));
  must (adze_graph_add_output (graph, output));
  must (adze_graph_verify (graph));
  must (compile (*state, graph, &executable));
  float numbers[] = { 1, -2 };
  adze_view x = { .data = numbers, .device = { ADZE_DEVICE_CPU, 0 }, .rank = 1, .dtype = f32,
                  .shape = (int64_t[]){ 2 } };
  const adze_view *found[1];
  must (adze_execute (executable, (const adze_view *[]){ &x }, found));
  assert_true (((const float *)adze_view_data (found[0]))[0] == -1);
  assert_true (((const float *)adze_view_data (found[0]))[1] == 2);
}

/* ---- Values that are too large. */

/* [SIZE, SIZE, LAST] of zeros, and their sum. */
static adze_graph *
large (int64_t size, int64_t last)
{
  adze_graph *graph;
  uint32_t sizes;
  int64_t numbers[] = { size, size, last }, count = 3;
  adze_view view = { .data = numbers, .device = { ADZE_DEVICE_CPU, 0 }, .rank = 1, .dtype = i64,
                     .shape = &count };
  must (adze_graph_new ("large", &graph));
  must (adze_graph_add_constant (graph, "sizes", &view, &sizes));
  uint32_t zeros = add (graph, "ConstantOfShape", "zeros", &sizes, 1);
  must (adze_graph_add_output (graph, add (graph, "ReduceSum", "sum", &zeros, 1)));
  must (adze_graph_verify (graph));
  return graph;
}

/* 2^59 numbers of 32 bits have more bits than 64 bits can count. */
static void
what_is_too_large_is_named (void **state)
{
  static const int64_t last[] = { INT64_C (1) << 19, INT64_C (1) << 20 };
  for (size_t i = 0; i < sizeof last / sizeof last[0]; i++) {
    ADZE_AUTO_GRAPH graph = large (INT64_C (1) << 20, last[i]);
    ADZE_AUTO_EXECUTABLE executable = NULL;
    must_fail (compile (*state, graph, &executable), ADZE_E_LIMIT, "'zeros' (ConstantOfShape)", NULL);
  }
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (a_branch_may_be_impossible),
    cmocka_unit_test (both_branches_may_be_possible),
    cmocka_unit_test (one_branch_must_be_possible),
    cmocka_unit_test (what_is_never_taken_does_not_count),
    cmocka_unit_test (branches_within_loops),
    cmocka_unit_test (operators_inside_are_known_before_anything_runs),
    cmocka_unit_test (what_is_too_large_is_named),
  };
  return cmocka_run_group_tests_name ("bodies", tests, engine_open, engine_close);
}
