/* SPDX-License-Identifier: Apache-2.0 */
/* importance-mask: the most important weights as masks, a model of bools, for what is to leave them alone. The port
 * 'protected' of prune-magnitude takes it. */
#include <math.h>
#include <stdlib.h>

#include "hebbian.h"

typedef struct masking {
  const adze_host *host;
  adze_context *context;
  const adze_run_service *run;
  adze_artifact *model;
  double share;
  uint64_t weights, held;
} masking;

static adze_status
create (const adze_host *host, const adze_params *params, void **instance)
{
  (void)host;
  *instance = (void *)(uintptr_t)params;
  return ADZE_OK;
}

/* They are the host's. */
static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

/* ---- One weight. */

static int
by_size (const void *left, const void *right)
{
  float a = *(const float *)left, b = *(const float *)right;
  return a < b ? 1 : a > b ? -1 : 0;
}

/* Number WANTED, from 1, of those in order, and how many of those that are as large come up to there. */
static adze_status
find_cut (const adze_host *host, const hebbian_entry *e, size_t wanted, float *least, size_t *equal)
{
  size_t count = (size_t)e->count;
  float *sorted = (float *)host->allocate (host, count * sizeof *sorted);
  if (!sorted)
    return adze_fail (host, ADZE_E_MEMORY, "no room to sort %zu numbers", count);
  memcpy (sorted, e->numbers, count * sizeof *sorted);
  qsort (sorted, count, sizeof *sorted, by_size);
  *least = sorted[wanted - 1];
  for (*equal = 0; *equal < wanted && sorted[wanted - 1 - *equal] == *least; ++*equal)
    continue;
  host->release (host, sorted);
  return ADZE_OK;
}

/* Of those that are as important as the last one the first ones. */
static adze_status
fill_mask (const masking *m, const hebbian_entry *e, size_t wanted, uint8_t *mask)
{
  float least = 0;
  size_t equal = 0;
  memset (mask, 0, (size_t)e->count);
  adze_status status = wanted > 0 ? find_cut (m->host, e, wanted, &least, &equal) : ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && wanted > 0 && i < e->count; i++) {
    float number = (float)hebbian_importance_at (e, i);
    bool is_equal = number == least && equal > 0;
    equal -= is_equal;
    mask[i] = number > least || is_equal;
  }
  return status;
}

static adze_status
give_mask (masking *m, const hebbian_entry *e, const adze_tensor_meta *weight)
{
  size_t wanted = (size_t)floor (m->share * (double)e->count + 0.5);
  const adze_tensor_meta meta = { .struct_size = sizeof meta, .name = weight->name, .dtype = { ADZE_BOOL, 8, 1 },
                                  .rank = weight->rank, .shape = weight->shape, .byte_size = e->count };
  uint8_t *mask = (uint8_t *)m->host->allocate (m->host, (size_t)e->count + 1);
  if (!mask)
    return adze_fail (m->host, ADZE_E_MEMORY, "no room for the mask of '%s'", weight->name);
  adze_status status = fill_mask (m, e, wanted, mask);
  if (status == ADZE_OK)
    status = m->run->give_tensor (m->host, m->context, "model", &meta, mask);
  m->host->release (m->host, mask);
  m->weights += e->count;
  m->held += wanted;
  return status;
}

static uint64_t
elements_of (const adze_tensor_meta *meta)
{
  uint64_t count = 1;
  for (int32_t i = 0; i < meta->rank; i++)
    count *= (uint64_t)meta->shape[i];
  return count;
}

static adze_status
visit (void *argument, const hebbian_entry *e)
{
  masking *m = (masking *)argument;
  for (size_t i = 0; i < m->run->tensor_count (m->host, m->model); i++) {
    const adze_tensor_meta *weight = m->run->tensor (m->host, m->model, i);
    if (hebbian_entry_is_of (e, weight->name) && elements_of (weight) == e->count)
      return give_mask (m, e, weight);
  }
  return adze_fail (m->host, ADZE_E_NOT_FOUND,
                    "what is bound to 'importance' has %llu numbers for '%.*s', and the model has no such tensor; needed "
                    "is what was measured of the same network",
                    (unsigned long long)e->count, (int)(e->length < 200 ? e->length : 200), e->name);
}

/* ---- All of them. */

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  const adze_params *params = (const adze_params *)instance;
  masking m = { .host = host, .context = context, .run = adze_run_of (host) };
  const void *bytes = NULL;
  size_t size = 0;
  if (!m.run)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_RUN);
  m.share = adze_param_float (host, params, "share");
  m.model = m.run->input (host, context, "model");
  adze_artifact *importance = m.run->input (host, context, "importance");
  if (!m.model || !importance)
    return adze_fail (host, ADZE_E_NOT_FOUND, "nothing is bound to its port '%s'", m.model ? "importance" : "model");
  adze_status status = m.run->bytes (host, importance, &bytes, &size);
  if (status == ADZE_OK)
    status = hebbian_each_importance (host, bytes, size, visit, &m);
  if (status == ADZE_OK)
    status = adze_metric (host, "weights", (double)m.weights, NULL);
  return status == ADZE_OK ? adze_metric (host, "protected", (double)m.held, NULL) : status;
}

static const adze_param params[] = {
  { .name = "share", .type = ADZE_PARAM_FLOAT, .preset = "0.1", .range = "[0, 1]",
    .help = "of each weight's numbers, the most important ones, that the mask has" },
  { .name = NULL }
};

static const adze_port ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_IN, .required = 1,
    .help = "the model whose weights they are" },
  { .name = "importance", .type = "importance", .direction = ADZE_PORT_IN, .required = 1,
    .help = "how important they are, from hebbian with 'measure'" },
  { .name = "model", .type = "model", .direction = ADZE_PORT_OUT,
    .help = "a bool for each number of these weights, true for those that matter most" },
  { .name = NULL }
};

/* Masks claim nothing that weights do. */
static const char *const breaks[] = { ADZE_TRAIT_SPARSITY, ADZE_TRAIT_NM, ADZE_TRAIT_CODEBOOK, ADZE_TRAIT_FROZEN, NULL };

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_CHANGES,
  .ports = ports,
  .port_size = sizeof (adze_port),
  .breaks = breaks,
  .create = create,
  .destroy = destroy,
  .run = run,
  .rehearses = 1,
};

const adze_component hebbian_mask_component = {
  .struct_size = sizeof hebbian_mask_component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "importance-mask",
  .summary = "Makes a model of masks of the weights that matter most",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};
