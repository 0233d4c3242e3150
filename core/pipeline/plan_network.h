/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan_network.h: who would compute the network that a stage with run is given. */
#ifndef ADZE_PIPELINE_PLAN_NETWORK_H
#define ADZE_PIPELINE_PLAN_NETWORK_H

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

#endif
