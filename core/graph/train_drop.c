/* SPDX-License-Identifier: Apache-2.0 */
/* graph/train_drop.c: Dropout in a step of training. What is dropped is a function of the seed, the node,
 * the step and the place, and of nothing else: training that goes on drops what it would have dropped,
 * on any backend and any number of threads. */
#include <string.h>

#include "base/random.h"
#include "graph/optimise_private.h"
#include "graph/train_private.h"

static bool
is_dropout (const adze_graph_node *node)
{
  return node && !node->domain[0] && strcmp (node->op, "Dropout") == 0
         && node->outputs[0] != ADZE_NONE;
}

/* A node of another kind makes the values that NODE makes, under their names. */
static adze_error *
replace (adze_graph *graph, const adze_graph_node *node, const adze_node_recipe *with)
{
  const char *names[] = { graph->values[node->outputs[0]]->name, NULL };
  uint32_t outputs[2];
  adze_node_recipe recipe = *with;
  if (recipe.output_count > 1 && node->outputs[1] != ADZE_NONE)
    names[1] = graph->values[node->outputs[1]]->name;
  recipe.name = node->name;
  recipe.output_names = names;
  adze_graph_remove_node (graph, node->number);
  return adze_graph_add_node (graph, &recipe, outputs);
}

/* ---- Made ready. */

static adze_error *
let_it_drop (adze_graph *graph, const adze_graph_node *node)
{
  uint8_t yes = 1;
  const adze_view view = { .data = &yes, .device = { ADZE_DEVICE_CPU, 0 },
                           .dtype = { ADZE_BOOL, 8, 1 } };
  uint32_t inputs[] = { node->inputs[0], adze_pass_in (node, 1), ADZE_NONE };
  ADZE_TRY (adze_graph_add_constant (graph, NULL, &view, &inputs[2]));
  return replace (graph, node, &(adze_node_recipe){ .struct_size = sizeof (adze_node_recipe),
                                                    .domain = node->domain,
                                                    .op = node->op,
                                                    .inputs = inputs,
                                                    .input_count = 3,
                                                    .output_count = node->output_count,
                                                    .attributes = node->attributes,
                                                    .attribute_count = node->attribute_count });
}

/* Whether it drops is decided by numbers that somebody else gives. */
static bool
is_decided (const adze_graph *graph, const adze_graph_node *node)
{
  uint32_t training = adze_pass_in (node, 2);
  return training != ADZE_NONE && !adze_pass_numbers (graph, training);
}

adze_error *
adze_train_let_drop (adze_graph *graph)
{
  size_t count = graph->node_count; /* what is added drops already */
  for (size_t n = 0; n < count; n++)
    if (is_dropout (graph->nodes[n]) && !is_decided (graph, graph->nodes[n]))
      ADZE_TRY (let_it_drop (graph, graph->nodes[n]));
  return NULL;
}

/* ---- In the step. */

static bool
is_to_drop (const adze_graph *graph, const adze_graph_node *node)
{
  const adze_graph_value *training = adze_pass_numbers (graph, adze_pass_in (node, 2));
  return training && *(const uint8_t *)training->data;
}

static adze_error *
cannot (const adze_graph *graph, const adze_graph_node *node, const char *why)
{
  return adze_error_new (ADZE_E_UNSUPPORTED, "node %u '%s' (Dropout), which makes '%s', cannot drop: %s",
                         node->number, node->name ? node->name : "",
                         graph->values[node->outputs[0]]->name, why);
}

static adze_error *
ratio_of (const adze_graph *graph, const adze_graph_node *node, double *ratio)
{
  uint32_t number = adze_pass_in (node, 1);
  ADZE_AUTO_FREE double *numbers = NULL;
  size_t count = 0;
  *ratio = 0.5; /* as ONNX has it where there is none */
  if (number == ADZE_NONE)
    return NULL;
  ADZE_TRY (adze_pass_doubles (graph, number, &numbers, &count));
  if (!numbers || count != 1)
    return cannot (graph, node, "the share is not one float32 or float64 that is known");
  *ratio = numbers[0];
  return *ratio >= 0 && *ratio < 1
             ? NULL
             : cannot (graph, node, "the share is less than 0, or not less than 1");
}

/* Of the mask, which is the second output, nobody who trains has any use; it is not made. */
static bool
gives_mask (const adze_graph *graph, const adze_graph_node *node)
{
  return node->output_count > 1 && node->outputs[1] != ADZE_NONE
         && (adze_graph_uses (graph, node->outputs[1]) > 0
             || adze_graph_gives (graph, node->outputs[1]));
}

static adze_error *
drop (adze_trainer *t, const adze_graph_node *node, uint64_t seed)
{
  double ratio;
  ADZE_TRY (ratio_of (t->graph, node, &ratio));
  if (gives_mask (t->graph, node))
    return cannot (t->graph, node, "its second output, the mask, is used");
  const char *name = t->graph->values[node->outputs[0]]->name;
  const float share = (float)ratio;
  const int64_t own = (int64_t)adze_random_key (seed, name, "dropout");
  const adze_graph_attribute attributes[] = { adze_attribute_float ("ratio", &share),
                                              adze_attribute_int ("seed", &own) };
  const uint32_t inputs[] = { node->inputs[0], t->step_input };
  return replace (t->graph, node, &(adze_node_recipe){ .struct_size = sizeof (adze_node_recipe),
                                                       .domain = "adze",
                                                       .op = "Drop",
                                                       .inputs = inputs,
                                                       .input_count = 2,
                                                       .output_count = 1,
                                                       .attributes = attributes,
                                                       .attribute_count = 2 });
}

/* Whoever asks for it first makes it. */
static adze_error *
add_step (adze_trainer *t)
{
  const adze_dtype dtype = { ADZE_INT, 64, 1 };
  t->step_view = (adze_view){ .data = &t->progress.step, .device = { ADZE_DEVICE_CPU, 0 },
                              .dtype = dtype };
  return t->step_input == ADZE_NONE
             ? adze_graph_add_input (t->graph, "%step", dtype, 0, NULL, &t->step_input)
             : NULL;
}

adze_error *
adze_train_drop (adze_trainer *t, uint64_t seed)
{
  size_t count = t->graph->node_count;
  t->step_input = ADZE_NONE;
  for (size_t n = 0; n < count; n++) {
    const adze_graph_node *node = t->graph->nodes[n];
    if (!is_dropout (node) || !is_to_drop (t->graph, node))
      continue;
    ADZE_TRY (add_step (t));
    ADZE_TRY (drop (t, node, seed));
  }
  return t->step_input == ADZE_NONE ? NULL : adze_graph_verify (t->graph);
}
