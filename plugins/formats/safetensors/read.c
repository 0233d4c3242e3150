/* SPDX-License-Identifier: Apache-2.0 */
/* read.c: one file, or whichever files an index names. */
#include "safetensors.h"

adze_status
safetensors_tell_tensors (const adze_host *host, adze_file *file, const safetensors_header *header,
                          adze_catalog *catalog)
{
  const adze_catalog_service *service = adze_catalog_of (host);
  uint64_t size = adze_file_size (host, file);
  char shown[SAFETENSORS_SHOWN];
  for (size_t i = 0; i < header->count; i++) {
    const safetensors_tensor *tensor = &header->tensors[i];
    adze_found found = { .struct_size = sizeof found, .file = file };
    found.meta = (adze_tensor_meta){ .struct_size = sizeof found.meta,
                                     .rank = (int32_t)tensor->rank,
                                     .name = tensor->name,
                                     .shape = safetensors_shape (header, tensor),
                                     .dtype = tensor->dtype->dtype,
                                     .byte_size = tensor->end - tensor->begin };
    if (tensor->end > size - header->data)
      return adze_fail (host, ADZE_E_FORMAT,
                        "%s: tensor '%s' ends at byte %" PRIu64 " of the data, which has %" PRIu64
                        "; the file is cut off or damaged",
                        adze_files_of (host)->name (host, file),
                        safetensors_shown (tensor->name, strlen (tensor->name), shown), tensor->end,
                        size - header->data);
    found.offset = header->data + tensor->begin;
    adze_status status = service->tensor (host, catalog, &found);
    if (status != ADZE_OK)
      return status;
  }
  /* No gap, no overlap, nothing behind. */
  return service->extent (host, catalog, file, header->data, size, 1);
}

static adze_status
read_single (const adze_host *host, adze_file *file, adze_catalog *catalog)
{
  safetensors_header header;
  adze_status status = safetensors_read_header (
      host, file, adze_catalog_of (host)->limit (host, catalog), &header);
  if (status == ADZE_OK)
    status = safetensors_tell_metadata (host, adze_files_of (host)->name (host, file), &header,
                                        catalog);
  if (status == ADZE_OK)
    status = safetensors_tell_tensors (host, file, &header, catalog);
  safetensors_header_free (&header);
  return status;
}

/* An index is JSON from its first byte on; in a file of tensors these eight bytes are a length, and
 * as one they would be beyond all measure. */
static adze_status
is_index (const adze_host *host, adze_file *file, bool *index)
{
  unsigned char head[8] = { 0 };
  uint64_t size = adze_file_size (host, file);
  adze_status status
      = adze_file_read_at (host, file, 0, head, size < sizeof head ? (size_t)size : sizeof head);
  *index = head[0] == '{' && (size < sizeof head || head[6] || head[7]);
  return status;
}

adze_status
safetensors_read (const adze_host *host, const adze_params *params, adze_file *file,
                  adze_catalog *catalog)
{
  bool index = false;
  (void)params;
  if (!adze_catalog_of (host) || !adze_files_of (host))
    return adze_fail (host, ADZE_E_NOT_FOUND, "this host has no " ADZE_CATALOG " or no " ADZE_FILE);
  adze_status status = is_index (host, file, &index);
  if (status != ADZE_OK)
    return status;
  return index ? safetensors_read_index (host, file, catalog) : read_single (host, file, catalog);
}
