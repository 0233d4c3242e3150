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

void
adze_runtime_close (adze_runtime *runtime)
{
  if (!runtime)
    return;
  while (runtime->closers) {
    adze_runtime_closer *closer = runtime->closers;
    runtime->closers = closer->next;
    closer->close (closer->thing);
    free (closer);
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

adze_error *
adze_runtime_refresh (adze_runtime *runtime, bool forget)
{
  ADZE_LOCKED (runtime);
  if (forget)
    adze_cache_forget (runtime->cache);
  return adze_scan (runtime);
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
