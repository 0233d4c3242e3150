/* SPDX-License-Identifier: Apache-2.0 */
/* graph/infer_control.c: types and shapes of nodes with bodies, and of what is inside.
 *
 * Before anything runs, what flows into a node is told to its bodies, they are inferred, and the
 * node's rule takes what their outputs have come to be. What goes round in a loop may change its
 * shape on the way: what holds for all turns is found out on copies first. Of an If, a branch may be
 * wrong for the shapes that flow in, since shapes are what often decides: it is refused when it is
 * taken, or when there is no other. */
#include <string.h>

#include "graph/graph_private.h"
#include "graph/infer.h"

static const adze_graph *
body_of (const adze_graph_node *node, const char *name)
{
  const adze_graph_attribute *found = adze_node_attribute (node, name);
  return found && found->type == ADZE_ATTRIBUTE_GRAPH ? found->graph : NULL;
}

/* ---- Telling a body. */

/* Dimensions of GRAPH in BODY: the same symbol there for the same here, by its name. */
static adze_error *
dimension_inside (const adze_graph *graph, adze_graph *body, int64_t dimension, int64_t *into)
{
  *into = dimension;
  return dimension >= 0 ? NULL
                        : adze_graph_add_symbol (
                            body, adze_graph_symbol (graph, (uint32_t)(-1 - dimension)), into);
}

static adze_error *
tell_input (const adze_infer *infer, const adze_graph *graph, adze_graph *body, size_t index,
            const adze_infer_value *known)
{
  uint32_t number = body->inputs.items[index];
  const adze_graph_value *input = body->values[number];
  adze_dtype dtype = known->dtype.bits ? known->dtype : input->dtype;
  if (input->dtype.bits && memcmp (&dtype, &input->dtype, sizeof dtype) != 0)
    return adze_infer_refuse (infer, "body '%s' takes '%s' as another type than what flows in",
                              body->name, input->name);
  int64_t shape[ADZE_GRAPH_RANK];
  /* Sizes and axes that are known out here say as much inside. */
  body->values[number]->data = known->data;
  if (known->rank < 0)
    return adze_graph_set_type (body, number, dtype, input->rank, input->shape);
  bool fits = input->rank < 0 || input->rank == known->rank;
  for (int32_t d = 0; d < known->rank; d++) {
    ADZE_TRY (dimension_inside (graph, body, known->shape[d], &shape[d]));
    int64_t said = input->rank == known->rank ? input->shape[d] : -1;
    fits = fits && (said < 0 || shape[d] < 0 || said == shape[d]);
    shape[d] = shape[d] < 0 && said >= 0 ? said : shape[d];
  }
  if (!fits)
    return adze_infer_refuse (infer, "body '%s' takes '%s' in another shape than what flows in",
                              body->name, input->name);
  return adze_graph_set_type (body, number, dtype, known->rank, shape);
}

static adze_error *
tell_body (const adze_infer *infer, const adze_graph *graph, adze_graph *body,
           const adze_infer_value *known, size_t count)
{
  if (body->inputs.count != count)
    return adze_infer_refuse (infer, "body '%s' takes %zu inputs, and %zu flow in", body->name,
                              body->inputs.count, count);
  for (size_t i = 0; i < count; i++)
    ADZE_TRY (tell_input (infer, graph, body, i, &known[i]));
  return adze_graph_infer (body);
}

/* ---- What goes round. */

/* Of a loop's body: inputs FIRST_STATE on and outputs FIRST_OUT on, STATES of each, go round. */
typedef struct round_trip {
  size_t first_state, first_out, states;
} round_trip;

/* Holds what came out of a copy against what went in, and forgets what did not stay the same. */
static adze_error *
forget_changes (const adze_infer *infer, adze_graph *graph, const adze_graph *copy,
                const round_trip *trip, adze_infer_value *known, bool *changed)
{
  *changed = false;
  for (size_t i = 0; i < trip->states; i++) {
    adze_infer_value *state = &known[trip->first_state + i];
    const adze_graph_value *in = copy->values[copy->inputs.items[trip->first_state + i]];
    const adze_graph_value *out = copy->values[copy->outputs.items[trip->first_out + i]];
    if (in->dtype.bits && out->dtype.bits
        && memcmp (&in->dtype, &out->dtype, sizeof in->dtype) != 0)
      return adze_infer_refuse (infer, "body '%s' gives '%s' as another type than it takes '%s'",
                                copy->name, out->name, in->name);
    if (state->rank < 0)
      continue;
    if (in->rank != out->rank) {
      state->rank = -1;
      *changed = true;
      continue;
    }
    for (int32_t d = 0; d < in->rank; d++)
      if (in->shape[d] != out->shape[d] && state->shape[d] >= 0) {
        ADZE_TRY (adze_graph_add_symbol (graph, NULL, &state->shape[d]));
        *changed = true;
      }
  }
  return NULL;
}

/* One more turn. What is wrong in the FIRST is wrong: those are the shapes that it will have. Later
 * ones are guesses, which prove nothing when they fail, so that all are forgotten. */
static adze_error *
try_round (const adze_infer *infer, adze_graph *graph, const adze_graph *body,
           const round_trip *trip, adze_infer_value *known, size_t count, bool first, bool *changed)
{
  ADZE_AUTO_GRAPH copy = NULL;
  ADZE_TRY (adze_graph_copy (body, &copy));
  adze_error *error = tell_body (infer, graph, copy, known, count);
  if (!error)
    return forget_changes (infer, graph, copy, trip, known, changed);
  if (first)
    return error;
  adze_error_free (error);
  for (size_t i = 0; i < trip->states; i++)
    known[trip->first_state + i].rank = -1;
  *changed = false;
  return NULL;
}

/* ---- The three operators. */

static adze_graph *
own_body (adze_graph *graph, const adze_graph *body)
{
  for (size_t i = 0; i < graph->body_count; i++)
    if (graph->bodies[i] == body)
      return graph->bodies[i];
  return NULL;
}

static adze_error *
infer_loop (const adze_infer *infer, adze_graph *graph, const char *name, const round_trip *trip,
            adze_infer_value *known, size_t count)
{
  adze_graph *body = own_body (graph, body_of (infer->node, name));
  const uint32_t *order;
  size_t nodes;
  if (!body)
    return NULL; /* what is missing is refused by the row */
  if (body->outputs.count < trip->first_out + trip->states)
    return adze_infer_refuse (infer, "body '%s' gives %zu outputs; %zu at least are needed",
                              body->name, body->outputs.count, trip->first_out + trip->states);
  /* Shapes may hold for all turns; of numbers only those that are captured do. */
  for (size_t i = 0; i < count - infer->node->captured_count; i++)
    known[i].data = NULL;
  if (body->inputs.count != count)
    return tell_body (infer, graph, body, known, count);
  ADZE_TRY (adze_graph_order (body, &order, &nodes));
  bool changed = trip->states > 0;
  for (int turn = 0; changed && turn < ADZE_GRAPH_RANK; turn++)
    ADZE_TRY (try_round (infer, graph, body, trip, known, count, turn == 0, &changed));
  return tell_body (infer, graph, body, known, count);
}

static const char *const branches[] = { "then_branch", "else_branch" };

/* May branch number BRANCH be taken, for all that is known of the condition? */
static bool
may_take (const adze_infer_value *condition, int branch)
{
  if (!condition->data || condition->dtype.code != ADZE_BOOL || adze_infer_count (condition) != 1)
    return true;
  return (*(const unsigned char *)condition->data != 0) == (branch == 0);
}

/* What is wrong with a branch for the sizes that flow in does not count if the other can be computed. */
static adze_error *
try_branch (const adze_infer *infer, adze_graph *graph, adze_graph *body,
            const adze_infer_value *inputs, adze_error **refusal)
{
  size_t captured = infer->node->captured_count;
  adze_error *error
      = tell_body (infer, graph, body, inputs + infer->node->input_count - captured, captured);
  if (error && adze_error_status (error) != ADZE_E_FORMAT)
    return error;
  body->refuted = error != NULL;
  *refusal = error;
  return NULL;
}

static adze_error *
bodies_of_if (const adze_infer *infer, adze_graph *graph, const adze_infer_value *inputs)
{
  ADZE_AUTO_ERROR first = NULL;
  ADZE_AUTO_ERROR second = NULL;
  adze_error **refusals[] = { &first, &second };
  bool possible = false;
  for (int i = 0; i < 2; i++) {
    adze_graph *body = own_body (graph, body_of (infer->node, branches[i]));
    if (!body)
      return NULL; /* what is missing is refused by the row */
    ADZE_TRY (adze_graph_check_operators (body));
    body->refuted = !may_take (&inputs[0], i);
    if (!body->refuted)
      ADZE_TRY (try_branch (infer, graph, body, inputs, refusals[i]));
    possible = possible || !body->refuted;
  }
  if (possible)
    return NULL;
  return first ? adze_take (&first) : adze_take (&second);
}

/* The body takes the number of the turn, whether it goes on, the states, what is captured. */
static adze_error *
bodies_of_loop (const adze_infer *infer, adze_graph *graph, const adze_infer_value *inputs)
{
  size_t count = infer->node->input_count;
  if (count - infer->node->captured_count < 2)
    return NULL;
  ADZE_AUTO_FREE adze_infer_value *known = calloc (count, sizeof *known);
  if (!known)
    return adze_error_memory ();
  memcpy (known, inputs, count * sizeof *known);
  known[0] = (adze_infer_value){ .dtype = { ADZE_INT, 64, 1 }, .given = true };
  known[1] = (adze_infer_value){ .dtype = { ADZE_BOOL, 8, 1 }, .given = true };
  round_trip trip = { .first_state = 2, .first_out = 1,
                      .states = count - infer->node->captured_count - 2 };
  return infer_loop (infer, graph, "body", &trip, known, count);
}

/* How many inputs are scanned; -1: the attribute cannot be. */
static int64_t
scanned_count (const adze_graph_node *node)
{
  int64_t scanned = adze_node_int (node, "num_scan_inputs", -1);
  int64_t inputs = (int64_t)(node->input_count - node->captured_count);
  return scanned >= 1 && scanned <= inputs ? scanned : -1;
}

/* Takes the axis that is scanned along out of a shape. */
static adze_error *
slice_of (const adze_infer *infer, size_t scan, adze_infer_value *value, int64_t *length)
{
  size_t count;
  int32_t axis;
  const int64_t *axes = adze_node_ints (infer->node, "scan_input_axes", &count);
  *length = -1;
  if (value->rank < 0)
    return NULL;
  ADZE_TRY (adze_infer_axis (infer, scan < count ? axes[scan] : 0, value->rank, &axis));
  *length = value->shape[axis];
  value->rank--;
  for (int32_t d = axis; d < value->rank; d++)
    value->shape[d] = value->shape[d + 1];
  return NULL;
}

/* The body takes the states, a slice of each that is scanned, what is captured. */
static adze_error *
bodies_of_scan (const adze_infer *infer, adze_graph *graph, const adze_infer_value *inputs)
{
  size_t count = infer->node->input_count;
  int64_t scanned = scanned_count (infer->node), length;
  if (scanned < 0)
    return NULL;
  ADZE_AUTO_FREE adze_infer_value *known = calloc (count, sizeof *known);
  if (!known)
    return adze_error_memory ();
  memcpy (known, inputs, count * sizeof *known);
  round_trip trip = { .states = count - infer->node->captured_count - (size_t)scanned };
  for (size_t i = 0; i < (size_t)scanned; i++)
    ADZE_TRY (slice_of (infer, i, &known[trip.states + i], &length));
  return infer_loop (infer, graph, "body", &trip, known, count);
}

adze_error *
adze_infer_bodies (adze_graph *graph, const adze_graph_node *node, const adze_infer_value *inputs)
{
  adze_infer infer = { .node = node };
  if (node->domain[0] || node->captured_count > node->input_count)
    return NULL;
  if (strcmp (node->op, "If") == 0)
    return bodies_of_if (&infer, graph, inputs);
  if (strcmp (node->op, "Loop") == 0)
    return bodies_of_loop (&infer, graph, inputs);
  return strcmp (node->op, "Scan") == 0 ? bodies_of_scan (&infer, graph, inputs) : NULL;
}

/* ---- Rules: what comes of the bodies' outputs. */

/* Dimensions in a body are numbers, or symbols of its own that mean nothing out here. */
static int64_t
dimension_outside (const adze_infer *infer, int64_t dimension)
{
  return dimension >= 0 ? dimension : adze_infer_fresh (infer);
}

static const adze_graph_value *
output_at (const adze_graph *body, size_t index)
{
  return body->values[body->outputs.items[index]];
}

static adze_error *
check_outputs (const adze_infer *infer, const adze_graph *body, size_t needed)
{
  if (body->outputs.count == needed)
    return NULL;
  return adze_infer_refuse (infer, "body '%s' gives %zu outputs; the node needs %zu", body->name,
                            body->outputs.count, needed);
}

/* What the only branch gives that can be taken, for dimensions in a body are not those out here. */
static void
give_branch (adze_infer *infer, const adze_graph *body)
{
  for (size_t i = 0; i < infer->output_count; i++) {
    const adze_graph_value *value = output_at (body, i);
    int64_t shape[ADZE_GRAPH_RANK];
    adze_infer_type (infer, i, value->dtype);
    for (int32_t d = 0; d < value->rank; d++)
      shape[d] = dimension_outside (infer, value->shape[d]);
    if (value->rank >= 0)
      adze_infer_shape (infer, i, value->rank, shape);
  }
}

/* What both branches give. */
static adze_error *
if_rule (adze_infer *infer)
{
  const adze_graph *then_body = body_of (infer->node, branches[0]);
  const adze_graph *else_body = body_of (infer->node, branches[1]);
  ADZE_TRY (check_outputs (infer, then_body, infer->output_count));
  ADZE_TRY (check_outputs (infer, else_body, infer->output_count));
  if (then_body->refuted != else_body->refuted) {
    give_branch (infer, then_body->refuted ? else_body : then_body);
    return NULL;
  }
  for (size_t i = 0; i < infer->output_count; i++) {
    const adze_graph_value *a = output_at (then_body, i), *b = output_at (else_body, i);
    if (a->dtype.bits && b->dtype.bits && memcmp (&a->dtype, &b->dtype, sizeof a->dtype) != 0)
      return adze_infer_refuse (infer, "its branches give '%s' and '%s', of different types",
                                a->name,
                                b->name);
    adze_infer_type (infer, i, a->dtype.bits ? a->dtype : b->dtype);
    if (a->rank < 0 || a->rank != b->rank)
      continue;
    int64_t shape[ADZE_GRAPH_RANK];
    for (int32_t d = 0; d < a->rank; d++)
      shape[d] = dimension_outside (infer, a->shape[d] == b->shape[d] ? a->shape[d] : -1);
    adze_infer_shape (infer, i, a->rank, shape);
  }
  return NULL;
}

/* States come out as they went round; INPUT is the first. */
static void
state_outputs (adze_infer *infer, const adze_graph *body, const round_trip *trip, size_t input)
{
  for (size_t i = 0; i < trip->states; i++) {
    const adze_graph_value *in = body->values[body->inputs.items[trip->first_state + i]];
    const adze_graph_value *out = output_at (body, trip->first_out + i);
    const adze_infer_value *first = &infer->inputs[input + i];
    adze_infer_type (infer, i, out->dtype.bits ? out->dtype : first->dtype);
    if (first->rank < 0 || in->rank != out->rank || out->rank != first->rank)
      continue;
    int64_t shape[ADZE_GRAPH_RANK];
    for (int32_t d = 0; d < out->rank; d++)
      shape[d] = in->shape[d] == out->shape[d] ? first->shape[d] : adze_infer_fresh (infer);
    adze_infer_shape (infer, i, out->rank, shape);
  }
}

/* What each turn gives is stacked along an axis. */
static adze_error *
stacked_output (adze_infer *infer, size_t output, const adze_graph_value *out, int64_t axis,
                int64_t length)
{
  int64_t shape[ADZE_GRAPH_RANK];
  int32_t place, from = 0;
  adze_infer_type (infer, output, out->dtype);
  if (out->rank < 0)
    return NULL;
  ADZE_TRY (adze_infer_fits (infer, out->rank + 1));
  ADZE_TRY (adze_infer_axis (infer, axis, out->rank + 1, &place));
  for (int32_t d = 0; d <= out->rank; d++)
    shape[d] = d == place ? length : dimension_outside (infer, out->shape[from++]);
  adze_infer_shape (infer, output, out->rank + 1, shape);
  return NULL;
}

static adze_error *
loop_rule (adze_infer *infer)
{
  const adze_graph *body = body_of (infer->node, "body");
  size_t inputs = infer->input_count - infer->node->captured_count;
  if (inputs < 2)
    return adze_infer_refuse (infer, "has %zu inputs; a number of turns and a condition are the "
                              "first two, even if left out", inputs);
  round_trip trip = { .first_state = 2, .first_out = 1, .states = inputs - 2 };
  if (infer->output_count < trip.states || body->inputs.count != infer->input_count)
    return adze_infer_refuse (infer, "has %zu states; it gives %zu outputs, and body '%s' takes "
                              "%zu inputs", trip.states, infer->output_count, body->name,
                              body->inputs.count);
  ADZE_TRY (check_outputs (infer, body, 1 + infer->output_count));
  state_outputs (infer, body, &trip, 2);
  int64_t turns = adze_infer_fresh (infer);
  for (size_t i = trip.states; i < infer->output_count; i++)
    ADZE_TRY (stacked_output (infer, i, output_at (body, 1 + i), 0, turns));
  return NULL;
}

/* Attribute NAME, COUNT numbers of them, each LEAST to MOST. */
static adze_error *
check_scan_list (const adze_infer *infer, const char *name, size_t count, int64_t least,
                 int64_t most)
{
  size_t found;
  const int64_t *values = adze_node_ints (infer->node, name, &found);
  for (size_t i = 0; values && i < found; i++)
    if (found != count || values[i] < least || values[i] > most)
      return adze_infer_refuse (infer, "attribute '%s' has %zu numbers, number %zu of them %lld; "
                                "%zu from %lld to %lld are needed", name, found, i,
                                (long long)values[i], count, (long long)least, (long long)most);
  return NULL;
}

/* How many turns: all inputs that are scanned say the same. */
static adze_error *
scan_length (const adze_infer *infer, size_t first, size_t count, int64_t *length)
{
  *length = adze_infer_fresh (infer);
  for (size_t i = 0; i < count; i++) {
    int64_t turns;
    adze_infer_value value = infer->inputs[first + i];
    bool known = value.rank >= 0;
    ADZE_TRY (slice_of (infer, i, &value, &turns));
    if (known)
      ADZE_TRY (adze_infer_same (infer, *length, turns, "the length of what is scanned", length));
  }
  return NULL;
}

static adze_error *
scan_rule (adze_infer *infer)
{
  const adze_graph *body = body_of (infer->node, "body");
  int64_t scanned = scanned_count (infer->node), length;
  size_t inputs = infer->input_count - infer->node->captured_count, count;
  if (scanned < 0)
    return adze_infer_refuse (infer, "attribute 'num_scan_inputs' is %lld; there are %zu inputs",
                              (long long)adze_node_int (infer->node, "num_scan_inputs", -1),
                              inputs);
  round_trip trip = { .states = inputs - (size_t)scanned };
  if (infer->output_count < trip.states || body->inputs.count != infer->input_count)
    return adze_infer_refuse (infer, "has %zu states; it gives %zu outputs, and body '%s' takes "
                              "%zu inputs", trip.states, infer->output_count, body->name,
                              body->inputs.count);
  size_t stacked = infer->output_count - trip.states;
  ADZE_TRY (check_outputs (infer, body, infer->output_count));
  ADZE_TRY (check_scan_list (infer, "scan_input_axes", (size_t)scanned, -ADZE_GRAPH_RANK,
                             ADZE_GRAPH_RANK));
  ADZE_TRY (check_scan_list (infer, "scan_input_directions", (size_t)scanned, 0, 1));
  ADZE_TRY (check_scan_list (infer, "scan_output_axes", stacked, -ADZE_GRAPH_RANK,
                             ADZE_GRAPH_RANK));
  ADZE_TRY (check_scan_list (infer, "scan_output_directions", stacked, 0, 1));
  ADZE_TRY (scan_length (infer, trip.states, (size_t)scanned, &length));
  state_outputs (infer, body, &trip, 0);
  const int64_t *axes = adze_node_ints (infer->node, "scan_output_axes", &count);
  for (size_t i = 0; i < stacked; i++)
    ADZE_TRY (stacked_output (infer, trip.states + i, output_at (body, trip.states + i),
                              axes && count ? axes[i] : 0, length));
  return NULL;
}

/* ---- */

const adze_operator adze_operators_control[] = {
  { "", "If", 1, 1, 1, 255, "a", ".", { ADZE_T_BOOL }, "else_branch:g! then_branch:g!", if_rule },
  { "", "Loop", 0, 255, 0, 255, "ab.", ".", { ADZE_T_INT64, ADZE_T_BOOL }, "body:g!", loop_rule },
  { "", "Scan", 1, 255, 1, 255, ".", ".", { 0 },
    "body:g! num_scan_inputs:i! scan_input_axes:I scan_input_directions:I "
    "scan_output_axes:I scan_output_directions:I", scan_rule },
  { .name = NULL },
};
