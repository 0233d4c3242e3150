/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/load.h: from a file to a checked descriptor, in this very process. The worker does it to
 * probe a file; the host does it once the probe went well. */
#ifndef ADZE_PLUGIN_LOAD_H
#define ADZE_PLUGIN_LOAD_H

#include "plugin/descriptor.h"
#include "plugin/loader.h"

typedef struct adze_opened {
  adze_module *module;
  adze_descriptor *descriptor;
  adze_manifest *manifest; /* what the binary says */
} adze_opened;

/* PROGRESS, when not NULL, is told each step before it is taken, so that somebody outside knows
 * where a plugin's own code took the process down. BUILTIN: PATH is the name of a linked-in
 * plugin. Neither init nor any callback is called. */
typedef void (*adze_load_progress) (void *context, adze_step step);
ADZE_MUST_CHECK adze_error *adze_load (const char *path, bool builtin,
                                       const adze_profile *profile, adze_load_progress progress,
                                       void *context, adze_opened *opened);
void adze_opened_cleanup (adze_opened *opened);

#endif
