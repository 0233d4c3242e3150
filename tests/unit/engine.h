/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of graphs: the backend ref at work, and beside it a second one where a test wants that. */
#ifndef ADZE_TESTS_ENGINE_H
#define ADZE_TESTS_ENGINE_H

#include "world.h"

#include "graph/executable.h"

typedef struct engine {
  adze_runtime *runtime;
  adze_backend_at_work *ref, *other; /* OTHER: NULL without a second one */
} engine;

static inline int
engine_open_beside (void **state, const char *other)
{
  engine *e = calloc (1, sizeof *e);
  must (adze_runtime_open (NULL, &e->runtime));
  must (adze_backend_open (e->runtime, "ref", NULL, NULL, &e->ref));
  if (other)
    must (adze_backend_open (e->runtime, other, NULL, NULL, &e->other));
  *state = e;
  return 0;
}

static inline int
engine_open (void **state)
{
  return engine_open_beside (state, NULL);
}

static inline int
engine_close (void **state)
{
  engine *e = *state;
  adze_backend_close (e->other);
  adze_backend_close (e->ref);
  adze_runtime_close (e->runtime);
  free (e);
  return 0;
}

#endif
