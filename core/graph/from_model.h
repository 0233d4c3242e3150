/* SPDX-License-Identifier: Apache-2.0 */
/* graph/from_model.h: the network of a model, out of the part that its format has kept. */
#ifndef ADZE_GRAPH_FROM_MODEL_H
#define ADZE_GRAPH_FROM_MODEL_H

#include "artifact/model.h"
#include "graph/graph.h"
#include "plugin/runtime.h"

/* Upgraded to the internal opset, and verified. Weights are MODEL's tensors by name, each of which is
 * held against the graph; those of whole numbers on which shapes may depend have their numbers with
 * them, the others none. Floats may be of another type than the graph was written for: graph/retype.h
 * says what becomes of it. */
ADZE_MUST_CHECK adze_error *adze_graph_from_model (adze_runtime *runtime, const adze_model *model,
                                                   adze_graph **graph);
/* The same, but that *GRAPH is NULL where MODEL has no network. */
ADZE_MUST_CHECK adze_error *adze_graph_find_in_model (adze_runtime *runtime, const adze_model *model,
                                                      adze_graph **graph);

/* What a part says by itself: the graph of it, without any numbers that are tensors of a model, as its
 * format's opset has it. */
ADZE_MUST_CHECK adze_error *adze_graph_from_part (adze_runtime *runtime, const char *id,
                                                  void *bytes, size_t size, adze_graph **graph);

/* What formats are offered that build networks, or are given some. */
const void *adze_graph_services (const char *id, bool bare);

#endif
