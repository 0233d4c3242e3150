/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/load.h"

#include "graph/graph_private.h"

static adze_error *
load (adze_graph *graph, uint32_t number, const adze_model *model)
{
  const adze_graph_value *value = graph->values[number];
  const adze_model_tensor *tensor = adze_model_find (model, value->name);
  if (!tensor)
    return adze_error_new (ADZE_E_NOT_FOUND,
                           "graph '%s' has the weight '%s', and the model no tensor of this name",
                           graph->name, value->name);
  if (tensor->meta.codec)
    return adze_error_new (ADZE_E_UNSUPPORTED,
                           "the weight '%s' is written as %s; a graph is computed with plain numbers",
                           value->name, tensor->meta.codec);
  size_t size = (size_t)tensor->meta.byte_size;
  void *data = adze_arena_take (&graph->arena, size ? size : 1);
  if (!data)
    return adze_error_memory ();
  ADZE_TRY (adze_model_read (model, tensor, 0, data, size));
  ADZE_TRY (adze_graph_set_type (graph, number, tensor->meta.dtype, tensor->meta.rank,
                                 tensor->meta.shape));
  return adze_graph_set_data (graph, number, data, size, false);
}

adze_error *
adze_graph_load_weights (adze_graph *graph, const adze_model *model)
{
  for (uint32_t i = 0; i < graph->value_count; i++)
    if (graph->values[i]->role == ADZE_ROLE_WEIGHT && !graph->values[i]->data)
      ADZE_TRY (load (graph, i, model));
  for (size_t i = 0; i < graph->body_count; i++)
    ADZE_TRY (adze_graph_load_weights (graph->bodies[i], model));
  return NULL;
}
