/* SPDX-License-Identifier: Apache-2.0 */
/* do_norm.c: Softmax, LogSoftmax, BatchNormalization with known statistics, LayerNormalization. */
#include "onednn.h"

/* ---- Softmax. */

adze_status
onednn_softmax (onednn_part *part)
{
  dnnl_softmax_v2_desc_t description;
  dnnl_memory_desc_t layout;
  dnnl_primitive_desc_t d;
  onednn_arg args[] = { { DNNL_ARG_SRC, 0 }, { DNNL_ARG_DST, 0 } };
  bool logarithm = strcmp (part->node->op, "LogSoftmax") == 0;
  adze_status status = onednn_need_floats (part, 1);
  if (status != ADZE_OK)
    return status;
  const adze_graph_value *x = onednn_in (part, 0);
  int64_t axis = adze_node_int (part->node, "axis", -1);
  axis = axis < 0 ? axis + x->rank : axis;
  if (axis < 0 || axis >= x->rank)
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "axis is %lld of %d", (long long)axis, x->rank);
  onednn_compact (x, &layout);
  status = onednn_get (part, part->node->inputs[0], &layout, &args[0].slot);
  if (status == ADZE_OK)
    status = onednn_make (part, part->node->outputs[0], &layout, &args[1].slot);
  if (status == ADZE_OK)
    status = onednn_checked (
        part,
        dnnl_softmax_v2_forward_desc_init (&description, dnnl_forward_inference,
                                           logarithm ? dnnl_softmax_log : dnnl_softmax_accurate,
                                           &layout, &layout, (int)axis),
        "a softmax");
  if (status == ADZE_OK)
    status = onednn_descriptor (part, &description, NULL, NULL, &d);
  return status == ADZE_OK ? onednn_act_add (part, d, args, 2) : status;
}

/* ---- BatchNormalization: X, scale, B, mean, variance. */

/* What the channels have, in the order of the inputs behind the first. */
static adze_status
channel_args (onednn_part *part, onednn_arg *args)
{
  static const int what[] = { DNNL_ARG_SCALE, DNNL_ARG_SHIFT, DNNL_ARG_MEAN, DNNL_ARG_VARIANCE };
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < 4; i++) {
    const adze_graph_value *value = onednn_in (part, i + 1);
    dnnl_memory_desc_t layout;
    if (!value || value->rank != 1 || value->shape[0] != onednn_in (part, 0)->shape[1])
      return onednn_refuse (part, ADZE_E_UNSUPPORTED, "input %zu is not one number a channel",
                            i + 1);
    onednn_compact (value, &layout);
    layout.data_type = dnnl_f32; /* whatever is normalised */
    args[i].what = what[i];
    status = onednn_get (part, part->node->inputs[i + 1], &layout, &args[i].slot);
  }
  return status;
}

adze_status
onednn_batch_norm (onednn_part *part)
{
  dnnl_batch_normalization_desc_t description;
  dnnl_primitive_desc_t d;
  onednn_arg args[6] = { { DNNL_ARG_SRC, 0 }, { DNNL_ARG_DST, 0 } };
  unsigned flags = dnnl_use_global_stats | dnnl_use_scale | dnnl_use_shift;
  adze_status status = onednn_need_floats (part, 5);
  if (status != ADZE_OK)
    return status;
  if (adze_node_int (part->node, "training_mode", 0) || onednn_in (part, 0)->rank < 2)
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "training_mode is not done");
  status = onednn_get (part, part->node->inputs[0], NULL, &args[0].slot);
  if (status == ADZE_OK)
    status = channel_args (part, args + 2);
  if (status != ADZE_OK)
    return status;
  const dnnl_memory_desc_t layout = part->program->slots[args[0].slot].layout;
  status = onednn_make (part, part->node->outputs[0], &layout, &args[1].slot);
  if (status == ADZE_OK)
    status = onednn_checked (part,
                             dnnl_batch_normalization_forward_desc_init (
                                 &description, dnnl_forward_inference, &layout,
                                 adze_node_float (part->node, "epsilon", 1e-5F), flags),
                             "a normalisation");
  if (status == ADZE_OK)
    status = onednn_descriptor (part, &description, NULL, NULL, &d);
  return status == ADZE_OK ? onednn_act_add (part, d, args, 6) : status;
}

/* ---- LayerNormalization: X, scale, B. What is normalised is a row of a matrix. */

typedef struct rows {
  dnnl_memory_desc_t matrix, statistics, row;
} rows;

static adze_status
rows_of (const onednn_part *part, rows *r)
{
  const adze_graph_value *x = onednn_in (part, 0);
  int64_t axis = adze_node_int (part->node, "axis", -1);
  axis = axis < 0 ? axis + x->rank : axis;
  if (axis < 0 || axis >= x->rank)
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "axis is %lld of %d", (long long)axis, x->rank);
  const int64_t dims[] = { onednn_product (x->shape, 0, (int)axis),
                           onednn_product (x->shape, (int)axis, x->rank) };
  for (size_t i = 1; i < 3; i++) {
    const adze_graph_value *value = onednn_in (part, i);
    if (i == 1 && !value)
      return onednn_refuse (part, ADZE_E_FORMAT, "its scale is left out");
    if (value && onednn_product (value->shape, 0, value->rank) != dims[1])
      return onednn_refuse (part, ADZE_E_UNSUPPORTED,
                            "input %zu is stretched to what is normalised", i);
  }
  onednn_strided (&r->matrix, onednn_type_of (x), 2, dims, NULL);
  onednn_strided (&r->statistics, dnnl_f32, 1, dims, NULL);
  onednn_strided (&r->row, dnnl_f32, 1, dims + 1, NULL);
  return ADZE_OK;
}

/* Input INDEX as one row of float32. */
static adze_status
get_row (onednn_part *part, const rows *r, size_t index, size_t *slot)
{
  dnnl_memory_desc_t seen = r->row;
  seen.data_type = onednn_type_of (onednn_in (part, index));
  return onednn_see_in (part, part->node->inputs[index], &seen, &r->row, slot);
}

static adze_status
layer_args (onednn_part *part, const rows *r, onednn_arg *args, size_t *count)
{
  const uint32_t *inputs = part->node->inputs;
  adze_status status = onednn_see (part, inputs[0], &r->matrix, &args[0].slot);
  if (status == ADZE_OK)
    status = onednn_make_seen (part, part->node->outputs[0], &r->matrix, &args[1].slot);
  if (status == ADZE_OK)
    status = get_row (part, r, 1, &args[2].slot);
  *count = 3;
  if (status == ADZE_OK && onednn_in (part, 2))
    status = get_row (part, r, 2, &args[(*count)++].slot);
  return status;
}

adze_status
onednn_layer_norm (onednn_part *part)
{
  dnnl_layer_normalization_desc_t description;
  dnnl_primitive_desc_t d;
  rows r;
  size_t count = 0;
  onednn_arg args[] = { { DNNL_ARG_SRC, 0 }, { DNNL_ARG_DST, 0 }, { DNNL_ARG_SCALE, 0 },
                        { DNNL_ARG_SHIFT, 0 } };
  adze_status status = onednn_need_floats (part, 3);
  if (status == ADZE_OK)
    status = rows_of (part, &r);
  if (status == ADZE_OK)
    status = layer_args (part, &r, args, &count);
  if (status != ADZE_OK)
    return status;
  unsigned flags = count == 4 ? dnnl_use_scale | dnnl_use_shift : dnnl_use_scale;
  status = onednn_checked (part,
                           dnnl_layer_normalization_forward_desc_init (
                               &description, dnnl_forward_inference, &r.matrix, &r.statistics,
                               adze_node_float (part->node, "epsilon", 1e-5F), flags),
                           "a normalisation");
  if (status == ADZE_OK)
    status = onednn_descriptor (part, &description, NULL, NULL, &d);
  return status == ADZE_OK ? onednn_act_add (part, d, args, count) : status;
}
