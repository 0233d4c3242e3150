/* SPDX-License-Identifier: Apache-2.0 */
/* The harness of adze/host.h: tensors into one technique, here or in a worker. */
#include <string.h>

#include "stage/feed.h"
#include "stage/piece.h"

struct adze_harness {
  adze_runtime *runtime;
  char *component;
  char **settings; /* NULL-terminated */
  adze_harness_options options;
  adze_instance *instance;
  uint32_t ports;
  adze_fed fed; /* of the last call */
  bool fresh;   /* nothing was observed by the instance yet */
  bool ended;
};

static adze_error *
copy_options (const adze_harness_options *given, adze_harness_options *own)
{
  *own = (adze_harness_options)ADZE_HARNESS_OPTIONS_INIT;
  if (!given)
    return NULL;
  if (given->struct_size < sizeof given->struct_size || given->struct_size > ADZE_STRUCT_SIZE_MAX)
    return adze_error_new (ADZE_E_PARAM,
                           "adze_harness_options.struct_size is %zu; begin with "
                           "ADZE_HARNESS_OPTIONS_INIT",
                           given->struct_size);
  memcpy (own, given, given->struct_size < sizeof *own ? given->struct_size : sizeof *own);
  return NULL;
}

/* The caller's may go; ours are needed when an instance is made anew. */
static adze_error *
copy_settings (const char *const *given, adze_harness *harness)
{
  size_t count = 0;
  while (given && given[count])
    count++;
  harness->settings = calloc (count + 1, sizeof *harness->settings);
  if (!harness->settings)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    if (!(harness->settings[i] = strdup (given[i])))
      return adze_error_memory ();
  return NULL;
}

static adze_error *
open_instance (adze_harness *harness)
{
  adze_runtime *runtime = harness->runtime;
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_TRY (adze_find_component (runtime, harness->component, &record, &component));
  ADZE_TRY (adze_settings_parse (component, (const char *const *)harness->settings, &document));
  const adze_value *const sets[] = { document.root };
  const adze_instance_options options = { .component = component->id,
                                          .document = &document,
                                          .settings = sets,
                                          .variants = 1,
                                          .seed = runtime->seed,
                                          .isolate = harness->options.isolate,
                                          .time_limit_ms = harness->options.time_limit_ms,
                                          .memory_limit = harness->options.memory_limit };
  harness->ports = adze_feed_ports (component);
  harness->fresh = true;
  return adze_instance_open (runtime, &options, &harness->instance);
}

adze_error *
adze_harness_open (adze_runtime *runtime, const char *technique,
                   const adze_harness_options *given, adze_harness **harness)
{
  adze_harness_options options;
  *harness = NULL;
  ADZE_TRY (copy_options (given, &options));
  ADZE_LOCKED (runtime);
  adze_harness *fresh = calloc (1, sizeof *fresh);
  if (!fresh)
    return adze_error_memory ();
  fresh->runtime = runtime;
  fresh->options = options;
  fresh->component = strdup (technique);
  adze_error *error = fresh->component ? copy_settings (options.settings, fresh)
                                       : adze_error_memory ();
  if (!error)
    error = open_instance (fresh);
  if (error) {
    adze_harness_close (fresh);
    return error;
  }
  *harness = fresh;
  return NULL;
}

/* The size of plain elements is ours to know; that of a codec's blocks is the caller's. */
static adze_error *
complete_input (const adze_tensor *given, adze_tensor *input)
{
  *input = *given;
  input->struct_size = sizeof *input;
  if (!input->name)
    input->name = "";
  if (input->codec)
    return NULL;
  size_t bytes = 0;
  ADZE_TRY (adze_tensor_bytes (input->view.dtype, input->view.rank, input->view.shape, &bytes));
  input->byte_size = bytes;
  return NULL;
}

static void
tell (adze_harness *harness, const char *id, const adze_tensor *input)
{
  const adze_field fields[] = {
    ADZE_FIELD_TEXT ("tensor", input->name),
    ADZE_FIELD_NUMBER ("bytes", (int64_t)input->byte_size),
  };
  adze_event_bus_emit (harness->runtime->bus, NULL, id, fields, ADZE_COUNT_OF (fields));
}

/* One that has decided about a tensor knows nothing of the next. */
static adze_error *
renew (adze_harness *harness)
{
  if (harness->fresh || !adze_instance_facts_of (harness->instance)->observes)
    return NULL;
  adze_error *error = adze_instance_end (harness->instance);
  adze_instance_close (adze_take (&harness->instance));
  return error ? error : open_instance (harness);
}

static adze_error *
feed (adze_harness *harness, const adze_tensor *input)
{
  const adze_tensor *const inputs[] = { input };
  const adze_feed_options options = { 0 };
  if (!harness->instance)
    return adze_error_new (ADZE_E_CRASHED, "'%s' could not be made anew before",
                           harness->component);
  ADZE_TRY (renew (harness));
  adze_error *error
      = adze_feed (harness->instance, harness->ports, inputs, 1, &options, &harness->fed);
  harness->fresh = harness->fresh && error;
  return error;
}

adze_error *
adze_harness_apply (adze_harness *harness, const adze_tensor *given, const adze_tensor **output)
{
  adze_tensor input;
  *output = NULL;
  if (harness->ended)
    return adze_error_new (ADZE_E_PARAM, "this harness was ended; open another one");
  adze_fed_cleanup (&harness->fed);
  ADZE_TRY (complete_input (given, &input));
  tell (harness, "call.started", &input);
  adze_error *error = feed (harness, &input);
  tell (harness, error ? "call.failed" : "call.finished", &input);
  if (!error)
    *output = adze_harness_output (harness, 0);
  return error;
}

const adze_tensor *
adze_harness_output (const adze_harness *harness, size_t index)
{
  const adze_fed *fed = &harness->fed;
  if (index >= fed->count || (fed->count == 1 && !fed->outputs[0].given))
    return NULL;
  return &fed->outputs[index].tensor;
}

bool
adze_harness_dropped (const adze_harness *harness)
{
  return harness->fed.count == 0 && harness->fed.dropped > 0;
}

bool
adze_harness_isolated (const adze_harness *harness)
{
  return harness->instance && adze_instance_facts_of (harness->instance)->isolated;
}

adze_error *
adze_harness_end (adze_harness *harness)
{
  harness->ended = true;
  adze_error *error = harness->instance ? adze_instance_end (harness->instance) : NULL;
  if (error)
    adze_tell_end (harness->runtime->bus, harness->component, error, false);
  return error;
}

void
adze_harness_close (adze_harness *harness)
{
  if (!harness)
    return;
  adze_instance_close (harness->instance);
  adze_fed_cleanup (&harness->fed);
  for (size_t i = 0; harness->settings && harness->settings[i]; i++)
    free (harness->settings[i]);
  free (harness->settings);
  free (harness->component);
  free (harness);
}
