/* SPDX-License-Identifier: Apache-2.0 */
/* graph/execute.c: steps, one after the other. */
#include <string.h>

#include "artifact/meta.h"
#include "graph/executable_private.h"

uint64_t
adze_view_bytes (const adze_view *view)
{
  uint64_t count = 1;
  for (int32_t i = 0; i < view->rank; i++)
    if (view->shape[i] < 0 || __builtin_mul_overflow (count, (uint64_t)view->shape[i], &count))
      return UINT64_MAX;
  if (__builtin_mul_overflow (count, (uint64_t)view->dtype.bits, &count))
    return UINT64_MAX;
  return count / 8 + (count % 8 != 0);
}

adze_error *
adze_slot_allocate (adze_slot *slot)
{
  uint64_t size = adze_view_bytes (&slot->view);
  if (size > SIZE_MAX / 2)
    return adze_error_new (ADZE_E_LIMIT, "a value of this shape cannot be held in memory");
  if (slot->room < size || !slot->own) {
    size_t room = (size_t)(size / 64 + 1) * 64;
    void *own = aligned_alloc (64, room);
    if (!own)
      return adze_error_memory ();
    free (slot->own);
    slot->own = own;
    slot->room = room;
  }
  slot->view.data = slot->own;
  return NULL;
}

adze_error *
adze_slot_fill (adze_slot *slot, const adze_view *view)
{
  slot->view.rank = view->rank;
  slot->view.dtype = view->dtype;
  for (int32_t i = 0; i < view->rank; i++)
    slot->shape[i] = view->shape[i];
  slot->view.shape = slot->shape;
  ADZE_TRY (adze_slot_allocate (slot));
  size_t size = (size_t)adze_view_bytes (view);
  if (size)
    memcpy (slot->own, adze_view_data (view), size);
  return NULL;
}

/* ---- Values whose size depends on numbers. */

static void
know (const adze_executable *x, uint32_t slot, adze_infer_value *into)
{
  *into = (adze_infer_value){ .rank = ADZE_UNKNOWN_RANK, .given = slot != ADZE_NONE };
  if (slot == ADZE_NONE)
    return;
  const adze_view *view = &x->slots[slot].view;
  into->dtype = view->dtype;
  into->rank = view->rank;
  into->data = view->data;
  for (int32_t i = 0; i < view->rank; i++)
    into->shape[i] = view->shape[i];
}

static adze_error *
take_size (adze_executable *x, const adze_graph_step *step, uint32_t number,
           const adze_infer_value *found)
{
  adze_slot *slot = &x->slots[number];
  bool known = found->rank >= 0 && found->dtype.bits;
  for (int32_t i = 0; i < found->rank; i++)
    known = known && found->shape[i] >= 0;
  if (!known)
    return adze_graph_step_error (step, adze_error_new (ADZE_E_UNSUPPORTED,
                                                  "the size of what it gives cannot be told"));
  slot->view.rank = found->rank;
  slot->view.dtype = found->dtype;
  for (int32_t i = 0; i < found->rank; i++)
    slot->shape[i] = found->shape[i];
  return adze_graph_step_error (step, adze_slot_allocate (slot));
}

adze_error *
adze_graph_step_settle (adze_executable *x, adze_graph_step *step)
{
  const adze_graph_node *node = step->node;
  size_t inputs = node->input_count, outputs = node->output_count;
  ADZE_AUTO_FREE adze_infer_value *known = calloc (inputs + outputs + 1, sizeof *known);
  if (!known)
    return adze_error_memory ();
  for (size_t i = 0; i < inputs; i++)
    know (x, node->inputs[i], &known[i]);
  for (size_t i = 0; i < outputs; i++)
    known[inputs + i] = (adze_infer_value){ .rank = ADZE_UNKNOWN_RANK,
                                            .given = node->outputs[i] != ADZE_NONE };
  ADZE_TRY (adze_node_infer (node, known, known + inputs));
  for (size_t i = 0; i < outputs; i++)
    if (node->outputs[i] != ADZE_NONE)
      ADZE_TRY (take_size (x, step, node->outputs[i], &known[inputs + i]));
  return NULL;
}

/* ---- Steps. */

adze_error *
adze_graph_step_execute (adze_executable *x, adze_graph_step *step)
{
  if (!step->backend)
    return adze_control_execute (x, step);
  if (step->far)
    return adze_graph_step_error (step, adze_device_execute (x, step));
  if (!step->settled)
    ADZE_TRY (adze_graph_step_settle (x, step));
  return adze_graph_step_error (step,
                          adze_backend_execute (step->backend, step->program, step->input_views,
                                                step->output_views, x->block + step->scratch));
}

static adze_error *
wrong_input (const adze_graph_value *value, const adze_view *given)
{
  ADZE_AUTO (adze_buffer) is = { 0 };
  ADZE_AUTO (adze_buffer) needed = { 0 };
  adze_shape_text (given->rank, given->shape, &is);
  adze_shape_text (value->rank, value->shape, &needed);
  const char *type = adze_dtype_name (given->dtype), *wanted = adze_dtype_name (value->dtype);
  return adze_error_new (ADZE_E_FORMAT, "input '%s' is %s %s; it was compiled for %s %s",
                         value->name, type ? type : "of an unknown type", is.data ? is.data : "?",
                         wanted ? wanted : "any type", needed.data ? needed.data : "?");
}

static adze_error *
take_input (adze_executable *x, uint32_t number, const adze_view *given)
{
  adze_slot *slot = &x->slots[number];
  const adze_graph_value *value = x->graph->values[number];
  bool fits = !value->dtype.bits || memcmp (&value->dtype, &given->dtype, sizeof given->dtype) == 0;
  fits = fits && (value->rank < 0 || value->rank == given->rank);
  for (int32_t i = 0; fits && i < value->rank; i++)
    fits = value->shape[i] < 0 || value->shape[i] == given->shape[i];
  if (!fits || given->rank > ADZE_GRAPH_RANK)
    return wrong_input (value, given);
  slot->view.rank = given->rank;
  slot->view.dtype = given->dtype;
  for (int32_t i = 0; i < given->rank; i++)
    slot->shape[i] = given->shape[i];
  slot->view.data = adze_view_data (given);
  return NULL;
}

/* ---- Places that others bring. */

bool
adze_executable_move_weight (adze_executable *x, const char *name, const void *data)
{
  uint32_t number = adze_graph_find (x->graph, name);
  /* Backends read it only. */
  const union {
    const void *from;
    void *to;
  } place = { .from = data };
  if (number == ADZE_NONE || x->graph->values[number]->role != ADZE_ROLE_WEIGHT)
    return false;
  x->slots[number].view.data = place.to;
  return true;
}

bool
adze_executable_move_output (adze_executable *x, size_t index, void *data)
{
  uint32_t number = x->graph->outputs.items[index];
  if (!x->slots[number].moves)
    return false;
  x->slots[number].view.data = data;
  return true;
}

static bool
find (const uint32_t *slots, size_t count, uint32_t slot, uint32_t *at)
{
  for (*at = 0; *at < count; ++*at)
    if (slots[*at] == slot)
      return true;
  return false;
}

/* STEP makes OUTPUT, and no step behind it takes WEIGHT. */
static bool
step_may_replace (const adze_graph_step *step, uint32_t output, uint32_t weight)
{
  uint32_t made, taken;
  if (!step->program || step->far || !find (step->outputs, step->output_count, output, &made))
    return false;
  return !find (step->inputs, step->input_count, weight, &taken)
         || adze_backend_may_replace (step->backend, step->program, made, taken);
}

bool
adze_executable_may_replace (const adze_executable *x, size_t index, const char *name)
{
  uint32_t output = x->graph->outputs.items[index], weight = adze_graph_find (x->graph, name), at;
  if (weight == ADZE_NONE || !x->slots[output].moves || x->slots[output].size != x->slots[weight].size
      || find (x->graph->outputs.items, x->graph->outputs.count, weight, &at))
    return false;
  for (size_t s = x->step_count; s-- > 0;) {
    const adze_graph_step *step = &x->steps[s];
    if (step_may_replace (step, output, weight))
      return true;
    /* Bodies see values that are no inputs of their node. */
    if (!step->backend || find (step->inputs, step->input_count, weight, &at)
        || find (step->outputs, step->output_count, output, &at))
      return false;
  }
  return false;
}

adze_error *
adze_execute (adze_executable *x, const adze_view *const *inputs, const adze_view **outputs)
{
  for (size_t i = 0; i < x->graph->inputs.count; i++)
    ADZE_TRY (take_input (x, x->graph->inputs.items[i], inputs[i]));
  for (size_t i = 0; i < x->step_count; i++)
    ADZE_TRY (adze_graph_step_execute (x, &x->steps[i]));
  for (size_t i = 0; i < x->graph->outputs.count; i++)
    outputs[i] = &x->slots[x->graph->outputs.items[i]].view;
  return NULL;
}
