/* SPDX-License-Identifier: Apache-2.0 */
/* graph/retype.h: networks whose weights were written in another floating-point type. */
#ifndef ADZE_GRAPH_RETYPE_H
#define ADZE_GRAPH_RETYPE_H

#include "artifact/model.h"
#include "graph/graph.h"

/* Weights of GRAPH, which was verified, get the floating-point types that MODEL has them in, and nodes
 * compute in these: a node in that of its largest weight, one without weights in the widest of what comes
 * in. Between nodes of different types stand Casts. Where an operator does not take a type, and inside of
 * bodies, all is computed in the types that the network was written for. Inputs and outputs of the graph
 * keep theirs. */
ADZE_MUST_CHECK adze_error *adze_graph_retype (adze_graph *graph, const adze_model *model);

#endif
