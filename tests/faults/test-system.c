/* SPDX-License-Identifier: Apache-2.0 */
/* The system refuses, at each open, mkdir, write, fsync and rename in turn: nothing crashes, no
 * half file gets its final name, nothing stays behind, and the next try works. */
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

int
fsync (int fd)
{
  return refuses_now () ? -1 : (int)syscall (SYS_fsync, fd);
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
  };
  return cmocka_run_group_tests_name ("the system refuses", tests, make_warm_world, end_world);
}
