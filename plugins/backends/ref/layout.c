/* SPDX-License-Identifier: Apache-2.0 */
/* layout.c: operators that give the same elements in another order or shape. */
#include "move.h"

/* ---- Another shape, the same order. */

static adze_status
same_order_run (ref_call *call)
{
  const adze_view *in;
  adze_view *out;
  ref_move move;
  adze_status status = ref_move_begin (call, &in, &out, &move);
  if (status != ADZE_OK || !out)
    return status;
  size_t count = adze_view_count (in);
  if (count != adze_view_count (out))
    return ref_refuse (call, ADZE_E_FORMAT, "%zu elements are to become %zu", count,
                       adze_view_count (out));
  ref_move_add (&move, count, 1, 1);
  return ref_move_run (call, &move);
}

/* What is dropped in training is drawn at random; nothing is, with a ratio of 0. */
static bool
drops (const void *training, adze_dtype ratio_type, const void *ratio)
{
  double share = 0.5; /* where it is not given */
  if (ratio && !adze_numbers_read (ratio_type, ratio, 1, &share))
    return true;
  return *(const uint8_t *)training && share != 0;
}

static bool
is_known_number (const adze_graph_value *value)
{
  for (int32_t d = 0; d < value->rank; d++)
    if (value->shape[d] != 1)
      return false;
  return value->data && value->rank >= 0;
}

/* Where one of the two numbers is not known yet, it is looked at when it is. */
static bool
may_drop_nothing (const ref_question *question)
{
  const adze_graph_value *ratio = ref_asked_input (question, 1);
  const adze_graph_value *training = ref_asked_input (question, 2);
  if (!training || !is_known_number (training) || (ratio && !is_known_number (ratio)))
    return true;
  return !drops (training->data, ratio ? ratio->dtype : (adze_dtype){ 0 },
                 ratio ? ratio->data : NULL);
}

static adze_status
dropout_run (ref_call *call)
{
  const adze_view *ratio = ref_in (call, 1), *training = ref_in (call, 2);
  adze_view *mask = ref_out (call, 1);
  if ((training && (ref_view_type (training) != REF_BOOL || adze_view_count (training) != 1))
      || (ratio && adze_view_count (ratio) != 1))
    return ref_refuse (call, ADZE_E_FORMAT, "ratio and training mode must be one number each");
  if (training
      && drops (adze_view_data (training), ratio ? ratio->dtype : (adze_dtype){ 0 },
                ratio ? adze_view_data (ratio) : NULL))
    return ref_refuse (call, ADZE_E_UNSUPPORTED, "in training only a ratio of 0 is done here");
  /* Nothing was dropped. */
  if (mask && adze_view_count (mask))
    memset (adze_view_data (mask), 1, adze_view_count (mask));
  return same_order_run (call);
}

/* ---- Another order. */

static adze_status
transpose_run (ref_call *call)
{
  const adze_view *in;
  adze_view *out;
  ref_move move;
  adze_status status = ref_move_begin (call, &in, &out, &move);
  if (status != ADZE_OK || !out)
    return status;
  size_t count;
  const int64_t *order = adze_node_ints (call->node, "perm", &count);
  if (out->rank != in->rank || (order && count != (size_t)in->rank))
    return ref_refuse (call, ADZE_E_FORMAT, "perm has %zu numbers for %d dimensions", count,
                       in->rank);
  ptrdiff_t to[ADZE_GRAPH_RANK], from[ADZE_GRAPH_RANK];
  bool seen[ADZE_GRAPH_RANK] = { false };
  ref_strides (in, from);
  ref_strides (out, to);
  for (int32_t d = 0; d < in->rank; d++) {
    int64_t source = order ? order[d] : in->rank - 1 - d;
    if (source < 0 || source >= in->rank || seen[source])
      return ref_refuse (call, ADZE_E_FORMAT, "perm names dimension %lld twice, or there is none",
                         (long long)source);
    seen[source] = true;
    if (out->shape[d] != in->shape[source])
      return ref_refuse (call, ADZE_E_CONTRACT, "the output has another shape than its result");
    ref_move_add (&move, (size_t)out->shape[d], to[d], from[source]);
  }
  return ref_move_run (call, &move);
}

/* Depth is cut into BLOCK x BLOCK and the rest, which comes first or last, and each piece becomes a
 * square of the plane; or the other way round. */
static adze_status
block_run (ref_call *call, bool to_space)
{
  const adze_view *in;
  adze_view *out;
  ref_move move;
  adze_status status = ref_move_begin (call, &in, &out, &move);
  if (status != ADZE_OK || !out)
    return status;
  const adze_view *deep = to_space ? in : out, *wide = to_space ? out : in;
  int64_t block = adze_node_int (call->node, "blocksize", 0);
  const char *mode = adze_node_text (call->node, "mode", "DCR");
  if (deep->rank != 4 || wide->rank != 4 || block < 1 || block > INT32_MAX
      || deep->shape[1] % (block * block) != 0)
    return ref_refuse (call, ADZE_E_FORMAT, "needs four dimensions, and a depth that is cut into "
                       "blocks of %lld by %lld", (long long)block, (long long)block);
  size_t size = (size_t)block, depth = (size_t)deep->shape[1] / size / size;
  if ((size_t)wide->shape[1] != depth || wide->shape[2] != deep->shape[2] * block
      || wide->shape[3] != deep->shape[3] * block || wide->shape[0] != deep->shape[0])
    return ref_refuse (call, ADZE_E_FORMAT, "the output has another shape than its result");
  ptrdiff_t d[4], w[4], step = (ptrdiff_t)size, rest = (ptrdiff_t)depth;
  ref_strides (deep, d);
  ref_strides (wide, w);
  bool rest_first = to_space && strcmp (mode, "CRD") == 0;
  ptrdiff_t channel = rest_first ? step * step : 1, square = rest_first ? 1 : rest;
  const struct {
    size_t count;
    ptrdiff_t deep, wide;
  } all[] = {
    { (size_t)deep->shape[0], d[0], w[0] },
    { depth, channel * d[1], w[1] },
    { (size_t)deep->shape[2], d[2], w[2] * step },
    { size, step * square * d[1], w[2] },
    { (size_t)deep->shape[3], d[3], w[3] * step },
    { size, square * d[1], w[3] },
  };
  for (size_t i = 0; i < 6; i++)
    ref_move_add (&move, all[i].count, to_space ? all[i].wide : all[i].deep,
                  to_space ? all[i].deep : all[i].wide);
  return ref_move_run (call, &move);
}

static adze_status
depth_to_space_run (ref_call *call)
{
  return block_run (call, true);
}

static adze_status
space_to_depth_run (ref_call *call)
{
  return block_run (call, false);
}

/* ---- Several become one, one becomes several. */

/* PART lies in WHOLE from BEGIN on along AXIS; to it or from it. */
static adze_status
move_part (ref_call *call, const adze_view *whole, const adze_view *part, int32_t axis,
           size_t begin, bool into_whole)
{
  size_t size = ref_size_of (whole->dtype), inner = ref_product (whole, axis + 1, whole->rank);
  size_t width = (size_t)whole->shape[axis] * inner, own = (size_t)part->shape[axis] * inner;
  char *place = adze_view_data (whole), *other = adze_view_data (part);
  if (adze_view_count (part) == 0)
    return ADZE_OK;
  place += begin * inner * size;
  ref_move move = { .size = size,
                    .into = into_whole ? place : other,
                    .out_of = into_whole ? other : place };
  ref_move_add (&move, ref_product (whole, 0, axis), (ptrdiff_t)(into_whole ? width : own),
                (ptrdiff_t)(into_whole ? own : width));
  ref_move_add (&move, own, 1, 1);
  return ref_move_run (call, &move);
}

/* Does PART go along with WHOLE, other than in its length along AXIS? */
static bool
fits (const adze_view *whole, const adze_view *part, int32_t axis, size_t begin)
{
  bool same = whole->rank == part->rank && adze_dtype_same (whole->dtype, part->dtype);
  for (int32_t d = 0; same && d < whole->rank; d++)
    same = d == axis ? (size_t)part->shape[d] <= (size_t)whole->shape[d] - begin
                     : part->shape[d] == whole->shape[d];
  return same;
}

static adze_status
concat_run (ref_call *call)
{
  const adze_view *first;
  adze_view *out;
  ref_move move;
  adze_status status = ref_move_begin (call, &first, &out, &move);
  if (status != ADZE_OK || !out)
    return status;
  int32_t axis;
  status = ref_axis (call, adze_node_int (call->node, "axis", 0), out->rank, &axis);
  size_t begin = 0;
  for (size_t i = 0; status == ADZE_OK && i < call->input_count; i++) {
    const adze_view *in = call->inputs[i];
    if (!in || !fits (out, in, axis, begin))
      return ref_refuse (call, ADZE_E_FORMAT, "input %zu does not have the type and shape of the "
                         "others", i);
    status = move_part (call, out, in, axis, begin, true);
    begin += (size_t)in->shape[axis];
  }
  if (status == ADZE_OK && begin != (size_t)out->shape[axis])
    return ref_refuse (call, ADZE_E_CONTRACT, "joins %zu, and has room for %lld", begin,
                       (long long)out->shape[axis]);
  return status;
}

/* What each output gets is in its shape already, but for one that nobody asks for: then it is what
 * split says, or an equal part. */
static adze_status
length_of (ref_call *call, size_t index, int64_t whole, const int64_t *split, size_t count,
           int32_t axis, size_t *length)
{
  if (split && index >= count)
    return ref_refuse (call, ADZE_E_FORMAT, "split has %zu numbers for %zu outputs", count,
                       call->output_count);
  adze_view *out = ref_out (call, index);
  int64_t equal = whole / (int64_t)call->output_count;
  int64_t own = split ? split[index] : equal;
  if (own < 0 || (out && (out->rank <= axis || out->shape[axis] != own)))
    return ref_refuse (call, ADZE_E_FORMAT, "output %zu is to have %lld along the axis", index,
                       (long long)own);
  *length = (size_t)own;
  return ADZE_OK;
}

static adze_status
split_run (ref_call *call)
{
  const adze_view *in = ref_in (call, 0);
  if (!in || ref_size_of (in->dtype) == 0)
    return ref_refuse_type (call, 0);
  const int64_t *split;
  size_t count, begin = 0;
  int32_t axis;
  adze_status status = ref_axis (call, adze_node_int (call->node, "axis", 0), in->rank, &axis);
  if (status == ADZE_OK)
    status = ref_ints (call, 1, &split, &count);
  for (size_t i = 0; status == ADZE_OK && i < call->output_count; i++) {
    const adze_view *out = ref_out (call, i);
    size_t length = 0;
    status = length_of (call, i, in->shape[axis], split, count, axis, &length);
    if (status == ADZE_OK && begin + length > (size_t)in->shape[axis])
      return ref_refuse (call, ADZE_E_FORMAT, "the parts have more than %lld together",
                         (long long)in->shape[axis]);
    if (status == ADZE_OK && out) {
      if (!fits (in, out, axis, begin))
        return ref_refuse (call, ADZE_E_CONTRACT, "output %zu has another shape than its result",
                           i);
      status = move_part (call, in, out, axis, begin, false);
    }
    begin += length;
  }
  return status;
}

/* ---- Repeating. */

static adze_status
tile_run (ref_call *call)
{
  const adze_view *in;
  adze_view *out;
  ref_move move;
  adze_status status = ref_move_begin (call, &in, &out, &move);
  if (status != ADZE_OK || !out)
    return status;
  ptrdiff_t to[ADZE_GRAPH_RANK], from[ADZE_GRAPH_RANK];
  ref_strides (in, from);
  ref_strides (out, to);
  bool fit = in->rank == out->rank;
  for (int32_t d = 0; fit && d < in->rank; d++) {
    int64_t own = in->shape[d];
    fit = own ? out->shape[d] % own == 0 : out->shape[d] == 0;
    ref_move_add (&move, own ? (size_t)(out->shape[d] / own) : 0, (ptrdiff_t)own * to[d], 0);
    ref_move_add (&move, (size_t)own, to[d], from[d]);
  }
  return fit ? ref_move_run (call, &move)
             : ref_refuse (call, ADZE_E_CONTRACT, "the output is not a multiple of the input");
}

static adze_status
expand_run (ref_call *call)
{
  const adze_view *in;
  adze_view *out;
  ref_move move;
  adze_status status = ref_move_begin (call, &in, &out, &move);
  if (status != ADZE_OK || !out)
    return status;
  ptrdiff_t to[ADZE_GRAPH_RANK], from[ADZE_GRAPH_RANK];
  ref_strides (in, from);
  ref_strides (out, to);
  int32_t more = out->rank - in->rank;
  bool fit = more >= 0;
  for (int32_t d = 0; fit && d < out->rank; d++) {
    bool stretched = d < more || in->shape[d - more] == 1;
    fit = stretched || in->shape[d - more] == out->shape[d];
    ref_move_add (&move, (size_t)out->shape[d], to[d], stretched ? 0 : from[d - more]);
  }
  return fit ? ref_move_run (call, &move)
             : ref_refuse (call, ADZE_E_FORMAT, "the input cannot be stretched to the output");
}

/* ---- Slice. */

static adze_status
slice_axis (ref_call *call, const adze_view *in, const adze_view *out, int32_t axis, int64_t start,
            int64_t step, int64_t *begin)
{
  int64_t size = in->shape[axis], count = out->shape[axis];
  if (step == 0)
    return ref_refuse (call, ADZE_E_FORMAT, "a step of 0 along axis %d", axis);
  if (start < 0 && start >= -size)
    start += size;
  else if (start < 0)
    start = 0;
  int64_t last = step < 0 ? size - 1 : size;
  *begin = start > last ? last : start;
  /* The host inferred the count from the same numbers; this is what must hold for it to be safe. */
  int64_t reach;
  bool safe = count == 0
              || (!__builtin_mul_overflow (count - 1, step, &reach)
                  && !__builtin_add_overflow (reach, *begin, &reach) && reach >= 0 && reach < size
                  && *begin >= 0 && *begin < size);
  return safe
             ? ADZE_OK
             : ref_refuse (call, ADZE_E_FORMAT,
                           "axis %d has %lld; from %lld on by %lld there are no %lld of them", axis,
                           (long long)size, (long long)*begin, (long long)step, (long long)count);
}

static adze_status
slice_run (ref_call *call)
{
  const adze_view *in;
  adze_view *out;
  ref_move move;
  adze_status status = ref_move_begin (call, &in, &out, &move);
  if (status != ADZE_OK || !out)
    return status;
  const int64_t *starts, *axes, *steps;
  size_t count, axis_count, step_count;
  if ((status = ref_ints (call, 1, &starts, &count)) != ADZE_OK
      || (status = ref_ints (call, 3, &axes, &axis_count)) != ADZE_OK
      || (status = ref_ints (call, 4, &steps, &step_count)) != ADZE_OK)
    return status;
  if ((axes && axis_count != count) || (steps && step_count != count) || in->rank != out->rank
      || count > (size_t)in->rank)
    return ref_refuse (call, ADZE_E_FORMAT, "%zu starts, %zu axes and %zu steps for %d dimensions",
                       count, axis_count, step_count, in->rank);
  ptrdiff_t to[ADZE_GRAPH_RANK], from[ADZE_GRAPH_RANK], begin = 0;
  int64_t step[ADZE_GRAPH_RANK];
  bool cut[ADZE_GRAPH_RANK] = { false };
  ref_strides (in, from);
  ref_strides (out, to);
  for (size_t i = 0; i < count; i++) {
    int32_t axis = 0;
    int64_t place = 0;
    status = ref_axis (call, axes ? axes[i] : (int64_t)i, in->rank, &axis);
    if (status == ADZE_OK && cut[axis])
      return ref_refuse (call, ADZE_E_FORMAT, "axis %d is cut twice", axis);
    if (status == ADZE_OK)
      status = slice_axis (call, in, out, axis, starts[i], steps ? steps[i] : 1, &place);
    if (status != ADZE_OK)
      return status;
    cut[axis] = true;
    step[axis] = steps ? steps[i] : 1;
    begin += (ptrdiff_t)place * from[axis];
  }
  for (int32_t d = 0; d < in->rank; d++) {
    if (!cut[d] && in->shape[d] != out->shape[d])
      return ref_refuse (call, ADZE_E_CONTRACT, "the output has another shape than its result");
    /* A step that reaches beyond is the step of one element only. */
    bool single = out->shape[d] <= 1;
    ref_move_add (&move, (size_t)out->shape[d], to[d],
                  single ? 0 : (cut[d] ? (ptrdiff_t)step[d] : 1) * from[d]);
  }
  if (adze_view_count (out) == 0)
    return ADZE_OK;
  move.out_of += begin * (ptrdiff_t)move.size;
  return ref_move_run (call, &move);
}

#define MOVED(name, function) { "", name, 0, false, ref_moves, function }

const ref_kernel ref_kernels_layout[] = {
  MOVED ("Concat", concat_run),
  MOVED ("DepthToSpace", depth_to_space_run),
  { "", "Dropout", REF_FLOATS | REF_HALVES, false, may_drop_nothing, dropout_run },
  MOVED ("Expand", expand_run),
  MOVED ("Flatten", same_order_run),
  MOVED ("Identity", same_order_run),
  MOVED ("Reshape", same_order_run),
  MOVED ("Slice", slice_run),
  MOVED ("SpaceToDepth", space_to_depth_run),
  MOVED ("Split", split_run),
  MOVED ("Squeeze", same_order_run),
  MOVED ("Tile", tile_run),
  MOVED ("Transpose", transpose_run),
  MOVED ("Unsqueeze", same_order_run),
  { .op = NULL },
};
