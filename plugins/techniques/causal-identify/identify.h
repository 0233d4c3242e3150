/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of this plugin share.
 *
 *   causal-identify.c  the plugin: what is asked, and the run
 *   question.c         names and questions of separation, as they stand in the parameters
 *   answer.c           the effect: which way of identifying it is the plainest
 *   report.c           what is told of it
 *   id.c               the complete algorithm, and the hedge
 *   adjust.c           backdoor sets, front-door sets, instruments
 *   formula.c, formula_text.c  formulas
 *   graph.c, sets.h    graphs, and sets of their nodes
 */
#ifndef CAUSAL_IDENTIFY_IDENTIFY_H
#define CAUSAL_IDENTIFY_IDENTIFY_H

#include "adjust.h"
#include "id.h"

typedef enum ident_method { IDENT_NO_WAY, IDENT_NO_EFFECT, IDENT_BACKDOOR, IDENT_FRONT_DOOR, IDENT_GENERAL } ident_method;

typedef struct ident_run {
  const adze_host *host;
  const adze_params *params;
  const adze_run_service *run;
  adze_context *context;
  ident_graph graph;
  ident_room room;

  ident_set x, y, given;
  ident_method method;
  const ident_formula *formula;
  ident_hedge hedge;
  ident_sets backdoors, front_doors;
  ident_instruments instruments;
  adze_bytes question, text, sentence; /* ended by NUL */
} ident_run;

/* question.c: the nodes of a list of names, which is called WHAT in messages; with commas, of a text. */
adze_status ident_read_list (const ident_run *r, const char *what, ident_set *nodes);

typedef struct ident_separation {
  ident_set x, y, z;
  bool yes;
} ident_separation;

adze_status ident_read_separation (const ident_run *r, const char *text, ident_separation *question);

/* answer.c: fills in all that is behind .given. */
adze_status ident_answer (ident_run *r);

/* report.c: rows, metrics, the estimand and the report. SEPARATIONS: as many as the parameter has. */
adze_status ident_tell (ident_run *r, const ident_separation *separations);

#endif
