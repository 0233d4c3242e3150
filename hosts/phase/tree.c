/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: folders by descriptors. A path is looked up by the system anew each time, and whoever can write to a
 * folder can put a link there in between; a descriptor stays what it is. */
#define _GNU_SOURCE 1 /* statx */

#include "phase/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FOLDER_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, DEPTH_MOST = 64 };

void
phase_cleanup_close (int *fd)
{
  if (*fd >= 0)
    close (*fd);
}

int
phase_folder_at (int parent, const char *name)
{
  return openat (parent, name, FOLDER_FLAGS);
}

/* ---- Mounts. */

typedef struct mount {
  uint64_t number;
  uint32_t major, minor;
} mount;

/* Which mount NAME of FOLDER lies in. The device alone says too little: a bind mount has that of where it leads to,
 * which may be the file system around it. ENOSYS: the system does not tell. */
static bool
mount_of (int folder, const char *name, mount *found)
{
#ifdef STATX_MNT_ID
  struct statx told = { 0 };
  if (statx (folder, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_MNT_ID, &told) != 0)
    return false;
  *found = (mount){ told.stx_mnt_id, told.stx_dev_major, told.stx_dev_minor };
  errno = ENOSYS;
  return (told.stx_mask & STATX_MNT_ID) != 0;
#else
  (void)folder, (void)name, (void)found;
  errno = ENOSYS;
  return false;
#endif
}

bool
phase_same_mount (int folder, int parent, const char *name)
{
  mount around, within;
  if (!mount_of (folder, "", &around) || !mount_of (parent, name, &within))
    return false;
  errno = EXDEV;
  return around.number == within.number && around.major == within.major && around.minor == within.minor;
}

/* ---- Ways. */

int
phase_parent_at (int root, const char *path, const char **base)
{
  int folder = fcntl (root, F_DUPFD_CLOEXEC, 0);
  for (const char *slash; folder >= 0 && (slash = strchr (path, '/')); path = slash + 1) {
    char name[NAME_MAX + 1];
    const size_t size = (size_t)(slash - path);
    PHASE_FD above = folder;
    folder = -1;
    errno = EINVAL;
    if (size == 0 || size > NAME_MAX || strncmp (path, "..", size) == 0)
      return -1;
    memcpy (name, path, size);
    name[size] = '\0';
    folder = phase_folder_at (above, name);
    if (folder >= 0 && !phase_same_mount (root, folder, "")) {
      const int number = errno;
      close (folder);
      errno = number;
      return -1;
    }
  }
  *base = path;
  return folder;
}

/* ---- Names. */

static int
by_bytes (const void *left, const void *right)
{
  return strcmp (*(char *const *)left, *(char *const *)right);
}

void
phase_names_free (char **names, size_t count)
{
  while (count > 0)
    free (names[--count]);
  free (names);
}

static bool
add_name (char ***names, size_t *count, const char *name)
{
  char **grown = (*count & (*count + 1)) == 0 ? reallocarray (*names, *count * 2 + 2, sizeof *grown) : *names;
  if (!grown)
    return false;
  *names = grown;
  grown[*count] = strdup (name);
  return grown[*count] && ++*count;
}

static bool
read_names (DIR *entries, char ***names, size_t *count)
{
  struct dirent *entry;
  while (errno = 0, entry = readdir (entries))
    if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0
        && !add_name (names, count, entry->d_name))
      return errno = ENOMEM, false;
  return errno == 0;
}

bool
phase_names_at (int folder, char ***names, size_t *count)
{
  *names = NULL;
  *count = 0;
  /* A descriptor of its own, whose place in the folder nobody else moves. */
  const int own = phase_folder_at (folder, ".");
  DIR *entries = own >= 0 ? fdopendir (own) : NULL;
  if (!entries) {
    if (own >= 0)
      close (own);
    return false;
  }
  const bool fine = read_names (entries, names, count);
  const int number = errno;
  closedir (entries);
  if (fine && *count > 0)
    qsort (*names, *count, sizeof **names, by_bytes);
  else if (!fine)
    phase_names_free (*names, *count);
  errno = number;
  return fine;
}

/* ---- Removing. */

static bool remove_below (int parent, const char *name, unsigned depth);

static bool
empty_folder (int folder, unsigned depth)
{
  char **names;
  size_t count;
  if (!phase_names_at (folder, &names, &count))
    return false;
  bool fine = true;
  for (size_t i = 0; fine && i < count; i++)
    fine = remove_below (folder, names[i], depth + 1);
  const int number = errno;
  phase_names_free (names, count);
  errno = number;
  return fine;
}

static bool
remove_below (int parent, const char *name, unsigned depth)
{
  if (unlinkat (parent, name, 0) == 0 || errno == ENOENT)
    return true;
  if (errno != EISDIR && errno != EPERM)
    return false;
  PHASE_FD folder = phase_folder_at (parent, name);
  if (folder < 0)
    return false;
  errno = ELOOP;
  if (depth > DEPTH_MOST || !phase_same_mount (parent, folder, "") || !empty_folder (folder, depth))
    return false;
  return unlinkat (parent, name, AT_REMOVEDIR) == 0;
}

bool
phase_remove_at (int parent, const char *name)
{
  return remove_below (parent, name, 0);
}

bool
phase_sync (int folder)
{
  return fsync (folder) == 0;
}
