/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/component.c: the components that a pipeline names: is there such a one, is it of the right
 * kind, and are its parameters good? */
#include "pipeline/reader.h"

#include <string.h>

#include "base/file.h"

/* As many as a line can hold of what there is. */
#define LISTED_MAX 24

static const char *
article (const char *kind)
{
  return strchr ("aeiou", kind[0]) ? "an" : "a";
}

/* ---- Looking one up. */

/* "clip, cast, ..." */
static void
list_ids (const adze_component_info *const *list, size_t count, adze_buffer *into)
{
  size_t most = count > LISTED_MAX ? LISTED_MAX : count;
  for (size_t i = 0; i < most; i++)
    adze_buffer_format (into, "%s%s", i > 0 ? ", " : "", list[i]->id);
  if (most < count)
    adze_buffer_format (into, " and %zu more", count - most);
}

static adze_error *
no_such (const char *kind, const char *id, const adze_component_info *const *list, size_t count)
{
  ADZE_AUTO_FREE const char **ids = calloc (count + 1, sizeof *ids);
  ADZE_AUTO (adze_buffer) known = { 0 };
  list_ids (list, count, &known);
  if (!ids || known.failed)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    ids[i] = list[i]->id;
  const char *meant = adze_nearest (id, ids, count);
  if (meant)
    return adze_error_new (ADZE_E_NOT_FOUND, "there is no %s '%s'; did you mean '%s'?", kind, id,
                           meant);
  adze_error *error
      = count > 0
            ? adze_error_new (ADZE_E_NOT_FOUND, "there is no %s '%s'; there are %s", kind, id,
                              known.data)
            : adze_error_new (ADZE_E_NOT_FOUND, "there is no %s '%s', and none at all", kind, id);
  adze_error_setf (error, "hint",
                   "install the plugin that has it, or name its folder by --plugin-path; `adze "
                   "plugin list` shows where is searched");
  return error;
}

/* Why there is none. A plugin that was refused, or a component of another kind, is the answer to
 * "where is it?". */
static adze_error *
missing (adze_runtime *runtime, const char *kind, const char *id)
{
  const adze_component_info *const *list = NULL;
  size_t count = 0;
  ADZE_TRY (adze_component_list (runtime, kind, &list, &count));
  adze_error *error = no_such (kind, id, list, count);
  if (adze_error_status (error) == ADZE_E_MEMORY)
    return error;
  adze_plugin_record *record;
  const adze_manifest_component *other;
  ADZE_AUTO_ERROR refused = adze_find_component (runtime, id, &record, &other);
  if (refused && !adze_error_cause (refused))
    return error;
  adze_error_free (error);
  if (refused)
    return adze_take (&refused);
  error = adze_error_new (ADZE_E_NOT_FOUND, "'%s' is %s %s, and here %s %s is needed", id,
                          article (other->kind), other->kind, article (kind), kind);
  adze_error_setf (error, "hint", "`adze list %s` shows which there are", kind);
  return error;
}

static adze_error *
find (adze_runtime *runtime, const char *kind, const char *id, adze_plugin_record **record,
      const adze_manifest_component **component)
{
  ADZE_AUTO_ERROR error = adze_find_component (runtime, id, record, component);
  if (error && adze_error_status (error) != ADZE_E_NOT_FOUND && !adze_error_cause (error))
    return adze_take (&error);
  if (error || strcmp ((*component)->kind, kind) != 0)
    return missing (runtime, kind, id);
  return NULL;
}

const adze_manifest_component *
adze_reader_find (adze_reader *reader, const char *kind, const adze_value *at,
                  adze_plugin_record **record)
{
  adze_plugin_record *own = NULL;
  const adze_manifest_component *component = NULL;
  adze_error *error = find (reader->runtime, kind, at->string, record ? record : &own, &component);
  if (!error)
    return component;
  adze_complain_of (reader, at, error);
  return NULL;
}

/* ---- use */

/* A key of TABLE that looks as if it should be "use": its value is the id of such a component, or its
 * name is that of the kind. */
static const adze_value *
find_misnamed (const adze_value *table, const char *kind, const adze_component_info *const *list,
               size_t count)
{
  static const char *const use[] = { "use" };
  for (size_t i = 0; i < table->count; i++) {
    const adze_value *item = table->items[i];
    if (item->type != ADZE_VALUE_STRING || strcmp (item->key, "id") == 0)
      continue;
    if (strcmp (item->key, kind) == 0 || adze_nearest (item->key, use, 1))
      return item;
    for (size_t k = 0; k < count; k++)
      if (strcmp (list[k]->id, item->string) == 0)
        return item;
  }
  return NULL;
}

const adze_value *
adze_reader_use (adze_reader *reader, const adze_value *table, const char *owner, const char *kind)
{
  const adze_component_info *const *list = NULL;
  size_t count = 0;
  if (adze_value_get (table, "use"))
    return adze_read_string (reader, table, "use", NULL);
  adze_complain (reader, adze_component_list (reader->runtime, kind, &list, &count));
  const adze_value *misnamed = find_misnamed (table, kind, list, count);
  ADZE_AUTO_FREE char *upper = strdup (kind);
  for (char *c = upper; c && *c; c++)
    *c = (char)(*c - 'a' + 'A');
  ADZE_AUTO_FREE char *hint
      = misnamed && misnamed->key_line > 0
            ? adze_text_format ("'%s' in line %u is perhaps meant as 'use'; `adze list %s` shows "
                                "which there are",
                                misnamed->key, (unsigned)misnamed->key_line, kind)
            : adze_text_format ("add one; `adze list %s` shows which there are", kind);
  adze_complain_hint (reader, table, hint, "%s has no use = \"%s\"", owner, upper ? upper : "");
  return NULL;
}

/* ---- Parameters. */

static adze_error *
find_inner (void *context, const char *kind, const char *id,
            const adze_manifest_component **component)
{
  adze_reader *reader = context;
  adze_plugin_record *record;
  return find (reader->runtime, kind, id, &record, component);
}

static void
take_complaint (void *context, adze_error *error)
{
  adze_complain (context, error);
}

static bool
is_among (const char *const *names, const char *name)
{
  for (size_t i = 0; names[i]; i++)
    if (strcmp (names[i], name) == 0)
      return true;
  return false;
}

/* The entries of TABLE that are not the host's; *SETTINGS stays NULL when there are none. */
static adze_error *
copy_settings (const adze_value *table, const char *const *ignore, adze_value **settings)
{
  ADZE_AUTO_VALUE made = adze_value_new (ADZE_VALUE_TABLE);
  if (!made)
    return adze_error_memory ();
  made->line = table->line;
  made->column = table->column;
  made->origin = table->origin;
  for (size_t i = 0; i < table->count; i++) {
    const adze_value *item = table->items[i];
    if (is_among (ignore, item->key))
      continue;
    ADZE_TRY (adze_value_append_sized (made, item->key, item->key_size, adze_value_copy (item)));
  }
  if (made->count > 0)
    *settings = adze_take (&made);
  return NULL;
}

/* An output must not be written over one. */
static adze_error *
keep_files (adze_pipeline *pipeline, const adze_params *params)
{
  for (size_t i = 0; params && i < params->count; i++) {
    const struct adze_param_value *value = &params->values[i];
    ADZE_TRY (keep_files (pipeline, value->nested));
    if (value->type != ADZE_PARAM_FILE || !value->string || !value->string[0])
      continue;
    char **grown = realloc (pipeline->files, (pipeline->file_count + 1) * sizeof *grown);
    if (!grown)
      return adze_error_memory ();
    pipeline->files = grown;
    grown[pipeline->file_count] = strdup (value->string);
    if (!grown[pipeline->file_count])
      return adze_error_memory ();
    pipeline->file_count++;
  }
  return NULL;
}

/* Checked when all is known that it must not be: adze_read_outputs. */
static adze_error *
keep_written (adze_pipeline *pipeline, const adze_value *table, const adze_params *params)
{
  for (size_t i = 0; params && i < params->count; i++) {
    const struct adze_param_value *value = &params->values[i];
    if (value->type != ADZE_PARAM_OUTPUT_FILE || !value->string || !value->string[0])
      continue;
    size_t count = pipeline->written_count;
    adze_pipeline_written *grown = reallocarray (pipeline->written, count + 1, sizeof *grown);
    if (!grown)
      return adze_error_memory ();
    pipeline->written = grown;
    const adze_value *given = adze_value_get (table, value->name);
    grown[count] = (adze_pipeline_written){ strdup (value->string), given ? given : table };
    if (!grown[count].path)
      return adze_error_memory ();
    pipeline->written_count++;
  }
  return NULL;
}

static bool
is_param (const adze_manifest_component *component, const char *name)
{
  for (size_t i = 0; i < component->param_count; i++)
    if (strcmp (component->params[i].name, name) == 0)
      return true;
  return false;
}

/* OWN and the keys of TABLE that are the pipeline's, which are complained of. */
static adze_error *
find_ignored (adze_reader *reader, const adze_manifest_component *component,
              const adze_value *table, const adze_own_keys *own, const char ***ignored)
{
  size_t count = 0;
  while (own->all[count])
    count++;
  *ignored = calloc (count + table->count + 1, sizeof **ignored);
  if (!*ignored)
    return adze_error_memory ();
  memcpy (*ignored, own->all, count * sizeof **ignored);
  for (size_t i = 0; i < table->count; i++) {
    const adze_value *item = table->items[i];
    if (!is_among (own->all, item->key) && !is_param (component, item->key)
        && adze_is_misplaced (reader, item, own->owner))
      (*ignored)[count++] = item->key;
  }
  return NULL;
}

void
adze_reader_params (adze_reader *reader, const adze_manifest_component *component,
                    const adze_value *table, const adze_own_keys *own, bool partial,
                    adze_value **settings)
{
  ADZE_AUTO_FREE const char **ignored = NULL;
  adze_error *error = find_ignored (reader, component, table, own, &ignored);
  if (error) {
    adze_complain (reader, error);
    return;
  }
  adze_params_request request = { .document = reader->document,
                                  .table = table,
                                  .ignore = ignored,
                                  .owner = own->owner,
                                  .own = own->shown,
                                  .folder = reader->pipeline->folder,
                                  .looking = reader->looking,
                                  .find = find_inner,
                                  .find_context = reader,
                                  .partial = partial,
                                  .complain = take_complaint,
                                  .complain_context = reader };
  ADZE_AUTO_PARAMS params = NULL;
  adze_complain (reader, adze_params_examine (component, &request, &params));
  adze_complain (reader, keep_files (reader->pipeline, params));
  adze_complain (reader, keep_written (reader->pipeline, table, params));
  adze_complain (reader, copy_settings (table, own->all, settings));
}

/* ---- Backends. */

/* LISTED: LIST has "ref" in it. */
static void
complain_of_backend (adze_reader *reader, const adze_value *backend,
                     const adze_component_info *const *list, size_t count, bool listed)
{
  ADZE_AUTO (adze_buffer) known = { 0 };
  ADZE_AUTO_FREE const char **ids = calloc (count + 1, sizeof *ids);
  if (!ids) {
    adze_complain (reader, adze_error_memory ());
    return;
  }
  for (size_t i = 0; i < count; i++)
    ids[i] = list[i]->id;
  ids[count] = "ref";
  const char *meant = adze_nearest (backend->string, ids, count + 1);
  if (!listed)
    adze_buffer_text (&known, count > 0 ? "ref, " : "ref");
  list_ids (list, count, &known);
  if (meant)
    adze_complain_at (reader, backend, "there is no backend '%s'; did you mean '%s'?",
                      backend->string, meant);
  else
    adze_complain_at (reader, backend, "there is no backend '%s'; there are: %s", backend->string,
                      known.data ? known.data : "");
}

const char *
adze_reader_backend (adze_reader *reader, const adze_value *table)
{
  const adze_value *backend = adze_read_string (reader, table, "backend", NULL);
  if (!backend)
    return NULL;
  /* Taken for granted, like the preset that it is: a pipeline that computes nothing needs none. */
  if (strcmp (backend->string, "ref") == 0)
    return backend->string;
  bool listed = false;
  const adze_component_info *const *list = NULL;
  size_t count = 0;
  adze_complain (reader, adze_component_list (reader->runtime, "backend", &list, &count));
  for (size_t i = 0; i < count; i++) {
    if (strcmp (list[i]->id, backend->string) == 0)
      return backend->string;
    listed = listed || strcmp (list[i]->id, "ref") == 0;
  }
  complain_of_backend (reader, backend, list, count, listed);
  return NULL;
}
