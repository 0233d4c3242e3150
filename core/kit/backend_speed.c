/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/backend_speed.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "graph/gradient.h"
#include "graph/losses.h"
#include "graph/train.h"

enum { LEAST_TIMINGS = 3, MOST_TIMINGS = 1000, BATCH = 64 };

static const adze_dtype f32 = { ADZE_FLOAT, 32, 1 };

/* Something that is done again and again. */
typedef struct work {
  const char *what, *unit;
  double each; /* units in one execution */
  adze_graph *graph;
  adze_executable *executable;
  adze_trainer *trainer;
  adze_view views[2];
  int64_t shapes[2][4];
  const adze_view *inputs[2];
  const adze_view *outputs[1];
  size_t input_count;
} work;

static void
work_cleanup (work *w)
{
  adze_trainer_free (w->trainer);
  adze_executable_free (w->executable);
  adze_graph_free (w->graph);
  for (size_t i = 0; i < w->input_count; i++)
    free (w->views[i].data);
}

/* ---- What it is made of. */

static size_t
product_of (int32_t rank, const int64_t *shape)
{
  size_t count = 1;
  for (int32_t d = 0; d < rank; d++)
    count *= (size_t)shape[d];
  return count;
}

/* Small numbers, always the same. */
static float *
numbers (size_t count, float size)
{
  float *all = malloc ((count + 1) * sizeof *all);
  uint32_t state = 7;
  for (size_t i = 0; all && i < count; i++) {
    state = state * 1664525u + 1013904223u;
    all[i] = size * ((float)(state >> 8) / 8388608.0f - 1);
  }
  return all;
}

static adze_error *
add_input (work *w, const char *name, int32_t rank, const int64_t *shape, uint32_t *value)
{
  size_t index = w->input_count;
  memcpy (w->shapes[index], shape, (size_t)rank * sizeof *shape);
  w->views[index] = (adze_view){ .data = numbers (product_of (rank, shape), 1),
                                 .device = { ADZE_DEVICE_CPU, 0 },
                                 .rank = rank,
                                 .dtype = f32,
                                 .shape = w->shapes[index] };
  w->inputs[index] = &w->views[index];
  w->input_count++;
  return w->views[index].data
             ? adze_graph_add_input (w->graph, name, f32, rank, w->shapes[index], value)
             : adze_error_memory ();
}

static adze_error *
add_weight (work *w, const char *name, int32_t rank, const int64_t *shape, uint32_t *value)
{
  size_t count = product_of (rank, shape);
  ADZE_AUTO_FREE float *all = numbers (count, .05F);
  if (!all)
    return adze_error_memory ();
  ADZE_TRY (adze_graph_add_weight (w->graph, name, f32, rank, shape, value));
  return adze_graph_set_data (w->graph, *value, all, count * sizeof *all, true);
}

static adze_error *
compile (work *w, adze_backend_at_work *backend, adze_backend_at_work *ref)
{
  const adze_compile_options options = { .backend = backend, .ref = ref, .fixed_weights = true };
  return adze_graph_compile (w->graph, &options, &w->executable);
}

static adze_error *
make_product (work *w, int64_t size)
{
  const int64_t shape[] = { size, size };
  uint32_t a, b;
  adze_gradient g = { .graph = w->graph };
  w->unit = "GFLOP/s";
  w->each = 2e-9 * (double)size * (double)size * (double)size;
  ADZE_TRY (add_input (w, "a", 2, shape, &a));
  ADZE_TRY (add_input (w, "b", 2, shape, &b));
  uint32_t product = adze_op (&g, "MatMul", a, b, ADZE_END);
  return g.error ? g.error : adze_graph_add_output (w->graph, product);
}

static adze_error *
make_convolution (work *w)
{
  const int64_t in[] = { 16, 32, 28, 28 }, kernel[] = { 64, 32, 3, 3 }, pads[] = { 1, 1, 1, 1 };
  const adze_graph_attribute attribute = adze_attribute_ints ("pads", pads, 4);
  uint32_t operands[2];
  adze_gradient g = { .graph = w->graph };
  w->unit = "GFLOP/s";
  w->each = 2e-9 * 16 * 64 * 28 * 28 * 32 * 9;
  ADZE_TRY (add_input (w, "x", 4, in, &operands[0]));
  ADZE_TRY (add_weight (w, "w", 4, kernel, &operands[1]));
  uint32_t made = adze_op_with (&g, "", "Conv", operands, 2, &attribute, 1);
  return g.error ? g.error : adze_graph_add_output (w->graph, made);
}

/* ---- A step of training. */

static adze_error *
add_layer (work *w, adze_gradient *g, const char *const *names, const int64_t *sizes, uint32_t *x)
{
  uint32_t weight, bias;
  ADZE_TRY (add_weight (w, names[0], 2, sizes, &weight));
  ADZE_TRY (add_weight (w, names[1], 1, &sizes[1], &bias));
  *x = adze_op (g, "Add", adze_op (g, "MatMul", *x, weight, ADZE_END), bias, ADZE_END);
  return g->error;
}

static adze_error *
add_labels (work *w, uint32_t scores, uint32_t *labels)
{
  size_t index = w->input_count;
  int64_t *classes = malloc (BATCH * sizeof *classes);
  if (!classes)
    return adze_error_memory ();
  for (int64_t i = 0; i < BATCH; i++)
    classes[i] = i % 10;
  w->shapes[index][0] = BATCH;
  w->views[index] = (adze_view){ .data = classes,
                                 .device = { ADZE_DEVICE_CPU, 0 },
                                 .rank = 1,
                                 .dtype = { ADZE_INT, 64, 1 },
                                 .shape = w->shapes[index] };
  w->inputs[index] = &w->views[index];
  w->input_count++;
  return adze_loss_add_input (w->graph, scores, true, "labels", labels);
}

static adze_error *
make_training (work *w, adze_backend_at_work *backend, adze_backend_at_work *ref)
{
  static const char *const names[][2] = { { "w1", "b1" }, { "w2", "b2" }, { "w3", "b3" } };
  static const int64_t sizes[] = { 784, 256, 128, 10 };
  const int64_t in[] = { BATCH, 784 };
  uint32_t x, labels, loss;
  adze_gradient g = { .graph = w->graph };
  w->unit = "images/s";
  w->each = BATCH;
  ADZE_TRY (add_input (w, "x", 2, in, &x));
  for (size_t i = 0; i < ADZE_COUNT_OF (names); i++) {
    ADZE_TRY (add_layer (w, &g, names[i], &sizes[i], &x));
    if (i + 1 < ADZE_COUNT_OF (names))
      x = adze_op (&g, "Relu", x, ADZE_END);
  }
  ADZE_TRY (g.error);
  ADZE_TRY (add_labels (w, x, &labels));
  ADZE_TRY (adze_loss_cross_entropy (w->graph, x, labels, 0, &loss));
  const adze_trainer_options options
      = { .compile = { .backend = backend, .ref = ref },
          .optimiser = adze_optimiser_preset (ADZE_OPTIMISER_SGD),
          .schedule = { .kind = ADZE_SCHEDULE_CONSTANT, .rate = 1e-3 } };
  return adze_trainer_new (w->graph, loss, &options, &w->trainer);
}

static adze_error *
make (work *w, size_t index, adze_backend_at_work *backend, adze_backend_at_work *ref)
{
  static const struct {
    const char *what;
    int64_t size; /* of a product of square matrices; 0: another thing */
  } works[ADZE_SPEEDS] = { { "MatMul 64 x 64 x 64", 64 },
                           { "MatMul 128 x 128 x 128", 128 },
                           { "MatMul 256 x 256 x 256", 256 },
                           { "MatMul 512 x 512 x 512", 512 },
                           { "MatMul 1024 x 1024 x 1024", 1024 },
                           { "Conv 16 x 32 x 28 x 28, 64 kernels of 3 x 3", 0 },
                           { "step of training, MLP 784-256-128-10, batch 64, SGD", -1 } };
  ADZE_TRY (adze_graph_new ("bench", &w->graph));
  w->what = works[index].what;
  if (works[index].size < 0)
    return make_training (w, backend, ref);
  ADZE_TRY (works[index].size ? make_product (w, works[index].size) : make_convolution (w));
  return compile (w, backend, ref);
}

/* ---- Timing. */

static adze_error *
execute (work *w)
{
  return w->trainer ? adze_trainer_step (w->trainer, w->inputs)
                    : adze_execute (w->executable, w->inputs, w->outputs);
}

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds that COUNT executions take. */
static adze_error *
take_time (work *w, unsigned count, double *seconds)
{
  double begin = now ();
  for (unsigned i = 0; i < count; i++)
    ADZE_TRY (execute (w));
  *seconds = now () - begin;
  return NULL;
}

static int
by_size (const void *a, const void *b)
{
  double one = *(const double *)a, other = *(const double *)b;
  return one < other ? -1 : one > other;
}

static adze_error *
time_all (work *w, unsigned timings, adze_speed *speed)
{
  double seconds = 0, begin = now (), rates[MOST_TIMINGS];
  unsigned count = 0;
  /* The last one tells how many make a timing: the first one compiled something, perhaps. */
  for (; count < ADZE_SPEED_WARM_UP && now () - begin < ADZE_SPEED_WARM_UP_MS * 1e-3; count++)
    ADZE_TRY (take_time (w, 1, &seconds));
  double each = seconds, least = ADZE_SPEED_LEAST_MS * 1e-3;
  count = each >= least ? 1 : each > 0 ? (unsigned)(least / each) + 1 : 1000;
  timings = timings > MOST_TIMINGS ? MOST_TIMINGS : timings;
  for (speed->timings = 0; speed->timings < timings; speed->timings++) {
    if (speed->timings >= LEAST_TIMINGS && now () - begin > ADZE_SPEED_MOST_MS * 1e-3)
      break;
    ADZE_TRY (take_time (w, count, &seconds));
    rates[speed->timings] = w->each * count / (seconds > 0 ? seconds : 1e-9);
  }
  qsort (rates, speed->timings, sizeof *rates, by_size);
  speed->executions = count;
  speed->lowest = rates[0];
  speed->highest = rates[speed->timings - 1];
  speed->median = (rates[(speed->timings - 1) / 2] + rates[speed->timings / 2]) / 2;
  return NULL;
}

adze_error *
adze_speed_measure (adze_backend_at_work *backend, adze_backend_at_work *ref, size_t index,
                    unsigned timings, adze_speed *speed)
{
  __attribute__ ((cleanup (work_cleanup))) work w = { 0 };
  *speed = (adze_speed){ 0 };
  ADZE_TRY (make (&w, index, backend, ref));
  speed->what = w.what;
  speed->unit = w.unit;
  ADZE_TRY (time_all (&w, timings ? timings : 1, speed));
  const adze_executable_facts *facts
      = w.trainer ? adze_trainer_facts (w.trainer) : adze_executable_facts_of (w.executable);
  speed->delegated = facts->delegated;
  speed->steps = facts->steps;
  return NULL;
}
