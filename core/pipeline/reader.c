/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/reader.c: complaints that are gathered, and values that are of the type that was asked
 * for, or complained of. */
#include "pipeline/reader.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

/* ---- Complaints. */

static bool
is_breakage (const adze_error *error)
{
  adze_status status = adze_error_status (error);
  return status == ADZE_E_MEMORY || status == ADZE_E_INTERNAL;
}

/* "--set stage.trim.share: ...", of one about "<--set stage.trim.share>:1:18": a setting has one
 * line. */
static adze_error *
about_setting (const adze_error *error, const char *file)
{
  const char *message = adze_error_message (error), *name, *value;
  size_t size = strlen (file);
  if (strncmp (message, file, size) == 0)
    message += size + strspn (message + size, ":0123456789");
  adze_status status = adze_error_status (error);
  adze_error *made = adze_error_new (status == ADZE_E_FORMAT ? ADZE_E_PARAM : status, "%.*s:%s",
                                     (int)size - 2, file + 1, message);
  for (size_t i = 0; adze_error_fact_at (error, i, &name, &value); i++)
    if (strcmp (name, "line") != 0)
      adze_error_set (made, name, value);
  adze_error_setf (made, "file", "%.*s", (int)size - 2, file + 1);
  return made;
}

/* What is wrong with a --set is wrong with the command line. */
static adze_error *
by_its_file (adze_error *error)
{
  const char *file = adze_error_fact (error, "file");
  if (!file || strncmp (file, "<--set ", 7) != 0)
    return error;
  ADZE_AUTO_ERROR owned = error;
  return about_setting (owned, file);
}

void
adze_complain (adze_reader *reader, adze_error *error)
{
  ADZE_AUTO_ERROR owned = by_its_file (error);
  error = owned;
  if (!error)
    return;
  if (is_breakage (error)) {
    if (!reader->broken)
      reader->broken = adze_take (&owned);
    return;
  }
  if (reader->count >= ADZE_COMPLAINTS_MAX) {
    reader->left_out++;
    return;
  }
  if (!reader->complaints)
    reader->complaints = calloc (ADZE_COMPLAINTS_MAX, sizeof (adze_error *));
  if (reader->complaints)
    reader->complaints[reader->count++] = adze_take (&owned);
  else
    reader->broken = adze_error_memory ();
}

ADZE_PRINTF (5, 0)
static void
complain (adze_reader *reader, const adze_value *at, bool key, const char *hint, const char *format,
          va_list arguments)
{
  if (reader->count >= ADZE_COMPLAINTS_MAX) {
    reader->left_out++; /* finding a line takes its time */
    return;
  }
  ADZE_AUTO_FREE char *text = adze_text_vformat (format, arguments);
  adze_error *error = !text ? adze_error_memory ()
                      : key ? adze_document_key_error (reader->document, at, "%s", text)
                            : adze_document_error (reader->document, at, "%s", text);
  if (hint)
    adze_error_set (error, "hint", hint);
  adze_complain (reader, error);
}

void
adze_complain_at (adze_reader *reader, const adze_value *at, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  complain (reader, at, false, NULL, format, arguments);
  va_end (arguments);
}

void
adze_complain_key (adze_reader *reader, const adze_value *at, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  complain (reader, at, true, NULL, format, arguments);
  va_end (arguments);
}

void
adze_complain_hint (adze_reader *reader, const adze_value *at, const char *hint, const char *format,
                    ...)
{
  va_list arguments;
  va_start (arguments, format);
  complain (reader, at, false, hint, format, arguments);
  va_end (arguments);
}

void
adze_complain_key_hint (adze_reader *reader, const adze_value *at, const char *hint,
                        const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  complain (reader, at, true, hint, format, arguments);
  va_end (arguments);
}

void
adze_complain_of (adze_reader *reader, const adze_value *at, adze_error *error)
{
  ADZE_AUTO_ERROR owned = error;
  if (is_breakage (error)) {
    adze_complain (reader, adze_take (&owned));
    return;
  }
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_buffer_text (&text, adze_error_message (error));
  for (const adze_error *link = adze_error_cause (error); link; link = adze_error_cause (link))
    adze_buffer_format (&text, ", because %s", adze_error_message (link));
  adze_complain_hint (reader, at, adze_error_fact (error, "hint"), "%s",
                      text.data ? text.data : "out of memory");
}

/* Those of a --set come last, in the order in which they were found; it is the command line's end
 * that is read last, too. */
static unsigned long
place_of (const adze_error *error, const char *path, const char *fact)
{
  const char *file = adze_error_fact (error, "file");
  const char *number = adze_error_fact (error, fact);
  if (file && strcmp (file, path) != 0)
    return fact[0] == 'l' ? UINT32_MAX : 0;
  return number ? strtoul (number, NULL, 10) : 0;
}

static bool
comes_after (const adze_error *a, const adze_error *b, const char *path)
{
  unsigned long line_a = place_of (a, path, "line"), line_b = place_of (b, path, "line");
  if (line_a != line_b)
    return line_a > line_b;
  return place_of (a, path, "column") > place_of (b, path, "column");
}

/* A few at most, and those of one place keep their order. */
static void
sort_complaints (adze_reader *reader)
{
  for (size_t i = 1; i < reader->count; i++) {
    adze_error *moved = reader->complaints[i];
    size_t j = i;
    for (; j > 0 && comes_after (reader->complaints[j - 1], moved, reader->document->path); j--)
      reader->complaints[j] = reader->complaints[j - 1];
    reader->complaints[j] = moved;
  }
}

adze_error *
adze_reader_finish (adze_reader *reader)
{
  size_t count = reader->count;
  adze_error **complaints = reader->complaints;
  sort_complaints (reader);
  reader->count = 0;
  if (reader->broken || count == 0) {
    for (size_t i = 0; i < count; i++)
      adze_error_free (complaints[i]);
    return adze_take (&reader->broken);
  }
  if (count == 1)
    return complaints[0];
  ADZE_AUTO_FREE char *more
      = reader->left_out > 0
            ? adze_text_format ("; these are the first %d that were found", ADZE_COMPLAINTS_MAX)
            : strdup ("");
  return adze_error_sum (complaints, count, "%s has %zu mistakes%s", reader->document->path,
                         count + reader->left_out, more ? more : "");
}

/* ---- Values. */

/* "a string ("x")": what was found, as it would be written. */
static void
complain_type (adze_reader *reader, const adze_value *value, const char *needed)
{
  ADZE_AUTO (adze_buffer) shown = { 0 };
  adze_value_write_toml (value, &shown);
  const char *text = shown.data && !shown.failed ? shown.data : "";
  if (value->type == ADZE_VALUE_STRING && strncmp (needed, "one of", 6) == 0) {
    adze_complain_at (reader, value, "'%s' must be %s, and %.60s%s is not", value->key, needed,
                      text, strlen (text) > 60 ? "..." : "");
    return;
  }
  adze_complain_at (reader, value, "'%s' must be %s, and %s (%.60s%s) is not", value->key, needed,
                    adze_value_type_name (value->type), text, strlen (text) > 60 ? "..." : "");
}

const adze_value *
adze_read_string (adze_reader *reader, const adze_value *table, const char *key, const char *needed)
{
  const adze_value *value = adze_value_get (table, key);
  if (!value) {
    if (needed)
      adze_complain_at (reader, table, "%s", needed);
    return NULL;
  }
  if (value->type != ADZE_VALUE_STRING) {
    complain_type (reader, value, "a string");
    return NULL;
  }
  if (value->string_size == 0 || strlen (value->string) != value->string_size) {
    adze_complain_at (reader, value, "'%s' %s", key,
                      value->string_size == 0 ? "is empty" : "has a NUL in it");
    return NULL;
  }
  return value;
}

bool
adze_read_bool (adze_reader *reader, const adze_value *table, const char *key, bool *value)
{
  const adze_value *found = adze_value_get (table, key);
  if (!found)
    return true;
  if (found->type != ADZE_VALUE_BOOL) {
    complain_type (reader, found, "true or false");
    return false;
  }
  *value = found->boolean;
  return true;
}

bool
adze_read_int (adze_reader *reader, const adze_value *table, const char *key, int64_t least,
               int64_t most, int64_t *value)
{
  const adze_value *found = adze_value_get (table, key);
  if (!found)
    return true;
  if (found->type != ADZE_VALUE_INT) {
    complain_type (reader, found, "a whole number");
    return false;
  }
  if (found->integer < least || found->integer > most) {
    if (most == INT64_MAX)
      adze_complain_at (reader, found, "'%s' must be at least %lld, and %lld is not", key,
                        (long long)least, (long long)found->integer);
    else
      adze_complain_at (reader, found, "'%s' must be from %lld to %lld, and %lld is not", key,
                        (long long)least, (long long)most, (long long)found->integer);
    return false;
  }
  *value = found->integer;
  return true;
}

/* "a|b|c" as "one of "a", "b", "c"". */
static void
write_choices (const char *choices, adze_buffer *into)
{
  adze_buffer_text (into, "one of ");
  for (const char *at = choices; *at;) {
    size_t size = strcspn (at, "|");
    adze_buffer_format (into, "%s\"%.*s\"", at > choices ? ", " : "", (int)size, at);
    at += size + (at[size] == '|');
  }
}

bool
adze_read_choice (adze_reader *reader, const adze_value *table, const char *key,
                  const char *choices, const char **value)
{
  const adze_value *found = adze_value_get (table, key);
  if (!found)
    return true;
  if (found->type == ADZE_VALUE_STRING
      && adze_choices_have (choices, found->string, found->string_size)) {
    *value = found->string;
    return true;
  }
  ADZE_AUTO (adze_buffer) needed = { 0 };
  write_choices (choices, &needed);
  if (needed.failed)
    adze_complain (reader, adze_error_memory ());
  else
    complain_type (reader, found, needed.data);
  return false;
}

bool
adze_read_bytes (adze_reader *reader, const adze_value *table, const char *key, uint64_t *value)
{
  const adze_value *found = adze_value_get (table, key);
  double number = 0;
  if (!found)
    return true;
  if (found->type == ADZE_VALUE_STRING) {
    ADZE_AUTO_ERROR error = adze_quantity_parse (found->string, ADZE_QUANTITY_BYTES, &number);
    if (error) {
      adze_complain_at (reader, found, "'%s': %s", key, adze_error_message (error));
      return false;
    }
  } else if (found->type == ADZE_VALUE_INT) {
    number = (double)found->integer;
  } else {
    complain_type (reader, found, "a size such as \"2GiB\"");
    return false;
  }
  if (number < 1 || number > ADZE_BYTES_MAX) {
    adze_complain_at (reader, found, "'%s' must be at least one byte and at most 8192 TiB", key);
    return false;
  }
  *value = (uint64_t)number;
  return true;
}

bool
adze_read_time (adze_reader *reader, const adze_value *table, const char *key,
                int64_t *milliseconds)
{
  const adze_value *found = adze_value_get (table, key);
  double seconds = 0;
  if (!found)
    return true;
  if (found->type != ADZE_VALUE_STRING) {
    complain_type (reader, found, "a time such as \"10s\"");
    return false;
  }
  ADZE_AUTO_ERROR error = adze_quantity_parse (found->string, ADZE_QUANTITY_SECONDS, &seconds);
  if (error) {
    adze_complain_at (reader, found, "'%s': %s", key, adze_error_message (error));
    return false;
  }
  if (seconds < 0.001 || seconds > 1e9) {
    adze_complain_at (reader, found, "'%s' must be at least 1 ms and at most 1000000000 s", key);
    return false;
  }
  *milliseconds = (int64_t)ceil (seconds * 1000);
  return true;
}

/* ---- Tables. */

bool
adze_is_table (adze_reader *reader, const adze_value *entry, const char *what)
{
  if (entry->type == ADZE_VALUE_TABLE)
    return true;
  if (entry->type == ADZE_VALUE_LIST && entry->count > 0
      && entry->items[0]->type == ADZE_VALUE_TABLE)
    adze_complain_key (reader, entry->items[0],
                       "there is one %s; it is written with one bracket on each side", what);
  else
    adze_complain_key (reader, entry, "'%s' must be a table, %s, and is %s", entry->key, what,
                       adze_value_type_name (entry->type));
  return false;
}

size_t
adze_table_count (adze_reader *reader, const adze_value *entry, const char *what)
{
  if (!entry)
    return 0;
  if (entry->type == ADZE_VALUE_TABLE) {
    adze_complain_key (reader, entry,
                       "there can be several of these; each is written %s, with two brackets",
                       what);
    return 0;
  }
  if (entry->count > ADZE_TABLES_MAX) {
    adze_complain_key (reader, entry, "there are %zu of these, and there can be %d", entry->count,
                       ADZE_TABLES_MAX);
    return 0;
  }
  bool good = entry->type == ADZE_VALUE_LIST;
  for (size_t i = 0; good && i < entry->count; i++)
    good = entry->items[i]->type == ADZE_VALUE_TABLE;
  if (good)
    return entry->count;
  adze_complain_key (reader, entry, "'%s' must be written as tables, each under %s", entry->key,
                     what);
  return 0;
}

static const char *
nearest_of (const char *word, char **known, size_t count)
{
  return adze_nearest (word, (const char *const *)known, count);
}

/* In TOML all that follows a header belongs to its table. */
bool
adze_is_misplaced (adze_reader *reader, const adze_value *item, const char *where)
{
  if (strcmp (item->key, "seed") != 0 && strcmp (item->key, "name") != 0
      && strcmp (item->key, "adze") != 0)
    return false;
  adze_complain_key_hint (reader, item, "put it above the first table header, such as [model]",
                          "%s has no key '%s': it is a key of the pipeline", where, item->key);
  return true;
}

static void
complain_of_key (adze_reader *reader, const adze_value *value, char **known, size_t count,
                 const char *where)
{
  ADZE_AUTO (adze_buffer) list = { 0 };
  for (size_t i = 0; i < count; i++)
    adze_buffer_format (&list, "%s%s", i > 0 ? ", " : "", known[i]);
  const char *meant = nearest_of (value->key, known, count);
  if (list.failed)
    adze_complain (reader, adze_error_memory ());
  else if (meant)
    adze_complain_key (reader, value, "%s has no key '%s'; did you mean '%s'?", where, value->key,
                       meant);
  else
    adze_complain_key (reader, value, "%s has no key '%s'; it can have %s", where, value->key,
                       list.data);
}

void
adze_check_keys (adze_reader *reader, const adze_value *table, const char *known, const char *where)
{
  char **words;
  size_t count;
  adze_error *error = adze_choices_split (known, &words, &count);
  if (error) {
    adze_complain (reader, error);
    return;
  }
  for (size_t i = 0; i < table->count; i++)
    if (!adze_choices_have (known, table->items[i]->key, table->items[i]->key_size)
        && !adze_is_misplaced (reader, table->items[i], where))
      complain_of_key (reader, table->items[i], words, count, where);
  adze_names_free (words, count);
}

/* What could be meant by NAME, "big-one" by "Big One"; empty when that is no name either. */
static void
mend_name (const char *name, char mended[65])
{
  size_t size = 0;
  for (; *name && size < 64; name++) {
    char c = *name;
    if (c >= 'A' && c <= 'Z')
      c = (char)(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9' && size > 0))
      mended[size++] = c;
    else if (size > 0 && mended[size - 1] != '-')
      mended[size++] = '-';
  }
  while (size > 0 && mended[size - 1] == '-')
    size--;
  mended[size] = '\0';
}

static void
complain_of_name (adze_reader *reader, const adze_value *at, bool key, const char *name,
                  const char *what)
{
  char mended[65];
  mend_name (name, mended);
  (key ? adze_complain_key : adze_complain_at) (
      reader, at,
      "\"%.80s\" cannot be the name of %s: one has lower case letters, digits and hyphens, begins "
      "with a letter and is at most 64 long%s%s%s",
      name, what, mended[0] ? ", such as \"" : "", mended, mended[0] ? "\"" : "");
}

bool
adze_check_name (adze_reader *reader, const adze_value *at, const char *name, const char *what)
{
  if (adze_name_valid (name))
    return true;
  complain_of_name (reader, at, false, name, what);
  return false;
}

bool
adze_check_key_name (adze_reader *reader, const adze_value *at, const char *what)
{
  if (adze_name_valid (at->key))
    return true;
  complain_of_name (reader, at, true, at->key, what);
  return false;
}

/* PATH leads to REAL, a file of the cache of Hugging Face: it is named, and has its neighbours, where the
 * link is, and not among the blobs. */
static bool
is_blob (const char *real)
{
  static const char folder[] = "/blobs/";
  size_t size = sizeof folder - 1;
  const char *base = adze_path_base (real);
  return (size_t)(base - real) > size && strncmp (base - size, folder, size) == 0;
}

static adze_error *
absolute_link (const char *path, char **absolute)
{
  const char *base = adze_path_base (path);
  ADZE_AUTO_FREE char *folder = strndup (path, (size_t)(base - path));
  ADZE_AUTO_FREE char *real = NULL;
  if (!folder)
    return adze_error_memory ();
  ADZE_TRY (adze_path_absolute (folder, &real));
  *absolute = adze_text_format ("%s/%s", real, base);
  return *absolute ? NULL : adze_error_memory ();
}

char *
adze_reader_path (adze_reader *reader, const adze_value *at)
{
  ADZE_AUTO_FREE char *path
      = at->string[0] == '/' ? strdup (at->string)
                             : adze_text_format ("%s/%s", reader->pipeline->folder, at->string);
  char *absolute = NULL;
  adze_error *error = path ? adze_path_absolute (path, &absolute) : adze_error_memory ();
  if (!error && is_blob (absolute)) {
    free (adze_take (&absolute));
    error = absolute_link (path, &absolute);
  }
  if (error)
    adze_complain_of (reader, at, error);
  return absolute;
}
