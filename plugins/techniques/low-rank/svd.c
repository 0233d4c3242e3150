/* SPDX-License-Identifier: Apache-2.0 */
/* Singular values and vectors by one-sided Jacobi: two rows at a time are turned until they are at right angles,
 * and once all are, their lengths are the singular values. Plain, and right to the last digits of each value; what
 * others are held against. */
#include "matrix.h"

#include <math.h>
#include <stdlib.h>

/* ---- Turning. */

typedef struct sweep {
  matrix *m;
  double *squares; /* of the rows' lengths */
  size_t round, places;
  double enough;   /* cosines below it are none */
  double nothing;  /* squares below it are what rounding leaves of rows that are made of others */
  uint8_t *turned; /* for each pair of a round */
} sweep;

static void
turn_pair (const sweep *s, size_t pair, size_t a, size_t b)
{
  double *x = matrix_row (s->m, a), *y = matrix_row (s->m, b);
  double slant = matrix_dot (x, y, s->m->columns), p = s->squares[a], q = s->squares[b];
  if (p < s->nothing || q < s->nothing || !(fabs (slant) > s->enough * sqrt (p) * sqrt (q)))
    return;
  double half = (q - p) / (2 * slant);
  double tangent = (half < 0 ? -1 : 1) / (fabs (half) + sqrt (1 + half * half));
  if (tangent == 0) /* so far apart in length that nothing would change */
    return;
  double cosine = 1 / sqrt (1 + tangent * tangent);
  matrix_rotate (cosine, cosine * tangent, x, y, s->m->columns);
  s->squares[a] = p - tangent * slant > 0 ? p - tangent * slant : 0;
  s->squares[b] = q + tangent * slant;
  s->turned[pair] = 1;
}

/* As in a tournament: in each round each row meets another one, in all of them each meets all. Pairs of a round have
 * no row in common, so threads may take them in any order. */
static adze_status
turn_pairs (void *argument, size_t first, size_t last)
{
  const sweep *s = (const sweep *)argument;
  size_t circle = s->places - 1;
  for (size_t pair = first; pair < last; pair++) {
    size_t a = pair == 0 ? circle : (s->round + pair) % circle;
    size_t b = (s->round + circle - pair) % circle;
    if (a < s->m->rows && b < s->m->rows)
      turn_pair (s, pair, a < b ? a : b, a < b ? b : a);
  }
  return ADZE_OK;
}

static adze_status
measure_rows (void *argument, size_t first, size_t last)
{
  const sweep *s = (const sweep *)argument;
  for (size_t i = first; i < last; i++)
    s->squares[i] = matrix_dot (matrix_row (s->m, i), matrix_row (s->m, i), s->m->columns);
  return ADZE_OK;
}

static adze_status
go_round (const adze_host *host, sweep *s, bool *any)
{
  size_t pairs = s->places / 2, grain = (1 << 15) / (s->m->columns + 1) + 1;
  adze_status status = adze_parallel_for (host, s->m->rows, grain, measure_rows, s);
  double most = 0;
  for (size_t i = 0; i < s->m->rows; i++)
    most = s->squares[i] > most ? s->squares[i] : most;
  s->nothing = most * 0x1p-130;
  *any = false;
  for (s->round = 0; status == ADZE_OK && s->round + 1 < s->places; s->round++) {
    status = adze_parallel_for (host, pairs, grain, turn_pairs, s);
    for (size_t i = 0; i < pairs; i++) {
      *any |= s->turned[i];
      s->turned[i] = 0;
    }
  }
  return status;
}

/* Each round but the last ones makes the angles' errors a square of what they were: ten are many. */
static adze_status
make_right_angles (const adze_host *host, matrix *m, double *squares)
{
  enum { ROUNDS = 60 };
  sweep s = { .m = m, .squares = squares, .places = m->rows + m->rows % 2 };
  double wide = sqrt ((double)m->columns);
  s.enough = 0x1p-52 * (wide > 8 ? wide : 8);
  s.turned = (uint8_t *)host->allocate (host, s.places / 2 + 1);
  if (!s.turned)
    return adze_fail (host, ADZE_E_MEMORY, "no room for pairs of %zu rows", m->rows);
  bool any = true;
  adze_status status = ADZE_OK;
  for (int round = 0; status == ADZE_OK && any && round < ROUNDS; round++)
    status = go_round (host, &s, &any);
  if (status == ADZE_OK && any)
    status = adze_fail (host, ADZE_E_UNSUPPORTED, "a matrix of %zu by %zu has no singular values after %d "
                        "rounds of Jacobi's", m->rows, m->columns, ROUNDS);
  host->release (host, s.turned);
  return status;
}

/* ---- What was found, in order. */

typedef struct ranked {
  double square;
  size_t row;
} ranked;

static int
largest_first (const void *left, const void *right)
{
  const ranked *a = (const ranked *)left, *b = (const ranked *)right;
  if (a->square != b->square)
    return a->square > b->square ? -1 : 1;
  return a->row < b->row ? -1 : a->row > b->row;
}

/* The RANK longest rows of M, made of length one. Next to the longest some are nothing: zeros then, since what rounding
 * left of them need not be at right angles to the others. */
static adze_status
pick_longest (const adze_host *host, const matrix *m, const double *squares, size_t rank, double *values,
              matrix *picked)
{
  ranked *order = (ranked *)host->allocate (host, (m->rows + 1) * sizeof *order);
  if (!order)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the order of %zu values", m->rows);
  for (size_t i = 0; i < m->rows; i++)
    order[i] = (ranked){ squares[i], i };
  qsort (order, m->rows, sizeof *order, largest_first);
  adze_status status = matrix_new (host, rank, m->columns, picked);
  for (size_t i = 0; status == ADZE_OK && i < rank; i++) {
    const double *from = matrix_row (m, order[i].row);
    values[i] = sqrt (matrix_dot (from, from, m->columns));
    bool counts = values[i] > values[0] * 0x1p-56;
    for (size_t k = 0; counts && k < m->columns; k++)
      matrix_row (picked, i)[k] = from[k] / values[i];
  }
  host->release (host, order);
  return status;
}

/* WHOLE is used up, of which RIGHT gets vectors; those on the other side are what WAS, turned, makes of them. */
static adze_status
solve (const adze_host *host, matrix *whole, const matrix *was, size_t rank, double *values, matrix *left,
       matrix *right)
{
  double *squares = (double *)host->allocate (host, (whole->rows + 1) * sizeof *squares);
  if (!squares)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu singular values", whole->rows);
  adze_status status = make_right_angles (host, whole, squares);
  if (status == ADZE_OK)
    status = pick_longest (host, whole, squares, rank, values, right);
  if (status == ADZE_OK)
    status = matrix_multiply (host, right, rank, was, left);
  for (size_t i = 0; status == ADZE_OK && i < rank; i++)
    for (size_t k = 0; k < left->columns; k++)
      matrix_row (left, i)[k] = values[i] > 0 ? matrix_row (left, i)[k] / values[i] : 0;
  host->release (host, squares);
  return status;
}

/* Long rows are a triangle times orthonormal ones, and the triangle has their values. */
static adze_status
solve_triangle (const adze_host *host, const matrix *m, size_t rank, double *values, matrix *left,
                matrix *right)
{
  matrix basis = { 0 }, triangle = { 0 }, turned = { 0 }, inner = { 0 };
  adze_status status = matrix_copy (host, m, &basis);
  if (status == ADZE_OK)
    status = matrix_new (host, m->rows, m->rows, &triangle);
  if (status == ADZE_OK)
    status = matrix_orthonormal (host, &basis, &triangle);
  if (status == ADZE_OK)
    status = matrix_turn (host, &triangle, &turned);
  if (status == ADZE_OK)
    status = solve (host, &triangle, &turned, rank, values, left, &inner);
  if (status == ADZE_OK)
    status = matrix_multiply (host, &inner, rank, &basis, right);
  matrix_free (host, &basis);
  matrix_free (host, &triangle);
  matrix_free (host, &turned);
  matrix_free (host, &inner);
  return status;
}

adze_status
matrix_svd (const adze_host *host, const matrix *m, size_t rank, double *values, matrix *left, matrix *right)
{
  matrix whole = { 0 }, turned = { 0 };
  if (m->columns > m->rows + m->rows / 4)
    return solve_triangle (host, m, rank, values, left, right);
  adze_status status = matrix_copy (host, m, &whole);
  if (status == ADZE_OK)
    status = matrix_turn (host, m, &turned);
  if (status == ADZE_OK)
    status = solve (host, &whole, &turned, rank, values, left, right);
  matrix_free (host, &whole);
  matrix_free (host, &turned);
  return status;
}
