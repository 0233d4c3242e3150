/* SPDX-License-Identifier: Apache-2.0 */
/* graph/infer_index.c: types and shapes of what picks elements out or puts them in: gather,
 * scatter, select, sort. */
#include <string.h>

#include "graph/infer.h"
#include "graph/infer_count.h"

/* ---- Gather and scatter. */

static adze_error *
gather (adze_infer *infer)
{
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  const adze_infer_value *in = &infer->inputs[0], *indices = &infer->inputs[1];
  int64_t shape[ADZE_GRAPH_RANK];
  int32_t axis, rank = 0;
  ADZE_TRY (adze_infer_axis (infer, adze_node_int (infer->node, "axis", 0), in->rank, &axis));
  if (indices->rank < 0)
    return NULL;
  ADZE_TRY (adze_infer_fits (infer, in->rank - 1 + indices->rank));
  for (int32_t d = 0; d < in->rank; d++) {
    if (d != axis)
      shape[rank++] = in->shape[d];
    for (int32_t i = 0; d == axis && i < indices->rank; i++)
      shape[rank++] = indices->shape[i];
  }
  adze_infer_shape (infer, 0, rank, shape);
  return NULL;
}

/* The axis is one of input DATA's, and input INDICES has as many dimensions. */
static adze_error *
check_elements (const adze_infer *infer, size_t data, size_t indices)
{
  if (!adze_infer_has_rank (infer, data))
    return NULL;
  int32_t axis, rank = infer->inputs[data].rank;
  ADZE_TRY (adze_infer_axis (infer, adze_node_int (infer->node, "axis", 0), rank, &axis));
  ADZE_TRY (adze_infer_need_rank (infer, indices, rank, rank));
  if (!adze_infer_has_rank (infer, indices))
    return NULL;
  const int64_t *part = infer->inputs[indices].shape, *whole = infer->inputs[data].shape;
  for (int32_t d = 0; d < rank; d++)
    if (d != axis && part[d] >= 0 && whole[d] >= 0 && part[d] > whole[d])
      return adze_infer_refuse (infer, "dimension %d is %lld in input %zu, and %lld in input %zu, "
                                "which has the elements", d, (long long)part[d], indices,
                                (long long)whole[d], data);
  return NULL;
}

static adze_error *
gather_elements (adze_infer *infer)
{
  ADZE_TRY (check_elements (infer, 0, 1));
  adze_infer_shape_like (infer, 0, 1);
  return NULL;
}

static adze_error *
scatter_elements (adze_infer *infer)
{
  int way;
  ADZE_TRY (adze_infer_choice (infer, "reduction", "none|add|mul", 0, &way));
  ADZE_TRY (check_elements (infer, 0, 1));
  if (adze_infer_has_rank (infer, 1))
    ADZE_TRY (adze_infer_need_shape (infer, 2, infer->inputs[1].rank, infer->inputs[1].shape));
  return adze_rule_as_input (infer);
}

/* The shape of what input 1 points at in input 0, with SHARED dimensions that both have in front.
 * RANK is -1 where it is not told. */
static adze_error *
pointed_at (const adze_infer *infer, int64_t shared, int32_t *rank, int64_t *shape)
{
  const adze_infer_value *in = &infer->inputs[0], *indices = &infer->inputs[1];
  *rank = -1;
  ADZE_TRY (adze_infer_need_rank (infer, 0, 1, ADZE_GRAPH_RANK));
  ADZE_TRY (adze_infer_need_rank (infer, 1, 1, ADZE_GRAPH_RANK));
  if (in->rank < 0 || indices->rank < 0)
    return NULL;
  if (shared < 0 || shared >= in->rank || shared >= indices->rank)
    return adze_infer_refuse (infer, "attribute 'batch_dims' is %lld; inputs have %d and %d "
                              "dimensions", (long long)shared, in->rank, indices->rank);
  int64_t depth = indices->shape[indices->rank - 1], same;
  for (int32_t d = 0; d < shared; d++)
    ADZE_TRY (adze_infer_same (infer, in->shape[d], indices->shape[d], "a dimension of batches",
                               &same));
  if (depth < 0)
    return NULL;
  if (depth < 1 || depth > in->rank - shared)
    return adze_infer_refuse (infer, "the last dimension of input 1 is %lld; input 0 can be "
                              "pointed at by 1 to %lld numbers", (long long)depth,
                              (long long)(in->rank - shared));
  int32_t rest = in->rank - (int32_t)(shared + depth);
  ADZE_TRY (adze_infer_fits (infer, indices->rank - 1 + rest));
  *rank = indices->rank - 1 + rest;
  for (int32_t d = 0; d < *rank; d++)
    shape[d] = d < indices->rank - 1 ? indices->shape[d] : in->shape[in->rank - *rank + d];
  return NULL;
}

static adze_error *
gather_nd (adze_infer *infer)
{
  int64_t shape[ADZE_GRAPH_RANK];
  int32_t rank;
  ADZE_TRY (pointed_at (infer, adze_node_int (infer->node, "batch_dims", 0), &rank, shape));
  if (rank >= 0)
    adze_infer_shape (infer, 0, rank, shape);
  return NULL;
}

static adze_error *
scatter_nd (adze_infer *infer)
{
  int64_t shape[ADZE_GRAPH_RANK];
  int32_t rank;
  int way;
  ADZE_TRY (adze_infer_choice (infer, "reduction", "none|add|mul", 0, &way));
  ADZE_TRY (pointed_at (infer, 0, &rank, shape));
  if (rank >= 0)
    ADZE_TRY (adze_infer_need_shape (infer, 2, rank, shape));
  return adze_rule_as_input (infer);
}

static adze_error *
gather_grad (adze_infer *infer)
{
  int32_t axis;
  adze_infer_shape_like (infer, 0, 2);
  return adze_infer_has_rank (infer, 2)
             ? adze_infer_axis (infer, adze_node_int (infer->node, "axis", 0),
                                infer->inputs[2].rank, &axis)
             : NULL;
}

/* ---- Select. */

static adze_error *
one_hot (adze_infer *infer)
{
  double depth;
  int64_t shape[ADZE_GRAPH_RANK], length;
  int32_t axis, rank = 0;
  ADZE_TRY (adze_infer_length (infer, 1, &length));
  if (length >= 0 && length != 1)
    return adze_infer_refuse (infer, "input 1 has %lld elements; the depth is a single number",
                              (long long)length);
  ADZE_TRY (adze_infer_need_shape (infer, 2, 1, (int64_t[]){ 2 }));
  bool known = adze_infer_number (infer, 1, 0, &depth);
  if (known && !(depth >= 0 && depth < 0x1p53))
    return adze_infer_refuse (infer, "a depth of %g is asked for", depth);
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  const adze_infer_value *in = &infer->inputs[0];
  ADZE_TRY (adze_infer_fits (infer, in->rank + 1));
  ADZE_TRY (adze_infer_axis (infer, adze_node_int (infer->node, "axis", -1), in->rank + 1, &axis));
  for (int32_t d = 0; d <= in->rank; d++)
    shape[d] = d != axis ? in->shape[rank++] : known ? (int64_t)depth : adze_infer_fresh (infer);
  adze_infer_shape (infer, 0, in->rank + 1, shape);
  return NULL;
}

/* Is all of an input there, sizes and numbers? A tensor of no elements needs no numbers. */
static bool
is_known (const adze_infer *infer, size_t index)
{
  const adze_infer_value *in = adze_infer_in (infer, index);
  int64_t count = in ? adze_infer_count (in) : -1;
  return count == 0 || (count > 0 && in->data && in->dtype.bits % 8 == 0);
}

static adze_error *
non_zero (adze_infer *infer)
{
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  const adze_infer_value *in = &infer->inputs[0];
  int64_t count = is_known (infer, 0) ? adze_count_nonzero (in) : adze_infer_fresh (infer);
  /* A single number counts as a list of one. */
  adze_infer_shape (infer, 0, 2, (int64_t[]){ in->rank > 0 ? in->rank : 1, count });
  return NULL;
}

static adze_error *
compress (adze_infer *infer)
{
  bool flat = !adze_node_attribute (infer->node, "axis");
  int64_t count, length, size;
  int32_t axis = 0;
  ADZE_TRY (adze_infer_need_rank (infer, 1, 1, 1));
  ADZE_TRY (adze_infer_length (infer, 1, &length));
  count = is_known (infer, 1) ? adze_count_nonzero (&infer->inputs[1]) : adze_infer_fresh (infer);
  if (flat)
    adze_infer_shape (infer, 0, 1, &count);
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  const adze_infer_value *in = &infer->inputs[0];
  if (!flat)
    ADZE_TRY (adze_infer_axis (infer, adze_node_int (infer->node, "axis", 0), in->rank, &axis));
  size = flat ? adze_infer_count (in) : in->shape[axis];
  if (size >= 0 && length > size)
    return adze_infer_refuse (infer, "input 1 chooses among %lld, and there are %lld",
                              (long long)length, (long long)size);
  if (flat)
    return NULL;
  int64_t shape[ADZE_GRAPH_RANK];
  memcpy (shape, in->shape, sizeof shape);
  shape[axis] = count;
  adze_infer_shape (infer, 0, in->rank, shape);
  return NULL;
}

static adze_error *
unique (adze_infer *infer)
{
  bool flat = !adze_node_attribute (infer->node, "axis");
  int64_t count, all, shape[ADZE_GRAPH_RANK];
  int32_t axis = -1;
  if (!adze_infer_has_rank (infer, 0)) {
    for (size_t i = flat ? 0 : 1; i < infer->output_count; i++)
      adze_infer_rank (infer, i, 1);
    return NULL;
  }
  const adze_infer_value *in = &infer->inputs[0];
  if (!flat)
    ADZE_TRY (adze_infer_axis (infer, adze_node_int (infer->node, "axis", 0), in->rank, &axis));
  if (is_known (infer, 0))
    ADZE_TRY (adze_count_unique (in, axis, &count));
  else
    count = adze_infer_fresh (infer);
  all = flat ? adze_infer_count (in) : in->shape[axis];
  if (all < 0 && flat)
    all = adze_infer_fresh (infer);
  memcpy (shape, in->shape, sizeof shape);
  shape[flat ? 0 : axis] = count;
  adze_infer_shape (infer, 0, flat ? 1 : in->rank, shape);
  adze_infer_shape (infer, 1, 1, &count);
  adze_infer_shape (infer, 2, 1, &all);
  adze_infer_shape (infer, 3, 1, &count);
  return NULL;
}

static adze_error *
top_k (adze_infer *infer)
{
  int64_t numbers[ADZE_INFER_INTS], length, shape[ADZE_GRAPH_RANK];
  size_t count;
  int32_t axis;
  ADZE_TRY (adze_infer_length (infer, 1, &length));
  if (length >= 0 && length != 1)
    return adze_infer_refuse (infer, "input 1 has %lld elements; K is a single number",
                              (long long)length);
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  const adze_infer_value *in = &infer->inputs[0];
  ADZE_TRY (adze_infer_axis (infer, adze_node_int (infer->node, "axis", -1), in->rank, &axis));
  memcpy (shape, in->shape, sizeof shape);
  int64_t size = shape[axis];
  shape[axis] = adze_infer_ints (infer, 1, numbers, &count) ? numbers[0] : adze_infer_fresh (infer);
  if (infer->inputs[1].data && (shape[axis] < 0 || (size >= 0 && shape[axis] > size)))
    return adze_infer_refuse (infer, "%lld elements are asked for of a dimension of %lld",
                              (long long)shape[axis], (long long)size);
  adze_infer_shape (infer, 0, in->rank, shape);
  adze_infer_shape (infer, 1, in->rank, shape);
  return NULL;
}

static adze_error *
reverse_sequence (adze_infer *infer)
{
  int64_t batch = adze_node_int (infer->node, "batch_axis", 1);
  int64_t time = adze_node_int (infer->node, "time_axis", 0);
  if ((batch != 0 && batch != 1) || time != 1 - batch)
    return adze_infer_refuse (infer, "attributes 'batch_axis' and 'time_axis' are %lld and %lld; "
                              "one must be 0 and the other 1", (long long)batch, (long long)time);
  ADZE_TRY (adze_infer_need_rank (infer, 0, 2, ADZE_GRAPH_RANK));
  ADZE_TRY (adze_infer_need_rank (infer, 1, 1, 1));
  if (adze_infer_has_rank (infer, 0))
    ADZE_TRY (adze_infer_need_shape (infer, 1, 1, &infer->inputs[0].shape[batch]));
  return adze_rule_as_input (infer);
}

/* ---- Boxes. */

/* A number of an input that can be left out; KNOWN goes false where it is there and not told. */
static float
limit_of (const adze_infer *infer, size_t index, bool *known)
{
  double number = 0;
  if (adze_infer_in (infer, index) && !adze_infer_number (infer, index, 0, &number))
    *known = false;
  return (float)number;
}

static adze_error *
count_boxes (const adze_infer *infer, bool known, int64_t *count)
{
  const adze_infer_value *boxes = &infer->inputs[0], *scores = &infer->inputs[1];
  double most = 0;
  *count = 0;
  if (!adze_infer_in (infer, 2))
    return NULL; /* without a number of boxes it is 0 */
  known = known && adze_infer_number (infer, 2, 0, &most) && is_known (infer, 0)
          && is_known (infer, 1);
  adze_suppression work = { .boxes = boxes->data,
                            .scores = scores->data,
                            .batches = scores->shape[0],
                            .classes = scores->shape[1],
                            .count = scores->shape[2],
                            .most = most > 0x1p53 ? INT64_MAX : (int64_t)most,
                            .overlap_limit = limit_of (infer, 3, &known),
                            .score_limit = limit_of (infer, 4, &known),
                            .limited = adze_infer_in (infer, 4) != NULL,
                            .centered = adze_node_int (infer->node, "center_point_box", 0) != 0 };
  if (known)
    return adze_count_kept_boxes (&work, NULL, count);
  *count = adze_infer_fresh (infer);
  return NULL;
}

static adze_error *
non_max_suppression (adze_infer *infer)
{
  int64_t count, same;
  int64_t centered = adze_node_int (infer->node, "center_point_box", 0);
  if (centered != 0 && centered != 1)
    return adze_infer_refuse (infer, "attribute 'center_point_box' is %lld; it can be 0 or 1",
                              (long long)centered);
  ADZE_TRY (adze_infer_need_shape (infer, 0, 3, (int64_t[]){ -1, -1, 4 }));
  ADZE_TRY (adze_infer_need_rank (infer, 1, 3, 3));
  bool known = adze_infer_has_rank (infer, 0) && adze_infer_has_rank (infer, 1);
  if (known) {
    const int64_t *boxes = infer->inputs[0].shape, *scores = infer->inputs[1].shape;
    ADZE_TRY (adze_infer_same (infer, boxes[0], scores[0], "the number of batches", &same));
    ADZE_TRY (adze_infer_same (infer, boxes[1], scores[2], "the number of boxes", &same));
  }
  ADZE_TRY (count_boxes (infer, known, &count));
  adze_infer_shape (infer, 0, 2, (int64_t[]){ count, 3 });
  return NULL;
}

/* ---- */

const adze_operator adze_operators_index[] = {
  { "", "Gather", 2, 2, 1, 1, "ab", "a", { ADZE_T_ANY, ADZE_T_INDEX }, "axis:i", gather },
  { "", "GatherElements", 2, 2, 1, 1, "ab", "a", { ADZE_T_ANY, ADZE_T_INDEX }, "axis:i",
    gather_elements },
  { "", "GatherND", 2, 2, 1, 1, "ab", "a", { ADZE_T_ANY, ADZE_T_INT64 }, "batch_dims:i",
    gather_nd },
  { "", "ScatterElements", 3, 3, 1, 1, "aba", "a", { ADZE_T_ANY, ADZE_T_INDEX },
    "axis:i reduction:s", scatter_elements },
  { "", "ScatterND", 3, 3, 1, 1, "aba", "a", { ADZE_T_ANY, ADZE_T_INT64 }, "reduction:s",
    scatter_nd },
  { "", "OneHot", 3, 3, 1, 1, "abc", "c", { ADZE_T_NUMBER, ADZE_T_NUMBER, ADZE_T_ANY }, "axis:i",
    one_hot },
  { "", "NonZero", 1, 1, 1, 1, "a", "b", { ADZE_T_ANY, ADZE_T_INT64 }, "", non_zero },
  { "", "Compress", 2, 2, 1, 1, "ab", "a", { ADZE_T_ANY, ADZE_T_BOOL }, "axis:i", compress },
  { "", "Unique", 1, 1, 1, 4, "a", "ab", { ADZE_T_ANY, ADZE_T_INT64 }, "axis:i sorted:i", unique },
  { "", "TopK", 2, 2, 2, 2, "ab", "ab", { ADZE_T_NUMBER, ADZE_T_INT64 },
    "axis:i largest:i sorted:i", top_k },
  { "", "ReverseSequence", 2, 2, 1, 1, "ab", "a", { ADZE_T_ANY, ADZE_T_INT64 },
    "batch_axis:i time_axis:i", reverse_sequence },
  { "", "NonMaxSuppression", 2, 5, 1, 1, "aabaa", "b", { ADZE_T_FLOAT, ADZE_T_INT64 },
    "center_point_box:i", non_max_suppression },

  /* GatherGrad (gradient, indices, data) -> gradient of data: zeros of the shape of DATA, whose
   * numbers are not looked at, to which each slice of GRADIENT is added where Gather with the same
   * 'axis' took it from. An index that comes several times gets the sum, in the order of the
   * indices. */
  { "adze", "GatherGrad", 3, 3, 1, 1, "aba", "a", { ADZE_T_REAL, ADZE_T_INDEX }, "axis:i",
    gather_grad },
  { .name = NULL },
};
