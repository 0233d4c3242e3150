/* SPDX-License-Identifier: Apache-2.0 */
/* csv: a source of tables in text files. The file is gone through once, when it is opened, and
 * checked; what is kept is where each row begins. */
#include "csv.h"

static const adze_param params[] = {
  { .name = "path", .type = ADZE_PARAM_FILE, .help = "the file" },
  { .name = "separator", .type = ADZE_PARAM_STRING, .preset = ",",
    .help = "the one character between cells, or \"tab\"" },
  { .name = "quoting", .type = ADZE_PARAM_BOOL, .preset = "true",
    .help = "cells may stand in double quotes; false: quotes are plain characters" },
  { .name = "skip-lines", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, inf)",
    .unit = "lines", .help = "how many lines in front of the table are no part of it" },
  { .name = "header", .type = ADZE_PARAM_BOOL, .preset = "true",
    .help = "the first line names the columns; false: they are called \"1\", \"2\" ..." },
  { .name = "columns", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "which columns to take, in this order; empty: all" },
  { .name = "text-columns", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "columns that are text also where they look like numbers" },
  { .name = "features", .type = ADZE_PARAM_STRING, .preset = "",
    .help = "name of one column that gathers all numbers but the label; empty: each stays alone" },
  { .name = "label", .type = ADZE_PARAM_STRING, .preset = "",
    .help = "the column that says what an example is, as a whole number; it comes last" },
  { .name = "classes", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "the words of a label that is text; the first one becomes 0" },
  { .name = "missing", .type = ADZE_PARAM_CHOICE, .preset = "error", .choices = "error|nan",
    .help = "what becomes of a number that is not there" },
  { .name = "missing-words", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING,
    .preset = "[\"\", \"NA\", \"NaN\", \"nan\"]",
    .help = "what stands in a cell that has no number" },
  { .name = "number-type", .type = ADZE_PARAM_CHOICE, .preset = "f64", .choices = "f64|f32",
    .help = "type of features, and of numbers that are not all whole" },
  { .name = NULL }
};

typedef struct csv {
  adze_file *file;
  csv_dialect dialect;
  csv_columns columns;
  csv_row row;
  adze_marks rows, lines;
  void **rooms; /* of one read */
  adze_window window;
} csv;

static void
close_csv (const adze_host *host, void *instance)
{
  csv *self = (csv *)instance;
  csv_columns_release (host, &self->columns);
  csv_row_release (host, &self->row);
  adze_marks_release (host, &self->rows);
  adze_marks_release (host, &self->lines);
  host->release (host, self->rooms);
  host->release (host, self);
}

/* ---- Opening. */

static adze_status
read_dialect (const adze_host *host, const adze_params *values, csv_dialect *dialect)
{
  const char *word = adze_param_string (host, values, "separator");
  const char *separator = strcmp (word, "tab") == 0 ? "\t" : word;
  dialect->quoting = adze_param_bool (host, values, "quoting");
  dialect->separator = separator[0];
  if (separator[0] == '\0' || separator[1] != '\0' || strchr ("\"\r\n", separator[0]))
    return adze_fail (host, ADZE_E_PARAM,
                      "'separator' is \"%.20s\"; needed is one character of ASCII that is neither a "
                      "quote nor the end of a line, or \"tab\"",
                      word);
  return ADZE_OK;
}

static void
read_choices (const adze_host *host, const adze_params *values, csv_columns *columns)
{
  const adze_params_service *service = adze_params_of (host);
  columns->path = adze_param_string (host, values, "path");
  columns->wanted = service->get_nested (values, "columns");
  columns->texts = service->get_nested (values, "text-columns");
  columns->missing_words = service->get_nested (values, "missing-words");
  columns->classes = service->get_nested (values, "classes");
  columns->label = adze_param_string (host, values, "label");
  columns->features = adze_param_string (host, values, "features");
  columns->missing_is_nan = strcmp (adze_param_string (host, values, "missing"), "nan") == 0;
  columns->single = strcmp (adze_param_string (host, values, "number-type"), "f32") == 0;
}

/* Leaves the window behind a mark of UTF-8 and the lines that are no part of the table. */
static adze_status
skip_front (const adze_host *host, csv *self, int64_t lines)
{
  static const unsigned char mark[] = { 0xef, 0xbb, 0xbf }, packed[] = { 0x1f, 0x8b };
  adze_window *window = &self->window;
  if (adze_window_peek (host, window) == ADZE_WINDOW_FAILED)
    return window->status;
  if (window->end >= sizeof packed && memcmp (window->buffer, packed, sizeof packed) == 0)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "%s is packed by gzip; unpack it first: gunzip --keep", self->columns.path);
  if (window->end >= sizeof mark && memcmp (window->buffer, mark, sizeof mark) == 0)
    window->next = sizeof mark;
  while ((int64_t)self->row.next_line <= lines) {
    int byte = adze_window_next (host, window);
    if (byte == ADZE_WINDOW_FAILED)
      return window->status;
    if (byte == ADZE_WINDOW_END)
      return adze_fail (host, ADZE_E_FORMAT, "%s has not the %lld lines that 'skip-lines' says",
                        self->columns.path, (long long)lines);
    if (byte == '\n')
      self->row.next_line++;
  }
  return ADZE_OK;
}

static adze_status
next_row (const adze_host *host, csv *self, bool *more)
{
  return csv_row_read (host, &self->dialect, &self->window, &self->row, more);
}

/* Through the whole file: names, types, where the rows are. */
static adze_status
scan (const adze_host *host, csv *self, bool header)
{
  bool more;
  adze_status status = next_row (host, self, &more);
  if (status == ADZE_OK && !more)
    return adze_fail (host, ADZE_E_FORMAT, "%s has no lines; needed are %s", self->columns.path,
                      header ? "one with names and some with values" : "some with values");
  if (status == ADZE_OK)
    status = csv_columns_name (host, &self->columns, &self->row, header);
  if (status == ADZE_OK && header)
    status = next_row (host, self, &more);
  while (status == ADZE_OK && more) {
    status = adze_marks_add (host, &self->rows, self->row.at);
    if (status == ADZE_OK)
      status = adze_marks_add (host, &self->lines, self->row.line);
    if (status == ADZE_OK)
      status = csv_columns_learn (host, &self->columns, &self->row);
    if (status == ADZE_OK)
      status = next_row (host, self, &more);
  }
  if (status == ADZE_OK && adze_marks_count (&self->rows) == 0)
    return adze_fail (host, ADZE_E_FORMAT,
                      "%s has a line with names, and none with values; where the first line is data "
                      "already, say header = false",
                      self->columns.path);
  return status == ADZE_OK ? csv_columns_settle (host, &self->columns) : status;
}

static adze_status
open_parts (const adze_host *host, const adze_params *values, adze_schema *schema, csv *self)
{
  read_choices (host, values, &self->columns);
  adze_status status = read_dialect (host, values, &self->dialect);
  if (status == ADZE_OK)
    status = adze_files_of (host)->open (host, self->columns.path, &self->file);
  if (status != ADZE_OK)
    return status;
  self->row.next_line = 1;
  adze_window_open (&self->window, self->file, 0, adze_file_size (host, self->file));
  status = skip_front (host, self, adze_param_int (host, values, "skip-lines"));
  if (status == ADZE_OK)
    status = scan (host, self, adze_param_bool (host, values, "header"));
  if (status != ADZE_OK)
    return status;
  self->rooms
      = (void **)host->allocate (host, self->columns.output_count * sizeof *self->rooms);
  if (!self->rooms)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu columns",
                      self->columns.output_count);
  status = csv_columns_declare (host, &self->columns, schema);
  if (status != ADZE_OK)
    return status;
  return adze_schema_of (host)->count (host, schema, adze_marks_count (&self->rows));
}

static adze_status
open_csv (const adze_host *host, const adze_params *values, adze_schema *schema, void **instance)
{
  csv *self = (csv *)host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  adze_status status = open_parts (host, values, schema, self);
  if (status == ADZE_OK)
    *instance = self;
  else
    close_csv (host, self);
  return status;
}

/* ---- Reading. */

static adze_status
read_row (const adze_host *host, csv *self, uint64_t example)
{
  bool more;
  uint64_t last = example + 1 < adze_marks_count (&self->rows)
                      ? adze_marks_at (&self->rows, example + 1)
                      : adze_file_size (host, self->file);
  adze_window_open (&self->window, self->file, adze_marks_at (&self->rows, example), last);
  self->row.next_line = adze_marks_at (&self->lines, example);
  return next_row (host, self, &more);
}

static adze_status
read_csv (const adze_host *host, void *instance, const uint64_t *examples, size_t count,
          adze_batch *batch)
{
  csv *self = (csv *)instance;
  const csv_columns *columns = &self->columns;
  for (size_t i = 0; i < columns->output_count; i++) {
    if (csv_output_is_text (&columns->outputs[i]))
      continue;
    self->rooms[i] = adze_batch_of (host)->room (host, batch, i);
    if (!self->rooms[i])
      return adze_fail (host, ADZE_E_MEMORY, "no room for %zu examples", count);
  }
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    status = read_row (host, self, examples[i]);
    if (status == ADZE_OK)
      status = csv_columns_put (host, columns, &self->row, batch, self->rooms, i);
  }
  return status;
}

static const adze_source callbacks = {
  .struct_size = sizeof callbacks,
  .open = open_csv,
  .close = close_csv,
  .read = read_csv,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_SOURCE_REVISION,
  .kind = ADZE_SOURCE,
  .id = "csv",
  .summary = "Tables in text files: cells between commas, tabs or another character",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "csv",
  .version = "0.1.0",
  .summary = "Tables in text files",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (csv, plugin);
