/* SPDX-License-Identifier: Apache-2.0 */
/* base/value.c: the tree that documents become, complaints about it, and guesses at what was meant.
 *
 * The tree is walked by recursion. That is safe because the readers bound its depth: nothing else
 * makes deep ones.
 */
#include "base/value.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- The tree. */

adze_value *
adze_value_new (adze_value_type type)
{
  adze_value *value = calloc (1, sizeof *value);
  if (value)
    value->type = type;
  return value;
}

void
adze_value_free (adze_value *value)
{
  if (!value)
    return;
  for (size_t i = 0; i < value->count; i++)
    adze_value_free (value->items[i]);
  free (value->items);
  free (value->series);
  free (value->string);
  free (value->key);
  free (value);
}

/* To be freed, with a NUL behind it; NULL without memory. */
static char *
copy_bytes (const char *bytes, size_t size)
{
  char *copy = malloc (size + 1);
  if (!copy)
    return NULL;
  if (size > 0)
    memcpy (copy, bytes, size);
  copy[size] = '\0';
  return copy;
}

bool
adze_value_set_text (adze_value *value, const char *text, size_t size)
{
  char *copy = copy_bytes (text, size);
  if (!copy)
    return false;
  free (value->string);
  value->string = copy;
  value->string_size = size;
  return true;
}

static bool
add_item (adze_value *into, adze_value *item)
{
  if (into->count == into->capacity) {
    size_t capacity = into->capacity ? into->capacity * 2 : 4;
    adze_value **grown = realloc (into->items, capacity * sizeof *grown);
    if (!grown)
      return false;
    into->items = grown;
    into->capacity = capacity;
  }
  into->items[into->count++] = item;
  return true;
}

adze_error *
adze_value_append_sized (adze_value *into, const char *key, size_t key_size, adze_value *item)
{
  ADZE_AUTO_VALUE owned = item;
  if (!item)
    return adze_error_memory ();
  if (into->type != (key ? ADZE_VALUE_TABLE : ADZE_VALUE_LIST))
    return adze_error_new (ADZE_E_INTERNAL, "%s was put into %s", key ? "a key" : "a list entry",
                           adze_value_type_name (into->type));
  if (key) {
    free (item->key);
    item->key = copy_bytes (key, key_size);
    item->key_size = key_size;
  }
  if ((key && !item->key) || !add_item (into, item))
    return adze_error_memory ();
  owned = NULL;
  return NULL;
}

adze_error *
adze_value_append (adze_value *into, const char *key, adze_value *item)
{
  return adze_value_append_sized (into, key, key ? strlen (key) : 0, item);
}

static const adze_value *
get_sized (const adze_value *table, const char *key, size_t key_size)
{
  if (!table || table->type != ADZE_VALUE_TABLE)
    return NULL;
  for (size_t i = 0; i < table->count; i++) {
    const adze_value *item = table->items[i];
    if (item->key_size == key_size && memcmp (item->key, key, key_size) == 0)
      return item;
  }
  return NULL;
}

const adze_value *
adze_value_get (const adze_value *table, const char *key)
{
  return get_sized (table, key, strlen (key));
}

const char *
adze_value_type_name (adze_value_type type)
{
  switch (type) {
  case ADZE_VALUE_BOOL:
    return "a boolean";
  case ADZE_VALUE_INT:
    return "an integer";
  case ADZE_VALUE_FLOAT:
    return "a float";
  case ADZE_VALUE_STRING:
    return "a string";
  case ADZE_VALUE_DATE:
    return "a date or time";
  case ADZE_VALUE_LIST:
    return "a list";
  case ADZE_VALUE_TABLE:
    return "a table";
  }
  return "an unknown value";
}

adze_value *
adze_value_copy (const adze_value *value)
{
  ADZE_AUTO_VALUE copy = adze_value_new (value->type);
  if (!copy)
    return NULL;
  *copy = *value;
  copy->items = NULL;
  copy->count = copy->capacity = 0;
  copy->string = value->string ? copy_bytes (value->string, value->string_size) : NULL;
  copy->key = value->key ? copy_bytes (value->key, value->key_size) : NULL;
  if ((value->string && !copy->string) || (value->key && !copy->key))
    return NULL;
  for (size_t i = 0; i < value->count; i++) {
    ADZE_AUTO_VALUE item = adze_value_copy (value->items[i]);
    if (!item || !add_item (copy, item))
      return NULL;
    item = NULL;
  }
  return adze_take (&copy);
}

static bool
items_equal (const adze_value *a, const adze_value *b)
{
  if (a->count != b->count)
    return false;
  for (size_t i = 0; i < a->count; i++) {
    const adze_value *item = a->items[i], *other = b->items[i];
    bool table = a->type == ADZE_VALUE_TABLE;
    /* Mostly the order is the same, which saves the search. */
    if (table
        && (item->key_size != other->key_size || memcmp (item->key, other->key, item->key_size)))
      other = get_sized (b, item->key, item->key_size);
    if (!other || !adze_value_equal (item, other))
      return false;
  }
  return true;
}

bool
adze_value_equal (const adze_value *a, const adze_value *b)
{
  if (a->type != b->type)
    return false;
  switch (a->type) {
  case ADZE_VALUE_BOOL:
    return a->boolean == b->boolean;
  case ADZE_VALUE_INT:
    return a->integer == b->integer;
  case ADZE_VALUE_FLOAT:
    return a->real == b->real || (isnan (a->real) && isnan (b->real));
  case ADZE_VALUE_STRING:
  case ADZE_VALUE_DATE:
    return a->date == b->date && a->string_size == b->string_size
           && (a->string_size == 0 || memcmp (a->string, b->string, a->string_size) == 0);
  case ADZE_VALUE_LIST:
  case ADZE_VALUE_TABLE:
    return items_equal (a, b);
  }
  return false;
}

/* ---- As TOML. */

/* The fewest digits d0 d1 d2 ... such that d0.d1d2... times ten to EXPONENT reads back as VALUE,
 * which is finite and not negative. The decimal point, which depends on the locale, is skipped. */
static size_t
shortest_digits (double value, char digits[18], int *exponent)
{
  char text[64];
  for (int precision = 0; precision < 17; precision++) {
    snprintf (text, sizeof text, "%.*e", precision, value);
    if (strtod (text, NULL) == value)
      break;
  }
  size_t count = 0;
  const char *at = text;
  for (; *at && *at != 'e'; at++)
    if (*at >= '0' && *at <= '9' && count < 17)
      digits[count++] = *at;
  digits[count] = '\0';
  *exponent = *at ? (int)strtol (at + 1, NULL, 10) : 0;
  return count;
}

void
adze_real_text (double value, char text[ADZE_REAL_TEXT])
{
  const char *sign = signbit (value) && !isnan (value) ? "-" : "";
  if (isnan (value) || isinf (value)) {
    snprintf (text, ADZE_REAL_TEXT, "%s%s", sign, isnan (value) ? "nan" : "inf");
    return;
  }
  char digits[18];
  int exponent;
  int count = (int)shortest_digits (fabs (value), digits, &exponent);
  if (exponent < -5 || exponent > 15) {
    snprintf (text, ADZE_REAL_TEXT, "%s%c%s%se%+03d", sign, digits[0], count > 1 ? "." : "",
              digits + 1, exponent);
  } else if (exponent < 0) {
    snprintf (text, ADZE_REAL_TEXT, "%s0.%.*s%s", sign, -exponent - 1, "0000", digits);
  } else {
    int whole = exponent + 1;
    int zeros = whole > count ? whole - count : 0;
    snprintf (text, ADZE_REAL_TEXT, "%s%.*s%.*s.%s", sign, whole, digits, zeros,
              "0000000000000000", count > whole ? digits + whole : "0");
  }
}

static void
write_toml_key (const adze_value *item, adze_buffer *into)
{
  static const char bare[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  if (item->key_size > 0 && strspn (item->key, bare) == item->key_size)
    adze_buffer_add (into, item->key, item->key_size);
  else
    adze_buffer_quoted (into, item->key, item->key_size);
  adze_buffer_text (into, " = ");
}

static void
write_toml_items (const adze_value *value, adze_buffer *into)
{
  bool table = value->type == ADZE_VALUE_TABLE;
  adze_buffer_text (into, !table ? "[" : value->count > 0 ? "{ " : "{");
  for (size_t i = 0; i < value->count; i++) {
    if (i > 0)
      adze_buffer_text (into, ", ");
    if (table)
      write_toml_key (value->items[i], into);
    adze_value_write_toml (value->items[i], into);
  }
  adze_buffer_text (into, !table ? "]" : value->count > 0 ? " }" : "}");
}

void
adze_value_write_toml (const adze_value *value, adze_buffer *into)
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
    adze_buffer_text (into, number);
    break;
  case ADZE_VALUE_STRING:
    adze_buffer_quoted (into, value->string, value->string_size);
    break;
  case ADZE_VALUE_DATE:
    adze_buffer_add (into, value->string, value->string_size);
    break;
  case ADZE_VALUE_LIST:
  case ADZE_VALUE_TABLE:
    write_toml_items (value, into);
    break;
  }
}

/* ---- Complaints about a place. */

void
adze_document_cleanup (adze_document *document)
{
  free (document->path);
  free (document->text);
  adze_value_free (document->root);
  *document = (adze_document){ 0 };
}

/* Where line number LINE is, without its end; NULL beyond the last. A byte order mark is no part of
 * the first, and columns do not count it. */
static const char *
find_line (const char *text, uint32_t line, size_t *size)
{
  if (strncmp (text, "\xef\xbb\xbf", 3) == 0)
    text += 3;
  for (; line > 1; line--) {
    text = strchr (text, '\n');
    if (!text)
      return NULL;
    text++;
  }
  *size = strcspn (text, "\n");
  if (*size > 0 && text[*size - 1] == '\r')
    --*size;
  return text;
}

static size_t
count_characters (const char *text, size_t size)
{
  size_t count = 0;
  for (uint32_t code; size > 0; count++) {
    size_t length = adze_utf8_read (text, size, &code);
    text += length;
    size -= length;
  }
  return count;
}

/* Of a longer line only what stands around the column is shown. */
#define WINDOW 120

/* The facts "source" and "caret". */
static void
set_source (adze_error *error, const char *text, uint32_t line, uint32_t column)
{
  size_t size = 0;
  const char *at = find_line (text, line, &size);
  if (!at)
    return;
  size_t total = count_characters (at, size);
  size_t marked = column > 0 ? column - 1 : 0;
  size_t first = total > WINDOW && marked > WINDOW / 2 ? marked - WINDOW / 2 : 0;
  ADZE_AUTO (adze_buffer) source = { 0 };
  ADZE_AUTO (adze_buffer) caret = { 0 };
  adze_buffer_text (&source, first > 0 ? "..." : "");
  adze_buffer_text (&caret, first > 0 ? "   " : "");
  for (size_t i = 0; i < total && i < first + WINDOW; i++) {
    uint32_t code;
    size_t length = adze_utf8_read (at, size, &code);
    if (i >= first)
      adze_buffer_add (&source, at, length);
    if (i >= first && i < marked)
      adze_buffer_text (&caret, code == '\t' ? "\t" : " ");
    at += length;
    size -= length;
  }
  adze_buffer_text (&source, size > 0 ? "..." : "");
  adze_buffer_text (&caret, "^");
  if (source.failed || caret.failed)
    return;
  adze_error_set (error, "source", source.data ? source.data : "");
  adze_error_set (error, "caret", caret.data);
}

ADZE_PRINTF (4, 0)
static adze_error *
place_error (const adze_document *document, uint32_t line, uint32_t column, const char *format,
             va_list arguments)
{
  ADZE_AUTO_FREE char *message = adze_text_vformat (format, arguments);
  if (!message)
    return adze_error_memory ();
  adze_error *error
      = line > 0 ? adze_error_new (ADZE_E_FORMAT, "%s:%u:%u: %s", document->path, (unsigned)line,
                                   (unsigned)column, message)
                 : adze_error_new (ADZE_E_FORMAT, "%s: %s", document->path, message);
  adze_error_set (error, "file", document->path);
  if (line > 0) {
    adze_error_setf (error, "line", "%u", (unsigned)line);
    adze_error_setf (error, "column", "%u", (unsigned)column);
    if (document->text)
      set_source (error, document->text, line, column);
  }
  return error;
}

adze_error *
adze_document_error (const adze_document *document, const adze_value *at, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  adze_error *error = place_error (at && at->origin ? at->origin : document, at ? at->line : 0,
                                   at ? at->column : 0, format, arguments);
  va_end (arguments);
  return error;
}

adze_error *
adze_document_key_error (const adze_document *document, const adze_value *at, const char *format,
                         ...)
{
  bool known = at && at->key_line > 0;
  uint32_t line = !at ? 0 : known ? at->key_line : at->line;
  uint32_t column = !at ? 0 : known ? at->key_column : at->column;
  va_list arguments;
  va_start (arguments, format);
  adze_error *error
      = place_error (at && at->origin ? at->origin : document, line, column, format, arguments);
  va_end (arguments);
  return error;
}

/* ---- Did you mean. */

/* Longer words are not typed by hand. */
#define WORD_MAX 128

static char
lower (char c)
{
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t
least (size_t a, size_t b)
{
  return a < b ? a : b;
}

/* How many letters were left out, added, mistaken or swapped with their neighbour. Case does not
 * count. Three rows of the table suffice: a swap looks two back. */
static size_t
distance (const char *a, size_t a_length, const char *b, size_t b_length)
{
  size_t rows[3][WORD_MAX + 1];
  for (size_t j = 0; j <= b_length; j++)
    rows[0][j] = j;
  for (size_t i = 1; i <= a_length; i++) {
    size_t *row = rows[i % 3];
    const size_t *above = rows[(i - 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b_length; j++) {
      char x = lower (a[i - 1]), y = lower (b[j - 1]);
      row[j] = least (least (above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
      if (i > 1 && j > 1 && x == lower (b[j - 2]) && y == lower (a[i - 2]))
        row[j] = least (row[j], rows[(i - 2) % 3][j - 2] + 1);
    }
  }
  return rows[a_length % 3][b_length];
}

const char *
adze_nearest (const char *word, const char *const *names, size_t count)
{
  size_t length = strlen (word);
  size_t bound = length / 3 > 1 ? length / 3 : 1;
  const char *nearest = NULL;
  for (size_t i = 0; length <= WORD_MAX && i < count; i++) {
    size_t other = strlen (names[i]);
    if (other > WORD_MAX || other > length + bound || length > other + bound)
      continue;
    size_t far = distance (word, length, names[i], other);
    /* With nothing of the word left, as of "x" in "y", it is no guess. */
    if (far <= bound && far < length) {
      nearest = names[i];
      if (far == 0)
        break;
      bound = far - 1;
    }
  }
  return nearest;
}
