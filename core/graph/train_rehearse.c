/* SPDX-License-Identifier: Apache-2.0 */
/* graph/train_rehearse.c: what a training takes, found out without any. */
#include "base/peak.h"
#include "graph/train_private.h"

static adze_error *
batch (adze_trainer *t, uint64_t number, const adze_view *const **inputs)
{
  *inputs = NULL;
  return t->options.batch (t->options.argument, 0, number, inputs);
}

/* Nobody says how many there are: twice as far each time until there is none, and then halves. */
static adze_error *
find_last (adze_trainer *t, uint64_t *last)
{
  const adze_view *const *inputs;
  uint64_t beyond = 1;
  *last = 0;
  ADZE_TRY (batch (t, beyond, &inputs));
  while (inputs && beyond < UINT64_MAX / 2) {
    *last = beyond;
    beyond *= 2;
    ADZE_TRY (batch (t, beyond, &inputs));
  }
  while (beyond - *last > 1) {
    uint64_t middle = *last + (beyond - *last) / 2;
    ADZE_TRY (batch (t, middle, &inputs));
    *(inputs ? last : &beyond) = middle;
  }
  return NULL;
}

/* The last one is often smaller than the others, and a step of its own. */
adze_error *
adze_train_prepare_steps (adze_trainer *t)
{
  const adze_view *const *inputs;
  uint64_t last;
  ADZE_TRY (batch (t, 0, &inputs));
  if (!inputs)
    return adze_train_no_batch (t);
  ADZE_TRY (adze_train_prepare (t, inputs));
  ADZE_TRY (find_last (t, &last));
  ADZE_TRY (batch (t, last, &inputs));
  if (inputs)
    ADZE_TRY (adze_train_prepare (t, inputs));
  adze_leave_freed_memory ();
  return NULL;
}

/* Whoever judges the weights is stopped where it would compute, and that is enough. */
static adze_error *
validate (adze_trainer *t)
{
  double score = 0;
  adze_error *error = t->options.validate (t->options.argument, t, &score);
  if (adze_error_status (error) != ADZE_E_CANCELLED)
    return error;
  adze_error_free (error);
  return NULL;
}

adze_error *
adze_trainer_rehearse (adze_trainer *t)
{
  const adze_trainer_options *o = &t->options;
  ADZE_TRY (adze_train_prepare_steps (t));
  ADZE_TRY (adze_train_hold_kept (t));
  if (o->validate) {
    ADZE_TRY (adze_train_hold_best (t));
    ADZE_TRY (validate (t));
  }
  t->progress.step = 1;
  t->progress.epoch = 1;
  return o->after_epoch ? o->after_epoch (o->argument, t) : NULL;
}

uint64_t
adze_trainer_absent (const adze_trainer *t)
{
  uint64_t bytes = 0;
  for (size_t i = 0; i < t->carried_count; i++) {
    const adze_carried *c = &t->carried[i];
    const void *const places[] = { c->now, c->other, c->kept, c->best };
    for (size_t k = 0; k < ADZE_COUNT_OF (places); k++)
      bytes += places[k] ? adze_absent_memory (places[k], c->size) : 0;
  }
  for (size_t i = 0; i < t->size_count; i++)
    bytes += adze_executable_absent (t->sizes[i].executable);
  return bytes;
}
