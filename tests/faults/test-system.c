/* SPDX-License-Identifier: Apache-2.0 */
/* The system refuses, at each open, mkdir, read, write, fallocate, truncate, sync and rename in turn:
 * nothing crashes, no half file gets its final name, nothing stays behind, and the next try works. */
#define _GNU_SOURCE 1 /* fallocate */

#include "steps.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

/* These stand in front of the C library's, and do as it does until one of them is to fail. */
static long counted, failing;
static bool armed;
static int with_errno;

static bool
refuses_now (void)
{
  if (!armed || ++counted != failing)
    return false;
  errno = with_errno;
  return true;
}

int
open (const char *path, int flags, ...)
{
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list arguments;
    va_start (arguments, flags);
    mode = va_arg (arguments, mode_t);
    va_end (arguments);
  }
  return refuses_now () ? -1 : (int)syscall (SYS_openat, AT_FDCWD, path, flags, mode);
}

int
mkdir (const char *path, mode_t mode)
{
  return refuses_now () ? -1 : (int)syscall (SYS_mkdirat, AT_FDCWD, path, mode);
}

ssize_t
write (int fd, const void *data, size_t size)
{
  return refuses_now () ? -1 : syscall (SYS_write, fd, data, size);
}

/* No more than so many bytes go at a time, as a system may do whenever it likes. */
static size_t most_at_once = SIZE_MAX;

ssize_t
pwrite (int fd, const void *data, size_t size, off_t offset)
{
  size = size < most_at_once ? size : most_at_once;
  return refuses_now () ? -1 : syscall (SYS_pwrite64, fd, data, size, offset);
}

ssize_t
pread (int fd, void *data, size_t size, off_t offset)
{
  size = size < most_at_once ? size : most_at_once;
  return refuses_now () ? -1 : syscall (SYS_pread64, fd, data, size, offset);
}

int
fallocate (int fd, int mode, off_t offset, off_t size)
{
  return refuses_now () ? -1 : (int)syscall (SYS_fallocate, fd, mode, offset, size);
}

int
ftruncate (int fd, off_t size)
{
  return refuses_now () ? -1 : (int)syscall (SYS_ftruncate, fd, size);
}

int
fsync (int fd)
{
  return refuses_now () ? -1 : (int)syscall (SYS_fsync, fd);
}

int
fdatasync (int fd)
{
  return refuses_now () ? -1 : (int)syscall (SYS_fdatasync, fd);
}

int
rename (const char *from, const char *to)
{
  return refuses_now () ? -1 : (int)syscall (SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0u);
}

static size_t
open_descriptors (void)
{
  DIR *entries = opendir ("/proc/self/fd");
  size_t count = 0;
  assert_non_null (entries);
  while (readdir (entries))
    count++;
  closedir (entries);
  return count;
}

static void
take (const world *w, const step *one)
{
  for (failing = 1;; failing++) {
    one->undo (w);
    size_t before = open_descriptors ();
    counted = 0;
    armed = true;
    adze_error *error = one->run (w);
    armed = false;
    all_is_whole (w);
    assert_int_equal (open_descriptors (), before);
    if (counted < failing) {
      must (error);
      break;
    }
    /* What a failed try has left must not be in the way of the next one. */
    if (!error)
      one->undo (w);
    must (one->run (w));
    adze_error_free (error);
  }
  assert_true (failing > 1);
}

static const step *
step_of (const char *name)
{
  const step *one = steps;
  while (strcmp (one->name, name) != 0)
    one++;
  return one;
}

static void
take_all (const world *w, int number)
{
  with_errno = number;
  for (size_t i = 0; i < ADZE_COUNT_OF (steps); i++)
    take (w, &steps[i]);
}

static void
input_output_error (void **state)
{
  take_all (*state, EIO);
}

static void
disk_is_full (void **state)
{
  take_all (*state, ENOSPC);
}

/* The file system cannot take room ahead. */
static void
not_supported (void **state)
{
  with_errno = EOPNOTSUPP;
  take (*state, step_of ("convert"));
}

static void
a_few_bytes_at_a_time (void **state)
{
  const world *w = *state;
  most_at_once = 7;
  for (size_t i = 0; i < ADZE_COUNT_OF (steps); i++) {
    steps[i].undo (w);
    must (steps[i].run (w));
    all_is_whole (w);
  }
  most_at_once = SIZE_MAX;
}

static void
no_permission (void **state)
{
  take_all (*state, EACCES);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (input_output_error),
    cmocka_unit_test (disk_is_full),
    cmocka_unit_test (no_permission),
    cmocka_unit_test (not_supported),
    cmocka_unit_test (a_few_bytes_at_a_time),
  };
  return cmocka_run_group_tests_name ("the system refuses", tests, make_warm_world, end_world);
}
