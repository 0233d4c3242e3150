/* SPDX-License-Identifier: Apache-2.0 */
/* What is told: of which losses, from whom, and whether it was good for anything. */
#include <math.h>

#include "distill.h"

/* ---- How it was done. */

static void
report_weights (const distill *d, adze_report *r)
{
  adze_report_open (d->host, r, "weights", "{");
  adze_report_number (d->host, r, "hard", d->hard);
  adze_report_number (d->host, r, "soft", d->soft);
  adze_report_number (d->host, r, "feature", d->feature);
  adze_report_number (d->host, r, "attention", d->attention);
  adze_report_number (d->host, r, "distance", d->distance);
  adze_report_number (d->host, r, "angle", d->angle);
  adze_report_close (d->host, r, "}");
}

static void
report_teachers (const distill *d, adze_report *r)
{
  adze_report_open (d->host, r, "teachers", "[");
  for (size_t i = 0; i < d->teacher_count; i++) {
    adze_report_open (d->host, r, NULL, "{");
    adze_report_text (d->host, r, "port", d->teachers[i].port);
    if (d->soft > 0)
      adze_report_number (d->host, r, "weight", d->teachers[i].weight);
    adze_report_close (d->host, r, "}");
  }
  adze_report_close (d->host, r, "]");
}

static void
report_pairs (const distill *d, adze_report *r)
{
  adze_report_open (d->host, r, "pairs", "[");
  for (size_t i = 0; i < d->want_count; i++) {
    const distill_want *want = &d->wants[i];
    if (want->kind == DISTILL_SOFT)
      continue;
    adze_report_open (d->host, r, NULL, "{");
    adze_report_text (d->host, r, "loss", distill_kind_name (want->kind));
    adze_report_text (d->host, r, "student", want->student);
    adze_report_text (d->host, r, "port", d->teachers[want->teacher].port);
    adze_report_text (d->host, r, "teacher", want->value);
    adze_report_count (d->host, r, "numbers", want->width);
    adze_report_bool (d->host, r, "projected", want->projected);
    adze_report_close (d->host, r, "}");
  }
  adze_report_close (d->host, r, "]");
}

/* ---- What it was good for. */

typedef struct verdict {
  bool measured;
  bool of_accuracy;
  double student, baseline;
  double gain;  /* above 0: better */
  double error; /* of the difference, as that of two that have nothing to do with each other; nan: not known */
  const char *word;
} verdict;

static verdict
judge (const distill *d, const adze_lesson *lesson)
{
  verdict v = { .student = NAN, .baseline = NAN, .gain = NAN, .error = NAN };
  adze_train_progress_info p;
  memset (&p, 0, sizeof p);
  p.struct_size = sizeof p;
  lesson->train->progress (d->host, lesson->training, &p);
  const adze_lesson_epoch *e = &lesson->history[adze_lesson_given_epoch (lesson, &p)];
  v.measured = !isnan (d->baseline.score);
  if (!v.measured)
    return v;
  v.of_accuracy = !isnan (e->accuracy);
  v.student = v.of_accuracy ? e->accuracy : e->score;
  v.baseline = v.of_accuracy ? d->baseline.accuracy : d->baseline.score;
  v.gain = v.of_accuracy ? v.student - v.baseline : v.baseline - v.student;
  if (v.of_accuracy && d->baseline.examples > 0)
    v.error = sqrt ((v.student * (1 - v.student) + v.baseline * (1 - v.baseline)) / (double)d->baseline.examples);
  double noise = isnan (v.error) ? 0 : 2 * v.error;
  v.word = v.gain > noise ? "gain" : v.gain < -noise ? "worse" : "none";
  return v;
}

static void
report_gain (const distill *d, const adze_lesson *lesson, adze_report *r)
{
  const verdict v = judge (d, lesson);
  adze_report_open (d->host, r, "gain", "{");
  adze_report_bool (d->host, r, "measured", v.measured);
  if (!v.measured)
    adze_report_text (d->host, r, "why", "no student without a teacher was trained: baseline = true does that");
  else {
    adze_report_text (d->host, r, "of", v.of_accuracy ? "accuracy" : "validation-loss");
    adze_report_number (d->host, r, "student", v.student);
    adze_report_number (d->host, r, "baseline", v.baseline);
    adze_report_number (d->host, r, "gain", v.gain);
    adze_report_number (d->host, r, "standard-error", v.error);
    adze_report_text (d->host, r, "verdict", v.word);
    adze_report_count (d->host, r, "examples", d->baseline.examples);
    adze_report_count (d->host, r, "baseline-epochs", d->baseline.epochs);
    adze_report_count (d->host, r, "baseline-given-epoch", d->baseline.given_epoch);
  }
  adze_report_close (d->host, r, "}");
}

void
distill_report (void *argument, const adze_lesson *lesson, adze_report *r)
{
  const distill *d = (const distill *)argument;
  adze_report_open (d->host, r, "distillation", "{");
  report_weights (d, r);
  adze_report_number (d->host, r, "temperature", d->temperature);
  report_teachers (d, r);
  report_pairs (d, r);
  adze_report_bool (d->host, r, "cached", d->cached);
  if (d->cached)
    adze_report_count (d->host, r, "answers", d->known.count);
  if (d->labelled)
    adze_report_count (d->host, r, "labelled", d->labelled_count);
  adze_report_close (d->host, r, "}");
  report_gain (d, lesson, r);
}

/* ---- Metrics. */

static adze_status
tell_gain (const distill *d)
{
  const verdict v = judge (d, d->lesson);
  if (!v.measured) {
    adze_log (d->host, ADZE_LOG_INFO,
              "whether the teacher was good for anything was not measured: baseline = true trains the same student "
              "without one");
    return ADZE_OK;
  }
  const char *of = v.of_accuracy ? "accuracy" : "loss";
  if (v.gain <= 0 || strcmp (v.word, "gain") != 0)
    adze_log (d->host, ADZE_LOG_WARNING,
              "no gain was seen from teachers: the student has the %s %.4f, and the same one without them %.4f%s", of,
              v.student, v.baseline, v.gain > 0 ? ", which is within chance" : "");
  else
    adze_log (d->host, ADZE_LOG_INFO, "with teachers the student has the %s %.4f, and without them %.4f", of, v.student,
              v.baseline);
  adze_status status = adze_metric (d->host, "baseline", v.baseline, NULL);
  return status == ADZE_OK ? adze_metric (d->host, "gain", v.gain, NULL) : status;
}

adze_status
distill_tell (const distill *d)
{
  adze_status status = adze_metric (d->host, "asked", (double)d->asked, "examples");
  if (status == ADZE_OK && d->labelled)
    status = adze_metric (d->host, "labelled", (double)d->labelled_count, "examples");
  return status == ADZE_OK ? tell_gain (d) : status;
}
