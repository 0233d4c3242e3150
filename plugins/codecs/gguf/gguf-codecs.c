/* SPDX-License-Identifier: Apache-2.0 */
/* gguf-codecs: the block types of GGUF, in the bytes of ggml. What a block is stands in blocks.h; here is how
 * rows of a tensor become them. */
#include <math.h>
#include <string.h>

#include <adze/sdk.h>

#include "blocks.h"
#include "gguf_graph.h"

static adze_status
describe (const adze_host *host, const void *own, const adze_params *params,
          const adze_tensor_meta *meta, const void *found, adze_coded *coded)
{
  const gguf_codec *codec = (const gguf_codec *)own;
  uint64_t columns = (uint64_t)meta->shape[meta->rank - 1];
  (void)params;
  (void)found;
  if (columns % codec->elements != 0)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "'%s' has rows of %llu numbers, and blocks of %s have %u", meta->name,
                      (unsigned long long)columns, codec->id, (unsigned)codec->elements);
  coded->plane_count = 1;
  coded->planes[0] = (adze_plane){ .dtype = { ADZE_OPAQUE, 8, 1 },
                                   .block_elements = codec->elements,
                                   .block_bytes = codec->bytes,
                                   .by_rows = 1 };
  return ADZE_OK;
}

static adze_status
too_large (const adze_host *host, const gguf_codec *codec, const adze_coding *coding, uint64_t block)
{
  const float *values = coding->values + block * codec->elements;
  float greatest = 0;
  for (uint32_t i = 0; i < codec->elements; i++)
    greatest = fmaxf (greatest, fabsf (values[i]));
  return adze_fail (host, ADZE_E_LIMIT,
                    "tensor '%s': the %u numbers from element %llu on, the greatest of which has a magnitude of "
                    "%.9g, are too large for a block of %s, whose scales end at 65504; give the tensor another "
                    "codec by a rule, or keep it as it is by one with skip = true",
                    coding->meta->name, (unsigned)codec->elements,
                    (unsigned long long)(coding->first_row * coding->columns + block * codec->elements),
                    (double)greatest, codec->id);
}

static adze_status
encode (const adze_host *host, const void *own, const adze_params *params, const adze_coding *coding)
{
  const gguf_codec *codec = (const gguf_codec *)own;
  uint64_t count = coding->row_count * coding->columns / codec->elements;
  (void)params;
  codec->encode (coding->values, coding->row_count, coding->columns, coding->importance,
                 coding->planes[0], gguf_best_width ());
  uint64_t lost = gguf_first_lost (codec, coding->values, coding->planes[0], count);
  return lost < count ? too_large (host, codec, coding, lost) : ADZE_OK;
}

static adze_status
decode (const adze_host *host, const void *own, const adze_params *params, const adze_coding *coding)
{
  const gguf_codec *codec = (const gguf_codec *)own;
  (void)host;
  (void)params;
  codec->decode (coding->planes[0], coding->row_count * coding->columns / codec->elements,
                 coding->values);
  return ADZE_OK;
}

/* Whose bytes depend on how much a column counts: those that search for a scale, and not those that take the
 * greatest number for it. */
enum {
  WEIGHS_q2_k = 1, WEIGHS_q3_k = 1, WEIGHS_q4_k = 1, WEIGHS_q5_k = 1, WEIGHS_q6_k = 1,
  WEIGHS_q4_0 = 1, WEIGHS_q4_1 = 1, WEIGHS_q5_0 = 1, WEIGHS_q5_1 = 1, WEIGHS_iq4_nl = 1, WEIGHS_iq4_xs = 1,
  WEIGHS_q8_0 = 0, WEIGHS_mxfp4 = 0, WEIGHS_tq1_0 = 0, WEIGHS_tq2_0 = 0
};

#define GGUF_COMPONENT(name) \
  static adze_status name##_graph (const adze_host *host, const void *own, const adze_params *params, \
                                   const adze_tensor_meta *meta, const adze_coded *coded, adze_graph *graph, \
                                   const uint32_t *planes, uint32_t *value) \
  { \
    (void)params; \
    (void)coded; \
    return gguf_graph (host, (const gguf_codec *)own, gguf_graph_##name, meta, graph, planes[0], value); \
  } \
  static const adze_codec name##_callbacks = { \
    .struct_size = sizeof (adze_codec), .revision = 1, .weighs = WEIGHS_##name, .own = &gguf_##name, \
    .describe = describe, .encode = encode, .decode = decode, .graph = name##_graph, \
  }; \
  static const adze_component name##_component = { \
    .struct_size = sizeof (adze_component), .kind_revision = ADZE_CODEC_REVISION, \
    .kind = ADZE_CODEC, .id = #name, .summary = "Blocks of GGUF's type " #name, \
    .threading = ADZE_THREADS_PARALLEL, .callbacks = &name##_callbacks, \
  };
GGUF_CODECS (GGUF_COMPONENT)

#define GGUF_LISTED(name) &name##_component,
static const adze_component *const components[] = { GGUF_CODECS (GGUF_LISTED) NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "gguf-codecs",
  .version = "0.1.0",
  .summary = "The block types of GGUF",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (gguf_codecs, plugin);
