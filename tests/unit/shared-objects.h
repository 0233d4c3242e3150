/* SPDX-License-Identifier: Apache-2.0 */
/* Shared objects that a test makes for itself, with the compiler that CC names, in a folder that
 * lives as long as the test program. */
#ifndef SHARED_OBJECTS_H
#define SHARED_OBJECTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"

static char shared_folder[] = "/tmp/adze-elf-XXXXXX";

/* A plugin's entry and its note, written by hand: major 0, minor MINOR. */
#define PLUGIN_MINOR(minor) \
  "__attribute__ ((section (\".note.adze\"), used, aligned (4))) static const unsigned note[] = " \
  "{ 8, 12, 1, 0x657a6461, 0, 0, " minor ", 80 };\n" \
  "const void *adze_entry (void) { return note; }\n"
#define PLUGIN PLUGIN_MINOR ("1")

static inline int
make_folder (void **state)
{
  (void)state;
  return mkdtemp (shared_folder) ? 0 : -1;
}

static inline int
remove_folder (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *command = adze_text_format ("rm -rf '%s'", shared_folder);
  return command && system (command) == 0 ? 0 : -1;
}

static inline const char *
compiler (void)
{
  const char *name = getenv ("CC");
  return name && *name ? name : "cc";
}

static inline bool
compiler_works (void)
{
  ADZE_AUTO_FREE char *command
      = adze_text_format ("echo 'int f (void) { return 1; }' | %s -x c -shared -fPIC -o '%s/probe' "
                          "- >/dev/null 2>&1",
                          compiler (), shared_folder);
  assert_non_null (command);
  return system (command) == 0;
}

/* To be called before anything is held: skip () jumps over what gives it back. */
static inline void
skip_without_compiler (void)
{
  if (compiler_works ())
    return;
  print_message ("skipped: there is no compiler called %s (CC)\n", compiler ());
  skip ();
}

/* Where NAME lies in the folder; to be freed. */
static inline char *
in_folder (const char *name)
{
  char *path = adze_text_format ("%s/%s", shared_folder, name);
  assert_non_null (path);
  return path;
}

/* Compiles SOURCE to NAME in the folder, with that folder as the current one. Returns the path, to
 * be freed. */
static inline char *
compile (const char *name, const char *source, const char *options)
{
  char *path = in_folder (name);
  ADZE_AUTO_FREE char *file = adze_text_format ("%s.c", path);
  assert_non_null (file);
  assert_null (adze_file_write (file, source, strlen (source), 0600));
  ADZE_AUTO_FREE char *command
      = adze_text_format ("cd '%s' && %s -w -fPIC -o '%s' '%s' %s", shared_folder,
                          compiler (), name, file, options);
  assert_non_null (command);
  assert_int_equal (system (command), 0);
  return path;
}

static inline char *
build (const char *name, const char *source, const char *options)
{
  ADZE_AUTO_FREE char *all = adze_text_format ("-shared %s", options);
  assert_non_null (all);
  return compile (name, source, all);
}

static inline char *
read_whole (const char *path, size_t *size)
{
  char *data = NULL;
  assert_null (adze_file_read (path, (size_t)1 << 30, &data, size));
  return data;
}

/* A copy of PATH called NAME whose SIZE bytes at OFFSET are BYTES. */
static inline char *
patched (const char *path, const char *name, size_t offset, const void *bytes, size_t size)
{
  size_t whole;
  ADZE_AUTO_FREE char *data = read_whole (path, &whole);
  assert_true (offset + size <= whole);
  memcpy (data + offset, bytes, size);
  char *copy = in_folder (name);
  assert_null (adze_file_write (copy, data, whole, 0600));
  return copy;
}

#endif
