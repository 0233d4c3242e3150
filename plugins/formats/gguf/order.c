/* SPDX-License-Identifier: Apache-2.0 */
/* order.c: the order of tensors in a file. That of the model is as good as any other; but files are compared by
 * their bytes, and those that llama-quantize makes are in the order of adze/draft/layers.h. */
#include <stdlib.h>

#include "gguf.h"

typedef struct place {
  const char *name;
  size_t index;
} place;

static bool
begins (adze_text key, const char *word)
{
  return key.size >= strlen (word) && memcmp (key.data, word, strlen (word)) == 0;
}

/* Does the metadata end as llama-quantize leaves it, and a mixture of quantize: with these two, and nothing behind
 * them but what they were made with? Files of llama-quantize's own are in its order already. */
static bool
ends_quantised (const gguf_writer *writer)
{
  adze_text key = { NULL, 0 };
  const adze_meta *value = NULL;
  bool version = false, ended = false;
  for (size_t i = 0; i < writer->key_count; i++) {
    writer->cargo_service->metadata (writer->host, writer->cargo, i, &key, &value);
    bool added = begins (key, "quantize.imatrix.") || begins (key, "adze.");
    ended = (version && begins (key, GGUF_KEY_FILE_TYPE)) || (ended && added);
    version = begins (key, "general.quantization_version");
  }
  return ended;
}

static int
compare (const void *a, const void *b)
{
  return adze_layers_compare (((const place *)a)->name, ((const place *)b)->name);
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
  if (strcmp (word, "kept") == 0 || (strcmp (word, "auto") == 0 && !ends_quantised (writer)))
    return ADZE_OK;
  place *places = (place *)calloc (writer->tensor_count + 1, sizeof *places);
  writer->order = (size_t *)calloc (writer->tensor_count + 1, sizeof *writer->order);
  adze_status status
      = places && writer->order
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
