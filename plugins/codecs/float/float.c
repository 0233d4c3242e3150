/* SPDX-License-Identifier: Apache-2.0 */
/* float: floats of 16 and of 8 bits. Those of 16 are written as they are, in the type itself, and Cast makes
 * numbers of them in a network. */
#include "floats.h"

static const adze_param half_params[] = {
  { .name = "overflow", .type = ADZE_PARAM_CHOICE, .preset = "error", .choices = "error|clamp",
    .help = "what becomes of a number that is too large for the type: the run fails, or it is made the "
            "largest number that there is" },
  { .name = NULL }
};

static const adze_param eight_params[] = {
  { .name = "scale", .type = ADZE_PARAM_CHOICE, .preset = "channel",
    .choices = "none|tensor|channel",
    .help = "what has a scale of its own, by which its greatest magnitude becomes the largest number of "
            "the type: nothing, the tensor, or each channel (its first dimension)" },
  { .name = NULL }
};

void
float_tell (const adze_host *host, const adze_coding *coding, const float_beyond *beyond)
{
  const adze_field fields[] = {
    { .key = "tensor", .type = ADZE_FIELD_STRING, .value = { .string = coding->meta->name } },
    { .key = "became", .type = ADZE_FIELD_STRING, .value = { .string = "clamp" } },
    { .key = "count", .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)beyond->count } },
    { .key = "first", .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)beyond->first } },
  };
  if (beyond->count > 0)
    adze_emit (host, "float.overflow", fields, sizeof fields / sizeof fields[0]);
}

/* ---- The types of 16 bits. */

typedef struct half {
  const char *name;
  adze_dtype dtype;
  uint32_t limit; /* bits of the least float32 that is too large */
  uint16_t most;
  void (*from_floats) (uint16_t *out, const float *in, size_t count);
} half;

static const half f16 = { "f16", { ADZE_FLOAT, 16, 1 }, ADZE_HALF_LIMIT, ADZE_HALF_MOST,
                          adze_half_from_floats },
                  bf16 = { "bf16", { ADZE_BFLOAT, 16, 1 }, ADZE_BFLOAT_LIMIT, ADZE_BFLOAT_MOST,
                           adze_bfloat_from_floats };

static float
most_of (const half *type)
{
  float most;
  adze_floats_read (type->dtype, &type->most, 1, &most);
  return most;
}

static adze_status
describe (const adze_host *host, const void *own, const adze_params *params,
          const adze_tensor_meta *meta, const void *found, adze_coded *coded)
{
  const half *type = (const half *)own;
  adze_plane *codes = &coded->planes[0];
  (void)host;
  (void)params;
  (void)found;
  coded->plane_count = coded->keeps_values = coded->keeps_zeros = 1;
  codes->dtype = type->dtype;
  codes->by_rows = 1;
  codes->rank = meta->rank;
  memcpy (codes->shape, meta->shape, (size_t)meta->rank * sizeof *codes->shape);
  return ADZE_OK;
}

static adze_status
too_large (const adze_host *host, const half *type, const adze_coding *coding, size_t at)
{
  return adze_fail (host, ADZE_E_LIMIT,
                    "tensor '%s': element %llu is %.9g, and the largest number in %s is %.9g; say "
                    "overflow = \"clamp\", or keep the tensor as it is by a rule with skip = true",
                    coding->meta->name,
                    (unsigned long long)(coding->first_row * coding->columns + at),
                    (double)coding->values[at], type->name, (double)most_of (type));
}

static adze_status
encode (const adze_host *host, const void *own, const adze_params *params, const adze_coding *coding)
{
  const half *type = (const half *)own;
  const float *values = coding->values;
  uint16_t *codes = (uint16_t *)coding->planes[0];
  size_t count = (size_t)(coding->row_count * coding->columns);
  bool clamp = strcmp (adze_param_string (host, params, "overflow"), "clamp") == 0;
  float_beyond beyond = { 0 };
  type->from_floats (codes, values, count);
  size_t at = adze_floats_beyond (values, count, type->limit);
  if (at < count && !clamp)
    return too_large (host, type, coding, at);
  beyond.first = coding->first_row * coding->columns + at;
  for (; at < count; at += 1 + adze_floats_beyond (values + at + 1, count - at - 1, type->limit)) {
    codes[at] = (uint16_t)(type->most | (values[at] < 0 ? 0x8000 : 0));
    beyond.count++;
  }
  float_tell (host, coding, &beyond);
  return ADZE_OK;
}

static adze_status
decode (const adze_host *host, const void *own, const adze_params *params, const adze_coding *coding)
{
  const half *type = (const half *)own;
  (void)host;
  (void)params;
  adze_floats_read (type->dtype, coding->planes[0], (size_t)(coding->row_count * coding->columns),
                    coding->values);
  return ADZE_OK;
}

static adze_status
graph (const adze_host *host, const void *own, const adze_params *params,
       const adze_tensor_meta *meta, const adze_coded *coded, adze_graph *into,
       const uint32_t *planes, uint32_t *value)
{
  adze_nodes b;
  (void)own;
  (void)params;
  (void)meta;
  (void)coded;
  if (adze_nodes_begin (&b, host, into))
    *value = adze_nodes_cast (&b, planes[0], ADZE_NODES_FLOAT);
  return b.status;
}

#define HALF_CODEC(type) \
  { \
    .struct_size = sizeof (adze_codec), .revision = 1, .own = &type, .describe = describe, \
    .encode = encode, .decode = decode, .graph = graph, \
  }

static const adze_codec f16_callbacks = HALF_CODEC (f16), bf16_callbacks = HALF_CODEC (bf16);

/* ---- All of them. */

#define FLOAT_COMPONENT(id_, summary_, params_, callbacks_) \
  { \
    .struct_size = sizeof (adze_component), .kind_revision = ADZE_CODEC_REVISION, \
    .kind = ADZE_CODEC, .id = id_, .summary = summary_, .params = params_, \
    .param_size = sizeof (adze_param), .threading = ADZE_THREADS_PARALLEL, .callbacks = callbacks_, \
  }

static const adze_component f16_component
    = FLOAT_COMPONENT ("f16", "Floats of 16 bits", half_params, &f16_callbacks),
    bf16_component = FLOAT_COMPONENT ("bf16", "Floats of 16 bits with the range of those of 32",
                                      half_params, &bf16_callbacks),
    e4m3_component = FLOAT_COMPONENT ("f8_e4m3", "Floats of 8 bits, 3 of them digits, with scales",
                                      eight_params, &float_e4m3_callbacks),
    e5m2_component = FLOAT_COMPONENT ("f8_e5m2", "Floats of 8 bits, 2 of them digits, with scales",
                                      eight_params, &float_e5m2_callbacks);

static const adze_component *const components[]
    = { &f16_component, &bf16_component, &e4m3_component, &e5m2_component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "float",
  .version = "0.1.0",
  .summary = "Floats of 16 and of 8 bits",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (float, plugin);
