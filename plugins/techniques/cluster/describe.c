/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of each tensor: how many values, of which parts of it, and which traits it has then. */
#include <stdio.h>

#include "cluster.h"

void
cluster_clear (const adze_host *host, cluster *self)
{
  for (size_t i = 0; i < self->entries.count; i++) {
    cluster_entry *entry = (cluster_entry *)adze_entries_at (&self->entries, i);
    if (entry->books)
      host->release (host, entry->books);
    if (entry->values)
      host->release (host, entry->values);
  }
  adze_entries_clear (host, &self->entries);
  self->accumulator = sizeof (cluster_seen);
  self->tensors = self->numbers = self->bytes = 0;
  self->squares = self->packed = self->coded = 0;
}

cluster_entry *
cluster_entry_of (const cluster *self, const char *name)
{
  return (cluster_entry *)adze_entries_find (&self->entries, name);
}

/* ---- One tensor. */

/* A vector has one number a channel, and is one book as a whole. No book has more values than numbers. */
static adze_status
read_parts (const adze_host *host, const adze_params *asked, const adze_tensor_meta *meta,
            cluster_entry *entry)
{
  const char *per = adze_param_string (host, asked, "per");
  int64_t axis = adze_param_int (host, asked, "axis");
  entry->outer = entry->channels = entry->inner = entry->group = entry->book_count = 1;
  bool whole = strcmp (per, "tensor") == 0 || meta->rank < 2;
  if (!whole && axis >= meta->rank)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'axis' is %lld, and tensor '%s' has %d dimensions, counted from 0; "
                      "give it another one by a rule, or leave it out with skip = true",
                      (long long)axis, meta->name, (int)meta->rank);
  for (int32_t i = 0; i < meta->rank; i++)
    *(whole || i > axis  ? &entry->inner
      : i == axis        ? &entry->channels
                         : &entry->outer)
        *= (uint64_t)meta->shape[i];
  if (strcmp (per, "group") == 0)
    entry->group = (uint64_t)adze_param_int (host, asked, "group");
  if (entry->group > entry->channels)
    entry->group = entry->channels;
  entry->book_count = (entry->channels + entry->group - 1) / entry->group;
  uint64_t numbers = cluster_book_numbers (entry);
  if (entry->keep_zeros && entry->k == 1 && numbers > 1)
    return adze_fail (host, ADZE_E_PARAM,
                      "tensor '%s' would become one value, and its zeros are kept apart, which leaves none "
                      "for its other numbers; say k = 2 or more, or keep-zeros = \"never\"",
                      meta->name);
  if (entry->k > numbers)
    entry->k = (uint32_t)numbers;
  return ADZE_OK;
}

static cluster_how
how_named (const char *name)
{
  static const char *const names[] = { "exact", "linear", "density", "random", "k-means++" };
  for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp (name, names[i]) == 0)
      return (cluster_how)i;
  return CLUSTER_EXACT;
}

/* Zeros of which a trait speaks. */
static bool
is_sparse (const adze_host *host, const adze_outline *outline, adze_pick pick)
{
  const adze_outline_service *service = adze_outline_of (host);
  return service->trait (host, outline, pick, ADZE_TRAIT_SPARSITY)
         || service->trait (host, outline, pick, ADZE_TRAIT_NM);
}

static adze_status
read_entry (const adze_host *host, const cluster *self, const adze_outline *outline, adze_pick pick, cluster_entry *entry)
{
  const adze_outline_service *service = adze_outline_of (host);
  const adze_tensor_meta *meta = service->tensor (host, outline, pick);
  const adze_params *asked = service->params (host, outline, pick);
  const char *keep = adze_param_string (host, asked, "keep-zeros");
  int64_t bits = adze_param_int (host, asked, "bits");
  *entry = (cluster_entry){
    .dtype = meta->dtype,
    .k = bits > 0 ? UINT32_C (1) << bits : (uint32_t)adze_param_int (host, asked, "k"),
    .how = how_named (adze_param_string (host, asked, "centroids")),
    .steps = (uint32_t)adze_param_int (host, asked, "steps"),
    .keep_zeros = strcmp (keep, "always") == 0 || (strcmp (keep, "auto") == 0 && is_sparse (host, outline, pick)),
  };
  adze_status status = cluster_check (host, self, asked);
  if (status != ADZE_OK)
    return adze_fail (host, status, "the stage and a rule together say too much of tensor '%s'", meta->name);
  return read_parts (host, asked, meta, entry);
}

/* Books of parts have values of their own: what counts is how many there are in the whole tensor. */
static adze_status
tell_traits (const adze_host *host, adze_outline *outline, adze_pick pick,
             const cluster_entry *entry)
{
  const adze_outline_service *service = adze_outline_of (host);
  const adze_tensor_meta *meta = service->tensor (host, outline, pick);
  uint64_t distinct = entry->books ? entry->distinct : entry->book_count * entry->k;
  char json[32];
  snprintf (json, sizeof json, "{\"k\": %llu}", (unsigned long long)distinct);
  adze_status status = service->set_trait (host, outline, meta->name, ADZE_TRAIT_CODEBOOK,
                                           distinct <= CLUSTER_MOST ? json : NULL);
  if (status != ADZE_OK || entry->keep_zeros || !is_sparse (host, outline, pick))
    return status;
  /* It was asked for that zeros are treated like others. */
  status = service->set_trait (host, outline, meta->name, ADZE_TRAIT_SPARSITY, NULL);
  return status == ADZE_OK
             ? service->set_trait (host, outline, meta->name, ADZE_TRAIT_NM, NULL)
             : status;
}

static bool
is_empty (const adze_tensor_meta *meta)
{
  for (int32_t i = 0; i < meta->rank; i++)
    if (meta->shape[i] == 0)
      return true;
  return false;
}

static void
write_note (char *note, size_t size, const cluster_entry *entry)
{
  if (entry->book_count == 1)
    snprintf (note, size, "%u values%s", entry->k, entry->keep_zeros ? ", zero apart" : "");
  else
    snprintf (note, size, "%llu x %u values%s", (unsigned long long)entry->book_count, entry->k,
              entry->keep_zeros ? ", zero apart" : "");
}

/* Any elements can be written by themselves, once all have been seen. */
static adze_status
announce (const adze_host *host, adze_outline *outline, adze_pick pick, const cluster_entry *entry)
{
  char note[80];
  write_note (note, sizeof note, entry);
  const adze_outline_service *service = adze_outline_of (host);
  const adze_tensor_meta *meta = service->tensor (host, outline, pick);
  const adze_group group = { .struct_size = sizeof group,
                             .input_count = 1,
                             .inputs = &pick,
                             .outputs = meta,
                             .output_count = 1,
                             .meta_size = sizeof *meta,
                             .note = note,
                             .row_rank = (uint32_t)meta->rank,
                             .observes_whole = meta->rank > 0,
                             .scratch = cluster_scratch (entry) };
  return service->group (host, outline, &group);
}

static adze_status
describe_one (const adze_host *host, cluster *self, adze_outline *outline, uint32_t index)
{
  const adze_outline_service *service = adze_outline_of (host);
  adze_pick pick = { 0, index };
  const adze_tensor_meta *meta = service->tensor (host, outline, pick);
  adze_left_see (&self->left, meta);
  if (meta->codec || !adze_dtype_is_float (meta->dtype)) {
    if (adze_left_is_float (meta))
      adze_left_add (&self->left, meta);
    return ADZE_OK;
  }
  if (is_empty (meta))
    return ADZE_OK;
  cluster_entry entry;
  adze_status status = read_entry (host, self, outline, pick, &entry);
  if (status != ADZE_OK)
    return status;
  size_t size = sizeof (cluster_seen) + entry.book_count * cluster_book_size (entry.k);
  bool final = service->is_final (host, outline);
  const cluster_entry *decided = final ? cluster_entry_of (self, meta->name) : NULL;
  if (!final)
    status = adze_entries_add (host, &self->entries, &entry, sizeof entry, meta->name);
  self->accumulator = size > self->accumulator ? size : self->accumulator;
  if (status == ADZE_OK)
    status = announce (host, outline, pick, &entry);
  return status == ADZE_OK ? tell_traits (host, outline, pick, decided ? decided : &entry) : status;
}

adze_status
cluster_describe (const adze_host *host, void *instance, adze_outline *outline)
{
  cluster *self = (cluster *)instance;
  const adze_outline_service *service = adze_outline_of (host);
  bool final = service->is_final (host, outline);
  /* In the end the tensors are those that were decided on; before, all begins anew. */
  if (!final)
    cluster_clear (host, self);
  self->left = (adze_left_tally){ 0 };
  adze_status status = ADZE_OK;
  uint32_t count = service->count (host, outline, 0);
  for (uint32_t i = 0; status == ADZE_OK && i < count; i++)
    status = describe_one (host, self, outline, i);
  if (status != ADZE_OK)
    return status;
  if (!final && (status = adze_entries_sort (host, &self->entries)) != ADZE_OK)
    return status;
  adze_left_tell (host, &self->left, &self->told, "not clustered");
  return ADZE_OK;
}
