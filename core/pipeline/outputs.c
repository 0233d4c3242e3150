/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/outputs.c: [[output]]: what is written where, and nothing over what somebody needs. */
#include <adze/draft/format.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "artifact/artifact.h"
#include "artifact/format.h"
#include "base/file.h"
#include "pipeline/taken.h"

static const char *const output_keys[] = { "path", "from", "format", NULL };

/* ---- Paths. */

/* Folders that are missing are made when it is written. Can they be? */
static void
check_folder (adze_reader *reader, const adze_value *at, const char *path)
{
  ADZE_AUTO_FREE char *folder = strdup (path);
  struct stat status;
  char *slash;
  if (!folder) {
    adze_complain (reader, adze_error_memory ());
    return;
  }
  while ((slash = strrchr (folder, '/'))) {
    slash[slash == folder] = '\0';
    if (stat (folder, &status) == 0 || slash == folder)
      break;
    if (errno == ENOTDIR)
      continue;
    if (errno != ENOENT)
      return; /* who knows; writing will tell */
  }
  if (stat (folder, &status) != 0)
    return;
  if (!S_ISDIR (status.st_mode))
    adze_complain_at (reader, at, "nothing can be written in %s: it is a file, and no folder",
                      folder);
  else if (access (folder, W_OK | X_OK) != 0)
    adze_complain_at (reader, at, "nothing can be written in the folder %s: %s", folder,
                      strerror (errno));
}

/* What the writer would say against this path in the end. */
static void
check_target (adze_reader *reader, const adze_value *at, const char *path)
{
  ADZE_AUTO_ERROR error = adze_target_check (path, ADZE_RUN_TAG);
  if (error && adze_error_status (error) == ADZE_E_MEMORY)
    adze_complain (reader, adze_take (&error));
  else if (error)
    adze_complain_at (reader, at, "%s", adze_error_message (error));
  else
    check_folder (reader, at, path);
}

/* Shells read "~" as somebody's folder, and here it would be made as one of that name. */
static bool
is_meant_for_a_shell (const adze_value *at, const char *path)
{
  struct stat status;
  if (at->string[0] != '~' || strchr (at->string, '/') != at->string + 1)
    return false;
  ADZE_AUTO_FREE char *folder = strndup (path, strlen (path) - strlen (at->string) + 1);
  return folder && stat (folder, &status) != 0;
}

static void
check_path (adze_reader *reader, const adze_value *at, size_t index, adze_taken *taken)
{
  const adze_pipeline_output *output = &reader->pipeline->outputs[index];
  const char *why = NULL;
  struct stat status;
  if (stat (output->path, &status) == 0 && S_ISDIR (status.st_mode))
    adze_complain_at (reader, at, "\"%s\" is a folder; an output is a file in it", at->string);
  else if (is_meant_for_a_shell (at, output->path))
    adze_complain_at (reader, at, "\"~\" is not read as your own folder here, and there is none of that "
                                  "name; write the whole path");
  else
    check_target (reader, at, output->path);
  ADZE_AUTO_FREE char *own = adze_text_format ("the output in line %u has the same path",
                                               (unsigned)output->table->line);
  adze_complain (reader, own ? adze_taken_ask (taken, output->path, own, &why)
                             : adze_error_memory ());
  if (why)
    adze_complain_at (reader, at, "%s", why);
}

/* ---- Formats. */

static const adze_manifest_component *
find_format (adze_reader *reader, const adze_value *table, const adze_value *path,
             const char *absolute)
{
  const adze_value *format = adze_read_string (reader, table, "format", NULL);
  if (format)
    return adze_reader_find (reader, ADZE_FORMAT, format, NULL);
  if (adze_value_get (table, "format"))
    return NULL;
  const char *id = NULL;
  adze_plugin_record *record;
  const adze_manifest_component *component = NULL;
  adze_error *error = adze_format_for_path (reader->runtime, absolute, &id);
  if (!error)
    error = adze_find_component (reader->runtime, id, &record, &component);
  if (!error)
    return component;
  adze_complain_of (reader, path, error);
  return NULL;
}

/* What the format's parameters ask of the file's name. */
static void
check_name (adze_reader *reader, const adze_value *at, const adze_pipeline_output *output)
{
  const adze_format_options options
      = { .document = reader->document, .settings = output->settings };
  adze_error *error
      = adze_format_takes_name (reader->runtime, output->format, &options, output->path);
  if (!error)
    return;
  const adze_error *reason = adze_error_cause (error);
  if (!reason || adze_error_status (error) != ADZE_E_UNSUPPORTED) {
    adze_complain_of (reader, at, error);
    return;
  }
  adze_complain_at (reader, at, "%s", adze_error_message (reason));
  adze_error_free (error);
}

/* ---- One output. */

static bool
bind_output (adze_reader *reader, const adze_value *table, adze_binding *binding)
{
  size_t after_all = reader->pipeline->stage_count;
  const adze_value *from = adze_value_get (table, "from");
  if (!from)
    return adze_bind_newest (reader, after_all, ADZE_TYPE_MODEL, table, "an output",
                             "from = \"...\"", true, binding);
  if (!adze_bind_reference (reader, after_all, from, binding))
    return false;
  if (strcmp (binding->type, ADZE_TYPE_DATASET) != 0)
    return true;
  adze_complain_hint (
      reader, from,
      "remove this [[output]], or say from = \"STAGE.PORT\"; without from it is the "
      "last model",
      "\"%s\" is a dataset, and no dataset can be written as an output", from->string);
  return false;
}

static void
read_output (adze_reader *reader, const adze_value *table, size_t index, adze_taken *taken)
{
  adze_pipeline_output *output = &reader->pipeline->outputs[index];
  const adze_value *path
      = adze_read_string (reader, table, "path", "this output needs path = \"...\", a file");
  output->table = table;
  if (path && (output->path = adze_reader_path (reader, path)) && !reader->looking)
    check_path (reader, path, index, taken);
  if (!bind_output (reader, table, &output->from) || !output->path)
    return;
  if (strcmp (output->from.type, ADZE_TYPE_MODEL) != 0) {
    adze_check_keys (reader, table, "path|from", "an output that is no model");
    return;
  }
  const adze_manifest_component *format = find_format (reader, table, path, output->path);
  if (!format)
    return;
  output->format = format->id;
  const adze_own_keys own = { .owner = "an output", .all = output_keys };
  adze_reader_params (reader, format, table, &own, false, &output->settings);
  check_name (reader, path, output);
}

/* ---- What observers write, which nobody else may have either. */

static void
check_written (adze_reader *reader, const adze_pipeline_written *written, adze_taken *taken)
{
  const char *why = NULL;
  ADZE_AUTO_FREE char *own = adze_text_format ("the observer in line %u writes to the same file; "
                                               "name another one",
                                               (unsigned)written->at->line);
  adze_complain (reader, own ? adze_taken_ask (taken, written->path, own, &why)
                             : adze_error_memory ());
  if (why)
    adze_complain_at (reader, written->at, "%s", why);
}

void
adze_read_outputs (adze_reader *reader)
{
  adze_pipeline *pipeline = reader->pipeline;
  ADZE_AUTO (adze_taken) taken = { 0 };
  const adze_value *outputs = adze_value_get (reader->document->root, "output");
  size_t count = adze_table_count (reader, outputs, "[[output]]");
  pipeline->outputs = calloc (count + 1, sizeof *pipeline->outputs);
  if (!pipeline->outputs)
    adze_complain (reader, adze_error_memory ());
  else
    pipeline->output_count = count;
  if (!reader->looking && (count > 0 || pipeline->written_count > 0))
    adze_complain (reader, adze_taken_begin (&taken, pipeline));
  for (size_t i = 0; i < pipeline->output_count; i++)
    read_output (reader, outputs->items[i], i, &taken);
  for (size_t i = 0; !reader->looking && i < pipeline->written_count; i++)
    check_written (reader, &pipeline->written[i], &taken);
}
