/* SPDX-License-Identifier: Apache-2.0 */
/* A technique whose answer has elements that are no whole bytes: each input number becomes one
 * element, packed from the lowest bit on. */
#include <string.h>

#include <adze/sdk.h>

static const adze_param params[] = {
  { .name = "code", .type = ADZE_PARAM_INT, .preset = "1", .help = "the type's code" },
  { .name = "bits", .type = ADZE_PARAM_INT, .preset = "12", .help = "the type's bits" },
  { .name = "lanes", .type = ADZE_PARAM_INT, .preset = "1", .help = "the type's lanes" },
  { .name = NULL },
};

static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  adze_dtype *dtype = host->allocate (host, sizeof *dtype);
  if (!dtype)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the type");
  dtype->code = (uint8_t)adze_param_int (host, values, "code");
  dtype->bits = (uint8_t)adze_param_int (host, values, "bits");
  dtype->lanes = (uint16_t)adze_param_int (host, values, "lanes");
  *instance = dtype;
  return ADZE_OK;
}

static void
destroy (const adze_host *host, void *instance)
{
  host->release (host, instance);
}

static adze_status
describe (const adze_host *host, void *instance, adze_outline *outline)
{
  const adze_outline_service *service = adze_outline_of (host);
  const adze_dtype *dtype = instance;
  adze_status status = ADZE_OK;
  for (uint32_t i = 0; status == ADZE_OK && i < service->count (host, outline, 0); i++)
    status = adze_outline_retype (host, outline, (adze_pick){ 0, i }, *dtype, "packed");
  return status;
}

/* The numbers fill 64 bits of an element at most; lanes behind those stay 0. */
static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  const adze_dtype *dtype = instance;
  adze_view out;
  if (!adze_view_is (&input->view, ADZE_INT, 64))
    return adze_fail (host, ADZE_E_UNSUPPORTED, "tensor '%s' is not plain i64", input->name);
  adze_status status
      = adze_call_output (host, call, *dtype, input->view.rank, input->view.shape, &out);
  if (status != ADZE_OK)
    return status;
  const uint64_t *from = adze_view_data (&input->view);
  unsigned char *into = adze_view_data (&out);
  size_t size = (size_t)dtype->bits * dtype->lanes, at = 0;
  memset (into, 0, (adze_view_count (&out) * size + 7) / 8);
  for (size_t i = 0; i < adze_view_count (&out); i++)
    for (size_t bit = 0; bit < size; bit++, at++)
      if (bit < 64 && from[i] >> bit & 1)
        into[at / 8] = (unsigned char)(into[at / 8] | 1u << at % 8);
  return ADZE_OK;
}

static const adze_technique technique = {
  .struct_size = sizeof technique,
  .effect = ADZE_CHANGES,
  .create = create,
  .destroy = destroy,
  .describe = describe,
  .apply = apply,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "packed",
  .summary = "packs numbers",
  .params = params,
  .param_size = sizeof params[0],
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &technique,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin packed = {
  ADZE_PLUGIN_HEAD,
  .id = "packed",
  .version = "1.0.0",
  .summary = "for tests",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (packed, packed);
