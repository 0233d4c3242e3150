/* SPDX-License-Identifier: Apache-2.0 */
/* genome.h: what a candidate is made of: a choice for each gene. Which layers, or which key of a table, that means
 * is the affair of who declares the space. */
#ifndef NAS_EVOLVE_GENOME_H
#define NAS_EVOLVE_GENOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Genes of a genome, choices of a gene, and costs of a candidate, at most. */
enum { NAS_GENES = 64, NAS_CHOICES = 255, NAS_COSTS = 4 };

typedef struct nas_space {
  uint32_t genes;
  uint32_t choices[NAS_GENES]; /* of each: from 1 on */
  /* False: there is no such candidate. Of genomes that mean the same one it makes the same: genes that play no
   * part become 0. */
  bool (*settle) (const void *argument, uint8_t genes[NAS_GENES]);
  const void *argument;
  /* Where few of the genomes are candidates: how many there are, from 1 on, and the one of a number from 0 on.
   * Otherwise 0. */
  uint32_t listed;
  void (*list) (const void *argument, uint32_t number, uint8_t genes[NAS_GENES]);
} nas_space;

/* A candidate that was looked at. Genes behind the space's last are 0. */
typedef struct nas_point {
  uint8_t genes[NAS_GENES];
  double worth;            /* the higher the better */
  double costs[NAS_COSTS]; /* the lower the better */
  bool stopped;            /* given up early: its worth is what it had by then */
} nas_point;

/* ---- Random numbers by index, so that a search that is done once more draws the same. */

typedef struct nas_random {
  void (*fill) (void *argument, uint64_t first, uint64_t *out, size_t count);
  void *argument;
  uint64_t next;
  uint64_t numbers[64];
} nas_random;

uint32_t nas_random_below (nas_random *random, uint32_t limit);
double nas_random_unit (nas_random *random);

/* ---- Genomes. None of these settles what it makes. */

/* One of those that are listed, where they are. */
void nas_genome_random (const nas_space *space, nas_random *random, uint8_t genes[NAS_GENES]);
/* Each gene becomes another choice with probability RATE, and LEAST of them in any case. */
void nas_genome_mutate (const nas_space *space, nas_random *random, double rate, uint32_t least,
                        uint8_t genes[NAS_GENES]);
/* Each gene becomes that of OTHER or stays, as likely. */
void nas_genome_cross (const nas_space *space, nas_random *random, const uint8_t other[NAS_GENES],
                       uint8_t genes[NAS_GENES]);
/* How many genes differ. */
uint32_t nas_genome_distance (const nas_space *space, const uint8_t one[NAS_GENES], const uint8_t other[NAS_GENES]);
/* The next one in the order of numbers; false: that was the last, and the first one follows. */
bool nas_genome_count (const nas_space *space, uint8_t genes[NAS_GENES]);

#endif
