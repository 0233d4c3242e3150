/* SPDX-License-Identifier: Apache-2.0 */
/* quant.c: numbers to integers and back, and the table of the quantised operators. */
#include "quant.h"

#include <math.h>

/* ---- What the products share. */

const int32_t *
ref_centred (ref_work *work, size_t index, size_t zero, int64_t inner, int64_t count)
{
  const adze_view *view = ref_in (work->call, index), *zeros = ref_in (work->call, zero);
  const int64_t *numbers = ref_work_ints (work, index), *points = ref_work_ints (work, zero);
  if (!numbers || work->status != ADZE_OK)
    return NULL;
  size_t point_count = zeros ? adze_view_count (zeros) : 0;
  if (view->dtype.bits != 8 || (zeros && zeros->dtype.bits != 8)) {
    work->status = ref_refuse_type (work->call, view->dtype.bits != 8 ? index : zero);
    return NULL;
  }
  if (zeros && point_count != 1 && point_count != (size_t)count) {
    work->status = ref_refuse (work->call, ADZE_E_FORMAT,
                               "input %zu has %zu zero points; it needs 1 or %lld", zero,
                               point_count, (long long)count);
    return NULL;
  }
  size_t elements = adze_view_count (view);
  int32_t *room = ref_work_room (work, elements, sizeof *room);
  for (size_t i = 0; room && i < elements; i++) {
    size_t part = point_count > 1 ? i / (size_t)inner % (size_t)count : 0;
    room[i] = (int32_t)(numbers[i] - (points ? points[part] : 0));
  }
  return room;
}

double
ref_rescaled (const ref_rescale *scale, int64_t sum, size_t a, size_t b)
{
  double step = scale->a[scale->a_count > 1 ? a : 0] * scale->b[scale->b_count > 1 ? b : 0];
  return nearbyint ((double)sum * (step / scale->result)) + scale->zero;
}

/* ---- QuantizeLinear and DequantizeLinear. */

typedef struct linear_job {
  const double *from, *scales, *zeros;
  double *to;
  size_t inner, parts; /* element I has scale I / INNER % PARTS */
  bool in_double;
} linear_job;

/* Scale and zero point: one for all, or one for each index of an axis. */
static adze_status
linear_of (ref_call *call, linear_job *job)
{
  adze_status status = ref_need_alike (call);
  if (status == ADZE_OK)
    status = ref_need (call, 1, "the scale");
  if (status != ADZE_OK)
    return status;
  const adze_view *in = call->inputs[0];
  size_t scales = adze_view_count (call->inputs[1]);
  job->inner = job->parts = 1;
  if (scales != 1) {
    int32_t axis = 0;
    status = ref_axis (call, adze_node_int (call->node, "axis", 1), in->rank, &axis);
    if (status != ADZE_OK)
      return status;
    if (scales != (size_t)in->shape[axis])
      return ref_refuse (call, ADZE_E_FORMAT, "there are %zu scales, and %lld along axis %d",
                         scales, (long long)in->shape[axis], axis);
    job->parts = scales;
    job->inner = ref_product (in, axis + 1, in->rank);
  }
  return ref_need_count (call, 2, "the zero point", scales);
}

static adze_status
linear_run (ref_call *call, adze_parallel_body body)
{
  linear_job job = { .parts = 1 };
  adze_status status = linear_of (call, &job);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  job.in_double = ref_view_type (call->inputs[0]) == REF_F64;
  job.from = ref_work_in (&work, 0);
  job.scales = ref_work_in (&work, 1);
  job.zeros = ref_work_in (&work, 2);
  job.to = ref_work_out (&work, 0);
  return ref_work_run (&work, ref_is_empty (call) ? 0 : adze_view_count (call->inputs[0]), 4, body,
                       &job);
}

/* The quotient is rounded to a float first, as the definition has it: it decides where a number
 * half way between two integers goes. The writer cuts off what is beyond the type. */
static double
quantised (double number, double scale, double zero, bool in_double)
{
  double steps = in_double ? number / scale : (double)((float)number / (float)scale);
  return nearbyint (steps) + zero;
}

static adze_status
quantize_piece (void *argument, size_t first, size_t last)
{
  const linear_job *job = (const linear_job *)argument;
  for (size_t i = first; i < last; i++) {
    size_t part = i / job->inner % job->parts;
    job->to[i] = quantised (job->from[i], job->scales[part], job->zeros ? job->zeros[part] : 0,
                            job->in_double);
  }
  return ADZE_OK;
}

static adze_status
dequantize_piece (void *argument, size_t first, size_t last)
{
  const linear_job *job = (const linear_job *)argument;
  for (size_t i = first; i < last; i++) {
    size_t part = i / job->inner % job->parts;
    job->to[i] = (job->from[i] - (job->zeros ? job->zeros[part] : 0)) * job->scales[part];
  }
  return ADZE_OK;
}

static adze_status
quantize_linear (ref_call *call)
{
  return linear_run (call, quantize_piece);
}

static adze_status
dequantize_linear (ref_call *call)
{
  return linear_run (call, dequantize_piece);
}

/* ---- DynamicQuantizeLinear. */

/* The range, which has zero in it, spread over a byte; in floats, as the definition has it. */
static adze_status
dynamic_quantize_linear (ref_call *call)
{
  adze_status status = ref_need_alike (call);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  const double *from = ref_work_in (&work, 0);
  double *to = ref_work_out (&work, 0), *scale = ref_work_out (&work, 1);
  double *zero = ref_work_out (&work, 2);
  size_t count = work.status == ADZE_OK ? adze_view_count (call->inputs[0]) : 0;
  float least = 0, most = 0;
  for (size_t i = 0; i < count; i++) {
    least = fminf (least, (float)from[i]);
    most = fmaxf (most, (float)from[i]);
  }
  float step = most > least ? (most - least) / 255 : 1;
  float point = nearbyintf (fminf (fmaxf (0 - least / step, 0), 255));
  for (size_t i = 0; i < count; i++)
    to[i] = quantised (from[i], (double)step, (double)point, false);
  if (scale && adze_view_count (call->outputs[1]) == 1)
    scale[0] = (double)step;
  if (zero && adze_view_count (call->outputs[2]) == 1)
    zero[0] = (double)point;
  return ref_work_end (&work, work.status);
}

/* ---- The family. */

#define BYTES (REF_SET (REF_I8) | REF_SET (REF_U8))

const ref_kernel ref_kernels_quant[] = {
  { "", "QuantizeLinear", REF_FLOATS | REF_HALVES | REF_SET (REF_I32), false, NULL,
    quantize_linear },
  { "", "DequantizeLinear", BYTES | REF_SET (REF_I32), false, NULL, dequantize_linear },
  { "", "DynamicQuantizeLinear", REF_SET (REF_F32), false, NULL, dynamic_quantize_linear },
  { "", "ConvInteger", BYTES, false, NULL, ref_conv_integer },
  { "", "QLinearConv", BYTES, false, NULL, ref_qlinear_conv },
  { "", "MatMulInteger", BYTES, false, NULL, ref_matmul_integer },
  { "", "QLinearMatMul", BYTES, false, NULL, ref_qlinear_matmul },
  { .op = NULL },
};
