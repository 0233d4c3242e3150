/* SPDX-License-Identifier: Apache-2.0 */
/* genome.c: genomes that are drawn, changed, crossed and counted through. */
#include "genome.h"

/* ---- Random numbers. */

static uint64_t
bits (nas_random *random)
{
  const size_t block = sizeof random->numbers / sizeof random->numbers[0];
  size_t at = (size_t)(random->next % block);
  if (at == 0)
    random->fill (random->argument, random->next, random->numbers, block);
  random->next++;
  return random->numbers[at];
}

uint32_t
nas_random_below (nas_random *random, uint32_t limit)
{
  return (uint32_t)(((bits (random) >> 32) * limit) >> 32);
}

double
nas_random_unit (nas_random *random)
{
  return (double)(bits (random) >> 11) * (1.0 / 9007199254740992.0);
}

/* ---- Genomes. */

void
nas_genome_random (const nas_space *space, nas_random *random, uint8_t genes[NAS_GENES])
{
  if (space->listed) {
    space->list (space->argument, nas_random_below (random, space->listed), genes);
    return;
  }
  for (uint32_t i = 0; i < NAS_GENES; i++)
    genes[i] = i < space->genes ? (uint8_t)nas_random_below (random, space->choices[i]) : 0;
}

/* Any of its other choices. */
static void
change (const nas_space *space, nas_random *random, uint32_t gene, uint8_t genes[NAS_GENES])
{
  uint32_t other = nas_random_below (random, space->choices[gene] - 1);
  genes[gene] = (uint8_t)(other + (other >= genes[gene]));
}

static uint32_t
count_open (const nas_space *space)
{
  uint32_t count = 0;
  for (uint32_t i = 0; i < space->genes; i++)
    count += space->choices[i] > 1;
  return count;
}

/* Gene number NUMBER of those that have a choice. */
static uint32_t
open_gene (const nas_space *space, uint32_t number)
{
  uint32_t gene = 0;
  for (;; gene++)
    if (space->choices[gene] > 1 && number-- == 0)
      return gene;
}

void
nas_genome_mutate (const nas_space *space, nas_random *random, double rate, uint32_t least,
                   uint8_t genes[NAS_GENES])
{
  uint32_t open = count_open (space), changed = 0;
  bool done[NAS_GENES] = { false };
  for (uint32_t i = 0; i < space->genes; i++)
    if (space->choices[i] > 1 && nas_random_unit (random) < rate) {
      change (space, random, i, genes);
      done[i] = true;
      changed++;
    }
  while (changed < least && changed < open) {
    uint32_t gene = open_gene (space, nas_random_below (random, open));
    if (done[gene])
      continue;
    change (space, random, gene, genes);
    done[gene] = true;
    changed++;
  }
}

void
nas_genome_cross (const nas_space *space, nas_random *random, const uint8_t other[NAS_GENES],
                  uint8_t genes[NAS_GENES])
{
  for (uint32_t i = 0; i < space->genes; i++)
    if (nas_random_below (random, 2))
      genes[i] = other[i];
}

uint32_t
nas_genome_distance (const nas_space *space, const uint8_t one[NAS_GENES], const uint8_t other[NAS_GENES])
{
  uint32_t distance = 0;
  for (uint32_t i = 0; i < space->genes; i++)
    distance += one[i] != other[i];
  return distance;
}

bool
nas_genome_count (const nas_space *space, uint8_t genes[NAS_GENES])
{
  for (uint32_t i = space->genes; i-- > 0;) {
    genes[i]++;
    if (genes[i] < space->choices[i])
      return true;
    genes[i] = 0;
  }
  return false;
}
