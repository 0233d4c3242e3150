/* SPDX-License-Identifier: Apache-2.0 */
/* trace: an observer that writes every event down, one line each. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <adze/sdk.h>

static const adze_param params[] = {
  { .name = "path", .type = ADZE_PARAM_OUTPUT_FILE, .preset = "",
    .help = "file to append to; empty: standard error" },
  { .name = "format", .type = ADZE_PARAM_CHOICE, .preset = "text", .choices = "text|json",
    .help = "lines for people, or one JSON object a line" },
  { .name = NULL }
};

typedef struct trace {
  FILE *stream;
  const char *path; /* for messages */
  bool json;
} trace;

/* ---- Text that comes from anywhere. */

/* How many bytes the character at TEXT has; 0: it is not UTF-8. A character that is cut short by
 * the end of the text meets the NUL, which continues nothing. */
static size_t
character_size (const unsigned char *text)
{
  static const struct {
    unsigned char first, last, low, high; /* of the first byte, and of the second */
    size_t size;
  } forms[] = {
    { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
    { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
    { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
  };
  if (text[0] < 0x80)
    return 1;
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    if (text[0] < forms[i].first || text[0] > forms[i].last)
      continue;
    if (text[1] < forms[i].low || text[1] > forms[i].high)
      return 0;
    for (size_t k = 2; k < forms[i].size; k++)
      if ((text[k] & 0xc0) != 0x80)
        return 0;
    return forms[i].size;
  }
  return 0;
}

/* As JSON escapes it, in both formats: so an event stays one line, and no text can move the cursor
 * of a terminal. What is not UTF-8 becomes U+FFFD. */
static void
write_escaped (FILE *stream, const char *text)
{
  const unsigned char *at = (const unsigned char *)text;
  while (*at) {
    size_t size = character_size (at);
    if (size == 0)
      fputs ("\\ufffd", stream);
    else if (*at == '"' || *at == '\\')
      fprintf (stream, "\\%c", *at);
    else if (*at < 0x20 || *at == 0x7f)
      fprintf (stream, "\\u%04x", *at);
    else if (size == 2 && at[0] == 0xc2 && at[1] < 0xa0) /* more control characters */
      fprintf (stream, "\\u%04x", at[1]);
    else
      fwrite (at, 1, size, stream);
    at += size > 0 ? size : 1;
  }
}

static void
write_quoted (FILE *stream, const char *text)
{
  putc ('"', stream);
  write_escaped (stream, text);
  putc ('"', stream);
}

/* With as few digits as say it exactly, always with a fraction, and with a point whatever
 * the locale writes. JSON has no infinities, so they are texts. */
static void
write_real (FILE *stream, double value)
{
  if (!isfinite (value)) {
    fprintf (stream, "\"%s\"", isnan (value) ? "nan" : value > 0 ? "inf" : "-inf");
    return;
  }
  char digits[64];
  for (int precision = 15; precision <= 17; precision++) {
    snprintf (digits, sizeof digits, "%.*g", precision, value);
    if (strtod (digits, NULL) == value)
      break;
  }
  bool whole = true, between = false;
  for (const char *at = digits; *at; at++) {
    bool plain = strchr ("0123456789+-e", *at) != NULL;
    if (plain)
      putc (*at, stream);
    else if (!between)
      putc ('.', stream);
    whole = whole && plain && *at != 'e';
    between = !plain; /* what a locale has for a point may be several bytes long */
  }
  if (whole)
    fputs (".0", stream);
}

/* ---- One event. */

/* False: a type that is newer than this observer. */
static bool
known (const adze_field *field)
{
  return field->type >= ADZE_FIELD_BOOL && field->type <= ADZE_FIELD_STRING;
}

static void
write_value (FILE *stream, const adze_field *field)
{
  if (field->type == ADZE_FIELD_BOOL)
    fputs (field->value.boolean ? "true" : "false", stream);
  else if (field->type == ADZE_FIELD_INT)
    fprintf (stream, "%" PRId64, field->value.integer);
  else if (field->type == ADZE_FIELD_FLOAT)
    write_real (stream, field->value.real);
  else
    write_quoted (stream, field->value.string ? field->value.string : "");
}

static void
write_time (FILE *stream, int64_t time_ns)
{
  int64_t rest = time_ns % 1000000000;
  time_t seconds = (time_t)(time_ns / 1000000000 - (rest < 0));
  struct tm utc;
  char text[40];
  if (!gmtime_r (&seconds, &utc) || strftime (text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc) == 0)
    strcpy (text, "?");
  fprintf (stream, "%s.%06" PRId64 "Z", text, (rest < 0 ? rest + 1000000000 : rest) / 1000);
}

static void
write_text (FILE *stream, const adze_event *event)
{
  write_time (stream, event->time_ns);
  fprintf (stream, " %" PRIu64 " ", event->sequence);
  write_escaped (stream, event->id);
  if (event->source) {
    fputs (" from ", stream);
    write_escaped (stream, event->source);
  }
  for (uint32_t i = 0; i < event->field_count; i++)
    if (known (&event->fields[i])) {
      putc (' ', stream);
      write_escaped (stream, event->fields[i].key);
      putc ('=', stream);
      write_value (stream, &event->fields[i]);
    }
}

static void
write_json (FILE *stream, const adze_event *event)
{
  fprintf (stream, "{\"time_ns\":%" PRId64 ",\"sequence\":%" PRIu64 ",\"id\":", event->time_ns,
           event->sequence);
  write_quoted (stream, event->id);
  if (event->source) {
    fputs (",\"source\":", stream);
    write_quoted (stream, event->source);
  }
  fputs (",\"fields\":{", stream);
  bool first = true;
  for (uint32_t i = 0; i < event->field_count; i++)
    if (known (&event->fields[i])) {
      if (!first)
        putc (',', stream);
      first = false;
      write_quoted (stream, event->fields[i].key);
      putc (':', stream);
      write_value (stream, &event->fields[i]);
    }
  fputs ("}}", stream);
}

/* ---- Callbacks. */

/* Does it begin as both formats do? */
static bool
begins_as_trace (const char *line)
{
  static const char json[] = "{\"time_ns\":", text[] = "0000-00-00T00:00:00.000000Z ";
  if (strncmp (line, json, sizeof json - 1) == 0)
    return true;
  for (size_t i = 0; text[i]; i++) {
    bool digit = line[i] >= '0' && line[i] <= '9';
    if (text[i] == '0' ? !digit : line[i] != text[i])
      return false;
  }
  return true;
}

/* A file that somebody else wrote is damaged by lines at its end. Devices and
 * pipes have no end that could be looked at. */
static bool
is_something_else (const char *path)
{
  struct stat status;
  char line[64] = "";
  if (stat (path, &status) != 0 || !S_ISREG (status.st_mode) || status.st_size == 0)
    return false;
  FILE *stream = fopen (path, "re");
  if (!stream)
    return true;
  size_t size = fread (line, 1, sizeof line - 1, stream);
  fclose (stream);
  line[size] = '\0';
  return !begins_as_trace (line);
}

/* A named pipe that nobody reads is refused (ENXIO) instead of waited for; a terminal does not become
 * ours. Only the opening is not to wait: lines that a slow reader cannot take yet must not be lost. */
static int
open_file (const char *path)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
  if (fd < 0)
    return -1;
  int flags = fcntl (fd, F_GETFL);
  if (flags >= 0 && fcntl (fd, F_SETFL, flags & ~O_NONBLOCK) == 0)
    return fd;
  int number = errno;
  close (fd);
  errno = number;
  return -1;
}

/* A stream of our own also for standard error: its buffer holds a line, so that the lines of
 * several programs do not mix. */
static FILE *
open_stream (const char *path)
{
  int fd = path[0] ? open_file (path) : fcntl (STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (fd < 0)
    return NULL;
  FILE *stream = fdopen (fd, "a");
  if (!stream)
    close (fd);
  return stream;
}

static adze_status
failed (const adze_host *host, const trace *self, const char *what, int number)
{
  return adze_fail (host, ADZE_E_IO, "cannot %s %s: %s", what, self->path, strerror (number));
}

static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  const char *path = adze_param_string (host, values, "path");
  if (path[0] && is_something_else (path))
    return adze_fail (host, ADZE_E_DUPLICATE,
                      "%s is there already, and is no trace: its first line is no event; name "
                      "another file, or move that one away",
                      path);
  trace *self = (trace *)host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  self->path = path[0] ? path : "standard error";
  self->json = strcmp (adze_param_string (host, values, "format"), "json") == 0;
  self->stream = open_stream (path);
  if (!self->stream) {
    adze_status status = failed (host, self, "open", errno);
    host->release (host, self);
    return status;
  }
  setvbuf (self->stream, NULL, _IOFBF, 65536);
  *instance = self;
  return ADZE_OK;
}

static void
destroy (const adze_host *host, void *instance)
{
  trace *self = (trace *)instance;
  fclose (self->stream);
  host->release (host, self);
}

/* Each event is written at once: what happened just before a crash is what people look for. */
static adze_status
event (const adze_host *host, void *instance, const adze_event *seen)
{
  trace *self = (trace *)instance;
  if (self->json)
    write_json (self->stream, seen);
  else
    write_text (self->stream, seen);
  putc ('\n', self->stream);
  if (fflush (self->stream) != 0 || ferror (self->stream))
    return failed (host, self, "write to", errno);
  return ADZE_OK;
}

static const adze_observer callbacks = {
  .struct_size = sizeof callbacks,
  .create = create,
  .destroy = destroy,
  .event = event,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_OBSERVER_REVISION,
  .kind = ADZE_OBSERVER,
  .id = "trace",
  .summary = "Writes every event as one line, for people or as JSON",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "trace",
  .version = "0.1.0",
  .summary = "Every event, written down",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (trace, plugin);
