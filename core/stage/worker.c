/* SPDX-License-Identifier: Apache-2.0 */
/* A worker: one request at a time until the parent goes away.
 *
 *   probe      path                        -> the manifest that the file's descriptor gives
 *   self-test  path                        -> library: the file that was tested
 *   open       path, component, params, file -> an instance, the only one; facts of a technique
 *   event      an event                    -> for an observer
 *   close                                  -> destroy and deinit, told as progress
 *
 * What a technique answers to is written in worker_work.c. An observer's parameters come as they were
 * written ("settings"), and so may a technique's.
 */
#include "stage/worker.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/error_wire.h"
#include "base/event_wire.h"
#include "plugin/load.h"
#include "plugin/worker_client.h"
#include "stage/worker_private.h"

/* ---- Talking. */

adze_error *
adze_worker_send_value (adze_worker_state *state, const adze_value *message)
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
    adze_error_free (adze_worker_send_value (state, message));
  pthread_mutex_unlock (&state->lock);
}

void
adze_worker_tell (adze_worker_state *state, const char *progress)
{
  ADZE_AUTO_VALUE message = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (message, "progress", progress);
  pthread_mutex_lock (&state->lock);
  adze_error_free (adze_worker_send_value (state, message));
  pthread_mutex_unlock (&state->lock);
}

static void
on_progress (void *context, adze_step step)
{
  adze_worker_tell (context, adze_step_name (step));
}

void
adze_worker_set_answering (adze_worker_state *state, bool answering)
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
  adze_value *libraries = error ? NULL : adze_json_list (reply, "libraries");
  for (size_t i = 0; libraries && adze_foreign_library_at (foreign, i); i++)
    adze_json_string (libraries, NULL, adze_foreign_library_at (foreign, i));
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

/* By variant: as they were bound, or one set as it was written. */
static adze_error *
read_params (const adze_manifest_component *component, const adze_value *request,
             adze_params **params, size_t count)
{
  const adze_value *sets = adze_value_get (request, "params");
  const adze_value *settings = adze_value_get (request, "settings");
  const adze_value *folder = adze_value_get (request, "folder");
  char name[] = "<worker>";
  const adze_document document = { .path = name };
  if (settings && settings->type != ADZE_VALUE_TABLE)
    return adze_error_new (ADZE_E_FORMAT, "the settings are no table");
  if (!sets)
    return adze_params_bind (component, &document, settings, NULL,
                             folder && folder->type == ADZE_VALUE_STRING ? folder->string : NULL,
                             NULL, NULL, &params[0]);
  for (size_t i = 0; i < count; i++)
    ADZE_TRY (adze_wire_params_from (sets->items[i], &params[i]));
  return NULL;
}

static adze_error *
open_component (adze_worker_state *state, adze_plugin_record *record,
                const adze_manifest_component *component, const adze_value *request,
                adze_params **params, size_t count)
{
  ADZE_TRY (read_params (component, request, params, count));
  if (strcmp (component->kind, ADZE_OBSERVER) == 0)
    return adze_watcher_open (state->runtime, record, component, adze_take (&params[0]),
                              &state->watcher);
  if (strcmp (component->kind, ADZE_TECHNIQUE) != 0)
    return adze_error_new (ADZE_E_UNSUPPORTED, "a worker holds no %s", component->kind);
  const adze_value *stage = adze_value_get (request, "stage");
  const adze_local_options options = { .stage = stage && stage->string ? stage->string
                                                                       : component->id,
                                       .params = params,
                                       .variants = count,
                                       .seed = state->runtime->seed };
  return adze_local_open (state->runtime, record, component, &options, &state->local);
}

/* The host has looked at a file, and tells other workers of the same one. */
static adze_error *
check_file (const adze_plugin_record *record, const adze_value *request)
{
  const adze_value *wanted = adze_value_get (request, "file");
  char found[ADZE_IDENTITY_TEXT];
  if (!wanted || wanted->type != ADZE_VALUE_STRING)
    return NULL;
  adze_file_identity_text (&record->used, found);
  if (strcmp (wanted->string, found) == 0)
    return NULL;
  adze_error *error
      = adze_error_new (ADZE_E_IO, "the plugin %s changed while the run was under way", record->path);
  adze_error_set (error, "file", record->path);
  adze_error_set (error, "hint",
                  "run it again: some of it would be computed by one build and some by another, and is "
                  "not kept");
  return error;
}

/* Plugins of components that parameters name. They are taken into use here alone, whoever trusts them. */
adze_error *
adze_worker_load (adze_worker_state *state, const adze_value *list)
{
  for (size_t i = 0; list && list->type == ADZE_VALUE_LIST && i < list->count; i++) {
    const char *path;
    adze_plugin_record *record = NULL;
    ADZE_TRY (adze_worker_text (list->items[i], "path", &path));
    ADZE_TRY (adze_scan_file (state->runtime, path, &record));
    ADZE_TRY (adze_activate (state->runtime, record));
    ADZE_TRY (check_file (record, list->items[i]));
  }
  return NULL;
}

static adze_error *
open_instance (adze_worker_state *state, const adze_value *request)
{
  const char *path, *id;
  adze_plugin_record *record = NULL;
  const adze_manifest_component *component = NULL;
  ADZE_TRY (adze_worker_text (request, "path", &path));
  ADZE_TRY (adze_worker_text (request, "component", &id));
  const adze_value *sets = adze_value_get (request, "params");
  if (sets && (sets->type != ADZE_VALUE_LIST || sets->count == 0))
    return adze_error_new (ADZE_E_FORMAT, "the parameters are no list");
  if (adze_wire_truth (request, "builtin"))
    ADZE_TRY (adze_scan (state->runtime));
  else
    ADZE_TRY (adze_scan_file (state->runtime, path, &record));
  if (record) {
    ADZE_TRY (adze_activate (state->runtime, record));
    ADZE_TRY (check_file (record, request));
  }
  ADZE_TRY (adze_worker_load (state, adze_value_get (request, "beside")));
  ADZE_TRY (adze_find_component (state->runtime, id, &record, &component));
  ADZE_TRY (adze_activate (state->runtime, record));
  size_t count = sets ? sets->count : 1;
  adze_params **params = calloc (count, sizeof *params);
  if (!params)
    return adze_error_memory ();
  adze_error *error = open_component (state, record, component, request, params, count);
  for (size_t i = 0; i < count; i++)
    adze_params_free (params[i]);
  free (params);
  return error;
}

static adze_error *
do_open (adze_worker_state *state, const adze_value *request, adze_value *reply)
{
  if (state->runtime)
    return adze_error_new (ADZE_E_FORMAT, "this worker has an instance already");
  ADZE_TRY (limit_memory (integer_of (request, "memory-limit")));
  ADZE_TRY (adze_runtime_open_worker (&adze_profile_everyday,
                                      (uint64_t)integer_of (request, "seed"), &state->runtime));
  if (integer_of (request, "threads") > 0)
    ADZE_TRY (adze_runtime_set_threads (state->runtime, (unsigned)integer_of (request, "threads")));
  ADZE_TRY (adze_listen (state->runtime, on_event, state));
  ADZE_TRY (open_instance (state, request));
  if (state->local)
    adze_worker_facts (state->local, reply);
  return NULL;
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
  adze_worker_jobs_close (state);
  adze_error *error = state->local     ? adze_local_end (state->local)
                      : state->watcher ? adze_watcher_end (state->watcher)
                                       : NULL;
  adze_local_close (adze_take (&state->local));
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
  { "event", do_event }, { "close", do_close },         { NULL, NULL },
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
  adze_inbox_cleanup (&state->inbox);
  adze_worker_function function = find_verb (verbs, name);
  if (!function)
    function = find_verb (adze_worker_technique_verbs, name);
  if (!function)
    function = find_verb (state->more, name);
  if (!function)
    return adze_error_new (ADZE_E_FORMAT, "this worker does not know '%s'", name);
  return function (state, request, reply);
}

adze_error *
adze_worker_send_later (adze_worker_state *state, const void *data, size_t size)
{
  adze_outgoing *grown
      = reallocarray (state->outgoing, state->outgoing_count + 1, sizeof *state->outgoing);
  if (!grown)
    return adze_error_memory ();
  state->outgoing = grown;
  grown[state->outgoing_count++] = (adze_outgoing){ data, size };
  return NULL;
}

/* Bytes follow the message that announces them. */
static adze_error *
send_answer (adze_worker_state *state, adze_error *failure, const adze_value *message)
{
  ADZE_AUTO_VALUE refusal = NULL;
  if (failure) {
    refusal = adze_value_new (ADZE_VALUE_TABLE);
    adze_error_to_value (failure, refusal, "error");
    message = refusal;
  }
  adze_error *error = adze_worker_send_value (state, message);
  for (size_t i = 0; !error && !failure && i < state->outgoing_count; i++)
    error = adze_child_put (state->parent, state->outgoing[i].data, state->outgoing[i].size);
  free (adze_take (&state->outgoing));
  state->outgoing_count = 0;
  if (failure || !state->inbox.repeatable)
    adze_inbox_cleanup (&state->inbox);
  return error;
}

static adze_error *
serve_again (adze_worker_state *state, const char *first)
{
  ADZE_AUTO (adze_buffer) answer = { 0 };
  adze_worker_set_answering (state, true);
  ADZE_AUTO_ERROR failure = adze_worker_apply_again (state, first, &answer);
  adze_worker_set_answering (state, false);
  if (failure)
    return send_answer (state, failure, NULL);
  return adze_child_send (state->parent, answer.data, answer.size);
}

static adze_error *
serve_one (adze_worker_state *state)
{
  const size_t again = strlen (ADZE_WORKER_AGAIN);
  ADZE_AUTO (adze_buffer) text = { 0 };
  ADZE_AUTO (adze_document) request = { 0 };
  ADZE_TRY (adze_child_receive (state->parent, &text));
  if (text.size > again && memcmp (text.data, ADZE_WORKER_AGAIN, again) == 0)
    return serve_again (state, text.data + again);
  ADZE_AUTO_VALUE message = adze_value_new (ADZE_VALUE_TABLE);
  adze_value *reply = adze_json_table (message, "ok");
  ADZE_AUTO_ERROR failure
      = adze_json_parse ("<host>", text.data ? text.data : "", text.size, &request);
  adze_worker_set_answering (state, true);
  if (!failure)
    failure = answer (state, request.root, reply);
  if (!failure && adze_json_failed (message))
    failure = adze_error_memory ();
  adze_worker_set_answering (state, false);
  return send_answer (state, failure, message);
}

/* Copies of tensors that do not lie in the shared area come and go with each call, in any size. An allocator
 * that learns from that to keep large blocks keeps them beside each other, and the plan counts none of it. */
static void
give_large_blocks_back (void)
{
#if defined M_MMAP_THRESHOLD
  enum { LARGE = 1 << 20 };
  mallopt (M_MMAP_THRESHOLD, LARGE);
#endif
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
  give_large_blocks_back ();
  pthread_mutex_init (&state.lock, NULL);
  while (!error)
    error = serve_one (&state);
  /* The parent has gone, which is how a worker's life ends. */
  adze_error_free (error);
  adze_inbox_cleanup (&state.inbox);
  adze_worker_jobs_close (&state);
  adze_local_close (state.local);
  adze_watcher_close (state.watcher);
  adze_runtime_close (state.runtime);
  adze_child_close (state.parent);
  pthread_mutex_destroy (&state.lock);
  return 0;
}
