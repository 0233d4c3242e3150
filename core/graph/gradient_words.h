/* SPDX-License-Identifier: Apache-2.0 */
/* graph/gradient_words.h: short words for what the rules of gradients are made of. */
#ifndef ADZE_GRAPH_GRADIENT_WORDS_H
#define ADZE_GRAPH_GRADIENT_WORDS_H

#include <stdio.h>
#include <string.h>

#include "graph/gradient.h"
#include "graph/graph_private.h"

static inline uint32_t
in (const adze_gradient *g, size_t index)
{
  return index < g->node->input_count ? g->node->inputs[index] : ADZE_NONE;
}

static inline uint32_t
out (const adze_gradient *g)
{
  return g->node->outputs[0];
}

static inline uint32_t
mul (adze_gradient *g, uint32_t a, uint32_t b)
{
  return adze_op (g, "Mul", a, b, ADZE_END);
}

static inline uint32_t
add (adze_gradient *g, uint32_t a, uint32_t b)
{
  return adze_op (g, "Add", a, b, ADZE_END);
}

static inline uint32_t
sub (adze_gradient *g, uint32_t a, uint32_t b)
{
  return adze_op (g, "Sub", a, b, ADZE_END);
}

static inline uint32_t
divided (adze_gradient *g, uint32_t a, uint32_t b)
{
  return adze_op (g, "Div", a, b, ADZE_END);
}

static inline uint32_t
unary (adze_gradient *g, const char *op, uint32_t a)
{
  return adze_op (g, op, a, ADZE_END);
}

static inline uint32_t
number (adze_gradient *g, double value)
{
  return adze_op_number (g, value, g->given[0]);
}

/* GRADIENT where CONDITION holds, else zero. */
static inline uint32_t
where (adze_gradient *g, uint32_t condition, uint32_t gradient)
{
  return adze_op (g, "Where", condition, gradient, number (g, 0), ADZE_END);
}

/* The gradient times FACTOR is that of the only input. */
static inline void
give (adze_gradient *g, uint32_t factor)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, mul (g, g->given[0], factor));
}

#endif
