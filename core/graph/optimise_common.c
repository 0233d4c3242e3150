/* SPDX-License-Identifier: Apache-2.0 */
/* graph/optimise_common.c: of nodes that do the same to the same values one stays. */
#include "graph/optimise_private.h"

/* ---- Are they the same? */

static bool
same_bytes (const void *a, const void *b, size_t size)
{
  return size == 0 || memcmp (a, b, size) == 0;
}

static bool
same_texts (const adze_graph_attribute *a, const adze_graph_attribute *b)
{
  for (size_t i = 0; i < a->count; i++)
    if (a->texts[i].size != b->texts[i].size
        || !same_bytes (a->texts[i].data, b->texts[i].data, a->texts[i].size))
      return false;
  return true;
}

static bool
same_tensor (const adze_view *a, const adze_view *b)
{
  return a->rank == b->rank && memcmp (&a->dtype, &b->dtype, sizeof a->dtype) == 0
         && same_bytes (a->shape, b->shape, (size_t)a->rank * sizeof *a->shape)
         && same_bytes (adze_view_data (a), adze_view_data (b),
                        adze_view_count (a) * a->dtype.bits / 8);
}

static bool
same_attribute (const adze_graph_attribute *a, const adze_graph_attribute *b)
{
  if (!b || a->type != b->type || a->count != b->count)
    return false;
  switch (a->type) {
  case ADZE_ATTRIBUTE_INT:
  case ADZE_ATTRIBUTE_INTS:
    return same_bytes (a->ints, b->ints, a->count * sizeof *a->ints);
  case ADZE_ATTRIBUTE_FLOAT:
  case ADZE_ATTRIBUTE_FLOATS:
    return same_bytes (a->floats, b->floats, a->count * sizeof *a->floats);
  case ADZE_ATTRIBUTE_TEXT:
  case ADZE_ATTRIBUTE_TEXTS:
    return same_texts (a, b);
  case ADZE_ATTRIBUTE_TENSOR:
    return same_tensor (a->tensor, b->tensor);
  default:
    return false;
  }
}

static bool
same_node (const adze_graph_node *a, const adze_graph_node *b)
{
  if (a->input_count != b->input_count || a->output_count != b->output_count
      || a->attribute_count != b->attribute_count
      || !same_bytes (a->inputs, b->inputs, a->input_count * sizeof *a->inputs)
      || strcmp (a->op, b->op) != 0 || strcmp (a->domain, b->domain) != 0)
    return false;
  for (size_t i = 0; i < a->output_count; i++)
    if ((a->outputs[i] == ADZE_NONE) != (b->outputs[i] == ADZE_NONE))
      return false;
  for (size_t i = 0; i < a->attribute_count; i++)
    if (!same_attribute (&a->attributes[i], adze_node_attribute (b, a->attributes[i].name)))
      return false;
  return true;
}

static bool
same_constant (const adze_graph_value *a, const adze_graph_value *b)
{
  uint64_t elements, bytes;
  return a->rank == b->rank && memcmp (&a->dtype, &b->dtype, sizeof a->dtype) == 0
         && same_bytes (a->shape, b->shape, (size_t)a->rank * sizeof *a->shape)
         && adze_pass_size (a, &elements, &bytes) && same_bytes (a->data, b->data, (size_t)bytes);
}

/* ---- Constants. Weights stay: training makes different ones of them. */

static bool
is_constant (const adze_graph *graph, uint32_t number)
{
  const adze_graph_value *value = graph->values[number];
  return value->role == ADZE_ROLE_CONSTANT && value->data && value->rank >= 0
         && !adze_graph_gives (graph, number);
}

static adze_error *
share_constants (adze_graph *graph)
{
  ADZE_AUTO_FREE uint32_t *kept = calloc (graph->value_count + 1, sizeof *kept);
  size_t count = 0;
  if (!kept)
    return adze_error_memory ();
  for (uint32_t i = 0; i < graph->value_count; i++) {
    if (!is_constant (graph, i))
      continue;
    size_t same = 0;
    while (same < count && !same_constant (graph->values[kept[same]], graph->values[i]))
      same++;
    if (same == count) {
      kept[count++] = i;
      continue;
    }
    ADZE_TRY (adze_graph_replace (graph, i, kept[same]));
    adze_pass_forget (graph, i);
  }
  return NULL;
}

/* ---- Nodes. */

static bool
gives_any (const adze_graph *graph, const adze_graph_node *node)
{
  for (size_t i = 0; i < node->output_count; i++)
    if (node->outputs[i] != ADZE_NONE && adze_graph_gives (graph, node->outputs[i]))
      return true;
  return false;
}

/* STAYS does the work of GOES as well. */
static adze_error *
merge (adze_graph *graph, const adze_graph_node *stays, const adze_graph_node *goes)
{
  adze_graph_remove_node (graph, goes->number);
  for (size_t i = 0; i < goes->output_count; i++)
    if (goes->outputs[i] != ADZE_NONE)
      ADZE_TRY (adze_graph_replace (graph, goes->outputs[i], stays->outputs[i]));
  return NULL;
}

/* Holds node number AT of the order against those in front of it. */
static adze_error *
look_back (adze_graph *graph, const uint32_t *order, size_t at, uint64_t *changed)
{
  const adze_graph_node *node = graph->nodes[order[at]];
  for (size_t i = 0; i < at; i++) {
    const adze_graph_node *earlier = graph->nodes[order[i]];
    if (!earlier || !same_node (earlier, node))
      continue;
    /* An output of the graph keeps its name; of two such outputs both nodes stay. */
    bool named = gives_any (graph, node);
    if (named && gives_any (graph, earlier))
      continue;
    ++*changed;
    return named ? merge (graph, node, earlier) : merge (graph, earlier, node);
  }
  return NULL;
}

adze_error *
adze_pass_common (adze_graph *graph, uint64_t *changed)
{
  const uint32_t *given;
  size_t count;
  ADZE_TRY (share_constants (graph));
  ADZE_TRY (adze_graph_order (graph, &given, &count));
  ADZE_AUTO_FREE uint32_t *order = malloc ((count + 1) * sizeof *order);
  if (!order)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    order[i] = given[i];
  for (size_t i = 0; i < count; i++)
    if (graph->nodes[order[i]] && adze_node_repeats (graph->nodes[order[i]]))
      ADZE_TRY (look_back (graph, order, i, changed));
  return NULL;
}
