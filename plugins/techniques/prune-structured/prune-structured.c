/* SPDX-License-Identifier: Apache-2.0 */
/* prune-structured: whole channels go, out of a network or to zero. */
#include "structured.h"

static const adze_param params[] = {
  { .name = "of", .type = ADZE_PARAM_CHOICE, .preset = "filters", .choices = "filters|channels|heads",
    .help = "compared are the weights that make a channel, those that take it, or whole heads of attention" },
  { .name = "norm", .type = ADZE_PARAM_CHOICE, .preset = "l2", .choices = "l1|l2|geometric-median",
    .help = "what is compared: sum of magnitudes, root of the sum of squares, or distance to all others" },
  { .name = "sparsity", .type = ADZE_PARAM_FLOAT, .preset = "0.5", .range = "[0, 1]",
    .help = "share of the channels of each layer that goes" },
  { .name = "count", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, inf)",
    .help = "in the place of a share: so many channels of each layer go; 0: by share" },
  { .name = "min-kept", .type = ADZE_PARAM_INT, .preset = "1", .range = "[1, inf)",
    .help = "so many channels of each layer stay at least" },
  { .name = "multiple", .type = ADZE_PARAM_INT, .preset = "1", .range = "[1, inf)",
    .help = "what stays of a layer is a multiple of this; rather more stays than less" },
  { .name = "heads", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, inf)",
    .help = "of a model without a network: how many heads a weight makes" },
  { .name = "shrink", .type = ADZE_PARAM_BOOL, .preset = "true",
    .help = "take channels out of the network; false: they become zero, and all shapes stay" },
  { .name = NULL }
};

/* ---- Life. */

static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  structured *self = (structured *)host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  memset (self, 0, sizeof *self);
  self->heads = adze_param_int (host, values, "heads");
  self->wants_shrink = adze_param_bool (host, values, "shrink");
  adze_status status = structured_wish_of (host, self, values, NULL, &self->wish);
  if (status == ADZE_OK)
    status = adze_param_only_with (host, values, "heads", "of", "heads");
  if (status == ADZE_OK)
    *instance = self;
  else
    host->release (host, self);
  return status;
}

static void
destroy (const adze_host *host, void *instance)
{
  structured *self = (structured *)instance;
  structured_clear (host, self);
  adze_entries_end (host, &self->tensors);
  adze_entries_end (host, &self->left);
  free (self->sets);
  free (self->parts);
  host->release (host, self);
}

/* ---- Apply. */

/* What stays of dimensions AXIS and those behind it. */
typedef struct copying {
  const structured_tensor *tensor;
  bool *gone[ADZE_RANK_MAX]; /* NULL: all of the dimension stay */
  int64_t shape[ADZE_RANK_MAX]; /* of what comes out */
  bool zero;                 /* what goes becomes zero, and all stays where it is */
  int32_t last;              /* the last dimension of which some go */
} copying;

/* Copies the part at FROM of SIZE bytes; returns where the next one goes. */
static char *
copy_rest (const copying *c, int32_t axis, const char *from, size_t size, char *into)
{
  if (axis > c->last) {
    memcpy (into, from, size);
    return into + size;
  }
  size_t part = size / (size_t)c->tensor->shape[axis];
  for (int64_t i = 0; i < c->tensor->shape[axis]; i++) {
    bool gone = c->gone[axis] && c->gone[axis][i];
    if (!gone)
      into = copy_rest (c, axis + 1, from + (size_t)i * part, part, into);
    else if (c->zero)
      into = (char *)memset (into, 0, part) + part;
  }
  return into;
}

static adze_status
begin_copy (const adze_host *host, const structured *self, const structured_tensor *tensor, copying *c)
{
  *c = (copying){ .tensor = tensor, .zero = !self->shrinks, .last = -1 };
  for (int32_t d = 0; d < tensor->rank; d++) {
    adze_status status = structured_flags (host, tensor, &c->gone[d]);
    if (status != ADZE_OK)
      return status;
    int64_t kept = structured_mark (self, tensor, d, c->gone[d]);
    c->shape[d] = c->zero ? tensor->shape[d] : kept;
    if (kept < tensor->shape[d])
      c->last = d;
  }
  return ADZE_OK;
}

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  const structured *self = (const structured *)instance;
  const structured_tensor *tensor = structured_tensor_of (self, input->name);
  adze_view out;
  copying c;
  if (!tensor)
    return ADZE_OK;
  adze_status status = begin_copy (host, self, tensor, &c);
  if (status == ADZE_OK)
    status = adze_call_output (host, call, input->view.dtype, tensor->rank, c.shape, &out);
  if (status == ADZE_OK)
    copy_rest (&c, 0, (const char *)adze_view_data (&input->view),
               adze_view_count (&input->view) * (input->view.dtype.bits / 8),
               (char *)adze_view_data (&out));
  for (int32_t d = 0; d < tensor->rank; d++)
    if (c.gone[d])
      host->release (host, c.gone[d]);
  return status;
}

/* Zero may be a new value in a codebook. */
static const char *const breaks[] = { ADZE_TRAIT_CODEBOOK, ADZE_TRAIT_FROZEN, ADZE_TRAIT_NM,
                                      ADZE_TRAIT_SPARSITY, NULL };

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_CHANGES,
  .grain = ADZE_GRAIN_TENSOR,
  .accumulate = ADZE_OVER_GROUP,
  .breaks = breaks,
  .create = create,
  .destroy = destroy,
  .describe = structured_describe,
  .accumulator = structured_accumulator,
  .observe = structured_observe,
  .merge = structured_merge,
  .decide = structured_decide,
  .apply = apply,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "prune-structured",
  .summary = "Takes whole channels out of a network",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "prune-structured",
  .version = "0.1.0",
  .summary = "Pruning of channels, filters and heads",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (prune_structured, plugin);
