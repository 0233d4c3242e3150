/* SPDX-License-Identifier: Apache-2.0 */
/* @NAME@: multiplies every number by a factor. */
#include <adze/sdk.h>

static const adze_param params[] = {
  { .name = "factor", .type = ADZE_PARAM_FLOAT, .preset = "2", .range = "(-inf, inf)",
    .help = "what every number is multiplied by" },
  { .name = NULL }
};

static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  float *factor = host->allocate (host, sizeof *factor);
  if (!factor)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the factor");
  *factor = (float)adze_param_float (host, values, "factor");
  *instance = factor;
  return ADZE_OK;
}

static void
destroy (const adze_host *host, void *instance)
{
  host->release (host, instance);
}

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  const float factor = *(const float *)instance;
  if (!adze_view_is (&input->view, ADZE_FLOAT, 32))
    return adze_fail (host, ADZE_E_UNSUPPORTED, "tensor '%s' is not plain f32", input->name);
  adze_view output;
  adze_status status = adze_call_output_like (host, call, input, &output);
  if (status != ADZE_OK)
    return status;
  const float *from = adze_view_data (&input->view);
  float *restrict into = adze_view_data (&output); /* never the input's memory */
  for (size_t i = 0, count = adze_view_count (&output); i < count; i++)
    into[i] = from[i] * factor;
  return ADZE_OK;
}

static const adze_technique callbacks = { .struct_size = sizeof callbacks, .effect = ADZE_CHANGES,
                                          .grain = ADZE_GRAIN_ELEMENT, /* any piece will do */
                                          .create = create, .destroy = destroy, .apply = apply };

static const adze_component component
    = { .struct_size = sizeof component, .kind_revision = ADZE_TECHNIQUE_REVISION,
        .kind = ADZE_TECHNIQUE, .id = "@NAME@", .summary = "Multiplies every number by a factor",
        .params = params, .param_size = sizeof params[0], .threading = ADZE_THREADS_PARALLEL,
        .callbacks = &callbacks };
static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin
    = { ADZE_PLUGIN_HEAD, .id = "@NAME@", .version = "0.1.0", .summary = "My first plugin",
        .license = "Apache-2.0", .components = components };
ADZE_PLUGIN_REGISTER (@C_NAME@, plugin);
