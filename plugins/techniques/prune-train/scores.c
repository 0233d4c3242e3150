/* SPDX-License-Identifier: Apache-2.0 */
/* prune-train: what weights are worth. */
#include "trim.h"

#include <math.h>

/* ---- The weights as they are. */

const void *
trim_numbers (const trim *t, const adze_graph *graph, const trim_tensor *tensor)
{
  const adze_graph_service *graphs = t->lesson.graphs;
  uint32_t number = graphs->find_value (graph, tensor->name);
  const adze_graph_value *value = number == ADZE_NONE ? NULL : graphs->value (graph, number);
  bool same = value && value->data && value->rank == tensor->rank && adze_dtype_same (value->dtype, tensor->dtype);
  for (int32_t i = 0; same && i < tensor->rank; i++)
    same = value->shape[i] == tensor->shape[i];
  if (same)
    return value->data;
  adze_fail (t->lesson.host, ADZE_E_NOT_FOUND,
             "the networks of 'model' and 'earlier' are not the same: the weight '%s' of the one is %s of the other",
             tensor->name, value ? "another one" : "none");
  return NULL;
}

/* What training has made of them. In front of the first step that is what came in. */
static adze_status
take_weights (const trim *t, uint64_t step, adze_graph *graph)
{
  return step > 0 ? t->lesson.train->give (t->lesson.host, t->lesson.training, graph, 0) : ADZE_OK;
}

adze_status
trim_open_network (trim *t, uint64_t step, adze_graph **graph, uint32_t *loss)
{
  adze_lesson *lesson = &t->lesson;
  uint32_t scores = ADZE_NONE, target = ADZE_NONE;
  adze_status status = lesson->run->graph (lesson->host, lesson->context, lesson->model, graph);
  if (status == ADZE_OK)
    status = take_weights (t, step, *graph);
  if (status == ADZE_OK)
    status = trim_apply_masks (t, *graph);
  if (status == ADZE_OK)
    status = adze_lesson_add_loss (lesson, *graph, true, &scores, &target, loss);
  return status == ADZE_OK ? lesson->graphs->verify (lesson->host, *graph) : status;
}

uint64_t
trim_whole_batches (const trim *t)
{
  uint64_t whole = t->lesson.feed.batches > 1 ? t->lesson.feed.batches - 1 : 1;
  return whole < t->batches ? whole : t->batches;
}

/* ---- By size, and by movement. */

/* COUNT numbers of NOW, and of FIRST where that is not NULL, become scores. */
static void
score_block (const trim *t, const trim_tensor *tensor, const char *now, const char *first, uint64_t at, size_t count)
{
  double is[TRIM_BLOCK], was[TRIM_BLOCK] = { 0 };
  size_t size = tensor->dtype.bits / 8u;
  adze_doubles_read (tensor->dtype, now + at * size, count, is);
  if (first)
    adze_doubles_read (tensor->dtype, first + at * size, count, was);
  /* What moves away from zero is wanted, however small it is; what moves towards it is not. */
  for (size_t i = 0; i < count; i++)
    tensor->scores[at + i] = (float)(t->criterion == TRIM_MOVEMENT ? is[i] * (is[i] - was[i]) : fabs (is[i]));
}

static adze_status
score_tensor (const trim *t, const trim_tensor *tensor)
{
  const char *now = (const char *)trim_numbers (t, t->now, tensor), *first = NULL;
  if (now && t->first)
    first = (const char *)trim_numbers (t, t->first, tensor);
  if (!now || (t->first && !first))
    return ADZE_E_NOT_FOUND;
  for (uint64_t at = 0; at < tensor->count; at += TRIM_BLOCK)
    score_block (t, tensor, now, first, at,
                 tensor->count - at < TRIM_BLOCK ? (size_t)(tensor->count - at) : TRIM_BLOCK);
  return ADZE_OK;
}

/* The graphs stay for later cuts: a new one each time would be one more each time. */
static adze_status
look_at_weights (trim *t, uint64_t step)
{
  adze_lesson *lesson = &t->lesson;
  adze_status status = ADZE_OK;
  if (!t->now)
    status = lesson->run->graph (lesson->host, lesson->context, lesson->model, &t->now);
  if (status == ADZE_OK)
    status = take_weights (t, step, t->now);
  if (status == ADZE_OK && t->criterion == TRIM_MOVEMENT && !t->first)
    status = lesson->run->graph (lesson->host, lesson->context, t->earlier ? t->earlier : lesson->model, &t->first);
  for (size_t i = 0; status == ADZE_OK && i < t->count; i++)
    status = score_tensor (t, &t->tensors[i]);
  return status;
}

/* ---- All. */

static adze_status
make_room (trim *t)
{
  const adze_host *host = t->lesson.host;
  for (size_t i = 0; i < t->count; i++) {
    trim_tensor *tensor = &t->tensors[i];
    if (!tensor->scores)
      tensor->scores = (float *)host->allocate (host, (size_t)tensor->count * sizeof (float) + 1);
    if (!tensor->scores)
      return trim_no_room (t, tensor);
  }
  return ADZE_OK;
}

adze_status
trim_score (trim *t, uint64_t step)
{
  adze_status status = make_room (t);
  if (status != ADZE_OK)
    return status;
  switch (t->criterion) {
  case TRIM_SNIP:
  case TRIM_TAYLOR:
    return trim_score_gradients (t, step);
  case TRIM_WANDA:
    return trim_score_norms (t, step);
  case TRIM_APOZ:
  case TRIM_MEAN:
    return trim_score_activity (t, step);
  default:
    return look_at_weights (t, step);
  }
}
