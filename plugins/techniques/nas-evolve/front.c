/* SPDX-License-Identifier: Apache-2.0 */
/* front.c: dominance, ranks and crowding. */
#include "front.h"

#include <math.h>
#include <string.h>

/* Objective 0 is the worth; all as something that is to be low. */
static double
objective (const nas_point *point, uint32_t number)
{
  return number == 0 ? -point->worth : point->costs[number - 1];
}

static bool
is_no_worse (const nas_point *left, const nas_point *right, uint32_t costs)
{
  for (uint32_t i = 0; i <= costs; i++)
    if (objective (left, i) > objective (right, i))
      return false;
  return true;
}

bool
nas_dominates (const nas_point *left, const nas_point *right, uint32_t costs)
{
  return is_no_worse (left, right, costs) && !is_no_worse (right, left, costs);
}

/* ---- The front. */

/* By worth, then by costs, then by age: what dominates comes before what it dominates. */
static bool
comes_before (const nas_point *points, uint32_t left, uint32_t right, uint32_t costs)
{
  for (uint32_t i = 0; i <= costs; i++) {
    double a = objective (&points[left], i), b = objective (&points[right], i);
    if (a != b)
      return a < b;
  }
  return left < right;
}

static void
sift (const nas_point *points, uint32_t *numbers, size_t at, size_t count, uint32_t costs)
{
  for (size_t child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && comes_before (points, numbers[child], numbers[child + 1], costs))
      child++;
    if (!comes_before (points, numbers[at], numbers[child], costs))
      return;
    uint32_t kept = numbers[at];
    numbers[at] = numbers[child];
    numbers[child] = kept;
  }
}

/* A heap: no memory is needed, and no order of points is slow. */
static void
sort (const nas_point *points, uint32_t *numbers, size_t count, uint32_t costs)
{
  for (size_t i = count / 2; i-- > 0;)
    sift (points, numbers, i, count, costs);
  for (size_t left = count; left > 1; left--) {
    uint32_t last = numbers[0];
    numbers[0] = numbers[left - 1];
    numbers[left - 1] = last;
    sift (points, numbers, 0, left - 1, costs);
  }
}

size_t
nas_front (const nas_point *points, size_t count, uint32_t costs, uint32_t *front)
{
  size_t some = 0, kept = 0;
  for (size_t i = 0; i < count; i++)
    if (!points[i].stopped)
      front[some++] = (uint32_t)i;
  sort (points, front, some, costs);
  for (size_t i = 0; i < some; i++) {
    bool dominated = false;
    for (size_t k = kept; k-- > 0 && !dominated;)
      dominated = nas_dominates (&points[front[k]], &points[front[i]], costs);
    if (!dominated)
      front[kept++] = front[i];
  }
  return kept;
}

double
nas_covered (const nas_point *left, const uint32_t *left_front, size_t left_count,
             const nas_point *right, const uint32_t *right_front, size_t right_count, uint32_t costs)
{
  size_t covered = 0;
  for (size_t i = 0; i < right_count; i++)
    for (size_t k = 0; k < left_count; k++)
      if (is_no_worse (&left[left_front[k]], &right[right_front[i]], costs)) {
        covered++;
        break;
      }
  return right_count ? (double)covered / (double)right_count : 0;
}

/* ---- Ranks. */

/* Peels the fronts off, one after the other. */
static void
find_ranks (const nas_point *points, const uint32_t *numbers, size_t count, uint32_t costs,
            uint32_t *ranks)
{
  size_t left = count;
  for (size_t i = 0; i < count; i++)
    ranks[i] = UINT32_MAX;
  for (uint32_t rank = 0; left > 0; rank++)
    for (size_t i = 0; i < count; i++) {
      if (ranks[i] != UINT32_MAX)
        continue;
      bool dominated = false;
      for (size_t k = 0; k < count && !dominated; k++)
        dominated = (ranks[k] == UINT32_MAX || ranks[k] == rank)
                    && nas_dominates (&points[numbers[k]], &points[numbers[i]], costs);
      if (!dominated) {
        ranks[i] = rank;
        left--;
      }
    }
}

/* The nearest of the same rank below and above in one objective. False: there is none on one side. */
static bool
find_gap (const nas_point *points, const uint32_t *numbers, size_t count, const uint32_t *ranks,
          size_t at, uint32_t number, double *gap)
{
  double own = objective (&points[numbers[at]], number), below = -INFINITY, above = INFINITY;
  double least = INFINITY, most = -INFINITY;
  for (size_t k = 0; k < count; k++) {
    double other = objective (&points[numbers[k]], number);
    if (ranks[k] != ranks[at])
      continue;
    least = other < least ? other : least;
    most = other > most ? other : most;
    if (k == at)
      continue;
    /* Of equals the younger one stands above. */
    if (other < own || (other == own && k < at))
      below = other > below ? other : below;
    else
      above = other < above ? other : above;
  }
  *gap = most > least ? (above - below) / (most - least) : 0;
  return isfinite (below) && isfinite (above);
}

void
nas_rank (const nas_point *points, const uint32_t *numbers, size_t count, uint32_t costs,
          uint32_t *ranks, double *spaces)
{
  find_ranks (points, numbers, count, costs, ranks);
  for (size_t i = 0; i < count; i++) {
    spaces[i] = 0;
    for (uint32_t o = 0; o <= costs; o++) {
      double gap = 0;
      bool inside = find_gap (points, numbers, count, ranks, i, o, &gap);
      spaces[i] += inside ? gap : INFINITY;
    }
  }
}
