/* SPDX-License-Identifier: Apache-2.0 */
/* Networks with QuantizeLinear and DequantizeLinear around their products, as quantisers write them:
 * what the tests of integers have in common. */
#ifndef TESTS_UNIT_QUANTISED_NETWORKS_H
#define TESTS_UNIT_QUANTISED_NETWORKS_H

#include "small-graphs.h"

static const adze_dtype u8 = { ADZE_UINT, 8, 1 }, i8 = { ADZE_INT, 8, 1 },
                        i32 = { ADZE_INT, 32, 1 };

/* Numbers of TYPE, of which DATA has enough. */
static inline uint32_t
numbers (adze_graph *graph, adze_dtype dtype, int32_t rank, const int64_t *sizes, void *data)
{
  int64_t shape[ADZE_GRAPH_RANK];
  uint32_t value;
  for (int32_t i = 0; i < rank; i++)
    shape[i] = sizes[i];
  adze_view view = view_of (data, dtype, rank, shape);
  must (adze_graph_add_constant (graph, NULL, &view, &value));
  return value;
}

static inline uint32_t
single (adze_graph *graph, float number)
{
  return numbers (graph, f32, 0, NULL, &number);
}

static inline uint32_t
point (adze_graph *graph, adze_dtype dtype, int number)
{
  unsigned char byte = (unsigned char)number;
  return numbers (graph, dtype, 0, NULL, &byte);
}

/* X as codes of DTYPE, and those as floats again. */
static inline uint32_t
coded (adze_graph *graph, uint32_t x, adze_dtype dtype, float scale, int zero)
{
  uint32_t s = single (graph, scale), z = point (graph, dtype, zero);
  return NODE (graph, "DequantizeLinear", "", NODE (graph, "QuantizeLinear", "", x, s, z), s, z);
}

/* Weights of int8 with a scale for each place of AXIS (-1: one for all), as floats. */
static inline uint32_t
coded_weights (adze_graph *graph, int32_t axis, int32_t rank, const int64_t *shape)
{
  enum { ROOM = 1 << 17, CHANNELS = 256 };
  static signed char codes[ROOM];
  float scales[CHANNELS];
  signed char zeros[CHANNELS] = { 0 };
  size_t count = 1;
  char attributes[16];
  int64_t channels = axis < 0 ? 1 : shape[axis];
  for (int32_t i = 0; i < rank; i++)
    count *= (size_t)shape[i];
  assert_true (count <= ROOM && channels <= CHANNELS);
  for (size_t i = 0; i < count; i++)
    codes[i] = (signed char)(127 * small_draw ());
  for (int64_t i = 0; i < channels; i++)
    scales[i] = 0.004f + 0.002f * small_draw ();
  snprintf (attributes, sizeof attributes, "axis=%d", axis < 0 ? 0 : axis);
  return NODE (graph, "DequantizeLinear", attributes, numbers (graph, i8, rank, shape, codes),
               numbers (graph, f32, axis >= 0, &channels, scales),
               numbers (graph, i8, axis >= 0, &channels, zeros));
}

#define CODED_WEIGHTS(graph, axis, ...) coded_weights (graph, axis, SHAPE (__VA_ARGS__))

#endif
