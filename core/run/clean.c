/* SPDX-License-Identifier: Apache-2.0 */
/* run/clean.c: throwing away old runs, and results that none of those that are left has used. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "artifact/columns.h"
#include "run/folder_private.h"
#include "run/parts.h"

enum { DEPTH_MOST = 16 };

typedef struct cleaning {
  char *runs; /* absolute */
  bool pretend;
  adze_uses used; /* by runs that stay */
  char **kept; /* temporary files of outputs, of runs that stay */
  size_t kept_count;
  adze_value *report; /* { removed: [{ path, bytes }], left: [{ path, why }], bytes } */
  adze_value *removed;
  adze_value *left;
  uint64_t bytes;
} cleaning;

static adze_error *
complaint (const char *what, const char *path)
{
  adze_error *error = adze_error_errno ("cannot %s %s", what, path);
  adze_error_set (error, "file", path);
  return error;
}

/* ---- What is used. */

/* A use begins with its key. */
static int
compare (const void *a, const void *b)
{
  const adze_hash128 *one = a, *other = b;
  if (one->high != other->high)
    return one->high < other->high ? -1 : 1;
  return one->low < other->low ? -1 : one->low > other->low;
}

/* The key in front of a name in results; false: this is nothing of ours. */
static bool
key_of (const char *name, adze_hash128 *key)
{
  char text[ADZE_HASH_TEXT];
  size_t size = ADZE_HASH_TEXT - 1;
  if (strlen (name) <= size || name[size] != '.')
    return false;
  memcpy (text, name, size);
  text[size] = '\0';
  return adze_hash_parse (text, key);
}

/* A result's files may bear another key than its record: a pass writes before anybody knows the
 * content of what it reads. */
static adze_error *
note_files (cleaning *c, const char *results, adze_hash128 used)
{
  char text[ADZE_HASH_TEXT];
  bool found = false;
  ADZE_AUTO (adze_document) document = { 0 };
  adze_hash_text (used, text);
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s.json", results, text);
  if (!path)
    return adze_error_memory ();
  ADZE_AUTO_ERROR damaged = adze_record_read (path, &document, &found);
  if (adze_error_status (damaged) == ADZE_E_MEMORY)
    return adze_take (&damaged);
  const adze_value *files = adze_value_get (adze_value_get (document.root, "facts"), "files");
  for (size_t i = 0; !damaged && files && i < files->count; i++) {
    const char *name = adze_record_text (files->items[i], "path");
    adze_hash128 key;
    if (name && strncmp (name, "results/", 8) == 0 && key_of (name + 8, &key))
      ADZE_TRY (adze_uses_add (&c->used, key, NULL));
  }
  return NULL;
}

/* ---- Removing. */

static adze_error *remove_entry (const cleaning *c, int parent, const char *name, const char *path,
                                 unsigned depth, uint64_t *bytes);

static adze_error *
remove_entries (const cleaning *c, DIR *entries, const char *path, unsigned depth, uint64_t *bytes)
{
  for (;;) {
    errno = 0;
    const struct dirent *entry = readdir (entries);
    if (!entry)
      return errno ? complaint ("list the folder", path) : NULL;
    if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0)
      continue;
    ADZE_AUTO_FREE char *below = adze_text_format ("%s/%s", path, entry->d_name);
    if (!below)
      return adze_error_memory ();
    ADZE_TRY (remove_entry (c, dirfd (entries), entry->d_name, below, depth + 1, bytes));
  }
}

/* Links are removed, and never followed. */
static adze_error *
remove_entry (const cleaning *c, int parent, const char *name, const char *path, unsigned depth,
              uint64_t *bytes)
{
  struct stat status;
  if (fstatat (parent, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? NULL : complaint ("look at", path);
  if (S_ISDIR (status.st_mode)) {
    if (depth > DEPTH_MOST)
      return adze_error_new (ADZE_E_LIMIT, "%s is nested too deeply for a folder of a run", path);
    ADZE_AUTO_FD int fd
        = openat (parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir (fd);
    if (!entries)
      return complaint ("open the folder", path);
    fd = -1;
    adze_error *error = remove_entries (c, entries, path, depth, bytes);
    closedir (entries);
    if (error)
      return error;
  } else {
    *bytes += (uint64_t)status.st_size;
  }
  int flags = S_ISDIR (status.st_mode) ? AT_REMOVEDIR : 0;
  if (!c->pretend && unlinkat (parent, name, flags) != 0 && errno != ENOENT)
    return complaint ("remove", path);
  return NULL;
}

static adze_error *
report_removed (cleaning *c, const char *path, uint64_t bytes)
{
  adze_value *entry = adze_json_table (c->removed, NULL);
  adze_json_string (entry, "path", path);
  adze_json_int (entry, "bytes", (int64_t)bytes);
  c->bytes += bytes;
  return adze_json_failed (c->report) ? adze_error_memory () : NULL;
}

static adze_error *
remove_below (cleaning *c, const char *folder, const char *name)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", folder, name);
  ADZE_AUTO_FD int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  uint64_t bytes = 0;
  if (!path)
    return adze_error_memory ();
  if (fd < 0)
    return complaint ("open the folder", folder);
  ADZE_TRY (remove_entry (c, fd, name, path, 0, &bytes));
  return report_removed (c, path, bytes);
}

static bool
is_kept (const cleaning *c, const char *part)
{
  for (size_t i = 0; i < c->kept_count; i++)
    if (strcmp (c->kept[i], part) == 0)
      return true;
  return false;
}

/* What a run that ended early left beside its outputs, and no run that stays will go on with. */
static adze_error *
remove_part (cleaning *c, const char *part)
{
  struct stat status;
  if (is_kept (c, part) || lstat (part, &status) != 0)
    return NULL;
  if (!c->pretend && unlink (part) != 0 && errno != ENOENT)
    return complaint ("remove", part);
  return report_removed (c, part, (uint64_t)status.st_size);
}

static adze_error *
remove_parts (cleaning *c, const char *run)
{
  char **parts = NULL;
  size_t count = 0;
  adze_error *error = adze_parts_of (c->runs, run, &parts, &count);
  for (size_t i = 0; !error && i < count; i++)
    error = remove_part (c, parts[i]);
  adze_names_free (parts, count);
  return error;
}

/* The parts of a run that stays become those that are kept. */
static adze_error *
keep_parts (cleaning *c, const char *run)
{
  char **parts = NULL;
  size_t count = 0;
  ADZE_TRY (adze_parts_of (c->runs, run, &parts, &count));
  char **grown = count ? reallocarray (c->kept, c->kept_count + count, sizeof *grown) : c->kept;
  if (count && !grown) {
    adze_names_free (parts, count);
    return adze_error_memory ();
  }
  c->kept = grown;
  for (size_t i = 0; i < count; i++)
    grown[c->kept_count++] = parts[i];
  free (parts);
  return NULL;
}

/* Its parts first: where they are is known from its folder alone. */
static adze_error *
remove_run (cleaning *c, const char *run)
{
  ADZE_TRY (remove_parts (c, run));
  return remove_below (c, c->runs, run);
}

static adze_error *
clean_results (cleaning *c)
{
  ADZE_AUTO_FREE char *results = adze_text_format ("%s/results", c->runs);
  char **names = NULL;
  size_t count = 0;
  if (!results)
    return adze_error_memory ();
  for (size_t i = 0, records = c->used.count; i < records; i++)
    ADZE_TRY (note_files (c, results, c->used.items[i].key));
  ADZE_TRY (adze_folder_names (results, "", &names, &count));
  if (c->used.count > 1)
    qsort (c->used.items, c->used.count, sizeof c->used.items[0], compare);
  adze_error *error = NULL;
  for (size_t i = 0; !error && i < count; i++) {
    adze_hash128 key;
    if (key_of (names[i], &key)
        && !(c->used.count > 0
             && bsearch (&key, c->used.items, c->used.count, sizeof c->used.items[0], compare)))
      error = remove_below (c, results, names[i]);
  }
  adze_names_free (names, count);
  return error;
}

/* ---- Runs, and folders that are only called like one. */

/* Is RECORD that of the run whose folder this is, and not one that was copied there? */
static adze_error *
is_record_of (const adze_value *record, const adze_run_name *run, bool *is)
{
  const adze_value *number = adze_value_get (record, "number");
  const char *name = adze_record_text (record, "name");
  *is = name && adze_record_text (record, "adze") && adze_record_text (record, "state") && number
        && number->type == ADZE_VALUE_INT && number->integer == (int64_t)run->number;
  return *is ? adze_run_is_of (run->folder, name, is) : NULL;
}

/* A folder with nothing in it is that of a run that was killed as it began, and nothing is lost with
 * it. WHY stays NULL for a run. */
static adze_error *
is_run (const char *folder, const adze_run_name *run, const char **why)
{
  struct stat status;
  bool found = false;
  char **names = NULL;
  size_t count = 0;
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/run.json", folder);
  *why = "it is no folder, and so no run";
  if (!path)
    return adze_error_memory ();
  if (lstat (folder, &status) != 0 || !S_ISDIR (status.st_mode))
    return NULL;
  ADZE_AUTO_ERROR damaged = adze_record_read (path, &document, &found);
  if (adze_error_status (damaged) == ADZE_E_MEMORY)
    return adze_take (&damaged);
  ADZE_TRY (adze_folder_names (folder, "", &names, &count));
  adze_names_free (names, count);
  bool known = false;
  ADZE_TRY (is_record_of (document.root, run, &known));
  *why = count == 0 || known ? NULL
         : found ? "its run.json is none that adze wrote for it, or is damaged"
                 : "it has no run.json, so adze did not make it, or was killed as it did";
  return NULL;
}

static adze_error *
leave (cleaning *c, const char *path, const char *why)
{
  adze_value *entry = adze_json_table (c->left, NULL);
  adze_json_string (entry, "path", path);
  adze_json_string (entry, "why", why);
  return adze_json_failed (c->report) ? adze_error_memory () : NULL;
}

/* Moves those that are no runs to the end; *COUNT are left. */
static adze_error *
sort_out (cleaning *c, adze_run_name *names, size_t *count)
{
  size_t runs = 0;
  for (size_t i = 0; i < *count; i++) {
    const char *why;
    ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", c->runs, names[i].folder);
    if (!path)
      return adze_error_memory ();
    ADZE_TRY (is_run (path, &names[i], &why));
    if (why) {
      ADZE_TRY (leave (c, path, why));
      continue;
    }
    adze_run_name run = names[i];
    memmove (&names[runs + 1], &names[runs], (i - runs) * sizeof names[0]);
    names[runs++] = run;
  }
  *count = runs;
  return NULL;
}

static adze_error *
clean_runs (cleaning *c, uint64_t keep)
{
  adze_run_name *names = NULL;
  size_t all = 0;
  ADZE_TRY (adze_run_names (c->runs, &names, &all));
  size_t count = all;
  adze_error *error = sort_out (c, names, &count);
  size_t old = count > keep ? count - (size_t)keep : 0;
  for (size_t i = old; !error && i < count; i++)
    error = keep_parts (c, names[i].folder);
  for (size_t i = 0; !error && i < count; i++)
    error = i < old ? remove_run (c, names[i].folder)
                    : adze_uses_read (c->runs, names[i].folder, &c->used);
  adze_run_names_free (names, all);
  return error;
}

/* ---- All of it. */

/* Every run makes the folder's lock before anything else, so without it adze has never run there. To
 * make one would be to write into what may be anybody's folder. FOUND stays false where there is
 * nothing to clean. */
static adze_error *
find_runs (const char *named, const char *runs, bool *found)
{
  ADZE_AUTO_FREE char *lock = adze_text_format ("%s/lock", runs);
  if (!lock)
    return adze_error_memory ();
  if (named)
    ADZE_TRY (adze_runs_check_named (named));
  *found = access (lock, F_OK) == 0;
  if (*found || access (runs, F_OK) != 0)
    return NULL;
  adze_error *error
      = adze_error_new (ADZE_E_NOT_FOUND,
                        "%s has no file 'lock', which every run makes first, so nothing has run "
                        "there; nothing was removed",
                        runs);
  adze_error_set (error, "file", runs);
  adze_error_set (error, "hint", "name the folder of the runs with --runs");
  return error;
}

static adze_error *
write_report (const cleaning *c, bool json, char **text)
{
  ADZE_AUTO (adze_buffer) made = { 0 };
  adze_json_int (c->report, "bytes", (int64_t)c->bytes);
  if (adze_json_failed (c->report))
    return adze_error_memory ();
  if (json) {
    adze_json_write (c->report, 2, &made);
    return adze_buffer_finish (&made, text);
  }
  for (size_t i = 0; i < c->removed->count; i++) {
    const adze_value *entry = c->removed->items[i];
    adze_buffer_format (&made, "%s %s (%" PRId64 " bytes)\n",
                        c->pretend ? "would remove" : "removed", adze_record_text (entry, "path"),
                        adze_value_get (entry, "bytes")->integer);
  }
  for (size_t i = 0; i < c->left->count; i++) {
    const adze_value *entry = c->left->items[i];
    adze_buffer_safe_line (&made, "left alone %s: %s", adze_record_text (entry, "path"),
                           adze_record_text (entry, "why"));
  }
  adze_buffer_format (&made, "%" PRIu64 " bytes in %zu places%s\n", c->bytes, c->removed->count,
                      c->pretend ? "; nothing was removed" : "");
  return adze_buffer_finish (&made, text);
}

static adze_error *
clean (cleaning *c, uint64_t keep)
{
  ADZE_TRY (clean_runs (c, keep));
  return clean_results (c);
}

adze_error *
adze_runs_clean (adze_runtime *runtime, const char *runs, uint64_t keep, bool pretend, bool json,
                 char **text)
{
  (void)runtime;
  *text = NULL;
  ADZE_AUTO_VALUE report = adze_value_new (ADZE_VALUE_TABLE);
  adze_value *removed = adze_json_list (report, "removed");
  adze_value *left = adze_json_list (report, "left");
  cleaning c = { .pretend = pretend, .report = report, .removed = removed, .left = left };
  adze_run_lock lock = { .fd = -1 };
  if (!removed || !left)
    return adze_error_memory ();
  ADZE_TRY (adze_path_absolute (runs ? runs : ADZE_RUNS_DEFAULT, &c.runs));
  bool found = false;
  adze_error *error = find_runs (runs, c.runs, &found);
  if (!error && found)
    error = adze_run_lock_take (c.runs, &lock);
  if (!error && found)
    error = clean (&c, keep);
  if (!error)
    error = write_report (&c, json, text);
  adze_run_lock_give (&lock);
  adze_names_free (c.kept, c.kept_count);
  adze_uses_cleanup (&c.used);
  free (c.runs);
  return error;
}
