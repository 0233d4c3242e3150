/* SPDX-License-Identifier: Apache-2.0 */
/* quasi-newton.c: the least of a smooth function and a multiple of the sum of magnitudes, by L-BFGS in the orthant that
 * the point is in (Andrew and Gao): where a number changes its sign it stops at zero. */
#include <math.h>
#include <string.h>

#include "discover.h"

/* Steps that curvature is told from; halvings of a step; what is little enough to stop. */
enum { HISTORY = 10, HALVINGS = 40 };
static const double flat = 1e-7, little = 1e-12, sufficient = 1e-4;

typedef struct minimising {
  const discover_problem *p;
  size_t count;
  double *at, *slope, *next, *next_slope, *towards, *way;
  double *moves[HISTORY], *turns[HISTORY], curvature[HISTORY];
  uint32_t kept; /* of all; those of the last HISTORY are there */
  double value;
  double *room;
} minimising;

static double
dot (const double *a, const double *b, size_t count)
{
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += a[i] * b[i];
  return sum;
}

static adze_status
value_of (const minimising *m, const double *at, double *value, double *slope)
{
  adze_status status = m->p->value (m->p->argument, at, value, slope);
  for (size_t i = 0; i < m->count; i++) {
    *value += m->p->lambda * fabs (at[i]);
    if (!m->p->open[i])
      slope[i] = 0;
  }
  return status;
}

/* The steepest way down, the magnitudes counted in. */
static double
find_way (const minimising *m)
{
  const double lambda = m->p->lambda;
  double steepest = 0;
  for (size_t i = 0; i < m->count; i++) {
    const double s = m->slope[i];
    double down = m->at[i] > 0 ? -(s + lambda) : m->at[i] < 0 ? -(s - lambda)
                  : s + lambda < 0                            ? -(s + lambda)
                  : s - lambda > 0                            ? -(s - lambda)
                                                              : 0;
    m->way[i] = m->p->open[i] ? down : 0;
    steepest = fabs (m->way[i]) > steepest ? fabs (m->way[i]) : steepest;
  }
  return steepest;
}

/* TOWARDS = the inverse of the curvature, times WAY; what points against WAY is left. */
static void
find_direction (minimising *m)
{
  const uint32_t have = m->kept < HISTORY ? m->kept : HISTORY;
  double factors[HISTORY];
  memcpy (m->towards, m->way, m->count * sizeof *m->towards);
  for (uint32_t i = 0; i < have; i++) {
    const uint32_t k = (m->kept - 1 - i) % HISTORY;
    factors[k] = dot (m->moves[k], m->towards, m->count) / m->curvature[k];
    for (size_t j = 0; j < m->count; j++)
      m->towards[j] -= factors[k] * m->turns[k][j];
  }
  if (have > 0) {
    const uint32_t k = (m->kept - 1) % HISTORY;
    const double scale = m->curvature[k] / dot (m->turns[k], m->turns[k], m->count);
    for (size_t j = 0; j < m->count; j++)
      m->towards[j] *= scale;
  }
  for (uint32_t i = have; i-- > 0;) {
    const uint32_t k = (m->kept - 1 - i) % HISTORY;
    const double factor = factors[k] - dot (m->turns[k], m->towards, m->count) / m->curvature[k];
    for (size_t j = 0; j < m->count; j++)
      m->towards[j] += factor * m->moves[k][j];
  }
  for (size_t j = 0; j < m->count; j++)
    if (m->towards[j] * m->way[j] <= 0)
      m->towards[j] = 0;
}

/* NEXT = AT and LENGTH of TOWARDS, as far as no sign changes. */
static double
go (const minimising *m, double length)
{
  double promised = 0;
  for (size_t i = 0; i < m->count; i++) {
    const double side = m->at[i] != 0 ? m->at[i] : m->way[i];
    m->next[i] = m->at[i] + length * m->towards[i];
    if (m->p->lambda > 0 && m->next[i] * side < 0)
      m->next[i] = 0;
    promised += m->way[i] * (m->next[i] - m->at[i]);
  }
  return promised;
}

static adze_status
search_line (minimising *m, double *value, bool *moved)
{
  double length = m->kept > 0 ? 1 : 1 / (1 + sqrt (dot (m->towards, m->towards, m->count)));
  adze_status status = ADZE_OK;
  *moved = false;
  for (int i = 0; status == ADZE_OK && !*moved && i < HALVINGS; i++, length /= 2) {
    const double promised = go (m, length);
    status = value_of (m, m->next, value, m->next_slope);
    *moved = promised > 0 && *value <= m->value - sufficient * promised;
  }
  return status;
}

static void
note_curvature (minimising *m)
{
  const uint32_t k = m->kept % HISTORY;
  for (size_t i = 0; i < m->count; i++) {
    m->moves[k][i] = m->next[i] - m->at[i];
    m->turns[k][i] = m->next_slope[i] - m->slope[i];
  }
  m->curvature[k] = dot (m->moves[k], m->turns[k], m->count);
  if (m->curvature[k] > 1e-300 && m->curvature[k] > 1e-14 * dot (m->turns[k], m->turns[k], m->count))
    m->kept++;
}

static adze_status
descend (minimising *m)
{
  adze_status status = value_of (m, m->at, &m->value, m->slope);
  for (uint32_t step = 0; status == ADZE_OK && step < m->p->most && find_way (m) > flat; step++) {
    double value = 0;
    bool moved = false;
    find_direction (m);
    status = search_line (m, &value, &moved);
    if (status != ADZE_OK || (!moved && m->kept == 0))
      break;
    if (!moved) {
      m->kept = 0; /* once more, straight down */
      continue;
    }
    const double gained = m->value - value;
    note_curvature (m);
    memcpy (m->at, m->next, m->count * sizeof *m->at);
    memcpy (m->slope, m->next_slope, m->count * sizeof *m->slope);
    m->value = value;
    if (gained <= little * (1 + fabs (value)))
      break;
  }
  return status;
}

adze_status
discover_minimise (const discover_problem *problem, double *at)
{
  minimising m = { .p = problem, .count = problem->count, .at = at };
  adze_status status = discover_room (problem->host, m.count * (5 + 2 * HISTORY), sizeof *m.room, "a search", &m.room);
  if (status != ADZE_OK)
    return status;
  double **const parts[] = { &m.slope, &m.next, &m.next_slope, &m.towards, &m.way };
  for (size_t i = 0; i < 5; i++)
    *parts[i] = m.room + i * m.count;
  for (size_t i = 0; i < HISTORY; i++) {
    m.moves[i] = m.room + (5 + 2 * i) * m.count;
    m.turns[i] = m.room + (6 + 2 * i) * m.count;
  }
  status = descend (&m);
  problem->host->release (problem->host, m.room);
  return status;
}
