/* SPDX-License-Identifier: Apache-2.0 */
/* prune-train: what the loss says of weights.
 *
 * The network as it is used, masks and all, with its loss and the gradients of that, is computed for some batches. To
 * first order a weight that becomes zero changes the loss by its gradient times itself: SNIP takes the size of that
 * for the mean of all batches, Taylor the mean of its squares over the batches, in which nothing cancels out. */
#include "trim.h"

#include <math.h>

typedef struct trim_slopes {
  trim *t;
  adze_graph *graph;
  uint32_t *values;    /* of the tensors, then their gradients */
  double **sums;       /* one a tensor */
  const adze_view **outputs;
  size_t *places;      /* of the gradients among the outputs */
  adze_evaluation *compiled;
} trim_slopes;

static adze_status
make_room (trim_slopes *s)
{
  const adze_host *host = s->t->lesson.host;
  size_t count = s->t->count;
  s->values = (uint32_t *)host->allocate (host, 2 * count * sizeof *s->values);
  s->places = (size_t *)host->allocate (host, count * sizeof *s->places);
  s->sums = (double **)host->allocate (host, count * sizeof *s->sums);
  if (!s->values || !s->places || !s->sums)
    return adze_fail (host, ADZE_E_MEMORY, "no room for what is known of %zu gradients", count);
  for (size_t i = 0; i < count; i++) {
    s->sums[i] = (double *)host->allocate (host, (size_t)s->t->tensors[i].count * sizeof (double) + 1);
    if (!s->sums[i])
      return trim_no_room (s->t, &s->t->tensors[i]);
  }
  return ADZE_OK;
}

static void
drop_room (trim_slopes *s)
{
  const adze_lesson *lesson = &s->t->lesson;
  if (s->compiled)
    lesson->eval->release (lesson->host, lesson->context, s->compiled);
  for (size_t i = 0; s->sums && i < s->t->count; i++)
    lesson->host->release (lesson->host, s->sums[i]);
  lesson->host->release (lesson->host, s->sums);
  lesson->host->release (lesson->host, s->values);
  lesson->host->release (lesson->host, s->places);
  lesson->host->release (lesson->host, (void *)s->outputs);
}

static adze_status
add_gradients (trim_slopes *s, uint32_t loss)
{
  const adze_lesson *lesson = &s->t->lesson;
  const adze_graph_service *graphs = lesson->graphs;
  size_t count = s->t->count, outputs = 0;
  for (size_t i = 0; i < count; i++)
    s->values[i] = graphs->find_value (s->graph, s->t->tensors[i].name);
  adze_status status
      = graphs->differentiate (lesson->host, s->graph, loss, s->values, count, s->values + count);
  graphs->outputs (s->graph, &outputs);
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    s->places[i] = outputs + i;
    status = graphs->add_output (lesson->host, s->graph, s->values[count + i]);
  }
  if (status == ADZE_OK)
    status = graphs->verify (lesson->host, s->graph);
  s->outputs = (const adze_view **)lesson->host->allocate (lesson->host, (outputs + count) * sizeof *s->outputs);
  return status == ADZE_OK && !s->outputs ? adze_fail (lesson->host, ADZE_E_MEMORY, "no room for %zu gradients", count)
                                          : status;
}

static adze_status
compile (trim_slopes *s)
{
  adze_lesson *lesson = &s->t->lesson;
  adze_eval_options options;
  memset (&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.shapes = lesson->feed.shapes;
  return lesson->eval->compile (lesson->host, lesson->context, s->graph, &options, &s->compiled);
}

static adze_status
add_tensor (trim_slopes *s, size_t index)
{
  const trim_tensor *tensor = &s->t->tensors[index];
  const adze_view *view = s->outputs[s->places[index]];
  const char *slopes = (const char *)adze_view_data (view);
  const char *numbers = (const char *)trim_numbers (s->t, s->graph, tensor);
  size_t size = tensor->dtype.bits / 8u;
  if (!numbers)
    return ADZE_E_NOT_FOUND;
  for (uint64_t at = 0; at < tensor->count; at += TRIM_BLOCK) {
    double slope[TRIM_BLOCK], weight[TRIM_BLOCK];
    size_t count = tensor->count - at < TRIM_BLOCK ? (size_t)(tensor->count - at) : TRIM_BLOCK;
    adze_doubles_read (tensor->dtype, slopes + at * size, count, slope);
    adze_doubles_read (tensor->dtype, numbers + at * size, count, weight);
    for (size_t i = 0; i < count; i++) {
      double change = slope[i] * weight[i];
      s->sums[index][at + i] += s->t->criterion == TRIM_TAYLOR ? change * change : change;
    }
  }
  return ADZE_OK;
}

static adze_status
add_batch (trim_slopes *s, uint64_t number)
{
  adze_lesson *lesson = &s->t->lesson;
  adze_status status = adze_feed_read (lesson->host, &lesson->feed, 0, number);
  if (status == ADZE_OK && !s->compiled)
    status = compile (s);
  if (status == ADZE_OK)
    status = lesson->eval->execute (lesson->host, s->compiled, lesson->feed.inputs, s->outputs);
  for (size_t i = 0; status == ADZE_OK && i < s->t->count; i++)
    status = add_tensor (s, i);
  return status;
}

static void
set_scores (const trim_slopes *s)
{
  double batches = (double)trim_whole_batches (s->t);
  for (size_t i = 0; i < s->t->count; i++)
    for (uint64_t k = 0; k < s->t->tensors[i].count; k++)
      s->t->tensors[i].scores[k] = (float)fabs (s->sums[i][k] / batches);
}

adze_status
trim_score_gradients (trim *t, uint64_t step)
{
  trim_slopes s;
  uint32_t loss = ADZE_NONE;
  memset (&s, 0, sizeof s);
  s.t = t;
  adze_status status = make_room (&s);
  if (status == ADZE_OK)
    status = trim_open_network (t, step, &s.graph, &loss);
  if (status == ADZE_OK)
    status = add_gradients (&s, loss);
  for (uint64_t i = 0; status == ADZE_OK && i < trim_whole_batches (t); i++)
    status = add_batch (&s, i);
  if (status == ADZE_OK)
    set_scores (&s);
  drop_room (&s);
  return status;
}
