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

ADZE_END_DECLS

#endif
