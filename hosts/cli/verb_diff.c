/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze diff. */
#include "cli/cli.h"

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  adze_show_options options = ADZE_SHOW_OPTIONS_INIT;
  char *text = NULL;
  bool same = false;
  options.match = adze_cli_value (arguments, "match");
  options.json = cli->json;
  int status = adze_cli_size_option (cli, arguments, "structure-limit", &options.structure_limit);
  if (status == ADZE_CLI_FINE)
    status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  adze_error *error = adze_model_diff (cli->runtime, arguments->words[0], arguments->words[1],
                                       &options, &same, &text);
  status = adze_cli_print_document (cli, error, text);
  return status == ADZE_CLI_FINE && !same ? ADZE_CLI_FAILED : status;
}

static const adze_cli_option options[] = {
  { "match", 0, false, "PATTERN", "only tensors of these names: a glob, or re:REGEX" },
  { "structure-limit", 0, false, "SIZE", "most bytes of header and metadata; preset: 100MB" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_diff = {
  .name = "diff",
  .usage = "FILE FILE",
  .summary = "say what two models differ in",
  .about = "Compares two models tensor by tensor, whatever formats they are in: which are identical, "
           "and of the others the largest error, the signal-to-quantisation-noise ratio, the cosine "
           "and the zeros; what only one of them has; and what differs in metadata. The exit status "
           "is 0 when nothing differs, and 1 when something does.",
  .options = options,
  .least = 2,
  .most = 2,
  .run = run,
};
