/* SPDX-License-Identifier: Apache-2.0 */
/* layer.c: LayerNormalization, and adze.LayerNormalizationGrad. */
#include "nn.h"
#include "work.h"

#include <math.h>

/* X as rows of the elements that are normalised together; no rows where it has no elements. */
typedef struct layer_job {
  int64_t rows, inner;
  double epsilon;
  const double *from, *scale, *shift;
  double *to, *mean, *inverse;
  /* Of the gradient. */
  const double *slope, *given_mean, *given_inverse;
  double *of_scale, *of_shift; /* for each element of a row */
} layer_job;

/* ---- Shapes. */

static adze_status
rows_of (ref_call *call, size_t x, layer_job *job, int32_t *axis)
{
  const adze_view *in = ref_in (call, x);
  adze_status status = ref_need (call, x, "X");
  if (status == ADZE_OK)
    status = ref_axis (call, adze_node_int (call->node, "axis", -1), in->rank, axis);
  if (status != ADZE_OK || adze_view_count (in) == 0)
    return status;
  job->rows = (int64_t)ref_product (in, 0, *axis);
  job->inner = (int64_t)ref_product (in, *axis, in->rank);
  return ADZE_OK;
}

/* Which element of SCALE is stretched to element I of a row. */
static int64_t
stretched_from (const adze_view *x, int32_t axis, const adze_view *scale, int64_t i)
{
  int64_t place = 0, step = 1;
  for (int32_t d = x->rank - 1, s = scale->rank - 1; d >= axis && s >= 0; d--, s--) {
    place += scale->shape[s] == 1 ? 0 : i % x->shape[d] * step;
    step *= scale->shape[s];
    i /= x->shape[d];
  }
  return place;
}

static bool
stretches (const adze_view *x, int32_t axis, const adze_view *scale)
{
  bool fits = scale->rank <= x->rank - axis;
  for (int32_t s = scale->rank - 1, d = x->rank - 1; fits && s >= 0; s--, d--)
    fits = scale->shape[s] == 1 || scale->shape[s] == x->shape[d];
  return fits;
}

/* Input INDEX for each element of a row; NULL where it is left out. */
static const double *
stretched (ref_work *work, size_t index, const adze_view *x, int32_t axis, int64_t count)
{
  const adze_view *view = ref_in (work->call, index);
  if (view && work->status == ADZE_OK && !stretches (x, axis, view))
    work->status = ref_refuse (work->call, ADZE_E_FORMAT, "input %zu cannot be stretched to the "
                               "dimensions that are normalised", index);
  const double *numbers = ref_work_in (work, index);
  if (!numbers || adze_view_count (view) == (size_t)count)
    return numbers;
  double *room = (double *)ref_work_room (work, (size_t)count, sizeof *room);
  for (int64_t i = 0; room && i < count; i++)
    room[i] = numbers[stretched_from (x, axis, view, i)];
  return room;
}

static adze_status
need_output (ref_call *call, size_t index, size_t count)
{
  const adze_view *out = ref_out (call, index);
  if (!out || adze_view_count (out) == count)
    return ADZE_OK;
  return ref_refuse (call, ADZE_E_FORMAT, "output %zu has %zu elements; it needs %zu", index,
                     adze_view_count (out), count);
}

/* ---- LayerNormalization. */

static adze_status
layer_piece (void *argument, size_t first, size_t last)
{
  const layer_job *job = (const layer_job *)argument;
  for (int64_t row = (int64_t)first; row < (int64_t)last; row++) {
    double mean, variance;
    const double *from = job->from + row * job->inner;
    ref_moments (from, 1, 0, job->inner, &mean, &variance);
    double inverse = 1 / sqrt (variance + job->epsilon);
    for (int64_t i = 0; job->to && i < job->inner; i++)
      job->to[row * job->inner + i]
          = (from[i] - mean) * inverse * job->scale[i] + (job->shift ? job->shift[i] : 0);
    if (job->mean)
      job->mean[row] = mean;
    if (job->inverse)
      job->inverse[row] = inverse;
  }
  return ADZE_OK;
}

adze_status
ref_layer_normalization (ref_call *call)
{
  layer_job job = { .epsilon = (double)adze_node_float (call->node, "epsilon", 1e-5f) };
  int32_t axis = 0;
  adze_status status = rows_of (call, 0, &job, &axis);
  if (status == ADZE_OK)
    status = ref_need (call, 1, "Scale");
  if (status == ADZE_OK)
    status = need_output (call, 0, (size_t)(job.rows * job.inner));
  for (size_t i = 1; status == ADZE_OK && job.rows > 0 && i < 3; i++)
    status = need_output (call, i, (size_t)job.rows);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  job.from = ref_work_in (&work, 0);
  if (job.rows > 0) {
    job.scale = stretched (&work, 1, call->inputs[0], axis, job.inner);
    job.shift = stretched (&work, 2, call->inputs[0], axis, job.inner);
  }
  job.to = ref_work_out (&work, 0);
  job.mean = ref_work_out (&work, 1);
  job.inverse = ref_work_out (&work, 2);
  return ref_work_run (&work, (size_t)job.rows, ref_cost (job.inner, 4, 1), layer_piece, &job);
}

/* ---- Its gradient. */

static double
normalised (const layer_job *job, int64_t row, int64_t i)
{
  return (job->from[row * job->inner + i] - job->given_mean[row]) * job->given_inverse[row];
}

/* Of X: rows. What moves mean or deviation along is taken out of the slope. */
static adze_status
input_piece (void *argument, size_t first, size_t last)
{
  const layer_job *job = (const layer_job *)argument;
  for (int64_t row = (int64_t)first; row < (int64_t)last; row++) {
    const double *slope = job->slope + row * job->inner;
    double sum = 0, along = 0, count = (double)job->inner;
    for (int64_t i = 0; i < job->inner; i++) {
      double part = slope[i] * job->scale[i];
      sum += part;
      along += part * normalised (job, row, i);
    }
    for (int64_t i = 0; i < job->inner; i++)
      job->to[row * job->inner + i]
          = job->given_inverse[row]
            * (slope[i] * job->scale[i] - sum / count - normalised (job, row, i) * along / count);
  }
  return ADZE_OK;
}

/* Of scale and bias: columns, each a sum over the rows. */
static adze_status
scale_piece (void *argument, size_t first, size_t last)
{
  const layer_job *job = (const layer_job *)argument;
  for (int64_t i = (int64_t)first; i < (int64_t)last; i++)
    for (int64_t row = 0; row < job->rows; row++) {
      double slope = job->slope[row * job->inner + i];
      job->of_scale[i] += slope * normalised (job, row, i);
      job->of_shift[i] += slope;
    }
  return ADZE_OK;
}

static adze_status
check_gradient (ref_call *call, const layer_job *job)
{
  static const char *const names[] = { "the gradient", "X", "the scale", "the mean",
                                       "the deviation" };
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < 5; i++)
    status = ref_need (call, i, names[i]);
  if (status == ADZE_OK)
    status = ref_need_count (call, 0, names[0], (size_t)(job->rows * job->inner));
  for (size_t i = 3; status == ADZE_OK && job->rows > 0 && i < 5; i++)
    status = ref_need_count (call, i, names[i], (size_t)job->rows);
  if (status == ADZE_OK)
    status = need_output (call, 0, (size_t)(job->rows * job->inner));
  for (size_t i = 1; status == ADZE_OK && i < 3; i++)
    status = need_output (call, i, adze_view_count (call->inputs[2]));
  return status;
}

/* gradient, X, scale, mean, 1 / standard deviation */
adze_status
ref_layer_normalization_grad (ref_call *call)
{
  layer_job job = { .rows = 0 };
  int32_t axis = 0;
  adze_status status = rows_of (call, 1, &job, &axis);
  if (status == ADZE_OK)
    status = check_gradient (call, &job);
  if (status != ADZE_OK)
    return status;
  const adze_view *x = call->inputs[1], *scale = call->inputs[2];
  size_t rows = (size_t)job.rows, inner = (size_t)job.inner, cost = ref_cost (job.rows, 4, 1);
  ref_work work = ref_work_begin (call);
  job.slope = ref_work_in (&work, 0);
  job.from = ref_work_in (&work, 1);
  job.scale = job.rows > 0 ? stretched (&work, 2, x, axis, job.inner) : NULL;
  job.given_mean = ref_work_in (&work, 3);
  job.given_inverse = ref_work_in (&work, 4);
  job.to = ref_work_out (&work, 0);
  double *to_scale = ref_work_out (&work, 1), *to_shift = ref_work_out (&work, 2);
  job.of_scale = ref_work_room (&work, inner, sizeof (double));
  job.of_shift = ref_work_room (&work, inner, sizeof (double));
  if (work.status == ADZE_OK && (to_scale || to_shift))
    work.status = adze_parallel_for (call->host, inner, ref_grain (cost), scale_piece, &job);
  for (int64_t i = 0; work.status == ADZE_OK && i < job.inner; i++) {
    int64_t place = stretched_from (x, axis, scale, i);
    if (to_scale)
      to_scale[place] += job.of_scale[i];
    if (to_shift)
      to_shift[place] += job.of_shift[i];
  }
  return ref_work_run (&work, job.to ? rows : 0, ref_cost (job.inner, 8, 1), input_piece, &job);
}
