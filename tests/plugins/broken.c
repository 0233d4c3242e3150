/* SPDX-License-Identifier: Apache-2.0 */
/* One plugin, broken in one way: -DBROKEN_... says which. Built by tests/unit/test-refusals.c. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <adze/sdk.h>

#ifndef PLUGIN_ID
#define PLUGIN_ID "broken"
#endif
#ifndef COMPONENT_ID
#define COMPONENT_ID PLUGIN_ID
#endif

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  adze_view out;
  (void)instance;
  return adze_call_output_like (host, call, input, &out);
}

static const adze_param params[] = {
#ifdef BROKEN_RESERVED_NAME
  { .name = "isolate", .type = ADZE_PARAM_BOOL, .preset = "false", .help = "taken" },
#endif
#ifdef BROKEN_PRESET
  { .name = "share", .type = ADZE_PARAM_FLOAT, .preset = "2", .range = "[0, 1]", .help = "a share" },
#endif
#ifdef BROKEN_ENDLESS_TABLE
#define ROW { .name = "a", .type = ADZE_PARAM_BOOL, .preset = "true", .help = "once more" }
#define ROWS_8 ROW, ROW, ROW, ROW, ROW, ROW, ROW, ROW
#define ROWS_64 ROWS_8, ROWS_8, ROWS_8, ROWS_8, ROWS_8, ROWS_8, ROWS_8, ROWS_8
  ROWS_64, ROWS_64, ROWS_64, ROWS_64, ROWS_64,
#else
  { .name = NULL },
#endif
};

static const adze_technique technique = {
  .struct_size = sizeof technique,
  .effect = ADZE_CHANGES,
#ifndef BROKEN_NO_APPLY
  .apply = apply,
#endif
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
#ifdef BROKEN_KIND
  .kind = "tecnique",
#else
  .kind = ADZE_TECHNIQUE,
#endif
  .id = COMPONENT_ID,
  .summary = "is broken",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &technique,
};

static const adze_component *const components[] = { &component, NULL };

#ifdef BROKEN_UNDEFINED_SYMBOL
extern int not_to_be_found_anywhere (void);
#endif
#ifdef BROKEN_MISSING_LIBRARY
extern int lost (void);
#endif

static adze_status
init (const adze_host *host)
{
#ifdef BROKEN_UNDEFINED_SYMBOL
  if (not_to_be_found_anywhere ())
    return ADZE_E_INTERNAL;
#endif
#ifdef BROKEN_MISSING_LIBRARY
  if (lost ())
    return ADZE_E_INTERNAL;
#endif
#ifdef BROKEN_INIT
  return adze_fail (host, ADZE_E_UNSUPPORTED, "the moon is in the wrong quarter");
#endif
  (void)host;
  return ADZE_OK;
}

static const adze_plugin plugin = {
#ifdef BROKEN_MAGIC
  .magic = 0x12345678,
#else
  .magic = ADZE_MAGIC,
#endif
#if defined BROKEN_SHORT
  .struct_size = 20,
#elif defined BROKEN_ABSURD_SIZE
  .struct_size = 0x7fffffff,
#else
  .struct_size = sizeof plugin,
#endif
#ifdef BROKEN_FUTURE_MAJOR
  .abi_major = 9,
#else
  .abi_major = ADZE_ABI_MAJOR,
#endif
#ifdef BROKEN_FUTURE_MINOR
  .abi_minor = 77,
#else
  .abi_minor = ADZE_API_VERSION,
#endif
  .id = PLUGIN_ID,
  .version = "1.0",
  .summary = "a plugin for a test",
  .license = "Apache-2.0",
  .components = components,
  .init = init,
};

#ifndef BROKEN_NO_ENTRY
__attribute__ ((visibility ("default"))) const adze_plugin *adze_entry (void);

const adze_plugin *
adze_entry (void)
{
#if defined BROKEN_CRASH
  raise (SIGSEGV);
#elif defined BROKEN_EXIT
  exit (0);
#elif defined BROKEN_HANG
  for (;;)
    pause ();
#elif defined BROKEN_NULL
  return NULL;
#endif
  return &plugin;
}
#else
const adze_plugin *unused (void);

const adze_plugin *
unused (void)
{
  return &plugin;
}
#endif
