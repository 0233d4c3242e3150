/* SPDX-License-Identifier: Apache-2.0 */
/* job.c: candidates are trained side by side, each in a process of its own: sent there, done there, and told of. */
#include <string.h>

#include "trained.h"

/* ---- There. */

/* The result, and then the weights, if they are wanted. */
static adze_status
answer (nas_trained *t, const nas_request *request)
{
  const adze_host *host = t->n->host;
  nas_result result;
  adze_bytes weights = { 0 }, all = { 0 };
  adze_status status = nas_train (t, request, &result, request->searching ? NULL : &weights);
  if (status == ADZE_OK)
    status = adze_bytes_add (host, &all, &result, sizeof result);
  if (status == ADZE_OK)
    status = adze_bytes_add (host, &all, weights.data, weights.size);
  if (status == ADZE_OK)
    status = adze_jobs_of (host)->answer (host, t->n->context, all.data, all.size);
  adze_bytes_release (host, &weights);
  adze_bytes_release (host, &all);
  return status;
}

adze_status
nas_job (const adze_host *host, void *instance, adze_context *context, const void *given, size_t size)
{
  nas_request request;
  /* Too large for a stack. */
  nas_trained *t = (nas_trained *)host->allocate (host, sizeof *t);
  nas_run n = { .host = host,
                .params = (const adze_params *)instance,
                .run = adze_run_of (host),
                .context = context,
                .own = t };
  if (!t)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  memset (t, 0, sizeof *t);
  t->n = &n;
  adze_status status = size == sizeof request
                           ? nas_begin (t)
                           : adze_fail (host, ADZE_E_CONTRACT, "a job of %zu bytes is none of this plugin", size);
  if (status == ADZE_OK) {
    memcpy (&request, given, sizeof request);
    status = answer (t, &request);
  }
  nas_declared_close (&t->declared);
  host->release (host, t);
  return status;
}

/* ---- Here. */

typedef struct telling {
  const adze_host *host;
  nas_done done;
  void *argument;
} telling;

static adze_status
tell (void *argument, size_t index, const void *data, size_t size)
{
  const telling *to = (const telling *)argument;
  nas_result result;
  adze_bytes weights = { 0 };
  if (size < sizeof result)
    return adze_fail (to->host, ADZE_E_CONTRACT, "a candidate's answer has %zu bytes", size);
  memcpy (&result, data, sizeof result);
  adze_status status = adze_bytes_add (to->host, &weights, (const char *)data + sizeof result, size - sizeof result);
  if (status == ADZE_OK)
    status = to->done (to->argument, index, &result, &weights);
  adze_bytes_release (to->host, &weights);
  return status;
}

adze_status
nas_have_trained (nas_trained *t, const nas_request *requests, size_t count, uint32_t threads, nas_done done,
                  void *argument)
{
  const adze_host *host = t->n->host;
  const adze_jobs_service *jobs = adze_jobs_of (host);
  telling to = { host, done, argument };
  adze_text *texts = (adze_text *)host->allocate (host, (count + 1) * sizeof *texts);
  if (!texts)
    return adze_fail (host, ADZE_E_MEMORY, "no room for a list of %zu candidates", count);
  for (size_t i = 0; i < count; i++) {
    texts[i].data = (const char *)&requests[i];
    texts[i].size = sizeof requests[i];
  }
  const adze_jobs_wish wish = { .struct_size = sizeof wish,
                                .threads = threads,
                                .jobs = texts,
                                .count = count,
                                .done = tell,
                                .argument = &to };
  adze_status status = jobs->run (host, t->n->context, &wish);
  host->release (host, texts);
  return status;
}
