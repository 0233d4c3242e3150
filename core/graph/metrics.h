/* SPDX-License-Identifier: Apache-2.0 */
/* graph/metrics.h: how good what a network gives is, counted batch by batch.
 *
 * A number without the way it was come by is none: every result carries its protocol, and what
 * was not measured is nan, never 0. Sums are of doubles, in the order of the examples, so that
 * they do not depend on threads; batches of another size add up in the same order.
 */
#ifndef ADZE_GRAPH_METRICS_H
#define ADZE_GRAPH_METRICS_H

#include <adze/tensor.h>

#include "base/error.h"

typedef enum adze_metrics_kind {
  ADZE_METRICS_CLASSES = 1, /* scores against class numbers */
  ADZE_METRICS_VALUES = 2   /* numbers against numbers */
} adze_metrics_kind;

/* How a result was come by. */
typedef struct adze_metrics_protocol {
  const char *data; /* which; belongs to the metrics */
  uint64_t examples; /* what was compared: an image, a token, of values each of dimension 0 */
  uint64_t batches;
  uint64_t batch;    /* examples of dimension 0 in the largest batch */
  uint64_t ignored;  /* labels that were not to be counted */
  uint32_t classes;  /* 0: of values */
  uint32_t most;     /* k of top_k */
} adze_metrics_protocol;

typedef struct adze_metrics_result {
  adze_metrics_protocol protocol;
  double accuracy;   /* share whose highest score, of equal ones the first, is that of its class */
  double top_k;      /* share whose class is among the k highest */
  double macro_f1;   /* mean over the classes that were labelled or guessed at least once */
  double perplexity; /* e to the mean of -log softmax at the class: scores are before a softmax */
  double squares;    /* mean squared error over all elements */
  double surprise;   /* mean of -log softmax at the class, of which the perplexity is a power */
} adze_metrics_result;

typedef struct adze_metrics adze_metrics;

/* DATA says on which data. MOST: k of top_k, at least 1; of values 0. */
ADZE_MUST_CHECK adze_error *adze_metrics_new (adze_metrics_kind kind, const char *data,
                                              uint32_t most, adze_metrics **metrics);
/* Labels of this number are passed over, and counted as ignored. */
void adze_metrics_ignore (adze_metrics *metrics, int64_t label);
void adze_metrics_free (adze_metrics *metrics);
static inline void
adze_metrics_cleanup (adze_metrics **metrics)
{
  adze_metrics_free (*metrics);
}
#define ADZE_AUTO_METRICS __attribute__ ((cleanup (adze_metrics_cleanup))) adze_metrics *

/* Of a batch. Classes: OUTPUT has them as dimension 1, WANTED whole numbers of that shape
 * without it, as for graph/losses.h. Values: both are of one shape. Compact, of any plain type.
 * A label that is no class is refused. A score that is nan is never right, and neither is an
 * example that has one. */
ADZE_MUST_CHECK adze_error *adze_metrics_add (adze_metrics *metrics, const adze_view *output,
                                              const adze_view *wanted);
void adze_metrics_result_of (const adze_metrics *metrics, adze_metrics_result *result);

#endif
