/* SPDX-License-Identifier: Apache-2.0 */
/* Small networks to train, and an engine that computes them: what the tests of training have in
 * common. */
#ifndef TESTS_UNIT_TRAIN_NETWORKS_H
#define TESTS_UNIT_TRAIN_NETWORKS_H

#include <math.h>

#include "engine.h"

#include "graph/infer.h"
#include "graph/losses.h"
#include "graph/metrics.h"
#include "graph/train.h"

static const adze_dtype f32 = { ADZE_FLOAT, 32, 1 }, f64 = { ADZE_FLOAT, 64, 1 },
                        i64 = { ADZE_INT, 64, 1 };

static inline adze_view
view_of (void *data, adze_dtype dtype, int32_t rank, int64_t *shape)
{
  return (adze_view){ .data = data, .device = { ADZE_DEVICE_CPU, 0 }, .rank = rank, .dtype = dtype,
                      .shape = shape };
}

static inline uint32_t
op (adze_graph *graph, const char *name, uint32_t a, uint32_t b)
{
  adze_gradient g = { .graph = graph };
  const uint32_t inputs[] = { a, b };
  uint32_t output = adze_op_with (&g, "", name, inputs, b == ADZE_NONE ? 1 : 2, NULL, 0);
  must (g.error);
  return output;
}

/* Numbers from -SIZE to SIZE that are always the same. */
static inline uint32_t
single_weight (adze_graph *graph, const char *name, int32_t rank, const int64_t *shape, float size)
{
  enum { MOST = 64 };
  static const unsigned first = 17;
  float numbers[MOST];
  size_t count = 1;
  unsigned seed = first;
  uint32_t value;
  for (const char *at = name; *at; at++)
    seed = seed * 31 + (unsigned char)*at;
  for (int32_t i = 0; i < rank; i++)
    count *= (size_t)shape[i];
  assert_true (count <= MOST);
  for (size_t i = 0; i < count; i++) {
    seed = seed * 1664525u + 1013904223u;
    numbers[i] = size * ((float)(seed >> 8) / 8388608.0f - 1);
  }
  must (adze_graph_add_weight (graph, name, f32, rank, shape, &value));
  must (adze_graph_set_data (graph, value, numbers, count * sizeof *numbers, true));
  return value;
}

static inline uint32_t
double_weight (adze_graph *graph, const char *name, double number)
{
  const int64_t shape = 1;
  uint32_t value;
  must (adze_graph_add_weight (graph, name, f64, 1, &shape, &value));
  must (adze_graph_set_data (graph, value, &number, sizeof number, true));
  return value;
}

/* Two numbers in, eight in the middle, OUTPUTS out; any number of examples. */
typedef struct net {
  adze_graph *graph;
  uint32_t x, scores, wanted, loss;
} net;

static inline void
make_net (net *n, int64_t outputs)
{
  int64_t x[] = { 0, 2 };
  const int64_t first[] = { 2, 8 }, second[] = { 8, outputs };
  must (adze_graph_new ("net", &n->graph));
  must (adze_graph_add_symbol (n->graph, "N", &x[0]));
  must (adze_graph_add_input (n->graph, "x", f32, 2, x, &n->x));
  uint32_t w1 = single_weight (n->graph, "w1", 2, first, 1);
  uint32_t b1 = single_weight (n->graph, "b1", 1, &first[1], .5f);
  uint32_t w2 = single_weight (n->graph, "w2", 2, second, .5f);
  uint32_t b2 = single_weight (n->graph, "b2", 1, &second[1], .25f);
  uint32_t middle = op (n->graph, "Add", op (n->graph, "MatMul", n->x, w1), b1);
  uint32_t bent = op (n->graph, "Tanh", middle, ADZE_NONE);
  n->scores = op (n->graph, "Add", op (n->graph, "MatMul", bent, w2), b2);
  n->wanted = n->loss = ADZE_NONE;
}

/* The classes of exclusive or. */
static inline void
make_xor (net *n)
{
  make_net (n, 2);
  must (adze_graph_add_output (n->graph, n->scores));
  must (adze_loss_add_input (n->graph, n->scores, true, "labels", &n->wanted));
  must (adze_loss_cross_entropy (n->graph, n->scores, n->wanted, 0, &n->loss));
}

/* Batches that are parts of one set, or what a test makes of them. */
typedef struct feed {
  adze_view views[2];
  const adze_view *inputs[2];
  int64_t x_shape[2], wanted_shape[2];
  uint64_t batches; /* an epoch */
} feed;

static inline void
feed_xor (feed *f, uint64_t batches)
{
  static float x[] = { -1, -1, -1, 1, 1, -1, 1, 1 };
  static int64_t labels[] = { 0, 1, 1, 0 };
  *f = (feed){ .x_shape = { 4, 2 }, .wanted_shape = { 4 }, .batches = batches };
  f->views[0] = view_of (x, f32, 2, f->x_shape);
  f->views[1] = view_of (labels, i64, 1, f->wanted_shape);
  f->inputs[0] = &f->views[0];
  f->inputs[1] = &f->views[1];
}

static inline adze_error *
same_batch (void *argument, uint64_t epoch, uint64_t number, const adze_view *const **inputs)
{
  feed *f = argument;
  (void)epoch;
  *inputs = number < f->batches ? f->inputs : NULL;
  return NULL;
}

static inline adze_trainer_options
options_of (const engine *e, adze_optimiser_kind kind, double rate)
{
  return (adze_trainer_options){ .compile = { .ref = e->ref },
                                 .optimiser = adze_optimiser_preset (kind),
                                 .schedule = { .kind = ADZE_SCHEDULE_CONSTANT, .rate = rate },
                                 .epochs = 1,
                                 .batch = same_batch };
}

static inline float
single_at (const adze_trainer *trainer, const char *name, size_t index)
{
  const adze_view *view = adze_trainer_weight (trainer, name);
  assert_non_null (view);
  return ((const float *)adze_view_data (view))[index];
}

static inline double
double_at (const adze_trainer *trainer, const char *name)
{
  const adze_view *view = adze_trainer_weight (trainer, name);
  assert_non_null (view);
  return *(const double *)adze_view_data (view);
}

#endif
