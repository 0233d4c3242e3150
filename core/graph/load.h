/* SPDX-License-Identifier: Apache-2.0 */
/* graph/load.h: the numbers of a graph's weights. */
#ifndef ADZE_GRAPH_LOAD_H
#define ADZE_GRAPH_LOAD_H

#include "artifact/model.h"
#include "graph/graph.h"

/* Numbers of a model that are in memory once, however many graphs of it there are. */
typedef struct adze_numbers adze_numbers;

ADZE_MUST_CHECK adze_error *adze_numbers_new (const adze_model *model, adze_numbers **numbers);
void adze_numbers_free (adze_numbers *numbers);

/* Reads every weight of GRAPH, and of its bodies, that has no numbers yet from the tensor of its name.
 * They belong to the graph, or to SHARED, which is of MODEL, reads none twice, and must outlive the graph. */
ADZE_MUST_CHECK adze_error *adze_graph_load_weights (adze_graph *graph, const adze_model *model,
                                                     adze_numbers *shared);

#endif
