/* SPDX-License-Identifier: Apache-2.0 */
/* fuse.c: functions of one input, and how products and convolutions do them on top. */
#include "onednn.h"

#include <math.h>

/* ---- Functions of one input. */

typedef struct known {
  const char *op;
  dnnl_alg_kind_t algorithm;
  const char *alpha; /* the attribute, or NULL for PRESET */
  float preset, beta;
  bool behind; /* fast as a part of another primitive, too */
} known;

/* Log is not among them: near 1, where it is near 0, oneDNN's is off by 1e-6, which is all of it. */
static const known functions[] = {
  { "Abs", dnnl_eltwise_abs, NULL, 0, 0, false },
  { "Elu", dnnl_eltwise_elu, "alpha", 1, 0, true },
  { "Exp", dnnl_eltwise_exp, NULL, 0, 0, false },
  { "HardSwish", dnnl_eltwise_hardswish, NULL, 0, 0, true },
  { "LeakyRelu", dnnl_eltwise_relu, "alpha", 0.01F, 0, true },
  { "Neg", dnnl_eltwise_linear, NULL, -1, 0, false },
  { "Reciprocal", dnnl_eltwise_pow, NULL, 1, -1, false },
  { "Relu", dnnl_eltwise_relu, NULL, 0, 0, true },
  { "Round", dnnl_eltwise_round, NULL, 0, 0, false },
  { "Sigmoid", dnnl_eltwise_logistic, NULL, 0, 0, true },
  { "Softplus", dnnl_eltwise_soft_relu, NULL, 0, 0, false },
  { "Sqrt", dnnl_eltwise_sqrt, NULL, 0, 0, false },
  { "Tanh", dnnl_eltwise_tanh, NULL, 0, 0, true },
};

/* A limit that is known now. */
static bool
limit_of (const onednn_part *part, const adze_graph_node *node, size_t index, float preset,
          float *limit)
{
  *limit = preset;
  if (index >= node->input_count || node->inputs[index] == ADZE_NONE)
    return true;
  const adze_graph_value *value = part->service->value (part->graph, node->inputs[index]);
  dnnl_data_type_t type = onednn_type_of (value);
  if (value->role != ADZE_ROLE_CONSTANT || !value->data || (type != dnnl_f32 && type != dnnl_bf16))
    return false;
  adze_floats_read (value->dtype, value->data, 1, limit);
  return true;
}

bool
onednn_eltwise_of (const onednn_part *part, const adze_graph_node *node, onednn_eltwise *eltwise)
{
  if (node->domain[0])
    return false;
  if (strcmp (node->op, "Clip") == 0) {
    *eltwise = (onednn_eltwise){ .algorithm = dnnl_eltwise_clip, .behind = true };
    return limit_of (part, node, 1, -INFINITY, &eltwise->alpha)
           && limit_of (part, node, 2, INFINITY, &eltwise->beta)
           && eltwise->alpha <= eltwise->beta;
  }
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    const known *f = &functions[i];
    if (strcmp (node->op, f->op) != 0)
      continue;
    float alpha = f->alpha ? adze_node_float (node, f->alpha, f->preset) : f->preset;
    *eltwise = (onednn_eltwise){ f->algorithm, alpha, f->beta, f->behind };
    return true;
  }
  return false;
}

/* ---- What comes behind. */

const adze_graph_node *
onednn_taker (const onednn_part *part, const char *domain, const char *op, size_t index,
              uint32_t value)
{
  uint32_t count = part->trial ? 0 : part->service->node_count (part->graph);
  for (uint32_t n = 0; n < count; n++) {
    const adze_graph_node *node = part->service->node (part->graph, n);
    if (node && !part->done[n] && index < node->input_count && node->inputs[index] == value
        && strcmp (node->op, op) == 0 && strcmp (node->domain, domain) == 0)
      return node;
  }
  return NULL;
}

const adze_graph_node *
onednn_only_user (const onednn_part *part, uint32_t value)
{
  if (part->trial || part->uses[value] != 1)
    return NULL;
  uint32_t user = part->user[value];
  const adze_graph_node *node
      = user == ADZE_NONE ? NULL : part->service->node (part->graph, user);
  return node && !part->done[node->number] ? node : NULL;
}

adze_status
onednn_tail_of (onednn_part *part, uint32_t value, dnnl_post_ops_t operations, float scale,
                onednn_tail *tail)
{
  onednn_eltwise eltwise;
  dnnl_status_t status = dnnl_success;
  *tail = (onednn_tail){ .value = value };
  const adze_graph_node *node = onednn_only_user (part, value);
  while (status == dnnl_success && node && tail->count < ONEDNN_TAIL
         && onednn_eltwise_of (part, node, &eltwise) && eltwise.behind
         && node->inputs[0] == tail->value) {
    status = dnnl_post_ops_append_eltwise (operations, 1.0F, eltwise.algorithm, eltwise.alpha,
                                           eltwise.beta);
    tail->nodes[tail->count++] = node->number;
    tail->value = node->outputs[0];
    node = onednn_only_user (part, tail->value);
  }
  if (status == dnnl_success)
    status = dnnl_primitive_attr_create (&tail->attributes);
  if (status == dnnl_success)
    status = dnnl_primitive_attr_set_scratchpad_mode (tail->attributes,
                                                      dnnl_scratchpad_mode_user);
  if (status == dnnl_success)
    status = dnnl_primitive_attr_set_post_ops (tail->attributes, operations);
  if (status == dnnl_success && scale != 1.0F)
    status = dnnl_primitive_attr_set_output_scales (tail->attributes, 1, 0, &scale);
  dnnl_post_ops_destroy (operations);
  return onednn_checked (part, status, "post-ops");
}

/* The nodes of the tail need no primitive of their own any more. */
void
onednn_tail_done (onednn_part *part, onednn_tail *tail)
{
  for (size_t i = 0; i < tail->count; i++)
    part->done[tail->nodes[i]] = true;
  dnnl_primitive_attr_destroy (tail->attributes);
}
