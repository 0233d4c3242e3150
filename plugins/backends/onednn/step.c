/* SPDX-License-Identifier: Apache-2.0 */
/* step.c: Adam's step, which ends a chain with twelve functions of elements, in one loop. One after the other
 * they wait for the nearest cache twelve times; in one loop they take as long as it takes to get weights, what
 * is remembered of them and their gradients out of the cache behind it. Each operation is rounded as before. */
#include "onednn.h"

#include <math.h>
#include <string.h>

#include "any_width.h"

/* ---- At work. */

ANY_WIDTH static void
step (float *const at[ONEDNN_STEP_PLACES], size_t count)
{
  const float mean_kept = *at[ONEDNN_MEAN_KEPT], mean_share = *at[ONEDNN_MEAN_SHARE];
  const float square_kept = *at[ONEDNN_SQUARE_KEPT], square_share = *at[ONEDNN_SQUARE_SHARE];
  const float least = *at[ONEDNN_LEAST], rate = *at[ONEDNN_RATE];
  const float *weights = at[ONEDNN_WEIGHT], *gradients = at[ONEDNN_GRADIENT];
  const float *means = at[ONEDNN_MEAN], *squares = at[ONEDNN_SQUARE];
  float *new_weights = at[ONEDNN_NEW_WEIGHT], *new_means = at[ONEDNN_NEW_MEAN];
  float *new_squares = at[ONEDNN_NEW_SQUARE];
  EACH_BY_ITSELF for (size_t i = 0; i < count; i++) {
    float weight = weights[i], gradient = gradients[i];
    float mean = mean_kept * means[i] + mean_share * gradient;
    float square = square_kept * squares[i] + square_share * (gradient * gradient);
    new_means[i] = mean;
    new_squares[i] = square;
    new_weights[i] = weight - rate * (mean / (sqrtf (square) + least));
  }
}

void
onednn_step_do (float *const at[ONEDNN_STEP_PLACES], size_t count)
{
  step (at, count);
}

/* ---- Is it one? */

enum { LINKS = 12, NO_LINK = ONEDNN_LINKS + 1 };

typedef struct finder {
  const onednn_chain *chain;
  onednn_step *step;
  uint32_t found; /* a bit for each link that has its place in the step */
} finder;

static bool
same (onednn_place a, onednn_place b)
{
  return a.room == b.room && a.number == b.number;
}

/* The link that makes what lies at PLACE when link BEFORE looks there, if its function is OP; none where BEFORE
 * is none, so that one test does for several questions. */
static size_t
made_by (finder *f, onednn_element_op op, onednn_place place, size_t before)
{
  size_t i = before == NO_LINK ? 0 : before;
  while (i > 0 && !same (f->chain->links[i - 1].out, place))
    i--;
  if (i == 0 || f->chain->links[i - 1].op != op)
    return NO_LINK;
  f->found |= 1u << (i - 1);
  return i - 1;
}

/* PLACE holds FIRST and SECOND by function OP, one of which, if HAS_SINGLE, is one number for all: SECOND. */
static size_t
of_two (finder *f, onednn_element_op op, bool has_single, onednn_place place, size_t before,
        onednn_place *first, onednn_place *second)
{
  size_t link = made_by (f, op, place, before);
  if (link == NO_LINK)
    return NO_LINK;
  const onednn_link *l = &f->chain->links[link];
  if ((l->single[0] || l->single[1]) != has_single)
    return NO_LINK;
  *first = l->in[l->single[0] ? 1 : 0];
  *second = l->in[l->single[0] ? 0 : 1];
  return link;
}

/* PLACE holds a share of *ONE and a share of *OTHER, which the link that is given back takes. */
static size_t
moves (finder *f, onednn_place place, size_t before, size_t kept, size_t share, onednn_place *one,
       onednn_place *other)
{
  onednn_place sides[2] = { { 0 } }, *places = f->step->places;
  size_t sum = of_two (f, ONEDNN_ADD, false, place, before, &sides[0], &sides[1]);
  if (of_two (f, ONEDNN_MULTIPLY, true, sides[0], sum, one, &places[kept]) == NO_LINK)
    return NO_LINK;
  return of_two (f, ONEDNN_MULTIPLY, true, sides[1], sum, other, &places[share]);
}

/* From the new weight backwards to what it is made of; of each link its operands are looked for in front of it. */
static bool
is_step (finder *f)
{
  onednn_place scaled = { 0 }, way = { 0 }, divisor = { 0 }, root = { 0 };
  onednn_place squared = { 0 }, factors[2] = { { 0 } }, gradient = { 0 }, *places = f->step->places;
  size_t at = f->chain->count;
  places[ONEDNN_NEW_WEIGHT] = f->chain->links[at - 1].out;
  at = of_two (f, ONEDNN_SUBTRACT, false, places[ONEDNN_NEW_WEIGHT], at, &places[ONEDNN_WEIGHT], &scaled);
  at = of_two (f, ONEDNN_MULTIPLY, true, scaled, at, &way, &places[ONEDNN_RATE]);
  size_t quotient = of_two (f, ONEDNN_DIVIDE, false, way, at, &places[ONEDNN_NEW_MEAN], &divisor);
  at = of_two (f, ONEDNN_ADD, true, divisor, quotient, &root, &places[ONEDNN_LEAST]);
  at = made_by (f, ONEDNN_ROOT, root, at);
  if (at == NO_LINK)
    return false;
  places[ONEDNN_NEW_SQUARE] = f->chain->links[at].in[0];
  at = moves (f, places[ONEDNN_NEW_SQUARE], at, ONEDNN_SQUARE_KEPT, ONEDNN_SQUARE_SHARE,
              &places[ONEDNN_SQUARE], &squared);
  at = of_two (f, ONEDNN_MULTIPLY, false, squared, at, &factors[0], &factors[1]);
  at = at == NO_LINK ? at
                     : moves (f, places[ONEDNN_NEW_MEAN], quotient, ONEDNN_MEAN_KEPT,
                              ONEDNN_MEAN_SHARE, &places[ONEDNN_MEAN], &gradient);
  places[ONEDNN_GRADIENT] = gradient;
  return at != NO_LINK && same (factors[0], gradient) && same (factors[1], gradient);
}

/* Is what only the links of the step make left to the block, and nothing else of it? */
static bool
leaves_rooms (const onednn_chain *chain, const onednn_step *step)
{
  for (size_t i = chain->count - LINKS; i < chain->count; i++) {
    onednn_place out = chain->links[i].out;
    bool kept = same (out, step->places[ONEDNN_NEW_WEIGHT]) || same (out, step->places[ONEDNN_NEW_MEAN])
                || same (out, step->places[ONEDNN_NEW_SQUARE]);
    if (!out.room && !kept)
      return false;
  }
  return true;
}

void
onednn_step_find (onednn_chain *chain)
{
  finder f = { .chain = chain, .step = &chain->step };
  chain->plain = chain->count;
  if (chain->count < LINKS)
    return;
  uint32_t all = (1u << LINKS) - 1;
  if (is_step (&f) && f.found == all << (chain->count - LINKS) && leaves_rooms (chain, f.step))
    chain->plain = chain->count - LINKS;
}
