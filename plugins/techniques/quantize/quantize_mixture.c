/* SPDX-License-Identifier: Apache-2.0 */
/* quantize_mixture.c: codecs that a mixture has chosen, for the tensors that no rule gives one. */
#include "quantize.h"

#include <string.h>

#define KEY_VERSION "general.quantization_version"
#define KEY_FILE_TYPE "general.file_type"
enum { VERSION = 2 }; /* of ggml's blocks, for a long time */

adze_status
quantize_mixture_open (const adze_host *host, quantize *self, const adze_params *params)
{
  const char *codec = adze_param_string (host, params, "codec");
  const char *name = adze_param_string (host, params, "mixture");
  bool mixed = strcmp (name, "none") != 0;
  if (codec[0] && mixed)
    return adze_fail (host, ADZE_E_PARAM,
                      "it has both codec = \"%s\" and mixture = \"%s\"; one of them says how tensors are written: "
                      "leave the other one out, or give some tensors a codec by a rule",
                      codec, name);
  if (!codec[0] && !mixed)
    return adze_fail (host, ADZE_E_PARAM,
                      "it has neither codec nor mixture, and one of them is needed to say how tensors are written; "
                      "`adze list codec` shows which codecs there are");
  self->mixture = mixed ? name : NULL;
  return ADZE_OK;
}

/* A mixture is one for all that it counts; and where the stage has a codec, no rule can take it away. */
static adze_status
check_rules (const adze_host *host, const quantize *self, const adze_outline *outline)
{
  const adze_outline_service *service = adze_outline_of (host);
  for (uint32_t i = 0; i < service->count (host, outline, 0); i++) {
    adze_pick pick = { 0, i };
    const char *name = adze_param_string (host, service->params (host, outline, pick), "mixture");
    if (strcmp (name, self->mixture ? self->mixture : "none") != 0)
      return adze_fail (host, ADZE_E_PARAM,
                        "parameter 'mixture' of tensor '%s': a rule says \"%s\", but a mixture is one for the whole "
                        "stage; a rule can give a codec, or skip",
                        service->tensor (host, outline, pick)->name, name);
  }
  return ADZE_OK;
}

/* Behind all others, where llama-quantize has it. */
static adze_status
set_value (const adze_host *host, adze_outline *outline, const char *key, const adze_meta *value)
{
  const adze_outline_service *service = adze_outline_of (host);
  const adze_text name = { key, strlen (key) };
  adze_status status = service->metadata (host, outline, name, NULL);
  return status == ADZE_OK ? service->metadata (host, outline, name, value) : status;
}

static adze_status
set_number (const adze_host *host, adze_outline *outline, const char *key, uint64_t number)
{
  const adze_meta value = { .type = ADZE_META_U32, .bits = number };
  return set_value (host, outline, key, &value);
}

static adze_status
set_text (const adze_host *host, adze_outline *outline, const char *key, const char *text)
{
  const adze_meta value = adze_meta_text (text, strlen (text));
  return set_value (host, outline, key, &value);
}

/* What counted how much. */
static adze_status
describe_matrix (const adze_host *host, const quantize *self, adze_outline *outline)
{
  const imatrix *matrix = &self->imatrix;
  if (matrix->entries.count == 0)
    return ADZE_OK;
  adze_status status = set_text (host, outline, "quantize.imatrix.file", self->imatrix_name);
  if (status == ADZE_OK && matrix->data[0])
    status = set_text (host, outline, "quantize.imatrix.dataset", matrix->data);
  if (status == ADZE_OK)
    status = set_number (host, outline, "quantize.imatrix.entries_count", matrix->entries.count);
  if (status == ADZE_OK && matrix->chunks > 0)
    status = set_number (host, outline, "quantize.imatrix.chunks_count", matrix->chunks);
  return status;
}

adze_status
quantize_mixture_describe (const adze_host *host, quantize *self, adze_outline *outline)
{
  adze_entries_clear (host, &self->choices);
  self->unweighed[0] = '\0';
  self->unweighed_count = 0;
  adze_status status = check_rules (host, self, outline);
  if (status != ADZE_OK || !self->mixture)
    return status;
  status = mixture_choose (host, outline, self->mixture, self->imatrix.entries.count > 0, &self->choices);
  if (status == ADZE_OK)
    status = set_number (host, outline, KEY_VERSION, VERSION);
  if (status == ADZE_OK)
    status = set_number (host, outline, KEY_FILE_TYPE, mixture_file_type (self->mixture));
  return status == ADZE_OK ? describe_matrix (host, self, outline) : status;
}

adze_status
quantize_mixture_check (const adze_host *host, const quantize *self, const quantize_tensor *tensor)
{
  const mixture_choice *choice
      = (const mixture_choice *)adze_entries_find (&self->choices, tensor->name);
  if (!choice->weighed || tensor->importance)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_UNSUPPORTED,
                    "mixture = \"%s\" writes '%s' in %s, which is of use only where it is known how much each column "
                    "counts, and %s; give it a file of llama-imatrix, or choose the mixture q2_k",
                    self->mixture, tensor->name, choice->codec,
                    self->imatrix.entries.count > 0 ? "imatrix has nothing of this tensor" : "there is no imatrix");
}

/* Something else than the mixture has for it: that is told. */
static adze_status
tell_instead (const adze_host *host, const adze_tensor_meta *meta, const mixture_choice *choice)
{
  char why[96];
  if (!choice->wanted)
    return ADZE_OK;
  snprintf (why, sizeof why, "the codec cannot have rows of %lld numbers",
            (long long)meta->shape[meta->rank - 1]);
  return adze_fallback (host, meta->name, choice->wanted, choice->codec ? choice->codec : "left as it is", why);
}

adze_status
quantize_mixture_codec (const adze_host *host, quantize *self, const adze_tensor_meta *meta,
                        adze_codec_use **use)
{
  const mixture_choice *choice = (const mixture_choice *)adze_entries_find (&self->choices, meta->name);
  if (!choice)
    return ADZE_OK;
  adze_status status = tell_instead (host, meta, choice);
  if (status != ADZE_OK || !choice->codec)
    return status;
  return quantize_codec_by_id (host, self, choice->codec, use);
}
