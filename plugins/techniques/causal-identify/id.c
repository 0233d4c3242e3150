/* SPDX-License-Identifier: Apache-2.0 */
/* id.c: the complete algorithm ID of Shpitser and Pearl ("Identification of joint interventional distributions in
 * recursive semi-Markovian causal models", 2006), and IDC ("Identification of conditional interventional
 * distributions", 2006). Numbers of lines are those of ID there. */
#include "id.h"

/* What has been reached: the graph, and the distribution of its nodes. That is the one that was seen, where .given
 * is NULL, or a formula. */
typedef struct place {
  ident_view view;
  const ident_formula *given;
} place;

typedef struct search {
  ident_room *room;
  ident_hedge *hedge;
  bool hedged;
} search;

static const ident_formula *identify (search *s, const place *at, ident_set y, ident_set x);

/* ---- Distributions. */

/* Of KEEP alone. */
static const ident_formula *
margin (search *s, const place *at, ident_set keep)
{
  if (!at->given)
    return ident_p (s->room, keep, ident_none ());
  return ident_sum (s->room, ident_less (at->view.nodes, keep), at->given);
}

/* Of NODE, given all that come before it. What was seen depends on no more than those that hidden causes join to it
 * up to there, and on their parents. */
static const ident_formula *
conditional (search *s, const place *at, uint32_t node)
{
  const ident_graph *graph = at->view.graph;
  ident_set before = ident_none ();
  for (uint32_t i = 0; i < graph->place[node]; i++)
    if (ident_has (&at->view.nodes, graph->order[i]))
      ident_add (&before, graph->order[i]);
  const ident_set with = ident_or (before, ident_one (node));
  if (at->given)
    return ident_ratio (s->room, margin (s, at, with), margin (s, at, before));
  ident_view view = at->view;
  view.nodes = with;
  const ident_set district = ident_district (&view, node);
  ident_set needed = district;
  for IDENT_EACH (v, district)
    needed = ident_or (needed, ident_parents (&view, v));
  return ident_p (s->room, ident_one (node), needed);
}

/* The product of the conditionals of all nodes of PART, causes first. */
static const ident_formula *
product_over (search *s, const place *at, ident_set part)
{
  const ident_graph *graph = at->view.graph;
  const ident_formula *items[IDENT_NODES];
  uint32_t count = 0;
  for (uint32_t i = 0; i < graph->count; i++)
    if (ident_has (&part, graph->order[i]))
      items[count++] = conditional (s, at, graph->order[i]);
  return ident_product (s->room, items, count);
}

/* ---- The lines. */

/* Spans INNER first, so that it is a part of what spans the outer one. */
static void
join (const ident_view *view, ident_set nodes, ident_set *done, ident_hedge *hedge)
{
  if (ident_empty (*done)) {
    const uint32_t first = ident_next (&nodes, 0);
    ident_add (done, first);
    hedge->joined[first] = IDENT_NODES;
  }
  for (bool again = true; again;) {
    again = false;
    for IDENT_EACH (v, nodes) {
      const ident_set siblings = ident_and (ident_siblings (view, v), *done);
      if (ident_has (done, v) || ident_empty (siblings))
        continue;
      hedge->joined[v] = ident_next (&siblings, 0);
      ident_add (done, v);
      again = true;
    }
  }
}

/* Line 5: all nodes hang together by hidden causes, and so do those that are not set. */
static void
write_hedge (search *s, const place *at, ident_set inner)
{
  ident_hedge *hedge = s->hedge;
  ident_set done = ident_none ();
  s->hedged = true;
  hedge->inner = inner;
  hedge->outer = at->view.nodes;
  hedge->roots = inner;
  for (uint32_t i = 0; i < IDENT_NODES; i++)
    hedge->child[i] = hedge->joined[i] = IDENT_NODES;
  /* A child in the inner one is taken before any other, so that both have the same arrows there. */
  for IDENT_EACH (v, at->view.nodes) {
    const ident_set parents = ident_parents (&at->view, v);
    for IDENT_EACH (p, parents) {
      const bool inside = ident_has (&inner, v);
      if (hedge->child[p] == IDENT_NODES || (inside && !ident_has (&inner, hedge->child[p])))
        hedge->child[p] = v;
    }
  }
  for IDENT_EACH (v, inner)
    if (hedge->child[v] != IDENT_NODES && ident_has (&inner, hedge->child[v]))
      ident_drop (&hedge->roots, v);
  for IDENT_EACH (v, hedge->roots)
    hedge->child[v] = IDENT_NODES;
  join (&at->view, inner, &done, hedge);
  join (&at->view, at->view.nodes, &done, hedge);
}

/* Line 4: each group that hidden causes join is asked about by itself, the others being set. */
static const ident_formula *
each_district (search *s, const place *at, ident_set y, ident_set x)
{
  const ident_graph *graph = at->view.graph;
  ident_view rest = at->view;
  const ident_formula *items[IDENT_NODES];
  uint32_t count = 0;
  ident_set left;
  rest.nodes = left = ident_less (at->view.nodes, x);
  for (uint32_t i = 0; i < graph->count; i++) {
    if (!ident_has (&left, graph->order[i]))
      continue;
    const ident_set part = ident_district (&rest, graph->order[i]);
    left = ident_less (left, part);
    items[count] = identify (s, at, part, ident_less (at->view.nodes, part));
    if (!items[count++])
      return NULL;
  }
  return ident_sum (s->room, ident_less (rest.nodes, y), ident_product (s->room, items, count));
}

/* Line 7: all of PART hangs together, and it is smaller than the whole. */
static const ident_formula *
inside (search *s, const place *at, ident_set part, ident_set y, ident_set x)
{
  place smaller = { .view = at->view, .given = product_over (s, at, part) };
  smaller.view.nodes = part;
  return smaller.given ? identify (s, &smaller, y, ident_and (x, part)) : NULL;
}

/* Lines 5 to 7: what is not set is one group. */
static const ident_formula *
one_district (search *s, const place *at, ident_set y, ident_set x, ident_set group)
{
  const ident_set around = ident_district (&at->view, ident_next (&group, 0));
  if (ident_same (around, at->view.nodes)) {
    write_hedge (s, at, group);
    return NULL;
  }
  if (ident_same (around, group))
    return ident_sum (s->room, ident_less (group, y), product_over (s, at, group));
  return inside (s, at, around, y, x);
}

static const ident_formula *
identify (search *s, const place *at, ident_set y, ident_set x)
{
  if (ident_empty (x)) /* line 1 */
    return margin (s, at, y);
  const ident_set above = ident_ancestors (&at->view, y);
  if (!ident_same (above, at->view.nodes)) { /* line 2 */
    place smaller = *at;
    smaller.view.nodes = above;
    smaller.given = at->given ? margin (s, at, above) : NULL;
    return at->given && !smaller.given ? NULL : identify (s, &smaller, y, ident_and (x, above));
  }
  ident_view cut = at->view;
  cut.no_in = x;
  const ident_set idle = ident_less (ident_less (at->view.nodes, x), ident_ancestors (&cut, y));
  if (!ident_empty (idle)) /* line 3 */
    return identify (s, at, y, ident_or (x, idle));
  ident_view rest = at->view;
  rest.nodes = ident_less (at->view.nodes, x);
  const ident_set group = ident_district (&rest, ident_next (&rest.nodes, 0));
  return ident_same (group, rest.nodes) ? one_district (s, at, y, x, group) : each_district (s, at, y, x);
}

/* ---- With something given. */

/* What is given and might as well be set, is set. */
static void
set_what_can_be (const ident_graph *graph, ident_set y, ident_set *x, ident_set *given)
{
  for (bool again = true; again;) {
    again = false;
    for IDENT_EACH (v, *given) {
      const ident_set others = ident_less (*given, ident_one (v));
      ident_view cut = ident_whole (graph);
      cut.no_in = *x;
      cut.no_out = ident_one (v);
      if (!ident_separated (&cut, y, ident_one (v), ident_or (*x, others)))
        continue;
      ident_add (x, v);
      ident_drop (given, v);
      again = true;
    }
  }
}

adze_status
ident_identify (ident_room *room, ident_set y, ident_set x, ident_set given, const ident_formula **formula,
                ident_hedge *hedge)
{
  search s = { .room = room, .hedge = hedge };
  const place whole = { .view = ident_whole (room->graph) };
  set_what_can_be (room->graph, y, &x, &given);
  const ident_formula *joint = identify (&s, &whole, ident_or (y, given), x);
  *formula = joint && !ident_empty (given) ? ident_ratio (room, joint, ident_sum (room, y, joint)) : joint;
  return s.hedged || *formula ? ADZE_OK : ADZE_E_MEMORY;
}
