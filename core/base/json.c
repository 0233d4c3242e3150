/* SPDX-License-Identifier: Apache-2.0 */
/* base/json.c: JSON in, through jansson, and out, by ourselves: what jansson writes depends on its
 * own value type, which we would have to fill first. */
#include "base/json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

/* jansson takes about 47 bytes of heap a byte of hostile text. */
#define TEXT_MAX ((size_t)64 << 20)

/* ---- Reading. */

static void
cleanup_json (json_t **json)
{
  json_decref (*json);
}

/* jansson knows no positions but that of a syntax error, so a complaint about a value shows the way
 * to it: "a.b[2]". */
typedef struct place {
  const struct place *parent;
  const char *key; /* NULL: the entry number INDEX of a list */
  size_t index;
} place;

static void
write_place (const place *at, adze_buffer *into)
{
  if (!at)
    return;
  write_place (at->parent, into);
  if (at->key)
    adze_buffer_format (into, "%s%s", at->parent ? "." : "", at->key);
  else
    adze_buffer_format (into, "[%zu]", at->index);
}

static adze_error *
refuse_null (const adze_document *document, const place *at)
{
  ADZE_AUTO (adze_buffer) path = { 0 };
  write_place (at, &path);
  adze_error *error = adze_document_error (document, NULL, "%s is null, which stands for nothing here",
                                           path.data ? path.data : "the whole document");
  adze_error_set (error, "hint", "leave it out");
  return error;
}

static adze_error *convert (const adze_document *document, json_t *json, const place *at,
                            adze_value **value);

static adze_error *
convert_list (const adze_document *document, json_t *json, const place *at, adze_value *list)
{
  size_t index;
  json_t *item;
  json_array_foreach (json, index, item) {
    place here = { .parent = at, .index = index };
    adze_value *entry;
    ADZE_TRY (convert (document, item, &here, &entry));
    ADZE_TRY (adze_value_append (list, NULL, entry));
  }
  return NULL;
}

static adze_error *
convert_table (const adze_document *document, json_t *json, const place *at, adze_value *table)
{
  const char *key;
  json_t *item;
  json_object_foreach (json, key, item) {
    place here = { .parent = at, .key = key };
    adze_value *entry;
    ADZE_TRY (convert (document, item, &here, &entry));
    ADZE_TRY (adze_value_append (table, key, entry));
  }
  return NULL;
}

static adze_value_type
type_of (const json_t *json)
{
  switch (json_typeof (json)) {
  case JSON_OBJECT:
    return ADZE_VALUE_TABLE;
  case JSON_ARRAY:
    return ADZE_VALUE_LIST;
  case JSON_STRING:
    return ADZE_VALUE_STRING;
  case JSON_INTEGER:
    return ADZE_VALUE_INT;
  case JSON_REAL:
    return ADZE_VALUE_FLOAT;
  default:
    return ADZE_VALUE_BOOL;
  }
}

/* Recursion is safe: jansson refuses what is nested deeper than 2048. */
static adze_error *
convert (const adze_document *document, json_t *json, const place *at, adze_value **value)
{
  *value = NULL;
  if (json_is_null (json))
    return refuse_null (document, at);
  ADZE_AUTO_VALUE made = adze_value_new (type_of (json));
  if (!made)
    return adze_error_memory ();
  made->boolean = json_is_true (json);
  made->integer = json_integer_value (json);
  made->real = json_real_value (json);
  if (made->type == ADZE_VALUE_STRING
      && !adze_value_set_text (made, json_string_value (json), json_string_length (json)))
    return adze_error_memory ();
  if (made->type == ADZE_VALUE_LIST)
    ADZE_TRY (convert_list (document, json, at, made));
  if (made->type == ADZE_VALUE_TABLE)
    ADZE_TRY (convert_table (document, json, at, made));
  *value = adze_take (&made);
  return NULL;
}

static adze_error *
syntax_error (const adze_document *document, const json_error_t *error)
{
  /* jansson names the lack of memory at some places only; at most others it says nothing at all. */
  if (error->text[0] == '\0' || json_error_code (error) == json_error_out_of_memory)
    return adze_error_memory ();
  adze_value at = {
    .line = error->line > 0 ? (uint32_t)error->line : 0,
    .column = error->column > 0 ? (uint32_t)error->column : 1,
  };
  return adze_document_error (document, &at, "%s", error->text);
}

adze_error *
adze_json_parse (const char *name, const char *text, size_t size, adze_document *document)
{
  *document = (adze_document){ .path = strdup (name) };
  if (!document->path)
    return adze_error_memory ();
  if (size > TEXT_MAX) {
    adze_error *error = adze_error_new (ADZE_E_LIMIT, "%s: its %zu bytes of JSON are more than %zu",
                                        name, size, TEXT_MAX);
    adze_error_set (error, "file", name);
    return error;
  }
  document->text = malloc (size + 1);
  if (!document->text)
    return adze_error_memory ();
  if (size > 0)
    memcpy (document->text, text, size);
  document->text[size] = '\0';
  json_error_t error;
  const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL;
  __attribute__ ((cleanup (cleanup_json))) json_t *json = json_loadb (document->text, size, flags, &error);
  /* Where memory was lacking, jansson may blame the text for it: a mistake is one the second time, too. */
  if (!json)
    json = json_loadb (document->text, size, flags, &error);
  if (!json)
    return syntax_error (document, &error);
  return convert (document, json, NULL, &document->root);
}

/* ---- Writing. */

static void
write_break (unsigned indent, unsigned level, adze_buffer *into)
{
  if (indent == 0)
    return;
  adze_buffer_text (into, "\n");
  adze_buffer_spaces (into, (size_t)indent * level);
}

static void write_value (const adze_value *value, unsigned indent, unsigned level,
                         adze_buffer *into);

/* So many entries of LIST were written. */
static size_t
write_series (const adze_value *list, unsigned indent, unsigned level, adze_buffer *into)
{
  const adze_value_series *series = list->series;
  size_t written = list->count;
  for (size_t i = 0; series && i < series->count && !into->failed; i++) {
    ADZE_AUTO_VALUE entry = adze_value_new (ADZE_VALUE_TABLE);
    if (entry && !series->fill (series->context, i, entry))
      continue;
    if (adze_json_failed (entry))
      into->failed = true;
    else
      adze_json_write_entry (entry, indent, level, written++ == 0, into);
  }
  return written;
}

static void
write_items (const adze_value *value, unsigned indent, unsigned level, adze_buffer *into)
{
  bool table = value->type == ADZE_VALUE_TABLE;
  adze_buffer_text (into, table ? "{" : "[");
  for (size_t i = 0; i < value->count; i++)
    adze_json_write_entry (value->items[i], indent, level + 1, i == 0, into);
  if (write_series (value, indent, level + 1, into) > 0)
    write_break (indent, level, into);
  adze_buffer_text (into, table ? "}" : "]");
}

static void
write_value (const adze_value *value, unsigned indent, unsigned level, adze_buffer *into)
{
  char number[ADZE_REAL_TEXT];
  switch (value->type) {
  case ADZE_VALUE_BOOL:
    adze_buffer_text (into, value->boolean ? "true" : "false");
    break;
  case ADZE_VALUE_INT:
    adze_buffer_format (into, "%lld", (long long)value->integer);
    break;
  case ADZE_VALUE_FLOAT:
    adze_real_text (value->real, number);
    if (isfinite (value->real))
      adze_buffer_text (into, number);
    else
      adze_buffer_quoted (into, number, strlen (number));
    break;
  case ADZE_VALUE_STRING:
  case ADZE_VALUE_DATE:
    adze_buffer_quoted (into, value->string, value->string_size);
    break;
  case ADZE_VALUE_LIST:
  case ADZE_VALUE_TABLE:
    write_items (value, indent, level, into);
    break;
  }
}

void
adze_json_write (const adze_value *value, unsigned indent, adze_buffer *into)
{
  write_value (value, indent, 0, into);
}

void
adze_json_write_entry (const adze_value *value, unsigned indent, unsigned level, bool first,
                       adze_buffer *into)
{
  if (!first)
    adze_buffer_text (into, indent > 0 ? "," : ", ");
  write_break (indent, level, into);
  if (value->key) {
    adze_buffer_quoted (into, value->key, value->key_size);
    adze_buffer_text (into, ": ");
  }
  write_value (value, indent, level, into);
}

/* ---- Building. */

/* Takes VALUE over. INTO remembers a failure, for adze_json_failed. */
static adze_value *
put (adze_value *into, const char *key, adze_value *value)
{
  if (!into) {
    adze_value_free (value);
    return NULL;
  }
  ADZE_AUTO_ERROR error = adze_value_append (into, key, value);
  if (!error)
    return value;
  into->failed = true;
  return NULL;
}

adze_value *
adze_json_table (adze_value *into, const char *key)
{
  return put (into, key, into ? adze_value_new (ADZE_VALUE_TABLE) : NULL);
}

adze_value *
adze_json_list (adze_value *into, const char *key)
{
  return put (into, key, into ? adze_value_new (ADZE_VALUE_LIST) : NULL);
}

void
adze_json_series (adze_value *list, size_t count,
                  bool (*fill) (const void *context, size_t number, adze_value *table),
                  const void *context)
{
  if (!list)
    return;
  list->series = malloc (sizeof *list->series);
  if (list->series)
    *list->series = (adze_value_series){ fill, context, count };
  else
    list->failed = true;
}

adze_value *
adze_json_string (adze_value *into, const char *key, const char *text)
{
  if (!into || !text)
    return NULL;
  adze_value *value = adze_value_new (ADZE_VALUE_STRING);
  if (value && !adze_value_set_text (value, text, strlen (text))) {
    adze_value_free (value);
    value = NULL;
  }
  return put (into, key, value);
}

adze_value *
adze_json_int (adze_value *into, const char *key, int64_t number)
{
  adze_value *value = into ? adze_value_new (ADZE_VALUE_INT) : NULL;
  if (value)
    value->integer = number;
  return put (into, key, value);
}

adze_value *
adze_json_float (adze_value *into, const char *key, double number)
{
  adze_value *value = into ? adze_value_new (ADZE_VALUE_FLOAT) : NULL;
  if (value)
    value->real = number;
  return put (into, key, value);
}

adze_value *
adze_json_bool (adze_value *into, const char *key, bool truth)
{
  adze_value *value = into ? adze_value_new (ADZE_VALUE_BOOL) : NULL;
  if (value)
    value->boolean = truth;
  return put (into, key, value);
}

bool
adze_json_failed (const adze_value *root)
{
  if (!root || root->failed)
    return true;
  for (size_t i = 0; i < root->count; i++)
    if (adze_json_failed (root->items[i]))
      return true;
  return false;
}
