/* SPDX-License-Identifier: Apache-2.0 */
/* prune-magnitude: which tensors take part, how, and how finely is counted. */
#include "prune.h"

#include <stdio.h>

/* ---- What is known of tensors. */

void
prune_clear (const adze_host *host, prune *self)
{
  adze_entries_clear (host, &self->tensors);
  self->places = 0;
  self->round = 0;
  self->target = self->quota = 0;
  self->entry_count = 0;
  self->list_lost = false;
}

prune_tensor *
prune_tensor_of (const prune *self, const char *name)
{
  return (prune_tensor *)adze_entries_find (&self->tensors, name);
}

/* ---- What a rule may say. */

static uint32_t
bits_of_threshold (double threshold)
{
  float least = (float)threshold;
  uint32_t bits = adze_float_bits (least);
  if ((double)least < threshold)
    bits++;
  return bits < PRUNE_INFINITE ? bits : PRUNE_INFINITE;
}

static bool
same_pattern (const prune_pattern *a, const prune_pattern *b)
{
  return a->shape == b->shape && a->rows == b->rows && a->columns == b->columns
         && a->squares == b->squares;
}

/* Tensors with one cut for all cannot differ in what is compared with it. */
static adze_status
check_shared (const adze_host *host, const prune *self, const prune_tensor *tensor,
              double threshold, const char *name)
{
  const char *what = tensor->sparsity != self->sparsity                      ? "sparsity"
                     : threshold != self->threshold                          ? "threshold"
                     : same_pattern (&tensor->pattern, &self->pattern)       ? NULL
                     : self->blocks                                          ? "block"
                                                                             : "pattern";
  if (!what)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_PARAM,
                    "parameter '%s' of tensor '%s' is not that of the stage: with scope = \"global\" "
                    "all tensors share one cut; scope = \"tensor\" has a cut for each, and skip = true "
                    "leaves the tensor out",
                    what, name);
}

static adze_status
check_one (const adze_host *host, const prune *self, const adze_params *values,
           const prune_tensor *tensor, const char *name)
{
  double threshold = adze_param_float (host, values, "threshold");
  const prune_pattern *pattern = &tensor->pattern;
  bool global = strcmp (adze_param_string (host, values, "scope"), "global") == 0;
  if (global != self->global)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'scope' of tensor '%s' is not that of the stage; a rule cannot change "
                      "it", name);
  if (pattern->shape == PRUNE_OF_M && tensor->min_kept * pattern->m > pattern->n)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'min-kept' of tensor '%s' is %g, and pattern = \"%u:%u\" keeps less",
                      name, tensor->min_kept, pattern->n, pattern->m);
  return self->global && pattern->shape != PRUNE_OF_M
             ? check_shared (host, self, tensor, threshold, name)
             : ADZE_OK;
}

/* ---- Masks of what is protected. */

enum { MODEL, MASKS }; /* ports */

/* Where nothing is bound: none. */
static uint32_t
count_masks (const adze_host *host, adze_outline *outline)
{
  const adze_outline_service *service = adze_outline_of (host);
  return service->ports (host, outline) > MASKS ? service->count (host, outline, MASKS) : 0;
}

/* That of the tensor NAME; false: there is none. */
static bool
find_mask (const adze_host *host, adze_outline *outline, const char *name, adze_pick *mask)
{
  const adze_outline_service *service = adze_outline_of (host);
  for (uint32_t i = 0; i < count_masks (host, outline); i++) {
    *mask = (adze_pick){ MASKS, i };
    if (strcmp (service->tensor (host, outline, *mask)->name, name) == 0)
      return true;
  }
  return false;
}

static adze_status
check_mask (const adze_host *host, const prune_pattern *pattern, const adze_tensor_meta *meta,
            const adze_tensor_meta *mask)
{
  bool fits = !mask->codec && mask->dtype.code == ADZE_BOOL && mask->rank == meta->rank;
  for (int32_t i = 0; fits && i < meta->rank; i++)
    fits = mask->shape[i] == meta->shape[i];
  if (!fits)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "what is bound to 'protected' has a tensor '%s' that is no mask of the model's: needed are bools "
                      "in the same shape, as importance-mask and prune-mask give them",
                      meta->name);
  if (pattern->shape != PRUNE_OF_M)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_PARAM,
                    "'protected' has a mask of tensor '%s', and pattern = \"%u:%u\" says itself how many of each group "
                    "stay; needed is pattern = \"unstructured\", or a rule with skip = true",
                    meta->name, pattern->n, pattern->m);
}

/* A mask that protects nothing was meant otherwise: a rule left its tensor out, or names differ. */
static adze_status
check_masks (const adze_host *host, prune *self, adze_outline *outline, size_t met)
{
  const adze_outline_service *service = adze_outline_of (host);
  size_t missed = 0;
  const char *first = NULL;
  for (uint32_t i = 0; i < count_masks (host, outline); i++) {
    const adze_tensor_meta *mask = service->tensor (host, outline, (adze_pick){ MASKS, i });
    if (mask->rank < 2 || prune_tensor_of (self, mask->name))
      continue;
    first = first ? first : mask->name;
    missed++;
  }
  if (met == 0)
    return adze_fail (host, ADZE_E_PARAM,
                      "nothing that is pruned here has a mask in what is bound to 'protected'%s%s%s",
                      first ? ": its first one is of '" : "", first ? first : "", first ? "'" : "");
  if (missed > 0 && !self->told_masks)
    adze_log (host, ADZE_LOG_WARNING,
              "%zu of the masks bound to 'protected' are of tensors that are not pruned here, '%s' being the first",
              missed, first);
  self->told_masks = true;
  return ADZE_OK;
}

static size_t
count_masked (const prune *self)
{
  size_t count = 0;
  for (size_t i = 0; i < self->tensors.count; i++)
    count += prune_tensor_at (self, i)->masked;
  return count;
}

/* ---- One tensor. */

static adze_status
set_places (const adze_host *host, prune_tensor *tensor, const adze_tensor_meta *meta)
{
  prune_grid grid = prune_grid_of (&tensor->pattern, meta);
  uint64_t elements = grid.rows * grid.columns;
  tensor->grid = grid;
  tensor->rows = grid.rows;
  tensor->row = grid.columns;
  tensor->places = tensor->pattern.shape == PRUNE_BLOCKS ? grid.down * grid.across : elements;
  if (tensor->places < PRUNE_PLACES)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_LIMIT,
                    "tensor '%s' has %llu weights or blocks to choose from, and at most %llu can be "
                    "told apart; leave it out by a rule with skip = true",
                    meta->name, (unsigned long long)tensor->places,
                    (unsigned long long)PRUNE_PLACES - 1);
}

static adze_status
set_trait (const adze_host *host, adze_outline *outline, const adze_tensor_meta *meta,
           const char *id, const char *json)
{
  return adze_outline_of (host)->set_trait (host, outline, meta->name, id, json);
}

/* The number behind "KEY" in a trait; 0: there is none. */
static unsigned long
number_in (const char *trait, const char *key)
{
  const char *at = trait ? strstr (trait, key) : NULL;
  return at ? strtoul (at + strlen (key) + strspn (at + strlen (key), ": \t\r\n"), NULL, 10) : 0;
}

/* Does what the tensor has been promised to be say as much as PATTERN, or more? 2:4 is 3:4 and 4:8 as well, and 2:8 is 2:4; the
 * weaker word in its place would lose what is known. */
static bool
is_promised (const char *nm, const prune_pattern *pattern)
{
  const unsigned long n = number_in (nm, "\"n\""), m = number_in (nm, "\"m\"");
  return m > 0
         && ((pattern->m % m == 0 && n * (pattern->m / m) <= pattern->n) || (m % pattern->m == 0 && n <= pattern->n));
}

/* What is zero now is to stay so. Zero may be one value more than a codebook had. */
static adze_status
set_traits (const adze_host *host, adze_outline *outline, adze_pick pick, const prune_tensor *tensor)
{
  const adze_outline_service *outlines = adze_outline_of (host);
  const adze_tensor_meta *meta = outlines->tensor (host, outline, pick);
  const unsigned long values = number_in (outlines->trait (host, outline, pick, ADZE_TRAIT_CODEBOOK), "\"k\"");
  const prune_pattern *pattern = &tensor->pattern;
  char json[64];
  adze_status status = set_trait (host, outline, meta, ADZE_TRAIT_SPARSITY, "{}");
  if (status == ADZE_OK && pattern->shape == PRUNE_OF_M && (pattern->m & (pattern->m - 1)) == 0
      && !is_promised (outlines->trait (host, outline, pick, ADZE_TRAIT_NM), pattern)) {
    snprintf (json, sizeof json, "{\"n\": %u, \"m\": %u}", pattern->n, pattern->m);
    status = set_trait (host, outline, meta, ADZE_TRAIT_NM, json);
  }
  if (status == ADZE_OK && values) {
    snprintf (json, sizeof json, "{\"k\": %lu}", values + 1);
    status = set_trait (host, outline, meta, ADZE_TRAIT_CODEBOOK, json);
  }
  return status;
}

static void
write_note (const prune *self, const prune_tensor *tensor, char *note, size_t size)
{
  char pattern[48];
  prune_pattern_text (&tensor->pattern, pattern, sizeof pattern);
  if (tensor->pattern.shape == PRUNE_OF_M)
    snprintf (note, size, "prune %s", pattern);
  else if (tensor->threshold > 0)
    snprintf (note, size, "prune below %g, %s",
              (double)adze_float_of_bits (tensor->threshold), pattern);
  else
    snprintf (note, size, "prune %.6g %%%s, %s", tensor->sparsity * 100,
              self->global ? " of all" : "", pattern);
}

static adze_status
add_group (const adze_host *host, const prune *self, adze_outline *outline, adze_pick pick, adze_pick mask,
           const prune_tensor *tensor)
{
  const adze_outline_service *service = adze_outline_of (host);
  const adze_tensor_meta *meta = service->tensor (host, outline, pick);
  const adze_pick picks[] = { pick, mask };
  char note[96];
  write_note (self, tensor, note, sizeof note);
  adze_group group = { .struct_size = sizeof group,
                       .input_count = tensor->masked ? 2 : 1,
                       .inputs = picks,
                       .outputs = meta,
                       .output_count = 1,
                       .meta_size = sizeof *meta,
                       .note = note,
                       .row_rank = tensor->pattern.shape == PRUNE_OF_M && meta->rank > 1 ? 1 : 0 };
  adze_status status = service->group (host, outline, &group);
  /* A tensor of which nothing has gone in the end is not told to be sparse. */
  const prune_tensor *decided
      = service->is_final (host, outline) ? prune_tensor_of (self, meta->name) : NULL;
  if (status == ADZE_OK && !(decided && decided->pruned == 0))
    status = set_traits (host, outline, pick, tensor);
  return status;
}

static adze_status
describe_tensor (const adze_host *host, prune *self, adze_outline *outline, adze_pick pick)
{
  const adze_outline_service *service = adze_outline_of (host);
  const adze_tensor_meta *meta = service->tensor (host, outline, pick);
  const adze_params *values = service->params (host, outline, pick);
  prune_tensor tensor = { .sparsity = adze_param_float (host, values, "sparsity"),
                          .min_kept = adze_param_float (host, values, "min-kept"),
                          .keeps_bad
                          = strcmp (adze_param_string (host, values, "not-finite"), "keep") == 0,
                          .state = self->global ? PRUNE_SHARED : PRUNE_OWN };
  double threshold = adze_param_float (host, values, "threshold");
  adze_pick mask = { 0, 0 };
  tensor.masked = find_mask (host, outline, meta->name, &mask);
  if (threshold > 0) {
    tensor.threshold = bits_of_threshold (threshold);
    tensor.state = PRUNE_OWN;
  }
  adze_status status = prune_pattern_of (host, values, self->blocks, meta->name, &tensor.pattern);
  if (status != ADZE_OK)
    return status;
  status = prune_check_params (host, self, values, &tensor.pattern);
  if (status != ADZE_OK)
    return adze_fail (host, status, "the stage and a rule together say too much of tensor '%s'", meta->name);
  status = check_one (host, self, values, &tensor, meta->name);
  if (status == ADZE_OK && tensor.masked)
    status = check_mask (host, &tensor.pattern, meta, service->tensor (host, outline, mask));
  if (status == ADZE_OK)
    status = set_places (host, &tensor, meta);
  if (status == ADZE_OK && tensor.pattern.shape == PRUNE_OF_M) {
    tensor.state = PRUNE_DONE;
    tensor.pruned = tensor.rows * prune_of_m_each (&tensor.pattern, tensor.row);
  }
  if (status == ADZE_OK && !service->is_final (host, outline)) {
    self->places += tensor.places;
    status = adze_entries_add (host, &self->tensors, &tensor, sizeof tensor, meta->name);
  }
  return status == ADZE_OK ? add_group (host, self, outline, pick, mask, &tensor) : status;
}

static adze_status
describe_one (const adze_host *host, prune *self, adze_outline *outline, uint32_t index)
{
  const adze_outline_service *service = adze_outline_of (host);
  adze_pick pick = { MODEL, index };
  const adze_tensor_meta *meta = service->tensor (host, outline, pick);
  adze_left_see (&self->left, meta);
  if (meta->codec || !adze_dtype_is_float (meta->dtype)) {
    if (adze_left_is_float (meta))
      adze_left_add (&self->left, meta);
    return ADZE_OK;
  }
  if (meta->rank < 2 && !adze_param_bool (host, service->params (host, outline, pick), "vectors"))
    return ADZE_OK;
  if (meta->dtype.bits == 64)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "tensor '%s' is float64, whose magnitudes are not counted; cast it to f32 "
                      "before, or leave it out by a rule with skip = true",
                      meta->name);
  return describe_tensor (host, self, outline, pick);
}

/* ---- All of them. */

/* A file keeps each round's accumulators, one a tensor, so that they are smaller where there are many
 * tensors, or few numbers. */
static void
choose_grain (prune *self)
{
  enum { LEAST = 10, MOST = 14, ALL = 20 << 20 };
  uint64_t most = 1;
  self->grain.bits = MOST;
  for (;; self->grain.bits--) {
    self->grain.listed = (size_t)1 << self->grain.bits;
    bool fits = self->tensors.count * prune_sums_size (&self->grain) <= ALL
                && (UINT64_C (16) << self->grain.bits) <= self->places;
    if (fits || self->grain.bits == LEAST)
      break;
  }
  for (size_t i = 0; i < self->tensors.count; i++)
    most = prune_tensor_at (self, i)->places > most ? prune_tensor_at (self, i)->places : most;
  /* The largest tensor has its share of what is listed, and perhaps four times that. */
  double tensors = (double)self->places / (double)most;
  self->shared_grain = self->grain;
  self->shared_grain.listed = (size_t)((double)self->grain.listed * (tensors > 2 ? tensors / 2 : 1));
}

static adze_status
start_searches (const adze_host *host, prune *self)
{
  uint64_t shared = 0;
  choose_grain (self);
  for (size_t i = 0; i < self->tensors.count; i++) {
    prune_tensor *tensor = prune_tensor_at (self, i);
    shared += tensor->state == PRUNE_SHARED ? tensor->places : 0;
    tensor->search = prune_search_all (&self->grain, tensor->threshold > 0 ? tensor->threshold : PRUNE_INFINITE,
                                       tensor->places);
  }
  self->search = prune_search_all (&self->grain, PRUNE_INFINITE, shared);
  if (self->reach)
    host->release (host, self->reach);
  self->reach = (uint64_t *)host->allocate (
      host, (((size_t)1 << self->grain.bits) + 1) * sizeof *self->reach);
  return self->reach ? adze_entries_sort (host, &self->tensors)
                     : adze_fail (host, ADZE_E_MEMORY, "no room for what is known of the tensors");
}

adze_status
prune_describe (const adze_host *host, void *instance, adze_outline *outline)
{
  prune *self = (prune *)instance;
  const adze_outline_service *service = adze_outline_of (host);
  /* In the end the tensors are those that were decided on; before, all begins anew. */
  bool final = service->is_final (host, outline);
  if (!final)
    prune_clear (host, self);
  self->left = (adze_left_tally){ 0 };
  adze_status status = ADZE_OK;
  uint32_t count = service->count (host, outline, MODEL);
  for (uint32_t i = 0; status == ADZE_OK && i < count; i++)
    status = describe_one (host, self, outline, i);
  if (status == ADZE_OK && !final)
    status = start_searches (host, self);
  self->masked = count_masks (host, outline) > 0;
  if (status == ADZE_OK && !final && self->masked)
    status = check_masks (host, self, outline, count_masked (self));
  if (status == ADZE_OK)
    adze_left_tell (host, &self->left, &self->told, "not pruned");
  return status;
}
