/* SPDX-License-Identifier: Apache-2.0 */
/* conv_grad.c: adze.ConvGradInput and adze.ConvGradWeight, which have the attributes of the Conv
 * that they are the gradients of. Both are linear in each of their inputs, so each is the gradient
 * of the others. */
#include "conv.h"
#include "nn.h"

/* dY, W, something of the shape of X: gives the gradient of X. */
adze_status
ref_conv_grad_input (ref_call *call)
{
  ref_conv conv;
  adze_status status
      = ref_conv_of (call, ref_out (call, 0), ref_in (call, 0), ref_in (call, 1), &conv);
  if (status == ADZE_OK)
    status = ref_window_fits (call, &conv.window);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  conv.from = ref_work_in (&work, 0);
  conv.weights = ref_work_in (&work, 1);
  conv.to = ref_work_out (&work, 0);
  return ref_conv_scatter (&work, &conv);
}

/* ---- Weights. */

typedef struct weight_job {
  ref_conv conv;
  const double *gradient; /* of the positions */
  double *to;             /* like the weights */
} weight_job;

/* One place of the kernel: the sum over all positions of one image. */
static double
place_sum (const ref_window *w, const double *image, const double *gradient, const int64_t *k)
{
  double sum = 0;
  int64_t first, last;
  ref_window_range (w, 2, k[2], &first, &last);
  for (int64_t o0 = 0; o0 < w->out[0]; o0++) {
    int64_t i0 = ref_window_at (w, 0, o0, k[0]);
    for (int64_t o1 = 0; i0 >= 0 && i0 < w->in[0] && o1 < w->out[1]; o1++) {
      int64_t i1 = ref_window_at (w, 1, o1, k[1]);
      if (i1 < 0 || i1 >= w->in[1])
        continue;
      const double *row = image + (i0 * w->in[1] + i1) * w->in[2];
      const double *slope = gradient + (o0 * w->out[1] + o1) * w->out[2];
      for (int64_t o = first; o < last; o++)
        sum += slope[o] * row[ref_window_at (w, 2, o, k[2])];
    }
  }
  return sum;
}

/* Items are the places of all kernels. */
static adze_status
weight_piece (void *argument, size_t first, size_t last)
{
  const weight_job *job = (const weight_job *)argument;
  const ref_conv *conv = &job->conv;
  const ref_window *w = &conv->window;
  int64_t part = conv->outer / conv->groups, kernel = ref_volume (w->kernel);
  for (int64_t i = (int64_t)first; i < (int64_t)last; i++) {
    int64_t m = i / kernel / part, c = i / kernel % part, group = m / (conv->inner / conv->groups);
    int64_t k[3] = { i % kernel / (w->kernel[1] * w->kernel[2]), i / w->kernel[2] % w->kernel[1],
                     i % w->kernel[2] };
    double sum = 0;
    for (int64_t n = 0; n < conv->batch; n++)
      sum += place_sum (w, conv->from + (n * conv->outer + group * part + c) * ref_volume (w->in),
                        job->gradient + (n * conv->inner + m) * ref_volume (w->out), k);
    job->to[i] = sum;
  }
  return ADZE_OK;
}

/* dY, X, something of the shape of W: gives the gradient of W. */
adze_status
ref_conv_grad_weight (ref_call *call)
{
  weight_job job = { .gradient = NULL };
  const adze_view *weights = ref_out (call, 0);
  adze_status status
      = ref_conv_of (call, ref_in (call, 1), ref_in (call, 0), weights, &job.conv);
  if (status == ADZE_OK)
    status = ref_window_fits (call, &job.conv.window);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  job.gradient = ref_work_in (&work, 0);
  job.conv.from = ref_work_in (&work, 1);
  job.to = ref_work_out (&work, 0);
  size_t cost = ref_cost (job.conv.batch, ref_volume (job.conv.window.out), 1);
  return ref_work_run (&work, adze_view_count (weights), cost, weight_piece, &job);
}
