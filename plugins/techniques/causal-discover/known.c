/* SPDX-License-Identifier: Apache-2.0 */
/* known.c: a graph that is known already: its nodes as variables, and whether it separates them. What was found is
 * held against it as well. */
#include <stdlib.h>
#include <string.h>

#include "discover.h"

/* ---- Read. */

static adze_status
read_graph (discover_run *r)
{
  const adze_dag_service *dags = adze_dag_of (r->host);
  const void *bytes = NULL;
  size_t size = 0;
  adze_artifact *given = r->run->input (r->host, r->context, "graph");
  if (!given)
    return ADZE_OK;
  if (!dags)
    return adze_fail (r->host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_DAG);
  adze_status status = r->run->bytes (r->host, given, &bytes, &size);
  return status == ADZE_OK ? dags->read (r->host, "its port 'graph'", bytes, size, &r->known) : status;
}

static int
by_name (const void *left, const void *right)
{
  return strcmp (*(char *const *)left, *(char *const *)right);
}

/* The oracle's variables are the nodes. */
static adze_status
name_known (discover_run *r)
{
  const adze_dag_service *dags = adze_dag_of (r->host);
  const uint32_t count = dags->nodes (r->known);
  if (count < 2 || count > DISCOVER_VARIABLES)
    return adze_fail (r->host, ADZE_E_LIMIT, "its port 'graph' has %u nodes; needed are 2 to %d", count,
                      DISCOVER_VARIABLES);
  adze_status status = discover_room (r->host, count, sizeof *r->names, "names", &r->names);
  r->count = count;
  for (uint32_t i = 0; status == ADZE_OK && i < count; i++) {
    const char *name = dags->name (r->known, i);
    const size_t size = strlen (name) + 1;
    status = discover_room (r->host, size, 1, "a name", &r->names[i]);
    if (status == ADZE_OK)
      memcpy (r->names[i], name, size);
  }
  if (status == ADZE_OK)
    qsort (r->names, count, sizeof *r->names, by_name);
  return status;
}

static adze_status
check_arrows (discover_run *r)
{
  const adze_dag_service *dags = adze_dag_of (r->host);
  for (size_t i = 0; i < dags->edges (r->known); i++) {
    const adze_dag_edge edge = dags->edge (r->known, i);
    if (edge.mark != ADZE_DAG_CAUSES)
      return adze_fail (r->host, ADZE_E_UNSUPPORTED,
                        "its port 'graph' has the edge '%s %s %s', and the oracle answers from arrows alone: PC supposes "
                        "that no cause is hidden",
                        dags->name (r->known, edge.from), edge.mark == ADZE_DAG_HIDDEN ? "<->" : "---",
                        dags->name (r->known, edge.to));
  }
  return ADZE_OK;
}

/* ---- Its nodes and our variables. */

adze_status
discover_name_nodes (discover_run *r)
{
  if (!r->known)
    return ADZE_OK;
  adze_status status = discover_room (r->host, r->count, sizeof *r->known_nodes, "nodes", &r->known_nodes);
  for (uint32_t i = 0; status == ADZE_OK && i < r->count; i++) {
    r->known_nodes[i] = adze_dag_find (r->host, r->known, r->names[i]);
    if (r->known_nodes[i] != UINT32_MAX)
      continue;
    adze_log (r->host, ADZE_LOG_WARNING,
              "the graph at 'graph' has no node '%s': what is found is not held against it", r->names[i]);
    r->host->release (r->host, r->known_nodes);
    r->known_nodes = NULL;
    break;
  }
  return status;
}

adze_status
discover_read_known (discover_run *r)
{
  adze_status status = read_graph (r);
  if (status != ADZE_OK || r->settings.method != DISCOVER_PC || r->settings.test != DISCOVER_ORACLE)
    return status;
  if (!r->known)
    return adze_fail (r->host, ADZE_E_NOT_FOUND,
                      "nothing is bound to its port 'graph', of which test = \"oracle\" is to answer");
  status = check_arrows (r);
  if (status == ADZE_OK)
    status = name_known (r);
  if (status == ADZE_OK && r->run->input (r->host, r->context, "table"))
    adze_log (r->host, ADZE_LOG_INFO, "the table plays no part: the oracle answers from the graph alone");
  return status;
}

/* ---- The oracle. */

size_t
discover_known_scratch (const discover_tester *tester, uint32_t given_count)
{
  (void)tester;
  return (given_count + 1) * sizeof (uint32_t);
}

adze_status
discover_known_ask (const discover_tester *tester, const discover_ask *ask, void *scratch, double *p)
{
  const discover_run *r = tester->r;
  uint32_t *given = (uint32_t *)scratch;
  bool yes = false;
  for (uint32_t i = 0; i < ask->given_count; i++)
    given[i] = r->known_nodes[ask->given[i]];
  adze_status status
      = adze_dag_of (r->host)->separated (r->host, r->known, &r->known_nodes[ask->x], 1, &r->known_nodes[ask->y], 1,
                                          given, ask->given_count, &yes);
  *p = yes ? 1 : 0;
  return status;
}

/* ---- What was found, held against it. */

/* By our numbers: its edges among our variables; false where one is hidden, or reaches beyond them. */
static bool
copy_known (const discover_run *r, const uint32_t *ours, pdag *graph, bool *has_lines)
{
  const adze_dag_service *dags = adze_dag_of (r->host);
  for (size_t i = 0; i < dags->edges (r->known); i++) {
    const adze_dag_edge edge = dags->edge (r->known, i);
    const uint32_t from = ours[edge.from], to = ours[edge.to];
    if (from == UINT32_MAX || to == UINT32_MAX || edge.mark == ADZE_DAG_HIDDEN)
      return false;
    *has_lines |= edge.mark == ADZE_DAG_EITHER;
    if (edge.mark == ADZE_DAG_EITHER)
      pdag_set_line (graph, from, to);
    else
      pdag_set_arrow (graph, from, to, PDAG_BY_NOTHING);
  }
  return true;
}

static adze_status
compare (discover_run *r, const uint32_t *ours, pdag *graph, bool *compared, size_t *distance)
{
  uint8_t *was = NULL;
  bool has_lines = false;
  if (!copy_known (r, ours, graph, &has_lines)) {
    adze_log (r->host, ADZE_LOG_WARNING,
              "the graph at 'graph' has hidden causes or nodes beyond the columns: what is found is not held against it");
    return ADZE_OK;
  }
  adze_status status = discover_room (r->host, (size_t)r->count * r->count, 1, "a graph", &was);
  if (status == ADZE_OK && !has_lines && r->settings.method != DISCOVER_NOTEARS)
    pdag_forget (graph, was);
  *compared = status == ADZE_OK;
  *distance = pdag_distance (graph, &r->found.graph);
  r->host->release (r->host, was);
  return status;
}

adze_status
discover_compare (discover_run *r, bool *compared, size_t *distance)
{
  pdag graph = { 0 };
  uint32_t *ours = NULL;
  *compared = false;
  *distance = 0;
  if (!r->known_nodes)
    return ADZE_OK;
  const uint32_t nodes = adze_dag_of (r->host)->nodes (r->known);
  adze_status status = discover_room (r->host, nodes, sizeof *ours, "nodes", &ours);
  if (status == ADZE_OK)
    status = discover_open_pdag (r->host, r->count, &graph);
  for (uint32_t i = 0; status == ADZE_OK && i < nodes; i++)
    ours[i] = UINT32_MAX;
  for (uint32_t i = 0; status == ADZE_OK && i < r->count; i++)
    ours[r->known_nodes[i]] = i;
  if (status == ADZE_OK)
    status = compare (r, ours, &graph, compared, distance);
  discover_close_pdag (r->host, &graph);
  r->host->release (r->host, ours);
  return status;
}
