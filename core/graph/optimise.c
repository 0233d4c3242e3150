/* SPDX-License-Identifier: Apache-2.0 */
/* graph/optimise.c: all passes in turn, and what they share. */
#include "graph/optimise_private.h"

#include <adze/numbers.h>

#include "base/file.h"

/* ---- Asking. */

bool
adze_pass_is_one_of (const adze_graph_node *node, const char *ops)
{
  if (!node || node->domain[0])
    return false;
  size_t size = strlen (node->op);
  for (const char *at = ops; (at = strstr (at, node->op)); at += size)
    if ((at == ops || at[-1] == ' ') && (at[size] == ' ' || !at[size]))
      return true;
  return false;
}

const adze_graph_value *
adze_pass_numbers (const adze_graph *graph, uint32_t number)
{
  const adze_graph_value *value = adze_graph_value_at (graph, number);
  bool given = value && (value->role == ADZE_ROLE_WEIGHT || value->role == ADZE_ROLE_CONSTANT);
  return given && value->data ? value : NULL;
}

bool
adze_pass_size (const adze_graph_value *value, uint64_t *elements, uint64_t *bytes)
{
  *elements = 1;
  if (value->rank < 0 || !value->dtype.bits)
    return false;
  for (int32_t i = 0; i < value->rank; i++)
    if (value->shape[i] < 0
        || __builtin_mul_overflow (*elements, (uint64_t)value->shape[i], elements))
      return false;
  return !__builtin_mul_overflow (*elements, (uint64_t)value->dtype.bits / 8, bytes);
}

const adze_graph_node *
adze_pass_only_maker (const adze_graph *graph, uint32_t value)
{
  const adze_graph_value *made = adze_graph_value_at (graph, value);
  if (!made || made->node == ADZE_NONE || adze_graph_gives (graph, value)
      || adze_graph_uses (graph, value) != 1)
    return NULL;
  return graph->nodes[made->node];
}

adze_error *
adze_pass_doubles (const adze_graph *graph, uint32_t number, double **into, size_t *count)
{
  const adze_graph_value *value = adze_pass_numbers (graph, number);
  uint64_t elements, bytes;
  *into = NULL;
  if (!value || value->dtype.code != ADZE_FLOAT || value->dtype.bits < 32
      || !adze_pass_size (value, &elements, &bytes))
    return NULL;
  *count = (size_t)elements;
  *into = malloc ((*count + 1) * sizeof **into);
  if (!*into)
    return adze_error_memory ();
  adze_numbers_read (value->dtype, value->data, *count, *into);
  return NULL;
}

/* ---- Editing. */

/* Who made SAME makes OLD, which nobody makes any more. */
static adze_error *
make_in_place (adze_graph *graph, uint32_t same, uint32_t old)
{
  adze_graph_value *from = graph->values[same], *into = graph->values[old];
  adze_graph_node *maker = graph->nodes[from->node];
  uint32_t *outputs = adze_arena_copy (&graph->arena, maker->outputs,
                                       maker->output_count * sizeof *outputs);
  if (!outputs)
    return adze_error_memory ();
  outputs[from->output] = old;
  maker->outputs = outputs;
  into->node = from->node;
  into->output = from->output;
  from->node = ADZE_NONE;
  graph->sorted = false;
  return adze_graph_replace (graph, same, old);
}

adze_error *
adze_pass_merge (adze_graph *graph, uint32_t node, uint32_t old, uint32_t same, bool *done)
{
  bool gives = adze_graph_gives (graph, old);
  *done = !gives
          || (graph->values[same]->node != ADZE_NONE && !adze_graph_gives (graph, same));
  if (!*done)
    return NULL;
  adze_graph_remove_node (graph, node);
  return gives ? make_in_place (graph, same, old) : adze_graph_replace (graph, old, same);
}

adze_error *
adze_pass_name_beside (const adze_graph *graph, const char *name, char **into)
{
  for (unsigned i = 1;; i++) {
    free (*into);
    *into = i == 1 ? adze_text_format ("%s.folded", name)
                   : adze_text_format ("%s.folded%u", name, i);
    if (!*into)
      return adze_error_memory ();
    if (adze_graph_find (graph, *into) == ADZE_NONE)
      return NULL;
  }
}

adze_error *
adze_pass_rewrite (adze_graph *graph, uint32_t number, int32_t rank, const int64_t *shape,
                   const void *data, size_t size, uint32_t *into)
{
  const adze_graph_value *value = graph->values[number];
  ADZE_AUTO_FREE char *name = NULL;
  *into = number;
  if (adze_graph_uses (graph, number) == 1 && !adze_graph_gives (graph, number)) {
    ADZE_TRY (adze_graph_set_type (graph, number, value->dtype, rank, shape));
    return adze_graph_set_data (graph, number, data, size, true);
  }
  ADZE_TRY (adze_pass_name_beside (graph, value->name, &name));
  ADZE_TRY (adze_graph_add_weight (graph, name, value->dtype, rank, shape, into));
  graph->values[*into]->role = value->role;
  graph->values[*into]->fixed = value->fixed;
  return adze_graph_set_data (graph, *into, data, size, true);
}

adze_error *
adze_pass_rewrite_doubles (adze_graph *graph, uint32_t number, int32_t rank, const int64_t *shape,
                           const double *numbers, size_t count, uint32_t *into)
{
  if (graph->values[number]->dtype.bits == 64)
    return adze_pass_rewrite (graph, number, rank, shape, numbers, count * sizeof *numbers, into);
  ADZE_AUTO_FREE float *rounded = malloc ((count + 1) * sizeof *rounded);
  if (!rounded)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    rounded[i] = (float)numbers[i];
  return adze_pass_rewrite (graph, number, rank, shape, rounded, count * sizeof *rounded, into);
}

adze_error *
adze_pass_set_input (adze_graph *graph, uint32_t number, size_t index, uint32_t value)
{
  adze_graph_node *node = graph->nodes[number];
  if (index < node->input_count)
    return adze_graph_set_input (graph, number, index, value);
  uint32_t *inputs = adze_arena_take (&graph->arena, (index + 1) * sizeof *inputs);
  if (!inputs)
    return adze_error_memory ();
  for (size_t i = 0; i < index; i++)
    inputs[i] = adze_pass_in (node, i);
  inputs[index] = value;
  node->inputs = inputs;
  node->input_count = index + 1;
  graph->sorted = false;
  return NULL;
}

void
adze_pass_forget (adze_graph *graph, uint32_t number)
{
  adze_graph_value *value = number == ADZE_NONE ? NULL : graph->values[number];
  if (!value || adze_graph_uses (graph, number) || adze_graph_gives (graph, number))
    return;
  if (value->role == ADZE_ROLE_WEIGHT || value->role == ADZE_ROLE_CONSTANT) {
    /* What a removed node leaves is not looked at any more, either. */
    value->role = ADZE_ROLE_NODE;
    value->node = ADZE_NONE;
    value->data = NULL;
  } else if (value->node != ADZE_NONE && graph->nodes[value->node]->output_count == 1) {
    adze_graph_remove_node (graph, value->node);
  }
}

/* ---- What nobody needs. */

static adze_error *
remove_dead (adze_graph *graph, uint64_t *changed)
{
  *changed += adze_graph_remove_dead (graph);
  for (uint32_t i = 0; i < graph->value_count; i++)
    if (graph->values[i]->role == ADZE_ROLE_WEIGHT || graph->values[i]->role == ADZE_ROLE_CONSTANT)
      adze_pass_forget (graph, i);
  return NULL;
}

/* ---- All of them. */

/* In the order of adze_graph_pass. */
static adze_pass *const passes[ADZE_GRAPH_PASSES]
    = { adze_pass_constants, adze_pass_identities, adze_pass_common,
        adze_pass_norms,     adze_pass_biases,     remove_dead,
        adze_pass_integers };

void
adze_graph_set_ref (adze_graph *graph, adze_backend_at_work *ref)
{
  graph->ref = ref;
}

/* Each pass leaves fewer nodes, or fewer BatchNormalizations, or fewer products of floats, or codes
 * nearer to their products, or finds nothing: so this ends. */
static adze_error *
optimise (adze_graph *graph, uint32_t wanted, uint64_t *counts)
{
  for (bool again = true; again;) {
    again = false;
    for (size_t i = 0; i < ADZE_GRAPH_PASSES; i++) {
      uint64_t before = counts[i];
      if (!(wanted & UINT32_C (1) << i))
        continue;
      ADZE_TRY (adze_graph_verify (graph));
      ADZE_TRY (passes[i](graph, &counts[i]));
      again = again || counts[i] > before;
    }
  }
  return adze_graph_verify (graph);
}

adze_error *
adze_graph_optimise (adze_graph *graph, uint32_t wanted, uint64_t *changed)
{
  uint64_t counts[ADZE_GRAPH_PASSES] = { 0 };
  if (wanted >> ADZE_GRAPH_PASSES)
    return adze_error_new (ADZE_E_CONTRACT,
                           "graph '%s' is to be optimised by the passes %#x; known here are %#x",
                           graph->name, wanted, (1u << ADZE_GRAPH_PASSES) - 1);
  if ((wanted & ADZE_PASS_CONSTANTS) && !graph->ref)
    return adze_error_new (ADZE_E_UNSUPPORTED,
                           "constants of graph '%s' cannot be computed: who made it has no backend "
                           "'ref' at hand; leave ADZE_PASS_CONSTANTS out",
                           graph->name);
  ADZE_TRY (optimise (graph, wanted, counts));
  for (size_t i = 0; changed && i < ADZE_GRAPH_PASSES; i++)
    if (wanted & UINT32_C (1) << i)
      changed[i] = counts[i];
  return NULL;
}
