/* SPDX-License-Identifier: Apache-2.0 */
/* Gradients that a plugin attaches to a node, through the table that plugins are handed. */
#include "gradient-tests.h"

#include "artifact/session.h"
#include "plugin/host_table.h"
#include "plugin/profile.h"

/* ---- A plugin's view: a host table, and the service. */

typedef struct desk {
  engine *e;
  adze_desk *open;
  const adze_host *host;
  const adze_graph_service *graphs;
} desk;

static int
open_view (void **state)
{
  desk *v = calloc (1, sizeof *v);
  engine_open ((void **)&v->e);
  const adze_desk_options options = { .profile = &adze_profile_everyday,
                                      .services = adze_session_services, .source = "test" };
  must (adze_desk_open (&options, &v->open));
  v->host = adze_desk_table (v->open);
  v->graphs = &adze_graph_table;
  *state = v;
  return 0;
}

static int
close_view (void **state)
{
  desk *v = *state;
  adze_desk_close (v->open);
  engine_close ((void **)&v->e);
  free (v);
  return 0;
}

/* ---- y = sum of OP (x), x of two doubles. */

typedef struct small {
  adze_graph *graph;
  uint32_t x, node, loss;
} small;

static void
open_small (const desk *v, const char *op, small *s)
{
  const int64_t shape[] = { 2 }, keep = 0;
  adze_node_recipe recipe = { .struct_size = sizeof recipe, .op = op, .inputs = &s->x,
                              .input_count = 1, .output_count = 1 };
  uint32_t made;
  must (adze_graph_new ("small", &s->graph));
  must (adze_graph_add_input (s->graph, "x", f64, 1, shape, &s->x));
  assert_int_equal (v->graphs->add_node (v->host, s->graph, &recipe, &made), ADZE_OK);
  s->node = v->graphs->value (s->graph, made)->node;
  const adze_graph_attribute attribute = adze_attribute_int ("keepdims", &keep);
  adze_node_recipe sum = { .struct_size = sizeof sum, .op = "ReduceSum", .inputs = &made,
                           .input_count = 1, .output_count = 1, .attributes = &attribute,
                           .attribute_count = 1 };
  assert_int_equal (v->graphs->add_node (v->host, s->graph, &sum, &s->loss), ADZE_OK);
  assert_int_equal (v->graphs->verify (v->host, s->graph), ADZE_OK);
}

/* The gradient of a graph like that at x = 0.3, -1.7. */
static void
gradient_of (const desk *v, adze_graph *graph, double found[2])
{
  double numbers[] = { .3, -1.7 };
  int64_t shape[] = { 2 };
  size_t inputs;
  uint32_t gradient, x = adze_graph_inputs (graph, &inputs)[0], loss = ADZE_NONE;
  for (uint32_t i = 0; i < graph->node_count; i++)
    if (strcmp (graph->nodes[i]->op, "ReduceSum") == 0)
      loss = graph->nodes[i]->outputs[0];
  must (adze_graph_differentiate (graph, loss, &x, 1, &gradient));
  must (adze_graph_add_output (graph, gradient));
  ADZE_AUTO_EXECUTABLE executable = compile_on (v->e, graph);
  adze_view view = { .data = numbers, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = f64, .rank = 1,
                     .shape = shape };
  const adze_view *given[] = { &view }, *made[8];
  must (adze_execute (executable, given, made));
  memcpy (found, adze_view_data (made[adze_graph_outputs (graph, &inputs) ? inputs - 1 : 0]),
          2 * sizeof *found);
}

/* A body of one Mul of two of its three inputs: input, output, gradient. */
static adze_graph *
product_body (const desk *v, adze_graph *graph, uint32_t first, uint32_t second)
{
  adze_graph *body;
  const int64_t shape[] = { 2 };
  uint32_t in[3];
  must (adze_graph_add_body (graph, "back", &body));
  for (size_t i = 0; i < 3; i++)
    assert_int_equal (v->graphs->add_input (v->host, body, NULL, f64, 1, shape, &in[i]), ADZE_OK);
  const uint32_t pair[] = { in[first], in[second] };
  must (adze_graph_add_output (body, add_op (body, "Mul", pair, 2, NULL, 0)));
  return body;
}

/* ---- What comes of it. */

static void
straight_through (void **state)
{
  const desk *v = *state;
  small s;
  double found[2];
  open_small (v, "Round", &s);
  gradient_of (v, s.graph, found);
  assert_true (found[0] == 0 && found[1] == 0);
  adze_graph_free (s.graph);
  open_small (v, "Round", &s);
  assert_int_equal (v->graphs->set_gradient (v->host, s.graph, s.node, ADZE_GRADIENT_STRAIGHT, NULL),
                    ADZE_OK);
  gradient_of (v, s.graph, found);
  assert_true (found[0] == 1 && found[1] == 1);
  adze_graph_free (s.graph);
}

/* Also where the operator has no rule at all. */
static void
an_operator_without_a_rule (void **state)
{
  const desk *v = *state;
  small s;
  double found[2];
  open_small (v, "Hardmax", &s);
  assert_int_equal (v->graphs->set_gradient (v->host, s.graph, s.node, ADZE_GRADIENT_STRAIGHT, NULL),
                    ADZE_OK);
  gradient_of (v, s.graph, found);
  assert_true (found[0] == 1 && found[1] == 1);
  adze_graph_free (s.graph);
}

static void
nothing_flows (void **state)
{
  const desk *v = *state;
  small s;
  double found[2];
  open_small (v, "Exp", &s);
  assert_int_equal (v->graphs->set_gradient (v->host, s.graph, s.node, ADZE_GRADIENT_NONE, NULL),
                    ADZE_OK);
  gradient_of (v, s.graph, found);
  assert_true (found[0] == 0 && found[1] == 0);
  /* And the rule again. */
  assert_int_equal (v->graphs->set_gradient (v->host, s.graph, s.node, ADZE_GRADIENT_RULE, NULL),
                    ADZE_OK);
  gradient_of (v, s.graph, found);
  assert_true (fabs (found[0] - exp (.3)) < 1e-12 && fabs (found[1] - exp (-1.7)) < 1e-12);
  adze_graph_free (s.graph);
}

/* Of the input, the output and what is given: the body says what is made of them. */
static void
by_a_body (void **state)
{
  const desk *v = *state;
  const double x[] = { .3, -1.7 };
  for (uint32_t first = 0; first < 2; first++) {
    small s;
    double found[2];
    open_small (v, "Exp", &s);
    adze_graph *body = product_body (v, s.graph, first, 2);
    assert_int_equal (v->graphs->set_gradient (v->host, s.graph, s.node, ADZE_GRADIENT_BODY, body),
                      ADZE_OK);
    gradient_of (v, s.graph, found);
    for (size_t i = 0; i < 2; i++)
      assert_true (fabs (found[i] - (first ? exp (x[i]) : x[i])) < 1e-12);
    adze_graph_free (s.graph);
  }
}

/* What a body makes are ordinary nodes: the gradient of x e^x, the "gradient" being x. */
static void
a_body_is_differentiated_again (void **state)
{
  const desk *v = *state;
  small s;
  uint32_t first, second;
  double numbers[] = { .3, -1.7 };
  int64_t shape[] = { 2 }, keep = 0;
  open_small (v, "Exp", &s);
  adze_graph *body = product_body (v, s.graph, 0, 2);
  must (adze_graph_set_gradient (s.graph, s.node, ADZE_GRADIENT_BODY, body));
  must (adze_graph_differentiate (s.graph, s.loss, &s.x, 1, &first));
  const uint32_t pair[] = { first, first };
  uint32_t square = add_op (s.graph, "Mul", pair, 2, NULL, 0);
  const adze_graph_attribute attribute = adze_attribute_int ("keepdims", &keep);
  uint32_t sum = add_op (s.graph, "ReduceSum", &square, 1, &attribute, 1);
  must (adze_graph_differentiate (s.graph, sum, &s.x, 1, &second));
  must (adze_graph_add_output (s.graph, second));
  ADZE_AUTO_EXECUTABLE executable = compile_on (v->e, s.graph);
  adze_view view = { .data = numbers, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = f64, .rank = 1,
                     .shape = shape };
  const adze_view *given[] = { &view }, *made;
  must (adze_execute (executable, given, &made));
  const double *found = adze_view_data (made);
  assert_true (fabs (found[0] - .6) < 1e-12 && fabs (found[1] + 3.4) < 1e-12);
  adze_executable_free (adze_take (&executable));
  adze_graph_free (s.graph);
}

/* Copies are what is compiled and trained. */
static void
copies_keep_it (void **state)
{
  const desk *v = *state;
  small s;
  double found[2];
  ADZE_AUTO_GRAPH copy = NULL;
  ADZE_AUTO_GRAPH again = NULL;
  open_small (v, "Exp", &s);
  adze_graph *body = product_body (v, s.graph, 0, 2);
  must (adze_graph_set_gradient (s.graph, s.node, ADZE_GRADIENT_BODY, body));
  must (adze_graph_copy (s.graph, &copy));
  must (adze_graph_copy (copy, &again));
  gradient_of (v, again, found);
  assert_true (fabs (found[0] - .3) < 1e-12 && fabs (found[1] + 1.7) < 1e-12);
  adze_graph_free (s.graph);
}

/* ---- What is refused. */

static void
refused (const desk *v, adze_graph *graph, uint32_t node, uint32_t kind, adze_graph *body,
         const char *words)
{
  adze_desk_frame frame;
  adze_desk_enter (v->open, &frame);
  adze_status status = v->graphs->set_gradient (v->host, graph, node, kind, body);
  ADZE_AUTO_ERROR error = adze_desk_leave (&frame, "edit", status);
  assert_non_null (error);
  const adze_error *why = adze_error_cause (error);
  assert_non_null (why);
  if (!strstr (adze_error_message (why), words))
    fail_msg ("'%s' does not say '%s'", adze_error_message (why), words);
}

static void
what_cannot_be_attached (void **state)
{
  const desk *v = *state;
  small s, other;
  uint32_t weight;
  open_small (v, "Exp", &s);
  open_small (v, "Exp", &other);
  adze_graph *foreign = product_body (v, other.graph, 0, 2);
  adze_graph *weighty = product_body (v, s.graph, 0, 2);
  must (adze_graph_add_weight (weighty, "w", f64, 0, NULL, &weight));
  refused (v, s.graph, 99, ADZE_GRADIENT_NONE, NULL, "no node number 99");
  refused (v, s.graph, s.node, 7, NULL, "no kind that there is");
  refused (v, s.graph, s.node, ADZE_GRADIENT_BODY, NULL, "there is none");
  refused (v, s.graph, s.node, ADZE_GRADIENT_STRAIGHT, weighty, "has a body");
  refused (v, s.graph, s.node, ADZE_GRADIENT_BODY, foreign, "no body of its graph");
  refused (v, s.graph, s.node, ADZE_GRADIENT_BODY, weighty, "has a weight");
  adze_graph_free (s.graph);
  adze_graph_free (other.graph);
}

/* What does not fit is found when types are known, and the node is named. */
static void
what_does_not_fit (void **state)
{
  const desk *v = *state;
  small s;
  adze_graph *body;
  const int64_t shape[] = { 2 };
  uint32_t x, gradient;
  open_small (v, "Exp", &s);
  must (adze_graph_add_body (s.graph, "short", &body));
  must (adze_graph_add_input (body, "x", f64, 1, shape, &x));
  must (adze_graph_add_output (body, x));
  must (adze_graph_set_gradient (s.graph, s.node, ADZE_GRADIENT_BODY, body));
  ADZE_AUTO_ERROR counts = adze_graph_differentiate (s.graph, s.loss, &s.x, 1, &gradient);
  assert_non_null (counts);
  assert_non_null (strstr (adze_error_message (counts), "(Exp) cannot be differentiated"));
  assert_non_null (strstr (adze_error_message (counts), "takes 1 values and gives 1; it should take "
                                                        "3"));
  uint32_t sum = adze_graph_value_at (s.graph, s.loss)->node;
  must (adze_graph_set_gradient (s.graph, s.node, ADZE_GRADIENT_RULE, NULL));
  must (adze_graph_set_gradient (s.graph, sum, ADZE_GRADIENT_STRAIGHT, NULL));
  ADZE_AUTO_ERROR shapes = adze_graph_differentiate (s.graph, s.loss, &s.x, 1, &gradient);
  assert_non_null (shapes);
  assert_non_null (strstr (adze_error_message (shapes), "another shape than its first input"));
  adze_graph_free (s.graph);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (straight_through),
    cmocka_unit_test (an_operator_without_a_rule),
    cmocka_unit_test (nothing_flows),
    cmocka_unit_test (by_a_body),
    cmocka_unit_test (a_body_is_differentiated_again),
    cmocka_unit_test (copies_keep_it),
    cmocka_unit_test (what_cannot_be_attached),
    cmocka_unit_test (what_does_not_fit),
  };
  return cmocka_run_group_tests_name ("attached-gradients", tests, open_view, close_view);
}
