/* SPDX-License-Identifier: Apache-2.0 */
/* run/look.c: runs, looked back at: what they say of themselves, and which one is meant. */
#include <errno.h>
#include <string.h>

#include "run/folder_private.h"

/* The newest so many are read; nesting of metrics and parameters beyond this is passed over. */
enum { RUNS_MOST = 100000, FLAT_DEPTH_MOST = 16 };

/* ---- Flat tables: "clip.percentile" -> 99.9. */

static adze_error *flatten (const adze_value *from, const char *prefix, unsigned depth,
                            adze_value *into);

static adze_error *
flatten_one (const adze_value *value, const char *name, unsigned depth, adze_value *into)
{
  if (value->type == ADZE_VALUE_TABLE)
    return depth < FLAT_DEPTH_MOST ? flatten (value, name, depth + 1, into) : NULL;
  if (value->type != ADZE_VALUE_LIST) {
    adze_value *copy = adze_value_copy (value);
    return adze_value_append (into, name, copy);
  }
  /* A list is one value of a table of runs, as it would be written in a pipeline. */
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_value_write_toml (value, &text);
  adze_json_string (into, name, text.failed ? NULL : text.data);
  return text.failed || adze_json_failed (into) ? adze_error_memory () : NULL;
}

static adze_error *
flatten (const adze_value *from, const char *prefix, unsigned depth, adze_value *into)
{
  for (size_t i = 0; from && from->type == ADZE_VALUE_TABLE && i < from->count; i++) {
    const adze_value *value = from->items[i];
    ADZE_AUTO_FREE char *name
        = adze_text_format ("%s%s%s", prefix, prefix[0] ? "." : "", value->key);
    if (!name)
      return adze_error_memory ();
    ADZE_TRY (flatten_one (value, name, depth, into));
  }
  return NULL;
}

static adze_error *
add_flat (adze_value *run, const char *key, const adze_value *from)
{
  ADZE_AUTO_VALUE table = adze_value_new (ADZE_VALUE_TABLE);
  if (!table)
    return adze_error_memory ();
  ADZE_TRY (flatten (from, "", 0, table));
  return adze_value_append (run, key, adze_take (&table));
}

/* ---- One run. */

/* "small" of "0001-small". */
static const char *
name_part (const char *folder)
{
  const char *dash = strchr (folder, '-');
  return dash ? dash + 1 : folder;
}

static adze_error *
copy_key (adze_value *run, const adze_value *record, const char *key)
{
  const adze_value *value = adze_value_get (record, key);
  adze_value *copy = value ? adze_value_copy (value) : NULL;
  if (!value)
    return NULL;
  return adze_value_append (run, key, copy);
}

/* "running" is what a run says that was killed, too: then nobody holds the lock for it. */
static const char *
state_of (const adze_value *record, const char *folder, const char *holder)
{
  const char *state = adze_record_text (record, "state");
  if (!state)
    return "damaged";
  if (strcmp (state, "running") != 0)
    return state;
  return holder && strcmp (holder, folder) == 0 ? "running" : "broken off";
}

static adze_error *
add_metrics (adze_value *run, const char *path)
{
  ADZE_AUTO_FREE char *file = adze_text_format ("%s/metrics.json", path);
  ADZE_AUTO (adze_document) document = { 0 };
  bool found = false;
  if (!file)
    return adze_error_memory ();
  ADZE_AUTO_ERROR damaged = adze_record_read (file, &document, &found);
  if (adze_error_status (damaged) == ADZE_E_MEMORY)
    return adze_take (&damaged);
  if (damaged)
    adze_json_string (run, ADZE_RUN_UNREAD, adze_error_message (damaged));
  if (adze_json_failed (run))
    return adze_error_memory ();
  return add_flat (run, "metrics", damaged ? NULL : document.root);
}

static adze_error *
fill (adze_value *run, const adze_value *record, const char *path, const char *folder,
      const char *holder)
{
  static const char *const keys[] = { "started", "finished", "seconds", "resumed", "seed", "adze" };
  const char *name = adze_record_text (record, "name");
  adze_json_string (run, "name", name ? name : name_part (folder));
  adze_json_string (run, "path", path);
  adze_json_string (run, "state", state_of (record, folder, holder));
  if (adze_json_failed (run))
    return adze_error_memory ();
  for (size_t i = 0; i < ADZE_COUNT_OF (keys); i++)
    ADZE_TRY (copy_key (run, record, keys[i]));
  ADZE_TRY (add_flat (run, "parameters", adze_value_get (record, "parameters")));
  ADZE_TRY (add_metrics (run, path));
  return copy_key (run, record, "failure");
}

static adze_error *
tell_damage (adze_value *run, const adze_error *damaged)
{
  adze_value *failure = adze_json_table (run, "failure");
  adze_json_string (failure, "message",
                    damaged ? adze_error_message (damaged) : "it has no run.json");
  return adze_json_failed (run) ? adze_error_memory () : NULL;
}

/* A run of which nothing can be read is told of all the same. *RUN stays NULL when PATH is no
 * folder. */
static adze_error *
read_run (const char *path, const adze_run_name *name, const char *holder, adze_value **run)
{
  ADZE_AUTO_FREE char *file = adze_text_format ("%s/run.json", path);
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_VALUE made = adze_value_new (ADZE_VALUE_TABLE);
  bool found = false;
  struct stat status;
  if (!file || !made)
    return adze_error_memory ();
  if (stat (path, &status) == 0 && !S_ISDIR (status.st_mode))
    return NULL;
  ADZE_AUTO_ERROR damaged = adze_record_read (file, &document, &found);
  if (adze_error_status (damaged) == ADZE_E_MEMORY)
    return adze_take (&damaged);
  const adze_value *record = damaged || !found ? NULL : document.root;
  adze_json_int (made, "number", (int64_t)name->number);
  ADZE_TRY (fill (made, record, path, name->folder, holder));
  if (!record)
    ADZE_TRY (tell_damage (made, damaged));
  *run = adze_take (&made);
  return NULL;
}

static adze_error *
read_into (const char *runs, const adze_run_name *name, const char *holder, adze_value *list)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", runs, name->folder);
  ADZE_AUTO_VALUE run = NULL;
  if (!path)
    return adze_error_memory ();
  ADZE_TRY (read_run (path, name, holder, &run));
  return run ? adze_value_append (list, NULL, adze_take (&run)) : NULL;
}

/* The folder's own name says its number, if it is one of a run. */
adze_error *
adze_run_read (const char *path, adze_value **run)
{
  *run = NULL;
  ADZE_AUTO_FREE char *absolute = NULL;
  ADZE_AUTO_FREE char *holder = NULL;
  long process = 0;
  ADZE_TRY (adze_path_absolute (path, &absolute));
  const char *base = adze_path_base (absolute);
  ADZE_AUTO_FREE char *runs = strndup (absolute, (size_t)(base - absolute));
  if (!runs)
    return adze_error_memory ();
  ADZE_TRY (adze_run_lock_holder (runs, &holder, &process));
  adze_run_name name = { strtoull (base, NULL, 10), (char *)base };
  ADZE_AUTO_VALUE made = NULL;
  ADZE_TRY (read_run (absolute, &name, holder, &made));
  if (!made)
    return adze_error_new (ADZE_E_NOT_FOUND, "%s is no folder", absolute);
  *run = adze_take (&made);
  return NULL;
}

adze_error *
adze_runs_read (const char *runs, adze_value **list)
{
  *list = NULL;
  ADZE_AUTO_FREE char *absolute = NULL;
  ADZE_AUTO_FREE char *holder = NULL;
  ADZE_AUTO_VALUE made = adze_value_new (ADZE_VALUE_LIST);
  adze_run_name *names = NULL;
  size_t count = 0;
  long process = 0;
  if (!made)
    return adze_error_memory ();
  ADZE_TRY (adze_path_absolute (runs, &absolute));
  ADZE_TRY (adze_run_lock_holder (absolute, &holder, &process));
  ADZE_TRY (adze_run_names (absolute, &names, &count));
  adze_error *error = NULL;
  for (size_t i = count > RUNS_MOST ? count - RUNS_MOST : 0; !error && i < count; i++)
    error = read_into (absolute, &names[i], holder, made);
  adze_run_names_free (names, count);
  if (!error)
    *list = adze_take (&made);
  return error;
}

/* ---- Which one? */

static bool
is_meant (const adze_run_name *name, const char *run)
{
  char *end = NULL;
  errno = 0;
  uint64_t number = strtoull (run, &end, 10);
  if (run[0] >= '0' && run[0] <= '9' && *end == '\0' && errno == 0)
    return number == name->number;
  return strcmp (name->folder, run) == 0 || strcmp (name_part (name->folder), run) == 0;
}

static adze_error *
no_such_run (const char *runs, const char *run, const adze_run_name *names, size_t count)
{
  if (count == 0) {
    adze_error *error = adze_error_new (ADZE_E_NOT_FOUND, "there are no runs in %s", runs);
    adze_error_set (error, "file", runs);
    adze_error_set (error, "hint", "name the folder of the runs with --runs");
    return error;
  }
  ADZE_AUTO_FREE const char **candidates = calloc (count, sizeof *candidates);
  if (!candidates)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    candidates[i] = name_part (names[i].folder);
  const char *meant = adze_nearest (run, candidates, count);
  adze_error *error
      = meant ? adze_error_new (ADZE_E_NOT_FOUND, "there is no run '%s' in %s; did you mean '%s'?",
                                run, runs, meant)
              : adze_error_new (ADZE_E_NOT_FOUND, "there is no run '%s' in %s; the last one is %s",
                                run, runs, names[count - 1].folder);
  adze_error_set (error, "file", runs);
  adze_error_set (error, "hint", "`adze runs list` shows what there is");
  return error;
}

/* Anything with a slash in it is a path, and so is a folder here that holds a run. */
static adze_error *
as_path (const char *run, char **path)
{
  ADZE_AUTO_FREE char *file = adze_text_format ("%s/run.json", run);
  struct stat status;
  if (!file)
    return adze_error_memory ();
  if (stat (file, &status) == 0)
    return adze_path_absolute (run, path);
  if (!strchr (run, '/'))
    return NULL;
  adze_error *error = adze_error_errno ("%s is no folder of a run: cannot look at %s", run, file);
  adze_error_set (error, "file", file);
  return error;
}

adze_error *
adze_runs_find (const char *runs, const char *run, char **path)
{
  *path = NULL;
  ADZE_TRY (as_path (run, path));
  if (*path)
    return NULL;
  ADZE_AUTO_FREE char *absolute = NULL;
  adze_run_name *names = NULL;
  size_t count = 0, at;
  ADZE_TRY (adze_path_absolute (runs, &absolute));
  ADZE_TRY (adze_run_names (absolute, &names, &count));
  for (at = count; at > 0; at--)
    if (strcmp (run, "last") == 0 || is_meant (&names[at - 1], run))
      break;
  adze_error *error = NULL;
  if (at == 0)
    error = no_such_run (absolute, run, names, count);
  else if (!(*path = adze_text_format ("%s/%s", absolute, names[at - 1].folder)))
    error = adze_error_memory ();
  adze_run_names_free (names, count);
  return error;
}
