/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/manifest/params_fit.c: one value and one declaration: what a text says, what a range has in it, and
 * whether the value fits. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/quantity.h"
#include "base/toml.h"
#include "plugin/manifest/params_words.h"

/* Longer values in messages are cut: what is complained about may be anything. */
#define SHOWN 80

/* ---- Text as a value. */

bool
adze_param_is_text (uint32_t type)
{
  return type == ADZE_PARAM_STRING || type == ADZE_PARAM_CHOICE || type == ADZE_PARAM_FILE
         || type == ADZE_PARAM_COMPONENT || type == ADZE_PARAM_OUTPUT_FILE;
}

/* TEXT as TOML. Blanks in front let the columns of the result be those of a text that begins at
 * COLUMN of its line. */
static adze_error *
read_toml (const char *text, size_t column, adze_value **value)
{
  int blanks = column > 3 ? (int)column - 3 : 0;
  ADZE_AUTO_FREE char *line = adze_text_format ("v%*s=%s\n", blanks, "", text);
  if (!line)
    return adze_error_memory ();
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_TRY (adze_toml_parse ("<value>", line, strlen (line), &document));
  /* A line break in TEXT could bring further keys along. */
  if (document.root->count != 1)
    return adze_error_new (ADZE_E_PARAM, "\"%.*s\" is more than one value", SHOWN, text);
  *value = adze_take (&document.root->items[0]);
  document.root->count = 0;
  return NULL;
}

static adze_error *
plain_text (const char *text, adze_value **value)
{
  ADZE_AUTO_VALUE made = adze_value_new (ADZE_VALUE_STRING);
  if (!made || !adze_value_set_text (made, text, strlen (text)))
    return adze_error_memory ();
  *value = adze_take (&made);
  return NULL;
}

adze_error *
adze_param_text (uint32_t type, const char *text, size_t column, adze_value **value)
{
  *value = NULL;
  if (!adze_param_is_text (type))
    return read_toml (text, column, value);
  /* Nothing else begins a TOML value that these types could take. */
  if (!text[0] || !strchr ("\"'{[", text[0]))
    return plain_text (text, value);
  ADZE_AUTO_ERROR no_toml = read_toml (text, column, value);
  if (!no_toml)
    return NULL;
  return adze_error_status (no_toml) == ADZE_E_MEMORY ? adze_take (&no_toml)
                                                      : plain_text (text, value);
}

/* ---- Ranges. */

typedef struct bound {
  double real;
  int64_t integer;
  bool whole; /* INTEGER says the same as REAL, or more exactly; or REAL is infinite */
} bound;

static adze_error *
read_bound (const char *range, const char *text, size_t size, bound *result)
{
  while (size > 0 && *text == ' ')
    text++, size--;
  while (size > 0 && text[size - 1] == ' ')
    size--;
  ADZE_AUTO_FREE char *number = strndup (text, size);
  if (!number)
    return adze_error_memory ();
  ADZE_AUTO_VALUE value = NULL;
  if (size > 0 && strspn (number, "+-.0123456789einf") == size) {
    ADZE_AUTO_ERROR bad = adze_param_text (ADZE_PARAM_FLOAT, number, 0, &value);
    if (adze_error_status (bad) == ADZE_E_MEMORY)
      return adze_take (&bad);
  }
  if (!value || (value->type != ADZE_VALUE_INT && value->type != ADZE_VALUE_FLOAT))
    return adze_error_new (ADZE_E_PARAM, "in the range \"%s\", \"%.*s\" is no number", range,
                           SHOWN, number);
  bool integer = value->type == ADZE_VALUE_INT;
  result->integer = integer ? value->integer : 0;
  result->real = integer ? (double)value->integer : value->real;
  result->whole = integer || isinf (value->real);
  if (isnan (result->real))
    return adze_error_new (ADZE_E_PARAM, "in the range \"%s\", nan is no bound", range);
  return NULL;
}

static bool
range_empty (const adze_range *range)
{
  bool open = range->low_open || range->high_open;
  if (range->low_whole && range->high_whole && isfinite (range->low) && isfinite (range->high))
    return open ? range->low_integer >= range->high_integer
                : range->low_integer > range->high_integer;
  return open ? range->low >= range->high : range->low > range->high;
}

adze_error *
adze_range_parse (const char *text, adze_range *range)
{
  size_t length = strlen (text);
  const char *comma = strchr (text, ',');
  char first = text[0], last = length > 0 ? text[length - 1] : '\0';
  if (!comma || comma == text || (first != '[' && first != '(') || (last != ']' && last != ')'))
    return adze_error_new (ADZE_E_PARAM,
                           "\"%.*s\" is no range; one looks like \"[0, 1)\", where a bracket "
                           "includes the bound and a parenthesis does not",
                           SHOWN, text);
  bound low, high;
  ADZE_TRY (read_bound (text, text + 1, (size_t)(comma - text) - 1, &low));
  ADZE_TRY (read_bound (text, comma + 1, (size_t)(text + length - comma) - 2, &high));
  *range = (adze_range){ .low_open = first == '(',
                         .high_open = last == ')',
                         .low_whole = low.whole,
                         .high_whole = high.whole,
                         .low = low.real,
                         .high = high.real,
                         .low_integer = low.integer,
                         .high_integer = high.integer };
  if (range_empty (range))
    return adze_error_new (ADZE_E_PARAM, "the range \"%s\" has nothing in it", text);
  return NULL;
}

bool
adze_range_has_float (const adze_range *range, double number)
{
  bool above = range->low_open ? number > range->low : number >= range->low;
  bool below = range->high_open ? number < range->high : number <= range->high;
  return above && below;
}

bool
adze_range_has_int (const adze_range *range, int64_t number)
{
  bool above = range->low_open ? number > range->low_integer : number >= range->low_integer;
  bool below = range->high_open ? number < range->high_integer : number <= range->high_integer;
  if (!range->low_whole || isinf (range->low))
    above = (double)number >= range->low && !(range->low_open && (double)number <= range->low);
  if (!range->high_whole || isinf (range->high))
    below = (double)number <= range->high && !(range->high_open && (double)number >= range->high);
  return above && below;
}

/* ---- Sizes. */

bool
adze_param_writes_only (const adze_param *param)
{
  static const char mark[] = "writing:";
  return param->help && strncmp (param->help, mark, sizeof mark - 1) == 0;
}

bool
adze_param_is_size (const adze_param *param)
{
  return param->type == ADZE_PARAM_INT && param->unit && strcmp (param->unit, "bytes") == 0;
}

adze_error *
adze_param_size (const adze_param *param, const adze_value *value, adze_value **size)
{
  double number;
  *size = NULL;
  if (value->type != ADZE_VALUE_STRING || !adze_param_is_size (param))
    return NULL;
  adze_error *error = adze_quantity_parse (value->string, ADZE_QUANTITY_BYTES, &number);
  if (!error && number > ADZE_BYTES_MAX)
    error = adze_error_new (ADZE_E_PARAM, "\"%s\" is more than 8192 TiB", value->string);
  if (error) {
    adze_error *named
        = adze_error_new (ADZE_E_PARAM, "parameter '%s': %s", param->name,
                          adze_error_message (error));
    adze_error_set (named, "found", value->string);
    adze_error_set (named, "needed", "a number of bytes, or a size such as \"2GiB\"");
    adze_error_free (error);
    return named;
  }
  ADZE_AUTO_VALUE whole = adze_value_new (ADZE_VALUE_INT);
  if (!whole)
    return adze_error_memory ();
  whole->integer = (int64_t)number;
  whole->line = value->line;
  whole->column = value->column;
  whole->origin = value->origin;
  *size = adze_take (&whole);
  return NULL;
}

/* ---- Does a value fit? */

static bool
type_fits (uint32_t type, const adze_value *value)
{
  switch (type) {
  case ADZE_PARAM_BOOL:
    return value->type == ADZE_VALUE_BOOL;
  case ADZE_PARAM_INT:
    return value->type == ADZE_VALUE_INT;
  case ADZE_PARAM_FLOAT:
    return value->type == ADZE_VALUE_FLOAT || value->type == ADZE_VALUE_INT;
  case ADZE_PARAM_COMPONENT:
    return value->type == ADZE_VALUE_STRING || value->type == ADZE_VALUE_TABLE;
  case ADZE_PARAM_LIST:
    return value->type == ADZE_VALUE_LIST;
  case ADZE_PARAM_MAP:
    return value->type == ADZE_VALUE_TABLE;
  default:
    return value->type == ADZE_VALUE_STRING;
  }
}

/* "parameter 'x' must be NEEDED; FOUND is not", with both as facts. */
static adze_error *
misfit (const adze_param *param, bool entry, const char *needed, const char *found,
        const char *more)
{
  adze_error *error
      = adze_error_new (ADZE_E_PARAM, "%sparameter '%s' must be %s, and %s is not%s",
                        entry ? "an entry of " : "", param->name, needed, found, more);
  adze_error_set (error, "needed", needed);
  adze_error_set (error, "found", found);
  return error;
}

/* The value as it would be written, cut when it is long; to be freed, NULL without memory. */
static char *
shown_value (const adze_value *value)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_value_write_toml (value, &text);
  if (text.failed || !text.data)
    return NULL;
  const char *end = text.size > SHOWN ? "..." : "";
  return adze_text_format ("%.*s%s", SHOWN, text.data, end);
}

static adze_error *
check_type (const adze_param *param, uint32_t type, bool entry, const adze_value *value)
{
  bool text = value->type == ADZE_VALUE_STRING;
  if (type_fits (type, value)) {
    if (text && strlen (value->string) != value->string_size)
      return misfit (param, entry, "text", "a string with a NUL in it", "");
    if (value->type == ADZE_VALUE_FLOAT && isnan (value->real))
      return misfit (param, entry, "a number", "nan", "");
    return NULL;
  }
  ADZE_AUTO_FREE char *shown = shown_value (value);
  ADZE_AUTO_FREE char *found
      = shown ? adze_text_format ("%s (%s)", adze_value_type_name (value->type), shown) : NULL;
  return found ? misfit (param, entry, adze_param_type_words (type), found, "") : adze_error_memory ();
}

static adze_error *
check_range (const adze_param *param, bool entry, const adze_value *value)
{
  adze_range range;
  ADZE_TRY (adze_range_parse (param->range, &range));
  uint32_t type = entry ? param->item : param->type;
  double number = value->type == ADZE_VALUE_INT ? (double)value->integer : value->real;
  if (type == ADZE_PARAM_INT ? adze_range_has_int (&range, value->integer)
                             : adze_range_has_float (&range, number))
    return NULL;
  ADZE_AUTO_FREE char *needed = adze_param_range_words (param);
  ADZE_AUTO_FREE char *found = shown_value (value);
  return needed && found ? misfit (param, entry, needed, found, "") : adze_error_memory ();
}

static adze_error *
bad_choice (const adze_param *param, bool entry, const adze_value *value, char **words,
            size_t count)
{
  ADZE_AUTO_FREE char *needed = adze_param_choice_words (param);
  const char *nearest = adze_nearest (value->string, (const char *const *)words, count);
  ADZE_AUTO_FREE char *meant = adze_text_format (
      "%s%s%s", nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
  ADZE_AUTO_FREE char *found = shown_value (value);
  if (!needed || !meant || !found)
    return adze_error_memory ();
  return misfit (param, entry, needed, found, meant);
}

static adze_error *
check_choice (const adze_param *param, bool entry, const adze_value *value)
{
  if (adze_choices_have (param->choices, value->string, value->string_size))
    return NULL;
  char **words;
  size_t count;
  ADZE_TRY (adze_choices_split (param->choices, &words, &count));
  adze_error *error = bad_choice (param, entry, value, words, count);
  adze_names_free (words, count);
  return error;
}

static adze_error *
check_scalar (const adze_param *param, bool entry, const adze_value *value)
{
  uint32_t type = entry ? param->item : param->type;
  ADZE_TRY (check_type (param, type, entry, value));
  if (type == ADZE_PARAM_CHOICE)
    return check_choice (param, entry, value);
  if ((type == ADZE_PARAM_INT || type == ADZE_PARAM_FLOAT) && param->range)
    return check_range (param, entry, value);
  return NULL;
}

adze_error *
adze_param_fit (const adze_param *param, const adze_value *value)
{
  return check_scalar (param, false, value);
}

adze_error *
adze_param_fit_entry (const adze_param *param, const adze_value *entry)
{
  if (entry->key && strlen (entry->key) != entry->key_size)
    return misfit (param, true, "a name", "a key with a NUL in it", "");
  return check_scalar (param, true, entry);
}

/* ---- Presets. */

/* So that 1 and 1.0 are the same default of a float. */
static void
integer_to_float (uint32_t type, adze_value *value)
{
  if (type != ADZE_PARAM_FLOAT || value->type != ADZE_VALUE_INT)
    return;
  value->type = ADZE_VALUE_FLOAT;
  value->real = (double)value->integer;
  value->integer = 0;
}

/* What JSON, in which the registry keeps manifests, has no way to say. Elsewhere the declared type
 * tells an infinity from a word. */
static bool
beyond_json (const adze_value *value)
{
  if (value->type == ADZE_VALUE_DATE
      || (value->type == ADZE_VALUE_FLOAT && !isfinite (value->real)))
    return true;
  for (size_t i = 0; i < value->count; i++)
    if (beyond_json (value->items[i]))
      return true;
  return false;
}

bool
adze_param_left_out (const adze_param *param, const adze_value *value)
{
  bool entries = param->type == ADZE_PARAM_LIST || param->type == ADZE_PARAM_MAP;
  return !entries && param->preset && (!param->preset[0] || strcmp (param->preset, "\"\"") == 0)
         && value->type == ADZE_VALUE_STRING && value->string_size == 0;
}

static adze_error *
check_preset_component (const adze_param *param, const adze_value *value)
{
  const adze_value *use = value->type == ADZE_VALUE_TABLE ? adze_value_get (value, "use") : value;
  if (adze_param_left_out (param, value))
    return NULL;
  if (!use || use->type != ADZE_VALUE_STRING || strlen (use->string) != use->string_size
      || !adze_id_valid (param->component_kind, use->string))
    return adze_error_new (ADZE_E_PARAM, "parameter '%s' must have the id of a component",
                           param->name);
  if (beyond_json (value))
    return adze_error_new (ADZE_E_PARAM,
                           "parameter '%s' must have neither dates nor infinities inside its "
                           "default",
                           param->name);
  return NULL;
}

/* As plugins are given them: see adze/param.h. */
static int
by_key (const void *a, const void *b)
{
  return strcmp ((*(adze_value *const *)a)->key, (*(adze_value *const *)b)->key);
}

static void
sort_map (const adze_param *param, adze_value *value)
{
  if (param->type == ADZE_PARAM_MAP && value->count > 1)
    qsort (value->items, value->count, sizeof value->items[0], by_key);
}

adze_error *
adze_param_typed (const adze_param *param, const adze_value *value, adze_value **typed)
{
  ADZE_AUTO_VALUE made = NULL;
  *typed = NULL;
  ADZE_TRY (adze_param_size (param, value, &made));
  if (!made && !(made = adze_value_copy (value)))
    return adze_error_memory ();
  integer_to_float (param->type, made);
  bool entries = param->type == ADZE_PARAM_LIST || param->type == ADZE_PARAM_MAP;
  for (size_t i = 0; entries && i < made->count; i++)
    integer_to_float (param->item, made->items[i]);
  sort_map (param, made);
  *typed = adze_take (&made);
  return NULL;
}

adze_error *
adze_param_given (const adze_param *param, const adze_value *settings, bool partial,
                  adze_value **value)
{
  const adze_value *given = adze_value_get (settings, param->name);
  *value = NULL;
  if (given)
    return adze_param_typed (param, given, value);
  return partial ? NULL : adze_param_preset (param, value);
}

adze_error *
adze_param_preset (const adze_param *param, adze_value **value)
{
  *value = NULL;
  if (!param->preset)
    return NULL;
  ADZE_AUTO_VALUE preset = NULL;
  ADZE_TRY (adze_param_text (param->type, param->preset, 0, &preset));
  ADZE_TRY (adze_param_fit (param, preset));
  if (param->type == ADZE_PARAM_COMPONENT)
    ADZE_TRY (check_preset_component (param, preset));
  integer_to_float (param->type, preset);
  bool entries = param->type == ADZE_PARAM_LIST || param->type == ADZE_PARAM_MAP;
  for (size_t i = 0; entries && i < preset->count; i++) {
    ADZE_TRY (adze_param_fit_entry (param, preset->items[i]));
    if (param->item == ADZE_PARAM_COMPONENT)
      ADZE_TRY (check_preset_component (param, preset->items[i]));
    integer_to_float (param->item, preset->items[i]);
  }
  sort_map (param, preset);
  *value = adze_take (&preset);
  return NULL;
}
