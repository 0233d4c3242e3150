/* SPDX-License-Identifier: Apache-2.0 */
/* pool.h: what pooling and its gradients share: what one position of the window sees. */
#ifndef ADZE_REF_POOL_H
#define ADZE_REF_POOL_H

#include "window.h"

#include <math.h>

typedef struct ref_pool {
  ref_window window;
  int64_t planes; /* batch times channels */
  const double *from;
  double *to;
  double *places;       /* MaxPool's second output, or NULL */
  bool columns_first;   /* storage_order = 1 */
  bool count_padding;   /* of AveragePool */
  double power;         /* of LpPool */
  const double *images; /* of MaxPoolGrad, or NULL */
  const int64_t *index; /* of MaxPoolGrad, or NULL */
} ref_pool;

/* The sizes of both sides, checked against each other. */
adze_status ref_pool_of (ref_call *call, const adze_view *images, const adze_view *positions,
                         ref_pool *pool);
/* Runs BODY, whose items are planes, and ends the work. */
adze_status ref_pool_planes (ref_work *work, ref_pool *pool, adze_parallel_body body);
/* The same from the first input to the first output. */
adze_status ref_pool_run (ref_call *call, ref_pool *pool, adze_parallel_body body);

/* ---- What one position sees. */

/* Places of the kernel that lie on elements, FIRST to LAST - 1 in each dimension. */
typedef struct ref_sight {
  int64_t start[3], first[3], last[3];
} ref_sight;

static inline ref_sight
ref_look (const ref_window *w, int64_t position)
{
  int64_t at[3] = { position / (w->out[1] * w->out[2]), position / w->out[2] % w->out[1],
                    position % w->out[2] };
  ref_sight seen;
  for (int d = 0; d < 3; d++) {
    int64_t start = ref_window_at (w, d, at[d], 0), step = w->dilation[d];
    seen.start[d] = start;
    seen.first[d] = start < 0 ? (-start + step - 1) / step : 0;
    seen.last[d] = start < w->in[d] ? ref_least (w->kernel[d], (w->in[d] - start - 1) / step + 1)
                                    : 0;
  }
  return seen;
}

static inline int64_t
ref_element (const ref_window *w, const ref_sight *seen, const int64_t *k)
{
  int64_t at = 0;
  for (int d = 0; d < 3; d++)
    at = at * w->in[d] + seen->start[d] + k[d] * w->dilation[d];
  return at;
}

/* All places in order; false behind the last one. K begins as what ref_begin gives. */
static inline bool
ref_begin (const ref_sight *seen, int64_t *k)
{
  bool any = true;
  for (int d = 0; d < 3; d++) {
    k[d] = seen->first[d];
    any = any && seen->first[d] < seen->last[d];
  }
  return any;
}

static inline bool
ref_next (const ref_sight *seen, int64_t *k)
{
  for (int d = 2; d >= 0; d--) {
    if (++k[d] < seen->last[d])
      return true;
    k[d] = seen->first[d];
  }
  return false;
}

/* Places of the kernel on elements; or on elements and padding, without what lies behind that. */
static inline int64_t
ref_counted (const ref_window *w, const ref_sight *seen, bool padding)
{
  int64_t count = 1;
  for (int d = 0; d < 3; d++) {
    int64_t room = w->in[d] + w->after[d] - seen->start[d];
    int64_t padded = room > 0 ? ref_least (w->kernel[d], (room - 1) / w->dilation[d] + 1) : 0;
    count *= padding ? padded : ref_most (0, seen->last[d] - seen->first[d]);
  }
  return count;
}

/* The first of the largest, or -1 where it sees nothing; a NaN is larger than all. */
static inline int64_t
ref_largest (const ref_window *w, const double *image, int64_t position)
{
  ref_sight seen = ref_look (w, position);
  int64_t k[3], best = -1;
  for (bool more = ref_begin (&seen, k); more; more = ref_next (&seen, k)) {
    int64_t at = ref_element (w, &seen, k);
    if (best < 0 || image[at] > image[best] || (isnan (image[at]) && !isnan (image[best])))
      best = at;
  }
  return best;
}

#endif
