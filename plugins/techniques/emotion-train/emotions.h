/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of this plugin share.
 *
 *   emotion-train.c  the plugin: parameters and ports
 *   rows.c           texts and labels of a dataset, as n-grams and sets of emotions
 *   learn.c          one logistic unit an emotion learns from some of the rows, by adze.train
 *   settle.c         a line for each emotion that makes probabilities of scores, and the threshold
 *   course.c         which rows are learnt from, set aside and judged by; in turn, for folds
 *   report.c         what is told and given
 */
#ifndef EMOTION_TRAIN_EMOTIONS_H
#define EMOTION_TRAIN_EMOTIONS_H

#include <adze/sdk.h>

typedef struct emo_settings {
  adze_ngrams_settings ngrams;
  uint32_t folds, batch, epochs, most;
  double rate, decay, balance, held_out;
  bool refit;
} emo_settings;

/* Rows of the dataset. */
typedef struct emo_rows {
  size_t count;
  adze_ngram *items; /* of row R: from STARTS[R] to STARTS[R + 1] */
  size_t *starts;
  uint8_t *gold;   /* a bit for each emotion */
  size_t *order;   /* rows as they were drawn */
  size_t item_count, item_room;
  size_t longest;  /* n-grams of a row, at most */
} emo_rows;

/* Some rows. */
typedef struct emo_part {
  const size_t *rows;
  size_t count;
} emo_part;

typedef struct emo_run {
  const adze_host *host;
  const adze_params *params;
  const adze_run_service *run;
  const adze_graph_service *graphs;
  const adze_train_service *train;
  adze_context *context;
  emo_settings settings;
  emo_rows rows;
  uint64_t jobs, jobs_done; /* networks that are to learn, and have */
} emo_run;

/* How good a model was on rows, of each emotion. */
typedef struct emo_tally {
  uint64_t right[ADZE_EMOTIONS];  /* told, and so it was */
  uint64_t wrong[ADZE_EMOTIONS];  /* told, and it was not */
  uint64_t missed[ADZE_EMOTIONS]; /* not told, and it was */
  uint64_t rows, top, labelled;   /* TOP: of the LABELLED, those whose most probable emotion was one of theirs */
} emo_tally;

typedef struct emo_quality {
  double precision[ADZE_EMOTIONS], recall[ADZE_EMOTIONS], f1[ADZE_EMOTIONS];
  double macro_f1, top;
} emo_quality;

/* rows.c */
adze_status emo_rows_read (emo_run *r);
void emo_rows_close (emo_run *r);
/* How rare what is in each bucket is among PART. */
void emo_find_idf (const emo_run *r, emo_part part, float *idf);

/* learn.c: fills the weights and idf of MODEL, and BIASES, from PART. NAME is of a random stream. */
adze_status emo_learn (emo_run *r, emo_part part, const char *name, adze_emotion_model *model,
                       double biases[ADZE_EMOTIONS]);
/* Eight scores for each row of PART, by weights alone. */
adze_status emo_score (const emo_run *r, emo_part part, const adze_emotion_model *model, float *scores);

/* settle.c */
adze_status emo_settle (const emo_run *r, emo_part part, const float *scores, adze_emotion_model *model);
void emo_tally_rows (const emo_run *r, emo_part part, const float *scores, const adze_emotion_model *model,
                     emo_tally *tally);
void emo_quality_of (const emo_tally *tally, emo_quality *quality);

/* course.c */
adze_status emo_model_open (const emo_run *r, adze_emotion_model *model);
/* All of a training on the rows of no fold (FOLD == folds) or on those that are not of this one. JUDGED is of the rows of the
 * fold; without one, of those that were set aside. */
adze_status emo_course (emo_run *r, uint32_t fold, adze_emotion_model *model, emo_tally *judged);

/* report.c */
adze_status emo_give (const emo_run *r, const adze_emotion_model *model, const emo_tally *held, const emo_tally *folds);

#endif
