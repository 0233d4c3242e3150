/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of run folders have in common: a folder of one's own with RUNS in it. */
#ifndef TESTS_UNIT_RUN_WORLD_H
#define TESTS_UNIT_RUN_WORLD_H

#include "world.h"

#include "run/folder_private.h"

static inline int
make_runs_world (void **state)
{
  world *w = calloc (1, sizeof *w);
  if (!w)
    return -1;
  strcpy (w->folder, "/tmp/adze-runs-XXXXXX");
  if (!mkdtemp (w->folder))
    return -1;
  *state = w;
  return 0;
}

static inline int
end_runs_world (void **state)
{
  world *w = *state;
  run_command ("rm -rf '%s'", w->folder);
  free (w);
  return 0;
}

static inline adze_folder *
open_run (const world *w, const char *name, const char *identity, bool fresh)
{
  adze_folder_options options = {
    .runs = in_world (w, "runs"),
    .name = name,
    .identity = identity,
    .text = "adze = 1\n",
    .fresh = fresh,
  };
  adze_folder *folder = NULL;
  must (adze_folder_open (&options, &folder));
  return folder;
}

static inline adze_folder *
look_at_run (const world *w, const char *name, const char *identity)
{
  adze_folder_options options
      = { .runs = in_world (w, "runs"), .name = name, .identity = identity, .look = true };
  adze_folder *folder = NULL;
  must (adze_folder_open (&options, &folder));
  return folder;
}

static inline adze_hash128
hash_number (uint64_t number)
{
  return (adze_hash128){ .low = number, .high = ~number };
}

static inline char *
read_text (const char *path)
{
  char *text = NULL;
  size_t size = 0;
  must (adze_file_read (path, 1 << 24, &text, &size));
  return text;
}

static inline void
write_text (const char *path, const char *text)
{
  must (adze_file_write (path, text, strlen (text), 0644));
}

static inline bool
exists (const char *path)
{
  return access (path, F_OK) == 0;
}

#endif
