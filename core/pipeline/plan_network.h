/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan_network.h: who would compute the network that a stage with run is given. */
#ifndef ADZE_PIPELINE_PLAN_NETWORK_H
#define ADZE_PIPELINE_PLAN_NETWORK_H

#include "graph/codes.h"
#include "graph/shares.h"
#include "pipeline/plan.h"

typedef struct adze_plan_network {
  bool is_one; /* the stage takes whole artifacts, and its model is a network */
  const char *backend;
  adze_graph_shares shares;
  char *refused; /* why the network cannot be worked with; NULL: it can */
} adze_plan_network;

/* What is wrong with the network is no error here: not every stage that takes one computes with it. */
ADZE_MUST_CHECK adze_error *adze_plan_network_of (const adze_plan *plan,
                                                  const adze_plan_stage *planned,
                                                  adze_plan_network *network);
void adze_plan_network_cleanup (adze_plan_network *network);

/* The network of MODEL, which is known, without the numbers that no file has yet; *GRAPH stays NULL where it is
 * no network. */
ADZE_MUST_CHECK adze_error *adze_plan_open_network (const adze_plan *plan, const adze_plan_model *model,
                                                    adze_graph **graph);
/* Weights that its nodes take for codes, or for what codes stand for. Operators that nobody here knows are no error. */
ADZE_MUST_CHECK adze_error *adze_plan_network_codes (const adze_plan *plan, const adze_plan_model *model,
                                                     adze_graph_codes *codes);
/* GRAPH, as a stage has edited it, becomes the part of MODEL, in the place of those that it has. */
ADZE_MUST_CHECK adze_error *adze_plan_take_network (const adze_plan *plan, adze_graph *graph,
                                                    adze_plan_model *model);
void adze_plan_part_free (adze_model_part *part);

#endif
