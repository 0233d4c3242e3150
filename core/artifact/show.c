/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/show.c: a model, looked at. Without statistics no weight is read. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "artifact/decode.h"
#include "artifact/look.h"
#include "artifact/stats.h"
#include "base/json.h"

/* What is shown, and what it adds up to. */
typedef struct show {
  adze_runtime *runtime;
  const adze_model *model;
  const adze_show_options *options;
  const adze_pattern *pattern;
  uint64_t tensors, elements, bytes;
} show;

static bool
chosen (const show *view, size_t number)
{
  return !view->pattern
         || adze_pattern_matches (view->pattern, view->model->tensors[number].meta.name);
}

static adze_error *
add_up (show *view)
{
  for (size_t i = 0; i < view->model->count; i++)
    if (chosen (view, i)) {
      view->tensors++;
      /* Tensors of no bytes have all the room in the world for elements. */
      if (__builtin_add_overflow (view->elements, view->model->tensors[i].elements,
                                  &view->elements))
        view->elements = UINT64_MAX;
      view->bytes += view->model->tensors[i].meta.byte_size;
    }
  if (view->tensors > 0 || !view->pattern)
    return NULL;
  adze_error *error = adze_error_new (ADZE_E_NOT_FOUND, "no tensor of %s is named like '%s'",
                                      view->model->path, view->options->match);
  adze_error_set (error, "file", view->model->path);
  return error;
}

/* ---- Totals by type, in the order in which the types appear. */

typedef struct type_total {
  const char *word;
  uint64_t tensors, elements, bytes;
} type_total;

static adze_error *
count_types (const show *view, type_total **totals, size_t *count)
{
  *count = 0;
  *totals = NULL;
  for (size_t i = 0; i < view->model->count; i++) {
    const adze_model_tensor *tensor = &view->model->tensors[i];
    const char *word = adze_meta_type_word (&tensor->meta);
    size_t at = 0;
    if (!chosen (view, i))
      continue;
    while (at < *count && strcmp ((*totals)[at].word, word) != 0)
      at++;
    if (at == *count) {
      type_total *grown = reallocarray (*totals, *count + 1, sizeof *grown);
      if (!grown)
        return adze_error_memory ();
      *totals = grown;
      grown[(*count)++] = (type_total){ .word = word };
    }
    (*totals)[at].tensors++;
    (*totals)[at].elements += tensor->elements;
    (*totals)[at].bytes += tensor->meta.byte_size;
  }
  return NULL;
}

/* ---- As JSON. */

static void
stats_json (const adze_tensor_stats *stats, adze_value *tensor)
{
  adze_value *table = adze_json_table (tensor, "stats");
  adze_json_int (table, "finite", (int64_t)stats->finite);
  adze_json_int (table, "zeros", (int64_t)stats->zeros);
  adze_json_int (table, "nan", (int64_t)stats->nans);
  adze_json_int (table, "infinite", (int64_t)stats->infinities);
  if (stats->finite == 0)
    return;
  adze_json_float (table, "min", stats->min);
  adze_json_float (table, "max", stats->max);
  adze_json_float (table, "mean", stats->mean);
  adze_value *bins = adze_json_list (table, "histogram");
  for (size_t i = 0; i < ADZE_STATS_BINS; i++)
    adze_json_int (bins, NULL, (int64_t)stats->bins[i]);
}

static adze_error *
add_stats_json (const show *view, const adze_model_tensor *tensor, adze_value *table)
{
  adze_tensor_stats stats;
  if (!view->options->stats)
    return NULL;
  if (!adze_decodes (&tensor->meta)) {
    adze_json_string (table, "not-decoded", adze_meta_type_word (&tensor->meta));
    return NULL;
  }
  ADZE_TRY (adze_stats_read (view->runtime->pool, view->model, tensor, &stats));
  stats_json (&stats, table);
  return NULL;
}

static adze_error *
tensor_json (const show *view, const adze_model_tensor *tensor, adze_value *list)
{
  const adze_tensor_meta *meta = &tensor->meta;
  adze_value *table = adze_json_table (list, NULL);
  adze_json_string (table, "name", meta->name);
  adze_json_string (table, "type", adze_meta_type_word (meta));
  if (meta->codec) {
    adze_json_int (table, "block-elements", meta->block_elements);
    adze_json_int (table, "block-bytes", meta->block_bytes);
  }
  adze_look_shape_json (meta, table, "shape");
  adze_json_int (table, "elements", (int64_t)tensor->elements);
  adze_json_int (table, "bytes", (int64_t)meta->byte_size);
  if (tensor->file >= 0) {
    adze_json_int (table, "file", tensor->file);
    adze_json_int (table, "offset", (int64_t)tensor->offset);
  }
  if (table && tensor->traits) {
    adze_value *traits = adze_value_copy (tensor->traits);
    if (!traits)
      return adze_error_memory ();
    ADZE_TRY (adze_value_append (table, "traits", traits));
  }
  return add_stats_json (view, tensor, table);
}

static void
files_json (const adze_model *model, adze_value *root)
{
  adze_value *files = adze_json_list (root, "files");
  for (size_t i = 0; i < model->file_count; i++) {
    adze_value *file = adze_json_table (files, NULL);
    adze_json_string (file, "path", model->files[i].path);
    adze_json_int (file, "bytes", (int64_t)model->files[i].identity.size);
  }
  adze_value *parts = adze_json_list (root, "parts");
  for (size_t i = 0; i < model->part_count; i++) {
    adze_value *part = adze_json_table (parts, NULL);
    adze_json_string (part, "id", model->parts[i].id);
    adze_json_int (part, "bytes", (int64_t)model->parts[i].size);
  }
}

static adze_error *
totals_json (const show *view, adze_value *root)
{
  ADZE_AUTO_FREE type_total *totals = NULL;
  size_t count;
  ADZE_TRY (count_types (view, &totals, &count));
  adze_value *table = adze_json_table (root, "totals");
  adze_json_int (table, "tensors", (int64_t)view->tensors);
  adze_json_int (table, "elements", (int64_t)view->elements);
  adze_json_int (table, "bytes", (int64_t)view->bytes);
  adze_value *types = adze_json_table (table, "types");
  for (size_t i = 0; i < count; i++) {
    adze_value *type = adze_json_table (types, totals[i].word);
    adze_json_int (type, "tensors", (int64_t)totals[i].tensors);
    adze_json_int (type, "elements", (int64_t)totals[i].elements);
    adze_json_int (type, "bytes", (int64_t)totals[i].bytes);
  }
  return NULL;
}

enum { INDENT = 2 };

static adze_error *
write_entries (const adze_value *root, bool first, adze_buffer *into)
{
  if (adze_json_failed (root))
    return adze_error_memory ();
  for (size_t i = 0; i < root->count; i++)
    adze_json_write_entry (root->items[i], INDENT, 1, first && i == 0, into);
  return NULL;
}

/* One at a time: the tree of a million would take gigabytes. */
static adze_error *
write_tensors_json (const show *view, adze_buffer *into)
{
  adze_buffer_text (into, ",\n  \"tensors\": [");
  for (size_t i = 0, shown = 0; i < view->model->count; i++) {
    if (!chosen (view, i))
      continue;
    ADZE_AUTO_VALUE holder = adze_value_new (ADZE_VALUE_LIST);
    ADZE_TRY (tensor_json (view, &view->model->tensors[i], holder));
    if (adze_json_failed (holder))
      return adze_error_memory ();
    adze_json_write_entry (holder->items[0], INDENT, 2, shown++ == 0, into);
  }
  adze_buffer_text (into, view->tensors > 0 ? "\n  ]" : "]");
  return NULL;
}

static adze_error *
show_json (const show *view, char **text)
{
  const adze_model *model = view->model;
  ADZE_AUTO_VALUE before = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO_VALUE behind = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO (adze_buffer) into = { 0 };
  adze_json_string (before, "path", model->path);
  adze_json_string (before, "format", model->format);
  files_json (model, before);
  ADZE_TRY (adze_look_metadata_json (&model->metadata, before, "metadata"));
  ADZE_TRY (totals_json (view, behind));
  adze_buffer_text (&into, "{");
  ADZE_TRY (write_entries (before, true, &into));
  ADZE_TRY (write_tensors_json (view, &into));
  ADZE_TRY (write_entries (behind, false, &into));
  adze_buffer_text (&into, "\n}\n");
  return adze_buffer_finish (&into, text);
}

/* ---- As text. */

static void
write_heading (const show *view, adze_buffer *into)
{
  const adze_model *model = view->model;
  char bytes[ADZE_GROUPED_TEXT];
  uint64_t size = 0;
  for (size_t i = 0; i < model->file_count; i++)
    size += model->files[i].identity.size;
  adze_buffer_safe (into, model->path, strlen (model->path));
  adze_buffer_format (into, ": %s, ", model->format);
  if (model->file_count != 1)
    adze_buffer_format (into, "%zu files, ", model->file_count);
  adze_buffer_format (into, "%s\n", adze_bytes_text (size, bytes));
}

static void
write_metadata (const adze_model *model, adze_buffer *into)
{
  ADZE_AUTO (adze_columns) columns = { .count = 2, .right = "ll" };
  if (model->metadata.count == 0)
    return;
  adze_columns_add (&columns, "METADATA");
  adze_columns_add (&columns, "VALUE");
  for (size_t i = 0; i < model->metadata.count; i++) {
    ADZE_AUTO (adze_buffer) value = { 0 };
    adze_look_value (&model->metadata.entries[i].value, &value);
    columns.failed = columns.failed || value.failed;
    adze_columns_add (&columns, model->metadata.entries[i].key);
    adze_columns_add (&columns, value.data);
  }
  adze_buffer_text (into, "\n");
  adze_columns_write (&columns, 0, into);
}

static void
write_parts (const adze_model *model, adze_buffer *into)
{
  ADZE_AUTO (adze_columns) columns = { .count = 2, .right = "lr" };
  char bytes[ADZE_GROUPED_TEXT];
  if (model->part_count == 0)
    return;
  adze_columns_add (&columns, "PART");
  adze_columns_add (&columns, "BYTES");
  for (size_t i = 0; i < model->part_count; i++) {
    adze_columns_add (&columns, model->parts[i].id);
    adze_columns_add (&columns, adze_grouped (model->parts[i].size, bytes));
  }
  adze_buffer_text (into, "\n");
  adze_columns_write (&columns, 0, into);
}

enum { STATS_COLUMNS = 8 };
static const char *const heads[]
    = { "TENSOR", "TYPE", "SHAPE", "BYTES", "TRAITS", "MIN", "MAX", "MEAN", "ZEROS", "NAN",
        "INFINITE", "HISTOGRAM", "REMARK" };

static void
add_stats_cells (const adze_tensor_stats *stats, adze_columns *columns)
{
  char text[ADZE_NUMBER_TEXT], bins[ADZE_SPARKLINE_TEXT];
  const double numbers[] = { stats->min, stats->max, stats->mean };
  for (size_t i = 0; i < ADZE_COUNT_OF (numbers); i++)
    adze_columns_add (columns, stats->finite ? adze_look_number (numbers[i], text) : NULL);
  adze_columns_add (columns, adze_grouped (stats->zeros, text));
  adze_columns_add (columns, stats->nans ? adze_grouped (stats->nans, text) : NULL);
  adze_columns_add (columns, stats->infinities ? adze_grouped (stats->infinities, text) : NULL);
  adze_columns_add (columns, adze_sparkline (stats->bins, bins));
  adze_columns_add (columns, NULL);
}

static adze_error *
add_stats (const show *view, const adze_model_tensor *tensor, adze_columns *columns)
{
  adze_tensor_stats stats;
  bool decodes = adze_decodes (&tensor->meta);
  if (view->options->stats && decodes) {
    ADZE_TRY (adze_stats_read (view->runtime->pool, view->model, tensor, &stats));
    add_stats_cells (&stats, columns);
    return NULL;
  }
  for (size_t i = 1; i < STATS_COLUMNS; i++)
    adze_columns_add (columns, NULL);
  ADZE_AUTO_FREE char *remark = NULL;
  if (view->options->stats) {
    remark = adze_text_format ("%s is not decoded", adze_meta_type_word (&tensor->meta));
    if (!remark)
      return adze_error_memory ();
  }
  adze_columns_add (columns, remark);
  return NULL;
}

static adze_error *
write_tensors (const show *view, adze_buffer *into)
{
  ADZE_AUTO (adze_columns) columns = { .count = ADZE_COUNT_OF (heads), .right = "lllrlrrrrrrll" };
  for (size_t i = 0; i < ADZE_COUNT_OF (heads); i++)
    adze_columns_add (&columns, heads[i]);
  for (size_t i = 0; i < view->model->count; i++) {
    const adze_model_tensor *tensor = &view->model->tensors[i];
    ADZE_AUTO (adze_buffer) shape = { 0 }, traits = { 0 };
    char bytes[ADZE_GROUPED_TEXT];
    if (!chosen (view, i))
      continue;
    adze_shape_text (tensor->meta.rank, tensor->meta.shape, &shape);
    adze_look_traits (tensor, &traits);
    adze_columns_add (&columns, tensor->meta.name);
    adze_columns_add (&columns, adze_meta_type_word (&tensor->meta));
    adze_columns_add (&columns, shape.data);
    adze_columns_add (&columns, adze_grouped (tensor->meta.byte_size, bytes));
    adze_columns_add (&columns, traits.data);
    ADZE_TRY (add_stats (view, tensor, &columns));
  }
  adze_buffer_text (into, "\n");
  adze_columns_write (&columns, 0, into);
  return NULL;
}

static adze_error *
write_totals (const show *view, adze_buffer *into)
{
  ADZE_AUTO_FREE type_total *totals = NULL;
  size_t count;
  char tensors[ADZE_GROUPED_TEXT], elements[ADZE_GROUPED_TEXT], bytes[ADZE_GROUPED_TEXT];
  ADZE_TRY (count_types (view, &totals, &count));
  adze_buffer_format (into, "\n%s tensor%s", adze_grouped (view->tensors, tensors),
                      view->tensors == 1 ? "" : "s");
  if (view->pattern)
    adze_buffer_format (into, " of %zu", view->model->count);
  adze_buffer_format (into, ", %s element%s, %s", adze_grouped (view->elements, elements),
                      view->elements == 1 ? "" : "s", adze_bytes_text (view->bytes, bytes));
  for (size_t i = 0; i < count; i++) {
    adze_buffer_text (into, i ? ", " : ": ");
    adze_buffer_safe (into, totals[i].word, strlen (totals[i].word));
    adze_buffer_format (into, " %s", adze_bytes_text (totals[i].bytes, bytes));
  }
  adze_buffer_text (into, "\n");
  return NULL;
}

static adze_error *
show_text (const show *view, char **text)
{
  ADZE_AUTO (adze_buffer) into = { 0 };
  write_heading (view, &into);
  write_metadata (view->model, &into);
  write_parts (view->model, &into);
  if (view->tensors > 0)
    ADZE_TRY (write_tensors (view, &into));
  ADZE_TRY (write_totals (view, &into));
  return adze_buffer_finish (&into, text);
}

adze_error *
adze_model_show (adze_runtime *runtime, const char *path, const adze_show_options *given,
                 char **text)
{
  adze_show_options options;
  ADZE_AUTO_MODEL model = NULL;
  ADZE_AUTO_PATTERN pattern = NULL;
  *text = NULL;
  ADZE_TRY (adze_options_copy ("adze_show_options", given, &options, sizeof options));
  ADZE_TRY (adze_look_pattern (options.match, &pattern));
  ADZE_TRY (adze_look_open (runtime, path, &options, &model));
  show view = { .runtime = runtime, .model = model, .options = &options, .pattern = pattern };
  ADZE_TRY (add_up (&view));
  return options.json ? show_json (&view, text) : show_text (&view, text);
}
