/* SPDX-License-Identifier: Apache-2.0 */
/* Every way in which a plugin can be wrong is refused with a message that names the file, the step,
 * what was needed, what was found and what to do, and the host lives on. */
#define _GNU_SOURCE 1 /* RTLD_DEFAULT */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <adze/host.h>

#include "base/file.h"
#include "plugin/cache.h"
#include "plugin/signature.h"

typedef struct world {
  char folder[64];
  adze_runtime *runtime;
} world;

static const char *
source_folder (void)
{
  const char *folder = getenv ("TOP_SRCDIR");
  return folder ? folder : "../..";
}

static void
run_command (const char *format, ...)
{
  char command[4096];
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (command, sizeof command, format, arguments);
  va_end (arguments);
  if (system (command) != 0)
    fail_msg ("this command failed: %s", command);
}

static const char *
compiler (void)
{
  const char *cc = getenv ("CC");
  return cc && cc[0] ? cc : "cc";
}

/* Builds FOLDER/NAME.so from broken.c; the path is the caller's to free. */
static char *
build_with (const world *w, const char *name, const char *flags, const char *libraries)
{
  char *path = adze_text_format ("%s/%s.so", w->folder, name);
  assert_non_null (path);
  run_command ("%s -std=gnu11 -shared -fPIC -fvisibility=hidden -I'%s/sdk/include' %s "
               "-o '%s' '%s/tests/plugins/broken.c' %s",
               compiler (), source_folder (), flags, path, source_folder (), libraries);
  return path;
}

static char *
build (const world *w, const char *name, const char *flags)
{
  return build_with (w, name, flags, "");
}

static void
open_runtime (world *w, const char *config)
{
  const char *const folders[] = { w->folder, NULL };
  char *cache = adze_text_format ("%s/cache", w->folder);
  adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  options.plugin_path = folders;
  options.cache = cache;
  options.config = config;
  adze_error *error = adze_runtime_open (&options, &w->runtime);
  if (error)
    fail_msg ("%s", adze_error_text (error));
  free (cache);
}

static int
set_up (void **state)
{
  world *w = calloc (1, sizeof *w);
  assert_non_null (w);
  strcpy (w->folder, "/tmp/adze-refusals-XXXXXX");
  assert_non_null (mkdtemp (w->folder));
  *state = w;
  return 0;
}

static int
tear_down (void **state)
{
  world *w = *state;
  adze_runtime_close (w->runtime);
  run_command ("rm -rf '%s'", w->folder);
  free (w);
  return 0;
}

/* Takes PATH to where it is refused: when it is found, or when it is loaded. */
static adze_error *
meet (world *w, const char *path)
{
  const adze_plugin_info *info = NULL;
  if (!w->runtime)
    open_runtime (w, NULL);
  adze_error *error = adze_plugin_add (w->runtime, path, &info);
  if (error)
    return error;
  if (info->failure)
    return adze_error_copy (info->failure);
  return adze_component_load (w->runtime, info->components[0]);
}

static void
assert_fact (const adze_error *error, const char *text, const char *name, const char *part)
{
  const char *value = adze_error_fact (error, name);
  if (!value || !value[0])
    fail_msg ("the refusal lacks the fact '%s':\n%s", name, text);
  if (part && !strstr (value, part))
    fail_msg ("the fact '%s' is '%s', not '%s':\n%s", name, value, part, text);
}

/* Frees ERROR. */
static void
assert_refused (adze_error *error, const char *path, const char *step, const char *needed,
                const char *found)
{
  assert_non_null (error);
  char *text = adze_error_text (error);
  assert_non_null (text);
  if (!strstr (text, path))
    fail_msg ("the message does not name the file %s:\n%s", path, text);
  assert_fact (error, text, "step", step);
  assert_fact (error, text, "needed", needed);
  assert_fact (error, text, "found", found);
  assert_fact (error, text, "hint", NULL);
  assert_non_null (strstr (text, "what to do: "));
  free (text);
  adze_error_free (error);
}

/* After any refusal, another plugin in the same runtime must work. */
static void
assert_host_lives (world *w)
{
  char *path = build (w, "sound", "-DPLUGIN_ID='\"sound\"'");
  adze_error *error = meet (w, path);
  if (error)
    fail_msg ("a sound plugin is refused afterwards: %s", adze_error_text (error));
  adze_harness *harness = NULL;
  adze_harness_options options = ADZE_HARNESS_OPTIONS_INIT;
  options.isolate = -1;
  error = adze_harness_open (w->runtime, "sound", &options, &harness);
  assert_null (error);
  float one = 1;
  const adze_tensor *output = NULL;
  adze_tensor input = { .struct_size = sizeof input, .name = "one" };
  input.view = (adze_view){ .data = &one,
                            .device = { ADZE_DEVICE_CPU, 0 },
                            .dtype = { ADZE_FLOAT, 32, 1 } };
  error = adze_harness_apply (harness, &input, &output);
  assert_null (error);
  assert_non_null (output);
  adze_harness_close (harness);
  free (path);
}

static void
refuse_flags (void **state, const char *flags, const char *step, const char *needed,
              const char *found)
{
  world *w = *state;
  char *path = build (w, "broken", flags);
  assert_refused (meet (w, path), path, step, needed, found);
  assert_host_lives (w);
  free (path);
}

/* ---- The file. */

static void
no_such_file (void **state)
{
  world *w = *state;
  char *path = adze_text_format ("%s/nowhere.so", w->folder);
  assert_refused (meet (w, path), path, "find", NULL, NULL);
  assert_host_lives (w);
  free (path);
}

static void
not_elf (void **state)
{
  world *w = *state;
  char *path = adze_text_format ("%s/text.so", w->folder);
  run_command ("echo 'this is a text and no shared object, however long it may be' > '%s'", path);
  assert_refused (meet (w, path), path, "elf", "ELF", NULL);
  assert_host_lives (w);
  free (path);
}

static void
patch (const char *path, long offset, const void *bytes, size_t size)
{
  FILE *file = fopen (path, "r+b");
  assert_non_null (file);
  assert_int_equal (fseek (file, offset, SEEK_SET), 0);
  assert_int_equal (fwrite (bytes, 1, size, file), size);
  assert_int_equal (fclose (file), 0);
}

static void
other_architecture (void **state)
{
  world *w = *state;
  char *path = build (w, "alien", "");
  /* e_machine: a Motorola 68000, which no build of this has ever seen */
  patch (path, 18, "\x04\x00", 2);
  assert_refused (meet (w, path), path, "elf", NULL, NULL);
  assert_host_lives (w);
  free (path);
}

static void
truncated (void **state)
{
  world *w = *state;
  char *path = build (w, "half", "");
  struct stat status;
  assert_int_equal (stat (path, &status), 0);
  assert_int_equal (truncate (path, status.st_size / 2), 0);
  assert_refused (meet (w, path), path, "elf", NULL, NULL);
  assert_host_lives (w);
  free (path);
}

static void
missing_library (void **state)
{
  world *w = *state;
  run_command ("cd '%s' && echo 'int lost (void); int lost (void) { return 0; }' > lost.c && %s "
               "-shared -fPIC -o libadzelost.so lost.c",
               w->folder, compiler ());
  char *libraries = adze_text_format ("-L'%s' -ladzelost", w->folder);
  char *path = build_with (w, "broken", "-DBROKEN_MISSING_LIBRARY", libraries);
  run_command ("rm '%s/libadzelost.so'", w->folder);
  assert_refused (meet (w, path), path, "open", "libadzelost.so", NULL);
  assert_host_lives (w);
  free (libraries);
  free (path);
}

static void
undefined_symbol (void **state)
{
  refuse_flags (state, "-DBROKEN_UNDEFINED_SYMBOL", "open", "not_to_be_found_anywhere", NULL);
}

/* ---- The entry. */

static void
no_entry (void **state)
{
  refuse_flags (state, "-DBROKEN_NO_ENTRY", "symbol", "adze_entry", NULL);
}

static void
entry_returns_null (void **state)
{
  refuse_flags (state, "-DBROKEN_NULL", "entry", NULL, "NULL");
}

static void
crash_in_entry (void **state)
{
  refuse_flags (state, "-DBROKEN_CRASH", "entry", NULL, "signal 11");
}

static void
exit_in_entry (void **state)
{
  refuse_flags (state, "-DBROKEN_EXIT", "entry", NULL, "exited");
}

static void
hang_in_entry (void **state)
{
  refuse_flags (state, "-DBROKEN_HANG", "entry", NULL, "2000 ms");
}

/* ---- The descriptor. */

static void
wrong_magic (void **state)
{
  refuse_flags (state, "-DBROKEN_MAGIC", "magic", NULL, "0x12345678");
}

static void
too_short (void **state)
{
  refuse_flags (state, "-DBROKEN_SHORT", "magic", NULL, "20");
}

static void
absurd_size (void **state)
{
  refuse_flags (state, "-DBROKEN_ABSURD_SIZE", "magic", NULL, "2147483647");
}

static void
future_major (void **state)
{
  refuse_flags (state, "-DBROKEN_FUTURE_MAJOR", "abi", NULL, NULL);
}

static void
future_minor (void **state)
{
  refuse_flags (state, "-DBROKEN_FUTURE_MINOR", "abi", "0.77", "0.1");
}

static void
no_apply (void **state)
{
  refuse_flags (state, "-DBROKEN_NO_APPLY", "fields", "apply", "NULL");
}

static void
endless_table (void **state)
{
  refuse_flags (state, "-DBROKEN_ENDLESS_TABLE", "fields", NULL, NULL);
}

static void
reserved_name (void **state)
{
  refuse_flags (state, "-DBROKEN_RESERVED_NAME", "fields", NULL, "isolate");
}

static void
preset_out_of_range (void **state)
{
  refuse_flags (state, "-DBROKEN_PRESET", "fields", NULL, "2");
}

static void
unknown_kind (void **state)
{
  refuse_flags (state, "-DBROKEN_KIND", "fields", "technique", "tecnique");
}

static void
init_fails (void **state)
{
  world *w = *state;
  char *path = build (w, "broken", "-DBROKEN_INIT");
  adze_error *error = meet (w, path);
  assert_non_null (error);
  char *text = adze_error_text (error);
  assert_non_null (strstr (text, "the moon is in the wrong quarter"));
  assert_string_equal (adze_error_fact (error, "step"), "init");
  free (text);
  adze_error_free (error);
  assert_host_lives (w);
  free (path);
}

/* ---- What stands beside the file. */

static void
duplicate_id (void **state)
{
  world *w = *state;
  char *first = build (w, "a-first", "-DPLUGIN_ID='\"first\"' -DCOMPONENT_ID='\"same\"'");
  char *second = build (w, "b-second", "-DPLUGIN_ID='\"second\"' -DCOMPONENT_ID='\"same\"'");
  const adze_plugin_info *const *plugins = NULL;
  const adze_error *refusal = NULL;
  size_t count = 0;
  open_runtime (w, NULL);
  assert_null (adze_plugin_list (w->runtime, &plugins, &count));
  for (size_t i = 0; i < count; i++)
    if (strcmp (plugins[i]->path, second) == 0)
      refusal = plugins[i]->failure;
    else if (strcmp (plugins[i]->path, first) == 0)
      assert_null (plugins[i]->failure);
  assert_non_null (refusal);
  char *text = adze_error_text (refusal);
  assert_non_null (strstr (text, first));
  free (text);
  assert_refused (adze_error_copy (refusal), second, "duplicate", NULL, first);
  assert_host_lives (w);
  free (first);
  free (second);
}

static void
stamp (world *w, const char *path, const char *key)
{
  adze_error *error = adze_plugin_stamp (w->runtime, path, key);
  if (error)
    fail_msg ("%s", adze_error_text (error));
}

static void
id_differs (void **state)
{
  world *w = *state;
  char *path = build (w, "broken", "");
  open_runtime (w, NULL);
  stamp (w, path, NULL);
  run_command ("sed -i -e 's/^id = .*/id = \"other\"/' -e '/^digest/d' '%s/broken.toml'", w->folder);
  assert_refused (meet (w, path), path, "manifest", "other", "broken");
  assert_host_lives (w);
  free (path);
}

static void
digest_differs (void **state)
{
  world *w = *state;
  char *path = build (w, "broken", "");
  open_runtime (w, NULL);
  stamp (w, path, NULL);
  run_command ("printf x >> '%s'", path);
  assert_refused (meet (w, path), path, "digest", "blake2b:", "blake2b:");
  assert_host_lives (w);
  free (path);
}

static void
bad_signature (void **state)
{
  world *w = *state;
  char *path = build (w, "broken", "");
  char *key = adze_text_format ("%s/key", w->folder);
  open_runtime (w, NULL);
  assert_null (adze_key_make (key));
  stamp (w, path, key);
  run_command ("sed -i 's/a plugin for a test/a plugin for a text/' '%s/broken.toml'", w->folder);
  assert_refused (meet (w, path), path, "signature", NULL, NULL);
  assert_host_lives (w);
  free (key);
  free (path);
}

/* The same file is taken once its key is trusted, and refused unsigned. */
static void
signature_required (void **state)
{
  world *w = *state;
  char *path = build (w, "broken", "");
  char *key = adze_text_format ("%s/key", w->folder);
  char *config = adze_text_format ("%s/config.toml", w->folder);
  run_command ("printf 'require-signed = true\\nkeys = [\"%s/keys\"]\\n' > '%s'", w->folder, config);
  open_runtime (w, config);
  assert_refused (meet (w, path), path, "signature", NULL, NULL);
  assert_null (adze_key_make (key));
  stamp (w, path, key);
  adze_runtime_close (w->runtime);
  open_runtime (w, config);
  assert_refused (meet (w, path), path, "signature", NULL, "ed25519:");
  run_command ("mkdir '%s/keys' && cp '%s.pub' '%s/keys'", w->folder, key, w->folder);
  adze_runtime_close (w->runtime);
  open_runtime (w, config);
  adze_error *error = meet (w, path);
  if (error)
    fail_msg ("a plugin signed by a trusted key is refused: %s", adze_error_text (error));
  free (config);
  free (key);
  free (path);
}

/* What is signed then is a text about a file, and not the file. */
static void
signed_without_digest (void **state)
{
  world *w = *state;
  char *path = build (w, "broken", "");
  char *manifest = adze_text_format ("%s/broken.toml", w->folder);
  char *key = adze_text_format ("%s/key", w->folder);
  char *text = NULL;
  size_t size = 0;
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  open_runtime (w, NULL);
  stamp (w, path, NULL);
  run_command ("sed -i '/^digest/d' '%s'", manifest);
  assert_null (adze_key_make (key));
  assert_null (adze_file_read (manifest, 1 << 20, &text, &size));
  adze_buffer_add (&buffer, text, size);
  assert_null (adze_signature_add (key, &buffer));
  assert_null (adze_file_write (manifest, buffer.data, buffer.size, 0644));
  assert_refused (meet (w, path), path, "digest", NULL, NULL);
  assert_host_lives (w);
  free (text);
  free (key);
  free (manifest);
  free (path);
}

/* What a plugin exports beside its entry reaches nobody else in the process. */
static void
symbols_stay_inside (void **state)
{
  world *w = *state;
  run_command ("printf '__attribute__ ((visibility (\"default\"))) int adze_test_leak;\\n' > '%s/leak.c'",
               w->folder);
  char *leak = adze_text_format ("'%s/leak.c'", w->folder);
  char *path = build_with (w, "broken", "", leak);
  adze_error *error = meet (w, path);
  if (error)
    fail_msg ("%s", adze_error_text (error));
  void *object = dlopen (path, RTLD_NOW | RTLD_NOLOAD);
  assert_non_null (object);
  assert_non_null (dlsym (object, "adze_test_leak"));
  assert_null (dlsym (RTLD_DEFAULT, "adze_test_leak"));
  dlclose (object);
  free (leak);
  free (path);
}

static void
malformed_manifest (void **state)
{
  world *w = *state;
  char *path = build (w, "broken", "");
  open_runtime (w, NULL);
  stamp (w, path, NULL);
  run_command ("sed -i 's/^version = /versoin = /' '%s/broken.toml'", w->folder);
  adze_error *error = meet (w, path);
  assert_non_null (error);
  char *text = adze_error_text (error);
  assert_non_null (strstr (text, "broken.toml:"));
  assert_non_null (strstr (text, "did you mean 'version'"));
  assert_non_null (adze_error_fact (error, "line"));
  assert_non_null (adze_error_fact (error, "column"));
  free (text);
  adze_error_free (error);
  assert_host_lives (w);
  free (path);
}

static void
corrupt_cache (void **state)
{
  world *w = *state;
  char *path = build (w, "broken", "");
  const adze_plugin_info *const *plugins = NULL;
  size_t count = 0;
  ADZE_AUTO_FREE char *folder = adze_text_format ("%s/cache/registry", w->folder);
  assert_non_null (folder);
  adze_cache *cache = NULL;
  assert_null (adze_cache_open (folder, &cache));
  ADZE_AUTO_FREE char *file = adze_cache_file (cache, path);
  adze_cache_free (cache);
  assert_non_null (file);
  run_command ("mkdir -p '%s' && printf '{\"format\": 2, \"entries\": [{' > '%s'", folder, file);
  open_runtime (w, NULL);
  assert_null (adze_plugin_list (w->runtime, &plugins, &count));
  assert_true (count >= 1);
  run_command ("grep -q broken.so '%s'", file);
  assert_host_lives (w);
  free (path);
}

int
main (void)
{
  const char *shared = getenv ("ADZE_SHARED");
  if (shared && strcmp (shared, "no") == 0) {
    puts ("a static build takes no plugin files: not applicable");
    return 0;
  }
  /* For the workers: a sanitizer in them would turn the crash of a plugin into an exit. */
  setenv ("ASAN_OPTIONS", "handle_segv=0", 1);
#define REFUSAL(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    REFUSAL (no_such_file),       REFUSAL (not_elf),
    REFUSAL (other_architecture), REFUSAL (truncated),
    REFUSAL (missing_library),    REFUSAL (undefined_symbol),
    REFUSAL (no_entry),           REFUSAL (entry_returns_null),
    REFUSAL (crash_in_entry),     REFUSAL (exit_in_entry),
    REFUSAL (hang_in_entry),      REFUSAL (wrong_magic),
    REFUSAL (too_short),          REFUSAL (absurd_size),
    REFUSAL (future_major),       REFUSAL (future_minor),
    REFUSAL (no_apply),           REFUSAL (endless_table),
    REFUSAL (reserved_name),      REFUSAL (preset_out_of_range),
    REFUSAL (unknown_kind),       REFUSAL (init_fails),
    REFUSAL (duplicate_id),       REFUSAL (id_differs),
    REFUSAL (digest_differs),     REFUSAL (bad_signature),
    REFUSAL (signature_required), REFUSAL (malformed_manifest),
    REFUSAL (corrupt_cache),      REFUSAL (signed_without_digest),
    REFUSAL (symbols_stay_inside),
  };
  return cmocka_run_group_tests_name ("refusals", tests, NULL, NULL);
}
