/* SPDX-License-Identifier: Apache-2.0 */
/* Which dimensions of weights make channels, and which take them. */
#include "structured.h"

typedef struct reading {
  const adze_graph_service *graphs;
  const adze_graph *graph;
  uint8_t *roles;
} reading;

static int32_t
rank_of (const reading *r, uint32_t value)
{
  return value == ADZE_NONE ? -1 : r->graphs->value (r->graph, value)->rank;
}

/* Dimension AXIS of what was there before nodes that only turn it. */
static void
go_back (const reading *r, uint32_t *value, int32_t *axis)
{
  for (;;) {
    uint32_t number = r->graphs->value (r->graph, *value)->node;
    const adze_graph_node *node = number == ADZE_NONE ? NULL : r->graphs->node (r->graph, number);
    bool turns = node && strcmp (node->op, "Transpose") == 0;
    if (!node || (!turns && strcmp (node->op, "Cast") != 0 && strcmp (node->op, "Identity") != 0))
      return;
    size_t count = 0;
    const int64_t *order = turns ? adze_node_ints (node, "perm", &count) : NULL;
    if (turns)
      *axis = order ? (int32_t)order[*axis] : rank_of (r, *value) - 1 - *axis;
    *value = node->inputs[0];
  }
}

static void
mark (const reading *r, const adze_graph_node *node, size_t input, int32_t axis, unsigned role)
{
  uint32_t value = input < node->input_count ? node->inputs[input] : ADZE_NONE;
  if (value == ADZE_NONE || axis < 0 || axis >= rank_of (r, value))
    return;
  go_back (r, &value, &axis);
  uint32_t kind = r->graphs->value (r->graph, value)->role;
  if (kind == ADZE_ROLE_WEIGHT || kind == ADZE_ROLE_CONSTANT)
    r->roles[(size_t)value * ADZE_GRAPH_RANK + (size_t)axis] |= (uint8_t)role;
}

/* Each channel that a depthwise one takes is one that it makes. */
static void
convolution (const reading *r, const adze_graph_node *node, bool transposed)
{
  const adze_graph_value *weight = r->graphs->value (r->graph, node->inputs[1]);
  bool depthwise = adze_node_int (node, "group", 1) > 1 && weight->rank > 1 && weight->shape[1] == 1;
  unsigned first = transposed ? STRUCTURED_TAKES : STRUCTURED_MAKES;
  mark (r, node, 1, 0, depthwise ? STRUCTURED_MAKES | STRUCTURED_TAKES : first);
  if (!depthwise)
    mark (r, node, 1, 1, STRUCTURED_MAKES + STRUCTURED_TAKES - first);
}

static void
product (const reading *r, const adze_graph_node *node, bool turned_left, bool turned_right)
{
  int32_t left = rank_of (r, node->inputs[0]), right = rank_of (r, node->inputs[1]);
  mark (r, node, 0, left - (turned_left ? 1 : 2), STRUCTURED_MAKES);
  mark (r, node, 0, left - (turned_left ? 2 : 1), STRUCTURED_TAKES);
  mark (r, node, 1, right - (turned_right ? 2 : 1), STRUCTURED_MAKES);
  mark (r, node, 1, right - (turned_right ? 1 : 2), STRUCTURED_TAKES);
}

/* Of a table all that is in a row. */
static void
table (const reading *r, const adze_graph_node *node)
{
  int32_t rank = rank_of (r, node->inputs[0]);
  int64_t axis = adze_node_int (node, "axis", 0);
  for (int32_t d = 0; d < rank; d++)
    if (d != (axis < 0 ? axis + rank : axis))
      mark (r, node, 0, d, STRUCTURED_MAKES);
}

static void
read_node (const reading *r, const adze_graph_node *node)
{
  bool turned = strcmp (node->op, "ConvTranspose") == 0;
  if (turned || strcmp (node->op, "Conv") == 0)
    convolution (r, node, turned);
  else if (strcmp (node->op, "Gemm") == 0)
    product (r, node, adze_node_int (node, "transA", 0) != 0, adze_node_int (node, "transB", 0) != 0);
  else if (strcmp (node->op, "MatMul") == 0)
    product (r, node, false, false);
  else if (strcmp (node->op, "Gather") == 0)
    table (r, node);
}

adze_status
structured_roles (const adze_host *host, const adze_graph *graph, uint8_t **roles)
{
  reading r = { .graphs = adze_graph_of (host), .graph = graph };
  size_t count = (size_t)r.graphs->value_count (graph) * ADZE_GRAPH_RANK;
  r.roles = (uint8_t *)host->allocate (host, count + 1);
  if (!r.roles)
    return adze_fail (host, ADZE_E_MEMORY, "no room for what is known of the network");
  memset (r.roles, 0, count + 1);
  for (uint32_t n = 0; n < r.graphs->node_count (graph); n++) {
    const adze_graph_node *node = r.graphs->node (graph, n);
    if (node && !node->domain[0])
      read_node (&r, node);
  }
  *roles = r.roles;
  return ADZE_OK;
}
