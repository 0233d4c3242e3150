/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: how far a run is. All times are those of the events. */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

enum { BAR_CELLS = 20, BAR_WIDTH_LEAST = 60 };
#define DRAW_EVERY_NS ((int64_t)100000000)
/* Before that a rate is a guess. */
#define RATE_AFTER_NS ((int64_t)500000000)

/* ---- Fields. */

static const adze_field *
find (const adze_event *event, const char *key, adze_field_type type)
{
  for (uint32_t i = 0; i < event->field_count; i++)
    if (event->fields[i].type == (uint32_t)type && strcmp (event->fields[i].key, key) == 0)
      return &event->fields[i];
  return NULL;
}

static const char *
text_of (const adze_event *event, const char *key)
{
  const adze_field *field = find (event, key, ADZE_FIELD_STRING);
  return field && field->value.string ? field->value.string : "";
}

static int64_t
number_of (const adze_event *event, const char *key)
{
  const adze_field *field = find (event, key, ADZE_FIELD_INT);
  return field && field->value.integer > 0 ? field->value.integer : 0;
}

static double
real_of (const adze_event *event, const char *key)
{
  const adze_field *field = find (event, key, ADZE_FIELD_FLOAT);
  return field && field->value.real > 0 ? field->value.real : 0;
}

static bool
truth_of (const adze_event *event, const char *key)
{
  const adze_field *field = find (event, key, ADZE_FIELD_BOOL);
  return field && field->value.boolean;
}

/* ---- Words. */

/* "512 MB": three figures at most, in powers of 1000, as disks and rates are counted. */
static void
write_bytes (double bytes, char *text, size_t size)
{
  static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB", "PB" };
  size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < ADZE_CLI_COUNT_OF (units)) {
    bytes /= 1000;
    unit++;
  }
  snprintf (text, size, "%.*f %s", unit > 0 && bytes < 9.95 ? 1 : 0, bytes, units[unit]);
}

/* "1:02:03", "2:03". */
static void
write_time (double seconds, char *text, size_t size)
{
  if (seconds > 359999)
    seconds = 359999;
  unsigned whole = (unsigned)(seconds + 0.5);
  if (whole >= 3600)
    snprintf (text, size, "%u:%02u:%02u", whole / 3600, whole / 60 % 60, whole % 60);
  else
    snprintf (text, size, "%u:%02u", whole / 60, whole % 60);
}

/* Bytes a second; 0: not known yet. */
static double
rate_of (const adze_cli_progress *p)
{
  int64_t elapsed = p->seen_ns - p->begun_ns, done = p->done - p->begun_done;
  return elapsed >= RATE_AFTER_NS && done > 0 ? (double)done * 1e9 / (double)elapsed : 0;
}

/* ---- The line of a terminal. */

void
adze_cli_progress_hide (adze_cli_progress *p)
{
  if (!p->shown)
    return;
  p->shown = false;
  fputs ("\r\033[K", p->printer->stream);
  fflush (p->printer->stream);
}

static void
write_bar (double part, char text[BAR_CELLS + 4])
{
  int full = (int)(part * BAR_CELLS);
  text[0] = ' ';
  text[1] = '[';
  for (int i = 0; i < BAR_CELLS; i++)
    text[2 + i] = i < full ? '#' : '-';
  text[2 + BAR_CELLS] = ']';
  text[3 + BAR_CELLS] = '\0';
}

/* What stands behind the stages' names. */
static void
write_state (const adze_cli_progress *p, char *text, size_t size)
{
  char bar[BAR_CELLS + 4] = "", rate[32] = "", left[32] = "";
  double part = p->bytes > 0 ? (double)p->done / (double)p->bytes : 0, speed = rate_of (p);
  part = part > 1 ? 1 : part;
  if (p->printer->width >= BAR_WIDTH_LEAST)
    write_bar (part, bar);
  int used = snprintf (text, size, "%s %3d %%", bar, (int)(part * 100));
  if (speed <= 0)
    return;
  write_bytes (speed, rate, sizeof rate);
  used += snprintf (text + used, size - (size_t)used, "  %s/s", rate);
  if (p->bytes <= p->done)
    return;
  write_time ((double)(p->bytes - p->done) / speed, left, sizeof left);
  snprintf (text + used, size - (size_t)used, "  %s left", left);
}

static void
draw (adze_cli_progress *p)
{
  char name[320], state[160];
  int64_t since = p->seen_ns - p->drawn_ns;
  if (p->shown && since >= 0 && since < DRAW_EVERY_NS)
    return;
  int length = snprintf (name, sizeof name, "[%" PRId64 "/%" PRId64 "] %s", p->segment,
                         p->segments, p->stages);
  write_state (p, state, sizeof state);
  /* The last column stays free: some terminals go to the next line behind it. */
  size_t room = p->printer->width > strlen (state) + 1 ? p->printer->width - strlen (state) - 1 : 0;
  if ((size_t)length > room) {
    while (room > 0 && ((unsigned char)name[room] & 0xc0) == 0x80)
      room--;
    name[room] = '\0';
  }
  fputs ("\r", p->printer->stream);
  adze_cli_print (p->printer, ADZE_CLI_PLAIN, name);
  fprintf (p->printer->stream, "%s\033[K", state);
  fflush (p->printer->stream);
  p->shown = true;
  p->drawn_ns = p->seen_ns;
}

/* ---- Lines that stay. */

static void say (adze_cli_progress *p, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

static void
say (adze_cli_progress *p, const char *format, ...)
{
  char text[1024];
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (text, sizeof text, format, arguments);
  va_end (arguments);
  adze_cli_progress_hide (p);
  /* One line, whatever line breaks a name has. */
  adze_cli_print (p->printer, ADZE_CLI_PLAIN, text);
  fputc ('\n', p->printer->stream);
  fflush (p->printer->stream);
}

static void
on_run_started (adze_cli_progress *p, const adze_event *event)
{
  snprintf (p->run, sizeof p->run, "%s", text_of (event, "run"));
  say (p, "%s %s", truth_of (event, "resumed") ? "going on with run" : "run", p->run);
}

static void
begin_pass (adze_cli_progress *p, int64_t at_ns)
{
  p->done = p->begun_done = 0;
  p->begun_ns = at_ns;
}

static void
on_segment_started (adze_cli_progress *p, const adze_event *event)
{
  char bytes[32];
  p->segment = number_of (event, "segment");
  p->segments = number_of (event, "segments");
  p->bytes = number_of (event, "bytes");
  snprintf (p->stages, sizeof p->stages, "%s", text_of (event, "stages"));
  begin_pass (p, p->seen_ns);
  write_bytes ((double)p->bytes, bytes, sizeof bytes);
  /* Then nothing is read, and its end comes at once. */
  if (truth_of (event, "cached"))
    return;
  if (p->terminal)
    draw (p);
  else if (p->bytes > 0)
    say (p, "[%" PRId64 "/%" PRId64 "] %s: %s to be read", p->segment, p->segments, p->stages,
         bytes);
  else
    say (p, "[%" PRId64 "/%" PRId64 "] %s: begun", p->segment, p->segments, p->stages);
}

/* A segment may go over its data more than once: then what is done begins again. */
static void
on_progress (adze_cli_progress *p, const adze_event *event, int64_t before_ns)
{
  int64_t done = number_of (event, "done"), bytes = number_of (event, "bytes");
  if (done < p->done)
    begin_pass (p, before_ns);
  p->done = done;
  p->begun_done = number_of (event, "found"); /* which is no speed */
  p->bytes = bytes;
  if (p->terminal)
    draw (p);
}

static void
on_segment_finished (adze_cli_progress *p, const adze_event *event)
{
  char rate[32], kept[32];
  double seconds = real_of (event, "seconds"), bytes = (double)number_of (event, "bytes");
  int64_t segment = number_of (event, "segment"), found = number_of (event, "found");
  int64_t segments = p->segments ? p->segments : number_of (event, "segments");
  const char *stages = text_of (event, "stages");
  stages = stages[0] ? stages : p->stages;
  if (truth_of (event, "cached")) {
    say (p, "[%" PRId64 "/%" PRId64 "] %s: kept from an earlier run", segment, segments, stages);
    return;
  }
  write_bytes (seconds > 0 ? bytes / seconds : 0, rate, sizeof rate);
  if (found > 0) {
    write_bytes (bytes, rate, sizeof rate);
    write_bytes ((double)found, kept, sizeof kept);
    say (p, "[%" PRId64 "/%" PRId64 "] %s: done in %.1f s (%s read; %s had been done before)",
         segment, segments, stages, seconds, rate, kept);
  } else if (seconds > 0 && bytes > 0)
    say (p, "[%" PRId64 "/%" PRId64 "] %s: done in %.1f s (%s/s)", segment, segments, stages,
         seconds, rate);
  else
    say (p, "[%" PRId64 "/%" PRId64 "] %s: done in %.1f s", segment, segments, stages, seconds);
}

/* A number that JSON has no way to write has come from a worker as a word. */
static void
write_number (const adze_event *event, const char *key, char *text, size_t size)
{
  const adze_field *field = find (event, key, ADZE_FIELD_FLOAT);
  if (field)
    snprintf (text, size, "%.4g", field->value.real);
  else
    snprintf (text, size, "%s", text_of (event, key));
}

/* What came out as it was asked for is no news. */
static void
on_achieved (adze_cli_progress *p, const adze_event *event)
{
  char asked[32], got[32];
  write_number (event, "asked", asked, sizeof asked);
  write_number (event, "got", got, sizeof got);
  if (strcmp (asked, got) != 0)
    say (p, "%s: %s asked for %s, got %s", event->source ? event->source : "",
         text_of (event, "name"), asked, got);
}

static void
on_effect (adze_cli_progress *p, const adze_event *event)
{
  int64_t tensors = number_of (event, "tensors"), changed = number_of (event, "tensors-changed");
  /* None is a warning or an error of its own, or nothing but names were to change. */
  if (changed > 0 && changed < tensors)
    say (p, "%s: changed %" PRId64 " of %" PRId64 " tensors, the others came out as they went in",
         text_of (event, "stage"), changed, tensors);
}

static void
on_output (adze_cli_progress *p, const adze_event *event)
{
  char bytes[32];
  write_bytes ((double)number_of (event, "bytes"), bytes, sizeof bytes);
  say (p, "wrote %s (%s)", text_of (event, "path"), bytes);
}

void
adze_cli_progress_open (adze_cli_progress *p, const adze_cli_printer *printer, bool redraw)
{
  *p = (adze_cli_progress){ .printer = printer, .terminal = printer->width > 0 && redraw };
}

void
adze_cli_progress_event (void *progress, const adze_event *event)
{
  adze_cli_progress *p = progress;
  int64_t before_ns = p->seen_ns;
  p->seen_ns = event->time_ns;
  if (strcmp (event->id, "segment.progress") == 0)
    on_progress (p, event, before_ns);
  else if (strcmp (event->id, "run.started") == 0)
    on_run_started (p, event);
  else if (strcmp (event->id, "segment.started") == 0)
    on_segment_started (p, event);
  else if (strcmp (event->id, "segment.finished") == 0)
    on_segment_finished (p, event);
  else if (strcmp (event->id, "stage.achieved") == 0)
    on_achieved (p, event);
  else if (strcmp (event->id, "stage.effect") == 0)
    on_effect (p, event);
  else if (strcmp (event->id, "output.written") == 0)
    on_output (p, event);
  else if (strcmp (event->id, "run.finished") == 0)
    say (p, "run %s finished in %.1f s", p->run, real_of (event, "seconds"));
  else if (strcmp (event->id, "run.failed") == 0 || strcmp (event->id, "run.cancelled") == 0)
    adze_cli_progress_hide (p);
}
