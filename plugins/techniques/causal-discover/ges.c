/* SPDX-License-Identifier: Apache-2.0 */
/* ges.c: greedy search among classes of equivalent graphs (Chickering): the insertion that gains the most, until none
 * gains; then the deletion that gains the most, until none does. Which of several equal ones is taken is settled by
 * names. What is required stands from the beginning; what is forbidden is never inserted. */
#include <stdlib.h>
#include <string.h>

#include "discover.h"

/* Parents of a node at most; remembered scores of a node at most; what a gain must be more than. */
enum { PARENTS = 64, REMEMBERED = 1 << 16 };
static const double least_gain = 1e-9;

/* ---- Scores that were computed. A set of parents is known by 128 bits. */

typedef struct memory_entry {
  uint64_t one, other;
  double score;
} memory_entry;

typedef struct memory {
  memory_entry *entries; /* a place with both 0 is free */
  size_t count, room;
} memory;

/* X --> Y with T, or without H: the SET. */
typedef struct operator {
  uint32_t x, y, set[PARENTS], count;
  double gain;
} operator;

typedef struct search {
  discover_run *r;
  discover_scorer scorer;
  pdag *graph;
  uint8_t *was;    /* as many as LEADS */
  pdag before;
  memory *memories; /* of each node */
  operator *best;   /* of each target */
  operator *banned; /* of this state: those that no graph of arrows comes of */
  size_t banned_count, banned_room;
  bool inserts;
} search;

/* One target at work. */
typedef struct work {
  const search *s;
  uint32_t y;
  uint32_t parents[PARENTS + 2], parent_count;
  uint32_t common[PARENTS], common_count; /* lines of y that are adjacent to x */
  uint32_t choices[PARENTS], choice_count;
  operator now;
  uint8_t *blocked;
  uint32_t *queue;
  void *scratch;
  adze_status status;
} work;

static uint64_t
mix (uint64_t hash, uint64_t word)
{
  hash = (hash ^ word) * UINT64_C (0x9e3779b97f4a7c15);
  return hash ^ hash >> 29;
}

static adze_status
grow (const adze_host *host, memory *m)
{
  const size_t room = m->room == 0 ? 256 : m->room >= REMEMBERED ? m->room : m->room * 2;
  const bool forgets = room == m->room;
  memory_entry *entries = NULL;
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

/* Of the node W->Y; 0 after a failure, which W has. */
static double
score (work *w, uint32_t *parents, uint32_t count)
{
  memory *m = &w->s->memories[w->y];
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
  m->entries[at] = (memory_entry){ one, other, discover_score_of (&w->s->scorer, w->y, parents, count, w->scratch) };
  m->count++;
  return m->entries[at].score;
}

/* ---- Operators. */

static bool
same (const operator *a, const operator *b)
{
  return a->x == b->x && a->y == b->y && a->count == b->count && memcmp (a->set, b->set, a->count * sizeof *a->set) == 0;
}

static bool
is_banned (const search *s, const operator *o)
{
  for (size_t i = 0; i < s->banned_count; i++)
    if (same (&s->banned[i], o))
      return true;
  return false;
}

/* Y's lines that are adjacent to X, and those that are not. */
static bool
look_around (work *w, uint32_t x)
{
  const pdag *g = w->s->graph;
  w->common_count = w->choice_count = 0;
  for (uint32_t i = 0; i < g->count; i++) {
    if (i == x || !pdag_line (g, w->y, i))
      continue;
    if (w->common_count == PARENTS || w->choice_count == PARENTS)
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
is_open (work *w, uint32_t x)
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

/* PARENTS is Y's, and what SET and COMMON add; x is put behind them and taken away again. */
static double
gain_of (work *w, const uint32_t *more, uint32_t more_count)
{
  uint32_t set[2 * PARENTS + 4], count = 0;
  for (uint32_t i = 0; i < w->parent_count; i++)
    if (w->parents[i] != w->now.x)
      set[count++] = w->parents[i];
  if (count + more_count + 1 + (w->s->inserts ? w->common_count : 0) > PARENTS)
    return -1;
  for (uint32_t i = 0; w->s->inserts && i < w->common_count; i++)
    set[count++] = w->common[i];
  for (uint32_t i = 0; i < more_count; i++)
    set[count++] = more[i];
  const double without = score (w, set, count);
  set[count++] = w->now.x;
  const double with = score (w, set, count);
  return w->s->inserts ? with - without : without - with;
}

static void
consider (work *w, double gain)
{
  operator *best = &w->s->best[w->y];
  w->now.gain = gain;
  if (w->status == ADZE_OK && gain > best->gain && !is_banned (w->s, &w->now)
      && !(w->s->inserts && is_open (w, w->now.x)))
    *best = w->now;
}

/* T grows by what comes behind FROM and is adjacent to all of it. */
static void
insert_with (work *w, uint32_t from)
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
delete_with (work *w, uint32_t from, uint32_t *kept, uint32_t kept_count)
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
look_at_pair (work *w, uint32_t x)
{
  const search *s = w->s;
  const discover_knowledge *k = &s->r->knowledge;
  uint32_t kept[PARENTS];
  w->now = (operator){ .x = x, .y = w->y };
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
look_at_target (work *w, uint32_t y)
{
  const pdag *g = w->s->graph;
  w->y = y;
  w->parent_count = 0;
  w->s->best[y] = (operator){ .y = y, .gain = least_gain };
  for (uint32_t i = 0; i < g->count; i++)
    if (pdag_arrow (g, i, y) && w->parent_count <= PARENTS)
      w->parents[w->parent_count++] = i;
  for (uint32_t x = 0; w->parent_count <= PARENTS && w->status == ADZE_OK && x < g->count; x++)
    if (x != y)
      look_at_pair (w, x);
}

static adze_status
look_at_some (void *argument, size_t first, size_t last)
{
  const search *s = (const search *)argument;
  const adze_host *host = s->r->host;
  work w = { .s = s };
  w.status = discover_room (host, s->r->count, 1, "a search", &w.blocked);
  if (w.status == ADZE_OK)
    w.status = discover_room (host, s->r->count, sizeof *w.queue, "a search", &w.queue);
  if (w.status == ADZE_OK)
    w.status = discover_room (host, discover_score_scratch (&s->scorer, PARENTS + 1), 1, "a score", &w.scratch);
  for (size_t y = first; w.status == ADZE_OK && y < last; y++)
    look_at_target (&w, (uint32_t)y);
  host->release (host, w.blocked);
  host->release (host, w.queue);
  host->release (host, w.scratch);
  return w.status;
}

/* ---- Applied. */

/* The class of a graph of arrows, with what knowledge says of its lines. */
static void
settle (search *s)
{
  const discover_knowledge *k = &s->r->knowledge;
  pdag *g = s->graph;
  pdag_forget (g, s->was);
  for (uint32_t a = 0; a < g->count; a++)
    for (uint32_t b = 0; b < g->count; b++)
      if (a != b && pdag_line (g, a, b) && !discover_may (k, b, a))
        pdag_set_arrow (g, a, b, PDAG_BY_KNOWLEDGE);
  pdag_follow (g, NULL);
}

static bool
apply (search *s, const operator *o)
{
  pdag *g = s->graph;
  pdag_copy (&s->before, g);
  if (s->inserts)
    pdag_set_arrow (g, o->x, o->y, PDAG_BY_SCORE);
  else
    pdag_unset (g, o->x, o->y);
  for (uint32_t i = 0; i < o->count; i++) {
    if (s->inserts)
      pdag_set_arrow (g, o->set[i], o->y, PDAG_BY_SCORE);
    else
      pdag_set_arrow (g, o->y, o->set[i], PDAG_BY_SCORE);
    if (!s->inserts && pdag_line (g, o->x, o->set[i]))
      pdag_set_arrow (g, o->x, o->set[i], PDAG_BY_SCORE);
  }
  if (pdag_extend (g, s->was)) {
    settle (s);
    return true;
  }
  pdag_copy (g, &s->before);
  return false;
}

static adze_status
ban (search *s, const operator *o)
{
  if (s->banned_count == s->banned_room) {
    const size_t room = s->banned_room * 2 + 8;
    operator *grown = NULL;
    adze_status status = discover_room (s->r->host, room, sizeof *grown, "operators", &grown);
    if (status != ADZE_OK)
      return status;
    if (s->banned_count > 0)
      memcpy (grown, s->banned, s->banned_count * sizeof *grown);
    s->r->host->release (s->r->host, s->banned);
    s->banned = grown;
    s->banned_room = room;
  }
  s->banned[s->banned_count++] = *o;
  return ADZE_OK;
}

static adze_status
step (search *s, bool *more, uint64_t *steps)
{
  adze_status status = adze_parallel_for (s->r->host, s->r->count, 1, look_at_some, s);
  const operator *best = NULL;
  for (uint32_t y = 0; status == ADZE_OK && y < s->r->count; y++)
    if (s->best[y].gain > least_gain && (!best || s->best[y].gain > best->gain))
      best = &s->best[y];
  *more = best != NULL;
  if (status != ADZE_OK || !best)
    return status;
  if (apply (s, best)) {
    s->banned_count = 0;
    ++*steps;
  } else {
    status = ban (s, best);
  }
  return status == ADZE_OK ? discover_go_on (s->r) : status;
}

/* ---- What each edge is worth. */

static adze_status
weigh (search *s, discover_found *found)
{
  work w = { .s = s };
  pdag_copy (&s->before, s->graph);
  if (!pdag_extend (&s->before, s->was))
    return adze_fail (s->r->host, ADZE_E_INTERNAL, "the graph that was found stands for no graph of arrows");
  adze_status status = discover_room (s->r->host, discover_score_scratch (&s->scorer, PARENTS + 1), 1, "a score", &w.scratch);
  for (uint32_t y = 0; status == ADZE_OK && y < s->r->count; y++) {
    uint32_t all[PARENTS + 2], count = 0;
    w.y = y;
    for (uint32_t x = 0; x < s->r->count && count <= PARENTS; x++)
      if (pdag_arrow (&s->before, x, y))
        all[count++] = x;
    const double whole = score (&w, all, count);
    found->score += whole;
    for (uint32_t i = 0; i < count; i++) {
      uint32_t others[PARENTS + 2], other_count = 0;
      for (uint32_t k = 0; k < count; k++)
        if (k != i)
          others[other_count++] = all[k];
      found->strength[discover_pair_at (s->r->count, all[i], y)] = whole - score (&w, others, other_count);
    }
    status = w.status;
  }
  s->r->host->release (s->r->host, w.scratch);
  return status;
}

static adze_status
search_all (search *s, discover_found *found)
{
  const discover_knowledge *k = &s->r->knowledge;
  adze_status status = ADZE_OK;
  for (uint32_t a = 0; a < s->r->count; a++)
    for (uint32_t b = 0; b < s->r->count; b++)
      if (discover_must (k, a, b))
        pdag_set_arrow (s->graph, a, b, PDAG_BY_KNOWLEDGE);
  settle (s);
  for (int phase = 0; status == ADZE_OK && phase < 2; phase++) {
    bool more = true;
    s->inserts = phase == 0;
    s->banned_count = 0;
    while (status == ADZE_OK && more)
      status = step (s, &more, &found->steps);
  }
  return status == ADZE_OK ? weigh (s, found) : status;
}

adze_status
discover_by_score (discover_run *r, const discover_data *data, bool draws, discover_found *found)
{
  const adze_host *host = r->host;
  search s = { .r = r, .graph = &found->graph };
  adze_status status = discover_open_scorer (r, data, &s.scorer);
  if (status == ADZE_OK && data->numbers && !draws)
    status = discover_check_singular (r, s.scorer.correlations);
  if (status == ADZE_OK)
    status = discover_room (host, (size_t)r->count * r->count, 1, "a graph", &s.was);
  if (status == ADZE_OK)
    status = discover_open_pdag (host, r->count, &s.before);
  if (status == ADZE_OK)
    status = discover_room (host, r->count, sizeof *s.memories, "scores", &s.memories);
  if (status == ADZE_OK)
    status = discover_room (host, r->count, sizeof *s.best, "operators", &s.best);
  if (status == ADZE_OK)
    status = search_all (&s, found);
  for (uint32_t i = 0; s.memories && i < r->count; i++)
    host->release (host, s.memories[i].entries);
  host->release (host, s.memories);
  host->release (host, s.best);
  host->release (host, s.banned);
  host->release (host, s.was);
  discover_close_pdag (host, &s.before);
  discover_close_scorer (&s.scorer);
  return status;
}
