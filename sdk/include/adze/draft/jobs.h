/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/jobs.h: work of a run that is cut into jobs, several of which are done side by side, each in a process
 * of its own. Tier: draft.
 *
 * A job is bytes in and bytes out. The technique's callback job (adze/draft/technique.h) does one, in a worker that
 * has an instance of its own, made of the same parameters: what run has kept in its instance is not there. A job may
 * depend on the parameters, on what is bound to the ports, and on its request, and on nothing that a job before it has
 * left in the process; then it gives the same bytes wherever it is done, and however many are done at once.
 *
 * In a job there is what there is in run: inputs and batches, networks, training, executing. What would be seen from
 * outside is refused, since jobs end in any order: give, claim, save, load, metrics and rows, and jobs of a job. Log
 * lines are passed on. progress says whether to go on, and its numbers are told to nobody: run has said how far it is.
 *
 * Workers are the host's own program, started when they are first needed and kept until run ends. Of an isolated stage
 * the limit of memory holds for each worker, and that of time for each job, and for run as well, which is one call however
 * many jobs it waits for. A host that finds no worker program fails, naming the path: no job is done in the process of
 * run in its place. In a rehearsal jobs are done there, one after the other, until one has got ready to compute. */
#ifndef ADZE_DRAFT_JOBS_H
#define ADZE_DRAFT_JOBS_H

#include <adze/draft/run.h>
#include <adze/error.h>

ADZE_BEGIN_DECLS

#define ADZE_JOBS "adze.jobs/1"

typedef struct adze_jobs_wish {
  uint32_t struct_size;
  /* That each job computes with; 0: one. What a backend gives may depend on it, so it is the same however many jobs
   * are done at once. */
  uint32_t threads;
  uint32_t most; /* side by side, at most; 0: as many as the stage has threads for */
  uint32_t reserved;
  const adze_text *jobs; /* the requests: any bytes, which stay until run returns */
  size_t count;
  /* Number INDEX has ended with this answer, whose bytes are valid until it returns. Called on the thread that called
   * run, in the order in which jobs end, so that it can save what is known. Other than ADZE_OK: no more of them are
   * done, and run returns that. */
  adze_status (*done) (void *argument, size_t index, const void *answer, size_t size);
  void *argument;
} adze_jobs_wish;

typedef struct adze_jobs_service {
  uint32_t struct_size;

  /* [callback] How many jobs of so many threads are done at once: the stage's threads are shared out among them, and
   * there is always one. For people: nothing that is computed should depend on it. */
  uint32_t (*workers) (const adze_host *host, adze_context *context, uint32_t threads);

  /* [callback] In run: does all of them. Meanwhile done may use what run may, but ask for no jobs,
   * and a batch that was at hand is not valid any more. Where a job fails, or its process ends, it fails with which job
   * and why, and the others are ended. */
  adze_status (*run) (const adze_host *host, adze_context *context, const adze_jobs_wish *wish);

  /* [callback] In job, once: what comes of it. Copied. Without it the answer is empty. */
  adze_status (*answer) (const adze_host *host, adze_context *context, const void *data, size_t size);
} adze_jobs_service;

static inline const adze_jobs_service *
adze_jobs_of (const adze_host *host)
{
  return (const adze_jobs_service *)host->service (host, ADZE_JOBS);
}

ADZE_END_DECLS

#endif
