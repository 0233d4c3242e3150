/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: a command line, taken apart by tables of options. */
#include "cli/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define OPTION_NAMES_MAX 64

bool
adze_cli_arguments_open (adze_cli_arguments *arguments, int argc)
{
  size_t room = (size_t)argc + 1;
  *arguments = (adze_cli_arguments){ 0 };
  arguments->words = calloc (room, sizeof *arguments->words);
  arguments->given = calloc (room, sizeof *arguments->given);
  if (arguments->words && arguments->given)
    return true;
  adze_cli_arguments_close (arguments);
  return false;
}

void
adze_cli_arguments_close (adze_cli_arguments *arguments)
{
  free (arguments->words);
  free (arguments->given);
  *arguments = (adze_cli_arguments){ 0 };
}

/* ---- Looking up. */

/* NAME is SIZE bytes long: the value may follow it behind a "=". */
static const adze_cli_option *
find_long (const adze_cli_option *table, const char *name, size_t size)
{
  for (; table && table->name; table++)
    if (strlen (table->name) == size && memcmp (table->name, name, size) == 0)
      return table;
  return NULL;
}

static const adze_cli_option *
find_letter (const adze_cli_option *table, char letter)
{
  for (; table && table->name; table++)
    if (table->letter == letter)
      return table;
  return NULL;
}

static size_t
collect_names (const adze_cli_option *table, const char **names, size_t count)
{
  for (; table && table->name && count < OPTION_NAMES_MAX; table++)
    names[count++] = table->name;
  return count;
}

/* ---- Complaints. */

static bool complain (adze_cli_arguments *arguments, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

static bool
complain (adze_cli_arguments *arguments, const char *format, ...)
{
  va_list list;
  va_start (list, format);
  vsnprintf (arguments->complaint, sizeof arguments->complaint, format, list);
  va_end (list);
  return false;
}

static bool
unknown_option (adze_cli_arguments *arguments, const char *argument,
                const adze_cli_option *common, const adze_cli_option *own)
{
  const char *names[OPTION_NAMES_MAX];
  size_t count = collect_names (own, names, 0);
  count = collect_names (common, names, count);
  const char *meant = NULL;
  if (argument[1] == '-') {
    ADZE_CLI_FREE char *name = strndup (argument + 2, strcspn (argument + 2, "="));
    if (name)
      meant = adze_cli_nearest (name, names, count);
  }
  if (meant)
    return complain (arguments, "unknown option '%s'; did you mean '--%s'?", argument, meant);
  return complain (arguments, "unknown option '%s'", argument);
}

/* ---- Reading. */

/* Is VALUE one of "auto|always|never"? Words in capitals stand for anything. */
static bool
is_allowed (const adze_cli_option *option, const char *value)
{
  size_t size = strlen (value);
  if (option->value[0] < 'a' || option->value[0] > 'z')
    return true;
  for (const char *choice = option->value; choice; choice = strchr (choice, '|')) {
    choice += *choice == '|';
    if (strcspn (choice, "|") == size && memcmp (choice, value, size) == 0)
      return true;
  }
  return false;
}

static bool
keep (adze_cli_arguments *arguments, const adze_cli_option *option, const char *value)
{
  if (!option->repeatable && option->value && adze_cli_has (arguments, option->name))
    return complain (arguments, "option '--%s' is given twice", option->name);
  if (option->value && !is_allowed (option, value))
    return complain (arguments, "'%s' is no value for '--%s', which takes %s", value,
                     option->name, option->value);
  arguments->given[arguments->given_count++] = (adze_cli_given){ option, value };
  return true;
}

static bool
read_option (adze_cli_arguments *arguments, int argc, char **argv, int *index,
             const adze_cli_option *common, const adze_cli_option *own)
{
  const char *argument = argv[*index];
  const adze_cli_option *option;
  const char *value = NULL;
  if (argument[1] == '-') {
    size_t size = strcspn (argument + 2, "=");
    option = find_long (own, argument + 2, size);
    if (!option)
      option = find_long (common, argument + 2, size);
    if (argument[2 + size] == '=')
      value = argument + 2 + size + 1;
  } else {
    option = argument[2] == '\0' ? find_letter (own, argument[1]) : NULL;
    if (!option && argument[2] == '\0')
      option = find_letter (common, argument[1]);
  }
  if (!option)
    return unknown_option (arguments, argument, common, own);
  if (!option->value && value)
    return complain (arguments, "option '--%s' takes no value", option->name);
  if (option->value && !value) {
    if (*index + 1 >= argc)
      return complain (arguments, "option '--%s' needs a value: --%s %s", option->name,
                       option->name, option->value);
    value = argv[++*index];
  }
  ++*index;
  return keep (arguments, option, value);
}

bool
adze_cli_arguments_read (adze_cli_arguments *arguments, int argc, char **argv, int *index,
                         const adze_cli_option *common, const adze_cli_option *own,
                         bool to_first_word)
{
  bool options = true;
  while (*index < argc) {
    const char *argument = argv[*index];
    if (options && strcmp (argument, "--") == 0) {
      options = false;
      ++*index;
    } else if (options && argument[0] == '-' && argument[1] != '\0') {
      if (!read_option (arguments, argc, argv, index, common, own))
        return false;
    } else if (to_first_word) {
      return true;
    } else {
      arguments->words[arguments->word_count++] = argument;
      ++*index;
    }
  }
  return true;
}

/* ---- Asking. */

const char *
adze_cli_value (const adze_cli_arguments *arguments, const char *name)
{
  for (size_t i = arguments->given_count; i-- > 0;)
    if (strcmp (arguments->given[i].option->name, name) == 0)
      return arguments->given[i].value;
  return NULL;
}

bool
adze_cli_has (const adze_cli_arguments *arguments, const char *name)
{
  for (size_t i = 0; i < arguments->given_count; i++)
    if (strcmp (arguments->given[i].option->name, name) == 0)
      return true;
  return false;
}

const char **
adze_cli_values (const adze_cli_arguments *arguments, const char *name)
{
  const char **values = calloc (arguments->given_count + 1, sizeof *values);
  if (!values)
    return NULL;
  size_t count = 0;
  for (size_t i = 0; i < arguments->given_count; i++)
    if (strcmp (arguments->given[i].option->name, name) == 0)
      values[count++] = arguments->given[i].value;
  return values;
}
