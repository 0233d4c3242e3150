/* SPDX-License-Identifier: Apache-2.0 */
/* paths.c: the paths between treatment and outcome, the shortest first, and what opens and blocks them. */
#include <string.h>

#include "explain.h"

/* So many steps are gone, at the most, of each length: in a graph with many edges there are more paths than anybody
 * could count. */
enum { STEPS = 200000 };

typedef struct walk {
  explain_run *r;
  explain_path path;
  explain_set on_path;
  uint32_t length; /* of the paths that are looked for, in nodes */
  uint32_t steps;
  uint8_t above[EXPLAIN_NODES]; /* ancestors of what is adjusted for, and that itself */
} walk;

/* ---- Open and blocked. */

static bool
arrowheads_meet (const explain_path *path, uint32_t middle)
{
  return path->steps[middle - 1] != EXPLAIN_BACK && path->steps[middle] != EXPLAIN_FORTH;
}

static void
judge (const walk *w, explain_path *path)
{
  path->causes = path->open_alone = path->open = true;
  for (uint32_t i = 0; i + 1 < path->count; i++)
    path->causes = path->causes && path->steps[i] == EXPLAIN_FORTH;
  for (uint32_t i = 1; i + 1 < path->count; i++) {
    const uint8_t node = path->nodes[i];
    const bool meet = arrowheads_meet (path, i);
    path->open_alone = path->open_alone && !meet;
    if (!path->open || (meet ? w->above[node] != 0 : !w->r->adjusted[node]))
      continue;
    path->open = false;
    path->blocker = node;
    path->blocker_is_given = !meet;
  }
}

/* ---- All of one length. */

static void
keep (walk *w)
{
  explain_run *r = w->r;
  if (r->path_count == EXPLAIN_PATHS) {
    r->more_paths = true;
    return;
  }
  explain_path *path = &r->paths[r->path_count++];
  *path = w->path;
  judge (w, path);
}

/* Where an edge leads from NODE, and how; false: it does not touch it. */
static bool
follow (const adze_dag_edge *edge, uint32_t node, uint32_t *next, explain_step *step)
{
  if (edge->from != node && edge->to != node)
    return false;
  *next = edge->from == node ? edge->to : edge->from;
  *step = edge->mark == ADZE_DAG_HIDDEN ? EXPLAIN_HIDDEN : edge->from == node ? EXPLAIN_FORTH : EXPLAIN_BACK;
  return true;
}

static void go_on (walk *w);

static void
go_to (walk *w, uint32_t next, explain_step step)
{
  explain_path *path = &w->path;
  path->steps[path->count - 1] = (uint8_t)step;
  path->nodes[path->count++] = (uint8_t)next;
  w->on_path[next] = 1;
  if (w->r->outcome[next] && path->count == w->length)
    keep (w);
  else if (!w->r->outcome[next] && path->count < w->length)
    go_on (w);
  w->on_path[next] = 0;
  path->count--;
}

/* Never deeper than a graph has nodes. A path has one of the treatments and one of the outcomes, at its ends. */
static void
go_on (walk *w)
{
  explain_run *r = w->r;
  const uint32_t node = w->path.nodes[w->path.count - 1];
  for (size_t i = 0; i < r->dags->edges (r->dag); i++) {
    const adze_dag_edge edge = r->dags->edge (r->dag, i);
    uint32_t next;
    explain_step step;
    if (!follow (&edge, node, &next, &step) || w->on_path[next] || r->treatment[next])
      continue;
    if (w->steps++ >= STEPS || r->more_paths) {
      r->more_paths = true;
      return;
    }
    go_to (w, next, step);
  }
}

static void
find_of_length (walk *w)
{
  explain_run *r = w->r;
  w->steps = 0;
  for (uint32_t x = 0; x < r->node_count; x++) {
    if (!r->treatment[x])
      continue;
    memset (w->on_path, 0, sizeof w->on_path);
    w->on_path[x] = 1;
    w->path.nodes[0] = (uint8_t)x;
    w->path.count = 1;
    go_on (w);
  }
}

void
explain_find_paths (explain_run *r)
{
  walk w = { .r = r };
  memcpy (w.above, r->adjusted, sizeof w.above);
  r->dags->ancestors (r->dag, w.above);
  for (w.length = 2; w.length <= r->node_count && !r->more_paths; w.length++)
    find_of_length (&w);
}
