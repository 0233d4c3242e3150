/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: adze phase table: what a router has to know of a bundle's models, as the table that route-emotion takes.
 * It is all in the bundle: nothing is asked of the phases that it was built from. */
#include <fcntl.h>
#include <string.h>

#include "phase/manifest.h"
#include "phase/verbs.h"

/* SQLite reads the manifest; a database that is nowhere is enough for that. */
static int
open_bundle (adze_cli *cli, const char *given, phase_state *state, char **text)
{
  char digest[PHASE_DIGEST];
  *state = (phase_state){ .cli = cli, .root = realpath (given, NULL), .lock = -1 };
  PHASE_FD folder = state->root ? phase_folder_at (AT_FDCWD, state->root) : -1;
  if (folder < 0)
    return adze_cli_broken (cli, "cannot use the folder %s", given);
  *text = phase_manifest_text (folder, digest);
  if (!*text)
    return adze_cli_refuse (cli, "%s is no bundle: it has no " PHASE_MANIFEST " that can be read; name a folder such as "
                            "adze-phases/built/PHASE/1, or TARGET/current",
                            given);
  if (sqlite3_open (":memory:", &state->db) != SQLITE_OK)
    return adze_cli_no_memory (cli);
  return phase_manifest_is_json (state, *text) ? ADZE_CLI_FINE
                                               : adze_cli_refuse (cli, "%s/" PHASE_MANIFEST " is no JSON", given);
}

/* A router divides by what an answer takes. */
static int
check_speeds (const phase_state *state, const char *text)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = false;
  int status = phase_prepare (state, &statement,
                              "SELECT json_extract (value, '$.name') FROM json_each (?, '$.domains')"
                              " WHERE NOT ifnull (json_extract (value, '$.speed') > 0, 0)",
                              "s", text);
  if (status == ADZE_CLI_FINE)
    status = phase_step (state, statement, &row);
  if (status == ADZE_CLI_FINE && row)
    return adze_cli_refuse (state->cli,
                            "it is not known how long '%s' takes for an answer, and a router needs that; say it with adze "
                            "phase edit PHASE %s --speed MS, and build again",
                            phase_text (statement, 0), phase_text (statement, 0));
  return status;
}

static const char as_json[]
    = "SELECT json_object ('domains', json_group_array (json_object ('name', json_extract (value, '$.name'),"
      " 'description', json_extract (value, '$.description'), 'keywords', json_extract (value, '$.keywords'),"
      " 'profile', json_extract (value, '$.profile'), 'latency', json_extract (value, '$.speed'),"
      " 'quality', json_extract (value, '$.quality')))) FROM json_each (?, '$.domains')";

/* Texts in quotes, whatever is in them. */
static const char as_csv[]
    = "SELECT '\"' || replace (name, '\"', '\"\"') || '\",\"' || replace (description, '\"', '\"\"') || '\",\"'"
      " || replace (keywords, '\"', '\"\"') || '\",\"' || profile || '\",' || latency || ',' || quality FROM"
      " (SELECT json_extract (d.value, '$.name') AS name, json_extract (d.value, '$.description') AS description,"
      "  (SELECT ifnull (group_concat (value, ' '), '') FROM json_each (d.value, '$.keywords')) AS keywords,"
      "  (SELECT ifnull (group_concat (key || '=' || value, '; '), '') FROM json_each (d.value, '$.profile')) AS profile,"
      "  json_extract (d.value, '$.speed') AS latency, json_extract (d.value, '$.quality') AS quality"
      "  FROM json_each (?, '$.domains') d)";

static int
print_rows (const phase_state *state, const char *text)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = true;
  int status = phase_prepare (state, &statement, state->cli->json ? as_json : as_csv, "s", text);
  if (status == ADZE_CLI_FINE && !state->cli->json)
    fputs ("name,description,keywords,profile,latency,quality\n", adze_cli_out);
  while (status == ADZE_CLI_FINE && (status = phase_step (state, statement, &row)) == ADZE_CLI_FINE && row)
    fprintf (adze_cli_out, "%s\n", phase_text (statement, 0));
  return status;
}

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  PHASE_STATE state = { .lock = -1 };
  ADZE_CLI_FREE char *text = NULL;
  int status = open_bundle (cli, arguments->words[0], &state, &text);
  if (status == ADZE_CLI_FINE)
    status = check_speeds (&state, text);
  return status == ADZE_CLI_FINE ? print_rows (&state, text) : status;
}

const adze_cli_verb phase_verb_table = {
  .name = "phase table",
  .usage = "BUNDLE",
  .summary = "print what a router has to know of a bundle's models, as a table for route-emotion",
  .about = "BUNDLE is the folder of a bundle, where it was built or deployed (TARGET/current). The table has the columns "
           "name, description, keywords, profile, latency and quality of each domain, and is CSV, or JSON with --json.",
  .least = 1,
  .most = 1,
  .run = run,
};
