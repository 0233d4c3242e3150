/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/graph_read_type.c: ValueInfoProto and TypeProto, of which tensors alone are taken. */
#include "graph_read.h"

#include <inttypes.h>
#include <string.h>

enum { INFO_NAME = 1, INFO_TYPE = 2 };
enum { TYPE_TENSOR = 1, TYPE_SEQUENCE = 4, TYPE_MAP = 5, TYPE_OPAQUE = 7, TYPE_SPARSE = 8,
       TYPE_OPTIONAL = 9 };
enum { TENSOR_TYPE_ELEMENT = 1, TENSOR_TYPE_SHAPE = 2 };
enum { SHAPE_DIMENSION = 1, DIMENSION_VALUE = 1, DIMENSION_SYMBOL = 2 };

/* ---- Memory. */

struct onnx_block {
  struct onnx_block *next;
  size_t used, size;
  max_align_t bytes[];
};

void *
onnx_scratch_take (onnx_scratch *scratch, size_t size)
{
  enum { LEAST = 4000 };
  const adze_host *host = scratch->host;
  struct onnx_block *block = scratch->blocks;
  if (size > SIZE_MAX / 2)
    size = SIZE_MAX / 2;
  size = (size + sizeof (max_align_t) - 1) / sizeof (max_align_t) * sizeof (max_align_t);
  if (!block || block->size - block->used < size) {
    size_t room = size > LEAST ? size : LEAST;
    block = (struct onnx_block *)host->allocate (host, sizeof *block + room);
    if (!block) {
      adze_fail (host, ADZE_E_MEMORY, "there is no memory for the model's graph");
      return NULL;
    }
    *block = (struct onnx_block){ .next = scratch->blocks, .size = room };
    scratch->blocks = block;
  }
  void *taken = (char *)block->bytes + block->used;
  block->used += size;
  return taken;
}

void
onnx_scratch_release (onnx_scratch *scratch)
{
  for (struct onnx_block *block = scratch->blocks, *next; block; block = next) {
    next = block->next;
    scratch->host->release (scratch->host, block);
  }
  scratch->blocks = NULL;
}

/* ---- Names. */

adze_status
onnx_check_bytes (const onnx_graph_reader *self, const onnx_field *field)
{
  if (field->type == ONNX_BYTES)
    return ADZE_OK;
  return onnx_fail_at (&self->input, field->at, ADZE_E_FORMAT,
                       "field %" PRIu32 " has the wire type %" PRIu32 ", which is not its own: the "
                       "file is damaged, or is no ONNX model",
                       field->number, field->type);
}

adze_status
onnx_read_text (onnx_graph_reader *self, onnx_scratch *scratch, onnx_span span, const char **text)
{
  size_t size = (size_t)(span.end - span.at);
  char *copy = (char *)onnx_scratch_take (scratch, size + 1);
  if (!copy)
    return ADZE_E_MEMORY;
  adze_status status = onnx_copy (&self->input, span.at, copy, size);
  *text = copy;
  if (status == ADZE_OK && strlen (copy) != size)
    return onnx_fail_at (&self->input, span.at, ADZE_E_FORMAT, "the name '%.100s' has a NUL inside",
                         copy);
  return status;
}

/* ---- Types. */

/* What else than a tensor a value can be, in words. */
static const char *
other_type (uint32_t number)
{
  switch (number) {
  case TYPE_SEQUENCE:
    return "a sequence";
  case TYPE_MAP:
    return "a map";
  case TYPE_OPAQUE:
    return "of an opaque type";
  case TYPE_SPARSE:
    return "a sparse tensor";
  case TYPE_OPTIONAL:
    return "optional";
  default:
    return NULL;
  }
}

/* A size, a symbol, or neither: then it has a symbol of its own. What is below 0 is how some
 * writers say that they do not know. */
static adze_status
read_dimension (onnx_graph_reader *self, onnx_scope *scope, onnx_span rest, int64_t *dimension)
{
  const char *symbol = NULL;
  bool known = false;
  for (;;) {
    onnx_field field;
    adze_status status = onnx_next (&self->input, &rest, &field);
    if (status != ADZE_OK)
      return status;
    if (!field.number)
      break;
    if (field.number == DIMENSION_VALUE && field.type == ONNX_VARINT) {
      *dimension = (int64_t)field.value;
      known = *dimension >= 0;
    } else if (field.number == DIMENSION_SYMBOL) {
      status = onnx_check_bytes (self, &field);
      if (status == ADZE_OK)
        status = onnx_read_text (self, &self->names, onnx_body (&field), &symbol);
      if (status != ADZE_OK)
        return status;
    }
  }
  if (known)
    return ADZE_OK;
  return self->graphs->add_symbol (self->host, scope->graph, symbol && symbol[0] ? symbol : NULL,
                                   dimension);
}

static adze_status
read_shape (onnx_graph_reader *self, onnx_scope *scope, onnx_span rest, const char *name,
            onnx_value_type *type)
{
  type->rank = 0;
  for (;;) {
    onnx_field field;
    adze_status status = onnx_next (&self->input, &rest, &field);
    if (status != ADZE_OK || !field.number)
      return status;
    if (field.number != SHAPE_DIMENSION)
      continue;
    if (type->rank == ADZE_GRAPH_RANK)
      return adze_fail (self->host, ADZE_E_UNSUPPORTED,
                        "the value '%s' has more than %d dimensions", name, ADZE_GRAPH_RANK);
    status = onnx_check_bytes (self, &field);
    if (status == ADZE_OK)
      status = read_dimension (self, scope, onnx_body (&field), &type->shape[type->rank++]);
    if (status != ADZE_OK)
      return status;
  }
}

static adze_status
take_element (onnx_graph_reader *self, uint64_t number, const char *name, onnx_value_type *type)
{
  const onnx_type *known = onnx_type_numbered (number);
  if (number == 0)
    return ADZE_OK;
  if (!known)
    return adze_fail (self->host, ADZE_E_UNSUPPORTED,
                      "the value '%s' has the elem_type %" PRIu64 "; known are 1 (FLOAT) to 26 "
                      "(INT2)",
                      name, number);
  if (known->dtype.bits == 0)
    return adze_fail (self->host, ADZE_E_UNSUPPORTED,
                      "the value '%s' is of strings; graphs compute with numbers alone", name);
  type->dtype = known->dtype;
  return ADZE_OK;
}

static adze_status
read_tensor_type (onnx_graph_reader *self, onnx_scope *scope, onnx_span rest, const char *name,
                  onnx_value_type *type)
{
  for (;;) {
    onnx_field field;
    adze_status status = onnx_next (&self->input, &rest, &field);
    if (status != ADZE_OK || !field.number)
      return status;
    if (field.number == TENSOR_TYPE_ELEMENT && field.type == ONNX_VARINT)
      status = take_element (self, field.value, name, type);
    else if (field.number == TENSOR_TYPE_SHAPE && field.type == ONNX_BYTES)
      status = read_shape (self, scope, onnx_body (&field), name, type);
    if (status != ADZE_OK)
      return status;
  }
}

static adze_status
read_type (onnx_graph_reader *self, onnx_scope *scope, onnx_span rest, const char *name,
           onnx_value_type *type)
{
  for (;;) {
    onnx_field field;
    adze_status status = onnx_next (&self->input, &rest, &field);
    if (status != ADZE_OK || !field.number)
      return status;
    const char *other = other_type (field.number);
    if (other)
      return adze_fail (self->host, ADZE_E_UNSUPPORTED,
                        "the value '%s' is %s; graphs compute with tensors alone", name, other);
    if (field.number == TYPE_TENSOR && field.type == ONNX_BYTES)
      status = read_tensor_type (self, scope, onnx_body (&field), name, type);
    if (status != ADZE_OK)
      return status;
  }
}

adze_status
onnx_read_value_info (onnx_graph_reader *self, onnx_scope *scope, const onnx_field *field,
                      const char **name, onnx_value_type *type)
{
  onnx_span inner = { 0, 0 }, rest = onnx_body (field);
  *type = (onnx_value_type){ .rank = -1 };
  *name = "";
  adze_status status = onnx_check_bytes (self, field);
  while (status == ADZE_OK) {
    onnx_field part;
    status = onnx_next (&self->input, &rest, &part);
    if (status != ADZE_OK || !part.number)
      break;
    if (part.number == INFO_NAME || part.number == INFO_TYPE)
      status = onnx_check_bytes (self, &part);
    if (status == ADZE_OK && part.number == INFO_NAME)
      status = onnx_read_text (self, &self->names, onnx_body (&part), name);
    if (part.number == INFO_TYPE)
      inner = onnx_body (&part);
  }
  if (status == ADZE_OK && !(*name)[0])
    status = onnx_fail_at (&self->input, field->at, ADZE_E_FORMAT,
                           "an input, an output or a value_info has no name");
  return status == ADZE_OK ? read_type (self, scope, inner, *name, type) : status;
}
