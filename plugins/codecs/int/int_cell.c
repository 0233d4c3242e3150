/* SPDX-License-Identifier: Apache-2.0 */
/* int_cell.c: what the codes of a cell mean. */
#include "int.h"

#include <float.h>
#include <math.h>

/* Steps of a cell of nothing but zeros could be of any size; and one below the least normal number would lose
 * what it is to keep. */
static float
step (float width, float steps)
{
  float size = width / steps;
  return size >= FLT_MIN ? size : width > 0 ? FLT_MIN : 1;
}

/* The number that is furthest from zero, so many steps, is a number too, where a rounded step would make it
 * infinite. */
static float
within (float size, uint32_t steps)
{
  float most = (float)steps;
  if (size * most <= FLT_MAX)
    return size;
  size = FLT_MAX / most;
  return size * most <= FLT_MAX ? size : nextafterf (size, 0);
}

/* Symmetric ones leave the lowest code out, so that a number and its negative are equally good. */
int_cell
int_cell_for (const int_way *way, int_range range)
{
  uint32_t middle = UINT32_C (1) << (way->bits - 1), top = 2 * middle - 1;
  float low = range.low, high = range.high;
  int_cell cell = { .zero = middle };
  if (way->symmetric) {
    cell.scale = within (step (high > -low ? high : -low, (float)(top - middle)), top - middle);
    return cell;
  }
  /* The halves: HIGH - LOW may be more than any float. */
  cell.scale = step (high / 2 - low / 2, (float)top / 2);
  float zero = rintf (-low / cell.scale);
  cell.zero = zero < (float)top ? (uint32_t)zero : top;
  cell.scale = within (cell.scale, cell.zero > top / 2 ? cell.zero : top - cell.zero);
  return cell;
}
