/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/dag.c: is a graph one of causes? */
#include "artifact/dag.h"

#include <string.h>

#include "artifact/dag_line.h"
#include "artifact/name_index.h"

typedef struct span {
  const char *text;
  size_t size;
} span;

typedef struct builder {
  adze_dag *dag;
  adze_name_index index;
} builder;

static void
builder_cleanup (builder *b)
{
  adze_name_index_cleanup (&b->index);
  adze_dag_free (b->dag);
}

static adze_error *
bad_line (const adze_dag *dag, size_t line, const char *what, span name)
{
  return adze_dag_line_bad (dag->path, line, 0, what, name.text, name.size);
}

static span
span_of (const char *text)
{
  return (span){ text, strlen (text) };
}

/* ---- Nodes and edges. */

static bool
same_name (const void *things, size_t number, const char *name, size_t size)
{
  const adze_dag *dag = things;
  return strlen (dag->names[number]) == size && memcmp (dag->names[number], name, size) == 0;
}

static adze_error *
grow_nodes (adze_dag *dag)
{
  if (dag->node_count < dag->node_room)
    return NULL;
  uint32_t room = dag->node_room ? 2 * dag->node_room : 16;
  if (room < dag->node_room)
    return adze_error_new (ADZE_E_LIMIT, "%s: more nodes than a graph of causes may have", dag->path);
  char **grown = reallocarray (dag->names, room, sizeof *grown);
  if (!grown)
    return adze_error_memory ();
  dag->names = grown;
  dag->node_room = room;
  return NULL;
}

/* The number of the node of this name, which is a new one where it was not named before. */
static adze_error *
number_of (builder *b, span name, uint32_t *number)
{
  adze_dag *dag = b->dag;
  size_t earlier;
  ADZE_TRY (grow_nodes (dag));
  dag->names[dag->node_count] = strndup (name.text, name.size);
  if (!dag->names[dag->node_count])
    return adze_error_memory ();
  adze_error *error
      = adze_name_index_add (&b->index, name.text, name.size, dag->node_count, same_name, dag, &earlier);
  if (error || earlier != ADZE_NAME_NONE)
    free (dag->names[dag->node_count]);
  *number = !error && earlier != ADZE_NAME_NONE ? (uint32_t)earlier : dag->node_count;
  dag->node_count += !error && earlier == ADZE_NAME_NONE;
  return error;
}

static adze_error *
add_edge (adze_dag *dag, adze_dag_edge edge, size_t line)
{
  if (edge.from == edge.to)
    return bad_line (dag, line, "an edge from a node to itself: ", span_of (dag->names[edge.from]));
  if (dag->edge_count == dag->edge_room) {
    size_t room = dag->edge_room ? 2 * dag->edge_room : 16;
    adze_dag_line *grown = reallocarray (dag->lines, room, sizeof *grown);
    if (!grown)
      return adze_error_memory ();
    dag->lines = grown;
    dag->edge_room = room;
  }
  dag->lines[dag->edge_count++] = (adze_dag_line){ edge, line };
  return NULL;
}

/* ---- Lines. */

static adze_error *
read_line (builder *b, const char *text, size_t size, size_t number)
{
  ADZE_AUTO (adze_dag_told) told = { 0 };
  adze_dag_edge edge = { 0 };
  ADZE_TRY (adze_dag_line_read (b->dag->path, number, text, size, &told));
  if (told.from)
    ADZE_TRY (number_of (b, span_of (told.from), &edge.from));
  if (!told.to)
    return NULL;
  edge.mark = told.mark;
  ADZE_TRY (number_of (b, span_of (told.to), &edge.to));
  return add_edge (b->dag, edge, number);
}

static adze_error *
read_lines (builder *b, const char *data, size_t size)
{
  static const char mark[] = "\xef\xbb\xbf"; /* of the byte order */
  const char *at = data, *last = data + size;
  if (size >= 3 && memcmp (data, mark, 3) == 0)
    at += 3;
  for (size_t number = 1; at < last; number++) {
    const char *end = memchr (at, '\n', (size_t)(last - at));
    ADZE_TRY (read_line (b, at, (size_t)((end ? end : last) - at), number));
    at = end ? end + 1 : last;
  }
  return NULL;
}

/* ---- Rules. */

static uint32_t
lesser (const adze_dag_edge *edge)
{
  return edge->from < edge->to ? edge->from : edge->to;
}

static int
compare_pairs (const void *a, const void *b)
{
  const adze_dag_line *left = a, *right = b;
  const uint32_t l[] = { lesser (&left->edge), left->edge.from ^ left->edge.to };
  const uint32_t r[] = { lesser (&right->edge), right->edge.from ^ right->edge.to };
  for (size_t i = 0; i < ADZE_COUNT_OF (l); i++)
    if (l[i] != r[i])
      return l[i] < r[i] ? -1 : 1;
  return left->number < right->number ? -1 : left->number > right->number;
}

static bool
may_stand_together (const adze_dag_edge *one, const adze_dag_edge *other)
{
  return (one->mark == ADZE_DAG_CAUSES && other->mark == ADZE_DAG_HIDDEN)
         || (one->mark == ADZE_DAG_HIDDEN && other->mark == ADZE_DAG_CAUSES);
}

static adze_error *
twice (const adze_dag *dag, const adze_dag_line *before, const adze_dag_line *one)
{
  adze_error *error = bad_line (dag, one->number, "a second edge between the same two nodes, from ",
                                span_of (dag->names[one->edge.from]));
  if (before->number > 0)
    adze_error_setf (error, "hint", "the first one is in line %zu", before->number);
  return error;
}

static adze_error *
check_twice (const adze_dag *dag)
{
  ADZE_AUTO_FREE adze_dag_line *sorted = calloc (dag->edge_count + 1, sizeof *sorted);
  if (!sorted)
    return adze_error_memory ();
  for (size_t i = 0; i < dag->edge_count; i++)
    sorted[i] = dag->lines[i];
  qsort (sorted, dag->edge_count, sizeof *sorted, compare_pairs);
  for (size_t i = 1, alike = 1; i < dag->edge_count; i++) {
    const adze_dag_edge *one = &sorted[i].edge, *before = &sorted[i - 1].edge;
    alike = lesser (one) == lesser (before) && (one->from ^ one->to) == (before->from ^ before->to) ? alike + 1 : 1;
    if (alike > 2 || (alike == 2 && !may_stand_together (one, before)))
      return twice (dag, &sorted[i - 1], &sorted[i]);
  }
  return NULL;
}

/* An arrow on a circle, given that to each node with ARROWS left leads one from another such node.
 * Walking back, one must come round. LEADS has room for all nodes. */
static const adze_dag_line *
find_circle (const adze_dag *dag, const uint32_t *arrows, size_t *leads)
{
  const adze_dag_line *at = NULL;
  for (size_t i = 0; i < dag->edge_count; i++) {
    const adze_dag_edge *edge = &dag->lines[i].edge;
    if (edge->mark != ADZE_DAG_CAUSES || arrows[edge->from] == 0 || arrows[edge->to] == 0)
      continue;
    leads[edge->to] = i;
    at = &dag->lines[i];
  }
  for (size_t i = 0; at && i < dag->node_count; i++)
    at = &dag->lines[leads[at->edge.from]];
  return at;
}

static adze_error *
tell_circle (const adze_dag *dag, const uint32_t *arrows)
{
  ADZE_AUTO_FREE size_t *leads = calloc (dag->node_count, sizeof *leads);
  if (!leads)
    return adze_error_memory ();
  const adze_dag_line *circle = find_circle (dag, arrows, leads);
  return bad_line (dag, circle->number, "arrows lead in a circle, by way of ", span_of (dag->names[circle->edge.from]));
}

/* ARROWS counts those that lead to a node. */
static adze_error *
sort_arrows (adze_dag *dag, uint32_t *arrows)
{
  dag->first = calloc ((size_t)dag->node_count + 2, sizeof *dag->first);
  dag->out = calloc (dag->edge_count + 1, sizeof *dag->out);
  if (!dag->first || !dag->out)
    return adze_error_memory ();
  for (size_t i = 0; i < dag->edge_count; i++)
    if (dag->lines[i].edge.mark == ADZE_DAG_CAUSES) {
      dag->first[dag->lines[i].edge.from + 2]++;
      arrows[dag->lines[i].edge.to]++;
    }
  for (size_t n = 2; n <= (size_t)dag->node_count + 1; n++)
    dag->first[n] += dag->first[n - 1];
  /* FIRST[N + 1] is where the next one of N goes: it comes to rest where those of N end. */
  for (size_t i = 0; i < dag->edge_count; i++)
    if (dag->lines[i].edge.mark == ADZE_DAG_CAUSES)
      dag->out[dag->first[dag->lines[i].edge.from + 1]++] = dag->lines[i].edge.to;
  return NULL;
}

/* Takes away nodes that no arrow leads to, until none is left: what stays is on a circle, or behind
 * one. */
static adze_error *
find_order (adze_dag *dag)
{
  ADZE_AUTO_FREE uint32_t *arrows = calloc (dag->node_count + 1, sizeof *arrows);
  uint32_t ready = 0;
  dag->order = calloc (dag->node_count + 1, sizeof *dag->order);
  if (!arrows || !dag->order)
    return adze_error_memory ();
  ADZE_TRY (sort_arrows (dag, arrows));
  for (uint32_t n = 0; n < dag->node_count; n++)
    if (arrows[n] == 0)
      dag->order[ready++] = n;
  for (uint32_t done = 0; done < ready; done++)
    for (size_t i = dag->first[dag->order[done]]; i < dag->first[dag->order[done] + 1]; i++)
      if (--arrows[dag->out[i]] == 0)
        dag->order[ready++] = dag->out[i];
  return ready == dag->node_count ? NULL : tell_circle (dag, arrows);
}

/* ---- Life. */

static adze_error *
builder_open (const char *path, builder *b)
{
  *b = (builder){ .dag = calloc (1, sizeof *b->dag) };
  if (b->dag)
    b->dag->path = strdup (path);
  return b->dag && b->dag->path ? NULL : adze_error_memory ();
}

static adze_error *
finish (builder *b, adze_dag **dag)
{
  ADZE_TRY (check_twice (b->dag));
  ADZE_TRY (find_order (b->dag));
  *dag = adze_take (&b->dag);
  return NULL;
}

adze_error *
adze_dag_read (const char *path, const char *data, size_t size, adze_dag **dag)
{
  ADZE_AUTO (builder) b;
  ADZE_TRY (builder_open (path, &b));
  ADZE_TRY (read_lines (&b, data, size));
  return finish (&b, dag);
}

adze_error *
adze_dag_make (const char *const *nodes, uint32_t node_count, const adze_dag_edge *edges, size_t edge_count,
               adze_dag **dag)
{
  ADZE_AUTO (builder) b;
  ADZE_TRY (builder_open ("a graph of causes", &b));
  for (uint32_t i = 0; i < node_count; i++) {
    uint32_t number;
    ADZE_TRY (number_of (&b, span_of (nodes[i]), &number));
    if (number != i)
      return bad_line (b.dag, 0, "two nodes of a graph of causes are called ", span_of (nodes[i]));
  }
  for (size_t i = 0; i < edge_count; i++) {
    if (edges[i].from >= node_count || edges[i].to >= node_count || edges[i].mark < ADZE_DAG_CAUSES
        || edges[i].mark > ADZE_DAG_HIDDEN)
      return adze_error_new (ADZE_E_PARAM, "edge %zu of a graph of causes with %u nodes is none", i, node_count);
    ADZE_TRY (add_edge (b.dag, edges[i], 0));
  }
  return finish (&b, dag);
}

void
adze_dag_free (adze_dag *dag)
{
  if (!dag)
    return;
  for (uint32_t i = 0; i < dag->node_count; i++)
    free (dag->names[i]);
  free (dag->names);
  free (dag->lines);
  free (dag->first);
  free (dag->out);
  free (dag->order);
  free (dag->path);
  free (dag);
}

adze_error *
adze_dag_check (const char *path, const char *data, size_t size)
{
  adze_dag *dag = NULL;
  ADZE_TRY (adze_dag_read (path, data, size, &dag));
  adze_dag_free (dag);
  return NULL;
}
