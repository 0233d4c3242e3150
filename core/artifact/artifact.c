/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/artifact.c: values other than models and datasets: is one what its type says? */
#include "artifact/artifact.h"

#include <string.h>

#include "artifact/dag.h"
#include "base/json.h"

void
adze_artifact_close (struct adze_artifact *artifact)
{
  if (!artifact)
    return;
  adze_model_close (artifact->model);
  adze_dataset_close (artifact->dataset);
  free (artifact->type);
  free (artifact->data);
  free (artifact);
}

/* ---- Tables: CSV as RFC 4180 has it, commas between cells. */

typedef struct table_reader {
  const char *path, *data;
  size_t size, at, line;
} table_reader;

static adze_error *
bad_table (const table_reader *r, size_t line, const char *what)
{
  adze_error *error = adze_error_new (ADZE_E_FORMAT, "%s:%zu: %s", r->path, line, what);
  adze_error_set (error, "file", r->path);
  adze_error_setf (error, "line", "%zu", line);
  return error;
}

/* Behind the last quote of a quoted cell. */
static adze_error *
skip_quoted (table_reader *r)
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
  return bad_table (r, line, "a quoted cell begins here and never ends");
}

static adze_error *
skip_cell (table_reader *r)
{
  if (r->at < r->size && r->data[r->at] == '"')
    ADZE_TRY (skip_quoted (r));
  else
    while (r->at < r->size && !strchr (",\r\n\"", r->data[r->at]))
      r->at++;
  if (r->at + 1 < r->size && r->data[r->at] == '\r' && r->data[r->at + 1] == '\n')
    r->at++;
  if (r->at == r->size || r->data[r->at] == ',' || r->data[r->at] == '\n')
    return NULL;
  return bad_table (r, r->line,
                    "needed behind a cell is a comma or the end of the line (a cell with quotes or "
                    "line ends in it is quoted)");
}

/* Cells of the row that begins here; leaves the reader at the next one. */
static adze_error *
count_cells (table_reader *r, size_t *cells)
{
  *cells = 0;
  for (;;) {
    ADZE_TRY (skip_cell (r));
    (*cells)++;
    bool more = r->at < r->size && r->data[r->at] == ',';
    if (r->at < r->size)
      r->line += r->data[r->at++] == '\n';
    if (!more)
      return NULL;
  }
}

static adze_error *
check_table (const char *path, const char *data, size_t size)
{
  table_reader r = { path, data, size, 0, 1 };
  size_t head, cells;
  if (size == 0)
    return bad_table (&r, 1, "a table begins with a line that names its columns");
  if (memchr (data, '\0', size))
    return bad_table (&r, 1, "a table is text, and this one has a NUL in it");
  ADZE_TRY (count_cells (&r, &head));
  while (r.at < r.size) {
    size_t line = r.line;
    ADZE_TRY (count_cells (&r, &cells));
    if (cells == head)
      continue;
    adze_error *error = bad_table (&r, line, "not as many cells as the head has names");
    adze_error_setf (error, "needed", "%zu", head);
    adze_error_setf (error, "found", "%zu", cells);
    return error;
  }
  return NULL;
}

/* ---- The others. */

static adze_error *
check_json (const char *path, const char *data, size_t size)
{
  ADZE_AUTO (adze_document) document = { 0 };
  return adze_json_parse (path, data, size, &document);
}

static adze_error *
check_text (const char *path, const char *data, size_t size)
{
  size_t line = 1;
  for (size_t at = 0; at < size;) {
    uint32_t code;
    at += adze_utf8_read (data + at, size - at, &code);
    line += code == '\n';
    if (code != ADZE_UTF8_BAD)
      continue;
    adze_error *error = adze_error_new (ADZE_E_FORMAT, "%s:%zu: not UTF-8", path, line);
    adze_error_set (error, "file", path);
    adze_error_setf (error, "line", "%zu", line);
    return error;
  }
  return NULL;
}

adze_error *
adze_artifact_check (const char *type, const char *path, const char *data, size_t size)
{
  static const struct {
    const char *type;
    adze_error *(*check) (const char *path, const char *data, size_t size);
  } checks[] = {
    { ADZE_TYPE_TABLE, check_table }, { ADZE_TYPE_DAG, adze_dag_check },
    { ADZE_TYPE_TEXT, check_text },   { ADZE_TYPE_STATS, check_json },
    { ADZE_TYPE_REPORT, check_json },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (checks); i++)
    if (strcmp (checks[i].type, type) == 0) {
      adze_error *error = checks[i].check (path, data, size);
      return error ? adze_error_wrap (error, "%s is no %s", path, type) : NULL;
    }
  return NULL;
}
