/* SPDX-License-Identifier: Apache-2.0 */
/* qat: the numbers that codes stand for, and which step between them suits given numbers. Nothing here knows of
 * networks. */
#ifndef QAT_GRID_H
#define QAT_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Levels are steps times (whole number from LOW to HIGH, plus SHIFT). With a SHIFT of a half none of them is 0, and
 * they lie as far to the one side of it as to the other. */
typedef struct qat_grid {
  int low, high;
  float shift;
} qat_grid;

/* The grid of this name ("int4" ... "ternary", "binary"); false: there is none. HALF: without 0, of those that can
 * be either way. */
bool qat_grid_named (const char *name, bool half, qat_grid *grid);

/* The level that NUMBER goes to, in steps: the nearest. */
float qat_grid_level (const qat_grid *grid, float number, float step);

/* Its code in a file: a whole number, the level itself or, with a half, twice it. */
int qat_grid_code (const qat_grid *grid, float number, float step);

/* The step with which the greatest of numbers goes to the last level. MOST: of their sizes. */
double qat_grid_widest (const qat_grid *grid, double most);

/* The step whose levels are nearest to COUNT numbers, STRIDE apart, by the sum of squares; 0 where all are 0. */
double qat_grid_nearest (const qat_grid *grid, const float *numbers, size_t count, size_t stride);

/* Of a histogram: COUNTS of sizes in BINS bins of equal width up to RANGE. LEVELS: so many steps reach up to what is
 * cut off. The range that is nearest by squares, and the one that has SHARE of all. */
double qat_range_nearest (const uint64_t *counts, size_t bins, double range, int levels);
double qat_range_share (const uint64_t *counts, size_t bins, double range, double share);

#endif
