/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: adze phase list, adze phase show. */
#include <sqlite3.h>

#include "phase/state.h"
#include "phase/verbs.h"

/* ---- As one document, which SQLite writes. */

/* ---- For people: each query is a table, its first row made of the names of the columns. */

static int
print_table (const phase_state *state, const char *sql, int64_t phase, size_t indent)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = false;
  int status = phase_prepare (state, &statement, sql, "i", phase);
  if (status != ADZE_CLI_FINE)
    return status;
  ADZE_CLI_TABLE table = { .columns = (size_t)sqlite3_column_count (statement), .head = true };
  for (size_t i = 0; i < table.columns; i++)
    adze_cli_table_add (&table, sqlite3_column_name (statement, (int)i));
  while ((status = phase_step (state, statement, &row)) == ADZE_CLI_FINE && row)
    for (size_t i = 0; i < table.columns; i++)
      adze_cli_table_add (&table, phase_text (statement, (int)i));
  if (status != ADZE_CLI_FINE || table.count == table.columns)
    return status;
  return adze_cli_table_print (&state->cli->out, &table, indent) ? ADZE_CLI_FINE : adze_cli_no_memory (state->cli);
}

/* ---- list */

static int
run_list (adze_cli *cli, const adze_cli_arguments *arguments)
{
  PHASE_STATE state = { .lock = -1 };
  int status = phase_state_open (cli, arguments, false, &state);
  if (status != ADZE_CLI_FINE)
    return status;
  return cli->json
             ? phase_print (&state,
                            "SELECT json_object ('phases', json_group_array (json_object ('phase', name, 'status',"
                            " status, 'built', " PHASE_BUILT ", 'domains', (SELECT count (*) FROM domain WHERE phase = p.id), 'builds',"
                            " (SELECT count (*) FROM build WHERE phase = p.id), 'created', created, 'note', note)))"
                            " FROM (SELECT * FROM phase WHERE ? = 0 ORDER BY name) p",
                            0)
             : print_table (&state,
                            "SELECT name AS phase, status, (SELECT count (*) FROM domain WHERE phase = p.id) AS domains,"
                            " (SELECT count (*) FROM build WHERE phase = p.id) AS builds, " PHASE_BUILT " AS built,"
                            " created, note"
                            " FROM phase p WHERE ? = 0 ORDER BY name",
                            0, 0);
}

/* ---- show */

static const char whole[]
    = "SELECT json_object ('phase', name, 'status', status, 'built', " PHASE_BUILT ", 'note', note, 'created', created,"
      " 'domains', (SELECT json_group_array (json_object ('domain', name, 'status', status, 'folder', folder,"
      "   'description', description, 'keywords', json (keywords), 'profile', json (profile), 'speed', speed,"
      "   'quality', quality, 'metrics', (SELECT json_group_object (name, value) FROM metric WHERE domain = d.id)))"
      "   FROM (SELECT * FROM domain WHERE phase = p.id ORDER BY name) d),"
      " 'builds', (SELECT json_group_array (json_object ('build', number, 'sha256', digest, 'bytes', bytes, 'at', at))"
      "   FROM (SELECT * FROM build WHERE phase = p.id ORDER BY number)),"
      " 'deployments', (SELECT json_group_array (json_object ('target', target, 'verb', verb, 'version', number,"
      "   'sha256', digest, 'state', state, 'at', at)) FROM (SELECT * FROM move WHERE phase = p.id ORDER BY id)))"
      " FROM phase p WHERE id = ?";

static const struct {
  const char *title;
  const char *sql;
} tables[] = {
  { NULL, "SELECT name AS phase, status, " PHASE_BUILT " AS built, created, note FROM phase p WHERE id = ?" },
  { "domains", "SELECT name AS domain, status, folder, description,"
               " (SELECT group_concat (value, ', ') FROM json_each (keywords)) AS keywords,"
               " (SELECT group_concat (key || ' ' || value, ', ') FROM json_each (profile)) AS profile,"
               " iif (speed > 0, speed || ' ms', '') AS speed, iif (quality > 0, quality, '') AS quality"
               " FROM domain WHERE phase = ? ORDER BY name" },
  { "metrics", "SELECT d.name AS domain, m.name AS metric, value, at FROM metric m JOIN domain d ON d.id = m.domain"
               " WHERE phase = ? ORDER BY 1, 2" },
  { "builds", "SELECT number AS build, bytes, digest AS sha256, at FROM build WHERE phase = ? ORDER BY number" },
  { "deployments", "SELECT verb, target, number AS version, state, at FROM move WHERE phase = ? ORDER BY id" },
};

static int
run_show (adze_cli *cli, const adze_cli_arguments *arguments)
{
  PHASE_STATE state = { .lock = -1 };
  int64_t phase = 0;
  int status = phase_state_open (cli, arguments, false, &state);
  if (status == ADZE_CLI_FINE)
    status = phase_find (&state, arguments->words[0], &phase);
  if (status == ADZE_CLI_FINE && cli->json)
    return phase_print (&state, whole, phase);
  for (size_t i = 0; status == ADZE_CLI_FINE && i < ADZE_CLI_COUNT_OF (tables); i++) {
    if (tables[i].title) {
      putc ('\n', adze_cli_out);
      adze_cli_print (&cli->out, ADZE_CLI_BOLD, tables[i].title);
      putc ('\n', adze_cli_out);
    }
    status = print_table (&state, tables[i].sql, phase, tables[i].title ? 2 : 0);
  }
  return status;
}

/* ---- The table. */

static const adze_cli_option options[] = {
  PHASE_ROOT_OPTION,
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb phase_verb_list = {
  .name = "phase list",
  .usage = "",
  .summary = "list the phases",
  .about = "Each with its status and how many domains and builds it has.",
  .options = options,
  .run = run_list,
};

const adze_cli_verb phase_verb_show = {
  .name = "phase show",
  .usage = "PHASE",
  .summary = "show a phase: its domains, metrics, builds and deployments",
  .about = "A deployment that is begun is under way, or was ended in the middle; the next one into its target tells, "
           "and finishes it.",
  .options = options,
  .least = 1,
  .most = 1,
  .run = run_show,
};
