/* SPDX-License-Identifier: Apache-2.0 */
/* evolve.c: who lives, who has children, and what these are like. */
#include "evolve.h"

#include <stdlib.h>
#include <string.h>

#include "front.h"

bool
nas_search_open (nas_search *search, const nas_space *space, const nas_settings *settings)
{
  size_t most = (size_t)settings->population + 1; /* one more, until it is known who dies */
  search->space = space;
  search->settings = *settings;
  search->living = (uint32_t *)calloc (most, sizeof *search->living);
  search->ranks = (uint32_t *)calloc (most, sizeof *search->ranks);
  search->spaces = (double *)calloc (most, sizeof *search->spaces);
  search->asked_room = settings->together > settings->population ? settings->together : settings->population;
  search->asked_room = search->asked_room > NAS_DRAWN ? search->asked_room : NAS_DRAWN;
  search->asked = (uint8_t (*)[NAS_GENES])calloc (search->asked_room, sizeof *search->asked);
  return search->living && search->ranks && search->spaces && search->asked;
}

void
nas_search_close (nas_search *search)
{
  free (search->points);
  free (search->slots);
  free (search->living);
  free (search->ranks);
  free (search->spaces);
  free (search->asked);
  memset (search, 0, sizeof *search);
}

/* ---- What it was told of. */

static uint64_t
hash (const uint8_t genes[NAS_GENES])
{
  uint64_t h = UINT64_C (0xcbf29ce484222325);
  for (size_t i = 0; i < NAS_GENES; i++)
    h = (h ^ genes[i]) * UINT64_C (0x100000001b3);
  return h ^ h >> 32;
}

/* The slot of GENES, or the one that they would go to. */
static uint32_t *
find_slot (const nas_search *search, const uint8_t genes[NAS_GENES])
{
  size_t at = (size_t)hash (genes) & (search->slot_count - 1);
  while (search->slots[at] && memcmp (search->points[search->slots[at] - 1].genes, genes, NAS_GENES) != 0)
    at = (at + 1) & (search->slot_count - 1);
  return &search->slots[at];
}

static bool
make_room (nas_search *search)
{
  size_t room = search->room ? search->room * 2 : 64;
  if (search->count < search->room)
    return true;
  nas_point *points = (nas_point *)realloc (search->points, room * sizeof *points);
  if (!points)
    return false;
  search->points = points;
  uint32_t *slots = (uint32_t *)calloc (room * 2, sizeof *slots);
  if (!slots)
    return false;
  free (search->slots);
  search->slots = slots;
  search->slot_count = room * 2;
  search->room = room;
  for (size_t i = 0; i < search->count; i++)
    *find_slot (search, points[i].genes) = (uint32_t)i + 1;
  return true;
}

static bool
is_new (const nas_search *search, uint8_t genes[NAS_GENES])
{
  if (!search->space->settle (search->space->argument, genes))
    return false;
  for (size_t i = 0; i < search->asked_count; i++)
    if (memcmp (search->asked[i], genes, NAS_GENES) == 0)
      return false;
  return search->count == 0 || *find_slot (search, genes) == 0;
}

/* ---- Parents. */

static bool
is_better (const nas_search *search, size_t left, size_t right)
{
  if (search->settings.method == NAS_REGULARISED)
    return search->points[search->living[left]].worth > search->points[search->living[right]].worth;
  if (search->ranks[left] != search->ranks[right])
    return search->ranks[left] < search->ranks[right];
  return search->spaces[left] > search->spaces[right];
}

static const uint8_t *
choose_parent (nas_search *search)
{
  uint32_t living = (uint32_t)search->living_count;
  size_t best = nas_random_below (&search->random, living);
  for (uint32_t i = 1; i < search->settings.tournament; i++) {
    size_t other = nas_random_below (&search->random, living);
    if (is_better (search, other, best))
      best = other;
  }
  return search->points[search->living[best]].genes;
}

/* ---- Children. */

/* So many children that are known already, or cannot be, are had in vain before all genomes are counted through;
 * after each EASY of them one more gene has to change, so that one whose neighbours are all known goes further away. */
enum { TRIES = 400, EASY = 8 };

static void
breed (nas_search *search, uint32_t tries, uint8_t genes[NAS_GENES])
{
  const nas_settings *s = &search->settings;
  memcpy (genes, choose_parent (search), NAS_GENES);
  bool two = nas_random_unit (&search->random) < s->crossover;
  if (two)
    nas_genome_cross (search->space, &search->random, choose_parent (search), genes);
  nas_genome_mutate (search->space, &search->random, s->mutation / search->space->genes,
                     (two ? 0 : 1) + tries / EASY, genes);
}

/* Of so many that are drawn from the list the nearest is taken. */
enum { NEAR = 4096 };

/* Where few genomes are candidates, hardly a child is one: the candidate that is most like one takes its place. A
 * child as any other, and not the last of those that were had in vain, which have changed in more and more genes. False:
 * those that were drawn are known. */
static bool
find_near (nas_search *search, uint8_t genes[NAS_GENES])
{
  uint8_t child[NAS_GENES], drawn[NAS_GENES];
  uint32_t nearest = UINT32_MAX;
  breed (search, 0, child);
  for (uint32_t i = 0; i < NEAR; i++) {
    nas_genome_random (search->space, &search->random, drawn);
    uint32_t distance = nas_genome_distance (search->space, child, drawn);
    if (distance < nearest && is_new (search, drawn)) {
      memcpy (genes, drawn, NAS_GENES);
      nearest = distance;
    }
  }
  return nearest < UINT32_MAX;
}

static bool
take_listed (nas_search *search, uint8_t genes[NAS_GENES])
{
  while (search->listed < search->space->listed) {
    search->space->list (search->space->argument, search->listed++, genes);
    if (is_new (search, genes))
      return true;
  }
  return false;
}

/* Steps of counting, at most: a space may be larger than anybody can count, and few of it be candidates. */
enum { STEPS = 20000000 };

/* The first one in order that is left. What lies before the cursor is known, or cannot be. */
static bool
count_on (nas_search *search, uint8_t genes[NAS_GENES])
{
  for (uint32_t step = 0; step < STEPS && !search->exhausted; step++) {
    memcpy (genes, search->cursor, NAS_GENES);
    search->exhausted = !nas_genome_count (search->space, search->cursor);
    if (is_new (search, genes))
      return true;
  }
  return false;
}

/* Are there enough that can be parents? */
static bool
has_grown (const nas_search *search)
{
  return search->settings.method != NAS_RANDOM && search->living_count >= search->settings.population;
}

static bool
find_next (nas_search *search, uint8_t genes[NAS_GENES])
{
  bool grown = has_grown (search);
  for (uint32_t tries = 0; tries < TRIES; tries++) {
    if (grown)
      breed (search, tries, genes);
    else
      nas_genome_random (search->space, &search->random, genes);
    if (is_new (search, genes))
      return true;
  }
  if (search->space->listed)
    return (grown && find_near (search, genes)) || take_listed (search, genes);
  return count_on (search, genes);
}

bool
nas_search_next (nas_search *search, uint8_t genes[NAS_GENES])
{
  if (search->asked_count == search->asked_room || !find_next (search, genes))
    return false;
  memcpy (search->asked[search->asked_count++], genes, NAS_GENES);
  return true;
}

size_t
nas_search_batch (const nas_search *search, size_t left)
{
  const nas_settings *s = &search->settings;
  size_t most = s->together > 0 ? s->together : 1;
  if (!has_grown (search))
    most = s->method == NAS_RANDOM ? NAS_DRAWN : s->population - search->living_count;
  return most < left ? most : left;
}

/* ---- Who lives. */

static void
bury (nas_search *search, size_t number)
{
  search->living_count--;
  memmove (search->living + number, search->living + number + 1,
           (search->living_count - number) * sizeof *search->living);
}

/* The worst by rank and space; of equals the oldest. */
static size_t
find_worst (const nas_search *search)
{
  size_t worst = 0;
  for (size_t i = 1; i < search->living_count; i++)
    if (is_better (search, worst, i))
      worst = i;
  return worst;
}

static void
rank (nas_search *search)
{
  nas_rank (search->points, search->living, search->living_count, search->settings.costs, search->ranks,
            search->spaces);
}

/* One that was given up is known, and has no children. */
static void
join (nas_search *search, uint32_t number)
{
  const nas_settings *s = &search->settings;
  if (search->points[number].stopped || s->method == NAS_RANDOM)
    return;
  search->living[search->living_count++] = number;
  if (s->method == NAS_NSGA2)
    rank (search);
  if (search->living_count <= s->population)
    return;
  bury (search, s->method == NAS_REGULARISED ? 0 : find_worst (search));
  if (s->method == NAS_NSGA2)
    rank (search);
}

static void
forget_asked (nas_search *search, const uint8_t genes[NAS_GENES])
{
  size_t at = 0;
  while (at < search->asked_count && memcmp (search->asked[at], genes, NAS_GENES) != 0)
    at++;
  if (at == search->asked_count)
    return;
  search->asked_count--;
  memmove (search->asked + at, search->asked + at + 1, (search->asked_count - at) * sizeof *search->asked);
}

bool
nas_search_tell (nas_search *search, const nas_point *point)
{
  forget_asked (search, point->genes);
  if (!make_room (search))
    return false;
  search->points[search->count] = *point;
  *find_slot (search, point->genes) = (uint32_t)search->count + 1;
  join (search, (uint32_t)search->count++);
  return true;
}

/* ---- What came of it. */

size_t
nas_search_best (const nas_search *search)
{
  size_t best = SIZE_MAX;
  for (size_t i = 0; i < search->count; i++)
    if (!search->points[i].stopped && (best == SIZE_MAX || search->points[i].worth > search->points[best].worth))
      best = i;
  return best;
}

double
nas_search_diversity (const nas_search *search)
{
  uint64_t differ = 0, pairs = 0;
  for (size_t i = 0; i < search->living_count; i++)
    for (size_t k = 0; k < i; k++, pairs++)
      for (uint32_t g = 0; g < search->space->genes; g++)
        differ += search->points[search->living[i]].genes[g] != search->points[search->living[k]].genes[g];
  return pairs ? (double)differ / (double)pairs / search->space->genes : 0;
}
