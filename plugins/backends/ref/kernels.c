/* SPDX-License-Identifier: Apache-2.0 */
/* kernels.c: which kernel does a node. */
#include "ref.h"

static const ref_kernel *const families[] = {
  ref_kernels_binary, ref_kernels_cast,  ref_kernels_create,  ref_kernels_einsum,
  ref_kernels_gather, ref_kernels_layout, ref_kernels_matmul, ref_kernels_pad,
  ref_kernels_reduce, ref_kernels_scatter, ref_kernels_select, ref_kernels_axis,
  ref_kernels_unary,  ref_kernels_nn,    ref_kernels_quant,   ref_kernels_other,
};

const adze_graph_value *
ref_asked_input (const ref_question *question, size_t index)
{
  const adze_graph_node *node = question->node;
  if (index >= node->input_count || node->inputs[index] == ADZE_NONE)
    return NULL;
  return question->service->value (question->graph, node->inputs[index]);
}

bool
ref_asked_type (const ref_question *question, size_t index, uint32_t types)
{
  const adze_graph_value *value = ref_asked_input (question, index);
  return !value || value->dtype.bits == 0 || (types & REF_SET (ref_type_of (value->dtype)));
}

bool
ref_asked_output (const ref_question *question, size_t index, uint32_t types)
{
  const adze_graph_node *node = question->node;
  if (index >= node->output_count || node->outputs[index] == ADZE_NONE)
    return true;
  const adze_graph_value *value = question->service->value (question->graph, node->outputs[index]);
  return !value || value->dtype.bits == 0 || (types & REF_SET (ref_type_of (value->dtype)));
}

static bool
does (const ref_kernel *kernel, const ref_question *question)
{
  const adze_graph_node *node = question->node;
  /* The old name of ONNX's own domain. */
  const char *domain = strcmp (node->domain, "ai.onnx") == 0 ? "" : node->domain;
  if (strcmp (kernel->op, node->op) != 0 || strcmp (kernel->domain, domain) != 0)
    return false;
  uint32_t types = kernel->types | (kernel->widen ? REF_HALVES : 0);
  if (kernel->types && !ref_asked_type (question, 0, types))
    return false;
  return !kernel->takes || kernel->takes (question);
}

/* ---- Memory. */

static bool
is_one_of (const ref_kernel *kernel, const ref_kernel *family)
{
  for (; family->op; family++)
    if (family == kernel)
      return true;
  return false;
}

/* With EACH bytes an element, rounded as ref_take does it; 0: it is left out, or of no known size. */
static uint64_t
room_for (const ref_question *question, uint32_t number, uint64_t each)
{
  const adze_graph_value *value
      = number == ADZE_NONE ? NULL : question->service->value (question->graph, number);
  uint64_t bytes = each;
  if (!value || value->rank < 0)
    return 0;
  for (int32_t i = 0; i < value->rank; i++)
    if (value->shape[i] < 0
        || __builtin_mul_overflow (bytes, (uint64_t)value->shape[i], &bytes) || bytes > SIZE_MAX / 4)
      return 0;
  return (bytes + 64) / 64 * 64;
}

/* Those that are doubles stay where they are. */
static uint64_t
as_doubles (const ref_question *question, uint32_t number)
{
  const adze_graph_value *value
      = number == ADZE_NONE ? NULL : question->service->value (question->graph, number);
  return value && value->dtype.bits != 64 ? room_for (question, number, sizeof (double)) : 0;
}

/* A Gemm turns its second matrix round; halves are computed with as floats. */
static uint64_t
turned (const ref_question *question)
{
  const adze_graph_node *node = question->node;
  if (node->input_count < 2 || node->inputs[1] == ADZE_NONE || !adze_node_int (node, "transB", 0))
    return 0;
  const adze_graph_value *value = question->service->value (question->graph, node->inputs[1]);
  return room_for (question, node->inputs[1],
                   value && value->dtype.bits == 64 ? sizeof (double) : sizeof (float));
}

uint64_t
ref_kernel_room (const ref_question *question, const ref_kernel *kernel)
{
  const adze_graph_node *node = question->node;
  uint64_t bytes = 0;
  if (strcmp (kernel->op, "Gemm") == 0)
    return turned (question);
  if (!is_one_of (kernel, ref_kernels_nn) && !is_one_of (kernel, ref_kernels_other))
    return 0;
  for (size_t i = 0; i < node->input_count; i++)
    bytes += as_doubles (question, node->inputs[i]);
  for (size_t i = 0; i < node->output_count; i++)
    bytes += as_doubles (question, node->outputs[i]);
  return bytes;
}

/* ---- Which one. */

const ref_kernel *
ref_kernel_find (const ref_question *question)
{
  for (size_t family = 0; family < sizeof families / sizeof *families; family++)
    for (const ref_kernel *kernel = families[family]; kernel->op; kernel++)
      if (does (kernel, question))
        return kernel;
  return NULL;
}
