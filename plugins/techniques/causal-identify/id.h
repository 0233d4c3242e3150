/* SPDX-License-Identifier: Apache-2.0 */
/* id.h: can an effect be computed from what is seen, and how? */
#ifndef CAUSAL_IDENTIFY_ID_H
#define CAUSAL_IDENTIFY_ID_H

#include "formula.h"

/* Why there is no formula: two models can agree on all that is seen and differ in the effect, by what happens along
 * two forests with the same roots. In each, hidden causes join all nodes, and each node but the roots has one arrow
 * to another one of them. */
typedef struct ident_hedge {
  ident_set inner, outer, roots;
  uint32_t child[IDENT_NODES];  /* of each node of the outer one but the roots */
  uint32_t joined[IDENT_NODES]; /* the sibling that joins a node to those that came before it; IDENT_NODES: the first */
} ident_hedge;

/* The distribution of Y when X is set, among those with GIVEN: the algorithm ID of Shpitser and Pearl, and their IDC
 * where something is given. *FORMULA stays NULL where there is none, and *HEDGE says why. X, Y and GIVEN share no
 * node. */
adze_status ident_identify (ident_room *room, ident_set y, ident_set x, ident_set given,
                            const ident_formula **formula, ident_hedge *hedge);

#endif
