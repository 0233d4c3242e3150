/* SPDX-License-Identifier: Apache-2.0 */
/* GPTQ: weights become codes one after the other, and those that are still to come make up for what each was moved by,
 * as far as what flows in lets them.
 *
 * With H the sums of what flows in, damped, and U the upper triangle whose U'U is the inverse of H, weight I that was
 * moved by D changes each later weight J by -D U[I][J] / U[I][I]. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gram.h"

/* ---- The triangle. */

static double
dot (const double *a, const double *b, size_t count)
{
  enum { LANES = 8 };
  double sums[LANES] = { 0 }, sum = 0;
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (size_t k = 0; k < LANES; k++)
      sums[k] += a[i + k] * b[i + k];
  for (; i < count; i++)
    sum += a[i] * b[i];
  for (size_t k = 0; k < LANES; k++)
    sum += sums[k];
  return sum;
}

/* The lower triangle M of MATRIX, M M' being MATRIX, in its place. False: it is not positive definite. */
static bool
factorise (double *matrix, size_t size)
{
  for (size_t i = 0; i < size; i++) {
    double *row = matrix + i * size;
    for (size_t j = 0; j < i; j++)
      row[j] = (row[j] - dot (row, matrix + j * size, j)) / matrix[j * size + j];
    double rest = row[i] - dot (row, row, i);
    if (!(rest > 0) || !isfinite (rest))
      return false;
    row[i] = sqrt (rest);
  }
  return true;
}

/* The inverse of a lower triangle, turned: row J of INTO is column J of the inverse. */
static void
invert (const double *triangle, size_t size, double *into)
{
  memset (into, 0, size * size * sizeof *into);
  for (size_t j = 0; j < size; j++) {
    double *column = into + j * size;
    column[j] = 1 / triangle[j * size + j];
    for (size_t i = j + 1; i < size; i++)
      column[i] = -dot (triangle + i * size + j, column + j, i - j) / triangle[i * size + i];
  }
}

typedef struct order_entry {
  double size;
  size_t place;
} order_entry;

static int
by_size (const void *left, const void *right)
{
  const order_entry *a = (const order_entry *)left, *b = (const order_entry *)right;
  if (a->size != b->size)
    return a->size > b->size ? -1 : 1;
  return a->place < b->place ? -1 : a->place > b->place;
}

/* Of one group of channels: the order in which weights are coded, and the triangle in that order. */
typedef struct solver {
  size_t fan;
  order_entry *order;
  double *upper; /* [fan][fan]: row I is that of the weight that is coded as number I */
  bool finite, sound;
} solver;

/* Both triangles are those of the last weight first: so the factor of the inverse comes of one factorisation. A place
 * through which nothing ever flowed is like any other: damping alone stands for it. */
static void
solve (const double *sums, double damping, bool act_order, solver *v, double *room)
{
  size_t n = v->fan;
  for (size_t i = 0; i < n; i++)
    v->order[i] = (order_entry){ act_order ? sums[i * n + i] : 0, i };
  qsort (v->order, n, sizeof *v->order, by_size);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      room[i * n + j] = sums[v->order[n - 1 - i].place * n + v->order[n - 1 - j].place] + (i == j ? damping : 0);
  v->sound = factorise (room, n);
  if (!v->sound)
    return;
  invert (room, n, v->upper);
  /* V has the turned inverse, an upper triangle, of the order backwards; turned round and over it is that of ours. */
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      room[i * n + j] = v->upper[(n - 1 - j) * n + (n - 1 - i)];
  memcpy (v->upper, room, n * n * sizeof *room);
}

/* ---- Codes. */

typedef struct coding {
  const static_run *s;
  static_layer *layer;
  const solver *solvers; /* one for each group of channels */
} coding;

/* What a weight was moved by goes to those of its block at once, and to all others behind the block. */
static void
code_channel (const coding *c, size_t row, double *weights, double *moved)
{
  static_layer *layer = c->layer;
  const solver *v = &c->solvers[row / (layer->channels / layer->groups)];
  size_t n = layer->fan, block = (size_t)c->s->set.block;
  for (size_t i = 0; i < n; i++)
    weights[i] = (double)layer->weights[row * n + v->order[i].place];
  for (size_t first = 0, last; first < n; first = last) {
    last = n - first < block ? n : first + block;
    for (size_t i = first; i < last; i++) {
      size_t place = v->order[i].place;
      float scale = static_scale_at (layer, row, place);
      bool zero = layer->keeps_zeros && layer->weights[row * n + place] == 0;
      int32_t code = zero ? 0 : static_nearest_code (weights[i], scale, layer->bits);
      layer->codes[row * n + place] = (int8_t)code;
      moved[i] = (weights[i] - (double)scale * code) / v->upper[i * n + i];
      for (size_t j = i + 1; j < last; j++)
        weights[j] -= moved[i] * v->upper[i * n + j];
    }
    for (size_t i = first; i < last; i++)
      for (size_t j = last; j < n; j++)
        weights[j] -= moved[i] * v->upper[i * n + j];
  }
}

static adze_status
code_channels (void *argument, size_t first, size_t last)
{
  const coding *c = (const coding *)argument;
  size_t n = c->layer->fan;
  double *room = (double *)c->s->host->allocate (c->s->host, 2 * n * sizeof *room);
  if (!room)
    return adze_fail (c->s->host, ADZE_E_MEMORY, "no room for a channel of '%s'", c->layer->name);
  for (size_t row = first; row < last; row++)
    code_channel (c, row, room, room + n);
  c->s->host->release (c->s->host, room);
  return ADZE_OK;
}

/* ---- A layer. */

static adze_status
open_solver (const static_run *s, const gram *g, size_t group, solver *v)
{
  size_t n = g->layer->fan;
  const double *sums = g->sums + group * n * n;
  double diagonal = 0;
  *v = (solver){ .fan = n };
  v->order = (order_entry *)s->host->allocate (s->host, n * sizeof *v->order);
  v->upper = (double *)s->host->allocate (s->host, n * n * sizeof *v->upper);
  double *room = (double *)s->host->allocate (s->host, n * n * sizeof *room);
  for (size_t i = 0; i < n; i++)
    diagonal += sums[i * n + i];
  v->finite = isfinite (diagonal);
  bool has_room = v->order && v->upper && room;
  if (has_room)
    solve (sums, s->set.damping * diagonal / (double)n, s->set.act_order, v, room);
  s->host->release (s->host, room);
  return has_room ? ADZE_OK
                  : adze_fail (s->host, ADZE_E_MEMORY, "no room for the inverse of %zu by %zu of '%s'", n, n,
                               g->layer->name);
}

adze_status
static_gptq_layer (static_run *s, const gram *g, static_layer *layer)
{
  solver *solvers = (solver *)s->host->allocate (s->host, layer->groups * sizeof *solvers);
  adze_status status = solvers ? ADZE_OK : adze_fail (s->host, ADZE_E_MEMORY, "no room for '%s'", layer->name);
  coding c = { .s = s, .layer = layer, .solvers = solvers };
  bool sound = true, odd = false;
  for (size_t i = 0; status == ADZE_OK && i < layer->groups; i++) {
    status = open_solver (s, g, i, &solvers[i]);
    sound = sound && solvers[i].sound;
    odd = odd || !solvers[i].finite;
  }
  if (status == ADZE_OK && sound)
    status = adze_parallel_for (s->host, layer->channels, 4, code_channels, &c);
  layer->fell_back = sound ? FELL_NOT : odd ? FELL_ODD : FELL_SINGULAR; /* its codes are still the nearest ones */
  for (size_t i = 0; solvers && i < layer->groups; i++) {
    s->host->release (s->host, solvers[i].order);
    s->host->release (s->host, solvers[i].upper);
  }
  s->host->release (s->host, solvers);
  return status;
}
