/* SPDX-License-Identifier: Apache-2.0 */
/* run/results.c: what finished segments gave, by key: RUNS/results/KEY.json:
 *
 *   { format, key, time_ns, run, parts, facts }
 *
 * A record is kept whole or not at all. It is believed when all files that its facts name are as
 * they were; paths of files below RUNS are kept without it, so that a project can be moved.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "run/folder_private.h"

enum { RESULT_FORMAT = 3 };

char *
adze_result_record_path (const adze_folder *folder, adze_hash128 key)
{
  char text[ADZE_HASH_TEXT];
  adze_hash_text (key, text);
  return adze_text_format ("%s/results/%s.json", folder->runs, text);
}

adze_error *
adze_result_path (const adze_folder *folder, adze_hash128 key, const char *name, char **path)
{
  char text[ADZE_HASH_TEXT];
  *path = NULL;
  if (name[0] == '\0' || strchr (name, '/') || strcmp (name, "json") == 0)
    return adze_error_new (ADZE_E_INTERNAL, "'%s' cannot be a file of a result", name);
  adze_hash_text (key, text);
  *path = adze_text_format ("%s/results/%s.%s", folder->runs, text, name);
  return *path ? NULL : adze_error_memory ();
}

/* ---- Which results this run uses: for `adze runs clean`, and so that --fresh finds its own. */

/* NULL without memory. */
static adze_value *
copy_parts (const adze_key *key)
{
  return key->parts ? adze_value_copy (key->parts) : adze_value_new (ADZE_VALUE_TABLE);
}

static bool
is_used (const adze_folder *folder, adze_hash128 key)
{
  for (size_t i = 0; i < folder->used_count; i++)
    if (adze_hash_equal (folder->used[i], key))
      return true;
  return false;
}

/* With its parts: what a run is compared with later is what this one asked for, and what is kept may be
 * thrown away, or be another run's, who calls things otherwise. */
static adze_error *
use (adze_folder *folder, const adze_key *whole)
{
  adze_hash128 key = adze_key_hash (whole);
  if (folder->look || is_used (folder, key))
    return NULL;
  char text[ADZE_HASH_TEXT];
  ADZE_AUTO_VALUE line = adze_value_new (ADZE_VALUE_TABLE);
  adze_hash128 *grown = realloc (folder->used, (folder->used_count + 1) * sizeof *grown);
  if (!grown)
    return adze_error_memory ();
  folder->used = grown;
  adze_hash_text (key, text);
  adze_json_string (line, "key", text);
  if (adze_json_failed (line))
    return adze_error_memory ();
  ADZE_TRY (adze_value_append (line, "parts", copy_parts (whole)));
  ADZE_TRY (adze_lines_add (folder, "results.jsonl", line));
  folder->used[folder->used_count++] = key;
  return NULL;
}

/* ---- Files. */

static adze_file_identity
identity_in (const adze_value *file)
{
  static const char *const keys[] = { "device", "inode", "size", "mtime_ns", "ctime_ns" };
  int64_t numbers[ADZE_COUNT_OF (keys)] = { 0 };
  for (size_t i = 0; i < ADZE_COUNT_OF (keys); i++) {
    const adze_value *value = adze_value_get (file, keys[i]);
    if (value && value->type == ADZE_VALUE_INT)
      numbers[i] = value->integer;
  }
  return (adze_file_identity){ .device = (uint64_t)numbers[0],
                               .inode = (uint64_t)numbers[1],
                               .size = (uint64_t)numbers[2],
                               .mtime_ns = numbers[3],
                               .ctime_ns = numbers[4] };
}

adze_error *
adze_result_add_file (adze_value *facts, const char *path)
{
  struct stat status;
  if (stat (path, &status) != 0) {
    adze_error *error = adze_error_errno ("cannot look at %s, which holds a result", path);
    adze_error_set (error, "file", path);
    return error;
  }
  adze_file_identity identity = adze_file_identity_of (&status);
  adze_value *files = (adze_value *)adze_value_get (facts, "files");
  if (!files)
    files = adze_json_list (facts, "files");
  adze_value *file = adze_json_table (files, NULL);
  adze_json_string (file, "path", path);
  /* JSON's numbers are signed here; they come back the same. */
  adze_json_int (file, "device", (int64_t)identity.device);
  adze_json_int (file, "inode", (int64_t)identity.inode);
  adze_json_int (file, "size", (int64_t)identity.size);
  adze_json_int (file, "mtime_ns", identity.mtime_ns);
  adze_json_int (file, "ctime_ns", identity.ctime_ns);
  return adze_json_failed (facts) ? adze_error_memory () : NULL;
}

/* A path in FACTS as it becomes: without RUNS in front, or with it. */
static adze_error *
change_path (const adze_folder *folder, const adze_value *table, const char *key, bool relative)
{
  size_t length = strlen (folder->runs);
  const char *path = adze_record_text (table, key);
  adze_value *value = (adze_value *)adze_value_get (table, key);
  bool below = path && strncmp (path, folder->runs, length) == 0 && path[length] == '/';
  if (!path || (relative && !below) || (!relative && path[0] == '/'))
    return NULL;
  ADZE_AUTO_FREE char *changed = relative ? strdup (path + length + 1)
                                          : adze_text_format ("%s/%s", folder->runs, path);
  return changed && adze_value_set_text (value, changed, strlen (changed)) ? NULL
                                                                           : adze_error_memory ();
}

static adze_error *
change_paths (const adze_folder *folder, adze_value *facts, bool relative)
{
  const adze_value *files = adze_value_get (facts, "files");
  for (size_t i = 0; files && i < files->count; i++)
    ADZE_TRY (change_path (folder, files->items[i], "path", relative));
  return change_path (folder, facts, "store", relative);
}

/* Only what stat tells is compared: bytes of the same size may well be the same, and nobody reads
 * them to find out. */
static void
say_changed (const char *path, const adze_file_identity *was, const adze_file_identity *is,
             adze_buffer *why)
{
  if (was->size != is->size)
    adze_buffer_format (why,
                        "its file %s has changed: it had %" PRIu64 " bytes, and has %" PRIu64,
                        path, was->size, is->size);
  else if (was->device != is->device || was->inode != is->inode)
    adze_buffer_format (why,
                        "its file %s is another than the one that was made, though of its size",
                        path);
  else
    adze_buffer_format (why,
                        "its file %s has other times than when it was made: it was written to or "
                        "touched, though its size is the same",
                        path);
}

/* Are all files as they were? */
static bool
files_stand (const adze_value *facts, adze_buffer *why)
{
  const adze_value *files = adze_value_get (facts, "files");
  for (size_t i = 0; files && i < files->count; i++) {
    const char *path = adze_record_text (files->items[i], "path");
    adze_file_identity was = identity_in (files->items[i]);
    struct stat status;
    if (!path || stat (path, &status) != 0) {
      adze_buffer_format (why, "its file %s has gone", path ? path : "(without a name)");
      return false;
    }
    adze_file_identity is = adze_file_identity_of (&status);
    if (!adze_file_identity_equal (&was, &is)) {
      say_changed (path, &was, &is, why);
      return false;
    }
  }
  return true;
}

/* ---- Keeping. */

static int64_t
now_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static adze_error *
make_record (const adze_folder *folder, const adze_key *key, const adze_value *facts,
             adze_value *record)
{
  char text[ADZE_HASH_TEXT];
  adze_hash_text (adze_key_hash (key), text);
  adze_json_int (record, "format", RESULT_FORMAT);
  adze_json_string (record, "key", text);
  adze_json_int (record, "time_ns", now_ns ());
  adze_json_string (record, "run", adze_path_base (folder->path));
  if (adze_json_failed (record))
    return adze_error_memory ();
  ADZE_TRY (adze_value_append (record, "parts", copy_parts (key)));
  ADZE_AUTO_VALUE copy = adze_value_copy (facts);
  if (!copy)
    return adze_error_memory ();
  ADZE_TRY (change_paths (folder, copy, true));
  return adze_value_append (record, "facts", adze_take (&copy));
}

adze_error *
adze_result_keep (adze_folder *folder, const adze_key *key, const adze_value *facts)
{
  if (folder->look)
    return adze_error_new (ADZE_E_INTERNAL, "a run that is only looked at keeps no results");
  ADZE_AUTO_VALUE record = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO_FREE char *path = adze_result_record_path (folder, adze_key_hash (key));
  if (!path || !record)
    return adze_error_memory ();
  ADZE_TRY (make_record (folder, key, facts, record));
  ADZE_HOLDING (folder);
  ADZE_TRY (use (folder, key));
  ADZE_TRY (adze_lines_flush (folder, false));
  return adze_record_write (path, record);
}

/* ---- Finding. */

static bool
is_record (const adze_value *root, const char *key)
{
  const adze_value *format = adze_value_get (root, "format");
  const adze_value *parts = adze_value_get (root, "parts");
  const adze_value *facts = adze_value_get (root, "facts");
  const char *own = adze_record_text (root, "key");
  return format && format->type == ADZE_VALUE_INT && format->integer == RESULT_FORMAT && parts
         && parts->type == ADZE_VALUE_TABLE && facts && facts->type == ADZE_VALUE_TABLE && own
         && (!key || strcmp (own, key) == 0);
}

adze_error *
adze_result_read (const char *path, const char *key, adze_document *document, bool *sound,
                  adze_buffer *why)
{
  bool found = false;
  *sound = false;
  ADZE_AUTO_ERROR damaged = adze_record_read (path, document, &found);
  if (adze_error_status (damaged) == ADZE_E_MEMORY)
    return adze_take (&damaged);
  *sound = !damaged && found && is_record (document->root, key);
  if (damaged)
    adze_buffer_format (why, "its record cannot be read: %s", adze_error_message (damaged));
  else if (found && !*sound)
    adze_buffer_format (why, "its record %s is not one of this version", path);
  return NULL;
}

static adze_error *
find (adze_folder *folder, adze_hash128 key, adze_value **facts, adze_buffer *why)
{
  char text[ADZE_HASH_TEXT];
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_FREE char *path = adze_result_record_path (folder, key);
  bool sound = false;
  if (!path)
    return adze_error_memory ();
  adze_hash_text (key, text);
  ADZE_TRY (adze_result_read (path, text, &document, &sound, why));
  if (!sound)
    return NULL;
  adze_value *found = (adze_value *)adze_value_get (document.root, "facts");
  ADZE_TRY (change_paths (folder, found, false));
  if (!files_stand (found, why))
    return NULL;
  *facts = adze_value_copy (found);
  return *facts ? NULL : adze_error_memory ();
}

adze_error *
adze_result_find_why (adze_folder *folder, const adze_key *key, adze_value **facts,
                      adze_buffer *into)
{
  *facts = NULL;
  adze_hash128 hash = adze_key_hash (key);
  ADZE_HOLDING (folder);
  if (folder->fresh && !is_used (folder, hash)) {
    adze_buffer_text (into, "everything is done afresh");
    return NULL;
  }
  ADZE_AUTO_VALUE found = NULL;
  ADZE_TRY (find (folder, hash, &found, into));
  if (!found)
    return NULL;
  ADZE_TRY (use (folder, key));
  *facts = adze_take (&found);
  return NULL;
}

adze_error *
adze_result_find (adze_folder *folder, const adze_key *key, adze_value **facts)
{
  ADZE_AUTO (adze_buffer) why = { 0 };
  return adze_result_find_why (folder, key, facts, &why);
}
