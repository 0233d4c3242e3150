/* SPDX-License-Identifier: Apache-2.0 */
/* graph/control.c: nodes with bodies, carried out: If, Loop and Scan. */
#include <string.h>

#include "graph/executable_private.h"

/* ---- Numbers that decide. */

static adze_error *
truth (const adze_graph_step *step, const adze_view *view, bool *is)
{
  if (view->dtype.code != ADZE_BOOL || adze_view_bytes (view) != 1)
    return adze_graph_step_error (step, adze_error_new (ADZE_E_FORMAT,
                                                  "its condition is not one bool"));
  *is = *(const unsigned char *)adze_view_data (view) != 0;
  return NULL;
}

static adze_error *
whole (const adze_graph_step *step, const adze_view *view, int64_t *number)
{
  if (view->dtype.code != ADZE_INT || view->dtype.bits != 64 || adze_view_bytes (view) != 8)
    return adze_graph_step_error (step, adze_error_new (ADZE_E_FORMAT,
                                                  "its number of turns is not one int64"));
  memcpy (number, adze_view_data (view), sizeof *number);
  return NULL;
}

static adze_error *
give (adze_executable *x, const adze_graph_step *step, size_t output, const adze_view *view)
{
  return step->outputs[output] == ADZE_NONE
             ? NULL
             : adze_slot_fill (&x->slots[step->outputs[output]], view);
}

/* ---- If. */

static adze_error *
run_if (adze_executable *x, adze_graph_step *step)
{
  bool taken;
  size_t captured = step->node->captured_count;
  ADZE_AUTO_FREE const adze_view **outputs = calloc (step->output_count + 1, sizeof *outputs);
  if (!outputs)
    return adze_error_memory ();
  ADZE_TRY (truth (step, step->input_views[0], &taken));
  ADZE_TRY (adze_body_run (x, step, &step->bodies[!taken],
                           step->input_views + step->input_count - captured, captured, outputs,
                           step->output_count));
  for (size_t i = 0; i < step->output_count; i++)
    ADZE_TRY (give (x, step, i, outputs[i]));
  return NULL;
}

/* ---- What comes together turn by turn. */

typedef struct pile {
  adze_slot one;  /* the shape of each */
  char *bytes;
  size_t size, room;
  int64_t turns;
} pile;

static adze_error *
add_to_pile (const adze_graph_step *step, pile *all, const adze_view *view)
{
  size_t size = (size_t)adze_view_bytes (view);
  if (all->turns == 0) {
    all->one.view = *view;
    all->one.view.shape = all->one.shape;
    for (int32_t i = 0; i < view->rank; i++)
      all->one.shape[i] = view->shape[i];
  }
  bool same = all->one.view.rank == view->rank && view->rank < ADZE_GRAPH_RANK;
  for (int32_t i = 0; same && i < view->rank; i++)
    same = all->one.shape[i] == view->shape[i];
  if (!same)
    return adze_graph_step_error (step, adze_error_new (ADZE_E_FORMAT,
                                                  "what its body gives has another shape in turn %lld "
                                                  "than before", (long long)all->turns));
  if (all->room - all->size < size) {
    size_t room = 2 * (all->size + size);
    char *more = realloc (all->bytes, room);
    if (!more)
      return adze_error_memory ();
    all->bytes = more;
    all->room = room;
  }
  if (size)
    memcpy (all->bytes + all->size, adze_view_data (view), size);
  all->size += size;
  all->turns++;
  return NULL;
}

typedef struct piles {
  pile *items;
  size_t count;
} piles;

static void
piles_cleanup (piles *all)
{
  for (size_t i = 0; all->items && i < all->count; i++)
    free (all->items[i].bytes);
  free (all->items);
}

static void
copy_block (char *to, const char *from, size_t size)
{
  if (size)
    memcpy (to, from, size);
}

/* What was piled up, along AXIS, the last turn first if BACKWARDS. NEVER: the body's output, of which
 * type and shape are taken when there was no turn at all. */
static adze_error *
give_pile (adze_executable *x, const adze_graph_step *step, size_t output, pile *all, int64_t axis,
           bool backwards, const adze_graph_value *never)
{
  adze_slot *slot = step->outputs[output] == ADZE_NONE ? NULL : &x->slots[step->outputs[output]];
  if (!slot)
    return NULL;
  if (all->turns == 0) {
    all->one.view = (adze_view){ .device = { ADZE_DEVICE_CPU, 0 }, .dtype = never->dtype,
                                  .rank = never->rank < 0 ? 0 : never->rank };
    for (int32_t i = 0; i < all->one.view.rank; i++)
      all->one.shape[i] = never->shape[i] < 0 ? 0 : never->shape[i];
  }
  int32_t rank = all->one.view.rank + 1;
  axis = axis < 0 ? axis + rank : axis;
  if (axis < 0 || axis >= rank || rank > ADZE_GRAPH_RANK)
    return adze_graph_step_error (step, adze_error_new (ADZE_E_FORMAT, "axis %lld is none of %d",
                                                  (long long)axis, rank));
  slot->view.rank = rank;
  slot->view.dtype = all->one.view.dtype;
  for (int32_t i = 0, from = 0; i < rank; i++)
    slot->shape[i] = i == axis ? all->turns : all->one.shape[from++];
  ADZE_TRY (adze_slot_allocate (slot));
  size_t outer = 1, inner = slot->view.dtype.bits / 8u;
  for (int32_t i = 0; i < rank; i++)
    *(i < axis ? &outer : &inner) *= i == axis ? 1 : (size_t)slot->shape[i];
  size_t turns = (size_t)all->turns;
  for (size_t t = 0; t < turns; t++)
    for (size_t o = 0; o < outer; o++)
      copy_block ((char *)slot->own + (o * turns + (backwards ? turns - 1 - t : t)) * inner,
                  all->bytes + (t * outer + o) * inner, inner);
  return NULL;
}

/* ---- Values that go from turn to turn. */

typedef struct carried {
  adze_slot *now, *next;
  size_t count;
} carried;

static void
carried_cleanup (carried *all)
{
  for (size_t i = 0; i < all->count; i++) {
    free (all->now[i].own);
    free (all->next[i].own);
  }
  free (all->now);
  free (all->next);
}

static adze_error *
carried_open (carried *all, const adze_view *const *first, size_t count)
{
  all->now = calloc (count + 1, sizeof *all->now);
  all->next = calloc (count + 1, sizeof *all->next);
  if (!all->now || !all->next)
    return adze_error_memory ();
  all->count = count;
  for (size_t i = 0; i < count; i++)
    ADZE_TRY (adze_slot_fill (&all->now[i], first[i]));
  return NULL;
}

/* All of them first, for what a body gives may be what it was given. */
static adze_error *
carry (carried *all, const adze_view *const *given)
{
  for (size_t i = 0; i < all->count; i++)
    ADZE_TRY (adze_slot_fill (&all->next[i], given[i]));
  for (size_t i = 0; i < all->count; i++) {
    adze_slot old = all->now[i];
    all->now[i] = all->next[i];
    all->now[i].view.shape = all->now[i].shape;
    all->next[i] = old;
  }
  return NULL;
}

/* ---- Loop. */

typedef struct turn {
  const adze_view **inputs, **outputs;
  size_t input_count, output_count;
} turn;

static void
turn_cleanup (turn *t)
{
  free (t->inputs);
  free (t->outputs);
}

static adze_error *
turn_open (const adze_graph_step *step, const adze_body *body, size_t least_outputs, turn *t)
{
  adze_graph_inputs (body->graph, &t->input_count);
  adze_graph_outputs (body->graph, &t->output_count);
  if (t->output_count < least_outputs)
    return adze_graph_step_error (step, adze_error_new (ADZE_E_FORMAT,
                                                  "its body gives %zu values; at least %zu are needed",
                                                  t->output_count, least_outputs));
  t->inputs = calloc (t->input_count + step->input_count + 1, sizeof *t->inputs);
  t->outputs = calloc (t->output_count + 1, sizeof *t->outputs);
  return t->inputs && t->outputs ? NULL : adze_error_memory ();
}

static adze_view
scalar (adze_dtype dtype, void *data)
{
  return (adze_view){ .data = data, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = dtype };
}

/* Puts views behind each other. */
static size_t
append_views (const adze_view **into, size_t at, const adze_view *const *views, size_t count)
{
  for (size_t i = 0; i < count; i++)
    into[at++] = views[i];
  return at;
}

static size_t
append_carried (const adze_view **into, size_t at, const carried *all)
{
  for (size_t i = 0; i < all->count; i++)
    into[at++] = &all->now[i].view;
  return at;
}

static adze_error *
loop_turns (adze_executable *x, adze_graph_step *step, turn *t, carried *all, piles *scans)
{
  size_t captured = step->node->captured_count;
  int64_t most = INT64_MAX;
  bool on = true;
  unsigned char flag;
  if (step->input_views[0])
    ADZE_TRY (whole (step, step->input_views[0], &most));
  if (step->input_views[1])
    ADZE_TRY (truth (step, step->input_views[1], &on));
  for (int64_t i = 0; on && i < most; i++) {
    flag = on;
    adze_view number = scalar ((adze_dtype){ ADZE_INT, 64, 1 }, &i);
    adze_view condition = scalar ((adze_dtype){ ADZE_BOOL, 8, 1 }, &flag);
    t->inputs[0] = &number;
    t->inputs[1] = &condition;
    size_t at = append_carried (t->inputs, 2, all);
    at = append_views (t->inputs, at, step->input_views + step->input_count - captured, captured);
    ADZE_TRY (adze_body_run (x, step, &step->bodies[0], t->inputs, at, t->outputs,
                             t->output_count));
    ADZE_TRY (truth (step, t->outputs[0], &on));
    for (size_t s = 0; s < scans->count; s++)
      ADZE_TRY (add_to_pile (step, &scans->items[s], t->outputs[1 + all->count + s]));
    ADZE_TRY (carry (all, t->outputs + 1));
  }
  return NULL;
}

static adze_error *
run_loop (adze_executable *x, adze_graph_step *step)
{
  __attribute__ ((cleanup (turn_cleanup))) turn t = { 0 };
  __attribute__ ((cleanup (carried_cleanup))) carried all = { 0 };
  __attribute__ ((cleanup (piles_cleanup))) piles scans = { 0 };
  const adze_body *body = &step->bodies[0];
  size_t count = step->input_count - step->node->captured_count - 2;
  ADZE_TRY (turn_open (step, body, 1 + count, &t));
  ADZE_TRY (carried_open (&all, step->input_views + 2, count));
  scans.count = t.output_count - 1 - count;
  scans.items = calloc (scans.count + 1, sizeof *scans.items);
  if (!scans.items)
    return adze_error_memory ();
  ADZE_TRY (loop_turns (x, step, &t, &all, &scans));
  for (size_t i = 0; i < count && i < step->output_count; i++)
    ADZE_TRY (give (x, step, i, &all.now[i].view));
  for (size_t s = 0; s < scans.count && count + s < step->output_count; s++)
    ADZE_TRY (give_pile (x, step, count + s, &scans.items[s], 0, false,
                         body->graph->values[body->graph->outputs.items[1 + count + s]]));
  return NULL;
}

/* ---- Scan. */

/* The part of VIEW that turn number NUMBER gets: one along AXIS. */
static adze_error *
slice_of (const adze_view *view, int32_t axis, int64_t number, adze_slot *into)
{
  into->view = *view;
  into->view.rank = view->rank - 1;
  into->view.byte_offset = 0;
  into->view.shape = into->shape;
  for (int32_t i = 0, to = 0; i < view->rank; i++)
    if (i != axis)
      into->shape[to++] = view->shape[i];
  ADZE_TRY (adze_slot_allocate (into));
  size_t outer = 1, inner = view->dtype.bits / 8u, turns = (size_t)view->shape[axis];
  for (int32_t i = 0; i < view->rank; i++)
    if (i != axis)
      *(i < axis ? &outer : &inner) *= (size_t)view->shape[i];
  for (size_t o = 0; o < outer; o++)
    copy_block ((char *)into->own + o * inner,
                (const char *)adze_view_data (view) + (o * turns + (size_t)number) * inner, inner);
  return NULL;
}

/* Number INDEX of a list attribute. */
static int64_t
number_of (const adze_graph_step *step, const char *name, size_t index)
{
  size_t count;
  const int64_t *numbers = adze_node_ints (step->node, name, &count);
  return index < count ? numbers[index] : 0;
}

typedef struct scan {
  size_t states, inputs, outputs;
  const adze_view *const *sequences;
  adze_slot *slices;
  int64_t turns;
} scan;

static void
scan_cleanup (scan *s)
{
  for (size_t i = 0; s->slices && i < s->inputs; i++)
    free (s->slices[i].own);
  free (s->slices);
}

static adze_error *
scan_open (const adze_graph_step *step, scan *s)
{
  size_t operands = step->input_count - step->node->captured_count;
  int64_t inputs = adze_node_int (step->node, "num_scan_inputs", 0);
  if (inputs < 1 || (size_t)inputs > operands || step->output_count < operands - (size_t)inputs)
    return adze_graph_step_error (step, adze_error_new (ADZE_E_FORMAT,
                                                  "num_scan_inputs is %lld, and it has %zu inputs",
                                                  (long long)inputs, operands));
  s->inputs = (size_t)inputs;
  s->states = operands - s->inputs;
  s->outputs = step->output_count - s->states;
  s->sequences = step->input_views + s->states;
  s->slices = calloc (s->inputs, sizeof *s->slices);
  if (!s->slices)
    return adze_error_memory ();
  for (size_t i = 0; i < s->inputs; i++) {
    const adze_view *view = s->sequences[i];
    int64_t axis = number_of (step, "scan_input_axes", i);
    axis = axis < 0 ? axis + view->rank : axis;
    if (axis < 0 || axis >= view->rank || (i && view->shape[axis] != s->turns))
      return adze_graph_step_error (step, adze_error_new (ADZE_E_FORMAT,
                                                    "scan input %zu cannot be cut along axis %lld", i,
                                                    (long long)axis));
    s->turns = view->shape[axis];
  }
  return NULL;
}

static adze_error *
scan_turns (adze_executable *x, adze_graph_step *step, scan *s, turn *t, carried *all, piles *scans)
{
  size_t captured = step->node->captured_count;
  for (int64_t i = 0; i < s->turns; i++) {
    size_t at = append_carried (t->inputs, 0, all);
    for (size_t k = 0; k < s->inputs; k++) {
      int64_t axis = number_of (step, "scan_input_axes", k);
      bool backwards = number_of (step, "scan_input_directions", k) != 0;
      axis = axis < 0 ? axis + s->sequences[k]->rank : axis;
      ADZE_TRY (slice_of (s->sequences[k], (int32_t)axis, backwards ? s->turns - 1 - i : i,
                          &s->slices[k]));
      t->inputs[at++] = &s->slices[k].view;
    }
    at = append_views (t->inputs, at, step->input_views + step->input_count - captured, captured);
    ADZE_TRY (adze_body_run (x, step, &step->bodies[0], t->inputs, at, t->outputs,
                             t->output_count));
    for (size_t o = 0; o < s->outputs; o++)
      ADZE_TRY (add_to_pile (step, &scans->items[o], t->outputs[s->states + o]));
    ADZE_TRY (carry (all, t->outputs));
  }
  return NULL;
}

static adze_error *
run_scan (adze_executable *x, adze_graph_step *step)
{
  __attribute__ ((cleanup (turn_cleanup))) turn t = { 0 };
  __attribute__ ((cleanup (carried_cleanup))) carried all = { 0 };
  __attribute__ ((cleanup (piles_cleanup))) piles scans = { 0 };
  __attribute__ ((cleanup (scan_cleanup))) scan s = { 0 };
  const adze_body *body = &step->bodies[0];
  ADZE_TRY (scan_open (step, &s));
  ADZE_TRY (turn_open (step, body, s.states + s.outputs, &t));
  ADZE_TRY (carried_open (&all, step->input_views, s.states));
  scans.count = s.outputs;
  scans.items = calloc (scans.count + 1, sizeof *scans.items);
  if (!scans.items)
    return adze_error_memory ();
  ADZE_TRY (scan_turns (x, step, &s, &t, &all, &scans));
  for (size_t i = 0; i < s.states; i++)
    ADZE_TRY (give (x, step, i, &all.now[i].view));
  for (size_t o = 0; o < s.outputs; o++)
    ADZE_TRY (give_pile (x, step, s.states + o, &scans.items[o],
                         number_of (step, "scan_output_axes", o),
                         number_of (step, "scan_output_directions", o) != 0,
                         body->graph->values[body->graph->outputs.items[s.states + o]]));
  return NULL;
}

adze_error *
adze_control_execute (adze_executable *x, adze_graph_step *step)
{
  if (strcmp (step->node->op, "If") == 0)
    return run_if (x, step);
  if (strcmp (step->node->op, "Loop") == 0)
    return run_loop (x, step);
  if (strcmp (step->node->op, "Scan") == 0)
    return run_scan (x, step);
  return adze_graph_step_error (step, adze_error_new (ADZE_E_UNSUPPORTED, "an operator with a graph for an "
                                                "attribute, and none that is known"));
}
