/* SPDX-License-Identifier: Apache-2.0 */
/* stage/run_ops.h: what stands behind adze.run/1 while a technique's run is in progress.
 *   run_service.c  the service: looks at what the plugin says, and calls the operations
 *   run_here.c     operations on artifacts of this process
 *   run_ask.c      operations in a worker, each a question to the host
 *   run_answer.c   the host's side of those questions
 *   jobs_service.c adze.jobs/1, whose operations are among them; jobs.c: who does the jobs
 */
#ifndef ADZE_STAGE_RUN_OPS_H
#define ADZE_STAGE_RUN_OPS_H

#include <pthread.h>

#include <adze/draft/claim.h>
#include <adze/draft/jobs.h>

#include "base/child.h"
#include "stage/jobs.h"
#include "stage/networks.h"
#include "stage/run_hooks.h"

/* DATA is that of the set of operations. What they are called with has been checked. */
struct adze_networks;
typedef struct adze_run_ops adze_run_ops;
struct adze_run_ops {
  adze_error *(*input) (void *data, const char *port, struct adze_artifact **artifact);
  adze_error *(*read_tensor) (void *data, struct adze_artifact *artifact, size_t index,
                              uint64_t offset, void *buffer, size_t size);
  const adze_column *(*column) (void *data, const struct adze_artifact *artifact, size_t index);
  adze_error *(*batches) (void *data, const struct adze_artifact *artifact, uint32_t batch_size,
                          uint64_t *count);
  /* Valid until another batch of the same artifact is asked for. */
  adze_error *(*batch) (void *data, struct adze_artifact *artifact, uint64_t epoch,
                        uint64_t number, uint32_t batch_size, size_t column, const void **values,
                        size_t *count);
  adze_error *(*bytes) (void *data, struct adze_artifact *artifact, const void **bytes,
                        size_t *size);
  adze_error *(*give_tensor) (void *data, const char *port, const adze_tensor_meta *meta,
                              const void *bytes);
  adze_error *(*give_bytes) (void *data, const char *port, const void *bytes, size_t size);
  adze_error *(*save) (void *data, const char *name, const void *bytes, size_t size);
  adze_error *(*load) (void *data, const char *name, void **bytes, size_t *size);
  bool (*progress) (void *data, uint64_t done, uint64_t total);
  /* A model as the host has it: with its parts, and so that its tensors can be read. */
  adze_error *(*model) (void *data, struct adze_artifact *artifact, const adze_model **model);
  /* What is computed with; refused, with the reason, where nothing is. */
  adze_error *(*networks) (void *data, struct adze_networks **networks);
  /* A part of the model that goes out, beside its tensors. */
  adze_error *(*give_part) (void *data, const char *port, const char *id, const void *bytes,
                            size_t size);
  adze_error *(*claim) (void *data, const char *port, const char *tensor, const char *id,
                        const adze_value *trait);
  /* *REHEARSES: none is begun, since this is a rehearsal. Else each of them ends in one call of next, whose *ANSWER
   * is to be freed, and end comes behind the last or in the place of others; also after a failure. */
  adze_error *(*jobs_begin) (void *data, const adze_jobs_list *list, bool *rehearses);
  adze_error *(*jobs_next) (void *data, size_t *index, void **answer, size_t *size);
  adze_error *(*jobs_end) (void *data);
};

/* A job that is being done, and what comes of it. */
typedef struct adze_job_done {
  bool answered;
  void *answer;
  size_t size;
} adze_job_done;

/* adze_context of the SDK is this struct. */
struct adze_context {
  const adze_run_ops *ops;
  void *data;
  const adze_manifest_component *component; /* for its ports */
  pthread_t thread; /* that run was called on, and the only one that may ask */
  void *loaded;     /* what was loaded last */
  struct adze_local *local; /* that runs */
  adze_job_done *job;       /* NULL: it is no job */
  bool doing_jobs;          /* of its own */
};

extern const adze_run_service adze_run_services;
extern const adze_claim_service adze_claim_services;
extern const adze_jobs_service adze_jobs_services;

/* The run that this thread is inside; NULL, and a broken rule, when it is inside none. */
adze_context *adze_run_here_of (const adze_host *host, const char *function);

/* The same for what a job may not do. */
adze_context *adze_run_no_job (const adze_host *host, const char *function);

/* Is it one for a checkpoint? It may become the name of a file. */
bool adze_run_name (const char *name);

/* ---- run_here.c */

/* The batch of a dataset that is at hand. */
typedef struct adze_run_batch {
  const struct adze_artifact *artifact;
  uint64_t epoch, number;
  uint32_t size;
  size_t count;
} adze_run_batch;

typedef struct adze_run_here {
  const adze_run_hooks *hooks;
  void *context;
  adze_run_batch *batches;
  size_t batch_count;
  adze_jobs *jobs;      /* who does them */
  bool job_warns;       /* one that does jobs has been asked to warn of what its backend leaves to others */
  uint64_t done, total; /* what progress was last told */
} adze_run_here;

extern const adze_run_ops adze_run_ops_here; /* DATA: adze_run_here */
void adze_run_here_cleanup (adze_run_here *here);

/* ---- run_ask.c */

struct adze_worker_state;
typedef struct adze_run_shell adze_run_shell;

typedef struct adze_run_there {
  struct adze_worker_state *state;
  adze_run_shell *shells; /* artifacts that live with the host */
  struct adze_networks *networks; /* NULL: it computes with none so far */
  char *stage, *backend;
  adze_networks_needs needs; /* of a rehearsal; the host has no use for them */
} adze_run_there;

extern const adze_run_ops adze_run_ops_there; /* DATA: adze_run_there */
void adze_run_there_cleanup (adze_run_there *there);
/* What a job has opened goes; artifacts and backends stay for the next one. */
void adze_run_there_clear (adze_run_there *there);

/* ---- run_answer.c */

/* What a host answers a worker's questions with. */
typedef struct adze_run_answers {
  adze_run_here *here; /* one for all workers of a run: what a dataset has at hand is the same for all */
  adze_child *child;
  bool job; /* it is one of those that do jobs */
  struct adze_artifact **artifacts; /* by the number that the worker knows them by */
  size_t count;
  void *requests; /* of jobs that it has asked for */
  adze_text *jobs;
} adze_run_answers;

/* An adze_worker_answerer; CONTEXT: adze_run_answers. */
adze_error *adze_run_answer (void *context, const adze_value *ask, adze_value *reply, void **data,
                             size_t *size, bool *broken);
void adze_run_answers_cleanup (adze_run_answers *answers);

#endif
