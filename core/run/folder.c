/* SPDX-License-Identifier: Apache-2.0 */
/* run/folder.c: opening and closing a run's folder, its state, and its small files. */
#include "run/folder_private.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* So many of the newest runs are looked at for one to be gone on with. */
enum { RESUME_LOOKS_MOST = 1000 };

/* ---- run.json. */

static adze_error *
set_text (adze_value *record, const char *key, const char *text)
{
  adze_value *value = adze_value_new (ADZE_VALUE_STRING);
  if (value && !adze_value_set_text (value, text, strlen (text))) {
    adze_value_free (value);
    value = NULL;
  }
  return adze_record_set (record, key, value);
}

static adze_error *
set_int (adze_value *record, const char *key, int64_t number)
{
  adze_value *value = adze_value_new (ADZE_VALUE_INT);
  if (value)
    value->integer = number;
  return adze_record_set (record, key, value);
}

static adze_error *
set_real (adze_value *record, const char *key, double number)
{
  adze_value *value = adze_value_new (ADZE_VALUE_FLOAT);
  if (value)
    value->real = number;
  return adze_record_set (record, key, value);
}

/* Now, as "2026-01-31T12:00:00Z". */
static adze_error *
set_time (adze_value *record, const char *key)
{
  char text[32];
  time_t now = time (NULL);
  struct tm parts;
  gmtime_r (&now, &parts);
  strftime (text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return set_text (record, key, text);
}

/* Seconds do not tell which of two short runs ended last. */
static int64_t
now_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void
forget_key (adze_value *record, const char *key)
{
  for (size_t i = 0; i < record->count; i++)
    if (strcmp (record->items[i]->key, key) == 0) {
      adze_value_free (record->items[i]);
      memmove (&record->items[i], &record->items[i + 1],
               (record->count - i - 1) * sizeof record->items[0]);
      record->count--;
      return;
    }
}

static adze_error *
write_record (adze_folder *folder)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/run.json", folder->path);
  if (!path)
    return adze_error_memory ();
  return adze_record_write (path, folder->record);
}

static adze_error *
set_failure (adze_value *record, const adze_error *failure)
{
  ADZE_AUTO_FREE char *text = adze_error_json (failure);
  ADZE_AUTO (adze_document) document = { 0 };
  if (!text)
    return adze_error_memory ();
  ADZE_TRY (adze_json_parse ("<failure>", text, strlen (text), &document));
  return adze_record_set (record, "failure", adze_take (&document.root));
}

static adze_error *
set_state (adze_folder *folder, const char *state, const adze_error *failure)
{
  adze_value *record = folder->record;
  ADZE_TRY (set_text (record, "state", state));
  forget_key (record, "failure");
  forget_key (record, "finished");
  forget_key (record, "finished_ns");
  if (failure)
    ADZE_TRY (set_failure (record, failure));
  if (strcmp (state, "running") == 0)
    return write_record (folder);
  double seconds = (double)(adze_monotonic_ns () - folder->opened_ns) / 1e9;
  ADZE_TRY (set_time (record, "finished"));
  ADZE_TRY (set_int (record, "finished_ns", now_ns ()));
  ADZE_TRY (set_real (record, "seconds", folder->seconds_before + seconds));
  return write_record (folder);
}

adze_error *
adze_folder_state (adze_folder *folder, const char *state, const adze_error *failure)
{
  ADZE_HOLDING (folder);
  adze_error *error = adze_lines_flush (folder, true);
  adze_error *later = set_state (folder, state, failure);
  if (!error)
    return later;
  adze_error_free (later);
  return error;
}

adze_error *
adze_folder_describe (adze_folder *folder, uint64_t seed, const adze_value *parameters)
{
  ADZE_HOLDING (folder);
  ADZE_TRY (set_int (folder->record, "seed", (int64_t)seed));
  return adze_record_set (folder->record, "parameters", adze_value_copy (parameters));
}

/* ---- Which folder? */

/* A run of this folder that did not finish is gone on with when its pipeline is the same; of an
 * identity only the newest: once that has finished, older ones are of no interest. */
static adze_error *
look_for_unfinished (adze_folder *folder, const adze_run_name *names, size_t count)
{
  size_t least = count > RESUME_LOOKS_MOST ? count - RESUME_LOOKS_MOST : 0;
  for (size_t i = count; i-- > least;) {
    ADZE_AUTO (adze_document) document = { 0 };
    ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", folder->runs, names[i].folder);
    ADZE_AUTO_FREE char *file = adze_text_format ("%s/%s/run.json", folder->runs, names[i].folder);
    bool found = false;
    if (!path || !file)
      return adze_error_memory ();
    ADZE_AUTO_ERROR damaged = adze_record_read (file, &document, &found);
    if (adze_error_status (damaged) == ADZE_E_MEMORY)
      return adze_take (&damaged);
    const char *identity = adze_record_text (document.root, "identity");
    const char *state = adze_record_text (document.root, "state");
    if (damaged || !identity || !state || strcmp (identity, folder->identity) != 0)
      continue;
    if (strcmp (state, "finished") == 0)
      return NULL;
    folder->path = adze_take (&path);
    folder->number = names[i].number;
    folder->record = adze_take (&document.root);
    folder->resumed = true;
    return NULL;
  }
  return NULL;
}

/* mkdir takes a name or fails: whoever makes it has it. */
static adze_error *
make_run (adze_folder *folder, uint64_t number)
{
  ADZE_AUTO_FREE char *name = adze_run_name_part (folder->name);
  if (!name)
    return adze_error_memory ();
  for (;; number++) {
    ADZE_AUTO_FREE char *path
        = adze_text_format ("%s/%04llu-%s", folder->runs, (unsigned long long)number, name);
    if (!path)
      return adze_error_memory ();
    if (mkdir (path, 0777) == 0) {
      folder->path = adze_take (&path);
      folder->number = number;
      return NULL;
    }
    if (errno != EEXIST) {
      adze_error *error = adze_error_errno ("cannot make the folder %s", path);
      adze_error_set (error, "file", path);
      return error;
    }
  }
}

/* ---- A new run, and one that is gone on with. */

static adze_error *
write_text (const adze_folder *folder, const char *text)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/pipeline.toml", folder->path);
  if (!path)
    return adze_error_memory ();
  return text ? adze_file_write (path, text, strlen (text), 0666) : NULL;
}

static adze_error *
begin (adze_folder *folder, uint64_t number, const char *text)
{
  ADZE_TRY (make_run (folder, number));
  ADZE_TRY (write_text (folder, text));
  folder->record = adze_value_new (ADZE_VALUE_TABLE);
  if (!folder->record)
    return adze_error_memory ();
  adze_value *record = folder->record;
  ADZE_TRY (set_text (record, "adze", adze_version ()));
  ADZE_TRY (set_int (record, "number", (int64_t)folder->number));
  ADZE_TRY (set_text (record, "name", folder->name));
  if (folder->identity)
    ADZE_TRY (set_text (record, "identity", folder->identity));
  ADZE_TRY (set_time (record, "started"));
  return set_state (folder, "running", NULL);
}

/* What has been made of a run that does not begin after all. */
static void
undo_begin (const adze_folder *folder)
{
  static const char *const files[] = { "pipeline.toml", "run.json" };
  for (size_t i = 0; i < ADZE_COUNT_OF (files); i++) {
    ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", folder->path, files[i]);
    if (path)
      unlink (path);
  }
  rmdir (folder->path);
}

static adze_error *
go_on (adze_folder *folder)
{
  const adze_value *seconds = adze_value_get (folder->record, "seconds");
  const adze_value *resumed = adze_value_get (folder->record, "resumed");
  int64_t times = resumed && resumed->type == ADZE_VALUE_INT ? resumed->integer : 0;
  folder->seconds_before = seconds && seconds->type == ADZE_VALUE_FLOAT ? seconds->real : 0;
  ADZE_TRY (set_text (folder->record, "adze", adze_version ()));
  ADZE_TRY (set_int (folder->record, "resumed", times < INT64_MAX ? times + 1 : times));
  return set_state (folder, "running", NULL);
}

static adze_error *
begin_or_go_on (adze_folder *folder, const adze_folder_options *options)
{
  adze_run_name *names = NULL;
  size_t count = 0;
  ADZE_TRY (adze_run_names (folder->runs, &names, &count));
  uint64_t next = count > 0 ? names[count - 1].number + 1 : 1;
  adze_error *error = NULL;
  if (!options->fresh && folder->identity)
    error = look_for_unfinished (folder, names, count);
  adze_run_names_free (names, count);
  if (error || options->look)
    return error;
  if (folder->resumed)
    return go_on (folder);
  error = begin (folder, next, options->text);
  if (error && folder->path)
    undo_begin (folder);
  return error;
}

/* ---- Opening and closing. */

static adze_error *
prepare (adze_folder *folder, const adze_folder_options *options)
{
  if (!options->look) {
    adze_error *error = adze_folder_make (options->runs);
    if (error)
      return adze_error_wrap (error, "cannot make the folder of runs");
  }
  ADZE_TRY (adze_path_absolute (options->runs, &folder->runs));
  folder->name = strdup (options->name);
  folder->identity = options->identity ? strdup (options->identity) : NULL;
  if (!folder->name || (options->identity && !folder->identity))
    return adze_error_memory ();
  if (options->look)
    return NULL;
  return adze_run_lock_take (folder->runs, &folder->lock);
}

static adze_error *
open_all (adze_folder *folder, const adze_folder_options *options)
{
  ADZE_TRY (prepare (folder, options));
  ADZE_TRY (begin_or_go_on (folder, options));
  ADZE_TRY (adze_known_read (folder));
  if (!folder->path)
    return NULL;
  if (!options->look)
    ADZE_TRY (adze_run_lock_say (&folder->lock, folder->runs, adze_path_base (folder->path)));
  return adze_journal_open (&folder->journal, folder->path, options->look);
}

static void
release (adze_folder *folder)
{
  adze_lines_close (folder);
  adze_journal_close (&folder->journal);
  adze_known_close (&folder->known);
  adze_value_free (folder->record);
  adze_run_lock_give (&folder->lock);
  pthread_mutex_destroy (&folder->mutex);
  free (folder->used);
  free (folder->runs);
  free (folder->path);
  free (folder->name);
  free (folder->identity);
  free (folder);
}

adze_error *
adze_folder_open (const adze_folder_options *options, adze_folder **folder)
{
  *folder = NULL;
  adze_folder *made = calloc (1, sizeof *made);
  if (!made)
    return adze_error_memory ();
  made->lock.fd = -1;
  made->journal.file.fd = -1;
  made->fresh = options->fresh;
  made->look = options->look;
  made->opened_ns = adze_monotonic_ns ();
  pthread_mutex_init (&made->mutex, NULL); /* cannot fail with default attributes on Linux */
  adze_error *error = open_all (made, options);
  if (error) {
    release (made);
    return error;
  }
  *folder = made;
  return NULL;
}

adze_error *
adze_folder_flush (adze_folder *folder)
{
  ADZE_HOLDING (folder);
  adze_error *error = adze_lines_flush (folder, true);
  if (!error && folder->journal.file.fd >= 0)
    error = adze_journal_sync (&folder->journal);
  return error ? error : adze_known_save (folder);
}

void
adze_folder_close (adze_folder *folder)
{
  if (!folder)
    return;
  if (!folder->look)
    adze_error_free (adze_folder_flush (folder));
  release (folder);
}

const char *
adze_folder_path_of (const adze_folder *folder)
{
  return folder->path;
}

bool
adze_folder_is_resumed (const adze_folder *folder)
{
  return folder->resumed;
}

/* ---- Files of the run. */

/* A look writes nothing, and a name does not lead out of the folder. */
static adze_error *
check_file (const adze_folder *folder, const char *name)
{
  if (folder->look)
    return adze_error_new (ADZE_E_INTERNAL, "%s was to be written to a run that is only looked at",
                           name);
  if (name[0] == '\0' || name[0] == '.' || strchr (name, '/'))
    return adze_error_new (ADZE_E_INTERNAL, "'%s' cannot be a file of a run", name);
  return NULL;
}

adze_error *
adze_folder_put (adze_folder *folder, const char *name, const adze_value *value)
{
  ADZE_TRY (check_file (folder, name));
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", folder->path, name);
  if (!path)
    return adze_error_memory ();
  return adze_record_write (path, value);
}

adze_error *
adze_folder_add_line (adze_folder *folder, const char *name, const adze_value *line)
{
  ADZE_TRY (check_file (folder, name));
  ADZE_HOLDING (folder);
  return adze_lines_add (folder, name, line);
}
