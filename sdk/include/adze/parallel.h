/* SPDX-License-Identifier: Apache-2.0 */
/* adze/parallel.h: using more than one core without owning a thread. Tier: stable.
 *
 * How the work is cut depends on COUNT and GRAIN alone, never on how many threads there are, and
 * results are merged in one fixed tree. So the bytes are the same for any number of threads.
 */
#ifndef ADZE_PARALLEL_H
#define ADZE_PARALLEL_H

#include <adze/host_table.h>

ADZE_BEGIN_DECLS

#define ADZE_PARALLEL "adze.parallel/1"

/* [callback] Handles the items FIRST to LAST - 1. May run on several threads at once. */
typedef adze_status (*adze_parallel_body) (void *argument, size_t first, size_t last);

/* [callback] Sums up the items FIRST to LAST - 1 in RESULT, which is zeroed. */
typedef adze_status (*adze_parallel_leaf) (void *argument, size_t first, size_t last,
                                           void *result);

/* [callback] Folds RIGHT, which stands for later items, into LEFT. */
typedef void (*adze_parallel_merge) (void *argument, void *left, const void *right);

typedef struct adze_parallel_service {
  uint32_t struct_size;

  /* [callback] Calls BODY for pieces of GRAIN items (the last one may be shorter; 0 is taken as
   * 1) until COUNT are done. Returns the status of the failed piece with the lowest items; no new
   * piece is begun after a failure. */
  adze_status (*for_each) (const adze_host *host, size_t count, size_t grain,
                           adze_parallel_body body, void *argument);

  /* [callback] One leaf for GRAIN items, merged pairwise in order into RESULT (result_size bytes,
   * zeroed by the host first). */
  adze_status (*reduce) (const adze_host *host, size_t count, size_t grain,
                         adze_parallel_leaf leaf, adze_parallel_merge merge, void *argument,
                         void *result, size_t result_size);
} adze_parallel_service;

/* One piece is done at once. In a host without the service the pieces run one after the other, in
 * order: same result. */
static inline adze_status
adze_parallel_for (const adze_host *host, size_t count, size_t grain, adze_parallel_body body,
                   void *argument)
{
  if (count > 0 && count <= grain)
    return body (argument, 0, count);
  const adze_parallel_service *service
      = (const adze_parallel_service *)host->service (host, ADZE_PARALLEL);
  if (service)
    return service->for_each (host, count, grain, body, argument);
  if (grain == 0)
    grain = 1;
  for (size_t first = 0; first < count;) {
    size_t last = count - first < grain ? count : first + grain;
    adze_status status = body (argument, first, last);
    if (status != ADZE_OK)
      return status;
    first = last;
  }
  return ADZE_OK;
}

ADZE_END_DECLS

#endif
