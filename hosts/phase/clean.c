/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: adze phase clean: looking for what could go, and writing it down. Nothing is deleted here. */
#define _GNU_SOURCE 1 /* asprintf */

#include "phase/clean.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "phase/verbs.h"

enum { DEPTH_MOST = 64 };

/* ---- What was found. */

void
phase_sweep_cleanup (phase_sweep *sweep)
{
  for (size_t i = 0; i < sweep->junk_count; i++) {
    free (sweep->junk[i].path);
    free (sweep->junk[i].why);
  }
  for (size_t i = 0; i < sweep->left_count; i++) {
    free (sweep->left[i].path);
    free (sweep->left[i].why);
  }
  free (sweep->junk);
  free (sweep->left);
  *sweep = (phase_sweep){ 0 };
}

/* Room for one more in an array that has COUNT, doubled now and then. */
static bool
grow (void **array, size_t count, size_t size)
{
  if (count & (count + 1))
    return true;
  void *grown = reallocarray (*array, count * 2 + 2, size);
  *array = grown ? grown : *array;
  return grown != NULL;
}

void
phase_sweep_junk (phase_sweep *sweep, const char *path, const char *why, const struct stat *found)
{
  char *copy = strdup (path), *reason = strdup (why);
  if (!copy || !reason || !grow ((void **)&sweep->junk, sweep->junk_count, sizeof *sweep->junk)) {
    sweep->failed = true;
    free (copy);
    free (reason);
    return;
  }
  sweep->junk[sweep->junk_count++] = (phase_junk){ copy, reason, S_ISDIR (found->st_mode), *found };
  sweep->bytes += S_ISDIR (found->st_mode) ? 0 : (uint64_t)found->st_size;
}

void
phase_sweep_leave (phase_sweep *sweep, const char *path, const char *why)
{
  char *copy = strdup (path), *reason = strdup (why);
  if (!copy || !reason || !grow ((void **)&sweep->left, sweep->left_count, sizeof *sweep->left)) {
    sweep->failed = true;
    free (copy);
    free (reason);
    return;
  }
  sweep->left[sweep->left_count++] = (phase_left){ copy, reason };
}

/* ---- The walk. */

typedef struct walk {
  const phase_state *state;
  phase_sweep *sweep;
  unsigned depth;
  const char *inside; /* why everything here could go; NULL: it is looked at one by one */
  bool kept;          /* something here stays, and so does the folder */
} walk;

static void look_at (walk *w, int folder, const char *above, const char *name);

static void
leave (walk *w, const char *path, const char *why)
{
  w->kept = true;
  phase_sweep_leave (w->sweep, path, why);
}

static void
walk_names (walk *w, int folder, const char *path)
{
  char **names;
  size_t count;
  if (!phase_names_at (folder, &names, &count)) {
    leave (w, path, strerror (errno));
    return;
  }
  for (size_t i = 0; i < count; i++)
    look_at (w, folder, path, names[i]);
  phase_names_free (names, count);
}

/* Why NAME of PARENT ("": PARENT itself), which was found in FOLDER, is left for what is mounted there, or NULL. */
static const char *
mount_refusal (int folder, int parent, const char *name)
{
  if (phase_same_mount (folder, parent, name))
    return NULL;
  return errno == EXDEV    ? "is mounted from elsewhere"
         : errno == ENOSYS ? "may be mounted from elsewhere, which this system does not tell"
                           : strerror (errno);
}

/* Why a folder is not entered, or NULL. One that nobody may write to was made so by somebody who wants it kept, and
 * root, whom the system would not stop, keeps to it too. */
static const char *
refusal_of (const walk *w, int parent, int folder, const struct stat *found)
{
  const char *mounted = mount_refusal (parent, folder, "");
  if (mounted)
    return mounted;
  if (!(found->st_mode & 0222))
    return "is a read-only folder";
  return w->depth >= DEPTH_MOST ? "lies too deep" : NULL;
}

static void
look_at_folder (walk *w, int parent, const char *path, const char *name, const struct stat *seen)
{
  const char *why = w->inside ? w->inside : phase_junk_folder (name);
  struct stat found;
  PHASE_FD folder = phase_folder_at (parent, name);
  if (folder < 0 || fstat (folder, &found) != 0) {
    leave (w, path, strerror (errno));
    return;
  }
  const char *refusal = found.st_ino == seen->st_ino ? refusal_of (w, parent, folder, &found) : "changed while it was looked at";
  if (refusal) {
    leave (w, path, refusal);
    return;
  }
  walk below = { w->state, w->sweep, w->depth + 1, why, false };
  walk_names (&below, folder, path);
  if (why && !below.kept)
    phase_sweep_junk (w->sweep, path, why, &found);
  w->kept = w->kept || !why || below.kept;
}

static void
look_at_file (walk *w, int folder, const char *path, const char *name, const struct stat *found)
{
  const char *why = w->inside ? w->inside : phase_junk_file (name), *mounted;
  if (!why)
    why = phase_junk_content (w->state, folder, name, found);
  if (!why)
    w->kept = true;
  else if ((mounted = mount_refusal (folder, folder, name)))
    leave (w, path, mounted);
  else if (found->st_nlink > 1)
    leave (w, path, "has other names (hard links), and they would still be there");
  else
    phase_sweep_junk (w->sweep, path, why, found);
}

static void
look_at (walk *w, int folder, const char *above, const char *name)
{
  struct stat found;
  ADZE_CLI_FREE char *path = NULL;
  if (asprintf (&path, "%s%s%s", above, above[0] ? "/" : "", name) < 0) {
    path = NULL;
    w->sweep->failed = true;
  } else if (fstatat (folder, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
    leave (w, path, strerror (errno));
  else if (S_ISDIR (found.st_mode))
    look_at_folder (w, folder, path, name, &found);
  else if (S_ISREG (found.st_mode))
    look_at_file (w, folder, path, name, &found);
  else if (w->inside || phase_junk_file (name) || phase_junk_folder (name))
    leave (w, path, S_ISLNK (found.st_mode) ? "is a link, and links are left alone" : "is no file");
  else
    w->kept = true;
}

/* ---- The listing. */

static int
keep_item (const phase_state *state, int64_t domain, size_t number, const phase_junk *junk)
{
  const struct stat *found = &junk->found;
  return phase_do (state, "INSERT INTO listed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", "iibsiiiiii", domain,
                   (int64_t)number, junk->path, strlen (junk->path), junk->why, (int64_t)junk->folder,
                   (int64_t)found->st_dev, (int64_t)found->st_ino, (int64_t)found->st_size,
                   (int64_t)found->st_mtim.tv_sec, (int64_t)found->st_mtim.tv_nsec);
}

static int
keep_listing (const phase_state *state, int64_t domain, const struct stat *root, const phase_sweep *sweep)
{
  int status = phase_do (state, "BEGIN IMMEDIATE", "");
  if (status == ADZE_CLI_FINE)
    status = phase_do (state, "DELETE FROM listed WHERE domain = ?", "i", domain);
  if (status == ADZE_CLI_FINE)
    status = phase_do (state, "INSERT OR REPLACE INTO listing VALUES (?, ?, ?, strftime ('%Y-%m-%dT%H:%M:%SZ', 'now'))",
                       "iii", domain, (int64_t)root->st_dev, (int64_t)root->st_ino);
  for (size_t i = 0; status == ADZE_CLI_FINE && i < sweep->junk_count; i++)
    status = keep_item (state, domain, i, &sweep->junk[i]);
  return status == ADZE_CLI_FINE ? phase_do (state, "COMMIT", "") : status;
}

static int
folder_of (const phase_state *state, int64_t domain, char **path)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = false;
  int status = phase_prepare (state, &statement, "SELECT folder FROM domain WHERE id = ?", "i", domain);
  if (status == ADZE_CLI_FINE)
    status = phase_step (state, statement, &row);
  *path = status == ADZE_CLI_FINE ? strdup (row ? phase_text (statement, 0) : "") : NULL;
  return *path || status != ADZE_CLI_FINE ? status : adze_cli_no_memory (state->cli);
}

int
phase_clean_open (const phase_state *state, int64_t domain, char **path, int *folder, struct stat *found)
{
  int status = folder_of (state, domain, path);
  if (status != ADZE_CLI_FINE)
    return status;
  *folder = phase_folder_at (AT_FDCWD, *path);
  return *folder >= 0 && fstat (*folder, found) == 0 ? ADZE_CLI_FINE
                                                     : adze_cli_broken (state->cli, "cannot look into %s", *path);
}

int
phase_clean_list (const phase_state *state, int64_t domain, phase_sweep *sweep)
{
  ADZE_CLI_FREE char *path = NULL;
  PHASE_FD folder = -1;
  struct stat root;
  int status = phase_clean_open (state, domain, &path, &folder, &root);
  if (status != ADZE_CLI_FINE)
    return status;
  walk w = { .state = state, .sweep = sweep };
  if (root.st_mode & 0222)
    walk_names (&w, folder, "");
  else
    leave (&w, ".", "is a read-only folder");
  return sweep->failed ? adze_cli_no_memory (state->cli) : keep_listing (state, domain, &root, sweep);
}

/* ---- Said. */

static void
print_item (const adze_cli *cli, const char *verb, const char *path, const char *why, uint64_t bytes)
{
  fprintf (adze_cli_out, "  %s ", verb);
  adze_cli_print (&cli->out, ADZE_CLI_PLAIN, path);
  fputs (": ", adze_cli_out);
  adze_cli_print (&cli->out, ADZE_CLI_PLAIN, why);
  if (bytes > 0)
    fprintf (adze_cli_out, ", %llu bytes", (unsigned long long)bytes);
  putc ('\n', adze_cli_out);
}

static void
print_words (const adze_cli *cli, const char *name, const phase_sweep *sweep, bool deleted)
{
  fprintf (adze_cli_out, "%s: %zu %s, %llu bytes\n", name, sweep->junk_count,
           deleted ? "deleted" : "would be deleted with --delete", (unsigned long long)sweep->bytes);
  for (size_t i = 0; i < sweep->junk_count; i++)
    print_item (cli, deleted ? "deleted" : "would delete", sweep->junk[i].path, sweep->junk[i].why,
                sweep->junk[i].folder ? 0 : (uint64_t)sweep->junk[i].found.st_size);
  for (size_t i = 0; i < sweep->left_count; i++)
    print_item (cli, "left", sweep->left[i].path, sweep->left[i].why, 0);
}

static void
print_pair (const char *separator, const char *path, const char *why)
{
  fprintf (adze_cli_out, "%s{\"path\": ", separator);
  adze_cli_print_json (adze_cli_out, path);
  fputs (", \"why\": ", adze_cli_out);
  adze_cli_print_json (adze_cli_out, why);
}

static void
print_document (const char *name, const phase_sweep *sweep, bool deleted)
{
  fprintf (adze_cli_out, "{\"domain\": \"%s\", \"deleted\": %s, \"bytes\": %llu, \"junk\": [", name,
           deleted ? "true" : "false", (unsigned long long)sweep->bytes);
  for (size_t i = 0; i < sweep->junk_count; i++) {
    const phase_junk *junk = &sweep->junk[i];
    print_pair (i > 0 ? ", " : "", junk->path, junk->why);
    fprintf (adze_cli_out, ", \"folder\": %s, \"bytes\": %lld}", junk->folder ? "true" : "false",
             junk->folder ? 0LL : (long long)junk->found.st_size);
  }
  fputs ("], \"left\": [", adze_cli_out);
  for (size_t i = 0; i < sweep->left_count; i++) {
    print_pair (i > 0 ? ", " : "", sweep->left[i].path, sweep->left[i].why);
    putc ('}', adze_cli_out);
  }
  fputs ("]}", adze_cli_out);
}

/* ---- The verb. */

typedef struct result {
  char *name;
  phase_sweep sweep;
} result;

/* Each domain, one after the other. */
static int
clean_all (const phase_state *state, int64_t phase, const char *only, bool delete, result **results, size_t *count)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = true;
  int status = phase_prepare (state, &statement,
                              "SELECT id, name FROM domain WHERE phase = ? AND name = ifnull (?, name) ORDER BY name",
                              "is", phase, only);
  while (status == ADZE_CLI_FINE && (status = phase_step (state, statement, &row)) == ADZE_CLI_FINE && row) {
    if (!grow ((void **)results, *count, sizeof **results))
      return adze_cli_no_memory (state->cli);
    result *one = &(*results)[(*count)++];
    *one = (result){ 0 };
    const int64_t domain = sqlite3_column_int64 (statement, 0);
    one->name = strdup (phase_text (statement, 1));
    status = !one->name ? adze_cli_no_memory (state->cli)
             : delete   ? phase_clean_delete (state, domain, &one->sweep)
                        : phase_clean_list (state, domain, &one->sweep);
  }
  return status;
}

/* What was listed and is not as it was is no success. */
static int
print_results (const adze_cli *cli, const result *results, size_t count, bool delete)
{
  bool left = false;
  fputs (cli->json ? "{\"domains\": [" : "", adze_cli_out);
  for (size_t i = 0; i < count; i++) {
    left = left || results[i].sweep.left_count > 0;
    fputs (cli->json && i > 0 ? ", " : "", adze_cli_out);
    if (cli->json)
      print_document (results[i].name, &results[i].sweep, delete);
    else
      print_words (cli, results[i].name, &results[i].sweep, delete);
  }
  fputs (cli->json ? "]}\n" : "", adze_cli_out);
  return delete && left ? ADZE_CLI_FAILED : ADZE_CLI_FINE;
}

static int
clean_and_print (const phase_state *state, int64_t phase, const char *only, bool delete)
{
  ADZE_CLI_FREE result *results = NULL;
  size_t count = 0;
  int status = clean_all (state, phase, only, delete, &results, &count);
  if (status == ADZE_CLI_FINE)
    status = print_results (state->cli, results, count, delete);
  for (size_t i = 0; i < count; i++) {
    free (results[i].name);
    phase_sweep_cleanup (&results[i].sweep);
  }
  return status;
}

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  PHASE_STATE state = { .lock = -1 };
  const char *only = arguments->word_count > 1 ? arguments->words[1] : NULL;
  int64_t phase = 0, domain = 0;
  int status = phase_state_open (cli, arguments, false, &state);
  if (status == ADZE_CLI_FINE)
    status = phase_state_lock (&state);
  if (status == ADZE_CLI_FINE)
    status = phase_find (&state, arguments->words[0], &phase);
  if (status == ADZE_CLI_FINE && only)
    status = phase_find_domain (&state, phase, only, &domain);
  if (status == ADZE_CLI_FINE)
    status = adze_cli_open (cli);
  return status == ADZE_CLI_FINE ? clean_and_print (&state, phase, only, adze_cli_has (arguments, "delete")) : status;
}

static const adze_cli_option options[] = {
  PHASE_ROOT_OPTION,
  { "delete", 0, false, NULL, "delete what was listed last, where it is as it was then" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb phase_verb_clean = {
  .name = "phase clean",
  .usage = "PHASE [DOMAIN]",
  .summary = "list what the models' folders could do without, or delete what was listed",
  .about = "Lists temporary files, logs, caches, checkpoints and corrupt files in the folder of each domain, and keeps "
           "the list. With --delete exactly what is on the last list is deleted, where it is still the same file of "
           "the same size and time, and what is not is named with what changed. No link is followed, nothing that is "
           "mounted there and no read-only folder is entered, and a file with several names is left alone.",
  .options = options,
  .least = 1,
  .most = 2,
  .run = run,
};
