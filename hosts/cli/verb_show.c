/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze show. */
#include "cli/cli.h"

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  adze_show_options options = ADZE_SHOW_OPTIONS_INIT;
  char *text = NULL;
  options.format = adze_cli_value (arguments, "format");
  options.match = adze_cli_value (arguments, "match");
  options.stats = adze_cli_has (arguments, "stats");
  options.json = cli->json;
  int status = adze_cli_size_option (cli, arguments, "structure-limit", &options.structure_limit);
  if (status == ADZE_CLI_FINE)
    status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  adze_error *error = adze_model_show (cli->runtime, arguments->words[0], &options, &text);
  return adze_cli_print_document (cli, error, text);
}

static const adze_cli_option options[] = {
  { "stats", 0, false, NULL, "read the weights, and say what they are like" },
  { "match", 0, false, "PATTERN", "only tensors of these names: a glob, or re:REGEX" },
  { "format", 0, false, "FORMAT", "read it as this format, whatever it looks like" },
  { "structure-limit", 0, false, "SIZE", "most bytes of header and metadata; preset: 100MB" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_show_model = {
  .name = "show",
  .usage = "FILE",
  .summary = "say what is in a model's file",
  .about = "Lists the tensors of a model with types, shapes and bytes, and its metadata. Only the "
           "structure is read, however large the weights are, unless --stats asks for them.",
  .options = options,
  .least = 1,
  .most = 1,
  .run = run,
};
