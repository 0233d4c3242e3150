/* SPDX-License-Identifier: Apache-2.0 */
/* Networks whose weights were written in another type: what nodes compute in then, where Casts
 * stand, and that the answers are those of before but for the roundings. */
#include <math.h>

#include <adze/half.h>

#include "small-graphs.h"

#include "graph/load.h"
#include "graph/retype.h"

static const adze_dtype bf16 = { ADZE_BFLOAT, 16, 1 }, f16 = { ADZE_FLOAT, 16, 1 };

/* ---- A model with the weights of a graph, each of a type. */

typedef adze_dtype type_for (const char *name);

static adze_dtype
all_bf16 (const char *name)
{
  (void)name;
  return bf16;
}

static void
add_tensor (adze_model *model, const adze_graph_value *value, adze_dtype dtype)
{
  adze_tensor_meta meta = { .struct_size = sizeof meta, .name = value->name, .rank = value->rank,
                            .shape = value->shape, .dtype = dtype };
  adze_model_tensor *added;
  const float *numbers = value->data;
  must (adze_model_add (model, &meta, &added));
  size_t count = added->meta.byte_size * 8 / dtype.bits;
  added->data = calloc (count + 1, 8);
  if (dtype.code == ADZE_BFLOAT)
    adze_bfloat_from_floats (added->data, numbers, count);
  else if (dtype.bits == 16)
    adze_half_from_floats (added->data, numbers, count);
  else if (dtype.bits == 64)
    adze_float_to_doubles (added->data, numbers, count);
  else
    memcpy (added->data, numbers, count * sizeof *numbers);
}

static adze_model *
model_of (adze_graph *graph, type_for *type, adze_model *model)
{
  if (!model)
    must (adze_model_new (&model));
  for (size_t i = 0; i < graph->value_count; i++) {
    adze_graph_value *value = graph->values[i];
    if (value->role != ADZE_ROLE_WEIGHT)
      continue;
    add_tensor (model, value, type (value->name));
    value->data = NULL; /* as a graph that was just read */
  }
  for (size_t i = 0; i < graph->body_count; i++)
    model_of (graph->bodies[i], type, model);
  return model;
}

static void
retype (adze_graph *graph, type_for *type)
{
  adze_model *model = model_of (graph, type, NULL);
  must (adze_graph_retype (graph, model));
  must (adze_graph_load_weights (graph, model, NULL));
  adze_model_close (model);
}

/* GRAPH answers with types as before what it answered before, but for bfloat16's roundings. */
static void
still_answers (adze_graph *graph, type_for *type)
{
  answer before = answer_of (graph);
  retype (graph, type);
  answer after = answer_of (graph);
  for (size_t i = 0; i < before.count; i++)
    assert_memory_equal (&before.views[i].dtype, &after.views[i].dtype, sizeof (adze_dtype));
  same_answer (&before, &after, 0x1p-5F);
  answer_free (&before);
  answer_free (&after);
  adze_graph_free (graph);
}

/* ---- What is seen of a graph. */

/* The type that the first node OP computes in. */
static adze_dtype
type_of (adze_graph *graph, const char *op)
{
  for (size_t n = 0; n < graph->node_count; n++)
    if (graph->nodes[n] && strcmp (graph->nodes[n]->op, op) == 0)
      return graph->values[graph->nodes[n]->outputs[0]]->dtype;
  fail_msg ("there is no node %s", op);
  return f32;
}

#define COMPUTES_IN(graph, op, type) \
  do { \
    adze_dtype found_ = type_of (graph, op); \
    assert_memory_equal (&found_, &(type), sizeof found_); \
  } while (0)

/* ---- Cases. */

static adze_graph *
mlp (void)
{
  adze_graph *graph = small_graph ();
  uint32_t x = INPUT (graph, "x", -1, 6);
  uint32_t h = NODE (graph, "Gemm", "", x, WEIGHT (graph, "w1", 6, 8), WEIGHT (graph, "b1", 8));
  h = NODE (graph, "Relu", "", h);
  h = NODE (graph, "MatMul", "", h, WEIGHT (graph, "w2", 8, 4));
  small_output (graph, "y", NODE (graph, "Softmax", "", h));
  return graph;
}

static void
all_nodes_compute_in_the_new_type (void **state)
{
  (void)state;
  adze_graph *graph = mlp ();
  retype (graph, all_bf16);
  COMPUTES_IN (graph, "Gemm", bf16);
  COMPUTES_IN (graph, "Relu", bf16);
  COMPUTES_IN (graph, "MatMul", bf16);
  COMPUTES_IN (graph, "Softmax", bf16);
  /* One behind the input, one in front of the output. */
  assert_int_equal (count_of (graph, "Cast"), 2);
  adze_graph_free (graph);
  still_answers (mlp (), all_bf16);
}

static adze_dtype
as_it_was (const char *name)
{
  (void)name;
  return f32;
}

static void
nothing_changes_where_nothing_was_cast (void **state)
{
  (void)state;
  adze_graph *graph = mlp ();
  retype (graph, as_it_was);
  assert_int_equal (count_of (graph, NULL), 5);
  adze_graph_free (graph);
}

/* The output that others take as well: they go on with what was made, but for one that computes in the
 * type of old; and who asks for it by name gets what was promised. */
static adze_graph *
with_output_inside (void)
{
  adze_graph *graph = small_graph ();
  uint32_t x = INPUT (graph, "x", -1, 6);
  uint32_t h = NODE (graph, "MatMul", "", x, WEIGHT (graph, "w1", 6, 8));
  must (adze_graph_add_output (graph, h));
  small_output (graph, "z", NODE (graph, "Gemm", "", h, WEIGHT (graph, "left", 8, 4)));
  small_output (graph, "y", NODE (graph, "MatMul", "", h, WEIGHT (graph, "w2", 8, 4)));
  return graph;
}

static adze_dtype
but_one (const char *name)
{
  return strcmp (name, "left") == 0 ? f32 : bf16;
}

static void
outputs_keep_names_and_types (void **state)
{
  (void)state;
  adze_graph *graph = with_output_inside ();
  char *name = strdup (graph->values[graph->outputs.items[0]]->name);
  retype (graph, but_one);
  const adze_graph_value *given = graph->values[graph->outputs.items[0]];
  assert_string_equal (given->name, name);
  assert_memory_equal (&given->dtype, &f32, sizeof f32);
  assert_string_equal (graph->values[graph->outputs.items[2]]->name, "y");
  COMPUTES_IN (graph, "MatMul", bf16);
  COMPUTES_IN (graph, "Gemm", f32);
  assert_int_equal (count_of (graph, "Cast"), 3);
  adze_graph_free (graph);
  free (name);
  still_answers (with_output_inside (), but_one);
}

static adze_dtype
but_norms (const char *name)
{
  return strncmp (name, "norm", 4) == 0 ? f32 : bf16;
}

static adze_dtype
but_biases (const char *name)
{
  return strchr (name, 'b') == name ? f32 : bf16;
}

static adze_dtype
half_and_half (const char *name)
{
  return strcmp (name, "w1") == 0 ? bf16 : f16;
}

/* X goes two ways, which meet. */
static adze_graph *
two_ways (void)
{
  adze_graph *graph = small_graph ();
  uint32_t x = INPUT (graph, "x", -1, 6);
  uint32_t a = NODE (graph, "MatMul", "", x, WEIGHT (graph, "w1", 6, 8));
  uint32_t b = NODE (graph, "MatMul", "", x, WEIGHT (graph, "w2", 6, 8));
  small_output (graph, "y", NODE (graph, "Add", "", a, b));
  return graph;
}

static void
the_largest_weight_says_it_and_else_the_widest_input (void **state)
{
  (void)state;
  adze_graph *graph = mlp ();
  retype (graph, but_biases); /* one Cast more, of the bias */
  COMPUTES_IN (graph, "Gemm", bf16);
  assert_int_equal (count_of (graph, "Cast"), 3);
  adze_graph_free (graph);
  still_answers (mlp (), but_biases);
  graph = two_ways ();
  retype (graph, half_and_half);
  COMPUTES_IN (graph, "Add", f32);
  assert_int_equal (count_of (graph, "Cast"), 4);
  adze_graph_free (graph);
  still_answers (two_ways (), half_and_half);
}

static adze_graph *
normalised (void)
{
  adze_graph *graph = small_graph ();
  uint32_t x = INPUT (graph, "x", -1, 2, 4, 4);
  uint32_t h = NODE (graph, "Conv", "pads=1,1,1,1", x, WEIGHT (graph, "w1", 3, 2, 3, 3));
  h = small_norm (graph, "norm", h, 3);
  h = NODE (graph, "MaxPool", "kernel_shape=2,2", h);
  small_output (graph, "y", NODE (graph, "Conv", "", h, WEIGHT (graph, "w2", 2, 3, 3, 3)));
  return graph;
}

static void
weights_that_were_left_alone_stay_so (void **state)
{
  (void)state;
  adze_graph *graph = normalised ();
  retype (graph, but_norms);
  assert_memory_equal (&graph->values[adze_graph_find (graph, "norm.scale")]->dtype, &f32,
                       sizeof f32);
  COMPUTES_IN (graph, "BatchNormalization", bf16); /* as its input has it: it may be another type */
  adze_graph_free (graph);
  still_answers (normalised (), but_norms);
}

/* Scales of codes are float32 whatever happens. */
static adze_graph *
quantised (void)
{
  adze_graph *graph = small_graph ();
  uint32_t x = INPUT (graph, "x", -1, 6);
  uint32_t scale = small_weight_at (graph, "scale", 0, NULL, 0.01F, 0);
  uint32_t h = NODE (graph, "DequantizeLinear", "", NODE (graph, "QuantizeLinear", "", x, scale),
                     scale);
  small_output (graph, "y", NODE (graph, "MatMul", "", h, WEIGHT (graph, "w1", 6, 8)));
  return graph;
}

static void
an_operator_that_takes_no_such_type_computes_as_before (void **state)
{
  (void)state;
  adze_graph *graph = quantised ();
  retype (graph, all_bf16);
  COMPUTES_IN (graph, "DequantizeLinear", f32);
  COMPUTES_IN (graph, "MatMul", bf16);
  adze_graph_free (graph);
  still_answers (quantised (), all_bf16);
}

/* ---- Bodies: If takes a branch that multiplies what is around it by a weight of its own. */

static adze_graph *
branch (adze_graph *graph, const char *name, adze_dtype dtype)
{
  adze_graph *body;
  char weight[16];
  uint32_t h;
  const int64_t shape[] = { 3, 8 };
  snprintf (weight, sizeof weight, "%s.w", name);
  must (adze_graph_add_body (graph, name, &body));
  must (adze_graph_add_input (body, "h", dtype, 2, shape, &h));
  must (adze_graph_add_output (body, NODE (body, "MatMul", "", h, WEIGHT (body, weight, 8, 4))));
  return body;
}

static adze_graph *
with_branches (void)
{
  adze_graph *graph = small_graph ();
  bool yes = true;
  uint32_t condition, y;
  uint32_t h = NODE (graph, "MatMul", "", INPUT (graph, "x", 3, 6), WEIGHT (graph, "w1", 6, 8));
  adze_view view = { .data = &yes, .device = { ADZE_DEVICE_CPU, 0 },
                     .dtype = { ADZE_BOOL, 8, 1 } };
  must (adze_graph_add_constant (graph, NULL, &view, &condition));
  const uint32_t inputs[] = { condition, h };
  const adze_graph_attribute attributes[] = {
    { .name = "then_branch", .type = ADZE_ATTRIBUTE_GRAPH, .count = 1,
      .graph = branch (graph, "then", f32) },
    { .name = "else_branch", .type = ADZE_ATTRIBUTE_GRAPH, .count = 1,
      .graph = branch (graph, "else", f32) },
  };
  const adze_node_recipe recipe = { .struct_size = sizeof recipe, .op = "If", .inputs = inputs,
                                    .input_count = 2, .captured_count = 1, .output_count = 1,
                                    .attributes = attributes, .attribute_count = 2 };
  must (adze_graph_add_node (graph, &recipe, &y));
  small_output (graph, "y", y);
  return graph;
}

static void
bodies_compute_as_before (void **state)
{
  (void)state;
  adze_graph *graph = with_branches ();
  retype (graph, all_bf16);
  COMPUTES_IN (graph, "If", f32);
  COMPUTES_IN (graph, "MatMul", bf16);
  COMPUTES_IN (graph->bodies[0], "MatMul", f32);
  assert_int_equal (count_of (graph->bodies[0], "Cast"), 1);
  adze_graph_free (graph);
  still_answers (with_branches (), all_bf16);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (all_nodes_compute_in_the_new_type),
    cmocka_unit_test (nothing_changes_where_nothing_was_cast),
    cmocka_unit_test (outputs_keep_names_and_types),
    cmocka_unit_test (the_largest_weight_says_it_and_else_the_widest_input),
    cmocka_unit_test (weights_that_were_left_alone_stay_so),
    cmocka_unit_test (an_operator_that_takes_no_such_type_computes_as_before),
    cmocka_unit_test (bodies_compute_as_before),
  };
  return cmocka_run_group_tests_name ("retype", tests, small_open, engine_close);
}
