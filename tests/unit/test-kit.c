/* SPDX-License-Identifier: Apache-2.0 */
/* The conformance kit: a plugin that is wrong in one way fails the cases that are about it, with a
 * reason that says so, and no other; a sound one passes all. */
#include "world.h"

enum { FAILED_MOST = 64 };

typedef struct outcome {
  size_t reports;
  size_t count;
  size_t passed;
  size_t skipped;
  size_t failed;
  char *names[FAILED_MOST];
  char *details[FAILED_MOST];
} outcome;

static void
note (void *argument, const adze_case_report *report)
{
  outcome *all = argument;
  all->reports++;
  all->count = report->count;
  if (report->number != all->reports)
    fail_msg ("case %zu is reported as number %zu", all->reports, report->number);
  all->passed += report->verdict == ADZE_CASE_PASSED;
  all->skipped += report->verdict == ADZE_CASE_SKIPPED;
  if (report->verdict != ADZE_CASE_FAILED || all->failed == FAILED_MOST)
    return;
  all->names[all->failed] = strdup (report->name);
  all->details[all->failed++] = strdup (report->detail ? report->detail : "");
}

static void
forget (outcome *all)
{
  for (size_t i = 0; i < all->failed; i++) {
    free (all->names[i]);
    free (all->details[i]);
  }
}

static void
check (world *w, const char *flags, outcome *all)
{
  char *path = build (w, "bent", "bent", flags);
  size_t failed = 0;
  *all = (outcome){ 0 };
  must (adze_plugin_check (reopen (w, NULL), path, NULL, note, all, &failed));
  assert_int_equal (failed, all->failed);
  assert_int_equal (all->reports, all->count);
  assert_int_equal (all->passed + all->skipped + all->failed, all->count);
  free (path);
}

/* Is there a kit's allocator that can be made to fail? */
static bool
is_about_malloc (const char *name)
{
  return strstr (name, "each malloc fails") != NULL;
}

static bool
is_among (const char *name, const char *const *names, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (strcmp (names[i], name) == 0)
      return true;
  return false;
}

/* EXPECTED: the names of all cases that fail; NULL ends them. */
static void
expect (void **state, const char *flags, const char *part, const char *const *expected)
{
  outcome all;
  size_t wanted = 0;
  check (*state, flags, &all);
  for (; expected[wanted]; wanted++)
    if (!is_among (expected[wanted], (const char *const *)all.names, all.failed)
        && !(sanitized () && is_about_malloc (expected[wanted])))
      fail_msg ("%s: '%s' has passed", flags, expected[wanted]);
  for (size_t i = 0; i < all.failed; i++) {
    if (!is_among (all.names[i], expected, wanted))
      fail_msg ("%s: '%s' has failed: %s", flags, all.names[i], all.details[i]);
    if (!strstr (all.details[i], part))
      fail_msg ("%s: '%s' does not say '%s' but: %s", flags, all.names[i], part, all.details[i]);
  }
  forget (&all);
}

#define EXPECT(flags, part, ...) \
  expect (state, flags, part, (const char *const[]){ __VA_ARGS__, NULL })

#define HOST(name) "bent: " name ", in the host"
#define WORKER(name) "bent: " name ", in a worker"

/* Cases that feed it with its presets, in the host, with all services. */
#define FED_IN_HOST \
  HOST ("presets"), HOST ("random parameters"), HOST ("the same again"), HOST ("pieces"), \
      HOST ("the oldest host it can do with"), HOST ("several threads"), \
      HOST ("it leaves no process and no thread behind")
#define FED_IN_WORKER \
  WORKER ("presets"), WORKER ("random parameters"), WORKER ("the same again"), \
      WORKER ("pieces")
/* The same, and a rule that is broken counts there too. */
#define FED_WITHOUT_MEMORY HOST ("each allocate fails"), HOST ("each malloc fails")

static void
a_sound_one_passes (void **state)
{
  outcome all;
  check (*state, "", &all);
  for (size_t i = 0; i < all.failed; i++)
    fail_msg ("'%s' has failed: %s", all.names[i], all.details[i]);
  /* No manifest lies beside it, and it does not observe, here and there; nor is there an allocator to
   * lend under a sanitizer. */
  assert_int_equal (all.skipped, sanitized () ? 4 : 3);
  assert_true (all.passed >= 19);
  forget (&all);
}

static void
keeps_what_was_allocated (void **state)
{
  EXPECT ("-DBENT_KEEPS_ALLOCATED", "did not release", FED_WITHOUT_MEMORY);
}

static void
keeps_what_was_malloced (void **state)
{
  if (!sanitized ())
    EXPECT ("-DBENT_KEEPS_MALLOC", "never freed", HOST ("each malloc fails"));
}

static void
leaks_in_create (void **state)
{
  if (!sanitized ())
    EXPECT ("-DBENT_CREATE_LEAKS", "in a life in which nothing failed, 1 block was never freed",
            HOST ("each malloc fails"));
}

static void
leaks_in_init (void **state)
{
  if (!sanitized ())
    EXPECT ("-DBENT_INIT_LEAKS", "each start and end of the plugin keeps 1 block of malloc",
            "it starts and ends three times over");
}

static void
malloc_is_not_checked (void **state)
{
  if (!sanitized ())
    EXPECT ("-DBENT_UNCHECKED_MALLOC", "of malloc fails\"", HOST ("each malloc fails"));
}

static void
releases_twice (void **state)
{
  /* A worker's host does not watch, and what a sanitizer sees there it does not put in our words. */
  EXPECT ("-DBENT_DOUBLE_RELEASE", sanitized () ? "destroy of 'bent'" : "released it twice",
          FED_IN_HOST, FED_IN_WORKER, FED_WITHOUT_MEMORY, HOST ("a host without extensions"));
}

static void
writes_into_its_input (void **state)
{
  EXPECT ("-DBENT_WRITES_INPUT", "wrote into its input", FED_IN_HOST, FED_IN_WORKER,
          FED_WITHOUT_MEMORY, HOST ("a host without extensions"));
}

static void
asks_from_its_own_thread (void **state)
{
  EXPECT ("-DBENT_OWN_THREAD", "adze.random/1 fill is tagged [callback]", FED_IN_HOST,
          FED_WITHOUT_MEMORY);
}

static void
gives_no_reason (void **state)
{
  /* With what is no float32 alone, of which there is none in a model. */
  EXPECT ("-DBENT_NO_REASON", "gave no reason", HOST ("presets"), HOST ("random parameters"),
          HOST ("the same again"), HOST ("the oldest host it can do with"),
          HOST ("several threads"), HOST ("it leaves no process and no thread behind"),
          WORKER ("presets"), WORKER ("random parameters"), WORKER ("the same again"));
}

static void
depends_on_the_time (void **state)
{
  EXPECT ("-DBENT_TIME", "bytes", HOST ("the same again"), WORKER ("the same again"),
          HOST ("pieces"), WORKER ("pieces"), HOST ("several threads"));
}

static void
races (void **state)
{
  EXPECT ("-DBENT_RACE", "on several threads at once it gave other bytes",
          HOST ("several threads"));
}

static void
needs_an_absent_service (void **state)
{
  EXPECT ("-DBENT_NEEDS_SERVICE", "signal 11",
          HOST ("a host without extensions"));
}

static void
crashes_at_the_end_of_a_range (void **state)
{
  EXPECT ("-DBENT_END", "level = 100", HOST ("random parameters"), WORKER ("random parameters"));
}

static void
exports_too_much (void **state)
{
  EXPECT ("-DBENT_EXPORTS", "bent_helper", "the file is sound and exports its entry alone");
}

static void
reads_what_it_did_not_declare (void **state)
{
  EXPECT ("-DBENT_WRONG_NAME", "'height'", FED_IN_HOST, FED_IN_WORKER, FED_WITHOUT_MEMORY,
          HOST ("a host without extensions"));
}

static void
asks_for_two_outputs (void **state)
{
  EXPECT ("-DBENT_SECOND_OUTPUT", "second output", FED_IN_HOST, FED_IN_WORKER, FED_WITHOUT_MEMORY,
          HOST ("a host without extensions"));
}

static void
leaves_processes (void **state)
{
  EXPECT ("-DBENT_LEAVES=fork_one", "1 process of it",
          HOST ("it leaves no process and no thread behind"));
  EXPECT ("-DBENT_LEAVES=fork_away", "1 process of it",
          HOST ("it leaves no process and no thread behind"));
}

static void
leaves_a_thread (void **state)
{
  EXPECT ("-DBENT_LEAVES=start_thread", "of it still ran",
          HOST ("it leaves no process and no thread behind"));
}

static void
breaks_a_rule_in_destroy (void **state)
{
  EXPECT ("-DBENT_END_BREAKS", "did not get from allocate", FED_IN_HOST, FED_IN_WORKER,
          FED_WITHOUT_MEMORY, HOST ("a host without extensions"));
}

static void
crashes_in_destroy (void **state)
{
  EXPECT ("-DBENT_END_CRASHES", "signal 11", FED_IN_HOST, FED_IN_WORKER, FED_WITHOUT_MEMORY,
          HOST ("a host without extensions"));
}

static void
keeps_memory_after_deinit (void **state)
{
  EXPECT ("-DBENT_DEINIT_BREAKS", "'bent' did not release 10 bytes", "it loads in the host",
          "it starts and ends three times over", FED_IN_WORKER);
}

/* What the kit guesses for a mandatory parameter may be refused: that is no fault, and no proof
 * either. */
static void
wants_what_cannot_be_guessed (void **state)
{
  outcome sound, all;
  check (*state, "", &sound);
  check (*state, "-DBENT_PARTICULAR", &all);
  for (size_t i = 0; i < all.failed; i++)
    print_error ("%s: %s\n", all.names[i], all.details[i]);
  assert_int_equal (all.failed, 0);
  assert_true (all.skipped > sound.skipped);
  assert_true (all.passed > 0);
  forget (&sound);
  forget (&all);
}

/* The right word, said by the plugin itself: then nothing has to be guessed. */
static void
says_what_it_is_asked (void **state)
{
  outcome sound, all;
  check (*state, "", &sound);
  check (*state, "-DBENT_PARTICULAR -DBENT_GIVEN", &all);
  for (size_t i = 0; i < all.failed; i++)
    print_error ("%s: %s\n", all.names[i], all.details[i]);
  assert_int_equal (all.failed, 0);
  assert_int_equal (all.skipped, sound.skipped);
  forget (&sound);
  forget (&all);
}

/* ---- The kit itself. */

static void
cases_are_chosen_by_name (void **state)
{
  world *w = *state;
  char *path = build (w, "bent", "bent", "");
  adze_check_options options = ADZE_CHECK_OPTIONS_INIT;
  outcome all = { 0 };
  size_t failed = 0;
  options.only = "presets";
  must (adze_plugin_check (reopen (w, NULL), path, &options, note, &all, &failed));
  assert_int_equal (all.count, 2);
  assert_int_equal (all.passed, 2);
  options.only = "no such thing";
  must_fail (adze_plugin_check (w->runtime, path, &options, NULL, NULL, &failed), ADZE_E_PARAM,
             "no such thing", NULL);
  must_fail (adze_plugin_check (w->runtime, in_world (w, "none.so"), NULL, NULL, NULL, &failed),
             ADZE_E_NOT_FOUND, "none.so", NULL);
  free (path);
}

/* What cannot even be loaded still gets its report. */
static void
no_plugin_at_all (void **state)
{
  world *w = *state;
  outcome all = { 0 };
  size_t failed = 0;
  run_command ("echo no plugin > '%s'", in_world (w, "text.so"));
  must (adze_plugin_check (reopen (w, NULL), in_world (w, "text.so"), NULL, note, &all, &failed));
  assert_true (failed >= 3);
  assert_int_equal (failed, all.failed);
  forget (&all);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    IN_WORLD (a_sound_one_passes),
    IN_WORLD (keeps_what_was_allocated),
    IN_WORLD (keeps_what_was_malloced),
    IN_WORLD (leaks_in_create),
    IN_WORLD (leaks_in_init),
    IN_WORLD (malloc_is_not_checked),
    IN_WORLD (releases_twice),
    IN_WORLD (writes_into_its_input),
    IN_WORLD (asks_from_its_own_thread),
    IN_WORLD (gives_no_reason),
    IN_WORLD (depends_on_the_time),
    IN_WORLD (races),
    IN_WORLD (needs_an_absent_service),
    IN_WORLD (crashes_at_the_end_of_a_range),
    IN_WORLD (exports_too_much),
    IN_WORLD (reads_what_it_did_not_declare),
    IN_WORLD (asks_for_two_outputs),
    IN_WORLD (leaves_processes),
    IN_WORLD (leaves_a_thread),
    IN_WORLD (breaks_a_rule_in_destroy),
    IN_WORLD (crashes_in_destroy),
    IN_WORLD (keeps_memory_after_deinit),
    IN_WORLD (wants_what_cannot_be_guessed),
    IN_WORLD (says_what_it_is_asked),
    IN_WORLD (cases_are_chosen_by_name),
    IN_WORLD (no_plugin_at_all),
  };
  return cmocka_run_group_tests_name ("kit", tests, NULL, NULL);
}
