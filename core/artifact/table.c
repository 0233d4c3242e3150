/* SPDX-License-Identifier: Apache-2.0 */
#include "artifact/table.h"

#include <string.h>

#include "base/buffer.h"
#include "plugin/host_table.h"

typedef struct cell {
  size_t at, size; /* in .text */
} cell;

struct adze_table {
  char *text; /* a copy, in which each cell ends with a NUL */
  cell *cells; /* the head's first, then row by row */
  size_t *lines;
  size_t columns, rows;
};

/* ---- Cells, one after the other. */

typedef struct reader {
  const char *path, *data;
  size_t size, at, line;
} reader;

/* The mark of the byte order, which spreadsheets begin UTF-8 with, is no part of the first name. */
static reader
begin (const char *path, const char *data, size_t size)
{
  const bool marked = size >= 3 && memcmp (data, "\xef\xbb\xbf", 3) == 0;
  return (reader){ path, data, size, marked ? 3 : 0, 1 };
}

static adze_error *
bad (const reader *r, size_t line, const char *what)
{
  adze_error *error = adze_error_new (ADZE_E_FORMAT, "%s:%zu: %s", r->path, line, what);
  adze_error_set (error, "file", r->path);
  adze_error_setf (error, "line", "%zu", line);
  return error;
}

/* Behind the last quote of a quoted cell. */
static adze_error *
skip_quoted (reader *r)
{
  size_t line = r->line;
  for (r->at++; r->at < r->size; r->at++) {
    r->line += r->data[r->at] == '\n';
    if (r->data[r->at] != '"')
      continue;
    if (r->at + 1 == r->size || r->data[r->at + 1] != '"') {
      r->at++;
      return NULL;
    }
    r->at++;
  }
  return bad (r, line, "a quoted cell begins here and never ends");
}

/* The bytes of the cell that begins here, with its quotes. */
static adze_error *
skip_cell (reader *r, cell *bytes)
{
  bytes->at = r->at;
  if (r->at < r->size && r->data[r->at] == '"')
    ADZE_TRY (skip_quoted (r));
  else
    while (r->at < r->size && !strchr (",\r\n\"", r->data[r->at]))
      r->at++;
  bytes->size = r->at - bytes->at;
  if (r->at + 1 < r->size && r->data[r->at] == '\r' && r->data[r->at + 1] == '\n')
    r->at++;
  if (r->at == r->size || r->data[r->at] == ',' || r->data[r->at] == '\n')
    return NULL;
  return bad (r, r->line,
              "needed behind a cell is a comma or the end of the line (a cell with quotes or line "
              "ends in it is quoted)");
}

/* The row that begins here; leaves the reader at the next one. Cells go to INTO, ROOM at the most. */
static adze_error *
read_row (reader *r, cell *into, size_t room, size_t *count)
{
  *count = 0;
  for (;;) {
    cell bytes;
    ADZE_TRY (skip_cell (r, &bytes));
    if (*count < room)
      into[*count] = bytes;
    (*count)++;
    bool more = r->at < r->size && r->data[r->at] == ',';
    if (r->at < r->size)
      r->line += r->data[r->at++] == '\n';
    if (!more)
      return NULL;
  }
}

/* ---- Rows. */

static adze_error *
check_count (const reader *r, size_t line, size_t needed, size_t found)
{
  if (needed == found)
    return NULL;
  adze_error *error = bad (r, line, "not as many cells as the head has names");
  adze_error_setf (error, "needed", "%zu", needed);
  adze_error_setf (error, "found", "%zu", found);
  return error;
}

static adze_error *
count_rows (reader *r, size_t *columns, size_t *rows)
{
  size_t cells;
  if (r->at == r->size)
    return bad (r, 1, "a table begins with a line that names its columns");
  if (memchr (r->data, '\0', r->size))
    return bad (r, 1, "a table is text, and this one has a NUL in it");
  ADZE_TRY (read_row (r, NULL, 0, columns));
  for (*rows = 0; r->at < r->size; (*rows)++) {
    size_t line = r->line;
    ADZE_TRY (read_row (r, NULL, 0, &cells));
    ADZE_TRY (check_count (r, line, *columns, cells));
  }
  return NULL;
}

adze_error *
adze_table_check (const char *path, const char *data, size_t size)
{
  reader r = begin (path, data, size);
  size_t columns, rows;
  return count_rows (&r, &columns, &rows);
}

/* ---- What cells say. */

/* Takes quotes away, and puts a NUL where a comma, a line's end or a quote stood. */
static void
settle_cell (char *text, cell *one)
{
  size_t size = 0, first = one->at;
  if (one->size > 0 && text[first] == '"') {
    for (size_t i = first + 1; i + 1 < first + one->size; i++) {
      text[first + size++] = text[i];
      i += text[i] == '"';
    }
    one->size = size;
  }
  text[first + one->size] = '\0';
}

static adze_error *
check_utf8 (const reader *r)
{
  size_t line = 1;
  for (size_t at = 0; at < r->size;) {
    uint32_t code;
    at += adze_utf8_read (r->data + at, r->size - at, &code);
    line += code == '\n';
    if (code == ADZE_UTF8_BAD)
      return bad (r, line, "not UTF-8");
  }
  return NULL;
}

typedef struct named {
  const char *name;
  size_t column;
} named;

static int
compare_named (const void *a, const void *b)
{
  return strcmp (((const named *)a)->name, ((const named *)b)->name);
}

static adze_error *
check_names (const reader *r, const adze_table *table)
{
  ADZE_AUTO_FREE named *names = calloc (table->columns, sizeof *names);
  if (!names)
    return adze_error_memory ();
  for (size_t i = 0; i < table->columns; i++) {
    names[i] = (named){ table->text + table->cells[i].at, i };
    if (!*names[i].name)
      return adze_error_new (ADZE_E_FORMAT, "%s:1: column %zu has no name", r->path, i + 1);
  }
  qsort (names, table->columns, sizeof *names, compare_named);
  for (size_t i = 1; i < table->columns; i++)
    if (strcmp (names[i].name, names[i - 1].name) == 0)
      return adze_error_new (ADZE_E_FORMAT, "%s:1: two columns are called '%.64s'", r->path, names[i].name);
  return NULL;
}

static adze_error *
read_cells (reader *r, adze_table *table)
{
  size_t count;
  table->text = malloc (r->size + 1);
  table->lines = calloc (table->rows + 1, sizeof *table->lines);
  if (table->columns > SIZE_MAX / sizeof *table->cells / (table->rows + 1))
    return adze_error_memory ();
  table->cells = calloc ((table->rows + 1) * table->columns, sizeof *table->cells);
  if (!table->text || !table->lines || !table->cells)
    return adze_error_memory ();
  memcpy (table->text, r->data, r->size);
  for (size_t row = 0; row <= table->rows; row++) {
    table->lines[row] = r->line;
    ADZE_TRY (read_row (r, table->cells + row * table->columns, table->columns, &count));
  }
  for (size_t i = 0; i < (table->rows + 1) * table->columns; i++)
    settle_cell (table->text, &table->cells[i]);
  return check_names (r, table);
}

adze_error *
adze_table_parse (const char *path, const char *data, size_t size, adze_table **table)
{
  reader r = begin (path, data, size), again = r;
  adze_table *fresh = calloc (1, sizeof *fresh);
  adze_error *error = fresh ? count_rows (&r, &fresh->columns, &fresh->rows) : adze_error_memory ();
  if (!error)
    error = check_utf8 (&again);
  if (!error)
    error = read_cells (&again, fresh);
  if (error)
    adze_table_free (fresh);
  else
    *table = fresh;
  return error;
}

void
adze_table_free (adze_table *table)
{
  if (!table)
    return;
  free (table->text);
  free (table->cells);
  free (table->lines);
  free (table);
}

/* ---- The service. */

static adze_status
service_read (const adze_host *host, const char *name, const void *data, size_t size, adze_table **table)
{
  *table = NULL;
  adze_error *error = adze_table_parse (name, data, size, table);
  return error ? adze_desk_fail (adze_desk_of (host), error) : ADZE_OK;
}

static void
service_close (const adze_host *host, adze_table *table)
{
  (void)host;
  adze_table_free (table);
}

static size_t
rows (const adze_table *table)
{
  return table->rows;
}

static size_t
columns (const adze_table *table)
{
  return table->columns;
}

static const char *
name_of (const adze_table *table, size_t column)
{
  return column < table->columns ? table->text + table->cells[column].at : NULL;
}

static adze_text
cell_of (const adze_table *table, size_t row, size_t column)
{
  if (row >= table->rows || column >= table->columns)
    return (adze_text){ "", 0 };
  const cell *one = &table->cells[(row + 1) * table->columns + column];
  return (adze_text){ table->text + one->at, one->size };
}

static size_t
line_of (const adze_table *table, size_t row)
{
  return row < table->rows ? table->lines[row + 1] : 0;
}

const adze_table_service adze_table_services = {
  .struct_size = sizeof adze_table_services,
  .read = service_read,
  .close = service_close,
  .rows = rows,
  .columns = columns,
  .name = name_of,
  .cell = cell_of,
  .line = line_of,
};
