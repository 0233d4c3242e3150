/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/graph_write.c: from a graph to the part "onnx.model/1", at the opset that graphs have.
 *
 * The model has its weights without numbers, as the part wants it; writing puts them in. Messages
 * are made from the inside out, each in a buffer of its own. What bodies take from around them is no
 * input there in ONNX: they use the name that it has around them.
 */
#include <inttypes.h>
#include <string.h>

#include "graph_read.h"
#include "sparse.h"

/* The version of ONNX's files that came with opset 17. */
#define IR_VERSION 8

/* ---- Bytes. */

typedef struct graph_bytes {
  const adze_host *host;
  uint8_t *data;
  size_t size, capacity;
  bool failed; /* there was no memory; asked once, at the end */
} graph_bytes;

static void
add_bytes (graph_bytes *into, const void *bytes, size_t size)
{
  void *data = into->data;
  if (into->failed
      || onnx_grow (into->host, &data, into->size, size, &into->capacity, 1) != ADZE_OK) {
    into->failed = true;
    return;
  }
  into->data = (uint8_t *)data;
  if (size > 0)
    memcpy (into->data + into->size, bytes, size);
  into->size += size;
}

static void
put_varint (graph_bytes *into, uint64_t value)
{
  uint8_t bytes[ONNX_VARINT_MAX];
  add_bytes (into, bytes, onnx_varint_put (bytes, value, 0));
}

static void
put_int (graph_bytes *into, uint32_t field, int64_t value)
{
  put_varint (into, (uint64_t)field << 3 | ONNX_VARINT);
  put_varint (into, (uint64_t)value);
}

static void
add_text (graph_bytes *into, uint32_t field, const void *bytes, size_t size)
{
  put_varint (into, (uint64_t)field << 3 | ONNX_BYTES);
  put_varint (into, size);
  add_bytes (into, bytes, size);
}

static void
put_word (graph_bytes *into, uint32_t field, const char *word)
{
  add_text (into, field, word, strlen (word));
}

static void
drop_bytes (graph_bytes *bytes)
{
  onnx_drop (bytes->data);
  bytes->data = NULL;
  bytes->size = bytes->capacity = 0;
}

/* INNER is taken over. */
static void
put_message (graph_bytes *into, uint32_t field, graph_bytes *inner)
{
  if (inner->failed)
    into->failed = true;
  else
    add_text (into, field, inner->data, inner->size);
  drop_bytes (inner);
}

/* ---- Who is who. */

typedef struct graph_writer {
  const adze_host *host;
  const adze_graph_service *graphs;
  graph_bytes items; /* of the part */
  unsigned bodies;   /* so far */
  const char **domains; /* other than ONNX's */
  size_t domain_count, domain_capacity;
} graph_writer;

typedef struct write_scope write_scope;
struct write_scope {
  const write_scope *outer;
  const adze_graph *graph;
  const adze_graph_node *node; /* whose body it is */
  unsigned number;             /* 0: no body */
  uint32_t *around;            /* for each value what it is around the body, or ADZE_NONE */
  uint32_t *used;              /* for each value how many take it */
  uint32_t *sparse;            /* for each value whose it is the sparse initialiser, by its values, or ADZE_NONE */
  uint32_t *folded;            /* for each node whether it is such a one's */
};

static graph_bytes
new_bytes (const graph_writer *self)
{
  return (graph_bytes){ .host = self->host };
}

/* Where a value really is: through the inputs by which bodies take it in. A sparse initialiser is called as its
 * values are. */
static const adze_graph_value *
root_of (const graph_writer *self, const write_scope **scope, uint32_t value)
{
  while ((*scope)->around[value] != ADZE_NONE) {
    value = (*scope)->around[value];
    *scope = (*scope)->outer;
  }
  if ((*scope)->sparse[value] != ADZE_NONE)
    value = (*scope)->sparse[value];
  return self->graphs->value ((*scope)->graph, value);
}

/* Names that the graph has found itself are unique in it alone: those of bodies get its number. */
static void
put_name (graph_writer *self, const write_scope *scope, uint32_t value, graph_bytes *into,
          uint32_t field)
{
  char numbered[64];
  if (value == ADZE_NONE) {
    put_word (into, field, "");
    return;
  }
  const adze_graph_value *found = root_of (self, &scope, value);
  const char *name = found->name;
  if (name[0] == '%' && scope->number > 0 && found->role != ADZE_ROLE_WEIGHT) {
    snprintf (numbered, sizeof numbered, "%%%u.%.40s", scope->number, name + 1);
    name = numbered;
  }
  put_word (into, field, name);
}

/* A body can only use what is around it by a name that is not its own for something else. */
static adze_status
check_hidden (graph_writer *self, const write_scope *scope, uint32_t value)
{
  const write_scope *root = scope;
  const char *name = root_of (self, &root, value)->name;
  uint32_t own = self->graphs->find_value (scope->graph, name);
  if (own == ADZE_NONE || scope->around[own] != ADZE_NONE || name[0] == '%')
    return ADZE_OK;
  return adze_fail (self->host, ADZE_E_UNSUPPORTED,
                    "a body of node %u (%s) has a value '%s' of its own and takes another one of "
                    "that name from around it, which ONNX cannot say; rename one of them",
                    scope->node->number, scope->node->op, name);
}

/* ---- Scopes. */

static adze_status
mark_used (graph_writer *self, write_scope *scope)
{
  const adze_graph_service *graphs = self->graphs;
  uint32_t nodes = graphs->node_count (scope->graph);
  size_t count;
  for (uint32_t n = 0; n < nodes; n++) {
    const adze_graph_node *node = graphs->node (scope->graph, n);
    for (size_t i = 0; node && i < node->input_count; i++)
      if (node->inputs[i] != ADZE_NONE)
        scope->used[node->inputs[i]]++;
  }
  const uint32_t *outputs = graphs->outputs (scope->graph, &count);
  for (size_t i = 0; i < count; i++)
    scope->used[outputs[i]]++;
  return ADZE_OK;
}

/* A body's last inputs are what its node takes from around it. */
static adze_status
match_captures (graph_writer *self, write_scope *scope)
{
  size_t count, captured = scope->node ? scope->node->captured_count : 0;
  const uint32_t *inputs = self->graphs->inputs (scope->graph, &count);
  if (captured > count || (scope->node && captured > scope->node->input_count))
    return adze_fail (self->host, ADZE_E_FORMAT,
                      "node %u (%s) takes %zu values for its bodies, and one of them has %zu "
                      "inputs",
                      scope->node->number, scope->node->op, captured, count);
  adze_status status = ADZE_OK;
  for (size_t i = 0; i < captured; i++)
    scope->around[inputs[count - captured + i]]
        = scope->node->inputs[scope->node->input_count - captured + i];
  for (size_t i = 0; status == ADZE_OK && i < captured; i++)
    if (scope->used[inputs[count - captured + i]])
      status = check_hidden (self, scope, inputs[count - captured + i]);
  return status;
}

/* Nodes that a sparse initialiser stands for are not written, nor what they alone take. */
static void
fold_sparse (graph_writer *self, write_scope *scope)
{
  uint32_t nodes = self->graphs->node_count (scope->graph);
  onnx_sparse_nodes found;
  for (uint32_t i = 0; i < nodes; i++) {
    if (!onnx_sparse_nodes_at (self->graphs, scope->graph, scope->used, i, &found))
      continue;
    scope->sparse[found.dense] = found.values;
    scope->used[found.values] = scope->used[found.indices] = 0;
    for (size_t k = 0; k < 2; k++)
      scope->used[found.constants[k]]--;
    for (size_t k = 0; k < 3; k++) {
      scope->folded[found.nodes[k]] = 1;
      scope->used[self->graphs->node (scope->graph, found.nodes[k])->outputs[0]] = 0;
    }
  }
}

static adze_status
open_scope (graph_writer *self, write_scope *scope)
{
  size_t values = (size_t)self->graphs->value_count (scope->graph) + 1;
  size_t nodes = (size_t)self->graphs->node_count (scope->graph) + 1;
  scope->around
      = (uint32_t *)self->host->allocate (self->host, (3 * values + nodes) * sizeof *scope->around);
  if (!scope->around)
    return adze_fail (self->host, ADZE_E_MEMORY, "there is no memory for %zu values", values);
  scope->sparse = scope->around + values;
  scope->used = scope->sparse + values;
  scope->folded = scope->used + values;
  for (size_t i = 0; i < 2 * values; i++)
    scope->around[i] = ADZE_NONE;
  adze_status status = mark_used (self, scope);
  fold_sparse (self, scope);
  return status == ADZE_OK ? match_captures (self, scope) : status;
}

static void
close_scope (graph_writer *self, write_scope *scope)
{
  if (scope->around)
    self->host->release (self->host, scope->around);
}

/* ---- Types. */

static adze_status
put_dtype (graph_writer *self, const char *name, adze_dtype dtype, graph_bytes *into,
           uint32_t field)
{
  const onnx_type *type = onnx_type_of (dtype);
  if (!type)
    return adze_fail (self->host, ADZE_E_UNSUPPORTED, "'%s' is of a type that ONNX does not have",
                      name);
  put_int (into, field, type->number);
  return ADZE_OK;
}

/* Symbols that the graph made itself are told apart by nobody else: they become a gap. */
static void
put_dimension (graph_writer *self, const adze_graph *graph, int64_t size, graph_bytes *shape)
{
  graph_bytes dimension = new_bytes (self);
  const char *symbol = size < 0 ? self->graphs->symbol (graph, (uint32_t)(-1 - size)) : NULL;
  if (size >= 0)
    put_int (&dimension, 1, size);
  else if (symbol && symbol[0] != '?')
    put_word (&dimension, 2, symbol);
  put_message (shape, 1, &dimension);
}

static adze_status
put_value_info (graph_writer *self, const write_scope *scope, uint32_t value, graph_bytes *into,
                uint32_t field)
{
  const adze_graph_value *found = self->graphs->value (scope->graph, value);
  graph_bytes info = new_bytes (self), type = new_bytes (self), tensor = new_bytes (self),
              shape = new_bytes (self);
  adze_status status = ADZE_OK;
  put_name (self, scope, value, &info, 1);
  if (found->dtype.bits) {
    status = put_dtype (self, found->name, found->dtype, &tensor, 1);
    for (int32_t i = 0; i < found->rank; i++)
      put_dimension (self, scope->graph, found->shape[i], &shape);
    if (found->rank >= 0)
      put_message (&tensor, 2, &shape);
    put_message (&type, 1, &tensor);
    put_message (&info, 2, &type);
  }
  put_message (into, field, &info);
  return status;
}

/* ---- Numbers. */

static void
put_dims (graph_bytes *into, int32_t rank, const int64_t *shape)
{
  for (int32_t i = 0; i < rank; i++)
    put_int (into, ONNX_TENSOR_DIMS, shape[i]);
}

/* A weight: its numbers go to the end of the message. */
static adze_status
put_initializer (graph_writer *self, const adze_graph_value *value, graph_bytes *into, uint32_t field)
{
  uint8_t item[ONNX_PART_ITEM] = { ONNX_RAW, 0 };
  graph_bytes tensor = new_bytes (self);
  for (int32_t i = 0; i < value->rank; i++)
    if (value->shape[i] < 0)
      return adze_fail (self->host, ADZE_E_FORMAT,
                        "the weight '%s' has a dimension that is not known", value->name);
  put_dims (&tensor, value->rank, value->shape);
  adze_status status = put_dtype (self, value->name, value->dtype, &tensor, ONNX_TENSOR_TYPE);
  put_word (&tensor, ONNX_TENSOR_NAME, value->name);
  if (value->fixed)
    put_word (&tensor, ONNX_TENSOR_DOC, ONNX_FIXED);
  onnx_put64 (item + 2, tensor.size);
  add_bytes (&self->items, item, sizeof item);
  put_message (into, field, &tensor);
  return status;
}

static adze_status
put_sparse (graph_writer *self, const write_scope *scope, uint32_t dense, graph_bytes *graph)
{
  const adze_graph_service *graphs = self->graphs;
  const adze_graph_node *last = graphs->node (scope->graph, graphs->value (scope->graph, dense)->node);
  const adze_graph_node *scatter
      = graphs->node (scope->graph, graphs->value (scope->graph, last->inputs[0])->node);
  const adze_graph_value *shape = graphs->value (scope->graph, last->inputs[1]);
  graph_bytes made = new_bytes (self);
  adze_status status = put_initializer (self, graphs->value (scope->graph, scatter->inputs[2]), &made,
                                        ONNX_SPARSE_VALUES);
  if (status == ADZE_OK)
    status = put_initializer (self, graphs->value (scope->graph, scatter->inputs[1]), &made,
                              ONNX_SPARSE_INDICES);
  for (int64_t i = 0; i < shape->shape[0]; i++)
    put_int (&made, ONNX_SPARSE_DIMS, ((const int64_t *)shape->data)[i]);
  put_message (graph, ONNX_GRAPH_SPARSE, &made);
  return status;
}

/* The attribute of a Constant that can hold the numbers in themselves; 0: there is none. */
static uint32_t
constant_attribute (const adze_graph_value *value, const char **name)
{
  bool ints = value->dtype.code == ADZE_INT && value->dtype.bits == 64;
  bool floats = value->dtype.code == ADZE_FLOAT && value->dtype.bits == 32;
  if (value->role != ADZE_ROLE_CONSTANT || value->rank < 0 || value->rank > 1 || !value->data
      || !(ints || floats))
    return 0;
  if (value->rank == 0) {
    *name = ints ? "value_int" : "value_float";
    return ints ? ADZE_ATTRIBUTE_INT : ADZE_ATTRIBUTE_FLOAT;
  }
  *name = ints ? "value_ints" : "value_floats";
  return ints ? ADZE_ATTRIBUTE_INTS : ADZE_ATTRIBUTE_FLOATS;
}

/* ---- Attributes. */

static adze_status put_graph (graph_writer *self, const write_scope *outer,
                              const adze_graph_node *node, const adze_graph *graph,
                              graph_bytes *into, uint32_t field);

static void
put_float (graph_bytes *into, uint32_t field, const float *number)
{
  put_varint (into, (uint64_t)field << 3 | ONNX_FIXED32);
  add_bytes (into, number, sizeof *number);
}

static adze_status
put_tensor (graph_writer *self, const char *name, const adze_view *view, graph_bytes *into,
            uint32_t field)
{
  graph_bytes tensor = new_bytes (self);
  put_dims (&tensor, view->rank, view->shape);
  adze_status status = put_dtype (self, name, view->dtype, &tensor, ONNX_TENSOR_TYPE);
  add_text (&tensor, ONNX_TENSOR_RAW, adze_view_data (view),
            (adze_view_count (view) * view->dtype.bits + 7) / 8);
  put_message (into, field, &tensor);
  return status;
}

static adze_status
put_attribute (graph_writer *self, const write_scope *scope, const adze_graph_node *node,
               const adze_graph_attribute *from, graph_bytes *into)
{
  /* ONNX's number of each type; the fields are other ones. */
  static const uint8_t numbers[] = { [ADZE_ATTRIBUTE_INT] = 2,   [ADZE_ATTRIBUTE_FLOAT] = 1,
                                   [ADZE_ATTRIBUTE_TEXT] = 3,  [ADZE_ATTRIBUTE_TENSOR] = 4,
                                   [ADZE_ATTRIBUTE_GRAPH] = 5, [ADZE_ATTRIBUTE_INTS] = 7,
                                   [ADZE_ATTRIBUTE_FLOATS] = 6, [ADZE_ATTRIBUTE_TEXTS] = 8 };
  graph_bytes made = new_bytes (self);
  adze_status status = ADZE_OK;
  put_word (&made, 1, from->name);
  for (size_t i = 0; i < from->count; i++)
    switch (from->type) {
    case ADZE_ATTRIBUTE_INT:
    case ADZE_ATTRIBUTE_INTS:
      put_int (&made, from->type == ADZE_ATTRIBUTE_INT ? 3 : 8, from->ints[i]);
      break;
    case ADZE_ATTRIBUTE_FLOAT:
    case ADZE_ATTRIBUTE_FLOATS:
      put_float (&made, from->type == ADZE_ATTRIBUTE_FLOAT ? 2 : 7, &from->floats[i]);
      break;
    case ADZE_ATTRIBUTE_TEXT:
    case ADZE_ATTRIBUTE_TEXTS:
      add_text (&made, from->type == ADZE_ATTRIBUTE_TEXT ? 4 : 9, from->texts[i].data,
                (size_t)from->texts[i].size);
      break;
    default:
      break;
    }
  if (from->type == ADZE_ATTRIBUTE_TENSOR)
    status = put_tensor (self, from->name, from->tensor, &made, 5);
  if (from->type == ADZE_ATTRIBUTE_GRAPH)
    status = put_graph (self, scope, node, from->graph, &made, 6);
  put_int (&made, 20, numbers[from->type]);
  put_message (into, ONNX_NODE_ATTRIBUTE, &made);
  return status;
}

/* ---- Nodes. */

static adze_status
note_domain (graph_writer *self, const char *domain)
{
  for (size_t i = 0; i < self->domain_count; i++)
    if (strcmp (self->domains[i], domain) == 0)
      return ADZE_OK;
  void *list = self->domains;
  adze_status status = onnx_grow (self->host, &list, self->domain_count, 1,
                                  &self->domain_capacity, sizeof *self->domains);
  self->domains = (const char **)list;
  if (status == ADZE_OK)
    self->domains[self->domain_count++] = domain;
  return status;
}

static adze_status
put_node (graph_writer *self, const write_scope *scope, const adze_graph_node *node,
          graph_bytes *graph)
{
  graph_bytes made = new_bytes (self);
  adze_status status = ADZE_OK;
  const adze_graph_attribute *value = adze_node_attribute (node, "value");
  /* A tensor there would be taken for a weight, and be asked for. */
  if (strcmp (node->op, "Constant") == 0 && value && value->type == ADZE_ATTRIBUTE_TENSOR)
    return adze_fail (self->host, ADZE_E_UNSUPPORTED,
                      "node %u '%s' (Constant) has numbers of its own; they are to be a constant "
                      "of the graph",
                      node->number, node->name);
  for (size_t i = 0; i + node->captured_count < node->input_count; i++)
    put_name (self, scope, node->inputs[i], &made, ONNX_NODE_INPUT);
  for (size_t i = 0; i < node->output_count; i++)
    put_name (self, scope, node->outputs[i], &made, ONNX_NODE_OUTPUT);
  if (node->name[0])
    put_word (&made, ONNX_NODE_NAME, node->name);
  put_word (&made, ONNX_NODE_OPERATOR, node->op);
  for (size_t i = 0; status == ADZE_OK && i < node->attribute_count; i++)
    status = put_attribute (self, scope, node, &node->attributes[i], &made);
  if (node->domain[0]) {
    put_word (&made, ONNX_NODE_DOMAIN, node->domain);
    if (status == ADZE_OK)
      status = note_domain (self, node->domain);
  }
  put_message (graph, ONNX_GRAPH_NODE, &made);
  return status;
}

static adze_status
put_constant (graph_writer *self, const write_scope *scope, uint32_t number, graph_bytes *graph)
{
  const adze_graph_value *value = self->graphs->value (scope->graph, number);
  adze_graph_attribute attribute = { .struct_size = sizeof attribute, .count = 1 };
  attribute.type = constant_attribute (value, &attribute.name);
  if (value->rank == 1)
    attribute.count = (size_t)value->shape[0];
  attribute.ints = (const int64_t *)value->data;
  attribute.floats = (const float *)value->data;
  graph_bytes made = new_bytes (self);
  put_name (self, scope, number, &made, ONNX_NODE_OUTPUT);
  put_word (&made, ONNX_NODE_OPERATOR, "Constant");
  adze_status status = put_attribute (self, scope, NULL, &attribute, &made);
  put_message (graph, ONNX_GRAPH_NODE, &made);
  return status;
}

/* ---- Graphs. */

static adze_status
put_nodes (graph_writer *self, const write_scope *scope, graph_bytes *into)
{
  uint32_t values = self->graphs->value_count (scope->graph);
  const char *name;
  adze_status status = ADZE_OK;
  for (uint32_t i = 0; status == ADZE_OK && i < values; i++)
    if (scope->used[i] && constant_attribute (self->graphs->value (scope->graph, i), &name))
      status = put_constant (self, scope, i, into);
  if (status != ADZE_OK || self->graphs->node_count (scope->graph) == 0)
    return status;
  size_t count = 0;
  const uint32_t *order = self->graphs->order (scope->graph, &count);
  if (!order)
    return adze_fail (self->host, ADZE_E_FORMAT,
                      "nodes of the graph wait for each other, and ONNX wants them in order");
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    if (!scope->folded[order[i]])
      status = put_node (self, scope, self->graphs->node (scope->graph, order[i]), into);
  return status;
}

static adze_status
put_initializers (graph_writer *self, const write_scope *scope, graph_bytes *into)
{
  uint32_t values = self->graphs->value_count (scope->graph);
  const char *name;
  adze_status status = ADZE_OK;
  for (uint32_t i = 0; status == ADZE_OK && i < values; i++) {
    const adze_graph_value *value = self->graphs->value (scope->graph, i);
    if (scope->used[i] && (value->role == ADZE_ROLE_WEIGHT || value->role == ADZE_ROLE_CONSTANT)
        && !constant_attribute (value, &name))
      status = put_initializer (self, value, into, ONNX_GRAPH_INITIALIZER);
  }
  for (uint32_t i = 0; status == ADZE_OK && i < values; i++)
    if (scope->sparse[i] != ADZE_NONE)
      status = put_sparse (self, scope, i, into);
  return status;
}

static adze_status
put_values (graph_writer *self, const write_scope *scope, graph_bytes *into)
{
  const adze_graph_service *graphs = self->graphs;
  size_t count;
  uint32_t values = graphs->value_count (scope->graph);
  adze_status status = ADZE_OK;
  const uint32_t *list = graphs->inputs (scope->graph, &count);
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    if (scope->around[list[i]] == ADZE_NONE)
      status = put_value_info (self, scope, list[i], into, ONNX_GRAPH_INPUT);
  list = graphs->outputs (scope->graph, &count);
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    status = put_value_info (self, scope, list[i], into, ONNX_GRAPH_OUTPUT);
    scope->used[list[i]] = 0; /* said already */
  }
  for (uint32_t i = 0; status == ADZE_OK && i < values; i++) {
    const adze_graph_value *value = graphs->value (scope->graph, i);
    if (scope->used[i] && value->role == ADZE_ROLE_NODE && value->dtype.bits)
      status = put_value_info (self, scope, i, into, ONNX_GRAPH_VALUE_INFO);
  }
  return status;
}

static adze_status
put_graph (graph_writer *self, const write_scope *outer, const adze_graph_node *node,
           const adze_graph *graph, graph_bytes *into, uint32_t field)
{
  write_scope scope = { .outer = outer, .graph = graph, .node = node };
  char name[32] = "graph";
  graph_bytes made = new_bytes (self);
  if (outer) {
    scope.number = ++self->bodies;
    snprintf (name, sizeof name, "body%u", scope.number);
  }
  adze_status status = open_scope (self, &scope);
  if (status == ADZE_OK)
    status = put_nodes (self, &scope, &made);
  put_word (&made, 2, name);
  if (status == ADZE_OK)
    status = put_initializers (self, &scope, &made);
  if (status == ADZE_OK)
    status = put_values (self, &scope, &made);
  close_scope (self, &scope);
  put_message (into, field, &made);
  return status;
}

/* ---- The part. */

static void
put_opset (graph_writer *self, const char *domain, int64_t version, graph_bytes *model)
{
  graph_bytes opset = new_bytes (self);
  if (domain[0])
    put_word (&opset, 1, domain);
  put_int (&opset, 2, version);
  put_message (model, ONNX_MODEL_OPSET, &opset);
}

static adze_status
make_part (graph_writer *self, const graph_bytes *model, void **bytes, size_t *size)
{
  if (model->failed || self->items.failed)
    return ADZE_E_MEMORY;
  *size = 16 + model->size + self->items.size;
  uint8_t *part = (uint8_t *)self->host->allocate (self->host, *size);
  if (!part)
    return adze_fail (self->host, ADZE_E_MEMORY, "there is no memory for a part of %zu bytes",
                      *size);
  /* Metadata belongs behind all else. */
  onnx_put64 (part, model->size);
  memcpy (part + 8, model->data, model->size);
  onnx_put64 (part + 8 + model->size, model->size);
  if (self->items.size > 0)
    memcpy (part + 16 + model->size, self->items.data, self->items.size);
  *bytes = part;
  return ADZE_OK;
}

adze_status
onnx_part (const adze_host *host, const adze_params *params, const adze_graph *graph,
           const char **part_id, void **bytes, size_t *size)
{
  (void)params;
  graph_writer self = { .host = host, .graphs = adze_graph_of (host), .items = { .host = host } };
  graph_bytes model = { .host = host };
  if (!self.graphs)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no graphs (%s)", ADZE_GRAPH);
  *part_id = ONNX_PART;
  put_int (&model, 1, IR_VERSION);
  put_word (&model, 2, "adze");
  adze_status status = put_graph (&self, NULL, NULL, graph, &model, ONNX_MODEL_GRAPH);
  put_opset (&self, "", ADZE_GRAPH_OPSET, &model);
  for (size_t i = 0; i < self.domain_count; i++)
    put_opset (&self, self.domains[i], 1, &model);
  if (status == ADZE_OK)
    status = make_part (&self, &model, bytes, size);
  onnx_drop (self.domains);
  drop_bytes (&self.items);
  drop_bytes (&model);
  return status;
}
