/* SPDX-License-Identifier: Apache-2.0 */
/* tensors.c: names, shapes, types and places of tensors.
 *
 * Places are relative to where the bytes begin, and that is behind the last tensor's entry. So the
 * entries are gone through twice; keeping them would cost more than looking again. */
#include "gguf.h"

/* One entry, as it stands. */
typedef struct gguf_entry {
  char name[GGUF_NAME_MAX + 1];
  uint64_t position; /* for messages */
  uint32_t rank;
  uint32_t type;
  int64_t shape[GGUF_RANK_MAX]; /* ours: last dimension fastest */
  uint64_t offset;
} gguf_entry;

/* Name, shape, type and place: the least that an entry takes. */
#define ENTRY_LEAST (8 + 1 + 4 + 4 + 8)

/* For messages. */
static const char *
shown_name (const gguf_entry *entry, char shown[GGUF_SHOWN])
{
  return gguf_shown (entry->name, strlen (entry->name), shown);
}

static adze_status
read_name (gguf_window *window, gguf_entry *entry)
{
  uint64_t size = 0;
  entry->position = gguf_position (window);
  adze_status status = gguf_read_text (window, "the name of a tensor", &size);
  if (status != ADZE_OK)
    return status;
  const char *text = (const char *)window->bytes + window->at - size;
  char shown[GGUF_SHOWN];
  if (size == 0)
    return gguf_malformed (window, entry->position, "a tensor has no name");
  if (size > GGUF_NAME_MAX)
    return gguf_malformed (window, entry->position,
                           "the name of a tensor has %" PRIu64 " bytes ('%s'); at most %d are read",
                           size, gguf_shown (text, size, shown), GGUF_NAME_MAX);
  if (memchr (text, '\0', (size_t)size))
    return gguf_malformed (window, entry->position,
                           "there is a zero byte in the name of tensor '%s'",
                           gguf_shown (text, size, shown));
  memcpy (entry->name, text, (size_t)size);
  entry->name[size] = '\0';
  return ADZE_OK;
}

static adze_status
read_shape (gguf_window *window, gguf_entry *entry)
{
  char shown[GGUF_SHOWN];
  adze_status status = gguf_read_u32 (window, "the rank of a tensor", &entry->rank);
  if (status != ADZE_OK)
    return status;
  if (entry->rank > GGUF_RANK_MAX)
    return gguf_malformed (window, gguf_position (window) - 4,
                           "tensor '%s' has %" PRIu32 " dimensions; GGUF has at most %d",
                           shown_name (entry, shown), entry->rank,
                           GGUF_RANK_MAX);
  for (uint32_t i = entry->rank; i-- > 0 && status == ADZE_OK;) {
    uint64_t dimension = 0;
    status = gguf_read_u64 (window, "a dimension of a tensor", &dimension);
    if (status == ADZE_OK && dimension > INT64_MAX)
      return gguf_malformed (window, gguf_position (window) - 8,
                             "tensor '%s' has a dimension of %" PRIu64 ", which is beyond 2^63 - 1",
                             shown_name (entry, shown), dimension);
    entry->shape[i] = (int64_t)dimension;
  }
  return status;
}

static adze_status
check_type (const gguf_window *window, const gguf_entry *entry)
{
  uint64_t position = gguf_position (window) - 4;
  char shown[GGUF_SHOWN];
  const gguf_type *type = gguf_type_of_number (entry->type);
  if (!type)
    return gguf_malformed (window, position,
                           "tensor '%s' has the type %" PRIu32
                           ", which this adze does not know; a later release of it may",
                           shown_name (entry, shown), entry->type);
  if (type->gone)
    return gguf_malformed (window, position,
                           "tensor '%s' has the type %" PRIu32
                           " (%s), which was removed from GGUF%s",
                           shown_name (entry, shown), entry->type, type->name, type->gone);
  int64_t row = entry->rank ? entry->shape[entry->rank - 1] : 1;
  if (row % type->elements != 0)
    return gguf_malformed (window, position,
                           "rows of tensor '%s' have %" PRId64 " elements; blocks of %s need a "
                           "multiple of %u",
                           shown_name (entry, shown), row, type->name, type->elements);
  return ADZE_OK;
}

static adze_status
read_entry (gguf_window *window, uint32_t alignment, gguf_entry *entry)
{
  window->mark = window->at;
  adze_status status = read_name (window, entry);
  if (status == ADZE_OK)
    status = read_shape (window, entry);
  if (status == ADZE_OK)
    status = gguf_read_u32 (window, "the type of a tensor", &entry->type);
  if (status == ADZE_OK)
    status = check_type (window, entry);
  if (status == ADZE_OK)
    status = gguf_read_u64 (window, "the place of a tensor", &entry->offset);
  char shown[GGUF_SHOWN];
  if (status == ADZE_OK && entry->offset % alignment != 0)
    return gguf_malformed (
        window, gguf_position (window) - 8,
        "tensor '%s' lies at %" PRIu64 " of the data, which is no multiple of the "
        "alignment %" PRIu32,
        shown_name (entry, shown), entry->offset, alignment);
  return status;
}

static adze_status
tell (gguf_window *window, const gguf_entry *entry, uint64_t data,
      const adze_catalog_service *service, adze_catalog *catalog)
{
  const gguf_type *type = gguf_type_of_number (entry->type);
  bool blocks = type->dtype.code == ADZE_OPAQUE;
  adze_found found = { .struct_size = sizeof found, .file = window->file };
  found.meta = (adze_tensor_meta){ .struct_size = sizeof found.meta,
                                   .rank = (int32_t)entry->rank,
                                   .name = entry->name,
                                   .shape = entry->shape,
                                   .dtype = type->dtype };
  if (blocks) {
    found.meta.codec = type->name;
    found.meta.block_elements = type->elements;
    found.meta.block_bytes = type->bytes;
  }
  if (entry->offset > UINT64_MAX - data) {
    char shown[GGUF_SHOWN];
    return gguf_malformed (window, entry->position,
                           "tensor '%s' lies at %" PRIu64 " of the data, far beyond the file's end",
                           shown_name (entry, shown), entry->offset);
  }
  found.offset = data + entry->offset;
  return service->tensor (window->host, catalog, &found);
}

/* Where the tensors' bytes begin, when the entries have been gone through. */
static adze_status
find_data (const gguf_window *window, const gguf_part *part, uint64_t *data)
{
  uint64_t end = gguf_position (window);
  *data = end + (part->alignment - end % part->alignment) % part->alignment;
  if (part->tensor_count > 0 && *data > window->size)
    return gguf_malformed (window, end, "the file ends before the tensors begin; it is cut off");
  if (part->tensor_count == 0 && window->size > *data)
    return gguf_malformed (window, *data,
                           "%" PRIu64 " bytes follow, and there is no tensor that they belong to",
                           window->size - *data);
  return ADZE_OK;
}

adze_status
gguf_read_tensors (gguf_window *window, const gguf_part *part, const adze_catalog_service *service,
                   adze_catalog *catalog)
{
  gguf_entry entry;
  uint64_t data = 0, first = gguf_position (window);
  adze_status status = gguf_check_count (window, part->tensor_count, ENTRY_LEAST, "tensors");
  for (uint64_t i = 0; i < part->tensor_count && status == ADZE_OK; i++)
    status = read_entry (window, part->alignment, &entry);
  if (status == ADZE_OK)
    status = find_data (window, part, &data);
  if (status != ADZE_OK)
    return status;
  uint64_t last = gguf_position (window);
  gguf_window_go (window, first);
  for (uint64_t i = 0; i < part->tensor_count && status == ADZE_OK; i++) {
    status = read_entry (window, part->alignment, &entry);
    if (status == ADZE_OK)
      status = tell (window, &entry, data, service, catalog);
  }
  if (status == ADZE_OK && gguf_position (window) != last)
    return gguf_malformed (window, first, "the file was changed while it was read");
  if (status == ADZE_OK && part->tensor_count > 0)
    status = service->extent (window->host, catalog, window->file, data, window->size,
                              part->alignment);
  return status;
}
