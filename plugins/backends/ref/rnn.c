/* SPDX-License-Identifier: Apache-2.0 */
/* rnn.c: RNN, LSTM and GRU. Each direction of each sequence of the batch is by itself. */
#include "nn.h"
#include "work.h"

#include <math.h>
#include <strings.h>

/* ---- Activations. */

enum { MOST_GATES = 4, MOST_FUNCTIONS = 3 };

typedef struct activation {
  const char *name;
  double (*of) (double x, double alpha, double beta);
  bool takes_alpha, takes_beta;
  double alpha, beta; /* unless the node has its own */
} activation;

static double
relu (double x, double a, double b)
{
  (void)a, (void)b;
  return x > 0 ? x : 0;
}

static double
hyperbolic (double x, double a, double b)
{
  (void)a, (void)b;
  return tanh (x);
}

static double
sigmoid (double x, double a, double b)
{
  (void)a, (void)b;
  return 1 / (1 + exp (-x));
}

static double
affine (double x, double a, double b)
{
  return a * x + b;
}

static double
leaky (double x, double a, double b)
{
  (void)b;
  return x >= 0 ? x : a * x;
}

static double
thresholded (double x, double a, double b)
{
  (void)b;
  return x >= a ? x : 0;
}

static double
scaled_tanh (double x, double a, double b)
{
  return a * tanh (b * x);
}

static double
hard_sigmoid (double x, double a, double b)
{
  return fmin (fmax (a * x + b, 0), 1);
}

static double
elu (double x, double a, double b)
{
  (void)b;
  return x >= 0 ? x : a * expm1 (x);
}

static double
softsign (double x, double a, double b)
{
  (void)a, (void)b;
  return x / (1 + fabs (x));
}

static double
softplus (double x, double a, double b)
{
  (void)a, (void)b;
  return x > 0 ? x + log1p (exp (-x)) : log1p (exp (x));
}

static const activation activations[] = {
  { "Relu", relu, false, false, 0, 0 },
  { "Tanh", hyperbolic, false, false, 0, 0 },
  { "Sigmoid", sigmoid, false, false, 0, 0 },
  { "Affine", affine, true, true, 1, 0 },
  { "LeakyRelu", leaky, true, false, 0.01, 0 },
  { "ThresholdedRelu", thresholded, true, false, 1, 0 },
  { "ScaledTanh", scaled_tanh, true, true, 1, 1 },
  { "HardSigmoid", hard_sigmoid, true, true, 0.2, 0.5 },
  { "Elu", elu, true, false, 1, 0 },
  { "Softsign", softsign, false, false, 0, 0 },
  { "Softplus", softplus, false, false, 0, 0 },
};

/* ---- What there is to do. */

typedef struct rnn rnn;
struct rnn {
  int gates, functions;
  void (*step) (const rnn *net, int64_t direction, const double *x, double *state);
  int64_t steps, batch, inputs, hidden, directions;
  bool reversed;   /* the only direction */
  bool batch_first;
  bool linear_before_reset, coupled;
  double clip;     /* infinite: none */
  activation function[2][MOST_FUNCTIONS];
  const double *x, *w, *r, *bias, *peepholes;
  const double *first_state, *first_cell;
  const int64_t *lengths;
  double *y, *last_state, *last_cell;
  double *rooms;   /* for each item: state, cell, next state, gates, one more */
};

/* The parts of an item's room. */
static double *
cell_of (const rnn *net, double *state)
{
  return state + net->hidden;
}

static double *
fresh_of (const rnn *net, double *state)
{
  return state + 2 * net->hidden;
}

static double *
gate_of (const rnn *net, double *state, int gate)
{
  return state + (3 + gate) * net->hidden;
}

static int64_t
room_of (const rnn *net)
{
  return (3 + MOST_GATES) * net->hidden;
}

static double
apply (const rnn *net, int64_t direction, int function, double x)
{
  const activation *f = &net->function[direction][function];
  return f->of (fmin (fmax (x, -net->clip), net->clip), f->alpha, f->beta);
}

/* ---- Sums. */

static double
dot (const double *a, const double *b, int64_t count)
{
  double sum = 0;
  for (int64_t i = 0; i < count; i++)
    sum += a[i] * b[i];
  return sum;
}

/* Row UNIT of a gate's weights of the input times the input, and its bias. */
static double
from_input (const rnn *net, int64_t direction, int gate, int64_t unit, const double *x)
{
  int64_t row = (direction * net->gates + gate) * net->hidden + unit;
  int64_t bias = (direction * 2 * net->gates + gate) * net->hidden + unit;
  return dot (net->w + row * net->inputs, x, net->inputs) + (net->bias ? net->bias[bias] : 0);
}

/* The same of the state before. */
static double
from_state (const rnn *net, int64_t direction, int gate, int64_t unit, const double *state)
{
  int64_t row = (direction * net->gates + gate) * net->hidden + unit;
  int64_t bias = (direction * 2 * net->gates + net->gates + gate) * net->hidden + unit;
  return dot (net->r + row * net->hidden, state, net->hidden)
         + (net->bias ? net->bias[bias] : 0);
}

static double
peephole (const rnn *net, int64_t direction, int gate, int64_t unit, double cell)
{
  return net->peepholes ? net->peepholes[(direction * 3 + gate) * net->hidden + unit] * cell : 0;
}

/* ---- One step of each: STATE becomes the next one. */

static void
rnn_step (const rnn *net, int64_t direction, const double *x, double *state)
{
  double *fresh = fresh_of (net, state);
  for (int64_t u = 0; u < net->hidden; u++)
    fresh[u] = apply (net, direction, 0, from_input (net, direction, 0, u, x)
                                             + from_state (net, direction, 0, u, state));
  memcpy (state, fresh, (size_t)net->hidden * sizeof *state);
}

/* Gates in the order of the weights: input, output, forget, cell. */
static void
lstm_step (const rnn *net, int64_t direction, const double *x, double *state)
{
  double *cell = cell_of (net, state), *fresh = fresh_of (net, state);
  for (int64_t u = 0; u < net->hidden; u++) {
    double sums[4];
    for (int gate = 0; gate < 4; gate++)
      sums[gate] = from_input (net, direction, gate, u, x)
                   + from_state (net, direction, gate, u, state);
    double in = apply (net, direction, 0, sums[0] + peephole (net, direction, 0, u, cell[u]));
    double forget = net->coupled
                        ? 1 - in
                        : apply (net, direction, 0,
                                 sums[2] + peephole (net, direction, 2, u, cell[u]));
    cell[u] = forget * cell[u] + in * apply (net, direction, 1, sums[3]);
    double out = apply (net, direction, 0, sums[1] + peephole (net, direction, 1, u, cell[u]));
    fresh[u] = out * apply (net, direction, 2, cell[u]);
  }
  memcpy (state, fresh, (size_t)net->hidden * sizeof *state);
}

/* Gates in the order of the weights: update, reset, hidden. */
static void
gru_step (const rnn *net, int64_t direction, const double *x, double *state)
{
  double *update = gate_of (net, state, 0), *reset = gate_of (net, state, 1);
  double *masked = gate_of (net, state, 2), *fresh = fresh_of (net, state);
  for (int64_t u = 0; u < net->hidden; u++) {
    update[u] = apply (net, direction, 0, from_input (net, direction, 0, u, x)
                                              + from_state (net, direction, 0, u, state));
    reset[u] = apply (net, direction, 0, from_input (net, direction, 1, u, x)
                                             + from_state (net, direction, 1, u, state));
    masked[u] = reset[u] * state[u];
  }
  for (int64_t u = 0; u < net->hidden; u++) {
    double past = net->linear_before_reset ? reset[u] * from_state (net, direction, 2, u, state)
                                           : from_state (net, direction, 2, u, masked);
    double hidden = apply (net, direction, 1, from_input (net, direction, 2, u, x) + past);
    fresh[u] = (1 - update[u]) * hidden + update[u] * state[u];
  }
  memcpy (state, fresh, (size_t)net->hidden * sizeof *state);
}

/* ---- A sequence. */

/* Where the HIDDEN numbers of a state lie among those of all directions and sequences. */
static int64_t
state_place (const rnn *net, int64_t direction, int64_t sequence)
{
  return (net->batch_first ? sequence * net->directions + direction
                           : direction * net->batch + sequence)
         * net->hidden;
}

static int64_t
output_place (const rnn *net, int64_t direction, int64_t sequence, int64_t time)
{
  return (net->batch_first
              ? (sequence * net->steps + time) * net->directions + direction
              : (time * net->directions + direction) * net->batch + sequence)
         * net->hidden;
}

static void
run_sequence (const rnn *net, int64_t direction, int64_t sequence, double *state)
{
  size_t bytes = (size_t)net->hidden * sizeof *state;
  int64_t place = state_place (net, direction, sequence);
  int64_t length = net->lengths ? net->lengths[sequence] : net->steps;
  bool backwards = net->reversed || direction == 1;
  if (net->first_state)
    memcpy (state, net->first_state + place, bytes);
  if (net->first_cell)
    memcpy (cell_of (net, state), net->first_cell + place, bytes);
  for (int64_t i = 0; i < length; i++) {
    int64_t time = backwards ? length - 1 - i : i;
    int64_t row = net->batch_first ? sequence * net->steps + time : time * net->batch + sequence;
    net->step (net, direction, net->x + row * net->inputs, state);
    if (net->y)
      memcpy (net->y + output_place (net, direction, sequence, time), state, bytes);
  }
  if (net->last_state)
    memcpy (net->last_state + place, state, bytes);
  if (net->last_cell)
    memcpy (net->last_cell + place, cell_of (net, state), bytes);
}

static adze_status
run_piece (void *argument, size_t first, size_t last)
{
  const rnn *net = (const rnn *)argument;
  for (int64_t i = (int64_t)first; i < (int64_t)last; i++)
    run_sequence (net, i / net->batch, i % net->batch, net->rooms + i * room_of (net));
  return ADZE_OK;
}

/* ---- Reading the node. */

static adze_status
find_activation (ref_call *call, const char *name, activation *into)
{
  for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
    if (strcasecmp (activations[i].name, name) == 0) {
      *into = activations[i];
      return ADZE_OK;
    }
  return ref_refuse (call, ADZE_E_UNSUPPORTED, "there is no activation '%s'", name);
}

/* Values of alpha and beta go, in order, to those functions that take one. */
static adze_status
functions_of (ref_call *call, rnn *net, const char *const *preset)
{
  const adze_graph_attribute *names = adze_node_attribute (call->node, "activations");
  const adze_graph_attribute *alphas = adze_node_attribute (call->node, "activation_alpha");
  const adze_graph_attribute *betas = adze_node_attribute (call->node, "activation_beta");
  size_t alpha = 0, beta = 0, needed = (size_t)net->functions * (size_t)net->directions;
  names = names && names->type == ADZE_ATTRIBUTE_TEXTS ? names : NULL;
  alphas = alphas && alphas->type == ADZE_ATTRIBUTE_FLOATS ? alphas : NULL;
  betas = betas && betas->type == ADZE_ATTRIBUTE_FLOATS ? betas : NULL;
  if (names && names->count != needed)
    return ref_refuse (call, ADZE_E_FORMAT, "activations has %zu names; it needs %zu", names->count,
                       needed);
  for (size_t i = 0; i < needed; i++) {
    size_t which = i % (size_t)net->functions;
    activation *f = &net->function[i / (size_t)net->functions][which];
    adze_status status = find_activation (call, names ? names->texts[i].data : preset[which], f);
    if (status != ADZE_OK)
      return status;
    if (f->takes_alpha && alphas && alpha < alphas->count)
      f->alpha = (double)alphas->floats[alpha++];
    if (f->takes_beta && betas && beta < betas->count)
      f->beta = (double)betas->floats[beta++];
  }
  return ADZE_OK;
}

static adze_status
attributes_of (ref_call *call, rnn *net, const char *const *preset)
{
  const char *direction = adze_node_text (call->node, "direction", "forward");
  net->directions = ref_is (direction, "bidirectional") ? 2 : 1;
  net->reversed = ref_is (direction, "reverse");
  if (net->directions == 1 && !net->reversed && !ref_is (direction, "forward"))
    return ref_refuse (call, ADZE_E_FORMAT, "direction is '%s'; there are forward, reverse and "
                       "bidirectional", direction);
  net->batch_first = adze_node_int (call->node, "layout", 0) != 0;
  net->linear_before_reset = adze_node_int (call->node, "linear_before_reset", 0) != 0;
  net->coupled = adze_node_int (call->node, "input_forget", 0) != 0;
  net->clip = (double)adze_node_float (call->node, "clip", INFINITY);
  if (!(net->clip >= 0))
    return ref_refuse (call, ADZE_E_FORMAT, "clip is %g; it must not be negative", net->clip);
  return functions_of (call, net, preset);
}

/* The weights say how many there are of everything; all else must agree. */
static adze_status
sizes_of (ref_call *call, rnn *net)
{
  const adze_view *x = ref_in (call, 0), *w = ref_in (call, 1), *r = ref_in (call, 2);
  if (!x || !w || !r || x->rank != 3 || w->rank != 3 || r->rank != 3)
    return ref_refuse (call, ADZE_E_FORMAT, "X, W and R must be there, with three dimensions each");
  net->steps = x->shape[net->batch_first ? 1 : 0];
  net->batch = x->shape[net->batch_first ? 0 : 1];
  net->inputs = x->shape[2];
  net->hidden = r->shape[2];
  if (net->hidden > INT32_MAX || net->batch > INT32_MAX || w->shape[0] != net->directions
      || r->shape[0] != net->directions || w->shape[1] != net->gates * net->hidden
      || r->shape[1] != net->gates * net->hidden || w->shape[2] != net->inputs
      || adze_node_int (call->node, "hidden_size", net->hidden) != net->hidden)
    return ref_refuse (call, ADZE_E_FORMAT,
                       "W [%lld, %lld, %lld] and R [%lld, %lld, %lld] do not fit %lld inputs, %d "
                       "gates and %lld directions, or hidden_size",
                       (long long)w->shape[0], (long long)w->shape[1], (long long)w->shape[2],
                       (long long)r->shape[0], (long long)r->shape[1], (long long)r->shape[2],
                       (long long)net->inputs, net->gates, (long long)net->directions);
  size_t units = (size_t)(net->directions * net->hidden);
  size_t states = units * (size_t)net->batch;
  adze_status status = ref_need_count (call, 3, "B", units * 2 * (size_t)net->gates);
  if (status == ADZE_OK)
    status = ref_need_count (call, 4, "sequence_lens", (size_t)net->batch);
  if (status == ADZE_OK)
    status = ref_need_count (call, 5, "initial_h", states);
  if (status == ADZE_OK)
    status = ref_need_count (call, 6, "initial_c", states);
  if (status == ADZE_OK)
    status = ref_need_count (call, 7, "P", units * 3);
  for (size_t i = 0; status == ADZE_OK && i < 3; i++) {
    size_t needed = i == 0 ? states * (size_t)net->steps : states;
    if (ref_out (call, i) && adze_view_count (call->outputs[i]) != needed)
      status = ref_refuse (call, ADZE_E_FORMAT, "output %zu has %zu elements; it needs %zu", i,
                           adze_view_count (call->outputs[i]), needed);
  }
  return status;
}

static adze_status
check_lengths (ref_call *call, const rnn *net)
{
  for (int64_t i = 0; net->lengths && i < net->batch; i++)
    if (net->lengths[i] < 0 || net->lengths[i] > net->steps)
      return ref_refuse (call, ADZE_E_FORMAT,
                         "sequence %lld has a length of %lld, and there are %lld steps",
                         (long long)i, (long long)net->lengths[i], (long long)net->steps);
  return ADZE_OK;
}

static adze_status
run (ref_call *call, rnn *net, const char *const *preset)
{
  adze_status status = attributes_of (call, net, preset);
  if (status == ADZE_OK)
    status = sizes_of (call, net);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  net->x = ref_work_in (&work, 0);
  net->w = ref_work_in (&work, 1);
  net->r = ref_work_in (&work, 2);
  net->bias = ref_work_in (&work, 3);
  net->lengths = ref_work_ints (&work, 4);
  net->first_state = ref_work_in (&work, 5);
  net->first_cell = ref_work_in (&work, 6);
  net->peepholes = ref_work_in (&work, 7);
  net->y = ref_work_out (&work, 0);
  net->last_state = ref_work_out (&work, 1);
  net->last_cell = ref_work_out (&work, 2);
  size_t items = (size_t)(net->directions * net->batch);
  net->rooms = ref_work_room (&work, items, (size_t)room_of (net) * sizeof (double));
  if (work.status == ADZE_OK)
    work.status = check_lengths (call, net);
  size_t cost = ref_cost (net->steps, net->gates * net->hidden, net->inputs + net->hidden);
  return ref_work_run (&work, items, cost, run_piece, net);
}

adze_status
ref_rnn (ref_call *call)
{
  static const char *const preset[] = { "Tanh" };
  rnn net = { .gates = 1, .functions = 1, .step = rnn_step };
  return run (call, &net, preset);
}

adze_status
ref_lstm (ref_call *call)
{
  static const char *const preset[] = { "Sigmoid", "Tanh", "Tanh" };
  rnn net = { .gates = 4, .functions = 3, .step = lstm_step };
  return run (call, &net, preset);
}

adze_status
ref_gru (ref_call *call)
{
  static const char *const preset[] = { "Sigmoid", "Tanh" };
  rnn net = { .gates = 3, .functions = 2, .step = gru_step };
  return run (call, &net, preset);
}
