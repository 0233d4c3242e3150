/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/arguments.c: how our arguments become those of a foreign function: the
 * `arguments` of a [[foreign.function]] table. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "plugin/foreign/table.h"

#define PAIRS_MAX 256

/* ---- Where an argument comes from. */

/* A parameter as C sees it; NULL for what C has no plain type for. */
static const adze_c_type *
param_type (const adze_param *param)
{
  switch (param->type) {
  case ADZE_PARAM_BOOL:
  case ADZE_PARAM_INT:
  case ADZE_PARAM_CHOICE:
    return adze_c_type_find ("int64");
  case ADZE_PARAM_FLOAT:
    return adze_c_type_find ("double");
  default:
    return NULL;
  }
}

static const adze_param *
source_param (const adze_foreign_function *function, uint32_t source)
{
  size_t own = 0;
  adze_foreign_sources (function->shape, &own);
  return source < own ? NULL : &function->component->params[source - own];
}

static adze_error *
source_unknown (const adze_foreign_fields *fields, const adze_foreign_function *function,
                const char *from)
{
  size_t own = 0;
  const adze_foreign_source *sources = adze_foreign_sources (function->shape, &own);
  ADZE_AUTO (adze_buffer) names = { 0 };
  for (size_t i = 0; i < own; i++)
    adze_buffer_format (&names, "%s%s", i ? ", " : "", sources[i].name);
  if (function->component)
    adze_buffer_text (&names, ", param.NAME");
  if (function->shape != ADZE_FOREIGN_MAP)
    adze_buffer_text (&names, ", status");
  if (names.failed)
    return adze_error_memory ();
  return adze_document_error (fields->document, adze_value_get (fields->table, "from"),
                              "'%s' is nothing that '%s' can hand over; there are: %s", from,
                              adze_foreign_function_name (function), names.data);
}

static adze_error *
source_find (const adze_foreign_fields *fields, const adze_foreign_function *function,
             const char *from, uint32_t *source, const adze_c_type **type)
{
  size_t own = 0;
  const adze_foreign_source *sources = adze_foreign_sources (function->shape, &own);
  for (size_t i = 0; i < own; i++)
    if (strcmp (sources[i].name, from) == 0) {
      *source = (uint32_t)i;
      *type = sources[i].type ? adze_c_type_find (sources[i].type) : function->element;
      return NULL;
    }
  const adze_manifest_component *component = function->component;
  if (!component || strncmp (from, "param.", 6) != 0)
    return source_unknown (fields, function, from);
  for (size_t i = 0; i < component->param_count; i++) {
    if (strcmp (component->params[i].name, from + 6) != 0)
      continue;
    *source = (uint32_t)(own + i);
    *type = param_type (&component->params[i]);
    if (!*type)
      return adze_document_error (fields->document, adze_value_get (fields->table, "from"),
                                  "a parameter of type %s cannot be an argument of a C function; "
                                  "bool, int, float and choice can",
                                  adze_param_type_name (component->params[i].type,
                                                        component->params[i].item));
    return NULL;
  }
  return adze_document_error (fields->document, adze_value_get (fields->table, "from"),
                              "'%s' has no parameter '%s'", component->id, from + 6);
}

/* ---- Maps: which of our numbers becomes which of the library's. */

int64_t
adze_foreign_choice (const char *choices, const char *word)
{
  size_t size = strlen (word);
  for (int64_t index = 0;; index++) {
    size_t length = strcspn (choices, "|");
    if (length == size && memcmp (choices, word, size) == 0)
      return index;
    if (choices[length] == '\0')
      return -1;
    choices += length + 1;
  }
}

static int64_t
choice_count (const char *choices)
{
  int64_t count = 1;
  for (; *choices; choices++)
    count += *choices == '|';
  return count;
}

/* How many values there are, so that a map can be held against all of them; 0: too many. */
static int64_t
source_values (const adze_foreign_function *function, uint32_t source)
{
  size_t own = 0;
  const adze_foreign_source *sources = adze_foreign_sources (function->shape, &own);
  const adze_param *param = source_param (function, source);
  if (!param)
    return sources[source].values;
  if (param->type == ADZE_PARAM_CHOICE)
    return choice_count (param->choices);
  return param->type == ADZE_PARAM_BOOL ? 2 : 0;
}

static bool
map_key_read (const adze_param *param, const char *key, int64_t *from)
{
  if (param && param->type == ADZE_PARAM_CHOICE) {
    *from = adze_foreign_choice (param->choices, key);
    return *from >= 0;
  }
  if (param && param->type == ADZE_PARAM_BOOL) {
    *from = strcmp (key, "true") == 0;
    return *from || strcmp (key, "false") == 0;
  }
  char *end = NULL;
  errno = 0;
  *from = strtoll (key, &end, 10);
  return end != key && *end == '\0' && errno == 0;
}

static adze_error *
pair_read (const adze_foreign_fields *fields, const adze_foreign_function *function,
           adze_foreign_argument *argument, const adze_value *value)
{
  adze_foreign_pair *pair = &argument->map[argument->map_count];
  char name[80];
  adze_foreign_source_name (function, argument->source, name);
  if (!map_key_read (source_param (function, argument->source), value->key, &pair->from))
    return adze_document_key_error (fields->document, value, "'%s' is no value of '%s'",
                                    value->key, name);
  for (size_t i = 0; i < argument->map_count; i++)
    if (argument->map[i].from == pair->from)
      return adze_document_key_error (fields->document, value, "the map has %s twice",
                                      value->key);
  int64_t low = 0, high = 0;
  adze_c_type_limits (argument->type, &low, &high);
  adze_foreign_fields map = { fields->document, adze_value_get (fields->table, "map") };
  ADZE_TRY (adze_foreign_integer (&map, value->key, true, low, high, &pair->to));
  argument->map_count++;
  return NULL;
}

/* A map with a gap would fail in the middle of somebody's run. */
static adze_error *
map_complete (const adze_foreign_fields *fields, const adze_foreign_function *function,
              const adze_foreign_argument *argument, const adze_value *map)
{
  int64_t values = source_values (function, argument->source);
  for (int64_t i = 0; i < values; i++) {
    size_t n = 0;
    while (n < argument->map_count && argument->map[n].from != i)
      n++;
    if (n == argument->map_count) {
      char name[80];
      return adze_document_error (fields->document, map,
                                  "the map must name all %lld values of '%s', and lacks number "
                                  "%lld of them",
                                  (long long)values,
                                  adze_foreign_source_name (function, argument->source, name),
                                  (long long)i + 1);
    }
  }
  return NULL;
}

static adze_error *
map_read (const adze_foreign_fields *fields, const adze_foreign_function *function,
          const adze_c_type *source_type, adze_foreign_argument *argument)
{
  const adze_value *map = adze_value_get (fields->table, "map");
  const adze_param *param = source_param (function, argument->source);
  if (!map && param && param->type == ADZE_PARAM_CHOICE)
    return adze_document_error (fields->document, fields->table,
                                "a choice needs a map from its words to numbers: map = { ... }");
  if (!map)
    return NULL;
  if (source_type->sort != ADZE_C_INTEGER || argument->type->sort != ADZE_C_INTEGER)
    return adze_document_key_error (fields->document, map,
                                    "a map is from whole numbers or words to whole numbers");
  if (map->type != ADZE_VALUE_TABLE || map->count == 0 || map->count > PAIRS_MAX)
    return adze_document_error (fields->document, map,
                                "'map' must be a table of 1 to %d entries", PAIRS_MAX);
  argument->map = calloc (map->count, sizeof *argument->map);
  if (!argument->map)
    return adze_error_memory ();
  for (size_t i = 0; i < map->count; i++)
    ADZE_TRY (pair_read (fields, function, argument, map->items[i]));
  return map_complete (fields, function, argument, map);
}

/* ---- Arguments. */

static adze_error *
fixed_read (const adze_foreign_fields *fields, adze_foreign_argument *argument)
{
  int64_t low = 0, high = 0;
  argument->source = ADZE_FOREIGN_FIXED;
  switch (argument->type->sort) {
  case ADZE_C_REAL: {
    double number = 0;
    ADZE_TRY (adze_foreign_real (fields, "value", &number));
    if (argument->type->size == sizeof (float) && isfinite (number) && !isfinite ((float)number))
      return adze_document_error (fields->document, adze_value_get (fields->table, "value"),
                                  "%g does not fit a float", number);
    argument->fixed.real = number;
    return NULL;
  }
  case ADZE_C_INTEGER:
    adze_c_type_limits (argument->type, &low, &high);
    break;
  default: /* the only address that means the same everywhere is NULL: low and high are 0 */
    break;
  }
  int64_t number = 0;
  ADZE_TRY (adze_foreign_integer (fields, "value", true, low, high, &number));
  if (argument->type->sort == ADZE_C_INTEGER)
    argument->fixed.integer = number;
  else
    argument->fixed.pointer = NULL;
  return NULL;
}

static const char *
sort_words (const adze_c_type *type)
{
  return type->sort == ADZE_C_INTEGER ? "a whole number"
         : type->sort == ADZE_C_REAL  ? "a number with a fraction"
                                      : "a pointer";
}

static adze_error *
source_read (const adze_foreign_fields *fields, const adze_foreign_function *function,
             const char *from, adze_foreign_argument *argument)
{
  const adze_c_type *source_type = NULL;
  ADZE_TRY (source_find (fields, function, from, &argument->source, &source_type));
  if (source_type->sort != argument->type->sort)
    return adze_document_error (fields->document, fields->table,
                                "'%s' is %s, and %s is the type of %s", from,
                                sort_words (source_type), argument->type->name,
                                sort_words (argument->type));
  /* The elements are handed over where they lie. */
  if (function->shape == ADZE_FOREIGN_MAP && argument->source == ADZE_SOURCE_X
      && !adze_c_type_same (source_type, argument->type))
    return adze_document_error (fields->document, fields->table,
                                "'x' must have the type that the function returns, %s, not %s",
                                source_type->name, argument->type->name);
  return map_read (fields, function, source_type, argument);
}

/* Where the function leaves whether it went well. It begins as a failure, so that one that never
 * writes there has failed. */
static adze_error *
status_read (const adze_foreign_fields *fields, const adze_foreign_function *function,
             adze_foreign_argument *argument)
{
  if (function->shape == ADZE_FOREIGN_MAP || argument->type->sort != ADZE_C_INTEGER
      || !argument->by_reference || adze_value_get (fields->table, "map"))
    return adze_document_error (fields->document, fields->table,
                                "'status' is a whole number that the function writes: it needs "
                                "by = \"reference\", and no map");
  if (!function->has_success || function->returns->sort != ADZE_C_VOID)
    return adze_document_error (fields->document, fields->table,
                                "with 'status' the function returns void, and 'success' says which "
                                "status means success");
  for (size_t i = 0; i < function->argument_count; i++)
    if (&function->arguments[i] != argument && function->arguments[i].is_status)
      return adze_document_error (fields->document, fields->table, "there is a 'status' already");
  argument->source = ADZE_FOREIGN_FIXED;
  argument->is_status = true;
  argument->fixed.integer = function->success == 0;
  return NULL;
}

static adze_error *
by_read (const adze_foreign_fields *fields, const adze_foreign_function *function,
         adze_foreign_argument *argument)
{
  const char *by = NULL;
  ADZE_TRY (adze_foreign_text (fields, "by", false, &by));
  if (!by || strcmp (by, "value") == 0)
    return NULL;
  if (strcmp (by, "reference") != 0)
    return adze_document_error (fields->document, adze_value_get (fields->table, "by"),
                                "'by' must be \"value\" or \"reference\", found '%s'", by);
  if (function->shape == ADZE_FOREIGN_MAP || argument->type->sort == ADZE_C_POINTER)
    return adze_document_error (fields->document, adze_value_get (fields->table, "by"),
                                "numbers are passed by reference, pointers and what a map takes "
                                "are not");
  argument->by_reference = true;
  return NULL;
}

static adze_error *
argument_read (const adze_foreign_fields *fields, const adze_foreign_function *function,
               adze_foreign_argument *argument)
{
  static const char *const keys[] = { "type", "by", "value", "from", "map" };
  const char *type = NULL;
  const char *from = NULL;
  ADZE_TRY (adze_foreign_names (fields, keys, ADZE_COUNT_OF (keys)));
  ADZE_TRY (adze_foreign_text (fields, "type", true, &type));
  argument->type = adze_c_type_find (type);
  if (!argument->type || argument->type->sort == ADZE_C_VOID) {
    const char *nearest = adze_c_type_nearest (type);
    return adze_document_error (fields->document, adze_value_get (fields->table, "type"),
                                "'%s' is no type of an argument%s%s%s", type,
                                nearest ? "; did you mean '" : "", nearest ? nearest : "",
                                nearest ? "'?" : "");
  }
  ADZE_TRY (by_read (fields, function, argument));
  ADZE_TRY (adze_foreign_text (fields, "from", false, &from));
  bool fixed = adze_value_get (fields->table, "value") != NULL;
  if (fixed == (from != NULL))
    return adze_document_error (fields->document, fields->table,
                                "an argument has either a 'value' or a 'from'");
  if (!fixed)
    return strcmp (from, "status") == 0 ? status_read (fields, function, argument)
                                        : source_read (fields, function, from, argument);
  if (adze_value_get (fields->table, "map"))
    return adze_document_key_error (fields->document, adze_value_get (fields->table, "map"),
                                    "a fixed value needs no map");
  return fixed_read (fields, argument);
}

/* What goes nowhere would be ignored without a word: a leading dimension, a parameter. */
static adze_error *
sources_used (const adze_foreign_fields *fields, const adze_foreign_function *function)
{
  size_t own = 0;
  const adze_foreign_source *sources = adze_foreign_sources (function->shape, &own);
  size_t count = own + (function->component ? function->component->param_count : 0);
  for (size_t source = 0; source < count; source++) {
    size_t i = 0;
    while (i < function->argument_count && function->arguments[i].source != source)
      i++;
    if (i < function->argument_count || (source < own && !sources[source].mandatory))
      continue;
    char name[80];
    return adze_document_error (fields->document, adze_value_get (fields->table, "arguments"),
                                "no argument of %s is from '%s', which '%s' depends on",
                                function->symbol,
                                adze_foreign_source_name (function, (uint32_t)source, name),
                                adze_foreign_function_name (function));
  }
  return NULL;
}

/* What is compared with `success`: a whole number that is returned, or an argument. */
static adze_error *
success_served (const adze_foreign_fields *fields, const adze_foreign_function *function)
{
  bool served = !function->has_success || function->returns->sort == ADZE_C_INTEGER;
  for (size_t i = 0; i < function->argument_count; i++)
    served = served || function->arguments[i].is_status;
  return served ? NULL
                : adze_document_key_error (fields->document,
                                           adze_value_get (fields->table, "success"),
                                           "'success' belongs to a whole number that the function "
                                           "returns, or to an argument from 'status'");
}

adze_error *
adze_foreign_arguments_read (const adze_foreign_fields *fields, adze_foreign_function *function)
{
  const adze_value *list = NULL;
  ADZE_TRY (adze_foreign_tables (fields, "arguments", ADZE_FOREIGN_ARGUMENTS, &list));
  function->arguments = calloc (list->count, sizeof *function->arguments);
  if (!function->arguments)
    return adze_error_memory ();
  function->argument_count = list->count;
  for (size_t i = 0; i < list->count; i++) {
    adze_foreign_fields argument = { fields->document, list->items[i] };
    ADZE_TRY (argument_read (&argument, function, &function->arguments[i]));
  }
  ADZE_TRY (success_served (fields, function));
  return sources_used (fields, function);
}
