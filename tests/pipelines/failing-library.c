/* SPDX-License-Identifier: Apache-2.0 */
/* A library to be loaded in front of the C library: the call of number ADZE_FAIL_AT among those that
 * write fails (ADZE_FAIL_HOW=enospc, or eio), or writes but half of what it was given (short), or
 * never comes, since the process is killed in front of it (kill). How many there were is written to
 * the file ADZE_FAIL_COUNT at the end. Only files below ADZE_FAIL_BELOW count, and with
 * ADZE_FAIL_NAMES only calls that give and take names: rename and unlink. */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* What the C library has under the same name is hidden by these. */
#pragma GCC visibility push(default)

static atomic_long calls;

static int
is_ours (int fd)
{
  char link[64], path[4096];
  const char *below = getenv ("ADZE_FAIL_BELOW");
  if (getenv ("ADZE_FAIL_NAMES"))
    return 0;
  snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink (link, path, sizeof path - 1);
  if (size < 0 || !below)
    return 0;
  path[size] = '\0';
  return strncmp (path, below, strlen (below)) == 0;
}

static int
turn (void)
{
  const char *at = getenv ("ADZE_FAIL_AT");
  return at && atomic_fetch_add (&calls, 1) + 1 == atol (at);
}

static int
is_short (void)
{
  const char *how = getenv ("ADZE_FAIL_HOW");
  return how && strcmp (how, "short") == 0;
}

static int
fail_now (void)
{
  const char *how = getenv ("ADZE_FAIL_HOW");
  if (how && strcmp (how, "kill") == 0)
    raise (SIGKILL);
  errno = how && strcmp (how, "eio") == 0 ? EIO : ENOSPC;
  return -1;
}

ssize_t
pwrite64 (int fd, const void *data, size_t size, off64_t offset)
{
  ssize_t (*real) (int, const void *, size_t, off64_t) = dlsym (RTLD_NEXT, "pwrite64");
  if (!is_ours (fd) || !turn ())
    return real (fd, data, size, offset);
  return is_short () && size > 1 ? real (fd, data, size / 2, offset) : fail_now ();
}

ssize_t
pwrite (int fd, const void *data, size_t size, off_t offset)
{
  return pwrite64 (fd, data, size, offset);
}

ssize_t
write (int fd, const void *data, size_t size)
{
  ssize_t (*real) (int, const void *, size_t) = dlsym (RTLD_NEXT, "write");
  if (!is_ours (fd) || !turn ())
    return real (fd, data, size);
  return is_short () && size > 1 ? real (fd, data, size / 2) : fail_now ();
}

int
fsync (int fd)
{
  int (*real) (int) = dlsym (RTLD_NEXT, "fsync");
  return is_ours (fd) && !is_short () && turn () ? fail_now () : real (fd);
}

int
fallocate64 (int fd, int mode, off64_t offset, off64_t size)
{
  int (*real) (int, int, off64_t, off64_t) = dlsym (RTLD_NEXT, "fallocate64");
  return is_ours (fd) && !is_short () && turn () ? fail_now () : real (fd, mode, offset, size);
}

int
fallocate (int fd, int mode, off_t offset, off_t size)
{
  return fallocate64 (fd, mode, offset, size);
}

int
rename (const char *from, const char *to)
{
  int (*real) (const char *, const char *) = dlsym (RTLD_NEXT, "rename");
  const char *below = getenv ("ADZE_FAIL_BELOW");
  if (below && strncmp (to, below, strlen (below)) == 0 && !is_short () && turn ())
    return fail_now ();
  return real (from, to);
}

int
unlink (const char *path)
{
  int (*real) (const char *) = dlsym (RTLD_NEXT, "unlink");
  const char *below = getenv ("ADZE_FAIL_BELOW");
  if (getenv ("ADZE_FAIL_NAMES") && below && strncmp (path, below, strlen (below)) == 0 && turn ())
    return fail_now ();
  return real (path);
}

__attribute__ ((destructor)) static void
tell_count (void)
{
  const char *path = getenv ("ADZE_FAIL_COUNT");
  FILE *file = path ? fopen (path, "w") : NULL;
  if (!file)
    return;
  fprintf (file, "%ld\n", atomic_load (&calls));
  fclose (file);
}
