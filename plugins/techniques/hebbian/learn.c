/* SPDX-License-Identifier: Apache-2.0 */
/* What a batch of examples does to the weights of a layer. First all units respond, then those that compete do so,
 * then each finds out how it would change, and last it does: in no step does a unit depend on how far another one is,
 * so that any number of threads gives the same bytes. */
#include <math.h>
#include <string.h>

#include "hebbian.h"
#include "rules.h"

/* Units, or examples, that one thread takes at a time: some hundred thousand operations. */
static size_t
grain_of (size_t each)
{
  const size_t enough = 200000;
  return each == 0 || each > enough ? 1 : enough / each;
}

/* ---- Opened. */

static double *
take_block (double **at, size_t count)
{
  double *block = *at;
  *at += count;
  return block;
}

static adze_status
open_state (hebbian_run *h)
{
  const hebbian_layer *layer = &h->layers[h->at];
  size_t units = layer->units, all = units * layer->inputs;
  bool traces = h->set.rule == HEBBIAN_REWARD && h->set.trace > 0, adapts = h->set.metaplasticity > 0;
  hebbian_state *s = &h->state;
  s->count = layer->inputs + 4 * units + 1 + (traces ? all : 0) + (adapts ? 2 * all : 0);
  s->all = (double *)h->host->allocate (h->host, s->count * sizeof *s->all);
  if (!s->all)
    return adze_fail (h->host, ADZE_E_MEMORY, "no room for what '%s' learns with", layer->name);
  double *at = s->all;
  s->centre = take_block (&at, layer->inputs);
  s->threshold = take_block (&at, units);
  s->activity = take_block (&at, units);
  s->spread = take_block (&at, units);
  s->handicap = take_block (&at, units);
  s->baseline = take_block (&at, 1);
  s->trace = traces ? take_block (&at, all) : NULL;
  s->drift = adapts ? take_block (&at, all) : NULL;
  s->speed = adapts ? take_block (&at, all) : NULL;
  for (size_t k = 0; k < units; k++)
    s->threshold[k] = s->activity[k] = s->spread[k] = -1;
  for (size_t i = 0; adapts && i < all; i++)
    s->speed[i] = 1;
  *s->baseline = h->set.baseline;
  return ADZE_OK;
}

static adze_status
open_scratch (hebbian_run *h)
{
  const hebbian_layer *layer = &h->layers[h->at];
  hebbian_scratch *s = &h->scratch;
  size_t units = layer->units, responses = units * h->stream.room;
  bool competes = h->set.rule == HEBBIAN_SOFT_WTA || h->set.rule == HEBBIAN_REWARD;
  s->u = (double *)h->host->allocate (h->host, responses * sizeof *s->u);
  s->gain = (double *)h->host->allocate (h->host, responses * sizeof *s->gain);
  s->chances = competes ? (double *)h->host->allocate (h->host, responses * sizeof *s->chances) : NULL;
  s->delta = (double *)h->host->allocate (h->host, units * layer->inputs * sizeof *s->delta);
  s->against = h->set.rule == HEBBIAN_SANGER
                   ? (double *)h->host->allocate (h->host, units * units * sizeof *s->against)
                   : NULL;
  s->winners = (uint32_t *)h->host->allocate (h->host, h->stream.room * sizeof *s->winners);
  s->praise = (double *)h->host->allocate (h->host, h->stream.room * sizeof *s->praise);
  if (s->u && s->gain && s->delta && s->winners && s->praise && (s->chances || !competes)
      && (s->against || h->set.rule != HEBBIAN_SANGER))
    return ADZE_OK;
  return adze_fail (h->host, ADZE_E_MEMORY, "no room for %zu units and %zu examples at once", units, h->stream.room);
}

/* The mean of all examples, which one more pass finds. */
static adze_status
find_centre (hebbian_run *h)
{
  hebbian_stream *s = &h->stream;
  double *sum = h->state.centre;
  uint64_t count = 0;
  adze_status status = ADZE_OK;
  for (uint64_t i = 0; status == ADZE_OK && i < s->feed.batches; i++) {
    status = hebbian_read_stream (h, 0, i, false);
    for (size_t r = 0; status == ADZE_OK && r < s->rows; r++)
      rules_add (s->x + r * s->inputs, s->inputs, sum);
    count += s->rows;
  }
  if (status == ADZE_OK)
    rules_scale (1 / (double)count, s->inputs, sum);
  return status;
}

/* The first batch is read for its size: none is larger. */
adze_status
hebbian_open_layer (hebbian_run *h)
{
  adze_status status = hebbian_open_stream (h);
  if (status == ADZE_OK)
    status = open_state (h);
  if (status == ADZE_OK)
    status = hebbian_read_stream (h, 0, 0, false);
  if (status == ADZE_OK)
    status = open_scratch (h);
  return status == ADZE_OK && h->set.centre != HEBBIAN_AS_IT_COMES ? find_centre (h) : status;
}

void
hebbian_close_layer (hebbian_run *h)
{
  hebbian_scratch *s = &h->scratch;
  void *all[] = { s->u, s->gain, s->chances, s->delta, s->against, s->winners, s->praise, h->state.all };
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    h->host->release (h->host, all[i]);
  memset (s, 0, sizeof *s);
  memset (&h->state, 0, sizeof h->state);
  hebbian_close_stream (h);
}

/* ---- Units respond. */

static bool
competes (const hebbian_run *h)
{
  return h->scratch.chances != NULL;
}

static adze_status
respond (void *argument, size_t first, size_t last)
{
  const hebbian_run *h = (const hebbian_run *)argument;
  const hebbian_layer *layer = &h->layers[h->at];
  const hebbian_stream *s = &h->stream;
  bool rectified = h->set.rectified;
  for (size_t k = first; k < last; k++) {
    double *u = h->scratch.u + k * s->rows;
    rules_respond (layer->w + k * layer->inputs, layer->b[k], s->x, s->rows, layer->inputs, u);
    if (rectified)
      rules_rectify (u, s->rows);
  }
  return ADZE_OK;
}

/* ---- Units compete. */

static adze_status
compete (void *argument, size_t first, size_t last)
{
  const hebbian_run *h = (const hebbian_run *)argument;
  const hebbian_scratch *s = &h->scratch;
  size_t rows = h->stream.rows, units = h->layers[h->at].units;
  for (size_t r = first; r < last; r++) {
    for (size_t k = 0; k < units; k++)
      s->gain[k * rows + r] = s->u[k * rows + r] + h->state.handicap[k];
    s->winners[r] = rules_winner (s->gain + r, rows, units);
    rules_chances (s->gain + r, rows, units, h->set.temperature, s->chances + r);
  }
  return ADZE_OK;
}

/* The number of what was done. A unit alone has two choices: to act is 1. */
static double
deed_of (uint32_t drawn, size_t units)
{
  return units == 1 ? 1 - (double)drawn : (double)drawn;
}

/* Who acts is drawn by the place of the example in the run, and what it gets for it is held against what rewards
 * were like so far. */
static adze_status
act (hebbian_run *h)
{
  hebbian_scratch *s = &h->scratch;
  const hebbian_stream *stream = &h->stream;
  size_t rows = stream->rows, units = h->layers[h->at].units;
  uint64_t first = (h->epoch * stream->feed.batches + h->number) * stream->feed.batch;
  char name[300];
  snprintf (name, sizeof name, "act/%s", h->layers[h->at].name);
  for (size_t r = 0; r < rows; r++) {
    uint64_t bits = 0;
    if (!adze_random_fill (h->host, name, first + r, &bits, 1))
      return adze_fail (h->host, ADZE_E_UNSUPPORTED, "this host has no %s, by which units act", ADZE_RANDOM);
    s->winners[r] = rules_draw (s->chances + r, rows, units, adze_random_unit (bits));
    double reward = !h->set.matches ? stream->rewards[r] : stream->rewards[r] == deed_of (s->winners[r], units) ? 1 : 0;
    s->praise[r] = reward - *h->state.baseline;
    *h->state.baseline += h->set.baseline_rate * (reward - *h->state.baseline);
  }
  return ADZE_OK;
}

/* ---- What would change. */

/* GAIN has what is eligible in each example. */
static void
find_rewarded (const hebbian_run *h, size_t k, double *gain, double *delta)
{
  const hebbian_scratch *s = &h->scratch;
  const hebbian_stream *stream = &h->stream;
  size_t rows = stream->rows, n = stream->inputs;
  for (size_t r = 0; r < rows; r++)
    gain[r] = rules_eligible (s->chances[k * rows + r], s->winners[r] == k, h->set.temperature);
  if (!h->state.trace) {
    for (size_t r = 0; r < rows; r++)
      gain[r] *= s->praise[r];
    rules_gather (gain, stream->x, rows, n, delta);
    return;
  }
  memset (delta, 0, n * sizeof *delta);
  for (size_t r = 0; r < rows; r++)
    rules_reward (h->set.trace, gain[r], s->praise[r], stream->x + r * n, n, h->state.trace + k * n, delta);
  rules_scale (1 / (double)rows, n, delta);
}

static void
find_delta (const hebbian_run *h, size_t k)
{
  const hebbian_layer *layer = &h->layers[h->at];
  const hebbian_scratch *s = &h->scratch;
  size_t rows = h->stream.rows, n = layer->inputs;
  const double *u = s->u + k * rows;
  double *gain = s->gain + k * rows, *delta = s->delta + k * n, decay = 0;
  double *against = s->against ? s->against + k * layer->units : NULL;
  switch (h->set.rule) {
  case HEBBIAN_HEBB:
    decay = rules_hebb (u, rows, gain);
    break;
  case HEBBIAN_OJA:
    decay = rules_oja (u, rows, gain);
    break;
  case HEBBIAN_BCM:
    decay = rules_bcm (u, rows, h->state.threshold[k], gain);
    break;
  case HEBBIAN_SANGER:
    rules_sanger (s->u, k, rows, gain, against);
    break;
  case HEBBIAN_SOFT_WTA:
    decay = rules_soft_wta (u, s->chances + k * rows, s->winners, (uint32_t)k, h->set.unlearn, rows, gain);
    break;
  default:
    find_rewarded (h, k, gain, delta);
    return;
  }
  rules_gather (gain, h->stream.x, rows, n, delta);
  rules_take (decay, layer->w + k * n, n, delta);
  for (size_t j = 0; against && j <= k; j++)
    rules_take (against[j], layer->w + j * n, n, delta);
}

/* The threshold has to be of this batch already, or the first ones would have none. A pace never counts on less than
 * this batch has, or a unit that is suddenly excited would leap. */
static adze_status
find_deltas (void *argument, size_t first, size_t last)
{
  const hebbian_run *h = (const hebbian_run *)argument;
  size_t rows = h->stream.rows, n = h->layers[h->at].inputs;
  double *threshold = h->state.threshold;
  for (size_t k = first; k < last; k++) {
    double seen = rules_mean_square (h->scratch.u + k * rows, rows);
    threshold[k] = rules_slide (threshold[k], seen, h->set.slide);
    find_delta (h, k);
    double pace = threshold[k] > seen ? threshold[k] : seen;
    if (h->set.own_pace && pace > 0)
      rules_scale (1 / pace, n, h->scratch.delta + k * n);
  }
  return ADZE_OK;
}

/* ---- What changes. */

static double
rate_now (const hebbian_run *h)
{
  double batches = (double)h->stream.feed.batches;
  double done = ((double)h->epoch * batches + (double)h->number) / ((double)h->set.epochs * batches);
  return h->set.falls ? h->set.rate * (1 - done) : h->set.rate;
}

static void
balance (const hebbian_run *h, size_t k)
{
  const hebbian_settings *set = &h->set;
  const hebbian_layer *layer = &h->layers[h->at];
  const double *u = h->scratch.u + k * h->stream.rows;
  size_t rows = h->stream.rows;
  double *activity = &h->state.activity[k], *spread = &h->state.spread[k];
  if (set->homeostasis == HEBBIAN_SCALING) {
    *activity = rules_slide (*activity, rules_activity (u, rows), set->homeostasis_rate);
    double factor = rules_scaling (*activity, set->target_rate, set->homeostasis_rate);
    rules_scale (factor, layer->inputs, layer->w + k * layer->inputs);
    layer->b[k] *= factor; /* the weight of what is always there; else a mean that was folded into it would come back */
    return;
  }
  if (competes (h)) {
    *activity = rules_slide (*activity, rules_activity (h->scratch.chances + k * rows, rows), set->homeostasis_rate);
    h->state.handicap[k] += rules_shift (*activity, set->target_rate, set->homeostasis_rate) * set->temperature;
    return;
  }
  *activity = rules_slide (*activity, rules_share (u, rows), set->homeostasis_rate);
  *spread = rules_slide (*spread, rules_mean_square (u, rows), set->homeostasis_rate);
  layer->b[k] += rules_shift (*activity, set->target_rate, set->homeostasis_rate) * sqrt (*spread);
}

static adze_status
change (void *argument, size_t first, size_t last)
{
  const hebbian_run *h = (const hebbian_run *)argument;
  const hebbian_layer *layer = &h->layers[h->at];
  const hebbian_state *s = &h->state;
  size_t n = layer->inputs;
  double rate = rate_now (h);
  for (size_t k = first; k < last; k++) {
    const double *delta = h->scratch.delta + k * n;
    if (h->set.rule != HEBBIAN_NONE) {
      if (s->speed)
        rules_adapt (delta, h->set.metaplasticity, n, s->drift + k * n, s->speed + k * n);
      rules_apply (delta, rate, s->speed ? s->speed + k * n : NULL, h->set.consolidation,
                   h->set.consolidation > 0 ? layer->important + k * n : NULL, n, layer->w + k * n);
    }
    if (h->set.homeostasis != HEBBIAN_NO_HOMEOSTASIS)
      balance (h, k);
  }
  return ADZE_OK;
}

/* ---- A batch. */

static adze_status
check_weights (const hebbian_run *h)
{
  const hebbian_layer *layer = &h->layers[h->at];
  if (adze_doubles_are_finite ((const char *)layer->w, layer->units * layer->inputs)
      && adze_doubles_are_finite ((const char *)layer->b, layer->units))
    return ADZE_OK;
  return adze_fail (h->host, ADZE_E_LIMIT,
                    "'%s' has grown without end in epoch %llu, batch %llu, with a rate of %g; a lower one%s keeps it "
                    "within",
                    layer->name, (unsigned long long)h->epoch + 1, (unsigned long long)h->number + 1, h->set.rate,
                    h->set.rule == HEBBIAN_HEBB ? ", or a rule that has a bound (oja)," : "");
}

static adze_status
compete_all (hebbian_run *h)
{
  adze_status status = adze_parallel_for (h->host, h->stream.rows, grain_of (h->layers[h->at].units * 20), compete, h);
  return status == ADZE_OK && h->set.rule == HEBBIAN_REWARD ? act (h) : status;
}

adze_status
hebbian_learn_batch (hebbian_run *h)
{
  const hebbian_layer *layer = &h->layers[h->at];
  adze_status status = hebbian_read_stream (h, h->epoch, h->number, true);
  size_t grain = grain_of (h->stream.rows * layer->inputs);
  if (status == ADZE_OK)
    status = adze_parallel_for (h->host, layer->units, grain, respond, h);
  if (status == ADZE_OK && competes (h))
    status = compete_all (h);
  if (status == ADZE_OK && h->set.rule != HEBBIAN_NONE)
    status = adze_parallel_for (h->host, layer->units, grain, find_deltas, h);
  if (status == ADZE_OK)
    status = adze_parallel_for (h->host, layer->units, grain, change, h);
  return status == ADZE_OK ? check_weights (h) : status;
}
