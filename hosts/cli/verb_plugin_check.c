/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze plugin check. */
#include "cli/cli.h"

#include <string.h>

#define ROUNDS_MAX 100000
#define TIME_LIMIT_MAX (24 * 3600 * 1000) /* ms: a day */

typedef struct check {
  const adze_cli *cli;
  FILE *json; /* collects the document, which must not be begun before its end is certain */
  bool complete;
  size_t run, passed, failed, skipped;
} check;

/* ---- TAP 13. The plan comes first, so that a report that was cut short is known for one. */

static void
tap_skipped (const adze_case_report *report)
{
  const char *reason = report->detail ? report->detail : "does not apply";
  char line[512]; /* a directive ends with its line */
  snprintf (line, sizeof line, "%.*s", (int)strcspn (reason, "\n"), reason);
  fputs (" # SKIP ", adze_cli_out);
  adze_cli_print_lines (&(adze_cli_printer){ .stream = adze_cli_out }, "", line);
}

static void
tap_case (const check *state, const adze_case_report *report)
{
  const adze_cli_printer *out = &state->cli->out;
  bool failed = report->verdict == ADZE_CASE_FAILED;
  if (state->run == 1)
    fprintf (adze_cli_out, "TAP version 13\n1..%zu\n", report->count);
  adze_cli_print (out, failed ? ADZE_CLI_RED : ADZE_CLI_GREEN, failed ? "not ok" : "ok");
  fprintf (adze_cli_out, " %zu - ", state->run);
  adze_cli_print (out, ADZE_CLI_PLAIN, report->name);
  if (report->verdict == ADZE_CASE_SKIPPED) {
    tap_skipped (report);
    return;
  }
  putc ('\n', adze_cli_out);
  if (!report->detail)
    return;
  fputs ("  ---\n  message: |\n", adze_cli_out);
  adze_cli_print_lines (out, "    ", report->detail);
  fputs ("  ...\n", adze_cli_out);
}

static void
tap_end (const check *state)
{
  fprintf (adze_cli_out, "# %zu passed, %zu failed, %zu skipped\n", state->passed, state->failed,
           state->skipped);
}

/* ---- JSON. */

static void
json_case (const check *state, const adze_case_report *report)
{
  static const char *const verdicts[] = { "passed", "failed", "skipped" };
  fprintf (state->json, "%s\n  {\"name\": ", state->run > 1 ? "," : "{\"cases\": [");
  adze_cli_print_json (state->json, report->name);
  fprintf (state->json, ", \"verdict\": \"%s\", \"detail\": ", verdicts[report->verdict]);
  adze_cli_print_json (state->json, report->detail);
  fputc ('}', state->json);
}

static void
json_end (const check *state, const char *path)
{
  fputs ("\n ],\n \"file\": ", state->json);
  adze_cli_print_json (state->json, path);
  fprintf (state->json, ",\n \"passed\": %zu, \"failed\": %zu, \"skipped\": %zu}\n",
           state->passed, state->failed, state->skipped);
}

/* ---- The verb. */

static void
on_case (void *argument, const adze_case_report *report)
{
  check *state = argument;
  state->run++;
  state->passed += report->verdict == ADZE_CASE_PASSED;
  state->failed += report->verdict == ADZE_CASE_FAILED;
  state->skipped += report->verdict == ADZE_CASE_SKIPPED;
  if (state->json) {
    json_case (state, report);
    return;
  }
  tap_case (state, report);
  fflush (adze_cli_out); /* the next one may take long */
}

static int
read_options (const adze_cli *cli, const adze_cli_arguments *arguments,
              adze_check_options *options)
{
  uint64_t rounds = 0, limit = 0;
  options->only = adze_cli_value (arguments, "only");
  int status = adze_cli_number_option (cli, arguments, "rounds", 1, ROUNDS_MAX, &rounds);
  if (status == ADZE_CLI_FINE)
    status = adze_cli_number_option (cli, arguments, "time-limit", 1, TIME_LIMIT_MAX, &limit);
  if (status == ADZE_CLI_FINE)
    status = adze_cli_number_option (cli, arguments, "seed", 0, UINT64_MAX, &options->seed);
  options->rounds = (unsigned)rounds;
  options->time_limit_ms = (int64_t)limit;
  return status;
}

static int
report_end (check *state, adze_error *error, const char *path)
{
  if (error) {
    if (!state->json && state->run > 0)
      fputs ("Bail out! The kit itself could not go on.\n", adze_cli_out);
    return adze_cli_fail (state->cli, error);
  }
  /* A check that has checked nothing must not pass for one that found nothing. */
  if (state->run == 0)
    return adze_cli_refuse (state->cli, "no case was run on %s", path);
  state->complete = true;
  if (state->json)
    json_end (state, path);
  else
    tap_end (state);
  return state->failed > 0 ? ADZE_CLI_FAILED : ADZE_CLI_FINE;
}

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  adze_check_options options = ADZE_CHECK_OPTIONS_INIT;
  check state = { .cli = cli };
  ADZE_CLI_FREE char *document = NULL;
  size_t size = 0, failed = 0;
  int status = read_options (cli, arguments, &options);
  if (status == ADZE_CLI_FINE)
    status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  if (cli->json && !(state.json = open_memstream (&document, &size)))
    return adze_cli_no_memory (cli);
  const char *path = arguments->words[0];
  adze_error *error
      = adze_plugin_check (cli->runtime, path, &options, on_case, &state, &failed);
  state.failed = failed > state.failed ? failed : state.failed;
  status = report_end (&state, error, path);
  if (!state.json)
    return status;
  bool whole = !ferror (state.json);
  if (fclose (state.json) != 0 || !whole)
    return adze_cli_no_memory (cli);
  if (state.complete)
    fwrite (document, 1, size, adze_cli_out);
  return status;
}

static const adze_cli_option check_options[] = {
  { "only", 0, false, "TEXT", "run the cases whose name has TEXT in it" },
  { "rounds", 0, false, "N", "draw random parameters N times a component; 16 unless given" },
  { "seed", 0, false, "N", "what the random parameters are drawn from; 0 unless given" },
  { "time-limit", 0, false, "MS", "milliseconds that a case may take; 20000 unless given" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_plugin_check = {
  .name = "plugin check",
  .usage = "FILE",
  .summary = "put a plugin through the conformance kit",
  .about = "Runs every case of the conformance kit on the plugin, each in a process of its own, "
           "and reports in TAP 13: descriptors of other hosts, missing services, allocations that "
           "fail, random parameters, threads.",
  .options = check_options,
  .least = 1,
  .most = 1,
  .run = run,
};
