/* SPDX-License-Identifier: Apache-2.0 */
/* ges.h: a greedy search at work. */
#ifndef DISCOVER_GES_H
#define DISCOVER_GES_H

#include "discover.h"

/* Parents of a node at most. */
enum { GES_PARENTS = 64 };

/* What a gain must be more than. */
#define GES_LEAST_GAIN 1e-9

/* ---- Scores that were computed. A set of parents is known by 128 bits. */

typedef struct ges_entry {
  uint64_t one, other;
  double score;
} ges_entry;

typedef struct ges_memory {
  ges_entry *entries; /* a place with both 0 is free */
  size_t count, room;
} ges_memory;

/* X --> Y with T, or without H: the SET. */
typedef struct ges_operator {
  uint32_t x, y, set[GES_PARENTS], count;
  double gain;
} ges_operator;

typedef struct ges_search {
  discover_run *r;
  discover_scorer scorer;
  pdag *graph;
  uint8_t *was;    /* as many as LEADS */
  pdag before;
  ges_memory *memories; /* of each node */
  ges_operator *best;   /* of each target */
  ges_operator *banned; /* of this state: those that no graph of arrows comes of */
  size_t banned_count, banned_room;
  bool inserts;
} ges_search;

/* One target at work. */
typedef struct ges_work {
  const ges_search *s;
  uint32_t y;
  uint32_t parents[GES_PARENTS + 2], parent_count;
  uint32_t common[GES_PARENTS], common_count; /* lines of y that are adjacent to x */
  uint32_t choices[GES_PARENTS], choice_count;
  ges_operator now;
  uint8_t *blocked;
  uint32_t *queue;
  void *scratch;
  adze_status status;
} ges_work;

/* Of the node W->Y with these parents, which are put in order; 0 after a failure, which W has then. */
double ges_score (ges_work *w, uint32_t *parents, uint32_t count);

/* A body of adze.parallel: finds the best operator of each target of SEARCH, a ges_search. */
adze_status ges_look_at_some (void *search, size_t first, size_t last);

#endif
