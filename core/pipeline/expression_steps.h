/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/expression_steps.h: an expression as the steps of a machine with a stack. Private to
 * expression.c and expression_parse.c. */
#ifndef ADZE_PIPELINE_EXPRESSION_STEPS_H
#define ADZE_PIPELINE_EXPRESSION_STEPS_H

#include "pipeline/expression.h"

#define ADZE_EXPRESSION_MAX 4096     /* bytes */
#define ADZE_EXPRESSION_DEPTH_MAX 64 /* parentheses in each other, and values on the stack */

typedef enum adze_step_kind {
  ADZE_STEP_VALUE = 0, /* push */
  ADZE_STEP_NAME,      /* push what it stands for */
  ADZE_STEP_NOT,       /* one operand */
  ADZE_STEP_NEGATE,
  ADZE_STEP_ADD, /* two */
  ADZE_STEP_SUBTRACT,
  ADZE_STEP_MULTIPLY,
  ADZE_STEP_DIVIDE,
  ADZE_STEP_AND,
  ADZE_STEP_OR,
  ADZE_STEP_LESS, /* two, and a truth comes of it */
  ADZE_STEP_LESS_EQUAL,
  ADZE_STEP_EQUAL,
  ADZE_STEP_UNEQUAL,
  ADZE_STEP_GREATER_EQUAL,
  ADZE_STEP_GREATER
} adze_step_kind;

typedef struct adze_step {
  adze_step_kind kind;
  size_t character; /* where it stands in the text, from 1 */
  adze_reading value;
  char *stage; /* of a name; NULL: without */
  char *name;
} adze_step;

struct adze_expression {
  char *text;
  adze_step *steps;
  size_t count, capacity;
};

static inline bool
adze_step_is_unary (const adze_step *step)
{
  return step->kind == ADZE_STEP_NOT || step->kind == ADZE_STEP_NEGATE;
}

static inline bool
adze_step_gives_truth (const adze_step *step)
{
  return step->kind == ADZE_STEP_NOT || step->kind >= ADZE_STEP_AND
         || (step->kind == ADZE_STEP_VALUE && step->value.quantity == ADZE_QUANTITY_TRUTH);
}

/* Does what STEP says with the top of the stack, whose DEPTH changes with it; not for names. The
 * complaint has the fact "character". */
ADZE_MUST_CHECK adze_error *adze_step_apply (const adze_step *step, adze_reading *stack,
                                             size_t *depth);

const char *adze_quantity_name (adze_quantity quantity);

#endif
