/* SPDX-License-Identifier: Apache-2.0 */
/* SmoothQuant: what flows into a layer is divided by a factor for each channel, and its weights are multiplied by it, so
 * that what is hard to say in few codes is shared by both: the factor is the largest number that flows, to the power of
 * alpha, over the largest weight to the power of what is left.
 *
 * Whoever made the channel is divided where it is a layer that nobody else listens to; elsewhere a Mul is. */
#include <math.h>
#include <string.h>

#include "static.h"

typedef struct smoothing {
  uint32_t value;
  static_layer *first;  /* of the layers that take it */
  static_layer *maker;  /* NULL: a Mul */
  size_t share;         /* places of a layer for each channel */
  size_t channels;
  float *most;          /* of what flows, for each channel; the factors in the end */
} smoothing;

typedef struct smoothings {
  smoothing *items;
  size_t count;
} smoothings;

/* ---- What there is. */

static adze_status
add (static_run *s, smoothings *all, static_layer *layer)
{
  for (size_t i = 0; i < all->count; i++)
    if (all->items[i].value == layer->input)
      return ADZE_OK;
  smoothing *made = &all->items[all->count];
  *made = (smoothing){ .value = layer->input, .first = layer, .share = layer->kernel };
  made->maker = static_maker_of (s, layer, &made->share);
  if (!made->maker || !static_goes_to_layers (s, layer->input)) {
    made->maker = NULL;
    made->share = layer->kernel;
  }
  made->channels = made->maker ? made->maker->channels : layer->fan / layer->kernel * layer->groups;
  made->most = (float *)s->host->allocate (s->host, made->channels * sizeof *made->most);
  if (!made->most)
    return adze_fail (s->host, ADZE_E_MEMORY, "no room for the channels of '%s'", layer->name);
  all->count++;
  return ADZE_OK;
}

static adze_status
look (static_run *s, void *argument, const adze_view *const *views)
{
  const smoothings *all = (const smoothings *)argument;
  (void)s;
  for (size_t i = 0; i < all->count; i++) {
    const smoothing *one = &all->items[i];
    const float *numbers = (const float *)adze_view_data (views[i]);
    /* Places of one channel lie together: pixels of an image, or what was flattened of one. */
    size_t inner = one->first->kind == LAYER_CONV ? 1 : one->share, count = adze_view_count (views[i]);
    for (int32_t d = 2; one->first->kind == LAYER_CONV && d < views[i]->rank; d++)
      inner *= (size_t)views[i]->shape[d];
    for (size_t k = 0; k < count; k++) {
      float size = fabsf (numbers[k]);
      float *most = &one->most[k / inner % one->channels];
      *most = size > *most ? size : *most;
    }
  }
  return ADZE_OK;
}

static adze_status
look_at_all (static_run *s, smoothings *all)
{
  uint32_t *values = (uint32_t *)s->host->allocate (s->host, (all->count + 1) * sizeof *values);
  static_sweep sweep = { .graph = s->graph, .data = s->data, .samples = s->set.samples, .values = values,
                         .count = all->count, .look = look, .argument = all };
  if (!values)
    return adze_fail (s->host, ADZE_E_MEMORY, "no room for %zu values", all->count);
  for (size_t i = 0; i < all->count; i++)
    values[i] = all->items[i].value;
  adze_status status = static_sweep_data (s, &sweep);
  s->host->release (s->host, values);
  return status;
}

/* ---- What becomes of it. */

static adze_status
find_factors (const static_run *s, smoothing *one)
{
  float *weights = (float *)s->host->allocate (s->host, one->channels * sizeof *weights);
  if (!weights)
    return adze_fail (s->host, ADZE_E_MEMORY, "no room for the channels of '%s'", one->first->name);
  for (size_t i = 0; i < s->layer_count; i++) {
    const static_layer *layer = &s->layers[i];
    for (size_t k = 0; layer->input == one->value && k < layer->channels * layer->fan; k++) {
      size_t c = static_channel_in (layer, k / layer->fan, k % layer->fan, one->share);
      weights[c] = fmaxf (weights[c], fabsf (layer->weights[k]));
    }
  }
  for (size_t c = 0; c < one->channels; c++) {
    double factor = pow ((double)one->most[c], s->set.smooth) / pow ((double)weights[c], 1 - s->set.smooth);
    one->most[c] = one->most[c] > 0 && weights[c] > 0 && factor > 1e-30 && factor < 1e30 ? (float)factor : 1;
  }
  s->host->release (s->host, weights);
  return ADZE_OK;
}

/* A Mul in front of all layers that take the value. */
static adze_status
write_mul (static_run *s, const smoothing *one)
{
  adze_nodes b;
  int64_t shape[ADZE_GRAPH_RANK] = { (int64_t)one->channels };
  int32_t dimensions = s->graphs->value (s->graph, one->value)->rank - 2;
  for (int32_t d = 0; d < dimensions; d++)
    shape[d + 1] = 1;
  if (!adze_nodes_begin (&b, s->host, s->graph))
    return b.status;
  for (size_t c = 0; c < one->channels; c++)
    one->most[c] = 1 / one->most[c];
  uint32_t factors = adze_nodes_floats (&b, one->most, (int64_t)one->channels);
  if (one->first->kind == LAYER_CONV && dimensions > 0)
    factors = adze_nodes_reshape (&b, factors, shape, dimensions + 1);
  uint32_t made = adze_nodes_pair (&b, "Mul", one->value, factors);
  for (size_t i = 0; b.status == ADZE_OK && i < s->layer_count; i++) {
    if (s->layers[i].input != one->value)
      continue;
    b.status = s->graphs->set_input (s->host, s->graph, s->layers[i].node, 0, made);
    s->layers[i].input = made;
  }
  s->muls++;
  return b.status;
}

static adze_status
smooth (static_run *s, smoothing *one)
{
  adze_status status = find_factors (s, one);
  for (size_t i = 0; status == ADZE_OK && i < s->layer_count; i++)
    if (s->layers[i].input == one->value)
      static_scale_channels (NULL, &s->layers[i], one->share, one->most);
  if (status == ADZE_OK && one->maker)
    static_scale_channels (one->maker, NULL, 0, one->most);
  else if (status == ADZE_OK)
    status = write_mul (s, one);
  return status;
}

adze_status
static_smooth (static_run *s)
{
  if (s->set.smooth == 0)
    return ADZE_OK;
  smoothings all = { .count = 0 };
  all.items = (smoothing *)s->host->allocate (s->host, (s->layer_count + 1) * sizeof *all.items);
  adze_status status = all.items ? ADZE_OK : adze_fail (s->host, ADZE_E_MEMORY, "no room for channels");
  for (size_t i = 0; status == ADZE_OK && i < s->layer_count; i++)
    status = add (s, &all, &s->layers[i]);
  if (status == ADZE_OK)
    status = look_at_all (s, &all);
  for (size_t i = 0; status == ADZE_OK && i < all.count; i++)
    status = smooth (s, &all.items[i]);
  for (size_t i = 0; status == ADZE_OK && i < s->layer_count; i++)
    status = static_put_floats (s, &s->layers[i]);
  s->smoothed = all.count;
  for (size_t i = 0; i < all.count; i++)
    s->host->release (s->host, all.items[i].most);
  s->host->release (s->host, all.items);
  return status == ADZE_OK ? s->graphs->verify (s->host, s->graph) : status;
}
