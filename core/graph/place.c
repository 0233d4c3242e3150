/* SPDX-License-Identifier: Apache-2.0 */
/* graph/place.c: where values lie: one block, in which those share room that are never needed at the
 * same time. The largest are placed first, each as low as it can be. */
#include <string.h>

#include "graph/executable_private.h"

enum { ALIGN = 64 };

/* Something that needs room from step FIRST to step LAST. */
typedef struct stay {
  uint64_t size, offset;
  uint32_t first, last;
  uint32_t slot; /* ADZE_NONE: scratch of step FIRST */
} stay;

typedef struct stays {
  stay *items;
  size_t count;
} stays;

static void
stays_cleanup (stays *list)
{
  free (list->items);
}

static uint64_t
rounded (uint64_t size)
{
  return (size + ALIGN - 1) / ALIGN * ALIGN;
}

/* Which values a step makes, and until when others take them. */
static adze_error *
list_stays (adze_executable *x, stays *list)
{
  size_t values = x->graph->value_count, room = values + x->step_count + 1;
  ADZE_AUTO_FREE uint32_t *last = calloc (values + 1, sizeof *last);
  list->items = calloc (room, sizeof *list->items);
  if (!list->items || !last)
    return adze_error_memory ();
  for (uint32_t s = 0; s < x->step_count; s++)
    for (size_t i = 0; i < x->steps[s].input_count; i++)
      if (x->steps[s].inputs[i] != ADZE_NONE)
        last[x->steps[s].inputs[i]] = s;
  for (size_t i = 0; i < x->graph->outputs.count; i++)
    last[x->graph->outputs.items[i]] = (uint32_t)x->step_count;
  for (uint32_t s = 0; s < x->step_count; s++) {
    const adze_graph_step *step = &x->steps[s];
    for (size_t i = 0; i < step->output_count; i++) {
      uint32_t slot = step->outputs[i];
      if (slot == ADZE_NONE)
        continue;
      if (!step->settled || !x->slots[slot].settled) {
        x->facts.unsettled++;
        continue;
      }
      list->items[list->count++] = (stay){ .size = rounded (x->slots[slot].size),
                                           .first = s,
                                           .last = last[slot] > s ? last[slot] : s,
                                           .slot = slot };
    }
    if (step->scratch_size)
      list->items[list->count++] = (stay){ .size = rounded (step->scratch_size), .first = s,
                                           .last = s, .slot = ADZE_NONE };
  }
  return NULL;
}

static int
larger_first (const void *a, const void *b)
{
  const stay *one = a, *other = b;
  if (one->size != other->size)
    return one->size < other->size ? 1 : -1;
  if (one->first != other->first)
    return one->first < other->first ? -1 : 1;
  return one->slot < other->slot ? -1 : one->slot > other->slot;
}

/* The lowest offset that is free for as long as THIS stays; the PLACED in front of it have theirs. */
static uint64_t
lowest (const stays *list, size_t placed)
{
  const stay *this = &list->items[placed];
  uint64_t offset = 0;
  for (bool moved = true; moved;) {
    moved = false;
    for (size_t i = 0; i < placed; i++) {
      const stay *other = &list->items[i];
      if (other->last < this->first || other->first > this->last
          || other->offset + other->size <= offset || offset + this->size <= other->offset)
        continue;
      offset = other->offset + other->size;
      moved = true;
    }
  }
  return offset;
}

static void
count_constants (adze_executable *x)
{
  for (size_t i = 0; i < x->graph->value_count; i++)
    if (x->graph->values[i]->role == ADZE_ROLE_CONSTANT
        || x->graph->values[i]->role == ADZE_ROLE_WEIGHT)
      x->facts.constants += x->slots[i].size;
}

adze_error *
adze_executable_place (adze_executable *x)
{
  ADZE_AUTO (stays) list = { 0 };
  ADZE_TRY (list_stays (x, &list));
  qsort (list.items, list.count, sizeof *list.items, larger_first);
  uint64_t size = 0;
  for (size_t i = 0; i < list.count; i++) {
    stay *this = &list.items[i];
    this->offset = lowest (&list, i);
    if (this->size > SIZE_MAX / 2 - this->offset)
      return adze_error_new (ADZE_E_LIMIT, "the graph needs more memory than there can be");
    size = this->offset + this->size > size ? this->offset + this->size : size;
  }
  x->block = x->block_memory = aligned_alloc (ALIGN, (size_t)(size ? size : ALIGN));
  if (!x->block)
    return adze_error_memory ();
  for (size_t i = 0; i < list.count; i++) {
    const stay *this = &list.items[i];
    if (this->slot == ADZE_NONE) {
      x->steps[this->first].scratch = this->offset;
      continue;
    }
    x->slots[this->slot].offset = this->offset;
    x->slots[this->slot].view.data = x->block + this->offset;
  }
  x->facts.values = size;
  count_constants (x);
  return NULL;
}
