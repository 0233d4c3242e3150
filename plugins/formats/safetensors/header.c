/* SPDX-License-Identifier: Apache-2.0 */
/* header.c: the header of one file. Lists grow as they are read; no count is ever believed. */
#include <stdlib.h>

#include "safetensors.h"

void
safetensors_header_free (safetensors_header *header)
{
  free (header->text);
  free (header->tensors);
  free (header->dims);
  free (header->entries);
  *header = (safetensors_header){ 0 };
}

static adze_status
no_memory (const safetensors_json *json)
{
  return adze_fail (json->host, ADZE_E_MEMORY, "%s: no room for what its header says", json->file);
}

/* ---- Metadata. */

static adze_status
read_metadata (safetensors_json *json, safetensors_header *header)
{
  bool first = true, more = false;
  adze_status status = safetensors_expect (json, '{', "at the beginning of " SAFETENSORS_METADATA);
  while (status == ADZE_OK) {
    status = safetensors_more (json, '}', &first, &more);
    if (status != ADZE_OK || !more)
      break;
    if (!safetensors_grow ((void **)&header->entries, &header->entry_room, header->entry_count,
                           sizeof *header->entries))
      return no_memory (json);
    safetensors_entry *entry = &header->entries[header->entry_count];
    status = safetensors_count_entry (json);
    if (status == ADZE_OK)
      status = safetensors_name (json, "a key of " SAFETENSORS_METADATA, &entry->key);
    if (status == ADZE_OK)
      status = safetensors_string (
          json, "a value of " SAFETENSORS_METADATA ", which must be a text", &entry->value);
    if (status == ADZE_OK)
      header->entry_count++;
  }
  return status;
}

/* ---- Tensors. */

static adze_status
read_shape (safetensors_json *json, safetensors_header *header, safetensors_tensor *tensor)
{
  bool first = true, more = false;
  adze_status status = safetensors_expect (json, '[', "at the beginning of a shape");
  tensor->shape = header->dim_count;
  while (status == ADZE_OK) {
    uint64_t dimension = 0;
    status = safetensors_more (json, ']', &first, &more);
    if (status != ADZE_OK || !more)
      break;
    size_t at = json->at;
    status = safetensors_whole (json, "a dimension", &dimension);
    if (status != ADZE_OK)
      break;
    if (dimension > INT64_MAX)
      return safetensors_malformed (json, at, "the dimension %" PRIu64 " is beyond 2^63 - 1",
                                    dimension);
    if (tensor->rank == ADZE_RANK_MAX)
      return safetensors_malformed (json, at, "a shape has more than %d dimensions", ADZE_RANK_MAX);
    if (!safetensors_grow ((void **)&header->dims, &header->dim_room, header->dim_count,
                           sizeof *header->dims))
      return no_memory (json);
    header->dims[header->dim_count++] = (int64_t)dimension;
    tensor->rank++;
  }
  return status;
}

static adze_status
read_offsets (safetensors_json *json, safetensors_tensor *tensor)
{
  adze_status status = safetensors_expect (json, '[', "at the beginning of data_offsets");
  size_t at = json->at;
  if (status == ADZE_OK)
    status = safetensors_whole (json, "where a tensor begins", &tensor->begin);
  if (status == ADZE_OK)
    status = safetensors_expect (json, ',', "between two offsets");
  if (status == ADZE_OK)
    status = safetensors_whole (json, "where a tensor ends", &tensor->end);
  if (status == ADZE_OK)
    status = safetensors_expect (json, ']', "behind two offsets");
  if (status == ADZE_OK && tensor->begin > tensor->end)
    return safetensors_malformed (json, at,
                                  "a tensor ends at %" PRIu64 ", before it begins at %" PRIu64,
                                  tensor->end, tensor->begin);
  return status;
}

static adze_status
read_dtype (safetensors_json *json, safetensors_tensor *tensor)
{
  adze_text name;
  char shown[SAFETENSORS_SHOWN];
  adze_status status = safetensors_string (json, "a dtype", &name);
  if (status != ADZE_OK)
    return status;
  tensor->dtype = safetensors_dtype_named (name);
  if (!tensor->dtype)
    return safetensors_malformed (json, json->at,
                                  "'%s' is no dtype of safetensors that this adze knows; it knows "
                                  "BOOL, U8 to U64, I8 to I64, BF16, F16, F32, F64, C64 and the "
                                  "small floats F4, F6 and F8",
                                  safetensors_shown (name.data, name.size, shown));
  return ADZE_OK;
}

enum { DTYPE = 1, SHAPE = 2, OFFSETS = 4, ALL = 7 };

static adze_status
read_field (safetensors_json *json, safetensors_header *header, safetensors_tensor *tensor,
            unsigned *seen)
{
  adze_text name;
  char shown[SAFETENSORS_SHOWN];
  size_t at = json->at;
  adze_status status = safetensors_name (json, "dtype, shape or data_offsets", &name);
  if (status != ADZE_OK)
    return status;
  unsigned field = safetensors_text_is (name, "dtype")          ? DTYPE
                   : safetensors_text_is (name, "shape")        ? SHAPE
                   : safetensors_text_is (name, "data_offsets") ? OFFSETS
                                                                : 0;
  if (!field)
    return safetensors_malformed (json, at,
                                  "tensor '%s' has '%s'; dtype, shape and data_offsets are what a "
                                  "tensor has",
                                  tensor->name, safetensors_shown (name.data, name.size, shown));
  if (*seen & field)
    return safetensors_malformed (json, at, "'%s' comes twice in one tensor", name.data);
  *seen |= field;
  return field == DTYPE   ? read_dtype (json, tensor)
         : field == SHAPE ? read_shape (json, header, tensor)
                          : read_offsets (json, tensor);
}

static const char *
shown_name (const safetensors_tensor *tensor, char shown[SAFETENSORS_SHOWN])
{
  return safetensors_shown (tensor->name, strlen (tensor->name), shown);
}

/* What can be said of one tensor alone and the host would not know. */
static adze_status
check_tensor (const safetensors_json *json, const safetensors_header *header,
              const safetensors_tensor *tensor, unsigned seen, size_t at)
{
  char shown[SAFETENSORS_SHOWN];
  const int64_t *shape = safetensors_shape (header, tensor);
  bool empty = false;
  if (seen != ALL)
    return safetensors_malformed (json, at, "tensor '%s' has no %s", shown_name (tensor, shown),
                                  !(seen & DTYPE)   ? "dtype"
                                  : !(seen & SHAPE) ? "shape"
                                                    : "data_offsets");
  for (uint32_t i = 0; i < tensor->rank; i++)
    empty = empty || shape[i] == 0;
  /* The host takes a size of 0 for one that was not said. */
  if (tensor->begin == tensor->end && !empty)
    return safetensors_malformed (json, at,
                                  "tensor '%s' has elements by its shape, and no bytes by "
                                  "its data_offsets",
                                  shown_name (tensor, shown));
  if (!safetensors_whole_bytes (tensor->dtype->dtype, tensor->rank, shape))
    return safetensors_malformed (json, at, "tensor '%s' of %s does not end on a whole byte",
                                  shown_name (tensor, shown), tensor->dtype->name);
  return ADZE_OK;
}

static adze_status
read_tensor (safetensors_json *json, safetensors_header *header, adze_text name, size_t at)
{
  bool first = true, more = false;
  unsigned seen = 0;
  char shown[SAFETENSORS_SHOWN];
  safetensors_tensor tensor = { .name = name.data };
  if (strlen (name.data) != name.size)
    return safetensors_malformed (json, at, "there is a zero byte in the name of tensor '%s'",
                                  safetensors_shown (name.data, name.size, shown));
  adze_status status = safetensors_count_entry (json);
  if (status == ADZE_OK)
    status = safetensors_expect (json, '{', "at the beginning of a tensor");
  while (status == ADZE_OK) {
    status = safetensors_more (json, '}', &first, &more);
    if (status != ADZE_OK || !more)
      break;
    status = read_field (json, header, &tensor, &seen);
  }
  if (status == ADZE_OK)
    status = check_tensor (json, header, &tensor, seen, at);
  if (status != ADZE_OK)
    return status;
  if (!safetensors_grow ((void **)&header->tensors, &header->room, header->count,
                         sizeof *header->tensors))
    return no_memory (json);
  header->tensors[header->count++] = tensor;
  return ADZE_OK;
}

/* ---- All of it. */

static adze_status
parse (safetensors_json *json, safetensors_header *header)
{
  bool first = true, more = false, metadata = false;
  adze_status status = safetensors_expect (json, '{', "at the beginning");
  while (status == ADZE_OK) {
    adze_text name;
    status = safetensors_more (json, '}', &first, &more);
    if (status != ADZE_OK || !more)
      break;
    size_t at = json->at;
    status = safetensors_name (json, "a tensor's name", &name);
    if (status != ADZE_OK)
      break;
    if (!safetensors_text_is (name, SAFETENSORS_METADATA))
      status = read_tensor (json, header, name, at);
    else if (metadata)
      status = safetensors_malformed (json, at, SAFETENSORS_METADATA " comes twice");
    else {
      metadata = true;
      status = read_metadata (json, header);
    }
  }
  return status == ADZE_OK ? safetensors_end (json) : status;
}

/* The first nine bytes: how long the header is, and that it begins as one. */
static adze_status
read_length (const adze_host *host, adze_file *file, uint64_t limit, uint64_t *length)
{
  const char *name = adze_files_of (host)->name (host, file);
  uint64_t size = adze_file_size (host, file);
  unsigned char head[9] = { 0 };
  if (size < 10)
    return adze_fail (host, ADZE_E_FORMAT,
                      "%s: has %" PRIu64
                      " bytes, and a file of safetensors has at least 10",
                      name, size);
  adze_status status = adze_file_read_at (host, file, 0, head, sizeof head);
  if (status != ADZE_OK)
    return status;
  *length = 0;
  for (size_t i = 0; i < 8; i++)
    *length |= (uint64_t)head[i] << (8 * i);
  if (*length > size - 8)
    return adze_fail (host, ADZE_E_FORMAT,
                      "%s: at byte 0: the header is said to have %" PRIu64
                      " bytes, and the file has "
                      "only %" PRIu64 " more; it is cut off, or not of this format",
                      name, *length, size - 8);
  if (*length < 2)
    return adze_fail (host, ADZE_E_FORMAT,
                      "%s: at byte 0: a header of %" PRIu64 " bytes is no JSON object", name,
                      *length);
  if (*length > limit)
    return adze_fail (host, ADZE_E_LIMIT,
                      "%s: at byte 0: the header has %" PRIu64 " bytes, and %" PRIu64
                      " are the most that is read; a higher structure-limit lets it pass",
                      name, *length, limit);
  if (head[8] != '{')
    return adze_fail (host, ADZE_E_FORMAT,
                      "%s: at byte 8: a header begins with '{', found is the byte 0x%02x", name,
                      head[8]);
  return ADZE_OK;
}

adze_status
safetensors_read_header (const adze_host *host, adze_file *file, uint64_t limit,
                         safetensors_header *header)
{
  uint64_t length = 0;
  *header = (safetensors_header){ 0 };
  adze_status status = read_length (host, file, limit, &length);
  if (status != ADZE_OK)
    return status;
  header->data = 8 + length;
  header->limit = limit;
  header->text = malloc ((size_t)length + 1);
  if (!header->text)
    return adze_fail (host, ADZE_E_MEMORY, "no room for a header of %" PRIu64 " bytes", length);
  status = adze_file_read_at (host, file, 8, header->text, (size_t)length);
  safetensors_json json = { .host = host,
                            .file = adze_files_of (host)->name (host, file),
                            .where = "header",
                            .origin = 8,
                            .text = header->text,
                            .size = (size_t)length,
                            .most = safetensors_entries_limit (limit) };
  if (status == ADZE_OK)
    status = parse (&json, header);
  if (status == ADZE_OK && !safetensors_sort_tensors (header))
    return no_memory (&json);
  return status;
}
