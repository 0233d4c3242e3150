/* SPDX-License-Identifier: Apache-2.0 */
/* The kit's problems for backends: each can be made and is computed by ref, the same seed makes the
 * same, and ref holds against itself. */
#include <math.h>

#include "engine.h"

#include "kit/backend_check.h"

static int
open_both (void **state)
{
  return engine_open_beside (state, "ref");
}

/* A row that ref cannot do, or that is refused for its attributes, would be a case for nobody. */
static void
ref_does_every_problem (void **state)
{
  const engine *e = *state;
  ADZE_AUTO (adze_op_verdicts) all = { 0 };
  must (adze_op_check (e->ref, e->other, NULL, 2, 3, &all));
  assert_true (all.count > 150);
  for (size_t i = 0; i < all.count; i++) {
    const adze_op_verdict *v = &all.items[i];
    if (v->cases == 0 || v->claimed != v->cases || v->broken || v->absolute > 0 || v->loses_nan)
      fail_msg ("%s with elements of '%c': %u cases, %u claimed, %u broken, error %g: %s", v->op,
                v->type, v->cases, v->claimed, v->broken, v->absolute, v->first ? v->first : "");
  }
}

/* Of each row alone: at least the sizes that are drawn, 1 and odd ones are cases. */
static void
every_row_has_cases (void **state)
{
  const adze_compile_options options = { .ref = ((engine *)*state)->ref };
  for (const adze_op_case *row = adze_op_cases; row->op; row++)
    for (const char *type = row->types; *type; type++) {
      adze_op_problem problem;
      ADZE_AUTO_EXECUTABLE executable = NULL;
      const adze_view *inputs[ADZE_OP_INPUTS], *output;
      bool applies;
      must (adze_op_problem_make (row, *type, ADZE_DRAW_ANY, 1, &problem, &applies));
      if (!applies)
        fail_msg ("%s (%s) %s is no case at all", row->op, row->inputs, row->attributes);
      for (size_t i = 0; i < problem.input_count; i++)
        inputs[i] = &problem.inputs[i];
      adze_error *error = adze_graph_compile (problem.graph, &options, &executable);
      if (!error)
        error = adze_execute (executable, inputs, &output);
      if (error)
        print_error ("%s (%s) %s, '%c':\n", row->op, row->inputs, row->attributes, *type);
      must (error);
      adze_executable_free (adze_take (&executable));
      adze_op_problem_cleanup (&problem);
    }
}

/* What comes of infinities is the same for everybody where numbers are only chosen or added. */
static void
infinities_are_tried (void **state)
{
  static const char *const operators[]
      = { "Relu", "Clip", "Max", "Min", "MaxPool", "GlobalMaxPool", "AveragePool",
          "GlobalAveragePool", "ReduceMax", "ReduceMin", "ReduceSum", "ReduceMean" };
  (void)state;
  for (size_t i = 0; i < ADZE_COUNT_OF (operators); i++) {
    const adze_op_case *row = adze_op_cases;
    adze_op_problem problem;
    bool applies;
    while (strcmp (row->op, operators[i]) != 0)
      row++;
    must (adze_op_problem_make (row, 'f', ADZE_DRAW_SPECIAL, 1, &problem, &applies));
    if (!applies)
      fail_msg ("%s is tried with no infinities", row->op);
    adze_op_problem_cleanup (&problem);
  }
}

static const adze_op_case product = { "MatMul", "a,b b,c", "", "f", -1, 1, 0 };
static const adze_op_case sum = { "Add", "a,b b", "", "f", -1, 1, ADZE_OP_INF | ADZE_OP_NAN };

static void
make (const adze_op_case *row, unsigned draw, uint64_t seed, adze_op_problem *p)
{
  bool applies;
  must (adze_op_problem_make (row, 'f', draw, seed, p, &applies));
  assert_true (applies);
}

static bool
same (const adze_op_problem *a, const adze_op_problem *b)
{
  bool is = a->input_count == b->input_count;
  for (size_t i = 0; is && i < a->input_count; i++)
    is = adze_view_count (&a->inputs[i]) == adze_view_count (&b->inputs[i])
         && memcmp (a->inputs[i].shape, b->inputs[i].shape,
                    (size_t)a->inputs[i].rank * sizeof (int64_t)) == 0
         && memcmp (a->inputs[i].data, b->inputs[i].data,
                    adze_view_count (&a->inputs[i]) * sizeof (float)) == 0;
  return is;
}

static void
a_seed_makes_one_problem (void **state)
{
  adze_op_problem a, b, c, d;
  (void)state;
  make (&product, ADZE_DRAW_ANY, 1, &a);
  make (&product, ADZE_DRAW_ANY, 1, &b);
  make (&product, ADZE_DRAW_ANY, 2, &c);
  make (&product, ADZE_DRAW_ANY + 1, 1, &d);
  assert_true (same (&a, &b));
  assert_false (same (&a, &c));
  assert_false (same (&a, &d));
  adze_op_problem_cleanup (&a);
  adze_op_problem_cleanup (&b);
  adze_op_problem_cleanup (&c);
  adze_op_problem_cleanup (&d);
}

static int64_t
extreme_size (const adze_op_problem *p, bool largest)
{
  int64_t found = p->inputs[0].shape[0];
  for (size_t i = 0; i < p->input_count; i++)
    for (int32_t d = 0; d < p->inputs[i].rank; d++)
      if (largest ? p->inputs[i].shape[d] > found : p->inputs[i].shape[d] < found)
        found = p->inputs[i].shape[d];
  return found;
}

static void
edges_are_what_they_say (void **state)
{
  adze_op_problem p;
  bool odd = false, nan = false, applies;
  (void)state;
  make (&product, ADZE_DRAW_ONES, 1, &p);
  assert_int_equal (extreme_size (&p, true), 1);
  adze_op_problem_cleanup (&p);
  make (&product, ADZE_DRAW_EMPTY, 1, &p);
  assert_int_equal (extreme_size (&p, false), 0);
  adze_op_problem_cleanup (&p);
  make (&product, ADZE_DRAW_LARGE, 1, &p);
  assert_true (extreme_size (&p, true) >= 64);
  adze_op_problem_cleanup (&p);
  for (uint64_t seed = 0; seed < 8; seed++) {
    make (&sum, ADZE_DRAW_SPECIAL, seed, &p);
    for (size_t i = 0; i < adze_view_count (&p.inputs[0]); i++)
      odd = odd || isinf (((float *)p.inputs[0].data)[i]);
    adze_op_problem_cleanup (&p);
    make (&sum, ADZE_DRAW_NAN, seed, &p);
    for (size_t i = 0; i < adze_view_count (&p.inputs[0]); i++)
      nan = nan || isnan (((float *)p.inputs[0].data)[i]);
    adze_op_problem_cleanup (&p);
  }
  assert_true (odd && nan);
  /* What is not settled for infinity gets none. */
  must (adze_op_problem_make (&product, 'f', ADZE_DRAW_SPECIAL, 1, &p, &applies));
  assert_false (applies);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (ref_does_every_problem),
    cmocka_unit_test (every_row_has_cases),
    cmocka_unit_test (infinities_are_tried),
    cmocka_unit_test (a_seed_makes_one_problem),
    cmocka_unit_test (edges_are_what_they_say),
  };
  return cmocka_run_group_tests_name ("op-cases", tests, open_both, engine_close);
}
