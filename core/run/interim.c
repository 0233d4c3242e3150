/* SPDX-License-Identifier: Apache-2.0 */
/* run/interim.c: stands in, by weak symbols, for parts that are on their way; goes when they are
 * there. Each refuses. */
#include "artifact/artifact.h"
#include "work/run_hooks.h"

__attribute__ ((weak)) void
adze_artifact_close (struct adze_artifact *artifact)
{
  free (artifact->type);
  free (artifact->data);
  free (artifact);
}

__attribute__ ((weak)) adze_error *
adze_artifact_check (const char *type, const char *path, const char *data, size_t size)
{
  (void)type;
  (void)data;
  (void)size;
  return adze_error_new (ADZE_E_UNSUPPORTED, "%s: artifacts other than models are on their way", path);
}

__attribute__ ((weak)) adze_error *
adze_dataset_open (adze_runtime *runtime, const char *source, adze_params *params,
                   const adze_dataset_options *options, adze_dataset **dataset)
{
  (void)runtime;
  (void)params;
  (void)options;
  (void)dataset;
  return adze_error_new (ADZE_E_UNSUPPORTED, "%s: datasets are on their way", source);
}

__attribute__ ((weak)) adze_error *
adze_instance_run (adze_instance *instance, const adze_run_hooks *hooks, void *context)
{
  (void)instance;
  (void)hooks;
  (void)context;
  return adze_error_new (ADZE_E_UNSUPPORTED, "techniques with run are on their way");
}
