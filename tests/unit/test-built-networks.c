/* SPDX-License-Identifier: Apache-2.0 */
/* Networks that build-model has written, computed: each layer does what it is called, and what fold
 * and optimise-graph make smaller answers as before. */
#include "small-graphs.h"

#include "artifact/format.h"
#include "graph/from_model.h"
#include "graph/load.h"

static char folder[64];

/* ---- Built, and read. */

static void
write_pipeline (const char *name, const char *begin, const char *output)
{
  char path[128];
  snprintf (path, sizeof path, "%s/%s.toml", folder, name);
  FILE *file = fopen (path, "w");
  assert_non_null (file);
  fprintf (file, "adze = 1\nname = \"%s\"\nseed = 5\n%s\n[[output]]\npath = \"%s.onnx\"\n", name, begin,
           output);
  fclose (file);
  run_command ("cd '%s' && '%s' run %s.toml > %s.log 2>&1 || { cat %s.log >&2; exit 1; }", folder,
               environment_or ("ADZE", "adze"), name, name, name);
}

static adze_graph *
read_graph (const char *name)
{
  char path[128];
  adze_model *model;
  adze_graph *graph;
  snprintf (path, sizeof path, "%s/%s.onnx", folder, name);
  must (adze_model_open (the_engine->runtime, path, NULL, &model));
  must (adze_graph_from_model (the_engine->runtime, model, &graph));
  must (adze_graph_load_weights (graph, model, NULL));
  adze_model_close (model);
  return graph;
}

static adze_graph *
built (const char *name, const char *input, const char *layers)
{
  char text[1024];
  snprintf (text, sizeof text, "[[stage]]\nuse = \"build-model\"\ninput = \"%s\"\nlayers = [%s]\n",
            input, layers);
  write_pipeline (name, text, name);
  return read_graph (name);
}

/* The answer to numbers that the test knows. */
static void
compute (adze_graph *graph, const void *numbers, const int64_t *sizes, int32_t rank, float *into,
         size_t count)
{
  int64_t shape[ADZE_GRAPH_RANK];
  const adze_graph_value *value = graph->values[graph->inputs.items[0]];
  for (int32_t i = 0; i < rank; i++)
    shape[i] = sizes[i];
  const int64_t *shapes[] = { shape };
  union {
    const void *from;
    void *to; /* executing only reads */
  } data = { .from = numbers };
  const adze_view view = view_of (data.to, value->dtype, rank, shape), *inputs[] = { &view };
  const adze_view *outputs[1];
  const adze_compile_options options = { .ref = the_engine->ref, .shapes = shapes };
  ADZE_AUTO_EXECUTABLE executable = NULL;
  must (adze_graph_compile (graph, &options, &executable));
  must (adze_execute (executable, inputs, outputs));
  assert_int_equal (adze_view_count (outputs[0]), count);
  memcpy (into, adze_view_data (outputs[0]), count * sizeof *into);
}

/* ---- Layers. */

/* A residual around a layer of zeros gives what comes in. */
static void
residuals_add_what_there_was (void **state)
{
  (void)state;
  ADZE_AUTO_GRAPH g = built ("residual", "2x3x3",
                             "'residual open', 'conv 2 3 pad same init zeros', 'residual close'");
  float numbers[18], found[18];
  const int64_t sizes[] = { 1, 2, 3, 3 };
  for (int i = 0; i < 18; i++)
    numbers[i] = (float)(i - 9);
  compute (g, numbers, sizes, 4, found, 18);
  assert_memory_equal (found, numbers, sizeof numbers);
}

/* Of each place: mean 0 and variance 1 for those that are normalised together. */
static void
normalised_is_what_is_said (void **state)
{
  static const struct {
    const char *layer;
    int64_t sizes[3]; /* of the batch, channels, places */
    size_t blocks, size, step, apart;
  } cases[] = {
    { "'norm layer'", { 2, 3, 8 }, 6, 8, 1, 8 },
    { "'norm instance'", { 2, 3, 8 }, 6, 8, 1, 8 },
    { "'norm group 2'", { 2, 4, 8 }, 4, 16, 1, 16 },
  };
  (void)state;
  small_seed = 3;
  for (size_t c = 0; c < ADZE_COUNT_OF (cases); c++) {
    char input[32];
    float numbers[64], found[64];
    size_t count = cases[c].blocks * cases[c].size;
    snprintf (input, sizeof input, "%dx%d", (int)cases[c].sizes[1], (int)cases[c].sizes[2]);
    ADZE_AUTO_GRAPH g = built ("norm", input, cases[c].layer);
    for (size_t i = 0; i < count; i++)
      numbers[i] = 3 + 2 * small_draw ();
    compute (g, numbers, cases[c].sizes, 3, found, count);
    for (size_t b = 0; b < cases[c].blocks; b++) {
      double sum = 0, squares = 0;
      for (size_t i = 0; i < cases[c].size; i++) {
        double x = (double)found[b * cases[c].apart + i * cases[c].step];
        sum += x;
        squares += x * x;
      }
      assert_true (fabs (sum) < 1e-4);
      assert_true (fabs (squares / (double)cases[c].size - 1) < 1e-3);
    }
  }
}

static void
activations_are_what_they_are_called (void **state)
{
  static const char *const names[] = { "relu", "gelu", "sigmoid", "tanh", "silu" };
  const int64_t sizes[] = { 1, 4 };
  const float numbers[] = { -2, -0.5f, 0.25f, 3 };
  (void)state;
  for (size_t n = 0; n < ADZE_COUNT_OF (names); n++) {
    char layer[32];
    float found[4];
    snprintf (layer, sizeof layer, "'%s'", names[n]);
    ADZE_AUTO_GRAPH g = built (names[n], "4", layer);
    compute (g, numbers, sizes, 2, found, 4);
    for (size_t i = 0; i < 4; i++) {
      double x = (double)numbers[i], sigmoid = 1 / (1 + exp (-x));
      double wanted[] = { x > 0 ? x : 0, x * 0.5 * (1 + erf (x / sqrt (2))), sigmoid, tanh (x),
                          x * sigmoid };
      assert_true (fabs (wanted[n] - (double)found[i]) < 1e-6);
    }
  }
}

/* Without a mask a place sees all; with it none that comes later. */
static void
attention_sees_what_it_may (void **state)
{
  enum { PLACES = 4, WIDE = 6 };
  const int64_t sizes[] = { 1, PLACES, WIDE };
  (void)state;
  small_seed = 8;
  for (int causal = 0; causal < 2; causal++) {
    float numbers[PLACES * WIDE], before[PLACES * WIDE], after[PLACES * WIDE];
    ADZE_AUTO_GRAPH g
        = built ("attention", "4x6", causal ? "'attention 3 causal'" : "'attention 3'");
    for (size_t i = 0; i < PLACES * WIDE; i++)
      numbers[i] = small_draw ();
    compute (g, numbers, sizes, 3, before, PLACES * WIDE);
    numbers[2 * WIDE] += 1; /* the third place */
    compute (g, numbers, sizes, 3, after, PLACES * WIDE);
    for (size_t p = 0; p < PLACES; p++) {
      bool same = memcmp (before + p * WIDE, after + p * WIDE, WIDE * sizeof *after) == 0;
      assert_int_equal (same, causal && p < 2);
    }
  }
}

/* What is left after the last place is the last of what all places give. */
static void
the_last_place_is_the_last (void **state)
{
  static const char *const kinds[] = { "lstm", "gru" };
  const int64_t sizes[] = { 2, 5, 3 };
  (void)state;
  small_seed = 4;
  for (size_t k = 0; k < 2; k++) {
    char all[32], last[32];
    float numbers[30], sequence[40], end[8];
    snprintf (all, sizeof all, "'%s 4'", kinds[k]);
    snprintf (last, sizeof last, "'%s 4 last'", kinds[k]);
    for (size_t i = 0; i < 30; i++)
      numbers[i] = small_draw ();
    ADZE_AUTO_GRAPH whole = built ("whole", "5x3", all);
    ADZE_AUTO_GRAPH tail = built ("tail", "5x3", last);
    compute (whole, numbers, sizes, 3, sequence, 40);
    compute (tail, numbers, sizes, 3, end, 8);
    for (size_t b = 0; b < 2; b++)
      for (size_t i = 0; i < 4; i++) {
        assert_true (end[b * 4 + i] == sequence[(b * 5 + 4) * 4 + i]);
        assert_true (end[b * 4 + i] != 0);
      }
  }
}

/* ---- Made smaller. */

static void
smaller_networks_answer_as_before (void **state)
{
  (void)state;
  ADZE_AUTO_GRAPH before
      = built ("large", "3x8x8",
               "'conv 4 3 pad 1 no-bias', 'norm batch relu', 'residual open', 'conv 4 3 pad same groups 2',"
               "'norm batch', 'residual close relu', 'dropout 0.5', 'pool max 2', 'norm group 2',"
               "'flatten', 'dense 9 gelu', 'norm layer', 'dense 5 softmax'");
  write_pipeline ("smaller",
                  "[model]\npath = \"large.onnx\"\n[[stage]]\nuse = \"fold\"\n"
                  "require = \"batch-norm == 2\"\n[[stage]]\nuse = \"optimise-graph\"\n",
                  "smaller");
  ADZE_AUTO_GRAPH after = read_graph ("smaller");
  answer a = answer_of (before), b = answer_of (after);
  same_answer (&a, &b, 1e-5f);
  answer_free (&a);
  answer_free (&b);
  assert_true (count_of (after, NULL) < count_of (before, NULL));
  assert_int_equal (count_of (after, "BatchNormalization"), 0);
  assert_string_equal (before->values[before->outputs.items[0]]->name, "output");
  assert_string_equal (after->values[after->outputs.items[0]]->name, "output");
}

static int
close_all (void **state)
{
  run_command ("rm -rf '%s'", folder);
  return engine_close (state);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  snprintf (folder, sizeof folder, "/tmp/adze-built-XXXXXX");
  if (!mkdtemp (folder))
    return 1;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (residuals_add_what_there_was),
    cmocka_unit_test (normalised_is_what_is_said),
    cmocka_unit_test (activations_are_what_they_are_called),
    cmocka_unit_test (attention_sees_what_it_may),
    cmocka_unit_test (the_last_place_is_the_last),
    cmocka_unit_test (smaller_networks_answer_as_before),
  };
  return cmocka_run_group_tests_name ("built-networks", tests, small_open, close_all);
}
