/* SPDX-License-Identifier: Apache-2.0 */
/* course.c: which rows are learnt from, set aside and judged by. Rows have one order, which the seed draws; every so
 * many of them are a fold, and of the others every so many are set aside. */
#include "emotions.h"

#include <stdio.h>

/* Rows of a course: those learnt from come first, then those set aside, then those of the fold. */
typedef struct plan {
  size_t *rows;
  emo_part learnt, aside, both, fold;
} plan;

static adze_status
divide (const emo_run *r, uint32_t fold, plan *p)
{
  const emo_rows *rows = &r->rows;
  const double held = r->settings.held_out;
  const uint32_t folds = r->settings.folds;
  size_t others = 0, counts[3] = { 0 };
  p->rows = (size_t *)r->host->allocate (r->host, 3 * (rows->count + 1) * sizeof *p->rows);
  if (!p->rows)
    return adze_fail (r->host, ADZE_E_MEMORY, "no room for %zu rows", rows->count);
  for (size_t i = 0; i < rows->count; i++) {
    int into = 2;
    if (folds == 0 || i % folds != fold) {
      others++;
      into = (size_t)((double)others * held) > (size_t)((double)(others - 1) * held);
    }
    p->rows[(size_t)into * rows->count + counts[into]++] = rows->order[i];
  }
  memmove (p->rows + counts[0], p->rows + rows->count, counts[1] * sizeof *p->rows);
  p->learnt = (emo_part){ p->rows, counts[0] };
  p->aside = (emo_part){ p->rows + counts[0], counts[1] };
  p->both = (emo_part){ p->rows, counts[0] + counts[1] };
  p->fold = (emo_part){ p->rows + 2 * rows->count, counts[2] };
  return ADZE_OK;
}

adze_status
emo_model_open (const emo_run *r, adze_emotion_model *model)
{
  const size_t buckets = r->settings.ngrams.buckets;
  model->settings = r->settings.ngrams;
  model->weights = (float *)r->host->allocate (r->host, buckets * ADZE_EMOTIONS * sizeof *model->weights);
  model->idf = (float *)r->host->allocate (r->host, buckets * sizeof *model->idf);
  return model->weights && model->idf
             ? ADZE_OK
             : adze_fail (r->host, ADZE_E_MEMORY, "no room for a classifier of %zu buckets", buckets);
}

/* The line was found for scores without biases, and what is learnt once more has others: the difference goes into the
 * shift, so that the line is for the whole of a unit. */
static void
move_lines (adze_emotion_model *model, const double from[ADZE_EMOTIONS], const double to[ADZE_EMOTIONS])
{
  for (int e = 0; e < ADZE_EMOTIONS; e++)
    model->shift[e] += model->scale[e] * (to[e] - from[e]);
}

static adze_status
learn_and_settle (emo_run *r, const plan *p, const char *name, adze_emotion_model *model, float *scores,
                  emo_tally *aside)
{
  double biases[ADZE_EMOTIONS], again[ADZE_EMOTIONS];
  adze_status status = emo_learn (r, p->learnt, name, model, biases);
  if (status == ADZE_OK)
    status = emo_score (r, p->aside, model, scores);
  if (status == ADZE_OK)
    status = emo_settle (r, p->aside, scores, model);
  if (status == ADZE_OK)
    emo_tally_rows (r, p->aside, scores, model, aside);
  if (status != ADZE_OK || !r->settings.refit)
    return status;
  status = emo_learn (r, p->both, name, model, again);
  if (status == ADZE_OK)
    move_lines (model, biases, again);
  return status;
}

adze_status
emo_course (emo_run *r, uint32_t fold, adze_emotion_model *model, emo_tally *judged)
{
  char name[40];
  plan p = { .rows = NULL };
  emo_tally aside = { .rows = 0 };
  snprintf (name, sizeof name, "epochs of %u of %u", fold, r->settings.folds);
  float *scores = (float *)r->host->allocate (r->host, (r->rows.count + 1) * ADZE_EMOTIONS * sizeof *scores);
  adze_status status = scores ? divide (r, fold, &p) : adze_fail (r->host, ADZE_E_MEMORY, "no room for scores");
  if (status == ADZE_OK)
    status = learn_and_settle (r, &p, name, model, scores, &aside);
  if (status == ADZE_OK && p.fold.count > 0) {
    status = emo_score (r, p.fold, model, scores);
    memset (judged, 0, sizeof *judged);
    emo_tally_rows (r, p.fold, scores, model, judged);
  } else if (status == ADZE_OK)
    *judged = aside;
  r->host->release (r->host, scores);
  r->host->release (r->host, p.rows);
  return status;
}
