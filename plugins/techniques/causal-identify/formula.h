/* SPDX-License-Identifier: Apache-2.0 */
/* formula.h: formulas of probabilities that were seen: products, sums and ratios of P(A|B).
 *
 * Each way of making one keeps it short: what sums up to one goes, what does not depend on a sum stands in front of
 * it, what stands above and below a line is cancelled. */
#ifndef CAUSAL_IDENTIFY_FORMULA_H
#define CAUSAL_IDENTIFY_FORMULA_H

#include "graph.h"

typedef enum ident_kind {
  IDENT_P,       /* P(head|given); 1 where the head is empty */
  IDENT_PRODUCT, /* of all items */
  IDENT_SUM,     /* of item 0, over all values of .head */
  IDENT_RATIO    /* item 0 by item 1 */
} ident_kind;

typedef struct ident_formula ident_formula;

struct ident_formula {
  ident_kind kind;
  uint32_t count;
  ident_set head, given;
  ident_set free; /* variables whose value it depends on */
  const ident_formula **items;
};

/* Owns all formulas of a question. Begins as zeros but for the first two. What fails is NULL, and said. */
typedef struct ident_room {
  const adze_host *host;
  const ident_graph *graph;
  void *blocks;
  uint32_t formulas;
} ident_room;

void ident_room_close (ident_room *room);

/* Items that are NULL failed before: so does what is made of them. */
const ident_formula *ident_p (ident_room *room, ident_set head, ident_set given);
const ident_formula *ident_product (ident_room *room, const ident_formula *const *items, uint32_t count);
const ident_formula *ident_sum (ident_room *room, ident_set over, const ident_formula *body);
const ident_formula *ident_ratio (ident_room *room, const ident_formula *above, const ident_formula *below);

/* As it is, for formulas whose form says something: adjusting, front door. */
const ident_formula *ident_plain (ident_room *room, ident_kind kind, ident_set over,
                                  const ident_formula *const *items, uint32_t count);

/* formula_text.c: appends the text of FORMULA, in the grammar of the manual page; and names with commas. */
adze_status ident_write (const ident_room *room, const ident_formula *formula, adze_bytes *text);
adze_status ident_write_names (const adze_host *host, const ident_graph *graph, ident_set set, adze_bytes *text);

#endif
