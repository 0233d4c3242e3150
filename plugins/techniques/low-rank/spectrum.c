/* SPDX-License-Identifier: Apache-2.0 */
/* Squares of singular values, as the eigenvalues of a matrix times itself turned: made tridiagonal by reflections,
 * and found there by halving. What they add up to, and what is left of that, is right to the last digits of the
 * whole; small ones by themselves are not, and nobody asks for them. */
#include "matrix.h"

#include <math.h>
#include <string.h>

#if defined __GNUC__ && !defined __clang__
#pragma GCC optimize("O3")
#endif

/* ---- Tridiagonal. */

/* One reflection: what the one before it has still to do to the rows below, and the sums that this one needs, in one
 * pass over them. */
typedef struct step {
  matrix *m;
  size_t number;
  const double *old, *old_sums; /* NULL: the first one */
  const double *mirror;
  double factor;
  double *sums;
} step;

static void
catch_up (const step *s, size_t row)
{
  size_t from = s->number, count = s->m->columns - from;
  if (s->old)
    matrix_add_two (-s->old[row], s->old_sums + from, -s->old_sums[row], s->old + from,
                    matrix_row (s->m, row) + from, count);
}

static adze_status
reflect_rows (void *argument, size_t first, size_t last)
{
  const step *s = (const step *)argument;
  size_t from = s->number + 1, count = s->m->columns - from;
  for (size_t row = from + first; row < from + last; row++) {
    catch_up (s, row);
    s->sums[row] = s->factor * matrix_dot (matrix_row (s->m, row) + from, s->mirror + from, count);
  }
  return ADZE_OK;
}

/* Of X, COUNT numbers, all but the first become zeros. MIRROR is what to reflect at; the answer is what the first
 * becomes, and *FACTOR is 0 where they are zeros already. */
static double
find_mirror (const double *x, size_t count, double *mirror, double *factor)
{
  double others = matrix_dot (x + 1, x + 1, count - 1);
  memcpy (mirror, x, count * sizeof *x);
  *factor = 0;
  if (others == 0)
    return x[0];
  double length = sqrt (x[0] * x[0] + others);
  mirror[0] += x[0] < 0 ? -length : length;
  *factor = 2 / (mirror[0] * mirror[0] + others);
  return x[0] < 0 ? length : -length;
}

/* M is symmetric, and used up. */
static adze_status
make_tridiagonal (const adze_host *host, matrix *m, double *middle, double *beside)
{
  size_t count = m->rows;
  matrix room;
  adze_status status = matrix_new (host, 4, count, &room);
  step s = { .m = m };
  for (size_t k = 0; status == ADZE_OK && k < count; k++) {
    s.number = k;
    catch_up (&s, k);
    middle[k] = matrix_row (m, k)[k];
    beside[k] = 0;
    if (k + 1 == count)
      break;
    size_t below = count - k - 1, odd = k % 2 * 2;
    double *mirror = matrix_row (&room, odd), *sums = matrix_row (&room, odd + 1);
    beside[k] = find_mirror (matrix_row (m, k) + k + 1, below, mirror + k + 1, &s.factor);
    s.mirror = mirror;
    s.sums = sums;
    status = adze_parallel_for (host, below, (1 << 17) / below + 1, reflect_rows, &s);
    double share = s.factor / 2 * matrix_dot (sums + k + 1, mirror + k + 1, below);
    matrix_add (-share, mirror + k + 1, sums + k + 1, below);
    s.old = mirror;
    s.old_sums = sums;
  }
  matrix_free (host, &room);
  return status;
}

/* ---- Halving. */

typedef struct search {
  const double *middle, *squares; /* squares of what is beside */
  size_t count;
  double low, high, least;
  double *found;
} search;

/* Values that are looked for at once, so that divisions do not wait for each other. */
enum { ABREAST = 8 };

/* How many eigenvalues are below each of AT. */
static void
count_below (const search *s, const double *at, double *below)
{
  double rest[ABREAST];
  for (size_t v = 0; v < ABREAST; v++) {
    rest[v] = 1;
    below[v] = 0;
  }
  for (size_t i = 0; i < s->count; i++) {
    double beside = i > 0 ? s->squares[i - 1] : 0;
    for (size_t v = 0; v < ABREAST; v++) {
      double next = s->middle[i] - at[v] - beside / rest[v];
      rest[v] = fabs (next) < s->least ? -s->least : next;
      below[v] += rest[v] < 0;
    }
  }
}

/* The values number FIRST to LAST - 1, counted from the largest. */
static adze_status
find_values (void *argument, size_t first, size_t last)
{
  const search *s = (const search *)argument;
  enum { HALVINGS = 62 };
  for (size_t from = first; from < last; from += ABREAST) {
    double low[ABREAST], high[ABREAST], at[ABREAST], below[ABREAST];
    for (size_t v = 0; v < ABREAST; v++) {
      low[v] = s->low;
      high[v] = s->high;
    }
    for (int time = 0; time < HALVINGS; time++) {
      for (size_t v = 0; v < ABREAST; v++)
        at[v] = (low[v] + high[v]) / 2;
      count_below (s, at, below);
      for (size_t v = 0; v < ABREAST; v++) {
        bool above = below[v] + (double)(from + v) >= (double)s->count;
        low[v] = above ? low[v] : at[v];
        high[v] = above ? at[v] : high[v];
      }
    }
    for (size_t v = 0; v < ABREAST && from + v < last; v++)
      s->found[from + v] = high[v] > 0 ? high[v] : 0;
  }
  return ADZE_OK;
}

static adze_status
halve (const adze_host *host, const double *middle, double *beside, size_t count, double *found)
{
  double bound = 0;
  for (size_t i = 0; i < count; i++) {
    double reach = fabs (middle[i]) + fabs (beside[i]) + (i > 0 ? fabs (beside[i - 1]) : 0);
    bound = reach > bound ? reach : bound;
  }
  for (size_t i = 0; i < count; i++)
    beside[i] *= beside[i];
  /* All values of such a matrix are 0 or more, but for roundings. */
  search s = { middle, beside, count, -bound * 0x1p-40, bound, bound * 0x1p-100 + 0x1p-1000, found };
  return adze_parallel_for (host, count, 64, find_values, &s);
}

adze_status
matrix_spectrum (const adze_host *host, const matrix *m, const matrix *turned, double *squares)
{
  matrix square = { 0 }, room = { 0 };
  adze_status status = matrix_multiply (host, m, m->rows, turned, &square);
  if (status == ADZE_OK)
    status = matrix_new (host, 2, m->rows, &room);
  if (status == ADZE_OK)
    status = make_tridiagonal (host, &square, room.at, matrix_row (&room, 1));
  if (status == ADZE_OK)
    status = halve (host, room.at, matrix_row (&room, 1), m->rows, squares);
  matrix_free (host, &square);
  matrix_free (host, &room);
  return status;
}
