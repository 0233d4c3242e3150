/* SPDX-License-Identifier: Apache-2.0 */
/* graph/train_why.c: where the first number that is none came from: data, a weight, or a node. */
#include <inttypes.h>

#include "graph/odd.h"
#include "graph/train_private.h"

/* From 1, as people count them: the first dimension is that of examples. */
static uint64_t
first_example (const adze_view *view)
{
  size_t nan = adze_odd_first (view, false), infinite = adze_odd_first (view, true);
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
    if (looks && adze_odd_may_be (t->inputs[i]->dtype) && !adze_view_is_finite (t->inputs[i]))
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

/* Value NUMBER of GRAPH with the numbers that it has by now. */
static adze_view
numbers_of (const adze_trainer *t, const adze_graph *graph, uint32_t number)
{
  for (size_t i = 0; graph == t->graph && i < t->carried_count; i++)
    if (t->carried[i].value == number)
      return t->carried[i].view;
  return adze_odd_view_of (graph->values[number]);
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
  if (value->role != ADZE_ROLE_WEIGHT || !adze_odd_may_be (value->dtype) || !view.data
      || adze_view_is_finite (&view))
    return NULL;
  if (!adze_odd_has (&view, false))
    ADZE_TRY (adze_train_find_stranger (t, reached, graph, number, &view, &odd->stranger));
  if (odd->stranger || adze_odd_has (&view, false))
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

/* The loss tells more than what came of it. */
static adze_error *
search_step (const adze_trainer *t, adze_graph *copy, const adze_compile_options *options, bool *given,
             adze_buffer *into)
{
  ADZE_AUTO_FREE uint32_t *from = calloc (t->carried_count + 1, sizeof *from);
  if (!from)
    return adze_error_memory ();
  from[0] = t->loss;
  for (size_t i = 0; i < t->carried_count; i++)
    from[1 + i] = t->carried[i].next;
  const adze_odd_search search = { .graph = t->graph, .network = t->network_nodes, .from = from,
                                   .from_count = t->carried_count + 1 };
  return adze_odd_find (&search, copy, options, t->inputs, given, into);
}

static adze_error *
look_at_step (const adze_trainer *t, adze_train_cause *cause, adze_buffer *into)
{
  const uint32_t *order;
  size_t count;
  bool given = false;
  ADZE_AUTO_GRAPH graph = NULL;
  ADZE_TRY (adze_graph_order (t->graph, &order, &count));
  ADZE_TRY (adze_graph_copy (t->graph, &graph));
  for (size_t i = 0; i < t->carried_count; i++) {
    const adze_carried *c = &t->carried[i];
    uint32_t weight = adze_graph_find (graph, t->graph->values[c->value]->name);
    ADZE_TRY (adze_graph_set_data (graph, weight, c->now, c->size, false));
  }
  adze_compile_options options = t->options.compile;
  options.shapes = t->shape_of;
  ADZE_TRY (search_step (t, graph, &options, &given, into));
  *cause = given ? ADZE_TRAIN_CAUSE_WEIGHT : ADZE_TRAIN_CAUSE_STEP;
  return NULL;
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
