/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/odd.h"

#include <math.h>
#include <string.h>

#include <adze/numbers.h>

#include "artifact/decode.h"
#include "graph/graph_private.h"

/* ---- Numbers. */

bool
adze_odd_may_be (adze_dtype dtype)
{
  return dtype.code == ADZE_BFLOAT || dtype.code == ADZE_FLOAT;
}

size_t
adze_odd_first (const adze_view *view, bool infinite)
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

bool
adze_odd_has (const adze_view *view, bool infinite)
{
  return adze_odd_first (view, infinite) != SIZE_MAX;
}

bool
adze_view_is_finite (const adze_view *view)
{
  if (adze_dtype_is_float (view->dtype))
    return adze_numbers_are_finite (view->dtype, adze_view_data (view), adze_view_count (view));
  return !adze_odd_has (view, false) && !adze_odd_has (view, true);
}

adze_view
adze_odd_view_of (const adze_graph_value *value)
{
  return (adze_view){ .data = (void *)value->data, .device = { ADZE_DEVICE_CPU, 0 },
                      .dtype = value->dtype, .rank = value->rank,
                      .shape = (int64_t *)value->shape };
}

/* ---- All that is computed. */

/* A copy that gives everything that its nodes make, in the order in which it is made. */
typedef struct sight {
  const adze_odd_search *search;
  const adze_graph *graph;
  const adze_view **outputs; /* in the order of the graph's */
} sight;

static void
sight_cleanup (sight *s)
{
  free (s->outputs);
}

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
      if (node->outputs[i] != ADZE_NONE && adze_odd_may_be (graph->values[node->outputs[i]]->dtype))
        ADZE_TRY (adze_graph_add_output (graph, node->outputs[i]));
  }
  return NULL;
}

static const adze_graph_node *
maker_of (const sight *s, size_t output)
{
  return s->graph->nodes[s->graph->values[s->graph->outputs.items[output]]->node];
}

/* ---- Where it came from. */

/* Marks in TRACED what is wrong with output AT came by: that, and those that it was computed from and that are
 * odd as well. */
static adze_error *
trace (const sight *s, size_t at, bool *traced)
{
  ADZE_AUTO_FREE bool *wanted = calloc (s->graph->value_count + 1, sizeof *wanted);
  if (!wanted)
    return adze_error_memory ();
  memset (traced, 0, s->graph->outputs.count * sizeof *traced);
  wanted[s->graph->outputs.items[at]] = true;
  for (size_t i = at + 1; i-- > 0;) {
    traced[i] = wanted[s->graph->outputs.items[i]] && !adze_view_is_finite (s->outputs[i]);
    const adze_graph_node *node = maker_of (s, i);
    for (size_t k = 0; traced[i] && k < node->input_count; k++)
      if (node->inputs[k] != ADZE_NONE)
        wanted[node->inputs[k]] = true;
  }
  return NULL;
}

/* What people made comes first: where one of its nodes is to blame, nobody asks for the loss. */
typedef enum part { PART_NETWORK, PART_LOSS, PART_TRAINING, PARTS } part;

static part
part_of (const sight *s, size_t output)
{
  const adze_graph *graph = s->search->graph;
  const char *name = s->graph->values[s->graph->outputs.items[output]]->name;
  const adze_graph_node *node = graph->nodes[graph->values[adze_graph_find (graph, name)]->node];
  if (node->number >= s->search->network)
    return PART_TRAINING;
  return adze_node_is_of_loss (node) ? PART_LOSS : PART_NETWORK;
}

/* Infinities are what some networks mean by "never"; nan is what nobody means. */
static size_t
choose (const sight *s, const bool *traced)
{
  for (part wanted = PART_NETWORK; wanted < PARTS; wanted++)
    for (int infinite = 0; infinite < 2; infinite++)
      for (size_t i = 0; i < s->graph->outputs.count; i++)
        if (traced[i] && part_of (s, i) == wanted && adze_odd_has (s->outputs[i], infinite != 0))
          return i;
  return SIZE_MAX;
}

/* Of what NODE takes, the first that nobody computes and that has NaN. Infinities that came this far are meant. */
static const char *
odd_given (const adze_graph *graph, const adze_graph_node *node)
{
  for (size_t i = 0; i < node->input_count; i++) {
    const adze_graph_value *value = adze_graph_value_at (graph, node->inputs[i]);
    if (!value || !value->data || !adze_odd_may_be (value->dtype))
      continue;
    const adze_view view = adze_odd_view_of (value);
    if (adze_odd_has (&view, false))
      return value->name;
  }
  return NULL;
}

/* Output AT, or the last of those that it came by whose node is given a number that is none. */
static adze_error *
find_given (const sight *s, size_t *at, bool *traced, const char **name)
{
  ADZE_TRY (trace (s, *at, traced));
  for (size_t i = *at + 1; i-- > 0;) {
    *name = traced[i] ? odd_given (s->graph, maker_of (s, i)) : NULL;
    if (*name) {
      *at = i;
      return NULL;
    }
  }
  return NULL;
}

/* ---- What is said. */

static void
name_source (const sight *s, size_t at, const char *given, adze_buffer *into)
{
  const char *what = adze_odd_has (s->outputs[at], false) ? "nan" : "inf";
  part from = part_of (s, at);
  if (from == PART_TRAINING)
    adze_buffer_text (into, "neither the network nor its loss gave such a number; of what training computes from "
                            "them ");
  adze_graph_node_text (maker_of (s, at), into);
  adze_buffer_format (into, " was the first to give %s", what);
  if (from == PART_NETWORK)
    adze_buffer_format (into, ", in '%s'", s->graph->values[s->graph->outputs.items[at]]->name);
  if (given)
    adze_buffer_format (into, ": '%s', which it takes, came with such numbers", given);
}

/* The first of what is asked about that is odd; SIZE_MAX: none is. */
static size_t
where_it_shows (const sight *s)
{
  const adze_odd_search *search = s->search;
  for (size_t k = 0; k < search->from_count; k++) {
    uint32_t value = adze_graph_find (s->graph, search->graph->values[search->from[k]]->name);
    for (size_t i = 0; i < s->graph->outputs.count; i++)
      if (s->graph->outputs.items[i] == value && !adze_view_is_finite (s->outputs[i]))
        return i;
  }
  return SIZE_MAX;
}

static adze_error *
name_first (const sight *s, bool *given, adze_buffer *into)
{
  const char *name = NULL;
  size_t shown = where_it_shows (s);
  if (shown == SIZE_MAX)
    return NULL;
  ADZE_AUTO_FREE bool *traced = calloc (s->graph->outputs.count + 1, sizeof *traced);
  if (!traced)
    return adze_error_memory ();
  ADZE_TRY (trace (s, shown, traced));
  size_t source = choose (s, traced);
  ADZE_TRY (find_given (s, &source, traced, &name));
  name_source (s, source, name, into);
  *given = name != NULL;
  return NULL;
}

adze_error *
adze_odd_find (const adze_odd_search *search, adze_graph *copy, const adze_compile_options *options,
               const adze_view *const *inputs, bool *given, adze_buffer *into)
{
  ADZE_AUTO (sight) s = { .search = search, .graph = copy };
  ADZE_AUTO_EXECUTABLE executable = NULL;
  *given = false;
  ADZE_TRY (give_all (copy));
  s.outputs = calloc (copy->outputs.count + 1, sizeof *s.outputs);
  if (!s.outputs)
    return adze_error_memory ();
  ADZE_TRY (adze_graph_compile (copy, options, &executable));
  ADZE_TRY (adze_execute (executable, inputs, s.outputs));
  return name_first (&s, given, into);
}
