/* SPDX-License-Identifier: Apache-2.0 */
/* operators.c: what a greedy search may do next: the insertion or deletion that gains the most, of each target. Scores are
 * remembered, since from step to step most stay what they were. */
#include <stdlib.h>
#include <string.h>

#include "ges.h"

/* Scores of a node at most. */
enum { REMEMBERED = 1 << 16 };

static uint64_t
mix (uint64_t hash, uint64_t word)
{
  hash = (hash ^ word) * UINT64_C (0x9e3779b97f4a7c15);
  return hash ^ hash >> 29;
}

static adze_status
grow (const adze_host *host, ges_memory *m)
{
  const size_t room = m->room == 0 ? 256 : m->room >= REMEMBERED ? m->room : m->room * 2;
  const bool forgets = room == m->room;
  ges_entry *entries = NULL;
  adze_status status = discover_room (host, room, sizeof *entries, "scores", &entries);
  for (size_t i = 0; status == ADZE_OK && !forgets && i < m->room; i++) {
    size_t at = (size_t)m->entries[i].one & (room - 1);
    while (entries[at].one || entries[at].other)
      at = (at + 1) & (room - 1);
    if (m->entries[i].one || m->entries[i].other)
      entries[at] = m->entries[i];
  }
  if (status != ADZE_OK)
    return status;
  host->release (host, m->entries);
  m->entries = entries;
  m->room = room;
  m->count = forgets ? 0 : m->count;
  return ADZE_OK;
}

static int
by_number (const void *left, const void *right)
{
  const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
  return a < b ? -1 : a > b;
}

double
ges_score (ges_work *w, uint32_t *parents, uint32_t count)
{
  ges_memory *m = &w->s->memories[w->y];
  uint64_t one = count + 1, other = ~(uint64_t)count;
  qsort (parents, count, sizeof *parents, by_number);
  for (uint32_t i = 0; i < count; i++) {
    one = mix (one, parents[i] + UINT64_C (0x51ed2701));
    other = mix (other, parents[i] * UINT64_C (0xc2b2ae3d27d4eb4f) + 7);
  }
  if (m->count * 2 >= m->room && w->status == ADZE_OK)
    w->status = grow (w->s->r->host, m);
  if (w->status != ADZE_OK)
    return 0;
  size_t at = (size_t)one & (m->room - 1);
  while (m->entries[at].one || m->entries[at].other) {
    if (m->entries[at].one == one && m->entries[at].other == other)
      return m->entries[at].score;
    at = (at + 1) & (m->room - 1);
  }
  m->entries[at] = (ges_entry){ one, other, discover_score_of (&w->s->scorer, w->y, parents, count, w->scratch) };
  m->count++;
  return m->entries[at].score;
}

/* ---- Operators. */

static bool
same (const ges_operator *a, const ges_operator *b)
{
  return a->x == b->x && a->y == b->y && a->count == b->count && memcmp (a->set, b->set, a->count * sizeof *a->set) == 0;
}

static bool
is_banned (const ges_search *s, const ges_operator *o)
{
  for (size_t i = 0; i < s->banned_count; i++)
    if (same (&s->banned[i], o))
      return true;
  return false;
}

/* Y's lines that are adjacent to X, and those that are not. */
static bool
look_around (ges_work *w, uint32_t x)
{
  const pdag *g = w->s->graph;
  w->common_count = w->choice_count = 0;
  for (uint32_t i = 0; i < g->count; i++) {
    if (i == x || !pdag_line (g, w->y, i))
      continue;
    if (w->common_count == GES_PARENTS || w->choice_count == GES_PARENTS)
      return false;
    if (pdag_adjacent (g, i, x))
      w->common[w->common_count++] = i;
    else
      w->choices[w->choice_count++] = i;
  }
  return true;
}

static bool
is_adjacent_to_all (const pdag *g, uint32_t node, const uint32_t *others, uint32_t count)
{
  for (uint32_t i = 0; i < count; i++)
    if (others[i] != node && !pdag_adjacent (g, node, others[i]))
      return false;
  return true;
}

/* Is there a way from Y to X along arrows and lines past all that is blocked? */
static bool
is_open (ges_work *w, uint32_t x)
{
  const pdag *g = w->s->graph;
  uint32_t first = 0, last = 0;
  memset (w->blocked, 0, g->count);
  for (uint32_t i = 0; i < w->common_count; i++)
    w->blocked[w->common[i]] = 1;
  for (uint32_t i = 0; i < w->now.count; i++)
    w->blocked[w->now.set[i]] = 1;
  w->queue[last++] = w->y;
  w->blocked[w->y] = 1;
  while (first < last) {
    const uint32_t at = w->queue[first++];
    for (uint32_t next = 0; next < g->count; next++) {
      if (w->blocked[next] || !pdag_leads (g, at, next))
        continue;
      if (next == x)
        return true;
      w->blocked[next] = 1;
      w->queue[last++] = next;
    }
  }
  return false;
}

/* GES_PARENTS is Y's, and what SET and COMMON add; x is put behind them and taken away again. */
static double
gain_of (ges_work *w, const uint32_t *more, uint32_t more_count)
{
  uint32_t set[2 * GES_PARENTS + 4], count = 0;
  for (uint32_t i = 0; i < w->parent_count; i++)
    if (w->parents[i] != w->now.x)
      set[count++] = w->parents[i];
  if (count + more_count + 1 + (w->s->inserts ? w->common_count : 0) > GES_PARENTS)
    return -1;
  for (uint32_t i = 0; w->s->inserts && i < w->common_count; i++)
    set[count++] = w->common[i];
  for (uint32_t i = 0; i < more_count; i++)
    set[count++] = more[i];
  const double without = ges_score (w, set, count);
  set[count++] = w->now.x;
  const double with = ges_score (w, set, count);
  return w->s->inserts ? with - without : without - with;
}

static void
consider (ges_work *w, double gain)
{
  ges_operator *best = &w->s->best[w->y];
  w->now.gain = gain;
  if (w->status == ADZE_OK && gain > best->gain && !is_banned (w->s, &w->now)
      && !(w->s->inserts && is_open (w, w->now.x)))
    *best = w->now;
}

/* T grows by what comes behind FROM and is adjacent to all of it. */
static void
insert_with (ges_work *w, uint32_t from)
{
  const pdag *g = w->s->graph;
  consider (w, gain_of (w, w->now.set, w->now.count));
  for (uint32_t i = from; w->status == ADZE_OK && i < w->choice_count; i++) {
    const uint32_t t = w->choices[i];
    if (!is_adjacent_to_all (g, t, w->common, w->common_count) || !is_adjacent_to_all (g, t, w->now.set, w->now.count))
      continue;
    w->now.set[w->now.count++] = t;
    insert_with (w, i + 1);
    w->now.count--;
  }
}

/* KEPT grows; H is what is common and not kept. */
static void
delete_with (ges_work *w, uint32_t from, uint32_t *kept, uint32_t kept_count)
{
  w->now.count = 0;
  for (uint32_t i = 0, k = 0; i < w->common_count; i++) {
    if (k < kept_count && kept[k] == w->common[i])
      k++;
    else
      w->now.set[w->now.count++] = w->common[i];
  }
  consider (w, gain_of (w, kept, kept_count));
  for (uint32_t i = from; w->status == ADZE_OK && i < w->common_count; i++)
    if (is_adjacent_to_all (w->s->graph, w->common[i], kept, kept_count)) {
      kept[kept_count] = w->common[i];
      delete_with (w, i + 1, kept, kept_count + 1);
    }
}

static void
look_at_pair (ges_work *w, uint32_t x)
{
  const ges_search *s = w->s;
  const discover_knowledge *k = &s->r->knowledge;
  uint32_t kept[GES_PARENTS];
  w->now = (ges_operator){ .x = x, .y = w->y };
  if (s->inserts) {
    if (pdag_adjacent (s->graph, x, w->y) || !discover_may (k, x, w->y) || !look_around (w, x))
      return;
    for (uint32_t i = 0; i < w->common_count; i++)
      if (!is_adjacent_to_all (s->graph, w->common[i], w->common, w->common_count))
        return;
    insert_with (w, 0);
  } else if (pdag_leads (s->graph, x, w->y) && !discover_must (k, x, w->y) && !discover_must (k, w->y, x)
             && look_around (w, x)) {
    delete_with (w, 0, kept, 0);
  }
}

static void
look_at_target (ges_work *w, uint32_t y)
{
  const pdag *g = w->s->graph;
  w->y = y;
  w->parent_count = 0;
  w->s->best[y] = (ges_operator){ .y = y, .gain = GES_LEAST_GAIN };
  for (uint32_t i = 0; i < g->count; i++)
    if (pdag_arrow (g, i, y) && w->parent_count <= GES_PARENTS)
      w->parents[w->parent_count++] = i;
  for (uint32_t x = 0; w->parent_count <= GES_PARENTS && w->status == ADZE_OK && x < g->count; x++)
    if (x != y)
      look_at_pair (w, x);
}

adze_status
ges_look_at_some (void *argument, size_t first, size_t last)
{
  const ges_search *s = (const ges_search *)argument;
  const adze_host *host = s->r->host;
  ges_work w = { .s = s };
  w.status = discover_room (host, s->r->count, 1, "a search", &w.blocked);
  if (w.status == ADZE_OK)
    w.status = discover_room (host, s->r->count, sizeof *w.queue, "a search", &w.queue);
  if (w.status == ADZE_OK)
    w.status = discover_room (host, discover_score_scratch (&s->scorer, GES_PARENTS + 1), 1, "a score", &w.scratch);
  for (size_t y = first; w.status == ADZE_OK && y < last; y++)
    look_at_target (&w, (uint32_t)y);
  host->release (host, w.blocked);
  host->release (host, w.queue);
  host->release (host, w.scratch);
  return w.status;
}
