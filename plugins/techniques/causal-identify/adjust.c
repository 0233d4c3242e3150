/* SPDX-License-Identifier: Apache-2.0 */
/* adjust.c: backdoor sets, front-door sets and instruments.
 *
 * A minimal set that separates X from Y is a minimal separator of the moral graph of their ancestors, with as many
 * nodes as may be in it. All of those are found from the one that is closest to X: moving one of its nodes over to
 * the side of X gives the next ones (Shen and Liang; Berry, Bordat and Cogis). */
#include "adjust.h"

#include <stdlib.h>

void
ident_sets_close (const adze_host *host, ident_sets *sets)
{
  if (sets->items)
    host->release (host, sets->items);
  memset (sets, 0, sizeof *sets);
}

/* Sets that are tried for an instrument. */
enum { TRIED = 16 };

static adze_status
goes_on (const ident_watch *watch, uint64_t done, uint64_t total)
{
  return watch->run && !watch->run->progress (watch->host, watch->context, done, total) ? ADZE_E_CANCELLED : ADZE_OK;
}

/* One of each, and IDENT_LISTED at most. */
static adze_status
keep (const adze_host *host, ident_sets *sets, ident_set set)
{
  for (size_t i = 0; i < sets->count; i++)
    if (ident_same (sets->items[i], set))
      return ADZE_OK;
  if (!sets->items)
    sets->items = (ident_set *)host->allocate (host, IDENT_LISTED * sizeof *sets->items);
  if (!sets->items)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %d sets", (int)IDENT_LISTED);
  if (sets->count == IDENT_LISTED)
    sets->more = true;
  else
    sets->items[sets->count++] = set;
  return ADZE_OK;
}

static int
by_size (const void *left, const void *right)
{
  const ident_set *l = (const ident_set *)left, *r = (const ident_set *)right;
  const uint32_t a = ident_count (*l), b = ident_count (*r);
  if (a != b)
    return a < b ? -1 : 1;
  const ident_set only = ident_less (*l, *r), other = ident_less (*r, *l);
  const uint32_t first = ident_next (&only, 0), second = ident_next (&other, 0);
  return first == second ? 0 : first < second ? -1 : 1;
}

static void
sort (ident_sets *sets)
{
  if (sets->count > 1)
    qsort (sets->items, sets->count, sizeof *sets->items, by_size);
}

/* ---- Separators. */

typedef struct moral {
  ident_set next[IDENT_NODES];
  ident_set nodes, x, y;
} moral;

/* Who is next to the nodes of SET, and not in it. */
static ident_set
around (const moral *m, ident_set set)
{
  ident_set next = ident_none ();
  for IDENT_EACH (v, set)
    next = ident_or (next, m->next[v]);
  return ident_less (next, set);
}

/* All that can be reached from FROM without WALL. */
static ident_set
reach (const moral *m, ident_set from, ident_set wall)
{
  for (;;) {
    const ident_set next = ident_less (around (m, from), wall);
    if (ident_empty (next))
      return from;
    from = ident_or (from, next);
  }
}

/* A node that may not be in a separator is no way out: its neighbours are neighbours. */
static void
pass_over (moral *m, uint32_t node)
{
  const ident_set next = m->next[node];
  for IDENT_EACH (v, next) {
    m->next[v] = ident_or (m->next[v], next);
    ident_drop (&m->next[v], v);
    ident_drop (&m->next[v], node);
  }
  ident_drop (&m->nodes, node);
}

static void
build (const ident_view *view, ident_set x, ident_set y, ident_set allowed, moral *m)
{
  m->nodes = ident_ancestors (view, ident_or (x, y));
  m->x = x;
  m->y = y;
  for IDENT_EACH (v, m->nodes)
    m->next[v] = ident_moral (view, m->nodes, v);
  const ident_set closed = ident_less (ident_less (m->nodes, ident_or (x, y)), allowed);
  for IDENT_EACH (v, closed)
    pass_over (m, v);
}

/* The separator that lies around SIDE, which has X. False: none does. */
static bool
around_side (const moral *m, ident_set side, ident_set *separator)
{
  const ident_set wall = around (m, side);
  if (ident_meet (wall, m->y))
    return false;
  *separator = around (m, reach (m, m->y, wall));
  return true;
}

/* Each that is found leads to others; enough are MOST. */
static adze_status
find_separators (const ident_watch *watch, const moral *m, size_t most, ident_sets *found)
{
  ident_set separator = ident_none ();
  if (!around_side (m, m->x, &separator))
    return ADZE_OK;
  adze_status status = keep (watch->host, found, separator);
  for (size_t i = 0; status == ADZE_OK && i < found->count && found->count <= most; i++) {
    const ident_set from = found->items[i], side = reach (m, m->x, from);
    for IDENT_EACH (v, from)
      if (status == ADZE_OK && around_side (m, ident_or (side, ident_one (v)), &separator))
        status = keep (watch->host, found, separator);
    if (status == ADZE_OK)
      status = goes_on (watch, i, IDENT_LISTED);
  }
  return status;
}

static adze_status
separators (const ident_watch *watch, const ident_view *view, ident_set x, ident_set y, ident_set allowed,
            size_t most, ident_sets *found)
{
  moral *m = (moral *)watch->host->allocate (watch->host, sizeof *m);
  if (!m)
    return adze_fail (watch->host, ADZE_E_MEMORY, "no room for a graph of %u nodes", (unsigned)view->graph->count);
  build (view, x, y, allowed, m);
  adze_status status = find_separators (watch, m, most, found);
  watch->host->release (watch->host, m);
  return status;
}

/* ---- Backdoor. */

adze_status
ident_backdoors (const ident_watch *watch, const ident_graph *graph, ident_set x, ident_set y, ident_sets *found)
{
  ident_view view = ident_whole (graph);
  const ident_set allowed = ident_less (ident_less (view.nodes, ident_descendants (&view, x)), y);
  view.no_out = x;
  adze_status status = separators (watch, &view, x, y, allowed, IDENT_LISTED, found);
  sort (found);
  return status;
}

/* ---- Front door. */

typedef struct doors {
  const ident_watch *watch;
  const ident_graph *graph;
  ident_set x, y;
  uint32_t candidates[IDENT_NODES];
  uint32_t count;
  uint32_t looked_at;
  ident_sets *found;
} doors;

static bool
is_front_door (const doors *d, ident_set m)
{
  ident_view without = ident_whole (d->graph), cut = without;
  without.nodes = ident_less (without.nodes, m);
  cut.no_out = m;
  return !ident_meet (ident_ancestors (&without, d->y), d->x) && ident_separated (&cut, m, d->y, d->x);
}

static bool
has_smaller (const ident_sets *found, ident_set set)
{
  for (size_t i = 0; i < found->count; i++)
    if (ident_within (found->items[i], set))
      return true;
  return false;
}

/* All sets of SIZE more nodes from candidate FROM on, beside those of SET. */
static adze_status
try_doors (doors *d, ident_set set, uint32_t from, uint32_t size)
{
  adze_status status = ADZE_OK;
  if (size > 0) {
    for (uint32_t i = from; status == ADZE_OK && i + size <= d->count && d->looked_at < IDENT_LOOKED_AT; i++)
      status = try_doors (d, ident_or (set, ident_one (d->candidates[i])), i + 1, size - 1);
    return status;
  }
  d->looked_at++;
  if (d->looked_at % 64 == 0)
    status = goes_on (d->watch, d->looked_at, IDENT_LOOKED_AT);
  if (status != ADZE_OK || has_smaller (d->found, set) || !is_front_door (d, set))
    return status;
  return keep (d->watch->host, d->found, set);
}

adze_status
ident_front_doors (const ident_watch *watch, const ident_graph *graph, ident_set x, ident_set y, ident_sets *found)
{
  doors d = { .watch = watch, .graph = graph, .x = x, .y = y, .found = found };
  const ident_view whole = ident_whole (graph);
  ident_view cut = whole;
  cut.no_out = x;
  const ident_set above = ident_less (ident_ancestors (&whole, y), ident_or (x, y));
  if (!ident_meet (ident_ancestors (&whole, y), x))
    return ADZE_OK;
  for IDENT_EACH (v, above)
    if (ident_separated (&cut, x, ident_one (v), ident_none ()))
      d.candidates[d.count++] = v;
  adze_status status = ADZE_OK;
  for (uint32_t size = 1; status == ADZE_OK && size <= d.count && d.looked_at < IDENT_LOOKED_AT; size++)
    status = try_doors (&d, ident_none (), 0, size);
  found->more |= d.looked_at >= IDENT_LOOKED_AT;
  sort (found);
  return status;
}

/* ---- Instruments. */

static adze_status
try_instrument (const ident_watch *watch, const ident_view *cut, ident_set x, ident_set y, uint32_t node,
                ident_set allowed, ident_instruments *found)
{
  const ident_view whole = ident_whole (cut->graph);
  ident_sets sets = { .count = 0 };
  ident_drop (&allowed, node);
  adze_status status = separators (watch, cut, y, ident_one (node), allowed, TRIED, &sets);
  for (size_t i = 0; status == ADZE_OK && i < sets.count; i++)
    if (!ident_meet (sets.items[i], x) && !ident_separated (&whole, ident_one (node), x, sets.items[i])) {
      found->items[found->count++] = (ident_instrument){ node, sets.items[i] };
      break;
    }
  ident_sets_close (watch->host, &sets);
  return status;
}

adze_status
ident_find_instruments (const ident_watch *watch, const ident_graph *graph, ident_set x, ident_set y,
                        ident_instruments *found)
{
  const ident_view whole = ident_whole (graph);
  ident_view cut = whole;
  cut.no_out = x;
  const ident_set allowed = ident_less (ident_less (whole.nodes, ident_descendants (&whole, x)), y);
  adze_status status = ADZE_OK;
  found->count = 0;
  if (!ident_meet (ident_ancestors (&whole, y), x))
    return ADZE_OK;
  for IDENT_EACH (v, allowed)
    if (status == ADZE_OK)
      status = try_instrument (watch, &cut, x, y, v, allowed, found);
  return status == ADZE_OK ? goes_on (watch, 1, 1) : status;
}
