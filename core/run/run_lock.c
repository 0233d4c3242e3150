/* SPDX-License-Identifier: Apache-2.0 */
/* run/run_lock.c: the lock of a folder of runs.
 *
 * An open file description lock: the kernel gives it back when its holder ends, however that comes;
 * and who looks can ask for its state without taking it for a moment, in which a run would be
 * refused for no reason (as with flock).
 */
#define _GNU_SOURCE 1 /* F_OFD_SETLK */
#include "run/run_lock.h"

#include "artifact/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static char *
lock_path (const char *runs)
{
  return adze_text_format ("%s/lock", runs);
}

static adze_error *
complaint (const char *what, const char *path)
{
  adze_error *error = adze_error_errno ("cannot %s %s", what, path);
  adze_error_set (error, "file", path);
  return error;
}

/* "PID FOLDER\n", as far as it has been said. */
static adze_error *
read_holder (int fd, const char *path, char **folder, long *process)
{
  char text[512];
  size_t size = 0;
  for (ssize_t got = 1; got != 0 && size < sizeof text - 1;) {
    got = pread (fd, text + size, sizeof text - 1 - size, (off_t)size);
    if (got < 0 && errno != EINTR)
      return complaint ("read", path);
    size += got > 0 ? (size_t)got : 0;
  }
  text[size] = '\0';
  char *end = text;
  long number = strtol (text, &end, 10);
  *process = end > text && number > 0 ? number : 0;
  end += *end == ' ';
  end[strcspn (end, "\n")] = '\0';
  *folder = strdup (end);
  return *folder ? NULL : adze_error_memory ();
}

static adze_error *
refuse (int fd, const char *runs, const char *path)
{
  ADZE_AUTO_FREE char *folder = NULL;
  long process = 0;
  ADZE_TRY (read_holder (fd, path, &folder, &process));
  adze_error *error
      = process ? adze_error_new (ADZE_E_DUPLICATE,
                                  "process %ld is running in %s%s%s; one run at a time", process,
                                  runs, folder[0] ? "/" : "", folder)
                : adze_error_new (ADZE_E_DUPLICATE,
                                  "another process is running in %s; one run at a time", runs);
  adze_error_set (error, "file", path);
  adze_error_set (error, "hint", "wait until it has ended, or name another folder with --runs");
  return error;
}

adze_error *
adze_run_lock_take (const char *runs, adze_run_lock *lock)
{
  ADZE_AUTO_FREE char *path = lock_path (runs);
  if (!path)
    return adze_error_memory ();
  ADZE_AUTO_FD int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
  if (fd < 0)
    return complaint ("open", path);
  struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  while (fcntl (fd, F_OFD_SETLK, &whole) != 0) {
    if (errno == EAGAIN || errno == EACCES)
      return refuse (fd, runs, path);
    if (errno != EINTR)
      return complaint ("lock", path);
  }
  /* What an earlier holder said of itself is true no more. */
  if (ftruncate (fd, 0) != 0)
    return complaint ("write", path);
  lock->fd = fd;
  fd = -1;
  return NULL;
}

adze_error *
adze_run_lock_say (const adze_run_lock *lock, const char *runs, const char *folder)
{
  ADZE_AUTO_FREE char *path = lock_path (runs);
  ADZE_AUTO_FREE char *text = adze_text_format ("%ld %s\n", (long)getpid (), folder);
  if (!path || !text)
    return adze_error_memory ();
  return adze_write_at (lock->fd, path, 0, text, strlen (text));
}

void
adze_run_lock_give (adze_run_lock *lock)
{
  if (lock->fd >= 0)
    close (lock->fd);
  lock->fd = -1;
}

adze_error *
adze_run_lock_holder (const char *runs, char **folder, long *process)
{
  *folder = NULL;
  *process = 0;
  ADZE_AUTO_FREE char *path = lock_path (runs);
  if (!path)
    return adze_error_memory ();
  ADZE_AUTO_FD int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0)
    return errno == ENOENT || errno == ENOTDIR ? NULL : complaint ("open", path);
  struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  if (fcntl (fd, F_OFD_GETLK, &whole) != 0)
    return complaint ("ask for the lock of", path);
  return whole.l_type == F_UNLCK ? NULL : read_holder (fd, path, folder, process);
}
