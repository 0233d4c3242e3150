/* SPDX-License-Identifier: Apache-2.0 */
/* What low-rank computes with: singular values by two ways that have nothing in common, factors that are as near as
 * any can be, and random ones that are nearly so. Pipelines and numpy are in the tests of that name elsewhere. */
#include "base/random.h"
#include "fake-host.h"

#include <math.h>

#include "../../plugins/techniques/low-rank/matrix.c"
#include "../../plugins/techniques/low-rank/sketch.c"
#include "../../plugins/techniques/low-rank/spectrum.c"
#include "../../plugins/techniques/low-rank/svd.c"

static void
fake_random (const adze_host *host, const char *stream, uint64_t first, uint64_t *out, size_t count)
{
  (void)host;
  adze_random_values (adze_random_key (11, "fake", stream), first, out, count);
}

static const void *
with_random (const char *id)
{
  static const adze_random_service random = { .struct_size = sizeof random, .fill = fake_random };
  return strcmp (id, ADZE_RANDOM) == 0 ? &random : NULL;
}

static double
draw (void)
{
  static uint64_t drawn;
  uint64_t bits;
  fake_random (NULL, "numbers", drawn++, &bits, 1);
  return adze_random_unit (bits) * 2 - 1;
}

static void
must (adze_status status)
{
  if (status != ADZE_OK)
    fail_msg ("%s", fake_reason);
}

static matrix
random_matrix (size_t rows, size_t columns)
{
  matrix m;
  must (matrix_new (&fake_host, rows, columns, &m));
  for (size_t i = 0; i < rows * columns; i++)
    m.at[i] = draw ();
  return m;
}

/* Of singular values 1, 1 / 2^POWER, 1 / 3^POWER ... */
static matrix
fading_matrix (size_t rows, size_t columns, double power)
{
  matrix left = random_matrix (rows, rows), right = random_matrix (rows, columns), m;
  must (matrix_orthonormal (&fake_host, &left, NULL));
  must (matrix_orthonormal (&fake_host, &right, NULL));
  for (size_t i = 0; i < rows; i++)
    for (size_t k = 0; k < columns; k++)
      matrix_row (&right, i)[k] *= pow ((double)(i + 1), -power);
  must (matrix_multiply (&fake_host, &left, rows, &right, &m));
  matrix_free (&fake_host, &left);
  matrix_free (&fake_host, &right);
  return m;
}

static void
is_near (const char *what, size_t at, double found, double wanted, double by)
{
  if (!(fabs (found - wanted) <= by))
    fail_msg ("%s %zu is %.17g, wanted is %.17g", what, at, found, wanted);
}

/* Length of what M and the product of its first RANK factors differ by. */
static double
distance (const matrix *m, size_t rank, const double *values, const matrix *left, const matrix *right)
{
  double sum = 0;
  for (size_t i = 0; i < m->rows; i++)
    for (size_t k = 0; k < m->columns; k++) {
      double rest = matrix_row (m, i)[k];
      for (size_t r = 0; r < rank; r++)
        rest -= values[r] * matrix_row (left, r)[i] * matrix_row (right, r)[k];
      sum += rest * rest;
    }
  return sqrt (sum);
}

static void
rows_are_orthonormal (const matrix *m, size_t count)
{
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k <= i; k++)
      is_near ("a product of rows", i, matrix_dot (matrix_row (m, i), matrix_row (m, k), m->columns), i == k,
               1e-12);
}

/* Both ways, and that the factors of every rank are as near as the values that they leave out. */
static void
check (matrix m, size_t rank)
{
  matrix turned, left, right;
  double squares[80], values[80];
  must (matrix_turn (&fake_host, &m, &turned));
  must (matrix_spectrum (&fake_host, &m, &turned, squares));
  must (matrix_svd (&fake_host, &m, m.rows, values, &left, &right));
  for (size_t i = 0; i < m.rows; i++)
    is_near ("square", i, values[i] * values[i], squares[i], 1e-13 * (squares[0] + 1e-300));
  for (size_t i = 1; i < m.rows; i++)
    assert_true (values[i] <= values[i - 1]);
  rows_are_orthonormal (&left, rank);
  rows_are_orthonormal (&right, rank);
  for (size_t r = 0; r <= m.rows; r++) {
    double lost = 0;
    for (size_t i = m.rows; i-- > r;)
      lost += values[i] * values[i];
    is_near ("the error of rank", r, distance (&m, r, values, &left, &right), sqrt (lost), 1e-13 * values[0]);
  }
  matrix_free (&fake_host, &left);
  matrix_free (&fake_host, &right);
  matrix_free (&fake_host, &turned);
  matrix_free (&fake_host, &m);
}

static void
values_and_vectors_are_right (void **state)
{
  (void)state;
  check (random_matrix (1, 1), 1);
  check (random_matrix (1, 9), 1);
  check (random_matrix (2, 2), 2);
  check (random_matrix (17, 17), 17);
  check (random_matrix (24, 27), 24);
  check (random_matrix (24, 80), 24);
  check (random_matrix (75, 300), 75);
  check (fading_matrix (40, 40, 2), 40);
  check (fading_matrix (30, 70, 6), 2);
}

static void
a_small_one_is_known (void **state)
{
  (void)state;
  double numbers[] = { 3, 0, 4, 5 }, values[2];
  const matrix m = { numbers, 2, 2 };
  matrix left, right;
  must (matrix_svd (&fake_host, &m, 2, values, &left, &right));
  is_near ("value", 0, values[0], sqrt (45), 1e-14);
  is_near ("value", 1, values[1], sqrt (5), 1e-14);
  matrix_free (&fake_host, &left);
  matrix_free (&fake_host, &right);
}

/* Rows that are others', rows of zeros, and nothing but zeros. */
static void
rows_may_depend_on_each_other (void **state)
{
  (void)state;
  for (size_t columns = 20; columns <= 60; columns += 40) {
    matrix m = random_matrix (20, columns);
    for (size_t i = 5; i < 20; i++)
      for (size_t k = 0; k < columns; k++)
        matrix_row (&m, i)[k] = i % 3 == 0 ? 0 : matrix_row (&m, i % 5)[k] * (double)i;
    check (m, 5);
    must (matrix_new (&fake_host, 20, columns, &m));
    check (m, 0);
  }
}

/* Large and small numbers side by side. */
static void
scales_may_be_far_apart (void **state)
{
  (void)state;
  matrix m = random_matrix (12, 12);
  for (size_t i = 0; i < 12; i++)
    for (size_t k = 0; k < 12; k++)
      matrix_row (&m, i)[k] *= ldexp (1, -(int)(i * 40));
  check (m, 0);
}

/* How far random factors of RANK are off, as a multiple of the best ones. */
static double
random_error (const matrix *m, size_t rank, uint32_t steps)
{
  matrix turned, basis, caught, inner, left, right, best_left, best_right;
  double values[200], best[200];
  must (matrix_turn (&fake_host, m, &turned));
  must (matrix_sketch (&fake_host, "w", m, &turned, rank + 10, steps, &basis));
  rows_are_orthonormal (&basis, rank + 10);
  must (matrix_multiply (&fake_host, &basis, rank + 10, m, &caught));
  must (matrix_svd (&fake_host, &caught, rank, values, &inner, &right));
  must (matrix_multiply (&fake_host, &inner, rank, &basis, &left));
  must (matrix_svd (&fake_host, m, rank, best, &best_left, &best_right));
  double ratio = distance (m, rank, values, &left, &right) / distance (m, rank, best, &best_left, &best_right);
  matrix *all[] = { &turned, &basis, &caught, &inner, &left, &right, &best_left, &best_right };
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    matrix_free (&fake_host, all[i]);
  return ratio;
}

static void
random_factors_are_nearly_the_best (void **state)
{
  (void)state;
  for (int power = 1; power <= 4; power++) {
    matrix m = fading_matrix (100, 140, power / 2.0);
    for (size_t rank = 5; rank <= 40; rank += 35) {
      double found = random_error (&m, rank, 2);
      assert_true (found > 1 - 1e-9);
      if (!(found < 1.05))
        fail_msg ("rank %zu of values that fall by the power %g is %.4f times as far off as the best", rank,
                  power / 2.0, found);
    }
    matrix_free (&fake_host, &m);
  }
}

/* Sizes on all sides of what loops take at once. */
static void
products_are_right (void **state)
{
  (void)state;
  const size_t sizes[][3] = { { 1, 1, 1 }, { 3, 5, 7 }, { 2, 66, 300 }, { 65, 4, 257 }, { 130, 131, 3 } };
  for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
    matrix a = random_matrix (sizes[s][0], sizes[s][1]), b = random_matrix (sizes[s][1], sizes[s][2]), c;
    must (matrix_multiply (&fake_host, &a, a.rows, &b, &c));
    for (size_t i = 0; i < c.rows; i++)
      for (size_t k = 0; k < c.columns; k++) {
        double sum = 0;
        for (size_t l = 0; l < a.columns; l++)
          sum += matrix_row (&a, i)[l] * matrix_row (&b, l)[k];
        is_near ("a product in row", i, matrix_row (&c, i)[k], sum, 1e-12);
      }
    matrix_free (&fake_host, &a);
    matrix_free (&fake_host, &b);
    matrix_free (&fake_host, &c);
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (products_are_right),
    cmocka_unit_test (a_small_one_is_known),
    cmocka_unit_test (values_and_vectors_are_right),
    cmocka_unit_test (rows_may_depend_on_each_other),
    cmocka_unit_test (scales_may_be_far_apart),
    cmocka_unit_test (random_factors_are_nearly_the_best),
  };
  fake_more_services = with_random;
  return cmocka_run_group_tests (tests, NULL, NULL);
}
