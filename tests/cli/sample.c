/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin that the tests of the command play with: one technique in good order, one that can be
 * told to misbehave, and an observer. */
#include <stdlib.h>
#include <string.h>

#include <adze/sdk.h>

static const adze_param scale_params[] = {
  { .name = "factor", .type = ADZE_PARAM_FLOAT, .preset = "2.0", .range = "(0, inf)",
    .unit = "times", .help = "what each number is multiplied by" },
  { .name = NULL },
};

static adze_status
scale_create (const adze_host *host, const adze_params *params, void **instance)
{
  double *factor = host->allocate (host, sizeof *factor);
  if (!factor)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the factor");
  *factor = adze_param_float (host, params, "factor");
  adze_log (host, ADZE_LOG_DEBUG, "the factor is %g", *factor);
  *instance = factor;
  return ADZE_OK;
}

/* SAMPLE_END in the environment: how it goes wrong. */
static void
scale_destroy (const adze_host *host, void *instance)
{
  const char *how = getenv ("SAMPLE_END");
  if (how && strcmp (how, "abort") == 0)
    abort ();
  if (how && strcmp (how, "exit") == 0)
    exit (0);
  if (how && strcmp (how, "keep") == 0)
    return;
  host->release (host, instance);
}

/* Numbers of other types are left as they are. */
static adze_status
scale_apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  adze_view out;
  if (!adze_view_is (&input->view, ADZE_FLOAT, 32))
    return ADZE_OK;
  adze_status status = adze_call_output_like (host, call, input, &out);
  if (status != ADZE_OK)
    return status;
  const float *from = adze_view_data (&input->view);
  float *to = adze_view_data (&out);
  for (size_t i = 0; i < adze_view_count (&out); i++)
    to[i] = (float)(from[i] * *(const double *)instance);
  return ADZE_OK;
}

static const adze_technique scale = {
  .struct_size = sizeof scale,
  .effect = ADZE_CHANGES,
  .port_size = sizeof (adze_port),
  .create = scale_create,
  .destroy = scale_destroy,
  .apply = scale_apply,
};

static const adze_component scale_component = {
  .struct_size = sizeof scale_component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "sample-scale",
  .summary = "multiplies every number",
  .params = scale_params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &scale,
};

static adze_status
spoil_apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  (void)instance;
  (void)call;
  const float *from = adze_view_data (&input->view);
  if (from[0] < 0)
    abort ();
  while (from[0] > 1000)
    ;
  return adze_fail (host, ADZE_E_UNSUPPORTED, "it was told to");
}

static const adze_technique spoil = {
  .struct_size = sizeof spoil,
  .effect = ADZE_CHANGES,
  .port_size = sizeof (adze_port),
  .apply = spoil_apply,
};

static const adze_component spoil_component = {
  .struct_size = sizeof spoil_component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "sample-spoil",
  .summary = "fails; crashes on a negative number, hangs on one above 1000",
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &spoil,
};

/* SAMPLE_WATCH in the environment: how it goes wrong. */
static adze_status
count_event (const adze_host *host, void *instance, const adze_event *event)
{
  const char *how = getenv ("SAMPLE_WATCH");
  (void)instance;
  if (how && strcmp (how, "abort") == 0)
    abort ();
  if (how && strcmp (how, "fail") == 0)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "it was told to stop watching");
  fprintf (stderr, "sample-watch saw %s\n", event->id);
  return ADZE_OK;
}

static const adze_observer watch = { .struct_size = sizeof watch, .event = count_event };

static const adze_component watch_component = {
  .struct_size = sizeof watch_component,
  .kind_revision = ADZE_OBSERVER_REVISION,
  .kind = ADZE_OBSERVER,
  .id = "sample-watch",
  .summary = "says each event's id",
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &watch,
};

static const adze_component *const components[]
    = { &scale_component, &spoil_component, &watch_component, NULL };

static const adze_plugin sample = {
  ADZE_PLUGIN_HEAD,
  .id = "sample",
  .version = "1.2.3",
  .summary = "for tests",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (sample, sample);
