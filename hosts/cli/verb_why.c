/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze why. */
#include "cli/cli.h"

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  char *text = NULL;
  int status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  adze_error *error = adze_run_why (cli->runtime, adze_cli_value (arguments, "runs"),
                                    arguments->words[0], arguments->words[1], cli->json, &text);
  return adze_cli_print_document (cli, error, text);
}

static const adze_cli_option options[] = {
  { "runs", 0, true, "DIR", "the folder of runs; without it: adze-runs in the current folder" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_why = {
  .name = "why",
  .usage = "RUN TENSOR[INDEX]",
  .summary = "say what was done to a tensor, or to one weight of it, and why",
  .about = "RUN is a folder, a number, a name, or \"last\". With an index, such as "
           "\"fc1.weight[3,17]\", the stages are applied to that piece once more, and the weight is "
           "shown before and after each, beside what the stage decided and by which rule.",
  .options = options,
  .least = 2,
  .most = 2,
  .run = run,
};
