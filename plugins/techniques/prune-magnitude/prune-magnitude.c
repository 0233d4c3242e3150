/* SPDX-License-Identifier: Apache-2.0 */
/* prune-magnitude: the smallest weights become zero; prune-blocks: the blocks of the smallest norms. */
#include "prune.h"

#define PRUNE_SCOPE \
  { .name = "scope", .type = ADZE_PARAM_CHOICE, .preset = "global", .choices = "global|tensor", \
    .help = "the share is one of all tensors together, or of each" }
#define PRUNE_SPARSITY \
  { .name = "sparsity", .type = ADZE_PARAM_FLOAT, .preset = "0.5", .range = "[0, 1]", \
    .help = "share that becomes zero; what is zero already counts" }
#define PRUNE_THRESHOLD \
  { .name = "threshold", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, inf)", \
    .help = "in the place of a share: all that is smaller than this; 0: by share" }
#define PRUNE_MIN_KEPT \
  { .name = "min-kept", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 1]", \
    .help = "share of each tensor that stays at least" }
#define PRUNE_VECTORS \
  { .name = "vectors", .type = ADZE_PARAM_BOOL, .preset = "false", \
    .help = "prune tensors of fewer than two dimensions too: biases, norms" }
#define PRUNE_NOT_FINITE \
  { .name = "not-finite", .type = ADZE_PARAM_CHOICE, .preset = "error", .choices = "error|keep", \
    .help = "what to do about a NaN or an infinity: the run fails, or it stays and is not counted" }

static const adze_param params[] = {
  PRUNE_SCOPE,
  PRUNE_SPARSITY,
  PRUNE_THRESHOLD,
  { .name = "pattern", .type = ADZE_PARAM_STRING, .preset = "unstructured",
    .help = "\"unstructured\": single weights; \"2:4\": 2 of 4 neighbours in a row stay, or any N:M" },
  PRUNE_MIN_KEPT,
  PRUNE_VECTORS,
  PRUNE_NOT_FINITE,
  { .name = NULL }
};

static const adze_param block_params[] = {
  PRUNE_SCOPE,
  PRUNE_SPARSITY,
  PRUNE_THRESHOLD,
  { .name = "block", .type = ADZE_PARAM_STRING, .preset = "4x4",
    .help = "rows and columns of a block, in the matrix of the first dimension and all others" },
  { .name = "norm", .type = ADZE_PARAM_CHOICE, .preset = "l1", .choices = "l1|l2",
    .help = "by which blocks are compared: mean magnitude, or root of the mean square" },
  PRUNE_MIN_KEPT,
  PRUNE_VECTORS,
  PRUNE_NOT_FINITE,
  { .name = NULL }
};

/* ---- Life. */

/* Two that cannot both be meant; a threshold of 0 says that the share counts. A rule is not to blame for what the stage says
 * to other tensors. */
adze_status
prune_check_params (const adze_host *host, const prune *self, const adze_params *values, const prune_pattern *pattern)
{
  double threshold = adze_param_float (host, values, "threshold");
  bool has_threshold = adze_param_is_given (host, values, "threshold")
                       && !(self && self->has_threshold && self->threshold == threshold);
  bool has_share = adze_param_is_given (host, values, "sparsity")
                   && !(self && self->has_share && self->sparsity == adze_param_float (host, values, "sparsity"));
  if (pattern->shape == PRUNE_OF_M && (has_threshold || has_share))
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter '%s' has no meaning with pattern = \"%u:%u\", which says itself how "
                      "many go; leave it out",
                      has_threshold ? "threshold" : "sparsity", pattern->n, pattern->m);
  return threshold == 0 ? ADZE_OK : adze_param_not_both (host, values, "threshold", "sparsity");
}

static adze_status
create_with (const adze_host *host, const adze_params *values, bool blocks, void **instance)
{
  prune *self = (prune *)host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  self->blocks = blocks;
  self->global = strcmp (adze_param_string (host, values, "scope"), "global") == 0;
  self->sparsity = adze_param_float (host, values, "sparsity");
  self->threshold = adze_param_float (host, values, "threshold");
  adze_status status = prune_pattern_of (host, values, blocks, NULL, &self->pattern);
  if (status == ADZE_OK)
    status = prune_check_params (host, NULL, values, &self->pattern);
  self->has_threshold = adze_param_is_given (host, values, "threshold");
  self->has_share = adze_param_is_given (host, values, "sparsity");
  if (status == ADZE_OK)
    *instance = self;
  else
    host->release (host, self);
  return status;
}

static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  return create_with (host, values, false, instance);
}

static adze_status
create_blocks (const adze_host *host, const adze_params *values, void **instance)
{
  return create_with (host, values, true, instance);
}

static void
destroy (const adze_host *host, void *instance)
{
  prune *self = (prune *)instance;
  adze_entries_end (host, &self->tensors);
  void *const parts[] = { self->reach, self->entries, self };
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
    if (parts[i])
      host->release (host, parts[i]);
}

static size_t
accumulator (const adze_host *host, void *instance)
{
  (void)host;
  return prune_sums_size (&((const prune *)instance)->grain);
}

/* ---- Apply: single weights. */

/* The least magnitude of a shorter type that is not below the threshold. */
static uint16_t
half_threshold (uint32_t threshold, bool bfloat)
{
  uint32_t low = 0, high = 0x7c00;
  if (bfloat)
    return (uint16_t)((threshold + 0xffff) >> 16);
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (adze_float_bits (adze_half_to_float ((uint16_t)middle)) < threshold)
      low = middle + 1;
    else
      high = middle;
  }
  return (uint16_t)low;
}

static void
prune_below (adze_dtype dtype, void *out, const void *in, size_t count, uint32_t threshold)
{
  if (dtype.bits == 32)
    prune_floats ((uint32_t *)out, (const uint32_t *)in, count, threshold);
  else
    prune_halves ((uint16_t *)out, (const uint16_t *)in, count,
                  half_threshold (threshold, dtype.code == ADZE_BFLOAT));
}

/* Before the cut's place those go that are as large as the cut, too. */
static void
prune_weights (const prune_tensor *tensor, const adze_view *view, uint64_t first, void *out)
{
  const char *in = (const char *)adze_view_data (view);
  size_t count = adze_view_count (view), size = view->dtype.bits / 8;
  uint32_t threshold = prune_key_size (tensor->cut);
  uint64_t place = tensor->cut & (PRUNE_PLACES - 1);
  size_t early = place <= first ? 0 : place - first < count ? (size_t)(place - first) : count;
  prune_below (view->dtype, out, in, early, threshold + 1);
  prune_below (view->dtype, (char *)out + early * size, in + early * size, count - early, threshold);
}

/* ---- Apply: blocks. */

/* Those that are protected, as they were. */
static void
put_back (const adze_tensor *mask, const adze_view *view, void *out)
{
  const uint8_t *held = (const uint8_t *)adze_view_data (&mask->view);
  const char *in = (const char *)adze_view_data (view);
  size_t count = adze_view_count (view), size = view->dtype.bits / 8;
  for (size_t i = 0; i < count; i++)
    if (held[i])
      memcpy ((char *)out + i * size, in + i * size, size);
}

static void
clear_block (const prune_tensor *tensor, uint64_t down, uint64_t across, size_t size, char *out)
{
  const prune_grid *grid = &tensor->grid;
  uint64_t row = down * tensor->pattern.rows, column = across * tensor->pattern.columns;
  uint64_t last = row + tensor->pattern.rows;
  uint64_t width = grid->columns - column;
  width = width < tensor->pattern.columns ? width : tensor->pattern.columns;
  for (; row < last && row < grid->rows; row++)
    memset (out + (row * grid->columns + column) * size, 0, (size_t)width * size);
}

static void
prune_blocks (const prune_tensor *tensor, const adze_view *view, void *out)
{
  const prune_grid *grid = &tensor->grid;
  uint32_t sizes[PRUNE_BLOCK];
  size_t size = view->dtype.bits / 8;
  memcpy (out, adze_view_data (view), adze_view_count (view) * size);
  for (uint64_t down = 0; down < grid->down; down++)
    for (uint64_t first = 0; first < grid->across; first += PRUNE_BLOCK) {
      size_t count = grid->across - first < PRUNE_BLOCK ? (size_t)(grid->across - first) : PRUNE_BLOCK;
      prune_norms (&tensor->pattern, grid, view, down, first, count, sizes);
      for (size_t i = 0; i < count; i++)
        if (sizes[i] < PRUNE_INFINITE
            && prune_key (sizes[i], down * grid->across + first + i) < tensor->cut)
          clear_block (tensor, down, first + i, size, (char *)out);
    }
}

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  const prune *self = (const prune *)instance;
  const prune_tensor *tensor = prune_tensor_of (self, input->name);
  adze_status status = prune_check_plain (host, input);
  bool of_m = tensor && tensor->pattern.shape == PRUNE_OF_M;
  /* One of which nothing goes stays as it is. */
  if (status != ADZE_OK || !tensor || (!of_m && tensor->cut == 0))
    return status;
  adze_view out;
  adze_place place;
  adze_call_of (host)->place (host, call, &place);
  status = adze_call_output_like (host, call, input, &out);
  if (status != ADZE_OK)
    return status;
  void *to = adze_view_data (&out);
  if (of_m)
    prune_of_m (&tensor->pattern, input->view.dtype, adze_view_data (&input->view), to, tensor->row,
                adze_view_count (&input->view));
  else if (tensor->pattern.shape == PRUNE_BLOCKS)
    prune_blocks (tensor, &input->view, to);
  else
    prune_weights (tensor, &input->view, place.first, to);
  if (tensor->masked)
    put_back (adze_call_of (host)->input (host, call, 1), &input->view, to);
  return ADZE_OK;
}

/* Zero stays zero; a codebook may get one value more, which describe says of each tensor. */
static const char *const preserves[] = { ADZE_TRAIT_SPARSITY, ADZE_TRAIT_NM, NULL };
static const char *const breaks[] = { ADZE_TRAIT_CODEBOOK, ADZE_TRAIT_FROZEN, NULL };

static const adze_port ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_IN, .required = 1,
    .help = "the model whose weights are pruned" },
  { .name = "protected", .type = "model", .direction = ADZE_PORT_IN,
    .help = "masks: bools in the shape of a tensor, by its name; where they are true, the weight stays" },
  { .name = "model", .type = "model", .direction = ADZE_PORT_OUT, .help = "the model with zeros" },
  { .name = NULL }
};

#define PRUNE_TECHNIQUE(ports_, grain_, create_) \
  { \
    .struct_size = sizeof (adze_technique), .effect = ADZE_CHANGES, .ports = ports_, \
    .port_size = sizeof (adze_port), .grain = grain_, \
    .accumulate = ADZE_OVER_GROUP, .preserves = preserves, .breaks = breaks, .create = create_, \
    .destroy = destroy, .describe = prune_describe, .accumulator = accumulator, \
    .observe = prune_observe, .merge = prune_merge, .decide = prune_decide, .apply = apply, \
  }

/* A block of several rows may lie in two pieces of a tensor that is cut. */
static const adze_technique callbacks = PRUNE_TECHNIQUE (ports, ADZE_GRAIN_ROW, create);
static const adze_technique block_callbacks = PRUNE_TECHNIQUE (NULL, ADZE_GRAIN_TENSOR, create_blocks);

#define PRUNE_COMPONENT(id_, summary_, params_, callbacks_) \
  { \
    .struct_size = sizeof (adze_component), .kind_revision = ADZE_TECHNIQUE_REVISION, \
    .kind = ADZE_TECHNIQUE, .id = id_, .summary = summary_, .params = params_, \
    .param_size = sizeof (adze_param), .threading = ADZE_THREADS_PARALLEL, \
    .callbacks = callbacks_, \
  }

static const adze_component component = PRUNE_COMPONENT (
    "prune-magnitude", "Makes the smallest weights zero", params, &callbacks);
static const adze_component block_component = PRUNE_COMPONENT (
    "prune-blocks", "Makes the blocks of the smallest norms zero", block_params, &block_callbacks);

static const adze_component *const components[]
    = { &component, &block_component, &prune_mask_component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "prune-magnitude",
  .version = "0.1.0",
  .summary = "Pruning by magnitude",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (prune_magnitude, plugin);
