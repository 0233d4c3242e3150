/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/inputs.c: what a pipeline begins with: [model], [input.NAME], [data.NAME]. */
#include <adze/draft/format.h>
#include <adze/draft/source.h>

#include <string.h>

#include "artifact/artifact.h"
#include "base/file.h"
#include "pipeline/reader.h"
#include "plugin/manifest/params.h"

/* ---- [model] and [input.NAME] */

static const char *const input_keys[] = { "kind", "path", "format", NULL };

/* Opened, since it is now that somebody is there to read why it cannot be. */
static void
check_file (adze_reader *reader, const adze_value *at, const char *path)
{
  struct stat status;
  if (stat (path, &status) == 0 && S_ISDIR (status.st_mode)) {
    adze_complain_hint (reader, at,
                        "name a file in it; a model of several files goes by its index, "
                        "such as \"model.safetensors.index.json\"",
                        "\"%s\" is a folder; an input is a file", at->string);
    return;
  }
  ADZE_AUTO_FD int fd = -1;
  adze_error *error = adze_file_open (path, &fd, NULL);
  if (!error)
    return;
  adze_file_suggest (error, path);
  adze_complain_of (reader, at, error);
}

static const adze_param *
find_param (const adze_manifest_component *component, const char *name)
{
  for (size_t i = 0; i < component->param_count; i++)
    if (strcmp (component->params[i].name, name) == 0)
      return &component->params[i];
  return NULL;
}

/* It would change nothing, and nobody would say so. */
static void
complain_of_writing (adze_reader *reader, const adze_value *item)
{
  adze_complain_key_hint (reader, item,
                          "give it to the [[output]] that is to be written so, or leave it out",
                          "'%s' says how a file is written, and an input is read", item->key);
}

/* The formats that have the parameter KEY, "gguf, onnx"; returns the first of them, NULL: none.
 * *WRITING: one has it for files that are written, and does not count. */
static const char *
formats_with (adze_reader *reader, const char *key, adze_buffer *names, bool *writing)
{
  const adze_component_info *const *list = NULL;
  size_t count = 0;
  const char *first = NULL;
  adze_complain (reader, adze_component_list (reader->runtime, ADZE_FORMAT, &list, &count));
  for (size_t i = 0; i < count; i++) {
    adze_plugin_record *record;
    const adze_manifest_component *component = NULL;
    ADZE_AUTO_ERROR unusable
        = adze_find_component (reader->runtime, list[i]->id, &record, &component);
    const adze_param *param = unusable ? NULL : find_param (component, key);
    if (param && adze_param_writes_only (param))
      *writing = true;
    else if (param) {
      adze_buffer_format (names, "%s%s", first ? ", " : "", component->id);
      first = first ? first : component->id;
    }
  }
  return first;
}

/* KEY is no key of an input, and could be a parameter of a format if one was named. */
static void
complain_of_key (adze_reader *reader, const adze_value *item)
{
  const char *meant = adze_nearest (item->key, input_keys, ADZE_COUNT_OF (input_keys) - 1);
  ADZE_AUTO (adze_buffer) formats = { 0 };
  bool writing = false;
  const char *first = formats_with (reader, item->key, &formats, &writing);
  ADZE_AUTO_FREE char *hint
      = first ? adze_text_format ("give format = \"%s\", too, or leave '%s' out", first, item->key)
              : NULL;
  if (first)
    adze_complain_key_hint (reader, item, hint,
                            "an input has no key '%s'; it is a parameter of the format%s %s, which "
                            "the input does not name",
                            item->key, strchr (formats.data ? formats.data : "", ',') ? "s" : "",
                            formats.data ? formats.data : "");
  else if (writing)
    complain_of_writing (reader, item);
  else if (meant)
    adze_complain_key (reader, item, "an input has no key '%s'; did you mean '%s'?", item->key,
                       meant);
  else
    adze_complain_key (reader, item,
                       "an input has no key '%s', and no format has it as a parameter; it can have "
                       "kind, path, format",
                       item->key);
}

/* Parameters are the format's, so it must be known which one that is. */
static void
read_input_format (adze_reader *reader, const adze_value *table, adze_pipeline_input *input)
{
  const adze_own_keys own = { .owner = "an input", .all = input_keys };
  const adze_value *format = adze_read_string (reader, table, "format", NULL);
  if (!format) {
    for (size_t i = 0; !adze_value_get (table, "format") && i < table->count; i++) {
      const char *key = table->items[i]->key;
      if (strcmp (key, "kind") != 0 && strcmp (key, "path") != 0
          && !adze_is_misplaced (reader, table->items[i], own.owner))
        complain_of_key (reader, table->items[i]);
    }
    return;
  }
  const adze_manifest_component *component = adze_reader_find (reader, ADZE_FORMAT, format, NULL);
  if (!component)
    return;
  input->format = component->id;
  for (size_t i = 0; i < table->count; i++) {
    const adze_param *param = find_param (component, table->items[i]->key);
    if (param && adze_param_writes_only (param))
      complain_of_writing (reader, table->items[i]);
  }
  adze_reader_params (reader, component, table, &own, false, &input->settings);
}

/* ---- Kinds. */

static const char *const built_in[] = { ADZE_TYPE_MODEL, ADZE_TYPE_TABLE, ADZE_TYPE_DAG,
                                        ADZE_TYPE_TEXT,  ADZE_TYPE_STATS, ADZE_TYPE_REPORT };

/* Those that are built in, and whatever else a plugin takes or gives. To be freed; the names are
 * somebody else's. */
static const char **
all_kinds (adze_reader *reader, size_t *count)
{
  const adze_component_info *const *list = NULL;
  size_t component_count = 0, known = 0;
  adze_complain (reader, adze_component_list (reader->runtime, NULL, &list, &component_count));
  const char **kinds
      = calloc (ADZE_COUNT_OF (built_in) + component_count * ADZE_PORT_MAX, sizeof *kinds);
  for (size_t i = 0; kinds && i < ADZE_COUNT_OF (built_in); i++)
    kinds[known++] = built_in[i];
  for (size_t i = 0; kinds && i < component_count; i++) {
    adze_plugin_record *record;
    const adze_manifest_component *component = NULL;
    ADZE_AUTO_ERROR unusable
        = adze_find_component (reader->runtime, list[i]->id, &record, &component);
    size_t port_count = 0;
    const adze_port *ports = unusable ? NULL : adze_manifest_ports (component, &port_count);
    for (size_t k = 0; k < port_count && k < ADZE_PORT_MAX; k++)
      kinds[known++] = ports[k].type;
  }
  *count = known;
  return kinds;
}

/* Complains of one that nobody knows. */
static bool
check_kind (adze_reader *reader, const adze_value *kind)
{
  size_t count = 0;
  if (!adze_check_name (reader, kind, kind->string, "a kind of input"))
    return false;
  ADZE_AUTO_FREE const char **kinds = all_kinds (reader, &count);
  if (!kinds) {
    adze_complain (reader, adze_error_memory ());
    return false;
  }
  for (size_t i = 0; i < count; i++)
    if (strcmp (kinds[i], kind->string) == 0)
      return true;
  const char *meant = adze_nearest (kind->string, kinds, count);
  if (meant)
    adze_complain_at (reader, kind, "there is no kind '%s'; did you mean '%s'?", kind->string,
                      meant);
  else
    adze_complain_at (
        reader, kind,
        "there is no kind '%s': no plugin here takes or gives it, and of its own adze "
        "has model, table, dag, text, stats and report",
        kind->string);
  return false;
}

static void
read_kind (adze_reader *reader, const adze_value *table, bool short_form,
           adze_pipeline_input *input)
{
  const adze_value *kind = adze_read_string (
      reader, table, "kind",
      short_form ? NULL
                 : "this input needs kind = \"...\": model, table, dag, text, stats or report, or "
                   "one that a plugin brings");
  if (short_form)
    input->kind = ADZE_TYPE_MODEL;
  if (!kind)
    return;
  if (short_form && strcmp (kind->string, ADZE_TYPE_MODEL) != 0)
    adze_complain_at (reader, kind, "[model] is a model; other inputs are written [input.NAME]");
  else if (strcmp (kind->string, ADZE_TYPE_DATASET) == 0) {
    ADZE_AUTO_FREE char *hint
        = adze_text_format ("write [data.%s] with use = \"SOURCE\" in the place of kind and path; "
                            "`adze list source` shows the sources, `adze inspect SOURCE` what each "
                            "calls its file",
                            table->key ? table->key : "NAME");
    adze_complain_hint (reader, kind, hint,
                        "'dataset' is no kind of input: data has a table of its own");
  } else if (check_kind (reader, kind))
    input->kind = kind->string;
}

static void
read_input (adze_reader *reader, const adze_value *table, bool short_form,
            adze_pipeline_input *input)
{
  input->table = table;
  read_kind (reader, table, short_form, input);
  const adze_value *path
      = adze_read_string (reader, table, "path", "this input needs path = \"...\", a file");
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
        || !adze_check_key_name (reader, table, "an input"))
      continue;
    if (model && strcmp (table->key, "model") == 0) {
      adze_complain_hint (reader, table,
                          "remove one of them, or give this one another name, such as "
                          "[input.other]",
                          "[input.model] and [model] (line %u) are the same input",
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
  ADZE_AUTO_FREE char *owner = adze_text_format ("[data.%s]", data->name);
  const adze_own_keys own = { .owner = owner ? owner : "data", .all = data_keys };
  const adze_value *use = adze_reader_use (reader, table, own.owner, ADZE_SOURCE);
  const adze_manifest_component *component
      = use ? adze_reader_find (reader, ADZE_SOURCE, use, NULL) : NULL;
  if (!component)
    return;
  data->use = component->id;
  adze_reader_params (reader, component, table, &own, false, &data->settings);
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
        && adze_check_key_name (reader, tables->items[i], "data"))
      read_one_data (reader, tables->items[i], &pipeline->data[pipeline->data_count++]);
}
