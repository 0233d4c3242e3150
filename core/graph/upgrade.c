/* SPDX-License-Identifier: Apache-2.0 */
/* graph/upgrade.c: which rules apply to a graph, and what newer opsets have changed. */
#include "graph/upgrade.h"

#include <inttypes.h>
#include <string.h>

#include "graph/infer.h"
#include "graph/upgrade_rules.h"

adze_error *
adze_upgrade_refuse (const adze_upgrade *up, adze_status status, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  ADZE_AUTO_FREE char *reason = adze_text_vformat (format, arguments);
  va_end (arguments);
  ADZE_AUTO (adze_buffer) who = { 0 };
  adze_graph_node_text (up->node, &who);
  if (!reason || !who.data)
    return adze_error_memory ();
  return adze_error_new (status, "%s: %s", who.data, reason);
}

/* ---- Newer ones.
 *
 * What was changed since by more than further types. A node of it passes where it uses nothing of
 * what is new. Values of attributes that came since are refused by the operators themselves. */

typedef struct newer {
  const char *op;
  int64_t since;
  size_t inputs;          /* so many at most mean what they meant */
  const char *attributes; /* "a|b": none of them may be there; NULL: another meaning altogether */
} newer;

static const newer newer_ones[] = {
  { "AveragePool", 19, 1, "dilations" },
  { "Cast", 24, 1, "round_mode" },
  { "DFT", 20, 0, NULL },
  { "DequantizeLinear", 21, 3, "block_size|output_dtype" },
  { "GridSample", 20, 0, NULL },
  { "LpPool", 18, 1, "ceil_mode|dilations" },
  { "Pad", 18, 3, "" },
  { "QuantizeLinear", 21, 3, "block_size|output_dtype|precision" },
  { "ReduceL1", 18, 1, "noop_with_empty_axes" },
  { "ReduceL2", 18, 1, "noop_with_empty_axes" },
  { "ReduceLogSum", 18, 1, "noop_with_empty_axes" },
  { "ReduceLogSumExp", 18, 1, "noop_with_empty_axes" },
  { "ReduceMax", 18, 1, "noop_with_empty_axes" },
  { "ReduceMean", 18, 1, "noop_with_empty_axes" },
  { "ReduceMin", 18, 1, "noop_with_empty_axes" },
  { "ReduceProd", 18, 1, "noop_with_empty_axes" },
  { "ReduceSumSquare", 18, 1, "noop_with_empty_axes" },
  { "Resize", 18, 4, "antialias|axes|keep_aspect_ratio_policy" },
  { "Split", 18, 2, "num_outputs" },
};

static bool
has_one_of (const adze_graph_node *node, const char *names)
{
  for (size_t i = 0; i < node->attribute_count; i++) {
    const char *name = node->attributes[i].name;
    size_t length = strlen (name);
    for (const char *at = names; *at;) {
      size_t size = strcspn (at, "|");
      if (size == length && memcmp (at, name, size) == 0)
        return true;
      at += size + (at[size] == '|');
    }
  }
  return false;
}

/* The axes of a reduction were an attribute, and are an input now. Numbers that are known go
 * back. */
static adze_error *
take_axes_back (adze_upgrade *up)
{
  const adze_graph_node *node = up->node;
  const adze_graph_value *axes
      = node->input_count == 2 ? adze_graph_value_at (up->graph, node->inputs[1]) : NULL;
  if (strncmp (node->op, "Reduce", 6) != 0 || !axes || !axes->data || axes->rank != 1
      || axes->dtype.code != ADZE_INT || axes->dtype.bits != 64 || axes->shape[0] < 1)
    return NULL;
  const adze_graph_attribute attribute
      = adze_attribute_ints ("axes", axes->data, (size_t)axes->shape[0]);
  ADZE_TRY (adze_graph_set_attribute (up->graph, node->number, &attribute));
  adze_upgrade_drop_attribute (up, "noop_with_empty_axes");
  up->node->input_count = 1;
  return NULL;
}

static adze_error *
check_newer (adze_upgrade *up, int64_t opset)
{
  const adze_graph_node *node = up->node;
  for (size_t i = 0; i < ADZE_COUNT_OF (newer_ones); i++) {
    const newer *one = &newer_ones[i];
    if (one->since > opset || strcmp (one->op, node->op) != 0)
      continue;
    if (one->since == 18)
      ADZE_TRY (take_axes_back (up));
    if (!one->attributes || node->input_count > one->inputs || has_one_of (node, one->attributes)) {
      adze_error *error = adze_upgrade_refuse (
          up, ADZE_E_UNSUPPORTED,
          "the model is of opset %" PRId64 ", and this use of the operator came with opset %" PRId64
          "; graphs are of opset %d", opset, one->since, ADZE_GRAPH_OPSET);
      adze_error_setf (error, "hint", "export the model at opset %d", ADZE_GRAPH_OPSET);
      return error;
    }
  }
  return NULL;
}

/* ---- Older ones. */

static adze_error *
apply_rules (adze_upgrade *up, const adze_upgrade_rule *rules, int64_t opset)
{
  for (const adze_upgrade_rule *rule = rules; rule->op; rule++)
    if (rule->since > opset && strcmp (rule->op, up->node->op) == 0)
      ADZE_TRY (rule->apply (up));
  return NULL;
}

/* Adapters ask for types and dimensions: those of the nodes before this one are known. */
static adze_error *
infer_new (const adze_upgrade *up, size_t first)
{
  adze_graph *graph = up->graph;
  for (size_t n = first; n < graph->node_count; n++)
    if (n != up->after)
      ADZE_TRY (adze_graph_infer_node (graph, graph->nodes[n]));
  ADZE_TRY (adze_graph_infer_node (graph, up->node));
  return up->after == ADZE_NONE ? NULL : adze_graph_infer_node (graph, graph->nodes[up->after]);
}

static adze_error *
upgrade_node (adze_graph *graph, const bool *used, uint32_t number, int64_t opset)
{
  /* What adapters add is of the internal opset already. */
  size_t first = graph->node_count;
  adze_upgrade up
      = { .graph = graph, .node = graph->nodes[number], .after = ADZE_NONE, .used = used };
  bool own = !up.node->domain[0];
  if (own && opset > ADZE_GRAPH_OPSET)
    return check_newer (&up, opset);
  if (opset > ADZE_GRAPH_OPSET)
    return NULL;
  if (own && opset < 7)
    ADZE_TRY (apply_rules (&up, adze_upgrade_old_rules, opset));
  if (own)
    ADZE_TRY (apply_rules (&up, adze_upgrade_rules, opset));
  return infer_new (&up, first);
}

/* ---- All of a graph. */

static void
mark_used (const adze_graph *graph, bool *used)
{
  for (size_t n = 0; n < graph->node_count; n++)
    for (size_t i = 0; graph->nodes[n] && i < graph->nodes[n]->input_count; i++)
      if (graph->nodes[n]->inputs[i] != ADZE_NONE)
        used[graph->nodes[n]->inputs[i]] = true;
  for (size_t i = 0; i < graph->outputs.count; i++)
    used[graph->outputs.items[i]] = true;
}

static adze_error *
upgrade_nodes (adze_graph *graph, int64_t opset)
{
  const uint32_t *found;
  size_t count;
  /* A node can only be looked at once its bodies mean what they will. */
  for (size_t i = 0; i < graph->body_count; i++)
    ADZE_TRY (upgrade_nodes (graph->bodies[i], opset));
  ADZE_TRY (adze_graph_order (graph, &found, &count));
  ADZE_AUTO_FREE uint32_t *order = calloc (count + 1, sizeof *order);
  ADZE_AUTO_FREE bool *used = calloc (graph->value_count + 1, sizeof *used);
  if (!order || !used)
    return adze_error_memory ();
  mark_used (graph, used);
  if (count)
    memcpy (order, found, count * sizeof *order);
  for (size_t i = 0; i < count; i++)
    ADZE_TRY (upgrade_node (graph, used, order[i], opset));
  graph->opset = ADZE_GRAPH_OPSET;
  return NULL;
}

adze_error *
adze_graph_upgrade (adze_graph *graph, int64_t opset)
{
  if (opset >= ADZE_OPSET_OLDEST && opset <= ADZE_OPSET_NEWEST)
    return opset == ADZE_GRAPH_OPSET ? NULL : upgrade_nodes (graph, opset);
  adze_error *error
      = adze_error_new (ADZE_E_UNSUPPORTED,
                        "graph '%s' is of opset %" PRId64 " of ONNX; %d to %d can be worked with",
                        graph->name, opset, ADZE_OPSET_OLDEST, ADZE_OPSET_NEWEST);
  adze_error_setf (error, "found", "opset %" PRId64, opset);
  adze_error_setf (error, "needed", "opset %d to %d", ADZE_OPSET_OLDEST, ADZE_OPSET_NEWEST);
  adze_error_setf (error, "hint", "export the model at opset %d", ADZE_GRAPH_OPSET);
  return error;
}
