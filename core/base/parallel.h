/* SPDX-License-Identifier: Apache-2.0 */
/* base/parallel.h: the one pool of threads. See adze/parallel.h for what it promises. */
#ifndef ADZE_BASE_PARALLEL_H
#define ADZE_BASE_PARALLEL_H

#include <adze/parallel.h>

#include "base/error.h"

typedef struct adze_pool adze_pool;

/* THREADS counts the caller: 1 starts none. 0: as many as the process may run on. Threads are
 * started at the first use that needs them; when the system refuses one, fewer do the work. */
ADZE_MUST_CHECK adze_error *adze_pool_open (unsigned threads, adze_pool **pool);
void adze_pool_close (adze_pool *pool);
unsigned adze_pool_threads (const adze_pool *pool);

/* ENTER and LEAVE, when not NULL, run on a thread before and after the bodies it takes, with
 * CONTEXT: the host marks there whose callback the thread is inside. The calling thread is no
 * exception, so calls from inside a body nest them. A pool that is busy with another caller's
 * work, or called from inside a body, runs the pieces on the caller alone. */
typedef struct adze_pool_hooks {
  void (*enter) (void *context);
  void (*leave) (void *context);
  void *context;
} adze_pool_hooks;

adze_status adze_pool_for (adze_pool *pool, const adze_pool_hooks *hooks, size_t count,
                           size_t grain, adze_parallel_body body, void *argument);

/* RESULT is zeroed when it fails. The status is that of the failed leaf with the lowest items, or
 * ADZE_E_MEMORY. */
adze_status adze_pool_reduce (adze_pool *pool, const adze_pool_hooks *hooks, size_t count,
                              size_t grain, adze_parallel_leaf leaf, adze_parallel_merge merge,
                              void *argument, void *result, size_t result_size);

#endif
