/* SPDX-License-Identifier: Apache-2.0 */
/* A technique for tests that doubles every number, and before the first waits for somebody: it makes
 * the file BEFORE, and goes on once the file AFTER is there. Without BEFORE it waits for nobody. */
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <adze/sdk.h>

static const adze_param params[] = {
  { .name = "before", .type = ADZE_PARAM_STRING, .preset = "", .help = "a file that is made" },
  { .name = "after", .type = ADZE_PARAM_STRING, .preset = "", .help = "a file to wait for" },
  { .name = NULL }
};

static atomic_flag waited = ATOMIC_FLAG_INIT;

static void
wait_once (const char *before, const char *after)
{
  const struct timespec moment = { .tv_nsec = 5000000 };
  if (before[0] == '\0' || atomic_flag_test_and_set (&waited))
    return;
  FILE *made = fopen (before, "w");
  if (made)
    fclose (made);
  for (int i = 0; i < 6000 && access (after, F_OK) != 0; i++)
    nanosleep (&moment, NULL);
}

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  const adze_params *values = adze_call_params (host, call);
  adze_view output;
  (void)instance;
  wait_once (adze_param_string (host, values, "before"), adze_param_string (host, values, "after"));
  adze_status status = adze_call_output_like (host, call, input, &output);
  if (status != ADZE_OK)
    return status;
  const float *from = adze_view_data (&input->view);
  float *into = adze_view_data (&output);
  for (size_t i = 0; i < adze_view_count (&output); i++)
    into[i] = from[i] * 2;
  return ADZE_OK;
}

static const adze_technique callbacks = { .struct_size = sizeof callbacks,
                                          .effect = ADZE_CHANGES,
                                          .grain = ADZE_GRAIN_ELEMENT,
                                          .apply = apply };

static const adze_component component = { .struct_size = sizeof component,
                                          .kind_revision = ADZE_TECHNIQUE_REVISION,
                                          .kind = ADZE_TECHNIQUE,
                                          .id = "slow",
                                          .summary = "Doubles when it is let",
                                          .params = params,
                                          .param_size = sizeof params[0],
                                          .threading = ADZE_THREADS_PARALLEL,
                                          .callbacks = &callbacks };
static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = { ADZE_PLUGIN_HEAD,
                                    .id = "slow",
                                    .version = "1.0.0",
                                    .summary = "Waits for somebody",
                                    .license = "Apache-2.0",
                                    .components = components };
ADZE_PLUGIN_REGISTER (slow, plugin);
