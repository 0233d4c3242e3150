/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/kernels.c: the contracts, called: through their own types where the function has
 * the same, else through the binding. */
#include "plugin/foreign/call.h"

bool
adze_kernel_direct (const adze_kernel *kernel)
{
  return kernel->direct;
}

static bool
is_single (const adze_kernel *kernel)
{
  return kernel->function->element->size == sizeof (float);
}

/* A slot has no room for const; the contract says what is only read. */
static adze_slot
read_only (const void *from)
{
  union {
    const void *from;
    void *to;
  } pointer = { .from = from };
  return (adze_slot){ .pointer = pointer.to };
}

adze_error *
adze_kernel_gemm (const adze_kernel *kernel, int32_t transpose_a, int32_t transpose_b, int64_t m,
                  int64_t n, int64_t k, double alpha, const void *a, int64_t lda, const void *b,
                  int64_t ldb, double beta, void *c, int64_t ldc)
{
  if (kernel->direct && is_single (kernel)) {
    ((adze_kernel_gemm_f32)kernel->address) (transpose_a, transpose_b, m, n, k, (float)alpha, a,
                                             lda, b, ldb, (float)beta, c, ldc);
    return NULL;
  }
  if (kernel->direct) {
    ((adze_kernel_gemm_f64)kernel->address) (transpose_a, transpose_b, m, n, k, alpha, a, lda, b,
                                             ldb, beta, c, ldc);
    return NULL;
  }
  const adze_slot slots[] = {
    { .integer = transpose_a }, { .integer = transpose_b }, { .integer = m },
    { .integer = n },           { .integer = k },           { .real = alpha },
    read_only (a),              { .integer = lda },         read_only (b),
    { .integer = ldb },         { .real = beta },           { .pointer = c },
    { .integer = ldc },
  };
  return adze_kernel_call (kernel, slots, NULL);
}

adze_error *
adze_kernel_gemv (const adze_kernel *kernel, int32_t transpose_a, int64_t m, int64_t n,
                  double alpha, const void *a, int64_t lda, const void *x, int64_t incx,
                  double beta, void *y, int64_t incy)
{
  if (kernel->direct && is_single (kernel)) {
    ((adze_kernel_gemv_f32)kernel->address) (transpose_a, m, n, (float)alpha, a, lda, x, incx,
                                             (float)beta, y, incy);
    return NULL;
  }
  if (kernel->direct) {
    ((adze_kernel_gemv_f64)kernel->address) (transpose_a, m, n, alpha, a, lda, x, incx, beta, y,
                                             incy);
    return NULL;
  }
  const adze_slot slots[] = {
    { .integer = transpose_a }, { .integer = m }, { .integer = n },    { .real = alpha },
    read_only (a),              { .integer = lda }, read_only (x),     { .integer = incx },
    { .real = beta },           { .pointer = y }, { .integer = incy },
  };
  return adze_kernel_call (kernel, slots, NULL);
}

adze_error *
adze_kernel_axpy (const adze_kernel *kernel, int64_t n, double alpha, const void *x, int64_t incx,
                  void *y, int64_t incy)
{
  if (kernel->direct && is_single (kernel)) {
    ((adze_kernel_axpy_f32)kernel->address) (n, (float)alpha, x, incx, y, incy);
    return NULL;
  }
  if (kernel->direct) {
    ((adze_kernel_axpy_f64)kernel->address) (n, alpha, x, incx, y, incy);
    return NULL;
  }
  const adze_slot slots[] = {
    { .integer = n },    { .real = alpha },  read_only (x),
    { .integer = incx }, { .pointer = y }, { .integer = incy },
  };
  return adze_kernel_call (kernel, slots, NULL);
}

adze_error *
adze_kernel_dot (const adze_kernel *kernel, int64_t n, const void *x, int64_t incx, const void *y,
                 int64_t incy, double *result)
{
  if (kernel->direct) {
    *result = is_single (kernel)
                  ? (double)((adze_kernel_dot_f32)kernel->address) (n, x, incx, y, incy)
                  : ((adze_kernel_dot_f64)kernel->address) (n, x, incx, y, incy);
    return NULL;
  }
  const adze_slot slots[] = {
    { .integer = n }, read_only (x), { .integer = incx }, read_only (y), { .integer = incy },
  };
  return adze_kernel_call (kernel, slots, result);
}

/* ---- svd. */

static adze_error *
svd_call (const adze_kernel *kernel, adze_slot *slots)
{
  if (!kernel->direct)
    return adze_kernel_call (kernel, slots, NULL);
  int32_t answer
      = is_single (kernel)
            ? ((adze_kernel_svd_f32)kernel->address) (
                  slots[0].integer, slots[1].integer, slots[2].pointer, slots[3].integer,
                  slots[4].pointer, slots[5].pointer, slots[6].integer, slots[7].pointer,
                  slots[8].integer, slots[9].pointer, slots[10].integer, slots[11].pointer)
            : ((adze_kernel_svd_f64)kernel->address) (
                  slots[0].integer, slots[1].integer, slots[2].pointer, slots[3].integer,
                  slots[4].pointer, slots[5].pointer, slots[6].integer, slots[7].pointer,
                  slots[8].integer, slots[9].pointer, slots[10].integer, slots[11].pointer);
  return answer == 0 ? NULL
                     : adze_error_new (ADZE_E_UNSUPPORTED, "%s returned %d, where 0 means success",
                                       kernel->function->symbol, answer);
}

/* So wide that LAPACK works on blocks of its usual 32 to 64 columns. */
#define BLOCK 64

adze_error *
adze_kernel_svd (const adze_kernel *kernel, int64_t m, int64_t n, void *a, int64_t lda, void *s,
                 void *u, int64_t ldu, void *v, int64_t ldv)
{
  int64_t small = m < n ? m : n, large = m < n ? n : m, squares = 0, count = 0;
  if (m < 1 || n < 1)
    return adze_error_new (ADZE_E_CONTRACT, "a matrix of %lld by %lld has no singular values",
                           (long long)m, (long long)n);
  if (__builtin_mul_overflow (small, small * 4 + 7, &squares)
      || __builtin_mul_overflow (small + large, BLOCK, &count)
      || __builtin_add_overflow (count, squares, &count) || count > INT64_MAX / 8)
    return adze_error_memory ();
  ADZE_AUTO_FREE void *work = malloc ((size_t)count * kernel->function->element->size);
  ADZE_AUTO_FREE int64_t *wholes = calloc ((size_t)small, 8 * sizeof *wholes);
  if (!work || !wholes)
    return adze_error_memory ();
  adze_slot slots[] = {
    { .integer = m },   { .integer = n },      { .pointer = a },     { .integer = lda },
    { .pointer = s },   { .pointer = u },      { .integer = ldu },   { .pointer = v },
    { .integer = ldv }, { .pointer = work },   { .integer = count }, { .pointer = wholes },
  };
  return svd_call (kernel, slots);
}
