/* SPDX-License-Identifier: Apache-2.0 */
/* graph/optimise.h: passes over a graph that leave what it computes; adze/draft/graph.h says which
 * there are. */
#ifndef ADZE_GRAPH_OPTIMISE_H
#define ADZE_GRAPH_OPTIMISE_H

#include "graph/backend.h"
#include "graph/graph.h"

/* Who computes constants of GRAPH: REF must be there as long as the graph is optimised. */
void adze_graph_set_ref (adze_graph *graph, adze_backend_at_work *ref);

/* PASSES: a sum of adze_graph_pass. CHANGED (may be NULL) has room for ADZE_GRAPH_PASSES; what was
 * not asked for stays as it is there. Weights must have their numbers where they are to be folded.
 * The graph is verified before and after. */
ADZE_MUST_CHECK adze_error *adze_graph_optimise (adze_graph *graph, uint32_t passes,
                                                 uint64_t *changed);

/* Does it always give the same for the same inputs? A node with bodies is not asked. */
bool adze_node_repeats (const adze_graph_node *node);

/* Bytes of a value that is computed beforehand, at most: one beyond is not worth keeping twice. */
#define ADZE_FOLD_MOST ((uint64_t)64 << 20)

#endif
