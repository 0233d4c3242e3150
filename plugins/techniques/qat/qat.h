/* SPDX-License-Identifier: Apache-2.0 */
/* qat: what its files know of each other. */
#ifndef QAT_H
#define QAT_H

#include <adze/draft/lesson.h>
#include <adze/draft/match.h>
#include <adze/draft/nodes.h>

#include "grid.h"

enum { QAT_NAME_MAX = 512 };

/* Numbers that go to levels: a weight, or what flows into products. */
typedef struct qat_item {
  char name[QAT_NAME_MAX]; /* of the value */
  char step_name[QAT_NAME_MAX + 16]; /* of the weight that is the logarithm of how often the first step it is now */
  uint32_t value;          /* in a network as the model has it */
  bool weight;
  bool is_unsigned;        /* of what flows */
  qat_grid grid;
  int32_t axis;            /* of the channels, which have a step each; -1: there is one step */
  int32_t rank;            /* of the weight, as the next */
  int64_t shape[ADZE_GRAPH_RANK];
  size_t channels;         /* how many steps */
  float *steps;            /* to begin with; then those that were learnt */
  /* Of a weight that keeps its few values: these, as the steps are; and which of them each element is. */
  char book_name[QAT_NAME_MAX + 16];
  float *values;
  size_t value_count;
  int32_t *places;
} qat_item;

typedef struct qat {
  const adze_host *host;
  const adze_params *params;
  adze_lesson *lesson;
  const adze_graph_service *graphs;
  qat_item *items; /* weights, then what flows, each in the order of the network's nodes */
  size_t count;
  bool learns_steps;
  bool found; /* items are known */
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

/* fake.c: all items of GRAPH, which is as the model has it, go to levels on the way. */
adze_status qat_fake (const qat *q, adze_graph *graph);

/* give.c */
adze_status qat_give (qat *q);

#endif
