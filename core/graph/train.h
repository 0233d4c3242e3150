/* SPDX-License-Identifier: Apache-2.0 */
/* graph/train.h: a network is trained.
 *
 * A step is one graph: forward, loss, gradients, and how each changes its weight. Any backend
 * executes it. What it gives beside the loss are the new numbers of all that is carried from
 * step to step: trained weights, what the optimiser remembers, statistics of batch
 * normalisation. They lie in the trainer's memory; the graph that it was made from is not
 * changed.
 *
 * Nothing here has threads, and what is drawn at random (Dropout) depends on the seed, the step and the
 * place alone: where the backend gives the same bytes for any number of threads, so does training. Other
 * random operators are not there yet: the backends refuse their nodes by name.
 */
#ifndef ADZE_GRAPH_TRAIN_H
#define ADZE_GRAPH_TRAIN_H

#include <adze/draft/train.h>

#include "graph/executable.h"
#include "graph/optimiser.h"
#include "graph/schedule.h"

typedef struct adze_trainer adze_trainer;

/* A weight that is not to be trained like all others. */
typedef struct adze_train_weight {
  const char *name;
  bool frozen;   /* never changes; statistics of batch normalisation do nevertheless */
  bool no_decay;
  /* One byte an element; where it is 0, the weight is 0 from the beginning to the end, its gradient
   * counts for nobody, and nothing is remembered of it. NULL: none. Copied. */
  const uint8_t *mask;
  const char *next; /* a value of the graph that it becomes after each step, in the place of being trained; NULL: none */
} adze_train_weight;

/* Where training stands, counted from 0. */
typedef struct adze_train_progress {
  uint64_t step;   /* steps done in all */
  uint64_t epoch;  /* the one at work, or to begin */
  uint64_t number; /* batches done of it */
  double rate;     /* of the last step */
  double loss;     /* of the last step, before it changed anything */
  double mean;     /* of the losses of the epoch's steps so far; of a whole epoch in after_epoch */
  double score;    /* the last that validate gave */
  double best_score;   /* both of these only where there was one */
  uint64_t best_epoch;
  bool has_score;
  bool ended;      /* all epochs done, or stopped early; the weights are the best then */
} adze_train_progress;

typedef struct adze_trainer_options {
  adze_compile_options compile; /* .shapes and .fixed_weights are the trainer's own business */
  adze_optimiser optimiser;
  adze_schedule schedule;
  uint64_t seed; /* of what Dropout drops */
  double clip; /* gradients are shortened together to this length at most; 0: as they are */
  const adze_train_weight *weights; /* in any order; all others train, and decay */
  size_t weight_count;
  /* Steps between two copies of everything carried, which training that diverged goes back to, and one
   * is of the first step of an epoch; 0: 64. They cost as much memory as what is carried. */
  uint64_t keep_every;

  /* ---- For adze_trainer_run. ARGUMENT goes to all of them. */

  uint64_t epochs;
  /* Views for the graph's inputs, in its order, valid until the next call; *INPUTS NULL: there
   * are no more in this epoch. For the same EPOCH and NUMBER always the same, or resumed
   * training gives other bytes. */
  adze_error *(*batch) (void *argument, uint64_t epoch, uint64_t number,
                        const adze_view *const **inputs);
  /* After each epoch: how good the weights are (adze_trainer_share), the lower the better. The best
   * are kept, and are those of the trainer when it ends. NULL: the last ones are. */
  adze_error *(*validate) (void *argument, const adze_trainer *trainer, double *score);
  /* Stops after so many epochs in which the score did not fall by more than LEAST_GAIN below the
   * best; 0: never. */
  uint64_t patience;
  double least_gain;
  /* To tell of it, to save a checkpoint, to stop (by an error). Either may be NULL. */
  adze_error *(*after_step) (void *argument, const adze_trainer *trainer);
  adze_error *(*after_epoch) (void *argument, const adze_trainer *trainer);
  void *argument;

  /* An adze_train_looks for each input of the graph, in its order: when a step is refused for numbers of it
   * that are none, whatever the backend would make of them. NULL: always. Copied. */
  const uint8_t *looks;
} adze_trainer_options;

/* Makes the graph of a step. GRAPH has its types inferred and numbers in all weights; it must
 * live as long as the trainer, which takes its constants and frozen weights from it. LOSS is one
 * float or double of it.
 *
 * Weights of float and double that LOSS depends on train, but for those that are settings of a
 * node: statistics of BatchNormalization, bounds of Clip, the ratio of Dropout, what Pad, Range
 * and Resize are told, a number that is the exponent of Pow and nothing else; for masks, that is, those with
 * infinities that are meant (graph/train_infinite.c); and for those that belong to bodies (adze_trainer_left). One of another float type is refused unless it is frozen: steps are
 * smaller than what it can tell apart. Running statistics of a BatchNormalization in training
 * mode are carried (adze_graph_set_training). */
ADZE_MUST_CHECK adze_error *adze_trainer_new (adze_graph *graph, uint32_t loss,
                                              const adze_trainer_options *options,
                                              adze_trainer **trainer);
void adze_trainer_free (adze_trainer *trainer);
static inline void
adze_trainer_cleanup (adze_trainer **trainer)
{
  adze_trainer_free (*trainer);
}
#define ADZE_AUTO_TRAINER __attribute__ ((cleanup (adze_trainer_cleanup))) adze_trainer *

/* One step. Compiled at the first batch of each size; the last four sizes are remembered.
 *
 * A batch with numbers that are none is refused (options.looks), and so is, in the first step, a weight that the
 * loss depends on, in bodies as well, with NaN, or with infinities that nobody can have meant.
 *
 * A loss, or a new number, that is not finite changes nothing and is an error that names step,
 * epoch, and the node that gave the first one, or the input or weight that had it already. Where the
 * loss was not, and not for the batch, the last step has done harm already: everything carried goes
 * back to the last copy that a finite loss was computed with, and the error says of which step it is. */
ADZE_MUST_CHECK adze_error *adze_trainer_step (adze_trainer *trainer,
                                               const adze_view *const *inputs);
/* All steps that are left of options.epochs. An epoch without a batch is an error. After an
 * error of a callback it can be called again, and goes on where it was.
 *
 * All new numbers are looked at in steps that a copy is made of, at the end of an epoch, and before a
 * checkpoint is saved; where some are none, or a loss is, batches since the last copy are asked for once more,
 * so that the error names the first step that gave such numbers, and the weights are those in front of it, or
 * of the step before it where they have no finite loss. */
ADZE_MUST_CHECK adze_error *adze_trainer_run (adze_trainer *trainer);

/* Compiles the steps of the first and the last batch of an epoch, asks how good the weights are, and
 * goes through what follows an epoch, as if there had been one; computes no step. Numbers that nobody
 * has trained must not be used: TRAINER is of no use afterwards, but to be asked what follows. */
ADZE_MUST_CHECK adze_error *adze_trainer_rehearse (adze_trainer *trainer);
/* Bytes that are laid out and take no memory before a step is made. */
uint64_t adze_trainer_absent (const adze_trainer *trainer);

const adze_train_progress *adze_trainer_progress (const adze_trainer *trainer);
/* Of the step compiled last; NULL: none was yet. */
const adze_executable_facts *adze_trainer_facts (const adze_trainer *trainer);
/* How many weights train, and what they weigh together. */
size_t adze_trainer_count (const adze_trainer *trainer, uint64_t *elements);
/* Weight number INDEX of those that do not train and that nobody has frozen, but for statistics, and why: "the
 * exponent of a Pow"; NULL behind the last. */
const char *adze_trainer_left (const adze_trainer *trainer, size_t index, const char **why);
/* The numbers of what training changes, by name: as they are now, averaged or not. The view is valid until the
 * trainer goes; its numbers move with each step. NULL: it does not change. */
const adze_view *adze_trainer_weight (const adze_trainer *trainer, const char *name);

/* Weights of OTHER that training changes, found by name, get their numbers, those of the average where there is
 * one (adze_optimiser.average), from the trainer's own memory: what is compiled from it afterwards computes with the weights as they are in
 * validate and after_epoch, and after each adze_trainer_step. So the trainer must outlive that. Refuses one of another type or shape, and a graph
 * without any. */
ADZE_MUST_CHECK adze_error *adze_trainer_share (const adze_trainer *trainer, adze_graph *other);
/* The same with copies that belong to OTHER. */
ADZE_MUST_CHECK adze_error *adze_trainer_give (const adze_trainer *trainer, adze_graph *other);

/* ---- Checkpoints: everything carried, the best weights, and where training stands; a hash
 * behind it. */

ADZE_MUST_CHECK adze_error *adze_trainer_save (const adze_trainer *trainer, adze_buffer *into);
/* The same in memory that is there: valid until the next step. Where there are best weights it is not
 * enough, and MORE gets it. */
ADZE_MUST_CHECK adze_error *adze_trainer_save_aside (adze_trainer *trainer, adze_buffer *more,
                                                     const void **bytes, size_t *size);
/* Of a trainer that was made from the same graph with the same optimiser, schedule, clipping and
 * masks; refuses anything else, and changes nothing then. The same batches on the same backend
 * give the same bytes as if training had never been interrupted. More epochs or another patience
 * may be asked for. */
ADZE_MUST_CHECK adze_error *adze_trainer_load (adze_trainer *trainer, const void *bytes,
                                               size_t size);

/* ---- Before a trainer is made. */

/* Networks are mostly stored as they are used. BatchNormalization gets statistics from each
 * batch, and gives new running ones; Dropout drops, as long as no input says whether; values keep their
 * numbers. Types are inferred anew. */
ADZE_MUST_CHECK adze_error *adze_graph_set_training (adze_graph *graph);

#endif
