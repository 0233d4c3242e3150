/* SPDX-License-Identifier: Apache-2.0 */
/* What the plugin host itself costs: listing, loading, workers. Pairs are interleaved; each line
 * has the median and the range. docs/benchmarks.md says what is asked. */
#include <dlfcn.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "plugin/runtime.h"
#include "plugin/worker_client.h"

extern char **environ;

enum { PLUGINS = 200, PAIRS = 21 };

static char folder[] = "/tmp/adze-bench-XXXXXX";

static double
now (void)
{
  struct timespec time;
  clock_gettime (CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

static void
must (adze_error *error)
{
  if (!error)
    return;
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  fprintf (stderr, "bench-host: %s", text ? text : "out of memory\n");
  exit (1);
}

static void
must_run (const char *command)
{
  if (system (command) == 0)
    return;
  fprintf (stderr, "bench-host: this failed: %s\n", command);
  exit (1);
}

static const char *
compiler (void)
{
  const char *cc = getenv ("CC");
  return cc && cc[0] ? cc : "cc";
}

static int
compare (const void *a, const void *b)
{
  double left = *(const double *)a, right = *(const double *)b;
  return left < right ? -1 : left > right;
}

static void
report (const char *what, double *values, size_t count, const char *unit, const char *limit)
{
  qsort (values, count, sizeof *values, compare);
  printf ("%-58s %9.3f %s  [%.3f to %.3f], n = %zu  (asked: %s)\n", what, values[count / 2], unit,
          values[0], values[count - 1], count, limit);
}

/* ---- 200 plugins: one shared object, whose id is written anew into each copy. */

static const char mark[] = "plugin-000";

static void
write_copy (const char *bytes, size_t size, int number)
{
  ADZE_AUTO_FREE char *copy = malloc (size);
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/plugins/plugin-%03d.so", folder, number);
  char id[sizeof mark];
  snprintf (id, sizeof id, "plugin-%03d", number);
  memcpy (copy, bytes, size);
  for (size_t i = 0; i + sizeof mark <= size; i++)
    if (memcmp (copy + i, mark, sizeof mark) == 0)
      memcpy (copy + i, id, sizeof id);
  must (adze_file_write (path, copy, size, 0755));
}

static void
make_plugins (adze_runtime *runtime)
{
  const char *source = getenv ("TOP_SRCDIR");
  ADZE_AUTO_FREE char *command = adze_text_format (
      "%s -std=gnu11 -O2 -shared -fPIC -fvisibility=hidden -DPLUGIN_ID='\"%s\"' "
      "-I'%s/sdk/include' -o %s/one.so '%s/tests/plugins/broken.c'",
      compiler (), mark, source ? source : ".", folder, source ? source : ".");
  ADZE_AUTO_FREE char *one = adze_text_format ("%s/one.so", folder);
  ADZE_AUTO_FREE char *bytes = NULL;
  size_t size = 0;
  must_run (command);
  must (adze_file_read (one, 1 << 20, &bytes, &size));
  for (int i = 0; i < PLUGINS; i++) {
    ADZE_AUTO_FREE char *path = adze_text_format ("%s/plugins/plugin-%03d.so", folder, i);
    write_copy (bytes, size, i);
    must (adze_plugin_stamp (runtime, path, NULL));
  }
}

/* ---- adze list */

static double
run_list (const char *program)
{
  const char *const argv[] = { "adze", "list", NULL };
  posix_spawn_file_actions_t actions;
  pid_t pid;
  int status;
  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_addopen (&actions, 1, "/dev/null", 1, 0);
  double start = now ();
  if (posix_spawn (&pid, program, &actions, NULL, (char *const *)argv, environ) != 0)
    must (adze_error_errno ("cannot start %s", program));
  waitpid (pid, &status, 0);
  double end = now ();
  posix_spawn_file_actions_destroy (&actions);
  if (!WIFEXITED (status) || WEXITSTATUS (status) != 0)
    must (adze_error_new (ADZE_E_INTERNAL, "%s list failed", program));
  return end - start;
}

static void
bench_list (void)
{
  const char *program = getenv ("ADZE_BINARY");
  double times[PAIRS];
  if (!program) {
    printf ("adze list: not measured; ADZE_BINARY names no program\n");
    return;
  }
  ADZE_AUTO_FREE char *plugins = adze_text_format ("%s/plugins", folder);
  setenv ("ADZE_PLUGIN_PATH", plugins, 1);
  setenv ("XDG_CACHE_HOME", folder, 1);
  double first = run_list (program);
  for (int i = 0; i < PAIRS; i++)
    times[i] = run_list (program);
  printf ("%-58s %9.3f ms, once\n", "adze list, 200 plugins, no cache yet", first);
  report ("adze list, 200 plugins, whole process", times, PAIRS, "ms", "under 30 ms");
}

/* ---- Loading. */

/* What cannot be saved: the dynamic linker's work, and reading the file for its digest. */
static double
load_bare (const char *path)
{
  char digest[ADZE_DIGEST_TEXT];
  double start = now ();
  must (adze_digest_file (path, digest));
  if (!dlopen (path, RTLD_NOW | RTLD_LOCAL))
    must (adze_error_new (ADZE_E_INTERNAL, "%s", dlerror ()));
  return now () - start;
}

static double
load_whole (adze_runtime *runtime, const char *id)
{
  double start = now ();
  must (adze_component_load (runtime, id));
  return now () - start;
}

/* Once probed, which is part of installing, not of loading. */
static void
probe_all (adze_runtime *runtime)
{
  for (size_t i = 0; i < runtime->record_count; i++)
    must (adze_verify (runtime, runtime->records[i]));
}

static void
bench_load (adze_runtime *runtime)
{
  double extra[PAIRS];
  const adze_component_info *const *list = NULL;
  size_t count = 0;
  must (adze_component_list (runtime, NULL, &list, &count));
  probe_all (runtime);
  for (int i = 0; i < PAIRS; i++) {
    char id[sizeof mark];
    ADZE_AUTO_FREE char *bare = adze_text_format ("%s/plugins/plugin-%03d.so", folder, 100 + i);
    snprintf (id, sizeof id, "plugin-%03d", i);
    double whole = load_whole (runtime, id);
    extra[i] = whole - load_bare (bare);
  }
  report ("loading one plugin, beyond dlopen and digest", extra, PAIRS, "ms", "under 1 ms");
}

/* ---- Workers. */

static void
bench_worker (const char *program)
{
  double times[PAIRS];
  for (int i = 0; i < PAIRS; i++) {
    ADZE_AUTO_WORKER worker = NULL;
    ADZE_AUTO (adze_document) reply = { 0 };
    ADZE_AUTO_VALUE request = adze_value_new (ADZE_VALUE_TABLE);
    adze_json_string (request, "do", "close");
    double start = now ();
    must (adze_worker_start (program, NULL, false, &worker));
    must (adze_worker_ask (worker, request, 0, &reply));
    times[i] = now () - start;
  }
  report ("a worker, from nothing to its first answer", times, PAIRS, "ms", "under 15 ms");
}

int
main (void)
{
  if (!mkdtemp (folder))
    must (adze_error_errno ("cannot make %s", folder));
  ADZE_AUTO_FREE char *plugins = adze_text_format ("%s/plugins", folder);
  const char *const path[] = { plugins, NULL };
  adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  adze_runtime *runtime = NULL;
  options.plugin_path = path;
  options.cache = folder;
  options.worker = getenv ("ADZE_WORKER_BINARY");
  must (adze_runtime_open (&options, &runtime));
  make_plugins (runtime);
  bench_list ();
  bench_load (runtime);
  bench_worker (runtime->places.worker);
  adze_runtime_close (runtime);
  ADZE_AUTO_FREE char *clean = adze_text_format ("rm -rf %s", folder);
  must_run (clean);
  return 0;
}
