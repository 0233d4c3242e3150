/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/train.h: networks are trained. Tier: draft.
 *
 * For run, on its thread, in the host's process or a worker's. A step is one graph:
 * forward, loss, gradients, and how each changes its weight; the pipeline's backend executes it. Where
 * the backend gives the same bytes for any number of threads, so does training.
 */
#ifndef ADZE_DRAFT_TRAIN_H
#define ADZE_DRAFT_TRAIN_H

#include <adze/draft/eval.h>

ADZE_BEGIN_DECLS

#define ADZE_TRAIN "adze.train/1"

typedef struct adze_training adze_training;

typedef enum adze_train_optimiser {
  ADZE_TRAIN_SGD = 1,
  ADZE_TRAIN_MOMENTUM = 2,
  ADZE_TRAIN_NESTEROV = 3,
  ADZE_TRAIN_ADAM = 4,
  ADZE_TRAIN_ADAMW = 5
} adze_train_optimiser;

typedef enum adze_train_schedule {
  ADZE_TRAIN_CONSTANT = 1,
  ADZE_TRAIN_STEPS = 2,     /* times FACTOR after each EVERY steps */
  ADZE_TRAIN_COSINE = 3,    /* half a wave from RATE down to LEAST at step TOTAL */
  ADZE_TRAIN_POLYNOMIAL = 4 /* from RATE down to LEAST at step TOTAL, as (1 - t)^POWER */
} adze_train_schedule;

typedef enum adze_train_loss {
  ADZE_TRAIN_CROSS_ENTROPY = 1, /* scores before a softmax against class numbers */
  ADZE_TRAIN_SQUARES = 2,       /* mean squared error */
  ADZE_TRAIN_BINARY = 3,        /* each score by itself against a probability, with a sigmoid */
  ADZE_TRAIN_DIVERGENCE = 4     /* softmax of scores against probabilities, at a temperature */
} adze_train_loss;

/* A weight that is not to be trained like all others. */
typedef struct adze_train_weight_rule {
  const char *name;
  uint32_t frozen;   /* 1: never changes; statistics of batch normalisation do nevertheless */
  uint32_t no_decay;
  /* One byte an element; where it is 0 the weight is 0 from beginning to end: where it does not train, already. NULL:
   * none. Copied. */
  const uint8_t *mask;
  /* It does not train: after each step it is what the value of this name, of its type and shape, was in it, and is
   * kept, saved and given as trained ones are. Statistics of batch normalisation may be such. NULL: none. */
  const char *next;
} adze_train_weight_rule;

typedef struct adze_train_progress_info {
  uint32_t struct_size;
  uint32_t ended;      /* 1: all epochs done, or stopped early; the weights are the best then */
  uint64_t step;       /* done in all */
  uint64_t epoch;      /* the one at work, or to begin */
  uint64_t number;     /* batches done of it */
  double rate;         /* of the last step */
  double loss;         /* of the last step, before it changed anything */
  double mean;         /* of the losses of the epoch so far; of a whole epoch in after_epoch */
  double score;        /* nan, as the next: there was none */
  double best_score;
  uint64_t best_epoch;
} adze_train_progress_info;

/* When the numbers of an input are looked at in front of a step, which is refused with any that is NaN or
 * without end: a backend may make others of them. */
typedef enum adze_train_looks {
  ADZE_LOOKS_ALWAYS = 0,
  ADZE_LOOKS_FIRST_EPOCH = 1, /* every epoch has the same examples */
  ADZE_LOOKS_NEVER = 2        /* there can be none, or they are meant so */
} adze_train_looks;

typedef struct adze_train_settings {
  uint32_t struct_size;
  uint32_t optimiser;  /* adze_train_optimiser */
  double momentum;
  double beta1;
  double beta2;
  double epsilon;
  double decay;
  uint32_t schedule;   /* adze_train_schedule */
  uint32_t rule_size;  /* sizeof (adze_train_weight_rule) */
  double rate;
  uint64_t warm_up;    /* so many steps rise to RATE first */
  uint64_t every;
  double factor;
  uint64_t total;
  double least;
  double power;
  double clip;         /* gradients are shortened together to this length at most; 0: as they are */
  const adze_train_weight_rule *rules;
  size_t rule_count;

  uint64_t epochs;
  uint64_t patience;   /* stops after so many epochs in which the score did not fall; 0: never */
  double least_gain;

  /* ---- Callbacks, on the thread of run; ARGUMENT goes to all of them. */

  /* Views for the graph's inputs, in its order, valid until the next call; *INPUTS NULL: there are no
   * more in this epoch. For the same EPOCH and NUMBER always the same. */
  adze_status (*batch) (void *argument, uint64_t epoch, uint64_t number,
                        const adze_view *const **inputs);
  /* After each epoch, how good the weights are (current), the lower the better. NULL: the last weights
   * are the result, else the best are. */
  adze_status (*validate) (void *argument, double *score);
  /* May save a checkpoint, tell of it, or stop it all by another status. Either may be NULL. */
  adze_status (*after_step) (void *argument, const adze_train_progress_info *progress);
  adze_status (*after_epoch) (void *argument, const adze_train_progress_info *progress);
  void *argument;

  const uint8_t *looks; /* an adze_train_looks for each input, in the graph's order; NULL: always */
  /* 0: what is validated, and is the result, are the weights. Else their average, in which those in front of the
   * last step count 1 / AVERAGE, and earlier ones less and less; of fewer steps than that it is the mean. */
  uint64_t average;
} adze_train_settings;

typedef struct adze_train_service {
  uint32_t struct_size;

  /* [callback] What the loss of OUTPUT compares it with, as the last input of the graph: whole numbers
   * of 64 bits, a dimension less, where CLASSES is 1; else like OUTPUT. */
  adze_status (*add_target) (const adze_host *host, adze_graph *graph, uint32_t output,
                             uint32_t classes, const char *name, uint32_t *target);
  /* [callback] A scalar: the mean over all examples. AMOUNT: label smoothing of the cross-entropy, or
   * the temperature of the divergence. */
  adze_status (*add_loss) (const adze_host *host, adze_graph *graph, uint32_t loss,
                           uint32_t output, uint32_t target, double amount, uint32_t *scalar);
  /* [callback] Networks are mostly stored as they are used: batch normalisation gets statistics from
   * each batch from now on, and Dropout drops, by the run's seed. Types are inferred anew. */
  adze_status (*set_training) (const adze_host *host, adze_graph *graph);

  /* [callback] GRAPH, of which SCALAR is the loss, must stay as it is; its weights do not change. */
  adze_status (*open) (const adze_host *host, adze_context *context, adze_graph *graph,
                       uint32_t scalar, const adze_train_settings *settings,
                       adze_training **training);
  /* [callback] All steps that are left. After a callback that ended it with another status, it can be
   * called again. */
  adze_status (*run) (const adze_host *host, adze_training *training);
  void (*progress) (const adze_host *host, const adze_training *training,
                    adze_train_progress_info *progress);
  /* [callback] How many weights train, and their elements. */
  void (*count) (const adze_host *host, const adze_training *training, uint64_t *weights,
                 uint64_t *elements);
  /* [callback] Of the step that was compiled last; refused before there was one. */
  adze_status (*facts) (const adze_host *host, const adze_training *training,
                        adze_eval_facts *facts);
  /* [callback] The weights of OTHER that training changes get their numbers, or their average where there is one: as
   * they are now (copies), or, SHARE being 1, as they are whenever it is computed with. */
  adze_status (*give) (const adze_host *host, const adze_training *training, adze_graph *other,
                       uint32_t share);
  /* [callback] All that it takes to go on: *BYTES are valid until the next call. load refuses what
   * another graph or other settings have saved, and changes nothing then. */
  adze_status (*save) (const adze_host *host, adze_training *training, const void **bytes,
                       size_t *size);
  adze_status (*load) (const adze_host *host, adze_training *training, const void *bytes,
                       size_t size);
  void (*close) (const adze_host *host, adze_context *context, adze_training *training);

  /* [callback] Weight number INDEX of those that do not train though no rule has frozen them, and *WHY, for
   * people: "the exponent of a Pow"; NULL behind the last. Valid until the training is closed. */
  const char *(*left) (const adze_host *host, const adze_training *training, size_t index,
                       const char **why);
} adze_train_service;

static inline const adze_train_service *
adze_train_of (const adze_host *host)
{
  return (const adze_train_service *)host->service (host, ADZE_TRAIN);
}

ADZE_END_DECLS

#endif
