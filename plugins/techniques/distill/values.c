/* SPDX-License-Identifier: Apache-2.0 */
/* Values of networks by name, and what is compared of them. */
#include "distill.h"

/* ---- By name. */

static bool
is_fresh (const char *name)
{
  return name[0] == '%'; /* by the graph, where nobody has named it */
}

/* Names of what there is, as far as there is room. */
static void
list_values (const distill *d, const adze_graph *graph, char *text, size_t size)
{
  size_t used = 0;
  text[0] = '\0';
  for (uint32_t n = 0; n < d->graphs->node_count (graph) && used + 1 < size; n++) {
    const adze_graph_node *node = d->graphs->node (graph, n);
    if (!node || node->output_count == 0 || node->outputs[0] == ADZE_NONE)
      continue;
    const adze_graph_value *value = d->graphs->value (graph, node->outputs[0]);
    const char *name = is_fresh (value->name) ? node->name : value->name;
    if (name[0] && !is_fresh (name) && value->dtype.code == ADZE_FLOAT && value->rank > 1)
      used += (size_t)snprintf (text + used, size - used, "%s'%s'", used ? ", " : "", name);
  }
  if (used + 1 >= size)
    snprintf (text + size - 5, 5, " ...");
}

static uint32_t
find_node (const distill *d, const adze_graph *graph, const char *name)
{
  for (uint32_t n = 0; n < d->graphs->node_count (graph); n++) {
    const adze_graph_node *node = d->graphs->node (graph, n);
    if (node && node->output_count > 0 && strcmp (node->name, name) == 0)
      return node->outputs[0];
  }
  return ADZE_NONE;
}

adze_status
distill_find_value (const distill *d, const adze_graph *graph, const char *name, const char *whose,
                    const char *param, uint32_t *value)
{
  char names[600];
  *value = d->graphs->find_value (graph, name);
  if (*value == ADZE_NONE)
    *value = find_node (d, graph, name);
  const adze_graph_value *found = *value == ADZE_NONE ? NULL : d->graphs->value (graph, *value);
  if (found && (found->role == ADZE_ROLE_NODE || found->role == ADZE_ROLE_INPUT))
    return ADZE_OK;
  list_values (d, graph, names, sizeof names);
  return adze_fail (d->host, ADZE_E_NOT_FOUND, "parameter '%s': the %s has no value, and no node, called '%s'%s; "
                    "there are %s",
                    param, whose, name, found ? " that an example has" : "", names);
}

/* ---- Nodes. */

uint32_t
distill_add_ints (adze_nodes *b, const char *op, uint32_t value, const char *attribute, const int64_t *numbers,
                  size_t count)
{
  adze_graph_attribute list;
  memset (&list, 0, sizeof list);
  list.struct_size = sizeof list;
  list.type = ADZE_ATTRIBUTE_INTS;
  list.name = attribute;
  list.count = count;
  list.ints = numbers;
  return adze_nodes_add (b, op, &value, 1, &list);
}

/* Dimensions stay, of size 1. */
uint32_t
distill_reduce (adze_nodes *b, const char *op, uint32_t value, const int64_t *axes, int64_t count)
{
  return strcmp (op, "ReduceSum") == 0 ? adze_nodes_pair (b, op, value, adze_nodes_ints (b, axes, count))
                                       : distill_add_ints (b, op, value, "axes", axes, (size_t)count);
}

/* Of all elements, without dimensions. */
uint32_t
distill_mean (adze_nodes *b, uint32_t value)
{
  const int64_t none = 0;
  const adze_graph_attribute keep = adze_nodes_int ("keepdims", &none);
  return adze_nodes_add (b, "ReduceMean", &value, 1, &keep);
}

uint32_t
distill_times (adze_nodes *b, uint32_t value, double number)
{
  const float single = (float)number;
  return number == 1 ? value : adze_nodes_pair (b, "Mul", value, adze_nodes_floats (b, &single, 1));
}

uint32_t
distill_plus (adze_nodes *b, uint32_t value, double number)
{
  const float single = (float)number;
  return adze_nodes_pair (b, "Add", value, adze_nodes_floats (b, &single, 1));
}

/* ---- What is compared. */

/* [N, everything else]. */
static uint32_t
flatten (adze_nodes *b, uint32_t value, int32_t rank)
{
  const int64_t shape[] = { 0, -1 };
  return rank == 2 ? value : adze_nodes_reshape (b, value, shape, 2);
}

/* The sum of squares over channels at each place; its length is 1 for each example, so that it says where, and not
 * how much. */
static uint32_t
attention (adze_nodes *b, uint32_t value)
{
  const double least = 1e-12; /* where all is zero there is nothing to divide */
  const int64_t channels = 1, shape[] = { 0, -1 };
  uint32_t squares = distill_reduce (b, "ReduceSum", adze_nodes_pair (b, "Mul", value, value), &channels, 1);
  uint32_t map = adze_nodes_reshape (b, squares, shape, 2);
  uint32_t length = distill_reduce (b, "ReduceSum", adze_nodes_pair (b, "Mul", map, map), &channels, 1);
  length = distill_plus (b, length, least);
  length = adze_nodes_add (b, "Sqrt", &length, 1, NULL);
  return adze_nodes_pair (b, "Div", map, length);
}

static adze_status
check_value (const distill *d, const adze_graph *graph, distill_kind kind, const adze_graph_value *value,
             const char *whose)
{
  char shape[160];
  int32_t least = kind == DISTILL_ATTENTION ? 3 : 2;
  adze_feed_shape (d->host, graph, value->rank, value->shape, shape, sizeof shape);
  if (!adze_dtype_is_float (value->dtype))
    return adze_fail (d->host, ADZE_E_UNSUPPORTED, "the value '%s' of the %s is no float", value->name, whose);
  if (value->rank >= least)
    return ADZE_OK;
  return adze_fail (d->host, ADZE_E_FORMAT,
                    kind == DISTILL_ATTENTION
                        ? "the value '%s' of the %s is %s; attention is where something is, and needed are examples, "
                          "channels, and places behind them"
                        : "the value '%s' of the %s is %s; needed are examples, and numbers of each",
                    value->name, whose, shape);
}

adze_status
distill_prepare (const distill *d, adze_graph *graph, distill_kind kind, uint32_t value, const char *whose,
                 uint32_t *prepared)
{
  const adze_graph_value *v = d->graphs->value (graph, value);
  const adze_dtype single = { ADZE_FLOAT, 32, 1 };
  int32_t rank = v->rank;
  adze_nodes b;
  adze_status status = check_value (d, graph, kind, v, whose);
  if (status != ADZE_OK)
    return status;
  if (!adze_nodes_begin (&b, d->host, graph))
    return b.status;
  *prepared = adze_dtype_same (v->dtype, single) ? value : adze_nodes_cast (&b, value, ADZE_NODES_FLOAT);
  if (kind == DISTILL_ATTENTION)
    *prepared = attention (&b, *prepared);
  else if (kind == DISTILL_RELATION)
    *prepared = flatten (&b, *prepared, rank);
  return b.status;
}
