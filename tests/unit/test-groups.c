/* SPDX-License-Identifier: Apache-2.0 */
/* Which channels hang together. What counts is what becomes of a network when some are removed: it
 * computes what it did with these channels at zero. */
#include "small-graphs.h"

#include "graph/groups.h"

/* ---- Zero, and gone. */

static float *
numbers_of (adze_graph *g, uint32_t value)
{
  union {
    const void *from;
    float *to; /* the test's own */
  } data = { .from = g->values[value]->data };
  return data.to;
}

/* All that a weight has at one place of a dimension. */
static void
zero_place (adze_graph *g, const adze_channel_place *place)
{
  const adze_graph_value *value = g->values[place->value];
  int64_t inner = 1, outer = 1;
  for (int32_t d = 0; d < value->rank; d++) {
    outer *= d < place->axis ? value->shape[d] : 1;
    inner *= d > place->axis ? value->shape[d] : 1;
  }
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < inner; i++)
      numbers_of (g, place->value)[(o * value->shape[place->axis] + place->index) * inner + i] = 0;
}

enum { MOST_CHANNELS = 64, MOST_GROUPS = 16 };

/* Every third channel of each group goes, one at least and never all. Weights keep their zeros in
 * G. */
static size_t
remove_some (adze_graph *g)
{
  ADZE_AUTO_GROUPS groups = NULL;
  static bool flags[MOST_GROUPS][MOST_CHANNELS];
  const bool *removed[MOST_GROUPS];
  size_t count = 0;
  must (adze_groups_find (g, &groups));
  assert_in_range (adze_groups_count (groups), 1, MOST_GROUPS);
  for (size_t i = 0; i < adze_groups_count (groups); i++) {
    const adze_channel_group *group = adze_groups_at (groups, i);
    assert_in_range (group->count, 2, MOST_CHANNELS);
    removed[i] = flags[i];
    for (size_t c = 0; c < group->count; c++) {
      flags[i][c] = c % 3 == 1;
      count += flags[i][c];
      for (size_t p = 0; flags[i][c] && p < group->channels[c].count; p++)
        zero_place (g, &group->channels[c].places[p]);
    }
  }
  answer before = answer_of (g);
  must (adze_groups_remove (groups, g, removed));
  answer after = answer_of (g);
  same_answer (&before, &after, 1e-6f);
  answer_free (&before);
  answer_free (&after);
  return count;
}

static const adze_channel_group *
group_with (const adze_groups *groups, uint32_t value, int32_t axis)
{
  for (size_t i = 0; i < adze_groups_count (groups); i++) {
    const adze_channel *channel = adze_groups_at (groups, i)->channels;
    for (size_t p = 0; p < channel->count; p++)
      if (channel->places[p].value == value && channel->places[p].axis == axis)
        return adze_groups_at (groups, i);
  }
  fail_msg ("no group has dimension %d of value %u", axis, value);
  return NULL;
}

#define WITH_GRAPH(name) \
  (void)state; \
  ADZE_AUTO_GRAPH name = small_graph ()

/* ---- Networks. */

static void
a_residual_ties_all_that_is_summed (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 3, 5, 5);
  uint32_t w0 = WEIGHT (g, "w0", 6, 3, 3, 3), w1 = WEIGHT (g, "w1", 8, 6, 1, 1),
           w2 = WEIGHT (g, "w2", 6, 8, 1, 1), w3 = WEIGHT (g, "w3", 4, 6);
  uint32_t y = NODE (g, "Relu", "", small_norm (g, "n", NODE (g, "Conv", "", x, w0), 6));
  uint32_t z = NODE (g, "Relu", "", NODE (g, "Conv", "", y, w1, WEIGHT (g, "b1", 8)));
  z = NODE (g, "Add", "", NODE (g, "Conv", "", z, w2), y);
  z = NODE (g, "Flatten", "axis=1", NODE (g, "GlobalAveragePool", "", z));
  small_output (g, "y", NODE (g, "Gemm", "transB=1", z, w3));
  ADZE_AUTO_GROUPS groups = NULL;
  must (adze_groups_find (g, &groups));
  assert_int_equal (adze_groups_count (groups), 2);
  const adze_channel_group *sum = group_with (groups, w0, 0);
  assert_int_equal (sum->count, 6);
  assert_ptr_equal (sum, group_with (groups, w2, 0));
  assert_ptr_equal (sum, group_with (groups, w1, 1));
  assert_ptr_equal (sum, group_with (groups, w3, 1));
  assert_ptr_equal (sum, group_with (groups, adze_graph_find (g, "n.var"), 0));
  assert_int_equal (sum->channels[0].count, 8);
  assert_int_equal (sum->channels[4].places[0].index, 4);
  assert_int_equal (group_with (groups, w1, 0)->count, 8);
  assert_int_equal (group_with (groups, w1, 0)->channels[0].count, 3);
  /* What the input and the output have is theirs. */
  uint32_t node;
  assert_int_equal (adze_groups_why (groups, w0, 1, NULL), ADZE_CHANNELS_INPUT);
  assert_int_equal (adze_groups_why (groups, w3, 0, NULL), ADZE_CHANNELS_OUTPUT);
  assert_int_equal (adze_groups_why (groups, w0, 2, &node), ADZE_CHANNELS_NODE);
  assert_string_equal (g->nodes[node]->op, "Conv");
  assert_int_equal (adze_groups_why (groups, w0, 0, NULL), ADZE_CHANNELS_FREE);
  adze_groups_free (adze_take (&groups));
  assert_int_equal (remove_some (g), 2 + 3);
  assert_int_equal (g->values[w0]->shape[0], 4);
  assert_int_equal (g->values[w1]->shape[0], 5);
  assert_int_equal (g->values[w1]->shape[1], 4);
}

/* Pixels of a feature map go with it, and the number that Reshape was told follows. */
static void
pixels_go_with_their_map (void **state)
{
  (void)state;
  for (int told = 0; told < 2; told++) {
    ADZE_AUTO_GRAPH g = small_graph ();
    uint32_t x = INPUT (g, "x", -1, 2, 4, 4), w = WEIGHT (g, "w", 40, 3);
    uint32_t y = NODE (g, "Conv", "pads=1,1,1,1 strides=2,2", x, WEIGHT (g, "c", 10, 2, 3, 3));
    y = NODE (g, "MaxPool", "kernel_shape=1,1", NODE (g, "Relu", "", y));
    y = told ? NODE (g, "Reshape", "", y, LIST (g, -1, 40)) : NODE (g, "Flatten", "axis=1", y);
    small_output (g, "y", NODE (g, "Gemm", "", y, w));
    ADZE_AUTO_GROUPS groups = NULL;
    must (adze_groups_find (g, &groups));
    assert_int_equal (group_with (groups, w, 0)->count, 10);
    assert_int_equal (group_with (groups, w, 0)->channels[3].count, 5);
    adze_groups_free (adze_take (&groups));
    assert_int_equal (remove_some (g), 3);
    assert_int_equal (g->values[w]->shape[0], 28);
  }
}

static void
groups_of_convolutions_stay_equal (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 3, 4, 4);
  uint32_t depth = WEIGHT (g, "depth", 12, 1, 3, 3), grouped = WEIGHT (g, "grouped", 8, 6, 1, 1);
  uint32_t y = NODE (g, "Relu", "", NODE (g, "Conv", "", x, WEIGHT (g, "first", 6, 3, 1, 1)));
  y = NODE (g, "Conv", "group=6 pads=1,1,1,1", y, depth, WEIGHT (g, "bias", 12));
  y = NODE (g, "Conv", "group=2", y, grouped);
  y = NODE (g, "ConvTranspose", "", y, WEIGHT (g, "back", 8, 5, 2, 2));
  y = NODE (g, "Conv", "", y, WEIGHT (g, "last", 2, 5, 1, 1));
  small_output (g, "y", y);
  ADZE_AUTO_GROUPS groups = NULL;
  must (adze_groups_find (g, &groups));
  /* Six channels in, two of each behind it; then six in each of two groups: channel C goes with
   * what lies at the same place of the other group. */
  assert_int_equal (group_with (groups, depth, 0)->count, 3);
  assert_int_equal (group_with (groups, grouped, 0)->count, 4);
  assert_int_equal (group_with (groups, grouped, 0)->channels[0].count, 4);
  adze_groups_free (adze_take (&groups));
  remove_some (g);
  assert_int_equal (g->values[depth]->shape[0], 8);
  assert_int_equal (g->values[grouped]->shape[0], 6);
  assert_int_equal (g->values[grouped]->shape[1], 4);
}

static void
concatenated_channels_keep_their_places (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 3);
  uint32_t a = WEIGHT (g, "a", 3, 4), b = WEIGHT (g, "b", 3, 5), c = WEIGHT (g, "c", 9, 2);
  uint32_t left = NODE (g, "Relu", "", NODE (g, "MatMul", "", x, a));
  uint32_t right = NODE (g, "Tanh", "", NODE (g, "MatMul", "", x, b));
  uint32_t y = NODE (g, "Concat", "axis=1", left, right);
  small_output (g, "y", NODE (g, "MatMul", "", y, c));
  ADZE_AUTO_GROUPS groups = NULL;
  must (adze_groups_find (g, &groups));
  assert_int_equal (group_with (groups, a, 1)->count, 4);
  assert_int_equal (group_with (groups, b, 1)->count, 5);
  assert_int_equal (group_with (groups, b, 1)->channels[0].places[1].index, 4);
  adze_groups_free (adze_take (&groups));
  remove_some (g);
  assert_int_equal (g->values[c]->shape[0], 9 - 1 - 2);
}

/* A head goes as a whole. */
static void
heads_of_attention_go_as_a_whole (void **state)
{
  WITH_GRAPH (g);
  static const char *const names[] = { "query", "key", "value" };
  static const char *const turns[] = { "perm=0,2,1,3", "perm=0,2,3,1", "perm=0,2,1,3" };
  uint32_t x = INPUT (g, "x", -1, 5, 6), parts[3], weights[3];
  for (size_t i = 0; i < 3; i++) {
    weights[i] = WEIGHT (g, names[i], 6, 12);
    uint32_t y = NODE (g, "MatMul", "", x, weights[i]);
    y = NODE (g, "Reshape", "", y, LIST (g, 0, 0, 4, 3));
    parts[i] = NODE (g, "Transpose", turns[i], y);
  }
  uint32_t scores = NODE (g, "Softmax", "axis=-1", NODE (g, "MatMul", "", parts[0], parts[1]));
  uint32_t y = NODE (g, "Transpose", "perm=0,2,1,3", NODE (g, "MatMul", "", scores, parts[2]));
  y = NODE (g, "Reshape", "", y, LIST (g, 0, 0, 12));
  small_output (g, "y", NODE (g, "MatMul", "", y, WEIGHT (g, "out", 12, 6)));
  ADZE_AUTO_GROUPS groups = NULL;
  must (adze_groups_find (g, &groups));
  assert_int_equal (adze_groups_count (groups), 1);
  assert_int_equal (adze_groups_at (groups, 0)->count, 4);
  assert_int_equal (adze_groups_at (groups, 0)->channels[0].count, 4 * 3);
  assert_ptr_equal (group_with (groups, weights[0], 1), group_with (groups, weights[2], 1));
  adze_groups_free (adze_take (&groups));
  remove_some (g);
  assert_int_equal (g->values[weights[1]]->shape[1], 9);
}

static void
what_is_normalised_together_says_so (void **state)
{
  WITH_GRAPH (g);
  int64_t sizes[] = { 0, 4 };
  uint32_t x, table = WEIGHT (g, "table", 7, 6);
  must (adze_graph_add_symbol (g, "batch", &sizes[0]));
  must (adze_graph_add_input (g, "x", i64, 2, sizes, &x));
  uint32_t y = NODE (g, "Gather", "", table, x);
  y = NODE (g, "LayerNormalization", "axis=-1", y, WEIGHT (g, "scale", 6), WEIGHT (g, "bias", 6));
  y = NODE (g, "ReduceMean", "axes=1, keepdims=0", y);
  small_output (g, "y", NODE (g, "MatMul", "", y, WEIGHT (g, "w", 6, 2)));
  ADZE_AUTO_GROUPS groups = NULL;
  must (adze_groups_find (g, &groups));
  assert_int_equal (adze_groups_count (groups), 1);
  const adze_channel_group *group = group_with (groups, table, 1);
  assert_int_equal (group->count, 6);
  assert_int_equal (group->channels[0].count, 4);
  assert_true (group->mixed);
  assert_int_equal (adze_groups_why (groups, table, 0, NULL), ADZE_CHANNELS_NODE);
  bool flags[] = { true, false, true, false, false, false };
  const bool *removed[] = { flags };
  must (adze_groups_remove (groups, g, removed));
  assert_int_equal (g->values[table]->shape[1], 4);
  answer a = answer_of (g);
  answer_free (&a);
}

/* Nobody knows what a recurrent net makes of a channel, so its neighbours keep theirs. */
static void
what_nobody_follows_is_fixed (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 4), before = WEIGHT (g, "before", 4, 6);
  uint32_t y = NODE (g, "MatMul", "", x, before);
  y = NODE (g, "CumSum", "", y, LIST (g, 1));
  small_output (g, "y", NODE (g, "MatMul", "", y, WEIGHT (g, "after", 6, 2)));
  ADZE_AUTO_GROUPS groups = NULL;
  uint32_t node;
  must (adze_groups_find (g, &groups));
  assert_int_equal (adze_groups_count (groups), 0);
  assert_int_equal (adze_groups_why (groups, before, 1, &node), ADZE_CHANNELS_NODE);
  assert_string_equal (g->nodes[node]->op, "CumSum");
}

static void
one_channel_must_stay (void **state)
{
  WITH_GRAPH (g);
  uint32_t x = INPUT (g, "x", -1, 3), w = WEIGHT (g, "w", 3, 4);
  uint32_t y = NODE (g, "Relu", "", NODE (g, "MatMul", "", x, w));
  small_output (g, "y", NODE (g, "MatMul", "", y, WEIGHT (g, "v", 4, 2)));
  ADZE_AUTO_GROUPS groups = NULL;
  must (adze_groups_find (g, &groups));
  const bool all[] = { true, true, true, true };
  const bool *removed[] = { all };
  must_fail (adze_groups_remove (groups, g, removed), ADZE_E_PARAM, "'w'", "4 channels", NULL);
  assert_int_equal (g->values[w]->shape[1], 4);
  const bool *none[] = { NULL };
  must (adze_groups_remove (groups, g, none));
  assert_int_equal (g->values[w]->shape[1], 4);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (a_residual_ties_all_that_is_summed),
    cmocka_unit_test (pixels_go_with_their_map),
    cmocka_unit_test (groups_of_convolutions_stay_equal),
    cmocka_unit_test (concatenated_channels_keep_their_places),
    cmocka_unit_test (heads_of_attention_go_as_a_whole),
    cmocka_unit_test (what_is_normalised_together_says_so),
    cmocka_unit_test (what_nobody_follows_is_fixed),
    cmocka_unit_test (one_channel_must_stay),
  };
  return cmocka_run_group_tests_name ("groups", tests, small_open, engine_close);
}
