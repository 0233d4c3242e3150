/* SPDX-License-Identifier: Apache-2.0 */
/* @NAME@: says on standard error what happens. */
#include <adze/sdk.h>

static const adze_param params[] = {
  { .name = "greeting", .type = ADZE_PARAM_STRING, .preset = "@NAME@",
    .help = "what every line begins with" },
  { .name = nullptr }
};

struct watch {
  const char *greeting;
  size_t count;
};

static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  auto *self = static_cast<watch *> (host->allocate (host, sizeof (watch))); /* zeroed */
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the state");
  self->greeting = adze_param_string (host, values, "greeting"); /* outlives the instance */
  *instance = self;
  return ADZE_OK;
}

static void
destroy (const adze_host *host, void *instance)
{
  host->release (host, instance);
}

static adze_status
event (const adze_host *host, void *instance, const adze_event *seen)
{
  auto *self = static_cast<watch *> (instance);
  if (fprintf (stderr, "%s %zu: %s\n", self->greeting, ++self->count, seen->id) < 0)
    return adze_fail (host, ADZE_E_IO, "cannot write to standard error");
  return ADZE_OK;
}

static const adze_observer callbacks
    = { .struct_size = sizeof callbacks, .create = create, .destroy = destroy, .event = event };

static const adze_component component
    = { .struct_size = sizeof component, .kind_revision = ADZE_OBSERVER_REVISION,
        .kind = ADZE_OBSERVER, .id = "@NAME@", .summary = "Says what happens",
        .params = params, .param_size = sizeof params[0], .threading = ADZE_THREADS_INSTANCE,
        .callbacks = &callbacks };
static const adze_component *const components[] = { &component, nullptr };

static const adze_plugin plugin
    = { ADZE_PLUGIN_HEAD, .id = "@NAME@", .version = "0.1.0", .summary = "My first plugin",
        .license = "Apache-2.0", .components = components };
ADZE_PLUGIN_REGISTER (@C_NAME@, plugin);
