/* SPDX-License-Identifier: Apache-2.0 */
/* stage/worker.h: the life of a worker process. */
#ifndef ADZE_STAGE_WORKER_H
#define ADZE_STAGE_WORKER_H

#include "base/child.h"
#include "base/value.h"

typedef struct adze_worker_state adze_worker_state;

/* Answers one request. REPLY is an empty table that becomes "ok"; what is returned becomes
 * "error". */
typedef adze_error *(*adze_worker_function) (adze_worker_state *state, const adze_value *request,
                                             adze_value *reply);

typedef struct adze_worker_verb {
  const char *name;
  adze_worker_function function;
} adze_worker_verb;

/* Serves the parent until it goes away. MORE (ended by a NULL name) are verbs of the caller's own.
 * Returns an exit status. */
int adze_worker_serve (const adze_worker_verb *more);

/* Tells the parent how far the work is: the last such text stands in the report of a crash. */
void adze_worker_tell (adze_worker_state *state, const char *progress);

/* Text under KEY of a request, or an error that says it is missing. */
ADZE_MUST_CHECK adze_error *adze_worker_text (const adze_value *request, const char *key,
                                              const char **text);

#endif
