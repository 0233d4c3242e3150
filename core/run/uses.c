/* SPDX-License-Identifier: Apache-2.0 */
/* run/uses.c: which results a run used: its results.jsonl, a line each, with all that the result depends
 * on: {"key": "...", "parts": {...}}. */
#include <string.h>

#include "run/folder_private.h"

enum { LINES_FILE_MOST = 1 << 30 };

adze_error *
adze_uses_add (adze_uses *uses, adze_hash128 key, adze_value *parts)
{
  if ((uses->count & (uses->count - 1)) == 0) {
    adze_use *grown
        = realloc (uses->items, (uses->count ? uses->count * 2 : 1) * sizeof *grown);
    if (!grown) {
      adze_value_free (parts);
      return adze_error_memory ();
    }
    uses->items = grown;
  }
  uses->items[uses->count++] = (adze_use){ key, parts };
  return NULL;
}

void
adze_uses_cleanup (adze_uses *uses)
{
  for (size_t i = 0; i < uses->count; i++)
    adze_value_free (uses->items[i].parts);
  free (uses->items);
  *uses = (adze_uses){ 0 };
}

/* A line that was cut short is no use of anything. */
static adze_error *
read_line (const char *path, const char *line, size_t size, adze_uses *uses)
{
  ADZE_AUTO (adze_document) document = { 0 };
  adze_hash128 key;
  ADZE_AUTO_ERROR damaged = adze_json_parse (path, line, size, &document);
  if (adze_error_status (damaged) == ADZE_E_MEMORY)
    return adze_take (&damaged);
  const char *text = adze_record_text (document.root, "key");
  const adze_value *parts = adze_value_get (document.root, "parts");
  if (!text || !adze_hash_parse (text, &key))
    return NULL;
  ADZE_AUTO_VALUE copy = parts && parts->type == ADZE_VALUE_TABLE
                             ? adze_value_copy (parts)
                             : adze_value_new (ADZE_VALUE_TABLE);
  return copy ? adze_uses_add (uses, key, adze_take (&copy)) : adze_error_memory ();
}

adze_error *
adze_uses_read (const char *runs, const char *run, adze_uses *uses)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s/results.jsonl", runs, run);
  ADZE_AUTO_FREE char *text = NULL;
  size_t size = 0;
  if (!path)
    return adze_error_memory ();
  adze_error *error = adze_file_read (path, LINES_FILE_MOST, &text, &size);
  if (adze_error_status (error) == ADZE_E_NOT_FOUND) {
    adze_error_free (error);
    return NULL;
  }
  if (error)
    return error;
  for (char *line = text; *line;) {
    size_t length = strcspn (line, "\n");
    ADZE_TRY (read_line (path, line, length, uses));
    line += length + (line[length] == '\n');
  }
  return NULL;
}
