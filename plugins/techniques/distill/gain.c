/* SPDX-License-Identifier: Apache-2.0 */
/* The same student, from the same weights, with the same parameters and as many steps, and no teacher: without it
 * nobody could say that a teacher was good for anything. */
#include <math.h>

#include "distill.h"

/* Its own checkpoints lie beside those of the student that is given. */
static adze_lesson
untaught (const distill *d)
{
  return (adze_lesson){ .host = d->host,
                        .context = d->context,
                        .params = d->params,
                        .name = "baseline",
                        .rows = "baseline",
                        .data = d->labelled };
}

/* Of examples that are fewer, as many more epochs, so that there are as many steps. */
static uint64_t
epochs_of (const distill *d)
{
  uint64_t batch = (uint64_t)adze_param_int (d->host, d->params, "batch");
  uint64_t epochs = (uint64_t)adze_param_int (d->host, d->params, "epochs");
  adze_artifact *data = d->run->input (d->host, d->context, "data");
  if (!d->labelled || !data)
    return epochs;
  uint64_t all = d->run->batches (d->host, data, (uint32_t)batch);
  uint64_t own = d->run->batches (d->host, d->labelled, (uint32_t)batch);
  uint64_t steps = epochs * all;
  return own > 0 && steps > own ? (steps + own / 2) / own : 1;
}

static uint64_t
count_examples (const distill *d, const adze_feed *feed)
{
  const void *data = NULL;
  size_t last = 0;
  if (d->run->batch (d->host, feed->data, 0, feed->batches - 1, feed->batch, feed->target->number, &data, &last)
      != ADZE_OK)
    return 0;
  return (feed->batches - 1) * feed->batch + last;
}

static void
take_result (distill *d, const adze_lesson *lesson)
{
  adze_train_progress_info p;
  memset (&p, 0, sizeof p);
  p.struct_size = sizeof p;
  lesson->train->progress (d->host, lesson->training, &p);
  size_t given = adze_lesson_given_epoch (lesson, &p);
  d->baseline.score = lesson->history[given].score;
  d->baseline.accuracy = lesson->history[given].accuracy;
  d->baseline.epochs = lesson->history_count;
  d->baseline.given_epoch = given + 1;
  d->baseline.examples = count_examples (d, &lesson->watch_feed);
}

adze_status
distill_measure_baseline (distill *d)
{
  adze_lesson lesson = untaught (d);
  d->baseline.score = d->baseline.accuracy = NAN;
  if (!adze_param_bool (d->host, d->params, "baseline"))
    return ADZE_OK;
  if (!d->run->input (d->host, d->context, "validation"))
    return adze_fail (d->host, ADZE_E_PARAM,
                      "parameter 'baseline' is true, and nothing says how good a student is; needed is validation = "
                      "\"NAME\", with data that is not trained with");
  if (d->labelled && adze_param_int (d->host, d->params, "patience") > 0)
    return adze_fail (d->host, ADZE_E_PARAM,
                      "parameter 'patience' counts epochs, and those of 'labelled', which the baseline has, are "
                      "shorter: it would stop early; leave one of 'patience' and 'baseline' out");
  lesson.epochs = epochs_of (d);
  adze_status status = adze_lesson_teach (&lesson);
  if (status == ADZE_OK)
    take_result (d, &lesson);
  adze_lesson_close (&lesson);
  /* A rehearsal stops what trains, and nobody asked for that: there is more to be rehearsed. */
  if (status == ADZE_E_CANCELLED && d->run->progress (d->host, d->context, 0, 1))
    return ADZE_OK;
  return status;
}
