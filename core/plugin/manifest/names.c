/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/manifest/names.c: words that are allowed, and words for numbers. */
#include "plugin/manifest/names.h"

#include <string.h>

#include <adze/draft/codec.h>
#include <adze/draft/technique.h>

#include "base/file.h"

/* ---- What is allowed. */

static bool
consists_of (const char *name, const char *allowed)
{
  size_t length = strspn (name, allowed);
  return length > 0 && length <= 64 && name[length] == '\0' && name[0] >= 'a' && name[0] <= 'z';
}

#define LETTERS "abcdefghijklmnopqrstuvwxyz0123456789-"

bool
adze_name_valid (const char *name)
{
  return consists_of (name, LETTERS);
}

bool
adze_id_valid (const char *kind, const char *id)
{
  return consists_of (id, strcmp (kind, ADZE_CODEC) == 0 ? LETTERS "_" : LETTERS);
}

const char *
adze_text_fault (const char *text, size_t size)
{
  if (size > ADZE_TEXT_MAX)
    return "is longer than 4096 bytes";
  while (size > 0) {
    uint32_t code;
    size_t length = adze_utf8_read (text, size, &code);
    if (code == ADZE_UTF8_BAD)
      return "is not UTF-8";
    if (code < 0x20 || (code >= 0x7f && code < 0xa0))
      return "has a control character in it";
    text += length;
    size -= length;
  }
  return NULL;
}

/* ---- Words for numbers. */

static const struct {
  uint32_t type, item;
  const char *name;
} type_names[] = {
  { ADZE_PARAM_BOOL, 0, "bool" },
  { ADZE_PARAM_INT, 0, "int" },
  { ADZE_PARAM_FLOAT, 0, "float" },
  { ADZE_PARAM_STRING, 0, "string" },
  { ADZE_PARAM_CHOICE, 0, "choice" },
  { ADZE_PARAM_FILE, 0, "file" },
  { ADZE_PARAM_COMPONENT, 0, "component" },
  { ADZE_PARAM_LIST, 0, "list" },
  { ADZE_PARAM_LIST, ADZE_PARAM_BOOL, "list of bool" },
  { ADZE_PARAM_LIST, ADZE_PARAM_INT, "list of int" },
  { ADZE_PARAM_LIST, ADZE_PARAM_FLOAT, "list of float" },
  { ADZE_PARAM_LIST, ADZE_PARAM_STRING, "list of string" },
  { ADZE_PARAM_LIST, ADZE_PARAM_CHOICE, "list of choice" },
  { ADZE_PARAM_LIST, ADZE_PARAM_FILE, "list of file" },
  { ADZE_PARAM_LIST, ADZE_PARAM_COMPONENT, "list of component" },
  { ADZE_PARAM_MAP, 0, "map" },
  { ADZE_PARAM_MAP, ADZE_PARAM_BOOL, "map of bool" },
  { ADZE_PARAM_MAP, ADZE_PARAM_INT, "map of int" },
  { ADZE_PARAM_MAP, ADZE_PARAM_FLOAT, "map of float" },
  { ADZE_PARAM_MAP, ADZE_PARAM_STRING, "map of string" },
  { ADZE_PARAM_MAP, ADZE_PARAM_CHOICE, "map of choice" },
  { ADZE_PARAM_MAP, ADZE_PARAM_FILE, "map of file" },
  { ADZE_PARAM_MAP, ADZE_PARAM_COMPONENT, "map of component" },
  { ADZE_PARAM_OUTPUT_FILE, 0, "output file" },
};

const char *
adze_param_type_name (uint32_t type, uint32_t item)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (type_names); i++)
    if (type_names[i].type == type && type_names[i].item == item)
      return type_names[i].name;
  return NULL;
}

bool
adze_param_type_parse (const char *name, uint32_t *type, uint32_t *item)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (type_names); i++) {
    bool entries = type_names[i].type == ADZE_PARAM_LIST || type_names[i].type == ADZE_PARAM_MAP;
    if (strcmp (type_names[i].name, name) != 0 || (entries && type_names[i].item == 0))
      continue;
    *type = type_names[i].type;
    *item = type_names[i].item;
    return true;
  }
  return false;
}

const char *
adze_threading_name (uint32_t threading)
{
  static const char *const names[] = { [ADZE_THREADS_PLUGIN] = "plugin",
                                       [ADZE_THREADS_INSTANCE] = "instance",
                                       [ADZE_THREADS_PARALLEL] = "parallel" };
  return threading < ADZE_COUNT_OF (names) ? names[threading] : NULL;
}

const char *
adze_effect_name (uint32_t effect)
{
  static const char *const names[] = { [ADZE_CHANGES] = "changes", [ADZE_INSPECTS] = "inspects" };
  return effect < ADZE_COUNT_OF (names) ? names[effect] : NULL;
}

const char *
adze_direction_name (uint32_t direction)
{
  static const char *const names[] = { [ADZE_PORT_IN] = "in", [ADZE_PORT_OUT] = "out" };
  return direction < ADZE_COUNT_OF (names) ? names[direction] : NULL;
}

/* ---- Choices. */

bool
adze_choices_have (const char *choices, const char *word, size_t size)
{
  for (const char *at = choices; *at;) {
    size_t length = strcspn (at, "|");
    if (length == size && memcmp (at, word, size) == 0)
      return true;
    at += length + (at[length] == '|');
  }
  return false;
}

adze_error *
adze_choices_split (const char *choices, char ***words, size_t *count)
{
  size_t most = 1;
  for (const char *at = choices; *at; at++)
    most += *at == '|';
  char **split = calloc (most, sizeof *split);
  *words = split;
  *count = 0;
  if (!split)
    return adze_error_memory ();
  for (const char *at = choices; *count < most; at += strcspn (at, "|") + 1) {
    split[*count] = strndup (at, strcspn (at, "|"));
    if (!split[(*count)++]) {
      adze_names_free (split, *count - 1);
      *words = NULL;
      *count = 0;
      return adze_error_memory ();
    }
  }
  return NULL;
}
