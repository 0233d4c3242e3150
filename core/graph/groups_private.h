/* SPDX-License-Identifier: Apache-2.0 */
/* graph/groups_private.h: how channels are followed through a graph.
 *
 *   groups.c         what hangs together becomes channels, channels become groups
 *   groups_rules.c   what each operator ties to what
 *   groups_remove.c  channels removed
 *
 * Each place along each dimension of each value has a number. Rules join the places that stand and
 * fall together; sets of joined places are kept as trees. */
#ifndef ADZE_GRAPH_GROUPS_PRIVATE_H
#define ADZE_GRAPH_GROUPS_PRIVATE_H

#include <string.h>

#include "graph/graph_private.h"
#include "graph/groups.h"

/* Why a set is fixed, and by which node. */
typedef struct adze_fix {
  uint8_t why; /* adze_channels_fixed */
  uint32_t node;
} adze_fix;

struct adze_groups {
  const adze_graph *graph;
  /* By value and dimension: number of the first place; places of one dimension follow each other. A
   * dimension of unknown size has none. */
  size_t (*first)[ADZE_GRAPH_RANK];
  size_t count; /* of places */
  uint32_t *parent;
  adze_fix *fixed;  /* by the root of a set */
  bool *mixed;      /* likewise */
  /* What comes of it. */
  adze_channel_place *places;
  adze_channel *channels;
  adze_channel_group *groups;
  size_t place_count, channel_count, group_count;
};

#define ADZE_NO_PLACE SIZE_MAX

/* Places along dimension AXIS of a value; 0: it has none that are known. */
int64_t adze_places_of (const adze_groups *groups, uint32_t value, int32_t axis);
uint32_t adze_place_root (const adze_groups *groups, size_t place);
/* Place INDEX along dimension AXIS; they are known. */
static inline size_t
adze_place (const adze_groups *groups, uint32_t value, int32_t axis, int64_t index)
{
  return groups->first[value][axis] + (size_t)index;
}
void adze_places_join (adze_groups *groups, size_t a, size_t b);
void adze_place_fix (adze_groups *groups, size_t place, adze_channels_fixed why, uint32_t node);

/* groups_rules.c: what NODE ties together. */
void adze_groups_follow (adze_groups *groups, const adze_graph_node *node);

#endif
