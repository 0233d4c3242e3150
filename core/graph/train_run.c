/* SPDX-License-Identifier: Apache-2.0 */
/* graph/train_run.c: a trainer is run through its epochs. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "graph/odd.h"
#include "graph/train_private.h"

/* ---- The best weights. */

/* All or none: that there is one says that there are all. */
adze_error *
adze_train_hold_best (adze_trainer *t)
{
  bool fine = true;
  if (t->has_best)
    return NULL;
  for (size_t i = 0; i < t->carried_count; i++)
    if (!t->carried[i].state)
      fine = (t->carried[i].best = malloc (t->carried[i].size + 1)) && fine;
  t->has_best = true;
  if (!fine)
    adze_train_drop_best (t);
  return fine ? NULL : adze_error_memory ();
}

void
adze_train_drop_best (adze_trainer *t)
{
  for (size_t i = 0; i < t->carried_count; i++) {
    free (t->carried[i].best);
    t->carried[i].best = NULL;
  }
  t->has_best = false;
}

static adze_error *
keep_best (adze_trainer *t)
{
  ADZE_TRY (adze_train_hold_best (t));
  for (size_t i = 0; i < t->carried_count; i++)
    if (!t->carried[i].state)
      memcpy (t->carried[i].best, adze_train_given (t, &t->carried[i]), t->carried[i].size);
  return NULL;
}

static adze_error *
validate (adze_trainer *t)
{
  double score = 0;
  adze_train_progress *p = &t->progress;
  if (!t->options.validate)
    return NULL;
  adze_error *error = t->options.validate (t->options.argument, t, &score);
  if (error)
    return adze_error_wrap (error, "epoch %" PRIu64 " could not be validated", p->epoch + 1);
  if (!isfinite (score))
    return adze_error_new (ADZE_E_LIMIT,
                           "the score of epoch %" PRIu64 " is %s, which is neither good nor bad",
                           p->epoch + 1, isnan (score) ? "nan" : "inf");
  bool first = !p->has_score, better = first || score < p->best_score;
  t->stale = first || score < p->best_score - t->options.least_gain ? 0 : t->stale + 1;
  p->has_score = true;
  p->score = score;
  if (!better)
    return NULL;
  p->best_score = score;
  p->best_epoch = p->epoch;
  return keep_best (t);
}

adze_error *
adze_train_no_batch (const adze_trainer *t)
{
  return adze_error_new (ADZE_E_FORMAT, "epoch %" PRIu64 " has no batch to train with",
                         t->progress.epoch + 1);
}

/* ---- Steps. */

/* The next batch of this epoch and its step; *MORE: there was one. */
static adze_error *
next_step (adze_trainer *t, bool careful, bool *more)
{
  const adze_view *const *inputs = NULL;
  ADZE_TRY (t->options.batch (t->options.argument, t->progress.epoch, t->progress.number, &inputs));
  *more = inputs != NULL;
  return *more ? adze_train_step (t, inputs, careful) : NULL;
}

static void
end_epoch (adze_trainer *t)
{
  t->progress.epoch++;
  t->progress.number = 0;
  t->sum = 0;
}

/* ERROR says that something was no number, at last in the step behind LAST. What steps give is looked at
 * now and then, since that takes longer than many a product; so it may have begun earlier. The steps since
 * the last copy are done again, and what each gives is looked at: the first that gives such numbers is what
 * is told, and a copy of each makes that those weights are left which were the last to give a finite loss. */
static adze_error *
find_first (adze_trainer *t, const adze_train_progress *last, adze_error *error)
{
  adze_error *found = NULL;
  if (!t->has_kept || t->kept_progress.step > last->step)
    return error;
  adze_train_go_back (t);
  while (!found && t->progress.step <= last->step) {
    bool more;
    found = next_step (t, true, &more);
    if (!found && !more && t->progress.epoch == last->epoch)
      break;
    if (!found && !more)
      end_epoch (t);
  }
  if (!found) {
    adze_train_go_back (t); /* as ERROR says, or as good */
    return error;
  }
  adze_error_free (error);
  return found;
}

static adze_error *
one_step (adze_trainer *t, bool *more)
{
  const adze_train_progress last = t->progress;
  t->diverged = false;
  adze_error *error = next_step (t, false, more);
  return error && t->diverged ? find_first (t, &last, error) : error;
}

adze_error *
adze_train_look (const adze_trainer *t)
{
  for (size_t i = 0; i < t->carried_count; i++)
    if (!adze_view_is_finite (&t->carried[i].view))
      return adze_error_new (ADZE_E_LIMIT,
                             "training diverged in step %" PRIu64 " or before: '%s' has numbers that are "
                             "none",
                             t->progress.step, t->carried[i].name);
  return NULL;
}

adze_error *
adze_train_look_back (adze_trainer *t)
{
  adze_train_progress last = t->progress;
  adze_error *error = adze_train_look (t);
  last.step--;
  return error && t->options.batch ? find_first (t, &last, error) : error;
}

/* ---- Epochs. */

static adze_error *
run_epoch (adze_trainer *t)
{
  const adze_trainer_options *o = &t->options;
  for (;;) {
    bool more;
    ADZE_TRY (one_step (t, &more));
    if (!more)
      break;
    if (o->after_step)
      ADZE_TRY (o->after_step (o->argument, t));
  }
  if (t->progress.number == 0)
    return adze_train_no_batch (t);
  ADZE_TRY (adze_train_look_back (t));
  adze_train_refresh (t);
  ADZE_TRY (validate (t));
  end_epoch (t);
  return o->after_epoch ? o->after_epoch (o->argument, t) : NULL;
}

/* The best, which are averages where there are any; else what others get becomes the weights themselves. */
static void
take_result (adze_trainer *t)
{
  for (size_t i = 0; i < t->carried_count; i++) {
    adze_carried *c = &t->carried[i];
    const void *result = t->has_best ? c->best : adze_train_given (t, c);
    if (!c->state && result != c->now)
      memcpy (c->now, result, c->size);
  }
}

adze_error *
adze_trainer_run (adze_trainer *t)
{
  const adze_trainer_options *o = &t->options;
  if (!o->batch || !o->epochs)
    return adze_error_new (ADZE_E_CONTRACT, "training is to run, and %s is given",
                           o->batch ? "no count of epochs" : "nothing that makes batches");
  if (t->progress.ended)
    return NULL;
  /* Ahead of the first step: to compile takes memory that is given back, and the steps take theirs later. */
  if (t->progress.epoch < o->epochs)
    ADZE_TRY (adze_train_prepare_steps (t));
  while (t->progress.epoch < o->epochs && !(o->patience && t->stale >= o->patience))
    ADZE_TRY (run_epoch (t));
  take_result (t);
  /* There is nothing left to go back from, and whoever is given the weights needs room for them. */
  adze_train_drop_kept (t);
  t->progress.ended = true;
  adze_train_refresh (t);
  return NULL;
}
