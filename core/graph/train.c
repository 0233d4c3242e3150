/* SPDX-License-Identifier: Apache-2.0 */
/* graph/train.c: a trainer: made, and asked. */
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
  t->looks = calloc (t->batch_inputs + 1, sizeof *t->looks);
  t->inputs = calloc (inputs + 1, sizeof *t->inputs);
  t->outputs = calloc (t->carried_count + 2, sizeof *t->outputs);
  t->shapes = calloc (t->dimensions + 1, sizeof *t->shapes);
  t->shape_of = calloc (inputs + 1, sizeof *t->shape_of);
  t->loss_place = aligned_alloc (64, 64);
  if (!t->looks || !t->inputs || !t->outputs || !t->shapes || !t->shape_of || !t->loss_place)
    return adze_error_memory ();
  int64_t *at = t->shapes;
  if (t->options.looks)
    memcpy (t->looks, t->options.looks, t->batch_inputs);
  t->options.looks = NULL;
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

void
adze_train_forget_size (adze_train_size *size)
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
    adze_train_forget_size (&t->sizes[i]);
  adze_train_leave_places (t);
  for (size_t i = 0; i < t->carried_count; i++) {
    free (t->carried[i].name);
    free (t->carried[i].shared);
  }
  adze_train_drop_kept (t);
  adze_train_drop_best (t);
  free (t->carried);
  free (t->trained);
  free (t->left);
  free (t->looks);
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

const void *
adze_train_given (const adze_trainer *t, const adze_carried *c)
{
  bool averaged = c->average != ADZE_NO_AVERAGE && t->progress.step > 0 && !t->progress.ended;
  return averaged ? t->carried[c->average].now : c->now;
}

/* A place that stays, whatever step comes. */
static adze_error *
make_shared (const adze_trainer *t, adze_carried *c)
{
  if (c->shared)
    return NULL;
  c->shared = aligned_alloc (64, (c->size / 64 + 1) * 64);
  if (!c->shared)
    return adze_error_memory ();
  memcpy (c->shared, adze_train_given (t, c), c->size);
  return NULL;
}

void
adze_train_refresh (adze_trainer *t)
{
  for (size_t i = 0; i < t->carried_count; i++)
    if (t->carried[i].shared)
      memcpy (t->carried[i].shared, adze_train_given (t, &t->carried[i]), t->carried[i].size);
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
      ADZE_TRY (make_shared (t, c));
    ADZE_TRY (adze_graph_set_data (other, number, copy ? adze_train_given (t, c) : c->shared, c->size, copy));
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
