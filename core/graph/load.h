/* SPDX-License-Identifier: Apache-2.0 */
/* graph/load.h: the numbers of a graph's weights. */
#ifndef ADZE_GRAPH_LOAD_H
#define ADZE_GRAPH_LOAD_H

#include "artifact/model.h"
#include "graph/graph.h"

/* Reads every weight of GRAPH, and of its bodies, that has no numbers yet from the tensor of its name.
 * They belong to the graph. */
ADZE_MUST_CHECK adze_error *adze_graph_load_weights (adze_graph *graph, const adze_model *model);

#endif
