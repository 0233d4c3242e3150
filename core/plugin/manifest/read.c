/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/manifest/read.c: reading a manifest, however bad, so that each complaint names the place
 * and says what to do. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/toml.h"
#include "plugin/foreign/foreign.h"
#include "plugin/manifest/params.h"
#include "plugin/refusal.h"

/* The form of manifest that this host reads and writes. */
#define FORM 1

/* ---- Fields. */

/* A table, and what to call it in a complaint. */
typedef struct fields {
  const adze_document *document;
  const adze_value *table;
  const char *what;
} fields;

static adze_error *
wrong_type (const fields *in, const adze_value *value, const char *needed)
{
  const char *found = adze_value_type_name (value->type);
  adze_error *error = adze_document_error (in->document, value, "'%s' of %s must be %s, and is %s",
                                           value->key, in->what, needed, found);
  return adze_refusal_facts (error, needed, found, NULL);
}

static adze_error *
missing (const fields *in, const char *key)
{
  adze_error *error = adze_document_error (in->document, in->table, "%s lacks '%s'", in->what, key);
  return adze_refusal_facts (error, key, "nothing", NULL);
}

static adze_error *
check_keys (const fields *in, const char *const *keys, size_t count)
{
  if (in->table->type != ADZE_VALUE_TABLE)
    return adze_document_error (in->document, in->table, "%s must be a table, and is %s", in->what,
                                adze_value_type_name (in->table->type));
  for (size_t i = 0; i < in->table->count; i++) {
    const adze_value *value = in->table->items[i];
    size_t known = 0;
    while (known < count
           && (strlen (keys[known]) != value->key_size || strcmp (keys[known], value->key) != 0))
      known++;
    if (known < count)
      continue;
    const char *nearest = adze_nearest (value->key, keys, count);
    return adze_document_key_error (in->document, value, "unknown key '%s' in %s%s%s%s", value->key,
                                    in->what, nearest ? "; did you mean '" : "",
                                    nearest ? nearest : "", nearest ? "'?" : "");
  }
  return NULL;
}

/* *TEXT, which must be NULL or what an earlier call gave, becomes a copy of the field. */
static adze_error *
take_text (const fields *in, const char *key, bool mandatory, char **text)
{
  const adze_value *value = adze_value_get (in->table, key);
  if (!value)
    return mandatory ? missing (in, key) : NULL;
  if (value->type != ADZE_VALUE_STRING)
    return wrong_type (in, value, "a string");
  const char *fault = adze_text_fault (value->string, value->string_size);
  if (fault)
    return adze_document_error (in->document, value, "'%s' of %s %s", key, in->what, fault);
  if (mandatory && value->string_size == 0)
    return adze_document_error (in->document, value, "'%s' of %s is empty", key, in->what);
  *text = strdup (value->string);
  return *text ? NULL : adze_error_memory ();
}

/* The same for the texts of the SDK's tables, which are constant. */
static adze_error *
take_constant (const fields *in, const char *key, bool mandatory, const char **text)
{
  char *taken = NULL;
  adze_error *error = take_text (in, key, mandatory, &taken);
  *text = taken;
  return error;
}

static adze_error *
no_name (const fields *in, const char *key, const char *name)
{
  adze_error *error = adze_document_error (
      in->document, adze_value_get (in->table, key),
      "'%s' is no '%s': it has to be of lower case letters, digits and hyphens, to begin with a "
      "letter and to be at most 64 long",
      name, key);
  return adze_refusal_facts (error, "a name such as \"prune-magnitude\"", name, NULL);
}

static adze_error *
take_name (const fields *in, const char *key, char **name)
{
  ADZE_TRY (take_text (in, key, true, name));
  return adze_name_valid (*name) ? NULL : no_name (in, key, *name);
}

/* One of the words that NAME gives for 1, 2 ... */
static adze_error *
take_word (const fields *in, const char *key, const char *(*name) (uint32_t), uint32_t *number)
{
  ADZE_AUTO_FREE char *word = NULL;
  ADZE_TRY (take_text (in, key, true, &word));
  ADZE_AUTO (adze_buffer) known = { 0 };
  for (uint32_t i = 1; name (i); i++) {
    if (strcmp (name (i), word) == 0) {
      *number = i;
      return NULL;
    }
    adze_buffer_format (&known, "%s\"%s\"", i > 1 ? ", " : "", name (i));
  }
  if (known.failed)
    return adze_error_memory ();
  adze_error *error
      = adze_document_error (in->document, adze_value_get (in->table, key),
                             "'%s' of %s must be one of %s, and is \"%s\"", key, in->what,
                             known.data, word);
  return adze_refusal_facts (error, known.data, word, NULL);
}

static adze_error *
take_number (const fields *in, const char *key, uint32_t *number)
{
  const adze_value *value = adze_value_get (in->table, key);
  if (!value)
    return missing (in, key);
  if (value->type != ADZE_VALUE_INT)
    return wrong_type (in, value, "an integer");
  if (value->integer < 0 || value->integer > UINT32_MAX)
    return adze_document_error (in->document, value, "'%s' of %s is %lld, and must lie in [0, %u]",
                                key, in->what, (long long)value->integer, UINT32_MAX);
  *number = (uint32_t)value->integer;
  return NULL;
}

/* A list of tables of at most MOST entries; absent, there are none. */
static adze_error *
take_tables (const fields *in, const char *key, size_t most, const adze_value **list,
             size_t *count)
{
  const adze_value *value = adze_value_get (in->table, key);
  *list = value;
  *count = value ? value->count : 0;
  if (!value)
    return NULL;
  if (value->type != ADZE_VALUE_LIST)
    return wrong_type (in, value, "a list of tables");
  if (value->count > most)
    return adze_document_error (in->document, value, "%s has %zu entries of '%s'; %zu are possible",
                                in->what, value->count, key, most);
  return NULL;
}

/* ---- Parameters. */

/* JSON lacks these, so the registry's cache has them as words, and without a place. */
static void
restore_real (adze_value *value)
{
  static const struct {
    const char *word;
    double real;
  } reals[] = { { "inf", HUGE_VAL }, { "-inf", -HUGE_VAL }, { "nan", NAN } };
  for (size_t i = 0; i < ADZE_COUNT_OF (reals); i++)
    if (value->type == ADZE_VALUE_STRING && value->line == 0
        && strcmp (value->string, reals[i].word) == 0) {
      value->type = ADZE_VALUE_FLOAT;
      value->real = reals[i].real;
    }
}

/* The same inside lists, for a table in which a word by itself may really be one: there is a C
 * function of the name "nan". */
static void
restore_listed_reals (adze_value *value)
{
  for (size_t i = 0; i < value->count; i++) {
    restore_listed_reals (value->items[i]);
    if (value->type == ADZE_VALUE_LIST)
      restore_real (value->items[i]);
  }
}

/* The preset as it would stand in a plugin's table; adze_param_check judges it. */
static adze_error *
take_preset (const fields *in, adze_param *param)
{
  const adze_value *value = adze_value_get (in->table, "default");
  if (!value)
    return NULL;
  /* A table may leave the quotes out, so that there 5 is a string if one is wanted. Not here. */
  if (adze_param_is_text (param->type) && value->type < ADZE_VALUE_STRING)
    return wrong_type (in, value, "a string");
  ADZE_AUTO_VALUE copy = adze_value_copy (value);
  if (!copy)
    return adze_error_memory ();
  if (param->type == ADZE_PARAM_FLOAT)
    restore_real (copy);
  for (size_t i = 0; param->item == ADZE_PARAM_FLOAT && i < copy->count; i++)
    restore_real (copy->items[i]);
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_value_write_toml (copy, &text);
  char *preset;
  ADZE_TRY (adze_buffer_finish (&text, &preset));
  param->preset = preset;
  return NULL;
}

/* ["a", "b"] as "a|b". */
static adze_error *
take_choices (const fields *in, adze_param *param)
{
  const adze_value *list = adze_value_get (in->table, "choices");
  if (!list)
    return NULL;
  if (list->type != ADZE_VALUE_LIST)
    return wrong_type (in, list, "a list of strings");
  ADZE_AUTO (adze_buffer) text = { 0 };
  for (size_t i = 0; i < list->count; i++) {
    const adze_value *word = list->items[i];
    if (word->type != ADZE_VALUE_STRING || strlen (word->string) != word->string_size
        || strchr (word->string, '|'))
      return adze_document_error (in->document, word,
                                  "choice number %zu of %s must be a string without '|'", i + 1,
                                  in->what);
    adze_buffer_format (&text, "%s%s", i > 0 ? "|" : "", word->string);
  }
  char *choices;
  ADZE_TRY (adze_buffer_finish (&text, &choices));
  param->choices = choices;
  return NULL;
}

static adze_error *
take_type (const fields *in, adze_param *param)
{
  ADZE_AUTO_FREE char *type = NULL;
  ADZE_TRY (take_text (in, "type", true, &type));
  if (adze_param_type_parse (type, &param->type, &param->item))
    return NULL;
  adze_error *error
      = adze_document_error (in->document, adze_value_get (in->table, "type"),
                             "%s has the type \"%s\", which there is not", in->what, type);
  return adze_refusal_facts (error,
                             "bool, int, float, string, choice, file, component, or a list or map "
                             "of one of the first six, such as \"list of int\"",
                             type, NULL);
}

/* ERROR, of something that knows no files, with the place of FIELD. */
static adze_error *
place (const fields *in, const char *field, adze_error *error)
{
  ADZE_AUTO_ERROR owned = error;
  if (!error || adze_error_status (error) == ADZE_E_MEMORY)
    return adze_take (&owned);
  ADZE_AUTO (adze_buffer) text = { 0 };
  for (const adze_error *link = error; link; link = adze_error_cause (link))
    adze_buffer_format (&text, "%s%s", link == error ? "" : ": ", adze_error_message (link));
  if (text.failed)
    return adze_error_memory ();
  const adze_value *at = adze_value_get (in->table, field);
  adze_error *placed
      = adze_document_error (in->document, at ? at : in->table, "%s: %s", in->what, text.data);
  return adze_refusal_facts (placed, adze_error_fact (error, "needed"),
                             adze_error_fact (error, "found"), NULL);
}

static adze_error *
read_param (const fields *in, adze_param *param)
{
  static const char *const keys[] = { "name",    "type",           "default", "range", "choices",
                                      "component-kind", "unit", "since",   "help" };
  ADZE_TRY (check_keys (in, keys, ADZE_COUNT_OF (keys)));
  ADZE_TRY (take_constant (in, "name", true, &param->name));
  ADZE_TRY (take_type (in, param));
  ADZE_TRY (take_preset (in, param));
  ADZE_TRY (take_constant (in, "range", false, &param->range));
  ADZE_TRY (take_choices (in, param));
  ADZE_TRY (take_constant (in, "component-kind", false, &param->component_kind));
  ADZE_TRY (take_constant (in, "unit", false, &param->unit));
  ADZE_TRY (take_constant (in, "since", false, &param->since));
  return take_constant (in, "help", true, &param->help);
}

static adze_error *
read_params (const fields *in, adze_manifest_component *component)
{
  const adze_value *list;
  size_t count;
  ADZE_TRY (take_tables (in, "param", ADZE_PARAM_MAX, &list, &count));
  if (count == 0)
    return NULL;
  component->params = calloc (count, sizeof *component->params);
  if (!component->params)
    return adze_error_memory ();
  ADZE_AUTO_FREE char *whose = adze_text_format ("a parameter of %s", in->what);
  if (!whose)
    return adze_error_memory ();
  while (component->param_count < count) {
    size_t index = component->param_count;
    fields row = { in->document, list->items[index], whose };
    /* Counted first, so that what a failure leaves behind is freed with the manifest. */
    component->param_count++;
    ADZE_TRY (read_param (&row, &component->params[index]));
    const char *field;
    adze_error *error = adze_param_check (component, index, &field);
    row.what = in->what;
    ADZE_TRY (place (&row, field, error));
  }
  return NULL;
}

/* ---- Ports. */

static adze_error *
read_port (const fields *in, adze_port *port)
{
  static const char *const keys[] = { "name", "type", "direction", "required", "help" };
  ADZE_TRY (check_keys (in, keys, ADZE_COUNT_OF (keys)));
  ADZE_TRY (take_constant (in, "name", true, &port->name));
  ADZE_TRY (take_constant (in, "type", true, &port->type));
  ADZE_TRY (take_word (in, "direction", adze_direction_name, &port->direction));
  ADZE_TRY (take_constant (in, "help", false, &port->help));
  const adze_value *required = adze_value_get (in->table, "required");
  if (!required)
    return missing (in, "required");
  if (required->type != ADZE_VALUE_BOOL)
    return wrong_type (in, required, "a boolean");
  port->required = required->boolean;
  return NULL;
}

static adze_error *
read_ports (const fields *in, adze_manifest_component *component)
{
  const adze_value *list;
  size_t count;
  ADZE_TRY (take_tables (in, "port", ADZE_PORT_MAX, &list, &count));
  if (count == 0)
    return NULL;
  component->ports = calloc (count, sizeof *component->ports);
  if (!component->ports)
    return adze_error_memory ();
  ADZE_AUTO_FREE char *whose = adze_text_format ("a port of %s", in->what);
  if (!whose)
    return adze_error_memory ();
  while (component->port_count < count) {
    size_t index = component->port_count;
    fields row = { in->document, list->items[index], whose };
    component->port_count++;
    ADZE_TRY (read_port (&row, &component->ports[index]));
    const char *field;
    adze_error *error = adze_port_check (component, index, &field);
    row.what = in->what;
    ADZE_TRY (place (&row, field, error));
  }
  return NULL;
}

/* ---- Components. */

/* The callbacks of a foreign component are this host's own, and so is their revision. */
static adze_error *
take_revision (const fields *in, bool foreign, adze_manifest_component *component)
{
  component->kind_revision = strcmp (component->kind, ADZE_BACKEND) == 0 ? ADZE_BACKEND_REVISION
                                                                         : ADZE_TECHNIQUE_REVISION;
  if (foreign && !adze_value_get (in->table, "kind-revision"))
    return NULL;
  return take_number (in, "kind-revision", &component->kind_revision);
}

static adze_error *
take_effect (const fields *in, adze_manifest_component *component)
{
  if (strcmp (component->kind, ADZE_TECHNIQUE) == 0)
    return take_word (in, "effect", adze_effect_name, &component->effect);
  const adze_value *effect = adze_value_get (in->table, "effect");
  return effect ? adze_document_key_error (in->document, effect,
                                           "%s is of kind %s, and only a technique has an 'effect'",
                                           in->what, component->kind)
                : NULL;
}

static adze_error *
read_component (const fields *in, bool foreign, adze_manifest_component *component)
{
  static const char *const keys[] = { "kind",   "kind-revision", "id",   "summary", "threading",
                                      "effect", "port",          "param" };
  ADZE_TRY (check_keys (in, keys, ADZE_COUNT_OF (keys)));
  ADZE_TRY (take_text (in, "id", true, &component->id));
  ADZE_AUTO_FREE char *what = adze_text_format ("component '%s'", component->id);
  if (!what)
    return adze_error_memory ();
  const fields own = { in->document, in->table, what };
  ADZE_TRY (take_name (&own, "kind", &component->kind));
  if (!adze_id_valid (component->kind, component->id))
    return no_name (in, "id", component->id);
  ADZE_TRY (take_revision (&own, foreign, component));
  ADZE_TRY (take_text (&own, "summary", true, &component->summary));
  ADZE_TRY (take_word (&own, "threading", adze_threading_name, &component->threading));
  ADZE_TRY (take_effect (&own, component));
  ADZE_TRY (read_ports (&own, component));
  return read_params (&own, component);
}

static adze_error *
read_components (const fields *in, bool foreign, adze_manifest *manifest)
{
  const adze_value *list;
  size_t count;
  ADZE_TRY (take_tables (in, "component", ADZE_COMPONENT_MAX, &list, &count));
  /* A library without components still has its kernels to offer. */
  if (count == 0)
    return foreign ? NULL : missing (in, "component");
  manifest->components = calloc (count, sizeof *manifest->components);
  if (!manifest->components)
    return adze_error_memory ();
  while (manifest->component_count < count) {
    size_t index = manifest->component_count;
    adze_manifest_component *component = &manifest->components[index];
    const fields row = { in->document, list->items[index], "a component" };
    manifest->component_count++;
    ADZE_TRY (read_component (&row, foreign, component));
    for (size_t i = 0; i < index; i++)
      if (strcmp (manifest->components[i].id, component->id) == 0)
        return adze_document_error (in->document, adze_value_get (row.table, "id"),
                                    "component '%s' is there twice", component->id);
  }
  return NULL;
}

/* ---- The whole. */

static adze_error *
take_abi (const fields *in, bool foreign, adze_manifest *manifest)
{
  ADZE_AUTO_FREE char *abi = NULL;
  ADZE_TRY (take_text (in, "abi", !foreign, &abi));
  if (!abi)
    return NULL;
  char again[32] = "";
  unsigned major, minor;
  if (sscanf (abi, "%9u.%9u", &major, &minor) == 2 && (major > 0 || minor > 0))
    snprintf (again, sizeof again, "%u.%u", major, minor);
  if (strcmp (abi, again) != 0) {
    adze_error *error = adze_document_error (in->document, adze_value_get (in->table, "abi"),
                                             "'abi' must be two numbers such as \"0.1\", and is "
                                             "\"%s\"",
                                             abi);
    return adze_refusal_facts (error, "\"MAJOR.MINOR\"", abi, NULL);
  }
  manifest->abi_major = major;
  manifest->abi_minor = minor;
  return NULL;
}

static adze_error *
take_digest (const fields *in, adze_manifest *manifest)
{
  static const char prefix[] = "blake2b:";
  ADZE_TRY (take_text (in, "digest", false, &manifest->digest));
  const char *digest = manifest->digest;
  if (!digest
      || (strncmp (digest, prefix, strlen (prefix)) == 0 && strlen (digest) == ADZE_DIGEST_TEXT - 1
          && strspn (digest + strlen (prefix), "0123456789abcdef") == 64))
    return NULL;
  adze_error *error
      = adze_document_error (in->document, adze_value_get (in->table, "digest"),
                             "'digest' must be \"blake2b:\" and 64 hexadecimal digits, and is "
                             "\"%s\"",
                             digest);
  return adze_refusal_facts (error, "\"blake2b:\" and 64 hexadecimal digits", digest, NULL);
}

/* The name is looked for beside the manifest: it must not lead elsewhere. */
static adze_error *
take_file (const fields *in, bool foreign, adze_manifest *manifest)
{
  const adze_value *file = adze_value_get (in->table, "file");
  if (foreign)
    return file ? adze_document_key_error (in->document, file,
                                           "a manifest with [foreign] has no 'file': the library "
                                           "is named there")
                : NULL;
  ADZE_TRY (take_text (in, "file", true, &manifest->file));
  if (!strchr (manifest->file, '/') && manifest->file[0] != '.')
    return NULL;
  adze_error *error
      = adze_document_error (in->document, file,
                             "'file' must be the name of a file beside the manifest, without "
                             "folders, and is \"%s\"",
                             manifest->file);
  return adze_refusal_facts (error, "a name such as \"prune.so\"", manifest->file, NULL);
}

/* Before everything else: what another form holds cannot be known. */
static adze_error *
check_form (const fields *in)
{
  const adze_value *form = adze_value_get (in->table, "manifest");
  if (!form)
    return adze_document_error (in->document, in->table, "this is no manifest: one begins with "
                                "'manifest = 1'");
  if (form->type != ADZE_VALUE_INT)
    return wrong_type (in, form, "an integer");
  if (form->integer == FORM)
    return NULL;
  adze_error *error = adze_document_error (in->document, form,
                                           "this is a manifest of form %lld, and this adze reads "
                                           "form %d",
                                           (long long)form->integer, FORM);
  adze_error_setf (error, "needed", "manifest = %d", FORM);
  adze_error_setf (error, "found", "manifest = %lld", (long long)form->integer);
  adze_error_set (error, "hint", form->integer > FORM
                                     ? "use the release of adze that the plugin was made for, or a "
                                       "newer one"
                                     : "there never was such a form; write 'manifest = 1'");
  return error;
}

static adze_error *
read_all (const adze_document *document, const adze_value *table, adze_manifest *manifest)
{
  /* What a signature says of the text, plugin/signature.h knows. */
  static const char *const keys[]
      = { "manifest", "id",     "version",   "summary", "license",  "file",
          "abi",      "digest", "component", "foreign", "signature" };
  const fields in = { document, table, "the manifest" };
  if (!table || table->type != ADZE_VALUE_TABLE)
    return adze_document_error (document, table, "there is no manifest in it");
  ADZE_TRY (check_form (&in));
  ADZE_TRY (check_keys (&in, keys, ADZE_COUNT_OF (keys)));
  const adze_value *foreign = adze_value_get (table, "foreign");
  if (foreign && foreign->type != ADZE_VALUE_TABLE)
    return wrong_type (&in, foreign, "a table");
  ADZE_TRY (take_name (&in, "id", &manifest->id));
  ADZE_TRY (take_text (&in, "version", true, &manifest->version));
  ADZE_TRY (take_text (&in, "summary", true, &manifest->summary));
  ADZE_TRY (take_text (&in, "license", true, &manifest->license));
  ADZE_TRY (take_file (&in, foreign, manifest));
  ADZE_TRY (take_abi (&in, foreign, manifest));
  ADZE_TRY (take_digest (&in, manifest));
  ADZE_TRY (read_components (&in, foreign, manifest));
  if (!foreign)
    return NULL;
  manifest->foreign = adze_value_copy (foreign);
  if (!manifest->foreign)
    return adze_error_memory ();
  restore_listed_reals (manifest->foreign);
  return adze_foreign_check (document, manifest->foreign, manifest);
}

/* What to do about a bad line depends on who wrote it: a person ([foreign]) or a tool. */
static void
add_hint (adze_error *error, const char *path, const adze_value *table)
{
  size_t length = strlen (path);
  if (adze_error_status (error) != ADZE_E_FORMAT || adze_error_fact (error, "hint") || length < 5
      || strcmp (path + length - 5, ".toml") != 0)
    return;
  if (adze_value_get (table, "foreign"))
    adze_error_set (error, "hint", "mend that line");
  else
    adze_error_setf (error, "hint", "mend that line, or write the manifest anew: adze plugin stamp "
                     "%.*s.so",
                     (int)(length - 5), path);
}

/* Makes a refusal of ERROR, which may be NULL. */
static adze_error *
refuse (adze_error *error, const char *path, const adze_value *table)
{
  adze_error_set (error, "step", adze_step_name (ADZE_STEP_MANIFEST));
  adze_error_set (error, "file", path);
  if (error)
    add_hint (error, path, table);
  return error;
}

adze_error *
adze_manifest_from_value (const adze_document *document, const adze_value *table,
                          adze_manifest **manifest)
{
  *manifest = NULL;
  ADZE_AUTO_MANIFEST made = adze_manifest_new ();
  if (!made)
    return adze_error_memory ();
  adze_error *error = read_all (document, table, made);
  if (error)
    return refuse (error, document->path, table);
  *manifest = adze_take (&made);
  return NULL;
}

adze_error *
adze_manifest_parse (const char *path, const char *text, size_t size, adze_manifest **manifest)
{
  *manifest = NULL;
  ADZE_AUTO (adze_document) document = { 0 };
  adze_error *error = adze_toml_parse (path, text, size, &document);
  if (error)
    return refuse (error, path, NULL);
  return adze_manifest_from_value (&document, document.root, manifest);
}

adze_error *
adze_manifest_read (const char *path, adze_manifest **manifest)
{
  *manifest = NULL;
  ADZE_AUTO (adze_document) document = { 0 };
  adze_error *error = adze_toml_read (path, &document);
  if (error)
    return refuse (error, path, NULL);
  return adze_manifest_from_value (&document, document.root, manifest);
}
