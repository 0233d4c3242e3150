/* SPDX-License-Identifier: Apache-2.0 */
/* A record as adze/host.h shows it. Built once; every string is the manifest's. */
#include "plugin/runtime.h"

#include <string.h>

struct adze_record_info {
  adze_plugin_info plugin;
  char *file_id; /* stands in for the id of what has no manifest */
  const char **component_ids;
  const char **kernels;
  adze_component_info *components;
};

void
adze_record_info_free (struct adze_record_info *info)
{
  if (!info)
    return;
  for (size_t i = 0; i < info->plugin.component_count; i++) {
    free ((void *)info->components[i].params);
    free ((void *)info->components[i].ports);
  }
  free (info->components);
  free (info->component_ids);
  free (info->kernels);
  free (info->file_id);
  free (info);
}

static adze_error *
fill_params (const adze_manifest_component *component, adze_component_info *info)
{
  adze_param_info *params = calloc (component->param_count + 1, sizeof *params);
  if (!params)
    return adze_error_memory ();
  for (size_t i = 0; i < component->param_count; i++) {
    const adze_param *param = &component->params[i];
    params[i] = (adze_param_info){
      .struct_size = sizeof params[i],
      .name = param->name,
      .type = adze_param_type_name (param->type, param->item),
      .preset = param->preset,
      .range = param->range,
      .choices = param->choices,
      .component_kind = param->component_kind,
      .unit = param->unit,
      .since = param->since,
      .help = param->help,
    };
  }
  info->params = params;
  info->param_count = component->param_count;
  return NULL;
}

static adze_error *
fill_ports (const adze_manifest_component *component, adze_component_info *info)
{
  adze_port_info *ports = calloc (component->port_count + 1, sizeof *ports);
  if (!ports)
    return adze_error_memory ();
  for (size_t i = 0; i < component->port_count; i++) {
    const adze_port *port = &component->ports[i];
    ports[i] = (adze_port_info){
      .struct_size = sizeof ports[i],
      .name = port->name,
      .type = port->type,
      .direction = adze_direction_name (port->direction),
      .required = port->required != 0,
      .help = port->help,
    };
  }
  info->ports = ports;
  info->port_count = component->port_count;
  return NULL;
}

static adze_error *
fill_component (const adze_manifest *manifest, const adze_manifest_component *component,
                adze_component_info *info)
{
  info->struct_size = sizeof *info;
  info->kind = component->kind;
  info->id = component->id;
  info->summary = component->summary;
  info->threading = adze_threading_name (component->threading);
  info->effect = adze_effect_name (component->effect);
  info->plugin = manifest->id;
  ADZE_TRY (fill_params (component, info));
  return fill_ports (component, info);
}

static adze_error *
fill_components (const adze_manifest *manifest, struct adze_record_info *info)
{
  info->component_ids = calloc (manifest->component_count + 1, sizeof *info->component_ids);
  info->components = calloc (manifest->component_count + 1, sizeof *info->components);
  if (!info->component_ids || !info->components)
    return adze_error_memory ();
  info->plugin.component_count = manifest->component_count;
  for (size_t i = 0; i < manifest->component_count; i++) {
    info->component_ids[i] = manifest->components[i].id;
    ADZE_TRY (fill_component (manifest, &manifest->components[i], &info->components[i]));
  }
  return NULL;
}

static adze_error *
fill_kernels (const adze_manifest *manifest, struct adze_record_info *info)
{
  const adze_value *functions = adze_value_get (manifest->foreign, "function");
  size_t count = functions ? functions->count : 0;
  info->kernels = calloc (count + 1, sizeof *info->kernels);
  if (!info->kernels)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++) {
    const adze_value *contract = adze_value_get (functions->items[i], "contract");
    if (contract)
      info->kernels[info->plugin.kernel_count++] = contract->string;
  }
  return NULL;
}

/* What a file without a manifest is called: its name without the ending. */
static char *
file_id (const char *path)
{
  char *id = strdup (adze_path_base (path));
  char *dot = id ? strrchr (id, '.') : NULL;
  if (dot && dot != id)
    *dot = '\0';
  return id;
}

static void
fill_plugin (const adze_plugin_record *record, struct adze_record_info *info)
{
  const adze_manifest *manifest = record->manifest;
  info->plugin.struct_size = sizeof info->plugin;
  info->plugin.id = manifest ? manifest->id : info->file_id;
  info->plugin.version = manifest ? manifest->version : NULL;
  info->plugin.summary = manifest ? manifest->summary : NULL;
  info->plugin.license = manifest ? manifest->license : NULL;
  info->plugin.path = record->path;
  info->plugin.manifest = record->manifest_path;
  info->plugin.folder_origin = record->origin;
  info->plugin.trusted = record->trusted;
  info->plugin.builtin = record->builtin;
  info->plugin.foreign = manifest && manifest->foreign;
  info->plugin.is_signed = record->signature == ADZE_SIGNATURE_TRUSTED;
  info->plugin.loaded = record->loaded;
  info->plugin.components = info->component_ids;
  info->plugin.failure = record->failure;
  info->plugin.kernels = info->kernels;
}

adze_error *
adze_record_describe (adze_plugin_record *record)
{
  struct adze_record_info *info = record->info;
  if (info && (record->manifest == NULL) == (info->file_id != NULL)) {
    /* Only what changes while a record lives. */
    info->plugin.loaded = record->loaded;
    info->plugin.failure = record->failure;
    return NULL;
  }
  info = calloc (1, sizeof *info);
  if (!info)
    return adze_error_memory ();
  adze_error *error = NULL;
  if (record->manifest)
    error = fill_components (record->manifest, info);
  if (record->manifest && !error)
    error = fill_kernels (record->manifest, info);
  if (!record->manifest && !(info->file_id = file_id (record->path)))
    error = adze_error_memory ();
  if (error) {
    adze_record_info_free (info);
    return error;
  }
  fill_plugin (record, info);
  adze_record_info_free (record->info);
  record->info = info;
  return NULL;
}

const adze_plugin_info *
adze_record_plugin_info (const adze_plugin_record *record)
{
  return &record->info->plugin;
}

const adze_component_info *
adze_record_component_info (const adze_plugin_record *record, size_t index)
{
  return &record->info->components[index];
}
