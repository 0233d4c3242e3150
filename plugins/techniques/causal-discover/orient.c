/* SPDX-License-Identifier: Apache-2.0 */
/* orient.c: which lines of a skeleton are arrows. First what knowledge says; then colliders, x --> z <-- y where z is
 * not among what separates x and y; then what follows from these. Tests may contradict each other: what is surer is
 * believed first, and what would contradict it is left. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "discover.h"

/* ---- Knowledge. */

typedef struct known_line {
  uint32_t from, to;
  double p;
  bool must;
} known_line;

static int
by_certainty (const void *left, const void *right)
{
  const known_line *a = (const known_line *)left, *b = (const known_line *)right;
  if (a->must != b->must)
    return a->must ? -1 : 1;
  if (!a->must && a->p != b->p)
    return a->p < b->p ? -1 : 1;
  if (a->from != b->from)
    return a->from < b->from ? -1 : 1;
  return a->to < b->to ? -1 : a->to > b->to;
}

static size_t
find_known (const discover_run *r, const discover_found *found, known_line *lines)
{
  const discover_knowledge *k = &r->knowledge;
  size_t count = 0;
  for (uint32_t from = 0; from < r->count; from++)
    for (uint32_t to = 0; to < r->count; to++)
      if (from != to && pdag_line (&found->graph, from, to) && !discover_may (k, to, from))
        lines[count++] = (known_line){ from, to, found->strength[discover_pair_at (r->count, from, to)],
                                       discover_must (k, from, to) };
  qsort (lines, count, sizeof *lines, by_certainty);
  return count;
}

static void
leave_out (discover_found *found, const known_line *line)
{
  pdag_unset (&found->graph, line->from, line->to);
  found->left_out[found->left_out_count * 2] = line->from;
  found->left_out[found->left_out_count * 2 + 1] = line->to;
  found->left_out_count++;
}

/* A line that may lead one way alone and would close a circle so can be nothing that is allowed. */
static adze_status
orient_known (discover_run *r, discover_found *found)
{
  known_line *lines = NULL;
  adze_status status = discover_room (r->host, discover_pairs (r->count), sizeof *lines, "what is known", &lines);
  const size_t count = status == ADZE_OK ? find_known (r, found, lines) : 0;
  if (status == ADZE_OK)
    status = discover_room (r->host, count * 2, sizeof *found->left_out, "what is known", &found->left_out);
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    if (pdag_reaches (&found->graph, lines[i].to, lines[i].from))
      leave_out (found, &lines[i]);
    else
      pdag_set_arrow (&found->graph, lines[i].from, lines[i].to, PDAG_BY_KNOWLEDGE);
  r->host->release (r->host, lines);
  return status;
}

/* ---- Colliders. */

typedef enum verdict { NO_COLLIDER, A_COLLIDER, UNDECIDED } verdict;

static uint32_t
times_of (const discover_pair *pair, uint32_t node)
{
  for (uint32_t i = 0; i < pair->in; i++)
    if (pair->times[i].node == node)
      return pair->times[i].times;
  return 0;
}

static bool
is_in_best (const discover_pair *pair, uint32_t node)
{
  for (uint32_t i = 0; i < pair->size; i++)
    if (pair->nodes[i] == node)
      return true;
  return false;
}

/* Of two that knowledge alone separates nothing is known. */
static verdict
judge (const discover_settings *s, const discover_pair *pair, uint32_t z)
{
  const uint64_t times = times_of (pair, z);
  if (pair->sets == 0)
    return UNDECIDED;
  if (s->colliders == DISCOVER_BEST)
    return is_in_best (pair, z) ? NO_COLLIDER : A_COLLIDER;
  if (s->colliders == DISCOVER_CONSERVATIVE)
    return times == 0 ? A_COLLIDER : times == pair->sets ? NO_COLLIDER : UNDECIDED;
  return times * 2 < pair->sets ? A_COLLIDER : times * 2 > pair->sets ? NO_COLLIDER : UNDECIDED;
}

/* COLLIDERS and DOUBTS are NULL at first, to count. */
static void
judge_all (const discover_run *r, discover_found *found, discover_conflict *colliders, pdag_triple *doubts)
{
  const pdag *g = &found->graph;
  found->collider_count = found->doubt_count = 0;
  for (uint32_t z = 0; z < r->count; z++)
    for (uint32_t x = 0; x < r->count; x++)
      for (uint32_t y = x + 1; x != z && pdag_adjacent (g, x, z) && y < r->count; y++) {
        if (y == z || !pdag_adjacent (g, y, z) || pdag_adjacent (g, x, y))
          continue;
        const discover_pair *pair = &found->pairs[discover_pair_at (r->count, x, y)];
        const verdict v = judge (&r->settings, pair, z);
        if (v == A_COLLIDER && colliders)
          colliders[found->collider_count] = (discover_conflict){ { x, z, y }, pair->p };
        if (v == UNDECIDED && doubts)
          doubts[found->doubt_count] = (pdag_triple){ x, z, y };
        found->collider_count += v == A_COLLIDER;
        found->doubt_count += v == UNDECIDED;
      }
}

static int
by_sureness (const void *left, const void *right)
{
  const discover_conflict *a = (const discover_conflict *)left, *b = (const discover_conflict *)right;
  if (a->p != b->p)
    return a->p > b->p ? -1 : 1;
  return pdag_compare_triples (&a->triple, &b->triple);
}

/* Where arrows lead, so that to ask for a way costs little: there may be millions of triples. */
typedef struct ways {
  pdag *graph;
  size_t words;      /* of 64 nodes, in each row */
  uint64_t *arrows;  /* a row of bits for each node: where its arrows lead */
  uint64_t *seen;    /* one more */
  uint8_t *closed;   /* of each pair: an arrow would close a circle. It always will, since no arrow is taken away */
} ways;

static void
note_arrow (const ways *w, uint32_t from, uint32_t to)
{
  w->arrows[from * w->words + to / 64] |= UINT64_C (1) << to % 64;
}

static adze_status
ways_open (const discover_run *r, pdag *graph, ways *w)
{
  const size_t count = graph->count;
  *w = (ways){ .graph = graph, .words = count / 64 + 1 };
  adze_status status = discover_room (r->host, (count + 1) * w->words, sizeof *w->arrows, "ways", &w->arrows);
  if (status == ADZE_OK)
    status = discover_room (r->host, count * count, 1, "ways", &w->closed);
  for (uint32_t a = 0; status == ADZE_OK && a < count; a++)
    for (uint32_t b = 0; b < count; b++)
      if (pdag_arrow (graph, a, b))
        note_arrow (w, a, b);
  if (status == ADZE_OK)
    w->seen = w->arrows + count * w->words;
  return status;
}

static void
ways_close (const discover_run *r, ways *w)
{
  r->host->release (r->host, w->arrows);
  r->host->release (r->host, w->closed);
}

static bool
is_way (const ways *w, uint32_t from, uint32_t to)
{
  uint32_t first = 0, last = 0, *queue = w->graph->queue;
  memset (w->seen, 0, w->words * sizeof *w->seen);
  queue[last++] = from;
  while (first < last) {
    const uint64_t *row = w->arrows + queue[first++] * w->words;
    for (size_t i = 0; i < w->words; i++)
      for (uint64_t fresh = row[i] & ~w->seen[i]; fresh; fresh &= fresh - 1) {
        const uint64_t bit = fresh & (~fresh + 1);
        uint32_t next = (uint32_t)i * 64;
        while (!(bit >> (next % 64) & 1))
          next++;
        if (next == to)
          return true;
        w->seen[i] |= bit;
        queue[last++] = next;
      }
  }
  return false;
}

/* What knowledge forbids leads the other way by now. */
static bool
may_lead (const ways *w, uint32_t from, uint32_t to)
{
  return pdag_leads (w->graph, from, to) && !w->closed[(size_t)from * w->graph->count + to];
}

/* What is an arrow already closes no circle. */
static bool
can_lead (const ways *w, uint32_t from, uint32_t to)
{
  uint8_t *closed = &w->closed[(size_t)from * w->graph->count + to];
  if (pdag_line (w->graph, from, to))
    *closed = is_way (w, to, from);
  return !*closed;
}

static void
lead (const ways *w, uint32_t from, uint32_t to)
{
  if (!pdag_line (w->graph, from, to))
    return;
  pdag_set_arrow (w->graph, from, to, PDAG_BY_COLLIDER);
  note_arrow (w, from, to);
}

static bool
apply (const ways *w, const pdag_triple *t)
{
  if (!may_lead (w, t->x, t->z) || !may_lead (w, t->y, t->z) || !can_lead (w, t->x, t->z) || !can_lead (w, t->y, t->z))
    return false;
  lead (w, t->x, t->z);
  lead (w, t->y, t->z);
  return true;
}

/* Those that stand come to the front. */
static adze_status
apply_colliders (discover_run *r, discover_found *found)
{
  const size_t all = found->collider_count;
  size_t stand = 0;
  ways w;
  adze_status status = ways_open (r, &found->graph, &w);
  found->conflict_count = 0;
  for (size_t i = 0; status == ADZE_OK && i < all; i++) {
    const discover_conflict c = found->colliders[i];
    if (apply (&w, &c.triple))
      found->colliders[stand++] = c;
    else
      found->conflicts[found->conflict_count++] = c;
    if (i % 256 == 255)
      status = discover_go_on (r);
  }
  ways_close (r, &w);
  found->collider_count = stand;
  return status;
}

static bool
is_stopped (void *run)
{
  return discover_go_on ((discover_run *)run) != ADZE_OK;
}

adze_status
discover_orient (discover_run *r, discover_found *found)
{
  adze_status status = orient_known (r, found);
  if (status != ADZE_OK)
    return status;
  judge_all (r, found, NULL, NULL);
  status = discover_room (r->host, found->collider_count, sizeof *found->colliders, "colliders", &found->colliders);
  if (status == ADZE_OK)
    status = discover_room (r->host, found->collider_count, sizeof *found->conflicts, "colliders", &found->conflicts);
  if (status == ADZE_OK)
    status = discover_room (r->host, found->doubt_count, sizeof *found->doubts, "doubtful triples", &found->doubts);
  if (status != ADZE_OK)
    return status;
  judge_all (r, found, found->colliders, found->doubts);
  qsort (found->colliders, found->collider_count, sizeof *found->colliders, by_sureness);
  qsort (found->doubts, found->doubt_count, sizeof *found->doubts, pdag_compare_triples);
  status = apply_colliders (r, found);
  if (status != ADZE_OK)
    return status;
  const pdag_doubts doubts = { found->doubts, found->doubt_count };
  found->graph.stops = is_stopped;
  found->graph.argument = r;
  pdag_follow (&found->graph, &doubts);
  return discover_go_on (r);
}
