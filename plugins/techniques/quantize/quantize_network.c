/* SPDX-License-Identifier: Apache-2.0 */
/* quantize_network.c: a weight of a network becomes codes, and nodes stand between these and whoever computes
 * with the numbers. */
#include "quantize.h"

#include <string.h>

static adze_status
add_plane (const quantize_edit *e, uint32_t number, const adze_tensor_meta *plane, uint32_t *value)
{
  if (number > 0)
    return e->graphs->add_weight (e->host, e->graph, plane->name, plane->dtype, plane->rank,
                                  plane->shape, value);
  *value = e->weight;
  return e->graphs->set_type (e->host, e->graph, e->weight, plane->dtype, plane->rank, plane->shape);
}

/* Whoever took the weight takes what is made of its codes; nodes from FIRST on make that. */
static adze_status
move_users (const quantize_edit *e, uint32_t first, uint32_t numbers)
{
  for (uint32_t i = 0; i < first; i++) {
    const adze_graph_node *node = e->graphs->node (e->graph, i);
    for (size_t k = 0; node && k < node->input_count; k++) {
      if (node->inputs[k] != e->weight)
        continue;
      adze_status status = e->graphs->set_input (e->host, e->graph, i, k, numbers);
      if (status != ADZE_OK)
        return status;
      node = e->graphs->node (e->graph, i);
    }
  }
  return ADZE_OK;
}

/* The graph that has the weight: that of the network, or the body of one of its nodes. NULL: none. */
static adze_graph *
holder_of (const adze_graph_service *graphs, adze_graph *graph, const char *name)
{
  uint32_t value = graphs->find_value (graph, name);
  if (value != ADZE_NONE && graphs->value (graph, value)->role == ADZE_ROLE_WEIGHT)
    return graph;
  for (uint32_t i = 0; i < graphs->node_count (graph); i++) {
    const adze_graph_node *node = graphs->node (graph, i);
    for (size_t k = 0; node && k < node->attribute_count; k++) {
      adze_graph *body = (adze_graph *)node->attributes[k].graph;
      adze_graph *holder = body ? holder_of (graphs, body, name) : NULL;
      if (holder)
        return holder;
    }
  }
  return NULL;
}

/* MatMul has outputs in the last dimension of its second factor, and so has Gemm unless it turns it. */
bool
quantize_sums_rows (const adze_host *host, adze_outline *outline, const adze_tensor_meta *meta)
{
  const adze_graph_service *graphs = adze_graph_of (host);
  adze_graph *graph = NULL;
  bool sums = false;
  if (adze_outline_of (host)->network (host, outline, &graph) != ADZE_OK || !graph)
    return false;
  graph = holder_of (graphs, graph, meta->name);
  uint32_t weight = graph ? graphs->find_value (graph, meta->name) : ADZE_NONE;
  for (uint32_t i = 0; graph && i < graphs->node_count (graph); i++) {
    const adze_graph_node *node = graphs->node (graph, i);
    if (node && node->input_count > 1 && node->inputs[1] == weight)
      sums = sums || strcmp (node->op, "MatMul") == 0
             || (strcmp (node->op, "Gemm") == 0 && !adze_node_int (node, "transB", 0));
  }
  return sums;
}

adze_status
quantize_has_network (const adze_host *host, adze_outline *outline, bool *network)
{
  adze_graph *graph = NULL;
  adze_status status = adze_outline_of (host)->network (host, outline, &graph);
  *network = graph != NULL;
  return status;
}

adze_status
quantize_network (const adze_host *host, adze_outline *outline, adze_codec_use *use,
                  const adze_tensor_meta *meta, const adze_coded *coded,
                  const adze_tensor_meta *metas, bool dynamic)
{
  quantize_edit e = { .host = host, .graphs = adze_graph_of (host), .meta = meta };
  uint32_t planes[ADZE_PLANES_MAX], numbers;
  adze_status status = adze_outline_of (host)->network (host, outline, &e.graph);
  if (status != ADZE_OK)
    return status;
  if (!e.graph)
    return dynamic ? adze_fail (host, ADZE_E_UNSUPPORTED,
                                "dynamic = true is for networks, and the model with '%s' has none: what is "
                                "multiplied with it nobody knows",
                                meta->name)
                   : ADZE_OK;
  e.graph = holder_of (e.graphs, e.graph, meta->name);
  if (!e.graph)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "'%s' is no weight of the network, so nobody would make numbers of its codes; a "
                      "rule with skip = true leaves it out",
                      meta->name);
  e.weight = e.graphs->find_value (e.graph, meta->name);
  uint32_t first = e.graphs->node_count (e.graph);
  for (uint32_t i = 0; status == ADZE_OK && i < coded->plane_count; i++)
    status = add_plane (&e, i, &metas[i], &planes[i]);
  if (status == ADZE_OK)
    status = adze_codecs_of (host)->graph (host, use, meta, coded, e.graph, planes, &numbers);
  if (status != ADZE_OK)
    return status;
  return dynamic ? quantize_dynamic (&e, first, numbers) : move_users (&e, first, numbers);
}
