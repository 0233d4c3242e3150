/* SPDX-License-Identifier: Apache-2.0 */
/* run/verify.h: does a piece that a stage gave keep what its traits claim? */
#ifndef ADZE_RUN_VERIFY_H
#define ADZE_RUN_VERIFY_H

#include "pipeline/plan.h"
#include "run/verify_loops.h"

/* What the traits of one tensor demand. */
typedef struct adze_promise {
  bool sparsity; /* zeros of the input stay zeros */
  bool frozen;   /* bytes of the input stay */
  uint32_t n, m; /* m > 0: of m neighbours in a row at most n are not zero */
  uint64_t k;    /* > 0: at most k different values */
  bool own_nm, own_codebook; /* the stage itself says so: the input does not */
  adze_book book; /* with k: different values so far, of all pieces */
} adze_promise;

/* INPUT_TRAITS: of what the output was made from; what was not true of it cannot be kept, nor can
 * what is about its places unless the output is of the SAME_SHAPE. An error for a trait whose JSON is
 * not what adze/draft/traits.h says. */
ADZE_MUST_CHECK adze_error *adze_promise_open (const adze_value *traits,
                                               const adze_value *input_traits, bool same_shape,
                                               adze_promise *promise);
void adze_promise_close (adze_promise *promise);
bool adze_promise_is_empty (const adze_promise *promise);

/* Whose word it is that does not hold. */
typedef enum adze_blame {
  ADZE_BLAME_STAGE = 0, /* it was so, and is no more */
  ADZE_BLAME_CLAIM,     /* the stage says so of what it made */
  ADZE_BLAME_INPUT      /* it was not so of the input */
} adze_blame;

typedef struct adze_breach {
  const char *trait; /* its id; NULL: all hold */
  uint64_t where;    /* which element */
  adze_blame blame;
  const char *path; /* of the file that says so of the input; NULL: not known */
} adze_breach;

/* What lies there of one tensor: COUNT elements from FIRST on. */
typedef struct adze_verified_side {
  const adze_tensor_meta *meta;
  const void *data;
  uint64_t count, first;
} adze_verified_side;

/* One piece. The two sides need not be of one length: nothing is read behind
 * the end of either. The input is blamed only for what is seen in this one piece of it: before the stage
 * is, adze_breach_look looks at all of it. */
typedef struct adze_verified_piece {
  adze_verified_side in, out;
} adze_verified_piece;
void adze_promise_check (adze_promise *promise, const adze_verified_piece *piece,
                         adze_breach *breach);

/* Was the trait true of the input, TENSOR of MODEL? All of it is read: a codebook may have too many
 * values in pieces of which none has. */
ADZE_MUST_CHECK adze_error *adze_breach_look (const adze_promise *promise,
                                              const adze_plan_model *model, size_t tensor,
                                              adze_breach *breach);

/* BREACH as an error: OUT was made of IN. */
ADZE_MUST_CHECK adze_error *adze_promise_broken (const adze_plan_stage *planned,
                                                 const adze_tensor_meta *in,
                                                 const adze_tensor_meta *out,
                                                 const adze_breach *breach);

#endif
