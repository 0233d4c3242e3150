/* SPDX-License-Identifier: Apache-2.0 */
/* The registry's memory: it holds for the very file it was learnt from, survives damage and two
 * writers at once, and costs nothing but time where it cannot be kept. */
#include "world.h"

#include <sys/wait.h>

#include "base/json.h"
#include "plugin/cache.h"

static adze_cache_key
key_of (const char *path)
{
  struct stat status;
  adze_cache_key key = { .path = path };
  if (stat (path, &status) == 0)
    key.object = adze_file_identity_of (&status);
  return key;
}

static adze_value *
facts_of (const char *text)
{
  adze_value *facts = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (facts, "text", text);
  assert_false (adze_json_failed (facts));
  return facts;
}

static adze_cache *
open_cache (const char *path)
{
  adze_cache *cache = NULL;
  must (adze_cache_open (path, &cache));
  return cache;
}

static void
put (adze_cache *cache, const char *path, const char *text)
{
  adze_cache_key key = key_of (path);
  must (adze_cache_put (cache, &key, facts_of (text)));
}

static const char *
known (adze_cache *cache, const char *path)
{
  adze_cache_key key = key_of (path);
  const adze_value *text = adze_value_get (adze_cache_get (cache, &key), "text");
  return text ? text->string : NULL;
}

static void
save_one (const char *cache_path, const char *path, const char *text)
{
  adze_cache *cache = open_cache (cache_path);
  put (cache, path, text);
  must (adze_cache_save (cache));
  adze_cache_free (cache);
}

/* Which file of the world's cache is about the plugin file at PATH. To be freed. */
static char *
file_for (const world *w, const char *path)
{
  adze_cache *cache = open_cache (in_world (w, "cache/registry"));
  char *file = adze_cache_file (cache, path);
  assert_non_null (file);
  adze_cache_free (cache);
  return file;
}

/* A file in the world, made; its path lives as long as the world. */
static char *
make_file (world *w, const char *name)
{
  char *path = adze_text_format ("%s/%s", w->folder, name);
  assert_non_null (path);
  run_command ("echo %s > '%s'", name, path);
  return path;
}

static void
holds_for_the_very_file (void **state)
{
  world *w = *state;
  char *path = make_file (w, "a.so");
  const char *file = in_world (w, "cache/registry");
  save_one (file, path, "first");
  adze_cache *cache = open_cache (file);
  assert_string_equal (known (cache, path), "first");
  must (adze_cache_complaint (cache));
  adze_cache_key key = key_of (path);
  key.manifest.inode = 1;
  assert_null (adze_cache_get (cache, &key));
  run_command ("touch -d '2001-01-01' '%s'", path);
  assert_null (known (cache, path));
  put (cache, path, "second");
  assert_string_equal (known (cache, path), "second");
  run_command ("cp -p '%s' '%s.new' && mv '%s.new' '%s'", path, path, path, path);
  assert_null (known (cache, path));
  adze_cache_forget (cache);
  must (adze_cache_save (cache));
  adze_cache_free (cache);
  cache = open_cache (file);
  assert_null (known (cache, path));
  adze_cache_free (cache);
  free (path);
}

/* Once: the next question is for the next file. */
static void
must_complain_of (adze_cache *cache, const char *file)
{
  ADZE_AUTO_ERROR complaint = adze_cache_complaint (cache);
  assert_non_null (complaint);
  assert_non_null (adze_error_fact (complaint, "line"));
  assert_non_null (adze_error_fact (complaint, "column"));
  assert_non_null (strstr (adze_error_message (complaint), file));
  must (adze_cache_complaint (cache));
}

/* Cut off anywhere, it counts as empty, says where, and is whole again after the next save. */
static void
cut_off_at_every_byte (void **state)
{
  world *w = *state;
  char *path = make_file (w, "a.so");
  const char *folder = in_world (w, "cache/registry");
  ADZE_AUTO_FREE char *file = file_for (w, path);
  char *text = NULL;
  size_t size = 0;
  save_one (folder, path, "first");
  must (adze_file_read (file, 1 << 20, &text, &size));
  for (size_t cut = 0; cut < size - 1; cut++) {
    FILE *damaged = fopen (file, "wb");
    assert_non_null (damaged);
    assert_int_equal (fwrite (text, 1, cut, damaged), cut);
    assert_int_equal (fclose (damaged), 0);
    adze_cache *cache = open_cache (folder);
    if (!known (cache, path))
      must_complain_of (cache, file);
    if (cut % 32 == 0) {
      must (adze_cache_save (cache));
      adze_cache_free (cache);
      cache = open_cache (folder);
      assert_null (known (cache, path));
      must (adze_cache_complaint (cache));
    }
    adze_cache_free (cache);
  }
  free (text);
  free (path);
}

static void
of_another_host (void **state)
{
  world *w = *state;
  char *path = make_file (w, "a.so");
  const char *folder = in_world (w, "cache/registry");
  ADZE_AUTO_FREE char *file = file_for (w, path);
  static const char *const edits[] = {
    "s/\"abi\": *\"[^\"]*\"/\"abi\": \"9.9\"/",
    "s/\"adze\": *\"[^\"]*\"/\"adze\": \"9.9.9\"/",
    "s/\"format\": *2/\"format\": 1/",
    "s/\"format\": *2/\"format\": \"2\"/",
    "s/\"entries\"/\"entry\"/",
    "s/\"folder\": *\"/&\\/elsewhere/",
    "s/\"folder\"/\"folders\"/",
    "s/\"name\"/\"way\"/",
    "s/\"facts\": *[{]/\"fact\": {/",
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (edits); i++) {
    save_one (folder, path, "first");
    run_command ("cp '%s' '%s.before'", file, file);
    run_command ("sed -i -E '%s' '%s'", edits[i], file);
    run_command ("! cmp -s '%s' '%s.before'", file, file);
    adze_cache *cache = open_cache (folder);
    assert_null (known (cache, path));
    must (adze_cache_complaint (cache));
    adze_cache_free (cache);
  }
  save_one (folder, path, "second");
  adze_cache *cache = open_cache (folder);
  assert_string_equal (known (cache, path), "second");
  adze_cache_free (cache);
  free (path);
}

enum { WRITERS = 2, ENTRIES = 50 };

static char *
entry_path (const world *w, int writer, int entry)
{
  return adze_text_format ("%s/w%d-%d.so", w->folder, writer, entry);
}

/* In a process of its own: each entry is saved by itself. */
static int
write_entries (const world *w, int writer)
{
  for (int i = 0; i < ENTRIES; i++) {
    adze_cache *cache = NULL;
    char *path = entry_path (w, writer, i);
    adze_error *error = adze_cache_open (in_world (w, "cache/registry"), &cache);
    if (!error) {
      adze_cache_key key = key_of (path);
      error = adze_cache_put (cache, &key, facts_of (path));
    }
    if (!error)
      error = adze_cache_save (cache);
    adze_cache_free (cache);
    free (path);
    if (error) {
      adze_error_free (error);
      return 1;
    }
  }
  return 0;
}

static void
two_writers_lose_nothing (void **state)
{
  world *w = *state;
  pid_t pids[WRITERS];
  run_command ("cd '%s' && for i in $(seq 0 %d); do touch w0-$i.so w1-$i.so; done", w->folder,
               ENTRIES - 1);
  for (int i = 0; i < WRITERS; i++) {
    pids[i] = fork ();
    assert_true (pids[i] >= 0);
    if (pids[i] == 0)
      _exit (write_entries (w, i));
  }
  for (int i = 0; i < WRITERS; i++) {
    int status = 0;
    assert_int_equal (waitpid (pids[i], &status, 0), pids[i]);
    assert_int_equal (status, 0);
  }
  adze_cache *cache = open_cache (in_world (w, "cache/registry"));
  for (int writer = 0; writer < WRITERS; writer++)
    for (int i = 0; i < ENTRIES; i++) {
      char *path = entry_path (w, writer, i);
      if (!known (cache, path))
        fail_msg ("%s is lost", path);
      free (path);
    }
  adze_cache_free (cache);
}

/* What no longer exists is dropped, and what others learnt meanwhile is kept. */
static void
old_entries_go (void **state)
{
  world *w = *state;
  char *here = make_file (w, "here.so"), *gone = make_file (w, "gone.so"),
       *mine = make_file (w, "mine.so");
  const char *folder = in_world (w, "cache/registry");
  save_one (folder, gone, "gone");
  adze_cache *cache = open_cache (folder);
  save_one (folder, here, "here");
  run_command ("rm '%s'", gone);
  put (cache, mine, "mine");
  must (adze_cache_save (cache));
  assert_string_equal (known (cache, here), "here");
  adze_cache_free (cache);
  run_command ("cd '%s' && grep -qr here.so && grep -qr mine.so && ! grep -qr gone.so", folder);
  free (here);
  free (gone);
  free (mine);
}

/* A folder of its own for each NAME, with one file in it. */
static char *
make_in (world *w, const char *name)
{
  run_command ("mkdir '%s/%s'", w->folder, name);
  char *path = adze_text_format ("%s/%s/a.so", w->folder, name);
  assert_non_null (path);
  run_command ("echo %s > '%s'", name, path);
  return path;
}

/* Each folder has a file of its own, of the same plugin's name, and whoever asks for one folder neither
 * reads nor writes that of another: damaged, it is not so much as noticed. */
static void
each_folder_by_itself (void **state)
{
  world *w = *state;
  char *left = make_in (w, "left"), *right = make_in (w, "right");
  const char *folder = in_world (w, "cache/registry");
  ADZE_AUTO_FREE char *left_file = file_for (w, left);
  ADZE_AUTO_FREE char *right_file = file_for (w, right);
  save_one (folder, left, "of the left");
  save_one (folder, right, "of the right");
  run_command ("[ $(ls '%s' | wc -l) = 2 ] && echo broken > '%s'", folder, right_file);
  adze_cache *cache = open_cache (folder);
  assert_string_equal (known (cache, left), "of the left");
  must (adze_cache_complaint (cache));
  put (cache, left, "of the left, again");
  must (adze_cache_save (cache));
  run_command ("grep -qx broken '%s'", right_file);
  assert_null (known (cache, right));
  must_complain_of (cache, right_file);
  adze_cache_free (cache);
  /* What was learnt of one folder is not believed of another, wherever it lies. */
  run_command ("cp '%s' '%s'", left_file, right_file);
  cache = open_cache (folder);
  assert_null (known (cache, right));
  must (adze_cache_complaint (cache));
  assert_string_equal (known (cache, left), "of the left, again");
  adze_cache_free (cache);
  free (left);
  free (right);
}

/* Also of folders that nobody asked for, and what earlier versions kept. What is put after it stays. */
static void
forgets_all_folders (void **state)
{
  world *w = *state;
  char *left = make_in (w, "left"), *right = make_in (w, "right");
  const char *folder = in_world (w, "cache/registry");
  save_one (folder, left, "of the left");
  save_one (folder, right, "of the right");
  run_command ("cd '%s/cache' && touch registry.json registry.json.lock", w->folder);
  adze_cache *cache = open_cache (folder);
  adze_cache_forget (cache);
  assert_null (known (cache, left));
  put (cache, left, "anew");
  must (adze_cache_save (cache));
  adze_cache_free (cache);
  run_command ("cd '%s/cache' && [ $(ls registry | wc -l) = 1 ] && [ ! -e registry.json ]"
               " && [ ! -e registry.json.lock ]",
               w->folder);
  cache = open_cache (folder);
  assert_string_equal (known (cache, left), "anew");
  assert_null (known (cache, right));
  adze_cache_free (cache);
  free (left);
  free (right);
}

/* One that cannot be written keeps no other from being written, and the failure is told. */
static void
one_file_is_in_the_way (void **state)
{
  world *w = *state;
  char *left = make_in (w, "left"), *right = make_in (w, "right");
  const char *folder = in_world (w, "cache/registry");
  ADZE_AUTO_FREE char *left_file = file_for (w, left);
  ADZE_AUTO_FREE char *right_file = file_for (w, right);
  const char *const blocked[] = { left_file, right_file };
  char *const free_ones[] = { right, left };
  for (size_t i = 0; i < ADZE_COUNT_OF (blocked); i++) {
    run_command ("rm -rf '%s' && mkdir -p '%s'", folder, blocked[i]);
    adze_cache *cache = open_cache (folder);
    put (cache, left, "of the left");
    put (cache, right, "of the right");
    must_fail (adze_cache_save (cache), ADZE_OK, blocked[i], NULL);
    adze_cache_free (cache);
    cache = open_cache (folder);
    assert_non_null (known (cache, free_ones[i]));
    adze_cache_free (cache);
  }
  free (left);
  free (right);
}

/* ---- Through the registry. */

static const adze_error *
failure_of_pliant (world *w)
{
  const adze_plugin_info *plugin = NULL;
  must (adze_plugin_find (w->runtime, "pliant", &plugin));
  return plugin->failure;
}

static void
no_place_to_keep_it (void **state)
{
  world *w = *state;
  char *plugin = build (w, "pliant", "pliant", "");
  ADZE_AUTO_FREE char *file = file_for (w, plugin);
  free (plugin);
  /* A file stands where its folder would be; then a folder where the file would be. */
  run_command ("echo taken > '%s'", in_world (w, "cache"));
  reopen (w, NULL);
  assert_null (failure_of_pliant (w));
  must (adze_component_load (w->runtime, "pliant"));
  run_command ("rm '%s' && mkdir -p '%s'", in_world (w, "cache"), file);
  reopen (w, NULL);
  assert_null (failure_of_pliant (w));
  must (adze_component_load (w->runtime, "pliant"));
}

/* Sound JSON, and nonsense: no plugin is to blame for it. */
static void
nonsense_is_nobodys_fault (void **state)
{
  world *w = *state;
  static const char *const edits[] = {
    "s/\"probed\": *true/\"failure\": 5/",
    "s/\"probed\": *true/\"failure\": []/",
    "s/\"probed\": *true/\"failure\": {}/",
    "s/\"probed\": *true/\"probed\": \"yes\"/",
    "s/\"manifest\": *[{]\"format\"/\"manifest\": {\"fromat\"/",
    "s/\"id\": *\"pliant\"/\"id\": 7/",
  };
  char *plugin = build (w, "pliant", "pliant", "");
  ADZE_AUTO_FREE char *file = file_for (w, plugin);
  free (plugin);
  for (size_t i = 0; i < ADZE_COUNT_OF (edits); i++) {
    run_command ("rm -rf '%s'", in_world (w, "cache"));
    reopen (w, NULL);
    must (adze_component_load (w->runtime, "pliant"));
    run_command ("sed -i -E '%s' '%s'", edits[i], file);
    reopen (w, NULL);
    const adze_error *failure = failure_of_pliant (w);
    if (failure)
      fail_msg ("after %s: %s", edits[i], adze_error_message (failure));
    must (adze_component_load (w->runtime, "pliant"));
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    IN_WORLD (holds_for_the_very_file),  IN_WORLD (cut_off_at_every_byte),
    IN_WORLD (of_another_host),          IN_WORLD (two_writers_lose_nothing),
    IN_WORLD (old_entries_go),           IN_WORLD (no_place_to_keep_it),
    IN_WORLD (nonsense_is_nobodys_fault), IN_WORLD (each_folder_by_itself),
    IN_WORLD (forgets_all_folders),      IN_WORLD (one_file_is_in_the_way),
  };
  return cmocka_run_group_tests_name ("cache", tests, NULL, NULL);
}
