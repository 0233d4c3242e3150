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

#include "plugin/foreign/self_test.h"

/* In front of and behind every block, to see who writes beyond it. */
#define GUARD 64
#define GUARD_BYTE 0xa5

/* Numbers that are all the same when read as float or double, and not a number in either. */
#define FILL_BYTE 0xff

void
adze_block_cleanup (adze_block *b)
{
  free (b->memory);
  free (b->before);
}

adze_error *
adze_block_make (adze_block *b, size_t size)
{
  *b = (adze_block){ .size = size };
  b->memory = malloc (size + 2 * GUARD);
  b->before = malloc (size + 2 * GUARD);
  if (!b->memory || !b->before)
    return adze_error_memory ();
  memset (b->memory, GUARD_BYTE, size + 2 * GUARD);
  memset (b->memory + GUARD, FILL_BYTE, size);
  return NULL;
}

void *
adze_block_data (const adze_block *b)
{
  return b->memory + GUARD;
}

const void *
adze_block_data_before (const adze_block *b)
{
  return b->before + GUARD;
}

void
adze_block_remember (adze_block *b)
{
  memcpy (b->before, b->memory, b->size + 2 * GUARD);
}

bool
adze_block_guards_intact (const adze_block *b)
{
  return memcmp (b->memory, b->before, GUARD) == 0
         && memcmp (b->memory + GUARD + b->size, b->before + GUARD + b->size, GUARD) == 0;
}

bool
adze_block_intact (const adze_block *b)
{
  return memcmp (b->memory, b->before, b->size + 2 * GUARD) == 0;
}

/* ---- Saying what is wrong. */

static void
trial_begin (adze_trial *t, const adze_foreign *foreign, size_t index)
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

adze_error *
adze_trial_refusal (const adze_trial *t, const char *needed, const char *found)
{
  ADZE_AUTO (adze_buffer) hint = { 0 };
  adze_buffer_format (&hint,
                      "compare the arguments of %s in the manifest with the library's header; "
                      "the library is %s",
                      t->kernel->function->symbol, t->foreign->libraries[0]);
  adze_error *refusal
      = adze_refusal (ADZE_E_CONTRACT, ADZE_STEP_SELF_TEST, t->foreign->path,
                      "%s: expected %s, found %s", t->about, needed, found);
  return adze_refusal_facts (refusal, needed, found, hint.data);
}

adze_error *
adze_trial_wrong (const adze_trial *t, const char *where, double expected, double found)
{
  char tolerance[ADZE_REAL_TEXT];
  char needed[ADZE_REAL_TEXT];
  char got[ADZE_REAL_TEXT];
  ADZE_AUTO (adze_buffer) words = { 0 };
  adze_real_text (t->vector->tolerance, tolerance);
  adze_real_text (expected, needed);
  adze_real_text (found, got);
  adze_buffer_format (&words, "%s = %s (tolerance %s)", where, needed, tolerance);
  return words.failed ? adze_error_memory () : adze_trial_refusal (t, words.data, got);
}

adze_error *
adze_trial_call (const adze_trial *t, adze_error *error)
{
  if (!error)
    return NULL;
  adze_error *refusal = adze_trial_refusal (t, "a call that succeeds", adze_error_message (error));
  adze_error_free (error);
  return refusal;
}

bool
adze_foreign_near (double expected, double found, double tolerance)
{
  if (isnan (expected) || isinf (expected))
    return isnan (expected) ? isnan (found) : expected == found;
  return fabs (expected - found) <= tolerance * fmax (1, fabs (expected));
}

/* ---- Techniques. */

static void
element_put (adze_block *b, size_t size, size_t index, double number)
{
  if (size == sizeof (float))
    ((float *)adze_block_data (b))[index] = (float)number;
  else
    ((double *)adze_block_data (b))[index] = number;
}

static double
element_get (const adze_block *b, size_t size, size_t index)
{
  return size == sizeof (float) ? (double)((const float *)adze_block_data (b))[index]
                                : ((const double *)adze_block_data (b))[index];
}

static adze_error *
technique_judge (const adze_trial *t, const adze_block *input, const adze_block *output)
{
  size_t size = t->kernel->function->element->size;
  for (size_t i = 0; i < t->vector->count; i++) {
    double expected = t->vector->expected[i];
    double found = element_get (output, size, i);
    if (size == sizeof (float))
      expected = (double)(float)expected;
    if (adze_foreign_near (expected, found, t->vector->tolerance))
      continue;
    char number[ADZE_REAL_TEXT];
    char where[80 + ADZE_REAL_TEXT];
    adze_real_text (t->vector->input[i], number);
    snprintf (where, sizeof where, "output[%zu] of input[%zu] = %s", i, i, number);
    return adze_trial_wrong (t, where, expected, found);
  }
  if (!adze_block_guards_intact (output))
    return adze_trial_refusal (t, "only the output written", "something written beyond it");
  if (!adze_block_intact (input))
    return adze_trial_refusal (t, "an input left as it was", "an input that changed");
  return NULL;
}

static adze_error *
technique_try (const adze_trial *t, const adze_foreign_technique *technique)
{
  const adze_foreign_function *function = t->kernel->function;
  size_t size = function->element->size;
  adze_document document = { .path = t->foreign->path, .text = NULL, .root = NULL };
  adze_slot slots[ADZE_FOREIGN_SLOTS];
  ADZE_AUTO_PARAMS params = NULL;
  ADZE_AUTO (adze_block) input = { 0 };
  ADZE_AUTO (adze_block) output = { 0 };
  ADZE_TRY (adze_params_bind (function->component, &document, t->vector->params, NULL, NULL, NULL,
                              NULL, &params));
  ADZE_TRY (adze_trial_call (t, adze_foreign_technique_slots (technique, params, slots)));
  ADZE_TRY (adze_block_make (&input, t->vector->count * size));
  ADZE_TRY (adze_block_make (&output, t->vector->count * size));
  for (size_t i = 0; i < t->vector->count; i++)
    element_put (&input, size, i, t->vector->input[i]);
  adze_block_remember (&input);
  adze_block_remember (&output);
  ADZE_TRY (adze_trial_call (
      t, adze_foreign_technique_run (technique, NULL, slots, adze_block_data (&input),
                                     adze_block_data (&output), t->vector->count)));
  return technique_judge (t, &input, &output);
}

adze_error *
adze_foreign_self_test (adze_foreign *foreign)
{
  for (size_t i = 0; i < foreign->table->vector_count; i++) {
    adze_trial t;
    trial_begin (&t, foreign, i);
    if (t.kernel->function->component)
      ADZE_TRY (technique_try (&t, &foreign->techniques[t.vector->function]));
    else
      ADZE_TRY (adze_foreign_kernel_try (&t));
  }
  return NULL;
}
