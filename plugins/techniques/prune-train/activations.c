/* SPDX-License-Identifier: Apache-2.0 */
/* prune-train: what channels have to say.
 *
 * A channel that is zero for most of what the network is shown says little, and so does one whose numbers are small:
 * APoZ scores by the share of its numbers that are not zero, mean by their mean size, over some batches. They are
 * looked at behind the activation that follows the layer, where there is one. */
#include "trim.h"

#include <adze/draft/tap.h>
#include <math.h>

/* A layer that makes channels of one tensor. */
typedef struct trim_maker {
  uint32_t tensor;
  int32_t axis;      /* of the tensor, that its channels are counted by */
  int32_t out_axis;  /* of what the layer gives; from the end where it is below 0 */
  uint64_t channels;
  double *sums;      /* one a channel */
  double seen;       /* numbers a channel */
} trim_maker;

typedef struct trim_activity {
  trim *t;
  adze_graph *graph;
  trim_maker *makers;
  uint32_t *values;
  size_t count;
  const adze_tap_service *tap;
  adze_taps *taps;
} trim_activity;

/* ---- Layers. */

static bool
is_op (const adze_graph_node *node, const char *ops)
{
  return !node->domain[0] && adze_lesson_is_among (node->op, ops);
}

static bool
read_maker (const trim_tensor *tensor, const adze_graph_node *node, trim_maker *maker)
{
  if (is_op (node, "Conv"))
    *maker = (trim_maker){ .out_axis = 1 };
  else if (tensor->rank == 2 && is_op (node, "Gemm") && adze_node_int (node, "transB", 0) != 0)
    *maker = (trim_maker){ .out_axis = 1 };
  else if (tensor->rank == 2 && is_op (node, "Gemm|MatMul"))
    *maker = (trim_maker){ .axis = 1, .out_axis = -1 };
  else
    return false;
  maker->channels = (uint64_t)tensor->shape[maker->axis];
  return true;
}

/* The only node that takes VALUE; NULL: there is none, or several. */
static const adze_graph_node *
only_taker (const trim_activity *a, uint32_t value)
{
  const adze_graph_service *graphs = a->t->lesson.graphs;
  const adze_graph_node *found = NULL;
  for (uint32_t n = 0; n < graphs->node_count (a->graph); n++) {
    const adze_graph_node *node = graphs->node (a->graph, n);
    for (size_t i = 0; node && i < node->input_count; i++) {
      if (node->inputs[i] == value && found)
        return NULL;
      found = node->inputs[i] == value ? node : found;
    }
  }
  return found;
}

/* Behind a bias and what normalises, and then behind an activation. */
static uint32_t
follow (const trim_activity *a, uint32_t value)
{
  const adze_graph_node *node;
  while ((node = only_taker (a, value)) && is_op (node, "Add|BatchNormalization") && node->inputs[0] == value)
    value = node->outputs[0];
  return node && is_op (node, "Relu|LeakyRelu|Elu|Selu|PRelu|Clip|Sigmoid|Tanh|HardSigmoid|HardSwish|Softplus")
             ? node->outputs[0]
             : value;
}

static adze_status
add_maker (trim_activity *a, uint32_t tensor, const trim_maker *maker, uint32_t value)
{
  const adze_host *host = a->t->lesson.host;
  trim_maker *added = &a->makers[a->count];
  *added = *maker;
  added->tensor = tensor;
  added->sums = (double *)host->allocate (host, (size_t)added->channels * sizeof (double) + 1);
  if (!added->sums)
    return trim_no_room (a->t, &a->t->tensors[tensor]);
  a->values[a->count++] = follow (a, value);
  return ADZE_OK;
}

static adze_status
find_makers (trim_activity *a)
{
  const adze_graph_service *graphs = a->t->lesson.graphs;
  adze_status status = ADZE_OK;
  for (uint32_t i = 0; status == ADZE_OK && i < a->t->count; i++) {
    const trim_tensor *tensor = &a->t->tensors[i];
    uint32_t value = graphs->find_value (a->graph, tensor->name);
    bool found = false;
    for (uint32_t n = 0; status == ADZE_OK && !found && n < graphs->node_count (a->graph); n++) {
      const adze_graph_node *node = graphs->node (a->graph, n);
      trim_maker maker;
      found = node && node->input_count > 1 && node->inputs[1] == value && read_maker (tensor, node, &maker);
      if (found)
        status = add_maker (a, i, &maker, node->outputs[0]);
    }
  }
  return status;
}

/* ---- Batches. */

static void
add_view (const trim_activity *a, const adze_view *view, trim_maker *maker)
{
  int32_t axis = maker->out_axis < 0 ? view->rank + maker->out_axis : maker->out_axis;
  uint64_t inner = 1, count = adze_view_count (view);
  const char *data = (const char *)adze_view_data (view);
  bool shares = a->t->criterion == TRIM_APOZ;
  for (int32_t i = axis + 1; i < view->rank; i++)
    inner *= (uint64_t)view->shape[i];
  for (uint64_t at = 0; at < count; at += TRIM_BLOCK) {
    double block[TRIM_BLOCK];
    size_t size = count - at < TRIM_BLOCK ? (size_t)(count - at) : TRIM_BLOCK;
    adze_doubles_read (view->dtype, data + at * (view->dtype.bits / 8u), size, block);
    for (size_t i = 0; i < size; i++)
      maker->sums[(at + i) / inner % maker->channels] += shares ? block[i] != 0 : fabs (block[i]);
  }
  maker->seen += (double)count / (double)maker->channels;
}

static adze_status
add_batch (trim_activity *a, uint64_t number)
{
  adze_lesson *lesson = &a->t->lesson;
  adze_eval_options options;
  memset (&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.shapes = lesson->feed.shapes;
  adze_status status = adze_feed_read (lesson->host, &lesson->feed, 0, number);
  if (status == ADZE_OK && !a->taps)
    status = a->tap->open (lesson->host, lesson->context, a->graph, a->values, a->count, &options, &a->taps);
  if (status == ADZE_OK)
    status = a->tap->feed (lesson->host, a->taps, lesson->feed.inputs);
  for (size_t i = 0; status == ADZE_OK && i < a->count; i++)
    add_view (a, a->tap->last (lesson->host, a->taps, i), &a->makers[i]);
  return status;
}

/* ---- Scores. */

/* Of a channel that several layers make the mean; NaN, so that it stays, where none that is known makes it. */
static double
score_of (const trim_activity *a, const trim_channel *channel)
{
  const trim_place *places = (const trim_place *)(const void *)a->t->places.data;
  double sum = 0, count = 0;
  for (size_t p = channel->first; p < channel->first + channel->count; p++)
    for (size_t i = 0; i < a->count; i++)
      if (a->makers[i].tensor == places[p].tensor && a->makers[i].axis == places[p].axis) {
        sum += a->makers[i].sums[places[p].index] / a->makers[i].seen;
        count++;
      }
  return sum / count;
}

static adze_status
open_activity (trim_activity *a, uint64_t step)
{
  const adze_host *host = a->t->lesson.host;
  uint32_t loss = ADZE_NONE;
  a->tap = adze_tap_of (host);
  if (!a->tap)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_TAP);
  a->makers = (trim_maker *)host->allocate (host, a->t->count * sizeof *a->makers);
  a->values = (uint32_t *)host->allocate (host, a->t->count * sizeof *a->values);
  if (!a->makers || !a->values)
    return adze_fail (host, ADZE_E_MEMORY, "no room for what is known of %zu layers", a->t->count);
  adze_status status = trim_open_network (a->t, step, &a->graph, &loss);
  if (status == ADZE_OK)
    status = find_makers (a);
  if (status != ADZE_OK || a->count > 0)
    return status;
  return adze_fail (host, ADZE_E_UNSUPPORTED,
                    "no Conv, Gemm or MatMul makes the channels of this network, so that nobody knows where to look at "
                    "them; take another criterion");
}

static void
close_activity (trim_activity *a)
{
  const adze_lesson *lesson = &a->t->lesson;
  if (a->taps)
    a->tap->close (lesson->host, lesson->context, a->taps);
  for (size_t i = 0; i < a->count; i++)
    lesson->host->release (lesson->host, a->makers[i].sums);
  lesson->host->release (lesson->host, a->makers);
  lesson->host->release (lesson->host, a->values);
}

adze_status
trim_score_activity (trim *t, uint64_t step)
{
  trim_activity a;
  memset (&a, 0, sizeof a);
  a.t = t;
  adze_status status = open_activity (&a, step);
  for (uint64_t i = 0; status == ADZE_OK && i < trim_whole_batches (t); i++)
    status = add_batch (&a, i);
  for (size_t i = 0; status == ADZE_OK && i < trim_channel_count (t); i++)
    trim_channel_at (t, i)->score = score_of (&a, trim_channel_at (t, i));
  close_activity (&a);
  return status;
}
