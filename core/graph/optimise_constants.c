/* SPDX-License-Identifier: Apache-2.0 */
/* graph/optimise_constants.c: nodes whose inputs are all there, computed now. */
#include "graph/executable_private.h"
#include "graph/optimise_private.h"

bool
adze_node_repeats (const adze_graph_node *node)
{
  return !adze_node_has_bodies (node)
         && !adze_pass_is_one_of (node, "RandomNormal RandomNormalLike RandomUniform "
                                        "RandomUniformLike Bernoulli Multinomial Dropout");
}

/* ---- Which ones. */

static bool
is_whole (adze_dtype dtype)
{
  return dtype.code == ADZE_INT || dtype.code == ADZE_UINT || dtype.code == ADZE_BOOL;
}

/* Whole numbers are axes, sizes, indices, and free for all to look at. Other weights are the
 * model's: one that somebody else needs as well would be there twice. */
static bool
is_free (const adze_graph *graph, uint32_t number)
{
  const adze_graph_value *value = adze_pass_numbers (graph, number);
  if (!value)
    return false;
  return value->role == ADZE_ROLE_CONSTANT || is_whole (value->dtype)
         || (adze_graph_uses (graph, number) == 1 && !adze_graph_gives (graph, number));
}

/* Of numbers that were a weight a weight is made, so that training can go on with it: the weight,
 * or NULL. */
static const adze_graph_value *
weight_among (const adze_graph *graph, const adze_graph_node *node)
{
  for (size_t i = 0; i < node->input_count; i++) {
    const adze_graph_value *value = adze_graph_value_at (graph, node->inputs[i]);
    if (value && value->role == ADZE_ROLE_WEIGHT && !is_whole (value->dtype))
      return value;
  }
  return NULL;
}

static uint64_t
bytes_of (const adze_graph *graph, uint32_t number)
{
  uint64_t elements, bytes = 0;
  const adze_graph_value *value = adze_graph_value_at (graph, number);
  if (value)
    adze_pass_size (value, &elements, &bytes);
  return bytes;
}

/* Files are not to grow by what one node makes from nothing: ConstantOfShape, Expand, Tile. */
static bool
is_worth_it (const adze_graph *graph, const adze_graph_node *node)
{
  enum { SMALL = 1024 };
  uint64_t taken = 0, given = 0;
  for (size_t i = 0; i < node->input_count; i++)
    taken += bytes_of (graph, node->inputs[i]);
  for (size_t i = 0; i < node->output_count; i++) {
    const adze_graph_value *value = adze_graph_value_at (graph, node->outputs[i]);
    uint64_t elements, bytes = 0;
    if (value && !adze_pass_size (value, &elements, &bytes))
      return false;
    given += bytes;
  }
  return given <= ADZE_FOLD_MOST && (given <= SMALL || given <= taken);
}

/* An output of the graph stays what a node makes. */
static bool
gives_any (const adze_graph *graph, const adze_graph_node *node)
{
  for (size_t i = 0; i < node->output_count; i++)
    if (node->outputs[i] != ADZE_NONE && adze_graph_gives (graph, node->outputs[i]))
      return true;
  return false;
}

static bool
may_compute (const adze_graph *graph, const adze_graph_node *node)
{
  if (!adze_node_repeats (node) || adze_pass_is (node, "DequantizeLinear")
      || gives_any (graph, node))
    return false;
  for (size_t i = 0; i < node->input_count; i++)
    if (node->inputs[i] != ADZE_NONE && !is_free (graph, node->inputs[i]))
      return false;
  return is_worth_it (graph, node);
}

/* ---- Sizes, which need no numbers. */

/* Shape of what is settled, or the part of it that is asked for; -1: not to be told. */
static int
sizes_of (const adze_graph *graph, const adze_graph_node *node, int64_t *into)
{
  const adze_graph_value *value = adze_graph_value_at (graph, node->inputs[0]);
  uint64_t elements, bytes;
  if (value->rank < 0)
    return -1;
  if (adze_pass_is (node, "Size")) {
    into[0] = adze_pass_size (value, &elements, &bytes) ? (int64_t)elements : -1;
    return into[0] < 0 ? -1 : 0;
  }
  int64_t rank = value->rank, first = adze_node_int (node, "start", 0),
          last = adze_node_int (node, "end", rank);
  first = first < 0 ? first + rank : first;
  last = last < 0 ? last + rank : last;
  first = first < 0 ? 0 : first > rank ? rank : first;
  last = last < first ? first : last > rank ? rank : last;
  for (int64_t i = first; i < last; i++) {
    into[i - first] = value->shape[i];
    if (value->shape[i] < 0)
      return -1;
  }
  return (int)(last - first);
}

static adze_error *
compute_sizes (adze_graph *graph, const adze_graph_node *node, bool *done)
{
  int64_t sizes[ADZE_GRAPH_RANK];
  int count = adze_pass_is_one_of (node, "Shape Size") && !gives_any (graph, node)
                  ? sizes_of (graph, node, sizes)
                  : -1;
  bool single = adze_pass_is (node, "Size");
  int64_t length = count;
  if (count < 0)
    return NULL;
  const adze_dtype whole = { ADZE_INT, 64, 1 };
  ADZE_TRY (adze_graph_set_type (graph, node->outputs[0], whole, single ? 0 : 1, &length));
  ADZE_TRY (adze_graph_set_data (graph, node->outputs[0], sizes,
                                 (single ? 1 : (size_t)count) * sizeof *sizes, true));
  adze_graph_remove_node (graph, node->number);
  *done = true;
  return NULL;
}

/* ---- Numbers. */

/* A weight is a tensor of a file, and a name that nobody gave is none there: NUMBER's place takes
 * one that is called after what it comes of. */
static adze_error *
name_weight (adze_graph *graph, uint32_t number, const char *origin)
{
  const adze_graph_value *value = graph->values[number];
  ADZE_AUTO_FREE char *name = NULL;
  uint32_t named;
  if (value->name[0] != '%')
    return NULL;
  ADZE_TRY (adze_pass_name_beside (graph, origin, &name));
  ADZE_TRY (adze_graph_add_weight (graph, name, value->dtype, value->rank, value->shape, &named));
  graph->values[named]->data = value->data;
  ADZE_TRY (adze_graph_replace (graph, number, named));
  adze_pass_forget (graph, number);
  return NULL;
}

/* What the part gave becomes what the node's outputs are; ORIGIN: the weight that it comes of, or
 * NULL. */
static adze_error *
keep (adze_graph *graph, const adze_graph_node *node, const adze_view *const *views,
      const char *origin)
{
  size_t given = 0;
  for (size_t i = 0; i < node->output_count; i++) {
    uint32_t number = node->outputs[i];
    if (number == ADZE_NONE)
      continue;
    const adze_view *view = views[given++];
    bool weight = origin && !is_whole (view->dtype);
    if (weight)
      graph->values[number]->role = ADZE_ROLE_WEIGHT;
    ADZE_TRY (adze_graph_set_type (graph, number, view->dtype, view->rank, view->shape));
    ADZE_TRY (adze_graph_set_data (graph, number, adze_view_data (view),
                                   (size_t)adze_view_bytes (view), true));
    if (weight)
      ADZE_TRY (name_weight (graph, number, origin));
  }
  return NULL;
}

/* Weights are inputs of the part; to be computed with now, they become constants there. */
static void
fix_inputs (adze_graph *part)
{
  for (size_t i = 0; i < part->inputs.count; i++)
    part->values[part->inputs.items[i]]->role = ADZE_ROLE_CONSTANT;
  part->inputs.count = 0;
}

static adze_error *
compute (adze_graph *graph, const adze_graph_node *node, bool *done)
{
  ADZE_AUTO_GRAPH part = NULL;
  ADZE_AUTO_EXECUTABLE executable = NULL;
  ADZE_AUTO_FREE const adze_view **views = calloc (node->output_count + 1, sizeof *views);
  const adze_compile_options options = { .ref = graph->ref, .fixed_weights = true };
  const adze_view *none = NULL;
  const adze_graph_value *weight = weight_among (graph, node);
  if (!views)
    return adze_error_memory ();
  ADZE_TRY (adze_graph_part (graph, &node->number, 1, &part));
  fix_inputs (part);
  ADZE_TRY (adze_graph_compile (part, &options, &executable));
  ADZE_TRY (adze_execute (executable, &none, views));
  adze_graph_remove_node (graph, node->number);
  ADZE_TRY (keep (graph, node, views, weight ? weight->name : NULL));
  for (size_t i = 0; i < node->input_count; i++)
    adze_pass_forget (graph, node->inputs[i]);
  *done = true;
  return NULL;
}

/* What ref cannot compute stays. */
static adze_error *
ask_ref (adze_graph *graph, uint32_t **parts)
{
  *parts = calloc (graph->node_count + 1, sizeof **parts);
  return *parts ? adze_backend_claim (graph->ref, graph, *parts) : adze_error_memory ();
}

adze_error *
adze_pass_constants (adze_graph *graph, uint64_t *changed)
{
  const uint32_t *given;
  size_t count;
  ADZE_AUTO_FREE uint32_t *parts = NULL;
  ADZE_TRY (ask_ref (graph, &parts));
  ADZE_TRY (adze_graph_order (graph, &given, &count));
  ADZE_AUTO_FREE uint32_t *order = malloc ((count + 1) * sizeof *order);
  if (!order)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    order[i] = given[i];
  for (size_t i = 0; i < count; i++) {
    const adze_graph_node *node = graph->nodes[order[i]];
    bool done = false;
    if (!node)
      continue;
    /* Numbers in front of it may have become known. */
    ADZE_TRY (adze_graph_infer_node (graph, node));
    ADZE_TRY (compute_sizes (graph, node, &done));
    if (!done && parts[order[i]] && may_compute (graph, node))
      ADZE_TRY (compute (graph, node, &done));
    *changed += done;
  }
  return NULL;
}
