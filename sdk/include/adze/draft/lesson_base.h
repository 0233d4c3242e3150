/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/lesson_base.h: what a lesson is made of; see adze/draft/lesson.h. Tier: draft. */
#ifndef ADZE_DRAFT_LESSON_BASE_H
#define ADZE_DRAFT_LESSON_BASE_H

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <adze/draft/feed_run.h>
#include <adze/draft/report.h>
#include <adze/draft/train.h>
#include <adze/event.h>
#include <adze/log.h>

ADZE_BEGIN_DECLS

/* One epoch, as it is kept in checkpoints and told. What was not measured is nan. */
typedef struct adze_lesson_epoch {
  uint64_t steps; /* done in all at its end */
  double loss;    /* mean of its steps */
  double rate;    /* of its last step */
  double score;   /* loss with the data for validation */
  double accuracy;
} adze_lesson_epoch;

/* Of the first step, which has a whole batch; zeros: there was none yet. Kept in checkpoints, since a
 * run that goes on may have no step left to ask. */
typedef struct adze_lesson_facts {
  uint64_t delegated;
  uint64_t threads;
  uint64_t values;    /* bytes, as the next */
  uint64_t constants;
  char backend[64];
  char identity[384];
} adze_lesson_facts;

/* Whose a weight of what learns is. */
typedef enum adze_lesson_owner {
  ADZE_LESSON_MODEL = 0,   /* the model's: it is listed, counted, and what patterns of parameters mean */
  ADZE_LESSON_INSTEAD = 1, /* learns in the place of one of the model's, and is counted for it */
  ADZE_LESSON_BESIDE = 2   /* learns beside them, and is nothing to who gave the model */
} adze_lesson_owner;

typedef struct adze_lesson adze_lesson;

/* What is otherwise than in a plain training; each may be NULL. */
typedef struct adze_lesson_hooks {
  /* Another network than that of the port "model": LEARNS 1: as it learns; 0: as it is watched. Each call
   * gives another graph, with weights of the same names; they end with run. */
  adze_status (*network) (void *argument, adze_lesson *lesson, uint32_t learns, adze_graph **graph);
  /* Terms are added to *LOSS, a scalar of what learns, which has SCORES in front of it; inputs for them come behind
   * all others. */
  adze_status (*add_loss) (void *argument, adze_lesson *lesson, uint32_t scores, uint32_t *loss);
  /* VIEWS of these inputs, for a batch whose other inputs are there: valid until the next call. */
  adze_status (*more_inputs) (void *argument, adze_lesson *lesson, uint64_t epoch, uint64_t number,
                              const adze_view **views);
  /* More is said of weights, behind what parameters say: lesson->rules; masks are host->allocate'd. */
  adze_status (*rules) (void *argument, adze_lesson *lesson);
  adze_status (*after_step) (void *argument, adze_lesson *lesson,
                             const adze_train_progress_info *progress);
  void *argument;
  /* What is watched, lesson->watched, gets inputs behind those of the data, and then VIEWS of them, which must stay:
   * what they show is looked at anew for each batch. */
  adze_status (*add_watched) (void *argument, adze_lesson *lesson);
  adze_status (*watched_inputs) (void *argument, adze_lesson *lesson, const adze_view **views);
  /* Another *SCORE than the one of 'watch' says which epoch is the best; it must be finite. */
  void (*score) (void *argument, const adze_lesson *lesson, double *score);
} adze_lesson_hooks;

struct adze_lesson {
  /* ---- Set by who teaches; the rest is zeros. */
  const adze_host *host;
  adze_context *context;
  const adze_params *params; /* with the rows of ADZE_LESSON_PARAMS */
  adze_lesson_hooks hooks;
  const char *name;          /* of its checkpoints, valid until it is closed; NULL: "train" */
  uint64_t epochs;           /* 0: what the parameter says */

  const adze_run_service *run;
  const adze_graph_service *graphs;
  const adze_eval_service *eval;
  const adze_train_service *train;

  adze_artifact *model;
  adze_artifact *data;       /* may be set by who teaches; NULL: what is bound to "data" */
  adze_artifact *validation; /* NULL: there is none */

  /* ---- lesson_network.h */
  adze_graph *learner; /* with target and loss, batch normalisation in training mode */
  adze_graph *watched; /* as it is used, with target and loss; NULL: nothing to watch */
  uint32_t loss;       /* of the learner */
  uint32_t scores;     /* of the watched one: the output that is looked at */
  uint32_t target;
  size_t scores_output; /* their places among its outputs */
  size_t loss_output;
  adze_train_weight_rule *rules; /* one a weight, in the learner's order */
  size_t rule_count;
  const adze_view **inputs; /* of the learner */
  size_t input_count;

  /* ---- lesson_watch.h */
  adze_feed feed;
  adze_feed watch_feed;
  adze_feed_runner runner;
  double watched_loss; /* of the last validation, as the next */
  double accuracy;
  bool watched_before;           /* all of that data has been looked at */

  /* ---- lesson_settings.h */
  uint64_t total; /* steps in all */
  uint64_t save_steps;
  uint64_t save_epochs;
  bool classes;   /* the target is class numbers */
  adze_training *training;
  adze_lesson_facts facts;

  /* ---- lesson_checkpoint.h */
  adze_lesson_epoch *history;
  size_t history_count;
  size_t history_room;
  uint64_t saved_step; /* of the last checkpoint */
  uint64_t saves;      /* how many there were */

  /* ---- For metrics alone: nothing of it is in what is given. */
  uint64_t examples;      /* of this process's steps */
  double began;           /* seconds, as the next two */
  double watching;
  double told;            /* when progress was last told */

  /* ---- Set by who teaches, as those at the top. */
  const char *rows;       /* the table of its epochs, and what is said in front of each; NULL: "epochs", nothing */
  /* A hook: members of the report behind those of every lesson. */
  void (*report) (void *argument, const adze_lesson *lesson, adze_report *report);
  /* A hook: an adze_lesson_owner; NULL: all weights are the model's. */
  uint32_t (*owner) (void *argument, const adze_lesson *lesson, const char *weight);
};

static inline uint32_t
adze_lesson_owner_of (const adze_lesson *t, const char *weight)
{
  return t->owner ? t->owner (t->hooks.argument, t, weight) : (uint32_t)ADZE_LESSON_MODEL;
}

/* For people, and nothing depends on it: the clock of ISO C may be set meanwhile. */
static inline double
adze_lesson_now (void)
{
  struct timespec now;
  timespec_get (&now, TIME_UTC);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

ADZE_END_DECLS

#endif
