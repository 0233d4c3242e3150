/* SPDX-License-Identifier: Apache-2.0 */
/* graph/graph.c: a graph's values and nodes: made, found, read. */
#include "graph/graph.h"

#include <string.h>

#include "base/file.h"
#include "graph/graph_private.h"

/* ---- Memory. */

adze_error *
adze_graph_grow (void *array, size_t *capacity, size_t count, size_t item)
{
  if (count < *capacity)
    return NULL;
  size_t more = *capacity ? 2 * *capacity : 16;
  void **slot = array, *grown = realloc (*slot, more * item);
  if (!grown)
    return adze_error_memory ();
  *slot = grown;
  *capacity = more;
  return NULL;
}

adze_error *
adze_number_add (adze_number_list *list, uint32_t number)
{
  ADZE_TRY (adze_graph_grow (&list->items, &list->capacity, list->count, sizeof number));
  list->items[list->count++] = number;
  return NULL;
}

adze_error *
adze_graph_new (const char *name, adze_graph **graph)
{
  adze_graph *made = calloc (1, sizeof *made);
  if (!made)
    return adze_error_memory ();
  made->name = adze_arena_text (&made->arena, name ? name : "");
  made->sorted = true;
  made->opset = ADZE_GRAPH_OPSET;
  if (!made->name) {
    adze_graph_free (made);
    return adze_error_memory ();
  }
  *graph = made;
  return NULL;
}

void
adze_graph_free (adze_graph *graph)
{
  if (!graph)
    return;
  for (size_t i = 0; i < graph->body_count; i++)
    adze_graph_free (graph->bodies[i]);
  free (graph->bodies);
  free (graph->attached);
  free (graph->values);
  free (graph->nodes);
  free (graph->inputs.items);
  free (graph->outputs.items);
  free (graph->order.items);
  free (graph->symbols);
  adze_name_index_cleanup (&graph->names);
  adze_arena_cleanup (&graph->arena);
  free (graph);
}

/* ---- Reading. */

int64_t
adze_graph_opset (const adze_graph *graph)
{
  return graph->opset;
}

void
adze_graph_set_opset (adze_graph *graph, int64_t opset)
{
  graph->opset = opset;
}

const char *
adze_graph_name (const adze_graph *graph)
{
  return graph->name;
}

uint32_t
adze_graph_value_count (const adze_graph *graph)
{
  return (uint32_t)graph->value_count;
}

uint32_t
adze_graph_node_count (const adze_graph *graph)
{
  return (uint32_t)graph->node_count;
}

const adze_graph_value *
adze_graph_value_at (const adze_graph *graph, uint32_t number)
{
  return number < graph->value_count ? graph->values[number] : NULL;
}

const adze_graph_node *
adze_graph_node_at (const adze_graph *graph, uint32_t number)
{
  return number < graph->node_count ? graph->nodes[number] : NULL;
}

const uint32_t *
adze_graph_inputs (const adze_graph *graph, size_t *count)
{
  *count = graph->inputs.count;
  return graph->inputs.items;
}

const uint32_t *
adze_graph_outputs (const adze_graph *graph, size_t *count)
{
  *count = graph->outputs.count;
  return graph->outputs.items;
}

const char *
adze_graph_symbol (const adze_graph *graph, uint32_t number)
{
  return number < graph->symbol_count ? graph->symbols[number] : NULL;
}

static bool
same_name (const void *things, size_t number, const char *name, size_t size)
{
  const adze_graph *graph = things;
  const char *known = graph->values[number]->name;
  return strlen (known) == size && memcmp (known, name, size) == 0;
}

uint32_t
adze_graph_find (const adze_graph *graph, const char *name)
{
  size_t found = adze_name_index_find (&graph->names, name, strlen (name), same_name, graph);
  return found == ADZE_NAME_NONE ? ADZE_NONE : (uint32_t)found;
}

uint32_t
adze_graph_uses (const adze_graph *graph, uint32_t value)
{
  uint32_t uses = 0;
  for (size_t n = 0; n < graph->node_count; n++)
    for (size_t i = 0; graph->nodes[n] && i < graph->nodes[n]->input_count; i++)
      uses += graph->nodes[n]->inputs[i] == value;
  return uses;
}

bool
adze_graph_gives (const adze_graph *graph, uint32_t value)
{
  for (size_t i = 0; i < graph->outputs.count; i++)
    if (graph->outputs.items[i] == value)
      return true;
  return false;
}

/* ---- Values. */

/* Names that nobody gave begin with '%', which no format of ours makes. */
static char *
fresh_name (adze_graph *graph)
{
  for (;;) {
    ADZE_AUTO_FREE char *name = adze_text_format ("%%%u", graph->next_name++);
    if (!name)
      return NULL;
    if (adze_graph_find (graph, name) == ADZE_NONE)
      return adze_arena_text (&graph->arena, name);
  }
}

static adze_error *
name_taken (const adze_graph *graph, const char *name)
{
  return adze_error_new (ADZE_E_FORMAT, "graph '%s' has two values of the name '%s'", graph->name,
                         name);
}

static adze_error *
shape_refused (const char *name, int32_t rank)
{
  return adze_error_new (ADZE_E_FORMAT,
                         "value '%s' has %d dimensions; 0 to %d can be worked with", name, rank,
                         ADZE_GRAPH_RANK);
}

adze_error *
adze_graph_set_type (adze_graph *graph, uint32_t value, adze_dtype dtype, int32_t rank,
                     const int64_t *shape)
{
  adze_graph_value *known = graph->values[value];
  if (rank < -1 || rank > ADZE_GRAPH_RANK)
    return shape_refused (known->name, rank);
  if (rank > 0) {
    known->shape = adze_arena_copy (&graph->arena, shape, (size_t)rank * sizeof *shape);
    if (!known->shape)
      return adze_error_memory ();
  }
  known->dtype = dtype;
  known->rank = rank;
  return NULL;
}

adze_error *
adze_graph_change_type (adze_graph *graph, uint32_t value, adze_dtype dtype, int32_t rank,
                        const int64_t *shape)
{
  adze_graph_value *known = value < graph->value_count ? graph->values[value] : NULL;
  if (!known || (known->role != ADZE_ROLE_INPUT && known->role != ADZE_ROLE_WEIGHT))
    return adze_error_new (ADZE_E_CONTRACT,
                           "value %u is no input and no weight, and others have the type that their "
                           "nodes give them",
                           value);
  known->data = NULL;
  return adze_graph_set_type (graph, value, dtype, rank, shape);
}

adze_error *
adze_graph_keep_value (adze_graph *graph, adze_value_role role, const char *name, adze_dtype dtype,
                       int32_t rank, const int64_t *shape, uint32_t *value)
{
  size_t number = graph->value_count, earlier;
  if (number >= ADZE_NAME_INDEX_MAX)
    return adze_error_new (ADZE_E_FORMAT, "graph '%s' has too many values", graph->name);
  ADZE_TRY (adze_graph_grow (&graph->values, &graph->value_capacity, number, sizeof (void *)));
  adze_graph_value *made = adze_arena_take (&graph->arena, sizeof *made);
  const char *kept = name ? adze_arena_text (&graph->arena, name) : fresh_name (graph);
  if (!made || !kept)
    return adze_error_memory ();
  *made = (adze_graph_value){ .struct_size = sizeof *made, .role = role, .name = kept,
                              .node = ADZE_NONE, .output = ADZE_NONE };
  graph->values[number] = made;
  ADZE_TRY (adze_graph_set_type (graph, (uint32_t)number, dtype, rank, shape));
  ADZE_TRY (adze_name_index_add (&graph->names, kept, strlen (kept), number, same_name, graph,
                                 &earlier));
  if (earlier != ADZE_NAME_NONE)
    return name_taken (graph, kept);
  graph->value_count++;
  *value = (uint32_t)number;
  return NULL;
}

adze_error *
adze_graph_add_input (adze_graph *graph, const char *name, adze_dtype dtype, int32_t rank,
                      const int64_t *shape, uint32_t *value)
{
  ADZE_TRY (adze_graph_keep_value (graph, ADZE_ROLE_INPUT, name, dtype, rank, shape, value));
  return adze_number_add (&graph->inputs, *value);
}

adze_error *
adze_graph_add_weight (adze_graph *graph, const char *name, adze_dtype dtype, int32_t rank,
                       const int64_t *shape, uint32_t *value)
{
  return adze_graph_keep_value (graph, ADZE_ROLE_WEIGHT, name, dtype, rank, shape, value);
}

adze_error *
adze_graph_fix_weight (adze_graph *graph, uint32_t weight)
{
  if (weight >= graph->value_count || graph->values[weight]->role != ADZE_ROLE_WEIGHT)
    return adze_error_new (ADZE_E_CONTRACT, "graph '%s' has no weight of the number %u, which is to be fixed",
                           graph->name, weight);
  graph->values[weight]->fixed = 1;
  return NULL;
}

adze_error *
adze_graph_add_value (adze_graph *graph, const char *name, uint32_t *value)
{
  return adze_graph_keep_value (graph, ADZE_ROLE_NODE, name, (adze_dtype){ 0 }, -1, NULL, value);
}

static size_t
view_bytes (const adze_view *view)
{
  return adze_view_count (view) * view->dtype.bits / 8;
}

adze_error *
adze_graph_add_constant (adze_graph *graph, const char *name, const adze_view *numbers,
                         uint32_t *value)
{
  ADZE_TRY (adze_graph_keep_value (graph, ADZE_ROLE_CONSTANT, name, numbers->dtype, numbers->rank,
                                   numbers->shape, value));
  return adze_graph_set_data (graph, *value, adze_view_data (numbers), view_bytes (numbers), true);
}

adze_error *
adze_graph_set_data (adze_graph *graph, uint32_t value, const void *data, size_t size, bool copy)
{
  adze_graph_value *known = graph->values[value];
  const void *kept = copy ? adze_arena_copy (&graph->arena, data, size ? size : 1) : data;
  if (!kept)
    return adze_error_memory ();
  known->data = kept;
  if (known->role != ADZE_ROLE_WEIGHT)
    known->role = ADZE_ROLE_CONSTANT;
  return NULL;
}

adze_error *
adze_graph_weight_to_input (adze_graph *graph, uint32_t value)
{
  graph->values[value]->role = ADZE_ROLE_INPUT;
  return adze_number_add (&graph->inputs, value);
}

adze_error *
adze_graph_add_output (adze_graph *graph, uint32_t value)
{
  if (value >= graph->value_count)
    return adze_error_new (ADZE_E_CONTRACT, "graph '%s' has no value number %u to give",
                           graph->name, value);
  return adze_number_add (&graph->outputs, value);
}

adze_error *
adze_graph_add_symbol (adze_graph *graph, const char *name, int64_t *dimension)
{
  size_t number = 0;
  while (name && number < graph->symbol_count && strcmp (graph->symbols[number], name) != 0)
    number++;
  if (!name)
    number = graph->symbol_count;
  *dimension = -1 - (int64_t)number;
  if (number < graph->symbol_count)
    return NULL;
  ADZE_TRY (adze_graph_grow (&graph->symbols, &graph->symbol_capacity, number, sizeof (char *)));
  ADZE_AUTO_FREE char *fresh = name ? NULL : adze_text_format ("?%zu", number);
  char *kept = name || fresh ? adze_arena_text (&graph->arena, name ? name : fresh) : NULL;
  if (!kept)
    return adze_error_memory ();
  graph->symbols[graph->symbol_count++] = kept;
  return NULL;
}

adze_error *
adze_graph_add_body (adze_graph *graph, const char *name, adze_graph **body)
{
  ADZE_TRY (adze_graph_grow (&graph->bodies, &graph->body_capacity, graph->body_count,
                             sizeof (void *)));
  ADZE_TRY (adze_graph_new (name, body));
  graph->bodies[graph->body_count++] = *body;
  return NULL;
}
