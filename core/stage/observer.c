/* SPDX-License-Identifier: Apache-2.0 */
/* stage/observer.c: observers: one in this process, and watching with one, here or in a worker. */
#include "stage/observer.h"

#include <string.h>

#include "base/event_queue.h"
#include "base/toml.h"
#include "plugin/services.h"
#include "stage/remote.h"

struct adze_watcher {
  adze_observer callbacks;
  adze_desk *desk;
  adze_params *params;
  void *instance;
  bool created;
};

/* ---- Here. */

static adze_error *
create (adze_watcher *watcher)
{
  if (!watcher->callbacks.create) {
    watcher->created = true;
    return NULL;
  }
  adze_desk_frame frame;
  adze_desk_enter (watcher->desk, &frame);
  adze_status status = watcher->callbacks.create (adze_desk_table (watcher->desk),
                                                  watcher->params, &watcher->instance);
  watcher->created = status == ADZE_OK;
  return adze_desk_leave (&frame, "create", status);
}

adze_error *
adze_watcher_open (adze_runtime *runtime, adze_plugin_record *record,
                   const adze_manifest_component *component, adze_params *params,
                   adze_watcher **watcher)
{
  adze_watcher *fresh = calloc (1, sizeof *fresh);
  if (!fresh) {
    adze_params_free (params);
    return adze_error_memory ();
  }
  fresh->params = params;
  const adze_callbacks *callbacks = NULL;
  void *own = NULL;
  adze_error *error = adze_active_callbacks (record, component->id, &callbacks, &own);
  if (!error) {
    fresh->callbacks = callbacks->observer;
    adze_desk_options options = {
      .profile = runtime->profile,
      .bus = runtime->bus,
      .pool = runtime->pool,
      .services = adze_service_find,
      .source = component->id,
      .seed = runtime->seed,
      .own = own,
    };
    error = adze_desk_open (&options, &fresh->desk);
  }
  if (!error)
    error = create (fresh);
  if (error && fresh->desk && !fresh->created)
    error = adze_desk_after_create (fresh->desk, error);
  if (error) {
    adze_watcher_close (fresh);
    return error;
  }
  *watcher = fresh;
  return NULL;
}

adze_error *
adze_watcher_event (adze_watcher *watcher, const adze_event *event)
{
  adze_desk_frame frame;
  adze_desk_enter (watcher->desk, &frame);
  adze_status status = watcher->callbacks.event (adze_desk_table (watcher->desk),
                                                 watcher->instance, event);
  return adze_desk_leave (&frame, "event", status);
}

static void
destroy (adze_watcher *watcher)
{
  if (!watcher->callbacks.destroy)
    return;
  adze_desk_frame frame;
  adze_desk_enter (watcher->desk, &frame);
  watcher->callbacks.destroy (adze_desk_table (watcher->desk), watcher->instance);
  adze_desk_leave_void (&frame, "destroy");
}

adze_error *
adze_watcher_end (adze_watcher *watcher)
{
  if (!watcher->created)
    return NULL;
  watcher->created = false;
  destroy (watcher);
  return adze_desk_audit (watcher->desk);
}

adze_desk *
adze_watcher_desk (adze_watcher *watcher)
{
  return watcher->desk;
}

void
adze_watcher_close (adze_watcher *watcher)
{
  if (!watcher)
    return;
  ADZE_AUTO_ERROR error = adze_watcher_end (watcher);
  if (error)
    adze_tell_end (adze_desk_bus (watcher->desk), adze_desk_source (watcher->desk), error, true);
  adze_desk_close (watcher->desk);
  adze_params_free (watcher->params);
  free (watcher);
}

/* ---- Watching a runtime.
 *
 * An observer is called on the thread of its queue, so that what it watches does not wait for it,
 * be it for the disk or for the worker that it lives in. */

struct adze_observation {
  adze_runtime *runtime;
  char *id;
  adze_watcher *watcher; /* one of the two */
  adze_remote *remote;
  pthread_mutex_t *lock; /* held while it is called; NULL: none */
  adze_event_queue *queue;
};

static adze_error *
on_event (void *argument, const adze_event *event)
{
  adze_observation *observation = argument;
  if (observation->remote)
    return adze_remote_event (observation->remote, event);
  if (observation->lock)
    pthread_mutex_lock (observation->lock);
  adze_error *error = adze_watcher_event (observation->watcher, event);
  if (observation->lock)
    pthread_mutex_unlock (observation->lock);
  return error;
}

static void
tell_waits (const adze_observation *observation)
{
  uint64_t times = 0;
  int64_t waited_ns = 0;
  adze_event_queue_waits (observation->queue, &times, &waited_ns);
  if (times > 0)
    adze_event_bus_log (observation->runtime->bus, observation->id, ADZE_LOG_INFO,
                        "the observer was slower than the events: what it watches waited for it "
                        "%llu times, %lld ms altogether",
                        (unsigned long long)times, (long long)(waited_ns / 1000000));
}

uint64_t
adze_observation_peak (const adze_observation *observation)
{
  return observation->remote ? adze_remote_peak (observation->remote) : 0;
}

/* What an observer missed is not kept secret: whoever closes the runtime sees it in the log, and a
 * program that listens learns it as an event. */
static void
stop_watching (const adze_observation *observation)
{
  ADZE_AUTO_ERROR failure = adze_event_queue_end (observation->queue);
  tell_waits (observation);
  if (!failure)
    return;
  ADZE_AUTO_FREE char *text = adze_error_text (failure);
  adze_event_bus_log (observation->runtime->bus, observation->id, ADZE_LOG_WARNING,
                      "the observer stopped watching: %s", text ? text : "out of memory");
  adze_tell_end (observation->runtime->bus, observation->id, failure, false);
}

void
adze_observation_close (adze_observation *observation)
{
  if (!observation)
    return;
  if (observation->queue)
    stop_watching (observation);
  adze_event_queue_close (observation->queue);
  adze_watcher_close (observation->watcher);
  /* Its worker has no bus, or it would see its own events. */
  ADZE_AUTO_ERROR end = observation->remote ? adze_remote_end (observation->remote) : NULL;
  if (end)
    adze_tell_end (observation->runtime->bus, observation->id, end, true);
  adze_remote_close (observation->remote);
  free (observation->id);
  free (observation);
}

adze_error *
adze_observation_barrier (adze_observation *observation)
{
  adze_error *error = adze_event_queue_barrier (observation->queue);
  if (!error)
    return NULL;
  return adze_error_wrap (error, "the observer '%s' stopped watching", observation->id);
}

static adze_error *
open_watcher (adze_runtime *runtime, adze_plugin_record *record,
              const adze_manifest_component *component, const adze_document *document,
              const char *folder, adze_observation *observation)
{
  ADZE_AUTO_PARAMS params = NULL;
  ADZE_TRY (adze_params_bind (component, document, document->root, NULL, folder, NULL, NULL,
                              &params));
  if (record->trusted || runtime->is_worker) {
    ADZE_TRY (adze_activate (runtime, record));
    return adze_watcher_open (runtime, record, component, adze_take (&params),
                              &observation->watcher);
  }
  /* An observer sees everything; one that nobody vouches for sees it from outside. */
  enum { EVENT_LIMIT_MS = 10000 };
  ADZE_TRY (adze_verify (runtime, record));
  adze_remote_options options = { .worker = runtime->places.worker,
                                  .path = record->path,
                                  .builtin = record->builtin,
                                  .component = component->id,
                                  .settings = document->root,
                                  .folder = folder,
                                  .seed = runtime->seed,
                                  .time_limit_ms = EVENT_LIMIT_MS };
  return adze_remote_open (&options, &observation->remote);
}

/* A plugin that wants one callback at a time gets that, in its techniques and here. They may emit
 * while the lock is held for them, so they must not have to wait for this queue. */
static adze_error *
open_queue (adze_observation *observation, adze_plugin_record *record,
            const adze_manifest_component *component)
{
  bool one_at_a_time = observation->watcher && component->threading == ADZE_THREADS_PLUGIN;
  observation->lock = one_at_a_time ? &record->plugin_lock : NULL;
  return adze_event_queue_open (observation->runtime->bus,
                                one_at_a_time ? SIZE_MAX : ADZE_EVENT_QUEUE_MOST, on_event,
                                observation, &observation->queue);
}

static adze_error *
check_kind (const adze_manifest_component *component)
{
  if (strcmp (component->kind, ADZE_OBSERVER) == 0)
    return NULL;
  return adze_error_new (ADZE_E_PARAM,
                         "'%s' is of kind %s and cannot watch; `adze list observer` shows what can",
                         component->id, component->kind);
}

adze_error *
adze_observation_open (adze_runtime *runtime, const char *id, const adze_document *document,
                       const char *folder, adze_observation **observation)
{
  ADZE_LOCKED (runtime);
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_TRY (adze_find_component (runtime, id, &record, &component));
  ADZE_TRY (check_kind (component));
  adze_observation *made = calloc (1, sizeof *made);
  if (!made || !(made->id = strdup (id))) {
    free (made);
    return adze_error_memory ();
  }
  made->runtime = runtime;
  adze_error *error = open_watcher (runtime, record, component, document, folder, made);
  if (!error)
    error = open_queue (made, record, component);
  if (error) {
    adze_observation_close (made);
    return error;
  }
  *observation = made;
  return NULL;
}

/* ---- For as long as the runtime lasts. */

static void
close_thing (void *thing)
{
  adze_observation_close (thing);
}

adze_error *
adze_observe (adze_runtime *runtime, const char *id, const char *parameters)
{
  ADZE_LOCKED (runtime);
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_FREE char *text = adze_text_format ("settings = { %s }", parameters ? parameters : "");
  ADZE_AUTO_FREE adze_runtime_closer *closer = calloc (1, sizeof *closer);
  adze_observation *observation = NULL;
  if (!text || !closer)
    return adze_error_memory ();
  ADZE_TRY (adze_settings_error (
      adze_toml_parse ("<observer>", text, strlen (text), &document)));
  adze_document inner = { document.path, document.text, document.root->items[0] };
  ADZE_TRY (adze_observation_open (runtime, id, &inner, NULL, &observation));
  *closer = (adze_runtime_closer){ close_thing, observation, runtime->closers };
  runtime->closers = adze_take (&closer);
  return NULL;
}
