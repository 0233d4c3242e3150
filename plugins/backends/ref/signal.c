/* SPDX-License-Identifier: Apache-2.0 */
/* signal.c: DFT and STFT by their definition, windows, MelWeightMatrix. */
#include "nn.h"
#include "work.h"

#include <math.h>

static const double turn = 6.28318530717958647692;

/* ---- Transforms. */

typedef struct transform {
  int64_t length;    /* numbers that are transformed together */
  int64_t given;     /* of them, those that there are; the rest is 0 */
  int64_t bins;      /* of the result */
  int64_t parts;     /* 1: real numbers, 2: complex ones */
  int64_t lines, inner;
  int64_t from_step, to_step; /* from one number of a line to the next, in numbers */
  int64_t frames, hop, signal; /* of STFT */
  bool inverse;
  const double *from, *window, *circle; /* CIRCLE: cosine and sine of each LENGTH-th of a turn */
  double *to;
} transform;

static const double *
circle_of (ref_work *work, int64_t length, bool inverse)
{
  double *circle = ref_work_room (work, (size_t)length, 2 * sizeof *circle);
  for (int64_t i = 0; circle && i < length; i++) {
    double angle = turn * (double)i / (double)length;
    circle[2 * i] = cos (angle);
    circle[2 * i + 1] = inverse ? sin (angle) : -sin (angle);
  }
  return circle;
}

/* Bin K of the line that begins at FROM. */
static void
bin_of (const transform *t, const double *from, int64_t k, double *to)
{
  double real = 0, imaginary = 0;
  for (int64_t i = 0, at = 0; i < t->given; i++, at = (at + k) % t->length) {
    const double *number = from + i * t->from_step * t->parts;
    double weight = t->window ? t->window[i] : 1;
    double a = number[0] * weight, b = t->parts == 2 ? number[1] * weight : 0;
    real += a * t->circle[2 * at] - b * t->circle[2 * at + 1];
    imaginary += a * t->circle[2 * at + 1] + b * t->circle[2 * at];
  }
  double scale = t->inverse ? (double)t->length : 1;
  to[0] = real / scale;
  to[1] = imaginary / scale;
}

/* Items are bins of all lines. */
static adze_status
dft_piece (void *argument, size_t first, size_t last)
{
  const transform *t = (const transform *)argument;
  for (int64_t i = (int64_t)first; i < (int64_t)last; i++) {
    int64_t line = i / t->bins, k = i % t->bins, outer = line / t->inner, inner = line % t->inner;
    bin_of (t, t->from + (outer * t->signal * t->inner + inner) * t->parts, k,
            t->to + ((outer * t->bins + k) * t->inner + inner) * 2);
  }
  return ADZE_OK;
}

/* The one number of input INDEX, or PRESET where it is left out; at least 1. */
static int64_t
length_of (ref_work *work, size_t index, int64_t preset)
{
  double length = ref_work_scalar (work, index, (double)preset);
  if (work->status == ADZE_OK && !(length >= 1 && length <= INT32_MAX)) {
    work->status = ref_refuse (work->call, ADZE_E_FORMAT,
                               "input %zu is %g; it must be a length from 1 on", index, length);
    return 1;
  }
  return work->status == ADZE_OK ? (int64_t)length : 1;
}

/* Are these a real or complex signal and its transform? */
static bool
is_signal (const adze_view *in, const adze_view *out, int32_t least_rank)
{
  return in && out && in->rank >= least_rank && out->rank >= least_rank
         && (in->shape[in->rank - 1] == 1 || in->shape[in->rank - 1] == 2)
         && out->shape[out->rank - 1] == 2;
}

adze_status
ref_dft (ref_call *call)
{
  const adze_view *in = ref_in (call, 0), *out = ref_out (call, 0);
  int32_t axis = 0;
  if (!is_signal (in, out, 2) || in->rank != out->rank)
    return ref_refuse (call, ADZE_E_FORMAT, "its input must end in a dimension of 1 or 2, and its "
                       "output in one of 2");
  adze_status status = ref_axis (call, adze_node_int (call->node, "axis", 1), in->rank - 1, &axis);
  for (int32_t d = 0; status == ADZE_OK && d < in->rank - 1; d++)
    if (d != axis && in->shape[d] != out->shape[d])
      status = ref_refuse (call, ADZE_E_FORMAT, "dimension %d is %lld before and %lld after", d,
                           (long long)in->shape[d], (long long)out->shape[d]);
  if (status != ADZE_OK || ref_is_empty (call))
    return status;
  ref_work work = ref_work_begin (call);
  transform t = { .signal = in->shape[axis],
                  .bins = out->shape[axis],
                  .parts = in->shape[in->rank - 1],
                  .inner = (int64_t)ref_product (in, axis + 1, in->rank - 1),
                  .inverse = adze_node_int (call->node, "inverse", 0) != 0 };
  t.from_step = t.inner;
  t.length = length_of (&work, 1, t.signal);
  t.given = ref_least (t.length, t.signal);
  t.circle = circle_of (&work, t.length, t.inverse);
  t.from = ref_work_in (&work, 0);
  t.to = ref_work_out (&work, 0);
  return ref_work_run (&work, adze_view_count (out) / 2, ref_cost (t.given, 4, 1), dft_piece, &t);
}

/* ---- STFT. */

static adze_status
stft_piece (void *argument, size_t first, size_t last)
{
  const transform *t = (const transform *)argument;
  for (int64_t i = (int64_t)first; i < (int64_t)last; i++) {
    int64_t frame = i / t->bins, batch = frame / t->frames;
    bin_of (t, t->from + (batch * t->signal + frame % t->frames * t->hop) * t->parts, i % t->bins,
            t->to + i * 2);
  }
  return ADZE_OK;
}

/* signal, frame_step, window, frame_length */
adze_status
ref_stft (ref_call *call)
{
  const adze_view *in = ref_in (call, 0), *out = ref_out (call, 0), *window = ref_in (call, 2);
  if (!is_signal (in, out, 3) || in->rank != 3 || out->rank != 4
      || in->shape[0] != out->shape[0])
    return ref_refuse (
        call, ADZE_E_FORMAT,
        "its input must be batch, signal, 1 or 2; its output batch, frames, bins, 2");
  if (ref_is_empty (call))
    return ADZE_OK;
  ref_work work = ref_work_begin (call);
  transform t = { .signal = in->shape[1],
                  .frames = out->shape[1],
                  .bins = out->shape[2],
                  .parts = in->shape[2],
                  .from_step = 1 };
  t.hop = length_of (&work, 1, 1);
  t.length = length_of (&work, 3, window ? (int64_t)adze_view_count (window) : t.signal);
  t.given = t.length;
  t.window = ref_work_in (&work, 2);
  if (work.status == ADZE_OK && t.window)
    work.status = ref_need_count (call, 2, "the window", (size_t)t.length);
  if (work.status == ADZE_OK
      && (t.frames > t.signal || (t.frames - 1) * t.hop + t.length > t.signal))
    work.status = ref_refuse (call, ADZE_E_FORMAT,
                              "%lld frames of %lld with a step of %lld are more than a signal of "
                              "%lld",
                              (long long)t.frames, (long long)t.length, (long long)t.hop,
                              (long long)t.signal);
  t.circle = circle_of (&work, t.length, false);
  t.from = ref_work_in (&work, 0);
  t.to = ref_work_out (&work, 0);
  return ref_work_run (&work, adze_view_count (out) / 2, ref_cost (t.given, 4, 1), stft_piece, &t);
}

/* ---- Windows. */

/* a - b cos (x) + c cos (2 x), where x goes once around. */
static adze_status
cosine_window (ref_call *call, double a, double b, double c)
{
  ref_work work = ref_work_begin (call);
  double *to = ref_work_out (&work, 0);
  int64_t count = to ? (int64_t)adze_view_count (call->outputs[0]) : 0;
  int64_t steps = adze_node_int (call->node, "periodic", 1) ? count : count - 1;
  for (int64_t i = 0; i < count; i++) {
    double x = steps > 0 ? turn * (double)i / (double)steps : turn / 2;
    to[i] = a - b * cos (x) + c * cos (2 * x);
  }
  return ref_work_end (&work, work.status);
}

adze_status
ref_hann_window (ref_call *call)
{
  return cosine_window (call, 0.5, 0.5, 0);
}

adze_status
ref_hamming_window (ref_call *call)
{
  return cosine_window (call, 25.0 / 46, 21.0 / 46, 0);
}

adze_status
ref_blackman_window (ref_call *call)
{
  return cosine_window (call, 0.42, 0.5, 0.08);
}

/* ---- MelWeightMatrix. */

static double
mel_of (double hertz)
{
  return 2595 * log10 (1 + hertz / 700);
}

/* A triangle: from 0 at LEFT up to 1 at the middle and down to 0 at RIGHT, in column COLUMN. */
static void
triangle (double *to, int64_t rows, int64_t columns, int64_t column, const int64_t *edges)
{
  int64_t left = edges[0], middle = edges[1], right = edges[2];
  if (middle == left)
    to[middle * columns + column] = 1;
  for (int64_t row = left; middle > left && row <= middle; row++)
    to[row * columns + column] = (double)(row - left) / (double)(middle - left);
  for (int64_t row = middle; row < right && row < rows; row++)
    to[row * columns + column] = (double)(right - row) / (double)(right - middle);
}

/* num_mel_bins, dft_length, sample_rate, lower_edge_hertz, upper_edge_hertz */
adze_status
ref_mel_weight_matrix (ref_call *call)
{
  const adze_view *out = ref_out (call, 0);
  ref_work work = ref_work_begin (call);
  int64_t bins = length_of (&work, 0, 0), length = length_of (&work, 1, 0);
  double rate = ref_work_scalar (&work, 2, 0);
  double low = mel_of (ref_work_scalar (&work, 3, 0)),
         high = mel_of (ref_work_scalar (&work, 4, 0));
  int64_t rows = length / 2 + 1;
  if (work.status == ADZE_OK
      && (!out || out->rank != 2 || out->shape[0] != rows || out->shape[1] != bins))
    work.status = ref_refuse (call, ADZE_E_FORMAT, "its output is not of [%lld, %lld]",
                              (long long)rows, (long long)bins);
  double *to = ref_work_out (&work, 0);
  int64_t *edges = ref_work_room (&work, (size_t)bins + 2, sizeof *edges);
  for (int64_t i = 0; edges && work.status == ADZE_OK && i < bins + 2; i++) {
    double mel = (double)i * ((high - low) / (double)(bins + 2)) + low;
    double edge = floor ((double)(length + 1) * (700 * (pow (10, mel / 2595) - 1)) / rate);
    edges[i] = edge >= 0 && edge <= 2.0 * (double)rows ? (int64_t)edge : -1;
    /* The last one is where the last triangle is 0 already. */
    if (edges[i] < 0 || (i <= bins && edges[i] >= rows) || (i > 0 && edges[i] < edges[i - 1]))
      work.status = ref_refuse (call, ADZE_E_FORMAT,
                                "edges and sample rate put a triangle's corner at %g of %lld rows",
                                edge, (long long)rows);
  }
  for (int64_t i = 0; to && work.status == ADZE_OK && i < bins; i++)
    triangle (to, rows, bins, i, edges + i);
  return ref_work_end (&work, work.status);
}
