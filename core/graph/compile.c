/* SPDX-License-Identifier: Apache-2.0 */
/* graph/compile.c: from a graph to steps. */
#include <string.h>

#include "base/peak.h"
#include "graph/executable_private.h"
#include "graph/optimise.h"

/* ---- One part. */

void
adze_graph_step_cleanup (adze_graph_step *step)
{
  if (step->program)
    adze_backend_release (step->backend, step->program);
  adze_graph_free (step->part);
  for (size_t i = 0; i < ADZE_COUNT_OF (step->bodies); i++) {
    adze_executable_free (step->bodies[i].executable);
    adze_graph_free (step->bodies[i].graph);
    free (step->bodies[i].sizes);
  }
  free (step->inputs);
  free (step->outputs);
  free (step->input_views);
  free (step->output_views);
  free (step->sent);
  free (step->fetched);
  *step = (adze_graph_step){ 0 };
}

adze_error *
adze_graph_step_error (const adze_graph_step *step, adze_error *cause)
{
  ADZE_AUTO (adze_buffer) who = { 0 };
  adze_graph_node_text (step->node, &who);
  return cause ? adze_error_wrap (cause, "%s cannot be computed", who.data ? who.data : "a node")
               : NULL;
}

adze_error *
adze_graph_body_error (const adze_graph *body, adze_error *cause)
{
  return cause ? adze_error_wrap (cause, "its body '%s' cannot be computed", body->name) : NULL;
}

/* Numbers of slots and places for views: of each value of FROM's list, by name in the graph. */
static adze_error *
list_slots (adze_executable *x, const adze_graph *part, const uint32_t *values, size_t count,
            uint32_t **slots)
{
  *slots = calloc (count + 1, sizeof **slots);
  if (!*slots)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    (*slots)[i] = adze_graph_find (x->graph, adze_graph_value_at (part, values[i])->name);
  return NULL;
}

static adze_view *
view_for (const adze_executable *x, const adze_graph_step *step, uint32_t slot)
{
  return slot == ADZE_NONE ? NULL : step->far ? &x->slots[slot].far : &x->slots[slot].view;
}

static adze_error *
list_views (adze_executable *x, adze_graph_step *step)
{
  step->input_views = calloc (step->input_count + 1, sizeof *step->input_views);
  step->output_views = calloc (step->output_count + 1, sizeof *step->output_views);
  if (!step->input_views || !step->output_views)
    return adze_error_memory ();
  step->settled = true;
  for (size_t i = 0; i < step->input_count; i++)
    step->input_views[i] = view_for (x, step, step->inputs[i]);
  for (size_t i = 0; i < step->output_count; i++) {
    step->output_views[i] = view_for (x, step, step->outputs[i]);
    step->settled = step->settled && step->outputs[i] != ADZE_NONE
                    && x->slots[step->outputs[i]].settled;
  }
  return NULL;
}

adze_error *
adze_graph_step_compile (adze_executable *x, adze_graph_step *step, const uint32_t *nodes, size_t count)
{
  const uint32_t *inputs, *outputs;
  step->far = adze_backend_is_far (step->backend);
  ADZE_TRY (adze_graph_part (x->graph, nodes, count, &step->part));
  inputs = adze_graph_inputs (step->part, &step->input_count);
  outputs = adze_graph_outputs (step->part, &step->output_count);
  ADZE_TRY (list_slots (x, step->part, inputs, step->input_count, &step->inputs));
  ADZE_TRY (list_slots (x, step->part, outputs, step->output_count, &step->outputs));
  ADZE_TRY (list_views (x, step));
  ADZE_TRY (adze_graph_step_error (step, adze_backend_compile (step->backend, step->part,
                                                         &step->program)));
  step->scratch_size = adze_backend_scratch (step->backend, step->program);
  return NULL;
}

/* ---- Nodes with bodies. */

/* Node N of a body. With all its sizes it is what it will be when its turn comes; else the backend may
 * claim it then. */
static adze_error *
ask_for_node (adze_executable *x, const adze_graph *body, uint32_t n, bool own, bool rest)
{
  const adze_graph_node *node = body->nodes[n];
  if (!own && !rest)
    return adze_graph_nobody_can (x, node, false);
  if (own || !x->options.backend)
    return NULL;
  x->facts.delegated++;
  return x->options.refuse_delegation && adze_node_has_sizes (body, node)
             ? adze_graph_nobody_can (x, node, true)
             : NULL;
}

static adze_error *ask_for_body (adze_executable *x, const adze_graph *graph);

static adze_error *
ask_for_nodes (adze_executable *x, adze_graph *body)
{
  ADZE_AUTO_FREE uint32_t *own = calloc (body->node_count + 1, sizeof *own);
  ADZE_AUTO_FREE uint32_t *rest = calloc (body->node_count + 1, sizeof *rest);
  if (!own || !rest)
    return adze_error_memory ();
  ADZE_TRY (adze_backend_claim (x->options.ref, body, rest));
  if (x->options.backend)
    ADZE_TRY (adze_backend_claim (x->options.backend, body, own));
  for (uint32_t n = 0; n < body->node_count; n++) {
    const adze_graph_node *node = body->nodes[n];
    bool inner = node && adze_node_has_bodies (node);
    for (size_t i = 0; inner && i < node->attribute_count; i++)
      if (node->attributes[i].type == ADZE_ATTRIBUTE_GRAPH)
        ADZE_TRY (ask_for_body (x, node->attributes[i].graph));
    if (node && !inner)
      ADZE_TRY (ask_for_node (x, body, n, own[n], rest[n]));
  }
  return NULL;
}

/* A body that is compiled when its turn comes: what nobody does in it, or nobody who may, is found out
 * now, and what the backend leaves to ref is counted, as far as that is known without sizes. */
static adze_error *
ask_for_body (adze_executable *x, const adze_graph *graph)
{
  ADZE_AUTO_GRAPH body = NULL;
  if (graph->refuted)
    return NULL;
  ADZE_TRY (adze_graph_copy (graph, &body));
  return adze_graph_body_error (graph, ask_for_nodes (x, body));
}

static adze_error *
open_bodies (adze_executable *x, adze_graph_step *step)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (step->bodies); i++) {
    adze_body *body = &step->bodies[i];
    if (!body->graph || body->graph->refuted)
      continue;
    ADZE_TRY (adze_body_compile_ahead (x, step, body));
    if (body->executable)
      x->facts.delegated += body->executable->facts.delegated;
    else if (!body->graph->refuted)
      ADZE_TRY (adze_graph_step_error (step, ask_for_body (x, body->graph)));
  }
  return NULL;
}

/* A node with bodies takes its inputs as they stand, left out ones too. */
static adze_error *
control_step (adze_executable *x, adze_graph_step *step)
{
  const adze_graph_node *node = step->node;
  step->input_count = node->input_count;
  step->output_count = node->output_count;
  step->inputs = calloc (node->input_count + 1, sizeof *step->inputs);
  step->outputs = calloc (node->output_count + 1, sizeof *step->outputs);
  if (!step->inputs || !step->outputs)
    return adze_error_memory ();
  memcpy (step->inputs, node->inputs, node->input_count * sizeof *step->inputs);
  memcpy (step->outputs, node->outputs, node->output_count * sizeof *step->outputs);
  ADZE_TRY (list_views (x, step));
  step->settled = false;
  ADZE_TRY (adze_bodies_open (x, step));
  return open_bodies (x, step);
}

/* ---- Slots. */

static void
describe_slot (adze_executable *x, uint32_t number)
{
  const adze_graph_value *value = x->graph->values[number];
  adze_slot *slot = &x->slots[number];
  slot->view = (adze_view){ .device = { ADZE_DEVICE_CPU, 0 },
                            .rank = value->rank < 0 ? 0 : value->rank,
                            .dtype = value->dtype,
                            .shape = slot->shape };
  slot->settled = value->rank >= 0 && value->dtype.bits != 0;
  for (int32_t i = 0; i < value->rank; i++) {
    slot->shape[i] = value->shape[i];
    slot->settled = slot->settled && value->shape[i] >= 0;
  }
  slot->size = slot->settled ? adze_view_bytes (&slot->view) : 0;
  slot->offset = UINT64_MAX;
  /* Backends read only; the graph's numbers are not written to. */
  union {
    const void *from;
    void *to;
  } data = { .from = value->data };
  slot->view.data = data.to;
  adze_device_describe (x, slot);
}

/* ---- Constants. */

/* Whoever has the same inputs always gives the same outputs? */
static bool
may_fold (const adze_graph *graph, const adze_graph_node *node)
{
  for (size_t i = 0; i < node->input_count; i++)
    if (node->inputs[i] != ADZE_NONE
        && graph->values[node->inputs[i]]->role != ADZE_ROLE_CONSTANT)
      return false;
  return adze_node_repeats (node);
}

/* Sizes of the inputs are enough for these, whatever the numbers. */
static bool
may_fold_shape (const adze_graph *graph, const adze_graph_node *node)
{
  if (strcmp (node->op, "Shape") != 0 && strcmp (node->op, "Size") != 0)
    return false;
  const adze_graph_value *value = graph->values[node->inputs[0]];
  for (int32_t i = 0; i < value->rank; i++)
    if (value->shape[i] < 0)
      return false;
  return value->rank >= 0;
}

static adze_error *
keep_constants (adze_executable *x, adze_graph_step *step)
{
  for (size_t i = 0; i < step->output_count; i++) {
    adze_slot *slot = &x->slots[step->outputs[i]];
    ADZE_TRY (adze_graph_set_type (x->graph, step->outputs[i], slot->view.dtype, slot->view.rank,
                                   slot->shape));
    ADZE_TRY (adze_graph_set_data (x->graph, step->outputs[i], slot->view.data,
                                   (size_t)adze_view_bytes (&slot->view), true));
    free (slot->own);
    slot->own = NULL;
    describe_slot (x, step->outputs[i]);
  }
  return NULL;
}

static adze_error *
fold (adze_executable *x, const adze_graph_node *node, bool *folded)
{
  __attribute__ ((cleanup (adze_graph_step_cleanup))) adze_graph_step step
      = { .node = node, .backend = x->options.ref };
  ADZE_AUTO_FREE uint32_t *part_of = calloc (x->graph->node_count + 1, sizeof *part_of);
  ADZE_AUTO_FREE void *scratch = NULL;
  if (!part_of)
    return adze_error_memory ();
  /* Sizes may have become known since slots were described first. */
  for (size_t i = 0; i < node->input_count; i++)
    if (node->inputs[i] != ADZE_NONE)
      describe_slot (x, node->inputs[i]);
  for (size_t i = 0; i < node->output_count; i++)
    if (node->outputs[i] != ADZE_NONE) {
      describe_slot (x, node->outputs[i]);
      if (x->slots[node->outputs[i]].size > ADZE_FOLD_MOST)
        return NULL;
    }
  ADZE_TRY (adze_graph_step_compile (x, &step, &node->number, 1));
  scratch = aligned_alloc (64, (step.scratch_size / 64 + 1) * 64);
  if (!scratch)
    return adze_error_memory ();
  ADZE_TRY (adze_graph_step_settle (x, &step));
  ADZE_TRY (adze_graph_step_error (&step, adze_backend_execute (step.backend, step.program,
                                                          step.input_views, step.output_views,
                                                          scratch)));
  ADZE_TRY (keep_constants (x, &step));
  adze_graph_remove_node (x->graph, node->number);
  x->facts.folded++;
  *folded = true;
  return NULL;
}

/* Types, shapes and constants of all nodes, in order: each is known when the next one is asked. */
static adze_error *
settle_graph (adze_executable *x)
{
  const uint32_t *given;
  size_t count;
  ADZE_TRY (adze_graph_verify (x->graph));
  ADZE_TRY (adze_graph_order (x->graph, &given, &count));
  ADZE_AUTO_FREE uint32_t *order = malloc ((count + 1) * sizeof *order);
  ADZE_AUTO_FREE uint32_t *parts = NULL;
  if (!order)
    return adze_error_memory ();
  if (count)
    memcpy (order, given, count * sizeof *order);
  ADZE_TRY (adze_graph_ask_ref (x, &parts));
  for (size_t i = 0; i < count; i++) {
    const adze_graph_node *node = x->graph->nodes[order[i]];
    bool folded = false;
    ADZE_TRY (adze_graph_infer_node (x->graph, node));
    if (parts[order[i]]
        && (may_fold (x->graph, node) || may_fold_shape (x->graph, node)))
      ADZE_TRY (fold (x, node, &folded));
  }
  adze_graph_remove_dead (x->graph);
  return NULL;
}

/* ---- Steps, in order. */

static bool
is_ready (const adze_graph *graph, uint32_t number, const bool *placed)
{
  const adze_graph_node *node = graph->nodes[number];
  for (size_t i = 0; i < node->input_count; i++) {
    const adze_graph_value *value = adze_graph_value_at (graph, node->inputs[i]);
    if (value && value->node != ADZE_NONE && !placed[value->node])
      return false;
  }
  return true;
}

/* The nodes of a part, that of ORDER[FROM], that can be done now: all of them, unless others stand in
 * between; then those of them that need no other. */
static size_t
gather_part (const adze_graph *graph, const uint32_t *order, size_t from, size_t count,
             const uint32_t *part, bool *placed, uint32_t *nodes)
{
  size_t gathered = 0;
  for (size_t i = from; i < count; i++) {
    uint32_t n = order[i];
    if (placed[n] || part[n] != part[order[from]] || !is_ready (graph, n, placed))
      continue;
    placed[n] = true;
    nodes[gathered++] = n;
  }
  return gathered;
}

static adze_error *
add_step (adze_executable *x, adze_backend_at_work *owner, const uint32_t *nodes, size_t count)
{
  ADZE_TRY (adze_graph_grow (&x->steps, &x->step_capacity, x->step_count, sizeof *x->steps));
  adze_graph_step *step = &x->steps[x->step_count++];
  *step = (adze_graph_step){ .node = x->graph->nodes[nodes[0]], .backend = owner };
  return owner ? adze_graph_step_compile (x, step, nodes, count) : control_step (x, step);
}

/* Whatever is of no part and waits for none is done in front of the next part: the later it comes, the
 * more parts it would cut in two. */
static adze_error *
add_others (adze_executable *x, adze_backend_at_work *const *owner, const uint32_t *order,
            size_t count, const uint32_t *part, bool *placed)
{
  for (size_t i = 0; i < count; i++) {
    uint32_t n = order[i];
    if (placed[n] || part[n] || !is_ready (x->graph, n, placed))
      continue;
    placed[n] = true;
    ADZE_TRY (add_step (x, owner[n], &n, 1));
  }
  return NULL;
}

static adze_error *
make_steps (adze_executable *x)
{
  size_t room = x->graph->node_count + 1, count;
  const uint32_t *order;
  ADZE_AUTO_FREE adze_backend_at_work **owner = calloc (room, sizeof *owner);
  ADZE_AUTO_FREE uint32_t *part = calloc (room, sizeof *part);
  ADZE_AUTO_FREE uint32_t *nodes = calloc (room, sizeof *nodes);
  ADZE_AUTO_FREE bool *placed = calloc (room, sizeof *placed);
  if (!owner || !part || !nodes || !placed)
    return adze_error_memory ();
  ADZE_TRY (adze_graph_claim (x, owner, part));
  ADZE_TRY (adze_graph_order (x->graph, &order, &count));
  for (size_t i = 0; i < count; i++) {
    if (placed[order[i]])
      continue;
    ADZE_TRY (add_others (x, owner, order + i, count - i, part, placed));
    if (placed[order[i]])
      continue;
    size_t gathered = gather_part (x->graph, order, i, count, part, placed, nodes);
    ADZE_TRY (add_step (x, owner[order[i]], nodes, gathered));
  }
  x->facts.steps = (uint32_t)x->step_count;
  return NULL;
}

/* ---- The whole. */

static adze_error *
bind_inputs (adze_executable *x)
{
  for (size_t i = 0; x->options.shapes && i < x->graph->inputs.count; i++) {
    uint32_t number = x->graph->inputs.items[i];
    const adze_graph_value *value = x->graph->values[number];
    if (value->rank >= 0 && x->options.shapes[i])
      ADZE_TRY (adze_graph_set_type (x->graph, number, value->dtype, value->rank,
                                     x->options.shapes[i]));
  }
  for (size_t i = 0; i < x->graph->value_count; i++) {
    adze_graph_value *value = x->graph->values[i];
    bool whole = value->dtype.code == ADZE_INT || value->dtype.code == ADZE_BOOL;
    /* Whole numbers are never trained: they are axes, shapes, indices. */
    if (value->role == ADZE_ROLE_WEIGHT && value->data && (x->options.fixed_weights || whole))
      value->role = ADZE_ROLE_CONSTANT;
  }
  return NULL;
}

static adze_error *
compile (adze_executable *x, adze_graph *graph)
{
  const uint32_t *order;
  size_t count;
  ADZE_TRY (adze_graph_order (graph, &order, &count));
  ADZE_TRY (adze_graph_copy (graph, &x->graph));
  ADZE_TRY (bind_inputs (x));
  x->slots = calloc (x->graph->value_count + 1, sizeof *x->slots);
  if (!x->slots)
    return adze_error_memory ();
  for (uint32_t i = 0; i < x->graph->value_count; i++)
    describe_slot (x, i);
  ADZE_TRY (settle_graph (x));
  for (uint32_t i = 0; i < x->graph->value_count; i++)
    describe_slot (x, i);
  ADZE_TRY (make_steps (x));
  ADZE_TRY (adze_device_connect (x));
  return adze_executable_place (x);
}

adze_error *
adze_graph_compile (adze_graph *graph, const adze_compile_options *options,
                    adze_executable **executable)
{
  adze_executable *x = calloc (1, sizeof *x);
  if (!x)
    return adze_error_memory ();
  x->options = *options;
  if (x->options.backend == x->options.ref)
    x->options.backend = NULL;
  adze_error *error = compile (x, graph);
  x->options.shapes = NULL; /* the caller's, who may be gone */
  x->options.beside = NULL;
  if (error) {
    adze_executable_free (x);
    return error;
  }
  *executable = x;
  return NULL;
}

void
adze_executable_free (adze_executable *x)
{
  if (!x)
    return;
  for (size_t i = 0; i < x->step_count; i++)
    adze_graph_step_cleanup (&x->steps[i]);
  free (x->steps);
  adze_device_release (x);
  for (size_t i = 0; x->slots && i < x->graph->value_count; i++)
    free (x->slots[i].own);
  free (x->slots);
  adze_graph_free (x->graph);
  adze_executable_leave_block (x);
  free (x);
}

const adze_executable_facts *
adze_executable_facts_of (const adze_executable *executable)
{
  return &executable->facts;
}

uint64_t
adze_executable_absent (const adze_executable *executable)
{
  return executable->borrows ? 0
                             : adze_absent_memory (executable->block, executable->facts.values);
}
