/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/manifest/params_words.c: what a parameter may be, and what is wrong with the keys of a table,
 * in words. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "plugin/manifest/params_words.h"

/* ---- What is needed. */

const char *
adze_param_type_words (uint32_t type)
{
  switch (type) {
  case ADZE_PARAM_BOOL:
    return "true or false";
  case ADZE_PARAM_INT:
    return "an integer";
  case ADZE_PARAM_FLOAT:
    return "a float";
  case ADZE_PARAM_FILE:
  case ADZE_PARAM_OUTPUT_FILE:
    return "a string with the path of a file";
  case ADZE_PARAM_COMPONENT:
    return "the id of a component, or { use = \"ID\", ... }";
  case ADZE_PARAM_LIST:
    return "a list";
  case ADZE_PARAM_MAP:
    return "a table";
  default:
    return "a string";
  }
}

/* One bound of "[0, inf)" as it is written there. */
static char *
bound_text (const char *range, bool high)
{
  const char *from = high ? strchr (range, ',') + 1 : range + 1;
  size_t size = high ? strlen (from) - 1 : (size_t)(strchr (range, ',') - from);
  while (size > 0 && *from == ' ')
    from++, size--;
  while (size > 0 && from[size - 1] == ' ')
    size--;
  return strndup (from, size);
}

char *
adze_param_range_words (const adze_param *param)
{
  adze_range range;
  ADZE_AUTO_ERROR bad = adze_range_parse (param->range, &range);
  const char *unit = param->unit ? param->unit : "", *blank = param->unit ? " " : "";
  bool no_low = bad || isinf (range.low), no_high = bad || isinf (range.high);
  if (no_low == no_high)
    return adze_text_format ("in %s%s%s", param->range, blank, unit);
  ADZE_AUTO_FREE char *bound = bound_text (param->range, no_low);
  const char *words = no_high           ? range.low_open ? "more than" : "at least"
                      : range.high_open ? "less than"
                                        : "at most";
  return bound ? adze_text_format ("%s %s%s%s", words, bound, blank, unit) : NULL;
}

char *
adze_param_choice_words (const adze_param *param)
{
  ADZE_AUTO (adze_buffer) words = { 0 };
  bool several = strchr (param->choices, '|') != NULL;
  adze_buffer_text (&words, several ? "one of " : "");
  for (const char *at = param->choices; *at;) {
    size_t size = strcspn (at, "|");
    adze_buffer_format (&words, "%s\"%.*s\"", at > param->choices ? ", " : "", (int)size, at);
    at += size + (at[size] == '|');
  }
  char *text;
  ADZE_AUTO_ERROR failure = adze_buffer_finish (&words, &text);
  return failure ? NULL : text;
}

/* "a float in [0, 1)" */
static char *
needed_words (const adze_param *param)
{
  const char *type = adze_param_type_words (param->type);
  if (param->type == ADZE_PARAM_CHOICE)
    return adze_param_choice_words (param);
  if (param->type == ADZE_PARAM_COMPONENT)
    return adze_text_format ("the id of a %s, or { use = \"ID\", ... }", param->component_kind);
  if ((param->type != ADZE_PARAM_INT && param->type != ADZE_PARAM_FLOAT) || !param->range)
    return strdup (type);
  ADZE_AUTO_FREE char *range = adze_param_range_words (param);
  return range ? adze_text_format ("%s %s", type, range) : NULL;
}

/* "this stage", of "a stage"; "[data.train]" stays. */
static const char *
here (const char *owner, const char **word)
{
  bool article = owner && strncmp (owner, "a", 1) == 0 && strchr (owner, ' ');
  *word = article ? "this" : "";
  return article ? strchr (owner, ' ') : owner ? owner : "";
}

adze_error *
adze_param_missing (const adze_manifest_component *component, const adze_param *param,
                    const char *owner)
{
  const char *word, *place = here (owner, &word);
  ADZE_AUTO_FREE char *needed = needed_words (param);
  if (!needed)
    return adze_error_memory ();
  adze_error *error = adze_error_new (ADZE_E_PARAM, "'%s' needs the parameter '%s': %s (\"%s\")",
                                      component->id, param->name, needed, param->help);
  adze_error_set (error, "needed", needed);
  adze_error_setf (error, "hint", "write %s = ...%s%s%s", param->name, owner ? " in " : "", word,
                   place);
  return error;
}

/* ---- Keys. */

static void
list_names (const char *const *names, size_t count, adze_buffer *into)
{
  for (size_t i = 0; i < count; i++)
    adze_buffer_format (into, "%s%s", i > 0 ? ", " : "", names[i]);
}

static size_t
count_names (const char *const *names)
{
  size_t count = 0;
  while (names && names[count])
    count++;
  return count;
}

static adze_error *
no_key (const char *key, const char *meant, const char *owner)
{
  adze_error *error
      = owner ? adze_error_new (ADZE_E_PARAM, "%s has no key '%s'; did you mean '%s'?", owner, key,
                                meant)
              : adze_error_new (ADZE_E_PARAM, "there is no key '%s' here; did you mean '%s'?", key,
                                meant);
  adze_error_set (error, "found", key);
  adze_error_set (error, "needed", meant);
  return error;
}

static adze_error *
no_parameter (const adze_manifest_component *component, const char *key, const char *meant,
              const char *has, const char *owner, const char *owned)
{
  adze_error *error
      = meant   ? adze_error_new (ADZE_E_PARAM,
                                  "'%s' has no parameter '%s'; did you mean '%s'? (it has %s)",
                                  component->id, key, meant, has)
        : owner ? adze_error_new (ADZE_E_PARAM,
                                  "'%s' is neither a key of %s (%s) nor a parameter of '%s' (%s)",
                                  key, owner, owned, component->id, has)
                : adze_error_new (ADZE_E_PARAM, "'%s' has no parameter '%s'; it has %s",
                                  component->id, key, has);
  adze_error_set (error, "found", key);
  adze_error_set (error, "needed", meant ? meant : has);
  adze_error_setf (error, "hint", "see `adze inspect %s`", component->id);
  return error;
}

adze_error *
adze_param_unknown (const adze_manifest_component *component, const char *key, const char *owner,
                    const char *const *own)
{
  size_t count = component->param_count, own_count = count_names (own);
  ADZE_AUTO_FREE const char **names = calloc (count + 1, sizeof *names);
  ADZE_AUTO (adze_buffer) has = { 0 };
  ADZE_AUTO (adze_buffer) owned = { 0 };
  if (!names)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    names[i] = component->params[i].name;
  list_names (names, count, &has);
  list_names (own, own_count, &owned);
  if (has.failed || owned.failed)
    return adze_error_memory ();
  const char *meant = adze_nearest (key, names, count);
  const char *key_meant = adze_nearest (key, own, own_count);
  if (!meant && key_meant)
    return no_key (key, key_meant, owner);
  return no_parameter (component, key, meant, has.data ? has.data : "none",
                       own_count > 0 ? owner : NULL, owned.data);
}
