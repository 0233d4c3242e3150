/* SPDX-License-Identifier: Apache-2.0 */
/* graph/gradient_rnn.c: gradients of RNN, GRU and LSTM. What the node computes is said step by step in
 * ordinary operators, and differentiated by their rules, so that all further derivatives are there as
 * well. So the number of steps must be known when the graph is differentiated. */
#include <strings.h>

#include "graph/gradient_words.h"

enum { MOST_FUNCTIONS = 6 };

typedef struct activation {
  const char *name;
  bool takes_alpha, takes_beta;
  double alpha, beta;
} activation;

static const activation activations[] = {
  { "Relu", false, false, 0, 0 },
  { "Tanh", false, false, 0, 0 },
  { "Sigmoid", false, false, 0, 0 },
  { "Affine", true, true, 1, 0 },
  { "LeakyRelu", true, false, 0.01, 0 },
  { "ThresholdedRelu", true, false, 1, 0 },
  { "ScaledTanh", true, true, 1, 1 },
  { "HardSigmoid", true, true, 0.2, 0.5 },
  { "Elu", true, false, 1, 0 },
  { "Softsign", false, false, 0, 0 },
  { "Softplus", false, false, 0, 0 },
};

/* A net, and what it has of one direction: matrices turned, so that rows are multiplied by them. */
typedef struct net {
  adze_gradient *g;
  int64_t gates, steps, directions;
  size_t functions; /* of a direction */
  bool batch_first, coupled, linear_before_reset;
  activation function[MOST_FUNCTIONS];
  uint32_t low, high; /* what sums are clipped to, or ADZE_NONE */
  uint32_t x;         /* [steps, batch, inputs] */
  uint32_t lengths;   /* [batch, 1], or ADZE_NONE */
} net;

typedef struct lane {
  const activation *function;
  uint32_t r, r_hidden;          /* [hidden, gates * hidden]; of GRU's last gate */
  uint32_t bias, bias_hidden;    /* of the state: only GRU keeps it apart */
  uint32_t peephole[3];          /* of input, output, forget */
  uint32_t hidden, cell;         /* [1, batch, hidden], or ADZE_NONE: zeros */
  uint32_t sums[4];              /* of a step, one for each gate */
} lane;

typedef void step_of (const net *n, lane *l);

/* ---- What it is made of. */

static uint32_t
clipped (const net *n, uint32_t sum)
{
  return n->low == ADZE_NONE ? sum : adze_op (n->g, "Clip", sum, n->low, n->high, ADZE_END);
}

static uint32_t
with_alpha (adze_gradient *g, const activation *f, uint32_t x)
{
  float alpha = (float)f->alpha, beta = (float)f->beta;
  const adze_graph_attribute both[]
      = { adze_attribute_float ("alpha", &alpha), adze_attribute_float ("beta", &beta) };
  return adze_op_with (g, "", f->name, &x, 1, both, f->takes_beta ? 2 : 1);
}

static uint32_t
apply (const net *n, const activation *f, uint32_t sum)
{
  adze_gradient *g = n->g;
  uint32_t x = clipped (n, sum);
  if (!f->takes_alpha)
    return unary (g, f->name, x);
  uint32_t alpha = adze_op_number (g, f->alpha, n->x), beta = adze_op_number (g, f->beta, n->x);
  if (strcmp (f->name, "Affine") == 0)
    return add (g, mul (g, alpha, x), beta);
  if (strcmp (f->name, "ScaledTanh") == 0)
    return mul (g, alpha, unary (g, "Tanh", mul (g, beta, x)));
  return with_alpha (g, f, x);
}

/* Zero where there is nothing to add. */
static uint32_t
plus (const net *n, uint32_t a, uint32_t b)
{
  if (a == ADZE_NONE || b == ADZE_NONE)
    return a == ADZE_NONE ? b : a;
  return add (n->g, a, b);
}

static uint32_t
times (const net *n, uint32_t a, uint32_t b)
{
  return a == ADZE_NONE || b == ADZE_NONE ? ADZE_NONE : mul (n->g, a, b);
}

static uint32_t
one_less (const net *n, uint32_t value)
{
  return sub (n->g, adze_op_number (n->g, 1, n->x), value);
}

static void
split (const net *n, uint32_t value, int64_t axis, uint32_t sizes, uint32_t *pieces,
       size_t count)
{
  const adze_graph_attribute attribute = adze_attribute_int ("axis", &axis);
  const uint32_t inputs[] = { value, sizes };
  adze_ops_with (n->g, "Split", inputs, sizes == ADZE_NONE ? 1 : 2, &attribute, 1, pieces, count);
}

static uint32_t
turned (const net *n, uint32_t value, const int64_t *order, size_t rank)
{
  const adze_graph_attribute perm = adze_attribute_ints ("perm", order, rank);
  return adze_op_with (n->g, "", "Transpose", &value, 1, &perm, 1);
}

/* ---- A step of each. */

static void
rnn_step (const net *n, lane *l)
{
  uint32_t past = l->hidden == ADZE_NONE ? ADZE_NONE
                                         : adze_op (n->g, "MatMul", l->hidden, l->r, ADZE_END);
  l->hidden = apply (n, &l->function[0], plus (n, l->sums[0], past));
}

static void
add_past (const net *n, lane *l, size_t gates)
{
  uint32_t pieces[4];
  if (l->hidden == ADZE_NONE)
    return;
  split (n, adze_op (n->g, "MatMul", l->hidden, l->r, ADZE_END), 2, ADZE_NONE, pieces, gates);
  for (size_t i = 0; i < gates; i++)
    l->sums[i] = plus (n, l->sums[i], pieces[i]);
}

/* Gates in the order of the weights: input, output, forget, cell. */
static void
lstm_step (const net *n, lane *l)
{
  const activation *f = l->function;
  add_past (n, l, 4);
  uint32_t in_gate
      = apply (n, &f[0], plus (n, l->sums[0], times (n, l->peephole[0], l->cell)));
  uint32_t forget
      = n->coupled ? one_less (n, in_gate)
                   : apply (n, &f[0], plus (n, l->sums[2], times (n, l->peephole[2], l->cell)));
  l->cell = plus (n, mul (n->g, in_gate, apply (n, &f[1], l->sums[3])),
                  times (n, forget, l->cell));
  uint32_t out_gate
      = apply (n, &f[0], plus (n, l->sums[1], times (n, l->peephole[1], l->cell)));
  l->hidden = mul (n->g, out_gate, apply (n, &f[2], l->cell));
}

/* Gates in the order of the weights: update, reset, hidden. */
static void
gru_step (const net *n, lane *l)
{
  adze_gradient *g = n->g;
  uint32_t before = l->hidden;
  add_past (n, l, 2);
  uint32_t update = apply (n, &l->function[0], l->sums[0]);
  uint32_t reset = apply (n, &l->function[0], l->sums[1]);
  uint32_t seen = n->linear_before_reset ? before : times (n, reset, before);
  uint32_t past = seen == ADZE_NONE ? ADZE_NONE : adze_op (g, "MatMul", seen, l->r_hidden, ADZE_END);
  past = plus (n, past, l->bias_hidden);
  if (n->linear_before_reset)
    past = times (n, reset, past);
  uint32_t fresh = apply (n, &l->function[1], plus (n, l->sums[2], past));
  l->hidden = plus (n, mul (g, one_less (n, update), fresh), times (n, update, before));
}

/* ---- A direction. */

/* What is there of a direction, without the dimension of directions. */
static uint32_t
of_direction (const net *n, size_t input, int64_t axis, int64_t direction, bool keep)
{
  uint32_t value = in (n->g, input), both[2] = { value, ADZE_NONE };
  if (value == ADZE_NONE)
    return ADZE_NONE;
  if (n->directions == 2)
    split (n, value, axis, ADZE_NONE, both, 2);
  return keep ? both[direction]
              : adze_op (n->g, "Squeeze", both[direction], adze_op_ints (n->g, &axis, 1), ADZE_END);
}

/* [1, batch, hidden]. That the state is of this shape follows from the node, even where nothing else tells
 * it; and what is made of it is put together, for which sizes must be known. */
static uint32_t
first_state (const net *n, size_t input, int64_t direction)
{
  static const int64_t order[] = { 1, 0, 2 };
  adze_gradient *g = n->g;
  uint32_t state = of_direction (n, input, n->batch_first ? 1 : 0, direction, true);
  if (state == ADZE_NONE)
    return ADZE_NONE;
  uint32_t made = n->batch_first ? turned (n, state, order, 3) : unary (g, "Identity", state);
  if (g->error)
    return ADZE_NONE;
  const int64_t shape[] = { 1, g->graph->values[n->x]->shape[1],
                            g->graph->values[in (g, 2)]->shape[2] };
  g->error = adze_graph_set_type (g->graph, made, g->graph->values[made]->dtype, 3, shape);
  return made;
}

/* The biases of inputs and of states are added up, but for the last gate of GRU. */
static uint32_t
biases (const net *n, lane *l, uint32_t all, int64_t hidden)
{
  uint32_t piece[4];
  l->bias_hidden = ADZE_NONE;
  if (all == ADZE_NONE)
    return ADZE_NONE;
  if (n->gates != 3) {
    split (n, all, 0, ADZE_NONE, piece, 2);
    return plus (n, piece[0], piece[1]);
  }
  const int64_t sizes[] = { 2 * hidden, hidden, 2 * hidden, hidden };
  split (n, all, 0, adze_op_ints (n->g, sizes, 4), piece, 4);
  l->bias_hidden = piece[3];
  const int64_t axis = 0;
  const adze_graph_attribute attribute = adze_attribute_int ("axis", &axis);
  const uint32_t pair[] = { plus (n, piece[0], piece[2]), piece[1] };
  return adze_op_with (n->g, "", "Concat", pair, 2, &attribute, 1);
}

/* The recurrent weights, turned; of GRU, those of the last gate apart. */
static void
recurrent_weights (const net *n, lane *l, int64_t direction, int64_t hidden)
{
  static const int64_t order[] = { 1, 0 };
  uint32_t pieces[2];
  l->r = turned (n, of_direction (n, 2, 0, direction, false), order, 2);
  l->r_hidden = ADZE_NONE;
  if (n->gates != 3)
    return;
  const int64_t sizes[] = { 2 * hidden, hidden };
  split (n, l->r, 1, adze_op_ints (n->g, sizes, 2), pieces, 2);
  l->r = pieces[0];
  l->r_hidden = pieces[1];
}

/* All sums of inputs at once, then a piece for each step. */
static uint32_t
open_lane (const net *n, lane *l, int64_t direction)
{
  static const int64_t order[] = { 1, 0 };
  adze_gradient *g = n->g;
  const int64_t hidden = g->graph->values[in (g, 2)]->shape[2];
  uint32_t w = turned (n, of_direction (n, 1, 0, direction, false), order, 2);
  l->function = n->function + (size_t)direction * n->functions;
  recurrent_weights (n, l, direction, hidden);
  l->bias = biases (n, l, of_direction (n, 3, 0, direction, false), hidden);
  l->hidden = first_state (n, 5, direction);
  l->cell = n->gates == 4 ? first_state (n, 6, direction) : ADZE_NONE;
  uint32_t peepholes = n->gates == 4 ? of_direction (n, 7, 0, direction, false) : ADZE_NONE;
  for (size_t i = 0; i < 3; i++)
    l->peephole[i] = ADZE_NONE;
  if (peepholes != ADZE_NONE)
    split (n, peepholes, 0, ADZE_NONE, l->peephole, 3);
  return plus (n, adze_op (g, "MatMul", n->x, w, ADZE_END), l->bias);
}

/* A state that a sequence has not reached, or has left behind, stays as it was. */
static uint32_t
kept (const net *n, uint32_t reached, uint32_t now, uint32_t before)
{
  uint32_t other = before == ADZE_NONE ? adze_op_number (n->g, 0, n->x) : before;
  return adze_op (n->g, "Where", reached, now, other, ADZE_END);
}

/* One step at TIME; what it gives then. */
static uint32_t
take_step (const net *n, lane *l, step_of *step, uint32_t sums, int64_t time)
{
  const uint32_t hidden = l->hidden, cell = l->cell;
  if (n->gates == 1)
    l->sums[0] = sums;
  else
    split (n, sums, 2, ADZE_NONE, l->sums, (size_t)n->gates);
  step (n, l);
  if (n->lengths == ADZE_NONE)
    return l->hidden;
  uint32_t reached = adze_op (n->g, "Less", adze_op_int (n->g, time), n->lengths, ADZE_END);
  uint32_t given = kept (n, reached, l->hidden, ADZE_NONE);
  l->hidden = kept (n, reached, l->hidden, hidden);
  if (n->gates == 4)
    l->cell = kept (n, reached, l->cell, cell);
  return given;
}

/* Y of a direction, [steps, 1, batch, hidden]; LAST gets its last state and cell. */
static uint32_t
run_lane (const net *n, step_of *step, int64_t direction, bool backwards, uint32_t *last)
{
  const int64_t axis = 0, place = 1;
  const adze_graph_attribute attribute = adze_attribute_int ("axis", &axis);
  lane l;
  ADZE_AUTO_FREE uint32_t *sums = calloc ((size_t)n->steps + 1, sizeof *sums);
  ADZE_AUTO_FREE uint32_t *given = calloc ((size_t)n->steps + 1, sizeof *given);
  if (!sums || !given) {
    n->g->error = n->g->error ? n->g->error : adze_error_memory ();
    return ADZE_NONE;
  }
  split (n, open_lane (n, &l, direction), 0, ADZE_NONE, sums, (size_t)n->steps);
  for (int64_t i = 0; i < n->steps && !n->g->error; i++) {
    int64_t time = backwards ? n->steps - 1 - i : i;
    given[time] = take_step (n, &l, step, sums[time], time);
  }
  last[0] = l.hidden;
  last[1] = l.cell;
  uint32_t all = adze_op_with (n->g, "", "Concat", given, (size_t)n->steps, &attribute, 1);
  return adze_op (n->g, "Unsqueeze", all, adze_op_ints (n->g, &place, 1), ADZE_END);
}

/* ---- All of it. */

static bool
read_functions (net *n, const char *const *preset)
{
  const adze_graph_node *node = n->g->node;
  const adze_graph_attribute *names = adze_node_attribute (node, "activations");
  const adze_graph_attribute *alphas = adze_node_attribute (node, "activation_alpha");
  const adze_graph_attribute *betas = adze_node_attribute (node, "activation_beta");
  size_t alpha = 0, beta = 0;
  for (size_t i = 0; i < n->functions * (size_t)n->directions; i++) {
    const char *name = names ? names->texts[i].data : preset[i % n->functions];
    activation *f = &n->function[i];
    *f = (activation){ 0 };
    for (size_t k = 0; k < ADZE_COUNT_OF (activations); k++)
      if (strcasecmp (activations[k].name, name) == 0)
        *f = activations[k];
    if (!f->name) {
      adze_gradient_refuse (n->g, "one of its activations has no gradient here");
      return false;
    }
    if (f->takes_alpha && alphas && alpha < alphas->count)
      f->alpha = (double)alphas->floats[alpha++];
    if (f->takes_beta && betas && beta < betas->count)
      f->beta = (double)betas->floats[beta++];
  }
  return true;
}

static bool
read_net (net *n, const char *const *preset)
{
  static const int64_t order[] = { 1, 0, 2 };
  adze_gradient *g = n->g;
  const adze_graph_value *x = g->graph->values[in (g, 0)], *r = g->graph->values[in (g, 2)];
  const bool both = strcmp (adze_node_text (g->node, "direction", ""), "bidirectional") == 0;
  n->batch_first = adze_node_int (g->node, "layout", 0) != 0;
  n->coupled = adze_node_int (g->node, "input_forget", 0) != 0;
  n->linear_before_reset = adze_node_int (g->node, "linear_before_reset", 0) != 0;
  n->directions = both ? 2 : 1;
  n->steps = x->rank == 3 ? x->shape[n->batch_first] : -1;
  if (n->steps < 1 || r->rank != 3 || r->shape[2] < 1) {
    adze_gradient_refuse (g, "how many steps it takes, or its hidden size, is not known");
    return false;
  }
  n->x = n->batch_first ? turned (n, in (g, 0), order, 3) : in (g, 0);
  n->low = n->high = n->lengths = ADZE_NONE;
  if (adze_node_attribute (g->node, "clip")) {
    double most = adze_node_float (g->node, "clip", 0);
    n->low = adze_op_number (g, -most, n->x);
    n->high = adze_op_number (g, most, n->x);
  }
  if (in (g, 4) != ADZE_NONE) {
    uint32_t whole = adze_op (g, "CastLike", in (g, 4), adze_op_int (g, 0), ADZE_END);
    n->lengths = adze_op (g, "Unsqueeze", whole, adze_op_ints (g, &(int64_t){ 1 }, 1), ADZE_END);
  }
  return read_functions (n, preset);
}

/* Directions side by side along AXIS, and in the order that the node gives. */
static uint32_t
joined (const net *n, const uint32_t *parts, int64_t axis, const int64_t *order, size_t rank)
{
  const adze_graph_attribute attribute = adze_attribute_int ("axis", &axis);
  uint32_t all = n->directions == 2
                     ? adze_op_with (n->g, "", "Concat", parts, 2, &attribute, 1)
                     : parts[0];
  return n->batch_first ? turned (n, all, order, rank) : all;
}

static void
recurrent (adze_gradient *g, int64_t gates, size_t functions, step_of *step,
           const char *const *preset)
{
  static const int64_t order[] = { 1, 0, 2 }, order_all[] = { 2, 0, 1, 3 };
  const uint32_t first = adze_graph_node_count (g->graph);
  const bool reverse = strcmp (adze_node_text (g->node, "direction", ""), "reverse") == 0;
  net n = { .g = g, .gates = gates, .functions = functions };
  uint32_t all[2], hidden[2], cell[2], outputs[3];
  if (!read_net (&n, preset))
    return;
  for (int64_t d = 0; d < n.directions && !g->error; d++) {
    uint32_t last[2] = { ADZE_NONE, ADZE_NONE };
    all[d] = run_lane (&n, step, d, reverse || d == 1, last);
    hidden[d] = last[0];
    cell[d] = last[1];
  }
  if (g->error)
    return;
  for (size_t i = 0; i < g->node->output_count; i++)
    if (g->given[i] != ADZE_NONE)
      outputs[i] = i == 0 ? joined (&n, all, 1, order_all, 4)
                          : joined (&n, i == 1 ? hidden : cell, 0, order, 3);
    else
      outputs[i] = ADZE_NONE;
  adze_give_through (g, first, outputs, g->given, g->node->output_count);
}

static void
rnn_rule (adze_gradient *g)
{
  static const char *const preset[] = { "Tanh" };
  recurrent (g, 1, 1, rnn_step, preset);
}

static void
gru_rule (adze_gradient *g)
{
  static const char *const preset[] = { "Sigmoid", "Tanh" };
  recurrent (g, 3, 2, gru_step, preset);
}

static void
lstm_rule (adze_gradient *g)
{
  static const char *const preset[] = { "Sigmoid", "Tanh", "Tanh" };
  recurrent (g, 4, 3, lstm_step, preset);
}

const adze_gradient_rule adze_gradients_rnn[] = {
  { "", "RNN", rnn_rule },
  { "", "GRU", gru_rule },
  { "", "LSTM", lstm_rule },
  { NULL, NULL, NULL },
};
