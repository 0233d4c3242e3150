/* SPDX-License-Identifier: Apache-2.0 */
/* graph/train_why.c: where the first number that is none came from: data, a weight, or a node. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "artifact/decode.h"
#include "graph/train_private.h"

/* ---- Numbers. */

/* An exponent of ones is that of inf and nan: with one more in its lowest bit it runs over into that of
 * the sign. Many at a time, since each step looks at all of its weights; and not by comparing, which
 * compilers do one by one where the processor compares into masks. */
enum { LANES = 16 };
#define ARE_FINITE(name, word, exponent) \
  static bool name (const char *bytes, size_t count) \
  { \
    typedef word lanes __attribute__ ((vector_size (LANES * sizeof (word)))); \
    const word ones = (exponent), carry = ones & (~ones + 1); \
    lanes odd = { 0 }, many; \
    word one, any = 0; \
    size_t i = 0; \
    for (; i + LANES <= count; i += LANES) { \
      memcpy (&many, bytes + i * sizeof one, sizeof many); \
      odd |= (many & ones) + carry; \
    } \
    for (size_t k = 0; k < LANES; k++) \
      any |= odd[k]; \
    for (; i < count; i++) { \
      memcpy (&one, bytes + i * sizeof one, sizeof one); \
      any |= (one & ones) + carry; \
    } \
    return !(any >> (8 * sizeof (word) - 1)); \
  }
ARE_FINITE (singles_are_finite, uint32_t, UINT32_C (0xff) << 23)
ARE_FINITE (doubles_are_finite, uint64_t, UINT64_C (0x7ff) << 52)

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
  size_t count = adze_view_count (view);
  if (view->dtype.code == ADZE_FLOAT && view->dtype.bits == 32)
    return singles_are_finite (adze_view_data (view), count);
  if (view->dtype.code == ADZE_FLOAT && view->dtype.bits == 64)
    return doubles_are_finite (adze_view_data (view), count);
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

/* What the step is given. */
static bool
look_at_batch (const adze_trainer *t, adze_buffer *into)
{
  for (size_t i = 0; i < t->batch_inputs; i++) {
    if (!may_be_odd (t->inputs[i]->dtype) || adze_view_is_finite (t->inputs[i]))
      continue;
    adze_buffer_format (into,
                        "the batch has such numbers in its input '%s' already, first in its example "
                        "%" PRIu64,
                        t->graph->values[t->graph->inputs.items[i]]->name,
                        first_example (t->inputs[i]));
    return true;
  }
  return false;
}

/* Steps give no weight such numbers that the next one gets to see: it came with them. */
static bool
look_at_weights (const adze_trainer *t, adze_buffer *into)
{
  for (size_t i = 0; i < t->carried_count; i++) {
    if (t->carried[i].state || adze_view_is_finite (&t->carried[i].view))
      continue;
    adze_buffer_format (into, "the weight '%s' came with such numbers", t->carried[i].name);
    return true;
  }
  return false;
}

/* Of what NODE takes, the first that nobody computes and that has them. Constants without end are mostly
 * meant so. */
static const char *
odd_given (const adze_graph *graph, const adze_graph_node *node, bool infinite)
{
  for (size_t i = 0; i < node->input_count; i++) {
    const adze_graph_value *value = adze_graph_value_at (graph, node->inputs[i]);
    bool given = value && value->data && may_be_odd (value->dtype)
                 && (value->role == ADZE_ROLE_WEIGHT
                     || (value->role == ADZE_ROLE_CONSTANT && !infinite));
    if (!given)
      continue;
    const adze_view view = { .data = (void *)value->data, .device = { ADZE_DEVICE_CPU, 0 },
                             .dtype = value->dtype, .rank = value->rank,
                             .shape = (int64_t *)value->shape };
    if (has_odd (&view, infinite))
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

static adze_train_cause
name_first (const adze_graph *graph, const adze_view *const *outputs, adze_buffer *into)
{
  /* Infinities are what some networks mean by "never"; nan is what nobody means. */
  for (int infinite = 0; infinite < 2; infinite++)
    for (size_t i = 0; i < graph->outputs.count; i++) {
      const adze_graph_value *value = graph->values[graph->outputs.items[i]];
      if (!has_odd (outputs[i], infinite != 0))
        continue;
      const char *given = odd_given (graph, graph->nodes[value->node], infinite != 0);
      adze_graph_node_text (graph->nodes[value->node], into);
      adze_buffer_format (into, " was the first to give %s, in '%s'", infinite ? "inf" : "nan",
                          value->name);
      if (given)
        adze_buffer_format (into, ": '%s', which it takes, came with such numbers", given);
      return given ? ADZE_TRAIN_CAUSE_WEIGHT : ADZE_TRAIN_CAUSE_STEP;
    }
  return ADZE_TRAIN_CAUSE_STEP;
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
  *cause = name_first (graph, outputs, into);
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
