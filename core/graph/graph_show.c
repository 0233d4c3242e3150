/* SPDX-License-Identifier: Apache-2.0 */
/* graph/graph_show.c: a graph as text, a line a value that is given and a line a node.
 *
 *   input x float32 [N,2]
 *   weight w1 float32 [2,8]
 *   'mul' (MatMul) x, w1 -> %0 float32 [N,8]
 *   output %0
 */
#include <inttypes.h>

#include "artifact/meta.h"
#include "base/digest.h"
#include "graph/graph_private.h"

static void
show_type (const adze_graph *graph, adze_dtype dtype, int32_t rank, const int64_t *shape,
           adze_buffer *into)
{
  const char *type = adze_dtype_name (dtype);
  adze_buffer_format (into, " %s [", dtype.bits && type ? type : "?");
  if (rank < 0)
    adze_buffer_text (into, "?");
  for (int32_t i = 0; i < rank; i++) {
    const char *symbol = shape[i] < 0 ? adze_graph_symbol (graph, (uint32_t)(-1 - shape[i])) : NULL;
    adze_buffer_text (into, i ? "," : "");
    if (shape[i] >= 0)
      adze_buffer_format (into, "%" PRId64, shape[i]);
    else
      adze_buffer_text (into, symbol ? symbol : "?");
  }
  adze_buffer_text (into, "]");
}

static void
show_value (const adze_graph *graph, uint32_t number, bool with_type, adze_buffer *into)
{
  const adze_graph_value *value = adze_graph_value_at (graph, number);
  adze_buffer_text (into, value ? value->name : "-");
  if (value && with_type)
    show_type (graph, value->dtype, value->rank, value->shape, into);
}

/* Numbers of a tensor are known by their hash. */
static void
show_tensor (const adze_graph *graph, const adze_view *view, adze_buffer *into)
{
  size_t size = adze_view_count (view) * view->dtype.bits / 8;
  show_type (graph, view->dtype, view->rank, view->shape, into);
  adze_buffer_format (into, " #%016" PRIx64,
                      size ? adze_hash64 (adze_view_data (view), size, 0) : 0);
}

static void
show_attribute (const adze_graph *graph, const adze_graph_attribute *a, adze_buffer *into)
{
  adze_buffer_format (into, " %s=", a->name);
  for (size_t i = 0; i < a->count; i++) {
    adze_buffer_text (into, i ? "," : "");
    if (a->type == ADZE_ATTRIBUTE_INT || a->type == ADZE_ATTRIBUTE_INTS)
      adze_buffer_format (into, "%" PRId64, a->ints[i]);
    else if (a->type == ADZE_ATTRIBUTE_FLOAT || a->type == ADZE_ATTRIBUTE_FLOATS)
      adze_buffer_format (into, "%.9g", (double)a->floats[i]);
    else if (a->type == ADZE_ATTRIBUTE_TEXT || a->type == ADZE_ATTRIBUTE_TEXTS)
      adze_buffer_quoted (into, a->texts[i].data, a->texts[i].size);
  }
  if (a->type == ADZE_ATTRIBUTE_TENSOR)
    show_tensor (graph, a->tensor, into);
  if (a->type == ADZE_ATTRIBUTE_GRAPH) {
    adze_buffer_text (into, "{\n");
    adze_graph_show (a->graph, into);
    adze_buffer_text (into, "}");
  }
}

static void
show_node (const adze_graph *graph, const adze_graph_node *node, adze_buffer *into)
{
  if (node->name[0])
    adze_buffer_format (into, "'%s' ", node->name);
  adze_buffer_format (into, "(%s%s%s) ", node->domain, node->domain[0] ? "." : "", node->op);
  for (size_t i = 0; i < node->input_count; i++) {
    adze_buffer_text (into, i ? ", " : "");
    show_value (graph, node->inputs[i], false, into);
  }
  for (size_t i = 0; i < node->attribute_count; i++)
    show_attribute (graph, &node->attributes[i], into);
  adze_buffer_text (into, " -> ");
  for (size_t i = 0; i < node->output_count; i++) {
    adze_buffer_text (into, i ? ", " : "");
    show_value (graph, node->outputs[i], true, into);
  }
  adze_buffer_text (into, "\n");
}

void
adze_graph_show (const adze_graph *graph, adze_buffer *into)
{
  static const char *const words[] = { [ADZE_ROLE_INPUT] = "input ",
                                       [ADZE_ROLE_WEIGHT] = "weight ",
                                       [ADZE_ROLE_CONSTANT] = "constant " };
  for (uint32_t i = 0; i < graph->value_count; i++) {
    if (graph->values[i]->role == ADZE_ROLE_NODE)
      continue;
    adze_buffer_text (into, words[graph->values[i]->role]);
    show_value (graph, i, true, into);
    adze_buffer_text (into, "\n");
  }
  for (size_t n = 0; n < graph->node_count; n++)
    if (graph->nodes[n])
      show_node (graph, graph->nodes[n], into);
  for (size_t i = 0; i < graph->outputs.count; i++) {
    adze_buffer_text (into, "output ");
    show_value (graph, graph->outputs.items[i], false, into);
    adze_buffer_text (into, "\n");
  }
}
