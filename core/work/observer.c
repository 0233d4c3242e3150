/* SPDX-License-Identifier: Apache-2.0 */
/* Observers: one in this process, and the ones that a runtime was told to have. */
#include "work/observer.h"

#include <string.h>

#include "base/toml.h"
#include "plugin/services.h"
#include "work/technique.h"

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

/* ---- Those of a runtime. */

typedef struct subscription {
  adze_runtime *runtime;
  char *id;
  adze_watcher *watcher; /* one of the two */
  adze_remote *remote;
  adze_error *failure; /* it gets no further events */
} subscription;

static void
on_event (void *argument, const adze_event *event)
{
  subscription *subscribed = argument;
  if (subscribed->failure)
    return;
  subscribed->failure = subscribed->watcher ? adze_watcher_event (subscribed->watcher, event)
                                            : adze_remote_event (subscribed->remote, event);
}

/* What an observer missed is not kept secret: whoever closes the runtime sees it in the log, and a
 * program that listens learns it as an event. */
static void
unsubscribe (void *thing)
{
  subscription *subscribed = thing;
  if (subscribed->runtime)
    adze_event_bus_unsubscribe (subscribed->runtime->bus, on_event, subscribed);
  if (subscribed->failure) {
    ADZE_AUTO_FREE char *text = adze_error_text (subscribed->failure);
    adze_event_bus_log (subscribed->runtime->bus, subscribed->id, ADZE_LOG_WARNING,
                        "the observer stopped watching: %s", text ? text : "out of memory");
    adze_tell_end (subscribed->runtime->bus, subscribed->id, subscribed->failure, false);
  }
  adze_watcher_close (subscribed->watcher);
  /* Its worker has no bus, or it would see its own events. */
  ADZE_AUTO_ERROR end = subscribed->remote ? adze_remote_end (subscribed->remote) : NULL;
  if (end && subscribed->runtime)
    adze_tell_end (subscribed->runtime->bus, subscribed->id, end, true);
  adze_remote_close (subscribed->remote);
  adze_error_free (subscribed->failure);
  free (subscribed->id);
  free (subscribed);
}

static adze_error *
open_watcher (adze_runtime *runtime, adze_plugin_record *record,
              const adze_manifest_component *component, const adze_document *document,
              subscription *subscribed)
{
  ADZE_AUTO_PARAMS params = NULL;
  ADZE_TRY (adze_params_bind (component, document, document->root, NULL, NULL, NULL, NULL,
                              &params));
  if (record->trusted || runtime->is_worker) {
    ADZE_TRY (adze_activate (runtime, record));
    return adze_watcher_open (runtime, record, component, adze_take (&params),
                              &subscribed->watcher);
  }
  /* An observer sees everything; one that nobody vouches for sees it from outside. */
  enum { EVENT_LIMIT_MS = 10000 };
  ADZE_TRY (adze_verify (runtime, record));
  adze_remote_options options = { .worker = runtime->places.worker,
                                  .seed = runtime->seed,
                                  .time_limit_ms = EVENT_LIMIT_MS };
  return adze_remote_open (&options, record, component, document->root, &subscribed->remote);
}

static adze_error *
subscribe (adze_runtime *runtime, subscription *subscribed)
{
  adze_runtime_closer *closer = calloc (1, sizeof *closer);
  if (!closer)
    return adze_error_memory ();
  adze_error *error = adze_event_bus_subscribe (runtime->bus, on_event, subscribed);
  if (error) {
    free (closer);
    return error;
  }
  subscribed->runtime = runtime;
  *closer = (adze_runtime_closer){ unsubscribe, subscribed, runtime->closers };
  runtime->closers = closer;
  return NULL;
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
adze_observe (adze_runtime *runtime, const char *id, const char *parameters)
{
  ADZE_LOCKED (runtime);
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_TRY (adze_find_component (runtime, id, &record, &component));
  ADZE_TRY (check_kind (component));
  ADZE_AUTO_FREE char *text = adze_text_format ("settings = { %s }", parameters ? parameters : "");
  if (!text)
    return adze_error_memory ();
  ADZE_TRY (adze_settings_error (
      adze_toml_parse ("<observer>", text, strlen (text), &document)));
  adze_value *settings = document.root->items[0];
  subscription *subscribed = calloc (1, sizeof *subscribed);
  if (!subscribed || !(subscribed->id = strdup (id))) {
    free (subscribed);
    return adze_error_memory ();
  }
  adze_document inner = { document.path, document.text, settings };
  adze_error *error = open_watcher (runtime, record, component, &inner, subscribed);
  if (!error)
    error = subscribe (runtime, subscribed);
  if (error)
    unsubscribe (subscribed);
  return error;
}
