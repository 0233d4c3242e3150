/* SPDX-License-Identifier: Apache-2.0 */
/* The harness of adze/host.h: tensors into one technique, here or in a worker. */
#include <string.h>

#include "work/feed.h"
#include "work/technique.h"

struct adze_harness {
  adze_runtime *runtime;
  char *component;
  adze_instance *local; /* one of the two */
  adze_remote *remote;
  adze_result result; /* of the last call */
  adze_fed fed;
  uint32_t ports;
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

/* What a parameter of type component names. */
static adze_error *
find_for_params (void *context, const char *kind, const char *id,
                 const adze_manifest_component **component)
{
  adze_plugin_record *record;
  ADZE_TRY (adze_find_component (context, id, &record, component));
  if (strcmp ((*component)->kind, kind) != 0)
    return adze_error_new (ADZE_E_PARAM, "'%s' is of kind %s; one of kind %s is needed", id,
                           (*component)->kind, kind);
  return NULL;
}

static adze_error *
check_kind (const adze_manifest_component *component)
{
  if (strcmp (component->kind, ADZE_TECHNIQUE) == 0)
    return NULL;
  return adze_error_new (ADZE_E_PARAM,
                         "'%s' is of kind %s and cannot be fed tensors; `adze list technique` shows "
                         "what can",
                         component->id, component->kind);
}

static adze_error *
open_remote (adze_harness *harness, adze_plugin_record *record,
             const adze_manifest_component *component, const adze_value *settings,
             const adze_harness_options *options)
{
  adze_runtime *runtime = harness->runtime;
  ADZE_TRY (adze_verify (runtime, record));
  adze_remote_options remote = { .worker = runtime->places.worker,
                                 .bus = runtime->bus,
                                 .seed = runtime->seed,
                                 .time_limit_ms = options->time_limit_ms,
                                 .memory_limit = options->memory_limit };
  return adze_remote_open (&remote, record, component, settings, &harness->remote);
}

static adze_error *
open_parts (adze_harness *harness, const char *technique, const adze_harness_options *options)
{
  adze_runtime *runtime = harness->runtime;
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_PARAMS params = NULL;
  ADZE_TRY (adze_find_component (runtime, technique, &record, &component));
  ADZE_TRY (check_kind (component));
  harness->component = strdup (component->id);
  if (!harness->component)
    return adze_error_memory ();
  ADZE_TRY (adze_settings_parse (component, options->settings, &document));
  ADZE_TRY (adze_params_bind (component, &document, document.root, NULL, NULL, find_for_params,
                              runtime, &params));
  if (options->isolate > 0 || (options->isolate == 0 && !record->trusted))
    return open_remote (harness, record, component, document.root, options);
  harness->ports = adze_feed_ports (component);
  const adze_value *const sets[] = { document.root };
  const adze_instance_options local = { .component = component->id,
                                        .document = &document,
                                        .settings = sets,
                                        .variants = 1,
                                        .seed = runtime->seed,
                                        .isolate = -1 };
  return adze_instance_open (runtime, &local, &harness->local);
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
  adze_error *error = open_parts (fresh, technique, &options);
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

adze_error *
adze_harness_apply (adze_harness *harness, const adze_tensor *given, const adze_tensor **output)
{
  adze_tensor input;
  *output = NULL;
  if (harness->ended)
    return adze_error_new (ADZE_E_PARAM, "this harness was ended; open another one");
  adze_result_cleanup (&harness->result);
  adze_fed_cleanup (&harness->fed);
  ADZE_TRY (complete_input (given, &input));
  tell (harness, "call.started", &input);
  const adze_tensor *const inputs[] = { &input };
  const adze_feed_options options = { 0 };
  adze_error *error = harness->local ? adze_feed (harness->local, harness->ports, inputs, 1,
                                                  &options, &harness->fed)
                                     : adze_remote_apply (harness->remote, &input, &harness->result);
  tell (harness, error ? "call.failed" : "call.finished", &input);
  if (!error && harness->result.given)
    *output = &harness->result.tensor;
  if (!error && harness->fed.count == 1 && harness->fed.outputs[0].given)
    *output = &harness->fed.outputs[0].tensor;
  return error;
}

bool
adze_harness_isolated (const adze_harness *harness)
{
  return harness->remote != NULL;
}

adze_error *
adze_harness_end (adze_harness *harness)
{
  harness->ended = true;
  adze_error *error
      = harness->local ? adze_instance_end (harness->local) : adze_remote_end (harness->remote);
  if (error)
    adze_tell_end (harness->runtime->bus, harness->component, error, false);
  return error;
}

void
adze_harness_close (adze_harness *harness)
{
  if (!harness)
    return;
  adze_instance_close (harness->local);
  adze_fed_cleanup (&harness->fed);
  adze_remote_close (harness->remote);
  adze_result_cleanup (&harness->result);
  free (harness->component);
  free (harness);
}
