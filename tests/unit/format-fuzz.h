/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file of one format: a refusal with a reason, or a model that is written and read
 * again with the same content, and written a second time as the same bytes. All of it goes through
 * the host that everybody uses, and the format's own shared object. */
#ifndef TESTS_UNIT_FORMAT_FUZZ_H
#define TESTS_UNIT_FORMAT_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <adze/host.h>

#include "artifact/format.h"
#include "base/cleanup.h"
#include "base/toml.h"
#include "plugin/runtime.h"
#include "static-build.h"

static char fuzz_folder[64];

static void
fuzz_insist (bool holds, const char *what, const adze_error *error)
{
  if (holds)
    return;
  char *text = error ? adze_error_text (error) : NULL;
  fprintf (stderr, "%s: %s\n", what, text ? text : "");
  abort ();
}

static void
fuzz_end (void)
{
  char command[128];
  snprintf (command, sizeof command, "rm -rf '%s'", fuzz_folder);
  fuzz_insist (system (command) == 0, command, NULL);
}

/* Without its plugin every file is refused, and nothing is tried. */
static void
fuzz_need (adze_runtime *runtime, const char *component)
{
  adze_plugin_record *record;
  const adze_manifest_component *found;
  ADZE_AUTO_ERROR error = adze_find_component (runtime, component, &record, &found);
  fuzz_insist (!error, "what is fuzzed is not there; build all, not the fuzzers alone", error);
}

/* One for all inputs. In memory, where there is such a folder: each input is a file there. */
static adze_runtime *
fuzz_runtime (const char *format)
{
  static adze_runtime *runtime;
  static char cache[96];
  if (runtime)
    return runtime;
  const char *shared = access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf (fuzz_folder, sizeof fuzz_folder, "%s/adze-fuzz-XXXXXX", shared);
  fuzz_insist (mkdtemp (fuzz_folder) != NULL, "no folder", NULL);
  atexit (fuzz_end);
  adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  snprintf (cache, sizeof cache, "%s/cache", fuzz_folder);
  options.cache = cache;
  adze_error *error = adze_runtime_open (&options, &runtime);
  fuzz_insist (!error, "no runtime", error);
  fuzz_need (runtime, format);
  return runtime;
}

static const char *
fuzz_path (const char *name, char path[128])
{
  snprintf (path, 128, "%s/%s", fuzz_folder, name);
  return path;
}

static adze_error *
fuzz_open (const char *format, const char *name, adze_model **model)
{
  char path[128];
  adze_format_options options = { .format = format };
  return adze_model_open (fuzz_runtime (format), fuzz_path (name, path), &options, model);
}

/* False: it cannot be written in its own format, for which there has to be a reason. */
static bool
fuzz_write (const char *format, const adze_model *model, const char *name, const char *settings)
{
  char path[128];
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_ERROR parsed = adze_toml_parse ("settings", settings, strlen (settings), &document);
  fuzz_insist (!parsed, "settings", parsed);
  adze_format_options options = { .document = &document, .settings = document.root };
  ADZE_AUTO_ERROR error
      = adze_model_write (fuzz_runtime (format), model, fuzz_path (name, path), &options);
  fuzz_insist (!error || adze_error_status (error) == ADZE_E_UNSUPPORTED, "writing", error);
  return !error;
}

static void
fuzz_same_models (const adze_model *a, const adze_model *b)
{
  fuzz_insist (a->count == b->count && a->metadata.count == b->metadata.count, "counts", NULL);
  for (size_t i = 0; i < a->metadata.count; i++) {
    const adze_metadata_entry *one = &a->metadata.entries[i], *other = &b->metadata.entries[i];
    fuzz_insist (one->key_size == other->key_size
                     && memcmp (one->key, other->key, one->key_size) == 0
                     && adze_meta_equal (&one->value, &other->value),
                 one->key, NULL);
  }
  for (size_t i = 0; i < a->count; i++) {
    const adze_tensor_meta *meta = &a->tensors[i].meta;
    fuzz_insist (adze_tensor_meta_equal (meta, &b->tensors[i].meta), meta->name, NULL);
    ADZE_AUTO_FREE char *left = malloc (meta->byte_size + 1), *right = malloc (meta->byte_size + 1);
    fuzz_insist (left && right, "memory", NULL);
    ADZE_AUTO_ERROR one = adze_model_read (a, &a->tensors[i], 0, left, meta->byte_size);
    ADZE_AUTO_ERROR other = adze_model_read (b, &b->tensors[i], 0, right, meta->byte_size);
    fuzz_insist (!one && !other && memcmp (left, right, meta->byte_size) == 0, meta->name, one);
  }
}

static void
fuzz_same_files (const char *one, const char *other)
{
  char paths[2][128], command[300];
  snprintf (command, sizeof command, "cmp -s '%s' '%s'", fuzz_path (one, paths[0]),
            fuzz_path (other, paths[1]));
  FILE *a = fopen (paths[0], "rb"), *b = fopen (paths[1], "rb");
  fuzz_insist (a && b, command, NULL);
  int left, right;
  do {
    left = getc (a);
    right = getc (b);
    fuzz_insist (left == right, "the same model was written as other bytes", NULL);
  } while (left != EOF);
  fclose (a);
  fclose (b);
}

/* Asked for each input, and said once. */
static bool
fuzz_has_files (void)
{
  static int has = -1;
  if (has < 0)
    has = files_are_loaded ();
  return has;
}

/* ENDING: of the names that the format writes. SETTINGS: of model, for writing. */
static void
fuzz_format (const uint8_t *data, size_t size, const char *format, const char *ending,
             const char *(*settings) (const adze_model *model))
{
  char path[128], names[3][64];
  if (!fuzz_has_files ())
    return;
  fuzz_runtime (format);
  for (int i = 0; i < 3; i++)
    snprintf (names[i], sizeof names[i], "%d.%s", i, ending);
  FILE *file = fopen (fuzz_path (names[0], path), "wb");
  fuzz_insist (file && fwrite (data, 1, size, file) == size && fclose (file) == 0, path, NULL);
  ADZE_AUTO_MODEL first = NULL;
  ADZE_AUTO_ERROR error = fuzz_open (format, names[0], &first);
  fuzz_insist (!error == !!first, "neither one nor the other", error);
  if (error) {
    fuzz_insist (strstr (adze_error_message (error), names[0]) != NULL, "no file", error);
    return;
  }
  if (!fuzz_write (format, first, names[1], settings (first)))
    return;
  ADZE_AUTO_MODEL second = NULL;
  ADZE_AUTO_ERROR again = fuzz_open (format, names[1], &second);
  fuzz_insist (!again, "what was written is not read", again);
  if (!settings (first)[0])
    fuzz_same_models (first, second);
  fuzz_insist (fuzz_write (format, second, names[2], ""), "what was read is not written", NULL);
  fuzz_same_files (names[1], names[2]);
}

#endif
