/* SPDX-License-Identifier: Apache-2.0 */
/* eighths: a codec of somebody else: 16 numbers of a row become a scale and 16 bytes. No format has such blocks
 * for a type, and it has no nodes for networks. */
#include <string.h>

#include <adze/sdk.h>

enum { NUMBERS = 16, BYTES = 20 };

static adze_status
describe (const adze_host *host, const void *own, const adze_params *params, const adze_tensor_meta *meta,
          const void *found, adze_coded *coded)
{
  (void)own;
  (void)params;
  (void)found;
  if (meta->shape[meta->rank - 1] % NUMBERS != 0)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "rows of '%s' are no multiple of %d", meta->name, NUMBERS);
  coded->plane_count = 1;
  coded->planes[0] = (adze_plane){
    .dtype = { ADZE_OPAQUE, 8, 1 }, .block_elements = NUMBERS, .block_bytes = BYTES, .by_rows = 1
  };
  return ADZE_OK;
}

static void
encode_block (const float *values, unsigned char *to)
{
  float most = 0;
  for (int i = 0; i < NUMBERS; i++) {
    float size = values[i] < 0 ? -values[i] : values[i];
    most = size > most ? size : most;
  }
  float scale = most > 0 ? most / 127 : 1;
  memcpy (to, &scale, sizeof scale);
  for (int i = 0; i < NUMBERS; i++)
    to[4 + i] = (unsigned char)(int)(values[i] / scale);
}

static adze_status
encode (const adze_host *host, const void *own, const adze_params *params, const adze_coding *coding)
{
  uint64_t blocks = coding->row_count * coding->columns / NUMBERS;
  (void)host;
  (void)own;
  (void)params;
  for (uint64_t i = 0; i < blocks; i++)
    encode_block (coding->values + i * NUMBERS, (unsigned char *)coding->planes[0] + i * BYTES);
  return ADZE_OK;
}

static adze_status
decode (const adze_host *host, const void *own, const adze_params *params, const adze_coding *coding)
{
  uint64_t blocks = coding->row_count * coding->columns / NUMBERS;
  const unsigned char *from = (const unsigned char *)coding->planes[0];
  (void)host;
  (void)own;
  (void)params;
  for (uint64_t i = 0; i < blocks * NUMBERS; i++) {
    const unsigned char *block = from + i / NUMBERS * BYTES;
    float scale;
    memcpy (&scale, block, sizeof scale);
    coding->values[i] = (float)(signed char)block[4 + i % NUMBERS] * scale;
  }
  return ADZE_OK;
}

static const adze_codec callbacks
    = { .struct_size = sizeof callbacks, .revision = 1, .describe = describe, .encode = encode, .decode = decode };

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_CODEC_REVISION,
  .kind = ADZE_CODEC,
  .id = "eighths",
  .summary = "Somebody's bytes with scales",
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "eighths",
  .version = "0.1.0",
  .summary = "A codec of somebody else",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (eighths, plugin);
