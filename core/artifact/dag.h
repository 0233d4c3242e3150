/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/dag.h: graphs of causes.
 *
 * As text a line is "A --> B", "A --- B", "A <-> B", or a name alone, for a node without edges. Blanks and tabs stand
 * around arrows and do not count otherwise; lines with nothing on them are passed over, and so is what follows a '#' at
 * the beginning of a line, or one between blanks. A name in quotes may have anything in it, and "" is a quote there.
 */
#ifndef ADZE_ARTIFACT_DAG_H
#define ADZE_ARTIFACT_DAG_H

#include <adze/draft/dag.h>

#include "base/error.h"

typedef struct adze_dag_line {
  adze_dag_edge edge;
  size_t number; /* of the line; 0: there is no text */
} adze_dag_line;

struct adze_dag {
  char *path; /* for messages */
  char **names;
  uint32_t node_count, node_room;
  adze_dag_line *lines;
  size_t edge_count, edge_room;
  /* Arrows by the node that they leave: those of node N lead to OUT[FIRST[N]] to OUT[FIRST[N + 1] - 1]. */
  size_t *first;
  uint32_t *out;
  uint32_t *order; /* causes in front of what they cause */
};

/* Between two nodes one edge at the most, and beside an arrow "A <-> B"; none from a node to itself; no circle of
 * arrows. */
ADZE_MUST_CHECK adze_error *adze_dag_read (const char *path, const char *data, size_t size, adze_dag **dag);
ADZE_MUST_CHECK adze_error *adze_dag_make (const char *const *nodes, uint32_t node_count, const adze_dag_edge *edges,
                                           size_t edge_count, adze_dag **dag);
void adze_dag_free (adze_dag *dag); /* NULL is allowed */

ADZE_MUST_CHECK adze_error *adze_dag_check (const char *path, const char *data, size_t size);

/* As adze.dag/1 has them. */
ADZE_MUST_CHECK adze_error *adze_dag_separated (const adze_dag *dag, const uint32_t *x, size_t x_count,
                                                const uint32_t *y, size_t y_count, const uint32_t *z, size_t z_count,
                                                bool *yes);
void adze_dag_ancestors (const adze_dag *dag, uint8_t *in);

/* adze.dag/1 */
extern const adze_dag_service adze_dag_services;

#endif
