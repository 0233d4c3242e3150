/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin whose table of parameters contradicts itself. */
#include <adze/sdk.h>

static const adze_param params[] = {
  { .name = "factor", .type = ADZE_PARAM_FLOAT, .preset = "2", .range = "[5, 1]", .help = "no" },
  { .name = NULL },
};

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  (void)instance;
  (void)call;
  (void)input;
  return adze_fail (host, ADZE_E_UNSUPPORTED, "nobody should come this far");
}

static const adze_technique technique
    = { .struct_size = sizeof technique, .effect = ADZE_CHANGES, .apply = apply };

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "unsound",
  .summary = "cannot be used",
  .params = params,
  .param_size = sizeof params[0],
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &technique,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin unsound = {
  ADZE_PLUGIN_HEAD,
  .id = "unsound",
  .version = "1.0.0",
  .summary = "for tests",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (unsound, unsound);
