/* SPDX-License-Identifier: Apache-2.0 */
/* A tensor as a matrix, and its factors: each has the roots of the singular values, so that both are of one size
 * and codes of either lose alike. */
#include "low-rank.h"

#include <math.h>

/* ---- In. */

static adze_status
check_plain (const adze_host *host, const low_rank_entry *entry, const adze_tensor *input)
{
  const adze_view *view = &input->view;
  if (entry && !input->codec && adze_dtype_same (view->dtype, entry->dtype)
      && adze_view_is (view, (adze_dtype_code)view->dtype.code, view->dtype.bits)
      && adze_view_count (view) == entry->rows * entry->columns)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_UNSUPPORTED, "tensor '%s' is not what was described: floats without gaps",
                    input->name);
}

static adze_status
check_finite (const adze_host *host, const adze_tensor *input)
{
  adze_dtype dtype = input->view.dtype;
  const char *data = (const char *)adze_view_data (&input->view);
  size_t count = adze_view_count (&input->view), size = dtype.bits / 8, at = 0;
  double number;
  if (adze_numbers_are_finite (dtype, data, count))
    return ADZE_OK;
  while (adze_numbers_are_finite (dtype, data + at * size, 1))
    at++;
  adze_doubles_read (dtype, data + at * size, 1, &number);
  return adze_fail (host, ADZE_E_UNSUPPORTED,
                    "tensor '%s': element %zu is %s, and a matrix with it has no singular values; mend the "
                    "model, or leave the tensor out by a rule with skip = true",
                    input->name, at, adze_double_is_nan (number) ? "NaN" : "infinite");
}

/* Squares of numbers of float64 may be none: a power of two takes the largest to about 1, and changes no digit. */
static int
bring_near_one (matrix *m)
{
  double most = 0;
  int exponent = 0;
  size_t count = m->rows * m->columns;
  for (size_t i = 0; i < count; i++)
    most = fabs (m->at[i]) > most ? fabs (m->at[i]) : most;
  frexp (most, &exponent);
  for (size_t i = 0; exponent != 0 && i < count; i++)
    m->at[i] = ldexp (m->at[i], -exponent);
  return exponent;
}

adze_status
low_rank_read (const adze_host *host, const low_rank_entry *entry, const adze_tensor *input, matrix *m,
               int *exponent)
{
  adze_status status = check_plain (host, entry, input);
  if (status == ADZE_OK)
    status = check_finite (host, input);
  if (status == ADZE_OK)
    status = matrix_new (host, entry->rows, entry->columns, m);
  if (status != ADZE_OK)
    return status;
  adze_doubles_read (entry->dtype, adze_view_data (&input->view), entry->rows * entry->columns, m->at);
  *exponent = bring_near_one (m);
  return ADZE_OK;
}

/* ---- Factors. */

typedef struct factors {
  double *values;
  matrix left, right; /* vectors as rows */
} factors;

static void
factors_end (const adze_host *host, factors *f)
{
  if (f->values)
    host->release (host, f->values);
  matrix_free (host, &f->left);
  matrix_free (host, &f->right);
}

/* Those of what the basis catches, and from there back to all rows. */
static adze_status
factor_caught (const adze_host *host, const low_rank_entry *entry, const matrix *wide, factors *f)
{
  matrix turned = { 0 }, basis = { 0 }, caught = { 0 }, inner = { 0 };
  adze_status status = matrix_turn (host, wide, &turned);
  if (status == ADZE_OK)
    status = matrix_sketch (host, entry->name, wide, &turned, entry->width, entry->steps, &basis);
  if (status == ADZE_OK)
    status = matrix_multiply (host, &basis, entry->width, wide, &caught);
  if (status == ADZE_OK)
    status = matrix_svd (host, &caught, entry->decided, f->values, &inner, &f->right);
  if (status == ADZE_OK)
    status = matrix_multiply (host, &inner, entry->decided, &basis, &f->left);
  matrix_free (host, &turned);
  matrix_free (host, &basis);
  matrix_free (host, &caught);
  matrix_free (host, &inner);
  return status;
}

/* M is turned where it is tall, and then so are its factors. */
static adze_status
factor (const adze_host *host, const low_rank_entry *entry, const matrix *m, factors *f)
{
  bool tall = m->rows > m->columns;
  matrix turned = { 0 };
  adze_status status = tall ? matrix_turn (host, m, &turned) : ADZE_OK;
  const matrix *wide = tall ? &turned : m;
  f->values = (double *)host->allocate (host, entry->decided * sizeof *f->values);
  if (status == ADZE_OK && !f->values)
    status = adze_fail (host, ADZE_E_MEMORY, "no room for %zu singular values", entry->decided);
  if (status == ADZE_OK)
    status = entry->randomised ? factor_caught (host, entry, wide, f)
                               : matrix_svd (host, wide, entry->decided, f->values, &f->left, &f->right);
  if (tall) {
    matrix left = f->left;
    f->left = f->right;
    f->right = left;
  }
  matrix_free (host, &turned);
  return status;
}

/* ---- Out. */

static void
store (adze_dtype dtype, double number, void *out, size_t at)
{
  if (dtype.bits == 64)
    ((double *)out)[at] = number;
  else if (dtype.bits == 32)
    ((float *)out)[at] = adze_float_from_double (number);
  else
    ((uint16_t *)out)[at]
        = dtype.code == ADZE_BFLOAT ? adze_bfloat_from_double (number) : adze_half_from_double (number);
}

/* U has the left vectors as columns, V the right ones as rows. */
static void
write_factors (const low_rank_entry *entry, const factors *f, int exponent, void *u, void *v)
{
  size_t rank = entry->decided;
  int half = exponent / 2;
  for (size_t i = 0; i < rank; i++) {
    double root = sqrt (f->values[i]);
    for (size_t k = 0; k < entry->rows; k++)
      store (entry->dtype, ldexp (matrix_row (&f->left, i)[k] * root, exponent - half), u, k * rank + i);
    for (size_t k = 0; k < entry->columns; k++)
      store (entry->dtype, ldexp (matrix_row (&f->right, i)[k] * root, half), v, i * entry->columns + k);
  }
}

adze_status
low_rank_apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  const low_rank_entry *entry = low_rank_entry_of ((const low_rank *)instance, input->name);
  adze_view u, v;
  matrix m = { 0 };
  factors f = { 0 };
  int exponent;
  adze_status status = low_rank_read (host, entry, input, &m, &exponent);
  if (status == ADZE_OK)
    status = adze_call_of (host)->output_at (host, call, 0, &u);
  if (status == ADZE_OK)
    status = adze_call_of (host)->output_at (host, call, 1, &v);
  if (status == ADZE_OK)
    status = factor (host, entry, &m, &f);
  if (status == ADZE_OK)
    write_factors (entry, &f, exponent, adze_view_data (&u), adze_view_data (&v));
  factors_end (host, &f);
  matrix_free (host, &m);
  return status;
}
