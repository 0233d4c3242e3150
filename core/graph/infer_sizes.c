/* SPDX-License-Identifier: Apache-2.0 */
/* graph/infer_sizes.c: numbers of inputs read, and sizes reckoned with, for the rules. Nothing here
 * believes a number: products and sums that do not fit are refused. */
#include <string.h>

#include <adze/half.h>

#include "artifact/meta.h"
#include "graph/infer.h"

/* ---- Numbers of inputs. */

int64_t
adze_infer_count (const adze_infer_value *value)
{
  int64_t count = 1;
  for (int32_t i = 0; i < value->rank; i++)
    if (value->shape[i] < 0 || __builtin_mul_overflow (count, value->shape[i], &count))
      return -1;
  return value->rank < 0 ? -1 : count;
}

/* A whole number of 1 to 8 bytes; those beyond int64 become its greatest. */
static int64_t
whole_at (const adze_infer_value *in, size_t element)
{
  bool is_signed = in->dtype.code == ADZE_INT;
  switch (in->dtype.bits) {
  case 8:
    return is_signed ? ((const int8_t *)in->data)[element] : ((const uint8_t *)in->data)[element];
  case 16:
    return is_signed ? ((const int16_t *)in->data)[element] : ((const uint16_t *)in->data)[element];
  case 32:
    return is_signed ? ((const int32_t *)in->data)[element]
                     : (int64_t)((const uint32_t *)in->data)[element];
  default: {
    if (is_signed)
      return ((const int64_t *)in->data)[element];
    uint64_t number = ((const uint64_t *)in->data)[element];
    return number > INT64_MAX ? INT64_MAX : (int64_t)number;
  }
  }
}

bool
adze_infer_ints (const adze_infer *infer, size_t index, int64_t *into, size_t *count)
{
  const adze_infer_value *in = adze_infer_in (infer, index);
  if (!in || !in->data
      || !(adze_infer_set_of (in->dtype) & (ADZE_T_SIGNED | ADZE_T_UNSIGNED)))
    return false;
  int64_t elements = adze_infer_count (in);
  if (elements < 0 || elements > ADZE_INFER_INTS)
    return false;
  for (int64_t i = 0; i < elements; i++)
    into[i] = whole_at (in, (size_t)i);
  *count = (size_t)elements;
  return true;
}

bool
adze_infer_number (const adze_infer *infer, size_t index, size_t element, double *into)
{
  const adze_infer_value *in = adze_infer_in (infer, index);
  if (!in || !in->data || adze_infer_count (in) <= (int64_t)element)
    return false;
  switch (adze_infer_set_of (in->dtype)) {
  case ADZE_T_FLOAT:
    *into = (double)((const float *)in->data)[element];
    return true;
  case ADZE_T_DOUBLE:
    *into = ((const double *)in->data)[element];
    return true;
  case ADZE_T_HALF:
    *into = (double)adze_half_to_float (((const uint16_t *)in->data)[element]);
    return true;
  case ADZE_T_BFLOAT:
    *into = (double)adze_bfloat_to_float (((const uint16_t *)in->data)[element]);
    return true;
  default:
    break;
  }
  if (!(adze_infer_set_of (in->dtype) & (ADZE_T_SIGNED | ADZE_T_UNSIGNED)))
    return false;
  *into = (double)whole_at (in, element);
  return true;
}

adze_error *
adze_infer_length (const adze_infer *infer, size_t index, int64_t *into)
{
  *into = -1;
  if (!adze_infer_has_rank (infer, index))
    return NULL;
  const adze_infer_value *in = adze_infer_in (infer, index);
  if (in->rank > 1)
    return adze_infer_refuse (infer, "input %zu has %d dimensions; a list of numbers has one",
                              index,
                              in->rank);
  *into = in->rank == 0 ? 1 : in->shape[0];
  return NULL;
}

adze_error *
adze_infer_need_rank (const adze_infer *infer, size_t index, int32_t least, int32_t most)
{
  if (!adze_infer_has_rank (infer, index))
    return NULL;
  int32_t rank = adze_infer_in (infer, index)->rank;
  if (rank >= least && rank <= most)
    return NULL;
  if (least == most)
    return adze_infer_refuse (infer, "input %zu has %d dimensions; it must have %d", index, rank,
                              least);
  return adze_infer_refuse (infer, "input %zu has %d dimensions; it must have %d to %d", index,
                            rank, least, most);
}

/* ---- Axes. */

adze_error *
adze_infer_axis (const adze_infer *infer, int64_t axis, int32_t rank, int32_t *into)
{
  if (rank == 0)
    return adze_infer_refuse (infer, "axis %lld is asked for, and there are no dimensions",
                              (long long)axis);
  if (axis < -rank || axis >= rank)
    return adze_infer_refuse (infer, "axis %lld is not one of %d dimensions, which are %d to %d",
                              (long long)axis, rank, -rank, rank - 1);
  *into = (int32_t)(axis < 0 ? axis + rank : axis);
  return NULL;
}

adze_error *
adze_infer_axes (const adze_infer *infer, const int64_t *axes, size_t count, int32_t rank,
                 bool *marked)
{
  memset (marked, 0, ADZE_GRAPH_RANK * sizeof *marked);
  for (size_t i = 0; i < count; i++) {
    int32_t axis = 0;
    ADZE_TRY (adze_infer_axis (infer, axes[i], rank, &axis));
    if (marked[axis])
      return adze_infer_refuse (infer, "axis %lld is given twice", (long long)axes[i]);
    marked[axis] = true;
  }
  return NULL;
}

/* ---- Sizes. */

int64_t
adze_infer_fresh (const adze_infer *infer)
{
  return infer->fresh (infer->argument);
}

adze_error *
adze_infer_times (const adze_infer *infer, int64_t a, int64_t b, int64_t *into)
{
  if (a == 0 || b == 0)
    *into = 0;
  else if (a == 1 || b == 1)
    *into = a == 1 ? b : a;
  else if (a < 0 || b < 0)
    *into = adze_infer_fresh (infer);
  else if (__builtin_mul_overflow (a, b, into))
    return adze_infer_refuse (infer, "a size of %lld times %lld is beyond what can be counted",
                              (long long)a, (long long)b);
  return NULL;
}

adze_error *
adze_infer_plus (const adze_infer *infer, int64_t a, int64_t b, int64_t *into)
{
  if (a == 0 || b == 0)
    *into = a == 0 ? b : a;
  else if (a < 0 || b < 0)
    *into = adze_infer_fresh (infer);
  else if (__builtin_add_overflow (a, b, into))
    return adze_infer_refuse (infer, "a size of %lld and %lld is beyond what can be counted",
                              (long long)a, (long long)b);
  return NULL;
}

adze_error *
adze_infer_same (const adze_infer *infer, int64_t a, int64_t b, const char *what, int64_t *into)
{
  if (a >= 0 && b >= 0 && a != b)
    return adze_infer_refuse (infer, "%s is %lld here and %lld there; they must be the same", what,
                              (long long)a, (long long)b);
  *into = a >= 0 ? a : b;
  return NULL;
}

adze_error *
adze_infer_fits (const adze_infer *infer, int64_t rank)
{
  if (rank >= 0 && rank <= ADZE_GRAPH_RANK)
    return NULL;
  return adze_infer_refuse (infer, "an output would have %lld dimensions; %d at most can be worked "
                            "with", (long long)rank, ADZE_GRAPH_RANK);
}

adze_error *
adze_infer_shape_numbers (const adze_infer *infer, size_t index, int32_t *rank, int64_t *shape,
                          bool *known)
{
  int64_t numbers[ADZE_INFER_INTS], length;
  size_t count;
  *rank = -1;
  ADZE_TRY (adze_infer_length (infer, index, &length));
  if (length >= 0) {
    ADZE_TRY (adze_infer_fits (infer, length));
    *rank = (int32_t)length;
  }
  *known = adze_infer_ints (infer, index, numbers, &count);
  for (size_t i = 0; *known && i < count; i++) {
    shape[i] = numbers[i];
    if (numbers[i] < 0)
      return adze_infer_refuse (infer, "number %zu of input %zu is %lld, and no dimension can "
                                "be", i,
                                index, (long long)numbers[i]);
  }
  return NULL;
}

/* ---- Stretching. */

/* One dimension stretched to another; false: they do not fit. */
static bool
stretch (const adze_infer *infer, int64_t *whole, int64_t part)
{
  if (*whole == part || part == 1)
    return true;
  if (*whole == 1 || (*whole < 0 && part >= 0)) {
    /* A symbol against a number that is not 1: the symbol can only be 1 or that number. */
    *whole = part;
    return true;
  }
  if (*whole >= 0)
    return part < 0;
  *whole = adze_infer_fresh (infer); /* of two symbols nobody can tell */
  return true;
}

static adze_error *
no_stretch (const adze_infer *infer, int32_t rank_a, const int64_t *a, int32_t rank_b,
            const int64_t *b)
{
  ADZE_AUTO (adze_buffer) one = { 0 };
  ADZE_AUTO (adze_buffer) other = { 0 };
  adze_shape_text (rank_a, a, &one);
  adze_shape_text (rank_b, b, &other);
  return adze_infer_refuse (infer, "shapes %s and %s do not fit: counted from the last, dimensions "
                            "must be the same, or one of them 1", one.data ? one.data : "?",
                            other.data ? other.data : "?");
}

adze_error *
adze_infer_stretch (const adze_infer *infer, int32_t rank_a, const int64_t *a, int32_t rank_b,
                    const int64_t *b, int32_t *rank, int64_t *into)
{
  int32_t most = rank_a > rank_b ? rank_a : rank_b;
  int64_t whole[ADZE_GRAPH_RANK];
  for (int32_t d = 0; d < most; d++) {
    int32_t in_a = d - (most - rank_a), in_b = d - (most - rank_b);
    whole[d] = in_a >= 0 ? a[in_a] : 1;
    if (!stretch (infer, &whole[d], in_b >= 0 ? b[in_b] : 1))
      return no_stretch (infer, rank_a, a, rank_b, b);
  }
  memcpy (into, whole, (size_t)most * sizeof *into);
  *rank = most;
  return NULL;
}

adze_error *
adze_infer_broadcast (adze_infer *infer, size_t output, size_t first, size_t last)
{
  int64_t shape[ADZE_GRAPH_RANK];
  int32_t rank = 0;
  for (size_t i = first; i < last; i++)
    if (!adze_infer_has_rank (infer, i))
      return NULL;
  for (size_t i = first; i < last; i++)
    ADZE_TRY (adze_infer_stretch (infer, rank, shape, infer->inputs[i].rank,
                                  infer->inputs[i].shape, &rank, shape));
  adze_infer_shape (infer, output, rank, shape);
  return NULL;
}

adze_error *
adze_infer_one_way (const adze_infer *infer, size_t index, int32_t rank, const int64_t *shape)
{
  if (!adze_infer_has_rank (infer, index))
    return NULL;
  const adze_infer_value *in = adze_infer_in (infer, index);
  bool fits = in->rank <= rank;
  for (int32_t d = 0; fits && d < in->rank; d++) {
    int64_t part = in->shape[d], whole = shape[rank - in->rank + d];
    fits = part == 1 || part < 0 || whole < 0 || part == whole;
  }
  if (fits)
    return NULL;
  ADZE_AUTO (adze_buffer) is = { 0 };
  ADZE_AUTO (adze_buffer) needed = { 0 };
  adze_shape_text (in->rank, in->shape, &is);
  adze_shape_text (rank, shape, &needed);
  return adze_infer_refuse (infer, "input %zu is of shape %s, and cannot be stretched to %s", index,
                            is.data ? is.data : "?", needed.data ? needed.data : "?");
}

adze_error *
adze_infer_need_shape (const adze_infer *infer, size_t index, int32_t rank, const int64_t *shape)
{
  if (!adze_infer_has_rank (infer, index))
    return NULL;
  const adze_infer_value *in = adze_infer_in (infer, index);
  bool fits = in->rank == rank;
  for (int32_t d = 0; fits && d < rank; d++)
    fits = in->shape[d] < 0 || shape[d] < 0 || in->shape[d] == shape[d];
  if (fits)
    return NULL;
  ADZE_AUTO (adze_buffer) is = { 0 };
  ADZE_AUTO (adze_buffer) needed = { 0 };
  adze_shape_text (in->rank, in->shape, &is);
  adze_shape_text (rank, shape, &needed);
  return adze_infer_refuse (infer, "input %zu is of shape %s, and must be of shape %s (negative: "
                            "any)", index, is.data ? is.data : "?",
                            needed.data ? needed.data : "?");
}
