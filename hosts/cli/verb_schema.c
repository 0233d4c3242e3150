/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze schema. */
#include "cli/cli.h"

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  (void)arguments;
  char *text = NULL;
  int status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  adze_error *error = adze_pipeline_schema (cli->runtime, &text);
  status = adze_cli_print_document (cli, error, text);
  adze_cli_note_failures (cli);
  return status;
}

const adze_cli_verb adze_cli_schema = {
  .name = "schema",
  .usage = "",
  .summary = "print a JSON schema of pipelines, for editors",
  .about = "Prints a JSON schema (2020-12) of the language of pipelines, with every component that "
           "can be used here and its parameters. Editors that know schemas of TOML complete and "
           "check with it. Nothing is loaded for it; print it anew when plugins have come or gone.",
  .run = run,
};
