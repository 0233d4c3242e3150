/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of base/child.h have in common: the other end, child-peer.c, is found and started,
 * and after each test nothing of it is left. Include it first: it asks for GNU's functions. */
#ifndef TESTS_UNIT_CHILD_TESTS_H
#define TESTS_UNIT_CHILD_TESTS_H

#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/file.h"

static char *peer;
static size_t descriptors_before;

/* Long enough for the slowest machine: only a broken library runs into it. */
#define PATIENCE_MS 60000

/* ---- Setting up and looking for what was left. */

static inline size_t
count_descriptors (void)
{
  DIR *folder = opendir ("/proc/self/fd");
  assert_non_null (folder);
  size_t count = 0;
  while (readdir (folder))
    count++;
  closedir (folder);
  return count;
}

static inline size_t
count_mapped_rings (void)
{
  FILE *maps = fopen ("/proc/self/maps", "re");
  assert_non_null (maps);
  size_t count = 0;
  for (char line[4096]; fgets (line, sizeof line, maps);)
    count += strstr (line, "adze-ring") != NULL;
  fclose (maps);
  return count;
}

static inline int
remember (void **state)
{
  (void)state;
  descriptors_before = count_descriptors ();
  return 0;
}

static inline int
nothing_is_left (void **state)
{
  (void)state;
  assert_int_equal (waitpid (-1, NULL, WNOHANG), -1);
  assert_int_equal (errno, ECHILD);
  assert_int_equal (count_descriptors (), descriptors_before);
  assert_int_equal (count_mapped_rings (), 0);
  return 0;
}

static inline char *
beside_this_program (const char *relative)
{
  char self[4096];
  ssize_t size = readlink ("/proc/self/exe", self, sizeof self - 1);
  assert_true (size > 0);
  self[size] = '\0';
  int folder = (int)(adze_path_base (self) - self);
  char *path = adze_text_format ("%.*s%s", folder, self, relative);
  assert_non_null (path);
  return path;
}

static inline int
find_peer (void **state)
{
  (void)state;
  const char *given = getenv ("CHILD_PEER");
  if (given) {
    ADZE_AUTO_ERROR error = adze_path_absolute (given, &peer);
    return error ? -1 : 0;
  }
  peer = beside_this_program ("child-peer");
  if (access (peer, X_OK) != 0) {
    free (peer);
    peer = beside_this_program ("../child-peer");
  }
  return access (peer, X_OK);
}

static inline int
forget_peer (void **state)
{
  (void)state;
  free (peer);
  return 0;
}

static inline adze_child *
spawn_with (const char *mode, bool quiet)
{
  const char *const argv[] = { peer, mode, NULL };
  adze_child_options options = { .program = peer, .argv = argv, .quiet = quiet };
  adze_child *child = NULL;
  assert_null (adze_child_spawn (&options, &child));
  assert_true (adze_child_pid (child) > 0);
  adze_child_deadline (child, PATIENCE_MS);
  return child;
}

static inline adze_child *
spawn (const char *mode)
{
  return spawn_with (mode, false);
}

static inline void
assert_error (adze_error *error, adze_status status, const char *message)
{
  ADZE_AUTO_ERROR held = error;
  assert_non_null (held);
  assert_string_equal (adze_error_message (held), message);
  assert_int_equal (adze_error_status (held), status);
}

static inline void
assert_answer (adze_child *child, const char *text)
{
  ADZE_AUTO (adze_buffer) answer = { 0 };
  assert_null (adze_child_receive (child, &answer));
  assert_int_equal (answer.size, strlen (text));
  if (answer.size > 0)
    assert_string_equal (answer.data, text);
}

static inline void
assert_death (adze_error *error, const char *message, const char *fact, const char *value)
{
  assert_non_null (error);
  const char *found = adze_error_fact (error, fact);
  assert_non_null (found);
  assert_string_equal (found, value);
  assert_error (error, ADZE_E_CRASHED, message);
}

#define TEST(function) cmocka_unit_test_setup_teardown (function, remember, nothing_is_left)

#endif
