/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/manifest/manifest.c: what there is to know about a plugin: as a struct, as a tree, and where two
 * of them differ. */
#include "plugin/manifest/manifest.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "plugin/manifest/params.h"
#include "plugin/refusal.h"

/* ---- The struct. */

adze_manifest *
adze_manifest_new (void)
{
  return calloc (1, sizeof (adze_manifest));
}

static void
free_component (adze_manifest_component *component)
{
  for (size_t i = 0; i < component->param_count; i++) {
    adze_param *param = &component->params[i];
    const char *const texts[] = { param->name,           param->preset, param->range,
                                  param->choices,        param->unit,   param->since,
                                  param->component_kind, param->help };
    for (size_t j = 0; j < ADZE_COUNT_OF (texts); j++)
      free ((char *)texts[j]);
  }
  for (size_t i = 0; i < component->port_count; i++) {
    free ((char *)component->ports[i].name);
    free ((char *)component->ports[i].type);
    free ((char *)component->ports[i].help);
  }
  free (component->params);
  free (component->ports);
  free (component->kind);
  free (component->id);
  free (component->summary);
}

void
adze_manifest_free (adze_manifest *manifest)
{
  if (!manifest)
    return;
  for (size_t i = 0; i < manifest->component_count; i++)
    free_component (&manifest->components[i]);
  free (manifest->components);
  adze_value_free (manifest->foreign);
  free (manifest->id);
  free (manifest->version);
  free (manifest->summary);
  free (manifest->license);
  free (manifest->file);
  free (manifest->digest);
  free (manifest);
}

const adze_manifest_component *
adze_manifest_find (const adze_manifest *manifest, const char *id)
{
  for (size_t i = 0; i < manifest->component_count; i++)
    if (strcmp (manifest->components[i].id, id) == 0)
      return &manifest->components[i];
  return NULL;
}

/* ---- Ports. */

const adze_port *
adze_manifest_ports (const adze_manifest_component *component, size_t *count)
{
  static const adze_port changes[] = {
    { "model", "model", ADZE_PORT_IN, 1, "the model to work on" },
    { "model", "model", ADZE_PORT_OUT, 1, "the changed model" },
  };
  static const adze_port inspects[] = {
    { "model", "model", ADZE_PORT_IN, 1, "the model to look at" },
  };
  *count = component->port_count;
  if (component->port_count > 0)
    return component->ports;
  if (component->effect == ADZE_CHANGES) {
    *count = ADZE_COUNT_OF (changes);
    return changes;
  }
  if (component->effect == ADZE_INSPECTS) {
    *count = ADZE_COUNT_OF (inspects);
    return inspects;
  }
  return NULL;
}

/* ---- The tree. */

void
adze_manifest_put (adze_value *into, const char *key, adze_value *item)
{
  if (!into) {
    adze_value_free (item);
    return;
  }
  ADZE_AUTO_ERROR error = adze_value_append (into, key, item);
  if (error)
    into->failed = true;
}

void
adze_manifest_put_choices (adze_value *into, const char *key, const char *choices)
{
  char **words;
  size_t count;
  ADZE_AUTO_ERROR error = adze_choices_split (choices, &words, &count);
  if (error) {
    adze_manifest_put (into, key, NULL);
    return;
  }
  adze_value *list = adze_json_list (into, key);
  for (size_t i = 0; i < count; i++)
    adze_json_string (list, NULL, words[i]);
  adze_names_free (words, count);
}

static void
add_param (adze_value *into, const adze_param *param)
{
  adze_value *table = adze_json_table (into, NULL);
  adze_json_string (table, "name", param->name);
  adze_json_string (table, "type", adze_param_type_name (param->type, param->item));
  if (param->preset) {
    adze_value *preset;
    adze_error_free (adze_param_preset (param, &preset));
    adze_manifest_put (table, "default", preset);
  }
  adze_json_string (table, "range", param->range);
  if (param->choices)
    adze_manifest_put_choices (table, "choices", param->choices);
  adze_json_string (table, "component-kind", param->component_kind);
  adze_json_string (table, "unit", param->unit);
  adze_json_string (table, "since", param->since);
  adze_json_string (table, "help", param->help);
}

static void
add_port (adze_value *into, const adze_port *port)
{
  adze_value *table = adze_json_table (into, NULL);
  adze_json_string (table, "name", port->name);
  adze_json_string (table, "type", port->type);
  adze_json_string (table, "direction", adze_direction_name (port->direction));
  adze_json_bool (table, "required", port->required != 0);
  adze_json_string (table, "help", port->help);
}

adze_value *
adze_manifest_component_value (const adze_manifest_component *component)
{
  ADZE_AUTO_VALUE table = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (table, "kind", component->kind);
  adze_json_int (table, "kind-revision", component->kind_revision);
  adze_json_string (table, "id", component->id);
  adze_json_string (table, "summary", component->summary);
  adze_json_string (table, "threading", adze_threading_name (component->threading));
  adze_json_string (table, "effect", adze_effect_name (component->effect));
  size_t count;
  const adze_port *ports = adze_manifest_ports (component, &count);
  adze_value *port_list = adze_json_list (table, "port");
  for (size_t i = 0; i < count; i++)
    add_port (port_list, &ports[i]);
  adze_value *param_list = adze_json_list (table, "param");
  for (size_t i = 0; i < component->param_count; i++)
    add_param (param_list, &component->params[i]);
  return adze_json_failed (table) ? NULL : adze_take (&table);
}

adze_value *
adze_manifest_value (const adze_manifest *manifest)
{
  ADZE_AUTO_VALUE table = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_int (table, "manifest", 1);
  adze_json_string (table, "id", manifest->id);
  adze_json_string (table, "version", manifest->version);
  adze_json_string (table, "summary", manifest->summary);
  adze_json_string (table, "license", manifest->license);
  adze_json_string (table, "file", manifest->file);
  /* A foreign library knows nothing of our contract. */
  if (manifest->abi_major > 0 || manifest->abi_minor > 0) {
    char abi[32];
    snprintf (abi, sizeof abi, "%u.%u", (unsigned)manifest->abi_major,
              (unsigned)manifest->abi_minor);
    adze_json_string (table, "abi", abi);
  }
  adze_json_string (table, "digest", manifest->digest);
  adze_value *list = adze_json_list (table, "component");
  for (size_t i = 0; i < manifest->component_count; i++)
    adze_manifest_put (list, NULL, adze_manifest_component_value (&manifest->components[i]));
  if (manifest->foreign)
    adze_manifest_put (table, "foreign", adze_value_copy (manifest->foreign));
  return adze_json_failed (table) ? NULL : adze_take (&table);
}

/* ---- Differences. */

/* The first place where two trees differ. All of it points into the trees. */
typedef struct difference {
  struct {
    const char *word; /* "component" */
    const char *name;
  } path[2];
  size_t depth;
  const char *field; /* NULL: the entry that PATH leads to is not in both */
  const adze_value *needed, *found;
} difference;

/* Lists whose entries have a name to speak of them by. */
static const struct {
  const char *key, *word, *name, *order;
} named_lists[] = {
  { "component", "component", "id", "the order of components" },
  { "port", "port", "name", "the order of ports" },
  { "param", "parameter", "name", "the order of parameters" },
};

static const char *
name_of (const adze_value *entry, const char *key)
{
  return adze_value_get (entry, key)->string;
}

static bool
has_named (const adze_value *list, const char *key, const char *name)
{
  for (size_t i = 0; i < list->count; i++)
    if (strcmp (name_of (list->items[i], key), name) == 0)
      return true;
  return false;
}

static bool differ (const adze_value *a, const adze_value *b, difference *result);

/* An entry that only one has is said to be missing or too much; the same entries in another order
 * differ in their first name. */
static bool
differ_lists (const adze_value *a, const adze_value *b, size_t kind, difference *result)
{
  const char *key = named_lists[kind].name;
  for (size_t i = 0; i < a->count || i < b->count; i++) {
    const adze_value *x = i < a->count ? a->items[i] : NULL;
    const adze_value *y = i < b->count ? b->items[i] : NULL;
    result->path[result->depth].word = named_lists[kind].word;
    result->path[result->depth].name = name_of (x ? x : y, key);
    result->depth++;
    if (x && y && strcmp (name_of (x, key), name_of (y, key)) == 0) {
      if (differ (x, y, result))
        return true;
      result->depth--;
      continue;
    }
    if (x && y && !has_named (a, key, name_of (y, key))) {
      result->path[result->depth - 1].name = name_of (y, key);
      x = NULL;
    } else if (x && y && has_named (b, key, name_of (x, key))) {
      result->depth--;
      result->field = named_lists[kind].order;
      result->needed = adze_value_get (x, key);
      result->found = adze_value_get (y, key);
      return true;
    }
    result->needed = x;
    result->found = x ? NULL : y;
    return true;
  }
  return false;
}

static bool
differ_at (const char *key, const adze_value *x, const adze_value *y, difference *result)
{
  for (size_t i = 0; x && y && i < ADZE_COUNT_OF (named_lists); i++)
    if (strcmp (named_lists[i].key, key) == 0)
      return differ_lists (x, y, i, result);
  if (x && y && adze_value_equal (x, y))
    return false;
  result->field = key;
  result->needed = x;
  result->found = y;
  return true;
}

static bool
differ (const adze_value *a, const adze_value *b, difference *result)
{
  for (size_t i = 0; i < a->count; i++)
    if (differ_at (a->items[i]->key, a->items[i], adze_value_get (b, a->items[i]->key), result))
      return true;
  for (size_t i = 0; i < b->count; i++)
    if (!adze_value_get (a, b->items[i]->key))
      return differ_at (b->items[i]->key, NULL, b->items[i], result);
  return false;
}

/* What one side says, as it stands in a manifest. */
static void
write_side (const difference *found, const adze_value *side, adze_buffer *into)
{
  if (!side)
    adze_buffer_text (into, "nothing");
  else if (found->field)
    adze_value_write_toml (side, into);
  else
    adze_buffer_format (into, "%s '%s'", found->path[found->depth - 1].word,
                        found->path[found->depth - 1].name);
}

static adze_error *
refuse_difference (const char *path, const difference *found)
{
  ADZE_AUTO (adze_buffer) where = { 0 };
  ADZE_AUTO (adze_buffer) needed = { 0 };
  ADZE_AUTO (adze_buffer) got = { 0 };
  for (size_t i = 0; i < found->depth; i++)
    adze_buffer_format (&where, "%s%s '%s'", i > 0 ? ", " : "", found->path[i].word,
                        found->path[i].name);
  if (found->field)
    adze_buffer_format (&where, "%s%s", found->depth > 0 ? ": " : "", found->field);
  write_side (found, found->needed, &needed);
  write_side (found, found->found, &got);
  if (where.failed || needed.failed || got.failed)
    return adze_error_memory ();
  adze_error *error
      = adze_refusal (ADZE_E_CONTRACT, ADZE_STEP_MANIFEST, path,
                      "its manifest and the file itself disagree about %s", where.data);
  adze_error_set (error, "needed", needed.data);
  adze_error_set (error, "found", got.data);
  adze_error_setf (error, "hint",
                   "if the file is the one that you want, write its manifest anew: "
                   "adze plugin stamp %s",
                   path);
  return error;
}

static void
drop_key (adze_value *table, const char *key)
{
  for (size_t i = 0; i < table->count; i++)
    if (strcmp (table->items[i]->key, key) == 0) {
      adze_value_free (table->items[i]);
      table->count--;
      memmove (&table->items[i], &table->items[i + 1],
               (table->count - i) * sizeof *table->items);
      return;
    }
}

adze_error *
adze_manifest_compare (const char *path, const adze_manifest *manifest,
                       const adze_manifest *binary)
{
  ADZE_AUTO_VALUE a = adze_manifest_value (manifest);
  ADZE_AUTO_VALUE b = adze_manifest_value (binary);
  if (!a || !b)
    return adze_error_memory ();
  drop_key (a, "digest");
  drop_key (b, "digest");
  difference found = { .depth = 0 };
  return differ (a, b, &found) ? refuse_difference (path, &found) : NULL;
}
