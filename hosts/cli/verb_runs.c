/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze runs list, show, table, clean. */
#include "cli/cli.h"

#define RUNS_OPTION { "runs", 0, false, "DIR", "the folder of the runs; adze-runs here unless given" }

static int
print_runs (adze_cli *cli, const adze_cli_arguments *arguments, adze_runs_form form)
{
  const char *run = arguments->word_count > 0 ? arguments->words[0] : NULL;
  char *text = NULL;
  int status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  adze_error *error = adze_runs_text (cli->runtime, adze_cli_value (arguments, "runs"), form, run,
                                      cli->json, &text);
  if (!error && text[0] == '\0') {
    adze_cli_note (cli, run ? "there are no runs of that name" : "there are no runs here");
    free (text);
    return ADZE_CLI_FINE;
  }
  return adze_cli_print_document (cli, error, text);
}

static int
run_list (adze_cli *cli, const adze_cli_arguments *arguments)
{
  return print_runs (cli, arguments, ADZE_RUNS_LIST);
}

static int
run_show (adze_cli *cli, const adze_cli_arguments *arguments)
{
  return print_runs (cli, arguments, ADZE_RUNS_SHOW);
}

static int
run_table (adze_cli *cli, const adze_cli_arguments *arguments)
{
  return print_runs (cli, arguments, ADZE_RUNS_TABLE);
}

static int
run_clean (adze_cli *cli, const adze_cli_arguments *arguments)
{
  uint64_t keep = 10;
  char *text = NULL;
  int status = adze_cli_number_option (cli, arguments, "keep", 0, 1000000, &keep);
  if (status == ADZE_CLI_FINE)
    status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  adze_error *error
      = adze_runs_clean (cli->runtime, adze_cli_value (arguments, "runs"), keep,
                         adze_cli_has (arguments, "dry-run"), cli->json, &text);
  return adze_cli_print_document (cli, error, text);
}

static const adze_cli_option look_options[] = {
  RUNS_OPTION,
  { NULL, 0, false, NULL, NULL },
};

static const adze_cli_option clean_options[] = {
  RUNS_OPTION,
  { "keep", 0, false, "N", "keep the newest N runs; 10 unless given" },
  { "dry-run", 'n', false, NULL, "only say what would be removed" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_runs_list = {
  .name = "runs list",
  .usage = "[NAME]",
  .summary = "list the runs of a folder",
  .about = "Lists the runs, oldest first, or those of the pipeline called NAME: number, name, state, "
           "when it started and how long it took. A run that was killed is shown as broken off, and "
           "is gone on with by the next adze run of the same pipeline.",
  .options = look_options,
  .most = 1,
  .run = run_list,
};

const adze_cli_verb adze_cli_runs_show = {
  .name = "runs show",
  .usage = "[RUN]",
  .summary = "show one run: its state, parameters, metrics, and why it failed",
  .about = "RUN is a number, a name (then its newest run is meant), a folder, or last, which it is "
           "unless given.",
  .options = look_options,
  .most = 1,
  .run = run_show,
};

const adze_cli_verb adze_cli_runs_table = {
  .name = "runs table",
  .usage = "[NAME]",
  .summary = "print one row of CSV a run, with its parameters and metrics",
  .about = "A column for each parameter (param.STAGE.NAME) and each metric (metric.STAGE.NAME) that "
           "any of the runs has; empty cells where a run has none. Parameters are those of each run "
           "as it was, with --set.",
  .options = look_options,
  .most = 1,
  .run = run_table,
};

const adze_cli_verb adze_cli_runs_clean = {
  .name = "runs clean",
  .usage = "",
  .summary = "remove old runs, and results that no other run uses",
  .about = "Removes all but the newest runs, and the kept results that none of those has used, and "
           "says what was removed and how many bytes that were. With a run that did not finish go "
           "the hidden files .OUTPUT.TAG.part that it left beside its outputs to be gone on with. "
           "Output files are left alone: they lie elsewhere. Refused while a run is under way in the folder.",
  .options = clean_options,
  .run = run_clean,
};
