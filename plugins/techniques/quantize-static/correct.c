/* SPDX-License-Identifier: Apache-2.0 */
/* Bias correction: what the codes move a channel by in the mean is taken off its bias. Layer by layer from the input on,
 * so that each is corrected behind those that were. */
#include <string.h>

#include "static.h"

/* ---- Means of what layers give. */

typedef struct means {
  static_layer *layers;
  size_t count;
  double **sums;      /* of each channel */
  uint64_t *counts;   /* of its numbers */
} means;

static void
add_view (const static_layer *layer, const adze_view *view, double *sums, uint64_t *count)
{
  const float *numbers = (const float *)adze_view_data (view);
  size_t inner = 1, all = adze_view_count (view);
  for (int32_t d = 2; layer->kind == LAYER_CONV && d < view->rank; d++)
    inner *= (size_t)view->shape[d];
  for (size_t i = 0; i < all; i++)
    sums[i / inner % layer->channels] += (double)numbers[i];
  *count += all / layer->channels;
}

static adze_status
look (static_run *s, void *argument, const adze_view *const *views)
{
  (void)s;
  means *m = (means *)argument;
  for (size_t i = 0; i < m->count; i++)
    add_view (&m->layers[i], views[i], m->sums[i], &m->counts[i]);
  return ADZE_OK;
}

static adze_status
find_means (static_run *s, means *m)
{
  uint32_t *values = (uint32_t *)s->host->allocate (s->host, m->count * sizeof *values);
  static_sweep sweep = { .graph = s->graph, .data = s->data, .samples = s->set.samples, .values = values,
                         .count = m->count, .look = look, .argument = m };
  if (!values)
    return adze_fail (s->host, ADZE_E_MEMORY, "no room for %zu values", m->count);
  for (size_t i = 0; i < m->count; i++)
    values[i] = m->layers[i].output;
  adze_status status = static_sweep_data (s, &sweep);
  s->host->release (s->host, values);
  return status;
}

/* ---- In front of codes. */

adze_status
static_note_means (static_run *s)
{
  if (!s->set.correct)
    return ADZE_OK;
  means m = { .layers = s->layers, .count = s->layer_count };
  m.sums = (double **)s->host->allocate (s->host, m.count * sizeof *m.sums);
  m.counts = (uint64_t *)s->host->allocate (s->host, m.count * sizeof *m.counts);
  adze_status status = m.sums && m.counts ? ADZE_OK : adze_fail (s->host, ADZE_E_MEMORY, "no room for means");
  for (size_t i = 0; status == ADZE_OK && i < m.count; i++) {
    m.sums[i] = s->layers[i].means = (double *)s->host->allocate (s->host, s->layers[i].channels * sizeof (double));
    if (!m.sums[i])
      status = adze_fail (s->host, ADZE_E_MEMORY, "no room for the means of '%s'", s->layers[i].name);
  }
  if (status == ADZE_OK)
    status = find_means (s, &m);
  for (size_t i = 0; status == ADZE_OK && i < m.count; i++)
    for (size_t c = 0; c < s->layers[i].channels; c++)
      s->layers[i].means[c] /= (double)m.counts[i];
  s->host->release (s->host, (void *)m.sums);
  s->host->release (s->host, m.counts);
  return status;
}

/* ---- Behind them. */

static adze_status
correct_layer (static_run *s, static_layer *layer)
{
  uint64_t count = 0;
  double *sums = (double *)s->host->allocate (s->host, layer->channels * sizeof *sums);
  means m = { .layers = layer, .count = 1, .sums = &sums, .counts = &count };
  adze_status status = sums ? find_means (s, &m)
                            : adze_fail (s->host, ADZE_E_MEMORY, "no room for the means of '%s'", layer->name);
  for (size_t c = 0; status == ADZE_OK && c < layer->channels; c++) {
    double moved = sums[c] / (double)count - layer->means[c];
    layer->biases[c] = (float)((double)layer->biases[c] - moved);
    s->moved = moved > s->moved ? moved : -moved > s->moved ? -moved : s->moved;
  }
  s->host->release (s->host, sums);
  return status == ADZE_OK ? static_put_biases (s, layer) : status;
}

adze_status
static_correct (static_run *s)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; s->set.correct && status == ADZE_OK && i < s->layer_count; i++)
    if (s->layers[i].biases) {
      status = correct_layer (s, &s->layers[i]);
      s->corrected++;
    }
  return status;
}

/* ---- Layers without a bias get one of zeros, and a MatMul of matrices becomes a Gemm for it. */

static adze_status
rebuild (static_run *s, static_layer *layer, const char *output)
{
  const adze_graph_node *node = s->graphs->node (s->graph, layer->node);
  const uint32_t inputs[] = { layer->input, layer->weight, layer->bias };
  adze_node_recipe recipe = { .struct_size = sizeof recipe,
                              .op = layer->kind == LAYER_CONV ? "Conv" : "Gemm",
                              .name = node->name,
                              .inputs = inputs,
                              .input_count = 3,
                              .output_names = &output,
                              .output_count = 1,
                              .attributes = node->attributes,
                              .attribute_count = node->attribute_count };
  uint32_t made = ADZE_NONE;
  adze_status status = s->graphs->remove_node (s->host, s->graph, layer->node);
  if (status == ADZE_OK)
    status = s->graphs->add_node (s->host, s->graph, &recipe, &made);
  if (status != ADZE_OK)
    return status;
  layer->kind = layer->kind == LAYER_MATMUL ? LAYER_GEMM : layer->kind;
  layer->output = made;
  layer->node = s->graphs->value (s->graph, made)->node;
  return ADZE_OK;
}

static adze_status
give_bias (static_run *s, static_layer *layer)
{
  static const adze_dtype f32 = { ADZE_FLOAT, 32, 1 };
  int64_t count = (int64_t)layer->channels;
  char name[512];
  snprintf (name, sizeof name, "%s.bias", layer->weight_name);
  layer->biases = (float *)s->host->allocate (s->host, layer->channels * sizeof (float));
  char *output = static_copy_text (s->host, s->graphs->value (s->graph, layer->output)->name);
  adze_status status = layer->biases && output
                           ? s->graphs->add_weight (s->host, s->graph, name, f32, 1, &count, &layer->bias)
                           : adze_fail (s->host, ADZE_E_MEMORY, "no room for a bias of '%s'", layer->name);
  if (status == ADZE_OK)
    status = static_put_biases (s, layer);
  if (status == ADZE_OK)
    status = rebuild (s, layer, output);
  s->host->release (s->host, output);
  return status;
}

adze_status
static_give_biases (static_run *s)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; s->set.correct && status == ADZE_OK && i < s->layer_count; i++) {
    static_layer *layer = &s->layers[i];
    bool can = layer->kind != LAYER_MATMUL || s->graphs->value (s->graph, layer->input)->rank == 2;
    if (layer->biases)
      continue;
    if (can)
      status = give_bias (s, layer);
    else
      status = adze_fallback (s->host, layer->name, "bias correction", "none",
                              "its product of more than two dimensions has no bias");
  }
  return status == ADZE_OK && s->set.correct ? s->graphs->verify (s->host, s->graph) : status;
}
