/* SPDX-License-Identifier: Apache-2.0 */
/* Which plugins there are: one that is broken hides no other, one that is not needed is not loaded,
 * and what is remembered of a file holds for that file only. */
#include "world.h"

static const adze_plugin_info *
plugin_at (world *w, const char *path)
{
  const adze_plugin_info *const *plugins = NULL;
  size_t count = 0;
  must (adze_plugin_list (w->runtime, &plugins, &count));
  for (size_t i = 0; i < count; i++)
    if (strcmp (plugins[i]->path, path) == 0)
      return plugins[i];
  return NULL;
}

static size_t
plugins_below (world *w)
{
  const adze_plugin_info *const *plugins = NULL;
  size_t count = 0, below = 0;
  must (adze_plugin_list (w->runtime, &plugins, &count));
  for (size_t i = 0; i < count; i++)
    below += strncmp (plugins[i]->path, w->folder, strlen (w->folder)) == 0;
  return below;
}

static void
build_pliant (world *w, const char *name, const char *flags)
{
  char *all = adze_text_format ("-DPLIANT='\"%s\"' %s", name, flags);
  free (build (w, "pliant", name, all));
  free (all);
}

static void
stamp (world *w, const char *file)
{
  must (adze_plugin_stamp (w->runtime, in_world (w, file), NULL));
}

/* ---- What counts as a plugin. */

static void
one_file_is_one_plugin (void **state)
{
  world *w = *state;
  build_pliant (w, "first", "");
  run_command ("ln -s first.so '%s'", in_world (w, "second.so"));
  run_command ("ln '%s' '%s'", in_world (w, "first.so"), in_world (w, "third.so"));
  reopen (w, NULL);
  assert_int_equal (plugins_below (w), 1);
  assert_non_null (plugin_at (w, in_world (w, "first.so")));
  assert_null (plugin_at (w, in_world (w, "first.so"))->failure);
}

static void
a_broken_manifest_hides_nothing (void **state)
{
  world *w = *state;
  const adze_component_info *component = NULL;
  build_pliant (w, "one", "");
  build_pliant (w, "two", "");
  reopen (w, NULL);
  stamp (w, "one.so");
  run_command ("printf 'id = \"one\\nname' > '%s'", in_world (w, "one.toml"));
  /* A manifest alone is one whose file was lost; a text is none; a folder may have any name. */
  run_command ("echo 'id = ' > '%s'; mkdir '%s'; mkfifo '%s'; ln -s nowhere '%s'",
               in_world (w, "stray.toml"), in_world (w, "folder.so"), in_world (w, "pipe.so"),
               in_world (w, "dangling.so"));
  must (adze_runtime_refresh (w->runtime, false));
  assert_int_equal (plugins_below (w), 6);
  const adze_plugin_info *one = plugin_at (w, in_world (w, "one.so"));
  assert_non_null (one->failure);
  assert_string_equal (adze_error_fact (one->failure, "line"), "1");
  assert_non_null (adze_error_fact (one->failure, "column"));
  assert_string_equal (one->id, "one");
  assert_non_null (plugin_at (w, in_world (w, "stray.toml"))->failure);
  assert_non_null (plugin_at (w, in_world (w, "folder.so"))->failure);
  assert_non_null (plugin_at (w, in_world (w, "pipe.so"))->failure);
  assert_non_null (plugin_at (w, in_world (w, "dangling.so"))->failure);
  must (adze_component_find (w->runtime, "two", &component));
  must_fail (adze_component_find (w->runtime, "one", &component), ADZE_E_FORMAT, "one.toml:1:",
             NULL);
}

static void
a_manifest_without_its_file (void **state)
{
  world *w = *state;
  build_pliant (w, "gone", "");
  reopen (w, NULL);
  stamp (w, "gone.so");
  run_command ("rm '%s'", in_world (w, "gone.so"));
  reopen (w, NULL);
  const adze_plugin_info *gone = plugin_at (w, in_world (w, "gone.toml"));
  assert_non_null (gone);
  must_fail (adze_component_load (w->runtime, "gone"), ADZE_E_NOT_FOUND, "gone.toml",
             "not beside its manifest", NULL);
}

/* ---- Looking for one. */

static void
what_is_missing_is_told (void **state)
{
  world *w = *state;
  const adze_component_info *component = NULL;
  const adze_plugin_info *plugin = NULL;
  build_pliant (w, "prune", "");
  reopen (w, NULL);
  adze_error *error = adze_component_find (w->runtime, "prun", &component);
  assert_non_null (error);
  assert_non_null (strstr (adze_error_fact (error, "searched"), w->folder));
  assert_non_null (strstr (adze_error_fact (error, "searched"), "--plugin-path"));
  must_fail (error, ADZE_E_NOT_FOUND, "did you mean 'prune'?", NULL);
  error = adze_component_find (w->runtime, "something-else", &component);
  assert_null (strstr (adze_error_message (error), "mean"));
  must_fail (error, ADZE_E_NOT_FOUND, "something-else", NULL);
  must_fail (adze_plugin_find (w->runtime, "prun", &plugin), ADZE_E_NOT_FOUND, "prun", NULL);
  must (adze_plugin_find (w->runtime, "prune", &plugin));
  assert_string_equal (plugin->version, "1.0");
}

typedef struct heard {
  int loaded;
  int refused;
  char source[100];
} heard;

static void
listen (void *argument, const adze_event *event)
{
  heard *all = argument;
  all->loaded += strcmp (event->id, "plugin.loaded") == 0;
  all->refused += strcmp (event->id, "plugin.refused") == 0;
  if (strcmp (event->id, "plugin.loaded") == 0)
    snprintf (all->source, sizeof all->source, "%s", event->source);
}

static void
only_what_is_needed_is_loaded (void **state)
{
  world *w = *state;
  const adze_component_info *const *components = NULL;
  size_t count = 0;
  char *text = NULL;
  heard all = { 0 };
  build_pliant (w, "one", "");
  build_pliant (w, "two", "");
  build_pliant (w, "three", "");
  reopen (w, NULL);
  must (adze_listen (w->runtime, listen, &all));
  must (adze_component_list (w->runtime, "technique", &components, &count));
  must (adze_component_json (w->runtime, "one", &text));
  free (text);
  must (adze_component_schema (w->runtime, "one", &text));
  free (text);
  assert_int_equal (all.loaded, 0);
  must (adze_component_load (w->runtime, "two"));
  must (adze_component_load (w->runtime, "two-watcher"));
  must (adze_component_load (w->runtime, "two"));
  assert_int_equal (all.loaded, 1);
  assert_string_equal (all.source, "two");
  assert_true (plugin_at (w, in_world (w, "two.so"))->loaded);
  assert_false (plugin_at (w, in_world (w, "one.so"))->loaded);
}

/* ---- What is remembered. */

static void
a_library_that_comes_later (void **state)
{
  world *w = *state;
  char *flags = adze_text_format ("-DPLIANT='\"late\"' -DPLIANT_LIBRARY -L'%s' -Wl,--no-as-needed "
                                  "-ladzelate -Wl,-rpath,'%s'",
                                  w->folder, w->folder);
  run_command ("cd '%s' && mkdir away && echo 'int lost (void); int lost (void) { return 0; }' "
               "> late.c && %s -shared -fPIC -o libadzelate.so late.c",
               w->folder, environment_or ("CC", "cc"));
  free (build (w, "pliant", "late", flags));
  run_command ("mv '%s' '%s'", in_world (w, "libadzelate.so"), in_world (w, "away"));
  for (int again = 0; again < 2; again++) {
    reopen (w, NULL);
    must_fail (adze_component_load (w->runtime, "late"), ADZE_E_UNSUPPORTED, "libadzelate.so",
               NULL);
  }
  run_command ("mv '%s' '%s'", in_world (w, "away/libadzelate.so"), w->folder);
  reopen (w, NULL);
  must (adze_component_load (w->runtime, "late"));
  free (flags);
}

/* In the same runtime, too, once it looks again. */
static void
a_plugin_that_was_mended (void **state)
{
  world *w = *state;
  heard all = { 0 };
  run_command ("echo no plugin > '%s'", in_world (w, "mended.so"));
  reopen (w, NULL);
  must (adze_listen (w->runtime, listen, &all));
  must_fail (adze_component_load (w->runtime, "mended"), ADZE_E_FORMAT, "ELF", NULL);
  build_pliant (w, "mended", "");
  must (adze_runtime_refresh (w->runtime, false));
  must (adze_component_load (w->runtime, "mended"));
  assert_int_equal (all.loaded, 1);
}

static void
a_loaded_one_stays_what_it_is (void **state)
{
  world *w = *state;
  const adze_plugin_info *plugin = NULL;
  heard all = { 0 };
  build_pliant (w, "stable", "");
  reopen (w, NULL);
  must (adze_listen (w->runtime, listen, &all));
  must (adze_component_load (w->runtime, "stable"));
  run_command ("rm '%s'", in_world (w, "stable.so"));
  build_pliant (w, "stable", "-DPLIANT_VERSION='\"2.0\"'");
  must (adze_runtime_refresh (w->runtime, true));
  must (adze_component_load (w->runtime, "stable"));
  assert_int_equal (all.loaded, 1);
  must (adze_plugin_find (w->runtime, "stable", &plugin));
  assert_string_equal (plugin->version, "1.0");
  assert_true (plugin->loaded);
  assert_int_equal (plugins_below (w), 1);

  run_command ("rm '%s'", in_world (w, "stable.so"));
  must (adze_runtime_refresh (w->runtime, false));
  must (adze_component_load (w->runtime, "stable"));
  build_pliant (w, "stable", "-DPLIANT_VERSION='\"2.0\"'");
  reopen (w, NULL);
  must (adze_plugin_find (w->runtime, "stable", &plugin));
  assert_string_equal (plugin->version, "2.0");
}

/* A changed file is asked anew; one that is the same is not, which the clock cannot show, but a
 * worker that no longer exists can. */
static void
an_unchanged_one_is_not_asked_again (void **state)
{
  world *w = *state;
  const char *const folders[] = { w->folder, NULL };
  adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  const adze_plugin_info *plugin = NULL;
  build_pliant (w, "known", "");
  reopen (w, NULL);
  assert_int_equal (plugins_below (w), 1);
  adze_runtime_close (w->runtime);
  w->runtime = NULL;
  options.plugin_path = folders;
  options.cache = in_world (w, "cache");
  options.worker = in_world (w, "no-such-worker");
  must (adze_runtime_open (&options, &w->runtime));
  must (adze_plugin_find (w->runtime, "known", &plugin));
  assert_null (plugin->failure);
  must (adze_component_load (w->runtime, "known"));
  adze_runtime_close (w->runtime);
  w->runtime = NULL;

  run_command ("touch -d '2001-01-01' '%s'", in_world (w, "known.so"));
  must (adze_runtime_open (&options, &w->runtime));
  must_fail (adze_component_load (w->runtime, "known"), ADZE_OK, "no-such-worker", NULL);
  /* That was no fault of the file. */
  reopen (w, NULL);
  must (adze_component_load (w->runtime, "known"));
}

/* Nor is one that starts and ends before it has done anything. */
static void
a_worker_that_does_not_run (void **state)
{
  world *w = *state;
  const char *const folders[] = { w->folder, NULL };
  adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  build_pliant (w, "blameless", "");
  run_command ("printf '#!/bin/sh\nexit 3\n' > '%s' && chmod +x '%s'", in_world (w, "worker"),
               in_world (w, "worker"));
  options.plugin_path = folders;
  options.cache = in_world (w, "cache");
  options.worker = in_world (w, "worker");
  must (adze_runtime_open (&options, &w->runtime));
  must_fail (adze_component_load (w->runtime, "blameless"), ADZE_E_CRASHED, "blameless.so",
             "exited with code 3", "worker does not run", NULL);
  reopen (w, NULL);
  must (adze_component_load (w->runtime, "blameless"));
}

/* ---- Named by itself. */

static void
a_file_of_its_own (void **state)
{
  world *w = *state;
  const adze_plugin_info *plugin = NULL, *again = NULL;
  run_command ("mkdir '%s'", in_world (w, "elsewhere"));
  free (build_in (in_world (w, "elsewhere"), "pliant", "named", "-DPLIANT='\"named\"'"));
  reopen (w, NULL);
  must (adze_plugin_add (w->runtime, in_world (w, "elsewhere/named.so"), &plugin));
  assert_string_equal (plugin->id, "named");
  assert_string_equal (plugin->folder_origin, "named");
  assert_false (plugin->trusted);
  must (adze_plugin_add (w->runtime, in_world (w, "elsewhere/../elsewhere/named.so"), &again));
  assert_ptr_equal (plugin, again);
  must (adze_runtime_refresh (w->runtime, true));
  must (adze_component_load (w->runtime, "named"));
  must_fail (adze_plugin_add (w->runtime, "", NULL), ADZE_E_NOT_FOUND, "empty path", NULL);
}

/* Options of a caller that was compiled with other headers. */
static void
options_of_any_size (void **state)
{
  world *w = *state;
  adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  options.struct_size = 3;
  must_fail (adze_runtime_open (&options, &w->runtime), ADZE_E_PARAM, "struct_size is 3", NULL);
  assert_null (w->runtime);
  options.struct_size = 1u << 20;
  must_fail (adze_runtime_open (&options, &w->runtime), ADZE_E_PARAM, "struct_size", NULL);
  options.struct_size = sizeof options.struct_size;
  options.config = "/nowhere/at/all";
  must (adze_runtime_open (&options, &w->runtime));
  adze_runtime_close (w->runtime);
  options.struct_size = sizeof options;
  must_fail (adze_runtime_open (&options, &w->runtime), ADZE_E_NOT_FOUND, "/nowhere/at/all", NULL);
  assert_null (w->runtime);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    IN_WORLD (one_file_is_one_plugin),
    IN_WORLD (a_broken_manifest_hides_nothing),
    IN_WORLD (a_manifest_without_its_file),
    IN_WORLD (what_is_missing_is_told),
    IN_WORLD (only_what_is_needed_is_loaded),
    IN_WORLD (a_library_that_comes_later),
    IN_WORLD (a_plugin_that_was_mended),
    IN_WORLD (a_loaded_one_stays_what_it_is),
    IN_WORLD (an_unchanged_one_is_not_asked_again),
    IN_WORLD (a_worker_that_does_not_run),
    IN_WORLD (a_file_of_its_own),
    IN_WORLD (options_of_any_size),
  };
  return cmocka_run_group_tests_name ("registry", tests, NULL, NULL);
}
