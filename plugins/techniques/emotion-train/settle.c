/* SPDX-License-Identifier: Apache-2.0 */
/* settle.c: a line for each emotion that makes probabilities of scores (Platt's scaling), and the threshold above which
 * it is said to be there: both from rows that nothing was learnt from. */
#include "emotions.h"

#include <math.h>
#include <stdlib.h>

/* ---- Probabilities: the line whose cross-entropy is least, by Newton's steps. */

typedef struct sums {
  double loss, slope[2], bend[3]; /* bend: scale-scale, scale-shift, shift-shift */
} sums;

/* What a score of another kind than all of its set would make of the line is kept finite by targets that are not quite
 * 0 and 1 (Platt 1999). */
typedef struct targets {
  double yes, no;
} targets;

static bool
has (const emo_run *r, size_t row, uint32_t emotion)
{
  return r->rows.gold[row] >> emotion & 1;
}

static sums
sum_up (const emo_run *r, emo_part part, const float *scores, uint32_t emotion, const double line[2], targets t)
{
  sums s = { .loss = 0 };
  for (size_t i = 0; i < part.count; i++) {
    const double x = scores[i * ADZE_EMOTIONS + emotion], z = line[0] * x + line[1], p = 1 / (1 + exp (-z));
    const double wanted = has (r, part.rows[i], emotion) ? t.yes : t.no;
    s.loss += (z > 0 ? z + log1p (exp (-z)) : log1p (exp (z))) - wanted * z;
    s.slope[0] += (p - wanted) * x;
    s.slope[1] += p - wanted;
    s.bend[0] += p * (1 - p) * x * x;
    s.bend[1] += p * (1 - p) * x;
    s.bend[2] += p * (1 - p);
  }
  return s;
}

static void
fit_line (const emo_run *r, emo_part part, const float *scores, uint32_t emotion, double line[2])
{
  double have = 0;
  for (size_t i = 0; i < part.count; i++)
    have += has (r, part.rows[i], emotion);
  const targets t = { (have + 1) / (have + 2), 1 / ((double)part.count - have + 2) };
  line[0] = 1;
  line[1] = 0;
  for (int round = 0; round < 100; round++) {
    const sums s = sum_up (r, part, scores, emotion, line, t);
    const double b0 = s.bend[0] + 1e-10, b2 = s.bend[2] + 1e-10, area = b0 * b2 - s.bend[1] * s.bend[1];
    const double step[] = { (b2 * s.slope[0] - s.bend[1] * s.slope[1]) / area,
                            (b0 * s.slope[1] - s.bend[1] * s.slope[0]) / area };
    double share = 1, next[2];
    bool better = false;
    for (; !better && share > 1e-6; share /= 2) {
      next[0] = line[0] - share * step[0];
      next[1] = line[1] - share * step[1];
      better = sum_up (r, part, scores, emotion, next, t).loss < s.loss;
    }
    if (!better)
      return;
    line[0] = next[0];
    line[1] = next[1];
  }
}

/* ---- Thresholds. */

typedef struct told {
  double probability;
  bool has;
} told;

static int
by_probability (const void *left, const void *right)
{
  const double a = ((const told *)left)->probability, b = ((const told *)right)->probability;
  return a > b ? -1 : a < b;
}

/* The cut that gives the best F1; of equal ones the highest. ROWS are sorted. */
static double
best_cut (const told *rows, size_t count)
{
  double best = -1, cut = 0.5, right = 0, all = 0;
  for (size_t i = 0; i < count; i++)
    all += rows[i].has;
  for (size_t i = 0; i < count; i++) {
    right += rows[i].has;
    const double f1 = 2 * right / ((double)(i + 1) + all);
    if (f1 <= best || (i + 1 < count && rows[i + 1].probability == rows[i].probability))
      continue;
    best = f1;
    cut = i + 1 < count ? (rows[i].probability + rows[i + 1].probability) / 2 : 0;
  }
  return cut;
}

adze_status
emo_settle (const emo_run *r, emo_part part, const float *scores, adze_emotion_model *model)
{
  told *rows = (told *)r->host->allocate (r->host, (part.count + 1) * sizeof *rows);
  if (!rows)
    return adze_fail (r->host, ADZE_E_MEMORY, "no room for %zu rows that were set aside", part.count);
  for (uint32_t e = 0; e < ADZE_EMOTIONS; e++) {
    double line[2];
    fit_line (r, part, scores, e, line);
    model->scale[e] = line[0];
    model->shift[e] = line[1];
    for (size_t i = 0; i < part.count; i++) {
      rows[i].probability = adze_emotion_probability (model, e, scores[i * ADZE_EMOTIONS + e]);
      rows[i].has = has (r, part.rows[i], e);
    }
    qsort (rows, part.count, sizeof *rows, by_probability);
    model->threshold[e] = best_cut (rows, part.count);
  }
  r->host->release (r->host, rows);
  return ADZE_OK;
}

/* ---- How good it is. */

void
emo_tally_rows (const emo_run *r, emo_part part, const float *scores, const adze_emotion_model *model, emo_tally *tally)
{
  for (size_t i = 0; i < part.count; i++) {
    uint32_t top = 0;
    double most = -1;
    for (uint32_t e = 0; e < ADZE_EMOTIONS; e++) {
      const double p = adze_emotion_probability (model, e, scores[i * ADZE_EMOTIONS + e]);
      const bool is = has (r, part.rows[i], e), said = p > model->threshold[e];
      tally->right[e] += is && said;
      tally->wrong[e] += !is && said;
      tally->missed[e] += is && !said;
      top = p > most ? e : top;
      most = p > most ? p : most;
    }
    tally->rows++;
    tally->labelled += r->rows.gold[part.rows[i]] != 0;
    tally->top += has (r, part.rows[i], top);
  }
}

static double
share (uint64_t part, uint64_t whole)
{
  return whole > 0 ? (double)part / (double)whole : 0;
}

void
emo_quality_of (const emo_tally *t, emo_quality *quality)
{
  quality->macro_f1 = 0;
  for (int e = 0; e < ADZE_EMOTIONS; e++) {
    quality->precision[e] = share (t->right[e], t->right[e] + t->wrong[e]);
    quality->recall[e] = share (t->right[e], t->right[e] + t->missed[e]);
    quality->f1[e] = share (2 * t->right[e], 2 * t->right[e] + t->wrong[e] + t->missed[e]);
    quality->macro_f1 += quality->f1[e] / ADZE_EMOTIONS;
  }
  quality->top = share (t->top, t->labelled);
}
