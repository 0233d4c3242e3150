/* SPDX-License-Identifier: Apache-2.0 */
/* k-means of plain numbers, where it can be done exactly.
 *
 * Sorted, numbers have an order that clusters keep: each is a run of neighbours. Equal numbers are one
 * point with a weight, and sums in front of each point say what any run costs in a few operations:
 *
 *   cost = sum of squares - (sum)^2 / weight
 *
 * in float64. The sums begin at the point in the middle and go outward from there, of what the others are from it:
 * few numbers that are far larger than all others then spoil the sums of none but themselves.
 *
 * Memory is the caller's: kmeans1d_room says how much. */
#ifndef CLUSTER_KMEANS1D_H
#define CLUSTER_KMEANS1D_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What lies between the point in the middle and this one; of a run, the difference of two. */
typedef struct kmeans1d_sum {
  double weight; /* how many numbers are in front of the point */
  double first;  /* sum, and sum of squares */
  double second;
  double best; /* of the search: the least that all in front of the point cost */
} kmeans1d_sum;

typedef struct kmeans1d_turn {
  uint32_t begin; /* a cluster that begins here is the best one for ends from ... on */
  uint32_t from;
} kmeans1d_turn;

typedef struct kmeans1d {
  bool wide;           /* numbers are double, not float */
  uint32_t count;      /* of points */
  void *numbers;       /* room for those to sort; then the points, in order */
  void *spare;         /* as much; where a cluster that ends at a point begins */
  kmeans1d_sum *sums;  /* count + 1 */
  kmeans1d_turn *turns;
  kmeans1d_sum *coarse; /* fewer sums to begin the search with; NULL: there are few */
  double centre;       /* the point in the middle, scaled */
  double scale;        /* a power of two that keeps squares finite */
  double share;        /* see kmeans1d_exact */
} kmeans1d;

/* Bytes for NUMBERS numbers of which at most POINTS are different; aligned as double is. */
size_t kmeans1d_room (size_t numbers, size_t points, bool wide);

/* ROOM is what kmeans1d_room asked for. Then numbers, all of them finite, go to .numbers. */
void kmeans1d_lay (kmeans1d *k, void *room, size_t numbers, size_t points, bool wide);

/* Sorts the first COUNT of .numbers and sums them up; at least one, and no more points than was said. */
void kmeans1d_sort (kmeans1d *k, size_t count);

/* The first point that is greater. */
uint32_t kmeans1d_above (const kmeans1d *k, double number);

/* The mean of the points FIRST to LAST - 1, of which there is one at least: that of one is itself. */
double kmeans1d_mean (const kmeans1d *k, uint32_t first, uint32_t last);

static inline double
kmeans1d_value (const kmeans1d *k, uint32_t point)
{
  return k->wide ? ((const double *)k->numbers)[point] : (double)((const float *)k->numbers)[point];
}

/* Which of two neighbours a number becomes: LEFT, unless it is greater than this. */
static inline double
kmeans1d_middle (double left, double right)
{
  return left * 0.5 + right * 0.5;
}

/* ---- Codebooks. Each writes at most so many values as are WANTED to CENTRES, in order and each once, and
 * says how many. */

enum { KMEANS1D_MOST = 4096 };

/* Those of least squared error. ENDS has room for WANTED + 1. Of several that cost the same, as float64
 * tells them, it is the one whose last cluster begins furthest left, and of these the one whose last
 * but one does, and so on; where one value less costs just as much more as one value more saves, the
 * result is made of two others and no such thing can be said.
 * .share is left as it was found, of one codebook's search: with it, the next one begins where numbers that
 * are spread alike end. 0: nothing is known. */
uint32_t kmeans1d_exact (kmeans1d *k, uint32_t wanted, uint32_t *ends, double *centres);

/* Equal steps from the least to the greatest; equal shares of the numbers. */
uint32_t kmeans1d_linear (const kmeans1d *k, uint32_t wanted, double *centres);
uint32_t kmeans1d_density (const kmeans1d *k, uint32_t wanted, double *centres);

/* Of the numbers that there are, by WANTED draws from [0, 1): any as likely as another; or, but for
 * the first, each as likely as the square of its distance from the nearest one that was drawn. */
uint32_t kmeans1d_random (const kmeans1d *k, uint32_t wanted, const double *draws, double *centres);
uint32_t kmeans1d_plus_plus (const kmeans1d *k, uint32_t wanted, const double *draws, double *centres);

/* Lloyd's steps: each number goes to its nearest centre, each centre to the mean of its numbers, until
 * nothing moves, or TIMES times. A centre without numbers stays where it is. How often it was. */
uint32_t kmeans1d_lloyd (const kmeans1d *k, uint32_t count, uint32_t times, uint32_t *ends,
                         double *centres);

#endif
