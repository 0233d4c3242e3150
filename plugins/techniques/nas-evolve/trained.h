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

/* One of the front that was trained further, in the order in which they were. */
typedef struct nas_final {
  uint32_t number; /* of the point */
  double accuracy;
} nas_final;

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
  uint64_t trained; /* in this process */

  nas_final *finals;
  size_t final_count, best; /* best: number among them */
  adze_graph *given; /* the best one's network, with what it has learnt */
} nas_trained;

/* settings.c */
extern const adze_param nas_params[];
adze_status nas_check_params (const adze_host *host, const adze_params *params);
adze_status nas_declare_params (const adze_host *host, const adze_params *params, nas_declared *declared);
/* The costs that were asked for, by kind and name. */
uint32_t nas_read_costs (const adze_host *host, const adze_params *params, nas_cost *costs, const char **names);
void nas_set_schedule (const nas_trained *t, uint64_t epochs, uint64_t steps, adze_train_settings *settings);

/* candidate.c: trains GENES for EPOCHS of at most BATCHES each (0: all), and fills RESULT. SEARCHING: its costs are found,
 * too, and it can be given up. INTO, if not NULL, becomes its network with what it has learnt. */
adze_status nas_train (nas_trained *t, const uint8_t genes[NAS_GENES], uint64_t epochs, uint64_t batches,
                       bool searching, nas_result *result, adze_graph **into);
adze_status nas_build (nas_trained *t, const uint8_t genes[NAS_GENES], nas_network *network, adze_graph **graph);

/* weigh.c: what it costs, GRAPH being the network as it is used, of which SCORES are wanted. */
adze_status nas_weigh (nas_trained *t, const build_plan *plan, adze_graph *graph, uint32_t scores,
                       double costs[NAS_COSTS]);

/* kept.c: what a run that goes on finds again. */
adze_status nas_keep (nas_trained *t, const nas_result *result);
adze_status nas_find_kept (nas_trained *t);
adze_status nas_keep_final (nas_trained *t, size_t index, const nas_final *final);
adze_status nas_find_final (nas_trained *t, size_t index, nas_final *final, bool *found);
/* NULL: it was not looked at. */
const nas_result *nas_find_result (const nas_trained *t, const uint8_t genes[NAS_GENES]);
adze_status nas_add_result (nas_trained *t, const nas_result *result);

/* final.c: some of the front are trained further, and the best of them is given. */
adze_status nas_finish (nas_trained *t);
adze_status nas_tell_finals (const nas_trained *t);
void nas_report_finals (const nas_run *n, adze_report *report);

/* recipe.c */
adze_status nas_give_recipe (nas_trained *t);

#endif
