/* SPDX-License-Identifier: Apache-2.0 */
/* quantize_dynamic.c: products computed in whole numbers. What comes in is made codes of on the way
 * (DynamicQuantizeLinear), the product is one of codes (MatMulInteger), which is exact, and the sums are multiplied by both scales.
 *
 * Any codec will do whose form in a network is DequantizeLinear of bytes: its scales are found there. */
#include "quantize.h"

#include <string.h>

enum { PRODUCT_INPUTS = 3 };

/* A MatMul or Gemm, which is taken apart. */
typedef struct product {
  bool turned_input, turned_weight;
  float alpha, beta;
  uint32_t input, bias, output;
  char *name; /* of what it gives */
} product;

/* ---- What there is. */

static adze_status
refuse (const quantize_edit *e, const adze_graph_node *node, const char *why, const char *what_to_do)
{
  return adze_fail (e->host, ADZE_E_UNSUPPORTED,
                    "with dynamic = true, '%s' would be multiplied in whole numbers, and node %u%s%s%s (%s) %s; "
                    "%s",
                    e->meta->name, node->number, node->name[0] ? " '" : "", node->name,
                    node->name[0] ? "'" : "", node->op, why, what_to_do);
}

static const char by_rule[] = "a rule with dynamic = false has it computed in floats";

/* NODE, NULL if there is none, must be DequantizeLinear of the weight; its scale is one, or one for each place of
 * *AXIS (-1: it is one). */
static adze_status
check_codes (const quantize_edit *e, const adze_graph_node *node, int64_t *axis)
{
  const adze_graph_value *codes = e->graphs->value (e->graph, e->weight);
  bool plain = node && strcmp (node->op, "DequantizeLinear") == 0 && node->inputs[0] == e->weight
               && codes->dtype.bits == 8;
  if (!plain)
    return adze_fail (e->host, ADZE_E_UNSUPPORTED,
                      "dynamic = true multiplies bytes that have one scale, or one for each channel, and the "
                      "codes of '%s' are none; a codec that has such is int8 with per = \"channel\" or "
                      "\"tensor\"",
                      e->meta->name);
  bool one = e->graphs->value (e->graph, node->inputs[1])->rank == 0;
  *axis = one ? -1 : adze_node_int (node, "axis", 1);
  return ADZE_OK;
}

static adze_status
check_user (const quantize_edit *e, const adze_graph_node *node, size_t place, int64_t axis)
{
  bool gemm = strcmp (node->op, "Gemm") == 0, matmul = strcmp (node->op, "MatMul") == 0;
  if (node->domain[0] || (!gemm && !matmul) || place != 1)
    return refuse (e, node, "takes it otherwise than as the second factor of a product", by_rule);
  if (e->meta->rank != 2)
    return refuse (e, node, "takes more than one matrix of it", by_rule);
  int64_t columns = gemm && adze_node_int (node, "transB", 0) ? 0 : 1;
  if (axis >= 0 && axis != columns)
    return refuse (e, node, "sums over what has scales of its own",
                   columns == 1 ? "its codec needs axis = 1 or per = \"tensor\", for all or by a rule"
                                : "its codec needs axis = 0 or per = \"tensor\", for all or by a rule");
  return ADZE_OK;
}

/* ---- Nodes. */

static uint32_t
scaled (adze_nodes *b, uint32_t value, float factor)
{
  if (factor == 1)
    return value;
  return adze_nodes_pair (b, "Mul", value, adze_nodes_floats (b, &factor, 1));
}

/* What makes codes of INPUT: it is there already where another product takes the same. */
static adze_status
coded_input (adze_nodes *b, uint32_t input, uint32_t *outputs)
{
  for (uint32_t i = 0; i < b->graphs->node_count (b->graph); i++) {
    const adze_graph_node *node = b->graphs->node (b->graph, i);
    if (!node || strcmp (node->op, "DynamicQuantizeLinear") != 0 || node->inputs[0] != input)
      continue;
    memcpy (outputs, node->outputs, 3 * sizeof *outputs);
    return ADZE_OK;
  }
  const adze_node_recipe recipe = { .struct_size = sizeof recipe,
                                    .op = "DynamicQuantizeLinear",
                                    .inputs = &input,
                                    .input_count = 1,
                                    .output_count = 3 };
  return b->graphs->add_node (b->host, b->graph, &recipe, outputs);
}

/* The last node, which gives what the product gave, under its name. */
static void
finish (adze_nodes *b, const product *p, const char *op, uint32_t left, uint32_t right)
{
  const uint32_t inputs[] = { left, right };
  const char *const names[] = { p->name };
  const adze_node_recipe recipe = { .struct_size = sizeof recipe,
                                    .op = op,
                                    .inputs = inputs,
                                    .input_count = 2,
                                    .output_names = names,
                                    .output_count = 1 };
  uint32_t made;
  if (b->status == ADZE_OK)
    b->status = b->graphs->add_node (b->host, b->graph, &recipe, &made);
}

static uint32_t
transposed (adze_nodes *b, uint32_t value, bool turn)
{
  return turn ? adze_nodes_add (b, "Transpose", &value, 1, NULL) : value;
}

/* PLANES: codes, scale and, where the codec has one, zero. */
static adze_status
write_product (const quantize_edit *e, const product *p, const uint32_t *planes, size_t plane_count)
{
  adze_nodes b;
  uint32_t coded[3] = { ADZE_NONE, ADZE_NONE, ADZE_NONE };
  if (!adze_nodes_begin (&b, e->host, e->graph))
    return b.status;
  b.status = coded_input (&b, p->input, coded);
  const uint32_t factors[] = { transposed (&b, coded[0], p->turned_input),
                               transposed (&b, planes[0], p->turned_weight), coded[2],
                               plane_count > 2 ? planes[2] : ADZE_NONE };
  uint32_t sums = adze_nodes_cast (
      &b, adze_nodes_add (&b, "MatMulInteger", factors, plane_count > 2 ? 4 : 3, NULL), ADZE_NODES_FLOAT);
  uint32_t step = scaled (&b, adze_nodes_pair (&b, "Mul", coded[1], planes[1]), p->alpha);
  if (p->bias == ADZE_NONE)
    finish (&b, p, "Mul", sums, step);
  else
    finish (&b, p, "Add", adze_nodes_pair (&b, "Mul", sums, step), scaled (&b, p->bias, p->beta));
  return b.status;
}

static adze_status
read_product (const quantize_edit *e, const adze_graph_node *node, product *p)
{
  bool gemm = strcmp (node->op, "Gemm") == 0;
  *p = (product){
                  .alpha = gemm ? adze_node_float (node, "alpha", 1) : 1,
                  .beta = gemm ? adze_node_float (node, "beta", 1) : 1,
                  .turned_input = gemm && adze_node_int (node, "transA", 0),
                  .turned_weight = gemm && adze_node_int (node, "transB", 0),
                  .input = node->inputs[0],
                  .bias = gemm && node->input_count > 2 ? node->inputs[2] : ADZE_NONE,
                  .output = node->outputs[0] };
  const char *name = e->graphs->value (e->graph, p->output)->name;
  size_t size = strlen (name) + 1;
  p->name = (char *)e->host->allocate (e->host, size);
  if (!p->name)
    return adze_fail (e->host, ADZE_E_MEMORY, "no room for the name of '%s'", name);
  memcpy (p->name, name, size);
  return ADZE_OK;
}

static adze_status
change (const quantize_edit *e, uint32_t number, const uint32_t *planes, size_t plane_count)
{
  product p;
  adze_status status = read_product (e, e->graphs->node (e->graph, number), &p);
  if (status == ADZE_OK)
    status = e->graphs->remove_node (e->host, e->graph, number);
  if (status == ADZE_OK)
    status = write_product (e, &p, planes, plane_count);
  e->host->release (e->host, p.name);
  return status;
}

/* Nodes below FIRST are those that were there before NUMBERS, the weight as floats, was made of its codes. */
adze_status
quantize_dynamic (const quantize_edit *e, uint32_t first, uint32_t numbers)
{
  uint32_t planes[PRODUCT_INPUTS], maker = e->graphs->value (e->graph, numbers)->node;
  const adze_graph_node *made = maker == ADZE_NONE ? NULL : e->graphs->node (e->graph, maker);
  int64_t axis = -1;
  adze_status status = check_codes (e, made, &axis);
  if (status != ADZE_OK)
    return status;
  size_t plane_count = made->input_count < PRODUCT_INPUTS ? made->input_count : PRODUCT_INPUTS;
  memcpy (planes, made->inputs, plane_count * sizeof *planes);
  for (uint32_t i = 0; status == ADZE_OK && i < first; i++) {
    const adze_graph_node *node = e->graphs->node (e->graph, i);
    for (size_t k = 0; status == ADZE_OK && node && k < node->input_count; k++) {
      if (node->inputs[k] != e->weight)
        continue;
      status = check_user (e, node, k, axis);
      if (status == ADZE_OK)
        status = change (e, i, planes, plane_count);
      break;
    }
  }
  return status == ADZE_OK ? e->graphs->remove_node (e->host, e->graph, maker) : status;
}
