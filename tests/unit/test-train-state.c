/* SPDX-License-Identifier: Apache-2.0 */
/* What training keeps: checkpoints that go on to the same bytes, the best weights, and the last
 * good ones where it diverges. */
#include "train-networks.h"
#include "with-onednn.h"

/* ---- Checkpoints. */

/* Other batches in each epoch, so that a step too many or too few shows. */
typedef struct turned {
  feed feed;
  float x[4][2];
  int64_t labels[4];
  uint64_t stop_after; /* steps; 0: never */
  adze_buffer saved;
  double scores[8];
  uint64_t validated;
  float seen[8][16]; /* w1, when it was validated */
} turned;

static void
make_turned (turned *t)
{
  *t = (turned){ 0 };
  feed_xor (&t->feed, 5);
  memcpy (t->x, t->feed.views[0].data, sizeof t->x);
  memcpy (t->labels, t->feed.views[1].data, sizeof t->labels);
  t->feed.views[0] = view_of (t->x, f32, 2, t->feed.x_shape);
  t->feed.views[1] = view_of (t->labels, i64, 1, t->feed.wanted_shape);
  t->feed.inputs[0] = &t->feed.views[0];
  t->feed.inputs[1] = &t->feed.views[1];
}

static adze_error *
turned_batch (void *argument, uint64_t epoch, uint64_t number, const adze_view *const **inputs)
{
  turned *t = argument;
  for (size_t i = 0; i < 4; i++)
    for (size_t d = 0; d < 2; d++) {
      float size = 1 + .01f * (float)((epoch * 7 + number * 3 + i) % 11);
      t->x[i][d] = t->x[i][d] > 0 ? size : -size;
    }
  *inputs = number < t->feed.batches ? t->feed.inputs : NULL;
  return NULL;
}

static adze_error *
stop_and_save (void *argument, const adze_trainer *trainer)
{
  turned *t = argument;
  if (!t->stop_after || adze_trainer_progress (trainer)->step != t->stop_after)
    return NULL;
  adze_buffer_cleanup (&t->saved);
  t->saved = (adze_buffer){ 0 };
  must (adze_trainer_save (trainer, &t->saved));
  return adze_error_new (ADZE_E_CANCELLED, "stopped by the test");
}

static adze_error *
scored (void *argument, const adze_trainer *trainer, double *score)
{
  turned *t = argument;
  *score = t->scores[adze_trainer_progress (trainer)->epoch];
  memcpy (t->seen[adze_trainer_progress (trainer)->epoch],
          adze_view_data (adze_trainer_weight (trainer, "w1")), sizeof t->seen[0]);
  t->validated++;
  return NULL;
}

static void
make_trainer (const engine *e, turned *t, net *n, adze_optimiser_kind kind, uint64_t epochs,
              adze_trainer **trainer)
{
  adze_trainer_options options = options_of (e, kind, .05);
  make_xor (n);
  options.schedule = (adze_schedule){ .kind = ADZE_SCHEDULE_COSINE, .rate = .05, .warm_up = 3,
                                      .total = 30 };
  if (kind == ADZE_OPTIMISER_ADAMW)
    options.optimiser.average = 4;
  options.epochs = epochs;
  options.batch = turned_batch;
  options.after_step = stop_and_save;
  options.validate = scored;
  options.argument = t;
  must (adze_trainer_new (n->graph, n->loss, &options, trainer));
}

/* Stopped in the middle of an epoch and at the end of one: what is saved at the end is the same. */
static void
resumed_training_gives_the_same_bytes (void **state)
{
  static const adze_optimiser_kind kinds[] = { ADZE_OPTIMISER_NESTEROV, ADZE_OPTIMISER_ADAMW };
  static const uint64_t stops[] = { 1, 7, 10, 29 };
  static const double scores[] = { 5, 3, 4, 2, 6, 7 };
  for (size_t k = 0; k < ADZE_COUNT_OF (kinds); k++)
    for (size_t s = 0; s < ADZE_COUNT_OF (stops); s++) {
      turned t;
      net whole, first, second;
      ADZE_AUTO_TRAINER undisturbed = NULL;
      ADZE_AUTO_TRAINER stopped = NULL;
      ADZE_AUTO_TRAINER resumed = NULL;
      ADZE_AUTO (adze_buffer) wanted = { 0 };
      ADZE_AUTO (adze_buffer) found = { 0 };
      make_turned (&t);
      memcpy (t.scores, scores, sizeof scores);
      make_trainer (*state, &t, &whole, kinds[k], 6, &undisturbed);
      must (adze_trainer_run (undisturbed));
      must (adze_trainer_save (undisturbed, &wanted));
      t.stop_after = stops[s];
      make_trainer (*state, &t, &first, kinds[k], 6, &stopped);
      must_fail (adze_trainer_run (stopped), ADZE_E_CANCELLED, "stopped by the test", NULL);
      t.stop_after = 0;
      make_trainer (*state, &t, &second, kinds[k], 6, &resumed);
      must (adze_trainer_load (resumed, t.saved.data, t.saved.size));
      assert_int_equal (adze_trainer_progress (resumed)->step, stops[s]);
      must (adze_trainer_run (resumed));
      must (adze_trainer_save (resumed, &found));
      assert_int_equal (found.size, wanted.size);
      assert_memory_equal (found.data, wanted.data, found.size);
      /* And so does the one that was stopped, if it only goes on. */
      must (adze_trainer_run (stopped));
      adze_buffer_cleanup (&found);
      found = (adze_buffer){ 0 };
      must (adze_trainer_save (stopped, &found));
      assert_int_equal (found.size, wanted.size);
      assert_memory_equal (found.data, wanted.data, found.size);
      adze_buffer_cleanup (&t.saved);
      adze_trainer_free (adze_take (&undisturbed));
      adze_trainer_free (adze_take (&stopped));
      adze_trainer_free (adze_take (&resumed));
      adze_graph_free (whole.graph);
      adze_graph_free (first.graph);
      adze_graph_free (second.graph);
    }
}

static void
checkpoints_are_checked (void **state)
{
  turned t;
  net n, other;
  ADZE_AUTO_TRAINER trainer = NULL;
  ADZE_AUTO_TRAINER adam = NULL;
  ADZE_AUTO (adze_buffer) saved = { 0 };
  make_turned (&t);
  make_trainer (*state, &t, &n, ADZE_OPTIMISER_MOMENTUM, 2, &trainer);
  make_trainer (*state, &t, &other, ADZE_OPTIMISER_ADAM, 2, &adam);
  must (adze_trainer_run (trainer));
  must (adze_trainer_save (trainer, &saved));
  float before = single_at (trainer, "w1", 0);
  must_fail (adze_trainer_load (adam, saved.data, saved.size), ADZE_E_FORMAT,
             "is of another training", NULL);
  for (size_t size = 0; size < saved.size; size += 97)
    must_fail (adze_trainer_load (trainer, saved.data, size), ADZE_E_FORMAT, NULL);
  for (size_t at = 0; at < saved.size; at += 41) {
    saved.data[at] ^= 1;
    must_fail (adze_trainer_load (trainer, saved.data, saved.size), ADZE_E_FORMAT, NULL);
    saved.data[at] ^= 1;
  }
  assert_true (single_at (trainer, "w1", 0) == before);
  must (adze_trainer_load (trainer, saved.data, saved.size));
  assert_true (single_at (trainer, "w1", 0) == before);
  adze_trainer_free (adze_take (&trainer));
  adze_trainer_free (adze_take (&adam));
  adze_graph_free (n.graph);
  adze_graph_free (other.graph);
}

/* ---- Early stopping. */

static void
the_best_weights_are_kept (void **state)
{
  static const double scores[] = { 3, 2, 1, 1.5, 1.25, .5, .5, .5 };
  turned t;
  net n;
  make_turned (&t);
  memcpy (t.scores, scores, sizeof scores);
  adze_trainer_options options = options_of (*state, ADZE_OPTIMISER_ADAM, .05);
  options.epochs = 8;
  options.batch = turned_batch;
  options.validate = scored;
  options.patience = 2;
  options.argument = &t;
  make_xor (&n);
  ADZE_AUTO_GRAPH graph = n.graph;
  ADZE_AUTO_TRAINER trainer = NULL;
  must (adze_trainer_new (graph, n.loss, &options, &trainer));
  must (adze_trainer_run (trainer));
  const adze_train_progress *p = adze_trainer_progress (trainer);
  assert_true (p->ended);
  assert_int_equal (p->epoch, 5);
  assert_int_equal (t.validated, 5);
  assert_int_equal (p->best_epoch, 2);
  assert_true (p->best_score == 1);
  assert_memory_equal (adze_view_data (adze_trainer_weight (trainer, "w1")), t.seen[2],
                       sizeof t.seen[2]);
  assert_memory_not_equal (t.seen[2], t.seen[4], sizeof t.seen[2]);
  /* It ended: nothing happens any more. */
  must (adze_trainer_run (trainer));
  assert_int_equal (t.validated, 5);
}

/* ---- Averages. */

enum { AVERAGED = 4 };

/* What an average of AVERAGED steps should be, by the definition, of w1. */
typedef struct averaged {
  turned turned;
  adze_graph *follower; /* whose weights follow those that are given */
  double average[16];
  float last[16]; /* in front of the step that comes */
  uint64_t steps;
} averaged;

static const float *
shared_w1 (const averaged *a)
{
  return adze_graph_value_at (a->follower, adze_graph_find (a->follower, "w1"))->data;
}

static void
must_be_average (const averaged *a, const float *found)
{
  bool moved = false;
  for (size_t i = 0; i < 16; i++) {
    assert_true (fabs ((double)found[i] - a->average[i]) < 1e-6);
    moved = moved || fabs ((double)a->last[i] - a->average[i]) > 1e-3;
  }
  assert_true (moved); /* the weights themselves are something else */
}

static adze_error *
add_to_average (void *argument, const adze_trainer *trainer)
{
  averaged *a = argument;
  double share = fmax (1. / AVERAGED, 1. / (double)++a->steps);
  for (size_t i = 0; i < 16; i++)
    a->average[i] += share * ((double)a->last[i] - a->average[i]);
  memcpy (a->last, adze_view_data (adze_trainer_weight (trainer, "w1")), sizeof a->last);
  return NULL;
}

static adze_error *
average_is_validated (void *argument, const adze_trainer *trainer, double *score)
{
  averaged *a = argument;
  *score = -(double)adze_trainer_progress (trainer)->epoch; /* the last is the best */
  must_be_average (a, shared_w1 (a));
  return NULL;
}

/* What is learnt is the same as without one. */
static void
check_average (const engine *e, averaged *a, bool validates)
{
  net n, same;
  ADZE_AUTO_TRAINER trainer = NULL;
  ADZE_AUTO_TRAINER plain = NULL;
  *a = (averaged){ 0 };
  make_turned (&a->turned);
  adze_trainer_options options = options_of (e, ADZE_OPTIMISER_ADAM, .05);
  options.epochs = 2;
  options.batch = turned_batch;
  options.argument = a; /* a turned is what it begins with */
  make_xor (&n);
  make_xor (&same);
  must (adze_trainer_new (same.graph, same.loss, &options, &plain));
  options.after_step = add_to_average;
  options.validate = validates ? average_is_validated : NULL;
  options.optimiser.average = AVERAGED;
  must (adze_trainer_new (n.graph, n.loss, &options, &trainer));
  must (adze_graph_copy (n.graph, &a->follower));
  memcpy (a->last, adze_view_data (adze_trainer_weight (trainer, "w1")), sizeof a->last);
  must (adze_trainer_share (trainer, a->follower));
  assert_memory_equal (shared_w1 (a), a->last, sizeof a->last); /* nothing is averaged yet */
  must (adze_trainer_run (trainer));
  must (adze_trainer_run (plain));
  assert_int_equal (a->steps, 10);
  assert_memory_equal (a->last, adze_view_data (adze_trainer_weight (plain, "w1")), sizeof a->last);
  must_be_average (a, shared_w1 (a));
  must_be_average (a, adze_view_data (adze_trainer_weight (trainer, "w1")));
  adze_graph_free (a->follower);
  a->follower = NULL;
  adze_trainer_free (adze_take (&trainer));
  adze_trainer_free (adze_take (&plain));
  adze_graph_free (n.graph);
  adze_graph_free (same.graph);
}

static void
averages_are_what_others_get (void **state)
{
  averaged a;
  check_average (*state, &a, false);
  check_average (*state, &a, true);
}

/* ---- Numbers that are none. */

/* BEND (w x) against 0, of one single. */
static void
make_single (adze_graph **graph, float weight, const char *bend, uint32_t *loss)
{
  const int64_t shape = 1;
  uint32_t x, w;
  must (adze_graph_new ("single", graph));
  must (adze_graph_add_input (*graph, "x", f32, 1, &shape, &x));
  must (adze_graph_add_weight (*graph, "w", f32, 1, &shape, &w));
  must (adze_graph_set_data (*graph, w, &weight, sizeof weight, true));
  uint32_t product = op (*graph, "Mul", w, x);
  uint32_t bent = strcmp (bend, "Mul") == 0 ? op (*graph, "Mul", product, product)
                                            : op (*graph, bend, product, ADZE_NONE);
  const int64_t keep = 0;
  const adze_graph_attribute attribute = adze_attribute_int ("keepdims", &keep);
  adze_gradient g = { .graph = *graph };
  *loss = adze_op_with (&g, "", "ReduceSum", &bent, 1, &attribute, 1);
  must (g.error);
}

static void
divergence_is_named_and_the_last_good_weights_are_kept (void **state)
{
  ADZE_AUTO_GRAPH graph = NULL;
  ADZE_AUTO_TRAINER trainer = NULL;
  uint32_t loss;
  int64_t shape[] = { 1 };
  float x = 1;
  adze_view view = view_of (&x, f32, 1, shape);
  const adze_view *inputs[] = { &view };
  make_single (&graph, 1, "Mul", &loss);
  const adze_trainer_options options = options_of (*state, ADZE_OPTIMISER_SGD, 1e30);
  must (adze_trainer_new (graph, loss, &options, &trainer));
  must (adze_trainer_step (trainer, inputs)); /* w is -2e30, and its square is beyond a single */
  assert_true (single_at (trainer, "w", 0) < -1e30f);
  must_fail (adze_trainer_step (trainer, inputs), ADZE_E_LIMIT,
             "diverged in step 2 (epoch 1, batch 2)", "the loss is inf",
             "(Mul) was the first to give inf",
             "weights are again those in front of step 1", NULL);
  assert_true (single_at (trainer, "w", 0) == 1);
  assert_int_equal (adze_trainer_progress (trainer)->step, 0);
}

/* What the network gives is a number, and its square is none: people know of no node that makes it. */
static void
the_loss_itself_is_named (void **state)
{
  ADZE_AUTO_GRAPH graph = NULL;
  ADZE_AUTO_TRAINER trainer = NULL;
  uint32_t x, w, y, wanted, loss;
  int64_t shape[] = { 1 };
  float weight = 1e30f, one = 1, none = 0;
  adze_view views[] = { view_of (&one, f32, 1, shape), view_of (&none, f32, 1, shape) };
  const adze_view *inputs[] = { &views[0], &views[1] };
  must (adze_graph_new ("single", &graph));
  must (adze_graph_add_input (graph, "x", f32, 1, shape, &x));
  must (adze_graph_add_weight (graph, "w", f32, 1, shape, &w));
  must (adze_graph_set_data (graph, w, &weight, sizeof weight, true));
  const uint32_t factors[] = { w, x };
  const char *name = "y";
  const adze_node_recipe product = { .struct_size = sizeof product, .op = "Mul", .inputs = factors,
                                     .input_count = 2, .output_names = &name, .output_count = 1 };
  must (adze_graph_add_node (graph, &product, &y));
  must (adze_graph_verify (graph));
  must (adze_loss_add_input (graph, y, false, "wanted", &wanted));
  must (adze_loss_squares (graph, y, wanted, &loss));
  const adze_trainer_options options = options_of (*state, ADZE_OPTIMISER_SGD, .1);
  must (adze_trainer_new (graph, loss, &options, &trainer));
  must_fail (adze_trainer_step (trainer, inputs), ADZE_E_LIMIT, "the loss is inf",
             "the loss (mean squared error) of the output 'y' was the first to give inf; weights", NULL);
}

static void
gradients_without_end_change_nothing (void **state)
{
  ADZE_AUTO_GRAPH graph = NULL;
  ADZE_AUTO_TRAINER trainer = NULL;
  uint32_t loss;
  int64_t shape[] = { 1 };
  float x = 1;
  adze_view view = view_of (&x, f32, 1, shape);
  const adze_view *inputs[] = { &view };
  make_single (&graph, 0, "Sqrt", &loss);
  const adze_trainer_options options = options_of (*state, ADZE_OPTIMISER_SGD, .1);
  must (adze_trainer_new (graph, loss, &options, &trainer));
  must_fail (adze_trainer_step (trainer, inputs), ADZE_E_LIMIT, "diverged in step 1",
             "the loss is 0", "'w' would get numbers that are none",
             "neither the network nor its loss gave such a number", NULL);
  assert_true (single_at (trainer, "w", 0) == 0);
}

/* A batch of 1, and of 0 in step BAD: there the root has no gradient. */
typedef struct roots {
  uint64_t count, bad, asked;
  float x;
  int64_t shape[1];
  adze_view view;
  const adze_view *inputs[1];
} roots;

static adze_error *
next_root (void *argument, uint64_t epoch, uint64_t number, const adze_view *const **inputs)
{
  roots *r = argument;
  (void)epoch;
  r->asked++;
  r->x = number == r->bad ? 0 : 1;
  r->shape[0] = 1;
  r->view = view_of (&r->x, f32, 1, r->shape);
  r->inputs[0] = &r->view;
  *inputs = number < r->count ? r->inputs : NULL;
  return NULL;
}

/* The loss of the bad step is 0, and it is later that something is seen: the loss of the next, what is kept
 * then, or the end of the epoch. */
static void
check_first_step (const engine *e, adze_backend_at_work *backend)
{
  static const struct {
    uint64_t bad, count, every;
  } cases[] = { { 5, 20, 64 }, { 5, 6, 64 }, { 2, 4, 1 }, { 0, 9, 64 } };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ADZE_AUTO_GRAPH graph = NULL;
    ADZE_AUTO_TRAINER trainer = NULL;
    ADZE_AUTO (adze_buffer) saved = { 0 };
    uint32_t loss;
    roots r = { .bad = cases[i].bad, .count = cases[i].count };
    char words[40];
    make_single (&graph, 4, "Sqrt", &loss);
    adze_trainer_options options = options_of (e, ADZE_OPTIMISER_SGD, 1);
    options.compile.backend = backend;
    options.batch = next_root;
    options.argument = &r;
    options.keep_every = cases[i].every;
    must (adze_trainer_new (graph, loss, &options, &trainer));
    snprintf (words, sizeof words, "diverged in step %d (epoch 1", (int)cases[i].bad + 1);
    must_fail (adze_trainer_run (trainer), ADZE_E_LIMIT, words, "the loss is 0",
               "'w' would get numbers that are none", "weights are those in front of this step", NULL);
    assert_int_equal (adze_trainer_progress (trainer)->step, cases[i].bad);
    /* As far as that it learnt. */
    float w = 4;
    for (uint64_t s = 0; s < cases[i].bad; s++)
      w -= .5f / sqrtf (w);
    assert_true (fabsf (single_at (trainer, "w", 0) - w) < 1e-5f);
    must (adze_trainer_save (trainer, &saved));
  }
}

/* With the second one, what a step makes is written over what it takes. */
static void
the_first_step_that_gave_such_numbers_is_told (void **state)
{
  const engine *e = *state;
  check_first_step (e, NULL);
  if (e->other)
    check_first_step (e, e->other);
}

static void
a_batch_with_nan_is_named (void **state)
{
  net n;
  feed f;
  float x[] = { 0, 1, NAN, 1, 1, 0, 1, 1 };
  make_xor (&n);
  ADZE_AUTO_GRAPH graph = n.graph;
  ADZE_AUTO_TRAINER trainer = NULL;
  feed_xor (&f, 1);
  adze_trainer_options options = options_of (*state, ADZE_OPTIMISER_ADAM, .1);
  options.argument = &f;
  must (adze_trainer_new (graph, n.loss, &options, &trainer));
  float before = single_at (trainer, "w2", 3);
  f.views[0].data = x;
  must_fail (adze_trainer_run (trainer), ADZE_E_LIMIT, "step 1 (epoch 1, batch 1)",
             "it is given numbers that are none", "in its input 'x' already", NULL);
  assert_true (single_at (trainer, "w2", 3) == before);
  f.batches = 0;
  must_fail (adze_trainer_run (trainer), ADZE_E_FORMAT, "epoch 1 has no batch", NULL);
}

/* Batches of 1, and of 1e16 in step BLOW of all: its loss is finite still, and the weight that comes of it is
 * beyond all squares. */
typedef struct blown {
  uint64_t count, blow;
  float x;
  int64_t shape[1];
  adze_view view;
  const adze_view *inputs[1];
} blown;

static adze_error *
next_blown (void *argument, uint64_t epoch, uint64_t number, const adze_view *const **inputs)
{
  blown *b = argument;
  b->x = epoch * b->count + number == b->blow ? 1e16f : 1;
  b->shape[0] = 1;
  b->view = view_of (&b->x, f32, 1, b->shape);
  b->inputs[0] = &b->view;
  *inputs = number < b->count ? b->inputs : NULL;
  return NULL;
}

/* In the middle of an epoch, and so that the first step of the next one has no finite loss. */
static void
check_last_good (const engine *e, adze_backend_at_work *backend)
{
  static const struct {
    uint64_t blow, count;
    const char *words, *left;
  } cases[] = {
    { 11, 30, "diverged in step 13 (epoch 1, batch 13)", "again those in front of step 12" },
    { 11, 8, "diverged in step 13 (epoch 2, batch 5)", "again those in front of step 12" },
    { 11, 12, "diverged in step 13 (epoch 2, batch 1)", "again those in front of step 12" },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (cases); i++) {
    ADZE_AUTO_GRAPH graph = NULL;
    ADZE_AUTO_TRAINER trainer = NULL;
    ADZE_AUTO (adze_buffer) saved = { 0 };
    uint32_t loss;
    blown b = { .blow = cases[i].blow, .count = cases[i].count };
    make_single (&graph, 1, "Mul", &loss);
    adze_trainer_options options = options_of (e, ADZE_OPTIMISER_SGD, .25);
    options.compile.backend = backend;
    options.epochs = 9;
    options.batch = next_blown;
    options.argument = &b;
    must (adze_trainer_new (graph, loss, &options, &trainer));
    must_fail (adze_trainer_run (trainer), ADZE_E_LIMIT, cases[i].words, "the loss is inf",
               cases[i].left, NULL);
    /* Each step halves it. */
    assert_true (single_at (trainer, "w", 0) == 1.f / 2048);
    assert_int_equal (adze_trainer_progress (trainer)->step, 11);
    assert_int_equal (adze_trainer_progress (trainer)->epoch, 11 / cases[i].count);
    assert_int_equal (adze_trainer_progress (trainer)->number, 11 % cases[i].count);
    must (adze_trainer_save (trainer, &saved));
  }
}

static void
the_last_weights_with_a_finite_loss_are_left (void **state)
{
  const engine *e = *state;
  check_last_good (e, NULL);
  if (e->other)
    check_last_good (e, e->other);
}

static adze_error *
nan_in_the_fifth (void *argument, uint64_t epoch, uint64_t number, const adze_view *const **inputs)
{
  ADZE_TRY (next_blown (argument, epoch, number, inputs));
  blown *b = argument;
  b->x = epoch == 1 && number == 4 ? NAN : 1;
  return NULL;
}

/* The weights have nothing to do with it. */
static void
a_batch_with_nan_costs_no_step (void **state)
{
  const engine *e = *state;
  adze_backend_at_work *backends[] = { NULL, e->other };
  for (size_t i = 0; i < (e->other ? 2 : 1); i++) {
    ADZE_AUTO_GRAPH graph = NULL;
    ADZE_AUTO_TRAINER trainer = NULL;
    uint32_t loss;
    blown b = { .count = 6 };
    make_single (&graph, 1, "Mul", &loss);
    adze_trainer_options options = options_of (e, ADZE_OPTIMISER_SGD, .25);
    options.compile.backend = backends[i];
    options.epochs = 9;
    options.batch = nan_in_the_fifth;
    options.argument = &b;
    must (adze_trainer_new (graph, loss, &options, &trainer));
    adze_error *error = adze_trainer_run (trainer);
    assert_non_null (strstr (adze_error_fact (error, "hint"), "data is to be cleaned"));
    must_fail (error, ADZE_E_LIMIT, "cannot do step 11 (epoch 2, batch 5)",
               "it is given numbers that are none",
               "in its input 'x' already, first in its example 1",
               "weights are those in front of this step", NULL);
    assert_true (single_at (trainer, "w", 0) == 1.f / 1024);
    assert_int_equal (adze_trainer_progress (trainer)->step, 10);
  }
}

/* NaN comes in the second epoch. What is not looked at in front of the step is found by its loss. */
static void
a_batch_is_looked_at_when_that_was_asked_for (void **state)
{
  static const struct {
    uint8_t looks;
    const char *words, *cause;
  } cases[] = {
    { ADZE_LOOKS_ALWAYS, "it is given numbers that are none", "in its input 'x' already" },
    { ADZE_LOOKS_FIRST_EPOCH, "the loss is nan", "in its input 'x' already" },
    { ADZE_LOOKS_NEVER, "the loss is nan", "(Mul) was the first to give nan" },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (cases); i++) {
    ADZE_AUTO_GRAPH graph = NULL;
    ADZE_AUTO_TRAINER trainer = NULL;
    uint32_t loss;
    blown b = { .count = 6 };
    make_single (&graph, 1, "Mul", &loss);
    adze_trainer_options options = options_of (*state, ADZE_OPTIMISER_SGD, .25);
    options.epochs = 9;
    options.batch = nan_in_the_fifth;
    options.looks = &cases[i].looks;
    options.argument = &b;
    must (adze_trainer_new (graph, loss, &options, &trainer));
    must_fail (adze_trainer_run (trainer), ADZE_E_LIMIT, "step 11 (epoch 2, batch 5)", cases[i].words,
               cases[i].cause, NULL);
  }
}

static void
a_weight_that_came_with_nan_is_named (void **state)
{
  ADZE_AUTO_GRAPH graph = NULL;
  ADZE_AUTO_TRAINER trainer = NULL;
  uint32_t loss;
  blown b = { .count = 6 };
  make_single (&graph, NAN, "Mul", &loss);
  adze_trainer_options options = options_of (*state, ADZE_OPTIMISER_SGD, .25);
  options.epochs = 9;
  options.batch = next_blown;
  options.argument = &b;
  must (adze_trainer_new (graph, loss, &options, &trainer));
  adze_error *error = adze_trainer_run (trainer);
  assert_non_null (strstr (adze_error_fact (error, "hint"), "begin with a model without"));
  must_fail (error, ADZE_E_LIMIT, "cannot do step 1", "the weight 'w' came with such numbers", NULL);
}

static adze_error *
last_one_wide (void *argument, uint64_t epoch, uint64_t number, const adze_view *const **inputs)
{
  feed *f = argument;
  f->x_shape[1] = number + 1 == f->batches ? 3 : 2;
  return same_batch (argument, epoch, number, inputs);
}

/* However many batches are in front of it. */
static void
a_last_batch_that_does_not_fit_is_known_before_anything_is_done (void **state)
{
  for (uint64_t batches = 1; batches < 12; batches++) {
    net n;
    feed f;
    make_xor (&n);
    ADZE_AUTO_GRAPH graph = n.graph;
    ADZE_AUTO_TRAINER trainer = NULL;
    feed_xor (&f, batches);
    adze_trainer_options options = options_of (*state, ADZE_OPTIMISER_SGD, .1);
    options.batch = last_one_wide;
    options.argument = &f;
    must (adze_trainer_new (graph, n.loss, &options, &trainer));
    must_fail (adze_trainer_run (trainer), ADZE_E_FORMAT, "input 'x'", NULL);
    assert_int_equal (adze_trainer_progress (trainer)->step, 0);
  }
}

static void
other_shapes_are_refused (void **state)
{
  net n;
  feed f;
  make_xor (&n);
  ADZE_AUTO_GRAPH graph = n.graph;
  ADZE_AUTO_GRAPH other = NULL;
  ADZE_AUTO_TRAINER trainer = NULL;
  const int64_t shape[] = { 4, 4 };
  feed_xor (&f, 1);
  const adze_trainer_options options = options_of (*state, ADZE_OPTIMISER_SGD, .1);
  must (adze_trainer_new (graph, n.loss, &options, &trainer));
  f.x_shape[1] = 3;
  must_fail (adze_trainer_step (trainer, f.inputs), ADZE_E_FORMAT, "input 'x'", NULL);
  must (adze_graph_new ("other", &other));
  must_fail (adze_trainer_give (trainer, other), ADZE_E_NOT_FOUND, "none of the weights", NULL);
  single_weight (other, "w1", 2, shape, 1);
  must_fail (adze_trainer_give (trainer, other), ADZE_E_FORMAT, "the weight 'w1' is", NULL);
}

/* With onednn where that was built. */
static int
open_engine (void **state)
{
  return onednn_was_built () ? open_with_onednn (state) : engine_open (state);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (resumed_training_gives_the_same_bytes),
    cmocka_unit_test (checkpoints_are_checked),
    cmocka_unit_test (the_best_weights_are_kept),
    cmocka_unit_test (averages_are_what_others_get),
    cmocka_unit_test (divergence_is_named_and_the_last_good_weights_are_kept),
    cmocka_unit_test (the_loss_itself_is_named),
    cmocka_unit_test (gradients_without_end_change_nothing),
    cmocka_unit_test (the_last_weights_with_a_finite_loss_are_left),
    cmocka_unit_test (a_batch_with_nan_costs_no_step),
    cmocka_unit_test (a_batch_is_looked_at_when_that_was_asked_for),
    cmocka_unit_test (a_weight_that_came_with_nan_is_named),
    cmocka_unit_test (the_first_step_that_gave_such_numbers_is_told),
    cmocka_unit_test (a_batch_with_nan_is_named),
    cmocka_unit_test (a_last_batch_that_does_not_fit_is_known_before_anything_is_done),
    cmocka_unit_test (other_shapes_are_refused),
  };
  return cmocka_run_group_tests_name ("train-state", tests, open_engine, engine_close);
}
