/* SPDX-License-Identifier: Apache-2.0 */
/* graph/train_step.c: a step: compiled for the size of its batch, and done. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "artifact/meta.h"
#include "graph/odd.h"
#include "graph/train_private.h"

/* ---- The step for a batch of this size. */

static adze_error *
wrong_batch (const adze_graph_value *value, const adze_view *given)
{
  ADZE_AUTO (adze_buffer) is = { 0 };
  ADZE_AUTO (adze_buffer) needed = { 0 };
  adze_shape_text (given->rank, given->shape, &is);
  adze_shape_text (value->rank, value->shape, &needed);
  return adze_error_new (ADZE_E_FORMAT,
                         "a batch gives the input '%s' as %s, and the network takes %s",
                         value->name, is.data ? is.data : "?", needed.data ? needed.data : "?");
}

static adze_error *
take_batch (adze_trainer *t, const adze_view *const *inputs)
{
  int64_t *at = t->shapes;
  for (size_t i = 0; i < t->batch_inputs; i++) {
    const adze_graph_value *value = t->graph->values[t->graph->inputs.items[i]];
    const adze_view *given = inputs[i];
    bool fits = given->rank == value->rank;
    for (int32_t d = 0; fits && d < given->rank; d++) {
      fits = value->shape[d] < 0 || value->shape[d] == given->shape[d];
      *at++ = given->shape[d];
    }
    if (!fits)
      return wrong_batch (value, given);
    t->inputs[i] = given;
  }
  return NULL;
}

/* Steps of other sizes come after it, or before. */
static adze_executable *
largest (const adze_trainer *t)
{
  adze_executable *found = NULL;
  for (size_t i = 0; i < t->size_count; i++) {
    adze_executable *one = t->sizes[i].executable;
    if (!found
        || adze_executable_facts_of (one)->values > adze_executable_facts_of (found)->values)
      found = one;
  }
  return found;
}

static adze_error *
compile (adze_trainer *t, adze_train_size *size)
{
  adze_compile_options options = t->options.compile;
  options.shapes = t->shape_of;
  options.outputs_move = true;
  options.beside = largest (t);
  size->shapes = malloc ((t->dimensions + 1) * sizeof *size->shapes);
  if (!size->shapes)
    return adze_error_memory ();
  memcpy (size->shapes, t->shapes, t->dimensions * sizeof *size->shapes);
  ADZE_TRY (adze_graph_compile (t->graph, &options, &size->executable));
  size->may_replace = t->carried_count > 0;
  for (size_t i = 0; size->may_replace && i < t->carried_count; i++)
    size->may_replace = adze_executable_may_replace (size->executable, 1 + i,
                                                     t->graph->values[t->carried[i].value]->name);
  return NULL;
}

/* Most batches are of one size, and the last of an epoch of another. */
static adze_error *
size_for_batch (adze_trainer *t, const adze_train_size **size)
{
  size_t found = 0;
  while (found < t->size_count
         && memcmp (t->sizes[found].shapes, t->shapes, t->dimensions * sizeof *t->shapes) != 0)
    found++;
  if (found == t->size_count) {
    bool full = t->size_count == ADZE_TRAIN_SIZES;
    adze_train_size made = { 0 };
    adze_error *error = compile (t, &made);
    if (error) {
      adze_train_forget_size (&made);
      return adze_error_wrap (error, "a step of training cannot be compiled");
    }
    found = full ? t->next_size : t->size_count;
    if (full)
      adze_train_forget_size (&t->sizes[found]);
    else
      t->size_count++;
    t->next_size = (found + 1) % ADZE_TRAIN_SIZES;
    t->sizes[found] = made;
  }
  t->last_size = found;
  *size = &t->sizes[found];
  return NULL;
}

adze_error *
adze_train_prepare (adze_trainer *t, const adze_view *const *inputs)
{
  const adze_train_size *size;
  ADZE_TRY (take_batch (t, inputs));
  return size_for_batch (t, &size);
}

/* ---- A step. */

static void
tell_scalars (adze_trainer *t, double rate)
{
  double numbers[ADZE_SCALARS];
  adze_optimiser_scalars (&t->options.optimiser, rate, t->progress.step, numbers);
  for (size_t i = 0; i < ADZE_SCALARS; i++) {
    t->scalars[ADZE_TRAIN_SINGLE].singles[i] = (float)numbers[i];
    t->scalars[ADZE_TRAIN_DOUBLE].doubles[i] = numbers[i];
  }
}

static adze_error *
keep (adze_trainer *t)
{
  ADZE_TRY (adze_train_hold_kept (t));
  for (size_t i = 0; i < t->carried_count; i++)
    memcpy (t->carried[i].kept, t->carried[i].now, t->carried[i].size);
  t->kept_progress = t->progress;
  t->kept_sum = t->sum;
  t->has_kept = true;
  return NULL;
}

void
adze_train_go_back (adze_trainer *t)
{
  for (size_t i = 0; i < t->carried_count; i++)
    memcpy (t->carried[i].now, t->carried[i].kept, t->carried[i].size);
  adze_train_refresh (t);
  t->progress.step = t->kept_progress.step;
  t->progress.epoch = t->kept_progress.epoch;
  t->progress.number = t->kept_progress.number;
  t->progress.rate = t->kept_progress.rate;
  t->progress.loss = t->kept_progress.loss;
  t->progress.mean = t->kept_progress.mean;
  t->sum = t->kept_sum;
}

/* Steps, epochs and batches are counted from 1 for people. */
static adze_error *
diverged (adze_trainer *t, const char *what, bool step_before)
{
  static const struct {
    const char *words, *hint;
  } causes[] = {
    [ADZE_TRAIN_CAUSE_STEP]
    = { "training diverged in", "a lower learning rate, a warm-up, or gradients that are clipped" },
    [ADZE_TRAIN_CAUSE_DATA]
    = { "training cannot do", "the data is to be cleaned: leave out, or fill, examples with such numbers; "
                              "no learning rate helps" },
    [ADZE_TRAIN_CAUSE_WEIGHT]
    = { "training cannot do", "begin with a model without such numbers; no learning rate helps" },
  };
  const adze_train_progress at = t->progress;
  adze_train_cause cause = ADZE_TRAIN_CAUSE_STEP;
  ADZE_AUTO (adze_buffer) why = { 0 };
  ADZE_AUTO (adze_buffer) left = { 0 };
  if (!t->replaced) /* what gave such numbers is still there to be looked at */
    cause = adze_train_why (t, &why);
  step_before = step_before && cause != ADZE_TRAIN_CAUSE_DATA; /* of which the weights know nothing */
  if (step_before && t->has_kept && t->kept_progress.step < at.step) {
    adze_train_go_back (t);
    adze_buffer_format (&left, "weights are again those in front of step %" PRIu64,
                        t->progress.step + 1);
  } else if (step_before && at.step > 0) {
    adze_buffer_text (&left, "weights are those in front of this step: there is no earlier copy");
  } else
    adze_buffer_text (&left, "weights are those in front of this step");
  adze_error *error = adze_error_new (
      ADZE_E_LIMIT,
      "%s step %" PRIu64 " (epoch %" PRIu64 ", batch %" PRIu64 "): %s%s%s; %s",
      causes[cause].words, at.step + 1, at.epoch + 1, at.number + 1, what, why.size ? "; " : "",
      why.size ? why.data : "", left.data ? left.data : "weights are those of an earlier step");
  t->diverged = true;
  adze_error_setf (error, "step", "%" PRIu64, at.step + 1);
  adze_error_setf (error, "epoch", "%" PRIu64, at.epoch + 1);
  adze_error_set (error, "hint", causes[cause].hint);
  return error;
}

static double
number_of (const adze_view *view)
{
  const void *data = adze_view_data (view);
  double number;
  float single;
  if (view->dtype.bits == 64) {
    memcpy (&number, data, sizeof number);
    return number;
  }
  memcpy (&single, data, sizeof single);
  return (double)single;
}

/* All of it can be kept, or none of it is. */
static adze_error *
check_new (adze_trainer *t)
{
  for (size_t i = 0; i < t->carried_count; i++) {
    const adze_carried *c = &t->carried[i];
    if (adze_view_count (t->outputs[1 + i]) * t->outputs[1 + i]->dtype.bits / 8 != c->size)
      return adze_error_new (ADZE_E_INTERNAL, "a step gives '%s' in another size than it has",
                             c->name);
    if (adze_view_is_finite (t->outputs[1 + i]))
      continue;
    ADZE_AUTO (adze_buffer) what = { 0 };
    adze_buffer_format (&what, "the loss is %g, and '%s' would get numbers that are none",
                        t->progress.loss, c->name);
    return diverged (t, what.data ? what.data : "a weight would get numbers that are none", false);
  }
  return NULL;
}

static adze_error *
take_loss (adze_trainer *t)
{
  double loss = number_of (t->outputs[0]);
  if (!isfinite (loss)) /* not by printf: nan has a sign, which says nothing */
    return diverged (t, isnan (loss) ? "the loss is nan" : "the loss is inf", true);
  t->progress.loss = loss;
  return NULL;
}

/* What comes out is made where it is to stay, over what was or beside it; nothing is copied. */
static void
point_at_places (adze_trainer *t, adze_executable *executable)
{
  adze_executable_move_output (executable, 0, t->loss_place);
  for (size_t i = 0; i < t->carried_count; i++) {
    adze_carried *c = &t->carried[i];
    adze_executable_move_weight (executable, t->graph->values[c->value]->name, c->now);
    adze_executable_move_output (executable, 1 + i, t->replaced ? c->now : c->other);
  }
}

/* What was made takes the place of what was, which makes room for the next. */
static void
take_places (adze_trainer *t)
{
  for (size_t i = 0; !t->replaced && i < t->carried_count; i++) {
    adze_carried *c = &t->carried[i];
    void *made = c->other;
    if (adze_view_data (t->outputs[1 + i]) != made)
      memcpy (made, adze_view_data (t->outputs[1 + i]), c->size);
    c->other = c->now;
    c->now = made;
    c->view.data = made;
  }
}

/* Where what is new was written over what was, and something went wrong, there is the copy. */
static adze_error *
execute (adze_trainer *t, adze_executable *executable)
{
  point_at_places (t, executable);
  adze_error *error = adze_execute (executable, t->inputs, t->outputs);
  if (error && t->replaced)
    adze_train_go_back (t);
  return error;
}

/* Not every backend hands such numbers on: what comes of them may look sound. */
static adze_error *
look_ahead (adze_trainer *t)
{
  bool fine;
  t->replaced = false;
  ADZE_TRY (adze_train_look_ahead (t, &fine));
  return fine ? NULL : diverged (t, "it is given numbers that are none (NaN, or without end)", false);
}

/* A copy of all that is carried is made of the first step of each epoch and of some in between; what
 * comes out of these is looked at as well. CAREFUL: of all others, too. */
adze_error *
adze_train_step (adze_trainer *t, const adze_view *const *inputs, bool careful)
{
  const adze_train_size *size;
  double rate = adze_schedule_rate (&t->options.schedule, t->progress.step);
  bool keeps = careful || !t->has_kept || t->progress.number == 0
               || t->progress.step - t->kept_progress.step >= t->options.keep_every;
  ADZE_TRY (take_batch (t, inputs));
  ADZE_TRY (look_ahead (t));
  ADZE_TRY (size_for_batch (t, &size));
  t->replaced = size->may_replace && !keeps;
  tell_scalars (t, rate);
  ADZE_TRY (execute (t, size->executable));
  ADZE_TRY (take_loss (t));
  /* These weights have just given a finite loss, which those that come now have yet to do. */
  if (keeps) {
    ADZE_TRY (check_new (t));
    ADZE_TRY (keep (t));
  }
  take_places (t);
  t->progress.rate = rate;
  t->progress.step++;
  t->progress.number++;
  t->sum += t->progress.loss;
  t->progress.mean = t->sum / (double)t->progress.number;
  return NULL;
}

adze_error *
adze_trainer_step (adze_trainer *t, const adze_view *const *inputs)
{
  ADZE_TRY (adze_train_step (t, inputs, true));
  adze_train_refresh (t);
  return NULL;
}
