/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze convert. */
#include "cli/cli.h"

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  adze_convert_options options = ADZE_CONVERT_OPTIONS_INIT;
  options.from = adze_cli_value (arguments, "from");
  options.to = adze_cli_value (arguments, "to");
  int status = adze_cli_size_option (cli, arguments, "structure-limit", &options.structure_limit);
  if (status != ADZE_CLI_FINE)
    return status;
  ADZE_CLI_FREE const char **settings = adze_cli_values (arguments, "set");
  if (!settings)
    return adze_cli_no_memory (cli);
  options.settings = settings;
  status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  const char *in = arguments->words[0], *out = arguments->words[1];
  adze_error *error = adze_model_convert (cli->runtime, in, out, &options);
  if (error)
    return adze_cli_fail (cli, error);
  if (!cli->json)
    return ADZE_CLI_FINE;
  fputs ("{\"from\": ", adze_cli_out);
  adze_cli_print_json (adze_cli_out, in);
  fputs (", \"to\": ", adze_cli_out);
  adze_cli_print_json (adze_cli_out, out);
  fputs ("}\n", adze_cli_out);
  return ADZE_CLI_FINE;
}

static const adze_cli_option options[] = {
  { "from", 0, false, "FORMAT", "read it as this format, whatever it looks like" },
  { "to", 0, false, "FORMAT", "write this format, whatever OUT is named like" },
  { "set", 0, true, "NAME=VALUE", "a parameter of the format that writes; repeatable" },
  { "structure-limit", 0, false, "SIZE", "most bytes of header and metadata; preset: 100MB" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_convert = {
  .name = "convert",
  .usage = "IN OUT",
  .summary = "write a model in another format",
  .about = "Reads a model and writes it to another file, in the format that OUT is named like. "
           "Numbers stay what they are: what the other format cannot hold is refused, with the "
           "reason. OUT appears whole or not at all, and the same input gives the same bytes.",
  .options = options,
  .least = 2,
  .most = 2,
  .run = run,
};
