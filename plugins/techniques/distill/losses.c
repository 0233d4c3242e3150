/* SPDX-License-Identifier: Apache-2.0 */
/* The student's loss: its labels, and what its teachers have said. */
#include <math.h>

#include "distill.h"

/* Values that a model has begin with no such letter. */
#define MARKS "%labelled"

typedef struct sum {
  adze_nodes b;
  uint32_t total; /* ADZE_NONE: nothing yet */
} sum;

static void
add_term (sum *s, uint32_t term, double weight)
{
  if (weight == 0)
    return;
  term = distill_times (&s->b, term, weight);
  s->total = s->total == ADZE_NONE ? term : adze_nodes_pair (&s->b, "Add", s->total, term);
}

/* ---- Labels. */

/* The cross-entropy of each example, times what its label counts: those of the examples that have one are weighted so
 * that over an epoch it is their mean. */
static uint32_t
marked_loss (const distill *d, adze_nodes *b, uint32_t scores, uint32_t target)
{
  static const adze_text none = { "none", 4 };
  const int64_t classes = 1;
  double smoothing = adze_param_float (d->host, d->params, "label-smoothing");
  const adze_graph_attribute along = adze_nodes_int ("axis", &classes);
  adze_graph_attribute each;
  memset (&each, 0, sizeof each);
  each.struct_size = sizeof each;
  each.type = ADZE_ATTRIBUTE_TEXT;
  each.name = "reduction";
  each.count = 1;
  each.texts = &none;
  uint32_t logs = adze_nodes_add (b, "LogSoftmax", &scores, 1, &along);
  const uint32_t inputs[] = { logs, target };
  uint32_t right = adze_nodes_add (b, "NegativeLogLikelihoodLoss", inputs, 2, &each);
  if (smoothing > 0) {
    const int64_t shape[] = { -1 };
    uint32_t even = adze_nodes_reshape (b, distill_add_ints (b, "ReduceMean", logs, "axes", &classes, 1), shape, 1);
    right = adze_nodes_pair (b, "Sub", distill_times (b, right, 1 - smoothing), distill_times (b, even, smoothing));
  }
  return distill_mean (b, adze_nodes_pair (b, "Mul", right, d->mark_input));
}

static adze_status
add_marks (distill *d, adze_graph *graph, uint32_t scores, uint32_t target)
{
  const adze_dtype single = { ADZE_FLOAT, 32, 1 };
  const adze_graph_value *labels = d->graphs->value (graph, target);
  if (labels->rank != 1)
    return adze_fail (d->host, ADZE_E_UNSUPPORTED,
                      "the port 'labelled' is bound, and an example has more than one label; needed is a network "
                      "with one for each example");
  const int64_t shape[] = { d->graphs->value (graph, scores)->shape[0] };
  return d->graphs->add_input (d->host, graph, MARKS, single, 1, shape, &d->mark_input);
}

/* ---- What teachers say. */

static adze_status
misfit (const distill *d, const adze_graph *graph, const distill_want *want, uint32_t value, const char *needed)
{
  const adze_graph_value *own = d->graphs->value (graph, value);
  char student[160], teacher[160];
  adze_feed_shape (d->host, graph, own->rank, own->shape, student, sizeof student);
  adze_feed_shape (d->host, want->kind == DISTILL_SOFT ? NULL : d->teachers[want->teacher].graph, want->rank,
                   want->shape, teacher, sizeof teacher);
  if (want->kind == DISTILL_SOFT)
    return adze_fail (d->host, ADZE_E_FORMAT,
                      "the student's '%s' is %s, and what the teacher gives is %s: %s", own->name, student,
                      teacher, needed);
  return adze_fail (d->host, ADZE_E_FORMAT,
                    "parameter '%s-map': the student's '%s' is %s, and '%s' of the teacher at the port '%s' is %s: %s",
                    distill_kind_name (want->kind), want->student, student, want->value,
                    d->teachers[want->teacher].port, teacher, needed);
}

/* Dimension number *AXIS is the only one that differs; 0: none does. False: more do. */
static bool
differs (const adze_graph_value *own, const distill_want *want, int32_t *axis)
{
  *axis = 0;
  for (int32_t i = 1; own->rank == want->rank && i < own->rank; i++)
    if (own->shape[i] != want->shape[i]) {
      if (*axis > 0 || own->shape[i] <= 0)
        return false;
      *axis = i;
    }
  return own->rank == want->rank;
}

/* Numbers of the run's seed, as far from zero that what is projected is as large as what it is made of. */
static adze_status
fill_projection (const distill *d, adze_graph *graph, const char *name, uint32_t weight, size_t from, size_t count)
{
  float *numbers = (float *)d->host->allocate (d->host, count * sizeof *numbers);
  double most = sqrt (3.0 / (double)from);
  adze_status status = ADZE_OK;
  if (!numbers)
    return adze_fail (d->host, ADZE_E_MEMORY, "no room for a projection of %zu numbers", count);
  for (size_t first = 0, some; status == ADZE_OK && first < count; first += some) {
    uint64_t bits[256];
    some = count - first < 256 ? count - first : 256;
    if (!adze_random_fill (d->host, name, first, bits, some))
      status = adze_fail (d->host, ADZE_E_UNSUPPORTED, "this host has no %s, which a projection begins with",
                          ADZE_RANDOM);
    for (size_t i = 0; status == ADZE_OK && i < some; i++)
      numbers[first + i] = (float)(most * (2 * adze_random_unit (bits[i]) - 1));
  }
  if (status == ADZE_OK)
    status = d->graphs->set_data (d->host, graph, weight, numbers, count * sizeof *numbers);
  d->host->release (d->host, numbers);
  return status;
}

/* A matrix along the last dimension, or along the channels of each place: it learns with the student, and is no part
 * of what is given. */
static adze_status
project (const distill *d, adze_nodes *b, distill_want *want, size_t number, int32_t axis, uint32_t *value)
{
  const adze_graph_value *own = d->graphs->value (b->graph, *value);
  bool last = axis == own->rank - 1;
  int64_t from = own->shape[axis], to = want->shape[axis];
  int64_t shape[ADZE_GRAPH_RANK] = { last ? from : to, last ? to : from };
  int32_t rank = last ? 2 : own->rank;
  const adze_dtype single = { ADZE_FLOAT, 32, 1 };
  char name[40];
  uint32_t weight = ADZE_NONE;
  for (int32_t i = 2; i < rank; i++)
    shape[i] = 1;
  snprintf (name, sizeof name, "%s%zu", DISTILL_PROJECTION, number);
  adze_status status = d->graphs->add_weight (d->host, b->graph, name, single, rank, shape, &weight);
  if (status == ADZE_OK)
    status = fill_projection (d, b->graph, name, weight, (size_t)from, (size_t)from * (size_t)to);
  if (status != ADZE_OK)
    return status;
  *value = adze_nodes_pair (b, last ? "MatMul" : "Conv", *value, weight);
  want->projected = true;
  return b->status;
}

/* *VALUE becomes of the shape that is wanted. */
static adze_status
fit (const distill *d, adze_nodes *b, distill_want *want, size_t number, uint32_t *value)
{
  const adze_graph_value *own = d->graphs->value (b->graph, *value);
  int32_t axis = 0;
  bool learned = strcmp (adze_param_string (d->host, d->params, "projection"), "learned") == 0;
  if (want->kind == DISTILL_RELATION)
    return ADZE_OK; /* how many numbers an example has does not matter to how they lie */
  if (!differs (own, want, &axis))
    return misfit (d, b->graph, want, *value,
                   want->kind == DISTILL_FEATURE
                       ? "needed are as many dimensions, of which one alone may differ"
                       : "needed are the same sizes");
  if (axis == 0)
    return ADZE_OK;
  if (want->kind != DISTILL_FEATURE)
    return misfit (d, b->graph, want, *value,
                   want->kind == DISTILL_SOFT ? "needed are the same classes" : "needed are as many places");
  if (axis != 1 && axis != own->rank - 1)
    return misfit (d, b->graph, want, *value, "only channels, or the last dimension, can be projected");
  if (!learned)
    return misfit (d, b->graph, want, *value, "they differ; projection = \"learned\" puts a matrix between them");
  return project (d, b, want, number, axis, value);
}

/* The input that takes what the teacher has said. */
static adze_status
add_input (const distill *d, adze_graph *graph, distill_want *want, size_t number, int64_t examples)
{
  const adze_dtype single = { ADZE_FLOAT, 32, 1 };
  int64_t shape[ADZE_GRAPH_RANK];
  char name[40];
  size_t batch = d->lesson->feed.batch;
  memcpy (shape, want->shape, sizeof shape);
  shape[0] = examples;
  snprintf (name, sizeof name, "%%taught.%zu", number);
  want->room = (float *)d->host->allocate (d->host, batch * want->width * sizeof *want->room + 1);
  if (!want->room)
    return adze_fail (d->host, ADZE_E_MEMORY, "no room for %zu numbers of each of %zu examples", want->width, batch);
  want->view.data = want->room;
  want->view.device.type = ADZE_DEVICE_CPU;
  want->view.dtype = single;
  want->view.rank = want->rank;
  want->view.shape = want->shape;
  return d->graphs->add_input (d->host, graph, name, single, want->rank, shape, &want->input);
}

static size_t
count_of (const distill *d, distill_kind kind)
{
  size_t count = 0;
  for (size_t i = 0; i < d->want_count; i++)
    count += d->wants[i].kind == kind;
  return count;
}

/* The mean square of what they differ by; of attention the square, whose length is at most 2. */
static uint32_t
squares (adze_nodes *b, uint32_t value, const distill_want *want)
{
  const int64_t places = 1;
  uint32_t apart = adze_nodes_pair (b, "Sub", value, want->input);
  uint32_t square = adze_nodes_pair (b, "Mul", apart, apart);
  if (want->kind == DISTILL_ATTENTION)
    square = distill_reduce (b, "ReduceSum", square, &places, 1);
  return distill_mean (b, square);
}

static adze_status
add_pair (distill *d, sum *s, distill_want *want, size_t number, int64_t examples)
{
  uint32_t value = ADZE_NONE, terms[2];
  char param[40];
  double share = 1 / (double)count_of (d, want->kind); /* a weight is that of the mean over its map */
  snprintf (param, sizeof param, "%s-map", distill_kind_name (want->kind));
  adze_status status = distill_find_value (d, s->b.graph, want->student, "student", param, &value);
  if (status == ADZE_OK)
    status = distill_prepare (d, s->b.graph, want->kind, value, "student", &value);
  if (status == ADZE_OK && want->kind != DISTILL_FEATURE)
    status = d->graphs->verify (d->host, s->b.graph); /* shapes of what was just made */
  if (status == ADZE_OK)
    status = fit (d, &s->b, want, number, &value);
  if (status == ADZE_OK)
    status = add_input (d, s->b.graph, want, number, examples);
  if (status != ADZE_OK)
    return status;
  if (want->kind == DISTILL_RELATION) {
    distill_add_relation (&s->b, value, want->input, d->distance > 0, d->angle > 0, terms);
    add_term (s, terms[0], d->distance * share);
    add_term (s, terms[1], d->angle * share);
  } else
    add_term (s, squares (&s->b, value, want), (want->kind == DISTILL_FEATURE ? d->feature : d->attention) * share);
  return s->b.status;
}

static adze_status
add_soft (distill *d, sum *s, distill_want *want)
{
  uint32_t output = ADZE_NONE, term = ADZE_NONE;
  int32_t axis = 0;
  adze_status status = adze_feed_output (d->host, d->params, s->b.graph, &output);
  if (status != ADZE_OK)
    return status;
  uint32_t scores = adze_feed_scores (d->host, s->b.graph, output, false);
  if (!differs (d->graphs->value (s->b.graph, scores), want, &axis) || axis > 0)
    return misfit (d, s->b.graph, want, scores, "needed are the same classes");
  status = add_input (d, s->b.graph, want, 0, d->graphs->value (s->b.graph, scores)->shape[0]);
  if (status == ADZE_OK)
    status = d->lesson->train->add_loss (d->host, s->b.graph, ADZE_TRAIN_DIVERGENCE, scores, want->input,
                                         d->temperature, &term);
  if (status == ADZE_OK)
    add_term (s, term, d->soft);
  return status == ADZE_OK ? s->b.status : status;
}

/* ---- All of it. */

adze_status
distill_add_loss (void *argument, adze_lesson *lesson, uint32_t scores, uint32_t *loss)
{
  distill *d = (distill *)argument;
  adze_graph *graph = lesson->learner;
  uint32_t target = d->graphs->find_value (graph, ADZE_LESSON_TARGET);
  sum s = { .total = ADZE_NONE };
  adze_status status = distill_open_teachers (d);
  d->mark_input = ADZE_NONE;
  if (status == ADZE_OK && !adze_nodes_begin (&s.b, d->host, graph))
    return s.b.status;
  if (status == ADZE_OK && d->labelled && d->hard > 0)
    status = add_marks (d, graph, scores, target);
  if (status != ADZE_OK)
    return status;
  if (d->hard > 0)
    add_term (&s, d->mark_input == ADZE_NONE ? *loss : marked_loss (d, &s.b, scores, target), d->hard);
  int64_t examples = d->graphs->value (graph, scores)->shape[0];
  for (size_t i = 0; status == ADZE_OK && i < d->want_count; i++)
    status = d->wants[i].kind == DISTILL_SOFT ? add_soft (d, &s, &d->wants[i])
                                              : add_pair (d, &s, &d->wants[i], i, examples);
  *loss = s.total;
  return status == ADZE_OK ? s.b.status : status;
}
