/* SPDX-License-Identifier: Apache-2.0 */
/* run/interim.c: stands in, by weak symbols, for parts that are on their way; goes when they are
 * there. Each refuses. */
#include "work/run_hooks.h"

__attribute__ ((weak)) adze_error *
adze_instance_run (adze_instance *instance, const adze_run_hooks *hooks, void *context)
{
  (void)instance;
  (void)hooks;
  (void)context;
  return adze_error_new (ADZE_E_UNSUPPORTED, "techniques with run are on their way");
}
