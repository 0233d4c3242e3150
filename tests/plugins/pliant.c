/* SPDX-License-Identifier: Apache-2.0 */
/* A technique that does what its parameter says, and an observer that does the same: for
 * tests/unit/test-harness.c and its neighbours. PLIANT is what ids begin with. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <adze/sdk.h>

#ifndef PLIANT
#define PLIANT "pliant"
#endif

static const adze_param params[] = {
  { .name = "do", .type = ADZE_PARAM_CHOICE, .preset = "copy",
    .choices = "copy|keep|pid|second|negative|overflow|rank-33|no-type|large|two-reasons|timeout|"
               "crashed|format|abort|exit|hang|devour|random|reduce|"
               "end-abort|end-exit|end-hang|end-break|end-keep",
    .help = "what it does" },
  { .name = NULL }
};

/* ---- The technique. */

/* The elements of any tensor without a codec, compact. */
static void
gather (const adze_view *view, char *to)
{
  size_t element = (size_t)view->dtype.bits * view->dtype.lanes / 8;
  size_t count = adze_view_count (view);
  for (size_t n = 0; n < count; n++) {
    size_t rest = n;
    int64_t offset = 0, step = 1;
    for (int32_t i = view->rank; i-- > 0;) {
      int64_t at = (int64_t)(rest % (size_t)view->shape[i]);
      rest /= (size_t)view->shape[i];
      offset += at * (view->strides ? view->strides[i] : step);
      step *= view->shape[i];
    }
    memcpy (to + n * element, (char *)adze_view_data (view) + offset * (int64_t)element, element);
  }
}

static adze_status
copy (const adze_host *host, adze_call *call, const adze_tensor *input)
{
  adze_view out;
  adze_status status = adze_call_output_like (host, call, input, &out);
  if (status == ADZE_OK)
    gather (&input->view, out.data);
  return status;
}

/* Which process is this? */
static adze_status
tell_pid (const adze_host *host, adze_call *call)
{
  adze_view out;
  int64_t one = 1;
  adze_status status
      = adze_call_output (host, call, (adze_dtype){ ADZE_INT, 32, 1 }, 1, &one, &out);
  if (status == ADZE_OK)
    *(int32_t *)out.data = (int32_t)getpid ();
  return status;
}

static adze_status
absurd (const adze_host *host, adze_call *call, const char *what)
{
  const adze_dtype number = { ADZE_FLOAT, 32, 1 }, none = { ADZE_FLOAT, 0, 1 };
  int64_t negative[] = { 4, -1 }, overflow[] = { INT64_MAX, 2, 0 }, large[] = { INT64_MAX / 64 };
  int64_t many[33];
  adze_view out;
  for (int i = 0; i < 33; i++)
    many[i] = 1;
  if (strcmp (what, "negative") == 0)
    return adze_call_output (host, call, number, 2, negative, &out);
  if (strcmp (what, "overflow") == 0)
    return adze_call_output (host, call, number, 3, overflow, &out);
  if (strcmp (what, "rank-33") == 0)
    return adze_call_output (host, call, number, 33, many, &out);
  if (strcmp (what, "large") == 0)
    return adze_call_output (host, call, number, 1, large, &out);
  return adze_call_output (host, call, none, 1, many, &out);
}

static adze_status
devour (const adze_host *host)
{
  for (size_t i = 0; i < 64; i++)
    if (!host->allocate (host, (size_t)64 << 20))
      return adze_fail (host, ADZE_E_MEMORY, "no more than %zu MiB are to be had", i * 64);
  return ADZE_OK;
}

enum { NUMBERS = 5000 };

static adze_status
draw (void *argument, size_t first, size_t last)
{
  void **both = argument;
  adze_random_fill (both[0], "numbers", first, (uint64_t *)both[1] + first, last - first);
  return ADZE_OK;
}

static adze_status
sum (void *argument, size_t first, size_t last, void *result)
{
  const uint64_t *numbers = argument;
  for (size_t i = first; i < last; i++)
    *(double *)result += adze_random_unit (numbers[i]);
  return ADZE_OK;
}

static void
add (void *argument, void *left, const void *right)
{
  (void)argument;
  *(double *)left += *(const double *)right;
}

/* Many random numbers by many threads, and, when it is to reduce, their sum. */
static adze_status
numbers (const adze_host *host, adze_call *call, int reduce)
{
  int64_t count = reduce ? 1 : NUMBERS;
  adze_view out;
  uint64_t *room = host->allocate (host, NUMBERS * sizeof *room);
  if (!room)
    return adze_fail (host, ADZE_E_MEMORY, "no room for numbers");
  void *both[] = { (void *)host, room };
  adze_status status
      = adze_call_output (host, call, (adze_dtype){ ADZE_FLOAT, 64, 1 }, 1, &count, &out);
  if (status == ADZE_OK)
    status = adze_parallel_for (host, NUMBERS, 7, draw, both);
  const adze_parallel_service *parallel = host->service (host, ADZE_PARALLEL);
  if (status == ADZE_OK && reduce)
    status = parallel->reduce (host, NUMBERS, 11, sum, add, room, out.data, sizeof (double));
  else if (status == ADZE_OK)
    memcpy (out.data, room, NUMBERS * sizeof *room);
  host->release (host, room);
  return status;
}

static adze_status
end_process (const char *what)
{
  if (strcmp (what, "abort") == 0) {
    signal (SIGABRT, SIG_DFL);
    abort ();
  }
  if (strcmp (what, "exit") == 0)
    _exit (3);
  for (;;)
    pause ();
}

/* What it makes is announced, but for what is absurd. */
static adze_status
describe (const adze_host *host, void *instance, adze_outline *outline)
{
  const char *what = instance;
  const adze_outline_service *service = adze_outline_of (host);
  int64_t count = strcmp (what, "random") == 0 ? NUMBERS : 1;
  for (uint32_t i = 0; i < service->count (host, outline, 0); i++) {
    adze_pick pick = { 0, i };
    adze_tensor_meta meta = *service->tensor (host, outline, pick);
    adze_group group = { .struct_size = sizeof group, .input_count = 1, .inputs = &pick,
                         .outputs = &meta, .output_count = 1, .meta_size = sizeof meta };
    if (strcmp (what, "pid") == 0 || strcmp (what, "random") == 0 || strcmp (what, "reduce") == 0) {
      meta.rank = 1;
      meta.shape = &count;
      meta.dtype = what[1] == 'i' ? (adze_dtype){ ADZE_INT, 32, 1 }
                                  : (adze_dtype){ ADZE_FLOAT, 64, 1 };
    }
    adze_status status = service->group (host, outline, &group);
    if (status != ADZE_OK)
      return status;
  }
  return ADZE_OK;
}

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  const char *what = instance;
  if (strcmp (what, "keep") == 0 || strncmp (what, "end-", 4) == 0)
    return ADZE_OK;
  if (strcmp (what, "copy") == 0)
    return copy (host, call, input);
  if (strcmp (what, "pid") == 0)
    return tell_pid (host, call);
  if (strcmp (what, "devour") == 0)
    return devour (host);
  if (strcmp (what, "random") == 0 || strcmp (what, "reduce") == 0)
    return numbers (host, call, what[1] == 'e');
  if (strcmp (what, "timeout") == 0)
    return adze_fail (host, ADZE_E_TIMEOUT, "the moon has not risen in time");
  if (strcmp (what, "crashed") == 0)
    return adze_fail (host, ADZE_E_CRASHED, "somebody else has crashed");
  if (strcmp (what, "format") == 0)
    return adze_fail (host, ADZE_E_FORMAT, "the tensor is not to its taste");
  if (strcmp (what, "two-reasons") == 0) {
    adze_fail (host, ADZE_E_IO, "the disk is full");
    return adze_fail (host, ADZE_E_INTERNAL, "the table was not written");
  }
  if (strcmp (what, "second") == 0) {
    adze_status status = copy (host, call, input);
    return status == ADZE_OK ? copy (host, call, input) : status;
  }
  if (strcmp (what, "abort") == 0 || strcmp (what, "exit") == 0 || strcmp (what, "hang") == 0)
    return end_process (what);
  return absurd (host, call, what);
}

static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  *instance = (void *)adze_param_string (host, values, "do");
  return ADZE_OK;
}

/* The instance is the host's own text. */
static void
destroy (const adze_host *host, void *instance)
{
  static char never_allocated[256];
  static void *volatile kept; /* which a sanitizer then takes for no leak of the host's */
  const char *what = instance;
  if (strncmp (what, "end-", 4) != 0)
    return;
  what += 4;
  if (strcmp (what, "break") == 0)
    host->release (host, never_allocated + 128);
  else if (strcmp (what, "keep") == 0)
    kept = host->allocate (host, 77);
  else
    end_process (what);
}

static const adze_technique technique = {
  .struct_size = sizeof technique,
  .effect = ADZE_CHANGES,
  .create = create,
  .destroy = destroy,
  .describe = describe,
  .apply = apply,
};

static const adze_component technique_component = {
  .struct_size = sizeof technique_component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = PLIANT,
  .summary = "does as it is told",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &technique,
};

/* ---- The observer: writes the process's number into a file, and may fail or die. */

static const adze_param watcher_params[] = {
  { .name = "path", .type = ADZE_PARAM_STRING, .help = "where to write" },
  { .name = "do", .type = ADZE_PARAM_CHOICE, .preset = "write", .choices = "write|fail|abort|hang",
    .help = "what it does" },
  { .name = NULL }
};

typedef struct watcher {
  const char *path;
  const char *what;
} watcher;

static adze_status
watcher_create (const adze_host *host, const adze_params *values, void **instance)
{
  watcher *self = host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  self->path = adze_param_string (host, values, "path");
  self->what = adze_param_string (host, values, "do");
  *instance = self;
  return ADZE_OK;
}

static void
watcher_destroy (const adze_host *host, void *instance)
{
  host->release (host, instance);
}

static adze_status
watcher_event (const adze_host *host, void *instance, const adze_event *event)
{
  watcher *self = instance;
  FILE *file = fopen (self->path, "a");
  if (!file)
    return adze_fail (host, ADZE_E_IO, "cannot write");
  fprintf (file, "%d %s\n", (int)getpid (), event->id);
  fclose (file);
  if (strcmp (self->what, "fail") == 0)
    return adze_fail (host, ADZE_E_IO, "it has seen enough");
  return strcmp (self->what, "write") == 0 ? ADZE_OK : end_process (self->what);
}

static const adze_observer observer = {
  .struct_size = sizeof observer,
  .create = watcher_create,
  .destroy = watcher_destroy,
  .event = watcher_event,
};

static const adze_component observer_component = {
  .struct_size = sizeof observer_component,
  .kind_revision = ADZE_OBSERVER_REVISION,
  .kind = ADZE_OBSERVER,
  .id = PLIANT "-watcher",
  .summary = "watches as it is told",
  .params = watcher_params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &observer,
};

static const adze_component *const components[]
    = { &technique_component, &observer_component, NULL };

#ifdef PLIANT_LIBRARY
extern int lost (void);

static adze_status
init (const adze_host *host)
{
  (void)host;
  return lost () ? ADZE_E_INTERNAL : ADZE_OK;
}
#endif

/* PLIANT_DEINIT: as one of the choices of "do" is spelt behind "end-". */
#ifdef PLIANT_DEINIT
static void
deinit (const adze_host *host)
{
  destroy (host, (void *)("end-" PLIANT_DEINIT));
}
#endif

#ifndef PLIANT_VERSION
#define PLIANT_VERSION "1.0"
#endif

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = PLIANT,
  .version = PLIANT_VERSION,
  .summary = "a plugin for a test",
  .license = "Apache-2.0",
  .components = components,
#ifdef PLIANT_LIBRARY
  .init = init,
#endif
#ifdef PLIANT_DEINIT
  .deinit = deinit,
#endif
};

ADZE_PLUGIN_REGISTER (pliant, plugin);
