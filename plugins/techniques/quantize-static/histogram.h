/* SPDX-License-Identifier: Apache-2.0 */
/* How often numbers lay where, in a room that does not grow with them; and which range of them codes should have.
 * Needs nothing of a host. */
#ifndef QUANTIZE_STATIC_HISTOGRAM_H
#define QUANTIZE_STATIC_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bins on each side of 0. */
enum { HISTOGRAM_BINS = 2048 };

/* Begins as zeros. Bins are of equal width from 0 to RANGE, a power of two; zeros, which any codes have exactly, and
 * what is not finite are in none of them. */
typedef struct histogram {
  uint64_t count; /* finite numbers, zeros among them */
  uint64_t zeros, not_finite;
  double least, most;
  double range;
  uint64_t above[HISTOGRAM_BINS], below[HISTOGRAM_BINS];
  uint64_t batches; /* of which the next two are moving averages */
  double low, high;
} histogram;

typedef struct histogram_range {
  double low, high;
} histogram_range;

/* One batch of numbers; its ends count by SHARE in the moving averages. */
void histogram_add (histogram *h, const float *numbers, size_t count, double share);

/* Which range, by each of the methods; CODES is how many there are. None of them is wider than what was seen. */
histogram_range histogram_min_max (const histogram *h);
histogram_range histogram_moving (const histogram *h);
histogram_range histogram_percentile (const histogram *h, double percentile);
histogram_range histogram_entropy (const histogram *h, unsigned codes);
histogram_range histogram_mse (const histogram *h, unsigned codes, bool symmetric);

#endif
