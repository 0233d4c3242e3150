/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/load.h"

#include "graph/graph_private.h"

struct adze_numbers {
  const void **places; /* by tensor of the model; NULL: nobody has asked for it */
  adze_arena arena;
};

adze_error *
adze_numbers_new (const adze_model *model, adze_numbers **numbers)
{
  adze_numbers *made = calloc (1, sizeof *made);
  *numbers = NULL;
  if (!made)
    return adze_error_memory ();
  made->places = calloc (model->count + 1, sizeof *made->places);
  if (!made->places) {
    free (made);
    return adze_error_memory ();
  }
  *numbers = made;
  return NULL;
}

void
adze_numbers_free (adze_numbers *numbers)
{
  if (!numbers)
    return;
  adze_arena_cleanup (&numbers->arena);
  free (numbers->places);
  free (numbers);
}

static adze_error *
read_tensor (const adze_model *model, const adze_model_tensor *tensor, adze_arena *arena,
             const void **place)
{
  size_t size = (size_t)tensor->meta.byte_size;
  void *data = adze_arena_take (arena, size ? size : 1);
  if (!data)
    return adze_error_memory ();
  ADZE_TRY (adze_model_read (model, tensor, 0, data, size));
  *place = data;
  return NULL;
}

static adze_error *
find_numbers (adze_graph *graph, const adze_model *model, const adze_model_tensor *tensor,
              adze_numbers *shared, const void **data)
{
  if (!shared)
    return read_tensor (model, tensor, &graph->arena, data);
  const void **place = &shared->places[tensor - model->tensors];
  if (!*place)
    ADZE_TRY (read_tensor (model, tensor, &shared->arena, place));
  *data = *place;
  return NULL;
}

static adze_error *
load (adze_graph *graph, uint32_t number, const adze_model *model, adze_numbers *shared)
{
  const adze_graph_value *value = graph->values[number];
  const adze_model_tensor *tensor = adze_model_find (model, value->name);
  const void *data = NULL;
  if (!tensor)
    return adze_error_new (ADZE_E_NOT_FOUND,
                           "graph '%s' has the weight '%s', and the model no tensor of this name",
                           graph->name, value->name);
  if (tensor->meta.codec)
    return adze_error_new (ADZE_E_UNSUPPORTED,
                           "the weight '%s' is written as %s; a graph is computed with plain numbers",
                           value->name, tensor->meta.codec);
  ADZE_TRY (find_numbers (graph, model, tensor, shared, &data));
  ADZE_TRY (adze_graph_set_type (graph, number, tensor->meta.dtype, tensor->meta.rank,
                                 tensor->meta.shape));
  return adze_graph_set_data (graph, number, data, (size_t)tensor->meta.byte_size, false);
}

adze_error *
adze_graph_load_weights (adze_graph *graph, const adze_model *model, adze_numbers *shared)
{
  for (uint32_t i = 0; i < graph->value_count; i++)
    if (graph->values[i]->role == ADZE_ROLE_WEIGHT && !graph->values[i]->data)
      ADZE_TRY (load (graph, i, model, shared));
  for (size_t i = 0; i < graph->body_count; i++)
    ADZE_TRY (adze_graph_load_weights (graph->bodies[i], model, shared));
  return NULL;
}
