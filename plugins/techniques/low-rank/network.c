/* SPDX-License-Identifier: Apache-2.0 */
/* low-rank in a network: whoever computed with the weight computes with the one factor, and with the other what
 * comes of that. The node that was there is the second of the two, so that what it makes keeps its name. */
#include <stdio.h>
#include <string.h>

#include "low-rank.h"

adze_graph *
low_rank_holder (const adze_graph_service *graphs, adze_graph *graph, const char *name)
{
  uint32_t value = graphs->find_value (graph, name);
  if (value != ADZE_NONE && graphs->value (graph, value)->role == ADZE_ROLE_WEIGHT)
    return graph;
  for (uint32_t i = 0; i < graphs->node_count (graph); i++) {
    const adze_graph_node *node = graphs->node (graph, i);
    for (size_t k = 0; node && k < node->attribute_count; k++) {
      adze_graph *body = (adze_graph *)(uintptr_t)node->attributes[k].graph;
      adze_graph *holder = body ? low_rank_holder (graphs, body, name) : NULL;
      if (holder)
        return holder;
    }
  }
  return NULL;
}

/* ---- What a node does with the weight. */

typedef enum use_kind {
  USE_NONE,    /* it does not take it */
  USE_PRODUCT, /* MatMul and Gemm */
  USE_CONV,
  USE_OTHER
} use_kind;

typedef struct use {
  use_kind kind;
  size_t index;    /* of the input that is the weight */
  const char *why; /* of another one */
} use;

static bool
is_op (const adze_graph_node *node, const char *op)
{
  return node->domain[0] == '\0' && strcmp (node->op, op) == 0;
}

/* How often, and *INDEX where first. */
static size_t
takes (const adze_graph_node *node, uint32_t weight, size_t *index)
{
  size_t times = 0;
  for (size_t i = node->input_count; i-- > 0;)
    if (node->inputs[i] == weight) {
      *index = i;
      times++;
    }
  return times;
}

static use
use_of (const adze_graph_node *node, uint32_t weight, int32_t rank)
{
  use u = { .kind = USE_NONE };
  size_t times = takes (node, weight, &u.index);
  if (times == 0)
    return u;
  u.kind = USE_OTHER;
  bool product = is_op (node, "MatMul") || is_op (node, "Gemm"), conv = is_op (node, "Conv");
  if (times > 1)
    u.why = "takes it more than once";
  else if (product && u.index < 2 && rank == 2)
    u.kind = USE_PRODUCT;
  else if (product)
    u.why = u.index < 2 ? "takes it as several matrices" : "adds it";
  else if (conv && u.index == 1 && adze_node_int (node, "group", 1) == 1)
    u.kind = USE_CONV;
  else if (conv)
    u.why = "has its channels in groups, each with a matrix of its own";
  else
    u.why = "is none of MatMul, Gemm and Conv";
  return u;
}

const char *
low_rank_obstacle (const adze_graph_service *graphs, adze_graph *graph, const adze_tensor_meta *meta, char *room,
                   size_t size)
{
  uint32_t weight = graphs->find_value (graph, meta->name);
  for (uint32_t i = 0; i < graphs->node_count (graph); i++) {
    const adze_graph_node *node = graphs->node (graph, i);
    use u = node ? use_of (node, weight, meta->rank) : (use){ .kind = USE_NONE };
    if (u.kind != USE_OTHER)
      continue;
    snprintf (room, size, "node '%s' (%s), which needs it, %s", node->name, node->op, u.why);
    return room;
  }
  size_t count;
  const uint32_t *outputs = graphs->outputs (graph, &count);
  for (size_t i = 0; i < count; i++)
    if (outputs[i] == weight)
      return "it is an output of the network";
  return NULL;
}

/* ---- Two in the place of one. */

typedef struct edit {
  adze_nodes b;
  uint32_t weight, u, v;
} edit;

static void
set_int (edit *e, uint32_t node, const char *name, int64_t number)
{
  const adze_graph_attribute attribute = adze_nodes_int (name, &number);
  if (e->b.status == ADZE_OK)
    e->b.status = e->b.graphs->set_attribute (e->b.host, e->b.graph, node, &attribute);
}

static void
set_input (edit *e, uint32_t node, size_t index, uint32_t value)
{
  if (e->b.status == ADZE_OK)
    e->b.status = e->b.graphs->set_input (e->b.host, e->b.graph, node, index, value);
}

/* Of a product the factor that stands next to what flows comes first: the right one of the weight's, unless the
 * weight stands on the right; and the other way round where it is turned. */
static void
split_product (edit *e, uint32_t number, size_t index)
{
  const adze_graph_node *node = e->b.graphs->node (e->b.graph, number);
  bool gemm = is_op (node, "Gemm");
  int64_t turned[2] = { adze_node_int (node, "transA", 0), adze_node_int (node, "transB", 0) };
  bool v_first = (index == 0) != (turned[index] != 0);
  uint32_t inputs[2], first = v_first ? e->v : e->u, second = v_first ? e->u : e->v;
  inputs[index] = first;
  inputs[1 - index] = node->inputs[1 - index];
  const adze_graph_attribute both[]
      = { adze_nodes_int ("transA", &turned[0]), adze_nodes_int ("transB", &turned[1]) };
  adze_node_recipe recipe = { .struct_size = sizeof recipe,
                              .op = gemm ? "Gemm" : "MatMul",
                              .inputs = inputs,
                              .input_count = 2,
                              .output_count = 1,
                              .attributes = gemm ? both : NULL,
                              .attribute_count = gemm ? 2 : 0 };
  uint32_t made = ADZE_NONE;
  if (e->b.status == ADZE_OK)
    e->b.status = e->b.graphs->add_node (e->b.host, e->b.graph, &recipe, &made);
  set_input (e, number, 1 - index, made);
  set_input (e, number, index, second);
  /* What was turned of the other input is turned by now. */
  if (gemm)
    set_int (e, number, index == 0 ? "transB" : "transA", 0);
}

/* All that the convolution was, but for its bias and fewer channels; no more of it than a sum over channels is left
 * behind it. */
static void
split_conv (edit *e, uint32_t number, int32_t dimensions)
{
  int64_t ones[ADZE_RANK_MAX], none[ADZE_RANK_MAX * 2] = { 0 };
  for (size_t i = 0; i < ADZE_RANK_MAX; i++)
    ones[i] = 1;
  const adze_graph_node *node = e->b.graphs->node (e->b.graph, number);
  uint32_t inputs[2] = { node->inputs[0], e->v }, made = ADZE_NONE;
  adze_node_recipe recipe = { .struct_size = sizeof recipe,
                              .op = "Conv",
                              .inputs = inputs,
                              .input_count = 2,
                              .output_count = 1,
                              .attributes = node->attributes,
                              .attribute_count = node->attribute_count };
  if (e->b.status == ADZE_OK)
    e->b.status = e->b.graphs->add_node (e->b.host, e->b.graph, &recipe, &made);
  set_input (e, number, 0, made);
  set_input (e, number, 1, e->u);
  static const char *const names[] = { "kernel_shape", "strides", "dilations", "pads" };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const adze_graph_attribute plain = { .struct_size = sizeof plain,
                                         .type = ADZE_ATTRIBUTE_INTS,
                                         .name = names[i],
                                         .count = (size_t)dimensions * (i == 3 ? 2 : 1),
                                         .ints = i == 3 ? none : ones };
    if (e->b.status == ADZE_OK)
      e->b.status = e->b.graphs->set_attribute (e->b.host, e->b.graph, number, &plain);
  }
  static const adze_text not_set = { "NOTSET", 6 };
  const adze_graph_attribute pad = { .struct_size = sizeof pad, .type = ADZE_ATTRIBUTE_TEXT, .name = "auto_pad",
                                     .count = 1, .texts = &not_set };
  if (e->b.status == ADZE_OK)
    e->b.status = e->b.graphs->set_attribute (e->b.host, e->b.graph, number, &pad);
}

adze_status
low_rank_edit (const adze_host *host, adze_graph *graph, const adze_tensor_meta *meta,
               const adze_tensor_meta *factors)
{
  edit e;
  uint32_t *made[] = { &e.u, &e.v };
  if (!adze_nodes_begin (&e.b, host, graph))
    return e.b.status;
  e.weight = e.b.graphs->find_value (graph, meta->name);
  for (int i = 0; e.b.status == ADZE_OK && i < 2; i++)
    e.b.status = e.b.graphs->add_weight (host, graph, factors[i].name, meta->dtype, meta->rank, factors[i].shape,
                                         made[i]);
  uint32_t count = e.b.graphs->node_count (graph);
  for (uint32_t i = 0; e.b.status == ADZE_OK && i < count; i++) {
    const adze_graph_node *node = e.b.graphs->node (graph, i);
    use u = node ? use_of (node, e.weight, meta->rank) : (use){ .kind = USE_NONE };
    if (u.kind == USE_PRODUCT)
      split_product (&e, i, u.index);
    else if (u.kind == USE_CONV)
      split_conv (&e, i, meta->rank - 2);
  }
  return e.b.status;
}
