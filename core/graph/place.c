/* SPDX-License-Identifier: Apache-2.0 */
/* graph/place.c: where values lie: one block, in which those share room that are never needed at the
 * same time, and another one like it on the device of a backend that has memory of its own. The
 * largest are placed first, each as low as it can be. */
#include <string.h>

#include "artifact/meta.h"
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

/* A size that no number can tell stays the largest that there is. */
static uint64_t
rounded (uint64_t size)
{
  return size > UINT64_MAX - ALIGN ? size : (size + ALIGN - 1) / ALIGN * ALIGN;
}

/* ---- Outputs that can be made elsewhere: what a step makes at a size that is known, and is one output
 * and no other. */

static bool
is_made_by (const adze_graph_step *step, uint32_t slot)
{
  for (size_t i = 0; step->settled && i < step->output_count; i++)
    if (step->outputs[i] == slot)
      return true;
  return false;
}

static void
find_moving (adze_executable *x)
{
  for (size_t i = 0; i < x->graph->outputs.count; i++) {
    uint32_t number = x->graph->outputs.items[i];
    size_t times = 0, makers = 0;
    for (size_t k = 0; k < x->graph->outputs.count; k++)
      times += x->graph->outputs.items[k] == number;
    for (size_t s = 0; s < x->step_count; s++)
      makers += is_made_by (&x->steps[s], number);
    x->slots[number].moves = times == 1 && makers == 1;
  }
}

/* ---- Who stays how long. */

/* The last step that needs each value, FAR: on the device. In the processor's memory it is also needed
 * by whoever sends it there. */
static void
find_last (const adze_executable *x, bool far, uint32_t *last)
{
  for (uint32_t s = 0; s < x->step_count; s++) {
    const adze_graph_step *step = &x->steps[s];
    for (size_t i = 0; step->far == far && i < step->input_count; i++)
      if (step->inputs[i] != ADZE_NONE)
        last[step->inputs[i]] = s;
    for (size_t i = 0; !far && i < step->sent_count; i++)
      last[step->sent[i]] = s;
  }
  for (size_t i = 0; !far && i < x->graph->outputs.count; i++)
    last[x->graph->outputs.items[i]] = (uint32_t)x->step_count;
}

static void
add_values (const adze_executable *x, stays *list, uint32_t step, const uint32_t *slots,
            size_t count, const uint32_t *last)
{
  for (size_t i = 0; i < count; i++)
    if (!x->options.outputs_move || !x->slots[slots[i]].moves || x->steps[step].far)
      list->items[list->count++] = (stay){ .size = rounded (x->slots[slots[i]].size),
                                           .first = step,
                                           .last = last[slots[i]] > step ? last[slots[i]] : step,
                                           .slot = slots[i] };
}

/* What a step in the processor's memory makes there. */
static void
add_near (adze_executable *x, stays *list, uint32_t number, const uint32_t *last)
{
  const adze_graph_step *step = &x->steps[number];
  for (size_t i = 0; i < step->output_count; i++) {
    uint32_t slot = step->outputs[i];
    if (slot == ADZE_NONE)
      continue;
    if (step->settled && x->slots[slot].settled)
      add_values (x, list, number, &slot, 1, last);
    else
      x->facts.unsettled++;
  }
  if (step->scratch_size)
    list->items[list->count++] = (stay){ .size = rounded (step->scratch_size), .first = number,
                                         .last = number, .slot = ADZE_NONE };
}

/* Which values come to be at a step, and until when others take them. */
static adze_error *
list_stays (adze_executable *x, bool far, stays *list)
{
  /* A value comes to be once, either way, and is sent once. */
  size_t values = x->graph->value_count, room = values + x->step_count + 1;
  ADZE_AUTO_FREE uint32_t *last = calloc (values + 1, sizeof *last);
  list->items = calloc (room, sizeof *list->items);
  if (!list->items || !last)
    return adze_error_memory ();
  find_last (x, far, last);
  for (uint32_t s = 0; s < x->step_count; s++) {
    const adze_graph_step *step = &x->steps[s];
    if (far && step->far) {
      add_values (x, list, s, step->sent, step->sent_count, last);
      add_values (x, list, s, step->outputs, step->output_count, last);
    } else if (!far && step->far)
      add_values (x, list, s, step->fetched, step->fetched_count, last);
    else if (!far)
      add_near (x, list, s, last);
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

/* ERROR, with the largest of all that stay, which are sorted, and who makes it. */
static adze_error *
name_largest (const adze_executable *x, const stays *list, adze_error *error)
{
  uint32_t slot = list->count > 0 ? list->items[0].slot : ADZE_NONE;
  const adze_graph_value *value = slot != ADZE_NONE ? x->graph->values[slot] : NULL;
  ADZE_AUTO (adze_buffer) words = { 0 };
  if (!error || !value)
    return error;
  adze_shape_text (value->rank, x->slots[slot].shape, &words);
  adze_buffer_format (&words, ", '%s'", value->name);
  if (value->node != ADZE_NONE) {
    adze_buffer_text (&words, " of ");
    adze_graph_node_text (x->graph->nodes[value->node], &words);
  }
  return adze_error_wrap (error, "there is no memory for what the network computes, of which the largest "
                          "is %s", words.data ? words.data : value->name);
}

/* Gives all that stay their offsets; *SIZE is what they take together. */
static adze_error *
place_stays (stays *list, uint64_t *size)
{
  *size = 0;
  qsort (list->items, list->count, sizeof *list->items, larger_first);
  for (size_t i = 0; i < list->count; i++) {
    stay *this = &list->items[i];
    this->offset = lowest (list, i);
    if (this->size > SIZE_MAX / 2 - this->offset)
      return adze_error_new (ADZE_E_LIMIT, "the graph needs more memory than there can be");
    *size = this->offset + this->size > *size ? this->offset + this->size : *size;
  }
  return NULL;
}

static adze_error *
place_far (adze_executable *x)
{
  ADZE_AUTO (stays) list = { 0 };
  uint64_t size;
  ADZE_TRY (list_stays (x, true, &list));
  ADZE_TRY (name_largest (x, &list, place_stays (&list, &size)));
  ADZE_TRY (name_largest (x, &list, adze_device_allocate (x, size)));
  for (size_t i = 0; i < list.count; i++) {
    adze_view *view = &x->slots[list.items[i].slot].far;
    view->data = x->far_block;
    view->byte_offset = list.items[i].offset;
  }
  return NULL;
}

/* ---- The block. */

void
adze_executable_leave_block (adze_executable *x)
{
  adze_graph_block *block = x->shared;
  x->shared = NULL;
  x->block = NULL;
  if (!block || --block->users > 0)
    return;
  free (block->memory);
  free (block);
}

/* That of another, where it is large enough. */
static adze_error *
find_block (adze_executable *x, uint64_t size)
{
  adze_graph_block *block = x->options.beside ? x->options.beside->shared : NULL;
  x->borrows = block && block->size >= size;
  if (!x->borrows) {
    block = calloc (1, sizeof *block);
    if (!block)
      return adze_error_memory ();
    block->size = size ? size : ALIGN;
    block->memory = aligned_alloc (ALIGN, (size_t)block->size);
  }
  block->users++;
  x->shared = block;
  x->block = block->memory;
  return x->block ? NULL : adze_error_memory ();
}

adze_error *
adze_executable_place (adze_executable *x)
{
  ADZE_AUTO (stays) list = { 0 };
  uint64_t size;
  find_moving (x);
  ADZE_TRY (list_stays (x, false, &list));
  ADZE_TRY (name_largest (x, &list, place_stays (&list, &size)));
  ADZE_TRY (name_largest (x, &list, find_block (x, size)));
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
  return place_far (x);
}
