/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of distill share. A lesson (adze/draft/lesson.h) of which the loss has more terms: what teachers give
 * for each example, and what the student gives there, are to be alike.
 *   settings.c   which losses, with which weights, between which values
 *   teacher.c    the graphs of teachers, and what is asked of them
 *   values.c     values by name; what becomes of them before they are compared
 *   losses.c     the terms of the student's loss
 *   relation.c   how examples of a batch lie to each other: distances and angles
 *   answers.c    what teachers have said of each example, kept in memory and on disk
 *   keys.c       examples by what is in them
 *   gain.c       the same student without a teacher
 *   report.c     what is told of all that */
#ifndef DISTILL_H
#define DISTILL_H

#include <adze/sdk.h>
#include <adze/draft/lesson.h>
#include <adze/draft/nodes.h>

#include "keys.h"

enum { DISTILL_TEACHERS = 4, DISTILL_NAME = 256 };

/* Weights of projections: this, and the number of the pair. No model calls one so. */
#define DISTILL_PROJECTION "%projection."

typedef enum distill_kind {
  DISTILL_SOFT = 0,      /* probabilities of classes, of all teachers together */
  DISTILL_FEATURE = 1,   /* a value itself */
  DISTILL_ATTENTION = 2, /* where in a picture, or along a sequence, values are large */
  DISTILL_RELATION = 3   /* how examples lie to each other */
} distill_kind;

/* Something that is asked of a teacher, for each example; and what the student is to have there. */
typedef struct distill_want {
  distill_kind kind;
  char student[DISTILL_NAME]; /* as the map says; of SOFT empty, as the next */
  char value[DISTILL_NAME];
  size_t teacher;
  size_t output;   /* its place among the teacher's outputs */
  uint32_t input;  /* of the learner */
  bool projected;
  int32_t rank;    /* of a batch, which the first dimension counts */
  int64_t shape[ADZE_GRAPH_RANK];
  size_t width;    /* numbers of an example */
  size_t place;    /* of them in a row of answers */
  float *room;     /* a batch */
  adze_view view;
} distill_want;

typedef struct distill_teacher {
  const char *port;
  adze_artifact *model;
  double weight;       /* of its probabilities; all together are 1 */
  adze_graph *graph;
  uint32_t scores;
  size_t soft_output;  /* place of its probabilities among its outputs */
  adze_feed feed;
  adze_feed_runner runner;
} distill_teacher;

/* A column of the data that a network is shown: what makes an example what it is. */
typedef struct distill_column {
  size_t number;
  size_t bytes; /* of an example */
} distill_column;

/* How good the student became without teachers; nan: it was not measured. */
typedef struct distill_baseline {
  double score;
  double accuracy;
  uint64_t epochs, given_epoch, examples;
} distill_baseline;

typedef struct distill {
  const adze_host *host;
  adze_context *context;
  const adze_params *params;
  const adze_run_service *run;
  const adze_graph_service *graphs;
  adze_lesson *lesson;

  double hard, soft, feature, attention, distance, angle; /* weights of losses */
  double temperature;
  distill_teacher teachers[DISTILL_TEACHERS];
  size_t teacher_count;
  distill_want *wants;
  size_t want_count;

  /* ---- answers.c */
  size_t row;               /* numbers of an example, of all wants */
  bool cached;
  bool rehearses;           /* nothing is computed: all answers are zeros */
  distill_column *columns;
  size_t column_count;
  distill_key *batch_keys;  /* of the batch at hand */
  distill_keys known;       /* examples that there are answers for */
  float *answers;           /* a row for each of them */
  float *batch_answers;     /* of the batch at hand, where none are kept */
  uint64_t asked;           /* examples that teachers have computed in this process */
  uint64_t examples;        /* of an epoch */
  adze_artifact *labelled;  /* NULL: all examples have labels that count */
  distill_keys labels;      /* examples of it */
  uint8_t *met;             /* which of them are in the data */
  uint64_t labelled_count;  /* examples of an epoch that are among them */
  uint32_t mark_input;      /* of the learner: what the label of each example counts */
  float *marks;
  int64_t mark_shape[1];
  adze_view mark_view;

  distill_baseline baseline;
} distill;

/* ---- settings.c */

adze_status distill_check_params (const adze_host *host, const adze_params *params);
/* Weights and wants, of what is bound. */
adze_status distill_read_settings (distill *d);
const char *distill_kind_name (distill_kind kind);

/* ---- values.c */

/* The value, or the first output of the node, that is called NAME in GRAPH, which WHOSE names for people. */
adze_status distill_find_value (const distill *d, const adze_graph *graph, const char *name, const char *whose,
                                const char *param, uint32_t *value);
/* What is compared of VALUE: a map of attention, a vector for each example, or the value itself. */
adze_status distill_prepare (const distill *d, adze_graph *graph, distill_kind kind, uint32_t value,
                             const char *whose, uint32_t *prepared);
/* One more attribute than adze_nodes_add has room for needs nobody; lists of numbers some do. */
uint32_t distill_add_ints (adze_nodes *b, const char *op, uint32_t value, const char *attribute,
                           const int64_t *numbers, size_t count);
uint32_t distill_reduce (adze_nodes *b, const char *op, uint32_t value, const int64_t *axes, int64_t count);
uint32_t distill_mean (adze_nodes *b, uint32_t value);
uint32_t distill_times (adze_nodes *b, uint32_t value, double number);
uint32_t distill_plus (adze_nodes *b, uint32_t value, double number);

/* ---- teacher.c */

/* Finds them all; their graphs, with an output for each want. */
adze_status distill_open_teachers (distill *d);
void distill_close_teachers (distill *d);
/* Batch NUMBER of EPOCH: ROWS becomes a row for each of *COUNT examples. */
adze_status distill_ask (distill *d, uint64_t epoch, uint64_t number, float *rows, size_t *count);

/* ---- losses.c, relation.c */

adze_status distill_add_loss (void *argument, adze_lesson *lesson, uint32_t scores, uint32_t *loss);
/* Of TAUGHT and WANTED, both [N, numbers]; what has the weight 0 is ADZE_NONE. */
void distill_add_relation (adze_nodes *b, uint32_t taught, uint32_t wanted, bool distance, bool angle,
                           uint32_t losses[2]);

/* ---- answers.c */

adze_status distill_fill_answers (distill *d);
adze_status distill_more_inputs (void *argument, adze_lesson *lesson, uint64_t epoch, uint64_t number,
                                 const adze_view **views);
void distill_close_answers (distill *d);

/* ---- gain.c, report.c */

adze_status distill_measure_baseline (distill *d);
void distill_report (void *argument, const adze_lesson *lesson, adze_report *report);
adze_status distill_tell (const distill *d);

#endif
