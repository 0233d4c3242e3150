/* SPDX-License-Identifier: Apache-2.0 */
/* graph/bodies.c: the bodies of nodes. Each is a graph that is compiled with the graph around it where
 * the sizes are known by then, else when it is first needed, and again for other sizes. */
#include <string.h>

#include "graph/executable_private.h"

bool
adze_node_has_bodies (const adze_graph_node *node)
{
  for (size_t i = 0; i < node->attribute_count; i++)
    if (node->attributes[i].type == ADZE_ATTRIBUTE_GRAPH)
      return true;
  return false;
}

static adze_error *
find_body (const adze_graph_step *step, const char *name, adze_body *body)
{
  const adze_graph_attribute *attribute = adze_node_attribute (step->node, name);
  if (!attribute || attribute->type != ADZE_ATTRIBUTE_GRAPH)
    return adze_graph_step_error (step, adze_error_new (ADZE_E_FORMAT, "it has no attribute '%s' with a graph",
                                                  name));
  return adze_graph_copy (attribute->graph, &body->graph);
}

/* What a body captures and is constant out here is so inside: sizes follow from it, and weights are
 * arranged once. The numbers are this graph's, which lives as long as its steps. */
static adze_error *
pass_constants (const adze_executable *x, const adze_graph_step *step, adze_body *body)
{
  const adze_graph_node *node = step->node;
  size_t count, captured = node->captured_count;
  const uint32_t *inputs = adze_graph_inputs (body->graph, &count);
  for (size_t i = 0; i < captured && captured <= count; i++) {
    const adze_graph_value *value
        = adze_graph_value_at (x->graph, node->inputs[node->input_count - captured + i]);
    uint32_t inside = inputs[count - captured + i];
    if (!value || value->role != ADZE_ROLE_CONSTANT || !value->data)
      continue;
    ADZE_TRY (adze_graph_set_type (body->graph, inside, value->dtype, value->rank, value->shape));
    ADZE_TRY (adze_graph_set_data (body->graph, inside, value->data, 0, false));
  }
  return NULL;
}

adze_error *
adze_bodies_open (const adze_executable *x, adze_graph_step *step)
{
  bool branches = strcmp (step->node->op, "If") == 0;
  ADZE_TRY (find_body (step, branches ? "then_branch" : "body", &step->bodies[0]));
  ADZE_TRY (pass_constants (x, step, &step->bodies[0]));
  if (!branches)
    return NULL;
  ADZE_TRY (find_body (step, "else_branch", &step->bodies[1]));
  return pass_constants (x, step, &step->bodies[1]);
}

/* Type and sizes of all inputs in a row; *COUNT numbers. */
static adze_error *
sizes_of (const adze_view *const *inputs, size_t input_count, int64_t **sizes, size_t *count)
{
  size_t at = 0;
  *count = 0;
  for (size_t i = 0; i < input_count; i++)
    *count += 2 + (size_t)inputs[i]->rank;
  *sizes = calloc (*count + 1, sizeof **sizes);
  if (!*sizes)
    return adze_error_memory ();
  for (size_t i = 0; i < input_count; i++) {
    (*sizes)[at++] = inputs[i]->rank;
    (*sizes)[at++] = inputs[i]->dtype.code * 256 + inputs[i]->dtype.bits;
    for (int32_t d = 0; d < inputs[i]->rank; d++)
      (*sizes)[at++] = inputs[i]->shape[d];
  }
  return NULL;
}

static adze_error *
compile_body (adze_executable *x, adze_body *body, const adze_view *const *inputs)
{
  size_t count;
  const uint32_t *numbers = adze_graph_inputs (body->graph, &count);
  adze_compile_options options = x->options;
  options.shapes = NULL; /* those of the graph around it */
  /* Nobody brings places for what it gives, and it runs while values around it are needed. */
  options.outputs_move = false;
  options.beside = NULL;
  for (size_t i = 0; i < count; i++)
    ADZE_TRY (adze_graph_set_type (body->graph, numbers[i], inputs[i]->dtype, inputs[i]->rank,
                                   inputs[i]->shape));
  adze_executable_free (body->executable);
  body->executable = NULL;
  return adze_graph_body_error (body->graph,
                                adze_graph_compile (body->graph, &options, &body->executable));
}

/* Compiles BODY for these inputs, unless it is. */
static adze_error *
prepare_body (adze_executable *x, adze_body *body, const adze_view *const *inputs,
              size_t input_count)
{
  size_t count;
  ADZE_AUTO_FREE int64_t *sizes = NULL;
  ADZE_TRY (sizes_of (inputs, input_count, &sizes, &count));
  if (body->executable && count == body->size_count
      && memcmp (sizes, body->sizes, count * sizeof *sizes) == 0)
    return NULL;
  ADZE_TRY (compile_body (x, body, inputs));
  free (body->sizes);
  body->sizes = adze_take (&sizes);
  body->size_count = count;
  return NULL;
}

adze_error *
adze_body_compile_ahead (adze_executable *x, const adze_graph_step *step, adze_body *body)
{
  size_t captured = step->node->captured_count, first = step->input_count - captured;
  if (strcmp (step->node->op, "If") != 0 || body->graph->inputs.count != captured)
    return NULL;
  for (size_t i = 0; i < captured; i++)
    if (!x->slots[step->inputs[first + i]].settled)
      return NULL;
  adze_error *error = prepare_body (x, body, step->input_views + first, captured);
  if (!error || adze_error_status (error) != ADZE_E_FORMAT)
    return adze_graph_step_error (step, error);
  adze_error_free (error);
  body->graph->refuted = true;
  return NULL;
}

adze_error *
adze_body_run (adze_executable *x, const adze_graph_step *step, adze_body *body,
               const adze_view *const *inputs, size_t input_count, const adze_view **outputs,
               size_t output_count)
{
  size_t count;
  adze_graph_inputs (body->graph, &count);
  if (count != input_count || body->graph->outputs.count != output_count)
    return adze_graph_step_error (
        step, adze_error_new (ADZE_E_FORMAT,
                              "its body takes %zu values and gives %zu; %zu and %zu are needed", count,
                              body->graph->outputs.count, input_count, output_count));
  ADZE_TRY (adze_graph_step_error (step, prepare_body (x, body, inputs, input_count)));
  return adze_graph_step_error (step, adze_execute (body->executable, inputs, outputs));
}
