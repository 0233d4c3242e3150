/* SPDX-License-Identifier: Apache-2.0 */
/* create.c: numbers that come from nowhere: constants, ranges, sizes, units, triangles. */
#include "indices.h"
#include "move.h"

/* ---- Sizes of something. */

static adze_status
shape_run (ref_call *call)
{
  const adze_view *in = ref_in (call, 0);
  adze_view *out = ref_out (call, 0);
  if (!in || !out)
    return in ? ADZE_OK : ref_refuse_type (call, 0);
  int64_t rank = in->rank, ends[2] = { adze_node_int (call->node, "start", 0),
                                       adze_node_int (call->node, "end", rank) };
  for (size_t i = 0; i < 2; i++) {
    ends[i] = ends[i] < -rank ? 0 : ends[i] < 0 ? ends[i] + rank : ends[i];
    ends[i] = ends[i] > rank ? rank : ends[i];
  }
  int64_t count = ends[1] > ends[0] ? ends[1] - ends[0] : 0;
  if (ref_view_type (out) != REF_I64 || adze_view_count (out) != (size_t)count)
    return ref_refuse (call, ADZE_E_CONTRACT, "gives %lld int64 numbers", (long long)count);
  int64_t *into = adze_view_data (out);
  for (int64_t i = 0; i < count; i++)
    into[i] = in->shape[ends[0] + i];
  return ADZE_OK;
}

static adze_status
size_run (ref_call *call)
{
  const adze_view *in = ref_in (call, 0);
  adze_view *out = ref_out (call, 0);
  if (!in || !out)
    return in ? ADZE_OK : ref_refuse_type (call, 0);
  if (ref_view_type (out) != REF_I64 || adze_view_count (out) != 1)
    return ref_refuse (call, ADZE_E_CONTRACT, "gives one int64 number");
  *(int64_t *)adze_view_data (out) = (int64_t)adze_view_count (in);
  return ADZE_OK;
}

/* ---- Constants. */

static adze_status
copy_to_output (ref_call *call, adze_dtype dtype, const void *data, size_t count)
{
  adze_view *out = ref_out (call, 0);
  if (!adze_dtype_same (dtype, out->dtype) || count != adze_view_count (out))
    return ref_refuse (call, ADZE_E_CONTRACT,
                       "its value has %zu numbers of type %s, and the output "
                       "is another one",
                       count, ref_type_name (dtype));
  if (count)
    memcpy (adze_view_data (out), data, count * ref_size_of (dtype));
  return ADZE_OK;
}

static adze_status
constant_run (ref_call *call)
{
  if (!ref_out (call, 0))
    return ADZE_OK;
  for (size_t i = 0; i < call->node->attribute_count; i++) {
    const adze_graph_attribute *value = &call->node->attributes[i];
    if (strncmp (value->name, "value", 5) != 0)
      continue;
    switch (value->type) {
    case ADZE_ATTRIBUTE_TENSOR:
      return copy_to_output (call, value->tensor->dtype, adze_view_data (value->tensor),
                             adze_view_count (value->tensor));
    case ADZE_ATTRIBUTE_INT:
    case ADZE_ATTRIBUTE_INTS:
      return copy_to_output (call, (adze_dtype){ ADZE_INT, 64, 1 }, value->ints, value->count);
    case ADZE_ATTRIBUTE_FLOAT:
    case ADZE_ATTRIBUTE_FLOATS:
      return copy_to_output (call, (adze_dtype){ ADZE_FLOAT, 32, 1 }, value->floats, value->count);
    default:
      return ref_refuse (call, ADZE_E_UNSUPPORTED, "attribute '%s' has no numbers", value->name);
    }
  }
  return ref_refuse (call, ADZE_E_FORMAT, "has no attribute with a value");
}

/* Texts are not done, neither are values with most numbers left out. */
static bool
has_numbers (const ref_question *question)
{
  return !adze_node_attribute (question->node, "value_string")
         && !adze_node_attribute (question->node, "value_strings")
         && !adze_node_attribute (question->node, "sparse_value")
         && ref_asked_output (question, 0, REF_ALL);
}

static void
fill (adze_view *out, const void *element, size_t size)
{
  char *into = adze_view_data (out);
  size_t count = adze_view_count (out);
  for (size_t i = 0; i < count; i++)
    memcpy (into + i * size, element, size);
}

static adze_status
constant_of_shape_run (ref_call *call)
{
  static const float zero[1];
  adze_view *out = ref_out (call, 0);
  const adze_graph_attribute *value = adze_node_attribute (call->node, "value");
  const void *element = zero;
  adze_dtype dtype = { ADZE_FLOAT, 32, 1 };
  if (!out)
    return ADZE_OK;
  if (value && value->type == ADZE_ATTRIBUTE_TENSOR) {
    if (adze_view_count (value->tensor) != 1)
      return ref_refuse (call, ADZE_E_FORMAT, "its value has %zu numbers; it needs one",
                         adze_view_count (value->tensor));
    element = adze_view_data (value->tensor);
    dtype = value->tensor->dtype;
  }
  if (!adze_dtype_same (dtype, out->dtype) || ref_size_of (dtype) == 0)
    return ref_refuse (call, ADZE_E_CONTRACT, "the output is not of the type of its value");
  fill (out, element, ref_size_of (dtype));
  return ADZE_OK;
}

/* ---- Range. */

#define RANGE(which, type, arithmetic) \
  case which: { \
    type start, step, *into = adze_view_data (out); \
    memcpy (&start, adze_view_data (call->inputs[0]), sizeof start); \
    memcpy (&step, adze_view_data (call->inputs[2]), sizeof step); \
    for (size_t i = 0; i < count; i++) \
      into[i] = (type)((arithmetic)start + (arithmetic)i * (arithmetic)step); \
    return ADZE_OK; \
  }

static adze_status
range_run (ref_call *call)
{
  adze_status status = ref_check_same_type (call, 3);
  adze_view *out = ref_out (call, 0);
  if (status != ADZE_OK || !out)
    return status;
  for (size_t i = 0; i < 3; i++)
    if (!ref_in (call, i) || adze_view_count (call->inputs[i]) != 1)
      return ref_refuse (call, ADZE_E_FORMAT, "input %zu must be one number", i);
  size_t count = adze_view_count (out);
  if (!adze_dtype_same (out->dtype, call->inputs[0]->dtype))
    return ref_refuse (call, ADZE_E_CONTRACT, "the output is of another type than its inputs");
  /* Integers as unsigned ones, so that what does not fit wraps round. */
  switch (ref_view_type (out)) {
    RANGE (REF_F32, float, float)
    RANGE (REF_F64, double, double)
    RANGE (REF_I16, int16_t, uint64_t)
    RANGE (REF_I32, int32_t, uint64_t)
    RANGE (REF_I64, int64_t, uint64_t)
  default:
    return ref_refuse_type (call, 0);
  }
}

/* ---- Units. */

/* The bytes of 1, where the type is one that has it. */
static bool
one_of (adze_dtype dtype, char *bytes)
{
  const float single = 1;
  const double number = 1;
  const uint64_t whole = 1;
  const uint16_t half = adze_half_from_float (1), bfloat = adze_bfloat_from_float (1);
  const uint8_t byte = 1;
  const uint16_t word = 1;
  const uint32_t longer = 1;
  ref_type type = ref_type_of (dtype);
  size_t size = ref_size_of (dtype);
  const void *from = type == REF_F32    ? (const void *)&single
                     : type == REF_F64  ? (const void *)&number
                     : type == REF_F16  ? (const void *)&half
                     : type == REF_BF16 ? (const void *)&bfloat
                     : size == 1        ? (const void *)&byte
                     : size == 2        ? (const void *)&word
                     : size == 4        ? (const void *)&longer
                                        : (const void *)&whole;
  if (type == REF_OTHER)
    return false;
  memcpy (bytes, from, size);
  return true;
}

static adze_status
eye_like_run (ref_call *call)
{
  adze_view *out = ref_out (call, 0);
  char one[8];
  if (!out)
    return ADZE_OK;
  if (out->rank != 2 || !one_of (out->dtype, one))
    return ref_refuse (call, ADZE_E_FORMAT, "needs a matrix of numbers to be like");
  int64_t rows = out->shape[0], columns = out->shape[1], k = adze_node_int (call->node, "k", 0);
  size_t size = ref_size_of (out->dtype);
  char *into = adze_view_data (out);
  if (rows == 0 || columns == 0)
    return ADZE_OK;
  memset (into, 0, (size_t)rows * (size_t)columns * size);
  for (int64_t i = 0; i < rows; i++)
    if (k >= -i && k < columns - i)
      memcpy (into + (size_t)(i * columns + i + k) * size, one, size);
  return ADZE_OK;
}

static bool
gives_numbers (const ref_question *question)
{
  return ref_asked_output (question, 0, REF_ALL);
}

/* What an index says does not exist gets the value for off. */
static adze_status
one_hot_run (ref_call *call)
{
  const adze_view *indices = ref_in (call, 0), *values = ref_in (call, 2);
  adze_view *out = ref_out (call, 0);
  if (!indices || !adze_dtype_is_number (indices->dtype))
    return ref_refuse_type (call, 0);
  if (!out)
    return ADZE_OK;
  int32_t axis;
  adze_status status
      = ref_axis (call, adze_node_int (call->node, "axis", -1), indices->rank + 1, &axis);
  if (status != ADZE_OK)
    return status;
  if (!values || adze_view_count (values) != 2 || !adze_dtype_same (values->dtype, out->dtype)
      || ref_size_of (out->dtype) == 0)
    return ref_refuse (call, ADZE_E_FORMAT, "input 2 must be two numbers, for off and on");
  size_t count = adze_view_count (indices), size = ref_size_of (out->dtype);
  if (out->rank != indices->rank + 1
      || adze_view_count (out) != count * (size_t)out->shape[axis])
    return ref_refuse (call, ADZE_E_CONTRACT, "the output has another shape than its result");
  double *places = ref_take (call, count, sizeof *places);
  if (!places)
    return ref_no_memory (call);
  adze_numbers_read (indices->dtype, adze_view_data (indices), count, places);
  size_t depth = (size_t)out->shape[axis], inner = ref_product (indices, axis, indices->rank);
  const char *off = adze_view_data (values), *on = off + size;
  char *into = adze_view_data (out);
  fill (out, off, size);
  for (size_t i = 0; i < count; i++) {
    double place = places[i] < 0 ? places[i] + (double)depth : places[i];
    if (place >= 0 && place < (double)depth)
      memcpy (into + ((i / inner * depth + (size_t)place) * inner + i % inner) * size, on, size);
  }
  return ADZE_OK;
}

static bool
marks_numbers (const ref_question *question)
{
  return ref_asked_type (question, 2, REF_ALL);
}

/* ---- Triangles. */

static adze_status
trilu_run (ref_call *call)
{
  const adze_view *in;
  adze_view *out;
  ref_move move;
  adze_status status = ref_move_begin (call, &in, &out, &move);
  if (status != ADZE_OK || !out)
    return status;
  const int64_t *given;
  size_t count;
  status = ref_ints (call, 1, &given, &count);
  if (status != ADZE_OK)
    return status;
  if (in->rank < 2 || !ref_same_shape (in, out) || count > 1)
    return ref_refuse (call, ADZE_E_FORMAT, "needs at least two dimensions, and one number k");
  bool upper = adze_node_int (call->node, "upper", 1) != 0;
  int64_t rows = in->shape[in->rank - 2], columns = in->shape[in->rank - 1];
  int64_t k = count ? given[0] : 0;
  size_t all = ref_product (in, 0, in->rank - 1), width = (size_t)columns;
  if (adze_view_count (in) == 0)
    return ADZE_OK;
  memset (move.into, 0, all * width * move.size);
  for (size_t i = 0; i < all; i++) {
    /* Row R keeps columns from R + K on, or up to there. */
    int64_t row = (int64_t)(i % (size_t)rows), edge;
    if (__builtin_add_overflow (row, k, &edge))
      edge = columns;
    if (!upper && edge < INT64_MAX)
      edge++;
    edge = edge < 0 ? 0 : edge > columns ? columns : edge;
    size_t first = upper ? (size_t)edge : 0, last = upper ? width : (size_t)edge;
    memcpy (move.into + (i * width + first) * move.size,
            move.out_of + (i * width + first) * move.size, (last - first) * move.size);
  }
  return ADZE_OK;
}

#define RANGE_TYPES \
  (REF_FLOATS | REF_SET (REF_I16) | REF_SET (REF_I32) | REF_SET (REF_I64))

const ref_kernel ref_kernels_create[] = {
  { "", "Constant", 0, false, has_numbers, constant_run },
  { "", "ConstantOfShape", REF_SET (REF_I64), false, gives_numbers, constant_of_shape_run },
  { "", "EyeLike", 0, false, gives_numbers, eye_like_run },
  { "", "OneHot", REF_ALL, false, marks_numbers, one_hot_run },
  { "", "Range", RANGE_TYPES, true, NULL, range_run },
  { "", "Shape", 0, false, NULL, shape_run },
  { "", "Size", 0, false, NULL, size_run },
  { "", "Trilu", 0, false, ref_moves, trilu_run },
  { .op = NULL },
};
