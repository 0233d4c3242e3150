/* SPDX-License-Identifier: Apache-2.0 */
/* resize.c: Resize. What an index of the result takes of the input is found for each
 * dimension by itself; an element is the sum over all of their combinations. */
#include "nn.h"
#include "work.h"

#include <math.h>

enum { TAPS = 4 };

/* What one index of a dimension takes. */
typedef struct taps {
  int count; /* 0: it lies outside, and is the extrapolation value */
  int64_t at[TAPS];
  double weight[TAPS];
} taps;

typedef struct resize_axis {
  int64_t in, out;
  double scale, length; /* LENGTH: of the result, not yet a whole number */
  double start, end;    /* of the part that is cropped */
  const taps *of;       /* each index */
} resize_axis;

typedef struct resize_job {
  const char *transformation, *nearest, *mode;
  double cubic, extrapolation;
  bool exclude;
  int32_t rank;
  resize_axis axis[ADZE_GRAPH_RANK];
  const double *from;
  double *to;
  const char *from_bytes; /* instead: elements are moved as they are */
  char *to_bytes;
  size_t size;
} resize_job;

/* ---- Where an index lies in the input. */

static double
crop (const resize_axis *axis, double x)
{
  double span = (double)(axis->in - 1);
  if (axis->out <= 1)
    return 0.5 * (axis->start + axis->end) * span;
  return axis->start * span + x * (axis->end - axis->start) * span / (axis->length - 1);
}

/* Corners on corners; NaN where the result is of one element. */
static double
align (const resize_axis *axis, double x)
{
  return axis->length == 1 ? 0 : x * (double)(axis->in - 1) / (axis->length - 1);
}

static bool
is_transformation (const char *name)
{
  static const char *const names[] = { "half_pixel", "pytorch_half_pixel", "align_corners",
                                       "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize" };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (ref_is (name, names[i]))
      return true;
  return false;
}

static double
origin (const resize_job *job, const resize_axis *axis, double x)
{
  const char *how = job->transformation;
  if (ref_is (how, "tf_crop_and_resize"))
    return crop (axis, x);
  if (ref_is (how, "align_corners"))
    return align (axis, x);
  if (ref_is (how, "asymmetric"))
    return x / axis->scale;
  if (ref_is (how, "tf_half_pixel_for_nn"))
    return (x + 0.5) / axis->scale;
  if (ref_is (how, "pytorch_half_pixel") && axis->out <= 1)
    return 0;
  return (x + 0.5) / axis->scale - 0.5;
}

/* ---- What it takes. */

static double
nearest_to (const resize_job *job, double x)
{
  if (ref_is (job->nearest, "floor"))
    return floor (x);
  if (ref_is (job->nearest, "ceil"))
    return ceil (x);
  return ref_is (job->nearest, "round_prefer_ceil") ? floor (x + 0.5) : ceil (x - 0.5);
}

void
ref_cubic_weights (double a, double ratio, double *weight)
{
  double r = ratio, q = 1 - ratio;
  weight[0] = ((a * (r + 1) - 5 * a) * (r + 1) + 8 * a) * (r + 1) - 4 * a;
  weight[1] = ((a + 2) * r - (a + 3)) * r * r + 1;
  weight[2] = ((a + 2) * q - (a + 3)) * q * q + 1;
  weight[3] = ((a * (q + 1) - 5 * a) * (q + 1) + 8 * a) * (q + 1) - 4 * a;
}

/* Neighbours FIRST and on, with the weights that are there: those without any are left out, those
 * outside are the element at the edge, or not counted. */
static void
gather (const resize_job *job, const resize_axis *axis, int64_t first, int count,
        const double *weight, taps *into)
{
  double sum = 0;
  into->count = 0;
  for (int i = 0; i < count; i++) {
    int64_t at = first + i;
    bool outside = at < 0 || at >= axis->in;
    if (weight[i] == 0 || (job->exclude && outside))
      continue;
    into->at[into->count] = ref_most (0, ref_least (at, axis->in - 1));
    into->weight[into->count++] = weight[i];
    sum += weight[i];
  }
  if (into->count == 0 || (job->exclude && sum == 0)) {
    *into = (taps){ .count = 1, .at = { ref_most (0, ref_least (first, axis->in - 1)) } };
    into->weight[0] = 1;
    return;
  }
  for (int i = 0; job->exclude && i < into->count; i++)
    into->weight[i] /= sum;
}

static void
taps_of (const resize_job *job, const resize_axis *axis, int64_t index, taps *into)
{
  double x = origin (job, axis, (double)index), weight[TAPS] = { 1 };
  if (ref_is (job->transformation, "tf_crop_and_resize")
      && !(x >= 0 && x <= (double)(axis->in - 1))) {
    into->count = 0;
    return;
  }
  /* Far outside all is the same, and integers have an end. */
  x = x == x ? fmin (fmax (x, -8), (double)axis->in + 8) : 0;
  double left = ref_is (job->mode, "nearest") ? nearest_to (job, x) : floor (x);
  double ratio = x - left;
  if (ref_is (job->mode, "nearest")) {
    gather (job, axis, (int64_t)left, 1, weight, into);
  } else if (ref_is (job->mode, "linear")) {
    weight[0] = 1 - ratio;
    weight[1] = ratio;
    gather (job, axis, (int64_t)left, 2, weight, into);
  } else {
    ref_cubic_weights (job->cubic, ratio, weight);
    gather (job, axis, (int64_t)left - 1, TAPS, weight, into);
  }
}

/* ---- Elements. */

static double
mix (const resize_job *job, const taps *const *of, int32_t d, int64_t at)
{
  if (d == job->rank)
    return job->from[at];
  double sum = 0;
  for (int i = 0; i < of[d]->count; i++)
    sum += of[d]->weight[i] * mix (job, of, d + 1, at * job->axis[d].in + of[d]->at[i]);
  return sum;
}

static void
one_element (const resize_job *job, size_t element)
{
  const taps *of[ADZE_GRAPH_RANK];
  bool outside = false;
  int64_t rest = (int64_t)element, at = 0;
  for (int32_t d = job->rank - 1; d >= 0; d--) {
    of[d] = &job->axis[d].of[rest % job->axis[d].out];
    rest /= job->axis[d].out;
    outside = outside || of[d]->count == 0;
  }
  if (job->to) {
    job->to[element] = outside ? job->extrapolation : mix (job, of, 0, 0);
    return;
  }
  for (int32_t d = 0; d < job->rank; d++)
    at = at * job->axis[d].in + of[d]->at[0];
  memcpy (job->to_bytes + element * job->size, job->from_bytes + (size_t)at * job->size, job->size);
}

static adze_status
resize_piece (void *argument, size_t first, size_t last)
{
  const resize_job *job = (const resize_job *)argument;
  for (size_t i = first; i < last; i++)
    one_element (job, i);
  return ADZE_OK;
}

/* ---- Reading the node. */

static adze_status
attributes_of (ref_call *call, resize_job *job)
{
  static const char *const roundings[]
      = { "round_prefer_floor", "round_prefer_ceil", "floor", "ceil" };
  bool known = false;
  for (size_t i = 0; i < 4; i++)
    known = known || ref_is (job->nearest, roundings[i]);
  if (!known)
    return ref_refuse (call, ADZE_E_UNSUPPORTED, "nearest_mode '%s' is not known", job->nearest);
  if (!is_transformation (job->transformation))
    return ref_refuse (call, ADZE_E_UNSUPPORTED, "coordinate_transformation_mode '%s' is not known",
                       job->transformation);
  if (!ref_is (job->mode, "nearest") && !ref_is (job->mode, "linear")
      && !ref_is (job->mode, "cubic"))
    return ref_refuse (call, ADZE_E_UNSUPPORTED, "mode '%s' is not known", job->mode);
  return ADZE_OK;
}

static adze_status
sizes_of (ref_call *call, resize_job *job)
{
  const adze_view *in = ref_in (call, 0), *out = ref_out (call, 0);
  if (!in || !out || in->rank != out->rank || in->rank > ADZE_GRAPH_RANK)
    return ref_refuse (call, ADZE_E_FORMAT,
                       "its input and its output must have as many dimensions");
  job->rank = in->rank;
  for (int32_t d = 0; d < in->rank; d++) {
    if (in->shape[d] == 0 && adze_view_count (out) > 0)
      return ref_refuse (call, ADZE_E_FORMAT, "dimension %d of its input has no elements", d);
    job->axis[d] = (resize_axis){ .in = in->shape[d],
                                  .out = out->shape[d],
                                  .scale = (double)out->shape[d] / (double)in->shape[d],
                                  .length = (double)out->shape[d],
                                  .end = 1 };
  }
  return ADZE_OK;
}

/* SCALES, one for each dimension; none where sizes are given instead. */
static adze_status
take_scales (ref_call *call, resize_job *job, const double *scales, size_t count)
{
  if (!scales || count == 0)
    return ADZE_OK;
  if (count != (size_t)job->rank)
    return ref_refuse (call, ADZE_E_FORMAT, "there are %zu scales for %d dimensions", count,
                       job->rank);
  for (int32_t d = 0; d < job->rank; d++) {
    if (!(scales[d] > 0 && isfinite (scales[d])))
      return ref_refuse (call, ADZE_E_FORMAT, "scale %d is %g; it must be above 0", d, scales[d]);
    job->axis[d].scale = scales[d];
    job->axis[d].length = scales[d] * (double)job->axis[d].in;
  }
  return ADZE_OK;
}

static adze_status
take_part (ref_work *work, resize_job *job, size_t index)
{
  const adze_view *roi = ref_in (work->call, index);
  if (!ref_is (job->transformation, "tf_crop_and_resize"))
    return ADZE_OK;
  if (!roi || adze_view_count (roi) != 2 * (size_t)job->rank)
    return ref_refuse (work->call, ADZE_E_FORMAT,
                       "tf_crop_and_resize needs a roi of two numbers for each dimension");
  const double *part = ref_work_in (work, index);
  for (int32_t d = 0; part && d < job->rank; d++) {
    job->axis[d].start = part[d];
    job->axis[d].end = part[job->rank + d];
  }
  return work->status;
}

/* ---- The operator. */

static adze_status
resize_run (ref_work *work, resize_job *job)
{
  const adze_view *in = work->call->inputs[0], *out = work->call->outputs[0];
  if (work->status != ADZE_OK || adze_view_count (out) == 0)
    return work->status;
  for (int32_t d = 0; d < job->rank; d++) {
    taps *of = ref_work_room (work, (size_t)job->axis[d].out, sizeof *of);
    for (int64_t i = 0; of && i < job->axis[d].out; i++)
      taps_of (job, &job->axis[d], i, &of[i]);
    job->axis[d].of = of;
  }
  if (ref_is (job->mode, "nearest") && !ref_is (job->transformation, "tf_crop_and_resize")) {
    job->size = ref_size_of (in->dtype);
    job->from_bytes = adze_view_data (in);
    job->to_bytes = adze_view_data (out);
    if (!adze_dtype_same (in->dtype, out->dtype) || job->size == 0)
      return ref_refuse_type (work->call, 0);
  } else {
    job->from = ref_work_in (work, 0);
    job->to = ref_work_out (work, 0);
  }
  return ref_work_run (work, adze_view_count (out), 64, resize_piece, job);
}

/* X, roi, scales, sizes */
adze_status
ref_resize (ref_call *call)
{
  const adze_graph_node *node = call->node;
  resize_job job
      = { .transformation
          = adze_node_text (node, "coordinate_transformation_mode", "half_pixel"),
          .nearest = adze_node_text (node, "nearest_mode", "round_prefer_floor"),
          .mode = adze_node_text (node, "mode", "nearest"),
          .cubic = (double)adze_node_float (node, "cubic_coeff_a", -0.75f),
          .extrapolation = (double)adze_node_float (node, "extrapolation_value", 0),
          .exclude = adze_node_int (node, "exclude_outside", 0) != 0 };
  adze_status status = attributes_of (call, &job);
  if (status == ADZE_OK)
    status = sizes_of (call, &job);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  const adze_view *scales = ref_in (call, 2);
  work.status = take_part (&work, &job, 1);
  const double *numbers = ref_work_in (&work, 2);
  if (work.status == ADZE_OK)
    work.status = take_scales (call, &job, numbers, scales ? adze_view_count (scales) : 0);
  return resize_run (&work, &job);
}
