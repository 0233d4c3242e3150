/* SPDX-License-Identifier: Apache-2.0 */
/* graph/upgrade.h: graphs of other opsets than the one that everything here works with. */
#ifndef ADZE_GRAPH_UPGRADE_H
#define ADZE_GRAPH_UPGRADE_H

#include "graph/graph.h"

/* The oldest and the newest opset that can be made the internal one. */
#define ADZE_OPSET_OLDEST 1
#define ADZE_OPSET_NEWEST 23

/* Makes nodes of OPSET those of ADZE_GRAPH_OPSET that mean the same, in bodies as well. Of older
 * ones by small adapters (before opset 7, where most operators meant something else, those of the
 * common ones). Of newer ones those pass whose operator means the same there. What cannot be is
 * refused by node. Names of values stay. */
ADZE_MUST_CHECK adze_error *adze_graph_upgrade (adze_graph *graph, int64_t opset);

#endif
