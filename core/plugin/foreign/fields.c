/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/fields.c: fields of the tables of a [foreign] manifest, one sort at a time. */
#include <string.h>

#include "plugin/foreign/table.h"

adze_error *
adze_foreign_names (const adze_foreign_fields *fields, const char *const *names, size_t count)
{
  if (fields->table->type != ADZE_VALUE_TABLE)
    return adze_document_error (fields->document, fields->table, "expected a table, found %s",
                                adze_value_type_name (fields->table->type));
  for (size_t i = 0; i < fields->table->count; i++) {
    const adze_value *value = fields->table->items[i];
    size_t n = 0;
    while (n < count && strcmp (names[n], value->key) != 0)
      n++;
    if (n < count)
      continue;
    const char *nearest = adze_nearest (value->key, names, count);
    if (nearest)
      return adze_document_key_error (fields->document, value,
                                      "unknown key '%s'; did you mean '%s'?", value->key, nearest);
    return adze_document_key_error (fields->document, value, "unknown key '%s'", value->key);
  }
  return NULL;
}

static adze_error *
field_missing (const adze_foreign_fields *fields, const char *key)
{
  return adze_document_error (fields->document, fields->table, "'%s' is missing", key);
}

static adze_error *
field_wrong (const adze_foreign_fields *fields, const adze_value *value, const char *wanted)
{
  return adze_document_error (fields->document, value, "'%s' must be %s, found %s", value->key,
                              wanted, adze_value_type_name (value->type));
}

adze_error *
adze_foreign_text (const adze_foreign_fields *fields, const char *key, bool mandatory,
                   const char **text)
{
  const adze_value *value = adze_value_get (fields->table, key);
  *text = NULL;
  if (!value)
    return mandatory ? field_missing (fields, key) : NULL;
  if (value->type != ADZE_VALUE_STRING)
    return field_wrong (fields, value, "a string");
  /* A NUL would hide the rest from dlopen and dlsym. */
  if (value->string_size == 0 || strlen (value->string) != value->string_size)
    return adze_document_error (fields->document, value,
                                "'%s' must not be empty, nor hold a NUL character", key);
  *text = value->string;
  return NULL;
}

adze_error *
adze_foreign_integer (const adze_foreign_fields *fields, const char *key, bool mandatory,
                      int64_t low, int64_t high, int64_t *number)
{
  const adze_value *value = adze_value_get (fields->table, key);
  if (!value)
    return mandatory ? field_missing (fields, key) : NULL;
  if (value->type != ADZE_VALUE_INT)
    return field_wrong (fields, value, "an integer");
  if (value->integer < low || value->integer > high)
    return adze_document_error (fields->document, value,
                                "'%s' is %lld, and must lie in [%lld, %lld]", key,
                                (long long)value->integer, (long long)low, (long long)high);
  *number = value->integer;
  return NULL;
}

adze_error *
adze_foreign_real (const adze_foreign_fields *fields, const char *key, double *number)
{
  const adze_value *value = adze_value_get (fields->table, key);
  if (!value)
    return field_missing (fields, key);
  if (value->type == ADZE_VALUE_INT)
    *number = (double)value->integer;
  else if (value->type == ADZE_VALUE_FLOAT)
    *number = value->real;
  else
    return field_wrong (fields, value, "a number");
  return NULL;
}

adze_error *
adze_foreign_tables (const adze_foreign_fields *fields, const char *key, size_t most,
                     const adze_value **list)
{
  const adze_value *value = adze_value_get (fields->table, key);
  if (!value)
    return field_missing (fields, key);
  if (value->type != ADZE_VALUE_LIST)
    return field_wrong (fields, value, "a list of tables");
  if (value->count == 0 || value->count > most)
    return adze_document_error (fields->document, value,
                                "'%s' has %zu entries, and must have 1 to %zu", key, value->count,
                                most);
  for (size_t i = 0; i < value->count; i++)
    if (value->items[i]->type != ADZE_VALUE_TABLE)
      return adze_document_error (fields->document, value->items[i],
                                  "entry %zu of '%s' must be a table, found %s", i + 1, key,
                                  adze_value_type_name (value->items[i]->type));
  *list = value;
  return NULL;
}
