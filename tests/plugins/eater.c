/* SPDX-License-Identifier: Apache-2.0 */
/* A technique for tests that looks at numbers, and takes 150 MB for itself that nobody foresaw. */
#include <stdlib.h>
#include <string.h>

#include <adze/sdk.h>

enum { EATEN = 150000000 };

static char *eaten;

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  (void)instance;
  (void)call;
  if (!eaten)
    eaten = malloc (EATEN);
  if (!eaten)
    return adze_fail (host, ADZE_E_MEMORY, "no room to look at '%s'", input->name);
  memset (eaten, 1, EATEN);
  return ADZE_OK;
}

static const adze_technique callbacks
    = { .struct_size = sizeof callbacks, .effect = ADZE_INSPECTS, .apply = apply };

static const adze_component component = { .struct_size = sizeof component,
                                          .kind_revision = ADZE_TECHNIQUE_REVISION,
                                          .kind = ADZE_TECHNIQUE,
                                          .id = "eater",
                                          .summary = "Takes memory",
                                          .threading = ADZE_THREADS_PLUGIN,
                                          .callbacks = &callbacks };
static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = { ADZE_PLUGIN_HEAD,
                                    .id = "eater",
                                    .version = "1.0.0",
                                    .summary = "Takes memory",
                                    .license = "Apache-2.0",
                                    .components = components };
ADZE_PLUGIN_REGISTER (eater, plugin);
