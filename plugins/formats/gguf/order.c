/* SPDX-License-Identifier: Apache-2.0 */
/* order.c: the order of tensors in a file. That of the model is as good as any other; but files are compared by
 * their bytes, and those that llama-quantize makes are in the order of layers.h. */
#include <stdlib.h>

#include "gguf.h"
#include "layers.h"

typedef struct place {
  const char *name;
  size_t index;
} place;

/* Did a stage write any tensor in blocks? */
static adze_status
find_new_blocks (const gguf_writer *writer, bool *found)
{
  const adze_cargo_service *cargo = writer->cargo_service;
  for (size_t i = 0; i < writer->tensor_count && !*found && GGUF_CARGO_HAS (cargo, retyped); i++) {
    adze_tensor_meta meta = { .struct_size = sizeof meta };
    adze_status status = cargo->tensor (writer->host, writer->cargo, i, &meta);
    if (status != ADZE_OK)
      return status;
    *found = meta.codec && cargo->retyped (writer->host, writer->cargo, i);
  }
  return ADZE_OK;
}

static int
compare (const void *a, const void *b)
{
  return gguf_compare_layers (((const place *)a)->name, ((const place *)b)->name);
}

static adze_status
sort (gguf_writer *writer, place *places)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; i < writer->tensor_count && status == ADZE_OK; i++) {
    adze_tensor_meta meta = { .struct_size = sizeof meta };
    status = writer->cargo_service->tensor (writer->host, writer->cargo, i, &meta);
    places[i] = (place){ meta.name, i };
  }
  if (status == ADZE_OK)
    qsort (places, writer->tensor_count, sizeof *places, compare);
  for (size_t i = 0; i < writer->tensor_count && status == ADZE_OK; i++)
    writer->order[i] = places[i].index;
  return status;
}

adze_status
gguf_settle_order (gguf_writer *writer, const adze_params *params)
{
  const char *word = adze_param_string (writer->host, params, "order");
  bool layers = strcmp (word, "layers") == 0;
  adze_status status = strcmp (word, "auto") == 0 ? find_new_blocks (writer, &layers) : ADZE_OK;
  if (status != ADZE_OK || !layers)
    return status;
  place *places = (place *)calloc (writer->tensor_count + 1, sizeof *places);
  writer->order = (size_t *)calloc (writer->tensor_count + 1, sizeof *writer->order);
  status = places && writer->order
               ? sort (writer, places)
               : adze_fail (writer->host, ADZE_E_MEMORY, "no room for the order of %zu tensors", writer->tensor_count);
  free (places);
  return status;
}

adze_status
gguf_tensor_at (const gguf_writer *writer, size_t position, adze_tensor_meta *meta)
{
  *meta = (adze_tensor_meta){ .struct_size = sizeof *meta };
  return writer->cargo_service->tensor (writer->host, writer->cargo, gguf_index_at (writer, position), meta);
}
