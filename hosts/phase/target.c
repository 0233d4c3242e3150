/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: target folders. What is current is said by one link alone, and that is replaced by one rename: at any
 * time it leads to a whole version. The state in SQLite only remembers, and believes the link. */
#include "phase/target.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

void
phase_site_close (phase_site *site)
{
  phase_cleanup_close (&site->folder);
  phase_cleanup_close (&site->versions);
  phase_cleanup_close (&site->lock);
  free (site->path);
  *site = (phase_site)PHASE_SITE_INIT;
}

/* ---- What is there. */

static int
refuse_others (const phase_site *site)
{
  static const char *const ours[] = { ".lock", ".next", "current", "versions" };
  char **names;
  size_t count, other = SIZE_MAX;
  if (!phase_names_at (site->folder, &names, &count))
    return adze_cli_broken (site->state->cli, "cannot look into %s", site->path);
  for (size_t i = 0; i < count; i++) {
    bool known = false;
    for (size_t k = 0; k < ADZE_CLI_COUNT_OF (ours); k++)
      known = known || strcmp (names[i], ours[k]) == 0;
    other = known ? other : i;
  }
  int status = ADZE_CLI_FINE;
  if (other != SIZE_MAX)
    status = adze_cli_refuse (site->state->cli,
                              "%s has something in it that no deployment made, %s; name an empty folder, or one that is "
                              "not there yet",
                              site->path, names[other]);
  phase_names_free (names, count);
  return status;
}

/* All of TEXT as a number of a version, with TAIL behind it; 0: it is none. */
static int64_t
version_of (const char *text, const char *tail)
{
  char *end;
  const long long number = text[0] >= '1' && text[0] <= '9' ? strtoll (text, &end, 10) : 0;
  return number > 0 && strcmp (end, tail) == 0 ? number : 0;
}

static int
read_current (phase_site *site)
{
  char link[64];
  const ssize_t size = readlinkat (site->folder, "current", link, sizeof link - 1);
  site->current = 0;
  if (size < 0 && errno == ENOENT)
    return ADZE_CLI_FINE;
  link[size < 0 ? 0 : size] = '\0';
  if (strncmp (link, "versions/", 9) == 0)
    site->current = version_of (link + 9, "/bundle");
  return site->current > 0 ? ADZE_CLI_FINE
                           : adze_cli_refuse (site->state->cli, "%s/current is no link that a deployment made",
                                              site->path);
}

/* The number in versions/NUMBER/before, if that version is still there. */
static void
read_before (phase_site *site)
{
  char path[48], text[32] = "";
  snprintf (path, sizeof path, "%" PRId64 "/before", site->current);
  PHASE_FD fd = openat (site->versions, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  site->before = fd >= 0 && read (fd, text, sizeof text - 1) > 0 ? version_of (text, "\n") : 0;
  if (site->before > 0 && !phase_site_has (site, site->before))
    site->before = 0;
}

bool
phase_site_has (const phase_site *site, int64_t number)
{
  char name[24];
  struct stat found;
  snprintf (name, sizeof name, "%" PRId64, number);
  return fstatat (site->versions, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR (found.st_mode);
}

/* ---- Opening. */

static int
lock_site (phase_site *site)
{
  site->lock = openat (site->folder, ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (site->lock < 0)
    return adze_cli_broken (site->state->cli, "cannot lock %s", site->path);
  if (flock (site->lock, LOCK_EX | LOCK_NB) == 0)
    return ADZE_CLI_FINE;
  return errno == EWOULDBLOCK
             ? adze_cli_refuse (site->state->cli, "another adze phase is deploying into %s; wait for it", site->path)
             : adze_cli_broken (site->state->cli, "cannot lock %s", site->path);
}

static int
open_versions (phase_site *site, bool make)
{
  if (make && mkdirat (site->folder, "versions", 0777) != 0 && errno != EEXIST)
    return adze_cli_broken (site->state->cli, "cannot make %s/versions", site->path);
  site->versions = phase_folder_at (site->folder, "versions");
  if (site->versions < 0 && errno == ENOENT)
    return adze_cli_refuse (site->state->cli, "nothing was deployed into %s", site->path);
  return site->versions >= 0 ? ADZE_CLI_FINE
                             : adze_cli_broken (site->state->cli, "cannot use %s/versions", site->path);
}

int
phase_site_open (const phase_state *state, const char *path, bool make, phase_site *site)
{
  *site = (phase_site)PHASE_SITE_INIT;
  site->state = state;
  if (make && mkdir (path, 0777) != 0 && errno != EEXIST)
    return adze_cli_broken (state->cli, "cannot make the folder %s", path);
  site->path = realpath (path, NULL);
  site->folder = site->path ? phase_folder_at (AT_FDCWD, site->path) : -1;
  if (site->folder < 0)
    return adze_cli_broken (state->cli, "cannot use the folder %s", path);
  int status = refuse_others (site);
  if (status == ADZE_CLI_FINE)
    status = lock_site (site);
  if (status == ADZE_CLI_FINE)
    status = open_versions (site, make);
  if (status == ADZE_CLI_FINE)
    status = read_current (site);
  if (status == ADZE_CLI_FINE)
    read_before (site);
  return status;
}

int
phase_site_bundle (const phase_site *site, int64_t number, int *folder, phase_manifest *manifest)
{
  char name[24], where[4096];
  snprintf (name, sizeof name, "%" PRId64, number);
  snprintf (where, sizeof where, "%s/versions/%s", site->path, name);
  PHASE_FD version = phase_folder_at (site->versions, name);
  *folder = version >= 0 ? phase_folder_at (version, "bundle") : -1;
  return *folder >= 0 ? phase_manifest_read (site->state, *folder, where, manifest)
                      : adze_cli_broken (site->state->cli, "cannot open the version %s", where);
}

int
phase_site_switch (phase_site *site, int64_t number)
{
  char link[48];
  snprintf (link, sizeof link, "versions/%" PRId64 "/bundle", number);
  if ((unlinkat (site->folder, ".next", 0) != 0 && errno != ENOENT)
      || symlinkat (link, site->folder, ".next") != 0
      || renameat (site->folder, ".next", site->folder, "current") != 0 || !phase_sync (site->folder))
    return adze_cli_broken (site->state->cli, "cannot make version %" PRId64 " of %s the current one", number,
                            site->path);
  site->current = number;
  return ADZE_CLI_FINE;
}

/* ---- What was begun. */

int
phase_moves_settle (const phase_site *site, int64_t phase, bool *rolled)
{
  const phase_state *state = site->state;
  PHASE_STATEMENT *statement = NULL;
  bool row = false;
  int status = phase_do (state,
                         "UPDATE phase SET status = 'deployed' WHERE id = ?1 AND EXISTS (SELECT 1 FROM move"
                         " WHERE phase = ?1 AND target = ?2 AND state = 'begun' AND number = ?3)",
                         "isi", phase, site->path, site->current);
  if (status == ADZE_CLI_FINE)
    status = phase_prepare (state, &statement,
                            "UPDATE move SET state = iif (number = ?3, 'done', 'broken') WHERE phase = ?1"
                            " AND target = ?2 AND state = 'begun' RETURNING state = 'done' AND verb = 'rollback'",
                            "isi", phase, site->path, site->current);
  while (status == ADZE_CLI_FINE && (status = phase_step (state, statement, &row)) == ADZE_CLI_FINE && row)
    if (rolled && sqlite3_column_int (statement, 0))
      *rolled = true;
  return status;
}

int
phase_move_begin (const phase_site *site, int64_t phase, const char *verb, int64_t number, const char *digest,
                  int64_t *move)
{
  int status = phase_do (site->state,
                         "INSERT INTO move (phase, target, verb, digest, number, state, at)"
                         " VALUES (?, ?, ?, ?, ?, 'begun', strftime ('%Y-%m-%dT%H:%M:%SZ', 'now'))",
                         "isssi", phase, site->path, verb, digest, number);
  *move = sqlite3_last_insert_rowid (site->state->db);
  return status;
}

int
phase_move_end (const phase_site *site, int64_t phase, int64_t move)
{
  int status = phase_do (site->state, "BEGIN IMMEDIATE", "");
  if (status == ADZE_CLI_FINE)
    status = phase_do (site->state, "UPDATE move SET state = 'done' WHERE id = ?", "i", move);
  if (status == ADZE_CLI_FINE)
    status = phase_set_status (site->state, phase, "deployed");
  return status == ADZE_CLI_FINE ? phase_do (site->state, "COMMIT", "") : status;
}
