/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/vectors_kernel.c: the [[foreign.test]] tables of contracts: what each is tried
 * with, and which mix-ups of arguments the tests together must show. */
#include <math.h>
#include <string.h>

#include "plugin/foreign/table.h"

#define SIZE_MOST 256
#define STEP_MOST 16
#define FACTOR_MOST 1000

/* ---- Keys. */

typedef struct case_key {
  const char *name;
  size_t offset; /* of an int64_t in the case */
  bool mandatory;
  int64_t low, high, preset;
} case_key;

#define KEY(name, ...) { #name, offsetof (adze_foreign_case, name), __VA_ARGS__ }

static const case_key case_keys[] = {
  KEY (m, true, 1, SIZE_MOST, 0),           KEY (n, true, 1, SIZE_MOST, 0),
  KEY (k, true, 1, SIZE_MOST, 0),           KEY (transpose_a, false, 0, 1, 0),
  KEY (transpose_b, false, 0, 1, 0),        KEY (pad_a, false, 0, SIZE_MOST, 0),
  KEY (pad_b, false, 0, SIZE_MOST, 0),      KEY (pad_c, false, 0, SIZE_MOST, 0),
  KEY (pad_u, false, 0, SIZE_MOST, 0),      KEY (pad_v, false, 0, SIZE_MOST, 0),
  KEY (incx, false, 1, STEP_MOST, 1),       KEY (incy, false, 1, STEP_MOST, 1),
};

#undef KEY

/* Which keys a contract's tests have, in words, beside "contract" and "tolerance". */
static const char *const shape_keys[] = {
  [ADZE_FOREIGN_GEMM] = "m n k transpose_a transpose_b pad_a pad_b pad_c alpha beta",
  [ADZE_FOREIGN_GEMV] = "m n transpose_a pad_a incx incy alpha beta",
  [ADZE_FOREIGN_AXPY] = "n incx incy alpha",
  [ADZE_FOREIGN_DOT] = "n incx incy",
  [ADZE_FOREIGN_SVD] = "m n pad_a pad_u pad_v",
};

static bool
has_word (const char *words, const char *word)
{
  size_t size = strlen (word);
  for (const char *at = words; *at; at += *at == ' ') {
    size_t length = strcspn (at, " ");
    if (length == size && memcmp (at, word, size) == 0)
      return true;
    at += length;
  }
  return false;
}

static adze_error *
factor_read (const adze_foreign_fields *fields, const adze_foreign_function *function,
             const char *key, double *factor)
{
  ADZE_TRY (adze_foreign_real (fields, key, factor));
  if (!(fabs (*factor) <= FACTOR_MOST))
    return adze_document_error (fields->document, adze_value_get (fields->table, key),
                                "'%s' is %g, and must lie in [-%d, %d]", key, *factor, FACTOR_MOST,
                                FACTOR_MOST);
  /* What the function is really given. */
  if (function->element->size == sizeof (float))
    *factor = (double)(float)*factor;
  return NULL;
}

static adze_error *
names_check (const adze_foreign_fields *fields, const char *words)
{
  const char *names[ADZE_COUNT_OF (case_keys) + 4] = { "contract", "tolerance" };
  size_t count = 2;
  for (size_t i = 0; i < ADZE_COUNT_OF (case_keys); i++)
    if (has_word (words, case_keys[i].name))
      names[count++] = case_keys[i].name;
  if (has_word (words, "alpha"))
    names[count++] = "alpha";
  if (has_word (words, "beta"))
    names[count++] = "beta";
  return adze_foreign_names (fields, names, count);
}

adze_error *
adze_foreign_case_read (const adze_foreign_fields *fields, const adze_foreign_function *function,
                        adze_foreign_vector *vector)
{
  const char *words = shape_keys[function->shape];
  ADZE_TRY (names_check (fields, words));
  for (size_t i = 0; i < ADZE_COUNT_OF (case_keys); i++) {
    const case_key *key = &case_keys[i];
    int64_t *number = (int64_t *)(void *)((char *)&vector->kernel + key->offset);
    *number = key->preset;
    if (has_word (words, key->name))
      ADZE_TRY (adze_foreign_integer (fields, key->name, key->mandatory, key->low, key->high,
                                      number));
  }
  if (has_word (words, "alpha"))
    ADZE_TRY (factor_read (fields, function, "alpha", &vector->kernel.alpha));
  return has_word (words, "beta") ? factor_read (fields, function, "beta", &vector->kernel.beta)
                                  : NULL;
}

/* ---- What must be shown. */

static bool
sizes_differ (const adze_foreign_case *c)
{
  return c->m != c->n && c->n != c->k && c->m != c->k;
}

static bool
only_a_turned (const adze_foreign_case *c)
{
  return c->transpose_a && !c->transpose_b;
}

static bool
only_b_turned (const adze_foreign_case *c)
{
  return c->transpose_b && !c->transpose_a;
}

static bool
all_padded (const adze_foreign_case *c)
{
  int64_t lda = (c->transpose_a ? c->m : c->k) + c->pad_a;
  int64_t ldb = (c->transpose_b ? c->k : c->n) + c->pad_b;
  int64_t ldc = c->n + c->pad_c;
  return c->pad_a && c->pad_b && c->pad_c && lda != ldb && ldb != ldc && lda != ldc;
}

static bool
both_scaled (const adze_foreign_case *c)
{
  return c->alpha != 0 && c->alpha != 1 && c->beta != 0 && c->beta != 1 && c->alpha != c->beta;
}

static bool
beta_is_0 (const adze_foreign_case *c)
{
  return c->beta == 0;
}

static bool
turned_oblong (const adze_foreign_case *c)
{
  return c->transpose_a && c->m != c->n;
}

static bool
straight_oblong (const adze_foreign_case *c)
{
  return !c->transpose_a && c->m != c->n;
}

static bool
a_padded (const adze_foreign_case *c)
{
  return c->pad_a && c->n + c->pad_a != c->m;
}

static bool
steps_differ (const adze_foreign_case *c)
{
  return c->n > 1 && c->incx > 1 && c->incy > 1 && c->incx != c->incy;
}

static bool
alpha_scaled (const adze_foreign_case *c)
{
  return c->alpha != 0 && c->alpha != 1;
}

static bool
is_tall (const adze_foreign_case *c)
{
  return c->m > c->n;
}

static bool
is_wide (const adze_foreign_case *c)
{
  return c->m < c->n;
}

static bool
factors_padded (const adze_foreign_case *c)
{
  int64_t lda = c->n + c->pad_a, ldu = (c->m < c->n ? c->m : c->n) + c->pad_u;
  int64_t ldv = c->n + c->pad_v;
  return c->pad_a && c->pad_u && c->pad_v && lda != ldu && ldu != ldv && lda != ldv;
}

/* Each is here because there is a mix-up of arguments that nothing else would show. */
static const struct {
  adze_foreign_shape shape;
  bool (*shows) (const adze_foreign_case *c);
  const char *words;
} demands[] = {
  { ADZE_FOREIGN_GEMM, sizes_differ, "m, n and k that all differ" },
  { ADZE_FOREIGN_GEMM, only_a_turned, "transpose_a = 1 and transpose_b = 0" },
  { ADZE_FOREIGN_GEMM, only_b_turned, "transpose_a = 0 and transpose_b = 1" },
  { ADZE_FOREIGN_GEMM, all_padded,
    "pad_a, pad_b and pad_c above 0, with leading dimensions that all differ" },
  { ADZE_FOREIGN_GEMM, both_scaled, "alpha and beta that are neither 0 nor 1, and differ" },
  { ADZE_FOREIGN_GEMM, beta_is_0, "beta = 0, where C must not be read" },
  { ADZE_FOREIGN_GEMV, turned_oblong, "transpose_a = 1 and m and n that differ" },
  { ADZE_FOREIGN_GEMV, straight_oblong, "transpose_a = 0 and m and n that differ" },
  { ADZE_FOREIGN_GEMV, a_padded, "pad_a above 0, with a leading dimension that is not m" },
  { ADZE_FOREIGN_GEMV, steps_differ, "incx and incy above 1 that differ, and n above 1" },
  { ADZE_FOREIGN_GEMV, both_scaled, "alpha and beta that are neither 0 nor 1, and differ" },
  { ADZE_FOREIGN_GEMV, beta_is_0, "beta = 0, where y must not be read" },
  { ADZE_FOREIGN_AXPY, steps_differ, "incx and incy above 1 that differ, and n above 1" },
  { ADZE_FOREIGN_AXPY, alpha_scaled, "an alpha that is neither 0 nor 1" },
  { ADZE_FOREIGN_DOT, steps_differ, "incx and incy above 1 that differ, and n above 1" },
  { ADZE_FOREIGN_SVD, is_tall, "m above n" },
  { ADZE_FOREIGN_SVD, is_wide, "n above m" },
  { ADZE_FOREIGN_SVD, factors_padded,
    "pad_a, pad_u and pad_v above 0, with leading dimensions that all differ" },
};

void
adze_foreign_case_lacks (const adze_foreign_table *table, size_t function, adze_buffer *lacks)
{
  for (size_t demand = 0; demand < ADZE_COUNT_OF (demands); demand++) {
    if (demands[demand].shape != table->functions[function].shape)
      continue;
    bool shown = false;
    for (size_t i = 0; i < table->vector_count && !shown; i++)
      shown = table->vectors[i].function == function
              && demands[demand].shows (&table->vectors[i].kernel);
    if (!shown)
      adze_buffer_format (lacks, "%sone with %s", lacks->size ? "; " : "", demands[demand].words);
  }
}
