/* SPDX-License-Identifier: Apache-2.0 */
/* graph/optimise_codes.c: QuantizeLinear and DequantizeLinear are moved towards the products that
 * could be computed in integers. Nothing here changes a result: what picks and moves elements, or
 * takes the greatest of some, gives the same whether it sees codes or what they stand for. */
#include "graph/optimise_private.h"

#include <float.h>
#include <math.h>

#include "graph/gradient.h"

/* ---- What a node says of codes. */

void
adze_pass_codes_cleanup (adze_pass_codes *codes)
{
  free (codes->scales);
  codes->scales = NULL;
}

/* Codes times such a scale are ordinary floats, of which the codes can be told again. */
static bool
are_ordinary (const double *scales, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (!(scales[i] >= (double)FLT_MIN && scales[i] <= (double)FLT_MAX / 256))
      return false;
  return count > 0;
}

static bool
is_float (const adze_graph *graph, uint32_t value)
{
  adze_dtype dtype = graph->values[value]->dtype;
  return dtype.code == ADZE_FLOAT && dtype.bits == 32 && dtype.lanes == 1;
}

adze_error *
adze_pass_read_codes (const adze_graph *graph, const adze_graph_node *node, adze_pass_codes *into)
{
  bool gives = adze_pass_is (node, "QuantizeLinear");
  *into = (adze_pass_codes){ .node = node };
  if (!gives && !adze_pass_is (node, "DequantizeLinear"))
    return NULL;
  into->codes = gives ? node->outputs[0] : node->inputs[0];
  into->scale = node->inputs[1];
  into->zero = adze_pass_in (node, 2);
  const adze_graph_value *value = graph->values[node->inputs[0]];
  if (!adze_pass_is_byte (graph, into->codes)
      || !is_float (graph, gives ? node->inputs[0] : node->outputs[0]) || value->rank < 0)
    return NULL;
  int64_t axis = adze_node_int (node, "axis", 1);
  into->axis = (int32_t)(axis < 0 ? axis + value->rank : axis);
  ADZE_TRY (adze_pass_doubles (graph, into->scale, &into->scales, &into->count));
  if (into->scales && !are_ordinary (into->scales, into->count))
    adze_pass_codes_cleanup (into);
  return NULL;
}

/* ---- Is it the same? */

static bool
same_numbers (const adze_graph *graph, uint32_t a, uint32_t b)
{
  const adze_graph_value *x = adze_pass_numbers (graph, a), *y = adze_pass_numbers (graph, b);
  uint64_t elements, bytes, others, more;
  return a == b
         || (x && y && memcmp (&x->dtype, &y->dtype, sizeof x->dtype) == 0
             && adze_pass_size (x, &elements, &bytes) && adze_pass_size (y, &others, &more)
             && bytes == more && memcmp (x->data, y->data, (size_t)bytes) == 0);
}

/* A zero point that is left out is 0 of uint8. */
static bool
same_zero (const adze_graph *graph, uint32_t a, uint32_t b)
{
  if (a != ADZE_NONE && b != ADZE_NONE)
    return same_numbers (graph, a, b);
  const adze_graph_value *one = adze_pass_numbers (graph, a == ADZE_NONE ? b : a);
  return a == b || (one && one->rank == 0 && !*(const uint8_t *)one->data);
}

/* Codes of codes that stand for the same. */
static adze_error *
meet (adze_graph *graph, const adze_pass_codes *outer, uint64_t *changed)
{
  ADZE_AUTO_CODES inner = { 0 };
  bool done = false;
  uint32_t middle = outer->node->inputs[0];
  const adze_graph_node *maker = adze_pass_maker (graph, middle);
  if (!adze_pass_is (maker, "DequantizeLinear"))
    return NULL;
  ADZE_TRY (adze_pass_read_codes (graph, maker, &inner));
  if (!inner.scales || inner.count != 1 || !same_numbers (graph, inner.scale, outer->scale)
      || !same_zero (graph, inner.zero, outer->zero)
      || memcmp (&graph->values[inner.codes]->dtype, &graph->values[outer->codes]->dtype,
                 sizeof (adze_dtype))
             != 0)
    return NULL;
  ADZE_TRY (adze_pass_merge (graph, outer->node->number, outer->codes, inner.codes, &done));
  if (done)
    adze_pass_forget (graph, middle);
  *changed += done;
  return NULL;
}

/* ---- Moves. */

/* Does it give elements of its first input, by their places or as the greatest of some? */
static bool
picks (const adze_graph_node *node)
{
  return adze_pass_is_one_of (node, "MaxPool Flatten Reshape Transpose Squeeze Unsqueeze")
         && (node->output_count == 1 || node->outputs[1] == ADZE_NONE);
}

/* NODE once more, with DATA in the place of its first input. */
static uint32_t
picked (adze_gradient *g, const adze_graph_node *node, uint32_t data)
{
  uint32_t inputs[2] = { data, adze_pass_in (node, 1) }, output = ADZE_NONE;
  const adze_node_recipe recipe = { .struct_size = sizeof recipe,
                                    .op = node->op,
                                    .name = node->name,
                                    .inputs = inputs,
                                    .input_count = node->input_count,
                                    .output_count = 1,
                                    .attributes = node->attributes,
                                    .attribute_count = node->attribute_count };
  adze_op_made (g, &recipe, &output);
  return output;
}

/* In front of NODE lies what codes stand for: it picks among the codes. */
static adze_error *
sink (adze_graph *graph, const adze_graph_node *node, uint64_t *changed)
{
  ADZE_AUTO_CODES given = { 0 };
  bool done = false;
  const adze_graph_node *maker = adze_pass_maker (graph, node->inputs[0]);
  if (!adze_pass_is (maker, "DequantizeLinear"))
    return NULL;
  ADZE_TRY (adze_pass_read_codes (graph, maker, &given));
  if (!given.scales || given.count != 1)
    return NULL;
  adze_gradient g = { .graph = graph };
  uint32_t codes = picked (&g, node, given.codes);
  uint32_t made = adze_op (&g, "DequantizeLinear", codes, given.scale, given.zero, ADZE_END);
  if (g.error)
    return g.error;
  ADZE_TRY (adze_pass_merge (graph, node->number, node->outputs[0], made, &done));
  adze_pass_forget (graph, maker->outputs[0]);
  ++*changed;
  return NULL;
}

/* Does VALUE come from a product, through nodes that codes can go through as well? */
static bool
comes_from_product (const adze_graph *graph, uint32_t value)
{
  const adze_graph_node *maker = adze_pass_only_maker (graph, value);
  while (maker && (picks (maker) || adze_pass_is_one_of (maker, "Relu Clip")))
    maker = adze_pass_only_maker (graph, maker->inputs[0]);
  return maker && adze_pass_is_one_of (maker, "Conv Gemm MatMul")
         && adze_pass_is (adze_pass_maker (graph, maker->inputs[0]), "DequantizeLinear")
         && adze_pass_is (adze_pass_maker (graph, maker->inputs[1]), "DequantizeLinear");
}

/* Behind NODE, which picks, lie codes: it picks among codes. */
static adze_error *
hoist (adze_graph *graph, const adze_pass_codes *behind, uint64_t *changed)
{
  bool done = false;
  const adze_graph_node *node = adze_pass_only_maker (graph, behind->node->inputs[0]);
  if (!node || !picks (node) || !comes_from_product (graph, node->inputs[0]))
    return NULL;
  adze_gradient g = { .graph = graph };
  uint32_t codes = adze_op (&g, "QuantizeLinear", node->inputs[0], behind->scale, behind->zero,
                            ADZE_END);
  uint32_t made = picked (&g, node, codes);
  if (g.error)
    return g.error;
  ADZE_TRY (adze_pass_merge (graph, behind->node->number, behind->codes, made, &done));
  adze_graph_remove_node (graph, node->number);
  ++*changed;
  return NULL;
}

static adze_error *
move_behind (adze_graph *graph, const adze_graph_node *node, uint64_t *changed)
{
  ADZE_AUTO_CODES codes = { 0 };
  uint64_t before = *changed;
  ADZE_TRY (adze_pass_read_codes (graph, node, &codes));
  if (!codes.scales || codes.count != 1)
    return NULL;
  ADZE_TRY (meet (graph, &codes, changed));
  return *changed == before ? hoist (graph, &codes, changed) : NULL;
}

adze_error *
adze_pass_move_codes (adze_graph *graph, uint64_t *changed)
{
  for (uint32_t n = 0; n < graph->node_count; n++) {
    const adze_graph_node *node = graph->nodes[n];
    if (adze_pass_is (node, "QuantizeLinear"))
      ADZE_TRY (move_behind (graph, node, changed));
    else if (node && picks (node))
      ADZE_TRY (sink (graph, node, changed));
  }
  return NULL;
}
