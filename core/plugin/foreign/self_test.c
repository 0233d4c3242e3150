/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/self_test.c: is it true what the manifest says? Runs its vectors.
 *
 * A wrong binding seldom crashes. Far more often it computes something else, or nothing, and
 * returns as if all were well: so every result is held against a plain computation in double, and
 * whatever must not be touched is looked at afterwards.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "plugin/foreign/call.h"

/* In front of and behind every block, to see who writes beyond it. */
#define GUARD 64
#define GUARD_BYTE 0xa5

/* Numbers that are all the same when read as float or double, and not a number in either. */
#define FILL_BYTE 0xff

/* A block with guards: bytes that the function may write, or may only read. */
typedef struct block {
  unsigned char *memory;
  unsigned char *before; /* a copy of memory, to compare with */
  size_t size;           /* without the guards */
} block;

static void
block_cleanup (block *b)
{
  free (b->memory);
  free (b->before);
}

static adze_error *
block_make (block *b, size_t size)
{
  *b = (block){ .size = size };
  b->memory = malloc (size + 2 * GUARD);
  b->before = malloc (size + 2 * GUARD);
  if (!b->memory || !b->before)
    return adze_error_memory ();
  memset (b->memory, GUARD_BYTE, size + 2 * GUARD);
  memset (b->memory + GUARD, FILL_BYTE, size);
  return NULL;
}

static void *
block_data (const block *b)
{
  return b->memory + GUARD;
}

static const void *
block_data_before (const block *b)
{
  return b->before + GUARD;
}

static void
block_remember (block *b)
{
  memcpy (b->before, b->memory, b->size + 2 * GUARD);
}

static bool
block_guards_intact (const block *b)
{
  return memcmp (b->memory, b->before, GUARD) == 0
         && memcmp (b->memory + GUARD + b->size, b->before + GUARD + b->size, GUARD) == 0;
}

static bool
block_intact (const block *b)
{
  return memcmp (b->memory, b->before, b->size + 2 * GUARD) == 0;
}

/* ---- Saying what is wrong. */

/* Which vector, of which function: the first half of every complaint. */
typedef struct trial {
  const adze_foreign *foreign;
  const adze_foreign_vector *vector;
  const adze_kernel *kernel;
  char about[160];
} trial;

static void
trial_begin (trial *t, const adze_foreign *foreign, size_t index)
{
  t->foreign = foreign;
  t->vector = &foreign->table->vectors[index];
  t->kernel = &foreign->kernels[t->vector->function];
  char line[32] = "";
  if (t->vector->line)
    snprintf (line, sizeof line, " (line %u)", t->vector->line);
  snprintf (t->about, sizeof t->about, "test %zu%s of '%s'", index + 1, line,
            adze_foreign_function_name (t->kernel->function));
}

static adze_error *
trial_refusal (const trial *t, const char *needed, const char *found)
{
  ADZE_AUTO (adze_buffer) hint = { 0 };
  adze_buffer_format (&hint,
                      "compare the arguments of %s in the manifest with the library's header; "
                      "the library is %s",
                      t->kernel->function->symbol, t->foreign->library);
  adze_error *refusal
      = adze_refusal (ADZE_E_CONTRACT, ADZE_STEP_SELF_TEST, t->foreign->path,
                      "%s: expected %s, found %s", t->about, needed, found);
  return adze_refusal_facts (refusal, needed, found, hint.data);
}

/* WHERE names the element. */
static adze_error *
trial_wrong (const trial *t, const char *where, double expected, double found)
{
  char tolerance[ADZE_REAL_TEXT];
  char needed[ADZE_REAL_TEXT];
  char got[ADZE_REAL_TEXT];
  ADZE_AUTO (adze_buffer) words = { 0 };
  adze_real_text (t->vector->tolerance, tolerance);
  adze_real_text (expected, needed);
  adze_real_text (found, got);
  adze_buffer_format (&words, "%s = %s (tolerance %s)", where, needed, tolerance);
  return words.failed ? adze_error_memory () : trial_refusal (t, words.data, got);
}

static adze_error *
trial_call (const trial *t, adze_error *error)
{
  if (!error)
    return NULL;
  adze_error *refusal = trial_refusal (t, "a call that succeeds", adze_error_message (error));
  adze_error_free (error);
  return refusal;
}

/* ---- gemm.f32. */

/* ROWS by COLUMNS as they are stored; what lies behind each row is padding. */
typedef struct matrix {
  block block;
  int64_t rows, columns, stride;
} matrix;

static void
matrix_cleanup (matrix *m)
{
  block_cleanup (&m->block);
}

static adze_error *
matrix_make (matrix *m, int64_t rows, int64_t columns, int64_t padding)
{
  *m = (matrix){ .rows = rows, .columns = columns, .stride = columns + padding };
  return block_make (&m->block, (size_t)(m->rows * m->stride) * sizeof (float));
}

static float *
matrix_data (const matrix *m)
{
  return block_data (&m->block);
}

static float
matrix_at_before (const matrix *m, int64_t row, int64_t column)
{
  return ((const float *)block_data_before (&m->block))[row * m->stride + column];
}

/* Multiples of 1/256 in [-1, 1]: all different enough to show a mix-up, and exact in products. */
static void
matrix_fill (matrix *m, const char *stream)
{
  uint64_t key = adze_random_key (0, ADZE_KERNEL_GEMM_F32, stream);
  for (int64_t row = 0; row < m->rows; row++)
    for (int64_t column = 0; column < m->columns; column++) {
      uint64_t bits = 0;
      adze_random_values (key, (uint64_t)(row * m->columns + column), &bits, 1);
      matrix_data (m)[row * m->stride + column] = (float)((int)(bits % 513) - 256) / 256;
    }
}

typedef struct gemm_trial {
  const trial *trial;
  const adze_foreign_gemm *gemm;
  matrix a, b, c;
} gemm_trial;

static void
gemm_trial_cleanup (gemm_trial *g)
{
  matrix_cleanup (&g->a);
  matrix_cleanup (&g->b);
  matrix_cleanup (&g->c);
}

/* The plain computation: in double, in order, from the copies that nobody has touched. */
static double
gemm_expected (const gemm_trial *g, int64_t row, int64_t column)
{
  double sum = 0;
  for (int64_t i = 0; i < g->gemm->k; i++)
    sum += (double)(g->gemm->transpose_a ? matrix_at_before (&g->a, i, row)
                                         : matrix_at_before (&g->a, row, i))
           * (double)(g->gemm->transpose_b ? matrix_at_before (&g->b, column, i)
                                           : matrix_at_before (&g->b, i, column));
  double expected = (double)g->gemm->alpha * sum;
  if (g->gemm->beta != 0)
    expected += (double)g->gemm->beta * (double)matrix_at_before (&g->c, row, column);
  return expected;
}

static bool
near (double expected, double found, double tolerance)
{
  if (isnan (expected) || isinf (expected))
    return isnan (expected) ? isnan (found) : expected == found;
  return fabs (expected - found) <= tolerance * fmax (1, fabs (expected));
}

static adze_error *
gemm_judge (const gemm_trial *g)
{
  for (int64_t row = 0; row < g->c.rows; row++)
    for (int64_t column = 0; column < g->c.stride; column++) {
      int64_t at = row * g->c.stride + column;
      const float *found = &matrix_data (&g->c)[at];
      if (column >= g->c.columns) {
        if (memcmp (found, (const float *)block_data_before (&g->c.block) + at, sizeof *found))
          return trial_refusal (g->trial, "padding of C left as it was",
                                "something written behind a row");
        continue;
      }
      double expected = gemm_expected (g, row, column);
      if (near (expected, (double)*found, g->trial->vector->tolerance))
        continue;
      char where[80];
      snprintf (where, sizeof where, "C[%lld, %lld]", (long long)row, (long long)column);
      return trial_wrong (g->trial, where, expected, (double)*found);
    }
  if (!block_guards_intact (&g->c.block))
    return trial_refusal (g->trial, "only C written", "something written beyond it");
  if (!block_intact (&g->a.block) || !block_intact (&g->b.block))
    return trial_refusal (g->trial, "A and B left as they were", "one of them changed");
  return NULL;
}

static adze_error *
gemm_prepare (gemm_trial *g)
{
  const adze_foreign_gemm *gemm = g->gemm;
  bool ta = gemm->transpose_a != 0, tb = gemm->transpose_b != 0;
  ADZE_TRY (matrix_make (&g->a, ta ? gemm->k : gemm->m, ta ? gemm->m : gemm->k, gemm->pad_a));
  ADZE_TRY (matrix_make (&g->b, tb ? gemm->n : gemm->k, tb ? gemm->k : gemm->n, gemm->pad_b));
  ADZE_TRY (matrix_make (&g->c, gemm->m, gemm->n, gemm->pad_c));
  matrix_fill (&g->a, "a");
  matrix_fill (&g->b, "b");
  /* Where C must not be read it stays not a number, which would spread to the result. */
  if (gemm->beta != 0)
    matrix_fill (&g->c, "c");
  block_remember (&g->a.block);
  block_remember (&g->b.block);
  block_remember (&g->c.block);
  return NULL;
}

static adze_error *
gemm_try (const trial *t)
{
  const adze_foreign_gemm *gemm = &t->vector->gemm;
  ADZE_AUTO (gemm_trial) g = { .trial = t, .gemm = gemm };
  ADZE_TRY (gemm_prepare (&g));
  ADZE_TRY (trial_call (
      t, adze_kernel_gemm (t->kernel, gemm->transpose_a, gemm->transpose_b, gemm->m, gemm->n,
                           gemm->k, gemm->alpha, matrix_data (&g.a), g.a.stride,
                           matrix_data (&g.b), g.b.stride, gemm->beta, matrix_data (&g.c),
                           g.c.stride)));
  return gemm_judge (&g);
}

/* ---- Techniques. */

static void
element_put (block *b, size_t size, size_t index, double number)
{
  if (size == sizeof (float))
    ((float *)block_data (b))[index] = (float)number;
  else
    ((double *)block_data (b))[index] = number;
}

static double
element_get (const block *b, size_t size, size_t index)
{
  return size == sizeof (float) ? (double)((const float *)block_data (b))[index]
                                : ((const double *)block_data (b))[index];
}

static adze_error *
technique_judge (const trial *t, const block *input, const block *output)
{
  size_t size = t->kernel->function->element->size;
  for (size_t i = 0; i < t->vector->count; i++) {
    double expected = t->vector->expected[i];
    double found = element_get (output, size, i);
    if (size == sizeof (float))
      expected = (double)(float)expected;
    if (near (expected, found, t->vector->tolerance))
      continue;
    char number[ADZE_REAL_TEXT];
    char where[80 + ADZE_REAL_TEXT];
    adze_real_text (t->vector->input[i], number);
    snprintf (where, sizeof where, "output[%zu] of input[%zu] = %s", i, i, number);
    return trial_wrong (t, where, expected, found);
  }
  if (!block_guards_intact (output))
    return trial_refusal (t, "only the output written", "something written beyond it");
  if (!block_intact (input))
    return trial_refusal (t, "an input left as it was", "an input that changed");
  return NULL;
}

static adze_error *
technique_try (const trial *t, const adze_foreign_technique *technique)
{
  const adze_foreign_function *function = t->kernel->function;
  size_t size = function->element->size;
  adze_document document = { .path = t->foreign->path, .text = NULL, .root = NULL };
  adze_slot slots[ADZE_FOREIGN_SLOTS];
  ADZE_AUTO_PARAMS params = NULL;
  ADZE_AUTO (block) input = { 0 };
  ADZE_AUTO (block) output = { 0 };
  ADZE_TRY (adze_params_bind (function->component, &document, t->vector->params, NULL, NULL, NULL,
                              NULL, &params));
  ADZE_TRY (trial_call (t, adze_foreign_technique_slots (technique, params, slots)));
  ADZE_TRY (block_make (&input, t->vector->count * size));
  ADZE_TRY (block_make (&output, t->vector->count * size));
  for (size_t i = 0; i < t->vector->count; i++)
    element_put (&input, size, i, t->vector->input[i]);
  block_remember (&input);
  block_remember (&output);
  ADZE_TRY (trial_call (t, adze_foreign_technique_run (technique, NULL, slots, block_data (&input),
                                                       block_data (&output), t->vector->count)));
  return technique_judge (t, &input, &output);
}

adze_error *
adze_foreign_self_test (adze_foreign *foreign)
{
  for (size_t i = 0; i < foreign->table->vector_count; i++) {
    trial t;
    trial_begin (&t, foreign, i);
    if (t.kernel->function->component)
      ADZE_TRY (technique_try (&t, &foreign->techniques[t.vector->function]));
    else
      ADZE_TRY (gemm_try (&t));
  }
  return NULL;
}
