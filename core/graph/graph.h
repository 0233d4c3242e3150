/* SPDX-License-Identifier: Apache-2.0 */
/* graph/graph.h: a network as nodes and values, and the means to build and edit one.
 *
 * What nodes and values look like is said in adze/draft/graph.h: core uses the same structs. A graph
 * owns all of its memory; nothing is given back before the graph is, so that an edit never leaves a
 * pointer hanging. Bodies of nodes belong to the graph that they were made in.
 */
#ifndef ADZE_GRAPH_GRAPH_H
#define ADZE_GRAPH_GRAPH_H

#include <adze/draft/graph.h>

#include "base/buffer.h"
#include "base/error.h"

ADZE_MUST_CHECK adze_error *adze_graph_new (const char *name, adze_graph **graph);
void adze_graph_free (adze_graph *graph);
static inline void
adze_graph_cleanup (adze_graph **graph)
{
  adze_graph_free (*graph);
}
#define ADZE_AUTO_GRAPH __attribute__ ((cleanup (adze_graph_cleanup))) adze_graph *

/* What removed nodes have left is not copied; numbers change, names do not. The numbers of constants
 * stay with FROM, which must live as long. Its nodes must be in order (adze_graph_order). */
ADZE_MUST_CHECK adze_error *adze_graph_copy (const adze_graph *from, adze_graph **into);
/* COUNT nodes, in order, as a graph of its own: what they take from others and no constant is are its
 * inputs, what others or nobody but the graph takes of theirs its outputs (of a single node: all that it
 * makes). */
ADZE_MUST_CHECK adze_error *adze_graph_part (const adze_graph *from, const uint32_t *nodes,
                                             size_t count, adze_graph **into);
/* The nodes of BODY once more in GRAPH, with INPUTS in the place of its own; OUTPUTS has room for as
 * many as it gives. Constants stay with BODY; weights are refused. */
ADZE_MUST_CHECK adze_error *adze_graph_insert (adze_graph *graph, const adze_graph *body,
                                               const uint32_t *inputs, uint32_t *outputs);

/* ---- Reading. */

const char *adze_graph_name (const adze_graph *graph);
uint32_t adze_graph_value_count (const adze_graph *graph);
uint32_t adze_graph_node_count (const adze_graph *graph); /* removed ones count */
const adze_graph_value *adze_graph_value_at (const adze_graph *graph, uint32_t number);
const adze_graph_node *adze_graph_node_at (const adze_graph *graph, uint32_t number); /* NULL: removed */
/* Numbers of nodes, each after all that it needs; valid until the graph is edited. Nodes that wait for
 * each other are refused, and named. */
ADZE_MUST_CHECK adze_error *adze_graph_order (adze_graph *graph, const uint32_t **order,
                                              size_t *count);
const uint32_t *adze_graph_inputs (const adze_graph *graph, size_t *count);
const uint32_t *adze_graph_outputs (const adze_graph *graph, size_t *count);
const char *adze_graph_symbol (const adze_graph *graph, uint32_t number);
uint32_t adze_graph_find (const adze_graph *graph, const char *name); /* or ADZE_NONE */
/* How often nodes take a value as input, and whether it is an output of the graph. */
uint32_t adze_graph_uses (const adze_graph *graph, uint32_t value);
bool adze_graph_gives (const adze_graph *graph, uint32_t value);

/* "node 3 'conv1' (Conv)", for messages. */
void adze_graph_node_text (const adze_graph_node *node, adze_buffer *into);
/* All of it, a line a node, for people and for tests. */
void adze_graph_show (const adze_graph *graph, adze_buffer *into);

/* The opset that the nodes are of: ADZE_GRAPH_OPSET, but where a format has built an older or newer
 * model and nobody has upgraded it yet (graph/upgrade.h). */
int64_t adze_graph_opset (const adze_graph *graph);
void adze_graph_set_opset (adze_graph *graph, int64_t opset);

/* ---- Building. A name that is taken already is an error; NULL: the graph finds one. */

ADZE_MUST_CHECK adze_error *adze_graph_add_input (adze_graph *graph, const char *name,
                                                  adze_dtype dtype, int32_t rank,
                                                  const int64_t *shape, uint32_t *value);
/* Training leaves it as it is. */
ADZE_MUST_CHECK adze_error *adze_graph_fix_weight (adze_graph *graph, uint32_t weight);
ADZE_MUST_CHECK adze_error *adze_graph_add_weight (adze_graph *graph, const char *name,
                                                   adze_dtype dtype, int32_t rank,
                                                   const int64_t *shape, uint32_t *value);
ADZE_MUST_CHECK adze_error *adze_graph_add_constant (adze_graph *graph, const char *name,
                                                     const adze_view *numbers, uint32_t *value);
ADZE_MUST_CHECK adze_error *adze_graph_add_symbol (adze_graph *graph, const char *name,
                                                   int64_t *dimension);
/* A value that a node which comes later is going to make, by its name. */
ADZE_MUST_CHECK adze_error *adze_graph_add_value (adze_graph *graph, const char *name,
                                                  uint32_t *value);
ADZE_MUST_CHECK adze_error *adze_graph_add_node (adze_graph *graph, const adze_node_recipe *recipe,
                                                 uint32_t *outputs);
ADZE_MUST_CHECK adze_error *adze_graph_add_output (adze_graph *graph, uint32_t value);
ADZE_MUST_CHECK adze_error *adze_graph_add_body (adze_graph *graph, const char *name,
                                                 adze_graph **body);

/* What recipes are mostly made of. */
adze_graph_attribute adze_attribute_int (const char *name, const int64_t *value);
adze_graph_attribute adze_attribute_ints (const char *name, const int64_t *values, size_t count);
adze_graph_attribute adze_attribute_float (const char *name, const float *value);
adze_graph_attribute adze_attribute_text (const char *name, const adze_text *text);

/* ---- Editing. */

/* Type and shape that were found out. */
ADZE_MUST_CHECK adze_error *adze_graph_set_type (adze_graph *graph, uint32_t value, adze_dtype dtype,
                                                 int32_t rank, const int64_t *shape);
/* The same for an input or a weight that is to have another one; numbers that it had are forgotten. */
ADZE_MUST_CHECK adze_error *adze_graph_change_type (adze_graph *graph, uint32_t value,
                                                    adze_dtype dtype, int32_t rank,
                                                    const int64_t *shape);
/* Its numbers: a weight that was loaded stays a weight; anything else becomes a constant. COPY: else
 * DATA must live as long as the graph. */
ADZE_MUST_CHECK adze_error *adze_graph_set_data (adze_graph *graph, uint32_t value,
                                                 const void *data, size_t size, bool copy);
/* A weight becomes an input of the graph, the last one. */
ADZE_MUST_CHECK adze_error *adze_graph_weight_to_input (adze_graph *graph, uint32_t value);
ADZE_MUST_CHECK adze_error *adze_graph_set_attribute (adze_graph *graph, uint32_t node,
                                                      const adze_graph_attribute *attribute);
ADZE_MUST_CHECK adze_error *adze_graph_set_input (adze_graph *graph, uint32_t node, size_t index,
                                                  uint32_t value);
ADZE_MUST_CHECK adze_error *adze_graph_replace (adze_graph *graph, uint32_t old_value,
                                                uint32_t new_value);
void adze_graph_remove_node (adze_graph *graph, uint32_t node);
/* Removes nodes that no output needs; how many. */
size_t adze_graph_remove_dead (adze_graph *graph);

/* ---- How a node is differentiated, where not by its rule; see set_gradient in adze/draft/graph.h.
 * Who merges or replaces nodes of a graph that is still to be differentiated leaves these alone. */

ADZE_MUST_CHECK adze_error *adze_graph_set_gradient (adze_graph *graph, uint32_t node,
                                                     uint32_t kind, adze_graph *body);
/* An adze_gradient_kind; *BODY is set where it is ADZE_GRADIENT_BODY. */
uint32_t adze_graph_gradient_of (const adze_graph *graph, uint32_t node, const adze_graph **body);

/* ---- Checking. */

/* Operators known, counts of inputs and outputs right, attributes of the right type, every value made
 * before it is used, bodies as well; types and shapes inferred as far as they can be, and held
 * against what was declared. A refusal names node, operator and what was needed. */
ADZE_MUST_CHECK adze_error *adze_graph_verify (adze_graph *graph);

extern const adze_graph_service adze_graph_table;

#endif
