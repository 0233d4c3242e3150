/* SPDX-License-Identifier: Apache-2.0 */
/* write.c: what safetensors can hold, and how a model is laid out in one file or several. */
#include "safetensors.h"

typedef struct safetensors_writer {
  const adze_host *host;
  const adze_cargo_service *cargo_service;
  const adze_layout_service *layout_service;
  const adze_cargo *cargo;
  adze_layout *layout;
  size_t tensor_count;
  uint64_t shard_size;
  uint32_t shard_count;
  bool values; /* there are values that are no texts */
} safetensors_writer;

adze_status
safetensors_carries (const adze_host *host, const adze_params *params, const adze_tensor_meta *meta)
{
  const safetensors_dtype *dtype;
  char shown[SAFETENSORS_SHOWN];
  size_t length = strlen (meta->name);
  (void)params;
  if (!safetensors_is_utf8 (meta->name, length))
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "the name of tensor '%s' is not UTF-8, as safetensors demands; rename it",
                      safetensors_shown (meta->name, length, shown));
  if (strcmp (meta->name, SAFETENSORS_METADATA) == 0)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "no tensor can be called '" SAFETENSORS_METADATA
                      "' in safetensors, which keeps its metadata under that name; rename it");
  return safetensors_dtype_of (host, meta, &dtype);
}

static adze_status
tensor_of (const safetensors_writer *writer, size_t index, adze_tensor_meta *meta)
{
  *meta = (adze_tensor_meta){ .struct_size = sizeof *meta };
  return writer->cargo_service->tensor (writer->host, writer->cargo, index, meta);
}

/* ---- Which tensors share a file. */

/* From FIRST on, as many as go into one file: at least one, however large. */
static adze_status
shard_end (const safetensors_writer *writer, size_t first, size_t *last)
{
  uint64_t size = 0;
  adze_tensor_meta meta;
  for (*last = first; *last < writer->tensor_count; ++*last) {
    adze_status status = tensor_of (writer, *last, &meta);
    if (status != ADZE_OK)
      return status;
    size += meta.byte_size;
    if (writer->shard_size > 0 && *last > first && size > writer->shard_size)
      break;
  }
  return ADZE_OK;
}

static adze_status
count_shards (safetensors_writer *writer)
{
  size_t at = 0;
  do {
    adze_status status = shard_end (writer, at, &at);
    if (status != ADZE_OK)
      return status;
    writer->shard_count++;
  } while (at < writer->tensor_count && writer->shard_count <= SAFETENSORS_SHARDS_MAX);
  if (writer->shard_count > SAFETENSORS_SHARDS_MAX)
    return adze_fail (writer->host, ADZE_E_UNSUPPORTED,
                      "shard-size makes more than %d files; choose a larger one",
                      SAFETENSORS_SHARDS_MAX);
  return ADZE_OK;
}

/* ---- Headers. */

static void
put_entry (safetensors_bytes *head, bool *any, adze_text key, const char *value, size_t size)
{
  safetensors_put_word (head, *any ? "," : "\"" SAFETENSORS_METADATA "\":{");
  *any = true;
  safetensors_put_string (head, key.data, (size_t)key.size);
  safetensors_put_word (head, ":");
  safetensors_put_string (head, value, size);
}

/* Texts stand in each file, since programs look for some of them in each; what stands in one text
 * together can be long, and is in the first alone. */
static bool
put_metadata (const safetensors_writer *writer, bool first, safetensors_bytes *head)
{
  bool any = false;
  adze_text key;
  const adze_meta *value;
  if (writer->values && first) {
    safetensors_bytes values = { 0 };
    adze_text name = { SAFETENSORS_VALUES, strlen (SAFETENSORS_VALUES) };
    safetensors_put_values (writer->host, writer->cargo, &values);
    head->failed |= values.failed;
    put_entry (head, &any, name, values.data, values.size);
    safetensors_bytes_free (&values);
  }
  for (size_t i = 0;; i++) {
    writer->cargo_service->metadata (writer->host, writer->cargo, i, &key, &value);
    if (!key.data)
      break;
    if (safetensors_is_text (value))
      put_entry (head, &any, key, value->text.data, (size_t)value->text.size);
  }
  if (any)
    safetensors_put_word (head, "}");
  return any;
}

static adze_status
put_tensor (const safetensors_writer *writer, size_t index, uint64_t *offset,
            safetensors_bytes *head)
{
  adze_tensor_meta meta;
  const safetensors_dtype *dtype = NULL;
  adze_status status = tensor_of (writer, index, &meta);
  if (status == ADZE_OK)
    status = safetensors_dtype_of (writer->host, &meta, &dtype);
  if (status != ADZE_OK)
    return status;
  safetensors_put_string (head, meta.name, strlen (meta.name));
  safetensors_put_format (head, ":{\"dtype\":\"%s\",\"shape\":[", dtype->name);
  for (int32_t i = 0; i < meta.rank; i++)
    safetensors_put_format (head, "%s%" PRId64, i > 0 ? "," : "", meta.shape[i]);
  safetensors_put_format (head, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", *offset,
                          *offset + meta.byte_size);
  *offset += meta.byte_size;
  return ADZE_OK;
}

static adze_status
compose_header (const safetensors_writer *writer, size_t first, size_t last,
                safetensors_bytes *head)
{
  uint64_t offset = 0;
  unsigned char length[8];
  adze_status status = ADZE_OK;
  safetensors_put (head, "\0\0\0\0\0\0\0\0{", 9);
  bool any = put_metadata (writer, first == 0, head);
  for (size_t i = first; i < last && status == ADZE_OK; i++) {
    if (any)
      safetensors_put_word (head, ",");
    any = true;
    status = put_tensor (writer, i, &offset, head);
  }
  safetensors_put_word (head, "}");
  /* Tensors begin at a multiple of 8, as the reference implementation has it. */
  while (head->size % 8 != 0 && !head->failed)
    safetensors_put_word (head, " ");
  if (status != ADZE_OK)
    return status;
  if (head->failed)
    return adze_fail (writer->host, ADZE_E_MEMORY, "no room for the header of the file");
  if (head->size - 8 > SAFETENSORS_HEADER_MAX)
    return adze_fail (writer->host, ADZE_E_UNSUPPORTED,
                      "the header would have %zu bytes, and %" PRIu64
                      " are the most that programs read; write several files, with shard-size",
                      head->size - 8, SAFETENSORS_HEADER_MAX);
  for (size_t i = 0; i < 8; i++)
    length[i] = (unsigned char)((uint64_t)(head->size - 8) >> (8 * i));
  memcpy (head->data, length, 8);
  return ADZE_OK;
}

static adze_status
compose_file (const safetensors_writer *writer, uint32_t file, size_t first, size_t last)
{
  safetensors_bytes head = { 0 };
  adze_status status = compose_header (writer, first, last, &head);
  if (status == ADZE_OK)
    status
        = writer->layout_service->bytes (writer->host, writer->layout, file, head.data, head.size);
  safetensors_bytes_free (&head);
  for (size_t i = first; i < last && status == ADZE_OK; i++)
    status = writer->layout_service->tensor (writer->host, writer->layout, file, i);
  return status;
}

/* ---- Several files and their index, which is the file that was asked for. */

static void
put_shard_name (safetensors_bytes *bytes, const char *name, uint32_t shard, uint32_t count)
{
  safetensors_put (bytes, name, strlen (name) - strlen (SAFETENSORS_INDEX_ENDING));
  safetensors_put_format (bytes, "-%05" PRIu32 "-of-%05" PRIu32 SAFETENSORS_ENDING, shard + 1,
                          count);
}

static adze_status
compose_shard (const safetensors_writer *writer, const char *name, uint32_t shard, size_t first,
               size_t last, safetensors_bytes *index)
{
  safetensors_bytes other = { 0 };
  uint32_t file = 0;
  put_shard_name (&other, name, shard, writer->shard_count);
  safetensors_put (&other, "", 1);
  adze_status status = other.failed ? adze_fail (writer->host, ADZE_E_MEMORY, "no room for a name")
                                    : writer->layout_service->file (writer->host, writer->layout,
                                                                    other.data, &file);
  for (size_t i = first; i < last && status == ADZE_OK; i++) {
    adze_tensor_meta meta;
    status = tensor_of (writer, i, &meta);
    safetensors_put_word (index, i > 0 ? ",\n    " : "\n    ");
    if (status == ADZE_OK)
      safetensors_put_string (index, meta.name, strlen (meta.name));
    safetensors_put_word (index, ": ");
    safetensors_put_string (index, other.data, other.size - 1);
  }
  safetensors_bytes_free (&other);
  return status == ADZE_OK ? compose_file (writer, file, first, last) : status;
}

static adze_status
total_size (const safetensors_writer *writer, uint64_t *size)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; i < writer->tensor_count && status == ADZE_OK; i++) {
    adze_tensor_meta meta;
    status = tensor_of (writer, i, &meta);
    *size += meta.byte_size;
  }
  return status;
}

static adze_status
compose_shards (const safetensors_writer *writer, const char *name)
{
  safetensors_bytes index = { 0 };
  uint64_t size = 0;
  size_t first = 0, last = 0;
  adze_status status = total_size (writer, &size);
  safetensors_put_format (
      &index, "{\n  \"metadata\": {\n    \"total_size\": %" PRIu64 "\n  },\n  \"weight_map\": {",
      size);
  for (uint32_t shard = 0; shard < writer->shard_count && status == ADZE_OK; shard++) {
    status = shard_end (writer, first, &last);
    if (status == ADZE_OK)
      status = compose_shard (writer, name, shard, first, last, &index);
    first = last;
  }
  safetensors_put_word (&index, "\n  }\n}\n");
  if (status == ADZE_OK && index.failed)
    status = adze_fail (writer->host, ADZE_E_MEMORY, "no room for the index");
  if (status == ADZE_OK)
    status
        = writer->layout_service->bytes (writer->host, writer->layout, 0, index.data, index.size);
  safetensors_bytes_free (&index);
  return status;
}

/* ---- All of it. */

adze_status
safetensors_takes_name (const adze_host *host, const adze_params *params, const char *name)
{
  if (adze_param_int (host, params, "shard-size") == 0
      || safetensors_ends_with (name, SAFETENSORS_INDEX_ENDING))
    return ADZE_OK;
  size_t length = strlen (name);
  bool ends = safetensors_ends_with (name, SAFETENSORS_ENDING);
  return adze_fail (host, ADZE_E_UNSUPPORTED,
                    "shard-size makes several files of a model that is larger, which are found by "
                    "their index; write to '%.*s" SAFETENSORS_INDEX_ENDING "', or take shard-size "
                    "out",
                    (int)(ends ? length - strlen (SAFETENSORS_ENDING) : length), name);
}

/* Whoever opens the file that was asked for must find the model by it. */
static adze_status
check_name (const safetensors_writer *writer, const char *name, bool *index)
{
  *index = safetensors_ends_with (name, SAFETENSORS_INDEX_ENDING);
  if (*index && writer->tensor_count == 0)
    return adze_fail (writer->host, ADZE_E_UNSUPPORTED,
                      "there is no tensor for an index to name; write to a single file");
  if (*index || writer->shard_count == 1)
    return ADZE_OK;
  size_t length = strlen (name);
  bool ends = safetensors_ends_with (name, SAFETENSORS_ENDING);
  return adze_fail (writer->host, ADZE_E_UNSUPPORTED,
                    "shard-size makes %" PRIu32 " files of this model, which are found by their "
                    "index; write to '%.*s" SAFETENSORS_INDEX_ENDING "'",
                    writer->shard_count,
                    (int)(ends ? length - strlen (SAFETENSORS_ENDING) : length), name);
}

static adze_status
check_tensors (const safetensors_writer *writer, const adze_params *params)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; i < writer->tensor_count && status == ADZE_OK; i++) {
    adze_tensor_meta meta;
    status = tensor_of (writer, i, &meta);
    if (status == ADZE_OK)
      status = safetensors_carries (writer->host, params, &meta);
  }
  return status;
}

/* What other formats keep beside tensors and values has no place here. */
static adze_status
check_parts (const safetensors_writer *writer, const adze_params *params)
{
  const char *part = writer->cargo_service->part_id (writer->host, writer->cargo, 0);
  if (!part || adze_param_bool (writer->host, params, "drop-graph"))
    return ADZE_OK;
  return adze_fail (
      writer->host, ADZE_E_UNSUPPORTED,
      "the model has a part '%.80s', which safetensors cannot hold; with drop-graph = "
      "true it is left out with all that is in it, and tensors and metadata alone are written",
      part);
}

adze_status
safetensors_write (const adze_host *host, const adze_params *params, const adze_cargo *cargo,
                   adze_layout *layout)
{
  safetensors_writer writer
      = { .host = host,
          .cargo_service = adze_cargo_of (host),
          .layout_service = adze_layout_of (host),
          .cargo = cargo,
          .layout = layout,
          .shard_size = (uint64_t)adze_param_int (host, params, "shard-size") };
  bool index = false;
  if (!writer.cargo_service || !writer.layout_service)
    return adze_fail (host, ADZE_E_NOT_FOUND, "this host has no " ADZE_CARGO " or no " ADZE_LAYOUT);
  writer.tensor_count = writer.cargo_service->count (host, cargo);
  const char *name = writer.cargo_service->file_name (host, cargo);
  adze_status status = check_parts (&writer, params);
  if (status == ADZE_OK)
    status = check_tensors (&writer, params);
  if (status == ADZE_OK)
    status = safetensors_needs_values (host, cargo, &writer.values);
  if (status == ADZE_OK)
    status = count_shards (&writer);
  if (status == ADZE_OK)
    status = check_name (&writer, name, &index);
  if (status != ADZE_OK)
    return status;
  return index ? compose_shards (&writer, name) : compose_file (&writer, 0, 0, writer.tensor_count);
}
