/* SPDX-License-Identifier: Apache-2.0 */
/* report.c: the model, and how good it is. */
#include "emotions.h"

#include <math.h>
#include <stdio.h>

/* ---- The model. */

static adze_status
give_tensor (const emo_run *r, const char *name, adze_dtype dtype, int32_t rank, int64_t one, int64_t two, const void *data)
{
  const int64_t shape[] = { one, two };
  adze_tensor_meta meta = { .struct_size = sizeof meta, .rank = rank, .name = name, .shape = shape, .dtype = dtype };
  meta.byte_size = (uint64_t)one * (uint64_t)(rank == 2 ? two : 1) * dtype.bits / 8;
  return r->run->give_tensor (r->host, r->context, "model", &meta, data);
}

/* Rows of an emotion lie together in the file. */
static adze_status
give_weights (const emo_run *r, const adze_emotion_model *model)
{
  const adze_dtype f32 = { ADZE_FLOAT, 32, 1 };
  const size_t buckets = model->settings.buckets;
  float *turned = (float *)r->host->allocate (r->host, buckets * ADZE_EMOTIONS * sizeof *turned);
  if (!turned)
    return adze_fail (r->host, ADZE_E_MEMORY, "no room for a classifier of %zu buckets", buckets);
  for (size_t i = 0; i < buckets; i++)
    for (size_t e = 0; e < ADZE_EMOTIONS; e++)
      turned[e * buckets + i] = model->weights[i * ADZE_EMOTIONS + e];
  adze_status status = give_tensor (r, "emotion.weights", f32, 2, ADZE_EMOTIONS, (int64_t)buckets, turned);
  r->host->release (r->host, turned);
  return status;
}

static adze_status
give_model (const emo_run *r, const adze_emotion_model *model)
{
  const adze_dtype i32 = { ADZE_INT, 32, 1 }, f32 = { ADZE_FLOAT, 32, 1 };
  const adze_ngrams_settings *s = &model->settings;
  const int32_t settings[] = { ADZE_EMOTION_REVISION, (int32_t)s->buckets, (int32_t)s->words, (int32_t)s->least,
                               (int32_t)s->most };
  float lines[3][ADZE_EMOTIONS];
  for (int e = 0; e < ADZE_EMOTIONS; e++) {
    lines[0][e] = (float)model->scale[e];
    lines[1][e] = (float)model->shift[e];
    lines[2][e] = (float)model->threshold[e];
  }
  adze_status status = give_tensor (r, "emotion.settings", i32, 1, 5, 0, settings);
  if (status == ADZE_OK)
    status = give_tensor (r, "emotion.calibration", f32, 2, 3, ADZE_EMOTIONS, lines);
  if (status == ADZE_OK)
    status = give_tensor (r, "emotion.idf", f32, 1, (int64_t)s->buckets, 0, model->idf);
  return status == ADZE_OK ? give_weights (r, model) : status;
}

/* ---- What is told. */

/* Mean and spread (standard deviation) over folds, of one number of their qualities. */
typedef struct spread {
  double mean, deviation;
} spread;

static spread
spread_of (const emo_tally *folds, uint32_t count, double (*number) (const emo_quality *quality, int emotion), int emotion)
{
  spread s = { 0, 0 };
  double squares = 0;
  for (uint32_t f = 0; f < count; f++) {
    emo_quality q;
    emo_quality_of (&folds[f], &q);
    const double x = number (&q, emotion), before = s.mean;
    s.mean += (x - before) / (f + 1);
    squares += (x - before) * (x - s.mean);
  }
  s.deviation = count > 1 ? sqrt (squares / (count - 1)) : 0;
  return s;
}

static double
precision_of (const emo_quality *q, int emotion)
{
  return q->precision[emotion];
}

static double
recall_of (const emo_quality *q, int emotion)
{
  return q->recall[emotion];
}

static double
f1_of (const emo_quality *q, int emotion)
{
  return q->f1[emotion];
}

static double
macro_of (const emo_quality *q, int emotion)
{
  (void)emotion;
  return q->macro_f1;
}

static double
top_of (const emo_quality *q, int emotion)
{
  (void)emotion;
  return q->top;
}

/* What is said of one emotion, or of all. */
static const struct {
  const char *name;
  double (*number) (const emo_quality *quality, int emotion);
  bool of_all;
} measures[] = {
  { "precision", precision_of, false }, { "recall", recall_of, false }, { "f1", f1_of, false },
  { "macro-f1", macro_of, true },       { "top-1", top_of, true },
};
enum { MEASURES = sizeof measures / sizeof measures[0] };

static void
add_spread (const emo_run *r, adze_report *report, const char *name, spread s, uint32_t folds)
{
  if (folds < 2) {
    adze_report_number (r->host, report, name, s.mean);
    return;
  }
  adze_report_open (r->host, report, name, "{");
  adze_report_number (r->host, report, "mean", s.mean);
  adze_report_number (r->host, report, "deviation", s.deviation);
  adze_report_close (r->host, report, "}");
}

static void
add_judged (const emo_run *r, adze_report *report, const emo_tally *tallies, uint32_t count)
{
  for (int m = 0; m < MEASURES; m++)
    if (measures[m].of_all)
      add_spread (r, report, measures[m].name, spread_of (tallies, count, measures[m].number, 0), count);
  adze_report_open (r->host, report, "emotions", "{");
  for (int e = 0; e < ADZE_EMOTIONS; e++) {
    adze_report_open (r->host, report, adze_emotion_name ((uint32_t)e), "{");
    for (int m = 0; m < MEASURES; m++)
      if (!measures[m].of_all)
        add_spread (r, report, measures[m].name, spread_of (tallies, count, measures[m].number, e), count);
    adze_report_close (r->host, report, "}");
  }
  adze_report_close (r->host, report, "}");
}

static const char aside_words[] = "rows that were set aside, on which lines and thresholds were chosen";
static const char folds_words[] = "cross-validation: each fold by a model that saw nothing of it";

static adze_status
give_report (const emo_run *r, const adze_emotion_model *model, const emo_tally *held, const emo_tally *folds)
{
  adze_report report = { .status = ADZE_OK };
  const adze_host *host = r->host;
  const uint32_t count = r->settings.folds;
  adze_report_open (host, &report, NULL, "{");
  adze_report_count (host, &report, "rows", r->rows.count);
  adze_report_count (host, &report, "buckets", model->settings.buckets);
  adze_report_text (host, &report, "judged-on", count > 0 ? folds_words : aside_words);
  if (count > 0)
    adze_report_count (host, &report, "folds", count);
  add_judged (r, &report, count > 0 ? folds : held, count > 0 ? count : 1);
  adze_report_open (host, &report, "thresholds", "{");
  for (int e = 0; e < ADZE_EMOTIONS; e++)
    adze_report_number (host, &report, adze_emotion_name ((uint32_t)e), model->threshold[e]);
  adze_report_close (host, &report, "}");
  adze_report_close (host, &report, "}");
  adze_status status = report.status;
  if (status == ADZE_OK)
    status = r->run->give_bytes (host, r->context, "report", report.text.data, report.text.size);
  adze_bytes_release (host, &report.text);
  return status;
}

static adze_field
real_field (const char *key, double number)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_FLOAT, .value.real = number };
}

static adze_status
tell (const emo_run *r, const adze_emotion_model *model, const emo_tally *tallies, uint32_t count)
{
  adze_status status = ADZE_OK;
  for (int e = 0; status == ADZE_OK && e < ADZE_EMOTIONS; e++) {
    const adze_field fields[] = {
      { .key = "emotion", .type = ADZE_FIELD_STRING, .value.string = adze_emotion_name ((uint32_t)e) },
      real_field ("precision", spread_of (tallies, count, precision_of, e).mean),
      real_field ("recall", spread_of (tallies, count, recall_of, e).mean),
      real_field ("f1", spread_of (tallies, count, f1_of, e).mean),
      real_field ("f1-deviation", spread_of (tallies, count, f1_of, e).deviation),
      real_field ("threshold", model->threshold[e]),
    };
    status = adze_row (r->host, "emotions", fields, sizeof fields / sizeof fields[0]);
  }
  for (int m = 0; status == ADZE_OK && m < MEASURES; m++) {
    char name[40];
    if (!measures[m].of_all)
      continue;
    const spread s = spread_of (tallies, count, measures[m].number, 0);
    status = adze_metric (r->host, measures[m].name, s.mean, NULL);
    snprintf (name, sizeof name, "%s-deviation", measures[m].name);
    if (status == ADZE_OK && count > 1)
      status = adze_metric (r->host, name, s.deviation, NULL);
  }
  return status;
}

adze_status
emo_give (const emo_run *r, const adze_emotion_model *model, const emo_tally *held, const emo_tally *folds)
{
  const uint32_t count = r->settings.folds;
  adze_status status = tell (r, model, count > 0 ? folds : held, count > 0 ? count : 1);
  if (status == ADZE_OK)
    status = give_report (r, model, held, folds);
  return status == ADZE_OK ? give_model (r, model) : status;
}
