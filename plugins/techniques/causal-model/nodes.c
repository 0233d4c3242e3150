/* SPDX-License-Identifier: Apache-2.0 */
/* nodes.c: the nodes of a model. */
#include "model.h"

uint32_t
scm_find (const scm *m, const char *name, size_t size)
{
  for (uint32_t i = 0; i < m->count; i++)
    if (strlen (m->nodes[i].name) == size && memcmp (m->nodes[i].name, name, size) == 0)
      return i;
  return SCM_NONE;
}

adze_status
scm_add_node (scm *m, const char *name, size_t size, uint32_t *index)
{
  *index = scm_find (m, name, size);
  if (*index != SCM_NONE)
    return ADZE_OK;
  if (m->count == SCM_NODES)
    return adze_fail (m->host, ADZE_E_UNSUPPORTED, "the model has more than %d nodes", (int)SCM_NODES);
  char *copy = (char *)m->host->allocate (m->host, size + 1);
  if (!copy)
    return adze_fail (m->host, ADZE_E_MEMORY, "no room for the name of a node");
  memcpy (copy, name, size);
  *index = m->count;
  m->nodes[m->count++].name = copy;
  return ADZE_OK;
}

static adze_status
take_edge (scm *m, const adze_dag *dag, adze_dag_edge edge)
{
  const adze_dag_service *dags = adze_dag_of (m->host);
  scm_node *from = &m->nodes[edge.from], *to = &m->nodes[edge.to];
  if (edge.mark == ADZE_DAG_EITHER)
    return adze_fail (m->host, ADZE_E_UNSUPPORTED,
                      "its port 'graph': the direction of '%s --- %s' is not known, and what causes what must be",
                      dags->name (dag, edge.from), dags->name (dag, edge.to));
  if (edge.mark == ADZE_DAG_HIDDEN) {
    from->hidden = to->hidden = true;
    return ADZE_OK;
  }
  if (to->parent_count == SCM_PARENTS)
    return adze_fail (m->host, ADZE_E_UNSUPPORTED, "its port 'graph': '%s' has more than %d parents", to->name,
                      (int)SCM_PARENTS);
  to->parents[to->parent_count++] = edge.from;
  return ADZE_OK;
}

static adze_status
take_graph (scm *m, const adze_dag *dag)
{
  const adze_dag_service *dags = adze_dag_of (m->host);
  adze_status status = ADZE_OK;
  for (uint32_t i = 0; status == ADZE_OK && i < dags->nodes (dag); i++) {
    uint32_t index = 0;
    status = scm_add_node (m, dags->name (dag, i), strlen (dags->name (dag, i)), &index);
  }
  for (size_t i = 0; status == ADZE_OK && i < dags->edges (dag); i++)
    status = take_edge (m, dag, dags->edge (dag, i));
  return status;
}

adze_status
scm_read_graph (scm *m)
{
  const adze_dag_service *dags = adze_dag_of (m->host);
  const void *bytes = NULL;
  size_t size = 0;
  adze_dag *dag = NULL;
  if (!dags)
    return adze_fail (m->host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_DAG);
  adze_status status = scm_read_port (m, "graph", &bytes, &size);
  if (status == ADZE_OK)
    status = dags->read (m->host, "its port 'graph'", bytes, size, &dag);
  if (status == ADZE_OK)
    status = take_graph (m, dag);
  dags->close (m->host, dag);
  return status;
}

adze_status
scm_sort (scm *m)
{
  uint8_t done[SCM_NODES] = { 0 };
  m->order = (uint32_t *)m->host->allocate (m->host, (m->count + 1) * sizeof *m->order);
  if (!m->order)
    return adze_fail (m->host, ADZE_E_MEMORY, "no room for %u nodes", (unsigned)m->count);
  for (uint32_t at = 0; at < m->count; at++) {
    uint32_t next = 0;
    for (; next < m->count; next++) {
      bool ready = !done[next];
      for (uint32_t k = 0; ready && k < m->nodes[next].parent_count; k++)
        ready = done[m->nodes[next].parents[k]];
      if (ready)
        break;
    }
    if (next == m->count)
      return adze_fail (m->host, ADZE_E_FORMAT, "the equations lead in a circle: what is a cause of itself has no value");
    done[next] = 1;
    m->order[at] = next;
  }
  return ADZE_OK;
}

void
scm_ancestors (const scm *m, const uint8_t *stops, uint8_t *in)
{
  for (uint32_t at = m->count; at-- > 0;) {
    const scm_node *node = &m->nodes[m->order[at]];
    if (!in[m->order[at]] || (stops && stops[m->order[at]]))
      continue;
    for (uint32_t k = 0; k < node->parent_count; k++)
      in[node->parents[k]] = 1;
  }
}
