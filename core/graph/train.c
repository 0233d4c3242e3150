/* SPDX-License-Identifier: Apache-2.0 */
/* graph/train.c: a trainer: made, asked, and stepped. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "artifact/meta.h"
#include "graph/train_private.h"

enum { KEEP_EVERY = 64 };

/* ---- Made and given back. */

static adze_error *
check_options (const adze_trainer_options *options)
{
  ADZE_TRY (adze_optimiser_check (&options->optimiser));
  ADZE_TRY (adze_schedule_check (&options->schedule));
  if (!isfinite (options->clip) || options->clip < 0)
    return adze_error_new (ADZE_E_PARAM,
                           "gradients are clipped to the length %g; it must be a finite number "
                           "from 0 on, and 0 leaves them",
                           options->clip);
  if (!isfinite (options->least_gain) || options->least_gain < 0)
    return adze_error_new (ADZE_E_PARAM,
                           "the least gain of an epoch is %g; it must be a finite number from 0 on",
                           options->least_gain);
  if (options->patience && !options->validate)
    return adze_error_new (ADZE_E_CONTRACT, "training is to stop early, and nothing says how good "
                                            "the weights are");
  return NULL;
}

/* Room for what an execution is given and gives. */
static adze_error *
make_room (adze_trainer *t)
{
  size_t inputs = t->graph->inputs.count;
  for (size_t i = 0; i < t->batch_inputs; i++) {
    const adze_graph_value *value = t->graph->values[t->graph->inputs.items[i]];
    if (value->rank < 0)
      return adze_error_new (ADZE_E_FORMAT,
                             "how many dimensions the input '%s' has is not known", value->name);
    t->dimensions += (size_t)value->rank;
  }
  t->inputs = calloc (inputs + 1, sizeof *t->inputs);
  t->outputs = calloc (t->carried_count + 2, sizeof *t->outputs);
  t->shapes = calloc (t->dimensions + 1, sizeof *t->shapes);
  t->shape_of = calloc (inputs + 1, sizeof *t->shape_of);
  t->loss_place = aligned_alloc (64, 64);
  if (!t->inputs || !t->outputs || !t->shapes || !t->shape_of || !t->loss_place)
    return adze_error_memory ();
  int64_t *at = t->shapes;
  for (size_t i = 0; i < t->batch_inputs; i++) {
    t->shape_of[i] = at;
    at += t->graph->values[t->graph->inputs.items[i]]->rank;
  }
  for (size_t i = t->batch_inputs; i < inputs; i++)
    if (t->graph->inputs.items[i] == t->step_input)
      t->inputs[i] = &t->step_view;
  for (size_t s = 0; s < ADZE_COUNT_OF (t->scalars); s++)
    for (size_t k = 0; k < ADZE_SCALARS; k++)
      for (size_t i = t->batch_inputs; i < inputs; i++)
        if (t->graph->inputs.items[i] == t->scalars[s].values[k])
          t->inputs[i] = &t->scalars[s].views[k];
  return NULL;
}

adze_error *
adze_trainer_new (adze_graph *graph, uint32_t loss, const adze_trainer_options *options,
                  adze_trainer **trainer)
{
  ADZE_TRY (check_options (options));
  ADZE_AUTO_TRAINER t = calloc (1, sizeof *t);
  if (!t)
    return adze_error_memory ();
  t->options = *options;
  t->options.weights = NULL;
  t->options.compile.fixed_weights = false;
  if (!t->options.keep_every)
    t->options.keep_every = KEEP_EVERY;
  adze_error *error = adze_train_build (t, graph, loss, options);
  if (error)
    return adze_error_wrap (error, "graph '%s' cannot be trained", adze_graph_name (graph));
  ADZE_TRY (make_room (t));
  *trainer = adze_take (&t);
  return NULL;
}

static void
forget_size (adze_train_size *size)
{
  adze_executable_free (size->executable);
  free (size->shapes);
  *size = (adze_train_size){ 0 };
}

void
adze_trainer_free (adze_trainer *t)
{
  if (!t)
    return;
  for (size_t i = 0; i < t->size_count; i++)
    forget_size (&t->sizes[i]);
  adze_train_leave_places (t);
  for (size_t i = 0; i < t->carried_count; i++) {
    free (t->carried[i].name);
    free (t->carried[i].shared);
    free (t->carried[i].kept);
  }
  adze_train_drop_best (t);
  free (t->carried);
  free (t->trained);
  free (t->inputs);
  free (t->outputs);
  free (t->loss_place);
  free (t->shapes);
  free (t->shape_of);
  adze_graph_free (t->graph);
  free (t);
}

/* ---- Asked. */

const adze_train_progress *
adze_trainer_progress (const adze_trainer *t)
{
  return &t->progress;
}

const adze_executable_facts *
adze_trainer_facts (const adze_trainer *t)
{
  return t->size_count ? adze_executable_facts_of (t->sizes[t->last_size].executable) : NULL;
}

size_t
adze_trainer_count (const adze_trainer *t, uint64_t *elements)
{
  *elements = 0;
  for (size_t i = 0; i < t->trained_count; i++)
    *elements += adze_view_count (&t->carried[t->trained[i].carried].view);
  return t->trained_count;
}

const adze_view *
adze_trainer_weight (const adze_trainer *t, const char *name)
{
  for (size_t i = 0; i < t->carried_count; i++)
    if (!t->carried[i].state && strcmp (t->carried[i].name, name) == 0)
      return &t->carried[i].view;
  return NULL;
}

/* Does a weight of another graph have the type and shape of the one that was trained? */
static adze_error *
check_same (const adze_carried *c, const adze_graph_value *value)
{
  bool same = memcmp (&c->view.dtype, &value->dtype, sizeof value->dtype) == 0
              && c->view.rank == value->rank;
  for (int32_t i = 0; same && i < value->rank; i++)
    same = value->shape[i] == c->view.shape[i];
  if (same)
    return NULL;
  ADZE_AUTO (adze_buffer) is = { 0 };
  ADZE_AUTO (adze_buffer) trained = { 0 };
  adze_shape_text (value->rank, value->shape, &is);
  adze_shape_text (c->view.rank, c->view.shape, &trained);
  const char *type = adze_dtype_name (value->dtype), *needed = adze_dtype_name (c->view.dtype);
  return adze_error_new (ADZE_E_FORMAT, "the weight '%s' is %s %s here, and was trained as %s %s",
                         value->name, type ? type : "of an unknown type", is.data ? is.data : "?",
                         needed ? needed : "of an unknown type",
                         trained.data ? trained.data : "?");
}

/* A place that stays, whatever step comes. */
static adze_error *
make_shared (adze_carried *c)
{
  if (c->shared)
    return NULL;
  c->shared = aligned_alloc (64, (c->size / 64 + 1) * 64);
  if (!c->shared)
    return adze_error_memory ();
  memcpy (c->shared, c->now, c->size);
  return NULL;
}

void
adze_train_refresh (adze_trainer *t)
{
  for (size_t i = 0; i < t->carried_count; i++)
    if (t->carried[i].shared)
      memcpy (t->carried[i].shared, t->carried[i].now, t->carried[i].size);
}

static adze_error *
hand_over (const adze_trainer *t, adze_graph *other, bool copy)
{
  size_t found = 0;
  for (size_t i = 0; i < t->carried_count; i++) {
    adze_carried *c = &t->carried[i];
    uint32_t number = c->state ? ADZE_NONE : adze_graph_find (other, c->name);
    const adze_graph_value *value = adze_graph_value_at (other, number);
    if (!value || value->role != ADZE_ROLE_WEIGHT)
      continue;
    ADZE_TRY (check_same (c, value));
    if (!copy)
      ADZE_TRY (make_shared (c));
    ADZE_TRY (adze_graph_set_data (other, number, copy ? c->now : c->shared, c->size, copy));
    found++;
  }
  if (found)
    return NULL;
  return adze_error_new (ADZE_E_NOT_FOUND, "graph '%s' has none of the weights that were trained",
                         adze_graph_name (other));
}

adze_error *
adze_trainer_share (const adze_trainer *t, adze_graph *other)
{
  return hand_over (t, other, false);
}

adze_error *
adze_trainer_give (const adze_trainer *t, adze_graph *other)
{
  return hand_over (t, other, true);
}

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
  return adze_graph_compile (t->graph, &options, &size->executable);
}

/* Most batches are of one size, and the last of an epoch of another. */
static adze_error *
executable_for (adze_trainer *t, adze_executable **executable)
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
      forget_size (&made);
      return adze_error_wrap (error, "a step of training cannot be compiled");
    }
    found = full ? t->next_size : t->size_count;
    if (full)
      forget_size (&t->sizes[found]);
    else
      t->size_count++;
    t->next_size = (found + 1) % ADZE_TRAIN_SIZES;
    t->sizes[found] = made;
  }
  t->last_size = found;
  *executable = t->sizes[found].executable;
  return NULL;
}

adze_error *
adze_train_prepare (adze_trainer *t, const adze_view *const *inputs)
{
  adze_executable *executable = NULL;
  ADZE_TRY (take_batch (t, inputs));
  return executable_for (t, &executable);
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

static void
keep (adze_trainer *t)
{
  for (size_t i = 0; i < t->carried_count; i++)
    memcpy (t->carried[i].kept, t->carried[i].now, t->carried[i].size);
  t->kept_progress = t->progress;
  t->kept_sum = t->sum;
  t->has_kept = true;
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
  const adze_train_progress at = t->progress;
  ADZE_AUTO (adze_buffer) why = { 0 };
  ADZE_AUTO (adze_buffer) left = { 0 };
  adze_train_why (t, &why);
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
      "training diverged in step %" PRIu64 " (epoch %" PRIu64 ", batch %" PRIu64 "): %s%s%s; %s",
      at.step + 1, at.epoch + 1, at.number + 1, what, why.size ? "; " : "",
      why.size ? why.data : "", left.data ? left.data : "weights are those of an earlier step");
  t->diverged = true;
  adze_error_setf (error, "step", "%" PRIu64, at.step + 1);
  adze_error_setf (error, "epoch", "%" PRIu64, at.epoch + 1);
  adze_error_set (error, "hint", "a lower learning rate, a warm-up, or gradients that are clipped");
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

/* What comes out is made where it is to stay; nothing is copied. */
static void
point_at_places (adze_trainer *t, adze_executable *executable)
{
  adze_executable_move_output (executable, 0, t->loss_place);
  for (size_t i = 0; i < t->carried_count; i++) {
    adze_carried *c = &t->carried[i];
    adze_executable_move_weight (executable, t->graph->values[c->value]->name, c->now);
    adze_executable_move_output (executable, 1 + i, c->other);
  }
}

/* What was made takes the place of what was, which makes room for the next. */
static void
take_places (adze_trainer *t)
{
  for (size_t i = 0; i < t->carried_count; i++) {
    adze_carried *c = &t->carried[i];
    void *made = c->other;
    if (adze_view_data (t->outputs[1 + i]) != made)
      memcpy (made, adze_view_data (t->outputs[1 + i]), c->size);
    c->other = c->now;
    c->now = made;
    c->view.data = made;
  }
}

/* A copy of all that is carried is made of the first step of each epoch and of some in between; what
 * comes out of these is looked at as well. CAREFUL: of all others, too. */
adze_error *
adze_train_step (adze_trainer *t, const adze_view *const *inputs, bool careful)
{
  adze_executable *executable = NULL;
  double rate = adze_schedule_rate (&t->options.schedule, t->progress.step);
  bool keeps = !t->has_kept || t->progress.number == 0
               || t->progress.step - t->kept_progress.step >= t->options.keep_every;
  ADZE_TRY (take_batch (t, inputs));
  ADZE_TRY (executable_for (t, &executable));
  tell_scalars (t, rate);
  point_at_places (t, executable);
  ADZE_TRY (adze_execute (executable, t->inputs, t->outputs));
  ADZE_TRY (take_loss (t));
  if (keeps || careful)
    ADZE_TRY (check_new (t));
  /* These weights have just given a finite loss, which those that come now have yet to do. */
  if (keeps)
    keep (t);
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
