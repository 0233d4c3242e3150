/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/tensor.c: reads TensorProto, of which nothing is believed. */
#include "tensor.h"

#include <inttypes.h>
#include <string.h>

adze_status
onnx_tensor_fail (onnx_input *input, const onnx_tensor *tensor, adze_status status,
                  const char *format, ...)
{
  char reason[512];
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (reason, sizeof reason, format, arguments);
  va_end (arguments);
  char name[129] = "";
  size_t size = sizeof name - 1;
  if (tensor->name.end - tensor->name.at < size)
    size = (size_t)(tensor->name.end - tensor->name.at);
  if (size == 0 || onnx_copy (input, tensor->name.at, name, size) != ADZE_OK)
    return onnx_fail_at (input, tensor->body.at, status, "a tensor %s", reason);
  return onnx_fail_at (input, tensor->body.at, status, "the tensor '%s' %s", name, reason);
}

static adze_status
add_dimension (onnx_input *input, onnx_tensor *tensor, uint64_t value)
{
  if (tensor->rank == ADZE_RANK_MAX)
    return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT, "has more than %d dimensions",
                             ADZE_RANK_MAX);
  if (value > INT64_MAX)
    return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT, "has the dimension %" PRId64,
                             (int64_t)value);
  tensor->dims[tensor->rank++] = (int64_t)value;
  return ADZE_OK;
}

/* Writers may pack dimensions or not; readers take both. */
static adze_status
take_dimensions (onnx_input *input, onnx_tensor *tensor, const onnx_field *field)
{
  if (field->type == ONNX_VARINT)
    return add_dimension (input, tensor, field->value);
  onnx_span rest = onnx_body (field);
  adze_status status = ADZE_OK;
  while (status == ADZE_OK && rest.at < rest.end) {
    uint64_t value = 0;
    status = onnx_varint (input, &rest, &value);
    if (status == ADZE_OK)
      status = add_dimension (input, tensor, value);
  }
  return status;
}

/* A list of numbers, or raw_data. Lists may come in pieces, raw_data may not; two fields of
 * different names would be two answers to one question. */
static adze_status
take_data (onnx_input *input, onnx_tensor *tensor, const onnx_field *field)
{
  if (tensor->data_field != 0 && tensor->data_field != field->number)
    return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT,
                             "has numbers in %s and in %s, and only one can be meant",
                             onnx_data_field_name (tensor->data_field),
                             onnx_data_field_name (field->number));
  if (tensor->chunks > 0 && field->number == ONNX_TENSOR_RAW)
    return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT, "has raw_data twice");
  if (tensor->chunks == UINT32_MAX)
    return onnx_tensor_fail (input, tensor, ADZE_E_LIMIT, "is in too many pieces");
  if (tensor->chunks++ == 0) {
    tensor->data_field = field->number;
    tensor->data = *field;
  }
  return ADZE_OK;
}

static adze_status
take_type (onnx_input *input, onnx_tensor *tensor, const onnx_field *field)
{
  if (tensor->type)
    return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT, "has data_type twice");
  tensor->type = onnx_type_numbered (field->value);
  if (!tensor->type)
    return onnx_tensor_fail (input, tensor,
                             field->value == 0 ? ADZE_E_FORMAT : ADZE_E_UNSUPPORTED,
                             "has the data_type %" PRIu64 "; known are 1 (FLOAT) to 26 (INT2)",
                             field->value);
  return ADZE_OK;
}

static adze_status
take_location (onnx_input *input, onnx_tensor *tensor, const onnx_field *field)
{
  if (tensor->location.number)
    return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT, "has data_location twice");
  if (field->value > 1)
    return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT,
                             "has the data_location %" PRIu64 "; there are 0 (here) and 1 "
                             "(external)",
                             field->value);
  tensor->location = *field;
  tensor->is_external = field->value == 1;
  return ADZE_OK;
}

/* Is the wire type one that the field can have? */
static bool
type_fits (const onnx_field *field)
{
  switch (field->number) {
  case ONNX_TENSOR_TYPE:
  case ONNX_TENSOR_LOCATION:
    return field->type == ONNX_VARINT;
  case ONNX_TENSOR_DIMS:
  case ONNX_TENSOR_INT32S:
  case ONNX_TENSOR_INT64S:
  case ONNX_TENSOR_UINT64S:
    return field->type == ONNX_VARINT || field->type == ONNX_BYTES;
  case ONNX_TENSOR_FLOATS:
    return field->type == ONNX_FIXED32 || field->type == ONNX_BYTES;
  case ONNX_TENSOR_DOUBLES:
    return field->type == ONNX_FIXED64 || field->type == ONNX_BYTES;
  case ONNX_TENSOR_SEGMENT:
  case ONNX_TENSOR_STRINGS:
  case ONNX_TENSOR_NAME:
  case ONNX_TENSOR_RAW:
  case ONNX_TENSOR_EXTERNAL:
    return field->type == ONNX_BYTES;
  default:
    return true; /* unknown, or nothing that matters here */
  }
}

static adze_status
take_field (onnx_input *input, onnx_tensor *tensor, const onnx_field *field)
{
  if (!type_fits (field))
    return onnx_fail_at (input, field->at, ADZE_E_FORMAT,
                         "field %" PRIu32 " of a tensor has the wire type %" PRIu32
                         ", which is not its own: the file is damaged, or is no ONNX model",
                         field->number, field->type);
  switch (field->number) {
  case ONNX_TENSOR_DIMS:
    return take_dimensions (input, tensor, field);
  case ONNX_TENSOR_TYPE:
    return take_type (input, tensor, field);
  case ONNX_TENSOR_SEGMENT:
    return onnx_tensor_fail (input, tensor, ADZE_E_UNSUPPORTED,
                             "is one segment of a larger one, which is not supported; save the "
                             "model with whole tensors");
  case ONNX_TENSOR_NAME:
    if (tensor->name.at)
      return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT, "has two names");
    tensor->name = onnx_body (field);
    return ADZE_OK;
  case ONNX_TENSOR_DOC:
    if (field->type == ONNX_BYTES)
      tensor->doc = onnx_body (field);
    return ADZE_OK;
  case ONNX_TENSOR_FLOATS:
  case ONNX_TENSOR_INT32S:
  case ONNX_TENSOR_STRINGS:
  case ONNX_TENSOR_INT64S:
  case ONNX_TENSOR_RAW:
  case ONNX_TENSOR_DOUBLES:
  case ONNX_TENSOR_UINT64S:
    return take_data (input, tensor, field);
  case ONNX_TENSOR_EXTERNAL:
    if (!tensor->external.number)
      tensor->external = *field;
    return ADZE_OK;
  case ONNX_TENSOR_LOCATION:
    return take_location (input, tensor, field);
  default:
    return ADZE_OK;
  }
}

/* Elements and bytes. A dimension of 0 does not hide others whose product nobody could compute. */
static adze_status
measure (onnx_input *input, onnx_tensor *tensor)
{
  uint64_t product = 1;
  bool none = false;
  for (int32_t i = 0; i < tensor->rank; i++) {
    none |= tensor->dims[i] == 0;
    uint64_t dimension = tensor->dims[i] ? (uint64_t)tensor->dims[i] : 1;
    if (__builtin_mul_overflow (product, dimension, &product))
      product = UINT64_MAX;
    if (product > (uint64_t)INT64_MAX / 128)
      return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT,
                               "has dimensions whose product is more than a computer can hold");
  }
  tensor->elements = none ? 0 : product;
  tensor->bytes = (tensor->elements * tensor->type->dtype.bits + 7) / 8;
  return ADZE_OK;
}

static adze_status
agree (onnx_input *input, const onnx_tensor *tensor)
{
  bool strings = tensor->type->dtype.bits == 0;
  if (tensor->data_field == 0)
    return ADZE_OK;
  if (tensor->is_external)
    return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT,
                             "has numbers in %s and in external data, and only one can be meant",
                             onnx_data_field_name (tensor->data_field));
  if (tensor->data_field == tensor->type->field
      || (tensor->data_field == ONNX_TENSOR_RAW && !strings))
    return ADZE_OK;
  return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT,
                           "keeps %s in %s, which can only be in %s%s", tensor->type->name,
                           onnx_data_field_name (tensor->data_field),
                           onnx_data_field_name (tensor->type->field),
                           strings ? "" : " or raw_data");
}

adze_status
onnx_tensor_parse (onnx_input *input, onnx_span body, onnx_tensor *tensor)
{
  memset (tensor, 0, sizeof *tensor);
  tensor->body = body;
  onnx_span rest = body;
  for (;;) {
    onnx_field field;
    adze_status status = onnx_next (input, &rest, &field);
    if (status == ADZE_OK && field.number)
      status = take_field (input, tensor, &field);
    if (status != ADZE_OK)
      return status;
    if (!field.number)
      break;
  }
  if (!tensor->type)
    return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT, "has no data_type");
  adze_status status = measure (input, tensor);
  return status == ADZE_OK ? agree (input, tensor) : status;
}

bool
onnx_tensor_in_place (const onnx_tensor *tensor)
{
  return tensor->data_field == ONNX_TENSOR_RAW
         || (tensor->chunks == 1 && tensor->data.type == ONNX_BYTES
             && (tensor->data_field == ONNX_TENSOR_FLOATS
                 || tensor->data_field == ONNX_TENSOR_DOUBLES));
}

adze_status
onnx_tensor_check (onnx_input *input, const onnx_tensor *tensor)
{
  if (tensor->is_external)
    return ADZE_OK;
  if (tensor->data_field == 0 && tensor->bytes > 0)
    return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT,
                             "has no data, where %" PRIu64 " numbers of %s are needed",
                             tensor->elements, tensor->type->name);
  uint64_t found = tensor->data.end - tensor->data.body;
  if (onnx_tensor_in_place (tensor) && found != tensor->bytes)
    return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT,
                             "has %" PRIu64 " bytes of %s, where its %" PRIu64
                             " numbers of %s take %" PRIu64,
                             found, onnx_data_field_name (tensor->data_field), tensor->elements,
                             tensor->type->name, tensor->bytes);
  return ADZE_OK;
}
