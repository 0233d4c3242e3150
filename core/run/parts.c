/* SPDX-License-Identifier: Apache-2.0 */
/* run/parts.c: parts.jsonl: { path } a line. What lies below the folder that RUNS is in is kept
 * without it, so that a project can be moved, and a copy of it does not clean the original. */
#include "run/parts.h"

#include <string.h>

#include "artifact/format.h"
#include "run/folder_private.h"

enum { PARTS_MOST = 64 << 20 };
static const char parts_name[] = "parts.jsonl";

/* How long the folder is that RUNS is in, with its slash. */
static size_t
project_size (const char *runs)
{
  return (size_t)(adze_path_base (runs) - runs);
}

/* Runs in two folders may be making the same at the same time: they share no file. A later one in a folder
 * of that place does, though nobody remembers the first; and where the project was moved since, as long as
 * the output moved with it. */
adze_error *
adze_part_tag (const adze_folder *folder, adze_hash128 key, const char *output,
               char tag[ADZE_HASH_TEXT])
{
  ADZE_AUTO_FREE char *absolute = NULL;
  ADZE_AUTO (adze_buffer) text = { 0 };
  size_t size = project_size (folder->runs);
  ADZE_TRY (adze_path_settle (output, &absolute));
  bool inside = size > 0 && strncmp (absolute, folder->runs, size) == 0;
  adze_buffer_add (&text, &key, sizeof key);
  adze_buffer_text (&text, inside ? folder->runs + size : folder->runs);
  if (text.failed)
    return adze_error_memory ();
  adze_hash_text (adze_leaf_hash (text.data, text.size), tag);
  tag[ADZE_RUN_TAG] = '\0';
  return NULL;
}

adze_error *
adze_part_note (adze_folder *folder, const char *path)
{
  ADZE_AUTO_FREE char *absolute = NULL;
  ADZE_AUTO_VALUE line = adze_value_new (ADZE_VALUE_TABLE);
  size_t size = project_size (folder->runs);
  if (!line)
    return adze_error_memory ();
  ADZE_TRY (adze_path_settle (path, &absolute));
  bool inside = size > 0 && strncmp (absolute, folder->runs, size) == 0;
  adze_json_string (line, "path", inside ? absolute + size : absolute);
  if (adze_json_failed (line))
    return adze_error_memory ();
  ADZE_TRY (adze_folder_add_line (folder, parts_name, line));
  ADZE_HOLDING (folder);
  return adze_lines_flush (folder, false);
}

/* Named as the writer names them, ".NAME.TAG.part": nothing else is ever touched. */
static bool
is_part (const char *path)
{
  const char *name = adze_path_base (path);
  size_t size = strlen (name), tail = strlen (".part");
  struct stat status;
  return name[0] == '.' && size > tail + 1 && strcmp (name + size - tail, ".part") == 0
         && lstat (path, &status) == 0 && S_ISREG (status.st_mode);
}

static bool
has (char *const *paths, size_t count, const char *path)
{
  for (size_t i = 0; i < count; i++)
    if (strcmp (paths[i], path) == 0)
      return true;
  return false;
}

/* A line that was cut short names nothing. */
static adze_error *
add_line (const char *runs, const char *from, const char *line, size_t size, char ***paths,
          size_t *count)
{
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_ERROR damaged = adze_json_parse (from, line, size, &document);
  if (adze_error_status (damaged) == ADZE_E_MEMORY)
    return adze_take (&damaged);
  const char *text = adze_record_text (document.root, "path");
  if (!text || !text[0])
    return NULL;
  ADZE_AUTO_FREE char *path
      = text[0] == '/' ? strdup (text)
                       : adze_text_format ("%.*s%s", (int)project_size (runs), runs, text);
  if (!path)
    return adze_error_memory ();
  if (!is_part (path) || has (*paths, *count, path))
    return NULL;
  char **grown = reallocarray (*paths, *count + 1, sizeof *grown);
  if (!grown)
    return adze_error_memory ();
  *paths = grown;
  grown[(*count)++] = adze_take (&path);
  return NULL;
}

static adze_error *
read_lines (const char *runs, const char *from, char ***paths, size_t *count)
{
  ADZE_AUTO_FREE char *text = NULL;
  size_t size = 0;
  adze_error *error = adze_file_read (from, PARTS_MOST, &text, &size);
  if (adze_error_status (error) == ADZE_E_NOT_FOUND) {
    adze_error_free (error);
    return NULL;
  }
  if (error)
    return error;
  for (char *line = text; *line;) {
    size_t length = strcspn (line, "\n");
    ADZE_TRY (add_line (runs, from, line, length, paths, count));
    line += length + (line[length] == '\n');
  }
  return NULL;
}

adze_error *
adze_parts_of (const char *runs, const char *run, char ***paths, size_t *count)
{
  *paths = NULL;
  *count = 0;
  ADZE_AUTO_FREE char *from = adze_text_format ("%s/%s/%s", runs, run, parts_name);
  if (!from)
    return adze_error_memory ();
  adze_error *error = read_lines (runs, from, paths, count);
  if (!error)
    return NULL;
  adze_names_free (*paths, *count);
  *paths = NULL;
  *count = 0;
  return error;
}

/* ---- Those that are of no more use. */

typedef struct dropping {
  const adze_folder *folder;
  const char *name;
  bool own;
  char **kept; /* of runs that can be gone on with */
  size_t kept_count;
} dropping;

static void
dropping_cleanup (dropping *d)
{
  adze_names_free (d->kept, d->kept_count);
}

/* One whose record cannot be read may be any. */
static adze_error *
state_of (const dropping *d, const char *run, bool *finished, bool *dropped)
{
  ADZE_AUTO (adze_document) document = { 0 };
  bool found = false;
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s/run.json", d->folder->runs, run);
  if (!path)
    return adze_error_memory ();
  ADZE_AUTO_ERROR damaged = adze_record_read (path, &document, &found);
  if (adze_error_status (damaged) == ADZE_E_MEMORY)
    return adze_take (&damaged);
  const char *state = adze_record_text (document.root, "state");
  const char *name = adze_record_text (document.root, "name");
  bool own = strcmp (run, adze_path_base (d->folder->path)) == 0;
  bool ours = d->own ? own : name && strcmp (name, d->name) == 0;
  *finished = state && strcmp (state, "finished") == 0;
  /* What an earlier attempt in the same folder made of other content nobody asks for any more. */
  *dropped = (own && *finished) || (ours && state && strcmp (state, "failed") == 0);
  return NULL;
}

static adze_error *
keep (dropping *d, const char *run)
{
  char **parts = NULL;
  size_t count = 0;
  ADZE_TRY (adze_parts_of (d->folder->runs, run, &parts, &count));
  char **grown = reallocarray (d->kept, d->kept_count + count + 1, sizeof *grown);
  if (!grown) {
    adze_names_free (parts, count);
    return adze_error_memory ();
  }
  d->kept = grown;
  for (size_t i = 0; i < count; i++)
    grown[d->kept_count++] = parts[i];
  free (parts);
  return NULL;
}

static adze_error *
drop (const dropping *d, const char *run, uint64_t *bytes)
{
  char **parts = NULL;
  size_t count = 0;
  adze_error *error = adze_parts_of (d->folder->runs, run, &parts, &count);
  for (size_t i = 0; !error && i < count; i++) {
    struct stat status;
    if (has (d->kept, d->kept_count, parts[i]) || lstat (parts[i], &status) != 0)
      continue;
    if (unlink (parts[i]) == 0)
      *bytes += (uint64_t)status.st_size;
    else
      error = adze_error_errno ("cannot remove %s", parts[i]);
  }
  adze_names_free (parts, count);
  return error;
}

static adze_error *
drop_all (dropping *d, const adze_run_name *names, size_t count, uint64_t *bytes)
{
  ADZE_AUTO_FREE bool *dropped = calloc (count + 1, sizeof *dropped);
  if (!dropped)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++) {
    bool finished = false;
    ADZE_TRY (state_of (d, names[i].folder, &finished, &dropped[i]));
    if (!finished && !dropped[i])
      ADZE_TRY (keep (d, names[i].folder));
  }
  for (size_t i = 0; i < count; i++)
    if (dropped[i])
      ADZE_TRY (drop (d, names[i].folder, bytes));
  return NULL;
}

adze_error *
adze_parts_drop (const adze_folder *folder, const char *name, bool own, uint64_t *bytes)
{
  ADZE_AUTO (dropping) d = { .folder = folder, .name = name, .own = own };
  adze_run_name *names = NULL;
  size_t count = 0;
  *bytes = 0;
  ADZE_TRY (adze_run_names (folder->runs, &names, &count));
  adze_error *error = drop_all (&d, names, count, bytes);
  adze_run_names_free (names, count);
  return error;
}
