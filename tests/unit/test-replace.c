/* SPDX-License-Identifier: Apache-2.0 */
/* What a step makes is written over what it takes where the backend onednn allows that: when it does, that
 * the bytes are the same, and that a step that goes wrong loses nothing. */
#include <stdio.h>
#include <stdlib.h>

#include "train-networks.h"
#include "with-onednn.h"

/* ---- One step: w and x, and what becomes of w. */

enum { MANY = 3000 };

typedef struct one_step {
  adze_graph *graph;
  uint32_t w, x, next;
  float numbers[MANY] __attribute__ ((aligned (64)));
  adze_executable *executable;
} one_step;

static void
begin (one_step *s)
{
  const int64_t many = MANY;
  *s = (one_step){ .graph = NULL };
  for (size_t i = 0; i < MANY; i++)
    s->numbers[i] = (float)(i % 97) / 8;
  must (adze_graph_new ("step", &s->graph));
  must (adze_graph_add_input (s->graph, "x", f32, 1, &many, &s->x));
  must (adze_graph_add_weight (s->graph, "w", f32, 1, &many, &s->w));
  must (adze_graph_set_data (s->graph, s->w, s->numbers, sizeof s->numbers, true));
}

/* w + x*x*w, in three functions of elements. */
static void
add_next (one_step *s)
{
  uint32_t more = op (s->graph, "Mul", op (s->graph, "Mul", s->x, s->x), s->w);
  s->next = op (s->graph, "Add", s->w, more);
  must (adze_graph_add_output (s->graph, s->next));
}

/* With ref where ONEDNN is false. */
static bool
may_replace (const engine *e, one_step *s, bool onednn)
{
  const adze_compile_options options
      = { .backend = onednn ? e->other : NULL, .ref = e->ref, .outputs_move = true };
  must (adze_graph_compile (s->graph, &options, &s->executable));
  return adze_executable_may_replace (s->executable, 0, "w");
}

static void
end (one_step *s)
{
  adze_executable_free (s->executable);
  adze_graph_free (s->graph);
}

static void
what_is_read_in_time_is_replaced (void **state)
{
  const engine *e = *state;
  one_step s;
  float x[MANY] __attribute__ ((aligned (64))), apart[MANY] __attribute__ ((aligned (64)));
  int64_t shape[] = { MANY };
  adze_view view = view_of (x, f32, 1, shape);
  const adze_view *inputs[] = { &view }, *outputs[1];
  for (size_t i = 0; i < MANY; i++)
    x[i] = (float)(i % 53) / 16 - 1;
  begin (&s);
  add_next (&s);
  assert_true (may_replace (e, &s, true));
  adze_executable_move_weight (s.executable, "w", s.numbers);
  adze_executable_move_output (s.executable, 0, apart);
  must (adze_execute (s.executable, inputs, outputs));
  adze_executable_move_output (s.executable, 0, s.numbers);
  must (adze_execute (s.executable, inputs, outputs));
  assert_memory_equal (s.numbers, apart, sizeof apart);
  assert_float_equal (apart[1], .125F + .125F * x[1] * x[1], 1e-6);
  end (&s);
}

static void
what_is_read_later_is_kept (void **state)
{
  const engine *e = *state;
  one_step s;
  begin (&s); /* by another function of the same chain */
  add_next (&s);
  must (adze_graph_add_output (s.graph, op (s.graph, "Mul", s.next, s.w)));
  assert_false (may_replace (e, &s, true));
  end (&s);
  begin (&s); /* by a primitive */
  add_next (&s);
  must (adze_graph_add_output (s.graph, op (s.graph, "Exp", s.w, ADZE_NONE)));
  assert_false (may_replace (e, &s, true));
  end (&s);
  begin (&s); /* by whoever gets it as it was */
  add_next (&s);
  must (adze_graph_add_output (s.graph, s.w));
  assert_false (may_replace (e, &s, true));
  end (&s);
  begin (&s); /* by a step of another backend */
  add_next (&s);
  must (adze_graph_add_output (s.graph, op (s.graph, "Sin", op (s.graph, "Mul", s.next, s.w), ADZE_NONE)));
  must (adze_graph_add_output (s.graph, op (s.graph, "Sin", s.w, ADZE_NONE)));
  assert_false (may_replace (e, &s, true));
  end (&s);
  begin (&s); /* ref reads and writes as it likes */
  add_next (&s);
  assert_false (may_replace (e, &s, false));
  end (&s);
}

/* ---- Training. */

typedef struct watched {
  feed feed;
  const void *places[64];
  uint64_t steps;
} watched;

static adze_error *
watch (void *argument, const adze_trainer *trainer)
{
  watched *w = argument;
  assert_true (w->steps < ADZE_COUNT_OF (w->places));
  w->places[w->steps++] = adze_view_data (adze_trainer_weight (trainer, "w1"));
  return NULL;
}

static adze_error *
watched_batch (void *argument, uint64_t epoch, uint64_t number, const adze_view *const **inputs)
{
  return same_batch (&((watched *)argument)->feed, epoch, number, inputs);
}

/* A run, whose steps write over what was, and steps by themselves, which keep it. */
static void
train_both (const engine *e, adze_optimiser_kind kind, double clip)
{
  enum { STEPS = 40 };
  net run, step;
  watched w = { .steps = 0 };
  size_t stayed = 0;
  make_xor (&run);
  make_xor (&step);
  ADZE_AUTO_GRAPH first = run.graph;
  ADZE_AUTO_GRAPH second = step.graph;
  ADZE_AUTO_TRAINER runs = NULL;
  ADZE_AUTO_TRAINER steps = NULL;
  adze_trainer_options options = options_of (e, kind, .05);
  feed_xor (&w.feed, STEPS);
  options.compile.backend = e->other;
  options.clip = clip;
  options.batch = watched_batch;
  options.after_step = watch;
  options.argument = &w;
  options.keep_every = 7;
  must (adze_trainer_new (first, run.loss, &options, &runs));
  must (adze_trainer_run (runs));
  must (adze_trainer_new (second, step.loss, &options, &steps));
  for (size_t i = 0; i < STEPS; i++)
    must (adze_trainer_step (steps, w.feed.inputs));
  for (size_t i = 1; i < STEPS; i++)
    stayed += w.places[i] == w.places[i - 1];
  assert_int_equal (stayed, STEPS - 1 - STEPS / 7); /* one of seven is copied, and looked at */
  for (const char *const *name = (const char *const[]){ "w1", "b1", "w2", "b2", NULL }; *name; name++) {
    const adze_view *a = adze_trainer_weight (runs, *name), *b = adze_trainer_weight (steps, *name);
    assert_memory_equal (adze_view_data (a), adze_view_data (b), adze_view_count (a) * sizeof (float));
  }
}

static void
the_bytes_are_the_same (void **state)
{
  train_both (*state, ADZE_OPTIMISER_SGD, 0);
  train_both (*state, ADZE_OPTIMISER_MOMENTUM, 0);
  train_both (*state, ADZE_OPTIMISER_NESTEROV, 0);
  train_both (*state, ADZE_OPTIMISER_ADAM, 0);
  train_both (*state, ADZE_OPTIMISER_ADAMW, 0);
  train_both (*state, ADZE_OPTIMISER_ADAM, .1);
}

int
main (void)
{
  int ended = end_without_onednn ();
  if (ended >= 0)
    return ended;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (what_is_read_in_time_is_replaced),
    cmocka_unit_test (what_is_read_later_is_kept),
    cmocka_unit_test (the_bytes_are_the_same),
  };
  return cmocka_run_group_tests_name ("replace", tests, open_with_onednn, engine_close);
}
