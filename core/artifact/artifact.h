/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/artifact.h: a typed value that flows between stages. */
#ifndef ADZE_ARTIFACT_ARTIFACT_H
#define ADZE_ARTIFACT_ARTIFACT_H

#include "artifact/dataset.h"
#include "artifact/model.h"

/* The types that adze knows more of than their name. Others are bytes, too. */
#define ADZE_TYPE_MODEL "model"
#define ADZE_TYPE_DATASET "dataset"
#define ADZE_TYPE_TABLE "table"   /* CSV with a head */
#define ADZE_TYPE_DAG "dag"       /* an edge a line: "A --> B" (artifact/dag.h) */
#define ADZE_TYPE_TEXT "text"
#define ADZE_TYPE_STATS "stats"   /* JSON */
#define ADZE_TYPE_REPORT "report" /* JSON */

struct adze_artifact {
  char *type;
  adze_model *model;     /* ADZE_TYPE_MODEL */
  adze_dataset *dataset; /* ADZE_TYPE_DATASET */
  char *data;            /* all others; has a NUL behind its last byte */
  size_t size;
};

/* And ARTIFACT itself, which malloc gave. NULL is allowed. */
void adze_artifact_close (struct adze_artifact *artifact);

/* Is the content what the type says? A table has as many cells in each row as its head, a dag has
 * no edge twice and no circle of arrows, stats and report are JSON. PATH is for messages. */
ADZE_MUST_CHECK adze_error *adze_artifact_check (const char *type, const char *path,
                                                 const char *data, size_t size);

#endif
