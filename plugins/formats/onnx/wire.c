/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/wire.c: fields out of bytes, and varints into bytes. */
#include "wire.h"

#include <inttypes.h>
#include <string.h>

void
onnx_input_file (onnx_input *input, const adze_host *host, adze_file *file)
{
  memset (input, 0, offsetof (onnx_input, window));
  input->host = host;
  input->file = file;
  input->size = adze_file_size (host, file);
  input->walked_most = input->fields_most = UINT64_MAX;
}

void
onnx_input_memory (onnx_input *input, const adze_host *host, const void *memory, uint64_t size)
{
  memset (input, 0, offsetof (onnx_input, window));
  input->host = host;
  input->seen = (const uint8_t *)memory;
  input->size = input->seen_size = size;
  input->walked_most = input->fields_most = UINT64_MAX;
}

adze_status
onnx_fail_at (const onnx_input *input, uint64_t at, adze_status status, const char *format, ...)
{
  char message[1024];
  int length = snprintf (message, sizeof message, "byte %" PRIu64 ": ", at);
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (message + length, sizeof message - (size_t)length, format, arguments);
  va_end (arguments);
  return adze_fail (input->host, status, "%s", message);
}

/* Makes the bytes from AT on visible, *HAVE of them: WANT, or less where the input ends. */
static adze_status
look (onnx_input *input, uint64_t at, size_t want, const uint8_t **bytes, size_t *have)
{
  uint64_t left = input->size - at;
  *have = left < want ? (size_t)left : want;
  if (at < input->seen_at || at + *have > input->seen_at + input->seen_size) {
    size_t size = left < ONNX_WINDOW ? (size_t)left : ONNX_WINDOW;
    input->seen = input->window;
    input->seen_size = 0;
    adze_status status = adze_file_read_at (input->host, input->file, at, input->window, size);
    if (status != ADZE_OK)
      return status;
    input->seen_at = at;
    input->seen_size = size;
  }
  *bytes = input->seen + (at - input->seen_at);
  return ADZE_OK;
}

adze_status
onnx_copy (onnx_input *input, uint64_t at, void *into, size_t size)
{
  if (size == 0)
    return ADZE_OK;
  if (input->file && size > ONNX_WINDOW)
    return adze_file_read_at (input->host, input->file, at, into, size);
  const uint8_t *bytes;
  size_t have;
  adze_status status = look (input, at, size, &bytes, &have);
  if (status == ADZE_OK && have < size)
    status = onnx_fail_at (input, at, ADZE_E_FORMAT, "%zu bytes are needed, %zu are left", size,
                           have);
  if (status == ADZE_OK)
    memcpy (into, bytes, size);
  return status;
}

adze_status
onnx_same (onnx_input *input, onnx_span span, const char *text, bool *same)
{
  char found[64];
  size_t size = strlen (text);
  *same = false;
  if (span.end - span.at != size || size > sizeof found)
    return ADZE_OK;
  adze_status status = onnx_copy (input, span.at, found, size);
  *same = status == ADZE_OK && memcmp (found, text, size) == 0;
  return status;
}

adze_status
onnx_varint (onnx_input *input, onnx_span *rest, uint64_t *value)
{
  const uint8_t *bytes;
  size_t have;
  adze_status status = look (input, rest->at, ONNX_VARINT_MAX, &bytes, &have);
  if (status != ADZE_OK)
    return status;
  if (have > rest->end - rest->at)
    have = (size_t)(rest->end - rest->at);
  *value = 0;
  for (size_t i = 0; i < have; i++) {
    *value |= (uint64_t)(bytes[i] & 0x7f) << (7 * i);
    if (bytes[i] & 0x80)
      continue;
    if (i == ONNX_VARINT_MAX - 1 && bytes[i] > 1)
      break;
    rest->at += i + 1;
    input->walked += i + 1;
    return ADZE_OK;
  }
  if (have < ONNX_VARINT_MAX)
    return onnx_fail_at (input, rest->at, ADZE_E_FORMAT,
                         "a number goes on beyond byte %" PRIu64 ", where its message ends: the "
                         "file is damaged or cut off",
                         rest->end);
  return onnx_fail_at (input, rest->at, ADZE_E_FORMAT,
                       "a number of more than 64 bits: the file is damaged, or is no ONNX model");
}

size_t
onnx_short_varints (onnx_input *input, onnx_span *rest, const uint8_t **numbers)
{
  uint64_t offset = rest->at - input->seen_at;
  if (rest->at < input->seen_at || offset >= input->seen_size)
    return 0;
  uint64_t left = input->seen_size - offset;
  if (left > rest->end - rest->at)
    left = rest->end - rest->at;
  *numbers = input->seen + offset;
  size_t count = 0;
  while (count < left && (*numbers)[count] < 0x80)
    count++;
  rest->at += count;
  input->walked += count;
  return count;
}

static adze_status
refuse_type (const onnx_input *input, const onnx_field *field)
{
  if (field->type == 3 || field->type == 4)
    return onnx_fail_at (input, field->at, ADZE_E_FORMAT,
                         "field %" PRIu32 " is a group (wire type %" PRIu32 "), which ONNX does "
                         "not have",
                         field->number, field->type);
  return onnx_fail_at (input, field->at, ADZE_E_FORMAT,
                       "field %" PRIu32 " has the wire type %" PRIu32 ", which does not exist: "
                       "the file is damaged, or is no ONNX model",
                       field->number, field->type);
}

/* Nearly all numbers have one byte, which nearly always is at hand. */
static inline adze_status
take_varint (onnx_input *input, onnx_span *rest, uint64_t *value)
{
  uint64_t offset = rest->at - input->seen_at;
  if (rest->at < rest->end && offset < input->seen_size && input->seen[offset] < 0x80) {
    *value = input->seen[offset];
    rest->at++;
    input->walked++;
    return ADZE_OK;
  }
  return onnx_varint (input, rest, value);
}

/* Where the content lies, of a field whose tag was read. */
static inline adze_status
find_body (onnx_input *input, onnx_span *rest, onnx_field *field)
{
  uint64_t size = 0;
  adze_status status = ADZE_OK;
  field->body = rest->at;
  field->width = 0;
  field->value = 0;
  switch (field->type) {
  case ONNX_VARINT:
    status = take_varint (input, rest, &field->value);
    field->end = rest->at;
    return status;
  case ONNX_BYTES:
    status = take_varint (input, rest, &size);
    field->width = (uint32_t)(rest->at - field->body);
    field->body = rest->at;
    break;
  case ONNX_FIXED64:
    size = 8;
    break;
  case ONNX_FIXED32:
    size = 4;
    break;
  default:
    return refuse_type (input, field);
  }
  if (status == ADZE_OK && size > rest->end - rest->at)
    return onnx_fail_at (input, field->at, ADZE_E_FORMAT,
                         "field %" PRIu32 " has %" PRIu64 " bytes, but its message has only %"
                         PRIu64 " more: the file is damaged or cut off",
                         field->number, size, rest->end - rest->at);
  field->end = rest->at += size;
  return status;
}

static adze_status
too_much (const onnx_input *input, uint64_t at)
{
  if (input->fields > input->fields_most)
    return onnx_fail_at (input, at, ADZE_E_LIMIT,
                         "the model's structure has more fields than the %" PRIu64
                         " that are read; raise the limit if the file is to be trusted",
                         input->fields_most);
  return onnx_fail_at (input, at, ADZE_E_LIMIT,
                       "the model's structure (all but its weights) is larger than the limit; "
                       "raise the limit if the file is to be trusted");
}

adze_status
onnx_next (onnx_input *input, onnx_span *rest, onnx_field *field)
{
  field->number = 0;
  if (rest->at == rest->end)
    return ADZE_OK;
  if (input->walked > input->walked_most || ++input->fields > input->fields_most)
    return too_much (input, rest->at);
  field->at = rest->at;
  uint64_t tag;
  adze_status status = take_varint (input, rest, &tag);
  if (status != ADZE_OK)
    return status;
  /* Lengths are longer than they must be where a writer left room for them; this never is. */
  if (rest->at - field->at > 1 && rest->at - field->at != onnx_varint_size (tag))
    return onnx_fail_at (input, field->at, ADZE_E_FORMAT,
                         "the number of a field takes more bytes than it needs, which no writer "
                         "of protobuf does: the file is damaged, or is no ONNX model");
  if (tag >> 3 == 0 || tag >> 3 > UINT32_C (0x1fffffff))
    return onnx_fail_at (input, field->at, ADZE_E_FORMAT,
                         "a field has the number %" PRIu64 ", which cannot be: the file is "
                         "damaged, or is no ONNX model",
                         tag >> 3);
  field->number = (uint32_t)(tag >> 3);
  field->type = (uint32_t)(tag & 7);
  return find_body (input, rest, field);
}

size_t
onnx_varint_size (uint64_t value)
{
  size_t size = 1;
  while (value >>= 7)
    size++;
  return size;
}

size_t
onnx_varint_put (uint8_t *into, uint64_t value, size_t width)
{
  size_t size = onnx_varint_size (value);
  if (size < width)
    size = width;
  for (size_t i = 0; i < size; i++, value >>= 7)
    into[i] = (uint8_t)((value & 0x7f) | (i + 1 < size ? 0x80 : 0));
  return size;
}
