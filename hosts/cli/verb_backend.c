/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze backend list, check, bench. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

#define ROUNDS_MAX 100000
#define TIMINGS_MAX 1000

#define SET_OPTION \
  { "set", 0, true, "NAME=VALUE", "give a parameter of the backend its value; repeatable" }

static int
run_list (adze_cli *cli, const adze_cli_arguments *arguments)
{
  char *text = NULL;
  (void)arguments;
  int status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  adze_error *error = adze_backend_list (cli->runtime, cli->json, &text);
  status = adze_cli_print_document (cli, error, text);
  adze_cli_note_failures (cli);
  return status;
}

static int
run_check (adze_cli *cli, const adze_cli_arguments *arguments)
{
  adze_backend_options options = ADZE_BACKEND_OPTIONS_INIT;
  uint64_t rounds = 0;
  bool held = false;
  char *text = NULL;
  ADZE_CLI_FREE const char **settings = adze_cli_values (arguments, "set");
  if (!settings)
    return adze_cli_no_memory (cli);
  options.settings = settings;
  options.only = adze_cli_value (arguments, "only");
  options.json = cli->json;
  int status = adze_cli_number_option (cli, arguments, "rounds", 1, ROUNDS_MAX, &rounds);
  if (status == ADZE_CLI_FINE)
    status = adze_cli_number_option (cli, arguments, "seed", 0, INT64_MAX, &options.seed);
  if (status == ADZE_CLI_FINE)
    status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  options.rounds = (unsigned)rounds;
  adze_error *error
      = adze_backend_check (cli->runtime, arguments->words[0], &options, &held, &text);
  status = adze_cli_print_document (cli, error, text);
  return status == ADZE_CLI_FINE && !held ? ADZE_CLI_FAILED : status;
}

static int
run_bench (adze_cli *cli, const adze_cli_arguments *arguments)
{
  adze_backend_options options = ADZE_BACKEND_OPTIONS_INIT;
  const char *id = arguments->word_count > 0 ? arguments->words[0] : NULL;
  uint64_t timings = 0;
  char *text = NULL;
  ADZE_CLI_FREE const char **settings = adze_cli_values (arguments, "set");
  if (!settings)
    return adze_cli_no_memory (cli);
  if (settings[0] && !id)
    return adze_cli_misuse (cli, "--set needs the name of the backend that it is for");
  options.settings = settings;
  options.json = cli->json;
  int status = adze_cli_number_option (cli, arguments, "timings", 1, TIMINGS_MAX, &timings);
  if (status == ADZE_CLI_FINE)
    status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  options.timings = (unsigned)timings;
  adze_error *error = adze_backend_bench (cli->runtime, id, &options, &text);
  return adze_cli_print_document (cli, error, text);
}

static const adze_cli_option check_options[] = {
  SET_OPTION,
  { "only", 0, false, "TEXT", "operators whose name has TEXT in it" },
  { "rounds", 0, false, "N", "draw sizes N times for each problem; 8 unless given" },
  { "seed", 0, false, "N", "what sizes and numbers are drawn from; 0 unless given" },
  { NULL, 0, false, NULL, NULL },
};

static const adze_cli_option bench_options[] = {
  SET_OPTION,
  { "timings", 0, false, "N", "at most N timings of each work; 9 unless given" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_backend_list = {
  .name = "backend list",
  .usage = "",
  .summary = "list the backends, and what their numbers depend on",
  .about = "Loads each backend and asks it: its plugin and version, for which numbers of threads its "
           "results are the same, whether it computes in memory of the processor or of a device, and "
           "its identity, which says what its numbers depend on beside the plugin itself. One that "
           "cannot be begun is listed with the reason.",
  .run = run_list,
};

const adze_cli_verb adze_cli_backend_check = {
  .name = "backend check",
  .usage = "BACKEND",
  .summary = "hold all that a backend claims against ref",
  .about = "Gives the backend one problem after the other, of each operator with elements of each "
           "type, sizes of 1, 0 and odd ones, negative axes, stretched values and special numbers "
           "among them, and compares what it claims with what ref makes of the same numbers. The "
           "exit status is 1 when an error is beyond its bound.",
  .options = check_options,
  .least = 1,
  .most = 1,
  .run = run_check,
};

const adze_cli_verb adze_cli_backend_bench = {
  .name = "backend bench",
  .usage = "[BACKEND]",
  .summary = "measure how fast backends are",
  .about = "Products of matrices, a convolution and a step of training, in GFLOP/s and images per "
           "second: the median of some timings, the lowest and the highest, and how they were taken. "
           "Without a name, of all backends. Figures of a busy computer mean little.",
  .options = bench_options,
  .most = 1,
  .run = run_bench,
};
