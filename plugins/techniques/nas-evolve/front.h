/* SPDX-License-Identifier: Apache-2.0 */
/* front.h: which candidates are better than which, where there is more to it than one number: those that none is
 * better than in everything (the Pareto front), and how crowded it is around each (NSGA-II, Deb and others, 2002). */
#ifndef NAS_EVOLVE_FRONT_H
#define NAS_EVOLVE_FRONT_H

#include "genome.h"

/* LEFT is at least as good in all, and better in something. */
bool nas_dominates (const nas_point *left, const nas_point *right, uint32_t costs);

/* The numbers of those that none dominates, by falling worth; candidates that were given up early are none of them.
 * Returns how many; FRONT has room for COUNT. */
size_t nas_front (const nas_point *points, size_t count, uint32_t costs, uint32_t *front);

/* Of the points with NUMBERS: 0 for those that none dominates, 1 for those that are not dominated once these are
 * gone ...; and how far away the neighbours are among those of the same rank, infinite at the ends. */
void nas_rank (const nas_point *points, const uint32_t *numbers, size_t count, uint32_t costs,
               uint32_t *ranks, double *spaces);

/* The share of RIGHT's points that one of LEFT dominates or equals. */
double nas_covered (const nas_point *left, const uint32_t *left_front, size_t left_count,
                    const nas_point *right, const uint32_t *right_front, size_t right_count,
                    uint32_t costs);

#endif
