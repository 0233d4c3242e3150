/* SPDX-License-Identifier: Apache-2.0 */
/* Techniques whose groups have several tensors, for tests of what lies where meanwhile.
 *
 *   gather       so many of a model's tensors, in its order, become one, "gathered.N", with the bytes of one
 *                after the other
 *   gather-each  each of them stays one, the numbers of the first doubled, of the next tripled ... (f32) */
#include <stdio.h>
#include <string.h>

#include <adze/sdk.h>

enum { MOST = 64 };

static const adze_param params[] = {
  { .name = "count", .type = ADZE_PARAM_INT, .preset = "3", .range = "[1, 64]",
    .help = "so many become one; the last one may be of fewer" },
  { .name = NULL }
};

/* An instance is its parameters. */
static adze_status
create (const adze_host *host, const adze_params *given, void **instance)
{
  (void)host;
  *instance = (void *)(uintptr_t)given;
  return ADZE_OK;
}

static void
destroy (const adze_host *host, void *instance)
{
  (void)host, (void)instance;
}

static adze_status
gather (const adze_host *host, adze_outline *outline, uint32_t first, uint32_t count)
{
  const adze_outline_service *service = adze_outline_of (host);
  adze_pick picks[MOST];
  int64_t shape[1] = { 0 };
  char name[32];
  for (uint32_t i = 0; i < count; i++) {
    picks[i] = (adze_pick){ 0, first + i };
    const adze_tensor_meta *meta = service->tensor (host, outline, picks[i]);
    int64_t elements = 1;
    for (int32_t d = 0; d < meta->rank; d++)
      elements *= meta->shape[d];
    shape[0] += elements;
  }
  adze_tensor_meta made = *service->tensor (host, outline, picks[0]);
  snprintf (name, sizeof name, "gathered.%u", (unsigned)first);
  made.name = name;
  made.rank = 1;
  made.shape = shape;
  made.byte_size = 0; /* as its shape and type say */
  adze_group group = { sizeof group, count, picks, &made, 1, sizeof made, 0, 0, "gathered", 0, 0, 0 };
  return service->group (host, outline, &group);
}

static adze_status
keep_each (const adze_host *host, adze_outline *outline, uint32_t first, uint32_t count)
{
  const adze_outline_service *service = adze_outline_of (host);
  adze_pick picks[MOST];
  adze_tensor_meta made[MOST];
  for (uint32_t i = 0; i < count; i++) {
    picks[i] = (adze_pick){ 0, first + i };
    made[i] = *service->tensor (host, outline, picks[i]);
  }
  adze_group group = { sizeof group, count, picks, made, count, sizeof *made, 0, 0, "each", 0, 0, 0 };
  return service->group (host, outline, &group);
}

typedef adze_status (*grouping) (const adze_host *host, adze_outline *outline, uint32_t first,
                                 uint32_t count);

static adze_status
announce (const adze_host *host, void *instance, adze_outline *outline, grouping group)
{
  uint32_t all = adze_outline_of (host)->count (host, outline, 0);
  uint32_t count = (uint32_t)adze_param_int (host, instance, "count");
  adze_status status = ADZE_OK;
  for (uint32_t first = 0; status == ADZE_OK && first < all; first += count)
    status = group (host, outline, first, all - first < count ? all - first : count);
  return status;
}

static adze_status
describe (const adze_host *host, void *instance, adze_outline *outline)
{
  return announce (host, instance, outline, gather);
}

static adze_status
describe_each (const adze_host *host, void *instance, adze_outline *outline)
{
  return announce (host, instance, outline, keep_each);
}

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  const adze_call_service *service = adze_call_of (host);
  adze_view out;
  (void)instance;
  adze_status status = service->output_at (host, call, 0, &out);
  if (status != ADZE_OK)
    return status;
  char *to = adze_view_data (&out);
  for (size_t i = 0; (input = service->input (host, call, i)); i++) {
    memcpy (to, adze_view_data (&input->view), (size_t)input->byte_size);
    to += input->byte_size;
  }
  return ADZE_OK;
}

static adze_status
apply_each (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  const adze_call_service *service = adze_call_of (host);
  (void)instance;
  for (size_t i = 0; (input = service->input (host, call, i)); i++) {
    adze_view out;
    adze_status status = service->output_at (host, call, i, &out);
    if (status != ADZE_OK)
      return status;
    const float *from = adze_view_data (&input->view);
    float *to = adze_view_data (&out);
    for (size_t k = 0; k < adze_view_count (&out); k++)
      to[k] = from[k] * (float)(i + 2);
  }
  return ADZE_OK;
}

#define GATHER(variable, name, text, ...) \
  static const adze_technique variable = { .struct_size = sizeof variable, \
                                           .effect = ADZE_CHANGES, \
                                           .grain = ADZE_GRAIN_TENSOR, \
                                           .create = create, \
                                           .destroy = destroy, \
                                           __VA_ARGS__ }; \
  static const adze_component variable##_component = { \
    .struct_size = sizeof variable##_component, \
    .kind_revision = ADZE_TECHNIQUE_REVISION, \
    .kind = ADZE_TECHNIQUE, \
    .id = name, \
    .summary = text, \
    .params = params, \
    .param_size = sizeof (adze_param), \
    .threading = ADZE_THREADS_PARALLEL, \
    .callbacks = &variable, \
  }

GATHER (one, "gather", "several tensors become one", .describe = describe, .apply = apply);
GATHER (each, "gather-each", "several tensors are worked on at a time", .describe = describe_each,
        .apply = apply_each);

static const adze_component *const components[] = { &one_component, &each_component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,        .id = "gather",
  .version = "1.0",        .summary = "for tests of groups of several tensors",
  .license = "Apache-2.0", .components = components,
};

ADZE_PLUGIN_REGISTER (gather, plugin);
