/* SPDX-License-Identifier: Apache-2.0 */
/* A shared library that knows nothing of adze: what test-foreign and bench-foreign bind. Some of
 * its functions are well behaved, and some do what a wrong manifest would make a good one do. */
#include <stddef.h>
#include <stdint.h>

#define PUBLIC __attribute__ ((visibility ("default")))

/* A prototype in front of each, since there is no header for these. */
#define FUNCTION(type, name, arguments) \
  PUBLIC type name arguments; \
  type name arguments

/* ---- Versions. */

FUNCTION (const char *, library_version, (void))
{
  return "foreign-library 2.7.1 of today";
}

FUNCTION (const char *, library_version_null, (void))
{
  return NULL;
}

FUNCTION (const char *, library_version_words, (void))
{
  return "the newest";
}

/* ---- One number. */

FUNCTION (float, half, (float x))
{
  return x / 2;
}

FUNCTION (double, half_double, (double x))
{
  return x / 2;
}

FUNCTION (float, shape, (int8_t mode, float x, float factor, int offset, uint8_t negate))
{
  float y = mode == -1 ? x * factor : mode == 7 ? x / factor : 0;
  y += (float)offset;
  return negate ? -y : y;
}

/* ---- A tensor. */

/* -1 is success, to see that a narrow value is not read as 255. */
FUNCTION (int8_t, scale, (const double *data, double *output, size_t count, double factor))
{
  if (factor < 0)
    return 3;
  for (size_t i = 0; i < count; i++)
    output[i] = data[i] * factor;
  return -1;
}

FUNCTION (void, reverse, (float *data, int32_t count))
{
  for (int32_t i = 0; i < count / 2; i++) {
    float kept = data[i];
    data[i] = data[count - 1 - i];
    data[count - 1 - i] = kept;
  }
}

FUNCTION (void, overrun, (const float *data, float *output, size_t count))
{
  for (size_t i = 0; i < count; i++)
    output[i] = data[i] / 2;
  output[count] = 1;
}

FUNCTION (void, spoil, (float *data, float *output, size_t count))
{
  for (size_t i = 0; i < count; i++)
    output[i] = data[i] / 2;
  data[0] = 0;
}

/* As Fortran has it: numbers by reference, and a status that is an argument. A factor of -2 is one
 * that it leaves without a word. */
FUNCTION (void, scale_, (const int *count, const double *factor, const double *data,
                         double *output, int *status))
{
  if (*factor == -2)
    return;
  *status = *factor < 0 ? -2 : 0;
  for (int i = 0; i < *count && *status == 0; i++)
    output[i] = data[i] * *factor;
}

/* ---- Kernels whose types are the contracts'. */

FUNCTION (float, dot, (int64_t n, const float *x, int64_t incx, const float *y, int64_t incy))
{
  float sum = 0;
  for (int64_t i = 0; i < n; i++)
    sum += x[i * incx] * y[i * incy];
  return sum;
}

FUNCTION (void, axpy, (int64_t n, double alpha, const double *x, int64_t incx, double *y,
                       int64_t incy))
{
  for (int64_t i = 0; i < n; i++)
    y[i * incy] += alpha * x[i * incx];
}

/* Right results, with a step for x that it does not look at. */
FUNCTION (void, axpy_dense, (int64_t n, double alpha, const double *x, int64_t incx, double *y,
                             int64_t incy))
{
  (void)incx;
  axpy (n, alpha, x, 1, y, incy);
}

/* ---- gemm. */

FUNCTION (void, gemm, (int32_t transpose_a, int32_t transpose_b, int64_t m, int64_t n, int64_t k,
                       float alpha, const float *a, int64_t lda, const float *b, int64_t ldb,
                       float beta, float *c, int64_t ldc))
{
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      float sum = 0;
      for (int64_t l = 0; l < k; l++)
        sum += (transpose_a ? a[l * lda + i] : a[i * lda + l])
               * (transpose_b ? b[j * ldb + l] : b[l * ldb + j]);
      c[i * ldc + j] = alpha * sum + (beta == 0.0f ? 0 : beta * c[i * ldc + j]);
    }
}

/* How often gemm_narrow was called: a refused call must not arrive. */
PUBLIC int gemm_narrow_calls;
int gemm_narrow_calls;

/* Like the libraries that people have: other numbers for the transposes, and int for sizes. */
FUNCTION (int, gemm_narrow, (int order, int transpose_a, int transpose_b, int m, int n, int k,
                             float alpha, const float *a, int lda, const float *b, int ldb,
                             float beta, float *c, int ldc))
{
  gemm_narrow_calls++;
  if (order != 101 || transpose_a < 111 || transpose_a > 112 || transpose_b < 111
      || transpose_b > 112)
    return 1;
  gemm (transpose_a == 112, transpose_b == 112, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  return 0;
}

FUNCTION (void, gemm_padding, (int32_t transpose_a, int32_t transpose_b, int64_t m, int64_t n,
                               int64_t k, float alpha, const float *a, int64_t lda,
                               const float *b, int64_t ldb, float beta, float *c, int64_t ldc))
{
  gemm (transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  if (ldc > n)
    c[n] = 0;
}

/* C must not be read where beta is 0; this one multiplies it all the same. */
FUNCTION (void, gemm_reading, (int32_t transpose_a, int32_t transpose_b, int64_t m, int64_t n,
                               int64_t k, float alpha, const float *a, int64_t lda,
                               const float *b, int64_t ldb, float beta, float *c, int64_t ldc))
{
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++)
      c[i * ldc + j] *= beta;
  gemm (transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, 1, c, ldc);
}

FUNCTION (void, gemm_crashing, (int32_t transpose_a, int32_t transpose_b, int64_t m, int64_t n,
                                int64_t k, float alpha, const float *a, int64_t lda,
                                const float *b, int64_t ldb, float beta, float *c, int64_t ldc))
{
  (void)transpose_a, (void)transpose_b, (void)m, (void)n, (void)k, (void)alpha, (void)beta;
  (void)a, (void)lda, (void)b, (void)ldb, (void)c, (void)ldc;
  __builtin_trap ();
}

/* Fourteen arguments and no work: what a call costs. */
FUNCTION (void, nothing, (int order, int transpose_a, int transpose_b, int m, int n, int k,
                          float alpha, const float *a, int lda, const float *b, int ldb,
                          float beta, float *c, int ldc))
{
  (void)order, (void)transpose_a, (void)transpose_b, (void)m, (void)n, (void)k, (void)alpha;
  (void)beta, (void)a, (void)lda, (void)b, (void)ldb, (void)c, (void)ldc;
}
