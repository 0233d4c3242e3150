/* SPDX-License-Identifier: Apache-2.0 */
/* prune-structured on networks: one that lost channels computes what it does with these at zero, whatever hangs
 * together in it, and its weights are those that the technique gives. */
#include "fake-work.h"

#include "small-graphs.h"

#include "../../plugins/techniques/prune-structured/alone.c"
#include "../../plugins/techniques/prune-structured/describe.c"
#include "../../plugins/techniques/prune-structured/network.c"
#include "../../plugins/techniques/prune-structured/norms.c"
#include "../../plugins/techniques/prune-structured/prune-structured.c"
#include "../../plugins/techniques/prune-structured/report.c"
#include "../../plugins/techniques/prune-structured/roles.c"
#include "../../plugins/techniques/prune-structured/sets.c"
#include "../../plugins/techniques/prune-structured/settle.c"

static fake_run run;
static const char *hidden; /* a tensor that is not shown */
static adze_graph *original, *edited;
static fake_value asked[10], ruled[10];
static const adze_params params_asked = { asked }, params_ruled = { ruled };

/* ---- A run. */

static adze_graph *
lend_network (void)
{
  adze_graph_free (edited);
  edited = NULL;
  must (adze_graph_copy (original, &edited));
  must (adze_graph_verify (edited));
  return edited;
}

static void
ask (fake_value *into, const char *of, const char *norm, double sparsity, int64_t shrink)
{
  const fake_value values[] = {
    { .name = "of", .text = of },           { .name = "norm", .text = norm },
    { .name = "sparsity", .real = sparsity }, { .name = "count", .integer = 0 },
    { .name = "min-kept", .integer = 1 },   { .name = "multiple", .integer = 1 },
    { .name = "heads", .integer = 0 },      { .name = "shrink", .integer = shrink },
    { .name = NULL },
  };
  memcpy (into, values, sizeof values);
}

static adze_status
work (const char *of, const char *norm, double sparsity, int64_t shrink)
{
  ask (asked, of, norm, sparsity, shrink);
  run.technique = &callbacks;
  run.params = &params_asked;
  run.network = lend_network;
  run.graphs = &adze_graph_table;
  fake_run_clear (&run);
  for (uint32_t v = 0; v < original->value_count; v++) {
    const adze_graph_value *value = original->values[v];
    const adze_tensor_meta meta = { .struct_size = sizeof meta, .rank = value->rank, .name = value->name,
                                    .shape = value->shape, .dtype = value->dtype };
    if (value->role == ADZE_ROLE_WEIGHT && (!hidden || strcmp (hidden, value->name) != 0))
      fake_add (&run.models[0], &meta, value->data);
  }
  run.model_count = 1;
  return fake_work (&run);
}

/* What the technique gives lies in the network, and in its weights' shapes. */
static void
put_results (adze_graph *g)
{
  for (uint32_t v = 0; v < g->value_count; v++) {
    const adze_graph_value *value = g->values[v];
    const fake_tensor *tensor = value->role == ADZE_ROLE_WEIGHT ? fake_result (&run, value->name) : NULL;
    if (!tensor)
      continue;
    assert_int_equal (tensor->meta.rank, value->rank);
    for (int32_t d = 0; d < value->rank; d++)
      assert_int_equal (tensor->meta.shape[d], value->shape[d]);
    must (adze_graph_set_data (g, v, tensor->data, fake_size (&tensor->meta), true));
  }
}

/* The answer of the network that the technique leaves. */
static answer
left_by (const char *of, const char *norm, double sparsity, int64_t shrink)
{
  assert_int_equal (work (of, norm, sparsity, shrink), ADZE_OK);
  put_results (edited);
  must (adze_graph_verify (edited));
  adze_graph_set_ref (edited, the_engine->ref);
  return answer_of (edited);
}

/* Takes ORIGINAL; what is gone of it. */
static void
check (adze_graph *g, const char *of, double sparsity)
{
  static const char *const norms[] = { "l1", "l2", "geometric-median" };
  original = g;
  for (size_t i = 0; i < ADZE_COUNT_OF (norms); i++) {
    answer zero = left_by (of, norms[i], sparsity, 0);
    answer gone = left_by (of, norms[i], sparsity, 1);
    same_answer (&zero, &gone, 1e-5f);
    answer_free (&zero);
    answer_free (&gone);
  }
}

static int64_t
size_now (const char *name, int32_t axis)
{
  return edited->values[adze_graph_find (edited, name)]->shape[axis];
}

static void
was_told (const char *words)
{
  if (!strstr (run.told, words))
    fail_msg ("there is no '%s' in:\n%s", words, run.told);
}

static int
tear_down (void **state)
{
  (void)state;
  fake_run_clear (&run);
  adze_graph_free (original);
  adze_graph_free (edited);
  original = edited = NULL;
  hidden = NULL;
  memset (&run, 0, sizeof run);
  return 0;
}

/* ---- Networks. */

static adze_graph *
residual (void)
{
  adze_graph *g = small_graph ();
  uint32_t x = INPUT (g, "x", -1, 3, 5, 5);
  uint32_t w0 = WEIGHT (g, "w0", 6, 3, 3, 3), w1 = WEIGHT (g, "w1", 8, 6, 1, 1),
           w2 = WEIGHT (g, "w2", 6, 8, 1, 1), w3 = WEIGHT (g, "w3", 4, 6);
  uint32_t y = NODE (g, "Relu", "", small_norm (g, "n", NODE (g, "Conv", "", x, w0), 6));
  uint32_t z = NODE (g, "Sigmoid", "", NODE (g, "Conv", "", y, w1, WEIGHT (g, "b1", 8)));
  z = NODE (g, "Add", "", NODE (g, "Conv", "", z, w2), y);
  z = NODE (g, "Flatten", "axis=1", NODE (g, "GlobalAveragePool", "", z));
  small_output (g, "y", NODE (g, "Gemm", "transB=1", z, w3));
  return g;
}

static void
what_is_summed_goes_together (void **state)
{
  (void)state;
  check (residual (), "filters", 0.5);
  assert_int_equal (size_now ("w0", 0), 3);
  assert_int_equal (size_now ("w1", 0), 4);
  assert_int_equal (size_now ("w1", 1), 3);
  assert_int_equal (size_now ("w2", 1), 4);
  assert_int_equal (size_now ("n.var", 0), 3);
  assert_int_equal (size_now ("w3", 0), 4);
  was_told ("metric removed value=7\n");
  was_told ("row left tensor=w3 why=its channels are outputs of the network");
  check (adze_take (&original), "channels", 0.3);
  assert_int_equal (size_now ("w0", 0), 4);
  assert_int_equal (size_now ("w1", 0), 6);
}

static void
groups_depths_and_pixels_follow (void **state)
{
  (void)state;
  adze_graph *g = small_graph ();
  uint32_t x = INPUT (g, "x", -1, 3, 4, 4);
  uint32_t y = NODE (g, "Relu", "", NODE (g, "Conv", "", x, WEIGHT (g, "first", 6, 3, 1, 1)));
  y = NODE (g, "Conv", "group=6 pads=1,1,1,1", y, WEIGHT (g, "depth", 6, 1, 3, 3), WEIGHT (g, "bias", 6));
  y = NODE (g, "Conv", "group=2", y, WEIGHT (g, "grouped", 8, 3, 1, 1));
  y = NODE (g, "ConvTranspose", "", y, WEIGHT (g, "back", 8, 5, 2, 2));
  y = NODE (g, "Reshape", "", NODE (g, "Tanh", "", y), LIST (g, -1, 125));
  small_output (g, "y", NODE (g, "Gemm", "", y, WEIGHT (g, "last", 125, 3)));
  check (g, "filters", 0.34);
  assert_int_equal (size_now ("first", 0), 4);
  assert_int_equal (size_now ("depth", 0), 4);
  assert_int_equal (size_now ("grouped", 0), 6);
  assert_int_equal (size_now ("back", 1), 3);
  assert_int_equal (size_now ("last", 0), 75);
  check (adze_take (&original), "channels", 0.34);
}

static void
what_is_put_side_by_side_goes_by_itself (void **state)
{
  (void)state;
  adze_graph *g = small_graph ();
  uint32_t x = INPUT (g, "x", -1, 3);
  uint32_t left = NODE (g, "Relu", "", NODE (g, "MatMul", "", x, WEIGHT (g, "a", 3, 4)));
  uint32_t right = NODE (g, "Exp", "", NODE (g, "MatMul", "", x, WEIGHT (g, "b", 3, 6)));
  uint32_t turned = NODE (g, "Transpose", "perm=1,0", WEIGHT (g, "c", 2, 10));
  small_output (g, "y", NODE (g, "MatMul", "", NODE (g, "Concat", "axis=1", left, right), turned));
  check (g, "filters", 0.5);
  assert_int_equal (size_now ("a", 1), 2);
  assert_int_equal (size_now ("b", 1), 3);
  assert_int_equal (size_now ("c", 1), 5);
  check (adze_take (&original), "channels", 0.5);
}

static adze_graph *
attention (void)
{
  static const char *const names[] = { "query", "key", "value" };
  static const char *const turns[] = { "perm=0,2,1,3", "perm=0,2,3,1", "perm=0,2,1,3" };
  adze_graph *g = small_graph ();
  uint32_t x = INPUT (g, "x", -1, 5, 6), parts[3];
  for (size_t i = 0; i < 3; i++) {
    uint32_t y = NODE (g, "MatMul", "", x, WEIGHT (g, names[i], 6, 12));
    parts[i] = NODE (g, "Transpose", turns[i], NODE (g, "Reshape", "", y, LIST (g, 0, 0, 4, 3)));
  }
  uint32_t scores = NODE (g, "Softmax", "axis=-1", NODE (g, "MatMul", "", parts[0], parts[1]));
  uint32_t y = NODE (g, "Transpose", "perm=0,2,1,3", NODE (g, "MatMul", "", scores, parts[2]));
  y = NODE (g, "MatMul", "", NODE (g, "Reshape", "", y, LIST (g, 0, 0, 12)), WEIGHT (g, "out", 12, 6));
  y = NODE (g, "Relu", "", NODE (g, "MatMul", "", y, WEIGHT (g, "up", 6, 8)));
  small_output (g, "y", NODE (g, "MatMul", "", y, WEIGHT (g, "down", 8, 2)));
  return g;
}

static void
heads_go_only_where_they_are_asked_for (void **state)
{
  (void)state;
  check (attention (), "heads", 0.5);
  assert_int_equal (size_now ("query", 1), 6);
  assert_int_equal (size_now ("out", 0), 6);
  assert_int_equal (size_now ("up", 1), 8);
  check (adze_take (&original), "filters", 0.5);
  assert_int_equal (size_now ("query", 1), 12);
  assert_int_equal (size_now ("up", 1), 4);
  was_told ("why=its channels are heads; of = \"heads\" takes them");
}

/* ---- What stays. */

static void
normalised_channels_stay_and_nodes_are_named (void **state)
{
  (void)state;
  original = small_graph ();
  adze_graph *g = original;
  uint32_t y = NODE (g, "MatMul", "", INPUT (g, "x", -1, 3), WEIGHT (g, "mixed", 3, 6));
  y = NODE (g, "LayerNormalization", "axis=-1", y, WEIGHT (g, "scale", 6), WEIGHT (g, "shift", 6));
  y = NODE (g, "CumSum", "", NODE (g, "MatMul", "", y, WEIGHT (g, "summed", 6, 4)), LIST (g, 1));
  y = NODE (g, "MatMul", "", y, WEIGHT (g, "free", 4, 4));
  small_output (g, "y", NODE (g, "MatMul", "", y, WEIGHT (g, "last", 4, 2)));
  assert_int_equal (work ("filters", "l2", 0.5, 1), ADZE_OK);
  assert_int_equal (size_now ("mixed", 1), 6);
  assert_int_equal (size_now ("free", 1), 2);
  was_told ("row left tensor=mixed why=a LayerNormalization takes the mean of its channels");
  was_told ("(CumSum) needs all of its channels");
}

static void
rules_that_disagree_are_refused (void **state)
{
  (void)state;
  original = residual ();
  ask (ruled, "filters", "l2", 0.25, 1);
  run.rule_tensor = "w2";
  run.rule_params = &params_ruled;
  assert_int_equal (work ("filters", "l2", 0.5, 1), ADZE_E_PARAM);
  assert_non_null (strstr (fake_reason, "tensors 'w0' and 'w2' lose the same channels"));
  /* What only loses what others lose has no say. */
  run.rule_tensor = "w3";
  assert_int_equal (work ("filters", "l2", 0.5, 1), ADZE_OK);
}

static void
what_a_rule_skips_keeps_its_channels (void **state)
{
  (void)state;
  original = residual ();
  hidden = "w2";
  assert_int_equal (work ("filters", "l2", 0.5, 1), ADZE_E_UNSUPPORTED);
  assert_non_null (strstr (fake_reason, "'w2' as well, which a rule skips, or which is no float"));
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown (what_is_summed_goes_together, tear_down),
    cmocka_unit_test_teardown (groups_depths_and_pixels_follow, tear_down),
    cmocka_unit_test_teardown (what_is_put_side_by_side_goes_by_itself, tear_down),
    cmocka_unit_test_teardown (heads_go_only_where_they_are_asked_for, tear_down),
    cmocka_unit_test_teardown (normalised_channels_stay_and_nodes_are_named, tear_down),
    cmocka_unit_test_teardown (rules_that_disagree_are_refused, tear_down),
    cmocka_unit_test_teardown (what_a_rule_skips_keeps_its_channels, tear_down),
  };
  return cmocka_run_group_tests_name ("prune-networks", tests, small_open, engine_close);
}
