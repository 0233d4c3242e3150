/* SPDX-License-Identifier: Apache-2.0 */
/* float_eight.c: floats of 8 bits. Each is half of a float16, but for where its exponent begins: so a code
 * becomes a number by way of one, and a number that is too large saturates. */
#include "floats.h"

#include <float.h>
#include <math.h>

typedef struct eight {
  uint32_t digits;    /* bits of the mantissa */
  uint32_t bias;      /* of the exponent */
  uint32_t half_left; /* a code without its sign, so far to the left, is a float16 */
  float half_times;   /* and so many times that */
  uint32_t most;      /* code of the largest number */
  uint32_t infinity;  /* code of it; 0: there is none. What is above it, or above the largest, is NaN */
} eight;

/* OCP's: e4m3 is finite, its only NaN having all bits set, and e5m2 is the upper half of a float16. */
static const eight e4m3 = { 3, 7, 7, 256, 0x7e, 0 }, e5m2 = { 2, 15, 8, 1, 0x7b, 0x7c };

enum { CODES, SCALE };

/* ---- One number. */

static float
number_of (const eight *type, uint32_t code)
{
  uint32_t size = code & 0x7f;
  uint16_t sign = (uint16_t)((code & 0x80) << 8);
  if (size > type->most && size != type->infinity)
    return adze_half_to_float ((uint16_t)(sign | 0x7e00));
  return adze_half_to_float ((uint16_t)(sign | size << type->half_left)) * type->half_times;
}

static void
fill_table (const eight *type, float table[256])
{
  for (uint32_t code = 0; code < 256; code++)
    table[code] = number_of (type, code);
}

/* The code without its sign, and beyond the largest where the number is: half a unit of the last digit is
 * added, a little less where the digit is even. Below the least normal number the machine rounds, at the last
 * place of a sum whose last place that digit is. */
static uint32_t
size_of (const eight *type, float magnitude)
{
  uint32_t bits = adze_float_bits (magnitude), drop = 23 - type->digits;
  uint32_t shift = (127 - type->bias) << 23;
  if (bits < shift + (UINT32_C (1) << 23)) {
    float place = adze_float_of_bits (shift + ((1 + drop) << 23));
    return adze_float_bits (magnitude + place) - adze_float_bits (place);
  }
  return (bits - shift + (UINT32_C (1) << (drop - 1)) - 1 + (bits >> drop & 1)) >> drop;
}

/* ---- Scales. */

static float
greatest_of (const float *values, uint64_t count)
{
  float most = 0;
  for (uint64_t i = 0; i < count; i++) {
    float size = fabsf (values[i]);
    most = size > most ? size : most;
  }
  return most;
}

/* Zeros alone may have any scale; one below the least normal number would lose digits; and the largest code is
 * a number again. */
static float
scale_for (const eight *type, float greatest)
{
  float most = number_of (type, type->most), scale = greatest / most;
  if (scale < FLT_MIN)
    return greatest > 0 ? FLT_MIN : 1;
  while (most * scale > FLT_MAX)
    scale = nextafterf (scale, 0);
  return scale;
}

/* ---- Callbacks. */

static bool
is_per (const adze_host *host, const adze_params *params, const char *what)
{
  return strcmp (adze_param_string (host, params, "scale"), what) == 0;
}

static adze_status
describe (const adze_host *host, const void *own, const adze_params *params,
          const adze_tensor_meta *meta, const void *found, adze_coded *coded)
{
  adze_plane *codes = &coded->planes[CODES], *scale = &coded->planes[SCALE];
  (void)own;
  (void)found;
  coded->row_rank = meta->rank > 1 ? 1 : 0;
  coded->plane_count = is_per (host, params, "none") ? 1 : 2;
  codes->dtype = (adze_dtype){ ADZE_UINT, 8, 1 }; /* ONNX has no such floats at opset 17 */
  codes->by_rows = 1;
  codes->rank = meta->rank;
  memcpy (codes->shape, meta->shape, (size_t)meta->rank * sizeof *codes->shape);
  if (coded->plane_count == 1)
    return ADZE_OK;
  strcpy (scale->suffix, ".scale");
  scale->dtype = (adze_dtype){ ADZE_FLOAT, 32, 1 };
  scale->by_rows = is_per (host, params, "channel");
  if (scale->by_rows && meta->rank > 1)
    scale->shape[scale->rank++] = meta->shape[0];
  return ADZE_OK;
}

static size_t
accumulator (const adze_host *host, const void *own, const adze_params *params,
             const adze_tensor_meta *meta)
{
  (void)own;
  (void)meta;
  return is_per (host, params, "tensor") ? sizeof (float) : 0;
}

static adze_status
observe (const adze_host *host, const void *own, const adze_params *params,
         const adze_tensor_meta *meta, const float *values, uint64_t first, uint64_t count,
         void *accumulated)
{
  float *all = (float *)accumulated, greatest = greatest_of (values, count);
  (void)host;
  (void)own;
  (void)params;
  (void)meta;
  (void)first;
  *all = greatest > *all ? greatest : *all;
  return ADZE_OK;
}

static adze_status
merge (const adze_host *host, const void *own, const adze_params *params, void *left,
       const void *right)
{
  float *into = (float *)left;
  const float *from = (const float *)right;
  (void)host;
  (void)own;
  (void)params;
  *into = *from > *into ? *from : *into;
  return ADZE_OK;
}

/* Numbers from FIRST of the tensor on. */
static void
encode_row (const eight *type, const float *values, uint64_t count, float scale, uint64_t first,
            uint8_t *codes, float_beyond *beyond)
{
  for (uint64_t i = 0; i < count; i++) {
    uint32_t size = size_of (type, fabsf (values[i] / scale));
    if (size > type->most) {
      size = type->most;
      if (beyond->count++ == 0)
        beyond->first = first + i;
    }
    codes[i] = (uint8_t)(size | (adze_float_bits (values[i]) >> 24 & 0x80));
  }
}

static adze_status
encode (const adze_host *host, const void *own, const adze_params *params, const adze_coding *coding)
{
  const eight *type = (const eight *)own;
  float *scales = (float *)coding->planes[SCALE], scale = 1;
  bool whole = is_per (host, params, "tensor"), each = is_per (host, params, "channel");
  uint64_t columns = coding->columns;
  float_beyond beyond = { 0 };
  if (whole)
    scale = scale_for (type, *(const float *)coding->found);
  if (whole && coding->first_row == 0)
    scales[0] = scale;
  for (uint64_t row = 0; row < coding->row_count; row++) {
    const float *values = coding->values + row * columns;
    if (each)
      scales[row] = scale = scale_for (type, greatest_of (values, columns));
    encode_row (type, values, columns, scale, (coding->first_row + row) * columns,
                (uint8_t *)coding->planes[CODES] + row * columns, &beyond);
  }
  float_tell (host, coding, &beyond);
  return ADZE_OK;
}

static adze_status
decode (const adze_host *host, const void *own, const adze_params *params, const adze_coding *coding)
{
  const uint8_t *codes = (const uint8_t *)coding->planes[CODES];
  const float *scales = (const float *)coding->planes[SCALE];
  bool none = is_per (host, params, "none"), each = is_per (host, params, "channel");
  uint64_t columns = coding->columns;
  float table[256];
  fill_table ((const eight *)own, table);
  for (uint64_t row = 0; row < coding->row_count; row++) {
    float scale = none ? 1 : scales[each ? row : 0];
    for (uint64_t i = row * columns; i < (row + 1) * columns; i++)
      coding->values[i] = table[codes[i]] * scale;
  }
  return ADZE_OK;
}

/* A scale for each channel has the tensor's first dimension, and is to meet all that is behind it. */
static uint32_t
scaled (adze_nodes *b, uint32_t numbers, uint32_t scale, const adze_tensor_meta *meta, bool each)
{
  int64_t shape[ADZE_RANK_MAX];
  for (int32_t i = 0; i < meta->rank; i++)
    shape[i] = i == 0 && meta->rank > 1 ? meta->shape[0] : 1;
  return adze_nodes_pair (b, "Mul", numbers,
                          each ? adze_nodes_reshape (b, scale, shape, meta->rank) : scale);
}

static adze_status
graph (const adze_host *host, const void *own, const adze_params *params,
       const adze_tensor_meta *meta, const adze_coded *coded, adze_graph *into,
       const uint32_t *planes, uint32_t *value)
{
  adze_nodes b;
  float table[256];
  if (!adze_nodes_begin (&b, host, into))
    return b.status;
  fill_table ((const eight *)own, table);
  uint32_t codes = adze_nodes_cast (&b, planes[CODES], ADZE_NODES_INT32);
  *value = adze_nodes_pair (&b, "Gather", adze_nodes_floats (&b, table, 256), codes);
  if (coded->plane_count > 1)
    *value = scaled (&b, *value, planes[SCALE], meta, is_per (host, params, "channel"));
  return b.status;
}

#define EIGHT_CODEC(type) \
  { \
    .struct_size = sizeof (adze_codec), .revision = 1, .own = &type, .describe = describe, \
    .accumulator = accumulator, .observe = observe, .merge = merge, .encode = encode, \
    .decode = decode, .graph = graph, \
  }

const adze_codec float_e4m3_callbacks = EIGHT_CODEC (e4m3), float_e5m2_callbacks = EIGHT_CODEC (e5m2);
