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

enum { RESULT_FORMAT = 2, LAST_LOOKS_MOST = 1000 };

static char *
record_path (const adze_folder *folder, adze_hash128 key)
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

static bool
is_used (const adze_folder *folder, adze_hash128 key)
{
  for (size_t i = 0; i < folder->used_count; i++)
    if (adze_hash_equal (folder->used[i], key))
      return true;
  return false;
}

static adze_error *
use (adze_folder *folder, adze_hash128 key)
{
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
  adze_value *parts
      = key->parts ? adze_value_copy (key->parts) : adze_value_new (ADZE_VALUE_TABLE);
  ADZE_TRY (adze_value_append (record, "parts", parts));
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
  ADZE_AUTO_FREE char *path = record_path (folder, adze_key_hash (key));
  if (!path || !record)
    return adze_error_memory ();
  ADZE_TRY (make_record (folder, key, facts, record));
  ADZE_HOLDING (folder);
  ADZE_TRY (use (folder, adze_key_hash (key)));
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

/* Reads a record. *SOUND: it is one, and of KEY unless that is NULL. */
static adze_error *
read_record (const char *path, const char *key, adze_document *document, bool *sound,
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
  ADZE_AUTO_FREE char *path = record_path (folder, key);
  bool sound = false;
  if (!path)
    return adze_error_memory ();
  adze_hash_text (key, text);
  ADZE_TRY (read_record (path, text, &document, &sound, why));
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
  ADZE_TRY (use (folder, hash));
  *facts = adze_take (&found);
  return NULL;
}

adze_error *
adze_result_find (adze_folder *folder, const adze_key *key, adze_value **facts)
{
  ADZE_AUTO (adze_buffer) why = { 0 };
  return adze_result_find_why (folder, key, facts, &why);
}

/* ---- The last of a stage: the newest there is. */

typedef struct candidate {
  char *path;
  int64_t time_ns; /* of the file */
} candidate;

static int
newest_first (const void *a, const void *b)
{
  const candidate *one = a, *other = b;
  if (one->time_ns != other->time_ns)
    return one->time_ns > other->time_ns ? -1 : 1;
  return strcmp (one->path, other->path);
}

static void
free_candidates (candidate *candidates, size_t count)
{
  for (size_t i = 0; i < count; i++)
    free (candidates[i].path);
  free (candidates);
}

static adze_error *
collect (const adze_folder *folder, candidate **candidates, size_t *count)
{
  char **names = NULL;
  size_t name_count = 0;
  ADZE_AUTO_FREE char *results = adze_text_format ("%s/results", folder->runs);
  if (!results)
    return adze_error_memory ();
  ADZE_TRY (adze_folder_names (results, ".json", &names, &name_count));
  candidate *made = calloc (name_count + 1, sizeof *made);
  adze_error *error = made ? NULL : adze_error_memory ();
  for (size_t i = 0; !error && i < name_count; i++) {
    struct stat status;
    char *path = adze_text_format ("%s/%s", results, names[i]);
    if (!path)
      error = adze_error_memory ();
    else if (stat (path, &status) == 0)
      made[(*count)++] = (candidate){ path, adze_file_identity_of (&status).mtime_ns };
    else
      free (path);
  }
  adze_names_free (names, name_count);
  if (*count > 1)
    qsort (made, *count, sizeof *made, newest_first);
  *candidates = made;
  return error;
}

static bool
is_about (const adze_value *parts, const char *stage)
{
  for (size_t i = 0; i < parts->count; i++) {
    const adze_value *part = parts->items[i];
    const char *slash = strchr (part->key, '/');
    if (strcmp (slash ? slash + 1 : part->key, "stage") == 0 && part->type == ADZE_VALUE_STRING
        && strcmp (part->string, stage) == 0)
      return true;
  }
  return false;
}

/* The parts in the record at PATH when it is one, and about STAGE. */
static adze_error *
parts_about (const char *path, const char *stage, adze_value **parts, int64_t *time_ns)
{
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO (adze_buffer) why = { 0 };
  bool sound = false;
  *parts = NULL;
  ADZE_TRY (read_record (path, NULL, &document, &sound, &why));
  const adze_value *found = sound ? adze_value_get (document.root, "parts") : NULL;
  const adze_value *time = sound ? adze_value_get (document.root, "time_ns") : NULL;
  if (!found || !time || time->type != ADZE_VALUE_INT || !is_about (found, stage))
    return NULL;
  *time_ns = time->integer;
  *parts = adze_value_copy (found);
  return *parts ? NULL : adze_error_memory ();
}

/* Of what any run left. Files written within one tick of the clock have one time, and their records
 * tell. */
static adze_error *
newest_about (const adze_folder *folder, const char *stage, adze_value **parts)
{
  candidate *candidates = NULL;
  size_t count = 0;
  int64_t best = INT64_MIN;
  adze_error *error = collect (folder, &candidates, &count);
  for (size_t i = 0; !error && i < count && i < LAST_LOOKS_MOST; i++) {
    adze_value *found = NULL;
    int64_t time_ns = 0;
    if (*parts && candidates[i].time_ns != candidates[i - 1].time_ns)
      break;
    error = parts_about (candidates[i].path, stage, &found, &time_ns);
    if (found && (!*parts || time_ns > best)) {
      adze_value_free (*parts);
      *parts = adze_take (&found);
      best = time_ns;
    }
    adze_value_free (found);
  }
  free_candidates (candidates, count);
  return error;
}

/* ---- What the last run of this pipeline used. */

static adze_error *
used_by (const adze_folder *folder, const char *run, const char *stage, size_t *looks,
         adze_value **parts)
{
  ADZE_AUTO (adze_uses) uses = { 0 };
  ADZE_TRY (adze_uses_read (folder->runs, run, &uses));
  for (size_t i = uses.count; i-- > 0 && !*parts && *looks > 0; --*looks) {
    ADZE_AUTO_FREE char *path = record_path (folder, uses.keys[i]);
    int64_t time_ns;
    if (!path)
      return adze_error_memory ();
    ADZE_TRY (parts_about (path, stage, parts, &time_ns));
  }
  return NULL;
}

static adze_error *
is_finished (const adze_folder *folder, const char *run, bool *finished)
{
  ADZE_AUTO (adze_document) document = { 0 };
  bool found = false;
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s/run.json", folder->runs, run);
  if (!path)
    return adze_error_memory ();
  ADZE_AUTO_ERROR damaged = adze_record_read (path, &document, &found);
  if (adze_error_status (damaged) == ADZE_E_MEMORY)
    return adze_take (&damaged);
  const char *state = adze_record_text (document.root, "state");
  *finished = !damaged && state && strcmp (state, "finished") == 0;
  return NULL;
}

/* *PARTS becomes that of RUN when it finished, or nothing newer is there. */
static adze_error *
look_at_run (const adze_folder *folder, const char *run, const char *stage, size_t *looks,
             adze_value **parts, bool *finished)
{
  bool ours = false;
  ADZE_AUTO_VALUE used = NULL;
  ADZE_TRY (adze_run_is_of (run, folder->name, &ours));
  if (!ours)
    return NULL;
  ADZE_TRY (used_by (folder, run, stage, looks, &used));
  if (!used)
    return NULL;
  ADZE_TRY (is_finished (folder, run, finished));
  if (*finished || !*parts) {
    adze_value_free (*parts);
    *parts = adze_take (&used);
  }
  return NULL;
}

/* The newest run that finished is "the last"; one that did not counts where none did. */
static adze_error *
last_used (const adze_folder *folder, const char *stage, adze_value **parts)
{
  adze_run_name *names = NULL;
  size_t count = 0, looks = LAST_LOOKS_MOST;
  bool finished = false;
  ADZE_TRY (adze_run_names (folder->runs, &names, &count));
  size_t least = count > LAST_LOOKS_MOST ? count - LAST_LOOKS_MOST : 0;
  adze_error *error = NULL;
  for (size_t i = count; !error && !finished && looks > 0 && i-- > least;)
    error = look_at_run (folder, names[i].folder, stage, &looks, parts, &finished);
  adze_run_names_free (names, count);
  return error;
}

adze_error *
adze_result_last (adze_folder *folder, const char *stage, adze_value **parts)
{
  *parts = NULL;
  ADZE_AUTO_VALUE picked = NULL;
  /* A result is shared by all that ask for it, so its own time says little of who used it last. */
  ADZE_TRY (last_used (folder, stage, &picked));
  if (!picked)
    ADZE_TRY (newest_about (folder, stage, &picked));
  *parts = adze_take (&picked);
  return NULL;
}
