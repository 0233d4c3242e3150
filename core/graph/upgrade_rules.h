/* SPDX-License-Identifier: Apache-2.0 */
/* graph/upgrade_rules.h: what became another thing in which opset. Private to upgrade.c,
 * upgrade_old.c (up to opset 7) and upgrade_rules.c (since). */
#ifndef ADZE_GRAPH_UPGRADE_RULES_H
#define ADZE_GRAPH_UPGRADE_RULES_H

#include "graph/graph_private.h"

/* A node on its way; edited in place. */
typedef struct adze_upgrade {
  adze_graph *graph;
  adze_graph_node *node;
  uint32_t after; /* a node that was added and needs this one; ADZE_NONE: there is none */
  const bool *used; /* for each value that the graph came with: does anybody take it? */
} adze_upgrade;

typedef struct adze_upgrade_rule {
  const char *op;
  int64_t since; /* the opset whose meaning APPLY makes of the one before */
  adze_error *(*apply) (adze_upgrade *up);
} adze_upgrade_rule;

/* In the order in which they are applied; a NULL operator ends them. */
extern const adze_upgrade_rule adze_upgrade_old_rules[], adze_upgrade_rules[];

/* "node 3 'conv1' (Conv): ..." */
ADZE_MUST_CHECK adze_error *adze_upgrade_refuse (const adze_upgrade *up, adze_status status,
                                                 const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/* ---- Edits that adapters are made of. */

ADZE_MUST_CHECK adze_error *adze_upgrade_need_input (const adze_upgrade *up);
/* Input INDEX becomes VALUE; those between are left out where there were not so many. */
ADZE_MUST_CHECK adze_error *adze_upgrade_set_input (adze_upgrade *up, size_t index, uint32_t value);
ADZE_MUST_CHECK adze_error *adze_upgrade_set_int (adze_upgrade *up, const char *name,
                                                  int64_t value);
ADZE_MUST_CHECK adze_error *adze_upgrade_set_text (adze_upgrade *up, const char *name,
                                                   const char *text);
void adze_upgrade_drop_attribute (adze_upgrade *up, const char *name);
/* New constants: of one dimension, or of a scalar where RANK is 0. */
ADZE_MUST_CHECK adze_error *adze_upgrade_constant (adze_upgrade *up, adze_dtype dtype, int32_t rank,
                                                   size_t count, const void *numbers,
                                                   uint32_t *constant);
ADZE_MUST_CHECK adze_error *adze_upgrade_ints (adze_upgrade *up, const int64_t *numbers,
                                               size_t count, uint32_t *constant);
/* The integers of an attribute become input INDEX. */
ADZE_MUST_CHECK adze_error *adze_upgrade_ints_to_input (adze_upgrade *up, const char *name,
                                                        size_t index, bool needed);
/* Dimensions of a value; -1: not known. */
int32_t adze_upgrade_rank (const adze_upgrade *up, uint32_t value);

#endif
