/* SPDX-License-Identifier: Apache-2.0 */
/* network.h: a discrete network, as files of the Bayesian interchange format have it, and exact inference in it. */
#ifndef CAUSAL_ESTIMATE_NETWORK_H
#define CAUSAL_ESTIMATE_NETWORK_H

#include <adze/sdk.h>

/* Nodes, states and parents of a node, numbers of a table: at most. */
enum { NET_NODES = 4096, NET_STATES = 4096, NET_PARENTS = 64, NET_CELLS = 1 << 24 };

typedef struct net_node {
  char *name;
  char **states;
  uint32_t state_count;
  uint32_t parents[NET_PARENTS];
  uint32_t parent_count;
  double *table; /* by parents, the last of which changes first, and then by state. NULL: not told yet */
  uint8_t *told; /* rows that were */
  uint32_t rows;
} net_node;

typedef struct net {
  const adze_host *host;
  net_node *nodes;
  uint32_t count, room;
  void *blocks;   /* of memory */
  uint32_t *order; /* causes first */
} net;

/* bif.c: closed also after a failure, which names the line. */
adze_status net_read (const adze_host *host, const char *text, size_t size, net *network);
void net_close (net *network);

/* UINT32_MAX: there is none. */
uint32_t net_find (const net *network, const char *name, size_t size);
uint32_t net_find_state (const net_node *node, const char *name, size_t size);

/* What is known of a node. */
enum { NET_FREE = UINT32_MAX };

typedef struct net_question {
  const uint32_t *set;   /* of each node: the state it is set to, or NET_FREE */
  const uint32_t *seen;  /* of each node: the state it is seen in, or NET_FREE */
  const uint32_t *asked; /* nodes */
  uint32_t asked_count;
} net_question;

/* eliminate.c: the joint distribution of what is asked, the last of which changes first; to be released. CELLS: how
 * many numbers. EVIDENCE: how likely what is seen is. */
adze_status net_infer (const net *network, const net_question *question, const adze_run_service *run,
                       adze_context *context, double **cells, size_t *count, double *evidence);

#endif
