/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: adze phase create, adze phase add. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "phase/state.h"
#include "phase/verbs.h"

/* What people write goes into files that others read: UTF-8, and nothing that moves a cursor. */
static int
check_words (const adze_cli *cli, const char *what, const char *text)
{
  for (const char *at = text; *at;) {
    uint32_t code;
    at += adze_cli_text_read (at, &code);
    if (code == ADZE_CLI_BAD || adze_cli_text_unsafe (code))
      return adze_cli_misuse (cli, "%s is no plain text in UTF-8: byte %zu is of something else", what,
                              (size_t)(at - text));
  }
  return ADZE_CLI_FINE;
}

/* A finite number, all of TEXT, of [0, MOST]. */
static bool
read_number (const char *text, double most, double *number)
{
  char *end;
  errno = 0;
  *number = strtod (text, &end);
  return end != text && !*end && isfinite (*number) && *number >= 0 && *number <= most;
}

static int
number_option (const adze_cli *cli, const adze_cli_arguments *arguments, const char *name, double most, double *number)
{
  const char *text = adze_cli_value (arguments, name);
  *number = 0;
  if (!text || read_number (text, most, number))
    return ADZE_CLI_FINE;
  return adze_cli_misuse (cli, "--%s takes a number from 0 to %g, not '%s'", name, most, text);
}

/* ---- create */

static int
run_create (adze_cli *cli, const adze_cli_arguments *arguments)
{
  PHASE_STATE state = { .lock = -1 };
  PHASE_STATEMENT *statement = NULL;
  const char *name = arguments->words[0], *note = adze_cli_value (arguments, "note");
  bool row = false;
  int status = phase_check_name (cli, "phase", name);
  if (status == ADZE_CLI_FINE && note)
    status = check_words (cli, "--note", note);
  if (status == ADZE_CLI_FINE)
    status = phase_state_open (cli, arguments, true, &state);
  if (status == ADZE_CLI_FINE)
    status = phase_prepare (&state, &statement,
                            "INSERT INTO phase (name, note, status, created)"
                            " VALUES (?, ?, 'planning', strftime ('%Y-%m-%dT%H:%M:%SZ', 'now'))"
                            " ON CONFLICT DO NOTHING RETURNING json_object ('phase', name, 'status', status)",
                            "ss", name, note ? note : "");
  if (status == ADZE_CLI_FINE)
    status = phase_step (&state, statement, &row);
  if (status == ADZE_CLI_FINE && !row)
    return adze_cli_refuse (cli, "there is a phase '%s' already; adze phase show %s shows it", name, name);
  if (status == ADZE_CLI_FINE && cli->json)
    fprintf (adze_cli_out, "%s\n", phase_text (statement, 0));
  return status == ADZE_CLI_FINE ? phase_step (&state, statement, &row) : status;
}

/* ---- add */

static const char *const emotions[]
    = { "joy", "trust", "fear", "surprise", "sadness", "disgust", "anger", "anticipation" };

/* One "NAME=WEIGHT" as a member of a JSON object. */
static int
write_emotion (const adze_cli *cli, const char *text, FILE *into)
{
  double weight;
  char name[32];
  const char *equals = strchr (text, '=');
  if (!equals || (size_t)(equals - text) >= sizeof name || !read_number (equals + 1, 1, &weight))
    return adze_cli_misuse (cli, "--emotion takes NAME=WEIGHT, a weight from 0 to 1, not '%s'", text);
  snprintf (name, sizeof name, "%.*s", (int)(equals - text), text);
  for (size_t i = 0; i < ADZE_CLI_COUNT_OF (emotions); i++)
    if (strcmp (emotions[i], name) == 0) {
      fprintf (into, "\"%s\": %.9g", name, weight);
      return ADZE_CLI_FINE;
    }
  const char *meant = adze_cli_nearest (name, emotions, ADZE_CLI_COUNT_OF (emotions));
  return adze_cli_misuse (cli,
                          "'%s' is none of the eight emotions%s%s%s: joy, trust, fear, surprise, sadness, disgust, "
                          "anger, anticipation",
                          name, meant ? " (did you mean '" : "", meant ? meant : "", meant ? "'?)" : "");
}

static int
write_keyword (const adze_cli *cli, const char *text, FILE *into)
{
  int status = check_words (cli, "--keyword", text);
  if (status == ADZE_CLI_FINE && !text[0])
    status = adze_cli_misuse (cli, "--keyword takes a word, not an empty one");
  if (status == ADZE_CLI_FINE)
    adze_cli_print_json (into, text);
  return status;
}

/* All values of an option as one JSON document between two brackets. *DOCUMENT is to be freed. */
static int
gather (const adze_cli *cli, const adze_cli_arguments *arguments, const char *option, const char *brackets,
        int (*write) (const adze_cli *, const char *, FILE *), char **document)
{
  ADZE_CLI_FREE const char **values = adze_cli_values (arguments, option);
  size_t size = 0;
  FILE *into = values ? open_memstream (document, &size) : NULL;
  int status = ADZE_CLI_FINE;
  if (!into)
    return adze_cli_no_memory (cli);
  putc (brackets[0], into);
  for (size_t i = 0; status == ADZE_CLI_FINE && values[i]; i++) {
    fputs (i > 0 ? ", " : "", into);
    status = write (cli, values[i], into);
  }
  putc (brackets[1], into);
  if (fclose (into) != 0)
    return adze_cli_no_memory (cli);
  return status;
}

/* Is the folder INNER the folder OUTER, or below it? */
static bool
lies_in (const char *inner, const char *outer)
{
  const size_t size = strlen (outer);
  return strncmp (inner, outer, size) == 0 && (inner[size] == '\0' || inner[size] == '/');
}

static int
find_folder (const phase_state *state, const char *given, char **folder)
{
  struct stat found;
  *folder = realpath (given, NULL);
  if (!*folder || stat (*folder, &found) != 0)
    return adze_cli_broken (state->cli, "cannot use the folder %s", given);
  if (!S_ISDIR (found.st_mode))
    return adze_cli_refuse (state->cli, "%s is no folder; name the one that the model lies in", given);
  if (lies_in (state->root, *folder) || lies_in (*folder, state->root))
    return adze_cli_refuse (state->cli,
                            "%s and the folder of the phases, %s, lie one in the other: what is cleaned must not be "
                            "where bundles are kept",
                            *folder, state->root);
  return check_words (state->cli, "the folder's path", *folder);
}

typedef struct wish {
  char *folder, *keywords, *profile;
  const char *description;
  double speed, quality;
} wish;

static void
wish_cleanup (wish *w)
{
  free (w->folder);
  free (w->keywords);
  free (w->profile);
}

static int
read_wish (const phase_state *state, const adze_cli_arguments *arguments, wish *w)
{
  const adze_cli *cli = state->cli;
  const char *description = adze_cli_value (arguments, "description");
  w->description = description ? description : "";
  int status = check_words (cli, "--description", w->description);
  if (status == ADZE_CLI_FINE)
    status = gather (cli, arguments, "keyword", "[]", write_keyword, &w->keywords);
  if (status == ADZE_CLI_FINE)
    status = gather (cli, arguments, "emotion", "{}", write_emotion, &w->profile);
  if (status == ADZE_CLI_FINE)
    status = number_option (cli, arguments, "speed", 1e9, &w->speed);
  if (status == ADZE_CLI_FINE)
    status = number_option (cli, arguments, "quality", 1, &w->quality);
  return status == ADZE_CLI_FINE ? find_folder (state, arguments->words[2], &w->folder) : status;
}

static int
insert_domain (const phase_state *state, int64_t phase, const char *name, const wish *w)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = false;
  int status = phase_prepare (state, &statement,
                              "INSERT INTO domain (phase, name, folder, description, keywords, profile, speed, quality,"
                              " status) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'pending')"
                              " ON CONFLICT DO NOTHING RETURNING json_object ('domain', name, 'folder', folder,"
                              " 'status', status)",
                              "isssssff", phase, name, w->folder, w->description, w->keywords, w->profile, w->speed,
                              w->quality);
  if (status == ADZE_CLI_FINE)
    status = phase_step (state, statement, &row);
  if (status == ADZE_CLI_FINE && !row)
    return adze_cli_refuse (state->cli, "the phase has a domain '%s' already", name);
  if (status == ADZE_CLI_FINE && state->cli->json)
    fprintf (adze_cli_out, "%s\n", phase_text (statement, 0));
  return status == ADZE_CLI_FINE ? phase_step (state, statement, &row) : status;
}

static int
run_add (adze_cli *cli, const adze_cli_arguments *arguments)
{
  PHASE_STATE state = { .lock = -1 };
  __attribute__ ((cleanup (wish_cleanup))) wish w = { 0 };
  int64_t phase = 0;
  int status = phase_check_name (cli, "domain", arguments->words[1]);
  if (status == ADZE_CLI_FINE)
    status = phase_state_open (cli, arguments, false, &state);
  if (status == ADZE_CLI_FINE)
    status = phase_find (&state, arguments->words[0], &phase);
  if (status == ADZE_CLI_FINE)
    status = read_wish (&state, arguments, &w);
  return status == ADZE_CLI_FINE ? insert_domain (&state, phase, arguments->words[1], &w) : status;
}

/* ---- The table. */

static const adze_cli_option create_options[] = {
  PHASE_ROOT_OPTION,
  { "note", 0, false, "TEXT", "what the phase is for" },
  { NULL, 0, false, NULL, NULL },
};

static const adze_cli_option add_options[] = {
  PHASE_ROOT_OPTION,
  { "description", 0, false, "TEXT", "what the model knows, in a sentence" },
  { "keyword", 0, true, "WORD", "a word that queries for it have; repeatable" },
  { "emotion", 0, true, "NAME=WEIGHT", "how much it is made for one of the eight emotions, 0 to 1; repeatable" },
  { "speed", 0, false, "MS", "what an answer takes, as measured, in milliseconds" },
  { "quality", 0, false, "NUMBER", "how good its answers are, 0 to 1" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb phase_verb_create = {
  .name = "phase create",
  .usage = "PHASE",
  .summary = "begin a phase: a set of models that are built and deployed together",
  .about = "Writes the phase down, in the state planning, with no domain. The folder of the phases is made when it "
           "is not there.",
  .options = create_options,
  .least = 1,
  .most = 1,
  .run = run_create,
};

const adze_cli_verb phase_verb_add = {
  .name = "phase add",
  .usage = "PHASE DOMAIN FOLDER",
  .summary = "add a domain, and the folder that its model lies in",
  .about = "Writes the domain down, as pending. FOLDER has, or will have, one model in GGUF. What the options say goes "
           "into the model's metadata when the phase is built, for routers to choose by.",
  .options = add_options,
  .least = 3,
  .most = 3,
  .run = run_add,
};
