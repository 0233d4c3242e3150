/* SPDX-License-Identifier: Apache-2.0 */
/* adze.jobs/1: the same answers whoever does the jobs and however many at once; heard as they end; one that fails or
 * crashes, and a run that goes on; what a job may not do; no process is left behind. */
#include <sys/wait.h>

#include "world.h"

#include "artifact/artifact.h"
#include "plugin/runtime.h"
#include "stage/run_hooks.h"

enum { SAVED = 16, LETTERS = 64 };

static int
make_errands (void **state)
{
  if (make_world (state) != 0)
    return -1;
  free (build (*state, "errands", "errands", ""));
  return 0;
}

/* ---- What a run gets, and what it gives. */

typedef struct keeper {
  struct adze_artifact words;
  char names[SAVED][LETTERS], saved[SAVED][LETTERS];
  size_t count;
  char report[1024];
  uint64_t done, total;
  int asked, most;
} keeper;

static adze_error *
on_input (void *context, const char *port, struct adze_artifact **artifact)
{
  keeper *all = context;
  *artifact = strcmp (port, "words") == 0 ? &all->words : NULL;
  return NULL;
}

static adze_error *
on_tensor (void *context, const char *port, const adze_tensor_meta *meta, const void *data)
{
  (void)context, (void)port, (void)meta, (void)data;
  fail ();
  return NULL;
}

static adze_error *
on_bytes (void *context, const char *port, const void *data, size_t size)
{
  keeper *all = context;
  assert_string_equal (port, "report");
  snprintf (all->report, sizeof all->report, "%.*s", (int)size, (const char *)data);
  return NULL;
}

static adze_error *
on_save (void *context, const char *name, const void *data, size_t size)
{
  keeper *all = context;
  assert_true (all->count < SAVED && size < LETTERS);
  snprintf (all->names[all->count], LETTERS, "%s", name);
  snprintf (all->saved[all->count++], LETTERS, "%.*s", (int)size, (const char *)data);
  return NULL;
}

static adze_error *
on_load (void *context, const char *name, void **data, size_t *size)
{
  keeper *all = context;
  for (size_t i = 0; i < all->count; i++)
    if (strcmp (all->names[i], name) == 0) {
      *size = strlen (all->saved[i]);
      *data = strdup (all->saved[i]);
    }
  return NULL;
}

static bool
on_progress (void *context, uint64_t done, uint64_t total)
{
  keeper *all = context;
  all->done = done;
  all->total = total;
  return ++all->asked < all->most;
}

static const adze_run_hooks hooks
    = { on_input, on_tensor, on_bytes, on_save, on_load, on_progress, NULL, NULL, NULL, NULL, false };
static const adze_run_hooks rehearsal
    = { on_input, on_tensor, on_bytes, on_save, on_load, on_progress, NULL, NULL, NULL, NULL, true };

typedef struct way {
  int isolate;
  unsigned threads;
} way;

static const way ways[] = { { -1, 1 }, { -1, 3 }, { 1, 1 }, { 1, 3 } };

static adze_error *
open_with (world *w, const char *const *settings, int isolate, adze_instance **instance)
{
  adze_plugin_record *record;
  const adze_manifest_component *found;
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_TRY (adze_find_component (w->runtime, "errands", &record, &found));
  ADZE_TRY (adze_settings_parse (found, settings, &document));
  const adze_value *const sets[] = { document.root };
  const adze_instance_options options = { .stage = "first",
                                          .component = "errands",
                                          .document = &document,
                                          .settings = sets,
                                          .variants = 1,
                                          .isolate = isolate,
                                          .time_limit_ms = 20000,
                                          .lanes = 1 };
  return adze_instance_open (w->runtime, &options, instance);
}

/* WORKER: the program that does jobs of a technique that runs here; NULL: the one that there is. */
static adze_error *
run_by (world *w, const way *by, const adze_run_hooks *with, const char *worker, const char *const *settings,
        keeper *all)
{
  static char text[] = ADZE_TYPE_TEXT, words[] = "three words here";
  adze_instance *instance = NULL;
  reopen (w, NULL);
  must (adze_runtime_set_threads (w->runtime, by->threads));
  all->words = (struct adze_artifact){ .type = text, .data = words, .size = strlen (words) };
  all->asked = 0;
  all->most = all->most ? all->most : 1000000;
  must (open_with (w, settings, by->isolate, &instance));
  char *own = w->runtime->places.worker;
  if (worker)
    w->runtime->places.worker = (char *)(uintptr_t)worker;
  adze_error *error = adze_instance_run (instance, with, all);
  w->runtime->places.worker = own;
  adze_error *end = adze_instance_end (instance);
  if (!error)
    must (end);
  else
    adze_error_free (end);
  adze_instance_close (instance);
  /* Whatever became of it. */
  assert_int_equal (waitpid (-1, NULL, WNOHANG), -1);
  return error;
}

static adze_error *
run_once (world *w, const way *by, const char *setting, keeper *all)
{
  const char *const settings[] = { setting, NULL };
  return run_by (w, by, &hooks, NULL, settings, all);
}

static const char answers[] = "[\"three words here\", \"three words her\", \"three words he\", \"three words h\", "
                              "\"three words \"]\n";

/* ---- All goes well. */

static void
the_same_however_it_is_done (void **state)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (ways); i++) {
    static const char *const settings[] = { NULL, "most = 2", "threads = 2", "threads = 7" };
    for (size_t k = 0; k < ADZE_COUNT_OF (settings); k++) {
      keeper all = { .count = 0 };
      must (run_once (*state, &ways[i], settings[k], &all));
      assert_string_equal (all.report, answers);
      assert_int_equal (all.count, 5);
      /* One at a time, they end as they were asked for. */
      for (size_t n = 0; ways[i].threads == 1 && n < all.count; n++)
        assert_int_equal (all.names[n][4] - '0', n);
    }
  }
}

static void
heard_as_they_end (void **state)
{
  const char *marker = in_world (*state, "marker");
  ADZE_AUTO_FREE char *where = adze_text_format ("marker = \"%s\"", marker);
  for (int isolate = -1; isolate <= 1; isolate += 2) {
    const way by = { isolate, 3 };
    const char *const settings[] = { "do = wait", where, NULL };
    keeper all = { .count = 0 };
    unlink (marker);
    must (run_by (*state, &by, &hooks, NULL, settings, &all));
    assert_string_equal (all.report, answers);
    /* When the last one began, two must have made room for it. */
    assert_string_not_equal (all.names[0], "job.0");
    assert_string_not_equal (all.names[1], "job.0");
  }
}

static void
large_answers (void **state)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (ways); i++) {
    const char *const settings[] = { "do = large", "count = 3", NULL };
    keeper all = { .count = 0 };
    must (run_by (*state, &ways[i], &hooks, NULL, settings, &all));
    assert_non_null (strstr (all.report, "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\", \"cccc"));
  }
}

/* ---- It does not. */

static void
one_fails (void **state)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (ways); i++) {
    keeper all = { .count = 0 };
    must_fail (run_once (*state, &ways[i], "do = fail", &all), ADZE_E_LIMIT, "run of 'first' failed",
               "job 3 of 5 of stage 'first' failed", "number three never works", NULL);
    assert_string_equal (all.report, "");
  }
}

/* The third job takes its process with it. What is known is not asked for again. */
static void
one_crashes (void **state)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (ways); i++) {
    keeper all = { .count = 0 };
    must_fail (run_once (*state, &ways[i], "do = crash", &all), ADZE_E_CRASHED, "job 3 of 5 of stage 'first' failed",
               "the process that ran job of 'first' (do = \"crash\") failed", "signal 6",
               "run it again, and it goes on from there", NULL);
    size_t known = all.count;
    assert_true (known < 5 && (known == 2 || ways[i].threads > 1));
    if (known == 0)
      continue; /* nothing was there to go on with, and it would crash again */
    must (run_once (*state, &ways[i], "do = crash", &all));
    assert_string_equal (all.report, answers);
    assert_int_equal (all.count, 5);
  }
}

static void
somebody_asks_to_stop (void **state)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (ways); i++) {
    keeper all = { .most = 9 };
    must_fail (run_once (*state, &ways[i], "do = stop", &all), ADZE_E_CANCELLED, "run of 'first' failed", NULL);
    assert_true (all.asked >= 9 && all.asked <= 11); /* others had asked meanwhile */
    assert_true (all.done == 7 && all.total == 9); /* what run said, whatever a job says */
  }
}

static void
run_has_had_enough (void **state)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (ways); i++) {
    keeper all = { .count = 0 };
    must_fail (run_once (*state, &ways[i], "do = end", &all), ADZE_E_CANCELLED, NULL);
    assert_int_equal (all.count, 1);
  }
}

static void
what_no_job_does (void **state)
{
  static const char *const wrong[][2] = { { "do = give", "adze.run/1 give_bytes was called in a job" },
                                          { "do = save", "adze.run/1 save was called in a job" },
                                          { "do = tell", "it told a metric in a job" },
                                          { "do = jobs", "adze.jobs/1 run was called in a job" },
                                          { "do = twice", "a job answered twice" } };
  for (size_t i = 0; i < ADZE_COUNT_OF (wrong); i++)
    for (size_t k = 0; k < ADZE_COUNT_OF (ways); k++) {
      keeper all = { .count = 0 };
      must_fail (run_once (*state, &ways[k], wrong[i][0], &all), ADZE_E_CONTRACT, "of 5 of stage 'first' failed",
                 wrong[i][1], NULL);
    }
}

/* ---- Without workers. */

static void
no_worker_program (void **state)
{
  const char *const settings[] = { NULL };
  keeper all = { .count = 0 };
  must_fail (run_by (*state, &ways[1], &hooks, "/nowhere/adze-worker", settings, &all), ADZE_OK,
             "stage 'first' has jobs, and a process that does them cannot be had", "/nowhere/adze-worker",
             "reinstall adze", NULL);
}

static void
a_rehearsal_needs_none (void **state)
{
  const char *const settings[] = { NULL };
  keeper all = { .count = 0 };
  must (run_by (*state, &ways[1], &rehearsal, "/nowhere/adze-worker", settings, &all));
  assert_string_equal (all.report, answers);
}

#define WITH_ERRANDS(test) cmocka_unit_test_setup_teardown (test, make_errands, end_world)

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    WITH_ERRANDS (the_same_however_it_is_done), WITH_ERRANDS (heard_as_they_end),
    WITH_ERRANDS (large_answers),               WITH_ERRANDS (one_fails),
    WITH_ERRANDS (one_crashes),                 WITH_ERRANDS (somebody_asks_to_stop),
    WITH_ERRANDS (run_has_had_enough),          WITH_ERRANDS (what_no_job_does),
    WITH_ERRANDS (no_worker_program),           WITH_ERRANDS (a_rehearsal_needs_none),
  };
  return cmocka_run_group_tests_name ("jobs", tests, NULL, NULL);
}
