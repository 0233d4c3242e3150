/* SPDX-License-Identifier: Apache-2.0 */
/* run/runs_noted.c: what somebody who looks at a run has to know of it besides its numbers: what came out
 * otherwise than it was asked for. Its events have that, of a run that failed as well. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "run/folder_private.h"
#include "stage/early.h"
#include "stage/instance.h"

/* A list for people; more than that is not read by anybody, and a last line says that there is more. */
enum { NOTED_MOST = 200 };
static const char and_more[] = "there is more, all of it in events.jsonl";

/* A run that went on tells again what is done again. */
static adze_error *
add (adze_value *run, const char *list, const char *source, const char *text)
{
  adze_value *lines = (adze_value *)adze_value_get (run, list);
  ADZE_AUTO_FREE char *line
      = adze_text_format ("%s%s%s", source ? source : "", source ? ": " : "", text ? text : "");
  if (!lines)
    lines = adze_json_list (run, list);
  if (!line || !lines)
    return adze_error_memory ();
  for (size_t i = 0; i < lines->count; i++)
    if (strcmp (lines->items[i]->string, line) == 0)
      return NULL;
  if (lines->count > NOTED_MOST)
    return NULL;
  return adze_json_string (lines, NULL, lines->count < NOTED_MOST ? line : and_more)
             ? NULL
             : adze_error_memory ();
}

/* A number, or the word that JSON has in the place of one. */
static void
add_number (adze_buffer *into, const adze_value *number)
{
  if (number && number->type == ADZE_VALUE_STRING)
    adze_buffer_text (into, number->string);
  else
    adze_buffer_format (into, "%.4g",
                        !number                          ? 0.0
                        : number->type == ADZE_VALUE_INT ? (double)number->integer
                                                         : number->real);
}

static adze_error *
add_achieved (adze_value *run, const char *source, const adze_value *fields)
{
  const char *name = adze_record_text (fields, "name");
  ADZE_AUTO (adze_buffer) line = { 0 };
  ADZE_AUTO_FREE char *text = NULL;
  adze_buffer_format (&line, "%s asked for ", name ? name : "?");
  add_number (&line, adze_value_get (fields, "asked"));
  adze_buffer_text (&line, ", got ");
  add_number (&line, adze_value_get (fields, "got"));
  ADZE_TRY (adze_buffer_finish (&line, &text));
  return add (run, "achieved", source, text);
}

static adze_error *
add_fallback (adze_value *run, const char *source, const adze_value *fields)
{
  ADZE_AUTO_FREE char *text = adze_fallback_text (fields);
  return text ? add (run, "fallbacks", source, text) : adze_error_memory ();
}

static adze_error *
add_warning (adze_value *run, const char *source, const adze_value *fields)
{
  const char *level = adze_record_text (fields, "level");
  if (!level || strcmp (level, "warning") != 0)
    return NULL;
  return add (run, "warnings", source, adze_record_text (fields, "message"));
}

static adze_error *
look_at (adze_value *run, const char *path, const char *line, size_t size)
{
  static const struct {
    const char *id;
    adze_error *(*add) (adze_value *run, const char *source, const adze_value *fields);
  } kinds[] = {
    { ADZE_EVENT_ACHIEVED, add_achieved },
    { ADZE_EVENT_FALLBACK, add_fallback },
    { "log", add_warning },
  };
  ADZE_AUTO (adze_document) event = { 0 };
  /* A line that is torn has been torn by a kill. */
  ADZE_AUTO_ERROR torn = adze_json_parse (path, line, size, &event);
  const char *id = torn ? NULL : adze_record_text (event.root, "id");
  for (size_t i = 0; id && i < ADZE_COUNT_OF (kinds); i++)
    if (strcmp (id, kinds[i].id) == 0)
      return kinds[i].add (run, adze_record_text (event.root, "source"),
                           adze_value_get (event.root, "fields"));
  return NULL;
}

/* Tables are too large to be shown: which there are, with their rows. */
static adze_error *
add_tables (const char *folder, adze_value *run)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/report.json", folder);
  ADZE_AUTO (adze_document) report = { 0 };
  bool found = false;
  if (!path)
    return adze_error_memory ();
  ADZE_AUTO_ERROR damaged = adze_record_read (path, &report, &found);
  if (adze_error_status (damaged) == ADZE_E_MEMORY)
    return adze_take (&damaged);
  if (damaged)
    return add (run, "warnings", NULL, adze_error_message (damaged));
  const adze_value *stages = found ? adze_value_get (report.root, "stages") : NULL;
  adze_value *counts = NULL;
  for (size_t i = 0; stages && i < stages->count; i++) {
    const adze_value *tables = adze_value_get (stages->items[i], "tables");
    for (size_t k = 0; tables && k < tables->count; k++) {
      ADZE_AUTO_FREE char *name
          = adze_text_format ("%s.%s", stages->items[i]->key, tables->items[k]->key);
      counts = counts ? counts : adze_json_table (run, "tables");
      if (!name || !counts || !adze_json_int (counts, name, (int64_t)tables->items[k]->count))
        return adze_error_memory ();
    }
  }
  return NULL;
}

adze_error *
adze_run_noted (const char *folder, adze_value *run)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/events.jsonl", folder);
  FILE *file = path ? fopen (path, "re") : NULL;
  if (!file)
    return !path             ? adze_error_memory ()
           : errno == ENOENT ? NULL
                             : adze_error_errno ("cannot open %s", path);
  ADZE_AUTO_FREE char *line = NULL;
  size_t room = 0;
  ssize_t size;
  adze_error *error = NULL;
  while (!error && (size = getline (&line, &room, file)) > 0)
    error = look_at (run, path, line, (size_t)size);
  fclose (file);
  return error ? error : add_tables (folder, run);
}
