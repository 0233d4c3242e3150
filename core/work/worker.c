/* SPDX-License-Identifier: Apache-2.0 */
/* A worker: one request at a time until the parent goes away.
 *
 *   probe      path                        -> the manifest that the file's descriptor gives
 *   self-test  path                        -> library: the file that was tested
 *   open       path, component, settings   -> an instance, the only one
 *   apply      a tensor, then its bytes    -> output: a tensor, then its bytes
 *   event      an event                    -> for an observer
 *   close                                  -> destroy and deinit, told as progress
 */
#include "work/worker.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/error_wire.h"
#include "base/event_wire.h"
#include "plugin/load.h"
#include "work/feed.h"
#include "work/observer.h"
#include "work/wire.h"

struct adze_worker_state {
  adze_child *parent;
  const adze_worker_verb *more;
  /* The plugin's own threads may emit at any time, and must not cut a message of ours in two, nor
   * speak while nobody listens. */
  pthread_mutex_t lock;
  bool answering;
  adze_runtime *runtime;
  adze_instance *local; /* one of the two */
  adze_watcher *watcher;
  adze_result output; /* whose bytes follow the reply */
};

/* ---- Talking. */

static adze_error *
send_value (adze_worker_state *state, const adze_value *message)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  if (adze_json_failed (message))
    return adze_error_memory ();
  adze_json_write (message, 0, &text);
  if (text.failed)
    return adze_error_memory ();
  return adze_child_send (state->parent, text.data, text.size);
}

static void
on_event (void *argument, const adze_event *event)
{
  adze_worker_state *state = argument;
  ADZE_AUTO_VALUE message = adze_value_new (ADZE_VALUE_TABLE);
  adze_event_to_value (event, adze_json_table (message, "event"));
  pthread_mutex_lock (&state->lock);
  if (state->answering)
    adze_error_free (send_value (state, message));
  pthread_mutex_unlock (&state->lock);
}

void
adze_worker_tell (adze_worker_state *state, const char *progress)
{
  ADZE_AUTO_VALUE message = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (message, "progress", progress);
  pthread_mutex_lock (&state->lock);
  adze_error_free (send_value (state, message));
  pthread_mutex_unlock (&state->lock);
}

static void
on_progress (void *context, adze_step step)
{
  adze_worker_tell (context, adze_step_name (step));
}

static void
set_answering (adze_worker_state *state, bool answering)
{
  pthread_mutex_lock (&state->lock);
  state->answering = answering;
  pthread_mutex_unlock (&state->lock);
}

adze_error *
adze_worker_text (const adze_value *request, const char *key, const char **text)
{
  const adze_value *value = adze_value_get (request, key);
  *text = NULL;
  if (!value || value->type != ADZE_VALUE_STRING)
    return adze_error_new (ADZE_E_FORMAT, "the request lacks the text '%s'", key);
  *text = value->string;
  return NULL;
}

static int64_t
integer_of (const adze_value *request, const char *key)
{
  const adze_value *value = adze_value_get (request, key);
  return value && value->type == ADZE_VALUE_INT ? value->integer : 0;
}

/* ---- Verbs. */

/* The caller's table becomes a copy of what a manifest says. */
static adze_error *
reply_manifest (const adze_manifest *manifest, adze_value *reply)
{
  ADZE_AUTO_VALUE value = adze_manifest_value (manifest);
  if (!value)
    return adze_error_memory ();
  for (size_t i = 0; i < value->count; i++) {
    adze_value *item = value->items[i];
    ADZE_AUTO_FREE char *key = item->key;
    item->key = NULL;
    value->items[i] = NULL;
    ADZE_TRY (key ? adze_value_append (reply, key, item) : adze_error_memory ());
  }
  value->count = 0;
  return NULL;
}

static adze_error *
do_probe (adze_worker_state *state, const adze_value *request, adze_value *reply)
{
  const char *path;
  adze_opened opened = { 0 };
  ADZE_TRY (adze_worker_text (request, "path", &path));
  adze_error *error
      = adze_load (path, false, &adze_profile_everyday, on_progress, state, &opened);
  if (!error)
    error = reply_manifest (opened.manifest, reply);
  adze_opened_cleanup (&opened);
  return error;
}

static adze_error *
do_self_test (adze_worker_state *state, const adze_value *request, adze_value *reply)
{
  const char *path;
  ADZE_AUTO_MANIFEST manifest = NULL;
  adze_foreign *foreign = NULL;
  ADZE_TRY (adze_worker_text (request, "path", &path));
  on_progress (state, ADZE_STEP_LIBRARY);
  ADZE_TRY (adze_manifest_read (path, &manifest));
  ADZE_TRY (adze_foreign_bind (manifest, path, &foreign));
  on_progress (state, ADZE_STEP_SELF_TEST);
  adze_error *error = adze_foreign_self_test (foreign);
  if (!error)
    adze_json_string (reply, "library", adze_foreign_library_path (foreign));
  adze_foreign_free (foreign);
  return error;
}

/* Before anything of the plugin is in the process. */
static adze_error *
limit_memory (int64_t bytes)
{
  if (bytes <= 0)
    return NULL;
  struct rlimit limit = { (rlim_t)bytes, (rlim_t)bytes };
  if (setrlimit (RLIMIT_AS, &limit) != 0)
    return adze_error_errno ("the memory limit of %lld bytes cannot be set", (long long)bytes);
  return NULL;
}

static adze_error *
open_instance (adze_worker_state *state, const adze_value *request)
{
  const char *path, *id;
  adze_plugin_record *record = NULL;
  const adze_manifest_component *component = NULL;
  ADZE_AUTO_PARAMS params = NULL;
  ADZE_TRY (adze_worker_text (request, "path", &path));
  ADZE_TRY (adze_worker_text (request, "component", &id));
  const adze_value *settings = adze_value_get (request, "settings");
  if (settings && settings->type != ADZE_VALUE_TABLE)
    return adze_error_new (ADZE_E_FORMAT, "the settings are no table");
  const adze_value *builtin = adze_value_get (request, "builtin");
  if (builtin && builtin->boolean)
    ADZE_TRY (adze_scan (state->runtime));
  else
    ADZE_TRY (adze_scan_file (state->runtime, path, &record));
  if (record)
    ADZE_TRY (adze_activate (state->runtime, record));
  ADZE_TRY (adze_find_component (state->runtime, id, &record, &component));
  ADZE_TRY (adze_activate (state->runtime, record));
  char name[] = "<worker>";
  const adze_document document = { .path = name };
  ADZE_TRY (adze_params_bind (component, &document, settings, NULL, NULL, NULL, NULL, &params));
  if (strcmp (component->kind, ADZE_OBSERVER) == 0)
    return adze_watcher_open (state->runtime, record, component, adze_take (&params),
                              &state->watcher);
  const adze_value *const sets[] = { settings };
  const adze_instance_options options = { .component = id,
                                          .settings = sets,
                                          .variants = 1,
                                          .seed = state->runtime->seed,
                                          .isolate = -1 };
  return adze_instance_open (state->runtime, &options, &state->local);
}

static adze_error *
do_open (adze_worker_state *state, const adze_value *request, adze_value *reply)
{
  (void)reply;
  if (state->runtime)
    return adze_error_new (ADZE_E_FORMAT, "this worker has an instance already");
  ADZE_TRY (limit_memory (integer_of (request, "memory-limit")));
  ADZE_TRY (adze_runtime_open_worker (&adze_profile_everyday,
                                      (uint64_t)integer_of (request, "seed"), &state->runtime));
  ADZE_TRY (adze_listen (state->runtime, on_event, state));
  return open_instance (state, request);
}

/* The bytes follow whether there is room for them or not. */
static adze_error *
take_input (adze_worker_state *state, const adze_value *request, const char *name,
            adze_result *input)
{
  adze_error *error = adze_wire_allocate (request, name, input);
  if (!error)
    return adze_child_take (state->parent, input->data, input->tensor.byte_size);
  int64_t bytes = integer_of (request, "bytes");
  if (bytes > 0)
    adze_error_free (adze_child_take (state->parent, NULL, (size_t)bytes));
  return error;
}

static adze_error *
feed_one (adze_worker_state *state, const adze_tensor *input)
{
  const adze_feed_options options = { 0 };
  adze_fed fed;
  ADZE_TRY (adze_feed (state->local, 1, &input, 1, &options, &fed));
  adze_error *error = NULL;
  if (fed.count == 1 && fed.outputs[0].given) {
    const adze_tensor *tensor = &fed.outputs[0].tensor;
    error = adze_result_allocate (&state->output, "", tensor->view.dtype, tensor->view.rank,
                                  tensor->view.shape);
    if (!error)
      memcpy (state->output.data, tensor->view.data, tensor->byte_size);
  }
  adze_fed_cleanup (&fed);
  return error;
}

static adze_error *
do_apply (adze_worker_state *state, const adze_value *request, adze_value *reply)
{
  adze_result input = { 0 };
  const char *name;
  if (!state->local)
    return adze_error_new (ADZE_E_FORMAT, "this worker has no technique");
  ADZE_TRY (adze_worker_text (request, "name", &name));
  set_answering (state, false);
  adze_error *error = take_input (state, request, name, &input);
  set_answering (state, true);
  if (!error)
    error = feed_one (state, &input.tensor);
  if (!error && state->output.given)
    error = adze_wire_describe (&state->output.tensor, adze_json_table (reply, "output"));
  adze_result_cleanup (&input);
  return error;
}

static adze_error *
do_event (adze_worker_state *state, const adze_value *request, adze_value *reply)
{
  (void)reply;
  adze_event event;
  ADZE_AUTO_FREE adze_field *fields = NULL;
  if (!state->watcher)
    return adze_error_new (ADZE_E_FORMAT, "this worker has no observer");
  ADZE_TRY (adze_event_from_value (request, &event, &fields));
  return adze_watcher_event (state->watcher, &event);
}

static adze_error *
do_close (adze_worker_state *state, const adze_value *request, adze_value *reply)
{
  (void)request;
  (void)reply;
  if (!state->runtime)
    return NULL;
  adze_worker_tell (state, "destroy");
  adze_error *error = state->local     ? adze_instance_end (state->local)
                      : state->watcher ? adze_watcher_end (state->watcher)
                                       : NULL;
  adze_instance_close (adze_take (&state->local));
  adze_watcher_close (adze_take (&state->watcher));
  adze_worker_tell (state, "deinit");
  /* Of two failures the second is told on the bus, whose events go to the host. */
  if (!error)
    error = adze_runtime_end (state->runtime);
  adze_runtime_close (adze_take (&state->runtime));
  return error;
}

static const adze_worker_verb verbs[] = {
  { "probe", do_probe }, { "self-test", do_self_test }, { "open", do_open },
  { "apply", do_apply }, { "event", do_event },         { "close", do_close },
  { NULL, NULL },
};

/* ---- Serving. */

static adze_worker_function
find_verb (const adze_worker_verb *table, const char *name)
{
  for (; table && table->name; table++)
    if (strcmp (table->name, name) == 0)
      return table->function;
  return NULL;
}

static adze_error *
answer (adze_worker_state *state, const adze_value *request, adze_value *reply)
{
  const char *name;
  ADZE_TRY (adze_worker_text (request, "do", &name));
  adze_worker_function function = find_verb (verbs, name);
  if (!function)
    function = find_verb (state->more, name);
  if (!function)
    return adze_error_new (ADZE_E_FORMAT, "this worker does not know '%s'", name);
  return function (state, request, reply);
}

/* The bytes of an output follow the message that announces them. */
static adze_error *
send_answer (adze_worker_state *state, adze_error *failure, const adze_value *message)
{
  ADZE_AUTO_VALUE refusal = NULL;
  if (failure) {
    refusal = adze_value_new (ADZE_VALUE_TABLE);
    adze_error_to_value (failure, refusal, "error");
    message = refusal;
  }
  adze_error *error = send_value (state, message);
  if (!error && !failure && state->output.given)
    error = adze_child_put (state->parent, state->output.data, state->output.tensor.byte_size);
  adze_result_cleanup (&state->output);
  return error;
}

static adze_error *
serve_one (adze_worker_state *state)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  ADZE_AUTO (adze_document) request = { 0 };
  ADZE_AUTO_VALUE message = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_TRY (adze_child_receive (state->parent, &text));
  adze_value *reply = adze_json_table (message, "ok");
  ADZE_AUTO_ERROR failure
      = adze_json_parse ("<host>", text.data ? text.data : "", text.size, &request);
  set_answering (state, true);
  if (!failure)
    failure = answer (state, request.root, reply);
  if (!failure && adze_json_failed (message))
    failure = adze_error_memory ();
  set_answering (state, false);
  return send_answer (state, failure, message);
}

int
adze_worker_serve (const adze_worker_verb *more)
{
  adze_worker_state state = { .more = more };
  adze_error *error = adze_child_attach (&state.parent);
  if (error) {
    ADZE_AUTO_FREE char *text = adze_error_text (error);
    fprintf (stderr, "adze-worker: %s", text ? text : "out of memory\n");
    adze_error_free (error);
    return 2;
  }
  pthread_mutex_init (&state.lock, NULL);
  while (!error)
    error = serve_one (&state);
  /* The parent has gone, which is how a worker's life ends. */
  adze_error_free (error);
  adze_instance_close (state.local);
  adze_watcher_close (state.watcher);
  adze_runtime_close (state.runtime);
  adze_child_close (state.parent);
  pthread_mutex_destroy (&state.lock);
  return 0;
}
