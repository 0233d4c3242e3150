/* SPDX-License-Identifier: Apache-2.0 */
/* What an evaluation is made of.
 *
 *   evaluate.c  the component, and what is told
 *   quality.c   how good the network is, and how sure that is
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

  /* latency.c; nan: not measured */
  double p50, p95; /* seconds */
  uint64_t runs, warm_up, latency_batch;
} evaluate_run;

adze_status evaluate_quality (evaluate_run *e);
adze_status evaluate_latency (evaluate_run *e);

#endif
