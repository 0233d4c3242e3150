/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of runs: numbers, going on, the lock, small files, looking back. */
#include "run-world.h"

#include <signal.h>
#include <sys/wait.h>

#define RUN(w, rest) in_world (w, "runs/" rest)

static void
runs_are_numbered_and_named (void **state)
{
  const world *w = *state;
  static const char *const names[] = { "small", "with space/and\nslash", "" };
  for (size_t i = 0; i < ADZE_COUNT_OF (names); i++) {
    adze_folder *folder = open_run (w, names[i], "x", true);
    must (adze_folder_state (folder, "finished", NULL));
    adze_folder_close (folder);
  }
  assert_true (exists (RUN (w, "0001-small/run.json")));
  assert_true (exists (RUN (w, "0001-small/pipeline.toml")));
  assert_true (exists (RUN (w, "0002-with-space-and-slash/run.json")));
  assert_true (exists (RUN (w, "0003-/run.json")));
  /* What lies there already, of whatever name, keeps its number; other names are no runs. */
  run_command ("mkdir '%s' '%s'", RUN (w, "0041-mine"), RUN (w, "99-other"));
  adze_folder *folder = open_run (w, "small", "x", true);
  assert_string_equal (adze_path_base (adze_folder_path_of (folder)), "0042-small");
  adze_folder_close (folder);
}

static void
what_did_not_finish_is_gone_on_with (void **state)
{
  const world *w = *state;
  static const char *const unfinished[] = { "running", "failed", "cancelled" };
  for (size_t i = 0; i < ADZE_COUNT_OF (unfinished); i++) {
    adze_folder *folder = open_run (w, "small", "same", false);
    assert_int_equal (adze_folder_is_resumed (folder), i > 0);
    assert_string_equal (adze_path_base (adze_folder_path_of (folder)), "0001-small");
    must (adze_folder_state (folder, unfinished[i], NULL));
    adze_folder_close (folder);
  }
  adze_folder *other = open_run (w, "small", "other", false);
  assert_false (adze_folder_is_resumed (other));
  adze_folder_close (other);
  adze_folder *folder = open_run (w, "small", "same", false);
  assert_true (adze_folder_is_resumed (folder));
  must (adze_folder_state (folder, "finished", NULL));
  adze_folder_close (folder);
  folder = open_run (w, "small", "same", false);
  assert_false (adze_folder_is_resumed (folder));
  assert_string_equal (adze_path_base (adze_folder_path_of (folder)), "0003-small");
  adze_folder_close (folder);
}

static void
fresh_begins_anew (void **state)
{
  const world *w = *state;
  adze_folder_close (open_run (w, "small", "same", false));
  adze_folder *folder = open_run (w, "small", "same", true);
  assert_false (adze_folder_is_resumed (folder));
  must (adze_folder_state (folder, "finished", NULL));
  adze_folder_close (folder);
  /* The one before the fresh one is of no interest any more. */
  folder = open_run (w, "small", "same", false);
  assert_false (adze_folder_is_resumed (folder));
  adze_folder_close (folder);
}

static void
one_runs_at_a_time (void **state)
{
  const world *w = *state;
  adze_folder *first = open_run (w, "small", "same", false), *second = NULL;
  adze_folder_options options = { .runs = in_world (w, "runs"), .name = "other" };
  char mine[64];
  snprintf (mine, sizeof mine, "process %ld is running in ", (long)getpid ());
  must_fail (adze_folder_open (&options, &second), ADZE_E_DUPLICATE, mine, "runs/0001-small",
             "--runs", NULL);
  assert_false (exists (RUN (w, "0002-other")));
  adze_folder_close (first);
  must (adze_folder_open (&options, &second));
  adze_folder_close (second);
}

static void
a_dead_holder_holds_nothing (void **state)
{
  const world *w = *state;
  pid_t child = fork ();
  if (child == 0) {
    open_run (w, "small", "same", false);
    kill (getpid (), SIGKILL);
  }
  int status = 0;
  assert_int_equal (waitpid (child, &status, 0), child);
  assert_true (WIFSIGNALED (status));
  ADZE_AUTO_VALUE list = NULL;
  must (adze_runs_read (in_world (w, "runs"), &list));
  assert_int_equal (list->count, 1);
  assert_string_equal (adze_record_text (list->items[0], "state"), "broken off");
  adze_folder *folder = open_run (w, "small", "same", false);
  assert_true (adze_folder_is_resumed (folder));
  adze_folder_close (folder);
}

static void
looking_leaves_nothing (void **state)
{
  const world *w = *state;
  adze_folder *look = look_at_run (w, "small", "same");
  assert_null (adze_folder_path_of (look));
  adze_folder_close (look);
  assert_false (exists (in_world (w, "runs")));

  adze_folder *folder = open_run (w, "small", "same", false);
  must (adze_journal_add (folder, hash_number (1), 5, hash_number (6)));
  look = look_at_run (w, "small", "same");
  assert_string_equal (adze_folder_path_of (look), adze_folder_path_of (folder));
  adze_hash128 hash;
  bool sure;
  assert_true (adze_journal_has (look, hash_number (1), 5, &hash, &sure));
  must_fail (adze_journal_add (look, hash_number (1), 5, hash), ADZE_E_INTERNAL, NULL);
  must_fail (adze_folder_put (look, "plan.json", NULL), ADZE_E_INTERNAL, NULL);
  adze_folder_close (look);
  adze_folder_close (folder);
}

static adze_value *
line_of (int64_t number)
{
  adze_value *line = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_int (line, "n", number);
  assert_false (adze_json_failed (line));
  return line;
}

static void
lines_come_whole_and_in_order (void **state)
{
  const world *w = *state;
  enum { LINES = 20000 };
  adze_folder *folder = open_run (w, "small", "same", false);
  for (int i = 0; i < LINES; i++) {
    ADZE_AUTO_VALUE line = line_of (i);
    must (adze_folder_add_line (folder, "events.jsonl", line));
  }
  must (adze_folder_flush (folder));
  ADZE_AUTO_FREE char *text = read_text (RUN (w, "0001-small/events.jsonl"));
  char *at = text;
  for (int i = 0; i < LINES; i++) {
    char wanted[32];
    int size = snprintf (wanted, sizeof wanted, "{\"n\": %d}\n", i);
    assert_memory_equal (at, wanted, size);
    at += size;
  }
  assert_string_equal (at, "");
  adze_folder_close (folder);
}

/* A line that a crash cut short must not take the next one with it. */
static void
a_cut_line_stays_alone (void **state)
{
  const world *w = *state;
  adze_folder_close (open_run (w, "small", "same", false));
  run_command ("printf '{\"n\": 1}\\n{\"n\"' > '%s'", RUN (w, "0001-small/decisions.jsonl"));
  adze_folder *folder = open_run (w, "small", "same", false);
  ADZE_AUTO_VALUE line = line_of (2);
  must (adze_folder_add_line (folder, "decisions.jsonl", line));
  adze_folder_close (folder);
  ADZE_AUTO_FREE char *text = read_text (RUN (w, "0001-small/decisions.jsonl"));
  assert_string_equal (text, "{\"n\": 1}\n{\"n\"\n{\"n\": 2}\n");
}

/* What was decided about a tensor is on its way before the journal says that the tensor is done. */
static void
decisions_come_before_the_journal (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_run (w, "small", "same", false);
  ADZE_AUTO_VALUE line = line_of (1);
  must (adze_folder_add_line (folder, "decisions.jsonl", line));
  must (adze_journal_add (folder, hash_number (1), 0, hash_number (2)));
  ADZE_AUTO_FREE char *text = read_text (RUN (w, "0001-small/decisions.jsonl"));
  assert_string_equal (text, "{\"n\": 1}\n");
  adze_folder_close (folder);
}

static void
names_do_not_lead_out (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_run (w, "small", "same", false);
  ADZE_AUTO_VALUE line = line_of (1);
  must_fail (adze_folder_put (folder, "../x.json", line), ADZE_E_INTERNAL, "../x.json", NULL);
  must_fail (adze_folder_add_line (folder, "..", line), ADZE_E_INTERNAL, NULL);
  adze_folder_close (folder);
}

/* ---- Looking back. */

static void
make_run_with_facts (const world *w)
{
  adze_folder *folder = open_run (w, "small", "same", false);
  static const char facts[] = "{\"clip\": {\"percentile\": 99.5, \"match\": [\"a\", \"b\"]}}";
  static const char measured[] = "{\"profile\": {\"zeros\": 7}, \"accuracy\": 0.5}";
  ADZE_AUTO (adze_document) parameters = { 0 }, metrics = { 0 };
  must (adze_json_parse ("facts", facts, strlen (facts), &parameters));
  must (adze_json_parse ("measured", measured, strlen (measured), &metrics));
  must (adze_folder_describe (folder, 7, parameters.root));
  must (adze_folder_put (folder, "metrics.json", metrics.root));
  must (adze_folder_state (folder, "finished", NULL));
  adze_folder_close (folder);
}

static void
a_run_tells_its_facts (void **state)
{
  const world *w = *state;
  make_run_with_facts (w);
  ADZE_AUTO_VALUE list = NULL;
  must (adze_runs_read (in_world (w, "runs"), &list));
  assert_int_equal (list->count, 1);
  const adze_value *run = list->items[0];
  const adze_value *parameters = adze_value_get (run, "parameters");
  const adze_value *metrics = adze_value_get (run, "metrics");
  assert_string_equal (adze_record_text (run, "name"), "small");
  assert_string_equal (adze_record_text (run, "state"), "finished");
  assert_int_equal (adze_value_get (run, "seed")->integer, 7);
  assert_int_equal (strlen (adze_record_text (run, "started")), strlen ("2026-01-31T12:00:00Z"));
  assert_non_null (adze_record_text (run, "finished"));
  assert_true (adze_value_get (run, "seconds")->real >= 0);
  assert_true (adze_value_get (parameters, "clip.percentile")->real == 99.5);
  assert_string_equal (adze_record_text (parameters, "clip.match"), "[\"a\", \"b\"]");
  assert_int_equal (adze_value_get (metrics, "profile.zeros")->integer, 7);
  assert_true (adze_value_get (metrics, "accuracy")->real == 0.5);
}

static void
a_failure_is_kept_until_it_is_mended (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_run (w, "small", "same", false);
  adze_error *failure = adze_error_new (ADZE_E_CRASHED, "the plugin crashed");
  must (adze_folder_state (folder, "failed", failure));
  adze_error_free (failure);
  adze_folder_close (folder);
  for (int i = 0; i < 2; i++) {
    ADZE_AUTO_VALUE list = NULL;
    must (adze_runs_read (in_world (w, "runs"), &list));
    const adze_value *told = adze_value_get (list->items[0], "failure");
    if (i == 0)
      assert_string_equal (adze_record_text (told, "message"), "the plugin crashed");
    else
      assert_null (told);
    adze_folder_close (open_run (w, "small", "same", false));
  }
}

static void
running_is_told_from_broken_off (void **state)
{
  const world *w = *state;
  adze_folder_close (open_run (w, "old", "old", false));
  adze_folder *folder = open_run (w, "new", "new", false);
  ADZE_AUTO_VALUE list = NULL;
  must (adze_runs_read (in_world (w, "runs"), &list));
  assert_int_equal (list->count, 2);
  assert_string_equal (adze_record_text (list->items[0], "state"), "broken off");
  assert_string_equal (adze_record_text (list->items[1], "state"), "running");
  adze_folder_close (folder);
}

static void
damaged_runs_are_listed (void **state)
{
  const world *w = *state;
  make_run_with_facts (w);
  run_command ("mkdir '%s' '%s'", RUN (w, "0002-empty"), RUN (w, "0003-cut"));
  run_command ("touch '%s'", RUN (w, "0004-a-file"));
  write_text (RUN (w, "0003-cut/run.json"), "{\"state\": \"fin");
  write_text (RUN (w, "0001-small/metrics.json"), "[[[");
  ADZE_AUTO_VALUE list = NULL;
  must (adze_runs_read (in_world (w, "runs"), &list));
  assert_int_equal (list->count, 3);
  assert_string_equal (adze_record_text (list->items[0], "state"), "finished");
  for (size_t i = 1; i < 3; i++) {
    assert_string_equal (adze_record_text (list->items[i], "state"), "damaged");
    assert_non_null (adze_record_text (adze_value_get (list->items[i], "failure"), "message"));
  }
  adze_folder *folder = open_run (w, "next", "next", false);
  assert_string_equal (adze_path_base (adze_folder_path_of (folder)), "0005-next");
  adze_folder_close (folder);
}

static void
must_find (const world *w, const char *run, const char *wanted)
{
  ADZE_AUTO_FREE char *path = NULL;
  must (adze_runs_find (in_world (w, "runs"), run, &path));
  assert_string_equal (adze_path_base (path), wanted);
}

static void
a_run_is_found_by_what_people_call_it (void **state)
{
  const world *w = *state;
  char *path = NULL;
  must_fail (adze_runs_find (in_world (w, "runs"), "last", &path), ADZE_E_NOT_FOUND, "no runs in",
             "--runs", NULL);
  adze_folder_close (open_run (w, "small", "a", true));
  adze_folder_close (open_run (w, "large", "b", true));
  adze_folder_close (open_run (w, "small", "a", true));
  must_find (w, "last", "0003-small");
  must_find (w, "small", "0003-small");
  must_find (w, "large", "0002-large");
  must_find (w, "1", "0001-small");
  must_find (w, "0002", "0002-large");
  must_find (w, "0001-small", "0001-small");
  must_find (w, RUN (w, "0001-small"), "0001-small");
  must_fail (adze_runs_find (in_world (w, "runs"), "smal", &path), ADZE_E_NOT_FOUND,
             "did you mean 'small'?", NULL);
  must_fail (adze_runs_find (in_world (w, "runs"), "17", &path), ADZE_E_NOT_FOUND,
             "the last one is 0003-small", NULL);
  must_fail (adze_runs_find (in_world (w, "runs"), "nowhere/0001-x", &path), ADZE_E_NOT_FOUND,
             "nowhere/0001-x", NULL);
}

#define TEST(function) \
  cmocka_unit_test_setup_teardown (function, make_runs_world, end_runs_world)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (runs_are_numbered_and_named),
    TEST (what_did_not_finish_is_gone_on_with),
    TEST (fresh_begins_anew),
    TEST (one_runs_at_a_time),
    TEST (a_dead_holder_holds_nothing),
    TEST (looking_leaves_nothing),
    TEST (lines_come_whole_and_in_order),
    TEST (a_cut_line_stays_alone),
    TEST (decisions_come_before_the_journal),
    TEST (names_do_not_lead_out),
    TEST (a_run_tells_its_facts),
    TEST (a_failure_is_kept_until_it_is_mended),
    TEST (running_is_told_from_broken_off),
    TEST (damaged_runs_are_listed),
    TEST (a_run_is_found_by_what_people_call_it),
  };
  return cmocka_run_group_tests_name ("folders of runs", tests, NULL, NULL);
}
