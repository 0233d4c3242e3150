/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/graph_read_node.c: NodeProto, with its bodies. */
#include "graph_read.h"

#include <string.h>

/* No operator has more than two; what a body takes goes to each of the others as well. */
#define BODIES_MAX 8

typedef struct node_body {
  size_t attribute; /* its number in the node */
  onnx_span span;
  onnx_scope scope;
  size_t taken; /* of the captures, how many are inputs already */
} node_body;

adze_status
onnx_fail_node (const onnx_graph_reader *self, const onnx_node *node, adze_status status,
                const char *format, ...)
{
  char reason[512];
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (reason, sizeof reason, format, arguments);
  va_end (arguments);
  /* Many exporters give no names; what it makes tells it from others then. */
  const char *name = node->name[0] ? node->name : node->output_count ? node->outputs[0] : "";
  return adze_fail (self->host, status, "node '%.100s' (%.100s) %s", name, node->op, reason);
}

/* ---- A node's own fields. */

static adze_status
count_fields (onnx_graph_reader *self, onnx_span rest, onnx_node *node, size_t *attributes)
{
  for (;;) {
    onnx_field field;
    adze_status status = onnx_next (&self->input, &rest, &field);
    if (status != ADZE_OK || !field.number)
      return status;
    node->input_count += field.number == ONNX_NODE_INPUT;
    node->output_count += field.number == ONNX_NODE_OUTPUT;
    *attributes += field.number == ONNX_NODE_ATTRIBUTE;
    if (field.number <= ONNX_NODE_ATTRIBUTE || field.number == ONNX_NODE_DOMAIN)
      status = onnx_check_bytes (self, &field);
    if (status != ADZE_OK)
      return status;
  }
}

static adze_status
take_texts (onnx_graph_reader *self, onnx_span rest, onnx_node *node)
{
  size_t inputs = 0, outputs = 0;
  for (;;) {
    onnx_field field;
    const char **into = NULL;
    adze_status status = onnx_next (&self->input, &rest, &field);
    if (status != ADZE_OK || !field.number)
      return status;
    switch (field.number) {
    case ONNX_NODE_INPUT:
      into = &node->inputs[inputs++];
      break;
    case ONNX_NODE_OUTPUT:
      into = &node->outputs[outputs++];
      break;
    case ONNX_NODE_NAME:
      into = &node->name;
      break;
    case ONNX_NODE_OPERATOR:
      into = &node->op;
      break;
    case ONNX_NODE_DOMAIN:
      into = &node->domain;
      break;
    default:
      continue;
    }
    status = onnx_read_text (self, &node->scratch, onnx_body (&field), into);
    if (status != ADZE_OK)
      return status;
  }
}

/* All but the attributes; *ATTRIBUTES is how many there are. */
static adze_status
open_node (onnx_graph_reader *self, onnx_span span, onnx_node *node, size_t *attributes)
{
  *node = (onnx_node){ .scratch = { .host = self->host }, .op = "", .domain = "", .name = "" };
  *attributes = 0;
  adze_status status = count_fields (self, span, node, attributes);
  if (status != ADZE_OK)
    return status;
  size_t names = node->input_count + node->output_count;
  node->inputs
      = (const char **)onnx_scratch_take (&node->scratch, (names + 1) * sizeof *node->inputs);
  if (!node->inputs)
    return ADZE_E_MEMORY;
  node->outputs = node->inputs + node->input_count;
  status = take_texts (self, span, node);
  if (strcmp (node->domain, "ai.onnx") == 0)
    node->domain = "";
  if (status == ADZE_OK && self->needs_opset && !node->domain[0])
    return adze_fail (self->host, ADZE_E_UNSUPPORTED,
                      "the model does not say of which opset ONNX's operators are, and its node '%s' is one (%s): "
                      "export it again",
                      node->name, node->op);
  return status;
}

static void
close_node (onnx_node *node)
{
  onnx_drop (node->captures.names);
  onnx_scratch_release (&node->scratch);
}

/* ---- Constants: their numbers are the graph's, or the model's. */

static bool
is_constant (const onnx_node *node)
{
  return strcmp (node->op, "Constant") == 0 && !node->domain[0] && node->output_count > 0
         && node->outputs[0][0];
}

/* *WEIGHT is the tensor in the attribute, where it is a weight. */
static adze_status
find_weight_value (onnx_graph_reader *self, onnx_span rest, const onnx_item **weight)
{
  enum { ATTRIBUTE_TENSOR_FIELD = 5 };
  *weight = NULL;
  for (;;) {
    onnx_field field;
    adze_status status = onnx_next (&self->input, &rest, &field);
    if (status != ADZE_OK || !field.number)
      return status;
    if (field.number == ATTRIBUTE_TENSOR_FIELD && field.type == ONNX_BYTES)
      *weight = onnx_weight_at (self, field.body);
    if (*weight)
      return ADZE_OK;
  }
}

static adze_status
add_weight_value (onnx_graph_reader *self, onnx_scope *scope, const onnx_node *node,
                  const onnx_item *weight)
{
  onnx_tensor tensor;
  const char *name = NULL; /* must live as long as the scope */
  adze_status status = onnx_tensor_parse (&self->input, weight->tensor, &tensor);
  size_t size = strlen (node->outputs[0]) + 1;
  char *kept = status == ADZE_OK ? (char *)onnx_scratch_take (&self->names, size) : NULL;
  if (!kept)
    return status == ADZE_OK ? ADZE_E_MEMORY : status;
  name = (const char *)memcpy (kept, node->outputs[0], size);
  status = onnx_add_weight (self, scope, weight, &tensor, name);
  return status == ADZE_OK
             ? self->graphs->fix_weight (self->host, scope->graph,
                                         self->graphs->find_value (scope->graph, weight->name))
             : status;
}

/* value_int, value_floats and so on; value, where it is of a type that is no weight, is text. */
static adze_status
add_constant (onnx_graph_reader *self, onnx_scope *scope, const onnx_node *node,
              const adze_graph_attribute *value)
{
  int64_t count = (int64_t)value->count;
  adze_view view = { .device = { ADZE_DEVICE_CPU, 0 }, .shape = &count };
  /* The view's data is for reading and writing; a copy is made of it here. */
  union {
    const void *given;
    void *data;
  } numbers = { NULL };
  switch (value->type) {
  case ADZE_ATTRIBUTE_INT:
  case ADZE_ATTRIBUTE_INTS:
    view.dtype = (adze_dtype){ ADZE_INT, 64, 1 };
    numbers.given = value->ints;
    break;
  case ADZE_ATTRIBUTE_FLOAT:
  case ADZE_ATTRIBUTE_FLOATS:
    view.dtype = (adze_dtype){ ADZE_FLOAT, 32, 1 };
    numbers.given = value->floats;
    break;
  default:
    return onnx_fail_node (self, node, ADZE_E_UNSUPPORTED,
                           "makes '%s' of strings, in its attribute '%s'; graphs compute with "
                           "numbers alone",
                           node->outputs[0], value->name);
  }
  view.rank = value->type == ADZE_ATTRIBUTE_INTS || value->type == ADZE_ATTRIBUTE_FLOATS;
  view.data = numbers.data;
  uint32_t made;
  return self->graphs->add_constant (self->host, scope->graph, node->outputs[0], &view, &made);
}

static adze_status
read_constant (onnx_graph_reader *self, onnx_scope *scope, onnx_span rest, onnx_node *node)
{
  for (;;) {
    onnx_field field;
    const onnx_item *weight = NULL;
    adze_graph_attribute value;
    onnx_span graph;
    adze_status status = onnx_next (&self->input, &rest, &field);
    if (status != ADZE_OK)
      return status;
    if (!field.number)
      return onnx_fail_node (self, node, ADZE_E_FORMAT, "has no value for '%s'", node->outputs[0]);
    if (field.number != ONNX_NODE_ATTRIBUTE)
      continue;
    status = find_weight_value (self, onnx_body (&field), &weight);
    if (status == ADZE_OK && weight)
      return add_weight_value (self, scope, node, weight);
    if (status == ADZE_OK)
      status = onnx_read_attribute (self, node, &field, &value, &graph);
    if (status != ADZE_OK)
      return status;
    if (strncmp (value.name, "value", 5) == 0)
      return add_constant (self, scope, node, &value);
  }
}

adze_status
onnx_name_outputs (onnx_graph_reader *self, onnx_scope *scope, const onnx_field *field)
{
  onnx_node node;
  size_t attributes;
  adze_status status = open_node (self, onnx_body (field), &node, &attributes);
  if (status == ADZE_OK && is_constant (&node))
    status = read_constant (self, scope, onnx_body (field), &node);
  else
    for (size_t i = 0; status == ADZE_OK && i < node.output_count; i++) {
      uint32_t value;
      /* What is there already is refused when the node comes, which has more to say. */
      if (node.outputs[i][0]
          && self->graphs->find_value (scope->graph, node.outputs[i]) == ADZE_NONE)
        status = self->graphs->add_value (self->host, scope->graph, node.outputs[i], &value);
    }
  close_node (&node);
  return status;
}

/* ---- Bodies. */

/* What one body takes from around it, each of them is handed, in the same order. */
static adze_status
read_bodies (onnx_graph_reader *self, onnx_scope *scope, onnx_node *node, node_body *bodies,
             size_t count)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    onnx_scope *inner = &bodies[i].scope;
    *inner = (onnx_scope){ .outer = scope, .captures = &node->captures };
    status = self->graphs->add_body (self->host, scope->graph, &inner->graph);
    node->attributes[bodies[i].attribute].graph = inner->graph;
    if (status == ADZE_OK)
      status = onnx_read_graph (self, inner, bodies[i].span);
    bodies[i].taken = node->captures.count;
  }
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    status = onnx_take_captures (self, &bodies[i].scope, &node->captures, bodies[i].taken);
  return status;
}

static adze_status
read_attributes (onnx_graph_reader *self, onnx_scope *scope, onnx_span rest, onnx_node *node,
                 size_t count)
{
  node_body bodies[BODIES_MAX];
  size_t body_count = 0;
  node->attributes = (adze_graph_attribute *)onnx_scratch_take (
      &node->scratch, (count + 1) * sizeof *node->attributes);
  if (!node->attributes)
    return ADZE_E_MEMORY;
  while (node->attribute_count < count) {
    onnx_field field;
    onnx_span graph = { 0, 0 };
    adze_status status = onnx_next (&self->input, &rest, &field);
    if (status != ADZE_OK || !field.number)
      return status;
    if (field.number != ONNX_NODE_ATTRIBUTE)
      continue;
    size_t number = node->attribute_count++;
    adze_graph_attribute *into = &node->attributes[number];
    status = onnx_read_attribute (self, node, &field, into, &graph);
    if (status != ADZE_OK)
      return status;
    if (into->type != ADZE_ATTRIBUTE_GRAPH)
      continue;
    if (body_count == BODIES_MAX)
      return onnx_fail_node (self, node, ADZE_E_UNSUPPORTED, "has more than %d bodies", BODIES_MAX);
    bodies[body_count++] = (node_body){ .attribute = number, .span = graph };
  }
  return read_bodies (self, scope, node, bodies, body_count);
}

/* ---- A node. */

static adze_status
find_inputs (onnx_graph_reader *self, onnx_scope *scope, const onnx_node *node, uint32_t *inputs)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < node->input_count; i++) {
    inputs[i] = ADZE_NONE;
    if (node->inputs[i][0])
      status = onnx_value_of (self, scope, node->inputs[i], &inputs[i]);
  }
  for (size_t i = 0; status == ADZE_OK && i < node->captures.count; i++)
    status = onnx_value_of (self, scope, node->captures.names[i], &inputs[node->input_count + i]);
  return status;
}

static adze_status
check_outputs (onnx_graph_reader *self, onnx_scope *scope, const onnx_node *node)
{
  for (size_t i = 0; i < node->output_count; i++) {
    uint32_t value;
    if (node->outputs[i][0] && onnx_own_value (self, scope, node->outputs[i], &value)
        && self->graphs->value (scope->graph, value)->role != ADZE_ROLE_NODE)
      return onnx_fail_node (self, node, ADZE_E_FORMAT,
                             "makes the value '%s', which is there already", node->outputs[i]);
  }
  return ADZE_OK;
}

static adze_status
add_node (onnx_graph_reader *self, onnx_scope *scope, onnx_node *node)
{
  size_t count = node->input_count + node->captures.count;
  uint32_t *inputs
      = (uint32_t *)onnx_scratch_take (&node->scratch, (count + 1) * sizeof *inputs);
  if (!inputs)
    return ADZE_E_MEMORY;
  adze_status status = check_outputs (self, scope, node);
  if (status == ADZE_OK)
    status = find_inputs (self, scope, node, inputs);
  if (status != ADZE_OK)
    return status;
  const adze_node_recipe recipe = { .struct_size = sizeof recipe,
                                    .domain = node->domain,
                                    .op = node->op,
                                    .name = node->name,
                                    .inputs = inputs,
                                    .input_count = count,
                                    .captured_count = node->captures.count,
                                    .output_names = node->outputs,
                                    .output_count = node->output_count,
                                    .attributes = node->attributes,
                                    .attribute_count = node->attribute_count };
  return self->graphs->add_node (self->host, scope->graph, &recipe, NULL);
}

adze_status
onnx_read_node (onnx_graph_reader *self, onnx_scope *scope, const onnx_field *field)
{
  onnx_node node;
  size_t attributes;
  adze_status status = open_node (self, onnx_body (field), &node, &attributes);
  if (status == ADZE_OK && !is_constant (&node)) {
    status = read_attributes (self, scope, onnx_body (field), &node, attributes);
    if (status == ADZE_OK)
      status = add_node (self, scope, &node);
  }
  close_node (&node);
  return status;
}
