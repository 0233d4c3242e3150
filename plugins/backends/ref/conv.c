/* SPDX-License-Identifier: Apache-2.0 */
/* conv.c: Conv and ConvTranspose. */
#include "conv.h"
#include "nn.h"

/* ---- Shapes. */

adze_status
ref_conv_of (ref_call *call, const adze_view *images, const adze_view *positions,
             const adze_view *weights, ref_conv *conv)
{
  *conv = (ref_conv){ .batch = 0 };
  if (!images || !positions || !weights)
    return ref_refuse (call, ADZE_E_FORMAT, "images, weights or its output are left out");
  if (images->rank < 3 || weights->rank != images->rank || positions->rank != images->rank)
    return ref_refuse (call, ADZE_E_FORMAT,
                       "images have %d dimensions, weights %d, the other images %d; it needs the "
                       "same number of each, three at least",
                       images->rank, weights->rank, positions->rank);
  adze_status status
      = ref_window_of (call, images, positions, weights->shape + 2, &conv->window);
  if (status != ADZE_OK)
    return status;
  conv->batch = images->shape[0];
  conv->outer = images->shape[1];
  conv->inner = positions->shape[1];
  conv->groups = adze_node_int (call->node, "group", 1);
  int64_t groups = conv->groups;
  if (groups < 1 || conv->inner % groups || conv->outer % groups)
    return ref_refuse (call, ADZE_E_FORMAT, "%lld and %lld channels cannot be cut in %lld groups",
                       (long long)conv->outer, (long long)conv->inner, (long long)groups);
  if (positions->shape[0] != conv->batch || weights->shape[0] != conv->inner
      || weights->shape[1] != conv->outer / groups)
    return ref_refuse (
        call, ADZE_E_FORMAT,
        "weights are for %lld and %lld channels in %lld groups; the images, %lld and "
        "%lld of them, have %lld and %lld",
        (long long)weights->shape[0], (long long)weights->shape[1], (long long)groups,
        (long long)conv->batch, (long long)positions->shape[0], (long long)conv->inner,
        (long long)conv->outer);
  return ADZE_OK;
}

/* ---- Images to positions. */

/* All that one row of positions gets of one row of an image, by one row of the kernel. Columns are
 * sums of their own, so the order within each is that of the calls. */
static void
gather_row (const ref_window *w, const double *image, const double *weights, double *row)
{
  for (int64_t k = 0; k < w->kernel[2]; k++) {
    int64_t first, last, stride = w->stride[2];
    ref_window_range (w, 2, k, &first, &last);
    double weight = weights[k];
    for (int64_t o = first; o < last; o++)
      row[o] += weight * image[o * stride - w->before[2] + k * w->dilation[2]];
  }
}

/* One row of positions, of one channel of one image of the batch. */
static void
gather_rows (const ref_conv *conv, int64_t n, int64_t m, int64_t o0, int64_t o1)
{
  const ref_window *w = &conv->window;
  int64_t part = conv->outer / conv->groups, group = m / (conv->inner / conv->groups);
  int64_t image = ref_volume (w->in), kernel = ref_volume (w->kernel);
  double *row = conv->to + (((n * conv->inner + m) * w->out[0] + o0) * w->out[1] + o1) * w->out[2];
  for (int64_t c = 0; c < part; c++) {
    const double *from = conv->from + (n * conv->outer + group * part + c) * image;
    const double *weights = conv->weights + (m * part + c) * kernel;
    for (int64_t k0 = 0; k0 < w->kernel[0]; k0++) {
      int64_t i0 = ref_window_at (w, 0, o0, k0);
      for (int64_t k1 = 0; i0 >= 0 && i0 < w->in[0] && k1 < w->kernel[1]; k1++) {
        int64_t i1 = ref_window_at (w, 1, o1, k1);
        if (i1 >= 0 && i1 < w->in[1])
          gather_row (w, from + (i0 * w->in[1] + i1) * w->in[2],
                      weights + (k0 * w->kernel[1] + k1) * w->kernel[2], row);
      }
    }
  }
  for (int64_t o = 0; conv->bias && o < w->out[2]; o++)
    row[o] += conv->bias[m];
}

static adze_status
gather_piece (void *argument, size_t first, size_t last)
{
  const ref_conv *conv = (const ref_conv *)argument;
  const int64_t *out = conv->window.out;
  for (int64_t i = (int64_t)first; i < (int64_t)last; i++) {
    int64_t channel = i / (out[0] * out[1]);
    gather_rows (conv, channel / conv->inner, channel % conv->inner, i / out[1] % out[0],
                 i % out[1]);
  }
  return ADZE_OK;
}

adze_status
ref_conv_gather (ref_work *work, ref_conv *conv)
{
  const ref_window *w = &conv->window;
  size_t rows = ref_is_empty (work->call)
                    ? 0
                    : (size_t)(conv->batch * conv->inner * w->out[0] * w->out[1]);
  size_t cost = ref_cost (w->out[2], conv->outer / conv->groups, ref_volume (w->kernel));
  return ref_work_run (work, rows, cost, gather_piece, conv);
}

/* ---- Positions to images. */

static void
scatter_row (const ref_window *w, const double *row, const double *weights, double *image)
{
  for (int64_t k = 0; k < w->kernel[2]; k++) {
    int64_t first, last, stride = w->stride[2];
    ref_window_range (w, 2, k, &first, &last);
    double weight = weights[k];
    for (int64_t o = first; o < last; o++)
      image[o * stride - w->before[2] + k * w->dilation[2]] += weight * row[o];
  }
}

/* What one channel of positions gives to one channel of an image. */
static void
scatter_channel (const ref_window *w, const double *from, const double *weights, double *image)
{
  for (int64_t k0 = 0; k0 < w->kernel[0]; k0++)
    for (int64_t k1 = 0; k1 < w->kernel[1]; k1++)
      for (int64_t o0 = 0; o0 < w->out[0]; o0++) {
        int64_t i0 = ref_window_at (w, 0, o0, k0);
        for (int64_t o1 = 0; i0 >= 0 && i0 < w->in[0] && o1 < w->out[1]; o1++) {
          int64_t i1 = ref_window_at (w, 1, o1, k1);
          if (i1 >= 0 && i1 < w->in[1])
            scatter_row (w, from + (o0 * w->out[1] + o1) * w->out[2],
                         weights + (k0 * w->kernel[1] + k1) * w->kernel[2],
                         image + (i0 * w->in[1] + i1) * w->in[2]);
        }
      }
}

static adze_status
scatter_piece (void *argument, size_t first, size_t last)
{
  const ref_conv *conv = (const ref_conv *)argument;
  const ref_window *w = &conv->window;
  int64_t part = conv->outer / conv->groups, members = conv->inner / conv->groups;
  int64_t volume = ref_volume (w->in), kernel = ref_volume (w->kernel);
  for (int64_t i = (int64_t)first; i < (int64_t)last; i++) {
    int64_t n = i / conv->outer, channel = i % conv->outer, group = channel / part;
    double *image = conv->to + i * volume;
    for (int64_t m = group * members; m < (group + 1) * members; m++)
      scatter_channel (w, conv->from + (n * conv->inner + m) * ref_volume (w->out),
                       conv->weights + (m * part + channel % part) * kernel, image);
    for (int64_t p = 0; conv->bias && p < volume; p++)
      image[p] += conv->bias[channel];
  }
  return ADZE_OK;
}

adze_status
ref_conv_scatter (ref_work *work, ref_conv *conv)
{
  const ref_window *w = &conv->window;
  size_t channels = ref_is_empty (work->call) ? 0 : (size_t)(conv->batch * conv->outer);
  size_t cost = ref_cost (ref_volume (w->out), conv->inner / conv->groups,
                          ref_volume (w->kernel));
  return ref_work_run (work, channels, cost, scatter_piece, conv);
}

/* ---- The operators. */

adze_status
ref_conv_forward (ref_call *call)
{
  ref_conv conv;
  adze_status status
      = ref_conv_of (call, ref_in (call, 0), ref_out (call, 0), ref_in (call, 1), &conv);
  if (status == ADZE_OK)
    status = ref_window_fits (call, &conv.window);
  if (status == ADZE_OK)
    status = ref_need_count (call, 2, "the bias", (size_t)conv.inner);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  conv.from = ref_work_in (&work, 0);
  conv.weights = ref_work_in (&work, 1);
  conv.bias = ref_work_in (&work, 2);
  conv.to = ref_work_out (&work, 0);
  return ref_conv_gather (&work, &conv);
}

adze_status
ref_conv_transpose (ref_call *call)
{
  ref_conv conv;
  adze_status status
      = ref_conv_of (call, ref_out (call, 0), ref_in (call, 0), ref_in (call, 1), &conv);
  if (status == ADZE_OK)
    status = ref_window_transposed (call, &conv.window);
  if (status == ADZE_OK)
    status = ref_need_count (call, 2, "the bias", (size_t)conv.outer);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  conv.from = ref_work_in (&work, 0);
  conv.weights = ref_work_in (&work, 1);
  conv.bias = ref_work_in (&work, 2);
  conv.to = ref_work_out (&work, 0);
  return ref_conv_scatter (&work, &conv);
}
