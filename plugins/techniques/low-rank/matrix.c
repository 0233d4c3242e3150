/* SPDX-License-Identifier: Apache-2.0 */
/* Products of matrices, and rows made orthonormal. */
#include "matrix.h"

#include <math.h>
#include <string.h>

#if defined __GNUC__ && !defined __clang__
#pragma GCC optimize("O3")
#endif
#if defined __x86_64__ && defined __linux__ && !defined __clang__ /* whose other files would not find them */
#define ANY_WIDTH __attribute__ ((target_clones ("avx512f", "avx2", "default")))
#else
#define ANY_WIDTH
#endif

/* ---- Memory. */

adze_status
matrix_new (const adze_host *host, size_t rows, size_t columns, matrix *made)
{
  size_t size;
  *made = (matrix){ NULL, rows, columns };
  if (!__builtin_mul_overflow (rows, columns, &size) && !__builtin_mul_overflow (size, sizeof (double), &size)
      && size < SIZE_MAX)
    made->at = (double *)host->allocate (host, size + 1);
  if (!made->at)
    return adze_fail (host, ADZE_E_MEMORY, "no room for a matrix of %zu by %zu numbers of float64", rows,
                      columns);
  return ADZE_OK;
}

void
matrix_free (const adze_host *host, matrix *m)
{
  if (m->at)
    host->release (host, m->at);
  m->at = NULL;
}

adze_status
matrix_copy (const adze_host *host, const matrix *m, matrix *copy)
{
  adze_status status = matrix_new (host, m->rows, m->columns, copy);
  if (status == ADZE_OK)
    memcpy (copy->at, m->at, m->rows * m->columns * sizeof *m->at);
  return status;
}

/* Squares that fit the nearest cache both ways. */
enum { SQUARE = 32 };

adze_status
matrix_turn (const adze_host *host, const matrix *m, matrix *turned)
{
  adze_status status = matrix_new (host, m->columns, m->rows, turned);
  if (status != ADZE_OK)
    return status;
  for (size_t i = 0; i < m->rows; i += SQUARE)
    for (size_t k = 0; k < m->columns; k += SQUARE)
      for (size_t row = i; row < m->rows && row < i + SQUARE; row++)
        for (size_t column = k; column < m->columns && column < k + SQUARE; column++)
          matrix_row (turned, column)[row] = matrix_row (m, row)[column];
  return ADZE_OK;
}

/* ---- Vectors. */

/* Sixteen sums side by side, added up in one order: what any width of vectors can do. */
typedef double lanes __attribute__ ((vector_size (64)));
enum { LANES = 8 };

ANY_WIDTH double
matrix_dot (const double *x, const double *y, size_t count)
{
  lanes even = { 0 }, odd = { 0 }, a, b;
  double rest = 0;
  size_t i = 0;
  for (; i + 2 * LANES <= count; i += 2 * LANES) {
    memcpy (&a, x + i, sizeof a);
    memcpy (&b, y + i, sizeof b);
    even += a * b;
    memcpy (&a, x + i + LANES, sizeof a);
    memcpy (&b, y + i + LANES, sizeof b);
    odd += a * b;
  }
  for (; i < count; i++)
    rest += x[i] * y[i];
  even += odd;
  return ((even[0] + even[4]) + (even[1] + even[5])) + ((even[2] + even[6]) + (even[3] + even[7])) + rest;
}

ANY_WIDTH void
matrix_add (double f, const double *__restrict x, double *__restrict y, size_t count)
{
  for (size_t i = 0; i < count; i++)
    y[i] += f * x[i];
}

ANY_WIDTH void
matrix_add_two (double f, const double *__restrict x, double g, const double *__restrict y,
                double *__restrict row, size_t count)
{
  for (size_t i = 0; i < count; i++)
    row[i] = (row[i] + f * x[i]) + g * y[i];
}

ANY_WIDTH void
matrix_rotate (double c, double s, double *__restrict x, double *__restrict y, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    double was = x[i];
    x[i] = c * was - s * y[i];
    y[i] = s * was + c * y[i];
  }
}

/* ---- Products. */

typedef struct product {
  const matrix *a, *b;
  matrix *c;
} product;

ANY_WIDTH void
matrix_panel (const double *a, size_t a_columns, const double *__restrict b, size_t columns,
              double *__restrict c, size_t deep, size_t count)
{
  double *__restrict d = c + columns;
  const double *below = a + a_columns;
  size_t k = 0;
  for (; k + 4 <= deep; k += 4) {
    const double *b0 = b + k * columns, *b1 = b0 + columns, *b2 = b1 + columns, *b3 = b2 + columns;
    for (size_t i = 0; i < count; i++) {
      c[i] = (((c[i] + a[k] * b0[i]) + a[k + 1] * b1[i]) + a[k + 2] * b2[i]) + a[k + 3] * b3[i];
      d[i] = (((d[i] + below[k] * b0[i]) + below[k + 1] * b1[i]) + below[k + 2] * b2[i])
             + below[k + 3] * b3[i];
    }
  }
  for (; k < deep; k++)
    for (size_t i = 0; i < count; i++) {
      c[i] += a[k] * b[k * columns + i];
      d[i] += below[k] * b[k * columns + i];
    }
}

/* What of B is gone over again and again lies in the second cache. */
enum { DEEP = 64, WIDE = 256 };

static void
multiply_block (const product *p, size_t first, size_t last, size_t k, size_t column)
{
  size_t columns = p->b->columns, inner = p->a->columns;
  size_t deep = inner - k < DEEP ? inner - k : DEEP;
  size_t wide = columns - column < WIDE ? columns - column : WIDE;
  const double *b = matrix_row (p->b, k) + column;
  size_t row = first;
  for (; row + 2 <= last; row += 2)
    matrix_panel (matrix_row (p->a, row) + k, inner, b, columns, matrix_row (p->c, row) + column, deep, wide);
  for (size_t i = 0; row < last && i < deep; i++)
    matrix_add (matrix_row (p->a, row)[k + i], b + i * columns, matrix_row (p->c, row) + column, wide);
}

static adze_status
multiply_rows (void *argument, size_t first, size_t last)
{
  const product *p = (const product *)argument;
  for (size_t column = 0; column < p->b->columns; column += WIDE)
    for (size_t k = 0; k < p->a->columns; k += DEEP)
      multiply_block (p, first, last, k, column);
  return ADZE_OK;
}

adze_status
matrix_multiply (const adze_host *host, const matrix *a, size_t rows, const matrix *b, matrix *result)
{
  enum { ROWS = 64 };
  adze_status status = matrix_new (host, rows, b->columns, result);
  product p = { a, b, result };
  return status == ADZE_OK ? adze_parallel_for (host, rows, ROWS, multiply_rows, &p) : status;
}

/* ---- Rows made orthonormal. */

typedef struct removal {
  const matrix *m;
  size_t row; /* which those above it are taken out of */
  double *shares;
} removal;

static adze_status
find_shares (void *argument, size_t first, size_t last)
{
  const removal *r = (const removal *)argument;
  for (size_t i = first; i < last; i++)
    r->shares[i] = matrix_dot (matrix_row (r->m, i), matrix_row (r->m, r->row), r->m->columns);
  return ADZE_OK;
}

static adze_status
take_out (void *argument, size_t first, size_t last)
{
  const removal *r = (const removal *)argument;
  for (size_t i = 0; i < r->row; i++)
    matrix_add (-r->shares[i], matrix_row (r->m, i) + first, matrix_row (r->m, r->row) + first, last - first);
  return ADZE_OK;
}

/* Pieces that are worth a thread. */
enum { WORTH = 1 << 17, SLICE = 1024 };

/* Once is not enough where little is left of a row; twice always is. */
static adze_status
orthogonal_row (const adze_host *host, removal *r, double *parts)
{
  size_t grain = WORTH / (r->m->columns + 1) + 1;
  adze_status status = ADZE_OK;
  for (int time = 0; status == ADZE_OK && time < 2; time++) {
    status = adze_parallel_for (host, r->row, grain, find_shares, r);
    if (status == ADZE_OK)
      status = adze_parallel_for (host, r->m->columns,
                                  r->row * r->m->columns < WORTH ? r->m->columns : SLICE, take_out, r);
    for (size_t i = 0; parts && i < r->row; i++)
      parts[i] += r->shares[i];
  }
  return status;
}

adze_status
matrix_orthonormal (const adze_host *host, matrix *m, matrix *parts)
{
  matrix shares;
  adze_status status = matrix_new (host, 1, m->rows, &shares);
  for (size_t row = 0; status == ADZE_OK && row < m->rows; row++) {
    removal r = { m, row, shares.at };
    double *numbers = matrix_row (m, row), *own = parts ? matrix_row (parts, row) : NULL;
    double before = sqrt (matrix_dot (numbers, numbers, m->columns));
    status = orthogonal_row (host, &r, own);
    double left = sqrt (matrix_dot (numbers, numbers, m->columns));
    /* Less is what rounding leaves of nothing. */
    bool is_new = left > before * 0x1p-46;
    if (own)
      own[row] = is_new ? left : 0;
    for (size_t i = 0; i < m->columns; i++)
      numbers[i] = is_new ? numbers[i] / left : 0;
  }
  matrix_free (host, &shares);
  return status;
}
