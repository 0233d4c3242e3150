/* SPDX-License-Identifier: Apache-2.0 */
/* ges.c: greedy search among classes of equivalent graphs (Chickering): the insertion that gains the most, until none
 * gains; then the deletion that gains the most, until none does. Which of several equal ones is taken is settled by
 * names. What is required stands from the beginning; what is forbidden is never inserted. */
#include <string.h>

#include "ges.h"

/* ---- Applied. */

/* The class of a graph of arrows, with what knowledge says of its lines. */
static void
settle (ges_search *s)
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
apply (ges_search *s, const ges_operator *o)
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
ban (ges_search *s, const ges_operator *o)
{
  if (s->banned_count == s->banned_room) {
    const size_t room = s->banned_room * 2 + 8;
    ges_operator *grown = NULL;
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
step (ges_search *s, bool *more, uint64_t *steps)
{
  adze_status status = adze_parallel_for (s->r->host, s->r->count, 1, ges_look_at_some, s);
  const ges_operator *best = NULL;
  for (uint32_t y = 0; status == ADZE_OK && y < s->r->count; y++)
    if (s->best[y].gain > GES_LEAST_GAIN && (!best || s->best[y].gain > best->gain))
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
weigh (ges_search *s, discover_found *found)
{
  ges_work w = { .s = s };
  pdag_copy (&s->before, s->graph);
  if (!pdag_extend (&s->before, s->was))
    return adze_fail (s->r->host, ADZE_E_INTERNAL, "the graph that was found stands for no graph of arrows");
  adze_status status
      = discover_room (s->r->host, discover_score_scratch (&s->scorer, GES_PARENTS + 1), 1, "a score", &w.scratch);
  for (uint32_t y = 0; status == ADZE_OK && y < s->r->count; y++) {
    uint32_t all[GES_PARENTS + 2], count = 0;
    w.y = y;
    for (uint32_t x = 0; x < s->r->count && count <= GES_PARENTS; x++)
      if (pdag_arrow (&s->before, x, y))
        all[count++] = x;
    const double whole = ges_score (&w, all, count);
    found->score += whole;
    for (uint32_t i = 0; i < count; i++) {
      uint32_t others[GES_PARENTS + 2], other_count = 0;
      for (uint32_t k = 0; k < count; k++)
        if (k != i)
          others[other_count++] = all[k];
      found->strength[discover_pair_at (s->r->count, all[i], y)] = whole - ges_score (&w, others, other_count);
    }
    status = w.status;
  }
  s->r->host->release (s->r->host, w.scratch);
  return status;
}

static adze_status
search_all (ges_search *s, discover_found *found)
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
  ges_search s = { .r = r, .graph = &found->graph };
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
