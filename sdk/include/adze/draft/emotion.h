/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/emotion.h: Plutchik's eight emotions, and asking a model which of them are in a text. Tier: draft. All
 * inline: what is compiled in here belongs to the plugin.
 *
 * Such a model is five tensors, whoever made it: how texts become numbers (emotion.settings: a revision, and then
 * buckets, words, least and most as in adze/draft/ngrams.h), how rare what is in a bucket is (emotion.idf, [buckets]),
 * weights (emotion.weights, [8, buckets]), and a line and a threshold for each emotion (emotion.calibration, [3, 8]:
 * scale, shift, threshold). What was counted c times weighs (1 + log c) * idf, the whole being made 1 long; the sum of
 * weights times that is a score, and 1 / (1 + exp (-(scale * score + shift))) the probability of the emotion.
 */
#ifndef ADZE_DRAFT_EMOTION_H
#define ADZE_DRAFT_EMOTION_H

#include <math.h>
#include <string.h>

#include <adze/draft/ngrams.h>
#include <adze/draft/run.h>
#include <adze/numbers.h>

ADZE_BEGIN_DECLS

/* In the order of the wheel: neighbours are alike, and what lies four further is the opposite. */
enum { ADZE_EMOTIONS = 8 };

static inline const char *
adze_emotion_name (uint32_t emotion)
{
  static const char *const names[]
      = { "joy", "trust", "fear", "surprise", "sadness", "disgust", "anger", "anticipation" };
  return emotion < ADZE_EMOTIONS ? names[emotion] : "none";
}

/* ADZE_EMOTIONS: it is none. */
static inline uint32_t
adze_emotion_find (const char *name, size_t size)
{
  uint32_t found = 0;
  while (found < ADZE_EMOTIONS
         && (strlen (adze_emotion_name (found)) != size || memcmp (adze_emotion_name (found), name, size) != 0))
    found++;
  return found;
}

/* How well two go together: (1 + cos d) / 2 of the angle between them on the wheel. */
static inline double
adze_emotion_closeness (uint32_t one, uint32_t other)
{
  static const double by_steps[] = { 1, 0.85355339059327376, 0.5, 0.14644660940672624, 0 };
  const uint32_t steps = one > other ? one - other : other - one;
  return by_steps[steps > 4 ? 8 - steps : steps];
}

/* ---- A model. */

enum { ADZE_EMOTION_REVISION = 1, ADZE_EMOTION_BUCKETS_MAX = 1 << 22 };

/* Begins as zeros, { 0 }; ends with adze_emotion_close. */
typedef struct adze_emotion_model {
  adze_ngrams_settings settings;
  float *weights; /* [buckets][8] */
  float *idf;     /* [buckets] */
  double scale[ADZE_EMOTIONS];
  double shift[ADZE_EMOTIONS];
  double threshold[ADZE_EMOTIONS]; /* of the probability */
} adze_emotion_model;

static inline void
adze_emotion_close (const adze_host *host, adze_emotion_model *model)
{
  host->release (host, model->weights);
  host->release (host, model->idf);
  memset (model, 0, sizeof *model);
}

/* The numbers of the tensor of this NAME, which must have ROWS x COLUMNS of them (of a vector one row); to be
 * released. */
static inline adze_status
adze_emotion_tensor (const adze_host *host, adze_artifact *artifact, const char *name, int64_t rows, int64_t columns,
                     double **numbers)
{
  const adze_run_service *run = adze_run_of (host);
  const adze_tensor_meta *meta = NULL;
  size_t index = 0;
  *numbers = NULL;
  for (; index < run->tensor_count (host, artifact); index++) {
    meta = run->tensor (host, artifact, index);
    if (strcmp (meta->name, name) == 0)
      break;
    meta = NULL;
  }
  if (!meta)
    return adze_fail (host, ADZE_E_FORMAT,
                      "the model has no tensor '%s', so it is no classifier of emotions; emotion-train makes one", name);
  const int64_t have_rows = meta->rank == 2 ? meta->shape[0] : 1;
  if (meta->rank < 1 || meta->rank > 2 || have_rows != rows || meta->shape[meta->rank - 1] != columns)
    return adze_fail (host, ADZE_E_FORMAT, "the model's tensor '%s' has another shape; needed is %lld x %lld", name,
                      (long long)rows, (long long)columns);
  if (meta->codec || !adze_dtype_is_number (meta->dtype))
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "the model's tensor '%s' is of codes, and needed are plain numbers, such as f32 or f16", name);
  const size_t count = (size_t)(rows * columns), size = (size_t)meta->byte_size;
  const adze_dtype dtype = meta->dtype;
  void *bytes = host->allocate (host, size + 1);
  *numbers = (double *)host->allocate (host, count * sizeof **numbers);
  adze_status status = bytes && *numbers
                           ? run->read_tensor (host, artifact, index, 0, bytes, size)
                           : adze_fail (host, ADZE_E_MEMORY, "no room for the tensor '%s'", name);
  if (status == ADZE_OK)
    adze_numbers_read (dtype, bytes, count, *numbers);
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    if (!isfinite ((*numbers)[i]))
      status = adze_fail (host, ADZE_E_FORMAT, "element %zu of the model's tensor '%s' is no number", i, name);
  host->release (host, bytes);
  return status;
}

static inline adze_status
adze_emotion_read_settings (const adze_host *host, adze_artifact *artifact, adze_ngrams_settings *settings)
{
  double *numbers = NULL;
  adze_status status = adze_emotion_tensor (host, artifact, "emotion.settings", 1, 5, &numbers);
  if (status == ADZE_OK && numbers[0] != ADZE_EMOTION_REVISION)
    status = adze_fail (host, ADZE_E_UNSUPPORTED, "the classifier of emotions is of revision %g, and known is %d",
                        numbers[0], ADZE_EMOTION_REVISION);
  for (int i = 1; status == ADZE_OK && i < 5; i++)
    if (numbers[i] < 0 || numbers[i] > ADZE_EMOTION_BUCKETS_MAX)
      status = adze_fail (host, ADZE_E_FORMAT, "element %d of the model's tensor 'emotion.settings' is %g", i,
                          numbers[i]);
  if (status == ADZE_OK) {
    settings->buckets = (uint32_t)numbers[1];
    settings->words = (uint32_t)numbers[2];
    settings->least = (uint32_t)numbers[3];
    settings->most = (uint32_t)numbers[4];
  }
  host->release (host, numbers);
  return status;
}

static inline adze_status
adze_emotion_read_weights (const adze_host *host, adze_artifact *artifact, adze_emotion_model *model)
{
  const size_t buckets = model->settings.buckets;
  double *numbers = NULL;
  model->weights = (float *)host->allocate (host, buckets * ADZE_EMOTIONS * sizeof (float) + 1);
  model->idf = (float *)host->allocate (host, buckets * sizeof (float) + 1);
  adze_status status = model->weights && model->idf
                           ? adze_emotion_tensor (host, artifact, "emotion.idf", 1, (int64_t)buckets, &numbers)
                           : adze_fail (host, ADZE_E_MEMORY, "no room for a classifier of %zu buckets", buckets);
  for (size_t i = 0; status == ADZE_OK && i < buckets; i++)
    model->idf[i] = (float)numbers[i];
  host->release (host, numbers);
  numbers = NULL;
  if (status == ADZE_OK)
    status = adze_emotion_tensor (host, artifact, "emotion.weights", ADZE_EMOTIONS, (int64_t)buckets, &numbers);
  for (size_t e = 0; status == ADZE_OK && e < ADZE_EMOTIONS; e++)
    for (size_t i = 0; i < buckets; i++)
      model->weights[i * ADZE_EMOTIONS + e] = (float)numbers[e * buckets + i];
  host->release (host, numbers);
  return status;
}

/* Of what is bound to a port of type "model"; refuses what is none of emotions. */
static inline adze_status
adze_emotion_read (const adze_host *host, adze_artifact *artifact, adze_emotion_model *model)
{
  double *numbers = NULL;
  adze_status status = adze_emotion_read_settings (host, artifact, &model->settings);
  if (status == ADZE_OK)
    status = adze_emotion_tensor (host, artifact, "emotion.calibration", 3, ADZE_EMOTIONS, &numbers);
  for (int e = 0; status == ADZE_OK && e < ADZE_EMOTIONS; e++) {
    model->scale[e] = numbers[e];
    model->shift[e] = numbers[ADZE_EMOTIONS + e];
    model->threshold[e] = numbers[2 * ADZE_EMOTIONS + e];
  }
  host->release (host, numbers);
  return status == ADZE_OK ? adze_emotion_read_weights (host, artifact, model) : status;
}

/* ---- Asking it. */

/* What an n-gram that was counted so often weighs. */
static inline float
adze_emotion_value (float idf, uint32_t count)
{
  return count == 1 ? idf : (float)((1 + log ((double)count)) * idf);
}

/* Sums of weights for the text that NGRAMS has read; of one without n-grams 0. */
static inline void
adze_emotion_scores (const adze_emotion_model *model, const adze_ngrams *ngrams, float scores[ADZE_EMOTIONS])
{
  double length = 0;
  memset (scores, 0, ADZE_EMOTIONS * sizeof *scores);
  for (size_t i = 0; i < ngrams->count; i++) {
    const adze_ngram *item = &ngrams->items[i];
    const float value = adze_emotion_value (model->idf[item->bucket], item->count);
    const float *weights = model->weights + (size_t)item->bucket * ADZE_EMOTIONS;
    length += (double)value * value;
    for (int e = 0; e < ADZE_EMOTIONS; e++)
      scores[e] += value * weights[e];
  }
  for (int e = 0; length > 0 && e < ADZE_EMOTIONS; e++)
    scores[e] /= (float)sqrt (length);
}

static inline double
adze_emotion_probability (const adze_emotion_model *model, uint32_t emotion, float score)
{
  return 1 / (1 + exp (-(model->scale[emotion] * score + model->shift[emotion])));
}

ADZE_END_DECLS

#endif
