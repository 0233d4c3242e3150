/* SPDX-License-Identifier: Apache-2.0 */
/* graph/optimise_fuse.c: an Add of a vector behind a convolution or a product of matrices becomes
 * the bias of it. */
#include "graph/optimise_private.h"

/* ---- Vectors. */

static bool
same_type (const adze_graph *graph, uint32_t a, uint32_t b)
{
  return memcmp (&graph->values[a]->dtype, &graph->values[b]->dtype, sizeof (adze_dtype)) == 0;
}

/* Is it one number for each place of dimension AXIS of OUT, and stretched along all others? */
static bool
lies_along (const adze_graph_value *value, const adze_graph_value *out, int32_t axis)
{
  int32_t at = axis - (out->rank - value->rank); /* that dimension of VALUE */
  if (value->rank < 0 || value->rank > out->rank || at < 0 || out->shape[axis] < 0
      || value->shape[at] != out->shape[axis])
    return false;
  for (int32_t i = 0; i < value->rank; i++)
    if (i != at && value->shape[i] != 1)
      return false;
  return true;
}

/* One number for all: constants alone, since a weight of one number is trained as one. */
static bool
is_single (const adze_graph_value *value)
{
  uint64_t elements, bytes;
  return value->role == ADZE_ROLE_CONSTANT && adze_pass_size (value, &elements, &bytes)
         && elements == 1;
}

/* ---- Convolutions, whose bias is a vector. */

/* The two of them, added where both are there. */
static adze_error *
add_vectors (adze_graph *graph, uint32_t bias, uint32_t vector, size_t channels, uint32_t *into)
{
  ADZE_AUTO_FREE double *first = NULL;
  ADZE_AUTO_FREE double *second = NULL;
  size_t count = 0, more = 0;
  int64_t length = (int64_t)channels;
  ADZE_TRY (adze_pass_doubles (graph, bias, &first, &count));
  ADZE_TRY (adze_pass_doubles (graph, vector, &second, &more));
  *into = ADZE_NONE;
  if (!first || !second || count != channels)
    return NULL;
  for (size_t i = 0; i < channels; i++)
    first[i] += second[more == 1 ? 0 : i];
  return adze_pass_rewrite_doubles (graph, bias, 1, &length, first, channels, into);
}

static adze_error *
make_vector (adze_graph *graph, uint32_t vector, size_t channels, uint32_t *into)
{
  const adze_graph_value *value = graph->values[vector];
  size_t item = value->dtype.bits / 8;
  int64_t length = (int64_t)channels;
  ADZE_AUTO_FREE char *bytes = malloc (channels * item + 1);
  if (!bytes)
    return adze_error_memory ();
  for (size_t i = 0; i < channels; i++)
    memcpy (bytes + i * item,
            (const char *)value->data + (is_single (value) ? 0 : i * item), item);
  return adze_pass_rewrite (graph, vector, 1, &length, bytes, channels * item, into);
}

static adze_error *
into_convolution (adze_graph *graph, const adze_graph_node *node, uint32_t vector, bool *done)
{
  const adze_graph_value *out = graph->values[node->outputs[0]];
  const adze_graph_value *value = graph->values[vector];
  uint32_t bias = adze_pass_in (node, 2), made;
  if (out->rank < 2 || out->shape[1] < 0 || !same_type (graph, vector, node->inputs[1])
      || !(lies_along (value, out, 1) || (is_single (value) && value->rank <= out->rank)))
    return NULL;
  size_t channels = (size_t)out->shape[1];
  if (bias == ADZE_NONE)
    ADZE_TRY (make_vector (graph, vector, channels, &made));
  else
    ADZE_TRY (add_vectors (graph, bias, vector, channels, &made));
  if (made == ADZE_NONE)
    return NULL;
  *done = true;
  return adze_pass_set_input (graph, node->number, 2, made);
}

/* ---- Products, whose bias is stretched by themselves. */

static bool
is_row (const adze_graph *graph, const adze_graph_node *node, uint32_t vector)
{
  const adze_graph_value *out = graph->values[node->outputs[0]],
                         *value = graph->values[vector];
  return out->rank == 2 && same_type (graph, vector, node->inputs[1])
         && (lies_along (value, out, 1) || (is_single (value) && value->rank <= 2));
}

static adze_error *
into_gemm (adze_graph *graph, const adze_graph_node *node, uint32_t vector, bool *done)
{
  float one = 1;
  const adze_graph_attribute beta = adze_attribute_float ("beta", &one);
  if (adze_pass_in (node, 2) != ADZE_NONE || !is_row (graph, node, vector))
    return NULL;
  *done = true;
  if (adze_node_float (node, "beta", 1) != 1.0f)
    ADZE_TRY (adze_graph_set_attribute (graph, node->number, &beta));
  return adze_pass_set_input (graph, node->number, 2, vector);
}

/* MatMul and Add become one Gemm. */
static adze_error *
from_product (adze_graph *graph, const adze_graph_node *add, const adze_graph_node *node,
              uint32_t vector, uint64_t *changed)
{
  uint32_t inputs[] = { node->inputs[0], node->inputs[1], vector }, made;
  bool done = false;
  if (!is_row (graph, node, vector) || graph->values[inputs[0]]->rank != 2
      || graph->values[inputs[1]]->rank != 2)
    return NULL;
  const adze_node_recipe gemm = { .struct_size = sizeof gemm, .op = "Gemm", .name = node->name,
                                  .inputs = inputs, .input_count = 3, .output_count = 1 };
  ADZE_TRY (adze_graph_add_node (graph, &gemm, &made));
  ADZE_TRY (adze_pass_merge (graph, add->number, add->outputs[0], made, &done));
  adze_graph_remove_node (graph, node->number);
  *changed += done;
  return NULL;
}

/* ---- Sums. */

static adze_error *
gone (adze_graph *graph, const adze_graph_node *add, const adze_graph_node *node, uint32_t vector,
      uint64_t *changed)
{
  bool done = false;
  ADZE_TRY (adze_pass_merge (graph, add->number, add->outputs[0], node->outputs[0], &done));
  adze_pass_forget (graph, vector);
  *changed += done;
  return NULL;
}

static adze_error *
fuse_sum (adze_graph *graph, const adze_graph_node *add, uint64_t *changed)
{
  for (size_t i = 0; i < 2; i++) {
    const adze_graph_node *node = adze_pass_only_maker (graph, add->inputs[i]);
    uint32_t vector = add->inputs[1 - i];
    bool done = false;
    if (!node || !adze_pass_numbers (graph, vector))
      continue;
    if (adze_pass_is (node, "MatMul"))
      return from_product (graph, add, node, vector, changed);
    if (adze_pass_is (node, "Gemm"))
      ADZE_TRY (into_gemm (graph, node, vector, &done));
    if (adze_pass_is_one_of (node, "Conv ConvTranspose"))
      ADZE_TRY (into_convolution (graph, node, vector, &done));
    if (done)
      return gone (graph, add, node, vector, changed);
  }
  return NULL;
}

adze_error *
adze_pass_biases (adze_graph *graph, uint64_t *changed)
{
  size_t count = graph->node_count; /* those that are added are no sums */
  for (uint32_t n = 0; n < count; n++)
    if (adze_pass_is (graph->nodes[n], "Add"))
      ADZE_TRY (fuse_sum (graph, graph->nodes[n], changed));
  return NULL;
}
