/* SPDX-License-Identifier: Apache-2.0 */
/* graph/train_private.h: what a trainer is made of.
 *
 *   train.c       made, asked
 *   train_step.c  stepped
 *   train_run.c   run through its epochs
 *   train_graph.c the graph of a step
 *   train_left.c  which weights are none to train
 *   train_infinite.c  weights with infinities: are they meant?
 *   train_drop.c  Dropout in it
 *   train_places.c  where all lies that is carried
 *   train_save.c  checkpoints
 *   train_rehearse.c  what it takes
 *   train_why.c   where the first number that is none came from
 */
#ifndef ADZE_GRAPH_TRAIN_PRIVATE_H
#define ADZE_GRAPH_TRAIN_PRIVATE_H

#include "graph/graph_private.h"
#include "graph/train.h"

/* Something carried from step to step. */
typedef struct adze_carried {
  char *name;
  uint32_t value; /* a weight of the step's graph */
  uint32_t next;  /* what takes its place after a step */
  adze_view view; /* of NOW */
  size_t size;
  void *now;
  void *other;  /* where the next step puts what takes its place; then both change roles */
  void *shared; /* for graphs that follow it (adze_trainer_share); NULL: there is none */
  void *kept; /* a copy to go back to */
  void *best; /* of weights, where there is one */
  bool state; /* the optimiser's own: no part of the model */
  size_t average; /* what is carried at this place is its average, and is what others get; ADZE_NO_AVERAGE: there is none */
} adze_carried;

#define ADZE_NO_AVERAGE SIZE_MAX

/* A weight that trains. */
typedef struct adze_trained {
  uint32_t value;
  size_t carried;
  uint32_t mask; /* ADZE_NONE: none */
  uint32_t gradient;
  bool decays;
} adze_trained;

/* A weight that nobody has frozen, and that does not train. Its name is the graph's. */
typedef struct adze_train_left {
  const char *name, *why;
} adze_train_left;

/* The step compiled for batches of one size. */
typedef struct adze_train_size {
  adze_executable *executable;
  int64_t *shapes; /* of all of the batch's inputs, one after the other */
  bool may_replace; /* what it gives may be written over what it takes */
} adze_train_size;

/* Scalars of a step for weights of one type. */
typedef struct adze_train_scalars {
  uint32_t values[ADZE_SCALARS]; /* ADZE_NONE: no weight is of this type */
  adze_view views[ADZE_SCALARS];
  float singles[ADZE_SCALARS];
  double doubles[ADZE_SCALARS];
} adze_train_scalars;

enum { ADZE_TRAIN_SIZES = 4, ADZE_TRAIN_SINGLE = 0, ADZE_TRAIN_DOUBLE = 1 };

struct adze_trainer {
  adze_trainer_options options; /* .weights and .looks are NULL */
  adze_graph *graph;            /* of a step */
  uint32_t loss;
  size_t network_nodes; /* nodes before this number are those of the network and its loss */
  uint32_t step_input; /* the number of the step, an input; ADZE_NONE: nobody asks for it */
  adze_view step_view;
  size_t batch_inputs; /* of the graph; scalars are behind them */
  size_t dimensions;   /* of those inputs together */
  adze_trained *trained;
  size_t trained_count;
  adze_train_left *left;
  size_t left_count;
  adze_carried *carried;
  size_t carried_count, carried_room;
  void *areas[2]; /* that they lie in, once the graph is there */
  size_t area_size;
  void *kept_area; /* where copies to go back to lie; NULL: there is none */
  adze_train_scalars scalars[2];
  adze_train_size sizes[ADZE_TRAIN_SIZES];
  size_t size_count, next_size, last_size;
  /* Of an execution; made once, so that a step allocates nothing. */
  const adze_view **inputs, **outputs;
  void *loss_place;
  int64_t *shapes;          /* of a batch's inputs, one after the other */
  const int64_t **shape_of; /* of each input; NULL for scalars */
  uint64_t fingerprint; /* of all that decides which bytes come out, but the batches and backend */
  adze_train_progress progress;
  double sum;     /* of the losses of this epoch */
  uint64_t stale; /* epochs since the score last fell by enough */
  /* Of the copy to go back to. */
  adze_train_progress kept_progress;
  double kept_sum;
  bool has_kept, has_best;
  bool replaced; /* the last step wrote what is new over what was */
  uint8_t *looks;  /* of each of the batch's inputs */
  bool weights_seen; /* and none came with numbers that are none */
  bool diverged; /* the last step failed because numbers were none, and not, say, for too little memory */
};

/* train_graph.c: from the graph that is to be trained. */
ADZE_MUST_CHECK adze_error *adze_train_build (adze_trainer *trainer, adze_graph *graph,
                                              uint32_t loss, const adze_trainer_options *options);
/* Marks the values that the loss is computed from; REACHED begins as false for each of the graph. */
ADZE_MUST_CHECK adze_error *adze_train_reach (const adze_trainer *trainer, bool *reached);
bool adze_train_is_reached (const adze_graph_node *node, const bool *reached);

/* train_left.c: is it a weight of floats, and no constant of the network? */
bool adze_train_could (const adze_graph_value *value);
/* Those that REACHED has and that are settings are marked no more; WHY, of each value, gets the reason, which is
 * NULL for statistics. */
ADZE_MUST_CHECK adze_error *adze_train_find_settings (const adze_trainer *trainer, bool *reached,
                                                      const char **why);
ADZE_MUST_CHECK adze_error *adze_train_leave (adze_trainer *trainer, const char *name, const char *why);
ADZE_MUST_CHECK adze_error *adze_train_leave_bodies (adze_trainer *trainer);

/* train_infinite.c: of a weight of HOME (the step's graph, or a body in it) with the numbers VIEW, the first node
 * that its infinities come to without being meant for it; NULL: it has none, or all are meant. */
ADZE_MUST_CHECK adze_error *adze_train_find_stranger (const adze_trainer *trainer, const bool *reached,
                                                      const adze_graph *home, uint32_t weight,
                                                      const adze_view *view,
                                                      const adze_graph_node **stranger);

/* train_drop.c: Dropouts of a network as it is used are to drop; and those that are do. */
ADZE_MUST_CHECK adze_error *adze_train_let_drop (adze_graph *graph);
ADZE_MUST_CHECK adze_error *adze_train_drop (adze_trainer *trainer, uint64_t seed);

/* train_places.c */
ADZE_MUST_CHECK adze_error *adze_train_place (adze_trainer *trainer);
void adze_train_leave_places (adze_trainer *trainer);
/* A third area, for the copy to go back to, whose numbers are the step's to fill in; and none of it. */
ADZE_MUST_CHECK adze_error *adze_train_hold_kept (adze_trainer *trainer);
void adze_train_drop_kept (adze_trainer *trainer);
/* The area that nobody needs between two steps: room for a checkpoint without best weights. */
adze_buffer adze_train_spare (const adze_trainer *trainer);

/* train.c */
void adze_train_forget_size (adze_train_size *size);

/* train.c: the numbers that others get: before the first step, and where they are the result, those that it has. */
const void *adze_train_given (const adze_trainer *trainer, const adze_carried *carried);

/* train_step.c: the step for a batch, compiled; the batch is what it is executed with. */
ADZE_MUST_CHECK adze_error *adze_train_prepare (adze_trainer *trainer,
                                                const adze_view *const *inputs);
ADZE_MUST_CHECK adze_error *adze_train_no_batch (const adze_trainer *trainer);

/* train_rehearse.c: the steps of the first and the last batch of an epoch, compiled. */
ADZE_MUST_CHECK adze_error *adze_train_prepare_steps (adze_trainer *trainer);

/* train_run.c: memory for the best weights, whose numbers are the caller's to fill in; and none of
 * it. */
ADZE_MUST_CHECK adze_error *adze_train_hold_best (adze_trainer *trainer);
void adze_train_drop_best (adze_trainer *trainer);

/* train_step.c: CAREFUL: what the step gives is looked at in any case, before it takes the place of what was,
 * of which there is a copy then. */
ADZE_MUST_CHECK adze_error *adze_train_step (adze_trainer *trainer, const adze_view *const *inputs,
                                             bool careful);
/* All that is carried is again as it was when it was copied. Scores stay: they are of weights that were
 * kept for themselves. */
void adze_train_go_back (adze_trainer *trainer);

/* train_run.c: numbers of all that is carried are numbers; before anybody else gets them. The second one
 * finds the step that was the first to give others, and the trainer stands in front of it. */
ADZE_MUST_CHECK adze_error *adze_train_look (const adze_trainer *trainer);
ADZE_MUST_CHECK adze_error *adze_train_look_back (adze_trainer *trainer);

/* train_why.c */
/* Graphs that share the weights see them as they are now. */
void adze_train_refresh (adze_trainer *t);
/* Of the batch at hand and, in front of the first step, of the weights: is there nothing for which a step is
 * refused, whatever it would give? */
ADZE_MUST_CHECK adze_error *adze_train_look_ahead (adze_trainer *trainer, bool *fine);
/* What has to be mended so that numbers that are none do not come again. */
typedef enum adze_train_cause {
  ADZE_TRAIN_CAUSE_STEP = 0, /* how it is trained */
  ADZE_TRAIN_CAUSE_DATA,     /* a batch has them */
  ADZE_TRAIN_CAUSE_WEIGHT    /* the model had them before it was trained */
} adze_train_cause;
/* Of the step that the trainer stands in front of: what had the first number that is none, else, the step
 * being executed once more, who gave it, as graph/odd.h says it. Nothing, and ADZE_TRAIN_CAUSE_STEP, where that
 * cannot be told. */
adze_train_cause adze_train_why (const adze_trainer *trainer, adze_buffer *into);

#endif
