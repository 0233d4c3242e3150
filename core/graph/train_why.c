/* SPDX-License-Identifier: Apache-2.0 */
/* graph/train_why.c: where the first number that is none came from: data, a weight, or a node. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <adze/numbers.h>

#include "artifact/decode.h"
#include "graph/train_private.h"

/* ---- Numbers. */

/* Of any float type: where the first is that is nan, or, if INFINITE, that has no end; SIZE_MAX: nowhere. */
static size_t
first_odd (const adze_view *view, bool infinite)
{
  enum { PIECE = 256 };
  double numbers[PIECE];
  size_t count = adze_view_count (view), each = view->dtype.bits / 8;
  for (size_t at = 0; at < count; at += PIECE) {
    size_t piece = count - at < PIECE ? count - at : PIECE;
    adze_decode (view->dtype, (const char *)adze_view_data (view) + at * each, piece, numbers);
    for (size_t i = 0; i < piece; i++)
      if (infinite ? isinf (numbers[i]) != 0 : isnan (numbers[i]) != 0)
        return at + i;
  }
  return SIZE_MAX;
}

static bool
has_odd (const adze_view *view, bool infinite)
{
  return first_odd (view, infinite) != SIZE_MAX;
}

bool
adze_view_is_finite (const adze_view *view)
{
  if (adze_dtype_is_float (view->dtype))
    return adze_numbers_are_finite (view->dtype, adze_view_data (view), adze_view_count (view));
  return !has_odd (view, false) && !has_odd (view, true);
}

bool
adze_view_has_nan (const adze_view *view)
{
  return has_odd (view, false);
}

/* ---- Where the first came from. */

static bool
may_be_odd (adze_dtype dtype)
{
  return dtype.code == ADZE_BFLOAT || dtype.code == ADZE_FLOAT;
}

/* From 1, as people count them: the first dimension is that of examples. */
static uint64_t
first_example (const adze_view *view)
{
  size_t nan = first_odd (view, false), infinite = first_odd (view, true);
  uint64_t count = adze_view_count (view);
  uint64_t each = view->rank > 0 ? count / (uint64_t)view->shape[0] : count;
  return (nan < infinite ? nan : infinite) / each + 1;
}

/* The first input of the batch that has such numbers, of those that are looked at in EPOCH; SIZE_MAX: none. */
static size_t
odd_input (const adze_trainer *t, uint64_t epoch)
{
  for (size_t i = 0; i < t->batch_inputs; i++) {
    bool looks = t->looks[i] == ADZE_LOOKS_ALWAYS || (t->looks[i] == ADZE_LOOKS_FIRST_EPOCH && epoch == 0);
    if (looks && may_be_odd (t->inputs[i]->dtype) && !adze_view_is_finite (t->inputs[i]))
      return i;
  }
  return SIZE_MAX;
}

/* What the step is given. */
static bool
look_at_batch (const adze_trainer *t, adze_buffer *into)
{
  size_t odd = odd_input (t, 0);
  if (odd == SIZE_MAX)
    return false;
  adze_buffer_format (into,
                      "the batch has such numbers in its input '%s' already, first in its example "
                      "%" PRIu64,
                      t->graph->values[t->graph->inputs.items[odd]]->name,
                      first_example (t->inputs[odd]));
  return true;
}

adze_view
adze_train_view_of (const adze_graph_value *value)
{
  return (adze_view){ .data = (void *)value->data, .device = { ADZE_DEVICE_CPU, 0 },
                      .dtype = value->dtype, .rank = value->rank,
                      .shape = (int64_t *)value->shape };
}

/* Value NUMBER of GRAPH with the numbers that it has by now. */
static adze_view
numbers_of (const adze_trainer *t, const adze_graph *graph, uint32_t number)
{
  for (size_t i = 0; graph == t->graph && i < t->carried_count; i++)
    if (t->carried[i].value == number)
      return t->carried[i].view;
  return adze_train_view_of (graph->values[number]);
}

/* A weight with numbers that are none. */
typedef struct odd_weight {
  const char *name; /* NULL: none was found */
  const adze_graph_node *around;   /* whose body it is of; NULL: of none */
  const adze_graph_node *stranger; /* to which its infinities come; NULL: it has NaN */
} odd_weight;

static adze_error *
look_at_weight (const adze_trainer *t, const bool *reached, const adze_graph *graph, uint32_t number,
                odd_weight *odd)
{
  const adze_graph_value *value = graph->values[number];
  const adze_view view = numbers_of (t, graph, number);
  if (value->role != ADZE_ROLE_WEIGHT || !may_be_odd (value->dtype) || !view.data
      || adze_view_is_finite (&view))
    return NULL;
  if (!has_odd (&view, false))
    ADZE_TRY (adze_train_find_stranger (t, reached, graph, number, &view, &odd->stranger));
  if (odd->stranger || has_odd (&view, false))
    odd->name = value->name;
  return NULL;
}

/* Whichever branch is taken: all of what bodies have counts. */
static adze_error *
look_inside (const adze_trainer *t, const bool *reached, const adze_graph_node *node, odd_weight *odd)
{
  for (size_t i = 0; i < node->attribute_count; i++) {
    const adze_graph *body = node->attributes[i].graph;
    if (node->attributes[i].type != ADZE_ATTRIBUTE_GRAPH)
      continue;
    odd->around = node;
    for (uint32_t k = 0; !odd->name && k < body->value_count; k++)
      ADZE_TRY (look_at_weight (t, reached, body, k, odd));
    for (size_t k = 0; !odd->name && k < body->node_count; k++)
      if (body->nodes[k])
        ADZE_TRY (look_inside (t, reached, body->nodes[k], odd));
    if (odd->name)
      return NULL;
  }
  return NULL;
}

/* Of all that the loss depends on, whether it trains or not: not every backend hands on what comes of them. */
static adze_error *
find_odd_weight (const adze_trainer *t, odd_weight *odd)
{
  const adze_graph *graph = t->graph;
  ADZE_AUTO_FREE bool *reached = calloc (graph->value_count + 1, sizeof *reached);
  *odd = (odd_weight){ 0 };
  if (!reached)
    return adze_error_memory ();
  ADZE_TRY (adze_train_reach (t, reached));
  for (uint32_t i = 0; !odd->name && i < graph->value_count; i++)
    if (reached[i])
      ADZE_TRY (look_at_weight (t, reached, graph, i, odd));
  for (size_t n = 0; !odd->name && n < graph->node_count; n++)
    if (graph->nodes[n] && adze_train_is_reached (graph->nodes[n], reached))
      ADZE_TRY (look_inside (t, reached, graph->nodes[n], odd));
  return NULL;
}

/* Steps give no weight such numbers that the next one gets to see: it came with them. */
static bool
look_at_weights (const adze_trainer *t, adze_buffer *into)
{
  odd_weight odd = { 0 };
  adze_error_free (find_odd_weight (t, &odd));
  if (!odd.name)
    return false;
  adze_buffer_format (into, "the weight '%s'", odd.name);
  if (odd.around) {
    adze_buffer_text (into, " in a body of ");
    adze_graph_node_text (odd.around, into);
  }
  adze_buffer_text (into, " came with such numbers");
  if (odd.stranger) {
    adze_buffer_text (into, ": its infinities come to ");
    adze_graph_node_text (odd.stranger, into);
    adze_buffer_text (into, ", and are meant only where a softmax, a maximum, a bound or a comparison ends them");
  }
  return true;
}

adze_error *
adze_train_look_ahead (adze_trainer *t, bool *fine)
{
  odd_weight odd;
  *fine = odd_input (t, t->progress.epoch) == SIZE_MAX;
  if (!*fine || t->weights_seen)
    return NULL;
  ADZE_TRY (find_odd_weight (t, &odd));
  *fine = !odd.name;
  t->weights_seen = *fine;
  return NULL;
}

/* Of what NODE takes, the first that nobody computes and that has NaN. Infinities that came this far are meant. */
static const char *
odd_given (const adze_graph *graph, const adze_graph_node *node)
{
  for (size_t i = 0; i < node->input_count; i++) {
    const adze_graph_value *value = adze_graph_value_at (graph, node->inputs[i]);
    if (!value || !value->data || !may_be_odd (value->dtype))
      continue;
    const adze_view view = adze_train_view_of (value);
    if (has_odd (&view, false))
      return value->name;
  }
  return NULL;
}

/* Everything that a node of the step makes is given, in the order in which it is made. */
static adze_error *
give_all (adze_graph *graph)
{
  const uint32_t *order;
  size_t count;
  ADZE_TRY (adze_graph_order (graph, &order, &count));
  graph->outputs.count = 0;
  for (size_t n = 0; n < count; n++) {
    const adze_graph_node *node = graph->nodes[order[n]];
    for (size_t i = 0; i < node->output_count; i++)
      if (node->outputs[i] != ADZE_NONE && may_be_odd (graph->values[node->outputs[i]]->dtype))
        ADZE_TRY (adze_graph_add_output (graph, node->outputs[i]));
  }
  return NULL;
}

/* Where what is wrong with output AT comes from: itself or, of those that it was computed from and that are
 * odd as well, the last whose node is given a number that is none; SIZE_MAX: no node is. Outputs are in the
 * order in which they are made. */
static adze_error *
find_given (const adze_graph *graph, const adze_view *const *outputs, size_t at, size_t *found,
            const char **given)
{
  ADZE_AUTO_FREE bool *wanted = calloc (graph->value_count + 1, sizeof *wanted);
  *found = SIZE_MAX;
  if (!wanted)
    return adze_error_memory ();
  wanted[graph->outputs.items[at]] = true;
  for (size_t i = at + 1; i-- > 0 && *found == SIZE_MAX;) {
    uint32_t number = graph->outputs.items[i];
    if (!wanted[number] || adze_view_is_finite (outputs[i]))
      continue;
    const adze_graph_node *node = graph->nodes[graph->values[number]->node];
    *given = odd_given (graph, node);
    if (*given)
      *found = i;
    for (size_t k = 0; k < node->input_count; k++)
      if (node->inputs[k] != ADZE_NONE)
        wanted[node->inputs[k]] = true;
  }
  return NULL;
}

/* Infinities are what some networks mean by "never"; nan is what nobody means. */
static size_t
first_output (const adze_graph *graph, const adze_view *const *outputs)
{
  for (int infinite = 0; infinite < 2; infinite++)
    for (size_t i = 0; i < graph->outputs.count; i++)
      if (has_odd (outputs[i], infinite != 0))
        return i;
  return SIZE_MAX;
}

static adze_error *
name_first (const adze_graph *graph, const adze_view *const *outputs, adze_train_cause *cause,
            adze_buffer *into)
{
  const char *given = NULL;
  size_t first = first_output (graph, outputs), source;
  if (first == SIZE_MAX)
    return NULL;
  ADZE_TRY (find_given (graph, outputs, first, &source, &given));
  if (source == SIZE_MAX)
    source = first;
  const adze_graph_value *value = graph->values[graph->outputs.items[source]];
  adze_graph_node_text (graph->nodes[value->node], into);
  adze_buffer_format (into, " was the first to give %s, in '%s'",
                      has_odd (outputs[source], false) ? "nan" : "inf", value->name);
  if (given)
    adze_buffer_format (into, ": '%s', which it takes, came with such numbers", given);
  *cause = given ? ADZE_TRAIN_CAUSE_WEIGHT : ADZE_TRAIN_CAUSE_STEP;
  return NULL;
}

static adze_error *
look_at_step (const adze_trainer *t, adze_train_cause *cause, adze_buffer *into)
{
  const uint32_t *order;
  size_t count;
  ADZE_AUTO_GRAPH graph = NULL;
  ADZE_TRY (adze_graph_order (t->graph, &order, &count));
  ADZE_TRY (adze_graph_copy (t->graph, &graph));
  for (size_t i = 0; i < t->carried_count; i++) {
    const adze_carried *c = &t->carried[i];
    uint32_t weight = adze_graph_find (graph, t->graph->values[c->value]->name);
    ADZE_TRY (adze_graph_set_data (graph, weight, c->now, c->size, false));
  }
  ADZE_TRY (give_all (graph));
  adze_compile_options options = t->options.compile;
  ADZE_AUTO_EXECUTABLE executable = NULL;
  ADZE_AUTO_FREE const adze_view **outputs = calloc (graph->outputs.count + 1, sizeof *outputs);
  if (!outputs)
    return adze_error_memory ();
  options.shapes = t->shape_of;
  ADZE_TRY (adze_graph_compile (graph, &options, &executable));
  ADZE_TRY (adze_execute (executable, t->inputs, outputs));
  return name_first (graph, outputs, cause, into);
}

/* What cannot be told is left out: the step has failed already, and for another reason. */
adze_train_cause
adze_train_why (const adze_trainer *t, adze_buffer *into)
{
  adze_train_cause cause = ADZE_TRAIN_CAUSE_STEP;
  if (look_at_batch (t, into))
    return ADZE_TRAIN_CAUSE_DATA;
  if (look_at_weights (t, into))
    return ADZE_TRAIN_CAUSE_WEIGHT;
  adze_error_free (look_at_step (t, &cause, into));
  return cause;
}
