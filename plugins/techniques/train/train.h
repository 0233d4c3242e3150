/* SPDX-License-Identifier: Apache-2.0 */
/* What a training is made of.
 *
 *   train.c       the component, and a run from beginning to end
 *   settings.c    parameters: what they say to each other, and to adze.train/1
 *   network.c     the graphs: one that learns, one that is watched
 *   watch.c       batches in, and how good the weights are after an epoch
 *   checkpoint.c  going on where a run that was killed has been
 *   report.c      what is told of it
 */
#ifndef TRAIN_H
#define TRAIN_H

#include <adze/sdk.h>

/* One epoch, as it is kept in checkpoints and told. What was not measured is nan. */
typedef struct train_epoch {
  uint64_t steps; /* done in all at its end */
  double loss;    /* mean of its steps */
  double rate;    /* of its last step */
  double score;   /* loss with the data for validation */
  double accuracy;
} train_epoch;

/* Of the first step, which has a whole batch; zeros: there was none yet. Kept in checkpoints, since a
 * run that goes on may have no step left to ask. */
typedef struct train_facts {
  uint64_t delegated;
  uint64_t threads;
  uint64_t values, constants; /* bytes */
  char backend[64];
  char identity[384];
} train_facts;

typedef struct train_run {
  const adze_host *host;
  adze_context *context;
  const adze_params *params;
  const adze_run_service *run;
  const adze_graph_service *graphs;
  const adze_eval_service *eval;
  const adze_train_service *train;

  adze_artifact *model, *data, *validation; /* validation: NULL where there is none */

  /* network.c */
  adze_graph *learner; /* with target and loss, batch normalisation in training mode */
  adze_graph *watched; /* as it is used, with target and loss; NULL: nothing to watch */
  adze_graph *given;   /* as it came, and as it goes out */
  uint32_t loss;       /* of the learner */
  uint32_t scores, target; /* of the watched one: the output that is looked at */
  size_t scores_output, loss_output; /* their places among its outputs */
  adze_train_weight_rule *rules;
  size_t rule_count;

  /* watch.c */
  adze_feed feed, watch_feed;
  adze_feed_runner runner;
  double watched_loss, accuracy; /* of the last validation */
  bool watched_before;           /* all of that data has been looked at */

  /* settings.c */
  uint64_t epochs, total;      /* steps in all */
  uint64_t save_steps, save_epochs;
  bool classes;                /* the target is class numbers */
  adze_training *training;
  train_facts facts;

  /* checkpoint.c */
  train_epoch *history;
  size_t history_count, history_room;
  uint64_t saved_step;         /* of the last checkpoint */
  uint64_t saves;              /* how many there were */

  /* For metrics alone: nothing of it is in what is given. */
  uint64_t examples;           /* of this process's steps */
  double began, watching;      /* seconds */
  double told;                 /* when progress was last told */
} train_run;

double train_now (void);

/* settings.c */
extern const adze_param train_params[];
adze_status train_check_params (const adze_host *host, const adze_params *params);
adze_status train_open (train_run *t);

/* network.c */
adze_status train_make_graphs (train_run *t);
void train_drop_rules (train_run *t);

/* watch.c; ARGUMENT is a train_run. */
adze_status train_batch (void *argument, uint64_t epoch, uint64_t number,
                         const adze_view *const **inputs);
adze_status train_validate (void *argument, double *score);
/* Where the batch that was read last has numbers that are none: adds to why it fails which column has. */
void train_blame_data (const train_run *t);

/* checkpoint.c */
adze_status train_remember (train_run *t, const train_epoch *epoch);
adze_status train_save (train_run *t);
adze_status train_resume (train_run *t);
/* To go on from here is of no use: fails with what is kept of it. */
adze_status train_tell_kept (const train_run *t);

/* report.c */
adze_status train_take_facts (train_run *t);
adze_status train_tell_epoch (const train_run *t, size_t index);
/* In one line, which weights do not train though nobody has frozen them. */
adze_status train_tell_left (const train_run *t);
adze_status train_give_report (train_run *t);

#endif
