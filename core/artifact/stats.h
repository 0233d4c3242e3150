/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/stats.h: what the numbers of a tensor are like, alone and beside another's. Read in
 * parallel and in bounded memory; the result does not depend on the number of threads. */
#ifndef ADZE_ARTIFACT_STATS_H
#define ADZE_ARTIFACT_STATS_H

#include "artifact/model.h"
#include "base/parallel.h"

#define ADZE_STATS_BINS 16

typedef struct adze_tensor_stats {
  uint64_t elements;
  uint64_t zeros, nans, infinities;
  uint64_t finite;       /* those that the next three are about */
  double min, max, mean; /* NaN when there are none */
  uint64_t bins[ADZE_STATS_BINS]; /* of equal width from min to max; zeros when min is max */
} adze_tensor_stats;

/* Of a tensor that adze_decodes. */
ADZE_MUST_CHECK adze_error *adze_stats_read (adze_pool *pool, const adze_model *model,
                                             const adze_model_tensor *tensor,
                                             adze_tensor_stats *stats);

/* Bins as block characters, UTF-8; "" when all are empty. */
#define ADZE_SPARKLINE_TEXT (ADZE_STATS_BINS * 3 + 1)
const char *adze_sparkline (const uint64_t bins[ADZE_STATS_BINS], char text[ADZE_SPARKLINE_TEXT]);

typedef struct adze_tensor_difference {
  bool compared;    /* as numbers; else only as bytes */
  bool identical;   /* byte for byte; of different types, never */
  uint64_t differing;   /* elements whose values differ */
  double max_error;     /* largest |a - b|; infinite or NaN where one is that and the other not */
  uint64_t not_finite;  /* of those, how many are an infinity or NaN on either side */
  /* Both are NaN where they would say nothing: a value that differs is not finite, or sums leave
   * the range of doubles. Then also the cosine, when one side has no length. */
  double sqnr_db;       /* 10 log10 (sum a^2 / sum (a-b)^2); infinite when equal */
  double cosine;
  uint64_t zeros_a, zeros_b;
} adze_tensor_difference;

/* Two tensors of the same shape. Types may differ where both adze_decodes. */
ADZE_MUST_CHECK adze_error *adze_difference_read (adze_pool *pool, const adze_model *model_a,
                                                  const adze_model_tensor *a,
                                                  const adze_model *model_b,
                                                  const adze_model_tensor *b,
                                                  adze_tensor_difference *difference);

#endif
