/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze plugin list, adze plugin rescan. */
#include "cli/cli.h"

#include <string.h>

/* ---- adze plugin list */

static const char *
state_of (const adze_plugin_info *plugin)
{
  if (plugin->failure)
    return "failed";
  if (plugin->is_signed)
    return "signed";
  return plugin->trusted ? "trusted" : "not trusted";
}

static void
add_plugin (adze_cli_table *table, const adze_plugin_info *plugin)
{
  adze_cli_table_add (table, plugin->id);
  adze_cli_table_add (table, plugin->version);
  adze_cli_table_add (table, state_of (plugin));
  adze_cli_table_add (table, plugin->builtin ? "linked in" : plugin->folder_origin);
  adze_cli_table_add (table, plugin->summary);
}

static int
print_all (const adze_cli *cli, const adze_plugin_info *const *plugins, size_t count)
{
  static const char *const heads[] = { "PLUGIN", "VERSION", "STATE", "FROM", "SUMMARY" };
  ADZE_CLI_TABLE table = { .columns = ADZE_CLI_COUNT_OF (heads), .head = true };
  for (size_t i = 0; i < ADZE_CLI_COUNT_OF (heads); i++)
    adze_cli_table_add (&table, heads[i]);
  for (size_t i = 0; i < count; i++)
    add_plugin (&table, plugins[i]);
  return adze_cli_table_print (&cli->out, &table, 0) ? ADZE_CLI_FINE : adze_cli_no_memory (cli);
}

static int
print_failure (const adze_cli *cli, const adze_plugin_info *plugin)
{
  ADZE_CLI_FREE char *text = adze_error_text (plugin->failure);
  if (!text)
    return adze_cli_no_memory (cli);
  adze_cli_print (&cli->out, ADZE_CLI_RED, plugin->id);
  fputs (": ", adze_cli_out);
  fputs (text, adze_cli_out); /* harmless already, and laid out */
  return ADZE_CLI_FINE;
}

static int
print_failed (const adze_cli *cli, const adze_plugin_info *const *plugins, size_t count)
{
  bool any = false;
  for (size_t i = 0; i < count; i++) {
    if (!plugins[i]->failure)
      continue;
    if (any)
      putc ('\n', adze_cli_out);
    any = true;
    int status = print_failure (cli, plugins[i]);
    if (status != ADZE_CLI_FINE)
      return status;
  }
  if (!any)
    adze_cli_note (cli, "all %zu plugins that were found can be used", count);
  return ADZE_CLI_FINE;
}

static int
run_list (adze_cli *cli, const adze_cli_arguments *arguments)
{
  bool failed_only = adze_cli_has (arguments, "failed");
  const adze_plugin_info *const *plugins;
  size_t count;
  char *text = NULL;
  int status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  if (cli->json) {
    adze_error *error = adze_plugins_json (cli->runtime, failed_only, &text);
    return adze_cli_print_document (cli, error, text);
  }
  adze_error *error = adze_plugin_list (cli->runtime, &plugins, &count);
  if (error)
    return adze_cli_fail (cli, error);
  if (failed_only && count > 0)
    return print_failed (cli, plugins, count);
  if (count > 0) {
    status = print_all (cli, plugins, count);
    adze_cli_note_failures (cli);
  } else
    adze_cli_note (cli, "no plugins were found");
  adze_cli_note_folders (cli);
  return status;
}

static const adze_cli_option list_options[] = {
  { "failed", 0, false, NULL, "only those that cannot be used, each with the reason" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_plugin_list = {
  .name = "plugin list",
  .usage = "",
  .summary = "list the plugins that were found, those that failed among them",
  .about = "Lists every plugin in the folders that are searched: its version, whether it is "
           "trusted, and who asked for its folder. No plugin is loaded for it; a file that is new "
           "or has changed is asked once, in a process of its own.",
  .options = list_options,
  .run = run_list,
};

/* ---- adze plugin rescan */

static int
run_rescan (adze_cli *cli, const adze_cli_arguments *arguments)
{
  (void)arguments;
  const adze_plugin_info *const *plugins;
  size_t count, failed = 0;
  int status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  adze_error *error = adze_runtime_refresh (cli->runtime, true);
  if (!error)
    error = adze_plugin_list (cli->runtime, &plugins, &count);
  if (error)
    return adze_cli_fail (cli, error);
  for (size_t i = 0; i < count; i++)
    failed += plugins[i]->failure != NULL;
  if (cli->json)
    fprintf (adze_cli_out, "{\"found\": %zu, \"usable\": %zu, \"failed\": %zu}\n", count,
             count - failed, failed);
  else
    fprintf (adze_cli_out, "%zu found, %zu usable, %zu failed\n", count, count - failed, failed);
  return adze_cli_note_failures (cli);
}

const adze_cli_verb adze_cli_plugin_rescan = {
  .name = "plugin rescan",
  .usage = "",
  .summary = "ask every plugin anew, forgetting what was kept",
  .about = "Plugins are asked what they are once, and the answer is kept until the file changes. "
           "This forgets all answers and asks again: after a library that a plugin needs was "
           "installed, for example.",
  .run = run_rescan,
};
