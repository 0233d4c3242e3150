/* SPDX-License-Identifier: Apache-2.0 */
/* skeleton.c: PC-stable. Two are adjacent unless some of the neighbours of one of them separate them. Neighbours are
 * those at the beginning of a depth (Colombo and Maathuis), so that neither order nor threads are seen in the result;
 * and of a depth at which two are separated all sets are looked at, so that it can be said what most of them have in
 * common. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "discover.h"

/* Edges between two words with whoever may stop it; and on one thread at a time. */
enum { AT_ONCE = 512, GRAIN = 4 };

typedef struct edge {
  uint32_t x, y;
} edge;

typedef struct search {
  discover_run *r;
  const discover_tester *tester;
  discover_found *found;
  uint32_t depth;
  edge *edges; /* that are tested at this depth */
  size_t edge_count;
  size_t base;       /* the first one of those that are looked at now */
  uint32_t *near;    /* neighbours at the beginning of it, and where those of each node begin */
  size_t *first;
  uint64_t *tests;   /* of each edge */
} search;

/* One edge at work. */
typedef struct work {
  const search *s;
  discover_ask ask;
  uint32_t *candidates, *picked, *given, *best;
  uint32_t *times; /* of each node */
  void *scratch;
  discover_pair pair;
  uint64_t tests;
} work;

/* ---- Candidates: neighbours that may be a cause, since causes are what separates. */

static uint32_t
find_candidates (const search *s, uint32_t node, uint32_t other, uint32_t *candidates)
{
  uint32_t count = 0;
  for (size_t i = s->first[node]; i < s->first[node + 1]; i++)
    if (s->near[i] != other && discover_may (&s->r->knowledge, s->near[i], node))
      candidates[count++] = s->near[i];
  return count;
}

static bool
is_candidate (const search *s, uint32_t node, uint32_t other, uint32_t candidate)
{
  if (candidate == other || !discover_may (&s->r->knowledge, candidate, node))
    return false;
  size_t low = s->first[node], high = s->first[node + 1];
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (s->near[middle] < candidate)
      low = middle + 1;
    else
      high = middle;
  }
  return low < s->first[node + 1] && s->near[low] == candidate;
}

/* ---- Tests. */

static adze_status
test (work *w)
{
  const search *s = w->s;
  double p = 0;
  adze_status status = s->tester->ask (s->tester, &w->ask, w->scratch, &p);
  w->tests++;
  if (status != ADZE_OK)
    return status;
  if (isnan (w->pair.p) || p > w->pair.p) {
    w->pair.p = p;
    memcpy (w->best, w->given, w->ask.given_count * sizeof *w->best);
  }
  if (p > s->r->settings.alpha) {
    w->pair.sets++;
    for (uint32_t i = 0; i < w->ask.given_count; i++)
      w->times[w->given[i]]++;
  }
  return ADZE_OK;
}

/* The next choice of COUNT out of ALL, in order; false: there is none. */
static bool
next_choice (uint32_t *picked, uint32_t count, uint32_t all)
{
  uint32_t at = count;
  while (at > 0 && picked[at - 1] == all - count + at - 1)
    at--;
  if (at == 0)
    return false;
  picked[at - 1]++;
  for (; at < count; at++)
    picked[at] = picked[at - 1] + 1;
  return true;
}

/* Sets of neighbours of NODE; such as are also of OTHER's are looked at there, when KNOWN. */
static adze_status
test_sets (work *w, uint32_t node, uint32_t other, bool known)
{
  const search *s = w->s;
  const uint32_t depth = s->depth, all = find_candidates (s, node, other, w->candidates);
  adze_status status = ADZE_OK;
  bool more = all >= depth;
  for (uint32_t i = 0; i < depth; i++)
    w->picked[i] = i;
  while (status == ADZE_OK && more) {
    bool is_known = known;
    for (uint32_t i = 0; i < depth; i++) {
      w->given[i] = w->candidates[w->picked[i]];
      is_known = is_known && is_candidate (s, other, node, w->given[i]);
    }
    if (!is_known)
      status = test (w);
    more = next_choice (w->picked, depth, all);
  }
  return status;
}

/* ---- What is kept of a pair that is separated. */

static adze_status
keep (work *w, discover_pair *pair)
{
  const uint32_t count = w->s->r->count, depth = w->s->depth;
  uint32_t in = 0;
  for (uint32_t i = 0; i < count; i++)
    in += w->times[i] > 0;
  *pair = w->pair;
  pair->size = depth;
  pair->in = in;
  if (depth == 0)
    return ADZE_OK;
  const size_t nodes = ((size_t)depth + 1) / 2 * 2;
  adze_status status = discover_room (w->s->r->host, nodes * sizeof *pair->nodes + in * sizeof *pair->times, 1,
                                      "what separates two columns", &pair->nodes);
  if (status != ADZE_OK)
    return status;
  memcpy (pair->nodes, w->best, depth * sizeof *pair->nodes);
  pair->times = (discover_times *)(void *)(pair->nodes + nodes);
  for (uint32_t i = 0, at = 0; i < count; i++)
    if (w->times[i] > 0)
      pair->times[at++] = (discover_times){ i, w->times[i] };
  return ADZE_OK;
}

static adze_status
look_at_edge (work *w, const edge *e, uint64_t *tests)
{
  const search *s = w->s;
  discover_pair *pair = &s->found->pairs[discover_pair_at (s->r->count, e->x, e->y)];
  w->ask = (discover_ask){ e->x, e->y, w->given, s->depth };
  w->pair = (discover_pair){ .p = NAN };
  w->tests = 0;
  memset (w->times, 0, s->r->count * sizeof *w->times);
  adze_status status = test_sets (w, e->x, e->y, false);
  if (status == ADZE_OK && s->depth > 0)
    status = test_sets (w, e->y, e->x, true);
  *tests = w->tests;
  if (status != ADZE_OK)
    return status;
  if (w->pair.sets > 0)
    return keep (w, pair);
  if (isnan (pair->p) || w->pair.p > pair->p)
    pair->p = w->pair.p;
  return ADZE_OK;
}

static adze_status
look_at_some (void *argument, size_t first, size_t last)
{
  const search *s = (const search *)argument;
  const adze_host *host = s->r->host;
  const size_t count = s->r->count;
  work w = { .s = s };
  uint32_t *room = NULL;
  adze_status status = discover_room (host, count * 5 + 8, sizeof *room, "a test", &room);
  if (status == ADZE_OK)
    status = discover_room (host, s->tester->scratch (s->tester, s->depth), 1, "a test", &w.scratch);
  w.candidates = room;
  w.picked = room + count;
  w.given = room + 2 * count;
  w.best = room + 3 * count;
  w.times = room + 4 * count;
  for (size_t i = first; status == ADZE_OK && i < last; i++)
    status = look_at_edge (&w, &s->edges[s->base + i], &s->tests[s->base + i]);
  host->release (host, room);
  host->release (host, w.scratch);
  return status;
}

/* ---- A depth. */

static void
note_neighbours (search *s)
{
  const pdag *g = &s->found->graph;
  size_t at = 0;
  for (uint32_t x = 0; x < g->count; x++) {
    s->first[x] = at;
    for (uint32_t y = 0; y < g->count; y++)
      if (pdag_adjacent (g, x, y))
        s->near[at++] = y;
  }
  s->first[g->count] = at;
}

static bool
have_a_neighbour_in_common (const search *s, uint32_t x, uint32_t y)
{
  size_t i = s->first[x], k = s->first[y];
  while (i < s->first[x + 1] && k < s->first[y + 1]) {
    if (s->near[i] == s->near[k])
      return true;
    s->near[i] < s->near[k] ? i++ : k++;
  }
  return false;
}

/* Knowledge says that these are not adjacent; the table may still say what separates them, by which whoever is between
 * them is told to be an effect of both, or not. */
static void
note_apart (search *s)
{
  const discover_knowledge *k = &s->r->knowledge;
  for (uint32_t x = 0; x < s->r->count; x++)
    for (uint32_t y = x + 1; y < s->r->count; y++) {
      const size_t at_x = s->first[x + 1] - s->first[x], at_y = s->first[y + 1] - s->first[y];
      if (!discover_may (k, x, y) && !discover_may (k, y, x) && (at_x >= s->depth || at_y >= s->depth)
          && s->found->pairs[discover_pair_at (s->r->count, x, y)].sets == 0 && have_a_neighbour_in_common (s, x, y))
        s->edges[s->edge_count++] = (edge){ x, y };
    }
}

/* Those with enough neighbours; what must be is not tested. */
static size_t
note_edges (search *s)
{
  const discover_knowledge *k = &s->r->knowledge;
  s->edge_count = 0;
  for (uint32_t x = 0; x < s->r->count; x++)
    for (size_t i = s->first[x]; i < s->first[x + 1]; i++) {
      const uint32_t y = s->near[i];
      const size_t at_x = s->first[x + 1] - s->first[x], at_y = s->first[y + 1] - s->first[y];
      if (x < y && !discover_must (k, x, y) && !discover_must (k, y, x) && (at_x > s->depth || at_y > s->depth))
        s->edges[s->edge_count++] = (edge){ x, y };
    }
  note_apart (s);
  return s->edge_count;
}

static adze_status
go_one_deeper (search *s)
{
  adze_status status = ADZE_OK;
  for (s->base = 0; status == ADZE_OK && s->base < s->edge_count; s->base += AT_ONCE) {
    const size_t left = s->edge_count - s->base;
    status = adze_parallel_for (s->r->host, left < AT_ONCE ? left : AT_ONCE, GRAIN, look_at_some, s);
    if (status == ADZE_OK)
      status = discover_go_on (s->r);
  }
  for (size_t i = 0; status == ADZE_OK && i < s->edge_count; i++) {
    const edge e = s->edges[i];
    s->found->tests += s->tests[i];
    if (s->found->pairs[discover_pair_at (s->r->count, e.x, e.y)].sets > 0)
      pdag_unset (&s->found->graph, e.x, e.y);
  }
  return status;
}

static adze_status
go_deeper (search *s)
{
  const uint32_t wanted = s->r->settings.depth;
  const uint32_t most = wanted < s->tester->most_given ? wanted : s->tester->most_given;
  adze_status status = ADZE_OK;
  for (s->depth = 0; status == ADZE_OK && s->depth <= most; s->depth++) {
    note_neighbours (s);
    if (note_edges (s) == 0)
      break;
    s->found->depth = s->depth;
    status = go_one_deeper (s);
  }
  return status;
}

/* ---- All of it. */

static void
connect_all (search *s)
{
  const discover_knowledge *k = &s->r->knowledge;
  for (uint32_t x = 0; x < s->r->count; x++)
    for (uint32_t y = x + 1; y < s->r->count; y++) {
      s->found->pairs[discover_pair_at (s->r->count, x, y)].p = NAN;
      if (discover_may (k, x, y) || discover_may (k, y, x))
        pdag_set_line (&s->found->graph, x, y);
    }
}

adze_status
discover_skeleton (discover_run *r, const discover_tester *tester, discover_found *found)
{
  search s = { .r = r, .tester = tester, .found = found };
  const size_t count = r->count, pairs = discover_pairs (r->count);
  adze_status status = discover_room (r->host, pairs, sizeof *s.edges, "the edges", &s.edges);
  if (status == ADZE_OK)
    status = discover_room (r->host, pairs, sizeof *s.tests, "the edges", &s.tests);
  if (status == ADZE_OK)
    status = discover_room (r->host, count * count, sizeof *s.near, "neighbours", &s.near);
  if (status == ADZE_OK)
    status = discover_room (r->host, count + 1, sizeof *s.first, "neighbours", &s.first);
  if (status == ADZE_OK) {
    connect_all (&s);
    status = go_deeper (&s);
  }
  for (size_t i = 0; status == ADZE_OK && i < pairs; i++)
    found->strength[i] = found->pairs[i].p;
  r->host->release (r->host, s.edges);
  r->host->release (r->host, s.tests);
  r->host->release (r->host, s.near);
  r->host->release (r->host, s.first);
  return status;
}
