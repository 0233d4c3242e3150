/* SPDX-License-Identifier: Apache-2.0 */
/* How the command shows how far a run is, on a terminal and elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../hosts/cli/print.c"
#include "../../hosts/cli/progress.c"
#include "../../hosts/cli/text.c"

#define MS ((int64_t)1000000)

typedef struct screen {
  char *text;
  size_t size;
  adze_cli_printer printer;
  adze_cli_progress progress;
  int64_t now_ns;
} screen;

static screen *
open_screen (size_t width, bool redraw)
{
  screen *s = calloc (1, sizeof *s);
  assert_non_null (s);
  s->printer = (adze_cli_printer){ open_memstream (&s->text, &s->size), false, width };
  assert_non_null (s->printer.stream);
  s->now_ns = 1000 * MS;
  adze_cli_progress_open (&s->progress, &s->printer, redraw);
  return s;
}

static void
close_screen (screen *s)
{
  fclose (s->printer.stream);
  free (s->text);
  free (s);
}

/* What has been printed since the last time. */
static void
printed (screen *s, const char *wanted)
{
  fflush (s->printer.stream);
  assert_string_equal (s->text, wanted);
  size_t size = s->size;
  rewind (s->printer.stream);
  fflush (s->printer.stream);
  memset (s->text, 0, size);
}

#define TEXT(k, v) { .key = (k), .type = ADZE_FIELD_STRING, .value = { .string = (v) } }
#define INT(k, v) { .key = (k), .type = ADZE_FIELD_INT, .value = { .integer = (v) } }
#define REAL(k, v) { .key = (k), .type = ADZE_FIELD_FLOAT, .value = { .real = (v) } }
#define TRUTH(k, v) { .key = (k), .type = ADZE_FIELD_BOOL, .value = { .boolean = (v) } }

static void
emit (screen *s, const char *id, const adze_field *fields, uint32_t count)
{
  adze_event event = { .struct_size = sizeof event,
                       .id = id,
                       .time_ns = s->now_ns,
                       .fields = fields,
                       .field_count = count };
  adze_cli_progress_event (&s->progress, &event);
}

#define EMIT(s, id, ...) \
  do { \
    const adze_field fields_[] = { __VA_ARGS__ }; \
    emit (s, id, fields_, ADZE_CLI_COUNT_OF (fields_)); \
  } while (0)

static void
begin_segment (screen *s)
{
  EMIT (s, "segment.started", INT ("segment", 2), INT ("segments", 3), TEXT ("stages", "clip, cast"),
        INT ("bytes", 2000000000), INT ("done", 0));
}

static void
progress_at (screen *s, int64_t after_ns, int64_t done)
{
  s->now_ns += after_ns;
  EMIT (s, "segment.progress", INT ("segment", 2), INT ("done", done), INT ("bytes", 2000000000));
}

static void
elsewhere_lines_are_plain (void **state)
{
  (void)state;
  for (int dumb = 0; dumb < 2; dumb++) {
    screen *s = open_screen (dumb ? 80 : 0, !dumb);
    EMIT (s, "run.started", TEXT ("run", "0001-small"), TRUTH ("resumed", false));
    begin_segment (s);
    for (int i = 1; i < 20; i++)
      progress_at (s, 100 * MS, i * 100000000);
    EMIT (s, "segment.finished", INT ("segment", 2), INT ("bytes", 2000000000), REAL ("seconds", 2),
          TRUTH ("cached", false));
    EMIT (s, "segment.started", INT ("segment", 3), INT ("segments", 3), INT ("bytes", 9),
          TEXT ("stages", "merge"), TRUTH ("cached", true));
    EMIT (s, "segment.finished", INT ("segment", 3), INT ("bytes", 9), TEXT ("stages", "merge"),
          REAL ("seconds", 0), TRUTH ("cached", true));
    EMIT (s, "output.written", TEXT ("path", "a\033b\n.onnx"), INT ("bytes", 1234567));
    EMIT (s, "run.finished", REAL ("seconds", 2.5));
    EMIT (s, "something.else", TEXT ("run", "x"));
    printed (s, "run 0001-small\n"
                "[2/3] clip, cast: 2.0 GB to be read\n"
                "[2/3] clip, cast: done in 2.0 s (1.0 GB/s)\n"
                "[3/3] merge: kept from an earlier run\n"
                "wrote a\\x1bb\\x0a.onnx (1.2 MB)\n"
                "run 0001-small finished in 2.5 s\n");
    close_screen (s);
  }
}

static void
a_terminal_has_one_line (void **state)
{
  (void)state;
  screen *s = open_screen (80, true);
  EMIT (s, "run.started", TEXT ("run", "0001-small"), TRUTH ("resumed", true));
  printed (s, "going on with run 0001-small\n");
  begin_segment (s);
  printed (s, "\r[2/3] clip, cast [--------------------]   0 %\033[K");
  progress_at (s, 1000 * MS, 500000000);
  printed (s, "\r[2/3] clip, cast [#####---------------]  25 %  500 MB/s  0:03 left\033[K");
  progress_at (s, 3000 * MS, 2000000000);
  printed (s, "\r[2/3] clip, cast [####################] 100 %  500 MB/s\033[K");
  EMIT (s, "segment.finished", INT ("segment", 2), INT ("bytes", 2000000000), REAL ("seconds", 4));
  printed (s, "\r\033[K[2/3] clip, cast: done in 4.0 s (500 MB/s)\n");
  close_screen (s);
}

static void
it_is_drawn_ten_times_a_second_at_most (void **state)
{
  (void)state;
  screen *s = open_screen (80, true);
  begin_segment (s);
  size_t lines = 0;
  for (int i = 1; i <= 1000; i++)
    progress_at (s, MS, i * 1000);
  fflush (s->printer.stream);
  for (const char *at = s->text; (at = strchr (at, '\r')); at++)
    lines++;
  assert_true (lines >= 10 && lines <= 11);
  close_screen (s);
}

static void
others_may_write_in_between (void **state)
{
  (void)state;
  screen *s = open_screen (80, true);
  adze_cli_progress_hide (&s->progress);
  printed (s, "");
  begin_segment (s);
  printed (s, "\r[2/3] clip, cast [--------------------]   0 %\033[K");
  adze_cli_progress_hide (&s->progress);
  adze_cli_progress_hide (&s->progress);
  printed (s, "\r\033[K");
  /* It comes back with the next event, however soon. */
  progress_at (s, 1, 0);
  printed (s, "\r[2/3] clip, cast [--------------------]   0 %\033[K");
  EMIT (s, "run.failed", TEXT ("message", "x"));
  printed (s, "\r\033[K");
  close_screen (s);
}

static void
a_narrow_terminal_is_not_overrun (void **state)
{
  (void)state;
  for (size_t width = 1; width < 100; width++) {
    screen *s = open_screen (width, true);
    begin_segment (s);
    progress_at (s, 1000 * MS, 500000000);
    fflush (s->printer.stream);
    const char *last = strrchr (s->text, '\r') + 1;
    size_t length = strlen (last) - strlen ("\033[K");
    /* What is said behind the name is kept whole. */
    assert_true (length < width || strncmp (last, " ", 1) == 0);
    close_screen (s);
  }
}

/* A second pass over the data begins anew: no rate from before is carried over. */
static void
a_second_pass_begins_anew (void **state)
{
  (void)state;
  screen *s = open_screen (80, true);
  begin_segment (s);
  progress_at (s, 1000 * MS, 2000000000);
  progress_at (s, 1000 * MS, 100000000);
  printed (s, "\r[2/3] clip, cast [--------------------]   0 %\033[K"
              "\r[2/3] clip, cast [####################] 100 %  2.0 GB/s\033[K"
              "\r[2/3] clip, cast [#-------------------]   5 %  100 MB/s  0:19 left\033[K");
  close_screen (s);
}

/* What a journal had already was not done at this rate. */
static void
what_was_there_before_is_no_speed (void **state)
{
  (void)state;
  screen *s = open_screen (80, true);
  EMIT (s, "segment.started", INT ("segment", 1), INT ("segments", 1), TEXT ("stages", "clip"),
        INT ("bytes", 2000000000));
  s->now_ns += 1000 * MS;
  EMIT (s, "segment.progress", INT ("done", 1100000000), INT ("bytes", 2000000000),
        INT ("found", 1000000000));
  printed (s, "\r[1/1] clip [--------------------]   0 %\033[K"
              "\r[1/1] clip [###########---------]  55 %  100 MB/s  0:09 left\033[K");
  close_screen (s);
}

/* A tensor that a rule skips is not read, and was not there before either. */
static void
less_may_be_read_than_was_planned (void **state)
{
  (void)state;
  screen *s = open_screen (0, true);
  begin_segment (s);
  EMIT (s, "segment.finished", INT ("segment", 2), INT ("bytes", 1000000000), INT ("found", 0),
        REAL ("seconds", 2));
  EMIT (s, "segment.finished", INT ("segment", 2), INT ("bytes", 1000000000),
        INT ("found", 500000000), REAL ("seconds", 2));
  printed (s, "[2/3] clip, cast: 2.0 GB to be read\n"
              "[2/3] clip, cast: done in 2.0 s (500 MB/s)\n"
              "[2/3] clip, cast: done in 2.0 s (1.0 GB read; 500 MB had been done before)\n");
  close_screen (s);
}

/* Requested against achieved, where they differ. */
static void
what_came_out_otherwise_is_said (void **state)
{
  (void)state;
  screen *s = open_screen (0, true);
  EMIT (s, "stage.achieved", TEXT ("name", "sparsity"), REAL ("asked", 0.8), REAL ("got", 0.8));
  EMIT (s, "stage.achieved", TEXT ("name", "percentile"), REAL ("asked", 99), REAL ("got", 98.5));
  EMIT (s, "stage.effect", TEXT ("stage", "clip"), INT ("tensors", 4), INT ("tensors-changed", 4));
  EMIT (s, "stage.effect", TEXT ("stage", "cast"), INT ("tensors", 4), INT ("tensors-changed", 3));
  EMIT (s, "stage.effect", TEXT ("stage", "name"), INT ("tensors", 4), INT ("tensors-changed", 0));
  printed (s, ": percentile asked for 99, got 98.5\n"
              "cast: changed 3 of 4 tensors, the others came out as they went in\n");
  close_screen (s);
}

static void
fields_of_the_wrong_type_do_no_harm (void **state)
{
  (void)state;
  screen *s = open_screen (80, true);
  EMIT (s, "run.started", INT ("run", 3), TEXT ("resumed", NULL));
  EMIT (s, "segment.started", TEXT ("segment", "x"), INT ("bytes", -5), TEXT ("stages", NULL));
  EMIT (s, "segment.progress", INT ("done", INT64_MAX), INT ("bytes", 0));
  EMIT (s, "segment.finished", REAL ("seconds", -1));
  EMIT (s, "output.written", INT ("bytes", INT64_MAX));
  EMIT (s, "run.finished", INT ("seconds", 3));
  close_screen (s);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (elsewhere_lines_are_plain),
    cmocka_unit_test (a_terminal_has_one_line),
    cmocka_unit_test (it_is_drawn_ten_times_a_second_at_most),
    cmocka_unit_test (others_may_write_in_between),
    cmocka_unit_test (a_narrow_terminal_is_not_overrun),
    cmocka_unit_test (a_second_pass_begins_anew),
    cmocka_unit_test (what_was_there_before_is_no_speed),
    cmocka_unit_test (less_may_be_read_than_was_planned),
    cmocka_unit_test (what_came_out_otherwise_is_said),
    cmocka_unit_test (fields_of_the_wrong_type_do_no_harm),
  };
  return cmocka_run_group_tests_name ("how far a run is", tests, NULL, NULL);
}
