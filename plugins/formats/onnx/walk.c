/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/walk.c: ModelProto, GraphProto, NodeProto, AttributeProto, as far as weights may be in
 * them. */
#include "walk.h"

#include <inttypes.h>

#include "sparse.h"

enum { GRAPH_NODE = 1, GRAPH_INITIALIZER = 5, GRAPH_SPARSE = 15 };
enum { NODE_OUTPUT = 2, NODE_OPERATOR = 4, NODE_ATTRIBUTE = 5, NODE_DOMAIN = 7 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_TENSOR = 5, ATTRIBUTE_GRAPH = 6, ATTRIBUTE_GRAPHS = 11 };

static adze_status walk_graph (onnx_walk *walk, onnx_span rest, int depth, int64_t *growth);

/* A message inside another one, while what is in it is walked. */
typedef struct frame {
  size_t edit;
  int64_t growth;
} frame;

static adze_status
check_message (const onnx_walk *walk, const onnx_field *field)
{
  if (field->type == ONNX_BYTES)
    return ADZE_OK;
  return onnx_fail_at (walk->input, field->at, ADZE_E_FORMAT,
                       "field %" PRIu32 " is no message: the file is damaged, or is no ONNX model",
                       field->number);
}

static adze_status
enter (onnx_walk *walk, const onnx_field *field, int depth, frame *inner)
{
  adze_status status = check_message (walk, field);
  if (status != ADZE_OK)
    return status;
  if (depth > ONNX_DEPTH_MAX)
    return onnx_fail_at (walk->input, field->at, ADZE_E_LIMIT,
                         "messages lie within messages more than %d deep", ONNX_DEPTH_MAX);
  inner->edit = walk->edits.count;
  inner->growth = 0;
  return onnx_edits_add (&walk->edits, ONNX_LENGTH, field->body - field->width, field->width, 0);
}

/* The length that was written keeps its width where that was more than was needed, so that bytes
 * which nobody changed stay what they are. */
static void
leave (onnx_walk *walk, const onnx_field *field, const frame *inner, int64_t *growth)
{
  if (walk->edits.count == inner->edit + 1) {
    walk->edits.count--;
    return;
  }
  uint64_t before = field->end - field->body;
  uint64_t after = (uint64_t)((int64_t)before + inner->growth);
  uint32_t width = (uint32_t)onnx_varint_size (after);
  if (field->width > onnx_varint_size (before) && field->width > width)
    width = field->width;
  onnx_edit *edit = &walk->edits.list[inner->edit];
  edit->value = after;
  edit->width = width;
  *growth += inner->growth + (int64_t)width - (int64_t)field->width;
}

/* NAME is where the weight's name is, less the SUFFIX, or empty: its own. */
static adze_status
walk_weight (onnx_walk *walk, const onnx_field *field, onnx_span name, const char *suffix,
             uint32_t graph, int depth, int64_t *growth)
{
  onnx_weight weight = { .name = name, .suffix = suffix, .graph = graph };
  frame inner;
  adze_status status = enter (walk, field, depth, &inner);
  if (status == ADZE_OK)
    status = onnx_tensor_parse (walk->input, onnx_body (field), &weight.tensor);
  if (status != ADZE_OK)
    return status;
  if (name.at == name.end) {
    weight.name = weight.tensor.name;
    if (weight.name.at == weight.name.end)
      return onnx_tensor_fail (walk->input, &weight.tensor, ADZE_E_FORMAT,
                               "is an initialiser without a name");
  }
  if (weight.tensor.type->dtype.bits > 0)
    status = walk->weight (walk, &weight, &inner.growth);
  else if (walk->strings++ == 0)
    walk->first_strings = weight.name;
  if (status == ADZE_OK)
    leave (walk, field, &inner, growth);
  return status;
}

typedef struct walked {
  bool is_constant; /* in ONNX's own domain */
  bool has_attributes;
  onnx_span output;
  uint32_t graph;
} walked;

/* What must be known of a node before its attributes mean something, wherever it stands. */
static adze_status
look_at_node (onnx_walk *walk, onnx_span rest, walked *found)
{
  bool own = true, constant = false;
  for (;;) {
    onnx_field field;
    adze_status status = onnx_next (walk->input, &rest, &field);
    if (status != ADZE_OK)
      return status;
    if (!field.number)
      break;
    if (field.number == NODE_ATTRIBUTE)
      found->has_attributes = true;
    if (field.type != ONNX_BYTES)
      continue;
    if (field.number == NODE_OUTPUT && !found->output.at)
      found->output = onnx_body (&field);
    if (field.number == NODE_OPERATOR)
      status = onnx_same (walk->input, onnx_body (&field), "Constant", &constant);
    if (field.number == NODE_DOMAIN && field.body != field.end)
      status = onnx_same (walk->input, onnx_body (&field), "ai.onnx", &own);
    if (status != ADZE_OK)
      return status;
  }
  found->is_constant = own && constant && found->output.at != found->output.end;
  return ADZE_OK;
}

/* May there be weights in the attribute? *IS_VALUE: it is the one that a Constant has its value in.
 * Of two graphs, or tensors, protobuf's readers would make one. */
static adze_status
look_at_attribute (onnx_walk *walk, onnx_span rest, const walked *of, bool *is_value, bool *may_be)
{
  unsigned tensors = 0, graphs = 0, lists = 0;
  *is_value = false;
  for (;;) {
    onnx_field field;
    adze_status status = onnx_next (walk->input, &rest, &field);
    if (status == ADZE_OK && field.number == ATTRIBUTE_NAME && field.type == ONNX_BYTES)
      status = onnx_same (walk->input, onnx_body (&field), "value", is_value);
    if (status != ADZE_OK)
      return status;
    if (!field.number)
      break;
    tensors += field.number == ATTRIBUTE_TENSOR;
    graphs += field.number == ATTRIBUTE_GRAPH;
    lists += field.number == ATTRIBUTE_GRAPHS;
    if (tensors > 1 || graphs > 1)
      return onnx_fail_at (walk->input, field.at, ADZE_E_FORMAT, "an attribute has two values");
  }
  *is_value &= of->is_constant;
  *may_be = graphs > 0 || lists > 0 || (tensors > 0 && *is_value);
  return ADZE_OK;
}

static adze_status
walk_attribute (onnx_walk *walk, onnx_span rest, const walked *of, bool is_value, int depth,
                int64_t *growth)
{
  adze_status status = ADZE_OK;
  while (status == ADZE_OK) {
    onnx_field field;
    status = onnx_next (walk->input, &rest, &field);
    if (status != ADZE_OK || !field.number)
      break;
    if (field.number == ATTRIBUTE_TENSOR && is_value)
      status = walk_weight (walk, &field, of->output, NULL, of->graph, depth + 1, growth);
    if (field.number != ATTRIBUTE_GRAPH && field.number != ATTRIBUTE_GRAPHS)
      continue;
    frame inner;
    status = enter (walk, &field, depth + 1, &inner);
    if (status == ADZE_OK)
      status = walk_graph (walk, onnx_body (&field), depth + 1, &inner.growth);
    if (status == ADZE_OK)
      leave (walk, &field, &inner, growth);
  }
  return status;
}

/* The attributes of a node. Those without weights are not entered: there are many. */
static adze_status
walk_node (onnx_walk *walk, onnx_span rest, const walked *found, int depth, int64_t *growth)
{
  adze_status status = ADZE_OK;
  while (status == ADZE_OK) {
    onnx_field field;
    status = onnx_next (walk->input, &rest, &field);
    if (status != ADZE_OK || !field.number)
      break;
    if (field.number != NODE_ATTRIBUTE)
      continue;
    bool is_value = false, may_be = false;
    frame inner;
    status = check_message (walk, &field);
    if (status == ADZE_OK)
      status = look_at_attribute (walk, onnx_body (&field), found, &is_value, &may_be);
    if (status != ADZE_OK || !may_be)
      continue;
    status = enter (walk, &field, depth + 1, &inner);
    if (status == ADZE_OK)
      status = walk_attribute (walk, onnx_body (&field), found, is_value, depth + 1,
                               &inner.growth);
    if (status == ADZE_OK)
      leave (walk, &field, &inner, growth);
  }
  return status;
}

static adze_status
enter_node (onnx_walk *walk, const onnx_field *field, uint32_t graph, int depth, int64_t *growth)
{
  walked found = { .graph = graph };
  frame inner;
  adze_status status = check_message (walk, field);
  if (status == ADZE_OK)
    status = look_at_node (walk, onnx_body (field), &found);
  if (status != ADZE_OK || !found.has_attributes)
    return status;
  status = enter (walk, field, depth, &inner);
  if (status == ADZE_OK)
    status = walk_node (walk, onnx_body (field), &found, depth, &inner.growth);
  if (status == ADZE_OK)
    leave (walk, field, &inner, growth);
  return status;
}

static adze_status
walk_sparse (onnx_walk *walk, onnx_span rest, onnx_span name, uint32_t graph, int depth,
             int64_t *growth)
{
  adze_status status = ADZE_OK;
  while (status == ADZE_OK) {
    onnx_field field;
    status = onnx_next (walk->input, &rest, &field);
    if (status != ADZE_OK || !field.number)
      break;
    if (field.number != ONNX_SPARSE_DIMS)
      status = walk_weight (walk, &field, name, field.number == ONNX_SPARSE_INDICES ? ONNX_INDICES : "",
                            graph, depth + 1, growth);
  }
  return status;
}

static adze_status
enter_sparse (onnx_walk *walk, const onnx_field *field, uint32_t graph, int depth, int64_t *growth)
{
  onnx_sparse sparse;
  frame inner;
  adze_status status = check_message (walk, field);
  if (status == ADZE_OK)
    status = onnx_sparse_parse (walk->input, onnx_body (field), &sparse);
  if (status != ADZE_OK)
    return status;
  if (!sparse.sound) {
    walk->sparse++;
    return ADZE_OK;
  }
  status = enter (walk, field, depth, &inner);
  if (status == ADZE_OK)
    status = walk_sparse (walk, onnx_body (field), sparse.values.name, graph, depth, &inner.growth);
  if (status == ADZE_OK)
    leave (walk, field, &inner, growth);
  return status;
}

static adze_status
walk_graph (onnx_walk *walk, onnx_span rest, int depth, int64_t *growth)
{
  uint32_t graph = walk->graphs++;
  const onnx_span own_name = { 0, 0 };
  adze_status status = ADZE_OK;
  while (status == ADZE_OK) {
    onnx_field field;
    status = onnx_next (walk->input, &rest, &field);
    if (status != ADZE_OK || !field.number)
      break;
    if (field.number == GRAPH_INITIALIZER)
      status = walk_weight (walk, &field, own_name, NULL, graph, depth + 1, growth);
    else if (field.number == GRAPH_SPARSE)
      status = enter_sparse (walk, &field, graph, depth + 1, growth);
    else if (field.number == GRAPH_NODE)
      status = enter_node (walk, &field, graph, depth + 1, growth);
  }
  return status;
}

adze_status
onnx_walk_model (onnx_walk *walk, int64_t *growth)
{
  onnx_span rest = { 0, walk->input->size };
  bool has_graph = false;
  *growth = 0;
  walk->graphs = 0;
  walk->strings = walk->sparse = 0;
  for (;;) {
    onnx_field field;
    adze_status status = onnx_next (walk->input, &rest, &field);
    if (status == ADZE_OK && !field.number)
      field.at = rest.at;
    if (status == ADZE_OK)
      status = walk->field (walk, &field, growth);
    if (status != ADZE_OK)
      return status;
    if (!field.number)
      break;
    if (field.number != ONNX_MODEL_GRAPH)
      continue;
    if (has_graph)
      return onnx_fail_at (walk->input, field.at, ADZE_E_FORMAT, "the model has two graphs");
    has_graph = true;
    frame inner;
    status = enter (walk, &field, 2, &inner);
    if (status == ADZE_OK)
      status = walk_graph (walk, onnx_body (&field), 2, &inner.growth);
    if (status != ADZE_OK)
      return status;
    leave (walk, &field, &inner, growth);
  }
  if (!has_graph)
    return onnx_fail_at (walk->input, rest.at, ADZE_E_FORMAT,
                         "the file ends, and there was no graph: it is cut off, or is no ONNX "
                         "model");
  return ADZE_OK;
}
