/* SPDX-License-Identifier: Apache-2.0 */
/* A source that breaks a rule of its contract, the one that WRONG says. 0: none. */
#include <adze/sdk.h>

#ifndef WRONG
#define WRONG 0
#endif

static const int64_t shape[] = { 2 };

static adze_status
open_crooked (const adze_host *host, const adze_params *params, adze_schema *schema,
              void **instance)
{
  const adze_schema_service *service = adze_schema_of (host);
  adze_column number = { "x", 0, 1, { ADZE_FLOAT, 32, 1 }, 0, shape };
  adze_column text = { "t", 1, 0, { 0, 0, 0 }, 0, NULL };
  (void)params;
  *instance = host->allocate (host, 1);
  if (!*instance)
    return adze_fail (host, ADZE_E_MEMORY, "no room");
  if (WRONG == 4)
    number.name = "t";
  if (WRONG == 6)
    number.dtype.bits = 31;
  if (WRONG == 7)
    number.rank = 33;
  if (WRONG == 13)
    text.name = "";
  adze_status status = WRONG == 2 ? ADZE_OK : service->column (host, schema, &number);
  if (status == ADZE_OK && WRONG != 2)
    status = service->column (host, schema, &text);
  if (status == ADZE_OK && WRONG != 1)
    status = service->count (host, schema, WRONG == 5 ? 0 : 10);
  if (status == ADZE_OK && WRONG == 3)
    status = service->count (host, schema, 10);
  if (status != ADZE_OK)
    host->release (host, *instance);
  return status;
}

static void
close_crooked (const adze_host *host, void *instance)
{
  host->release (host, instance);
}

static adze_status
read_crooked (const adze_host *host, void *instance, const uint64_t *examples, size_t count,
              adze_batch *batch)
{
  const adze_batch_service *service = adze_batch_of (host);
  (void)instance;
  if (WRONG != 8) {
    float *room = (float *)service->room (host, batch, WRONG == 9 ? 1 : 0);
    for (size_t i = 0; room && i < 2 * count; i++)
      room[i] = (float)examples[i / 2];
  }
  for (size_t i = 0; i + (WRONG == 10) < count; i++) {
    char name[1] = { (char)('a' + examples[i] % 26) };
    adze_status status
        = service->text (host, batch, WRONG == 12 ? 5 : 1, WRONG == 11 ? 0 : i,
                         (adze_text){ name, sizeof name });
    if (status != ADZE_OK)
      return status;
  }
  return ADZE_OK;
}

static const adze_source callbacks = { .struct_size = sizeof callbacks,
                                       .open = open_crooked,
                                       .close = close_crooked,
                                       .read = read_crooked };

static const adze_component component = { .struct_size = sizeof component,
                                          .kind_revision = ADZE_SOURCE_REVISION,
                                          .kind = ADZE_SOURCE,
                                          .id = "crooked",
                                          .summary = "Breaks a rule",
                                          .threading = ADZE_THREADS_PLUGIN,
                                          .callbacks = &callbacks };

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = { ADZE_PLUGIN_HEAD,
                                    .id = "crooked",
                                    .version = "1.0.0",
                                    .summary = "For tests",
                                    .license = "Apache-2.0",
                                    .components = components };

ADZE_PLUGIN_REGISTER (crooked, plugin);
