/* SPDX-License-Identifier: Apache-2.0 */
/* do_elementwise.c: functions of one input in whatever layout that lies, and of two with one
 * stretched to the other. */
#include "onednn.h"

static onednn_element_op
element_of_one (const adze_graph_node *node)
{
  return strcmp (node->op, "Sqrt") == 0  ? ONEDNN_ROOT
         : strcmp (node->op, "Neg") == 0 ? ONEDNN_NEGATE
                                         : ONEDNN_NO_ELEMENT;
}

adze_status
onednn_unary (onednn_part *part)
{
  onednn_eltwise eltwise;
  dnnl_eltwise_desc_t description;
  dnnl_primitive_desc_t d;
  onednn_arg args[] = { { DNNL_ARG_SRC, 0 }, { DNNL_ARG_DST, 0 } };
  adze_status status = onednn_need_floats (part, 1);
  if (status == ADZE_OK && !onednn_eltwise_of (part, part->node, &eltwise))
    status = onednn_refuse (part, ADZE_E_UNSUPPORTED, "its bounds are not known, or cross");
  if (status == ADZE_OK)
    status = onednn_get (part, part->node->inputs[0], NULL, &args[0].slot);
  if (status != ADZE_OK)
    return status;
  const dnnl_memory_desc_t layout = part->program->slots[args[0].slot].layout;
  status = onednn_checked (part,
                           dnnl_eltwise_forward_desc_init (&description, dnnl_forward_inference,
                                                           eltwise.algorithm, &layout,
                                                           eltwise.alpha, eltwise.beta),
                           "a function of each element");
  if (status == ADZE_OK)
    status = onednn_make (part, part->node->outputs[0], &layout, &args[1].slot);
  if (status == ADZE_OK)
    status = onednn_descriptor (part, &description, NULL, NULL, &d);
  if (status == ADZE_OK)
    status = onednn_act_add (part, d, args, 2);
  const size_t both[] = { args[0].slot, args[0].slot };
  if (status == ADZE_OK)
    onednn_element_note (part, element_of_one (part->node), both, args[1].slot);
  return status;
}

/* ---- Two inputs. */

static bool
algorithm_of (const adze_graph_node *node, dnnl_alg_kind_t *algorithm)
{
  static const struct {
    const char *op;
    dnnl_alg_kind_t algorithm;
  } known[] = {
    { "Add", dnnl_binary_add }, { "Div", dnnl_binary_div }, { "Max", dnnl_binary_max },
    { "Min", dnnl_binary_min }, { "Mul", dnnl_binary_mul }, { "Sub", dnnl_binary_sub },
    { "Sum", dnnl_binary_add },
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp (node->op, known[i].op) == 0) {
      *algorithm = known[i].algorithm;
      return true;
    }
  return false;
}

static bool
same_shape (const adze_graph_value *a, const adze_graph_value *b)
{
  return a->rank == b->rank
         && (a->rank == 0
             || memcmp (a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0);
}

/* Both in the layout in which the one lies that is not stretched. */
static adze_status
operands (onednn_part *part, const uint32_t *values, onednn_arg *args)
{
  const adze_graph_value *y = onednn_out (part, 0);
  const adze_graph_value *a = part->service->value (part->graph, values[0]);
  const adze_graph_value *b = part->service->value (part->graph, values[1]);
  int rank = y->rank ? y->rank : 1;
  dnnl_memory_desc_t stretched;
  adze_status status;
  if (same_shape (a, y))
    status = onednn_get (part, values[0], NULL, &args[0].slot);
  else {
    onednn_stretched (a, rank, &stretched);
    status = onednn_see (part, values[0], &stretched, &args[0].slot);
  }
  if (status != ADZE_OK)
    return status;
  if (same_shape (a, b)) {
    const dnnl_memory_desc_t layout = part->program->slots[args[0].slot].layout;
    return onednn_get (part, values[1], &layout, &args[1].slot);
  }
  onednn_stretched (b, rank, &stretched);
  return onednn_see (part, values[1], &stretched, &args[1].slot);
}

/* In the layout of the first operand where that has the shape already, else compact. */
static adze_status
result (onednn_part *part, onednn_arg *args, bool whole)
{
  dnnl_memory_desc_t layout = part->program->slots[args[0].slot].layout;
  if (!whole)
    onednn_compact (onednn_out (part, 0), &layout);
  return onednn_make (part, part->node->outputs[0], &layout, &args[2].slot);
}

static onednn_element_op
element_of_two (dnnl_alg_kind_t algorithm)
{
  switch (algorithm) {
  case dnnl_binary_add:
    return ONEDNN_ADD;
  case dnnl_binary_sub:
    return ONEDNN_SUBTRACT;
  case dnnl_binary_mul:
    return ONEDNN_MULTIPLY;
  case dnnl_binary_div:
    return ONEDNN_DIVIDE;
  default:
    return ONEDNN_NO_ELEMENT;
  }
}

adze_status
onednn_binary (onednn_part *part)
{
  dnnl_alg_kind_t algorithm;
  dnnl_binary_desc_t description;
  dnnl_primitive_desc_t d;
  onednn_arg args[] = { { DNNL_ARG_SRC_0, 0 }, { DNNL_ARG_SRC_1, 0 }, { DNNL_ARG_DST, 0 } };
  adze_status status = onednn_need_floats (part, 2);
  if (status != ADZE_OK)
    return status;
  const adze_graph_node *node = part->node;
  if (node->input_count != 2 || !onednn_in (part, 1) || !algorithm_of (node, &algorithm))
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "it has %zu inputs; 2 are done",
                          node->input_count);
  uint32_t values[] = { node->inputs[0], node->inputs[1] };
  bool commutes = algorithm != dnnl_binary_div && algorithm != dnnl_binary_sub;
  if (commutes && !same_shape (onednn_in (part, 0), onednn_out (part, 0))) {
    values[0] = node->inputs[1];
    values[1] = node->inputs[0];
  }
  status = operands (part, values, args);
  if (status == ADZE_OK)
    status = result (part, args,
                     same_shape (part->service->value (part->graph, values[0]),
                                 onednn_out (part, 0)));
  if (status != ADZE_OK)
    return status;
  const onednn_slot *slots = part->program->slots;
  status = onednn_checked (part,
                           dnnl_binary_desc_init (&description, algorithm,
                                                  &slots[args[0].slot].layout,
                                                  &slots[args[1].slot].layout,
                                                  &slots[args[2].slot].layout),
                           "a function of two elements");
  if (status == ADZE_OK)
    status = onednn_descriptor (part, &description, NULL, NULL, &d);
  if (status == ADZE_OK)
    status = onednn_act_add (part, d, args, 3);
  const size_t both[] = { args[0].slot, args[1].slot };
  if (status == ADZE_OK)
    onednn_element_note (part, element_of_two (algorithm), both, args[2].slot);
  return status;
}

/* oneDNN has it for a Relu whose input is known, and not for what comes out of one. */
adze_status
onednn_relu_grad (onednn_part *part)
{
  onednn_arg args[] = { { 0, 0 }, { 0, 0 }, { 0, 0 } };
  adze_status status = onednn_need_floats (part, 2);
  if (status == ADZE_OK)
    status = onednn_get (part, part->node->inputs[0], NULL, &args[0].slot);
  if (status != ADZE_OK)
    return status;
  const dnnl_memory_desc_t layout = part->program->slots[args[0].slot].layout;
  status = onednn_get (part, part->node->inputs[1], &layout, &args[1].slot);
  if (status == ADZE_OK)
    status = onednn_make (part, part->node->outputs[0], &layout, &args[2].slot);
  if (status == ADZE_OK && layout.data_type == dnnl_bf16)
    return onednn_relu_grad_of_halves (part, args);
  if (status == ADZE_OK)
    status = onednn_own_act_add (part, args, 3);
  const size_t both[] = { args[0].slot, args[1].slot };
  if (status == ADZE_OK)
    onednn_element_note (part, ONEDNN_RELU_GRAD, both, args[2].slot);
  return status;
}
