/* SPDX-License-Identifier: Apache-2.0 */
/* A backend whose memory the processor cannot touch (tests/plugins/moon.c): what is computed and
 * trained on it has the bytes of ref, and nothing is copied that does not cross. */
#include <signal.h>
#include <sys/wait.h>

#include "graph/shares.h"
#include "train-networks.h"

enum { STEPS = 60 };

typedef struct orbit {
  engine engine; /* runtime and ref */
  adze_backend_at_work *moon;
} orbit;

static void
orbit_open (world *w, const char *flags, orbit *o)
{
  free (build (w, "moon", "moon", flags));
  setenv ("MOON_LOG", in_world (w, "log"), 1);
  o->engine.runtime = reopen (w, trusting (w));
  must (adze_backend_open (o->engine.runtime, "ref", NULL, NULL, &o->engine.ref));
  must (adze_backend_open (o->engine.runtime, "moon", NULL, NULL, &o->moon));
}

typedef struct account {
  unsigned long allocated, released, sent, fetched, executed, constants;
} account;

/* Closes both backends; what the device says that it was asked for. */
static account
orbit_close (const world *w, orbit *o)
{
  account a = { 0 };
  adze_backend_close (o->moon);
  adze_backend_close (o->engine.ref);
  FILE *log = fopen (in_world (w, "log"), "r");
  assert_non_null (log);
  assert_int_equal (fscanf (log,
                            "allocated %lu released %lu sent %lu fetched %lu executed %lu constants "
                            "%lu",
                            &a.allocated, &a.released, &a.sent, &a.fetched, &a.executed,
                            &a.constants),
                    6);
  fclose (log);
  assert_int_equal (a.allocated, a.released);
  return a;
}

static adze_compile_options
on_moon (const orbit *o)
{
  return (adze_compile_options){ .backend = o->moon, .ref = o->engine.ref };
}

/* ---- Training. */

static void
train (const orbit *o, bool moon, adze_optimiser_kind kind, net *n, adze_trainer **trainer)
{
  feed f;
  make_xor (n);
  feed_xor (&f, STEPS);
  adze_trainer_options options = options_of (&o->engine, kind, .05);
  options.compile.backend = moon ? o->moon : NULL;
  options.argument = &f;
  must (adze_trainer_new (n->graph, n->loss, &options, trainer));
  must (adze_trainer_run (*trainer));
}

static void
training_has_the_bytes_of_ref (void **state)
{
  static const char *const names[] = { "w1", "b1", "w2", "b2" };
  static const adze_optimiser_kind kinds[] = { ADZE_OPTIMISER_SGD, ADZE_OPTIMISER_ADAM };
  orbit o;
  orbit_open (*state, "", &o);
  unsigned long executions = 0;
  for (size_t k = 0; k < ADZE_COUNT_OF (kinds); k++) {
    net here, there;
    ADZE_AUTO_TRAINER on_ref = NULL;
    ADZE_AUTO_TRAINER on_device = NULL;
    train (&o, false, kinds[k], &here, &on_ref);
    train (&o, true, kinds[k], &there, &on_device);
    const adze_executable_facts *facts = adze_trainer_facts (on_device);
    /* Tanh and the loss are not done by the device, products and sums are. */
    assert_true (facts->delegated > 0);
    assert_true (facts->device > 0);
    assert_int_equal (adze_trainer_facts (on_ref)->device, 0);
    executions += STEPS;
    assert_true (adze_trainer_progress (on_device)->loss < .7);
    for (size_t i = 0; i < ADZE_COUNT_OF (names); i++) {
      const adze_view *a = adze_trainer_weight (on_ref, names[i]);
      const adze_view *b = adze_trainer_weight (on_device, names[i]);
      assert_memory_equal (adze_view_data (a), adze_view_data (b),
                           adze_view_count (a) * sizeof (float));
    }
    adze_trainer_free (adze_take (&on_ref));
    adze_trainer_free (adze_take (&on_device));
    adze_graph_free (here.graph);
    adze_graph_free (there.graph);
  }
  account a = orbit_close (*state, &o);
  assert_true (a.executed >= executions);
  assert_true (a.sent > executions);
}

/* ---- What is copied. */

typedef struct plain {
  adze_graph *graph;
  adze_view views[2];
  const adze_view *inputs[2];
  float numbers[6];
  int64_t shape[2];
  uint32_t x;
} plain;

static void
plain_open (plain *p)
{
  *p = (plain){ .numbers = { -2, -1, 0, 1, 2, 3 }, .shape = { 2, 3 } };
  must (adze_graph_new ("plain", &p->graph));
  must (adze_graph_add_input (p->graph, "x", f32, 2, p->shape, &p->x));
  p->views[0] = view_of (p->numbers, f32, 2, p->shape);
  p->inputs[0] = &p->views[0];
}

static uint32_t
row (plain *p, float a, float b, float c)
{
  float numbers[] = { a, b, c };
  int64_t shape = 3;
  uint32_t value;
  const adze_view view = view_of (numbers, f32, 1, &shape);
  must (adze_graph_add_constant (p->graph, NULL, &view, &value));
  return value;
}

/* Executes it on the device, three times, and on ref: the same bytes of all outputs. */
static void
compare (const orbit *o, plain *p, adze_executable_facts *facts)
{
  const adze_compile_options far = on_moon (o), near = { .ref = o->engine.ref };
  const adze_view *found[4], *wanted[4];
  size_t count;
  ADZE_AUTO_EXECUTABLE on_device = NULL;
  ADZE_AUTO_EXECUTABLE on_ref = NULL;
  adze_graph_outputs (p->graph, &count);
  must (adze_graph_compile (p->graph, &far, &on_device));
  must (adze_graph_compile (p->graph, &near, &on_ref));
  must (adze_execute (on_ref, p->inputs, wanted));
  for (size_t turn = 0; turn < 3; turn++) {
    must (adze_execute (on_device, p->inputs, found));
    for (size_t i = 0; i < count; i++) {
      assert_int_equal (found[i]->device.type, ADZE_DEVICE_CPU);
      assert_int_equal (adze_view_count (found[i]), adze_view_count (wanted[i]));
      assert_memory_equal (adze_view_data (found[i]), adze_view_data (wanted[i]),
                           adze_view_count (wanted[i]) * wanted[i]->dtype.bits / 8);
    }
  }
  *facts = *adze_executable_facts_of (on_device);
}

/* One in, one out; constants went with the program, once, and what lies in between never moves. */
static void
a_part_costs_what_goes_in_and_out (void **state)
{
  orbit o;
  plain p;
  adze_executable_facts facts;
  orbit_open (*state, "", &o);
  plain_open (&p);
  uint32_t sum = op (p.graph, "Add", p.x, row (&p, 1, 2, 3));
  uint32_t product = op (p.graph, "Mul", op (p.graph, "Relu", sum, ADZE_NONE), row (&p, 4, 5, 6));
  must (adze_graph_add_output (p.graph, op (p.graph, "Sub", product, sum)));
  compare (&o, &p, &facts);
  assert_int_equal (facts.steps, 1);
  assert_int_equal (facts.delegated, 0);
  assert_int_equal (facts.sent, 1);
  assert_int_equal (facts.fetched, 1);
  assert_int_equal (facts.moved, 2 * sizeof p.numbers);
  account a = orbit_close (*state, &o);
  assert_int_equal (a.sent, 3);
  assert_int_equal (a.fetched, 3);
  assert_int_equal (a.constants, 2);
  adze_graph_free (p.graph);
}

/* What ref takes in the middle is fetched once, what it makes is sent once, and what the device made
 * and needs again is still there. */
static void
only_what_crosses_is_copied (void **state)
{
  orbit o;
  plain p;
  adze_executable_facts facts;
  orbit_open (*state, "", &o);
  plain_open (&p);
  uint32_t relu = op (p.graph, "Relu", p.x, ADZE_NONE);
  uint32_t twice = op (p.graph, "Add", p.x, p.x); /* the device's alone, from its first part on */
  uint32_t bent = op (p.graph, "Tanh", relu, ADZE_NONE); /* ref's */
  uint32_t other = op (p.graph, "Sinh", relu, ADZE_NONE); /* ref's as well, before the next part */
  uint32_t sum = op (p.graph, "Add", op (p.graph, "Add", bent, relu), bent);
  must (adze_graph_add_output (p.graph, op (p.graph, "Sub", sum, twice)));
  must (adze_graph_add_output (p.graph, other));
  compare (&o, &p, &facts);
  assert_int_equal (facts.delegated, 2);
  assert_int_equal (facts.sent, 2);    /* x, and what Tanh makes */
  assert_int_equal (facts.fetched, 2); /* relu, and the first output */
  account a = orbit_close (*state, &o);
  assert_int_equal (a.sent, 6);
  assert_int_equal (a.fetched, 6);
  adze_graph_free (p.graph);
}

/* Weights may have other numbers at each execution. */
static void
weights_are_sent_as_they_are (void **state)
{
  orbit o;
  plain p;
  float numbers[] = { 1, 2, 3 };
  const int64_t shape = 3;
  uint32_t weight;
  const adze_view *found[1];
  orbit_open (*state, "", &o);
  plain_open (&p);
  must (adze_graph_add_weight (p.graph, "w", f32, 1, &shape, &weight));
  must (adze_graph_set_data (p.graph, weight, numbers, sizeof numbers, false));
  must (adze_graph_add_output (p.graph, op (p.graph, "Add", p.x, weight)));
  const adze_compile_options options = on_moon (&o);
  ADZE_AUTO_EXECUTABLE executable = NULL;
  must (adze_graph_compile (p.graph, &options, &executable));
  for (float more = 0; more < 3; more++) {
    numbers[2] = 3 + more;
    must (adze_execute (executable, p.inputs, found));
    assert_true (((const float *)adze_view_data (found[0]))[5] == 6 + more);
  }
  adze_executable_free (adze_take (&executable));
  orbit_close (*state, &o);
  adze_graph_free (p.graph);
}

/* ---- What the device does not get. */

static void
sizes_that_come_late_are_left_to_ref (void **state)
{
  orbit o;
  plain p;
  adze_executable_facts facts;
  adze_executable *none = NULL;
  orbit_open (*state, "", &o);
  plain_open (&p);
  const int64_t to = 1;
  const adze_graph_attribute attribute = adze_attribute_int ("to", &to);
  adze_gradient g = { .graph = p.graph };
  uint32_t places = op (p.graph, "NonZero", p.x, ADZE_NONE);
  uint32_t floats = adze_op_with (&g, "", "Cast", &places, 1, &attribute, 1);
  must (g.error);
  must (adze_graph_add_output (p.graph, op (p.graph, "Relu", floats, ADZE_NONE)));
  compare (&o, &p, &facts);
  assert_int_equal (facts.delegated, 3);
  assert_int_equal (facts.sent, 0);

  /* Whoever wants nothing but the device is told which node it is. */
  ADZE_AUTO_GRAPH open_graph = NULL;
  int64_t shape[] = { 0, 3 };
  uint32_t x;
  adze_compile_options strict = on_moon (&o);
  strict.refuse_delegation = true;
  must (adze_graph_new ("late", &open_graph));
  must (adze_graph_add_symbol (open_graph, "N", &shape[0]));
  must (adze_graph_add_input (open_graph, "x", f32, 2, shape, &x));
  must (adze_graph_add_output (open_graph, op (open_graph, "Relu", x, ADZE_NONE)));
  must_fail (adze_graph_compile (open_graph, &strict, &none), ADZE_E_UNSUPPORTED, "Relu", "moon",
             "not known before it runs", NULL);
  adze_graph_free (p.graph);
  orbit_close (*state, &o);
}

static adze_graph_attribute
body_of (adze_graph *graph, const char *name, const char *operator, const int64_t *shape)
{
  adze_graph *body;
  uint32_t x;
  must (adze_graph_add_body (graph, name, &body));
  must (adze_graph_add_input (body, "inside", f32, 2, shape, &x));
  must (adze_graph_add_output (body, op (body, operator, x, ADZE_NONE)));
  return (adze_graph_attribute){ .struct_size = sizeof (adze_graph_attribute), .name = name,
                                 .type = ADZE_ATTRIBUTE_GRAPH, .count = 1, .graph = body };
}

/* A body is a network of its own: what it takes comes from here, and what it gives is here again. */
static void
bodies_are_computed_there_too (void **state)
{
  orbit o;
  plain p;
  adze_executable_facts facts;
  unsigned char truth = 1;
  uint32_t is, chosen;
  orbit_open (*state, "", &o);
  plain_open (&p);
  must (adze_graph_add_input (p.graph, "is", (adze_dtype){ ADZE_BOOL, 8, 1 }, 0, NULL, &is));
  p.views[1] = view_of (&truth, (adze_dtype){ ADZE_BOOL, 8, 1 }, 0, NULL);
  p.inputs[1] = &p.views[1];
  const adze_graph_attribute bodies[] = { body_of (p.graph, "then_branch", "Relu", p.shape),
                                          body_of (p.graph, "else_branch", "Identity", p.shape) };
  const uint32_t inputs[] = { is, op (p.graph, "Add", p.x, p.x) };
  const adze_node_recipe recipe = { .struct_size = sizeof recipe, .op = "If", .inputs = inputs,
                                    .input_count = 2, .captured_count = 1, .output_count = 1,
                                    .attributes = bodies, .attribute_count = 2 };
  must (adze_graph_add_node (p.graph, &recipe, &chosen));
  must (adze_graph_add_output (p.graph, chosen));
  compare (&o, &p, &facts);
  truth = 0;
  compare (&o, &p, &facts);
  account a = orbit_close (*state, &o);
  assert_int_equal (a.executed, 12); /* twice three times the sum, and one of the branches */
  adze_graph_free (p.graph);
}

/* x in, and as often as an input says: the state through OPERATOR. */
static uint32_t
loop_of (plain *p, const char *operator)
{
  adze_graph *body;
  uint32_t inside[3], inputs[3], looped;
  must (adze_graph_add_body (p->graph, "turn", &body));
  must (adze_graph_add_input (body, "turns", (adze_dtype){ ADZE_INT, 64, 1 }, 0, NULL, &inside[0]));
  must (adze_graph_add_input (body, "on", (adze_dtype){ ADZE_BOOL, 8, 1 }, 0, NULL, &inside[1]));
  must (adze_graph_add_input (body, "state", f32, -1, NULL, &inside[2]));
  must (adze_graph_add_output (body, inside[1]));
  must (adze_graph_add_output (body, op (body, operator, inside[2], ADZE_NONE)));
  const adze_graph_attribute attribute = { .struct_size = sizeof attribute, .name = "body",
                                           .type = ADZE_ATTRIBUTE_GRAPH, .count = 1,
                                           .graph = body };
  must (adze_graph_add_input (p->graph, "times", (adze_dtype){ ADZE_INT, 64, 1 }, 0, NULL,
                              &inputs[0]));
  inputs[1] = ADZE_NONE;
  inputs[2] = p->x;
  const adze_node_recipe recipe = { .struct_size = sizeof recipe, .op = "Loop", .name = "again",
                                    .inputs = inputs, .input_count = 3, .output_count = 1,
                                    .attributes = &attribute, .attribute_count = 1 };
  must (adze_graph_add_node (p->graph, &recipe, &looped));
  return looped;
}

/* Whoever wants nothing but the device is told before anything runs which node of which body it is; and
 * whoever only asks is told how many there are. */
static void
what_bodies_leave_to_others_is_known_before (void **state)
{
  static const char *const operators[] = { "Tanh", "Relu" };
  for (int i = 0; i < 2; i++) {
    orbit o;
    plain p;
    adze_graph_shares shares;
    ADZE_AUTO_EXECUTABLE executable = NULL;
    orbit_open (*state, "", &o);
    plain_open (&p);
    must (adze_graph_add_output (p.graph, loop_of (&p, operators[i])));
    must (adze_graph_verify (p.graph));
    adze_compile_options strict = on_moon (&o);
    must (adze_graph_share_out (p.graph, &strict, &shares));
    assert_int_equal (shares.inside, i == 0);
    strict.refuse_delegation = true;
    if (i == 0) {
      assert_string_equal (shares.left, "node 0 (Tanh) in the body 'turn'");
      must_fail (adze_graph_compile (p.graph, &strict, &executable), ADZE_E_UNSUPPORTED,
                 "'again' (Loop) cannot be computed", "its body 'turn' cannot be computed",
                 "(Tanh) is not done by the backend 'moon'", NULL);
    } else {
      assert_null (shares.left);
      must (adze_graph_compile (p.graph, &strict, &executable));
    }
    adze_graph_shares_cleanup (&shares);
    adze_executable_free (adze_take (&executable));
    adze_graph_free (p.graph);
    orbit_close (*state, &o);
  }
}

static void
empty_values_cross_without_a_copy (void **state)
{
  orbit o;
  plain p;
  adze_executable_facts facts;
  orbit_open (*state, "", &o);
  plain_open (&p);
  const int64_t none[] = { 0, 3 };
  adze_graph_free (p.graph);
  must (adze_graph_new ("empty", &p.graph));
  must (adze_graph_add_input (p.graph, "x", f32, 2, none, &p.x));
  p.shape[0] = 0;
  must (adze_graph_add_output (p.graph, op (p.graph, "Relu", p.x, ADZE_NONE)));
  compare (&o, &p, &facts);
  account a = orbit_close (*state, &o);
  assert_int_equal (a.sent + a.fetched, 0);
  assert_true (a.executed > 0);
  adze_graph_free (p.graph);
}

/* ---- Its memory is what it says. */

/* Were the processor able to look, the other tests would show nothing. */
static void
nobody_else_can_look (void **state)
{
  orbit o;
  void *memory;
  int status;
  orbit_open (*state, "", &o);
  must (adze_backend_allocate (o.moon, 64, &memory));
  pid_t child = fork ();
  assert_true (child >= 0);
  if (child == 0) {
    signal (SIGSEGV, SIG_DFL); /* of which the framework makes a failed test */
    _exit (*(volatile char *)memory);
  }
  assert_int_equal (waitpid (child, &status, 0), child);
  assert_true (WIFSIGNALED (status));
  assert_int_equal (WTERMSIG (status), SIGSEGV);
  adze_backend_give_back (o.moon, memory);
  orbit_close (*state, &o);
}

static void
memory_that_is_not_to_be_had_is_said (void **state)
{
  orbit o;
  plain p;
  adze_executable *none = NULL;
  orbit_open (*state, "-DFULL", &o);
  plain_open (&p);
  must (adze_graph_add_output (p.graph, op (p.graph, "Relu", p.x, ADZE_NONE)));
  const adze_compile_options options = on_moon (&o);
  must_fail (adze_graph_compile (p.graph, &options, &none), ADZE_E_MEMORY, "moon", "is full", NULL);
  adze_graph_free (p.graph);
  orbit_close (*state, &o);
}

static void
half_a_memory_is_refused (void **state)
{
  world *w = *state;
  adze_backend_at_work *none = NULL;
  free (build (w, "moon", "moon", "-DNO_READ"));
  must_fail (adze_backend_open (reopen (w, trusting (w)), "moon", NULL, NULL, &none),
             ADZE_E_CONTRACT, "memory->read", NULL);
  free (build (w, "moon", "moon", "-DHERE"));
  must_fail (adze_backend_open (reopen (w, trusting (w)), "moon", NULL, NULL, &none),
             ADZE_E_CONTRACT, "ADZE_DEVICE_CPU", NULL);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    IN_WORLD (training_has_the_bytes_of_ref),
    IN_WORLD (a_part_costs_what_goes_in_and_out),
    IN_WORLD (only_what_crosses_is_copied),
    IN_WORLD (weights_are_sent_as_they_are),
    IN_WORLD (sizes_that_come_late_are_left_to_ref),
    IN_WORLD (bodies_are_computed_there_too),
    IN_WORLD (what_bodies_leave_to_others_is_known_before),
    IN_WORLD (empty_values_cross_without_a_copy),
    IN_WORLD (nobody_else_can_look),
    IN_WORLD (memory_that_is_not_to_be_had_is_said),
    IN_WORLD (half_a_memory_is_refused),
  };
  return cmocka_run_group_tests_name ("device", tests, NULL, NULL);
}
