/* SPDX-License-Identifier: Apache-2.0 */
/* graph/optimiser.h: how a gradient changes a weight, written as nodes.
 *
 * What changes from step to step is computed in double precision by who executes the graph, and
 * given as scalars (adze_optimiser_scalars); everything else is Mul, Add, Div, Sqrt of the
 * graph, so that any backend that runs a network can train it.
 */
#ifndef ADZE_GRAPH_OPTIMISER_H
#define ADZE_GRAPH_OPTIMISER_H

#include "graph/gradient.h"

/* w: weight, g: gradient, d: decay, r: rate, t: steps with this one. All but AdamW see g + d w as
 * the gradient. */
typedef enum adze_optimiser_kind {
  ADZE_OPTIMISER_SGD = 1,      /* w - r g */
  ADZE_OPTIMISER_MOMENTUM = 2, /* v' = momentum v + g;  w - r v' */
  ADZE_OPTIMISER_NESTEROV = 3, /* v' = momentum v + g;  w - r (g + momentum v') */
  /* m' = beta1 m + (1 - beta1) g;  s' = beta2 s + (1 - beta2) g^2;
   * w - r / (1 - beta1^t) m' / (sqrt (s') / sqrt (1 - beta2^t) + epsilon), both sides of the
   * fraction times sqrt (1 - beta2^t), which spares a division an element */
  ADZE_OPTIMISER_ADAM = 4,
  ADZE_OPTIMISER_ADAMW = 5     /* the same from (1 - r d) w */
} adze_optimiser_kind;

typedef struct adze_optimiser {
  adze_optimiser_kind kind;
  double momentum;
  double beta1, beta2, epsilon;
  double decay;
  /* Steps whose weights are averaged: a' = a + s (w - a), s being 1 / average, and 1 / t while that is more, which
   * makes it the mean of all of the first. 0: they are not. */
  uint64_t average;
} adze_optimiser;

/* With what is usual: momentum .9; betas .9 and .999, epsilon 1e-8; no decay, but .01 for AdamW. */
adze_optimiser adze_optimiser_preset (adze_optimiser_kind kind);
ADZE_MUST_CHECK adze_error *adze_optimiser_check (const adze_optimiser *optimiser);

/* What a step is told. */
typedef enum adze_optimiser_scalar {
  ADZE_SCALAR_RATE = 0, /* r; r sqrt (1 - beta2^t) / (1 - beta1^t) where there are betas */
  ADZE_SCALAR_LEAST = 1, /* epsilon sqrt (1 - beta2^t); 0 where there are none */
  ADZE_SCALAR_KEPT = 2, /* 1 - r d where decay is not part of the gradient, else 1 */
  ADZE_SCALAR_SHARE = 3, /* of the weights of now in their average; 0 where there is none */
  ADZE_SCALARS = 4
} adze_optimiser_scalar;

/* STEP: how many there were before. */
void adze_optimiser_scalars (const adze_optimiser *optimiser, double rate, uint64_t step,
                             double scalars[ADZE_SCALARS]);

/* Numbers of the weight's shape that are carried from step to step, beginning as zeros. */
enum { ADZE_OPTIMISER_STATES = 2 };
size_t adze_optimiser_states (adze_optimiser_kind kind);
const char *adze_optimiser_state_name (adze_optimiser_kind kind, size_t index);

/* One weight. */
typedef struct adze_update {
  const adze_optimiser *optimiser;
  bool decays;
  uint32_t weight, gradient;
  uint32_t scalars[ADZE_SCALARS]; /* of the weight's type */
  uint32_t states[ADZE_OPTIMISER_STATES];
  uint32_t new_weight, new_states[ADZE_OPTIMISER_STATES]; /* to be filled in */
} adze_update;

/* Adds the nodes; a failure stays in G. */
void adze_optimiser_update (adze_gradient *g, adze_update *update);

#endif
