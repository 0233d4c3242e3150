/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing a runtime, and the small questions about it. */
#include "plugin/runtime.h"

#include <string.h>

/* What the caller was compiled with, over zeros: it may be older than this library. */
static adze_error *
copy_options (const adze_runtime_options *given, adze_runtime_options *own)
{
  *own = (adze_runtime_options){ .struct_size = sizeof *own };
  if (!given)
    return NULL;
  if (given->struct_size < sizeof given->struct_size
      || given->struct_size > ADZE_STRUCT_SIZE_MAX)
    return adze_error_new (ADZE_E_PARAM,
                           "adze_runtime_options.struct_size is %zu; begin with "
                           "ADZE_RUNTIME_OPTIONS_INIT",
                           given->struct_size);
  memcpy (own, given, given->struct_size < sizeof *own ? given->struct_size : sizeof *own);
  return NULL;
}

static void
init_lock (pthread_mutex_t *lock)
{
  pthread_mutexattr_t recursive;
  pthread_mutexattr_init (&recursive);
  pthread_mutexattr_settype (&recursive, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init (lock, &recursive);
  pthread_mutexattr_destroy (&recursive);
}

static adze_error *
open_parts (adze_runtime *runtime, const adze_runtime_options *options)
{
  ADZE_TRY (adze_event_bus_open (&runtime->bus));
  ADZE_TRY (adze_pool_open (options->threads, &runtime->pool));
  return adze_cache_open (runtime->places.cache, &runtime->cache);
}

static adze_error *
new_runtime (const adze_profile *profile, uint64_t seed, adze_runtime **runtime)
{
  *runtime = calloc (1, sizeof **runtime);
  if (!*runtime)
    return adze_error_memory ();
  init_lock (&(*runtime)->lock);
  (*runtime)->profile = profile;
  (*runtime)->seed = seed;
  return NULL;
}

adze_error *
adze_runtime_open (const adze_runtime_options *given, adze_runtime **runtime)
{
  adze_runtime_options options;
  adze_runtime *fresh = NULL;
  *runtime = NULL;
  ADZE_TRY (copy_options (given, &options));
  ADZE_TRY (new_runtime (&adze_profile_everyday, options.seed, &fresh));
  adze_error *error = adze_places_find (&options, &fresh->places);
  if (!error)
    error = open_parts (fresh, &options);
  if (error) {
    adze_runtime_close (fresh);
    return error;
  }
  *runtime = fresh;
  return NULL;
}

adze_error *
adze_runtime_open_worker (const adze_profile *profile, uint64_t seed, adze_runtime **runtime)
{
  const adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  adze_runtime *fresh = NULL;
  ADZE_TRY (new_runtime (profile, seed, &fresh));
  fresh->is_worker = true;
  fresh->scanned = true;
  adze_error *error = open_parts (fresh, &options);
  if (error) {
    adze_runtime_close (fresh);
    return error;
  }
  *runtime = fresh;
  return NULL;
}

adze_error *
adze_runtime_set_threads (adze_runtime *runtime, unsigned threads)
{
  adze_pool *pool = NULL;
  if (threads == adze_pool_threads (runtime->pool))
    return NULL;
  ADZE_TRY (adze_pool_open (threads, &pool));
  adze_pool_close (runtime->pool);
  runtime->pool = pool;
  return NULL;
}

void
adze_tell_end (adze_event_bus *bus, const char *source, const adze_error *error, bool unheard)
{
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  const char *reason = text ? text : adze_error_message (error);
  const adze_field fields[] = {
    ADZE_FIELD_TEXT ("component", source),
    ADZE_FIELD_TEXT ("reason", reason),
  };
  if (!bus)
    return;
  adze_event_bus_emit (bus, source, "instance.failed", fields, ADZE_COUNT_OF (fields));
  if (unheard)
    adze_event_bus_log (bus, source, ADZE_LOG_WARNING, "it did not end as it should: %s", reason);
}

static adze_error *
end_plugins (adze_runtime *runtime)
{
  adze_error *first = NULL;
  for (size_t i = 0; i < runtime->record_count; i++) {
    adze_plugin_record *record = runtime->records[i];
    adze_error *error = adze_record_end (record);
    if (error && first) {
      adze_tell_end (runtime->bus, record->manifest->id, error, true);
      adze_error_free (error);
    } else if (error) {
      first = adze_error_wrap (error, "the plugin '%s' did not end as it should",
                               record->manifest->id);
      adze_error_set (first, "component", record->manifest->id);
    }
  }
  return first;
}

adze_error *
adze_runtime_end (adze_runtime *runtime)
{
  while (runtime->closers) {
    adze_runtime_closer *closer = runtime->closers;
    runtime->closers = closer->next;
    closer->close (closer->thing);
    free (closer);
  }
  return end_plugins (runtime);
}

void
adze_runtime_close (adze_runtime *runtime)
{
  if (!runtime)
    return;
  ADZE_AUTO_ERROR error = adze_runtime_end (runtime);
  if (error) {
    const char *plugin = adze_error_fact (error, "component");
    adze_tell_end (runtime->bus, plugin ? plugin : "", error, true);
  }
  for (size_t i = 0; i < runtime->record_count; i++)
    adze_record_free (runtime->records[i]);
  free (runtime->records);
  free (runtime->plugin_list);
  free (runtime->component_list);
  adze_cache_free (runtime->cache);
  if (runtime->bus)
    adze_event_bus_close (runtime->bus);
  if (runtime->pool)
    adze_pool_close (runtime->pool);
  adze_places_cleanup (&runtime->places);
  pthread_mutex_destroy (&runtime->lock);
  free (runtime);
}

/* A cache that cannot be written costs time elsewhere. Who wants the old answers forgotten has to
 * know that they are still in the file, and that the next program will go by them. */
static void
warn_unless_saved (adze_runtime *runtime)
{
  ADZE_AUTO_ERROR error = adze_cache_save (runtime->cache); /* again, if the scan's was in vain */
  if (error)
    adze_event_bus_log (runtime->bus, NULL, ADZE_LOG_WARNING,
                        "what was learnt about the plugins cannot be kept, and what was kept "
                        "before still counts: %s",
                        adze_error_message (error));
}

adze_error *
adze_runtime_refresh (adze_runtime *runtime, bool forget)
{
  ADZE_LOCKED (runtime);
  if (forget)
    adze_cache_forget (runtime->cache);
  ADZE_TRY (adze_scan (runtime));
  if (forget)
    warn_unless_saved (runtime);
  return NULL;
}

size_t
adze_folder_count (adze_runtime *runtime)
{
  return runtime->places.folder_count;
}

const char *
adze_folder_path (adze_runtime *runtime, size_t index)
{
  return index < runtime->places.folder_count ? runtime->places.folders[index].path : NULL;
}

bool
adze_folder_trusted (adze_runtime *runtime, size_t index)
{
  return index < runtime->places.folder_count && runtime->places.folders[index].trusted;
}

const char *
adze_folder_origin (adze_runtime *runtime, size_t index)
{
  return index < runtime->places.folder_count ? runtime->places.folders[index].origin : NULL;
}

adze_error *
adze_listen (adze_runtime *runtime, adze_event_listener listener, void *argument)
{
  return adze_event_bus_subscribe (runtime->bus, listener, argument);
}

void
adze_unlisten (adze_runtime *runtime, adze_event_listener listener, void *argument)
{
  adze_event_bus_unsubscribe (runtime->bus, listener, argument);
}
