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

/* ---- The matrix. */

static int
print_matrix (const adze_cli *cli, const adze_codec_matrix *matrix)
{
  ADZE_CLI_TABLE table = { .columns = matrix->format_count + 1, .head = true };
  adze_cli_table_add (&table, "CODEC");
  for (size_t k = 0; k < matrix->format_count; k++)
    adze_cli_table_add (&table, matrix->formats[k]);
  for (size_t i = 0; i < matrix->codec_count; i++) {
    adze_cli_table_add (&table, matrix->codecs[i]);
    for (size_t k = 0; k < matrix->format_count; k++)
      adze_cli_table_add (&table, matrix->cells[i * matrix->format_count + k].how);
  }
  return adze_cli_table_print (&cli->out, &table, 0) ? ADZE_CLI_FINE : adze_cli_no_memory (cli);
}

static int
run_matrix (adze_cli *cli)
{
  adze_codec_matrix *matrix;
  char *text = NULL;
  adze_error *error = adze_codec_matrix_make (cli->runtime, &matrix);
  if (error)
    return adze_cli_fail (cli, error);
  if (cli->json)
    error = adze_codec_matrix_json (matrix, &text);
  int status = cli->json ? adze_cli_print_document (cli, error, text) : print_matrix (cli, matrix);
  adze_codec_matrix_free (matrix);
  adze_cli_note_failures (cli);
  return status;
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
  if (adze_cli_has (arguments, "matrix"))
    return run_matrix (cli);
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
  { "matrix", 0, false, NULL, "print which format holds what each codec makes, and how: native, nodes of a network, packed "
                              "beside metadata, no; with --json the reasons as well" },
  { "names", 0, false, NULL, "print nothing but the names, one a line" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_list = {
  .name = "list",
  .usage = "[KIND]",
  .summary = "list the components that plugins offer",
  .about = "Lists the components that can be used, or those of one kind: technique, observer and "
           "so on. No plugin is loaded for it, but for the matrix.",
  .options = options,
  .most = 1,
  .run = run,
};
