/* SPDX-License-Identifier: Apache-2.0 */
/* A host in memory for sources, for their tests and fuzzers: files that are bytes, parameters from
 * the component's own table, allocations and reads that fail when their turn has come. Whoever
 * includes it has included the plugin's sources, and so its `component` and `params`, before. */
#ifndef TESTS_UNIT_SOURCE_HOST_H
#define TESTS_UNIT_SOURCE_HOST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct adze_file {
  const char *path;
  const uint8_t *data;
  size_t size;
};

/* Values in the order of the table, or the entries of a list. */
typedef struct own_value {
  char name[32];
  bool truth;
  int64_t number;
  char *text;
  adze_params *list;
} own_value;

struct adze_params {
  size_t count;
  own_value values[16];
};

typedef struct own_column {
  char *name;
  adze_column face;
  int64_t shape[ADZE_RANK_MAX];
  size_t size; /* bytes of an example */
} own_column;

struct adze_schema {
  own_column *columns;
  size_t count;
  uint64_t examples;
  bool counted;
};

struct adze_batch {
  size_t count;
  void **rooms;     /* by column */
  adze_text **texts; /* likewise */
};

static struct {
  adze_file files[4];
  size_t file_count;
  size_t allocations, reads, live;
  size_t failing_allocation, failing_read; /* the first is number 1; 0: none */
  char reason[4096];
  adze_params params;
  adze_schema schema;
  adze_batch batch;
  void *instance;
} own;

static void *
checked (void *memory)
{
  if (!memory)
    abort ();
  return memory;
}

static void
insist (bool holds)
{
  if (!holds)
    abort ();
}

/* ---- The table. */

static void *
own_allocate (const adze_host *host, size_t size)
{
  (void)host;
  if (++own.allocations == own.failing_allocation || size > (size_t)1 << 32)
    return NULL;
  own.live++;
  return checked (calloc (1, size ? size : 1));
}

static void
own_release (const adze_host *host, void *memory)
{
  (void)host;
  own.live -= memory != NULL;
  free (memory);
}

static void
own_push (const adze_host *host, adze_status status, const char *message)
{
  (void)host;
  (void)status;
  size_t used = strlen (own.reason);
  snprintf (own.reason + used, sizeof own.reason - used, "%s\n", message);
}

/* ---- Files. */

static adze_status
own_open_file (const adze_host *host, const char *path, adze_file **file)
{
  for (size_t i = 0; i < own.file_count; i++)
    if (strcmp (own.files[i].path, path) == 0) {
      *file = &own.files[i];
      return ADZE_OK;
    }
  return adze_fail (host, ADZE_E_NOT_FOUND, "there is no %s", path);
}

static uint64_t
own_size (const adze_host *host, const adze_file *file)
{
  (void)host;
  return file->size;
}

static const char *
own_name (const adze_host *host, const adze_file *file)
{
  (void)host;
  return file->path;
}

static adze_status
own_read_file (const adze_host *host, adze_file *file, uint64_t offset, void *buffer, size_t size)
{
  if (++own.reads == own.failing_read)
    return adze_fail (host, ADZE_E_IO, "the disk fails");
  if (offset > file->size || size > file->size - offset)
    return adze_fail (host, ADZE_E_FORMAT, "%s ends early", file->path);
  if (size > 0)
    memcpy (buffer, file->data + offset, size);
  return ADZE_OK;
}

/* ---- Parameters. */

static const own_value *
own_find (const adze_params *values, const char *name)
{
  for (size_t i = 0; i < values->count; i++)
    if (strcmp (values->values[i].name, name) == 0)
      return &values->values[i];
  abort ();
}

static bool
own_get_bool (const adze_params *values, const char *name)
{
  return own_find (values, name)->truth;
}

static int64_t
own_get_int (const adze_params *values, const char *name)
{
  return own_find (values, name)->number;
}

static const char *
own_get_string (const adze_params *values, const char *name)
{
  return own_find (values, name)->text;
}

static const adze_params *
own_get_nested (const adze_params *values, const char *name)
{
  return own_find (values, name)->list;
}

static size_t
own_count (const adze_params *values)
{
  return values->count;
}

static const char *
own_name_at (const adze_params *values, size_t index)
{
  return index < values->count ? values->values[index].name : NULL;
}

/* ["a", "b"], without escapes. */
static adze_params *
own_list (const char *text)
{
  adze_params *list = checked (calloc (1, sizeof *list));
  for (const char *at = text; (at = strchr (at, '"'));) {
    const char *end = strchr (++at, '"');
    insist (end && list->count < 16);
    own_value *value = &list->values[list->count];
    snprintf (value->name, sizeof value->name, "%zu", list->count++);
    value->text = checked (strndup (at, (size_t)(end - at)));
    at = end + 1;
  }
  return list;
}

static void
own_set_value (own_value *value, const adze_param *param, const char *text)
{
  free (value->text);
  value->text = checked (strdup (text));
  value->truth = strcmp (text, "true") == 0;
  value->number = strtoll (text, NULL, 10);
  if (param->type == ADZE_PARAM_LIST)
    value->list = own_list (text);
}

static void
own_forget (adze_params *values)
{
  for (size_t i = 0; i < values->count; i++) {
    free (values->values[i].text);
    if (values->values[i].list)
      own_forget (values->values[i].list);
    free (values->values[i].list);
  }
  values->count = 0;
}

/* Presets, or for what has none its own name, then SETTINGS: "name=value" one behind the other, a NUL
 * behind each and two at the end. NULL: none. */
static void
own_parameters (const char *settings)
{
  adze_params *values = &own.params;
  own_forget (values);
  memset (values, 0, sizeof *values);
  for (const adze_param *param = params; param->name; param++) {
    own_value *value = &values->values[values->count++];
    snprintf (value->name, sizeof value->name, "%s", param->name);
    const char *text = param->preset ? param->preset : param->name;
    for (const char *at = settings; at && *at; at += strlen (at) + 1)
      if (strncmp (at, param->name, strlen (param->name)) == 0 && at[strlen (param->name)] == '=')
        text = at + strlen (param->name) + 1;
    own_set_value (value, param, text);
  }
}

/* ---- Schema and batch. */

static adze_status
own_column_told (const adze_host *host, adze_schema *schema, const adze_column *told)
{
  (void)host;
  insist (schema == &own.schema && told->name && told->name[0]);
  schema->columns
      = checked (realloc (schema->columns, (schema->count + 1) * sizeof *schema->columns));
  own_column *column = &schema->columns[schema->count++];
  *column = (own_column){ .name = checked (strdup (told->name)), .face = *told };
  column->face.name = column->name;
  if (told->is_text)
    return ADZE_OK;
  insist (told->rank >= 0 && told->rank <= ADZE_RANK_MAX);
  column->size = (size_t)told->dtype.bits / 8 * told->dtype.lanes;
  insist (column->size > 0);
  for (int32_t i = 0; i < told->rank; i++) {
    column->shape[i] = told->shape[i];
    insist (told->shape[i] > 0
            && !__builtin_mul_overflow (column->size, (size_t)told->shape[i], &column->size));
  }
  return ADZE_OK;
}

static adze_status
own_count_told (const adze_host *host, adze_schema *schema, uint64_t examples)
{
  (void)host;
  insist (schema == &own.schema && !schema->counted && examples > 0);
  schema->counted = true;
  schema->examples = examples;
  return ADZE_OK;
}

static void *
own_room (const adze_host *host, adze_batch *batch, size_t column)
{
  (void)host;
  insist (batch == &own.batch && column < own.schema.count
          && !own.schema.columns[column].face.is_text);
  if (!batch->rooms[column])
    batch->rooms[column]
        = checked (calloc (batch->count, own.schema.columns[column].size));
  return batch->rooms[column];
}

static adze_status
own_text (const adze_host *host, adze_batch *batch, size_t column, size_t index, adze_text text)
{
  (void)host;
  insist (batch == &own.batch && column < own.schema.count && index < batch->count
          && own.schema.columns[column].face.is_text);
  adze_text *kept = &batch->texts[column][index];
  insist (!kept->data && (text.data || text.size == 0));
  char *copy = checked (malloc ((size_t)text.size + 1));
  if (text.size > 0)
    memcpy (copy, text.data, (size_t)text.size);
  copy[text.size] = '\0';
  *kept = (adze_text){ copy, text.size };
  return ADZE_OK;
}

static const void *
own_service (const adze_host *host, const char *id)
{
  static const adze_error_service error = { sizeof error, own_push };
  static const adze_params_service values
      = { .struct_size = offsetof (adze_params_service, is_given), .get_bool = own_get_bool,
          .get_int = own_get_int, .get_string = own_get_string, .get_nested = own_get_nested,
          .count = own_count, .name_at = own_name_at };
  static const adze_file_service file
      = { sizeof file, own_open_file, NULL, own_size, own_name, own_read_file };
  static const adze_schema_service schema = { sizeof schema, own_column_told, own_count_told };
  static const adze_batch_service batch = { sizeof batch, own_room, own_text };
  static const struct {
    const char *id;
    const void *table;
  } tables[] = { { ADZE_ERROR, &error },   { ADZE_PARAMS, &values }, { ADZE_FILE, &file },
                 { ADZE_SCHEMA, &schema }, { ADZE_BATCH, &batch } };
  (void)host;
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
    if (strcmp (tables[i].id, id) == 0)
      return tables[i].table;
  return NULL;
}

static const adze_host own_host = {
  .struct_size = sizeof own_host,
  .abi_major = ADZE_ABI_MAJOR,
  .abi_minor = ADZE_ABI_MINOR,
  .name = "own",
  .version = "0",
  .service = own_service,
  .allocate = own_allocate,
  .release = own_release,
};

/* ---- What tests do. */

static const adze_source *
own_source (void)
{
  return (const adze_source *)component.callbacks;
}

/* The file that the parameter PARAM names unless told otherwise. */
static void
own_file (const char *param, const void *data, size_t size)
{
  insist (own.file_count < 4);
  own.files[own.file_count++] = (adze_file){ param, data, size };
}

static void
own_end_batch (void)
{
  for (size_t i = 0; own.batch.rooms && i < own.schema.count; i++) {
    free (own.batch.rooms[i]);
    for (size_t k = 0; own.batch.texts[i] && k < own.batch.count; k++)
      free ((char *)own.batch.texts[i][k].data);
    free (own.batch.texts[i]);
  }
  free (own.batch.rooms);
  free (own.batch.texts);
  own.batch = (adze_batch){ 0 };
}

/* Closes what is open, and forgets all but the files. */
static void
own_end (void)
{
  own_end_batch ();
  if (own.instance)
    own_source ()->close (&own_host, own.instance);
  own.instance = NULL;
  for (size_t i = 0; i < own.schema.count; i++)
    free (own.schema.columns[i].name);
  free (own.schema.columns);
  own.schema = (adze_schema){ 0 };
  own_forget (&own.params);
  own.allocations = own.reads = 0;
  own.reason[0] = '\0';
  insist (own.live == 0);
}

static adze_status
own_open (const char *settings)
{
  own_end ();
  own_parameters (settings);
  adze_status status
      = own_source ()->open (&own_host, &own.params, &own.schema, &own.instance);
  insist ((status == ADZE_OK) == (own.instance != NULL));
  insist (status == ADZE_OK ? own.schema.counted && own.schema.count > 0 : own.reason[0] != '\0');
  return status;
}

static adze_status
own_read (const uint64_t *examples, size_t count)
{
  own_end_batch ();
  own.batch.count = count;
  own.batch.rooms = checked (calloc (own.schema.count, sizeof *own.batch.rooms));
  own.batch.texts = checked (calloc (own.schema.count, sizeof *own.batch.texts));
  for (size_t i = 0; i < own.schema.count; i++)
    if (own.schema.columns[i].face.is_text)
      own.batch.texts[i] = checked (calloc (count, sizeof **own.batch.texts));
  adze_status status
      = own_source ()->read (&own_host, own.instance, examples, count, &own.batch);
  insist (status == ADZE_OK || own.reason[0]);
  for (size_t i = 0; status == ADZE_OK && i < own.schema.count; i++) {
    insist (own.schema.columns[i].face.is_text || own.batch.rooms[i]);
    for (size_t k = 0; own.batch.texts[i] && k < count; k++)
      insist (own.batch.texts[i][k].data);
  }
  return status;
}

/* The last example, the first, and the first again: in another order than the file's. */
static adze_status
own_read_some (void)
{
  const uint64_t examples[] = { own.schema.examples - 1, 0, 0 };
  return own_read (examples, own.schema.examples > 1 ? 3 : 1);
}

/* What a fuzzer does with one input, the files being set. */
static inline void
own_try (const char *settings)
{
  if (own_open (settings) == ADZE_OK)
    (void)own_read_some ();
  own_end ();
}

/* Opens and reads once for each allocation and each read that there is, and lets that one fail. */
static inline void
own_try_failures (const char *settings)
{
  own.failing_allocation = own.failing_read = 0;
  insist (own_open (settings) == ADZE_OK && own_read_some () == ADZE_OK);
  size_t allocations = own.allocations, reads = own.reads;
  for (size_t i = 1; i <= allocations + reads; i++) {
    own.failing_allocation = i <= allocations ? i : 0;
    own.failing_read = i <= allocations ? 0 : i - allocations;
    adze_status status = own_open (settings);
    if (status == ADZE_OK)
      status = own_read_some ();
    insist (status == (i <= allocations ? ADZE_E_MEMORY : ADZE_E_IO) && own.reason[0]);
  }
  own.failing_allocation = own.failing_read = 0;
  own_end ();
}

#endif
