/* SPDX-License-Identifier: Apache-2.0 */
/* run/lock.c: adze.lock, compared and kept. */
#include "run/lock.h"

#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/toml.h"

enum { LOCK_VERSION = 1, LOCK_MOST = 16 << 20 };

/* The lists of a lock, in the file's order. */
typedef struct section {
  const char *name;
  const char *keys[3]; /* of an entry, "id" first */
} section;

enum { PLUGINS, LIBRARIES, BACKENDS, SECTIONS };

static const section sections[SECTIONS] = {
  [PLUGINS] = { "plugin", { "id", "version", "build" } },
  [LIBRARIES] = { "library", { "id", "build", NULL } },
  [BACKENDS] = { "backend", { "id", "identity", NULL } },
};

static const adze_value *
uses_of (const adze_lock_uses *uses, size_t which)
{
  return which == PLUGINS ? uses->plugins : which == LIBRARIES ? uses->libraries : uses->backends;
}

static const char *
text_at (const adze_value *table, const char *key)
{
  const adze_value *value = key ? adze_value_get (table, key) : NULL;
  return value && value->type == ADZE_VALUE_STRING ? value->string : NULL;
}

static adze_value *
find (const adze_value *list, const char *id)
{
  for (size_t i = 0; list && i < list->count; i++) {
    const char *known = text_at (list->items[i], "id");
    if (known && strcmp (known, id) == 0)
      return list->items[i];
  }
  return NULL;
}

/* ---- What a run uses. */

void
adze_lock_uses_cleanup (adze_lock_uses *uses)
{
  adze_value_free (uses->plugins);
  adze_value_free (uses->libraries);
  adze_value_free (uses->backends);
  *uses = (adze_lock_uses){ 0 };
}

static adze_error *
add (adze_value **list, const section *kind, const char *const values[3])
{
  if (!*list && !(*list = adze_value_new (ADZE_VALUE_LIST)))
    return adze_error_memory ();
  if (find (*list, values[0]))
    return NULL;
  adze_value *entry = adze_json_table (*list, NULL);
  for (size_t i = 0; i < ADZE_COUNT_OF (kind->keys) && kind->keys[i]; i++)
    adze_json_string (entry, kind->keys[i], values[i]);
  return adze_json_failed (*list) ? adze_error_memory () : NULL;
}

/* Two plugins may bind libraries of one name and different content. */
static adze_error *
use_libraries (adze_lock_uses *uses, adze_runtime *runtime, adze_plugin_record *record)
{
  for (size_t i = 0;; i++) {
    const char *path;
    char digest[ADZE_DIGEST_TEXT];
    ADZE_TRY (adze_record_library (runtime, record, i, &path));
    if (!path)
      return NULL;
    ADZE_AUTO_FREE char *id
        = adze_text_format ("%s of %s", adze_path_base (path), record->manifest->id);
    if (!id)
      return adze_error_memory ();
    if (find (uses->libraries, id))
      continue;
    ADZE_TRY (adze_digest_file (path, digest));
    const char *const values[3] = { id, digest, NULL };
    ADZE_TRY (add (&uses->libraries, &sections[LIBRARIES], values));
  }
}

adze_error *
adze_lock_use_plugin (adze_lock_uses *uses, adze_runtime *runtime, adze_plugin_record *record)
{
  char build[ADZE_DIGEST_TEXT];
  if (!record->manifest)
    return adze_error_new (ADZE_E_INTERNAL, "nothing is known of the plugin %s", record->path);
  ADZE_TRY (adze_record_build (record, build));
  const char *const values[3] = { record->manifest->id, record->manifest->version, build };
  ADZE_TRY (add (&uses->plugins, &sections[PLUGINS], values));
  return use_libraries (uses, runtime, record);
}

adze_error *
adze_lock_use_backend (adze_lock_uses *uses, const char *id, const char *identity)
{
  const char *const values[3] = { id, identity, NULL };
  return add (&uses->backends, &sections[BACKENDS], values);
}

/* ---- Reading the file. */

static adze_error *
check_entry (const adze_document *document, const section *kind, const adze_value *entry)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (kind->keys) && kind->keys[i]; i++)
    if (!text_at (entry, kind->keys[i]))
      return adze_document_error (document, entry, "this %s needs a string '%s'", kind->name,
                                  kind->keys[i]);
  return NULL;
}

static adze_error *
check_section (const adze_document *document, const section *kind)
{
  const adze_value *list = adze_value_get (document->root, kind->name);
  if (list && list->type != ADZE_VALUE_LIST)
    return adze_document_error (document, list, "'%s' is %s, and should be a list", kind->name,
                                adze_value_type_name (list->type));
  for (size_t i = 0; list && i < list->count; i++)
    ADZE_TRY (check_entry (document, kind, list->items[i]));
  return NULL;
}

static adze_error *
check (const adze_document *document)
{
  const adze_value *version = adze_value_get (document->root, "version");
  if (!version || version->type != ADZE_VALUE_INT)
    return adze_document_error (document, version, "a lock file begins with version = %d",
                                LOCK_VERSION);
  if (version->integer != LOCK_VERSION)
    return adze_document_error (document, version,
                                "this lock file is of version %lld, and this adze knows version %d",
                                (long long)version->integer, LOCK_VERSION);
  for (size_t i = 0; i < ADZE_COUNT_OF (sections); i++)
    ADZE_TRY (check_section (document, &sections[i]));
  return NULL;
}

/* *FOUND: there is such a file. */
static adze_error *
read_lock (const char *path, const char *hint, adze_document *document, bool *found)
{
  ADZE_AUTO_FREE char *text = NULL;
  size_t size = 0;
  *found = false;
  adze_error *error = adze_file_read (path, LOCK_MOST, &text, &size);
  if (adze_error_status (error) == ADZE_E_NOT_FOUND) {
    adze_error_free (error);
    return NULL;
  }
  *found = true;
  if (!error)
    error = adze_toml_parse (path, text, size, document);
  if (!error)
    error = check (document);
  if (!error)
    return NULL;
  adze_error_set (error, "hint", hint);
  return error;
}

static const char renewed[] = "mend it, or remove it: the next run that goes well writes a new one";

adze_error *
adze_lock_look (const char *path)
{
  ADZE_AUTO (adze_document) document = { 0 };
  bool found;
  adze_error *error = read_lock (path, renewed, &document, &found);
  return error ? adze_error_wrap (error, "what is run could not be noted in " ADZE_LOCK_NAME
                                         " in the end, so nothing was begun")
               : NULL;
}

/* ---- Comparing. */

static void
compare_entry (const section *kind, const adze_value *locked, const adze_value *used,
               adze_buffer *into)
{
  const char *id = text_at (used, "id");
  if (!locked) {
    adze_buffer_format (into, "%s %s is not in it\n", kind->name, id);
    return;
  }
  for (size_t i = 1; i < ADZE_COUNT_OF (kind->keys) && kind->keys[i]; i++) {
    const char *key = kind->keys[i], *was = text_at (locked, key), *is = text_at (used, key);
    if (strcmp (was, is) == 0)
      continue;
    if (kind == &sections[LIBRARIES])
      adze_buffer_format (into, "%s %s was replaced: the lock has %s, found was %s\n", kind->name,
                          id, was, is);
    else if (strcmp (key, "build") == 0)
      adze_buffer_format (into, "%s %s %s was rebuilt: the lock has %s, found was %s\n", kind->name,
                          id, text_at (used, "version"), was, is);
    else
      adze_buffer_format (into, "%s %s: the lock has %s %s, found was %s\n", kind->name, id, key,
                          was, is);
    return; /* of another version the build is another, too */
  }
}

static void
compare (const adze_value *root, const adze_lock_uses *uses, adze_buffer *into)
{
  for (size_t which = 0; which < ADZE_COUNT_OF (sections); which++) {
    const adze_value *locked = adze_value_get (root, sections[which].name);
    const adze_value *used = uses_of (uses, which);
    for (size_t i = 0; used && i < used->count; i++)
      compare_entry (&sections[which], find (locked, text_at (used->items[i], "id")),
                     used->items[i], into);
  }
}

static size_t
count_lines (const adze_buffer *text)
{
  size_t count = 0;
  for (size_t i = 0; i < text->size; i++)
    count += text->data[i] == '\n';
  return count;
}

adze_error *
adze_lock_check (const char *path, const adze_lock_uses *uses)
{
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO (adze_buffer) differences = { 0 };
  bool found = false;
  adze_error *error = read_lock (path,
                                 "mend it, or remove it, run once without --locked, and keep the "
                                 "file that is written",
                                 &document, &found);
  if (error)
    return adze_error_wrap (error, "what is locked cannot be compared");
  if (!found) {
    error = adze_error_new (ADZE_E_TRUST, "there is no lock file %s", path);
    adze_error_set (error, "file", path);
    adze_error_set (error, "hint", "run once without --locked, and keep the file that is written");
    return error;
  }
  compare (document.root, uses, &differences);
  if (differences.failed)
    return adze_error_memory ();
  if (differences.size == 0)
    return NULL;
  size_t count = count_lines (&differences);
  differences.data[differences.size - 1] = '\0'; /* the last line's end */
  error = adze_error_new (ADZE_E_TRUST, "%zu thing%s differ%s from %s:\n%s", count,
                          count == 1 ? "" : "s", count == 1 ? "s" : "", path, differences.data);
  adze_error_set (error, "file", path);
  adze_error_set (error, "hint",
                  "install what the lock names, or run without --locked to take these from now on");
  return error;
}

/* ---- Writing. */

static int
by_id (const void *a, const void *b)
{
  return strcmp (text_at (*(adze_value *const *)a, "id"), text_at (*(adze_value *const *)b, "id"));
}

/* The entries of the file, those of this run in the place of older ones, by id. */
static adze_error *
merge (const adze_value *locked, const adze_value *used, adze_value *into)
{
  for (size_t i = 0; used && i < used->count; i++)
    ADZE_TRY (adze_value_append (into, NULL, adze_value_copy (used->items[i])));
  for (size_t i = 0; locked && i < locked->count; i++)
    if (!find (into, text_at (locked->items[i], "id")))
      ADZE_TRY (adze_value_append (into, NULL, adze_value_copy (locked->items[i])));
  if (into->count > 1)
    qsort (into->items, into->count, sizeof into->items[0], by_id);
  return NULL;
}

static void
write_section (const section *kind, const adze_value *list, adze_buffer *into)
{
  for (size_t i = 0; i < list->count; i++) {
    adze_buffer_format (into, "\n[[%s]]\n", kind->name);
    for (size_t k = 0; k < ADZE_COUNT_OF (kind->keys) && kind->keys[k]; k++) {
      const char *text = text_at (list->items[i], kind->keys[k]);
      adze_buffer_format (into, "%s = ", kind->keys[k]);
      adze_buffer_quoted (into, text, strlen (text));
      adze_buffer_text (into, "\n");
    }
  }
}

static adze_error *
write_lock (const char *path, const adze_value *root, const adze_lock_uses *uses)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_buffer_format (&text,
                      "# What the pipelines beside this file were last run with. `adze run` keeps "
                      "it up to date;\n# `adze run --locked` refuses anything else.\n"
                      "version = %d\n",
                      LOCK_VERSION);
  for (size_t which = 0; which < ADZE_COUNT_OF (sections); which++) {
    ADZE_AUTO_VALUE list = adze_value_new (ADZE_VALUE_LIST);
    if (!list)
      return adze_error_memory ();
    ADZE_TRY (merge (adze_value_get (root, sections[which].name), uses_of (uses, which), list));
    write_section (&sections[which], list, &text);
  }
  if (text.failed)
    return adze_error_memory ();
  return adze_file_write (path, text.data, text.size, 0666);
}

adze_error *
adze_lock_write (const char *path, const adze_lock_uses *uses, adze_buffer *changes)
{
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO (adze_buffer) differences = { 0 };
  bool found = false;
  adze_file_sweep (path);
  ADZE_TRY (read_lock (path, renewed, &document, &found));
  compare (document.root, uses, &differences);
  if (differences.failed)
    return adze_error_memory ();
  if (found && differences.size == 0)
    return NULL;
  ADZE_TRY (write_lock (path, document.root, uses));
  if (!found)
    adze_buffer_text (changes, "it is new\n");
  else
    adze_buffer_add (changes, differences.data, differences.size);
  return NULL;
}
