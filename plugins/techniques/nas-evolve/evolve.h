/* SPDX-License-Identifier: Apache-2.0 */
/* evolve.h: a search asks for candidates and is told how good they are. It is a function of its settings, its random
 * numbers and what it was told: done once more with the same answers, it asks for the same candidates. None is asked
 * for twice. Several may be asked for before it is told of any, in the same order. */
#ifndef NAS_EVOLVE_EVOLVE_H
#define NAS_EVOLVE_EVOLVE_H

#include "genome.h"

typedef enum nas_method {
  NAS_REGULARISED, /* the oldest dies (Real and others, 2019); by worth alone */
  NAS_NSGA2,       /* the most dominated dies, or of equally dominated ones the most crowded */
  NAS_RANDOM       /* no more than luck: what the others are held against */
} nas_method;

typedef struct nas_settings {
  nas_method method;
  uint32_t population; /* how many live at once */
  uint32_t tournament; /* how many are drawn to choose a parent among */
  double mutation;     /* how many genes of a child change, in the mean; one at least of one with one parent */
  double crossover;    /* share of children with two parents */
  uint32_t costs;      /* numbers of a point's costs that count */
  uint32_t together;   /* children that are asked for before it is told of any; 0 is 1 */
} nas_settings;

/* Of those that are drawn at random so many are asked for at once, at most: what they are depends on no other. */
enum { NAS_DRAWN = 64 };

/* Begins as zeros but for .random. */
typedef struct nas_search {
  const nas_space *space;
  nas_settings settings;
  nas_random random;
  nas_point *points; /* in the order in which it was told of them */
  size_t count, room;
  uint32_t *slots; /* of a hash table: the number of a point plus one, or 0 */
  size_t slot_count;
  uint32_t *living; /* numbers of points, the oldest first */
  size_t living_count;
  uint32_t *ranks; /* of those that live, for NAS_NSGA2 */
  double *spaces;
  uint8_t (*asked)[NAS_GENES]; /* and not told of yet */
  size_t asked_count, asked_room;
  uint8_t cursor[NAS_GENES]; /* where counting through all genomes has come to */
  uint32_t listed;           /* or through those that are listed */
  bool exhausted;
} nas_search;

/* False: there is no memory. Closed also after a failure. */
bool nas_search_open (nas_search *search, const nas_space *space, const nas_settings *settings);
void nas_search_close (nas_search *search);

/* How many to ask for now, of LEFT that may be; no more of them have room. */
size_t nas_search_batch (const nas_search *search, size_t left);
/* A candidate that was not asked for yet. False: there is none left. */
bool nas_search_next (nas_search *search, uint8_t genes[NAS_GENES]);
/* False: there is no memory. */
bool nas_search_tell (nas_search *search, const nas_point *point);

/* The number of the best one; SIZE_MAX: there is none, or all were given up. */
size_t nas_search_best (const nas_search *search);

/* How many genes two of those that live differ in, in the mean, as a share of all genes. */
double nas_search_diversity (const nas_search *search);

#endif
