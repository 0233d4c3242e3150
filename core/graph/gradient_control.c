/* SPDX-License-Identifier: Apache-2.0 */
/* graph/gradient_control.c: gradients of nodes with bodies. That of If is an If: each branch computes
 * once more what it needs of its own, and then its gradients. */
#include "graph/gradient_words.h"

/* Further inputs of BODY: the gradients of those of its outputs that are given. */
static adze_error *
add_seeds (const adze_gradient *g, adze_graph *body, uint32_t *seeds)
{
  for (size_t i = 0; i < g->node->output_count; i++) {
    seeds[i] = ADZE_NONE;
    if (g->given[i] == ADZE_NONE)
      continue;
    const adze_graph_value *output = body->values[body->outputs.items[i]];
    ADZE_TRY (adze_graph_add_input (body, NULL, output->dtype, output->rank, output->shape,
                                    &seeds[i]));
  }
  return NULL;
}

/* A branch becomes one that takes the gradients of its outputs as well, and gives those of its inputs
 * that are wanted. An Identity in front of each: what a body gives has one name. */
static adze_error *
turn_around (adze_gradient *g, adze_graph *body, size_t captured)
{
  const bool *wanted = g->wanted + g->node->input_count - captured;
  size_t outputs = g->node->output_count, asked = 0;
  ADZE_AUTO_FREE uint32_t *seeds = calloc (outputs + 1, sizeof *seeds);
  ADZE_AUTO_FREE uint32_t *values = calloc (2 * captured + 1, sizeof *values);
  if (!seeds || !values)
    return adze_error_memory ();
  for (size_t i = 0; i < captured; i++)
    if (wanted[i])
      values[asked++] = body->inputs.items[i];
  uint32_t *gradients = values + captured;
  ADZE_TRY (add_seeds (g, body, seeds));
  const adze_gradient_seeds from = { .outputs = body->outputs.items, .seeds = seeds,
                                     .count = outputs };
  ADZE_TRY (adze_graph_pull_back (body, &from, values, asked, gradients));
  body->outputs.count = 0;
  adze_gradient inside = { .graph = body };
  for (size_t i = 0; i < asked; i++) {
    uint32_t named = unary (&inside, "Identity", gradients[i]);
    ADZE_TRY (inside.error);
    ADZE_TRY (adze_graph_add_output (body, named));
  }
  adze_graph_remove_dead (body);
  const uint32_t *order;
  size_t count;
  return adze_graph_order (body, &order, &count);
}

/* The branch NAME turned around, as a body of the graph. */
static adze_error *
branch_back (adze_gradient *g, const char *name, size_t captured, adze_graph **made)
{
  const adze_graph_attribute *branch = adze_node_attribute (g->node, name);
  adze_graph *graph = g->graph;
  ADZE_TRY (adze_graph_grow (&graph->bodies, &graph->body_capacity, graph->body_count,
                             sizeof (void *)));
  ADZE_TRY (adze_graph_copy (branch->graph, made));
  graph->bodies[graph->body_count++] = *made;
  adze_error *error = turn_around (g, *made, captured);
  if (!error)
    return NULL;
  ADZE_AUTO (adze_buffer) who = { 0 };
  adze_graph_node_text (g->node, &who);
  return adze_error_wrap (error, "%s of %s cannot be differentiated", name,
                          who.data ? who.data : "a node");
}

/* Inputs: the condition, what was captured, the gradients that are given. */
static void
emit_if (adze_gradient *g, const adze_graph_attribute *branches, size_t captured, uint32_t *made,
         size_t wanted)
{
  size_t count = g->node->input_count;
  ADZE_AUTO_FREE uint32_t *inputs = calloc (count + g->node->output_count + 1, sizeof *inputs);
  if (!inputs) {
    g->error = adze_error_memory ();
    return;
  }
  memcpy (inputs, g->node->inputs, count * sizeof *inputs);
  for (size_t i = 0; i < g->node->output_count; i++)
    if (g->given[i] != ADZE_NONE)
      inputs[count++] = g->given[i];
  adze_node_recipe recipe = { .struct_size = sizeof recipe,
                              .op = "If",
                              .inputs = inputs,
                              .input_count = count,
                              .captured_count = captured + count - g->node->input_count,
                              .output_count = wanted,
                              .attributes = branches,
                              .attribute_count = 2 };
  adze_op_made (g, &recipe, made);
}

static void
if_rule (adze_gradient *g)
{
  static const char *const names[] = { "then_branch", "else_branch" };
  const size_t captured = g->node->captured_count, first = g->node->input_count - captured;
  adze_graph_attribute branches[2];
  size_t wanted = 0, next = 0;
  for (size_t i = 0; i < 2 && !g->error; i++) {
    adze_graph *body = NULL;
    g->error = branch_back (g, names[i], captured, &body);
    branches[i] = (adze_graph_attribute){ .struct_size = sizeof branches[i],
                                          .type = ADZE_ATTRIBUTE_GRAPH,
                                          .name = names[i],
                                          .count = 1,
                                          .graph = body };
  }
  for (size_t i = first; i < g->node->input_count; i++)
    wanted += g->wanted[i];
  ADZE_AUTO_FREE uint32_t *made = calloc (wanted + 1, sizeof *made);
  if (!made && !g->error)
    g->error = adze_error_memory ();
  if (g->error || wanted == 0)
    return;
  emit_if (g, branches, captured, made, wanted);
  for (size_t i = first; i < g->node->input_count; i++)
    if (g->wanted[i])
      adze_give_gradient (g, i, made[next++]);
}

const adze_gradient_rule adze_gradients_control[] = {
  { "", "If", if_rule },
  { NULL, NULL, NULL },
};
