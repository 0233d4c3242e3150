/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs out of ONNX models and back: who is who by names, bodies, older opsets, what is
 * refused. */
#include "graph-onnx.h"

/* ---- Names. */

static void
order_in_the_file_does_not_count (void **state)
{
  ADZE_AUTO_GRAPH graph = NULL;
  bytes nodes = both (node ("Relu", "b", "y", nothing ()), node ("Abs", "a", "b", nothing ()));
  must (graph_of (*state, model (ALL (floats (12, "y"), nodes, floats (11, "a"))), &graph));
  const uint32_t *order;
  size_t count;
  must (adze_graph_order (graph, &order, &count));
  assert_int_equal (count, 2);
  assert_string_equal (adze_graph_node_at (graph, order[0])->op, "Abs");
  const adze_graph_value *y = adze_graph_value_at (graph, adze_graph_find (graph, "y"));
  assert_int_equal (y->rank, 2);
  assert_string_equal (adze_graph_symbol (graph, (uint32_t)(-1 - y->shape[0])), "N");
  assert_int_equal (y->shape[1], 3);
}

static void
weights_may_be_listed_as_inputs (void **state)
{
  ADZE_AUTO_GRAPH graph = NULL;
  size_t count;
  bytes all = ALL (floats (11, "a"), message (11, STRING (1, "w")),
                   initializer (raw_floats ("w", "aaaabbbbcccc")),
                   node ("Add", "a w", "y", nothing ()), floats (12, "y"));
  must (graph_of (*state, model (all), &graph));
  adze_graph_inputs (graph, &count);
  assert_int_equal (count, 1);
  assert_int_equal (adze_graph_value_at (graph, adze_graph_find (graph, "w"))->role,
                    ADZE_ROLE_WEIGHT);
}

/* What a Constant has is the model's where it is a tensor, and the graph's otherwise. */
static void
constants_are_values (void **state)
{
  ADZE_AUTO_GRAPH graph = NULL;
  const int64_t axes[] = { 0 };
  bytes nodes = ALL (node ("Constant", "", "axes", ints_attribute ("value_ints", 1, axes)),
                     constant ("w", raw_floats ("", "aaaabbbbcccc")),
                     node ("Unsqueeze", "w axes", "y", nothing ()));
  must (graph_of (*state, model (both (nodes, floats (12, "y"))), &graph));
  assert_int_equal (adze_graph_node_count (graph), 1);
  const adze_graph_value *w = adze_graph_value_at (graph, adze_graph_find (graph, "w"));
  const adze_graph_value *a = adze_graph_value_at (graph, adze_graph_find (graph, "axes"));
  assert_int_equal (w->role, ADZE_ROLE_WEIGHT);
  assert_int_equal (a->role, ADZE_ROLE_CONSTANT);
  assert_int_equal (*(const int64_t *)a->data, 0);
}

/* Nodes put the values where they belong, under the name that the others know; and are a sparse initialiser again
 * in a file. */
static void
sparse_initialisers_are_nodes (void **state)
{
  world *w = *state;
  static const struct {
    const char *scatter;
    uint64_t count;
    int64_t places[4];
  } kinds[] = { { "ScatterElements", 1, { 1, 5 } }, { "ScatterND", 2, { 0, 1, 1, 2 } } };
  for (size_t i = 0; i < 2; i++) {
    ADZE_AUTO_GRAPH graph = NULL;
    ADZE_AUTO_MODEL again = NULL;
    bytes all = ALL (floats (11, "a"), sparse ("s", "11112222", kinds[i].places, kinds[i].count),
                     node ("Add", "a s", "y", nothing ()), floats (12, "y"));
    ADZE_AUTO_MODEL found = open_bytes (w, model (all));
    must (adze_graph_from_model (w->runtime, found, &graph));
    const adze_graph_value *y = adze_graph_value_at (graph, adze_graph_find (graph, "y"));
    const adze_graph_node *add = adze_graph_node_at (graph, y->node);
    const adze_graph_value *dense = adze_graph_value_at (graph, add->inputs[1]);
    assert_int_equal (dense->rank, 2);
    assert_int_equal (dense->shape[1], 3);
    assert_int_equal (adze_graph_value_at (graph, adze_graph_find (graph, "s"))->role, ADZE_ROLE_WEIGHT);
    assert_int_equal (adze_graph_value_at (graph, adze_graph_find (graph, "s.indices"))->role, ADZE_ROLE_WEIGHT);
    const adze_graph_node *last = adze_graph_node_at (graph, dense->node);
    if (kinds[i].count == 1)
      last = adze_graph_node_at (graph, adze_graph_value_at (graph, last->inputs[0])->node);
    assert_string_equal (last->op, kinds[i].scatter);
    assert_comes_back (w, graph, found);
    again = open_model (w, "again.onnx");
    assert_int_equal (again->count, 2);
    ASSERT_HOLDS (again, "s", "11112222");
  }
}

/* ---- Bodies. */

static bytes
two_branches (bytes then_branch, bytes else_branch)
{
  return node ("If", "c", "y", both (graph_attribute ("then_branch", then_branch),
                                     graph_attribute ("else_branch", else_branch)));
}

static bytes
condition (void)
{
  bytes tensor = message (1, both (number (1, BOOL), message (2, nothing ())));
  return message (11, both (STRING (1, "c"), message (2, tensor)));
}

/* The first takes b and a, the second w and a: each is handed b, a, w. */
static void
bodies_are_handed_the_same (void **state)
{
  world *w = *state;
  ADZE_AUTO_GRAPH graph = NULL;
  bytes one = ALL (node ("Sub", "b a", "t", nothing ()), message (12, STRING (1, "t")));
  bytes other = ALL (initializer (raw_floats ("w", "aaaabbbbcccc")),
                     node ("Add", "a w", "s", nothing ()), node ("Add", "s v", "t", nothing ()),
                     message (12, STRING (1, "t")));
  bytes all = ALL (condition (), floats (11, "a b"), initializer (raw_floats ("w", "111122223333")),
                   initializer (raw_floats ("v", "111122223333")), two_branches (one, other),
                   node ("Add", "y w", "z", nothing ()), floats (12, "z"));
  ADZE_AUTO_MODEL found = open_bytes (w, model (all));
  must (adze_graph_from_model (w->runtime, found, &graph));
  const adze_graph_node *branch = adze_graph_node_at (graph, 0);
  static const char *const names[] = { "c", "b", "a", "v" };
  assert_int_equal (branch->input_count, 4);
  assert_int_equal (branch->captured_count, 3);
  for (size_t i = 0; i < 4; i++)
    assert_string_equal (adze_graph_value_at (graph, branch->inputs[i])->name, names[i]);
  for (size_t i = 0; i < 2; i++) {
    size_t count;
    const adze_graph *body = branch->attributes[i].graph;
    const uint32_t *inputs = adze_graph_inputs (body, &count);
    assert_int_equal (count, 3);
    for (size_t j = 0; j < 3; j++)
      assert_string_equal (adze_graph_value_at (body, inputs[j])->name, names[j + 1]);
  }
  /* Each has its own w, under the name that the model has for it. */
  assert_int_equal (adze_graph_find (branch->attributes[0].graph, "w"), ADZE_NONE);
  assert_int_not_equal (adze_graph_find (branch->attributes[1].graph, "w#2"), ADZE_NONE);
  assert_comes_back (w, graph, found);
}

static void
bodies_within_bodies_see_through (void **state)
{
  world *w = *state;
  ADZE_AUTO_GRAPH graph = NULL;
  bytes inner = ALL (node ("Relu", "a", "i", nothing ()), message (12, STRING (1, "i")));
  bytes inner_else = ALL (node ("Abs", "a", "i", nothing ()), message (12, STRING (1, "i")));
  bytes one = ALL (two_branches (inner, inner_else), message (12, STRING (1, "y")));
  bytes other = ALL (node ("Neg", "a", "n", nothing ()), message (12, STRING (1, "n")));
  bytes all = ALL (condition (), floats (11, "a"), two_branches (one, other), floats (12, "y"));
  ADZE_AUTO_MODEL found = open_bytes (w, model (all));
  must (adze_graph_from_model (w->runtime, found, &graph));
  assert_int_equal (adze_graph_node_at (graph, 0)->captured_count, 2); /* c and a */
  assert_comes_back (w, graph, found);
}

/* ---- Older opsets. */

static const adze_graph_node *
node_called (const adze_graph *graph, const char *op)
{
  for (uint32_t i = 0; i < adze_graph_node_count (graph); i++)
    if (adze_graph_node_at (graph, i) && strcmp (adze_graph_node_at (graph, i)->op, op) == 0)
      return adze_graph_node_at (graph, i);
  fail_msg ("there is no %s", op);
  return NULL;
}

static adze_graph *
upgraded (world *w, uint64_t opset, bytes nodes)
{
  adze_graph *graph = NULL;
  must (graph_of (w, model_at (opset, ALL (floats (11, "a"), nodes, message (12, STRING (1, "y")))),
                  &graph));
  return graph;
}

static const adze_graph_value *
input_of (const adze_graph *graph, const adze_graph_node *of, size_t index)
{
  assert_in_range (index, 0, of->input_count - 1);
  return adze_graph_value_at (graph, of->inputs[index]);
}

static void
attributes_become_inputs (void **state)
{
  const int64_t axes[] = { 1 };
  ADZE_AUTO_GRAPH sum = upgraded (*state, 11, node ("ReduceSum", "a", "y",
                                                    ints_attribute ("axes", 1, axes)));
  const adze_graph_node *found = node_called (sum, "ReduceSum");
  assert_int_equal (*(const int64_t *)input_of (sum, found, 1)->data, 1);
  assert_null (adze_node_attribute (found, "axes"));
  ADZE_AUTO_GRAPH clip = upgraded (*state, 6, node ("Clip", "a", "y",
                                                    float_attribute ("max", 6)));
  found = node_called (clip, "Clip");
  assert_int_equal (found->input_count, 3);
  assert_int_equal (found->inputs[1], ADZE_NONE);
  assert_true (*(const float *)input_of (clip, found, 2)->data == 6);
}

/* Over the last dimension both meant the same; otherwise all dimensions behind the axis were
 * one. */
static void
softmax_means_what_it_meant (void **state)
{
  ADZE_AUTO_GRAPH last = upgraded (*state, 12, node ("Softmax", "a", "y", nothing ()));
  assert_int_equal (adze_graph_node_count (last), 1);
  assert_int_equal (adze_node_int (adze_graph_node_at (last, 0), "axis", 0), -1);
  ADZE_AUTO_GRAPH all = upgraded (*state, 12, node ("Softmax", "a", "y",
                                                    int_attribute ("axis", 0)));
  assert_int_equal (adze_graph_node_count (all), 4);
  const adze_graph_value *y = adze_graph_value_at (all, adze_graph_find (all, "y"));
  assert_string_equal (adze_graph_node_at (all, y->node)->op, "Reshape");
  size_t count;
  assert_int_equal (adze_graph_outputs (all, &count)[0], adze_graph_find (all, "y"));
}

static void
old_broadcasting_gets_dimensions (void **state)
{
  bytes along = both (int_attribute ("broadcast", 1), int_attribute ("axis", 0));
  bytes nodes = both (initializer (raw_floats ("w", "aaaa")), node ("Add", "a w", "y", along));
  ADZE_AUTO_GRAPH graph = upgraded (*state, 6, nodes);
  assert_int_equal (input_of (graph, node_called (graph, "Add"), 1)->rank, 2);
}

static void
newer_opsets_pass_where_they_mean_the_same (void **state)
{
  ADZE_AUTO_GRAPH same = upgraded (*state, 21, node ("Identity", "a", "y", nothing ()));
  assert_int_equal (adze_graph_opset (same), ADZE_GRAPH_OPSET);
  const int64_t axis = 1;
  bytes axes = ALL (number (1, 1), number (2, INT64), STRING (8, "axes"),
                    message (9, some (&axis, sizeof axis)));
  bytes mean = both (initializer (axes), node ("ReduceMean", "a axes", "y", nothing ()));
  ADZE_AUTO_GRAPH reduced = upgraded (*state, 18, mean);
  size_t count;
  assert_int_equal (adze_node_ints (adze_graph_node_at (reduced, 0), "axes", &count)[0], 1);
  assert_int_equal (adze_graph_node_at (reduced, 0)->input_count, 1);
  adze_graph *none = NULL;
  bytes split = ALL (floats (11, "a"), node ("Split", "a", "y z", int_attribute ("num_outputs", 2)),
                     floats (12, "y"));
  must_fail (graph_of (*state, model_at (18, split), &none), ADZE_E_UNSUPPORTED, "node 0 (Split)",
             "opset 18", NULL);
}

/* ---- What is refused. */

static void
refused (world *w, bytes content, adze_status status, const char *one, const char *other)
{
  adze_graph *graph = NULL;
  must_fail (graph_of (w, content, &graph), status, one, other, NULL);
  assert_null (graph);
}

static void
unsound_graphs_are_named (void **state)
{
  bytes circle = both (node ("Relu", "y", "x", nothing ()), node ("Abs", "x", "y", nothing ()));
  refused (*state, model (both (circle, floats (12, "y"))), ADZE_E_FORMAT, "wait for each other",
           "(Relu)");
  refused (*state, model (ALL (floats (11, "a"), node ("Add", "a gone", "y", nothing ()),
                               floats (12, "y"))),
           ADZE_E_FORMAT, "(Add) of graph", "takes the value 'gone', which no node makes");
  refused (*state, model (ALL (floats (11, "a"), node ("Abs", "a", "a", nothing ()))),
           ADZE_E_FORMAT, "(Abs)", "makes the value 'a', which is there already");
  refused (*state, model (floats (11, "a a")), ADZE_E_FORMAT, "two values", "'a'");
  refused (*state, model (ALL (floats (11, "a"), node ("Frobnicate", "a", "y", nothing ()))),
           ADZE_E_UNSUPPORTED, "(Frobnicate)", "no operator");
  refused (*state, model (floats (12, "gone")), ADZE_E_FORMAT, "'gone'", "which no node makes");
}

static void
opsets_that_nobody_knows (void **state)
{
  adze_graph *graph = NULL;
  adze_error *error = graph_of (*state, model_at (99, floats (11, "a")), &graph);
  assert_string_equal (adze_error_fact (error, "hint"), "export the model at opset 17");
  must_fail (error, ADZE_E_UNSUPPORTED, "opset 99", "1 to 23", NULL);
  refused (*state, both (model_at (17, floats (11, "a")), message (8, number (2, 11))), ADZE_E_UNSUPPORTED,
           "of opset 17, and of opset 11 as well", "export it again");
  refused (*state, both (number (1, 8), message (7, node ("Relu", "a", "b", nothing ()))), ADZE_E_UNSUPPORTED,
           "does not say of which opset", "(Relu)");
  refused (*state, model_at (0, floats (11, "a")), ADZE_E_UNSUPPORTED, "opset 0", "1 to 23");
}

static void
what_is_no_tensor_is_named (void **state)
{
  bytes sequence = message (11, both (STRING (1, "s"), message (2, message (4, nothing ()))));
  refused (*state, model (sequence), ADZE_E_UNSUPPORTED, "'s'", "a sequence");
  bytes optional = message (11, both (STRING (1, "o"), message (2, message (9, nothing ()))));
  refused (*state, model (optional), ADZE_E_UNSUPPORTED, "'o'", "optional");
  bytes strings = message (11, both (STRING (1, "s"), message (2, message (1, number (1, 8)))));
  refused (*state, model (strings), ADZE_E_UNSUPPORTED, "'s'", "strings");
  bytes texts = ALL (number (1, 1), number (2, STRINGS), STRING (8, "t"), STRING (6, "text"));
  refused (*state, model (initializer (texts)), ADZE_E_UNSUPPORTED, "'t'", "strings");
  bytes unplaced = message (15, message (1, raw_floats ("p", "ssss")));
  refused (*state, model (unplaced), ADZE_E_UNSUPPORTED, "'p'", "sparse");
  bytes function = message (25, STRING (1, "Swish"));
  refused (*state, both (model (floats (11, "a")), function), ADZE_E_UNSUPPORTED, "'Swish'",
           "function");
  bytes type = message (5, both (STRING (1, "type"), number (20, 13)));
  refused (*state, model (node ("Optional", "", "o", type)), ADZE_E_UNSUPPORTED, "(Optional)",
           "'type'");
}

static void
models_without_a_graph (void **state)
{
  world *w = *state;
  ADZE_AUTO_MODEL empty = NULL;
  adze_graph *graph = NULL;
  must (adze_model_new (&empty));
  must_fail (adze_graph_from_model (w->runtime, empty, &graph), ADZE_E_UNSUPPORTED,
             "nothing that says how", NULL);
}

/* ---- ONNX's own models. */

/* Why one may be refused. */
static bool
may_be_refused (const char *text)
{
  static const char *const reasons[] = { "strings",  "a sequence", "optional",
                                         "Sequence", "preview.training", "Scan of opset 8" };
  for (size_t i = 0; i < ADZE_COUNT_OF (reasons); i++)
    if (strstr (text, reasons[i]))
      return true;
  return false;
}

static void
try_model (world *w, const char *path, size_t *taken)
{
  ADZE_AUTO_MODEL found = NULL;
  ADZE_AUTO_GRAPH graph = NULL;
  must (adze_model_open (w->runtime, path, NULL, &found));
  ADZE_AUTO_ERROR error = adze_graph_from_model (w->runtime, found, &graph);
  if (!error) {
    assert_comes_back (w, graph, found);
    ++*taken;
    return;
  }
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  if (!text || !may_be_refused (text))
    fail_msg ("%s: %s", path, text ? text : "no memory");
}

static void
models_of_onnx (void **state)
{
  static const char *const sets[] = { "node", "pytorch-converted", "pytorch-operator", "simple" };
  const char *data = environment_or ("ONNX_TESTDATA", "/usr/share/libonnx-testdata/data");
  if (access (data, R_OK) != 0) {
    printf ("%s is not there (Debian: libonnx-testdata)\n", data);
    skip ();
  }
  size_t models = 0, taken = 0;
  for (size_t i = 0; i < ADZE_COUNT_OF (sets); i++) {
    ADZE_AUTO_FREE char *folder = adze_text_format ("%s/%s", data, sets[i]);
    char **names = NULL;
    size_t count = 0;
    assert_non_null (folder);
    must (adze_folder_names (folder, "", &names, &count));
    for (size_t j = 0; j < count; j++) {
      ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s/model.onnx", folder, names[j]);
      assert_non_null (path);
      if (access (path, R_OK) != 0)
        continue;
      models++;
      try_model (*state, path, &taken);
    }
    adze_names_free (names, count);
  }
  printf ("%zu of %zu models are graphs\n", taken, models);
  assert_true (taken > models * 9 / 10);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    WITH_ONNX (order_in_the_file_does_not_count),
    WITH_ONNX (weights_may_be_listed_as_inputs),
    WITH_ONNX (constants_are_values),
    WITH_ONNX (sparse_initialisers_are_nodes),
    WITH_ONNX (bodies_are_handed_the_same),
    WITH_ONNX (bodies_within_bodies_see_through),
    WITH_ONNX (attributes_become_inputs),
    WITH_ONNX (softmax_means_what_it_meant),
    WITH_ONNX (old_broadcasting_gets_dimensions),
    WITH_ONNX (newer_opsets_pass_where_they_mean_the_same),
    WITH_ONNX (unsound_graphs_are_named),
    WITH_ONNX (opsets_that_nobody_knows),
    WITH_ONNX (what_is_no_tensor_is_named),
    WITH_ONNX (models_without_a_graph),
    WITH_ONNX (models_of_onnx),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
