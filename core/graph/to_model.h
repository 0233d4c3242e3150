/* SPDX-License-Identifier: Apache-2.0 */
/* graph/to_model.h: a network becomes the part of a model that says how its tensors are computed
 * with. */
#ifndef ADZE_GRAPH_TO_MODEL_H
#define ADZE_GRAPH_TO_MODEL_H

#include "graph/graph.h"
#include "plugin/runtime.h"

/* *ID and *BYTES are to be freed. Weights are in it by name alone: they must be tensors of the model that
 * has the part. Constants are, too, where the format has no other place for them:
 * adze_graph_from_part tells which. */
ADZE_MUST_CHECK adze_error *adze_graph_make_part (adze_runtime *runtime, const adze_graph *graph,
                                                  char **id, void **bytes, size_t *size);

#endif
