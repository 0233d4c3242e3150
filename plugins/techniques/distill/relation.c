/* SPDX-License-Identifier: Apache-2.0 */
/* How the examples of a batch lie to each other, after Park, Kim, Lu and Cho, "Relational knowledge distillation"
 * (2019): all distances, in parts of their mean, and all angles that three of them make. Both are held against the
 * teacher's by a square near zero that is straight from 1 on, so that one odd pair does not outweigh all others. */
#include "distill.h"

/* Squares of distances below it are those of the same example, or of two that are alike. It is far above what is
 * left of sums of squares of floats, and under a root whose slope at zero has no end. */
static const double alike = 1e-12;

typedef struct lie {
  uint32_t apart;    /* [N, N, numbers]: differences */
  uint32_t distance; /* [N, N, 1] */
  uint32_t pairs;    /* 1 where two are apart, as the distance */
} lie;

static uint32_t
one (adze_nodes *b, const char *op, uint32_t value)
{
  return adze_nodes_add (b, op, &value, 1, NULL);
}

static uint32_t
spread (adze_nodes *b, uint32_t value, int64_t axis)
{
  return adze_nodes_pair (b, "Unsqueeze", value, adze_nodes_ints (b, &axis, 1));
}

static lie
find_lie (adze_nodes *b, uint32_t value)
{
  const int64_t numbers = 2;
  const float least = (float)alike;
  lie l;
  l.apart = adze_nodes_pair (b, "Sub", spread (b, value, 1), spread (b, value, 0));
  uint32_t squares = distill_reduce (b, "ReduceSum", adze_nodes_pair (b, "Mul", l.apart, l.apart), &numbers, 1);
  l.pairs = adze_nodes_cast (b, adze_nodes_pair (b, "Greater", squares, adze_nodes_floats (b, &least, 1)),
                             ADZE_NODES_FLOAT);
  l.distance = one (b, "Sqrt", distill_plus (b, squares, alike));
  return l;
}

/* In parts of the mean of those that are apart. */
static uint32_t
distances (adze_nodes *b, const lie *l)
{
  const int64_t all[] = { 0, 1, 2 };
  uint32_t own = adze_nodes_pair (b, "Mul", l->distance, l->pairs);
  uint32_t sum = distill_reduce (b, "ReduceSum", own, all, 3);
  uint32_t count = distill_reduce (b, "ReduceSum", l->pairs, all, 3);
  /* A batch of one example has no pair, and its sum is 0 as well. */
  uint32_t mean = adze_nodes_pair (b, "Div", distill_plus (b, sum, alike), distill_plus (b, count, alike));
  return adze_nodes_pair (b, "Div", own, mean);
}

/* Cosines at each example, between the directions to all others. */
static uint32_t
angles (adze_nodes *b, const lie *l)
{
  const int64_t turned[] = { 0, 2, 1 };
  uint32_t way = adze_nodes_pair (b, "Div", l->apart, l->distance);
  return adze_nodes_pair (b, "MatMul", way, distill_add_ints (b, "Transpose", way, "perm", turned, 3));
}

static uint32_t
huber (adze_nodes *b, uint32_t taught, uint32_t wanted)
{
  const float bend = 1;
  uint32_t size = one (b, "Abs", adze_nodes_pair (b, "Sub", taught, wanted));
  uint32_t where[3];
  where[0] = adze_nodes_pair (b, "Less", size, adze_nodes_floats (b, &bend, 1));
  where[1] = distill_times (b, adze_nodes_pair (b, "Mul", size, size), 0.5);
  where[2] = distill_plus (b, size, -0.5);
  return distill_mean (b, adze_nodes_add (b, "Where", where, 3, NULL));
}

void
distill_add_relation (adze_nodes *b, uint32_t taught, uint32_t wanted, bool distance, bool angle,
                      uint32_t losses[2])
{
  const lie own = find_lie (b, taught), other = find_lie (b, wanted);
  losses[0] = distance ? huber (b, distances (b, &own), distances (b, &other)) : ADZE_NONE;
  losses[1] = angle ? huber (b, angles (b, &own), angles (b, &other)) : ADZE_NONE;
}
