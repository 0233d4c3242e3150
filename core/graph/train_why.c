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

static adze_view
view_of (const adze_graph_value *value)
{
  return (adze_view){ .data = (void *)value->data, .device = { ADZE_DEVICE_CPU, 0 },
                      .dtype = value->dtype, .rank = value->rank,
                      .shape = (int64_t *)value->shape };
}

static bool
is_carried (const adze_trainer *t, uint32_t value)
{
  bool found = false;
  for (size_t i = 0; !found && i < t->carried_count; i++)
    found = t->carried[i].value == value;
  return found;
}

/* Of weights that do not train, the first with NaN. Those without end may be meant so. */
static adze_error *
find_nan (const adze_trainer *t, const char **name)
{
  ADZE_AUTO_FREE bool *reached = calloc (t->graph->value_count + 1, sizeof *reached);
  *name = NULL;
  if (!reached)
    return adze_error_memory ();
  ADZE_TRY (adze_train_reach (t, reached));
  for (uint32_t i = 0; !*name && i < t->graph->value_count; i++) {
    const adze_graph_value *value = t->graph->values[i];
    if (!reached[i] || value->role != ADZE_ROLE_WEIGHT || !may_be_odd (value->dtype) || is_carried (t, i))
      continue;
    const adze_view view = view_of (value);
    if (!adze_view_is_finite (&view) && has_odd (&view, false))
      *name = value->name;
  }
  return NULL;
}

/* Steps give no weight such numbers that the next one gets to see: it came with them. */
static bool
look_at_weights (const adze_trainer *t, adze_buffer *into)
{
  const char *name = NULL;
  for (size_t i = 0; !name && i < t->carried_count; i++)
    if (!t->carried[i].state && !adze_view_is_finite (&t->carried[i].view))
      name = t->carried[i].name;
  if (!name)
    adze_error_free (find_nan (t, &name));
  if (name)
    adze_buffer_format (into, "the weight '%s' came with such numbers", name);
  return name != NULL;
}

adze_error *
adze_train_look_ahead (adze_trainer *t, bool *fine)
{
  const char *name = NULL;
  *fine = odd_input (t, t->progress.epoch) == SIZE_MAX;
  if (!*fine || t->weights_seen)
    return NULL;
  for (size_t i = 0; *fine && i < t->carried_count; i++)
    *fine = adze_view_is_finite (&t->carried[i].view) || !has_odd (&t->carried[i].view, false);
  ADZE_TRY (find_nan (t, &name));
  *fine = *fine && !name;
  t->weights_seen = *fine;
  return NULL;
}

/* Of what NODE takes, the first that nobody computes and that has such numbers. Constants without end are
 * mostly meant so. */
static const char *
odd_given (const adze_graph *graph, const adze_graph_node *node)
{
  for (size_t i = 0; i < node->input_count; i++) {
    const adze_graph_value *value = adze_graph_value_at (graph, node->inputs[i]);
    if (!value || !value->data || !may_be_odd (value->dtype))
      continue;
    const adze_view view = view_of (value);
    if (value->role == ADZE_ROLE_WEIGHT ? !adze_view_is_finite (&view)
                                        : value->role == ADZE_ROLE_CONSTANT && has_odd (&view, false))
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
