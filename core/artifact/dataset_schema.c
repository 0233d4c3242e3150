/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/dataset_schema.c: adze.schema/1. What a source says comes from a file that anybody may
 * have written, so nothing of it is believed. */
#include "artifact/dataset_parts.h"

#include <inttypes.h>
#include <string.h>

/* One example of a column takes at most so much: a batch of a few has to fit into memory. */
#define EXAMPLE_BYTES_MOST ((uint64_t)1 << 40)

static adze_dataset *
dataset_in (const adze_host *host, const adze_schema *schema, const char *function)
{
  adze_desk *desk = adze_desk_of (host);
  if (!adze_desk_inside (desk, function))
    return NULL;
  adze_dataset *dataset = adze_desk_own (desk);
  if (schema && dataset->now_schema == schema)
    return dataset;
  adze_desk_broken ("it called %s with a schema that is not this callback's", function);
  return NULL;
}

static bool
make_room (adze_schema *schema)
{
  if (schema->count < schema->capacity)
    return true;
  size_t capacity = schema->capacity ? 2 * schema->capacity : 8;
  void *columns = reallocarray (schema->columns, capacity, sizeof *schema->columns);
  if (columns)
    schema->columns = columns;
  void *faces = reallocarray (schema->faces, capacity, sizeof *schema->faces);
  if (faces)
    schema->faces = faces;
  void *sizes = reallocarray (schema->sizes, capacity, sizeof *schema->sizes);
  if (sizes)
    schema->sizes = sizes;
  if (!columns || !faces || !sizes)
    return false;
  schema->capacity = capacity;
  return true;
}

/* Of a text only the name counts. */
static adze_error *
measure (const adze_column *column, adze_tensor_meta *meta, size_t *size)
{
  *meta = (adze_tensor_meta){ .struct_size = sizeof *meta, .name = column->name };
  *size = 0;
  if (column->is_text)
    return NULL;
  meta->dtype = column->dtype;
  meta->rank = column->rank;
  meta->shape = column->shape;
  if (!adze_dtype_name (column->dtype) || column->dtype.bits % 8 != 0)
    return adze_error_new (ADZE_E_FORMAT,
                           "the column '%.64s' has elements of %d bits in %d lanes with the code %d, "
                           "which is no type of whole bytes that has a name",
                           column->name, column->dtype.bits, column->dtype.lanes,
                           column->dtype.code);
  uint64_t elements, bytes;
  adze_error *error = adze_tensor_meta_size (meta, &elements, &bytes);
  if (error)
    return adze_error_wrap (error, "the column '%.64s' cannot be", column->name);
  if (bytes == 0 || bytes > EXAMPLE_BYTES_MOST)
    return adze_error_new (ADZE_E_FORMAT,
                           "one example of the column '%.64s' takes %" PRIu64
                           " bytes; needed are 1 to %" PRIu64,
                           column->name, bytes, EXAMPLE_BYTES_MOST);
  meta->byte_size = bytes;
  *size = (size_t)bytes;
  return NULL;
}

static adze_error *
add_column (adze_schema *schema, const adze_column *column)
{
  adze_tensor_meta meta;
  size_t size;
  if (schema->count == ADZE_COLUMN_MAX)
    return adze_error_new (ADZE_E_LIMIT, "more than %d columns", ADZE_COLUMN_MAX);
  ADZE_TRY (measure (column, &meta, &size));
  adze_tensor_meta *kept = make_room (schema) ? adze_tensor_meta_copy (&meta) : NULL;
  if (!kept)
    return adze_error_memory ();
  schema->columns[schema->count] = kept;
  schema->sizes[schema->count] = size;
  schema->faces[schema->count++] = (adze_column){ .name = kept->name,
                                                  .is_text = column->is_text != 0,
                                                  .rank = kept->rank,
                                                  .dtype = kept->dtype,
                                                  .shape = kept->shape };
  return NULL;
}

static adze_status
schema_column (const adze_host *host, adze_schema *schema, const adze_column *column)
{
  adze_dataset *dataset = dataset_in (host, schema, ADZE_SCHEMA " column");
  if (!dataset)
    return ADZE_E_CONTRACT;
  if (!column || !column->name || !column->name[0]) {
    adze_desk_broken ("it told of a column without a name");
    return ADZE_E_CONTRACT;
  }
  adze_error *error = add_column (schema, column);
  return error ? adze_desk_fail (dataset->desk, error) : ADZE_OK;
}

static adze_status
schema_count (const adze_host *host, adze_schema *schema, uint64_t examples)
{
  if (!dataset_in (host, schema, ADZE_SCHEMA " count"))
    return ADZE_E_CONTRACT;
  if (schema->counted) {
    adze_desk_broken ("it said for the second time how many examples there are");
    return ADZE_E_CONTRACT;
  }
  schema->counted = true;
  schema->examples = examples;
  return ADZE_OK;
}

const adze_schema_service adze_schemas
    = { .struct_size = sizeof adze_schemas, .column = schema_column, .count = schema_count };

/* ---- At the end. */

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static adze_error *
check_names (const adze_schema *schema, const char *source)
{
  ADZE_AUTO_FREE const char **names = calloc (schema->count + 1, sizeof *names);
  if (!names)
    return adze_error_memory ();
  for (size_t i = 0; i < schema->count; i++)
    names[i] = schema->faces[i].name;
  qsort (names, schema->count, sizeof *names, compare_names);
  for (size_t i = 1; i < schema->count; i++)
    if (strcmp (names[i - 1], names[i]) == 0)
      return adze_error_new (ADZE_E_FORMAT, "'%s' gives two columns of the name '%.64s'", source,
                             names[i]);
  return NULL;
}

adze_error *
adze_schema_finish (adze_schema *schema, const char *source)
{
  if (!schema->counted)
    return adze_error_new (ADZE_E_CONTRACT, "open of '%s' did not say how many examples there are",
                           source);
  if (schema->count == 0)
    return adze_error_new (ADZE_E_CONTRACT, "open of '%s' told of no columns", source);
  if (schema->examples == 0)
    return adze_error_new (ADZE_E_FORMAT, "'%s' finds no examples; needed is at least one", source);
  return check_names (schema, source);
}

void
adze_schema_cleanup (adze_schema *schema)
{
  for (size_t i = 0; i < schema->count; i++)
    free (schema->columns[i]);
  free (schema->columns);
  free (schema->faces);
  free (schema->sizes);
  *schema = (adze_schema){ 0 };
}
