/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of each tensor: it loses channels along its dimensions, or gets zeros. */
#include "structured.h"

#include <stdio.h>

/* ---- What there is. */

static adze_status
add_tensors (const adze_host *host, const adze_outline *outline, structured *self)
{
  const adze_outline_service *service = adze_outline_of (host);
  adze_status status = ADZE_OK;
  for (uint32_t i = 0; status == ADZE_OK && i < service->count (host, outline, 0); i++) {
    structured_tensor tensor = { .pick = { 0, i }, .first_part = STRUCTURED_NONE };
    const adze_tensor_meta *meta = service->tensor (host, outline, tensor.pick);
    adze_left_see (&self->tally, meta);
    if (meta->codec || !adze_dtype_is_float (meta->dtype)) {
      if (adze_left_is_float (meta))
        adze_left_add (&self->tally, meta);
      continue;
    }
    tensor.rank = meta->rank;
    tensor.dtype = meta->dtype;
    for (int32_t d = 0; d < meta->rank; d++)
      tensor.shape[d] = meta->shape[d];
    status = adze_entries_add (host, &self->tensors, &tensor, sizeof tensor, meta->name);
  }
  return status == ADZE_OK ? adze_entries_sort (host, &self->tensors) : status;
}

/* Each tensor knows the parts of sets that lie in it, and where their sums are. */
static void
link_parts (structured *self)
{
  for (size_t p = self->part_count; p-- > 0;) {
    structured_part *part = &self->parts[p];
    if (part->tensor == STRUCTURED_NONE)
      continue;
    structured_tensor *tensor = structured_tensor_at (self, part->tensor);
    part->next = tensor->first_part;
    tensor->first_part = p;
    part->offset = tensor->sums;
    tensor->sums += part->ranked ? self->sets[part->set].count : 0;
  }
}

static adze_status
say_alone (const adze_host *host, structured *self)
{
  if (!self->has_network && !self->warned)
    adze_log (host, ADZE_LOG_WARNING,
              "the model has no network that says which tensors hang together: channels become zero, and "
              "all shapes stay as they are");
  self->warned = true;
  return ADZE_OK;
}

/* Why, rather than that channels are those of the whole network. */
static const structured_left *
first_left (const structured *self)
{
  const structured_left *first = NULL;
  for (size_t i = 0; i < self->left.count; i++) {
    const structured_left *left = (const structured_left *)adze_entries_at (&self->left, i);
    if (!left->expected)
      return left;
    first = first ? first : left;
  }
  return first;
}

static adze_status
nothing_to_do (const adze_host *host, const structured *self)
{
  const structured_left *left = first_left (self);
  if (self->spared)
    return adze_fail (host, ADZE_E_PARAM,
                      "no channel would go: sparsity, count, min-kept and multiple leave all that there are");
  if (!left)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "no channel can go: no floats of two dimensions that the stage was given %s",
                      self->wish.of == STRUCTURED_HEADS ? "make heads" : "are known to make or take any");
  return adze_fail (host, ADZE_E_UNSUPPORTED, "no channel can go; of tensor '%s' %s", left->name, left->why);
}

static adze_status
begin (const adze_host *host, const adze_outline *outline, structured *self, const adze_graph *graph)
{
  structured_clear (host, self);
  self->has_network = graph != NULL;
  self->shrinks = graph && self->wants_shrink;
  adze_status status = add_tensors (host, outline, self);
  if (status == ADZE_OK)
    status = graph ? structured_find_in_network (host, outline, self, graph)
                   : structured_find_alone (host, outline, self);
  if (status == ADZE_OK && self->set_count == 0)
    status = nothing_to_do (host, self);
  link_parts (self);
  return status == ADZE_OK ? say_alone (host, self) : status;
}

/* ---- What becomes of it. */

/* Gives the tensor a trait that it had. */
static adze_status
keep_trait (const adze_host *host, adze_outline *outline, const structured_tensor *tensor, const char *id)
{
  const adze_outline_service *service = adze_outline_of (host);
  const char *had = service->trait (host, outline, tensor->pick, id);
  return had ? service->set_trait (host, outline, tensor->name, id, had) : ADZE_OK;
}

/* Zero may be one value more than a codebook had. */
static adze_status
tell_zeros (const adze_host *host, adze_outline *outline, const structured_tensor *tensor)
{
  const adze_outline_service *service = adze_outline_of (host);
  const char *codebook = service->trait (host, outline, tensor->pick, ADZE_TRAIT_CODEBOOK);
  const char *k = codebook ? strstr (codebook, "\"k\"") : NULL;
  char json[64];
  adze_status status = service->set_trait (host, outline, tensor->name, ADZE_TRAIT_SPARSITY, "{}");
  if (status != ADZE_OK || !k)
    return status;
  unsigned long values = strtoul (k + 3 + strspn (k + 3, ": \t\r\n"), NULL, 10);
  snprintf (json, sizeof json, "{\"k\": %lu}", values + 1);
  return service->set_trait (host, outline, tensor->name, ADZE_TRAIT_CODEBOOK, json);
}

/* What stays of a tensor has the zeros and the values that it had. Neighbours of N:M are in all behind the first
 * dimension: KEEPS_ROWS says that none of it goes. */
static adze_status
tell_traits (const adze_host *host, adze_outline *outline, const structured *self,
             const structured_tensor *tensor, bool keeps_rows)
{
  adze_status status = ADZE_OK;
  if (!self->shrinks)
    status = tell_zeros (host, outline, tensor);
  else {
    status = keep_trait (host, outline, tensor, ADZE_TRAIT_SPARSITY);
    if (status == ADZE_OK)
      status = keep_trait (host, outline, tensor, ADZE_TRAIT_CODEBOOK);
  }
  if (status == ADZE_OK && (keeps_rows || !self->shrinks))
    status = keep_trait (host, outline, tensor, ADZE_TRAIT_NM);
  return status;
}

static adze_status
announce (const adze_host *host, adze_outline *outline, const structured *self,
          const structured_tensor *tensor, bool *gone)
{
  int64_t shape[ADZE_RANK_MAX];
  char note[96] = "";
  const adze_tensor_meta *meta = adze_outline_of (host)->tensor (host, outline, tensor->pick);
  adze_tensor_meta made = *meta;
  size_t used = 0;
  bool keeps_rows = true;
  for (int32_t d = 0; d < tensor->rank; d++) {
    memset (gone, 0, (size_t)tensor->shape[d]);
    int64_t kept = structured_mark (self, tensor, d, gone);
    if (kept < tensor->shape[d] && used < sizeof note)
      used += (size_t)snprintf (note + used, sizeof note - used, "%s%lld of %lld %s in dimension %d",
                                used ? ", " : "", (long long)(tensor->shape[d] - kept),
                                (long long)tensor->shape[d], self->shrinks ? "gone" : "zero", d);
    shape[d] = self->shrinks ? kept : tensor->shape[d];
    keeps_rows = keeps_rows && (kept == tensor->shape[d] || (d == 0 && tensor->rank > 1));
  }
  made.struct_size = sizeof made;
  made.shape = shape;
  made.byte_size = 0;
  const adze_group group = { .struct_size = sizeof group, .inputs = &tensor->pick, .input_count = 1,
                             .outputs = &made, .output_count = 1, .meta_size = sizeof made, .note = note };
  adze_status status = adze_outline_of (host)->group (host, outline, &group);
  return status == ADZE_OK ? tell_traits (host, outline, self, tensor, keeps_rows) : status;
}

static adze_status
announce_all (const adze_host *host, adze_outline *outline, const structured *self)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < self->tensors.count; i++) {
    const structured_tensor *tensor = structured_tensor_at (self, i);
    bool *gone = NULL;
    if (tensor->first_part == STRUCTURED_NONE)
      continue;
    status = structured_flags (host, tensor, &gone);
    if (status == ADZE_OK)
      status = announce (host, outline, self, tensor, gone);
    if (gone)
      host->release (host, gone);
  }
  return status;
}

adze_status
structured_describe (const adze_host *host, void *instance, adze_outline *outline)
{
  structured *self = (structured *)instance;
  const adze_outline_service *service = adze_outline_of (host);
  adze_graph *graph = NULL;
  self->tally = (adze_left_tally){ 0 };
  adze_status status = service->network (host, outline, &graph);
  if (status == ADZE_OK && (self->set_count == 0 || !service->is_final (host, outline)))
    status = begin (host, outline, self, graph);
  if (status == ADZE_OK)
    status = announce_all (host, outline, self);
  if (status == ADZE_OK && self->shrinks)
    status = structured_shrink_network (host, self, graph);
  if (status == ADZE_OK && !service->is_final (host, outline))
    adze_left_tell (host, &self->tally, &self->told, "no channels taken from");
  return status;
}

size_t
structured_accumulator (const adze_host *host, void *instance)
{
  const structured *self = (const structured *)instance;
  size_t most = 0;
  (void)host;
  for (size_t i = 0; i < self->tensors.count; i++) {
    size_t sums = structured_tensor_at (self, i)->sums;
    most = sums > most ? sums : most;
  }
  return most * sizeof (double);
}
