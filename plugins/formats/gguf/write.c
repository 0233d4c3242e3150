/* SPDX-License-Identifier: Apache-2.0 */
/* write.c: what GGUF can hold, and how a model is laid out in one file or several. */
#include <stdlib.h>

#include "gguf.h"

adze_status
gguf_carries (const adze_host *host, const adze_params *params, const adze_tensor_meta *meta)
{
  uint32_t type = 0;
  char shown[GGUF_SHOWN];
  size_t length = strlen (meta->name);
  size_t longest = (size_t)adze_param_int (host, params, "longest-name");
  gguf_shown (meta->name, length, shown);
  if (length > longest)
    return adze_fail (
        host, ADZE_E_UNSUPPORTED,
        "the name of tensor '%s' has %zu bytes, and programs that read GGUF take %zu; "
        "rename it, or raise longest-name for a program that takes more",
        shown, length, longest);
  if (meta->rank > GGUF_RANK_MAX)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "tensor '%s' has %d dimensions, GGUF has at most %d", shown, meta->rank,
                      GGUF_RANK_MAX);
  return gguf_type_of_meta (host, meta, &type);
}

static uint64_t
padded (const gguf_writer *writer, uint64_t size)
{
  return size + (writer->alignment - size % writer->alignment) % writer->alignment;
}

/* From FIRST on, as many tensors as go into one file: at least one, however large. */
static adze_status
shard_end (const gguf_writer *writer, size_t first, size_t *last)
{
  uint64_t size = 0;
  for (*last = first; *last < writer->tensor_count; ++*last) {
    adze_tensor_meta meta;
    adze_status status = gguf_tensor_at (writer, *last, &meta);
    if (status != ADZE_OK)
      return status;
    size += padded (writer, meta.byte_size);
    if (writer->shard_size > 0 && *last > first && size > writer->shard_size)
      break;
  }
  return ADZE_OK;
}

static adze_status
count_shards (gguf_writer *writer)
{
  size_t at = 0;
  do {
    adze_status status = shard_end (writer, at, &at);
    if (status != ADZE_OK)
      return status;
    writer->shard_count++;
  } while (at < writer->tensor_count && writer->shard_count <= GGUF_SHARDS_MAX);
  /* split.count is an u16 in the files that llama.cpp writes. */
  if (writer->shard_count > UINT16_MAX)
    return adze_fail (writer->host, ADZE_E_UNSUPPORTED,
                      "shard-size makes more than %d files; choose a larger one", UINT16_MAX);
  return ADZE_OK;
}

/* The name of the file says how many there are, and programs look for the others by it. */
static adze_status
check_name (const gguf_writer *writer, const char *name, size_t *prefix)
{
  uint32_t number = 0, count = 0;
  if (!gguf_shard_name (name, prefix, &number, &count)) {
    if (writer->shard_count == 1)
      return ADZE_OK;
    size_t length = strlen (name);
    bool ends = length > 5 && strcmp (name + length - 5, ".gguf") == 0;
    return adze_fail (writer->host, ADZE_E_UNSUPPORTED,
                      "shard-size makes %" PRIu32 " files of this model; the first of them has to "
                      "be called '%.*s" GGUF_SHARD_SUFFIX "': write to that name",
                      writer->shard_count, (int)(ends ? length - 5 : length), name, 1,
                      writer->shard_count);
  }
  if (number != 1 || count != writer->shard_count)
    return adze_fail (writer->host, ADZE_E_UNSUPPORTED,
                      "the name '%s' is that of file %" PRIu32 " of %" PRIu32
                      ", and shard-size = %" PRIu64 " makes %" PRIu32
                      "; write to '%.*s" GGUF_SHARD_SUFFIX "' or choose another shard-size",
                      name, number, count, writer->shard_size, writer->shard_count, (int)*prefix,
                      name, 1, writer->shard_count);
  return ADZE_OK;
}

static adze_status
compose_file (const gguf_writer *writer, uint32_t shard, uint32_t file, size_t first, size_t last)
{
  const adze_layout_service *layout = writer->layout_service;
  gguf_bytes head = { 0 };
  adze_status status = gguf_compose_head (writer, shard, first, last, &head);
  if (status == ADZE_OK)
    status = layout->bytes (writer->host, writer->layout, file, head.data, head.size);
  gguf_bytes_free (&head);
  if (status == ADZE_OK)
    status = layout->align (writer->host, writer->layout, file, writer->alignment);
  for (size_t i = first; i < last && status == ADZE_OK; i++) {
    status = layout->tensor (writer->host, writer->layout, file, gguf_index_at (writer, i));
    /* Behind the last one as well, as ggml does. */
    if (status == ADZE_OK)
      status = layout->align (writer->host, writer->layout, file, writer->alignment);
  }
  return status;
}

static adze_status
compose (const gguf_writer *writer, const char *name, size_t prefix)
{
  size_t first = 0, last = 0;
  adze_status status = ADZE_OK;
  for (uint32_t shard = 0; shard < writer->shard_count && status == ADZE_OK; shard++) {
    uint32_t file = 0;
    status = shard_end (writer, first, &last);
    char other[4096];
    int length = snprintf (other, sizeof other, "%.*s" GGUF_SHARD_SUFFIX, (int)prefix, name,
                           shard + 1, writer->shard_count);
    if (shard > 0 && (length < 0 || (size_t)length >= sizeof other))
      return adze_fail (writer->host, ADZE_E_LIMIT, "the name '%.80s' is too long", name);
    if (status == ADZE_OK && shard > 0)
      status = writer->layout_service->file (writer->host, writer->layout, other, &file);
    if (status == ADZE_OK)
      status = compose_file (writer, shard, file, first, last);
    first = last;
  }
  return status;
}

/* What other formats keep beside tensors and values has no place here. */
static adze_status
check_parts (const gguf_writer *writer, const adze_params *params)
{
  const char *part = writer->cargo_service->part_id (writer->host, writer->cargo, 0);
  if (!part || adze_param_bool (writer->host, params, "drop-graph"))
    return ADZE_OK;
  return adze_fail (writer->host, ADZE_E_UNSUPPORTED,
                    "the model has a part '%.80s', which GGUF cannot hold; with drop-graph = true "
                    "it is left out with all that is in it, and tensors and metadata alone are written",
                    part);
}

static adze_status
check_tensors (const gguf_writer *writer, const adze_params *params)
{
  for (size_t i = 0; i < writer->tensor_count; i++) {
    adze_tensor_meta meta = { .struct_size = sizeof meta };
    adze_status status = writer->cargo_service->tensor (writer->host, writer->cargo, i, &meta);
    if (status == ADZE_OK)
      status = gguf_carries (writer->host, params, &meta);
    if (status != ADZE_OK)
      return status;
  }
  return ADZE_OK;
}

adze_status
gguf_write (const adze_host *host, const adze_params *params, const adze_cargo *cargo,
            adze_layout *layout)
{
  gguf_writer writer = { .host = host,
                         .cargo_service = adze_cargo_of (host),
                         .layout_service = adze_layout_of (host),
                         .cargo = cargo,
                         .layout = layout,
                         .alignment = GGUF_ALIGNMENT,
                         .shard_size = (uint64_t)adze_param_int (host, params, "shard-size") };
  size_t prefix = 0;
  if (!writer.cargo_service || !writer.layout_service)
    return adze_fail (host, ADZE_E_NOT_FOUND, "this host has no " ADZE_CARGO " or no " ADZE_LAYOUT);
  writer.tensor_count = writer.cargo_service->count (host, cargo);
  const char *name = writer.cargo_service->file_name (host, cargo);
  adze_status status = check_parts (&writer, params);
  if (status == ADZE_OK)
    status = check_tensors (&writer, params);
  if (status == ADZE_OK)
    status = gguf_check_keys (&writer, adze_param_string (host, params, "architecture"));
  if (status == ADZE_OK)
    status = gguf_check_vectors (&writer, params);
  if (status == ADZE_OK)
    status = gguf_settle_order (&writer, params);
  if (status == ADZE_OK)
    status = count_shards (&writer);
  if (status == ADZE_OK)
    status = check_name (&writer, name, &prefix);
  if (status == ADZE_OK)
    status = compose (&writer, name, prefix);
  free (writer.order);
  return status;
}
