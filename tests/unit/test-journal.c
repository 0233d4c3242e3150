/* SPDX-License-Identifier: Apache-2.0 */
/* The journal, results and known files: what survives, and what is not believed. */
#include "run-world.h"

#include <fcntl.h>
#include <inttypes.h>

#include "base/digest.h"

#define JOURNAL(w) in_world (w, "runs/0001-small/journal")

static adze_folder *
open_small (const world *w)
{
  return open_run (w, "small", "same", false);
}

/* The hash that the journal has of a tensor; 0: none. */
static uint64_t
journalled (const adze_folder *folder, uint64_t segment, uint64_t tensor)
{
  adze_hash128 hash = { 0 };
  bool sure = false;
  bool has = adze_journal_has (folder, hash_number (segment), tensor, &hash, &sure);
  if (has)
    assert_true (adze_hash_equal (hash, hash_number (hash.low)));
  return has ? hash.low : 0;
}

/* ---- Journal. */

static void
what_was_done_is_found_again (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_small (w);
  must (adze_journal_add (folder, hash_number (1), 0, hash_number (10)));
  must (adze_journal_add (folder, hash_number (2), 0, hash_number (20)));
  must (adze_journal_add (folder, hash_number (1), UINT64_MAX, hash_number (11)));
  must (adze_journal_add (folder, hash_number (1), 0, hash_number (12)));
  for (int i = 0; i < 2; i++) {
    assert_int_equal (journalled (folder, 1, 0), 12);
    assert_int_equal (journalled (folder, 1, UINT64_MAX), 11);
    assert_int_equal (journalled (folder, 2, 0), 20);
    assert_int_equal (journalled (folder, 2, 1), 0);
    assert_int_equal (journalled (folder, 3, 0), 0);
    adze_folder_close (folder);
    folder = open_small (w);
  }
  adze_folder_close (folder);
}

static void
many_tensors_are_no_matter (void **state)
{
  const world *w = *state;
  enum { TENSORS = 100000 };
  adze_folder *folder = open_small (w);
  for (uint64_t i = 0; i < TENSORS; i++)
    must (adze_journal_add (folder, hash_number (1), i, hash_number (i + 1)));
  adze_folder_close (folder);
  folder = open_small (w);
  for (uint64_t i = 0; i < TENSORS; i++)
    assert_int_equal (journalled (folder, 1, i), i + 1);
  assert_int_equal (journalled (folder, 1, TENSORS), 0);
  adze_folder_close (folder);
}

/* Cut behind every byte: whole lines hold, a part of one is nothing, and what is added afterwards
 * holds too. */
static void
a_journal_may_end_anywhere (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_small (w);
  for (uint64_t i = 0; i < 3; i++)
    must (adze_journal_add (folder, hash_number (1), i, hash_number (i + 1)));
  adze_folder_close (folder);
  ADZE_AUTO_FREE char *text = read_text (JOURNAL (w));
  size_t size = strlen (text), line = size / 3;
  for (size_t cut = 0; cut <= size; cut++) {
    must (adze_file_write (JOURNAL (w), text, cut, 0644));
    folder = open_small (w);
    for (uint64_t i = 0; i < 3; i++)
      assert_int_equal (journalled (folder, 1, i), (i + 1) * line <= cut ? i + 1 : 0);
    must (adze_journal_add (folder, hash_number (1), 9, hash_number (10)));
    adze_folder_close (folder);
    folder = open_small (w);
    assert_int_equal (journalled (folder, 1, 9), 10);
    adze_folder_close (folder);
  }
}

/* Each byte changed in turn: the line that it is in is nothing, and the others hold. */
static void
a_damaged_line_is_passed_over (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_small (w);
  for (uint64_t i = 0; i < 3; i++)
    must (adze_journal_add (folder, hash_number (1), i, hash_number (i + 1)));
  adze_folder_close (folder);
  ADZE_AUTO_FREE char *text = read_text (JOURNAL (w));
  size_t size = strlen (text), line = size / 3;
  for (size_t at = line; at < 2 * line; at++) {
    char before = text[at];
    text[at] = before == '0' ? '1' : '0';
    must (adze_file_write (JOURNAL (w), text, size, 0644));
    text[at] = before;
    folder = open_small (w);
    assert_int_equal (journalled (folder, 1, 0), 1);
    assert_int_equal (journalled (folder, 1, 1), 0);
    /* Without its end, the line has run into the third one. */
    assert_int_equal (journalled (folder, 1, 2), before == '\n' ? 0 : 3);
    adze_folder_close (folder);
  }
}

static void
rubbish_is_passed_over (void **state)
{
  const world *w = *state;
  adze_folder_close (open_small (w));
  run_command ("head -c 300000 /dev/zero > '%s'; head -c 300000 /dev/urandom >> '%s'", JOURNAL (w),
               JOURNAL (w));
  adze_folder *folder = open_small (w);
  must (adze_journal_add (folder, hash_number (1), 1, hash_number (2)));
  adze_folder_close (folder);
  folder = open_small (w);
  assert_int_equal (journalled (folder, 1, 1), 2);
  adze_folder_close (folder);
}

/* As a line that another start of the machine has written. */
static void
write_of_boot (const world *w, uint64_t boot)
{
  char line[512], segment[ADZE_HASH_TEXT], hash[ADZE_HASH_TEXT];
  adze_hash_text (hash_number (1), segment);
  adze_hash_text (hash_number (2), hash);
  int size = snprintf (line, sizeof line, "t %s 1 %s %016" PRIx64, segment, hash, boot);
  snprintf (line + size, sizeof line - (size_t)size, " %016" PRIx64 "\n",
            adze_hash64 (line, (size_t)size, 0));
  write_text (JOURNAL (w), line);
}

static bool
is_sure (const world *w)
{
  adze_folder *folder = open_small (w);
  adze_hash128 hash;
  bool sure = false;
  assert_true (adze_journal_has (folder, hash_number (1), 1, &hash, &sure));
  adze_folder_close (folder);
  return sure;
}

static void
only_this_boot_is_sure (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_small (w);
  must (adze_journal_add (folder, hash_number (1), 1, hash_number (2)));
  adze_folder_close (folder);
  assert_int_equal (is_sure (w), exists ("/proc/sys/kernel/random/boot_id"));
  write_of_boot (w, 12345);
  assert_false (is_sure (w));
  write_of_boot (w, 0);
  assert_false (is_sure (w));
}

static void
notes_are_kept (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_small (w);
  static const char data[] = "any\0thing\n";
  must (adze_journal_note (folder, hash_number (1), "clip", data, sizeof data));
  must (adze_journal_note (folder, hash_number (1), "a/b", "", 0));
  for (int i = 0; i < 2; i++) {
    ADZE_AUTO_FREE void *found = NULL, *empty = NULL, *none = NULL;
    size_t size = 0;
    must (adze_journal_noted (folder, hash_number (1), "clip", &found, &size));
    assert_int_equal (size, sizeof data);
    assert_memory_equal (found, data, size);
    must (adze_journal_noted (folder, hash_number (1), "a/b", &empty, &size));
    assert_non_null (empty);
    assert_int_equal (size, 0);
    must (adze_journal_noted (folder, hash_number (2), "clip", &none, &size));
    assert_null (none);
    adze_folder_close (folder);
    folder = open_small (w);
  }
  adze_folder_close (folder);
}

static void
a_damaged_note_is_none (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_small (w);
  must (adze_journal_note (folder, hash_number (1), "clip", "12345678", 8));
  run_command ("for f in '%s'/notes/*; do printf 12345679 > $f; done",
               adze_folder_path_of (folder));
  ADZE_AUTO_FREE void *found = NULL;
  size_t size = 0;
  must (adze_journal_noted (folder, hash_number (1), "clip", &found, &size));
  assert_null (found);
  run_command ("rm '%s'/notes/*", adze_folder_path_of (folder));
  must (adze_journal_noted (folder, hash_number (1), "clip", &found, &size));
  assert_null (found);
  adze_folder_close (folder);
}

static void
a_forgotten_segment_begins_anew (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_small (w);
  must (adze_journal_add (folder, hash_number (1), 1, hash_number (10)));
  must (adze_journal_add (folder, hash_number (2), 1, hash_number (20)));
  must (adze_journal_note (folder, hash_number (1), "clip", "x", 1));
  must (adze_journal_forget (folder, hash_number (1)));
  must (adze_journal_forget (folder, hash_number (3)));
  must (adze_journal_add (folder, hash_number (1), 2, hash_number (11)));
  for (int i = 0; i < 2; i++) {
    ADZE_AUTO_FREE void *found = NULL;
    size_t size = 0;
    assert_int_equal (journalled (folder, 1, 1), 0);
    assert_int_equal (journalled (folder, 1, 2), 11);
    assert_int_equal (journalled (folder, 2, 1), 20);
    must (adze_journal_noted (folder, hash_number (1), "clip", &found, &size));
    assert_null (found);
    adze_folder_close (folder);
    folder = open_small (w);
  }
  adze_folder_close (folder);
}

typedef struct adding {
  adze_folder *folder;
  uint64_t first;
} adding;

static void *
add_many (void *argument)
{
  const adding *a = argument;
  for (uint64_t i = 0; i < 500; i++) {
    ADZE_AUTO_VALUE line = adze_value_new (ADZE_VALUE_TABLE);
    adze_json_int (line, "n", (int64_t)i);
    adze_error_free (adze_folder_add_line (a->folder, "decisions.jsonl", line));
    adze_error_free (
        adze_journal_add (a->folder, hash_number (1), a->first + i, hash_number (i + 1)));
  }
  return NULL;
}

static void
threads_may_add_at_once (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_small (w);
  pthread_t threads[3];
  adding each[3];
  for (size_t i = 0; i < 3; i++) {
    each[i] = (adding){ folder, i * 1000 };
    assert_int_equal (pthread_create (&threads[i], NULL, add_many, &each[i]), 0);
  }
  for (size_t i = 0; i < 3; i++)
    pthread_join (threads[i], NULL);
  adze_folder_close (folder);
  folder = open_small (w);
  for (uint64_t i = 0; i < 3; i++)
    for (uint64_t k = 0; k < 500; k++)
      assert_int_equal (journalled (folder, 1, i * 1000 + k), k + 1);
  adze_folder_close (folder);
}

/* ---- Results. */

static adze_key
key_of (const char *stage, const char *seed)
{
  adze_key key = { 0 };
  must (adze_key_add (&key, "stage", stage));
  must (adze_key_add (&key, "seed", seed));
  return key;
}

static adze_value *
facts_of (const char *word, const char *path)
{
  adze_value *facts = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (facts, "word", word);
  if (path)
    must (adze_result_add_file (facts, path));
  return facts;
}

static void
keep (adze_folder *folder, const char *stage, const char *seed, const char *word,
      const char *path)
{
  ADZE_AUTO (adze_key) key = key_of (stage, seed);
  ADZE_AUTO_VALUE facts = facts_of (word, path);
  must (adze_result_keep (folder, &key, facts));
}

/* The word that was kept ("": none); REASON: why there is none. */
static const char *
kept (adze_folder *folder, const char *stage, const char *seed, const char *reason)
{
  static char word[64];
  ADZE_AUTO (adze_key) key = key_of (stage, seed);
  ADZE_AUTO (adze_buffer) why = { 0 };
  ADZE_AUTO_VALUE facts = NULL;
  must (adze_result_find_why (folder, &key, &facts, &why));
  if (!strstr (why.data ? why.data : "", reason))
    fail_msg ("'%s' is not in '%s'", reason, why.data ? why.data : "");
  snprintf (word, sizeof word, "%s", facts ? adze_record_text (facts, "word") : "");
  return word;
}

static void
a_result_is_found_by_its_key (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_small (w);
  keep (folder, "clip", "7", "seven", NULL);
  keep (folder, "clip", "8", "eight", NULL);
  for (int i = 0; i < 2; i++) {
    assert_string_equal (kept (folder, "clip", "7", ""), "seven");
    assert_string_equal (kept (folder, "clip", "8", ""), "eight");
    assert_string_equal (kept (folder, "cast", "8", ""), "");
    must (adze_folder_state (folder, "finished", NULL));
    adze_folder_close (folder);
    folder = open_run (w, "another", "another", false);
  }
  adze_folder_close (folder);
}

static void
a_result_whose_file_changed_is_none (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_small (w);
  const char *outside = in_world (w, "model.onnx");
  write_text (outside, "one");
  keep (folder, "clip", "7", "seven", outside);
  assert_string_equal (kept (folder, "clip", "7", ""), "seven");
  write_text (outside, "two");
  assert_string_equal (kept (folder, "clip", "7", "model.onnx is another than"), "");
  write_text (outside, "three");
  assert_string_equal (
      kept (folder, "clip", "7", "model.onnx has changed: it had 3 bytes, and has 5"), "");
  unlink (outside);
  assert_string_equal (kept (folder, "clip", "7", "model.onnx has gone"), "");
  adze_folder_close (folder);
}

static void
a_damaged_record_is_no_result (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_small (w);
  keep (folder, "clip", "7", "seven", NULL);
  run_command ("for f in '%s'/*.json; do echo '{' > $f; done", in_world (w, "runs/results"));
  assert_string_equal (kept (folder, "clip", "7", "cannot be read"), "");
  run_command ("for f in '%s'/*.json; do echo '{}' > $f; done", in_world (w, "runs/results"));
  assert_string_equal (kept (folder, "clip", "7", "not one of this version"), "");
  adze_folder_close (folder);
}

/* Files below RUNS go with it. */
static void
a_project_may_be_moved (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_small (w);
  ADZE_AUTO (adze_key) key = key_of ("clip", "7");
  ADZE_AUTO_FREE char *path = NULL;
  must (adze_result_path (folder, adze_key_hash (&key), "model", &path));
  write_text (path, "weights");
  keep (folder, "clip", "7", "seven", path);
  adze_folder_close (folder);
  run_command ("mv '%s' '%s'; mkdir '%s'", in_world (w, "runs"), in_world (w, "away"),
               in_world (w, "deeper"));
  run_command ("mv '%s' '%s/runs'", in_world (w, "away"), in_world (w, "deeper"));
  adze_folder_options options
      = { .runs = in_world (w, "deeper/runs"), .name = "small", .identity = "same" };
  must (adze_folder_open (&options, &folder));
  ADZE_AUTO_VALUE facts = NULL;
  must (adze_result_find (folder, &key, &facts));
  assert_non_null (facts);
  const adze_value *file = adze_value_get (facts, "files")->items[0];
  ADZE_AUTO_FREE char *wanted = NULL;
  must (adze_result_path (folder, adze_key_hash (&key), "model", &wanted));
  assert_string_equal (adze_record_text (file, "path"), wanted);
  adze_folder_close (folder);
}

static void
fresh_takes_only_its_own (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_small (w);
  keep (folder, "clip", "7", "old", NULL);
  keep (folder, "clip", "8", "old", NULL);
  adze_folder_close (folder);
  folder = open_run (w, "small", "same", true);
  assert_string_equal (kept (folder, "clip", "7", "afresh"), "");
  keep (folder, "clip", "7", "new", NULL);
  assert_string_equal (kept (folder, "clip", "7", ""), "new");
  assert_string_equal (kept (folder, "clip", "8", "afresh"), "");
  adze_folder_close (folder);
}

/* The seed of the newest result about stage clip; "" where there is none. To be freed. */
static char *
newest_seed (const adze_folder *folder)
{
  ADZE_AUTO_VALUE parts = NULL;
  ADZE_AUTO_VALUE stages = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_bool (stages, "clip", true);
  assert_false (adze_json_failed (stages));
  must (adze_result_newest (folder, stages, &parts));
  return strdup (parts ? adze_record_text (parts, "seed") : "");
}

/* The same of the last run. */
static char *
last_seed (const adze_folder *folder)
{
  ADZE_AUTO_VALUE records = NULL;
  bool finished;
  must (adze_last_run (folder, &records, &finished));
  for (size_t i = 0; records && i < records->count; i++)
    if (adze_result_names (records->items[i], "clip"))
      return strdup (adze_record_text (records->items[i], "seed"));
  return strdup ("");
}

static void
the_last_result_of_a_stage (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_small (w);
  bool any = true;
  must (adze_result_any (folder, "clip", &any));
  assert_false (any);
  static const char *const seeds[] = { "7", "9", "8", "6" };
  for (size_t i = 0; i < ADZE_COUNT_OF (seeds); i++) {
    keep (folder, "clip", seeds[i], "x", NULL);
    keep (folder, "cast", "77", "x", NULL);
    /* Files may have been written within one tick of the clock, or copied. */
    run_command ("touch -d @1000000000 '%s'/*.json", in_world (w, "runs/results"));
    ADZE_AUTO_FREE char *seed = newest_seed (folder);
    ADZE_AUTO_FREE char *last = last_seed (folder);
    assert_string_equal (seed, seeds[i]);
    assert_string_equal (last, seeds[i]);
    must (adze_result_any (folder, "clip", &any));
    assert_true (any);
    must (adze_result_any (folder, "clip, cast", &any));
    assert_false (any);
  }
  adze_folder_close (folder);
}

static void
must_be_last (const world *w, const char *pipeline, const char *seed)
{
  const adze_folder_options options = { .runs = in_world (w, "runs"), .name = pipeline,
                                        .look = true };
  adze_folder *folder;
  must (adze_folder_open (&options, &folder));
  ADZE_AUTO_FREE char *last = last_seed (folder);
  assert_string_equal (last, seed);
  adze_folder_close (folder);
}

/* Whoever made it, and whenever; a run that did not finish counts while none did. */
static void
the_last_result_is_what_the_last_run_used (void **state)
{
  const world *w = *state;
  static const struct {
    const char *pipeline, *identity, *state, *seed, *last;
  } runs[] = {
    { "small", "1", "failed", "1", "1" },   { "small", "2", "cancelled", "2", "2" },
    { "small", "3", "finished", "3", "3" }, { "small", "4", "finished", "4", "4" },
    { "small", "5", "failed", "5", "4" },   { "other", "6", "finished", "6", "4" },
    { "small", "3", "finished", "3", "3" },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (runs); i++) {
    adze_folder *folder = open_run (w, runs[i].pipeline, runs[i].identity, false);
    if (kept (folder, "clip", runs[i].seed, "")[0] == '\0')
      keep (folder, "clip", runs[i].seed, "x", NULL);
    must (adze_folder_state (folder, runs[i].state, NULL));
    adze_folder_close (folder);
    must_be_last (w, "small", runs[i].last);
  }
  must_be_last (w, "other", "6");
  /* One that has never run has no last run. */
  must_be_last (w, "third", "");
}

/* ---- Known files. */

static adze_file_identity
identity_of (uint64_t number)
{
  return (adze_file_identity){ UINT64_MAX, number, 3, -1, INT64_MIN };
}

static bool
knows (const adze_folder *folder, uint64_t number, const char *what, uint64_t wanted)
{
  adze_file_identity identity = identity_of (number);
  adze_hash128 hash = { 0 };
  return adze_known_get (folder, &identity, what, &hash)
         && adze_hash_equal (hash, hash_number (wanted));
}

static void
put (adze_folder *folder, uint64_t number, const char *what, uint64_t hash)
{
  adze_file_identity identity = identity_of (number);
  must (adze_known_put (folder, &identity, what, hash_number (hash)));
}

static void
known_files_are_remembered (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_small (w);
  put (folder, 1, "content", 10);
  put (folder, 1, "tensors", 11);
  put (folder, 1, "content", 12);
  for (int i = 0; i < 2; i++) {
    assert_true (knows (folder, 1, "content", 12));
    assert_true (knows (folder, 1, "tensors", 11));
    assert_false (knows (folder, 2, "content", 12));
    adze_file_identity touched = identity_of (1);
    touched.ctime_ns++;
    adze_hash128 hash;
    assert_false (adze_known_get (folder, &touched, "content", &hash));
    adze_folder_close (folder);
    folder = open_small (w);
  }
  adze_folder_close (folder);
}

static void
the_oldest_are_forgotten (void **state)
{
  const world *w = *state;
  enum { MOST = 10000, MORE = 10 };
  adze_folder *folder = open_small (w);
  put (folder, 0, "content", 1);
  adze_folder_close (folder);
  folder = open_small (w);
  for (uint64_t i = 1; i < MOST + MORE; i++)
    put (folder, i, "content", i + 1);
  adze_folder_close (folder);
  folder = open_small (w);
  for (uint64_t i = 0; i < MOST + MORE; i++)
    assert_int_equal (knows (folder, i, "content", i + 1), i >= MORE);
  adze_folder_close (folder);
}

/* Two that learn at the same time, each in its own folder of the same RUNS. */
static void
nobody_overwrites_what_others_learnt (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_small (w), *look = look_at_run (w, "other", "other");
  put (folder, 1, "content", 10);
  /* As another process would, which reads before and writes after. */
  look->look = false;
  put (look, 2, "content", 20);
  must (adze_folder_flush (folder));
  look->known.changed = true;
  must (adze_known_save (look));
  look->look = true;
  put (folder, 3, "content", 30);
  adze_folder_close (folder);
  adze_folder_close (look);
  folder = open_small (w);
  for (uint64_t i = 1; i <= 3; i++)
    assert_true (knows (folder, i, "content", i * 10));
  adze_folder_close (folder);
}

static void
a_damaged_memory_is_none (void **state)
{
  const world *w = *state;
  adze_folder *folder = open_small (w);
  put (folder, 1, "content", 10);
  adze_folder_close (folder);
  write_text (in_world (w, "runs/known.json"),
              "{\"format\": 2, \"files\": [7, {\"what\": \"content\"}, {\"what\": \"x\", \"file\": "
              "\"1:2\", \"hash\": \"zz\"}]}");
  folder = open_small (w);
  assert_false (knows (folder, 1, "content", 10));
  put (folder, 1, "content", 10);
  adze_folder_close (folder);
  write_text (in_world (w, "runs/known.json"), "{");
  folder = open_small (w);
  assert_false (knows (folder, 1, "content", 10));
  adze_folder_close (folder);
}

#define TEST(function) \
  cmocka_unit_test_setup_teardown (function, make_runs_world, end_runs_world)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (what_was_done_is_found_again),
    TEST (many_tensors_are_no_matter),
    TEST (a_journal_may_end_anywhere),
    TEST (a_damaged_line_is_passed_over),
    TEST (rubbish_is_passed_over),
    TEST (only_this_boot_is_sure),
    TEST (notes_are_kept),
    TEST (a_damaged_note_is_none),
    TEST (a_forgotten_segment_begins_anew),
    TEST (threads_may_add_at_once),
    TEST (a_result_is_found_by_its_key),
    TEST (a_result_whose_file_changed_is_none),
    TEST (a_damaged_record_is_no_result),
    TEST (a_project_may_be_moved),
    TEST (fresh_takes_only_its_own),
    TEST (the_last_result_of_a_stage),
    TEST (the_last_result_is_what_the_last_run_used),
    TEST (known_files_are_remembered),
    TEST (the_oldest_are_forgotten),
    TEST (nobody_overwrites_what_others_learnt),
    TEST (a_damaged_memory_is_none),
  };
  return cmocka_run_group_tests_name ("journal, results, known files", tests, NULL, NULL);
}
