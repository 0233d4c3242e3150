/* SPDX-License-Identifier: Apache-2.0 */
/* graph/train_infinite.c: weights with infinities: are they meant?
 *
 * Who writes an infinity into a network means "never" or "always": a position that attention must not look at,
 * a bound that bounds nothing, the number that a maximum begins with. Such a one comes, added, chosen or only
 * moved, to a node that chooses by it: a softmax, a maximum, a comparison. Anywhere else it is damage, be it that
 * what comes of it looks sound: a Relu makes 0 of it, and that of some backends makes 0 of NaN. So an infinity is
 * followed from node to node until each node that it comes to has ended it; one that does not know what to do
 * with it, or that it reaches the loss, shows that it is not meant. */
#include <math.h>
#include <string.h>

#include "artifact/decode.h"
#include "graph/executable_private.h"
#include "graph/odd.h"
#include "graph/train_private.h"

enum { BELOW = 1, ABOVE = 2, BOTH = BELOW | ABOVE, ALL = 255 }; /* all numbers; all inputs */

/* ---- What nodes do with them. */

typedef struct meeting {
  const char *op;
  uint8_t first, last; /* inputs */
  uint8_t ends;        /* nothing of such comes out */
  uint8_t hands;       /* such come out as well */
} meeting;

static const meeting meetings[] = {
  /* It is chosen by them. */
  { "Softmax", 0, 0, BELOW, 0 },
  { "LogSoftmax", 0, 0, BELOW, 0 },
  { "SoftmaxCrossEntropyLoss", 0, 0, BELOW, 0 },
  { "Hardmax", 0, 0, BELOW, 0 },
  { "ReduceLogSumExp", 0, 0, BELOW, 0 },
  { "Exp", 0, 0, BELOW, 0 },
  { "Max", 0, ALL, BELOW, ABOVE },
  { "ReduceMax", 0, 0, BELOW, ABOVE },
  { "MaxPool", 0, 0, BELOW, ABOVE },
  { "GlobalMaxPool", 0, 0, BELOW, ABOVE },
  { "Min", 0, ALL, ABOVE, BELOW },
  { "ReduceMin", 0, 0, ABOVE, BELOW },
  { "Clip", 1, 1, BELOW, 0 },
  { "Clip", 2, 2, ABOVE, 0 },
  { "ArgMax", 0, 0, BOTH, 0 },
  { "ArgMin", 0, 0, BOTH, 0 },
  { "TopK", 0, 0, BOTH, 0 },
  { "Equal", 0, 1, BOTH, 0 },
  { "Greater", 0, 1, BOTH, 0 },
  { "GreaterOrEqual", 0, 1, BOTH, 0 },
  { "Less", 0, 1, BOTH, 0 },
  { "LessOrEqual", 0, 1, BOTH, 0 },
  { "IsInf", 0, 0, BOTH, 0 },
  { "IsNaN", 0, 0, BOTH, 0 },
  /* They are put beside numbers, or go elsewhere. */
  { "Add", 0, 1, 0, BOTH },
  { "Sum", 0, ALL, 0, BOTH },
  { "Sub", 0, 0, 0, BOTH },
  { "Where", 1, 2, 0, BOTH },
  { "Identity", 0, 0, 0, BOTH },
  { "Cast", 0, 0, 0, BOTH },
  { "CastLike", 0, 0, 0, BOTH },
  { "Reshape", 0, 0, 0, BOTH },
  { "Flatten", 0, 0, 0, BOTH },
  { "Squeeze", 0, 0, 0, BOTH },
  { "Unsqueeze", 0, 0, 0, BOTH },
  { "Transpose", 0, 0, 0, BOTH },
  { "Expand", 0, 0, 0, BOTH },
  { "Tile", 0, 0, 0, BOTH },
  { "Slice", 0, 0, 0, BOTH },
  { "Split", 0, 0, 0, BOTH },
  { "Concat", 0, ALL, 0, BOTH },
  { "Gather", 0, 0, 0, BOTH },
  { "GatherElements", 0, 0, 0, BOTH },
  { "GatherND", 0, 0, 0, BOTH },
  { "ScatterElements", 0, 0, 0, BOTH },
  { "ScatterElements", 2, 2, 0, BOTH },
  { "ScatterND", 0, 0, 0, BOTH },
  { "ScatterND", 2, 2, 0, BOTH },
  { "Compress", 0, 0, 0, BOTH },
  { "Trilu", 0, 0, 0, BOTH },
  { "Pad", 0, 0, 0, BOTH },
  { "Pad", 2, 2, 0, BOTH },
};

static bool
is (const adze_graph_node *node, const char *op)
{
  return !node->domain[0] && strcmp (node->op, op) == 0;
}

static unsigned
other_side (unsigned ends)
{
  return ((ends & BELOW) ? ABOVE : 0) | ((ends & ABOVE) ? BELOW : 0);
}

static unsigned
infinities_of (const adze_view *view)
{
  enum { PIECE = 256 };
  double numbers[PIECE];
  unsigned found = 0;
  size_t count = adze_view_count (view), each = view->dtype.bits / 8;
  for (size_t at = 0; at < count && found != BOTH; at += PIECE) {
    size_t piece = count - at < PIECE ? count - at : PIECE;
    adze_decode (view->dtype, (const char *)adze_view_data (view) + at * each, piece, numbers);
    for (size_t i = 0; i < piece; i++)
      if (isinf (numbers[i]))
        found |= numbers[i] < 0 ? BELOW : ABOVE;
  }
  return found;
}

/* A temperature, say. One that is computed is taken to be: if it is not, NaN comes of it, or what only the loss
 * can show. */
static bool
is_positive (const adze_graph *graph, uint32_t number)
{
  const adze_graph_value *value = adze_graph_value_at (graph, number);
  if (!value || !value->data)
    return true;
  const adze_view view = adze_odd_view_of (value);
  size_t count = adze_view_count (&view), each = view.dtype.bits / 8;
  for (size_t i = 0; i < count; i++) {
    double one;
    adze_decode (view.dtype, (const char *)view.data + i * each, 1, &one);
    if (!(one > 0) || isinf (one))
      return false;
  }
  return true;
}

static bool
has_input (const adze_graph_node *node, size_t index)
{
  return index < node->input_count && node->inputs[index] != ADZE_NONE;
}

/* ENDS come in at INDEX, and GIVES is added to. False: it is not known what such would mean here. */
static bool
meets (const adze_graph *graph, const adze_graph_node *node, size_t index, unsigned ends,
       unsigned *gives)
{
  unsigned stops = 0, hands = 0;
  if (is (node, "Neg") || (is (node, "Sub") && index == 1)) {
    *gives |= other_side (ends);
    return true;
  }
  if (is (node, "Mul") || (is (node, "Div") && index == 0))
    hands = is_positive (graph, node->inputs[1 - index]) ? BOTH : 0;
  else if (is (node, "Clip") && index == 0) {
    stops = (has_input (node, 1) ? BELOW : 0) | (has_input (node, 2) ? ABOVE : 0);
    hands = BOTH & ~stops;
  }
  for (size_t i = 0; i < ADZE_COUNT_OF (meetings); i++)
    if (is (node, meetings[i].op) && index >= meetings[i].first && index <= meetings[i].last) {
      stops |= meetings[i].ends;
      hands |= meetings[i].hands;
    }
  *gives |= ends & hands;
  return (ends & ~(stops | hands)) == 0;
}

/* ---- Followed. */

typedef struct course {
  const adze_graph *home; /* that the weight is of: the step's, or a body in it */
  uint32_t weight;
  unsigned ends; /* that it has */
  const adze_graph_node *stranger; /* that it is not meant for */
} course;

static adze_error *follow (course *c, const adze_graph *graph, const bool *reached, uint8_t *ends);

/* What NODE is given goes into its bodies, whose inputs are its last ones; what comes out may be any output. */
static adze_error *
follow_inside (course *c, const adze_graph_node *node, const adze_graph *body, const uint8_t *ends,
               unsigned *gives)
{
  ADZE_AUTO_FREE uint8_t *inside = calloc (body->value_count + 1, sizeof *inside);
  if (!inside)
    return adze_error_memory ();
  for (size_t k = 1; k <= body->inputs.count && k <= node->input_count; k++)
    if (node->inputs[node->input_count - k] != ADZE_NONE)
      inside[body->inputs.items[body->inputs.count - k]] = ends[node->inputs[node->input_count - k]];
  ADZE_TRY (follow (c, body, NULL, inside));
  for (size_t i = 0; i < body->outputs.count; i++)
    *gives |= inside[body->outputs.items[i]];
  return NULL;
}

static adze_error *
follow_node (course *c, const adze_graph *graph, const adze_graph_node *node, uint8_t *ends)
{
  unsigned gives = 0;
  bool inside = adze_node_has_bodies (node), meant = true;
  for (size_t i = 0; inside && !c->stranger && i < node->attribute_count; i++)
    if (node->attributes[i].type == ADZE_ATTRIBUTE_GRAPH)
      ADZE_TRY (follow_inside (c, node, node->attributes[i].graph, ends, &gives));
  for (size_t i = 0; !inside && meant && i < node->input_count; i++)
    if (has_input (node, i) && ends[node->inputs[i]])
      meant = meets (graph, node, i, ends[node->inputs[i]], &gives);
  if (!meant && !c->stranger)
    c->stranger = node;
  for (size_t i = 0; i < node->output_count; i++)
    if (node->outputs[i] != ADZE_NONE)
      ends[node->outputs[i]] |= (uint8_t)gives;
  return NULL;
}

/* ENDS: of each value, those that it may have. Nodes are in order already, those of bodies as well. */
static adze_error *
follow (course *c, const adze_graph *graph, const bool *reached, uint8_t *ends)
{
  if (graph == c->home)
    ends[c->weight] |= (uint8_t)c->ends;
  for (size_t n = 0; n < graph->order.count && !c->stranger; n++) {
    const adze_graph_node *node = graph->nodes[graph->order.items[n]];
    if (!reached || adze_train_is_reached (node, reached))
      ADZE_TRY (follow_node (c, graph, node, ends));
  }
  return NULL;
}

adze_error *
adze_train_find_stranger (const adze_trainer *t, const bool *reached, const adze_graph *home,
                          uint32_t weight, const adze_view *view, const adze_graph_node **stranger)
{
  const uint32_t *order;
  size_t count;
  course c = { .home = home, .weight = weight, .ends = infinities_of (view) };
  *stranger = NULL;
  if (!c.ends)
    return NULL;
  ADZE_TRY (adze_graph_order (t->graph, &order, &count));
  ADZE_AUTO_FREE uint8_t *ends = calloc (t->graph->value_count + 1, sizeof *ends);
  if (!ends)
    return adze_error_memory ();
  ADZE_TRY (follow (&c, t->graph, reached, ends));
  if (!c.stranger && ends[t->loss])
    c.stranger = t->graph->nodes[t->graph->values[t->loss]->node];
  *stranger = c.stranger;
  return NULL;
}
