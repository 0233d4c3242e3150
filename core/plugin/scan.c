/* SPDX-License-Identifier: Apache-2.0 */
/* From folders to records. Nothing here opens a plugin's shared object: what it is comes from its
 * manifest or from the cache, and, for one that has neither, from a worker that tries it. */
#include "plugin/runtime.h"

#include <errno.h>
#include <string.h>

#include "base/error_wire.h"
#include "plugin/probe.h"

enum { MANIFEST_SIZE_MOST = 16 << 20 };

/* ---- Records. */

static adze_plugin_record *
new_record (const char *path)
{
  adze_plugin_record *record = calloc (1, sizeof *record);
  if (record && !(record->path = strdup (path))) {
    free (record);
    return NULL;
  }
  if (record)
    pthread_mutex_init (&record->plugin_lock, NULL);
  return record;
}

static void
deinit (adze_plugin_record *record)
{
  if (!record->opened.descriptor || !record->opened.descriptor->plugin.deinit)
    return;
  adze_desk_frame frame;
  adze_desk_enter (record->desk, &frame);
  record->opened.descriptor->plugin.deinit (adze_desk_table (record->desk));
  adze_desk_leave_void (&frame, "deinit");
}

adze_error *
adze_record_end (adze_plugin_record *record)
{
  if (!record->loaded)
    return NULL;
  record->loaded = false;
  deinit (record);
  return adze_desk_audit (record->desk);
}

/* One that is loaded has been ended before. */
void
adze_record_free (adze_plugin_record *record)
{
  if (!record)
    return;
  adze_desk_close (record->desk);
  adze_opened_cleanup (&record->opened);
  adze_foreign_free (record->library);
  adze_names_free (record->libraries, record->library_count);
  adze_manifest_free (record->manifest);
  adze_error_free (record->failure);
  adze_record_info_free (record->info);
  free (record->library_files);
  pthread_mutex_destroy (&record->plugin_lock);
  free (record->manifest_path);
  free (record->path);
  free (record);
}

static adze_error *
add_record (adze_runtime *runtime, adze_plugin_record *record)
{
  adze_plugin_record **grown
      = realloc (runtime->records, (runtime->record_count + 1) * sizeof *grown);
  if (!grown) {
    adze_record_free (record);
    return adze_error_memory ();
  }
  runtime->records = grown;
  grown[runtime->record_count++] = record;
  return NULL;
}

static adze_plugin_record *
find_record (adze_runtime *runtime, const char *path)
{
  for (size_t i = 0; i < runtime->record_count; i++)
    if (strcmp (runtime->records[i]->path, path) == 0)
      return runtime->records[i];
  return NULL;
}

/* The same file by another way, such as a link in a second folder, is no second plugin. */
static bool
same_object (adze_runtime *runtime, const adze_plugin_record *record)
{
  for (size_t i = 0; i < runtime->record_count; i++)
    if (adze_file_identity_equal (&runtime->records[i]->object, &record->object)
        && record->object.inode != 0)
      return true;
  return false;
}

/* ---- The cache. */

adze_cache_key
adze_record_key (const adze_plugin_record *record)
{
  return (adze_cache_key){ record->path, record->object, record->manifest_file };
}

const adze_value *
adze_record_facts (adze_runtime *runtime, const adze_plugin_record *record)
{
  adze_cache_key key = adze_record_key (record);
  return adze_cache_get (runtime->cache, &key);
}

/* A failure that lies in the file itself will be the same until the file changes. One that lies in
 * what surrounds it, such as a library that is not installed yet, must be looked at again. */
static bool
failure_lasts (const adze_error *failure)
{
  static const adze_step lasting[]
      = { ADZE_STEP_MANIFEST, ADZE_STEP_ELF,   ADZE_STEP_SYMBOL, ADZE_STEP_ENTRY,
          ADZE_STEP_MAGIC,    ADZE_STEP_ABI,   ADZE_STEP_FIELDS };
  const char *step = adze_error_fact (failure, "step");
  adze_status status = adze_error_status (failure);
  /* A machine that was busy or full at that moment says nothing about the file. */
  if (!step || status == ADZE_E_MEMORY || status == ADZE_E_IO || status == ADZE_E_TIMEOUT)
    return false;
  for (size_t i = 0; i < ADZE_COUNT_OF (lasting); i++)
    if (strcmp (step, adze_step_name (lasting[i])) == 0)
      return true;
  return false;
}

static adze_error *
put_facts (adze_runtime *runtime, const adze_plugin_record *record, const char *tested_library)
{
  ADZE_AUTO_VALUE facts = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_bool (facts, "probed", record->probed);
  adze_json_bool (facts, "unsigned", record->known_unsigned);
  adze_json_string (facts, "tested-library", tested_library);
  if (record->failure)
    adze_error_to_value (record->failure, facts, "failure");
  if (adze_json_failed (facts))
    return adze_error_memory ();
  if (record->manifest) {
    adze_value *manifest = adze_manifest_value (record->manifest);
    if (!manifest)
      return adze_error_memory ();
    ADZE_TRY (adze_value_append (facts, "manifest", manifest));
  }
  adze_cache_key key = adze_record_key (record);
  return adze_cache_put (runtime->cache, &key, adze_take (&facts));
}

/* A damaged file is made anew without a word to people; whoever asks for every line is told what was
 * wrong with it. */
static void
tell_complaints (adze_runtime *runtime)
{
  for (adze_error *complaint; (complaint = adze_cache_complaint (runtime->cache));) {
    adze_event_bus_log (runtime->bus, NULL, ADZE_LOG_DEBUG,
                        "the registry's cache is damaged and made anew: %s",
                        adze_error_message (complaint));
    adze_error_free (complaint);
  }
}

/* A cache that cannot be written costs time and nothing else. */
static void
save_cache (adze_runtime *runtime)
{
  tell_complaints (runtime);
  ADZE_AUTO_ERROR error = adze_cache_save (runtime->cache);
  if (error)
    adze_event_bus_log (runtime->bus, NULL, ADZE_LOG_DEBUG, "the registry's cache: %s",
                        adze_error_message (error));
}

void
adze_record_remember (adze_runtime *runtime, const adze_plugin_record *record,
                      const char *tested_library)
{
  if (record->builtin || (record->failure && !failure_lasts (record->failure)))
    return;
  ADZE_AUTO_ERROR error = put_facts (runtime, record, tested_library);
  if (!error)
    save_cache (runtime);
}

/* Fills RECORD from what the cache knows; false when it knows nothing that can be used. */
static bool
recall (adze_runtime *runtime, adze_plugin_record *record)
{
  const adze_value *facts = adze_record_facts (runtime, record);
  if (!facts)
    return false;
  const adze_value *failure = adze_value_get (facts, "failure");
  const adze_value *manifest = adze_value_get (facts, "manifest");
  const adze_value *probed = adze_value_get (facts, "probed");
  /* Whoever damaged the file, the plugin is not to blame. */
  if (failure && (failure->type != ADZE_VALUE_LIST || failure->count == 0))
    return false;
  if (manifest) {
    const adze_document document = { .path = record->path };
    ADZE_AUTO_ERROR error
        = adze_manifest_from_value (&document, manifest, &record->manifest);
    if (error)
      return false;
  }
  if (failure)
    record->failure = adze_error_from_value (failure);
  record->probed = probed && probed->boolean;
  const adze_value *is_unsigned = adze_value_get (facts, "unsigned");
  record->known_unsigned = is_unsigned && is_unsigned->boolean;
  return manifest || failure;
}

/* ---- Names of files. */

static bool
ends_in (const char *text, const char *ending)
{
  size_t length = strlen (text), ending_length = strlen (ending);
  return length > ending_length && strcmp (text + length - ending_length, ending) == 0;
}

static char *
with_ending (const char *path, const char *old_ending, const char *new_ending)
{
  return adze_text_format ("%.*s%s", (int)(strlen (path) - strlen (old_ending)), path, new_ending);
}

/* ---- Learning about one file. */

static void
stat_files (adze_plugin_record *record)
{
  struct stat status;
  if (stat (record->path, &status) == 0)
    record->object = adze_file_identity_of (&status);
  if (record->manifest_path && stat (record->manifest_path, &status) == 0)
    record->manifest_file = adze_file_identity_of (&status);
}

/* Who vouches for TEXT; *KEY, to be freed, names the key. */
static adze_error *
judge_text (adze_runtime *runtime, adze_plugin_record *record, const char *text, size_t size,
            char **key)
{
  ADZE_TRY (adze_signature_check (record->path, text, size,
                                  (const char *const *)runtime->places.keys,
                                  runtime->places.key_count, &record->signature, key));
  record->known_unsigned = record->signature == ADZE_SIGNATURE_NONE;
  return NULL;
}

/* Where nobody requires a signature, one that does not fit is refused all the same. The cache may
 * save reading the text. */
static adze_error *
check_signature (adze_runtime *runtime, adze_plugin_record *record)
{
  ADZE_AUTO_FREE char *text = NULL;
  ADZE_AUTO_FREE char *key = NULL;
  size_t size = 0;
  if (!record->manifest_path || record->known_unsigned)
    return NULL;
  ADZE_TRY (adze_file_read (record->manifest_path, MANIFEST_SIZE_MOST, &text, &size));
  return judge_text (runtime, record, text, size, &key);
}

static adze_error *
refuse_unsigned (const adze_plugin_record *record, const char *key)
{
  bool none = record->signature == ADZE_SIGNATURE_NONE;
  return adze_refusal_facts (
      adze_refusal (ADZE_E_TRUST, ADZE_STEP_SIGNATURE, record->path,
                    "the configuration has require-signed = true"),
      "a manifest signed by a trusted key", none ? "no signature" : key,
      none ? "sign it with `adze plugin stamp --key KEYFILE FILE`"
           : "put the key's .pub file into a folder of trusted keys, if you trust it");
}

/* A signature is of no use where others can put another file in place of the one it is about. */
static adze_error *
check_owner (const adze_plugin_record *record, const char *path)
{
  struct stat status;
  if (stat (path, &status) != 0)
    return NULL;
  bool foreign_owner = status.st_uid != 0 && status.st_uid != geteuid ();
  if (!foreign_owner && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0)
    return NULL;
  ADZE_AUTO_FREE char *found = adze_text_format (
      "%s, mode %03o, of user %u", path, (unsigned)(status.st_mode & 0777), (unsigned)status.st_uid);
  return adze_refusal_facts (
      adze_refusal (ADZE_E_TRUST, ADZE_STEP_SIGNATURE, record->path,
                    "the configuration has require-signed = true, and others can change %s", path),
      "files and folders that only you or root can write to", found,
      "chown it, and chmod go-w");
}

static adze_error *
check_owners (const adze_plugin_record *record)
{
  ADZE_AUTO_FREE char *folder = strdup (record->path);
  char *slash = folder ? strrchr (folder, '/') : NULL;
  if (!slash)
    return adze_error_memory ();
  *slash = '\0';
  ADZE_TRY (check_owner (record, record->path));
  ADZE_TRY (check_owner (record, record->manifest_path));
  return slash == folder ? NULL : check_owner (record, folder);
}

/* Where signatures are required, the manifest is what stands in the very text that was verified,
 * never what the cache remembers of another one. */
static adze_error *
read_signed (adze_runtime *runtime, adze_plugin_record *record)
{
  ADZE_AUTO_FREE char *text = NULL;
  ADZE_AUTO_FREE char *key = NULL;
  size_t size = 0;
  if (record->manifest_path) {
    ADZE_TRY (adze_file_read (record->manifest_path, MANIFEST_SIZE_MOST, &text, &size));
    /* First what it calls itself, since a refusal is asked for by that name. */
    ADZE_TRY (adze_manifest_parse (record->manifest_path, text, size, &record->manifest));
    ADZE_TRY (judge_text (runtime, record, text, size, &key));
  }
  if (record->signature != ADZE_SIGNATURE_TRUSTED)
    return refuse_unsigned (record, key);
  return check_owners (record);
}

static adze_error *
read_or_probe (adze_runtime *runtime, adze_plugin_record *record)
{
  if (record->manifest_path)
    return adze_manifest_read (record->manifest_path, &record->manifest);
  ADZE_TRY (adze_probe_plugin (runtime->places.worker, record->path, &record->manifest));
  record->probed = true;
  return NULL;
}

/* A manifest without a [foreign] table describes a file that has to be there. */
static adze_error *
check_pair (adze_plugin_record *record)
{
  if (!record->manifest || record->manifest->foreign || !record->manifest_path
      || strcmp (record->path, record->manifest_path) != 0)
    return NULL;
  return adze_refusal_facts (
      adze_refusal (ADZE_E_NOT_FOUND, ADZE_STEP_FIND, record->path,
                    "its shared object is not beside its manifest"),
      record->manifest->file, "no such file", "install the plugin again, or remove the manifest");
}

/* A path goes to workers and into the cache as text. */
static adze_error *
check_path (const adze_plugin_record *record)
{
  const char *fault = adze_text_fault (record->path, strlen (record->path));
  if (!fault)
    return NULL;
  return adze_refusal_facts (
      adze_refusal (ADZE_E_UNSUPPORTED, ADZE_STEP_FIND, record->path, "its path %s", fault),
      "a path in UTF-8, without control characters", fault, "rename the file or its folder");
}

/* Ends with a manifest or a failure in the record, or both. What is remembered is what lies in the
 * files; whether this user trusts them is asked every time. */
static void
learn (adze_runtime *runtime, adze_plugin_record *record)
{
  stat_files (record);
  record->failure = check_path (record);
  if (record->failure)
    return;
  if (runtime->places.require_signed) {
    record->failure = read_signed (runtime, record);
    if (!record->failure)
      record->failure = check_pair (record);
    return;
  }
  bool recalled = recall (runtime, record);
  if (!recalled)
    record->failure = read_or_probe (runtime, record);
  adze_error *doubt = record->failure ? NULL : check_pair (record);
  if (!record->failure && !doubt)
    doubt = check_signature (runtime, record);
  /* What cannot be remembered is learnt again next time. */
  if (!recalled && (!record->failure || failure_lasts (record->failure)))
    adze_error_free (put_facts (runtime, record, NULL));
  if (doubt)
    record->failure = doubt;
}

/* What lies beside a shared object, or is a foreign library's: *PATH stays NULL when there is
 * none. */
static adze_error *
find_manifest (const char *path, char **manifest)
{
  if (ends_in (path, ".toml"))
    *manifest = strdup (path);
  else if (ends_in (path, ".so"))
    *manifest = with_ending (path, ".so", ".toml");
  else
    return NULL;
  if (!*manifest)
    return adze_error_memory ();
  if (access (*manifest, F_OK) != 0)
    free (adze_take (manifest));
  return NULL;
}

adze_error *
adze_admit (adze_runtime *runtime, const char *path)
{
  if (!runtime->places.require_signed)
    return NULL;
  adze_plugin_record *record = new_record (path);
  if (!record)
    return adze_error_memory ();
  adze_error *error = find_manifest (path, &record->manifest_path);
  if (!error)
    error = read_signed (runtime, record);
  if (!error)
    error = adze_check_digest (record);
  adze_record_free (record);
  return error;
}

/* ---- Folders. */

static adze_error *
scan_one (adze_runtime *runtime, const adze_plugin_folder *folder, const char *name, bool is_manifest)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", folder->path, name);
  ADZE_AUTO_FREE char *other = path ? is_manifest ? with_ending (path, ".toml", ".so")
                                                  : with_ending (path, ".so", ".toml")
                                    : NULL;
  if (!other)
    return adze_error_memory ();
  bool other_exists = access (other, F_OK) == 0;
  /* A pair is found under its shared object's name. */
  if ((is_manifest && other_exists) || find_record (runtime, path))
    return NULL;
  adze_plugin_record *record = new_record (path);
  if (!record)
    return adze_error_memory ();
  record->origin = folder->origin;
  record->trusted = folder->trusted;
  if (is_manifest)
    record->manifest_path = adze_take (&path);
  else if (other_exists)
    record->manifest_path = adze_take (&other);
  stat_files (record);
  if (same_object (runtime, record)) {
    adze_record_free (record);
    return NULL;
  }
  learn (runtime, record);
  return add_record (runtime, record);
}

static adze_error *
scan_names (adze_runtime *runtime, const adze_plugin_folder *folder, const char *ending,
            bool is_manifest)
{
  char **names = NULL;
  size_t count = 0;
  adze_error *error = adze_folder_names (folder->path, ending, &names, &count);
  for (size_t i = 0; !error && i < count; i++)
    error = scan_one (runtime, folder, names[i], is_manifest);
  adze_names_free (names, count);
  return error;
}

/* A folder that cannot be read must not hide the others. */
static adze_error *
scan_folder (adze_runtime *runtime, const adze_plugin_folder *folder)
{
  adze_error *error = NULL;
  if (adze_loader_files_allowed ())
    error = scan_names (runtime, folder, ".so", false);
  if (!error)
    error = scan_names (runtime, folder, ".toml", true);
  if (error && adze_error_status (error) != ADZE_E_MEMORY) {
    adze_event_bus_log (runtime->bus, NULL, ADZE_LOG_WARNING, "the folder %s cannot be searched: %s",
                        folder->path, adze_error_message (error));
    adze_error_free (error);
    return NULL;
  }
  return error;
}

/* ---- Linked-in plugins. They are this program's own code: nothing is probed. */

static adze_error *
scan_builtin (adze_runtime *runtime, const char *name)
{
  if (find_record (runtime, name))
    return NULL;
  adze_plugin_record *record = new_record (name);
  if (!record)
    return adze_error_memory ();
  record->origin = "builtin";
  record->trusted = record->builtin = record->probed = true;
  record->failure = adze_load (name, true, runtime->profile, NULL, NULL, &record->opened);
  if (!record->failure) {
    record->manifest = adze_take (&record->opened.manifest);
    record->failure = NULL;
  }
  return add_record (runtime, record);
}

static adze_error *
scan_builtins (adze_runtime *runtime)
{
  char **names = NULL;
  size_t count = 0;
  ADZE_TRY (adze_module_builtin_names (&names, &count));
  adze_error *error = NULL;
  for (size_t i = 0; !error && i < count; i++)
    error = scan_builtin (runtime, names[i]);
  adze_names_free (names, count);
  return error;
}

/* ---- Names that are taken. */

static bool
offers (const adze_plugin_record *record, const char *component)
{
  return record->manifest && !record->failure
         && adze_manifest_find (record->manifest, component) != NULL;
}

static adze_error *
refuse_duplicate (const adze_plugin_record *record, const adze_plugin_record *owner,
                  const char *what, const char *id)
{
  ADZE_AUTO_FREE char *found = adze_text_format ("'%s' in %s", id, owner->path);
  ADZE_AUTO_FREE char *needed = adze_text_format ("a %s id that nobody else has", what);
  return adze_refusal_facts (
      adze_refusal (ADZE_E_DUPLICATE, ADZE_STEP_DUPLICATE, record->path,
                    "its %s '%s' is already offered by %s", what, id, owner->path),
      needed, found, "remove one of the two files, or rename it in the source");
}

/* What of RECORD is offered by OWNER already: a refusal of RECORD, or NULL. */
static adze_error *
taken_by (const adze_plugin_record *record, const adze_plugin_record *owner)
{
  if (owner == record || owner->failure || !owner->manifest || record->failure || !record->manifest)
    return NULL;
  for (size_t i = 0; i < record->manifest->component_count; i++) {
    const char *id = record->manifest->components[i].id;
    if (offers (owner, id))
      return refuse_duplicate (record, owner, "component", id);
  }
  if (strcmp (owner->manifest->id, record->manifest->id) == 0)
    return refuse_duplicate (record, owner, "plugin", record->manifest->id);
  return NULL;
}

/* The first on the search path keeps a name; later ones are refused, and both are named. */
static void
refuse_if_taken (adze_runtime *runtime, size_t index)
{
  adze_plugin_record *record = runtime->records[index];
  for (size_t i = 0; i < index && !record->failure; i++)
    record->failure = taken_by (record, runtime->records[i]);
}

/* A file that somebody named is meant, whatever of that name lies in the folders: an author tries
 * the new build of a plugin that is installed. Only what is in the process cannot make room. */
static void
make_room (adze_runtime *runtime, adze_plugin_record *named)
{
  for (size_t i = 0; i < runtime->record_count; i++) {
    adze_plugin_record *other = runtime->records[i];
    if (other->loaded || other->builtin) {
      if (!named->failure)
        named->failure = taken_by (named, other);
    }
  }
  for (size_t i = 0; i < runtime->record_count; i++) {
    adze_plugin_record *other = runtime->records[i];
    if (!other->loaded && !other->builtin && !other->failure)
      other->failure = taken_by (other, named);
  }
}

/* ---- All of it. */

/* What is loaded stays, and comes first, whatever happened to its file since: its code is in the
 * process. What was named by itself stays named. */
static void
drop_others (adze_runtime *runtime)
{
  size_t kept = 0;
  for (size_t i = 0; i < runtime->record_count; i++) {
    adze_plugin_record *record = runtime->records[i];
    if (record->loaded || record->added || record->builtin)
      runtime->records[kept++] = record;
    else
      adze_record_free (record);
  }
  runtime->record_count = kept;
}

adze_error *
adze_scan (adze_runtime *runtime)
{
  drop_others (runtime);
  runtime->scanned = false; /* one that breaks off is no scan */
  ADZE_TRY (scan_builtins (runtime));
  for (size_t i = 0; i < runtime->places.folder_count; i++)
    ADZE_TRY (scan_folder (runtime, &runtime->places.folders[i]));
  for (size_t i = 0; i < runtime->record_count; i++) {
    refuse_if_taken (runtime, i);
    ADZE_TRY (adze_record_describe (runtime->records[i]));
  }
  runtime->scanned = true;
  save_cache (runtime);
  return NULL;
}

adze_error *
adze_scan_once (adze_runtime *runtime)
{
  return runtime->scanned ? NULL : adze_scan (runtime);
}

adze_error *
adze_scan_file (adze_runtime *runtime, const char *path, adze_plugin_record **record)
{
  ADZE_AUTO_FREE char *absolute = NULL;
  ADZE_TRY (adze_path_absolute (path, &absolute));
  *record = find_record (runtime, absolute);
  if (*record)
    return NULL;
  if (access (absolute, F_OK) != 0)
    return adze_refusal_facts (adze_refusal (ADZE_E_NOT_FOUND, ADZE_STEP_FIND, path,
                                             errno == ENOENT ? "there is no such file"
                                                             : "it cannot be reached"),
                               "a plugin's shared object (.so) or manifest (.toml)",
                               "nothing under that name", "check the path");
  adze_plugin_record *fresh = new_record (absolute);
  if (!fresh)
    return adze_error_memory ();
  fresh->origin = "named";
  fresh->added = true;
  adze_error *error = find_manifest (absolute, &fresh->manifest_path);
  if (error) {
    adze_record_free (fresh);
    return error;
  }
  if (runtime->is_worker)
    stat_files (fresh);
  else
    learn (runtime, fresh);
  save_cache (runtime);
  /* Before it is among the others: each of those can be shown. */
  error = adze_record_describe (fresh);
  if (error) {
    adze_record_free (fresh);
    return error;
  }
  ADZE_TRY (add_record (runtime, fresh));
  make_room (runtime, fresh);
  *record = fresh;
  return adze_record_describe (fresh);
}
