/* SPDX-License-Identifier: Apache-2.0 */
/* graph/graph_copy.c: a graph once more, and a part of one as a graph of its own. */
#include <string.h>

#include "graph/graph_private.h"
#include "graph/infer.h"

/* ---- Values from one graph in another. */

typedef struct map {
  const adze_graph *from;
  adze_graph *into;
  uint32_t *values; /* by number in FROM: number in INTO, or ADZE_NONE */
  bool nameless;    /* values get new names, and types that are inferred */
} map;

static adze_error *
open_map (const adze_graph *from, adze_graph *into, map *m)
{
  *m = (map){ .from = from, .into = into };
  m->values = malloc ((from->value_count + 1) * sizeof *m->values);
  if (!m->values)
    return adze_error_memory ();
  for (size_t i = 0; i < from->value_count; i++)
    m->values[i] = ADZE_NONE;
  return NULL;
}

static void
map_cleanup (map *m)
{
  free (m->values);
}

static adze_error *
copy_symbols (const map *m)
{
  int64_t dimension;
  for (size_t i = 0; i < m->from->symbol_count; i++)
    ADZE_TRY (adze_graph_add_symbol (m->into, m->from->symbols[i], &dimension));
  return NULL;
}

/* The numbers of a constant are not copied: they stay where they are, with FROM. */
static adze_error *
bring (map *m, uint32_t number, adze_value_role role)
{
  if (m->values[number] != ADZE_NONE)
    return NULL;
  const adze_graph_value *value = m->from->values[number];
  ADZE_TRY (adze_graph_keep_value (m->into, role, m->nameless ? NULL : value->name, value->dtype,
                                   value->rank, value->shape, &m->values[number]));
  m->into->values[m->values[number]]->data = value->data;
  m->into->values[m->values[number]]->fixed = value->fixed;
  return role == ADZE_ROLE_INPUT ? adze_number_add (&m->into->inputs, m->values[number]) : NULL;
}

/* Bodies become bodies of the new graph. */
static adze_error *
copy_bodies (map *m, adze_graph_attribute *attributes, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    adze_graph *body = NULL;
    if (attributes[i].type != ADZE_ATTRIBUTE_GRAPH)
      continue;
    ADZE_TRY (adze_graph_grow (&m->into->bodies, &m->into->body_capacity, m->into->body_count,
                               sizeof (void *)));
    ADZE_TRY (adze_graph_copy (attributes[i].graph, &body));
    m->into->bodies[m->into->body_count++] = body;
    attributes[i].graph = body;
  }
  return NULL;
}

static adze_error *
copy_attached (map *m, const adze_graph_node *node, uint32_t number)
{
  const adze_graph *body = NULL;
  adze_graph *copy = NULL;
  uint32_t kind = adze_graph_gradient_of (m->from, node->number, &body);
  if (kind == ADZE_GRADIENT_RULE)
    return NULL;
  if (body) {
    ADZE_TRY (adze_graph_grow (&m->into->bodies, &m->into->body_capacity, m->into->body_count,
                               sizeof (void *)));
    ADZE_TRY (adze_graph_copy (body, &copy));
    m->into->bodies[m->into->body_count++] = copy;
  }
  return adze_graph_set_gradient (m->into, number, kind, copy);
}

/* Values that the copy made: what is known of them. */
static adze_error *
settle_outputs (map *m, const adze_graph_node *node, const uint32_t *outputs)
{
  for (size_t i = 0; i < node->output_count; i++) {
    if (node->outputs[i] == ADZE_NONE)
      continue;
    const adze_graph_value *value = m->from->values[node->outputs[i]];
    m->values[node->outputs[i]] = outputs[i];
    if (!m->nameless)
      ADZE_TRY (adze_graph_set_type (m->into, outputs[i], value->dtype, value->rank,
                                     value->shape));
  }
  return NULL;
}

static const char *
name_for (const map *m, uint32_t value)
{
  if (value == ADZE_NONE)
    return "";
  return m->nameless ? NULL : m->from->values[value]->name;
}

static adze_error *
copy_node (map *m, const adze_graph_node *node)
{
  size_t room = node->input_count + node->output_count + 1;
  ADZE_AUTO_FREE uint32_t *inputs = calloc (room, sizeof *inputs);
  ADZE_AUTO_FREE const char **names = calloc (room, sizeof *names);
  ADZE_AUTO_FREE adze_graph_attribute *attributes
      = calloc (node->attribute_count + 1, sizeof *attributes);
  ADZE_AUTO_FREE uint32_t *outputs = calloc (room, sizeof *outputs);
  if (!inputs || !names || !attributes || !outputs)
    return adze_error_memory ();
  for (size_t i = 0; i < node->attribute_count; i++)
    attributes[i] = node->attributes[i];
  ADZE_TRY (copy_bodies (m, attributes, node->attribute_count));
  for (size_t i = 0; i < node->input_count; i++)
    inputs[i] = node->inputs[i] == ADZE_NONE ? ADZE_NONE : m->values[node->inputs[i]];
  for (size_t i = 0; i < node->output_count; i++)
    names[i] = name_for (m, node->outputs[i]);
  adze_node_recipe recipe = { .struct_size = sizeof recipe,
                              .domain = node->domain,
                              .op = node->op,
                              .name = node->name,
                              .inputs = inputs,
                              .input_count = node->input_count,
                              .captured_count = node->captured_count,
                              .output_names = names,
                              .output_count = node->output_count,
                              .attributes = attributes,
                              .attribute_count = node->attribute_count };
  ADZE_TRY (adze_graph_add_node (m->into, &recipe, outputs));
  ADZE_TRY (settle_outputs (m, node, outputs));
  return copy_attached (m, node, (uint32_t)m->into->node_count - 1);
}

/* ---- All of it. */

static adze_error *
copy_all (map *m)
{
  const adze_graph *from = m->from;
  ADZE_TRY (copy_symbols (m));
  for (size_t i = 0; i < from->inputs.count; i++) {
    uint32_t number = from->inputs.items[i];
    ADZE_TRY (bring (m, number, ADZE_ROLE_INPUT));
    /* Of a body, an input may be known to be constant. */
    m->into->values[m->values[number]]->role = from->values[number]->role;
  }
  for (uint32_t i = 0; i < from->value_count; i++)
    if (from->values[i]->role == ADZE_ROLE_WEIGHT || from->values[i]->role == ADZE_ROLE_CONSTANT)
      ADZE_TRY (bring (m, i, from->values[i]->role));
  for (size_t i = 0; i < from->order.count; i++)
    ADZE_TRY (copy_node (m, from->nodes[from->order.items[i]]));
  for (size_t i = 0; i < from->outputs.count; i++) {
    uint32_t number = from->outputs.items[i];
    ADZE_TRY (bring (m, number, from->values[number]->role));
    ADZE_TRY (adze_graph_add_output (m->into, m->values[number]));
  }
  return NULL;
}

adze_error *
adze_graph_copy (const adze_graph *from, adze_graph **into)
{
  __attribute__ ((cleanup (map_cleanup))) map m = { 0 };
  ADZE_AUTO_GRAPH made = NULL;
  if (!from->sorted)
    return adze_error_new (ADZE_E_CONTRACT, "graph '%s' is copied before its nodes are in order",
                           from->name);
  ADZE_TRY (adze_graph_new (from->name, &made));
  ADZE_TRY (open_map (from, made, &m));
  ADZE_TRY (copy_all (&m));
  made->refuted = from->refuted;
  *into = adze_take (&made);
  return NULL;
}

/* ---- In the middle of another. */

adze_error *
adze_graph_insert (adze_graph *graph, const adze_graph *body, const uint32_t *inputs,
                   uint32_t *outputs)
{
  __attribute__ ((cleanup (map_cleanup))) map m = { 0 };
  ADZE_TRY (open_map (body, graph, &m));
  m.nameless = true;
  for (size_t i = 0; i < body->inputs.count; i++)
    m.values[body->inputs.items[i]] = inputs[i];
  for (uint32_t i = 0; i < body->value_count; i++) {
    adze_value_role role = (adze_value_role)body->values[i]->role;
    if (role == ADZE_ROLE_WEIGHT)
      return adze_error_new (ADZE_E_CONTRACT,
                             "graph '%s' has the weight '%s', which it cannot have where it stands "
                             "in another; make it an input or a constant", body->name,
                             body->values[i]->name);
    if (role == ADZE_ROLE_CONSTANT)
      ADZE_TRY (bring (&m, i, role));
  }
  for (size_t i = 0; i < body->order.count; i++) {
    ADZE_TRY (copy_node (&m, body->nodes[body->order.items[i]]));
    ADZE_TRY (adze_graph_infer_node (graph, graph->nodes[graph->node_count - 1]));
  }
  for (size_t i = 0; i < body->outputs.count; i++)
    outputs[i] = m.values[body->outputs.items[i]];
  return NULL;
}

/* ---- A part. */

static bool
is_made_in (const adze_graph *graph, uint32_t value, const uint32_t *nodes, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (graph->values[value]->node == nodes[i])
      return true;
  return false;
}

/* Is it needed by anybody outside the part? */
static bool
is_given (const adze_graph *graph, uint32_t value, const bool *in_part)
{
  if (adze_graph_gives (graph, value))
    return true;
  for (size_t n = 0; n < graph->node_count; n++)
    for (size_t i = 0; graph->nodes[n] && !in_part[n] && i < graph->nodes[n]->input_count; i++)
      if (graph->nodes[n]->inputs[i] == value)
        return true;
  return false;
}

static adze_error *
bring_inputs (map *m, const uint32_t *nodes, size_t count)
{
  for (size_t n = 0; n < count; n++) {
    const adze_graph_node *node = m->from->nodes[nodes[n]];
    for (size_t i = 0; i < node->input_count; i++) {
      uint32_t number = node->inputs[i];
      if (number == ADZE_NONE || is_made_in (m->from, number, nodes, count))
        continue;
      bool constant = m->from->values[number]->role == ADZE_ROLE_CONSTANT;
      ADZE_TRY (bring (m, number, constant ? ADZE_ROLE_CONSTANT : ADZE_ROLE_INPUT));
    }
  }
  return NULL;
}

static adze_error *
fill_part (map *m, const uint32_t *nodes, size_t count)
{
  ADZE_AUTO_FREE bool *in_part = calloc (m->from->node_count + 1, sizeof *in_part);
  if (!in_part)
    return adze_error_memory ();
  ADZE_TRY (copy_symbols (m));
  ADZE_TRY (bring_inputs (m, nodes, count));
  for (size_t n = 0; n < count; n++) {
    in_part[nodes[n]] = true;
    ADZE_TRY (copy_node (m, m->from->nodes[nodes[n]]));
  }
  for (size_t n = 0; n < count; n++) {
    const adze_graph_node *node = m->from->nodes[nodes[n]];
    for (size_t i = 0; i < node->output_count; i++)
      if (node->outputs[i] != ADZE_NONE
          && (count == 1 || is_given (m->from, node->outputs[i], in_part)))
        ADZE_TRY (adze_graph_add_output (m->into, m->values[node->outputs[i]]));
  }
  return NULL;
}

adze_error *
adze_graph_part (const adze_graph *from, const uint32_t *nodes, size_t count, adze_graph **into)
{
  __attribute__ ((cleanup (map_cleanup))) map m = { 0 };
  ADZE_AUTO_GRAPH made = NULL;
  ADZE_TRY (adze_graph_new (from->name, &made));
  ADZE_TRY (open_map (from, made, &m));
  ADZE_TRY (fill_part (&m, nodes, count));
  *into = adze_take (&made);
  return NULL;
}
