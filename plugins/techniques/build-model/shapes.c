/* SPDX-License-Identifier: Apache-2.0 */
/* build-model: which shape each layer gives, and whether it can be. */
#include <string.h>

#include "layers.h"

void
build_shape_text (int32_t rank, const int64_t *shape, char text[BUILD_TEXT])
{
  size_t size = 0;
  text[0] = '\0';
  for (int32_t i = 0; i < rank; i++)
    size += (size_t)snprintf (text + size, BUILD_TEXT - size, "%s%lld", i ? "x" : "",
                              (long long)shape[i]);
}

typedef struct walk {
  const adze_host *host;
  build_plan *plan;
  size_t at;
  size_t open[16];
  size_t depth;
} walk;

static build_layer *
layer_of (const walk *w)
{
  return &w->plan->layers[w->at];
}

/* "layers[3] "dense 10" gets 32x7x7: REASON" */
static adze_status
cannot (const walk *w, const char *reason)
{
  const build_layer *layer = layer_of (w);
  char text[BUILD_TEXT];
  build_shape_text (layer->in_rank, layer->in, text);
  return adze_fail (w->host, ADZE_E_PARAM, "layers[%zu] \"%s\" gets %s: %s", w->at, layer->text,
                    text, reason);
}

/* Of floats, and not of the numbers of words that only an embedding takes. */
static adze_status
check_words (const walk *w)
{
  bool takes = layer_of (w)->kind == BUILD_EMBEDDING;
  if (takes && w->at > 0)
    return cannot (w, "an embedding can only be the first layer, which makes the input numbers of "
                      "words");
  return ADZE_OK;
}

/* ---- Layers. */

static adze_status
give_last (const walk *w, const char *what)
{
  build_layer *layer = layer_of (w);
  char reason[160];
  if (layer->in_rank > 2) {
    snprintf (reason, sizeof reason, "%s takes a vector, or a row of them; put \"flatten\" before",
              what);
    return cannot (w, reason);
  }
  layer->out[layer->in_rank - 1] = layer->size;
  return ADZE_OK;
}

/* How many places a window has. */
static int64_t
slide (const build_layer *layer, int d)
{
  int64_t reach = layer->dilation[d] * (layer->kernel[d] - 1) + 1;
  int64_t room = layer->in[1 + d] + layer->begin[d] + layer->end[d];
  return room < reach ? 0 : (room - reach) / layer->stride[d] + 1;
}

static adze_status
give_window (const walk *w)
{
  build_layer *layer = layer_of (w);
  if (layer->in_rank < 2 || layer->in_rank > 1 + BUILD_SPATIAL)
    return cannot (w, "it slides over channels of one or two dimensions, as in 16x100 or 3x32x32");
  for (int d = 0; d < layer->in_rank - 1; d++) {
    int64_t all = layer->dilation[d] * (layer->kernel[d] - 1);
    if (layer->same) {
      layer->begin[d] = all / 2;
      layer->end[d] = all - all / 2;
    }
    layer->out[1 + d] = layer->global ? 1 : slide (layer, d);
    if (layer->out[1 + d] < 1)
      return cannot (w, "its window is larger than what it slides over, pads included");
  }
  return ADZE_OK;
}

static adze_status
give_conv (const walk *w)
{
  build_layer *layer = layer_of (w);
  adze_status status = give_window (w);
  if (status == ADZE_OK && (layer->in[0] % layer->count || layer->size % layer->count))
    return cannot (w, "channels in and channels out must both be multiples of the groups");
  layer->out[0] = layer->size;
  return status;
}

/* A pad of a whole window would make means of nothing. */
static adze_status
give_pool (const walk *w)
{
  const build_layer *layer = layer_of (w);
  for (int d = 0; d < BUILD_SPATIAL; d++)
    if (!layer->global && layer->begin[d] >= layer->kernel[d])
      return cannot (w, "pads must be smaller than the window");
  return give_window (w);
}

static adze_status
give_norm (const walk *w)
{
  const build_layer *layer = layer_of (w);
  bool over_places = layer->norm == BUILD_NORM_GROUP || layer->norm == BUILD_NORM_INSTANCE;
  if (over_places && layer->in_rank < 2)
    return cannot (w, "this normalisation is over the places of channels, and there are none; "
                      "batch and layer take a vector");
  if (layer->norm == BUILD_NORM_GROUP && layer->in[0] % layer->count)
    return cannot (w, "channels must be a multiple of the groups");
  return ADZE_OK;
}

static adze_status
give_flat (const walk *w)
{
  build_layer *layer = layer_of (w);
  layer->out_rank = 1;
  layer->out[0] = 1;
  for (int32_t i = 0; i < layer->in_rank; i++)
    if (__builtin_mul_overflow (layer->out[0], layer->in[i], &layer->out[0])
        || layer->out[0] > BUILD_MOST)
      return cannot (w, "flat, that is more than can be counted");
  return ADZE_OK;
}

static adze_status
need_sequence (const walk *w)
{
  return layer_of (w)->in_rank == 2
             ? ADZE_OK
             : cannot (w, "it takes a sequence, places by numbers, as in 16x64");
}

static adze_status
give_sequence (const walk *w)
{
  build_layer *layer = layer_of (w);
  adze_status status = need_sequence (w);
  if (status != ADZE_OK)
    return status;
  if (layer->kind == BUILD_ATTENTION && layer->in[1] % layer->count)
    return cannot (w, "what each place has must be a multiple of the heads");
  if (layer->kind == BUILD_LSTM || layer->kind == BUILD_GRU)
    layer->out[1] = layer->size;
  if (layer->kind == BUILD_MEAN || layer->last) {
    layer->out_rank = 1;
    layer->out[0] = layer->out[1];
  }
  return ADZE_OK;
}

static adze_status
give_embedding (const walk *w)
{
  build_layer *layer = layer_of (w);
  if (layer->in_rank != 1)
    return cannot (w, "words come as a row, as in 16");
  w->plan->whole = true;
  layer->out_rank = 2;
  layer->out[1] = layer->size;
  return ADZE_OK;
}

static adze_status
give_residual (walk *w)
{
  build_layer *layer = layer_of (w);
  char reason[2 * BUILD_TEXT], text[BUILD_TEXT];
  if (layer->open && layer->activation != BUILD_NONE)
    return cannot (w, "an activation stands behind the sum, where the residual is closed");
  if (layer->open && w->depth == sizeof w->open / sizeof w->open[0])
    return cannot (w, "more than 16 residuals are open");
  if (layer->open) {
    w->open[w->depth++] = w->at;
    return ADZE_OK;
  }
  if (w->depth == 0)
    return cannot (w, "no residual is open; \"residual open\" says where the sum begins");
  layer->partner = w->open[--w->depth];
  const build_layer *partner = &w->plan->layers[layer->partner];
  if (partner->in_rank == layer->in_rank
      && memcmp (partner->in, layer->in, (size_t)layer->in_rank * sizeof *layer->in) == 0)
    return ADZE_OK;
  build_shape_text (partner->in_rank, partner->in, text);
  snprintf (reason, sizeof reason,
            "where it was opened, by layers[%zu], there was %s, and a sum needs the same shape",
            layer->partner, text);
  return cannot (w, reason);
}

static adze_status
give (walk *w)
{
  switch (layer_of (w)->kind) {
  case BUILD_DENSE:
    return give_last (w, "dense");
  case BUILD_CONV:
    return give_conv (w);
  case BUILD_POOL:
    return give_pool (w);
  case BUILD_NORM:
    return give_norm (w);
  case BUILD_FLATTEN:
    return give_flat (w);
  case BUILD_EMBEDDING:
    return give_embedding (w);
  case BUILD_POSITION:
  case BUILD_ATTENTION:
  case BUILD_LSTM:
  case BUILD_GRU:
  case BUILD_MEAN:
    return give_sequence (w);
  case BUILD_RESIDUAL:
    return give_residual (w);
  default:
    return ADZE_OK;
  }
}

/* What it gives must be of a size that can be counted, whatever was multiplied. */
static adze_status
check_size (const walk *w)
{
  const build_layer *layer = layer_of (w);
  int64_t all = 4;
  for (int32_t i = 0; i < layer->out_rank; i++)
    if (__builtin_mul_overflow (all, layer->out[i], &all))
      return cannot (w, "what it gives is more than can be counted");
  return ADZE_OK;
}

adze_status
build_find_shapes (const adze_host *host, build_plan *plan)
{
  walk w = { .host = host, .plan = plan };
  adze_status status = ADZE_OK;
  for (; status == ADZE_OK && w.at < plan->count; w.at += status == ADZE_OK) {
    build_layer *layer = layer_of (&w), *before = w.at ? layer - 1 : NULL;
    layer->in_rank = before ? before->out_rank : plan->rank;
    memcpy (layer->in, before ? before->out : plan->shape, sizeof layer->in);
    layer->out_rank = layer->in_rank;
    memcpy (layer->out, layer->in, sizeof layer->out);
    status = check_words (&w);
    if (status == ADZE_OK)
      status = give (&w);
    if (status == ADZE_OK)
      status = check_size (&w);
  }
  if (status != ADZE_OK || w.depth == 0)
    return status;
  w.at = w.open[w.depth - 1];
  return cannot (&w, "it is never closed; \"residual close\" says where the sum is");
}
