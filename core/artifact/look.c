/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/look.c: what show.c and diff.c share. */
#include "artifact/look.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

adze_error *
adze_options_copy (const char *name, const void *given, void *own, size_t size)
{
  size_t found;
  memset (own, 0, size);
  if (given) {
    memcpy (&found, given, sizeof found);
    if (found < sizeof found || found > ADZE_STRUCT_SIZE_MAX)
      return adze_error_new (ADZE_E_PARAM, "%s.struct_size is %zu; begin with the macro of its name "
                             "that ends in _INIT", name, found);
    memcpy (own, given, found < size ? found : size);
  }
  memcpy (own, &size, sizeof size);
  return NULL;
}

adze_error *
adze_look_pattern (const char *text, adze_pattern **pattern)
{
  *pattern = NULL;
  if (!text)
    return NULL;
  adze_error *error = adze_pattern_open (text, pattern);
  return error ? adze_error_wrap (error, "'%s' is no pattern for names", text) : NULL;
}

adze_error *
adze_look_open (adze_runtime *runtime, const char *path, const adze_show_options *options,
                adze_model **model)
{
  adze_format_options format
      = { .format = options->format, .structure_limit = options->structure_limit };
  return adze_model_open (runtime, path, &format, model);
}

/* ---- Values. */

enum { ENTRIES_SHOWN = 8, BYTES_SHOWN = 96 };

/* TEXT up to a place where a character ends, and how much more there was. */
static void
write_cut (const char *text, size_t size, adze_buffer *into)
{
  size_t at = BYTES_SHOWN;
  if (size <= at + 24) {
    adze_buffer_add (into, text, size);
    return;
  }
  while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
    at--;
  adze_buffer_add (into, text, at);
  adze_buffer_format (into, "... (%zu bytes)", size);
}

void
adze_look_value (const adze_meta *value, adze_buffer *into)
{
  ADZE_AUTO_VALUE holder = adze_value_new (ADZE_VALUE_LIST);
  ADZE_AUTO (adze_buffer) json = { 0 };
  adze_meta_json (value, ENTRIES_SHOWN, holder, NULL);
  if (adze_json_failed (holder) || holder->count == 0) {
    into->failed = true;
    return;
  }
  adze_json_write (holder->items[0], 0, &json);
  into->failed = into->failed || json.failed;
  write_cut (json.data ? json.data : "", json.size, into);
}

/* Keys may hold any byte, so the value is made by itself and then given its key. */
static adze_error *
append_value (adze_value *table, const adze_metadata_entry *entry)
{
  ADZE_AUTO_VALUE holder = adze_value_new (ADZE_VALUE_LIST);
  adze_meta_json (&entry->value, 0, holder, NULL);
  if (adze_json_failed (holder) || holder->count == 0)
    return adze_error_memory ();
  return adze_value_append_sized (table, entry->key, entry->key_size,
                                  adze_take (&holder->items[0]));
}

adze_error *
adze_look_metadata_json (const adze_metadata *metadata, adze_value *table, const char *key)
{
  adze_value *into = adze_json_table (table, key);
  if (!into)
    return adze_error_memory ();
  for (size_t i = 0; i < metadata->count; i++)
    ADZE_TRY (append_value (into, &metadata->entries[i]));
  return NULL;
}

void
adze_look_shape_json (const adze_tensor_meta *meta, adze_value *table, const char *key)
{
  adze_value *shape = adze_json_list (table, key);
  for (int32_t i = 0; i < meta->rank; i++)
    adze_json_int (shape, NULL, meta->shape[i]);
}

void
adze_look_traits (const adze_model_tensor *tensor, adze_buffer *into)
{
  for (size_t i = 0; tensor->traits && i < tensor->traits->count; i++)
    adze_buffer_format (into, "%s%s", i ? ", " : "", tensor->traits->items[i]->key);
}

const char *
adze_look_number (double number, char text[ADZE_NUMBER_TEXT])
{
  /* A NaN has a sign, which depends on the machine and says nothing. */
  snprintf (text, ADZE_NUMBER_TEXT, "%.7g", isnan (number) ? (double)NAN : number);
  return text;
}

adze_error *
adze_look_document (const adze_value *root, char **text)
{
  ADZE_AUTO (adze_buffer) json = { 0 };
  if (adze_json_failed (root))
    return adze_error_memory ();
  adze_json_write (root, 2, &json);
  adze_buffer_text (&json, "\n");
  return adze_buffer_finish (&json, text);
}
