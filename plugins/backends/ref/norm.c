/* SPDX-License-Identifier: Apache-2.0 */
/* norm.c: normalisation by batch, instance, neighbouring channels, norm, mean and variance. */
#include "nn.h"
#include "work.h"

#include <math.h>

typedef struct norm_job {
  int64_t batch, channels, inner; /* an element is [n][c][i] */
  const double *from, *scale, *shift, *old_mean, *old_variance;
  double *to, *mean, *variance;
  double epsilon, momentum;
  bool training;
  int64_t power; /* of LpNormalization */
  int64_t size;  /* of LRN */
  double alpha, beta, bias;
} norm_job;

/* Batch, channels and the rest of the first input. */
static adze_status
sizes_of (ref_call *call, norm_job *job, int32_t least_rank)
{
  adze_status status = ref_need_alike (call);
  if (status != ADZE_OK)
    return status;
  const adze_view *in = call->inputs[0];
  if (in->rank < least_rank)
    return ref_refuse (call, ADZE_E_FORMAT, "input 0 has %d dimensions; it needs %d at least",
                       in->rank, least_rank);
  bool empty = ref_is_empty (call);
  /* Where any size is 0 there is nothing to be read or written, whatever the others are. */
  job->batch = empty ? 0 : in->rank > 0 ? in->shape[0] : 1;
  job->channels = in->rank > 1 ? in->shape[1] : 1;
  job->inner = in->rank > 2 && !empty ? (int64_t)ref_product (in, 2, in->rank) : 1;
  return ADZE_OK;
}

/* ---- BatchNormalization. */

static void
batch_channel (const norm_job *job, int64_t c)
{
  int64_t step = job->channels * job->inner;
  double mean = job->old_mean[c], variance = job->old_variance[c];
  if (job->training)
    ref_moments (job->from + c * job->inner, job->batch, step, job->inner, &mean, &variance);
  if (job->mean)
    job->mean[c] = job->training ? job->old_mean[c] * job->momentum + mean * (1 - job->momentum)
                                 : mean;
  if (job->variance)
    job->variance[c] = job->training ? job->old_variance[c] * job->momentum
                                           + variance * (1 - job->momentum)
                                     : variance;
  double deviation = sqrt (variance + job->epsilon);
  for (int64_t n = 0; n < job->batch; n++)
    for (int64_t i = 0; i < job->inner; i++) {
      int64_t at = n * step + c * job->inner + i;
      job->to[at] = (job->from[at] - mean) / deviation * job->scale[c] + job->shift[c];
    }
}

static adze_status
batch_piece (void *argument, size_t first, size_t last)
{
  const norm_job *job = (const norm_job *)argument;
  for (size_t c = first; c < last; c++)
    batch_channel (job, (int64_t)c);
  return ADZE_OK;
}

static adze_status
need_channels (ref_call *call, size_t first, size_t last, int64_t channels)
{
  adze_status status = ADZE_OK;
  for (size_t i = first; status == ADZE_OK && i < last; i++) {
    status = ref_need (call, i, "a vector of the channels");
    if (status == ADZE_OK)
      status = ref_need_count (call, i, "a vector of the channels", (size_t)channels);
  }
  return status;
}

adze_status
ref_batch_normalization (ref_call *call)
{
  norm_job job = { .epsilon = (double)adze_node_float (call->node, "epsilon", 1e-5f),
                   .momentum = (double)adze_node_float (call->node, "momentum", 0.9f),
                   .training = adze_node_int (call->node, "training_mode", 0) != 0 };
  adze_status status = sizes_of (call, &job, 1);
  if (status == ADZE_OK)
    status = need_channels (call, 1, 5, job.channels);
  for (size_t i = 1; status == ADZE_OK && i < 3; i++)
    if (ref_out (call, i) && adze_view_count (call->outputs[i]) != (size_t)job.channels)
      status
          = ref_refuse (call, ADZE_E_FORMAT, "output %zu has not one number for each channel", i);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  job.from = ref_work_in (&work, 0);
  job.scale = ref_work_in (&work, 1);
  job.shift = ref_work_in (&work, 2);
  job.old_mean = ref_work_in (&work, 3);
  job.old_variance = ref_work_in (&work, 4);
  job.to = ref_work_out (&work, 0);
  job.mean = ref_work_out (&work, 1);
  job.variance = ref_work_out (&work, 2);
  return ref_work_run (&work, (size_t)job.channels, ref_cost (job.batch, job.inner, 4), batch_piece,
                       &job);
}

/* ---- InstanceNormalization. */

static adze_status
instance_piece (void *argument, size_t first, size_t last)
{
  const norm_job *job = (const norm_job *)argument;
  for (int64_t plane = (int64_t)first; plane < (int64_t)last; plane++) {
    double mean, variance;
    int64_t c = plane % job->channels, start = plane * job->inner;
    ref_moments (job->from + start, 1, 0, job->inner, &mean, &variance);
    double deviation = sqrt (variance + job->epsilon);
    for (int64_t at = start; at < start + job->inner; at++)
      job->to[at] = (job->from[at] - mean) / deviation * job->scale[c] + job->shift[c];
  }
  return ADZE_OK;
}

adze_status
ref_instance_normalization (ref_call *call)
{
  norm_job job = { .epsilon = (double)adze_node_float (call->node, "epsilon", 1e-5f) };
  adze_status status = sizes_of (call, &job, 2);
  if (status == ADZE_OK)
    status = need_channels (call, 1, 3, job.channels);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  job.from = ref_work_in (&work, 0);
  job.scale = ref_work_in (&work, 1);
  job.shift = ref_work_in (&work, 2);
  job.to = ref_work_out (&work, 0);
  size_t planes = ref_is_empty (call) ? 0 : (size_t)(job.batch * job.channels);
  return ref_work_run (&work, planes, ref_cost (job.inner, 4, 1), instance_piece, &job);
}

/* ---- LRN. */

static adze_status
lrn_piece (void *argument, size_t first, size_t last)
{
  const norm_job *job = (const norm_job *)argument;
  for (int64_t plane = (int64_t)first; plane < (int64_t)last; plane++) {
    int64_t n = plane / job->channels, c = plane % job->channels;
    int64_t low = ref_most (0, c - (job->size - 1) / 2);
    int64_t high = ref_least (job->channels - 1, c + job->size / 2);
    for (int64_t i = 0; i < job->inner; i++) {
      double squares = 0;
      for (int64_t near = low; near <= high; near++) {
        double number = job->from[(n * job->channels + near) * job->inner + i];
        squares += number * number;
      }
      int64_t at = plane * job->inner + i;
      job->to[at] = job->from[at]
                    / pow (job->bias + job->alpha / (double)job->size * squares, job->beta);
    }
  }
  return ADZE_OK;
}

adze_status
ref_lrn (ref_call *call)
{
  norm_job job = { .size = adze_node_int (call->node, "size", 0),
                   .alpha = (double)adze_node_float (call->node, "alpha", 1e-4f),
                   .beta = (double)adze_node_float (call->node, "beta", 0.75f),
                   .bias = (double)adze_node_float (call->node, "bias", 1) };
  adze_status status = sizes_of (call, &job, 2);
  if (status == ADZE_OK && (job.size < 1 || job.size > INT32_MAX))
    status = ref_refuse (call, ADZE_E_FORMAT, "size is %lld; it must be 1 or more",
                         (long long)job.size);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  job.from = ref_work_in (&work, 0);
  job.to = ref_work_out (&work, 0);
  size_t planes = ref_is_empty (call) ? 0 : (size_t)(job.batch * job.channels);
  return ref_work_run (&work, planes, ref_cost (job.inner, ref_least (job.size, job.channels), 1),
                       lrn_piece, &job);
}

/* ---- LpNormalization. */

static adze_status
lp_piece (void *argument, size_t first, size_t last)
{
  const norm_job *job = (const norm_job *)argument;
  for (int64_t line = (int64_t)first; line < (int64_t)last; line++) {
    int64_t start = line / job->inner * job->channels * job->inner + line % job->inner;
    double sum = 0;
    for (int64_t c = 0; c < job->channels; c++) {
      double number = job->from[start + c * job->inner];
      sum += job->power == 1 ? fabs (number) : number * number;
    }
    double norm = job->power == 1 ? sum : sqrt (sum);
    for (int64_t c = 0; c < job->channels; c++)
      job->to[start + c * job->inner]
          = norm == 0 ? 0 : job->from[start + c * job->inner] / norm;
  }
  return ADZE_OK;
}

adze_status
ref_lp_normalization (ref_call *call)
{
  norm_job job = { .power = adze_node_int (call->node, "p", 2) };
  int32_t axis = 0;
  adze_status status = ref_need_alike (call);
  if (status == ADZE_OK && job.power != 1 && job.power != 2)
    status = ref_refuse (call, ADZE_E_FORMAT, "p is %lld; it must be 1 or 2", (long long)job.power);
  if (status == ADZE_OK)
    status = ref_axis (call, adze_node_int (call->node, "axis", -1), call->inputs[0]->rank, &axis);
  if (status != ADZE_OK || ref_is_empty (call))
    return status;
  const adze_view *in = call->inputs[0];
  job.channels = in->shape[axis];
  job.inner = (int64_t)ref_product (in, axis + 1, in->rank);
  ref_work work = ref_work_begin (call);
  job.from = ref_work_in (&work, 0);
  job.to = ref_work_out (&work, 0);
  return ref_work_run (&work, adze_view_count (in) / (size_t)job.channels,
                       ref_cost (job.channels, 2, 1), lp_piece, &job);
}

/* ---- MeanVarianceNormalization. */

/* Numbers whose other coordinates are the same are one group. STEP[d]: how far the group's number
 * moves with dimension D; 0 for those that are reduced. Returns how many groups there are. */
static adze_status
group_steps (ref_call *call, int64_t *step, int64_t *groups)
{
  const adze_view *in = call->inputs[0];
  static const int64_t preset[] = { 0, 2, 3 };
  size_t count;
  const int64_t *axes = adze_node_ints (call->node, "axes", &count);
  bool reduced[ADZE_GRAPH_RANK] = { false };
  if (!axes)
    count = 3;
  for (size_t i = 0; i < count; i++) {
    int32_t axis = 0;
    adze_status status = ref_axis (call, axes ? axes[i] : preset[i], in->rank, &axis);
    if (status != ADZE_OK)
      return status;
    reduced[axis] = true;
  }
  *groups = 1;
  for (int32_t d = in->rank - 1; d >= 0; d--) {
    step[d] = reduced[d] ? 0 : *groups;
    *groups *= reduced[d] ? 1 : in->shape[d];
  }
  return ADZE_OK;
}

static int64_t
group_of (const adze_view *in, const int64_t *step, int64_t at)
{
  int64_t group = 0;
  for (int32_t d = in->rank - 1; d >= 0; d--) {
    group += at % in->shape[d] * step[d];
    at /= in->shape[d];
  }
  return group;
}

adze_status
ref_mean_variance_normalization (ref_call *call)
{
  int64_t step[ADZE_GRAPH_RANK], groups = 0;
  adze_status status = ref_need_alike (call);
  if (status != ADZE_OK || ref_is_empty (call))
    return status;
  const adze_view *in = call->inputs[0];
  if (in->rank > ADZE_GRAPH_RANK)
    return ref_refuse (call, ADZE_E_LIMIT, "input 0 has more than %d dimensions", ADZE_GRAPH_RANK);
  status = group_steps (call, step, &groups);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  const double *from = ref_work_in (&work, 0);
  double *to = ref_work_out (&work, 0);
  double *mean = ref_work_room (&work, (size_t)groups, sizeof *mean);
  double *variance = ref_work_room (&work, (size_t)groups, sizeof *variance);
  int64_t count = work.status == ADZE_OK ? (int64_t)adze_view_count (in) : 0;
  double each = (double)count / (double)groups;
  for (int64_t i = 0; i < count; i++)
    mean[group_of (in, step, i)] += from[i] / each;
  for (int64_t i = 0; i < count; i++) {
    double away = from[i] - mean[group_of (in, step, i)];
    variance[group_of (in, step, i)] += away * away / each;
  }
  /* The small number is part of the operator's definition. */
  for (int64_t i = 0; i < count; i++) {
    int64_t group = group_of (in, step, i);
    to[i] = (from[i] - mean[group]) / (sqrt (variance[group]) + 1e-9);
  }
  return ref_work_end (&work, work.status);
}
