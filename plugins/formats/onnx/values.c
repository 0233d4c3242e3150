/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/values.c: decodes float_data to uint64_data. */
#include "values.h"

#include <inttypes.h>
#include <string.h>

typedef struct decoder {
  onnx_input *input;
  const onnx_tensor *tensor;
  uint8_t *values;
  uint64_t filled; /* bytes */
  uint32_t width;  /* bytes of one entry of the list once it is decoded */
  int64_t least;   /* what an entry may be */
  uint64_t most;
} decoder;

/* Calls EACH with every piece of the numbers. */
static adze_status
each_piece (onnx_input *input, const onnx_tensor *tensor,
            adze_status (*each) (void *data, const onnx_field *piece), void *data)
{
  onnx_span rest = tensor->body;
  for (;;) {
    onnx_field field;
    adze_status status = onnx_next (input, &rest, &field);
    if (status == ADZE_OK && field.number && field.number == tensor->data_field)
      status = each (data, &field);
    if (status != ADZE_OK || !field.number)
      return status;
  }
}

static adze_status
add_size (void *data, const onnx_field *piece)
{
  *(uint64_t *)data += piece->end - piece->body;
  return ADZE_OK;
}

adze_status
onnx_values_size (onnx_input *input, const onnx_tensor *tensor, uint64_t *size)
{
  *size = 0;
  return each_piece (input, tensor, add_size, size);
}

/* Where the next SIZE bytes go. */
static adze_status
room (decoder *self, uint64_t size, uint8_t **into)
{
  if (size > self->tensor->bytes - self->filled)
    return onnx_tensor_fail (self->input, self->tensor, ADZE_E_FORMAT,
                             "has more numbers in %s than the %" PRIu64 " of its shape",
                             onnx_data_field_name (self->tensor->data_field),
                             self->tensor->elements);
  *into = self->values + self->filled;
  self->filled += size;
  return ADZE_OK;
}

/* int32_data holds 32 bits of what may be written as 64; the others hold all of them. */
static adze_status
put_number (decoder *self, uint64_t value)
{
  uint8_t *into;
  bool is_signed = self->least < 0;
  if (self->tensor->data_field == ONNX_TENSOR_INT32S)
    value = (uint64_t)(int64_t)(int32_t)(uint32_t)value;
  bool fits = is_signed && (int64_t)value < 0 ? (int64_t)value >= self->least
                                              : value <= self->most;
  if (!fits)
    return onnx_tensor_fail (self->input, self->tensor, ADZE_E_FORMAT,
                             "has the value %" PRId64 " in %s, which does not fit %s",
                             (int64_t)value, onnx_data_field_name (self->tensor->data_field),
                             self->tensor->type->name);
  adze_status status = room (self, self->width, &into);
  for (uint32_t i = 0; status == ADZE_OK && i < self->width; i++)
    into[i] = (uint8_t)(value >> (8 * i));
  return status;
}

/* Numbers below 128, one a byte: what nearly all small types have. */
static adze_status
put_short (decoder *self, const uint8_t *numbers, size_t count)
{
  uint8_t *into;
  size_t width = self->width;
  for (size_t i = 0; self->most < 0x7f && i < count; i++)
    if (numbers[i] > self->most)
      return put_number (self, numbers[i]);
  adze_status status = room (self, (uint64_t)count * width, &into);
  if (status != ADZE_OK)
    return status;
  memset (into, 0, count * width);
  for (size_t i = 0; i < count; i++)
    into[i * width] = numbers[i];
  return ADZE_OK;
}

static adze_status
put_numbers (void *data, const onnx_field *piece)
{
  decoder *self = (decoder *)data;
  if (piece->type == ONNX_VARINT)
    return put_number (self, piece->value);
  onnx_span rest = onnx_body (piece);
  adze_status status = ADZE_OK;
  while (status == ADZE_OK && rest.at < rest.end) {
    uint64_t value = 0;
    const uint8_t *numbers;
    size_t count = onnx_short_varints (self->input, &rest, &numbers);
    if (count > 0) {
      status = put_short (self, numbers, count);
      continue;
    }
    status = onnx_varint (self->input, &rest, &value);
    if (status == ADZE_OK)
      status = put_number (self, value);
  }
  return status;
}

/* float_data and double_data in pieces, packed or not. */
static adze_status
put_bytes (void *data, const onnx_field *piece)
{
  decoder *self = (decoder *)data;
  uint8_t *into;
  uint64_t size = piece->end - piece->body;
  if (size % self->width)
    return onnx_tensor_fail (self->input, self->tensor, ADZE_E_FORMAT,
                             "has %" PRIu64 " bytes of %s, which is no whole number of numbers",
                             size, onnx_data_field_name (self->tensor->data_field));
  adze_status status = room (self, size, &into);
  return status == ADZE_OK ? onnx_copy (self->input, piece->body, into, (size_t)size) : status;
}

/* What one entry of the list becomes. Types of less than a byte are packed already: an entry is a
 * byte of them. */
static void
set_range (decoder *self)
{
  const onnx_type *type = self->tensor->type;
  uint32_t bits = type->dtype.bits;
  if (type->field == ONNX_TENSOR_FLOATS || type->field == ONNX_TENSOR_DOUBLES) {
    self->width = type->field == ONNX_TENSOR_FLOATS ? 4 : 8;
    return;
  }
  if (bits < 8) {
    self->width = 1;
    self->least = INT8_MIN;
    self->most = UINT8_MAX;
    return;
  }
  self->width = bits / 8;
  self->most = bits == 64 ? UINT64_MAX : (UINT64_C (1) << bits) - 1;
  if (type->dtype.code == ADZE_BOOL)
    self->most = 1;
  if (type->dtype.code == ADZE_INT) {
    self->most >>= 1;
    self->least = -(int64_t)self->most - 1;
  }
}

adze_status
onnx_values_decode (onnx_input *input, const onnx_tensor *tensor, void **values)
{
  decoder self = { .input = input, .tensor = tensor };
  uint64_t size = 0;
  *values = NULL;
  adze_status status = onnx_values_size (input, tensor, &size);
  if (status != ADZE_OK)
    return status;
  set_range (&self);
  /* An entry takes at least a byte of the file: the shape is not to make us allocate for more. */
  bool fixed = tensor->type->field == ONNX_TENSOR_FLOATS
               || tensor->type->field == ONNX_TENSOR_DOUBLES;
  if (tensor->bytes / (fixed ? 1 : self.width) > size)
    return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT,
                             "has %" PRIu64 " bytes of %s, which cannot be the %" PRIu64
                             " numbers of its shape",
                             size, onnx_data_field_name (tensor->data_field), tensor->elements);
  if (tensor->bytes > 0 && !(self.values = input->host->allocate (input->host, tensor->bytes)))
    return onnx_tensor_fail (input, tensor, ADZE_E_MEMORY, "has %" PRIu64 " bytes of numbers, for "
                             "which there is no memory",
                             tensor->bytes);
  status = each_piece (input, tensor, fixed ? put_bytes : put_numbers, &self);
  if (status == ADZE_OK && self.filled != tensor->bytes)
    status = onnx_tensor_fail (input, tensor, ADZE_E_FORMAT,
                               "has fewer numbers in %s than the %" PRIu64 " of its shape",
                               onnx_data_field_name (tensor->data_field), tensor->elements);
  if (status != ADZE_OK && self.values)
    input->host->release (input->host, self.values);
  else
    *values = self.values;
  return status;
}
