/* SPDX-License-Identifier: Apache-2.0 */
/* The network with codes in it: QuantizeLinear and DequantizeLinear in front of each layer, and codes in the place of
 * its weight and bias. */
#include <math.h>
#include <string.h>

#include "static.h"

static const adze_dtype f32 = { ADZE_FLOAT, 32, 1 }, i8 = { ADZE_INT, 8, 1 }, u8 = { ADZE_UINT, 8, 1 },
                        i32 = { ADZE_INT, 32, 1 };

/* COUNT numbers in a row; where ONE, the only one, which is no row. */
static uint32_t
constant (adze_nodes *b, adze_dtype dtype, const void *numbers, int64_t count, bool one)
{
  uint32_t made = ADZE_NONE;
  const adze_view view = { .data = (void *)(uintptr_t)numbers, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = dtype,
                           .rank = one ? 0 : 1, .shape = &count };
  if (b->status == ADZE_OK)
    b->status = b->graphs->add_constant (b->host, b->graph, NULL, &view, &made);
  return made;
}

/* A tensor of the model, which training leaves alone. */
static uint32_t
fixed_weight (adze_nodes *b, const char *of, const char *suffix, const float *numbers, int64_t count, bool one)
{
  char name[512];
  uint32_t made = ADZE_NONE;
  snprintf (name, sizeof name, "%s%s", of, suffix);
  if (b->status == ADZE_OK)
    b->status = b->graphs->add_weight (b->host, b->graph, name, f32, one ? 0 : 1, &count, &made);
  if (b->status == ADZE_OK)
    b->status = b->graphs->set_data (b->host, b->graph, made, numbers, (size_t)count * sizeof *numbers);
  if (b->status == ADZE_OK)
    b->status = b->graphs->fix_weight (b->host, b->graph, made);
  return made;
}

/* The weight of this number has other numbers from now on. */
static void
retype (adze_nodes *b, uint32_t weight, adze_dtype dtype, int32_t rank, const int64_t *shape, const void *numbers,
        size_t size)
{
  if (b->status == ADZE_OK)
    b->status = b->graphs->set_type (b->host, b->graph, weight, dtype, rank, shape);
  if (b->status == ADZE_OK)
    b->status = b->graphs->set_data (b->host, b->graph, weight, numbers, size);
}

static uint32_t
floats_of (adze_nodes *b, uint32_t codes, uint32_t scale, uint32_t zero, int64_t axis)
{
  const uint32_t inputs[] = { codes, scale, zero };
  const adze_graph_attribute attribute = adze_nodes_int ("axis", &axis);
  return adze_nodes_add (b, "DequantizeLinear", inputs, 3, axis < 0 ? NULL : &attribute);
}

static void
set_input (adze_nodes *b, uint32_t node, size_t index, uint32_t value)
{
  if (b->status == ADZE_OK)
    b->status = b->graphs->set_input (b->host, b->graph, node, index, value);
}

/* ---- What flows in. */

static void
write_input (adze_nodes *b, const static_run *s, static_layer *layer)
{
  static_value *value = layer->range;
  uint8_t zero = value ? (uint8_t)value->zero : 0;
  if (!value)
    return;
  if (value->floats == ADZE_NONE) {
    uint32_t inputs[3] = { value->value };
    inputs[1] = constant (b, f32, &value->scale, 1, true);
    inputs[2] = constant (b, s->set.inputs_signed ? i8 : u8, &zero, 1, true);
    uint32_t codes = adze_nodes_add (b, "QuantizeLinear", inputs, 3, NULL);
    value->floats = floats_of (b, codes, inputs[1], inputs[2], -1);
  }
  set_input (b, layer->node, 0, value->floats);
}

/* ---- Weights. */

static int8_t *
codes_in_place (const static_run *s, const static_layer *layer, bool turned)
{
  int8_t *placed = (int8_t *)s->host->allocate (s->host, layer->channels * layer->fan);
  for (size_t c = 0; placed && c < layer->channels; c++)
    for (size_t i = 0; i < layer->fan; i++)
      placed[turned ? i * layer->channels + c : c * layer->fan + i] = layer->codes[c * layer->fan + i];
  return placed;
}

/* The weight as it was, out of its codes: by channels, or by groups, which are rows of their own in the file. */
static uint32_t
floats_of_codes (adze_nodes *b, const static_run *s, const static_layer *layer, const int8_t *codes, const int8_t *zeros)
{
  const adze_graph_value *value = s->graphs->value (s->graph, layer->weight);
  int64_t shape[ADZE_GRAPH_RANK], rows[] = { (int64_t)(layer->channels * layer->steps), (int64_t)layer->group };
  int32_t rank = value->rank;
  bool one = !s->set.per_channel, grouped = layer->steps > 1;
  int64_t count = one ? 1 : rows[0];
  memcpy (shape, value->shape, (size_t)rank * sizeof *shape);
  retype (b, layer->weight, i8, grouped ? 2 : rank, grouped ? rows : shape, codes, layer->channels * layer->fan);
  uint32_t scale = fixed_weight (b, layer->weight_name, ".scale", layer->scales, count, one);
  uint32_t zero = constant (b, i8, zeros, count, one);
  uint32_t floats = floats_of (b, layer->weight, scale, zero, one ? -1 : layer->turned && !grouped);
  if (!grouped)
    return floats;
  const int64_t turned[] = { (int64_t)layer->channels, (int64_t)layer->fan };
  if (!layer->turned)
    return adze_nodes_reshape (b, floats, shape, rank);
  floats = adze_nodes_reshape (b, floats, turned, 2);
  return adze_nodes_add (b, "Transpose", &floats, 1, NULL);
}

static void
write_weight (adze_nodes *b, const static_run *s, const static_layer *layer)
{
  int8_t *codes = codes_in_place (s, layer, layer->turned && layer->steps == 1);
  int8_t *zeros = (int8_t *)s->host->allocate (s->host, layer->channels * layer->steps);
  if (codes && zeros)
    set_input (b, layer->node, 1, floats_of_codes (b, s, layer, codes, zeros));
  else
    b->status = adze_fail (s->host, ADZE_E_MEMORY, "no room for the codes of '%s'", layer->weight_name);
  s->host->release (s->host, codes);
  s->host->release (s->host, zeros);
}

adze_status
static_write_nodes (static_run *s)
{
  adze_nodes b;
  adze_nodes_begin (&b, s->host, s->graph);
  for (size_t i = 0; b.status == ADZE_OK && i < s->layer_count; i++) {
    write_input (&b, s, &s->layers[i]);
    write_weight (&b, s, &s->layers[i]);
  }
  return b.status;
}

/* ---- Biases: whole numbers of 32 bits in steps of the products, as those who compute in integers want them. */

static bool
count_steps (const static_layer *layer, float *scales, int32_t *steps)
{
  for (size_t c = 0; c < layer->channels; c++) {
    double step = (double)layer->range->scale * (double)layer->scales[c];
    scales[c] = (float)step;
    double count = nearbyint ((double)layer->biases[c] / step);
    if (!(fabs (count) < 2147483647.0) || scales[c] == 0)
      return false;
    steps[c] = (int32_t)count;
  }
  return true;
}

static void
write_bias (adze_nodes *b, const static_run *s, const static_layer *layer, float *scales, int32_t *steps)
{
  char name[512];
  int64_t count = (int64_t)layer->channels;
  if (!count_steps (layer, scales, steps)) {
    adze_log (s->host, ADZE_LOG_WARNING,
              "the bias of '%s' stays in floats, and so does the layer for those who want it in integers: it is more "
              "than 32 bits can count in steps of the products",
              layer->name);
    return;
  }
  snprintf (name, sizeof name, "%s", s->graphs->value (s->graph, layer->bias)->name);
  memset (steps + count, 0, (size_t)count * sizeof *steps);
  retype (b, layer->bias, i32, 1, &count, steps, (size_t)count * sizeof *steps);
  uint32_t scale = fixed_weight (b, name, ".scale", scales, count, false);
  uint32_t zero = constant (b, i32, steps + count, count, false);
  set_input (b, layer->node, 2, floats_of (b, layer->bias, scale, zero, 0));
}

adze_status
static_write_biases (static_run *s)
{
  adze_nodes b;
  adze_nodes_begin (&b, s->host, s->graph);
  for (size_t i = 0; b.status == ADZE_OK && i < s->layer_count; i++) {
    const static_layer *layer = &s->layers[i];
    if (!layer->range || !layer->biases)
      continue;
    float *scales = (float *)s->host->allocate (s->host, layer->channels * sizeof *scales);
    int32_t *steps = (int32_t *)s->host->allocate (s->host, 2 * layer->channels * sizeof *steps);
    if (scales && steps)
      write_bias (&b, s, layer, scales, steps);
    else
      b.status = adze_fail (s->host, ADZE_E_MEMORY, "no room for the bias of '%s'", layer->name);
    s->host->release (s->host, scales);
    s->host->release (s->host, steps);
  }
  return b.status;
}
