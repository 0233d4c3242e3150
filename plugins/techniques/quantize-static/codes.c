/* SPDX-License-Identifier: Apache-2.0 */
/* Weights become codes: a scale for each channel or for all, and each number the code that is nearest. */
#include <math.h>
#include <string.h>

#include "static.h"

/* Codes are as many below 0 as above it where there are enough of them; one of four or eight is worth having. */
int32_t
static_most_code (uint32_t bits)
{
  return (INT32_C (1) << (bits - 1)) - 1;
}

int32_t
static_least_code (uint32_t bits)
{
  return bits == 8 ? -127 : -static_most_code (bits) - 1;
}

int32_t
static_nearest_code (double number, float scale, uint32_t bits)
{
  double code = nearbyint (number / (double)scale), least = static_least_code (bits);
  double most = static_most_code (bits);
  return (int32_t)(code < least ? least : code > most ? most : code);
}

/* ---- Scales. */

static double
squares_lost (const float *numbers, size_t count, float scale, uint32_t bits)
{
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    double off = (double)numbers[i] - (double)scale * static_nearest_code ((double)numbers[i], scale, bits);
    sum += off * off;
  }
  return sum;
}

/* Numbers that lie far out may cost more than they are worth: the scale that loses the fewest squares. */
static float
best_scale (const float *numbers, size_t count, float widest, uint32_t bits)
{
  enum { PARTS = 100, FEWEST = 25 };
  float best = widest;
  double least = squares_lost (numbers, count, widest, bits);
  for (int part = PARTS - 1; part >= FEWEST; part--) {
    float tried = widest * (float)part / PARTS;
    double lost = tried > 0 ? squares_lost (numbers, count, tried, bits) : INFINITY;
    if (lost < least) {
      least = lost;
      best = tried;
    }
  }
  return best;
}

/* Of zeros any scale will do. */
static float
scale_of (const static_run *s, const float *numbers, size_t count, uint32_t bits)
{
  float most = 0;
  for (size_t i = 0; i < count; i++)
    most = fmaxf (most, fabsf (numbers[i]));
  float widest = (float)((double)most / static_most_code (bits));
  if (widest < 1e-30f)
    return 1;
  return s->set.weights_mse ? best_scale (numbers, count, widest, bits) : widest;
}

/* ---- Codes. */

typedef struct coding {
  const static_run *s;
  static_layer *layer;
} coding;

static adze_status
code_channels (void *argument, size_t first, size_t last)
{
  const coding *c = (const coding *)argument;
  static_layer *layer = c->layer;
  for (size_t row = first; row < last; row++) {
    const float *numbers = layer->weights + row * layer->fan;
    for (size_t k = 0; c->s->set.per_channel && k < layer->steps; k++)
      layer->scales[row * layer->steps + k] = scale_of (c->s, numbers + k * layer->group, layer->group, layer->bits);
    for (size_t i = 0; i < layer->fan; i++)
      layer->codes[row * layer->fan + i]
          = (int8_t)static_nearest_code ((double)numbers[i], static_scale_at (layer, row, i), layer->bits);
  }
  return ADZE_OK;
}

void
static_weigh_codes (static_layer *layer)
{
  layer->noise = layer->power = 0;
  for (size_t i = 0; i < layer->channels * layer->fan; i++) {
    double number = (double)layer->weights[i];
    double off = (double)static_scale_at (layer, i / layer->fan, i % layer->fan) * layer->codes[i] - number;
    layer->noise += off * off;
    layer->power += number * number;
  }
}

adze_status
static_code_weights (static_run *s)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < s->layer_count; i++) {
    static_layer *layer = &s->layers[i];
    coding c = { .s = s, .layer = layer };
    float one = s->set.per_channel ? 1 : scale_of (s, layer->weights, layer->channels * layer->fan, layer->bits);
    for (size_t k = 0; k < layer->channels * layer->steps; k++)
      layer->scales[k] = one;
    status = adze_parallel_for (s->host, layer->channels, 16, code_channels, &c);
  }
  return status;
}
