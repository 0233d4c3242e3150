/* SPDX-License-Identifier: Apache-2.0 */
/* quantize_tensors.c: what is kept of each tensor between describe, decide and apply. */
#include "quantize.h"

#include <stdlib.h>

/* By its parameters, or by its id where these are NULL. */
static adze_status
open_codec (const adze_host *host, quantize *self, const adze_params *params, const char *id,
            adze_codec_use **use)
{
  const adze_codecs_service *codecs = adze_codecs_of (host);
  if (!codecs || codecs->struct_size < sizeof *codecs)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s, or an older one", ADZE_CODECS);
  void *grown = realloc (self->codecs, (self->codec_count + 1) * sizeof *self->codecs);
  if (!grown)
    return adze_fail (host, ADZE_E_MEMORY, "no room for another codec");
  self->codecs = grown;
  adze_status status = params ? codecs->open (host, params, "codec", use) : codecs->open_id (host, id, use);
  if (status == ADZE_OK)
    self->codecs[self->codec_count++] = (struct quantize_codec){ params, id, *use };
  return status;
}

adze_status
quantize_codec_for (const adze_host *host, quantize *self, const adze_params *params,
                    adze_codec_use **use)
{
  for (size_t i = 0; i < self->codec_count; i++)
    if (self->codecs[i].params == params) {
      *use = self->codecs[i].use;
      return ADZE_OK;
    }
  return open_codec (host, self, params, NULL, use);
}

adze_status
quantize_codec_by_id (const adze_host *host, quantize *self, const char *id, adze_codec_use **use)
{
  for (size_t i = 0; i < self->codec_count; i++)
    if (self->codecs[i].id && strcmp (self->codecs[i].id, id) == 0) {
      *use = self->codecs[i].use;
      return ADZE_OK;
    }
  return open_codec (host, self, NULL, id, use);
}

quantize_tensor *
quantize_find (const quantize *self, const char *name)
{
  return (quantize_tensor *)adze_entries_find (&self->tensors, name);
}

/* What was found by the last observation is only of use in the end, when nothing changes any more. */
void
quantize_clear (const adze_host *host, quantize *self)
{
  for (size_t i = 0; i < self->tensors.count; i++)
    free (((quantize_tensor *)adze_entries_at (&self->tensors, i))->found);
  adze_entries_clear (host, &self->tensors);
  self->accumulator = 0;
  self->has_looked = false;
}

void
quantize_end (const adze_host *host, quantize *self)
{
  quantize_clear (host, self);
  adze_entries_end (host, &self->tensors);
  adze_entries_end (host, &self->choices);
  imatrix_close (host, &self->imatrix);
  free (self->codecs);
  host->release (host, self);
}

adze_status
quantize_metas (const adze_host *host, const adze_codec_use *use, const adze_tensor_meta *meta,
                const adze_coded *coded, char (*names)[QUANTIZE_NAME], adze_tensor_meta *metas)
{
  for (uint32_t i = 0; i < coded->plane_count; i++) {
    const adze_plane *plane = &coded->planes[i];
    int length = snprintf (names[i], QUANTIZE_NAME, "%s%s", meta->name, plane->suffix);
    if (length < 0 || length >= QUANTIZE_NAME)
      return adze_fail (host, ADZE_E_LIMIT, "a tensor has a name of more than %d bytes",
                        QUANTIZE_NAME - 1);
    bool blocks = plane->dtype.code == ADZE_OPAQUE;
    metas[i] = (adze_tensor_meta){ .struct_size = sizeof metas[i],
                                   .rank = blocks ? meta->rank : plane->rank,
                                   .name = names[i],
                                   .shape = blocks ? meta->shape : plane->shape,
                                   .dtype = plane->dtype,
                                   .block_elements = blocks ? plane->block_elements : 0,
                                   .block_bytes = blocks ? plane->block_bytes : 0,
                                   .codec = blocks ? adze_codecs_of (host)->id (use) : NULL };
  }
  return ADZE_OK;
}
