/* SPDX-License-Identifier: Apache-2.0 */
/* The products of the network. One with a weight is a layer, unless there is something about it that codes could not
 * keep; that is told, and so are products that have no weight. */
#include <stdarg.h>
#include <string.h>

#include "static.h"

char *
static_copy_text (const adze_host *host, const char *text)
{
  size_t size = strlen (text) + 1;
  char *copy = (char *)host->allocate (host, size);
  if (copy)
    memcpy (copy, text, size);
  return copy;
}

/* ---- What is left. */

adze_status
static_leave (static_run *s, const char *name, bool asked, const char *format, ...)
{
  va_list words;
  if (s->left_count == s->left_room) {
    size_t room = s->left_count * 2 + 8;
    void *larger = adze_entries_larger (s->host, s->left, s->left_count * sizeof *s->left, room * sizeof *s->left);
    if (!larger)
      return adze_fail (s->host, ADZE_E_MEMORY, "no room to say that '%s' is left", name);
    s->left = (static_left *)larger;
    s->left_room = room;
  }
  static_left *left = &s->left[s->left_count];
  *left = (static_left){ .name = static_copy_text (s->host, name), .asked = asked };
  if (!left->name)
    return adze_fail (s->host, ADZE_E_MEMORY, "no room to say that '%s' is left", name);
  va_start (words, format);
  vsnprintf (left->why, sizeof left->why, format, words);
  va_end (words);
  s->left_count++;
  return ADZE_OK;
}

static void
end_layer (const static_run *s, static_layer *layer)
{
  s->host->release (s->host, layer->name);
  s->host->release (s->host, layer->weight_name);
  s->host->release (s->host, layer->weights);
  s->host->release (s->host, layer->biases);
  s->host->release (s->host, layer->codes);
  s->host->release (s->host, layer->scales);
  s->host->release (s->host, layer->nearest);
  s->host->release (s->host, layer->means);
}

void
static_end_layers (static_run *s)
{
  for (size_t i = 0; i < s->layer_count; i++)
    end_layer (s, &s->layers[i]);
  for (size_t i = 0; i < s->left_count; i++)
    s->host->release (s->host, s->left[i].name);
  for (size_t i = 0; i < s->value_count; i++) {
    s->host->release (s->host, s->values[i].name);
    s->host->release (s->host, s->values[i].seen);
  }
  s->host->release (s->host, s->layers);
  s->host->release (s->host, s->left);
  s->host->release (s->host, s->values);
}

adze_status
static_drop_layer (static_run *s, size_t index, const char *why)
{
  adze_status status = static_leave (s, s->layers[index].name, true, "%s", why);
  if (status != ADZE_OK)
    return status;
  end_layer (s, &s->layers[index]);
  s->layer_count--;
  memmove (&s->layers[index], &s->layers[index + 1], (s->layer_count - index) * sizeof *s->layers);
  return ADZE_OK;
}

/* ---- Is it one? */

static bool
is_op (const adze_graph_node *node, const char *op)
{
  return node && !node->domain[0] && strcmp (node->op, op) == 0;
}

static bool
is_product (const adze_graph_node *node)
{
  return is_op (node, "Conv") || is_op (node, "Gemm") || is_op (node, "MatMul") || is_op (node, "ConvTranspose")
         || is_op (node, "LSTM") || is_op (node, "GRU") || is_op (node, "RNN") || is_op (node, "Einsum");
}

static size_t
uses_of (const static_run *s, uint32_t value)
{
  size_t count = 0, outputs = 0;
  const uint32_t *given = s->graphs->outputs (s->graph, &outputs);
  for (size_t i = 0; i < outputs; i++)
    count += given[i] == value;
  for (uint32_t n = 0; n < s->graphs->node_count (s->graph); n++) {
    const adze_graph_node *node = s->graphs->node (s->graph, n);
    for (size_t i = 0; node && i < node->input_count; i++)
      count += node->inputs[i] == value;
  }
  return count;
}

static size_t
elements_of (const adze_graph_value *value)
{
  size_t count = 1;
  for (int32_t i = 0; i < value->rank; i++)
    count *= (size_t)value->shape[i];
  return count;
}

static bool
is_single (const adze_graph_value *value)
{
  return value->dtype.code == ADZE_FLOAT && value->dtype.bits == 32 && value->dtype.lanes == 1;
}

static bool
is_known_weight (const adze_graph_value *value)
{
  return value->role == ADZE_ROLE_WEIGHT && value->data && value->rank >= 0;
}

/* NULL: codes can stand in its place. */
static const char *
weight_obstacle (const static_run *s, const adze_graph_node *node)
{
  const adze_graph_value *weight = s->graphs->value (s->graph, node->inputs[1]);
  const adze_graph_value *input = s->graphs->value (s->graph, node->inputs[0]);
  bool conv = is_op (node, "Conv");
  if (!is_known_weight (weight))
    return "its second factor is no weight, or one that is computed";
  if (!is_single (weight) || !is_single (input))
    return "it is not computed in float32";
  if (conv ? weight->rank < 3 || weight->rank > 5 : weight->rank != 2)
    return "its weight is not one matrix, nor the windows of a convolution";
  if (elements_of (weight) == 0)
    return "its weight has no numbers";
  if (uses_of (s, node->inputs[1]) != 1)
    return "its weight is needed by others as well";
  if (is_op (node, "Gemm") && (adze_node_int (node, "transA", 0) || adze_node_float (node, "alpha", 1) != 1.0f))
    return "it turns what flows in, or multiplies once more";
  return NULL;
}

static const char *
bias_obstacle (const static_run *s, const adze_graph_node *node, size_t channels)
{
  if (node->input_count < 3 || node->inputs[2] == ADZE_NONE)
    return NULL;
  const adze_graph_value *bias = s->graphs->value (s->graph, node->inputs[2]);
  if (is_op (node, "Gemm") && adze_node_float (node, "beta", 1) != 1.0f)
    return "it multiplies its bias once more";
  if (!is_known_weight (bias) || !is_single (bias) || elements_of (bias) != channels
      || (bias->rank > 0 && bias->shape[bias->rank - 1] != (int64_t)channels))
    return "its bias is not one number for each channel";
  return uses_of (s, node->inputs[2]) == 1 ? NULL : "its bias is needed by others as well";
}

/* ---- What it is. */

static void
measure (const adze_graph_value *weight, const adze_graph_node *node, static_layer *layer)
{
  layer->kind = is_op (node, "Conv") ? LAYER_CONV : is_op (node, "Gemm") ? LAYER_GEMM : LAYER_MATMUL;
  layer->turned = layer->kind == LAYER_MATMUL
                  || (layer->kind == LAYER_GEMM && !adze_node_int (node, "transB", 0));
  layer->channels = (size_t)weight->shape[layer->turned ? 1 : 0];
  layer->fan = elements_of (weight) / layer->channels;
  layer->groups = layer->kind == LAYER_CONV ? (size_t)adze_node_int (node, "group", 1) : 1;
  layer->kernel = layer->kind == LAYER_CONV ? layer->fan / (size_t)weight->shape[1] : 1;
  layer->group = layer->fan;
  layer->steps = 1;
}

static void
read_weights (static_layer *layer, const float *from)
{
  for (size_t c = 0; c < layer->channels; c++)
    for (size_t i = 0; i < layer->fan; i++)
      layer->weights[c * layer->fan + i] = from[layer->turned ? i * layer->channels + c : c * layer->fan + i];
}

static adze_status
check_finite (const static_run *s, const adze_graph_value *value)
{
  if (adze_numbers_are_finite (value->dtype, value->data, elements_of (value)))
    return ADZE_OK;
  return adze_fail (s->host, ADZE_E_FORMAT,
                    "'%s' has numbers that are none (NaN, or without end), which no code stands for", value->name);
}

/* Groups that come out even; where they do not, all of a channel shares a scale, which is not what was asked for. */
static adze_status
cut_groups (static_run *s, static_layer *layer)
{
  char asked[48];
  if (s->set.group == 0)
    return ADZE_OK;
  snprintf (asked, sizeof asked, "a scale for each %u weights", s->set.group);
  if (layer->fan % s->set.group != 0)
    return adze_fallback (s->host, layer->weight_name, asked, "one for each channel",
                          "the weights of a channel cannot be cut into groups of that size");
  layer->group = s->set.group;
  layer->steps = layer->fan / s->set.group;
  return ADZE_OK;
}

static adze_status
fill_layer (static_run *s, const adze_graph_node *node, static_layer *layer)
{
  const adze_graph_value *weight = s->graphs->value (s->graph, layer->weight);
  bool has_bias = node->input_count > 2 && node->inputs[2] != ADZE_NONE;
  size_t count = layer->channels * layer->fan;
  adze_status status = check_finite (s, weight);
  layer->bias = has_bias ? node->inputs[2] : ADZE_NONE;
  if (status == ADZE_OK && has_bias)
    status = check_finite (s, s->graphs->value (s->graph, layer->bias));
  if (status == ADZE_OK)
    status = cut_groups (s, layer);
  if (status != ADZE_OK)
    return status;
  layer->weights = (float *)s->host->allocate (s->host, count * sizeof (float));
  layer->codes = (int8_t *)s->host->allocate (s->host, count);
  layer->scales = (float *)s->host->allocate (s->host, layer->channels * layer->steps * sizeof (float));
  layer->biases = has_bias ? (float *)s->host->allocate (s->host, layer->channels * sizeof (float)) : NULL;
  if (!layer->weights || !layer->codes || !layer->scales || (has_bias && !layer->biases))
    return adze_fail (s->host, ADZE_E_MEMORY, "no room for the numbers of the layer '%s'", layer->name);
  read_weights (layer, (const float *)weight->data);
  if (has_bias)
    memcpy (layer->biases, s->graphs->value (s->graph, layer->bias)->data, layer->channels * sizeof (float));
  return ADZE_OK;
}

static adze_status
add_layer (static_run *s, const adze_graph_node *node)
{
  const char *output = s->graphs->value (s->graph, node->outputs[0])->name;
  const char *name = node->name[0] ? node->name : output;
  const char *why = node->input_count < 2 || (!is_op (node, "Conv") && !is_op (node, "Gemm") && !is_op (node, "MatMul"))
                        ? "it is none of Conv, Gemm and MatMul"
                        : weight_obstacle (s, node);
  static_layer *layer = &s->layers[s->layer_count];
  *layer = (static_layer){ .node = node->number };
  if (!why)
    measure (s->graphs->value (s->graph, node->inputs[1]), node, layer);
  if (!why)
    why = bias_obstacle (s, node, layer->channels);
  if (why) {
    /* Of two values that flow none is a weight: nobody asked for codes of it. */
    bool weighs = node->input_count > 1 && s->graphs->value (s->graph, node->inputs[1])->role == ADZE_ROLE_WEIGHT;
    return static_leave (s, name, weighs, "%s: %s", node->op, why);
  }
  s->layer_count++;
  layer->input = node->inputs[0];
  layer->weight = node->inputs[1];
  layer->output = node->outputs[0];
  layer->name = static_copy_text (s->host, name);
  layer->weight_name = static_copy_text (s->host, s->graphs->value (s->graph, layer->weight)->name);
  if (!layer->name || !layer->weight_name)
    return adze_fail (s->host, ADZE_E_MEMORY, "no room for the layer '%s'", name);
  layer->keeps_zeros = static_keeps_zeros (s, name, layer->weight_name);
  adze_status status = static_bits_of (s, name, layer->weight_name, node->op, &layer->bits);
  return status == ADZE_OK && layer->bits > 0 ? fill_layer (s, node, layer) : status;
}

/* Products of bodies, which flow by themselves: nobody looks into these. */
static adze_status
leave_bodies (static_run *s, const adze_graph_node *node)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; i < node->attribute_count; i++) {
    const adze_graph *body = node->attributes[i].type == ADZE_ATTRIBUTE_GRAPH ? node->attributes[i].graph : NULL;
    for (uint32_t n = 0; body && status == ADZE_OK && n < s->graphs->node_count (body); n++) {
      const adze_graph_node *inner = s->graphs->node (body, n);
      if (is_product (inner)) {
        s->products++;
        status = static_leave (s, inner->name[0] ? inner->name : s->graphs->value (body, inner->outputs[0])->name, true,
                               "%s: it stands in a body of %s", inner->op, node->op);
      }
      if (inner && status == ADZE_OK)
        status = leave_bodies (s, inner);
    }
  }
  return status;
}

static void
drop_skipped (static_run *s)
{
  size_t kept = 0;
  for (size_t i = 0; i < s->layer_count; i++) {
    if (s->layers[i].bits > 0)
      s->layers[kept++] = s->layers[i];
    else {
      end_layer (s, &s->layers[i]);
      s->skipped++;
    }
  }
  s->layer_count = kept;
}

adze_status
static_find_layers (static_run *s)
{
  size_t count = 0;
  const uint32_t *order = s->graphs->order (s->graph, &count);
  s->layers = (static_layer *)s->host->allocate (s->host, (count + 1) * sizeof *s->layers);
  if (!s->layers || (count > 0 && !order))
    return adze_fail (s->host, ADZE_E_MEMORY, "no room for the layers of the network");
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    const adze_graph_node *node = s->graphs->node (s->graph, order[i]);
    status = leave_bodies (s, node);
    if (status != ADZE_OK || !is_product (node))
      continue;
    s->products++;
    status = add_layer (s, node);
  }
  if (status == ADZE_OK)
    status = static_check_patterns (s);
  if (status == ADZE_OK)
    drop_skipped (s);
  return status;
}
