/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that follow each other so that a channel of the one, made smaller, makes what the other takes smaller by as
 * much: then the other's weights can make up for it, and the network computes what it did. */
#include <string.h>

#include "static.h"

static bool
is_one_of (const adze_graph_node *node, const char *const *ops)
{
  for (; node && !node->domain[0] && *ops; ops++)
    if (strcmp (node->op, *ops) == 0)
      return true;
  return false;
}

/* Twice of what goes in gives twice of what comes out, for each channel. */
static bool
keeps_factors (const adze_graph_node *node)
{
  static const char *const ops[] = { "Relu", "LeakyRelu", "MaxPool", "AveragePool", "GlobalAveragePool",
                                     "GlobalMaxPool", "Identity", "Flatten", NULL };
  return is_one_of (node, ops) && node->output_count == 1 && adze_node_int (node, "axis", 1) == 1;
}

static bool
is_layer (const static_run *s, uint32_t node)
{
  for (size_t i = 0; i < s->layer_count; i++)
    if (s->layers[i].node == node)
      return true;
  return false;
}

/* Is VALUE taken by node TAKER alone, once? */
static bool
goes_to (const static_run *s, uint32_t value, uint32_t taker)
{
  size_t outputs = 0, uses = 0;
  const uint32_t *given = s->graphs->outputs (s->graph, &outputs);
  for (size_t i = 0; i < outputs; i++)
    if (given[i] == value)
      return false;
  for (uint32_t n = 0; n < s->graphs->node_count (s->graph); n++) {
    const adze_graph_node *node = s->graphs->node (s->graph, n);
    for (size_t i = 0; node && i < node->input_count; i++)
      if (node->inputs[i] == value) {
        if (taker != ADZE_NONE && n != taker)
          return false;
        uses++;
      }
  }
  return uses == 1;
}

bool
static_takes_alone (const static_run *s, const static_layer *layer)
{
  return goes_to (s, layer->input, layer->node);
}

/* All that takes VALUE are layers that have it as their input. */
bool
static_goes_to_layers (const static_run *s, uint32_t value)
{
  size_t outputs = 0;
  const uint32_t *given = s->graphs->outputs (s->graph, &outputs);
  for (size_t i = 0; i < outputs; i++)
    if (given[i] == value)
      return false;
  for (uint32_t n = 0; n < s->graphs->node_count (s->graph); n++) {
    const adze_graph_node *node = s->graphs->node (s->graph, n);
    for (size_t i = 0; node && i < node->input_count; i++)
      if (node->inputs[i] == value && (i != 0 || !is_layer (s, n)))
        return false;
  }
  return true;
}

static static_layer *
layer_that_makes (const static_run *s, uint32_t value)
{
  for (size_t i = 0; i < s->layer_count; i++)
    if (s->layers[i].output == value)
      return &s->layers[i];
  return NULL;
}

/* How many of the layer's places belong to one of CHANNELS; 0: they do not fit. */
static size_t
share_of (const static_layer *maker, const static_layer *taker, bool flat)
{
  if (taker->kind == LAYER_CONV)
    return maker->kind == LAYER_CONV && !flat && taker->fan / taker->kernel * taker->groups == maker->channels
               ? taker->kernel
               : 0;
  if (maker->kind == LAYER_CONV ? !flat : taker->fan != maker->channels)
    return 0;
  return taker->fan % maker->channels == 0 ? taker->fan / maker->channels : 0;
}

/* The layer whose channels the input of TAKER is made of; NULL: there is none like that. What takes the input itself is
 * for the caller to judge. */
static_layer *
static_maker_of (const static_run *s, const static_layer *taker, size_t *share)
{
  bool flat = false;
  uint32_t value = taker->input;
  for (;;) {
    static_layer *maker = layer_that_makes (s, value);
    if (maker) {
      *share = share_of (maker, taker, flat);
      return *share > 0 ? maker : NULL;
    }
    const adze_graph_value *made = s->graphs->value (s->graph, value);
    const adze_graph_node *node = made->role == ADZE_ROLE_NODE ? s->graphs->node (s->graph, made->node) : NULL;
    if (!keeps_factors (node) || !goes_to (s, node->inputs[0], node->number))
      return NULL;
    flat = flat || strcmp (node->op, "Flatten") == 0;
    value = node->inputs[0];
  }
}

size_t
static_channel_in (const static_layer *layer, size_t row, size_t place, size_t share)
{
  size_t group = row / (layer->channels / layer->groups);
  return group * (layer->fan / layer->kernel) + place / share;
}

/* ---- Numbers that the network is to have from now on. */

adze_status
static_put_floats (const static_run *s, const static_layer *layer)
{
  size_t count = layer->channels * layer->fan;
  float *placed = (float *)s->host->allocate (s->host, count * sizeof *placed);
  if (!placed)
    return adze_fail (s->host, ADZE_E_MEMORY, "no room for the weights of '%s'", layer->name);
  for (size_t c = 0; c < layer->channels; c++)
    for (size_t i = 0; i < layer->fan; i++)
      placed[layer->turned ? i * layer->channels + c : c * layer->fan + i] = layer->weights[c * layer->fan + i];
  adze_status status = s->graphs->set_data (s->host, s->graph, layer->weight, placed, count * sizeof *placed);
  s->host->release (s->host, placed);
  return status == ADZE_OK && layer->biases ? static_put_biases (s, layer) : status;
}

adze_status
static_put_biases (const static_run *s, const static_layer *layer)
{
  return s->graphs->set_data (s->host, s->graph, layer->bias, layer->biases, layer->channels * sizeof (float));
}
