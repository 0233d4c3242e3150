/* SPDX-License-Identifier: Apache-2.0 */
/* graph/codes.c: nodes tell what weights are to them: DequantizeLinear multiplies codes by scales, ConvInteger takes codes
 * and zero points, what its sums are multiplied by are scales, and so is what bytes are multiplied by; what they choose
 * from is a book. From there one goes back to the weights. */
#include "graph/codes.h"

#include <string.h>

#include "graph/graph_private.h"

/* ---- Nodes. */

/* Inputs of operators that are codes, or say what codes stand for: a bit for each. */
static uint32_t
inputs_of (const adze_graph_node *node)
{
  static const struct {
    const char *op;
    uint32_t inputs;
  } known[] = { { "QuantizeLinear", 6 },      { "DequantizeLinear", 7 }, { "ConvInteger", 15 }, { "MatMulInteger", 15 },
                { "QLinearMatMul", 255 }, { "QLinearConv", 511 } };
  for (size_t i = 0; !node->domain[0] && i < ADZE_COUNT_OF (known); i++)
    if (strcmp (node->op, known[i].op) == 0)
      return known[i].inputs;
  return 0;
}

static bool
is_one_of (const adze_graph_node *node, const char *const *operators, size_t count)
{
  bool found = false;
  for (size_t i = 0; node && !node->domain[0] && !found && i < count; i++)
    found = strcmp (node->op, operators[i]) == 0;
  return found;
}

/* Does it give elements of its first input, wherever they come to lie and of whatever type? */
static bool
moves (const adze_graph_node *node)
{
  static const char *const operators[] = { "Cast", "Expand",  "Flatten", "Gather",  "Identity",  "Pad",
                                           "Reshape", "Slice", "Split",   "Squeeze", "Transpose", "Unsqueeze" };
  return is_one_of (node, operators, ADZE_COUNT_OF (operators));
}

static bool
is (const adze_graph_node *node, const char *op)
{
  return is_one_of (node, &op, 1);
}

static const adze_graph_node *
maker (const adze_graph *graph, uint32_t value)
{
  const adze_graph_value *v = adze_graph_value_at (graph, value);
  return v && v->role == ADZE_ROLE_NODE && v->node != ADZE_NONE ? adze_graph_node_at (graph, v->node) : NULL;
}

/* Networks come here as their files have them: with too few inputs, too. */
static uint32_t
input_of (const adze_graph_node *node, size_t number)
{
  return number < node->input_count ? node->inputs[number] : ADZE_NONE;
}

/* Sums of products of codes, made floats or not yet. */
static bool
is_sum_of_codes (const adze_graph *graph, uint32_t value)
{
  const adze_graph_node *node = maker (graph, value);
  if (is (node, "Cast"))
    node = maker (graph, input_of (node, 0));
  return is (node, "ConvInteger") || is (node, "MatMulInteger");
}

static bool
is_of_bytes (const adze_graph_value *value)
{
  return value && value->role == ADZE_ROLE_WEIGHT && value->dtype.code != ADZE_BOOL && value->dtype.bits > 0
         && value->dtype.bits <= 8;
}

/* No quantiser has more moves in a row. */
enum { MOVES_MOST = 64 };

/* What lies in front of all that moves VALUE. */
static uint32_t
origin_of (const adze_graph *graph, uint32_t value)
{
  const adze_graph_node *from = maker (graph, value);
  for (size_t steps = 0; moves (from) && steps < MOVES_MOST; steps++) {
    value = input_of (from, 0);
    from = maker (graph, value);
  }
  return value;
}

/* Does it choose numbers from a book, by bytes of the model? */
static bool
chooses (const adze_graph *graph, const adze_graph_node *node)
{
  return is (node, "Gather") && is_of_bytes (adze_graph_value_at (graph, origin_of (graph, input_of (node, 1))));
}

/* Bytes of the model, made other numbers, less a zero point, or numbers that they choose. */
static bool
comes_of_bytes (const adze_graph *graph, uint32_t value)
{
  for (size_t steps = 0; steps <= MOVES_MOST; steps++) {
    const adze_graph_node *from = maker (graph, value);
    if (chooses (graph, from))
      return true;
    if (!moves (from) && !is (from, "Sub"))
      return is_of_bytes (adze_graph_value_at (graph, value));
    value = input_of (from, 0);
  }
  return false;
}

/* An operator of somebody else's that takes bytes: what its other weights are nobody knows, but that they go with these. */
static bool
takes_bytes (const adze_graph *graph, const adze_graph_node *node)
{
  bool found = false;
  for (size_t i = 0; node->domain[0] && !found && i < node->input_count; i++)
    found = is_of_bytes (adze_graph_value_at (graph, node->inputs[i]));
  return found;
}

/* ---- Back to the weights. */

typedef struct search {
  const adze_graph *graph;
  uint32_t *marks; /* of each value, the node that takes it so, or ADZE_NONE */
  uint32_t *open;  /* marked, and not looked behind yet */
  size_t count;
} search;

static void
search_cleanup (search *s)
{
  free (s->marks);
  free (s->open);
}

static adze_error *
begin (const adze_graph *graph, search *s)
{
  s->graph = graph;
  s->marks = malloc ((graph->value_count + 1) * sizeof *s->marks);
  s->open = malloc ((graph->value_count + 1) * sizeof *s->open);
  if (!s->marks || !s->open)
    return adze_error_memory ();
  for (size_t i = 0; i < graph->value_count; i++)
    s->marks[i] = ADZE_NONE;
  return NULL;
}

/* Once for each value, so that cycles end. */
static void
mark (search *s, uint32_t value, uint32_t node)
{
  if (value == ADZE_NONE || s->marks[value] != ADZE_NONE)
    return;
  s->marks[value] = node;
  s->open[s->count++] = value;
}

static void
look_behind (search *s)
{
  while (s->count > 0) {
    uint32_t value = s->open[--s->count];
    const adze_graph_node *from = maker (s->graph, value);
    bool all = is (from, "Concat") || is (from, "Mul") /* of scales */ || is (from, "Sub") /* a zero point */;
    size_t inputs = moves (from) ? 1 : all ? from->input_count : 0;
    for (size_t i = 0; i < inputs; i++)
      mark (s, input_of (from, i), s->marks[value]);
  }
}

/* All that NODE takes. */
static void
mark_all (search *s, const adze_graph_node *node)
{
  for (size_t i = 0; i < node->input_count; i++)
    mark (s, node->inputs[i], node->number);
}

/* What bytes are multiplied by, and what is taken from them. */
static void
mark_factors (search *s, const adze_graph_node *node)
{
  for (size_t i = 0; i < 2; i++) {
    uint32_t input = input_of (node, i);
    if (comes_of_bytes (s->graph, input))
      mark_all (s, node);
    else if (is (node, "Mul") && is_sum_of_codes (s->graph, input))
      mark (s, input_of (node, 1 - i), node->number);
  }
}

static void
mark_inputs (search *s, const adze_graph_node *node)
{
  uint32_t inputs = inputs_of (node);
  for (size_t i = 0; i < node->input_count && i < 32; i++)
    if (inputs >> i & 1)
      mark (s, node->inputs[i], node->number);
  if (takes_bytes (s->graph, node) || chooses (s->graph, node))
    mark_all (s, node);
  if (is (node, "Mul") || is (node, "Sub"))
    mark_factors (s, node);
  look_behind (s);
}

/* ---- The list. */

static adze_error *
add (const adze_graph *graph, uint32_t value, uint32_t node, adze_graph_codes *codes)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_graph_code *made = reallocarray (codes->items, codes->count + 1, sizeof *made);
  if (!made)
    return adze_error_memory ();
  codes->items = made;
  made += codes->count;
  *made = (adze_graph_code){ .name = strdup (adze_graph_value_at (graph, value)->name) };
  if (!made->name)
    return adze_error_memory ();
  codes->count++;
  adze_graph_node_text (adze_graph_node_at (graph, node), &text);
  return adze_buffer_finish (&text, &made->node);
}

/* Bodies take weights from around as inputs of the same name. */
static adze_error *
collect (const adze_graph *graph, bool is_body, adze_graph_codes *codes)
{
  ADZE_AUTO (search) s = { 0 };
  ADZE_TRY (begin (graph, &s));
  for (size_t i = 0; i < graph->node_count; i++)
    if (graph->nodes[i])
      mark_inputs (&s, graph->nodes[i]);
  for (uint32_t i = 0; i < graph->value_count; i++) {
    uint32_t role = graph->values[i]->role;
    if (s.marks[i] != ADZE_NONE && role != ADZE_ROLE_NODE && (is_body || role != ADZE_ROLE_INPUT))
      ADZE_TRY (add (graph, i, s.marks[i], codes));
  }
  for (size_t i = 0; i < graph->body_count; i++)
    ADZE_TRY (collect (graph->bodies[i], true, codes));
  return NULL;
}

static int
compare (const void *a, const void *b)
{
  return strcmp (((const adze_graph_code *)a)->name, ((const adze_graph_code *)b)->name);
}

adze_error *
adze_graph_find_codes (const adze_graph *graph, adze_graph_codes *codes)
{
  ADZE_TRY (collect (graph, false, codes));
  if (codes->count > 0)
    qsort (codes->items, codes->count, sizeof *codes->items, compare);
  return NULL;
}

const adze_graph_code *
adze_graph_code_of (const adze_graph_codes *codes, const char *name)
{
  const adze_graph_code key = { .name = (char *)name };
  return codes->count ? bsearch (&key, codes->items, codes->count, sizeof key, compare) : NULL;
}

void
adze_graph_codes_cleanup (adze_graph_codes *codes)
{
  for (size_t i = 0; i < codes->count; i++) {
    free (codes->items[i].name);
    free (codes->items[i].node);
  }
  free (codes->items);
  *codes = (adze_graph_codes){ 0 };
}
