/* SPDX-License-Identifier: Apache-2.0 */
/* trained.h: candidates that are networks: built, trained for a while, and judged. */
#ifndef NAS_EVOLVE_TRAINED_H
#define NAS_EVOLVE_TRAINED_H

#include "declare.h"
#include "nas.h"

/* Of a candidate, at most. */
enum { NAS_EPOCHS = 64 };

typedef enum nas_cost { NAS_PARAMETERS, NAS_FLOPS, NAS_LATENCY } nas_cost;
#define NAS_COST_NAMES "parameters|flops|latency"

/* What is known of a candidate that was trained. */
typedef struct nas_result {
  nas_point point;
  uint64_t epochs;              /* that it was trained for */
  double by_epoch[NAS_EPOCHS]; /* accuracy after each */
} nas_result;

/* One of the front that was trained further. */
typedef struct nas_final {
  uint32_t number; /* of the point */
  double accuracy;
  adze_bytes weights; /* what it has learnt, all numbers in order; of those that were no better none are kept */
} nas_final;

/* What a job is sent: whom to train, and how. */
typedef struct nas_request {
  uint8_t genes[NAS_GENES];
  double costs[NAS_COSTS];
  uint64_t epochs, batches; /* at most, of an epoch; 0: all */
  /* It is given up that is below this after an epoch: others that cost no more are above. */
  double bars[NAS_EPOCHS];
  uint64_t searching; /* 0: it is not given up, and its weights are wanted */
} nas_request;

typedef struct nas_trained {
  nas_run *n;
  const adze_graph_service *graphs;
  const adze_eval_service *eval;
  const adze_train_service *train;
  adze_artifact *data, *validation;
  nas_declared declared;
  nas_cost costs[NAS_COSTS];

  nas_result *results; /* in the order in which they were found out */
  size_t result_count, result_room;
  size_t kept; /* of them: those that an earlier run has found out */
  bool told;   /* that there are such */

  nas_final *finals;
  size_t final_count, best; /* best: number among them */
} nas_trained;

/* settings.c */
extern const adze_param nas_params[];
adze_status nas_check_params (const adze_host *host, const adze_params *params);
adze_status nas_declare_params (const adze_host *host, const adze_params *params, nas_declared *declared);
/* The costs that were asked for, by kind and name. */
uint32_t nas_read_costs (const adze_host *host, const adze_params *params, nas_cost *costs, const char **names);
void nas_set_schedule (const nas_trained *t, uint64_t epochs, uint64_t steps, adze_train_settings *settings);

/* nas-evolve.c: services, inputs and the space, for run and for each job. */
adze_status nas_begin (nas_trained *t);

/* candidate.c: does what is requested. WEIGHTS, if not NULL, becomes what it has learnt. */
adze_status nas_train (nas_trained *t, const nas_request *request, nas_result *result, adze_bytes *weights);
adze_status nas_build (nas_trained *t, const uint8_t genes[NAS_GENES], nas_network *network, adze_graph **graph);
adze_status nas_find_scores (const nas_trained *t, adze_graph *graph, uint32_t *scores);
/* The network of GENES, with weights that nas_train has found. */
adze_status nas_rebuild (nas_trained *t, const uint8_t genes[NAS_GENES], const adze_bytes *weights, adze_graph **graph);

/* job.c: COUNT of them are trained side by side, each with THREADS (0: one). DONE is told of each as it ends. */
typedef adze_status (*nas_done) (void *argument, size_t index, const nas_result *result, const adze_bytes *weights);
adze_status nas_have_trained (nas_trained *t, const nas_request *requests, size_t count, uint32_t threads, nas_done done,
                              void *argument);
adze_status nas_job (const adze_host *host, void *instance, adze_context *context, const void *request, size_t size);

/* look.c: the candidates of a batch, those that are not known being trained. */
adze_status nas_look (nas_run *n, nas_point *points, size_t count, uint64_t before);
adze_status nas_name (const nas_run *n, const uint8_t genes[NAS_GENES], adze_bytes *text);

/* weigh.c: what it costs. */
adze_status nas_weigh (nas_trained *t, const uint8_t genes[NAS_GENES], double costs[NAS_COSTS]);

/* kept.c: what a run that goes on finds again. */
adze_status nas_keep (nas_trained *t, size_t number, const nas_result *result);
/* Of number NUMBER, if it is GENES that an earlier run kept by it. */
adze_status nas_find_kept (nas_trained *t, size_t number, const uint8_t genes[NAS_GENES], nas_result *result, bool *found);
void nas_tell_kept (nas_trained *t);
adze_status nas_keep_final (nas_trained *t, size_t index, const nas_final *final);
adze_status nas_find_final (nas_trained *t, size_t index, nas_final *final, bool *found);
/* NULL: it was not looked at. */
const nas_result *nas_find_result (const nas_trained *t, const uint8_t genes[NAS_GENES]);
adze_status nas_add_result (nas_trained *t, const nas_result *result);

/* final.c: some of the front are trained further, and the best of them is given. */
adze_status nas_finish (nas_trained *t);
void nas_finish_close (nas_trained *t);
adze_status nas_tell_finals (const nas_trained *t);
void nas_report_finals (const nas_run *n, adze_report *report);

/* recipe.c */
adze_status nas_give_recipe (nas_trained *t);

#endif
