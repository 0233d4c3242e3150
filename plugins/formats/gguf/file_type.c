/* SPDX-License-Identifier: Apache-2.0 */
/* file_type.c: general.file_type, the word of a model that most of its numbers are f32, f16 or bf16.
 * Once another type has taken their place it would be wrong, and programs show it to people. */
#include "gguf.h"

static const struct {
  uint32_t file_type;
  uint32_t type; /* of a tensor */
  const char *name;
} kinds[] = { { 0, 0, "f32" }, { 1, 1, "f16" }, { 32, 30, "bf16" } };
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* Bytes of each kind. Vectors do not count: they stay f32 in models that are called f16. */
static adze_status
count_bytes (const gguf_writer *writer, uint64_t bytes[KINDS])
{
  for (size_t i = 0; i < writer->tensor_count; i++) {
    adze_tensor_meta meta = { .struct_size = sizeof meta };
    uint32_t type = 0;
    adze_status status = writer->cargo_service->tensor (writer->host, writer->cargo, i, &meta);
    if (status == ADZE_OK)
      status = gguf_type_of_meta (writer->host, &meta, &type);
    if (status != ADZE_OK)
      return status;
    for (size_t k = 0; k < KINDS && meta.rank >= 2; k++)
      if (type == kinds[k].type)
        bytes[k] += meta.byte_size;
  }
  return ADZE_OK;
}

static size_t
kind_of (uint64_t file_type)
{
  size_t kind = 0;
  while (kind < KINDS && kinds[kind].file_type != file_type)
    kind++;
  return kind;
}

adze_status
gguf_settle_file_type (gguf_writer *writer, const adze_meta *said)
{
  uint64_t bytes[KINDS] = { 0 };
  size_t kind = said && said->type == ADZE_META_U32 ? kind_of (said->bits) : KINDS, most = 0;
  if (kind == KINDS)
    return ADZE_OK;
  adze_status status = count_bytes (writer, bytes);
  for (size_t k = 1; k < KINDS; k++)
    if (bytes[k] > bytes[most])
      most = k;
  if (status != ADZE_OK || bytes[kind] > 0 || bytes[most] == 0)
    return status;
  writer->file_type = (adze_meta){ .type = ADZE_META_U32, .bits = kinds[most].file_type };
  writer->new_file_type = true;
  adze_log (writer->host, ADZE_LOG_INFO,
            GGUF_KEY_FILE_TYPE " was %" PRIu32 " (%s), of which no matrix is left; %" PRIu32
                               " (%s) is written",
            kinds[kind].file_type, kinds[kind].name, kinds[most].file_type, kinds[most].name);
  return ADZE_OK;
}
