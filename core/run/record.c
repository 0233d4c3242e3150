/* SPDX-License-Identifier: Apache-2.0 */
/* run/record.c: the JSON documents of run folders, and the folders' names. */
#include "run/folder_private.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

int64_t
adze_monotonic_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- Documents. */

adze_error *
adze_record_read (const char *path, adze_document *document, bool *found)
{
  struct stat status;
  *document = (adze_document){ 0 };
  *found = stat (path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
  if (!*found)
    return NULL;
  ADZE_AUTO_FREE char *text = NULL;
  size_t size = 0;
  ADZE_TRY (adze_file_read (path, ADZE_RECORD_MOST, &text, &size));
  adze_error *error = adze_json_parse (path, text, size, document);
  if (!error && document->root->type != ADZE_VALUE_TABLE)
    error = adze_document_error (document, NULL, "this is %s, and should be a table",
                                 adze_value_type_name (document->root->type));
  return error;
}

static void
write_record (const void *record, adze_buffer *into)
{
  adze_json_write (record, 2, into);
  adze_buffer_text (into, "\n");
}

adze_error *
adze_record_write (const char *path, const adze_value *record)
{
  return adze_file_write_text (path, 0666, write_record, record);
}

const char *
adze_record_text (const adze_value *record, const char *key)
{
  const adze_value *value = adze_value_get (record, key);
  return value && value->type == ADZE_VALUE_STRING ? value->string : NULL;
}

adze_error *
adze_record_set (adze_value *record, const char *key, adze_value *value)
{
  if (!value)
    return adze_error_memory ();
  for (size_t i = 0; i < record->count; i++) {
    adze_value *old = record->items[i];
    if (strcmp (old->key, key) != 0)
      continue;
    value->key = adze_take (&old->key);
    value->key_size = old->key_size;
    record->items[i] = value;
    adze_value_free (old);
    return NULL;
  }
  return adze_value_append (record, key, value);
}

/* ---- Names of runs. */

enum { RUN_NUMBER_DIGITS_MOST = 9, RUN_NAME_MOST = 100 };

/* One that no shell, terminal or file system minds in a name. */
static bool
is_plain (uint32_t code)
{
  if (code >= 0x80)
    return code >= 0xa0 && code != ADZE_UTF8_BAD && (code < 0x2000 || code > 0x206f);
  return (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z')
         || (code >= 'A' && code <= 'Z') || code == '.' || code == '_' || code == '-';
}

char *
adze_run_name_part (const char *name)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  char *made = NULL;
  size_t size = strlen (name);
  while (size > 0) {
    uint32_t code;
    size_t length = adze_utf8_read (name, size, &code);
    if (text.size + length > RUN_NAME_MOST)
      break;
    if (is_plain (code))
      adze_buffer_add (&text, name, length);
    else
      adze_buffer_text (&text, "-");
    name += length;
    size -= length;
  }
  adze_error_free (adze_buffer_finish (&text, &made));
  return made;
}

/* "0012-small" -> 12; 0: not a run's name. */
static uint64_t
number_of (const char *name)
{
  size_t digits = strspn (name, "0123456789");
  if (digits < 4 || digits > RUN_NUMBER_DIGITS_MOST || name[digits] != '-')
    return 0;
  return strtoull (name, NULL, 10);
}

adze_error *
adze_run_is_of (const char *run, const char *pipeline, bool *is)
{
  ADZE_AUTO_FREE char *name = adze_run_name_part (pipeline);
  *is = name && number_of (run) > 0 && strcmp (strchr (run, '-') + 1, name) == 0;
  return name ? NULL : adze_error_memory ();
}

void
adze_run_names_free (adze_run_name *names, size_t count)
{
  for (size_t i = 0; i < count; i++)
    free (names[i].folder);
  free (names);
}

static int
compare (const void *a, const void *b)
{
  const adze_run_name *one = a, *other = b;
  if (one->number != other->number)
    return one->number < other->number ? -1 : 1;
  return strcmp (one->folder, other->folder);
}

adze_error *
adze_run_names (const char *runs, adze_run_name **names, size_t *count)
{
  *names = NULL;
  *count = 0;
  char **all = NULL;
  size_t all_count = 0;
  ADZE_TRY (adze_folder_names (runs, "", &all, &all_count));
  adze_run_name *found = all_count > 0 ? calloc (all_count, sizeof *found) : NULL;
  size_t kept = 0;
  for (size_t i = 0; found && i < all_count; i++)
    if (number_of (all[i]) > 0)
      found[kept++] = (adze_run_name){ number_of (all[i]), adze_take (&all[i]) };
  adze_names_free (all, all_count);
  if (all_count > 0 && !found)
    return adze_error_memory ();
  if (kept > 1)
    qsort (found, kept, sizeof *found, compare);
  *names = found;
  *count = kept;
  return NULL;
}

adze_error *
adze_runs_check_named (const char *runs)
{
  struct stat status;
  int failed = stat (runs, &status);
  if (!failed && S_ISDIR (status.st_mode))
    return NULL;
  adze_error *error = failed ? adze_error_errno ("cannot look at the runs in %s", runs)
                             : adze_error_new (ADZE_E_NOT_FOUND,
                                               "%s is no folder, so it holds no runs", runs);
  adze_error_set (error, "file", runs);
  adze_error_set (error, "hint",
                  "name the folder of the runs; without --runs it is adze-runs in the current "
                  "folder");
  return error;
}
