/* SPDX-License-Identifier: Apache-2.0 */
/* do_conv.c: Conv, adze.ConvGradInput, adze.ConvGradWeight. Each primitive chooses the layouts of
 * all that it takes and makes. */
#include "onednn.h"

typedef struct conv {
  dnnl_alg_kind_t algorithm; /* forward */
  onednn_window window;
  dnnl_memory_desc_t images, positions, weights; /* in any layout */
  dnnl_memory_desc_t compact_weights;
} conv;

/* Weights have a dimension more where there are groups. */
static void
describe_weights (const adze_graph_value *weights, int64_t groups, conv *c)
{
  dnnl_dims_t dims;
  int rank = 0;
  if (groups > 1) {
    dims[rank++] = groups;
    dims[rank++] = weights->shape[0] / groups;
  } else
    dims[rank++] = weights->shape[0];
  for (int32_t i = 1; i < weights->rank; i++)
    dims[rank++] = weights->shape[i];
  onednn_any (&c->weights, onednn_type_of (weights), rank, dims);
  onednn_strided (&c->compact_weights, onednn_type_of (weights), rank, dims, NULL);
}

static adze_status
conv_of (const onednn_part *part, const adze_graph_value *images, const adze_graph_value *weights,
         const adze_graph_value *positions, conv *c)
{
  int64_t groups = adze_node_int (part->node, "group", 1);
  if (!images || !weights || !positions || weights->rank != images->rank || images->rank < 3
      || groups < 1 || weights->shape[0] % groups || weights->shape[1] * groups != images->shape[1])
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "its shapes and groups do not fit each other");
  adze_status status = onednn_window_of (part, images, positions, weights->shape + 2, &c->window);
  if (status != ADZE_OK)
    return status;
  c->algorithm = dnnl_convolution_direct;
  onednn_any (&c->images, onednn_type_of (images), images->rank, images->shape);
  onednn_any (&c->positions, onednn_type_of (positions), positions->rank, positions->shape);
  describe_weights (weights, groups, c);
  return ADZE_OK;
}

static adze_status
forward_descriptor (const onednn_part *part, const conv *c, const dnnl_memory_desc_t *bias,
                    dnnl_prop_kind_t kind, const_dnnl_primitive_attr_t attributes,
                    dnnl_primitive_desc_t *descriptor)
{
  dnnl_convolution_desc_t description;
  const onednn_window *w = &c->window;
  adze_status status = onednn_checked (
      part,
      dnnl_dilated_convolution_forward_desc_init (
          &description, kind, c->algorithm, &c->images, &c->weights, bias, &c->positions, w->strides, w->dilations, w->before, w->after),
      "a convolution");
  return status == ADZE_OK ? onednn_descriptor (part, &description, attributes, NULL, descriptor)
                           : status;
}

static adze_status
weight_descriptor (const onednn_part *part, const conv *c, const dnnl_memory_desc_t *bias,
                   dnnl_primitive_desc_t *descriptor)
{
  dnnl_convolution_desc_t description;
  dnnl_primitive_desc_t hint;
  const onednn_window *w = &c->window;
  adze_status status
      = forward_descriptor (part, c, NULL, dnnl_forward_training, NULL, &hint);
  if (status != ADZE_OK)
    return status;
  status = onednn_checked (
      part,
      dnnl_dilated_convolution_backward_weights_desc_init (
          &description, dnnl_convolution_direct, &c->images, &c->weights, bias, &c->positions,
          w->strides, w->dilations, w->before, w->after),
      "the gradient of a convolution");
  if (status == ADZE_OK)
    status = onednn_descriptor (part, &description, NULL, hint, descriptor);
  dnnl_primitive_desc_destroy (hint);
  return status;
}

/* ---- Conv. */

/* Where a network trains, images and positions lie as the gradient of the weights wants them, which has
 * fewer layouts to choose from: otherwise all that goes back would be moved first. */
static adze_status
lie_as_gradient (const onednn_part *part, conv *c)
{
  dnnl_primitive_desc_t d;
  if (!onednn_taker (part, "adze", "ConvGradWeight", 1, part->node->inputs[0]))
    return ADZE_OK;
  adze_status status = weight_descriptor (part, c, NULL, &d);
  if (status != ADZE_OK)
    return status;
  c->images = *onednn_layout_of (d, dnnl_query_src_md);
  c->positions = *onednn_layout_of (d, dnnl_query_diff_dst_md);
  dnnl_primitive_desc_destroy (d);
  return ADZE_OK;
}

/* Windows of 3x3 over blocks of channels need a quarter of the multiplications in Winograd's way; numbers
 * differ as those of sums in another order do. Few processors have it, and weights must be known. */
static bool
suits_winograd (const onednn_part *part, const conv *c)
{
  const onednn_window *w = &c->window;
  bool suits = w->dims == 2 && c->weights.ndims == 4 && c->images.data_type == dnnl_f32
               && c->images.dims[1] % 16 == 0 && c->positions.dims[1] % 16 == 0
               && onednn_in (part, 1)->role == ADZE_ROLE_CONSTANT;
  for (int d = 0; suits && d < w->dims; d++)
    suits = w->kernel[d] == 3 && w->strides[d] == 1 && w->dilations[d] == 0;
  return suits;
}

/* What is made lies as such a convolution wants it that comes next, or next but for a pool: it has one layout
 * to choose from, and oneDNN would choose another one for what is in front of it. */
static void
lie_as_next (const onednn_part *part, uint32_t made, conv *c)
{
  conv next;
  onednn_part there = *part;
  there.trial = true;
  there.node = onednn_only_user (part, made);
  if (there.node && strcmp (there.node->op, "MaxPool") == 0)
    there.node = onednn_only_user (part, there.node->outputs[0]);
  if (there.node && strcmp (there.node->op, "Conv") == 0 && !there.node->domain[0]
      && conv_of (&there, onednn_in (&there, 0), onednn_in (&there, 1), onednn_out (&there, 0),
                  &next) == ADZE_OK
      && suits_winograd (&there, &next))
    dnnl_memory_desc_init_by_tag (&c->positions, c->positions.ndims, c->positions.dims, dnnl_f32,
                                  dnnl_aBcd16b);
}

static adze_status
best_descriptor (const onednn_part *part, conv *c, const dnnl_memory_desc_t *bias,
                 const_dnnl_primitive_attr_t attributes, dnnl_primitive_desc_t *descriptor)
{
  const onednn_part asking = { .self = part->self, .trial = true };
  c->algorithm = dnnl_convolution_winograd;
  if (suits_winograd (part, c)
      && forward_descriptor (&asking, c, bias, dnnl_forward_inference, attributes, descriptor)
             == ADZE_OK)
    return ADZE_OK;
  c->algorithm = dnnl_convolution_direct;
  if (forward_descriptor (&asking, c, bias, dnnl_forward_inference, attributes, descriptor)
      == ADZE_OK)
    return ADZE_OK;
  /* What comes next may want a layout that this one cannot give. */
  onednn_any (&c->positions, c->positions.data_type, c->positions.ndims, c->positions.dims);
  return forward_descriptor (part, c, bias, dnnl_forward_inference, attributes, descriptor);
}

static adze_status
convolve (onednn_part *part, conv *c, const dnnl_memory_desc_t *bias, const onednn_tail *tail)
{
  const uint32_t *inputs = part->node->inputs;
  onednn_arg args[] = { { DNNL_ARG_SRC, 0 }, { DNNL_ARG_WEIGHTS, 0 }, { DNNL_ARG_DST, 0 },
                        { DNNL_ARG_BIAS, 0 } };
  dnnl_primitive_desc_t d;
  adze_status status = best_descriptor (part, c, bias, tail->attributes, &d);
  if (status != ADZE_OK)
    return status;
  status = onednn_get (part, inputs[0], onednn_layout_of (d, dnnl_query_src_md), &args[0].slot);
  if (status == ADZE_OK)
    status = onednn_see_in (part, inputs[1], &c->compact_weights,
                            onednn_layout_of (d, dnnl_query_weights_md), &args[1].slot);
  if (status == ADZE_OK)
    status = onednn_make (part, tail->value, onednn_layout_of (d, dnnl_query_dst_md),
                          &args[2].slot);
  if (status == ADZE_OK && bias)
    status = onednn_see (part, inputs[2], bias, &args[3].slot);
  if (status == ADZE_OK)
    return onednn_act_add (part, d, args, bias ? 4 : 3);
  dnnl_primitive_desc_destroy (d);
  return status;
}

adze_status
onednn_conv (onednn_part *part)
{
  conv c;
  onednn_tail tail;
  dnnl_post_ops_t operations;
  dnnl_memory_desc_t bias;
  adze_status status = onednn_need_floats (part, 3);
  if (status == ADZE_OK)
    status = conv_of (part, onednn_in (part, 0), onednn_in (part, 1), onednn_out (part, 0), &c);
  if (status == ADZE_OK)
    status = lie_as_gradient (part, &c);
  if (status == ADZE_OK)
    status = onednn_checked (part, dnnl_post_ops_create (&operations), "post-ops");
  if (status != ADZE_OK)
    return status;
  if (onednn_in (part, 2))
    onednn_compact (onednn_in (part, 2), &bias);
  status = onednn_tail_of (part, part->node->outputs[0], operations, 1, &tail);
  if (status == ADZE_OK && c.positions.format_kind == dnnl_format_kind_any)
    lie_as_next (part, tail.value, &c);
  if (status == ADZE_OK)
    status = convolve (part, &c, onednn_in (part, 2) ? &bias : NULL, &tail);
  onednn_tail_done (part, &tail);
  return status;
}

/* ---- Gradients. */

/* (gradient, weights, input) */
static adze_status
add_grad_input (onednn_part *part, const conv *c, dnnl_primitive_desc_t d)
{
  const uint32_t *inputs = part->node->inputs;
  onednn_arg args[]
      = { { DNNL_ARG_DIFF_DST, 0 }, { DNNL_ARG_WEIGHTS, 0 }, { DNNL_ARG_DIFF_SRC, 0 } };
  adze_status status = onednn_get (part, inputs[0], onednn_layout_of (d, dnnl_query_diff_dst_md),
                                   &args[0].slot);
  if (status == ADZE_OK)
    status = onednn_see_in (part, inputs[1], &c->compact_weights,
                            onednn_layout_of (d, dnnl_query_weights_md), &args[1].slot);
  if (status == ADZE_OK)
    status = onednn_make (part, part->node->outputs[0],
                          onednn_layout_of (d, dnnl_query_diff_src_md), &args[2].slot);
  if (status == ADZE_OK)
    return onednn_act_add (part, d, args, 3);
  dnnl_primitive_desc_destroy (d);
  return status;
}

adze_status
onednn_conv_grad_input (onednn_part *part)
{
  conv c;
  dnnl_convolution_desc_t description;
  dnnl_primitive_desc_t hint, d;
  const onednn_window *w = &c.window;
  adze_status status = onednn_need_floats (part, 3);
  if (status == ADZE_OK)
    status = conv_of (part, onednn_in (part, 2), onednn_in (part, 1), onednn_in (part, 0), &c);
  if (status == ADZE_OK)
    status = forward_descriptor (part, &c, NULL, dnnl_forward_training, NULL, &hint);
  if (status != ADZE_OK)
    return status;
  status = onednn_checked (
      part,
      dnnl_dilated_convolution_backward_data_desc_init (
          &description, dnnl_convolution_direct, &c.images, &c.weights, &c.positions, w->strides,
          w->dilations, w->before, w->after),
      "the gradient of a convolution");
  if (status == ADZE_OK)
    status = onednn_descriptor (part, &description, NULL, hint, &d);
  dnnl_primitive_desc_destroy (hint);
  return status == ADZE_OK ? add_grad_input (part, &c, d) : status;
}

/* The gradient of the bias is the sum of what that of the weights reads; it is computed with it. */
static const adze_graph_node *
find_bias (const onednn_part *part)
{
  const adze_graph_node *sum
      = onednn_taker (part, "", "ReduceSum", 0, part->node->inputs[0]);
  return sum && onednn_is_sum_by_channel (part, sum) ? sum : NULL;
}

/* (gradient, input, weights). Compact weights are what others want: whatever the primitive makes is
 * reordered to that. */
static adze_status
add_grad_weight (onednn_part *part, const conv *c, const adze_graph_node *bias,
                 dnnl_primitive_desc_t d)
{
  const dnnl_memory_desc_t chosen = *onednn_layout_of (d, dnnl_query_diff_weights_md);
  const uint32_t *inputs = part->node->inputs;
  bool same = onednn_same (&chosen, &c->compact_weights);
  onednn_arg args[] = { { DNNL_ARG_SRC, 0 }, { DNNL_ARG_DIFF_DST, 0 },
                        { DNNL_ARG_DIFF_WEIGHTS, 0 }, { DNNL_ARG_DIFF_BIAS, 0 } };
  size_t target = 0;
  adze_status status = onednn_get (part, inputs[1], onednn_layout_of (d, dnnl_query_src_md),
                                   &args[0].slot);
  if (status == ADZE_OK)
    status = onednn_get (part, inputs[0], onednn_layout_of (d, dnnl_query_diff_dst_md),
                         &args[1].slot);
  if (status == ADZE_OK)
    status = onednn_make_seen (part, part->node->outputs[0], &c->compact_weights, &target);
  args[2].slot = target;
  if (status == ADZE_OK && !same)
    status = onednn_make_room (part, &chosen, &args[2].slot);
  if (status == ADZE_OK && bias)
    status = onednn_make (part, bias->outputs[0],
                          dnnl_primitive_desc_query_md (d, dnnl_query_diff_weights_md, 1),
                          &args[3].slot);
  if (status != ADZE_OK) {
    dnnl_primitive_desc_destroy (d);
    return status;
  }
  status = onednn_act_add (part, d, args, bias ? 4 : 3);
  return status == ADZE_OK && !same ? onednn_reorder (part, args[2].slot, target) : status;
}

adze_status
onednn_conv_grad_weight (onednn_part *part)
{
  conv c;
  dnnl_memory_desc_t row;
  dnnl_primitive_desc_t d;
  adze_status status = onednn_need_floats (part, 3);
  if (status == ADZE_OK)
    status = conv_of (part, onednn_in (part, 1), onednn_in (part, 2), onednn_in (part, 0), &c);
  if (status != ADZE_OK)
    return status;
  const adze_graph_node *bias = find_bias (part);
  if (bias)
    onednn_compact (part->service->value (part->graph, bias->outputs[0]), &row);
  status = weight_descriptor (part, &c, bias ? &row : NULL, &d);
  if (status == ADZE_OK)
    status = add_grad_weight (part, &c, bias, d);
  if (status == ADZE_OK && bias)
    part->done[bias->number] = true;
  return status;
}
