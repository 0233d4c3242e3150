/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/dag_line.h: one line of a graph of causes. */
#ifndef ADZE_ARTIFACT_DAG_LINE_H
#define ADZE_ARTIFACT_DAG_LINE_H

#include "artifact/dag.h"

/* FROM is NULL on a line that says nothing, and TO where a name stands alone. */
typedef struct adze_dag_told {
  char *from, *to;
  uint32_t mark;
} adze_dag_told;

/* TEXT without the end of the line. What is left in TOLD is freed also after a failure. */
ADZE_MUST_CHECK adze_error *adze_dag_line_read (const char *path, size_t number, const char *text, size_t size,
                                                adze_dag_told *told);
void adze_dag_told_cleanup (adze_dag_told *told);

/* "PATH:LINE:COLUMN: WHAT'SHOWN'"; without COLUMN where that is 0. No character is cut in the middle. */
adze_error *adze_dag_line_bad (const char *path, size_t number, size_t column, const char *what, const char *shown,
                               size_t size);

#endif
