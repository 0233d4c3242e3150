/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of this plugin share.
 *
 *   causal-model.c  the plugin: parameters, and the run
 *   equations.c     models out of equations
 *   nodes.c         models out of a graph, and the order of their nodes
 *   question.c      "NAME=value", as it stands in the parameters
 *   fit.c           equations out of a table
 *   units.c         what somebody would have had: abduction, action, prediction
 *   tables.c        discrete models: tables of chances, and what would have been
 *   necessity.c     how likely a cause was necessary, or is sufficient
 *   report.c        what is told
 */
#ifndef CAUSAL_MODEL_MODEL_H
#define CAUSAL_MODEL_MODEL_H

#include <adze/sdk.h>

#include "data.h"
#include "regress.h"

/* Nodes of a model, parents of a node, the highest power: at most. */
enum { SCM_NODES = 1024, SCM_PARENTS = 64, SCM_POWERS = 8, SCM_NONE = UINT32_MAX };

/* value = base + sum over parents and powers of factor * ((parent - middle) / scale)^power + noise */
typedef struct scm_node {
  char *name;
  uint32_t parents[SCM_PARENTS];
  uint32_t parent_count;
  bool hidden;     /* it shares a hidden cause */
  bool has_law;    /* an equation says what it is; else it is all noise */
  uint32_t column; /* of the data */
  double base;
  double factors[SCM_PARENTS][SCM_POWERS];
  double middle[SCM_PARENTS], scale[SCM_PARENTS];
  double deviation; /* of its noise, where a table told it */
  /* Discrete: chances by the parents' values, the last of which changes first, and by value; NULL: none. Rows of
   * parents that nobody in the table has are negative. */
  double *table;
} scm_node;

typedef struct scm {
  const adze_host *host;
  const adze_params *params;
  const adze_run_service *run;
  adze_context *context;
  scm_node *nodes;
  uint32_t count;
  uint32_t *order; /* causes first */
  uint32_t powers;
  bool discrete;
  bool fitted; /* by a table */
  est_data data;

  /* What is asked. Of each node: */
  uint8_t *set, *seen, *asked;
  double *set_to, *seen_as; /* numbers; discrete: levels */
} scm;

size_t scm_list_size (const scm *m, const char *name);
const char *scm_list_at (const scm *m, const char *name, size_t index);
adze_status scm_read_port (const scm *m, const char *port, const void **bytes, size_t *size);

/* nodes.c */
adze_status scm_add_node (scm *m, const char *name, size_t size, uint32_t *index);
uint32_t scm_find (const scm *m, const char *name, size_t size);
adze_status scm_read_graph (scm *m);
adze_status scm_sort (scm *m);
/* Marks in IN, which has a byte for each node, all that lead to one that is marked, past none that STOPS (may be
 * NULL). */
void scm_ancestors (const scm *m, const uint8_t *stops, uint8_t *in);

/* equations.c */
adze_status scm_read_equations (scm *m);

/* question.c: .set, .seen and .asked. */
adze_status scm_read_question (scm *m);
/* The node and the level of "NAME=value"; of a discrete model. */
adze_status scm_read_level (const scm *m, const char *what, const char *text, uint32_t *node, uint32_t *level);

/* fit.c and tables.c */
adze_status scm_fit (scm *m);
adze_status scm_fit_tables (scm *m);
double scm_law (const scm *m, uint32_t node, const double *values, double noise);

/* ---- Answers. */

typedef struct scm_answer {
  const char *node;
  const char *value;  /* of a discrete model; "" else */
  double before;      /* seen, or in the mean of the rows; NaN: nothing is known of it */
  double after;
} scm_answer;

typedef struct scm_answers {
  scm_answer *items;
  size_t count;
  const char *kind; /* "counterfactual", "intervention" ... */
  const char *words;
} scm_answers;

/* units.c, tables.c */
adze_status scm_ask_units (scm *m, scm_answers *answers);
adze_status scm_ask_tables (scm *m, scm_answers *answers);

/* The chance of LEVEL of NODE when CAUSE is set to the level SET. */
adze_status scm_chance (scm *m, uint32_t cause, uint32_t set, uint32_t node, uint32_t level, double *chance);

typedef struct scm_bound {
  const char *name, *words;
  double low, high;
  double point; /* if nobody has the result less by the cause; NaN: that is contradicted, or nothing is divided by */
} scm_bound;

typedef struct scm_necessity {
  bool there;
  bool experiment; /* .done and .left are known */
  const char *source;
  double both, cause_alone, result_alone, neither; /* as seen */
  double done, left;                               /* the result, with the cause set and prevented */
  bool monotone;                                   /* nothing contradicts it */
  scm_bound bounds[3];
} scm_necessity;

/* necessity.c */
adze_status scm_find_necessity (scm *m, scm_necessity *n);

/* report.c */
adze_status scm_tell (const scm *m, const scm_answers *answers, const scm_necessity *necessity);

#endif
