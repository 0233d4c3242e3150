/* SPDX-License-Identifier: Apache-2.0 */
/* quantize_importance.c: how much each column of a tensor counts, for codecs that heed it. */
#include "quantize.h"

#include <stdlib.h>
#include <string.h>

adze_status
quantize_importance_open (const adze_host *host, quantize *self, const adze_params *params)
{
  const char *path = adze_param_string (host, params, "imatrix");
  if (!path[0])
    return ADZE_OK;
  const char *slash = strrchr (path, '/');
  snprintf (self->imatrix_name, sizeof self->imatrix_name, "%s", slash ? slash + 1 : path);
  return imatrix_open (host, path, &self->imatrix);
}

static bool
is_embedding (const char *name)
{
  return strcmp (name, "token_embd.weight") == 0 || strcmp (name, "per_layer_token_embd.weight") == 0;
}

/* Nobody collects it for the embedding, which is looked up and not multiplied by; nor, unless asked to, for the
 * output. */
static bool
is_seldom_there (const char *name)
{
  return is_embedding (name) || strcmp (name, "output.weight") == 0;
}

/* To the list of those that are told of in one line. */
static void
note_missing (quantize *self, const char *name)
{
  size_t used = strlen (self->unweighed), room = sizeof self->unweighed - used;
  int length = snprintf (self->unweighed + used, room, "%s'%s'", used ? ", " : "", name);
  if (length < 0 || (size_t)length >= room)
    self->unweighed[used] = '\0';
  self->unweighed_count++;
}

/* *FITS stays false where that is nobody's mistake: what there is of the embedding was counted otherwise. */
static adze_status
check_size (const adze_host *host, const adze_tensor_meta *meta, const imatrix_entry *entry, bool *fits)
{
  uint64_t columns = (uint64_t)meta->shape[meta->rank - 1], matrices = 1;
  for (int32_t i = 0; i < meta->rank - 2; i++)
    matrices *= (uint64_t)meta->shape[i];
  *fits = entry->count == columns * matrices;
  if (*fits || is_embedding (meta->name))
    return ADZE_OK;
  return adze_fail (host, ADZE_E_FORMAT,
                    "parameter 'imatrix': it has %llu values for '%s', which has %llu columns in each of %llu "
                    "matrices; it is of another model",
                    (unsigned long long)entry->count, meta->name, (unsigned long long)columns,
                    (unsigned long long)matrices);
}

/* Where neighbouring columns all count nothing, as those of an expert that no example came to, codecs may make zeros: the
 * bytes are those of llama.cpp's, but nobody is to find out from what the model says. */
static void
tell_of_nothing (const adze_host *host, const adze_tensor_meta *meta, const imatrix_entry *entry)
{
  enum { BLOCK = 16 }; /* with a scale of its own, the smallest of any of these codecs */
  uint64_t columns = (uint64_t)meta->shape[meta->rank - 1], idle = 0, blocks = 0;
  for (uint64_t first = 0; first + columns <= entry->count; first += columns)
    for (uint64_t block = first; block < first + columns; block += BLOCK) {
      uint64_t end = first + columns - block < BLOCK ? first + columns : block + BLOCK, i = block;
      while (i < end && entry->values[i] == 0)
        i++;
      idle += i == end;
      blocks++;
    }
  if (idle > 0)
    adze_log (host, ADZE_LOG_WARNING,
              "the importance matrix says of %llu of the %llu blocks of %d columns of '%s' that nothing in them counts, and "
              "their numbers may become zeros: calibrate with more text, or leave the tensor out by a rule with skip = true",
              (unsigned long long)idle, (unsigned long long)blocks, BLOCK, meta->name);
}

adze_status
quantize_importance_of (const adze_host *host, quantize *self, const adze_tensor_meta *meta,
                        quantize_tensor *tensor)
{
  bool heeded = adze_codecs_of (host)->weighs (tensor->use), fits = false;
  tensor->importance = NULL;
  if (self->imatrix.entries.count == 0)
    return ADZE_OK;
  if (!heeded && !self->mixture)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "parameter 'imatrix': the codec '%s' of tensor '%s' writes the same whatever counts how much; "
                      "leave imatrix out",
                      adze_codecs_of (host)->id (tensor->use), meta->name);
  imatrix_entry *entry = (imatrix_entry *)adze_entries_find (&self->imatrix.entries, meta->name);
  if (!entry) {
    if (heeded && !is_seldom_there (meta->name))
      note_missing (self, meta->name);
    return ADZE_OK;
  }
  entry->used = true;
  adze_status status = check_size (host, meta, entry, &fits);
  if (fits && heeded)
    tell_of_nothing (host, meta, entry);
  if (fits && heeded)
    tensor->importance = entry->values;
  tensor->matrix_rows = meta->rank > 1 ? (uint64_t)meta->shape[meta->rank - 2] : 1;
  return status;
}

adze_status
quantize_importance_end (const adze_host *host, quantize *self)
{
  const adze_entries *entries = &self->imatrix.entries;
  size_t used = 0;
  for (size_t i = 0; i < entries->count; i++)
    used += ((const imatrix_entry *)adze_entries_at (entries, i))->used;
  /* Of a model that has its types already nothing is written, whichever importance it has. */
  if (entries->count > 0 && used == 0 && self->tensors.count > 0)
    return adze_fail (host, ADZE_E_FORMAT,
                      "parameter 'imatrix': of its %zu tensors, '%.200s' among them, this stage writes none; it is of "
                      "another model or of one whose tensors have other names, or rules leave them out",
                      entries->count, *adze_entries_name (entries, 0));
  if (self->unweighed_count > self->unweighed_told)
    adze_log (host, ADZE_LOG_WARNING, "the importance matrix has nothing of %zu tensors, all of whose columns count "
              "the same: %s", self->unweighed_count, self->unweighed);
  self->unweighed_told = self->unweighed_count;
  return ADZE_OK;
}
