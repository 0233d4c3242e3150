/* SPDX-License-Identifier: Apache-2.0 */
/* Which weights of a network are codes, scales or zero points: by what its nodes do with them, whoever wrote it. */
#include "quantised-networks.h"

#include "graph/codes.h"

#define WITH_GRAPH(name) \
  (void)state; \
  ADZE_AUTO_GRAPH name = small_graph ()

/* A weight of bytes. */
static uint32_t
bytes (adze_graph *graph, const char *name, int32_t rank, const int64_t *shape)
{
  uint32_t value;
  must (adze_graph_add_weight (graph, name, i8, rank, shape, &value));
  return value;
}

#define BYTES(graph, name, ...) bytes (graph, name, SHAPE (__VA_ARGS__))

/* The names that are found, with a space behind each. */
static void
found (const adze_graph *graph, const char *names)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  __attribute__ ((cleanup (adze_graph_codes_cleanup))) adze_graph_codes codes = { 0 };
  must (adze_graph_find_codes (graph, &codes));
  for (size_t i = 0; i < codes.count; i++) {
    adze_buffer_format (&text, "%s ", codes.items[i].name);
    assert_ptr_equal (adze_graph_code_of (&codes, codes.items[i].name)->name, codes.items[i].name);
  }
  assert_null (adze_graph_code_of (&codes, "nobody"));
  assert_string_equal (text.data ? text.data : "", names);
}

static void
a_network_of_floats_has_none (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 4);
  uint32_t y = NODE (g, "Add", "", NODE (g, "MatMul", "", x, WEIGHT (g, "w", 4, 3)), WEIGHT (g, "b", 3));
  small_output (g, "y", NODE (g, "Mul", "", y, WEIGHT (g, "gain", 3)));
  found (g, "");
}

/* A float that becomes codes is a weight still; what it is divided by is none. */
static void
codes_and_scales_around_a_product (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 4), step = WEIGHT (g, "x.scale", 1), zero = BYTES (g, "x.zero", 1);
  uint32_t seen = NODE (g, "DequantizeLinear", "", NODE (g, "QuantizeLinear", "", x, step, zero), step, zero);
  uint32_t codes = NODE (g, "Transpose", "perm=1,0", BYTES (g, "w", 3, 4));
  uint32_t w = NODE (g, "DequantizeLinear", "axis=1", codes, WEIGHT (g, "w.scale", 3));
  uint32_t floats = WEIGHT (g, "floats", 3, 3), by = WEIGHT (g, "floats.scale", 1);
  uint32_t v = NODE (g, "DequantizeLinear", "", NODE (g, "QuantizeLinear", "", floats, by), by);
  uint32_t y = NODE (g, "Add", "", NODE (g, "MatMul", "", seen, w), WEIGHT (g, "b", 3));
  small_output (g, "y", NODE (g, "MatMul", "", y, v));
  found (g, "floats.scale w w.scale x.scale x.zero ");
}

/* As dynamic quantisers write it: sums of codes, made floats, times the scale of what came in times that of the weights. */
static void
scales_behind_sums_of_codes (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 4), made[3];
  const adze_node_recipe recipe = { .struct_size = sizeof recipe, .op = "DynamicQuantizeLinear", .inputs = &x,
                                    .input_count = 1, .output_count = 3 };
  must (adze_graph_add_node (g, &recipe, made));
  uint32_t sum = NODE (g, "MatMulInteger", "", made[0], BYTES (g, "w", 4, 3), made[2], BYTES (g, "w.zero", 1));
  uint32_t scale = NODE (g, "Mul", "", made[1], NODE (g, "Squeeze", "", WEIGHT (g, "w.scale", 1, 3), LIST (g, 0)));
  uint32_t y = NODE (g, "Mul", "", NODE (g, "Cast", "to=1", sum), scale);
  y = NODE (g, "Add", "", y, WEIGHT (g, "b", 3));
  small_output (g, "y", NODE (g, "Mul", "", y, WEIGHT (g, "gain", 3)));
  found (g, "w w.scale w.zero ");
}

static void
products_of_codes_alone (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 4), one = WEIGHT (g, "x.scale", 1), z = BYTES (g, "x.zero", 1);
  uint32_t many = WEIGHT (g, "w.scale", 1), zero = BYTES (g, "w.zero", 1), other = WEIGHT (g, "y.scale", 1);
  uint32_t codes = NODE (g, "QuantizeLinear", "", x, one, z);
  uint32_t y = NODE (g, "QLinearMatMul", "", codes, one, z, BYTES (g, "w", 4, 3), many, zero, other, BYTES (g, "y.zero", 1));
  small_output (g, "y", y);
  found (g, "w w.scale w.zero x.scale x.zero y.scale y.zero ");
}

/* As other codecs are written: bytes made floats, or what they choose from a book, times scales. */
static void
bytes_times_scales (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 4);
  uint32_t codes = NODE (g, "Sub", "", NODE (g, "Cast", "to=1", BYTES (g, "w", 2, 2, 3)), WEIGHT (g, "w.zero", 2, 1, 3));
  uint32_t w = NODE (g, "Mul", "", codes, WEIGHT (g, "w.scale", 2, 1, 3));
  uint32_t y = NODE (g, "MatMul", "", x, NODE (g, "Reshape", "", w, LIST (g, 4, 3)));
  uint32_t chosen = NODE (g, "Gather", "", WEIGHT (g, "v.book", 16), NODE (g, "Cast", "to=7", BYTES (g, "v", 3, 3)));
  y = NODE (g, "MatMul", "", y, NODE (g, "Mul", "", WEIGHT (g, "v.scale", 1, 3), chosen));
  y = NODE (g, "Sub", "", NODE (g, "Mul", "", y, WEIGHT (g, "gain", 3)), WEIGHT (g, "b", 3));
  small_output (g, "y", y);
  found (g, "v v.book v.scale w w.scale w.zero ");
}

/* Nobody here knows the operator; but that bytes and floats go into it together. */
static void
operators_of_others (void **state)
{
  WITH_GRAPH (g);
  uint32_t inputs[] = { INPUT (g, "x", -1, 4), BYTES (g, "w", 4, 3), WEIGHT (g, "w.scale", 3) }, y;
  adze_node_recipe recipe = { .struct_size = sizeof recipe, .domain = "com.example", .op = "MatMulBytes", .inputs = inputs,
                              .input_count = 3, .output_count = 1 };
  must (adze_graph_add_node (g, &recipe, &y));
  inputs[0] = y;
  inputs[1] = WEIGHT (g, "v", 3, 3);
  recipe.op = "MatMulFloats";
  recipe.input_count = 2;
  must (adze_graph_add_node (g, &recipe, &y));
  found (g, "w w.scale ");
}

/* As files have them that nobody would compute. */
static void
nodes_with_too_few_inputs (void **state)
{
  WITH_GRAPH (g);
  uint32_t y;
  static const char *const operators[] = { "Mul", "Concat", "Transpose", "Cast", "MatMulInteger" };
  for (size_t i = 0; i < ADZE_COUNT_OF (operators); i++) {
    adze_node_recipe recipe = { .struct_size = sizeof recipe, .op = operators[i], .output_count = 1 };
    must (adze_graph_add_node (g, &recipe, &y));
    recipe.op = "DequantizeLinear";
    recipe.inputs = &y;
    recipe.input_count = 1;
    must (adze_graph_add_node (g, &recipe, &y));
  }
  found (g, "");
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (a_network_of_floats_has_none), cmocka_unit_test (codes_and_scales_around_a_product),
    cmocka_unit_test (scales_behind_sums_of_codes),  cmocka_unit_test (products_of_codes_alone),
    cmocka_unit_test (bytes_times_scales),           cmocka_unit_test (operators_of_others),
    cmocka_unit_test (nodes_with_too_few_inputs),
  };
  return cmocka_run_group_tests_name ("codes", tests, small_open, engine_close);
}
