/* SPDX-License-Identifier: Apache-2.0 */
/* graph.h: the graph that is asked about, and views of it with edges cut.
 *
 * Nodes are numbered by their names in order, so that nothing depends on the order of the graph's lines. */
#ifndef CAUSAL_IDENTIFY_GRAPH_H
#define CAUSAL_IDENTIFY_GRAPH_H

#include <adze/sdk.h>

#include "sets.h"

typedef struct ident_graph {
  uint32_t count;
  const char *names[IDENT_NODES];    /* of the dag, which outlives this */
  ident_set parents[IDENT_NODES];    /* by arrows */
  ident_set siblings[IDENT_NODES];   /* with which a hidden cause is shared */
  uint32_t order[IDENT_NODES];       /* causes first; where both ways are open, by name */
  uint32_t place[IDENT_NODES];       /* of a node in that order */
} ident_graph;

/* A part of a graph: NODES alone, without arrows and hidden causes that lead into NO_IN, and without arrows that
 * come out of NO_OUT. */
typedef struct ident_view {
  const ident_graph *graph;
  ident_set nodes, no_in, no_out;
} ident_view;

/* Refuses a graph with too many nodes, or with an edge whose direction is not known. */
adze_status ident_graph_read (const adze_host *host, const adze_dag *dag, ident_graph *graph);

/* IDENT_NODES: there is none of this name. */
uint32_t ident_graph_find (const ident_graph *graph, const char *name, size_t size);

/* Fills in .order and .place; false where arrows lead in a circle. */
bool ident_graph_sort (ident_graph *graph);

ident_set ident_all (const ident_graph *graph);
ident_view ident_whole (const ident_graph *graph);
ident_set ident_parents (const ident_view *view, uint32_t node);
ident_set ident_siblings (const ident_view *view, uint32_t node);

/* With the nodes of SET themselves. */
ident_set ident_ancestors (const ident_view *view, ident_set set);
ident_set ident_descendants (const ident_view *view, ident_set set);

/* All that hidden causes join with NODE, itself among them. */
ident_set ident_district (const ident_view *view, uint32_t node);

/* Who is next to NODE in the moral graph of the ancestral set AMONG: who can be reached from it over nodes that are
 * all open by being given. */
ident_set ident_moral (const ident_view *view, ident_set among, uint32_t node);

/* Is each node of X separated from each of Y, given all of Z? They share no node. */
bool ident_separated (const ident_view *view, ident_set x, ident_set y, ident_set z);

#endif
