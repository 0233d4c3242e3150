/* SPDX-License-Identifier: Apache-2.0 */
/* The backend openblas, which is a manifest over the BLAS that is installed, against ref: products
 * and convolutions of every class of shapes in both types within BOUNDS, what it leaves to ref,
 * who it says that it is, the threads that it uses, and training. */
#include "one-node.h"

#include "graph/backend.h"

typedef struct pair {
  engine *engine;
  adze_backend_at_work *blas;
} pair;

/* How far a result may be from that of ref, which sums in double: absolutely, and by its size. */
static const struct {
  double absolute, relative;
} bounds[] = { [0] = { 1e-5, 1e-4 }, [1] = { 1e-12, 1e-11 } };

static int
pair_open (void **state)
{
  void *made = NULL;
  pair *p = calloc (1, sizeof *p);
  engine_open (&made);
  p->engine = made;
  must (adze_backend_open (p->engine->runtime, "openblas", NULL, NULL, &p->blas));
  *state = p;
  return 0;
}

static int
pair_close (void **state)
{
  pair *p = *state;
  if (!p) /* it was not opened, which has been said */
    return 0;
  void *made = p->engine;
  adze_backend_close (p->blas);
  engine_close (&made);
  free (p);
  return 0;
}

/* ---- Both, side by side. */

/* Delegation is refused where BLAS computes, so that a product that it leaves is an error. */
static void
run (const pair *both, product *p, bool blas, adze_executable **executable,
     const adze_view **output)
{
  const adze_view *inputs[MOST_OPERANDS];
  const adze_compile_options options = { .backend = blas ? both->blas : NULL,
                                         .ref = both->engine->ref,
                                         .refuse_delegation = blas };
  for (size_t i = 0; i < p->input_count; i++)
    inputs[i] = &p->inputs[i];
  must (adze_graph_compile (p->graph, &options, executable));
  /* The second time the output has what the first time left there. */
  must (adze_execute (*executable, inputs, output));
  must (adze_execute (*executable, inputs, output));
}

static void
compare (const char *what, const adze_view *found, const adze_view *wanted)
{
  bool twice = wanted->dtype.bits == 64;
  assert_int_equal (found->rank, wanted->rank);
  for (int32_t d = 0; d < found->rank; d++)
    assert_int_equal (found->shape[d], wanted->shape[d]);
  for (size_t i = 0; i < adze_view_count (wanted); i++) {
    double a = twice ? ((const double *)adze_view_data (found))[i]
                     : (double)((const float *)adze_view_data (found))[i];
    double b = twice ? ((const double *)adze_view_data (wanted))[i]
                     : (double)((const float *)adze_view_data (wanted))[i];
    if (!(fabs (a - b) <= bounds[twice].absolute + bounds[twice].relative * fabs (b)))
      fail_msg ("%s in %s: element %zu is %.17g, and ref's %.17g", what,
                twice ? "double" : "float", i, a, b);
  }
}

static void
check (const pair *both, const problem *what, bool twice)
{
  product p;
  char text[160];
  ADZE_AUTO_EXECUTABLE on = NULL;
  ADZE_AUTO_EXECUTABLE with_ref = NULL;
  const adze_view *found = NULL, *wanted = NULL;
  snprintf (text, sizeof text, "%s (%s) %s transA=%d transB=%d alpha=%g beta=%g", what->op,
            what->operands, what->convolution ? what->convolution : "", (int)what->turned_a,
            (int)what->turned_b, (double)what->alpha, (double)what->beta);
  product_make (&p, what, twice);
  run (both, &p, true, &on, &found);
  run (both, &p, false, &with_ref, &wanted);
  assert_int_equal (adze_executable_facts_of (on)->delegated, 0);
  compare (text, found, wanted);
  product_free (&p);
}

static void
check_all (void **state, const problem *problems, size_t count)
{
  for (size_t i = 0; i < count; i++)
    for (int twice = 0; twice < 2; twice++)
      check (*state, &problems[i], twice);
}

static void
products_of_matrices_and_vectors (void **state)
{
  static const problem problems[] = {
    { "MatMul", "5,7 7,3", 0, 0, 0, 0, NULL },
    { "MatMul", "5,7 =7,3", 0, 0, 0, 0, NULL },
    { "MatMul", "=5,7 7,3", 0, 0, 0, 0, NULL },
    { "MatMul", "1,7 7,3", 0, 0, 0, 0, NULL },
    { "MatMul", "5,7 7,1", 0, 0, 0, 0, NULL },
    { "MatMul", "5,1 1,3", 0, 0, 0, 0, NULL },
    { "MatMul", "1,7 7,1", 0, 0, 0, 0, NULL },
    { "MatMul", "7 7", 0, 0, 0, 0, NULL },
    { "MatMul", "5,7 7", 0, 0, 0, 0, NULL },
    { "MatMul", "7 7,3", 0, 0, 0, 0, NULL },
    { "MatMul", "130,67 67,129", 0, 0, 0, 0, NULL },
    { "MatMul", "1,300 300,200", 0, 0, 0, 0, NULL },
  };
  check_all (state, problems, ADZE_COUNT_OF (problems));
}

static void
batches_of_products (void **state)
{
  static const problem problems[] = {
    { "MatMul", "4,5,7 7,3", 0, 0, 0, 0, NULL },
    { "MatMul", "4,5,7 4,7,3", 0, 0, 0, 0, NULL },
    { "MatMul", "5,7 4,7,3", 0, 0, 0, 0, NULL },
    { "MatMul", "4,5,7 1,7,3", 0, 0, 0, 0, NULL },
    { "MatMul", "1,5,7 4,7,3", 0, 0, 0, 0, NULL },
    { "MatMul", "2,1,5,7 3,7,2", 0, 0, 0, 0, NULL },
    { "MatMul", "3,5,7 2,1,7,2", 0, 0, 0, 0, NULL },
    { "MatMul", "2,3,5,7 2,3,7,2", 0, 0, 0, 0, NULL },
    { "MatMul", "7 4,7,3", 0, 0, 0, 0, NULL },
    { "MatMul", "4,5,7 7", 0, 0, 0, 0, NULL },
    { "MatMul", "2,4,1,7 2,4,7,1", 0, 0, 0, 0, NULL },
  };
  check_all (state, problems, ADZE_COUNT_OF (problems));
}

static void
gemm_in_all_its_forms (void **state)
{
  static const struct {
    const char *a, *b;
    int64_t turned_a, turned_b;
  } pairs[] = {
    { "5,7", "7,3", 0, 0 },  { "7,5", "7,3", 1, 0 },  { "5,7", "3,7", 0, 1 },
    { "7,5", "3,7", 1, 1 },  { "7,5", "=7,3", 1, 0 }, { "5,7", "=3,7", 0, 1 },
  };
  static const char *const added[] = { "", " 3", " 1,3", " 5,1", " 5,3", " .", " 1", " =3" };
  static const float factors[][2] = { { 1, 1 }, { .5F, .25F }, { -2, 0 }, { 0, 1.5F } };
  for (size_t i = 0; i < ADZE_COUNT_OF (pairs); i++)
    for (size_t c = 0; c < ADZE_COUNT_OF (added); c++)
      for (size_t f = 0; f < ADZE_COUNT_OF (factors); f++) {
        char operands[64];
        snprintf (operands, sizeof operands, "%s %s%s", pairs[i].a, pairs[i].b, added[c]);
        const problem what = { "Gemm",      operands,     pairs[i].turned_a, pairs[i].turned_b,
                               factors[f][0], factors[f][1], NULL };
        check_all (state, &what, 1);
      }
  /* One row, one column, and both: another kernel computes them. */
  static const problem thin[] = {
    { "Gemm", "1,7 7,3 3", 0, 0, .5F, .25F, NULL }, { "Gemm", "7,1 7,3 3", 1, 0, .5F, .25F, NULL },
    { "Gemm", "1,7 3,7 3", 0, 1, .5F, .25F, NULL }, { "Gemm", "7,1 3,7 3", 1, 1, .5F, .25F, NULL },
    { "Gemm", "5,7 7,1 5,1", 0, 0, .5F, 2, NULL },  { "Gemm", "7,5 7,1 5,1", 1, 0, .5F, 2, NULL },
    { "Gemm", "5,7 1,7 5,1", 0, 1, .5F, 2, NULL },  { "Gemm", "7,5 1,7 5,1", 1, 1, .5F, 2, NULL },
    { "Gemm", "7,1 1,7 1,1", 1, 1, 2, 3, NULL },    { "Gemm", "1,7 7,1", 0, 0, 1, 1, NULL },
    { "Gemm", "130,67 129,67 129", 0, 1, 1, 1, NULL },
  };
  check_all (state, thin, ADZE_COUNT_OF (thin));
}

static void
convolutions (void **state)
{
  static const problem problems[] = {
    { .op = "Conv", .operands = "2,3,11 4,3,3 4", .convolution = "pads=1,1" },
    { .op = "Conv", .operands = "2,3,11 4,3,3", .convolution = "strides=2 dilations=2" },
    { .op = "Conv", .operands = "2,3,9,8 5,3,3,2 5", .convolution = "strides=2,1 pads=1,0,1,1" },
    { .op = "Conv", .operands = "2,3,9,8 =5,3,3,3 =5",
      .convolution = "auto_pad=SAME_UPPER strides=2,2" },
    { .op = "Conv", .operands = "2,3,8,9 5,3,2,3 5",
      .convolution = "auto_pad=SAME_LOWER strides=1,2" },
    { .op = "Conv", .operands = "2,3,8,9 5,3,2,3 5", .convolution = "auto_pad=VALID" },
    { .op = "Conv", .operands = "2,4,9,9 6,2,3,3 6", .convolution = "group=2 dilations=2,2" },
    { .op = "Conv", .operands = "2,8,9,9 8,1,3,3", .convolution = "group=8 pads=2,1,0,1" },
    { .op = "Conv", .operands = "3,6,5,7 4,6,1,1 4" },
    { .op = "Conv", .operands = "3,6,5,7 4,6,1,1", .convolution = "strides=2,2" },
    { .op = "Conv", .operands = "3,6,5,7 4,6,1,1 4", .convolution = "pads=1,0,0,1" },
    { .op = "Conv", .operands = "2,3,5,6,7 4,3,2,3,2 4", .convolution = "pads=0,1,1,1,0,0" },
    { .op = "Conv", .operands = "0,3,5,6 4,3,2,3 4" },
    /* More columns than there is room for at a time. */
    { .op = "Conv", .operands = "2,16,60,60 8,16,3,3 8", .convolution = "pads=1,1,1,1" },
  };
  check_all (state, problems, ADZE_COUNT_OF (problems));
}

/* The sum of nothing, and results without numbers. */
static void
sizes_of_zero (void **state)
{
  static const problem problems[] = {
    { "MatMul", "0,7 7,3", 0, 0, 0, 0, NULL },     { "MatMul", "5,7 7,0", 0, 0, 0, 0, NULL },
    { "MatMul", "5,0 0,3", 0, 0, 0, 0, NULL },     { "MatMul", "0 0", 0, 0, 0, 0, NULL },
    { "MatMul", "0,5,7 0,7,3", 0, 0, 0, 0, NULL }, { "Gemm", "5,0 0,3 3", 0, 0, 2, .5F, NULL },
    { "Gemm", "5,0 0,3", 0, 0, 1, 1, NULL },       { "Gemm", "0,5 3,0 5,3", 1, 1, 1, 2, NULL },
  };
  check_all (state, problems, ADZE_COUNT_OF (problems));
}

/* What does not depend on sizes is compiled once for all of them. */
static void
one_program_takes_any_size (void **state)
{
  const pair *p = *state;
  net n;
  make_net (&n, 3);
  must (adze_graph_add_output (n.graph, n.scores));
  ADZE_AUTO_EXECUTABLE on = NULL;
  ADZE_AUTO_EXECUTABLE with_ref = NULL;
  must (adze_graph_compile (
      n.graph, &(adze_compile_options){ .backend = p->blas, .ref = p->engine->ref }, &on));
  must (adze_graph_compile (n.graph, &(adze_compile_options){ .ref = p->engine->ref }, &with_ref));
  static const int64_t sizes[] = { 3, 1, 40 };
  float x[80];
  unsigned seed = 3;
  for (size_t i = 0; i < ADZE_COUNT_OF (x); i++)
    x[i] = (float)draw (&seed);
  for (size_t i = 0; i < ADZE_COUNT_OF (sizes); i++) {
    int64_t shape[] = { sizes[i], 2 };
    adze_view view = view_of (x, f32, 2, shape);
    const adze_view *inputs[] = { &view }, *found = NULL, *wanted = NULL;
    must (adze_execute (on, inputs, &found));
    must (adze_execute (with_ref, inputs, &wanted));
    assert_int_equal (found->shape[0], sizes[i]);
    compare ("a network", found, wanted);
  }
  adze_graph_free (n.graph);
}

/* ---- What it leaves. */

static void
everything_else_is_delegated_and_counted (void **state)
{
  const pair *p = *state;
  net n;
  make_net (&n, 3); /* two products, two sums, a Tanh */
  must (adze_graph_add_output (n.graph, n.scores));
  const int64_t size[] = { 4, 2 };
  const int64_t *const shapes[] = { size };
  adze_compile_options options
      = { .backend = p->blas, .ref = p->engine->ref, .shapes = shapes };
  ADZE_AUTO_EXECUTABLE on = NULL;
  must (adze_graph_compile (n.graph, &options, &on));
  assert_int_equal (adze_executable_facts_of (on)->steps, 5);
  assert_int_equal (adze_executable_facts_of (on)->delegated, 3);
  adze_executable *refused = NULL;
  options.refuse_delegation = true;
  must_fail (adze_graph_compile (n.graph, &options, &refused), ADZE_E_UNSUPPORTED, "Add",
             "openblas", NULL);
  adze_graph_free (n.graph);
}

/* Whole numbers are multiplied as whole numbers, which no BLAS does. */
static void
whole_numbers_are_left (void **state)
{
  const pair *p = *state;
  const int64_t shape[] = { 2, 2 };
  const adze_compile_options options
      = { .backend = p->blas, .ref = p->engine->ref, .refuse_delegation = true };
  adze_graph *graph = NULL;
  adze_executable *refused = NULL;
  uint32_t a, b;
  must (adze_graph_new ("whole", &graph));
  must (adze_graph_add_input (graph, "a", i64, 2, shape, &a));
  must (adze_graph_add_input (graph, "b", i64, 2, shape, &b));
  must (adze_graph_add_output (graph, op (graph, "MatMul", a, b)));
  must_fail (adze_graph_compile (graph, &options, &refused), ADZE_E_UNSUPPORTED, "MatMul",
             "openblas", NULL);
  adze_graph_free (graph);
}

/* ---- Who it is. */

static void
its_identity_names_the_library_and_its_build (void **state)
{
  const pair *p = *state;
  const char *identity = adze_backend_identity (p->blas);
  print_message ("%s\n", identity);
  assert_non_null (strstr (identity, ".so"));
  assert_non_null (strstr (identity, "threads"));
  /* A build-id is 40 digits, in everything that Debian builds. */
  const char *at = strchr (identity, ' ');
  assert_non_null (at);
  assert_true (strspn (at + 1, "0123456789abcdef") >= 16
               || strstr (identity, "without a build-id"));
  if (strstr (identity, "openblas"))
    assert_non_null (strstr (identity, "OpenBLAS "));
  assert_int_equal (adze_backend_callbacks (p->blas)->determinism, ADZE_SAME_FOR_SAME_THREADS);
}

/* The run's, wherever the library can be told; and the same bytes for the same number. */
static void
it_uses_the_threads_of_the_run (void **state)
{
  static const problem large = { "MatMul", "300,200 200,100", 0, 0, 0, 0, NULL };
  (void)state;
  for (unsigned threads = 1; threads <= 3; threads++) {
    adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
    engine e = { 0 };
    pair p = { .engine = &e };
    char wanted[32];
    options.threads = threads;
    must (adze_runtime_open (&options, &e.runtime));
    must (adze_backend_open (e.runtime, "ref", NULL, NULL, &e.ref));
    must (adze_backend_open (e.runtime, "openblas", NULL, NULL, &p.blas));
    const char *identity = adze_backend_identity (p.blas);
    snprintf (wanted, sizeof wanted, ", %u threads", threads);
    if (!strstr (identity, wanted) && !strstr (identity, "threads as the library likes"))
      fail_msg ("with %u threads it says: %s", threads, identity);
    for (int twice = 0; twice < 2; twice++) {
      product first, second;
      ADZE_AUTO_EXECUTABLE one = NULL;
      ADZE_AUTO_EXECUTABLE again = NULL;
      const adze_view *a = NULL, *b = NULL;
      product_make (&first, &large, twice);
      product_make (&second, &large, twice);
      run (&p, &first, true, &one, &a);
      run (&p, &second, true, &again, &b);
      assert_memory_equal (adze_view_data (a), adze_view_data (b),
                           adze_view_count (a) * (twice ? sizeof (double) : sizeof (float)));
      product_free (&first);
      product_free (&second);
    }
    adze_backend_close (p.blas);
    adze_backend_close (e.ref);
    adze_runtime_close (e.runtime);
  }
}

/* ---- Training. */

static float
trained (const pair *p, bool blas, double *loss, uint32_t *delegated, float weights[16])
{
  net n;
  feed f;
  make_xor (&n);
  feed_xor (&f, 200);
  adze_trainer_options options = options_of (p->engine, ADZE_OPTIMISER_MOMENTUM, .1);
  options.compile.backend = blas ? p->blas : NULL;
  options.argument = &f;
  ADZE_AUTO_TRAINER trainer = NULL;
  must (adze_trainer_new (n.graph, n.loss, &options, &trainer));
  must (adze_trainer_run (trainer));
  *loss = adze_trainer_progress (trainer)->loss;
  *delegated = adze_trainer_facts (trainer)->delegated;
  for (size_t i = 0; i < 16; i++)
    weights[i] = single_at (trainer, "w1", i);
  float bias = single_at (trainer, "b2", 0);
  adze_trainer_free (adze_take (&trainer));
  adze_graph_free (n.graph);
  return bias;
}

static void
a_network_is_trained_with_it (void **state)
{
  const pair *p = *state;
  double loss = 0, with_ref = 0;
  uint32_t delegated = 0, none = 0;
  float found[16], wanted[16];
  float a = trained (p, true, &loss, &delegated, found);
  float b = trained (p, false, &with_ref, &none, wanted);
  assert_int_equal (none, 0);
  assert_true (delegated > 0);
  assert_true (loss < .05);
  assert_true (fabs (loss - with_ref) < 1e-3);
  assert_true (fabsf (a - b) < 1e-3F);
  for (size_t i = 0; i < 16; i++)
    if (!(fabsf (found[i] - wanted[i]) < 1e-3F))
      fail_msg ("w1[%zu] is %.9g, and ref's %.9g", i, (double)found[i], (double)wanted[i]);
}

/* Is there a BLAS at all? The refusal says what to install. */
static bool
is_applicable (void)
{
  engine e = { 0 };
  adze_backend_at_work *blas = NULL;
  must (adze_runtime_open (NULL, &e.runtime));
  ADZE_AUTO_ERROR error = adze_backend_open (e.runtime, "openblas", NULL, NULL, &blas);
  const char *step = error ? adze_error_fact (error, "step") : NULL;
  const char *strict = getenv ("ADZE_TEST_STRICT");
  bool missing = step && strcmp (step, "library") == 0 && (!strict || strcmp (strict, "1") != 0);
  if (missing)
    printf ("not applicable: %s\n", adze_error_message (error));
  adze_backend_close (blas);
  adze_runtime_close (e.runtime);
  return !missing;
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  if (!is_applicable ())
    return 77;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (products_of_matrices_and_vectors),
    cmocka_unit_test (batches_of_products),
    cmocka_unit_test (gemm_in_all_its_forms),
    cmocka_unit_test (convolutions),
    cmocka_unit_test (sizes_of_zero),
    cmocka_unit_test (one_program_takes_any_size),
    cmocka_unit_test (everything_else_is_delegated_and_counted),
    cmocka_unit_test (whole_numbers_are_left),
    cmocka_unit_test (its_identity_names_the_library_and_its_build),
    cmocka_unit_test (it_uses_the_threads_of_the_run),
    cmocka_unit_test (a_network_is_trained_with_it),
  };
  return cmocka_run_group_tests_name ("openblas", tests, pair_open, pair_close);
}
