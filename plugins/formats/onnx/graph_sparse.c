/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/graph_sparse.c: the nodes that a sparse initialiser is in a graph: zeros, into which values are put at their
 * places, in the tensor's shape. With indices of elements these are ConstantOfShape, ScatterElements and Reshape, as
 * the codec sparse makes them; with an index for each dimension ScatterND, which is written as nodes. */
#include "sparse.h"

#include <string.h>

#include <adze/draft/nodes.h>

/* ---- Making them. */

/* Zeros of the values' type. */
static uint32_t
zeros (adze_nodes *b, const onnx_sparse *sparse, const int64_t *shape, int64_t rank)
{
  const uint64_t nothing = 0;
  int64_t one = 1;
  adze_view view = { .device = { ADZE_DEVICE_CPU, 0 }, .rank = 1, .shape = &one };
  adze_graph_attribute value = { .struct_size = sizeof value, .type = ADZE_ATTRIBUTE_TENSOR, .name = "value",
                                 .count = 1, .tensor = &view };
  uint32_t size = adze_nodes_ints (b, shape, rank);
  view.data = (void *)(uintptr_t)&nothing;
  view.dtype = sparse->values.type->dtype;
  bool plain = adze_dtype_same (view.dtype, (adze_dtype){ ADZE_FLOAT, 32, 1 });
  return adze_nodes_add (b, "ConstantOfShape", &size, 1, plain ? NULL : &value);
}

adze_status
onnx_sparse_nodes_make (const adze_host *host, adze_graph *graph, const onnx_sparse *sparse,
                        uint32_t values, uint32_t indices, uint32_t *dense)
{
  adze_nodes b;
  const int64_t along = 0;
  int64_t all = 1;
  const adze_graph_attribute axis = adze_nodes_int ("axis", &along);
  uint32_t scatter[] = { ADZE_NONE, indices, values };
  bool by_element = sparse->indices.rank == 1;
  if (!adze_nodes_begin (&b, host, graph))
    return b.status;
  for (int32_t i = 0; i < sparse->rank; i++)
    all *= sparse->dims[i];
  scatter[0] = by_element ? zeros (&b, sparse, &all, 1) : zeros (&b, sparse, sparse->dims, sparse->rank);
  *dense = adze_nodes_add (&b, by_element ? "ScatterElements" : "ScatterND", scatter, 3,
                           by_element ? &axis : NULL);
  if (by_element)
    *dense = adze_nodes_reshape (&b, *dense, sparse->dims, sparse->rank);
  return b.status;
}

/* ---- Finding them. */

/* The node that makes VALUE, if it is one of ONNX's own of this kind with so many inputs. */
static const adze_graph_node *
maker (const adze_graph_service *graphs, const adze_graph *graph, uint32_t value, const char *op,
       size_t inputs)
{
  uint32_t number = value == ADZE_NONE ? ADZE_NONE : graphs->value (graph, value)->node;
  const adze_graph_node *node = number == ADZE_NONE ? NULL : graphs->node (graph, number);
  return node && !node->domain[0] && strcmp (node->op, op) == 0 && node->input_count == inputs
             ? node
             : NULL;
}

static const int64_t *
numbers_of (const adze_graph_service *graphs, const adze_graph *graph, uint32_t value, int32_t *count)
{
  const adze_graph_value *found = value == ADZE_NONE ? NULL : graphs->value (graph, value);
  if (!found || found->role != ADZE_ROLE_CONSTANT || !found->data || found->rank != 1
      || found->shape[0] > ADZE_RANK_MAX || !adze_dtype_same (found->dtype, (adze_dtype){ ADZE_INT, 64, 1 }))
    return NULL;
  *count = (int32_t)found->shape[0];
  return (const int64_t *)found->data;
}

/* Of these VALUES none is taken by somebody else. */
static bool
are_used_once (const uint32_t *used, const uint32_t *values, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (values[i] == ADZE_NONE || used[values[i]] != 1)
      return false;
  return true;
}

static bool
is_list (const adze_graph_value *value, adze_dtype dtype)
{
  return value->role == ADZE_ROLE_WEIGHT && value->rank == 1 && !value->fixed
         && adze_dtype_same (value->dtype, dtype);
}

static bool
belong_together (const adze_graph_value *values, const adze_graph_value *indices)
{
  size_t size = strlen (values->name);
  return is_list (values, (adze_dtype){ ADZE_FLOAT, 32, 1 })
         && is_list (indices, (adze_dtype){ ADZE_INT, 64, 1 }) && values->shape[0] == indices->shape[0]
         && strncmp (indices->name, values->name, size) == 0
         && strcmp (indices->name + size, ONNX_INDICES) == 0;
}

static bool
is_output (const adze_graph_service *graphs, const adze_graph *graph, uint32_t value)
{
  size_t count;
  const uint32_t *outputs = graphs->outputs (graph, &count);
  for (size_t i = 0; i < count; i++)
    if (outputs[i] == value)
      return true;
  return false;
}

static bool
fills (const int64_t *dims, int32_t rank, int64_t count)
{
  int64_t all = 1;
  for (int32_t i = 0; i < rank; i++)
    if (dims[i] < 1 || __builtin_mul_overflow (all, dims[i], &all))
      return false;
  return all == count;
}

bool
onnx_sparse_nodes_at (const adze_graph_service *graphs, const adze_graph *graph, const uint32_t *used,
                      uint32_t number, onnx_sparse_nodes *found)
{
  const adze_graph_node *last = graphs->node (graph, number);
  if (!last || last->output_count != 1 || strcmp (last->op, "Reshape") != 0 || last->attribute_count > 0
      || !maker (graphs, graph, last->outputs[0], "Reshape", 2))
    return false;
  const adze_graph_node *scatter = maker (graphs, graph, last->inputs[0], "ScatterElements", 3);
  const adze_graph_node *first
      = scatter ? maker (graphs, graph, scatter->inputs[0], "ConstantOfShape", 1) : NULL;
  const adze_graph_attribute *axis = scatter ? adze_node_attribute (scatter, "axis") : NULL;
  if (!first || first->attribute_count > 0 || scatter->attribute_count > 1
      || (scatter->attribute_count == 1 && (!axis || axis->ints[0] != 0)))
    return false;
  int32_t one = 0, rank = 0;
  const int64_t *dims = numbers_of (graphs, graph, last->inputs[1], &rank);
  const int64_t *count = numbers_of (graphs, graph, first->inputs[0], &one);
  *found = (onnx_sparse_nodes){ last->outputs[0], scatter->inputs[2], scatter->inputs[1],
                                { number, scatter->number, first->number },
                                { last->inputs[1], first->inputs[0] } };
  return count && one == 1 && dims && fills (dims, rank, *count)
         && are_used_once (used, scatter->inputs, 3) && are_used_once (used, last->inputs, 1)
         && belong_together (graphs->value (graph, found->values), graphs->value (graph, found->indices))
         && !is_output (graphs, graph, found->dense);
}
