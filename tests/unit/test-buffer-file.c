/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows, UTF-8, and files: nobody may ever see half of one, nor what is left of a try. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/file.h"

static void
must (adze_error *error)
{
  if (!error)
    return;
  char *text = adze_error_text (error);
  print_error ("%s", text ? text : "out of memory\n");
  free (text);
  adze_error_free (error);
  fail ();
}

static void
must_fail (adze_error *error, adze_status status)
{
  assert_non_null (error);
  adze_status found = adze_error_status (error);
  adze_error_free (error);
  assert_int_equal (found, status);
}

/* ---- A system that fails. These stand in front of the C library's, and do as it does until one
 * of them is to fail. */

static int calls_left = -1; /* until one fails; negative: none will */
static bool slow;           /* writes take little at a time, and are interrupted */

static bool
fails_now (void)
{
  if (calls_left < 0 || calls_left-- > 0)
    return false;
  errno = EIO;
  return true;
}

ssize_t
write (int fd, const void *data, size_t size)
{
  static unsigned count;
  if (fails_now ())
    return -1;
  if (slow && count++ % 3 == 0) {
    errno = EINTR;
    return -1;
  }
  return syscall (SYS_write, fd, data, slow && size > 7 ? (size_t)7 : size);
}

int
fsync (int fd)
{
  return fails_now () ? -1 : (int)syscall (SYS_fsync, fd);
}

int
rename (const char *from, const char *to)
{
  return fails_now () ? -1 : (int)syscall (SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0u);
}

/* ---- A folder for each test. */

static char folder[64];

static int
make_folder (void **state)
{
  (void)state;
  strcpy (folder, "/tmp/adze-test-file-XXXXXX");
  return mkdtemp (folder) ? 0 : -1;
}

static int
remove_folder (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *command = adze_text_format ("rm -rf '%s'", folder);
  return command ? system (command) : -1;
}

/* FOLDER/NAME; four of them at a time. */
static const char *
in_folder (const char *name)
{
  static char paths[4][128];
  static unsigned next;
  char *path = paths[next++ % 4];
  snprintf (path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

static void
expect_content (const char *name, const char *content)
{
  ADZE_AUTO_FREE char *data = NULL;
  size_t size;
  must (adze_file_read (in_folder (name), 1 << 20, &data, &size));
  assert_int_equal (size, strlen (content));
  assert_string_equal (data, content);
}

static void
expect_names (const char *suffix, const char *const *expected, size_t expected_count)
{
  char **names;
  size_t count;
  must (adze_folder_names (folder, suffix, &names, &count));
  assert_int_equal (count, expected_count);
  for (size_t i = 0; i < count; i++)
    assert_string_equal (names[i], expected[i]);
  adze_names_free (names, count);
}

/* ---- The buffer. */

static void
test_buffer (void **state)
{
  (void)state;
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  ADZE_AUTO_FREE char *empty = NULL;
  must (adze_buffer_finish (&buffer, &empty));
  assert_string_equal (empty, "");

  for (int i = 0; i < 1000; i++)
    adze_buffer_format (&buffer, "%03d,", i);
  adze_buffer_add (&buffer, "a\0b", 3);
  assert_int_equal (buffer.size, 4003);
  assert_int_equal (buffer.data[4003], '\0');
  ADZE_AUTO_FREE char *text = NULL;
  must (adze_buffer_finish (&buffer, &text));
  assert_memory_equal (text + 3992, "998,999,a\0b", 12);
  assert_null (buffer.data);
}

static void
test_buffer_remembers_failure (void **state)
{
  (void)state;
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  adze_buffer_text (&buffer, "x");
  adze_buffer_add (&buffer, "", SIZE_MAX);
  adze_buffer_text (&buffer, "y");
  char *text = (char *)"untouched";
  must_fail (adze_buffer_finish (&buffer, &text), ADZE_E_MEMORY);
  assert_null (text);
  assert_null (buffer.data);
}

static void
test_utf8 (void **state)
{
  (void)state;
  static const struct {
    const char *bytes;
    size_t length;
    uint32_t code;
  } cases[] = {
    { "a", 1, 'a' },
    { "\xc3\xa9", 2, 0xe9 },
    { "\xe2\x82\xac", 3, 0x20ac },
    { "\xf0\x9f\x98\x80", 4, 0x1f600 },
    { "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
    { "\x80", 1, ADZE_UTF8_BAD },             /* no beginning */
    { "\xc3", 1, ADZE_UTF8_BAD },             /* cut */
    { "\xe2\x82(", 1, ADZE_UTF8_BAD },        /* broken off */
    { "\xc0\xaf", 1, ADZE_UTF8_BAD },         /* longer than it has to be */
    { "\xe0\x80\xaf", 1, ADZE_UTF8_BAD },
    { "\xed\xa0\x80", 1, ADZE_UTF8_BAD },     /* half of a pair */
    { "\xf4\x90\x80\x80", 1, ADZE_UTF8_BAD }, /* beyond the last */
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (cases); i++) {
    uint32_t code;
    size_t size = strlen (cases[i].bytes);
    assert_int_equal (adze_utf8_read (cases[i].bytes, size, &code), cases[i].length);
    assert_int_equal (code, cases[i].code);
    ADZE_AUTO (adze_buffer) buffer = { 0 };
    adze_buffer_utf8 (&buffer, code);
    assert_string_equal (buffer.data, code == ADZE_UTF8_BAD ? "\xef\xbf\xbd" : cases[i].bytes);
  }
}

static void
test_utf8_stays_in_its_bounds (void **state)
{
  (void)state;
  uint32_t code;
  assert_int_equal (adze_utf8_read ("\xf0\x9f\x98\x80", 3, &code), 1);
  assert_int_equal (code, ADZE_UTF8_BAD);
}

static void
test_quoted (void **state)
{
  (void)state;
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  static const char text[] = "b \b\t\n\f\r\"\\\x01\x7f\0\xc3\xa9\xff";
  adze_buffer_quoted (&buffer, text, sizeof text - 1);
  assert_string_equal (buffer.data,
                       "\"b \\b\\t\\n\\f\\r\\\"\\\\\\u0001\\u007F\\u0000\xc3\xa9\xef\xbf\xbd\"");
}

/* What a terminal would act on is spelled out, as TOML and JSON both read it. */
static void
test_quoted_for_terminals (void **state)
{
  (void)state;
  static const uint32_t spelled[] = { 0x80, 0x85, 0x9b, 0x9f, 0x200e, 0x200f, 0x2028, 0x202a,
                                      0x202e, 0x2066, 0x2069 };
  static const uint32_t plain[] = { 0xa0, 0x200d, 0x2010, 0x202f, 0x2065, 0x206a };
  for (size_t i = 0; i < ADZE_COUNT_OF (spelled); i++) {
    ADZE_AUTO (adze_buffer) text = { 0 }, quoted = { 0 };
    char wanted[16];
    adze_buffer_utf8 (&text, spelled[i]);
    adze_buffer_quoted (&quoted, text.data, text.size);
    snprintf (wanted, sizeof wanted, "\"\\u%04X\"", (unsigned)spelled[i]);
    assert_string_equal (quoted.data, wanted);
  }
  for (size_t i = 0; i < ADZE_COUNT_OF (plain); i++) {
    ADZE_AUTO (adze_buffer) text = { 0 }, quoted = { 0 };
    adze_buffer_utf8 (&text, plain[i]);
    adze_buffer_quoted (&quoted, text.data, text.size);
    assert_int_equal (quoted.size, text.size + 2);
  }
}

/* ---- Reading. */

static void
test_read_bounds (void **state)
{
  (void)state;
  must (adze_file_write (in_folder ("five"), "12345", 5, 0644));
  char *data;
  size_t size;
  must (adze_file_read (in_folder ("five"), 5, &data, &size));
  assert_int_equal (size, 5);
  assert_string_equal (data, "12345");
  free (data);
  must_fail (adze_file_read (in_folder ("five"), 4, &data, &size), ADZE_E_LIMIT);
  assert_null (data);
}

/* Files of /proc announce that they are empty. */
static void
test_read_file_without_a_size (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *data = NULL;
  size_t size;
  must (adze_file_read ("/proc/self/status", 1 << 20, &data, &size));
  assert_true (size > 100 && strlen (data) == size);
  char *none;
  must_fail (adze_file_read ("/proc/self/status", 100, &none, &size), ADZE_E_LIMIT);
}

static void
test_read_what_is_no_file (void **state)
{
  (void)state;
  char *data;
  size_t size;
  must_fail (adze_file_read (folder, 100, &data, &size), ADZE_E_IO);
  must_fail (adze_file_read (in_folder ("none"), 100, &data, &size), ADZE_E_NOT_FOUND);
  must_fail (adze_file_read ("/dev/zero", 100, &data, &size), ADZE_E_IO);
  /* Nobody writes to it: opening it the usual way would never come back. */
  assert_int_equal (mkfifo (in_folder ("pipe"), 0600), 0);
  ADZE_AUTO_ERROR error = adze_file_read (in_folder ("pipe"), 100, &data, &size);
  assert_non_null (strstr (adze_error_message (error), "a named pipe"));
  assert_string_equal (adze_error_fact (error, "file"), in_folder ("pipe"));
}

/* ---- Writing. */

static void
test_write (void **state)
{
  (void)state;
  must (adze_file_write (in_folder ("a/b/c"), "new", 3, 0600));
  expect_content ("a/b/c", "new");
  struct stat status;
  assert_int_equal (stat (in_folder ("a/b/c"), &status), 0);
  assert_int_equal (status.st_mode & 07777, 0600);
  must (adze_file_write (in_folder ("a/b/c"), NULL, 0, 0600));
  expect_content ("a/b/c", "");

  char **names;
  size_t count;
  must (adze_folder_names (in_folder ("a/b"), "", &names, &count));
  assert_int_equal (count, 1);
  adze_names_free (names, count);
}

static void
test_write_beside (void **state)
{
  (void)state;
  char *before = getcwd (NULL, 0);
  assert_int_equal (chdir (folder), 0);
  must (adze_file_write ("plain", "x", 1, 0644));
  expect_content ("plain", "x");
  assert_int_equal (chdir (before), 0);
  free (before);
}

/* The longest name that there can be leaves no room for a longer temporary one. */
static void
test_write_longest_name (void **state)
{
  (void)state;
  char name[256];
  memset (name, 'n', 255);
  name[255] = '\0';
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", folder, name);
  must (adze_file_write (path, "x", 1, 0644));
}

static void
test_failed_rename_leaves_nothing (void **state)
{
  (void)state;
  must (adze_file_write (in_folder ("taken/inside"), "x", 1, 0644));
  ADZE_AUTO_ERROR error = adze_file_write (in_folder ("taken"), "y", 1, 0644);
  assert_non_null (error);
  assert_string_equal (adze_error_fact (error, "file"), in_folder ("taken"));
  expect_names ("", (const char *[]){ "taken" }, 1);
}

/* A disk that is full half way: the old content stays, the new one leaves no trace. */
static void
test_failed_write_keeps_the_old (void **state)
{
  (void)state;
  must (adze_file_write (in_folder ("kept"), "old", 3, 0644));
  static char big[100000];
  struct rlimit before, small;
  assert_int_equal (getrlimit (RLIMIT_FSIZE, &before), 0);
  small = before;
  small.rlim_cur = 50000;
  void (*handler) (int) = signal (SIGXFSZ, SIG_IGN);
  assert_int_equal (setrlimit (RLIMIT_FSIZE, &small), 0);
  ADZE_AUTO_ERROR error = adze_file_write (in_folder ("kept"), big, sizeof big, 0644);
  assert_int_equal (setrlimit (RLIMIT_FSIZE, &before), 0);
  signal (SIGXFSZ, handler);
  assert_int_equal (adze_error_status (error), ADZE_E_IO);
  expect_content ("kept", "old");
  expect_names ("", (const char *[]){ "kept" }, 1);
}

static void
test_slow_write_is_whole (void **state)
{
  (void)state;
  static const char text[] = "Neither a short write nor an interrupted one is a failure.";
  slow = true;
  adze_error *error = adze_file_write (in_folder ("slow"), text, strlen (text), 0644);
  slow = false;
  must (error);
  expect_content ("slow", text);
}

/* Whichever call fails: the old content or the new, whole, and nothing beside it. */
static void
test_every_failure_is_clean (void **state)
{
  (void)state;
  int failures = 0;
  for (bool failed = true; failed; failures += failed) {
    must (adze_file_write (in_folder ("file"), "old", 3, 0644));
    calls_left = failures;
    ADZE_AUTO_ERROR error = adze_file_write (in_folder ("file"), "new", 3, 0644);
    calls_left = -1;
    failed = error != NULL;
    /* The last call syncs the folder, when the new file has its name already. */
    expect_content ("file", failed && failures < 3 ? "old" : "new");
    expect_names ("", (const char *[]){ "file" }, 1);
  }
  assert_int_equal (failures, 4);
}

static void
test_write_below_a_file (void **state)
{
  (void)state;
  must (adze_file_write (in_folder ("file"), "x", 1, 0644));
  must_fail (adze_file_write (in_folder ("file/sub"), "x", 1, 0644), ADZE_E_NOT_FOUND);
  must_fail (adze_folder_make (in_folder ("file")), ADZE_E_NOT_FOUND);
}

/* ---- Folders and paths. */

static void
test_folders (void **state)
{
  (void)state;
  must (adze_folder_make (in_folder ("x//y/z/")));
  must (adze_folder_make (in_folder ("x/y/z")));
  struct stat status;
  assert_int_equal (stat (in_folder ("x/y/z"), &status), 0);
  assert_true (S_ISDIR (status.st_mode));
}

static void
test_names (void **state)
{
  (void)state;
  static const char *const made[] = { "b.so", "a.so", "B.so", ".so", "c.toml", "d.so.old", "so" };
  for (size_t i = 0; i < ADZE_COUNT_OF (made); i++)
    must (adze_file_write (in_folder (made[i]), "", 0, 0644));
  expect_names (".so", (const char *[]){ ".so", "B.so", "a.so", "b.so" }, 4);
  expect_names (".none", NULL, 0);

  char **names;
  size_t count = 7;
  must (adze_folder_names (in_folder ("missing"), ".so", &names, &count));
  assert_int_equal (count, 0);
  must_fail (adze_folder_names (in_folder ("a.so"), ".so", &names, &count), ADZE_E_NOT_FOUND);
}

static void
expect_absolute (const char *path, const char *expected)
{
  ADZE_AUTO_FREE char *absolute = NULL;
  must (adze_path_absolute (path, &absolute));
  assert_string_equal (absolute, expected);
}

static void
test_paths (void **state)
{
  (void)state;
  must (adze_file_write (in_folder ("real"), "", 0, 0644));
  assert_int_equal (symlink ("real", in_folder ("link")), 0);
  ADZE_AUTO_FREE char *real_folder = realpath (folder, NULL);
  ADZE_AUTO_FREE char *expected = adze_text_format ("%s/real", real_folder);
  expect_absolute (in_folder ("./link"), expected);
  expect_absolute ("/no/../such", "/no/../such");
  ADZE_AUTO_FREE char *here = getcwd (NULL, 0);
  ADZE_AUTO_FREE char *missing = adze_text_format ("%s/no-such-file", here);
  expect_absolute ("no-such-file", missing);
  char *none;
  must_fail (adze_path_absolute ("", &none), ADZE_E_NOT_FOUND);
  assert_null (none);

  assert_string_equal (adze_path_base ("/a/b.so"), "b.so");
  assert_string_equal (adze_path_base ("b.so"), "b.so");
  assert_string_equal (adze_path_base ("/a/"), "");
}

static void
test_identity (void **state)
{
  (void)state;
  struct stat status;
  must (adze_file_write (in_folder ("one"), "1", 1, 0644));
  assert_int_equal (stat (in_folder ("one"), &status), 0);
  adze_file_identity one = adze_file_identity_of (&status);
  adze_file_identity again = adze_file_identity_of (&status);
  assert_true (adze_file_identity_equal (&one, &again));
  /* A rewritten file is another one even when size and time are the same. */
  must (adze_file_write (in_folder ("two"), "2", 1, 0644));
  assert_int_equal (stat (in_folder ("two"), &status), 0);
  adze_file_identity two = adze_file_identity_of (&status);
  two.mtime_ns = one.mtime_ns;
  assert_false (adze_file_identity_equal (&one, &two));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown (test, make_folder, remove_folder)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_buffer),
    cmocka_unit_test (test_buffer_remembers_failure),
    cmocka_unit_test (test_utf8),
    cmocka_unit_test (test_utf8_stays_in_its_bounds),
    cmocka_unit_test (test_quoted),
    cmocka_unit_test (test_quoted_for_terminals),
    IN_FOLDER (test_read_bounds),
    IN_FOLDER (test_read_file_without_a_size),
    IN_FOLDER (test_read_what_is_no_file),
    IN_FOLDER (test_write),
    IN_FOLDER (test_write_beside),
    IN_FOLDER (test_write_longest_name),
    IN_FOLDER (test_failed_rename_leaves_nothing),
    IN_FOLDER (test_failed_write_keeps_the_old),
    IN_FOLDER (test_slow_write_is_whole),
    IN_FOLDER (test_every_failure_is_clean),
    IN_FOLDER (test_write_below_a_file),
    IN_FOLDER (test_folders),
    IN_FOLDER (test_names),
    IN_FOLDER (test_paths),
    IN_FOLDER (test_identity),
  };
  return cmocka_run_group_tests_name ("buffer-file", tests, NULL, NULL);
}
