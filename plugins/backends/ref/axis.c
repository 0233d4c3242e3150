/* SPDX-License-Identifier: Apache-2.0 */
/* axis.c: operators along one dimension: softmax, running sums, where the largest is. */
#include <math.h>

#include "ref.h"

/* Lines of COUNT numbers along the axis; INNER of them begin side by side, so that INNER is the
 * step from one number of a line to the next. */
typedef struct axis_lines {
  const adze_view *in;
  adze_view *out;
  size_t outer, count, inner;
  ref_type type;
  bool flag, other; /* what they mean is said by each */
} axis_lines;

static adze_status
find_lines (const ref_call *call, int64_t axis, axis_lines *lines)
{
  const adze_view *in = lines->in;
  int32_t at;
  adze_status status = ref_axis (call, axis, in->rank, &at);
  if (status != ADZE_OK)
    return status;
  lines->outer = ref_product (in, 0, at);
  lines->count = (size_t)in->shape[at];
  lines->inner = ref_product (in, at + 1, in->rank);
  lines->type = ref_view_type (in);
  return ADZE_OK;
}

/* Where line INDEX begins. */
static size_t
line_at (const axis_lines *lines, size_t index)
{
  return index / lines->inner * lines->count * lines->inner + index % lines->inner;
}

static adze_status
each_line (ref_call *call, axis_lines *lines, adze_parallel_body body)
{
  return adze_parallel_for (call->host, lines->outer * lines->inner, ref_grain (4 * lines->count),
                            body, lines);
}

/* ---- Softmax, its logarithm, and one for the largest alone. The largest is taken out first, so
 * that nothing overflows. */

#define LINE_OF(name, type) \
  static void softmax_##name (const axis_lines *lines, const type *in, type *out) \
  { \
    size_t step = lines->inner; \
    double most = -INFINITY, sum = 0; \
    for (size_t i = 0; i < lines->count; i++) \
      most = in[i * step] > most ? in[i * step] : most; \
    for (size_t i = 0; i < lines->count; i++) \
      sum += exp (in[i * step] - most); \
    /* FLAG: its logarithm. */ \
    double logarithm = log (sum); \
    for (size_t i = 0; i < lines->count; i++) { \
      double x = in[i * step] - most; \
      out[i * step] = (type)(lines->flag ? x - logarithm : exp (x) / sum); \
    } \
  } \
  static void hardmax_##name (const axis_lines *lines, const type *in, type *out) \
  { \
    size_t step = lines->inner, best = 0; \
    for (size_t i = 0; i < lines->count; i++) \
      best = in[i * step] > in[best * step] ? i : best; \
    for (size_t i = 0; i < lines->count; i++) \
      out[i * step] = i == best; \
  }
LINE_OF (f32, float)
LINE_OF (f64, double)

static adze_status
softmax_lines (void *argument, size_t first, size_t last)
{
  const axis_lines *lines = argument;
  const void *in = adze_view_data (lines->in);
  void *out = adze_view_data (lines->out);
  for (size_t i = first; i < last; i++) {
    size_t at = line_at (lines, i);
    if (lines->type == REF_F32 && lines->other)
      hardmax_f32 (lines, (const float *)in + at, (float *)out + at);
    else if (lines->type == REF_F32)
      softmax_f32 (lines, (const float *)in + at, (float *)out + at);
    else if (lines->other)
      hardmax_f64 (lines, (const double *)in + at, (double *)out + at);
    else
      softmax_f64 (lines, (const double *)in + at, (double *)out + at);
  }
  return ADZE_OK;
}

static adze_status
softmax (ref_call *call, bool logarithm, bool hard)
{
  axis_lines lines = { .in = ref_in (call, 0), .out = ref_out (call, 0), .flag = logarithm,
                  .other = hard };
  if (!lines.in)
    return ref_refuse_type (call, 0);
  /* Of a number alone there is no axis, and the default one is meant. */
  int64_t axis = adze_node_int (call->node, "axis", -1);
  adze_status status = find_lines (call, axis, &lines);
  if (status != ADZE_OK || !lines.out)
    return status;
  if (!ref_same_shape (lines.in, lines.out))
    return ref_refuse (call, ADZE_E_CONTRACT, "input and output have different shapes");
  return each_line (call, &lines, softmax_lines);
}

static adze_status
softmax_run (ref_call *call)
{
  return softmax (call, false, false);
}

static adze_status
log_softmax_run (ref_call *call)
{
  return softmax (call, true, false);
}

static adze_status
hardmax_run (ref_call *call)
{
  return softmax (call, false, true);
}

/* ---- Running sums. FLAG: without the number itself; OTHER: from the end. */

#define RUNNING(name, type) \
  static void running_##name (const axis_lines *lines, const type *in, type *out) \
  { \
    type sum = 0; \
    for (size_t n = 0; n < lines->count; n++) { \
      size_t at = (lines->other ? lines->count - 1 - n : n) * lines->inner; \
      type next = sum + in[at]; \
      out[at] = lines->flag ? sum : next; \
      sum = next; \
    } \
  }
RUNNING (f32, float)
RUNNING (f64, double)
/* Whole numbers wrap round, with and without sign alike. */
RUNNING (u32, uint32_t)
RUNNING (u64, uint64_t)

static adze_status
running_lines (void *argument, size_t first, size_t last)
{
  const axis_lines *lines = argument;
  const void *in = adze_view_data (lines->in);
  void *out = adze_view_data (lines->out);
  for (size_t i = first; i < last; i++) {
    size_t at = line_at (lines, i);
    if (lines->type == REF_F32)
      running_f32 (lines, (const float *)in + at, (float *)out + at);
    else if (lines->type == REF_F64)
      running_f64 (lines, (const double *)in + at, (double *)out + at);
    else if (lines->type == REF_I32 || lines->type == REF_U32)
      running_u32 (lines, (const uint32_t *)in + at, (uint32_t *)out + at);
    else
      running_u64 (lines, (const uint64_t *)in + at, (uint64_t *)out + at);
  }
  return ADZE_OK;
}

static adze_status
running_run (ref_call *call)
{
  axis_lines lines = { .in = ref_in (call, 0), .out = ref_out (call, 0),
                  .flag = adze_node_int (call->node, "exclusive", 0) != 0,
                  .other = adze_node_int (call->node, "reverse", 0) != 0 };
  const int64_t *axis;
  size_t count;
  adze_status status = ref_ints (call, 1, &axis, &count);
  if (status != ADZE_OK)
    return status;
  if (!lines.in || count != 1)
    return ref_refuse (call, ADZE_E_FORMAT, "needs numbers and one axis; input 1 has %zu", count);
  status = find_lines (call, *axis, &lines);
  if (status != ADZE_OK || !lines.out)
    return status;
  if (!ref_same_shape (lines.in, lines.out))
    return ref_refuse (call, ADZE_E_CONTRACT, "input and output have different shapes");
  return each_line (call, &lines, running_lines);
}

/* ---- Where the largest is, or the smallest. FLAG: the smallest; OTHER: the last of equal ones. */

#define FIND(which, type, suffix) \
  static size_t find_##suffix (const axis_lines *lines, const void *line) \
  { \
    const type *in = line; \
    size_t best = 0; \
    for (size_t i = 1; i < lines->count; i++) { \
      type x = in[i * lines->inner], y = in[best * lines->inner]; \
      bool better = lines->flag ? x < y : x > y; \
      best = better || (lines->other && x == y) ? i : best; \
    } \
    return best; \
  }
REF_EACH_NUMBER (FIND)

typedef size_t (*find_function) (const axis_lines *lines, const void *line);

#define FINDS(which, type, suffix) [which] = find_##suffix,
static const find_function finds[REF_OTHER + 1] = { REF_EACH_NUMBER (FINDS) };

static adze_status
find_in_lines (void *argument, size_t first, size_t last)
{
  const axis_lines *lines = argument;
  const char *in = adze_view_data (lines->in);
  int64_t *out = adze_view_data (lines->out);
  for (size_t i = first; i < last; i++)
    out[i] = (int64_t)finds[lines->type](
        lines, in + line_at (lines, i) * ref_size_of (lines->in->dtype));
  return ADZE_OK;
}

static adze_status
find_extreme (ref_call *call, bool smallest)
{
  axis_lines lines = { .in = ref_in (call, 0), .out = ref_out (call, 0), .flag = smallest,
                  .other = adze_node_int (call->node, "select_last_index", 0) != 0 };
  if (!lines.in || !finds[ref_view_type (lines.in)])
    return ref_refuse_type (call, 0);
  adze_status status = find_lines (call, adze_node_int (call->node, "axis", 0), &lines);
  if (status != ADZE_OK || !lines.out)
    return status;
  if (lines.count == 0)
    return ref_refuse (call, ADZE_E_FORMAT, "there is no largest or smallest of no numbers");
  if (lines.outer * lines.inner != adze_view_count (lines.out))
    return ref_refuse (call, ADZE_E_CONTRACT, "the output does not have the shape of the result");
  return each_line (call, &lines, find_in_lines);
}

static adze_status
arg_max_run (ref_call *call)
{
  return find_extreme (call, false);
}

static adze_status
arg_min_run (ref_call *call)
{
  return find_extreme (call, true);
}

#define RUNNING_TYPES \
  (REF_FLOATS | REF_SET (REF_I32) | REF_SET (REF_I64) | REF_SET (REF_U32) | REF_SET (REF_U64))

const ref_kernel ref_kernels_axis[] = {
  { "", "ArgMax", REF_NUMBERS, true, NULL, arg_max_run },
  { "", "ArgMin", REF_NUMBERS, true, NULL, arg_min_run },
  { "", "CumSum", RUNNING_TYPES, true, NULL, running_run },
  { "", "Hardmax", REF_FLOATS, true, NULL, hardmax_run },
  { "", "LogSoftmax", REF_FLOATS, true, NULL, log_softmax_run },
  { "", "Softmax", REF_FLOATS, true, NULL, softmax_run },
  { .op = NULL },
};
