/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: deleting what was listed, and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "phase/clean.h"

/* What a file was when it was listed. */
typedef struct listed {
  const char *path;
  const char *why;
  bool folder;
  int64_t device, inode, size, seconds, nanoseconds;
} listed;

/* What has changed since, in words; NULL: nothing. A folder's size and time change with what is deleted in it. */
static const char *
change_of (const listed *item, const struct stat *now)
{
  if (S_ISLNK (now->st_mode))
    return "is a link now";
  if ((int64_t)now->st_dev != item->device || (int64_t)now->st_ino != item->inode
      || S_ISDIR (now->st_mode) != item->folder)
    return "is another file than the one that was listed";
  if (item->folder)
    return NULL;
  if ((int64_t)now->st_size != item->size)
    return "has another size than when it was listed";
  if ((int64_t)now->st_mtim.tv_sec != item->seconds || (int64_t)now->st_mtim.tv_nsec != item->nanoseconds)
    return "was written to since it was listed";
  return now->st_nlink > 1 ? "has another name (a hard link) since it was listed" : NULL;
}

/* Why it could not be deleted; NULL: it is gone. */
static const char *
delete_one (int root, const listed *item)
{
  const char *base;
  struct stat now;
  PHASE_FD folder = phase_parent_at (root, item->path, &base);
  if (folder < 0)
    return errno == ENOENT                      ? "is gone already"
           : errno == EXDEV || errno == ENOSYS ? "lies in a folder that something is mounted on now"
                                                : "lies in a folder that is a link now, or another one";
  if (fstatat (folder, base, &now, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? "is gone already" : strerror (errno);
  struct stat above;
  if (fstat (folder, &above) != 0 || !(above.st_mode & 0222))
    return "lies in a folder that is read-only now";
  const char *change = change_of (item, &now);
  if (change)
    return change;
  if (unlinkat (folder, base, item->folder ? AT_REMOVEDIR : 0) == 0)
    return NULL;
  return errno == ENOTEMPTY || errno == EEXIST ? "has something in it that was not deleted" : strerror (errno);
}

/* All that is on the list, in its order: what lies in a folder comes before it. */
static int
delete_listed (const phase_state *state, int64_t domain, int root, phase_sweep *sweep)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = true;
  int status = phase_prepare (state, &statement,
                              "SELECT CAST (path AS TEXT), why, folder, device, inode, size, seconds, nanoseconds"
                              " FROM listed WHERE domain = ? ORDER BY number",
                              "i", domain);
  while (status == ADZE_CLI_FINE && (status = phase_step (state, statement, &row)) == ADZE_CLI_FINE && row) {
    const listed item = { phase_text (statement, 0),
                          phase_text (statement, 1),
                          sqlite3_column_int (statement, 2) != 0,
                          sqlite3_column_int64 (statement, 3),
                          sqlite3_column_int64 (statement, 4),
                          sqlite3_column_int64 (statement, 5),
                          sqlite3_column_int64 (statement, 6),
                          sqlite3_column_int64 (statement, 7) };
    const struct stat was = { .st_mode = item.folder ? S_IFDIR : S_IFREG, .st_size = (off_t)item.size };
    const char *left = delete_one (root, &item);
    if (left)
      phase_sweep_leave (sweep, item.path, left);
    else
      phase_sweep_junk (sweep, item.path, item.why, &was);
  }
  return status == ADZE_CLI_FINE && sweep->failed ? adze_cli_no_memory (state->cli) : status;
}

static int
check_folder (const phase_state *state, int64_t domain, const char *path, const struct stat *found)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = false;
  int status = phase_prepare (state, &statement, "SELECT device, inode FROM listing WHERE domain = ?", "i", domain);
  if (status == ADZE_CLI_FINE)
    status = phase_step (state, statement, &row);
  if (status != ADZE_CLI_FINE)
    return status;
  if (!row)
    return adze_cli_refuse (state->cli,
                            "nothing was listed for %s; adze phase clean without --delete lists what would be deleted",
                            path);
  if (sqlite3_column_int64 (statement, 0) == (int64_t)found->st_dev
      && sqlite3_column_int64 (statement, 1) == (int64_t)found->st_ino)
    return ADZE_CLI_FINE;
  return adze_cli_refuse (state->cli, "%s is another folder than the one that was listed; list it again", path);
}

/* A list is good for once: what is left then is left for a reason that a new one would tell. */
int
phase_clean_delete (const phase_state *state, int64_t domain, phase_sweep *sweep)
{
  ADZE_CLI_FREE char *path = NULL;
  PHASE_FD folder = -1;
  struct stat found;
  int status = phase_clean_open (state, domain, &path, &folder, &found);
  if (status == ADZE_CLI_FINE)
    status = check_folder (state, domain, path, &found);
  if (status == ADZE_CLI_FINE)
    status = delete_listed (state, domain, folder, sweep);
  if (status == ADZE_CLI_FINE)
    status = phase_do (state, "DELETE FROM listed WHERE domain = ?", "i", domain);
  return status == ADZE_CLI_FINE ? phase_do (state, "DELETE FROM listing WHERE domain = ?", "i", domain) : status;
}
