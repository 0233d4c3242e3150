/* SPDX-License-Identifier: Apache-2.0 */
/* stage/remote.h: a component in a worker process: the host's side. */
#ifndef ADZE_STAGE_REMOTE_H
#define ADZE_STAGE_REMOTE_H

#include "stage/instance.h"

typedef struct adze_remote adze_remote;

typedef struct adze_remote_options {
  const char *worker;
  const char *path; /* of the plugin */
  bool builtin;
  const adze_file_identity *file; /* that must be at PATH when it is loaded; NULL: whatever is */
  const char *component;
  adze_event_bus *bus;
  const char *stage; /* a technique's; NULL: the component's id */
  uint64_t seed;
  unsigned threads; /* 0: as many as there are processors */
  int64_t time_limit_ms; /* of each call; 0: none */
  uint64_t memory_limit; /* of the process; 0: none */
  bool aside; /* not the first lane: of its events only log lines, fallbacks and what is told of a piece
                 in apply are passed on; the rest the first one tells as well */
  bool again; /* another one has told what it tells while it is opened; no event of that is passed on */
  const adze_value *settings; /* as they were written; NULL: none. For messages, and for components
                                 that are no technique */
  const char *folder; /* that paths in them start from; NULL: the current one */
  const adze_params *const *params; /* a technique's, by variant */
  size_t variants;
  const adze_value *beside; /* plugins of components that they name: stage/beside.h; NULL: none */
} adze_remote_options;

/* Works for every kind of component that a worker can hold. */
ADZE_MUST_CHECK adze_error *adze_remote_open (const adze_remote_options *options,
                                              adze_remote **remote);
/* The worker has gone, or cannot be talked to any more. */
bool adze_remote_broken (const adze_remote *remote);
/* The most memory that its process has had so far; 0: it has gone. */
uint64_t adze_remote_peak (const adze_remote *remote);
/* Of a technique. */
const adze_instance_facts *adze_remote_facts (const adze_remote *remote);

/* Memory that both processes see for input or output number INDEX of the next call; NULL: there is
 * no room for it. Valid until the next request for the same. */
void *adze_remote_buffer (adze_remote *remote, bool output, size_t index, size_t size);

/* As in stage/instance.h. REPLAY: it has been told before, to another lane; nothing that is said
 * about it is passed on. */
ADZE_MUST_CHECK adze_error *adze_remote_describe (adze_remote *remote, const adze_value *question,
                                                  bool replay, adze_outline *outline);
ADZE_MUST_CHECK adze_error *adze_remote_accumulator (adze_remote *remote, size_t *size);
ADZE_MUST_CHECK adze_error *adze_remote_observe (adze_remote *remote, const adze_work *work,
                                                 void *accumulator, size_t size);
ADZE_MUST_CHECK adze_error *adze_remote_merge (adze_remote *remote, void *left, const void *right,
                                               size_t size);
ADZE_MUST_CHECK adze_error *adze_remote_decide (adze_remote *remote, const adze_work *work,
                                                const void *accumulator, size_t size, bool replay,
                                                bool *again);
ADZE_MUST_CHECK adze_error *adze_remote_apply (adze_remote *remote, adze_work *work);
struct adze_run_here;
ADZE_MUST_CHECK adze_error *adze_remote_run (adze_remote *remote, struct adze_run_here *here);
ADZE_MUST_CHECK adze_error *adze_remote_event (adze_remote *remote, const adze_event *event);

/* Jobs (stage/jobs.h): what a worker asks meanwhile is answered from ANSWERS; it is sent one, and what it says is
 * taken a message at a time, once there is one. *DONE: it was the last; *ANSWER is to be freed. */
struct adze_run_answers;
void adze_remote_answer_with (adze_remote *remote, struct adze_run_answers *answers);
ADZE_MUST_CHECK adze_error *adze_remote_job (adze_remote *remote, const void *request, size_t size);
ADZE_MUST_CHECK adze_error *adze_remote_job_turn (adze_remote *remote, bool *done, void **answer, size_t *size);
/* It is not asked to end, but killed when it is closed. */
void adze_remote_abandon (adze_remote *remote);

/* Lets the worker destroy the instance and end the plugin, once, and says what went wrong; also
 * that it took its process down or did not come back. */
ADZE_MUST_CHECK adze_error *adze_remote_end (adze_remote *remote);
/* Ends it first if nobody has; what goes wrong then is told on the bus of the options. */
void adze_remote_close (adze_remote *remote);

#endif
