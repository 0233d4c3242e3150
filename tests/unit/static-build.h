/* SPDX-License-Identifier: Apache-2.0 */
/* For tests that load plugins from files. */
#ifndef ADZE_TESTS_STATIC_BUILD_H
#define ADZE_TESTS_STATIC_BUILD_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A static build has its plugins inside, and takes no file. Says so when it does not. */
static inline bool
files_are_loaded (void)
{
  const char *shared = getenv ("ADZE_SHARED");
  bool loaded = !shared || strcmp (shared, "no") != 0;
  if (!loaded)
    puts ("a static build takes no plugin files: not applicable");
  return loaded;
}

#endif
