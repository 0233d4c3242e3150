/* SPDX-License-Identifier: Apache-2.0 */
/* reduce.c: many numbers become one: sums, means, norms, extremes.
 *
 * Each number of the output is made by one thread, from its inputs in the order in which they lie.
 * Floats are summed up in float64, whole numbers in 64 bits. */
#include <math.h>

#include "ref.h"

/* What there is of one number of the output so far. */
typedef struct partial {
  double number;
  uint64_t whole;
  double largest; /* of all, where that is looked for first */
} partial;

/* COUNT numbers more, STEP elements from one to the next. */
typedef void (*fold_function) (partial *p, const void *in, size_t count, size_t step);

#define FOLD(name, type, suffix, expression) \
  static void name##_##suffix (partial *p, const void *in, size_t count, size_t step) \
  { \
    const type *from = in; \
    for (size_t i = 0; i < count; i++) { \
      type x = from[i * step]; \
      expression; \
    } \
  }
#define FOLD_FLOATS(name, expression) \
  FOLD (name, float, f32, expression) FOLD (name, double, f64, expression)
#define FOLD_SIGNED(name, expression) \
  FOLD (name, int8_t, i8, expression) FOLD (name, int32_t, i32, expression) \
  FOLD (name, int64_t, i64, expression)
#define FOLD_UNSIGNED(name, expression) \
  FOLD (name, uint8_t, u8, expression) FOLD (name, uint32_t, u32, expression) \
  FOLD (name, uint64_t, u64, expression)
#define FOLDS(name) \
  { \
    [REF_F32] = name##_f32, [REF_F64] = name##_f64, [REF_I8] = name##_i8, [REF_I32] = name##_i32, \
    [REF_I64] = name##_i64, [REF_U8] = name##_u8, [REF_U32] = name##_u32, [REF_U64] = name##_u64 \
  }

FOLD_FLOATS (sum, p->number += x)
FOLD_SIGNED (sum, p->whole += (uint64_t)x)
FOLD_UNSIGNED (sum, p->whole += x)
FOLD_FLOATS (squares, p->number += (double)x * x)
FOLD_SIGNED (squares, p->whole += (uint64_t)x * (uint64_t)x)
FOLD_UNSIGNED (squares, p->whole += (uint64_t)x * x)
FOLD_FLOATS (magnitudes, p->number += fabs ((double)x))
FOLD_SIGNED (magnitudes, p->whole += x < 0 ? -(uint64_t)x : (uint64_t)x)
FOLD_UNSIGNED (magnitudes, p->whole += x)
FOLD_FLOATS (multiples, p->number *= x)
FOLD_SIGNED (multiples, p->whole *= (uint64_t)x)
FOLD_UNSIGNED (multiples, p->whole *= x)
/* Their sum is not to overflow: the largest is taken out of all first. */
FOLD_FLOATS (exponentials, p->number += x == p->largest ? 1 : exp (x - p->largest))
FOLD_SIGNED (exponentials, p->number += exp ((double)x - p->largest))
FOLD_UNSIGNED (exponentials, p->number += exp ((double)x - p->largest))
/* A NaN wins. */
FOLD_FLOATS (most, p->number = x > p->number || x != x ? x : p->number)
FOLD_SIGNED (most, p->whole = x > (int64_t)p->whole ? (uint64_t)x : p->whole)
FOLD_UNSIGNED (most, p->whole = x > p->whole ? x : p->whole)
FOLD_FLOATS (least, p->number = x < p->number || x != x ? x : p->number)
FOLD_SIGNED (least, p->whole = x < (int64_t)p->whole ? (uint64_t)x : p->whole)
FOLD_UNSIGNED (least, p->whole = x < p->whole ? x : p->whole)
/* In float64 whatever the type. */
FOLD_FLOATS (largest, p->largest = x > p->largest || x != x ? x : p->largest)
FOLD_SIGNED (largest, p->largest = x > p->largest ? (double)x : p->largest)
FOLD_UNSIGNED (largest, p->largest = x > p->largest ? (double)x : p->largest)

typedef enum reduction {
  REDUCE_SUM,
  REDUCE_MEAN,
  REDUCE_SQUARES,
  REDUCE_L1,
  REDUCE_L2,
  REDUCE_LOG_SUM,
  REDUCE_LOG_SUM_EXP,
  REDUCE_PRODUCT,
  REDUCE_MOST,
  REDUCE_LEAST
} reduction;

static const fold_function folds[][REF_OTHER + 1] = {
  [REDUCE_SUM] = FOLDS (sum),
  [REDUCE_MEAN] = FOLDS (sum),
  [REDUCE_SQUARES] = FOLDS (squares),
  [REDUCE_L1] = FOLDS (magnitudes),
  [REDUCE_L2] = FOLDS (squares),
  [REDUCE_LOG_SUM] = FOLDS (sum),
  [REDUCE_LOG_SUM_EXP] = FOLDS (exponentials),
  [REDUCE_PRODUCT] = FOLDS (multiples),
  [REDUCE_MOST] = FOLDS (most),
  [REDUCE_LEAST] = FOLDS (least),
};
static const fold_function largest_folds[REF_OTHER + 1] = FOLDS (largest);

/* ---- Walking. The dimensions that go and those that stay, the last one first. */

typedef struct dimensions {
  size_t size[ADZE_GRAPH_RANK], stride[ADZE_GRAPH_RANK];
  int32_t rank;
} dimensions;

typedef struct reduce_work {
  const char *in;
  size_t in_size;
  ref_type type;
  reduction how;
  adze_view *out;
  dimensions gone, kept;
  size_t count; /* of numbers that become one */
} reduce_work;

static size_t
place_of (const dimensions *of, int32_t first, size_t index)
{
  size_t at = 0;
  for (int32_t d = first; d < of->rank; d++) {
    at += index % of->size[d] * of->stride[d];
    index /= of->size[d];
  }
  return at;
}

static void
fold_all (const reduce_work *work, fold_function fold, size_t at, partial *p)
{
  size_t run = work->gone.size[0];
  for (size_t i = 0; i < work->count / run; i++) {
    size_t place = at + place_of (&work->gone, 1, i);
    fold (p, work->in + place * work->in_size, run, work->gone.stride[0]);
  }
}

static partial
beginning (reduction how, ref_type type)
{
  bool is_signed = REF_SET (type) & REF_SIGNED;
  switch (how) {
  case REDUCE_PRODUCT:
    return (partial){ .number = 1, .whole = 1 };
  case REDUCE_MOST:
    return (partial){ .number = -INFINITY, .whole = is_signed ? (uint64_t)INT64_MIN : 0 };
  case REDUCE_LEAST:
    return (partial){ .number = INFINITY, .whole = is_signed ? INT64_MAX : UINT64_MAX };
  default:
    return (partial){ .largest = -INFINITY };
  }
}

static double
as_double (const partial *p, ref_type type)
{
  if (REF_SET (type) & REF_FLOATS)
    return p->number;
  return REF_SET (type) & REF_SIGNED ? (double)(int64_t)p->whole : (double)p->whole;
}

/* What becomes of the sum in the end; whole numbers are cut off where they are not any more. */
static void
finish (const reduce_work *work, partial *p)
{
  double number = as_double (p, work->type);
  switch (work->how) {
  case REDUCE_MEAN:
    number /= (double)work->count;
    break;
  case REDUCE_L2:
    number = sqrt (number);
    break;
  case REDUCE_LOG_SUM:
    number = log (number);
    break;
  case REDUCE_LOG_SUM_EXP:
    number = p->largest + log (p->number);
    break;
  default:
    return;
  }
  p->number = number;
  if (number != number)
    p->whole = 0;
  else if (REF_SET (work->type) & REF_SIGNED)
    p->whole = number > -0x1p63 && number < 0x1p63 ? (uint64_t)(int64_t)number : 1ull << 63;
  else
    p->whole = number > 0 && number < 0x1p64 ? (uint64_t)number : 0;
}

#define STORE(which, type, suffix) \
  case which: \
    ((type *)into)[index] = (type)p->whole; \
    break;

static void
store (const partial *p, ref_type type, void *into, size_t index)
{
  switch (type) {
    REF_EACH_SIGNED (STORE)
    REF_EACH_UNSIGNED (STORE)
  case REF_F32:
    ((float *)into)[index] = adze_float_from_double (p->number);
    break;
  case REF_F64:
    ((double *)into)[index] = p->number;
    break;
  default:
    break;
  }
}

static adze_status
reduce_piece (void *argument, size_t first, size_t last)
{
  const reduce_work *work = argument;
  for (size_t i = first; i < last; i++) {
    size_t at = place_of (&work->kept, 0, i);
    partial p = beginning (work->how, work->type);
    if (work->how == REDUCE_LOG_SUM_EXP)
      fold_all (work, largest_folds[work->type], at, &p);
    if (work->how == REDUCE_LOG_SUM_EXP && p.largest == -INFINITY)
      p.number = 0; /* the logarithm of zero, below */
    else
      fold_all (work, folds[work->how][work->type], at, &p);
    finish (work, &p);
    store (&p, work->type, adze_view_data (work->out), i);
  }
  return ADZE_OK;
}

/* ---- Which dimensions. */

/* Input 1 of ReduceSum, the attribute of all others. */
static adze_status
axes_of (ref_call *call, const int64_t **axes, size_t *count)
{
  *axes = adze_node_ints (call->node, "axes", count);
  return *axes ? ADZE_OK : ref_ints (call, 1, axes, count);
}

static adze_status
mark_axes (ref_call *call, int32_t rank, bool *gone)
{
  const int64_t *axes;
  size_t count;
  adze_status status = axes_of (call, &axes, &count);
  if (status != ADZE_OK)
    return status;
  bool all = count == 0 && adze_node_int (call->node, "noop_with_empty_axes", 0) == 0;
  for (int32_t d = 0; d < rank; d++)
    gone[d] = all;
  for (size_t i = 0; i < count; i++) {
    int32_t axis;
    status = ref_axis (call, axes[i], rank, &axis);
    if (status != ADZE_OK)
      return status;
    gone[axis] = true;
  }
  return ADZE_OK;
}

static void
add_dimension (dimensions *into, size_t size, size_t stride)
{
  int32_t last = into->rank - 1;
  if (last >= 0 && stride == into->stride[last] * into->size[last]) {
    into->size[last] *= size;
    return;
  }
  into->size[into->rank] = size;
  into->stride[into->rank++] = stride;
}

/* GONE says of each dimension of the first input whether it goes. */
static adze_status
reduce_marked (ref_call *call, reduction how, const bool *gone)
{
  const adze_view *in = call->inputs[0];
  adze_view *out = call->outputs[0];
  reduce_work work = { .in = adze_view_data (in), .in_size = ref_size_of (in->dtype),
                       .type = ref_view_type (in), .how = how, .out = out, .count = 1 };
  size_t kept = 1, reach = 1;
  for (int32_t d = in->rank; d-- > 0; reach *= (size_t)in->shape[d]) {
    size_t size = (size_t)in->shape[d];
    *(gone[d] ? &work.count : &kept) *= size;
    if (size != 1)
      add_dimension (gone[d] ? &work.gone : &work.kept, size, reach);
  }
  if (work.gone.rank == 0)
    add_dimension (&work.gone, 1, 1);
  if (kept != adze_view_count (out))
    return ref_refuse (call, ADZE_E_CONTRACT, "gives %zu numbers, and has room for %zu", kept,
                       adze_view_count (out));
  if (work.count == 0)
    work.gone = (dimensions){ .size = { 1 }, .rank = 1 };
  return adze_parallel_for (call->host, kept, ref_grain (work.count), reduce_piece, &work);
}

static adze_status
reduce (ref_call *call, reduction how)
{
  const adze_view *in = ref_in (call, 0);
  bool gone[ADZE_GRAPH_RANK];
  if (!in || in->rank > ADZE_GRAPH_RANK || !folds[how][ref_view_type (in)])
    return ref_refuse_type (call, 0);
  adze_status status = mark_axes (call, in->rank, gone);
  if (status != ADZE_OK || !ref_out (call, 0))
    return status;
  return reduce_marked (call, how, gone);
}

/* Of our own domain: the opposite of stretching. What was stretched from the shape of input 1 is
 * summed up to it. */
static adze_status
sum_to_run (ref_call *call)
{
  const adze_view *in = ref_in (call, 0), *like = ref_in (call, 1);
  bool gone[ADZE_GRAPH_RANK];
  if (!in || !like || in->rank > ADZE_GRAPH_RANK || !folds[REDUCE_SUM][ref_view_type (in)])
    return ref_refuse_type (call, in ? 1 : 0);
  int32_t more = in->rank - like->rank;
  bool fits = more >= 0;
  for (int32_t d = 0; fits && d < in->rank; d++) {
    gone[d] = d < more || (like->shape[d - more] == 1 && in->shape[d] != 1);
    fits = gone[d] || like->shape[d - more] == in->shape[d];
  }
  if (!fits)
    return ref_refuse (call, ADZE_E_FORMAT, "input 0 was not stretched from the shape of input 1");
  return ref_out (call, 0) ? reduce_marked (call, REDUCE_SUM, gone) : ADZE_OK;
}

#define REDUCTION(name, how) \
  static adze_status name (ref_call *call) \
  { \
    return reduce (call, how); \
  }
REDUCTION (sum_run, REDUCE_SUM)
REDUCTION (mean_run, REDUCE_MEAN)
REDUCTION (squares_run, REDUCE_SQUARES)
REDUCTION (l1_run, REDUCE_L1)
REDUCTION (l2_run, REDUCE_L2)
REDUCTION (log_sum_run, REDUCE_LOG_SUM)
REDUCTION (log_sum_exp_run, REDUCE_LOG_SUM_EXP)
REDUCTION (product_run, REDUCE_PRODUCT)
REDUCTION (most_run, REDUCE_MOST)
REDUCTION (least_run, REDUCE_LEAST)

#define REDUCED_TYPES \
  (REF_FLOATS | REF_SET (REF_I32) | REF_SET (REF_I64) | REF_SET (REF_U32) | REF_SET (REF_U64))
#define EXTREME_TYPES (REDUCED_TYPES | REF_SET (REF_I8) | REF_SET (REF_U8))

const ref_kernel ref_kernels_reduce[] = {
  { "", "ReduceL1", REDUCED_TYPES, true, NULL, l1_run },
  { "", "ReduceL2", REDUCED_TYPES, true, NULL, l2_run },
  { "", "ReduceLogSum", REDUCED_TYPES, true, NULL, log_sum_run },
  { "", "ReduceLogSumExp", REDUCED_TYPES, true, NULL, log_sum_exp_run },
  { "", "ReduceMax", EXTREME_TYPES, true, NULL, most_run },
  { "", "ReduceMean", REDUCED_TYPES, true, NULL, mean_run },
  { "", "ReduceMin", EXTREME_TYPES, true, NULL, least_run },
  { "", "ReduceProd", REDUCED_TYPES, true, NULL, product_run },
  { "", "ReduceSum", REDUCED_TYPES, true, NULL, sum_run },
  { "", "ReduceSumSquare", REDUCED_TYPES, true, NULL, squares_run },
  { "adze", "SumTo", REDUCED_TYPES, true, NULL, sum_to_run },
  { .op = NULL },
};
