/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/tap.h: what flows through a network while it is computed with: activations, and statistics
 * of them over one sweep of examples. Tier: draft.
 *
 * For run, on its thread, in the host's process, as adze/draft/eval.h.
 */
#ifndef ADZE_DRAFT_TAP_H
#define ADZE_DRAFT_TAP_H

#include <adze/draft/eval.h>

ADZE_BEGIN_DECLS

#define ADZE_TAP "adze.tap/1"
#define ADZE_TAP_BINS 2048

typedef struct adze_taps adze_taps;

/* Of a value, over all examples that were fed. Summed up in double precision, in the order of the
 * elements, so that they are the same for any number of threads. What is not finite is counted and left
 * out of the rest. */
typedef struct adze_tap_statistics {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t count;      /* finite elements */
  uint64_t not_finite;
  uint64_t zeros;
  double least;        /* nan where nothing was fed, as are the next three */
  double most;
  double mean;
  double variance;     /* of the population */
  /* How often |x| lay in each of ADZE_TAP_BINS bins of equal width from 0 to RANGE. RANGE is a power of
   * two that is above the largest |x|, the least one for which that is so unless all are 0. */
  double range;
  const uint64_t *bins; /* valid until the next batch is fed */
} adze_tap_statistics;

typedef struct adze_tap_service {
  uint32_t struct_size;

  /* [callback] VALUES of GRAPH, floats, are looked at. GRAPH is not changed, and its numbers must stay. */
  adze_status (*open) (const adze_host *host, adze_context *context, adze_graph *graph,
                       const uint32_t *values, size_t count, const adze_eval_options *options,
                       adze_taps **taps);
  /* [callback] One batch, INPUTS in the graph's order. */
  adze_status (*feed) (const adze_host *host, adze_taps *taps, const adze_view *const *inputs);
  /* [callback] Number INDEX of VALUES: as it was in the last batch (NULL before the first), and
   * what was summed up of all. */
  const adze_view *(*last) (const adze_host *host, const adze_taps *taps, size_t index);
  adze_status (*statistics) (const adze_host *host, const adze_taps *taps, size_t index,
                             adze_tap_statistics *statistics);
  void (*close) (const adze_host *host, adze_context *context, adze_taps *taps);
} adze_tap_service;

static inline const adze_tap_service *
adze_tap_of (const adze_host *host)
{
  return (const adze_tap_service *)host->service (host, ADZE_TAP);
}

ADZE_END_DECLS

#endif
