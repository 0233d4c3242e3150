/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: from a pipeline's file to a plan. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pipeline.h"

/* --backend is a --set of its own, said last. NULL without memory. */
static const char **
settings_of (const adze_cli_arguments *arguments, char *text, size_t size)
{
  const char *backend = adze_cli_value (arguments, "backend");
  ADZE_CLI_FREE const char **given = adze_cli_values (arguments, "set");
  size_t count = 0;
  while (given && given[count])
    count++;
  const char **all = given ? calloc (count + 2, sizeof *all) : NULL;
  if (!all)
    return NULL;
  memcpy (all, given, count * sizeof *all);
  if (backend) {
    snprintf (text, size, "run.backend=%s", backend);
    all[count] = text;
  }
  return all;
}

int
adze_cli_pipeline_open (adze_cli *cli, const adze_cli_arguments *arguments,
                        adze_pipeline **pipeline)
{
  char text[256];
  int status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  ADZE_CLI_FREE const char **settings = settings_of (arguments, text, sizeof text);
  if (!settings)
    return adze_cli_no_memory (cli);
  adze_error *error
      = adze_pipeline_open (cli->runtime, arguments->words[0], settings, pipeline);
  return error ? adze_cli_fail (cli, error) : ADZE_CLI_FINE;
}

int
adze_cli_plan_open (adze_cli *cli, const adze_cli_arguments *arguments, adze_cli_plan *opened)
{
  *opened = (adze_cli_plan){ 0 };
  int status = adze_cli_pipeline_open (cli, arguments, &opened->pipeline);
  if (status != ADZE_CLI_FINE)
    return status;
  adze_error *error = adze_plan_make (opened->pipeline, &opened->plan);
  return error ? adze_cli_fail (cli, error) : ADZE_CLI_FINE;
}

void
adze_cli_plan_close (adze_cli_plan *opened)
{
  adze_plan_close (opened->plan);
  adze_pipeline_close (opened->pipeline);
}
