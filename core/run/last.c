/* SPDX-License-Identifier: Apache-2.0 */
/* run/last.c: what earlier runs used or left: whether there is any use in asking for a result, and
 * what `--explain` compares with. */
#include <string.h>

#include "run/folder_private.h"

enum { LOOKS_MOST = 1000 };

/* ---- Records of results. */

bool
adze_result_names (const adze_value *parts, const char *stage)
{
  const char *list = adze_record_text (parts, "stage");
  size_t size = strlen (stage);
  while (list && *list) {
    size_t length = strcspn (list, ",");
    if (length == size && strncmp (list, stage, size) == 0)
      return true;
    list += length;
    list += strspn (list, ", ");
  }
  return false;
}

/* Is it about any of STAGES, whose keys they are? */
static bool
is_about (const adze_value *parts, const adze_value *stages)
{
  for (size_t i = 0; i < stages->count; i++)
    if (adze_result_names (parts, stages->items[i]->key))
      return true;
  return false;
}

/* The parts of the record at PATH; *PARTS stays NULL when it is none of this version. */
static adze_error *
read_parts (const char *path, adze_value **parts, int64_t *time_ns)
{
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO (adze_buffer) why = { 0 };
  bool sound = false;
  *parts = NULL;
  ADZE_TRY (adze_result_read (path, NULL, &document, &sound, &why));
  const adze_value *time = sound ? adze_value_get (document.root, "time_ns") : NULL;
  if (!time || time->type != ADZE_VALUE_INT)
    return NULL;
  *time_ns = time->integer;
  *parts = adze_value_copy (adze_value_get (document.root, "parts"));
  return *parts ? NULL : adze_error_memory ();
}

/* ---- All that there are, newest first. */

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

adze_error *
adze_result_any (const adze_folder *folder, const char *stages, bool *any)
{
  candidate *candidates = NULL;
  size_t count = 0;
  *any = false;
  adze_error *error = collect (folder, &candidates, &count);
  for (size_t i = 0; !error && i < count && i < LOOKS_MOST && !*any; i++) {
    ADZE_AUTO_VALUE parts = NULL;
    int64_t time_ns;
    error = read_parts (candidates[i].path, &parts, &time_ns);
    const char *own = parts ? adze_record_text (parts, "stage") : NULL;
    *any = own && strcmp (own, stages) == 0;
  }
  /* Among so many there may well be one. */
  *any = *any || count > LOOKS_MOST;
  free_candidates (candidates, count);
  return error;
}

/* Files written within one tick of the clock have one time, and their records tell. */
adze_error *
adze_result_newest (const adze_folder *folder, const adze_value *stages, adze_value **parts)
{
  candidate *candidates = NULL;
  size_t count = 0;
  *parts = NULL;
  int64_t best = 0;
  adze_error *error = collect (folder, &candidates, &count);
  for (size_t i = 0; !error && i < count && i < LOOKS_MOST; i++) {
    ADZE_AUTO_VALUE found = NULL;
    int64_t time_ns = 0;
    if (*parts && candidates[i].time_ns != candidates[i - 1].time_ns)
      break;
    error = read_parts (candidates[i].path, &found, &time_ns);
    if (!found || !is_about (found, stages) || (*parts && time_ns <= best))
      continue;
    adze_value_free (*parts);
    *parts = adze_take (&found);
    best = time_ns;
  }
  free_candidates (candidates, count);
  return error;
}

/* ---- What one run used. */

/* The later one first: where a run was gone on with, it is what counts. */
static adze_error *
used_by (const adze_folder *folder, const char *run, adze_value *records)
{
  ADZE_AUTO (adze_uses) uses = { 0 };
  ADZE_TRY (adze_uses_read (folder->runs, run, &uses));
  for (size_t i = uses.count; i-- > 0;)
    if (uses.items[i].parts->count > 0)
      ADZE_TRY (adze_value_append (records, NULL, adze_take (&uses.items[i].parts)));
  return NULL;
}

typedef struct last_run {
  adze_value *records;
  bool finished;
  int64_t ended_ns;
} last_run;

static adze_error *
read_end (const adze_folder *folder, const char *run, last_run *last)
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
  const adze_value *ended = adze_value_get (document.root, "finished_ns");
  last->finished = !damaged && state && strcmp (state, "finished") == 0;
  last->ended_ns = ended && ended->type == ADZE_VALUE_INT ? ended->integer : 0;
  return NULL;
}

/* A run that finished is later than one that did not; of two that did, the one that ended later, which
 * may have begun before the other. RUN is older than all that were looked at before. */
static adze_error *
look_at_run (const adze_folder *folder, const char *run, last_run *best)
{
  bool ours = false;
  last_run own = { 0 };
  ADZE_TRY (adze_run_is_of (run, folder->name, &ours));
  if (!ours)
    return NULL;
  ADZE_TRY (read_end (folder, run, &own));
  if (best->records && (!own.finished || (best->finished && best->ended_ns >= own.ended_ns)))
    return NULL;
  ADZE_AUTO_VALUE used = adze_value_new (ADZE_VALUE_LIST);
  if (!used)
    return adze_error_memory ();
  ADZE_TRY (used_by (folder, run, used));
  if (used->count == 0)
    return NULL;
  adze_value_free (best->records);
  *best = own;
  best->records = adze_take (&used);
  return NULL;
}

adze_error *
adze_last_run (const adze_folder *folder, adze_value **records, bool *finished)
{
  adze_run_name *names = NULL;
  size_t count = 0;
  last_run best = { 0 };
  *records = NULL;
  ADZE_TRY (adze_run_names (folder->runs, &names, &count));
  size_t least = count > LOOKS_MOST ? count - LOOKS_MOST : 0;
  adze_error *error = NULL;
  for (size_t i = count; !error && i-- > least;)
    error = look_at_run (folder, names[i].folder, &best);
  adze_run_names_free (names, count);
  *finished = best.finished;
  if (error)
    adze_value_free (best.records);
  else
    *records = best.records;
  return error;
}
