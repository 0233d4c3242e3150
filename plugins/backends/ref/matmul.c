/* SPDX-License-Identifier: Apache-2.0 */
/* matmul.c: products of matrices, and determinants. Each number of a result is a sum in the order
 * of the inner dimension, in the numbers' own type; integers wrap round. */
#include <math.h>

#include "ref.h"

/* A, with any strides, by B, whose columns lie side by side. */
typedef struct product {
  const char *a, *b; /* of the first matrix */
  char *c;
  size_t rows, inner, columns; /* of one product */
  size_t a_row, a_column;      /* strides of A, in elements */
  const size_t *a_at, *b_at;   /* where the matrices of each product begin, in elements */
  ref_type type;
} product;

/* Columns of one piece of work: what is summed up stays in the processor meanwhile. */
enum { COLUMNS = 256 };

/* C gets rows of A by B: in the inner loop no sum depends on another. */
#define PRODUCT(name, type) \
  static void name (const product *p, const type *a, const type *b, type *c, size_t columns) \
  { \
    for (size_t j = 0; j < columns; j++) \
      c[j] = 0; \
    for (size_t k = 0; k < p->inner; k++) { \
      type factor = a[k * p->a_column]; \
      const type *row = b + k * p->columns; \
      for (size_t j = 0; j < columns; j++) \
        c[j] += factor * row[j]; \
    } \
  }
PRODUCT (product_f32, float)
PRODUCT (product_f64, double)
/* The lower half of the product of two whole numbers is the same with and without sign. */
PRODUCT (product_u32, uint32_t)
PRODUCT (product_u64, uint64_t)

static size_t
blocks_of (const product *p)
{
  return (p->columns + COLUMNS - 1) / COLUMNS;
}

static adze_status
product_piece (void *argument, size_t first, size_t last)
{
  const product *p = argument;
  size_t blocks = blocks_of (p);
  for (size_t i = first; i < last; i++) {
    size_t column = i % blocks * COLUMNS, row = i / blocks;
    size_t matrix = row / p->rows;
    size_t columns = p->columns - column < COLUMNS ? p->columns - column : COLUMNS;
    size_t a = p->a_at[matrix] + row % p->rows * p->a_row, b = p->b_at[matrix] + column;
    size_t c = row * p->columns + column;
    if (p->type == REF_F32)
      product_f32 (p, (const float *)p->a + a, (const float *)p->b + b, (float *)p->c + c, columns);
    else if (p->type == REF_F64)
      product_f64 (p, (const double *)p->a + a, (const double *)p->b + b, (double *)p->c + c,
                   columns);
    else if (p->type == REF_I32 || p->type == REF_U32)
      product_u32 (p, (const uint32_t *)p->a + a, (const uint32_t *)p->b + b, (uint32_t *)p->c + c,
                   columns);
    else
      product_u64 (p, (const uint64_t *)p->a + a, (const uint64_t *)p->b + b, (uint64_t *)p->c + c,
                   columns);
  }
  return ADZE_OK;
}

static adze_status
multiply (ref_call *call, product *p, size_t matrices)
{
  size_t columns = p->columns < COLUMNS ? p->columns : COLUMNS;
  return adze_parallel_for (call->host, matrices * p->rows * blocks_of (p),
                            ref_grain (p->inner * columns), product_piece, p);
}

/* ---- MatMul. */

/* Where in VIEW matrix number INDEX of the output begins, whose outer dimensions are those of OUT
 * with RANK of them. */
static size_t
matrix_at (const adze_view *view, int32_t outer, const adze_view *out, int32_t rank, size_t index)
{
  size_t at = 0, reach = ref_product (view, outer, view->rank);
  for (int32_t d = rank, own = outer; d-- > 0;) {
    size_t place = index % (size_t)out->shape[d];
    index /= (size_t)out->shape[d];
    if (own-- <= 0)
      continue;
    if (view->shape[own] != 1)
      at += place * reach;
    reach *= (size_t)view->shape[own];
  }
  return at;
}

static adze_status
check_outer (const ref_call *call, size_t index, int32_t outer, const adze_view *out, int32_t rank)
{
  const adze_view *in = call->inputs[index];
  bool fits = outer <= rank;
  for (int32_t d = 0; fits && d < outer; d++)
    fits = in->shape[d] == 1 || in->shape[d] == out->shape[rank - outer + d];
  return fits ? ADZE_OK
              : ref_refuse (call, ADZE_E_FORMAT,
                            "the outer dimensions of input %zu do not fit those of the other",
                            index);
}

static adze_status
matmul_run (ref_call *call)
{
  adze_status status = ref_check_same_type (call, 2);
  if (status != ADZE_OK)
    return status;
  const adze_view *a = call->inputs[0], *b = ref_in (call, 1);
  adze_view *out = ref_out (call, 0);
  if (!b || a->rank < 1 || b->rank < 1)
    return ref_refuse (call, ADZE_E_FORMAT, "each input needs at least one dimension");
  if (!out)
    return ADZE_OK;
  /* A vector is a row on the left, a column on the right; the output has no dimension for it. */
  bool row = a->rank == 1, column = b->rank == 1;
  int32_t a_outer = row ? 0 : a->rank - 2, b_outer = column ? 0 : b->rank - 2;
  int32_t outer = out->rank - !row - !column;
  product p = { .a = adze_view_data (a),
                .b = adze_view_data (b),
                .c = adze_view_data (out),
                .rows = row ? 1 : (size_t)a->shape[a->rank - 2],
                .inner = (size_t)a->shape[a->rank - 1],
                .columns = column ? 1 : (size_t)b->shape[b->rank - 1],
                .a_column = 1,
                .type = ref_view_type (a) };
  p.a_row = p.inner;
  size_t b_inner = (size_t)b->shape[column ? 0 : b->rank - 2];
  if (b_inner != p.inner)
    return ref_refuse (call, ADZE_E_FORMAT,
                       "the inner dimensions are %zu and %zu; they must be the same",
                       p.inner, b_inner);
  for (size_t i = 0; i < 2 && status == ADZE_OK; i++)
    status = check_outer (call, i, i ? b_outer : a_outer, out, outer);
  if (status != ADZE_OK || adze_view_count (out) == 0)
    return status;
  size_t matrices = ref_product (out, 0, outer);
  if (matrices * p.rows * p.columns != adze_view_count (out))
    return ref_refuse (call, ADZE_E_CONTRACT, "the output does not have the shape of the product");
  size_t *a_at = ref_take (call, matrices, sizeof *a_at);
  size_t *b_at = ref_take (call, matrices, sizeof *b_at);
  if (!a_at || !b_at)
    return ref_no_memory (call);
  for (size_t i = 0; i < matrices; i++) {
    a_at[i] = matrix_at (a, a_outer, out, outer, i);
    b_at[i] = matrix_at (b, b_outer, out, outer, i);
  }
  p.a_at = a_at;
  p.b_at = b_at;
  return multiply (call, &p, matrices);
}

/* ---- Gemm. */

/* B with rows and columns exchanged. */
static void *
transposed (ref_call *call, const adze_view *b)
{
  size_t rows = (size_t)b->shape[0], columns = (size_t)b->shape[1], size = ref_size_of (b->dtype);
  const char *from = adze_view_data (b);
  char *into = ref_take (call, rows * columns, size);
  for (size_t i = 0; into && i < rows; i++)
    for (size_t j = 0; j < columns; j++)
      memcpy (into + (j * rows + i) * size, from + (i * columns + j) * size, size);
  return into;
}

#define SCALE(name, type, factor_type) \
  static void name (type *out, const type *c, size_t rows, size_t columns, const size_t *stride, \
                    factor_type alpha, factor_type beta) \
  { \
    for (size_t i = 0; i < rows; i++) \
      for (size_t j = 0; j < columns; j++) { \
        type sum = out[i * columns + j] * alpha; \
        out[i * columns + j] = c ? sum + c[i * stride[0] + j * stride[1]] * beta : sum; \
      } \
  }
SCALE (scale_f32, float, float)
SCALE (scale_f64, double, double)
SCALE (scale_u32, uint32_t, uint32_t)
SCALE (scale_u64, uint64_t, uint64_t)

/* The product by alpha, plus C by beta, C stretched to it. */
static adze_status
add_scaled (ref_call *call, adze_view *out)
{
  const adze_view *c = ref_in (call, 2);
  size_t rows = (size_t)out->shape[0], columns = (size_t)out->shape[1], stride[2] = { 0, 0 };
  float alpha = adze_node_float (call->node, "alpha", 1);
  float beta = adze_node_float (call->node, "beta", 1);
  size_t reach = 1;
  for (int32_t d = c ? c->rank : 0; d-- > 0;) {
    int32_t place = d + 2 - c->rank;
    if (place < 0 || (c->shape[d] != 1 && c->shape[d] != out->shape[place]))
      return ref_refuse (call, ADZE_E_FORMAT, "input 2 cannot be stretched to %zu by %zu", rows,
                         columns);
    stride[place] = c->shape[d] == 1 ? 0 : reach;
    reach *= (size_t)c->shape[d];
  }
  const void *data = c ? adze_view_data (c) : NULL;
  void *into = adze_view_data (out);
  ref_type type = ref_view_type (out);
  if (type == REF_F32)
    scale_f32 (into, data, rows, columns, stride, alpha, beta);
  else if (type == REF_F64)
    scale_f64 (into, data, rows, columns, stride, alpha, beta);
  else if (type == REF_I32 || type == REF_U32)
    scale_u32 (into, data, rows, columns, stride, (uint32_t)(int64_t)alpha,
               (uint32_t)(int64_t)beta);
  else
    scale_u64 (into, data, rows, columns, stride, (uint64_t)(int64_t)alpha,
               (uint64_t)(int64_t)beta);
  return ADZE_OK;
}

static adze_status
gemm_run (ref_call *call)
{
  adze_status status = ref_check_same_type (call, 3);
  adze_view *out = ref_out (call, 0);
  if (status != ADZE_OK || !out)
    return status;
  const adze_view *a = call->inputs[0], *b = ref_in (call, 1);
  if (!b || a->rank != 2 || b->rank != 2 || out->rank != 2)
    return ref_refuse (call, ADZE_E_FORMAT, "inputs 0 and 1 must be matrices");
  bool a_turned = adze_node_int (call->node, "transA", 0) != 0;
  bool b_turned = adze_node_int (call->node, "transB", 0) != 0;
  product p = { .a = adze_view_data (a),
                .b = b_turned ? transposed (call, b) : adze_view_data (b),
                .c = adze_view_data (out),
                .rows = (size_t)a->shape[a_turned],
                .inner = (size_t)a->shape[!a_turned],
                .columns = (size_t)b->shape[!b_turned],
                .a_row = a_turned ? 1 : (size_t)a->shape[1],
                .a_column = a_turned ? (size_t)a->shape[1] : 1,
                .a_at = &(size_t){ 0 },
                .b_at = &(size_t){ 0 },
                .type = ref_view_type (a) };
  if ((size_t)b->shape[b_turned] != p.inner)
    return ref_refuse (call, ADZE_E_FORMAT, "the inner dimensions are %zu and %lld; they must be "
                       "the same", p.inner, (long long)b->shape[b_turned]);
  if ((size_t)out->shape[0] != p.rows || (size_t)out->shape[1] != p.columns)
    return ref_refuse (call, ADZE_E_CONTRACT, "the output does not have the shape of the product");
  if (b_turned && !p.b)
    return ref_no_memory (call);
  if (p.rows == 0 || p.columns == 0)
    return ADZE_OK;
  status = multiply (call, &p, 1);
  return status == ADZE_OK ? add_scaled (call, out) : status;
}

/* Of whole numbers only whole multiples. */
static bool
factors_fit (const ref_question *question)
{
  float alpha = adze_node_float (question->node, "alpha", 1);
  float beta = adze_node_float (question->node, "beta", 1);
  bool whole = alpha == rintf (alpha) && beta == rintf (beta) && fabsf (alpha) < 0x1p62f
               && fabsf (beta) < 0x1p62f;
  return whole || ref_asked_type (question, 0, REF_FLOATS | REF_HALVES);
}

/* ---- Det. */

/* By elimination with the largest pivot of each column; M is used up. */
static double
determinant (double *m, size_t size)
{
  double result = 1;
  for (size_t k = 0; k < size; k++) {
    size_t pivot = k;
    for (size_t i = k + 1; i < size; i++)
      if (fabs (m[i * size + k]) > fabs (m[pivot * size + k]))
        pivot = i;
    if (m[pivot * size + k] == 0)
      return 0;
    for (size_t j = 0; pivot != k && j < size; j++) {
      double other = m[k * size + j];
      m[k * size + j] = m[pivot * size + j];
      m[pivot * size + j] = other;
    }
    result *= (pivot == k ? 1 : -1) * m[k * size + k];
    for (size_t i = k + 1; i < size; i++) {
      double factor = m[i * size + k] / m[k * size + k];
      for (size_t j = k; j < size; j++)
        m[i * size + j] -= factor * m[k * size + j];
    }
  }
  return result;
}

static adze_status
det_run (ref_call *call)
{
  const adze_view *in = ref_in (call, 0);
  adze_view *out = ref_out (call, 0);
  if (!in || in->rank < 2 || in->shape[in->rank - 1] != in->shape[in->rank - 2])
    return ref_refuse (call, ADZE_E_FORMAT, "the last two dimensions must be there, and the same");
  size_t size = (size_t)in->shape[in->rank - 1], count = ref_product (in, 0, in->rank - 2);
  if (!out)
    return ADZE_OK;
  if (adze_view_count (out) != count)
    return ref_refuse (call, ADZE_E_CONTRACT, "%zu determinants have room for %zu", count,
                       adze_view_count (out));
  double *matrix = ref_take (call, size * size, sizeof *matrix);
  if (!matrix)
    return ref_no_memory (call);
  const char *from = adze_view_data (in);
  for (size_t i = 0; i < count; i++) {
    adze_doubles_read (in->dtype, from + i * size * size * ref_size_of (in->dtype), size * size,
                       matrix);
    double number = determinant (matrix, size);
    if (out->dtype.bits == 64)
      ((double *)adze_view_data (out))[i] = number;
    else
      ((float *)adze_view_data (out))[i] = (float)number;
  }
  return ADZE_OK;
}

#define PRODUCT_TYPES \
  (REF_FLOATS | REF_SET (REF_I32) | REF_SET (REF_I64) | REF_SET (REF_U32) | REF_SET (REF_U64))

const ref_kernel ref_kernels_matmul[] = {
  { "", "Det", REF_FLOATS, true, NULL, det_run },
  { "", "Gemm", PRODUCT_TYPES, true, factors_fit, gemm_run },
  { "", "MatMul", PRODUCT_TYPES, true, NULL, matmul_run },
  { .op = NULL },
};
