/* SPDX-License-Identifier: Apache-2.0 */
/* run/verify.h: does a piece that a stage gave keep what its traits claim? */
#ifndef ADZE_RUN_VERIFY_H
#define ADZE_RUN_VERIFY_H

#include <pthread.h>

#include "pipeline/plan.h"

/* What the traits of one tensor demand. */
typedef struct adze_promise {
  bool sparsity; /* zeros of the input stay zeros */
  bool frozen;   /* bytes of the input stay */
  uint32_t n, m; /* m > 0: of m neighbours in a row at most n are not zero */
  uint64_t k;    /* > 0: at most k different values */
  /* Different values so far, of all pieces; under the lock. */
  pthread_mutex_t lock;
  uint64_t *values;
  size_t value_count;
} adze_promise;

/* INPUT_TRAITS: of what the output was made from; what was not true of it cannot be kept. An error
 * for a trait whose JSON is not what adze/draft/traits.h says. */
ADZE_MUST_CHECK adze_error *adze_promise_open (const adze_value *traits,
                                               const adze_value *input_traits,
                                               adze_promise *promise);
void adze_promise_close (adze_promise *promise);
bool adze_promise_is_empty (const adze_promise *promise);

/* One piece: COUNT elements from element FIRST on of a tensor whose rows are ROW long. *BROKEN is
 * the id of the trait that does not hold, and *WHERE the element; NULL: all hold. */
typedef struct adze_verified_piece {
  const adze_tensor_meta *in, *out;
  const void *input, *output;
  uint64_t first, count, row;
} adze_verified_piece;
void adze_promise_check (adze_promise *promise, const adze_verified_piece *piece,
                         const char **broken, uint64_t *where);

/* The stage broke TRAIT of the tensor NAME, at element WHERE. */
ADZE_MUST_CHECK adze_error *adze_promise_broken (const adze_plan_stage *planned, const char *name,
                                                 const char *trait, uint64_t where);

#endif
