/* SPDX-License-Identifier: Apache-2.0 */
/* The backend onednn on integers of 8 bits: exact sums, codes that are ref's but for those that lay
 * between two, nodes that are done together, and no reorder between the layers of a network. Without
 * VNNI none of this is claimed. */
#include <adze/numbers.h>

#include "quantised-networks.h"
#include "with-onednn.h"

static int
both_open (void **state)
{
  open_with_onednn (state);
  the_engine = *state;
  return 0;
}

/* As the backend says itself: without it there is nothing to see here. */
static bool
has_int8 (void)
{
  return !strstr (adze_backend_identity (the_engine->other), "no int8");
}

/* ---- A network of bytes, computed by both. */

typedef struct byte_net {
  adze_graph *graph;
  unsigned char bytes[1 << 16];
  int64_t shape[ADZE_GRAPH_RANK];
  adze_view input;
  uint32_t x;
} byte_net;

static byte_net work;

/* An input of bytes, all of them EXTREME or any. */
static void
begin (adze_dtype dtype, int extreme, int32_t rank, const int64_t *shape)
{
  work = (byte_net){ .graph = small_graph () };
  for (int32_t i = 0; i < rank; i++)
    work.shape[i] = shape[i];
  work.input = view_of (work.bytes, dtype, rank, work.shape);
  assert_true (adze_view_count (&work.input) <= sizeof work.bytes);
  for (size_t i = 0; i < sizeof work.bytes; i++)
    work.bytes[i] = (unsigned char)(extreme ? extreme : (int)(127 * small_draw ()));
  must (adze_graph_add_input (work.graph, "x", dtype, rank, work.shape, &work.x));
}

#define BEGIN(dtype, extreme, ...) begin (dtype, extreme, SHAPE (__VA_ARGS__))

static uint32_t
codes_of (int extreme, int32_t rank, const int64_t *shape)
{
  static signed char codes[1 << 17];
  size_t count = 1;
  for (int32_t i = 0; i < rank; i++)
    count *= (size_t)shape[i];
  assert_true (count <= sizeof codes);
  for (size_t i = 0; i < count; i++)
    codes[i] = (signed char)(extreme ? extreme : (int)(127 * small_draw ()));
  return numbers (work.graph, i8, rank, shape, codes);
}

#define CODES(extreme, ...) codes_of (extreme, SHAPE (__VA_ARGS__))

static uint32_t
steps (int64_t count, float size)
{
  float scales[256];
  for (int64_t i = 0; i < count; i++)
    scales[i] = size * (1.5f + small_draw ());
  return numbers (work.graph, f32, count > 1, &count, scales);
}

static uint32_t
whole (int64_t count, int size)
{
  int32_t words[256];
  for (int64_t i = 0; i < count; i++)
    words[i] = (int32_t)((float)size * small_draw ());
  return numbers (work.graph, i32, 1, &count, words);
}

typedef struct result {
  size_t count, differ, steps; /* of the first output */
  uint32_t delegated, acts;
} result;

static double
number_at (const adze_view *view, size_t i)
{
  double number;
  adze_numbers_read (view->dtype, (const char *)adze_view_data (view) + i * (view->dtype.bits / 8),
                     1, &number);
  return number;
}

/* OUTPUT is what ref makes of it but for some that are one beside it. */
static result
compared (uint32_t output)
{
  const adze_view *inputs[] = { &work.input }, *found[1], *wanted[1];
  result r = { 0 };
  ADZE_AUTO_EXECUTABLE here = NULL;
  ADZE_AUTO_EXECUTABLE there = NULL;
  must (adze_graph_add_output (work.graph, output));
  must (adze_graph_compile (work.graph,
                            &(adze_compile_options){ .ref = the_engine->ref,
                                                     .backend = the_engine->other,
                                                     .fixed_weights = true },
                            &here));
  must (adze_graph_compile (work.graph,
                            &(adze_compile_options){ .ref = the_engine->ref,
                                                     .fixed_weights = true },
                            &there));
  for (int i = 0; i < 2; i++) /* the second time everything is where it was */
    must (adze_execute (here, inputs, found));
  must (adze_execute (there, inputs, wanted));
  r.count = adze_view_count (wanted[0]);
  r.delegated = adze_executable_facts_of (here)->delegated;
  assert_int_equal (adze_view_count (found[0]), r.count);
  for (size_t i = 0; i < r.count; i++) {
    double apart = fabs (number_at (found[0], i) - number_at (wanted[0], i));
    r.differ += apart > 0;
    r.steps = apart > (double)r.steps ? (size_t)ceil (apart) : r.steps;
  }
  adze_graph_free (work.graph);
  return r;
}

/* One step at most, of one in a thousand: those that lay between two codes. */
static void
one_step_at_most (result r)
{
  assert_int_equal (r.delegated, 0);
  assert_true (r.count > 100);
  if (r.steps > 1 || r.differ * 1000 > r.count)
    fail_msg ("%zu of %zu differ, by %zu at most", r.differ, r.count, r.steps);
}

static void
exactly (result r)
{
  assert_int_equal (r.delegated, 0);
  assert_int_equal (r.differ, 0);
}

/* ---- Sums. */

/* Two products of 255 and 127 are more than 16 bits hold. */
static void
sums_do_not_saturate (void **state)
{
  (void)state;
  static const int extremes[][2] = { { 255, 127 }, { 255, -128 }, { 128, -128 }, { 0, 0 } };
  for (size_t i = 0; has_int8 () && i < ADZE_COUNT_OF (extremes); i++)
    for (int is_signed = 0; is_signed < 2; is_signed++) {
      adze_dtype dtype = is_signed ? i8 : u8;
      uint32_t zero;
      BEGIN (dtype, extremes[i][0], 3, 700);
      zero = point (work.graph, dtype, is_signed ? -5 : 131);
      exactly (compared (NODE (work.graph, "MatMulInteger", "", work.x,
                               CODES (extremes[i][1], 700, 33), zero)));
      BEGIN (dtype, extremes[i][0], 2, 70, 7, 5);
      zero = point (work.graph, dtype, is_signed ? -5 : 131);
      exactly (compared (NODE (work.graph, "ConvInteger", "pads=1,1,1,1", work.x,
                               CODES (extremes[i][1], 20, 70, 3, 3), zero)));
      BEGIN (dtype, extremes[i][0], 2, 24, 7, 5);
      exactly (compared (NODE (work.graph, "ConvInteger", "group=24 strides=2,1", work.x,
                               CODES (extremes[i][1], 24, 1, 3, 3))));
      BEGIN (dtype, extremes[i][0], 2, 3, 13, 11);
      zero = point (work.graph, dtype, is_signed ? -5 : 131);
      exactly (compared (NODE (work.graph, "ConvInteger", "pads=1,1,1,1", work.x,
                               CODES (extremes[i][1], 21, 3, 3, 3), zero)));
    }
}

static void
sums_that_become_floats_are_one_step (void **state)
{
  (void)state;
  static const int64_t single_type = 1;
  const adze_graph_attribute to = adze_attribute_int ("to", &single_type);
  for (int conv = 0; has_int8 () && conv < 3; conv++) {
    adze_gradient g = { 0 };
    uint32_t sums;
    const int64_t channels[] = { 12, 1, 1 };
    if (conv == 2) {
      BEGIN (u8, 0, 2, 1, 19, 18);
      sums = NODE (work.graph, "ConvInteger", "", work.x, CODES (0, 12, 1, 3, 3),
                   point (work.graph, u8, 7));
    } else if (conv) {
      BEGIN (u8, 0, 2, 9, 8, 8);
      sums = NODE (work.graph, "ConvInteger", "", work.x, CODES (0, 12, 9, 3, 3),
                   point (work.graph, u8, 7));
    } else {
      BEGIN (u8, 0, 9, 5, 40);
      sums = NODE (work.graph, "MatMulInteger", "", work.x, CODES (0, 40, 12),
                   point (work.graph, u8, 7));
    }
    g.graph = work.graph;
    uint32_t y = adze_op_with (&g, "", "Cast", &sums, 1, &to, 1);
    float factors[12], summands[12];
    for (size_t i = 0; i < 12; i++) {
      factors[i] = 1e-4f * (1.5f + small_draw ());
      summands[i] = small_draw ();
    }
    y = NODE (work.graph, "Mul", "", y,
              numbers (work.graph, f32, conv ? 3 : 1, channels, factors));
    y = NODE (work.graph, "Add", "",
              numbers (work.graph, f32, conv ? 3 : 1, channels, summands), y);
    exactly (compared (y)); /* each float is rounded as if its node were alone */
  }
}

/* ---- Codes. */

static uint32_t
q_linear_conv (const char *attributes, adze_dtype from, adze_dtype to, int zero, uint32_t weights,
               int64_t channels, int64_t inner)
{
  float size = 2.0f / (float)sqrt ((double)inner) / 127;
  return NODE (work.graph, "QLinearConv", attributes, work.x, single (work.graph, 0.02f),
               point (work.graph, from, from.code == ADZE_UINT ? 120 : -3), weights,
               steps (channels, size), point (work.graph, i8, 0), single (work.graph, 0.03f),
               point (work.graph, to, zero), whole (channels, 1000));
}

static void
convolutions_give_the_codes_of_ref (void **state)
{
  (void)state;
  for (int kind = 0; has_int8 () && kind < 4; kind++) {
    adze_dtype from = kind & 1 ? i8 : u8, to = kind & 2 ? i8 : u8;
    BEGIN (from, 0, 3, 1, 16, 12);
    one_step_at_most (compared (
        q_linear_conv ("pads=1,1,1,1", from, to, 17, CODES (0, 24, 1, 3, 3), 24, 9)));
    BEGIN (from, 0, 2, 35, 9, 8);
    one_step_at_most (compared (q_linear_conv ("pads=2,0,1,1 strides=2,1 dilations=2,1", from, to,
                                               -9, CODES (0, 40, 35, 3, 3), 40, 315)));
    BEGIN (from, 0, 2, 16, 9, 8);
    one_step_at_most (compared (
        q_linear_conv ("group=4", from, to, 0, CODES (0, 24, 4, 2, 2), 24, 16)));
    BEGIN (from, 0, 5, 20, 4, 3); /* of one position: a product of matrices */
    one_step_at_most (
        compared (q_linear_conv ("", from, to, 5, CODES (0, 30, 20, 4, 3), 30, 240)));
  }
}

static void
bounds_of_codes_are_done_with_the_product (void **state)
{
  (void)state;
  if (!has_int8 ())
    return;
  BEGIN (u8, 0, 2, 35, 9, 8);
  uint32_t y
      = q_linear_conv ("", u8, i8, -9, CODES (0, 40, 35, 3, 3), 40, 315);
  one_step_at_most (compared (NODE (work.graph, "Clip", "", y, point (work.graph, i8, -9),
                                    point (work.graph, i8, 50))));
}

/* Pools of codes as convolutions leave them, channels last. */
static void
pools_take_the_greatest_codes (void **state)
{
  (void)state;
  static const char *const windows[]
      = { "kernel_shape=2,2 strides=2,2", "kernel_shape=3,3 strides=2,2 pads=1,1,1,1 ceil_mode=1",
          "kernel_shape=3,2 strides=1,3 pads=2,0,0,1", "kernel_shape=2,2 dilations=2,1" };
  for (size_t i = 0; has_int8 () && i < 2 * ADZE_COUNT_OF (windows); i++) {
    adze_dtype to = i % 2 ? i8 : u8;
    BEGIN (u8, 0, 3, 3, 11, 13);
    uint32_t y = q_linear_conv ("pads=1,1,1,1", u8, to, 5, CODES (0, 37, 3, 3, 3), 37, 27);
    one_step_at_most (compared (NODE (work.graph, "MaxPool", windows[i / 2], y)));
  }
}

/* Of images with few channels, which have loops of their own: with and without a pool behind them, whose
 * windows lie side by side or do not. */
typedef struct few_case {
  int64_t image[4], weights[4];
  const char *conv, *pool;
} few_case;

static const few_case few_cases[] = {
  { { 3, 1, 28, 28 }, { 32, 1, 3, 3 }, "pads=1,1,1,1", "kernel_shape=2,2 strides=2,2" },
  { { 2, 3, 40, 37 }, { 5, 3, 3, 4 }, "pads=0,2,1,1 strides=2,1", "kernel_shape=3,3 strides=3,3" },
  { { 2, 2, 11, 300 }, { 70, 2, 4, 1 }, "strides=1,3", "kernel_shape=1,2 strides=1,2" },
  { { 2, 1, 60, 500 }, { 16, 1, 5, 4 }, "pads=2,2,2,2", "kernel_shape=2,3 strides=2,3" },
  { { 2, 9, 20, 11 }, { 33, 9, 1, 2 }, "", "kernel_shape=2,2 strides=1,1" },
  { { 1, 1, 30, 30 }, { 8, 1, 2, 2 }, "pads=0,0,1,1", "kernel_shape=5,4 strides=5,4" },
};

static uint32_t
few_conv (const few_case *c, adze_dtype from, adze_dtype to)
{
  begin (from, 0, 4, c->image);
  return q_linear_conv (c->conv, from, to, 3, codes_of (0, 4, c->weights), c->weights[0],
                        c->weights[1] * c->weights[2] * c->weights[3]);
}

static void
few_channels_give_the_codes_of_ref (void **state)
{
  (void)state;
  for (size_t i = 0; has_int8 () && i < 4 * ADZE_COUNT_OF (few_cases); i++) {
    const few_case *c = &few_cases[i / 4];
    adze_dtype from = i & 1 ? i8 : u8, to = i & 2 ? i8 : u8;
    one_step_at_most (compared (few_conv (c, from, to)));
    uint32_t y = few_conv (c, from, to);
    one_step_at_most (compared (NODE (work.graph, "MaxPool", c->pool, y)));
    y = few_conv (c, from, to);
    y = NODE (work.graph, "Clip", "", y, point (work.graph, to, 3), point (work.graph, to, 90));
    one_step_at_most (compared (NODE (work.graph, "MaxPool", c->pool, y)));
  }
}

/* The greatest code is that of the least sum where a step is below 0. */
static void
steps_below_0_are_pooled_as_codes (void **state)
{
  (void)state;
  if (!has_int8 ())
    return;
  BEGIN (u8, 0, 2, 1, 12, 12);
  uint32_t y = NODE (work.graph, "QLinearConv", "", work.x, single (work.graph, 0.02f),
                     point (work.graph, u8, 120), CODES (0, 20, 1, 3, 3), steps (20, -0.005f),
                     point (work.graph, i8, 0), single (work.graph, 0.03f),
                     point (work.graph, u8, 99), whole (20, 1000));
  one_step_at_most (compared (
      NODE (work.graph, "MaxPool", "kernel_shape=2,2 strides=2,2", y)));
}

static void
products_give_the_codes_of_ref (void **state)
{
  (void)state;
  for (int kind = 0; has_int8 () && kind < 2; kind++) {
    adze_dtype dtype = kind ? i8 : u8;
    BEGIN (dtype, 0, 3, 5, 64);
    one_step_at_most (compared (NODE (
        work.graph, "QLinearMatMul", "", work.x, single (work.graph, 0.02f),
        point (work.graph, dtype, 4), CODES (0, 64, 17), steps (17, 0.002f),
        point (work.graph, i8, 0), single (work.graph, 0.03f), point (work.graph, dtype, 11))));
  }
}

/* ---- What is not done is left to ref. */

static void
weights_with_zero_points_are_left_to_ref (void **state)
{
  (void)state;
  BEGIN (u8, 0, 3, 64);
  result r = compared (NODE (work.graph, "MatMulInteger", "", work.x, CODES (0, 64, 40),
                             point (work.graph, u8, 4), point (work.graph, i8, 3)));
  assert_int_equal (r.delegated, 1);
  assert_int_equal (r.differ, 0);
}

/* ---- Codes of floats. */

/* Floats that lie between two codes, beyond all codes, and none at all. */
static void
codes_of_floats_are_those_of_ref (void **state)
{
  (void)state;
  for (int kind = 0; kind < 2; kind++) {
    enum { COUNT = 20000 };
    static float x[COUNT];
    int64_t shape[] = { 4, COUNT / 4 };
    adze_dtype dtype = kind ? i8 : u8;
    BEGIN (u8, 0, 1);
    work.input = view_of (x, f32, 2, shape);
    adze_graph_free (work.graph);
    work.graph = small_graph ();
    must (adze_graph_add_input (work.graph, "x", f32, 2, shape, &work.x));
    for (size_t i = 0; i < COUNT; i++)
      x[i] = i % 2 ? 0.01f * ((float)(i % 400) - 200.5f) : 3 * small_draw ();
    x[0] = INFINITY;
    x[2] = -INFINITY;
    x[4] = NAN;
    x[6] = 1e30f;
    uint32_t y = NODE (work.graph, "QuantizeLinear", "", work.x, single (work.graph, 0.01f),
                       point (work.graph, dtype, kind ? -7 : 93));
    if (kind)
      y = NODE (work.graph, "DequantizeLinear", "", y, single (work.graph, 0.01f),
                point (work.graph, dtype, -7));
    exactly (compared (y));
  }
}

/* ---- A network. */

/* All of it is one part, and every layer takes what the one before it gives. */
static void
a_network_stays_in_codes (void **state)
{
  (void)state;
  if (!has_int8 ())
    return;
  ADZE_AUTO_GRAPH g = small_graph ();
  uint32_t x = coded (g, INPUT (g, "x", 3, 1, 28, 28), u8, 0.008f, 128);
  uint32_t y = NODE (g, "Conv", "pads=1,1,1,1", x, CODED_WEIGHTS (g, 0, 32, 1, 3, 3),
                     WEIGHT (g, "b1", 32));
  y = coded (g, NODE (g, "Relu", "", y), u8, 0.02f, 0);
  y = NODE (g, "MaxPool", "kernel_shape=2,2 strides=2,2", y);
  y = NODE (g, "Conv", "pads=1,1,1,1", y, CODED_WEIGHTS (g, 0, 20, 32, 3, 3),
            WEIGHT (g, "b2", 20));
  y = coded (g, NODE (g, "Relu", "", y), u8, 0.1f, 0);
  y = NODE (g, "MaxPool", "kernel_shape=2,2 strides=2,2", y);
  y = NODE (g, "Gemm", "transB=1", NODE (g, "Flatten", "", y), CODED_WEIGHTS (g, 0, 64, 980),
            WEIGHT (g, "b3", 64));
  y = coded (g, NODE (g, "Relu", "", y), u8, 0.5f, 0);
  y = NODE (g, "Gemm", "transB=1", y, CODED_WEIGHTS (g, 0, 10, 64), WEIGHT (g, "b4", 10));
  must (adze_graph_add_output (g, y));
  must (adze_graph_optimise (g, ADZE_PASS_INTEGERS, NULL));
  static float image[3 * 28 * 28];
  int64_t shape[] = { 3, 1, 28, 28 };
  for (size_t i = 0; i < ADZE_COUNT_OF (image); i++)
    image[i] = small_draw ();
  adze_view view = view_of (image, f32, 4, shape);
  const adze_view *inputs[] = { &view }, *found[1], *wanted[1];
  ADZE_AUTO_EXECUTABLE here = NULL;
  ADZE_AUTO_EXECUTABLE there = NULL;
  const adze_compile_options options
      = { .ref = the_engine->ref, .backend = the_engine->other, .fixed_weights = true },
      alone = { .ref = the_engine->ref, .fixed_weights = true };
  must (adze_graph_compile (g, &options, &here));
  must (adze_graph_compile (g, &alone, &there));
  assert_int_equal (adze_executable_facts_of (here)->delegated, 0);
  assert_int_equal (adze_executable_facts_of (here)->steps, 1);
  must (adze_execute (here, inputs, found));
  must (adze_execute (there, inputs, wanted));
  const float *a = adze_view_data (found[0]), *b = adze_view_data (wanted[0]);
  float most = 0, apart = 0;
  for (size_t i = 0; i < 30; i++) {
    most = fmaxf (most, fabsf (b[i]));
    apart = fmaxf (apart, fabsf (a[i] - b[i]));
  }
  assert_true (most > 1);
  if (apart > 0.02f * most)
    fail_msg ("scores are %g apart, the greatest is %g", (double)apart, (double)most);
}

int
main (void)
{
  int ended = end_without_onednn ();
  if (ended >= 0)
    return ended;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (sums_do_not_saturate),
    cmocka_unit_test (sums_that_become_floats_are_one_step),
    cmocka_unit_test (convolutions_give_the_codes_of_ref),
    cmocka_unit_test (bounds_of_codes_are_done_with_the_product),
    cmocka_unit_test (pools_take_the_greatest_codes),
    cmocka_unit_test (few_channels_give_the_codes_of_ref),
    cmocka_unit_test (steps_below_0_are_pooled_as_codes),
    cmocka_unit_test (products_give_the_codes_of_ref),
    cmocka_unit_test (weights_with_zero_points_are_left_to_ref),
    cmocka_unit_test (codes_of_floats_are_those_of_ref),
    cmocka_unit_test (a_network_stays_in_codes),
  };
  return cmocka_run_group_tests_name ("onednn-integers", tests, both_open, engine_close);
}
