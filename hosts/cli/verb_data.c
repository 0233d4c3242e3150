/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze data. */
#include "cli/cli.h"

#define ROWS_MAX 1000000

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  adze_data_options options = ADZE_DATA_OPTIONS_INIT;
  char *text = NULL;
  ADZE_CLI_FREE const char **settings = adze_cli_values (arguments, "set");
  if (!settings)
    return adze_cli_no_memory (cli);
  options.settings = settings;
  options.json = cli->json;
  int status = adze_cli_number_option (cli, arguments, "rows", 0, ROWS_MAX, &options.rows);
  if (status == ADZE_CLI_FINE)
    status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  adze_error *error = adze_data_show (cli->runtime, arguments->words[0], &options, &text);
  return adze_cli_print_document (cli, error, text);
}

static const adze_cli_option options[] = {
  { "set", 0, true, "NAME=VALUE", "give a parameter its value; repeatable" },
  { "rows", 0, false, "N", "how many examples to show; 5 unless given" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_data = {
  .name = "data",
  .usage = "SOURCE",
  .summary = "show what a source makes of a file",
  .about = "Opens files through a source, and shows which columns they have, of which types and "
           "shapes, how many examples there are, and the first of them. What is wrong with a file is "
           "said with its name and line.",
  .options = options,
  .least = 1,
  .most = 1,
  .surplus = "a file is a parameter of the source, as in --set path=FILE, and `adze inspect SOURCE` "
             "shows which it has",
  .run = run,
};
