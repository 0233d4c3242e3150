/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/dag_paths.c: what the paths of a graph of causes tell: who is an ancestor, and who is separated from whom.
 *
 * Two nodes are connected by a walk on which each node in the middle is open. One where two arrowheads meet is open if
 * it is an ancestor of something that is given; any other one if it is not given itself. Walks that do so exist where
 * paths do, and are easier to find: a node is gone through at most twice, once entered by an arrowhead and once not.
 */
#include <string.h>

#include "artifact/dag.h"

/* One end of an edge, as a node sees it. */
typedef struct end {
  uint32_t other;
  bool head;  /* an arrowhead at this node */
  bool leads; /* an arrowhead at the other one */
} end;

typedef struct ends {
  size_t *first; /* those of node N are AT[FIRST[N]] to AT[FIRST[N + 1] - 1] */
  end *at;
} ends;

static void
ends_cleanup (ends *e)
{
  free (e->first);
  free (e->at);
}

static adze_error *
find_ends (const adze_dag *dag, ends *e)
{
  e->first = calloc ((size_t)dag->node_count + 2, sizeof *e->first);
  e->at = calloc (2 * dag->edge_count + 1, sizeof *e->at);
  if (!e->first || !e->at)
    return adze_error_memory ();
  for (size_t i = 0; i < dag->edge_count; i++) {
    e->first[dag->lines[i].edge.from + 2]++;
    e->first[dag->lines[i].edge.to + 2]++;
  }
  for (size_t n = 2; n <= (size_t)dag->node_count + 1; n++)
    e->first[n] += e->first[n - 1];
  for (size_t i = 0; i < dag->edge_count; i++) {
    const adze_dag_edge *edge = &dag->lines[i].edge;
    const bool hidden = edge->mark == ADZE_DAG_HIDDEN;
    e->at[e->first[edge->from + 1]++] = (end){ edge->to, hidden, true };
    e->at[e->first[edge->to + 1]++] = (end){ edge->from, true, hidden };
  }
  return NULL;
}

void
adze_dag_ancestors (const adze_dag *dag, uint8_t *in)
{
  for (uint32_t i = dag->node_count; i-- > 0;) {
    const uint32_t node = dag->order[i];
    for (size_t k = dag->first[node]; !in[node] && k < dag->first[node + 1]; k++)
      in[node] = in[dag->out[k]] != 0;
  }
}

/* ---- Separation. */

/* What the search knows of a node. */
enum { GIVEN = 1, ABOVE_GIVEN = 2, WANTED = 4, BY_HEAD = 8, BY_TAIL = 16, START = 32 };

typedef struct search {
  const adze_dag *dag;
  ends ends;
  uint8_t *known;
  uint64_t *queue; /* a node twice over, and how it was entered in the lowest bit */
  size_t count;
} search;

static void
search_cleanup (search *s)
{
  ends_cleanup (&s->ends);
  free (s->known);
  free (s->queue);
}

static void
enter (search *s, uint32_t node, bool by_head)
{
  const uint8_t flag = by_head ? BY_HEAD : BY_TAIL;
  if (s->known[node] & flag)
    return;
  s->known[node] |= flag;
  s->queue[s->count++] = (uint64_t)node << 1 | by_head;
}

static void
leave_start (search *s, uint32_t node)
{
  for (size_t i = s->ends.first[node]; i < s->ends.first[node + 1]; i++)
    enter (s, s->ends.at[i].other, s->ends.at[i].leads);
}

static void
go_on (search *s, uint32_t node, bool by_head)
{
  for (size_t i = s->ends.first[node]; i < s->ends.first[node + 1]; i++) {
    const end *next = &s->ends.at[i];
    const bool meet = by_head && next->head;
    if (meet ? (s->known[node] & ABOVE_GIVEN) != 0 : (s->known[node] & GIVEN) == 0)
      enter (s, next->other, next->leads);
  }
}

static adze_error *
mark_given (search *s, const uint32_t *z, size_t z_count)
{
  ADZE_AUTO_FREE uint8_t *above = calloc (s->dag->node_count + 1, 1);
  if (!above)
    return adze_error_memory ();
  for (size_t i = 0; i < z_count; i++) {
    s->known[z[i]] |= GIVEN;
    above[z[i]] = 1;
  }
  adze_dag_ancestors (s->dag, above);
  for (uint32_t n = 0; n < s->dag->node_count; n++)
    s->known[n] |= above[n] ? ABOVE_GIVEN : 0;
  return NULL;
}

static adze_error *
search_open (search *s)
{
  s->known = calloc (s->dag->node_count + 1, 1);
  s->queue = calloc (2 * (size_t)s->dag->node_count + 1, sizeof *s->queue);
  if (!s->known || !s->queue)
    return adze_error_memory ();
  for (size_t i = 0; i < s->dag->edge_count; i++)
    if (s->dag->lines[i].edge.mark == ADZE_DAG_EITHER)
      return adze_error_new (ADZE_E_UNSUPPORTED,
                             "what is separated from what is asked of a graph in which the direction of '%s --- %s' is "
                             "not known",
                             s->dag->names[s->dag->lines[i].edge.from], s->dag->names[s->dag->lines[i].edge.to]);
  return find_ends (s->dag, &s->ends);
}

static adze_error *
mark_once (search *s, const uint32_t *nodes, size_t count, uint8_t flag)
{
  for (size_t i = 0; i < count; i++) {
    if (nodes[i] >= s->dag->node_count)
      return adze_error_new (ADZE_E_PARAM, "a graph of causes has no node %u", nodes[i]);
    if (s->known[nodes[i]] & (GIVEN | WANTED | START) & (uint8_t)~flag)
      return adze_error_new (ADZE_E_PARAM, "'%s' stands in two of the sets that are to be separated",
                             s->dag->names[nodes[i]]);
    s->known[nodes[i]] |= flag;
  }
  return NULL;
}

adze_error *
adze_dag_separated (const adze_dag *dag, const uint32_t *x, size_t x_count, const uint32_t *y, size_t y_count,
                    const uint32_t *z, size_t z_count, bool *yes)
{
  ADZE_AUTO (search) s = { .dag = dag };
  ADZE_TRY (search_open (&s));
  ADZE_TRY (mark_once (&s, x, x_count, START));
  ADZE_TRY (mark_once (&s, y, y_count, WANTED));
  ADZE_TRY (mark_once (&s, z, z_count, GIVEN));
  ADZE_TRY (mark_given (&s, z, z_count));
  for (size_t i = 0; i < x_count; i++)
    leave_start (&s, x[i]);
  for (size_t done = 0; done < s.count; done++) {
    const uint32_t node = (uint32_t)(s.queue[done] >> 1);
    if (s.known[node] & WANTED) {
      *yes = false;
      return NULL;
    }
    go_on (&s, node, s.queue[done] & 1);
  }
  *yes = true;
  return NULL;
}
