/* SPDX-License-Identifier: Apache-2.0 */
/* graph/groups.h: which channels of which weights hang together, and their removal.
 *
 * What a channel and a group are is said in adze/draft/graph.h: core uses the same structs.
 *
 * Followed are elementwise operators, convolutions with their groups, products of matrices,
 * normalisations, pooling, Concat, Transpose, Gather from a table, reductions, and changes of shape
 * that put dimensions together or take them apart (Flatten, Reshape, Squeeze, Unsqueeze), where
 * several elements make one channel: a pixel's of each feature map, a head's of attention. What
 * anything else takes or gives is fixed, as the inputs and outputs of the graph are. */
#ifndef ADZE_GRAPH_GROUPS_H
#define ADZE_GRAPH_GROUPS_H

#include "graph/graph.h"

/* Types and shapes must have been inferred (adze_graph_verify). GROUPS speaks of GRAPH as it is: an
 * edit makes it worthless. */
ADZE_MUST_CHECK adze_error *adze_groups_find (const adze_graph *graph, adze_groups **groups);
void adze_groups_free (adze_groups *groups);
static inline void
adze_groups_cleanup (adze_groups **groups)
{
  adze_groups_free (*groups);
}
#define ADZE_AUTO_GROUPS __attribute__ ((cleanup (adze_groups_cleanup))) adze_groups *

size_t adze_groups_count (const adze_groups *groups);
const adze_channel_group *adze_groups_at (const adze_groups *groups, size_t index);

/* Why places along a dimension of a value are in no group. */
adze_channels_fixed adze_groups_why (const adze_groups *groups, uint32_t value, int32_t axis,
                                     uint32_t *node);

/* Removes channels: REMOVED[g][c] for channel c of group g; REMOVED[g] may be NULL. Weights with
 * numbers lose theirs, settings of nodes that count channels follow, shapes are inferred anew. What
 * would leave nothing of a dimension is refused, by its name, and nothing has changed then. */
ADZE_MUST_CHECK adze_error *adze_groups_remove (const adze_groups *groups, adze_graph *graph,
                                                const bool *const *removed);

#endif
