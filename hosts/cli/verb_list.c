/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze list. */
#include "cli/cli.h"

#include <string.h>

static void
print_names (const adze_component_info *const *components, size_t count)
{
  for (size_t i = 0; i < count; i++)
    fprintf (adze_cli_out, "%s\n", components[i]->id);
}

static int
print_table (const adze_cli *cli, const adze_component_info *const *components, size_t count)
{
  ADZE_CLI_TABLE table = { .columns = 3, .head = true };
  adze_cli_table_add (&table, "KIND");
  adze_cli_table_add (&table, "COMPONENT");
  adze_cli_table_add (&table, "SUMMARY");
  for (size_t i = 0; i < count; i++) {
    adze_cli_table_add (&table, components[i]->kind);
    adze_cli_table_add (&table, components[i]->id);
    adze_cli_table_add (&table, components[i]->summary);
  }
  return adze_cli_table_print (&cli->out, &table, 0) ? ADZE_CLI_FINE : adze_cli_no_memory (cli);
}

/* A kind may be misspelt, or have no plugin here: say which there are. They come sorted by kind. */
static void
note_kinds (const adze_cli *cli, const adze_component_info *const *components, size_t count)
{
  char kinds[512] = "";
  size_t used = 0;
  for (size_t i = 0; i < count && used < sizeof kinds; i++)
    if (i == 0 || strcmp (components[i]->kind, components[i - 1]->kind) != 0)
      used += (size_t)snprintf (kinds + used, sizeof kinds - used, "%s%s", used ? ", " : "",
                                components[i]->kind);
  if (count > 0)
    adze_cli_note (cli, "there are components of these kinds: %s", kinds);
}

static int
note_nothing (const adze_cli *cli, const char *kind)
{
  const adze_component_info *const *components;
  size_t count;
  adze_error *error = adze_component_list (cli->runtime, NULL, &components, &count);
  if (error)
    return adze_cli_fail (cli, error);
  if (!kind)
    adze_cli_note (cli, "no components were found");
  else
    adze_cli_note (cli, "no components of kind '%s' were found", kind);
  note_kinds (cli, components, count);
  adze_cli_note_folders (cli);
  return kind ? ADZE_CLI_FAILED : ADZE_CLI_FINE;
}

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  const char *kind = arguments->word_count > 0 ? arguments->words[0] : NULL;
  const adze_component_info *const *components;
  size_t count;
  char *text = NULL;
  int status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  adze_error *error = adze_component_list (cli->runtime, kind, &components, &count);
  if (error)
    return adze_cli_fail (cli, error);
  if (cli->json) {
    error = adze_list_json (cli->runtime, kind, &text);
    status = adze_cli_print_document (cli, error, text);
  } else if (adze_cli_has (arguments, "names")) {
    print_names (components, count);
  } else if (count > 0) {
    status = print_table (cli, components, count);
  }
  if (status == ADZE_CLI_FINE && count == 0)
    status = note_nothing (cli, kind);
  adze_cli_note_failures (cli);
  return status;
}

static const adze_cli_option options[] = {
  { "names", 0, false, NULL, "print nothing but the names, one a line" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_list = {
  .name = "list",
  .usage = "[KIND]",
  .summary = "list the components that plugins offer",
  .about = "Lists the components that can be used, or those of one kind: technique, observer and "
           "so on. No plugin is loaded for it.",
  .options = options,
  .most = 1,
  .run = run,
};
