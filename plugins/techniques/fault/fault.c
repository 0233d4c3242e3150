/* SPDX-License-Identifier: Apache-2.0 */
/* fault: a technique that goes wrong on purpose, so that people can see what a pipeline, a host or
 * a program around it does then. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <adze/sdk.h>

static const adze_param params[] = {
  { .name = "mode", .type = ADZE_PARAM_CHOICE, .preset = "none",
    .choices = "none|delay|fail|crash|exit|hang|wrong-shape", .help = "what goes wrong" },
  { .name = "after", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, inf)", .unit = "calls",
    .help = "how many calls pass first" },
  { .name = "tensor", .type = ADZE_PARAM_STRING, .preset = "",
    .help = "name of the only tensor that it goes wrong with; empty: all" },
  { .name = "delay-ms", .type = ADZE_PARAM_INT, .preset = "100", .range = "[0, 3600000]",
    .unit = "ms", .help = "mode delay: how long a call waits" },
  { .name = "status", .type = ADZE_PARAM_CHOICE, .preset = "internal",
    .choices = "memory|param|io|format|unsupported|not-found|contract|limit|cancelled|internal",
    .help = "mode fail: what is reported" },
  { .name = NULL }
};

typedef struct fault fault;

/* What a call does once it is its turn. */
typedef adze_status (*fault_mode) (const adze_host *host, const fault *self, adze_call *call,
                                   const adze_tensor *input);

struct fault {
  fault_mode mode;
  uint64_t after;
  atomic_uint_fast64_t seen; /* calls that concerned us; several threads count */
  const char *tensor;
  struct timespec delay;
  adze_status status;
};

static adze_status
mode_none (const adze_host *host, const fault *self, adze_call *call, const adze_tensor *input)
{
  (void)host;
  (void)self;
  (void)call;
  (void)input;
  return ADZE_OK;
}

static adze_status
mode_delay (const adze_host *host, const fault *self, adze_call *call, const adze_tensor *input)
{
  struct timespec left = self->delay;
  while (nanosleep (&left, &left) != 0 && errno == EINTR)
    ;
  return mode_none (host, self, call, input);
}

static adze_status
mode_fail (const adze_host *host, const fault *self, adze_call *call, const adze_tensor *input)
{
  (void)call;
  return adze_fail (host, self->status, "it was asked to fail on tensor '%s'", input->name);
}

/* By the signal's own action: a handler, such as a sanitizer's, would make something else of it. */
static adze_status
mode_crash (const adze_host *host, const fault *self, adze_call *call, const adze_tensor *input)
{
  (void)host;
  (void)self;
  (void)call;
  (void)input;
  signal (SIGSEGV, SIG_DFL);
  raise (SIGSEGV);
  abort ();
}

/* With the status that means success: the worst that a library can do to its host. By exit, as
 * libraries do it, and with what follows from it: the program's functions for atexit are called,
 * on this thread. */
static adze_status
mode_exit (const adze_host *host, const fault *self, adze_call *call, const adze_tensor *input)
{
  (void)host;
  (void)self;
  (void)call;
  (void)input;
  exit (0);
}

static adze_status
mode_hang (const adze_host *host, const fault *self, adze_call *call, const adze_tensor *input)
{
  (void)host;
  (void)self;
  (void)call;
  (void)input;
  while (pause () != 0) /* which it never is */
    ;
  return ADZE_OK;
}

/* One more in the first dimension; a scalar becomes two numbers. */
static adze_status
mode_wrong_shape (const adze_host *host, const fault *self, adze_call *call,
                  const adze_tensor *input)
{
  (void)self;
  const adze_view *view = &input->view;
  int32_t rank = view->rank > 0 ? view->rank : 1;
  int64_t *shape = (int64_t *)host->allocate (host, (size_t)rank * sizeof *shape);
  if (!shape)
    return adze_fail (host, ADZE_E_MEMORY, "no room for a wrong shape");
  shape[0] = 1;
  for (int32_t i = 0; i < view->rank; i++)
    shape[i] = view->shape[i];
  shape[0]++;
  adze_view out;
  adze_status status = adze_call_output (host, call, view->dtype, rank, shape, &out);
  host->release (host, shape);
  return status;
}

static fault_mode
mode_named (const char *name)
{
  static const struct {
    const char *name;
    fault_mode mode;
  } modes[] = { { "delay", mode_delay }, { "fail", mode_fail },
                { "crash", mode_crash }, { "exit", mode_exit },
                { "hang", mode_hang },   { "wrong-shape", mode_wrong_shape } };
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
    if (strcmp (modes[i].name, name) == 0)
      return modes[i].mode;
  return mode_none;
}

static adze_status
status_named (const char *name)
{
  static const struct {
    const char *name;
    adze_status status;
  } statuses[] = { { "memory", ADZE_E_MEMORY },
                   { "param", ADZE_E_PARAM },
                   { "io", ADZE_E_IO },
                   { "format", ADZE_E_FORMAT },
                   { "unsupported", ADZE_E_UNSUPPORTED },
                   { "not-found", ADZE_E_NOT_FOUND },
                   { "contract", ADZE_E_CONTRACT },
                   { "limit", ADZE_E_LIMIT },
                   { "cancelled", ADZE_E_CANCELLED } };
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
    if (strcmp (statuses[i].name, name) == 0)
      return statuses[i].status;
  return ADZE_E_INTERNAL;
}

static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  fault *self = (fault *)host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  int64_t milliseconds = adze_param_int (host, values, "delay-ms");
  self->mode = mode_named (adze_param_string (host, values, "mode"));
  self->after = (uint64_t)adze_param_int (host, values, "after");
  self->tensor = adze_param_string (host, values, "tensor");
  self->delay.tv_sec = (time_t)(milliseconds / 1000);
  self->delay.tv_nsec = (long)(milliseconds % 1000) * 1000000;
  self->status = status_named (adze_param_string (host, values, "status"));
  atomic_init (&self->seen, 0);
  *instance = self;
  return ADZE_OK;
}

static void
destroy (const adze_host *host, void *instance)
{
  host->release (host, instance);
}

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  fault *self = (fault *)instance;
  if (self->tensor[0] && strcmp (self->tensor, input->name) != 0)
    return ADZE_OK;
  if (atomic_fetch_add (&self->seen, 1) < self->after)
    return ADZE_OK;
  return self->mode (host, self, call, input);
}

/* It inspects: in every mode but one the tensors stay as they are. The output of wrong-shape is
 * one that nobody has announced, and that is what a host has to notice. */
static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_INSPECTS,
  .create = create,
  .destroy = destroy,
  .apply = apply,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "fault",
  .summary = "Delays, fails, crashes or hangs on purpose",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

/* The conformance kit draws parameters at random; a crash that was asked for proves nothing. */
static const char *const left_alone[] = { "fault.mode", NULL };
static const adze_check_extension check
    = { .struct_size = sizeof check, .fixed = left_alone };

static const void *
extension (const char *id)
{
  return strcmp (id, ADZE_CHECK) == 0 ? &check : NULL;
}

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "fault",
  .version = "0.1.0",
  .summary = "Things that go wrong on purpose",
  .license = "Apache-2.0",
  .components = components,
  .extension = extension,
};

ADZE_PLUGIN_REGISTER (fault, plugin);
