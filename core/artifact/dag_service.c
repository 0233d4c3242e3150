/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/dag_service.c: adze.dag/1. */
#include "artifact/dag.h"
#include "plugin/host_table.h"

static adze_status
settle (const adze_host *host, adze_error *error)
{
  return error ? adze_desk_fail (adze_desk_of (host), error) : ADZE_OK;
}

static adze_status
read_text (const adze_host *host, const char *name, const void *data, size_t size, adze_dag **dag)
{
  *dag = NULL;
  return settle (host, adze_dag_read (name, data, size, dag));
}

static adze_status
make (const adze_host *host, const char *const *nodes, uint32_t node_count, const adze_dag_edge *edges,
      size_t edge_count, adze_dag **dag)
{
  *dag = NULL;
  return settle (host, adze_dag_make (nodes, node_count, edges, edge_count, dag));
}

static void
close_dag (const adze_host *host, adze_dag *dag)
{
  (void)host;
  adze_dag_free (dag);
}

static uint32_t
nodes_of (const adze_dag *dag)
{
  return dag->node_count;
}

static const char *
name_of (const adze_dag *dag, uint32_t node)
{
  return node < dag->node_count ? dag->names[node] : NULL;
}

static size_t
edges_of (const adze_dag *dag)
{
  return dag->edge_count;
}

static adze_dag_edge
edge_of (const adze_dag *dag, size_t index)
{
  return index < dag->edge_count ? dag->lines[index].edge : (adze_dag_edge){ 0, 0, 0, 0 };
}

static adze_status
separated (const adze_host *host, const adze_dag *dag, const uint32_t *x, size_t x_count, const uint32_t *y,
           size_t y_count, const uint32_t *z, size_t z_count, bool *yes)
{
  *yes = false;
  return settle (host, adze_dag_separated (dag, x, x_count, y, y_count, z, z_count, yes));
}

const adze_dag_service adze_dag_services = {
  .struct_size = sizeof adze_dag_services,
  .read = read_text,
  .make = make,
  .close = close_dag,
  .nodes = nodes_of,
  .name = name_of,
  .edges = edges_of,
  .edge = edge_of,
  .separated = separated,
  .ancestors = adze_dag_ancestors,
};
