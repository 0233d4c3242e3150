/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs of a run and the workers that do them. A worker stays for the next job, and for those that run asks for later. */
#include "stage/jobs.h"

#include "stage/run_ops.h"

typedef struct job_worker {
  adze_remote *remote;
  adze_run_answers answers;
  bool busy;
  size_t index; /* of its job */
} job_worker;

struct adze_jobs {
  const char *stage;
  unsigned stage_threads;
  adze_jobs_opener opener;
  void *context;
  adze_run_here *here;
  job_worker **workers; /* those that were started */
  size_t count;
  unsigned threads; /* of each of them */
  adze_jobs_list list;
  size_t next;     /* of the list: the first that nobody does yet */
  size_t at_once;  /* workers for this list */
  size_t turn;     /* whose question is looked for first */
  uint64_t peak;
};

unsigned
adze_jobs_workers (unsigned stage_threads, unsigned threads)
{
  return stage_threads > threads ? stage_threads / threads : 1;
}

adze_error *
adze_jobs_open (const char *stage, unsigned stage_threads, adze_jobs_opener opener, void *context,
                adze_run_here *here, adze_jobs **jobs)
{
  adze_jobs *made = calloc (1, sizeof *made);
  if (!made)
    return adze_error_memory ();
  made->stage = stage;
  made->stage_threads = stage_threads;
  made->opener = opener;
  made->context = context;
  made->here = here;
  *jobs = made;
  return NULL;
}

/* ---- Workers. */

static void
free_worker (job_worker *worker)
{
  /* One that is at work would not hear that it is to end. */
  if (worker->busy)
    adze_remote_abandon (worker->remote);
  adze_remote_close (worker->remote);
  adze_run_answers_cleanup (&worker->answers);
  free (worker);
}

static adze_error *
start_worker (adze_jobs *jobs)
{
  job_worker **grown = reallocarray (jobs->workers, jobs->count + 1, sizeof *grown);
  if (!grown)
    return adze_error_memory ();
  jobs->workers = grown;
  job_worker *worker = calloc (1, sizeof *worker);
  if (!worker)
    return adze_error_memory ();
  adze_error *error = jobs->opener (jobs->context, jobs->threads, &worker->remote);
  if (error) {
    free_worker (worker);
    return adze_error_wrap (error, "stage '%s' has jobs, and a process that does them cannot be had", jobs->stage);
  }
  worker->answers = (adze_run_answers){ .here = jobs->here, .job = true };
  adze_remote_answer_with (worker->remote, &worker->answers);
  grown[jobs->count++] = worker;
  return NULL;
}

static job_worker *
find_idle (const adze_jobs *jobs)
{
  for (size_t i = 0; i < jobs->count; i++)
    if (!jobs->workers[i]->busy)
      return jobs->workers[i];
  return NULL;
}

static size_t
count_busy (const adze_jobs *jobs)
{
  size_t busy = 0;
  for (size_t i = 0; i < jobs->count; i++)
    busy += jobs->workers[i]->busy;
  return busy;
}

/* ---- What goes wrong. */

/* Being asked to stop is no fault of the job. */
static adze_error *
explain (const adze_jobs *jobs, size_t index, adze_error *error)
{
  adze_status status = adze_error_status (error);
  if (status == ADZE_E_CANCELLED)
    return error;
  error = adze_error_wrap (error, "job %zu of %zu of stage '%s' failed", index + 1, jobs->list.count, jobs->stage);
  if (status == ADZE_E_CRASHED || status == ADZE_E_TIMEOUT)
    adze_error_set (error, "hint", "what the stage has saved is kept: run it again, and it goes on from there");
  return error;
}

/* ---- Jobs. */

unsigned
adze_jobs_at_once (const adze_jobs *jobs, const adze_jobs_list *list)
{
  unsigned workers = adze_jobs_workers (jobs->stage_threads, list->threads);
  return list->most > 0 && list->most < workers ? list->most : workers;
}

adze_error *
adze_jobs_begin (adze_jobs *jobs, const adze_jobs_list *list)
{
  if (jobs->count > 0 && jobs->threads != list->threads)
    ADZE_TRY (adze_jobs_end (jobs));
  jobs->threads = list->threads;
  jobs->list = *list;
  jobs->next = 0;
  jobs->at_once = adze_jobs_at_once (jobs, list);
  return NULL;
}

/* As many as may be done at once. */
static adze_error *
hand_out (adze_jobs *jobs)
{
  while (jobs->next < jobs->list.count && count_busy (jobs) < jobs->at_once) {
    if (!find_idle (jobs))
      ADZE_TRY (start_worker (jobs));
    job_worker *worker = find_idle (jobs);
    worker->busy = true;
    worker->index = jobs->next++;
    const adze_text *request = &jobs->list.requests[worker->index];
    adze_error *error = adze_remote_job (worker->remote, request->data, request->size);
    if (error)
      return explain (jobs, worker->index, error);
  }
  return NULL;
}

/* The one of those at work that has something to say. */
static adze_error *
await_worker (adze_jobs *jobs, job_worker **worker)
{
  ADZE_AUTO_FREE adze_child **children = calloc (jobs->count + 1, sizeof *children);
  ADZE_AUTO_FREE job_worker **busy = calloc (jobs->count + 1, sizeof *busy);
  size_t count = 0, which;
  if (!children || !busy)
    return adze_error_memory ();
  for (size_t i = 0; i < jobs->count; i++)
    if (jobs->workers[i]->busy) {
      busy[count] = jobs->workers[i];
      children[count++] = jobs->workers[i]->answers.child;
    }
  if (count == 0)
    return adze_error_new (ADZE_E_CONTRACT, "no job of stage '%s' is left", jobs->stage);
  which = jobs->turn++ % count;
  ADZE_TRY (adze_child_await (children, count, &which));
  *worker = busy[which];
  return NULL;
}

adze_error *
adze_jobs_next (adze_jobs *jobs, size_t *index, void **answer, size_t *size)
{
  for (bool done = false; !done;) {
    job_worker *worker = NULL;
    ADZE_TRY (hand_out (jobs));
    ADZE_TRY (await_worker (jobs, &worker));
    adze_error *error = adze_remote_job_turn (worker->remote, &done, answer, size);
    worker->busy = !done;
    *index = worker->index;
    if (error)
      return explain (jobs, worker->index, error);
  }
  return NULL;
}

void
adze_jobs_stop (adze_jobs *jobs)
{
  size_t kept = 0;
  for (size_t i = 0; i < jobs->count; i++)
    if (jobs->workers[i]->busy)
      free_worker (jobs->workers[i]);
    else
      jobs->workers[kept++] = jobs->workers[i];
  jobs->count = kept;
  jobs->list = (adze_jobs_list){ .count = 0 };
  jobs->next = 0;
}

/* ---- The end. */

uint64_t
adze_jobs_peak (adze_jobs *jobs)
{
  uint64_t bytes = 0;
  for (size_t i = 0; i < jobs->count; i++)
    bytes += adze_remote_peak (jobs->workers[i]->remote);
  if (bytes > jobs->peak)
    jobs->peak = bytes;
  return jobs->peak;
}

adze_error *
adze_jobs_end (adze_jobs *jobs)
{
  adze_error *first = NULL;
  adze_jobs_peak (jobs);
  adze_jobs_stop (jobs);
  for (size_t i = 0; i < jobs->count; i++) {
    adze_error *error = adze_remote_end (jobs->workers[i]->remote);
    if (first)
      adze_error_free (error);
    else
      first = error;
    free_worker (jobs->workers[i]);
  }
  jobs->count = 0;
  return first;
}

void
adze_jobs_close (adze_jobs *jobs)
{
  if (!jobs)
    return;
  adze_jobs_stop (jobs);
  for (size_t i = 0; i < jobs->count; i++)
    free_worker (jobs->workers[i]);
  free (jobs->workers);
  free (jobs);
}
