/* SPDX-License-Identifier: Apache-2.0 */
/* network-peer: times a network, for bench-networks.sh.
 *
 *   network-peer train mlp|cnn BATCH sgd|adam SECONDS BACKEND THREADS
 *   network-peer infer|int8|bf16 mlp|cnn BATCH -|FOLDER SECONDS BACKEND THREADS
 *
 * Prints "RATE COMPILE PEAK RATE": images a second, milliseconds from a graph to where its first step
 * begins, the peak of resident memory in kB, and images a second of processor time, which another load
 * disturbs less. Examples are in memory before the clock starts, as the peer has them.
 *
 * A FOLDER has what `networks.py prepare` wrote: weights, and images with labels; then how many of the
 * test images are recognised is a fifth number. int8: weights in 8 bits with a scale for each channel,
 * activations in 8 bits with ranges that were measured on a thousand images of training. bf16: all
 * between the images and the scores in bfloat16. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "graph/infer.h"
#include "graph/losses.h"
#include "graph/optimise.h"
#include "graph/train.h"

enum { EXAMPLES = 12800, PIXELS = 784, WARM_UP = 30, TESTED = 10000, CALIBRATION = 1024, CODED = 4,
       CLASSES = 10 };

static const adze_dtype f32 = { ADZE_FLOAT, 32, 1 }, i64 = { ADZE_INT, 64, 1 },
                        i8 = { ADZE_INT, 8, 1 }, u8 = { ADZE_UINT, 8, 1 }, bf16 = { ADZE_BFLOAT, 16, 1 };

static void
must (adze_error *error)
{
  if (!error)
    return;
  for (const adze_error *e = error; e; e = adze_error_cause (e))
    fprintf (stderr, "network-peer: %s\n", adze_error_message (e));
  exit (1);
}

static double
read_clock (clockid_t clock)
{
  struct timespec t;
  clock_gettime (clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double
now (void)
{
  return read_clock (CLOCK_MONOTONIC);
}

static unsigned state = 12345;

static float
noise (void)
{
  state = state * 1664525u + 1013904223u;
  return (float)(state >> 8) / 8388608.0f - 1;
}

/* ---- The networks. */

typedef struct range {
  float low, high;
} range;

typedef struct net {
  adze_graph *graph;
  uint32_t x, scores, wanted, loss;
  const float *trained; /* weights, one after the other; NULL: some */
  uint32_t coded[CODED]; /* activations that have codes, or are to have them */
  size_t coded_count;
  const range *ranges; /* theirs; NULL: all is float */
  bool halves;         /* of 16 bits */
} net;

static uint32_t
op (net *n, const char *name, const uint32_t *inputs, size_t count,
    const adze_graph_attribute *attributes, size_t attribute_count)
{
  adze_gradient g = { .graph = n->graph };
  uint32_t output = adze_op_with (&g, "", name, inputs, count, attributes, attribute_count);
  must (g.error);
  return output;
}

/* ---- Codes, as a quantiser writes them. */

static uint32_t
constant (net *n, adze_dtype dtype, int32_t rank, int64_t length, void *numbers)
{
  uint32_t value;
  const adze_view view = { .data = numbers, .device = { ADZE_DEVICE_CPU, 0 }, .rank = rank,
                           .dtype = dtype, .shape = &length };
  must (adze_graph_add_constant (n->graph, NULL, &view, &value));
  return value;
}

static uint32_t
cast (net *n, uint32_t x, adze_dtype dtype)
{
  const int64_t to = adze_infer_onnx_of (dtype);
  const adze_graph_attribute attribute = adze_attribute_int ("to", &to);
  return op (n, "Cast", &x, 1, &attribute, 1);
}

/* X, or its codes as floats; the images are the first one. */
static uint32_t
coded (net *n, uint32_t x)
{
  size_t at = n->coded_count++;
  n->coded[at] = x;
  if (n->halves && at == 0)
    return cast (n, x, bf16);
  if (!n->ranges)
    return x;
  float low = fminf (n->ranges[at].low, 0), high = fmaxf (n->ranges[at].high, 0);
  float scale = fmaxf (high - low, 1e-6f) / 255;
  unsigned char zero = (unsigned char)rintf (-low / scale);
  uint32_t inputs[] = { x, constant (n, f32, 0, 1, &scale), constant (n, u8, 0, 1, &zero) };
  inputs[0] = op (n, "QuantizeLinear", inputs, 3, NULL, 0);
  return op (n, "DequantizeLinear", inputs, 3, NULL, 0);
}

/* The same of weights: rows of COUNT numbers, each with its own scale. */
static uint32_t
coded_weight (net *n, const char *name, int32_t rank, const int64_t *shape, const float *numbers,
              size_t count)
{
  static const int64_t first = 0;
  const adze_graph_attribute axis = adze_attribute_int ("axis", &first);
  size_t rows = (size_t)shape[0], row = count / rows;
  signed char *codes = malloc (count), *zeros = calloc (rows, 1);
  float *scales = malloc (rows * sizeof *scales);
  uint32_t inputs[3];
  for (size_t r = 0; r < rows; r++) {
    float most = 1e-6f;
    for (size_t i = 0; i < row; i++)
      most = fmaxf (most, fabsf (numbers[r * row + i]));
    scales[r] = most / 127;
    for (size_t i = 0; i < row; i++)
      codes[r * row + i] = (signed char)rintf (numbers[r * row + i] / scales[r]);
  }
  must (adze_graph_add_weight (n->graph, name, i8, rank, shape, &inputs[0]));
  must (adze_graph_set_data (n->graph, inputs[0], codes, count, true));
  inputs[1] = constant (n, f32, 1, shape[0], scales);
  inputs[2] = constant (n, i8, 1, shape[0], zeros);
  free (codes);
  free (zeros);
  free (scales);
  return op (n, "DequantizeLinear", inputs, 3, &axis, 1);
}

static uint32_t
weight (net *n, const char *name, int32_t rank, const int64_t *shape, double size)
{
  size_t count = 1;
  uint32_t value;
  for (int32_t i = 0; i < rank; i++)
    count *= (size_t)shape[i];
  float *numbers = malloc (count * sizeof *numbers);
  for (size_t i = 0; i < count; i++)
    numbers[i] = n->trained ? *n->trained++ : (float)size * noise ();
  if (n->ranges && rank > 1)
    value = coded_weight (n, name, rank, shape, numbers, count);
  else {
    must (adze_graph_add_weight (n->graph, name, f32, rank, shape, &value));
    must (adze_graph_set_data (n->graph, value, numbers, count * sizeof *numbers, true));
  }
  free (numbers);
  return n->halves ? cast (n, value, bf16) : value; /* when it is compiled, as all of constants */
}

/* ---- Layers. */

static uint32_t
relu (net *n, uint32_t x)
{
  return coded (n, op (n, "Relu", &x, 1, NULL, 0));
}

static uint32_t
dense (net *n, uint32_t x, int64_t in, int64_t out, const char *w, const char *b)
{
  static const int64_t yes = 1;
  const int64_t shape[] = { out, in };
  const adze_graph_attribute transposed = adze_attribute_int ("transB", &yes);
  const uint32_t inputs[] = { x, weight (n, w, 2, shape, sqrt (6.0 / (double)in)),
                              weight (n, b, 1, &out, 0) };
  return op (n, "Gemm", inputs, 3, &transposed, 1);
}

static uint32_t
conv (net *n, uint32_t x, int64_t in, int64_t out, const char *w, const char *b)
{
  static const int64_t pads[] = { 1, 1, 1, 1 };
  const int64_t shape[] = { out, in, 3, 3 };
  const adze_graph_attribute padded = adze_attribute_ints ("pads", pads, 4);
  const uint32_t inputs[] = { x, weight (n, w, 4, shape, sqrt (6.0 / (double)(in * 9))),
                              weight (n, b, 1, &out, 0) };
  return op (n, "Conv", inputs, 3, &padded, 1);
}

static uint32_t
pool (net *n, uint32_t x)
{
  static const int64_t two[] = { 2, 2 };
  const adze_graph_attribute attributes[]
      = { adze_attribute_ints ("kernel_shape", two, 2), adze_attribute_ints ("strides", two, 2) };
  return op (n, "MaxPool", &x, 1, attributes, 2);
}

static void
make_mlp (net *n, int64_t batch)
{
  const int64_t shape[] = { batch, PIXELS };
  must (adze_graph_add_input (n->graph, "x", f32, 2, shape, &n->x));
  uint32_t a = relu (n, dense (n, coded (n, n->x), PIXELS, 256, "w1", "b1"));
  uint32_t b = relu (n, dense (n, a, 256, 128, "w2", "b2"));
  n->scores = dense (n, b, 128, 10, "w3", "b3");
}

static void
make_cnn (net *n, int64_t batch)
{
  const int64_t shape[] = { batch, 1, 28, 28 };
  must (adze_graph_add_input (n->graph, "x", f32, 4, shape, &n->x));
  uint32_t a = pool (n, relu (n, conv (n, coded (n, n->x), 1, 32, "w1", "b1")));
  uint32_t b = pool (n, relu (n, conv (n, a, 32, 64, "w2", "b2")));
  uint32_t flat = op (n, "Flatten", &b, 1, NULL, 0);
  n->scores = dense (n, relu (n, dense (n, flat, 3136, 128, "w3", "b3")), 128, 10, "w4", "b4");
}

/* ---- Examples, cut into batches. */

typedef struct feed {
  const char *folder; /* NULL: all numbers are made up */
  float *x, *trained, *calibration;
  unsigned char *truth; /* of the first TESTED examples */
  int64_t *labels;
  int64_t batch, x_shape[4], label_shape[1];
  adze_view views[2];
  const adze_view *inputs[2];
  double begun, ended, seconds, cpu_begun, cpu;
  uint64_t steps, timed;
  bool over;
} feed;

/* A file of the folder, at least COUNT items of SIZE; what is left of ROOM is 0. */
static void *
read_file (const char *folder, const char *name, size_t size, size_t count, size_t room)
{
  char path[4096];
  snprintf (path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen (path, "rb");
  void *items = calloc (room, size);
  size_t found = file && items ? fread (items, size, room, file) : 0;
  if (found < count) {
    fprintf (stderr, "network-peer: %s has %zu items; needed are %zu\n", path, found, count);
    exit (1);
  }
  fclose (file);
  return items;
}

static void
read_folder (feed *f, const char *net_name)
{
  enum { ROOM = 1 << 20 };
  char name[64];
  snprintf (name, sizeof name, "%s.f32", net_name);
  f->trained = read_file (f->folder, name, sizeof (float), 1, ROOM);
  free (f->x);
  f->x = read_file (f->folder, "test.f32", sizeof (float), (size_t)TESTED * PIXELS,
                    (size_t)EXAMPLES * PIXELS);
  f->calibration = read_file (f->folder, "calibration.f32", sizeof (float),
                              (size_t)CALIBRATION * PIXELS, (size_t)CALIBRATION * PIXELS);
  f->truth = read_file (f->folder, "test.u8", 1, TESTED, EXAMPLES);
}

static void
make_feed (feed *f, const char *net_name, const char *folder, int64_t batch, double seconds)
{
  bool cnn = strcmp (net_name, "cnn") == 0;
  *f = (feed){ .batch = batch, .seconds = seconds, .folder = folder };
  f->x = malloc (sizeof *f->x * EXAMPLES * PIXELS);
  f->labels = malloc (sizeof *f->labels * EXAMPLES);
  for (size_t i = 0; i < (size_t)EXAMPLES * PIXELS; i++)
    f->x[i] = .5f + .5f * noise ();
  for (size_t i = 0; i < EXAMPLES; i++)
    f->labels[i] = (int64_t)(i * 7 % 10);
  f->calibration = f->x;
  if (folder)
    read_folder (f, net_name);
  f->x_shape[0] = f->label_shape[0] = batch;
  f->x_shape[1] = cnn ? 1 : PIXELS;
  f->x_shape[2] = f->x_shape[3] = 28;
  for (size_t i = 0; i < 2; i++)
    f->inputs[i] = &f->views[i];
  f->views[0] = (adze_view){ .device = { ADZE_DEVICE_CPU, 0 }, .rank = cnn ? 4 : 2, .dtype = f32,
                             .shape = f->x_shape };
  f->views[1] = (adze_view){ .device = { ADZE_DEVICE_CPU, 0 }, .rank = 1, .dtype = i64,
                             .shape = f->label_shape };
}

/* After so many steps; false: enough. */
static bool
goes_on (feed *f)
{
  if (f->steps == WARM_UP) {
    f->begun = now ();
    f->cpu_begun = read_clock (CLOCK_PROCESS_CPUTIME_ID);
  }
  if (f->steps > WARM_UP && f->steps % 8 == 0) {
    f->ended = now ();
    f->cpu = read_clock (CLOCK_PROCESS_CPUTIME_ID) - f->cpu_begun;
    f->timed = f->steps - WARM_UP;
    return f->ended - f->begun <= f->seconds;
  }
  return true;
}

static void
show (feed *f, uint64_t number)
{
  size_t first = (size_t)(number % (uint64_t)(EXAMPLES / f->batch)) * (size_t)f->batch;
  f->views[0].data = f->x + first * PIXELS;
  f->views[1].data = f->labels + first;
}

/* When the first step began: the graph is compiled. What a library makes when it is first executed belongs
 * to the step. */
static double first_step;

/* Asked for ahead as well, and in any order: what is done is counted in after_step. */
static adze_error *
batch (void *argument, uint64_t epoch, uint64_t number, const adze_view *const **inputs)
{
  feed *f = argument;
  (void)epoch;
  if (f->steps == 0)
    first_step = now ();
  show (f, number);
  *inputs = f->over ? NULL : f->inputs;
  return NULL;
}

/* ---- What is timed. */

static adze_error *
after_step (void *argument, const adze_trainer *trainer)
{
  feed *f = argument;
  (void)trainer;
  f->steps++;
  f->over = !goes_on (f);
  return NULL;
}

static void
train (net *n, feed *f, const adze_compile_options *compile, const char *optimiser)
{
  bool adam = strcmp (optimiser, "adam") == 0;
  must (adze_loss_add_input (n->graph, n->scores, true, "labels", &n->wanted));
  must (adze_loss_cross_entropy (n->graph, n->scores, n->wanted, 0, &n->loss));
  /* The pictures are bytes that were made floats, which train does not look at. */
  const uint8_t looks[] = { ADZE_LOOKS_NEVER, ADZE_LOOKS_NEVER };
  const adze_trainer_options options
      = { .compile = *compile,
          .looks = looks,
          .optimiser = adze_optimiser_preset (adam ? ADZE_OPTIMISER_ADAM : ADZE_OPTIMISER_SGD),
          .schedule = { .kind = ADZE_SCHEDULE_CONSTANT, .rate = adam ? .001 : .1 },
          .epochs = 1,
          .batch = batch,
          .after_step = after_step,
          .argument = f };
  ADZE_AUTO_TRAINER trainer = NULL;
  must (adze_trainer_new (n->graph, n->loss, &options, &trainer));
  must (adze_trainer_run (trainer));
}

static size_t recognised;

/* All test images, the last batch filled with what lies behind them. */
static void
judge (adze_executable *executable, feed *f)
{
  const adze_view *outputs[1];
  for (size_t first = 0; f->truth && first < TESTED; first += (size_t)f->batch) {
    f->views[0].data = f->x + first * PIXELS;
    must (adze_execute (executable, f->inputs, outputs));
    const float *scores = adze_view_data (outputs[0]);
    for (size_t i = 0; i < (size_t)f->batch && first + i < TESTED; i++) {
      size_t best = 0;
      for (size_t k = 1; k < CLASSES; k++)
        best = scores[i * CLASSES + k] > scores[i * CLASSES + best] ? k : best;
      recognised += best == f->truth[first + i];
    }
  }
}

static void
infer (net *n, feed *f, const adze_compile_options *compile)
{
  adze_compile_options options = *compile;
  const adze_view *outputs[1];
  ADZE_AUTO_EXECUTABLE executable = NULL;
  options.fixed_weights = true;
  must (adze_graph_compile (n->graph, &options, &executable));
  first_step = now ();
  while (goes_on (f)) {
    show (f, f->steps++);
    must (adze_execute (executable, f->inputs, outputs));
  }
  judge (executable, f);
}

static void
make_net (net *n, const char *name, const feed *f, const range *ranges, bool halves)
{
  *n = (net){ .trained = f->trained, .ranges = ranges, .halves = halves };
  must (adze_graph_new (name, &n->graph));
  if (strcmp (name, "cnn") == 0)
    make_cnn (n, f->batch);
  else
    make_mlp (n, f->batch);
  must (adze_graph_add_output (n->graph, halves ? cast (n, n->scores, f32) : n->scores));
}

/* What the activations that are to have codes are on images of training. */
static void
measure (const char *name, feed *f, const adze_compile_options *options, range *ranges)
{
  const adze_view *outputs[1 + CODED];
  ADZE_AUTO_EXECUTABLE executable = NULL;
  net n;
  make_net (&n, name, f, NULL, false);
  for (size_t i = 1; i < n.coded_count; i++) /* the first one is the input */
    must (adze_graph_add_output (n.graph, n.coded[i]));
  must (adze_graph_compile (n.graph, options, &executable));
  for (size_t first = 0; first + (size_t)f->batch <= CALIBRATION; first += (size_t)f->batch) {
    f->views[0].data = f->calibration + first * PIXELS;
    must (adze_execute (executable, f->inputs, outputs));
    outputs[0] = f->inputs[0];
    for (size_t i = 0; i < n.coded_count; i++) {
      const float *numbers = adze_view_data (outputs[i]);
      for (size_t k = 0; k < adze_view_count (outputs[i]); k++) {
        ranges[i].low = fminf (ranges[i].low, numbers[k]);
        ranges[i].high = fmaxf (ranges[i].high, numbers[k]);
      }
    }
  }
  adze_executable_free (adze_take (&executable));
  adze_graph_free (n.graph);
}

int
main (int count, char **words)
{
  adze_runtime *runtime;
  adze_backend_at_work *ref, *backend = NULL;
  struct rusage usage;
  feed f;
  net n = { 0 };
  range ranges[CODED] = { 0 };
  if (count != 8) {
    fputs ("network-peer train|infer|int8|bf16 mlp|cnn BATCH sgd|adam|-|FOLDER SECONDS BACKEND "
           "THREADS\n", stderr);
    return 2;
  }
  adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  options.threads = (unsigned)atoi (words[7]);
  bool trains = strcmp (words[1], "train") == 0, codes = strcmp (words[1], "int8") == 0;
  make_feed (&f, words[2], trains || strcmp (words[4], "-") == 0 ? NULL : words[4],
             atoll (words[3]), atof (words[5]));
  must (adze_runtime_open (&options, &runtime));
  must (adze_backend_open (runtime, "ref", NULL, NULL, &ref));
  if (strcmp (words[6], "ref") != 0)
    must (adze_backend_open (runtime, words[6], NULL, NULL, &backend));
  const adze_compile_options compile = { .backend = backend, .ref = ref };
  if (codes)
    measure (words[2], &f, &compile, ranges);
  make_net (&n, words[2], &f, codes ? ranges : NULL, strcmp (words[1], "bf16") == 0);
  double begun = now ();
  if (codes)
    must (adze_graph_optimise (n.graph, ADZE_PASS_INTEGERS | ADZE_PASS_DEAD, NULL));
  if (trains)
    train (&n, &f, &compile, words[4]);
  else
    infer (&n, &f, &compile);
  getrusage (RUSAGE_SELF, &usage);
  double images = (double)(f.timed * (uint64_t)f.batch);
  printf ("%.1f %.1f %ld %.1f", images / (f.ended - f.begun), (first_step - begun) * 1e3,
          usage.ru_maxrss, images / f.cpu);
  printf (f.truth ? " %.4f\n" : "\n", (double)recognised / TESTED);
  adze_graph_free (n.graph);
  adze_backend_close (backend);
  adze_backend_close (ref);
  adze_runtime_close (runtime);
  free (f.x);
  free (f.labels);
  free (f.truth);
  free (f.trained);
  if (f.folder)
    free (f.calibration);
  return 0;
}
