/* SPDX-License-Identifier: Apache-2.0 */
/* run/content_settings.c: the parts of a key that parameters are: values, the same however they are
 * written and also where the preset says them, files by what is in them, components with their plugin
 * and their own parameters; and of datasets. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* So that the state can lie on the stack, and hashing cannot fail. */
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "base/digest.h"
#include "run/execution.h"

enum { DEPTH_MOST = 16, PIECE = 1 << 18 };

/* ---- Parts. */

adze_error *
adze_content_add (adze_key *key, const char *prefix, const char *part, const char *value)
{
  ADZE_AUTO_FREE char *name = prefix ? adze_text_format ("%s/%s", prefix, part) : strdup (part);
  return name ? adze_key_add (key, name, value) : adze_error_memory ();
}

adze_error *
adze_content_value (adze_key *key, const char *prefix, const char *kind, const char *name,
                    const adze_value *value)
{
  ADZE_AUTO_FREE char *part = adze_text_format ("%s.%s", kind, name);
  ADZE_AUTO (adze_buffer) text = { 0 };
  ADZE_AUTO_FREE char *shown = NULL;
  if (!part)
    return adze_error_memory ();
  adze_value_write_toml (value, &text);
  ADZE_TRY (adze_buffer_finish (&text, &shown));
  return adze_content_add (key, prefix, part, shown);
}

/* ---- Files. */

const char *
adze_content_name (const adze_execution *x, const char *path)
{
  const char *folder = x->plan->pipeline->folder;
  size_t size = strlen (folder);
  return strncmp (path, folder, size) == 0 && path[size] == '/' ? path + size + 1 : path;
}

static adze_error *
hash_all (const char *path, int fd, adze_hash128 *hash)
{
  ADZE_AUTO_FREE char *piece = malloc (PIECE);
  XXH3_state_t state;
  if (!piece)
    return adze_error_memory ();
  XXH3_INITSTATE (&state);
  XXH3_128bits_reset (&state);
  for (;;) {
    ssize_t got = read (fd, piece, PIECE);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0) {
      adze_error *error = adze_error_errno ("cannot read %s", path);
      adze_error_set (error, "file", path);
      return error;
    }
    if (got == 0)
      break;
    XXH3_128bits_update (&state, piece, (size_t)got);
  }
  XXH128_hash_t sum = XXH3_128bits_digest (&state);
  *hash = (adze_hash128){ .low = sum.low64, .high = sum.high64 };
  return NULL;
}

/* Data can be large: what was hashed is remembered as inputs are. */
adze_error *
adze_content_file (adze_execution *x, const char *path, adze_hash128 *hash)
{
  struct stat before, after;
  ADZE_AUTO_FD int fd = -1;
  ADZE_TRY (adze_file_open (path, &fd, &before));
  adze_file_identity was = adze_file_identity_of (&before);
  if (!x->options.verify && adze_known_get (x->folder, &was, "file", hash))
    return NULL;
  ADZE_TRY (hash_all (path, fd, hash));
  if (fstat (fd, &after) != 0)
    return adze_error_errno ("cannot look at %s", path);
  adze_file_identity is = adze_file_identity_of (&after);
  return adze_file_identity_equal (&was, &is) ? adze_known_put (x->folder, &was, "file", *hash)
                                              : NULL;
}

/* A file counts by what is in it; an empty path says that there is none. */
static adze_error *
add_file (adze_execution *x, adze_key *key, const char *prefix, const char *name,
          const adze_value *value)
{
  adze_hash128 hash;
  char text[ADZE_HASH_TEXT];
  if (value->type != ADZE_VALUE_STRING || value->string_size == 0)
    return NULL;
  ADZE_AUTO_FREE char *path
      = value->string[0] == '/'
            ? strdup (value->string)
            : adze_text_format ("%s/%s", x->plan->pipeline->folder, value->string);
  ADZE_AUTO_FREE char *part = adze_text_format ("file.%s", name);
  if (!path || !part)
    return adze_error_memory ();
  ADZE_TRY (adze_content_file (x, path, &hash));
  adze_hash_text (hash, text);
  ADZE_TRY (adze_content_add (key, prefix, part, text));
  ADZE_AUTO_FREE char *called = adze_text_format ("name.%s", part);
  return called ? adze_content_add (key, prefix, called, adze_content_name (x, path))
                : adze_error_memory ();
}

/* Of a list or a map. */
static adze_error *
add_files (adze_execution *x, adze_key *key, const char *prefix, const char *name,
           const adze_value *values)
{
  for (size_t i = 0; i < values->count; i++) {
    const adze_value *value = values->items[i];
    ADZE_AUTO_FREE char *own = value->key ? adze_text_format ("%s.%s", name, value->key)
                                          : adze_text_format ("%s.%zu", name, i);
    if (!own)
      return adze_error_memory ();
    ADZE_TRY (add_file (x, key, prefix, own, value));
  }
  return NULL;
}

/* ---- Plugins. */

/* Of a plugin that binds libraries by a manifest alone: what computes is in them, and changes with the
 * system. */
static adze_error *
add_libraries (adze_execution *x, adze_key *key, const char *prefix, adze_plugin_record *record)
{
  ADZE_AUTO (adze_buffer) names = { 0 };
  ADZE_AUTO (adze_buffer) hashes = { 0 };
  ADZE_AUTO_FREE char *name = NULL;
  ADZE_AUTO_FREE char *content = NULL;
  for (size_t i = 0;; i++) {
    const char *path;
    adze_hash128 hash;
    char text[ADZE_HASH_TEXT];
    ADZE_TRY (adze_record_library (x->plan->runtime, record, i, &path));
    if (!path)
      break;
    ADZE_TRY (adze_content_file (x, path, &hash));
    adze_hash_text (hash, text);
    adze_buffer_format (&names, "%s%s", i ? ", " : "", adze_path_base (path));
    adze_buffer_format (&hashes, "%s%s", i ? ", " : "", text);
  }
  if (names.size == 0)
    return NULL;
  ADZE_TRY (adze_buffer_finish (&names, &name));
  ADZE_TRY (adze_buffer_finish (&hashes, &content));
  ADZE_TRY (adze_content_add (key, prefix, "library", name));
  return adze_content_add (key, prefix, ADZE_KEY_LIBRARY_CONTENT, content);
}

/* Its id and version, and its build. */
static adze_error *
add_plugin (adze_key *key, const char *prefix, const char *part, const char *build_part,
            adze_plugin_record *record)
{
  const adze_manifest *manifest = record->manifest;
  char build[ADZE_DIGEST_TEXT];
  ADZE_AUTO_FREE char *plugin
      = adze_text_format ("%s %s", manifest->id, manifest->version ? manifest->version : "");
  if (!plugin)
    return adze_error_memory ();
  ADZE_TRY (adze_record_build (record, build));
  ADZE_TRY (adze_content_add (key, prefix, part, plugin));
  return adze_content_add (key, prefix, build_part, build);
}

adze_error *
adze_content_plugin (adze_execution *x, adze_key *key, const char *prefix,
                     adze_plugin_record *record)
{
  ADZE_TRY (add_plugin (key, prefix, "plugin", "build", record));
  return add_libraries (x, key, prefix, record);
}

adze_error *
adze_content_reader (adze_execution *x, adze_key *key, const char *prefix, const char *port,
                     const adze_model *file)
{
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_AUTO_FREE char *reader = adze_text_format (ADZE_KEY_READER "%s", port);
  ADZE_AUTO_FREE char *build = adze_text_format (ADZE_KEY_READER_BUILD "%s", port);
  if (!reader || !build)
    return adze_error_memory ();
  ADZE_TRY (adze_find_component (x->plan->runtime, file->format, &record, &component));
  return add_plugin (key, prefix, reader, build, record);
}

/* ---- Parameters. */

static adze_error *add_settings (adze_execution *x, adze_key *key, const char *prefix,
                                 const adze_manifest_component *component,
                                 const adze_value *settings, bool partial, unsigned depth);

/* `codec = "int8"`, or a table that begins with `use`; NAME is that of the parameter, or its entry's. */
static adze_error *
add_component (adze_execution *x, adze_key *key, const char *prefix, const char *name,
               const adze_value *value, unsigned depth)
{
  adze_plugin_record *record;
  const adze_manifest_component *component;
  bool table = value->type == ADZE_VALUE_TABLE;
  const adze_value *use = table ? adze_value_get (value, "use") : value;
  if (depth >= DEPTH_MOST || !use || use->type != ADZE_VALUE_STRING)
    return adze_error_new (ADZE_E_INTERNAL, "parameter '%s' was checked, and is no component",
                           name);
  ADZE_AUTO_FREE char *own = adze_text_format ("%s/%s", prefix, name);
  if (!own)
    return adze_error_memory ();
  ADZE_TRY (adze_content_value (key, prefix, "param", name, use));
  ADZE_TRY (adze_find_component (x->plan->runtime, use->string, &record, &component));
  ADZE_TRY (adze_content_plugin (x, key, own, record));
  return add_settings (x, key, own, component, table ? value : NULL, false, depth + 1);
}

/* A list's by number, a map's by name. */
static adze_error *
add_components (adze_execution *x, adze_key *key, const char *prefix, const adze_param *param,
                const adze_value *value, unsigned depth)
{
  for (size_t i = 0; i < value->count; i++) {
    const adze_value *entry = value->items[i];
    ADZE_AUTO_FREE char *name = entry->key ? adze_text_format ("%s.%s", param->name, entry->key)
                                           : adze_text_format ("%s.%zu", param->name, i);
    if (!name)
      return adze_error_memory ();
    ADZE_TRY (add_component (x, key, prefix, name, entry, depth));
  }
  return NULL;
}

static adze_error *
add_setting (adze_execution *x, adze_key *key, const char *prefix, const adze_param *param,
             const adze_value *value, unsigned depth)
{
  if (param->type == ADZE_PARAM_FILE)
    return add_file (x, key, prefix, param->name, value);
  if (param->item == ADZE_PARAM_FILE)
    return add_files (x, key, prefix, param->name, value);
  if (param->type == ADZE_PARAM_COMPONENT && !adze_param_left_out (param, value))
    return add_component (x, key, prefix, param->name, value, depth);
  if (param->item == ADZE_PARAM_COMPONENT)
    return add_components (x, key, prefix, param, value, depth);
  return adze_content_value (key, prefix, "param", param->name, value);
}

/* In the order of the component's table, which is the same however the pipeline has them. */
static adze_error *
add_settings (adze_execution *x, adze_key *key, const char *prefix,
              const adze_manifest_component *component, const adze_value *settings, bool partial,
              unsigned depth)
{
  for (size_t i = 0; i < component->param_count; i++) {
    const adze_param *param = &component->params[i];
    ADZE_AUTO_VALUE value = NULL;
    ADZE_TRY (adze_param_given (param, settings, partial, &value));
    if (value)
      ADZE_TRY (add_setting (x, key, prefix, param, value, depth));
  }
  return NULL;
}

adze_error *
adze_content_settings (adze_execution *x, adze_key *key, const char *prefix,
                       const adze_manifest_component *component, const adze_value *settings,
                       bool partial)
{
  return add_settings (x, key, prefix, component, settings, partial, 0);
}

/* ---- Datasets. */

/* Which examples, and in which order: the seed, which it depends on as well, is a part of every key. */
static adze_error *
add_choice (adze_key *key, const char *prefix, const adze_pipeline_data *data)
{
  char first[ADZE_REAL_TEXT], last[ADZE_REAL_TEXT];
  adze_real_text (data->first, first);
  adze_real_text (data->last, last);
  ADZE_AUTO_FREE char *part = adze_text_format ("[%s, %s]", first, last);
  ADZE_AUTO_FREE char *limit = adze_text_format ("%" PRIu64, data->limit);
  if (!part || !limit)
    return adze_error_memory ();
  ADZE_TRY (adze_content_add (key, prefix, "shuffle", data->shuffle ? "true" : "false"));
  ADZE_TRY (adze_content_add (key, prefix, "part", part));
  return adze_content_add (key, prefix, "limit", limit);
}

adze_error *
adze_content_data (adze_execution *x, adze_key *key, const char *stage, const char *port,
                   const adze_pipeline_data *data)
{
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_AUTO_FREE char *prefix = adze_text_format ("%s/port %s", stage, port);
  if (!prefix)
    return adze_error_memory ();
  ADZE_TRY (adze_find_component (x->plan->runtime, data->use, &record, &component));
  ADZE_TRY (adze_content_add (key, prefix, "source", data->use));
  ADZE_TRY (adze_content_plugin (x, key, prefix, record));
  ADZE_TRY (add_settings (x, key, prefix, component, data->settings, false, 0));
  return add_choice (key, prefix, data);
}
