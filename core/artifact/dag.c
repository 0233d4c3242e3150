/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/dag.c: is a graph one of causes? */
#define _GNU_SOURCE /* memmem */
#include "artifact/dag.h"

#include <string.h>

typedef struct span {
  const char *text;
  size_t size;
} span;

typedef struct edge {
  span from, to;
  size_t a, b; /* the same as numbers of nodes */
  bool arrow;
  size_t line;
} edge;

typedef struct graph {
  const char *path;
  edge *edges;
  size_t edge_count, edge_capacity;
  span *nodes; /* sorted, each once */
  size_t node_count;
} graph;

static void
graph_cleanup (graph *g)
{
  free (g->edges);
  free (g->nodes);
}

static adze_error *
bad_line (const graph *g, size_t line, const char *what, span name)
{
  adze_error *error = adze_error_new (ADZE_E_FORMAT, "%s:%zu: %s'%.*s'", g->path, line, what,
                                      (int)(name.size < 64 ? name.size : 64), name.text);
  adze_error_set (error, "file", g->path);
  adze_error_setf (error, "line", "%zu", line);
  return error;
}

/* ---- Lines. */

static span
trim (const char *text, size_t size)
{
  while (size > 0 && strchr (" \t\r", text[size - 1]) && text[size - 1])
    size--;
  while (size > 0 && (*text == ' ' || *text == '\t')) {
    text++;
    size--;
  }
  return (span){ text, size };
}

static adze_error *
add_edge (graph *g, const edge *one)
{
  if (g->edge_count == g->edge_capacity) {
    size_t capacity = g->edge_capacity ? 2 * g->edge_capacity : 16;
    edge *grown = reallocarray (g->edges, capacity, sizeof *grown);
    if (!grown)
      return adze_error_memory ();
    g->edges = grown;
    g->edge_capacity = capacity;
  }
  g->edges[g->edge_count++] = *one;
  return NULL;
}

/* A name alone is an edge to nothing. */
static adze_error *
read_line (graph *g, span line, size_t number)
{
  const char *arrow = memmem (line.text, line.size, " --> ", 5);
  const char *other = memmem (line.text, line.size, " --- ", 5);
  const char *middle = arrow ? arrow : other;
  edge one = { .from = line, .arrow = arrow != NULL, .line = number };
  if (memchr (line.text, '\0', line.size) || (arrow && other)
      || (!middle && memmem (line.text, line.size, "--", 2)))
    return bad_line (g, number, "needed is \"A --> B\" or \"A --- B\", found ", line);
  if (middle) {
    one.from = trim (line.text, (size_t)(middle - line.text));
    one.to = trim (middle + 5, line.size - 5 - (size_t)(middle - line.text));
    if (one.from.size == 0 || one.to.size == 0 || memmem (one.to.text, one.to.size, " --", 3))
      return bad_line (g, number, "needed is \"A --> B\" or \"A --- B\", found ", line);
  }
  return add_edge (g, &one);
}

static adze_error *
read_lines (graph *g, const char *data, size_t size)
{
  size_t number = 1;
  for (const char *at = data, *last = data + size; at < last; number++) {
    const char *end = memchr (at, '\n', (size_t)(last - at));
    span line = trim (at, (size_t)((end ? end : last) - at));
    if (line.size > 0 && line.text[0] != '#')
      ADZE_TRY (read_line (g, line, number));
    at = end ? end + 1 : last;
  }
  return NULL;
}

/* ---- Names to numbers. */

static int
compare_spans (const void *a, const void *b)
{
  const span *left = a, *right = b;
  size_t least = left->size < right->size ? left->size : right->size;
  int order = memcmp (left->text, right->text, least);
  return order ? order : left->size < right->size ? -1 : left->size > right->size;
}

static size_t
node_of (const graph *g, const span *name)
{
  const span *found = bsearch (name, g->nodes, g->node_count, sizeof *g->nodes, compare_spans);
  return (size_t)(found - g->nodes);
}

static adze_error *
number_nodes (graph *g)
{
  g->nodes = calloc (2 * g->edge_count + 1, sizeof *g->nodes);
  if (!g->nodes)
    return adze_error_memory ();
  size_t count = 0;
  for (size_t i = 0; i < g->edge_count; i++) {
    g->nodes[count++] = g->edges[i].from;
    if (g->edges[i].to.text)
      g->nodes[count++] = g->edges[i].to;
  }
  qsort (g->nodes, count, sizeof *g->nodes, compare_spans);
  for (size_t i = 0; i < count; i++)
    if (i == 0 || compare_spans (&g->nodes[i], &g->nodes[g->node_count - 1]) != 0)
      g->nodes[g->node_count++] = g->nodes[i];
  /* Names alone have been counted, and are no edges. */
  size_t kept = 0;
  for (size_t i = 0; i < g->edge_count; i++) {
    edge *one = &g->edges[i];
    if (!one->to.text)
      continue;
    one->a = node_of (g, &one->from);
    one->b = node_of (g, &one->to);
    if (one->a == one->b)
      return bad_line (g, one->line, "an edge from a node to itself: ", one->from);
    g->edges[kept++] = *one;
  }
  g->edge_count = kept;
  return NULL;
}

/* ---- Rules. */

static int
compare_edges (const void *a, const void *b)
{
  const edge *left = a, *right = b;
  size_t l[2] = { left->a < left->b ? left->a : left->b, left->a < left->b ? left->b : left->a };
  size_t r[2] = { right->a < right->b ? right->a : right->b,
                  right->a < right->b ? right->b : right->a };
  for (int i = 0; i < 2; i++)
    if (l[i] != r[i])
      return l[i] < r[i] ? -1 : 1;
  return left->line < right->line ? -1 : left->line > right->line;
}

static adze_error *
check_twice (graph *g)
{
  if (g->edge_count > 1)
    qsort (g->edges, g->edge_count, sizeof *g->edges, compare_edges);
  for (size_t i = 1; i < g->edge_count; i++) {
    const edge *one = &g->edges[i], *before = &g->edges[i - 1];
    if ((one->a == before->a && one->b == before->b)
        || (one->a == before->b && one->b == before->a)) {
      adze_error *error = bad_line (g, one->line, "a second edge between the same two nodes, from ",
                                    one->from);
      adze_error_setf (error, "hint", "the first one is in line %zu", before->line);
      return error;
    }
  }
  return NULL;
}

static int
compare_origins (const void *a, const void *b)
{
  const edge *left = a, *right = b;
  return left->a < right->a ? -1 : left->a > right->a;
}

/* An arrow on a circle, given that to each node with ARROWS left leads one from another such node.
 * Walking back, one must come round. LEADS has room for all nodes. */
static const edge *
find_circle (const graph *g, size_t kept, const size_t *arrows, size_t *leads)
{
  const edge *at = NULL;
  for (size_t i = 0; i < kept; i++)
    if (arrows[g->edges[i].a] > 0 && arrows[g->edges[i].b] > 0) {
      leads[g->edges[i].b] = i;
      at = &g->edges[i];
    }
  for (size_t i = 0; at && i < g->node_count; i++)
    at = &g->edges[leads[at->a]];
  return at;
}

/* Takes away nodes that no arrow leads to, until none is left: what stays is on a circle, or behind
 * one. */
static adze_error *
check_circles (graph *g)
{
  ADZE_AUTO_FREE size_t *arrows = calloc (g->node_count + 1, sizeof *arrows);
  ADZE_AUTO_FREE size_t *first = calloc (g->node_count + 1, sizeof *first);
  ADZE_AUTO_FREE size_t *queue = calloc (g->node_count + 1, sizeof *queue);
  if (!arrows || !first || !queue)
    return adze_error_memory ();
  size_t kept = 0, ready = 0, done = 0;
  for (size_t i = 0; i < g->edge_count; i++)
    if (g->edges[i].arrow)
      g->edges[kept++] = g->edges[i];
  if (kept > 1)
    qsort (g->edges, kept, sizeof *g->edges, compare_origins);
  for (size_t i = 0; i < kept; i++) {
    arrows[g->edges[i].b]++;
    first[g->edges[i].a + 1]++;
  }
  for (size_t i = 0; i < g->node_count; i++) {
    first[i + 1] += first[i];
    if (arrows[i] == 0)
      queue[ready++] = i;
  }
  for (; done < ready; done++)
    for (size_t i = first[queue[done]]; i < first[queue[done] + 1]; i++)
      if (--arrows[g->edges[i].b] == 0)
        queue[ready++] = g->edges[i].b;
  const edge *circle = find_circle (g, kept, arrows, queue);
  return circle ? bad_line (g, circle->line, "arrows lead in a circle, by way of ", circle->from)
                : NULL;
}

adze_error *
adze_dag_check (const char *path, const char *data, size_t size)
{
  ADZE_AUTO (graph) g = { .path = path };
  ADZE_TRY (read_lines (&g, data, size));
  ADZE_TRY (number_nodes (&g));
  ADZE_TRY (check_twice (&g));
  return check_circles (&g);
}
