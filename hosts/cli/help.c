/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: --help and --words, from the table of verbs. */
#include "cli/cli.h"

#include <string.h>

#define HELP_WIDTH 80 /* where no terminal says another one */

/* The part of a verb's name behind its group ("plugin"); of a verb without group, when GROUP is
 * NULL, the name. NULL: the verb is not in the group. */
static const char *
name_in_group (const adze_cli_verb *verb, const char *group)
{
  const char *space = strchr (verb->name, ' ');
  if (!group)
    return space ? NULL : verb->name;
  size_t size = strlen (group);
  return space && (size_t)(space - verb->name) == size && memcmp (verb->name, group, size) == 0
             ? space + 1
             : NULL;
}

static adze_cli_printer
limited (const adze_cli_printer *printer)
{
  adze_cli_printer copy = *printer;
  if (copy.width == 0 || copy.width > 100) /* longer lines are hard to follow */
    copy.width = copy.width == 0 ? HELP_WIDTH : 100;
  return copy;
}

static void
add_options (adze_cli_table *table, const adze_cli_option *options)
{
  for (; options && options->name; options++) {
    char text[128];
    char letter[8] = "";
    if (options->letter)
      snprintf (letter, sizeof letter, "-%c, ", options->letter);
    snprintf (text, sizeof text, "%s--%s%s%s", letter, options->name, options->value ? " " : "",
              options->value ? options->value : "");
    adze_cli_table_add (table, text);
    adze_cli_table_add (table, options->help);
  }
}

static void
print_options (const adze_cli_printer *printer, const char *heading,
               const adze_cli_option *options)
{
  ADZE_CLI_TABLE table = { .columns = 2 };
  if (!options)
    return;
  fputc ('\n', printer->stream);
  adze_cli_print (printer, ADZE_CLI_BOLD, heading);
  fputc ('\n', printer->stream);
  add_options (&table, options);
  adze_cli_table_print (printer, &table, 2);
}

void
adze_cli_print_overview (const adze_cli_printer *printer, const adze_cli_program *program,
                         const char *group)
{
  adze_cli_printer narrow = limited (printer);
  ADZE_CLI_TABLE table = { .columns = 2 };
  fprintf (printer->stream, "Usage: adze %s%sVERB [OPTION]... [ARGUMENT]...\n\n",
           group ? group : "", group ? " " : "");
  adze_cli_print (printer, ADZE_CLI_BOLD, "Verbs");
  fputc ('\n', printer->stream);
  for (size_t i = 0; i < program->count; i++) {
    const adze_cli_verb *verb = program->verbs[i];
    const char *name = name_in_group (verb, group);
    if (name || !group) {
      adze_cli_table_add (&table, name ? name : verb->name);
      adze_cli_table_add (&table, verb->summary);
    }
  }
  const adze_cli_companion *own = group ? NULL : program->companions;
  for (; own && own->name; own++) {
    adze_cli_table_add (&table, own->name);
    adze_cli_table_add (&table, own->summary);
  }
  adze_cli_table_print (&narrow, &table, 2);
  print_options (&narrow, "Options of every verb", adze_cli_common_options);
  fputc ('\n', printer->stream);
  char text[256], page[64];
  snprintf (page, sizeof page, "adze-%s%sVERB", group ? group : "", group ? "-" : "");
  snprintf (text, sizeof text,
            "'adze %s%sVERB --help' says more about each, and its manual page still more: man %s.%s",
            group ? group : "", group ? " " : "", program->manual ? program->manual : page,
            group ? "" : " Any other verb runs the program adze-VERB.");
  adze_cli_print_wrapped (&narrow, 0, text);
}

void
adze_cli_print_help (const adze_cli_printer *printer, const adze_cli_program *program,
                     const adze_cli_verb *verb)
{
  adze_cli_printer narrow = limited (printer);
  char page[64];
  fprintf (printer->stream, "Usage: adze %s [OPTION]...%s%s\n\n", verb->name,
           verb->usage[0] ? " " : "", verb->usage);
  adze_cli_print_wrapped (&narrow, 0, verb->about);
  print_options (&narrow, "Options", verb->options);
  print_options (&narrow, "Options of every verb", adze_cli_common_options);
  snprintf (page, sizeof page, "adze-%s", verb->name);
  for (char *space = page; (space = strchr (space, ' '));)
    *space = '-';
  fprintf (printer->stream, "\nSee also: man %s\n", program->manual ? program->manual : page);
}

static void
print_option_words (FILE *stream, const adze_cli_option *options)
{
  for (; options && options->name; options++)
    fprintf (stream, "--%s%s%s\n", options->name, options->value ? " " : "",
             options->value ? options->value : "");
}

/* Is the group of a verb named by an earlier one already? */
static bool
group_seen (const adze_cli_verb *const *verbs, size_t index, size_t size)
{
  return index > 0 && strlen (verbs[index - 1]->name) > size && verbs[index - 1]->name[size] == ' '
         && memcmp (verbs[index - 1]->name, verbs[index]->name, size) == 0;
}

void
adze_cli_print_words (FILE *stream, const adze_cli_program *program, const char *group,
                      const adze_cli_verb *verb)
{
  for (size_t i = 0; !verb && i < program->count; i++) {
    const char *whole = program->verbs[i]->name, *name = name_in_group (program->verbs[i], group);
    size_t size = strcspn (whole, " ");
    if (name)
      fprintf (stream, "%s\n", name);
    else if (!group && !group_seen (program->verbs, i, size))
      fprintf (stream, "%.*s\n", (int)size, whole);
  }
  const adze_cli_companion *own = verb || group ? NULL : program->companions;
  for (; own && own->name; own++)
    fprintf (stream, "%s\n", own->name);
  if (verb) {
    print_option_words (stream, verb->options);
    if (verb->usage[0])
      fprintf (stream, "<%s>\n", verb->usage);
  }
  print_option_words (stream, adze_cli_common_options);
}
