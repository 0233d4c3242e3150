/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: verbs that somebody else wrote, as programs called adze-VERB. */
#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Anything else could lead out of PATH: "../foo". */
static bool
well_formed (const char *word)
{
  return word[strspn (word, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0' && word[0] != '-';
}

static int
unknown (const adze_cli *cli, const char *word, const char *const *names, size_t count)
{
  const char *meant = adze_cli_nearest (word, names, count);
  if (meant && strcmp (meant, word) != 0) /* a companion that is not installed is meant, and not there */
    return adze_cli_misuse (cli, "'%s' is no verb; did you mean '%s'?", word, meant);
  if (!well_formed (word))
    return adze_cli_misuse (cli, "'%s' is no verb", word);
  return adze_cli_misuse (cli, "'%s' is no verb, and PATH has no program adze-%s that may be run",
                          word, word);
}

/* What was installed together belongs together, whatever PATH says: the program in the folder of this
 * one. Returns only when there is none that may be run. */
static void
run_beside (const char *program, char **arguments)
{
  char path[PATH_MAX];
  ssize_t size = readlink ("/proc/self/exe", path, sizeof path - 1);
  if (size <= 0)
    return;
  path[size] = '\0';
  char *base = strrchr (path, '/');
  size_t room = base ? sizeof path - (size_t)(base + 1 - path) : 0;
  if (base && (size_t)snprintf (base + 1, room, "%s", program) < room)
    execv (path, arguments);
}

int
adze_cli_run_external (const adze_cli *cli, int argc, char **argv, int index,
                       const char *const *names, size_t name_count)
{
  const char *word = argv[index];
  char program[64];
  if (!well_formed (word)
      || snprintf (program, sizeof program, "adze-%s", word) >= (int)sizeof program)
    return unknown (cli, word, names, name_count);
  ADZE_CLI_FREE char **arguments = calloc ((size_t)argc + 1, sizeof *arguments);
  if (!arguments)
    return adze_cli_no_memory (cli);
  size_t count = 0;
  arguments[count++] = program;
  for (int i = 1; i < argc; i++)
    if (i != index)
      arguments[count++] = argv[i];
  signal (SIGXFSZ, SIG_DFL); /* another program has its own mind about it */
  run_beside (program, arguments);
  execvp (program, arguments);
  /* A folder of PATH that may not be entered gives EACCES too; it has no program for us. */
  if (errno == ENOENT || errno == ENOTDIR || errno == EACCES)
    return unknown (cli, word, names, name_count);
  return adze_cli_broken (cli, "cannot run %s", program);
}
