/* SPDX-License-Identifier: Apache-2.0 */
/* Techniques that make tensors of another shape, for tests of what becomes of traits on the way.
 * What they give is what they announce; they differ in what they say of traits:
 *
 *   stretch             nothing
 *   stretch-claims      that it preserves all four that the host knows
 *   stretch-breaks      that it breaks all four
 *   stretch-takes       preserves them, and takes them away from each tensor that it makes
 *   stretch-gives       nothing, and gives each tensor adze.sparsity/1
 *   stretch-pair        that it preserves them, and makes two of one: one longer, one as it was
 *   stretch-run         nothing; takes whole models
 *   stretch-run-claims  that it preserves all four; takes whole models
 *
 * All expect matrices of f32. What is longer is the tensor again and again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <adze/sdk.h>

static const adze_param stretch_params[] = {
  { .name = "how",
    .type = ADZE_PARAM_CHOICE,
    .preset = "longer",
    .choices = "longer|shorter|flat|wide",
    .help = "times as many rows, half of the rows, one row without a second dimension, or half of "
            "the rows, twice as long, with the bytes left alone" },
  { .name = "times", .type = ADZE_PARAM_INT, .preset = "2", .range = "[1, 100000]",
    .help = "how often a longer one holds what went in" },
  { .name = "spoil", .type = ADZE_PARAM_BOOL, .preset = "false",
    .help = "add to each repetition, so that its values are new" },
  { .name = NULL }
};

typedef struct stretch {
  const char *how; /* the host's */
  int64_t times;
  bool spoil;
} stretch;

static adze_status
create (const adze_host *host, const adze_params *params, void **instance)
{
  stretch *self = host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  *self = (stretch){ .how = adze_param_string (host, params, "how"),
                     .times = adze_param_int (host, params, "times"),
                     .spoil = adze_param_bool (host, params, "spoil") };
  *instance = self;
  return ADZE_OK;
}

static void
destroy (const adze_host *host, void *instance)
{
  host->release (host, instance);
}

static bool
is_wide (const stretch *self)
{
  return strcmp (self->how, "wide") == 0;
}

/* *META is that of a matrix, and becomes what is made of it; SHAPE is its memory. */
static void
bend (const stretch *self, adze_tensor_meta *meta, int64_t shape[2])
{
  memcpy (shape, meta->shape, 2 * sizeof *shape);
  if (strcmp (self->how, "longer") == 0) {
    shape[0] *= self->times;
  } else if (strcmp (self->how, "flat") == 0) {
    shape[0] *= shape[1];
    meta->rank = 1;
  } else {
    shape[0] /= 2;
    if (is_wide (self))
      shape[1] *= 2;
  }
  meta->shape = shape;
  meta->byte_size = sizeof (float) * (uint64_t)shape[0];
  if (meta->rank == 2)
    meta->byte_size *= (uint64_t)shape[1];
}

static void
fill (const stretch *self, float *to, size_t count, const float *from, size_t from_count)
{
  for (size_t i = 0; i < count; i++)
    to[i] = from[i % from_count] + (self->spoil ? (float)(i / from_count) : 0);
}

/* ---- Tensor by tensor. */

typedef adze_status (*edit) (const adze_host *host, adze_outline *outline, const char *name);

static adze_status
announce (const adze_host *host, const stretch *self, adze_outline *outline, uint32_t outputs,
          edit say)
{
  const adze_outline_service *service = adze_outline_of (host);
  adze_status status = ADZE_OK;
  for (uint32_t i = 0; status == ADZE_OK && i < service->count (host, outline, 0); i++) {
    int64_t shape[2];
    char name[300];
    adze_pick pick = { 0, i };
    const adze_tensor_meta *input = service->tensor (host, outline, pick);
    adze_tensor_meta both[] = { *input, *input };
    bend (self, &both[0], shape);
    snprintf (name, sizeof name, "%s.rest", input->name);
    both[1].name = name;
    adze_group group
        = { sizeof group, 1, &pick, both, outputs, sizeof both[0], is_wide (self), 0, "bent", 0, 0, 0 };
    status = service->group (host, outline, &group);
    if (status == ADZE_OK && say)
      status = say (host, outline, input->name);
  }
  return status;
}

static adze_status
describe (const adze_host *host, void *instance, adze_outline *outline)
{
  return announce (host, instance, outline, 1, NULL);
}

static adze_status
describe_pair (const adze_host *host, void *instance, adze_outline *outline)
{
  return announce (host, instance, outline, 2, NULL);
}

static adze_status
take_away (const adze_host *host, adze_outline *outline, const char *name)
{
  return adze_outline_of (host)->set_trait (host, outline, name, ADZE_TRAIT_SPARSITY, NULL);
}

static adze_status
describe_taking (const adze_host *host, void *instance, adze_outline *outline)
{
  return announce (host, instance, outline, 1, take_away);
}

static adze_status
give_trait (const adze_host *host, adze_outline *outline, const char *name)
{
  return adze_outline_of (host)->set_trait (host, outline, name, ADZE_TRAIT_SPARSITY, "{}");
}

static adze_status
describe_giving (const adze_host *host, void *instance, adze_outline *outline)
{
  return announce (host, instance, outline, 1, give_trait);
}

static adze_status
apply_outputs (const adze_host *host, const stretch *self, adze_call *call,
               const adze_tensor *input, size_t count)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    adze_view out;
    status = adze_call_of (host)->output_at (host, call, i, &out);
    if (status == ADZE_OK)
      fill (self, adze_view_data (&out), adze_view_count (&out), adze_view_data (&input->view),
            adze_view_count (&input->view));
  }
  return status;
}

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  return apply_outputs (host, instance, call, input, 1);
}

static adze_status
apply_pair (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  return apply_outputs (host, instance, call, input, 2);
}

/* ---- Whole models. */

static adze_status
give (const adze_host *host, const stretch *self, adze_context *context, size_t index)
{
  const adze_run_service *run = adze_run_of (host);
  adze_artifact *model = run->input (host, context, "model");
  adze_tensor_meta meta = *run->tensor (host, model, index);
  int64_t shape[2];
  size_t was = (size_t)meta.byte_size;
  bend (self, &meta, shape);
  float *from = host->allocate (host, was), *to = host->allocate (host, (size_t)meta.byte_size);
  adze_status status = from && to ? run->read_tensor (host, model, index, 0, from, was)
                                  : adze_fail (host, ADZE_E_MEMORY, "no room for '%s'", meta.name);
  if (status == ADZE_OK) {
    fill (self, to, (size_t)meta.byte_size / sizeof *to, from, was / sizeof *from);
    status = run->give_tensor (host, context, "model", &meta, to);
  }
  host->release (host, from);
  host->release (host, to);
  return status;
}

static adze_status
run_stretch (const adze_host *host, void *instance, adze_context *context)
{
  const adze_run_service *run = adze_run_of (host);
  size_t count = run->tensor_count (host, run->input (host, context, "model"));
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    status = give (host, instance, context, i);
  return status;
}

/* ---- The plugin. */

static const char *const all[] = { ADZE_TRAIT_SPARSITY, ADZE_TRAIT_NM, ADZE_TRAIT_CODEBOOK,
                                   ADZE_TRAIT_FROZEN, NULL };

#define STRETCH(variable, name, text, ...) \
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
    .params = stretch_params, \
    .param_size = sizeof (adze_param), \
    .threading = ADZE_THREADS_PARALLEL, \
    .callbacks = &variable, \
  }

STRETCH (silent, "stretch", "other shapes, and no word of traits", .describe = describe,
         .apply = apply);
STRETCH (claims, "stretch-claims", "other shapes, and a claim to keep traits", .preserves = all,
         .describe = describe, .apply = apply);
STRETCH (breaks, "stretch-breaks", "other shapes, and says that traits go", .breaks = all,
         .describe = describe, .apply = apply);
STRETCH (takes, "stretch-takes", "other shapes, whose traits it takes away", .preserves = all,
         .describe = describe_taking, .apply = apply);
STRETCH (gives, "stretch-gives", "other shapes, which it says are sparse",
         .describe = describe_giving, .apply = apply);
STRETCH (pair, "stretch-pair", "another shape and the same one", .preserves = all,
         .describe = describe_pair, .apply = apply_pair);
STRETCH (whole, "stretch-run", "other shapes of whole models", .run = run_stretch);
STRETCH (whole_claims, "stretch-run-claims", "the same, and a claim to keep traits",
         .preserves = all, .run = run_stretch);

static const adze_component *const components[]
    = { &silent_component, &claims_component, &breaks_component, &takes_component,
        &gives_component,  &pair_component,   &whole_component,  &whole_claims_component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,        .id = "stretch",
  .version = "1.0",        .summary = "for tests of traits and other shapes",
  .license = "Apache-2.0", .components = components,
};

ADZE_PLUGIN_REGISTER (stretch, plugin);
