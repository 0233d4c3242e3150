/* SPDX-License-Identifier: Apache-2.0 */
/* quant.h: integers less their zero points, and sums of their products brought back to a byte. */
#ifndef ADZE_REF_QUANT_H
#define ADZE_REF_QUANT_H

#include "work.h"

/* Input INDEX less the zero points of input ZERO, which are one for all, or one for each of COUNT
 * parts: element I belongs to part I / INNER % COUNT. Left out: 0. */
const int32_t *ref_centred (ref_work *work, size_t index, size_t zero, int64_t inner,
                            int64_t count);

/* What a step of the sums is worth: a scale of A times one of B, each of which has one for all, or
 * one for each row or channel; and the scale and the zero point of the result. */
typedef struct ref_rescale {
  const double *a, *b;
  size_t a_count, b_count;
  double result, zero;
} ref_rescale;

/* The result for SUM, to the nearest integer, of two equally near ones the even one; not yet cut to
 * what its type holds. */
double ref_rescaled (const ref_rescale *scale, int64_t sum, size_t a, size_t b);

/* qconv.c */
adze_status ref_conv_integer (ref_call *call);
adze_status ref_qlinear_conv (ref_call *call);
/* qmatmul.c */
adze_status ref_matmul_integer (ref_call *call);
adze_status ref_qlinear_matmul (ref_call *call);

#endif
