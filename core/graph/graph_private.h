/* SPDX-License-Identifier: Apache-2.0 */
/* graph/graph_private.h: what a graph is made of; for the files that build, edit and copy one. */
#ifndef ADZE_GRAPH_GRAPH_PRIVATE_H
#define ADZE_GRAPH_GRAPH_PRIVATE_H

#include "artifact/name_index.h"
#include "graph/arena.h"
#include "graph/graph.h"

/* Numbers that grow. */
typedef struct adze_number_list {
  uint32_t *items;
  size_t count, capacity;
} adze_number_list;

ADZE_MUST_CHECK adze_error *adze_number_add (adze_number_list *list, uint32_t number);

/* See adze_graph_set_gradient; of several of a node the last one counts. */
typedef struct adze_graph_attached {
  uint32_t node, kind;
  adze_graph *body; /* one of the graph's */
} adze_graph_attached;

/* Values, nodes and all that they point to lie in the arena and never move; what is replaced stays
 * there until the graph goes. */
struct adze_graph {
  char *name;
  adze_arena arena;
  adze_graph_value **values;
  size_t value_count, value_capacity;
  adze_graph_node **nodes; /* NULL: removed */
  size_t node_count, node_capacity;
  adze_name_index names; /* of values */
  adze_number_list inputs, outputs;
  char **symbols;
  size_t symbol_count, symbol_capacity;
  adze_graph **bodies;
  size_t body_count, body_capacity;
  adze_graph_attached *attached;
  size_t attached_count, attached_capacity;
  adze_number_list order;
  bool sorted; /* ORDER is that of the nodes as they are */
  uint32_t next_name;
  int64_t opset; /* of the nodes, as they came */
  bool refuted;  /* a branch that is not taken, or cannot be computed from what flows in */
  struct adze_backend_at_work *ref; /* who computes constants; not the graph's. NULL: nobody */
};

/* The names of a loss's nodes begin so: what follows says which loss it is. */
#define ADZE_LOSS_NODE "%loss: "
bool adze_node_is_of_loss (const adze_graph_node *node);

/* Room for one more in an array of pointers. */
ADZE_MUST_CHECK adze_error *adze_graph_grow (void *array, size_t *capacity, size_t count,
                                             size_t item);
/* A deep copy of COUNT attributes in the graph's memory; bodies must be the graph's own already. */
ADZE_MUST_CHECK adze_error *adze_graph_keep_attributes (adze_graph *graph,
                                                        const adze_graph_attribute *attributes,
                                                        size_t count,
                                                        adze_graph_attribute **kept);
ADZE_MUST_CHECK adze_error *adze_graph_keep_value (adze_graph *graph, adze_value_role role,
                                                   const char *name, adze_dtype dtype, int32_t rank,
                                                   const int64_t *shape, uint32_t *value);

#endif
