/* SPDX-License-Identifier: Apache-2.0 */
/* decide: of each set the channels go that are the least. */
#include "structured.h"

#include <math.h>

typedef struct ranked {
  double size;
  size_t channel;
} ranked;

/* Of equal ones the lower index goes first. */
static int
by_rank (const void *left, const void *right)
{
  const ranked *a = (const ranked *)left, *b = (const ranked *)right;
  if (a->size != b->size)
    return a->size < b->size ? -1 : 1;
  return a->channel < b->channel ? -1 : a->channel > b->channel;
}

static void
add_up (const structured *self, structured_set *set)
{
  memset (set->sizes, 0, set->count * sizeof *set->sizes);
  for (size_t p = set->first_part; p < set->first_part + set->part_count; p++)
    for (size_t c = 0; self->parts[p].ranked && c < set->count; c++)
      set->sizes[c] += self->parts[p].sums[c];
  for (size_t c = 0; set->wish.norm == STRUCTURED_L2 && c < set->count; c++)
    set->sizes[c] = sqrt (set->sizes[c]);
}

static adze_status
settle_set (const adze_host *host, const structured *self, structured_set *set)
{
  ranked *list = (ranked *)host->allocate (host, set->count * sizeof *list);
  if (!list)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu channels", set->count);
  add_up (self, set);
  for (size_t c = 0; c < set->count; c++)
    list[c] = (ranked){ set->sizes[c], c };
  qsort (list, set->count, sizeof *list, by_rank);
  for (size_t i = 0; i < set->count; i++)
    set->gone[list[i].channel] = i < set->removed;
  host->release (host, list);
  return ADZE_OK;
}

static adze_status
settle_all (const adze_host *host, structured *self)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < self->set_count; i++)
    status = settle_set (host, self, &self->sets[i]);
  return status == ADZE_OK ? structured_report (host, self) : status;
}

adze_status
structured_decide (const adze_host *host, void *instance, adze_call *call, const void *accumulator,
                   bool *again)
{
  structured *self = (structured *)instance;
  const double *sums = (const double *)accumulator;
  adze_place place;
  *again = false;
  if (!call)
    return settle_all (host, self);
  adze_call_of (host)->place (host, call, &place);
  const structured_tensor *tensor = structured_tensor_of (self, place.whole->name);
  if (!tensor)
    return adze_fail (host, ADZE_E_CONTRACT, "tensor '%s' was not described before", place.whole->name);
  for (size_t p = tensor->first_part; p != STRUCTURED_NONE; p = self->parts[p].next) {
    const structured_part *part = &self->parts[p];
    if (part->ranked)
      memcpy (part->sums, sums + part->offset, self->sets[part->set].count * sizeof *sums);
  }
  return ADZE_OK;
}
