/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/data_show.c: adze_data_show of adze/host.h. */
#include <inttypes.h>
#include <string.h>

#include "artifact/data_values.h"
#include "artifact/dataset.h"
#include "artifact/meta.h"
#include "base/json.h"

/* Of a text, and of a list of numbers, a line for people shows so much. */
enum { TEXT_SHOWN = 60, NUMBERS_SHOWN = 6 };

/* ---- Opening. */

static adze_error *
copy_options (const adze_data_options *given, adze_data_options *own)
{
  *own = (adze_data_options)ADZE_DATA_OPTIONS_INIT;
  if (!given)
    return NULL;
  if (given->struct_size < sizeof given->struct_size || given->struct_size > ADZE_STRUCT_SIZE_MAX)
    return adze_error_new (ADZE_E_PARAM,
                           "adze_data_options.struct_size is %zu; begin with "
                           "ADZE_DATA_OPTIONS_INIT",
                           given->struct_size);
  memcpy (own, given, given->struct_size < sizeof *own ? given->struct_size : sizeof *own);
  return NULL;
}

static adze_error *
find_for_params (void *context, const char *kind, const char *id,
                 const adze_manifest_component **component)
{
  adze_plugin_record *record;
  ADZE_TRY (adze_find_component (context, id, &record, component));
  if (strcmp ((*component)->kind, kind) != 0)
    return adze_error_new (ADZE_E_PARAM, "'%s' is of kind %s; one of kind %s is needed", id,
                           (*component)->kind, kind);
  return NULL;
}

static adze_error *
open_dataset (adze_runtime *runtime, const char *source, const char *const *settings,
              adze_dataset **dataset)
{
  static const char *const none[] = { NULL };
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_PARAMS params = NULL;
  ADZE_TRY (adze_find_component (runtime, source, &record, &component));
  if (strcmp (component->kind, ADZE_SOURCE) == 0) {
    ADZE_TRY (adze_settings_parse (component, settings ? settings : none, &document));
    ADZE_TRY (adze_params_bind (component, &document, document.root, NULL, NULL, find_for_params,
                                runtime, &params));
  }
  return adze_dataset_open (runtime, component->id, adze_take (&params), NULL, dataset);
}

/* ---- As JSON. */

static void
put_columns (const adze_dataset *dataset, adze_value *into)
{
  for (size_t i = 0; i < adze_dataset_columns (dataset); i++) {
    const adze_column *column = adze_dataset_column (dataset, i);
    adze_value *entry = adze_json_table (into, NULL);
    adze_json_string (entry, "name", column->name);
    adze_json_string (entry, "type", column->is_text ? "text" : adze_dtype_name (column->dtype));
    adze_value *shape = column->is_text ? NULL : adze_json_list (entry, "shape");
    for (int32_t k = 0; k < column->rank; k++)
      adze_json_int (shape, NULL, column->shape[k]);
  }
}

/* The example that was read, as a table of its columns. */
static adze_error *
example_value (const adze_dataset *dataset, adze_value **example)
{
  ADZE_AUTO_VALUE table = adze_value_new (ADZE_VALUE_TABLE);
  for (size_t i = 0; table && i < adze_dataset_columns (dataset); i++) {
    const adze_column *column = adze_dataset_column (dataset, i);
    adze_value *value = adze_example_value (column, adze_dataset_column_size (dataset, i),
                                            adze_dataset_values (dataset, i), 0);
    if (!value)
      return adze_error_memory ();
    ADZE_TRY (adze_value_append (table, column->name, value));
  }
  *example = adze_take (&table);
  return *example ? NULL : adze_error_memory ();
}

static adze_error *
show_json (adze_dataset *dataset, const char *source, uint64_t rows, adze_buffer *into)
{
  ADZE_AUTO_VALUE root = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (root, "source", source);
  adze_json_int (root, "examples", (int64_t)adze_dataset_count (dataset));
  put_columns (dataset, adze_json_list (root, "columns"));
  adze_value *list = adze_json_list (root, "rows");
  for (uint64_t i = 0; list && i < rows; i++) {
    adze_value *example = NULL;
    size_t count;
    ADZE_TRY (adze_dataset_read (dataset, 0, i, 1, &count));
    ADZE_TRY (example_value (dataset, &example));
    ADZE_TRY (adze_value_append (list, NULL, example));
  }
  if (adze_json_failed (root))
    return adze_error_memory ();
  adze_json_write (root, 2, into);
  adze_buffer_text (into, "\n");
  return NULL;
}

/* ---- For people. */

static void
put_column_lines (const adze_dataset *dataset, adze_buffer *into)
{
  for (size_t i = 0; i < adze_dataset_columns (dataset); i++) {
    const adze_column *column = adze_dataset_column (dataset, i);
    adze_buffer_text (into, "  ");
    adze_buffer_quoted (into, column->name, strlen (column->name));
    adze_buffer_format (into, ": %s", column->is_text ? "text" : adze_dtype_name (column->dtype));
    if (column->rank > 0) {
      adze_buffer_text (into, " ");
      adze_shape_text (column->rank, column->shape, into);
    }
    adze_buffer_text (into, "\n");
  }
}

/* The first few elements; the brackets that stay open behind them are closed. */
static void
put_numbers (const adze_column *column, int32_t level, const unsigned char **at, size_t *left,
             adze_buffer *into)
{
  if (level == column->rank) {
    ADZE_AUTO_VALUE value = adze_element_value (column->dtype, *at);
    if (value)
      adze_value_write_toml (value, into);
    else
      into->failed = true;
    *at += (size_t)column->dtype.bits / 8 * column->dtype.lanes;
    *left -= 1;
    return;
  }
  adze_buffer_text (into, "[");
  for (int64_t i = 0; i < column->shape[level]; i++) {
    adze_buffer_text (into, i ? ", " : "");
    if (*left == 0) {
      adze_buffer_text (into, "...");
      break;
    }
    put_numbers (column, level + 1, at, left, into);
  }
  adze_buffer_text (into, "]");
}

/* Cut where it is long, but not in the middle of a character. */
static void
put_text (const adze_text *text, adze_buffer *into)
{
  size_t shown = text->size > TEXT_SHOWN ? TEXT_SHOWN : (size_t)text->size;
  while (shown > 0 && shown < text->size && (text->data[shown] & 0xc0) == 0x80)
    shown--;
  adze_buffer_quoted (into, text->data, shown);
  adze_buffer_text (into, shown < text->size ? "..." : "");
}

/* The example that was read. */
static void
put_example (const adze_dataset *dataset, uint64_t number, adze_buffer *into)
{
  adze_buffer_format (into, "%" PRIu64, number);
  for (size_t i = 0; i < adze_dataset_columns (dataset); i++) {
    const adze_column *column = adze_dataset_column (dataset, i);
    const void *values = adze_dataset_values (dataset, i);
    const unsigned char *at = values;
    size_t left = NUMBERS_SHOWN;
    adze_buffer_text (into, i ? ", " : ": ");
    adze_buffer_quoted (into, column->name, strlen (column->name));
    adze_buffer_text (into, " = ");
    if (column->is_text)
      put_text (values, into);
    else
      put_numbers (column, 0, &at, &left, into);
  }
  adze_buffer_text (into, "\n");
}

static adze_error *
show_text (adze_dataset *dataset, const char *source, uint64_t rows, adze_buffer *into)
{
  uint64_t examples = adze_dataset_count (dataset);
  size_t columns = adze_dataset_columns (dataset);
  adze_buffer_format (into, "%s: %" PRIu64 " example%s, %zu column%s\n", source, examples,
                      examples == 1 ? "" : "s", columns, columns == 1 ? "" : "s");
  put_column_lines (dataset, into);
  if (rows > 0)
    adze_buffer_text (into, "\n");
  for (uint64_t i = 0; i < rows; i++) {
    size_t count;
    ADZE_TRY (adze_dataset_read (dataset, 0, i, 1, &count));
    put_example (dataset, i, into);
  }
  return NULL;
}

/* ---- Either. */

adze_error *
adze_data_show (adze_runtime *runtime, const char *source, const adze_data_options *given,
                char **text)
{
  adze_data_options options;
  adze_dataset *dataset = NULL;
  ADZE_AUTO (adze_buffer) into = { 0 };
  *text = NULL;
  ADZE_TRY (copy_options (given, &options));
  ADZE_LOCKED (runtime);
  ADZE_TRY (open_dataset (runtime, source, options.settings, &dataset));
  uint64_t rows = adze_dataset_count (dataset);
  if (rows > options.rows)
    rows = options.rows;
  adze_error *error = options.json ? show_json (dataset, source, rows, &into)
                                   : show_text (dataset, source, rows, &into);
  adze_dataset_close (dataset);
  return error ? error : adze_buffer_finish (&into, text);
}
