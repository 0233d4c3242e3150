/* SPDX-License-Identifier: Apache-2.0 */
/* Teachers: their graphs, as they are used, give what is wanted and nothing is learnt by them. */
#include "distill.h"

static const char *
map_of (distill_kind kind)
{
  return kind == DISTILL_FEATURE     ? "feature-map"
         : kind == DISTILL_ATTENTION ? "attention-map"
                                     : "relation-map";
}

/* ---- Outputs. */

static adze_status
add_output (const distill *d, distill_teacher *teacher, uint32_t value, size_t *place)
{
  size_t count = 0;
  const uint32_t *outputs = d->graphs->outputs (teacher->graph, &count);
  for (*place = 0; *place < count && outputs[*place] != value; ++*place)
    continue;
  return *place < count ? ADZE_OK : d->graphs->add_output (d->host, teacher->graph, value);
}

static adze_status
find_scores (const distill *d, distill_teacher *teacher)
{
  const char *name = adze_param_string (d->host, d->params, "teacher-output");
  size_t count = 0;
  const uint32_t *outputs = d->graphs->outputs (teacher->graph, &count);
  for (size_t i = 0; i < count; i++)
    if (!name[0] || strcmp (d->graphs->value (teacher->graph, outputs[i])->name, name) == 0) {
      teacher->scores = adze_feed_scores (d->host, teacher->graph, outputs[i], false);
      return ADZE_OK;
    }
  return adze_fail (d->host, ADZE_E_NOT_FOUND,
                    "parameter 'teacher-output': the model at the port '%s' has no output '%s'; its first one is "
                    "'%s'",
                    teacher->port, name, count ? d->graphs->value (teacher->graph, outputs[0])->name : "");
}

/* Probabilities at the temperature: of these an average of several teachers means something. */
static adze_status
add_soft (const distill *d, distill_teacher *teacher)
{
  const adze_dtype single = { ADZE_FLOAT, 32, 1 };
  const adze_graph_value *scores = d->graphs->value (teacher->graph, teacher->scores);
  const int64_t classes = 1;
  const adze_graph_attribute along = adze_nodes_int ("axis", &classes);
  adze_nodes b;
  if (!adze_nodes_begin (&b, d->host, teacher->graph))
    return b.status;
  uint32_t value = teacher->scores;
  if (!adze_dtype_same (scores->dtype, single))
    value = adze_nodes_cast (&b, value, ADZE_NODES_FLOAT);
  value = distill_times (&b, value, 1 / d->temperature);
  value = adze_nodes_add (&b, "Softmax", &value, 1, &along);
  return b.status == ADZE_OK ? add_output (d, teacher, value, &teacher->soft_output) : b.status;
}

static adze_status
add_want (const distill *d, distill_teacher *teacher, distill_want *want)
{
  char whose[80];
  uint32_t value = ADZE_NONE, prepared = ADZE_NONE;
  snprintf (whose, sizeof whose, "model at the port '%s'", teacher->port);
  adze_status status = distill_find_value (d, teacher->graph, want->value, whose, map_of (want->kind), &value);
  if (status == ADZE_OK)
    status = distill_prepare (d, teacher->graph, want->kind, value, whose, &prepared);
  return status == ADZE_OK ? add_output (d, teacher, prepared, &want->output) : status;
}

/* What the verified graph says of output number PLACE, for a batch of any size. */
static adze_status
take_shape (const distill *d, const distill_teacher *teacher, size_t place, distill_want *want)
{
  size_t count = 0;
  uint32_t number = d->graphs->outputs (teacher->graph, &count)[place];
  const adze_graph_value *value = d->graphs->value (teacher->graph, number);
  char shape[160];
  want->rank = value->rank;
  want->width = 1;
  for (int32_t i = 0; i < value->rank; i++) {
    want->shape[i] = value->shape[i];
    if (i == 0)
      continue;
    if (value->shape[i] <= 0) {
      adze_feed_shape (d->host, teacher->graph, value->rank, value->shape, shape, sizeof shape);
      return adze_fail (d->host, ADZE_E_FORMAT,
                        "of the model at the port '%s', '%s' is %s: how many numbers an example has is not known "
                        "before it is computed; needed is another value",
                        teacher->port, want->kind == DISTILL_SOFT ? value->name : want->value, shape);
    }
    want->width *= (size_t)value->shape[i];
  }
  return ADZE_OK;
}

static bool
same_shape (const distill_want *a, const distill_want *b)
{
  for (int32_t i = 1; a->rank == b->rank && i < a->rank; i++)
    if (a->shape[i] != b->shape[i])
      return false;
  return a->rank == b->rank;
}

/* All teachers speak of the same classes. */
static adze_status
take_soft_shape (const distill *d, const distill_teacher *teacher, distill_want *want)
{
  distill_want own = { .kind = DISTILL_SOFT };
  adze_status status = take_shape (d, teacher, teacher->soft_output, &own);
  if (status != ADZE_OK)
    return status;
  if (want->rank > 0 && !same_shape (want, &own))
    return adze_fail (d->host, ADZE_E_FORMAT,
                      "the model at the port '%s' gives %zu numbers for an example, and the teachers before it "
                      "%zu: their probabilities have no average",
                      teacher->port, own.width, want->width);
  want->rank = own.rank;
  want->width = own.width;
  memcpy (want->shape, own.shape, sizeof want->shape);
  return ADZE_OK;
}

/* ---- Opened. */

static adze_status
open_feed (const distill *d, distill_teacher *teacher)
{
  adze_feed_wish wish;
  memset (&wish, 0, sizeof wish);
  wish.params = d->params;
  wish.graph = teacher->graph;
  wish.output = teacher->scores;
  wish.classes = d->lesson->classes;
  wish.target_input = ADZE_NONE;
  wish.batch = d->lesson->feed.batch;
  adze_status status = adze_feed_open (d->host, d->lesson->data, &wish, &teacher->feed);
  teacher->runner.graph = teacher->graph;
  return status == ADZE_OK ? status
                           : adze_fail (d->host, status, "the model at the port '%s' cannot be shown the data",
                                        teacher->port);
}

static adze_status
open_teacher (distill *d, size_t number)
{
  distill_teacher *teacher = &d->teachers[number];
  bool soft = d->soft > 0 && teacher->weight > 0;
  adze_status status = d->run->graph (d->host, d->context, teacher->model, &teacher->graph);
  if (status == ADZE_OK)
    status = adze_damage_refuse (d->host, teacher->graph, teacher->port);
  if (status == ADZE_OK)
    status = find_scores (d, teacher);
  if (status == ADZE_OK && soft)
    status = add_soft (d, teacher);
  for (size_t i = 0; status == ADZE_OK && i < d->want_count; i++)
    if (d->wants[i].kind != DISTILL_SOFT && d->wants[i].teacher == number)
      status = add_want (d, teacher, &d->wants[i]);
  if (status == ADZE_OK)
    status = d->graphs->verify (d->host, teacher->graph);
  if (status == ADZE_OK && soft)
    status = take_soft_shape (d, teacher, &d->wants[0]);
  for (size_t i = 0; status == ADZE_OK && i < d->want_count; i++)
    if (d->wants[i].kind != DISTILL_SOFT && d->wants[i].teacher == number)
      status = take_shape (d, teacher, d->wants[i].output, &d->wants[i]);
  return status == ADZE_OK ? open_feed (d, teacher) : status;
}

adze_status
distill_open_teachers (distill *d)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < d->teacher_count; i++)
    status = open_teacher (d, i);
  for (size_t i = 0; i < d->want_count; i++) {
    d->wants[i].place = d->row;
    d->row += d->wants[i].width;
  }
  return status;
}

void
distill_close_teachers (distill *d)
{
  for (size_t i = 0; i < d->teacher_count; i++) {
    if (d->teachers[i].runner.graph)
      adze_feed_runner_close (d->host, d->context, &d->teachers[i].runner);
    adze_feed_close (d->host, &d->teachers[i].feed);
  }
}

/* ---- Asked. */

/* Of ones that share, WEIGHT is below 1. */
static void
add_rows (const adze_view *view, float *rows, size_t row, size_t place, size_t width, double weight)
{
  const float *from = (const float *)adze_view_data (view);
  size_t count = width ? adze_view_count (view) / width : 0;
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < width; k++)
      rows[i * row + place + k] += (float)weight * from[i * width + k];
}

static void
take_outputs (const distill *d, size_t number, float *rows)
{
  const distill_teacher *teacher = &d->teachers[number];
  const adze_view *const *outputs = teacher->runner.outputs;
  for (size_t i = 0; i < d->want_count; i++) {
    const distill_want *want = &d->wants[i];
    if (want->kind == DISTILL_SOFT && teacher->weight > 0)
      add_rows (outputs[teacher->soft_output], rows, d->row, want->place, want->width, teacher->weight);
    else if (want->kind != DISTILL_SOFT && want->teacher == number)
      add_rows (outputs[want->output], rows, d->row, want->place, want->width, 1);
  }
}

/* What is no number would be learnt from silently by a backend that makes others of it. */
static adze_status
check_answers (const distill *d, const float *rows, size_t count, uint64_t number)
{
  const adze_dtype single = { ADZE_FLOAT, 32, 1 };
  if (adze_numbers_are_finite (single, rows, count * d->row))
    return ADZE_OK;
  return adze_fail (d->host, ADZE_E_LIMIT,
                    "what teachers give for batch %llu of the data has numbers that are none (NaN, or without end)",
                    (unsigned long long)number + 1);
}

adze_status
distill_ask (distill *d, uint64_t epoch, uint64_t number, float *rows, size_t *count)
{
  memset (rows, 0, d->lesson->feed.batch * d->row * sizeof *rows);
  for (size_t i = 0; i < d->teacher_count; i++) {
    distill_teacher *teacher = &d->teachers[i];
    adze_status status = adze_feed_read (d->host, &teacher->feed, epoch, number);
    *count = (size_t)teacher->feed.count;
    if (status == ADZE_OK)
      status = adze_feed_execute (d->host, d->context, &teacher->runner, &teacher->feed);
    /* Only a rehearsal computes nothing; that somebody asked to stop is told by progress. */
    if (status == ADZE_E_CANCELLED)
      d->rehearses = true;
    else if (status != ADZE_OK)
      return status;
    else
      take_outputs (d, i, rows);
  }
  d->asked += *count;
  return d->rehearses ? ADZE_OK : check_answers (d, rows, *count, number);
}
