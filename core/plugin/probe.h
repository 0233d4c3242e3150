/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/probe.h: finding out about a file in a process that may die of it. */
#ifndef ADZE_PLUGIN_PROBE_H
#define ADZE_PLUGIN_PROBE_H

#include "plugin/manifest/manifest.h"

/* How long a plugin's entry, or a foreign library's vectors, may take. */
#define ADZE_PROBE_LIMIT_MS 2000
#define ADZE_SELF_TEST_LIMIT_MS 20000

/* Loads PATH in a worker and gives what its descriptor says. A crash, an exit or a hang is a
 * refusal that names the step. */
ADZE_MUST_CHECK adze_error *adze_probe_plugin (const char *worker, const char *path,
                                               adze_manifest **manifest);

/* Binds the library of a foreign manifest in a worker and runs its vectors. *LIBRARIES, at least one, are
 * the files that its functions lie in: the first is the one that was tested. */
ADZE_MUST_CHECK adze_error *adze_probe_foreign (const char *worker, const char *path,
                                                char ***libraries, size_t *count);

#endif
