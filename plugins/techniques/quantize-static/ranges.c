/* SPDX-License-Identifier: Apache-2.0 */
/* Which range the codes of each input have: all inputs of layers are looked at while data flows, each once however
 * many layers take it. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "static.h"

enum { CODES = 256 };

/* ---- The inputs. */

static static_value *
value_of (static_run *s, uint32_t value)
{
  for (size_t i = 0; i < s->value_count; i++)
    if (s->values[i].value == value)
      return &s->values[i];
  return NULL;
}

/* Room for all is there from the beginning, so that layers may point into it. */
static adze_status
list_values (static_run *s)
{
  s->values = (static_value *)s->host->allocate (s->host, (s->layer_count + 1) * sizeof *s->values);
  if (!s->values)
    return adze_fail (s->host, ADZE_E_MEMORY, "no room for %zu inputs of layers", s->layer_count);
  for (size_t i = 0; i < s->layer_count; i++) {
    uint32_t input = s->layers[i].input;
    if (value_of (s, input))
      continue;
    static_value *made = &s->values[s->value_count++];
    *made = (static_value){ .value = input,
                            .name = static_copy_text (s->host, s->graphs->value (s->graph, input)->name),
                            .seen = (histogram *)s->host->allocate (s->host, sizeof (histogram)),
                            .floats = ADZE_NONE };
    if (!made->name || !made->seen)
      return adze_fail (s->host, ADZE_E_MEMORY, "no room for an input of '%s'", s->layers[i].name);
    memset (made->seen, 0, sizeof *made->seen);
  }
  for (size_t i = 0; i < s->layer_count; i++)
    s->layers[i].range = value_of (s, s->layers[i].input);
  return ADZE_OK;
}

static adze_status
look (static_run *s, void *argument, const adze_view *const *views)
{
  (void)argument;
  for (size_t i = 0; i < s->value_count; i++)
    histogram_add (s->values[i].seen, (const float *)adze_view_data (views[i]), adze_view_count (views[i]),
                   s->set.averaging);
  return ADZE_OK;
}

static adze_status
look_at_all (static_run *s)
{
  uint32_t *values = (uint32_t *)s->host->allocate (s->host, (s->value_count + 1) * sizeof *values);
  static_sweep sweep = { .graph = s->graph, .data = s->data, .samples = s->set.samples, .values = values,
                         .count = s->value_count, .look = look };
  if (!values)
    return adze_fail (s->host, ADZE_E_MEMORY, "no room for %zu values", s->value_count);
  for (size_t i = 0; i < s->value_count; i++)
    values[i] = s->values[i].value;
  adze_status status = static_sweep_data (s, &sweep);
  s->examples = sweep.examples;
  s->host->release (s->host, values);
  return status;
}

/* ---- Scale and zero point. */

static histogram_range
choose (const static_run *s, const histogram *h)
{
  switch (s->set.range) {
  case RANGE_MOVING:
    return histogram_moving (h);
  case RANGE_PERCENTILE:
    return histogram_percentile (h, s->set.percentile);
  case RANGE_ENTROPY:
    return histogram_entropy (h, CODES);
  case RANGE_MSE:
    return histogram_mse (h, CODES, s->set.symmetric);
  case RANGE_MIN_MAX:
    break;
  }
  return histogram_min_max (h);
}

/* Codes from LEAST on: the scale is that of float32, and the zero point is found with it as it is. */
static void
settle (const static_run *s, static_value *value)
{
  int32_t least = s->set.inputs_signed ? -128 : 0;
  value->range = choose (s, value->seen);
  double low = value->range.low, high = value->range.high;
  if (s->set.symmetric) {
    high = fmax (-low, high);
    value->scale = (float)(high / (CODES / 2 - 1));
    value->zero = least + CODES / 2;
  } else {
    value->scale = (float)((high - low) / (CODES - 1));
    double zero = value->scale > 0 ? nearbyint (-low / (double)value->scale) : 0;
    value->zero = least + (int32_t)fmin (fmax (zero, 0), CODES - 1);
  }
  value->usable = value->scale >= FLT_MIN && value->scale <= FLT_MAX / CODES;
}

/* NULL: its codes are sound. */
static const char *
obstacle (const static_value *value)
{
  if (value->seen->not_finite > 0)
    return "its input had numbers that are none (NaN, or without end) with this data";
  if (value->seen->count == 0)
    return "its input was never seen with this data";
  return value->usable ? NULL : "its input was 0 throughout with this data, or too small for a scale";
}

static adze_status
drop_unusable (static_run *s)
{
  adze_status status = ADZE_OK;
  for (size_t i = s->layer_count; status == ADZE_OK && i-- > 0;) {
    const char *why = obstacle (s->layers[i].range);
    if (why)
      status = static_drop_layer (s, i, why);
  }
  return status;
}

adze_status
static_find_ranges (static_run *s)
{
  if (!s->set.inputs)
    return ADZE_OK;
  adze_status status = list_values (s);
  if (status == ADZE_OK)
    status = look_at_all (s);
  for (size_t i = 0; status == ADZE_OK && i < s->value_count; i++)
    settle (s, &s->values[i]);
  return status == ADZE_OK ? drop_unusable (s) : status;
}
