/* SPDX-License-Identifier: Apache-2.0 */
/* A technique that has jobs, for tests of who does them. Each of COUNT jobs repeats the text at the port `words`, less
 * so many letters as its number, and the report is what all of them answered, in order. What is known is kept, so that
 * a run that goes on does no more than is left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <adze/sdk.h>

enum { MOST = 16, LETTERS = 64 };

static const adze_param params[] = {
  { .name = "count", .type = ADZE_PARAM_INT, .preset = "5", .range = "[1, 16]", .help = "how many jobs" },
  { .name = "most", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, 16]", .help = "at once" },
  { .name = "threads", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, 16]", .help = "of each" },
  { .name = "do", .type = ADZE_PARAM_CHOICE, .preset = "all",
    .choices = "all|wait|fail|crash|stop|give|save|tell|jobs|twice|large|end",
    .help = "wait: the first ends when the last has; fail, crash (once, unless it goes on): the third; stop: asks until "
            "it is told to; give, save, tell, jobs, twice: what no job may do; large: answers a MiB; end: run ends "
            "once it was told of one" },
  { .name = "marker", .type = ADZE_PARAM_STRING, .preset = "",
    .help = "a file that the last job makes, and the first waits for" },
  { .name = NULL }
};

static const adze_port ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_IN, .help = "nothing is done with it" },
  { .name = "words", .type = "text", .direction = ADZE_PORT_IN, .required = 1, .help = "what jobs repeat" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT, .help = "what they answered" },
  { .name = NULL }
};

typedef struct request {
  size_t index, count;
  int goes_on; /* the run does */
} request;

static adze_status
create (const adze_host *host, const adze_params *given, void **instance)
{
  (void)host;
  *instance = (void *)(uintptr_t)given;
  return ADZE_OK;
}

static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

static int
does (const adze_host *host, void *instance, const char *what)
{
  return strcmp (adze_param_string (host, (const adze_params *)instance, "do"), what) == 0;
}

/* ---- One job. */

static adze_status
one_done (void *argument, size_t index, const void *answer, size_t size)
{
  (void)argument, (void)index, (void)answer, (void)size;
  return ADZE_OK;
}

static adze_status
misbehave (const adze_host *host, void *instance, adze_context *context)
{
  const adze_run_service *run = adze_run_of (host);
  const adze_jobs_service *jobs = adze_jobs_of (host);
  const adze_jobs_wish none = { .struct_size = sizeof none, .done = one_done };
  if (does (host, instance, "give"))
    return run->give_bytes (host, context, "report", "{}", 2);
  if (does (host, instance, "save"))
    return run->save (host, context, "one", "1", 1);
  if (does (host, instance, "tell"))
    return adze_metric (host, "one", 1, NULL);
  if (does (host, instance, "jobs"))
    return jobs->run (host, context, &none);
  return does (host, instance, "twice") ? jobs->answer (host, context, "", 0) : ADZE_OK;
}

/* Until the last of them has left word. */
static void
wait_for_marker (const adze_host *host, void *instance, size_t index, size_t count)
{
  const char *marker = adze_param_string (host, (const adze_params *)instance, "marker");
  FILE *file = index + 1 == count ? fopen (marker, "w") : NULL;
  if (file)
    fclose (file);
  while (index == 0 && access (marker, F_OK) != 0)
    usleep (1000);
}

static adze_status
answer_large (const adze_host *host, adze_context *context, size_t index)
{
  enum { LARGE = 1 << 20 };
  char *bytes = (char *)host->allocate (host, LARGE);
  if (!bytes)
    return adze_fail (host, ADZE_E_MEMORY, "no room for an answer");
  memset (bytes, 'a' + (int)index, LARGE);
  adze_status status = adze_jobs_of (host)->answer (host, context, bytes, LARGE);
  host->release (host, bytes);
  return status;
}

static adze_status
job (const adze_host *host, void *instance, adze_context *context, const void *given, size_t size)
{
  const adze_run_service *run = adze_run_of (host);
  const void *words = NULL;
  size_t letters = 0;
  request r;
  if (size != sizeof r)
    return adze_fail (host, ADZE_E_CONTRACT, "the request has %zu bytes", size);
  memcpy (&r, given, sizeof r);
  if (r.index == 2 && does (host, instance, "fail"))
    return adze_fail (host, ADZE_E_LIMIT, "number three never works");
  if (r.index == 2 && does (host, instance, "crash") && !r.goes_on)
    abort ();
  if (does (host, instance, "wait"))
    wait_for_marker (host, instance, r.index, r.count);
  while (does (host, instance, "stop"))
    if (!run->progress (host, context, 1, 2))
      return ADZE_E_CANCELLED;
  if (does (host, instance, "large"))
    return answer_large (host, context, r.index);
  adze_status status = run->bytes (host, run->input (host, context, "words"), &words, &letters);
  if (status == ADZE_OK)
    status = adze_jobs_of (host)->answer (host, context, words, letters > r.index ? letters - r.index : 0);
  return status == ADZE_OK ? misbehave (host, instance, context) : status;
}

/* ---- All of them. */

typedef struct all {
  const adze_host *host;
  adze_context *context;
  void *instance;
  size_t numbers[MOST]; /* of the jobs that were asked for */
  char answers[MOST][LETTERS];
  size_t order[MOST], ended;
} all;

static const char *
name_of (size_t number, char name[16])
{
  snprintf (name, 16, "job.%zu", number);
  return name;
}

static adze_status
done (void *argument, size_t index, const void *answer, size_t size)
{
  all *a = (all *)argument;
  size_t number = a->numbers[index];
  char name[16];
  snprintf (a->answers[number], LETTERS, "%.*s", (int)(size < 40 ? size : 40), (const char *)answer);
  a->order[a->ended++] = number;
  adze_status status = adze_run_of (a->host)->save (a->host, a->context, name_of (number, name), a->answers[number],
                                                    strlen (a->answers[number]));
  return status == ADZE_OK && does (a->host, a->instance, "end") ? ADZE_E_CANCELLED : status;
}

static adze_status
find_kept (all *a, size_t number, int *found)
{
  const void *data = NULL;
  size_t size = 0;
  char name[16];
  adze_status status = adze_run_of (a->host)->load (a->host, a->context, name_of (number, name), &data, &size);
  *found = status == ADZE_OK && size > 0;
  if (*found)
    snprintf (a->answers[number], LETTERS, "%.*s", (int)size, (const char *)data);
  return status;
}

static adze_status
give_report (all *a, size_t count)
{
  char report[MOST * LETTERS + 16];
  size_t used = 0;
  for (size_t i = 0; i < count; i++)
    used += (size_t)snprintf (report + used, sizeof report - used, "%s\"%s\"", i ? ", " : "[", a->answers[i]);
  used += (size_t)snprintf (report + used, sizeof report - used, "]\n");
  /* For people: no part of what is given. */
  for (size_t i = 0; i < a->ended; i++)
    adze_log (a->host, ADZE_LOG_INFO, "ended: %zu", a->order[i]);
  return adze_run_of (a->host)->give_bytes (a->host, a->context, "report", report, used);
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  const adze_params *values = (const adze_params *)instance;
  size_t count = (size_t)adze_param_int (host, values, "count"), left = 0;
  request requests[MOST];
  adze_text texts[MOST];
  all a = { .host = host, .context = context, .instance = instance };
  int found = 0;
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    status = find_kept (&a, i, &found);
    if (found)
      continue;
    memset (&requests[left], 0, sizeof requests[left]);
    requests[left].index = i;
    requests[left].count = count;
    requests[left].goes_on = left < i;
    texts[left].data = (const char *)&requests[left];
    texts[left].size = sizeof requests[left];
    a.numbers[left++] = i;
  }
  if (status != ADZE_OK)
    return status;
  adze_run_of (host)->progress (host, context, 7, 9);
  const adze_jobs_wish wish = { .struct_size = sizeof wish,
                                .threads = (uint32_t)adze_param_int (host, values, "threads"),
                                .most = (uint32_t)adze_param_int (host, values, "most"),
                                .jobs = texts,
                                .count = left,
                                .done = done,
                                .argument = &a };
  adze_log (host, ADZE_LOG_INFO, "at once: %u", adze_jobs_of (host)->workers (host, context, wish.threads));
  status = adze_jobs_of (host)->run (host, context, &wish);
  return status == ADZE_OK ? give_report (&a, count) : status;
}

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_CHANGES,
  .ports = ports,
  .port_size = sizeof (adze_port),
  .create = create,
  .destroy = destroy,
  .run = run,
  .rehearses = 1,
  .job = job,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "errands",
  .summary = "Has several jobs done",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "errands",
  .version = "1.0.0",
  .summary = "For tests",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (errands, plugin);
