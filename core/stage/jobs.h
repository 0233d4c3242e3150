/* SPDX-License-Identifier: Apache-2.0 */
/* stage/jobs.h: jobs of a run, done by workers side by side. One thread hands them out, and answers the questions of
 * each worker in turn. */
#ifndef ADZE_STAGE_JOBS_H
#define ADZE_STAGE_JOBS_H

#include <adze/host_table.h>

#include "stage/remote.h"

typedef struct adze_jobs adze_jobs;

typedef struct adze_jobs_list {
  const adze_text *requests; /* stay until the last has ended */
  size_t count;
  unsigned threads; /* of each; at least 1 */
  unsigned most;    /* at once; 0: as many as there are threads for */
} adze_jobs_list;

/* How many are done at once, of a stage with so many threads. */
unsigned adze_jobs_workers (unsigned stage_threads, unsigned threads);

/* Starts a worker with so many threads. */
typedef adze_error *(*adze_jobs_opener) (void *context, unsigned threads, adze_remote **remote);

/* STAGE and HERE must outlive it; HERE answers what workers ask for. Starts nothing yet. */
struct adze_run_here;
ADZE_MUST_CHECK adze_error *adze_jobs_open (const char *stage, unsigned stage_threads, adze_jobs_opener opener,
                                            void *context, struct adze_run_here *here, adze_jobs **jobs);
/* How many of a list would be. */
unsigned adze_jobs_at_once (const adze_jobs *jobs, const adze_jobs_list *list);
ADZE_MUST_CHECK adze_error *adze_jobs_begin (adze_jobs *jobs, const adze_jobs_list *list);
/* Waits for one of them to end. *ANSWER is to be freed. */
ADZE_MUST_CHECK adze_error *adze_jobs_next (adze_jobs *jobs, size_t *index, void **answer, size_t *size);
/* Jobs that have not ended are broken off, and their workers killed. The others wait for what comes next. */
void adze_jobs_stop (adze_jobs *jobs);
/* The most memory that its workers have had, those of one time together. */
uint64_t adze_jobs_peak (adze_jobs *jobs);
/* Lets the workers end, and says what went wrong with that. */
ADZE_MUST_CHECK adze_error *adze_jobs_end (adze_jobs *jobs);
void adze_jobs_close (adze_jobs *jobs);

#endif
