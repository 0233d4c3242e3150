/* SPDX-License-Identifier: Apache-2.0 */
/* run/lines.c: the .jsonl files of a run, buffered. */
#include "run/folder_private.h"

#include <string.h>

/* What is buffered of one file before it is written. */
enum { PENDING_MOST = 64 << 10 };

static adze_error *
find (adze_folder *folder, const char *name, adze_lines **lines)
{
  for (size_t i = 0; i < folder->line_count; i++)
    if (strcmp (folder->lines[i].name, name) == 0) {
      *lines = &folder->lines[i];
      return NULL;
    }
  adze_lines *grown = realloc (folder->lines, (folder->line_count + 1) * sizeof *grown);
  if (!grown)
    return adze_error_memory ();
  folder->lines = grown;
  adze_lines made = { .name = strdup (name), .file = ADZE_APPEND_INIT };
  if (!made.name)
    return adze_error_memory ();
  adze_error *error = adze_append_open (folder->path, name, &made.file);
  if (error) {
    free (made.name);
    return error;
  }
  grown[folder->line_count] = made;
  *lines = &grown[folder->line_count++];
  return NULL;
}

/* What could not be written is given up: its caller hears of it now, and it would only be in the way
 * of later lines. */
static adze_error *
write_pending (adze_lines *lines)
{
  size_t size = lines->pending.size;
  if (size == 0)
    return NULL;
  lines->pending.size = 0;
  return adze_append_write (&lines->file, lines->pending.data, size);
}

adze_error *
adze_lines_add (adze_folder *folder, const char *name, const adze_value *line)
{
  adze_lines *lines = NULL;
  ADZE_TRY (find (folder, name, &lines));
  size_t before = lines->pending.size;
  adze_json_write (line, 0, &lines->pending);
  adze_buffer_text (&lines->pending, "\n");
  if (lines->pending.failed) {
    /* Half a line is none. */
    lines->pending.failed = false;
    lines->pending.size = before;
    return adze_error_memory ();
  }
  return lines->pending.size < PENDING_MOST ? NULL : write_pending (lines);
}

adze_error *
adze_lines_flush (adze_folder *folder, bool events)
{
  adze_error *first = NULL;
  for (size_t i = 0; i < folder->line_count; i++) {
    if (!events && strcmp (folder->lines[i].name, "events.jsonl") == 0)
      continue;
    adze_error *error = write_pending (&folder->lines[i]);
    if (first)
      adze_error_free (error);
    else
      first = error;
  }
  return first;
}

void
adze_lines_close (adze_folder *folder)
{
  for (size_t i = 0; i < folder->line_count; i++) {
    free (folder->lines[i].name);
    adze_append_close (&folder->lines[i].file);
    adze_buffer_cleanup (&folder->lines[i].pending);
  }
  free (folder->lines);
  folder->lines = NULL;
  folder->line_count = 0;
}
