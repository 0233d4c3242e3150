/* SPDX-License-Identifier: Apache-2.0 */
/* graph/groups_remove.c: channels taken out of a graph. */
#include "graph/groups_private.h"

typedef struct removal {
  const adze_groups *groups;
  adze_graph *graph;
  bool *gone; /* by the root of a set */
} removal;

static bool
is_gone (const removal *r, uint32_t value, int32_t axis, int64_t index)
{
  return r->gone[adze_place_root (r->groups, adze_place (r->groups, value, axis, index))];
}

/* How many places of a dimension stay. What is not known stays so. */
static int64_t
staying (const removal *r, uint32_t number, int32_t axis)
{
  const adze_graph_value *value = r->graph->values[number];
  int64_t count = adze_places_of (r->groups, number, axis), stay = 0;
  if (count == 0)
    return value->shape[axis];
  for (int64_t i = 0; i < count; i++)
    stay += !is_gone (r, number, axis, i);
  return stay;
}

/* ---- What is to go. */

static void
mark (const removal *r, const bool *const *removed)
{
  for (size_t g = 0; g < r->groups->group_count; g++) {
    const adze_channel_group *group = &r->groups->groups[g];
    for (size_t c = 0; removed[g] && c < group->count; c++) {
      const adze_channel_place *place = group->channels[c].places;
      if (removed[g][c])
        r->gone[adze_place_root (r->groups, adze_place (r->groups, place->value, place->axis,
                                                        place->index))]
            = true;
    }
  }
}

static adze_error *
check_rest (const removal *r)
{
  for (uint32_t v = 0; v < r->graph->value_count; v++)
    for (int32_t d = 0; d < r->graph->values[v]->rank; d++)
      if (adze_places_of (r->groups, v, d) > 0 && staying (r, v, d) == 0)
        return adze_error_new (ADZE_E_PARAM,
                               "all %lld channels of '%s' (dimension %d) would be removed, and one "
                               "at least must stay",
                               (long long)r->graph->values[v]->shape[d],
                               r->graph->values[v]->name, d);
  return NULL;
}

/* ---- Settings of nodes. Shapes are those of before. */

static adze_error *
new_shape (const removal *r, const adze_graph_node *node)
{
  const adze_graph_value *shape = adze_graph_value_at (r->graph, node->inputs[1]);
  const adze_graph_value *out = r->graph->values[node->outputs[0]];
  int64_t sizes[ADZE_GRAPH_RANK], length = out->rank;
  bool differs = false;
  uint32_t made;
  if (!shape->data || shape->rank != 1 || shape->shape[0] != out->rank)
    return NULL;
  for (int32_t d = 0; d < out->rank; d++) {
    int64_t size = ((const int64_t *)shape->data)[d];
    sizes[d] = size > 0 ? staying (r, node->outputs[0], d) : size;
    differs = differs || sizes[d] != size;
  }
  if (!differs)
    return NULL;
  const adze_view view = { .data = sizes, .device = { ADZE_DEVICE_CPU, 0 }, .rank = 1,
                           .dtype = { ADZE_INT, 64, 1 }, .shape = &length };
  ADZE_TRY (adze_graph_add_constant (r->graph, NULL, &view, &made));
  return adze_graph_set_input (r->graph, node->number, 1, made);
}

/* Of a depthwise convolution each channel is a group. */
static adze_error *
new_group (const removal *r, const adze_graph_node *node)
{
  int64_t group = adze_node_int (node, "group", 1);
  int64_t stay = staying (r, node->inputs[0], 1);
  if (group == 1 || adze_places_of (r->groups, node->inputs[0], 1) != group || stay == group)
    return NULL;
  const adze_graph_attribute attribute = adze_attribute_int ("group", &stay);
  return adze_graph_set_attribute (r->graph, node->number, &attribute);
}

static adze_error *
change_nodes (const removal *r)
{
  for (size_t n = 0; n < r->graph->node_count; n++) {
    const adze_graph_node *node = r->graph->nodes[n];
    if (!node || node->domain[0])
      continue;
    if (strcmp (node->op, "Reshape") == 0)
      ADZE_TRY (new_shape (r, node));
    if (strcmp (node->op, "Conv") == 0 || strcmp (node->op, "ConvTranspose") == 0)
      ADZE_TRY (new_group (r, node));
  }
  return NULL;
}

/* ---- Values. */

/* Copies what stays of dimensions AXIS and those behind it; returns where the next of it goes. */
static char *
copy_rest (const removal *r, uint32_t number, int32_t axis, const char *from, size_t size,
           char *into)
{
  const adze_graph_value *value = r->graph->values[number];
  if (axis == value->rank) {
    memcpy (into, from, size);
    return into + size;
  }
  size_t part = size / (size_t)value->shape[axis];
  for (int64_t i = 0; i < value->shape[axis]; i++)
    if (!is_gone (r, number, axis, i))
      into = copy_rest (r, number, axis + 1, from + (size_t)i * part, part, into);
  return into;
}

static adze_error *
change_value (const removal *r, uint32_t number)
{
  adze_graph_value *value = r->graph->values[number];
  int64_t shape[ADZE_GRAPH_RANK];
  size_t before = value->dtype.bits / 8, after = before;
  bool differs = false;
  for (int32_t d = 0; d < value->rank; d++) {
    shape[d] = staying (r, number, d);
    differs = differs || shape[d] != value->shape[d];
    before *= (size_t)(value->shape[d] > 0 ? value->shape[d] : 0);
    after *= (size_t)(shape[d] > 0 ? shape[d] : 0);
  }
  if (!differs)
    return NULL;
  if (value->data) {
    char *rest = adze_arena_take (&r->graph->arena, after + 1);
    if (!rest)
      return adze_error_memory ();
    copy_rest (r, number, 0, value->data, before, rest);
    value->data = rest;
  }
  return adze_graph_set_type (r->graph, number, value->dtype, value->rank, shape);
}

adze_error *
adze_groups_remove (const adze_groups *groups, adze_graph *graph, const bool *const *removed)
{
  ADZE_AUTO_FREE bool *gone = calloc (groups->count + 1, sizeof *gone);
  const removal r = { groups, graph, gone };
  if (!gone)
    return adze_error_memory ();
  if (groups->graph != graph)
    return adze_error_new (ADZE_E_CONTRACT, "channels of graph '%s' are to be removed from '%s'",
                           groups->graph->name, graph->name);
  mark (&r, removed);
  ADZE_TRY (check_rest (&r));
  uint32_t known = adze_graph_value_count (graph);
  ADZE_TRY (change_nodes (&r));
  for (uint32_t v = 0; v < known; v++)
    ADZE_TRY (change_value (&r, v));
  return adze_graph_verify (graph);
}
