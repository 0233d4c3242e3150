/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: from a pipeline's file to a plan. */
#include "cli/pipeline.h"

int
adze_cli_plan_open (adze_cli *cli, const adze_cli_arguments *arguments, adze_cli_plan *opened)
{
  *opened = (adze_cli_plan){ 0 };
  int status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  ADZE_CLI_FREE const char **settings = adze_cli_values (arguments, "set");
  if (!settings)
    return adze_cli_no_memory (cli);
  adze_error *error
      = adze_pipeline_open (cli->runtime, arguments->words[0], settings, &opened->pipeline);
  if (!error)
    error = adze_plan_make (opened->pipeline, &opened->plan);
  return error ? adze_cli_fail (cli, error) : ADZE_CLI_FINE;
}

void
adze_cli_plan_close (adze_cli_plan *opened)
{
  adze_plan_close (opened->plan);
  adze_pipeline_close (opened->pipeline);
}
