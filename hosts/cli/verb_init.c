/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze init. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Relative paths in a pipeline are relative to its file, which is not where the command runs when
 * it is written to another folder. To be freed; NULL: errno says why. */
static char *
seen_from (const char *model, const char *pipeline)
{
  return strchr (pipeline, '/') ? realpath (model, NULL) : strdup (model);
}

/* Never over a file that is there: it may be a day's work. */
static int
write_new (const adze_cli *cli, const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0 && errno == EEXIST)
    return adze_cli_refuse (cli, "%s is there already; name another file, or remove it", path);
  FILE *file = fd >= 0 ? fdopen (fd, "w") : NULL;
  if (!file) {
    int status = adze_cli_broken (cli, "cannot write %s", path);
    if (fd >= 0)
      close (fd);
    return status;
  }
  bool written = fputs (text, file) >= 0;
  if (fclose (file) != 0 || !written) {
    int status = adze_cli_broken (cli, "cannot write %s", path);
    unlink (path); /* half of it would stand in the way of the next try */
    return status;
  }
  if (cli->json) {
    fprintf (adze_cli_out, "{\"pipeline\": ");
    adze_cli_print_json (adze_cli_out, path);
    fputs ("}\n", adze_cli_out);
  } else {
    adze_cli_note (cli, "wrote %s; adze check %s", path, path);
  }
  return ADZE_CLI_FINE;
}

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  const char *path = adze_cli_value (arguments, "output");
  char *text = NULL;
  if (cli->json && !path)
    return adze_cli_misuse (cli, "--json needs --output: what is printed is a pipeline");
  int status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  const char *model = arguments->words[0];
  ADZE_CLI_FREE char *name = path ? seen_from (model, path) : strdup (model);
  if (!name)
    return adze_cli_broken (cli, "cannot find %s", model);
  adze_error *error = adze_pipeline_starter (cli->runtime, name, &text);
  if (error || !path)
    return adze_cli_print_document (cli, error, text);
  status = write_new (cli, path, text);
  free (text);
  return status;
}

static const adze_cli_option options[] = {
  { "output", 'o', false, "FILE", "write the pipeline to FILE, which must not be there yet" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_init = {
  .name = "init",
  .usage = "MODEL",
  .summary = "write a pipeline to begin with, for a model",
  .about
  = "Looks at the structure of a model, and prints a pipeline for it that works as it is: "
    "commented, with the names of this model's own tensors. Relative paths in a pipeline are "
    "relative to its file: when --output is in another folder, the model is named by its "
    "absolute path.",
  .options = options,
  .least = 1,
  .most = 1,
  .run = run,
};
