/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/schema.c: the language as a JSON schema, with all components that there are, so that an
 * editor completes and checks a pipeline while it is written.
 *
 * Alternatives are told apart by `use` (or `format`), and stand in a oneOf each: editors gather what
 * they offer from there. What only `adze check` can know, such as whether a file is there or what
 * flows where, is not in it.
 */
#include <adze/draft/format.h>
#include <adze/draft/observer.h>
#include <adze/draft/source.h>

#include <string.h>

#include "artifact/artifact.h"
#include "base/file.h"
#include "base/json.h"
#include "pipeline/pipeline.h"
#include "plugin/manifest/inspect.h"
#include "plugin/manifest/params.h"

#define NAME_PATTERN "^[a-z][a-z0-9-]{0,63}$"
#define REFERENCE_PATTERN "^[a-z][a-z0-9-]*\\.[a-z][a-z0-9-]*$"
#define TIME_PATTERN ADZE_NUMBER_PATTERN "(ns|us|ms|s|min|h)[ \\t]*$"

/* ---- Pieces. */

typedef struct schema {
  adze_runtime *runtime;
  adze_value *root;
  adze_value *definitions;
} schema;

static adze_value *
property (adze_value *properties, const char *name, const char *type, const char *description)
{
  adze_value *made = adze_json_table (properties, name);
  adze_json_string (made, "type", type);
  adze_json_string (made, "description", description);
  return made;
}

static adze_value *
text (adze_value *properties, const char *name, const char *pattern, const char *description)
{
  adze_value *made = property (properties, name, "string", description);
  if (pattern)
    adze_json_string (made, "pattern", pattern);
  else
    adze_json_int (made, "minLength", 1);
  return made;
}

static void
constant (adze_value *properties, const char *name, const char *value, const char *description)
{
  adze_value *made = adze_json_table (properties, name);
  adze_json_string (made, "const", value);
  adze_json_string (made, "description", description);
}

static void
choice (adze_value *properties, const char *name, const char *choices, const char *preset,
        const char *description)
{
  adze_value *made = property (properties, name, "string", description);
  adze_manifest_put_choices (made, "enum", choices);
  adze_json_string (made, "default", preset);
}

static void
reference (adze_value *into, const char *kind, const char *id)
{
  ADZE_AUTO_FREE char *path
      = adze_text_format ("#/$defs/%s%s%s", kind, id ? "." : "", id ? id : "");
  if (path)
    adze_json_string (into, "$ref", path);
  else if (into)
    into->failed = true;
}

/* An object that has these and nothing else: *PROPERTIES and *REQUIRED are to be filled. */
static void
object (adze_value *into, adze_value **properties, adze_value **required)
{
  adze_json_string (into, "type", "object");
  *properties = adze_json_table (into, "properties");
  *required = adze_json_list (into, "required");
  adze_json_bool (into, "additionalProperties", false);
}

static void
put (adze_value *into, const char *key, const adze_value *value)
{
  adze_manifest_put (into, key, value ? adze_value_copy (value) : NULL);
}

static void
size (adze_value *properties, const char *name, const char *description)
{
  adze_value *made = adze_json_table (properties, name);
  adze_value *ways = adze_json_list (made, "anyOf");
  adze_json_string (made, "description", description);
  adze_value *number = adze_json_table (ways, NULL);
  adze_json_string (number, "type", "integer");
  adze_json_int (number, "minimum", 1);
  adze_value *string = adze_json_table (ways, NULL);
  adze_json_string (string, "type", "string");
  adze_json_string (string, "pattern", ADZE_SIZE_PATTERN);
}

/* ---- Parameters of a component. */

static const adze_param *
find_param (const adze_manifest_component *component, const char *name)
{
  for (size_t i = 0; i < component->param_count; i++)
    if (strcmp (component->params[i].name, name) == 0)
      return &component->params[i];
  return NULL;
}

/* One that is a component itself is one of its kind, with its own parameters in turn. */
static void
put_param (adze_value *properties, const adze_param *param, const adze_value *described)
{
  bool entries = param->item == ADZE_PARAM_COMPONENT;
  if (param->type != ADZE_PARAM_COMPONENT && !entries) {
    put (properties, param->name, described);
    return;
  }
  adze_value *made = adze_json_table (properties, param->name);
  put (made, "description", adze_value_get (described, "description"));
  if (adze_value_get (described, "default"))
    put (made, "default", adze_value_get (described, "default"));
  if (!entries) {
    reference (made, "any", param->component_kind);
    return;
  }
  put (made, "type", adze_value_get (described, "type"));
  const char *each = param->type == ADZE_PARAM_LIST ? "items" : "additionalProperties";
  reference (adze_json_table (made, each), "any", param->component_kind);
}

/* READING: those of a format alone that say how a file is read. */
static void
put_some_params (adze_value *properties, adze_value *required,
                 const adze_manifest_component *component, bool reading)
{
  ADZE_AUTO_VALUE own = adze_inspect_schema (component);
  const adze_value *described = adze_value_get (own, "properties");
  const adze_value *mandatory = adze_value_get (own, "required");
  if (!own && properties)
    properties->failed = true;
  for (size_t i = 0; described && i < described->count; i++) {
    const adze_param *param = find_param (component, described->items[i]->key);
    if (!reading || !param || !adze_param_writes_only (param))
      put_param (properties, param, described->items[i]);
  }
  for (size_t i = 0; required && mandatory && i < mandatory->count; i++) {
    const adze_param *param = find_param (component, mandatory->items[i]->string);
    if (!reading || !param || !adze_param_writes_only (param))
      put (required, NULL, mandatory->items[i]);
  }
}

/* REQUIRED is NULL where all may be left out. */
static void
put_params (adze_value *properties, adze_value *required, const adze_manifest_component *component)
{
  put_some_params (properties, required, component, false);
}

/* ---- Stages. */

static void
put_ports (adze_value *properties, const adze_manifest_component *component)
{
  size_t count;
  const adze_port *ports = adze_manifest_ports (component, &count);
  adze_value *inputs = property (properties, "inputs", "object", "what its ports take");
  adze_value *known = adze_json_table (inputs, "properties");
  adze_json_bool (inputs, "additionalProperties", false);
  for (size_t i = 0; i < count; i++) {
    if (ports[i].direction != ADZE_PORT_IN)
      continue;
    adze_value *port = adze_json_table (known, ports[i].name);
    adze_json_string (port, "description", ports[i].help);
    adze_value *ways = adze_json_list (port, "anyOf");
    adze_value *place = adze_json_table (ways, NULL);
    adze_json_string (place, "type", "string");
    adze_json_string (place, "pattern", REFERENCE_PATTERN);
    if (!ports[i].required)
      adze_json_bool (adze_json_table (ways, NULL), "const", false);
    if (strcmp (ports[i].type, ADZE_TYPE_DATASET) == 0)
      text (properties, ports[i].name, NAME_PATTERN, ports[i].help);
  }
}

static void
put_rules (adze_value *properties, const adze_manifest_component *component)
{
  adze_value *own, *required;
  adze_value *rules = property (properties, "rule", "array",
                                "what differs for some tensors; the last one that matches counts");
  object (adze_json_table (rules, "items"), &own, &required);
  text (own, "match", NULL,
        "names of tensors: a glob such as \"fc3.*\", or \"re:\" and a regular "
        "expression");
  property (own, "skip", "boolean", "leave them as they are");
  property (own, "optional", "boolean", "it is no mistake if no tensor matches");
  adze_json_string (required, NULL, "match");
  put_params (own, NULL, component);
}

static void
put_isolation (adze_value *properties)
{
  adze_value *isolate = adze_json_table (properties, "isolate");
  adze_json_string (isolate, "description", "run it in a process of its own");
  adze_value *ways = adze_json_list (isolate, "anyOf");
  adze_json_string (adze_json_table (ways, NULL), "type", "boolean");
  adze_value *limits, *required;
  object (adze_json_table (ways, NULL), &limits, &required);
  text (limits, "time", TIME_PATTERN, "the longest that one call may take: \"10s\"");
  size (limits, "memory", "the most that its process may have: \"1GiB\"");
}

static void
add_stage (schema *s, adze_value *into, const adze_manifest_component *component)
{
  adze_value *properties, *required;
  (void)s;
  object (into, &properties, &required);
  constant (properties, "use", component->id, component->summary);
  adze_json_string (required, NULL, "use");
  adze_value *id
      = text (properties, "id", NAME_PATTERN, "its name; by default that of the technique");
  adze_value *reserved = adze_json_list (adze_json_table (id, "not"), "enum");
  adze_json_string (reserved, NULL, "input");
  adze_json_string (reserved, NULL, "data");
  put_ports (properties, component);
  text (properties, "require", NULL, "what must hold afterwards: \"accuracy > 0.9\"");
  reference (adze_json_table (properties, "backend"), "backend", NULL);
  put_isolation (properties);
  choice (properties, "on-fallback", "error|warn", "error",
          "when less, or other, was done than was asked for");
  choice (properties, "on-no-effect", "error|warn", "error", "when it changed nothing");
  put_rules (properties, component);
  put_params (properties, required, component);
}

/* ---- What pipelines begin and end with. */

static void
add_data (schema *s, adze_value *into, const adze_manifest_component *component)
{
  adze_value *properties, *required;
  (void)s;
  object (into, &properties, &required);
  constant (properties, "use", component->id, component->summary);
  adze_json_string (required, NULL, "use");
  property (properties, "shuffle", "boolean", "another order in every epoch");
  adze_value *part
      = property (properties, "part", "array", "a share of the examples, from and to: [0.0, 0.9]");
  adze_json_int (part, "minItems", 2);
  adze_json_int (part, "maxItems", 2);
  adze_value *share = adze_json_table (part, "items");
  adze_json_string (share, "type", "number");
  adze_json_int (share, "minimum", 0);
  adze_json_int (share, "maximum", 1);
  adze_json_int (property (properties, "limit", "integer", "at most so many examples"), "minimum",
                 1);
  put_params (properties, required, component);
}

/* Any component with its parameters and nothing else: an observer, or the value of a parameter. */
static void
add_plain (schema *s, adze_value *into, const adze_manifest_component *component)
{
  adze_value *properties, *required;
  (void)s;
  object (into, &properties, &required);
  constant (properties, "use", component->id, component->summary);
  adze_json_string (required, NULL, "use");
  put_params (properties, required, component);
}

/* FORMAT: NULL where none is named. */
static void
add_input_form (adze_value *into, bool model, const adze_manifest_component *format)
{
  adze_value *properties, *required;
  object (into, &properties, &required);
  constant (properties, "kind", ADZE_TYPE_MODEL, "what it is");
  if (!model)
    adze_json_string (required, NULL, "kind");
  text (properties, "path", NULL, "the file, seen from the pipeline's own");
  adze_json_string (required, NULL, "path");
  if (!format)
    return;
  constant (properties, "format", format->id, format->summary);
  adze_json_string (required, NULL, "format");
  put_some_params (properties, required, format, true);
}

static void
add_other_input (adze_value *into)
{
  adze_value *properties, *required;
  object (into, &properties, &required);
  adze_value *kind = text (properties, "kind", NAME_PATTERN, "what it is: table, dag, text ...");
  adze_value *others = adze_json_list (adze_json_table (kind, "not"), "enum");
  adze_json_string (others, NULL, ADZE_TYPE_MODEL);
  adze_json_string (others, NULL, ADZE_TYPE_DATASET);
  adze_json_string (required, NULL, "kind");
  text (properties, "path", NULL, "the file, seen from the pipeline's own");
  adze_json_string (required, NULL, "path");
}

static void
add_output_form (adze_value *into, const adze_manifest_component *format)
{
  adze_value *properties, *required;
  object (into, &properties, &required);
  text (properties, "path", NULL, "the file, seen from the pipeline's own");
  adze_json_string (required, NULL, "path");
  text (properties, "from", REFERENCE_PATTERN, "what is written; by default the last model");
  if (!format)
    return;
  constant (properties, "format", format->id, format->summary);
  put_params (properties, NULL, format);
}

/* ---- Components, all of a kind. */

typedef void (*adder) (schema *s, adze_value *into, const adze_manifest_component *component);

/* Calls ADD for each, with an entry of the list LIST of INTO. Without any, nothing fits. */
static adze_error *
each_of_kind (schema *s, const char *kind, adze_value *into, const char *list, adder add)
{
  const adze_component_info *const *infos = NULL;
  size_t count = 0;
  ADZE_TRY (adze_component_list (s->runtime, kind, &infos, &count));
  adze_value *ways = adze_json_list (into, list);
  for (size_t i = 0; i < count; i++) {
    adze_plugin_record *record;
    const adze_manifest_component *component = NULL;
    ADZE_TRY (adze_find_component (s->runtime, infos[i]->id, &record, &component));
    add (s, adze_json_table (ways, NULL), component);
  }
  if (count == 0)
    adze_json_table (adze_json_table (ways, NULL), "not");
  return NULL;
}

static void
add_id (schema *s, adze_value *into, const adze_manifest_component *component)
{
  (void)s;
  adze_json_string (into, "const", component->id);
  adze_json_string (into, "description", component->summary);
}

static void
add_inputs_of_format (schema *s, adze_value *into, const adze_manifest_component *component)
{
  (void)s;
  add_input_form (into, false, component);
}

static void
add_model_of_format (schema *s, adze_value *into, const adze_manifest_component *component)
{
  (void)s;
  add_input_form (into, true, component);
}

static void
add_output_of_format (schema *s, adze_value *into, const adze_manifest_component *component)
{
  (void)s;
  add_output_form (into, component);
}

/* "any.KIND": an id, or a table that begins with one. */
static adze_error *
add_any (schema *s, const char *kind)
{
  ADZE_AUTO_FREE char *name = adze_text_format ("any.%s", kind);
  if (!name)
    return adze_error_memory ();
  adze_value *ways = adze_json_list (adze_json_table (s->definitions, name), "anyOf");
  ADZE_TRY (each_of_kind (s, kind, adze_json_table (ways, NULL), "anyOf", add_id));
  return each_of_kind (s, kind, adze_json_table (ways, NULL), "oneOf", add_plain);
}

/* The kinds of which some parameter takes a component, each once. */
static adze_error *
add_inner_kinds (schema *s)
{
  for (size_t i = 0; i < s->runtime->record_count; i++) {
    const adze_plugin_record *record = s->runtime->records[i];
    for (size_t j = 0; record->manifest && j < record->manifest->component_count; j++) {
      const adze_manifest_component *component = &record->manifest->components[j];
      for (size_t k = 0; k < component->param_count; k++) {
        const char *kind = component->params[k].component_kind;
        ADZE_AUTO_FREE char *name = adze_text_format ("any.%s", kind ? kind : "");
        if (!name)
          return adze_error_memory ();
        if (kind && !adze_value_get (s->definitions, name))
          ADZE_TRY (add_any (s, kind));
      }
    }
  }
  return NULL;
}

/* ---- The whole. */

static void
add_backends (schema *s, const adze_component_info *const *infos, size_t count)
{
  adze_value *backend = property (s->definitions, "backend", "string", "who computes");
  adze_value *names = adze_json_list (backend, "enum");
  adze_json_string (names, NULL, "ref");
  for (size_t i = 0; i < count; i++)
    if (strcmp (infos[i]->id, "ref") != 0)
      adze_json_string (names, NULL, infos[i]->id);
}

static void
add_run (adze_value *properties)
{
  adze_value *own, *required;
  adze_value *run = adze_json_table (properties, "run");
  adze_json_string (run, "description", "how it is carried out");
  object (run, &own, &required);
  reference (adze_json_table (own, "backend"), "backend", NULL);
  choice (own, "delegate", "allow|warn|error", "allow",
          "when an operator runs on another backend than asked");
  size (own, "max-rss", "the most memory that may be resident: \"2GiB\"");
  adze_value *threads = property (own, "threads", "integer", "how many threads compute");
  adze_json_int (threads, "minimum", 1);
  adze_json_int (threads, "maximum", 4096);
  size (own, "structure-limit", "the most that the structure of a model's file may take");
}

/* PROPERTY of the root: tables by name, each like NAME of the definitions. */
static void
add_named (adze_value *properties, const char *key, const char *definition, const char *description)
{
  adze_value *tables = property (properties, key, "object", description);
  adze_json_string (adze_json_table (tables, "propertyNames"), "pattern", NAME_PATTERN);
  reference (adze_json_table (tables, "additionalProperties"), definition, NULL);
}

static void
add_listed (adze_value *properties, const char *key, const char *definition,
            const char *description)
{
  adze_value *list = property (properties, key, "array", description);
  reference (adze_json_table (list, "items"), definition, NULL);
}

static void
add_root (schema *s)
{
  adze_value *properties, *required;
  adze_json_string (s->root, "$schema", "https://json-schema.org/draft/2020-12/schema");
  adze_json_string (s->root, "title", "adze pipeline");
  adze_json_string (s->root, "description",
                    "A pipeline of adze, with the components that were installed when this was "
                    "printed by `adze schema`");
  object (s->root, &properties, &required);
  adze_value *version = adze_json_table (properties, "adze");
  adze_json_int (version, "const", 1);
  adze_json_string (version, "description", "version of the language");
  adze_json_string (required, NULL, "adze");
  text (properties, "name", "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$",
        "what its runs are called; by default as its file");
  adze_value *seed = property (properties, "seed", "integer", "what random numbers begin with");
  adze_json_int (seed, "minimum", 0);
  reference (adze_json_table (properties, "model"), "model", NULL);
  add_named (properties, "input", "input", "further inputs, by name");
  add_named (properties, "data", "data", "datasets, by name");
  add_run (properties);
  add_listed (properties, "observer", "observer", "who watches");
  add_listed (properties, "stage", "stage", "what is done, in this order");
  add_listed (properties, "output", "output", "what is written where");
}

static adze_error *
add_definitions (schema *s)
{
  const adze_component_info *const *backends = NULL;
  size_t count = 0;
  ADZE_TRY (adze_component_list (s->runtime, "backend", &backends, &count));
  s->definitions = adze_json_table (s->root, "$defs");
  add_backends (s, backends, count);
  adze_value *model = adze_json_table (s->definitions, "model");
  ADZE_TRY (each_of_kind (s, ADZE_FORMAT, model, "oneOf", add_model_of_format));
  adze_value *ways = (adze_value *)adze_value_get (model, "oneOf");
  add_input_form (adze_json_table (ways, NULL), true, NULL);
  adze_value *input = adze_json_table (s->definitions, "input");
  ADZE_TRY (each_of_kind (s, ADZE_FORMAT, input, "oneOf", add_inputs_of_format));
  ways = (adze_value *)adze_value_get (input, "oneOf");
  add_input_form (adze_json_table (ways, NULL), false, NULL);
  add_other_input (adze_json_table (ways, NULL));
  adze_value *output = adze_json_table (s->definitions, "output");
  ADZE_TRY (each_of_kind (s, ADZE_FORMAT, output, "anyOf", add_output_of_format));
  add_output_form (adze_json_table ((adze_value *)adze_value_get (output, "anyOf"), NULL), NULL);
  ADZE_TRY (
      each_of_kind (s, ADZE_SOURCE, adze_json_table (s->definitions, "data"), "oneOf", add_data));
  ADZE_TRY (each_of_kind (s, ADZE_OBSERVER, adze_json_table (s->definitions, "observer"), "oneOf",
                          add_plain));
  ADZE_TRY (each_of_kind (s, ADZE_TECHNIQUE, adze_json_table (s->definitions, "stage"), "oneOf",
                          add_stage));
  return add_inner_kinds (s);
}

adze_error *
adze_pipeline_schema (adze_runtime *runtime, char **text)
{
  ADZE_LOCKED (runtime);
  ADZE_TRY (adze_scan_once (runtime));
  ADZE_AUTO_VALUE root = adze_value_new (ADZE_VALUE_TABLE);
  if (!root)
    return adze_error_memory ();
  schema s = { .runtime = runtime, .root = root };
  add_root (&s);
  ADZE_TRY (add_definitions (&s));
  if (adze_json_failed (root))
    return adze_error_memory ();
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  adze_json_write (root, 2, &buffer);
  adze_buffer_text (&buffer, "\n");
  return adze_buffer_finish (&buffer, text);
}
