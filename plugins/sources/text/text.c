/* SPDX-License-Identifier: Apache-2.0 */
/* text: a source of texts in UTF-8: the lines, the paragraphs, or the whole of files. The files are
 * gone through once, when they are opened, and checked; what is kept is where each text begins. */
#include <inttypes.h>

#include <adze/sdk.h>

static const adze_param params[] = {
  { .name = "path", .type = ADZE_PARAM_FILE, .preset = "", .help = "the file" },
  { .name = "paths", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_FILE, .preset = "[]",
    .help = "files, one after the other; behind 'path' when both are given" },
  { .name = "unit", .type = ADZE_PARAM_CHOICE, .preset = "line",
    .choices = "line|paragraph|document",
    .help = "what one example is; paragraphs have lines with nothing on them between them" },
  { .name = "keep-empty", .type = ADZE_PARAM_BOOL, .preset = "false",
    .help = "unit line: lines with nothing on them are examples, too" },
  { .name = NULL }
};

typedef enum text_unit { TEXT_LINE, TEXT_PARAGRAPH, TEXT_DOCUMENT } text_unit;

typedef struct text_file {
  adze_file *file;
  const char *path;
  uint64_t first; /* the number of its first example */
} text_file;

typedef struct text_source {
  text_file *files;
  size_t count;
  text_unit unit;
  bool keep_empty;
  adze_marks starts; /* of all files, one behind the other */
  adze_bytes one;    /* the text that is being read */
  adze_window window;
} text_source;

static void
close_text (const adze_host *host, void *instance)
{
  text_source *self = (text_source *)instance;
  adze_marks_release (host, &self->starts);
  adze_bytes_release (host, &self->one);
  host->release (host, self->files);
  host->release (host, self);
}

/* ---- Going through a file. */

/* Where the scan of a file is. */
typedef struct text_scan {
  uint64_t line;       /* from 1 on */
  uint64_t line_start; /* where in the file it begins */
  bool blank;          /* nothing but blanks on it so far */
  bool inside;         /* of a paragraph */
  adze_utf8 utf8;
} text_scan;

/* A line has ended: is it an example, or does one begin with it? */
static adze_status
end_line (const adze_host *host, text_source *self, text_scan *scan, bool empty)
{
  bool starts = false;
  if (self->unit == TEXT_LINE)
    starts = self->keep_empty || !empty;
  else if (self->unit == TEXT_PARAGRAPH) {
    starts = !scan->blank && !scan->inside;
    scan->inside = !scan->blank;
  }
  return starts ? adze_marks_add (host, &self->starts, scan->line_start) : ADZE_OK;
}

static adze_status
not_utf8 (const adze_host *host, const text_source *self, const text_file *file, const text_scan *scan)
{
  const unsigned char *buffer = self->window.buffer;
  uint64_t at = adze_window_at (&self->window) - 1;
  bool wide = at < 2 && self->window.end >= 2
              && ((buffer[0] == 0xff && buffer[1] == 0xfe)
                  || (buffer[0] == 0xfe && buffer[1] == 0xff));
  return adze_fail (host, ADZE_E_FORMAT,
                    "%s:%" PRIu64 ": not UTF-8, at byte %" PRIu64 " of the file%s", file->path,
                    scan->line, at,
                    wide ? ", which looks like UTF-16; convert it first: iconv -f UTF-16 -t UTF-8"
                         : "; convert it first: iconv -f LATIN1 -t UTF-8");
}

static adze_status
skip_mark (const adze_host *host, text_source *self)
{
  static const unsigned char mark[] = { 0xef, 0xbb, 0xbf };
  adze_window *window = &self->window;
  if (adze_window_peek (host, window) >= 0 && window->end >= sizeof mark
      && memcmp (window->buffer, mark, sizeof mark) == 0)
    window->next = sizeof mark;
  return window->status;
}

/* One pass over all bytes; SCAN ends behind the last one. */
static adze_status
scan_lines (const adze_host *host, text_source *self, const text_file *file, text_scan *scan)
{
  adze_window *window = &self->window;
  bool empty = true;
  adze_status status = ADZE_OK;
  int byte;
  while (status == ADZE_OK && (byte = adze_window_next (host, window)) >= 0) {
    if (!adze_utf8_step (&scan->utf8, (unsigned char)byte))
      return not_utf8 (host, self, file, scan);
    if (byte != '\n') {
      /* The carriage return of an empty line is no text; one that text follows is. */
      empty = empty && byte == '\r' && adze_window_peek (host, window) == '\n';
      scan->blank = scan->blank && (byte == ' ' || byte == '\t' || byte == '\r');
      continue;
    }
    status = end_line (host, self, scan, empty);
    scan->line++;
    scan->line_start = adze_window_at (window);
    scan->blank = empty = true;
  }
  if (status == ADZE_OK)
    status = window->status;
  if (status == ADZE_OK && scan->utf8.left > 0)
    return not_utf8 (host, self, file, scan);
  if (status == ADZE_OK && scan->line_start < adze_window_at (window))
    status = end_line (host, self, scan, empty);
  return status;
}

static adze_status
scan_file (const adze_host *host, text_source *self, text_file *file)
{
  file->first = adze_marks_count (&self->starts);
  adze_status status = adze_files_of (host)->open (host, file->path, &file->file);
  if (status != ADZE_OK)
    return status;
  adze_window_open (&self->window, file->file, 0, adze_file_size (host, file->file));
  status = skip_mark (host, self);
  text_scan scan = { .line = 1, .line_start = adze_window_at (&self->window), .blank = true };
  if (status == ADZE_OK && self->unit == TEXT_DOCUMENT)
    status = adze_marks_add (host, &self->starts, scan.line_start);
  return status == ADZE_OK ? scan_lines (host, self, file, &scan) : status;
}

/* ---- Opening. */

static adze_status
list_files (const adze_host *host, const adze_params *values, text_source *self)
{
  const adze_params_service *service = adze_params_of (host);
  const char *path = service->get_string (values, "path");
  const adze_params *paths = service->get_nested (values, "paths");
  size_t more = service->count (paths);
  if (!path[0] && more == 0)
    return adze_fail (host, ADZE_E_PARAM, "neither 'path' nor 'paths' names a file");
  self->files = (text_file *)host->allocate (host, (more + 1) * sizeof *self->files);
  if (!self->files)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu files", more + 1);
  if (path[0])
    self->files[self->count++].path = path;
  for (size_t i = 0; i < more; i++)
    self->files[self->count++].path
        = service->get_string (paths, service->name_at (paths, i));
  return ADZE_OK;
}

static adze_status
open_parts (const adze_host *host, const adze_params *values, adze_schema *schema, text_source *self)
{
  const char *unit = adze_param_string (host, values, "unit");
  self->unit = strcmp (unit, "line") == 0        ? TEXT_LINE
               : strcmp (unit, "paragraph") == 0 ? TEXT_PARAGRAPH
                                                 : TEXT_DOCUMENT;
  self->keep_empty = adze_param_bool (host, values, "keep-empty");
  adze_status status = list_files (host, values, self);
  for (size_t i = 0; status == ADZE_OK && i < self->count; i++)
    status = scan_file (host, self, &self->files[i]);
  if (status == ADZE_OK && adze_marks_count (&self->starts) == 0)
    return adze_fail (host, ADZE_E_FORMAT, "%s has no %s with text on it%s", self->files[0].path,
                      unit, self->count > 1 ? ", nor have the other files" : "");
  if (status != ADZE_OK)
    return status;
  const adze_column column = { .name = "text", .is_text = 1 };
  status = adze_schema_of (host)->column (host, schema, &column);
  return status == ADZE_OK
             ? adze_schema_of (host)->count (host, schema, adze_marks_count (&self->starts))
             : status;
}

static adze_status
open_text (const adze_host *host, const adze_params *values, adze_schema *schema, void **instance)
{
  text_source *self = (text_source *)host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  adze_status status = open_parts (host, values, schema, self);
  if (status == ADZE_OK)
    *instance = self;
  else
    close_text (host, self);
  return status;
}

/* ---- Reading. */

/* The file of an example: the last one that begins with it or before it. Files without examples
 * begin where the next one does. */
static const text_file *
file_of (const text_source *self, uint64_t example)
{
  size_t low = 0, high = self->count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (self->files[middle].first <= example)
      low = middle;
    else
      high = middle;
  }
  return &self->files[low];
}

/* How much of the stretch up to the next example is this one's text. */
static size_t
text_size (const text_source *self)
{
  const char *data = self->one.data;
  size_t size = self->one.size;
  if (self->unit == TEXT_DOCUMENT)
    return size;
  if (self->unit == TEXT_LINE) {
    const char *end = size ? (const char *)memchr (data, '\n', size) : NULL;
    size = end ? (size_t)(end - data) : size;
    return end && size > 0 && data[size - 1] == '\r' ? size - 1 : size;
  }
  while (size > 0 && strchr (" \t\r\n", data[size - 1]) && data[size - 1] != '\0')
    size--;
  return size;
}

static adze_status
read_example (const adze_host *host, text_source *self, uint64_t example, adze_batch *batch,
              size_t index)
{
  const text_file *file = file_of (self, example);
  uint64_t first = adze_marks_at (&self->starts, example);
  uint64_t last = adze_file_size (host, file->file);
  if (file + 1 < self->files + self->count ? example + 1 < file[1].first
                                           : example + 1 < adze_marks_count (&self->starts))
    last = adze_marks_at (&self->starts, example + 1);
  if (last - first > SIZE_MAX / 2)
    return adze_fail (host, ADZE_E_MEMORY, "no room for a text of %" PRIu64 " bytes",
                      last - first);
  adze_status status = adze_bytes_reserve (host, &self->one, (size_t)(last - first));
  if (status == ADZE_OK && last > first)
    status = adze_file_read_at (host, file->file, first, self->one.data, (size_t)(last - first));
  if (status != ADZE_OK)
    return status;
  self->one.size = (size_t)(last - first);
  size_t size = text_size (self);
  return adze_batch_of (host)->text (host, batch, 0, index,
                                     (adze_text){ size ? self->one.data : "", size });
}

static adze_status
read_text (const adze_host *host, void *instance, const uint64_t *examples, size_t count,
           adze_batch *batch)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    status = read_example (host, (text_source *)instance, examples[i], batch, i);
  return status;
}

static const adze_source callbacks = {
  .struct_size = sizeof callbacks,
  .open = open_text,
  .close = close_text,
  .read = read_text,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_SOURCE_REVISION,
  .kind = ADZE_SOURCE,
  .id = "text",
  .summary = "Texts in UTF-8: lines, paragraphs or whole files",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "text",
  .version = "0.1.0",
  .summary = "Plain text",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (text, plugin);
