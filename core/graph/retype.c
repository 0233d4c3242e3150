/* SPDX-License-Identifier: Apache-2.0 */
/* graph/retype.c: a network follows the types of its weights. */
#include "graph/retype.h"

#include <string.h>

#include <adze/half.h>

#include "graph/graph_private.h"
#include "graph/infer.h"

/* A value in another type. */
typedef struct cast {
  uint32_t from, to;
} cast;

typedef struct retyping {
  adze_graph *graph;
  size_t count;       /* values before anything was changed */
  adze_dtype *before; /* their types */
  cast *casts;
  size_t cast_count, cast_capacity;
} retyping;

static void
retyping_cleanup (retyping *r)
{
  free (r->before);
  free (r->casts);
}

static const adze_graph_value *
value_of (const retyping *r, uint32_t number)
{
  return r->graph->values[number];
}

static uint64_t
elements_of (const adze_graph_value *value)
{
  uint64_t count = 1;
  for (int32_t i = 0; i < value->rank; i++)
    count *= (uint64_t)value->shape[i]; /* it is a weight, held against a tensor */
  return count;
}

/* ---- Casts. */

/* Number of VALUE as DTYPE: itself, or what a Cast makes of it, one for all who want that. */
static adze_error *
as_type (retyping *r, uint32_t value, adze_dtype dtype, uint32_t *into)
{
  const int64_t to = adze_infer_onnx_of (dtype);
  const adze_graph_attribute attribute = adze_attribute_int ("to", &to);
  const adze_node_recipe recipe = { .struct_size = sizeof recipe, .op = "Cast", .inputs = &value,
                                    .input_count = 1, .output_count = 1,
                                    .attributes = &attribute, .attribute_count = 1 };
  *into = value;
  if (adze_dtype_same (value_of (r, value)->dtype, dtype))
    return NULL;
  for (size_t i = 0; i < r->cast_count; i++)
    if (r->casts[i].from == value && adze_dtype_same (value_of (r, r->casts[i].to)->dtype, dtype)) {
      *into = r->casts[i].to;
      return NULL;
    }
  ADZE_TRY (adze_graph_grow (&r->casts, &r->cast_capacity, r->cast_count, sizeof *r->casts));
  ADZE_TRY (adze_graph_add_node (r->graph, &recipe, into));
  r->casts[r->cast_count++] = (cast){ value, *into };
  return adze_graph_infer_node (r->graph, r->graph->nodes[value_of (r, *into)->node]);
}

/* ---- In which type a node computes. */

typedef struct choice {
  adze_dtype dtype;  /* bits 0: nothing is known */
  uint64_t elements; /* of the weight that says so; 0: no weight does */
} choice;

/* The one that has all numbers of both: float32 of two different halves. */
static adze_dtype
wider (adze_dtype a, adze_dtype b)
{
  if (!a.bits || adze_dtype_same (a, b))
    return b;
  if (a.bits == b.bits)
    return (adze_dtype){ ADZE_FLOAT, 32, 1 };
  return a.bits > b.bits ? a : b;
}

static void
consider (choice *c, const adze_graph_value *value)
{
  bool weight = value->role == ADZE_ROLE_WEIGHT;
  if (weight && elements_of (value) > c->elements)
    *c = (choice){ value->dtype, elements_of (value) };
  else if (!weight && c->elements == 0 && value->role != ADZE_ROLE_CONSTANT)
    c->dtype = wider (c->dtype, value->dtype);
}

/* Operators whose inputs say by letters which are of one type: CHOICES has one for each letter. */
static void
choose (const retyping *r, const adze_graph_node *node, const adze_operator *operator,
        choice choices[ADZE_OPERATOR_SETS])
{
  memset (choices, 0, ADZE_OPERATOR_SETS * sizeof *choices);
  for (size_t i = 0; i + node->captured_count < node->input_count; i++) {
    int letter = adze_infer_letter (operator->inputs, i);
    if (letter >= 0 && node->inputs[i] != ADZE_NONE
        && adze_dtype_is_float (value_of (r, node->inputs[i])->dtype))
      consider (&choices[letter], value_of (r, node->inputs[i]));
  }
  for (int letter = 0; letter < ADZE_OPERATOR_SETS; letter++)
    if (!(adze_infer_set_of (choices[letter].dtype) & operator->sets[letter]))
      choices[letter].dtype.bits = 0;
}

static adze_dtype
before (const retyping *r, uint32_t value)
{
  return value < r->count ? r->before[value] : value_of (r, value)->dtype;
}

static adze_error *
retype_input (retyping *r, const adze_graph_node *node, size_t index, adze_dtype chosen)
{
  uint32_t value = node->inputs[index], other;
  if (value == ADZE_NONE || !adze_dtype_is_float (value_of (r, value)->dtype))
    return NULL;
  ADZE_TRY (as_type (r, value, chosen.bits ? chosen : before (r, value), &other));
  return other == value ? NULL : adze_graph_set_input (r->graph, node->number, index, other);
}

static adze_error *
retype_node (retyping *r, const adze_graph_node *node)
{
  choice choices[ADZE_OPERATOR_SETS];
  const adze_operator *operator = adze_operator_find (node->domain, node->op);
  const adze_dtype none = { 0, 0, 0 };
  if (operator)
    choose (r, node, operator, choices);
  for (size_t i = 0; operator && i < node->input_count; i++) {
    bool captured = i + node->captured_count >= node->input_count;
    int letter = captured ? -1 : adze_infer_letter (operator->inputs, i);
    ADZE_TRY (retype_input (r, node, i, letter < 0 ? none : choices[letter].dtype));
  }
  return adze_graph_infer_node (r->graph, node);
}

/* ---- The graph's own outputs. */

/* VALUE, which a node makes, is made by a Cast from now on, as it was before; the node makes another
 * value in its place, which all others take. */
static adze_error *
give_as_before (retyping *r, uint32_t value)
{
  adze_graph *graph = r->graph;
  adze_graph_value *old = graph->values[value];
  adze_graph_node *maker = graph->nodes[old->node];
  const adze_dtype made = old->dtype;
  const uint32_t index = old->output;
  uint32_t other;
  ADZE_TRY (as_type (r, value, r->before[value], &other));
  adze_graph_value *beside = graph->values[other];
  adze_graph_node *caster = graph->nodes[beside->node];
  uint32_t *outputs = adze_arena_copy (&graph->arena, maker->outputs,
                                       maker->output_count * sizeof *outputs);
  uint32_t *cast_outputs = adze_arena_copy (&graph->arena, &value, sizeof value);
  if (!outputs || !cast_outputs)
    return adze_error_memory ();
  outputs[index] = other;
  maker->outputs = outputs;
  caster->outputs = cast_outputs;
  old->node = caster->number;
  old->output = 0;
  old->dtype = r->before[value];
  beside->node = maker->number;
  beside->output = index;
  beside->dtype = made;
  for (uint32_t n = 0; n < graph->node_count; n++)
    for (size_t i = 0; graph->nodes[n] && i < graph->nodes[n]->input_count; i++) {
      uint32_t input = graph->nodes[n]->inputs[i];
      if (input == value || input == other)
        ADZE_TRY (adze_graph_set_input (graph, n, i, input == value ? other : value));
    }
  return NULL;
}

static adze_error *
keep_outputs (retyping *r)
{
  for (size_t i = 0; i < r->graph->outputs.count; i++) {
    uint32_t value = r->graph->outputs.items[i];
    if (value >= r->count || adze_dtype_same (value_of (r, value)->dtype, r->before[value]))
      continue;
    if (value_of (r, value)->node != ADZE_NONE)
      ADZE_TRY (give_as_before (r, value));
    else
      ADZE_TRY (as_type (r, value, r->before[value], &r->graph->outputs.items[i]));
  }
  return NULL;
}

/* ---- Weights. */

/* *CHANGED: one has another type than it is read with. */
static adze_error *
retype_weights (adze_graph *graph, const adze_model *model, bool *changed)
{
  for (uint32_t i = 0; i < graph->value_count; i++) {
    const adze_graph_value *value = graph->values[i];
    const adze_model_tensor *tensor
        = value->role == ADZE_ROLE_WEIGHT ? adze_model_find (model, value->name) : NULL;
    if (!tensor || adze_dtype_same (tensor->meta.dtype, value->dtype))
      continue;
    *changed = true;
    ADZE_TRY (adze_graph_set_type (graph, i, tensor->meta.dtype, value->rank, value->shape));
  }
  return NULL;
}

/* What nodes make is found out again. */
static void
forget_types (retyping *r)
{
  for (size_t i = 0; i < r->count; i++) {
    adze_graph_value *value = r->graph->values[i];
    if (value->role == ADZE_ROLE_NODE && adze_dtype_is_float (value->dtype))
      value->dtype = (adze_dtype){ 0, 0, 0 };
  }
}

static adze_error *
remember (retyping *r)
{
  r->count = r->graph->value_count;
  r->before = malloc ((r->count + 1) * sizeof *r->before);
  if (!r->before)
    return adze_error_memory ();
  for (size_t i = 0; i < r->count; i++)
    r->before[i] = r->graph->values[i]->dtype;
  return NULL;
}

/* A body computes as before: in front of whoever takes a weight stands a Cast. */
static adze_error *
retype_body (adze_graph *body, const adze_model *model)
{
  __attribute__ ((cleanup (retyping_cleanup))) retyping r = { .graph = body };
  bool changed = false;
  for (size_t i = 0; i < body->body_count; i++)
    ADZE_TRY (retype_body (body->bodies[i], model));
  ADZE_TRY (remember (&r));
  ADZE_TRY (retype_weights (body, model, &changed));
  const size_t nodes = body->node_count; /* without the Casts */
  for (size_t n = 0; changed && n < nodes; n++)
    for (size_t i = 0; body->nodes[n] && i < body->nodes[n]->input_count; i++) {
      uint32_t value = body->nodes[n]->inputs[i];
      if (value < r.count && value_of (&r, value)->role == ADZE_ROLE_WEIGHT)
        ADZE_TRY (retype_input (&r, body->nodes[n], i, r.before[value]));
    }
  return changed ? keep_outputs (&r) : NULL;
}

adze_error *
adze_graph_retype (adze_graph *graph, const adze_model *model)
{
  __attribute__ ((cleanup (retyping_cleanup))) retyping r = { .graph = graph };
  ADZE_AUTO_FREE uint32_t *order = NULL;
  const uint32_t *nodes;
  size_t count;
  bool changed = false;
  for (size_t i = 0; i < graph->body_count; i++)
    ADZE_TRY (retype_body (graph->bodies[i], model));
  ADZE_TRY (remember (&r));
  ADZE_TRY (retype_weights (graph, model, &changed));
  if (!changed)
    return NULL;
  ADZE_TRY (adze_graph_order (graph, &nodes, &count));
  order = malloc ((count + 1) * sizeof *order);
  if (!order)
    return adze_error_memory ();
  if (count)
    memcpy (order, nodes, count * sizeof *order);
  forget_types (&r);
  for (size_t i = 0; i < count; i++)
    ADZE_TRY (retype_node (&r, graph->nodes[order[i]]));
  ADZE_TRY (keep_outputs (&r));
  return adze_graph_verify (graph);
}
