/* SPDX-License-Identifier: Apache-2.0 */
/* The backend onednn against ref: every operator that it claims, by itself over sizes that are
 * drawn anew each round, and some of them together. Delegation is refused, so that what it does not
 * claim is an error. */
#include <math.h>

#include "static-build.h"
#include "world.h"

#include "graph/executable.h"
#include "graph/infer.h"

enum { MOST_INPUTS = 8, ROUNDS = 12 };

typedef struct engine {
  adze_runtime *runtime;
  adze_backend_at_work *ref, *onednn;
} engine;

static int
engine_open (void **state)
{
  engine *e = calloc (1, sizeof *e);
  must (adze_runtime_open (NULL, &e->runtime));
  must (adze_backend_open (e->runtime, "ref", NULL, NULL, &e->ref));
  must (adze_backend_open (e->runtime, "onednn", NULL, NULL, &e->onednn));
  *state = e;
  return 0;
}

static int
engine_close (void **state)
{
  engine *e = *state;
  adze_backend_close (e->onednn);
  adze_backend_close (e->ref);
  adze_runtime_close (e->runtime);
  free (e);
  return 0;
}

static const adze_dtype f32 = { ADZE_FLOAT, 32, 1 }, i64 = { ADZE_INT, 64, 1 };

/* ---- Numbers, always the same ones. */

static unsigned
draw (unsigned *seed)
{
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

static float
draw_float (unsigned *seed, float low, float high)
{
  return low + (high - low) * ((float)draw (seed) + 0.5F) / 16777216.0F;
}

/* ---- A network that is being built, with what goes into it. */

typedef struct net {
  adze_graph *graph;
  adze_view inputs[MOST_INPUTS];
  size_t input_count;
  unsigned seed;
  float low, high;
  int64_t sizes[26]; /* of the letters in shapes */
} net;

static void
net_new (net *n, const char *name, unsigned seed, float low, float high)
{
  *n = (net){ .seed = seed, .low = low, .high = high };
  must (adze_graph_new (name, &n->graph));
  for (size_t i = 0; i < ADZE_COUNT_OF (n->sizes); i++)
    n->sizes[i] = 1 + (int64_t)(draw (&n->seed) % 9);
}

static void
net_free (net *n)
{
  for (size_t i = 0; i < n->input_count; i++) {
    free (n->inputs[i].data);
    free (n->inputs[i].shape);
  }
  adze_graph_free (n->graph);
}

static adze_view
random_view (net *n, int32_t rank, const int64_t *shape)
{
  adze_view view = { .device = { ADZE_DEVICE_CPU, 0 }, .rank = rank, .dtype = f32 };
  view.shape = malloc ((size_t)(rank + 1) * sizeof *shape);
  if (rank)
    memcpy (view.shape, shape, (size_t)rank * sizeof *shape);
  size_t count = adze_view_count (&view);
  float *numbers = malloc (count * sizeof *numbers);
  for (size_t i = 0; i < count; i++)
    numbers[i] = draw_float (&n->seed, n->low, n->high);
  view.data = numbers;
  return view;
}

static uint32_t
add_input (net *n, int32_t rank, const int64_t *shape)
{
  char name[16];
  uint32_t value;
  snprintf (name, sizeof name, "x%zu", n->input_count);
  must (adze_graph_add_input (n->graph, name, f32, rank, shape, &value));
  n->inputs[n->input_count++] = random_view (n, rank, shape);
  return value;
}

static uint32_t
add_constant (net *n, int32_t rank, const int64_t *shape)
{
  uint32_t value;
  adze_view view = random_view (n, rank, shape);
  must (adze_graph_add_constant (n->graph, NULL, &view, &value));
  free (view.data);
  free (view.shape);
  return value;
}

static uint32_t
add_wholes (net *n, const int64_t *numbers, int64_t count)
{
  uint32_t value;
  union {
    const int64_t *from;
    void *to;
  } data = { .from = numbers };
  adze_view view = { .data = data.to, .device = { ADZE_DEVICE_CPU, 0 }, .rank = 1, .dtype = i64,
                     .shape = &count };
  must (adze_graph_add_constant (n->graph, NULL, &view, &value));
  return value;
}

static uint32_t
add_float (net *n, float number)
{
  uint32_t value;
  adze_view view = { .data = &number, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = f32 };
  must (adze_graph_add_constant (n->graph, NULL, &view, &value));
  return value;
}

static uint32_t
add_node (net *n, const char *op, const uint32_t *inputs, size_t count,
          const adze_graph_attribute *attributes, size_t attribute_count)
{
  uint32_t output;
  bool ours = strncmp (op, "adze.", 5) == 0;
  const adze_node_recipe recipe = { .struct_size = sizeof recipe,
                                    .domain = ours ? "adze" : "",
                                    .op = ours ? op + 5 : op,
                                    .inputs = inputs,
                                    .input_count = count,
                                    .output_count = 1,
                                    .attributes = attributes,
                                    .attribute_count = attribute_count };
  must (adze_graph_add_node (n->graph, &recipe, &output));
  must (adze_graph_infer_node (
      n->graph, adze_graph_node_at (n->graph, adze_graph_node_count (n->graph) - 1)));
  return output;
}

static uint32_t
like (net *n, uint32_t value)
{
  const adze_graph_value *known = adze_graph_value_at (n->graph, value);
  return add_input (n, known->rank, known->shape);
}

/* ---- Both, side by side. */

static void
run_on (const engine *e, net *n, bool onednn, adze_executable **executable,
        const adze_view **outputs)
{
  const adze_view *inputs[MOST_INPUTS];
  const adze_compile_options options
      = { .backend = onednn ? e->onednn : NULL, .ref = e->ref, .refuse_delegation = true };
  for (size_t i = 0; i < n->input_count; i++)
    inputs[i] = &n->inputs[i];
  must (adze_graph_compile (n->graph, &options, executable));
  /* The second time everything is where it was, and scratch has what the first time left. */
  must (adze_execute (*executable, inputs, outputs));
  must (adze_execute (*executable, inputs, outputs));
}

static void
compare (const char *what, size_t output, const adze_view *found, const adze_view *wanted)
{
  const float *a = adze_view_data (found), *b = adze_view_data (wanted);
  assert_int_equal (found->rank, wanted->rank);
  for (int32_t d = 0; d < found->rank; d++)
    assert_int_equal (found->shape[d], wanted->shape[d]);
  for (size_t i = 0; i < adze_view_count (wanted); i++)
    if (!(fabsf (a[i] - b[i]) <= 1e-5F + 1e-4F * fabsf (b[i])))
      fail_msg ("%s: element %zu of output %zu is %.9g, and ref's %.9g", what, i, output,
                (double)a[i], (double)b[i]);
}

/* All of the network is one part. */
static void
check_net (const engine *e, net *n, const char *what)
{
  ADZE_AUTO_EXECUTABLE on = NULL;
  ADZE_AUTO_EXECUTABLE with_ref = NULL;
  const adze_view *found[MOST_INPUTS], *wanted[MOST_INPUTS];
  size_t count;
  adze_graph_outputs (n->graph, &count);
  assert_true (count <= MOST_INPUTS);
  run_on (e, n, true, &on, found);
  run_on (e, n, false, &with_ref, wanted);
  assert_int_equal (adze_executable_facts_of (on)->delegated, 0);
  assert_int_equal (adze_executable_facts_of (on)->steps, 1);
  for (size_t i = 0; i < count; i++)
    compare (what, i, found[i], wanted[i]);
}

/* ---- One operator. Shapes are letters (sizes that are drawn) and digits; '=': a constant; '#':
 * whole numbers; '.': a scalar. Attributes as in ONNX, lists with a comma. */

typedef struct problem {
  const char *op, *inputs, *attributes;
  float low, high;
} problem;

static uint32_t
read_operand (net *n, const char **at)
{
  int64_t shape[8];
  int32_t rank = 0;
  char kind = **at == '=' || **at == '#' ? *(*at)++ : ' ';
  for (; **at && **at != ' '; *at += **at == ',') {
    int64_t sign = **at == '-' ? -1 : 1;
    *at += sign < 0;
    if (**at >= 'a' && **at <= 'z')
      shape[rank++] = n->sizes[*(*at)++ - 'a'];
    else if (**at >= '0' && **at <= '9')
      shape[rank++] = sign * strtol (*at, (char **)(uintptr_t)at, 10);
    else
      ++*at; /* '.': a scalar */
  }
  return kind == '#'   ? add_wholes (n, shape, rank)
         : kind == '=' ? add_constant (n, rank, shape)
                       : add_input (n, rank, shape);
}

typedef struct attribute_room {
  char name[32], word[32];
  int64_t ints[16];
  float number;
  adze_text text;
} attribute_room;

static const char *
read_attribute (const char *at, attribute_room *room, adze_graph_attribute *attribute)
{
  size_t size = strcspn (at, "="), length = strcspn (at + size + 1, " ");
  const char *value = at + size + 1, *end = value + length;
  size_t count = 0;
  snprintf (room->name, sizeof room->name, "%.*s", (int)size, at);
  if (*value >= 'A' && *value <= 'Z') {
    snprintf (room->word, sizeof room->word, "%.*s", (int)length, value);
    room->text = (adze_text){ room->word, length };
    *attribute = adze_attribute_text (room->name, &room->text);
  } else if (memchr (value, '.', length)) {
    room->number = strtof (value, NULL);
    *attribute = adze_attribute_float (room->name, &room->number);
  } else {
    for (const char *from = value; from < end; from += *from == ',')
      room->ints[count++] = strtol (from, (char **)(uintptr_t)&from, 10);
    *attribute = memchr (value, ',', length)
                     ? adze_attribute_ints (room->name, room->ints, count)
                     : adze_attribute_int (room->name, room->ints);
  }
  return end + (*end == ' ');
}

static void
check_problem (const engine *e, const problem *p, unsigned round)
{
  net n;
  char what[200];
  uint32_t operands[MOST_INPUTS];
  attribute_room rooms[8];
  adze_graph_attribute attributes[8];
  size_t operand_count = 0, attribute_count = 0;
  net_new (&n, p->op, 17 + round, p->low, p->high);
  for (const char *at = p->inputs; *at; at += *at == ' ')
    operands[operand_count++] = read_operand (&n, &at);
  for (const char *at = p->attributes; *at; attribute_count++)
    at = read_attribute (at, &rooms[attribute_count], &attributes[attribute_count]);
  snprintf (what, sizeof what, "%s (%s) %s, round %u", p->op, p->inputs, p->attributes, round);
  must (adze_graph_add_output (
      n.graph, add_node (&n, p->op, operands, operand_count, attributes, attribute_count)));
  check_net (e, &n, what);
  net_free (&n);
}

static void
check_all (void **state, const problem *problems, size_t count)
{
  for (size_t i = 0; i < count; i++)
    for (unsigned round = 0; round < ROUNDS; round++)
      check_problem (*state, &problems[i], round);
}

static void
products (void **state)
{
  static const problem problems[] = {
    { "MatMul", "a,b b,c", "", -1, 1 },
    { "MatMul", "a,b =b,c", "", -1, 1 },
    { "MatMul", "a,b b", "", -1, 1 },
    { "MatMul", "b b,c", "", -1, 1 },
    { "MatMul", "b b", "", -1, 1 },
    { "MatMul", "d,a,b =b,c", "", -1, 1 },
    { "MatMul", "d,a,b d,b,c", "", -1, 1 },
    { "MatMul", "e,d,a,b 1,d,b,c", "", -1, 1 },
    { "MatMul", "33,70 70,129", "", -1, 1 },
    { "Gemm", "a,b b,c", "", -1, 1 },
    { "Gemm", "a,b =b,c =c", "", -1, 1 },
    { "Gemm", "b,a b,c c", "transA=1", -1, 1 },
    { "Gemm", "a,b c,b 1,c", "transB=1", -1, 1 },
    { "Gemm", "b,a =c,b a,c", "transA=1 transB=1", -1, 1 },
    { "Gemm", "a,b b,c c", "alpha=.5 beta=.25", -1, 1 },
    { "Gemm", "a,b b,c a,c", "alpha=2.0 beta=0.0", -1, 1 },
  };
  check_all (state, problems, ADZE_COUNT_OF (problems));
}

static void
convolutions_and_pools (void **state)
{
  static const problem problems[] = {
    { "Conv", "a,b,11 c,b,3 c", "pads=1,1", -1, 1 },
    { "Conv", "a,b,9,8 c,b,3,2", "strides=2,1 pads=1,0,1,1", -1, 1 },
    { "Conv", "a,b,9,8 =c,b,3,3 =c", "auto_pad=SAME_UPPER strides=2,2", -1, 1 },
    { "Conv", "2,32,12,12 =48,32,3,3 =48", "pads=1,1,1,1", -1, 1 },
    { "Conv", "a,4,9,9 6,2,3,3 6", "group=2 dilations=2,2", -1, 1 },
    { "Conv", "a,8,9,9 =8,1,3,3", "group=8 auto_pad=SAME_LOWER", -1, 1 },
    { "Conv", "a,b,5,6,7 c,b,2,3,2", "", -1, 1 },
    { "MaxPool", "a,b,9,9", "kernel_shape=2,2 strides=2,2", -1, 1 },
    { "MaxPool", "a,b,9,8", "kernel_shape=3,3 strides=2,2 pads=1,1,1,1 ceil_mode=1", -1, 1 },
    { "MaxPool", "a,b,11", "kernel_shape=3, dilations=2,", -1, 1 },
    { "AveragePool", "a,b,9,9", "kernel_shape=3,3 pads=1,1,1,1", -1, 1 },
    { "AveragePool", "a,b,9,9", "kernel_shape=3,2 pads=1,0,1,1 count_include_pad=1", -1, 1 },
    { "AveragePool", "a,b,5,6,7", "kernel_shape=2,2,2 strides=2,2,2 ceil_mode=1", -1, 1 },
    { "GlobalAveragePool", "a,b,c,d", "", -1, 1 },
    { "GlobalMaxPool", "a,b,c", "", -1, 1 },
  };
  check_all (state, problems, ADZE_COUNT_OF (problems));
}

static void
elementwise (void **state)
{
  static const problem problems[] = {
    { "Abs", "a,b", "", -2, 2 },
    { "Clip", "a,b,c", "", -2, 2 },
    { "Elu", "a,b", "alpha=.5", -2, 2 },
    { "Exp", "a,b", "", -2, 2 },
    { "HardSwish", "a,b", "", -4, 4 },
    { "LeakyRelu", "a,b,c", "alpha=.125", -2, 2 },
    { "Neg", "a", "", -2, 2 },
    { "Reciprocal", "a,b", "", .5F, 4 },
    { "Relu", "a,b,c,d", "", -2, 2 },
    { "Round", "a,b", "", -4, 4 },
    { "Sigmoid", "a,b", "", -4, 4 },
    { "Softplus", "a,b", "", -4, 4 },
    { "Sqrt", "a,b", "", .5F, 4 },
    { "Tanh", "a,b", "", -2, 2 },
    { "Relu", ".", "", -2, 2 },
    { "Add", "a,b a,b", "", -2, 2 },
    { "Add", "b a,b", "", -2, 2 },
    { "Add", "a,b,c,d b,1,1", "", -2, 2 },
    { "Sub", "a,b .", "", -2, 2 },
    { "Mul", "a,b,c 1,b,1", "", -2, 2 },
    { "Mul", "a,b,c a,1,1", "", -2, 2 },
    { "Div", "a,b b", "", .5F, 2 },
    { "Max", "a,b b", "", -2, 2 },
    { "Min", "a,b a,b", "", -2, 2 },
    { "Sum", "a,b a,b", "", -2, 2 },
  };
  check_all (state, problems, ADZE_COUNT_OF (problems));
}

static void
normalisations_and_sums (void **state)
{
  static const problem problems[] = {
    { "Softmax", "a,b,c", "axis=1", -2, 2 },
    { "Softmax", "a,b", "", -2, 2 },
    { "LogSoftmax", "a,b", "axis=-1", -2, 2 },
    { "BatchNormalization", "a,b,c,d =b =b =b =b", "", .5F, 2 },
    { "BatchNormalization", "a,b b b b b", "epsilon=.01", .5F, 2 },
    { "LayerNormalization", "a,b,8 8 8", "", -2, 2 },
    { "LayerNormalization", "a,3,8 =3,8", "axis=1", -2, 2 },
    { "ReduceSum", "a,b,c #1", "keepdims=0", -2, 2 },
    { "ReduceSum", "a,b,c", "", -2, 2 },
    { "ReduceSum", "a,b,c #0", "keepdims=0", -2, 2 },
    { "ReduceSum", "a,b,c,d #0,2,3", "", -2, 2 },
    { "ReduceMean", "a,b,c", "axes=0,2", -2, 2 },
    { "ReduceMean", "a,b,c,d", "axes=0,2 keepdims=0", -2, 2 },
    { "ReduceMax", "a,b,c", "axes=-1, keepdims=0", -2, 2 },
    { "ReduceMin", "a,b,c", "axes=1,", -2, 2 },
    { "ReduceProd", "a,b", "axes=1,", .5F, 1.5F },
    { "adze.SumTo", "a,b,c b,1", "", -2, 2 },
  };
  check_all (state, problems, ADZE_COUNT_OF (problems));
}

static void
moved_values (void **state)
{
  static const problem problems[] = {
    { "Concat", "a,b a,c a,d", "axis=1", -2, 2 },
    { "Concat", "a,b,c d,b,c", "axis=-3", -2, 2 },
    { "Transpose", "a,b,c", "perm=2,0,1", -2, 2 },
    { "Transpose", "a,b", "", -2, 2 },
    { "Reshape", "a,6 #-1,3", "", -2, 2 },
    { "Flatten", "a,b,c", "axis=2", -2, 2 },
    { "Squeeze", "a,1,b #1", "", -2, 2 },
    { "Unsqueeze", "a,b #0,3", "", -2, 2 },
    { "Identity", "a,b", "", -2, 2 },
  };
  check_all (state, problems, ADZE_COUNT_OF (problems));
}

/* ---- Gradients, which take the shape that the forward operator makes. */

/* MODE: 'i' and 'w' gradients of Conv, 'p' of AveragePool, 'm' of MaxPool, there of numbers many of
 * which are the same. What the operator itself makes is an output as well. */
static void
check_gradient (const engine *e, const char *inputs, const char *attributes_text, char mode,
                unsigned round)
{
  net n;
  char what[200];
  uint32_t x[2];
  attribute_room rooms[8];
  adze_graph_attribute attributes[8];
  size_t count = 0, attribute_count = 0;
  net_new (&n, "gradient", 91 + round, -1, 1);
  for (const char *at = inputs; *at; at += *at == ' ')
    x[count++] = read_operand (&n, &at);
  for (const char *at = attributes_text; *at; attribute_count++)
    at = read_attribute (at, &rooms[attribute_count], &attributes[attribute_count]);
  const char *forward = mode == 'p' ? "AveragePool" : mode == 'm' ? "MaxPool" : "Conv";
  bool pools = mode == 'p' || mode == 'm';
  if (mode == 'm')
    x[0] = add_node (&n, "Round", x, 1, NULL, 0);
  uint32_t y = add_node (&n, forward, x, count, attributes, attribute_count);
  uint32_t slope = like (&n, y);
  uint32_t of_input[] = { slope, 0, x[0] }, of_weight[] = { slope, x[0], 0 };
  const uint32_t of_pool[] = { slope, x[0] };
  if (!pools)
    of_input[1] = of_weight[2] = x[1];
  const char *op = mode == 'i'   ? "adze.ConvGradInput"
                   : mode == 'w' ? "adze.ConvGradWeight"
                   : mode == 'm' ? "adze.MaxPoolGrad"
                                 : "adze.AveragePoolGrad";
  const uint32_t *operands = mode == 'i' ? of_input : mode == 'w' ? of_weight : of_pool;
  uint32_t gradient
      = add_node (&n, op, operands, pools ? 2 : 3, attributes, attribute_count);
  must (adze_graph_add_output (n.graph, y));
  must (adze_graph_add_output (n.graph, gradient));
  snprintf (what, sizeof what, "%s (%s) %s, round %u", op, inputs, attributes_text, round);
  check_net (e, &n, what);
  net_free (&n);
}

static void
gradients (void **state)
{
  static const struct {
    const char *inputs, *attributes;
  } convolutions[] = {
    { "a,b,11 c,b,3", "pads=1,1" },
    { "a,b,9,8 c,b,3,2", "strides=2,1 pads=1,0,1,1" },
    { "a,b,9,8 c,b,3,3", "auto_pad=SAME_LOWER strides=2,2" },
    { "a,4,9,9 6,2,3,3", "group=2 dilations=2,2" },
    { "2,32,10,10 48,32,3,3", "pads=1,1,1,1" },
    { "a,b,5,6,7 c,b,2,3,2", "" },
  }, means[] = {
    { "a,b,9,9", "kernel_shape=3,3 strides=2,2 pads=1,1,1,1" },
    { "a,b,9,9", "kernel_shape=3,2 count_include_pad=1 pads=1,0,1,1" },
    { "a,b,9", "kernel_shape=2, strides=2," },
  }, greatest[] = {
    { "a,b,9,9", "kernel_shape=3,3 strides=2,2 pads=1,1,1,1" },
    { "2,32,8,8", "kernel_shape=2,2 strides=2,2" },
    { "a,b,9", "kernel_shape=2, strides=2, ceil_mode=1" },
    { "a,b,5,6,7", "kernel_shape=2,3,2" },
  };
  for (unsigned round = 0; round < ROUNDS; round++) {
    for (size_t i = 0; i < ADZE_COUNT_OF (convolutions); i++) {
      check_gradient (*state, convolutions[i].inputs, convolutions[i].attributes, 'i', round);
      check_gradient (*state, convolutions[i].inputs, convolutions[i].attributes, 'w', round);
    }
    for (size_t i = 0; i < ADZE_COUNT_OF (means); i++)
      check_gradient (*state, means[i].inputs, means[i].attributes, 'p', round);
    for (size_t i = 0; i < ADZE_COUNT_OF (greatest); i++)
      check_gradient (*state, greatest[i].inputs, greatest[i].attributes, 'm', round);
  }
}

/* ---- Some together: fused tails, layouts that stay blocked, results in the middle. */

static uint32_t
one (net *n, const char *op, uint32_t x)
{
  return add_node (n, op, &x, 1, NULL, 0);
}

static uint32_t
two (net *n, const char *op, uint32_t a, uint32_t b)
{
  const uint32_t inputs[] = { a, b };
  return add_node (n, op, inputs, 2, NULL, 0);
}

static uint32_t
conv (net *n, uint32_t x, const int64_t *weights)
{
  const int64_t pads[] = { 1, 1, 1, 1 };
  const adze_graph_attribute attribute = adze_attribute_ints ("pads", pads, 4);
  const uint32_t inputs[] = { x, add_constant (n, 4, weights), add_constant (n, 1, weights) };
  return add_node (n, "Conv", inputs, 3, &attribute, 1);
}

static uint32_t
pool (net *n, uint32_t x)
{
  const int64_t sizes[] = { 2, 2 };
  const adze_graph_attribute attributes[] = { adze_attribute_ints ("kernel_shape", sizes, 2),
                                              adze_attribute_ints ("strides", sizes, 2) };
  return add_node (n, "MaxPool", &x, 1, attributes, 2);
}

static void
a_convolutional_network (void **state)
{
  net n;
  net_new (&n, "cnn", 3, -.5F, .5F);
  uint32_t x = add_input (&n, 4, (int64_t[]){ 3, 1, 12, 12 });
  uint32_t first = one (&n, "Relu", conv (&n, x, (int64_t[]){ 32, 1, 3, 3 }));
  uint32_t small = pool (&n, first);
  uint32_t second = one (&n, "Sigmoid", conv (&n, small, (int64_t[]){ 40, 32, 3, 3 }));
  uint32_t sum = two (&n, "Add", second, add_constant (&n, 3, (int64_t[]){ 40, 1, 1 }));
  uint32_t rows = one (&n, "Flatten", pool (&n, sum));
  uint32_t product
      = two (&n, "MatMul", rows, add_constant (&n, 2, (int64_t[]){ 40 * 9, 10 }));
  uint32_t scores = two (&n, "Add", add_constant (&n, 1, (int64_t[]){ 10 }), product);
  must (adze_graph_add_output (n.graph, small));
  must (adze_graph_add_output (n.graph, one (&n, "LogSoftmax", one (&n, "Relu", scores))));
  check_net (*state, &n, "a convolutional network");
  net_free (&n);
}

static void
turned_and_shared_values (void **state)
{
  net n;
  net_new (&n, "shared", 5, -1, 1);
  uint32_t a = add_input (&n, 2, (int64_t[]){ 7, 5 });
  uint32_t b = add_input (&n, 2, (int64_t[]){ 7, 6 });
  uint32_t turned = one (&n, "Transpose", a);
  uint32_t product = two (&n, "MatMul", turned, b); /* taken as it lies */
  uint32_t clipped = add_node (&n, "Clip",
                               (uint32_t[]){ product, add_float (&n, -1), add_float (&n, .5F) }, 3,
                               NULL, 0);
  uint32_t twice = two (&n, "Add", clipped, product); /* so the product is seen twice */
  must (adze_graph_add_output (n.graph, one (&n, "Tanh", twice)));
  must (adze_graph_add_output (n.graph, turned));
  must (adze_graph_add_output (n.graph, one (&n, "Relu", turned)));
  must (adze_graph_add_output (n.graph, one (&n, "Identity", twice)));
  check_net (*state, &n, "turned and shared values");
  net_free (&n);
}

/* A node that nobody but ref does cuts the part in two; what stands on both sides still fits. */
static void
a_part_that_is_cut (void **state)
{
  const engine *e = *state;
  net n;
  adze_executable *mixed = NULL, *alone = NULL;
  const adze_view *found[1], *wanted[1], *inputs[1];
  net_new (&n, "cut", 9, -1, 1);
  uint32_t x = add_input (&n, 4, (int64_t[]){ 2, 3, 8, 8 });
  uint32_t y = conv (&n, one (&n, "Erf", conv (&n, x, (int64_t[]){ 20, 3, 3, 3 })),
                     (int64_t[]){ 4, 20, 3, 3 });
  must (adze_graph_add_output (n.graph, y));
  inputs[0] = &n.inputs[0];
  must (adze_graph_compile (n.graph,
                            &(adze_compile_options){ .backend = e->onednn, .ref = e->ref },
                            &mixed));
  must (adze_graph_compile (n.graph, &(adze_compile_options){ .ref = e->ref }, &alone));
  assert_int_equal (adze_executable_facts_of (mixed)->delegated, 1);
  assert_int_equal (adze_executable_facts_of (mixed)->steps, 3);
  must (adze_execute (mixed, inputs, found));
  must (adze_execute (alone, inputs, wanted));
  compare ("a part that is cut", 0, found[0], wanted[0]);
  adze_executable_free (mixed);
  adze_executable_free (alone);
  net_free (&n);
}

static void
its_identity_has_all_that_numbers_depend_on (void **state)
{
  const char *identity = adze_backend_identity (((engine *)*state)->onednn);
  assert_non_null (strstr (identity, "oneDNN 2."));
  assert_non_null (strstr (identity, " threads"));
}

/* What is not claimed is refused by its node, not done by halves. */
static void
what_it_does_not_do_is_left (void **state)
{
  const engine *e = *state;
  net n;
  adze_executable *executable = NULL;
  const adze_compile_options options
      = { .backend = e->onednn, .ref = e->ref, .refuse_delegation = true };
  net_new (&n, "left", 1, -1, 1);
  uint32_t x = add_input (&n, 2, (int64_t[]){ 2, 3 });
  must (adze_graph_add_output (n.graph, one (&n, "Erf", x)));
  must_fail (adze_graph_compile (n.graph, &options, &executable), ADZE_E_UNSUPPORTED, "Erf",
             "onednn", NULL);
  net_free (&n);
}

int
main (void)
{
  const char *missing = getenv ("ADZE_MISSING_PLUGINS");
  if (!files_are_loaded ())
    return 0;
  if (missing && strstr (missing, "onednn")) {
    puts ("skipped: the plugin onednn was not built, for oneDNN 2.6 is not here");
    return 77;
  }
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (products),
    cmocka_unit_test (convolutions_and_pools),
    cmocka_unit_test (elementwise),
    cmocka_unit_test (normalisations_and_sums),
    cmocka_unit_test (moved_values),
    cmocka_unit_test (gradients),
    cmocka_unit_test (a_convolutional_network),
    cmocka_unit_test (turned_and_shared_values),
    cmocka_unit_test (a_part_that_is_cut),
    cmocka_unit_test (its_identity_has_all_that_numbers_depend_on),
    cmocka_unit_test (what_it_does_not_do_is_left),
  };
  return cmocka_run_group_tests_name ("onednn", tests, engine_open, engine_close);
}
