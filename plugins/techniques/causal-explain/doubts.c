/* SPDX-License-Identifier: Apache-2.0 */
/* doubts.c: which hidden causes, that the graph says there are not, would undo what was adjusted for.
 *
 * What is adjusted for is enough where it separates treatment and outcome once the arrows out of the treatment are
 * taken away. So each pair of nodes is given a hidden cause in turn, and it is asked again. */
#include <string.h>

#include "explain.h"

typedef struct cut {
  const explain_run *r;
  const char **names;
  adze_dag_edge *edges; /* with room for one more */
  size_t edge_count;
  uint32_t x[EXPLAIN_NODES], y[EXPLAIN_NODES], z[EXPLAIN_NODES];
  uint32_t x_count, y_count, z_count;
} cut;

static uint32_t
list (const explain_set set, uint32_t count, uint32_t *into)
{
  uint32_t found = 0;
  for (uint32_t n = 0; n < count; n++)
    if (set[n])
      into[found++] = n;
  return found;
}

static bool
has_hidden (const explain_run *r, uint32_t one, uint32_t other)
{
  for (size_t i = 0; i < r->dags->edges (r->dag); i++) {
    const adze_dag_edge edge = r->dags->edge (r->dag, i);
    if (edge.mark == ADZE_DAG_HIDDEN
        && ((edge.from == one && edge.to == other) || (edge.from == other && edge.to == one)))
      return true;
  }
  return false;
}

/* Is it enough, with the edges that there are? */
static adze_status
ask (const cut *c, size_t edge_count, bool *enough)
{
  const explain_run *r = c->r;
  adze_dag *dag = NULL;
  adze_status status = r->dags->make (r->host, c->names, r->node_count, c->edges, edge_count, &dag);
  if (status == ADZE_OK)
    status = r->dags->separated (r->host, dag, c->x, c->x_count, c->y, c->y_count, c->z, c->z_count, enough);
  r->dags->close (r->host, dag);
  return status;
}

static adze_status
try_pair (explain_run *r, cut *c, uint32_t one, uint32_t other)
{
  bool enough = true;
  c->edges[c->edge_count] = (adze_dag_edge){ .from = one, .to = other, .mark = ADZE_DAG_HIDDEN };
  adze_status status = ask (c, c->edge_count + 1, &enough);
  if (status != ADZE_OK || enough)
    return status;
  if (r->pair_count == EXPLAIN_PAIRS)
    r->more_pairs = true;
  else
    r->pairs[r->pair_count++] = (explain_pair){ (uint8_t)one, (uint8_t)other };
  return ADZE_OK;
}

static adze_status
try_pairs (explain_run *r, cut *c)
{
  bool enough = false;
  adze_status status = ask (c, c->edge_count, &enough);
  if (status == ADZE_OK && !enough)
    return adze_fail (r->host, ADZE_E_PARAM,
                      "what the estimate adjusts for does not separate treatment and outcome in this graph: the reports "
                      "are of another one");
  for (uint32_t one = 0; status == ADZE_OK && one < r->node_count; one++)
    for (uint32_t other = one + 1; status == ADZE_OK && other < r->node_count; other++)
      if (!has_hidden (r, one, other))
        status = try_pair (r, c, one, other);
  return status;
}

/* With an effect of the treatment held fixed, a part of what is asked is taken away, whatever it separates. */
static adze_status
refuse_effects (const explain_run *r)
{
  for (uint32_t n = 0; n < r->node_count; n++) {
    explain_set above = { 0 };
    bool below = false;
    if (!r->adjusted[n])
      continue;
    above[n] = 1;
    r->dags->ancestors (r->dag, above);
    for (uint32_t x = 0; x < r->node_count; x++)
      below = below || (r->treatment[x] && above[x]);
    if (below)
      return adze_fail (r->host, ADZE_E_PARAM,
                        "'%s' is adjusted for, and in this graph it is an effect of the treatment, so that a part of what "
                        "is asked is taken away: the reports are of another one",
                        explain_name (r, n));
  }
  return ADZE_OK;
}

static adze_status
cut_open (cut *c)
{
  const explain_run *r = c->r;
  const size_t edges = r->dags->edges (r->dag);
  c->names = (const char **)r->host->allocate (r->host, r->node_count * sizeof *c->names);
  c->edges = (adze_dag_edge *)r->host->allocate (r->host, (edges + 1) * sizeof *c->edges);
  if (!c->names || !c->edges)
    return adze_fail (r->host, ADZE_E_MEMORY, "no room for a graph of %zu edges", edges);
  for (uint32_t n = 0; n < r->node_count; n++)
    c->names[n] = explain_name (r, n);
  for (size_t i = 0; i < edges; i++) {
    const adze_dag_edge edge = r->dags->edge (r->dag, i);
    if (edge.mark != ADZE_DAG_CAUSES || !r->treatment[edge.from])
      c->edges[c->edge_count++] = edge;
  }
  c->x_count = list (r->treatment, r->node_count, c->x);
  c->y_count = list (r->outcome, r->node_count, c->y);
  c->z_count = list (r->adjusted, r->node_count, c->z);
  return ADZE_OK;
}

adze_status
explain_find_pairs (explain_run *r)
{
  cut c = { .r = r };
  if (!r->adjusts)
    return ADZE_OK;
  adze_status status = refuse_effects (r);
  if (status == ADZE_OK)
    status = cut_open (&c);
  if (status == ADZE_OK)
    status = try_pairs (r, &c);
  r->host->release (r->host, c.names);
  r->host->release (r->host, c.edges);
  return status;
}
