/* SPDX-License-Identifier: Apache-2.0 */
/* low-rank: a matrix becomes the product of two narrow ones.
 *
 * Each tensor is seen whole, once to find how much of it a rank keeps and once more to write the factors: what is
 * found in observe is a few numbers, so that no more than the tensors at work are ever in memory. */
#include "low-rank.h"

#include <string.h>

static const adze_param params[] = {
  { .name = "rank", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, 1000000000]",
    .help = "columns of the one factor and rows of the other; 0: by energy or ratio" },
  { .name = "energy", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 1]",
    .help = "the least rank that keeps this share of the sum of squares; 0: by rank or ratio" },
  { .name = "ratio", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 1]",
    .help = "the greatest rank that leaves at most this share of the numbers; 0: by rank or energy" },
  { .name = "method", .type = ADZE_PARAM_CHOICE, .preset = "exact", .choices = "exact|randomised",
    .help = "the best factors that there are, or nearly so in less time" },
  { .name = "beyond", .type = ADZE_PARAM_INT, .preset = "10", .range = "[0, 1000000]",
    .help = "randomised: random sums beside as many as the rank" },
  { .name = "steps", .type = ADZE_PARAM_INT, .preset = "2", .range = "[0, 100]",
    .help = "randomised: how often it goes over the matrix and back" },
  { .name = "on-larger", .type = ADZE_PARAM_CHOICE, .preset = "error", .choices = "error|skip",
    .help = "what to do about a rank with which the factors are larger than the tensor" },
  { .name = "names", .type = ADZE_PARAM_CHOICE, .preset = "uv", .choices = "uv|lora",
    .help = "of the factors of fc.weight: fc.u.weight and fc.v.weight, or fc.lora_B.weight and "
            "fc.lora_A.weight" },
  { .name = NULL }
};

static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  adze_status status = adze_param_only_with (host, values, "beyond", "method", "randomised");
  if (status != ADZE_OK)
    return status;
  *instance = host->allocate (host, sizeof (low_rank));
  return *instance ? ADZE_OK : adze_fail (host, ADZE_E_MEMORY, "no room for its state");
}

static void
destroy (const adze_host *host, void *instance)
{
  low_rank *self = (low_rank *)instance;
  adze_entries_end (host, &self->entries);
  adze_entries_end (host, &self->stayed);
  host->release (host, self);
}

static size_t
accumulator (const adze_host *host, void *instance)
{
  (void)host;
  return ((const low_rank *)instance)->entries.count > 0 ? sizeof (low_rank_seen) : 0;
}

/* A tensor is seen whole: of two accumulators one has seen nothing. */
static adze_status
merge (const adze_host *host, void *instance, void *left, const void *right)
{
  (void)instance;
  const low_rank_seen *from = (const low_rank_seen *)right;
  const low_rank_seen *into = (const low_rank_seen *)left;
  if (from->seen && into->seen)
    return adze_fail (host, ADZE_E_CONTRACT, "a tensor was seen in pieces");
  if (from->seen)
    memcpy (left, right, sizeof *from);
  return ADZE_OK;
}

static const char *const breaks[] = { ADZE_TRAIT_CODEBOOK, ADZE_TRAIT_FROZEN, NULL };

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_CHANGES,
  .grain = ADZE_GRAIN_TENSOR,
  .accumulate = ADZE_OVER_GROUP,
  .breaks = breaks,
  .create = create,
  .destroy = destroy,
  .describe = low_rank_describe,
  .accumulator = accumulator,
  .observe = low_rank_observe,
  .merge = merge,
  .decide = low_rank_decide,
  .apply = low_rank_apply,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "low-rank",
  .summary = "Makes matrices products of two narrow ones",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "low-rank",
  .version = "0.1.0",
  .summary = "Matrices of low rank",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (low_rank, plugin);
