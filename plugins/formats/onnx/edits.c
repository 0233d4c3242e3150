/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/edits.c: lists that grow. */
#include "edits.h"

#include <string.h>

adze_status
onnx_grow (const adze_host *host, void **list, size_t count, size_t more, size_t *capacity,
           size_t size)
{
  if (more <= *capacity - count)
    return ADZE_OK;
  size_t wanted = *capacity + *capacity / 2;
  if (wanted < count + more)
    wanted = count + more + 16;
  void *larger = wanted > SIZE_MAX / size ? NULL : host->allocate (host, wanted * size);
  if (!larger)
    return adze_fail (host, ADZE_E_MEMORY, "there is no memory for the model's structure");
  if (count > 0)
    memcpy (larger, *list, count * size);
  if (*list)
    host->release (host, *list);
  *list = larger;
  *capacity = wanted;
  return ADZE_OK;
}

adze_status
onnx_edits_add (onnx_edits *edits, onnx_edit_kind kind, uint64_t at, uint64_t cut, uint64_t value)
{
  void *list = edits->list;
  adze_status status
      = onnx_grow (edits->host, &list, edits->count, 1, &edits->capacity, sizeof *edits->list);
  edits->list = (onnx_edit *)list;
  if (status != ADZE_OK)
    return status;
  edits->list[edits->count++] = (onnx_edit){ at, cut, value, kind, 0 };
  return ADZE_OK;
}

void
onnx_edits_release (onnx_edits *edits)
{
  if (edits->list)
    edits->host->release (edits->host, edits->list);
  edits->list = NULL;
  edits->count = edits->capacity = 0;
}
