/* SPDX-License-Identifier: Apache-2.0 */
/* graph/graph_node.c: nodes: added, changed, put in order. */
#include <string.h>

#include "graph/graph_private.h"

/* ---- Attributes. */

adze_graph_attribute
adze_attribute_int (const char *name, const int64_t *value)
{
  return (adze_graph_attribute){ .struct_size = sizeof (adze_graph_attribute),
                                 .type = ADZE_ATTRIBUTE_INT, .name = name, .count = 1,
                                 .ints = value };
}

adze_graph_attribute
adze_attribute_ints (const char *name, const int64_t *values, size_t count)
{
  return (adze_graph_attribute){ .struct_size = sizeof (adze_graph_attribute),
                                 .type = ADZE_ATTRIBUTE_INTS, .name = name, .count = count,
                                 .ints = values };
}

adze_graph_attribute
adze_attribute_float (const char *name, const float *value)
{
  return (adze_graph_attribute){ .struct_size = sizeof (adze_graph_attribute),
                                 .type = ADZE_ATTRIBUTE_FLOAT, .name = name, .count = 1,
                                 .floats = value };
}

adze_graph_attribute
adze_attribute_text (const char *name, const adze_text *text)
{
  return (adze_graph_attribute){ .struct_size = sizeof (adze_graph_attribute),
                                 .type = ADZE_ATTRIBUTE_TEXT, .name = name, .count = 1,
                                 .texts = text };
}

static adze_error *
keep_texts (adze_graph *graph, const adze_graph_attribute *from, adze_graph_attribute *into)
{
  adze_text *texts = adze_arena_copy (&graph->arena, from->texts,
                                            from->count * sizeof *texts);
  if (!texts)
    return adze_error_memory ();
  for (size_t i = 0; i < from->count; i++) {
    /* The NUL behind it is new: who gives a text need not have one. */
    char *copy = adze_arena_take (&graph->arena, texts[i].size + 1);
    if (!copy)
      return adze_error_memory ();
    memcpy (copy, texts[i].data, texts[i].size);
    texts[i].data = copy;
  }
  into->texts = texts;
  return NULL;
}

static adze_error *
keep_tensor (adze_graph *graph, const adze_graph_attribute *from, adze_graph_attribute *into)
{
  adze_view *view = adze_arena_copy (&graph->arena, from->tensor, sizeof *view);
  if (!view)
    return adze_error_memory ();
  size_t size = adze_view_count (view) * view->dtype.bits / 8;
  view->shape = adze_arena_copy (&graph->arena, view->shape,
                                 (size_t)view->rank * sizeof *view->shape);
  view->data = adze_arena_copy (&graph->arena, adze_view_data (from->tensor), size);
  view->byte_offset = 0;
  view->strides = NULL;
  into->tensor = view;
  return view->shape && view->data ? NULL : adze_error_memory ();
}

/* A body that nobody has named is called what it is to its node: "body", "then_branch". */
static adze_error *
name_body (adze_graph *graph, const adze_graph_attribute *attribute)
{
  for (size_t i = 0; i < graph->body_count; i++) {
    adze_graph *body = graph->bodies[i];
    if (body != attribute->graph || body->name[0])
      continue;
    char *name = adze_arena_text (&body->arena, attribute->name);
    if (!name)
      return adze_error_memory ();
    body->name = name;
  }
  return NULL;
}

static adze_error *
keep_attribute (adze_graph *graph, const adze_graph_attribute *from, adze_graph_attribute *into)
{
  *into = *from;
  into->struct_size = sizeof *into;
  into->name = adze_arena_text (&graph->arena, from->name);
  bool fine = into->name != NULL;
  switch (from->type) {
  case ADZE_ATTRIBUTE_INT:
  case ADZE_ATTRIBUTE_INTS:
    into->ints = adze_arena_copy (&graph->arena, from->ints, from->count * sizeof *from->ints);
    fine = fine && into->ints;
    break;
  case ADZE_ATTRIBUTE_FLOAT:
  case ADZE_ATTRIBUTE_FLOATS:
    into->floats
        = adze_arena_copy (&graph->arena, from->floats, from->count * sizeof *from->floats);
    fine = fine && into->floats;
    break;
  case ADZE_ATTRIBUTE_TEXT:
  case ADZE_ATTRIBUTE_TEXTS:
    ADZE_TRY (keep_texts (graph, from, into));
    break;
  case ADZE_ATTRIBUTE_TENSOR:
    ADZE_TRY (keep_tensor (graph, from, into));
    break;
  case ADZE_ATTRIBUTE_GRAPH:
    return name_body (graph, from);
  default:
    return adze_error_new (ADZE_E_FORMAT, "attribute '%s' is of the unknown type %u", from->name,
                           from->type);
  }
  return fine ? NULL : adze_error_memory ();
}

adze_error *
adze_graph_keep_attributes (adze_graph *graph, const adze_graph_attribute *attributes, size_t count,
                            adze_graph_attribute **kept)
{
  *kept = adze_arena_take (&graph->arena, count * sizeof **kept);
  if (!*kept)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    ADZE_TRY (keep_attribute (graph, &attributes[i], &(*kept)[i]));
  return NULL;
}

adze_error *
adze_graph_set_attribute (adze_graph *graph, uint32_t number, const adze_graph_attribute *attribute)
{
  adze_graph_node *node = graph->nodes[number];
  size_t place = 0;
  while (place < node->attribute_count
         && strcmp (node->attributes[place].name, attribute->name) != 0)
    place++;
  size_t count = node->attribute_count + (place == node->attribute_count);
  adze_graph_attribute *all = adze_arena_take (&graph->arena, count * sizeof *all);
  if (!all)
    return adze_error_memory ();
  if (node->attribute_count)
    memcpy (all, node->attributes, node->attribute_count * sizeof *all);
  ADZE_TRY (keep_attribute (graph, attribute, &all[place]));
  node->attributes = all;
  node->attribute_count = count;
  return NULL;
}

/* ---- Nodes. */

bool
adze_node_is_of_loss (const adze_graph_node *node)
{
  return strncmp (node->name, ADZE_LOSS_NODE, strlen (ADZE_LOSS_NODE)) == 0;
}

void
adze_graph_node_text (const adze_graph_node *node, adze_buffer *into)
{
  if (adze_node_is_of_loss (node)) {
    adze_buffer_text (into, node->name + strlen (ADZE_LOSS_NODE));
    return;
  }
  adze_buffer_format (into, "node %u", node->number);
  if (node->name[0])
    adze_buffer_format (into, " '%s'", node->name);
  adze_buffer_format (into, " (%s%s%s)", node->domain, node->domain[0] ? "." : "", node->op);
}

/* What an output's value is: new, or the one that is waiting for its node. */
static adze_error *
make_output (adze_graph *graph, const adze_graph_node *node, size_t index, const char *name,
             uint32_t *value)
{
  if (name && !name[0]) {
    *value = ADZE_NONE;
    return NULL;
  }
  *value = name ? adze_graph_find (graph, name) : ADZE_NONE;
  if (*value == ADZE_NONE)
    ADZE_TRY (adze_graph_keep_value (graph, ADZE_ROLE_NODE, name, (adze_dtype){ 0 }, -1, NULL,
                                     value));
  adze_graph_value *made = graph->values[*value];
  if (made->role != ADZE_ROLE_NODE || made->node != ADZE_NONE) {
    ADZE_AUTO (adze_buffer) text = { 0 };
    adze_graph_node_text (node, &text);
    return adze_error_new (ADZE_E_FORMAT, "%s makes the value '%s', which is there already",
                           text.data ? text.data : "a node", name);
  }
  made->node = node->number;
  made->output = (uint32_t)index;
  return NULL;
}

static adze_error *
keep_node (adze_graph *graph, const adze_node_recipe *recipe, adze_graph_node **kept,
           uint32_t **made)
{
  adze_graph_node *node = adze_arena_take (&graph->arena, sizeof *node);
  *made = adze_arena_take (&graph->arena, recipe->output_count * sizeof **made);
  adze_graph_attribute *attributes = NULL;
  if (!node)
    return adze_error_memory ();
  ADZE_TRY (adze_graph_keep_attributes (graph, recipe->attributes, recipe->attribute_count,
                                        &attributes));
  *node = (adze_graph_node){
    .struct_size = sizeof *node,
    .number = (uint32_t)graph->node_count,
    .domain = adze_arena_text (&graph->arena, recipe->domain ? recipe->domain : ""),
    .op = adze_arena_text (&graph->arena, recipe->op),
    .name = adze_arena_text (&graph->arena, recipe->name ? recipe->name : ""),
    .inputs = adze_arena_copy (&graph->arena, recipe->inputs,
                               recipe->input_count * sizeof *recipe->inputs),
    .input_count = recipe->input_count,
    .captured_count = recipe->captured_count,
    .outputs = *made,
    .output_count = recipe->output_count,
    .attributes = attributes,
    .attribute_count = recipe->attribute_count,
  };
  *kept = node;
  return node->domain && node->op && node->name && node->inputs && node->outputs
             ? NULL
             : adze_error_memory ();
}

static adze_error *
check_inputs (const adze_graph *graph, const adze_graph_node *node)
{
  for (size_t i = 0; i < node->input_count; i++)
    if (node->inputs[i] != ADZE_NONE && node->inputs[i] >= graph->value_count)
      return adze_error_new (ADZE_E_CONTRACT,
                             "input %zu of a %s is value number %u; graph '%s' has %zu values", i,
                             node->op, node->inputs[i], graph->name, graph->value_count);
  return NULL;
}

adze_error *
adze_graph_add_node (adze_graph *graph, const adze_node_recipe *recipe, uint32_t *outputs)
{
  adze_graph_node *node = NULL;
  uint32_t *made = NULL;
  ADZE_TRY (adze_graph_grow (&graph->nodes, &graph->node_capacity, graph->node_count,
                             sizeof (void *)));
  ADZE_TRY (keep_node (graph, recipe, &node, &made));
  ADZE_TRY (check_inputs (graph, node));
  for (size_t i = 0; i < node->output_count; i++) {
    const char *name = recipe->output_names ? recipe->output_names[i] : NULL;
    /* A value that was waiting may be needed by nodes in front of this one. */
    if (name && name[0] && adze_graph_find (graph, name) != ADZE_NONE)
      graph->sorted = false;
    ADZE_TRY (make_output (graph, node, i, name, &made[i]));
    if (outputs)
      outputs[i] = made[i];
  }
  graph->nodes[graph->node_count++] = node;
  return graph->sorted ? adze_number_add (&graph->order, node->number) : NULL;
}

adze_error *
adze_graph_set_input (adze_graph *graph, uint32_t number, size_t index, uint32_t value)
{
  adze_graph_node *node = graph->nodes[number];
  uint32_t *inputs = adze_arena_copy (&graph->arena, node->inputs,
                                      node->input_count * sizeof *inputs);
  if (!inputs)
    return adze_error_memory ();
  inputs[index] = value;
  node->inputs = inputs;
  graph->sorted = false;
  return NULL;
}

adze_error *
adze_graph_replace (adze_graph *graph, uint32_t old_value, uint32_t new_value)
{
  for (uint32_t n = 0; n < graph->node_count; n++)
    for (size_t i = 0; graph->nodes[n] && i < graph->nodes[n]->input_count; i++)
      if (graph->nodes[n]->inputs[i] == old_value)
        ADZE_TRY (adze_graph_set_input (graph, n, i, new_value));
  for (size_t i = 0; i < graph->outputs.count; i++)
    if (graph->outputs.items[i] == old_value)
      graph->outputs.items[i] = new_value;
  return NULL;
}

void
adze_graph_remove_node (adze_graph *graph, uint32_t number)
{
  adze_graph_node *node = graph->nodes[number];
  for (size_t i = 0; i < node->output_count; i++)
    if (node->outputs[i] != ADZE_NONE)
      graph->values[node->outputs[i]]->node = ADZE_NONE;
  graph->nodes[number] = NULL;
  graph->sorted = false;
}

/* ---- Order. */

/* The node that makes an input of NODE and has no place in the order yet; NULL: none is missing. */
static const adze_graph_node *
waits_for (const adze_graph *graph, const adze_graph_node *node, const bool *placed)
{
  for (size_t i = 0; i < node->input_count; i++) {
    const adze_graph_value *value = adze_graph_value_at (graph, node->inputs[i]);
    if (value && value->node != ADZE_NONE && !placed[value->node])
      return graph->nodes[value->node];
  }
  return NULL;
}

/* Follows what each waits for until one comes again: that one is on the circle. */
static adze_error *
circle (const adze_graph *graph, const bool *placed)
{
  const adze_graph_node *node = NULL;
  for (size_t n = 0; n < graph->node_count && !node; n++)
    node = placed[n] ? NULL : graph->nodes[n];
  for (size_t i = 0; i < graph->node_count; i++)
    node = waits_for (graph, node, placed);
  ADZE_AUTO (adze_buffer) text = { 0 };
  const adze_graph_node *first = node;
  size_t shown = 0;
  do {
    adze_buffer_text (&text, shown ? ", which waits for " : "");
    adze_graph_node_text (node, &text);
    node = waits_for (graph, node, placed);
  } while (node != first && ++shown < 8);
  return adze_error_new (ADZE_E_FORMAT, "the nodes of graph '%s' wait for each other: %s waits for %s",
                         graph->name, text.data ? text.data : "one",
                         node == first ? "the first again" : "more");
}

/* Places NODE and all that it waits for, the first inputs first; STACK has room for all nodes. */
static adze_error *
place (adze_graph *graph, uint32_t number, bool *placed, bool *open, uint32_t *stack)
{
  size_t depth = 0;
  stack[depth++] = number;
  while (depth) {
    const adze_graph_node *node = graph->nodes[stack[depth - 1]];
    const adze_graph_node *missing = waits_for (graph, node, placed);
    open[node->number] = true;
    if (missing && open[missing->number])
      return circle (graph, placed);
    if (missing) {
      stack[depth++] = missing->number;
      continue;
    }
    placed[node->number] = true;
    open[node->number] = false;
    depth--;
    ADZE_TRY (adze_number_add (&graph->order, node->number));
  }
  return NULL;
}

/* Bodies as well, for whoever copies a graph copies them. */
adze_error *
adze_graph_order (adze_graph *graph, const uint32_t **order, size_t *count)
{
  for (size_t i = 0; i < graph->body_count; i++)
    ADZE_TRY (adze_graph_order (graph->bodies[i], order, count));
  if (!graph->sorted) {
    size_t room = graph->node_count ? graph->node_count : 1;
    ADZE_AUTO_FREE bool *placed = calloc (room, sizeof *placed);
    ADZE_AUTO_FREE bool *open = calloc (room, sizeof *open);
    ADZE_AUTO_FREE uint32_t *stack = calloc (room, sizeof *stack);
    if (!placed || !open || !stack)
      return adze_error_memory ();
    graph->order.count = 0;
    for (uint32_t n = 0; n < graph->node_count; n++)
      if (graph->nodes[n] && !placed[n])
        ADZE_TRY (place (graph, n, placed, open, stack));
    graph->sorted = true;
  }
  *order = graph->order.items;
  *count = graph->order.count;
  return NULL;
}

size_t
adze_graph_remove_dead (adze_graph *graph)
{
  size_t removed = 0;
  for (bool again = true; again;) {
    again = false;
    ADZE_AUTO_FREE uint32_t *uses = calloc (graph->value_count + 1, sizeof *uses);
    if (!uses)
      return removed; /* what stays is of no use, and does no harm */
    for (size_t i = 0; i < graph->outputs.count; i++)
      uses[graph->outputs.items[i]]++;
    for (size_t n = 0; n < graph->node_count; n++)
      for (size_t i = 0; graph->nodes[n] && i < graph->nodes[n]->input_count; i++)
        if (graph->nodes[n]->inputs[i] != ADZE_NONE)
          uses[graph->nodes[n]->inputs[i]]++;
    for (uint32_t n = (uint32_t)graph->node_count; n-- > 0;) {
      const adze_graph_node *node = graph->nodes[n];
      bool needed = !node;
      for (size_t i = 0; !needed && i < node->output_count; i++)
        needed = node->outputs[i] != ADZE_NONE && uses[node->outputs[i]];
      if (needed)
        continue;
      for (size_t i = 0; i < node->input_count; i++)
        if (node->inputs[i] != ADZE_NONE)
          uses[node->inputs[i]]--;
      adze_graph_remove_node (graph, n);
      removed++;
      again = true;
    }
  }
  return removed;
}
