/* SPDX-License-Identifier: Apache-2.0 */
/* graph/infer_count.h: sizes that only the numbers themselves tell. The values handed in have data
 * and a shape without symbols. */
#ifndef ADZE_GRAPH_INFER_COUNT_H
#define ADZE_GRAPH_INFER_COUNT_H

#include "graph/infer.h"

/* Elements that are not zero. */
int64_t adze_count_nonzero (const adze_infer_value *value);

/* How many different ones there are of the slices along AXIS, or of the elements where AXIS is -1.
 * Floats are told apart by their value; one that is no number is like those of the same bits. */
ADZE_MUST_CHECK adze_error *adze_count_unique (const adze_infer_value *value, int32_t axis,
                                               int64_t *count);

/* NonMaxSuppression, which names the boxes [batch, boxes, 4] that stay, for each class of SCORES
 * [batch, classes, boxes]: best first, among equals the one that comes first; a box goes when its
 * score is not above SCORE_LIMIT, or when it shares more than OVERLAP_LIMIT of the area that it and
 * one that stays cover together. At most MOST stay for a class of a batch. CENTERED: a box is the
 * middle's x and y, width, height; else y and x of two corners across. KEPT may be NULL; it has
 * room for all, three numbers each: batch, class, box. */
typedef struct adze_suppression {
  const float *boxes, *scores;
  int64_t batches, classes, count, most;
  float overlap_limit, score_limit;
  bool limited; /* is there a SCORE_LIMIT? */
  bool centered;
} adze_suppression;

ADZE_MUST_CHECK adze_error *adze_count_kept_boxes (const adze_suppression *work, int64_t *kept,
                                                   int64_t *count);

#endif
