/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: adze phase create, add, edit and remove. */
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

/* A weight for each emotion: two of them for one contradict each other. */
static int
check_emotions (const adze_cli *cli, const adze_cli_arguments *arguments)
{
  ADZE_CLI_FREE const char **values = adze_cli_values (arguments, "emotion");
  if (!values)
    return adze_cli_no_memory (cli);
  for (size_t i = 0; values[i]; i++) {
    const size_t size = strcspn (values[i], "=") + 1;
    for (size_t k = 0; k < i; k++)
      if (strncmp (values[i], values[k], size) == 0)
        return adze_cli_misuse (cli, "--emotion %s and --emotion %s say two things of one emotion; leave one out",
                                values[k], values[i]);
  }
  return ADZE_CLI_FINE;
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

/* What was said of a domain. NULL, or not given: nothing was. */
typedef struct wish {
  char *folder, *keywords, *profile;
  const char *description;
  double speed, quality;
  bool has_speed, has_quality;
} wish;

static void
wish_cleanup (wish *w)
{
  free (w->folder);
  free (w->keywords);
  free (w->profile);
}
#define WISH __attribute__ ((cleanup (wish_cleanup))) wish

static int
read_lists (const adze_cli *cli, const adze_cli_arguments *arguments, wish *w)
{
  int status = ADZE_CLI_FINE;
  if (adze_cli_has (arguments, "keyword"))
    status = gather (cli, arguments, "keyword", "[]", write_keyword, &w->keywords);
  if (status == ADZE_CLI_FINE && adze_cli_has (arguments, "emotion"))
    status = gather (cli, arguments, "emotion", "{}", write_emotion, &w->profile);
  return status == ADZE_CLI_FINE ? check_emotions (cli, arguments) : status;
}

/* The folder is the third word, where there is one. */
static int
read_wish (const phase_state *state, const adze_cli_arguments *arguments, wish *w)
{
  const adze_cli *cli = state->cli;
  w->description = adze_cli_value (arguments, "description");
  w->has_speed = adze_cli_has (arguments, "speed");
  w->has_quality = adze_cli_has (arguments, "quality");
  int status = w->description ? check_words (cli, "--description", w->description) : ADZE_CLI_FINE;
  if (status == ADZE_CLI_FINE)
    status = read_lists (cli, arguments, w);
  if (status == ADZE_CLI_FINE)
    status = number_option (cli, arguments, "speed", 1e9, &w->speed);
  if (status == ADZE_CLI_FINE)
    status = number_option (cli, arguments, "quality", 1, &w->quality);
  return status == ADZE_CLI_FINE && arguments->word_count > 2 ? find_folder (state, arguments->words[2], &w->folder)
                                                              : status;
}

static int
insert_domain (const phase_state *state, int64_t phase, const char *name, const wish *w)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = false;
  int status = phase_prepare (state, &statement,
                              "INSERT INTO domain (phase, name, folder, description, keywords, profile, speed, quality,"
                              " status) VALUES (?, ?, ?, ifnull (?, ''), ifnull (?, '[]'), ifnull (?, '{}'), ?, ?,"
                              " 'pending')"
                              " ON CONFLICT DO NOTHING RETURNING json_object ('domain', name, 'folder', folder,"
                              " 'status', status)",
                              "isssssff", phase, name, w->folder, w->description, w->keywords, w->profile, w->speed,
                              w->quality);
  if (status == ADZE_CLI_FINE)
    status = phase_step (state, statement, &row);
  if (status == ADZE_CLI_FINE && !row)
    return adze_cli_refuse (state->cli, "the phase has a domain '%s' already; adze phase edit changes it", name);
  if (status == ADZE_CLI_FINE && state->cli->json)
    fprintf (adze_cli_out, "%s\n", phase_text (statement, 0));
  return status == ADZE_CLI_FINE ? phase_step (state, statement, &row) : status;
}

static int
run_add (adze_cli *cli, const adze_cli_arguments *arguments)
{
  PHASE_STATE state = { .lock = -1 };
  WISH w = { 0 };
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

/* ---- edit, remove */

/* The domain that the first two words name, with the lock: what is built or cleaned meanwhile is what it was. */
static int
open_domain (phase_state *state, adze_cli *cli, const adze_cli_arguments *arguments, int64_t *domain)
{
  int64_t phase = 0;
  int status = phase_state_open (cli, arguments, false, state);
  if (status == ADZE_CLI_FINE)
    status = phase_state_lock (state);
  if (status == ADZE_CLI_FINE)
    status = phase_find (state, arguments->words[0], &phase);
  return status == ADZE_CLI_FINE ? phase_find_domain (state, phase, arguments->words[1], domain) : status;
}

/* Of what would be deleted in its folder. */
static int
forget_listing (const phase_state *state, int64_t domain)
{
  int status = phase_do (state, "DELETE FROM listed WHERE domain = ?", "i", domain);
  return status == ADZE_CLI_FINE ? phase_do (state, "DELETE FROM listing WHERE domain = ?", "i", domain) : status;
}

/* What is not said stays. In another folder there is another model, of which nothing is known yet. */
static int
update_domain (const phase_state *state, int64_t domain, const wish *w)
{
  int status = phase_do (state, "BEGIN IMMEDIATE", "");
  if (status == ADZE_CLI_FINE && w->folder)
    status = forget_listing (state, domain);
  if (status == ADZE_CLI_FINE)
    status = phase_do (state,
                       "UPDATE domain SET folder = ifnull (?1, folder), description = ifnull (?2, description),"
                       " keywords = ifnull (?3, keywords), profile = ifnull (?4, profile),"
                       " speed = iif (?5, ?6, speed), quality = iif (?7, ?8, quality),"
                       " status = iif (?1 IS NULL, status, 'pending') WHERE id = ?9",
                       "ssssififi", w->folder, w->description, w->keywords, w->profile, (int64_t)w->has_speed, w->speed,
                       (int64_t)w->has_quality, w->quality, domain);
  return status == ADZE_CLI_FINE ? phase_do (state, "COMMIT", "") : status;
}

static int
print_domain (const phase_state *state, int64_t domain)
{
  return phase_print (state,
                      "SELECT json_object ('domain', name, 'folder', folder, 'status', status, 'description',"
                      " description, 'keywords', json (keywords), 'profile', json (profile), 'speed', speed,"
                      " 'quality', quality) FROM domain WHERE id = ?",
                      domain);
}

static int
run_edit (adze_cli *cli, const adze_cli_arguments *arguments)
{
  PHASE_STATE state = { .lock = -1 };
  WISH w = { 0 };
  int64_t domain = 0;
  int status = open_domain (&state, cli, arguments, &domain);
  if (status == ADZE_CLI_FINE)
    status = read_wish (&state, arguments, &w);
  if (status == ADZE_CLI_FINE && !w.folder && !w.description && !w.keywords && !w.profile && !w.has_speed
      && !w.has_quality)
    return adze_cli_misuse (cli, "nothing is said that should change; name another FOLDER, or an option");
  if (status == ADZE_CLI_FINE)
    status = update_domain (&state, domain, &w);
  return status == ADZE_CLI_FINE && cli->json ? print_domain (&state, domain) : status;
}

static int
run_remove (adze_cli *cli, const adze_cli_arguments *arguments)
{
  PHASE_STATE state = { .lock = -1 };
  int64_t domain = 0;
  int status = open_domain (&state, cli, arguments, &domain);
  if (status == ADZE_CLI_FINE)
    status = phase_do (&state, "BEGIN IMMEDIATE", "");
  if (status == ADZE_CLI_FINE)
    status = forget_listing (&state, domain);
  if (status == ADZE_CLI_FINE)
    status = phase_do (&state, "DELETE FROM metric WHERE domain = ?", "i", domain);
  if (status == ADZE_CLI_FINE)
    status = phase_do (&state, "DELETE FROM domain WHERE id = ?", "i", domain);
  if (status == ADZE_CLI_FINE)
    status = phase_do (&state, "COMMIT", "");
  if (status == ADZE_CLI_FINE && cli->json) /* names need no escapes */
    fprintf (adze_cli_out, "{\"phase\": \"%s\", \"removed\": \"%s\"}\n", arguments->words[0], arguments->words[1]);
  return status;
}

/* ---- The table. */

static const adze_cli_option create_options[] = {
  PHASE_ROOT_OPTION,
  { "note", 0, false, "TEXT", "what the phase is for" },
  { NULL, 0, false, NULL, NULL },
};

static const adze_cli_option remove_options[] = {
  PHASE_ROOT_OPTION,
  { NULL, 0, false, NULL, NULL },
};

/* Of add and edit. */
static const adze_cli_option domain_options[] = {
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
  .options = domain_options,
  .least = 3,
  .most = 3,
  .run = run_add,
};

const adze_cli_verb phase_verb_edit = {
  .name = "phase edit",
  .usage = "PHASE DOMAIN [FOLDER]",
  .summary = "change what was said of a domain",
  .about = "What is not given stays as it is; keywords that are given replace all that there were, and so do emotions. "
           "With another FOLDER the domain is pending again.",
  .options = domain_options,
  .least = 2,
  .most = 3,
  .run = run_edit,
};

const adze_cli_verb phase_verb_remove = {
  .name = "phase remove",
  .usage = "PHASE DOMAIN",
  .summary = "take a domain out of its phase",
  .about = "Its metrics go with it. Its folder stays as it is, and so do bundles that were built with it.",
  .options = remove_options,
  .least = 2,
  .most = 2,
  .run = run_remove,
};
