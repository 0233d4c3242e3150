/* SPDX-License-Identifier: Apache-2.0 */
/* graph/gradient_attached.c: nodes that are differentiated otherwise than by their rule: what is
 * attached to them, and what comes of it. */
#include "graph/gradient_words.h"

/* ---- Attaching. */

static adze_error *
wrong (const adze_graph_node *node, const char *what)
{
  ADZE_AUTO (adze_buffer) who = { 0 };
  adze_graph_node_text (node, &who);
  return adze_error_new (ADZE_E_CONTRACT, "the gradient that is attached to %s %s",
                         who.data ? who.data : "a node", what);
}

static adze_error *
check_body (const adze_graph *graph, const adze_graph_node *node, adze_graph *body)
{
  const uint32_t *order;
  size_t count;
  bool own = false;
  for (size_t i = 0; i < graph->body_count; i++)
    own = own || graph->bodies[i] == body;
  if (!own)
    return wrong (node, "is no body of its graph; add_body makes one");
  for (size_t i = 0; i < body->value_count; i++)
    if (body->values[i]->role == ADZE_ROLE_WEIGHT)
      return wrong (node, "has a weight; it can have inputs and constants");
  return adze_graph_order (body, &order, &count);
}

adze_error *
adze_graph_set_gradient (adze_graph *graph, uint32_t number, uint32_t kind, adze_graph *body)
{
  const adze_graph_node *node = adze_graph_node_at (graph, number);
  if (!node)
    return adze_error_new (ADZE_E_CONTRACT, "graph '%s' has no node number %u to attach a gradient "
                           "to", graph->name, number);
  if (kind > ADZE_GRADIENT_BODY)
    return wrong (node, "is of no kind that there is");
  if ((kind == ADZE_GRADIENT_BODY) != (body != NULL))
    return wrong (node, body ? "has a body, which only ADZE_GRADIENT_BODY takes"
                             : "is to be a body, and there is none");
  if (body)
    ADZE_TRY (check_body (graph, node, body));
  ADZE_TRY (adze_graph_grow (&graph->attached, &graph->attached_capacity, graph->attached_count,
                             sizeof *graph->attached));
  graph->attached[graph->attached_count++]
      = (adze_graph_attached){ .node = number, .kind = kind, .body = body };
  return NULL;
}

uint32_t
adze_graph_gradient_of (const adze_graph *graph, uint32_t node, const adze_graph **body)
{
  for (size_t i = graph->attached_count; i-- > 0;)
    if (graph->attached[i].node == node) {
      *body = graph->attached[i].body;
      return graph->attached[i].kind;
    }
  return ADZE_GRADIENT_RULE;
}

/* ---- Differentiating. */

/* May VALUE be summed up to the shape of INTO, as far as is known? */
static bool
fits (const adze_graph_value *value, const adze_graph_value *into)
{
  if (value->rank < 0 || into->rank < 0)
    return true;
  if (value->rank < into->rank)
    return false;
  for (int32_t i = 1; i <= into->rank; i++) {
    int64_t a = value->shape[value->rank - i], b = into->shape[into->rank - i];
    if (a >= 0 && b >= 0 && a != b && b != 1)
      return false;
  }
  return true;
}

static void
straight_through (adze_gradient *g)
{
  if (g->given[0] == ADZE_NONE || !g->wanted[0])
    return;
  if (!fits (g->graph->values[g->given[0]], g->graph->values[in (g, 0)]))
    adze_gradient_refuse (g, "its output has another shape than its first input, so that no "
                             "gradient can go straight through");
  else
    adze_give_gradient (g, 0, g->given[0]);
}

static bool
is_float (const adze_gradient *g, uint32_t value)
{
  uint8_t code = value == ADZE_NONE ? ADZE_BOOL : g->graph->values[value]->dtype.code;
  return code == ADZE_FLOAT || code == ADZE_BFLOAT;
}

/* What the body takes; how many. VALUES has room for the node's inputs, and twice its outputs. */
static size_t
taken (adze_gradient *g, uint32_t *values)
{
  const adze_graph_node *node = g->node;
  size_t count = 0;
  for (size_t i = 0; i < node->input_count; i++)
    if (node->inputs[i] != ADZE_NONE)
      values[count++] = node->inputs[i];
  for (size_t i = 0; i < node->output_count; i++)
    if (node->outputs[i] != ADZE_NONE)
      values[count++] = node->outputs[i];
  for (size_t i = 0; i < node->output_count; i++)
    if (is_float (g, node->outputs[i]))
      values[count++] = g->given[i] == ADZE_NONE ? adze_op_zeros (g, node->outputs[i])
                                                 : g->given[i];
  return count;
}

static size_t
floats_among_inputs (const adze_gradient *g)
{
  size_t count = 0;
  for (size_t i = 0; i < g->node->input_count; i++)
    count += is_float (g, g->node->inputs[i]);
  return count;
}

static void
refuse_counts (adze_gradient *g, const adze_graph *body, size_t inputs, size_t outputs)
{
  char reason[160];
  snprintf (reason, sizeof reason,
            "its gradient body takes %zu values and gives %zu; it should take %zu (inputs, outputs, "
            "gradients of outputs) and give %zu", body->inputs.count, body->outputs.count, inputs,
            outputs);
  adze_gradient_refuse (g, reason);
}

static void
by_body (adze_gradient *g, const adze_graph *body)
{
  const adze_graph_node *node = g->node;
  size_t room = node->input_count + 2 * node->output_count + body->outputs.count + 1;
  ADZE_AUTO_FREE uint32_t *values = calloc (room, sizeof *values);
  if (!values) {
    g->error = adze_error_memory ();
    return;
  }
  size_t inputs = taken (g, values), outputs = floats_among_inputs (g), next = 0;
  uint32_t *gradients = values + room - 1 - body->outputs.count;
  if (g->error)
    return;
  if (body->inputs.count != inputs || body->outputs.count != outputs) {
    refuse_counts (g, body, inputs, outputs);
    return;
  }
  g->error = adze_graph_insert (g->graph, body, values, gradients);
  for (size_t i = 0; !g->error && i < node->input_count; i++) {
    if (!is_float (g, node->inputs[i]))
      continue;
    if (g->wanted[i])
      adze_give_gradient (g, i, gradients[next]);
    next++;
  }
}

void
adze_gradient_attached (adze_gradient *g, uint32_t kind, const adze_graph *body)
{
  if (kind == ADZE_GRADIENT_STRAIGHT)
    straight_through (g);
  else if (kind == ADZE_GRADIENT_BODY)
    by_body (g, body);
}
