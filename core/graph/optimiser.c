/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/optimiser.h"

#include <math.h>

/* ---- Settings. */

adze_optimiser
adze_optimiser_preset (adze_optimiser_kind kind)
{
  return (adze_optimiser){ .kind = kind,
                           .momentum = 0.9,
                           .beta1 = 0.9,
                           .beta2 = 0.999,
                           .epsilon = 1e-8,
                           .decay = kind == ADZE_OPTIMISER_ADAMW ? 0.01 : 0 };
}

static bool
has_betas (const adze_optimiser *o)
{
  return o->kind == ADZE_OPTIMISER_ADAM || o->kind == ADZE_OPTIMISER_ADAMW;
}

/* A share of what was before: all of it would never change. */
static adze_error *
check_share (const char *name, double share)
{
  if (share >= 0 && share < 1)
    return NULL;
  return adze_error_new (ADZE_E_PARAM, "the optimiser's %s is %g; it must be from 0 to below 1",
                         name, share);
}

adze_error *
adze_optimiser_check (const adze_optimiser *o)
{
  if (o->kind < ADZE_OPTIMISER_SGD || o->kind > ADZE_OPTIMISER_ADAMW)
    return adze_error_new (ADZE_E_PARAM, "there is no optimiser of number %d", (int)o->kind);
  if (!isfinite (o->decay) || o->decay < 0)
    return adze_error_new (ADZE_E_PARAM,
                           "weights decay by %g; it must be a finite number from 0 on", o->decay);
  if (o->kind == ADZE_OPTIMISER_MOMENTUM || o->kind == ADZE_OPTIMISER_NESTEROV)
    ADZE_TRY (check_share ("momentum", o->momentum));
  if (!has_betas (o))
    return NULL;
  ADZE_TRY (check_share ("beta1", o->beta1));
  ADZE_TRY (check_share ("beta2", o->beta2));
  if (isfinite (o->epsilon) && o->epsilon > 0)
    return NULL;
  return adze_error_new (ADZE_E_PARAM,
                         "the optimiser's epsilon is %g; it must be a finite number above 0",
                         o->epsilon);
}

void
adze_optimiser_scalars (const adze_optimiser *o, double rate, uint64_t step,
                        double scalars[ADZE_SCALARS])
{
  double count = (double)step + 1;
  double root = has_betas (o) ? sqrt (1 - pow (o->beta2, count)) : 0;
  scalars[ADZE_SCALAR_RATE] = has_betas (o) ? rate * root / (1 - pow (o->beta1, count)) : rate;
  scalars[ADZE_SCALAR_LEAST] = o->epsilon * root;
  scalars[ADZE_SCALAR_KEPT] = o->kind == ADZE_OPTIMISER_ADAMW ? 1 - rate * o->decay : 1;
  scalars[ADZE_SCALAR_SHARE] = o->average ? fmax (1 / (double)o->average, 1 / count) : 0;
}

size_t
adze_optimiser_states (adze_optimiser_kind kind)
{
  switch (kind) {
  case ADZE_OPTIMISER_SGD:
    return 0;
  case ADZE_OPTIMISER_MOMENTUM:
  case ADZE_OPTIMISER_NESTEROV:
    return 1;
  case ADZE_OPTIMISER_ADAM:
  case ADZE_OPTIMISER_ADAMW:
    break;
  }
  return 2;
}

const char *
adze_optimiser_state_name (adze_optimiser_kind kind, size_t index)
{
  if (adze_optimiser_states (kind) == 1)
    return "velocity";
  return index == 0 ? "mean" : "square";
}

/* ---- Nodes. */

static uint32_t
two (adze_gradient *g, const char *op, uint32_t a, uint32_t b)
{
  return adze_op (g, op, a, b, ADZE_END);
}

static uint32_t
times (adze_gradient *g, double factor, uint32_t value)
{
  return two (g, "Mul", adze_op_number (g, factor, value), value);
}

/* SHARE of what was, and the rest of NOW. */
static uint32_t
moved_towards (adze_gradient *g, double share, uint32_t before, uint32_t now)
{
  return two (g, "Add", times (g, share, before), times (g, 1 - share, now));
}

/* What the rate is multiplied with, of the betas. */
static uint32_t
adam_direction (adze_gradient *g, adze_update *u, uint32_t gradient)
{
  const adze_optimiser *o = u->optimiser;
  u->new_states[0] = moved_towards (g, o->beta1, u->states[0], gradient);
  u->new_states[1]
      = moved_towards (g, o->beta2, u->states[1], two (g, "Mul", gradient, gradient));
  uint32_t root = adze_op (g, "Sqrt", u->new_states[1], ADZE_END);
  uint32_t divisor = two (g, "Add", root, u->scalars[ADZE_SCALAR_LEAST]);
  return two (g, "Div", u->new_states[0], divisor);
}

static uint32_t
direction (adze_gradient *g, adze_update *u, uint32_t gradient)
{
  const adze_optimiser *o = u->optimiser;
  if (o->kind == ADZE_OPTIMISER_SGD)
    return gradient;
  if (has_betas (o))
    return adam_direction (g, u, gradient);
  u->new_states[0] = two (g, "Add", times (g, o->momentum, u->states[0]), gradient);
  if (o->kind == ADZE_OPTIMISER_MOMENTUM)
    return u->new_states[0];
  return two (g, "Add", gradient, times (g, o->momentum, u->new_states[0]));
}

void
adze_optimiser_update (adze_gradient *g, adze_update *u)
{
  bool decays = u->decays && u->optimiser->decay > 0;
  bool apart = u->optimiser->kind == ADZE_OPTIMISER_ADAMW;
  uint32_t weight = u->weight, gradient = u->gradient;
  if (g->error)
    return;
  if (decays && apart)
    weight = two (g, "Mul", weight, u->scalars[ADZE_SCALAR_KEPT]);
  if (decays && !apart)
    gradient = two (g, "Add", gradient, times (g, u->optimiser->decay, u->weight));
  uint32_t way = direction (g, u, gradient);
  u->new_weight = two (g, "Sub", weight, two (g, "Mul", u->scalars[ADZE_SCALAR_RATE], way));
}
