/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/manifest/inspect.c: a component as a tree, as a JSON schema and as a part of a manual page. */
#include "plugin/manifest/inspect.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/quantity.h"
#include "plugin/manifest/params.h"

adze_value *
adze_inspect_value (const adze_manifest *manifest, const adze_manifest_component *component)
{
  ADZE_AUTO_VALUE root = adze_manifest_component_value (component);
  adze_value *plugin = adze_json_table (root, "plugin");
  adze_json_string (plugin, "id", manifest->id);
  adze_json_string (plugin, "version", manifest->version);
  adze_json_string (plugin, "summary", manifest->summary);
  adze_json_string (plugin, "license", manifest->license);
  adze_json_string (plugin, "file", manifest->file);
  adze_json_string (plugin, "digest", manifest->digest);
  adze_json_bool (plugin, "foreign", manifest->foreign != NULL);
  return adze_json_failed (root) ? NULL : adze_take (&root);
}

/* ---- The schema. */

static void
add_bound (adze_value *into, bool low, bool open, bool integer, int64_t whole, double real)
{
  const char *key = low ? (open ? "exclusiveMinimum" : "minimum")
                        : (open ? "exclusiveMaximum" : "maximum");
  if (isinf (real))
    return; /* JSON has no such number, and so no value could be it either */
  if (integer)
    adze_json_int (into, key, whole);
  else
    adze_json_float (into, key, real);
}

static void
add_range (adze_value *into, const adze_param *param, bool integer)
{
  adze_range range;
  ADZE_AUTO_ERROR error = param->range ? adze_range_parse (param->range, &range) : NULL;
  if (error && into)
    into->failed = true;
  if (error || !param->range)
    return;
  add_bound (into, true, range.low_open, integer, range.low_integer, range.low);
  add_bound (into, false, range.high_open, integer, range.high_integer, range.high);
}

static void
add_integer (adze_value *into, const adze_param *param)
{
  adze_json_string (into, "type", "integer");
  add_range (into, param, true);
}

/* A number of bytes, or a text such as "2GiB". */
static void
add_size (adze_value *into, const adze_param *param)
{
  adze_value *ways = adze_json_list (into, "anyOf");
  add_integer (adze_json_table (ways, NULL), param);
  adze_value *text = adze_json_table (ways, NULL);
  adze_json_string (text, "type", "string");
  adze_json_string (text, "pattern", ADZE_SIZE_PATTERN);
}

/* An id, or a table that begins with one; what else is in it is for that component's schema. */
static void
add_component (adze_value *into)
{
  adze_value *ways = adze_json_list (into, "anyOf");
  adze_json_string (adze_json_table (ways, NULL), "type", "string");
  adze_value *table = adze_json_table (ways, NULL);
  adze_json_string (table, "type", "object");
  adze_value *use = adze_json_table (adze_json_table (table, "properties"), "use");
  adze_json_string (use, "type", "string");
  adze_json_string (adze_json_list (table, "required"), NULL, "use");
}

/* What a value of TYPE is, that being the parameter's or its entries'. */
static void
add_type (adze_value *into, const adze_param *param, uint32_t type)
{
  switch (type) {
  case ADZE_PARAM_BOOL:
    adze_json_string (into, "type", "boolean");
    break;
  case ADZE_PARAM_INT:
    if (adze_param_is_size (param))
      add_size (into, param);
    else
      add_integer (into, param);
    break;
  case ADZE_PARAM_FLOAT:
    adze_json_string (into, "type", "number");
    add_range (into, param, false);
    break;
  case ADZE_PARAM_CHOICE:
    adze_json_string (into, "type", "string");
    adze_manifest_put_choices (into, "enum", param->choices);
    break;
  case ADZE_PARAM_COMPONENT:
    add_component (into);
    break;
  case ADZE_PARAM_LIST:
    adze_json_string (into, "type", "array");
    add_type (adze_json_table (into, "items"), param, param->item);
    break;
  case ADZE_PARAM_MAP:
    adze_json_string (into, "type", "object");
    add_type (adze_json_table (into, "additionalProperties"), param, param->item);
    break;
  default:
    adze_json_string (into, "type", "string");
  }
}

static bool
has_infinity (const adze_value *value)
{
  if (value->type == ADZE_VALUE_FLOAT && isinf (value->real))
    return true;
  for (size_t i = 0; i < value->count; i++)
    if (has_infinity (value->items[i]))
      return true;
  return false;
}

static void
add_property (adze_value *properties, const adze_param *param)
{
  adze_value *into = adze_json_table (properties, param->name);
  ADZE_AUTO_FREE char *description
      = param->unit && param->unit[0] ? adze_text_format ("%s (%s)", param->help, param->unit)
                                      : strdup (param->help);
  if (!description && into)
    into->failed = true;
  adze_json_string (into, "description", description);
  add_type (into, param, param->type);
  adze_value *preset = NULL;
  ADZE_AUTO_ERROR error = adze_param_preset (param, &preset);
  /* A word in the place of a number would break the schema's own rules. */
  if (preset && has_infinity (preset))
    adze_value_free (preset);
  else if (preset || error)
    adze_manifest_put (into, "default", preset);
}

adze_value *
adze_inspect_schema (const adze_manifest_component *component)
{
  ADZE_AUTO_VALUE root = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (root, "$schema", "https://json-schema.org/draft/2020-12/schema");
  adze_json_string (root, "title", component->id);
  adze_json_string (root, "description", component->summary);
  adze_json_string (root, "type", "object");
  adze_value *properties = adze_json_table (root, "properties");
  for (size_t i = 0; i < component->param_count; i++)
    add_property (properties, &component->params[i]);
  adze_value *required = adze_json_list (root, "required");
  for (size_t i = 0; i < component->param_count; i++)
    if (!component->params[i].preset)
      adze_json_string (required, NULL, component->params[i].name);
  adze_json_bool (root, "additionalProperties", false);
  return adze_json_failed (root) ? NULL : adze_take (&root);
}

/* ---- The manual. */

/* Characters that troff would take for something else, or print as a typographic one, so that a
 * copied example would not work. */
static const struct {
  char character;
  const char *troff;
} special[] = {
  { '\\', "\\e" }, { '-', "\\-" }, { '\'', "\\(aq" }, { '`', "\\(ga" }, { '^', "\\(ha" },
  { '~', "\\(ti" }, { '"', "\\(dq" },
};

/* TEXT as it is. A dot that begins a line would be a command. */
static void
write_text (adze_buffer *into, const char *text)
{
  size_t size = strlen (text);
  if (text[0] == '.' && (into->size == 0 || into->data[into->size - 1] == '\n'))
    adze_buffer_text (into, "\\&");
  while (size > 0) {
    uint32_t code;
    size_t length = adze_utf8_read (text, size, &code);
    const char *troff = NULL;
    for (size_t i = 0; i < ADZE_COUNT_OF (special); i++)
      if (*text == special[i].character)
        troff = special[i].troff;
    if (troff)
      adze_buffer_text (into, troff);
    else if (code < 0x80)
      adze_buffer_add (into, text, 1);
    else
      adze_buffer_format (into, "\\[u%04X]", code == ADZE_UTF8_BAD ? 0xfffdu : (unsigned)code);
    text += length;
    size -= length;
  }
}

/* LEFT, TEXT, RIGHT, of which only TEXT comes from a plugin. */
static void
write_around (adze_buffer *into, const char *left, const char *text, const char *right)
{
  adze_buffer_text (into, left);
  write_text (into, text);
  adze_buffer_text (into, right);
}

/* Some helps end in a full stop already. */
static void
write_sentence (adze_buffer *into, const char *text)
{
  size_t length = strlen (text);
  write_text (into, text);
  adze_buffer_text (into, length > 0 && strchr (".!?", text[length - 1]) ? "" : ".");
}

static void
write_choices (adze_buffer *into, const char *choices)
{
  char **words;
  size_t count;
  ADZE_AUTO_ERROR error = adze_choices_split (choices, &words, &count);
  if (error) {
    into->failed = true;
    return;
  }
  for (size_t i = 0; i < count; i++)
    write_around (into, i == 0 ? "\nOne of \\fB" : i + 1 < count ? ", \\fB" : " or \\fB", words[i],
                  "\\fR");
  adze_buffer_text (into, ".");
  adze_names_free (words, count);
}

static void
write_preset (adze_buffer *into, const adze_param *param)
{
  ADZE_AUTO_VALUE preset = NULL;
  ADZE_AUTO_ERROR error = adze_param_preset (param, &preset);
  ADZE_AUTO (adze_buffer) text = { 0 };
  if (!param->preset) {
    adze_buffer_text (into, "\nIt must be given.");
    return;
  }
  if (preset)
    adze_value_write_toml (preset, &text);
  if (error || text.failed)
    into->failed = true;
  else
    write_around (into, "\nThe default is \\fB", text.data, "\\fR.");
}

static void
write_param (adze_buffer *into, const adze_param *param)
{
  write_around (into, ".TP\n\\fB", param->name, "\\fR: ");
  adze_buffer_text (into, adze_param_type_name (param->type, param->item));
  if (param->component_kind)
    write_around (into, " of kind ", param->component_kind, "");
  if (param->range)
    write_around (into, " in ", param->range, "");
  if (param->unit && param->unit[0])
    write_around (into, ", ", param->unit, "");
  adze_buffer_text (into, "\n");
  write_sentence (into, param->help);
  if (param->choices)
    write_choices (into, param->choices);
  write_preset (into, param);
  if (param->since && param->since[0])
    write_around (into, "\nSince version ", param->since, ".");
  adze_buffer_text (into, "\n");
}

static void
write_port (adze_buffer *into, const adze_port *port)
{
  write_around (into, ".TP\n\\fB", port->name, "\\fR: ");
  write_around (into, "", port->type, ", ");
  adze_buffer_text (into, adze_direction_name (port->direction));
  adze_buffer_text (into, port->required ? ", required\n" : ", optional\n");
  if (port->help && port->help[0])
    write_sentence (into, port->help);
  else
    adze_buffer_text (into, "\\&");
  adze_buffer_text (into, "\n");
}

static const char *
threading_text (uint32_t threading)
{
  switch (threading) {
  case ADZE_THREADS_PLUGIN:
    return "one call at a time in all components of its plugin";
  case ADZE_THREADS_INSTANCE:
    return "one call at a time in an instance, and several instances at once";
  default:
    return "several calls at once, also in one instance";
  }
}

void
adze_inspect_manual (const adze_manifest_component *component, adze_buffer *into)
{
  /* A page may be about several components. */
  write_around (into, ".SH PARAMETERS\n\\fB", component->id, "\\fR");
  adze_buffer_text (into, component->param_count > 0 ? " takes:\n" : " takes no parameters.\n");
  for (size_t i = 0; i < component->param_count; i++)
    write_param (into, &component->params[i]);
  size_t count;
  const adze_port *ports = adze_manifest_ports (component, &count);
  write_around (into, ".SH PORTS\n\\fB", component->id, "\\fR");
  adze_buffer_text (into, count > 0 ? " has:\n" : " has no ports.\n");
  for (size_t i = 0; i < count; i++)
    write_port (into, &ports[i]);
  write_around (into, ".SH THREADING\n\\fB", component->id, "\\fR stands ");
  adze_buffer_format (into, "%s.\n", threading_text (component->threading));
}
