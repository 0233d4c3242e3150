/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins of components that parameters name. */
#include "stage/beside.h"

#include <string.h>

#include "base/json.h"

static bool
has_path (const adze_value *list, const char *path)
{
  for (size_t i = 0; i < list->count; i++) {
    const adze_value *known = adze_value_get (list->items[i], "path");
    if (known && strcmp (known->string, path) == 0)
      return true;
  }
  return false;
}

static adze_error *
add_component (adze_runtime *runtime, const char *id, adze_value *list)
{
  adze_plugin_record *record;
  const adze_manifest_component *component;
  adze_file_identity identity;
  char file[ADZE_IDENTITY_TEXT];
  ADZE_TRY (adze_find_component (runtime, id, &record, &component));
  if (record->builtin || has_path (list, record->path))
    return NULL;
  adze_record_use (record, &identity);
  ADZE_TRY (adze_verify (runtime, record));
  adze_file_identity_text (&identity, file);
  adze_value *row = adze_json_table (list, NULL);
  adze_json_string (row, "path", record->path);
  adze_json_string (row, "file", file);
  return NULL;
}

static adze_error *
add_all (adze_runtime *runtime, const adze_params *params, adze_value *list)
{
  for (size_t i = 0; params && i < params->count; i++) {
    const struct adze_param_value *value = &params->values[i];
    /* "": it was left out. */
    if (value->type == ADZE_PARAM_COMPONENT && value->string && *value->string)
      ADZE_TRY (add_component (runtime, value->string, list));
    ADZE_TRY (add_all (runtime, value->nested, list));
  }
  return NULL;
}

/* One that cannot be used, or would not be here, is missed when something asks for it. */
static adze_error *
add_if_it_can (adze_runtime *runtime, const char *id, adze_value *list)
{
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_AUTO_ERROR error = adze_find_component (runtime, id, &record, &component);
  if (!error && record->trusted)
    error = add_component (runtime, id, list);
  return adze_error_status (error) == ADZE_E_MEMORY ? adze_take (&error) : NULL;
}

adze_error *
adze_beside_networks (adze_runtime *runtime, const char *backend, adze_value **list)
{
  const adze_component_info *const *formats;
  size_t count = 0;
  ADZE_AUTO_VALUE fresh = adze_value_new (ADZE_VALUE_LIST);
  if (!fresh)
    return adze_error_memory ();
  ADZE_TRY (add_component (runtime, backend, fresh));
  ADZE_TRY (add_component (runtime, "ref", fresh));
  ADZE_TRY (adze_component_list (runtime, ADZE_FORMAT, &formats, &count));
  for (size_t i = 0; i < count; i++)
    ADZE_TRY (add_if_it_can (runtime, formats[i]->id, fresh));
  if (adze_json_failed (fresh))
    return adze_error_memory ();
  *list = adze_take (&fresh);
  return NULL;
}

adze_error *
adze_beside_list (adze_runtime *runtime, const adze_params *const *params, size_t variants,
                  adze_value **list)
{
  ADZE_AUTO_VALUE fresh = adze_value_new (ADZE_VALUE_LIST);
  for (size_t i = 0; fresh && i < variants; i++)
    ADZE_TRY (add_all (runtime, params[i], fresh));
  if (adze_json_failed (fresh))
    return adze_error_memory ();
  *list = adze_take (&fresh);
  return NULL;
}
