/* SPDX-License-Identifier: Apache-2.0 */
/* adze/kernel.h: the contracts of numerical kernels. Tier: stable.
 *
 * A contract is a C type and what it computes. A foreign library fulfils one through a manifest
 * that permutes, fixes and casts arguments; a function whose signature equals the type is called
 * directly. Arguments are row-major; sizes and leading dimensions count elements.
 */
#ifndef ADZE_KERNEL_H
#define ADZE_KERNEL_H

#include <adze/abi.h>

ADZE_BEGIN_DECLS

/* y = f(x), one number. */
#define ADZE_KERNEL_MAP_F32 "map.f32"
typedef float (*adze_kernel_map_f32) (float x);

#define ADZE_KERNEL_MAP_F64 "map.f64"
typedef double (*adze_kernel_map_f64) (double x);

/* C = alpha op(A) op(B) + beta C; op(A) is m by k, op(B) is k by n, C is m by n. transpose_x is 0
 * or 1; A, B and C do not overlap. Where beta is 0, C is not read. */
#define ADZE_KERNEL_GEMM_F32 "gemm.f32"
typedef void (*adze_kernel_gemm_f32) (int32_t transpose_a, int32_t transpose_b, int64_t m,
                                      int64_t n, int64_t k, float alpha, const float *a,
                                      int64_t lda, const float *b, int64_t ldb, float beta,
                                      float *c, int64_t ldc);

#define ADZE_KERNEL_GEMM_F64 "gemm.f64"
typedef void (*adze_kernel_gemm_f64) (int32_t transpose_a, int32_t transpose_b, int64_t m,
                                      int64_t n, int64_t k, double alpha, const double *a,
                                      int64_t lda, const double *b, int64_t ldb, double beta,
                                      double *c, int64_t ldc);

/* y = alpha op(A) x + beta y; A is m by n as it lies, x has as many elements as op(A) has columns, y
 * as many as it has rows. Elements of x are incx apart, those of y incy, both at least 1. A, x and y
 * do not overlap. Where beta is 0, y is not read. */
#define ADZE_KERNEL_GEMV_F32 "gemv.f32"
typedef void (*adze_kernel_gemv_f32) (int32_t transpose_a, int64_t m, int64_t n, float alpha,
                                      const float *a, int64_t lda, const float *x, int64_t incx,
                                      float beta, float *y, int64_t incy);

#define ADZE_KERNEL_GEMV_F64 "gemv.f64"
typedef void (*adze_kernel_gemv_f64) (int32_t transpose_a, int64_t m, int64_t n, double alpha,
                                      const double *a, int64_t lda, const double *x, int64_t incx,
                                      double beta, double *y, int64_t incy);

/* y = alpha x + y, of n elements. */
#define ADZE_KERNEL_AXPY_F32 "axpy.f32"
typedef void (*adze_kernel_axpy_f32) (int64_t n, float alpha, const float *x, int64_t incx,
                                      float *y, int64_t incy);

#define ADZE_KERNEL_AXPY_F64 "axpy.f64"
typedef void (*adze_kernel_axpy_f64) (int64_t n, double alpha, const double *x, int64_t incx,
                                      double *y, int64_t incy);

/* The sum of x[i] y[i], of n elements. */
#define ADZE_KERNEL_DOT_F32 "dot.f32"
typedef float (*adze_kernel_dot_f32) (int64_t n, const float *x, int64_t incx, const float *y,
                                      int64_t incy);

#define ADZE_KERNEL_DOT_F64 "dot.f64"
typedef double (*adze_kernel_dot_f64) (int64_t n, const double *x, int64_t incx, const double *y,
                                       int64_t incy);

/* A = U diag(S) V; A is m by n, U is m by r, V is r by n, S has the r = min(m, n) singular values,
 * the largest first. The columns of U and the rows of V are orthonormal. A is overwritten. WORK has
 * room for WORK_COUNT elements, WHOLES for 8 r whole numbers of 64 bits; WORK_COUNT is at least
 * 4 r r + 7 r + 2 max(m, n), and more makes it faster. Returns 0, or anything else where it did not
 * converge. */
#define ADZE_KERNEL_SVD_F32 "svd.f32"
typedef int32_t (*adze_kernel_svd_f32) (int64_t m, int64_t n, float *a, int64_t lda, float *s,
                                        float *u, int64_t ldu, float *v, int64_t ldv, float *work,
                                        int64_t work_count, void *wholes);

#define ADZE_KERNEL_SVD_F64 "svd.f64"
typedef int32_t (*adze_kernel_svd_f64) (int64_t m, int64_t n, double *a, int64_t lda, double *s,
                                        double *u, int64_t ldu, double *v, int64_t ldv,
                                        double *work, int64_t work_count, void *wholes);

ADZE_END_DECLS

#endif
