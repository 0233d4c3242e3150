/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/dag.h: graphs of causes, as they flow between stages. Tier: draft.
 *
 * What is bound to a port of type "dag" is bytes (adze/draft/run.h), an edge a line, and a graph once it was read:
 *
 *   A --> B    A is a cause of B
 *   A --- B    one is a cause of the other, and which is not known
 *   A <-> B    both have a cause in common that nobody has seen; may stand beside an arrow between the same two
 *   A          a node without edges
 *
 * Arrows never lead in a circle.
 */
#ifndef ADZE_DRAFT_DAG_H
#define ADZE_DRAFT_DAG_H

#include <string.h>

#include <adze/draft/model.h>
#include <adze/draft/records.h>

ADZE_BEGIN_DECLS

#define ADZE_DAG "adze.dag/1"

typedef struct adze_dag adze_dag;

typedef enum adze_dag_mark {
  ADZE_DAG_CAUSES = 1, /* FROM --> TO */
  ADZE_DAG_EITHER = 2, /* FROM --- TO */
  ADZE_DAG_HIDDEN = 3  /* FROM <-> TO */
} adze_dag_mark;

/* Frozen, so that arrays of it need no stride. Nodes by their numbers. */
typedef struct adze_dag_edge {
  uint32_t from;
  uint32_t to;
  uint32_t mark; /* adze_dag_mark */
  uint32_t reserved;
} adze_dag_edge;

typedef struct adze_dag_service {
  uint32_t struct_size;
  uint32_t reserved;

  /* [callback] Refuses what is no graph of causes, naming the line. Its owner closes it. NAME is for messages: "its
   * port 'graph'". */
  adze_status (*read) (const adze_host *host, const char *name, const void *data, size_t size, adze_dag **dag);
  /* [callback] The same of what is in memory already; names are copied, and must differ. */
  adze_status (*make) (const adze_host *host, const char *const *nodes, uint32_t node_count,
                       const adze_dag_edge *edges, size_t edge_count, adze_dag **dag);
  void (*close) (const adze_host *host, adze_dag *dag); /* NULL is allowed */

  /* [any] Nodes in the order in which they are named first. */
  uint32_t (*nodes) (const adze_dag *dag);
  const char *(*name) (const adze_dag *dag, uint32_t node);
  /* [any] In the order of the lines. */
  size_t (*edges) (const adze_dag *dag);
  adze_dag_edge (*edge) (const adze_dag *dag, size_t index);

  /* [callback] Is each node of X separated from each of Y, given all of Z? By paths on which no node in the middle is
   * open: m-separation, which is d-separation where nothing is hidden. The three share no node. A graph with edges
   * whose direction is not known is refused. */
  adze_status (*separated) (const adze_host *host, const adze_dag *dag, const uint32_t *x, size_t x_count,
                            const uint32_t *y, size_t y_count, const uint32_t *z, size_t z_count, bool *yes);
  /* [any] IN has a byte for each node; those that are ancestors of one that is not 0 become 1, too. Along arrows
   * alone. */
  void (*ancestors) (const adze_dag *dag, uint8_t *in);
} adze_dag_service;

static inline const adze_dag_service *
adze_dag_of (const adze_host *host)
{
  return (const adze_dag_service *)host->service (host, ADZE_DAG);
}

/* The number of the node of this name; UINT32_MAX: there is none. */
static inline uint32_t
adze_dag_find (const adze_host *host, const adze_dag *dag, const char *name)
{
  const adze_dag_service *service = adze_dag_of (host);
  for (uint32_t i = 0; i < service->nodes (dag); i++)
    if (strcmp (service->name (dag, i), name) == 0)
      return i;
  return UINT32_MAX;
}

/* Appends the line of an edge. */
static inline adze_status
adze_dag_edge_write (const adze_host *host, adze_bytes *bytes, const char *from, uint32_t mark, const char *to)
{
  const char *middle = mark == ADZE_DAG_CAUSES ? " --> " : mark == ADZE_DAG_EITHER ? " --- " : " <-> ";
  adze_status status = adze_bytes_add (host, bytes, from, strlen (from));
  if (status == ADZE_OK)
    status = adze_bytes_add (host, bytes, middle, strlen (middle));
  if (status == ADZE_OK)
    status = adze_bytes_add (host, bytes, to, strlen (to));
  return status == ADZE_OK ? adze_bytes_add (host, bytes, "\n", 1) : status;
}

ADZE_END_DECLS

#endif
