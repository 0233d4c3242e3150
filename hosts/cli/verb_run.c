/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze run. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/pipeline.h"

/* ---- Ctrl-C. The first asks for a stop at the next good place, which a call into a plugin that never
 * returns does not reach; a second one ends the process as it would without us. */

/* All that a handler of signals can know. The words for the stages that are at work are written in
 * turns, so that those that are pointed at are whole. */
static struct {
  adze_runtime *runtime;
  bool quiet;
  const char *clear; /* what takes the line of progress away */
  char words[2][320];
  unsigned turn;
  _Atomic (const char *) waiting;
  atomic_bool asked;
} interrupted;

/* Neither stdio nor its locks: the signal may have come in the middle of them. */
static void
say_now (const char *text)
{
  ssize_t ignored = write (STDERR_FILENO, text, strlen (text));
  (void)ignored;
}

static void
say_waiting (void)
{
  const char *waiting = atomic_load (&interrupted.waiting);
  say_now (interrupted.clear);
  say_now ("adze: stopping as soon as ");
  say_now (waiting ? waiting : "the run");
  say_now (" has come to a good place; Ctrl-C again ends it at once. What is done is kept\n");
}

static void
on_interrupt (int number)
{
  int before = errno;
  if (!atomic_exchange (&interrupted.asked, true)) {
    adze_run_cancel (interrupted.runtime);
    if (!interrupted.quiet)
      say_waiting ();
  } else {
    say_now (interrupted.clear);
    say_now ("adze: ended; what was done is kept: the same command goes on from there\n");
    signal (number, SIG_DFL);
    raise (number);
  }
  errno = before;
}

static void
note_stages (void *argument, const adze_event *event)
{
  (void)argument;
  if (strcmp (event->id, "segment.started") != 0)
    return;
  for (uint32_t i = 0; i < event->field_count; i++) {
    const adze_field *field = &event->fields[i];
    if (field->type != ADZE_FIELD_STRING || strcmp (field->key, "stages") != 0)
      continue;
    char *words = interrupted.words[interrupted.turn++ % 2];
    snprintf (words, sizeof interrupted.words[0], "'%.300s'",
              field->value.string ? field->value.string : "");
    atomic_store (&interrupted.waiting, words);
  }
}

/* Heard before progress is shown: whoever sees what has begun can have it stopped by name. */
static int
watch_interrupts (adze_cli *cli)
{
  interrupted.runtime = cli->runtime;
  interrupted.quiet = cli->quiet;
  adze_error *error = adze_listen (cli->runtime, note_stages, NULL);
  int status = error ? adze_cli_fail (cli, error) : adze_cli_follow (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  interrupted.clear = cli->progress.terminal ? "\r\033[K" : "";
  signal (SIGINT, on_interrupt);
  signal (SIGTERM, on_interrupt);
  return ADZE_CLI_FINE;
}

static void
ignore_interrupts (void)
{
  signal (SIGINT, SIG_DFL);
  signal (SIGTERM, SIG_DFL);
}

/* ---- What came of it. */

static adze_run_options
options_of (const adze_cli_arguments *arguments)
{
  adze_run_options options = ADZE_RUN_OPTIONS_INIT;
  options.runs = adze_cli_value (arguments, "runs");
  options.fresh = adze_cli_has (arguments, "fresh");
  options.locked = adze_cli_has (arguments, "locked");
  options.verify = adze_cli_has (arguments, "verify");
  return options;
}

static int
explain (adze_cli *cli, const adze_cli_arguments *arguments, adze_plan *plan)
{
  char *text = NULL;
  adze_run_options options = options_of (arguments);
  adze_error *error = adze_plan_explain (plan, &options, cli->json, &text);
  return adze_cli_print_document (cli, error, text);
}

static void
print_end (const adze_cli *cli, const char *folder)
{
  if (cli->json) {
    fprintf (adze_cli_out, "{\"run\": ");
    adze_cli_print_json (adze_cli_out, folder);
    fprintf (adze_cli_out, ", \"state\": \"finished\"}\n");
  } else if (!cli->quiet) {
    adze_cli_print (&cli->out, ADZE_CLI_GREEN, "finished");
    fputs (": ", adze_cli_out);
    adze_cli_print (&cli->out, ADZE_CLI_PLAIN, folder);
    putc ('\n', adze_cli_out);
  }
}

static int
carry_out (adze_cli *cli, const adze_cli_arguments *arguments, adze_plan *plan)
{
  ADZE_CLI_FREE char *folder = NULL;
  adze_run_options options = options_of (arguments);
  int watched = watch_interrupts (cli);
  if (watched != ADZE_CLI_FINE)
    return watched;
  adze_error *error = adze_plan_run (plan, &options, &folder);
  ignore_interrupts ();
  if (!error) {
    print_end (cli, folder ? folder : "");
    return ADZE_CLI_FINE;
  }
  bool cancelled = adze_error_status (error) == ADZE_E_CANCELLED;
  int status = adze_cli_fail (cli, error);
  if (cancelled)
    adze_cli_note (cli, "stopped; what was done is kept: the same command goes on from there");
  return status;
}

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  adze_cli_plan opened;
  int status = adze_cli_plan_open (cli, arguments, &opened);
  if (status == ADZE_CLI_FINE)
    status = adze_cli_has (arguments, "explain") ? explain (cli, arguments, opened.plan)
                                                 : carry_out (cli, arguments, opened.plan);
  adze_cli_plan_close (&opened);
  return status;
}

static const adze_cli_option options[] = {
  { "set", 0, true, "KEY=VALUE", "as if the file said so: stage.ID.KEY=VALUE; repeatable" },
  ADZE_CLI_BACKEND_OPTION,
  { "fresh", 0, false, NULL, "do everything anew, whatever earlier runs have left" },
  { "explain", 0, false, NULL, "say what would be done again, and why; run nothing" },
  { "locked", 0, false, NULL, "refuse plugins and backends other than those of adze.lock" },
  { "verify", 0, false, NULL, "read files again whose content is known" },
  { "runs", 0, true, "DIR", "the folder of runs; without it: adze-runs beside the pipeline" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_run = {
  .name = "run",
  .usage = "PIPELINE",
  .summary = "carry a pipeline out, or go on with a run that was broken off",
  .about = "Runs the stages of a pipeline and leaves a run folder behind. A run that was killed, "
           "cancelled or failed is gone on with by the same command: nothing that was finished is "
           "done again. Files of outputs appear only whole, when everything has gone well.",
  .options = options,
  .least = 1,
  .most = 1,
  .run = run,
};
