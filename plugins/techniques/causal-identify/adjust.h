/* SPDX-License-Identifier: Apache-2.0 */
/* adjust.h: sets that identify an effect by themselves. */
#ifndef CAUSAL_IDENTIFY_ADJUST_H
#define CAUSAL_IDENTIFY_ADJUST_H

#include "graph.h"

/* So many are listed, the others are only said to be there; and so many sets are looked at for the front door. */
enum { IDENT_LISTED = 512, IDENT_LOOKED_AT = 4096 };

/* Who is told that work goes on, and may ask for its end. .run NULL: nobody. */
typedef struct ident_watch {
  const adze_host *host;
  const adze_run_service *run;
  adze_context *context;
} ident_watch;

typedef struct ident_sets {
  ident_set *items; /* the smallest first, and by name among those */
  size_t count;
  bool more; /* there are, or may be, others */
} ident_sets;

typedef struct ident_instrument {
  uint32_t node;
  ident_set given;
} ident_instrument;

typedef struct ident_instruments {
  ident_instrument items[IDENT_NODES];
  uint32_t count;
} ident_instruments;

void ident_sets_close (const adze_host *host, ident_sets *sets);

/* All minimal sets without descendants of X that block each way into X from Y. */
adze_status ident_backdoors (const ident_watch *watch, const ident_graph *graph, ident_set x, ident_set y,
                             ident_sets *found);

/* Minimal sets that all arrows from X to Y lead over, which have no open way into X, and whose ways into them from
 * Y are blocked by X. None where no arrows lead from X to Y. */
adze_status ident_front_doors (const ident_watch *watch, const ident_graph *graph, ident_set x, ident_set y,
                               ident_sets *found);

/* Nodes that tell of X and, but for what X does, nothing of Y, given a set without descendants of X. Few sets are tried
 * for each node, those closest to Y first, which leave the most open between it and X. */
adze_status ident_find_instruments (const ident_watch *watch, const ident_graph *graph, ident_set x, ident_set y,
                                    ident_instruments *found);

#endif
