/* SPDX-License-Identifier: Apache-2.0 */
/* build-model: normalisations. */
#include "nodes.h"

static uint32_t
batch_norm (build_work *w, const build_layer *layer, uint32_t x)
{
  const float epsilon = (float)layer->number;
  const adze_graph_attribute attribute = build_float ("epsilon", &epsilon);
  uint32_t inputs[] = { x, build_vector (w, "weight", BUILD_ONES, layer->in[0]),
                        build_vector (w, "bias", BUILD_ZEROS, layer->in[0]),
                        build_vector (w, "mean", BUILD_ZEROS, layer->in[0]),
                        build_vector (w, "variance", BUILD_ONES, layer->in[0]) };
  return build_op_with (w, "BatchNormalization", inputs, 5, &attribute, 1);
}

/* Over the last dimension; of pictures over all three. */
static uint32_t
layer_norm (build_work *w, const build_layer *layer, uint32_t x)
{
  const float epsilon = (float)layer->number;
  int32_t first = layer->in_rank <= 2 ? layer->in_rank - 1 : 0;
  int64_t axis = 1 + first;
  const adze_graph_attribute attributes[]
      = { build_int ("axis", &axis), build_float ("epsilon", &epsilon) };
  const int64_t *shape = layer->in + first;
  uint32_t inputs[]
      = { x, build_weight (w, "weight", BUILD_ONES, layer->in_rank - first, shape, 1, 1),
          build_weight (w, "bias", BUILD_ZEROS, layer->in_rank - first, shape, 1, 1) };
  return build_op_with (w, "LayerNormalization", inputs, 3, attributes, 2);
}

static uint32_t
instance_norm (build_work *w, const build_layer *layer, uint32_t x, uint32_t scale, uint32_t bias)
{
  const float epsilon = (float)layer->number;
  const adze_graph_attribute attribute = build_float ("epsilon", &epsilon);
  const uint32_t inputs[] = { x, scale, bias };
  return build_op_with (w, "InstanceNormalization", inputs, 3, &attribute, 1);
}

/* COUNT times the same number. */
static uint32_t
repeated (build_work *w, float number, int64_t count)
{
  const adze_dtype single = { ADZE_FLOAT, 32, 1 };
  float *numbers = (float *)w->host->allocate (w->host, ((size_t)count + 1) * sizeof *numbers);
  uint32_t value = ADZE_NONE;
  if (!numbers) {
    w->status = adze_fail (w->host, ADZE_E_MEMORY, "no room for %lld numbers", (long long)count);
    return value;
  }
  for (int64_t i = 0; i < count; i++)
    numbers[i] = number;
  value = build_constant (w, single, 1, count, numbers);
  w->host->release (w->host, numbers);
  return value;
}

/* A group is a row for InstanceNormalization; scale and bias are those of channels again. */
static uint32_t
group_norm (build_work *w, const build_layer *layer, uint32_t x)
{
  int64_t rows[] = { 0, layer->count, -1 }, back[1 + BUILD_RANK] = { 0 };
  int64_t channels[BUILD_RANK] = { layer->in[0] };
  for (int32_t i = 0; i < layer->in_rank; i++) {
    back[1 + i] = layer->in[i];
    channels[i] = i ? 1 : layer->in[0];
  }
  uint32_t y = build_reshape (w, x, rows, 3);
  y = instance_norm (w, layer, y, repeated (w, 1, layer->count), repeated (w, 0, layer->count));
  y = build_reshape (w, y, back, (size_t)layer->in_rank + 1);
  y = build_op (w, "Mul", y,
                build_weight (w, "weight", BUILD_ONES, layer->in_rank, channels, 1, 1), BUILD_END);
  return build_op (w, "Add", y,
                   build_weight (w, "bias", BUILD_ZEROS, layer->in_rank, channels, 1, 1),
                   BUILD_END);
}

uint32_t
build_norm_layer (build_work *w, const build_layer *layer, uint32_t x)
{
  switch (layer->norm) {
  case BUILD_NORM_BATCH:
    return batch_norm (w, layer, x);
  case BUILD_NORM_LAYER:
    return layer_norm (w, layer, x);
  case BUILD_NORM_GROUP:
    return group_norm (w, layer, x);
  default:
    return instance_norm (w, layer, x, build_vector (w, "weight", BUILD_ONES, layer->in[0]),
                          build_vector (w, "bias", BUILD_ZEROS, layer->in[0]));
  }
}
