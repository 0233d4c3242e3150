/* SPDX-License-Identifier: Apache-2.0 */
/* graph.c: who is whose ancestor, who shares hidden causes, and who is separated from whom. */
#include "graph.h"

#include <stdlib.h>

/* ---- From a dag. */

uint32_t
ident_graph_find (const ident_graph *graph, const char *name, size_t size)
{
  for (uint32_t i = 0; i < graph->count; i++)
    if (strlen (graph->names[i]) == size && memcmp (graph->names[i], name, size) == 0)
      return i;
  return IDENT_NODES;
}

static int
by_name (const void *left, const void *right)
{
  return strcmp (*(const char *const *)left, *(const char *const *)right);
}

static adze_status
take_edge (const adze_host *host, const adze_dag *dag, adze_dag_edge edge, ident_graph *graph)
{
  const adze_dag_service *dags = adze_dag_of (host);
  const char *from = dags->name (dag, edge.from), *to = dags->name (dag, edge.to);
  const uint32_t a = ident_graph_find (graph, from, strlen (from)), b = ident_graph_find (graph, to, strlen (to));
  if (edge.mark == ADZE_DAG_EITHER)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "its port 'graph': the direction of '%s --- %s' is not known, and what causes what must be; "
                      "make it an arrow",
                      from, to);
  if (edge.mark == ADZE_DAG_CAUSES) {
    ident_add (&graph->parents[b], a);
    return ADZE_OK;
  }
  ident_add (&graph->siblings[a], b);
  ident_add (&graph->siblings[b], a);
  return ADZE_OK;
}

bool
ident_graph_sort (ident_graph *graph)
{
  ident_set done = ident_none ();
  for (uint32_t at = 0; at < graph->count; at++) {
    uint32_t next = 0;
    while (next < graph->count && (ident_has (&done, next) || !ident_within (graph->parents[next], done)))
      next++;
    if (next == graph->count)
      return false;
    ident_add (&done, next);
    graph->order[at] = next;
    graph->place[next] = at;
  }
  return true;
}

adze_status
ident_graph_read (const adze_host *host, const adze_dag *dag, ident_graph *graph)
{
  const adze_dag_service *dags = adze_dag_of (host);
  adze_status status = ADZE_OK;
  memset (graph, 0, sizeof *graph);
  if (dags->nodes (dag) > IDENT_NODES)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "its port 'graph' has %u nodes, and %d is the most; leave out what is no ancestor of what is asked",
                      (unsigned)dags->nodes (dag), (int)IDENT_NODES);
  graph->count = dags->nodes (dag);
  for (uint32_t i = 0; i < graph->count; i++)
    graph->names[i] = dags->name (dag, i);
  qsort (graph->names, graph->count, sizeof graph->names[0], by_name);
  for (size_t i = 0; status == ADZE_OK && i < dags->edges (dag); i++)
    status = take_edge (host, dag, dags->edge (dag, i), graph);
  if (status == ADZE_OK && !ident_graph_sort (graph))
    return adze_fail (host, ADZE_E_FORMAT, "its port 'graph': arrows lead in a circle");
  return status;
}

/* ---- Views. */

ident_set
ident_all (const ident_graph *graph)
{
  ident_set all = ident_none ();
  for (uint32_t i = 0; i < graph->count; i++)
    ident_add (&all, i);
  return all;
}

ident_view
ident_whole (const ident_graph *graph)
{
  return (ident_view){ .graph = graph, .nodes = ident_all (graph) };
}

ident_set
ident_parents (const ident_view *view, uint32_t node)
{
  if (ident_has (&view->no_in, node))
    return ident_none ();
  return ident_less (ident_and (view->graph->parents[node], view->nodes), view->no_out);
}

ident_set
ident_siblings (const ident_view *view, uint32_t node)
{
  if (ident_has (&view->no_in, node))
    return ident_none ();
  return ident_less (ident_and (view->graph->siblings[node], view->nodes), view->no_in);
}

ident_set
ident_ancestors (const ident_view *view, ident_set set)
{
  ident_set found = set, fresh = set;
  while (!ident_empty (fresh)) {
    ident_set above = ident_none ();
    for IDENT_EACH (v, fresh)
      above = ident_or (above, ident_parents (view, v));
    fresh = ident_less (above, found);
    found = ident_or (found, fresh);
  }
  return found;
}

/* Causes come first in the order: one walk finds all. */
ident_set
ident_descendants (const ident_view *view, ident_set set)
{
  const ident_graph *graph = view->graph;
  for (uint32_t at = 0; at < graph->count; at++) {
    const uint32_t v = graph->order[at];
    if (ident_has (&view->nodes, v) && ident_meet (ident_parents (view, v), set))
      ident_add (&set, v);
  }
  return set;
}

ident_set
ident_district (const ident_view *view, uint32_t node)
{
  ident_set found = ident_one (node), fresh = found;
  while (!ident_empty (fresh)) {
    ident_set next = ident_none ();
    for IDENT_EACH (v, fresh)
      next = ident_or (next, ident_siblings (view, v));
    fresh = ident_less (next, found);
    found = ident_or (found, fresh);
  }
  return found;
}

/* ---- Separation: in the moral graph of the ancestors no way leads around what is given. */

/* A district and its parents are all next to each other: between two of them lies a way on which each node in the
 * middle has two arrowheads, and is open. */
static ident_set
clique (const ident_view *inside, uint32_t member)
{
  ident_set district = ident_district (inside, member), all = district;
  for IDENT_EACH (v, district)
    all = ident_or (all, ident_parents (inside, v));
  return all;
}

ident_set
ident_moral (const ident_view *view, ident_set among, uint32_t node)
{
  ident_view inside = *view;
  inside.nodes = ident_and (view->nodes, among);
  ident_set next = clique (&inside, node);
  for IDENT_EACH (v, inside.nodes) {
    const ident_set parents = ident_parents (&inside, v);
    if (ident_has (&parents, node))
      next = ident_or (next, clique (&inside, v));
  }
  ident_drop (&next, node);
  return next;
}

bool
ident_separated (const ident_view *view, ident_set x, ident_set y, ident_set z)
{
  const ident_set among = ident_ancestors (view, ident_or (ident_or (x, y), z));
  ident_set found = x, fresh = x;
  while (!ident_empty (fresh)) {
    ident_set next = ident_none ();
    for IDENT_EACH (v, fresh)
      next = ident_or (next, ident_moral (view, among, v));
    fresh = ident_less (ident_less (next, z), found);
    found = ident_or (found, fresh);
    if (ident_meet (found, y))
      return false;
  }
  return true;
}
