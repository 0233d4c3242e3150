/* SPDX-License-Identifier: Apache-2.0 */
/* pdag.h: a graph some of whose edges have no direction yet, and what can be done with one. Of numbers alone: names
 * and memory are the caller's. */
#ifndef DISCOVER_PDAG_H
#define DISCOVER_PDAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why an arrow points where it does. */
typedef enum pdag_why {
  PDAG_BY_NOTHING = 0, /* it has no direction */
  PDAG_BY_KNOWLEDGE = 1,
  PDAG_BY_COLLIDER = 2,
  PDAG_BY_RULE_1 = 3, /* the four rules of Meek, in his order */
  PDAG_BY_RULE_2 = 4,
  PDAG_BY_RULE_3 = 5,
  PDAG_BY_RULE_4 = 6,
  PDAG_BY_SCORE = 7, /* the search chose it */
} pdag_why;

/* LEADS[i * count + j]: j may be an effect of i. Of both ways one alone is an arrow, both are a line. */
typedef struct pdag {
  uint32_t count;
  uint8_t *leads;
  uint8_t *why;     /* pdag_why of the arrow i --> j, as many; NULL: nobody asks */
  uint32_t *queue;  /* COUNT, for pdag_reaches and pdag_extend */
  uint8_t *seen;    /* COUNT, likewise */
  bool (*stops) (void *argument); /* pdag_follow asks it often, and ends where it says so; NULL: it goes to the end */
  void *argument;
} pdag;

/* The triples x, z, y of which it is not known whether z is a collider: no rule may reason with them. */
typedef struct pdag_triple {
  uint32_t x, z, y; /* x < y */
} pdag_triple;

typedef struct pdag_doubts {
  const pdag_triple *triples; /* in order */
  size_t count;
} pdag_doubts;

static inline bool
pdag_leads (const pdag *g, uint32_t from, uint32_t to)
{
  return g->leads[(size_t)from * g->count + to];
}

static inline bool
pdag_adjacent (const pdag *g, uint32_t a, uint32_t b)
{
  return pdag_leads (g, a, b) || pdag_leads (g, b, a);
}

static inline bool
pdag_arrow (const pdag *g, uint32_t from, uint32_t to)
{
  return pdag_leads (g, from, to) && !pdag_leads (g, to, from);
}

static inline bool
pdag_line (const pdag *g, uint32_t a, uint32_t b)
{
  return pdag_leads (g, a, b) && pdag_leads (g, b, a);
}

/* What there was between the two is gone. */
void pdag_set_line (pdag *g, uint32_t a, uint32_t b);
void pdag_set_arrow (pdag *g, uint32_t from, uint32_t to, pdag_why why);
void pdag_unset (pdag *g, uint32_t a, uint32_t b);
void pdag_copy (pdag *to, const pdag *from);

/* Is there a way from FROM to TO along arrows alone? */
bool pdag_reaches (const pdag *g, uint32_t from, uint32_t to);

int pdag_compare_triples (const void *left, const void *right);

/* Lines become arrows by Meek's rules until none says more; none that would lead in a circle. DOUBTS may be NULL. */
void pdag_follow (pdag *g, const pdag_doubts *doubts);

/* All lines become arrows, without a circle and without a new collider (Dor and Tarsi); false: there is no way. G is
 * then as it was; LEFT is room for as many bytes as LEADS. */
bool pdag_extend (pdag *g, uint8_t *left);

/* A graph of arrows alone becomes the one of all graphs that say the same of independence: arrows that are in all of
 * them stay. WAS is room for as many bytes as LEADS. */
void pdag_forget (pdag *g, uint8_t *was);

/* Pairs that are not the same in both: no edge, an arrow this way or that, a line. */
size_t pdag_distance (const pdag *left, const pdag *right);

#endif
