/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/damage.h: weights of a network that are damaged, and numbers in its nodes. Tier: draft.
 *
 * NaN is damage wherever it is. An infinity may be meant, as "never" in front of a softmax or as a bound that bounds
 * nothing; where a product takes it, it is not. Not every backend hands such numbers on: the Relu of some makes 0 of
 * NaN, and what comes out looks sound. So who uses weights as they are given looks at them first. What learns by
 * adze.train/1 need not: that does. All inline: what is compiled in here belongs to the plugin.
 */
#ifndef ADZE_DRAFT_DAMAGE_H
#define ADZE_DRAFT_DAMAGE_H

#include <stdbool.h>
#include <string.h>

#include <adze/draft/graph.h>
#include <adze/error.h>
#include <adze/numbers.h>

ADZE_BEGIN_DECLS

typedef struct adze_damage {
  const char *name; /* the first weight that is damaged, or the node; NULL: none is */
  size_t index;     /* of the number in it, row after row */
  bool endless;     /* an infinity, and not NaN */
  size_t count;     /* of weights and attributes that are damaged */
  const char *attribute; /* of the node NAME; NULL: NAME is a weight */
} adze_damage;

static inline bool
adze_damage_is_one_of (const char *op, const char *const *ops, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (strcmp (op, ops[i]) == 0)
      return true;
  return false;
}

static inline bool
adze_damage_is_product (const char *op)
{
  static const char *const products[]
      = { "MatMul", "Gemm", "Conv", "ConvTranspose", "Mul", "BatchNormalization", "LayerNormalization",
          "LSTM", "GRU", "RNN", "Div", "DequantizeLinear", "QuantizeLinear", "QLinearMatMul", "QLinearConv" };
  return adze_damage_is_one_of (op, products, sizeof products / sizeof *products);
}

/* Does what value NUMBER has come to a node that multiplies with it? It may be turned on its way. */
static inline bool
adze_damage_is_multiplied (const adze_graph_service *graphs, const adze_graph *graph, uint32_t number)
{
  static const char *const moves[] = { "Identity", "Cast", "Transpose", "Reshape" };
  for (uint32_t n = 0; n < graphs->node_count (graph); n++) {
    const adze_graph_node *node = graphs->node (graph, n);
    for (size_t i = 0; node && i < node->input_count; i++)
      if (node->inputs[i] == number
          && (adze_damage_is_product (node->op)
              || (i == 0 && adze_damage_is_one_of (node->op, moves, sizeof moves / sizeof *moves)
                  && adze_damage_is_multiplied (graphs, graph, node->outputs[0]))))
        return true;
  }
  return false;
}

/* The first NaN, or the first infinity; SIZE_MAX: there is none. */
static inline size_t
adze_damage_first (adze_dtype dtype, const void *data, size_t count, bool endless)
{
  size_t each = dtype.bits / 8u;
  for (size_t at = 0, size; at < count; at += size) {
    double block[256];
    size = count - at < 256 ? count - at : 256;
    adze_doubles_read (dtype, (const char *)data + at * each, size, block);
    for (size_t i = 0; i < size; i++)
      if (block[i] - block[i] != 0 && (block[i] == block[i]) == endless)
        return at + i;
  }
  return SIZE_MAX;
}

/* What is at DATA is what value NUMBER of the graph has, or an attribute of the node OP that makes it. */
static inline void
adze_damage_look (const adze_graph_service *graphs, const adze_graph *graph, uint32_t number, adze_dtype dtype,
                  const void *data, size_t count, const char *name, const char *op, const char *attribute,
                  adze_damage *found)
{
  if (!adze_dtype_is_float (dtype) || adze_numbers_are_finite (dtype, data, count))
    return;
  size_t index = adze_damage_first (dtype, data, count, false);
  bool endless = index == SIZE_MAX;
  if (endless && !(op && adze_damage_is_product (op)) && !adze_damage_is_multiplied (graphs, graph, number))
    return;
  if (found->count++ > 0)
    return;
  found->name = name;
  found->attribute = attribute;
  found->endless = endless;
  found->index = endless ? adze_damage_first (dtype, data, count, true) : index;
}

static inline size_t
adze_damage_size (const int64_t *shape, int32_t rank)
{
  size_t count = 1;
  for (int32_t i = 0; i < rank; i++)
    count *= (size_t)shape[i];
  return count;
}

static inline void
adze_damage_look_at_value (const adze_graph_service *graphs, const adze_graph *graph, uint32_t number,
                           adze_damage *found)
{
  const adze_graph_value *value = graphs->value (graph, number);
  if (value->data && value->rank >= 0)
    adze_damage_look (graphs, graph, number, value->dtype, value->data, adze_damage_size (value->shape, value->rank),
                      value->name, NULL, NULL, found);
}

static inline void adze_damage_add (const adze_graph_service *graphs, const adze_graph *graph, adze_damage *found);

/* Constants, and numbers such as Gemm's alpha. Where infinities count is where the node's first output goes. */
static inline void
adze_damage_look_at_node (const adze_graph_service *graphs, const adze_graph *graph, const adze_graph_node *node,
                          adze_damage *found)
{
  const adze_dtype real = { ADZE_FLOAT, 32, 1 };
  const char *name = *node->name ? node->name : node->op;
  for (size_t i = 0; i < node->attribute_count; i++) {
    const adze_graph_attribute *attribute = &node->attributes[i];
    const adze_view *tensor = attribute->tensor;
    if (attribute->type == ADZE_ATTRIBUTE_GRAPH)
      adze_damage_add (graphs, attribute->graph, found);
    else if (attribute->type == ADZE_ATTRIBUTE_FLOAT || attribute->type == ADZE_ATTRIBUTE_FLOATS)
      adze_damage_look (graphs, graph, node->outputs[0], real, attribute->floats, attribute->count, name,
                        node->op, attribute->name, found);
    else if (attribute->type == ADZE_ATTRIBUTE_TENSOR && tensor->data)
      adze_damage_look (graphs, graph, node->outputs[0], tensor->dtype,
                        (const char *)tensor->data + tensor->byte_offset,
                        adze_damage_size (tensor->shape, tensor->rank), name, node->op, attribute->name, found);
  }
}

/* Bodies of If, Loop and Scan are looked at as well. */
static inline void
adze_damage_add (const adze_graph_service *graphs, const adze_graph *graph, adze_damage *found)
{
  for (uint32_t i = 0; i < graphs->value_count (graph); i++)
    adze_damage_look_at_value (graphs, graph, i, found);
  for (uint32_t n = 0; n < graphs->node_count (graph); n++) {
    const adze_graph_node *node = graphs->node (graph, n);
    if (node)
      adze_damage_look_at_node (graphs, graph, node, found);
  }
}

static inline adze_damage
adze_damage_find (const adze_host *host, const adze_graph *graph)
{
  adze_damage found;
  memset (&found, 0, sizeof found);
  adze_damage_add (adze_graph_of (host), graph, &found);
  return found;
}

/* Refuses GRAPH, of the model at PORT, where a weight of it is damaged. */
static inline adze_status
adze_damage_refuse (const adze_host *host, const adze_graph *graph, const char *port)
{
  const adze_damage found = adze_damage_find (host, graph);
  if (found.count == 0)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_FORMAT,
                    "of the model at the port '%s', %s%s%s'%s' has %s at element %zu: it is damaged, and not every "
                    "backend shows it in what it computes; needed are numbers",
                    port, found.attribute ? "the attribute '" : "", found.attribute ? found.attribute : "",
                    found.attribute ? "' of the node " : "", found.name, found.endless ? "an infinity, which a product takes," : "NaN", found.index);
}

ADZE_END_DECLS

#endif
