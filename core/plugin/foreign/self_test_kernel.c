/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/self_test_kernel.c: vectors of the contracts. The inputs are made here, and what
 * must come out is computed plainly, in double and in order, from copies that nobody has
 * touched. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "plugin/foreign/self_test.h"

/* ---- Matrices: ROWS by COLUMNS as they are stored; what lies behind each row is padding. A vector
 * is a matrix with one column, whose padding is what lies between its elements. */

typedef struct matrix {
  adze_block block;
  int64_t rows, columns, stride;
  size_t element;
} matrix;

static void
matrix_cleanup (matrix *m)
{
  adze_block_cleanup (&m->block);
}

static adze_error *
matrix_make (matrix *m, size_t element, int64_t rows, int64_t columns, int64_t padding)
{
  *m = (matrix){ .rows = rows, .columns = columns, .stride = columns + padding,
                 .element = element };
  return adze_block_make (&m->block, (size_t)(m->rows * m->stride) * element);
}

static adze_error *
vector_make (matrix *m, size_t element, int64_t count, int64_t increment)
{
  return matrix_make (m, element, count, 1, increment - 1);
}

static void *
matrix_data (const matrix *m)
{
  return adze_block_data (&m->block);
}

static double
number_at (const void *numbers, size_t element, int64_t at)
{
  return element == sizeof (float) ? (double)((const float *)numbers)[at]
                                   : ((const double *)numbers)[at];
}

static double
found_at (const matrix *m, int64_t row, int64_t column)
{
  return number_at (matrix_data (m), m->element, row * m->stride + column);
}

static double
before_at (const matrix *m, int64_t row, int64_t column)
{
  return number_at (adze_block_data_before (&m->block), m->element, row * m->stride + column);
}

/* Of op(M). */
static double
turned_at (const matrix *m, bool transposed, int64_t row, int64_t column)
{
  return transposed ? before_at (m, column, row) : before_at (m, row, column);
}

/* Multiples of 1/256 in [-1, 1]: all different enough to show a mix-up, and exact in products. */
static void
matrix_fill (matrix *m, const char *stream)
{
  uint64_t key = adze_random_key (0, ADZE_KERNEL_GEMM_F32, stream);
  for (int64_t row = 0; row < m->rows; row++)
    for (int64_t column = 0; column < m->columns; column++) {
      uint64_t bits = 0;
      int64_t at = row * m->stride + column;
      adze_random_values (key, (uint64_t)(row * m->columns + column), &bits, 1);
      double number = (double)((int)(bits % 513) - 256) / 256;
      if (m->element == sizeof (float))
        ((float *)matrix_data (m))[at] = (float)number;
      else
        ((double *)matrix_data (m))[at] = number;
    }
}

/* ---- Judging. */

/* One call, and its operands; which of them is what stands at each contract. */
typedef struct kernel_trial {
  const adze_trial *trial;
  const adze_foreign_case *numbers;
  size_t element;
  matrix a, b, c, d;
} kernel_trial;

static void
kernel_trial_cleanup (kernel_trial *k)
{
  matrix_cleanup (&k->a);
  matrix_cleanup (&k->b);
  matrix_cleanup (&k->c);
  matrix_cleanup (&k->d);
}

static void
remember (matrix *m)
{
  if (m->block.memory)
    adze_block_remember (&m->block);
}

static void
remember_all (kernel_trial *k)
{
  remember (&k->a);
  remember (&k->b);
  remember (&k->c);
  remember (&k->d);
}

/* M may have been written to, but neither behind its rows nor beyond it. */
static adze_error *
judge_padding (const kernel_trial *k, const matrix *m, const char *name)
{
  char needed[64];
  const char *found = matrix_data (m), *before = adze_block_data_before (&m->block);
  for (int64_t row = 0; row < m->rows; row++) {
    size_t at = (size_t)(row * m->stride + m->columns) * m->element;
    if (memcmp (found + at, before + at, (size_t)(m->stride - m->columns) * m->element) == 0)
      continue;
    snprintf (needed, sizeof needed, "padding of %s left as it was", name);
    return adze_trial_refusal (k->trial, needed, "something written behind a row");
  }
  if (adze_block_guards_intact (&m->block))
    return NULL;
  snprintf (needed, sizeof needed, "only %s written", name);
  return adze_trial_refusal (k->trial, needed, "something written beyond it");
}

static adze_error *
judge_input (const kernel_trial *k, const matrix *m, const char *name)
{
  char needed[64];
  if (adze_block_intact (&m->block))
    return NULL;
  snprintf (needed, sizeof needed, "%s left as it was", name);
  return adze_trial_refusal (k->trial, needed, "a change");
}

static adze_error *
judge_number (const kernel_trial *k, const char *name, int64_t row, int64_t column,
              double expected, double found)
{
  char where[80];
  if (adze_foreign_near (expected, found, k->trial->vector->tolerance))
    return NULL;
  snprintf (where, sizeof where, "%s[%lld, %lld]", name, (long long)row, (long long)column);
  return adze_trial_wrong (k->trial, where, expected, found);
}

/* Every element of RESULT against what EXPECTED computes. */
static adze_error *
judge_result (const kernel_trial *k, const matrix *result, const char *name,
              double (*expected) (const kernel_trial *k, int64_t row, int64_t column))
{
  for (int64_t row = 0; row < result->rows; row++)
    for (int64_t column = 0; column < result->columns; column++)
      ADZE_TRY (judge_number (k, name, row, column, expected (k, row, column),
                              found_at (result, row, column)));
  return judge_padding (k, result, name);
}

/* ---- gemm: a, b, c. */

static double
gemm_expected (const kernel_trial *k, int64_t row, int64_t column)
{
  const adze_foreign_case *numbers = k->numbers;
  double sum = 0;
  for (int64_t i = 0; i < numbers->k; i++)
    sum += turned_at (&k->a, numbers->transpose_a, row, i)
           * turned_at (&k->b, numbers->transpose_b, i, column);
  double expected = numbers->alpha * sum;
  return numbers->beta != 0 ? expected + numbers->beta * before_at (&k->c, row, column) : expected;
}

static adze_error *
gemm_try (kernel_trial *k)
{
  const adze_foreign_case *n = k->numbers;
  bool ta = n->transpose_a != 0, tb = n->transpose_b != 0;
  ADZE_TRY (matrix_make (&k->a, k->element, ta ? n->k : n->m, ta ? n->m : n->k, n->pad_a));
  ADZE_TRY (matrix_make (&k->b, k->element, tb ? n->n : n->k, tb ? n->k : n->n, n->pad_b));
  ADZE_TRY (matrix_make (&k->c, k->element, n->m, n->n, n->pad_c));
  matrix_fill (&k->a, "a");
  matrix_fill (&k->b, "b");
  /* Where C must not be read it stays not a number, which would spread to the result. */
  if (n->beta != 0)
    matrix_fill (&k->c, "c");
  remember_all (k);
  ADZE_TRY (adze_trial_call (
      k->trial, adze_kernel_gemm (k->trial->kernel, ta, tb, n->m, n->n, n->k, n->alpha,
                                  matrix_data (&k->a), k->a.stride, matrix_data (&k->b),
                                  k->b.stride, n->beta, matrix_data (&k->c), k->c.stride)));
  ADZE_TRY (judge_result (k, &k->c, "C", gemm_expected));
  ADZE_TRY (judge_input (k, &k->a, "A"));
  return judge_input (k, &k->b, "B");
}

/* ---- gemv: a, b is x, c is y. */

static double
gemv_expected (const kernel_trial *k, int64_t row, int64_t column)
{
  const adze_foreign_case *numbers = k->numbers;
  double sum = 0;
  for (int64_t i = 0; i < k->b.rows; i++)
    sum += turned_at (&k->a, numbers->transpose_a, row, i) * before_at (&k->b, i, 0);
  double expected = numbers->alpha * sum;
  return numbers->beta != 0 ? expected + numbers->beta * before_at (&k->c, row, column) : expected;
}

static adze_error *
gemv_try (kernel_trial *k)
{
  const adze_foreign_case *n = k->numbers;
  bool ta = n->transpose_a != 0;
  ADZE_TRY (matrix_make (&k->a, k->element, n->m, n->n, n->pad_a));
  ADZE_TRY (vector_make (&k->b, k->element, ta ? n->m : n->n, n->incx));
  ADZE_TRY (vector_make (&k->c, k->element, ta ? n->n : n->m, n->incy));
  matrix_fill (&k->a, "a");
  matrix_fill (&k->b, "b");
  if (n->beta != 0)
    matrix_fill (&k->c, "c");
  remember_all (k);
  ADZE_TRY (adze_trial_call (
      k->trial, adze_kernel_gemv (k->trial->kernel, ta, n->m, n->n, n->alpha, matrix_data (&k->a),
                                  k->a.stride, matrix_data (&k->b), n->incx, n->beta,
                                  matrix_data (&k->c), n->incy)));
  ADZE_TRY (judge_result (k, &k->c, "y", gemv_expected));
  ADZE_TRY (judge_input (k, &k->a, "A"));
  return judge_input (k, &k->b, "x");
}

/* ---- axpy and dot: b is x, c is y. */

static adze_error *
make_vectors (kernel_trial *k)
{
  const adze_foreign_case *n = k->numbers;
  ADZE_TRY (vector_make (&k->b, k->element, n->n, n->incx));
  ADZE_TRY (vector_make (&k->c, k->element, n->n, n->incy));
  matrix_fill (&k->b, "b");
  matrix_fill (&k->c, "c");
  remember_all (k);
  return NULL;
}

static double
axpy_expected (const kernel_trial *k, int64_t row, int64_t column)
{
  return k->numbers->alpha * before_at (&k->b, row, column) + before_at (&k->c, row, column);
}

static adze_error *
axpy_try (kernel_trial *k)
{
  const adze_foreign_case *n = k->numbers;
  ADZE_TRY (make_vectors (k));
  ADZE_TRY (adze_trial_call (k->trial, adze_kernel_axpy (k->trial->kernel, n->n, n->alpha,
                                                         matrix_data (&k->b), n->incx,
                                                         matrix_data (&k->c), n->incy)));
  ADZE_TRY (judge_result (k, &k->c, "y", axpy_expected));
  return judge_input (k, &k->b, "x");
}

/* A function that gives a float, read as one that gives a double, can leave the upper half of the true sum
 * behind the float: near enough, and on the next processor not. A double that is meant is no worse
 * than a double. */
static bool
is_sum (const kernel_trial *k, double expected, double found)
{
  const double as_double = 1e-12;
  bool as_element = k->element != sizeof (float) || isnan (found) || found == (double)(float)found;
  return adze_foreign_near (expected, found, as_element ? k->trial->vector->tolerance : as_double);
}

static adze_error *
dot_try (kernel_trial *k)
{
  const adze_foreign_case *n = k->numbers;
  double expected = 0, found = 0;
  ADZE_TRY (make_vectors (k));
  ADZE_TRY (adze_trial_call (k->trial, adze_kernel_dot (k->trial->kernel, n->n,
                                                        matrix_data (&k->b), n->incx,
                                                        matrix_data (&k->c), n->incy, &found)));
  for (int64_t i = 0; i < n->n; i++)
    expected += before_at (&k->b, i, 0) * before_at (&k->c, i, 0);
  if (!is_sum (k, expected, found))
    return adze_trial_wrong (k->trial, "the sum", expected, found);
  ADZE_TRY (judge_input (k, &k->b, "x"));
  return judge_input (k, &k->c, "y");
}

/* ---- svd: a, b is U, c is V, d is S. There is more than one right U and V, so what they must be
 * is looked at rather than what they are. */

static adze_error *
judge_product (const kernel_trial *k)
{
  for (int64_t row = 0; row < k->a.rows; row++)
    for (int64_t column = 0; column < k->a.columns; column++) {
      double sum = 0;
      for (int64_t i = 0; i < k->d.rows; i++)
        sum += found_at (&k->b, row, i) * found_at (&k->d, i, 0) * found_at (&k->c, i, column);
      ADZE_TRY (judge_number (k, "U diag(S) V", row, column, before_at (&k->a, row, column), sum));
    }
  return NULL;
}

/* The rows of V, or the columns of U. */
static adze_error *
judge_orthonormal (const kernel_trial *k, const matrix *m, bool rows, const char *name)
{
  int64_t count = rows ? m->rows : m->columns, length = rows ? m->columns : m->rows;
  for (int64_t i = 0; i < count; i++)
    for (int64_t j = 0; j <= i; j++) {
      double sum = 0;
      for (int64_t n = 0; n < length; n++)
        sum += rows ? found_at (m, i, n) * found_at (m, j, n)
                    : found_at (m, n, i) * found_at (m, n, j);
      ADZE_TRY (judge_number (k, name, i, j, i == j, sum));
    }
  return NULL;
}

static adze_error *
judge_order (const kernel_trial *k)
{
  for (int64_t i = 0; i < k->d.rows; i++) {
    double value = found_at (&k->d, i, 0);
    if (!(value >= 0) || (i && value > found_at (&k->d, i - 1, 0)))
      return adze_trial_refusal (k->trial, "singular values from the largest to the least, none of "
                                 "them negative", "another order");
  }
  return NULL;
}

static adze_error *
svd_try (kernel_trial *k)
{
  const adze_foreign_case *n = k->numbers;
  int64_t rank = n->m < n->n ? n->m : n->n;
  ADZE_TRY (matrix_make (&k->a, k->element, n->m, n->n, n->pad_a));
  ADZE_TRY (matrix_make (&k->b, k->element, n->m, rank, n->pad_u));
  ADZE_TRY (matrix_make (&k->c, k->element, rank, n->n, n->pad_v));
  ADZE_TRY (matrix_make (&k->d, k->element, rank, 1, 0));
  matrix_fill (&k->a, "a");
  remember_all (k);
  ADZE_TRY (adze_trial_call (
      k->trial, adze_kernel_svd (k->trial->kernel, n->m, n->n, matrix_data (&k->a), k->a.stride,
                                 matrix_data (&k->d), matrix_data (&k->b), k->b.stride,
                                 matrix_data (&k->c), k->c.stride)));
  ADZE_TRY (judge_order (k));
  ADZE_TRY (judge_product (k));
  ADZE_TRY (judge_orthonormal (k, &k->b, false, "U turned times U"));
  ADZE_TRY (judge_orthonormal (k, &k->c, true, "V times V turned"));
  ADZE_TRY (judge_padding (k, &k->a, "A"));
  ADZE_TRY (judge_padding (k, &k->b, "U"));
  ADZE_TRY (judge_padding (k, &k->c, "V"));
  return judge_padding (k, &k->d, "S");
}

/* ---- All of them. */

adze_error *
adze_foreign_kernel_try (const adze_trial *trial)
{
  static adze_error *(*const tries[]) (kernel_trial *k)
      = { [ADZE_FOREIGN_GEMM] = gemm_try, [ADZE_FOREIGN_GEMV] = gemv_try,
          [ADZE_FOREIGN_AXPY] = axpy_try, [ADZE_FOREIGN_DOT] = dot_try,
          [ADZE_FOREIGN_SVD] = svd_try };
  ADZE_AUTO (kernel_trial) k = { .trial = trial,
                                 .numbers = &trial->vector->kernel,
                                 .element = trial->kernel->function->element->size };
  return tries[trial->kernel->function->shape] (&k);
}
