/* SPDX-License-Identifier: Apache-2.0 */
/* qat: what its files know of each other. */
#ifndef QAT_H
#define QAT_H

#include <adze/draft/damage.h>
#include <adze/draft/lesson.h>
#include <adze/draft/match.h>
#include <adze/draft/nodes.h>

#include "grid.h"

enum { QAT_NAME_MAX = 512 };

/* Numbers that go to levels: a weight, or what flows into products. */
typedef struct qat_item {
  char name[QAT_NAME_MAX]; /* of the value */
  char step_name[QAT_NAME_MAX + 16]; /* of the weight that is the logarithm of how often the first step it is now */
  char seen_name[QAT_NAME_MAX + 16]; /* of how often what was seen at first is seen now, where that is observed */
  const char *seen_next;             /* of what becomes of that, in the network that learns; NULL: nothing is observed */
  uint32_t value;          /* in a network as the model has it */
  bool weight;
  bool is_unsigned;        /* of what flows */
  qat_grid grid;
  int32_t axis;            /* of the channels, which have a step each; -1: there is one step */
  int32_t rank;            /* of the weight, as the next */
  int64_t shape[ADZE_GRAPH_RANK];
  size_t channels;         /* how many steps */
  float *steps;            /* to begin with; then those that were learnt */
  float *sizes;            /* for each step, how large numbers are in the mean, to begin with */
  /* Of a weight that keeps its few values: these, as the steps are; and which of them each element is. */
  char book_name[QAT_NAME_MAX + 16];
  float *values;
  size_t value_count;
  int32_t *places;
} qat_item;

/* Something that ends, or begins, at a step. */
typedef enum qat_time {
  QAT_WAITS = 0,    /* nothing is rounded yet */
  QAT_OBSERVES = 1, /* steps follow what is seen */
  QAT_NORMS = 2,    /* batch normalisations learn statistics */
  QAT_SWITCHES = 3
} qat_time;

typedef struct qat_switch {
  const char *name;  /* of its input */
  bool is_used;
  double epochs;     /* that it lasts */
  uint32_t value;    /* in the network that learns: a constant at first, and then the input */
  uint8_t is_before; /* in the step at hand */
  adze_view view;
} qat_switch;

/* WEIGHT becomes NEXT after each step; names of values of the network that learns. */
typedef struct qat_follower {
  const char *weight, *next;
} qat_follower;

typedef struct qat_teacher {
  adze_artifact *model; /* NULL: there is none */
  adze_graph *graph;
  size_t output;        /* the place of its probabilities among what it gives */
  adze_feed feed;
  adze_feed_runner runner;
  size_t width;         /* numbers of an example */
  float *room;          /* of a batch */
  int64_t shape[ADZE_GRAPH_RANK];
  adze_view view;
} qat_teacher;

typedef struct qat {
  const adze_host *host;
  const adze_params *params;
  adze_lesson *lesson;
  const adze_graph_service *graphs;
  qat_item *items; /* weights, then what flows, each in the order of the network's nodes */
  size_t count;
  bool learns_steps;
  bool found; /* items are known */
  bool zero_counts; /* there is a weight of levels that 0 may be one of, or not */
  qat_switch switches[QAT_SWITCHES];
  qat_follower *followers;
  size_t follower_count;
  qat_teacher teacher;
} qat;

/* layers.c */
adze_status qat_find (qat *q, adze_graph *graph);
void qat_drop (qat *q);
bool qat_is_product (const adze_graph_node *node);
/* Users of VALUE among nodes below FIRST take OTHER; of what flows, products whose weights have gone to levels. */
adze_status qat_move_users (const qat *q, adze_graph *graph, const qat_item *item, uint32_t value, uint32_t first,
                            uint32_t other);

size_t qat_elements (const qat_item *item);

/* books.c */
adze_status qat_keeps_values (const qat *q, const char *weight, bool *keeps);
adze_status qat_make_book (const qat *q, qat_item *item, const float *numbers);
adze_status qat_check_kept (const qat *q);
adze_status qat_book_rule (const qat *q, const adze_lesson *lesson, const qat_item *item, adze_train_weight_rule *rule);

/* ranges.c: the first step of what flows, from some batches. */
adze_status qat_calibrate (qat *q);

/* fake.c: all items of GRAPH, which is as the model has it, go to levels on the way; where it LEARNS, by the switches. */
adze_status qat_fake (qat *q, adze_graph *graph, bool learns);
uint32_t qat_constant (adze_nodes *b, const float *numbers, int32_t rank, const int64_t *shape);
uint32_t qat_number (adze_nodes *b, float one);

/* switches.c: set from parameters; in the network that learns, values at first and inputs of it then, behind all others; and
 * what these are in a step. */
void qat_set_switches (qat *q);
adze_status qat_begin_switches (qat *q, adze_nodes *b);
adze_status qat_end_switches (qat *q, adze_graph *graph);
size_t qat_tell_switches (qat *q, uint64_t epoch, uint64_t number, const adze_view **views);
uint32_t qat_choose (adze_nodes *b, const qat_switch *by, uint32_t before, uint32_t then);
void qat_follow_rule (const qat *q, adze_train_weight_rule *rule);

/* observe.c: how often the first size what is seen is, of the shape of the steps; and first sizes of weights. */
uint32_t qat_observed (const qat *q, adze_nodes *b, qat_item *item, int32_t rank, const int64_t *shape, bool learns);
void qat_weigh (qat_item *item, const float *numbers);

/* teacher.c */
adze_status qat_find_teacher (qat *q);
adze_status qat_add_teacher (qat *q, adze_graph *graph, uint32_t scores, uint32_t *loss);
adze_status qat_ask_teacher (qat *q, uint64_t epoch, uint64_t number, const adze_view **view);
void qat_close_teacher (qat *q);

/* claims.c: of the network that was GIVEN. */
adze_status qat_claim (const qat *q, const adze_graph *given);

/* give.c */
adze_status qat_give (qat *q);

#endif
