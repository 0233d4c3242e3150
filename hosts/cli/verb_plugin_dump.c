/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze plugin dump. */
#include "cli/cli.h"

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  adze_dump_form form = cli->json ? ADZE_DUMP_JSON : ADZE_DUMP_LINES;
  char *text = NULL;
  if (adze_cli_has (arguments, "manifest")) {
    if (cli->json)
      return adze_cli_misuse (cli, "--manifest and --json are two forms of the answer: choose one");
    form = ADZE_DUMP_MANIFEST;
  }
  int status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  adze_error *error = adze_plugin_dump (cli->runtime, arguments->words[0], form, &text);
  return adze_cli_print_document (cli, error, text);
}

static const adze_cli_option options[] = {
  { "manifest", 0, false, NULL, "print it as a manifest, which is TOML" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_plugin_dump = {
  .name = "plugin dump",
  .usage = "FILE",
  .summary = "print what a plugin's file says about itself",
  .about = "Asks the plugin in a process of its own for its descriptor and prints it, as "
           "key=value lines unless another form is chosen.",
  .options = options,
  .least = 1,
  .most = 1,
  .run = run,
};
