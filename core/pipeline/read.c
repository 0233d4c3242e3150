/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/read.c: a pipeline's file, from its first line: version, the host's keys, and then part
 * by part. */
#include <string.h>

#include "base/file.h"
#include "base/toml.h"
#include "pipeline/reader.h"

/* ---- The version of the language, before everything else: another one may mean anything. */

static adze_error *
other_version (const adze_document *document, const adze_value *version)
{
  adze_error *error = adze_document_error (
      document, version, "this is written in version %lld of the language, and adze %s reads 1",
      (long long)version->integer, adze_version ());
  adze_error_set (error, "hint",
                  version->integer > 1 ? "use a newer adze, or write the pipeline anew in "
                                         "version 1 and say adze = 1"
                                       : "write adze = 1; there has been no other version");
  return error;
}

static adze_error *
check_version (const adze_document *document)
{
  const adze_value *version = adze_value_get (document->root, "adze");
  if (!version) {
    adze_error *error = adze_document_error (
        document, NULL,
        "'adze = 1' is missing, which says in which version of the language this "
        "is written");
    adze_error_set (error, "hint", "write adze = 1 at the top of the file, in front of all tables");
    return error;
  }
  if (version->type != ADZE_VALUE_INT)
    return adze_document_error (document, version,
                                "'adze' is the version of the language, 1, and not %s",
                                adze_value_type_name (version->type));
  return version->integer == 1 ? NULL : other_version (document, version);
}

/* ---- What is the host's. */

/* Of a run's folder, so it has to be a good name for one. */
static bool
is_file_name (const char *name)
{
  static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  size_t length = strlen (name);
  return length > 0 && length <= 64 && name[0] != '.' && strspn (name, good) == length;
}

/* What the file is called, where the pipeline has no name. */
static void
name_by_file (adze_reader *reader)
{
  const char *base = adze_path_base (reader->document->path);
  size_t length = strlen (base);
  if (length > 5 && strcmp (base + length - 5, ".toml") == 0)
    length -= 5;
  ADZE_AUTO_FREE char *name = strndup (base, length < 64 ? length : 64);
  for (size_t i = 0; name && name[i]; i++) {
    char one[2] = { name[i], '\0' };
    if (!is_file_name (one))
      name[i] = '-';
  }
  if (!name)
    adze_complain (reader, adze_error_memory ());
  reader->pipeline->own_name = adze_take (&name);
  reader->pipeline->name = reader->pipeline->own_name;
}

static void
read_name (adze_reader *reader)
{
  const adze_value *name = adze_read_string (reader, reader->document->root, "name", NULL);
  if (!name) {
    name_by_file (reader);
    return;
  }
  reader->pipeline->name = name->string;
  if (!is_file_name (name->string))
    adze_complain_at (reader, name,
                      "a pipeline's name names a folder: it has letters, digits, '-', '_' and '.', "
                      "does not begin with '.' and is at most 64 long");
}

static void
read_run (adze_reader *reader, const adze_value *run)
{
  adze_pipeline *pipeline = reader->pipeline;
  int64_t threads = 0;
  if (!run || !adze_is_table (reader, run, "[run]"))
    return;
  adze_check_keys (reader, run, "backend|delegate|max-rss|threads|structure-limit", "[run]");
  const char *backend = adze_reader_backend (reader, run);
  if (backend)
    pipeline->backend = backend;
  adze_read_choice (reader, run, "delegate", "allow|warn|error", &pipeline->delegate);
  adze_read_bytes (reader, run, "max-rss", &pipeline->max_rss);
  adze_read_bytes (reader, run, "structure-limit", &pipeline->structure_limit);
  adze_read_int (reader, run, "threads", 1, 4096, &threads);
  pipeline->threads = (unsigned)threads;
}

void
adze_read_host_keys (adze_reader *reader)
{
  const adze_value *root = reader->document->root;
  adze_pipeline *pipeline = reader->pipeline;
  int64_t seed = 0;
  adze_check_keys (reader, root, "adze|name|seed|model|input|data|run|observer|stage|output",
                   "a pipeline");
  read_name (reader);
  adze_read_int (reader, root, "seed", 0, INT64_MAX, &seed);
  pipeline->seed = (uint64_t)seed;
  pipeline->backend = "ref";
  pipeline->delegate = "allow";
  read_run (reader, adze_value_get (root, "run"));
}

/* ---- The whole. */

static void
check_there_is_something_to_do (adze_reader *reader)
{
  const adze_value *root = reader->document->root;
  if (adze_value_get (root, "stage") || adze_value_get (root, "output"))
    return;
  bool input = adze_value_get (root, "model") || adze_value_get (root, "input");
  adze_complain_hint (
      reader, NULL,
      input ? "add a [[stage]] with use = \"TECHNIQUE\" (`adze list technique` shows which "
              "there are), or an [[output]] alone, to convert; `adze init MODEL` writes a "
              "pipeline to begin with"
            : "`adze init MODEL` writes a pipeline to begin with",
      "there is nothing to do: it has %sno [[stage]] and no [[output]]",
      input ? "" : "no [model], ");
}

static adze_error *
read_all (adze_reader *reader, const char *const *settings)
{
  adze_apply_settings (reader, settings);
  ADZE_AUTO_ERROR version = check_version (reader->document);
  if (version)
    return adze_take (&version);
  adze_read_host_keys (reader);
  adze_read_inputs (reader);
  adze_read_data (reader);
  adze_read_observers (reader);
  adze_read_stages (reader);
  adze_read_outputs (reader);
  check_there_is_something_to_do (reader);
  return NULL;
}

/* Of the file, absolute; the file has been read, so it is there. */
static adze_error *
find_folder (const char *path, char **folder)
{
  ADZE_TRY (adze_path_absolute (path, folder));
  char *slash = strrchr (*folder, '/');
  if (slash)
    slash[slash == *folder] = '\0';
  return NULL;
}

static void
cleanup_reader (adze_reader *reader)
{
  for (size_t i = 0; i < reader->count; i++)
    adze_error_free (reader->complaints[i]);
  free (reader->complaints);
  adze_error_free (reader->broken);
}

static void
cleanup_pipeline (adze_pipeline **pipeline)
{
  adze_pipeline_free (*pipeline);
}

adze_error *
adze_pipeline_read (adze_runtime *runtime, const char *path, const char *const *settings,
                    adze_pipeline **pipeline)
{
  return adze_pipeline_read_in (runtime, path, NULL, settings, false, pipeline);
}

adze_error *
adze_pipeline_read_in (adze_runtime *runtime, const char *path, const char *folder,
                       const char *const *settings, bool looking, adze_pipeline **pipeline)
{
  *pipeline = NULL;
  __attribute__ ((cleanup (cleanup_pipeline))) adze_pipeline *made = calloc (1, sizeof *made);
  if (!made)
    return adze_error_memory ();
  made->runtime = runtime;
  ADZE_TRY (adze_toml_read (path, &made->document));
  if (folder)
    made->folder = strdup (folder);
  else
    ADZE_TRY (find_folder (path, &made->folder));
  if (!made->folder)
    return adze_error_memory ();
  ADZE_TRY (adze_scan_once (runtime));
  __attribute__ ((cleanup (cleanup_reader))) adze_reader reader
      = { .runtime = runtime, .pipeline = made, .document = &made->document, .looking = looking };
  ADZE_TRY (read_all (&reader, settings));
  ADZE_TRY (adze_reader_finish (&reader));
  *pipeline = adze_take (&made);
  return NULL;
}
