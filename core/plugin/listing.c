/* SPDX-License-Identifier: Apache-2.0 */
/* What there is, as adze/host.h tells it: lists, look-ups, documents. */
#include <string.h>

#include "base/json.h"
#include "base/error_wire.h"
#include "plugin/manifest/inspect.h"
#include "plugin/runtime.h"

/* ---- Lists. */

adze_error *
adze_plugin_list (adze_runtime *runtime, const adze_plugin_info *const **plugins, size_t *count)
{
  ADZE_LOCKED (runtime);
  ADZE_TRY (adze_scan_once (runtime));
  const adze_plugin_info **list = calloc (runtime->record_count + 1, sizeof *list);
  if (!list)
    return adze_error_memory ();
  for (size_t i = 0; i < runtime->record_count; i++) {
    adze_error *error = adze_record_describe (runtime->records[i]);
    if (error) {
      free (list);
      return error;
    }
    list[i] = adze_record_plugin_info (runtime->records[i]);
  }
  free (runtime->plugin_list);
  runtime->plugin_list = list;
  *plugins = list;
  *count = runtime->record_count;
  return NULL;
}

static int
compare_components (const void *a, const void *b)
{
  const adze_component_info *left = *(const adze_component_info *const *)a;
  const adze_component_info *right = *(const adze_component_info *const *)b;
  int kinds = strcmp (left->kind, right->kind);
  return kinds ? kinds : strcmp (left->id, right->id);
}

static size_t
usable_components (const adze_plugin_record *record)
{
  return record->failure || !record->manifest ? 0 : record->manifest->component_count;
}

adze_error *
adze_component_list (adze_runtime *runtime, const char *kind,
                     const adze_component_info *const **components, size_t *count)
{
  ADZE_LOCKED (runtime);
  ADZE_TRY (adze_scan_once (runtime));
  size_t most = 0, found = 0;
  for (size_t i = 0; i < runtime->record_count; i++)
    most += usable_components (runtime->records[i]);
  const adze_component_info **list = calloc (most + 1, sizeof *list);
  if (!list)
    return adze_error_memory ();
  for (size_t i = 0; i < runtime->record_count; i++)
    for (size_t j = 0; j < usable_components (runtime->records[i]); j++) {
      const adze_component_info *info = adze_record_component_info (runtime->records[i], j);
      if (!kind || strcmp (kind, info->kind) == 0)
        list[found++] = info;
    }
  qsort (list, found, sizeof *list, compare_components);
  free (runtime->component_list);
  runtime->component_list = list;
  *components = list;
  *count = found;
  return NULL;
}

/* ---- One of them. */

/* Where was searched, one folder a line: the first thing to look at when something is missing. */
static void
tell_searched (adze_runtime *runtime, adze_error *error)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  for (size_t i = 0; i < runtime->places.folder_count; i++)
    adze_buffer_format (&text, "%s%s (%s)", i ? ", " : "", runtime->places.folders[i].path,
                        runtime->places.folders[i].origin);
  adze_error_set (error, "searched", text.data ? text.data : "no folder at all");
}

static adze_error *
no_component (adze_runtime *runtime, const char *id)
{
  const adze_component_info *const *list = NULL;
  size_t count = 0;
  ADZE_TRY (adze_component_list (runtime, NULL, &list, &count));
  ADZE_AUTO_FREE const char **ids = calloc (count + 1, sizeof *ids);
  if (!ids)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    ids[i] = list[i]->id;
  const char *meant = adze_nearest (id, ids, count);
  adze_error *error
      = meant ? adze_error_new (ADZE_E_NOT_FOUND,
                                "there is no component '%s'; did you mean '%s'?", id, meant)
              : adze_error_new (ADZE_E_NOT_FOUND, "there is no component '%s'", id);
  tell_searched (runtime, error);
  adze_error_set (error, "hint", "`adze list` shows what there is, `adze plugin list --failed` what "
                                 "could not be used");
  return error;
}

/* A refused plugin that would have offered it is the answer to "where is it?". */
static adze_error *
refused_component (adze_runtime *runtime, const char *id)
{
  for (size_t i = 0; i < runtime->record_count; i++) {
    const adze_plugin_record *record = runtime->records[i];
    if (!record->failure)
      continue;
    bool offered = record->manifest && adze_manifest_find (record->manifest, id);
    if (offered || (record->info && strcmp (adze_record_plugin_info (record)->id, id) == 0))
      return adze_error_wrap (adze_error_copy (record->failure),
                              "the component '%s' cannot be used", id);
  }
  return NULL;
}

adze_error *
adze_find_component (adze_runtime *runtime, const char *id, adze_plugin_record **record,
                     const adze_manifest_component **component)
{
  ADZE_TRY (adze_scan_once (runtime));
  for (size_t i = 0; i < runtime->record_count; i++) {
    adze_plugin_record *candidate = runtime->records[i];
    if (candidate->failure || !candidate->manifest)
      continue;
    *component = adze_manifest_find (candidate->manifest, id);
    *record = candidate;
    if (*component)
      return NULL;
  }
  adze_error *refused = refused_component (runtime, id);
  return refused ? refused : no_component (runtime, id);
}

adze_error *
adze_component_find (adze_runtime *runtime, const char *id, const adze_component_info **component)
{
  ADZE_LOCKED (runtime);
  adze_plugin_record *record;
  const adze_manifest_component *found;
  ADZE_TRY (adze_find_component (runtime, id, &record, &found));
  *component = adze_record_component_info (record, (size_t)(found - record->manifest->components));
  return NULL;
}

adze_error *
adze_plugin_find (adze_runtime *runtime, const char *id, const adze_plugin_info **plugin)
{
  ADZE_LOCKED (runtime);
  ADZE_TRY (adze_scan_once (runtime));
  for (size_t i = 0; i < runtime->record_count; i++) {
    ADZE_TRY (adze_record_describe (runtime->records[i]));
    const adze_plugin_info *info = adze_record_plugin_info (runtime->records[i]);
    if (strcmp (info->id, id) == 0) {
      *plugin = info;
      return NULL;
    }
  }
  adze_error *error = adze_error_new (ADZE_E_NOT_FOUND, "there is no plugin '%s'", id);
  tell_searched (runtime, error);
  return error;
}

adze_error *
adze_component_load (adze_runtime *runtime, const char *id)
{
  ADZE_LOCKED (runtime);
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_TRY (adze_find_component (runtime, id, &record, &component));
  return adze_activate (runtime, record);
}

adze_error *
adze_plugin_add (adze_runtime *runtime, const char *path, const adze_plugin_info **plugin)
{
  ADZE_LOCKED (runtime);
  adze_plugin_record *record = NULL;
  ADZE_TRY (adze_scan_once (runtime));
  ADZE_TRY (adze_scan_file (runtime, path, &record));
  if (plugin)
    *plugin = adze_record_plugin_info (record);
  return NULL;
}

/* ---- Documents. */

static adze_error *
finish (const adze_value *root, char **text)
{
  if (adze_json_failed (root))
    return adze_error_memory ();
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  adze_json_write (root, 2, &buffer);
  adze_buffer_text (&buffer, "\n");
  return adze_buffer_finish (&buffer, text);
}

adze_error *
adze_list_json (adze_runtime *runtime, const char *kind, char **text)
{
  ADZE_LOCKED (runtime);
  const adze_component_info *const *list = NULL;
  size_t count = 0;
  ADZE_TRY (adze_component_list (runtime, kind, &list, &count));
  ADZE_AUTO_VALUE root = adze_value_new (ADZE_VALUE_TABLE);
  adze_value *components = adze_json_list (root, "components");
  for (size_t i = 0; i < count; i++) {
    adze_value *component = adze_json_table (components, NULL);
    adze_json_string (component, "kind", list[i]->kind);
    adze_json_string (component, "id", list[i]->id);
    adze_json_string (component, "summary", list[i]->summary);
    adze_json_string (component, "plugin", list[i]->plugin);
  }
  return finish (root, text);
}

static void
add_plugin (adze_value *into, const adze_plugin_info *info)
{
  adze_value *plugin = adze_json_table (into, NULL);
  adze_json_string (plugin, "id", info->id);
  adze_json_string (plugin, "version", info->version);
  adze_json_string (plugin, "summary", info->summary);
  adze_json_string (plugin, "license", info->license);
  adze_json_string (plugin, "path", info->path);
  adze_json_string (plugin, "manifest", info->manifest);
  adze_json_string (plugin, "origin", info->folder_origin);
  adze_json_bool (plugin, "trusted", info->trusted);
  adze_json_bool (plugin, "builtin", info->builtin);
  adze_json_bool (plugin, "foreign", info->foreign);
  adze_json_bool (plugin, "signed", info->is_signed);
  adze_value *components = adze_json_list (plugin, "components");
  for (size_t i = 0; i < info->component_count; i++)
    adze_json_string (components, NULL, info->components[i]);
  adze_value *kernels = info->kernel_count ? adze_json_list (plugin, "kernels") : NULL;
  for (size_t i = 0; i < info->kernel_count; i++)
    adze_json_string (kernels, NULL, info->kernels[i]);
  if (info->failure)
    adze_error_to_value (info->failure, plugin, "failure");
}

adze_error *
adze_plugins_json (adze_runtime *runtime, bool failed_only, char **text)
{
  ADZE_LOCKED (runtime);
  const adze_plugin_info *const *list = NULL;
  size_t count = 0;
  ADZE_TRY (adze_plugin_list (runtime, &list, &count));
  ADZE_AUTO_VALUE root = adze_value_new (ADZE_VALUE_TABLE);
  adze_value *plugins = adze_json_list (root, "plugins");
  for (size_t i = 0; i < count; i++)
    if (!failed_only || list[i]->failure)
      add_plugin (plugins, list[i]);
  adze_value *folders = adze_json_list (root, "folders");
  for (size_t i = 0; i < runtime->places.folder_count; i++) {
    adze_value *folder = adze_json_table (folders, NULL);
    adze_json_string (folder, "path", runtime->places.folders[i].path);
    adze_json_string (folder, "origin", runtime->places.folders[i].origin);
    adze_json_bool (folder, "trusted", runtime->places.folders[i].trusted);
  }
  return finish (root, text);
}

adze_error *
adze_component_json (adze_runtime *runtime, const char *id, char **text)
{
  ADZE_LOCKED (runtime);
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_TRY (adze_find_component (runtime, id, &record, &component));
  ADZE_AUTO_VALUE root = adze_inspect_value (record->manifest, component);
  if (!root)
    return adze_error_memory ();
  adze_json_string (root, "path", record->path);
  adze_json_string (root, "origin", record->origin);
  adze_json_bool (root, "trusted", record->trusted);
  return finish (root, text);
}

adze_error *
adze_component_schema (adze_runtime *runtime, const char *id, char **text)
{
  ADZE_LOCKED (runtime);
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_TRY (adze_find_component (runtime, id, &record, &component));
  ADZE_AUTO_VALUE root = adze_inspect_schema (component);
  return root ? finish (root, text) : adze_error_memory ();
}

adze_error *
adze_component_manual (adze_runtime *runtime, const char *id, char **text)
{
  ADZE_LOCKED (runtime);
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_TRY (adze_find_component (runtime, id, &record, &component));
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  adze_inspect_manual (component, &buffer);
  return adze_buffer_finish (&buffer, text);
}
