/* SPDX-License-Identifier: Apache-2.0 */
/* A component in a worker: the host's side. */
#include <string.h>

#include "base/event_wire.h"
#include "base/json.h"
#include "plugin/worker_client.h"
#include "work/technique.h"
#include "work/wire.h"

enum { ALIGNMENT = 64 };

adze_error *
adze_result_allocate (adze_result *result, const char *name, adze_dtype dtype, int32_t rank,
                      const int64_t *shape)
{
  size_t bytes = 0;
  ADZE_TRY (adze_tensor_bytes (dtype, rank, shape, &bytes));
  result->shape = calloc ((size_t)rank + 1, sizeof *result->shape);
  /* calloc, since for much of it the system has zeros already: what a size that was only claimed
   * takes is nothing but addresses. */
  result->memory = calloc (1, bytes + ALIGNMENT);
  if (!result->shape || !result->memory) {
    adze_result_cleanup (result);
    return adze_error_memory ();
  }
  uintptr_t start = ((uintptr_t)result->memory + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  result->data = (char *)result->memory + (start - (uintptr_t)result->memory);
  if (rank > 0)
    memcpy (result->shape, shape, (size_t)rank * sizeof *shape);
  result->tensor = (adze_tensor){
    .struct_size = sizeof result->tensor,
    .name = name,
    .view = { .data = result->data,
              .device = { ADZE_DEVICE_CPU, 0 },
              .rank = rank,
              .dtype = dtype,
              .shape = result->shape },
    .byte_size = bytes,
  };
  result->given = true;
  return NULL;
}

void
adze_result_cleanup (adze_result *result)
{
  free (result->shape);
  free (result->memory);
  *result = (adze_result){ 0 };
}

struct adze_remote {
  adze_worker *worker;
  adze_event_bus *bus; /* NULL: none */
  char *component;
  char *settings; /* for messages: a failed stage is named with its parameters */
  int64_t time_limit_ms;
  uint64_t memory_limit;
  bool asked; /* the worker was, so that what fails from here on fails on the way to an answer */
  bool broken;    /* the worker is gone */
  bool ended;     /* it was asked to destroy and has answered, or never will */
};

/* ---- Opening. */

static adze_error *
open_request (const adze_remote_options *options, const adze_plugin_record *record,
              const adze_manifest_component *component, const adze_value *settings,
              adze_value **request)
{
  ADZE_AUTO_VALUE table = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (table, "do", "open");
  adze_json_string (table, "path", record->path);
  adze_json_bool (table, "builtin", record->builtin);
  adze_json_string (table, "component", component->id);
  adze_json_int (table, "seed", (int64_t)options->seed);
  adze_json_int (table, "memory-limit", (int64_t)options->memory_limit);
  if (adze_json_failed (table))
    return adze_error_memory ();
  if (settings) {
    adze_value *copy = adze_value_copy (settings);
    if (!copy)
      return adze_error_memory ();
    ADZE_TRY (adze_value_append (table, "settings", copy));
  }
  *request = adze_take (&table);
  return NULL;
}

static adze_error *
settings_text (const adze_value *settings, char **text)
{
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  for (size_t i = 0; settings && i < settings->count; i++) {
    adze_buffer_format (&buffer, "%s%s = ", i ? ", " : "", settings->items[i]->key);
    adze_value_write_toml (settings->items[i], &buffer);
  }
  if (buffer.size == 0)
    adze_buffer_text (&buffer, "no parameters");
  return adze_buffer_finish (&buffer, text);
}

/* A process that ended is not asked again, and the failure says what it was doing. Want of memory
 * shows itself in many ways, so a limit on it is named whatever went wrong. */
static adze_error *
explain (adze_remote *remote, const char *callback, adze_error *error)
{
  if (remote->memory_limit > 0)
    adze_error_setf (error, "memory limit", "%llu bytes for the whole process",
                     (unsigned long long)remote->memory_limit);
  /* What the component itself answered stands as it is. Anything else comes from a conversation that
   * has broken off. */
  if (!remote->asked || adze_worker_answered (remote->worker))
    return error;
  remote->broken = true;
  error = adze_error_wrap (error, "the process that ran %s of '%s' (%s) failed", callback,
                           remote->component, remote->settings);
  adze_error_set (error, "component", remote->component);
  adze_error_set (error, "parameters", remote->settings);
  return error;
}

adze_error *
adze_remote_open (const adze_remote_options *options, const adze_plugin_record *record,
                  const adze_manifest_component *component, const adze_value *settings,
                  adze_remote **remote)
{
  adze_remote *fresh = calloc (1, sizeof *fresh);
  ADZE_AUTO_VALUE request = NULL;
  ADZE_AUTO (adze_document) reply = { 0 };
  if (!fresh)
    return adze_error_memory ();
  fresh->bus = options->bus;
  fresh->time_limit_ms = options->time_limit_ms;
  fresh->memory_limit = options->memory_limit;
  fresh->component = strdup (component->id);
  adze_error *error = fresh->component ? settings_text (settings, &fresh->settings)
                                       : adze_error_memory ();
  if (!error)
    error = open_request (options, record, component, settings, &request);
  if (!error)
    error = adze_worker_start (options->worker, options->bus, false, &fresh->worker);
  if (!error) {
    fresh->asked = true;
    error = adze_worker_ask (fresh->worker, request, options->time_limit_ms, &reply);
    if (error)
      error = explain (fresh, "create", error);
  }
  if (error) {
    adze_remote_close (fresh);
    return error;
  }
  *remote = fresh;
  return NULL;
}

/* ---- Ending. */

adze_error *
adze_remote_end (adze_remote *remote)
{
  /* Nobody waits for ever for something that is to go away. */
  enum { END_LIMIT_MS = 10000 };
  if (!remote->worker || remote->broken || remote->ended)
    return NULL;
  remote->ended = true;
  ADZE_AUTO_VALUE request = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO (adze_document) reply = { 0 };
  adze_json_string (request, "do", "close");
  if (adze_json_failed (request))
    return adze_error_memory ();
  int64_t limit = remote->time_limit_ms > 0 ? remote->time_limit_ms : END_LIMIT_MS;
  adze_error *error = adze_worker_ask (remote->worker, request, limit, &reply);
  if (!error)
    return NULL;
  const char *callback = adze_worker_progress (remote->worker);
  return explain (remote, callback[0] ? callback : "destroy", error);
}

/* One that does not end is killed. */
void
adze_remote_close (adze_remote *remote)
{
  if (!remote)
    return;
  ADZE_AUTO_ERROR error = adze_remote_end (remote);
  if (error)
    adze_tell_end (remote->bus, remote->component, error, true);
  adze_worker_stop (remote->worker);
  free (remote->component);
  free (remote->settings);
  free (remote);
}

/* ---- Tensors. */

static adze_error *
exchange (adze_remote *remote, const adze_tensor *input, adze_result *result)
{
  ADZE_AUTO_VALUE request = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO (adze_document) reply = { 0 };
  ADZE_AUTO_FREE void *compact = NULL;
  const void *data = NULL;
  adze_json_string (request, "do", "apply");
  remote->asked = false;
  ADZE_TRY (adze_wire_compact (input, &data, &compact));
  ADZE_TRY (adze_wire_describe (input, request));
  remote->asked = true;
  ADZE_TRY (adze_worker_send (remote->worker, request, remote->time_limit_ms));
  ADZE_TRY (adze_child_put (adze_worker_child (remote->worker), data, input->byte_size));
  ADZE_TRY (adze_worker_receive (remote->worker, &reply));
  const adze_value *output = adze_value_get (adze_value_get (reply.root, "ok"), "output");
  if (!output)
    return NULL;
  /* Bytes are on their way; one who does not take them has lost the thread. */
  remote->broken = true;
  if (adze_value_get (output, "codec"))
    return adze_error_new (ADZE_E_FORMAT, "the output is not of plain elements");
  ADZE_TRY (adze_wire_allocate (output, input->name, result));
  remote->broken = false;
  return adze_child_take (adze_worker_child (remote->worker), result->data,
                          result->tensor.byte_size);
}

adze_error *
adze_remote_apply (adze_remote *remote, const adze_tensor *input, adze_result *result)
{
  *result = (adze_result){ 0 };
  if (remote->broken)
    return adze_error_new (ADZE_E_CRASHED, "the process of '%s' has ended before",
                           remote->component);
  adze_error *error = exchange (remote, input, result);
  if (!error)
    return NULL;
  adze_result_cleanup (result);
  return explain (remote, "apply", error);
}

adze_error *
adze_remote_event (adze_remote *remote, const adze_event *event)
{
  if (remote->broken)
    return adze_error_new (ADZE_E_CRASHED, "the process of '%s' has ended before",
                           remote->component);
  ADZE_AUTO_VALUE request = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO (adze_document) reply = { 0 };
  adze_json_string (request, "do", "event");
  adze_event_to_value (event, request);
  if (adze_json_failed (request))
    return adze_error_memory ();
  adze_error *error = adze_worker_ask (remote->worker, request, remote->time_limit_ms, &reply);
  return error ? explain (remote, "event", error) : NULL;
}
