/* SPDX-License-Identifier: Apache-2.0 */
/* prune-train: what weights are multiplied by.
 *
 * A weight that is small but sees large numbers does more than its size says: Wanda scores by its size times the
 * length of what it is multiplied by, over some batches. Taps look at the inputs of the layers. */
#include "trim.h"

#include <adze/draft/tap.h>
#include <math.h>

/* Which of a layer's inputs weight number K is multiplied by: K / inner % channels, and so many on for each group of
 * outputs. */
typedef struct trim_layer {
  uint32_t input;     /* the value */
  int32_t axis;       /* of its channels; from the end where it is below 0 */
  uint64_t inner;
  uint64_t channels;  /* of a weight */
  uint64_t each;      /* weights of a group of outputs */
  uint64_t all;       /* channels of the input */
  double *squares;    /* one a channel */
} trim_layer;

typedef struct trim_norms {
  trim *t;
  adze_graph *graph;
  trim_layer *layers; /* one a tensor */
  uint32_t *values;
  const adze_tap_service *tap;
  adze_taps *taps;
} trim_norms;

/* ---- Layers. */

static bool
is_op (const adze_graph_node *node, const char *op)
{
  return !node->domain[0] && strcmp (node->op, op) == 0;
}

/* False: what it does is no product with the weight as its second factor. */
static bool
read_layer (const trim_tensor *tensor, const adze_graph_node *node, trim_layer *layer)
{
  bool turned = is_op (node, "Gemm") && adze_node_int (node, "transB", 0) != 0;
  layer->input = node->inputs[0];
  layer->each = tensor->count;
  if (is_op (node, "Conv")) {
    uint64_t groups = (uint64_t)adze_node_int (node, "group", 1);
    layer->axis = 1;
    layer->channels = (uint64_t)tensor->shape[1];
    layer->inner = tensor->count / (uint64_t)(tensor->shape[0] * tensor->shape[1]);
    layer->each = tensor->count / groups;
    layer->all = layer->channels * groups;
    return true;
  }
  if (tensor->rank != 2 || !(is_op (node, "MatMul") || is_op (node, "Gemm")) || adze_node_int (node, "transA", 0))
    return false;
  layer->axis = -1;
  layer->channels = layer->all = (uint64_t)tensor->shape[turned ? 1 : 0];
  layer->inner = turned ? 1 : (uint64_t)tensor->shape[1];
  return true;
}

static adze_status
find_layer (const trim_norms *n, size_t index)
{
  const adze_lesson *lesson = &n->t->lesson;
  const trim_tensor *tensor = &n->t->tensors[index];
  uint32_t value = lesson->graphs->find_value (n->graph, tensor->name);
  trim_layer *layer = &n->layers[index];
  for (uint32_t i = 0; i < lesson->graphs->node_count (n->graph); i++) {
    const adze_graph_node *node = lesson->graphs->node (n->graph, i);
    if (!node || node->input_count < 2 || node->inputs[1] != value || !read_layer (tensor, node, layer))
      continue;
    n->values[index] = layer->input;
    layer->squares = (double *)lesson->host->allocate (lesson->host, (size_t)layer->all * sizeof (double) + 1);
    return layer->squares ? ADZE_OK : trim_no_room (n->t, tensor);
  }
  return adze_fail (lesson->host, ADZE_E_UNSUPPORTED,
                    "criterion = \"wanda\" cannot see what '%s' is multiplied by: it is the second input of no Conv, "
                    "Gemm or MatMul; name it in 'whole', or take another criterion",
                    tensor->name);
}

/* ---- Batches. */

/* The sizes of a view around the dimension AXIS. */
static void
add_view (const adze_view *view, trim_layer *layer)
{
  int32_t axis = layer->axis < 0 ? view->rank + layer->axis : layer->axis;
  uint64_t inner = 1, count = adze_view_count (view);
  const char *data = (const char *)adze_view_data (view);
  for (int32_t i = axis + 1; i < view->rank; i++)
    inner *= (uint64_t)view->shape[i];
  for (uint64_t at = 0; at < count; at += TRIM_BLOCK) {
    double block[TRIM_BLOCK];
    size_t size = count - at < TRIM_BLOCK ? (size_t)(count - at) : TRIM_BLOCK;
    adze_doubles_read (view->dtype, data + at * (view->dtype.bits / 8u), size, block);
    for (size_t i = 0; i < size; i++)
      layer->squares[(at + i) / inner % layer->all] += block[i] * block[i];
  }
}

static adze_status
add_batch (trim_norms *n, uint64_t number)
{
  adze_lesson *lesson = &n->t->lesson;
  adze_eval_options options;
  memset (&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.shapes = lesson->feed.shapes;
  adze_status status = adze_feed_read (lesson->host, &lesson->feed, 0, number);
  if (status == ADZE_OK && !n->taps)
    status = n->tap->open (lesson->host, lesson->context, n->graph, n->values, n->t->count, &options, &n->taps);
  if (status == ADZE_OK)
    status = n->tap->feed (lesson->host, n->taps, lesson->feed.inputs);
  for (size_t i = 0; status == ADZE_OK && i < n->t->count; i++)
    add_view (n->tap->last (lesson->host, n->taps, i), &n->layers[i]);
  return status;
}

/* ---- Scores. */

static adze_status
set_scores (const trim_norms *n, size_t index)
{
  const trim_tensor *tensor = &n->t->tensors[index];
  const trim_layer *layer = &n->layers[index];
  const char *numbers = (const char *)trim_numbers (n->t, n->graph, tensor);
  if (!numbers)
    return ADZE_E_NOT_FOUND;
  for (uint64_t at = 0; at < tensor->count; at += TRIM_BLOCK) {
    double block[TRIM_BLOCK];
    size_t size = tensor->count - at < TRIM_BLOCK ? (size_t)(tensor->count - at) : TRIM_BLOCK;
    adze_doubles_read (tensor->dtype, numbers + at * (tensor->dtype.bits / 8u), size, block);
    for (size_t i = 0; i < size; i++) {
      uint64_t group = (at + i) / layer->each;
      uint64_t channel = (at + i) / layer->inner % layer->channels + group * layer->channels;
      tensor->scores[at + i] = (float)(fabs (block[i]) * sqrt (layer->squares[channel]));
    }
  }
  return ADZE_OK;
}

static adze_status
open_norms (trim_norms *n, uint64_t step)
{
  const adze_host *host = n->t->lesson.host;
  uint32_t loss = ADZE_NONE;
  n->tap = adze_tap_of (host);
  if (!n->tap)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_TAP);
  n->layers = (trim_layer *)host->allocate (host, n->t->count * sizeof *n->layers);
  n->values = (uint32_t *)host->allocate (host, n->t->count * sizeof *n->values);
  if (!n->layers || !n->values)
    return adze_fail (host, ADZE_E_MEMORY, "no room for what is known of %zu layers", n->t->count);
  adze_status status = trim_open_network (n->t, step, &n->graph, &loss);
  for (size_t i = 0; status == ADZE_OK && i < n->t->count; i++)
    status = find_layer (n, i);
  return status;
}

static void
close_norms (trim_norms *n)
{
  const adze_lesson *lesson = &n->t->lesson;
  if (n->taps)
    n->tap->close (lesson->host, lesson->context, n->taps);
  for (size_t i = 0; n->layers && i < n->t->count; i++)
    lesson->host->release (lesson->host, n->layers[i].squares);
  lesson->host->release (lesson->host, n->layers);
  lesson->host->release (lesson->host, n->values);
}

adze_status
trim_score_norms (trim *t, uint64_t step)
{
  trim_norms n;
  memset (&n, 0, sizeof n);
  n.t = t;
  adze_status status = open_norms (&n, step);
  for (uint64_t i = 0; status == ADZE_OK && i < trim_whole_batches (t); i++)
    status = add_batch (&n, i);
  for (size_t i = 0; status == ADZE_OK && i < t->count; i++)
    status = set_scores (&n, i);
  close_norms (&n);
  return status;
}
