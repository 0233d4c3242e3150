/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin that the tests of the contract build with this SDK and with simulated others, and that
 * a release leaves behind for the releases after it. It says what it meets.
 *   -DLATER=MINOR  uses the members that later-sdk.sh appended after MINOR, where the host has them
 *   -DLATER_TYPE   declares a parameter of a type that this host does not know
 *   -DLATER_STATUS returns a status that this host does not know
 */
#include <stdlib.h>

#include <adze/sdk.h>

/* What apply gives instead of numbers when report = true, one float each. */
enum { ITEM_MINOR, ITEM_ALLOCATE, ITEM_LATER, ITEM_LATER_LOG, ITEM_RANDOM, ITEM_ORDER, ITEM_COUNT };

typedef struct instance {
  double factor;
  int64_t times;
  bool report;
  bool from_host;
} instance;

/* Each row differs, so that a stride that is read wrongly does not go unnoticed. */
static const adze_param params[] = {
  { .name = "factor", .type = ADZE_PARAM_FLOAT, .preset = "2.0", .range = "(0, 100]",
    .help = "what each number is multiplied by",
#ifdef LATER
    .later_example = "3.0",
#endif
  },
  { .name = "times", .type = ADZE_PARAM_INT, .preset = "1", .range = "[1, 8]",
    .help = "how often",
#ifdef LATER
    .later_example = "2",
#endif
  },
#ifdef LATER_TYPE
  { .name = "later", .type = ADZE_PARAM_LATER, .help = "of a type that came later" },
#endif
  { .name = "report", .type = ADZE_PARAM_BOOL, .preset = "false",
    .help = "give what is known of the host instead" },
  { .name = NULL },
};

static const adze_port ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_IN, .required = 1,
    .help = "what to change",
#ifdef LATER
    .later_note = "appended",
#endif
  },
  { .name = "model", .type = "model", .direction = ADZE_PORT_OUT, .help = "what became of it" },
  { .name = NULL },
};

/* ---- The technique. */

/* There never was a host without allocate. The tests make one up, because a host without a member
 * that a plugin knows is what every later member will meet. */
static adze_status
create (const adze_host *host, const adze_params *values, void **made)
{
  bool from_host = ADZE_HOST_HAS (host, allocate);
  instance *self = from_host ? host->allocate (host, sizeof *self) : calloc (1, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the state");
  self->factor = adze_param_float (host, values, "factor");
  self->times = adze_param_int (host, values, "times");
  self->report = adze_param_bool (host, values, "report");
  self->from_host = from_host;
  *made = self;
  return ADZE_OK;
}

static void
destroy (const adze_host *host, void *made)
{
  instance *self = made;
  if (self->from_host)
    host->release (host, self);
  else
    free (self);
}

/* A report has a number for each item, whatever the tensor. */
static adze_status
describe (const adze_host *host, void *made, adze_outline *outline)
{
  const instance *self = made;
  const adze_outline_service *service = adze_outline_of (host);
  const int64_t shape[] = { ITEM_COUNT };
  for (uint32_t i = 0; i < service->count (host, outline, 0); i++) {
    adze_pick pick = { 0, i };
    adze_tensor_meta meta = *service->tensor (host, outline, pick);
    if (self->report) {
      meta.dtype = (adze_dtype){ ADZE_FLOAT, 32, 1 };
      meta.rank = 1;
      meta.shape = shape;
    }
    adze_group group = { .struct_size = sizeof group, .input_count = 1, .inputs = &pick,
                         .outputs = &meta, .output_count = 1, .meta_size = sizeof meta };
    adze_status status = service->group (host, outline, &group);
    if (status != ADZE_OK)
      return status;
  }
  return ADZE_OK;
}

/* Not commutative, so that only the right order gives the right number. */
static adze_status
add_piece (void *argument, size_t first, size_t last)
{
  float *sum = argument;
  for (size_t i = first; i < last; i++)
    *sum = *sum * 2 + (float)i;
  return ADZE_OK;
}

static bool
has_later_member (const adze_host *host)
{
#ifdef LATER
  return ADZE_HOST_HAS (host, later_yield) && host->later_yield (host) == ADZE_OK;
#else
  (void)host;
  return false;
#endif
}

static bool
has_later_log (const adze_host *host)
{
#ifdef LATER
  const adze_log_service *service = host->service (host, ADZE_LOG);
  return service
         && service->struct_size
                >= offsetof (adze_log_service, later_flush) + sizeof service->later_flush;
#else
  (void)host;
  return false;
#endif
}

/* A fact of a type that the host may not know, between two that it does. */
static void
tell (const adze_host *host)
{
  const adze_field fields[] = {
    { .key = "first", .type = ADZE_FIELD_INT, .value = { .integer = 1 } },
#ifdef LATER
    { .key = "later", .type = ADZE_FIELD_LATER, .value = { .integer = 2 } },
#endif
    { .key = "last", .type = ADZE_FIELD_INT, .value = { .integer = 3 } },
  };
  adze_log (host, ADZE_LOG_INFO, "telling");
  adze_emit (host, "abi.told", fields, sizeof fields / sizeof fields[0]);
}

static adze_status
report (const adze_host *host, const instance *self, adze_call *call)
{
  const int64_t shape[] = { ITEM_COUNT };
  uint64_t random;
  adze_view out;
  adze_status status
      = adze_call_output (host, call, (adze_dtype){ ADZE_FLOAT, 32, 1 }, 1, shape, &out);
  if (status != ADZE_OK)
    return status;
  float *items = adze_view_data (&out);
  tell (host);
  items[ITEM_MINOR] = (float)host->abi_minor;
  items[ITEM_ALLOCATE] = self->from_host;
  items[ITEM_LATER] = has_later_member (host);
  items[ITEM_LATER_LOG] = has_later_log (host);
  items[ITEM_RANDOM] = adze_random_fill (host, "abi", 0, &random, 1);
  items[ITEM_ORDER] = 0; /* what an output holds at first is nothing in particular */
  return adze_parallel_for (host, 10, 10, add_piece, &items[ITEM_ORDER]);
}

static adze_status
apply (const adze_host *host, void *made, adze_call *call, const adze_tensor *input)
{
  const instance *self = made;
  adze_view out;
#ifdef LATER_STATUS
  return adze_fail (host, ADZE_E_LATER, "for a reason that came later");
#endif
  if (self->report)
    return report (host, self, call);
  if (!adze_view_is (&input->view, ADZE_FLOAT, 32))
    return ADZE_OK;
  adze_status status = adze_call_output_like (host, call, input, &out);
  if (status != ADZE_OK)
    return status;
  const float *from = adze_view_data (&input->view);
  float *to = adze_view_data (&out);
  for (size_t i = 0; i < adze_view_count (&out); i++)
    to[i] = (float)(from[i] * self->factor * (double)self->times);
  return ADZE_OK;
}

#ifdef LATER
static adze_status
flush (const adze_host *host, void *made)
{
  (void)host;
  (void)made;
  abort (); /* nobody can call this */
}
#endif

static const adze_technique technique = {
  .struct_size = sizeof technique,
  .effect = ADZE_CHANGES,
  .ports = ports,
  .port_size = sizeof (adze_port),
  .create = create,
  .destroy = destroy,
  .describe = describe,
  .apply = apply,
#ifdef LATER
  .later_flush = flush,
#endif
};

static const adze_component technique_component = {
  .struct_size = sizeof technique_component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "abi-probe",
  .summary = "multiplies, or says what it meets",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &technique,
#ifdef LATER
  .later_group = "probes",
#endif
};

/* ---- The observer. */

static adze_status
event (const adze_host *host, void *made, const adze_event *seen)
{
  (void)made;
  return seen->id && seen->id[0] ? ADZE_OK : adze_fail (host, ADZE_E_FORMAT, "no id");
}

static const adze_observer observer = { .struct_size = sizeof observer, .event = event };

static const adze_component observer_component = {
  .struct_size = sizeof observer_component,
  .kind_revision = ADZE_OBSERVER_REVISION,
  .kind = ADZE_OBSERVER,
  .id = "abi-watch",
  .summary = "sees that each event has an id",
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &observer,
};

/* ---- The plugin. */

static adze_status
init (const adze_host *host)
{
  adze_log (host, ADZE_LOG_DEBUG, "begins");
  return ADZE_OK;
}

/* Who asked for the minor that changed deinit finds the new one under the name. */
#if defined LATER && ADZE_API_VERSION > LATER
static void
deinit (const adze_host *host, int32_t reason)
{
  (void)reason;
  adze_log (host, ADZE_LOG_DEBUG, "ends");
}
#else
static void
deinit (const adze_host *host)
{
  adze_log (host, ADZE_LOG_DEBUG, "ends");
}
#endif

#ifdef LATER
static adze_status
start (const adze_host *host)
{
  (void)host;
  abort (); /* nobody can call this */
}
#endif

static const adze_component *const components[]
    = { &technique_component, &observer_component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "abi-sample",
  .version = "1.0",
  .summary = "says what it meets",
  .license = "Apache-2.0",
  .components = components,
  .init = init,
  .deinit = deinit,
#ifdef LATER
  .later_start = start,
#endif
};

ADZE_PLUGIN_REGISTER (abi_sample, plugin);
