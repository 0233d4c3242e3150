/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/product.c: products of a graph as products that a BLAS knows. */
#include <string.h>

#include "plugin/foreign/product.h"

/* C = alpha op(A) op(B) + beta C; rows lie one behind the other, without padding. */
typedef struct matrices {
  const adze_product *product;
  int64_t m, n, k;
  const void *a, *b;
  double beta;
  void *c;
} matrices;

/* A leading dimension is at least 1, whatever the size. */
static int64_t
leading (int64_t columns)
{
  return columns > 1 ? columns : 1;
}

/* ---- One product. */

static void
scale (const matrices *x)
{
  for (int64_t i = 0; i < x->m * x->n; i++)
    if (x->product->element == sizeof (float))
      ((float *)x->c)[i] = x->beta == 0 ? 0 : (float)x->beta * ((float *)x->c)[i];
    else
      ((double *)x->c)[i] = x->beta == 0 ? 0 : x->beta * ((double *)x->c)[i];
}

/* One row times one column. */
static adze_error *
dot (const matrices *x, int64_t inca, int64_t incb)
{
  double sum = 0;
  ADZE_TRY (adze_kernel_dot (x->product->kernels->dot, x->k, x->a, inca, x->b, incb, &sum));
  if (x->product->element == sizeof (float))
    *(float *)x->c = (float)sum;
  else
    *(double *)x->c = sum;
  return NULL;
}

static adze_error *
multiply (const matrices *x)
{
  const adze_product *product = x->product;
  const adze_foreign_kernels *kernels = product->kernels;
  bool ta = product->transpose_a, tb = product->transpose_b;
  int64_t lda = leading (ta ? x->m : x->k), ldb = leading (tb ? x->k : x->n);
  if (x->m == 0 || x->n == 0)
    return NULL;
  if (x->k == 0) { /* the sum of nothing; not every library expects to be asked for it */
    scale (x);
    return NULL;
  }
  if (x->m == 1 && x->n == 1 && kernels->dot && product->alpha == 1 && x->beta == 0)
    return dot (x, ta ? lda : 1, tb ? 1 : ldb);
  if (x->n == 1 && kernels->gemv)
    return adze_kernel_gemv (kernels->gemv, ta, ta ? x->k : x->m, ta ? x->m : x->k,
                             product->alpha, x->a, lda, x->b, tb ? 1 : ldb, x->beta, x->c, 1);
  /* A row times a matrix is the turned matrix times the row. */
  if (x->m == 1 && kernels->gemv)
    return adze_kernel_gemv (kernels->gemv, !tb, tb ? x->n : x->k, tb ? x->k : x->n,
                             product->alpha, x->b, ldb, x->a, ta ? lda : 1, x->beta, x->c, 1);
  return adze_kernel_gemm (kernels->gemm, ta, tb, x->m, x->n, x->k, product->alpha, x->a, lda,
                           x->b, ldb, x->beta, x->c, leading (x->n));
}

/* ---- Gemm. */

/* C of the operator, spread over the output: what the library then adds to. */
static void
spread (const adze_view *c, size_t element, int64_t m, int64_t n, char *output)
{
  int64_t rows = c->rank > 1 ? c->shape[0] : 1;
  int64_t columns = c->rank > 0 ? c->shape[c->rank - 1] : 1;
  size_t width = (size_t)n * element;
  for (int64_t row = 0; row < m; row++, output += width) {
    const char *from = (const char *)adze_view_data (c)
                       + (size_t)((rows == 1 ? 0 : row) * columns) * element;
    if (columns == n)
      memcpy (output, from, width);
    else
      for (int64_t column = 0; column < n; column++)
        memcpy (output + (size_t)column * element, from, element);
  }
}

static adze_error *
sizes_differ (int64_t a, int64_t b)
{
  return adze_error_new (ADZE_E_FORMAT,
                         "the inner dimensions are %lld and %lld; they must be the same",
                         (long long)a, (long long)b);
}

static adze_error *
gemm_execute (const adze_product *product, const adze_view *a, const adze_view *b,
              const adze_view *c, const adze_view *output)
{
  matrices x = { .product = product,
                 .m = output->shape[0],
                 .n = output->shape[1],
                 .k = a->shape[!product->transpose_a],
                 .a = adze_view_data (a),
                 .b = adze_view_data (b),
                 .beta = c ? product->beta : 0,
                 .c = adze_view_data (output) };
  int64_t inner = b->shape[product->transpose_b];
  if (inner != x.k)
    return sizes_differ (x.k, inner);
  if (x.beta != 0)
    spread (c, product->element, x.m, x.n, x.c);
  return multiply (&x);
}

/* ---- MatMul. */

/* How many matrices there are, one behind the other. */
static int64_t
batches_of (const adze_view *view)
{
  int64_t count = 1;
  for (int32_t i = 0; i + 2 < view->rank; i++)
    count *= view->shape[i];
  return count;
}

/* Which of VIEW's matrices goes into the one with number BATCH of the output, whose batch
 * dimensions are the COUNT ones in SHAPE: they are aligned at the end, and one of size 1 is
 * repeated. */
static int64_t
batch_at (const adze_view *view, const int64_t *shape, int32_t count, int64_t batch)
{
  int64_t at = 0, step = 1;
  int32_t own = view->rank > 2 ? view->rank - 2 : 0;
  for (int32_t i = 1; i <= count; i++) {
    int64_t index = batch % shape[count - i];
    batch /= shape[count - i];
    if (i > own)
      break;
    int64_t size = view->shape[own - i];
    at += size == 1 ? 0 : index * step;
    step *= size;
  }
  return at;
}

static adze_error *
mat_mul_execute (const adze_product *product, const adze_view *a, const adze_view *b,
                 const adze_view *output)
{
  size_t element = product->element;
  matrices x = { .product = product,
                 .m = a->rank > 1 ? a->shape[a->rank - 2] : 1,
                 .n = b->rank > 1 ? b->shape[b->rank - 1] : 1,
                 .k = a->shape[a->rank - 1] };
  int64_t inner = b->shape[b->rank > 1 ? b->rank - 2 : 0];
  if (inner != x.k)
    return sizes_differ (x.k, inner);
  int32_t batch_rank = (a->rank > b->rank ? a->rank : b->rank) - 2;
  int64_t batches = 1;
  for (int32_t i = 0; i < batch_rank; i++)
    batches *= output->shape[i];
  /* The same B for all: their rows lie one behind the other, and make one matrix. */
  if (batches_of (b) == 1 && batches_of (a) == batches) {
    x.m *= batches;
    batches = 1;
    batch_rank = 0;
  }
  for (int64_t i = 0; i < batches; i++) {
    x.a = (const char *)adze_view_data (a)
          + (size_t)(batch_at (a, output->shape, batch_rank, i) * x.m * x.k) * element;
    x.b = (const char *)adze_view_data (b)
          + (size_t)(batch_at (b, output->shape, batch_rank, i) * x.k * x.n) * element;
    x.c = (char *)adze_view_data (output) + (size_t)(i * x.m * x.n) * element;
    ADZE_TRY (multiply (&x));
  }
  return NULL;
}

adze_error *
adze_product_execute (const adze_product *product, const adze_view *a, const adze_view *b,
                      const adze_view *c, const adze_view *output)
{
  return product->is_gemm ? gemm_execute (product, a, b, c, output)
                          : mat_mul_execute (product, a, b, output);
}
