/* SPDX-License-Identifier: Apache-2.0 */
/* build-model: layers for sequences, [batch, places, numbers]. */
#include <math.h>
#include <stdio.h>

#include "nodes.h"

/* ---- Attention. */

/* x by a square matrix, and a bias: "layer.N.query.weight". */
static uint32_t
project (build_work *w, const build_layer *layer, const char *name, uint32_t x)
{
  char weight[32], bias[32];
  const int64_t shape[] = { layer->in[1], layer->in[1] };
  snprintf (weight, sizeof weight, "%s.weight", name);
  snprintf (bias, sizeof bias, "%s.bias", name);
  uint32_t matrix
      = build_weight (w, weight, layer->initial, 2, shape, layer->in[1], layer->in[1]);
  uint32_t y = build_op (w, "MatMul", x, matrix, BUILD_END);
  if (!layer->bias)
    return y;
  return build_op (w, "Add", y, build_bias (w, bias, 1, shape, layer->in[1]), BUILD_END);
}

/* [batch, places, heads times numbers] becomes [batch, heads, ...], the rest as PERM says. */
static uint32_t
heads (build_work *w, const build_layer *layer, uint32_t x, const int64_t perm[4])
{
  const int64_t shape[] = { 0, 0, layer->count, layer->in[1] / layer->count };
  return build_transpose (w, build_reshape (w, x, shape, 4), perm, 4);
}

/* Places that come later, above the diagonal of a matrix, are minus infinity for Softmax. */
static uint32_t
mask (build_work *w, const build_layer *layer, uint32_t scores)
{
  const int64_t above = 1, places[] = { layer->in[0], layer->in[0] }, upper = 1;
  const float low = -INFINITY;
  int64_t one = 1;
  const adze_view view = { .data = (float[]){ low }, .device = { ADZE_DEVICE_CPU, 0 }, .rank = 1,
                           .dtype = { ADZE_FLOAT, 32, 1 }, .shape = &one };
  adze_graph_attribute value = { .struct_size = sizeof value, .type = ADZE_ATTRIBUTE_TENSOR,
                                 .name = "value", .count = 1, .tensor = &view };
  const adze_graph_attribute attribute = build_int ("upper", &upper);
  uint32_t shape = build_list (w, places, 2);
  uint32_t full = build_op_with (w, "ConstantOfShape", &shape, 1, &value, 1);
  uint32_t kept = ADZE_NONE;
  const adze_view diagonal = { .data = (int64_t[]){ above }, .device = { ADZE_DEVICE_CPU, 0 },
                               .rank = 0, .dtype = { ADZE_INT, 64, 1 } };
  if (w->status == ADZE_OK)
    w->status = w->graphs->add_constant (w->host, w->graph, NULL, &diagonal, &kept);
  const uint32_t inputs[] = { full, kept };
  return build_op (w, "Add", scores, build_op_with (w, "Trilu", inputs, 2, &attribute, 1),
                   BUILD_END);
}

uint32_t
build_attention (build_work *w, const build_layer *layer, uint32_t x)
{
  static const int64_t rows[] = { 0, 2, 1, 3 }, columns[] = { 0, 2, 3, 1 };
  const int64_t axis = -1, shape[] = { 0, 0, layer->in[1] };
  const adze_graph_attribute along = build_int ("axis", &axis);
  uint32_t query = heads (w, layer, project (w, layer, "query", x), rows);
  uint32_t key = heads (w, layer, project (w, layer, "key", x), columns);
  uint32_t value = heads (w, layer, project (w, layer, "value", x), rows);
  double scale = 1 / sqrt ((double)(layer->in[1] / layer->count));
  uint32_t scores = build_op (w, "MatMul", query, key, BUILD_END);
  scores = build_op (w, "Mul", scores, build_number (w, scale), BUILD_END);
  if (layer->causal)
    scores = mask (w, layer, scores);
  scores = build_op_with (w, "Softmax", &scores, 1, &along, 1);
  uint32_t seen = build_op (w, "MatMul", scores, value, BUILD_END);
  seen = build_reshape (w, build_transpose (w, seen, rows, 4), shape, 3);
  return project (w, layer, "output", seen);
}

/* ---- Recurrent nets, which want places first. */

/* The second output of LSTM and GRU is what there is after the last place. */
static uint32_t
recur (build_work *w, const build_layer *layer, const uint32_t *inputs)
{
  const int64_t yes = 1;
  char name[40];
  uint32_t outputs[2] = { ADZE_NONE, ADZE_NONE };
  const char *const asked[] = { "", NULL };
  adze_graph_attribute attributes[]
      = { build_int ("hidden_size", &layer->size), build_int ("linear_before_reset", &yes) };
  snprintf (name, sizeof name, "layer.%zu.net", w->at);
  adze_node_recipe recipe = { .struct_size = sizeof recipe,
                              .op = layer->kind == BUILD_LSTM ? "LSTM" : "GRU",
                              .name = name,
                              .inputs = inputs,
                              .input_count = 4,
                              .output_names = layer->last ? asked : NULL,
                              .output_count = layer->last ? 2 : 1,
                              .attributes = attributes,
                              .attribute_count = layer->kind == BUILD_LSTM ? 1 : 2 };
  if (w->status == ADZE_OK)
    w->status = w->graphs->add_node (w->host, w->graph, &recipe, outputs);
  return outputs[layer->last];
}

uint32_t
build_recurrent (build_work *w, const build_layer *layer, uint32_t x)
{
  static const int64_t turned[] = { 1, 0, 2 };
  int64_t gates = layer->kind == BUILD_LSTM ? 4 : 3, size = layer->size, axis = layer->last ? 0 : 1;
  const int64_t in[] = { 1, gates * size, layer->in[1] }, again[] = { 1, gates * size, size },
                bias[] = { 1, 2 * gates * size };
  uint32_t sequence = build_transpose (w, x, turned, 3);
  const uint32_t inputs[]
      = { sequence, build_weight (w, "weight", layer->initial, 3, in, layer->in[1], size),
          build_weight (w, "recurrent.weight", layer->initial, 3, again, size, size),
          build_bias (w, "bias", 2, bias, size) };
  uint32_t y = recur (w, layer, inputs);
  /* One direction: [places, 1, batch, numbers], or [1, batch, numbers] of the last place. */
  y = build_op (w, "Squeeze", y, build_list (w, &axis, 1), BUILD_END);
  return layer->last ? y : build_transpose (w, y, turned, 3);
}
