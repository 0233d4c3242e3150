/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of channels of which some go, where they lie, and how many of them go. */
#include "structured.h"

#include <stdarg.h>

/* ---- What is asked for. */

static uint32_t
choice_of (const char *word, const char *const *words, uint32_t count)
{
  for (uint32_t i = 1; i < count; i++)
    if (strcmp (word, words[i]) == 0)
      return i;
  return 0;
}

/* TENSOR NULL: those of the stage. */
adze_status
structured_wish_of (const adze_host *host, const structured *self, const adze_params *values,
                    const char *tensor, structured_wish *wish)
{
  static const char *const kinds[] = { "filters", "channels", "heads" };
  static const char *const norms[] = { "l1", "l2", "geometric-median" };
  const char *of = adze_param_string (host, values, "of");
  wish->of = (structured_of)choice_of (of, kinds, 3);
  wish->norm = (structured_norm)choice_of (adze_param_string (host, values, "norm"), norms, 3);
  wish->sparsity = adze_param_float (host, values, "sparsity");
  wish->count = adze_param_int (host, values, "count");
  wish->min_kept = adze_param_int (host, values, "min-kept");
  wish->multiple = adze_param_int (host, values, "multiple");
  if (tensor && wish->of != self->wish.of)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'of' of tensor '%s' is \"%s\", and that of the stage is \"%s\": what hangs "
                      "together is compared as a whole; put a second stage behind this one", tensor, of,
                      kinds[self->wish.of]);
  if (tensor && adze_param_bool (host, values, "shrink") != self->wants_shrink)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'shrink' of tensor '%s' is not that of the stage: all of a network loses channels, or none; a "
                      "rule cannot change it", tensor);
  if (tensor && wish->of != STRUCTURED_HEADS && adze_param_int (host, values, "heads") != self->heads)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'heads' of tensor '%s' says nothing to of = \"%s\"; leave it out, or choose \"heads\"", tensor,
                      of);
  adze_status status = wish->count > 0 ? adze_param_not_both (host, values, "count", "sparsity") : ADZE_OK;
  if (status != ADZE_OK && tensor)
    return adze_fail (host, status, "the stage and a rule together say too much of tensor '%s'", tensor);
  return status;
}

static bool
same_wish (const structured_wish *a, const structured_wish *b)
{
  return a->norm == b->norm && a->sparsity == b->sparsity && a->count == b->count
         && a->min_kept == b->min_kept && a->multiple == b->multiple;
}

/* Share and count say how many should go; what must stay has the last word. */
static size_t
count_gone (const structured_wish *wish, size_t count)
{
  size_t least = (size_t)wish->min_kept, multiple = (size_t)wish->multiple;
  size_t asked = wish->count > 0 ? (size_t)wish->count : (size_t)(wish->sparsity * (double)count + 0.5);
  size_t kept = asked < count ? count - asked : 0;
  kept = kept < least ? least : kept;
  kept = (kept + multiple - 1) / multiple * multiple;
  return kept < count ? count - kept : 0;
}

adze_status
structured_count_set (const adze_host *host, const adze_outline *outline, structured *self)
{
  const adze_outline_service *service = adze_outline_of (host);
  structured_set *set = &self->sets[self->set_count - 1];
  const structured_tensor *first = NULL;
  for (size_t p = set->first_part; p < set->first_part + set->part_count; p++) {
    const structured_part *part = &self->parts[p];
    structured_wish wish;
    if (!part->ranked)
      continue;
    const structured_tensor *tensor = structured_tensor_at (self, part->tensor);
    adze_status status = structured_wish_of (host, self, service->params (host, outline, tensor->pick),
                                             tensor->name, &wish);
    if (status != ADZE_OK)
      return status;
    if (first && !same_wish (&wish, &set->wish))
      return adze_fail (host, ADZE_E_PARAM,
                        "tensors '%s' and '%s' lose the same channels, and rules ask different things of "
                        "them; let one rule match both", first->name, tensor->name);
    set->wish = wish;
    first = tensor;
  }
  set->removed = count_gone (&set->wish, set->count);
  for (size_t c = 0; c < set->removed; c++)
    set->gone[c] = true;
  return ADZE_OK;
}

/* ---- Sets. */

static adze_status
no_room (const adze_host *host)
{
  return adze_fail (host, ADZE_E_MEMORY, "no room for what is known of the channels");
}

/* Room for one more, where COUNT are there. */
static void *
one_more (void *items, size_t count, size_t size)
{
  bool full = (count & (count - 1)) == 0;
  return full ? realloc (items, (count ? 2 * count : 1) * size) : items;
}

adze_status
structured_add_set (const adze_host *host, structured *self, size_t count, size_t group)
{
  void *grown = one_more (self->sets, self->set_count, sizeof *self->sets);
  if (!grown)
    return no_room (host);
  self->sets = (structured_set *)grown;
  structured_set *set = &self->sets[self->set_count++];
  *set = (structured_set){ .count = count, .group = group, .first_part = self->part_count };
  set->gone = (bool *)calloc (count + 1, sizeof *set->gone);
  set->sizes = (double *)calloc (count + 1, sizeof *set->sizes);
  return set->gone && set->sizes ? ADZE_OK : no_room (host);
}

adze_status
structured_add_part (const adze_host *host, structured *self, size_t tensor, int32_t axis, bool ranked,
                     size_t per)
{
  structured_set *set = &self->sets[self->set_count - 1];
  void *grown = one_more (self->parts, self->part_count, sizeof *self->parts);
  if (!grown)
    return no_room (host);
  self->parts = (structured_part *)grown;
  structured_part *part = &self->parts[self->part_count];
  *part = (structured_part){ .set = self->set_count - 1, .tensor = tensor, .axis = axis, .ranked = ranked,
                             .per = per, .next = STRUCTURED_NONE };
  part->indices = (int64_t *)malloc ((set->count * per + 1) * sizeof *part->indices);
  part->sums = (double *)calloc (set->count + 1, sizeof *part->sums);
  set->part_count++;
  self->part_count++;
  return part->indices && part->sums ? ADZE_OK : no_room (host);
}

static void
free_parts (structured *self, size_t first)
{
  for (size_t p = first; p < self->part_count; p++) {
    free (self->parts[p].indices);
    free (self->parts[p].sums);
  }
  self->part_count = first;
}

void
structured_drop_set (structured *self)
{
  structured_set *set = &self->sets[--self->set_count];
  free_parts (self, set->first_part);
  free (set->gone);
  free (set->sizes);
}

void
structured_spare_set (structured *self)
{
  structured_drop_set (self);
  self->spared = true;
}

void
structured_clear (const adze_host *host, structured *self)
{
  while (self->set_count > 0)
    structured_drop_set (self);
  self->spared = false;
  adze_entries_clear (host, &self->tensors);
  adze_entries_clear (host, &self->left);
}

adze_status
structured_leave (const adze_host *host, structured *self, const char *tensor, bool expected,
                  const char *why, ...)
{
  structured_left left = { .expected = expected };
  va_list arguments;
  va_start (arguments, why);
  vsnprintf (left.why, sizeof left.why, why, arguments);
  va_end (arguments);
  return adze_entries_add (host, &self->left, &left, sizeof left, tensor);
}

/* ---- Places. */

const structured_part *
structured_leader (const structured *self, const structured_set *set)
{
  for (size_t p = set->first_part; p < set->first_part + set->part_count; p++)
    if (self->parts[p].ranked)
      return &self->parts[p];
  return NULL;
}

int64_t
structured_mark (const structured *self, const structured_tensor *tensor, int32_t axis, bool *gone)
{
  int64_t kept = tensor->shape[axis];
  for (size_t p = tensor->first_part; p != STRUCTURED_NONE; p = self->parts[p].next) {
    const structured_part *part = &self->parts[p];
    const structured_set *set = &self->sets[part->set];
    for (size_t i = 0; part->axis == axis && i < set->count * part->per; i++)
      if (set->gone[i / part->per]) {
        gone[part->indices[i]] = true;
        kept--;
      }
  }
  return kept;
}

adze_status
structured_flags (const adze_host *host, const structured_tensor *tensor, bool **gone)
{
  size_t most = 1;
  for (int32_t d = 0; d < tensor->rank; d++)
    most = (size_t)tensor->shape[d] > most ? (size_t)tensor->shape[d] : most;
  *gone = (bool *)host->allocate (host, most);
  if (!*gone)
    return no_room (host);
  memset (*gone, 0, most);
  return ADZE_OK;
}
