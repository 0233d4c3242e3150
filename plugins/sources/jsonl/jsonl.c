/* SPDX-License-Identifier: Apache-2.0 */
/* jsonl: a source of lines that each hold one JSON object. The file is gone through once, when it
 * is opened, and checked; what is kept is where each line begins. */
#include "jsonl.h"

#include <inttypes.h>
#include <math.h>

/* How much of a name a message shows. */
#define SHOWN 40

static const adze_param params[] = {
  { .name = "path", .type = ADZE_PARAM_FILE, .help = "the file" },
  { .name = "fields", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "which keys to take, in this order; empty: those of the first line" },
  { .name = "missing", .type = ADZE_PARAM_CHOICE, .preset = "error", .choices = "error|nan",
    .help = "what becomes of a number that is null or not there" },
  { .name = "number-type", .type = ADZE_PARAM_CHOICE, .preset = "f64", .choices = "f64|f32",
    .help = "type of numbers that are not all whole" },
  { .name = NULL }
};

typedef struct jsonl {
  adze_file *file;
  const char *path;
  bool missing_is_nan, single;
  jsonl_fields fields;
  adze_bytes text, scratch;
  adze_marks lines, numbers; /* where an example's line begins, and which one it is */
  uint64_t number;           /* of the line that is read next */
  void **rooms;              /* of one read */
  adze_window window;
} jsonl;

static void
close_jsonl (const adze_host *host, void *instance)
{
  jsonl *self = (jsonl *)instance;
  for (size_t i = 0; i < self->fields.count; i++) {
    host->release (host, self->fields.fields[i].name);
    adze_bytes_release (host, &self->fields.fields[i].numbers);
    adze_bytes_release (host, &self->fields.fields[i].text);
  }
  host->release (host, self->fields.fields);
  adze_bytes_release (host, &self->text);
  adze_bytes_release (host, &self->scratch);
  adze_marks_release (host, &self->lines);
  adze_marks_release (host, &self->numbers);
  host->release (host, self->rooms);
  host->release (host, self);
}

/* ---- Lines. */

/* The next line without its end, and a NUL behind it; *MORE is false when there is none. */
static adze_status
next_line (const adze_host *host, jsonl *self, bool *more)
{
  adze_window *window = &self->window;
  self->text.size = 0;
  *more = adze_window_peek (host, window) != ADZE_WINDOW_END;
  adze_status status = window->status;
  while (status == ADZE_OK && adze_window_peek (host, window) >= 0) {
    const unsigned char *from = window->buffer + window->next;
    size_t size = window->end - window->next;
    const unsigned char *end = (const unsigned char *)memchr (from, '\n', size);
    window->next += end ? (size_t)(end - from) + 1 : size;
    status = adze_bytes_add (host, &self->text, from, end ? (size_t)(end - from) : size);
    if (end)
      break;
  }
  if (status == ADZE_OK)
    status = window->status;
  if (status == ADZE_OK)
    status = adze_bytes_reserve (host, &self->text, self->text.size + 1);
  if (status == ADZE_OK)
    self->text.data[self->text.size] = '\0';
  return status;
}

static bool
is_blank (const adze_bytes *text)
{
  for (size_t i = 0; i < text->size; i++)
    if (text->data[i] != ' ' && text->data[i] != '\t' && text->data[i] != '\r')
      return false;
  return true;
}

static adze_status
parse_line (const adze_host *host, jsonl *self, jsonl_line *line)
{
  *line = (jsonl_line){ .host = host,
                        .path = self->path,
                        .number = self->number,
                        .text = self->text.data,
                        .size = self->text.size };
  return jsonl_read_line (line, &self->fields, &self->scratch);
}

/* ---- What a field is, in all lines. */

static const char *
type_words (const jsonl_form *form)
{
  if (form->type == JSONL_TEXT)
    return "a text";
  if (form->type == JSONL_BOOL)
    return "true or false";
  return form->rank == 0 ? "a number" : "an array of numbers";
}

static void
shape_words (const jsonl_form *form, char *text, size_t room)
{
  size_t used = (size_t)snprintf (text, room, "%s", type_words (form));
  for (int32_t i = 0; i < form->rank && used < room; i++)
    used += (size_t)snprintf (text + used, room - used, "%s%" PRId64, i ? "x" : ", ",
                              form->shape[i]);
}

static bool
same_form (const jsonl_form *a, const jsonl_form *b)
{
  return a->type == b->type && a->rank == b->rank
         && memcmp (a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0;
}

/* Holds what this line has against what the lines before it had. */
static adze_status
learn (const jsonl *self, const jsonl_line *line, jsonl_field *field)
{
  char found[128], before[128];
  if (!field->given || field->found.type == JSONL_NOTHING) {
    if (field->gap == 0)
      field->gap = line->number;
    if (self->missing_is_nan)
      return ADZE_OK;
    return adze_fail (line->host, ADZE_E_FORMAT,
                      "%s:%" PRIu64 ": the field '%.*s' is %s; missing = \"nan\" makes a number "
                      "that is not there not-a-number",
                      line->path, line->number, SHOWN, field->name,
                      field->given ? "null" : "not there");
  }
  if (field->form.type == JSONL_NOTHING)
    field->form = field->found;
  field->form.whole = field->form.whole && field->found.whole;
  if (same_form (&field->form, &field->found))
    return ADZE_OK;
  shape_words (&field->found, found, sizeof found);
  shape_words (&field->form, before, sizeof before);
  return adze_fail (line->host, ADZE_E_FORMAT,
                    "%s:%" PRIu64 ": the field '%.*s' is %s here, and %s in the lines before",
                    line->path, line->number, SHOWN, field->name, found, before);
}

static adze_status
learn_line (const adze_host *host, jsonl *self)
{
  jsonl_line line;
  adze_status status = parse_line (host, self, &line);
  for (size_t i = 0; status == ADZE_OK && i < self->fields.count; i++)
    status = learn (self, &line, &self->fields.fields[i]);
  if (status == ADZE_OK && self->fields.count == 0)
    status = adze_fail (host, ADZE_E_FORMAT, "%s:%" PRIu64 ": the first object has no fields",
                        self->path, self->number);
  return status;
}

/* Once all lines were seen. */
static adze_status
settle (const adze_host *host, const jsonl *self, jsonl_field *field)
{
  if (field->form.type == JSONL_NOTHING)
    return adze_fail (host, ADZE_E_FORMAT, "%s: the field '%.*s' has no value in any line",
                      self->path, SHOWN, field->name);
  if (field->gap && field->form.type != JSONL_NUMBER)
    return adze_fail (host, ADZE_E_FORMAT,
                      "%s:%" PRIu64 ": the field '%.*s' is null or not there, and only a number "
                      "can be missing; elsewhere it is %s",
                      self->path, field->gap, SHOWN, field->name, type_words (&field->form));
  if (field->gap)
    field->form.whole = false;
  return ADZE_OK;
}

static adze_dtype
dtype_of (const jsonl *self, const jsonl_form *form)
{
  if (form->type == JSONL_BOOL)
    return (adze_dtype){ ADZE_BOOL, 8, 1 };
  if (form->whole)
    return (adze_dtype){ ADZE_INT, 64, 1 };
  return (adze_dtype){ ADZE_FLOAT, (uint8_t)(self->single ? 32 : 64), 1 };
}

static size_t
count_of (const jsonl_form *form)
{
  size_t count = 1;
  for (int32_t i = 0; i < form->rank; i++)
    count *= (size_t)form->shape[i]; /* as many numbers stood in a line */
  return count;
}

static adze_status
declare (const adze_host *host, const jsonl *self, const jsonl_field *field, adze_schema *schema)
{
  adze_column column = { .name = field->name };
  if (field->form.type == JSONL_TEXT)
    column.is_text = 1;
  else {
    column.dtype = dtype_of (self, &field->form);
    column.rank = field->form.rank;
    column.shape = field->form.shape;
  }
  return adze_schema_of (host)->column (host, schema, &column);
}

/* ---- Opening. */

/* The fields that were asked for, without a form yet. */
static adze_status
name_fields (const adze_host *host, const adze_params *names, jsonl_fields *fields)
{
  const adze_params_service *service = adze_params_of (host);
  size_t count = service->count (names);
  fields->discover = count == 0;
  if (count == 0)
    return ADZE_OK;
  fields->fields = (jsonl_field *)host->allocate (host, count * sizeof *fields->fields);
  if (!fields->fields)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu fields", count);
  fields->capacity = count;
  for (size_t i = 0; i < count; i++) {
    const char *name = service->get_string (names, service->name_at (names, i));
    jsonl_field *field = &fields->fields[fields->count++];
    field->name_size = strlen (name);
    field->name = (char *)host->allocate (host, field->name_size + 1);
    if (!field->name)
      return adze_fail (host, ADZE_E_MEMORY, "no room for the name of a field");
    memcpy (field->name, name, field->name_size);
    for (size_t k = 0; k < i; k++)
      if (strcmp (fields->fields[k].name, name) == 0)
        return adze_fail (host, ADZE_E_PARAM, "'fields' has '%.*s' twice", SHOWN, name);
  }
  return ADZE_OK;
}

static adze_status
scan (const adze_host *host, jsonl *self)
{
  bool more = true;
  adze_status status = ADZE_OK;
  while (status == ADZE_OK && more) {
    uint64_t at = adze_window_at (&self->window);
    status = next_line (host, self, &more);
    if (status == ADZE_OK && more && !is_blank (&self->text)) {
      status = learn_line (host, self);
      self->fields.discover = false;
      if (status == ADZE_OK)
        status = adze_marks_add (host, &self->lines, at);
      if (status == ADZE_OK)
        status = adze_marks_add (host, &self->numbers, self->number);
    }
    self->number++;
  }
  if (status == ADZE_OK && adze_marks_count (&self->lines) == 0)
    return adze_fail (host, ADZE_E_FORMAT, "%s has no lines with something in them", self->path);
  for (size_t i = 0; status == ADZE_OK && i < self->fields.count; i++)
    status = settle (host, self, &self->fields.fields[i]);
  return status;
}

static adze_status
open_parts (const adze_host *host, const adze_params *values, adze_schema *schema, jsonl *self)
{
  self->path = adze_param_string (host, values, "path");
  self->missing_is_nan = strcmp (adze_param_string (host, values, "missing"), "nan") == 0;
  self->single = strcmp (adze_param_string (host, values, "number-type"), "f32") == 0;
  self->number = 1;
  adze_status status = name_fields (host, adze_params_of (host)->get_nested (values, "fields"),
                                    &self->fields);
  if (status == ADZE_OK)
    status = adze_files_of (host)->open (host, self->path, &self->file);
  if (status != ADZE_OK)
    return status;
  adze_window_open (&self->window, self->file, 0, adze_file_size (host, self->file));
  status = scan (host, self);
  if (status != ADZE_OK)
    return status;
  self->rooms = (void **)host->allocate (host, self->fields.count * sizeof *self->rooms);
  if (!self->rooms)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu columns", self->fields.count);
  for (size_t i = 0; status == ADZE_OK && i < self->fields.count; i++)
    status = declare (host, self, &self->fields.fields[i], schema);
  return status == ADZE_OK
             ? adze_schema_of (host)->count (host, schema, adze_marks_count (&self->lines))
             : status;
}

static adze_status
open_jsonl (const adze_host *host, const adze_params *values, adze_schema *schema, void **instance)
{
  jsonl *self = (jsonl *)host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  adze_status status = open_parts (host, values, schema, self);
  if (status == ADZE_OK)
    *instance = self;
  else
    close_jsonl (host, self);
  return status;
}

/* ---- Reading. */

/* NUMBER is NULL where there is none. */
static void
put_number (const jsonl_number *number, adze_dtype dtype, char *room)
{
  double real = number ? number->real : NAN;
  float single = (float)real;
  unsigned char truth = number && number->whole != 0;
  if (dtype.code == ADZE_BOOL)
    memcpy (room, &truth, 1);
  else if (dtype.code == ADZE_INT)
    memcpy (room, &number->whole, sizeof number->whole);
  else if (dtype.bits == 32)
    memcpy (room, &single, sizeof single);
  else
    memcpy (room, &real, sizeof real);
}

static adze_status
put_field (const adze_host *host, const jsonl *self, adze_batch *batch, size_t number,
           size_t index)
{
  const jsonl_field *field = &self->fields.fields[number];
  bool missing = !field->given || field->found.type == JSONL_NOTHING;
  bool fits = missing ? field->gap != 0
                      : same_form (&field->form, &field->found)
                            && (field->found.whole || !field->form.whole);
  if (!fits)
    return adze_fail (host, ADZE_E_FORMAT,
                      "%s:%" PRIu64 ": the field '%.*s' is another one than when the file was "
                      "opened: it was changed meanwhile",
                      self->path, self->number, SHOWN, field->name);
  if (field->form.type == JSONL_TEXT)
    return adze_batch_of (host)->text (host, batch, number, index,
                                       (adze_text){ field->text.data, field->text.size });
  adze_dtype dtype = dtype_of (self, &field->form);
  size_t count = count_of (&field->form), size = dtype.bits / 8;
  const jsonl_number *numbers
      = missing ? NULL : (const jsonl_number *)(const void *)field->numbers.data;
  char *room = (char *)self->rooms[number] + index * count * size;
  for (size_t i = 0; i < count; i++)
    put_number (numbers ? &numbers[i] : NULL, dtype, room + i * size);
  return ADZE_OK;
}

static adze_status
read_example (const adze_host *host, jsonl *self, uint64_t example, adze_batch *batch,
              size_t index)
{
  bool more;
  jsonl_line line;
  uint64_t last = example + 1 < adze_marks_count (&self->lines)
                      ? adze_marks_at (&self->lines, example + 1)
                      : adze_file_size (host, self->file);
  adze_window_open (&self->window, self->file, adze_marks_at (&self->lines, example), last);
  self->number = adze_marks_at (&self->numbers, example);
  adze_status status = next_line (host, self, &more);
  if (status == ADZE_OK)
    status = parse_line (host, self, &line);
  for (size_t i = 0; status == ADZE_OK && i < self->fields.count; i++)
    status = put_field (host, self, batch, i, index);
  return status;
}

static adze_status
read_jsonl (const adze_host *host, void *instance, const uint64_t *examples, size_t count,
            adze_batch *batch)
{
  jsonl *self = (jsonl *)instance;
  for (size_t i = 0; i < self->fields.count; i++) {
    if (self->fields.fields[i].form.type == JSONL_TEXT)
      continue;
    self->rooms[i] = adze_batch_of (host)->room (host, batch, i);
    if (!self->rooms[i])
      return adze_fail (host, ADZE_E_MEMORY, "no room for %zu examples", count);
  }
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    status = read_example (host, self, examples[i], batch, i);
  return status;
}

static const adze_source callbacks = {
  .struct_size = sizeof callbacks,
  .open = open_jsonl,
  .close = close_jsonl,
  .read = read_jsonl,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_SOURCE_REVISION,
  .kind = ADZE_SOURCE,
  .id = "jsonl",
  .summary = "Lines that each hold one JSON object: numbers, arrays of numbers, texts",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "jsonl",
  .version = "0.1.0",
  .summary = "Lines of JSON",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (jsonl, plugin);
