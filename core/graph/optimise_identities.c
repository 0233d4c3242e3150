/* SPDX-License-Identifier: Apache-2.0 */
/* graph/optimise_identities.c: nodes that give what they take, and moves behind moves. */
#include "graph/optimise_private.h"

#include <math.h>

#include <adze/numbers.h>

/* ---- Shapes. */

/* Of as many elements, so one dimension that nobody knows is the same in both. */
static bool
same_shape (const adze_graph_value *a, const adze_graph_value *b)
{
  int unknown = 0;
  if (a->rank < 0 || a->rank != b->rank)
    return false;
  for (int32_t i = 0; i < a->rank; i++) {
    if (a->shape[i] == b->shape[i])
      continue;
    if (a->shape[i] >= 0 || b->shape[i] >= 0)
      return false;
    unknown++;
  }
  return unknown <= 1;
}

/* Zero elements say nothing of a dimension. */
static bool
has_zero (const adze_graph_value *value)
{
  for (int32_t i = 0; i < value->rank; i++)
    if (value->shape[i] == 0)
      return true;
  return false;
}

static bool
known_shape (const adze_graph_value *value)
{
  for (int32_t i = 0; i < value->rank; i++)
    if (value->shape[i] < 0)
      return false;
  return value->rank >= 0;
}

/* Is what is stretched to OTHER no larger than that? */
static bool
fits_into (const adze_graph_value *value, const adze_graph_value *other)
{
  if (value->rank < 0 || value->rank > other->rank)
    return false;
  for (int32_t i = 1; i <= value->rank; i++) {
    int64_t size = value->shape[value->rank - i];
    if (size != 1 && (size < 0 || size != other->shape[other->rank - i]))
      return false;
  }
  return true;
}

/* ---- Numbers. */

/* Are all elements of a constant NUMBER, its sign included where it is zero? */
static bool
is_all (const adze_graph *graph, uint32_t value, double number)
{
  enum { BLOCK = 256 };
  const adze_graph_value *known = adze_pass_numbers (graph, value);
  uint64_t elements, bytes;
  double block[BLOCK];
  if (!known || known->role != ADZE_ROLE_CONSTANT || !adze_dtype_is_number (known->dtype)
      || !adze_pass_size (known, &elements, &bytes) || elements == 0)
    return false;
  bool whole = known->dtype.code == ADZE_INT || known->dtype.code == ADZE_UINT;
  for (uint64_t at = 0; at < elements; at += BLOCK) {
    size_t count = elements - at < BLOCK ? (size_t)(elements - at) : BLOCK;
    adze_numbers_read (known->dtype,
                       (const char *)known->data + at * (known->dtype.bits / 8), count, block);
    for (size_t i = 0; i < count; i++)
      if (block[i] != number || (!whole && signbit (block[i]) != signbit (number)))
        return false;
  }
  return true;
}

/* The input that an Add, Sub, Mul or Div gives, since the other one changes no bit: x + -0 is x for
 * -0 too, and x + 0 is not. */
static uint32_t
through_arithmetic (const adze_graph *graph, const adze_graph_node *node)
{
  static const struct {
    const char *op;
    double neutral;
    bool first; /* may be the first, too */
  } rules[] = {
    { "Add", -0.0, true }, { "Sub", 0.0, false }, { "Mul", 1, true }, { "Div", 1, false }
  };
  for (size_t r = 0; r < ADZE_COUNT_OF (rules); r++) {
    if (!adze_pass_is (node, rules[r].op))
      continue;
    for (size_t i = 0; i < (rules[r].first ? 2u : 1u); i++) {
      const adze_graph_value *other = graph->values[node->inputs[1 - i]];
      if (is_all (graph, node->inputs[1 - i], rules[r].neutral)
          && fits_into (other, graph->values[node->inputs[i]]))
        return node->inputs[i];
    }
  }
  return ADZE_NONE;
}

/* ---- Nodes. */

/* Nobody trains: the mode is left out, or says no; and nobody asks which elements were dropped. */
static bool
is_idle_dropout (const adze_graph *graph, const adze_graph_node *node)
{
  uint32_t mode = adze_pass_in (node, 2);
  const adze_graph_value *known = adze_pass_numbers (graph, mode);
  if (!adze_pass_is (node, "Dropout")
      || (node->output_count > 1 && node->outputs[1] != ADZE_NONE
          && (adze_graph_uses (graph, node->outputs[1])
              || adze_graph_gives (graph, node->outputs[1]))))
    return false;
  return mode == ADZE_NONE || (known && !*(const uint8_t *)known->data);
}

static bool
keeps_order (const adze_graph_node *node)
{
  size_t count;
  const int64_t *perm = adze_node_ints (node, "perm", &count);
  for (size_t i = 0; i < count; i++)
    if (perm[i] != (int64_t)i)
      return false;
  return perm != NULL;
}

static bool
is_same_by_shape (const adze_graph *graph, const adze_graph_node *node)
{
  const adze_graph_value *in = graph->values[node->inputs[0]],
                         *out = graph->values[node->outputs[0]];
  if (adze_pass_is_one_of (node, "Reshape Flatten Squeeze Unsqueeze"))
    return same_shape (in, out) && !has_zero (in);
  if (adze_pass_is_one_of (node, "Expand Tile"))
    return known_shape (in) && known_shape (out) && same_shape (in, out);
  return adze_pass_is (node, "Pad") && is_all (graph, node->inputs[1], 0);
}

static bool
is_same_type (const adze_graph *graph, const adze_graph_node *node)
{
  const adze_graph_value *in = graph->values[node->inputs[0]],
                         *out = graph->values[node->outputs[0]];
  return in->dtype.bits && memcmp (&in->dtype, &out->dtype, sizeof in->dtype) == 0;
}

/* The value that output 0 of a node is another name for, or ADZE_NONE. */
static uint32_t
same_as (const adze_graph *graph, const adze_graph_node *node)
{
  if (node->input_count == 0 || node->inputs[0] == ADZE_NONE || node->output_count == 0
      || node->outputs[0] == ADZE_NONE)
    return ADZE_NONE;
  bool same = adze_pass_is (node, "Identity") || is_idle_dropout (graph, node)
              || (adze_pass_is_one_of (node, "Cast CastLike") && is_same_type (graph, node))
              || (adze_pass_is_one_of (node, "Concat Sum Max Min") && node->input_count == 1)
              || (adze_pass_is (node, "Transpose") && keeps_order (node))
              || is_same_by_shape (graph, node);
  return same ? node->inputs[0] : through_arithmetic (graph, node);
}

/* ---- Moves behind moves. */

static adze_error *
skip_maker (adze_graph *graph, const adze_graph_node *node, const adze_graph_node *maker)
{
  uint32_t middle = node->inputs[0];
  ADZE_TRY (adze_graph_set_input (graph, node->number, 0, maker->inputs[0]));
  adze_pass_forget (graph, middle);
  return NULL;
}

/* A zero means a dimension of what goes in, which is to be another value. */
static bool
names_its_shape (const adze_graph *graph, const adze_graph_node *node)
{
  const adze_graph_value *shape = adze_pass_numbers (graph, node->inputs[1]);
  if (!shape || shape->rank != 1)
    return false;
  for (int64_t i = 0; i < shape->shape[0]; i++)
    if (((const int64_t *)shape->data)[i] == 0)
      return false;
  return true;
}

static adze_error *
join_transposes (adze_graph *graph, const adze_graph_node *node, const adze_graph_node *maker)
{
  size_t count, inner_count;
  int64_t joined[ADZE_GRAPH_RANK];
  const int64_t *outer = adze_node_ints (node, "perm", &count);
  const int64_t *inner = adze_node_ints (maker, "perm", &inner_count);
  int32_t rank = graph->values[node->inputs[0]]->rank;
  /* Left out, dimensions are turned round. */
  for (int64_t i = 0; i < rank; i++) {
    int64_t middle = outer ? outer[i] : rank - 1 - i;
    joined[i] = inner ? inner[middle] : rank - 1 - middle;
  }
  const adze_graph_attribute perm = adze_attribute_ints ("perm", joined, (size_t)rank);
  ADZE_TRY (adze_graph_set_attribute (graph, node->number, &perm));
  return skip_maker (graph, node, maker);
}

static adze_error *
join_moves (adze_graph *graph, const adze_graph_node *node, uint64_t *changed)
{
  const adze_graph_value *in = adze_graph_value_at (graph, adze_pass_in (node, 0));
  const adze_graph_node *maker
      = in && in->node != ADZE_NONE ? graph->nodes[in->node] : NULL;
  if (adze_pass_is (node, "Transpose") && adze_pass_is (maker, "Transpose") && in->rank >= 0) {
    ++*changed;
    return join_transposes (graph, node, maker);
  }
  if (adze_pass_is (node, "Reshape") && names_its_shape (graph, node)
      && adze_pass_is_one_of (maker, "Reshape Flatten Squeeze Unsqueeze")) {
    ++*changed;
    return skip_maker (graph, node, maker);
  }
  return NULL;
}

adze_error *
adze_pass_identities (adze_graph *graph, uint64_t *changed)
{
  for (uint32_t n = 0; n < graph->node_count; n++) {
    bool done = false;
    if (!graph->nodes[n])
      continue;
    uint32_t same = same_as (graph, graph->nodes[n]);
    if (same != ADZE_NONE)
      ADZE_TRY (adze_pass_merge (graph, n, graph->nodes[n]->outputs[0], same, &done));
    *changed += done;
    if (!done)
      ADZE_TRY (join_moves (graph, graph->nodes[n], changed));
  }
  return NULL;
}
