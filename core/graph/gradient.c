/* SPDX-License-Identifier: Apache-2.0 */
/* graph/gradient.c: backwards through a graph, node by node, each by its rule. */
#include "graph/gradient.h"

#include <string.h>

#include <adze/half.h>

#include "graph/graph_private.h"
#include "graph/infer.h"

/* ---- Rules. */

const adze_gradient_rule *
adze_gradient_rule_find (const char *domain, const char *op)
{
  static const adze_gradient_rule *const families[]
      = { adze_gradients_math,   adze_gradients_reduce, adze_gradients_product,
          adze_gradients_shape,  adze_gradients_index,  adze_gradients_nn,
          adze_gradients_window, adze_gradients_rnn,    adze_gradients_control };
  for (size_t i = 0; i < ADZE_COUNT_OF (families); i++)
    for (const adze_gradient_rule *at = families[i]; at->op; at++)
      if (strcmp (at->op, op) == 0 && strcmp (at->domain, domain) == 0)
        return at;
  return NULL;
}

void
adze_gradient_refuse (adze_gradient *g, const char *reason)
{
  ADZE_AUTO (adze_buffer) who = { 0 };
  if (g->error)
    return;
  adze_graph_node_text (g->node, &who);
  g->error = adze_error_new (ADZE_E_UNSUPPORTED, "%s cannot be differentiated: %s",
                             who.data ? who.data : "a node", reason);
}

/* ---- Emitting nodes. */

void
adze_ops_with (adze_gradient *g, const char *op, const uint32_t *inputs, size_t input_count,
               const adze_graph_attribute *attributes, size_t attribute_count, uint32_t *outputs,
               size_t output_count)
{
  adze_node_recipe recipe = { .struct_size = sizeof recipe,
                              .op = op,
                              .inputs = inputs,
                              .input_count = input_count,
                              .output_count = output_count,
                              .attributes = attributes,
                              .attribute_count = attribute_count };
  adze_op_made (g, &recipe, outputs);
}

void
adze_op_made (adze_gradient *g, const adze_node_recipe *recipe, uint32_t *outputs)
{
  if (!g->error)
    g->error = adze_graph_add_node (g->graph, recipe, outputs);
  if (!g->error)
    g->error = adze_graph_infer_node (g->graph, g->graph->nodes[g->graph->node_count - 1]);
  for (size_t i = 0; g->error && i < recipe->output_count; i++)
    outputs[i] = ADZE_NONE;
}

uint32_t
adze_op_with (adze_gradient *g, const char *domain, const char *op, const uint32_t *inputs,
              size_t input_count, const adze_graph_attribute *attributes, size_t attribute_count)
{
  uint32_t output = ADZE_NONE;
  adze_node_recipe recipe = { .struct_size = sizeof recipe,
                              .domain = domain,
                              .op = op,
                              .inputs = inputs,
                              .input_count = input_count,
                              .output_count = 1,
                              .attributes = attributes,
                              .attribute_count = attribute_count };
  adze_op_made (g, &recipe, &output);
  return output;
}

uint32_t
adze_op (adze_gradient *g, const char *op, ...)
{
  enum { MOST = 16 };
  uint32_t inputs[MOST];
  size_t count = 0;
  va_list arguments;
  va_start (arguments, op);
  for (uint32_t input; count < MOST && (input = va_arg (arguments, uint32_t)) != ADZE_END;)
    inputs[count++] = input;
  va_end (arguments);
  return adze_op_with (g, "", op, inputs, count, NULL, 0);
}

uint32_t
adze_op_number (adze_gradient *g, double number, uint32_t like)
{
  uint32_t value = ADZE_NONE;
  if (g->error)
    return ADZE_NONE;
  adze_dtype dtype = g->graph->values[like]->dtype;
  float single = (float)number;
  uint16_t half = dtype.code == ADZE_BFLOAT ? adze_bfloat_from_double (number)
                                            : adze_half_from_double (number);
  bool is_double = dtype.code == ADZE_FLOAT && dtype.bits == 64;
  bool is_half = adze_dtype_is_float (dtype) && dtype.bits == 16;
  adze_view view = { .data = is_double ? (void *)&number : is_half ? (void *)&half : (void *)&single,
                     .device = { ADZE_DEVICE_CPU, 0 },
                     .dtype = is_double || is_half ? dtype : (adze_dtype){ ADZE_FLOAT, 32, 1 } };
  g->error = adze_graph_add_constant (g->graph, NULL, &view, &value);
  if (g->error || is_half || dtype.bits >= 32)
    return value;
  return adze_op (g, "CastLike", value, like, ADZE_END);
}

/* What an operator makes of a shape that is computed is not told by its rule for shapes. */
static uint32_t
shaped (adze_gradient *g, const char *op, uint32_t value, uint32_t like)
{
  uint32_t made = adze_op (g, op, value, adze_op (g, "Shape", like, ADZE_END), ADZE_END);
  if (g->error)
    return ADZE_NONE;
  const adze_graph_value *known = g->graph->values[like];
  g->error = adze_graph_set_type (g->graph, made, g->graph->values[made]->dtype, known->rank,
                                  known->shape);
  return made;
}

uint32_t
adze_op_stretched (adze_gradient *g, uint32_t value, uint32_t like)
{
  return shaped (g, "Expand", value, like);
}

uint32_t
adze_op_reshaped (adze_gradient *g, uint32_t value, uint32_t like)
{
  return shaped (g, "Reshape", value, like);
}

uint32_t
adze_op_zeros (adze_gradient *g, uint32_t like)
{
  return adze_op_stretched (g, adze_op_number (g, 0, like), like);
}

uint32_t
adze_op_int (adze_gradient *g, int64_t number)
{
  uint32_t value = ADZE_NONE;
  adze_view view = { .data = &number, .device = { ADZE_DEVICE_CPU, 0 },
                     .dtype = { ADZE_INT, 64, 1 } };
  if (!g->error)
    g->error = adze_graph_add_constant (g->graph, NULL, &view, &value);
  return value;
}

uint32_t
adze_op_ints (adze_gradient *g, const int64_t *numbers, size_t count)
{
  uint32_t value = ADZE_NONE;
  int64_t shape = (int64_t)count;
  union {
    const int64_t *from;
    void *to;
  } data = { .from = numbers };
  adze_view view = { .data = data.to, .device = { ADZE_DEVICE_CPU, 0 }, .rank = 1,
                     .dtype = { ADZE_INT, 64, 1 }, .shape = &shape };
  if (!g->error)
    g->error = adze_graph_add_constant (g->graph, NULL, &view, &value);
  return value;
}

static bool
same_shape (const adze_graph_value *a, const adze_graph_value *b)
{
  if (a->rank < 0 || a->rank != b->rank)
    return false;
  for (int32_t i = 0; i < a->rank; i++)
    if (a->shape[i] != b->shape[i])
      return false;
  return true;
}

static uint32_t
sum_of (adze_gradient *g, uint32_t a, uint32_t b)
{
  return a == ADZE_NONE ? b : b == ADZE_NONE ? a : adze_op (g, "Add", a, b, ADZE_END);
}

void
adze_give_gradient (adze_gradient *g, size_t index, uint32_t gradient)
{
  if (g->error || gradient == ADZE_NONE)
    return;
  uint32_t input = g->node->inputs[index];
  if (!same_shape (g->graph->values[gradient], g->graph->values[input])) {
    const uint32_t both[] = { gradient, input };
    gradient = adze_op_with (g, "adze", "SumTo", both, 2, NULL, 0);
  }
  g->made[index] = sum_of (g, g->made[index], gradient);
}

/* ---- Backwards. */

typedef struct walk {
  adze_graph *graph;
  bool *depends;       /* does it depend on one of those asked about? */
  uint32_t *gradients; /* of each value that was there before, as far as known */
  uint32_t *order;
  size_t count;
} walk;

static void
walk_cleanup (walk *w)
{
  free (w->depends);
  free (w->gradients);
  free (w->order);
}

static bool
is_float (const adze_graph_value *value)
{
  return value->dtype.code == ADZE_FLOAT || value->dtype.code == ADZE_BFLOAT;
}

static void
mark_outputs (const walk *w, const adze_graph_node *node)
{
  bool any = false;
  for (size_t i = 0; i < node->input_count; i++)
    any = any || (node->inputs[i] != ADZE_NONE && w->depends[node->inputs[i]]);
  for (size_t i = 0; any && i < node->output_count; i++)
    if (node->outputs[i] != ADZE_NONE && is_float (w->graph->values[node->outputs[i]]))
      w->depends[node->outputs[i]] = true;
}

/* Through nodes of number FIRST and above alone. */
static adze_error *
walk_open (adze_graph *graph, uint32_t first, const uint32_t *values, size_t count, walk *w)
{
  const uint32_t *order;
  size_t nodes, room = graph->value_count + 1;
  ADZE_TRY (adze_graph_order (graph, &order, &nodes));
  w->graph = graph;
  w->depends = calloc (room, sizeof *w->depends);
  w->gradients = malloc (room * sizeof *w->gradients);
  w->order = malloc ((nodes + 1) * sizeof *w->order);
  if (!w->depends || !w->gradients || !w->order)
    return adze_error_memory ();
  for (size_t i = 0; i < room; i++)
    w->gradients[i] = ADZE_NONE;
  for (size_t i = 0; i < count; i++)
    w->depends[values[i]] = true;
  for (size_t n = 0; n < nodes; n++) {
    if (order[n] < first)
      continue;
    w->order[w->count++] = order[n];
    mark_outputs (w, graph->nodes[order[n]]);
  }
  return NULL;
}

static void
by_rule (adze_gradient *g)
{
  const adze_graph *body = NULL;
  const adze_gradient_rule *rule = adze_gradient_rule_find (g->node->domain, g->node->op);
  uint32_t kind = adze_graph_gradient_of (g->graph, g->node->number, &body);
  if (kind != ADZE_GRADIENT_RULE)
    adze_gradient_attached (g, kind, body);
  else if (rule)
    rule->rule (g);
  else
    adze_gradient_refuse (g, "there is no rule for the operator");
}

static adze_error *
through_node (walk *w, const adze_graph_node *node, uint32_t *made, uint32_t *given, bool *wanted)
{
  bool any_given = false, any_wanted = false;
  for (size_t i = 0; i < node->output_count; i++) {
    given[i] = node->outputs[i] == ADZE_NONE ? ADZE_NONE : w->gradients[node->outputs[i]];
    any_given = any_given || given[i] != ADZE_NONE;
  }
  for (size_t i = 0; i < node->input_count; i++) {
    made[i] = ADZE_NONE;
    wanted[i] = node->inputs[i] != ADZE_NONE && w->depends[node->inputs[i]];
    any_wanted = any_wanted || wanted[i];
  }
  if (!any_given || !any_wanted)
    return NULL;
  adze_gradient g = { .graph = w->graph, .node = node, .given = given, .wanted = wanted,
                      .made = made };
  by_rule (&g);
  for (size_t i = 0; i < node->input_count; i++)
    if (!g.error && wanted[i] && made[i] != ADZE_NONE)
      w->gradients[node->inputs[i]] = sum_of (&g, w->gradients[node->inputs[i]], made[i]);
  return g.error;
}

static adze_error *
walk_back (walk *w)
{
  for (size_t n = w->count; n-- > 0;) {
    const adze_graph_node *node = w->graph->nodes[w->order[n]];
    size_t room = node->input_count + 1, outputs = node->output_count + 1;
    ADZE_AUTO_FREE uint32_t *made = calloc (room, sizeof *made);
    ADZE_AUTO_FREE uint32_t *given = calloc (outputs, sizeof *given);
    ADZE_AUTO_FREE bool *wanted = calloc (room, sizeof *wanted);
    if (!made || !given || !wanted)
      return adze_error_memory ();
    ADZE_TRY (through_node (w, node, made, given, wanted));
  }
  return NULL;
}

/* GRADIENTS of VALUES as far as there are any; ADZE_NONE: zero. */
static adze_error *
pull_back (adze_graph *graph, uint32_t first, const adze_gradient_seeds *from,
           const uint32_t *values, size_t count, uint32_t *gradients)
{
  __attribute__ ((cleanup (walk_cleanup))) walk w = { 0 };
  adze_gradient g = { .graph = graph };
  ADZE_TRY (walk_open (graph, first, values, count, &w));
  for (size_t i = 0; i < from->count; i++)
    if (from->seeds[i] != ADZE_NONE)
      w.gradients[from->outputs[i]]
          = sum_of (&g, w.gradients[from->outputs[i]], from->seeds[i]);
  ADZE_TRY (g.error);
  ADZE_TRY (walk_back (&w));
  for (size_t i = 0; i < count; i++)
    gradients[i] = w.gradients[values[i]];
  return NULL;
}

static adze_error *
zeros_like (adze_graph *graph, uint32_t value, uint32_t *zeros)
{
  adze_gradient g = { .graph = graph };
  *zeros = adze_op_zeros (&g, value);
  return g.error;
}

adze_error *
adze_graph_pull_back (adze_graph *graph, const adze_gradient_seeds *from, const uint32_t *values,
                      size_t count, uint32_t *gradients)
{
  ADZE_TRY (pull_back (graph, 0, from, values, count, gradients));
  for (size_t i = 0; i < count; i++)
    if (gradients[i] == ADZE_NONE)
      ADZE_TRY (zeros_like (graph, values[i], &gradients[i]));
  return NULL;
}

/* An input that comes twice as the same value gets all of it once. */
static bool
comes_before (const adze_graph_node *node, size_t index)
{
  for (size_t i = 0; i < index; i++)
    if (node->inputs[i] == node->inputs[index])
      return true;
  return false;
}

void
adze_give_through (adze_gradient *g, uint32_t first, const uint32_t *outputs,
                   const uint32_t *seeds, size_t count)
{
  size_t inputs = g->node->input_count, asked = 0;
  ADZE_AUTO_FREE uint32_t *values = calloc (2 * inputs + 1, sizeof *values);
  ADZE_AUTO_FREE size_t *index = calloc (inputs + 1, sizeof *index);
  if (g->error || !values || !index) {
    g->error = g->error ? g->error : adze_error_memory ();
    return;
  }
  for (size_t i = 0; i < inputs; i++)
    if (g->wanted[i] && !comes_before (g->node, i)) {
      index[asked] = i;
      values[asked++] = g->node->inputs[i];
    }
  const adze_gradient_seeds from = { .outputs = outputs, .seeds = seeds, .count = count };
  uint32_t *gradients = values + inputs;
  g->error = pull_back (g->graph, first, &from, values, asked, gradients);
  for (size_t i = 0; !g->error && i < asked; i++)
    adze_give_gradient (g, index[i], gradients[i]);
}

adze_error *
adze_graph_differentiate (adze_graph *graph, uint32_t scalar, const uint32_t *values, size_t count,
                          uint32_t *gradients)
{
  const adze_graph_value *value = graph->values[scalar];
  int64_t elements = value->rank < 0 ? -1 : 1;
  for (int32_t i = 0; i < value->rank; i++)
    elements = value->shape[i] == 1 ? elements : -1;
  if (elements != 1 || !is_float (value))
    return adze_error_new (ADZE_E_UNSUPPORTED,
                           "'%s' is not one float, so that it has no gradient; sum it up first",
                           value->name);
  adze_gradient g = { .graph = graph };
  uint32_t one = adze_op_number (&g, 1, scalar);
  if (value->rank > 0)
    one = adze_op_stretched (&g, one, scalar);
  if (g.error)
    return g.error;
  const adze_gradient_seeds from = { .outputs = &scalar, .seeds = &one, .count = 1 };
  return adze_graph_pull_back (graph, &from, values, count, gradients);
}
