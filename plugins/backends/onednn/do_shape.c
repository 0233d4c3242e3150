/* SPDX-License-Identifier: Apache-2.0 */
/* do_shape.c: what moves numbers or only calls them otherwise. Nothing is copied for Transpose,
 * Reshape and their like as long as everybody who takes the result can do with how it lies. */
#include "onednn.h"

adze_status
onednn_concat (onednn_part *part)
{
  dnnl_memory_desc_t from[ONEDNN_ARGS], to;
  onednn_arg args[ONEDNN_ARGS];
  dnnl_primitive_desc_t d;
  size_t count = part->node->input_count;
  if (count > ONEDNN_ARGS - 2)
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "it has %zu inputs; %d are done", count,
                          ONEDNN_ARGS - 2);
  adze_status status = onednn_need_floats (part, count);
  if (status != ADZE_OK)
    return status;
  const adze_graph_value *y = onednn_out (part, 0);
  int64_t axis = adze_node_int (part->node, "axis", 0);
  axis = axis < 0 ? axis + y->rank : axis;
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    const adze_graph_value *x = onednn_in (part, i);
    if (!x || x->rank != y->rank || axis < 0 || axis >= y->rank)
      return onednn_refuse (part, ADZE_E_UNSUPPORTED, "input %zu does not fit the others", i);
    onednn_compact (x, &from[i]);
    args[i].what = DNNL_ARG_MULTIPLE_SRC + (int)i;
    status = onednn_get (part, part->node->inputs[i], &from[i], &args[i].slot);
  }
  onednn_compact (y, &to);
  args[count].what = DNNL_ARG_DST;
  if (status == ADZE_OK)
    status = onednn_make (part, part->node->outputs[0], &to, &args[count].slot);
  if (status == ADZE_OK)
    status = onednn_checked (part,
                             dnnl_concat_primitive_desc_create (
                                 &d, &to, (int)count, (int)axis, from, part->self->attributes,
                                 part->self->engine),
                             "a concatenation");
  return status == ADZE_OK ? onednn_act_add (part, d, args, count + 1) : status;
}

/* The same numbers with their dimensions in another order are other strides. */
adze_status
onednn_transpose (onednn_part *part)
{
  dnnl_memory_desc_t compact, turned;
  dnnl_dims_t dims, strides;
  size_t count, slot;
  adze_status status = onednn_need_numbers (part, 1);
  if (status != ADZE_OK)
    return status;
  const adze_graph_value *x = onednn_in (part, 0);
  const int64_t *order = adze_node_ints (part->node, "perm", &count);
  if (x->rank < 1 || (order && count != (size_t)x->rank))
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "perm does not fit %d dimensions", x->rank);
  onednn_compact (x, &compact);
  for (int i = 0; i < x->rank; i++) {
    int64_t from = order ? order[i] : x->rank - 1 - i;
    if (from < 0 || from >= x->rank)
      return onednn_refuse (part, ADZE_E_FORMAT, "perm has a %lld", (long long)from);
    dims[i] = x->shape[from];
    strides[i] = compact.format_desc.blocking.strides[from];
  }
  onednn_strided (&turned, compact.data_type, x->rank, dims, strides);
  status = onednn_get (part, part->node->inputs[0], &compact, &slot);
  return status == ADZE_OK ? onednn_alias (part, part->node->outputs[0], slot, &turned) : status;
}

/* Reshape, Flatten, Squeeze, Unsqueeze, Identity. */
adze_status
onednn_same_numbers (onednn_part *part)
{
  dnnl_memory_desc_t before, after;
  size_t slot;
  adze_status status = onednn_need_numbers (part, 1);
  if (status != ADZE_OK)
    return status;
  onednn_compact (onednn_in (part, 0), &before);
  onednn_compact (onednn_out (part, 0), &after);
  status = onednn_get (part, part->node->inputs[0], &before, &slot);
  return status == ADZE_OK ? onednn_alias (part, part->node->outputs[0], slot, &after) : status;
}
