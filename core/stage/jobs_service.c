/* SPDX-License-Identifier: Apache-2.0 */
/* adze.jobs/1: jobs of a run, done side by side. */
#include <string.h>

#include "stage/call.h"
#include "stage/local.h"
#include "stage/run_ops.h"

static adze_status
refuse (const char *what)
{
  adze_desk_broken ("%s", what);
  return ADZE_E_CONTRACT;
}

static uint32_t
jobs_workers (const adze_host *host, adze_context *given, uint32_t threads)
{
  (void)given;
  return adze_run_here_of (host, ADZE_JOBS " workers")
             ? adze_jobs_workers (adze_pool_threads (adze_desk_pool (adze_desk_of (host))), threads > 0 ? threads : 1)
             : 0;
}

/* ---- All of them. */

/* Here, since nothing is computed: as many as have nothing to get ready. */
static adze_status
rehearse (const adze_host *host, adze_context *context, const adze_jobs_wish *wish)
{
  adze_status status = ADZE_OK;
  (void)host;
  for (size_t i = 0; status == ADZE_OK && i < wish->count; i++) {
    adze_job_done done = { .answered = false };
    context->job = &done;
    status = adze_local_do_job (context->local, context, &wish->jobs[i]);
    context->job = NULL;
    if (status == ADZE_OK)
      status = wish->done (wish->argument, i, done.answer ? done.answer : "", done.size);
    free (done.answer);
  }
  return status;
}

/* *STATUS: what the plugin thinks of it. */
static adze_error *
take_one (const adze_context *context, const adze_jobs_wish *wish, adze_status *status)
{
  ADZE_AUTO_FREE void *answer = NULL;
  size_t index = 0, size = 0;
  ADZE_TRY (context->ops->jobs_next (context->data, &index, &answer, &size));
  *status = wish->done (wish->argument, index, answer, size);
  return NULL;
}

static adze_status
do_all (const adze_host *host, adze_context *context, const adze_jobs_wish *wish)
{
  const adze_jobs_list list = { .requests = wish->jobs,
                                .count = wish->count,
                                .threads = wish->threads > 0 ? wish->threads : 1,
                                .most = wish->most };
  adze_status status = ADZE_OK;
  bool rehearses = false;
  adze_error *error = context->ops->jobs_begin (context->data, &list, &rehearses);
  if (!error && rehearses)
    return rehearse (host, context, wish);
  for (size_t i = 0; !error && status == ADZE_OK && i < wish->count; i++)
    error = take_one (context, wish, &status);
  adze_error *end = context->ops->jobs_end (context->data);
  if (!error && status == ADZE_OK)
    error = adze_take (&end);
  adze_error_free (end);
  return error ? adze_desk_fail (adze_desk_of (host), error) : status;
}

static const char *
find_fault (const adze_context *context, const adze_jobs_wish *wish)
{
  if (context->doing_jobs)
    return "it asked for jobs while others were done";
  if (!wish || wish->struct_size < sizeof *wish || !wish->done || (wish->count > 0 && !wish->jobs))
    return "it asked for jobs without a size, a list, or somebody to tell of them";
  if (!adze_local_has_job (context->local))
    return "it asked for jobs, and its table has no .job that would do them";
  for (size_t i = 0; i < wish->count; i++)
    if (wish->jobs[i].size > 0 && !wish->jobs[i].data)
      return "it asked for a job without the bytes of its request";
  return NULL;
}

static adze_status
jobs_run (const adze_host *host, adze_context *given, const adze_jobs_wish *wish)
{
  adze_context *context = adze_run_no_job (host, ADZE_JOBS " run");
  (void)given;
  if (!context)
    return ADZE_E_CONTRACT;
  const char *fault = find_fault (context, wish);
  if (fault)
    return refuse (fault);
  if (wish->count == 0)
    return ADZE_OK;
  context->doing_jobs = true;
  adze_status status = do_all (host, context, wish);
  context->doing_jobs = false;
  return status;
}

/* ---- One of them. */

static adze_status
jobs_answer (const adze_host *host, adze_context *given, const void *data, size_t size)
{
  const adze_context *context = adze_run_here_of (host, ADZE_JOBS " answer");
  (void)given;
  if (!context)
    return ADZE_E_CONTRACT;
  adze_job_done *job = context->job;
  if (!job || job->answered || (size > 0 && !data))
    return refuse (!job            ? ADZE_JOBS " answer was called outside of a job"
                   : job->answered ? "a job answered twice"
                                   : "a job answered without bytes");
  job->answer = malloc (size + 1);
  if (!job->answer)
    return adze_push_error (host, adze_error_memory ());
  if (size > 0)
    memcpy (job->answer, data, size);
  job->size = size;
  job->answered = true;
  return ADZE_OK;
}

const adze_jobs_service adze_jobs_services = {
  .struct_size = sizeof adze_jobs_services,
  .workers = jobs_workers,
  .run = jobs_run,
  .answer = jobs_answer,
};
