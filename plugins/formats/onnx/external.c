/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/external.c: the entries of external_data, read and written. */
#include "external.h"

#include <inttypes.h>
#include <string.h>

typedef struct entry {
  onnx_span key, value;
} entry;

/* A StringStringEntryProto: field 1 is the key, field 2 the value. */
static adze_status
parse_entry (onnx_input *input, const onnx_field *field, entry *found)
{
  onnx_span rest = onnx_body (field);
  memset (found, 0, sizeof *found);
  for (;;) {
    onnx_field part;
    adze_status status = onnx_next (input, &rest, &part);
    if (status != ADZE_OK || !part.number)
      return status;
    if (part.type == ONNX_BYTES && part.number == 1)
      found->key = onnx_body (&part);
    else if (part.type == ONNX_BYTES && part.number == 2)
      found->value = onnx_body (&part);
    else
      return onnx_fail_at (input, part.at, ADZE_E_FORMAT,
                           "an entry of external_data has the field %" PRIu32
                           ", where only key and value can be",
                           part.number);
  }
}

static adze_status
parse_number (onnx_input *input, const onnx_tensor *tensor, const char *key, onnx_span text,
              uint64_t *number)
{
  enum { DIGITS_MOST = 19, SHOWN_MOST = 40 };
  char digits[SHOWN_MOST + 1] = "";
  size_t size = text.end - text.at > SHOWN_MOST ? SHOWN_MOST : (size_t)(text.end - text.at);
  bool fine = size >= 1 && size <= DIGITS_MOST;
  *number = 0;
  /* What is too long for a number is shown all the same. */
  adze_status status = onnx_copy (input, text.at, digits, size);
  if (status != ADZE_OK)
    return status;
  for (size_t i = 0; fine && i < size; i++) {
    fine = digits[i] >= '0' && digits[i] <= '9';
    *number = *number * 10 + (uint64_t)(digits[i] - '0');
  }
  if (!fine || *number > INT64_MAX)
    return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT,
                             "has the %s '%s%s' in external_data, which is no number of bytes",
                             key, digits, text.end - text.at > SHOWN_MOST ? "..." : "");
  return ADZE_OK;
}

static adze_status
parse_file (onnx_input *input, const onnx_tensor *tensor, onnx_span text, onnx_external *external)
{
  size_t size = (size_t)(text.end - text.at);
  if (text.end - text.at > ONNX_FILE_NAME_MAX)
    return onnx_tensor_fail (input, tensor, ADZE_E_LIMIT,
                             "lies in a file whose name has %" PRIu64 " bytes; at most %d",
                             text.end - text.at, ONNX_FILE_NAME_MAX);
  adze_status status = onnx_copy (input, text.at, external->file, size);
  external->file[size] = '\0';
  if (status == ADZE_OK && strlen (external->file) != size)
    return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT,
                             "lies in a file whose name has a NUL inside");
  return status;
}

typedef struct facts {
  bool file, offset, length;
  uint64_t length_value;
} facts;

/* One entry; what is said twice is refused, since nobody could tell which is meant. */
static adze_status
take_entry (onnx_input *input, const onnx_tensor *tensor, const entry *found, facts *known,
            onnx_external *external)
{
  bool *seen[] = { &known->file, &known->offset, &known->length };
  static const char *const keys[] = { "location", "offset", "length" };
  for (size_t i = 0; i < 3; i++) {
    bool same;
    adze_status status = onnx_same (input, found->key, keys[i], &same);
    if (status != ADZE_OK)
      return status;
    if (!same)
      continue;
    if (*seen[i])
      return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT, "has %s twice in external_data",
                               keys[i]);
    *seen[i] = true;
    if (i == 0)
      return parse_file (input, tensor, found->value, external);
    return parse_number (input, tensor, keys[i], found->value,
                         i == 1 ? &external->offset : &known->length_value);
  }
  return ADZE_OK;
}

adze_status
onnx_external_parse (onnx_input *input, const onnx_tensor *tensor, onnx_external *external)
{
  facts known = { 0 };
  onnx_span rest = tensor->body;
  external->file[0] = '\0';
  external->offset = 0;
  for (;;) {
    onnx_field field;
    entry found;
    adze_status status = onnx_next (input, &rest, &field);
    if (status == ADZE_OK && field.number == ONNX_TENSOR_EXTERNAL) {
      status = parse_entry (input, &field, &found);
      if (status == ADZE_OK)
        status = take_entry (input, tensor, &found, &known, external);
    }
    if (status != ADZE_OK)
      return status;
    if (!field.number)
      break;
  }
  if (!external->file[0])
    return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT,
                             "is external, but names no file: it has no location in external_data");
  if (known.length && known.length_value != tensor->bytes)
    return onnx_tensor_fail (input, tensor, ADZE_E_FORMAT,
                             "has the length %" PRIu64 " in external_data, where its %" PRIu64
                             " numbers of %s take %" PRIu64,
                             known.length_value, tensor->elements, tensor->type->name,
                             tensor->bytes);
  return ADZE_OK;
}

adze_status
onnx_external_is_ours (onnx_input *input, const onnx_field *field, bool *ours)
{
  static const char *const keys[] = { "location", "offset", "length", "checksum" };
  entry found;
  *ours = false;
  adze_status status = parse_entry (input, field, &found);
  for (size_t i = 0; status == ADZE_OK && !*ours && i < sizeof keys / sizeof keys[0]; i++)
    status = onnx_same (input, found.key, keys[i], ours);
  return status;
}

static size_t
put_text (uint8_t *into, uint8_t tag, const char *text, size_t size)
{
  size_t length = 1;
  into[0] = tag;
  length += onnx_varint_put (into + length, size, 0);
  memcpy (into + length, text, size);
  return length + size;
}

static size_t
put_entry (uint8_t *into, const char *key, const char *value)
{
  size_t key_size = strlen (key), value_size = strlen (value);
  size_t size = 2 + key_size + 1 + onnx_varint_size (value_size) + value_size;
  size_t length = 1;
  into[0] = ONNX_TENSOR_EXTERNAL << 3 | ONNX_BYTES;
  length += onnx_varint_put (into + length, size, 0);
  length += put_text (into + length, 1 << 3 | ONNX_BYTES, key, key_size);
  return length + put_text (into + length, 2 << 3 | ONNX_BYTES, value, value_size);
}

size_t
onnx_external_put (uint8_t *into, const char *file, uint64_t offset, uint64_t length)
{
  char number[24];
  size_t size = put_entry (into, "location", file);
  snprintf (number, sizeof number, "%" PRIu64, offset);
  size += put_entry (into + size, "offset", number);
  snprintf (number, sizeof number, "%" PRIu64, length);
  size += put_entry (into + size, "length", number);
  into[size++] = ONNX_TENSOR_LOCATION << 3 | ONNX_VARINT;
  into[size++] = 1;
  return size;
}
