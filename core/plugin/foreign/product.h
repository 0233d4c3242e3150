/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/product.h: MatMul and Gemm as calls of kernels. Private to backend.c and
 * product.c, and written with the SDK's words for graphs alone. */
#ifndef ADZE_PLUGIN_FOREIGN_PRODUCT_H
#define ADZE_PLUGIN_FOREIGN_PRODUCT_H

#include "plugin/foreign/call.h"

/* A node that was compiled: what does not change from one execution to the next. */
typedef struct adze_product {
  const adze_foreign_kernels *kernels;
  bool is_gemm; /* and else a MatMul */
  bool transpose_a, transpose_b;
  double alpha, beta;
  size_t element; /* bytes */
} adze_product;

/* C may be NULL. Sizes come from the views: the program takes any. */
ADZE_MUST_CHECK adze_error *adze_product_execute (const adze_product *product, const adze_view *a,
                                                  const adze_view *b, const adze_view *c,
                                                  const adze_view *output);

#endif
