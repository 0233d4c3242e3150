/* SPDX-License-Identifier: Apache-2.0 */
/* A scorer for tests: it goes by quality alone, times a parameter; and one that breaks its word. */
#include <adze/sdk.h>

static adze_status
score (const adze_host *host, const void *own, const adze_params *params, const adze_scorer_query *query,
       const adze_scorer_domain *domains, size_t count, double *scores)
{
  (void)own;
  (void)query;
  for (size_t i = 0; i < count; i++)
    scores[i] = domains[i].terms[ADZE_TERM_QUALITY] * adze_param_float (host, params, "times");
  return ADZE_OK;
}

static const adze_scorer callbacks = { .struct_size = sizeof callbacks, .score = score };

static const adze_param params[] = {
  { .name = "times", .type = ADZE_PARAM_FLOAT, .preset = "1", .range = "[0, 2]", .help = "above 1 it gives what is none" },
  { .name = NULL }
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_SCORER_REVISION,
  .kind = ADZE_SCORER,
  .id = "by-quality",
  .summary = "The best model answers",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "weigh-in",
  .version = "0.1.0",
  .summary = "A scorer for tests",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (weigh_in, plugin);
