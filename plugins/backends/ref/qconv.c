/* SPDX-License-Identifier: Apache-2.0 */
/* qconv.c: ConvInteger and QLinearConv, in integers. */
#include "conv.h"
#include "quant.h"

typedef struct qconv_job {
  ref_conv conv; /* shapes alone */
  const int32_t *from, *weights;
  const int64_t *bias;
  const ref_rescale *scale; /* NULL: the sums are the result */
  double *to;
} qconv_job;

/* One channel of an image under one kernel, of which position O sees a part. Padding is the zero
 * point, which is 0 here. */
static int64_t
channel_sum (const ref_window *w, const int32_t *image, const int32_t *weights, const int64_t *o)
{
  int64_t sum = 0;
  for (int64_t k0 = 0; k0 < w->kernel[0]; k0++) {
    int64_t i0 = ref_window_at (w, 0, o[0], k0);
    for (int64_t k1 = 0; i0 >= 0 && i0 < w->in[0] && k1 < w->kernel[1]; k1++) {
      int64_t i1 = ref_window_at (w, 1, o[1], k1);
      for (int64_t k2 = 0; i1 >= 0 && i1 < w->in[1] && k2 < w->kernel[2]; k2++) {
        int64_t i2 = ref_window_at (w, 2, o[2], k2);
        if (i2 >= 0 && i2 < w->in[2])
          sum += (int64_t)image[(i0 * w->in[1] + i1) * w->in[2] + i2]
                 * weights[(k0 * w->kernel[1] + k1) * w->kernel[2] + k2];
      }
    }
  }
  return sum;
}

/* Items are elements of the result. */
static adze_status
qconv_piece (void *argument, size_t first, size_t last)
{
  const qconv_job *job = (const qconv_job *)argument;
  const ref_conv *conv = &job->conv;
  const ref_window *w = &conv->window;
  int64_t part = conv->outer / conv->groups, positions = ref_volume (w->out);
  for (int64_t i = (int64_t)first; i < (int64_t)last; i++) {
    int64_t n = i / positions / conv->inner, m = i / positions % conv->inner;
    int64_t group = m / (conv->inner / conv->groups), sum = job->bias ? job->bias[m] : 0;
    int64_t o[3] = { i % positions / (w->out[1] * w->out[2]), i / w->out[2] % w->out[1],
                     i % w->out[2] };
    for (int64_t c = 0; c < part; c++)
      sum += channel_sum (w, job->from + (n * conv->outer + group * part + c) * ref_volume (w->in),
                          job->weights + (m * part + c) * ref_volume (w->kernel), o);
    /* Sums have 32 bits; what they may overflow by is lost. */
    job->to[i] = job->scale ? ref_rescaled (job->scale, sum, 0, (size_t)m)
                            : (double)(int32_t)(uint32_t)(uint64_t)sum;
  }
  return ADZE_OK;
}

/* ZEROS: inputs of the two zero points; X and W are inputs 0 and WEIGHTS. */
static adze_status
qconv_run (ref_work *work, qconv_job *job, size_t weights, size_t x_zero, size_t w_zero)
{
  const ref_conv *conv = &job->conv;
  int64_t each = ref_is_empty (work->call)
                     ? 1
                     : ref_most (1, conv->outer / conv->groups * ref_volume (conv->window.kernel));
  job->from = ref_centred (work, 0, x_zero, 1, 1);
  job->weights = ref_centred (work, weights, w_zero, each, conv->inner);
  job->to = ref_work_out (work, 0);
  return ref_work_run (work,
                       ref_is_empty (work->call) ? 0 : adze_view_count (work->call->outputs[0]),
                       ref_cost (each, 1, 1), qconv_piece, job);
}

static adze_status
shapes_of (ref_call *call, size_t weights, ref_conv *conv)
{
  adze_status status
      = ref_conv_of (call, ref_in (call, 0), ref_out (call, 0), ref_in (call, weights), conv);
  return status == ADZE_OK ? ref_window_fits (call, &conv->window) : status;
}

/* x, w, x_zero_point, w_zero_point */
adze_status
ref_conv_integer (ref_call *call)
{
  qconv_job job = { .scale = NULL };
  adze_status status = shapes_of (call, 1, &job.conv);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  return qconv_run (&work, &job, 1, 2, 3);
}

/* x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, B */
adze_status
ref_qlinear_conv (ref_call *call)
{
  qconv_job job = { .scale = NULL };
  adze_status status = shapes_of (call, 3, &job.conv);
  for (size_t i = 1; status == ADZE_OK && i < 8; i++)
    status = ref_need (call, i, "a scale or a zero point");
  if (status == ADZE_OK)
    status = ref_need_count (call, 1, "x_scale", 1);
  if (status == ADZE_OK && adze_view_count (call->inputs[4]) != 1)
    status = ref_need_count (call, 4, "w_scale", (size_t)job.conv.inner);
  if (status == ADZE_OK)
    status = ref_need_count (call, 8, "B", (size_t)job.conv.inner);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  ref_rescale scale = { .a = ref_work_in (&work, 1),
                        .b = ref_work_in (&work, 4),
                        .a_count = 1,
                        .b_count = adze_view_count (call->inputs[4]),
                        .result = ref_work_scalar (&work, 6, 1),
                        .zero = ref_work_scalar (&work, 7, 0) };
  job.scale = &scale;
  job.bias = ref_work_ints (&work, 8);
  return qconv_run (&work, &job, 3, 2, 5);
}
