/* SPDX-License-Identifier: Apache-2.0 */
/* The backend onednn against ref: every operator that it claims, by itself with the problems of the
 * kit, and some of them together. There delegation is refused, so that what it does not claim is an
 * error. */
#include <math.h>

#include "static-build.h"
#include "world.h"

#include "graph/gradient.h"
#include "graph/infer.h"
#include "kit/backend_check.h"
#include "onednn-leaks.h"

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

static const adze_dtype f32 = { ADZE_FLOAT, 32, 1 };

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

/* ---- One operator at a time: the kit's problems, as `adze backend check onednn` has them. */

/* Those of its page. Of each it claims more than a third of the cases with float32: none with sizes
 * of 0, nor Max, Mean and Sum of three. */
static const char *const done[]
    = { "MatMul", "Gemm", "Conv", "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool",
        "Abs", "Clip", "Elu", "Exp", "HardSwish", "LeakyRelu", "Neg", "Reciprocal", "Relu", "Round",
        "Sigmoid", "Softplus", "Sqrt", "Tanh", "Add", "Div", "Max", "Min", "Mul", "Sub", "Sum",
        "Softmax", "LogSoftmax", "BatchNormalization", "LayerNormalization", "ReduceMax",
        "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "Concat", "Flatten", "Identity",
        "Reshape", "Squeeze", "Transpose", "Unsqueeze", "adze.ConvGradInput",
        "adze.ConvGradWeight", "adze.AveragePoolGrad", "adze.MaxPoolGrad", "adze.SumTo" };

/* And these of bytes, or of sums of them. */
static bool
is_of_bytes (const adze_op_verdict *verdict)
{
  static const char *const ops[]
      = { "Cast", "Clip", "ConvInteger", "DequantizeLinear", "Flatten", "Identity", "MatMulInteger",
          "MaxPool", "QLinearConv", "QLinearMatMul", "Reshape", "Squeeze", "Transpose",
          "Unsqueeze" };
  for (size_t i = 0; i < ADZE_COUNT_OF (ops); i++)
    if (strcmp (ops[i], verdict->op) == 0)
      return strchr (i == 0 ? "i" : "cu", verdict->type) != NULL;
  return false;
}

static const adze_op_verdict *
verdict_on (const adze_op_verdicts *all, const char *op)
{
  for (size_t i = 0; i < all->count; i++)
    if (all->items[i].type == 'f' && strcmp (all->items[i].op, op) == 0)
      return &all->items[i];
  return NULL;
}

static void
what_it_claims_holds (void **state)
{
  const engine *e = *state;
  ADZE_AUTO (adze_op_verdicts) all = { 0 };
  must (adze_op_check (e->onednn, e->ref, NULL, ROUNDS, 17, &all));
  for (size_t i = 0; i < all.count; i++) {
    if (all.items[i].broken)
      fail_msg ("%s", all.items[i].first);
    if (all.items[i].type != 'f' && all.items[i].claimed && !is_of_bytes (&all.items[i]))
      fail_msg ("%s is claimed with elements of '%c', which its page does not say",
                all.items[i].op, all.items[i].type);
  }
  for (size_t i = 0; i < ADZE_COUNT_OF (done); i++) {
    const adze_op_verdict *v = verdict_on (&all, done[i]);
    if (!v || 3 * v->claimed <= v->cases)
      fail_msg ("%s: %u of %u cases are claimed", done[i], v ? v->claimed : 0, v ? v->cases : 0);
  }
}

/* ---- Some together. */

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
conv_with (net *n, uint32_t x, uint32_t weights, uint32_t bias)
{
  const int64_t pads[] = { 1, 1, 1, 1 };
  const adze_graph_attribute attribute = adze_attribute_ints ("pads", pads, 4);
  return add_node (n, "Conv", (uint32_t[]){ x, weights, bias }, 3, &attribute, 1);
}

static uint32_t
conv (net *n, uint32_t x, const int64_t *weights)
{
  uint32_t numbers = add_constant (n, 4, weights);
  return conv_with (n, x, numbers, add_constant (n, 1, weights));
}

static uint32_t
pool_of (net *n, uint32_t x, int64_t kernel, int64_t pad)
{
  const int64_t sizes[] = { kernel, kernel }, strides[] = { 2, 2 }, pads[] = { pad, pad, pad, pad };
  const adze_graph_attribute attributes[] = { adze_attribute_ints ("kernel_shape", sizes, 2),
                                              adze_attribute_ints ("strides", strides, 2),
                                              adze_attribute_ints ("pads", pads, 4) };
  return add_node (n, "MaxPool", &x, 1, attributes, 3);
}


static void
a_convolutional_network (void **state)
{
  net n;
  net_new (&n, "cnn", 3, -.5F, .5F);
  uint32_t x = add_input (&n, 4, (int64_t[]){ 3, 1, 12, 12 });
  uint32_t first = one (&n, "Relu", conv (&n, x, (int64_t[]){ 32, 1, 3, 3 }));
  uint32_t small = pool_of (&n, first, 2, 0);
  uint32_t second = one (&n, "Sigmoid", conv (&n, small, (int64_t[]){ 40, 32, 3, 3 }));
  uint32_t sum = two (&n, "Add", second, add_constant (&n, 3, (int64_t[]){ 40, 1, 1 }));
  uint32_t rows = one (&n, "Flatten", pool_of (&n, sum, 2, 0));
  uint32_t product
      = two (&n, "MatMul", rows, add_constant (&n, 2, (int64_t[]){ 40 * 9, 10 }));
  uint32_t scores = two (&n, "Add", add_constant (&n, 1, (int64_t[]){ 10 }), product);
  must (adze_graph_add_output (n.graph, small));
  must (adze_graph_add_output (n.graph, one (&n, "LogSoftmax", one (&n, "Relu", scores))));
  check_net (*state, &n, "a convolutional network");
  net_free (&n);
}

/* Both are asked for, of numbers many of which are the same. */
static void
a_pool_and_its_gradient (void **state)
{
  for (unsigned round = 0; round < ROUNDS; round++) {
    net n;
    const int64_t sizes[] = { 2, 2 };
    const adze_graph_attribute attributes[] = { adze_attribute_ints ("kernel_shape", sizes, 2),
                                                adze_attribute_ints ("strides", sizes, 2) };
    net_new (&n, "pool", 91 + round, -2, 2);
    uint32_t x = one (&n, "Round",
                      add_input (&n, 4, (int64_t[]){ n.sizes[0], 16 * n.sizes[1], 8, 6 }));
    uint32_t y = pool_of (&n, x, 2, 0);
    const uint32_t inputs[] = { like (&n, y), x };
    must (adze_graph_add_output (n.graph, y));
    must (adze_graph_add_output (n.graph,
                                 add_node (&n, "adze.MaxPoolGrad", inputs, 2, attributes, 2)));
    check_net (*state, &n, "a pool and its gradient");
    net_free (&n);
  }
}

/* CHANNELS fill blocks or do not; windows overlap and look beyond the image. */
static void
check_gradients (void **state, const int64_t *channels)
{
  net n;
  uint32_t of[5], gradients[6];
  net_new (&n, "trained", (unsigned)channels[0], -1, 1);
  of[0] = add_input (&n, 4, (int64_t[]){ 3, channels[2], 12, 12 });
  of[1] = add_input (&n, 4, (int64_t[]){ channels[0], channels[2], 3, 3 });
  of[2] = add_input (&n, 1, channels);
  of[3] = add_input (&n, 4, (int64_t[]){ channels[1], channels[0], 3, 3 });
  of[4] = add_input (&n, 1, channels + 1);
  uint32_t small = pool_of (&n, one (&n, "Relu", conv_with (&n, of[0], of[1], of[2])), 2, 0);
  uint32_t relu = one (&n, "Relu", conv_with (&n, small, of[3], of[4]));
  uint32_t flat = one (&n, "Flatten", pool_of (&n, relu, 3, 1));
  gradients[5] = one (&n, "ReduceSum", two (&n, "Mul", flat, like (&n, flat)));
  must (adze_graph_differentiate (n.graph, gradients[5], of, 5, gradients));
  for (size_t i = 0; i < 6; i++)
    must (adze_graph_add_output (n.graph, gradients[i]));
  check_net (*state, &n, "a network that trains");
  net_free (&n);
}

static void
a_network_that_trains (void **state)
{
  check_gradients (state, (int64_t[]){ 32, 48, 1 });
  check_gradients (state, (int64_t[]){ 10, 20, 3 });
  check_gradients (state, (int64_t[]){ 3, 7, 16 });
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

static adze_executable *
compile_with_ref (const engine *e, net *n)
{
  const adze_compile_options options = { .backend = e->onednn, .ref = e->ref };
  adze_executable *made = NULL;
  must (adze_graph_compile (n->graph, &options, &made));
  return made;
}

/* A node that nobody but ref does cuts the part in two; what stands on both sides still fits. */
static void
a_part_that_is_cut (void **state)
{
  const engine *e = *state;
  net n;
  ADZE_AUTO_EXECUTABLE mixed = NULL;
  ADZE_AUTO_EXECUTABLE alone = NULL;
  const adze_view *found[1], *wanted[1], *inputs[1];
  net_new (&n, "cut", 9, -1, 1);
  uint32_t x = add_input (&n, 4, (int64_t[]){ 2, 3, 8, 8 });
  uint32_t y = conv (&n, one (&n, "Erf", conv (&n, x, (int64_t[]){ 20, 3, 3, 3 })),
                     (int64_t[]){ 4, 20, 3, 3 });
  must (adze_graph_add_output (n.graph, y));
  inputs[0] = &n.inputs[0];
  mixed = compile_with_ref (e, &n);
  must (adze_graph_compile (n.graph, &(adze_compile_options){ .ref = e->ref }, &alone));
  assert_int_equal (adze_executable_facts_of (mixed)->delegated, 1);
  assert_int_equal (adze_executable_facts_of (mixed)->steps, 3);
  must (adze_execute (mixed, inputs, found));
  must (adze_execute (alone, inputs, wanted));
  compare ("a part that is cut", 0, found[0], wanted[0]);
  net_free (&n);
}

/* As labels of a loss. */
static void
what_waits_for_nothing_cuts_no_part (void **state)
{
  net n;
  net_new (&n, "whole", 9, -1, 1);
  uint32_t x = one (&n, "Relu", add_input (&n, 2, (int64_t[]){ 2, 3 }));
  uint32_t aside = one (&n, "Erf", add_input (&n, 2, (int64_t[]){ 2, 3 }));
  must (adze_graph_add_output (n.graph, one (&n, "Tanh", two (&n, "Add", x, aside))));
  ADZE_AUTO_EXECUTABLE mixed = compile_with_ref (*state, &n);
  assert_int_equal (adze_executable_facts_of (mixed)->steps, 2);
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
    cmocka_unit_test (what_it_claims_holds),
    cmocka_unit_test (a_pool_and_its_gradient),
    cmocka_unit_test (a_convolutional_network),
    cmocka_unit_test (a_network_that_trains),
    cmocka_unit_test (what_waits_for_nothing_cuts_no_part),
    cmocka_unit_test (turned_and_shared_values),
    cmocka_unit_test (a_part_that_is_cut),
    cmocka_unit_test (its_identity_has_all_that_numbers_depend_on),
    cmocka_unit_test (what_it_does_not_do_is_left),
  };
  return cmocka_run_group_tests_name ("onednn", tests, engine_open, engine_close);
}
