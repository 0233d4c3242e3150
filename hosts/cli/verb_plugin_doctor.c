/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze plugin doctor. */
#include "cli/cli.h"

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  bool healthy = false;
  char *text = NULL;
  int status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  adze_error *error
      = adze_doctor (cli->runtime, arguments->words[0], cli->json, &healthy, &text);
  status = adze_cli_print_document (cli, error, text);
  return status == ADZE_CLI_FINE && !healthy ? ADZE_CLI_FAILED : status;
}

const adze_cli_verb adze_cli_plugin_doctor = {
  .name = "plugin doctor",
  .usage = "FILE",
  .summary = "say why a plugin's file does not load, without loading it",
  .about = "Reads the file and says what would keep it from loading: another machine, missing "
           "libraries or symbols, a newer C library, another contract; and what to do about it. "
           "Nothing of the file is run.",
  .least = 1,
  .most = 1,
  .run = run,
};
