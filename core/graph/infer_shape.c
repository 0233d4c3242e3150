/* SPDX-License-Identifier: Apache-2.0 */
/* graph/infer_shape.c: types and shapes of what lays elements out anew: reshape, transpose, slice,
 * concatenate, pad, cast. */
#include <string.h>

#include "graph/infer.h"

/* ---- Reshape. */

/* A shape that is being worked out from the numbers of input 1. */
typedef struct reshape {
  const adze_infer_value *in;
  int64_t wanted[ADZE_GRAPH_RANK];
  int32_t rank;
  int32_t open; /* place of the -1, or -1 */
} reshape;

/* Takes a dimension that stands on both sides out of LEFT, so that neither symbols nor zeros need
 * be divided by. */
static bool
cancel (int64_t *left, int32_t count, int64_t dimension)
{
  for (int32_t i = 0; i < count; i++)
    if (left[i] == dimension) {
      left[i] = 1;
      return true;
    }
  return false;
}

/* What a -1 stands for, or the check that as many elements come out as go in. */
static adze_error *
balance (const adze_infer *infer, reshape *shape)
{
  int64_t left[ADZE_GRAPH_RANK], from = 1, to = 1, symbol = 0;
  int32_t symbols = 0, unknown = 0;
  memcpy (left, shape->in->shape, sizeof left);
  for (int32_t d = 0; d < shape->rank; d++) {
    if (d == shape->open || cancel (left, shape->in->rank, shape->wanted[d]))
      continue;
    unknown += shape->wanted[d] < 0;
    if (shape->wanted[d] >= 0)
      ADZE_TRY (adze_infer_times (infer, to, shape->wanted[d], &to));
  }
  for (int32_t d = 0; d < shape->in->rank; d++) {
    if (left[d] >= 0)
      ADZE_TRY (adze_infer_times (infer, from, left[d], &from));
    else
      symbols++, symbol = left[d];
  }
  if (shape->open >= 0) {
    int64_t *open = &shape->wanted[shape->open];
    bool told = symbols == 0 && unknown == 0;
    if (told && (to == 0 || from % to != 0))
      return adze_infer_refuse (infer, "%lld elements cannot be shared out over a shape with %lld "
                                "elements beside its -1", (long long)from, (long long)to);
    *open = told ? from / to
            : symbols == 1 && unknown == 0 && from == to ? symbol : adze_infer_fresh (infer);
    return NULL;
  }
  if (symbols == 0 && unknown == 0 && from != to)
    return adze_infer_refuse (infer, "the shape asked for has %lld elements where input 0 has %lld",
                              (long long)to, (long long)from);
  return NULL;
}

static adze_error *
read_reshape (const adze_infer *infer, const int64_t *numbers, size_t count, reshape *shape)
{
  bool zero = adze_node_int (infer->node, "allowzero", 0) != 0, zeros = false;
  ADZE_TRY (adze_infer_fits (infer, (int64_t)count));
  shape->rank = (int32_t)count;
  for (int32_t d = 0; d < shape->rank; d++) {
    int64_t number = numbers[d];
    shape->wanted[d] = number;
    zeros = zeros || number == 0;
    if (number < -1 || (number == -1 && shape->open >= 0))
      return adze_infer_refuse (infer, "number %d of the shape asked for is %lld; one -1 and "
                                "numbers from 0 on are possible", d, (long long)number);
    if (number == -1)
      shape->open = d;
    if (number != 0 || zero)
      continue;
    if (shape->in->rank >= 0 && d >= shape->in->rank)
      return adze_infer_refuse (infer, "number %d of the shape asked for is 0, which takes that "
                                "dimension of input 0, and that has %d", d, shape->in->rank);
    shape->wanted[d] = shape->in->rank >= 0 ? shape->in->shape[d] : adze_infer_fresh (infer);
  }
  if (zero && zeros && shape->open >= 0)
    return adze_infer_refuse (infer, "the shape asked for has both a 0 and a -1, which "
                              "'allowzero' rules out");
  return NULL;
}

static adze_error *
reshape_rule (adze_infer *infer)
{
  int64_t numbers[ADZE_INFER_INTS], length;
  size_t count;
  ADZE_TRY (adze_infer_need_rank (infer, 1, 1, 1));
  ADZE_TRY (adze_infer_length (infer, 1, &length));
  if (length >= 0)
    ADZE_TRY (adze_infer_fits (infer, length));
  if (!adze_infer_ints (infer, 1, numbers, &count)) {
    if (length >= 0)
      adze_infer_rank (infer, 0, (int32_t)length);
    return NULL;
  }
  reshape shape = { .in = &infer->inputs[0], .open = -1 };
  ADZE_TRY (read_reshape (infer, numbers, count, &shape));
  if (shape.in->rank >= 0)
    ADZE_TRY (balance (infer, &shape));
  else if (shape.open >= 0)
    shape.wanted[shape.open] = adze_infer_fresh (infer);
  adze_infer_shape (infer, 0, shape.rank, shape.wanted);
  return NULL;
}

static adze_error *
flatten (adze_infer *infer)
{
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  const adze_infer_value *in = &infer->inputs[0];
  int64_t axis = adze_node_int (infer->node, "axis", 1), shape[2] = { 1, 1 };
  if (axis < -in->rank || axis > in->rank)
    return adze_infer_refuse (infer, "attribute 'axis' is %lld; for %d dimensions %d to %d are "
                              "possible", (long long)axis, in->rank, -in->rank, in->rank);
  axis += axis < 0 ? in->rank : 0;
  for (int32_t d = 0; d < in->rank; d++)
    ADZE_TRY (adze_infer_times (infer, shape[d >= axis], in->shape[d], &shape[d >= axis]));
  adze_infer_shape (infer, 0, 2, shape);
  return NULL;
}

/* ---- Squeeze, unsqueeze, transpose. */

static adze_error *
squeeze_axes (adze_infer *infer, const bool *marked, bool all)
{
  const adze_infer_value *in = &infer->inputs[0];
  int64_t shape[ADZE_GRAPH_RANK];
  int32_t rank = 0;
  for (int32_t d = 0; d < in->rank; d++) {
    if (all && in->shape[d] < 0)
      return NULL; /* a symbol may be 1 or not */
    if (!all && marked[d] && in->shape[d] >= 0 && in->shape[d] != 1)
      return adze_infer_refuse (infer, "dimension %d is %lld, and only one of 1 can be taken "
                                "away", d,
                                (long long)in->shape[d]);
    if (all ? in->shape[d] != 1 : !marked[d])
      shape[rank++] = in->shape[d];
  }
  adze_infer_shape (infer, 0, rank, shape);
  return NULL;
}

static adze_error *
squeeze (adze_infer *infer)
{
  int64_t axes[ADZE_INFER_INTS], length;
  bool marked[ADZE_GRAPH_RANK] = { false };
  size_t count = 0;
  ADZE_TRY (adze_infer_length (infer, 1, &length));
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  int32_t rank = infer->inputs[0].rank;
  bool all = !adze_infer_in (infer, 1);
  if (all || adze_infer_ints (infer, 1, axes, &count)) {
    ADZE_TRY (adze_infer_axes (infer, axes, count, rank, marked));
    return squeeze_axes (infer, marked, all);
  }
  if (length > rank)
    return adze_infer_refuse (infer, "input 1 names %lld axes, and there are %d", (long long)length,
                              rank);
  if (length >= 0)
    adze_infer_rank (infer, 0, rank - (int32_t)length);
  return NULL;
}

static adze_error *
unsqueeze (adze_infer *infer)
{
  int64_t axes[ADZE_INFER_INTS], length, shape[ADZE_GRAPH_RANK];
  bool marked[ADZE_GRAPH_RANK];
  size_t count;
  ADZE_TRY (adze_infer_length (infer, 1, &length));
  if (!adze_infer_has_rank (infer, 0) || length < 0)
    return NULL;
  const adze_infer_value *in = &infer->inputs[0];
  if (length > ADZE_GRAPH_RANK)
    return adze_infer_fits (infer, length);
  int32_t rank = in->rank + (int32_t)length, from = 0;
  ADZE_TRY (adze_infer_fits (infer, rank));
  if (!adze_infer_ints (infer, 1, axes, &count)) {
    adze_infer_rank (infer, 0, rank);
    return NULL;
  }
  ADZE_TRY (adze_infer_axes (infer, axes, count, rank, marked));
  for (int32_t d = 0; d < rank; d++)
    shape[d] = marked[d] ? 1 : in->shape[from++];
  adze_infer_shape (infer, 0, rank, shape);
  return NULL;
}

static adze_error *
transpose (adze_infer *infer)
{
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  const adze_infer_value *in = &infer->inputs[0];
  int64_t places[ADZE_GRAPH_RANK], shape[ADZE_GRAPH_RANK];
  bool marked[ADZE_GRAPH_RANK];
  size_t given;
  const int64_t *order = adze_node_ints (infer->node, "perm", &given);
  if (order && given != (size_t)in->rank)
    return adze_infer_refuse (infer, "attribute 'perm' has %zu numbers for %d dimensions", given,
                              in->rank);
  for (int32_t d = 0; d < in->rank; d++) {
    places[d] = order ? order[d] : in->rank - 1 - d;
    if (places[d] < 0)
      return adze_infer_refuse (infer, "attribute 'perm' names dimension %lld; they are 0 to %d",
                                (long long)places[d], in->rank - 1);
  }
  ADZE_TRY (adze_infer_axes (infer, places, (size_t)in->rank, in->rank, marked));
  for (int32_t d = 0; d < in->rank; d++)
    shape[d] = in->shape[places[d]];
  adze_infer_shape (infer, 0, in->rank, shape);
  return NULL;
}

/* ---- Slice. */

typedef struct slices {
  int64_t starts[ADZE_INFER_INTS], ends[ADZE_INFER_INTS], axes[ADZE_INFER_INTS],
      steps[ADZE_INFER_INTS];
  size_t count;
} slices;

/* How many elements of SIZE lie between START and END; every number is possible in all of them. */
static int64_t
slice_size (int64_t size, int64_t start, int64_t end, int64_t step)
{
  if (size == 0)
    return 0;
  start += start < 0 ? size : 0;
  end += end < 0 ? size : 0;
  if (step > 0) {
    start = start < 0 ? 0 : start > size ? size : start;
    end = end < 0 ? 0 : end > size ? size : end;
    return end > start ? (end - start - 1) / step + 1 : 0;
  }
  start = start < 0 ? 0 : start > size - 1 ? size - 1 : start;
  end = end < -1 ? -1 : end > size - 1 ? size - 1 : end;
  step = step == INT64_MIN ? INT64_MAX : -step;
  return start > end ? (start - end - 1) / step + 1 : 0;
}

/* Numbers of an input that can be left out, as many as there are starts. */
static adze_error *
slice_numbers (const adze_infer *infer, size_t index, const slices *all, int64_t *into, bool *known)
{
  size_t count = all->count;
  if (!adze_infer_in (infer, index) || !*known)
    return NULL;
  *known = adze_infer_ints (infer, index, into, &count);
  if (*known && count != all->count)
    return adze_infer_refuse (infer, "input %zu has %zu numbers where there are %zu starts", index,
                              count, all->count);
  return NULL;
}

static adze_error *
read_slices (const adze_infer *infer, slices *all, bool *known)
{
  *known = adze_infer_ints (infer, 1, all->starts, &all->count);
  for (size_t i = 0; *known && i < all->count; i++) {
    all->axes[i] = (int64_t)i;
    all->steps[i] = 1;
  }
  ADZE_TRY (slice_numbers (infer, 2, all, all->ends, known));
  ADZE_TRY (slice_numbers (infer, 3, all, all->axes, known));
  return slice_numbers (infer, 4, all, all->steps, known);
}

static adze_error *
slice_axes (adze_infer *infer, const slices *all)
{
  const adze_infer_value *in = &infer->inputs[0];
  int64_t shape[ADZE_GRAPH_RANK];
  bool marked[ADZE_GRAPH_RANK];
  ADZE_TRY (adze_infer_axes (infer, all->axes, all->count, in->rank, marked));
  memcpy (shape, in->shape, sizeof shape);
  for (size_t i = 0; i < all->count; i++) {
    int64_t *size = &shape[all->axes[i] < 0 ? all->axes[i] + in->rank : all->axes[i]];
    int64_t start = all->starts[i], end = all->ends[i], step = all->steps[i];
    if (step == 0)
      return adze_infer_refuse (infer, "step %zu is 0", i);
    /* All of a size that is not known is that size. */
    bool whole = (step == 1 && start == 0 && end >= INT32_MAX)
                 || (step == -1 && start == -1 && end <= INT32_MIN);
    if (*size >= 0)
      *size = slice_size (*size, start, end, step);
    else if (!whole)
      *size = adze_infer_fresh (infer);
  }
  adze_infer_shape (infer, 0, in->rank, shape);
  return NULL;
}

static adze_error *
slice (adze_infer *infer)
{
  int64_t length;
  for (size_t i = 1; i < infer->input_count; i++)
    ADZE_TRY (adze_infer_length (infer, i, &length));
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  ADZE_AUTO_FREE slices *all = malloc (sizeof *all);
  if (!all)
    return adze_error_memory ();
  bool known;
  ADZE_TRY (read_slices (infer, all, &known));
  if (known)
    return slice_axes (infer, all);
  adze_infer_rank (infer, 0, infer->inputs[0].rank);
  return NULL;
}

/* ---- Concatenate, split, tile, expand, pad. */

static adze_error *
concat (adze_infer *infer)
{
  int64_t shape[ADZE_GRAPH_RANK], sum = 0;
  int32_t axis, rank;
  for (size_t i = 0; i < infer->input_count; i++)
    if (!adze_infer_has_rank (infer, i))
      return NULL;
  rank = infer->inputs[0].rank;
  ADZE_TRY (adze_infer_axis (infer, adze_node_int (infer->node, "axis", 0), rank, &axis));
  memcpy (shape, infer->inputs[0].shape, sizeof shape);
  for (size_t i = 0; i < infer->input_count; i++) {
    ADZE_TRY (adze_infer_need_rank (infer, i, rank, rank));
    const int64_t *part = infer->inputs[i].shape;
    ADZE_TRY (adze_infer_plus (infer, sum, part[axis], &sum));
    for (int32_t d = 0; d < rank; d++)
      if (d != axis)
        ADZE_TRY (adze_infer_same (infer, shape[d], part[d], "a dimension beside the axis",
                                   &shape[d]));
  }
  shape[axis] = sum;
  adze_infer_shape (infer, 0, rank, shape);
  return NULL;
}

static adze_error *
check_split (const adze_infer *infer, const int64_t *parts, size_t count, int64_t size)
{
  int64_t sum = 0;
  if (count != infer->output_count)
    return adze_infer_refuse (infer, "input 1 has %zu sizes for %zu outputs", count,
                              infer->output_count);
  for (size_t i = 0; i < count; i++)
    if (parts[i] < 0 || __builtin_add_overflow (sum, parts[i], &sum))
      return adze_infer_refuse (infer, "size %zu of input 1 is %lld", i, (long long)parts[i]);
  if (size >= 0 && sum != size)
    return adze_infer_refuse (infer, "the sizes of input 1 are %lld together, and the dimension to "
                              "be split is %lld", (long long)sum, (long long)size);
  return NULL;
}

static adze_error *
split (adze_infer *infer)
{
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  const adze_infer_value *in = &infer->inputs[0];
  int64_t parts[ADZE_INFER_INTS], shape[ADZE_GRAPH_RANK];
  size_t count = infer->output_count;
  int32_t axis;
  ADZE_TRY (adze_infer_axis (infer, adze_node_int (infer->node, "axis", 0), in->rank, &axis));
  int64_t size = in->shape[axis];
  bool given = adze_infer_in (infer, 1), known = given && adze_infer_ints (infer, 1, parts, &count);
  if (known)
    ADZE_TRY (check_split (infer, parts, count, size));
  if (!given && size >= 0 && size % (int64_t)count != 0)
    return adze_infer_refuse (infer, "dimension %d is %lld, which cannot be split evenly into %zu",
                              axis, (long long)size, count);
  memcpy (shape, in->shape, sizeof shape);
  for (size_t i = 0; i < infer->output_count; i++) {
    shape[axis] = known                ? parts[i]
                  : !given && size >= 0 ? size / (int64_t)count
                                        : adze_infer_fresh (infer);
    adze_infer_shape (infer, i, in->rank, shape);
  }
  return NULL;
}

static adze_error *
tile (adze_infer *infer)
{
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  const adze_infer_value *in = &infer->inputs[0];
  int64_t repeats[ADZE_INFER_INTS], shape[ADZE_GRAPH_RANK], length;
  size_t count;
  ADZE_TRY (adze_infer_length (infer, 1, &length));
  if (length >= 0 && length != in->rank)
    return adze_infer_refuse (infer, "input 1 has %lld numbers for %d dimensions",
                              (long long)length, in->rank);
  if (!adze_infer_ints (infer, 1, repeats, &count)) {
    adze_infer_rank (infer, 0, in->rank);
    return NULL;
  }
  for (int32_t d = 0; d < in->rank; d++) {
    if (repeats[d] < 0)
      return adze_infer_refuse (infer, "dimension %d is to be repeated %lld times", d,
                                (long long)repeats[d]);
    ADZE_TRY (adze_infer_times (infer, in->shape[d], repeats[d], &shape[d]));
  }
  adze_infer_shape (infer, 0, in->rank, shape);
  return NULL;
}

static adze_error *
expand (adze_infer *infer)
{
  int64_t shape[ADZE_GRAPH_RANK];
  int32_t rank;
  bool known;
  ADZE_TRY (adze_infer_shape_numbers (infer, 1, &rank, shape, &known));
  if (!adze_infer_has_rank (infer, 0) || rank < 0)
    return NULL;
  const adze_infer_value *in = &infer->inputs[0];
  if (known) {
    ADZE_TRY (adze_infer_stretch (infer, in->rank, in->shape, rank, shape, &rank, shape));
    adze_infer_shape (infer, 0, rank, shape);
  } else
    adze_infer_rank (infer, 0, rank > in->rank ? rank : in->rank);
  return NULL;
}

static adze_error *
pad (adze_infer *infer)
{
  int mode;
  int64_t pads[ADZE_INFER_INTS], shape[ADZE_GRAPH_RANK], length;
  size_t count;
  ADZE_TRY (adze_infer_choice (infer, "mode", "constant|reflect|edge", 0, &mode));
  ADZE_TRY (adze_infer_length (infer, 1, &length));
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  const adze_infer_value *in = &infer->inputs[0];
  if (length >= 0 && length != 2 * in->rank)
    return adze_infer_refuse (infer, "input 1 has %lld numbers; two for each of %d dimensions are "
                              "needed", (long long)length, in->rank);
  if (!adze_infer_ints (infer, 1, pads, &count)) {
    adze_infer_rank (infer, 0, in->rank);
    return NULL;
  }
  for (int32_t d = 0; d < in->rank; d++) {
    int64_t size = in->shape[d], before = pads[d], behind = pads[in->rank + d], sum;
    if (__builtin_add_overflow (before, behind, &sum)
        || (size >= 0 && (__builtin_add_overflow (sum, size, &sum) || sum < 0)))
      return adze_infer_refuse (infer, "dimension %d of %lld cannot be padded by %lld and %lld", d,
                                (long long)size, (long long)before, (long long)behind);
    if (mode != 0 && size == 0 && sum > 0)
      return adze_infer_refuse (infer, "dimension %d has no element that could be repeated", d);
    shape[d] = size >= 0 ? sum : sum == 0 ? size : adze_infer_fresh (infer);
  }
  adze_infer_shape (infer, 0, in->rank, shape);
  return NULL;
}

/* ---- Blocks. */

static adze_error *
block_size (const adze_infer *infer, int64_t *block)
{
  *block = adze_node_int (infer->node, "blocksize", 0);
  if (*block < 1 || *block > INT16_MAX)
    return adze_infer_refuse (infer, "attribute 'blocksize' is %lld; 1 to %d are possible",
                              (long long)*block, INT16_MAX);
  return adze_infer_need_rank (infer, 0, 4, 4);
}

static adze_error *
divided (const adze_infer *infer, int64_t size, int64_t by, int64_t *into)
{
  if (size >= 0 && size % by != 0)
    return adze_infer_refuse (infer, "a dimension of %lld cannot be divided by %lld",
                              (long long)size, (long long)by);
  *into = size >= 0 ? size / by : by == 1 ? size : adze_infer_fresh (infer);
  return NULL;
}

static adze_error *
depth_to_space (adze_infer *infer)
{
  int64_t block, shape[4];
  int mode;
  ADZE_TRY (adze_infer_choice (infer, "mode", "DCR|CRD", 0, &mode));
  ADZE_TRY (block_size (infer, &block));
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  const int64_t *in = infer->inputs[0].shape;
  shape[0] = in[0];
  ADZE_TRY (divided (infer, in[1], block * block, &shape[1]));
  for (int d = 2; d < 4; d++)
    ADZE_TRY (adze_infer_times (infer, in[d], block, &shape[d]));
  adze_infer_shape (infer, 0, 4, shape);
  return NULL;
}

static adze_error *
space_to_depth (adze_infer *infer)
{
  int64_t block, shape[4];
  ADZE_TRY (block_size (infer, &block));
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  const int64_t *in = infer->inputs[0].shape;
  shape[0] = in[0];
  ADZE_TRY (adze_infer_times (infer, in[1], block * block, &shape[1]));
  for (int d = 2; d < 4; d++)
    ADZE_TRY (divided (infer, in[d], block, &shape[d]));
  adze_infer_shape (infer, 0, 4, shape);
  return NULL;
}

/* ---- The same elements, or others of the same shape. */

static adze_error *
cast (adze_infer *infer)
{
  adze_dtype dtype = { 0 };
  ADZE_TRY (adze_infer_type_named (infer, "to", ADZE_T_PLAIN, &dtype));
  adze_infer_type (infer, 0, dtype);
  return adze_rule_as_input (infer);
}

/* ---- */

const adze_operator adze_operators_shape[] = {
  { "", "Identity", 1, 1, 1, 1, "a", "a", { ADZE_T_ANY }, "", adze_rule_as_input },
  { "", "Cast", 1, 1, 1, 1, "a", ".", { ADZE_T_PLAIN }, "to:i!", cast },
  { "", "CastLike", 2, 2, 1, 1, "ab", "b", { ADZE_T_PLAIN, ADZE_T_PLAIN }, "",
    adze_rule_as_input },
  { "", "Reshape", 2, 2, 1, 1, "ab", "a", { ADZE_T_ANY, ADZE_T_INT64 }, "allowzero:i",
    reshape_rule },
  { "", "Flatten", 1, 1, 1, 1, "a", "a", { ADZE_T_ANY }, "axis:i", flatten },
  { "", "Squeeze", 1, 2, 1, 1, "ab", "a", { ADZE_T_ANY, ADZE_T_INT64 }, "", squeeze },
  { "", "Unsqueeze", 2, 2, 1, 1, "ab", "a", { ADZE_T_ANY, ADZE_T_INT64 }, "", unsqueeze },
  { "", "Transpose", 1, 1, 1, 1, "a", "a", { ADZE_T_ANY }, "perm:I", transpose },
  { "", "Slice", 3, 5, 1, 1, "ab", "a", { ADZE_T_ANY, ADZE_T_INDEX }, "", slice },
  { "", "Concat", 1, 255, 1, 1, "a", "a", { ADZE_T_ANY }, "axis:i!", concat },
  { "", "Split", 1, 2, 1, 255, "ab", "a", { ADZE_T_ANY, ADZE_T_INT64 }, "axis:i", split },
  { "", "Tile", 2, 2, 1, 1, "ab", "a", { ADZE_T_ANY, ADZE_T_INT64 }, "", tile },
  { "", "Expand", 2, 2, 1, 1, "ab", "a", { ADZE_T_ANY, ADZE_T_INT64 }, "", expand },
  { "", "Pad", 2, 3, 1, 1, "aba", "a", { ADZE_T_ANY, ADZE_T_INT64 }, "mode:s", pad },
  { "", "DepthToSpace", 1, 1, 1, 1, "a", "a", { ADZE_T_ANY }, "blocksize:i! mode:s",
    depth_to_space },
  { "", "SpaceToDepth", 1, 1, 1, 1, "a", "a", { ADZE_T_ANY }, "blocksize:i!", space_to_depth },
  { .name = NULL },
};
