/* SPDX-License-Identifier: Apache-2.0 */
/* optimiser.c: Adagrad, Adam and Momentum of ai.onnx.preview.training: one step of any number of
 * tensors. */
#include "nn.h"
#include "work.h"

#include <math.h>

/* Kinds of tensors that an optimiser takes and gives, all tensors of one kind together: values,
 * gradients, then states; values, then states. */
enum { MOST_STATES = 2 };

typedef struct optimiser optimiser;
struct optimiser {
  void (*step) (const optimiser *o, size_t i);
  size_t states;
  double rate, count;
  double alpha, beta, epsilon, norm, norm_after;
  bool nesterov;
  /* Of the tensor at hand. */
  const double *value, *gradient, *state[MOST_STATES];
  double *new_value, *new_state[MOST_STATES];
};

/* ---- Element I of each. */

static void
adagrad_step (const optimiser *o, size_t i)
{
  double slope = o->norm * o->value[i] + o->gradient[i];
  double squares = o->state[0][i] + slope * slope;
  o->new_state[0][i] = squares;
  o->new_value[i] = o->value[i] - o->rate * slope / (sqrt (squares) + o->epsilon);
}

static void
adam_step (const optimiser *o, size_t i)
{
  double slope = o->norm * o->value[i] + o->gradient[i];
  double mean = o->alpha * o->state[0][i] + (1 - o->alpha) * slope;
  double squares = o->beta * o->state[1][i] + (1 - o->beta) * slope * slope;
  o->new_state[0][i] = mean;
  o->new_state[1][i] = squares;
  o->new_value[i] = (1 - o->norm_after)
                    * (o->value[i] - o->rate * mean / (sqrt (squares) + o->epsilon));
}

static void
momentum_step (const optimiser *o, size_t i)
{
  double slope = o->norm * o->value[i] + o->gradient[i];
  double speed = o->alpha * o->state[0][i] + (o->count > 0 ? o->beta : 1) * slope;
  o->new_state[0][i] = speed;
  o->new_value[i] = o->value[i] - o->rate * (o->nesterov ? slope + o->alpha * speed : speed);
}

static adze_status
step_piece (void *argument, size_t first, size_t last)
{
  const optimiser *o = (const optimiser *)argument;
  for (size_t i = first; i < last; i++)
    o->step (o, i);
  return ADZE_OK;
}

/* ---- All tensors. */

/* Output INDEX, or room for numbers that nobody asked for. */
static double *
result (ref_work *work, size_t index, size_t count)
{
  const adze_view *out = ref_out (work->call, index);
  if (out && adze_view_count (out) != count) {
    work->status
        = ref_refuse (work->call, ADZE_E_FORMAT, "output %zu has %zu elements; it needs %zu", index,
                      adze_view_count (out), count);
    return NULL;
  }
  return out ? ref_work_out (work, index)
             : (double *)ref_work_room (work, count, sizeof (double));
}

/* Tensor NUMBER of COUNT. */
static adze_status
one_tensor (ref_call *call, optimiser *o, size_t number, size_t count)
{
  const adze_view *value = call->inputs[2 + number];
  size_t elements = value ? adze_view_count (value) : 0;
  for (size_t kind = 0; kind < 2 + o->states; kind++) {
    size_t index = 2 + kind * count + number;
    adze_status status = ref_need (call, index, "a tensor of the step");
    if (status == ADZE_OK)
      status = ref_need_count (call, index, "a tensor of the step", elements);
    if (status != ADZE_OK)
      return status;
  }
  ref_work work = ref_work_begin (call);
  o->value = ref_work_in (&work, 2 + number);
  o->gradient = ref_work_in (&work, 2 + count + number);
  o->new_value = result (&work, number, elements);
  for (size_t s = 0; s < o->states; s++) {
    o->state[s] = ref_work_in (&work, 2 + (2 + s) * count + number);
    o->new_state[s] = result (&work, (1 + s) * count + number, elements);
  }
  return ref_work_run (&work, elements, 16, step_piece, o);
}

/* The rate and how many steps there were. */
static adze_status
begin (ref_call *call, optimiser *o)
{
  adze_status status = ref_need (call, 0, "the rate");
  if (status == ADZE_OK)
    status = ref_need (call, 1, "the count of steps");
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  o->rate = ref_work_scalar (&work, 0, 0);
  o->count = ref_work_scalar (&work, 1, 0);
  o->norm = (double)adze_node_float (call->node, "norm_coefficient", 0);
  return work.status;
}

static adze_status
each_tensor (ref_call *call, optimiser *o)
{
  size_t kinds = 2 + o->states, tensors = call->input_count - 2;
  if (tensors % kinds)
    return ref_refuse (call, ADZE_E_FORMAT,
                       "it has %zu tensors; it needs %zu for each that it makes a step of", tensors,
                       kinds);
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < tensors / kinds; i++)
    status = one_tensor (call, o, i, tensors / kinds);
  return status;
}

adze_status
ref_adagrad (ref_call *call)
{
  optimiser o = { .step = adagrad_step,
                  .states = 1,
                  .epsilon = (double)adze_node_float (call->node, "epsilon", 1e-6f) };
  adze_status status = begin (call, &o);
  o.rate /= 1 + o.count * (double)adze_node_float (call->node, "decay_factor", 0);
  return status == ADZE_OK ? each_tensor (call, &o) : status;
}

adze_status
ref_adam (ref_call *call)
{
  optimiser o = { .step = adam_step,
                  .states = 2,
                  .alpha = (double)adze_node_float (call->node, "alpha", 0.9f),
                  .beta = (double)adze_node_float (call->node, "beta", 0.999f),
                  .epsilon = (double)adze_node_float (call->node, "epsilon", 1e-6f),
                  .norm_after
                  = (double)adze_node_float (call->node, "norm_coefficient_post", 0) };
  adze_status status = begin (call, &o);
  if (o.count > 0)
    o.rate *= sqrt (1 - pow (o.beta, o.count)) / (1 - pow (o.alpha, o.count));
  return status == ADZE_OK ? each_tensor (call, &o) : status;
}

adze_status
ref_momentum (ref_call *call)
{
  const char *mode = adze_node_text (call->node, "mode", "standard");
  optimiser o = { .step = momentum_step,
                  .states = 1,
                  .alpha = (double)adze_node_float (call->node, "alpha", 0.9f),
                  .beta = (double)adze_node_float (call->node, "beta", 1),
                  .nesterov = ref_is (mode, "nesterov") };
  if (!o.nesterov && !ref_is (mode, "standard"))
    return ref_refuse (call, ADZE_E_FORMAT, "mode is '%s'; there are standard and nesterov", mode);
  adze_status status = begin (call, &o);
  return status == ADZE_OK ? each_tensor (call, &o) : status;
}
