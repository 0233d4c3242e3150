/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze plan. */
#include "cli/cli.h"
#include "cli/pipeline.h"

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  char *text = NULL;
  adze_cli_plan opened;
  int status = adze_cli_plan_open (cli, arguments, &opened);
  if (status == ADZE_CLI_FINE) {
    adze_error *error = adze_plan_rehearse (opened.plan);
    if (!error)
      error = adze_plan_text (opened.plan, cli->json, &text);
    status = adze_cli_print_document (cli, error, text);
  }
  adze_cli_plan_close (&opened);
  return status;
}

static const adze_cli_option options[] = {
  { "set", 0, true, "PATH=VALUE", "set a value of the pipeline, such as stage.clip.percentile=99; "
                                  "repeatable" },
  ADZE_CLI_BACKEND_OPTION,
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_plan_of = {
  .name = "plan",
  .usage = "PIPELINE",
  .summary = "say what a pipeline would do, tensor by tensor",
  .about = "Opens what the pipeline names, reads no weights, and says what will become of each "
           "tensor, which stages run together, how often the data is read and how much memory it "
           "takes. Refuses what cannot end well.",
  .options = options,
  .least = 1,
  .most = 1,
  .run = run,
};
