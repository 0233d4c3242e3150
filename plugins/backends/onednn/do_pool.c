/* SPDX-License-Identifier: Apache-2.0 */
/* do_pool.c: MaxPool, AveragePool, their global forms, adze.AveragePoolGrad. */
#include "onednn.h"

static bool
is_global (const adze_graph_node *node)
{
  return strncmp (node->op, "Global", 6) == 0;
}

static dnnl_alg_kind_t
algorithm_of (const adze_graph_node *node)
{
  if (strstr (node->op, "MaxPool"))
    return dnnl_pooling_max;
  return adze_node_int (node, "count_include_pad", 0) ? dnnl_pooling_avg_include_padding
                                                      : dnnl_pooling_avg_exclude_padding;
}

/* ceil_mode may have a window look beyond the pads. oneDNN would count that as padding, and ONNX
 * does not. */
static adze_status
refuse_uncounted (const onednn_part *part)
{
  if (algorithm_of (part->node) == dnnl_pooling_avg_include_padding
      && adze_node_int (part->node, "ceil_mode", 0))
    return onednn_refuse (part, ADZE_E_UNSUPPORTED,
                          "ceil_mode together with count_include_pad is not done");
  return ADZE_OK;
}

static adze_status
window_of (const onednn_part *part, const adze_graph_value *images,
           const adze_graph_value *positions, onednn_window *window)
{
  if (images->rank < 3)
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "its input has %d dimensions; 3 to 5 are "
                          "possible", images->rank);
  const int64_t *kernel = is_global (part->node) ? images->shape + 2 : NULL;
  adze_status status = onednn_window_of (part, images, positions, kernel, window);
  return status == ADZE_OK ? refuse_uncounted (part) : status;
}

static adze_status
forward_descriptor (const onednn_part *part, const onednn_window *w, dnnl_prop_kind_t kind,
                    const dnnl_memory_desc_t *images, const dnnl_memory_desc_t *positions,
                    dnnl_primitive_desc_t *descriptor)
{
  dnnl_pooling_v2_desc_t description;
  adze_status status = onednn_checked (
      part,
      dnnl_pooling_v2_forward_desc_init (&description, kind, algorithm_of (part->node), images,
                                         positions, w->strides, w->kernel, w->dilations,
                                         w->before, w->after),
      "a pool");
  return status == ADZE_OK ? onednn_descriptor (part, &description, NULL, NULL, descriptor)
                           : status;
}

adze_status
onednn_pool (onednn_part *part)
{
  onednn_window window;
  dnnl_memory_desc_t any;
  dnnl_primitive_desc_t d;
  onednn_arg args[] = { { DNNL_ARG_SRC, 0 }, { DNNL_ARG_DST, 0 } };
  adze_status status = algorithm_of (part->node) == dnnl_pooling_max
                           ? onednn_need_numbers (part, 1)
                           : onednn_need_floats (part, 1);
  if (status == ADZE_OK)
    status = window_of (part, onednn_in (part, 0), onednn_out (part, 0), &window);
  if (status == ADZE_OK && strcmp (part->node->op, "MaxPool") == 0
      && onednn_taker (part, "adze", "MaxPoolGrad", 1, part->node->inputs[0]))
    return onednn_max_pool_noted (part);
  bool done = false;
  if (status == ADZE_OK && algorithm_of (part->node) == dnnl_pooling_max)
    status = onednn_pool_bytes (part, &window, &done);
  if (status == ADZE_OK && !done)
    status = onednn_get (part, part->node->inputs[0], NULL, &args[0].slot);
  if (status != ADZE_OK || done)
    return status;
  const adze_graph_value *y = onednn_out (part, 0);
  onednn_any (&any, onednn_type_of (y), y->rank, y->shape);
  status = forward_descriptor (part, &window, dnnl_forward_inference,
                               &part->program->slots[args[0].slot].layout, &any, &d);
  if (status != ADZE_OK)
    return status;
  status = onednn_make (part, part->node->outputs[0], onednn_layout_of (d, dnnl_query_dst_md),
                        &args[1].slot);
  if (status == ADZE_OK)
    return onednn_act_add (part, d, args, 2);
  dnnl_primitive_desc_destroy (d);
  return status;
}

/* ---- Gradients: (gradient, input). */

static adze_status
backward_descriptor (const onednn_part *part, const onednn_window *w,
                     const dnnl_memory_desc_t *images, const dnnl_memory_desc_t *positions,
                     const_dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *descriptor)
{
  dnnl_pooling_v2_desc_t description;
  adze_status status = onednn_checked (
      part,
      dnnl_pooling_v2_backward_desc_init (&description, algorithm_of (part->node), images,
                                          positions, w->strides, w->kernel, w->dilations,
                                          w->before, w->after),
      "the gradient of a pool");
  return status == ADZE_OK ? onednn_descriptor (part, &description, NULL, hint, descriptor)
                           : status;
}

static adze_status
gradient_window (const onednn_part *part, onednn_window *window)
{
  adze_status status = onednn_need_floats (part, 2);
  if (status == ADZE_OK && !onednn_in (part, 1))
    status = onednn_refuse (part, ADZE_E_FORMAT, "its second input is left out");
  return status == ADZE_OK
             ? window_of (part, onednn_in (part, 1), onednn_in (part, 0), window)
             : status;
}

/* ---- Of the mean: compact, for the gradient mostly comes so. */

adze_status
onednn_average_pool_grad (onednn_part *part)
{
  onednn_window window;
  dnnl_memory_desc_t images, positions;
  dnnl_primitive_desc_t hint, d;
  onednn_arg args[] = { { DNNL_ARG_DIFF_DST, 0 }, { DNNL_ARG_DIFF_SRC, 0 } };
  adze_status status = gradient_window (part, &window);
  if (status != ADZE_OK)
    return status;
  onednn_compact (onednn_in (part, 1), &images);
  onednn_compact (onednn_in (part, 0), &positions);
  status = onednn_get (part, part->node->inputs[0], &positions, &args[0].slot);
  if (status == ADZE_OK)
    status = onednn_make (part, part->node->outputs[0], &images, &args[1].slot);
  if (status == ADZE_OK)
    status = forward_descriptor (part, &window, dnnl_forward_training, &images, &positions, &hint);
  if (status != ADZE_OK)
    return status;
  status = backward_descriptor (part, &window, &images, &positions, hint, &d);
  if (status == ADZE_OK)
    status = onednn_act_add (part, d, args, 2);
  dnnl_primitive_desc_destroy (hint);
  return status;
}
