/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: the runtime behind a verb, and what of it is shown on standard error. */
#include "cli/cli.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---- The log. */

static const char *
field_text (const adze_event *event, const char *key)
{
  for (uint32_t i = 0; i < event->field_count; i++)
    if (event->fields[i].type == ADZE_FIELD_STRING && strcmp (event->fields[i].key, key) == 0)
      return event->fields[i].value.string;
  return "";
}

static bool
shows (const adze_cli *cli, const char *level)
{
  if (cli->verbose || strcmp (level, "error") == 0)
    return true;
  return !cli->quiet && strcmp (level, "warning") == 0;
}

static void
note_failure (adze_cli *cli, const adze_event *event)
{
  if (cli->failed[0] || strcmp (event->id, "instance.failed") != 0)
    return;
  snprintf (cli->failed, sizeof cli->failed, "%s", field_text (event, "component"));
  snprintf (cli->failed_reason, sizeof cli->failed_reason, "%s", field_text (event, "reason"));
}

static void
on_event (void *argument, const adze_event *event)
{
  adze_cli *cli = argument;
  const char *level = field_text (event, "level");
  note_failure (cli, event);
  if (strcmp (event->id, "log") != 0 || !shows (cli, level))
    return;
  adze_cli_progress_hide (&cli->progress);
  fflush (adze_cli_out);
  fputs ("adze: ", stderr);
  adze_cli_print (&cli->err, ADZE_CLI_YELLOW, level);
  fputs (": ", stderr);
  if (event->source) {
    adze_cli_print (&cli->err, ADZE_CLI_PLAIN, event->source);
    fputs (": ", stderr);
  }
  adze_cli_print_lines (&cli->err, "", field_text (event, "message"));
}

/* ---- Opening and closing. */

/* Folders that are searched by themselves need not be there; one that somebody names should be. */
static void
note_missing_folders (const adze_cli *cli)
{
  for (size_t i = 0; i < adze_folder_count (cli->runtime); i++) {
    const char *path = adze_folder_path (cli->runtime, i);
    const char *origin = adze_folder_origin (cli->runtime, i);
    bool named = strcmp (origin, "--plugin-path") == 0 || strcmp (origin, "ADZE_PLUGIN_PATH") == 0;
    if (named && access (path, F_OK) != 0)
      adze_cli_note (cli, "%s names the folder %s, which cannot be searched: %s", origin, path,
                     strerror (errno));
  }
}

int
adze_cli_open (adze_cli *cli)
{
  adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  options.plugin_path = cli->plugin_path;
  adze_error *error = adze_runtime_open (&options, &cli->runtime);
  if (error) {
    /* Nothing but the configuration has been read. What is wrong in there was written by the
     * same person as the command line. */
    bool written = adze_error_status (error) == ADZE_E_FORMAT;
    int status = adze_cli_fail (cli, error);
    return written ? ADZE_CLI_MISUSED : status;
  }
  error = adze_listen (cli->runtime, on_event, cli);
  if (error)
    return adze_cli_fail (cli, error);
  note_missing_folders (cli);
  return ADZE_CLI_FINE;
}

void
adze_cli_close (adze_cli *cli)
{
  if (cli->runtime)
    adze_runtime_close (cli->runtime);
  cli->runtime = NULL;
}

int
adze_cli_follow (adze_cli *cli)
{
  const char *term = getenv ("TERM");
  if (cli->quiet)
    return ADZE_CLI_FINE;
  adze_cli_progress_open (&cli->progress, &cli->err, term && strcmp (term, "dumb") != 0);
  adze_error *error = adze_listen (cli->runtime, adze_cli_progress_event, &cli->progress);
  return error ? adze_cli_fail (cli, error) : ADZE_CLI_FINE;
}

/* ---- What several verbs show. */

int
adze_cli_print_document (const adze_cli *cli, adze_error *error, char *text)
{
  if (error)
    return adze_cli_fail (cli, error);
  size_t size = strlen (text);
  fwrite (text, 1, size, adze_cli_out);
  if (size == 0 || text[size - 1] != '\n')
    putc ('\n', adze_cli_out);
  free (text);
  return ADZE_CLI_FINE;
}

void
adze_cli_note_folders (const adze_cli *cli)
{
  size_t count = adze_folder_count (cli->runtime);
  adze_cli_note (cli, count > 0 ? "these folders were searched, in this order:"
                                : "there is no folder to search");
  ADZE_CLI_TABLE table = { .columns = 3 };
  for (size_t i = 0; i < count; i++) {
    adze_cli_table_add (&table, adze_folder_path (cli->runtime, i));
    adze_cli_table_add (&table, adze_folder_origin (cli->runtime, i));
    adze_cli_table_add (&table, adze_folder_trusted (cli->runtime, i) ? "trusted" : "not trusted");
  }
  if (!cli->quiet && !adze_cli_table_print (&cli->err, &table, 2))
    adze_cli_no_memory (cli);
}

int
adze_cli_note_failures (const adze_cli *cli)
{
  const adze_plugin_info *const *plugins;
  size_t count, failed = 0;
  adze_error *error = adze_plugin_list (cli->runtime, &plugins, &count);
  if (error)
    return adze_cli_fail (cli, error);
  for (size_t i = 0; i < count; i++)
    failed += plugins[i]->failure != NULL;
  if (failed > 0)
    adze_cli_note (cli, "%zu plugin%s could not be used; see adze plugin list --failed", failed,
                   failed == 1 ? "" : "s");
  return ADZE_CLI_FINE;
}
