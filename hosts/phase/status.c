/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: adze phase status, adze phase metric. */
#include <math.h>
#include <string.h>

#include "phase/state.h"
#include "phase/verbs.h"

/* ---- Which status may follow which. */

typedef struct step {
  const char *from;
  const char *to; /* with | between */
} step;

static const step domain_steps[] = {
  { "pending", "training|complete|failed" },
  { "training", "pending|complete|failed" },
  { "complete", "pending|training" },
  { "failed", "pending|training" },
};

/* deployed is only ever set by adze phase deploy, which knows. */
static const step phase_steps[] = {
  { "planning", "training|failed" },
  { "training", "planning|merging|failed" },
  { "merging", "training|compressing|failed" },
  { "compressing", "training|failed" },
  { "deployed", "planning|training" },
  { "failed", "planning|training" },
};

static bool
among (const char *words, const char *word)
{
  const size_t size = strlen (word);
  for (const char *at = words; *at; at += strcspn (at, "|"), at += *at == '|')
    if (strncmp (at, word, size) == 0 && (at[size] == '|' || !at[size]))
      return size > 0;
  return false;
}

static int
check_step (const adze_cli *cli, const step *steps, size_t count, const char *from, const char *to)
{
  const char *next = "";
  for (size_t i = 0; i < count; i++)
    if (strcmp (steps[i].from, from) == 0)
      next = steps[i].to;
  if (strcmp (from, to) == 0 || among (next, to))
    return ADZE_CLI_FINE;
  return adze_cli_refuse (cli, "what is %s cannot become '%s'; it can become: %s%s", from, to, next,
                          strcmp (to, "deployed") == 0 ? "; adze phase deploy makes a phase deployed" : "");
}

/* ---- status */

typedef struct place {
  int64_t phase, domain; /* 0: the phase itself */
} place;

static int
find_place (const phase_state *state, const adze_cli_arguments *arguments, place *at)
{
  int status = phase_find (state, arguments->words[0], &at->phase);
  return status == ADZE_CLI_FINE && arguments->word_count > 1
             ? phase_find_domain (state, at->phase, arguments->words[1], &at->domain)
             : status;
}

/* *BUILT is 0 if nothing has come of the status yet. */
static int
status_of (const phase_state *state, const place *at, char found[32], int64_t *built)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = false;
  int status = phase_prepare (state, &statement,
                              at->domain ? "SELECT status, 0 FROM domain WHERE id = ?"
                                         : "SELECT status, " PHASE_BUILT " FROM phase p WHERE id = ?",
                              "i", at->domain ? at->domain : at->phase);
  if (status == ADZE_CLI_FINE)
    status = phase_step (state, statement, &row);
  if (status != ADZE_CLI_FINE)
    return status;
  snprintf (found, 32, "%s", row ? phase_text (statement, 0) : "");
  *built = row ? sqlite3_column_int64 (statement, 1) : 0;
  return ADZE_CLI_FINE;
}

/* A phase that was being planned is in training as soon as one of its domains is. */
static int
set_domain (const phase_state *state, const place *at, const char *from, const char *to)
{
  int status = check_step (state->cli, domain_steps, ADZE_CLI_COUNT_OF (domain_steps), from, to);
  if (status == ADZE_CLI_FINE)
    status = phase_do (state, "UPDATE domain SET status = ? WHERE id = ?", "si", to, at->domain);
  if (status == ADZE_CLI_FINE && strcmp (to, "training") == 0)
    status = phase_do (state, "UPDATE phase SET status = 'training' WHERE id = ? AND status = 'planning'", "i",
                       at->phase);
  return status;
}

static int
set_phase (const phase_state *state, const place *at, const char *from, const char *to)
{
  int status = check_step (state->cli, phase_steps, ADZE_CLI_COUNT_OF (phase_steps), from, to);
  return status == ADZE_CLI_FINE ? phase_set_status (state, at->phase, to) : status;
}

static void
print_status (const adze_cli *cli, const adze_cli_arguments *arguments, const char *found, int64_t built)
{
  if (!cli->json) {
    fprintf (adze_cli_out, "%s\n", found);
    return;
  }
  fputs ("{\"phase\": ", adze_cli_out);
  adze_cli_print_json (adze_cli_out, arguments->words[0]);
  if (arguments->word_count > 1) {
    fputs (", \"domain\": ", adze_cli_out);
    adze_cli_print_json (adze_cli_out, arguments->words[1]);
  }
  fprintf (adze_cli_out, ", \"status\": \"%s\"", found);
  if (arguments->word_count == 1 && built > 0)
    fprintf (adze_cli_out, ", \"built\": %lld", (long long)built);
  else if (arguments->word_count == 1)
    fputs (", \"built\": null", adze_cli_out);
  fputs ("}\n", adze_cli_out);
}

static int
run_status (adze_cli *cli, const adze_cli_arguments *arguments)
{
  PHASE_STATE state = { .lock = -1 };
  const char *to = adze_cli_value (arguments, "set");
  place at = { 0 };
  char found[32] = "";
  int64_t built = 0;
  int status = phase_state_open (cli, arguments, false, &state);
  if (status == ADZE_CLI_FINE)
    status = find_place (&state, arguments, &at);
  if (status == ADZE_CLI_FINE)
    status = status_of (&state, &at, found, &built);
  if (status == ADZE_CLI_FINE && to)
    status = at.domain ? set_domain (&state, &at, found, to) : set_phase (&state, &at, found, to);
  if (status == ADZE_CLI_FINE && (!to || cli->json))
    print_status (cli, arguments, to ? to : found, to ? 0 : built);
  return status;
}

/* ---- metric */

static int
put_metric (const phase_state *state, int64_t domain, const char *text)
{
  char name[65], *end;
  const char *equals = strchr (text, '=');
  if (!equals || equals == text || (size_t)(equals - text) >= sizeof name)
    return adze_cli_misuse (state->cli, "needed is NAME=NUMBER, found is '%s'", text);
  snprintf (name, sizeof name, "%.*s", (int)(equals - text), text);
  const double value = strtod (equals + 1, &end);
  if (end == equals + 1 || *end || !isfinite (value))
    return adze_cli_misuse (state->cli, "the metric %s takes a number, not '%s'", name, equals + 1);
  int status = phase_check_name (state->cli, "metric", name);
  return status == ADZE_CLI_FINE
             ? phase_do (state,
                         "INSERT INTO metric (domain, name, value, at)"
                         " VALUES (?, ?, ?, strftime ('%Y-%m-%dT%H:%M:%SZ', 'now'))"
                         " ON CONFLICT (domain, name) DO UPDATE SET value = excluded.value, at = excluded.at",
                         "isf", domain, name, value)
             : status;
}

static int
print_metrics (const phase_state *state, int64_t domain)
{
  return phase_print (state,
                      "SELECT json_object ('domain', name, 'metrics', (SELECT json_group_object (m.name, value)"
                      " FROM metric m WHERE m.domain = d.id)) FROM domain d WHERE id = ?",
                      domain);
}

/* All of them or none. */
static int
run_metric (adze_cli *cli, const adze_cli_arguments *arguments)
{
  PHASE_STATE state = { .lock = -1 };
  place at = { 0 };
  int status = phase_state_open (cli, arguments, false, &state);
  if (status == ADZE_CLI_FINE)
    status = find_place (&state, arguments, &at);
  if (status == ADZE_CLI_FINE)
    status = phase_do (&state, "BEGIN IMMEDIATE", "");
  for (size_t i = 2; status == ADZE_CLI_FINE && i < arguments->word_count; i++)
    status = put_metric (&state, at.domain, arguments->words[i]);
  if (status == ADZE_CLI_FINE)
    status = phase_do (&state, "COMMIT", "");
  return status == ADZE_CLI_FINE && cli->json ? print_metrics (&state, at.domain) : status;
}

/* ---- The table. */

static const adze_cli_option status_options[] = {
  PHASE_ROOT_OPTION,
  { "set", 0, false, "STATUS", "make it so" },
  { NULL, 0, false, NULL, NULL },
};

static const adze_cli_option metric_options[] = {
  PHASE_ROOT_OPTION,
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb phase_verb_status = {
  .name = "phase status",
  .usage = "PHASE [DOMAIN]",
  .summary = "say how far a phase or a domain is, or set it",
  .about = "A domain is pending, training, complete or failed; a phase is planning, training, merging, compressing, "
           "deployed or failed. What cannot follow on what it is is refused. A phase that is built stays compressing until "
           "it is deployed; --json tells the build that is there as built, which is null while it is made.",
  .options = status_options,
  .least = 1,
  .most = 2,
  .surplus = "a status is set with --set STATUS",
  .run = run_status,
};

const adze_cli_verb phase_verb_metric = {
  .name = "phase metric",
  .usage = "PHASE DOMAIN NAME=NUMBER...",
  .summary = "note numbers of a domain, such as its loss",
  .about = "Keeps the last number of each name, and when it was noted.",
  .options = metric_options,
  .least = 3,
  .most = 64,
  .run = run_metric,
};
