/* SPDX-License-Identifier: Apache-2.0 */
/* Loading one plugin into this process, once it is known that it may be. */
#include "plugin/runtime.h"

#include <stdio.h>
#include <string.h>

#include "plugin/probe.h"
#include "plugin/services.h"

/* ---- What its manifest says of it. */

adze_error *
adze_check_digest (const adze_plugin_record *record)
{
  const char *stamped = record->manifest ? record->manifest->digest : NULL;
  if (!stamped && record->signature != ADZE_SIGNATURE_NONE)
    return adze_refusal_facts (
        adze_refusal (ADZE_E_TRUST, ADZE_STEP_DIGEST, record->path,
                      "its manifest is signed and has no digest: the signature says nothing about "
                      "this file"),
        "a digest in the signed manifest", "none", "stamp it again: adze plugin stamp --key");
  if (!stamped || record->manifest->foreign)
    return NULL;
  char found[ADZE_DIGEST_TEXT];
  ADZE_TRY (adze_digest_file (record->path, found));
  if (strcmp (stamped, found) == 0)
    return NULL;
  return adze_refusal_facts (
      adze_refusal (ADZE_E_TRUST, ADZE_STEP_DIGEST, record->path,
                    "the file is not the one that its manifest was stamped for"),
      stamped, found,
      "install the plugin again; if you changed the file yourself, run `adze plugin stamp` on it");
}

/* ---- Which file, and which build. */

/* The file that PATH was when it was taken into use is gone; what it was nobody can find out. */
static adze_error *
replaced (const char *what, const char *path)
{
  adze_error *error = adze_error_new (ADZE_E_IO, "%s %s was replaced after it was loaded", what, path);
  adze_error_set (error, "file", path);
  adze_error_set (error, "hint",
                  "run it again: nobody can tell any more which build has computed, so nothing of it "
                  "is kept");
  return error;
}

/* Of a foreign plugin, what its manifest said when that was read; nothing else of it is used. */
static adze_file_identity
file_to_load (const adze_plugin_record *record)
{
  return record->manifest && record->manifest->foreign ? record->object
                                                       : adze_file_identity_at (record->path);
}

void
adze_record_use (adze_plugin_record *record, adze_file_identity *file)
{
  *file = record->builtin ? (adze_file_identity){ 0 } : file_to_load (record);
  if (!record->loaded)
    record->used = *file;
}

static bool
is_used (const adze_plugin_record *record)
{
  return record->used.inode != 0;
}

static adze_error *
digest_record (adze_plugin_record *record, const adze_file_identity *wanted)
{
  adze_file_identity before = adze_file_identity_at (record->path);
  if (is_used (record) && !adze_file_identity_equal (&before, wanted))
    return replaced ("the plugin", record->path);
  record->build[0] = '\0';
  ADZE_TRY (adze_digest_file (record->path, record->build));
  adze_file_identity after = adze_file_identity_at (record->path);
  if (!is_used (record) || adze_file_identity_equal (&after, wanted))
    return NULL;
  record->build[0] = '\0';
  return replaced ("the plugin", record->path);
}

adze_error *
adze_record_build (adze_plugin_record *record, char text[ADZE_DIGEST_TEXT])
{
  adze_file_identity file = record->builtin    ? (adze_file_identity){ 0 }
                            : is_used (record) ? record->used
                                               : adze_file_identity_at (record->path);
  bool known = file.inode != 0 && record->build[0]
               && adze_file_identity_equal (&file, &record->digested);
  if (record->builtin)
    snprintf (record->build, sizeof record->build, "%s", adze_version ());
  else if (!known)
    ADZE_TRY (digest_record (record, &file));
  record->digested = file;
  memcpy (text, record->build, sizeof record->build);
  return NULL;
}

/* ---- Before it is loaded. */

static adze_error *
check_probe (adze_runtime *runtime, adze_plugin_record *record)
{
  if (record->probed || runtime->is_worker)
    return NULL;
  ADZE_AUTO_MANIFEST binary = NULL;
  ADZE_TRY (adze_probe_plugin (runtime->places.worker, record->path, &binary));
  if (record->manifest)
    ADZE_TRY (adze_manifest_compare (record->path, record->manifest, binary));
  record->probed = true;
  return NULL;
}

/* Which file a self-test was about, as text for the cache: four numbers and the path. NULL when
 * that cannot be said. */
static char *
library_mark (const char *library)
{
  struct stat status;
  if (stat (library, &status) != 0)
    return NULL;
  adze_file_identity identity = adze_file_identity_of (&status);
  return adze_text_format ("%llx %llx %llx %llx %s", (unsigned long long)identity.inode,
                           (unsigned long long)identity.size,
                           (unsigned long long)identity.mtime_ns,
                           (unsigned long long)identity.ctime_ns, library);
}

/* The path of the file that was tested before, if it is still the same file; else NULL. */
static char *
tested_before (adze_runtime *runtime, const adze_plugin_record *record)
{
  const adze_value *tested
      = adze_value_get (adze_record_facts (runtime, record), "tested-library");
  const char *path = tested && tested->type == ADZE_VALUE_STRING ? strchr (tested->string, '/')
                                                                 : NULL;
  ADZE_AUTO_FREE char *now = path ? library_mark (path) : NULL;
  return now && strcmp (now, tested->string) == 0 ? strdup (path) : NULL;
}

static void
remember_tested (adze_runtime *runtime, const adze_plugin_record *record, const char *library)
{
  ADZE_AUTO_FREE char *mark = library_mark (library);
  if (mark)
    adze_record_remember (runtime, record, mark);
}

/* Want of memory says nothing about the plugin, and passes. */
static void
keep_failure (adze_plugin_record *record, const adze_error *failure)
{
  if (!record->failure && adze_error_status (failure) != ADZE_E_MEMORY)
    record->failure = adze_error_copy (failure);
}

adze_error *
adze_verify (adze_runtime *runtime, adze_plugin_record *record)
{
  if (record->failure)
    return adze_error_copy (record->failure);
  if (record->loaded || record->builtin || (record->manifest && record->manifest->foreign))
    return NULL;
  bool known = record->probed;
  adze_error *failure = adze_check_digest (record);
  if (!failure)
    failure = check_probe (runtime, record);
  if (failure)
    keep_failure (record, failure);
  if (!known && !runtime->is_worker)
    adze_record_remember (runtime, record, NULL);
  return failure;
}

/* ---- Loading. */

static adze_error *
open_desk (adze_runtime *runtime, adze_plugin_record *record)
{
  adze_desk_options options = {
    .profile = runtime->profile,
    .bus = runtime->bus,
    .pool = runtime->pool,
    .services = adze_service_find,
    .source = record->manifest->id,
    .seed = runtime->seed,
  };
  return adze_desk_open (&options, &record->desk);
}

static adze_error *
call_init (adze_plugin_record *record)
{
  const adze_plugin *plugin = &record->opened.descriptor->plugin;
  if (!plugin->init)
    return NULL;
  adze_desk_frame frame;
  adze_desk_enter (record->desk, &frame);
  adze_status status = plugin->init (adze_desk_table (record->desk));
  adze_error *error = adze_desk_leave (&frame, "init", status);
  if (error)
    adze_error_set (error, "step", adze_step_name (ADZE_STEP_INIT));
  return error;
}

static adze_error *
activate_plugin (adze_runtime *runtime, adze_plugin_record *record)
{
  adze_file_identity before = file_to_load (record);
  if (!record->opened.descriptor)
    ADZE_TRY (adze_load (record->path, record->builtin, runtime->profile, NULL, NULL,
                         &record->opened));
  if (!record->builtin) {
    adze_file_identity after = adze_file_identity_at (record->path);
    if (!adze_file_identity_equal (&before, &after))
      return replaced ("the plugin", record->path);
    record->used = before;
  }
  if (!record->manifest)
    record->manifest = adze_take (&record->opened.manifest);
  else if (record->opened.manifest)
    ADZE_TRY (adze_manifest_compare (record->path, record->manifest, record->opened.manifest));
  ADZE_TRY (open_desk (runtime, record));
  return call_init (record);
}

static adze_error *
test_library (adze_runtime *runtime, adze_plugin_record *record)
{
  adze_names_free (adze_take (&record->libraries), record->library_count);
  record->library_count = record->library_file_count = 0;
  ADZE_TRY (adze_probe_foreign (runtime->places.worker, record->path, &record->libraries,
                                &record->library_count));
  remember_tested (runtime, record, record->libraries[0]);
  return NULL;
}

/* What is mapped of a library stays what it was; a worker that binds it later would get another one. */
static adze_error *
check_library (adze_plugin_record *record, size_t number, const char *path)
{
  adze_file_identity now = adze_file_identity_at (path);
  if (number < record->library_file_count)
    return adze_file_identity_equal (&now, &record->library_files[number])
               ? NULL
               : replaced ("the library", path);
  adze_file_identity *grown
      = reallocarray (record->library_files, number + 1, sizeof *grown);
  if (!grown)
    return adze_error_memory ();
  record->library_files = grown;
  grown[record->library_file_count++] = now;
  return NULL;
}

adze_error *
adze_record_library (adze_runtime *runtime, adze_plugin_record *record, size_t number,
                     const char **path)
{
  *path = NULL;
  if (!record->manifest || !record->manifest->foreign)
    return NULL;
  if (!record->library && !record->libraries)
    ADZE_TRY (test_library (runtime, record));
  if (record->library)
    *path = adze_foreign_library_at (record->library, number);
  else if (number < record->library_count)
    *path = record->libraries[number];
  return *path ? check_library (record, number, *path) : NULL;
}

/* Opening a library runs its constructors, and a version may come from a function of it: so the
 * worker goes first, and what it tested is what must then be found here. Where the system has chosen
 * another one since it was tested, that one is tested before anything of it is used. */
static adze_error *
activate_foreign (adze_runtime *runtime, adze_plugin_record *record)
{
  ADZE_AUTO_FREE char *before = runtime->is_worker ? NULL : tested_before (runtime, record);
  if (!before && !runtime->is_worker)
    ADZE_TRY (test_library (runtime, record));
  record->used = record->object;
  ADZE_TRY (adze_foreign_bind (record->manifest, record->path, &record->library));
  const char *library = adze_foreign_library_path (record->library);
  if (before && strcmp (before, library) != 0)
    ADZE_TRY (test_library (runtime, record));
  if (record->libraries && strcmp (record->libraries[0], library) != 0)
    return adze_refusal_facts (
        adze_refusal (ADZE_E_CONTRACT, ADZE_STEP_SELF_TEST, record->path,
                      "another library was tested than is found now"),
        record->libraries[0], library,
        "see that the same one is found everywhere (LD_LIBRARY_PATH), then run `adze plugin "
        "rescan`");
  return open_desk (runtime, record);
}

static void
tell_loaded (adze_runtime *runtime, const adze_plugin_record *record)
{
  const adze_field fields[] = {
    ADZE_FIELD_TEXT ("path", record->path),
    ADZE_FIELD_TEXT ("version", record->manifest->version),
  };
  adze_event_bus_emit (runtime->bus, record->manifest->id, "plugin.loaded", fields,
                       ADZE_COUNT_OF (fields));
}

static void
tell_refused (adze_runtime *runtime, const adze_plugin_record *record, const adze_error *failure)
{
  const char *step = adze_error_fact (failure, "step");
  const adze_field fields[] = {
    ADZE_FIELD_TEXT ("path", record->path),
    ADZE_FIELD_TEXT ("step", step ? step : ""),
    ADZE_FIELD_TEXT ("reason", adze_error_message (failure)),
  };
  adze_event_bus_emit (runtime->bus, NULL, "plugin.refused", fields, ADZE_COUNT_OF (fields));
}

/* A worker has no manifest in hand before it has loaded the file; a foreign one has nothing else. */
static adze_error *
read_foreign_in_worker (adze_runtime *runtime, adze_plugin_record *record)
{
  if (!runtime->is_worker || record->manifest || !record->manifest_path
      || strcmp (record->path, record->manifest_path) != 0)
    return NULL;
  return adze_manifest_read (record->manifest_path, &record->manifest);
}

/* What half a load has left: the next one begins anew. A linked-in plugin's descriptor was read
 * when it was found, and stays. */
static void
back_out (adze_plugin_record *record)
{
  adze_desk_close (adze_take (&record->desk));
  adze_foreign_free (adze_take (&record->library));
  if (!record->builtin)
    adze_opened_cleanup (&record->opened);
}

adze_error *
adze_activate (adze_runtime *runtime, adze_plugin_record *record)
{
  if (record->loaded)
    return NULL;
  adze_error *failure = read_foreign_in_worker (runtime, record);
  if (!failure)
    failure = adze_verify (runtime, record);
  if (!failure)
    failure = record->manifest && record->manifest->foreign ? activate_foreign (runtime, record)
                                                            : activate_plugin (runtime, record);
  if (failure) {
    keep_failure (record, failure);
    back_out (record);
    tell_refused (runtime, record, failure);
    return failure;
  }
  record->loaded = true;
  ADZE_TRY (adze_record_describe (record));
  tell_loaded (runtime, record);
  return NULL;
}

adze_error *
adze_active_callbacks (adze_plugin_record *record, const char *id,
                       const adze_callbacks **callbacks, void **own)
{
  *own = NULL;
  const adze_manifest_component *component
      = record->manifest ? adze_manifest_find (record->manifest, id) : NULL;
  if (record->library && component && strcmp (component->kind, ADZE_BACKEND) == 0) {
    const adze_foreign_backend *backend = NULL;
    ADZE_TRY (adze_foreign_backend_find (record->library, id, &backend));
    *callbacks = (const adze_callbacks *)&adze_foreign_backend_callbacks;
    *own = (void *)backend;
    return NULL;
  }
  if (record->library) {
    const adze_foreign_technique *technique = NULL;
    ADZE_TRY (adze_foreign_technique_find (record->library, id, &technique));
    *callbacks = (const adze_callbacks *)&adze_foreign_callbacks;
    *own = (void *)technique;
    return NULL;
  }
  const adze_descriptor *descriptor = record->opened.descriptor;
  for (size_t i = 0; i < descriptor->component_count; i++)
    if (strcmp (descriptor->components[i].id, id) == 0) {
      *callbacks = &descriptor->callbacks[i];
      return NULL;
    }
  return adze_error_new (ADZE_E_NOT_FOUND, "%s offers no component '%s'", record->path, id);
}
