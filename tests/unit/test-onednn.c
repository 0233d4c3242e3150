/* SPDX-License-Identifier: Apache-2.0 */
/* The backend onednn against ref: every operator that it claims, by itself with the problems of the
 * kit, and some of them together. There delegation is refused, so that what it does not claim is an
 * error. */

#include "graph/gradient.h"
#include "kit/backend_check.h"
#include "onednn-nets.h"
#include "with-onednn.h"

enum { ROUNDS = 12 };

/* ---- One operator at a time: the kit's problems, as `adze backend check onednn` has them. */

/* Those of its page. Of each it claims more than a third of the cases with float32 and, where the processor
 * is one for that, bfloat16: none with sizes of 0, nor Max, Mean and Sum of three. Round, the first one,
 * is of float32 alone. */
static const char *const done[]
    = { "Round", "MatMul", "Gemm", "Conv", "MaxPool", "AveragePool", "GlobalMaxPool",
        "GlobalAveragePool", "Abs", "Clip", "Elu", "Exp", "HardSwish", "LeakyRelu", "Neg",
        "Reciprocal", "Relu", "Sigmoid", "Softplus", "Sqrt", "Tanh", "Add", "Div", "Max", "Min", "Mul", "Sub", "Sum",
        "Softmax", "LogSoftmax", "BatchNormalization", "LayerNormalization", "ReduceMax",
        "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "Concat", "Flatten", "Identity",
        "Reshape", "Squeeze", "Transpose", "Unsqueeze", "adze.ConvGradInput",
        "adze.ConvGradWeight", "adze.AveragePoolGrad", "adze.MaxPoolGrad", "adze.SumTo" };

/* As the backend says itself: AVX-512 is needed. */
static bool
has_bf16 (const engine *e)
{
  return !strstr (adze_backend_identity (e->other), "no bf16");
}

/* And these of bytes, or of sums of them; Cast is from one to the other. */
static bool
is_on_its_page (const engine *e, const adze_op_verdict *verdict)
{
  static const char *const ops[]
      = { "Cast", "Clip", "ConvInteger", "DequantizeLinear", "Flatten", "Identity", "MatMulInteger",
          "MaxPool", "QLinearConv", "QLinearMatMul", "Reshape", "Squeeze", "Transpose",
          "Unsqueeze" };
  if (verdict->type == 'f' || (verdict->type == 'b' && has_bf16 (e)))
    return true;
  for (size_t i = 0; i < ADZE_COUNT_OF (ops); i++)
    if (strcmp (ops[i], verdict->op) == 0)
      return strchr (i == 0 ? "i" : "cu", verdict->type) != NULL;
  return false;
}

static const adze_op_verdict *
verdict_on (const adze_op_verdicts *all, const char *op, char type)
{
  for (size_t i = 0; i < all->count; i++)
    if (all->items[i].type == type && strcmp (all->items[i].op, op) == 0)
      return &all->items[i];
  return NULL;
}

static void
what_it_claims_holds (void **state)
{
  const engine *e = *state;
  ADZE_AUTO (adze_op_verdicts) all = { 0 };
  must (adze_op_check (e->other, e->ref, NULL, ROUNDS, 17, &all));
  for (size_t i = 0; i < all.count; i++) {
    if (all.items[i].broken)
      fail_msg ("%s", all.items[i].first);
    if (all.items[i].claimed && !is_on_its_page (e, &all.items[i]))
      fail_msg ("%s is claimed with elements of '%c', which its page does not say",
                all.items[i].op, all.items[i].type);
  }
  for (const char *type = has_bf16 (e) ? "fb" : "f"; *type; type++)
    for (size_t i = *type != 'f'; i < ADZE_COUNT_OF (done); i++) {
      const adze_op_verdict *v = verdict_on (&all, done[i], *type);
      if (!v || 3 * v->claimed <= v->cases)
        fail_msg ("%s: %u of %u cases with elements of '%c' are claimed", done[i],
                  v ? v->claimed : 0, v ? v->cases : 0, *type);
    }
  for (const char *type = has_bf16 (e) ? "fb" : ""; *type; type++)
    assert_true (verdict_on (&all, "Cast", *type)->claimed
                 && verdict_on (&all, "CastLike", *type)->claimed);
}

/* ---- Some together. */

typedef void a_test (const engine *e, adze_dtype dtype);

static void
with_each_type (void **state, a_test *test)
{
  test (*state, f32);
  if (has_bf16 (*state))
    test (*state, bf16);
}

/* CHANNELS of the second convolution: those that fill blocks are done in another way (Winograd's). */
static void
check_channels (const engine *e, adze_dtype dtype, int64_t channels)
{
  net n;
  net_new (&n, "cnn", 3, -.5F, .5F);
  n.dtype = dtype;
  uint32_t x = add_input (&n, 4, (int64_t[]){ 3, 1, 12, 12 });
  uint32_t first = one (&n, "Relu", conv (&n, x, (int64_t[]){ 32, 1, 3, 3 }));
  uint32_t small = pool_of (&n, first, 2, 0);
  uint32_t second = one (&n, "Sigmoid", conv (&n, small, (int64_t[]){ channels, 32, 3, 3 }));
  uint32_t sum = two (&n, "Add", second, add_constant (&n, 3, (int64_t[]){ channels, 1, 1 }));
  uint32_t rows = one (&n, "Flatten", pool_of (&n, sum, 2, 0));
  uint32_t product
      = two (&n, "MatMul", rows, add_constant (&n, 2, (int64_t[]){ channels * 9, 10 }));
  uint32_t scores = two (&n, "Add", add_constant (&n, 1, (int64_t[]){ 10 }), product);
  must (adze_graph_add_output (n.graph, small));
  must (adze_graph_add_output (n.graph, one (&n, "LogSoftmax", one (&n, "Relu", scores))));
  check_net (e, &n, "a convolutional network");
  net_free (&n);
}

static void
check_convolutional (const engine *e, adze_dtype dtype)
{
  check_channels (e, dtype, 40);
  check_channels (e, dtype, 64);
}

static void
a_convolutional_network (void **state)
{
  with_each_type (state, check_convolutional);
}

/* Both are asked for, of numbers many of which are the same. */
static void
check_pool (const engine *e, adze_dtype dtype)
{
  for (unsigned round = 0; round < ROUNDS; round++) {
    net n;
    const int64_t sizes[] = { 2, 2 };
    const adze_graph_attribute attributes[] = { adze_attribute_ints ("kernel_shape", sizes, 2),
                                                adze_attribute_ints ("strides", sizes, 2) };
    net_new (&n, "pool", 91 + round, -2, 2);
    n.dtype = dtype;
    uint32_t x = add_input (&n, 4, (int64_t[]){ n.sizes[0], 16 * n.sizes[1], 8, 6 });
    if (dtype.code == ADZE_FLOAT) /* of bfloat16 there are few as it is */
      x = one (&n, "Round", x);
    uint32_t y = pool_of (&n, x, 2, 0);
    const uint32_t inputs[] = { like (&n, y), x };
    must (adze_graph_add_output (n.graph, y));
    must (adze_graph_add_output (n.graph,
                                 add_node (&n, "adze.MaxPoolGrad", inputs, 2, attributes, 2)));
    check_net (e, &n, "a pool and its gradient");
    net_free (&n);
  }
}

static void
a_pool_and_its_gradient (void **state)
{
  with_each_type (state, check_pool);
}

/* CHANNELS fill blocks or do not; windows overlap and look beyond the image. */
static void
check_gradients (const engine *e, adze_dtype dtype, const int64_t *channels)
{
  net n;
  uint32_t of[5], gradients[6];
  net_new (&n, "trained", (unsigned)channels[0], -1, 1);
  n.dtype = dtype;
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
  check_net (e, &n, "a network that trains");
  net_free (&n);
}

static void
check_training (const engine *e, adze_dtype dtype)
{
  check_gradients (e, dtype, (int64_t[]){ 32, 48, 1 });
  check_gradients (e, dtype, (int64_t[]){ 10, 20, 3 });
  check_gradients (e, dtype, (int64_t[]){ 3, 7, 16 });
}

static void
a_network_that_trains (void **state)
{
  with_each_type (state, check_training);
}

static void
check_shared (const engine *e, adze_dtype dtype)
{
  net n;
  net_new (&n, "shared", 5, -1, 1);
  n.dtype = dtype;
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
  check_net (e, &n, "turned and shared values");
  net_free (&n);
}

static void
turned_and_shared_values (void **state)
{
  with_each_type (state, check_shared);
}

static adze_executable *
compile_with_ref (const engine *e, net *n)
{
  const adze_compile_options options = { .backend = e->other, .ref = e->ref };
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
  const char *identity = adze_backend_identity (((engine *)*state)->other);
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
      = { .backend = e->other, .ref = e->ref, .refuse_delegation = true };
  net_new (&n, "left", 1, -1, 1);
  uint32_t x = add_input (&n, 2, (int64_t[]){ 2, 3 });
  must (adze_graph_add_output (n.graph, one (&n, "Erf", x)));
  must_fail (adze_graph_compile (n.graph, &options, &executable), ADZE_E_UNSUPPORTED, "Erf",
             "onednn", NULL);
  net_free (&n);
  net_new (&n, "rows", 1, -1, 1);
  uint32_t a = add_input (&n, 2, (int64_t[]){ 4, 3 }), b = add_input (&n, 2, (int64_t[]){ 3, 5 });
  uint32_t c = add_input (&n, 2, (int64_t[]){ 4, 1 });
  must (adze_graph_add_output (n.graph, add_node (&n, "Gemm", (uint32_t[]){ a, b, c }, 3, NULL, 0)));
  must_fail (adze_graph_compile (n.graph, &options, &executable), ADZE_E_UNSUPPORTED,
             "Gemm", "onednn", NULL);
  net_free (&n);
}

static uint32_t
times (net *n, uint32_t value, float factor, bool behind)
{
  uint32_t number = add_float (n, factor);
  return behind ? two (n, "Mul", value, number) : two (n, "Mul", number, value);
}

/* VARIANT 0 is as `train` makes it; others turn operands, and multiply what goes in first, as decay does. */
static void
check_step (const engine *e, unsigned variant)
{
  net n;
  ADZE_AUTO_EXECUTABLE on = NULL;
  ADZE_AUTO_EXECUTABLE with_ref = NULL;
  const adze_view *found[MOST_INPUTS], *wanted[MOST_INPUTS];
  bool behind = variant & 1, decays = variant & 2, turned = variant & 4;
  const int64_t shape[] = { 3, 900 };
  net_new (&n, "step", 5 + variant, .25F, 1);
  uint32_t weight = add_input (&n, 2, shape), gradient = add_input (&n, 2, shape);
  uint32_t mean = add_input (&n, 2, shape), square = add_input (&n, 2, shape);
  if (decays) {
    gradient = two (&n, "Add", gradient, times (&n, weight, .01F, behind));
    weight = times (&n, weight, .999F, behind);
  }
  uint32_t kept = times (&n, mean, .9F, behind), share = times (&n, gradient, .1F, behind);
  uint32_t new_mean = turned ? two (&n, "Add", share, kept) : two (&n, "Add", kept, share);
  kept = times (&n, square, .999F, behind);
  share = times (&n, two (&n, "Mul", gradient, gradient), .001F, behind);
  uint32_t new_square = two (&n, "Add", kept, share);
  uint32_t divisor = two (&n, "Add", one (&n, "Sqrt", new_square), add_float (&n, 1e-6F));
  uint32_t way = times (&n, two (&n, "Div", new_mean, divisor), .003F, behind);
  const uint32_t outputs[] = { two (&n, "Sub", weight, way), new_mean, new_square };
  for (size_t i = 0; i < ADZE_COUNT_OF (outputs); i++)
    must (adze_graph_add_output (n.graph, outputs[i]));
  run_on (e, &n, true, &on, found);
  run_on (e, &n, false, &with_ref, wanted);
  for (size_t i = 0; i < ADZE_COUNT_OF (outputs); i++)
    if (memcmp (adze_view_data (found[i]), adze_view_data (wanted[i]), sizeof (float) * adze_view_count (wanted[i])))
      fail_msg ("variant %u: output %zu of an optimiser's step has other bytes than on ref", variant, i);
  net_free (&n);
}

/* Whatever is done in one loop, each operation is rounded. */
static void
a_step_has_the_bytes_of_ref (void **state)
{
  for (unsigned variant = 0; variant < 8; variant++)
    check_step (*state, variant);
}

/* Numbers below the least normal one are 0 in functions of elements one after the other, and only there:
 * whoever called has the rounding that he had. */
static void
tiny_numbers_are_none (void **state)
{
  const engine *e = *state;
  net n;
  const adze_view *found[MOST_INPUTS];
  const int64_t shape[] = { 3, 700 };
  ADZE_AUTO_EXECUTABLE on = NULL;
  volatile float small = 1e-20F;
  net_new (&n, "tiny", 7, 1e-20F, 2e-20F);
  uint32_t x = add_input (&n, 2, shape), y = add_input (&n, 2, shape);
  uint32_t z = two (&n, "Mul", two (&n, "Mul", x, y), add_float (&n, 1e38F));
  must (adze_graph_add_output (n.graph, two (&n, "Add", z, add_float (&n, 1))));
  run_on (e, &n, true, &on, found);
  for (size_t i = 0; i < adze_view_count (found[0]); i++) {
    float number;
    memcpy (&number, (const char *)adze_view_data (found[0]) + i * sizeof number, sizeof number);
    if (number != 1)
      fail_msg ("element %zu is %.9g: a number below the least normal one was kept", i, (double)number);
  }
  if (small * small == 0)
    fail_msg ("such numbers are 0 for the caller too");
  net_free (&n);
}

int
main (void)
{
  int ended = end_without_onednn ();
  if (ended >= 0)
    return ended;
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
    cmocka_unit_test (a_step_has_the_bytes_of_ref),
#if defined __x86_64__ /* elsewhere they are kept */
    cmocka_unit_test (tiny_numbers_are_none),
#endif
  };
  return cmocka_run_group_tests_name ("onednn", tests, open_with_onednn, engine_close);
}
