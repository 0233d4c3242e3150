/* SPDX-License-Identifier: Apache-2.0 */
/* Gradients against what a small step to either side changes, in double precision; and second
 * derivatives against closed forms. */
#include <math.h>
#include <stdio.h>

#include "static-build.h"
#include "world.h"

#include "graph/executable.h"
#include "graph/gradient.h"
#include "graph/infer.h"

enum { MOST_INPUTS = 4, MOST_ELEMENTS = 512 };

typedef struct engine {
  adze_runtime *runtime;
  adze_backend_at_work *ref;
} engine;

static int
engine_open (void **state)
{
  engine *e = calloc (1, sizeof *e);
  must (adze_runtime_open (NULL, &e->runtime));
  must (adze_backend_open (e->runtime, "ref", NULL, NULL, &e->ref));
  *state = e;
  return 0;
}

static int
engine_close (void **state)
{
  engine *e = *state;
  adze_backend_close (e->ref);
  adze_runtime_close (e->runtime);
  free (e);
  return 0;
}

static const adze_dtype f64 = { ADZE_FLOAT, 64, 1 }, i64 = { ADZE_INT, 64, 1 };

/* Always the same numbers, neither near to each other nor to what an operator has a corner at. */
static double
draw (unsigned *seed, double low, double high)
{
  *seed = *seed * 1664525u + 1013904223u;
  return low + (high - low) * ((double)(*seed >> 8) + 0.5) / 16777216.0;
}

/* ---- A case: "f2,3" is an input of doubles of this shape, "i3:0,2,1" a constant of whole numbers. */

typedef struct input {
  int64_t shape[8];
  int32_t rank;
  double numbers[MOST_ELEMENTS];
  size_t count;
  uint32_t value;
} input;

typedef struct problem {
  const char *op, *inputs, *attributes; /* "axis=1 perm=1,0 alpha=.5 mode='x'" */
  double low, high;
} problem;

typedef struct build_state {
  adze_graph *graph;
  input inputs[MOST_INPUTS];
  size_t input_count; /* of doubles */
  uint32_t operands[8];
  size_t operand_count;
  uint32_t loss;
} build_state;

static const char *
read_shape (const char *at, int64_t *shape, int32_t *rank, size_t *count)
{
  *count = 1;
  for (*rank = 0; *at >= '0' && *at <= '9'; at += *at == ',') {
    shape[*rank] = strtol (at, (char **)(uintptr_t)&at, 10);
    *count *= (size_t)shape[(*rank)++];
  }
  return at;
}

static const char *
add_doubles (build_state *b, const char *at, const problem *p, unsigned *seed)
{
  char name[16];
  input *x = &b->inputs[b->input_count];
  at = read_shape (at, x->shape, &x->rank, &x->count);
  assert_true (x->count <= MOST_ELEMENTS);
  for (size_t i = 0; i < x->count; i++)
    x->numbers[i] = draw (seed, p->low, p->high);
  snprintf (name, sizeof name, "x%zu", b->input_count++);
  must (adze_graph_add_input (b->graph, name, f64, x->rank, x->shape, &x->value));
  b->operands[b->operand_count++] = x->value;
  return at;
}

static const char *
add_wholes (build_state *b, const char *at)
{
  int64_t shape[8], numbers[MOST_ELEMENTS];
  int32_t rank;
  size_t count;
  at = read_shape (at, shape, &rank, &count) + 1;
  for (size_t i = 0; i < count; i++, at += *at == ',')
    numbers[i] = strtol (at, (char **)(uintptr_t)&at, 10);
  adze_view view = { .data = numbers, .device = { ADZE_DEVICE_CPU, 0 }, .rank = rank, .dtype = i64,
                     .shape = shape };
  must (adze_graph_add_constant (b->graph, NULL, &view, &b->operands[b->operand_count++]));
  return at;
}

/* Whole numbers are told from floats by their point, lists by their comma or an 's' behind the name. */
static size_t
read_attributes (const char *text, adze_graph_attribute *attributes, char names[8][32],
                 int64_t ints[8][8], float floats[8], adze_text texts[8])
{
  size_t count = 0;
  for (const char *at = text; *at; at += *at == ' ', count++) {
    size_t size = strcspn (at, "=");
    snprintf (names[count], 32, "%.*s", (int)size, at);
    at += size + 1;
    adze_graph_attribute *a = &attributes[count];
    *a = (adze_graph_attribute){ .struct_size = sizeof *a, .name = names[count], .count = 1 };
    size_t length = strcspn (at, " ");
    if (*at == '\'') {
      texts[count] = (adze_text){ at + 1, length - 2 };
      a->type = ADZE_ATTRIBUTE_TEXT;
      a->texts = &texts[count];
    } else if (memchr (at, '.', length)) {
      floats[count] = strtof (at, NULL);
      a->type = ADZE_ATTRIBUTE_FLOAT;
      a->floats = &floats[count];
    } else {
      const char *end = at;
      size_t numbers = 0;
      for (; end < at + length; end += *end == ',')
        ints[count][numbers++] = strtol (end, (char **)(uintptr_t)&end, 10);
      a->ints = ints[count];
      a->count = numbers;
      a->type = numbers == 1 && at[length - 1] != ',' ? ADZE_ATTRIBUTE_INT : ADZE_ATTRIBUTE_INTS;
    }
    at += length;
  }
  return count;
}

static uint32_t
add_op (adze_graph *graph, const char *op, const uint32_t *inputs, size_t count,
        const adze_graph_attribute *attributes, size_t attribute_count)
{
  uint32_t outputs[2];
  bool second = strcmp (op, "Split") == 0;
  adze_node_recipe recipe = { .struct_size = sizeof recipe, .op = op, .inputs = inputs,
                              .input_count = count, .output_count = second ? 2 : 1,
                              .attributes = attributes, .attribute_count = attribute_count };
  must (adze_graph_add_node (graph, &recipe, outputs));
  must (adze_graph_infer_node (graph,
                               adze_graph_node_at (graph, adze_graph_node_count (graph) - 1)));
  return outputs[0];
}

/* Each output counts by another weight, so that no gradient hides behind another. */
static uint32_t
weighted_sum (adze_graph *graph, uint32_t value, unsigned *seed)
{
  const adze_graph_value *known = adze_graph_value_at (graph, value);
  double weights[4 * MOST_ELEMENTS];
  int64_t shape[ADZE_GRAPH_RANK];
  adze_view view = { .data = weights, .device = { ADZE_DEVICE_CPU, 0 }, .rank = known->rank,
                     .dtype = f64, .shape = shape };
  assert_true (known->rank >= 0);
  for (int32_t i = 0; i < known->rank; i++)
    shape[i] = known->shape[i];
  assert_true (adze_view_count (&view) <= ADZE_COUNT_OF (weights));
  for (size_t i = 0; i < adze_view_count (&view); i++)
    weights[i] = draw (seed, 0.5, 1.5);
  uint32_t pair[] = { value, 0 };
  must (adze_graph_add_constant (graph, NULL, &view, &pair[1]));
  uint32_t product = add_op (graph, "Mul", pair, 2, NULL, 0);
  int64_t keep = 0;
  const adze_graph_attribute attribute = adze_attribute_int ("keepdims", &keep);
  return add_op (graph, "ReduceSum", &product, 1, &attribute, 1);
}

static void
build_problem (build_state *b, const problem *p)
{
  adze_graph_attribute attributes[8];
  char names[8][32];
  int64_t ints[8][8];
  float floats[8];
  adze_text texts[8];
  unsigned seed = 7;
  *b = (build_state){ 0 };
  must (adze_graph_new (p->op, &b->graph));
  for (const char *at = p->inputs; *at; at += *at == ' ') {
    if (*at == '-') {
      b->operands[b->operand_count++] = ADZE_NONE;
      at++;
    } else
      at = *at == 'f' ? add_doubles (b, at + 1, p, &seed) : add_wholes (b, at + 1);
  }
  size_t count = read_attributes (p->attributes, attributes, names, ints, floats, texts);
  uint32_t output = add_op (b->graph, p->op, b->operands, b->operand_count, attributes, count);
  b->loss = weighted_sum (b->graph, output, &seed);
  must (adze_graph_add_output (b->graph, b->loss));
}

/* ---- Its gradients. */

static adze_executable *
compile_on (const engine *e, adze_graph *graph)
{
  adze_executable *executable = NULL;
  const adze_compile_options options = { .ref = e->ref };
  must (adze_graph_compile (graph, &options, &executable));
  return executable;
}

static double
loss_of (adze_executable *executable, build_state *b, const adze_view **outputs)
{
  adze_view views[MOST_INPUTS];
  const adze_view *inputs[MOST_INPUTS];
  for (size_t i = 0; i < b->input_count; i++) {
    input *x = &b->inputs[i];
    views[i] = (adze_view){ .data = x->numbers, .device = { ADZE_DEVICE_CPU, 0 }, .rank = x->rank,
                            .dtype = f64, .shape = x->shape };
    inputs[i] = &views[i];
  }
  must (adze_execute (executable, inputs, outputs));
  return *(const double *)adze_view_data (outputs[0]);
}

static void
check (const engine *e, const problem *p)
{
  build_state b;
  uint32_t values[MOST_INPUTS], gradients[MOST_INPUTS];
  const adze_view *outputs[1 + MOST_INPUTS];
  double found[MOST_INPUTS][MOST_ELEMENTS];
  build_problem (&b, p);
  for (size_t i = 0; i < b.input_count; i++)
    values[i] = b.inputs[i].value;
  must (adze_graph_differentiate (b.graph, b.loss, values, b.input_count, gradients));
  for (size_t i = 0; i < b.input_count; i++)
    must (adze_graph_add_output (b.graph, gradients[i]));
  adze_executable *executable = compile_on (e, b.graph);
  loss_of (executable, &b, outputs);
  for (size_t i = 0; i < b.input_count; i++) {
    assert_int_equal (adze_view_count (outputs[1 + i]), b.inputs[i].count);
    assert_int_equal (outputs[1 + i]->rank, b.inputs[i].rank);
    memcpy (found[i], adze_view_data (outputs[1 + i]), b.inputs[i].count * sizeof (double));
  }
  for (size_t i = 0; i < b.input_count; i++)
    for (size_t k = 0; k < b.inputs[i].count; k++) {
      const double step = 1e-5, x = b.inputs[i].numbers[k];
      b.inputs[i].numbers[k] = x + step;
      double above = loss_of (executable, &b, outputs);
      b.inputs[i].numbers[k] = x - step;
      double below = loss_of (executable, &b, outputs);
      b.inputs[i].numbers[k] = x;
      double slope = (above - below) / (2 * step);
      if (fabs (slope - found[i][k]) > 2e-7 * (1 + fabs (slope)))
        fail_msg ("%s (%s) %s: gradient of input %zu at %zu is %.10g, and the slope %.10g", p->op,
                  p->inputs, p->attributes, i, k, found[i][k], slope);
    }
  adze_executable_free (executable);
  adze_graph_free (b.graph);
}

static void
check_all (void **state, const problem *problems, size_t count)
{
  for (size_t i = 0; i < count; i++)
    check (*state, &problems[i]);
}

static void
elementwise (void **state)
{
  static const problem problems[] = {
    { "Add", "f2,3 f3", "", -2, 2 },
    { "Sub", "f2,1,3 f4,1", "", -2, 2 },
    { "Mul", "f2,3 f2,3", "", -2, 2 },
    { "Mul", "f3 f2,3", "", -2, 2 },
    { "Div", "f2,3 f1,3", "", .5, 2 },
    { "Pow", "f2,3 f3", "", .5, 2 },
    { "Max", "f2,3 f2,3 f3", "", -2, 2 },
    { "Min", "f2,3 f2,3", "", -2, 2 },
    { "Sum", "f2,3 f3 f1", "", -2, 2 },
    { "Mean", "f2,3 f3", "", -2, 2 },
    { "Identity", "f2,3", "", -2, 2 },
    { "Neg", "f2,3", "", -2, 2 },
    { "Abs", "f2,3", "", -2, 2 },
    { "Exp", "f2,3", "", -2, 2 },
    { "Log", "f2,3", "", .5, 2 },
    { "Sqrt", "f2,3", "", .5, 2 },
    { "Reciprocal", "f2,3", "", .5, 2 },
    { "Sin", "f2,3", "", -2, 2 },
    { "Cos", "f2,3", "", -2, 2 },
    { "Tan", "f2,3", "", -1, 1 },
    { "Sinh", "f2,3", "", -2, 2 },
    { "Cosh", "f2,3", "", -2, 2 },
    { "Tanh", "f2,3", "", -2, 2 },
    { "Asin", "f2,3", "", -.8, .8 },
    { "Acos", "f2,3", "", -.8, .8 },
    { "Atan", "f2,3", "", -2, 2 },
    { "Asinh", "f2,3", "", -2, 2 },
    { "Acosh", "f2,3", "", 1.5, 3 },
    { "Atanh", "f2,3", "", -.8, .8 },
    { "Erf", "f2,3", "", -2, 2 },
    { "Sigmoid", "f2,3", "", -2, 2 },
    { "Softplus", "f2,3", "", -2, 2 },
    { "Softsign", "f2,3", "", -2, 2 },
    { "Relu", "f4,3", "", -2, 2 },
    { "LeakyRelu", "f4,3", "alpha=.125", -2, 2 },
    { "PRelu", "f4,3 f3", "", -2, 2 },
    { "Elu", "f4,3", "alpha=.5", -2, 2 },
    { "Celu", "f4,3", "alpha=.5", -2, 2 },
    { "Selu", "f4,3", "", -2, 2 },
    { "HardSigmoid", "f4,3", "", -4, 4 },
    { "HardSwish", "f4,3", "", -4, 4 },
    { "ThresholdedRelu", "f4,3", "alpha=.5", -2, 2 },
    { "Shrink", "f4,3", "lambd=.5", -2, 2 },
    { "Floor", "f4,3", "", -2, 2 },
  };
  check_all (state, problems, ADZE_COUNT_OF (problems));
}

static void
products_and_sums (void **state)
{
  static const problem problems[] = {
    { "MatMul", "f2,3 f3,4", "", -2, 2 },
    { "MatMul", "f5,2,3 f3,4", "", -2, 2 },
    { "MatMul", "f2,1,2,3 f5,3,4", "", -2, 2 },
    { "MatMul", "f3 f3,4", "", -2, 2 },
    { "MatMul", "f2,3 f3", "", -2, 2 },
    { "MatMul", "f3 f3", "", -2, 2 },
    { "MatMul", "f5,2,3 f3", "", -2, 2 },
    { "Gemm", "f2,3 f3,4 f4", "", -2, 2 },
    { "Gemm", "f3,2 f3,4 f2,1", "transA=1 alpha=.5 beta=.25", -2, 2 },
    { "Gemm", "f2,3 f4,3", "transB=1", -2, 2 },
    { "Gemm", "f3,2 f4,3 f1", "transA=1 transB=1 alpha=2.0", -2, 2 },
    { "ReduceSum", "f2,3,4 i1:1", "keepdims=0", -2, 2 },
    { "ReduceSum", "f2,3,4", "", -2, 2 },
    { "ReduceMean", "f2,3,4", "axes=0,2 keepdims=0", -2, 2 },
    { "ReduceMean", "f2,3,4", "keepdims=0", -2, 2 },
    { "ReduceMax", "f2,3,4", "axes=-1, keepdims=0", -2, 2 },
    { "ReduceMin", "f2,3,4", "axes=1,", -2, 2 },
    { "ReduceSumSquare", "f2,3,4", "axes=1, keepdims=0", -2, 2 },
    { "ReduceL1", "f2,3,4", "axes=1,", -2, 2 },
    { "ReduceL2", "f2,3,4", "axes=1,2", -2, 2 },
    { "ReduceLogSum", "f2,3", "axes=1,", .5, 2 },
    { "ReduceLogSumExp", "f2,3", "axes=1, keepdims=0", -2, 2 },
    { "Softmax", "f2,3,4", "axis=1", -2, 2 },
    { "LogSoftmax", "f2,3,4", "axis=-1", -2, 2 },
  };
  check_all (state, problems, ADZE_COUNT_OF (problems));
}

static void
moved_values (void **state)
{
  static const problem problems[] = {
    { "Reshape", "f2,3 i2:3,2", "", -2, 2 },
    { "Flatten", "f2,3,2", "axis=2", -2, 2 },
    { "Squeeze", "f2,1,3 i1:1", "", -2, 2 },
    { "Unsqueeze", "f2,3 i2:0,3", "", -2, 2 },
    { "Transpose", "f2,3,4", "perm=2,0,1", -2, 2 },
    { "Transpose", "f2,3,4", "", -2, 2 },
    { "Concat", "f2,3 f2,1 f2,4", "axis=1", -2, 2 },
    { "Split", "f2,5 i2:2,3", "axis=1", -2, 2 },
    { "Slice", "f4,5 i2:1,-1 i2:4,-6 i2:0,1 i2:2,-2", "", -2, 2 },
    { "Gather", "f4,3 i2,2:0,2,2,1", "", -2, 2 },
    { "Gather", "f2,4 i3:3,0,3", "axis=1", -2, 2 },
    { "GatherElements", "f3,3 i2,3:0,1,2,2,0,0", "", -2, 2 },
    { "GatherND", "f3,3 i2,2:0,1,2,2", "", -2, 2 },
    { "ScatterElements", "f3,3 i2,3:0,1,2,2,0,0 f2,3", "reduction='add'", -2, 2 },
    { "Expand", "f2,1 i2:2,3", "", -2, 2 },
    { "Tile", "f2,3 i2:2,2", "", -2, 2 },
    { "CumSum", "f2,3 i:1", "", -2, 2 },
    { "Trilu", "f3,3", "upper=0", -2, 2 },
    { "DepthToSpace", "f1,4,2,2", "blocksize=2", -2, 2 },
  };
  check_all (state, problems, ADZE_COUNT_OF (problems));
}

static void
networks (void **state)
{
  static const problem problems[] = {
    { "Conv", "f2,3,5 f4,3,3 f4", "pads=1,1", -2, 2 },
    { "Conv", "f1,2,5,4 f3,2,3,2 f3", "strides=2,1 pads=1,0,1,1", -2, 2 },
    { "Conv", "f1,4,5,5 f4,2,2,2", "group=2 dilations=2,2", -2, 2 },
    { "Conv", "f1,1,3,3,3 f2,1,2,2,2", "", -2, 2 },
    { "MaxPool", "f1,2,4,4", "kernel_shape=2,2 strides=2,2", -2, 2 },
    { "MaxPool", "f1,1,5,5", "kernel_shape=3,3 pads=1,1,1,1", -2, 2 },
    { "AveragePool", "f1,2,5,5", "kernel_shape=3,3 strides=2,2 pads=1,1,1,1", -2, 2 },
    { "AveragePool", "f1,2,4", "kernel_shape=2, count_include_pad=1 pads=1,0", -2, 2 },
    { "GlobalAveragePool", "f2,3,2,2", "", -2, 2 },
    { "LayerNormalization", "f2,3,4 f4 f4", "", -2, 2 },
    { "LayerNormalization", "f2,3,4 f3,4", "axis=1", -2, 2 },
    { "InstanceNormalization", "f2,3,4 f3 f3", "", .5, 2 },
    { "SoftmaxCrossEntropyLoss", "f4,3 i4:0,2,1,1", "", -2, 2 },
    { "SoftmaxCrossEntropyLoss", "f4,3 i4:0,2,-1,1", "ignore_index=-1 reduction='sum'", -2, 2 },
    { "SoftmaxCrossEntropyLoss", "f2,3,2 i2,2:0,2,1,1", "reduction='none'", -2, 2 },
    { "NegativeLogLikelihoodLoss", "f4,3 i4:0,2,1,1", "", -2, 2 },
    { "Dropout", "f2,3", "", -2, 2 },
  };
  check_all (state, problems, ADZE_COUNT_OF (problems));
}

/* ---- Second derivatives. */

/* d2f / da db of a graph that MAKE makes of the scalars a and b. */
static double
second (const engine *e, uint32_t (*make) (adze_graph *graph, uint32_t a, uint32_t b), double a,
        double b, bool mixed)
{
  ADZE_AUTO_GRAPH graph = NULL;
  uint32_t x[2], first, twice;
  must (adze_graph_new ("second", &graph));
  must (adze_graph_add_input (graph, "a", f64, 0, NULL, &x[0]));
  must (adze_graph_add_input (graph, "b", f64, 0, NULL, &x[1]));
  uint32_t f = make (graph, x[0], x[1]);
  must (adze_graph_differentiate (graph, f, &x[0], 1, &first));
  must (adze_graph_differentiate (graph, first, &x[mixed], 1, &twice));
  must (adze_graph_add_output (graph, twice));
  ADZE_AUTO_EXECUTABLE executable = compile_on (e, graph);
  adze_view views[] = { { .data = &a, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = f64 },
                        { .data = &b, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = f64 } };
  const adze_view *inputs[] = { &views[0], &views[1] }, *output;
  must (adze_execute (executable, inputs, &output));
  return *(const double *)adze_view_data (output);
}

static uint32_t
op2 (adze_graph *graph, const char *op, uint32_t a, uint32_t b)
{
  const uint32_t inputs[] = { a, b };
  return add_op (graph, op, inputs, b == ADZE_NONE ? 1 : 2, NULL, 0);
}

static uint32_t
cube (adze_graph *graph, uint32_t a, uint32_t b)
{
  return op2 (graph, "Mul", op2 (graph, "Mul", op2 (graph, "Mul", a, a), a), b);
}

static uint32_t
exponential_sine (adze_graph *graph, uint32_t a, uint32_t b)
{
  return op2 (graph, "Mul", op2 (graph, "Exp", a, ADZE_NONE), op2 (graph, "Sin", b, ADZE_NONE));
}

static uint32_t
logistic (adze_graph *graph, uint32_t a, uint32_t b)
{
  return op2 (graph, "Softplus", op2 (graph, "Mul", a, b), ADZE_NONE);
}

static void
near_to (double found, double wanted)
{
  if (fabs (found - wanted) > 1e-8)
    fail_msg ("a second derivative is %.12g, not %.12g", found, wanted);
}

static void
second_derivatives (void **state)
{
  const double a = 0.7, b = -1.3, s = 1 / (1 + exp (-a * b));
  near_to (second (*state, cube, a, b, false), 6 * a * b);
  near_to (second (*state, cube, a, b, true), 3 * a * a);
  near_to (second (*state, exponential_sine, a, b, false), exp (a) * sin (b));
  near_to (second (*state, exponential_sine, a, b, true), exp (a) * cos (b));
  near_to (second (*state, logistic, a, b, false), b * b * s * (1 - s));
  near_to (second (*state, logistic, a, b, true), s + a * b * s * (1 - s));
}

/* ---- What cannot be. */

static void
what_has_no_gradient_is_named (void **state)
{
  ADZE_AUTO_GRAPH graph = NULL;
  uint32_t x, gradient;
  int64_t shape[] = { 4 };
  (void)state;
  must (adze_graph_new ("none", &graph));
  must (adze_graph_add_input (graph, "x", f64, 1, shape, &x));
  ADZE_AUTO_ERROR not_one = adze_graph_differentiate (graph, x, &x, 1, &gradient);
  assert_non_null (not_one);
  assert_non_null (strstr (adze_error_message (not_one), "'x' is not one float"));
  uint32_t most = add_op (graph, "Hardmax", &x, 1, NULL, 0);
  int64_t keep = 0;
  const adze_graph_attribute attribute = adze_attribute_int ("keepdims", &keep);
  uint32_t sum = add_op (graph, "ReduceSum", &most, 1, &attribute, 1);
  ADZE_AUTO_ERROR none = adze_graph_differentiate (graph, sum, &x, 1, &gradient);
  assert_non_null (none);
  assert_non_null (strstr (adze_error_message (none), "(Hardmax) cannot be differentiated"));
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (elementwise),        cmocka_unit_test (products_and_sums),
    cmocka_unit_test (moved_values),       cmocka_unit_test (networks),
    cmocka_unit_test (second_derivatives), cmocka_unit_test (what_has_no_gradient_is_named),
  };
  return cmocka_run_group_tests_name ("gradients", tests, engine_open, engine_close);
}
