/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of emotion-train by themselves: n-grams, the wheel, lines and thresholds, which rows are of which part. */
#include "fake-host.h"

#include <adze/sdk.h>

#include "../../plugins/techniques/emotion-train/course.c"
#include "../../plugins/techniques/emotion-train/settle.c"

#include <math.h>

/* ---- What settle.c and course.c need of the others. */

adze_status
emo_learn (emo_run *r, emo_part part, const char *name, adze_emotion_model *model, double biases[ADZE_EMOTIONS])
{
  (void)r;
  (void)part;
  (void)name;
  (void)model;
  memset (biases, 0, ADZE_EMOTIONS * sizeof *biases);
  return ADZE_OK;
}

adze_status
emo_score (const emo_run *r, emo_part part, const adze_emotion_model *model, float *scores)
{
  (void)r;
  (void)part;
  (void)model;
  (void)scores;
  return ADZE_OK;
}

/* ---- N-grams. */

static size_t
count_of (adze_ngrams *ngrams, const char *text, uint64_t *all)
{
  assert_int_equal (adze_ngrams_read (&fake_host, ngrams, text, strlen (text)), ADZE_OK);
  *all = 0;
  for (size_t i = 0; i < ngrams->count; i++)
    *all += ngrams->items[i].count;
  return ngrams->count;
}

static void
texts_become_counts (void **state)
{
  const adze_ngrams_settings settings = { .buckets = 1 << 20, .words = 2, .least = 3, .most = 4 };
  adze_ngrams one, other;
  uint64_t all;
  (void)state;
  assert_int_equal (adze_ngrams_open (&fake_host, &settings, &one), ADZE_OK);
  assert_int_equal (adze_ngrams_open (&fake_host, &settings, &other), ADZE_OK);
  assert_int_equal (count_of (&one, "", &all), 0);
  assert_int_equal (count_of (&one, " \n\t ", &all), 0);
  /* "cat", and of <cat>: <ca cat at> <cat cat>. */
  assert_int_equal (count_of (&one, "cat", &all), 1 + 3 + 2);
  /* A pair, and another word that has no pieces. */
  assert_int_equal (count_of (&one, "cat !", &all), 6 + 2);
  /* What is there twice is counted twice, and capitals are small. */
  assert_int_equal (count_of (&one, "Cat CAT", &all), 7);
  assert_int_equal (all, 13);
  assert_int_equal (one.items[0].count, 2);
  /* Characters, not bytes: <ö>. */
  assert_int_equal (count_of (&one, "\xc3\xb6", &all), 2);
  /* The order of words counts for pairs alone. */
  count_of (&one, "cat dog", &all);
  count_of (&other, "dog cat", &all);
  assert_int_equal (one.count, other.count);
  assert_int_not_equal (one.items[one.count - 1].bucket, other.items[other.count - 1].bucket);
  /* A word without an end is several. */
  char *large = malloc (1 << 20);
  memset (large, 'a', (1 << 20) - 1);
  large[(1 << 20) - 1] = '\0';
  assert_in_range (count_of (&one, large, &all), 1, 200);
  free (large);
  adze_ngrams_close (&fake_host, &one);
  adze_ngrams_close (&fake_host, &other);
}

static void
settings_that_cannot_be_are_refused (void **state)
{
  static const adze_ngrams_settings bad[] = { { 0, 1, 0, 0 }, { 9, 5, 0, 0 }, { 9, 0, 0, 0 }, { 9, 1, 0, 3 },
                                              { 9, 1, 4, 3 }, { 9, 1, 1, 9 } };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    adze_ngrams ngrams;
    assert_int_equal (adze_ngrams_open (&fake_host, &bad[i], &ngrams), ADZE_E_PARAM);
    adze_ngrams_close (&fake_host, &ngrams);
  }
}

/* ---- The wheel. */

static void
the_wheel_turns (void **state)
{
  (void)state;
  for (uint32_t one = 0; one < ADZE_EMOTIONS; one++)
    for (uint32_t other = 0; other < ADZE_EMOTIONS; other++) {
      const double angle = 3.14159265358979323846 / 4 * ((double)one - (double)other);
      assert_float_equal (adze_emotion_closeness (one, other), (1 + cos (angle)) / 2, 1e-15);
    }
  assert_int_equal (adze_emotion_find ("trust", 5), 1);
  assert_int_equal (adze_emotion_find ("trusty", 6), ADZE_EMOTIONS);
  assert_int_equal (adze_emotion_find ("joyful", 3), 0);
}

/* ---- Lines and thresholds. */

enum { ROWS = 4000 };

static void
lines_and_thresholds_fit (void **state)
{
  static uint8_t gold[ROWS];
  static float scores[ROWS * ADZE_EMOTIONS];
  static size_t numbers[ROWS];
  const emo_run r = { .host = &fake_host, .rows = { .count = ROWS, .gold = gold } };
  const emo_part part = { numbers, ROWS };
  adze_emotion_model model = { .weights = NULL };
  uint64_t state_ = 1;
  emo_tally tally = { .rows = 0 };
  emo_quality quality;
  (void)state;
  /* An emotion is there with the chance 1 / (1 + exp (-(3 x - 1))): that line is found again. */
  for (size_t i = 0; i < ROWS; i++) {
    numbers[i] = i;
    gold[i] = 0;
    for (uint32_t e = 0; e < ADZE_EMOTIONS; e++) {
      state_ = state_ * UINT64_C (6364136223846793005) + 1442695040888963407u;
      const double x = (double)(state_ >> 40) / (1 << 24) * 4 - 2;
      state_ = state_ * UINT64_C (6364136223846793005) + 1442695040888963407u;
      scores[i * ADZE_EMOTIONS + e] = (float)x;
      gold[i] |= (uint8_t)(((double)(state_ >> 40) / (1 << 24) < 1 / (1 + exp (1 - 3 * x))) << e);
    }
  }
  assert_int_equal (emo_settle (&r, part, scores, &model), ADZE_OK);
  for (int e = 0; e < ADZE_EMOTIONS; e++) {
    assert_float_equal (model.scale[e], 3, 0.4);
    assert_float_equal (model.shift[e], -1, 0.25);
    assert_in_range ((int)(model.threshold[e] * 100), 20, 60);
  }
  /* No other threshold is better. */
  emo_tally_rows (&r, part, scores, &model, &tally);
  emo_quality_of (&tally, &quality);
  assert_int_equal (tally.rows, ROWS);
  for (int step = -10; step <= 10; step++) {
    adze_emotion_model other = model;
    emo_tally tried = { .rows = 0 };
    emo_quality its;
    for (int e = 0; e < ADZE_EMOTIONS; e++)
      other.threshold[e] += step / 50.0;
    emo_tally_rows (&r, part, scores, &other, &tried);
    emo_quality_of (&tried, &its);
    for (int e = 0; e < ADZE_EMOTIONS; e++)
      assert_true (its.f1[e] <= quality.f1[e]);
  }
}

/* An emotion that is told apart without a mistake has a line that ends somewhere. */
static void
a_clean_cut_is_finite (void **state)
{
  static uint8_t gold[40];
  static float scores[40 * ADZE_EMOTIONS];
  static size_t numbers[40];
  const emo_run r = { .host = &fake_host, .rows = { .count = 40, .gold = gold } };
  adze_emotion_model model = { .weights = NULL };
  emo_tally tally = { .rows = 0 };
  emo_quality quality;
  (void)state;
  for (size_t i = 0; i < 40; i++) {
    numbers[i] = i;
    gold[i] = i < 10 ? 0xff : 0;
    for (int e = 0; e < ADZE_EMOTIONS; e++)
      scores[i * ADZE_EMOTIONS + (size_t)e] = i < 10 ? 1 : -1;
  }
  assert_int_equal (emo_settle (&r, (emo_part){ numbers, 40 }, scores, &model), ADZE_OK);
  emo_tally_rows (&r, (emo_part){ numbers, 40 }, scores, &model, &tally);
  emo_quality_of (&tally, &quality);
  assert_true (isfinite (model.scale[0]) && isfinite (model.shift[0]));
  assert_float_equal (quality.macro_f1, 1, 0);
  assert_float_equal (quality.top, 1, 0);
}

/* ---- Which rows are of which part. */

static void
every_row_is_judged_once (void **state)
{
  size_t order[103], seen[103] = { 0 };
  emo_run r = { .host = &fake_host, .settings = { .folds = 10, .held_out = 0.2 },
                .rows = { .count = 103, .order = order } };
  (void)state;
  for (size_t i = 0; i < 103; i++)
    order[i] = (i * 7) % 103;
  for (uint32_t fold = 0; fold <= 10; fold++) {
    bool here[103] = { false };
    plan p = { .rows = NULL };
    assert_int_equal (divide (&r, fold, &p), ADZE_OK);
    assert_int_equal (p.both.count + p.fold.count, 103);
    assert_int_equal (p.aside.count, (size_t)((double)p.both.count * 0.2));
    for (size_t i = 0; i < p.both.count; i++)
      here[p.both.rows[i]] = true;
    for (size_t i = 0; i < p.fold.count; i++) {
      assert_false (here[p.fold.rows[i]]);
      seen[p.fold.rows[i]]++;
    }
    assert_int_equal (p.fold.count == 0, fold == 10);
    fake_host.release (&fake_host, p.rows);
  }
  for (size_t i = 0; i < 103; i++)
    assert_int_equal (seen[i], 1);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (texts_become_counts),
    cmocka_unit_test (settings_that_cannot_be_are_refused),
    cmocka_unit_test (the_wheel_turns),
    cmocka_unit_test (lines_and_thresholds_fit),
    cmocka_unit_test (a_clean_cut_is_finite),
    cmocka_unit_test (every_row_is_judged_once),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
