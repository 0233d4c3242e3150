/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze run. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/pipeline.h"

/* ---- Ctrl-C. The first asks for a stop at the next good place; a second one ends the process as it
 * would without us. */

static adze_runtime *interrupted;

static void
on_interrupt (int number)
{
  signal (number, SIG_DFL);
  adze_run_cancel (interrupted);
}

static void
watch_interrupts (adze_runtime *runtime)
{
  interrupted = runtime;
  signal (SIGINT, on_interrupt);
  signal (SIGTERM, on_interrupt);
}

static void
ignore_interrupts (void)
{
  signal (SIGINT, SIG_DFL);
  signal (SIGTERM, SIG_DFL);
}

/* ---- What came of it. */

static adze_run_options
options_of (const adze_cli_arguments *arguments)
{
  adze_run_options options = ADZE_RUN_OPTIONS_INIT;
  options.runs = adze_cli_value (arguments, "runs");
  options.fresh = adze_cli_has (arguments, "fresh");
  options.locked = adze_cli_has (arguments, "locked");
  options.verify = adze_cli_has (arguments, "verify");
  return options;
}

static int
explain (adze_cli *cli, const adze_cli_arguments *arguments, adze_plan *plan)
{
  char *text = NULL;
  adze_run_options options = options_of (arguments);
  adze_error *error = adze_plan_explain (plan, &options, cli->json, &text);
  return adze_cli_print_document (cli, error, text);
}

static void
print_end (const adze_cli *cli, const char *folder)
{
  if (cli->json) {
    printf ("{\"run\": ");
    adze_cli_print_json (stdout, folder);
    printf (", \"state\": \"finished\"}\n");
  } else if (!cli->quiet) {
    adze_cli_print (&cli->out, ADZE_CLI_GREEN, "finished");
    fputs (": ", stdout);
    adze_cli_print_lines (&cli->out, "", folder);
  }
}

static int
carry_out (adze_cli *cli, const adze_cli_arguments *arguments, adze_plan *plan)
{
  ADZE_CLI_FREE char *folder = NULL;
  adze_run_options options = options_of (arguments);
  int followed = adze_cli_follow (cli);
  if (followed != ADZE_CLI_FINE)
    return followed;
  watch_interrupts (cli->runtime);
  adze_error *error = adze_plan_run (plan, &options, &folder);
  ignore_interrupts ();
  if (!error) {
    print_end (cli, folder ? folder : "");
    return ADZE_CLI_FINE;
  }
  bool cancelled = adze_error_status (error) == ADZE_E_CANCELLED;
  int status = adze_cli_fail (cli, error);
  if (cancelled)
    adze_cli_note (cli, "stopped; what was done is kept: the same command goes on from there");
  return status;
}

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  adze_cli_plan opened;
  int status = adze_cli_plan_open (cli, arguments, &opened);
  if (status == ADZE_CLI_FINE)
    status = adze_cli_has (arguments, "explain") ? explain (cli, arguments, opened.plan)
                                                 : carry_out (cli, arguments, opened.plan);
  adze_cli_plan_close (&opened);
  return status;
}

static const adze_cli_option options[] = {
  { "set", 0, true, "KEY=VALUE", "as if the file said so: stage.ID.KEY=VALUE; repeatable" },
  { "fresh", 0, false, NULL, "do everything anew, whatever earlier runs have left" },
  { "explain", 0, false, NULL, "say what would be done again, and why; run nothing" },
  { "locked", 0, false, NULL, "refuse plugins and backends other than those of adze.lock" },
  { "verify", 0, false, NULL, "read files again whose content is known" },
  { "runs", 0, true, "DIR", "the folder of runs; without it: adze-runs beside the pipeline" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_run = {
  .name = "run",
  .usage = "PIPELINE",
  .summary = "carry a pipeline out, or go on with a run that was broken off",
  .about = "Runs the stages of a pipeline and leaves a run folder behind. A run that was killed, "
           "cancelled or failed is gone on with by the same command: nothing that was finished is "
           "done again. Files of outputs appear only whole, when everything has gone well.",
  .options = options,
  .least = 1,
  .most = 1,
  .run = run,
};
