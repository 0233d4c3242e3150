/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/runtime.h: the registry: which plugins there are, what is known of them, which are loaded.
 *
 * runtime.c opens and closes it, scan.c fills it from the folders and the cache, activate.c loads
 * one plugin, info.c and listing.c show it to the outside.
 */
#ifndef ADZE_PLUGIN_RUNTIME_H
#define ADZE_PLUGIN_RUNTIME_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/digest.h"
#include "base/event.h"
#include "base/parallel.h"
#include "plugin/cache.h"
#include "plugin/foreign/foreign.h"
#include "plugin/host_table.h"
#include "plugin/load.h"
#include "plugin/places.h"
#include "plugin/signature.h"

typedef struct adze_plugin_record {
  char *path;          /* of the shared object, or of a foreign library's manifest */
  char *manifest_path; /* NULL: none beside it */
  adze_file_identity object;
  adze_file_identity manifest_file;
  adze_file_identity used;     /* that its code came from, here or in the workers of the newest
                                  instance; zeros: nobody has used it */
  adze_file_identity digested; /* the file when BUILD was made of it */
  char build[ADZE_DIGEST_TEXT]; /* adze_record_build; "": not asked for yet */
  const char *origin; /* of its folder */
  bool trusted;
  bool builtin;
  bool added;  /* named by itself, not found in a folder */
  bool probed; /* a worker has seen it load */
  adze_signature_state signature;
  bool known_unsigned; /* its manifest has no signature to be checked */
  adze_manifest *manifest; /* NULL: nothing could be learnt */
  adze_error *failure;     /* NULL: nothing known against it */

  /* When it is loaded; then it stays. */
  bool loaded;
  adze_opened opened;
  adze_foreign *library;
  char **libraries; /* of a foreign one: what a worker that bound it found */
  size_t library_count;
  adze_file_identity *library_files; /* as they were when they were first asked for */
  size_t library_file_count;
  adze_desk *desk;            /* for init and deinit */
  pthread_mutex_t plugin_lock; /* ADZE_THREADS_PLUGIN */

  struct adze_record_info *info; /* what adze/host.h shows of it; info.c */
} adze_plugin_record;

/* Something that watches, and must end before the plugins do. stage/observer.c. */
typedef struct adze_runtime_closer {
  void (*close) (void *thing);
  void *thing;
  struct adze_runtime_closer *next;
} adze_runtime_closer;

struct adze_runtime {
  pthread_mutex_t lock; /* recursive: one public call may use another */
  adze_places places;
  adze_cache *cache;
  adze_event_bus *bus;
  adze_pool *pool;
  uint64_t seed;
  const adze_profile *profile;
  bool is_worker; /* probing in a worker would only start another */
  bool scanned;
  atomic_bool cancel; /* somebody asked the run in progress to stop */
  adze_plugin_record **records;
  size_t record_count;
  const adze_plugin_info **plugin_list;
  const adze_component_info **component_list;
  adze_runtime_closer *closers; /* newest first */
};

/* Public functions take the lock with ADZE_LOCKED (runtime); it is given back at the end of the
 * scope. */
static inline void
adze_unlock_cleanup (pthread_mutex_t **lock)
{
  pthread_mutex_unlock (*lock);
}
static inline pthread_mutex_t *
adze_lock (pthread_mutex_t *lock)
{
  pthread_mutex_lock (lock);
  return lock;
}
#define ADZE_LOCKED(runtime) \
  __attribute__ ((cleanup (adze_unlock_cleanup), unused)) pthread_mutex_t *locked_ \
      = adze_lock (&(runtime)->lock)

/* What went wrong while SOURCE, a component or a plugin, was ended, as the event "instance.failed".
 * UNHEARD: the error is handed to nobody, so the log has it too. BUS may be NULL. */
void adze_tell_end (adze_event_bus *bus, const char *source, const adze_error *error,
                    bool unheard);

/* Ends what watches and calls deinit of every plugin, which adze_runtime_close does otherwise. The
 * first failure; the others are told. Nothing but closing may follow. */
ADZE_MUST_CHECK adze_error *adze_runtime_end (adze_runtime *runtime);

/* A worker's runtime: no folders, no configuration, no cache. */
ADZE_MUST_CHECK adze_error *adze_runtime_open_worker (const adze_profile *profile, uint64_t seed,
                                                      adze_runtime **runtime);

/* Before anything of a plugin is open: all hold on to the threads that there are then. */
ADZE_MUST_CHECK adze_error *adze_runtime_set_threads (adze_runtime *runtime, unsigned threads);

/* scan.c: looks at the folders, once or again. Records that are loaded stay what they are. */
ADZE_MUST_CHECK adze_error *adze_scan (adze_runtime *runtime);
ADZE_MUST_CHECK adze_error *adze_scan_once (adze_runtime *runtime);
/* One more plugin by its path. */
ADZE_MUST_CHECK adze_error *adze_scan_file (adze_runtime *runtime, const char *path,
                                            adze_plugin_record **record);
/* Calls deinit, and says what it broke or kept. */
ADZE_MUST_CHECK adze_error *adze_record_end (adze_plugin_record *record);
void adze_record_free (adze_plugin_record *record);
/* May code of the file at PATH run at all, be it in a worker? Asked by tools that try any file. */
ADZE_MUST_CHECK adze_error *adze_admit (adze_runtime *runtime, const char *path);

/* listing.c: the usable component of this id, or an error that says where was searched, what was
 * probably meant, or why its plugin cannot be used. */
ADZE_MUST_CHECK adze_error *adze_find_component (adze_runtime *runtime, const char *id,
                                                 adze_plugin_record **record,
                                                 const adze_manifest_component **component);

/* activate.c: loads RECORD, with all checks that come before. */
ADZE_MUST_CHECK adze_error *adze_activate (adze_runtime *runtime, adze_plugin_record *record);
/* The callbacks of a component of a loaded plugin; *OWN is what its desk needs to own. */
ADZE_MUST_CHECK adze_error *adze_active_callbacks (adze_plugin_record *record, const char *id,
                                                   const adze_callbacks **callbacks, void **own);
/* Workers are about to load what is at its path, which *FILE tells from what may be there later. */
void adze_record_use (adze_plugin_record *record, adze_file_identity *file);
/* What tells one build of RECORD from another: the digest of the file that is in use, or, linked in, our
 * version. Fails where that file was replaced before anybody had asked. */
ADZE_MUST_CHECK adze_error *adze_record_build (adze_plugin_record *record,
                                               char text[ADZE_DIGEST_TEXT]);
/* The file of a library that functions of a foreign RECORD lie in, by number; *PATH NULL behind the last
 * one, and for every other plugin. Where it is not loaded in this process, a worker binds it. */
ADZE_MUST_CHECK adze_error *adze_record_library (adze_runtime *runtime, adze_plugin_record *record,
                                                 size_t number, const char **path);
ADZE_MUST_CHECK adze_error *adze_check_digest (const adze_plugin_record *record);
/* The checks that precede a load: digest, and the probe. What a host that only wants to run the
 * plugin elsewhere does too. */
ADZE_MUST_CHECK adze_error *adze_verify (adze_runtime *runtime, adze_plugin_record *record);

/* The cache's key of a record, and what to keep of it. */
adze_cache_key adze_record_key (const adze_plugin_record *record);
void adze_record_remember (adze_runtime *runtime, const adze_plugin_record *record,
                           const char *tested_library);
const adze_value *adze_record_facts (adze_runtime *runtime, const adze_plugin_record *record);

/* info.c */
ADZE_MUST_CHECK adze_error *adze_record_describe (adze_plugin_record *record);
const adze_plugin_info *adze_record_plugin_info (const adze_plugin_record *record);
const adze_component_info *adze_record_component_info (const adze_plugin_record *record,
                                                       size_t index);
void adze_record_info_free (struct adze_record_info *info);

#endif
