/* SPDX-License-Identifier: Apache-2.0 */
/* graph/infer.c: types and shapes of all nodes, by the rules of their operators. */
#include "graph/infer.h"

#include <stdio.h>
#include <string.h>

#include "artifact/meta.h"
#include "graph/graph_private.h"

/* ---- Asking. */

const adze_infer_value *
adze_infer_in (const adze_infer *infer, size_t index)
{
  return index < infer->input_count && infer->inputs[index].given ? &infer->inputs[index] : NULL;
}

bool
adze_infer_has_rank (const adze_infer *infer, size_t index)
{
  const adze_infer_value *in = adze_infer_in (infer, index);
  return in && in->rank >= 0;
}

adze_error *
adze_infer_refuse (const adze_infer *infer, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  ADZE_AUTO_FREE char *reason = adze_text_vformat (format, arguments);
  va_end (arguments);
  ADZE_AUTO (adze_buffer) who = { 0 };
  adze_graph_node_text (infer->node, &who);
  if (!reason || !who.data)
    return adze_error_memory ();
  return adze_error_new (ADZE_E_FORMAT, "%s: %s", who.data, reason);
}

/* ---- Answering. */

static adze_infer_value *
output_of (adze_infer *infer, size_t output)
{
  return output < infer->output_count && infer->outputs[output].given ? &infer->outputs[output]
                                                                      : NULL;
}

void
adze_infer_type (adze_infer *infer, size_t output, adze_dtype dtype)
{
  adze_infer_value *out = output_of (infer, output);
  if (out)
    out->dtype = dtype;
}

void
adze_infer_shape (adze_infer *infer, size_t output, int32_t rank, const int64_t *shape)
{
  adze_infer_value *out = output_of (infer, output);
  if (!out)
    return;
  out->rank = rank;
  for (int32_t i = 0; i < rank; i++)
    out->shape[i] = shape[i];
}

void
adze_infer_rank (adze_infer *infer, size_t output, int32_t rank)
{
  adze_infer_value *out = output_of (infer, output);
  if (!out)
    return;
  out->rank = rank;
  for (int32_t i = 0; i < rank; i++)
    out->shape[i] = infer->fresh (infer->argument);
}

void
adze_infer_shape_like (adze_infer *infer, size_t output, size_t input)
{
  const adze_infer_value *in = adze_infer_in (infer, input);
  if (in && in->rank >= 0)
    adze_infer_shape (infer, output, in->rank, in->shape);
}

void
adze_infer_like (adze_infer *infer, size_t output, size_t input)
{
  const adze_infer_value *in = adze_infer_in (infer, input);
  if (!in)
    return;
  adze_infer_type (infer, output, in->dtype);
  adze_infer_shape_like (infer, output, input);
}

/* ---- One node. */

/* Called when nothing runs yet: a symbol of the graph. */
static int64_t
symbol_of_graph (void *argument)
{
  int64_t dimension = -1;
  ADZE_AUTO_ERROR error = adze_graph_add_symbol (argument, NULL, &dimension);
  return error ? -1 : dimension;
}

/* Called while it runs: what is not known then is an error that the caller sees by this number. */
static int64_t
no_symbol (void *argument)
{
  (void)argument;
  return -1;
}

/* Operators of ONNX's own on what no value of a graph can be. */
static const char *
why_left_out (const adze_graph_node *node)
{
  static const char *const names[]
      = { "ConcatFromSequence", "Optional",      "OptionalGetElement", "OptionalHasElement",
          "SequenceAt",         "SequenceConstruct", "SequenceEmpty",  "SequenceErase",
          "SequenceInsert",     "SequenceLength", "SequenceMap",       "SplitToSequence",
          "StringNormalizer" };
  for (size_t i = 0; !node->domain[0] && i < ADZE_COUNT_OF (names); i++)
    if (strcmp (node->op, names[i]) == 0)
      return "it works on sequences, optionals or texts, which are not supported";
  return NULL;
}

static adze_error *
unknown_operator (const adze_graph_node *node)
{
  ADZE_AUTO (adze_buffer) who = { 0 };
  adze_graph_node_text (node, &who);
  const char *why = why_left_out (node);
  if (why)
    return adze_error_new (ADZE_E_UNSUPPORTED, "%s: %s", who.data ? who.data : "a node", why);
  adze_error *error = adze_error_new (
      ADZE_E_UNSUPPORTED, "%s: there is no operator of this name at opset %d",
      who.data ? who.data : "a node", ADZE_GRAPH_OPSET);
  adze_error_set (error, "hint", "docs/operators.md lists those that there are");
  return error;
}

static adze_error *
check_counts (const adze_graph_node *node, const adze_operator *operator)
{
  size_t inputs = node->input_count - node->captured_count;
  if (node->captured_count > node->input_count)
    return adze_error_new (ADZE_E_FORMAT, "a node (%s) has %zu inputs, and takes %zu from around "
                                          "it",
                           node->op, node->input_count, node->captured_count);
  bool many = (operator->most_inputs != 255 && inputs > operator->most_inputs)
              || (operator->most_outputs != 255 && node->output_count > operator->most_outputs);
  if (!many && inputs >= operator->least_inputs && node->output_count >= operator->least_outputs)
    return NULL;
  ADZE_AUTO (adze_buffer) who = { 0 };
  adze_graph_node_text (node, &who);
  return adze_error_new (ADZE_E_FORMAT,
                         "%s has %zu inputs and %zu outputs; the operator takes %u to %u and gives "
                         "%u to %u",
                         who.data ? who.data : "a node", inputs, node->output_count,
                         operator->least_inputs, operator->most_inputs, operator->least_outputs,
                         operator->most_outputs);
}

/* Bytes of an output must be a number that memory can have, whatever an attribute says. */
static adze_error *
check_sizes (const adze_infer *infer)
{
  for (size_t i = 0; i < infer->output_count; i++) {
    const adze_infer_value *out = &infer->outputs[i];
    int64_t bytes = out->dtype.bits > 8 ? out->dtype.bits / 8 : 1;
    bool fits = true;
    for (int32_t d = 0; d < out->rank; d++)
      fits = fits && !(out->shape[d] > 0 && __builtin_mul_overflow (bytes, out->shape[d], &bytes));
    if (fits)
      continue;
    ADZE_AUTO (adze_buffer) shape = { 0 };
    adze_shape_text (out->rank, out->shape, &shape);
    return adze_infer_refuse (infer, "output %zu would be of shape %s, which is more than memory "
                              "can hold", i, shape.data ? shape.data : "?");
  }
  return NULL;
}

static adze_error *
infer_node (adze_infer *infer)
{
  const adze_operator *operator = adze_operator_find (infer->node->domain, infer->node->op);
  if (!operator)
    return unknown_operator (infer->node);
  ADZE_TRY (check_counts (infer->node, operator));
  for (size_t i = 0; i < operator->least_inputs; i++)
    if (!infer->inputs[i].given)
      return adze_infer_refuse (infer, "input %zu is left out, and the operator needs it", i);
  ADZE_TRY (adze_infer_check_attributes (infer, operator));
  ADZE_TRY (adze_infer_check_types (infer, operator));
  ADZE_TRY (operator->infer (infer));
  return check_sizes (infer);
}

adze_error *
adze_graph_check_operators (const adze_graph *graph)
{
  for (size_t n = 0; n < graph->node_count; n++) {
    const adze_graph_node *node = graph->nodes[n];
    if (!node)
      continue;
    adze_infer infer = { .node = node };
    const adze_operator *operator = adze_operator_find (node->domain, node->op);
    if (!operator)
      return unknown_operator (node);
    ADZE_TRY (check_counts (node, operator));
    ADZE_TRY (adze_infer_check_attributes (&infer, operator));
    for (size_t i = 0; i < node->attribute_count; i++)
      if (node->attributes[i].type == ADZE_ATTRIBUTE_GRAPH)
        ADZE_TRY (adze_graph_check_operators (node->attributes[i].graph));
  }
  return NULL;
}

adze_error *
adze_node_infer (const adze_graph_node *node, const adze_infer_value *inputs,
                 adze_infer_value *outputs)
{
  adze_infer infer = { .node = node,
                       .inputs = inputs,
                       .input_count = node->input_count,
                       .outputs = outputs,
                       .output_count = node->output_count,
                       .fresh = no_symbol };
  return infer_node (&infer);
}

/* ---- A graph. */

static void
known_of (const adze_graph *graph, uint32_t number, adze_infer_value *into)
{
  *into = (adze_infer_value){ .rank = ADZE_UNKNOWN_RANK, .given = number != ADZE_NONE };
  const adze_graph_value *value = adze_graph_value_at (graph, number);
  if (!value)
    return;
  into->dtype = value->dtype;
  into->rank = value->rank;
  into->data = value->data;
  for (int32_t i = 0; i < value->rank; i++)
    into->shape[i] = value->shape[i];
}

/* What was declared and what was found out, put together. */
static adze_error *
settle (adze_graph *graph, const adze_graph_node *node, size_t index, const adze_infer_value *found)
{
  adze_graph_value *value = graph->values[node->outputs[index]];
  adze_infer infer = { .node = node };
  adze_dtype dtype = found->dtype.bits ? found->dtype : value->dtype;
  if (found->dtype.bits && value->dtype.bits
      && memcmp (&found->dtype, &value->dtype, sizeof dtype) != 0)
    return adze_infer_refuse (&infer, "gives '%s' as %s, and the graph says that it is %s",
                              value->name, adze_dtype_name (found->dtype),
                              adze_dtype_name (value->dtype));
  if (found->rank < 0)
    return adze_graph_set_type (graph, node->outputs[index], dtype, value->rank, value->shape);
  int64_t shape[ADZE_GRAPH_RANK];
  bool conflict = value->rank >= 0 && value->rank != found->rank;
  for (int32_t i = 0; i < found->rank; i++) {
    int64_t said = value->rank == found->rank ? value->shape[i] : -1;
    conflict = conflict || (said >= 0 && found->shape[i] >= 0 && said != found->shape[i]);
    shape[i] = found->shape[i] >= 0 || value->rank < 0 ? found->shape[i] : said;
  }
  if (!conflict)
    return adze_graph_set_type (graph, node->outputs[index], dtype, found->rank, shape);
  ADZE_AUTO (adze_buffer) is = { 0 };
  ADZE_AUTO (adze_buffer) said = { 0 };
  adze_shape_text (found->rank, found->shape, &is);
  adze_shape_text (value->rank, value->shape, &said);
  return adze_infer_refuse (&infer, "gives '%s' the shape %s, and the graph says that it is %s",
                            value->name, is.data ? is.data : "?", said.data ? said.data : "?");
}

/* What is wrong with a node, with the tensors that it is about in front of it: a shape alone tells nobody where it
 * comes from. */
static adze_error *
with_inputs (const adze_graph *graph, const adze_graph_node *node, adze_error *error)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  if (!error || adze_error_status (error) == ADZE_E_MEMORY || node->input_count == 0)
    return error;
  adze_graph_node_text (node, &text);
  const char *between = " cannot take";
  for (size_t i = 0; i < node->input_count; i++) {
    const adze_graph_value *value = adze_graph_value_at (graph, node->inputs[i]);
    if (!value)
      continue;
    adze_buffer_format (&text, "%s '%s'", between, value->name);
    between = ",";
    if (value->dtype.bits)
      adze_buffer_format (&text, " %s", adze_dtype_name (value->dtype));
    if (value->rank >= 0) {
      adze_buffer_text (&text, " ");
      adze_shape_text (value->rank, value->shape, &text);
    }
  }
  return text.failed ? error : adze_error_wrap (error, "%s", text.data);
}

adze_error *
adze_graph_infer_node (adze_graph *graph, const adze_graph_node *node)
{
  size_t inputs = node->input_count, outputs = node->output_count;
  ADZE_AUTO_FREE adze_infer_value *values = calloc (inputs + outputs + 1, sizeof *values);
  if (!values)
    return adze_error_memory ();
  for (size_t i = 0; i < inputs; i++)
    known_of (graph, node->inputs[i], &values[i]);
  for (size_t i = 0; i < outputs; i++)
    values[inputs + i] = (adze_infer_value){ .rank = ADZE_UNKNOWN_RANK,
                                             .given = node->outputs[i] != ADZE_NONE };
  adze_infer infer = { .node = node,
                       .inputs = values,
                       .input_count = inputs,
                       .outputs = values + inputs,
                       .output_count = outputs,
                       .fresh = symbol_of_graph,
                       .argument = graph };
  ADZE_TRY (adze_infer_bodies (graph, node, values));
  ADZE_TRY (with_inputs (graph, node, infer_node (&infer)));
  for (size_t i = 0; i < outputs; i++)
    if (node->outputs[i] != ADZE_NONE)
      ADZE_TRY (settle (graph, node, i, &values[inputs + i]));
  return NULL;
}

static adze_error *
not_made (const adze_graph *graph, uint32_t value)
{
  const char *name = graph->values[value]->name;
  ADZE_AUTO (adze_buffer) text = { 0 };
  for (size_t n = 0; n < graph->node_count; n++) {
    const adze_graph_node *node = graph->nodes[n];
    for (size_t i = 0; node && i < node->input_count; i++)
      if (node->inputs[i] == value) {
        adze_graph_node_text (node, &text);
        return adze_error_new (ADZE_E_FORMAT,
                               "%s of graph '%s' takes the value '%s', which no node makes, and which "
                               "is neither an input nor a weight", text.data ? text.data : "a node",
                               graph->name, name);
      }
  }
  return adze_error_new (ADZE_E_FORMAT,
                         "graph '%s' gives the value '%s', which no node makes, and which is neither an "
                         "input nor a weight", graph->name, name);
}

static adze_error *check_made (const adze_graph *graph);

/* Whichever branch is taken, and whether any is. */
static adze_error *
check_bodies (const adze_graph_node *node)
{
  for (size_t i = 0; i < node->attribute_count; i++) {
    const adze_graph *body = node->attributes[i].graph;
    adze_error *error = body ? check_made (body) : NULL;
    ADZE_AUTO (adze_buffer) who = { 0 };
    if (!error)
      continue;
    adze_graph_node_text (node, &who);
    return adze_error_wrap (error, "a body of %s cannot be computed", who.data ? who.data : "a node");
  }
  return NULL;
}

static adze_error *
check_made (const adze_graph *graph)
{
  for (size_t i = 0; i < graph->value_count; i++) {
    const adze_graph_value *value = graph->values[i];
    if (value->role == ADZE_ROLE_NODE && value->node == ADZE_NONE
        && (adze_graph_uses (graph, (uint32_t)i) || adze_graph_gives (graph, (uint32_t)i)))
      return not_made (graph, (uint32_t)i);
  }
  for (size_t n = 0; n < graph->node_count; n++)
    if (graph->nodes[n])
      ADZE_TRY (check_bodies (graph->nodes[n]));
  return NULL;
}

adze_error *
adze_graph_infer (adze_graph *graph)
{
  const uint32_t *order;
  size_t count;
  ADZE_TRY (adze_graph_order (graph, &order, &count));
  for (size_t i = 0; i < count; i++)
    ADZE_TRY (adze_graph_infer_node (graph, graph->nodes[order[i]]));
  return NULL;
}

adze_error *
adze_graph_verify (adze_graph *graph)
{
  ADZE_TRY (check_made (graph));
  return adze_graph_infer (graph);
}
