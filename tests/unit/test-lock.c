/* SPDX-License-Identifier: Apache-2.0 */
/* adze.lock: what is written, what is refused, and what of other pipelines stays. */
#include "run-world.h"

#include "plugin/manifest/manifest.h"
#include "run/lock.h"

#define LOCK(w) in_world (w, ADZE_LOCK_NAME)

/* A plugin whose file has this content. */
static void
use (const world *w, adze_lock_uses *uses, const char *id, const char *version,
     const char *content)
{
  adze_manifest manifest = { .id = (char *)id, .version = (char *)version };
  adze_plugin_record record = { .path = (char *)in_world (w, "plugin.so"), .manifest = &manifest };
  write_text (record.path, content);
  must (adze_lock_use_plugin (uses, NULL, &record));
}

/* One that binds a library of this content. */
static void
use_bound (const world *w, adze_lock_uses *uses, const char *id, const char *content)
{
  ADZE_AUTO_VALUE foreign = adze_value_new (ADZE_VALUE_TABLE);
  char *library = (char *)in_world (w, "libtwice.so.1");
  adze_manifest manifest
      = { .id = (char *)id, .version = (char *)"1", .foreign = foreign };
  adze_plugin_record record = { .path = (char *)in_world (w, "manifest.toml"),
                                .manifest = &manifest,
                                .libraries = &library,
                                .library_count = 1 };
  write_text (record.path, "the same");
  write_text (library, content);
  must (adze_lock_use_plugin (uses, NULL, &record));
  free (record.library_files);
}

static void
write_lock (const world *w, const adze_lock_uses *uses, const char *wanted)
{
  ADZE_AUTO (adze_buffer) changes = { 0 };
  must (adze_lock_write (LOCK (w), uses, &changes));
  if (!strstr (changes.data ? changes.data : "", wanted) || (!wanted[0] && changes.size > 0))
    fail_msg ("'%s' should be '%s'", changes.data ? changes.data : "", wanted);
}

static void
what_is_written_is_accepted (void **state)
{
  const world *w = *state;
  ADZE_AUTO (adze_lock_uses) uses = { 0 };
  use (w, &uses, "clip", "0.1.0", "one");
  use (w, &uses, "clip", "0.1.0", "one");
  use (w, &uses, "cast \"x\"", "1", "two");
  must (adze_lock_use_backend (&uses, "ref", "adze 0.2"));
  must_fail (adze_lock_check (LOCK (w), &uses), ADZE_E_TRUST, "there is no lock file",
             "without --locked", NULL);
  write_lock (w, &uses, "it is new");
  must (adze_lock_check (LOCK (w), &uses));
  ADZE_AUTO_FREE char *first = read_text (LOCK (w));
  assert_non_null (strstr (first, "[[plugin]]\nid = \"cast \\\"x\\\"\"\nversion = \"1\"\nbuild = "));
  assert_non_null (strstr (first, "[[backend]]\nid = \"ref\"\nidentity = \"adze 0.2\"\n"));
  write_lock (w, &uses, "");
}

static void
each_difference_is_named (void **state)
{
  const world *w = *state;
  ADZE_AUTO (adze_lock_uses) uses = { 0 }, others = { 0 };
  use (w, &uses, "clip", "0.1.0", "one");
  use (w, &uses, "cast", "0.1.0", "one");
  must (adze_lock_use_backend (&uses, "ref", "1"));
  write_lock (w, &uses, "it is new");
  use (w, &others, "clip", "0.2.0", "changed");
  use (w, &others, "cast", "0.1.0", "changed");
  use (w, &others, "rename", "0.1.0", "one");
  must (adze_lock_use_backend (&others, "ref", "2"));
  must_fail (adze_lock_check (LOCK (w), &others), ADZE_E_TRUST, "4 things differ",
             "plugin clip: the lock has version 0.1.0, found was 0.2.0",
             "plugin cast 0.1.0 was rebuilt", "plugin rename is not in it",
             "backend ref: the lock has identity 1, found was 2", NULL);
  must (adze_lock_check (LOCK (w), &uses));
}

static void
libraries_are_locked (void **state)
{
  const world *w = *state;
  ADZE_AUTO (adze_lock_uses) uses = { 0 }, without = { 0 }, others = { 0 };
  use_bound (w, &uses, "twice", "one");
  use_bound (w, &uses, "thrice", "one");
  use (w, &without, "twice", "1", "the same");
  use (w, &without, "thrice", "1", "the same");
  write_lock (w, &without, "it is new");
  must_fail (adze_lock_check (LOCK (w), &uses), ADZE_E_TRUST,
             "library libtwice.so.1 of twice is not in it", NULL);
  write_lock (w, &uses, "library libtwice.so.1 of thrice is not in it");
  must (adze_lock_check (LOCK (w), &uses));
  use_bound (w, &others, "twice", "one");
  use_bound (w, &others, "thrice", "two");
  must_fail (adze_lock_check (LOCK (w), &others), ADZE_E_TRUST, "1 thing differs",
             "library libtwice.so.1 of thrice was replaced: the lock has blake2b:", NULL);
}

static void
other_pipelines_keep_their_entries (void **state)
{
  const world *w = *state;
  ADZE_AUTO (adze_lock_uses) mine = { 0 }, newer = { 0 }, others = { 0 };
  use (w, &mine, "clip", "0.1.0", "one");
  use (w, &others, "cast", "0.1.0", "one");
  use (w, &newer, "clip", "0.2.0", "two");
  write_lock (w, &mine, "it is new");
  write_lock (w, &others, "plugin cast is not in it");
  must (adze_lock_check (LOCK (w), &mine));
  write_lock (w, &newer, "found was 0.2.0");
  must (adze_lock_check (LOCK (w), &newer));
  must (adze_lock_check (LOCK (w), &others));
  must_fail (adze_lock_check (LOCK (w), &mine), ADZE_E_TRUST, "1 thing differs", NULL);
}

static void
a_damaged_lock_is_left_alone (void **state)
{
  static const char *const texts[][2] = {
    { "<<<<<<< HEAD\n", "adze.lock:1" },
    { "plugin = []\n", "version = 1" },
    { "version = 2\n", "of version 2" },
    { "version = 1\nplugin = 7\n", "'plugin' is an integer" },
    { "version = 1\n[[plugin]]\nid = \"x\"\nversion = 3\n", "needs a string 'version'" },
    { "version = 1\nplugin = [3]\n", "needs a string 'id'" },
  };
  const world *w = *state;
  for (size_t i = 0; i < ADZE_COUNT_OF (texts); i++) {
    ADZE_AUTO (adze_lock_uses) uses = { 0 };
    ADZE_AUTO (adze_buffer) changes = { 0 };
    use (w, &uses, "clip", "0.1.0", "one");
    write_text (LOCK (w), texts[i][0]);
    must_fail (adze_lock_write (LOCK (w), &uses, &changes), ADZE_E_FORMAT, texts[i][1],
               "mend it, or remove it", NULL);
    must_fail (adze_lock_check (LOCK (w), &uses), ADZE_E_FORMAT, texts[i][1], NULL);
    ADZE_AUTO_FREE char *text = read_text (LOCK (w));
    assert_string_equal (text, texts[i][0]);
  }
}

#define TEST(function) \
  cmocka_unit_test_setup_teardown (function, make_runs_world, end_runs_world)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (what_is_written_is_accepted),
    TEST (each_difference_is_named),
    TEST (libraries_are_locked),
    TEST (other_pipelines_keep_their_entries),
    TEST (a_damaged_lock_is_left_alone),
  };
  return cmocka_run_group_tests_name ("adze.lock", tests, NULL, NULL);
}
