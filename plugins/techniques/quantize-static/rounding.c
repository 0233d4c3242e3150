/* SPDX-License-Identifier: Apache-2.0 */
/* Which of its two neighbours each weight becomes.
 *
 * AdaRound asks which rounding leaves what a layer gives nearest to what it gave; with X what flows in and D what
 * rounding changes, that is the least D' (X'X) D over all choices of up and down, for each channel by itself. It is gone
 * down to from the nearest codes: the one change that makes it least is done, again and again, until none makes it
 * less. There is no chance in it and no step size, and it never ends above where it began. */
#include <math.h>
#include <string.h>

#include "gram.h"

/* ---- A channel. */

typedef struct channel {
  const double *sums;   /* [fan][fan] */
  double damping;       /* is added to the diagonal: data is never all there is */
  size_t fan;
  float scale;
  double *slope;        /* of the error: the sums times the difference, of each weight */
  double *other;        /* how far the other neighbour lies from the code; 0: there is none */
  int8_t *codes;
} channel;

static void
begin (channel *c, const float *weights, uint32_t bits)
{
  int32_t least = static_least_code (bits), most = static_most_code (bits);
  memset (c->slope, 0, c->fan * sizeof *c->slope);
  for (size_t i = 0; i < c->fan; i++) {
    double exact = (double)weights[i] / (double)c->scale, off = (double)c->scale * c->codes[i] - (double)weights[i];
    int32_t other = c->codes[i] + (exact > c->codes[i] ? 1 : -1);
    c->other[i] = other < least || other > most || exact == c->codes[i] ? 0 : other - c->codes[i];
    c->slope[i] += c->damping * off;
    for (size_t j = 0; j < c->fan; j++)
      c->slope[j] += c->sums[i * c->fan + j] * off;
  }
}

/* What the error changes by where weight I becomes its other neighbour. */
static double
change_of (const channel *c, size_t i)
{
  double step = (double)c->scale * c->other[i];
  return step * (2 * c->slope[i] + step * (c->sums[i * c->fan + i] + c->damping));
}

static bool
go_down (channel *c)
{
  size_t best = 0;
  double least = 0;
  for (size_t i = 0; i < c->fan; i++) {
    double change = change_of (c, i);
    if (change < least) {
      least = change;
      best = i;
    }
  }
  /* So little is a matter of float64, and could go on in a circle. */
  if (!(least < -1e-12 * (fabs (c->slope[best] * (double)c->scale) + 1e-300)))
    return false;
  double step = (double)c->scale * c->other[best];
  for (size_t j = 0; j < c->fan; j++)
    c->slope[j] += c->sums[best * c->fan + j] * step;
  c->slope[best] += c->damping * step;
  c->codes[best] = (int8_t)(c->codes[best] + (int)c->other[best]);
  c->other[best] = -c->other[best];
  return true;
}

/* ---- A layer. */

typedef struct rounding {
  const static_run *s;
  const gram *g;
  int8_t *codes;
} rounding;

static double
mean_of_diagonal (const gram *g, const double *sums)
{
  double sum = 0;
  for (size_t i = 0; i < g->layer->fan; i++)
    sum += sums[i * g->layer->fan + i];
  return sum / (double)g->layer->fan;
}

static adze_status
round_channels (void *argument, size_t first, size_t last)
{
  enum { TURNS = 20 }; /* for each weight, at most */
  const rounding *r = (const rounding *)argument;
  const static_layer *layer = r->g->layer;
  size_t fan = layer->fan;
  double *room = (double *)r->s->host->allocate (r->s->host, 2 * fan * sizeof *room);
  if (!room)
    return adze_fail (r->s->host, ADZE_E_MEMORY, "no room to round a channel of '%s'", layer->name);
  for (size_t row = first; row < last; row++) {
    channel c = { .sums = gram_of (r->g, row), .fan = fan, .scale = layer->scales[row], .slope = room,
                  .other = room + fan, .codes = r->codes + row * fan };
    c.damping = r->s->set.damping * mean_of_diagonal (r->g, c.sums);
    begin (&c, layer->weights + row * fan, layer->bits);
    for (size_t turn = 0; turn < TURNS * fan && go_down (&c); turn++)
      continue;
  }
  r->s->host->release (r->s->host, room);
  return ADZE_OK;
}

adze_status
static_round_layer (const static_run *s, const gram *g, int8_t *codes)
{
  rounding r = { .s = s, .g = g, .codes = codes };
  return adze_parallel_for (s->host, g->layer->channels, 4, round_channels, &r);
}
