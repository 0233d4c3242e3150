/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/edits.c: lists that grow. */
#include "edits.h"

#include <stdlib.h>

adze_status
onnx_grow (const adze_host *host, void **list, size_t count, size_t more, size_t *capacity,
           size_t size)
{
  if (more <= *capacity - count)
    return ADZE_OK;
  size_t wanted = *capacity + *capacity / 2;
  if (wanted < count + more)
    wanted = count + more + 16;
  /* The system's own, which moves large lists without touching them: the host's cannot. */
  void *larger = wanted > SIZE_MAX / size ? NULL : realloc (*list, wanted * size);
  if (!larger)
    return adze_fail (host, ADZE_E_MEMORY, "there is no memory for the model's structure");
  *list = larger;
  *capacity = wanted;
  return ADZE_OK;
}

void
onnx_drop (void *list)
{
  free (list);
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
  onnx_drop (edits->list);
  edits->list = NULL;
  edits->count = edits->capacity = 0;
}
