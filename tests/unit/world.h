/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of one's own with plugins built into it from tests/plugins, and a runtime that looks
 * there: what the tests of registry, harness, kit and faults have in common. */
#ifndef TESTS_UNIT_WORLD_H
#define TESTS_UNIT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <adze/host.h>

#include "static-build.h"
#include "base/file.h"

typedef struct world {
  char folder[64];
  adze_runtime *runtime;
} world;

ADZE_PRINTF (1, 2) static inline void
run_command (const char *format, ...)
{
  char command[4096];
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (command, sizeof command, format, arguments);
  va_end (arguments);
  if (system (command) != 0)
    fail_msg ("this command failed: %s", command);
}

/* Fails with the whole chain when there is one. */
static inline void
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

/* ERROR must be there, of that status (ADZE_OK: of any), with every PART (NULL ends them) in its
 * text. Frees it. */
static inline void
must_fail (adze_error *error, adze_status status, ...)
{
  assert_non_null (error);
  adze_status found = adze_error_status (error);
  char *text = adze_error_text (error);
  adze_error_free (error);
  assert_non_null (text);
  va_list parts;
  va_start (parts, status);
  for (const char *part; (part = va_arg (parts, const char *));)
    if (!strstr (text, part))
      fail_msg ("'%s' is not in this message:\n%s", part, text);
  va_end (parts);
  if (status != ADZE_OK && found != status)
    fail_msg ("the status is %d, not %d:\n%s", (int)found, (int)status, text);
  free (text);
}

static inline const char *
environment_or (const char *name, const char *otherwise)
{
  const char *value = getenv (name);
  return value && value[0] ? value : otherwise;
}

/* A program that this test runs in cannot be told to run out of memory, or has no room to. */
static inline bool
sanitized (void)
{
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
  return true;
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return true;
#endif
#endif
  return false;
}

/* Builds FOLDER/NAME.so from tests/plugins/SOURCE.c, in the world's folder unless IN says another;
 * the path is the caller's to free. */
static inline char *
build_in (const char *in, const char *source, const char *name, const char *flags)
{
  const char *sources = environment_or ("TOP_SRCDIR", "../..");
  char *path = adze_text_format ("%s/%s.so", in, name);
  assert_non_null (path);
  run_command ("%s -std=gnu11 -shared -fPIC -fvisibility=hidden -I'%s/sdk/include' %s "
               "-o '%s' '%s/tests/plugins/%s.c' -lpthread",
               environment_or ("CC", "cc"), sources, flags, path, sources, source);
  return path;
}

static inline char *
build (const world *w, const char *source, const char *name, const char *flags)
{
  return build_in (w->folder, source, name, flags);
}

/* FOLDER/REST, of the world; sixteen of them at a time. */
static inline const char *
in_world (const world *w, const char *rest)
{
  static char paths[16][256];
  static unsigned next;
  char *path = paths[next++ % 16];
  snprintf (path, sizeof paths[0], "%s/%s", w->folder, rest);
  return path;
}

/* Opens the world's runtime anew: the folder as --plugin-path, trusted when CONFIG says so. */
static inline adze_runtime *
reopen (world *w, const char *config)
{
  const char *const folders[] = { w->folder, NULL };
  adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  adze_runtime_close (w->runtime);
  w->runtime = NULL;
  options.plugin_path = folders;
  options.cache = in_world (w, "cache");
  options.config = config;
  must (adze_runtime_open (&options, &w->runtime));
  return w->runtime;
}

/* A configuration that trusts the world's folder. */
static inline const char *
trusting (const world *w)
{
  run_command ("printf 'trusted = [\"%s\"]\\n' > '%s'", w->folder, in_world (w, "config.toml"));
  return in_world (w, "config.toml");
}

static inline int
make_world (void **state)
{
  world *w = calloc (1, sizeof *w);
  if (!w)
    return -1;
  strcpy (w->folder, "/tmp/adze-world-XXXXXX");
  *state = w;
  return mkdtemp (w->folder) ? 0 : -1;
}

static inline int
end_world (void **state)
{
  world *w = *state;
  adze_runtime_close (w->runtime);
  run_command ("rm -rf '%s'", w->folder);
  free (w);
  return 0;
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown (test, make_world, end_world)

#endif
