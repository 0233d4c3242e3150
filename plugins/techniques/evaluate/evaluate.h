/* SPDX-License-Identifier: Apache-2.0 */
/* What an evaluation is made of.
 *
 *   evaluate.c  the component, and what is told
 *   quality.c   how good the network is, and how sure that is
 *   integers.c  a quantised network computed in its integers, beside the floats between its codes
 *   latency.c   how long it takes
 */
#ifndef EVALUATE_H
#define EVALUATE_H

#include <adze/sdk.h>

typedef struct evaluate_run {
  const adze_host *host;
  adze_context *context;
  const adze_params *params;
  const adze_run_service *run;
  const adze_graph_service *graphs;
  const adze_eval_service *eval;
  adze_artifact *model, *data;

  /* Of the model as it lies in its file. */
  uint64_t size, parameters;

  /* quality.c */
  bool classes; /* class numbers; else numbers against numbers */
  adze_verdict verdict;
  double low, high;        /* of the accuracy; nan: not asked for */
  adze_eval_facts facts;
  char backend[64], identity[384]; /* .facts has them as long as the network is compiled */
  char target[128];        /* the column */
  bool strange;            /* numbers of the data are none: there is no loss */

  /* integers.c; nan: the network was not computed both ways */
  bool in_floats, in_integers; /* what was asked for */
  bool both;                   /* and what came of it: VERDICT is of floats then */
  adze_verdict integers;
  uint64_t integer_nodes, float_nodes; /* changed by the pass; products that it left */
  uint64_t compared, agreeing;         /* positions with classes, and those where it is the same */
  double apart;                        /* the greatest difference of two outputs */

  /* latency.c; nan: not measured */
  double p50, p95; /* seconds */
  uint64_t runs, warm_up, latency_batch;
} evaluate_run;

/* The network as it is to be computed: in integers where that alone was asked for. */
adze_status evaluate_graph (evaluate_run *e, adze_graph **graph);
/* Is there anything that integers stand for? */
bool evaluate_has_codes (const evaluate_run *e, const adze_graph *graph);
/* Puts GRAPH into integers, and counts. */
adze_status evaluate_to_integers (evaluate_run *e, adze_graph *graph);
/* What the network gave both ways. */
void evaluate_compare (evaluate_run *e, const adze_view *floats, const adze_view *integers);

adze_status evaluate_quality (evaluate_run *e);
adze_status evaluate_latency (evaluate_run *e);

#endif
