/* SPDX-License-Identifier: Apache-2.0 */
/* notears.c: a linear graph as weights that may be anything, but for a smooth measure of circles that has to become zero
 * (Zheng, Aragam, Ravikumar, Xing): the trace of exp (W o W), less the number of nodes. An augmented Lagrangian; within
 * it quasi-newton.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "discover.h"

enum { STEPS = 5000 };
static const double stiffest = 1e16;

typedef struct fitting {
  discover_run *r;
  uint32_t n;
  double *covariances;
  double *weights; /* [from * n + to] */
  double *squares, *exponential, *product, *room;
  uint8_t *open;
  double *before;
  double price, stiffness, circle;
} fitting;

/* ---- What is made small. */

/* Half of the mean square that is left of all columns, and its slope. */
static adze_status
loss_of (fitting *f, const double *w, double *value, double *slope)
{
  const size_t n = f->n;
  adze_status status = discover_multiply (f->r->host, f->n, f->covariances, w, f->product);
  double sum = 0;
  for (size_t i = 0; i < n * n; i++) {
    slope[i] = f->product[i] - f->covariances[i];
    sum += w[i] * (f->product[i] - 2 * f->covariances[i]);
  }
  for (size_t i = 0; i < n; i++)
    sum += f->covariances[i * n + i];
  *value = sum / 2;
  return status;
}

/* 0 where there is no circle. */
static adze_status
circle_of (fitting *f, const double *w, double *circle)
{
  const size_t n = f->n;
  double trace = 0;
  for (size_t i = 0; i < n * n; i++)
    f->squares[i] = w[i] * w[i];
  adze_status status = discover_exponential (f->r->host, f->n, f->squares, f->exponential, f->room);
  for (size_t i = 0; i < n; i++)
    trace += f->exponential[i * n + i] - 1;
  *circle = trace;
  return status;
}

static adze_status
objective (void *argument, const double *w, double *value, double *slope)
{
  fitting *f = (fitting *)argument;
  const size_t n = f->n;
  double circle = 0;
  adze_status status = loss_of (f, w, value, slope);
  if (status == ADZE_OK)
    status = circle_of (f, w, &circle);
  const double factor = f->stiffness * circle + f->price;
  *value += circle * (f->stiffness * circle / 2 + f->price);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      slope[i * n + j] += factor * 2 * w[i * n + j] * f->exponential[j * n + i];
  if (!isfinite (*value))
    *value = INFINITY;
  return status;
}

/* ---- Rounds. */

static adze_status
fit_once (fitting *f, double *circle)
{
  const discover_problem problem = { .host = f->r->host, .count = (size_t)f->n * f->n, .lambda = f->r->settings.lambda,
                                     .open = f->open, .value = objective, .argument = f, .most = STEPS };
  adze_status status = discover_minimise (&problem, f->weights);
  return status == ADZE_OK ? circle_of (f, f->weights, circle) : status;
}

/* Stiffer until a round leaves a quarter of the circles at the most. */
static adze_status
fit_stiffer (fitting *f, uint64_t *steps)
{
  const size_t size = (size_t)f->n * f->n * sizeof *f->weights;
  double circle = 0;
  adze_status status = ADZE_OK;
  memcpy (f->before, f->weights, size);
  for (;;) {
    status = fit_once (f, &circle);
    ++*steps;
    if (status == ADZE_OK)
      status = discover_go_on (f->r);
    if (status != ADZE_OK || circle <= f->circle / 4 || f->stiffness >= stiffest)
      break;
    f->stiffness *= 10;
    memcpy (f->weights, f->before, size);
  }
  f->circle = circle;
  f->price += f->stiffness * circle;
  return status;
}

static adze_status
fit (fitting *f, discover_found *found)
{
  adze_status status = ADZE_OK;
  f->stiffness = 1;
  f->circle = INFINITY;
  for (uint32_t round = 0; status == ADZE_OK && round < f->r->settings.rounds; round++) {
    status = fit_stiffer (f, &found->steps);
    if (f->circle <= f->r->settings.tolerance || f->stiffness >= stiffest)
      break;
  }
  found->circle = f->circle;
  return status;
}

/* ---- Weights become arrows: the largest first, and what would close a circle then is left out. */

typedef struct weighed {
  uint32_t from, to;
  double size;
  bool must;
} weighed;

static int
by_weight (const void *left, const void *right)
{
  const weighed *a = (const weighed *)left, *b = (const weighed *)right;
  if (a->must != b->must)
    return a->must ? -1 : 1;
  if (a->size != b->size)
    return a->size > b->size ? -1 : 1;
  if (a->from != b->from)
    return a->from < b->from ? -1 : 1;
  return a->to < b->to ? -1 : a->to > b->to;
}

static size_t
find_arrows (const fitting *f, weighed *arrows)
{
  size_t count = 0;
  for (uint32_t i = 0; i < f->n; i++)
    for (uint32_t j = 0; j < f->n; j++) {
      const weighed a = { i, j, fabs (f->weights[(size_t)i * f->n + j]), discover_must (&f->r->knowledge, i, j) };
      if (a.must || (f->open[(size_t)i * f->n + j] && a.size > f->r->settings.threshold))
        arrows[count++] = a;
    }
  qsort (arrows, count, sizeof *arrows, by_weight);
  return count;
}

static adze_status
take_arrows (const fitting *f, discover_found *found)
{
  const adze_host *host = f->r->host;
  weighed *arrows = NULL;
  adze_status status = discover_room (host, (size_t)f->n * f->n, sizeof *arrows, "arrows", &arrows);
  const size_t count = status == ADZE_OK ? find_arrows (f, arrows) : 0;
  if (status == ADZE_OK)
    status = discover_room (host, count * 2, sizeof *found->left_out, "arrows", &found->left_out);
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    const weighed *a = &arrows[i];
    if (pdag_reaches (&found->graph, a->to, a->from)) {
      found->left_out[found->left_out_count * 2] = a->from;
      found->left_out[found->left_out_count++ * 2 + 1] = a->to;
      continue;
    }
    pdag_set_arrow (&found->graph, a->from, a->to, a->must ? PDAG_BY_KNOWLEDGE : PDAG_BY_SCORE);
    found->strength[discover_pair_at (f->n, a->from, a->to)] = f->weights[(size_t)a->from * f->n + a->to];
  }
  host->release (host, arrows);
  return status;
}

/* ---- All of it. */

static void
prepare (fitting *f, const discover_data *data, const double *correlations)
{
  const bool scaled = f->r->settings.standardise;
  for (uint32_t i = 0; i < f->n; i++)
    for (uint32_t j = 0; j < f->n; j++) {
      const size_t at = (size_t)i * f->n + j;
      f->covariances[at] = correlations[at] * (scaled ? 1 : data->spread[i] * data->spread[j]);
      f->open[at] = i != j && discover_may (&f->r->knowledge, i, j);
    }
}

adze_status
discover_by_weights (discover_run *r, const discover_data *data, bool draws, discover_found *found)
{
  const adze_host *host = r->host;
  const size_t size = (size_t)r->count * r->count;
  fitting f = { .r = r, .n = r->count };
  double *correlations = NULL, *room = NULL;
  adze_status status = discover_correlate (r, data, &correlations);
  if (status == ADZE_OK && !draws)
    status = discover_check_singular (r, correlations);
  if (status == ADZE_OK)
    status = discover_room (host, size * 10, sizeof *room, "the weights of all pairs", &room);
  if (status == ADZE_OK)
    status = discover_room (host, size, 1, "the weights of all pairs", &f.open);
  if (status == ADZE_OK) {
    double **const parts[] = { &f.covariances, &f.weights, &f.before, &f.squares, &f.exponential, &f.product, &f.room };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
      *parts[i] = room + i * size;
    prepare (&f, data, correlations);
    status = fit (&f, found);
  }
  if (status == ADZE_OK)
    status = take_arrows (&f, found);
  host->release (host, correlations);
  host->release (host, room);
  host->release (host, f.open);
  return status;
}
