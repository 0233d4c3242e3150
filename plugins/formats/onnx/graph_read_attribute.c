/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/graph_read_attribute.c: AttributeProto. What it says its type to be is believed, and where
 * it says none, as files of old do, what it has tells. */
#include "graph_read.h"

#include <inttypes.h>
#include <string.h>

#include "values.h"

enum {
  FIELD_NAME = 1,
  FIELD_FLOAT = 2,
  FIELD_INT = 3,
  FIELD_TEXT = 4,
  FIELD_TENSOR = 5,
  FIELD_GRAPH = 6,
  FIELD_FLOATS = 7,
  FIELD_INTS = 8,
  FIELD_TEXTS = 9,
  FIELD_TYPE = 20,
  FIELD_REFERENCE = 21,
  FIELD_MOST = 32
};

/* ONNX's number of a type, the field that its value is in, and what it is called here; 0: it has no
 * place in a graph. */
static const struct {
  uint32_t field;
  adze_attribute_type type;
  const char *word;
} kinds[] = {
  [1] = { FIELD_FLOAT, ADZE_ATTRIBUTE_FLOAT, "a float" },
  [2] = { FIELD_INT, ADZE_ATTRIBUTE_INT, "an integer" },
  [3] = { FIELD_TEXT, ADZE_ATTRIBUTE_TEXT, "a string" },
  [4] = { FIELD_TENSOR, ADZE_ATTRIBUTE_TENSOR, "a tensor" },
  [5] = { FIELD_GRAPH, ADZE_ATTRIBUTE_GRAPH, "a graph" },
  [6] = { FIELD_FLOATS, ADZE_ATTRIBUTE_FLOATS, "floats" },
  [7] = { FIELD_INTS, ADZE_ATTRIBUTE_INTS, "integers" },
  [8] = { FIELD_TEXTS, ADZE_ATTRIBUTE_TEXTS, "strings" },
  [9] = { 10, 0, "a list of tensors" },
  [10] = { 11, 0, "a list of graphs" },
  [11] = { 22, 0, "a sparse tensor" },
  [12] = { 23, 0, "a list of sparse tensors" },
  [13] = { 14, 0, "a type, as sequences and optionals have" },
  [14] = { 15, 0, "a list of types" },
};

#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

typedef struct attribute_lists {
  int64_t *ints;
  float *floats;
  adze_text *texts;
  size_t int_count, float_count, text_count;
} attribute_lists;

typedef struct attribute_parts {
  onnx_span tensor, graph;
  bool reference;
  uint64_t type;
  uint32_t seen; /* a bit for each field */
  attribute_lists counts;
} attribute_parts;

/* ---- Lists. Counted first, where INTO has no room yet, and then filled. */

static adze_status
take_ints (onnx_graph_reader *self, const onnx_field *field, attribute_lists *into)
{
  onnx_span rest = onnx_body (field);
  if (field->type == ONNX_VARINT) {
    if (into->ints)
      into->ints[into->int_count] = (int64_t)field->value;
    into->int_count++;
    return ADZE_OK;
  }
  adze_status status = onnx_check_bytes (self, field);
  while (status == ADZE_OK && rest.at < rest.end) {
    uint64_t value = 0;
    status = onnx_varint (&self->input, &rest, &value);
    if (into->ints && status == ADZE_OK)
      into->ints[into->int_count] = (int64_t)value;
    into->int_count++;
  }
  return status;
}

static adze_status
take_floats (onnx_graph_reader *self, const onnx_field *field, attribute_lists *into)
{
  size_t size = (size_t)(field->end - field->body), count = size / sizeof (float);
  if ((field->type != ONNX_FIXED32 && field->type != ONNX_BYTES) || size % sizeof (float) != 0)
    return onnx_fail_at (&self->input, field->at, ADZE_E_FORMAT,
                         "an attribute's floats are of %zu bytes, wire type %" PRIu32
                         ": the file is damaged, or is no ONNX model",
                         size, field->type);
  adze_status status = ADZE_OK;
  if (into->floats)
    status = onnx_copy (&self->input, field->body, into->floats + into->float_count, size);
  into->float_count += count;
  return status;
}

static adze_status
take_text (onnx_graph_reader *self, onnx_scratch *scratch, const onnx_field *field,
           attribute_lists *into)
{
  size_t size = (size_t)(field->end - field->body);
  adze_status status = onnx_check_bytes (self, field);
  if (status == ADZE_OK && into->texts) {
    char *copy = (char *)onnx_scratch_take (scratch, size + 1);
    if (!copy)
      return ADZE_E_MEMORY;
    status = onnx_copy (&self->input, field->body, copy, size);
    into->texts[into->text_count] = (adze_text){ copy, size };
  }
  into->text_count++;
  return status;
}

static adze_status
take_value (onnx_graph_reader *self, onnx_scratch *scratch, const onnx_field *field,
            attribute_lists *into)
{
  switch (field->number) {
  case FIELD_INT:
  case FIELD_INTS:
    return take_ints (self, field, into);
  case FIELD_FLOAT:
  case FIELD_FLOATS:
    return take_floats (self, field, into);
  case FIELD_TEXT:
  case FIELD_TEXTS:
    return take_text (self, scratch, field, into);
  default:
    return ADZE_OK;
  }
}

/* ---- What there is. */

static adze_status
note_field (onnx_graph_reader *self, onnx_scratch *scratch, const onnx_field *field,
            const char **name, attribute_parts *parts)
{
  if (field->number < FIELD_MOST)
    parts->seen |= UINT32_C (1) << field->number;
  switch (field->number) {
  case FIELD_TYPE:
    parts->type = field->type == ONNX_VARINT ? field->value : 0;
    return ADZE_OK;
  case FIELD_NAME:
  case FIELD_TENSOR:
  case FIELD_GRAPH: {
    adze_status status = onnx_check_bytes (self, field);
    if (status != ADZE_OK)
      return status;
    if (field->number == FIELD_NAME)
      return onnx_read_text (self, scratch, onnx_body (field), name);
    *(field->number == FIELD_TENSOR ? &parts->tensor : &parts->graph) = onnx_body (field);
    return ADZE_OK;
  }
  default:
    return ADZE_OK;
  }
}

static adze_status
walk_parts (onnx_graph_reader *self, onnx_scratch *scratch, onnx_span rest, const char **name,
            attribute_parts *parts)
{
  for (;;) {
    onnx_field field;
    adze_status status = onnx_next (&self->input, &rest, &field);
    if (status != ADZE_OK || !field.number)
      return status;
    status = note_field (self, scratch, &field, name, parts);
    if (status == ADZE_OK)
      status = take_value (self, scratch, &field, &parts->counts);
    if (status != ADZE_OK)
      return status;
  }
}

/* Number of the type in KINDS; 0: none can be told. */
static uint64_t
kind_of (const attribute_parts *parts)
{
  if (parts->type)
    return parts->type < KIND_COUNT ? parts->type : 0;
  for (uint64_t i = 1; i < KIND_COUNT; i++)
    if (parts->seen & UINT32_C (1) << kinds[i].field)
      return i;
  return 0;
}

/* ---- Values. */

static adze_status
read_lists (onnx_graph_reader *self, onnx_scratch *scratch, onnx_span rest, attribute_lists *lists)
{
  const attribute_lists counted = *lists;
  /* One more each: what is left out is 0, and a list may be empty. */
  *lists = (attribute_lists){
    .ints = (int64_t *)onnx_scratch_take (scratch, (counted.int_count + 1) * sizeof (int64_t)),
    .floats = (float *)onnx_scratch_take (scratch, (counted.float_count + 1) * sizeof (float)),
    .texts
    = (adze_text *)onnx_scratch_take (scratch, (counted.text_count + 1) * sizeof (adze_text)),
  };
  if (!lists->ints || !lists->floats || !lists->texts)
    return ADZE_E_MEMORY;
  lists->texts[counted.text_count] = (adze_text){ "", 0 };
  for (;;) {
    onnx_field field;
    adze_status status = onnx_next (&self->input, &rest, &field);
    if (status == ADZE_OK && field.number)
      status = take_value (self, scratch, &field, lists);
    if (status != ADZE_OK || !field.number)
      return status;
  }
}

static adze_status
copy_numbers (onnx_graph_reader *self, onnx_scratch *scratch, const onnx_tensor *tensor,
              void **numbers)
{
  *numbers = onnx_scratch_take (scratch, (size_t)tensor->bytes + 1);
  if (!*numbers)
    return ADZE_E_MEMORY;
  if (tensor->bytes == 0)
    return ADZE_OK;
  if (onnx_tensor_in_place (tensor))
    return onnx_copy (&self->input, tensor->data.body, *numbers, (size_t)tensor->bytes);
  void *decoded = NULL;
  adze_status status = onnx_values_decode (&self->input, tensor, &decoded);
  if (status == ADZE_OK && decoded)
    memcpy (*numbers, decoded, (size_t)tensor->bytes);
  if (decoded)
    self->host->release (self->host, decoded);
  return status;
}

/* A tensor that is no weight: its numbers are in the part. */
static adze_status
read_tensor_value (onnx_graph_reader *self, onnx_node *node, const char *name, onnx_span span,
             const adze_view **into)
{
  onnx_tensor tensor;
  adze_status status = onnx_tensor_parse (&self->input, span, &tensor);
  if (status == ADZE_OK)
    status = onnx_tensor_check (&self->input, &tensor);
  if (status != ADZE_OK)
    return status;
  if (tensor.type->dtype.bits == 0 || tensor.is_external || tensor.rank > ADZE_GRAPH_RANK)
    return onnx_fail_node (self, node, ADZE_E_UNSUPPORTED,
                           "has a tensor in its attribute '%s' that %s", name,
                           tensor.is_external             ? "lies in another file"
                           : tensor.rank > ADZE_GRAPH_RANK ? "has too many dimensions"
                                                           : "is of strings");
  adze_view *view = (adze_view *)onnx_scratch_take (&node->scratch, sizeof *view);
  int64_t *shape
      = (int64_t *)onnx_scratch_take (&node->scratch, (size_t)(tensor.rank + 1) * sizeof *shape);
  void *numbers = NULL;
  if (!view || !shape)
    return ADZE_E_MEMORY;
  status = copy_numbers (self, &node->scratch, &tensor, &numbers);
  memcpy (shape, tensor.dims, (size_t)tensor.rank * sizeof *shape);
  *view = (adze_view){ .data = numbers,
                       .device = { ADZE_DEVICE_CPU, 0 },
                       .rank = tensor.rank,
                       .dtype = tensor.type->dtype,
                       .shape = shape };
  *into = view;
  return status;
}

static adze_status
refuse_kind (const onnx_graph_reader *self, const onnx_node *node, const char *name, uint64_t kind,
             const attribute_parts *parts)
{
  if (parts->seen & UINT32_C (1) << FIELD_REFERENCE)
    return onnx_fail_node (self, node, ADZE_E_UNSUPPORTED,
                           "has an attribute '%s' that stands for one of a function", name);
  if (kind)
    return onnx_fail_node (self, node, ADZE_E_UNSUPPORTED, "has an attribute '%s' that is %s", name,
                           kinds[kind].word);
  return onnx_fail_node (self, node, ADZE_E_FORMAT,
                         "has an attribute '%s' of type %" PRIu64 ", which there is not, or of "
                         "none",
                         name, parts->type);
}

adze_status
onnx_read_attribute (onnx_graph_reader *self, onnx_node *node, const onnx_field *field,
                     adze_graph_attribute *into, onnx_span *graph)
{
  attribute_parts parts = { .type = 0 };
  const char *name = "";
  adze_status status = onnx_check_bytes (self, field);
  if (status == ADZE_OK)
    status = walk_parts (self, &node->scratch, onnx_body (field), &name, &parts);
  if (status != ADZE_OK)
    return status;
  uint64_t kind = kind_of (&parts);
  if (!kind || !kinds[kind].type || parts.seen & UINT32_C (1) << FIELD_REFERENCE)
    return refuse_kind (self, node, name, kind, &parts);
  attribute_lists *lists = &parts.counts;
  *into = (adze_graph_attribute){ .struct_size = sizeof *into, .type = kinds[kind].type,
                                  .name = name, .count = 1 };
  status = read_lists (self, &node->scratch, onnx_body (field), lists);
  if (status != ADZE_OK)
    return status;
  switch (into->type) {
  case ADZE_ATTRIBUTE_INTS:
    into->count = lists->int_count;
    break;
  case ADZE_ATTRIBUTE_FLOATS:
    into->count = lists->float_count;
    break;
  case ADZE_ATTRIBUTE_TEXTS:
    into->count = lists->text_count;
    break;
  case ADZE_ATTRIBUTE_GRAPH:
    *graph = parts.graph;
    break;
  case ADZE_ATTRIBUTE_TENSOR:
    if (!parts.tensor.at)
      return onnx_fail_node (self, node, ADZE_E_FORMAT, "has no tensor in its attribute '%s'",
                             name);
    return read_tensor_value (self, node, name, parts.tensor, &into->tensor);
  default:
    break;
  }
  into->ints = lists->ints;
  into->floats = lists->floats;
  into->texts = lists->texts;
  return ADZE_OK;
}
