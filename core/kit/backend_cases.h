/* SPDX-License-Identifier: Apache-2.0 */
/* kit/backend_cases.h: operators as problems that any backend can be given: one table, and what makes
 * a graph of one node, and numbers for its inputs, out of a row of it. */
#ifndef ADZE_KIT_BACKEND_CASES_H
#define ADZE_KIT_BACKEND_CASES_H

#include "graph/graph.h"

/* What is special about a row. */
enum {
  ADZE_OP_INF = 1,   /* infinities, both zeros and numbers next to zero have one right result */
  ADZE_OP_NAN = 2,   /* and so has NaN: IEEE 754 says what comes of it */
  ADZE_OP_WHOLE = 4, /* floats are whole numbers, so that many are the same */
  /* INPUTS are those of the operator that is meant; the node is its gradient, which gets the slope
   * first. */
  ADZE_OP_OF_INPUT = 8,   /* of Conv: slope, weights, input */
  ADZE_OP_OF_WEIGHT = 16, /* of Conv: slope, input, weights */
  ADZE_OP_OF_MEAN = 32,   /* of AveragePool: slope, input */
  ADZE_OP_OF_MOST = 64,   /* of MaxPool: slope, input */
  /* The result is codes of numbers, of which one that lies between two codes may be rounded either way:
   * one beside ref's is right, as long as there are few such. */
  ADZE_OP_CODES = 128,
  /* An element of the result is a sum of as many elements of the first input as there are for each. */
  ADZE_OP_SUM = 256
};

typedef struct adze_op_case {
  const char *op; /* "adze.NAME" of our own domain; NULL ends the table */
  /* One word each. a to z: a size that is drawn, the same wherever it stands in the row; digits: that
   * size; ".": none, a scalar. In front of the sizes:
   *   =       a constant, else it is given when the graph is executed
   *   *       a constant of zeros
   *   #       no sizes but the numbers themselves, a constant of int64
   *   @a:     places of int64 in a dimension of size a, from both ends
   *   &a:     the same from the begin alone
   *   f: u: c: t: l: i:   float32, uint8, int8, bool, int64, int32, whatever the case is about
   * "~" is left out; "%" is the same value as the one before it. */
  const char *inputs;
  /* "axis=1 perm=2,0,1": ONNX's. A list has a comma, a float a point, a text begins with a letter. */
  const char *attributes;
  /* Of elements: f d h b (float32, float64, float16, bfloat16), i l c u t (int32, int64, int8, uint8,
   * bool) */
  const char *types;
  float low, high; /* of numbers that are drawn */
  unsigned flags;
} adze_op_case;

extern const adze_op_case adze_op_cases[];

/* Which sizes and numbers. */
typedef enum adze_op_draw {
  ADZE_DRAW_ONES = 0, /* all sizes that are drawn are 1 */
  ADZE_DRAW_ODD,      /* primes */
  ADZE_DRAW_EMPTY,    /* one of them is 0 */
  ADZE_DRAW_LARGE,    /* one of them is between 64 and 96 */
  ADZE_DRAW_SPECIAL,  /* numbers that are none of the ordinary ones, without NaN */
  ADZE_DRAW_NAN,      /* NaN among them */
  ADZE_DRAW_ANY       /* from here on: 1 to 9 */
} adze_op_draw;

enum { ADZE_OP_INPUTS = 10 };

typedef struct adze_op_problem {
  adze_graph *graph;
  adze_view inputs[ADZE_OP_INPUTS];
  size_t input_count;
  /* Of sums that may be long: how many terms each has, times the largest that one can be; else 0. */
  double added;
} adze_op_problem;

/* The same SEED and DRAW always give the same. *APPLIES: false where the row has no such case (no
 * size that is drawn, no special values); PROBLEM is empty then. */
ADZE_MUST_CHECK adze_error *adze_op_problem_make (const adze_op_case *row, char type,
                                                  unsigned draw, uint64_t seed,
                                                  adze_op_problem *problem, bool *applies);
void adze_op_problem_cleanup (adze_op_problem *problem);
/* The type that a letter stands for; and what people call it. */
adze_dtype adze_op_type (char letter);

#endif
