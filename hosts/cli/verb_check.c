/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze check. */
#include "cli/cli.h"
#include "cli/pipeline.h"

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  const char *path = arguments->words[0];
  adze_pipeline *pipeline = NULL;
  int status = adze_cli_pipeline_open (cli, arguments, &pipeline);
  if (status != ADZE_CLI_FINE)
    return status;
  adze_pipeline_close (pipeline);
  if (cli->json) {
    fprintf (adze_cli_out, "{\"pipeline\": ");
    adze_cli_print_json (adze_cli_out, path);
    fputs (", \"good\": true}\n", adze_cli_out);
  } else if (!cli->quiet) {
    adze_cli_print (&cli->out, ADZE_CLI_GREEN, "good");
    fputs (": ", adze_cli_out);
    adze_cli_print_lines (&cli->out, "", path);
  }
  return ADZE_CLI_FINE;
}

static const adze_cli_option options[] = {
  { "set", 0, true, "KEY=VALUE", "as if the file said so: stage.ID.KEY=VALUE; repeatable" },
  ADZE_CLI_BACKEND_OPTION,
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_check = {
  .name = "check",
  .usage = "PIPELINE",
  .summary = "check a pipeline, without opening its models",
  .about = "Reads a pipeline and says everything that is wrong with it at once, each with its line "
           "and what was probably meant: keys, values, components and their parameters, what flows "
           "from stage to stage, files that are not there. No plugin is loaded for it but the formats of "
           "outputs, and no model opened; adze plan looks further.",
  .options = options,
  .least = 1,
  .most = 1,
  .run = run,
};
