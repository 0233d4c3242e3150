/* SPDX-License-Identifier: Apache-2.0 */
/* For tests that open the backend onednn beside ref: whether it is here, and what such a test asks of the
 * sanitizer that looks for leaks. */
#ifndef ADZE_TESTS_WITH_ONEDNN_H
#define ADZE_TESTS_WITH_ONEDNN_H

#include "engine.h"
#include "static-build.h"

/* As build-aux/onednn.supp, which says why: a build with sanitizers asks for these by name. */
#define ASKED_FOR __attribute__ ((visibility ("default"), used))
ASKED_FOR const char *__lsan_default_options (void);
ASKED_FOR const char *__lsan_default_suppressions (void);

const char *
__lsan_default_options (void)
{
  return "use_tls=0:print_suppressions=0";
}

const char *
__lsan_default_suppressions (void)
{
  return "leak:_dlerror_run\nleak:dl_exception_create\nleak:_dl_map_object_deps\nleak:libgomp.so\n";
}

static inline bool
onednn_was_built (void)
{
  const char *missing = getenv ("ADZE_MISSING_PLUGINS");
  return !missing || !strstr (missing, "onednn");
}

static inline int
open_with_onednn (void **state)
{
  return engine_open_beside (state, "onednn");
}

/* How a test ends at once that needs it where it cannot be: it says why. Else -1. */
static inline int
end_without_onednn (void)
{
  if (!files_are_loaded ())
    return 0;
  if (onednn_was_built ())
    return -1;
  puts ("skipped: the plugin onednn was not built, for oneDNN 2.6 is not here");
  return 77;
}

#endif
