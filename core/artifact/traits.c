/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/traits.c: what is true of tensors, as JSON in a model's metadata:
 *
 *   {"fc1.weight": {"adze.sparsity/1": {}, "adze.nm/1": {"n": 2, "m": 4}}}
 */
#include <inttypes.h>
#include <string.h>

#include "artifact/blocks.h"
#include "artifact/session.h"
#include "base/json.h"

enum { ABSENT_SHOWN = 8 };

static adze_error *
malformed (const adze_model *model, adze_error *cause)
{
  adze_error *error = adze_error_wrap (cause, "the metadata " ADZE_TRAITS_KEY " of %s is malformed",
                                       model->path);
  adze_error_set (error, "file", model->path);
  adze_error_set (error, "place", "the metadata " ADZE_TRAITS_KEY);
  return error;
}

/* A tree takes hundreds of bytes an entry, so text that is nothing but entries would take a
 * hundred times its size; and each takes microseconds, so a structure of LIMIT bytes may have so many.
 * What real traits look like has names in it, and is far from both. */
static adze_error *
check_entries (const adze_text *text, uint64_t limit)
{
  enum { BYTES_EACH = 6, FREE = 1024, LIMIT_EACH = 500 };
  uint64_t entries = 0, most = text->size / BYTES_EACH;
  most = FREE + (most < limit / LIMIT_EACH ? most : limit / LIMIT_EACH);
  for (uint64_t i = 0; i < text->size; i++)
    entries += text->data[i] == '{' || text->data[i] == '[' || text->data[i] == ',';
  if (entries <= most)
    return NULL;
  adze_error *error = adze_error_new (ADZE_E_LIMIT, "it has %" PRIu64 " entries in %" PRIu64 " bytes",
                                      entries, text->size);
  adze_error_setf (error, "needed", "at most %" PRIu64 " entries", most);
  adze_error_setf (error, "found", "%" PRIu64, entries);
  adze_error_set (error, "hint", "raise the limit on structure if you trust the file");
  return error;
}

/* What walks through a tree does so by recursion. */
static bool
is_deep (const adze_value *value, unsigned most)
{
  for (size_t i = 0; i < value->count; i++)
    if (most == 0 || is_deep (value->items[i], most - 1))
      return true;
  return false;
}

/* Every trait is a table in the table of its tensor. */
static adze_error *
check_tensor (const adze_value *traits)
{
  if (traits->type != ADZE_VALUE_TABLE)
    return adze_error_new (ADZE_E_FORMAT, "'%s' has %s where a table of traits is needed",
                           traits->key, adze_value_type_name (traits->type));
  for (size_t i = 0; i < traits->count; i++)
    if (traits->items[i]->type != ADZE_VALUE_TABLE)
      return adze_error_new (ADZE_E_FORMAT, "the trait '%s' of '%s' is %s where a table is needed",
                             traits->items[i]->key, traits->key,
                             adze_value_type_name (traits->items[i]->type));
  return NULL;
}

/* A tensor that another program took out of the file has no traits any more. ABSENT: how many there
 * were before; after a few of them, how many is all that anybody wants to know. */
static void
warn_absent (adze_runtime *runtime, const adze_model *model, const char *tensor, uint64_t absent)
{
  if (absent < ABSENT_SHOWN)
    adze_event_bus_log (runtime->bus, NULL, ADZE_LOG_WARNING,
                        "%s has traits of the tensor '%s', which is not in it", model->path, tensor);
}

static void
warn_more_absent (adze_runtime *runtime, const adze_model *model, uint64_t absent)
{
  if (absent > ABSENT_SHOWN)
    adze_event_bus_log (runtime->bus, NULL, ADZE_LOG_WARNING,
                        "%s has traits of %" PRIu64 " more tensors that are not in it", model->path,
                        absent - ABSENT_SHOWN);
}

static adze_error *
hand_out (adze_runtime *runtime, adze_model *model, adze_value *root)
{
  if (root->type != ADZE_VALUE_TABLE)
    return adze_error_new (ADZE_E_FORMAT, "it is %s where a table of tensors is needed",
                           adze_value_type_name (root->type));
  if (is_deep (root, 16))
    return adze_error_new (ADZE_E_FORMAT, "its values are nested deeper than 16");
  uint64_t absent = 0;
  for (size_t i = 0; i < root->count; i++) {
    adze_value *traits = root->items[i];
    ADZE_TRY (check_tensor (traits));
    adze_model_tensor *tensor = adze_model_find (model, traits->key);
    if (!tensor)
      warn_absent (runtime, model, traits->key, absent++);
    else if (traits->count > 0)
      tensor->traits = adze_take (&root->items[i]);
  }
  warn_more_absent (runtime, model, absent);
  return NULL;
}

adze_error *
adze_traits_take (adze_runtime *runtime, uint64_t limit, adze_model *model)
{
  const adze_meta *value = adze_metadata_get (&model->metadata, ADZE_TRAITS_KEY);
  ADZE_AUTO (adze_document) document = { 0 };
  if (!value)
    return NULL;
  if (value->type != ADZE_META_STRING)
    return malformed (model, adze_error_new (ADZE_E_FORMAT, "it is no string"));
  adze_error *error = check_entries (&value->text, limit ? limit : ADZE_STRUCTURE_LIMIT);
  if (!error)
    error = adze_json_parse (ADZE_TRAITS_KEY, value->text.data, (size_t)value->text.size, &document);
  if (!error)
    error = hand_out (runtime, model, document.root);
  if (error)
    return malformed (model, error);
  adze_metadata_remove (&model->metadata, ADZE_TRAITS_KEY);
  return NULL;
}

static void
write_tensor (const char *name, const adze_value *traits, adze_buffer *json)
{
  if (!traits || traits->count == 0)
    return;
  adze_buffer_text (json, json->size ? ", " : "{");
  adze_buffer_quoted (json, name, strlen (name));
  adze_buffer_text (json, ": ");
  adze_json_write (traits, 0, json);
}

adze_error *
adze_traits_text (adze_runtime *runtime, const adze_model *model, bool packed, char **text)
{
  ADZE_AUTO (adze_buffer) json = { 0 };
  *text = NULL;
  for (size_t i = 0; i < model->count; i++) {
    const adze_model_tensor *tensor = &model->tensors[i];
    ADZE_AUTO_VALUE made = NULL;
    if (packed && tensor->meta.codec)
      ADZE_TRY (adze_blocks_traits (runtime, tensor, &made));
    write_tensor (tensor->meta.name, made ? made : tensor->traits, &json);
  }
  if (json.size == 0 && !json.failed)
    return NULL;
  adze_buffer_text (&json, "}");
  return adze_buffer_finish (&json, text);
}
