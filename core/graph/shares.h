/* SPDX-License-Identifier: Apache-2.0 */
/* graph/shares.h: which backend would compute which of a graph's nodes, said before anything is
 * compiled. */
#ifndef ADZE_GRAPH_SHARES_H
#define ADZE_GRAPH_SHARES_H

#include "graph/executable.h"

typedef struct adze_graph_shares {
  size_t nodes;     /* in all, those of bodies too */
  size_t control;   /* If, Loop and Scan, which the host carries out */
  size_t delegated; /* that ref computes in the place of the backend that was asked for */
  size_t inside;    /* of these, in bodies */
  char *operators;  /* of these, with how often: "TopK (2), NonZero"; "" for none */
  char *left;       /* the first of these, as text; NULL: there is none */
  char *lacking;    /* the first node that nobody computes, likewise */
} adze_graph_shares;

/* OPTIONS: its backends alone count. Types of GRAPH must have been inferred. */
ADZE_MUST_CHECK adze_error *adze_graph_share_out (adze_graph *graph,
                                                  const adze_compile_options *options,
                                                  adze_graph_shares *shares);
void adze_graph_shares_cleanup (adze_graph_shares *shares);

#endif
