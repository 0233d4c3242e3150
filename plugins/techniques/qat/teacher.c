/* SPDX-License-Identifier: Apache-2.0 */
/* qat: what another network says of each example is learnt beside the labels. Of all that adze-distill(7) knows to learn
 * from a teacher this is one thing, the probabilities of its classes; they are asked for batch by batch. */
#include "qat.h"

/* ---- Is there one? */

adze_status
qat_find_teacher (qat *q)
{
  static const char *const own[] = { "teacher-share", "temperature" };
  q->teacher.model = q->lesson->run->input (q->host, q->lesson->context, "teacher");
  if (q->teacher.model && !q->lesson->classes)
    return adze_fail (q->host, ADZE_E_PARAM,
                      "there is a teacher, which says how probable classes are, and loss = \"%s\"; needed is "
                      "\"cross-entropy\"",
                      adze_param_string (q->host, q->params, "loss"));
  for (size_t i = 0; !q->teacher.model && i < sizeof own / sizeof *own; i++)
    if (adze_param_is_given (q->host, q->params, own[i])
        && !(i == 1 && strcmp (adze_param_string (q->host, q->params, "loss"), "kl") == 0))
      return adze_fail (q->host, ADZE_E_PARAM,
                        "the parameter '%s' is given, and there is no teacher; needed is inputs = { teacher = "
                        "\"input.NAME\" }, or leave it out",
                        own[i]);
  return ADZE_OK;
}

/* ---- Its network gives probabilities at the temperature, in the place of what it gives. */

static double
temperature (const qat *q)
{
  return adze_param_float (q->host, q->params, "temperature");
}

static adze_status
add_probabilities (const qat *q, qat_teacher *t, uint32_t *scores)
{
  const int64_t classes = 1;
  const adze_graph_attribute along = adze_nodes_int ("axis", &classes);
  adze_nodes b;
  if (!adze_nodes_begin (&b, q->host, t->graph))
    return b.status;
  const uint32_t *outputs = q->graphs->outputs (t->graph, &t->output); /* behind those that there are */
  *scores = adze_feed_scores (q->host, t->graph, outputs[0], false);
  uint32_t value = adze_nodes_pair (&b, "Mul", adze_nodes_cast (&b, *scores, ADZE_NODES_FLOAT),
                                    qat_number (&b, (float)(1 / temperature (q))));
  value = adze_nodes_add (&b, "Softmax", &value, 1, &along);
  if (b.status == ADZE_OK)
    b.status = q->graphs->add_output (q->host, t->graph, value);
  return b.status == ADZE_OK ? q->graphs->verify (q->host, t->graph) : b.status;
}

static adze_status
open_feed (const qat *q, qat_teacher *t, uint32_t scores)
{
  const adze_lesson *lesson = q->lesson;
  const adze_feed_wish wish = { .params = q->params,
                                .graph = t->graph,
                                .output = scores,
                                .classes = lesson->classes,
                                .target_input = ADZE_NONE,
                                .batch = lesson->feed.batch };
  t->runner.graph = t->graph;
  adze_status status = adze_feed_open (q->host, lesson->data, &wish, &t->feed);
  return status == ADZE_OK ? status
                           : adze_fail (q->host, status, "the model at the port 'teacher' cannot be shown the data");
}

/* ---- Its place in the loss. */

static adze_status
same_classes (const qat *q, const adze_graph *graph, uint32_t scores)
{
  const adze_graph_value *own = q->graphs->value (graph, scores);
  size_t count = 0;
  const adze_graph_value *given
      = q->graphs->value (q->teacher.graph, q->graphs->outputs (q->teacher.graph, &count)[q->teacher.output]);
  bool same = own->rank == given->rank;
  for (int32_t i = 1; same && i < own->rank; i++)
    same = own->shape[i] == given->shape[i] && own->shape[i] > 0;
  char is[160], needed[160];
  if (same)
    return ADZE_OK;
  adze_feed_shape (q->host, q->teacher.graph, given->rank, given->shape, is, sizeof is);
  adze_feed_shape (q->host, graph, own->rank, own->shape, needed, sizeof needed);
  return adze_fail (q->host, ADZE_E_FORMAT,
                    "the model at the port 'teacher' gives %s, and the one that learns %s; needed are the same classes", is,
                    needed);
}

/* Of the shape of SCORES, which a batch has most of. */
static adze_status
make_room (qat *q, const adze_graph_value *scores)
{
  qat_teacher *t = &q->teacher;
  t->width = 1;
  for (int32_t i = 1; i < scores->rank; i++)
    t->width *= (size_t)(t->shape[i] = scores->shape[i]);
  t->room = (float *)q->host->allocate (q->host, q->lesson->feed.batch * t->width * sizeof *t->room);
  t->view = (adze_view){ .data = t->room, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = { ADZE_FLOAT, 32, 1 },
                         .rank = scores->rank, .shape = t->shape };
  return t->room ? ADZE_OK : adze_fail (q->host, ADZE_E_MEMORY, "no room for what the teacher says of a batch");
}

/* (1 - share) of the one, and share of the other times the square of the temperature, which makes up for gradients being
 * smaller by that. */
static adze_status
mix (const qat *q, adze_graph *graph, uint32_t taught, uint32_t *loss)
{
  double part = adze_param_float (q->host, q->params, "teacher-share");
  adze_nodes b;
  if (!adze_nodes_begin (&b, q->host, graph))
    return b.status;
  uint32_t own = adze_nodes_pair (&b, "Mul", *loss, qat_number (&b, (float)(1 - part)));
  uint32_t other = adze_nodes_pair (&b, "Mul", taught, qat_number (&b, (float)(part * temperature (q) * temperature (q))));
  *loss = adze_nodes_pair (&b, "Add", own, other);
  return b.status;
}

adze_status
qat_add_teacher (qat *q, adze_graph *graph, uint32_t scores, uint32_t *loss)
{
  adze_lesson *lesson = q->lesson;
  uint32_t theirs = ADZE_NONE, input = ADZE_NONE, taught = ADZE_NONE;
  if (!q->teacher.model)
    return ADZE_OK;
  adze_status status = lesson->run->graph (q->host, lesson->context, q->teacher.model, &q->teacher.graph);
  if (status == ADZE_OK)
    status = adze_damage_refuse (q->host, q->teacher.graph, "teacher");
  if (status == ADZE_OK)
    status = add_probabilities (q, &q->teacher, &theirs);
  if (status == ADZE_OK)
    status = open_feed (q, &q->teacher, theirs);
  if (status == ADZE_OK)
    status = same_classes (q, graph, scores);
  if (status == ADZE_OK)
    status = make_room (q, q->graphs->value (graph, scores));
  if (status == ADZE_OK)
    status = lesson->train->add_target (q->host, graph, scores, 0, "%taught", &input);
  if (status == ADZE_OK)
    status = lesson->train->add_loss (q->host, graph, ADZE_TRAIN_DIVERGENCE, scores, input, temperature (q), &taught);
  return status == ADZE_OK ? mix (q, graph, taught, loss) : status;
}

/* ---- Asked. */

/* A rehearsal ends where something is computed, and is to see what learning takes as well. */
adze_status
qat_ask_teacher (qat *q, uint64_t epoch, uint64_t number, const adze_view **view)
{
  qat_teacher *t = &q->teacher;
  adze_status status = adze_feed_read (q->host, &t->feed, epoch, number);
  size_t size = (size_t)t->feed.count * t->width * sizeof *t->room;
  if (status == ADZE_OK)
    status = adze_feed_execute (q->host, q->lesson->context, &t->runner, &t->feed);
  if (status != ADZE_OK && status != ADZE_E_CANCELLED)
    return status;
  if (status == ADZE_OK)
    memcpy (t->room, adze_view_data (t->runner.outputs[t->output]), size);
  else
    memset (t->room, 0, size);
  t->shape[0] = (int64_t)t->feed.count;
  *view = &t->view;
  return ADZE_OK;
}

void
qat_close_teacher (qat *q)
{
  if (q->teacher.runner.graph)
    adze_feed_runner_close (q->host, q->lesson->context, &q->teacher.runner);
  adze_feed_close (q->host, &q->teacher.feed);
  q->host->release (q->host, q->teacher.room);
}
