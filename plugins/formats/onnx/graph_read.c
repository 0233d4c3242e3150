/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/graph_read.c: from the part "onnx.model/1" to a graph.
 *
 * A first walk, the one that reading and writing make, finds the weights and what they are called,
 * and refuses what lies too deep. Then each graph is gone through once for each thing that it is
 * made of, so that every value is known before a node refers to it, in whatever order the file has
 * them. Bodies are graphs of their own, which see nothing of what is around them: that becomes
 * inputs.
 */
#include "graph_read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sparse.h"

/* ---- Weights. */

static int
compare_places (const void *key, const void *item)
{
  uint64_t at = *(const uint64_t *)key, other = ((const onnx_item *)item)->tensor.at;
  return (at > other) - (at < other);
}

const onnx_item *
onnx_weight_at (const onnx_graph_reader *self, uint64_t at)
{
  return self->weights.count == 0
             ? NULL
             : (const onnx_item *)bsearch (&at, self->weights.items, self->weights.count,
                                           sizeof *self->weights.items, compare_places);
}

static adze_status
add_alias (const onnx_graph_reader *self, onnx_scope *scope, const char *name, uint32_t value)
{
  void *list = scope->aliases;
  adze_status status = onnx_grow (self->host, &list, scope->alias_count, 1, &scope->alias_capacity,
                                  sizeof *scope->aliases);
  scope->aliases = (onnx_alias *)list;
  if (status != ADZE_OK)
    return status;
  scope->aliases[scope->alias_count++] = (onnx_alias){ name, value };
  scope->aliases_sorted = false;
  return ADZE_OK;
}

adze_status
onnx_add_weight (onnx_graph_reader *self, onnx_scope *scope, const onnx_item *item,
                 const onnx_tensor *tensor, const char *name)
{
  uint32_t value;
  adze_status status = self->graphs->add_weight (self->host, scope->graph, item->name,
                                                 tensor->type->dtype, tensor->rank, tensor->dims,
                                                 &value);
  bool fixed = false;
  if (status == ADZE_OK)
    status = onnx_same (&self->input, tensor->doc, ONNX_FIXED, &fixed);
  if (status == ADZE_OK && fixed)
    status = self->graphs->fix_weight (self->host, scope->graph, value);
  if (status != ADZE_OK || strcmp (item->name, name) == 0)
    return status;
  return add_alias (self, scope, name, value);
}

static adze_status
read_initializer (onnx_graph_reader *self, onnx_scope *scope, const onnx_field *field)
{
  onnx_tensor tensor;
  const char *name = NULL;
  adze_status status = onnx_tensor_parse (&self->input, onnx_body (field), &tensor);
  if (status == ADZE_OK)
    status = onnx_read_text (self, &self->names, tensor.name, &name);
  if (status != ADZE_OK)
    return status;
  const onnx_item *item = onnx_weight_at (self, tensor.body.at);
  if (!item)
    return adze_fail (self->host, ADZE_E_UNSUPPORTED,
                      "the initialiser '%s' is of strings; graphs compute with numbers alone",
                      name);
  return onnx_add_weight (self, scope, item, &tensor, name);
}

/* What its graph calls by the values' name is what nodes make of both. */
static adze_status
read_sparse (onnx_graph_reader *self, onnx_scope *scope, const onnx_field *field)
{
  onnx_sparse sparse;
  const char *name = "";
  uint32_t dense = ADZE_NONE;
  adze_status status = onnx_sparse_parse (&self->input, onnx_body (field), &sparse);
  if (status == ADZE_OK && sparse.values.name.at < sparse.values.name.end)
    status = onnx_read_text (self, &self->names, sparse.values.name, &name);
  if (status != ADZE_OK)
    return status;
  if (!sparse.sound)
    return adze_fail (self->host, ADZE_E_UNSUPPORTED,
                      "the sparse initialiser '%s' is not what ONNX asks for: numbers with a name, as many "
                      "indices (INT64), and the size of each dimension",
                      name);
  const onnx_item *values = onnx_weight_at (self, sparse.values.body.at);
  const onnx_item *indices = onnx_weight_at (self, sparse.indices.body.at);
  status = onnx_add_weight (self, scope, values, &sparse.values, values->name);
  if (status == ADZE_OK)
    status = onnx_add_weight (self, scope, indices, &sparse.indices, indices->name);
  if (status == ADZE_OK)
    status = onnx_sparse_nodes_make (self->host, scope->graph, &sparse,
                                     self->graphs->find_value (scope->graph, values->name),
                                     self->graphs->find_value (scope->graph, indices->name), &dense);
  return status == ADZE_OK ? add_alias (self, scope, name, dense) : status;
}

/* ---- Who is meant. */

static int
compare_aliases (const void *a, const void *b)
{
  return strcmp (((const onnx_alias *)a)->name, ((const onnx_alias *)b)->name);
}

static const onnx_alias *
find_alias (onnx_scope *scope, const char *name)
{
  if (scope->alias_count == 0)
    return NULL;
  if (!scope->aliases_sorted)
    qsort (scope->aliases, scope->alias_count, sizeof *scope->aliases, compare_aliases);
  scope->aliases_sorted = true;
  const onnx_alias key = { name, 0 };
  return (const onnx_alias *)bsearch (&key, scope->aliases, scope->alias_count, sizeof key,
                                      compare_aliases);
}

bool
onnx_own_value (const onnx_graph_reader *self, onnx_scope *scope, const char *name, uint32_t *value)
{
  const onnx_alias *alias = find_alias (scope, name);
  *value = alias ? alias->value : self->graphs->find_value (scope->graph, name);
  return *value != ADZE_NONE;
}

static bool
is_around (const onnx_graph_reader *self, const onnx_scope *scope, const char *name)
{
  uint32_t value;
  for (onnx_scope *outer = scope->outer; outer; outer = outer->outer)
    if (onnx_own_value (self, outer, name, &value))
      return true;
  return false;
}

static adze_status
add_capture (onnx_graph_reader *self, onnx_scope *scope, const char *name, uint32_t *value)
{
  const adze_dtype unknown = { 0, 0, 0 };
  return self->graphs->add_input (self->host, scope->graph, name, unknown, -1, NULL, value);
}

adze_status
onnx_take_captures (onnx_graph_reader *self, onnx_scope *scope, const onnx_captures *captures,
                    size_t first)
{
  adze_status status = ADZE_OK;
  for (size_t i = first; status == ADZE_OK && i < captures->count; i++) {
    /* One that the body hides by a value of its own is handed to it all the same. */
    uint32_t value;
    bool hidden = onnx_own_value (self, scope, captures->names[i], &value);
    status = add_capture (self, scope, hidden ? NULL : captures->names[i], &value);
  }
  return status;
}

adze_status
onnx_value_of (onnx_graph_reader *self, onnx_scope *scope, const char *name, uint32_t *value)
{
  if (onnx_own_value (self, scope, name, value))
    return ADZE_OK;
  if (!is_around (self, scope, name))
    return self->graphs->add_value (self->host, scope->graph, name, value);
  onnx_captures *captures = scope->captures;
  void *list = captures->names;
  adze_status status = onnx_grow (self->host, &list, captures->count, 1, &captures->capacity,
                                  sizeof *captures->names);
  captures->names = (const char **)list;
  size_t size = strlen (name) + 1;
  char *kept = status == ADZE_OK ? (char *)onnx_scratch_take (&self->names, size) : NULL;
  if (!kept)
    return ADZE_E_MEMORY;
  captures->names[captures->count++] = (const char *)memcpy (kept, name, size);
  return add_capture (self, scope, kept, value);
}

/* ---- Inputs and outputs. */

static adze_status
read_input (onnx_graph_reader *self, onnx_scope *scope, const onnx_field *field)
{
  const char *name;
  onnx_value_type type;
  uint32_t value;
  adze_status status = onnx_read_value_info (self, scope, field, &name, &type);
  if (status != ADZE_OK)
    return status;
  /* Files of old list their weights among the inputs. */
  if (onnx_own_value (self, scope, name, &value)
      && self->graphs->value (scope->graph, value)->role == ADZE_ROLE_WEIGHT)
    return ADZE_OK;
  return self->graphs->add_input (self->host, scope->graph, name, type.dtype, type.rank, type.shape,
                                  &value);
}

/* What is said of a value that a node makes. Of others, their type is known better already. */
static adze_status
read_declaration (onnx_graph_reader *self, onnx_scope *scope, const onnx_field *field)
{
  const char *name;
  onnx_value_type type;
  uint32_t value;
  adze_status status = onnx_read_value_info (self, scope, field, &name, &type);
  if (status != ADZE_OK || !onnx_own_value (self, scope, name, &value)
      || self->graphs->value (scope->graph, value)->role != ADZE_ROLE_NODE)
    return status;
  return self->graphs->declare (self->host, scope->graph, value, type.dtype, type.rank, type.shape);
}

static adze_status
read_output (onnx_graph_reader *self, onnx_scope *scope, const onnx_field *field)
{
  const char *name;
  onnx_value_type type;
  uint32_t value = ADZE_NONE;
  adze_status status = onnx_read_value_info (self, scope, field, &name, &type);
  if (status == ADZE_OK)
    status = onnx_value_of (self, scope, name, &value);
  return status == ADZE_OK ? self->graphs->add_output (self->host, scope->graph, value) : status;
}

/* ---- A graph. */

typedef struct graph_pass {
  uint32_t field;
  adze_status (*read) (onnx_graph_reader *self, onnx_scope *scope, const onnx_field *field);
} graph_pass;

static const graph_pass passes[] = {
  { ONNX_GRAPH_INITIALIZER, read_initializer },
  { ONNX_GRAPH_INPUT, read_input },
  { ONNX_GRAPH_NODE, onnx_name_outputs },
  { ONNX_GRAPH_VALUE_INFO, read_declaration },
  { ONNX_GRAPH_OUTPUT, read_declaration },
  { ONNX_GRAPH_SPARSE, read_sparse }, /* finds names for what its nodes make, when all others are known */
  { ONNX_GRAPH_NODE, onnx_read_node },
  { ONNX_GRAPH_OUTPUT, read_output },
};

static adze_status
make_pass (onnx_graph_reader *self, onnx_scope *scope, onnx_span rest, const graph_pass *pass)
{
  for (;;) {
    onnx_field field;
    adze_status status = onnx_next (&self->input, &rest, &field);
    if (status != ADZE_OK || !field.number)
      return status;
    if (field.number != pass->field)
      continue;
    status = onnx_check_bytes (self, &field);
    if (status == ADZE_OK)
      status = pass->read (self, scope, &field);
    if (status != ADZE_OK)
      return status;
  }
}

adze_status
onnx_read_graph (onnx_graph_reader *self, onnx_scope *scope, onnx_span body)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < sizeof passes / sizeof passes[0]; i++) {
    /* What the bodies before this one take, in their order: behind its own inputs. */
    if (passes[i].read == onnx_read_node && scope->captures)
      status = onnx_take_captures (self, scope, scope->captures, 0);
    if (status == ADZE_OK)
      status = make_pass (self, scope, body, &passes[i]);
  }
  onnx_drop (scope->aliases);
  scope->aliases = NULL;
  scope->alias_count = scope->alias_capacity = 0;
  return status;
}

/* ---- The model. */

/* Nothing was said of it. */
#define NO_OPSET INT64_MIN

static adze_status
read_opset (onnx_graph_reader *self, onnx_span rest, int64_t *opset)
{
  enum { OPSET_DOMAIN = 1, OPSET_VERSION = 2 };
  bool own = true;
  uint64_t version = 0;
  for (;;) {
    onnx_field field;
    adze_status status = onnx_next (&self->input, &rest, &field);
    if (status == ADZE_OK && field.number == OPSET_DOMAIN && field.body != field.end)
      status = onnx_same (&self->input, onnx_body (&field), "ai.onnx", &own);
    if (status != ADZE_OK)
      return status;
    if (!field.number)
      break;
    if (field.number == OPSET_VERSION && field.type == ONNX_VARINT)
      version = field.value;
  }
  if (!own)
    return ADZE_OK;
  if (*opset != NO_OPSET && *opset != (int64_t)version)
    return adze_fail (self->host, ADZE_E_UNSUPPORTED,
                      "the model says that ONNX's operators are of opset %lld, and of opset %lld as well; which one "
                      "is meant nobody can tell: export it again",
                      (long long)*opset, (long long)version);
  *opset = (int64_t)version;
  return ADZE_OK;
}

static adze_status
refuse_function (onnx_graph_reader *self, const onnx_field *function)
{
  enum { FUNCTION_NAME = 1 };
  const char *name = "";
  onnx_span rest = onnx_body (function);
  for (;;) {
    onnx_field field;
    adze_status status = onnx_next (&self->input, &rest, &field);
    if (status == ADZE_OK && field.number == FUNCTION_NAME && field.type == ONNX_BYTES)
      status = onnx_read_text (self, &self->names, onnx_body (&field), &name);
    if (status != ADZE_OK)
      return status;
    if (!field.number)
      break;
  }
  return adze_fail (self->host, ADZE_E_UNSUPPORTED,
                    "the model has a function '%s' of its own, and graphs have none: export it "
                    "with its functions inlined",
                    name);
}

/* Before version 3 of the files there was the first opset alone, and none was named. */
static int64_t
settle_opset (onnx_graph_reader *self, uint64_t version, int64_t opset)
{
  self->needs_opset = opset == NO_OPSET && version >= 3;
  return opset == NO_OPSET ? 1 : opset;
}

static adze_status
read_rest (onnx_graph_reader *self, onnx_scope *scope, onnx_span *graph)
{
  int64_t opset = NO_OPSET;
  uint64_t version = 0;
  onnx_span rest = { 0, self->input.size };
  adze_status status = ADZE_OK;
  while (status == ADZE_OK) {
    onnx_field field;
    status = onnx_next (&self->input, &rest, &field);
    if (status != ADZE_OK || !field.number)
      break;
    if (field.number == ONNX_MODEL_VERSION && field.type == ONNX_VARINT)
      version = field.value;
    if (field.number == ONNX_MODEL_GRAPH)
      *graph = onnx_body (&field);
    if (field.number == ONNX_MODEL_OPSET && field.type == ONNX_BYTES)
      status = read_opset (self, onnx_body (&field), &opset);
    if (field.number == ONNX_MODEL_FUNCTION && field.type == ONNX_BYTES)
      status = refuse_function (self, &field);
  }
  if (status != ADZE_OK)
    return status;
  return self->graphs->set_opset (self->host, scope->graph, settle_opset (self, version, opset));
}

/* The walk finds each weight; nothing is edited. */
static adze_status
find_weight (onnx_walk *walk, const onnx_weight *weight, int64_t *growth)
{
  onnx_graph_reader *self = (onnx_graph_reader *)walk;
  (void)growth;
  return onnx_weights_add (&self->weights, &self->input, weight);
}

static adze_status
leave_field (onnx_walk *walk, const onnx_field *field, int64_t *growth)
{
  (void)walk;
  (void)field;
  (void)growth;
  return ADZE_OK;
}

static adze_status
read_part (onnx_graph_reader *self, onnx_scope *scope)
{
  int64_t growth;
  onnx_span graph = { 0, 0 };
  self->walk.input = &self->input;
  self->walk.weight = find_weight;
  self->walk.field = leave_field;
  adze_status status = onnx_walk_model (&self->walk, &growth);
  if (status == ADZE_OK)
    status = onnx_weights_name (&self->weights, &self->input);
  if (status == ADZE_OK)
    status = read_rest (self, scope, &graph);
  return status == ADZE_OK ? onnx_read_graph (self, scope, graph) : status;
}

adze_status
onnx_graph (const adze_host *host, const adze_params *params, const char *part_id, const void *part,
            size_t size, adze_graph *into)
{
  (void)params;
  if (strcmp (part_id, ONNX_PART) != 0)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "'%s' is no part of an ONNX model", part_id);
  if (size < 16 || onnx_get64 ((const uint8_t *)part) > size - 16)
    return adze_fail (host, ADZE_E_FORMAT, "the part '%s' is damaged", ONNX_PART);
  const adze_graph_service *graphs = adze_graph_of (host);
  if (!graphs)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no graphs (%s)", ADZE_GRAPH);
  onnx_graph_reader *self = (onnx_graph_reader *)host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "there is no memory to read with");
  self->host = self->weights.host = self->walk.edits.host = self->names.host = host;
  self->graphs = graphs;
  onnx_input_memory (&self->input, host, (const uint8_t *)part + 8,
                     onnx_get64 ((const uint8_t *)part));
  onnx_scope scope = { .graph = into };
  adze_status status = read_part (self, &scope);
  onnx_edits_release (&self->walk.edits);
  onnx_weights_release (&self->weights);
  onnx_scratch_release (&self->names);
  host->release (host, self);
  return status;
}
