/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/lesson_watch.h: what goes into a step, and how good the weights are once an epoch is over. Tier: draft.
 * All inline: what is compiled in here belongs to the plugin.
 */
#ifndef ADZE_DRAFT_LESSON_WATCH_H
#define ADZE_DRAFT_LESSON_WATCH_H

#include <math.h>

#include <adze/draft/lesson_base.h>

ADZE_BEGIN_DECLS

static inline adze_status
adze_lesson_batch (void *argument, uint64_t epoch, uint64_t number, const adze_view *const **inputs)
{
  adze_lesson *t = (adze_lesson *)argument;
  *inputs = NULL;
  if (number >= t->feed.batches)
    return ADZE_OK;
  adze_status status = adze_feed_read (t->host, &t->feed, epoch, number);
  if (status == ADZE_OK && t->hooks.more_inputs)
    status = t->hooks.more_inputs (t->hooks.argument, t, epoch, number, t->inputs + t->feed.input_count);
  *inputs = t->inputs;
  return status;
}

static inline void
adze_lesson_blame_data (const adze_lesson *t)
{
  const adze_feed_slot *slot = t->feed.count > 0 ? adze_feed_strange (&t->feed) : NULL;
  if (slot)
    adze_fail (t->host, ADZE_E_LIMIT,
               "the column '%s' of the data bound to 'data' has numbers that are none (NaN, or without "
               "end)", slot->column.name);
}

/* ---- Validation. */

static inline double
adze_lesson_loss_in (const adze_view *view)
{
  double loss = NAN;
  adze_numbers_read (view->dtype, adze_view_data (view), 1, &loss);
  return loss;
}

/* Once: it is the same data after each epoch. A score may look sound, since a backend may make other numbers
 * of those that are none. */
static inline adze_status
adze_lesson_check_watched (const adze_lesson *t)
{
  const adze_feed_slot *slot = adze_feed_strange (&t->watch_feed);
  if (!slot)
    return ADZE_OK;
  return adze_fail (t->host, ADZE_E_LIMIT,
                    "the column '%s' of the data bound to 'validation' has numbers that are none (NaN, "
                    "or without end): how good an epoch is cannot be told with it; leave out, or fill, "
                    "examples with such numbers",
                    slot->column.name);
}

static inline bool
adze_lesson_watches_accuracy (const adze_lesson *t)
{
  return strcmp (adze_param_string (t->host, t->params, "watch"), "accuracy") == 0;
}

/* The loss of batch NUMBER is none, and with it the score. It is told where that comes from, if it can be. */
static inline adze_status
adze_lesson_blame_network (const adze_lesson *t, uint64_t number, double loss)
{
  adze_train_progress_info progress;
  adze_eval_options options;
  memset (&progress, 0, sizeof progress);
  progress.struct_size = sizeof progress;
  memset (&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.weights_change = 1;
  options.shapes = t->watch_feed.shapes;
  size_t count = 0;
  uint32_t value = t->graphs->outputs (t->watched, &count)[t->loss_output];
  adze_status status = t->eval->blame (t->host, t->context, t->watched, &options, value, t->watch_feed.inputs);
  if (status == ADZE_OK)
    return ADZE_OK;
  t->train->progress (t->host, t->training, &progress);
  return adze_fail (t->host, status,
                    "the score of epoch %llu is %s, which is neither good nor bad: batch %llu of the data bound "
                    "to 'validation' gives it",
                    (unsigned long long)progress.epoch + 1, isnan (loss) ? "nan" : "inf",
                    (unsigned long long)number + 1);
}

/* A batch's loss is a mean: of as many things as it has labels, or numbers to be met. */
static inline adze_status
adze_lesson_watch_batch (adze_lesson *t, adze_judge *judge, uint64_t number, double *sum, double *weight)
{
  adze_status status = adze_feed_read (t->host, &t->watch_feed, 0, number);
  if (status == ADZE_OK)
    status = adze_feed_execute (t->host, t->context, &t->runner, &t->watch_feed);
  if (status != ADZE_OK)
    return status;
  if (!t->watched_before)
    status = adze_lesson_check_watched (t);
  if (status != ADZE_OK)
    return status;
  const adze_view *target = &t->watch_feed.target->view;
  double things = (double)adze_view_count (target);
  double loss = adze_lesson_loss_in (t->runner.outputs[t->loss_output]);
  if (!isfinite (loss) && !adze_lesson_watches_accuracy (t))
    status = adze_lesson_blame_network (t, number, loss);
  if (status != ADZE_OK)
    return status;
  *sum += loss * things;
  *weight += things;
  return judge ? t->eval->add (t->host, judge, t->runner.outputs[t->scores_output], target)
               : ADZE_OK;
}

static inline adze_status
adze_lesson_watch_all (adze_lesson *t, adze_judge *judge)
{
  double sum = 0, weight = 0;
  adze_status status = ADZE_OK;
  for (uint64_t i = 0; status == ADZE_OK && i < t->watch_feed.batches; i++)
    status = adze_lesson_watch_batch (t, judge, i, &sum, &weight);
  t->watched_loss = sum / weight;
  t->accuracy = NAN;
  if (status != ADZE_OK || !judge)
    return status;
  adze_verdict verdict;
  memset (&verdict, 0, sizeof verdict);
  verdict.struct_size = sizeof verdict;
  t->eval->verdict (t->host, judge, &verdict);
  t->accuracy = verdict.accuracy;
  return ADZE_OK;
}

/* The graph is given the trainer's own memory. It is compiled for the last batch, which is often smaller,
 * first: a rehearsal ends where something is computed, and is to see what both take. */
static inline adze_status
adze_lesson_open_watched (adze_lesson *t)
{
  adze_evaluation *last = NULL;
  adze_status status = t->train->give (t->host, t->training, t->watched, 1);
  t->runner.graph = t->watched;
  t->runner.weights_change = 1;
  if (status == ADZE_OK)
    status = adze_feed_read (t->host, &t->watch_feed, 0, t->watch_feed.batches - 1);
  return status == ADZE_OK
             ? adze_feed_compile (t->host, t->context, &t->runner, &t->watch_feed, &last)
             : status;
}

/* The weights as they are now. */
static inline adze_status
adze_lesson_validate (void *argument, double *score)
{
  adze_lesson *t = (adze_lesson *)argument;
  adze_judge *judge = NULL;
  double began = adze_lesson_now ();
  adze_status status = ADZE_OK;
  if (!t->runner.graph)
    status = adze_lesson_open_watched (t);
  if (status == ADZE_OK && t->classes)
    status = t->eval->judge (t->host, t->context, ADZE_JUDGE_CLASSES, "validation", 1, &judge);
  if (status == ADZE_OK)
    status = adze_lesson_watch_all (t, judge);
  *score = adze_lesson_watches_accuracy (t) ? 1 - t->accuracy : t->watched_loss;
  if (status == ADZE_OK && t->hooks.score)
    t->hooks.score (t->hooks.argument, t, score);
  t->watching += adze_lesson_now () - began;
  t->watched_before = status == ADZE_OK;
  return status;
}

ADZE_END_DECLS

#endif
