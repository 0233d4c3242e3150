/* SPDX-License-Identifier: Apache-2.0 */
/* run/runs_text.c: runs as `adze runs` shows them: a list, one in full, a table for spreadsheets. */
#include <string.h>

#include "plugin/runtime.h"
#include "run/folder_private.h"

/* ---- Text that may come from anywhere. */

/* A control character in the name of a folder must not reach a terminal. */
static void
add_plain (adze_buffer *into, const char *text)
{
  size_t size = strlen (text);
  while (size > 0) {
    uint32_t code;
    size_t length = adze_utf8_read (text, size, &code);
    bool bad = code < 0x20 || (code >= 0x7f && code < 0xa0) || code == ADZE_UTF8_BAD
               || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    if (bad)
      adze_buffer_text (into, "?");
    else
      adze_buffer_add (into, text, length);
    text += length;
    size -= length;
  }
}

/* A cell, or what stands behind a name. Metrics are all real numbers, counts among them: those are
 * shown as people write them. */
static void
add_value (adze_buffer *into, const adze_value *value)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  if (!value)
    return;
  if (value->type == ADZE_VALUE_STRING)
    add_plain (into, value->string);
  else if (value->type == ADZE_VALUE_FLOAT && value->real > -1e15 && value->real < 1e15
           && value->real == (double)(int64_t)value->real)
    adze_buffer_format (into, "%lld", (long long)value->real);
  else
    adze_value_write_toml (value, &text);
  into->failed |= text.failed;
  adze_buffer_add (into, text.data, text.size);
}

static void
add_seconds (adze_buffer *into, const adze_value *seconds)
{
  if (seconds && seconds->type == ADZE_VALUE_FLOAT)
    adze_buffer_format (into, "%.1f", seconds->real);
}

/* ---- The list. */

enum { LIST_COLUMNS = 5 };
static const char *const list_heads[LIST_COLUMNS] = { "RUN", "NAME", "STATE", "STARTED", "SECONDS" };

static void
add_cell (const adze_value *run, size_t column, adze_buffer *into)
{
  static const char *const keys[] = { "number", "name", "state", "started", "seconds" };
  const adze_value *value = adze_value_get (run, keys[column]);
  if (!run)
    adze_buffer_text (into, list_heads[column]);
  else if (column == 0)
    adze_buffer_format (into, "%04lld", value ? (long long)value->integer : 0);
  else if (column == LIST_COLUMNS - 1)
    add_seconds (into, value);
  else
    add_value (into, value);
}

/* How many characters that is; one column each will do. */
static size_t
width_of (const char *text, size_t size)
{
  size_t width = 0;
  for (size_t i = 0; i < size; i++)
    width += ((unsigned char)text[i] & 0xc0) != 0x80;
  return width;
}

static void
widen (const adze_value *run, size_t widths[LIST_COLUMNS])
{
  for (size_t i = 0; i < LIST_COLUMNS; i++) {
    ADZE_AUTO (adze_buffer) cell = { 0 };
    add_cell (run, i, &cell);
    size_t width = width_of (cell.data, cell.size);
    widths[i] = width > widths[i] ? width : widths[i];
  }
}

static void
add_row (const adze_value *run, const size_t widths[LIST_COLUMNS], adze_buffer *into)
{
  for (size_t i = 0; i < LIST_COLUMNS; i++) {
    size_t before = into->size;
    add_cell (run, i, into);
    size_t width = width_of (into->data + before, into->size - before);
    if (i + 1 < LIST_COLUMNS)
      adze_buffer_format (into, "%*s", (int)(widths[i] - width + 2), "");
  }
  /* The last cells of a run that is under way are empty. */
  while (into->size > 0 && into->data[into->size - 1] == ' ')
    into->data[--into->size] = '\0';
  adze_buffer_text (into, "\n");
}

static void
list_text (const adze_value *runs, adze_buffer *into)
{
  size_t widths[LIST_COLUMNS] = { 0 };
  widen (NULL, widths);
  for (size_t i = 0; i < runs->count; i++)
    widen (runs->items[i], widths);
  if (runs->count > 0)
    add_row (NULL, widths, into);
  for (size_t i = 0; i < runs->count; i++)
    add_row (runs->items[i], widths, into);
}

/* ---- One run. */

static void
show_table (const adze_value *run, const char *key, const char *head, adze_buffer *into)
{
  const adze_value *table = adze_value_get (run, key);
  size_t width = 0;
  if (!table || table->count == 0)
    return;
  adze_buffer_format (into, "%s:\n", head);
  for (size_t i = 0; i < table->count; i++)
    width = table->items[i]->key_size > width ? table->items[i]->key_size : width;
  for (size_t i = 0; i < table->count; i++) {
    const adze_value *item = table->items[i];
    adze_buffer_text (into, "  ");
    add_plain (into, item->key);
    adze_buffer_format (into, "%*s", (int)(width - item->key_size + 2), "");
    add_value (into, item);
    adze_buffer_text (into, "\n");
  }
}

static void
show_line (const adze_value *run, const char *key, adze_buffer *into)
{
  const adze_value *value = adze_value_get (run, key);
  if (!value)
    return;
  adze_buffer_format (into, "  %-9s ", key);
  if (strcmp (key, "seconds") == 0)
    add_seconds (into, value);
  else
    add_value (into, value);
  adze_buffer_text (into, "\n");
}

/* The chain of a failure, as run.json has it from adze_error_json. */
static void
show_failure (const adze_value *failure, adze_buffer *into)
{
  const char *message = adze_record_text (failure, "message");
  if (!message)
    return;
  adze_buffer_text (into, "failed: ");
  add_plain (into, message);
  for (const adze_value *cause = adze_value_get (failure, "cause"); cause;
       cause = adze_value_get (cause, "cause")) {
    message = adze_record_text (cause, "message");
    adze_buffer_text (into, "\n  because ");
    add_plain (into, message ? message : "?");
  }
  adze_buffer_text (into, "\n");
}

/* Lines of text under a head; NULL: there are none. */
static void
show_lines (const adze_value *run, const char *key, adze_buffer *into)
{
  const adze_value *lines = adze_value_get (run, key);
  if (lines)
    adze_buffer_format (into, "%s:\n", key);
  for (size_t i = 0; lines && i < lines->count; i++) {
    adze_buffer_text (into, "  ");
    add_value (into, lines->items[i]);
    adze_buffer_text (into, "\n");
  }
}

static adze_error *
show_text (const adze_value *run, adze_buffer *into)
{
  static const char *const keys[]
      = { "path", "started", "finished", "seconds", "resumed", "seed", "adze" };
  const adze_value *number = adze_value_get (run, "number");
  adze_buffer_format (into, "%04lld ", number ? (long long)number->integer : 0);
  add_value (into, adze_value_get (run, "name"));
  adze_buffer_text (into, ": ");
  add_value (into, adze_value_get (run, "state"));
  adze_buffer_text (into, "\n");
  for (size_t i = 0; i < ADZE_COUNT_OF (keys); i++)
    show_line (run, keys[i], into);
  show_table (run, "parameters", "parameters", into);
  show_table (run, "metrics", "metrics", into);
  ADZE_TRY (adze_runs_show_stages (adze_value_get (run, "metrics"), into));
  show_table (run, "tables", "tables in report.json, and how many rows they have", into);
  show_lines (run, "achieved", into);
  show_lines (run, "fallbacks", into);
  show_lines (run, "warnings", into);
  show_failure (adze_value_get (run, "failure"), into);
  return NULL;
}

/* ---- The table: one row a run, one column for everything that any of them has. */

typedef struct group {
  const char *key;
  const char *prefix;
} group;

static const char *const table_keys[]
    = { "number", "name", "state", "started", "finished", "seconds", "resumed", "seed" };
static const group table_groups[] = { { "parameters", "param." }, { "metrics", "metric." } };

/* A row: a flat table with the columns' names for its keys. */
static adze_error *
make_row (const adze_value *run, adze_value *row)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (table_keys); i++) {
    const adze_value *value = adze_value_get (run, table_keys[i]);
    if (value)
      ADZE_TRY (adze_value_append (row, table_keys[i], adze_value_copy (value)));
  }
  for (size_t i = 0; i < ADZE_COUNT_OF (table_groups); i++) {
    const adze_value *table = adze_value_get (run, table_groups[i].key);
    for (size_t k = 0; table && k < table->count; k++) {
      ADZE_AUTO_FREE char *name
          = adze_text_format ("%s%s", table_groups[i].prefix, table->items[k]->key);
      if (!name)
        return adze_error_memory ();
      ADZE_TRY (adze_value_append (row, name, adze_value_copy (table->items[k])));
    }
  }
  return NULL;
}

/* In COLUMNS, whose values are of no interest, the keys of all rows in the order in which they come,
 * parameters of all runs before metrics. */
static adze_error *
collect_columns (const adze_value *rows, adze_value *columns)
{
  for (int pass = 0; pass < 3; pass++)
    for (size_t i = 0; i < rows->count; i++)
      for (size_t k = 0; k < rows->items[i]->count; k++) {
        const char *key = rows->items[i]->items[k]->key;
        int wanted = strncmp (key, "param.", 6) == 0 ? 1 : strncmp (key, "metric.", 7) == 0 ? 2 : 0;
        if (wanted != pass || adze_value_get (columns, key))
          continue;
        ADZE_TRY (adze_value_append (columns, key, adze_value_new (ADZE_VALUE_BOOL)));
      }
  return NULL;
}

/* As RFC 4180 has it. */
static void
add_csv (adze_buffer *into, const char *text)
{
  if (!strpbrk (text, ",\"\r\n")) {
    adze_buffer_text (into, text);
    return;
  }
  adze_buffer_text (into, "\"");
  for (; *text; text++)
    adze_buffer_format (into, "%s%c", *text == '"' ? "\"" : "", *text);
  adze_buffer_text (into, "\"");
}

static void
add_csv_row (const adze_value *columns, const adze_value *row, adze_buffer *into)
{
  for (size_t i = 0; i < columns->count; i++) {
    ADZE_AUTO (adze_buffer) cell = { 0 };
    if (row)
      add_value (&cell, adze_value_get (row, columns->items[i]->key));
    else
      add_plain (&cell, columns->items[i]->key);
    into->failed |= cell.failed;
    adze_buffer_text (into, i > 0 ? "," : "");
    add_csv (into, cell.data ? cell.data : "");
  }
  adze_buffer_text (into, "\n");
}

/* { "runs": [...] }. Takes LIST over. */
static adze_error *
write_document (adze_value *list, adze_buffer *into)
{
  ADZE_AUTO_VALUE owned = list;
  ADZE_AUTO_VALUE document = adze_value_new (ADZE_VALUE_TABLE);
  if (!document)
    return adze_error_memory ();
  ADZE_TRY (adze_value_append (document, "runs", adze_take (&owned)));
  adze_json_write (document, 2, into);
  return NULL;
}

static adze_error *
table_text (const adze_value *runs, bool json, adze_buffer *into)
{
  ADZE_AUTO_VALUE rows = adze_value_new (ADZE_VALUE_LIST);
  ADZE_AUTO_VALUE columns = adze_value_new (ADZE_VALUE_TABLE);
  if (!rows || !columns)
    return adze_error_memory ();
  for (size_t i = 0; i < runs->count; i++) {
    adze_value *row = adze_json_table (rows, NULL);
    if (!row)
      return adze_error_memory ();
    ADZE_TRY (make_row (runs->items[i], row));
  }
  if (json)
    return write_document (adze_take (&rows), into);
  ADZE_TRY (collect_columns (rows, columns));
  if (columns->count > 0)
    add_csv_row (columns, NULL, into);
  for (size_t i = 0; i < rows->count; i++)
    add_csv_row (columns, rows->items[i], into);
  return NULL;
}

/* ---- Which are meant, and all together. */

/* Of LIST only what RUN names: a pipeline's name. */
static void
keep_named (adze_value *list, const char *name)
{
  size_t kept = 0;
  for (size_t i = 0; i < list->count; i++) {
    const char *own = adze_record_text (list->items[i], "name");
    if (own && strcmp (own, name) == 0)
      list->items[kept++] = list->items[i];
    else
      adze_value_free (list->items[i]);
  }
  list->count = kept;
}

/* A run without metrics, and one whose metrics are lost, would look alike. */
static void
warn_of_damage (adze_runtime *runtime, const adze_value *run)
{
  const char *damage = adze_record_text (run, ADZE_RUN_UNREAD);
  if (damage)
    adze_event_bus_log (runtime->bus, NULL, ADZE_LOG_WARNING, "the metrics of a run are left out: %s",
                        damage);
}

static adze_error *
show_one (adze_runtime *runtime, const char *runs, const char *run, bool json, adze_buffer *into)
{
  ADZE_AUTO_FREE char *path = NULL;
  ADZE_AUTO_VALUE found = NULL;
  ADZE_TRY (adze_runs_find (runs, run ? run : "last", &path));
  ADZE_TRY (adze_run_read (path, &found));
  warn_of_damage (runtime, found);
  ADZE_TRY (adze_run_noted (path, found));
  if (json)
    adze_json_write (found, 2, into);
  else
    ADZE_TRY (show_text (found, into));
  return NULL;
}

static adze_error *
show_many (adze_runtime *runtime, const char *runs, adze_runs_form form, const char *name, bool json,
           adze_buffer *into)
{
  ADZE_AUTO_VALUE list = NULL;
  ADZE_TRY (adze_runs_read (runs, &list));
  if (name)
    keep_named (list, name);
  for (size_t i = 0; i < list->count; i++)
    warn_of_damage (runtime, list->items[i]);
  if (form == ADZE_RUNS_TABLE)
    return table_text (list, json, into);
  if (json)
    return write_document (adze_take (&list), into);
  list_text (list, into);
  return NULL;
}

adze_error *
adze_runs_text (adze_runtime *runtime, const char *runs, adze_runs_form form, const char *run,
                bool json, char **text)
{
  ADZE_AUTO (adze_buffer) made = { 0 };
  *text = NULL;
  if (runs)
    ADZE_TRY (adze_runs_check_named (runs));
  runs = runs ? runs : ADZE_RUNS_DEFAULT;
  ADZE_TRY (form == ADZE_RUNS_SHOW ? show_one (runtime, runs, run, json, &made)
                                   : show_many (runtime, runs, form, run, json, &made));
  return adze_buffer_finish (&made, text);
}
