/* SPDX-License-Identifier: Apache-2.0 */
/* Training on `ref`: what is learnt, and that each step is the one that was meant. */
#include "train-networks.h"

static const adze_optimiser_kind kinds[]
    = { ADZE_OPTIMISER_SGD, ADZE_OPTIMISER_MOMENTUM, ADZE_OPTIMISER_NESTEROV, ADZE_OPTIMISER_ADAM,
        ADZE_OPTIMISER_ADAMW };
static const double rates[] = { .5, .1, .1, .02, .02 };

/* ---- What is learnt. */

/* What the network says of a batch with the trainer's weights, as a graph of its own. */
static void
measure (const engine *e, const adze_trainer *trainer, net *n, feed *f, adze_metrics *metrics)
{
  const adze_compile_options options = { .ref = e->ref };
  const adze_view *outputs[2];
  must (adze_trainer_share (trainer, n->graph));
  ADZE_AUTO_EXECUTABLE executable = NULL;
  must (adze_graph_compile (n->graph, &options, &executable));
  must (adze_execute (executable, f->inputs, outputs));
  must (adze_metrics_add (metrics, outputs[0], &f->views[1]));
}

static void
exclusive_or_is_learnt_by_all (void **state)
{
  const engine *e = *state;
  for (size_t k = 0; k < ADZE_COUNT_OF (kinds); k++) {
    net n;
    feed f;
    make_xor (&n);
    feed_xor (&f, 1500);
    adze_trainer_options options = options_of (e, kinds[k], rates[k]);
    options.argument = &f;
    ADZE_AUTO_TRAINER trainer = NULL;
    must (adze_trainer_new (n.graph, n.loss, &options, &trainer));
    must (adze_trainer_run (trainer));
    const adze_train_progress *p = adze_trainer_progress (trainer);
    assert_true (p->ended);
    assert_int_equal (p->step, 1500);
    assert_int_equal (p->epoch, 1);
    if (p->loss > .05)
      fail_msg ("optimiser %d ends with a loss of %g", (int)kinds[k], p->loss);
    ADZE_AUTO_METRICS metrics = NULL;
    adze_metrics_result result;
    must (adze_metrics_new (ADZE_METRICS_CLASSES, "xor", 1, &metrics));
    measure (e, trainer, &n, &f, metrics);
    adze_metrics_result_of (metrics, &result);
    assert_true (result.accuracy == 1);
    assert_true (result.macro_f1 == 1);
    assert_int_equal (result.protocol.examples, 4);
    adze_trainer_free (adze_take (&trainer));
    adze_graph_free (n.graph);
  }
}

/* Two sides of a line, 60 examples in batches of 16: the last one is smaller. */
enum { POINTS = 60, BATCH = 16 };

typedef struct sides {
  feed feed;
  float x[POINTS][2], wanted[POINTS];
} sides;

static void
make_sides (sides *s)
{
  unsigned seed = 5;
  *s = (sides){ 0 };
  for (size_t i = 0; i < POINTS; i++) {
    for (size_t d = 0; d < 2; d++) {
      seed = seed * 1664525u + 1013904223u;
      s->x[i][d] = (float)(seed >> 8) / 8388608.0f - 1;
    }
    s->wanted[i] = i % 2 ? 1 : 0;
    /* Half a step away from the line x + y = 0, on the side that is wanted. */
    float off = s->x[i][0] + s->x[i][1], to = (s->wanted[i] > 0 ? 1 : -1) * (.5f + fabsf (off));
    s->x[i][1] = to - s->x[i][0];
  }
  s->feed.inputs[0] = &s->feed.views[0];
  s->feed.inputs[1] = &s->feed.views[1];
}

static adze_error *
next_side (void *argument, uint64_t epoch, uint64_t number, const adze_view *const **inputs)
{
  sides *s = argument;
  feed *f = &s->feed;
  size_t first = (size_t)number * BATCH;
  (void)epoch;
  *inputs = NULL;
  if (first >= POINTS)
    return NULL;
  f->x_shape[0] = f->wanted_shape[0] = POINTS - first < BATCH ? (int64_t)(POINTS - first) : BATCH;
  f->x_shape[1] = 2;
  f->wanted_shape[1] = 1;
  f->views[0] = view_of (s->x[first], f32, 2, f->x_shape);
  f->views[1] = view_of (&s->wanted[first], f32, 2, f->wanted_shape);
  *inputs = f->inputs;
  return NULL;
}

static void
two_sides_are_learnt_by_all (void **state)
{
  const engine *e = *state;
  for (size_t k = 0; k < ADZE_COUNT_OF (kinds); k++) {
    net n;
    sides s;
    make_sides (&s);
    make_net (&n, 1);
    must (adze_loss_add_input (n.graph, n.scores, false, "wanted", &n.wanted));
    must (adze_loss_binary (n.graph, n.scores, n.wanted, &n.loss));
    adze_trainer_options options = options_of (e, kinds[k], rates[k]);
    options.schedule = (adze_schedule){ .kind = ADZE_SCHEDULE_COSINE, .rate = rates[k],
                                        .warm_up = 8, .total = 400 };
    options.clip = 5;
    options.epochs = 100;
    options.batch = next_side;
    options.argument = &s;
    ADZE_AUTO_TRAINER trainer = NULL;
    must (adze_trainer_new (n.graph, n.loss, &options, &trainer));
    must (adze_trainer_run (trainer));
    const adze_train_progress *p = adze_trainer_progress (trainer);
    assert_int_equal (p->step, 400);
    if (!(p->mean < .1))
      fail_msg ("optimiser %d ends with a loss of %g", (int)kinds[k], p->mean);
    adze_trainer_free (adze_take (&trainer));
    adze_graph_free (n.graph);
  }
}

/* ---- A step is the one that was meant: (w x - y)^2 of one double. */

typedef struct one {
  adze_graph *graph;
  uint32_t loss;
  int64_t shape[1];
  double x, y;
  adze_view views[2];
  const adze_view *inputs[2];
} one;

static void
make_one (one *o, double weight)
{
  uint32_t x, y;
  *o = (one){ .shape = { 1 } };
  must (adze_graph_new ("one", &o->graph));
  must (adze_graph_add_input (o->graph, "x", f64, 1, o->shape, &x));
  must (adze_graph_add_input (o->graph, "y", f64, 1, o->shape, &y));
  uint32_t w = double_weight (o->graph, "w", weight);
  must (adze_loss_squares (o->graph, op (o->graph, "Mul", w, x), y, &o->loss));
  o->views[0] = view_of (&o->x, f64, 1, o->shape);
  o->views[1] = view_of (&o->y, f64, 1, o->shape);
  o->inputs[0] = &o->views[0];
  o->inputs[1] = &o->views[1];
}

/* The same with pencil and paper. */
typedef struct paper {
  double w, first, second;
  int count;
} paper;

static void
paper_step (paper *p, const adze_optimiser *o, double rate, double x, double y)
{
  double g = 2 * (p->w * x - y) * x;
  p->count++;
  if (o->kind != ADZE_OPTIMISER_ADAMW)
    g += o->decay * p->w;
  switch (o->kind) {
  case ADZE_OPTIMISER_SGD:
    p->w -= rate * g;
    break;
  case ADZE_OPTIMISER_MOMENTUM:
    p->first = o->momentum * p->first + g;
    p->w -= rate * p->first;
    break;
  case ADZE_OPTIMISER_NESTEROV:
    p->first = o->momentum * p->first + g;
    p->w -= rate * (g + o->momentum * p->first);
    break;
  case ADZE_OPTIMISER_ADAM:
  case ADZE_OPTIMISER_ADAMW:
    if (o->kind == ADZE_OPTIMISER_ADAMW)
      p->w -= rate * o->decay * p->w;
    p->first = o->beta1 * p->first + (1 - o->beta1) * g;
    p->second = o->beta2 * p->second + (1 - o->beta2) * g * g;
    p->w -= rate * (p->first / (1 - pow (o->beta1, p->count)))
            / (sqrt (p->second / (1 - pow (o->beta2, p->count))) + o->epsilon);
    break;
  }
}

static void
steps_are_those_of_the_books (void **state)
{
  for (size_t k = 0; k < ADZE_COUNT_OF (kinds); k++)
    for (int decays = 0; decays < 2; decays++) {
      one o;
      adze_trainer_options options = options_of (*state, kinds[k], .05);
      options.optimiser.decay = decays ? .1 : 0;
      paper p = { .w = .75 };
      make_one (&o, p.w);
      ADZE_AUTO_TRAINER trainer = NULL;
      must (adze_trainer_new (o.graph, o.loss, &options, &trainer));
      for (int step = 0; step < 5; step++) {
        o.x = 1 + .5 * step;
        o.y = step % 2 ? -1 : 2;
        double loss = (p.w * o.x - o.y) * (p.w * o.x - o.y);
        must (adze_trainer_step (trainer, o.inputs));
        paper_step (&p, &options.optimiser, .05, o.x, o.y);
        assert_true (fabs (adze_trainer_progress (trainer)->loss - loss) < 1e-12);
        if (fabs (double_at (trainer, "w") - p.w) > 1e-12)
          fail_msg ("optimiser %d, step %d: the weight is %.15g, and should be %.15g",
                    (int)kinds[k], step, double_at (trainer, "w"), p.w);
      }
      adze_trainer_free (adze_take (&trainer));
      adze_graph_free (o.graph);
    }
}

/* Two weights with the gradients 2 (w x - y) x each; shortened together. */
static void
gradients_are_clipped_together (void **state)
{
  for (int longer = 0; longer < 2; longer++) {
    ADZE_AUTO_GRAPH graph = NULL;
    int64_t shape[] = { 1 };
    double x = 3;
    uint32_t input, loss;
    must (adze_graph_new ("two", &graph));
    must (adze_graph_add_input (graph, "x", f64, 1, shape, &input));
    uint32_t a = double_weight (graph, "a", .5), b = double_weight (graph, "b", -2);
    uint32_t zero = double_weight (graph, "zero", 0);
    uint32_t sum = op (graph, "Add", op (graph, "Mul", a, input), b);
    must (adze_loss_squares (graph, sum, zero, &loss));
    double slope = 2 * (.5 * x - 2), length = sqrt (slope * x * slope * x + slope * slope);
    const adze_train_weight wishes[] = { { .name = "zero", .frozen = true } };
    adze_trainer_options options = options_of (*state, ADZE_OPTIMISER_SGD, .25);
    options.clip = longer ? length / 4 : length * 4;
    options.weights = wishes;
    options.weight_count = 1;
    ADZE_AUTO_TRAINER trainer = NULL;
    adze_view view = view_of (&x, f64, 1, shape);
    const adze_view *inputs[] = { &view };
    must (adze_trainer_new (graph, loss, &options, &trainer));
    must (adze_trainer_step (trainer, inputs));
    double factor = longer ? .25 : 1;
    assert_true (fabs (double_at (trainer, "a") - (.5 - .25 * factor * slope * x)) < 1e-12);
    assert_true (fabs (double_at (trainer, "b") - (-2 - .25 * factor * slope)) < 1e-12);
    assert_null (adze_trainer_weight (trainer, "zero"));
  }
}

/* What a mask holds at 0 has no gradient that could count: a alone is shortened. */
static void
masked_gradients_do_not_count (void **state)
{
  ADZE_AUTO_GRAPH graph = NULL;
  ADZE_AUTO_TRAINER trainer = NULL;
  int64_t shape[] = { 1 };
  double x = 3;
  uint32_t input, loss;
  const uint8_t mask[1] = { 0 };
  const adze_train_weight wishes[] = { { .name = "b", .mask = mask } };
  must (adze_graph_new ("two", &graph));
  must (adze_graph_add_input (graph, "x", f64, 1, shape, &input));
  uint32_t a = double_weight (graph, "a", .5), b = double_weight (graph, "b", -2);
  uint32_t product = op (graph, "Mul", a, input);
  must (adze_loss_squares (graph, product, op (graph, "Neg", b, ADZE_NONE), &loss));
  double slope = 2 * .5 * x * x;
  adze_trainer_options options = options_of (*state, ADZE_OPTIMISER_SGD, .25);
  options.clip = slope / 4;
  options.weights = wishes;
  options.weight_count = 1;
  must (adze_trainer_new (graph, loss, &options, &trainer));
  adze_view view = view_of (&x, f64, 1, shape);
  const adze_view *inputs[] = { &view };
  must (adze_trainer_step (trainer, inputs));
  assert_true (fabs (double_at (trainer, "a") - (.5 - .25 * slope / 4)) < 1e-12);
  assert_true (double_at (trainer, "b") == 0);
}

/* ---- Weights that are not like the others. */

static void
a_mask_stays (void **state)
{
  const engine *e = *state;
  uint8_t mask[16];
  for (size_t i = 0; i < sizeof mask; i++)
    mask[i] = i % 3 != 0;
  const adze_train_weight wishes[]
      = { { .name = "w1", .mask = mask }, { .name = "b2", .frozen = true } };
  for (size_t k = 0; k < ADZE_COUNT_OF (kinds); k++) {
    net n;
    feed f;
    float before[16];
    uint64_t elements;
    make_xor (&n);
    feed_xor (&f, 20);
    memcpy (before, adze_graph_value_at (n.graph, adze_graph_find (n.graph, "w1"))->data,
            sizeof before);
    adze_trainer_options options = options_of (e, kinds[k], rates[k]);
    options.optimiser.decay = .01;
    options.clip = 1;
    options.weights = wishes;
    options.weight_count = 2;
    options.argument = &f;
    ADZE_AUTO_TRAINER trainer = NULL;
    must (adze_trainer_new (n.graph, n.loss, &options, &trainer));
    assert_int_equal (adze_trainer_count (trainer, &elements), 3);
    assert_int_equal (elements, 16 + 8 + 16);
    for (size_t i = 0; i < 16; i++)
      assert_true (single_at (trainer, "w1", i) == (mask[i] ? before[i] : 0));
    must (adze_trainer_run (trainer));
    for (size_t i = 0; i < 16; i++)
      assert_true ((single_at (trainer, "w1", i) == 0) == !mask[i]);
    assert_null (adze_trainer_weight (trainer, "b2"));
    adze_trainer_free (adze_take (&trainer));
    adze_graph_free (n.graph);
  }
}

static void
what_cannot_train_is_refused (void **state)
{
  net n;
  make_xor (&n);
  ADZE_AUTO_GRAPH graph = n.graph;
  ADZE_AUTO_TRAINER trainer = NULL;
  const uint8_t mask[16] = { 0 };
  adze_trainer_options options = options_of (*state, ADZE_OPTIMISER_SGD, .1);
  const adze_train_weight all[] = { { .name = "w1", .frozen = true },
                                    { .name = "b1", .frozen = true },
                                    { .name = "w2", .frozen = true },
                                    { .name = "b2", .frozen = true } };
  options.weights = all;
  options.weight_count = 4;
  must_fail (adze_trainer_new (graph, n.loss, &options, &trainer), ADZE_E_PARAM,
             "no weight of graph 'net' is left to train", NULL);
  const adze_train_weight none[] = { { .name = "w9" } };
  options.weights = none;
  options.weight_count = 1;
  must_fail (adze_trainer_new (graph, n.loss, &options, &trainer), ADZE_E_NOT_FOUND, "'w9'", NULL);
  const adze_train_weight both[] = { { .name = "w2", .frozen = true, .mask = mask } };
  options.weights = both;
  must_fail (adze_trainer_new (graph, n.loss, &options, &trainer), ADZE_E_PARAM, "'w2' has a mask",
             "frozen", NULL);
  options.weight_count = 0;
  options.optimiser.decay = -1;
  must_fail (adze_trainer_new (graph, n.loss, &options, &trainer), ADZE_E_PARAM, "decay", NULL);
  options.optimiser.decay = 0;
  must_fail (adze_trainer_new (graph, n.scores, &options, &trainer), ADZE_OK, "is not one float",
             NULL);
}

/* ---- Batch normalisation: statistics are carried, and not trained. */

static void
statistics_are_carried (void **state)
{
  ADZE_AUTO_GRAPH graph = NULL;
  int64_t shape[] = { 0, 2 };
  float x[] = { 1, 4, 3, 0 };
  const float zeros[] = { 0, 0 }, ones[] = { 1, 1 };
  uint32_t input, output, wanted, loss, inputs[5];
  static const char *const names[] = { "scale", "bias", "mean", "variance" };
  must (adze_graph_new ("norm", &graph));
  must (adze_graph_add_symbol (graph, "N", &shape[0]));
  must (adze_graph_add_input (graph, "x", f32, 2, shape, &input));
  inputs[0] = input;
  for (size_t i = 0; i < 4; i++) {
    must (adze_graph_add_weight (graph, names[i], f32, 1, &shape[1], &inputs[1 + i]));
    must (adze_graph_set_data (graph, inputs[1 + i], i % 3 ? zeros : ones, sizeof ones, true));
  }
  adze_gradient g = { .graph = graph };
  output = adze_op_with (&g, "", "BatchNormalization", inputs, 5, NULL, 0);
  must (g.error);
  must (adze_graph_set_training (graph));
  must (adze_loss_add_input (graph, output, false, "wanted", &wanted));
  must (adze_loss_squares (graph, output, wanted, &loss));
  adze_trainer_options options = options_of (*state, ADZE_OPTIMISER_SGD, .5);
  ADZE_AUTO_TRAINER trainer = NULL;
  uint64_t elements;
  must (adze_trainer_new (graph, loss, &options, &trainer));
  assert_int_equal (adze_trainer_count (trainer, &elements), 2);
  shape[0] = 2;
  adze_view views[] = { view_of (x, f32, 2, shape), view_of (x, f32, 2, shape) };
  const adze_view *batch[] = { &views[0], &views[1] };
  must (adze_trainer_step (trainer, batch));
  /* Means of the batch are 2 and 2, variances 1 and 4; a tenth of each is new. */
  assert_true (fabsf (single_at (trainer, "mean", 0) - .2f) < 1e-6f);
  assert_true (fabsf (single_at (trainer, "mean", 1) - .2f) < 1e-6f);
  assert_true (fabsf (single_at (trainer, "variance", 0) - 1.0f) < 1e-6f);
  assert_true (fabsf (single_at (trainer, "variance", 1) - 1.3f) < 1e-6f);
  /* The bias moves towards the mean of what is wanted: its gradient is 2 (0 - 2) / 2. */
  assert_true (fabsf (single_at (trainer, "bias", 0) - 1.0f) < 1e-5f);
  assert_true (single_at (trainer, "scale", 1) > 1);
}

/* ---- Weights that become what somebody wishes. */

static adze_error *
try_wish (const engine *e, adze_train_weight wish, float *after)
{
  const int64_t shape[] = { 2 };
  float by = 1, threes[] = { 3, 3 };
  net n;
  uint32_t turns, pair, number;
  const adze_view view = view_of (&by, f32, 0, NULL);
  make_xor (&n);
  ADZE_AUTO_GRAPH graph = n.graph;
  ADZE_AUTO_TRAINER trainer = NULL;
  must (adze_graph_add_weight (graph, "turns", f32, 0, NULL, &turns));
  must (adze_graph_set_data (graph, turns, &by, sizeof by, true));
  must (adze_graph_add_weight (graph, "pair", f32, 1, shape, &pair));
  must (adze_graph_set_data (graph, pair, threes, sizeof threes, true));
  must (adze_graph_add_constant (graph, NULL, &view, &number));
  /* The loss depends on it, and it is not trained all the same. */
  n.loss = op (graph, "Mul", n.loss, turns);
  uint32_t more = op (graph, "Add", turns, number);
  ADZE_AUTO_FREE char *next = strdup (adze_graph_value_at (graph, more)->name);
  wish.name = wish.name ? wish.name : "turns";
  wish.next = wish.next ? wish.next : next;
  adze_trainer_options options = options_of (e, ADZE_OPTIMISER_SGD, .1);
  options.weights = &wish;
  options.weight_count = 1;
  adze_error *error = adze_trainer_new (graph, n.loss, &options, &trainer);
  if (error)
    return error;
  feed f;
  feed_xor (&f, 1);
  for (size_t i = 0; i < 3; i++)
    must (adze_trainer_step (trainer, f.inputs));
  uint64_t elements;
  assert_int_equal (adze_trainer_count (trainer, &elements), 4);
  *after = single_at (trainer, "turns", 0);
  return NULL;
}

static void
a_weight_becomes_what_is_wished (void **state)
{
  const uint8_t mask[] = { 1 };
  float after = 0;
  must (try_wish (*state, (adze_train_weight){ 0 }, &after));
  assert_true (after == 4);
  must_fail (try_wish (*state, (adze_train_weight){ .frozen = true }, &after), ADZE_E_CONTRACT, "is frozen", NULL);
  must_fail (try_wish (*state, (adze_train_weight){ .mask = mask }, &after), ADZE_E_CONTRACT, "is masked", NULL);
  must_fail (try_wish (*state, (adze_train_weight){ .name = "pair" }, &after), ADZE_E_CONTRACT, "of its type and shape", NULL);
  must_fail (try_wish (*state, (adze_train_weight){ .next = "nobody" }, &after), ADZE_E_CONTRACT, "'nobody'", NULL);
}

/* ---- Dropout: a weight of its own for each of many numbers, which only learns where nothing is
 * dropped. */

enum { MANY = 4096 };

static adze_graph *
dropping_graph (float *ones, double share, uint32_t *loss)
{
  adze_graph *graph;
  int64_t shape[] = { MANY };
  const adze_view ratio = { .data = &share, .dtype = { ADZE_FLOAT, 64, 1 },
                            .device = { ADZE_DEVICE_CPU, 0 } };
  uint32_t x, w, wanted, inputs[2];
  must (adze_graph_new ("drops", &graph));
  must (adze_graph_add_input (graph, "x", f32, 1, shape, &x));
  must (adze_graph_add_weight (graph, "w", f32, 1, shape, &w));
  must (adze_graph_set_data (graph, w, ones, MANY * sizeof *ones, true));
  must (adze_graph_add_constant (graph, NULL, &ratio, &inputs[1]));
  adze_gradient g = { .graph = graph };
  inputs[0] = adze_op (&g, "Mul", x, w, ADZE_END);
  uint32_t scores = adze_op_with (&g, "", "Dropout", inputs, 2, NULL, 0);
  must (g.error);
  must (adze_graph_set_training (graph));
  must (adze_loss_add_input (graph, scores, false, "wanted", &wanted));
  must (adze_loss_squares (graph, scores, wanted, loss));
  return graph;
}

static size_t
unchanged (const adze_trainer *trainer)
{
  size_t count = 0;
  for (size_t i = 0; i < MANY; i++)
    count += single_at (trainer, "w", i) == 1.0f;
  return count;
}

static void
dropout_drops (void **state)
{
  static float ones[MANY], zeros[MANY];
  int64_t shape[] = { MANY };
  uint32_t loss;
  for (size_t i = 0; i < MANY; i++)
    ones[i] = 1;
  adze_view views[] = { view_of (ones, f32, 1, shape), view_of (zeros, f32, 1, shape) };
  const adze_view *batch[] = { &views[0], &views[1] };
  ADZE_AUTO_GRAPH graph = dropping_graph (ones, .25, &loss);
  adze_trainer_options options = options_of (*state, ADZE_OPTIMISER_SGD, 100);
  ADZE_AUTO_TRAINER trainer = NULL;
  ADZE_AUTO_TRAINER other = NULL;
  ADZE_AUTO_TRAINER again = NULL;
  ADZE_AUTO (adze_buffer) saved = { 0 };
  options.seed = 11;
  must (adze_trainer_new (graph, loss, &options, &trainer));
  must (adze_trainer_step (trainer, batch));
  /* A quarter learns nothing, and the rest is larger by 4 / 3: so are the squares, twice. */
  size_t first = unchanged (trainer);
  assert_in_range (first, MANY / 4 - 150, MANY / 4 + 150);
  double kept = (double)(MANY - first) / MANY;
  assert_true (fabs (adze_trainer_progress (trainer)->loss - kept * 16 / 9) < 1e-4);
  must (adze_trainer_save (trainer, &saved));
  /* The next step drops others. */
  must (adze_trainer_step (trainer, batch));
  assert_in_range (unchanged (trainer), MANY / 16 - 100, MANY / 16 + 100);
  /* Whoever goes on drops the same as who never stopped. */
  must (adze_trainer_new (graph, loss, &options, &again));
  must (adze_trainer_load (again, saved.data, saved.size));
  must (adze_trainer_step (again, batch));
  for (size_t i = 0; i < MANY; i++)
    assert_true (single_at (again, "w", i) == single_at (trainer, "w", i));
  /* Another seed is another training. */
  options.seed = 12;
  must (adze_trainer_new (graph, loss, &options, &other));
  must_fail (adze_trainer_load (other, saved.data, saved.size), ADZE_E_FORMAT, NULL);
  must (adze_trainer_step (other, batch));
  assert_int_not_equal (unchanged (other), first);
}

/* ---- Threads. */

/* Large enough for work to be shared out: 256 examples through 64 in the middle. */
static void
train_wide (unsigned threads, adze_buffer *saved)
{
  enum { EXAMPLES = 256, WIDE = 64 };
  const adze_runtime_options settings = { .struct_size = sizeof settings, .threads = threads };
  engine e = { 0 };
  ADZE_AUTO_GRAPH graph = NULL;
  ADZE_AUTO_TRAINER trainer = NULL;
  uint32_t x, wanted, weights[2], loss;
  int64_t shape[] = { EXAMPLES, WIDE };
  const int64_t square[] = { WIDE, WIDE };
  ADZE_AUTO_FREE float *numbers = calloc (EXAMPLES * WIDE, sizeof *numbers);
  assert_non_null (numbers);
  must (adze_runtime_open (&settings, &e.runtime));
  must (adze_backend_open (e.runtime, "ref", NULL, NULL, &e.ref));
  must (adze_graph_new ("wide", &graph));
  must (adze_graph_add_input (graph, "x", f32, 2, shape, &x));
  unsigned seed = 3;
  for (size_t i = 0; i < EXAMPLES * WIDE; i++) {
    seed = seed * 1664525u + 1013904223u;
    numbers[i] = (float)(seed >> 8) / 8388608.0f - 1;
  }
  for (size_t i = 0; i < 2; i++) {
    must (adze_graph_add_weight (graph, i ? "w2" : "w1", f32, 2, square, &weights[i]));
    must (adze_graph_set_data (graph, weights[i], numbers + i * WIDE, WIDE * WIDE * sizeof (float),
                               true));
  }
  uint32_t bent = op (graph, "Tanh", op (graph, "MatMul", x, weights[0]), ADZE_NONE);
  uint32_t output = op (graph, "MatMul", bent, weights[1]);
  must (adze_loss_add_input (graph, output, false, "wanted", &wanted));
  must (adze_loss_squares (graph, output, wanted, &loss));
  adze_trainer_options options = options_of (&e, ADZE_OPTIMISER_ADAMW, .01);
  options.clip = .5;
  must (adze_trainer_new (graph, loss, &options, &trainer));
  adze_view view = view_of (numbers, f32, 2, shape);
  const adze_view *inputs[] = { &view, &view };
  for (size_t i = 0; i < 3; i++)
    must (adze_trainer_step (trainer, inputs));
  must (adze_trainer_save (trainer, saved));
  adze_trainer_free (adze_take (&trainer));
  adze_backend_close (e.ref);
  adze_runtime_close (e.runtime);
}

static void
threads_change_no_byte (void **state)
{
  ADZE_AUTO (adze_buffer) alone = { 0 };
  ADZE_AUTO (adze_buffer) five = { 0 };
  (void)state;
  train_wide (1, &alone);
  train_wide (5, &five);
  assert_int_equal (alone.size, five.size);
  assert_memory_equal (alone.data, five.data, alone.size);
}

/* ---- Schedules. */

static void
schedules_go_as_they_say (void **state)
{
  (void)state;
  const adze_schedule step
      = { .kind = ADZE_SCHEDULE_STEP, .rate = 1, .warm_up = 4, .every = 3, .factor = .5 };
  const adze_schedule cosine
      = { .kind = ADZE_SCHEDULE_COSINE, .rate = 1, .total = 8, .least = .5 };
  const adze_schedule line = { .kind = ADZE_SCHEDULE_POLYNOMIAL, .rate = 1, .warm_up = 2,
                               .total = 10, .power = 2 };
  static const double steps[] = { .25, .5, .75, 1, 1, 1, 1, .5, .5, .5, .25 };
  for (uint64_t i = 0; i < ADZE_COUNT_OF (steps); i++)
    assert_true (fabs (adze_schedule_rate (&step, i) - steps[i]) < 1e-15);
  assert_true (adze_schedule_rate (&cosine, 0) == 1);
  assert_true (fabs (adze_schedule_rate (&cosine, 4) - .75) < 1e-15);
  assert_true (adze_schedule_rate (&cosine, 8) == .5);
  assert_true (adze_schedule_rate (&cosine, 99) == .5);
  assert_true (adze_schedule_rate (&line, 0) == .5);
  assert_true (adze_schedule_rate (&line, 2) == 1);
  assert_true (fabs (adze_schedule_rate (&line, 6) - .25) < 1e-15);
  assert_true (adze_schedule_rate (&line, 10) == 0);
  adze_schedule wrong = cosine;
  wrong.warm_up = 8;
  must_fail (adze_schedule_check (&wrong), ADZE_E_PARAM, "count of steps in all", NULL);
  wrong = step;
  wrong.every = 0;
  must_fail (adze_schedule_check (&wrong), ADZE_E_PARAM, "1 or more", NULL);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (exclusive_or_is_learnt_by_all),
    cmocka_unit_test (two_sides_are_learnt_by_all),
    cmocka_unit_test (steps_are_those_of_the_books),
    cmocka_unit_test (gradients_are_clipped_together),
    cmocka_unit_test (masked_gradients_do_not_count),
    cmocka_unit_test (a_mask_stays),
    cmocka_unit_test (what_cannot_train_is_refused),
    cmocka_unit_test (statistics_are_carried),
    cmocka_unit_test (a_weight_becomes_what_is_wished),
    cmocka_unit_test (dropout_drops),
    cmocka_unit_test (threads_change_no_byte),
    cmocka_unit_test (schedules_go_as_they_say),
  };
  return cmocka_run_group_tests_name ("train", tests, engine_open, engine_close);
}
