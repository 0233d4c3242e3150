/* SPDX-License-Identifier: Apache-2.0 */
/* A technique for tests that writes into each element its number within the tensor, and two millions for
 * each that the tensor's name counts: wrong ones tell that a piece came out in another one's place. */
#include <stdlib.h>
#include <string.h>

#include <adze/sdk.h>

/* N of "layer.N.weight" */
static uint64_t
number_of (const adze_tensor *tensor)
{
  const char *digits = strchr (tensor->name, '.');
  return digits ? strtoull (digits + 1, NULL, 10) : 0;
}

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  const adze_call_service *service = host->service (host, ADZE_CALL);
  adze_place place;
  adze_view output;
  (void)instance;
  adze_status status = adze_call_output_like (host, call, input, &output);
  if (status != ADZE_OK)
    return status;
  service->place (host, call, &place);
  float *into = adze_view_data (&output);
  for (uint64_t i = 0; i < place.count; i++)
    into[i] = (float)(2000000 * number_of (input) + place.first + i);
  return ADZE_OK;
}

static const adze_technique callbacks = { .struct_size = sizeof callbacks,
                                          .effect = ADZE_CHANGES,
                                          .grain = ADZE_GRAIN_ELEMENT,
                                          .apply = apply };

static const adze_component component = { .struct_size = sizeof component,
                                          .kind_revision = ADZE_TECHNIQUE_REVISION,
                                          .kind = ADZE_TECHNIQUE,
                                          .id = "place",
                                          .summary = "Each element becomes its number",
                                          .threading = ADZE_THREADS_PARALLEL,
                                          .callbacks = &callbacks };
static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = { ADZE_PLUGIN_HEAD,
                                    .id = "place",
                                    .version = "1.0.0",
                                    .summary = "Numbers elements",
                                    .license = "Apache-2.0",
                                    .components = components };
ADZE_PLUGIN_REGISTER (place, plugin);
