/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/inputs.c: what a pipeline begins with: [model], [input.NAME], [data.NAME]. */
#include <adze/draft/format.h>
#include <adze/draft/source.h>

#include <string.h>

#include "artifact/artifact.h"
#include "base/file.h"
#include "pipeline/reader.h"

/* ---- [model] and [input.NAME] */

static const char *const input_keys[] = { "kind", "path", "format", NULL };

/* One in the same folder whose name is nearly that. */
static void
suggest_file (adze_error *error, const char *path)
{
  const char *base = adze_path_base (path);
  ADZE_AUTO_FREE char *folder = strndup (path, (size_t)(base - path));
  char **names = NULL;
  size_t count = 0;
  if (!folder || adze_error_status (error) != ADZE_E_NOT_FOUND)
    return;
  ADZE_AUTO_ERROR unread = adze_folder_names (folder, "", &names, &count);
  if (unread)
    return;
  const char *meant = adze_nearest (base, (const char *const *)names, count);
  if (meant)
    adze_error_setf (error, "hint", "did you mean \"%s\", which is in the same folder?", meant);
  adze_names_free (names, count);
}

/* Opened, since it is now that somebody is there to read why it cannot be. Models may be folders in
 * some format; what is in them is the plan's to find out. */
static void
check_file (adze_reader *reader, const adze_value *at, const char *path)
{
  struct stat status;
  if (stat (path, &status) == 0 && S_ISDIR (status.st_mode))
    return;
  ADZE_AUTO_FD int fd = -1;
  adze_error *error = adze_file_open (path, &fd, NULL);
  if (!error)
    return;
  suggest_file (error, path);
  adze_complain_of (reader, at, error);
}

/* Parameters are the format's, so it must be known which one that is. */
static void
read_input_format (adze_reader *reader, const adze_value *table, adze_pipeline_input *input)
{
  const adze_value *format = adze_read_string (reader, table, "format", NULL);
  if (!format) {
    for (size_t i = 0; !adze_value_get (table, "format") && i < table->count; i++) {
      const char *key = table->items[i]->key;
      const char *meant = adze_nearest (key, input_keys, 3);
      if (strcmp (key, "kind") == 0 || strcmp (key, "path") == 0)
        continue;
      if (meant)
        adze_complain_key (reader, table->items[i], "an input has no key '%s'; did you mean '%s'?",
                           key, meant);
      else
        adze_complain_key (reader, table->items[i],
                           "'%s' could be a parameter of a format; say which one by "
                           "format = \"...\" (an input by itself has kind, path and format)",
                           key);
    }
    return;
  }
  const adze_manifest_component *component = adze_reader_find (reader, ADZE_FORMAT, format, NULL);
  if (!component)
    return;
  input->format = component->id;
  adze_reader_params (reader, component, table, input_keys, false, &input->settings);
}

static void
read_input (adze_reader *reader, const adze_value *table, bool short_form,
            adze_pipeline_input *input)
{
  const adze_value *kind = adze_read_string (
      reader, table, "kind",
      short_form ? NULL : "this input needs kind = \"...\": model, table, dag, text, ...");
  const adze_value *path
      = adze_read_string (reader, table, "path", "this input needs path = \"...\", a file");
  input->table = table;
  if (short_form && kind && strcmp (kind->string, ADZE_TYPE_MODEL) != 0)
    adze_complain_at (reader, kind, "[model] is a model; other inputs are written [input.NAME]");
  else if (kind && strcmp (kind->string, ADZE_TYPE_DATASET) == 0)
    adze_complain_at (reader, kind,
                      "data is no input: it has a table of its own, [data.NAME], with use = "
                      "\"SOURCE\"");
  else if (kind && adze_check_name (reader, kind, kind->string, "a kind of artifact"))
    input->kind = kind->string;
  if (short_form)
    input->kind = ADZE_TYPE_MODEL;
  if (path && (input->path = adze_reader_path (reader, path)))
    check_file (reader, path, input->path);
  if (!input->kind)
    return;
  if (strcmp (input->kind, ADZE_TYPE_MODEL) == 0)
    read_input_format (reader, table, input);
  else
    adze_check_keys (reader, table, "kind|path", "an input that is no model");
}

/* The tables below [input] or [data]; NULL: none. */
static const adze_value *
named_tables (adze_reader *reader, const char *key, const char *what)
{
  const adze_value *tables = adze_value_get (reader->document->root, key);
  if (!tables || !adze_is_table (reader, tables, what))
    return NULL;
  if (tables->count <= ADZE_TABLES_MAX)
    return tables;
  adze_complain_at (reader, tables, "there are %zu of these, and there can be %d", tables->count,
                    ADZE_TABLES_MAX);
  return NULL;
}

void
adze_read_inputs (adze_reader *reader)
{
  adze_pipeline *pipeline = reader->pipeline;
  const adze_value *model = adze_value_get (reader->document->root, "model");
  const adze_value *tables = named_tables (reader, "input", "[input.NAME]");
  size_t most = (model ? 1 : 0) + (tables ? tables->count : 0);
  pipeline->inputs = calloc (most + 1, sizeof *pipeline->inputs);
  if (!pipeline->inputs) {
    adze_complain (reader, adze_error_memory ());
    return;
  }
  if (model && adze_is_table (reader, model, "[model]")) {
    adze_pipeline_input *input = &pipeline->inputs[pipeline->input_count++];
    input->name = "model";
    read_input (reader, model, true, input);
  }
  for (size_t i = 0; tables && i < tables->count; i++) {
    const adze_value *table = tables->items[i];
    if (!adze_is_table (reader, table, "[input.NAME]")
        || !adze_check_name (reader, table, table->key, "an input"))
      continue;
    if (model && strcmp (table->key, "model") == 0) {
      adze_complain_at (reader, table,
                        "[input.model] is [model] in full, which is there already, in "
                        "line %u",
                        (unsigned)model->line);
      continue;
    }
    adze_pipeline_input *input = &pipeline->inputs[pipeline->input_count++];
    input->name = table->key;
    read_input (reader, table, false, input);
  }
}

/* ---- [data.NAME] */

static const char *const data_keys[] = { "use", "shuffle", "part", "limit", NULL };

static bool
number_of (const adze_value *value, double *number)
{
  *number = value->type == ADZE_VALUE_INT ? (double)value->integer : value->real;
  return value->type == ADZE_VALUE_INT || value->type == ADZE_VALUE_FLOAT;
}

static void
read_part (adze_reader *reader, const adze_value *table, adze_pipeline_data *data)
{
  const adze_value *part = adze_value_get (table, "part");
  double first = 0, last = 1;
  if (!part)
    return;
  bool good = part->type == ADZE_VALUE_LIST && part->count == 2
              && number_of (part->items[0], &first) && number_of (part->items[1], &last);
  if (!good)
    adze_complain_at (reader, part,
                      "'part' is a share of the examples, from and to, such as [0.0, 0.9]");
  else if (!(first >= 0 && first < last && last <= 1))
    adze_complain_at (reader, part,
                      "'part' goes from one share to a larger one, both from 0 to 1, such as "
                      "[0.9, 1.0]");
  else {
    data->first = first;
    data->last = last;
  }
}

static void
read_one_data (adze_reader *reader, const adze_value *table, adze_pipeline_data *data)
{
  int64_t limit = 0;
  data->name = table->key;
  data->table = table;
  data->last = 1;
  adze_read_bool (reader, table, "shuffle", &data->shuffle);
  read_part (reader, table, data);
  adze_read_int (reader, table, "limit", 1, INT64_MAX, &limit);
  data->limit = (uint64_t)limit;
  const adze_value *use = adze_read_string (
      reader, table, "use", "this needs use = \"...\", the source that the data comes from");
  const adze_manifest_component *component
      = use ? adze_reader_find (reader, ADZE_SOURCE, use, NULL) : NULL;
  if (!component)
    return;
  data->use = component->id;
  adze_reader_params (reader, component, table, data_keys, false, &data->settings);
}

void
adze_read_data (adze_reader *reader)
{
  adze_pipeline *pipeline = reader->pipeline;
  const adze_value *tables = named_tables (reader, "data", "[data.NAME]");
  pipeline->data = calloc ((tables ? tables->count : 0) + 1, sizeof *pipeline->data);
  if (!pipeline->data)
    adze_complain (reader, adze_error_memory ());
  for (size_t i = 0; pipeline->data && tables && i < tables->count; i++)
    if (adze_is_table (reader, tables->items[i], "[data.NAME]")
        && adze_check_name (reader, tables->items[i], tables->items[i]->key, "data"))
      read_one_data (reader, tables->items[i], &pipeline->data[pipeline->data_count++]);
}
