/* SPDX-License-Identifier: Apache-2.0 */
/* graph/service.c: adze.graph/1: the graph as plugins meet it. */
#include "graph/gradient.h"
#include "graph/groups.h"
#include "graph/optimise.h"
#include "plugin/host_table.h"

static uint32_t
value_count (const adze_graph *graph)
{
  return adze_graph_value_count (graph);
}

static uint32_t
node_count (const adze_graph *graph)
{
  return adze_graph_node_count (graph);
}

/* NULL where nodes wait for each other; verify says which. Finding it changes nothing that can be
 * seen, and plugins meet bodies, and graphs that they are to write, as const. */
static const uint32_t *
order (const adze_graph *graph, size_t *count)
{
  const uint32_t *numbers = NULL;
  ADZE_AUTO_ERROR error
      = adze_graph_order ((adze_graph *)(uintptr_t)graph, &numbers, count);
  if (error)
    *count = 0;
  return error ? NULL : numbers;
}

static adze_status
answer (const adze_host *host, adze_error *error)
{
  return error ? adze_desk_fail (adze_desk_of (host), error) : ADZE_OK;
}

static adze_status
add_value (const adze_host *host, adze_graph *graph, const char *name, uint32_t *value)
{
  return answer (host, adze_graph_add_value (graph, name, value));
}

static adze_status
add_input (const adze_host *host, adze_graph *graph, const char *name, adze_dtype dtype,
           int32_t rank, const int64_t *shape, uint32_t *value)
{
  return answer (host, adze_graph_add_input (graph, name, dtype, rank, shape, value));
}

static adze_status
add_weight (const adze_host *host, adze_graph *graph, const char *name, adze_dtype dtype,
            int32_t rank, const int64_t *shape, uint32_t *value)
{
  return answer (host, adze_graph_add_weight (graph, name, dtype, rank, shape, value));
}

static adze_status
fix_weight (const adze_host *host, adze_graph *graph, uint32_t weight)
{
  return answer (host, adze_graph_fix_weight (graph, weight));
}

static adze_status
set_type (const adze_host *host, adze_graph *graph, uint32_t value, adze_dtype dtype, int32_t rank,
          const int64_t *shape)
{
  return answer (host, adze_graph_change_type (graph, value, dtype, rank, shape));
}

static adze_status
add_constant (const adze_host *host, adze_graph *graph, const char *name, const adze_view *numbers,
              uint32_t *value)
{
  return answer (host, adze_graph_add_constant (graph, name, numbers, value));
}

static adze_status
add_symbol (const adze_host *host, adze_graph *graph, const char *name, int64_t *dimension)
{
  return answer (host, adze_graph_add_symbol (graph, name, dimension));
}

static adze_status
add_node (const adze_host *host, adze_graph *graph, const adze_node_recipe *recipe,
          uint32_t *outputs)
{
  return answer (host, adze_graph_add_node (graph, recipe, outputs));
}

static adze_status
add_output (const adze_host *host, adze_graph *graph, uint32_t value)
{
  return answer (host, adze_graph_add_output (graph, value));
}

static adze_status
declare (const adze_host *host, adze_graph *graph, uint32_t value, adze_dtype dtype, int32_t rank,
         const int64_t *shape)
{
  return answer (host, adze_graph_set_type (graph, value, dtype, rank, shape));
}

static adze_status
add_body (const adze_host *host, adze_graph *graph, adze_graph **body)
{
  return answer (host, adze_graph_add_body (graph, NULL, body));
}

static adze_status
replace (const adze_host *host, adze_graph *graph, uint32_t old_value, uint32_t new_value)
{
  return answer (host, adze_graph_replace (graph, old_value, new_value));
}

static adze_error *
no_node (const adze_graph *graph, uint32_t node)
{
  return adze_error_new (ADZE_E_CONTRACT, "graph '%s' has no node number %u",
                         adze_graph_name (graph), node);
}

static adze_status
remove_node (const adze_host *host, adze_graph *graph, uint32_t node)
{
  if (!adze_graph_node_at (graph, node))
    return answer (host, no_node (graph, node));
  adze_graph_remove_node (graph, node);
  return ADZE_OK;
}

static adze_status
verify (const adze_host *host, adze_graph *graph)
{
  return answer (host, adze_graph_verify (graph));
}

static adze_status
set_opset (const adze_host *host, adze_graph *graph, int64_t opset)
{
  (void)host;
  adze_graph_set_opset (graph, opset);
  return ADZE_OK;
}

static adze_status
set_data (const adze_host *host, adze_graph *graph, uint32_t value, const void *data, size_t size)
{
  return answer (host, adze_graph_set_data (graph, value, data, size, true));
}

static adze_status
differentiate (const adze_host *host, adze_graph *graph, uint32_t scalar, const uint32_t *values,
               size_t count, uint32_t *gradients)
{
  return answer (host, adze_graph_differentiate (graph, scalar, values, count, gradients));
}

static adze_status
remove_dead (const adze_host *host, adze_graph *graph, size_t *count)
{
  size_t removed = adze_graph_remove_dead (graph);
  (void)host;
  if (count)
    *count = removed;
  return ADZE_OK;
}

static adze_status
set_input (const adze_host *host, adze_graph *graph, uint32_t node, size_t index, uint32_t value)
{
  if (!adze_graph_node_at (graph, node))
    return answer (host, no_node (graph, node));
  return answer (host, adze_graph_set_input (graph, node, index, value));
}

static adze_status
set_attribute (const adze_host *host, adze_graph *graph, uint32_t node,
               const adze_graph_attribute *attribute)
{
  if (!adze_graph_node_at (graph, node))
    return answer (host, no_node (graph, node));
  return answer (host, adze_graph_set_attribute (graph, node, attribute));
}

static adze_status
set_gradient (const adze_host *host, adze_graph *graph, uint32_t node, uint32_t kind,
              adze_graph *body)
{
  return answer (host, adze_graph_set_gradient (graph, node, kind, body));
}

static adze_status
optimise (const adze_host *host, adze_graph *graph, uint32_t passes, uint64_t *changed)
{
  return answer (host, adze_graph_optimise (graph, passes, changed));
}

/* ---- Channels. */

static adze_status
find_groups (const adze_host *host, const adze_graph *graph, adze_groups **groups)
{
  *groups = NULL;
  return answer (host, adze_groups_find (graph, groups));
}

static uint32_t
why_fixed (const adze_groups *groups, uint32_t value, int32_t axis, uint32_t *node)
{
  return (uint32_t)adze_groups_why (groups, value, axis, node);
}

static adze_status
remove_channels (const adze_host *host, adze_graph *graph, const adze_groups *groups,
                 const bool *const *removed)
{
  return answer (host, adze_groups_remove (groups, graph, removed));
}

const adze_graph_service adze_graph_table = {
  .struct_size = sizeof adze_graph_table,
  .value_count = value_count,
  .node_count = node_count,
  .value = adze_graph_value_at,
  .node = adze_graph_node_at,
  .order = order,
  .inputs = adze_graph_inputs,
  .outputs = adze_graph_outputs,
  .symbol = adze_graph_symbol,
  .find_value = adze_graph_find,
  .add_value = add_value,
  .add_input = add_input,
  .add_weight = add_weight,
  .add_constant = add_constant,
  .add_symbol = add_symbol,
  .add_node = add_node,
  .add_output = add_output,
  .declare = declare,
  .add_body = add_body,
  .replace = replace,
  .remove_node = remove_node,
  .verify = verify,
  .set_opset = set_opset,
  .set_data = set_data,
  .differentiate = differentiate,
  .remove_dead = remove_dead,
  .set_input = set_input,
  .set_attribute = set_attribute,
  .set_gradient = set_gradient,
  .optimise = optimise,
  .fix_weight = fix_weight,
  .set_type = set_type,
  .find_groups = find_groups,
  .free_groups = adze_groups_free,
  .group_count = adze_groups_count,
  .group = adze_groups_at,
  .why_fixed = why_fixed,
  .remove_channels = remove_channels,
};
