/* SPDX-License-Identifier: Apache-2.0 */
/* What is tried with each call of something failing in turn, and what must hold after each try,
 * whichever call it was: no half file under its final name, nothing left behind, and the next try,
 * undisturbed, works. */
#ifndef TESTS_FAULTS_STEPS_H
#define TESTS_FAULTS_STEPS_H

#include "model-steps.h"

#include <dirent.h>

#include "base/json.h"
#include "plugin/cache.h"
#include "plugin/manifest/manifest.h"
#include "plugin/runtime.h"
#include "run/folder.h"
#include "run/lock.h"

/* ---- Steps. Each gives back its first error, and leaves nothing open. */

/* Plugins that happen to be built here, too, have no part in this: each of them would make more
 * calls to fail one by one. */
static inline void
only_the_world (const world *w, adze_runtime *runtime)
{
  adze_places *places = &runtime->places;
  size_t kept = 0;
  for (size_t i = 0; i < places->folder_count; i++)
    if (strncmp (places->folders[i].path, w->folder, strlen (w->folder)) == 0)
      places->folders[kept++] = places->folders[i];
    else
      free (places->folders[i].path);
  places->folder_count = kept;
}

static inline adze_error *
open_in (const world *w, adze_runtime **runtime)
{
  const char *const folders[] = { w->folder, NULL };
  const char *const configuration = in_world (w, "config.toml");
  adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  options.plugin_path = folders;
  options.cache = in_world (w, "cache");
  options.config = configuration;
  options.threads = 1;
  ADZE_TRY (adze_runtime_open (&options, runtime));
  only_the_world (w, *runtime);
  return NULL;
}

static inline adze_error *
look_at (adze_runtime *runtime)
{
  const adze_plugin_info *const *plugins;
  const adze_component_info *const *components;
  const adze_component_info *component;
  const adze_plugin_info *plugin;
  size_t count;
  ADZE_AUTO_FREE char *list = NULL;
  ADZE_AUTO_FREE char *all = NULL;
  ADZE_AUTO_FREE char *json = NULL;
  ADZE_AUTO_FREE char *schema = NULL;
  ADZE_AUTO_FREE char *manual = NULL;
  ADZE_TRY (adze_plugin_list (runtime, &plugins, &count));
  for (size_t i = 0; i < count; i++)
    if (!plugins[i] || !plugins[i]->id || !plugins[i]->path)
      fail_msg ("a plugin without id or path is listed");
  ADZE_TRY (adze_component_list (runtime, NULL, &components, &count));
  ADZE_TRY (adze_component_find (runtime, "pliant", &component));
  ADZE_TRY (adze_plugin_find (runtime, "pliant", &plugin));
  ADZE_TRY (adze_list_json (runtime, NULL, &list));
  ADZE_TRY (adze_plugins_json (runtime, false, &all));
  ADZE_TRY (adze_component_json (runtime, "pliant", &json));
  ADZE_TRY (adze_component_schema (runtime, "pliant", &schema));
  return adze_component_manual (runtime, "pliant", &manual);
}

static inline adze_error *
use_with (adze_runtime *runtime, int isolate)
{
  const char *const settings[] = { "do = copy", NULL };
  adze_harness_options options = ADZE_HARNESS_OPTIONS_INIT;
  adze_harness *harness = NULL;
  const adze_tensor *output = NULL;
  float numbers[6] = { 1, 2, 3, 4, 5, 6 };
  int64_t shape[] = { 2, 3 }, strides[] = { 1, 2 };
  adze_tensor input = { .struct_size = sizeof input, .name = "w" };
  input.view = (adze_view){ .data = numbers,
                            .device = { ADZE_DEVICE_CPU, 0 },
                            .rank = 2,
                            .dtype = { ADZE_FLOAT, 32, 1 },
                            .shape = shape,
                            .strides = strides };
  options.settings = settings;
  options.isolate = isolate;
  options.time_limit_ms = 20000;
  ADZE_TRY (adze_harness_open (runtime, "pliant", &options, &harness));
  adze_error *error = adze_harness_apply (harness, &input, &output);
  if (!error && (!output || ((const float *)output->view.data)[1] != 3))
    fail_msg ("the output is not what was asked for");
  adze_harness_close (harness);
  return error;
}

static inline adze_error *
step_look (const world *w)
{
  adze_runtime *runtime = NULL;
  ADZE_TRY (open_in (w, &runtime));
  adze_error *error = look_at (runtime);
  adze_runtime_close (runtime);
  return error;
}

static inline adze_error *
step_use (const world *w)
{
  adze_runtime *runtime = NULL;
  ADZE_TRY (open_in (w, &runtime));
  adze_error *error = adze_component_load (runtime, "pliant");
  if (!error)
    error = use_with (runtime, -1);
  adze_runtime_close (runtime);
  return error;
}

static inline adze_error *
step_isolate (const world *w)
{
  adze_runtime *runtime = NULL;
  ADZE_TRY (open_in (w, &runtime));
  adze_error *error = use_with (runtime, 1);
  adze_runtime_close (runtime);
  return error;
}

static inline adze_error *
step_stamp (const world *w)
{
  adze_runtime *runtime = NULL;
  ADZE_TRY (open_in (w, &runtime));
  adze_error *error = adze_plugin_stamp (runtime, in_world (w, "pliant.so"), in_world (w, "key"));
  adze_runtime_close (runtime);
  return error;
}

static inline adze_error *
step_cache (const world *w)
{
  adze_cache *cache = NULL;
  ADZE_TRY (adze_cache_open (in_world (w, "other/registry"), &cache));
  adze_error *error = NULL;
  for (int i = 0; !error && i < 3; i++) {
    adze_cache_key key = { .path = i == 0   ? "/etc/passwd"
                                   : i == 1 ? "/etc/hostname"
                                            : "/proc/self/exe" };
    adze_value *facts = adze_value_new (ADZE_VALUE_TABLE);
    adze_json_bool (facts, "probed", true);
    error = adze_cache_put (cache, &key, facts);
  }
  if (!error)
    error = adze_cache_save (cache);
  adze_cache_free (cache);
  return error;
}

static inline adze_error *
step_key (const world *w)
{
  return adze_key_make (in_world (w, "keys/fresh"));
}

/* What a run leaves behind, from its first line to its last. */
static inline adze_error *
leave_behind (const world *w, adze_folder *folder)
{
  static const adze_hash128 segment = { 1, 2 };
  ADZE_AUTO_VALUE facts = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO (adze_key) key = { 0 };
  adze_file_identity identity = { 1, 2, 3, 4, 5 };
  if (!facts)
    return adze_error_memory ();
  adze_json_string (facts, "word", "x");
  ADZE_TRY (adze_key_add (&key, "stage", "clip"));
  ADZE_TRY (adze_folder_describe (folder, 7, facts));
  ADZE_TRY (adze_folder_add_line (folder, "events.jsonl", facts));
  ADZE_TRY (adze_folder_add_line (folder, "decisions.jsonl", facts));
  ADZE_TRY (adze_journal_add (folder, segment, 3, segment));
  ADZE_TRY (adze_journal_note (folder, segment, "clip", "data", 4));
  ADZE_TRY (adze_known_put (folder, &identity, "content", segment));
  ADZE_TRY (adze_result_add_file (facts, in_world (w, "config.toml")));
  ADZE_TRY (adze_result_keep (folder, &key, facts));
  ADZE_TRY (adze_journal_forget (folder, segment));
  ADZE_TRY (adze_folder_put (folder, "metrics.json", facts));
  return adze_folder_state (folder, "finished", NULL);
}

static inline adze_folder_options
run_options (const world *w)
{
  return (adze_folder_options){
    .runs = in_world (w, "runs"), .name = "x", .identity = "x", .text = "adze = 1\n"
  };
}

static inline adze_error *
step_run (const world *w)
{
  adze_folder_options options = run_options (w);
  adze_folder *folder = NULL;
  ADZE_TRY (adze_folder_open (&options, &folder));
  adze_error *error = leave_behind (w, folder);
  if (!error)
    error = adze_folder_flush (folder);
  adze_folder_close (folder);
  return error;
}

/* A run that is there already, and was broken off. */
static inline adze_error *
step_look_back (const world *w)
{
  static const adze_runs_form forms[] = { ADZE_RUNS_LIST, ADZE_RUNS_SHOW, ADZE_RUNS_TABLE };
  adze_folder_options options = run_options (w);
  options.runs = in_world (w, "old-runs");
  options.look = true;
  adze_folder *folder = NULL;
  ADZE_AUTO_VALUE records = NULL;
  ADZE_AUTO_VALUE parts = NULL;
  ADZE_AUTO_VALUE stages = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO_FREE char *cleaned = NULL;
  bool any;
  adze_json_bool (stages, "clip", true);
  if (adze_json_failed (stages))
    return adze_error_memory ();
  ADZE_TRY (adze_folder_open (&options, &folder));
  adze_error *error = adze_last_run (folder, &records, &any);
  if (!error)
    error = adze_result_newest (folder, stages, &parts);
  if (!error)
    error = adze_result_any (folder, "clip", &any);
  adze_folder_close (folder);
  for (size_t i = 0; !error && i < 2 * ADZE_COUNT_OF (forms); i++) {
    ADZE_AUTO_FREE char *text = NULL;
    error = adze_runs_text (w->runtime, options.runs, forms[i / 2], NULL, i % 2, &text);
  }
  return error ? error : adze_runs_clean (NULL, options.runs, 1, true, false, &cleaned);
}

static inline adze_error *
step_lock (const world *w)
{
  adze_manifest manifest = { .id = (char *)"x", .version = (char *)"1" };
  adze_plugin_record record
      = { .path = (char *)in_world (w, "config.toml"), .manifest = &manifest };
  ADZE_AUTO (adze_lock_uses) uses = { 0 };
  ADZE_AUTO (adze_buffer) changes = { 0 };
  ADZE_TRY (adze_lock_use_plugin (&uses, NULL, &record));
  ADZE_TRY (adze_lock_use_backend (&uses, "ref", "1"));
  ADZE_TRY (adze_lock_write (in_world (w, "adze.lock"), &uses, &changes));
  return adze_lock_check (in_world (w, "adze.lock"), &uses);
}

/* ---- What is undone before each try, without the step noticing. */

static inline void
remove_file (const world *w, const char *name)
{
  unlink (in_world (w, name));
}

static inline void
undo_nothing (const world *w)
{
  (void)w;
}

static inline void
undo_probe (const world *w)
{
  run_command ("rm -rf '%s'", in_world (w, "cache/registry"));
  remove_file (w, "pliant.toml");
}

static inline void
undo_stamp (const world *w)
{
  remove_file (w, "pliant.toml");
}

static inline void
undo_cache (const world *w)
{
  run_command ("rm -rf '%s'", in_world (w, "other"));
}

static inline void
undo_key (const world *w)
{
  remove_file (w, "keys/fresh");
  remove_file (w, "keys/fresh.pub");
  mkdir (in_world (w, "keys"), 0700);
}

static inline void
undo_run (const world *w)
{
  run_command ("rm -rf '%s'", in_world (w, "runs"));
}

static inline void
undo_lock (const world *w)
{
  remove_file (w, "adze.lock");
}

typedef struct step {
  const char *name;
  adze_error *(*run) (const world *w);
  void (*undo) (const world *w);
  unsigned stride; /* of the calls that fail: one that starts processes is tried less often */
} step;

static const step steps[] = {
  { "look", step_look, undo_nothing, 1 },    { "use", step_use, undo_nothing, 1 },
  { "cache", step_cache, undo_cache, 1 },    { "key", step_key, undo_key, 1 },
  { "probe", step_look, undo_probe, 7 },     { "isolate", step_isolate, undo_nothing, 3 },
  { "stamp", step_stamp, undo_stamp, 5 },    { "show", step_show, undo_nothing, 1 },
  { "diff", step_diff, undo_nothing, 1 },    { "convert", step_convert, undo_convert, 1 },
  { "resume", step_resume, undo_convert, 1 },
  { "run", step_run, undo_run, 5 },        { "lock", step_lock, undo_lock, 1 },
  { "look_back", step_look_back, undo_nothing, 3 },
};

/* ---- What must hold. */

static inline bool
is_temporary (const struct dirent *entry)
{
  return strstr (entry->d_name, ".tmp") != NULL || strstr (entry->d_name, ".part") != NULL;
}

static inline void
no_leftovers (const char *folder)
{
  DIR *entries = opendir (folder);
  if (!entries)
    return;
  for (struct dirent *entry; (entry = readdir (entries));)
    if (is_temporary (entry))
      fail_msg ("%s/%s was left behind", folder, entry->d_name);
  closedir (entries);
}

static inline void
whole_json (const char *path)
{
  ADZE_AUTO_FREE char *text = NULL;
  ADZE_AUTO (adze_document) document = { 0 };
  size_t size = 0;
  if (access (path, F_OK) != 0)
    return;
  must (adze_file_read (path, 1 << 20, &text, &size));
  must (adze_json_parse (path, text, size, &document));
}

static inline void
all_whole_json (const world *w, const char *folder)
{
  char **names = NULL;
  size_t count = 0;
  no_leftovers (in_world (w, folder));
  must (adze_folder_names (in_world (w, folder), ".json", &names, &count));
  for (size_t i = 0; i < count; i++) {
    ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", in_world (w, folder), names[i]);
    whole_json (path);
  }
  adze_names_free (names, count);
}

/* A run's folder may be there without run.json, when that could not be written and neither could the
 * folder be removed again; a document that is there is whole. */
static inline void
runs_are_whole (const world *w)
{
  static const char *const folders[] = { "runs", "runs/0001-x", "runs/0001-x/notes" };
  static const char *const documents[]
      = { "runs/known.json", "runs/0001-x/run.json", "runs/0001-x/metrics.json" };
  for (size_t i = 0; i < ADZE_COUNT_OF (folders); i++)
    no_leftovers (in_world (w, folders[i]));
  for (size_t i = 0; i < ADZE_COUNT_OF (documents); i++)
    whole_json (in_world (w, documents[i]));
  all_whole_json (w, "runs/results");
  if (access (in_world (w, "adze.lock"), F_OK) == 0) {
    ADZE_AUTO (adze_lock_uses) uses = { 0 };
    must (adze_lock_check (in_world (w, "adze.lock"), &uses));
  }
}

static inline void
all_is_whole (const world *w)
{
  runs_are_whole (w);
  no_leftovers (w->folder);
  no_leftovers (in_world (w, "cache"));
  no_leftovers (in_world (w, "other"));
  no_leftovers (in_world (w, "keys"));
  no_leftovers (in_world (w, "made"));
  models_are_whole (w);
  all_whole_json (w, "cache/registry");
  all_whole_json (w, "other/registry");
  if (access (in_world (w, "pliant.toml"), F_OK) == 0) {
    ADZE_AUTO_MANIFEST manifest = NULL;
    must (adze_manifest_read (in_world (w, "pliant.toml"), &manifest));
  }
  if ((access (in_world (w, "keys/fresh"), F_OK) == 0)
      != (access (in_world (w, "keys/fresh.pub"), F_OK) == 0))
    fail_msg ("there is one key of a pair");
}

/* The world's runtime, for the steps with models: it has a folder and a cache of its own. */
static inline void
open_for_models (world *w)
{
  run_command ("mkdir '%s'", in_world (w, "formats"));
  run_command ("printf 'trusted = [\"%s\", \"%s\"]\\n' > '%s'", w->folder,
               in_world (w, "formats"), in_world (w, "config.toml"));
  free (build_in (in_world (w, "formats"), "slate", "slate", ""));
  const char *const folders[] = { in_world (w, "formats"), NULL };
  adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  options.plugin_path = folders;
  options.cache = in_world (w, "formats/cache");
  options.config = in_world (w, "config.toml");
  options.threads = 1;
  must (adze_runtime_open (&options, &w->runtime));
  only_the_world (w, w->runtime);
  make_models (w);
  must (convert_to (w, "golden/m.slate"));
}

/* A world in which each step has been taken once, so that what lives as long as the process is
 * there. */
static inline int
make_warm_world (void **state)
{
  if (make_world (state) != 0)
    return -1;
  world *w = *state;
  must (adze_key_make (in_world (w, "key")));
  free (build (w, "pliant", "pliant", ""));
  open_for_models (w);
  must (step_run (w));
  run_command ("mv '%s' '%s'", in_world (w, "runs"), in_world (w, "old-runs"));
  for (size_t i = 0; i < ADZE_COUNT_OF (steps); i++) {
    steps[i].undo (w);
    must (steps[i].run (w));
  }
  return 0;
}

#endif
