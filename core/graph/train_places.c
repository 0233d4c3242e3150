/* SPDX-License-Identifier: Apache-2.0 */
/* graph/train_places.c: where all lies that is carried: in two areas, of which a step reads the one and
 * writes the other, or writes over what it reads where its backend allows that. So the other one is free
 * between two steps, for a checkpoint. */
#include <string.h>

#include "graph/train_private.h"

/* EDGE: what a checkpoint has in front of the numbers and behind them is less. */
enum { ALIGN = 64, EDGE = 256 };

static size_t
room_of (const adze_carried *c)
{
  return (c->size / ALIGN + 1) * ALIGN;
}

static void
move (adze_trainer *t, char *now, char *other)
{
  for (size_t i = 0; i < t->carried_count; i++) {
    adze_carried *c = &t->carried[i];
    memcpy (now, c->now, c->size);
    free (c->now);
    c->now = c->view.data = now;
    c->other = other;
    now += room_of (c);
    other += room_of (c);
  }
}

adze_error *
adze_train_place (adze_trainer *t)
{
  size_t size = EDGE;
  for (size_t i = 0; i < t->carried_count; i++)
    size += room_of (&t->carried[i]);
  void *now = aligned_alloc (ALIGN, size), *other = aligned_alloc (ALIGN, size);
  if (!now || !other) {
    free (now);
    free (other);
    return adze_error_memory ();
  }
  move (t, now, other);
  t->areas[0] = now;
  t->areas[1] = other;
  t->area_size = size;
  for (size_t i = 0; i < t->carried_count; i++)
    ADZE_TRY (adze_graph_set_data (t->graph, t->carried[i].value, t->carried[i].now,
                                   t->carried[i].size, false));
  return NULL;
}

/* One piece, and no room of each: once it is free, whatever is of the size of a weight fits there. */
adze_error *
adze_train_hold_kept (adze_trainer *t)
{
  if (t->kept_area)
    return NULL;
  char *at = t->kept_area = aligned_alloc (ALIGN, t->area_size);
  if (!at)
    return adze_error_memory ();
  for (size_t i = 0; i < t->carried_count; i++) {
    t->carried[i].kept = at;
    at += room_of (&t->carried[i]);
  }
  return NULL;
}

void
adze_train_drop_kept (adze_trainer *t)
{
  free (t->kept_area);
  t->kept_area = NULL;
  for (size_t i = 0; i < t->carried_count; i++)
    t->carried[i].kept = NULL;
  t->has_kept = false;
}

void
adze_train_leave_places (adze_trainer *t)
{
  for (size_t i = 0; !t->areas[0] && i < t->carried_count; i++)
    free (t->carried[i].now);
  free (t->areas[0]);
  free (t->areas[1]);
}

adze_buffer
adze_train_spare (const adze_trainer *t)
{
  bool first = t->carried_count > 0 && t->carried[0].now != t->areas[0];
  return (adze_buffer){ .data = t->areas[first ? 0 : 1], .capacity = t->area_size };
}
